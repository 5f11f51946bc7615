"""Security agreement as whole flows: a client and a server as processes of their own, SIP over UDP, TCP and TLS of the
loopback, every word of the agreement written and read by the program; SIPp at one end, then at the other; and the
registration of IMS."""
import hashlib
import json
import os
import re
import socket
import subprocess
import sys

import agree_client
from lab import ANSWER, OK, POLICY, PROGRAM, SOURCE, Cases, Lab, execute, have, sipveil

HERE = SOURCE / "tests" / "cli"
OURS, THEIRS = "tls, digest;d-alg=MD5;d-qop=auth", "tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth"
DIGEST = "digest;d-alg=MD5;d-qop=auth"
USER, REALM, PASSWORD = "alice", "home.example", "s3cret"
PATIENCE = 30


def field(message, name):
    match = re.search(r"(?im)^%s[ \t]*:[ \t]*(.*?)\r?$" % name, message.partition("\r\n\r\n")[0])
    return match.group(1) if match else None


def start(message):
    return message.split("\r\n")[0]


class Server:
    """A process of agree_server.py, and what it told when it has left."""

    def __init__(self, transport, certificate, *options):
        self.process = subprocess.Popen([sys.executable, HERE / "agree_server.py", PROGRAM, transport, certificate, *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.ports = json.loads(self.process.stdout.readline())

    def leave(self):
        try:
            out, err = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            err += "\nthe server had to be stopped"
        if self.process.returncode:
            raise RuntimeError(err)
        return [json.loads(line) for line in out.splitlines()]


class World:
    def __init__(self):
        self.lab = Lab()
        self.anchor = self.lab.authority()
        self.certificate = self.lab.identity("p1.home.example")
        self.credentials = self.lab.write("credentials", ("%s\t%s\t%s\n" % (REALM, USER, PASSWORD)).encode(), 0o600)
        self.flows = 0

    def folder(self):
        self.flows += 1
        path = self.lab.path("flow-%d" % self.flows)
        path.mkdir()
        return path

    def check(self, folder, theirs=THEIRS):
        return ("--list", theirs, "--realm", REALM, "--credentials", self.credentials, "--state", folder / "p1")

    def client(self, transport, ports, folder, ours, *more):
        """What agree_client.py told: (calls of the program, messages that went out and came in)."""
        done = execute([sys.executable, HERE / "agree_client.py", PROGRAM, transport, ports["port"], ports.get("tls") or "-",
                        self.anchor, folder, self.credentials, ours, *more], timeout=PATIENCE)
        if done.code:
            raise RuntimeError(done.err)
        rows = [json.loads(line) for line in done.out.decode().splitlines()]
        return [row for row in rows if "verb" in row], [row for row in rows if "sent" in row]


def expect(found, wanted, what):
    return [] if found == wanted else ["%s: %s instead of %s" % (what, found, wanted)]


def call(cases, world, name, transport, ours, mechanism, certificate="-"):
    """INVITE, 494, INVITE, 200, ACK, BYE, 200, all of it seen at both ends."""
    folder = world.folder()
    server = Server(transport, certificate, *world.check(folder))
    calls, exchanges = world.client(transport, server.ports, folder, ours, "--policy", "must")
    seen = server.leave()
    wrong = expect([start(e["got"]).split(" ")[1] for e in exchanges], ["494", "200", "200"], "answers")
    wrong += expect([s["method"] for s in seen], ["INVITE", "ACK", "INVITE", "ACK", "BYE"], "arrived")
    wrong += expect([s["exit"] for s in seen], [ANSWER, OK, OK, OK, OK], "verdicts")
    over = transport if mechanism == "digest" else "tls"
    wrong += expect([s["over"] for s in seen], [transport, transport, over, over, over], "over")
    wrong += expect([c["state"] for c in calls if c["verb"] == "choose"], ["starting" if over == "tls" else "confirming", "active"],
                    "states")
    wrong += expect({c["mechanism"] for c in calls if c["verb"] == "choose"}, {mechanism}, "mechanism")
    for sent in (exchanges[1]["sent"], exchanges[2]["sent"]):
        verify = re.sub(r';d-ver="[0-9a-f]{32}"', "", field(sent, "Security-Verify") or "none")
        wrong += expect(verify, THEIRS, "mirrored list")
    went_on = [s["out"] for s in seen if s["method"] in ("INVITE", "BYE") and s["exit"] == OK]
    wrong += ["goes on with %s" % word for out in went_on for word in ("sec-agree", "Security-") if word in out]
    cases.case(name, wrong)


def refused(cases, world):
    """A next hop whose only mechanism we do not know, and one that knows nothing: with policy must nothing more is sent."""
    folder = world.folder()
    server = Server("udp", "-", "--list", "tls;q=0.1", "--state", folder / "p1")
    calls, exchanges = world.client("udp", server.ports, folder, DIGEST, "--policy", "must")
    wrong = expect((calls[-1]["exit"], calls[-1]["failure"]), (POLICY, "E_NO_COMMON"), "no common mechanism")
    wrong += expect(len(exchanges), 1, "requests")
    server.process.kill()
    server.process.communicate()
    folder = world.folder()
    server = Server("udp", "-", "--list", THEIRS, "--policy", "off", "--state", folder / "p1")
    calls, exchanges = world.client("udp", server.ports, folder, DIGEST, "--policy", "must")
    wrong += expect(start(exchanges[0]["got"]), "SIP/2.0 420 Bad Extension", "policy off")
    wrong += expect((calls[-1]["exit"], calls[-1]["failure"]), (POLICY, "E_NOT_OFFERED"), "not offered")
    server.process.kill()
    server.process.communicate()
    cases.case("no common mechanism, no agreement at all: nothing more is sent", wrong)


def wrong_name(cases, world):
    """T-10: TLS comes up with a good certificate of another host: that is no TLS, and Digest is not tried instead."""
    folder = world.folder()
    server = Server("tcp", world.lab.identity("other.example"), *world.check(folder))
    calls, exchanges = world.client("tcp", server.ports, folder, OURS, "--policy", "must")
    seen = server.leave()
    wrong = expect((calls[-1]["verb"], calls[-1]["state"], calls[-1]["failure"]), ("event", "failed", "E_MECH"), "the last event")
    wrong += expect(len(exchanges), 1, "requests") + expect([s["method"] for s in seen], ["INVITE", "ACK"], "arrived")
    cases.case("AGR-41: a certificate of another host, and nothing weaker is tried", wrong)


def editor(cases, world):
    """ADV-009: a person's editor wrote the request."""
    folder = world.folder()
    request = agree_client.REQUEST.format(method="OPTIONS", hop="home.example", transport="UDP", branch="e1", cseq=1, tag="")
    offered = sipveil("agree", "offer", "--list", DIGEST, "--state", folder / "ua", stdin=request.replace("\r\n", "\n").encode())
    mended = sipveil("agree", "offer", "--list", DIGEST, "--state", folder / "ua2", stdin=request.encode())
    wrong = expect((offered.code, mended.code, offered.out), (OK, OK, mended.out), "offer") + expect(mended.err, "", "said")
    cases.case("a request in bare LF is sent in CRLF, with a warning", wrong + ([] if "bare LF" in offered.err else [offered.err]))


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def sipp(folder, scenario, *arguments):
    return ["sipp", "-sf", HERE / scenario, "-i", "127.0.0.1", "-m", "1", "-nostdin", "-trace_msg", "-message_file", folder / "messages",
            "-trace_err", "-error_file", folder / "errors", "-timeout", "15", "-timeout_error", *arguments]


def told(folder):
    return "".join((folder / name).read_text(errors="replace") for name in ("errors",) if (folder / name).exists())


def sipp_client(cases, world):
    """SIPp sends, `agree offer` and `agree choose` write."""
    folder, port = world.folder(), free_port()
    server = Server("udp", "-", *world.check(folder))
    message = agree_client.REQUEST.format(method="MESSAGE", hop="home.example", transport="UDP", branch="sipp1", cseq=1,
                                          tag="").replace("ua.home.example;branch", "127.0.0.1:%d;branch" % port)
    offered = sipveil("agree", "offer", "--list", DIGEST, "--policy", "must", "--state", folder / "ua", stdin=message.encode())
    (folder / "offer").write_bytes(offered.out.partition(b"\r\n")[2][:-4])
    (folder / "choose").write_text("printf '%%s' \"$1\" > answer\n'%s' agree choose --state ua --credentials '%s' -o next answer\n"
                                   "echo $? > code\ntail -n +2 next | head -c -4 > follow-up\n" % (PROGRAM, world.credentials))
    os.mkfifo(folder / "follow-up")
    done = execute(sipp(folder, "agree_sipp_client.xml", "-p", port, "-cid_str", "flow@ua.home.example",
                        "127.0.0.1:%d" % server.ports["port"]), cwd=folder, timeout=PATIENCE)
    wrong = [] if done.code == 0 else ["SIPp: %r %s" % (done, told(folder))]
    wrong += expect((folder / "code").read_text().strip() if (folder / "code").exists() else None, str(ANSWER), "agree choose")
    answer = sipveil("agree", "choose", "--state", folder / "ua", stdin=last_response(folder))
    wrong += expect(answer.code, OK, "agree choose of the 200")
    server.process.kill()
    seen = [json.loads(line) for line in server.process.communicate()[0].splitlines()]
    wrong += expect([(s["method"], s["exit"]) for s in seen], [("MESSAGE", ANSWER), ("MESSAGE", OK)], "arrived")
    cases.case("SIPp as the client: what it sends is written by offer and choose", wrong)


def messages_of(folder):
    """(message, whether it was sent) of a log of SIPp."""
    text = (folder / "messages").read_bytes().replace(b"\r\n", b"\n")
    parts = re.split(rb"(?m)^-{10,}.*\n", text)
    return [(part.partition(b"\n\n")[2].rstrip(b"\n").replace(b"\n", b"\r\n") + b"\r\n\r\n", b"message sent" in part)
            for part in parts if b"message " in part]


def last_response(folder):
    received = [message for message, sent in messages_of(folder) if not sent]
    return received[-1] if received else b""


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def sipp_server(cases, world):
    """SIPp answers; what it cannot compute is computed here once more, from what arrived at SIPp."""
    folder, port = world.folder(), free_port()
    peer = subprocess.Popen([str(word) for word in sipp(folder, "agree_sipp_server.xml", "-p", port)], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    wait_for(port)
    calls, exchanges = world.client("udp", {"port": port}, folder, OURS, "--policy", "must")
    wrong = expect(peer.wait(timeout=PATIENCE), 0, "SIPp") + ([told(folder)] if told(folder) else [])
    wrong += expect([start(e["got"]).split(" ")[1] for e in exchanges], ["494", "200", "200"], "answers")
    wrong += expect(calls[-1]["state"], "active", "state")
    received = [message.decode() for message, sent in messages_of(folder) if not sent]
    listed = "Security-Server: ipsec-ike;q=0.3 , digest;d-qop=auth;q=0.2;d-alg=MD5"  # white space as AGR-35 says
    counts = []
    for method in ("INVITE", "BYE"):
        message = [text for text in received if text.startswith(method) and "Security-Verify" in text][-1]
        said = dict(re.findall(r'([\w-]+)="?([^",]*)"?', field(message, "Proxy-Authorization")))
        ha1 = md5("%s:%s:%s" % (USER, REALM, PASSWORD))
        tail = "%s:%s:%s:auth:" % (said["nonce"], said["nc"], said["cnonce"])
        ha2 = "%s:%s" % (method, said["uri"])
        wrong += expect(said["response"], md5("%s:%s%s" % (ha1, tail, md5(ha2))), method + " response")
        wrong += expect(re.search(r'd-ver="(\w+)"', message).group(1), md5("%s:%s%s" % (ha1, tail, md5(ha2 + ":" + listed))),
                        method + " d-ver (AGR-33, AGR-35)")
        counts.append(said["nc"])
    wrong += expect(counts, ["00000001", "00000002"], "nonce counts")
    cases.case("SIPp as the server: d-ver and response by hashlib, from what arrived there", wrong)


def wait_for(port):
    """Until somebody has the port: /proc is looked at, nothing is sent."""
    row = "0100007F:%04X" % port
    for _ in range(200):
        with open("/proc/net/udp", encoding="ascii") as table:
            if row in table.read():
                return
        subprocess.run(["sleep", "0.02"], check=False)
    raise RuntimeError("nobody listens on port %d" % port)


def main():
    cases, world = Cases(), World()
    call(cases, world, "UDP, digest", "udp", DIGEST, "digest")
    call(cases, world, "TCP, digest", "tcp", DIGEST, "digest")
    call(cases, world, "AGR-41: TCP, then TLS with the certificate and the name checked", "tcp", OURS, "tls", world.certificate)
    wrong_name(cases, world)
    editor(cases, world)
    refused(cases, world)
    if have("sipp"):
        sipp_client(cases, world)
        sipp_server(cases, world)
    else:
        cases.skip("SIPp at one end, then at the other", "SIPp (Debian: sip-tester) is not installed")
    cases.leave()


if __name__ == "__main__":
    main()
