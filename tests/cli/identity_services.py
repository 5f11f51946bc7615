"""identity sign and verify against what others wrote: openssl on the raw signatures, other implementations of JWS on whole
tokens, both ways; then the exit codes, responses and options of the two verbs."""
import base64
import datetime
import hashlib
import json
import re

from lab import (ALICE, ANSWER, IO, MALFORMED, NO_KEY, OK, POLICY, UNTRUSTED, USAGE, VERIFY, Cases, Lab, complaints_about, execute,
                 have, sipveil, tool)

INFO = "https://cert.atlanta.example.com/as.cer"
AT = "2026-11-21T10:00:00Z"
IAT = int(datetime.datetime(2026, 11, 21, 10, tzinfo=datetime.timezone.utc).timestamp())
PRINT = "02:1A:CC:54:27:AB:EB:9C:53:3F:3E:4B:65:2E:7D:46:3F:54:42:CD:54:F1:7A:03:A2:7D:F9:B0:7F:46:19:B2"
REQUEST = b"\r\n".join([
    b"INVITE sip:bob@biloxi.example.com SIP/2.0", b"Via: SIP/2.0/TLS c.atlanta.example.com;branch=z9hG4bK74bf9", b"Max-Forwards: 70",
    b"From: Alice <sip:alice@atlanta.example.com>;tag=9f", b"To: Bob <sip:bob@biloxi.example.com>", b"Call-ID: 38@atlanta.example.com",
    b"CSeq: 1 INVITE", b"Contact: <sip:alice@c.atlanta.example.com>", b"Content-Type: application/sdp", b"",
    b"v=0", b"o=alice 1 1 IN IP4 192.0.2.101", b"s=-", b"c=IN IP4 192.0.2.101", b"t=0 0", b"m=audio 49172 RTP/AVP 0",
    b"a=fingerprint:sha-256 " + PRINT.encode(), b""])
lab = Lab()
CA = lab.authority()
lab.authority("strangers")
LONG = ("--not-before", "2026-01-01T00:00:00Z", "--not-after", "2027-01-01T00:00:00Z")


def service(name, *more, ca="ca", host="atlanta.example.com"):
    lab.keygen("cert", "--ca", lab.path(ca), "--host", host, *LONG, *more, "--cert-out", lab.path(name + ".crt"), "-o", lab.path(name + ".pem"))
    return lab.path(name + ".pem")


AS, RSA = service("as"), service("rsa", "--alg", "rsa2048")
FOREIGN, OTHER = service("foreign", ca="strangers"), service("other", host="biloxi.example.com")


def sign(*more, key=AS, message=REQUEST, at=AT):
    return sipveil("identity", "sign", "--key", key, "--info", INFO, "--at", at, *more, stdin=message)


def verify(message, *more, cert="as", at=AT):
    certificate = ("--cert", lab.crt(cert)) if cert else ()
    return sipveil("identity", "verify", *certificate, "--trust", CA, "--at", at, *more, stdin=message)


def signed(*more, **options):
    result = sign(*more, **options)
    if result.code != OK or b"\r\nIdentity: " not in result.out:
        raise RuntimeError("sign %s: %r" % (more, result))
    return result.out


def field(message):
    """header, payload and signature of the token, as text."""
    return re.search(rb"\r\nIdentity: ([\w-]*)\.([\w-]*)\.([\w-]*);", message).groups()


