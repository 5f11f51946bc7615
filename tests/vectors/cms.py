"""CMS structures (RFC 5652, 5083, 5084, 5753, 8418, 3211, 3274, 9709), each step open to be done wrong."""
import hashlib
import hmac
import struct

import aes
import der
from chance import Chance
from curves import CURVES, x25519
from rsa import encrypt_oaep, encrypt_v15, sign_pss, sign_v15

KEY_SIZE = {"128": 16, "192": 24, "256": 32}


def key_size(cipher):
    return KEY_SIZE[cipher.split("-")[1]]


def content_info(name, content):
    return der.sequence(der.oid(name), der.context(0, content))


# ---- content encryption


def hkdf(digest, salt, secret, info, size):
    key = hmac.new(salt or bytes(hashlib.new(digest).digest_size), secret, digest).digest()
    out, block, turn = b"", b"", 1
    while len(out) < size:
        block = hmac.new(key, block + info + bytes([turn]), digest).digest()
        out, turn = out + block, turn + 1
    return out[:size]


def cek_hkdf(cek, identifier):
    """RFC 9709: the key that encrypts, from the one that recipients get."""
    return hkdf("sha256", b"The Cryptographic Message Syntax", cek, identifier, len(cek))


def gcm_identifier(cipher, nonce, tag_size=16):
    return der.algorithm(cipher, der.sequence(der.octets(nonce),
                                              *([] if tag_size is None else [der.integer(tag_size)])))


def attribute(name, *values):
    return der.sequence(der.oid(name), der.tlv(0x31, *values))


class Content:
    """Encrypts as asked; every value that ends up in the structure can be changed before it is written."""

    def __init__(self, content, cipher="aes-256-gcm", label="", wrapped_cipher=False, auth_attributes=None,
                 content_type="data", tag_size=16, cek=None, nonce=None):
        chance = Chance("content/" + label)
        self.chance, self.cipher, self.content_type = chance, cipher, content_type
        self.authenticated = cipher.endswith(("gcm", "ccm"))
        self.cek = chance.octets(key_size(cipher)) if cek is None else cek
        self.nonce = chance.octets(12 if self.authenticated else 16) if nonce is None else nonce
        self.identifier = (gcm_identifier(cipher, self.nonce, tag_size) if self.authenticated
                           else der.algorithm(cipher, der.octets(self.nonce)))
        key = cek_hkdf(self.cek, self.identifier) if wrapped_cipher else self.cek
        self.auth_attributes = auth_attributes
        if self.authenticated:
            attached = der.set_of(*auth_attributes) if auth_attributes else b""
            size = 12 if tag_size is None else tag_size
            if cipher.endswith("ccm"):
                self.ciphertext, self.tag = aes.ccm(key, self.nonce, content, attached, size)
            else:
                self.ciphertext, tag = aes.gcm(key, self.nonce, content, attached)
                self.tag = tag[:size]
        else:
            self.ciphertext = aes.cbc(key, self.nonce, content)
        if wrapped_cipher:
            self.identifier = der.algorithm("cek-hkdf-sha256", self.identifier)

    def enveloped(self, recipients, version=None, unprotected=None, originator=None, authenticated=None,
                  sort=True, split=0, ciphertext=True):
        """The ContentInfo; recipients: DER of each."""
        authenticated = self.authenticated if authenticated is None else authenticated
        if version is None:
            version = 0 if authenticated else envelope_version(recipients, bool(unprotected), originator)
        if split:
            pieces = [der.octets(self.ciphertext[i:i + split]) for i in range(0, len(self.ciphertext), split)]
            encrypted = der.indefinite(0xA0, *pieces)
        else:
            encrypted = der.implicit(0, self.ciphertext) if ciphertext else b""
        body = [der.integer(version)] + ([der.context(0, originator)] if originator is not None else [])
        body.append(der.set_of(*recipients) if sort else der.tlv(0x31, *recipients))
        body.append(der.sequence(der.oid(self.content_type), self.identifier, encrypted))
        if authenticated:
            if self.auth_attributes:
                body.append(der.tlv(0xA1, *sorted(self.auth_attributes)))
            body.append(der.octets(self.tag))
            if unprotected:
                body.append(der.tlv(0xA2, *sorted(unprotected)))
        elif unprotected:
            body.append(der.tlv(0xA1, *sorted(unprotected)))
        return content_info("auth-enveloped-data" if authenticated else "enveloped-data", der.sequence(*body))


