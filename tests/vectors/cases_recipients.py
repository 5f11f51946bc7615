"""Recipients: shared keys, RSA, key agreement, passwords, and all of them together (RFC 5652 6.2, 5753, 8418, 3211)."""
import hashlib

import aes
import certificates
import cms
import der
import world
from book import Book
from chance import Chance
from curves import P256
from messages import carried, invite, sip_entity
from rsa import encrypt_oaep
from world import person

INNER = invite()
CONTENT = sip_entity(INNER)
SHARED = {"encrypted": True, "authenticated": True}
PUBLIC = {"encrypted": True, "authenticated": False}  # anybody can seal to a public key


def content(label, cipher="aes-256-gcm", **more):
    return cms.Content(CONTENT, cipher, "recipients/" + label, **more)


def ours(made, name="kek-256", **more):
    return cms.kekri(world.kek_id(name), world.kek(name), made.cek, **more)


def lost(made):
    return cms.kekri(world.kek_id("kek-lost"), world.kek("kek-lost"), made.cek)


def books():
    yield recipients()
    yield hostile()
    yield keywrap()


def recipients():
    b = Book("recipients", "Every kind of recipient, in every form that is read, alone and mixed.")
    shared_keys(b)
    transport(b)
    agreement(b)
    passwords(b)
    mixed(b)
    return b


def shared_keys(b):
    for name in ("kek-128", "kek-192", "kek-256"):
        for cipher in ("aes-128-gcm", "aes-256-gcm"):
            made = content("%s-%s" % (name, cipher), cipher)
            b.opens("%s-%s" % (name, cipher), "kekri: a KEK of %s bits wraps a key for %s" % (name[4:], cipher),
                    ["TUN-74", "CMS-15"], carried(made.enveloped([ours(made, name)])), {"key": [name]}, INNER, SHARED)
    made = content("wrap-null")
    b.opens("kek-null-parameters", "kekri whose wrap algorithm has NULL parameters", ["TUN-74"],
            carried(made.enveloped([ours(made, parameters=der.NULL)])), {"key": ["kek-256"]}, INNER)
    made = content("kek-date")
    b.opens("kek-date", "kekri with a date", ["CMS-15", "ADV-092"],
            carried(made.enveloped([ours(made, date="20261101000000")])), {"key": ["kek-256"]}, INNER)
    other = der.sequence(der.oid("unknown"), der.utf8("whatever"))
    b.opens("kek-other", "kekri with an attribute that nobody knows: ignored", ["CMS-15", "ADV-092"],
            carried(made.enveloped([ours(made, date="20261101000000", other=other)])), {"key": ["kek-256"]}, INNER)
    for name, identifier in (("one-octet", b"\0"), ("odd-octets", b"\0/../\xff\xfe ims"),
                             ("long", bytes(range(256)) * 4)):
        key = b.key("kek-" + name, world.jwk_of(identifier, world.kek("kek-256")))
        made = content(name)
        b.opens("kek-id-" + name, "a key identifier of %d octets, compared octet by octet" % len(identifier),
                ["CMS-15", "ADV-092"], carried(made.enveloped([cms.kekri(identifier, world.kek("kek-256"), made.cek)])),
                {"key": [key]}, INNER)


WEAK = {"warnings": ["ADV-084"]}


def transport(b):
    bob = person("bob-rsa")
    for digest in ("sha224", "sha256", "sha384", "sha512"):
        made = content("oaep-" + digest)
        b.opens("oaep-" + digest, "ktri: RSAES-OAEP with %s" % digest, ["ADV-084"],
                carried(made.enveloped([cms.ktri(bob, made.cek, digest, digest=digest)])), {"key": ["bob-rsa"]}, INNER,
                PUBLIC)
    made = content("oaep-mixed")
    b.opens("oaep-mask-sha1", "OAEP with SHA-256, its mask with SHA-1: read and flagged", ["ADV-084"],
            carried(made.enveloped([cms.ktri(bob, made.cek, "mixed", mask_digest="sha1")])), {"key": ["bob-rsa"]},
            INNER, WEAK)
    made = content("oaep-sha1")
    b.opens("oaep-sha1", "OAEP with SHA-1 named: read and flagged", ["ADV-084"],
            carried(made.enveloped([cms.ktri(bob, made.cek, "sha1", digest="sha1")])), {"key": ["bob-rsa"]}, INNER, WEAK)
    b.opens("oaep-absent", "OAEP without parameters, which is SHA-1: read and flagged", ["ADV-084"],
            carried(made.enveloped([cms.ktri(bob, made.cek, "absent", der.algorithm("rsa-oaep"), digest="sha1")])),
            {"key": ["bob-rsa"]}, INNER, WEAK)
    made = content("oaep-empty")
    b.opens("oaep-empty-label", "OAEP that names an empty label", ["ADV-084"],
            carried(made.enveloped([cms.ktri(bob, made.cek, "empty", cms.oaep_identifier(
                source=der.algorithm("p-specified", der.octets(b""))))])), {"key": ["bob-rsa"]}, INNER)
    made = content("oaep-ski")
    b.opens("oaep-key-identifier", "ktri that names its recipient by key identifier", ["CMS-03"],
            carried(made.enveloped([cms.ktri(bob, made.cek, "ski", by_key=True)])), {"key": ["bob-rsa"]}, INNER)
    made = content("v15")
    b.opens("rsa-v1.5", "RSA with PKCS #1 v1.5: by name only", ["ADV-080"],
            carried(made.enveloped([cms.ktri(bob, made.cek, "v15", "v1.5")])),
            {"key": ["bob-rsa"], "allow-weak": "rsa-v1.5"}, INNER, WEAK)
    for cipher in ("aes-128-cbc", "aes-128-gcm"):
        made = content("ktri-" + cipher, cipher)
        b.opens("oaep-" + cipher, "OAEP and %s" % cipher, ["TUN-56"],
                carried(made.enveloped([cms.ktri(bob, made.cek, cipher)])),
                {"key": ["bob-rsa"], "allow-unauthenticated": True}, INNER)