def decode(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def encode(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def with_token(token):
    row = b"Date: Sat, 21 Nov 2026 10:00:00 GMT\r\nIdentity: " + token + b";info=<" + INFO.encode() + b">\r\n"
    return REQUEST.replace(b"Content-Type", row + b"Content-Type", 1)


HEADER = json.dumps({"alg": "ES256", "typ": "passport", "x5u": INFO}, separators=(",", ":"), sort_keys=True).encode()
CLAIMS = {"dest": {"uri": ["sip:bob@biloxi.example.com"]}, "iat": IAT, "mky": [{"alg": "sha-256", "dig": PRINT.replace(":", "")}],
          "orig": {"uri": ALICE}}
PAYLOAD = json.dumps(CLAIMS, separators=(",", ":"), sort_keys=True).encode()
OCTETS = encode(HEADER) + b"." + encode(PAYLOAD)


def number_der(octets):
    octets = octets.lstrip(b"\0") or b"\0"
    octets = b"\0" + octets if octets[0] & 0x80 else octets
    return b"\x02" + bytes([len(octets)]) + octets


def to_der(pair):
    inside = number_der(pair[:32]) + number_der(pair[32:])
    return b"\x30" + bytes([len(inside)]) + inside


def from_der(der):
    length = der[3]
    r, s = der[4:4 + length], der[6 + length:6 + length + der[5 + length]]
    return r.lstrip(b"\0").rjust(32, b"\0") + s.lstrip(b"\0").rjust(32, b"\0")


# ---- openssl on the raw signatures

def public_key(name):
    return lab.write(name + ".pub", tool("openssl", "x509", "-in", lab.crt(name), "-noout", "-pubkey"))


def openssl_verifies(name, octets, signature):
    lab.write("octets", octets)
    lab.write("signature", signature)
    done = execute(["openssl", "dgst", "-sha256", "-verify", public_key(name), "-signature", lab.path("signature"), lab.path("octets")])
    return [] if done.code == 0 else "openssl: %r" % done


def openssl_signs(name, octets):
    lab.write("octets", octets)
    return tool("openssl", "dgst", "-sha256", "-sign", lab.path(name + ".pem"), lab.path("octets"))


def openssl_pkeyutl(octets, signature):
    """The same without its own hashing."""
    lab.write("digest", hashlib.sha256(octets).digest())
    lab.write("signature", to_der(signature))
    done = execute(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public_key("as"), "-sigfile", lab.path("signature"), "-in", lab.path("digest")])
    return [] if done.code == 0 else "openssl: %r" % done


def by_openssl(cases):
    message = signed()
    header, payload, signature = field(message)
    cases.case("header and payload are those that are computed apart (IDN-24, IDN-26, IDN-30)",
               [] if (decode(header), decode(payload)) == (HEADER, PAYLOAD) else [decode(header), decode(payload)])
    pair = decode(signature)
    cases.case("a signature has 64 octets (IDN-27)", [] if len(pair) == 64 else "%d octets" % len(pair))
    cases.case("openssl dgst verifies our ES256", openssl_verifies("as", header + b"." + payload, to_der(pair)))
    cases.case("openssl pkeyutl verifies our ES256", openssl_pkeyutl(header + b"." + payload, pair))
    compact = decode(field(signed("--form", "compact"))[2])
    cases.case("openssl verifies the compact form over what is built again (IDN-28)", openssl_verifies("as", OCTETS, to_der(compact)))
    theirs = OCTETS + b"." + encode(from_der(openssl_signs("as", OCTETS)))
    cases.case("we verify the ES256 of openssl", [] if verify(with_token(theirs)).code == OK else repr(verify(with_token(theirs))))
    cases.case("and refuse it over other octets", complaints_about(
        verify(with_token(OCTETS + b"." + encode(from_der(openssl_signs("as", OCTETS + b"x"))))), "identity verify", VERIFY, "438"))
    old = signed("--profile", "rfc4474", key=RSA)
    text = b"|".join([ALICE.encode(), b"sip:bob@biloxi.example.com", b"38@atlanta.example.com", b"1 INVITE", b"Sat, 21 Nov 2026 10:00:00 GMT",
                      b"sip:alice@c.atlanta.example.com", old.partition(b"\r\n\r\n")[2]])
    rsa = base64.b64decode(re.search(rb'\r\nIdentity: "([^"]*)"\r\n', old).group(1))
    cases.case("openssl verifies our RSA over the digest-string of RFC 4474 (IDN-07)", openssl_verifies("rsa", text, rsa))
    theirs = old.replace(base64.b64encode(rsa), base64.b64encode(openssl_signs("rsa", text)))
    cases.case("we verify the RSA of openssl", [] if verify(theirs, cert="rsa").code == OK else repr(verify(theirs, cert="rsa")))


# ---- other implementations of JWS

JWCRYPTO = """
import sys, json
from jwcrypto import jwk, jws
key = jwk.JWK.from_pem(open(sys.argv[2], "rb").read())
if sys.argv[1] == "verify":
    token = jws.JWS(); token.deserialize(sys.stdin.read(), key); sys.stdout.buffer.write(token.payload)
else:
    token = jws.JWS(sys.stdin.buffer.read()); token.add_signature(key, None, sys.argv[3], None)
    sys.stdout.write(token.serialize(compact=True))
"""
PYJWT = """
import sys, json, jwt
key = open(sys.argv[2]).read()
if sys.argv[1] == "verify":
    sys.stdout.write(json.dumps(jwt.decode(sys.stdin.read(), key, algorithms=["ES256"], options={"verify_iat": False}), separators=(",", ":"), sort_keys=True))
else:
    head = json.loads(sys.argv[3]); alg = head.pop("alg")
    api = jwt.api_jws.PyJWS()
    sys.stdout.write(api.encode(sys.stdin.buffer.read(), key, algorithm=alg, headers=head))
"""


def private_key():
    return lab.write("as.key", tool("openssl", "pkey", "-in", AS), 0o600)


def python_peer(script, *arguments, stdin):
    return execute(["/usr/bin/python3", "-c", script, *arguments], stdin=stdin)


def jose_key(source, *options):
    """A JWK of a key, made of the octets that openssl prints."""
    text = tool("openssl", "pkey", *options, "-in", source, "-noout", "-text").decode()
    octets = {name: bytes.fromhex(re.sub(r"[\s:]", "", value)) for name, value in re.findall(r"^(priv|pub):\n((?:    .*\n)+)", text, re.MULTILINE)}
    key = {"kty": "EC", "crv": "P-256", "x": encode(octets["pub"][1:33]).decode(), "y": encode(octets["pub"][33:]).decode()}
    if "priv" in octets:
        key["d"] = encode(octets["priv"][-32:].rjust(32, b"\0")).decode()
    return json.dumps(key).encode()


def jose(action, *_, stdin):
    if action == "verify":
        return execute(["jose", "jws", "ver", "-i", "-", "-k", lab.write("pub.jwk", jose_key(public_key("as"), "-pubin")), "-O", "-"], stdin=stdin)
    lab.write("payload", stdin)
    protected = json.dumps({"protected": json.loads(HEADER)})
    return execute(["jose", "jws", "sig", "-I", lab.path("payload"), "-k", lab.write("key.jwk", jose_key(private_key()), 0o600), "-s", protected, "-c"])


PEERS = (("jwcrypto", "python3-jwcrypto", lambda action, key, *more, stdin: python_peer(JWCRYPTO, action, key, *more, stdin=stdin),
          lambda: python_peer("import jwcrypto", stdin=b"").code == 0),
         ("PyJWT", "python3-jwt", lambda action, key, *more, stdin: python_peer(PYJWT, action, key, *more, stdin=stdin),
          lambda: python_peer("import jwt, cryptography", stdin=b"").code == 0),
         ("jose", "jose", jose, lambda: have("jose")))


def by_others(cases):
    token = b".".join(field(signed()))
    for name, package, peer, is_there in PEERS:
        if not is_there():
            cases.skip("%s reads and writes tokens" % name, "%s is not installed" % package)
            continue
        done = peer("verify", public_key("as"), stdin=token)
        cases.case("%s verifies our token and reads our claims" % name,
                   [] if done.code == 0 and json.loads(done.out) == CLAIMS else repr(done))
        done = peer("verify", public_key("as"), stdin=token[:-4] + b"AAAA")
        cases.case("%s refuses it when it was changed" % name, [] if done.code != 0 else "verified")
        done = peer("sign", private_key(), HEADER.decode(), stdin=PAYLOAD)
        made = done.out.strip()
        # some order the header in their own way: what they signed counts, and the deterministic form is ours to demand (IDN-26)
        ordered = made.split(b".")[0] == encode(HEADER)
        result = verify(with_token(made), *(() if ordered else ("--compat", "samples")))
        cases.case("we verify the token of %s%s" % (name, "" if ordered else ", whose header has another order"),
                   [] if done.code == 0 and result.code == OK else [repr(done), repr(result)])


# ---- exit codes and responses

def answers(cases):
    message = signed()
    rows = (
        ("no Identity is 428", REQUEST, ("--require",), VERIFY, "428 Use Identity Header"),
        ("another From is 438", message.replace(b"<sip:alice@", b"<sip:mallory@"), (), VERIFY, "438 Invalid Identity Header"),
        ("no certificate is 436", message, ("--cert", "https://other.example/=%s" % lab.crt("as")), NO_KEY, "436 Bad Identity Info: no --cert answers for the URI \"%s\"\nhint: give it with --cert URI=FILE" % INFO),
        ("a foreign authority is 437", signed(key=FOREIGN), ("--cert", "%s=%s" % (INFO, lab.crt("foreign"))), UNTRUSTED, "437 Unsupported Credential"),
        ("another domain is 437 (ADV-194)", message, ("--cert", "%s=%s" % (INFO, lab.crt("other"))), UNTRUSTED, "437 Unsupported Credential"),
        ("an old one is 403", signed(at="2026-11-21T09:00:00Z"), ("--cert", lab.crt("as")), POLICY, "403 Stale Date: Date is 3600 seconds away from now, more than 60\nhint: an old request is checked as of its day by --at TIME"),
        ("a loopback URI is 436 (ADV-193)", message.replace(b"info=<" + INFO.encode(), b"info=<https://127.0.0.1/as.cer"), (), VERIFY, "438"),
    )
    for name, octets, options, code, words in rows:
        certificate = () if "--cert" in options else ("--cert", lab.crt("as"))
        result = verify(octets, *certificate, *options, cert=None)
        wrong = complaints_about(result, "identity verify", code, words)
        answer = verify(octets, *certificate, *options, "--answer", cert=None)
        wrong += [] if answer.code == ANSWER and answer.out.startswith(b"SIP/2.0 " + words[:3].encode()) else [repr(answer), answer.out[:60]]
        cases.case(name, wrong)
    compact = signed("--form", "compact").replace(b"info=<" + INFO.encode(), b"info=<http://127.0.0.1/as.cer")
    cases.case("and where the token does not name the URI itself, 436", complaints_about(verify(compact), "identity verify", NO_KEY, "436", "https"))
    folder = lab.path("certificates")
    folder.mkdir()
    (folder / "notes.txt").write_text("none of them")
    empty = verify(message, "--cert", folder, cert=None)
    (folder / "as.cer").write_bytes(lab.crt("as").read_bytes())
    for name, given, words in (
            ("a shared key", lab.kek("as-kek"), ("as-kek.jwk: not a certificate",)), ("a message", lab.write("as.sip", message), ("as.sip: not a certificate",)),
            ("a certificate with its key", lab.path("as.pem"), ("as.pem: holds a private key", "hint: ")),
            ("a file that is not there", lab.path("none"), ("none: cannot be read",)),
            ("and behind a URI", "%s=%s" % (INFO, lab.path("as-kek.jwk")), ("not a certificate",))):
        cases.case("--cert of what is no certificate: %s: exit 2" % name,
                   complaints_about(verify(message, "--cert", given, cert=None), "identity verify", USAGE, *words))
    cases.case("--cert of a folder without any: exit 2", complaints_about(empty, "identity verify", USAGE, "no certificate is in this folder"))
    one = verify(message, "--cert", folder, cert=None)
    cases.case("what else lies in a folder answers for nothing", [] if one.code == OK else [repr(one)])
    cases.case("what is no SIP is exit 3", complaints_about(verify(b"hello"), "identity verify", MALFORMED))


def claims(cases):
    """A file that is given for claims: what is not one is named, and none of it is sent or read out."""
    taken = signed("--claims", lab.write("claims.json", b'{ "attest": "A" }'))
    cases.case("--claims are in the token", [] if json.loads(decode(field(taken)[1])) == dict(CLAIMS, attest="A") else repr(taken))
    jwk = lab.kek("slip")
    for name, given, code, words in (
            ("a shared key", jwk, USAGE, ("slip.jwk: the claims hold a key", "hint: claims are a JSON object")),
            ("a set of them", lab.write("set.jwk", b'{"keys":[%s]}' % jwk.read_bytes()), USAGE, ("set.jwk: the claims hold a key",)),
            ("a private key in PEM", lab.path("as.pem"), USAGE, ("as.pem: the claims are no JSON object",)),
            ("what is ours to write", lab.write("ours.json", b'{"iat":1}'), USAGE, ('ours.json: claim "iat" is ours',)),
            ("a list", lab.write("list.json", b"[]"), USAGE, ("list.json: the claims are no JSON object",)),
            ("an empty file", lab.write("empty.json", b""), USAGE, ("empty.json: it is empty",)),
            ("claims with more behind a NUL", lab.write("nul.json", b'{"a":1}\0more'), USAGE, ("nul.json: a NUL octet",)),
            ("a folder", lab.path("ca"), IO, ("ca: cannot be read",)), ("no file", lab.path("none"), IO, ("none: cannot be read",))):
        result = sign("--claims", given)
        secret = json.loads(jwk.read_bytes())["k"]
        cases.case("--claims of %s" % name, complaints_about(result, "identity sign", code, *words) + (["read out"] if secret in result.err else []))


def options(cases):
    message, state, report = signed(), lab.path("seen"), lab.path("report.json")
    first = verify(message, "--state", state, "--report", report)
    told = json.loads(report.read_bytes())
    cases.case("a valid request comes out as it went in, with a report", [] if first.code == OK and first.out == message and
               told["verdict"] == "valid" and told["identity"] == ALICE and told["path"] == "rfc8224" else [repr(first), told])
    again = verify(message, "--state", state, "--report", report)
    cases.case("a second time it is 438, and the report names the rule (IDN-41)", complaints_about(again, "identity verify", VERIFY, "438") +
               ([] if json.loads(report.read_bytes())["rule"] == "IDN-41" else [report.read_bytes()]))
    old = signed("--profile", "rfc4474", key=RSA)
    for profile, code in (("auto", OK), ("rfc4474", OK), ("rfc8224", VERIFY)):
        result = verify(old, "--profile", profile, "--require", cert="rsa")
        cases.case("RFC 4474 with --profile %s" % profile, [] if result.code == code else repr(result))
    sample = json.dumps(dict(CLAIMS, iat=str(IAT)), sort_keys=True).encode()
    octets = encode(HEADER) + b"." + encode(sample)
    printed = with_token(octets + b"." + encode(from_der(openssl_signs("as", octets))))
    cases.case("iat as a string is 438 (IDN-26)", complaints_about(verify(printed), "identity verify", VERIFY, "438"))
    cases.case("but for --compat samples", [] if verify(printed, "--compat", "samples").code == OK else repr(verify(printed, "--compat", "samples")))
    late = verify(message, "--freshness", "any", at="2026-12-21T10:00:00Z")
    cases.case("--freshness any", [] if late.code == OK else repr(late))
    elsewhere = sign(key=OTHER)
    cases.case("a request of another domain is forwarded as it is, with a warning (IDN-34)",
               [] if elsewhere.code == OK and elsewhere.out == REQUEST and "warning" in elsewhere.err else repr(elsewhere))
    call = REQUEST.replace(b"<sip:alice@atlanta.example.com>", b"<sip:0301234@atlanta.example.com;user=phone>")
    cases.case("a number needs a certificate that lists it", [] if "49301234" in sign("--country", "49", message=call).err
               else repr(sign("--country", "49", message=call)))
    for words, verb, bad in ((("--info",), "sign", ("--key", AS)), (("--key",), "sign", ("--info", INFO)),
                             (("https",), "sign", ("--key", AS, "--info", "http://a.example/")), (("P-256",), "sign", ("--key", RSA, "--info", INFO)),
                             (("RSA",), "sign", ("--key", AS, "--info", INFO, "--profile", "rfc4474")),
                             (("--form",), "sign", ("--key", AS, "--info", INFO, "--form", "small")),
                             (("sign: the credential at", "only https"), "sign", ("--key", AS, "--info", "c.example")),
                             (("as.crt cannot sign: it is a cert", "hint: "), "sign", ("--info", INFO, "--key", lab.crt("as"))),
                             (("slip.jwk cannot sign: it is a kek", "hint: "), "sign", ("--info", INFO, "--key", lab.path("slip.jwk"))),
                             (("--sender does not take 'alice'",), "sign", ("--key", AS, "--info", INFO, "--sender", "alice")),
                             (("slip.jwk:1: no line of service provider codes", "hint: "), "sign", ("--key", AS, "--info", INFO, "--spc", lab.path("slip.jwk"))),
                             (("an anchor is the certificate of a CA",), "verify", ("--trust", lab.path("slip.jwk"))),
                             (("--profile",), "verify", ("--profile", "rfc9999")), (("--freshness",), "verify", ("--freshness", "soon")),
                             (("--compat",), "verify", ("--compat", "all")), (("nothere",), "verify", ("--cert", "nothere"))):
        result = sipveil("identity", verb, *bad, stdin=REQUEST)
        cases.case("%s %s is exit 2" % (verb, " ".join(str(word) for word in bad[-2:])),
                   [] if result.code == USAGE and not result.out and all(word in result.err for word in words) else repr(result))
    folder = lab.path("folder")
    folder.mkdir()
    for name in ("as", "other"):
        (folder / (name + ".cer")).write_bytes(lab.crt(name).read_bytes())
    der = lab.write("as.der", tool("openssl", "x509", "-in", lab.crt("as"), "-outform", "DER"))
    for name, certificate in (("a folder by the last name of the URI", folder), ("DER", der), ("URI=FILE", "%s=%s" % (INFO, lab.crt("as")))):
        result = sipveil("identity", "verify", "--cert", certificate, "--trust", CA, "--at", AT, stdin=message)
        cases.case("--cert takes %s" % name, [] if result.code == OK else repr(result))


def main():
    cases = Cases()
    by_openssl(cases)
    by_others(cases)
    answers(cases)
    claims(cases)
    options(cases)
    cases.leave()


if __name__ == "__main__":
    main()