def envelope_version(recipients, unprotected, originator):
    tags = {recipient[0] for recipient in recipients}
    if tags & {0xA3, 0xA4}:
        return 3
    plain = all(recipient[0] == 0x30 and b"\2\1\0" in recipient[:8] for recipient in recipients)
    return 0 if plain and not unprotected and originator is None else 2


# ---- recipients; cek: a Content or octets


def kekri(identifier, kek, cek, wrap=None, date=None, other=None, encrypted=None, version=4, parameters=b""):
    wrap = wrap or "aes-%d-wrap" % (8 * len(kek))
    named = [der.octets(identifier)]
    if date:
        named.append(der.generalized_time(date))
    if other is not None:
        named.append(other)
    encrypted = aes.wrap(kek, cek) if encrypted is None else encrypted
    return der.context(2, der.integer(version), der.sequence(*named), der.sequence(der.oid(wrap), parameters),
                       der.octets(encrypted))


def issuer_serial(certificate):
    return der.sequence(certificate.issuer, der.integer(certificate.serial))


def oaep_identifier(digest="sha256", mask_digest=None, source=None):
    if digest is None:
        return der.algorithm("rsa-oaep")
    mask = der.algorithm("mgf1", der.algorithm(mask_digest or digest, der.NULL))
    fields = [der.context(0, der.algorithm(digest, der.NULL)), der.context(1, mask)]
    if source is not None:
        fields.append(der.context(2, source))
    return der.algorithm("rsa-oaep", der.sequence(*fields))


def ktri(certificate, cek, label, identifier=None, encrypted=None, by_key=False, digest="sha256", mask_digest=None,
         version=None):
    if encrypted is None:
        chance = Chance("ktri/" + label)
        if identifier == "v1.5":
            encrypted = encrypt_v15(certificate.key.rsa, cek, chance)
        else:
            encrypted = encrypt_oaep(certificate.key.rsa, cek, chance, digest, mask_digest)
    if identifier == "v1.5":
        identifier = der.algorithm("rsa", der.NULL)
    identifier = identifier or oaep_identifier(digest, mask_digest)
    who = der.implicit(0, certificate.identifier) if by_key else issuer_serial(certificate)
    version = (2 if by_key else 0) if version is None else version
    return der.sequence(der.integer(version), who, identifier, der.octets(encrypted))


def x963(digest, secret, info, size):
    out, counter = b"", 1
    while len(out) < size:
        out += hashlib.new(digest, secret + struct.pack(">I", counter) + info).digest()
        counter += 1
    return out[:size]


def shared_info(wrap_identifier, ukm, size):
    fields = [wrap_identifier] + ([der.context(0, der.octets(ukm))] if ukm else [])
    return der.sequence(*fields, der.context(2, der.octets(struct.pack(">I", 8 * size))))


def agreed_kek(scheme, secret, ukm, wrap_identifier, size):
    info, digest = shared_info(wrap_identifier, ukm, size), scheme.rsplit("-", 1)[1]
    return hkdf(digest, ukm, secret, info, size) if scheme.startswith("hkdf") else x963(digest, secret, info, size)


SCHEMES = {"p256": "x963-sha256", "p384": "x963-sha384", "p521": "x963-sha512", "x25519": "hkdf-sha256"}