def agreement(b):
    who = {"p256": "bob", "p384": "bob-p384", "p521": "bob-p521", "x25519": "bob-x25519"}
    schemes = [("p256", s) for s in ("x963-sha256", "x963-sha384", "x963-sha512", "hkdf-sha256", "hkdf-sha384",
                                     "hkdf-sha512", "x963-sha224")]
    schemes += [("p384", "x963-sha384"), ("p384", "hkdf-sha384"), ("p521", "x963-sha512"), ("p521", "hkdf-sha512"),
                ("p521", "x963-sha256"), ("x25519", "hkdf-sha256"), ("x25519", "hkdf-sha384"),
                ("x25519", "hkdf-sha512"),
                ("x25519", "x963-sha256"), ("x25519", "x963-sha384"), ("x25519", "x963-sha512"),
                ("p384", "x963-sha256"), ("p384", "x963-sha512"), ("p384", "hkdf-sha256"), ("p521", "x963-sha384"), ("p521", "hkdf-sha256"),
                ("p256", "cofactor-x963-sha256"), ("p384", "cofactor-x963-sha384"), ("p256", "cofactor-x963-sha224"),
                ("p256", "cofactor-x963-sha384"), ("p256", "cofactor-x963-sha512"), ("p384", "cofactor-x963-sha256"),
                ("p521", "cofactor-x963-sha256"), ("p521", "cofactor-x963-sha384"), ("p521", "cofactor-x963-sha512")]
    for curve, scheme in schemes:
        made, name = content("%s-%s" % (curve, scheme)), who[curve]
        ukm = Chance("ukm/" + curve + scheme).octets(32) if curve == "x25519" else None
        to = cms.Agreement(person(name), curve + scheme, scheme, ukm=ukm)
        b.opens("%s-%s" % (curve, scheme), "kari: %s, key derivation %s" % (curve.upper(), scheme),
                ["CMS-08", "CMS-09"] if curve != "x25519" else ["CMS-10", "CMS-11"],
                carried(made.enveloped([to.kari(made.cek)])), {"key": [name]}, INNER, PUBLIC)
    for wrap, cipher in (("aes-128-wrap", "aes-128-gcm"), ("aes-192-wrap", "aes-192-gcm"),
                         ("aes-128-wrap", "aes-256-gcm")):
        made = content("p256" + wrap + cipher, cipher)
        to = cms.Agreement(person("bob"), wrap + cipher, wrap=wrap)
        b.opens("p256-%s-%s" % (wrap, cipher), "kari: %s wraps a key for %s" % (wrap, cipher), ["TUN-56", "CMS-08"],
                carried(made.enveloped([to.kari(made.cek)])), {"key": ["bob"]}, INNER)
    made, bob = content("p256-forms"), person("bob")
    to = cms.Agreement(bob, "forms")
    for name, parameters in (("named", der.oid("p256")), ("null", der.NULL)):
        originator = der.context(1, der.algorithm("ec-public-key", parameters), der.bits(to.public))
        b.opens("p256-originator-" + name, "kari: the originator key's parameters are %s" % name, ["CMS-08"],
                carried(made.enveloped([to.kari(made.cek, originator=originator)])), {"key": ["bob"]}, INNER)
    short = der.context(1, to.algorithm, der.bits(P256.octets(to.point, True)))
    b.opens("p256-compressed", "kari: a compressed point, which may be read", ["CMS-08", "ADV-086"],
            carried(made.enveloped([to.kari(made.cek, originator=short)])), {"key": ["bob"]}, INNER)
    with_ukm = cms.Agreement(bob, "ukm", ukm=b"user keying material")
    b.opens("p256-ukm", "kari: ukm goes into SharedInfo", ["CMS-09"],
            carried(made.enveloped([with_ukm.kari(made.cek)])), {"key": ["bob"]}, INNER)
    null = cms.Agreement(bob, "null", null_in_info=True)
    b.opens("p256-wrap-null", "kari: NULL in the wrap identifier, and in what the KEK was derived from", ["CMS-09"],
            carried(made.enveloped([null.kari(made.cek)])), {"key": ["bob"]}, INNER)
    b.opens("p256-wrap-null-absent", "kari: NULL in the wrap identifier, derived without it", ["CMS-09"],
            carried(made.enveloped([null.kari(made.cek, kek=null.kek(der.algorithm("aes-256-wrap")))])),
            {"key": ["bob"]}, INNER)
    by_key = cms.Agreement(bob, "ski")
    b.opens("p256-key-identifier", "kari that names its recipient by key identifier", ["CMS-03", "CMS-08"],
            carried(made.enveloped([by_key.kari(made.cek, by_key=True)])), {"key": ["bob"]}, INNER)
    several = cms.Agreement(bob, "several")
    another = cms.Agreement(person("bob-p384"), "several-other")
    more = [der.sequence(cms.issuer_serial(another.certificate), der.octets(Chance("x").octets(40)))]
    b.opens("p256-several-keys", "kari with two recipientEncryptedKeys, ours is the second", ["CMS-08", "ADV-087"],
            carried(made.enveloped([several.kari(made.cek, more=more)])), {"key": ["bob"]}, INNER)
    headed = cms.Agreement(person("bob-x25519"), "headed", ukm=b"u" * 32)
    prefixed = der.context(1, headed.algorithm, der.bits(b"\4\x20" + headed.public))
    b.opens("x25519-octet-string", "kari: X25519 key with an OCTET STRING header in the BIT STRING: tolerated",
            ["CMS-10"],
            carried(made.enveloped([headed.kari(made.cek, originator=prefixed)])), {"key": ["bob-x25519"]}, INNER)
    plain = cms.Agreement(person("bob-x25519"), "no-ukm")
    b.opens("x25519-no-ukm", "kari: X25519 without ukm, so HKDF without salt", ["CMS-10"],
            carried(made.enveloped([plain.kari(made.cek)])), {"key": ["bob-x25519"]}, INNER)
    old = cms.Agreement(bob, "sha1", "x963-sha1")
    b.opens("p256-x963-sha1", "kari: key derivation with SHA-1, by name only", ["ADV-088"],
            carried(made.enveloped([old.kari(made.cek)])), {"key": ["bob"], "allow-weak": "sha1"}, INNER)


