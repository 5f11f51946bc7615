"""RSA: OAEP and PKCS #1 v1.5 encryption, PSS and v1.5 signatures (RFC 8017), for the generator alone.

The primes are kept: searching for them anew would cost seconds and give the same. TEST ONLY."""
import hashlib

_PRIMES = {
    "alice": (
        int(
            "ff00da57404b384a0c67cb2b1e3a3ace7edca49deebc3070d25e90770e3892b460a24e3c0e73f0479bbdbbc52475bbfa"
            "39999825e8ec517ae8bcf8ecadcecdea78a9696a93238d7d502d0c5b2d7584e0f8a6f9b05914ffffebc5d6a186383ab1"
            "f70fff39fc7294d7b51d33a39187225cb29c38b28fa595e21a801498f53924a7", 16),
        int(
            "f56db916131cd0a676312c23e38b028668cf45a9cba11294370b282f36539bad50016a5f074d363b246ce56d418d7711"
            "af959f5cc97e5cea1e7135272e636573bb0ed24649ed973e8693646adecc8794390abfa8509c05558322423b383d9146"
            "0a48ac46a46e2e440cfcda442c3c6185845c32ed549f47637c64ea41ae5c6b09", 16)),
    "bob": (
        int(
            "c508a2a8b408060c555c4104179c08fcca7c90dc4f82908ef38d485e6f71c829d44de1496e83b22b828cf229b5e0afed"
            "796b00170c13219fd384d41ad8c508b29fd49e46974f036545f5ce5fa10f130a5bee9058c6f61239a8254fa1abc01999"
            "768257882b38262b9218fa685b688e22c1ae534ad4625ab385a96f7330f60ed7", 16),
        int(
            "c2021c38302ecd7642b898246846031e5f196b68847bcc928ea272bf675fb751f4b8bd302c22c1e83f06cacc086e67ad"
            "16ab0c04e4f7eab09847f0daa62cc4d95e9242a2d3cb03b8fc801183d92f85855ced5e62b16423a7a7e86083e1345358"
            "20d2d21960c33c1bab6c719dfc0a824480c5d967f2ef2f86f70a545106eabcb7", 16)),
    "weak": (
        int(
            "e5ea5ff3a1477a2609f7394c136d7d1956bb945409d558f9e77ddf0758e0fed622278ce41f32eed0e5a553489eaea3e0"
            "9267af00e3a4969d99adf4c7557ae8a7", 16),
        int(
            "d6c16d3fa491cebf2481c7acbdd7ecb09d9b43643f8f87f0b4eb41b494ff08bdcc92c2dc80d25500b0315b81915c9b0a"
            "391e173107b98b7621093aa2a9e98151", 16)),
    "mallory": (
        int(
            "ef5db6f3b0303b7565fb666b85b25c7c20cfb9cd8b08e72fe1ad21ee0ed0c7b1e1f4088b72d2e339d85b30db0d9748cb"
            "4ab7f9f7d7cf11f6a5e0c1eab1de04782eb7b62f04daf4adedcc83eb9d8251d3d1f42ba32916c6b972c2cc66d1fcaa0e"
            "3d7efdea6c0d32bf2b4237465cc36a798d7ab83685d6f5e82151e341963e1be1", 16),
        int(
            "d80699dcbe8883fec12ea013be2cd5c7189a8af734f692171ac82ed74c883ece03d6bde9916b0e001c57d34212a4f1f9"
            "349ec440bbc8e0681f55ee391d3298605673be4f8018e7157b88808d3b8d480468477e65cf54e477d7e7370e47138865"
            "60bb924097ade908ef106dc21c40a7266cd1e3c03cba99ee5d2f71ef28b82c67", 16)),
}
# DigestInfo of RFC 8017 9.2, up to the digest
DIGEST_INFO = {
    "md5": "3020300c06082a864886f70d020505000410",
    "sha1": "3021300906052b0e03021a05000414",
    "sha256": "3031300d060960864801650304020105000420",
    "sha384": "3041300d060960864801650304020205000430",
    "sha512": "3051300d060960864801650304020305000440",
}


class Rsa:
    def __init__(self, name, exponent=65537):
        self.p, self.q = _PRIMES[name]
        self.n, self.e = self.p * self.q, exponent
        self.d = pow(exponent, -1, (self.p - 1) * (self.q - 1))
        self.size = (self.n.bit_length() + 7) // 8

    def encrypt_number(self, octets):
        return pow(int.from_bytes(octets, "big"), self.e, self.n).to_bytes(self.size, "big")

    def sign_number(self, octets):
        number = int.from_bytes(octets, "big")
        mp, mq = pow(number, self.d % (self.p - 1), self.p), pow(number, self.d % (self.q - 1), self.q)
        return (mq + self.q * ((mp - mq) * pow(self.q, -1, self.p) % self.p)).to_bytes(self.size, "big")


def _mask(octets, seed, digest):
    out, counter = b"", 0
    while len(out) < len(octets):
        out += hashlib.new(digest, seed + counter.to_bytes(4, "big")).digest()
        counter += 1
    return bytes(a ^ b for a, b in zip(octets, out))


def encrypt_oaep(key, octets, chance, digest="sha256", mask_digest=None, label=b""):
    size, mask_digest = hashlib.new(digest).digest_size, mask_digest or digest
    block = hashlib.new(digest, label).digest() + bytes(key.size - len(octets) - 2 * size - 2) + b"\1" + octets
    seed = chance.octets(size)
    block = _mask(block, seed, mask_digest)
    return key.encrypt_number(b"\0" + _mask(seed, block, mask_digest) + block)


def encrypt_v15(key, octets, chance):
    fill = bytes(octet or 1 for octet in chance.octets(key.size - len(octets) - 3))
    return key.encrypt_number(b"\0\2" + fill + b"\0" + octets)


def sign_v15(key, octets, digest="sha256"):
    info = bytes.fromhex(DIGEST_INFO[digest]) + hashlib.new(digest, octets).digest()
    return key.sign_number(b"\0\1" + b"\xFF" * (key.size - len(info) - 3) + b"\0" + info)


def sign_pss(key, octets, chance, digest="sha256", salt_size=None, mask_digest=None):
    size = hashlib.new(digest).digest_size
    salt = chance.octets(size if salt_size is None else salt_size)
    mark = hashlib.new(digest, bytes(8) + hashlib.new(digest, octets).digest() + salt).digest()
    block = bytes(key.size - len(salt) - size - 2) + b"\1" + salt
    block = bytearray(_mask(block, mark, mask_digest or digest))
    block[0] &= 0x7F
    return key.sign_number(bytes(block) + mark + b"\xBC")