class Agreement:
    """The ephemeral key of a kari and what comes of it; all is open to change before kari() writes it."""

    def __init__(self, certificate, label, scheme=None, wrap="aes-256-wrap", ukm=None, null_in_info=False):
        chance, key = Chance("kari/" + label), certificate.key
        self.certificate, self.scheme, self.wrap, self.ukm = certificate, scheme or SCHEMES[key.kind], wrap, ukm
        if key.kind == "x25519":
            secret = chance.octets(32)
            self.public, self.shared = x25519(secret), x25519(secret, key.octets)
            self.algorithm = der.algorithm("x25519")
        else:
            curve = CURVES[key.kind]
            secret = chance.number(curve.n)
            self.point = curve.times(secret)
            self.public, self.shared = curve.octets(self.point), curve.shared(secret, key.point)
            self.algorithm = der.algorithm("ec-public-key")
        self.wrap_identifier = der.algorithm(wrap, *([der.NULL] if null_in_info else []))
        self.size = KEY_SIZE[wrap.split("-")[1]] if wrap.startswith("aes") else 24

    def kek(self, wrap_identifier=None):
        return agreed_kek(self.scheme, self.shared, self.ukm, wrap_identifier or self.wrap_identifier, self.size)

    def kari(self, cek, by_key=False, encrypted=None, originator=None, parameters=None, version=3, more=(), kek=None):
        encrypted = aes.wrap(kek or self.kek(), cek) if encrypted is None else encrypted
        who = (der.context(0, der.octets(self.certificate.identifier)) if by_key
               else issuer_serial(self.certificate))
        originator = originator or der.context(1, self.algorithm, der.bits(self.public))
        keys = list(more) + [der.sequence(who, der.octets(encrypted))]
        return der.context(1, der.integer(version), der.context(0, originator),
                           *([der.context(1, der.octets(self.ukm))] if self.ukm else []),
                           der.algorithm(self.scheme, *([self.wrap_identifier] if parameters is None else parameters)),
                           der.sequence(*keys))


def pwri(password, cek, label, iterations=1000, prf="hmac-sha256", cipher="aes-256-cbc", salt=None, key_length=None,
         encrypted=None, claimed=None, kdf="pbkdf2", cipher_identifier=None, derivation=True, short=None):
    chance = Chance("pwri/" + label)
    salt, iv = chance.octets(16) if salt is None else salt, chance.octets(16)
    size = key_size(cipher)
    if encrypted is None:
        kek = hashlib.pbkdf2_hmac(prf.split("-")[1], password, salt, max(iterations, 1) if iterations < 10**7 else 1,
                                  size)
        encrypted = aes.password_wrap(kek, iv, cek, chance.octets(32), claimed)
    if short is not None:
        encrypted = encrypted[:short]
    fields = [der.octets(salt), der.integer(iterations)]
    if key_length is not None:
        fields.append(der.integer(key_length))
    if prf != "hmac-sha1":
        fields.append(der.algorithm(prf, der.NULL))
    kdf_identifier = der.tlv(0xA0, der.oid(kdf), der.sequence(*fields)) if derivation else b""
    inner = cipher_identifier if cipher_identifier is not None else der.algorithm(cipher, der.octets(iv))
    return der.context(3, der.integer(0), kdf_identifier, der.algorithm("pwri-kek", inner), der.octets(encrypted))


def ori(name="unknown", value=None):
    return der.context(4, der.oid(name), der.octets(b"\xAB" * 40) if value is None else value)


# ---- signed


def pss_identifier(digest="sha256", mask_digest=None, salt_size=None):
    size = hashlib.new(digest).digest_size if salt_size is None else salt_size
    mask = der.algorithm("mgf1", der.algorithm(mask_digest or digest, der.NULL))
    return der.algorithm("rsa-pss", der.sequence(der.context(0, der.algorithm(digest, der.NULL)), der.context(1, mask),
                                                 der.context(2, der.integer(size))))


