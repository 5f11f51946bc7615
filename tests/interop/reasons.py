"""Why a cell says no: the peer's own words, and what stands behind them."""
import re

# (peer, its words, why)
REASONS = (
    ("OpenSSL", "no matching recipient|operation not supported for this keytype", "3.0 has no key agreement with X25519 in CMS"),
    ("OpenSSL", "invalid digest", "3.0 has no Ed25519 in CMS"),
    ("OpenSSL", "unsupported compression algorithm", "Debian builds it without zlib"),
    ("OpenSSL", "unsupported cipher", "3.0 has CCM, and not in CMS"),
    ("gpgsm", "Buffer too short", "2.2 reads no GCM; it takes the parameters for those of CBC"),
    ("gpgsm", "Invalid session key", "2.2 has no ECDH; it takes every recipient with a certificate for RSA v1.5"),
    ("gpgsm", "error getting encrypted session key", "2.2 reads no RSA-OAEP"),
    ("gpgsm", "Wrong key usage", "2.2 encrypts to RSA certificates only"),
    ("gpgsm", "DSA requires the hash length", "2.2 verifies neither P-521, whose length is no multiple of 8 bits, nor Ed25519"),
    ("gpgsm", "No secret key", "2.2 has no Ed25519 keys for X.509"),
    ("NSS", "SEC_ERROR_UNRECOGNIZED_OID", "3.87 has no AuthEnvelopedData"),
    ("NSS", "SEC_ERROR_UNSUPPORTED_KEYALG", "3.87 opens RSA v1.5 only"),
    ("NSS", "SEC_ERROR_BAD_DER", "3.87 reads no recipients by key agreement"),
    ("NSS", "UNABLE_TO_IMPORT_KEY|PKCS7_BAD_SIGNATURE", "3.87 knows neither Ed25519 nor X25519"),
    ("Python", "UnexpectedTag", "it fails at recipients that are not RSA"),
    ("Go", "sequence tag mismatch", "it fails at recipients that are not RSA"),
    ("Python", "UnknownDefinedBy", "it reads no AuthEnvelopedData"),
    ("Python", "Only RSA with PKCS #1 v1.5|Only RSA & EC keys|Only RSA keys", "as it says"),
    ("Go", "unimplemented content type", "it reads neither AuthEnvelopedData nor CompressedData"),
    ("Go", "crypto/rsa: decryption error", "it opens RSA v1.5 only"),
    ("Go", "unsupported algorithm|unknown private key type", "as it says"),
)


def reason_of(words):
    """What is known about these words of a peer; None: nothing, and then it may be our fault."""
    for peer, pattern, why in REASONS:
        if words.startswith(peer + ": ") and re.search(pattern, words):
            return why
    return None
