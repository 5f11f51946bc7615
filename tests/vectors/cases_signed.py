"""Signatures (RFC 5652 5, RFC 8551 3.5), and the certificates behind them (RFC 5280, 5922, 8591)."""
import hashlib

import certificates
import cms
import der
import world
from book import Book
from certificates import revocations
from messages import (BOUNDARY, RESPONSE_ROWS, ROWS, STATUS_LINE, carried, changed, cms_entity, compose, invite,
                      multipart, response, sdp_entity, signature_part, signed_body, signed_message, signed_rows,
                      sip_entity)
from world import person

INNER = invite()
TUNNEL = sip_entity(INNER)
TRUST = {"trust": ["ca"]}
SIGNED = {"signed": True, "encrypted": False, "authenticated": True}
MICALGS = {"sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512", "sha1": "sha-1", "md5": "md5"}


def books():
    yield signed()
    yield hostile()
    yield identities()


def signer(name, content=TUNNEL, label=None, **more):
    return cms.Signer(person(name), content, label or name, **more)


def certificates_for(name):
    return {person(name).der} | {each.der for each in world.chain_of(name)}


def detached(name="alice", content=TUNNEL, label=None, data=None, **more):
    """A multipart/signed message by one signer; data: what signed_data takes."""
    data = dict(data or {})
    data.setdefault("certificates", certificates_for(name))
    one = signer(name, content, label, **more)
    return signed_message(content, cms.signed_data([one], **data), micalg=MICALGS.get(one.digest, "unknown"))


def signed():
    b = Book("signed", "Signed messages: algorithms, detached and opaque, several signers, certificates absent.")
    algorithms(b)
    forms(b)
    several(b)
    claims(b)
    return b


def algorithms(b):
    kinds = [("alice", "sha256", None), ("alice", "sha384", None), ("alice", "sha512", None),
             ("alice-p384", "sha384", None),
             ("alice-p384", "sha256", None), ("alice-p521", "sha512", None), ("alice-ed25519", "sha512", None)]
    kinds += [("alice-rsa", digest, scheme) for digest in ("sha256", "sha384", "sha512") for scheme in ("pss", "v1.5")]
    for name, digest, scheme in kinds:
        case = "%s-%s%s" % (name.replace("alice", "ecdsa-p256") if name == "alice" else name[6:], digest,
                            "-" + scheme if scheme else "")
        one = signer(name, digest=digest, scheme=scheme, label=case)
        data = cms.signed_data([one])
        b.opens(case + "-detached", "multipart/signed by %s with %s" % (case, digest), ["TUN-20", "TUN-62", "CMS-02"],
                signed_message(TUNNEL, data, micalg=MICALGS[digest]), TRUST, INNER, SIGNED)
        opaque = cms.signed_data([one], TUNNEL)
        b.opens(case + "-opaque", "the same as signed-data with its content inside", ["TUN-60", "CMS-02"],
                carried(opaque),
                TRUST, INNER, SIGNED)
    for salt in (48, 64, 190):
        b.opens("rsa-pss-salt-%d" % salt, "RSASSA-PSS with a salt of %d octets" % salt, ["ADV-115"],
                detached("alice-rsa", label="salt%d" % salt, scheme="pss", salt_size=salt), TRUST, INNER)
    for weak, name, more in (("sha1", "alice", {"digest": "sha1"}),
                             ("sha1", "alice-rsa", {"digest": "sha1", "scheme": "v1.5"}),
                             ("rsa1024", "alice-rsa1024", {"scheme": "v1.5"})):
        b.opens("weak-%s-%s" % (weak, name), "read by name only: " + weak, ["ADV-115"],
                detached(name, label="weak" + name, **more), {"trust": ["ca"], "allow-weak": weak}, INNER)
    b.opens("weak-sha1-certificate", "a certificate signed with SHA-1, by name only", ["ADV-115"],
            detached("alice-sha1"),
            {"trust": ["ca"], "allow-weak": "sha1"}, INNER)
    b.opens("weak-no-attributes", "a signature without signed attributes, by name, over a MIME entity",
            ["CMS-02", "ADV-110"],
            detached("alice", label="bare", signed_attributes=False),
            {"trust": ["ca"], "allow-weak": "no-signed-attrs"}, INNER)


