"""Who a request is from (RFC 8224, RFC 8225): tokens written here member by member; and RFC 4474."""
import base64
import calendar
import json

import certificates
from book import Book
from certificates import dns, uri
from messages import CALL_ID, CONTACT, DATE, FROM, REQUEST_LINE, ROWS, SDP, SDP_ROWS, TO, changed, compose
from rsa import sign_v15
from world import ALICE, BOB, person

INFO = "https://cert.atlanta.example.com/as.cer"
IAT = calendar.timegm((2026, 11, 21, 10, 0, 0))
PRINT = bytes(range(32))
SDP_PRINT = SDP + b"a=fingerprint:sha-256 " + b":".join(b"%02X" % octet for octet in PRINT) + b"\r\n"
HEADER = {"alg": "ES256", "typ": "passport", "x5u": INFO}
MKY = [{"alg": "sha-256", "dig": PRINT.hex().upper()}]
PAYLOAD = {"dest": {"uri": [BOB]}, "iat": IAT, "orig": {"uri": ALICE}}
SERVICE, TRUST = "alice-domain", {"trust": ["ca"]}


def books():
    b = Book("identity", "Identity of a request: full and compact PASSporT, RFC 4474, and what refuses them.")
    good(b)
    tokens(b)
    requests(b)
    credentials(b)
    old(b)
    yield b


