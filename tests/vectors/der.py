"""DER, written; a dotted name for every object identifier of the vectors."""
OIDS = {
    "data": "1.2.840.113549.1.7.1", "signed-data": "1.2.840.113549.1.7.2", "enveloped-data": "1.2.840.113549.1.7.3",
    "digested-data": "1.2.840.113549.1.7.5", "encrypted-data": "1.2.840.113549.1.7.6",
    "authenticated-data": "1.2.840.113549.1.9.16.1.2", "compressed-data": "1.2.840.113549.1.9.16.1.9",
    "auth-enveloped-data": "1.2.840.113549.1.9.16.1.23",
    "content-type": "1.2.840.113549.1.9.3", "message-digest": "1.2.840.113549.1.9.4",
    "signing-time": "1.2.840.113549.1.9.5", "counter-signature": "1.2.840.113549.1.9.6",
    "capabilities": "1.2.840.113549.1.9.15",
    "signing-certificate-v2": "1.2.840.113549.1.9.16.2.47", "cek-reference": "1.2.840.113549.1.9.16.2.30",
    "zlib": "1.2.840.113549.1.9.16.3.8", "pwri-kek": "1.2.840.113549.1.9.16.3.9", "pbkdf2": "1.2.840.113549.1.5.12",
    "scrypt": "1.3.6.1.4.1.11591.4.11",
    "hmac-sha1": "1.2.840.113549.2.7", "hmac-sha256": "1.2.840.113549.2.9", "hmac-sha384": "1.2.840.113549.2.10",
    "hmac-sha512": "1.2.840.113549.2.11", "hmac-md5": "1.3.6.1.5.5.8.1.1",
    "cek-hkdf-sha256": "1.2.840.113549.1.9.16.3.31",
    "aes-128-cbc": "2.16.840.1.101.3.4.1.2", "aes-192-cbc": "2.16.840.1.101.3.4.1.22",
    "aes-256-cbc": "2.16.840.1.101.3.4.1.42", "aes-128-ecb": "2.16.840.1.101.3.4.1.1",
    "aes-128-ofb": "2.16.840.1.101.3.4.1.3", "aes-128-cfb": "2.16.840.1.101.3.4.1.4",
    "aes-256-ofb": "2.16.840.1.101.3.4.1.43", "aes-256-cfb": "2.16.840.1.101.3.4.1.44",
    "aes-128-gcm": "2.16.840.1.101.3.4.1.6", "aes-192-gcm": "2.16.840.1.101.3.4.1.26",
    "aes-256-gcm": "2.16.840.1.101.3.4.1.46", "aes-128-ccm": "2.16.840.1.101.3.4.1.7",
    "aes-192-ccm": "2.16.840.1.101.3.4.1.27", "aes-256-ccm": "2.16.840.1.101.3.4.1.47",
    "aes-128-wrap": "2.16.840.1.101.3.4.1.5", "aes-192-wrap": "2.16.840.1.101.3.4.1.25",
    "aes-256-wrap": "2.16.840.1.101.3.4.1.45", "aes-128-wrap-pad": "2.16.840.1.101.3.4.1.8",
    "aes-256-wrap-pad": "2.16.840.1.101.3.4.1.48",
    "des-ede3-cbc": "1.2.840.113549.3.7", "des-cbc": "1.3.14.3.2.7", "rc2-cbc": "1.2.840.113549.3.2",
    "rc4": "1.2.840.113549.3.4", "3des-wrap": "1.2.840.113549.1.9.16.3.6", "rc2-wrap": "1.2.840.113549.1.9.16.3.7",
    "x963-sha1": "1.3.133.16.840.63.0.2", "x963-sha224": "1.3.132.1.11.0", "x963-sha256": "1.3.132.1.11.1",
    "x963-sha384": "1.3.132.1.11.2", "x963-sha512": "1.3.132.1.11.3",
    "cofactor-x963-sha224": "1.3.132.1.14.0", "cofactor-x963-sha256": "1.3.132.1.14.1",
    "cofactor-x963-sha384": "1.3.132.1.14.2", "cofactor-x963-sha512": "1.3.132.1.14.3",
    "hkdf-sha256": "1.2.840.113549.1.9.16.3.19", "hkdf-sha384": "1.2.840.113549.1.9.16.3.20",
    "hkdf-sha512": "1.2.840.113549.1.9.16.3.21",
    "ec-public-key": "1.2.840.10045.2.1", "p256": "1.2.840.10045.3.1.7", "p384": "1.3.132.0.34",
    "p521": "1.3.132.0.35", "secp256k1": "1.3.132.0.10", "x25519": "1.3.101.110", "ed25519": "1.3.101.112",
    "ecdsa-sha1": "1.2.840.10045.4.1", "ecdsa-sha256": "1.2.840.10045.4.3.2", "ecdsa-sha384": "1.2.840.10045.4.3.3",
    "ecdsa-sha512": "1.2.840.10045.4.3.4",
    "md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26", "sha224": "2.16.840.1.101.3.4.2.4", "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3",
    "rsa": "1.2.840.113549.1.1.1", "rsa-md5": "1.2.840.113549.1.1.4", "rsa-sha1": "1.2.840.113549.1.1.5",
    "rsa-oaep": "1.2.840.113549.1.1.7", "mgf1": "1.2.840.113549.1.1.8", "p-specified": "1.2.840.113549.1.1.9",
    "rsa-pss": "1.2.840.113549.1.1.10", "rsa-sha256": "1.2.840.113549.1.1.11", "rsa-sha384": "1.2.840.113549.1.1.12",
    "rsa-sha512": "1.2.840.113549.1.1.13", "dsa-sha256": "2.16.840.1.101.3.4.3.2",
    "common-name": "2.5.4.3", "email-address": "1.2.840.113549.1.9.1",
    "basic-constraints": "2.5.29.19", "key-usage": "2.5.29.15", "extended-key-usage": "2.5.29.37",
    "subject-alternative-name": "2.5.29.17", "subject-key-identifier": "2.5.29.14",
    "authority-key-identifier": "2.5.29.35", "name-constraints": "2.5.29.30", "crl-number": "2.5.29.20",
    "sip-domain": "1.3.6.1.5.5.7.3.20", "server-auth": "1.3.6.1.5.5.7.3.1", "email-protection": "1.3.6.1.5.5.7.3.4",
    "any-purpose": "2.5.29.37.0",
    "unknown": "1.3.6.1.4.1.55555.1.1",
}