def forms(b):
    b.opens("response", "a response signed by whom its To names", ["TUN-08", "ADV-126"],
            signed_message(sip_entity(response()), cms.signed_data([signer("bob", sip_entity(response()))]),
                           RESPONSE_ROWS, STATUS_LINE),
            TRUST, response(), SIGNED)
    one = signer("alice", by_key=True)
    b.opens("key-identifier", "the signer named by key identifier", ["CMS-03"],
            signed_message(TUNNEL, cms.signed_data([one])),
            dict(TRUST, strict=True), INNER)
    bare = cms.signed_data([signer("alice")], certificates=set())
    b.opens("no-certificate", "the certificate is not in the message, and known from elsewhere", ["TUN-06", "CMS-03"],
            signed_message(TUNNEL, bare), dict(TRUST, cert=["alice.crt"]), INNER)
    b.opens("no-certificate-by-key", "the same, named by key identifier", ["TUN-06", "CMS-03"],
            signed_message(TUNNEL, cms.signed_data([one], certificates=set())), dict(TRUST, cert=["alice.crt"]), INNER)
    more = certificates_for("alice") | {person("bob").der, person("mallory").der}
    b.opens("other-certificates", "certificates of others beside the signer's", ["CMS-03"],
            signed_message(TUNNEL, cms.signed_data([signer("alice")], certificates=more)), TRUST, INNER)
    b.opens("base64-signature", "the signature part in base64", ["TUN-79"],
            compose(content=signed_rows(),
                    body=multipart([TUNNEL, signature_part(cms.signed_data([signer("alice")]), "base64")])),
            TRUST, INNER)
    b.opens("x-pkcs7-signature", "the old name of the signature's media type", ["TUN-60"],
            detached("alice").replace(b"application/pkcs7-signature; name", b"application/x-pkcs7-signature; name")
            .replace(b"Content-Length: %d" % (len(signed_body(TUNNEL, cms.signed_data([signer("alice")])))),
                     b"Content-Length: %d" % (len(signed_body(TUNNEL, cms.signed_data([signer("alice")]))) + 2)),
            TRUST, INNER)
    for micalg in ("sha-1", "sha256", "unknown", "sha-256,sha-512"):
        b.opens("micalg-" + micalg.replace(",", "-"), "micalg says %s: only a hint" % micalg, ["TUN-62", "ADV-040"],
                signed_message(TUNNEL, cms.signed_data([signer("alice")]), micalg='"%s"' % micalg), TRUST, INNER)
    row = 'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="%s"' % BOUNDARY
    b.opens("micalg-missing", "no micalg", ["TUN-62"],
            compose(content=[row], body=signed_body(TUNNEL, cms.signed_data([signer("alice")]))), TRUST, INNER)
    twice = cms.signed_data([signer("alice", cms_entity(cms.signed_data([signer("alice")], TUNNEL)), "outer")],
                            cms_entity(cms.signed_data([signer("alice")], TUNNEL)))
    b.opens("signed-twice", "a signature over a signature", ["TUN-62a", "TUN-23"], carried(twice), TRUST, INNER)
    b.opens("second-opinion", "libcrypto's CMS comes to the same result", ["TUN-08"], detached("alice"),
            dict(TRUST, **{"second-opinion": True}), INNER)
    b.opens("body-only", "only the body is signed; the outer header is not", ["TUN-38"],
            signed_message(sdp_entity(), cms.signed_data([signer("alice", sdp_entity())])), TRUST, INNER, SIGNED)


def several(b):
    for second, case in (("alice-rsa", "both Alice's"), ("mallory", "the second is Mallory's")):
        two = [signer("alice"), signer(second, scheme="pss")]
        b.opens("two-signers-" + second, "two signers, %s: one speaks for From, both chains are good" % case,
                ["TUN-23"],
                signed_message(TUNNEL, cms.signed_data(two)), TRUST, INNER)
    two = [signer("alice"), signer("alice-ed25519")]
    b.opens("two-signers-ed25519", "an ECDSA and an Ed25519 signature over one content", ["TUN-23"],
            signed_message(TUNNEL, cms.signed_data(two), micalg='"sha-256,sha-512"'), TRUST, INNER)


