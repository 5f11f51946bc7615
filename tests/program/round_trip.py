"""Every message of our call flows, and every one that SIPp's built-in scenarios send, through seal and open.

A tunnel and a sipfrag come out octet for octet; of a payload start line, other header lines and body come out
octet for octet, and the Content-* fields with equal values (no body: exit code 2).
"""
import tempfile
import pathlib

from lab import Lab
from tap import SOURCE, Cases, run

FLOWS = SOURCE / "vectors" / "flows"
CAPTURE = SOURCE / "scripts" / "capture-sipp"
TRUST = ["--trust", "ca/ca.pem", "--no-verify-signer", "--date-window", "any"]  # any of the messages' senders
# name: options of seal, options of open; no --date here: unsigned messages are not touched by default
TUNNELS = {
    "shared key": (["--to", "kek.jwk"], ["--key", "kek.jwk", "--date-window", "any"]),
    "shared key, base64, compressed, CBC": (
        ["--to", "kek.jwk", "--encoding", "base64", "--compress", "--cipher", "aes-128-cbc"],
        ["--key", "kek.jwk", "--allow-unauthenticated"]),
    "profile of the P-CSCF": (["--to", "kek.jwk", "--profile", "pcscf"],
                              ["--key", "kek.jwk", "--profile", "pcscf", "--date-window", "any"]),
    "signed": (["--sign-with", "anna.pem", "--date", "none"], TRUST),
    "signed and opaque, three recipients": (
        ["--sign-with", "rsa.pem", "--opaque", "--date", "none", "--to", "kek.jwk", "--to", "anna.crt", "--to", "rsa.crt"],
        ["--key", "anna.pem"] + TRUST),
    "encrypted, then signed": (
        ["--sign-with", "anna.pem", "--date", "none", "--to", "rsa.crt", "--order", "encrypt-sign"],
        ["--key", "rsa.pem"] + TRUST),
}
# What the profile refuses to seal, and with which exit code.
HOP_BY_HOP = {"call-2-trying.sip": 9, "cancel-2-cancel.sip": 9, "cancel-3-ok.sip": 9}  # TUN-81
NO_STAND_IN = {"options-2-ok.sip": 3, "redirect-contacts.sip": 3, "register-4-ok.sip": 3}  # several URIs in a Contact row
# A compact Content-Encoding row moves into a part, where only the long name is MIME, and comes back with it.
RESPELLED = {"invite-compact.sip"}
CONTENT = (b"content-type", b"content-length", b"content-transfer-encoding", b"content-disposition",
           b"content-id", b"content-encoding", b"content-language", b"mime-version", b"c", b"l", b"e")


def is_large_message(octets, text):
    """TUN-59: a MESSAGE that outgrows UDP by being sealed is refused, whatever else is right."""
    return octets.startswith(b"MESSAGE ") and b"SIP/2.0/UDP" in octets and "1300" in text


def there_and_back(lab, label, octets, seal, opened, cases_of_size, refused=0):
    """None, or what went wrong. refused: the exit code that seal must give."""
    code, sealed, text = lab.call("seal", "-q", *seal, octets=octets)
    if refused:
        return None if code == refused and not sealed else "seal: exit code %d instead of %d" % (code, refused)
    if code == 9 and is_large_message(octets, text):
        cases_of_size.append(text)
        return None
    if code != 0:
        return "seal: exit code %d: %s" % (code, text)
    code, out, text = lab.call("open", "-q", *opened, octets=sealed)
    if code != 0:
        return "open: exit code %d: %s" % (code, text)
    if label in RESPELLED and "sipfrag" in seal:
        return judge_values(octets, out)
    return None if out == octets else "what came out differs: %r" % out[:2000]


def whole_messages(cases, lab, messages):
    too_large = []
    refusals = {**HOP_BY_HOP, **NO_STAND_IN}
    for name, (seal, opened) in TUNNELS.items():
        complaints = []
        for label, octets in messages:
            why = there_and_back(lab, label, octets, seal, opened, too_large, "pcscf" in seal and refusals.get(label, 0))
            if why:
                complaints.append("%s: %s" % (label, why))
        cases.case("tunnel, %s: %d messages come out octet for octet" % (name, len(messages)), complaints)
    cases.case("TUN-59: a sealed MESSAGE too large for UDP was refused, with a hint",
               [text for text in too_large if "hint:" not in text] or ([] if too_large else ["none was"]))
    complaints = []
    for label, octets in messages:
        why = there_and_back(lab, label, octets, ["--mode", "sipfrag", "--sign-with", "anna.pem", "--date", "none"],
                             TRUST, too_large)
        if why:
            complaints.append("%s: %s" % (label, why))
    cases.case("sipfrag: %d messages come out octet for octet" % len(messages), complaints)


def split(octets):
    """Start line, other header rows, Content-* as {name: value}, body."""
    head, _, body = octets.partition(b"\r\n\r\n")
    rows = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n")
    other, content = [], {}
    for row in rows[1:]:
        name = row.partition(b":")[0].strip().lower()
        if name in CONTENT:
            name = {b"c": b"content-type", b"l": b"content-length", b"e": b"content-encoding"}.get(name, name)
            content[name] = row.partition(b":")[2].strip()
        else:
            other.append(row)
    content.pop(b"content-length", None)  # the length itself is checked by the body that comes out
    content.pop(b"mime-version", None)
    return rows[0], other, content, body


def judge_values(octets, out):
    for what, before, after in zip(("start line", "header", "Content-*", "body"), split(octets), split(out)):
        if before != after:
            return "%s differs: %r, %r" % (what, before, after)
    return None


def payloads(cases, lab, messages):
    refused, complaints, done = [], [], 0
    for label, octets in messages:
        code, sealed, text = lab.call("seal", "-q", "--mode", "payload", "--to", "kek.jwk", octets=octets)
        if not split(octets)[3]:
            if code != 2 or sealed:
                refused.append("%s: exit code %d, %d octets: %s" % (label, code, len(sealed), text))
            continue
        done += 1
        if code != 0:
            complaints.append("%s: seal: exit code %d: %s" % (label, code, text))
            continue
        if split(octets)[3] in sealed:
            complaints.append("%s: the body is there in clear" % label)
        code, out, text = lab.call("open", "-q", "--key", "kek.jwk", octets=sealed)
        why = "open: exit code %d: %s" % (code, text) if code else judge_values(octets, out)
        if why:
            complaints.append("%s: %s" % (label, why))
    cases.case("payload: %d bodies come out octet for octet, the rest of the message as it was" % done, complaints)
    cases.case("payload: a message without body is exit code 2, no output", refused)


def main():
    cases = Cases()
    messages = [(path.name, path.read_bytes()) for path in sorted(FLOWS.glob("*.sip"))]
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        captured = run(CAPTURE, folder)
        if captured.returncode == 77:
            cases.skip("SIPp's built-in call is captured", "SIPp is not installed")
        else:
            files = sorted(pathlib.Path(folder).glob("*.sip"))
            cases.case("SIPp's built-in call is captured: both sides saw the same octets",
                       [] if captured.returncode == 0 and len(files) == 6 else captured.stdout)
            messages += [("sipp " + path.name, path.read_bytes()) for path in files]
        lab.make_keys(anna=("sip:anna@north.example", "p256"), rsa=("sip:anna@north.example", "rsa2048"))
        whole_messages(cases, lab, messages)
        payloads(cases, lab, messages)
    cases.leave()


if __name__ == "__main__":
    main()
