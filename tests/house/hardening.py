"""What the compiler and the linker were asked for is in the library and the program, and whoever builds them asks for it:
`meson setup` as it is, and as packagers call it."""
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile

from tap import BUILD, SOURCE, Cases, run

BINARIES = [("libsipveil.so", BUILD / "lib" / "libsipveil.so", False), ("sipveil", BUILD / "tools" / "sipveil", True)]
COMPILER = os.environ.get("CC", "cc")
# Of the compiler, where it has them; always; of the linker.
WANTED = ["-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection", "-ftrivial-auto-var-init=zero"]
ALWAYS = [re.compile(r"-D_FORTIFY_SOURCE=[23]"), re.compile(r"-fPI[CE]")]
# What a compiler may want beside a flag before it takes it: clang before 16.
BESIDE = {"-ftrivial-auto-var-init=zero": ["-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang"]}
LINKED = ["-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"]
SETUPS = [("as it is", [], {}),
          ("as packagers call it", ["--buildtype=plain", "--wrap-mode=nodownload"],
           {"CFLAGS": "-g -O2 -Wformat -Werror=format-security", "CPPFLAGS": "-Wdate-time -D_FORTIFY_SOURCE=2"})]
if shutil.which("clang"):
    SETUPS.append(("with clang", [], {"CC": "clang"}))
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
        # Without probes a frame over a page is one subtraction; with them each page is touched on the way.
        frames = [int(octets, 16) for octets in re.findall(r"sub +\$0x([0-9a-f]{4,8}),%rsp", code)] if takes(WANTED[1]) else []
        cases.case("%s: no frame steps over a guard page" % name, ["a frame of %d octets in one step" % size for size in frames if size > 4096])


def judge_objects(cases, name, objects):
    """A linker marks the whole only if the C library's start files are marked too, which is the system's business."""
    notes = run("readelf", "-nW", *objects).stdout.replace("File: ", "\0").split("\0")
    unmarked = [text.split("\n")[0] for text in notes if text.strip() and not re.search(r"x86 feature:.*IBT.*SHSTK", text)]
    cases.case("%s: all its objects are ready for IBT and shadow stacks" % name, unmarked)


def takes(flag, compiler=COMPILER):
    return any(compiles(compiler, [flag, *more]) for more in ([], BESIDE.get(flag, [])))


def compiles(compiler, flags):
    return subprocess.run(compiler.split() + flags + ["-Werror", "-x", "c", "-c", "-o", "/dev/null", "-"], input="int nothing;\n", text=True,
                          capture_output=True, check=False).returncode == 0


def judge_setup(cases, name, options, environment):
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(["meson", "setup", folder, str(SOURCE), "-Dtests=disabled", "-Dbench=disabled", "-Dman=disabled", *options],
                              env=dict(os.environ, **environment), capture_output=True, text=True, check=False)
        if made.returncode != 0:
            cases.case("meson setup %s" % name, made.stdout[-400:] + made.stderr[-400:])
            return
        commands = json.loads(pathlib.Path(folder, "compile_commands.json").read_text(encoding="utf-8"))
        rules = pathlib.Path(folder, "build.ninja").read_text(encoding="utf-8")
    wanted = [flag for flag in WANTED if takes(flag, environment.get("CC", COMPILER))]
    lacking = ["%s: %s" % (pathlib.Path(c["file"]).name, flag) for c in commands for flag in wanted if flag not in c["command"].split()]
    lacking += ["%s: %s" % (pathlib.Path(c["file"]).name, flag.pattern) for c in commands for flag in ALWAYS if not flag.search(c["command"])]
    cases.case("meson setup %s: every file is compiled with %s" % (name, ", ".join(wanted)), lacking or ([] if commands else ["none"]))
    linking = [block for block in rules.split("\nbuild ") if re.match(r"(lib/libsipveil\.so\.\S+|tools/sipveil): c_LINKER", block)]
    cases.case("meson setup %s: and linked with %s" % (name, ", ".join(LINKED)), ([] if len(linking) == 2 else ["%d links" % len(linking)]) + [
        flag for block in linking for flag in LINKED if flag not in block])


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
    for setup in SETUPS:
        judge_setup(cases, *setup)
    cases.leave()


if __name__ == "__main__":
    main()