def claims(b):
    capabilities = cms.attribute("capabilities", der.sequence(der.algorithm("aes-256-gcm")))
    b.opens("capabilities", "SMIMECapabilities among the signed attributes", ["TUN-57", "TUN-22"],
            detached("alice", label="capabilities", more=[capabilities]), TRUST, INNER)
    digest = der.octets(hashlib.sha256(person("alice").der).digest())
    named = cms.attribute("signing-certificate-v2", der.sequence(der.sequence(der.sequence(digest))))
    b.opens("signing-certificate", "signingCertificateV2 names the certificate", ["TUN-58"],
            detached("alice", label="certificate-v2", more=[named]), TRUST, INNER)
    counter = cms.attribute("counter-signature", signer("mallory", b"whatever").der)
    b.opens("unsigned-attributes", "a counter-signature by somebody else among the unsigned attributes: ignored",
            ["ADV-125"],
            detached("alice", label="unsigned", unsigned=[counter]), TRUST, INNER)
    for time, name in (("20491231235959", "utc"), ("20500101000000", "generalized"), ("19700101000000", "1970")):
        b.opens("signing-time-" + name, "signingTime %s: a claim, which decides nothing" % time, ["TUN-58", "ADV-119"],
                detached("alice", label="time" + name, time=time), TRUST, INNER)


# ---- what must not verify


def hostile():
    b = Book("signed-hostile", "Signatures that are broken, stripped, forged, weak or about something else.")
    broken_signatures(b)
    broken_attributes(b)
    forgeries(b)
    weak(b)
    structure(b)
    return b


def refused(b, case, does, rules, message, code="bad-signature", options=None, **more):
    b.refuses(case, does, rules, message, dict(TRUST, **(options or {})), code, **more)


def broken_signatures(b):
    data = cms.signed_data([signer("alice")])
    for name, part in (("body", TUNNEL.replace(b"192.0.2.101", b"192.0.2.102", 1)),
                       ("subject", TUNNEL.replace(b"Max-Forwards: 70", b"Max-Forwards: 71")),
                       ("blank", TUNNEL + b" "), ("line-end", TUNNEL[:-2] + b"\n\r")):
        refused(b, "content-" + name, "the signed part was changed: " + name, ["TUN-62", "ADV-042"],
                signed_message(part, data))
    refused(b, "final-line-end", "a line end more before the delimiter is part of what was signed",
            ["ADV-042", "TUN-62"],
            signed_message(TUNNEL + b"\r\n", data))
    edited = compose(content=signed_rows(), body=signed_body(TUNNEL, data, preamble=b"Read this first.\r\n"))
    b.opens("preamble", "a preamble, which nothing signs and nobody reads", ["ADV-042", "ADV-032"], edited, TRUST,
            INNER)
    for name, kind in (("ecdsa", "alice"), ("ed25519", "alice-ed25519"), ("pss", "alice-rsa")):
        one = signer(kind, scheme="pss", label="bit" + name)
        broken = bytearray(one.der)
        broken[-3] ^= 4
        one.der = bytes(broken)
        refused(b, "bit-" + name, "one bit of an %s signature changed" % name.upper(), ["CMS-02"],
                signed_message(TUNNEL, cms.signed_data([one], certificates=certificates_for(kind))))
    n = person("alice").key.curve.n
    for name, (r, s) in {"zero": (0, 0), "r-zero": (0, 5), "s-zero": (5, 0), "r-n": (n, 5), "s-n": (5, n),
                         "negative": (-1, 5)}.items():
        refused(b, "ecdsa-" + name, "ECDSA with r = %s, s = %s" % ("n" if r == n else r, "n" if s == n else s),
                ["ADV-115"],
                detached("alice", label="rs", signature=der.sequence(der.integer(r), der.integer(s))))
    refused(b, "ecdsa-not-der", "an ECDSA signature that is no DER", ["ADV-115"],
            detached("alice", label="rs", signature=bytes(64)))
    refused(b, "other-key", "signed by Mallory's key, Alice's certificate is named", ["CMS-02"],
            detached("alice", label="other", key=person("mallory").key))
    refused(b, "two-one-bad", "two signers, the second's signature is wrong", ["ADV-114", "TUN-23"],
            signed_message(TUNNEL, cms.signed_data([signer("alice"), signer("alice-rsa", b"something else")])))