class Signer:
    """One SignerInfo over some octets."""

    def __init__(self, certificate, octets, label, digest=None, scheme=None, time="20261121100000", by_key=False,
                 content_type="data", attributes=None, signed_attributes=True, unsigned=(), more=(), salt_size=None,
                 version=None, digest_identifier=None, algorithm=None, signature=None, key=None):
        key = key or certificate.key
        self.certificate, self.by_key = certificate, by_key
        if digest is None:
            digest = {"p384": "sha384", "p521": "sha512", "ed25519": "sha512"}.get(key.kind, "sha256")
        self.digest = digest
        if attributes is None:
            attributes = [attribute("content-type", der.oid(content_type)),
                          attribute("message-digest", der.octets(hashlib.new(digest, octets).digest())),
                          attribute("signing-time", der.utc_time(time)), *more]
        covered = der.set_of(*attributes) if signed_attributes else octets
        made_algorithm, made_signature = self.sign(key, covered, label, digest, scheme, salt_size)
        who = der.implicit(0, certificate.identifier) if by_key else issuer_serial(certificate)
        body = [der.integer((3 if by_key else 1) if version is None else version), who,
                digest_identifier or der.algorithm(digest)]
        if signed_attributes:
            body.append(der.tlv(0xA0, *sorted(attributes)))
        body += [algorithm or made_algorithm, der.octets(made_signature if signature is None else signature)]
        if unsigned:
            body.append(der.tlv(0xA1, *sorted(unsigned)))
        self.der = der.sequence(*body)

    @staticmethod
    def sign(key, covered, label, digest, scheme, salt_size):
        if key.kind != "rsa":
            return key.signature(covered, digest)
        if scheme == "v1.5":
            return der.algorithm("rsa-" + digest, der.NULL), sign_v15(key.rsa, covered, digest)
        return pss_identifier(digest, None, salt_size), sign_pss(key.rsa, covered, Chance("pss/" + label), digest,
            salt_size)


def signed_data(signers, content=None, content_type="data", certificates=None, crls=(), version=None, digests=None,
                trailing_certificates=()):
    """content: octets inside, None: detached. certificates: DER each; None: those of the signers."""
    if certificates is None:
        certificates = {signer.certificate.der for signer in signers}
    digests = ({der.algorithm(signer.digest) for signer in signers} if digests is None else digests)
    if version is None:
        version = 3 if any(signer.by_key for signer in signers) or content_type != "data" else 1
    inside = [] if content is None else [der.context(0, der.octets(content))]
    body = [der.integer(version), der.set_of(*digests), der.sequence(der.oid(content_type), *inside)]
    if certificates or trailing_certificates:
        body.append(der.tlv(0xA0, *sorted(certificates), *trailing_certificates))
    if crls:
        body.append(der.tlv(0xA1, *crls))
    body.append(der.tlv(0x31, *sorted(signer.der for signer in signers)))
    return content_info("signed-data", der.sequence(*body))


# ---- compressed


def _adler(octets):
    a, b = 1, 0
    for octet in octets:
        a = (a + octet) % 65521
        b = (b + a) % 65521
    return struct.pack(">I", b << 16 | a)


def stored(octets, checksum=None):
    """A zlib stream of stored blocks: the same octets under every version of zlib."""
    pieces = [octets[i:i + 65535] for i in range(0, len(octets), 65535)] or [b""]
    blocks = b"".join(bytes([i == len(pieces) - 1]) + struct.pack("<HH", len(piece), len(piece) ^ 0xFFFF) + piece
                      for i, piece in enumerate(pieces))
    return b"\x78\x01" + blocks + (_adler(octets) if checksum is None else checksum)


def run_of_zeros(count):
    """A zlib stream of `count` zero octets as one literal and copies of 258 (fixed codes)."""
    stream, held = [], [0, 0]

    def put(value, size, reverse=False):
        if reverse:
            value = int(format(value, "0%db" % size)[::-1], 2)
        held[0] |= value << held[1]
        held[1] += size
        while held[1] >= 8:
            stream.append(held[0] & 0xFF)
            held[0], held[1] = held[0] >> 8, held[1] - 8

    put(1, 1)
    put(1, 2)
    put(0x30, 8, True)  # literal 0
    copies = (count - 1) // 258
    for _ in range(copies):
        put(0b11000101, 8, True)  # length 258
        put(0, 5)                 # distance 1
    for _ in range(count - 1 - 258 * copies):
        put(0x30, 8, True)
    put(0, 7)
    if held[1]:
        put(0, 8 - held[1])
    a, b = 1, count % 65521
    return b"\x78\x01" + bytes(stream) + struct.pack(">I", b << 16 | a)


def compressed_data(stream, version=0, parameters=b"", content_type="data", name="zlib"):
    return der.sequence(der.integer(version), der.sequence(der.oid(name), parameters),
                        der.sequence(der.oid(content_type), der.context(0, der.octets(stream))))


def compressed(content):
    return content_info("compressed-data", compressed_data(stored(content)))
