"""What the tests of the program share: keys made once in a folder of its own, and the program run on octets."""
import atexit
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tap import BUILD, SOURCE, Cases  # noqa: E402

PROGRAM = os.environ.get("SIPVEIL_PROGRAM") or str(BUILD / "tools" / "sipveil")
ALICE, BOB = "sip:alice@atlanta.example.com", "sip:bob@biloxi.example.com"

# The exit codes of the program by name.
OK, IO, USAGE, MALFORMED, NO_KEY, CANNOT_DECRYPT, VERIFY, UNTRUSTED, MISMATCH, POLICY, ANSWER = range(11)

INVITE = b"\r\n".join([
    b"INVITE sip:bob@biloxi.example.com SIP/2.0",
    b"Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9",
    b"Max-Forwards: 70",
    b"From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl",
    b"To: Bob <sip:bob@biloxi.example.com>",
    b"Call-ID: 3848276298220188511@atlanta.example.com",
    b"CSeq: 1 INVITE",
    b"Contact: <sip:alice@client.atlanta.example.com;transport=tcp>",
    b"Subject: SECRET-SUBJECT",
    b"Content-Type: application/sdp",
    b"Content-Length: 138", b"",
    b"v=0", b"o=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com", b"s=SECRET-SDP",
    b"c=IN IP4 192.0.2.101", b"t=0 0", b"m=audio 49172 RTP/AVP 0", b""])


class Result:
    """What one run of the program gave."""

    def __init__(self, finished):
        self.code, self.out = finished.returncode, finished.stdout
        self.err = finished.stderr.decode("utf-8", "backslashreplace")

    def __repr__(self):
        return "exit %d, %d octets out, said: %s" % (self.code, len(self.out), self.err.strip())


def execute(command, stdin=b"", **options):
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60}
    settings.update(options)
    if "stdin" not in settings:
        settings["input"] = stdin
    return Result(subprocess.run([str(word) for word in command], **settings))


def sipveil(*arguments, **options):
    return execute([PROGRAM, *arguments], **options)


def tool(*command, **options):
    """Another program, which has to succeed."""
    result = execute(command, **options)
    if result.code != 0:
        raise RuntimeError("%s: %r" % (" ".join(str(word) for word in command), result))
    return result.out


def have(name):
    return shutil.which(name) is not None


class Lab:
    """A folder that goes away with the test, and the keys in it; a name is a path."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sipveil-test-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return self.folder / name

    def write(self, name, octets, mode=None):
        path = self.path(name)
        path.write_bytes(octets)
        if mode is not None:
            path.chmod(mode)
        return path

    def keygen(self, *arguments):
        result = sipveil("keygen", *arguments)
        if result.code != 0:
            raise RuntimeError("keygen %s: %r" % (arguments, result))

    def kek(self, name, *more):
        path = self.path(name + ".jwk")
        self.keygen("kek", "--id", name, *more, "-o", path)
        return path

    def authority(self, name="ca"):
        self.keygen("ca", "--name", name, "-o", self.path(name))
        return self.path(name) / "ca.pem"

    def identity(self, name, aor=None, ca="ca", *more):
        """A certificate with its key in NAME.pem, the certificate alone in NAME.crt."""
        who = ("--aor", aor) if aor else ("--host", name)
        self.keygen("cert", "--ca", self.path(ca), *who, *more, "--cert-out", self.path(name + ".crt"),
                    "-o", self.path(name + ".pem"))
        return self.path(name + ".pem")

    def crt(self, name):
        return self.path(name + ".crt")


def play(cases, scenarios, least, also=None):
    """Every step of every scenario is a case; a scenario that lost steps proves less than it did. also(name, run): more
    cases, while the run is there."""
    for name, scenario in sorted(scenarios.items()):
        run = scenario()
        try:
            for case, complaints in run.cases:
                cases.case("%s: %s" % (name, case), complaints)
            cases.case("%s: no step is missing" % name, [] if len(run.cases) >= least[name] else "%d cases" % len(run.cases))
            if also:
                also(name, run)
        finally:
            run.close()


def split(message):
    """Start line, header lines (unfolded lines stay apart: (name, raw)), body."""
    head, _, body = message.partition(b"\r\n\r\n")
    rows = re.split(rb"\r\n(?![ \t])", head)
    fields = [(re.match(rb"[^ \t:]+", row).group(0).lower(), row) for row in rows[1:]]
    return rows[0], fields, body


COMPACT = {b"c": b"content-type", b"l": b"content-length", b"e": b"content-encoding"}


def full_name(name):
    return COMPACT.get(name, name)


def value(row):
    return re.sub(rb"\s+", b" ", row.partition(b":")[2]).strip()


def join(start, rows, body):
    """A message; its Content-Length is made to fit."""
    rows = [row for row in rows if full_name(re.match(rb"[^ \t:]+", row).group(0).lower()) != b"content-length"]
    return b"\r\n".join([start, *rows, b"Content-Length: %d" % len(body), b"", b""]) + body


def outer(start, rows, content_type, body, *more):
    return join(start, [*rows, b"MIME-Version: 1.0", b"Content-Type: " + content_type, *more], body)


def substitute(message, old, new):
    """One place of the header is changed; nothing else is recomputed."""
    head, separator, body = message.partition(b"\r\n\r\n")
    if head.count(old) != 1:
        raise RuntimeError("%r stands %d times in the header" % (old, head.count(old)))
    return head.replace(old, new) + separator + body


def in_parallel(work, items):
    """The results of work(item), in order; the program is run by several at once."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        return list(pool.map(work, items))


def complaints_about(result, verb, code, *words, output=False):
    """What is wrong with a run that had to end with that code and say those words, once and clearly."""
    wrong = []
    if result.code != code:
        wrong.append("exit %d instead of %d: %s" % (result.code, code, result.err.strip()))
    if not output and result.out:
        wrong.append("%d octets of output on failure" % len(result.out))
    lines = [line for line in result.err.splitlines() if "warning: " not in line]
    said = [line for line in lines if line.startswith("sipveil %s: " % verb)]
    rest = [line for line in lines if line not in said]
    if len(said) != 1:
        wrong.append("%d lines say what is wrong: %s" % (len(said), result.err.strip()))
    if len(rest) > 1 or any(not line.startswith("hint: ") for line in rest):
        wrong.append("lines that are no hint: %s" % rest)
    wrong += ["does not say '%s': %s" % (word, result.err.strip()) for word in words if word not in result.err]
    if any(secret in result.err for secret in ("SECRET-SUBJECT", "SECRET-SDP")):
        wrong.append("plaintext on standard error: %s" % result.err)
    return wrong
