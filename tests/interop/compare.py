"""What ran now beside what docs/interop.md says."""
from cell import NO, NONE, YES
from reasons import reason_of
from report import NOT_HERE, read_page


def words_of(cell):
    group, kind, back, peer = cell
    return "%s: %s, %s" % (group, kind, "of %s to us" % peer if back else "ours to %s" % peer)


def worse_than(text, peers, cells):
    """One line for each cell that says yes on the page and not now, and each no that nobody explains. A peer of another
    version may lack things, and still may not fail without a known reason."""
    versions, states = read_page(text)
    same = {peer.name: versions.get(peer.name) == peer.version() for peer in peers}
    worse = []
    for cell, now in sorted(cells.items()):
        explained = now.state == NO and reason_of(now.words) is not None
        if now.state == NO and not explained:
            worse.append("%s: %s" % (words_of(cell), now.footnote()))
        elif states.get(cell) == YES and now.state != YES and same.get(cell[3], True):
            worse.append("%s: was yes, is %s: %s" % (words_of(cell), now.state, now.words))
        elif cell not in states and now.state != NONE and versions.get(cell[3]) != NOT_HERE:
            worse.append("%s: not on the page: run scripts/interop" % words_of(cell))
    return worse
