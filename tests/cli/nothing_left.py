"""ADV-213: when the program ends, no secret is in any memory that it could write: not in what was given back, not on the
stack. A module that is preloaded looks (scan_at_exit.c)."""
import base64
import json
import os
import re
import threading

from lab import ALICE, BOB, CANNOT_DECRYPT, INVITE, OK, USAGE, Cases, Lab, sipveil, tool

SCAN = os.environ.get("SIPVEIL_SCAN_AT_EXIT")

lab = Lab()
KEK, CA = lab.kek("ims-ck-1"), lab.authority()
ALICE_KEY, BOB_KEY = lab.identity("alice", ALICE), lab.identity("bob", BOB)
PASSWORD = lab.write("password", b"a password of some length\n", 0o600)


PEM = re.compile(r"-----BEGIN PRIVATE KEY-----\n(.*?)-----END", re.DOTALL)


def der_of(path):
    return base64.b64decode(PEM.search(path.read_text()).group(1))


def scalar(path):
    """The private number of a key on P-256, and the line of the file that has most of it."""
    der = der_of(path)
    at = der.index(b"\x02\x01\x01\x04\x20") + 5
    return der[at:at + 32], PEM.search(path.read_text()).group(1).split("\n")[1].encode()


def of_curve(path):
    number, line = scalar(path)
    return {"the number": number, "the text": line}


def of_rsa(path):
    """Behind the modulus; what ends the DER is the CRT coefficient."""
    der = der_of(path)
    return {"the exponent": der[400:432], "the coefficient": der[-32:],
            "the text": PEM.search(path.read_text()).group(1).split("\n")[8].encode()}


def of_x25519(path):
    return {"the number": der_of(path)[-32:], "the text": PEM.search(path.read_text()).group(1).split("\n")[0][24:].encode()}


def of_kek(path):
    encoded = json.loads(path.read_text())["k"]
    return {"the key": base64.urlsafe_b64decode(encoded + "=="), "the text": encoded.encode()}


def secrets():
    encoded = json.loads(KEK.read_text())["k"]
    found = {"the shared key": base64.urlsafe_b64decode(encoded + "=="), "the shared key as text": encoded.encode(),
             "the password": b"a password of some length", "the body": b"s=SECRET-SDP\r\nc=IN IP4"}
    for name, path in (("Alice's", ALICE_KEY), ("Bob's", BOB_KEY)):
        found["%s key" % name], found["%s key as text" % name] = scalar(path)
    return found


SECRETS = secrets()


def write_secrets(found):
    lab.write("secrets", b"".join(bytes([len(octets)]) + octets for octets in found.values()))


def searched(*arguments, stdin=b"", made=None):
    """Runs the program; returns its result, and what was found at its end. made(): the secrets, where they are made by the run."""
    # Bound at start: a function of a library that is bound at its first call has the vector registers put on the stack, with
    # what the last copy left in them. That is the dynamic linker's; docs/secrets.md says so.
    environment = dict(os.environ, LD_PRELOAD=SCAN, LD_BIND_NOW="1", SCAN_SECRETS=str(lab.path("secrets")),
                       SCAN_FOUND=str(lab.path("found")))
    names = [] if made else list(SECRETS)
    fifo = lab.path("fifo")

    def tell():
        with open(fifo, "wb"):  # once the program is at its end
            found = made()
            write_secrets(found)
            names.extend(found)

    if made:
        environment["SCAN_WAIT"] = str(fifo)
        if not fifo.exists():
            os.mkfifo(fifo)
        threading.Thread(target=tell, daemon=True).start()
    else:
        write_secrets(SECRETS)
    result = sipveil(*arguments, stdin=stdin, env=environment)
    lines = [line.split(None, 2) for line in lab.path("found").read_text().splitlines()]
    lab.path("found").unlink()
    if len(lines) != len(names) or not names:
        return result, ["%d of %d were looked for" % (len(lines), len(names))]
    return result, ["%s: %s times, first in %s" % (names[int(number)], count, where) for number, count, where in lines if count != "0"]


def keys_that_are_made(cases):
    ca = lab.path("ca")
    runs = [("a shared key", ("kek",), lab.path("made.jwk"), of_kek, None),
            ("a CA", ("ca", "--name", "Made"), lab.path("made-ca"), of_curve, lab.path("made-ca") / "ca.key")]
    runs += [("a certificate's key, %s" % name, ("cert", "--ca", ca, "--aor", ALICE, "--alg", name), lab.path("made-%s.pem" % name), read, None)
             for name, read in (("p256", of_curve), ("rsa2048", of_rsa), ("x25519", of_x25519))]
    for name, arguments, output, read, key in runs:
        result, left = searched("keygen", *arguments, "-o", output, made=lambda: read(key or output))
        cases.case("ADV-213: nothing is left of making %s" % name, left if result.code == OK else [repr(result)])


def key_files(cases):
    """Keys that a passphrase opens; the passphrase itself is a secret, too."""
    secret, p12, pem = lab.write("passphrase", b"open, sesame, of some length\n", 0o600), lab.path("bob.p12"), lab.path("bob-encrypted.pem")
    tool("openssl", "pkcs12", "-export", "-in", BOB_KEY, "-inkey", BOB_KEY, "-passout", "file:%s" % secret, "-out", p12)
    tool("openssl", "pkcs8", "-topk8", "-in", BOB_KEY, "-passout", "file:%s" % secret, "-out", pem)
    pem.write_bytes(pem.read_bytes() + lab.crt("bob").read_bytes())
    p12.chmod(0o600)
    pem.chmod(0o600)
    SECRETS["the passphrase"] = b"open, sesame, of some length"
    sealed = sipveil("seal", "--quiet", "--to", lab.crt("bob"), stdin=INVITE)
    for name, path in (("a PKCS#12 file", p12), ("an encrypted PEM file", pem)):
        opened, left = searched("open", "--quiet", "--key", "%s,pass=file:%s" % (path, secret), stdin=sealed.out)
        cases.case("ADV-213: nothing is left of %s" % name, left if opened.code == OK and b"SECRET-SDP" in opened.out else [repr(opened)])
        wrong = lab.write("wrong", b"open, sesame, of some lengti\n", 0o600)
        refused, left = searched("open", "--quiet", "--key", "%s,pass=file:%s" % (path, wrong), stdin=sealed.out)
        cases.case("ADV-213: nothing is left of %s that was not opened" % name, left if refused.code == USAGE else [repr(refused)])


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
    keys_that_are_made(cases)
    key_files(cases)
    cases.leave()


if __name__ == "__main__":
    main()
