"""tshark names the layers of our sealed messages: SIP, the multipart, the CMS types in it, the certificate."""
import struct

from lab import ALICE, INVITE, Cases, Lab, execute, have, sipveil, tool

lab = Lab()
KEK = lab.kek("ims-ck-1")
lab.authority()
SIGNER = lab.identity("alice", ALICE)
CMS = "1.2.840.113549.1.7."
# name: options of seal; protocols in their order; contentType of each CMS object
MESSAGES = (
    ("auth-enveloped-data", ("--to", KEK), "sip:cms", ["1.2.840.113549.1.9.16.1.23"]),
    ("enveloped-data", ("--to", KEK, "--cipher", "aes-128-cbc"), "sip:cms", [CMS + "3", CMS + "1"]),
    ("signed-data", ("--sign-with", SIGNER, "--opaque"), "sip:cms", [CMS + "2"]),
    ("multipart/signed", ("--sign-with", SIGNER), "sip:mime_multipart:sip:sdp:cms", [CMS + "2"]),
    ("compressed signed-data", ("--sign-with", SIGNER, "--opaque", "--compress"), "sip:cms",
     ["1.2.840.113549.1.9.16.1.9"]),
    ("multipart/signed over enveloped-data",
     ("--to", KEK, "--sign-with", SIGNER, "--order", "encrypt-sign", "--cipher", "aes-256-cbc"),
     "sip:mime_multipart:cms", [CMS + "3", CMS + "1", CMS + "2"]),
    ("AIB beside the body", ("--mode", "sipfrag", "--sign-with", SIGNER),
     "sip:mime_multipart:sdp:mime_multipart:sipfrag:cms", [CMS + "2"]),
)


def packet(payload):
    """One UDP datagram between two SIP ports, as a record of a capture of raw IP."""
    udp = struct.pack(">HHHH", 5060, 5060, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + bytes((192, 0, 2, 1, 192, 0, 2, 2)) + udp
    return struct.pack("<IIII", 0, 0, len(ip), len(ip)) + ip


def main():
    cases = Cases()
    if not have("tshark"):
        cases.skip("tshark names the layers", "tshark is not installed")
        cases.leave()
    sealed = [sipveil("seal", "--quiet", *options, stdin=INVITE) for _, options, _, _ in MESSAGES]
    cases.case("everything is sealed", [repr(one) for one in sealed if one.code != 0])
    capture = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + b"".join(packet(one.out) for one in sealed)
    path = lab.write("sealed.pcap", capture)
    fields = tool("tshark", "-r", path, "-T", "fields", "-e", "frame.protocols", "-e", "cms.contentType").decode()
    lines = fields.splitlines()
    for i, (name, _, protocols, types) in enumerate(MESSAGES):
        seen, _, contents = (lines[i] if i < len(lines) else "").partition("\t")
        wrong = [] if (seen + ":").startswith("raw:ip:udp:" + protocols + ":") else ["protocols: " + seen]
        if contents.split(",") != types:
            wrong.append("content types %s instead of %s" % (contents, types))
        cases.case("TUN-60: tshark names " + name, wrong)
    malformed = execute(["tshark", "-r", path, "-Y", '_ws.malformed or _ws.expert.group == "Malformed"',
                         "-T", "fields", "-e", "frame.number"])
    cases.case("tshark finds nothing malformed", malformed.out.decode().split() or
               ([] if malformed.code == 0 else [repr(malformed)]))
    cases.leave()


if __name__ == "__main__":
    main()
