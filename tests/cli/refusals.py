"""Bad input: each has its exit code, one clear line, a hint where there is one, and no output anywhere."""
import datetime
import hashlib
import os
import re
import ssl

from lab import (ALICE, BOB, CANNOT_DECRYPT, INVITE, IO, MALFORMED, MISMATCH, NO_KEY, OK, POLICY, UNTRUSTED, USAGE,
                 VERIFY, ANSWER, Cases, Lab, complaints_about, execute, in_parallel, join, outer, PROGRAM, sipveil, split,
                 substitute)

lab = Lab()
KEK = lab.kek("ims-ck-1")
OTHER_KEK = lab.kek("ims-ck-2")
CA = lab.authority()
STRANGERS = lab.authority("strangers")
SIGNER = lab.identity("alice", ALICE)
BOB_KEY = lab.identity("bob", BOB)
STRANGER = lab.identity("stranger", ALICE, "strangers")
DATE = re.compile(rb"\r\nDate: [^\r]+")


def seal(*options, message=INVITE):
    sealed = sipveil("seal", "--quiet", *options, stdin=message)
    if sealed.code != OK:
        raise RuntimeError("seal %s: %r" % (options, sealed))
    return sealed.out


GCM = seal("--to", KEK)
SIGNED = seal("--sign-with", SIGNER)
OPAQUE = seal("--sign-with", SIGNER, "--opaque")
BOTH = seal("--to", KEK, "--sign-with", SIGNER)
ENCRYPTED_THEN_SIGNED = seal("--to", KEK, "--sign-with", SIGNER, "--order", "encrypt-sign")
CBC = seal("--to", KEK, "--cipher", "aes-128-cbc")
CBC_SIGNED = seal("--to", KEK, "--cipher", "aes-128-cbc", "--sign-with", SIGNER)
RESPONSE = seal("--to", KEK, message=substitute(substitute(INVITE, INVITE.partition(b"\r\n")[0], b"SIP/2.0 200 OK"), b"Max-Forwards: 70\r\n", b""))
AIB = seal("--sign-with", SIGNER, "--mode", "sipfrag")
OPEN = ("--key", KEK, "--trust", CA)


class Refusals:
    def __init__(self, cases):
        self.cases, self.count = cases, 0

    def open(self, name, message, code, *words, options=OPEN, status=None):
        """One message that has to be refused: on standard input, from a file to a file, and with --answer."""
        self.count += 1
        path = lab.write("message-%d.sip" % self.count, message)
        wrong = complaints_about(sipveil("open", *options, stdin=message), "open", code, *words)
        folder = lab.path("out-%d" % self.count)
        folder.mkdir()
        filed = sipveil("open", *options, "-o", folder / "opened.sip", path)
        wrong += complaints_about(filed, "open", code, *words)
        if "sipveil open: %s: " % path not in filed.err:
            wrong.append("does not name the file: " + filed.err.strip())
        wrong += ["left behind: " + left.name for left in folder.iterdir()]
        if status is not None:
            answer = sipveil("open", *options, "--answer", path)
            wrong += complaints_about(answer, "open", ANSWER, output=True)
            wrong += answer_complaints(answer.out, status, message)
        self.cases.case("%s: exit %d%s" % (name, code, ", answered %d" % status if status else ""), wrong)

    def any(self, name, verb, arguments, code, *words, **options):
        self.cases.case("%s: exit %d" % (name, code),
                        complaints_about(sipveil(verb, *arguments, **options), verb, code, *words))


def answer_complaints(response, status, request):
    """RFC 3261 8.2.6: Via, From, To with a tag, Call-ID and CSeq of the request; TUN-90: nothing else that tells."""
    start, fields, body = split(response)
    asked = dict(split(request)[1])
    wrong = [] if start.startswith(b"SIP/2.0 %d " % status) else ["answered %r, not %d" % (start, status)]
    got = dict(fields)
    for name in (b"via", b"from", b"call-id", b"cseq"):
        if got.get(name) != asked.get(name):
            wrong.append("%r is not that of the request" % name)
    if not got.get(b"to", b"").startswith(asked[b"to"]) or b";tag=" not in got.get(b"to", b""):
        wrong.append("To is %r" % got.get(b"to"))
    allowed = {b"via", b"from", b"to", b"call-id", b"cseq", b"content-length"} | ({b"accept"} if status == 415 else set())
    if set(got) - allowed or body:
        wrong.append("the answer has %r, %r" % (set(got) - allowed, body))
    return wrong + ([] if got.get(b"content-length") == b"Content-Length: 0" else ["no Content-Length: 0"])


