"""What ours and a peer share: keys and certificates made by openssl, one message, and MIME around CMS objects."""
import base64
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from lab import ALICE, BOB, Lab, execute, have, join, outer, sipveil, split, tool  # noqa: E402,F401
from lab import INVITE as SHORT_INVITE  # noqa: E402

# Long enough that compression is worth it.
INVITE = join(split(SHORT_INVITE)[0], [row for _, row in split(SHORT_INVITE)[1]],
              split(SHORT_INVITE)[2] + b"a=one of a long list of attributes\r\n" * 20)
ENTITY = b"Content-Type: message/sip\r\n\r\n" + INVITE
PASSWORD = "correct horse"
START, FIELDS, _ = split(INVITE)
ALL_ROWS = [row for name, row in FIELDS if name not in (b"content-type", b"content-length")]
OUTSIDE = [row for name, row in FIELDS if name not in (b"subject", b"content-type", b"content-length")]

# Who signs and who is encrypted to: (kind of key, openssl words that make it).
KEY = {"rsa": ("RSA", "rsa_keygen_bits:2048"), "p256": ("EC", "ec_paramgen_curve:P-256"),
       "p384": ("EC", "ec_paramgen_curve:P-384"), "p521": ("EC", "ec_paramgen_curve:P-521"),
       "x25519": ("X25519", None), "ed25519": ("ED25519", None)}
SIGNERS = ("rsa", "p256", "p384", "p521", "ed25519")
RECIPIENTS = ("rsa", "p256", "p384", "p521", "x25519")
EXTENSIONS = """[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[user]
keyUsage = critical, %s
extendedKeyUsage = emailProtection, 1.3.6.1.5.5.7.3.20
subjectAltName = URI:%s, email:%s
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class Unsupported(Exception):
    """The peer has no such thing: nothing was run, or it said so itself."""


class Failed(Exception):
    """It was run and something is wrong."""


class World(Lab):
    """NAME.key, NAME.crt, NAME.pem (both) for sign-KIND and to-KIND; ca.crt; the shared keys."""

    def __init__(self):
        super().__init__()
        self.keks = {bits: self.kek("kek-%d" % bits, "--bits", str(bits)) for bits in (128, 192, 256)}
        self.password = self.write("password", PASSWORD.encode() + b"\n", 0o600)
        self.ca = self.path("ca.crt")
        self.make_key("ca", "RSA", "rsa_keygen_bits:2048")
        tool("openssl", "req", "-x509", "-key", self.path("ca.key"), "-subj", "/CN=Interop CA", "-days", "30",
             "-config", self.write("ca.cnf", b"[req]\ndistinguished_name=dn\n[dn]\n" + EXTENSIONS.encode()),
             "-extensions", "authority", "-out", self.ca)
        for kind in SIGNERS:
            self.certificate("sign-" + kind, kind, ALICE, "digitalSignature, nonRepudiation")
        for kind in RECIPIENTS:
            self.certificate("to-" + kind, kind, BOB, "keyEncipherment" if kind == "rsa" else "keyAgreement")

    def make_key(self, name, algorithm, option):
        tool("openssl", "genpkey", "-algorithm", algorithm, *(("-pkeyopt", option) if option else ()),
             "-out", self.path(name + ".key"))
        self.path(name + ".key").chmod(0o600)

    def certificate(self, name, kind, aor, usage):
        self.make_key(name, *KEY[kind])
        tool("openssl", "pkey", "-in", self.path(name + ".key"), "-pubout", "-out", self.path(name + ".pub"))
        self.make_key("request", "EC", "ec_paramgen_curve:P-256")  # X25519 signs no request of its own
        config = self.write("user.cnf", b"[req]\ndistinguished_name=dn\n[dn]\n" +
                            (EXTENSIONS % (usage, aor, aor[4:])).encode())
        tool("openssl", "req", "-new", "-key", self.path("request.key"), "-subj", "/CN=" + name, "-config", config,
             "-out", self.path("request.csr"))
        tool("openssl", "x509", "-req", "-in", self.path("request.csr"), "-force_pubkey", self.path(name + ".pub"),
             "-CA", self.ca, "-CAkey", self.path("ca.key"), "-days", "20", "-extfile", config, "-extensions", "user",
             "-set_serial", "0x%x" % (int.from_bytes(name.encode(), "big")), "-out", self.path(name + ".crt"))
        self.write(name + ".pem", self.path(name + ".crt").read_bytes() + self.path(name + ".key").read_bytes(), 0o600)

    def key_numbers(self, name):
        """The numbers of an RSA or EC key in hexadecimal, by the names that openssl gives them."""
        text = tool("openssl", "pkey", "-in", self.path(name + ".key"), "-noout", "-text").decode()
        found = re.findall(r"^(\w+):\n((?: {4}[0-9a-f:]+\n)+)", text, re.MULTILINE)
        numbers = {label: re.sub(r"[^0-9a-f]", "", octets) for label, octets in found}
        return numbers if "prime1" in numbers or "ASN1 OID" in text else None

    def kek_hex(self, bits):
        """(identifier, key) of a shared key."""
        jwk = json.loads(self.keks[bits].read_text())
        return (jwk["kid"].encode().hex(),
                base64.urlsafe_b64decode(jwk["k"] + "=" * (-len(jwk["k"]) % 4)).hex())

    def ours(self, recipient, sealing):
        """The KEYREF of a recipient for us: to seal to, or to open with."""
        if recipient.startswith("kek-"):
            return self.keks[int(recipient[4:])]
        if recipient == "password":
            return "pass:%s" % self.password
        return self.path("to-%s.%s" % (key_of(recipient), "crt" if sealing else "pem"))


def key_of(name):
    """rsa-oaep, rsa-v1.5 and rsa-pss have one key, and so have the schemes of a curve."""
    return name.partition("-")[0]


# ---- MIME around CMS objects ----

def pkcs7_mime(smime_type, der):
    return (b"application/pkcs7-mime; smime-type=" + smime_type + b"; name=smime.p7m", der,
            b"Content-Transfer-Encoding: binary")


def multipart_signed(entity, der, micalg, boundary):
    return (b"multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=%s; boundary=%s" % (micalg, boundary),
            b"--%s\r\n%s\r\n--%s\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n"
            b"Content-Transfer-Encoding: binary\r\n\r\n%s\r\n--%s--\r\n" % (boundary, entity, boundary, der, boundary))


def entity_of(content_type, octets, *rows):
    return b"".join(row + b"\r\n" for row in (b"Content-Type: " + content_type, *rows)) + b"\r\n" + octets


def split_entity(octets):
    """Content-Type and the decoded body of an entity or message."""
    head, _, body = octets.partition(b"\r\n\r\n")
    content_type = re.search(rb"(?im)^content-type[ \t]*:[ \t]*((?:[^\r]|\r\n[ \t])+)", head).group(1)
    if re.search(rb"(?im)^content-transfer-encoding[ \t]*:[ \t]*base64", head):
        body = base64.b64decode(body)
    return content_type, body


def signed_parts(content_type, body):
    """The two parts of a multipart/signed: the octets that are signed, and the signature."""
    boundary = re.search(rb"boundary=\"?([^\";\r\n]+)", content_type).group(1)
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    return pieces[1][2:], split_entity(pieces[2][2:])[1]