def broken_attributes(b):
    digest = cms.attribute("message-digest", der.octets(hashlib.sha256(TUNNEL).digest()))
    kind, time = cms.attribute("content-type", der.oid("data")), cms.attribute("signing-time",
        der.utc_time("20261121100000"))
    long = cms.attribute("message-digest", der.octets(hashlib.sha512(TUNNEL).digest()))
    sets = {"digest-missing": [kind, time], "type-missing": [digest, time], "empty": [],
            "digest-twice": [kind, digest, digest], "type-twice": [kind, kind, digest],
            "time-twice": [kind, digest, time, time],
            "digest-wrong-length": [kind, cms.attribute("message-digest", der.octets(bytes(20)))],
            "digest-of-sha512": [kind, long],
            "digest-two-values": [kind, cms.attribute("message-digest", der.octets(bytes(32)),
                                                      der.octets(hashlib.sha256(TUNNEL).digest()))],
            "digest-no-value": [kind, cms.attribute("message-digest")],
            "type-signed": [cms.attribute("content-type", der.oid("signed-data")), digest],
            "time-nonsense": [kind, digest, cms.attribute("signing-time", der.utf8("yesterday"))],
            "capabilities-twice": [kind, digest]
            + [cms.attribute("capabilities", der.sequence(der.algorithm(name))) for name in ("aes-128-cbc",
                "aes-256-cbc")]}
    for name, attributes in sets.items():
        rules = ["ADV-111"] if "missing" in name or "type-signed" in name or name == "empty" else ["ADV-058"]
        if name in ("digest-wrong-length", "digest-of-sha512"):
            rules = ["ADV-116", "ADV-111"]
        if name.startswith("time-n"):
            rules = ["TUN-58"]
        if name.startswith("cap"):
            rules = ["TUN-57"]
        refused(b, "attributes-" + name, "signed attributes, well signed: " + name.replace("-", " "), rules,
                detached("alice", label="set" + name, attributes=attributes))
    unsorted = signer("alice", label="unsorted")
    ordered = b"".join(sorted([kind, digest, time]))
    swapped = b"".join(sorted([kind, digest, time], reverse=True))
    unsorted.der = unsorted.der.replace(ordered, swapped)
    refused(b, "attributes-unsorted", "signed attributes not in the order of DER", ["CMS-02"],
            signed_message(TUNNEL, cms.signed_data([unsorted])))
    wrong = cms.attribute("signing-certificate-v2", der.sequence(der.sequence(der.sequence(der.octets(bytes(32))))))
    refused(b, "attributes-other-certificate", "signingCertificateV2 names another certificate", ["TUN-58", "ADV-124"],
            detached("alice", label="v2wrong", more=[wrong]))