def flip(message, from_end):
    octets = bytearray(message)
    octets[-from_end] ^= 0x04
    return bytes(octets)


def keys(refusals):
    same_id = lab.path("same-id.jwk")
    lab.keygen("kek", "--id", "ims-ck-1", "-o", same_id)
    refusals.open("ADV-060: wrong key under the right identifier", GCM, CANNOT_DECRYPT, "wrong key",
                  options=("--key", same_id), status=493)
    refusals.open("ADV-064: wrong key, CBC", CBC, CANNOT_DECRYPT, "wrong key", options=("--key", same_id), status=493)
    refusals.open("CMS-15: no key with that identifier", GCM, NO_KEY, 'no key fits: recipients are kek "ims-ck-1"',
                  options=("--key", OTHER_KEK), status=493)
    refusals.open("no key at all", GCM, NO_KEY, 'kek "ims-ck-1"', options=(), status=493)
    for_bob = seal("--to", lab.crt("bob"))
    refusals.open("another's certificate", for_bob, NO_KEY, "no key fits", "CN=ca serial ", options=("--key", SIGNER),
                  status=493)
    refusals.open("a verified signature around it does not count", ENCRYPTED_THEN_SIGNED, NO_KEY, "no key fits",
                  options=("--trust", CA), status=493)
    path, over_udp = lab.write("for-bob.sip", GCM), lab.write("for-bob-udp.sip", GCM.replace(b"SIP/2.0/TCP", b"SIP/2.0/UDP"))
    bobs = ssl.PEM_cert_to_DER_cert(lab.crt("bob").read_text())
    answered = sipveil("open", "--key", BOB_KEY, "--answer", path)
    refusals.cases.case("TUN-11: a 493 carries our certificate for the To of the request", complaints_about(
        answered, "open", ANSWER, output=True) + ([] if b"smime-type=certs-only" in answered.out and bobs in answered.out
                                                  else [repr(answered.out)]))
    answered = sipveil("open", "--key", BOB_KEY, "--answer", over_udp)
    refusals.cases.case("ADV-220: not over UDP, where the source may be forged", complaints_about(
        answered, "open", ANSWER, output=True) + answer_complaints(answered.out, 493, over_udp.read_bytes()))
    password = lab.write("password", b"right", 0o600)
    wrong_password = lab.write("wrong-password", b"wrong", 0o600)
    refusals.open("a password recipient, and only keys are held", seal("--to", "pass:%s" % password), NO_KEY, "password",
                  status=493)
    refusals.open("several recipients, none of them ours", seal("--to", lab.crt("bob"), "--to", OTHER_KEK, "--sign-with", SIGNER),
                  NO_KEY, 'kek "ims-ck-2"', status=493)
    for cipher in ("aes-256-gcm", "aes-128-cbc"):
        refusals.open("CMS-13: wrong password, " + cipher, seal("--to", "pass:%s" % password, "--cipher", cipher),
                      CANNOT_DECRYPT, options=("--key", "pass:%s" % wrong_password), status=493)


