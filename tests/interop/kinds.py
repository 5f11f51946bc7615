"""The kinds of message, and how one cell is run: ours to a peer, and a peer's to ours."""
from world import (ALL_ROWS, ENTITY, INVITE, OUTSIDE, START, Failed, Unsupported, entity_of, key_of, multipart_signed, outer,
                   pkcs7_mime, signed_parts, sipveil, split_entity)

MICALG = {"p256": b"sha-256", "p384": b"sha-384", "p521": b"sha-512", "ed25519": b"sha-512", "rsa": b"sha-256"}
# What has to be found in what a peer made, as it has choices of its own.
OID = {"aes-128-cbc": "608648016503040102", "aes-192-cbc": "608648016503040116", "aes-256-cbc": "60864801650304012a",
       "aes-128-gcm": "608648016503040106", "aes-256-gcm": "60864801650304012e", "aes-128-ccm": "608648016503040107",
       "aes-256-ccm": "60864801650304012f", "3des": "2a864886f70d0307", "rsa-pss": "2a864886f70d01010a",
       "ed25519": "2b6570", "rsa-oaep": "2a864886f70d010107"}
ANY = "any"  # the recipient kind that the peer knows best: the row is about something else


class Encrypted:
    def __init__(self, *recipients, cipher="aes-256-gcm", ber=False, attributes=False):
        self.recipients, self.cipher, self.ber, self.attributes = list(recipients), cipher, ber, attributes
        self.aead = cipher.endswith(("gcm", "ccm"))


class Signed:
    def __init__(self, *signers, detached=False, ber=False):
        self.signers, self.detached, self.ber = list(signers), detached, ber


class Compressed:
    def __init__(self, ber=False):
        self.ber = ber


class Kind:
    """One row: the layers, innermost first. only: what our program does not write, and why."""

    def __init__(self, name, *layers, only=None):
        self.name, self.layers, self.only = name, layers, only
        self.encrypted = [layer for layer in layers if isinstance(layer, Encrypted)]
        self.signed = [layer for layer in layers if isinstance(layer, Signed)]


