"""The tree itself: sizes, licence lines, text files that are text, no path of somebody's machine."""
import os
import re
import shutil

from tap import SOURCE, Cases, relative, run, tracked_files

LINES_MOST = 900
WRITTEN = ("docs/errors.md", "docs/conformance.md")  # by a script, a line a text or rule
FUNCTION_MOST = 70       # a screen, as CONTRIBUTING says
TABLE_MOST = 100         # in tests, whose functions begin with the table of their cases
CODE = (".c", ".h")
TEXT = CODE + (".py", ".md", ".build", ".txt", ".scd", ".sh", ".tsv", ".yml", ".map", "")
SCRIPTS = ("check", "demo", "bench", "fuzz", ".ci/run", "scripts/setup", "scripts/run-tests")
# Home folders, temporary work folders and the like: they belong to a machine, not to the project.
MACHINE = re.compile(rb"(?<![\w.])/(home|Users|root|work|mnt|scratch|workspace)/[\w.-]+")
LICENCE = "/* SPDX-License-Identifier: BSD-2-Clause */"


def lines_of(path):
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def long_functions(path):
    start = None
    lines = lines_of(path)
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            if number - start - 1 > (TABLE_MOST if "tests" in path.relative_to(SOURCE).parts[:1] else FUNCTION_MOST):
                yield "%s:%d: %d lines: %s" % (relative(path), start - 1, number - start - 1, lines[start - 2])
            start = None


def is_text(path):
    return path.suffix in TEXT and "vectors" not in path.relative_to(SOURCE).parts[:1]


def main():
    cases = Cases()
    files = tracked_files()
    text = [path for path in files if is_text(path)]
    code = [path for path in files if path.suffix in CODE]
    cases.case("no file over %d lines" % LINES_MOST, [
        "%s: %d lines" % (relative(path), len(lines_of(path))) for path in text
        if len(lines_of(path)) > LINES_MOST and relative(path) not in WRITTEN])
    cases.case("no function over %d lines, in tests %d" % (FUNCTION_MOST, TABLE_MOST), [
        line for path in code if path.suffix == ".c" for line in long_functions(path)])
    cases.case("every source file begins with its licence", [
        relative(path) for path in code if lines_of(path)[:1] != [LICENCE]])
    cases.case("no tabs, no blanks at line ends, LF only", [
        "%s:%d" % (relative(path), number) for path in code
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1)
        if line.endswith((b" ", b"\t", b"\r")) or b"\t" in line])
    cases.case("no path of a machine", [
        "%s: %s" % (relative(path), match.group(0).decode()) for path in files
        for match in [MACHINE.search(path.read_bytes())] if match])
    cases.case("every private key of the tree says that it is for tests", [
        relative(path) for path in files
        if b"PRIVATE KEY-----\n" in path.read_bytes() and not test_only(path)])
    cases.case("the scripts can be run", [
        name for name in SCRIPTS if not os.access(SOURCE / name, os.X_OK)])
    if shutil.which("shellcheck"):
        shell = [path for path in files if path.read_bytes()[:12] in (b"#!/bin/bash\n", b"#!/bin/sh\n# ")]
        cases.case("shellcheck finds nothing", run("shellcheck", *shell).stdout.splitlines())
    cases.leave()


def test_only(path):
    """In the tests or vectors folder, or a line of documentation."""
    return path.relative_to(SOURCE).parts[0] in ("tests", "vectors", "docs")


if __name__ == "__main__":
    main()
