"""dumpasn1 and tshark read what seal wrote: no error in the DER, the types named, nothing malformed."""
import re
import struct

from cell import NO, YES, Cell
from kinds import Compressed, Encrypted, Signed, kinds, sealed
from peer import debian_version
from world import execute, have, signed_parts, split_entity


class DumpASN1:
    name, packages, note = "dumpasn1", "dumpasn1", ""

    def absent(self):
        return None if have("dumpasn1") else "dumpasn1 is not installed"

    def version(self):
        return debian_version("dumpasn1")

    def judge(self, world, messages):
        """{key: complaint or None}"""
        found = {}
        for key, (_, message) in messages.items():
            content_type, body = split_entity(message)
            der = signed_parts(content_type, body)[1] if content_type.startswith(b"multipart/signed") else body
            # -e: octets of chance (a wrapped key, a nonce) now and then look like ASN.1 that ends too soon.
            text = execute(["dumpasn1", "-e", "-z", "-o", world.write("object.der", der)])
            last = (text.out.decode("latin-1") + text.err).strip().splitlines()[-1]
            found[key] = None if last.startswith("0 warnings, 0 errors") else last
        return found


class Tshark:
    name, packages, note = "tshark", "tshark", ""
    TYPES = {Signed: "1.2.840.113549.1.7.2", Compressed: "1.2.840.113549.1.9.16.1.9"}

    def absent(self):
        return None if have("tshark") else "tshark is not installed"

    def version(self):
        return re.search(r"(\d+\.\d+\.\d+)", execute(["tshark", "--version"]).out.decode()).group(1)

    def packet(self, payload):
        """One UDP datagram between two SIP ports, as a record of a capture of raw IP."""
        udp = struct.pack(">HHHH", 5060, 5060, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + bytes((192, 0, 2, 1, 192, 0, 2, 2)) + udp
        return struct.pack("<IIII", 0, 0, len(ip), len(ip)) + ip

    def judge(self, world, messages):
        capture = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
        capture += b"".join(self.packet(message) for _, message in messages.values())
        path = world.write("ours.pcap", capture)
        lines = execute(["tshark", "-r", path, "-T", "fields", "-e", "cms.contentType", "-e", "_ws.malformed"]).out.decode()
        found = {}
        for (key, (kind, _)), line in zip(messages.items(), lines.splitlines()):
            types, _, malformed = line.partition("\t")
            outermost = kind.layers[-1]
            wanted = self.TYPES.get(type(outermost))
            if isinstance(outermost, Encrypted):
                wanted = "1.2.840.113549.1.9.16.1.23" if outermost.aead else "1.2.840.113549.1.7.3"
            found[key] = None if wanted in types.split(",") and not malformed else "types %s %s" % (types, malformed)
        return found


ALL_READERS = (DumpASN1(), Tshark())


def read_by_others(world, chosen):
    cells, messages = {}, {}
    for group, rows in kinds().items():
        for kind in rows:
            if kind.layers and not kind.only and any(chosen(group, kind.name, False, r.name) for r in ALL_READERS):
                messages[group, kind.name] = (kind, sealed(world, kind, "kek-256"))
    for reader in ALL_READERS:
        if reader.absent() is not None or not messages:
            continue
        for (group, name), complaint in reader.judge(world, messages).items():
            state = YES if complaint is None else NO
            cells[group, name, False, reader.name] = Cell(state, "%s: %s" % (reader.name, complaint) if complaint else "")
    return cells
