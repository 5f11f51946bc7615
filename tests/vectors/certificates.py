"""Certificates, CRLs and key files of the vectors, from DER up, so that broken ones can be made too. TEST ONLY."""
import base64
import hashlib

import der
from chance import Chance
from curves import CURVES, ed25519_public, ed25519_sign, x25519
from rsa import Rsa, sign_v15

FROM, UNTIL = "20260101000000", "20280101000000"


def pem(label, octets):
    text = base64.b64encode(octets).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (label, "\n".join(lines), label)


class Private:
    """A key pair; kind: p256, p384, p521, x25519, ed25519, or rsa:NAME."""

    def __init__(self, kind, label):
        self.kind, chance = kind.split(":")[0], Chance("key/" + label)
        if self.kind == "rsa":
            self.rsa = Rsa(kind.split(":")[1])
            self.octets = der.sequence(der.integer(self.rsa.n), der.integer(self.rsa.e))
            self.spki = der.sequence(der.algorithm("rsa", der.NULL), der.bits(self.octets))
        elif self.kind in CURVES:
            self.curve = CURVES[self.kind]
            self.secret = chance.number(self.curve.n)
            self.point = self.curve.times(self.secret)
            self.octets = self.curve.octets(self.point)
            self.spki = der.sequence(der.algorithm("ec-public-key", der.oid(self.kind)), der.bits(self.octets))
        else:
            self.secret = chance.octets(32)
            self.octets = x25519(self.secret) if self.kind == "x25519" else ed25519_public(self.secret)
            self.spki = der.sequence(der.algorithm(self.kind), der.bits(self.octets))
        self.identifier = hashlib.sha1(self.octets).digest()

    def pkcs8(self):
        if self.kind == "rsa":
            key = self.rsa
            numbers = [0, key.n, key.e, key.d, key.p, key.q, key.d % (key.p - 1), key.d % (key.q - 1),
                       pow(key.q, -1, key.p)]
            return der.sequence(der.integer(0), der.algorithm("rsa", der.NULL),
                                der.octets(der.sequence(*[der.integer(number) for number in numbers])))
        if self.kind in CURVES:
            inner = der.sequence(der.integer(1), der.octets(self.secret.to_bytes(self.curve.size, "big")),
                                 der.context(1, der.bits(self.octets)))
            return der.sequence(der.integer(0), der.algorithm("ec-public-key", der.oid(self.kind)), der.octets(inner))
        return der.sequence(der.integer(0), der.algorithm(self.kind), der.octets(der.octets(self.secret)))

    def signature(self, octets, digest="sha256"):
        """(AlgorithmIdentifier, signature) as certificates have it."""
        if self.kind == "rsa":
            return der.algorithm("rsa-" + digest, der.NULL), sign_v15(self.rsa, octets, digest)
        if self.kind == "ed25519":
            return der.algorithm("ed25519"), ed25519_sign(self.secret, octets)
        r, s = self.curve.sign(self.secret, octets, digest)
        return der.algorithm("ecdsa-" + digest), der.sequence(der.integer(r), der.integer(s))


def name_of(common_name, email=None):
    parts = [der.tlv(0x31, der.sequence(der.oid("common-name"), der.utf8(common_name)))]
    if email:
        parts.append(der.tlv(0x31, der.sequence(der.oid("email-address"), der.ia5(email))))
    return der.sequence(*parts)


def extension(name, value, critical=False):
    return der.sequence(der.oid(name), *([der.boolean(True)] if critical else []), der.octets(value))


def uri(text):
    return der.implicit(6, text if isinstance(text, bytes) else text.encode())


def dns(text):
    return der.implicit(2, text.encode())


def rfc822(text):
    return der.implicit(1, text.encode())


USAGES = ["digital-signature", "content-commitment", "key-encipherment", "data-encipherment", "key-agreement",
          "key-cert-sign", "crl-sign"]


def key_usage(*names):
    value = sum(0x80 >> USAGES.index(name) for name in names)
    unused = 7 - max(USAGES.index(name) for name in names)
    return extension("key-usage", der.bits(bytes([value]), unused), True)


class Certificate:
    def __init__(self, der_octets, key, issuer_name, serial, subject):
        self.der, self.key, self.issuer, self.serial, self.subject = der_octets, key, issuer_name, serial, subject

    @property
    def identifier(self):
        return self.key.identifier

    def pem(self, *chain):
        return "".join(pem("CERTIFICATE", each.der) for each in (self,) + chain)

    def key_pem(self, *chain):
        return self.pem(*chain) + pem("PRIVATE KEY", self.key.pkcs8())

    def fingerprint(self):
        return hashlib.sha256(self.der).hexdigest()


def make(label, kind, subject, issuer=None, names=(), ca=False, pathlen=None, usage=None, purposes=("sip-domain",),
         since=FROM, until=UNTIL, digest="sha256", serial=None, more=(), key=None, signed_by=None, email=None):
    """issuer: a Certificate, None: self-signed. signed_by: a key that does not fit the issuer."""
    key = key or Private(kind, label)
    subject_name = name_of(subject, email)
    issuer_name = subject_name if issuer is None else issuer.subject
    signer = signed_by or (key if issuer is None else issuer.key)
    serial = Chance("serial/" + label).number(1 << 63) if serial is None else serial
    if usage is None:
        usage = ("key-cert-sign", "crl-sign") if ca else {
            "rsa": ("digital-signature", "key-encipherment"), "x25519": ("key-agreement",),
            "ed25519": ("digital-signature",)}.get(key.kind, ("digital-signature", "key-agreement"))
    extensions = [extension("subject-key-identifier", der.octets(key.identifier))]
    if ca:
        value = [der.boolean(True)] + ([] if pathlen is None else [der.integer(pathlen)])
        extensions.append(extension("basic-constraints", der.sequence(*value), True))
    if usage:
        extensions.append(key_usage(*usage))
    if names:
        extensions.append(extension("subject-alternative-name", der.sequence(*names)))
    if purposes and not ca:
        extensions.append(extension("extended-key-usage", der.sequence(*[der.oid(purpose) for purpose in purposes])))
    extensions += more
    identifier, _ = signer.signature(b"", digest)
    body = der.sequence(
        der.context(0, der.integer(2)), der.integer(serial), identifier, issuer_name,
        der.sequence(der.utc_time(since), der.utc_time(until)), subject_name, key.spki,
        der.context(3, der.sequence(*extensions)))
    _, signature = signer.signature(body, digest)
    return Certificate(der.sequence(body, identifier, der.bits(signature)), key, issuer_name, serial, subject_name)


def revocations(issuer, serials, since="20261101000000", until="20261231000000"):
    """A CRL as PEM."""
    identifier, _ = issuer.key.signature(b"")
    entries = [der.sequence(der.integer(serial), der.utc_time("20261110000000")) for serial in serials]
    body = der.sequence(
        der.integer(1), identifier, issuer.subject, der.utc_time(since), der.utc_time(until),
        *([der.sequence(*entries)] if entries else []),
        der.context(0, der.sequence(extension("crl-number", der.integer(1)))))
    _, signature = issuer.key.signature(body)
    return pem("X509 CRL", der.sequence(body, identifier, der.bits(signature)))
