"""What libsipveil.so offers is what symbols.txt says, no more and no less."""
import sys

from tap import BUILD, SOURCE, Cases, run

GOLDEN = SOURCE / "tests" / "house" / "symbols.txt"


def exported():
    listing = run("nm", "-D", "--defined-only", BUILD / "lib" / "libsipveil.so")
    if listing.returncode:
        return None, listing.stdout
    return sorted({line.split()[-1].partition("@")[0] for line in listing.stdout.splitlines()}), ""


def main():
    found, why = exported()
    if sys.argv[1:] == ["--write"] and found:
        GOLDEN.write_text("".join(name + "\n" for name in found), encoding="utf-8")
        return
    cases = Cases()
    if found is None:
        cases.case("libsipveil.so can be read", why)
        cases.leave()
    golden = GOLDEN.read_text(encoding="utf-8").split()
    cases.case("every exported name starts with sipveil_", [
        name for name in found if not name.startswith("sipveil_")])
    cases.case("nothing is exported that symbols.txt does not list", sorted(set(found) - set(golden)))
    cases.case("nothing is gone that symbols.txt lists", sorted(set(golden) - set(found)))
    public = "".join(path.read_text(encoding="utf-8") for path in (SOURCE / "lib/include/sipveil").glob("*.h"))
    cases.case("every exported name is declared in a public header", [
        name for name in found if name + "(" not in public])
    cases.leave()


if __name__ == "__main__":
    main()
