"""AES and what CMS builds on it: CBC, GCM (SP 800-38D), CCM (SP 800-38C), key wrap (RFC 3394, 5649), password wrap (RFC 3211).

Written from the documents for the generator alone: slow, not constant in time, and no part of the library, so that
the vectors are a second opinion on it."""
import struct


def _tables():
    sbox, value, inverse = [0] * 256, 1, 1
    while True:  # 3 generates the field
        value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)
        inverse ^= inverse << 1
        inverse ^= inverse << 2
        inverse ^= inverse << 4
        inverse &= 0xFF
        if inverse & 0x80:
            inverse ^= 0x09
        mixed = inverse
        for turn in range(1, 5):
            mixed ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xFF
        sbox[value & 0xFF] = mixed ^ 0x63
        value &= 0xFF
        if value == 1:
            break
    sbox[0] = 0x63
    return sbox


SBOX = _tables()
UNBOX = [0] * 256
for _index, _value in enumerate(SBOX):
    UNBOX[_value] = _index


def _double(value):
    return ((value << 1) ^ 0x1B) & 0xFF if value & 0x80 else value << 1


def _multiply(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = _double(a), b >> 1
    return product


_FORWARD = [[_multiply(SBOX[x], factor) for x in range(256)] for factor in (2, 3)]
_BACK = [[_multiply(x, factor) for x in range(256)] for factor in (14, 11, 13, 9)]


class Aes:
    def __init__(self, key):
        words, count = [list(key[i:i + 4]) for i in range(0, len(key), 4)], len(key) // 4
        self.rounds, constant = count + 6, 1
        for i in range(count, 4 * (self.rounds + 1)):
            word = list(words[-1])
            if i % count == 0:
                word = [SBOX[octet] for octet in word[1:] + word[:1]]
                word[0] ^= constant
                constant = _double(constant)
            elif count > 6 and i % count == 4:
                word = [SBOX[octet] for octet in word]
            words.append([a ^ b for a, b in zip(word, words[i - count])])
        self.keys = [sum(words[4 * i:4 * i + 4], []) for i in range(self.rounds + 1)]

    def encrypt(self, block):
        twice, thrice = _FORWARD
        state = [a ^ b for a, b in zip(block, self.keys[0])]
        for key in self.keys[1:-1]:
            new = []
            for column in range(4):
                a, b, c, d = (state[(4 * column + 5 * row) % 16] for row in range(4))
                new += [twice[a] ^ thrice[b] ^ SBOX[c] ^ SBOX[d], SBOX[a] ^ twice[b] ^ thrice[c] ^ SBOX[d],
                        SBOX[a] ^ SBOX[b] ^ twice[c] ^ thrice[d], thrice[a] ^ SBOX[b] ^ SBOX[c] ^ twice[d]]
            state = [x ^ y for x, y in zip(new, key)]
        shifted = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        return bytes(a ^ b for a, b in zip(shifted, self.keys[-1]))

    def decrypt(self, block):
        by14, by11, by13, by9 = _BACK
        state = [a ^ b for a, b in zip(block, self.keys[-1])]
        for key in reversed(self.keys[:-1]):
            state = [UNBOX[state[(i - 4 * (i % 4)) % 16]] ^ key[i] for i in range(16)]
            if key is self.keys[0]:
                break
            new = []
            for column in range(0, 16, 4):
                a, b, c, d = state[column:column + 4]
                new += [by14[a] ^ by11[b] ^ by13[c] ^ by9[d], by9[a] ^ by14[b] ^ by11[c] ^ by13[d],
                        by13[a] ^ by9[b] ^ by14[c] ^ by11[d], by11[a] ^ by13[b] ^ by9[c] ^ by14[d]]
            state = new
        return bytes(state)


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def cbc_blocks(key, iv, octets):
    cipher, out = Aes(key), b""
    for i in range(0, len(octets), 16):
        iv = cipher.encrypt(_xor(octets[i:i + 16], iv))
        out += iv
    return out


def cbc(key, iv, octets):
    pad = 16 - len(octets) % 16
    return cbc_blocks(key, iv, octets + bytes([pad]) * pad)


def ctr_of_gcm(cipher, start, octets):
    prefix, counter, out = start[:12], struct.unpack(">I", start[12:])[0], []
    for i in range(0, len(octets), 16):
        counter = (counter + 1) & 0xFFFFFFFF
        out.append(_xor(octets[i:i + 16], cipher.encrypt(prefix + struct.pack(">I", counter))))
    return b"".join(out)


def ghash(subkey, octets):
    # One shift a bit, over a table of the subkey's multiples.
    table, value = [], int.from_bytes(subkey, "big")
    for _ in range(128):
        table.append(value)
        value = (value >> 1) ^ (0xE1 << 120 if value & 1 else 0)
    total = 0
    for i in range(0, len(octets), 16):
        total ^= int.from_bytes(octets[i:i + 16], "big")
        product, bit = 0, 127
        for multiple in table:
            if total >> bit & 1:
                product ^= multiple
            bit -= 1
        total = product
    return total.to_bytes(16, "big")


def _filled(octets):
    return octets + bytes(-len(octets) % 16)


def gcm(key, nonce, octets, attached=b""):
    """Ciphertext and the whole tag."""
    cipher = Aes(key)
    subkey = cipher.encrypt(bytes(16))
    if len(nonce) == 12:
        start = nonce + b"\0\0\0\1"
    else:
        start = ghash(subkey, _filled(nonce) + bytes(8) + struct.pack(">Q", 8 * len(nonce)))
    ciphertext = ctr_of_gcm(cipher, start, octets)
    lengths = struct.pack(">QQ", 8 * len(attached), 8 * len(ciphertext))
    return ciphertext, _xor(ghash(subkey, _filled(attached) + _filled(ciphertext) + lengths), cipher.encrypt(start))


def ccm(key, nonce, octets, attached=b"", tag_size=12):
    """Ciphertext and a tag of tag_size octets."""
    cipher, room = Aes(key), 15 - len(nonce)
    flags = (0x40 if attached else 0) | ((tag_size - 2) // 2) << 3 | (room - 1)
    blocks = bytes([flags]) + nonce + len(octets).to_bytes(room, "big")
    blocks += _filled(struct.pack(">H", len(attached)) + attached) if attached else b""
    blocks += _filled(octets)
    mac = cbc_blocks(key, bytes(16), blocks)[-16:]
    stream = b"".join(cipher.encrypt(bytes([room - 1]) + nonce + i.to_bytes(room, "big"))
                      for i in range(len(octets) // 16 + 2))
    return _xor(octets, stream[16:]), _xor(mac, stream[:16])[:tag_size]


def _wrap(key, head, octets):
    cipher, blocks = Aes(key), [octets[i:i + 8] for i in range(0, len(octets), 8)]
    for turn in range(6):
        for i, block in enumerate(blocks):
            out = cipher.encrypt(head + block)
            count = len(blocks) * turn + i + 1
            head, blocks[i] = _xor(out[:8], struct.pack(">Q", count)), out[8:]
    return head + b"".join(blocks)


def wrap(key, octets):
    """RFC 3394"""
    return _wrap(key, b"\xA6" * 8, octets)


def wrap_padded(key, octets):
    """RFC 5649"""
    head = bytes.fromhex("a65959a6") + struct.pack(">I", len(octets))
    octets += bytes(-len(octets) % 8)
    return Aes(key).encrypt(head + octets) if len(octets) == 8 else _wrap(key, head, octets)


def password_wrap(key, iv, octets, fill, claimed=None):
    """RFC 3211 2.3.1; claimed: a length octet that lies."""
    length = len(octets) if claimed is None else claimed
    block = bytes([length]) + bytes(octet ^ 0xFF for octet in octets[:3]) + octets
    block += fill[:max(32 - len(block), -len(block) % 16)]
    once = cbc_blocks(key, iv, block)
    return cbc_blocks(key, once[-16:], once)