def damage(refusals):
    refusals.open("changed octet of the tag", flip(GCM, 3), CANNOT_DECRYPT, "altered", status=493)
    refusals.open("changed octet of the ciphertext", flip(GCM, 200), CANNOT_DECRYPT, status=493)
    refusals.open("changed octet of the ciphertext, CBC", flip(CBC, 200), CANNOT_DECRYPT, status=493)
    refusals.open("changed octet of the ciphertext, CBC signed inside", flip(CBC_SIGNED, 200), CANNOT_DECRYPT, status=493)
    refusals.open("TUN-62: changed octet of what is signed", SIGNED.replace(b"SECRET-SDP", b"Secret-SDP"), VERIFY,
                  status=403)
    refusals.open("TUN-62: changed octet of what is signed, opaque", OPAQUE.replace(b"SECRET-SDP", b"Secret-SDP"), VERIFY,
                  status=403)
    refusals.open("changed octet of the signature", flip(OPAQUE, 5), VERIFY, status=403)
    refusals.open("changed octet of the ciphertext, signed outside", ENCRYPTED_THEN_SIGNED.replace(
        b"\r\n\r\n0", b"\r\n\r\n1", 1), VERIFY, status=403)
    for cut in (1, 10, len(GCM.partition(b"\r\n\r\n")[2])):
        refusals.open("cut by %d octets" % cut, GCM[:-cut], MALFORMED, "Content-Length says", status=400)
    refusals.open("cut in the header", GCM[:200], MALFORMED)
    for name, message in (("GCM", GCM), ("signed", SIGNED)):
        start, fields, body = split(message)
        rows = [row for _, row in fields]
        refusals.open("%s: cut, and Content-Length made to fit" % name, join(start, rows, body[:-10]), MALFORMED, status=400)
    length = len(GCM.partition(b"\r\n\r\n")[2])
    for wrong in (b"-1", b"+5", b"0x5", b"%dabc" % length, b"4294967299", b"99999999999999999999", b"", b"5, 5"):
        refusals.open("ADV-004: Content-Length: " + wrong.decode(),
                      substitute(GCM, b"Content-Length: %d" % length, b"Content-Length: " + wrong), MALFORMED, status=400)
    refusals.open("ADV-005: Content-Length one too large",
                  substitute(GCM, b"Content-Length: %d" % length, b"Content-Length: %d" % (length + 1)), MALFORMED,
                  "Content-Length says %d" % (length + 1), "%d follow" % length, status=400)
    refusals.open("Content-Length one too small",
                  substitute(GCM, b"Content-Length: %d" % length, b"Content-Length: %d" % (length - 1)), MALFORMED, status=400)
    refusals.open("ADV-002: two Content-Length", substitute(GCM, b"Max-Forwards", b"l: %d\r\nMax-Forwards" % length), MALFORMED,
                  status=400)
    refusals.open("ADV-001: two From", substitute(GCM, b"Max-Forwards", b"f: <sip:eve@e.example>;tag=1\r\nMax-Forwards"),
                  MALFORMED)
    refusals.open("ADV-009: bare LF", GCM.replace(b"\r\n", b"\n"), MALFORMED, "hint: lines end in bare LF")
    refusals.open("ADV-008: NUL in the header", substitute(GCM, b"Max-Forwards", b"\0Max-Forwards"), MALFORMED, status=400)
    refusals.open("ADV-020: a body without Content-Type", substitute(GCM, b"Content-Type:", b"X-Type:"), MALFORMED, status=400)
    refusals.open("ADV-012: another version", substitute(GCM, b" SIP/2.0\r\nVia", b" SIP/7.0\r\nVia"), MALFORMED, "SIP/7.0", status=505)
    refusals.open("ADV-012: CSeq of another method", substitute(GCM, b"INVITE sip:", b"OPTIONS sip:"), MALFORMED, "OPTIONS", status=400)
    refusals.open("ADV-011: too many header fields", substitute(GCM, b"Max-Forwards", b"X: y\r\n" * 300 + b"Max-Forwards"), POLICY,
                  status=513)
    ack = substitute(substitute(GCM[:-1], b"INVITE sip:", b"ACK sip:"), b" INVITE\r\n", b" ACK\r\n")
    for name, message in (("no end of the header", GCM[:200]), ("two From", substitute(GCM, b"Max-Forwards", b"f: <sip:e@e.example>\r\nMax-Forwards")),
                          ("an ACK", ack), ("a response", substitute(RESPONSE, b"Content-Length: ", b"Content-Length: 9")), ("bare LF", GCM.replace(b"\r\n", b"\n"))):
        refusals.any("no answer can be made of what is refused: " + name, "open", ("--answer",), MALFORMED, "no answer can be made", stdin=message)
    refusals.open("binary garbage", bytes(range(256)) * 20, MALFORMED)
    refusals.open("garbage with line ends", os.urandom(64) + b"\r\n\r\n", MALFORMED)
    refusals.open("empty input", b"", MALFORMED, "empty")
    refusals.open("one octet", b"I", MALFORMED)
    refusals.open("17 MiB", GCM + b"x" * (17 << 20), POLICY, "octets")
    refusals.open("ADV-044: message/external-body inside", outer(
        *[split(INVITE)[0], [row for name, row in split(INVITE)[1] if not name.startswith(b"content-")]],
        b"message/external-body; access-type=URL", b"x\r\n"), MALFORMED, status=415)


