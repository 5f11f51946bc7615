"""What the compiler and the linker were asked for is in the library and the program."""
import platform
import re
import shutil

from tap import BUILD, Cases, run

BINARIES = [("libsipveil.so", BUILD / "lib" / "libsipveil.so", False), ("sipveil", BUILD / "tools" / "sipveil", True)]
OBJECTS = [("libsipveil.so", "lib/libsipveil*.p/*.o"), ("sipveil", "tools/sipveil.p/*.o")]


def readelf(option, path):
    return run("readelf", "-W", option, path).stdout


def judge(cases, name, path, is_program):
    header, segments, dynamic = readelf("-h", path), readelf("-l", path), readelf("-d", path)
    symbols = readelf("--dyn-syms", path)
    cases.case("%s: position independent" % name, [] if re.search(r"Type:\s+DYN", header) else header)
    if is_program:
        cases.case("%s: is a PIE" % name, [] if re.search(r"FLAGS_1.*\bPIE\b", dynamic) else dynamic)
    cases.case("%s: RELRO" % name, [] if "GNU_RELRO" in segments else segments)
    cases.case("%s: bound at start" % name, [] if re.search(r"\(FLAGS\).*BIND_NOW|FLAGS_1.*\bNOW\b", dynamic) else dynamic)
    stack = re.search(r"GNU_STACK.*", segments)
    cases.case("%s: no executable stack" % name, [] if stack and "RWE" not in stack.group(0) else segments)
    cases.case("%s: no segment writable and executable" % name, re.findall(r".*\bRWE\b.*", segments))
    cases.case("%s: stack protector" % name, [] if "__stack_chk_fail" in symbols else ["no __stack_chk_fail"])
    cases.case("%s: checked string functions" % name, [] if re.search(r"__\w+_chk\b", symbols) else ["no __*_chk"])
    cases.case("%s: no text relocations" % name, re.findall(r".*TEXTREL.*", dynamic))
    cases.case("%s: no search path" % name, [] if installed_form_has_none(dynamic) else dynamic)
    if re.search(r"Machine:.*X86-64", header) and shutil.which("objdump"):
        code = run("objdump", "-d", "--section=.text", path).stdout
        cases.case("%s: landing pads for indirect calls" % name, [] if "endbr64" in code else ["no endbr64"])


def judge_objects(cases, name, objects):
    """A linker marks the whole only if the C library's start files are marked too, which is the system's business."""
    notes = run("readelf", "-nW", *objects).stdout.replace("File: ", "\0").split("\0")
    unmarked = [text.split("\n")[0] for text in notes if text.strip() and not re.search(r"x86 feature:.*IBT.*SHSTK", text)]
    cases.case("%s: all its objects are ready for IBT and shadow stacks" % name, unmarked)


def installed_form_has_none(dynamic):
    """In the build folder meson gives a program a path relative to itself; nothing absolute may be there."""
    return not re.search(r"(RPATH|RUNPATH).*\[(?!\$ORIGIN)", dynamic)


def main():
    cases = Cases()
    if not shutil.which("readelf"):
        cases.skip("hardening of the binaries", "readelf is not installed")
        cases.leave()
    for name, path, is_program in BINARIES:
        if path.exists():
            judge(cases, name, path, is_program)
        else:
            cases.case("%s is there" % name, "not built: %s" % path.name)
    for name, pattern in OBJECTS if platform.machine() == "x86_64" else []:
        objects = sorted(BUILD.glob(pattern))
        if objects:
            judge_objects(cases, name, objects)
        else:
            cases.case("%s: its objects" % name, "none in the build folder")
    cases.leave()


if __name__ == "__main__":
    main()
