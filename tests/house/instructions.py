"""How many instructions of our own library a message costs: counted by callgrind, compared with
instructions.tsv. A row that grew by more than 5 % fails. libcrypto and the C library are not counted, so that
their versions make no difference; the compiler's does, so the figures name the one they are for.

    tests/house/instructions.py --write    keeps the figures of this build (build-check)
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from tap import BUILD, SOURCE, Cases, run

FIGURES = SOURCE / "tests" / "house" / "instructions.tsv"
TIMES = 20
GROWTH = 0.05
ROWS = ("kek-seal-1 kek-seal-16 kek-open-1 kek-open-16 ktri-open-1 kari-open-1 sign-p256 verify-p256-chain mine-16 "
        "open-message-kek seal-message-kek cek-reuse-open proxy-not-mine").split()


def why_not():
    """A reason not to count, or None: without the tools, or with flags that the figures are not for."""
    if shutil.which("valgrind") is None:
        return "no valgrind"
    if not (BUILD / "tests" / "bench" / "sipveil-bench").exists():
        return "the benchmark is not built"
    options = {o["name"]: o["value"] for o in json.loads((BUILD / "meson-info" / "intro-buildoptions.json").read_text())}
    if options["optimization"] != "2" or not options["debug"] or options["b_sanitize"] != "none" or options["b_coverage"]:
        return "the figures are for -O2 -g without sanitizers"
    if options["b_lto"] or options["b_pgo"] != "off" or options["c_args"]:
        return "the figures are for no further compiler flags"
    return None


def compiler():
    """GCC 12.2, as the compiler signed what it made."""
    comment = run("readelf", "-p", ".comment", str(BUILD / "tests" / "bench" / "sipveil-bench")).stdout
    # The C library's start files are in it too, whoever made the rest; they are GCC's.
    found = (re.search(r"(clang)[^\n]*?(\d+\.\d+)\.\d+", comment) or re.search(r"(GCC)[^\n]*?(\d+\.\d+)\.\d+", comment))
    return "%s %s" % found.groups() if found else "another compiler"


class Names:
    """callgrind writes a name once, as "(12) name", and then "(12)"."""

    def __init__(self):
        self.known = {}

    def __call__(self, text):
        number, _, name = text.partition(" ")
        if name:
            self.known[number] = name
        return self.known.get(number, "")


def own_cost(dump):
    """Self cost of what stands in files under lib/."""
    files, objects = Names(), Names()
    mine, total, skip = False, 0, False
    for line in dump.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(("fl=", "fi=", "fe=")):
            mine = re.search(r"(^|/)lib/[a-z0-9]+/[a-z0-9_]+\.[ch]$", files(line[3:])) is not None
        elif line.startswith(("cfi=", "cfl=")):
            files(line[4:])
        elif line.startswith("calls="):
            skip = True  # the next line is the cost of the callee
        elif line and line[0] in "0123456789+-*":
            if mine and not skip:
                total += int(line.split()[-1])
            skip = False
    return total


def count():
    """{row: instructions a message}"""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        made_with_header = pathlib.Path("/usr/include/valgrind/callgrind.h").exists()  # then the benchmark says when to begin
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=%s" % ("no" if made_with_header else "yes"), "--toggle-collect=time_of", "--dump-after=time_of",
                   "--callgrind-out-file=%s" % out, str(BUILD / "tests" / "bench" / "sipveil-bench"), "--loop", str(TIMES)] + ROWS
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                                timeout=150)
        dumps = sorted(pathlib.Path(folder).glob("out.*"), key=lambda p: int(p.suffix[1:]))
        if result.returncode != 0 or len(dumps) < len(ROWS):
            raise RuntimeError(result.stdout[-400:])
        return {row: own_cost(dump) / TIMES for row, dump in zip(ROWS, dumps)}


def read_figures():
    lines = FIGURES.read_text(encoding="utf-8").splitlines() if FIGURES.exists() else []
    made_by = lines[0].lstrip("# ") if lines else ""
    return made_by, {row: float(figure) for row, figure in (line.split("\t") for line in lines[1:])}


def write():
    found = count()
    text = "# %s\n" % compiler() + "".join("%s\t%.0f\n" % (row, found[row]) for row in ROWS)
    FIGURES.write_text(text, encoding="utf-8")
    print(text, end="")


def main():
    cases = Cases()
    made_by, figures = read_figures()
    reason = why_not() or ("the figures are for %s, this is %s" % (made_by, compiler()) if made_by != compiler() else None)
    if reason is not None:
        cases.skip("instructions a message costs", reason)
        cases.leave()
    cases.case("every row has its figure", sorted(set(ROWS) ^ set(figures)))
    found = count()
    for row in ROWS:
        before, now = figures.get(row, 0), found[row]
        print("# %s: %.0f, kept %.0f" % (row, now, before))
        cases.case(row, [] if now <= before * (1 + GROWTH) else
                   "%.0f instructions, %.1f %% more than the %.0f that are kept (tests/house/instructions.py --write after a look)"
                   % (now, 100 * (now / before - 1) if before else 100, before))
    cases.leave()


if __name__ == "__main__":
    write() if sys.argv[1:] == ["--write"] else main()
