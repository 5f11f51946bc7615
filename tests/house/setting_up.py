"""scripts/setup on machines that are made up: what it asks of apt, what it says, and that it installs nothing it would have to regret."""
import os
import pathlib
import tempfile

from tap import SOURCE, Cases, run

PROGRAMS = {
    "dpkg-query": 'case "$*" in *%(missing)s*) exit 1;; *Status*) printf installed;; *) printf %(here)s;; esac',
    "dpkg": 'shift; [ "$(printf "%%s\\n" "$1" "$3" | sort -V | head -n 1)" = "$1" ] && [ "$1" != "$3" ]',
    "apt-cache": 'printf "libssl3:\\n  Installed: (none)\\n  Candidate: %(offered)s\\n"',
    "apt-get": 'echo "$*" >> "$0.called"',
    "id": "echo 0",
}


def set_up(missing, here, offered):
    """Exit code and text of `scripts/setup build`, and the calls of apt-get."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in PROGRAMS.items():
            path = pathlib.Path(folder) / name
            path.write_text("#!/bin/sh\n" + text % {"missing": missing, "here": here, "offered": offered} + "\n")
            path.chmod(0o755)
        result = run(SOURCE / "scripts" / "setup", "build", env=dict(os.environ, PATH="%s:%s" % (folder, os.environ["PATH"])))
        called = pathlib.Path(folder) / "apt-get.called"
        return result.returncode, result.stdout, called.read_text() if called.exists() else ""


def main():
    cases = Cases()
    code, text, calls = set_up("nothing-at-all", "3.0.22-1", "3.0.22-1")
    cases.case("nothing is missing: no word and no network", [] if (code, text, calls) == (0, "", "") else [code, text, calls])
    code, text, calls = set_up("zlib1g-dev", "3.0.22-1", "3.0.20-1")
    good = code == 0 and "installing: zlib1g-dev" in text and " zlib1g-dev" in calls
    cases.case("what is missing is named and installed", [] if good else [code, text, calls])
    for name, missing, here in (("no libcrypto, and apt has an old one", "libssl3", ""), ("an old libcrypto, and apt has none newer", "nothing-at-all", "3.0.20-1")):
        code, text, calls = set_up(missing, here, "3.0.20-1")
        good = (code == 1 and "deb http://security.debian.org/debian-security " in text and "nothing was installed" in text and
                "install" not in calls.split())
        cases.case(name + ": it says which line to add, before it installs anything", [] if good else [code, text, calls])
    cases.leave()


if __name__ == "__main__":
    main()
