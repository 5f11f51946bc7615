"""The PKCS #7 of the module `cryptography`, as a program: content on standard input, result on standard output.
Exit code 3: this version has no such thing."""
import inspect
import sys

import cryptography
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7

HASH = {"p384": hashes.SHA384, "p521": hashes.SHA512}
CIPHER = {"aes-128-cbc": "AES128", "aes-256-cbc": "AES256"}


def no(what):
    print("version %s has no %s" % (cryptography.__version__, what), file=sys.stderr)
    sys.exit(3)


def certificate(path):
    with open(path, "rb") as file:
        return x509.load_pem_x509_certificate(file.read())


def key(path):
    with open(path, "rb") as file:
        return load_pem_private_key(file.read(), None)


def encrypt(content, cipher, *recipients):
    if not hasattr(pkcs7, "PKCS7EnvelopeBuilder"):
        no("EnvelopedData")
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content)
    if cipher not in CIPHER:
        no("cipher but AES-128-CBC and AES-256-CBC")
    builder = builder.set_content_encryption_algorithm(getattr(algorithms, CIPHER[cipher]))
    for path in recipients:
        builder = builder.add_recipient(certificate(path))
    return builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def decrypt(der, path, key_path):
    if not hasattr(pkcs7, "pkcs7_decrypt_der"):
        no("EnvelopedData")
    return pkcs7.pkcs7_decrypt_der(der, certificate(path), key(key_path), [])


def sign(content, form, *signers):
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    for kind, path, key_path in zip(signers[::3], signers[1::3], signers[2::3]):
        more = {}
        if kind == "rsa-pss":
            more["rsa_padding"] = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        if more and "rsa_padding" not in inspect.signature(builder.add_signer).parameters:
            no("RSA-PSS signatures")
        builder = builder.add_signer(certificate(path), key(key_path), HASH.get(kind, hashes.SHA256)(), **more)
    options = [pkcs7.PKCS7Options.Binary] + ([pkcs7.PKCS7Options.DetachedSignature] if form == "detached" else [])
    return builder.sign(Encoding.DER, options)


def certs_only(_, *paths):
    return pkcs7.serialize_certificates([certificate(path) for path in paths], Encoding.DER)


def main():
    verb, *words = sys.argv[1:]
    if verb == "version":
        print(cryptography.__version__)
        return
    verbs = {"encrypt": encrypt, "decrypt": decrypt, "sign": sign, "certs-only": certs_only}
    sys.stdout.buffer.write(verbs[verb](sys.stdin.buffer.read(), *words))


if __name__ == "__main__":
    main()