def forgeries(b):
    refused(b, "no-attributes", "no signed attributes", ["ADV-110", "CMS-02"],
            detached("alice", label="bare", signed_attributes=False),
            "policy")
    one = signer("alice")
    attributes = der.set_of(cms.attribute("content-type", der.oid("data")),
                            cms.attribute("message-digest", der.octets(hashlib.sha256(TUNNEL).digest())),
                            cms.attribute("signing-time", der.utc_time("20261121100000")))
    forged = signer("alice", attributes, "forged", signed_attributes=False)
    refused(b, "attributes-as-content", "the attributes of another signature as the content, their signature as its own", ["ADV-110"],
            carried(cms.signed_data([forged], attributes)), "policy")
    refused(b, "attributes-as-content-named",
            "the same although signatures without attributes are read by name: the content is DER",
            ["ADV-110", "CMS-02"], carried(cms.signed_data([forged], attributes)),
            options={"allow-weak": "no-signed-attrs"})
    plain = cms.signed_data([], certificates=certificates_for("alice"), digests={der.algorithm("sha256")})
    refused(b, "no-signers-detached", "multipart/signed without a signer", ["ADV-112", "ADV-059"],
            signed_message(TUNNEL, plain), "not-signed")
    refused(b, "no-signers-opaque", "signed-data with content and without a signer", ["ADV-112"],
            carried(cms.signed_data([], TUNNEL, certificates=certificates_for("alice"),
                                    digests={der.algorithm("sha256")})), "not-signed")
    refused(b, "opaque-without-content", "signed-data whose content is absent, and none is beside it", ["ADV-112"],
            carried(cms.signed_data([one])), "bad-signature")
    other = TUNNEL.replace(b"192.0.2.101", b"192.0.2.66 ")
    both = cms.signed_data([signer("alice")], TUNNEL)
    refused(b, "inside-and-beside", "content inside the signature and another one beside it", ["ADV-113", "TUN-20"],
            signed_message(other, both))
    refused(b, "inside-and-beside-same", "content inside the signature and the same beside it", ["ADV-113", "TUN-20"],
            signed_message(TUNNEL, both))
    typed = signer("alice", content_type="signed-data", label="typed")
    refused(b, "content-type-unlike", "the signed content type is signedData, the content says data", ["ADV-111"],
            signed_message(TUNNEL, cms.signed_data([typed], version=1)))
    mismatch = signer("alice", label="digest-mismatch", digest_identifier=der.algorithm("sha512"))
    refused(b, "digest-unlike-signature", "digestAlgorithm SHA-512, signature with SHA-256", ["ADV-116"],
            signed_message(TUNNEL, cms.signed_data([mismatch])))
    refused(b, "digest-not-in-set", "the signer's digest is not in the set of SignedData", ["ADV-116"],
            signed_message(TUNNEL, cms.signed_data([one], digests={der.algorithm("sha512")})))
    parameters = signer("alice", label="digest-parameters", digest_identifier=der.algorithm("sha256", der.integer(1)))
    refused(b, "digest-parameters", "a digest algorithm with parameters", ["ADV-116"],
            signed_message(TUNNEL, cms.signed_data([parameters])))
    compressed = signer("alice", content_type="compressed-data", label="compressed")
    refused(b, "content-of-another-type", "the signed content says well and truly that it is no data", ["TUN-61"],
            carried(cms.signed_data([compressed], TUNNEL, content_type="compressed-data",
                                    certificates=certificates_for("alice"))), "unsupported")
    refused(b, "digest-set-empty", "an empty set of digest algorithms", ["ADV-059"],
            signed_message(TUNNEL, cms.signed_data([one], digests=set())), "malformed")
    refused(b, "signature-stripped", "multipart/signed cut down to its first part, and a signature is required",
            ["ADV-142"],
            compose(content=["Content-Type: message/sip"], body=INNER), "not-signed", options={"require": "signed"})
    refused(b, "plain", "a message that nothing protects, and both is required", ["TUN-15", "ADV-142"], INNER,
            "not-signed",
            options={"require": "both"})
    refused(b, "plain-encryption", "a message that nothing protects, and encryption is required", ["TUN-15"], INNER,
            "not-encrypted",
            options={"require": "encrypted"})
    b.opens("unprotected", "a message that nothing protects is handed on with a warning", ["TUN-15"], INNER, {}, INNER,
            {"protected": False, "signed": False})


