"""Each cell of docs/interop.md that says yes still does, as far as the peers are installed (scripts/interop: all cells)."""
import sys

from lab import SOURCE, Cases, have

sys.path.insert(0, str(SOURCE / "tests" / "interop"))
from compare import words_of, worse_than  # noqa: E402
from kinds import kinds  # noqa: E402
from readers import ALL_READERS  # noqa: E402
from cell import YES  # noqa: E402
from report import all_peers, read_page, refuses_a_changed_octet, run_all  # noqa: E402
from world import World  # noqa: E402


def main():
    cases = Cases()
    text = (SOURCE / "docs" / "interop.md").read_text(encoding="utf-8")
    versions, states = read_page(text)
    wanted = {(group, kind.name) for group, rows in kinds().items() for kind in rows}
    cases.case("docs/interop.md has every kind and no other",
               sorted(": ".join(kind) for kind in wanted ^ {cell[:2] for cell in states}))
    cases.case("every no is explained in a footnote", [line for line in text.splitlines() if line.endswith("not explained")])
    if not have("openssl"):
        cases.skip("other implementations", "the openssl program is not installed: it makes the keys")
        cases.leave()
    world = World()
    peers, absent = all_peers(world)
    for name, why in absent.items():
        cases.skip(name, "%s: %s" % (name, why))
    for reader in ALL_READERS:
        if reader.absent() is not None:
            cases.skip(reader.name, reader.absent())
    for peer in peers:
        if versions.get(peer.name) != peer.version():
            print("# %s is of version %s, the page is about %s" % (peer.name, peer.version(), versions.get(peer.name)))
    for peer in peers:
        cases.case("control: %s refuses a changed octet under a signature" % peer.name, refuses_a_changed_octet(world, peer))
    cells = run_all(world, peers, lambda *cell: states.get(cell) == YES)
    worse = worse_than(text, peers, cells)
    for cell in sorted(cells):
        cases.case(words_of(cell), [line for line in worse if line.startswith(words_of(cell) + ": ")])
    cases.leave()


if __name__ == "__main__":
    main()