def bare_lf(cases):
    lf = INVITE.replace(b"\r\n", b"\n")
    inspected = sipveil("inspect", stdin=lf)
    cases.case("ADV-009: inspect takes bare LF and warns once",
               [] if inspected.code == OK and (inspected.out.decode() + inspected.err).count("bare LF") == 1
               else [repr(inspected), inspected.out.decode()])
    for verb in ("seal", "inspect"):
        options = ("--to", KEK) if verb == "seal" else ()
        for name, message in (("binary garbage", bytes(range(256)) * 20), ("empty input", b""), ("cut", INVITE[:-20])):
            cases.case("%s: %s: exit 3" % (verb, name),
                       complaints_about(sipveil(verb, *options, stdin=message), verb, MALFORMED))
        tail = sipveil(verb, *options, stdin=INVITE + b"tail")
        cases.case("ADV-005: %s: octets after Content-Length: dropped with a warning" % verb,
                   [] if tail.code == OK and (tail.err + tail.out.decode("latin-1")).count("4 octets") == 1 else [repr(tail)])
    table = lab.write("partners.conf", b"[trust-domain]\nname = home.example\nno_privacy = remove\n")
    hops = ("--from", "addr=192.0.2.1", "--to", "addr=192.0.2.2")
    for verb, *options in (("open",), ("proxy", "--host", "ss1.home.example"), ("agree", "offer", "--list", "tls", "--state", lab.path("agreed")),
                           ("agree", "check", "--list", "tls", "--policy", "off"), ("agree", "check", "--list", "tls"),
                           ("identity", "verify"), ("trust", "apply", "--table", table, *hops)):
        tail = sipveil(verb, *options, stdin=INVITE + b"tail")
        cases.case("ADV-005: %s %s: the same" % (verb, " ".join(str(word) for word in options[:1])),
                   [] if tail.code in (OK, ANSWER) and tail.err.count("4 octets after the Content-Length are dropped") == 1 and
                   not tail.out.endswith(b"tail") else [repr(tail)])
        bare = sipveil(verb, *options, stdin=lf)
        name = " ".join([verb, *options[:1]]) if verb in ("agree", "identity", "trust") else verb
        if options[:1] == ["offer"]:
            cases.case("ADV-009: %s takes bare LF" % name, [] if bare.code == OK and "bare LF; CRLF is written" in bare.err else [repr(bare)])
        else:
            cases.case("ADV-009: %s: bare LF: exit 3, and a hint" % name, complaints_about(
                bare, name, MALFORMED, "hint: lines end in bare LF, as an editor left them"))
    unlimited = sipveil("seal", "--to", KEK, stdin=INVITE.replace(b"Content-Length: 138\r\n", b""))
    opened = sipveil("open", "--key", KEK, stdin=unlimited.out)
    cases.case("seal without Content-Length takes the rest",
               [] if opened.code == OK and opened.out.endswith(b"RTP/AVP 0\r\n") else [repr(unlimited), repr(opened)])