def weak(b):
    refused(b, "md5", "RSA with MD5: never", ["ADV-115"], detached("alice-rsa", digest="md5", scheme="v1.5"), "policy",
            options={"allow-weak": "sha1,rsa1024"})
    refused(b, "sha1", "SHA-1, not asked for", ["ADV-115"], detached("alice", digest="sha1"), "policy")
    refused(b, "rsa1024", "RSA of 1024 bits, not asked for", ["ADV-115"], detached("alice-rsa1024", scheme="v1.5"),
            "policy")
    refused(b, "sha1-certificate", "a certificate signed with SHA-1, not asked for", ["ADV-115"],
            detached("alice-sha1"), "policy")
    for salt in (0, 8):
        refused(b, "pss-salt-%d" % salt, "RSASSA-PSS with a salt of %d octets" % salt, ["ADV-115"],
                detached("alice-rsa", label="pss", scheme="pss", salt_size=salt), "policy")
    huge = cms.pss_identifier("sha256", None, 10000)
    refused(b, "pss-salt-10000", "RSASSA-PSS that says its salt has 10,000 octets", ["ADV-115"],
            detached("alice-rsa", label="pss", scheme="pss", algorithm=huge), "policy")
    refused(b, "pss-mask-sha1", "RSASSA-PSS whose mask is of SHA-1", ["ADV-116"],
            detached("alice-rsa", label="pss", scheme="pss", algorithm=cms.pss_identifier("sha256", "sha1")))
    refused(b, "dsa", "a DSA signature algorithm", ["ADV-115"],
            detached("alice", algorithm=der.algorithm("dsa-sha256")), "unsupported")
    for exponent in (1, 2, 4):
        key = certificates.Private("rsa:alice", "exponent")
        key.octets = der.sequence(der.integer(key.rsa.n), der.integer(exponent))
        key.spki = der.sequence(der.algorithm("rsa", der.NULL), der.bits(key.octets))
        holder = certificates.make("exponent-%d" % exponent, None, "Alice", person("ca"),
                                   [certificates.uri(world.ALICE)], key=key)
        one = cms.Signer(holder, TUNNEL, "exponent", scheme="v1.5")
        refused(b, "rsa-exponent-%d" % exponent, "an RSA key with public exponent %d" % exponent, ["ADV-115"],
                signed_message(TUNNEL, cms.signed_data([one])), "policy")


def structure(b):
    one = signer("alice")
    refused(b, "signers-5", "five signers, the limit is four", ["ADV-114"],
            signed_message(TUNNEL, cms.signed_data([signer("alice", label=str(i),
                                                           time="2026112110000%d" % i) for i in range(5)])), "limit")
    many = [certificates.make("many-%d" % i, "p256", "Somebody %d" % i, person("ca")).der for i in range(16)]
    refused(b, "certificates-17", "17 certificates, the limit is 16", ["ADV-123"],
            signed_message(TUNNEL, cms.signed_data([one], certificates=set(many) | {person("alice").der})), "limit")
    large = certificates.make("large", "p256", "Alice", person("ca"), [certificates.uri(world.ALICE)],
                              more=[certificates.extension("unknown", der.octets(bytes(17000)))])
    refused(b, "certificate-17000", "a certificate of over 16 KiB", ["ADV-123"],
            signed_message(TUNNEL, cms.signed_data([cms.Signer(large, TUNNEL, "large")])), "limit")
    refused(b, "version-strict", "SignedData of version 9, strictly", ["CMS-01", "ADV-055"],
            signed_message(TUNNEL, cms.signed_data([one], version=9)), "malformed", options={"strict": True})
    b.opens("version-tolerated", "SignedData of version 9 is read with a warning", ["CMS-01", "ADV-055"],
            signed_message(TUNNEL, cms.signed_data([one], version=9)), TRUST, INNER, {"warnings": ["CMS-01"]})
    odd = signer("alice", label="odd", version=3)
    refused(b, "signer-version-strict", "SignerInfo of version 3 with issuer and serial number, strictly",
            ["CMS-01", "ADV-055"],
            signed_message(TUNNEL, cms.signed_data([odd], version=3)), "malformed", options={"strict": True})
    attributes = [cms.attribute("1.3.6.1.4.1.55555.2.%d" % i, der.NULL) for i in range(33)]
    refused(b, "attributes-36", "36 signed attributes, the limit is 32", ["ADV-123"],
            detached("alice", label="many", more=attributes), "limit")


# ---- who may sign for whom, and when


def identities():
    b = Book("certificates", "Whether a certificate is accepted for an identity: chain, time, usage, names, revocation, pins.")
    chains(b)
    times(b)
    usages(b)
    names(b)
    revoked(b)
    pins(b)
    return b


def accepted(b, case, does, rules, name, options=None, **more):
    b.opens(case, does, rules, detached(name, **more), dict(TRUST, **(options or {})), INNER, SIGNED)


def rejected(b, case, does, rules, name, options=None, code="untrusted-signer", message=None, **more):
    b.refuses(case, does, rules, message or detached(name, **more), dict(TRUST, **(options or {})), code)


