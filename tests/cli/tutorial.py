"""The commands of docs/tutorial.md, docs/e2m.md and docs/ims.md work, in their order, and print what the page says they print.

A ```sh block is run as it stands. Each line of the ```text block after it must be a line of its output; "…" stands for
anything.
"""
import os
import re
import subprocess

from lab import PROGRAM, SOURCE, Cases, Lab

PAGES = ("tutorial.md", "e2m.md", "ims.md")
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text):
    """(commands, expected lines) in order."""
    found = []
    for kind, body in BLOCK.findall(text):
        if kind == "sh":
            found.append((body, []))
        else:
            found[-1][1].extend(body.splitlines())
    return found


def run_block(commands, folder):
    environment = dict(os.environ, PATH="%s:%s" % (os.path.dirname(PROGRAM), os.environ["PATH"]), LC_ALL="C.UTF-8")
    done = subprocess.run(["bash", "-u", "-c", "set -e\n" + commands], cwd=folder, env=environment, timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def absent(expected, output):
    lines = [line.rstrip("\r") for line in output.splitlines()]
    for line in expected:
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))) + "$")
        if line and not any(pattern.match(candidate) for candidate in lines):
            yield "not printed: " + line


def judge(cases, page):
    found = blocks((SOURCE / "docs" / page).read_text(encoding="utf-8"))
    cases.case("%s has commands" % page, [] if len(found) > 5 else ["%d blocks" % len(found)])
    lab = Lab()
    for commands, expected in found:
        code, output = run_block(commands, lab.folder)
        complaints = list(absent(expected, output))
        if code != 0:
            complaints.insert(0, "exit code %d" % code)
        if complaints:
            complaints.append("it printed:\n" + output)
        cases.case("%s: %s" % (page, commands.strip().splitlines()[0].replace("#", "")), complaints)


def main():
    cases = Cases()
    for page in PAGES:
        judge(cases, page)
    cases.leave()


if __name__ == "__main__":
    main()
