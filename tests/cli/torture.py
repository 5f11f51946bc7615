"""Torture messages, those of RFC 4475 and our own: the valid ones pass seal and open in all three modes, the invalid
ones are refused by their rule, outside and inside of an envelope. With --write: makes docs/rfc4475.md anew."""
import base64
import hashlib
import json
import re
import sys

from lab import (ANSWER, INVITE, MALFORMED, MISMATCH, OK, POLICY, SOURCE, Cases, complaints_about, execute, have,
                 in_parallel, outer, sipveil, split)
from round_trips import KEK, LENIENT, SIGNER, identical, payload, tunnel

OURS = SOURCE / "vectors" / "torture"
THEIRS = SOURCE.parent / "shared" / "vectors" / "rfc4475"
PAGE = SOURCE / "docs" / "rfc4475.md"
LENGTH = re.compile(rb"(?im)^((?:content-length|l)[ \t]*:[ \t]*)0*(\d+)[ \t]*(?=\r\n)")
# Complete only as a message of its own; inside, they are told apart from the outer message or lack what must be there.
INSIDE_ELSE = {"no-from-to-call-id.sip": MISMATCH, "insuf.dat": MISMATCH, "no-via.sip": MISMATCH}


class Torture:
    """One row of a manifest, and the octets."""

    def __init__(self, columns, folder):
        self.file, self.kind, code, self.rule, *exercises, self.why, self.digest = columns
        self.exercises, self.code = " ".join(exercises), int(code)
        path = folder / self.file
        self.octets = path.read_bytes() if path.is_file() else None

    def verdict(self):
        if self.kind.startswith("3.1.1"):
            return "valid"
        if self.code == OK:
            return "valid, for another layer"
        return "invalid"


def manifest(name, folder):
    lines = (OURS / name).read_text(encoding="utf-8").splitlines()
    return [Torture(line.split("\t"), folder) for line in lines if not line.startswith("#")]


def without_tail(octets):
    """What belongs to the message: a datagram may hold more (ADV-005)."""
    head, separator, rest = octets.partition(b"\r\n\r\n")
    length = LENGTH.search(head + b"\r\n")
    return head + separator + (rest[:int(length.group(2))] if length else rest)


def plain_length(octets):
    """seal and open recompute Content-Length where they replace a body: the number stays, its zeros and blanks go."""
    head, separator, body = octets.partition(b"\r\n\r\n")
    return LENGTH.sub(rb"\g<1>\g<2>", head + b"\r\n")[:-2] + separator + body


def valid(message):
    octets, wrong = without_tail(message.octets), []
    if octets != message.octets:
        sealed = sipveil("seal", "--to", KEK, stdin=message.octets)
        if sealed.code != OK or "%d octets after the Content-Length are dropped" % (
                len(message.octets) - len(octets)) not in sealed.err:
            wrong.append("octets after the message: %r" % sealed)
        opened = sipveil("open", "--quiet", "--key", KEK, stdin=sealed.out)
        if opened.out != octets:
            wrong.append("octets after the message came out: %r" % opened)
    plain = plain_length(octets)
    wrong += tunnel(octets)
    wrong += identical("sipfrag", plain, ("--mode", "sipfrag", "--sign-with", SIGNER, "--date", "none"), LENIENT)
    wrong += payload(plain)
    seen = sipveil("inspect", "--json", stdin=message.octets)
    if seen.code != OK or json.loads(seen.out)["verdict"] != "ok":
        wrong.append("inspect: %r" % seen)
    opened = sipveil("open", "--quiet", stdin=message.octets)
    return wrong + ([] if opened.code == OK and opened.out == octets else ["open, nothing protected: %r" % opened])


def too_large_for_udp(message):
    """TUN-59: refused over UDP, once sealed; the same over TCP passes."""
    wrong = refused_by("seal", message, "--to", KEK)
    wrong += ["hint is missing"] if "hint: " not in sipveil("seal", "--to", KEK, stdin=message.octets).err else []
    message.octets = message.octets.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")
    return wrong + valid(message)


def refused_by(verb, message, *options):
    result = sipveil(verb, "--verbose", *options, stdin=message.octets)
    wrong = ["output on failure: %r" % result.out[:80]] if result.out else []
    if result.code != message.code:
        wrong.append("%s %s: exit %d instead of %d: %s" % (verb, options, result.code, message.code, result.err.strip()))
    if "rule: %s\n" % message.rule not in result.err:
        wrong.append("%s %s: not by rule %s: %s" % (verb, options, message.rule, result.err.strip()))
    return wrong


def in_an_envelope(octets):
    """What a peer with a good key can send: anything, as message/sip."""
    jwk = json.loads(KEK.read_text())
    key = base64.urlsafe_b64decode(jwk["k"] + "=" * (-len(jwk["k"]) % 4))
    made = execute(["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-gcm", "-secretkey", key.hex(),
                    "-secretkeyid", jwk["kid"].encode().hex()], stdin=b"Content-Type: message/sip\r\n\r\n" + octets)
    if made.code != OK:
        raise RuntimeError("openssl: %r" % made)
    start, fields, _ = split(INVITE)
    rows = [row for name, row in fields if name not in (b"subject", b"content-type", b"content-length")]
    return outer(start, rows, b"application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m", made.out,
                 b"Content-Transfer-Encoding: binary")