def signers(refusals):
    def at(days):
        return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    short = lab.identity("short", ALICE, "ca", "--not-after", at(2))
    later = seal("--sign-with", short)
    any_date = ("--trust", CA, "--date-window", "any")
    refusals.open("ADV-119: expired certificate", later, UNTRUSTED, "expired", options=(*any_date, "--at", at(3)), status=403)
    refusals.open("ADV-119: certificate not yet valid", later, UNTRUSTED, "not valid before", options=(*any_date, "--at", at(-3)),
                  status=403)
    mallory = lab.identity("mallory", "sip:mallory@atlanta.example.com")
    refusals.open("ADV-126: wrong name", seal("--sign-with", mallory), UNTRUSTED, "sip:mallory@atlanta.example.com", ALICE,
                  options=("--trust", CA), status=403)
    refusals.open("TUN-43: wrong name, inside encryption", seal("--sign-with", mallory, "--to", KEK), UNTRUSTED, ALICE,
                  status=493)
    refusals.open("ADV-117: unknown CA", seal("--sign-with", STRANGER), UNTRUSTED, options=("--trust", CA), status=403)
    refusals.open("TUN-08: no trust anchors", SIGNED, UNTRUSTED, "hint: ", "--trust", options=(), status=403)
    misnamed = sipveil("open", "--trust", CA, stdin=seal("--sign-with", mallory))
    refusals.cases.case("no hint to give what was given", [] if "--trust" not in misnamed.err else [repr(misnamed)])
    host = lab.identity("atlanta.example.com")
    refusals.open("ADV-121: certificate of a host", seal("--sign-with", host), UNTRUSTED, options=("--trust", CA), status=403)
    refusals.open("TUN-06: no certificate anywhere", seal("--sign-with", SIGNER, "--no-certs"), UNTRUSTED, "hint: ", "--cert",
                  options=("--trust", CA), status=403)
    refusals.open("ADV-112: signed data without signer", seal_certs_only(), VERIFY, options=OPEN, status=403)


def seal_certs_only():
    """What is left of an opaque signature when its signerInfos are taken out, with all lengths put right."""
    start, fields, body = split(OPAQUE)

    def read(der, at):
        length, head = der[at + 1], 2
        if length & 0x80:
            head = 2 + (length & 0x7F)
            length = int.from_bytes(der[at + 2:at + head], "big")
        return at + head, at + head + length

    def wrap(tag, content):
        size = b"" if len(content) < 128 else len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
        return bytes([tag, 0x80 | len(size)]) + size + content if size else bytes([tag, len(content)]) + content

    inner, _ = read(body, 0)
    oid_end = read(body, inner)[1]
    explicit, _ = read(body, oid_end)
    signed, end = read(body, explicit)
    last = at = signed
    while at < end:
        last, at = at, read(body, at)[1]
    content = wrap(0x30, body[signed:last] + b"\x31\x00")
    der = wrap(0x30, body[inner:oid_end] + wrap(0xA0, content))
    return join(start, [row for _, row in fields], der)


CHANGES = (  # field, what stands outside, what it is changed to
    ("From", b"sip:alice@atlanta.example.com>;tag=9fxced76sl", b"sip:mallory@atlanta.example.com>;tag=9fxced76sl"),
    ("From tag", b";tag=9fxced76sl", b";tag=9fxced76sm"),
    ("To", b"Bob <sip:bob@biloxi.example.com>", b"Bob <sip:bob@biloxi.example.org>"),
    ("Call-ID", b"Call-ID: 3848276298220188511@", b"Call-ID: 3848276298220188512@"),
    ("CSeq", b"CSeq: 1 INVITE", b"CSeq: 2 INVITE"),
    ("Contact", b"sip:alice@client.atlanta.example.com", b"sip:alice@client.atlanta.example.org"),
)


def mismatches(refusals):
    """ADV-140, TUN-33, TUN-36, TUN-39: each field alone, signed only, shared key alone, and both; what is answered."""
    dates = DATE.search(SIGNED.partition(b"\r\n\r\n")[0]).group(0)
    for kind, message, status in (("signed", SIGNED, 403), ("shared key", GCM, 493), ("signed and encrypted", BOTH, 493)):
        for field, old, new in CHANGES:
            word = field.split(" ")[0]
            head = message.partition(b"\r\n\r\n")[0]
            if head.count(old) == 1:
                refusals.open("ADV-140: %s: other %s outside" % (kind, field), substitute(message, old, new), MISMATCH, word,
                              status=status)
        head, body = message.partition(b"\r\n\r\n")[0], message.partition(b"\r\n\r\n")[2]
        refusals.open("ADV-140: %s: other method outside" % kind, head.replace(b"INVITE", b"OPTIONS") + b"\r\n\r\n" + body,
                      MISMATCH, "method", status=status)
        if dates in head:
            refusals.open("TUN-33: %s: other Date outside" % kind,
                          substitute(message, dates, b"\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT"), MISMATCH, "Date", status=status)
    refusals.open("TUN-39: signed: Contact taken away by a hop", substitute(
        SIGNED, b"Contact: <sip:alice@client.atlanta.example.com;transport=tcp>\r\n", b""), MISMATCH, "Contact", status=403)
    refusals.open("TUN-39: signed: Subject taken away by a hop",
                  substitute(SIGNED, b"Subject: SECRET-SUBJECT\r\n", b""), MISMATCH, "inner message has Subject", status=403)
    refusals.open("ADV-141: Reply-To added by a hop",
                  substitute(SIGNED, b"Max-Forwards", b"Reply-To: <sip:eve@e.example>\r\nMax-Forwards"), MISMATCH, "Reply-To",
                  status=403)
    refusals.open("TUN-42: a stand-in From with another tag", seal_hidden_with_other_tag(), MISMATCH, "From", status=493)