def tlv(tag, *contents):
    content = b"".join(contents)
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def indefinite(tag, *contents):
    """BER: ends with two zero octets."""
    return bytes([tag, 0x80]) + b"".join(contents) + b"\0\0"


def sequence(*contents):
    return tlv(0x30, *contents)


def set_of(*members):
    return tlv(0x31, *sorted(members))


def context(number, *contents):
    """[n], constructed: EXPLICIT, or IMPLICIT over something constructed."""
    return tlv(0xA0 | number, *contents)


def implicit(number, content):
    """[n] IMPLICIT over octets."""
    return tlv(0x80 | number, content)


def integer(number):
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def integer_octets(octets):
    return tlv(2, octets)


def octets(content):
    return tlv(4, content)


def bits(content, unused=0):
    return tlv(3, bytes([unused]), content)


def boolean(value):
    return tlv(1, b"\xFF" if value else b"\0")


NULL = b"\5\0"


def oid(name):
    arcs = [int(arc) for arc in OIDS.get(name, name).split(".")]
    out = b""
    for arc in [40 * arcs[0] + arcs[1]] + arcs[2:]:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        out += bytes(reversed(groups))
    return tlv(6, out)


def algorithm(name, *parameters):
    return sequence(oid(name), *parameters)


def utf8(text):
    return tlv(12, text.encode())


def ia5(text):
    return tlv(22, text.encode())


def utc_time(text):
    """YYYYMMDDHHMMSS"""
    return tlv(23, text[2:].encode() + b"Z") if text < "2050" else tlv(24, text.encode() + b"Z")


def generalized_time(text):
    return tlv(24, text.encode() + b"Z")