def kinds():
    der = "we write DER only"
    rows = {"Recipients, AES-256-GCM": [
        Kind("shared key, %d bits" % bits, Encrypted("kek-%d" % bits)) for bits in (128, 192, 256)] + [
        Kind("RSA-OAEP, SHA-256", Encrypted("rsa-oaep"))] + [
        Kind("ECDH %s" % curve.upper().replace("P", "P-"), Encrypted(curve)) for curve in ("p256", "p384", "p521")] + [
        Kind("X25519", Encrypted("x25519")),
        Kind("password", Encrypted("password")),
        Kind("mixed: shared key, RSA-OAEP, P-256", Encrypted("kek-256", "rsa-oaep", "p256"))]}
    rows["Recipients, AES-CBC"] = [
        Kind("shared key, 256 bits", Encrypted("kek-256", cipher="aes-256-cbc")),
        Kind("RSA-OAEP, SHA-256", Encrypted("rsa-oaep", cipher="aes-256-cbc")),
        Kind("RSA v1.5 (read by name)", Encrypted("rsa-v1.5", cipher="aes-128-cbc"), only="we never write RSA v1.5 encryption"),
        Kind("ECDH P-256", Encrypted("p256", cipher="aes-256-cbc")),
        Kind("ECDH P-384", Encrypted("p384", cipher="aes-256-cbc")),
        Kind("ECDH P-256, KDF with SHA-384", Encrypted("p256-sha384", cipher="aes-256-cbc"), only="we pair P-256 with SHA-256"),
        Kind("ECDH P-256 with cofactor", Encrypted("p256-cofactor", cipher="aes-256-cbc"),
             only="the curves we write have cofactor 1"),
        Kind("password", Encrypted("password", cipher="aes-256-cbc")),
        Kind("mixed: shared key, RSA-OAEP, P-256, password",
             Encrypted("kek-256", "rsa-oaep", "p256", "password", cipher="aes-256-cbc"))]
    rows["Ciphers"] = [
        Kind(cipher.upper(), Encrypted(ANY, cipher=cipher))
        for cipher in ("aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "aes-128-gcm", "aes-256-gcm")] + [
        Kind(cipher.upper(), Encrypted(ANY, cipher=cipher), only="we write GCM and CBC")
        for cipher in ("aes-128-ccm", "aes-256-ccm")] + [
        Kind("3DES-CBC (read by name)", Encrypted(ANY, cipher="3des"), only="we never write 3DES"),
        Kind("AES-256-GCM with authenticated attributes", Encrypted(ANY, attributes=True), only="we write none")]
    rows["Signatures"] = [
        Kind("%s, %s" % (label, form), Signed(signer, detached=form == "detached"))
        for signer, label in (("p256", "ECDSA P-256"), ("p384", "ECDSA P-384"), ("p521", "ECDSA P-521"),
                              ("rsa-pss", "RSA-PSS"), ("rsa-v1.5", "RSA v1.5"), ("ed25519", "Ed25519"))
        for form in ("opaque", "detached")] + [Kind("two signers: P-256, %s" % label, Signed("p256", signer))
        for signer, label in (("rsa-pss", "RSA-PSS"), ("rsa-v1.5", "RSA v1.5"))]
    rows["Compression, nesting, streams"] = [
        Kind("CompressedData over signed", Signed("p256"), Compressed()),
        Kind("CompressedData inside encrypted", Compressed(), Encrypted(ANY)),
        Kind("signed, then encrypted", Signed("p256"), Encrypted(ANY)),
        Kind("signed, then encrypted, CBC", Signed("p256", detached=True), Encrypted(ANY, cipher="aes-128-cbc")),
        Kind("signed, compressed, encrypted", Signed("p256"), Compressed(), Encrypted(ANY)),
        Kind("encrypted, then signed", Encrypted(ANY), Signed("p256", detached=True)),
        Kind("triple wrap: signed, encrypted, signed", Signed("p256"), Encrypted(ANY, cipher="aes-128-cbc"),
             Signed("p256", detached=True)),
        Kind("BER: EnvelopedData", Encrypted(ANY, cipher="aes-128-cbc", ber=True), only=der),
        Kind("BER: AuthEnvelopedData", Encrypted(ANY, ber=True), only=der),
        Kind("BER: SignedData", Signed("p256", ber=True), only=der),
        Kind("BER: CompressedData", Compressed(ber=True), Encrypted(ANY), only=der)]
    rows["Certificates alone"] = [Kind("certs-only", only="no verb of ours writes it")]
    return rows


# ---- ours to the peer ----

def sealing(world, kind, transport):
    """The runs of seal that make the layers: options of each."""
    runs, words = [], []
    for i, layer in enumerate(kind.layers):
        if isinstance(layer, Encrypted):
            for name in [transport if name == ANY else name for name in layer.recipients]:
                words += ["--to", world.ours(name, True)]
            words += ["--cipher", layer.cipher]
            words += ["--allow-unsigned-shared"] if len(layer.recipients) > 1 else []
        elif isinstance(layer, Signed):
            if "--sign-with" in words:  # the third wrap is around the body of what was sealed so far
                runs.append(words)
                words = ["--mode", "payload"]
            for signer in layer.signers:
                words += ["--sign-with", world.path("sign-%s.pem" % key_of(signer))]
            words += ["--detached" if layer.detached else "--opaque"]
            words += ["--rsa-signature", "v1.5"] if "rsa-v1.5" in layer.signers else []
            words += ["--order", "encrypt-sign"] if i == 1 and "--to" in words else []
        else:
            words += ["--compress"]
    return runs + [words]


def sealed(world, kind, transport):
    message = INVITE
    for words in sealing(world, kind, transport):
        result = sipveil("seal", "--quiet", "--date", "none", *words, stdin=message)
        if result.code != 0:
            raise RuntimeError("seal %s: %r" % (words, result))
        message = result.out
    return message


def undo(peer, layer, octets, transport, notes):
    """The peer takes off one layer of ours; what it could not do beside is noted."""
    content_type, body = split_entity(octets)
    if isinstance(layer, Signed):
        if layer.detached:
            content, der = signed_parts(content_type, body)
            return peer.verify(der, content)
        return peer.verify(body)
    if isinstance(layer, Compressed):
        return peer.expand(body)
    opened, troubles = None, []
    for name in [transport if name == ANY else name for name in layer.recipients]:
        try:
            opened = peer.decrypt(body, name)
        except (Unsupported, Failed) as trouble:
            troubles.append((name, trouble))
    if opened is None and (len(troubles) == 1 or all(isinstance(trouble, Unsupported) for _, trouble in troubles)):
        raise troubles[0][1]
    if opened is None or any(isinstance(trouble, Failed) for _, trouble in troubles):
        words = {str(trouble): name for name, trouble in troubles if isinstance(trouble, Failed)}
        raise Failed("; ".join("by %s: %s" % (name, said) for said, name in words.items()))
    notes += ["not by %s: %s" % (name, trouble) for name, trouble in troubles]
    return opened


def ours_to(peer, kind, message, transport):
    octets, notes = message, []
    for layer in reversed(kind.layers):
        octets = undo(peer, layer, octets, transport, notes)
    if octets != ENTITY:
        raise Failed("other octets came out")
    return "; ".join(notes)


# ---- the peer's to ours ----

def made_as_asked(der, names, ber):
    """A peer that does something else than it was asked for has no such thing."""
    missing = [name for name in names if name in OID and bytes.fromhex(OID[name]) not in der]
    if missing:
        raise Unsupported("writes something else than %s" % ", ".join(missing))
    if ber and der[1] != 0x80:
        raise Unsupported("writes DER")
    return der


def wrap(peer, layer, entity, transport, depth):
    """(Content-Type, body, row...) of one more layer, made by the peer."""
    if isinstance(layer, Compressed):
        return pkcs7_mime(b"compressed-data", made_as_asked(peer.compress(entity, ber=layer.ber), (), layer.ber))
    if isinstance(layer, Signed):
        der = made_as_asked(peer.sign(entity, layer.signers, layer.detached, ber=layer.ber), layer.signers, layer.ber)
        if layer.detached:
            return multipart_signed(entity, der, MICALG[key_of(layer.signers[0])], b"interop-%d" % depth)
        return pkcs7_mime(b"signed-data", der)
    recipients = [transport if name == ANY else name for name in layer.recipients]
    der = peer.encrypt(entity, recipients, layer.cipher, ber=layer.ber, attributes=layer.attributes)
    made_as_asked(der, [*recipients, layer.cipher], layer.ber)
    return pkcs7_mime(b"authEnveloped-data" if layer.aead else b"enveloped-data", der)


def opening(world, kind, transport):
    """Options of open: every check that the kind can pass, and the weak things by their names."""
    words, weak = ["--quiet", "--trust", world.ca, "--date-window", "any"], []
    names = [transport if name == ANY else name for layer in kind.encrypted for name in layer.recipients]
    if kind.signed and kind.encrypted:
        words += ["--require", "both"]
    else:
        words += ["--require", "signed" if kind.signed else "encrypted"]
    if any(not layer.aead for layer in kind.encrypted) and not kind.signed:
        words += ["--allow-unauthenticated"]
    weak += ["rsa-v1.5"] if "rsa-v1.5" in names else []
    weak += ["3des"] if any(layer.cipher == "3des" for layer in kind.encrypted) else []
    return words + (["--allow-weak", ",".join(weak)] if weak else []), names


def peer_to_ours(world, peer, kind, transport):
    made = entity = None
    for depth, layer in enumerate(kind.layers):
        entity = ENTITY if made is None else entity_of(*made)
        made = wrap(peer, layer, entity, transport, depth)
    message = outer(START, OUTSIDE if kind.encrypted else ALL_ROWS, *made)
    words, names = opening(world, kind, transport)
    for name in names or [None]:
        key = ["--key", world.ours(name, False)] if name else []
        opened = sipveil("open", *words, *key, stdin=message)
        if opened.code != 0 or opened.out != INVITE:
            raise Failed("sipveil open%s: %s" % (" by " + name if len(names) > 1 else "", opened.err.strip() or "other octets"))


def certs_only(world, peer):
    """The layers are named, nothing is opened or trusted."""
    der = peer.certs_only([world.path("to-rsa.crt"), world.path("to-p256.crt")])
    content_type, body, row = pkcs7_mime(b"certs-only", der)
    seen = sipveil("inspect", "--json", stdin=outer(START, ALL_ROWS, content_type, body, row))
    if seen.code != 0 or b'"certs-only"' not in seen.out:
        raise Failed("sipveil inspect: %r" % seen)