def seal_hidden_with_other_tag():
    hidden = seal("--to", KEK, "--hide", "From")
    return substitute(hidden, b"anonymous.invalid>;tag=9fxced76sl", b"anonymous.invalid>;tag=9fxced76sx")


def allowed_changes(cases):
    """TUN-36, TUN-37, TUN-39: what hops may do, and what is no breach."""
    for name, message, old, new in (
            ("Via added", SIGNED, b"Via: ", b"Via: SIP/2.0/UDP p.example;branch=z9hG4bKx\r\nVia: "),
            ("Max-Forwards counted", SIGNED, b"Max-Forwards: 70", b"Max-Forwards: 69"),
            ("Request-URI retargeted", SIGNED, b"INVITE sip:bob@biloxi.example.com", b"INVITE sip:bob@client.biloxi.example.com"),
            ("Record-Route added", SIGNED, b"Max-Forwards", b"Record-Route: <sip:p.example;lr>\r\nMax-Forwards"),
            ("an unknown field added", SIGNED, b"Max-Forwards", b"X-Hop: 1\r\nMax-Forwards"),
            ("Alert-Info added", SIGNED, b"Max-Forwards", b"Alert-Info: <http://p.example/a>\r\nMax-Forwards"),
            ("display name of From changed", GCM, b"From: Alice <", b"From: \"A\" <"),
            ("names in compact form", SIGNED, b"Call-ID: ", b"i:"),
            ("Date in another zone of blanks", SIGNED, b"\r\nDate: ", b"\r\nDate:\r\n ")):
        opened = sipveil("open", *OPEN, stdin=substitute(message, old, new))
        cases.case("TUN-36, TUN-40: %s: exit 0" % name,
                   [] if opened.code == OK and b"SECRET-SDP" in opened.out else [repr(opened)])


def fragments(refusals):
    for fields, lacks in (("From,To,Call-ID,CSeq,Date", "Contact"), ("From,To,Call-ID,Date,Contact", "CSeq"),
                          ("To,Call-ID,CSeq,Date,Contact", "From"), ("From,To,CSeq,Date,Contact", "Call-ID"),
                          ("From,Call-ID,CSeq,Date,Contact", "To"), ("From,To,Call-ID,CSeq,Contact", "Date")):
        message = seal("--sign-with", SIGNER, "--mode", "sipfrag", "--fields", fields)
        refusals.open("TUN-51: an AIB without " + lacks, message, MISMATCH, lacks, status=403)
    for field, old, new in CHANGES:
        if AIB.partition(b"\r\n\r\n")[0].count(old) == 1:
            refusals.open("TUN-54: AIB: other %s outside" % field, substitute(AIB, old, new), MISMATCH, field.split(" ")[0],
                          status=403)
    refusals.open("TUN-52: AIB with another disposition is none: --require signed still holds it to its fields",
                  AIB.replace(b"9fxced76sl", b"9fxced76sX", 1), MISMATCH, status=403)


