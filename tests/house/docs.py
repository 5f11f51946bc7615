"""The pages hold together: links lead somewhere, the index is complete, the versions agree."""
import re

from tap import SOURCE, Cases, relative

LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#]+)[^)]*\)")
PATH = re.compile(r"`((?:docs|lib|tests|tools|scripts|vectors)/[\w./-]+|\./[a-z]+)`")

C_BLOCK = re.compile(r"^```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages():
    return sorted(SOURCE.glob("*.md")) + sorted((SOURCE / "docs").rglob("*.md")) + [SOURCE / "tests" / "README.md"]


def broken(page):
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        if not (page.parent / target.strip("`")).exists():
            yield "%s: %s" % (relative(page), target)
    for target in PATH.findall(text):
        if not (SOURCE / target).exists() and "." in target.rpartition("/")[2]:
            yield "%s: %s" % (relative(page), target)


def main():
    cases = Cases()
    cases.case("every link and every path named in a page is there", [line for page in pages() for line in broken(page)])
    examples = "".join(path.read_text(encoding="utf-8") for path in sorted((SOURCE / "docs" / "examples").glob("*.[ch]")))
    shown = [(page, body) for page in pages() for body in C_BLOCK.findall(page.read_text(encoding="utf-8"))]
    cases.case("the C code of every page stands so in an example, which is built and run", ([] if shown else ["no page shows any"]) + [
        "%s: %s" % (relative(page), body.splitlines()[0]) for page, body in shown if body not in examples])
    index = (SOURCE / "docs" / "README.md").read_text(encoding="utf-8")
    cases.case("docs/README.md names every page", [
        relative(page) for page in (SOURCE / "docs").rglob("*.md") if page.name != "README.md" and page.name not in index])
    rooms = {path.name for path in (SOURCE / "lib").iterdir() if path.is_dir()} - {"include"}
    notes = {path.stem for path in (SOURCE / "docs" / "rooms").glob("*.md")}
    cases.case("every room has its design note", sorted(notes ^ (rooms | {"program"})))
    version = re.search(r"version: '([\d.]+)'", (SOURCE / "meson.build").read_text(encoding="utf-8")).group(1)
    changes = re.search(r"^## ([\d.]+)", (SOURCE / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE).group(1)
    cases.case("the newest entry of CHANGELOG.md is this version", [] if version == changes else [version, changes])
    cases.leave()


if __name__ == "__main__":
    main()
