"""What the tests of the program share: a lab of keys in a folder of its own, and calls of the program."""
import pathlib
import shutil
import subprocess
import tempfile

from tap import BUILD

PROGRAM = BUILD / "tools" / "sipveil"


class Lab:
    """with Lab() as lab: keys and files live in lab.folder and go with it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sipveil-test-"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return str(self.folder / name)

    def call(self, *words, octets=None):
        """Runs the program; standard input is `octets`. Returns exit code, standard output, error text."""
        done = subprocess.run([str(PROGRAM), *map(str, words)], cwd=self.folder, input=octets or b"",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "backslashreplace").strip()

    def must(self, *words, octets=None):
        code, out, text = self.call(*words, octets=octets)
        if code != 0:
            raise SystemExit("sipveil %s: exit code %d: %s" % (" ".join(map(str, words)), code, text))
        return out

    def make_keys(self, **certificates):
        """kek.jwk, ca/, and name.pem + name.crt for each name=(aor, algorithm)."""
        self.must("keygen", "kek", "--id", "lab-1", "-o", "kek.jwk")
        if certificates:
            self.must("keygen", "ca", "--name", "Test Lab", "-o", "ca")
        for name, (aor, algorithm) in certificates.items():
            self.must("keygen", "cert", "--ca", "ca", "--aor", aor, "--alg", algorithm,
                      "--cert-out", name + ".crt", "-o", name + ".pem")
