"""What each option of seal and open does, on its own."""
import hashlib
import json
import re
import ssl

from lab import (ALICE, ANSWER, BOB, INVITE, MISMATCH, NO_KEY, OK, POLICY, UNTRUSTED, USAGE, VERIFY, Cases, Lab,
                 complaints_about, have, in_parallel, join, sipveil, split, substitute, tool, value)

lab = Lab()
KEK = lab.kek("ims-ck-1", "--bits", "128")
CA = lab.authority()
lab.authority("strangers")
SIGNER = lab.identity("alice", ALICE)
RSA = lab.identity("rsa", ALICE, "ca", "--alg", "rsa2048")
STRANGER = lab.identity("stranger", ALICE, "strangers")
BOB_KEY = lab.identity("bob", BOB)
X25519 = lab.identity("x25519", BOB, "ca", "--alg", "x25519")
ED25519 = lab.identity("ed25519", ALICE, "ca", "--alg", "ed25519")
OPEN = ("--key", KEK, "--trust", CA)


def seal(*options, message=INVITE):
    sealed = sipveil("seal", "--quiet", *options, stdin=message)
    if sealed.code != OK:
        raise RuntimeError("seal %s: %r" % (options, sealed))
    return sealed.out


GCM = seal("--to", KEK)
SIGNED = seal("--sign-with", SIGNER, "--date", "none")
BOTH = seal("--to", KEK, "--sign-with", SIGNER, "--date", "none")
STRANGE = seal("--sign-with", STRANGER, "--date", "none")


class Options:
    def __init__(self, cases):
        self.cases = cases

    def gives(self, name, message, expected, *options, says=(), quiet=True):
        """open succeeds, writes that, and says those words and no other line."""
        result = sipveil("open", *options, stdin=message)
        wrong = [] if result.code == OK else [repr(result)]
        if result.code == OK and result.out != expected:
            wrong.append("%r came out, not %r" % (result.out[:300], expected[:300]))
        wrong += ["does not say '%s': %s" % (word, result.err) for word in says if word not in result.err]
        if not says and quiet and result.err:
            wrong.append("says " + result.err)
        self.cases.case(name, wrong)
        return result

    def refused(self, name, message, code, *options, words=()):
        self.cases.case("%s: exit %d" % (name, code),
                        complaints_about(sipveil("open", *options, stdin=message), "open", code, *words))

    def usage(self, name, verb, *options, words=()):
        self.cases.case(name + ": exit 2", complaints_about(sipveil(verb, *options, stdin=INVITE), verb, USAGE, *words))


NO_DATE = "no Date"


def requirements(o):
    o.gives("an unprotected message is printed with a warning", INVITE, INVITE, says=("warning: ", "no protection"))
    for want in ("signed", "encrypted", "both"):
        o.refused("ADV-142: --require %s, unprotected" % want, INVITE, VERIFY, "--require", want)
    o.refused("--require signed, encrypted only", GCM, VERIFY, *OPEN, "--require", "signed", words=("signature is required",))
    o.refused("--require encrypted, signed only", SIGNED, VERIFY, *OPEN, "--require", "encrypted",
              words=("encryption is required",))
    o.refused("--require signed, signer unknown", STRANGE, UNTRUSTED, *OPEN, "--require", "signed")
    o.gives("--require signed", SIGNED, INVITE, *OPEN, "--require", "signed", says=(NO_DATE,))
    o.gives("--require encrypted", GCM, INVITE, *OPEN, "--require", "encrypted")
    o.gives("--require both", BOTH, INVITE, *OPEN, "--require", "both", says=(NO_DATE,))
    o.gives("--quiet says nothing", BOTH, INVITE, *OPEN, "--quiet")