def passwords(b):
    for prf in ("hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"):
        made = content("pwri-" + prf)
        b.opens("password-" + prf, "pwri: PBKDF2 with %s" % prf, ["CMS-13"],
                carried(made.enveloped([cms.pwri(world.PASSWORD, made.cek, prf, prf=prf)])), {"key": ["password"]},
                INNER, SHARED)
    for cipher in ("aes-128-cbc", "aes-192-cbc", "aes-256-cbc"):
        for inside in ("aes-128-gcm", "aes-256-gcm"):
            made = content("pwri-" + cipher + inside, inside)
            b.opens("password-%s-%s" % (cipher, inside), "pwri: a key for %s wrapped with %s" % (inside, cipher),
                    ["CMS-13"],
                    carried(made.enveloped([cms.pwri(world.PASSWORD, made.cek, cipher + inside, cipher=cipher)])),
                    {"key": ["password"]}, INNER)
    made = content("pwri-length")
    b.opens("password-key-length", "pwri whose PBKDF2 parameters name the key length", ["CMS-13"],
            carried(made.enveloped([cms.pwri(world.PASSWORD, made.cek, "length", key_length=32)])),
            {"key": ["password"]}, INNER)
    made = content("pwri-cbc", "aes-256-cbc")
    b.opens("password-cbc", "pwri and CBC: EnvelopedData has version 3", ["CMS-13", "CMS-01"],
            carried(made.enveloped([cms.pwri(world.PASSWORD, made.cek, "cbc")])),
            {"key": ["password"], "allow-unauthenticated": True, "strict": True}, INNER)
    for name, password in (("binary", b"\0\r\n\xff pass\0"), ("utf8", "Käse e\u0301".encode())):
        key = b.key("password-" + name, {"password": {"hex": password.hex()}})
        made = content("password-" + name)
        b.opens("password-octets-" + name, "the password is octets, taken as they are", ["ADV-096"],
                carried(made.enveloped([cms.pwri(password, made.cek, name)])), {"key": [key]}, INNER)
    made = content("two-passwords")
    b.opens("password-second", "two password recipients, nothing tells them apart: each is tried", ["CMS-13"],
            carried(made.enveloped([cms.pwri(b"another", made.cek, "first"),
                                    cms.pwri(world.PASSWORD, made.cek, "second")],
                                   sort=False)), {"key": ["password"]}, INNER)


def all_kinds(made):
    return [ours(made), cms.ktri(person("bob-rsa"), made.cek, "mixed"),
            cms.Agreement(person("bob"), "mixed").kari(made.cek),
            cms.Agreement(person("bob-x25519"), "mixed-x").kari(made.cek), cms.pwri(world.PASSWORD, made.cek, "mixed"),
            cms.ori(), lost(made)]


