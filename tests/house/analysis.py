"""scripts/analyse finds what it is there to find, is quiet about what is sound, and every exception has its reason."""
import shutil
import tempfile
import pathlib

from tap import BUILD, SOURCE, Cases, run

ALLOWED = SOURCE / "scripts" / "analyse.allow"
SOUND = """#include <stdlib.h>
int main(void)
{
    int *numbers = calloc(4, sizeof *numbers);
    int first = numbers != NULL ? numbers[0] : 0;
    free(numbers);
    return first;
}
"""
TWICE = SOUND.replace("    return first", "    free(numbers);\n    return first")
BEYOND = "int main(void)\n{\n    int numbers[4] = {0};\n    return numbers[%s];\n}\n"


def analyse(*words):
    return run(SOURCE / "scripts" / "analyse", "--build", BUILD, *words)


def judge(cases, name, text, words, expected):
    """expected: what the finding says; empty: there is none."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "planted.c"
        source.write_text(text, encoding="utf-8")
        done = analyse(*words, source)
    right = done.returncode == (1 if expected else 0) and expected in done.stdout
    cases.case(name, [] if right else "exit code %d: %s" % (done.returncode, done.stdout))


def main():
    cases = Cases()
    if shutil.which("cppcheck"):
        judge(cases, "cppcheck: an index beyond the end is a finding", BEYOND % 4, ["--quick"], "arrayIndexOutOfBounds")
        judge(cases, "cppcheck: the last index is none", BEYOND % 3, ["--quick"], "")
    else:
        cases.skip("cppcheck", "cppcheck is not installed")
    if shutil.which("gcc") and shutil.which("cppcheck"):
        judge(cases, "gcc: what is freed twice is a finding", TWICE, [], "double-free")
        judge(cases, "gcc: what is freed once is none", SOUND, [], "")
    else:
        cases.skip("gcc -fanalyzer", "gcc or cppcheck is not installed")
    rows = [line.split("\t") for line in ALLOWED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    cases.case("analyse.allow: every row has a file that exists and a reason",
               [" ".join(row) for row in rows if len(row) != 5 or not (SOURCE / row[2]).is_file() or len(row[4].split()) < 4])
    cases.leave()


if __name__ == "__main__":
    main()