def identities(o):
    o.gives("ADV-143: --me of the addressee", BOTH, INVITE, *OPEN, "--quiet", "--me", BOB)
    o.gives("ADV-143: --me, escaped and in other case", BOTH, INVITE, *OPEN, "--quiet", "--me", "sip:%62ob@BILOXI.example.com")
    o.refused("ADV-143: --me of somebody else", BOTH, MISMATCH, *OPEN, "--me", "sip:carol@biloxi.example.com",
              words=("somebody else than sip:carol@biloxi.example.com",))
    o.refused("ADV-143: --me, user in other case", GCM, MISMATCH, *OPEN, "--me", "sip:Bob@biloxi.example.com")
    o.gives("TUN-08: --no-verify-signer accepts anybody, with a warning", STRANGE, INVITE, "--no-verify-signer",
            says=("signer is not accepted", NO_DATE))
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(lab.crt("stranger").read_text())).hexdigest()
    colons = ":".join(re.findall("..", digest.upper()))
    for name, pin in (("plain", digest), ("with colons", colons)):
        o.gives("ADV-117: --pin " + name, STRANGE, INVITE, "--quiet", "--pin", "%s=%s" % (ALICE, pin))
    o.refused("ADV-117: --pin of another certificate", STRANGE, UNTRUSTED, "--pin", "%s=%s" % (ALICE, "00" * 32))
    o.refused("ADV-117: --pin for another AOR", STRANGE, UNTRUSTED, "--pin", "%s=%s" % (BOB, digest))
    o.usage("--pin without =", "open", "--pin", ALICE)
    o.usage("--pin that is too short", "open", "--pin", ALICE + "=00")


def tolerance(o):
    changed = substitute(SIGNED, b"Contact: <sip:alice@client", b"Contact: <sip:alice@other")
    o.refused("a mismatch", changed, MISMATCH, *OPEN, words=("Contact",))
    o.gives("--accept-mismatch Contact", changed, INVITE, *OPEN, "--quiet", "--accept-mismatch", "contact")
    o.gives("--accept-mismatch m,Subject", changed, INVITE, *OPEN, "--quiet", "--accept-mismatch", "Subject,m")
    o.refused("--accept-mismatch of another field", changed, MISMATCH, *OPEN, "--accept-mismatch", "Subject,To")
    for field in ("Call-ID", "i", "CSeq", "From,CSeq"):
        o.usage("--accept-mismatch %s is never accepted" % field, "open", *OPEN, "--accept-mismatch", field)
    for field in ("Conact", "X-Mine", "Via", "Content-Type", "l", "Record-Route", "Contact,Request-URI", "Identity", "z"):
        o.usage("--accept-mismatch %s would accept nothing" % field, "open", *OPEN, "--accept-mismatch", field,
                words=('there is no mismatch of "%s" to accept' % field.rpartition(",")[2],))


