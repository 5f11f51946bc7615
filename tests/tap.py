"""The few lines that every check of the house shares: cases printed as TAP, paths of the project."""
import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("SIPVEIL_SOURCE") or pathlib.Path(__file__).resolve().parents[1])
BUILD = pathlib.Path(os.environ.get("SIPVEIL_BUILD") or SOURCE / "build-check")


class Cases:
    """Prints each case as it is decided; leave() ends the program."""

    def __init__(self):
        self.count = self.bad = 0

    def case(self, name, complaints):
        """complaints: what is wrong, one line each; none: the case passed."""
        self.count += 1
        complaints = [complaints] if isinstance(complaints, str) else list(complaints)
        self.bad += bool(complaints)
        print("%sok %d - %s" % ("not " if complaints else "", self.count, name))
        for line in complaints:
            print("# " + str(line).replace("\n", "\n# "))
        sys.stdout.flush()

    def skip(self, name, reason):
        self.count += 1
        print("# skipped: %s\nok %d - %s # SKIP %s" % (reason, self.count, name, reason), flush=True)

    def leave(self):
        print("1..%d" % self.count)
        sys.exit(1 if self.bad else 0)


def run(*command, **options):
    """Runs a command without standard input; its output is text unless options say otherwise."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL,
                "text": True, "timeout": 100}
    settings.update(options)
    return subprocess.run([str(word) for word in command], **settings)


def tracked_files():
    """The files of the project: what git knows, or, without git, everything but what ./check and ./demo make."""
    try:
        listing = run("git", "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    except OSError:
        listing = None
    if listing is not None and listing.returncode == 0:
        names = [name for name in listing.stdout.split("\0") if name]
        return sorted(path for path in (SOURCE / name for name in names) if path.is_file())
    return sorted(path for path in SOURCE.rglob("*")
                  if path.is_file() and "__pycache__" not in path.parts and BUILD not in path.parents and
                  not re.match(r"build(-|$)|demo-work$|\.git$", path.relative_to(SOURCE).parts[0]))


def relative(path):
    return str(pathlib.Path(path).relative_to(SOURCE))