def encode(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def text_of(value):
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def token(header=None, payload=None, signer=SERVICE, full=True):
    signed = encode(text_of(HEADER if header is None else header)) + "." + encode(text_of(PAYLOAD if payload is None else payload))
    key = person(signer).key
    r, s = key.curve.sign(key.secret, signed.encode(), "sha256")
    pair = encode(r.to_bytes(key.curve.size, "big") + s.to_bytes(key.curve.size, "big"))
    return (signed if full else ".") + "." + pair


def request(value, rows=ROWS, body=SDP, start=REQUEST_LINE):
    rows = list(rows) + (["Identity: " + value] if value is not None else [])
    return compose(start, rows, SDP_ROWS, body)


def field(value, info=INFO, more=";alg=ES256"):
    return "%s;info=<%s>%s" % (value, info, more)


def options(cert="alice-domain.crt", **more):
    return {**TRUST, **({"cert": [cert]} if cert else {}), **more}


def accepts(b, case, does, rules, message, given=None):
    b.add(case, does, rules, "verify", message, given or options(),
          {"result": "ok", "exit": 0, "message": message, "verdict": "valid"})


def refuses(b, case, does, rules, message, code, status, given=None):
    b.refuses(case, does, rules, message, given or options(), code, status, operation="verify")


def good(b):
    accepts(b, "full", "The full form.", ["IDN-01", "IDN-36"], request(field(token())))
    accepts(b, "compact", "The compact form: header and payload are built again.", ["IDN-28"], request(field(token(full=False))))
    accepts(b, "mky", "The fingerprint of the SDP is in the token.", ["IDN-30"], request(field(token(payload={**PAYLOAD, "mky": MKY})), body=SDP_PRINT))
    accepts(b, "mky-compact", "The same in compact form.", ["IDN-28", "IDN-30"],
            request(field(token(payload={**PAYLOAD, "mky": MKY}, full=False)), body=SDP_PRINT))
    accepts(b, "iat-differs", "iat and Date differ, and both are fresh: iat is what counts.", ["IDN-36"],
            request(field(token(payload={**PAYLOAD, "iat": IAT + 20}))))
    accepts(b, "canonical", "Port, parameters, case and needless escapes are not part of an identity.", ["IDN-32"],
            request(field(token()), rows=changed(ROWS, "From", "From: <sip:%41lice@Atlanta.Example.com:5070;x=y>;tag=1")))
    accepts(b, "more-claims", "Claims that are not known are no harm.", ["IDN-25"], request(field(token(payload={**PAYLOAD, "attest": "A"}))))
    accepts(b, "second-field", "One field is none, the other is valid.", ["IDN-42"],
            request("a.b.c;info=<https://x.example/>\r\nIdentity: " + field(token())))


def tokens(b):
    """What a token must not be: 438."""
    rows = (
        ("alg-none", "alg is none.", ["ADV-192"], field(token({**HEADER, "alg": "none"}))),
        ("alg-hs256", "alg is HS256.", ["ADV-192"], field(token({**HEADER, "alg": "HS256"}))),
        ("alg-parameter", "The parameter says RS256.", ["IDN-24"], field(token(), more=";alg=RS256")),
        ("typ", "typ is JWT.", ["IDN-24"], field(token({**HEADER, "typ": "JWT"}))),
        ("crit", "The header has crit.", ["ADV-192"], field(token({**HEADER, "crit": ["x"]}))),
        ("x5u", "x5u is not info.", ["IDN-23"], field(token({**HEADER, "x5u": INFO + "x"}))),
        ("no-info", "No info.", ["IDN-23"], token() + ";alg=ES256"),
        ("twice", "A member stands twice.", ["ADV-192"], field(token(payload=text_of(PAYLOAD).replace(b'"iat"', b'"iat":1,"iat"')))),
        ("blank", "A blank in the JSON.", ["IDN-26"], field(token(payload=text_of(PAYLOAD).replace(b":", b": ", 1)))),
        ("order", "Another order of members.", ["IDN-26"], field(token(payload=json.dumps(
            {"orig": PAYLOAD["orig"], "dest": PAYLOAD["dest"], "iat": IAT}, separators=(",", ":")).encode()))),
        ("iat-text", "iat is a text.", ["IDN-26"], field(token(payload={**PAYLOAD, "iat": str(IAT)}))),
        ("orig", "orig is somebody else.", ["IDN-37"], field(token(payload={**PAYLOAD, "orig": {"uri": "sip:carol@atlanta.example.com"}}))),
        ("dest", "dest is somebody else.", ["IDN-37"], field(token(payload={**PAYLOAD, "dest": {"uri": ["sip:carol@biloxi.example.com"]}}))),
        ("mky-without", "mky, and no fingerprint in the SDP.", ["IDN-30"], field(token(payload={**PAYLOAD, "mky": MKY}))),
        ("padding", "base64url with padding.", ["IDN-22"], field(token() + "==")),
        ("short", "The signature is one octet short.", ["IDN-27"], field(token().rsplit(".", 1)[0] + "." + encode(bytes(63)))),
        ("zero", "r and s are zero.", ["IDN-27"], field(token().rsplit(".", 1)[0] + "." + encode(bytes(64)))),
        ("other-key", "Signed by another key.", ["IDN-27"], field(token(signer="bob"))),
    )
    for case, does, rules, value in rows:
        refuses(b, case, does, rules, request(value), "bad-signature", 438)
    b.add("unknown-ppt", "An extension that is not known: the field is ignored, and nothing vouches for the request.", ["IDN-40"], "verify",
          request(field(token(), more=";ppt=shaken")), options(), {"result": "ok", "exit": 0, "verdict": "none"})
    refuses(b, "unknown-ppt-required", "The same, where an Identity is demanded.", ["IDN-40", "IDN-45"],
            request(field(token(), more=";ppt=shaken")), "not-signed", 428, options(require=True))
    accepts(b, "iat-text-samples", "iat is a text, as the RFCs print it: where samples are taken.", ["IDN-26"],
            request(field(token(payload={**PAYLOAD, "iat": str(IAT)}))), options(compat="samples"))


def requests(b):
    """The same token in another request (ADV-190, ADV-191)."""
    for case, row in (("from", FROM.replace("alice@", "mallory@")), ("to", TO.replace("bob@", "carol@"))):
        name = row.split(":")[0]
        for form in ("full", "compact"):
            refuses(b, "%s-%s" % (case, form), "%s was changed, %s form." % (name, form), ["ADV-190"],
                    request(field(token(full=form == "full")), rows=changed(ROWS, name, row)), "bad-signature", 438)
    refuses(b, "print", "The fingerprint of the SDP was changed.", ["ADV-190"],
            request(field(token(payload={**PAYLOAD, "mky": MKY})), body=SDP_PRINT.replace(b"00:01", b"01:00")), "bad-signature", 438)
    for case, date in (("old", "09:58:59"), ("early", "10:01:01")):
        refuses(b, case, "Date is 61 seconds off.", ["ADV-191"],
                request(field(token()), rows=changed(ROWS, "Date", "Date: " + DATE.replace("10:00:00", date))), "replay", 403)
    refuses(b, "iat-old", "iat is 61 seconds off.", ["ADV-191"], request(field(token(payload={**PAYLOAD, "iat": IAT - 61}))), "replay", 403)
    refuses(b, "no-date", "No Date.", ["ADV-191"], request(field(token()), rows=changed(ROWS, "Date", None)), "bad-signature", 438)
    accepts(b, "call-id", "Call-ID and Contact are not signed.", ["IDN-06"],
            request(field(token()), rows=changed(changed(ROWS, "Call-ID", CALL_ID + "x"), "Contact", CONTACT.replace("ua.", "pc."))))
    refuses(b, "none", "No Identity, and one is demanded.", ["IDN-45"], request(None), "not-signed", 428, options(require=True))
    b.add("none-needed", "No Identity, and none is demanded.", ["IDN-46"], "verify", request(None), options(),
          {"result": "ok", "exit": 0, "verdict": "none"})


def credentials(b):
    other = certificates.make("biloxi-service", "p256", "biloxi.example.com", person("ca"), [dns("biloxi.example.com"), uri("sip:biloxi.example.com")])
    b.key("biloxi-service", {"pem": other.pem()})
    refuses(b, "no-certificate", "Nothing answers for the URI.", ["IDN-36"], request(field(token())), "no-key", 436, options(cert=None))
    refuses(b, "other-domain", "The certificate is of another domain.", ["ADV-194", "IDN-38"], request(field(token())), "untrusted-signer", 437,
            options(cert="biloxi-service"))
    refuses(b, "user", "The certificate is a user's.", ["IDN-38"], request(field(token(signer="alice"))), "untrusted-signer", 437, options(cert="alice.crt"))
    refuses(b, "stranger", "Nobody vouches for the certificate.", ["IDN-36"], request(field(token())), "untrusted-signer", 437,
            {"trust": ["other-ca"], "cert": ["alice-domain.crt"]})
    for case, place in (("http", "http://cert.atlanta.example.com/"), ("file", "file:///etc/passwd"), ("loopback", "https://127.0.0.1/"),
                        ("mapped", "https://[::ffff:10.0.0.1]/"), ("number", "https://2130706433/")):
        refuses(b, case, "The URI of the certificate is not one to fetch from.", ["ADV-193"],
                request(field(token({**HEADER, "x5u": place}), info=place)), "no-key", 436)


def old(b):
    """RFC 4474, by an RSA key."""
    service = certificates.make("rsa-service", "rsa:alice", "atlanta.example.com", person("ca"), [dns("*.example.com")])
    b.key("rsa-service", {"pem": service.pem()})
    string = "|".join([ALICE, BOB, CALL_ID[9:], "1 INVITE", DATE, CONTACT[10:-1], ""]).encode() + SDP

    def signed(alg, digest, octets=string):
        signature = base64.b64encode(sign_v15(service.key.rsa, octets, digest)).decode()
        return '"%s"\r\nIdentity-Info: <%s>;alg=%s' % (signature, INFO, alg)

    given = options(cert="rsa-service")
    accepts(b, "rfc4474", "The digest-string, signed with SHA-256, by a wildcard of the domain.", ["IDN-07", "IDN-13", "IDN-17"],
            request(signed("rsa-sha256", "sha256")), given)
    refuses(b, "rfc4474-body", "The body was changed.", ["ADV-190", "IDN-12"], request(signed("rsa-sha256", "sha256"), body=SDP + b"a=x\r\n"),
            "bad-signature", 438, given)
    refuses(b, "rfc4474-sha1", "SHA-1 is weak.", ["IDN-02"], request(signed("rsa-sha1", "sha1")), "untrusted-signer", 437, given)
    accepts(b, "rfc4474-sha1-named", "SHA-1, named.", ["IDN-02"], request(signed("rsa-sha1", "sha1")), {**given, "allow-weak": "sha1"})
    refuses(b, "rfc4474-off", "Only PASSporT counts, and an Identity is demanded.", ["IDN-02"], request(signed("rsa-sha256", "sha256")), "not-signed", 428,
            {**given, "profile": "rfc8224", "require": True})
