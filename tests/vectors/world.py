"""Who is who in the vectors: shared keys, certificates, a password. TEST ONLY: every secret here is public."""
import base64
import functools

import certificates
from certificates import dns, rfc822, uri
from chance import Chance

ALICE, BOB = "sip:alice@atlanta.example.com", "sip:bob@biloxi.example.com"
PASSWORD = b"correct horse battery staple"

KEKS = {"kek-128": ("ims-ck-1", 16), "kek-192": ("ims-ck-2", 24), "kek-256": ("ims-ck-3", 32),
        "kek-lost": ("lost", 32), "kek-other": ("ims-ck-4", 32)}


def kek(name):
    return Chance("kek/" + name).octets(KEKS[name][1])


def kek_id(name):
    return KEKS[name][0].encode()


def jwk_of(identifier, key, **more):
    k = base64.urlsafe_b64encode(key).decode().rstrip("=")
    named = {"kid": identifier} if isinstance(identifier, str) else {"kid_hex": identifier.hex()}
    return {"jwk": {"kty": "oct", **named, "k": k, "alg": "A%dKW" % (8 * len(key)), **more}}


# name: kind, subject, issuer, names, and the rest of certificates.make
PEOPLE = {
    "alice": ("p256", "Alice", "ca", [uri(ALICE)], {}),
    "alice-p384": ("p384", "Alice", "ca", [uri(ALICE)], {}),
    "alice-p521": ("p521", "Alice", "ca", [uri(ALICE)], {}),
    "alice-ed25519": ("ed25519", "Alice", "ca", [uri(ALICE)], {}),
    "alice-rsa": ("rsa:alice", "Alice", "ca", [uri(ALICE)], {}),
    "alice-rsa1024": ("rsa:weak", "Alice", "ca", [uri(ALICE)], {}),
    "alice-sha1": ("p256", "Alice", "ca", [uri(ALICE)], {"digest": "sha1"}),
    "bob": ("p256", "Bob", "ca", [uri(BOB)], {}),
    "bob-p384": ("p384", "Bob", "ca", [uri(BOB)], {}),
    "bob-p521": ("p521", "Bob", "ca", [uri(BOB)], {}),
    "bob-x25519": ("x25519", "Bob", "ca", [uri(BOB)], {}),
    "bob-rsa": ("rsa:bob", "Bob", "ca", [uri(BOB)], {}),
    "mallory": ("p256", "Mallory", "ca", [uri("sip:mallory@evil.example.com")], {}),
    "mallory-rsa": ("rsa:mallory", "Mallory", "ca", [uri("sip:mallory@evil.example.com")], {}),
    "stranger": ("p256", "Alice", "other-ca", [uri(ALICE)], {}),
    "alice-self": ("p256", "Alice", None, [uri(ALICE)], {}),
    "alice-middle": ("p256", "Alice", "middle-ca", [uri(ALICE)], {}),
    "alice-by-bob": ("p256", "Alice", "bob", [uri(ALICE)], {}),
    "alice-too-deep": ("p256", "Alice", "deep-ca", [uri(ALICE)], {}),
    "alice-constrained": ("p256", "Alice", "constrained-ca", [dns("atlanta.example.com"), uri(ALICE)], {}),
    "alice-no-certsign": ("p256", "Alice", "no-certsign-ca", [uri(ALICE)], {}),
    "alice-expired": ("p256", "Alice", "ca", [uri(ALICE)], {"until": "20261121095959"}),
    "alice-early": ("p256", "Alice", "ca", [uri(ALICE)], {"since": "20261121100001"}),
    "alice-just": ("p256", "Alice", "ca", [uri(ALICE)], {"since": "20261121095959", "until": "20261121100001"}),
    "alice-tls": ("p256", "Alice", "ca", [uri(ALICE)], {"purposes": ("server-auth",)}),
    "alice-mail-purpose": ("p256", "Alice", "ca", [uri(ALICE)], {"purposes": ("email-protection",)}),
    "alice-any-purpose": ("p256", "Alice", "ca", [uri(ALICE)], {"purposes": ("any-purpose",)}),
    "alice-no-purpose": ("p256", "Alice", "ca", [uri(ALICE)], {"purposes": ()}),
    "alice-encipher": ("p256", "Alice", "ca", [uri(ALICE)], {"usage": ("key-agreement",)}),
    "alice-cn": ("p256", "sip:alice@atlanta.example.com", "ca", [], {}),
    "alice-nul": ("p256", "Alice", "ca", [uri(b"sip:alice@atlanta.example.com\0.evil.example.com")], {}),
    "alice-email": ("p256", "Alice", "ca", [rfc822("alice@atlanta.example.com")], {}),
    "alice-wildcard": ("p256", "Alice", "ca", [uri("sip:*@atlanta.example.com")], {}),
    "alice-domain": ("p256", "Alice", "ca", [dns("atlanta.example.com"), uri("sip:atlanta.example.com")], {}),
    "alice-port": ("p256", "Alice", "ca", [uri("sip:alice@atlanta.example.com:5070")], {}),
    "alice-two-names": ("p256", "Alice", "ca", [uri("sip:alice@home.example.com"), uri(ALICE)], {}),
    "alice-upper-host": ("p256", "Alice", "ca", [uri("sip:alice@ATLANTA.example.COM")], {}),
    "alice-upper-user": ("p256", "Alice", "ca", [uri("sip:Alice@atlanta.example.com")], {}),
    "alice-escaped": ("p256", "Alice", "ca", [uri("sip:%61lice@atlanta.example.com")], {}),
    "alice-critical": ("p256", "Alice", "ca", [uri(ALICE)],
                       {"more": [certificates.extension("unknown", b"\5\0", True)]}),
    "alice-serial-7": ("p256", "Alice", "ca", [uri(ALICE)], {"serial": 7}),
    "bob-expired": ("p256", "Bob", "ca", [uri(BOB)], {"until": "20261121095959"}),
    "bob-tls": ("p256", "Bob", "ca", [uri(BOB)], {"purposes": ("server-auth",)}),
    "bob-rsa1024": ("rsa:weak", "Bob", "ca", [uri(BOB)], {}),
    "bob-sha1": ("p256", "Bob", "ca", [uri(BOB)], {"digest": "sha1"}),
    "bob-other-ca": ("p256", "Bob", "other-ca", [uri(BOB)], {}),
    "bob-sign-only": ("p256", "Bob", "ca", [uri(BOB)], {"usage": ("digital-signature",)}),
    "ca": ("p256", "Test CA", None, (), {"ca": True}),
    "other-ca": ("p256", "Other CA", None, (), {"ca": True}),
    "middle-ca": ("p256", "Middle CA", "ca", (), {"ca": True, "pathlen": 0}),
    "deep-ca": ("p256", "Deep CA", "middle-ca", (), {"ca": True}),
    "no-certsign-ca": ("p256", "Weak CA", "ca", (), {"ca": True, "usage": ("digital-signature",)}),
    "constrained-ca": ("p256", "Chicago CA", "ca", (), {"ca": True, "more": [certificates.extension(
        "name-constraints", certificates.der.sequence(certificates.der.context(
            0, certificates.der.sequence(dns("chicago.example.com")))), True)]}),
}
# "alice-forged" has the names and the serial number of another one, and mallory's key.
FORGED = {"alice-forged": "alice-serial-7"}
CHAINS = {"alice-middle": ["middle-ca"], "alice-by-bob": ["bob"], "alice-too-deep": ["deep-ca", "middle-ca"],
          "alice-no-certsign": ["no-certsign-ca"], "alice-constrained": ["constrained-ca"]}


@functools.lru_cache(None)
def person(name):
    if name in FORGED:
        like = person(FORGED[name])
        return certificates.make(name, "p256", "Alice", person("ca"), [uri(ALICE)], serial=like.serial,
                                 key=person("mallory").key, signed_by=person("mallory").key)
    kind, subject, issuer, names, more = PEOPLE[name]
    return certificates.make(name, kind, subject, person(issuer) if issuer else None, names, **more)


def chain_of(name):
    return [person(each) for each in CHAINS.get(name, [])]


def key_entry(name):
    """The entry of a file's "keys": a shared key, the password, a key pair, NAME.crt the certificate alone."""
    if name in KEKS:
        return jwk_of(KEKS[name][0], kek(name))
    if name == "password":
        return {"password": PASSWORD.decode()}
    if name.endswith(".crt"):
        return {"pem": person(name[:-4]).pem(*chain_of(name[:-4]))}
    if name.endswith("ca"):
        return {"pem": person(name).pem()}
    return {"pem": person(name).key_pem(*chain_of(name))}
