"""Runs the cells, and writes or reads the page."""
import concurrent.futures
import os
import re

from cell import NO, NONE, YES, Cell
from kinds import certs_only, kinds, ours_to, peer_to_ours, sealed
from peers import ALL
from readers import read_by_others
from world import Failed, Unsupported

OUT, BACK = "ours to the peer", "the peer's to ours"

HEAD = """# Interoperability

What other CMS implementations open and verify of ours, and we of theirs. Written by `scripts/interop`, which runs every cell
with keys and certificates that openssl makes for it; `./check` runs each cell again that says yes, `./check --full` all.

- %s, yes: `sipveil seal` made a message, the peer took off each layer, and octet for octet what was sealed came out.
- %s, yes: the peer made each layer, and `sipveil open` gave the message, octet for octet: decrypted, with every
  signature verified and its signer trusted, as `--require` asks. What is weak was named (`--allow-weak`), CBC that nothing
  signed was allowed (`--allow-unauthenticated`).
- no: it was run and did not work, and the footnote has the peer's own words. –: there is nothing to run.
- Ciphers, compression and nesting are run with the kind of recipient that the peer knows best.
- dumpasn1, tshark: outermost CMS object of ours without a warning or error; its type named and nothing malformed.

X25519 with BouncyCastle: it has the primitives and the structures, and no recipient made of them; `tests/interop/BouncyPeer.java`
puts them together by RFC 8418. Not asked: implementations that are libcrypto under another name (Perl's Crypt::SMIME, M2Crypto, Ruby).
""" % (OUT[0].upper() + OUT[1:], BACK[0].upper() + BACK[1:])


def run_cell(world, peer, kind, back, messages):
    """One cell, really run; messages keeps what seal wrote."""
    try:
        if kind.only and not back:
            return Cell(NONE, kind.only)
        if not kind.layers:
            certs_only(world, peer)
            return Cell(YES)
        transport = peer.transport_back if back else peer.transport
        if back:
            peer_to_ours(world, peer, kind, transport)
            return Cell(YES)
        key = (kind.group, kind.name, transport)
        if key not in messages:
            messages[key] = sealed(world, kind, transport)
        notes = ours_to(peer, kind, messages[key], transport)
        return Cell(YES, "%s: %s" % (peer.name, notes) if notes else "")
    except Unsupported as trouble:
        return Cell(NONE, "%s: %s" % (peer.name, trouble))
    except Failed as trouble:
        return Cell(NO, "%s: %s" % (peer.name, trouble))


def refuses_a_changed_octet(world, peer):
    """Control: that a peer's "verified" means something. (complaint, or none)"""
    kind = next(kind for kind in kinds()["Signatures"] if "opaque" in kind.name)
    message = sealed(world, kind, peer.transport).replace(b"a=one of a long", b"a=ONE of a long", 1)
    try:
        ours_to(peer, kind, message, peer.transport)
    except Unsupported:
        return []
    except Failed as trouble:
        return ["it does not look at the signature: %s" % trouble] if "other octets" in str(trouble) else []
    return ["it verifies what was changed"]


def run_peer(world, peer, chosen, messages):
    cells = {}
    try:
        for group, rows in kinds().items():
            for kind in rows:
                kind.group = group
                for back in (False, True):
                    if chosen(group, kind.name, back, peer.name):
                        cells[group, kind.name, back, peer.name] = run_cell(world, peer, kind, back, messages)
    finally:
        peer.close()
    return cells


def run_all(world, peers, chosen=lambda *cell: True):
    """{(group, kind, back, peer): cell}; the peers run beside each other."""
    cells, messages = {}, {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for done in pool.map(lambda peer: run_peer(world, peer, chosen, messages), peers):
            cells.update(done)
    cells.update(read_by_others(world, chosen))
    return cells


def all_peers(world):
    """(those that are here, {name: why it is not})"""
    here, absent = [], {}
    for kind in ALL:
        peer = kind(world)
        why = peer.absent()
        if why is None:
            here.append(peer)
        else:
            absent[peer.name] = "%s; packages: %s" % (why, peer.packages)
    return here, absent


# ---- the page ----

def row(cells):
    return "| %s |\n" % " | ".join(str(cell) for cell in cells)


NOT_HERE = "not asked"


def page(peers, readers, absent, cells):
    notes = {}

    def show(cell):
        if cell is None:
            return ""
        if not cell.words:
            return cell.state
        return "%s [%d]" % (cell.state, notes.setdefault(cell.footnote(), len(notes) + 1))

    text = HEAD + "\n## Peers\n\n" + row(("peer", "version", "Debian packages", "how")) + row(["---"] * 4)
    for peer in [*peers, *readers]:
        text += row((peer.name, peer.version(), "`%s`" % peer.packages, peer.note))
    for name, why in absent.items():
        text += row((name, NOT_HERE, "", why))
    for group, rows in kinds().items():
        for back, direction in ((False, OUT), (True, BACK)):
            names = [peer.name for peer in peers] + ([] if back else [reader.name for reader in readers])
            if all(cells.get((group, kind.name, back, name), Cell(NONE)).state == NONE for kind in rows for name in names):
                continue
            text += "\n## %s: %s\n\n" % (group, direction) + row(["kind", *names]) + row(["---"] * (len(names) + 1))
            for kind in rows:
                text += row([kind.name] + [show(cells.get((group, kind.name, back, name))) for name in names])
    text += "\n## Footnotes\n\n" + "".join("%d. %s\n" % (number, note) for note, number in notes.items())
    yes = sum(cell.state == YES for cell in cells.values())
    no = sum(cell.state == NO for cell in cells.values())
    return text + "\n%d cells say yes, %d no, %d have nothing to run.\n" % (yes, no, len(cells) - yes - no)


def read_page(text):
    """({peer: version}, {(group, kind, back, peer): state}) of a page."""
    versions, states = {}, {}
    for section in text.split("\n## ")[1:]:
        title, _, rest = section.partition("\n")
        lines = [[word.strip() for word in line.strip("|").split("|")] for line in rest.splitlines() if line.startswith("|")]
        if title == "Peers":
            versions = {line[0]: line[1] for line in lines[2:]}
            continue
        group, _, direction = title.rpartition(": ")
        for line in lines[2:]:
            for name, cell in zip(lines[0][1:], line[1:]):
                states[group, line[0], direction == BACK, name] = re.sub(r" \[\d+\]$", "", cell)
    return versions, states
