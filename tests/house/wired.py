"""No test lies beside the road: every test file is run by meson, every fuzz target has its seeds."""
import json

from tap import BUILD, SOURCE, Cases, relative

RUN_BY_OTHERS = {"token_threads.c"}  # programs that a script test runs
FOLDERS_OF_THEIR_OWN = {"bench", "browser", "fuzz", "interop", "vectors"}


def main():
    cases = Cases()
    tests = {test["name"] for test in json.loads((BUILD / "meson-info" / "intro-tests.json").read_text(encoding="utf-8"))}
    files = [path for path in sorted((SOURCE / "tests").glob("*/*")) if path.parent.name not in FOLDERS_OF_THEIR_OWN]
    cases.case("every unit test is run", [
        relative(path) for path in files
        if path.suffix == ".c" and path.name not in RUN_BY_OTHERS and "int main(" in path.read_text(encoding="utf-8") and
        "%s/%s" % (path.parent.name, path.stem) not in tests])
    cases.case("every script test is run", [
        relative(path) for path in files
        if path.suffix == ".py" and ".leave()" in path.read_text(encoding="utf-8") and
        "%s/%s" % (path.parent.name, path.stem) not in tests])
    targets = sorted((SOURCE / "lib").glob("*/fuzz_*.c"))
    seeded = [test for test in tests if test.startswith("fuzz-seeds/")]
    wiring = "".join(path.read_text(encoding="utf-8") for path in (SOURCE / "lib").glob("*/meson.build"))
    cases.case("every fuzz target is run over its seeds",
               [relative(path) for path in targets if "'%s'" % path.name not in wiring] +
               ([] if len(seeded) >= len(targets) else ["%d targets, %d seed runs" % (len(targets), len(seeded))]))
    known = {name.partition("/")[2] for name in seeded}
    cases.case("no seeds without a target", sorted(
        path.name for path in (SOURCE / "vectors" / "fuzz").glob("*") if path.is_dir() and path.name not in known))
    cases.leave()


if __name__ == "__main__":
    main()
