"""What we write is opened and verified by `openssl cms`, and what it writes by us: every kind that both know."""
import base64
import json
import re
import zlib

from lab import (ALICE, BOB, INVITE, MALFORMED, OK, POLICY, UNTRUSTED, Cases, Lab, execute, have, in_parallel,
                 join, outer, sipveil, split, tool)

lab = Lab()
CA = lab.authority()
KEKS = {bits: lab.kek("kek-%d" % bits, "--bits", str(bits)) for bits in (128, 192, 256)}
ALGORITHMS = {"p256": ALICE, "p384": ALICE, "rsa2048": ALICE, "p521": ALICE}
for _name, _aor in ALGORITHMS.items():
    lab.identity(_name, _aor, "ca", "--alg", _name)
for _name in ("p256", "p384", "rsa2048"):
    lab.identity("to-" + _name, BOB, "ca", "--alg", _name)
PASSWORD = lab.write("password", b"correct horse\n", 0o600)
ENTITY = b"Content-Type: message/sip\r\n\r\n" + INVITE
CIPHERS = ("aes-128-gcm", "aes-256-gcm", "aes-128-cbc", "aes-192-cbc", "aes-256-cbc")
START, FIELDS, _ = split(INVITE)
# Rows of the outer message of an encrypted tunnel: what has to stay outside.
OUTSIDE = [row for name, row in FIELDS if name not in (b"subject", b"content-type", b"content-length")]
OPEN = ("--trust", CA, "--date-window", "any", "--quiet")


def secret(bits):
    """The words that give openssl a shared key."""
    jwk = json.loads(KEKS[bits].read_text())
    octets = base64.urlsafe_b64decode(jwk["k"] + "=" * (-len(jwk["k"]) % 4))
    return "-secretkey", octets.hex(), "-secretkeyid", jwk["kid"].encode().hex()


# name: (KEYREF to seal to, KEYREF to open with, words for openssl to encrypt, to decrypt)
OAEP = ("-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha256")
RECIPIENTS = {"kek-%d" % bits: (KEKS[bits], KEKS[bits], secret(bits), secret(bits)) for bits in KEKS}
for _name in ("p256", "p384", "rsa2048"):
    _crt, _pem = lab.crt("to-" + _name), lab.path("to-%s.pem" % _name)
    _how = OAEP if _name == "rsa2048" else ("-keyopt", "ecdh_kdf_md:sha256")
    RECIPIENTS[_name] = (_crt, _pem, ("-recip", _crt, *_how), ("-recip", _crt, "-inkey", _pem))
RECIPIENTS["password"] = ("pass:%s" % PASSWORD, "pass:%s" % PASSWORD, ("-pwri_password", "correct horse"),
                          ("-pwri_password", "correct horse"))


def cms(*words, stdin=b"", **options):
    return execute(["openssl", "cms", *words], stdin=stdin, **options)


def encoding_of(message):
    return b"Content-Transfer-Encoding: base64" in message.partition(b"\r\n\r\n")[0]


def der_of(message):
    """The CMS object that is the body of a message or entity."""
    body = message.partition(b"\r\n\r\n")[2]
    return base64.b64decode(body) if encoding_of(message) else body


def parts_of(entity):
    """The two parts of a multipart/signed: the octets that are signed, and the signature part."""
    boundary = re.search(rb"^Content-Type: multipart/signed;.*boundary=\"?([^\";\r\n]+)", entity, re.MULTILINE).group(1)
    body = entity.partition(b"\r\n\r\n")[2]
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    return pieces[1][2:], pieces[2][2:]


def der_complaints(der):
    """dumpasn1 finds nothing to complain about."""
    if not have("dumpasn1"):
        return []
    path = lab.write("der-%x" % (hash(der) & (1 << 60) - 1), der)
    text = execute(["dumpasn1", "-e", "-z", "-o", path])
    last = (text.out.decode("latin-1") + text.err).strip().splitlines()[-1]
    return [] if last.startswith("0 warnings, 0 errors") else ["dumpasn1: " + last]


# ---- ours to theirs ----