def mixed(b):
    for cipher in ("aes-256-gcm", "aes-256-cbc"):
        made = content("mixed-" + cipher, cipher)
        message = carried(made.enveloped(all_kinds(made)))
        for key in ("kek-256", "bob-rsa", "bob", "bob-x25519", "password"):
            b.opens("mixed-%s-%s" % (cipher[8:], key), "seven recipients of every kind; we hold %s" % key,
                    ["CMS-12", "ADV-097", "ADV-081"], message, {"key": [key], "allow-unauthenticated": True}, INNER,
                    PUBLIC)
    made = content("ori")
    b.opens("ori-skipped", "an OtherRecipientInfo in front: skipped", ["ADV-097"],
            carried(made.enveloped([cms.ori(), ours(made)], sort=False)), {"key": ["kek-256"]}, INNER)
    made = content("sixty-four")
    many = [cms.kekri(b"id-%02d" % i, world.kek("kek-lost"), made.cek) for i in range(63)] + [ours(made)]
    b.opens("sixty-four", "64 recipients, ours is the last", ["ADV-083"], carried(made.enveloped(many, sort=False)),
            {"key": ["kek-256"]}, INNER)
    made = content("forged-first")
    forged = cms.kekri(world.kek_id("kek-256"), world.kek("kek-lost"), made.cek)
    b.opens("forged-kek-first", "a forged recipient with our key identifier in front of the real one", ["ADV-082"],
            carried(made.enveloped([forged, ours(made)], sort=False)), {"key": ["kek-256"]}, INNER)
    wrong = cms.kekri(world.kek_id("kek-256"), world.kek("kek-256"), Chance("other cek").octets(32))
    b.opens("other-cek-first", "a recipient of ours with another content key in front", ["ADV-082"],
            carried(made.enveloped([wrong, ours(made)], sort=False)), {"key": ["kek-256"]}, INNER)
    bob = person("bob-rsa")
    junk = cms.ktri(bob, made.cek, "junk", encrypted=bytes(255) + b"\5")
    good = cms.ktri(bob, made.cek, "good")
    for name, order in (("first", [good, junk]), ("last", [junk, good])):
        b.opens("chosen-ktri-" + name, "two ktri with our certificate, one is a chosen ciphertext, the good one %s" % name,
                ["ADV-081", "ADV-082"], carried(made.enveloped(order, sort=False)), {"key": ["bob-rsa"]}, INNER)
    b.opens("several-keys-of-ours", "we hold five keys, one of them fits", ["TUN-01"],
            carried(made.enveloped([ours(made)])),
            {"key": ["kek-128", "bob", "bob-rsa", "password", "kek-256"]}, INNER)
    key = b.key("kek-same-id", world.jwk_of(world.KEKS["kek-256"][0], world.kek("kek-lost")))
    b.refuses("two-keks-one-id", "two KEKs of ours under one identifier cannot be used", ["ADV-093"],
              carried(made.enveloped([ours(made)])), {"key": [key, "kek-256"]}, "usage")
    originator = der.context(0, person("alice").der)
    b.opens("originator-info", "originatorInfo with a certificate: skipped", ["CMS-01"],
            carried(made.enveloped([ours(made)], originator=originator)), {"key": ["kek-256"]}, INNER)


# ---- what must not open


def hostile():
    b = Book("recipients-hostile", "Recipients that are not ours, forged, broken or weak.")
    no_key(b)
    unusable_keys(b)
    broken_wraps(b)
    broken_transport(b)
    broken_agreement(b)
    broken_passwords(b)
    too_many(b)
    return b


def refused(b, case, does, rules, to, made, key="kek-256", code="cannot-decrypt", status=493, options=None, **more):
    b.refuses(case, does, rules, carried(made.enveloped(to, sort=False), **more), {"key": [key], **(options or {})},
              code,
              status)


def no_key(b):
    made = content("no-key")
    refused(b, "kek-unknown", "a key identifier that we do not hold", ["TUN-11", "ADV-091"], [lost(made)], made,
            code="no-key")
    refused(b, "certificate-unknown", "a certificate that we do not hold", ["TUN-11"],
            [cms.ktri(person("mallory-rsa"), made.cek, "lost")], made, key="bob-rsa", code="no-key")
    refused(b, "kari-unknown", "key agreement with somebody else", ["TUN-11"],
            [cms.Agreement(person("mallory"), "lost").kari(made.cek)], made, key="bob", code="no-key")
    refused(b, "ori-only", "nothing but an OtherRecipientInfo", ["ADV-097"], [cms.ori()], made, code="no-key")
    refused(b, "kek-id-prefix", "an identifier of which ours is a prefix", ["ADV-092", "CMS-15"],
            [cms.kekri(world.kek_id("kek-256") + b"\0", world.kek("kek-256"), made.cek)], made, code="no-key")
    refused(b, "kek-id-empty", "a key identifier of no octets", ["ADV-092"],
            [cms.kekri(b"", world.kek("kek-256"), made.cek)], made, code="no-key")
    refused(b, "no-keys-at-all", "password recipient, and we hold only a KEK", ["TUN-11"],
            [cms.pwri(world.PASSWORD, made.cek, "none")], made, code="no-key")
    refused(b, "same-serial-other-issuer", "the serial number of our certificate under another issuer", ["CMS-03"],
            [other_issuer()], made, key="bob-rsa", code="no-key")


def other_issuer():
    bob = person("bob-rsa")
    who = der.sequence(person("other-ca").subject, der.integer(bob.serial))
    return der.sequence(der.integer(0), who, cms.oaep_identifier(), der.octets(bytes(256)))