def invalid(message):
    wrong = (refused_by("seal", message, "--to", KEK) + refused_by("seal", message, "--sign-with", SIGNER) +
             refused_by("seal", message, "--mode", "sipfrag", "--sign-with", SIGNER) +
             refused_by("seal", message, "--mode", "payload", "--to", KEK) +
             refused_by("open", message, "--key", KEK) + refused_by("inspect", message, "--key", KEK))
    said = sipveil("seal", "--to", KEK, stdin=message.octets)
    return wrong + complaints_about(said, "seal", message.code)


def invalid_inside(message):
    """The local user is told, the other side learns nothing (class DECRYPT)."""
    octets = in_an_envelope(message.octets)
    code = INSIDE_ELSE.get(message.file, message.code)
    wrong = complaints_about(sipveil("open", "--key", KEK, stdin=octets), "open", code)
    answer = sipveil("open", "--key", KEK, "--answer", stdin=octets)
    if answer.code != ANSWER or not answer.out.startswith(b"SIP/2.0 493 "):
        wrong.append("the answer: %r, %r" % (answer, answer.out[:80]))
    return wrong


def judge(message):
    if hashlib.sha256(message.octets).hexdigest() != message.digest:
        return ["other octets than the manifest says"]
    if message.code == OK:
        return valid(message)
    return too_large_for_udp(message) if message.rule == "TUN-59" else invalid(message)


HEAD = """# The torture messages of RFC 4475, and ours

What `sipveil` does with each. A valid message passes `seal` and `open` in all three modes: a tunnel comes back octet for octet,
and so does `sipfrag`; `payload` gives back the body and leaves the rest alone (no body: exit 2). Those that are for another layer
(a registrar, a proxy, the transaction layer) are well formed SIP, and pass. An invalid one gives the exit code of the table from
`seal` in each mode, from `open` and from `inspect`, with no output; put inside an envelope by a peer that has the key, it gives
the same (8 where only what a message of its own needs is missing), and the answer on the wire is always 493.

- Octets after Content-Length are dropped with a warning: they are not part of what is compared.
- Where a body is replaced, Content-Length is written anew: leading zeros and blanks of the number are not kept (`sipfrag`, `payload`).
- An invalid request that came as it is is answered by `open --answer` (400; 505 for another version; 513) if Via, From, To, Call-ID and CSeq
  are there and good, each as often as it may be; else no answer can be made of it.
- Where RFC 4475 allows to be lenient (brackets around a Request-URI, blanks in a request line, a Date nobody uses), we never are:
  two readers that guess differently are what an attacker needs.

Written by `tests/cli/torture.py --write` from `vectors/torture/`; that test runs every row.
"""


def cells(message):
    why = message.why + (" [%s]" % message.rule if message.rule else "")
    row = ["`%s`" % message.file, message.kind, message.verdict(), str(message.code)]
    return row + ([message.exercises] if message.exercises else []) + [why]


def table(title, head, messages):
    rows = [head, ["---"] * len(head)] + [cells(message) for message in messages]
    return "\n## %s\n\n" % title + "".join("| %s |\n" % " | ".join(cell.replace("|", "\\|") for cell in row) for row in rows)


def page(theirs, ours):
    def order(message):
        numbers = [int(number) for number in re.findall(r"\d+", message.kind)]
        return numbers or [9], message.file
    head = ["file", "section", "is", "exit", "reason and rule"]
    return (HEAD + table("The archive of RFC 4475", head, sorted(theirs, key=order)) +
            table("Ours", ["file", "kind of", "is", "exit", "what it exercises", "reason and rule"], sorted(ours, key=order)))


def main():
    ours, theirs = manifest("manifest.tsv", OURS), manifest("rfc4475.tsv", THEIRS)
    text = page(theirs, ours)
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(text, encoding="utf-8")
        return
    cases = Cases()
    cases.case("manifest and folder list the same files",
               sorted({path.name for path in OURS.glob("*.sip")} ^ {message.file for message in ours}))
    cases.case("every kind of RFC 4475 has a message of ours",
               sorted({m.kind for m in theirs} - {m.kind for m in ours} - {"none"}))
    cases.case("docs/rfc4475.md is current", [] if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text else
               ["run tests/cli/torture.py --write"])
    if not THEIRS.is_dir():
        cases.skip("messages of RFC 4475", "there is no folder of them beside the project (vectors/torture/README.md)")
        theirs = []
    else:
        cases.case("every file of the archive has its row",
                   sorted({path.name for path in THEIRS.glob("*.dat")} ^ {message.file for message in theirs}))
    hostile = [m for m in theirs + ours if m.octets and m.code in (MALFORMED, POLICY) and m.rule != "TUN-59"]
    inside = in_parallel(invalid_inside, hostile) if have("openssl") else []
    for messages, label in ((theirs, "RFC 4475 "), (ours, "ours, as ")):
        for message, wrong in zip(messages, in_parallel(judge, messages)):
            cases.case("%s%s: %s %s: exit %d" % (label, message.kind, message.file, message.rule, message.code), wrong)
    for message, wrong in zip(hostile, inside):
        cases.case("inside an envelope: %s: %s" % (message.file, message.rule), wrong)
    if not inside:
        cases.skip("invalid messages inside an envelope", "the openssl program is not installed")
    cases.leave()


if __name__ == "__main__":
    main()
