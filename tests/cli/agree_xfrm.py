"""The commands of `sipveil agree choose --print-xfrm`, proved where they are meant to go: what iproute2 makes of each is read
from what it says to the kernel; in a network namespace of this test's own the kernel takes them and is asked what it
has; keys and salts are computed once more by openssl. Nothing outside that namespace is touched."""
import pathlib
import re
import struct
import subprocess

from lab import ANSWER, OK, POLICY, USAGE, Cases, Lab, complaints_about, execute, have, sipveil, tool

IK, CK = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf", "101112131415161718191a1b1c1d1e1f"
UE, PCSCF = "spi-c=1001;spi-s=1002;port-c=5101;port-s=5102", "spi-c=2001;spi-s=2002;port-c=6101;port-s=6102"
A, B = "192.0.2.1", "192.0.2.2"
# Of each association: from the UE, SPI, port it leaves from, port it goes to (AGR-53).
FOUR = [(True, 2002, 5101, 6102), (False, 1001, 6102, 5101), (False, 1002, 6101, 5102), (True, 2001, 5102, 6101)]
REGISTER = """REGISTER sip:home1.example SIP/2.0\r
Via: SIP/2.0/UDP %s;branch=z9hG4bK1\r
Max-Forwards: 70\r
Route: <sip:%s;lr>\r
From: <sip:user1@home1.example>;tag=1\r
To: <sip:user1@home1.example>\r
Call-ID: c1\r
CSeq: 1 REGISTER\r
Contact: <sip:user1@%s>\r
Content-Length: 0\r
\r
"""


