"""A user agent on the loopback, as a process: it calls its next hop, agrees on a mechanism by `sipveil agree`, brings
it up, and hangs up. One JSON line for each message. Its messages say nothing of security agreement: the program adds all
of that.

    agree_client.py PROGRAM udp|tcp PORT TLS-PORT|- ANCHOR FOLDER CREDENTIALS LIST [OPTIONS-OF-OFFER...]
"""
import json
import pathlib
import subprocess
import sys

import sip_wire

HOP = "p1.home.example"
REQUEST = """{method} sip:bob@{hop} SIP/2.0\r
Via: SIP/2.0/{transport} ua.home.example;branch=z9hG4bK{branch}\r
Max-Forwards: 70\r
From: <sip:alice@home.example>;tag=a1\r
To: <sip:bob@home.example>{tag}\r
Call-ID: flow@ua.home.example\r
CSeq: {cseq} {method}\r
Contact: <sip:alice@ua.home.example>\r
Content-Length: 0\r
\r
"""


class Agent:
    def __init__(self, program, transport, port, tls, anchor, folder, credentials):
        self.program, self.transport, self.tls, self.anchor = program, transport, tls, anchor
        self.state, self.report = pathlib.Path(folder) / "ua", pathlib.Path(folder) / "ua.json"
        self.credentials = ("--credentials", credentials) if credentials != "-" else ()
        self.wire, self.over = sip_wire.connect(transport, int(port)), "none"

    def agree(self, verb, *options, stdin=b""):
        """Exit code and output of one call; what it reports is printed."""
        done = subprocess.run([self.program, "agree", verb, "--state", self.state, "--report", self.report, *options],
                              input=stdin, capture_output=True, timeout=sip_wire.PATIENCE, check=False)
        report = json.loads(self.report.read_text()) if self.report.exists() else {}
        print(json.dumps({"verb": verb, "exit": done.returncode, "said": done.stderr.decode("utf-8", "replace"),
                          "state": report.get("state"), "failure": report.get("failure"), "mechanism": report.get("mechanism")}),
              flush=True)
        self.mechanism = report.get("mechanism")
        return done.returncode, done.stdout

    def exchange(self, octets):
        self.wire.send(octets)
        answer = self.wire.receive()
        print(json.dumps({"sent": octets.decode("latin-1"), "got": answer.decode("latin-1")}), flush=True)
        return answer

    def request(self, method, cseq, tag=""):
        return REQUEST.format(method=method, hop=HOP, transport=self.transport.upper(), branch="%s%d" % (method.lower(), cseq),
                              cseq=cseq, tag=tag).encode()

    def acknowledge(self, request):
        """ACK of a final response that is no 2xx: hop by hop, nothing of the agreement in it (RFC 3261 17.1.1.3)."""
        rows = [row for row in request.split(b"\r\n")[1:] if row.split(b":")[0] in
                (b"Via", b"Max-Forwards", b"From", b"To", b"Call-ID", b"CSeq")]
        head = b"\r\n".join([b"ACK" + request.split(b"\r\n")[0][6:], *rows]).replace(b" INVITE", b" ACK")
        self.wire.send(head + b"\r\nContent-Length: 0\r\n\r\n")

    def bring_up(self):
        """False: it did not come up, and so the machine is told (AGR-41)."""
        if self.mechanism == "tls":
            self.wire.close()
            try:
                self.wire, self.over = sip_wire.connect("tls", int(self.tls), self.anchor, HOP), "tls"
            except OSError:
                self.agree("event", "down")
                return False
            self.agree("event", "up")
        return True

    def call(self, method, *offer):
        """Until it is confirmed or refused; the answer."""
        code, sent = self.agree("offer", *offer, stdin=self.request(method, 1))
        while code in (0, 10) and sent:
            answer = self.exchange(sent)
            if method == "INVITE" and b" 200 " not in answer.split(b"\r\n")[0]:
                self.acknowledge(sent)
            code, following = self.agree("choose", *self.credentials, "--received-over", self.over, stdin=answer)
            if code == 10 and not self.bring_up():
                break
            sent = following
        return answer

    def protected(self, method, cseq, tag):
        return self.agree("protect", *self.credentials, stdin=self.request(method, cseq, tag))[1]


def main():
    program, transport, port, tls, anchor, folder, credentials, own, *more = sys.argv[1:]
    agent = Agent(program, transport, port, tls, anchor, folder, credentials)
    answer = agent.call("INVITE", "--list", own, *more)
    if b" 200 " in answer.split(b"\r\n")[0]:
        agent.wire.send(agent.protected("ACK", 2, ";tag=p1"))
        agent.exchange(agent.protected("BYE", 3, ";tag=p1"))


if __name__ == "__main__":
    main()