def unusable_keys(b):
    """ADV-093: refused when the key is loaded, before any message is looked at."""
    made = content("unusable")
    message = carried(made.enveloped([ours(made)]))
    for name, entry in {
            "zero": world.jwk_of("ims-ck-3", bytes(32)),
            "short": world.jwk_of("ims-ck-3", bytes(range(15)), alg="A128KW"),
            "alg-contradicts": world.jwk_of("ims-ck-3", bytes(range(16)), alg="A256KW"),
            "no-kid": {"jwk": {"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODw"}},
            "not-oct": {"jwk": {"kty": "EC", "kid": "ims-ck-3", "crv": "P-256"}},
            "spare-bits": {"jwk": {"kty": "oct", "kid": "ims-ck-3", "k": "AAECAwQFBgcICQoLDA0ODx"}},
            "for-signing": world.jwk_of("ims-ck-3", bytes(range(16)), use="sig"),
            "no-pem": {"pem": "hello\n"}, "empty-password": {"password": ""},
            "key-alone": {"pem": certificates.pem("PRIVATE KEY", person("bob").key.pkcs8())},
            "bad-certificate": {"pem": certificates.pem("CERTIFICATE", person("bob").der[:-9])}}.items():
        key = b.key("unusable-" + name, entry)
        b.refuses("key-" + name, "a key that cannot be used: " + name.replace("-", " "),
                  ["ADV-093"] if "password" not in name else ["ADV-096"],
                  message, {"key": [key]}, "usage")


def broken_wraps(b):
    made = content("wraps")
    kek, identifier = world.kek("kek-256"), world.kek_id("kek-256")
    good = aes.wrap(kek, made.cek)
    wraps = {"bit": bytes([good[0] ^ 1]) + good[1:], "empty": b"", "8": good[:8], "15": good[:15], "16": good[:16],
             "24": good[:24], "41": good + b"\0", "48": aes.wrap(kek, made.cek + bytes(8)), "1024": bytes(1024)}
    for name, encrypted in wraps.items():
        refused(b, "kek-wrapped-" + name,
                "a wrapped key of %d octets%s" % (len(encrypted), ", one bit changed" if name == "bit" else ""),
                ["ADV-089"], [cms.kekri(identifier, kek, made.cek, encrypted=encrypted)], made)
    refused(b, "kek-padded-wrap", "AES key wrap with padding where key wrap is named", ["ADV-089"],
            [cms.kekri(identifier, kek, made.cek, encrypted=aes.wrap_padded(kek, made.cek))], made)
    refused(b, "kek-padded-named", "AES key wrap with padding by its own name", ["ADV-089"],
            [cms.kekri(identifier, kek, made.cek, wrap="aes-256-wrap-pad", encrypted=aes.wrap_padded(kek, made.cek))],
            made)
    refused(b, "kek-wrap-size", "a KEK of 32 octets, and the wrap of 16 is named", ["ADV-088"],
            [cms.kekri(identifier, kek, made.cek, wrap="aes-128-wrap")], made)
    for wrap in ("3des-wrap", "rc2-wrap"):
        refused(b, "kek-" + wrap, "%s" % wrap, ["ADV-088"], [cms.kekri(identifier, kek, made.cek, wrap=wrap)], made)
    refused(b, "kek-cek-short", "a content key of 16 octets for a cipher of 32", ["ADV-090"],
            [cms.kekri(identifier, kek, made.cek[:16])], made)
    refused(b, "kek-wrong", "our identifier, another KEK", ["ADV-091"],
            [cms.kekri(identifier, world.kek("kek-lost"), made.cek)], made)
    refused(b, "kek-good-wrap-bad-tag", "our KEK, and the tag is of another content key", ["ADV-091"],
            [cms.kekri(identifier, kek, Chance("nobody's").octets(32))], made)