def layers(o):
    """TUN-62a, TUN-80: what --layers leaves stays byte-identical; the P-CSCF profile step by step (seed example)."""
    outer_signed = seal("--to", KEK, "--sign-with", SIGNER, "--order", "encrypt-sign", "--date", "none")
    one = sipveil("open", *OPEN, "--quiet", "--layers", "1", stdin=outer_signed)
    o.cases.case("--layers 1 of encrypt-sign verifies and leaves the encryption",
                 [] if one.code == OK and b"smime-type=authEnveloped-data" in one.out and b"multipart/signed" not in one.out
                 else [repr(one), repr(one.out[:500])])
    o.gives("the rest opens", one.out, INVITE, *OPEN, "--quiet")
    o.gives("--layers 2 opens both", outer_signed, INVITE, *OPEN, "--quiet", "--layers", "2")
    one = sipveil("open", *OPEN, "--quiet", "--layers", "1", stdin=BOTH)
    o.cases.case("--layers 1 of sign-encrypt gives the signed body",
                 [] if one.code == OK and b"multipart/signed" in one.out and b"pkcs7-mime" not in one.out
                 else [repr(one), repr(one.out[:500])])
    a = seal("--to", KEK, "--sign-with", SIGNER, "--profile", "pcscf", "--date", "none", "--request-uri", "sip:pcscf.example")
    start, fields, _ = split(a)
    header = dict(fields)
    wrong = [] if start == b"INVITE sip:pcscf.example SIP/2.0" else [repr(start)]
    if b"sip:anonymous@anonymous.invalid>;tag=9fxced76sl" not in header[b"from"] or b"alice" in header[b"contact"]:
        wrong.append("From or Contact tells: %r %r" % (header[b"from"], header[b"contact"]))
    if value(header[b"content-transfer-encoding"]) != b"base64" or value(header[b"to"]) != b"<sip:pcscf.example>":
        wrong.append("no base64, or To is %r" % header[b"to"])
    o.cases.case("TUN-70, TUN-72: the outer message of the P-CSCF profile", wrong)
    b = sipveil("open", *OPEN, "--quiet", "--profile", "pcscf", "--layers", "1", stdin=a)
    start, fields, _ = split(b.out)
    o.cases.case("TUN-80: --layers 1 gives message b: signed, in clear, with the fields of c",
                 [] if b.code == OK and start == split(INVITE)[0] and b"Content-Type: multipart/signed" in b.out and
                 dict(fields)[b"from"] == dict(split(INVITE)[1])[b"from"] else [repr(b), repr(b.out[:600])])
    o.gives("the far end verifies message b", b.out, INVITE, "--trust", CA, "--quiet", "--require", "signed")
    o.gives("TUN-82: --registered of the sender", a, INVITE, *OPEN, "--quiet", "--profile", "pcscf", "--registered",
            "sip:x@y.example", "--registered", ALICE)
    o.refused("TUN-82: --registered of another", a, MISMATCH, *OPEN, "--profile", "pcscf", "--registered", BOB)
    for option, old, new in (("TUN-71: other Via", b"Via: ", b"Via: SIP/2.0/UDP p.example;branch=z9hG4bKp\r\nVia: "),
                             ("TUN-71: other Call-ID", b"Call-ID: 3", b"Call-ID: 4")):
        o.refused(option, substitute(a, old, new), MISMATCH, *OPEN, "--profile", "pcscf")


def emission(o):
    body = split(INVITE)[2]
    o.gives("--emit body of a tunnel: its own body", BOTH, body, *OPEN, "--quiet", "--emit", "body")
    o.gives("--emit entity of a tunnel", BOTH, b"Content-Type: message/sip\r\n\r\n" + INVITE, *OPEN, "--quiet", "--emit", "entity")
    payload = seal("--to", KEK, "--sign-with", SIGNER, "--mode", "payload")
    o.gives("--emit entity of a payload", payload, b"Content-Type: application/sdp\r\n\r\n" + body, *OPEN, "--quiet",
            "--emit", "entity")
    o.gives("--emit body of a payload", payload, body, *OPEN, "--quiet", "--emit", "body")
    o.gives("--emit message of a payload", payload, INVITE, *OPEN, "--quiet")
    fragment = seal("--sign-with", SIGNER, "--mode", "sipfrag", "--date", "none")
    o.gives("--emit message of an AIB: without it", fragment, INVITE, *OPEN, "--quiet")
    aib = sipveil("open", *OPEN, "--quiet", "--emit", "body", stdin=fragment)
    o.cases.case("TUN-52: --emit body of an AIB: the fields", [] if aib.code == OK and b"SECRET" not in aib.out and all(
        name in aib.out for name in (b"From: ", b"To: ", b"Call-ID: ", b"CSeq: ", b"Contact: ")) else [repr(aib.out)])


def reports(o):
    path = lab.path("report.json")
    lab.write("report.json", b"an old one")
    result = sipveil("open", *OPEN, "--quiet", "--report", path, "--second-opinion", stdin=BOTH)
    report = json.loads(path.read_text())
    second = [check["result"] for check in report["checks"] if check["rule"] == "second-opinion"]
    o.cases.case("--report FILE, replaced; --second-opinion is in it", [] if result.code == OK and report["verdict"] == "ok" and
                 second == ["passed", "passed"] else [repr(result), repr(second), repr(report["verdict"])])
    result = sipveil("open", *OPEN, "--quiet", "--report", "-", stdin=GCM)
    o.cases.case("--report - is standard error", [] if json.loads(result.err)["verdict"] == "ok" and result.out == INVITE
                 else [repr(result)])
    result = sipveil("open", "--trust", CA, "--report", path, stdin=GCM)
    report = json.loads(path.read_text())
    o.cases.case("--report of a failure", complaints_about(result, "open", NO_KEY) +
                 ([] if report["verdict"] == "error" and report["error"]["code"] == "no-key" and report["error"]["path"] == [0]
                  else [repr(report["error"])]))
    tolerated = sipveil("open", "--no-verify-signer", "--report", path, stdin=STRANGE)
    text = path.read_text()
    o.cases.case("the report says that the signer was tolerated", [] if tolerated.code == OK and "tolerated" in text else [text])