def chains(b):
    accepted(b, "chain-middle", "a chain through a CA whose certificate is in the message", ["TUN-17"], "alice-middle")
    b.opens("chain-middle-known", "the CA between is known from elsewhere", ["TUN-17"],
            detached("alice-middle", data={"certificates": {person("alice-middle").der}}),
            dict(TRUST, cert=["middle-ca"]), INNER)
    rejected(b, "chain-middle-missing", "the CA between is missing", ["TUN-08"], "alice-middle",
             data={"certificates": {person("alice-middle").der}})
    rejected(b, "chain-other-ca", "Alice's name under a CA that is not trusted", ["TUN-08"], "stranger")
    rejected(b, "chain-no-anchor", "no trust anchors at all", ["TUN-08"], "alice", {"trust": []})
    rejected(b, "chain-self-signed", "a self-signed certificate that came with the message", ["ADV-117"], "alice-self")
    rejected(b, "chain-through-user", "issued by a user's certificate, which is no CA's", ["ADV-118"], "alice-by-bob")
    rejected(b, "chain-pathlen", "a CA below one that allows none", ["ADV-118"], "alice-too-deep")
    rejected(b, "chain-name-constraints", "a name outside what the CA is allowed", ["ADV-118"], "alice-constrained")
    rejected(b, "chain-no-certsign", "a CA that may not sign certificates", ["ADV-118"], "alice-no-certsign")
    rejected(b, "chain-forged", "a certificate with the issuer and serial number of a good one, signed by somebody else", ["ADV-124"], "alice-forged")
    rejected(b, "chain-forged-known", "the same, and the good one is known: the signature does not fit it", ["ADV-124"],
             "alice-forged",
             {"cert": ["alice-serial-7.crt"]})
    rejected(b, "certificate-missing", "no certificate in the message and none known", ["TUN-06"], "alice",
             data={"certificates": set()})
    b.opens("not-verified", "--no-verify-signer: a good signature whose signer is not accepted", ["TUN-08"],
            detached("stranger"), dict(TRUST, **{"no-verify-signer": True}), INNER,
            {"signed": False, "warnings": ["TUN-08"]})
    last = person("ca")
    chain = []
    for i in range(8):
        last = certificates.make("deep-%d" % i, "p256", "CA %d" % i, last, ca=True)
        chain.append(last)
    leaf = certificates.make("deep-leaf", "p256", "Alice", last, [certificates.uri(world.ALICE)])
    one = cms.Signer(leaf, TUNNEL, "deep")
    rejected(b, "chain-too-long", "eight CAs between, the limit is six", ["ADV-123"], None, code="limit",
             message=signed_message(TUNNEL,
                                    cms.signed_data([one], certificates={leaf.der} | {each.der for each in chain})))


def times(b):
    accepted(b, "time-just-valid", "valid for two seconds, and now is the one in the middle", ["ADV-119"], "alice-just")
    rejected(b, "time-expired", "expired one second ago; signingTime inside the validity does not help", ["ADV-119"],
             "alice-expired",
             time="20261101000000")
    rejected(b, "time-early", "valid one second from now", ["ADV-119"], "alice-early")
    rejected(b, "time-1970", "the clock says 1970", ["ADV-119"], "alice",
             {"at": "1970-01-01T00:00:01Z", "date-window": "any"})
    rejected(b, "time-2030", "the clock says 2030", ["ADV-119"], "alice",
             {"at": "2030-01-01T00:00:00Z", "date-window": "any"})
    old = invite(changed(ROWS, "Date", "Date: Mon, 01 Dec 2025 10:00:00 GMT"))
    part = sip_entity(old)
    b.refuses("date-before-validity", "Date lies before the certificate's validity", ["TUN-34"],
              signed_message(part, cms.signed_data([signer("alice", part, "old")]),
                             changed(ROWS, "Date", "Date: Mon, 01 Dec 2025 10:00:00 GMT")),
              dict(TRUST, **{"date-window": "any"}), "untrusted-signer")