def broken_transport(b):
    made, bob = content("transport"), person("bob-rsa")
    key = bob.key.rsa
    values = {"empty": b"", "short": bytes(255), "long": bytes(256) + b"\1", "zero": bytes(256),
              "one": bytes(255) + b"\1",
              "modulus": key.n.to_bytes(256, "big"), "over-modulus": b"\xFF" * 256,
              "minus-one": (key.n - 1).to_bytes(256, "big")}
    for name, encrypted in values.items():
        refused(b, "oaep-" + name, "encryptedKey: %s" % name.replace("-", " "), ["ADV-085"],
                [cms.ktri(bob, made.cek, "x", encrypted=encrypted)], made, key="bob-rsa")
    refused(b, "oaep-wrong-hash", "encrypted with SHA-256, SHA-512 is named", ["ADV-084"],
            [cms.ktri(bob, made.cek, "wrong", cms.oaep_identifier("sha512"))], made, key="bob-rsa")
    refused(b, "oaep-label", "OAEP with a label", ["ADV-084"],
            [cms.ktri(bob, made.cek, "label",
                      cms.oaep_identifier(source=der.algorithm("p-specified", der.octets(b"label"))),
                      encrypted=encrypt_oaep(key, made.cek, Chance("label"), label=b"label"))], made, key="bob-rsa")
    refused(b, "oaep-mask-md5", "MGF1 with MD5", ["ADV-084"],
            [cms.ktri(bob, made.cek, "md5", cms.oaep_identifier("sha256", "md5"),
                      encrypted=encrypt_oaep(key, made.cek, Chance("md5"), "sha256", "md5"))], made, key="bob-rsa")
    refused(b, "oaep-source", "pSource of an unknown kind", ["ADV-084"],
            [cms.ktri(bob, made.cek, "source", cms.oaep_identifier(source=der.algorithm("unknown", der.octets(b""))))],
            made, key="bob-rsa")
    refused(b, "oaep-cek-length", "OAEP gives a key of 16 octets for a cipher of 32", ["ADV-090"],
            [cms.ktri(bob, made.cek[:16], "length")], made, key="bob-rsa")
    refused(b, "v15-by-default", "PKCS #1 v1.5 without being asked for", ["ADV-080"],
            [cms.ktri(bob, made.cek, "v15", "v1.5")],
            made, key="bob-rsa", code="policy")
    weak = {"allow-weak": "rsa-v1.5"}
    blocks = {"random": None, "no-zero": b"\0\2" + b"\7" * 254,
              "block-type-1": b"\0\1" + b"\xFF" * 221 + b"\0" + made.cek,
              "cek-of-16": b"\0\2" + b"\7" * 237 + b"\0" + made.cek[:16],
              "short-fill": b"\0\2" + b"\7" * 4 + b"\0" + bytes(249),
              "first-octet": b"\1\2" + b"\7" * 221 + b"\0" + made.cek}
    for name, block in blocks.items():
        encrypted = (Chance("v15 random").number(key.n).to_bytes(256, "big") if block is None
                     else pow(int.from_bytes(block, "big"), key.e, key.n).to_bytes(256, "big"))
        refused(b, "v15-" + name, "PKCS #1 v1.5, asked for, block: %s; the same answer for all" % name, ["ADV-080"],
                [cms.ktri(bob, made.cek, name, "v1.5", encrypted=encrypted)], made, key="bob-rsa", options=weak)


