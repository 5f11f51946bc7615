"""Each installed header compiles alone, first and twice, as strict C11 and as C++17; each private one as C11."""
import os
import shlex
import shutil
import tempfile

from tap import SOURCE, Cases, run

INCLUDE = SOURCE / "lib" / "include"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic-errors", "-Wundef", "-Wshadow"]


def compile_alone(compiler, standard, header, suffix, folders, flags=()):
    text = '#include "%s"\n#include "%s"\nint main(void);\nint main(void) { return 0; }\n' % (header, header)
    with tempfile.NamedTemporaryFile("w", suffix=suffix) as source:
        source.write(text)
        source.flush()
        include = [word for folder in folders for word in ("-I", str(folder))]
        done = run(*compiler, "-std=" + standard, *WARNINGS, *flags, *include, "-fsyntax-only", source.name)
    return done.stdout if done.returncode else []


def needs_token_headers(path):
    """(flags, absent): what an optional library adds to the compiler's line."""
    if "<p11-kit/" not in path.read_text(encoding="utf-8"):
        return [], False
    answer = run("pkg-config", "--cflags", "p11-kit-1")
    return shlex.split(answer.stdout) if answer.returncode == 0 else [], answer.returncode != 0


def main():
    cases = Cases()
    cc = shlex.split(os.environ.get("CC", "cc"))
    cxx = shlex.split(os.environ.get("CXX", "c++"))
    headers = sorted("sipveil/" + path.name for path in (INCLUDE / "sipveil").glob("*.h"))
    cases.case("there are public headers", [] if headers else ["none under lib/include/sipveil"])
    for header in headers:
        cases.case("%s alone in C11" % header, compile_alone(cc, "c11", header, ".c", [INCLUDE]))
        if shutil.which(cxx[0]):
            cases.case("%s alone in C++17" % header, compile_alone(cxx, "c++17", header, ".cc", [INCLUDE]))
        else:
            cases.skip("%s alone in C++17" % header, "no C++ compiler")
    for path in sorted((SOURCE / "lib").glob("[!i]*/*.h")):
        name = "%s/%s" % (path.parent.name, path.name)
        flags, absent = needs_token_headers(path)
        if absent:
            cases.skip("private %s alone" % name, "the headers of p11-kit are not installed")
            continue
        cases.case("private %s alone" % name, compile_alone(
            cc, "gnu11", name, ".c", [SOURCE / "lib", INCLUDE], ["-D_GNU_SOURCE", "-Wno-unused-function", *flags]))
    cases.leave()


if __name__ == "__main__":
    main()
