"""ADV-213: when the program ends, no secret is in any memory that it could write: not in what was given back, not on the
stack. A module that is preloaded looks (scan_at_exit.c)."""
import base64
import json
import os
import re

from lab import ALICE, BOB, CANNOT_DECRYPT, INVITE, OK, Cases, Lab, sipveil

SCAN = os.environ.get("SIPVEIL_SCAN_AT_EXIT")

lab = Lab()
KEK, CA = lab.kek("ims-ck-1"), lab.authority()
ALICE_KEY, BOB_KEY = lab.identity("alice", ALICE), lab.identity("bob", BOB)
PASSWORD = lab.write("password", b"a password of some length\n", 0o600)


def scalar(path):
    """The private number of a key on P-256, and the line of the file that has most of it."""
    text = re.search(r"-----BEGIN PRIVATE KEY-----\n(.*?)-----END", path.read_text(), re.DOTALL).group(1)
    der = base64.b64decode(text)
    at = der.index(b"\x02\x01\x01\x04\x20") + 5
    return der[at:at + 32], text.split("\n")[1].encode()


def secrets():
    encoded = json.loads(KEK.read_text())["k"]
    found = {"the shared key": base64.urlsafe_b64decode(encoded + "=="), "the shared key as text": encoded.encode(),
             "the password": b"a password of some length", "the body": b"s=SECRET-SDP\r\nc=IN IP4"}
    for name, path in (("Alice's", ALICE_KEY), ("Bob's", BOB_KEY)):
        found["%s key" % name], found["%s key as text" % name] = scalar(path)
    return found


SECRETS = secrets()


def searched(*arguments, stdin=b""):
    """Runs the program; returns its result, and what was found at its end."""
    lab.write("secrets", b"".join(bytes([len(octets)]) + octets for octets in SECRETS.values()))
    # Bound at start: a function of a library that is bound at its first call has the vector registers put on the stack, with
    # what the last copy left in them. That is the dynamic linker's; docs/secrets.md says so.
    environment = dict(os.environ, LD_PRELOAD=SCAN, LD_BIND_NOW="1", SCAN_SECRETS=str(lab.path("secrets")),
                       SCAN_FOUND=str(lab.path("found")))
    result = sipveil(*arguments, stdin=stdin, env=environment)
    lines = [line.split(None, 2) for line in lab.path("found").read_text().splitlines()]
    lab.path("found").unlink()
    names = list(SECRETS)
    if len(lines) != len(names):
        return result, ["%d of %d were looked for" % (len(lines), len(names))]
    return result, ["%s: %s times, first in %s" % (names[int(number)], count, where) for number, count, where in lines if count != "0"]


def main():
    cases = Cases()
    if SCAN is None:
        cases.skip("ADV-213: what the program leaves", "the program is built with a sanitizer")
        cases.leave()
    runs = [("a shared key", ("--to", KEK), ("--key", KEK)),
            ("a password", ("--to", "pass:%s" % PASSWORD), ("--key", "pass:%s" % PASSWORD)),
            ("a certificate, signed and compressed", ("--to", lab.crt("bob"), "--sign-with", ALICE_KEY, "--compress"),
             ("--key", BOB_KEY, "--trust", CA))]
    for name, sealing, opening in runs:
        sealed, left = searched("seal", "--quiet", *sealing, stdin=INVITE)
        cases.case("ADV-213: nothing is left of sealing: %s" % name, left if sealed.code == OK else [repr(sealed)])
        opened, left = searched("open", "--quiet", *opening, stdin=sealed.out)
        cases.case("ADV-213: nothing is left of opening: %s" % name, left if opened.code == OK and b"SECRET-SDP" in opened.out else [repr(opened)])
        seen, left = searched("inspect", "--json", *opening[:2], stdin=sealed.out)
        cases.case("ADV-213: nothing is left of inspecting: %s" % name, left if seen.code == OK else [repr(seen)])
        changed = bytearray(sealed.out)
        changed[-40] ^= 1
        refused, left = searched("open", "--quiet", *opening, stdin=bytes(changed))
        cases.case("ADV-213: nothing is left of what was refused: %s" % name, left if refused.code == CANNOT_DECRYPT else [repr(refused)])
    cases.leave()


if __name__ == "__main__":
    main()