def broken_agreement(b):
    made, bob = content("agreement"), person("bob")
    to = cms.Agreement(bob, "broken")
    size = P256.size
    x, y = to.point
    points = {"off-curve": b"\4" + x.to_bytes(size, "big") + (y ^ 1).to_bytes(size, "big"), "infinity": b"\0",
              "zero": b"\4" + bytes(2 * size), "hybrid": bytes([6 + (y & 1)]) + to.public[1:], "short": to.public[:-1],
              "long": to.public + b"\0", "empty": b"", "other-curve": person("bob-p384").key.octets,
              "over-p": b"\4" + b"\xFF" * size + to.public[-size:]}
    for name, point in points.items():
        originator = der.context(1, to.algorithm, der.bits(point))
        refused(b, "p256-point-" + name, "the ephemeral point: %s" % name.replace("-", " "), ["ADV-086", "CMS-08"],
                [to.kari(made.cek, originator=originator)], made, key="bob")
    for name, originator in {
            "unused-bits": der.context(1, to.algorithm, der.bits(to.public, 3)),
            "named-other-curve": der.context(1, der.algorithm("ec-public-key", der.oid("p384")), der.bits(to.public)),
            "explicit-parameters": der.context(1, der.algorithm("ec-public-key", der.sequence(der.integer(1))),
                                               der.bits(to.public)),
            "x25519-algorithm": der.context(1, der.algorithm("x25519"), der.bits(to.public)),
            "static": cms.issuer_serial(person("mallory")),
            "static-key-identifier": der.implicit(0, person("mallory").identifier)}.items():
        refused(b, "p256-originator-" + name, "the originator: %s" % name.replace("-", " "), ["ADV-086", "ADV-087"],
                [to.kari(made.cek, originator=originator)], made, key="bob")
    low = {"zero": bytes(32), "one": b"\1" + bytes(31),
           "order-8": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
           "short": bytes(31), "p": bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")}
    to_x = cms.Agreement(person("bob-x25519"), "low")
    for name, point in low.items():
        originator = der.context(1, to_x.algorithm, der.bits(point))
        refused(b, "x25519-" + name, "X25519 public key: %s, wrapped under the all-zero secret" % name,
                ["ADV-086", "CMS-10"],
                [to_x.kari(made.cek, originator=originator, kek=cms.agreed_kek(to_x.scheme, bytes(32), None,
                                                                               to_x.wrap_identifier, 32))],
                made, key="bob-x25519")
    for name, parameters in {"absent": [], "null": [der.NULL], "octets": [der.octets(b"wrap")],
                             "3des": [der.algorithm("3des-wrap", der.NULL)],
                             "rc2": [der.algorithm("rc2-wrap", der.integer(58))],
                             "padded": [der.algorithm("aes-256-wrap-pad")]}.items():
        refused(b, "p256-wrap-" + name, "parameters of the key agreement: %s" % name, ["ADV-087", "ADV-088"],
                [to.kari(made.cek, parameters=parameters)], made, key="bob")
    refused(b, "p256-scheme-unknown", "a scheme that nobody knows", ["ADV-087"],
            [to.kari(made.cek).replace(der.oid("x963-sha256"), der.oid("1.3.132.1.11.7"))], made, key="bob")
    refused(b, "p256-wrong-kdf", "derived with SHA-256, SHA-384 is named", ["CMS-08"],
            [to.kari(made.cek).replace(der.oid("x963-sha256"), der.oid("x963-sha384"))], made, key="bob")
    refused(b, "p256-sha1", "key derivation with SHA-1, not asked for", ["ADV-088"],
            [cms.Agreement(bob, "sha1", "x963-sha1").kari(made.cek)], made, key="bob", code="policy")
    with_ukm = cms.Agreement(bob, "ukm", ukm=b"user keying material")
    refused(b, "p256-ukm-changed", "ukm changed on the way", ["CMS-09"],
            [with_ukm.kari(made.cek).replace(b"user keying material", b"User keying material")], made, key="bob")
    refused(b, "p256-cek-length", "a wrapped key of 16 octets for a cipher of 32", ["ADV-090"],
            [to.kari(made.cek[:16])],
            made, key="bob")
    refused(b, "x25519-cofactor", "a cofactor scheme with X25519", ["CMS-10"],
            [cms.Agreement(person("bob-x25519"), "cofactor", "cofactor-x963-sha256").kari(made.cek)], made,
            key="bob-x25519")


def broken_passwords(b):
    made = content("passwords")

    def password(case, does, rules, code="cannot-decrypt", **more):
        refused(b, "password-" + case, does, rules, [cms.pwri(world.PASSWORD, made.cek, case, **more)], made,
                key="password", code=code)

    refused(b, "password-wrong", "another password", ["CMS-13"], [cms.pwri(b"wrong", made.cek, "wrong")], made,
            key="password")
    for iterations in (-1, 0, 1, 999, 2000001, 2**31 - 1, 2**64, 2**64 + 1000):
        password("iterations-%d" % iterations, "%d iterations" % iterations, ["ADV-094"], "limit",
                 iterations=iterations)
    for size in (0, 15, 16, 31, 33):
        password("wrapped-%d" % size, "a wrapped key of %d octets" % size, ["ADV-095"], short=size)
    for claimed in (0, 16, 33, 60, 255):
        password("length-octet-%d" % claimed, "the length octet says %d" % claimed, ["ADV-095", "CMS-13"],
                 claimed=claimed)
    for name in ("aes-128-ofb", "aes-128-ecb", "aes-256-gcm", "des-ede3-cbc"):
        identifier = (cms.gcm_identifier(name, bytes(12)) if name.endswith("gcm")
                      else der.algorithm(name, der.octets(bytes(8 if name.startswith("des") else 16))))
        password("cipher-" + name, "the KEK's cipher is " + name, ["ADV-095"], cipher_identifier=identifier)
    password("cipher-absent", "no cipher under PWRI-KEK", ["ADV-095"], cipher_identifier=b"")
    password("iv-short", "an IV of 8 octets", ["ADV-095"],
             cipher_identifier=der.algorithm("aes-256-cbc", der.octets(bytes(8))))
    password("prf-unknown", "a PRF that nobody knows", ["ADV-095"], prf="hmac-md5")
    password("kdf-unknown", "a key derivation that nobody knows", ["ADV-095"], kdf="scrypt")
    password("kdf-absent", "no key derivation: the KEK would come from outside", ["ADV-095", "CMS-13"],
             derivation=False)
    password("salt-short", "a salt of 4 octets", ["ADV-095"], salt=b"salt")
    password("salt-long", "a salt of 65 octets", ["ADV-095"], salt=b"s" * 65)
    password("key-length", "PBKDF2's key length contradicts the cipher", ["ADV-095"], key_length=16)
    many = [cms.pwri(b"x", made.cek, "many", iterations=500000, encrypted=bytes(48))] * 5
    refused(b, "password-sum", "five password recipients of 500,000 iterations: the sum counts, before the first is done",
            ["ADV-094"], many, made, key="password", code="limit")


def too_many(b):
    made = content("many")
    bob = person("bob-rsa")
    junk = cms.ktri(bob, made.cek, "junk", encrypted=bytes(255) + b"\7")
    refused(b, "ktri-5", "five ktri for us, the good one is the fifth: four private-key operations are the limit",
            ["ADV-083"],
            [junk] * 4 + [cms.ktri(bob, made.cek, "fifth")], made, key="bob-rsa", code="limit")
    forged = cms.kekri(world.kek_id("kek-256"), world.kek("kek-lost"), made.cek)
    refused(b, "kek-9", "nine recipients with our key identifier, the good one is the ninth: eight keys are tried",
            ["ADV-083", "TUN-74"],
            [forged] * 8 + [ours(made)], made, code="limit")
    refused(b, "recipients-65", "65 recipients", ["ADV-083"], [lost(made)] * 64 + [ours(made)], made, code="limit",
            status=513)
    to = cms.Agreement(person("bob"), "many")
    more = [der.sequence(cms.issuer_serial(person("bob-p384")), der.octets(bytes(40)))] * 64
    refused(b, "recipient-keys-65", "65 recipientEncryptedKeys", ["ADV-087"], [to.kari(made.cek, more=more)], made,
            key="bob",
            code="limit", status=513)
    long = cms.Agreement(person("bob"), "long-ukm", ukm=b"u" * 16385)
    refused(b, "ukm-long", "ukm of 16,385 octets", ["ADV-087"], [long.kari(made.cek)], made, key="bob", code="limit",
            status=513)


# ---- published key wraps, each inside a message

WRAPS = [
    ("4.1", 16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
    ("4.2", 24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
    ("4.3", 32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
    ("4.4", 24, 24, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"),
    ("4.5", 32, 24, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"),
    ("4.6", 32, 32, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"),
]
# RFC 3394 4: the key data of all its examples, and the KEK
KEY_DATA = bytes.fromhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")


def keywrap():
    b = Book("keywrap", "Key wraps and key derivations whose results are published, each used in a message.")
    for section, kek_size, size, wrapped in WRAPS:
        kek, cek = bytes(range(kek_size)), KEY_DATA[:size]
        key = b.key("rfc3394-kek-%d" % (8 * kek_size), world.jwk_of("rfc3394-%d" % (8 * kek_size), kek))
        for kind in ("gcm", "cbc"):
            made = content("rfc3394-%s-%s" % (section, kind), "aes-%d-%s" % (8 * size, kind), cek=cek)
            to = cms.kekri(b"rfc3394-%d" % (8 * kek_size), kek, cek, encrypted=bytes.fromhex(wrapped))
            b.opens("rfc3394-%s-%s" % (section, kind),
                    "the wrapped key of RFC 3394 section %s, its content key under %s" % (section, made.cipher),
                    ["TUN-74"], carried(made.enveloped([to])), {"key": [key], "allow-unauthenticated": True}, INNER,
                    facts={"kek": kek.hex(), "cek": cek.hex(), "wrapped": wrapped})
            broken = bytes.fromhex(wrapped)[:-1] + bytes([bytes.fromhex(wrapped)[-1] ^ 0x80])
            if kind == "gcm":
                b.refuses("rfc3394-%s-changed" % section, "the same with its last octet changed", ["ADV-089"],
                          carried(made.enveloped([cms.kekri(b"rfc3394-%d" % (8 * kek_size), kek, cek,
                                                            encrypted=broken)])),
                          {"key": [key]}, "cannot-decrypt", facts={"kek": kek.hex(), "wrapped": broken.hex()})
    padded_key = b.key("rfc5649-kek", world.jwk_of("rfc5649",
                                                   bytes.fromhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")))
    made = content("rfc5649", "aes-128-gcm")
    for name, wrapped in (("20", "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"),
                          ("7", "afbeb0f07dfbf5419200f2ccb50bb24f")):
        to = cms.kekri(b"rfc5649", bytes(24), made.cek, encrypted=bytes.fromhex(wrapped))
        b.refuses("rfc5649-" + name, "a wrap with padding of RFC 5649 section 6 where RFC 3394 is named", ["ADV-089"],
                  carried(made.enveloped([to])), {"key": [padded_key]}, "cannot-decrypt",
                  facts={"kek": "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "wrapped": wrapped})
    cek = bytes.fromhex("c702e7d0a9e064b09ba55245fb733cf3")
    for name, cipher, nonce, derived in (
            ("gcm", "aes-128-gcm", "5c79058ba2f43447639d29e2", "2124ffb29fac4e0fbbc7d5d87492bff3"),
            ("cbc", "aes-128-cbc", "651f722ffd512c52fe072e507d72b377", "9cd102c52f1e19ece8729b35bfeceb50")):
        tag = None if name == "gcm" else 16
        made = content("rfc9709-" + name, cipher, wrapped_cipher=True, cek=cek, nonce=bytes.fromhex(nonce),
                       tag_size=tag)
        inside = (cms.gcm_identifier(cipher, made.nonce, None) if name == "gcm" else der.algorithm(cipher,
            der.octets(made.nonce)))
        assert cms.cek_hkdf(cek, inside).hex() == derived  # TUN-91
        b.opens("rfc9709-" + name, "the key derivation of RFC 9709's appendix, with its algorithm identifier and key",
                ["CMS-14", "TUN-91"],
                carried(made.enveloped([ours(made)])), {"key": ["kek-256"], "allow-unauthenticated": True}, INNER,
                facts={"cek": cek.hex(), "derived": derived})
    made = content("pwri-steps")
    chance = Chance("pwri/steps")
    salt, iv = chance.octets(16), chance.octets(16)
    kek = hashlib.pbkdf2_hmac("sha1", b"password", salt, 1000, 32)
    b.opens("rfc3211-sha1", "a password recipient step by step: PBKDF2 with HMAC-SHA-1, then the double encryption of RFC 3211",
            ["CMS-13", "TUN-91"], carried(made.enveloped([cms.pwri(b"password", made.cek, "steps", prf="hmac-sha1")])),
            {"key": [b.key("password-rfc3211", {"password": "password"})]}, INNER,
            facts={"salt": salt.hex(), "iterations": 1000, "kek": kek.hex(), "iv": iv.hex(), "cek": made.cek.hex()})
    return b