def policies(refusals):
    refusals.open("ADV-064: CBC that nothing signed", CBC, POLICY, "no integrity", "hint: ", "--allow-unauthenticated",
                  status=493)
    refusals.any("CMS-12: unsigned for two", "seal", ("--to", KEK, "--to", OTHER_KEK), POLICY, "hint: ",
                 "--allow-unsigned-shared", stdin=INVITE)
    now = datetime.datetime.now(datetime.timezone.utc)
    late = (now + datetime.timedelta(seconds=3700)).strftime("%Y-%m-%dT%H:%M:%SZ")
    early = (now - datetime.timedelta(seconds=3700)).strftime("%Y-%m-%dT%H:%M:%SZ")
    long_ago = (now - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    signer = lab.identity("alice-long", ALICE, "ca", "--not-before", long_ago)
    message = seal("--sign-with", signer)
    refusals.open("TUN-34: Date an hour in the past", message, POLICY, "seconds from now", options=("--trust", CA, "--at", late),
                  status=403)
    # the lab's CA is valid from just now on: the signer is pinned instead
    pin = sha256_of(lab.crt("alice-long"))
    refusals.open("TUN-34: Date an hour in the future", message, POLICY, "seconds from now",
                  options=("--pin", "%s=%s" % (ALICE, pin), "--at", early), status=403)
    refusals.open("TUN-34: a window of its own", message, POLICY, "more than 60",
                  options=("--trust", CA, "--date-window", "60", "--at",
                           (now + datetime.timedelta(seconds=90)).strftime("%Y-%m-%dT%H:%M:%SZ")), status=403)
    state = lab.path("state")
    first = sipveil("open", *OPEN, "--state", state, stdin=BOTH)
    refusals.cases.case("ADV-145: seen for the first time", [] if first.code == OK and first.out else [repr(first)])
    mode = state.stat().st_mode & 0o777
    refusals.cases.case("the state file has mode 0600", [] if mode == 0o600 else [oct(mode)])
    refusals.open("ADV-145: seen before", BOTH, POLICY, "before", options=(*OPEN, "--state", state), status=493)
    other = sipveil("open", *OPEN, "--state", state, stdin=seal("--to", KEK, "--sign-with", SIGNER, message=INVITE.replace(
        b"3848276298220188511", b"3848276298220188512")))
    refusals.cases.case("ADV-145: another message is let in", [] if other.code == OK else [repr(other)])
    body = seal("--mode", "payload", "--sign-with", SIGNER)
    first = sipveil("open", *OPEN, "--state", state, stdin=body)
    refusals.cases.case("ADV-146: a body that was signed", [] if first.code == OK else [repr(first)])
    for what, old, new in (("call", b"3848276298220188511", b"4848276298220188511"), ("party's call", b"9fxced76sl", b"8fxced76sl")):
        refusals.open("ADV-146: the same in another %s" % what, substitute(body, old, new), POLICY, "before with another message",
                      options=(*OPEN, "--state", state), status=403)
    refusals.open("ADV-146: the same in a MESSAGE", body.replace(b"INVITE", b"MESSAGE"), POLICY, "before with another message",
                  options=(*OPEN, "--state", state), status=403)
    state.chmod(0o644)
    refusals.any("a state file that others can read", "open", (*OPEN, "--state", state), USAGE, "hint: ", stdin=GCM)
    damaged = lab.write("damaged", b"not a state", 0o600)
    refusals.any("a damaged state file", "open", (*OPEN, "--state", damaged), USAGE, "damaged", stdin=GCM)
    refusals.any("ADV-145: a state that would be forgotten", "open", (*OPEN, "--state", "-"), USAGE, "standard output",
                 stdin=GCM)
    lab.path("second-name").symlink_to(damaged)  # the link would be replaced: two states, each new to the other's messages
    refusals.any("ADV-145: a second name for a state", "open", (*OPEN, "--state", lab.path("second-name")), USAGE,
                 "symbolic link", stdin=GCM)
    os.mkfifo(lab.path("pipe"), 0o600)
    refusals.any("a state that is a pipe", "open", (*OPEN, "--state", lab.path("pipe")), USAGE, "is no regular file",
                 stdin=GCM, timeout=10)
    at_once = in_parallel(lambda state: sipveil("open", *OPEN, "--state", state, stdin=BOTH).code, 8 * [lab.path("race")])
    refusals.cases.case("ADV-145: of eight at once one is let in", [] if sorted(at_once) == [OK] + 7 * [POLICY] else [repr(at_once)])


def sha256_of(certificate):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


def output(cases):
    """ADV-072, ADV-217: full disk, closed pipe, existing names, the input itself."""
    with open("/dev/full", "wb") as full:
        for verb, arguments, octets in (("seal", ("--to", KEK), INVITE), ("open", OPEN, GCM), ("inspect", (), GCM),
                                        ("inspect", ("--json",), GCM)):
            result = sipveil(verb, *arguments, stdin=octets, stdout=full)
            result.out = b""
            cases.case("full disk: %s: exit 1" % " ".join((verb, *map(str, arguments[:1]))),
                       complaints_about(result, verb, IO, "No space left"))
        version = execute([PROGRAM, "--version"], stdout=full)
        cases.case("full disk: --version: exit 1", [] if version.code == IO and version.err else [repr(version.code)])
    for verb, arguments, octets in (("seal", ("--to", KEK), INVITE), ("open", OPEN, GCM), ("inspect", (), GCM)):
        filed = sipveil(verb, *arguments, "-o", "/dev/full", stdin=octets)
        forced = sipveil(verb, *arguments, "--force", "-o", "/dev/full", stdin=octets)
        cases.case("full disk through -o: %s: exit 1" % verb, complaints_about(forced, verb, IO, "No space left") +
                   complaints_about(filed, verb, IO, "No space left"))
        reading, writing = os.pipe()
        os.close(reading)
        piped = sipveil(verb, *arguments, stdin=octets, stdout=writing)
        os.close(writing)
        piped.out = b""
        cases.case("closed pipe: %s: exit 1" % verb, complaints_about(piped, verb, IO))
    for i, (closed, code) in enumerate((("<&-", IO), (">&-", IO), ("2>&-", OK))):
        state, inside = lab.path("mute-%d" % i), lab.path("mute-%d.lock" % i)
        result = execute(["/bin/sh", "-c", 'exec "$@" ' + closed, "sh", PROGRAM, "open", *OPEN, "--no-verify-signer",
                          "--date-window", "any", "--state", state], stdin=seal("--sign-with", STRANGER))
        cases.case("a standard descriptor is closed (%s): exit %d, nothing goes astray" % (closed, code),
                   ([] if result.code == code else [repr(result)]) +
                   ([repr(inside.read_bytes())] if inside.exists() and inside.read_bytes() else []))
    taken = lab.write("taken", b"mine")
    source = lab.write("source.sip", GCM)
    result = sipveil("open", *OPEN, "-o", taken, source)
    cases.case("-o names an existing file: exit 2", complaints_about(result, "open", USAGE, "exists", "hint: ", "--force") +
               ([] if taken.read_bytes() == b"mine" else ["it was replaced"]))
    result = sipveil("open", *OPEN, "--force", "-o", taken, source)
    cases.case("--force replaces it", [] if result.code == OK and taken.read_bytes() == INVITE else [repr(result)])
    for force in ((), ("--force",)):
        result = sipveil("open", *OPEN, *force, "-o", source, source)
        cases.case("-o names the input%s: exit 2" % (" with --force" if force else ""),
                   complaints_about(result, "open", USAGE) + ([] if source.read_bytes() == GCM else ["the input was replaced"]))
    link, target = lab.path("link"), lab.write("target", b"target")
    link.symlink_to(target)
    result = sipveil("open", *OPEN, "--force", "-o", link, source)
    cases.case("ADV-217: a symbolic link is replaced, not followed",
               [] if result.code == OK and target.read_bytes() == b"target" and not link.is_symlink() else [repr(result)])
    result = sipveil("open", *OPEN, "-o", lab.path("nowhere") / "x", source)
    cases.case("-o in a folder that is not there: exit 1", complaints_about(result, "open", IO, "nowhere"))
    result = sipveil("open", *OPEN, lab.path("no-such-file.sip"))
    cases.case("no such input file: exit 1", complaints_about(result, "open", IO, "no-such-file.sip", "No such file"))
    result = sipveil("open", *OPEN, lab.folder)
    cases.case("the input is a folder: exit 1", complaints_about(result, "open", IO))
    left = [path.name for path in lab.folder.iterdir() if path.name.startswith(("taken.", "source.sip.", "link."))]
    cases.case("no temporary file is left", left)


def main():
    cases = Cases()
    refusals = Refusals(cases)
    keys(refusals)
    damage(refusals)
    bare_lf(cases)
    signers(refusals)
    mismatches(refusals)
    allowed_changes(cases)
    fragments(refusals)
    policies(refusals)
    output(cases)
    cases.leave()


if __name__ == "__main__":
    main()