def they_open(job):
    recipient, cipher, encoding = job
    to, _, _, words = RECIPIENTS[recipient]
    sealed = sipveil("seal", "--quiet", "--to", to, "--cipher", cipher, "--encoding", encoding, stdin=INVITE)
    if sealed.code != OK:
        return ["seal: %r" % sealed]
    kind = b"authEnveloped-data" if cipher.endswith("gcm") else b"enveloped-data"
    wrong = [] if b"smime-type=" + kind in sealed.out else ["smime-type is not %s" % kind.decode()]
    if encoding_of(sealed.out) != (encoding == "base64"):
        wrong.append("Content-Transfer-Encoding does not say %s" % encoding)
    der = der_of(sealed.out)
    opened = cms("-decrypt", "-inform", "DER", "-binary", *words, stdin=der)
    if opened.code != 0 or opened.out != ENTITY:
        wrong.append("openssl: %r, %r" % (opened, opened.out[:200]))
    return wrong + der_complaints(der)


def they_verify(job):
    signer, rsa, form, encoding = job
    sealed = sipveil("seal", "--quiet", "--sign-with", lab.path(signer + ".pem"), "--rsa-signature", rsa, form,
                     "--encoding", encoding, "--date", "none", stdin=INVITE)
    if sealed.code != OK:
        return ["seal: %r" % sealed]
    more = ()
    if form == "--detached":
        signed, signature = parts_of(sealed.out)
        path = lab.write("content-" + "-".join(job), signed)
        der, more = der_of(signature), ("-content", path)
    else:
        der = der_of(sealed.out)
    verified = cms("-verify", "-inform", "DER", "-binary", "-CAfile", CA, "-purpose", "any", *more, stdin=der)
    wrong = der_complaints(der)
    if verified.code != 0 or verified.out != ENTITY:
        wrong.append("openssl: %r, %r" % (verified, verified.out[:200]))
    return wrong


def they_do_all(order):
    """Both layers, in both orders (TUN-44), with compression between signing and encryption (TUN-76)."""
    start, fields, body = split(INVITE)
    invite = join(start, [row for _, row in fields], body + b"a=a long list of attributes\r\n" * 20)
    sealed = sipveil("seal", "--quiet", "--to", KEKS[256], "--sign-with", lab.path("p256.pem"), "--order", order,
                     "--date", "none", "--opaque", "--compress", stdin=invite)
    if sealed.code != OK:
        return ["seal: %r" % sealed]
    decrypt = lambda der: cms("-decrypt", "-inform", "DER", "-binary", *secret(256), stdin=der).out
    verify = lambda der: cms("-verify", "-inform", "DER", "-binary", "-CAfile", CA, "-purpose", "any", stdin=der).out
    first, second = (decrypt, verify) if order == "sign-encrypt" else (verify, decrypt)
    entity = first(der_of(sealed.out))
    if order == "sign-encrypt":
        entity = inflated(entity)
        entity = second(der_of(entity))
    else:
        entity = inflated(second(der_of(entity)))
    return [] if entity == b"Content-Type: message/sip\r\n\r\n" + invite else ["%r" % entity[:300]]


def inflated(entity):
    """Debian's openssl has no zlib: the stream is what is left of the CompressedData to its end."""
    if b"smime-type=compressed-data" not in entity.partition(b"\r\n\r\n")[0]:
        raise RuntimeError("no compressed-data: %r" % entity[:200])
    der = der_of(entity)
    for start in range(len(der)):
        try:
            return zlib.decompress(der[start:])
        except zlib.error:
            continue
    raise RuntimeError("no zlib stream")


# ---- theirs to ours ----

def sip_of(der, smime_type, encoding="binary", rows=None):
    body = der if encoding == "binary" else base64.encodebytes(der).replace(b"\n", b"\r\n")
    return outer(START, OUTSIDE if rows is None else rows,
                 b"application/pkcs7-mime; smime-type=" + smime_type + b"; name=smime.p7m", body,
                 b"Content-Transfer-Encoding: " + encoding.encode(),
                 b"Content-Disposition: attachment; filename=smime.p7m; handling=required")


def we_get(message, *words):
    opened = sipveil("open", *OPEN, *words, stdin=message)
    return [] if opened.code == OK and opened.out == INVITE else ["open: %r, %r" % (opened, opened.out[:200])]


def we_open(job):
    recipient, cipher, encoding, stream = job
    _, key, words, _ = RECIPIENTS[recipient]
    made = cms("-encrypt", "-binary", "-outform", "DER", "-" + cipher, *stream, *words, stdin=ENTITY)
    if made.code != 0:
        return ["openssl: %r" % made]
    smime_type = b"authEnveloped-data" if cipher.endswith("gcm") else b"enveloped-data"
    message = sip_of(made.out, smime_type, encoding)
    if cipher.endswith("gcm"):
        return we_get(message, "--key", key)
    refused = sipveil("open", *OPEN, "--key", key, stdin=message)
    wrong = [] if refused.code == POLICY and not refused.out else ["ADV-064: %r" % refused]
    return wrong + we_get(message, "--key", key, "--allow-unauthenticated")


