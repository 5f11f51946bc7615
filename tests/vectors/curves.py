"""P-256, P-384, P-521 (ECDSA after RFC 6979, ECDH), X25519 (RFC 7748), Ed25519 (RFC 8032), for the generator alone."""
import hashlib
import hmac


class Curve:
    """y^2 = x^3 - 3x + b over a prime field."""

    def __init__(self, name, p, b, n, gx, gy, digest):
        self.name, self.p, self.b, self.n, self.g, self.digest = name, p, b, n, (gx, gy), digest
        self.size = (p.bit_length() + 7) // 8

    def add(self, a, b):
        if a is None or b is None:
            return a or b
        if a[0] == b[0]:
            if (a[1] + b[1]) % self.p == 0:
                return None
            slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, self.p)
        else:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, self.p)
        x = (slope * slope - a[0] - b[0]) % self.p
        return x, (slope * (a[0] - x) - a[1]) % self.p

    def times(self, factor, point=None):
        out, point = None, point or self.g
        while factor:
            if factor & 1:
                out = self.add(out, point)
            point, factor = self.add(point, point), factor >> 1
        return out

    def octets(self, point, compressed=False):
        x = point[0].to_bytes(self.size, "big")
        return bytes([2 + (point[1] & 1)]) + x if compressed else b"\4" + x + point[1].to_bytes(self.size, "big")

    def shared(self, private, point):
        return self.times(private, point)[0].to_bytes(self.size, "big")

    def _nonce(self, private, digest):
        """RFC 6979 3.2"""
        length = self.n.bit_length()
        wide, name = (length + 7) // 8, self.digest

        def to_number(octets):
            number = int.from_bytes(octets, "big")
            return number >> max(0, 8 * len(octets) - length)

        seed = private.to_bytes(wide, "big") + (to_number(digest) % self.n).to_bytes(wide, "big")
        size = hashlib.new(name).digest_size
        key, value = bytes(size), b"\1" * size

        def mac(octets):
            return hmac.new(key, octets, name).digest()

        for octet in (b"\0", b"\1"):
            key = mac(value + octet + seed)
            value = mac(value)
        while True:
            out = b""
            while len(out) < wide:
                value = mac(value)
                out += value
            number = to_number(out[:wide])
            if 1 <= number < self.n:
                return number
            key = mac(value + b"\0")
            value = mac(value)

    def sign(self, private, octets, digest_name=None):
        """(r, s)"""
        digest = hashlib.new(digest_name or self.digest, octets).digest()
        number = int.from_bytes(digest, "big") >> max(0, 8 * len(digest) - self.n.bit_length())
        nonce = self._nonce(private, digest)
        r = self.times(nonce)[0] % self.n
        return r, pow(nonce, -1, self.n) * (number + r * private) % self.n


P256 = Curve("p256", 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff,
             0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
             0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
             0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
             0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5, "sha256")
P384 = Curve("p384", 2**384 - 2**128 - 2**96 + 2**32 - 1,
             0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef,
             0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
             0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7,
             0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f,
             "sha384")
P521 = Curve("p521", 2**521 - 1,
             0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00,
             0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409,
             0x00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66,
             0x011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650,
             "sha512")
CURVES = {curve.name: curve for curve in (P256, P384, P521)}

P25519 = 2**255 - 19


def x25519(scalar, u=(9).to_bytes(32, "little")):
    scalar = bytearray(scalar)
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    k, x1 = int.from_bytes(scalar, "little"), int.from_bytes(u, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for turn in range(254, -1, -1):
        bit = k >> turn & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P25519, b * b % P25519, d * a, c * b
        x3, z3 = (da + cb)**2 % P25519, x1 * (da - cb)**2 % P25519
        e = aa - bb
        x2, z2 = aa * bb % P25519, e * (aa + 121665 * e) % P25519
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P25519 - 2, P25519) % P25519).to_bytes(32, "little")


_D = -121665 * pow(121666, -1, P25519) % P25519
_ORDER = 2**252 + 27742317777372353535851937790883648493
_BASE = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
         46316835694926478169428394003475163141307993866256225615783033603165251855960)


def _add_edwards(a, b):
    product = _D * a[0] * b[0] * a[1] * b[1] % P25519
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, P25519) % P25519
    return x, (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P25519) % P25519


def _times_base(factor):
    out, point = (0, 1), _BASE
    while factor:
        if factor & 1:
            out = _add_edwards(out, point)
        point, factor = _add_edwards(point, point), factor >> 1
    return (out[1] | (out[0] & 1) << 255).to_bytes(32, "little")


def _expanded(secret):
    digest = hashlib.sha512(secret).digest()
    return int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254, digest[32:]


def ed25519_public(secret):
    return _times_base(_expanded(secret)[0])


def ed25519_sign(secret, octets):
    factor, prefix = _expanded(secret)
    public = _times_base(factor)

    def number(*pieces):
        return int.from_bytes(hashlib.sha512(b"".join(pieces)).digest(), "little") % _ORDER

    nonce = number(prefix, octets)
    point = _times_base(nonce)
    return point + ((nonce + number(point, public, octets) * factor) % _ORDER).to_bytes(32, "little")