def hiding(o):
    hidden = seal("--to", KEK, "--hide", "From,Subject")
    header = dict(split(hidden)[1])
    wrong = [] if b"alice" not in hidden.partition(b"\r\n\r\n")[0].replace(b"client.atlanta", b"") else [
        "the header still tells: %r" % hidden.partition(b"\r\n\r\n")[0]]
    if value(header[b"from"]) != b'"Anonymous" <sip:anonymous@anonymous.invalid>;tag=9fxced76sl':
        wrong.append(repr(header[b"from"]))
    o.cases.case("TUN-42: --hide From", wrong)
    o.gives("TUN-42: the hidden From is no mismatch", hidden, INVITE, *OPEN)
    several = INVITE.replace(b"Contact: <sip:alice@client.atlanta.example.com;transport=tcp>",
                             b'Contact: "A, B" <sip:alice@a.example;transport=tcp>;q=0.5, <sip:alice@b.example:5070>')
    sealed = seal("--to", KEK, "--hide", "From", message=several)
    o.cases.case("TUN-42: every Contact of a list loses its user part",
                 [] if b"\r\nContact: <sip:a.example;transport=tcp>, <sip:b.example:5070>\r\n" in sealed else [repr(sealed[:600])])
    o.gives("TUN-42: and is no mismatch", sealed, several, *OPEN)
    moved = sealed.replace(b"<sip:b.example:5070>", b"<sip:c.example:5070>")
    o.cases.case("TUN-42: another place in the list is one",
                 complaints_about(sipveil("open", *OPEN, stdin=moved), "open", MISMATCH))
    o.usage("--hide without --to", "seal", "--sign-with", SIGNER, "--hide", "From")
    for field in ("Via", "Call-ID", "CSeq", "To", "Max-Forwards", "v", "i", "Content-Type", "Require", "Proxy-Require", "Route"):
        o.usage("--hide %s: hops need it" % field, "seal", "--to", KEK, "--hide", field)
    absent = sipveil("seal", "--to", KEK, "--hide", "Fron", stdin=INVITE)
    o.cases.case("TUN-42: --hide of a field that is not there: a warning",
                 [] if absent.code == OK and "no Fron to hide" in absent.err else [repr(absent)])
    for bad in ("sip:x\r\nEvil: 1", "a b", "<sip:a@b>", "sip:"):
        o.cases.case("--request-uri %r is none: exit 2" % bad, complaints_about(
            sipveil("seal", "--to", KEK, "--request-uri", bad, stdin=INVITE), "seal", USAGE))
    rich = INVITE.replace(b"Max-Forwards", b"\r\n".join([
        b"Route: <sip:p1.example;lr>", b"Record-Route: <sip:p2.example;lr>", b"Require: 100rel", b"Proxy-Require: sec-agree",
        b"Priority: urgent", b"Timestamp: 54", b"Proxy-Authorization: Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"sip:d\""
        b", response=\"e\"", b"Authorization: Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"sip:d\", response=\"e\"",
        b"Organization: Acme", b"User-Agent: x", b"Supported: timer", b"Allow: INVITE", b"X-Secret: 1", b"Expires: 60",
        b"Reply-To: <sip:r@r.example>", b"Max-Forwards"]))
    names = [name for name, _ in split(seal("--to", KEK, message=rich))[1]]
    stay = {b"via", b"max-forwards", b"from", b"to", b"call-id", b"cseq", b"contact", b"route", b"record-route", b"require",
            b"proxy-require", b"priority", b"timestamp", b"proxy-authorization", b"authorization"}
    own = {b"mime-version", b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-length"}
    o.cases.case("TUN 3.2: outside of encryption stands what has to, and nothing else",
                 sorted("missing %r" % name for name in stay - set(names)) +
                 sorted("told %r" % name for name in set(names) - stay - own))
    names = [name for name, _ in split(seal("--sign-with", SIGNER, message=rich))[1]]
    asked = [name for name, _ in split(rich)[1] if not name.startswith(b"content-")]
    o.cases.case("TUN-35: a signed-only tunnel carries all fields outside", sorted(repr(name) for name in set(asked) - set(names)))
    register = rich.replace(b"INVITE", b"REGISTER").replace(b"Allow: REGISTER\r\n", b"")
    names = [name for name, _ in split(seal("--to", KEK, message=register))[1]]
    o.cases.case("Expires of REGISTER stays outside", [] if b"expires" in names else [repr(names)])
    o.gives("all of that opens", seal("--to", KEK, message=rich), rich, *OPEN)


DATE = re.compile(rb"\r\nDate: ([^\r]+)\r\n")


def dates(o):
    for name, options, inside in (
            ("auto, unsigned: untouched", (), False), ("auto, signed: put in", ("--sign-with", SIGNER), True),
            ("none, signed: untouched", ("--sign-with", SIGNER, "--date", "none"), False),
            ("now, unsigned: put in", ("--date", "now"), True)):
        sealed = seal("--to", KEK, *options)
        opened = sipveil("open", *OPEN, "--quiet", stdin=sealed)
        inner, outer = DATE.findall(opened.out), DATE.findall(sealed.partition(b"\r\n\r\n")[0] + b"\r\n")
        wrong = [] if opened.code == OK and len(inner) == int(inside) and inner == outer else [repr(opened), repr((inner, outer))]
        if not inside and opened.out != INVITE:
            wrong.append("other octets came out")
        o.cases.case("TUN-33: --date " + name, wrong)
    fixed = seal("--to", KEK, "--sign-with", SIGNER, "--date", "Sat, 13 Nov 2010 23:29:00 GMT")
    opened = sipveil("open", *OPEN, "--no-verify-signer", "--date-window", "any", stdin=fixed)
    o.cases.case("TUN-33: --date RFC1123", [] if DATE.findall(opened.out) == [b"Sat, 13 Nov 2010 23:29:00 GMT"] else [repr(opened)])
    o.refused("TUN-34: Date outside the certificate's validity", fixed, UNTRUSTED, *OPEN, "--date-window", "any")
    o.gives("--compat samples waives that", fixed, opened.out, *OPEN, "--date-window", "any", "--compat", "samples", quiet=False)
    for bad in ("yesterday", "Sat, 13 Nov 2010 23:29:00 CET", "Sat, 31 Feb 2026 00:00:00 GMT"):
        o.usage("--date " + bad, "seal", "--to", KEK, "--date", bad)


def forms(o):
    """Other ways to seal come out the same."""
    jobs = [("two signers", ("--sign-with", SIGNER, "--sign-with", RSA)), ("Ed25519", ("--sign-with", ED25519)),
            ("X25519", ("--to", lab.crt("x25519"))), ("by key identifier", ("--to", lab.crt("bob"), "--by-key-id")),
            ("several recipients, signed", ("--to", KEK, "--to", lab.crt("bob"), "--to", lab.crt("x25519"), "--sign-with", RSA)),
            ("unsigned for several", ("--to", KEK, "--to", lab.crt("bob"), "--allow-unsigned-shared")),
            ("recipients must lead to an anchor", ("--to", lab.crt("bob"), "--trust", CA)),
            ("compressed and signed", ("--sign-with", SIGNER, "--compress"))]

    def work(job):
        sealed = sipveil("seal", "--quiet", "--date", "none", *job[1], stdin=INVITE)
        opened = sipveil("open", "--quiet", "--key", BOB_KEY, "--key", X25519, *OPEN, stdin=sealed.out)
        return [] if opened.code == OK and opened.out == INVITE else [repr(sealed), repr(opened)]

    for (name, _), wrong in zip(jobs, in_parallel(work, jobs)):
        o.cases.case("seal, open: " + name, wrong)
    names = seal("--to", lab.crt("bob"), "--by-key-id")
    o.cases.case("ADV-099: --by-key-id: no names on the wire", ["the CA's name is told"] if b"\x0c\x02ca" in names else [])
    for name, code, options in (("a recipient that leads to no anchor", POLICY, ("--to", lab.crt("stranger"), "--trust", CA)),
                                ("X25519 cannot sign", USAGE, ("--sign-with", X25519)),
                                ("Ed25519 cannot be sealed to", USAGE, ("--to", lab.crt("ed25519")))):
        o.cases.case("ADV-098: %s: exit %d" % (name, code),
                     complaints_about(sipveil("seal", *options, stdin=INVITE), "seal", code, "cert CN="))
    text = lab.write("text.txt", b"no key at all\n", 0o644)
    for option in ("--to", "--sign-with"):
        o.usage("%s of a file that is no key" % option, "seal", option, text, words=("text.txt: no key: ", "hint: 'sipveil keygen'"))
    o.usage("a signer without its private key", "seal", "--sign-with", lab.crt("alice"), words=("cannot sign",))
    o.usage("a shared key cannot sign", "seal", "--sign-with", KEK, words=("cannot sign",))
    o.usage("sipfrag without a signer", "seal", "--to", KEK, "--mode", "sipfrag")
    o.usage("--fields without sipfrag", "seal", "--to", KEK, "--fields", "From")
    o.usage("--detached and --opaque", "seal", "--sign-with", SIGNER, "--detached", "--opaque")
    o.usage("nothing would be protected", "seal", words=("nothing would be protected", "hint: "))
    o.usage("--cipher 3des is never written", "seal", "--to", KEK, "--cipher", "3des")
    o.usage("--layers 0", "open", "--layers", "0")
    o.usage("--allow-weak md5 never", "open", "--allow-weak", "md5", words=("md5",))
    o.usage("two operands", "open", "a", "b", words=("'b'",))
    o.usage("an unknown option", "open", "--keys", "x", words=("unknown option '--keys'",))
    o.usage("an unknown letter", "open", "-qx", words=("unknown option '-x'",))
    o.usage("an option without its argument", "open", "--key", words=("needs an argument",))
    o.usage("an option given twice", "open", "--me", ALICE, "--me", BOB, words=("twice",))
    o.usage("a file without a name", "open", "", words=("the name of a file is empty",))
    o.usage("--at that is no time", "open", "--at", "yesterday", words=("'yesterday'", "as in 2026-11-21T10:00:00Z"))
    o.usage("--registered without its profile", "open", "--registered", ALICE, words=("--profile pcscf",))
    o.usage("--hide with an empty name", "seal", "--to", KEK, "--hide", "From,", words=("an empty name",))
    o.usage("-o of a folder", "seal", "--to", KEK, "-o", lab.folder, words=("is a folder", "hint: name a file in it"))
    o.usage("-o of a folder by force", "seal", "--to", KEK, "--force", "-o", lab.folder, words=("is a folder",))
    o.usage("--state of a folder", "open", "--state", lab.folder, words=("is no regular file",))
    o.usage("--state of a key is not called damage alone", "open", "--state", KEK, words=("is no state file", "name another file"))
    for words, told in ((("help", "seal"), b"usage: sipveil seal "), (("help", "identity"), b"usage: sipveil identity sign|verify|bind|bound "),
                        (("help",), b"usage: sipveil VERB ")):
        said = sipveil(*words)
        o.cases.case("sipveil %s" % " ".join(words), [] if said.code == OK and said.out.startswith(told) and not said.err else [repr(said)])


def sizes(o):
    """TUN-59: too large for UDP: a MESSAGE is refused, everything else warned of."""
    message = INVITE.replace(b"INVITE", b"MESSAGE").replace(b"application/sdp", b"text/plain")
    start, fields, _ = split(message)
    long = join(start, [row for name, row in fields if name != b"contact"], b"x" * 1300)
    warned = sipveil("seal", "--to", KEK, stdin=long)
    o.cases.case("TUN-59: a long MESSAGE over TCP: a warning", [] if warned.code == OK and "MSRP" in warned.err else [repr(warned)])
    refused = sipveil("seal", "--to", KEK, stdin=long.replace(b"SIP/2.0/TCP", b"SIP/2.0/UDP"))
    o.cases.case("TUN-59: a long MESSAGE over UDP: exit 9", complaints_about(refused, "seal", POLICY, "MSRP", "hint: "))
    invite = sipveil("seal", "--to", KEK, "--sign-with", SIGNER, stdin=INVITE)
    o.cases.case("a long INVITE: a warning", [] if invite.code == OK and invite.err.count("warning: ") == 1 and "UDP" in invite.err
                 else [repr(invite)])


def revocation(o):
    """ADV-122: a CRL that names the signer, one that does not."""
    folder = lab.path("openssl-ca")
    folder.mkdir()
    config = lab.write("ca.cnf", ("[ca]\ndefault_ca=x\n[x]\ndatabase=%s/index\ncrlnumber=%s/number\ndefault_md=sha256\n"
                                  "default_crl_days=1\n" % (folder, folder)).encode())
    (folder / "index").write_text("")
    (folder / "number").write_text("01\n")
    words = ("openssl", "ca", "-config", config, "-cert", CA, "-keyfile", lab.path("ca") / "ca.key")
    clean, revoked = lab.path("clean.crl"), lab.path("revoked.crl")
    tool(*words, "-gencrl", "-out", clean)
    o.gives("ADV-122: --crl that does not name the signer", SIGNED, INVITE, *OPEN, "--quiet", "--crl", clean)
    tool(*words, "-revoke", lab.crt("alice"))
    tool(*words, "-gencrl", "-out", revoked)
    o.refused("ADV-122: --crl that names the signer", SIGNED, UNTRUSTED, *OPEN, "--crl", revoked, words=("revoked",))


def compat(o):
    """TUN-78: the seed's Content-Type has no media type; read only when asked for."""
    cbc = seal("--to", KEK, "--cipher", "aes-128-cbc", "--profile", "pcscf")
    odd = substitute(cbc, b"application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", b"smime-type=enveloped-data")
    options = (*OPEN, "--quiet", "--allow-unauthenticated", "--profile", "pcscf")
    refused = sipveil("open", *options, stdin=odd)
    o.cases.case("TUN-78: without --compat seed000: exit 3", complaints_about(refused, "open", 3))
    o.gives("TUN-78: --compat seed000", odd, INVITE, *options, "--compat", "seed000")


def answers(o):
    """TUN-81, 8.2.6: neither a response nor an ACK is answered; a good message is no answer."""
    good = sipveil("open", *OPEN, "--answer", stdin=GCM)
    o.cases.case("--answer on a good message: the message", [] if good.code == OK and good.out == INVITE else [repr(good)])
    ack = seal("--to", KEK, message=INVITE.replace(b"INVITE", b"ACK"))
    response = seal("--to", KEK, message=INVITE.replace(b"INVITE sip:bob@biloxi.example.com SIP/2.0", b"SIP/2.0 200 OK"))
    for name, message in (("an ACK", ack), ("a response", response)):
        result = sipveil("open", "--answer", stdin=message)
        o.cases.case("%s is not answered: exit 4" % name, complaints_about(result, "open", NO_KEY))
    refused = sipveil("open", "--answer", "-o", lab.path("answer.sip"), stdin=GCM)
    answer = lab.path("answer.sip").read_bytes()
    o.cases.case("--answer -o FILE", [] if refused.code == ANSWER and answer.startswith(b"SIP/2.0 493 Undecipherable\r\n")
                 else [repr(refused)])


def main():
    cases = Cases()
    o = Options(cases)
    for part in (requirements, identities, tolerance, layers, emission, reports, hiding, dates, forms, sizes, compat, answers):
        part(o)
    if have("openssl"):
        revocation(o)
    else:
        cases.skip("ADV-122: revocation", "the openssl program is not installed")
    cases.leave()


if __name__ == "__main__":
    main()