def multipart(entity, der, encoding, micalg=b"sha-256"):
    body = der if encoding == "binary" else base64.encodebytes(der).replace(b"\n", b"\r\n")
    return (b"multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=%s; boundary=bound-ary" % micalg,
            b"--bound-ary\r\n" + entity + b"\r\n--bound-ary\r\nContent-Type: application/pkcs7-signature; name=x.p7s\r\n"
            b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + body + b"\r\n--bound-ary--\r\n")


ALL_ROWS = [row for name, row in FIELDS if name not in (b"content-type", b"content-length")]
PSS = ("-keyopt", "rsa_padding_mode:pss")


def signed_by_them(signer, *words):
    pem = lab.path(signer + ".pem")
    return tool("openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer", pem, *words, stdin=ENTITY)


def we_verify(job):
    signer, padding, digest, form, encoding = job
    words = [*(PSS if padding == "pss" else ()), "-md", digest]
    micalg = b"sha-" + digest[3:].encode()
    if form == "detached":
        return we_get(outer(START, ALL_ROWS, *multipart(ENTITY, signed_by_them(signer, *words), encoding, micalg)))
    stream = ("-stream",) if form == "stream" else ()
    return we_get(sip_of(signed_by_them(signer, *words, "-nodetach", *stream), b"signed-data", encoding, ALL_ROWS))


def we_do_all():
    """Signed by them, then encrypted by them for two kinds of recipient, in BER."""
    content_type, body = multipart(ENTITY, signed_by_them("p256"), "binary")
    entity = b"Content-Type: " + content_type + b"\r\n\r\n" + body
    der = tool("openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-stream", "-aes-256-cbc", *secret(256),
               "-recip", lab.crt("to-p256"), "-keyopt", "ecdh_kdf_md:sha256", stdin=entity)
    message = sip_of(der, b"enveloped-data")
    return (we_get(message, "--key", KEKS[256]) + we_get(message, "--key", lab.path("to-p256.pem")) +
            we_get(message, "--key", KEKS[256], "--require", "both", "--second-opinion"))


def no_certificates(cases):
    """TUN-06: a signature without its certificate needs --cert, either way."""
    crt = lab.crt("p256")
    made = outer(START, ALL_ROWS, *multipart(ENTITY, signed_by_them("p256", "-nocerts"), "binary"))
    refused = sipveil("open", *OPEN, stdin=made)
    wrong = [] if refused.code == UNTRUSTED and not refused.out else ["without --cert: %r" % refused]
    cases.case("TUN-06: no certificate from openssl", wrong + we_get(made, "--cert", crt))
    sealed = sipveil("seal", "--quiet", "--sign-with", lab.path("p256.pem"), "--no-certs", "--opaque", "--date", "none",
                     stdin=INVITE)
    alone = cms("-verify", "-inform", "DER", "-binary", "-CAfile", CA, "-purpose", "any", stdin=der_of(sealed.out))
    given = cms("-verify", "-inform", "DER", "-binary", "-CAfile", CA, "-purpose", "any", "-certfile", crt,
                stdin=der_of(sealed.out))
    wrong = [] if alone.code != 0 else ["the certificate is there"]
    cases.case("TUN-06: --no-certs towards openssl -certfile",
               wrong + ([] if given.code == 0 and given.out == ENTITY else ["%r" % given]))


def weak_forms(cases):
    """Refused unless named (exit 9), and then opened."""
    v15 = tool("openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-gcm", lab.crt("to-rsa2048"),
               stdin=ENTITY)
    bare = signed_by_them("p256", "-noattr", "-nodetach")
    sha1 = signed_by_them("p256", "-md", "sha1", "-nodetach")
    des3 = tool("openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-des3", *OAEP_RECIPIENT, stdin=ENTITY)
    key = ("--key", lab.path("to-rsa2048.pem"))
    for name, message, words in (
            ("rsa-v1.5", sip_of(v15, b"authEnveloped-data"), key),
            ("no-signed-attrs", sip_of(bare, b"signed-data", rows=ALL_ROWS), ()),
            ("sha1", sip_of(sha1, b"signed-data", rows=ALL_ROWS), ()),
            ("3des", sip_of(des3, b"enveloped-data"), (*key, "--allow-unauthenticated"))):
        refused = sipveil("open", *OPEN, *words, stdin=message)
        wrong = [] if refused.code == POLICY and not refused.out else ["not named: %r" % refused]
        cases.case("CMS-02, ADV-115: --allow-weak " + name, wrong + we_get(message, *words, "--allow-weak", name))


