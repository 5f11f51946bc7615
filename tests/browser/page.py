"""The page of inspect --html as a real browser draws it: not blank, in light and in dark, wide and narrow, harmless.

    tests/browser/page.py [FOLDER]     the pictures are left in FOLDER (default: page-pictures in the build), to be looked at
"""
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from lab import ALICE, BOB, BUILD, INVITE, OK, Cases, Lab, sipveil  # noqa: E402

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars"]
SCHEMES = {"light": ["--blink-settings=preferredColorScheme=1"], "dark": ["--blink-settings=preferredColorScheme=0"]}
EVIL = "</title></style><script>document.body.remove()</script><img src=x onerror=document.body.remove()>"

lab = Lab()
KEK = lab.kek("ims-ck-1")
CA = lab.authority()
SIGNER = lab.identity("alice", ALICE)
BOB_KEY = lab.identity("bob", BOB)


def browse(*arguments):
    profile = tempfile.mkdtemp(prefix="sipveil-browser-")
    try:
        return subprocess.run([BROWSER, *FLAGS, "--user-data-dir=" + profile, *map(str, arguments)], timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    finally:
        shutil.rmtree(profile, ignore_errors=True)


def paeth(left, up, corner):
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


def unfilter(kind, row, before, size):
    for i, octet in enumerate(row):
        left = row[i - size] if i >= size else 0
        corner = before[i - size] if i >= size else 0
        row[i] = (octet + (0, left, before[i], (left + before[i]) // 2, paeth(left, before[i], corner))[kind]) & 255
    return row


def pixels(path):
    """The rows of a PNG of 8 bits, each a list of (red, green, blue)."""
    octets, at, data = path.read_bytes(), 8, b""
    while at < len(octets):
        length, kind = struct.unpack(">I4s", octets[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", octets[at + 8:at + 18])
        elif kind == b"IDAT":
            data += octets[at + 8:at + 8 + length]
        at += 12 + length
    size, raw, rows = {2: 3, 6: 4}[colour], zlib.decompress(data), []
    before = bytearray(width * size)
    for y in range(height if depth == 8 else 0):
        start = y * (width * size + 1)
        before = unfilter(raw[start], bytearray(raw[start + 1:start + 1 + width * size]), before, size)
        rows.append([tuple(before[x:x + 3]) for x in range(0, width * size, size)])
    return rows


def palette(page, scheme):
    block = re.findall(r":root\{([^}]*)\}", page)[scheme == "dark"]
    return {name: tuple(bytes.fromhex(value)) for name, value in re.findall(r"--([a-z-]+):#([0-9a-f]{6})", block)}


def drawn(page, picture, scheme, wanted):
    """What is wrong with a picture: the ground, the kinds of layers that must be seen, nothing beyond the edge."""
    colours, rows = palette(page, scheme), pixels(picture)
    seen = {}
    for row in rows:
        for pixel in row:
            seen[pixel] = seen.get(pixel, 0) + 1
    wrong = [] if len(seen) > 50 else ["%d colours: there is no text" % len(seen)]
    if rows[1][1] != colours["page"]:
        wrong.append("the ground is %r, not %r" % (rows[1][1], colours["page"]))
    wrong += ["the colour %s covers %d pixels" % (name, seen.get(colours[name], 0)) for name in wanted
              if seen.get(colours[name], 0) < 300]
    if {row[-2] for row in rows} != {colours["page"]}:
        wrong.append("something reaches beyond the right edge")
    return wrong


def seal(*options, message=INVITE):
    return sipveil("seal", "--quiet", *options, stdin=message).out


def main():
    cases = Cases()
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else BUILD / "page-pictures"
    folder.mkdir(parents=True, exist_ok=True)
    lab.keygen("kek", "--id", EVIL, "-o", lab.path("evil.jwk"))
    both = seal("--to", KEK, "--to", lab.crt("bob"), "--sign-with", SIGNER, "--compress")
    wide, narrow = (760, 1000), (500, 1000)
    for name, message, options, (width, height), scheme, wanted in (
            ("recipient", both, ("--key", KEK, "--trust", CA), wide, "light", ("clear-tint", "open-tint", "sign-tint", "card")),
            ("recipient-dark", both, ("--key", KEK, "--trust", CA), wide, "dark", ("clear-tint", "open-tint", "sign-tint", "card")),
            ("outsider", both, (), wide, "light", ("clear-tint", "lock-tint", "lock")),
            ("refused-narrow", both, ("--key", BOB_KEY), narrow, "dark", ("bad-tint", "bad", "clear-tint")),
            ("hostile-narrow", seal("--to", lab.path("evil.jwk")), (), narrow, "light", ("clear-tint", "lock-tint"))):
        page = sipveil("inspect", "--html", *options, stdin=message)
        path, picture = lab.write(name + ".html", page.out), folder / (name + ".png")
        picture.unlink(missing_ok=True)
        done = browse(*SCHEMES[scheme], "--window-size=%d,%d" % (width, height), "--screenshot=%s" % picture, path.as_uri())
        wrong = [] if page.code == OK and done.returncode == 0 and picture.exists() else ["no picture: %r" % done.returncode]
        cases.case("%s, %s, %d wide: drawn in %s" % (name, scheme, width, picture),
                   wrong or drawn(page.out.decode(), picture, scheme, wanted))
    tree = browse("--dump-dom", (lab.folder / "hostile-narrow.html").as_uri()).stdout.decode("utf-8", "replace")
    cases.case("a browser finds no element of the message's own", [] if "</main>" in tree and "onerror=document" in tree and
               not re.search("<(script|img)|<[^>]*onerror", tree) else [tree])
    cases.leave()


if __name__ == "__main__":
    if BROWSER is None:
        print("skipped: chromium is not installed\n1..0 # SKIP chromium is not installed")
        sys.exit(0)
    main()