def salt(fc, name):
    """AGR-54: the last 32 bits of HMAC-SHA-256(CK || IK, FC || name || its length), by openssl."""
    string = bytes([fc]) + name + len(name).to_bytes(2, "big")
    said = tool("openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + CK + IK, stdin=string)
    return re.search(rb"([0-9a-f]{64})\s*$", said).group(1)[-8:].decode()


def odd(octets):
    return bytes(b & 0xFE | (bin(b & 0xFE).count("1") % 2 == 0) for b in octets)


def pairs():
    """Parameters of an entry: (authentication, encryption, AEAD) as (name, key, bits of its tag) or None."""
    sha1, none = ("hmac(sha1)", IK + "00000000", 96), ("ecb(cipher_null)", "", 0)
    triple = odd(bytes.fromhex(CK + CK[:16])).hex()
    return {
        "alg=hmac-sha-1-96;ealg=aes-cbc": (sha1, ("cbc(aes)", CK, 0), None),
        "alg=hmac-sha-1-96": (sha1, none, None),
        "alg=null;ealg=aes-gcm": (None, None, ("rfc4106(gcm(aes))", CK + salt(0x59, b"AES_GCM_SALT"), 128)),
        "alg=aes-gmac": (None, None, ("rfc4543(gcm(aes))", IK + salt(0x58, b"AES_GMAC_SALT"), 128)),
        "alg=hmac-md5-96;ealg=des-ede3-cbc": (("hmac(md5)", IK, 96), ("cbc(des3_ede)", triple, 0), None),
        "alg=hmac-sha-1-96;ealg=aes-cbc;mod=UDP-enc-tun": (sha1, ("cbc(aes)", CK, 0), None),
    }


class World:
    def __init__(self):
        self.lab = Lab()
        self.keys = self.lab.write("ims", ("IK\t%s\nCK\t%s\n" % (IK, CK)).encode(), 0o600)

    def agree(self, pair, *options, ue=A, pcscf=B, server=PCSCF, before="", output=True):
        """offer, the 401 of the registrar with the P-CSCF's list, choose."""
        weak = ("--allow-weak-algorithms",) if "md5" in pair or "des" in pair else ()
        state = self.lab.path("ue")
        state.unlink(missing_ok=True)
        offered = sipveil("agree", "offer", "--profile", "3gpp", "--list", "%sipsec-3gpp;%s;%s" % (before, pair, UE), "--state", state, *weak,
                          stdin=(REGISTER % (ue, pcscf, ue)).encode())
        if offered.code != OK:
            raise RuntimeError(repr(offered))
        rows = [row for row in offered.out.split(b"\r\n")[1:] if row.split(b":")[0] in (b"Via", b"From", b"Call-ID", b"CSeq")]
        answer = b"\r\n".join([b"SIP/2.0 401 Unauthorized", *rows, b"To: <sip:user1@home1.example>;tag=r",
                               b'WWW-Authenticate: Digest realm="home1.example", nonce="bm9uY2U=", algorithm=AKAv1-MD5',
                               b"Security-Server: ipsec-3gpp;q=0.1;%s;%s" % (pair.encode(), server.encode()),
                               b"Content-Length: 0", b"", b""])
        to = ("-o", self.lab.path("next.sip"), "--force") if output else ()
        return sipveil("agree", "choose", "--state", state, "--ims-keys", self.keys, "--print-xfrm", *to, *weak, *options, stdin=answer)


def text(octets):
    return octets.split(b"\0")[0].decode()


def attributes(octets):
    found = {}
    while len(octets) >= 4:
        length, kind = struct.unpack_from("=HH", octets)
        found[kind] = octets[4:length]
        octets = octets[(length + 3) & ~3:]
    return found


def dotted(octets):
    return ".".join(map(str, octets[:4]))


def algorithm(octets, with_tag):
    """struct xfrm_algo; xfrm_algo_auth and xfrm_algo_aead have a length of the tag too."""
    if octets is None:
        return None
    bits, tag = struct.unpack_from("=II", octets + b"\0\0\0\0", 64)
    at = 72 if with_tag else 68
    return text(octets[:64]), octets[at:at + bits // 8].hex(), tag if with_tag else 0


def state_of(octets):
    """XFRM_MSG_NEWSA: struct xfrm_usersa_info (224 octets), then attributes."""
    spi, proto = struct.unpack_from(">IB", octets, 72)
    reqid, family, mode, replay = struct.unpack_from("=IHBB", octets, 208)
    found = attributes(octets[224:])
    return {"to": dotted(octets[56:72]), "from": dotted(octets[80:96]), "spi": spi, "proto": proto, "reqid": reqid, "family": family,
            "mode": mode, "replay": replay, "encap": found.get(4, b"")[:6].hex(),
            "auth": algorithm(found.get(20), True), "enc": algorithm(found.get(2), False), "aead": algorithm(found.get(18), True)}


def policy_of(octets):
    """XFRM_MSG_NEWPOLICY: struct xfrm_userpolicy_info (168 octets), then the template."""
    dport, dmask, sport, smask, family, dlen, slen, proto = struct.unpack_from(">HHHH", octets, 32) + struct.unpack_from("=HBBB", octets, 40)
    direction = octets[160]
    template = attributes(octets[168:])[5]
    spi, esp = struct.unpack_from(">IB", template, 16)
    reqid, mode = struct.unpack_from("=IB", template, 44)
    return {"to": dotted(octets[:16]), "from": dotted(octets[16:32]), "dport": (dport, dmask), "sport": (sport, smask), "family": family,
            "lengths": (dlen, slen), "proto": proto, "dir": ("in", "out", "fwd")[direction], "spi": spi, "esp": esp, "reqid": reqid,
            "mode": mode, "tmpl": (dotted(template[24 + 4:]), dotted(template[:4]))}


def namespace():
    """The command in front that gives a network namespace, gone with its last process; None: there may be none here.
    Without /etc/protocols (Debian: netbase), ip does not know what udp is."""
    if not pathlib.Path("/etc/protocols").exists():
        return None
    for prefix in (["unshare", "-n"], ["unshare", "-r", "-n"]):
        if have("unshare") and have("ip") and execute([*prefix, "ip", "xfrm", "state"]).code == 0:
            return prefix
    return None


def said_to_kernel(prefix, commands):
    """Every state and policy that iproute2 asks the kernel for; whether this kernel can is another question."""
    done = subprocess.run(["strace", "-f", "-e", "trace=sendmsg", "-xx", "-s", "65535", *prefix, "sh", "-s"], input=commands,
                          capture_output=True, text=True, timeout=60, check=False)
    states, policies = [], []
    for kind, octets in re.findall(r'nlmsg_type=(0x10|0x13|XFRM_MSG_NEWSA|XFRM_MSG_NEWPOLICY)[^"]*"((?:\\x[0-9a-f]{2})+)"', done.stderr):
        raw = bytes.fromhex(octets.replace("\\x", ""))
        if kind in ("0x10", "XFRM_MSG_NEWSA"):
            states.append(state_of(raw))
        else:
            policies.append(policy_of(raw))
    return states, policies


def expected(pair, algorithms):
    tunnel = "mod=" in pair
    ends = lambda from_ue: {"from": A if from_ue else B, "to": B if from_ue else A}
    states = [{**ends(ue), "spi": spi, "proto": 50, "reqid": spi, "family": 2, "mode": int(tunnel), "replay": 0 if ue else 32,
               "encap": "020011941194" if tunnel else "", "auth": algorithms[0], "enc": algorithms[1], "aead": algorithms[2]}
              for ue, spi, _, _ in FOUR]
    policies = [{**ends(ue), "dport": (to, 65535), "sport": (source, 65535), "family": 2, "lengths": (32, 32), "proto": protocol,
                 "dir": "out" if ue else "in", "spi": spi, "esp": 50, "reqid": spi, "mode": int(tunnel),
                 "tmpl": (ends(ue)["from"], ends(ue)["to"])}
                for ue, spi, source, to in FOUR for protocol in (17, 6)]
    return states, policies


def differences(found, wanted, what):
    wrong = [] if len(found) == len(wanted) else ["%d %s instead of %d" % (len(found), what, len(wanted))]
    for number, (one, other) in enumerate(zip(found, wanted), 1):
        wrong += ["%s %d: %s is %r, not %r" % (what, number, key, one[key], other[key]) for key in other if one[key] != other[key]]
    return wrong


def what_iproute2_makes_of_them(cases, world, prefix):
    for pair, algorithms in pairs().items():
        name = "AGR-53, AGR-54: what ip says to the kernel: " + pair
        result = world.agree(pair)
        if result.code != ANSWER:
            cases.case(name, repr(result))
            continue
        states, policies = said_to_kernel(prefix, result.out.decode())
        wanted = expected(pair, algorithms)
        cases.case(name, differences(states, wanted[0], "states") + differences(policies, wanted[1], "policies"))


# A namespace that ends with its one process; what it printed on standard error says why a command was refused.
IN_NAMESPACE = r"""
while read -r line; do sh -c "$line" || echo "refused: $line"; done
echo "== state"; ip xfrm state; echo "== policy"; ip xfrm policy
"""


def missing_policies(policies, ue, pcscf, length):
    flat = " ".join(policies.split())
    for from_ue, spi, source, to in FOUR:
        ends = (ue, pcscf) if from_ue else (pcscf, ue)
        for protocol in ("udp", "tcp"):
            row = "src %s/%d dst %s/%d proto %s sport %d dport %d dir %s" % (ends[0], length, ends[1], length, protocol, source, to,
                                                                             "out" if from_ue else "in")
            template = "tmpl src %s dst %s proto esp spi 0x%08x reqid %d mode transport" % (*ends, spi, spi)
            if not re.search(re.escape(row) + r" priority \d+ (ptype \w+ )?" + re.escape(template), flat):
                yield "no policy: " + row


def missing_associations(states, ue, pcscf):
    flat = " ".join(states.split())
    for from_ue, spi, _, _ in FOUR:
        ends = (ue, pcscf) if from_ue else (pcscf, ue)
        row = "src %s dst %s proto esp spi 0x%08x reqid %d mode transport" % (*ends, spi, spi)
        keys = r"auth-trunc hmac\(sha1\) 0x%s00000000 96 enc cbc\(aes\) 0x%s" % (IK, CK)
        if not re.search(re.escape(row) + r" replay-window \d+ .{0,40}?" + keys, flat):
            yield "no association: %s in %s" % (row, flat)


def what_the_kernel_has(cases, world, prefix):
    for ue, pcscf, length in ((A, B, 32), ("2001:db8::1", "2001:db8::2", 128)):
        bracketed = ("[%s]" % ue, "[%s]" % pcscf) if length == 128 else (ue, pcscf)
        result = world.agree("alg=hmac-sha-1-96;ealg=aes-cbc", ue=bracketed[0], pcscf=bracketed[1])
        done = execute([*prefix, "sh", "-c", IN_NAMESPACE], stdin=result.out)
        printed, _, rest = done.out.decode().partition("== state\n")
        states, _, policies = rest.partition("== policy\n")
        wrong = list(missing_policies(policies, ue, pcscf, length))
        if policies.count("\tdir ") != 8 or "refused: ip xfrm policy" in printed:
            wrong.append("%d policies; %s" % (policies.count("\tdir "), done))
        cases.case("AGR-53: a kernel takes the eight policies and has them, from %s" % ue, wrong)
        name = "AGR-53, AGR-54: a kernel takes the four associations and has them, from %s" % ue
        if "Requested type not found" in done.err:
            cases.skip(name, "this kernel has no ESP (CONFIG_INET_ESP); what ip says to it is checked below")
        else:
            cases.case(name, missing_associations(states, ue, pcscf))


def where_they_go(cases, world):
    wrong = []
    to_file, to_screen = world.agree("alg=aes-gmac"), world.agree("alg=aes-gmac", output=False)
    if not to_file.out.startswith(b"ip xfrm state add ") or b"SIP/2.0" in to_file.out or "xfrm" in to_file.err:
        wrong.append("with -o: %r" % to_file)
    if b"xfrm" in to_screen.out or not to_screen.out.startswith(b"REGISTER ") or to_screen.err.count("ip xfrm ") != 12:
        wrong.append("without -o: %r" % to_screen)
    for name in ("ue", "next.sip"):
        octets = world.lab.path(name).read_bytes()
        wrong += ["%s holds a key" % name for key in (IK, CK) if key.encode() in octets or bytes.fromhex(key) in octets]
    cases.case("the commands go to standard output where -o has the request, else to standard error; no key goes anywhere else", wrong)
    named = world.agree("alg=aes-gmac", ue="ue.example", pcscf="pcscf.example")
    given = world.agree("alg=aes-gmac", "--local", A, "--remote", B, ue="ue.example", pcscf="pcscf.example")
    wrong = [] if named.out.count(b'"$UE"') == 20 and b"${PCSCF:?" in named.out else ["names: %r" % named.out]
    wrong += [] if given.out == world.agree("alg=aes-gmac").out else ["given: %r" % given.out]
    unset = execute(["sh", "-n"], stdin=named.out)
    cases.case("addresses that the messages do not say are left to the shell, or given", wrong + ([repr(unset)] if unset.code else []))


def something_else_was_chosen(cases, world):
    result = world.agree("alg=aes-gmac", before="tls, ", server=PCSCF + ", tls;q=0.5")
    cases.case("TLS was chosen: no commands, and it is said", [] if result.code == ANSWER and not result.out and "tls" in result.err else repr(result))
    result = world.agree("alg=aes-gmac", "--local", "ue.example")
    cases.case("--local takes an address, not a name", complaints_about(result, "agree choose", USAGE, "no IP address", "ue.example"))


def an_offer_of_everything(cases, world):
    """AGR-51: `ipsec-3gpp` alone is every good pair, under SPIs that another offer does not have."""
    seen, wrong = set(), []
    for _ in range(2):
        state = world.lab.path("everything")
        state.unlink(missing_ok=True)
        offered = sipveil("agree", "offer", "--profile", "3gpp", "--list", "ipsec-3gpp", "--state", state,
                          stdin=(REGISTER % (A, B, A)).encode())
        entries = re.search(rb"Security-Client: (.*)\r\n", offered.out).group(1).decode().split(", ")
        ends = {re.sub(r"^ipsec-3gpp;alg=[\w-]+;ealg=[\w-]+;", "", entry) for entry in entries}
        wrong += [] if len(entries) == 4 and len(ends) == 1 else ["%r" % entries]
        wrong += ["withdrawn algorithms: %s" % entry for entry in entries if "md5" in entry or "des" in entry]
        seen |= ends
    cases.case("AGR-51: ipsec-3gpp alone offers every good pair, with SPIs of chance", wrong + ([] if len(seen) == 2 else ["the same SPIs"]))


def what_is_refused(cases, world):
    reflected = world.agree("alg=aes-gmac", server=UE)
    cases.case("AGR-53: the server's SPIs are ours: refused", complaints_about(reflected, "agree choose", POLICY, "reflection"))
    world.keys.chmod(0o644)
    opened = world.agree("alg=aes-gmac")
    world.keys.chmod(0o600)
    cases.case("a key file that others can read: refused", complaints_about(opened, "agree choose", USAGE, "ims"))
    world.lab.write("ims", b"IK\t%s\nCK\t00\n" % IK.encode(), 0o600)
    broken = world.agree("alg=aes-gmac")
    cases.case("a broken key file: refused, and no digit of it is told",
               complaints_about(broken, "agree choose", USAGE, "32 hexadecimal digits") + ["told"] * (IK[:8] in broken.err))


def main():
    cases, world = Cases(), World()
    if not have("openssl"):
        cases.skip("ip xfrm", "openssl, which computes the salts once more, is not installed")
        cases.leave()
    prefix = namespace()
    if prefix is None:
        cases.skip("what ip says, and what the kernel has", "no ip (Debian: iproute2, netbase), or no network namespace may be made here")
    else:
        what_the_kernel_has(cases, world, prefix)
        if have("strace") and execute(["strace", "-o", "/dev/null", "true"]).code == 0:
            what_iproute2_makes_of_them(cases, world, prefix)
        else:
            cases.skip("what ip says to the kernel", "strace is not installed, or may not trace here")
    where_they_go(cases, world)
    something_else_was_chosen(cases, world)
    an_offer_of_everything(cases, world)
    what_is_refused(cases, world)
    cases.leave()


if __name__ == "__main__":
    main()