def usages(b):
    for name in ("alice", "alice-mail-purpose", "alice-any-purpose", "alice-no-purpose"):
        accepted(b, "usage-" + (name[6:] or "sip"), "extendedKeyUsage: %s" % (name[6:] or "SIP domain"), ["ADV-120"],
                 name)
    rejected(b, "usage-tls", "extendedKeyUsage: TLS server only", ["ADV-120"], "alice-tls")
    rejected(b, "usage-no-signature", "keyUsage without digitalSignature", ["ADV-120"], "alice-encipher")
    rejected(b, "usage-critical", "an unknown critical extension", ["ADV-120"], "alice-critical")


def names(b):
    for name, does in (("alice-two-names", "two SIP URIs, one is From's"),
                       ("alice-upper-host", "the host in other letters")):
        accepted(b, "name-" + name[6:], does, ["TUN-03", "TUN-04", "ADV-016"], name)
    accepted(b, "name-escaped", "the user part with an escape", ["TUN-04", "ADV-016"], "alice-escaped")
    for name, does in (("mallory", "the certificate speaks for somebody else"),
                       ("alice-cn", "only the common name fits"),
                       ("alice-nul", "a NUL in the URI"), ("alice-wildcard", "a wildcard"),
                       ("alice-domain", "names of the domain only"),
                       ("alice-port", "the URI has a port"), ("alice-upper-user", "the user part in other letters")):
        rejected(b, "name-" + (name[6:] or name), does,
                 ["ADV-121", "TUN-04"] + (["ADV-126"] if name == "mallory" else []), name)
    accepted(b, "name-email", "an e-mail name equal to user@host", ["TUN-04"], "alice-email")
    nul = invite(changed(ROWS, "From", "From: <sip:alice%00@atlanta.example.com>;tag=9fxced76sl"))
    part = sip_entity(nul)
    b.refuses("name-from-nul", "From has alice%00, the certificate alice", ["ADV-014", "ADV-126"],
              signed_message(part, cms.signed_data([signer("alice", part, "nul")]),
                             changed(ROWS, "From", "From: <sip:alice%00@atlanta.example.com>;tag=9fxced76sl")),
              TRUST, "untrusted-signer")
    display = 'From: "<sip:alice@atlanta.example.com>" <sip:mallory@evil.example.com>;tag=9fxced76sl'
    posing = invite(changed(ROWS, "From", display))
    part = sip_entity(posing)
    b.refuses("name-display", "Alice's URI as the display name of Mallory's, signed by Alice", ["ADV-015"],
              signed_message(part, cms.signed_data([signer("alice", part, "display")]), changed(ROWS, "From", display)),
              TRUST, "untrusted-signer")
    b.opens("name-display-mallory", "the same, signed by Mallory, who is who it is from", ["ADV-015"],
            signed_message(part, cms.signed_data([signer("mallory", part, "display")]), changed(ROWS, "From", display)),
            TRUST, posing)


def revoked(b):
    ca, alice = person("ca"), person("alice")
    lists = {"none-revoked": revocations(ca, []), "revoked": revocations(ca, [alice.serial]),
             "out-of-date": revocations(ca, [], until="20261120000000"),
             "not-yet": revocations(ca, [], since="20261122000000"),
             "other-issuer": revocations(person("other-ca"), []), "other-serial": revocations(ca, [alice.serial + 1])}
    for name, crl in lists.items():
        key = b.key("crl-" + name, {"pem": crl})
        if name in ("none-revoked", "other-serial"):
            accepted(b, "crl-" + name, "a current CRL without the certificate", ["ADV-122"], "alice", {"crl": [key]})
        else:
            rejected(b, "crl-" + name, "CRL: " + name.replace("-", " "), ["ADV-122"], "alice", {"crl": [key]})


def pins(b):
    own = person("alice-self")
    b.opens("pin", "a self-signed certificate, accepted by its fingerprint", ["ADV-117", "TUN-05"],
            detached("alice-self"),
            dict(TRUST, pin=["%s=%s" % (world.ALICE, own.fingerprint())]), INNER, SIGNED)
    for name, aor, digest in (("other-aor", "sip:bob@biloxi.example.com", own.fingerprint()),
                              ("other-certificate", world.ALICE, person("alice").fingerprint())):
        b.refuses("pin-" + name, "a pin for something else", ["ADV-117", "TUN-09"], detached("alice-self"),
                  dict(TRUST, pin=["%s=%s" % (aor, digest)]), "untrusted-signer")