OAEP_RECIPIENT = ("-recip", lab.crt("to-rsa2048"), *OAEP)


def odd_labels(cases):
    """TUN-60: the OID decides, RFC 8591's spelling and the x- types are read; --strict refuses a wrong label."""
    der = tool("openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-gcm", *secret(256), stdin=ENTITY)
    key = ("--key", KEKS[256])
    message = sip_of(der, b"auth-enveloped-data")
    cases.case("TUN-60: auth-enveloped-data, as RFC 8591 spells it", we_get(message, *key, "--strict"))
    cases.case("TUN-60: application/x-pkcs7-mime",
               we_get(message.replace(b"application/pkcs7", b"application/x-pkcs7"), *key))
    wrong_label = sip_of(der, b"enveloped-data")
    strict = sipveil("open", *OPEN, *key, "--strict", stdin=wrong_label)
    cases.case("TUN-60: a label that contradicts the OID: a warning, or --strict exit 3", we_get(wrong_label, *key) +
               ([] if strict.code == MALFORMED and not strict.out else ["%r" % strict]))
    wrong = []
    for label, damaged in (("not base64", b"!!!!" + base64.b64encode(der)), ("a bare zlib stream", zlib.compress(ENTITY)),
                           ("text", b"hello")):
        refused = sipveil("open", *OPEN, *key, stdin=sip_of(damaged, b"enveloped-data"))
        wrong += [] if refused.code == MALFORMED and not refused.out else ["%s: %r" % (label, refused)]
    cases.case("TUN-62c: no CMS where CMS should be: exit 3", wrong)


def main():
    cases = Cases()
    if not have("openssl"):
        cases.skip("openssl cms", "the openssl program is not installed")
        cases.leave()
    if not have("dumpasn1"):
        cases.skip("dumpasn1: 0 warnings, 0 errors", "dumpasn1 is not installed")

    def table(label, work, jobs):
        for job, wrong in zip(jobs, in_parallel(work, jobs)):
            words = " ".join(" ".join(word) if isinstance(word, tuple) else word for word in job)
            cases.case("%s: %s" % (label, words), wrong)

    table("openssl opens ours, DER is clean", they_open,
          [(recipient, cipher, encoding) for recipient in RECIPIENTS for cipher in CIPHERS
           for encoding in ("binary", "base64") if encoding == "binary" or cipher == "aes-256-gcm"])
    table("openssl verifies ours", they_verify,
          [(signer, rsa, form, encoding)
           for signer, rsa in (("p256", "pss"), ("p384", "pss"), ("p521", "pss"), ("rsa2048", "pss"), ("rsa2048", "v1.5"))
           for form in ("--detached", "--opaque") for encoding in ("binary", "base64")])
    for order in ("sign-encrypt", "encrypt-sign"):
        cases.case("TUN-44: openssl undoes ours, compressed, order " + order, they_do_all(order))
    # openssl's command line cannot name the cipher that a password recipient needs with GCM, nor CBC
    table("CMS-04, CMS-05, CMS-08, CMS-13: we open openssl's", we_open,
          [(recipient, cipher, encoding, stream) for recipient in RECIPIENTS for cipher in CIPHERS
           for encoding in ("binary", "base64") for stream in ((), ("-stream",))
           if not (recipient == "password" and cipher.endswith("gcm")) and (encoding == "binary" or not stream)])
    table("TUN-62, CMS-03: we verify openssl's", we_verify,
          [(signer, padding, digest, form, encoding)
           for signer, padding in (("p256", "-"), ("p384", "-"), ("p521", "-"), ("rsa2048", "v1.5"), ("rsa2048", "pss"))
           for digest in ("sha256", "sha512") for form in ("detached", "opaque", "stream")
           for encoding in ("binary", "base64") if (padding, form) != ("pss", "stream")])  # it cannot
    cases.case("we open openssl's: signed, then encrypted for two kinds, BER", we_do_all())
    no_certificates(cases)
    weak_forms(cases)
    odd_labels(cases)
    cases.leave()


if __name__ == "__main__":
    main()
