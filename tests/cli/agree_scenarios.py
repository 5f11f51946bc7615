"""Bidding down, seen and not seen: a UA, its next hop P1, and M between them, who reads and alters what he likes.
scripts/scenario draws the runs, a test runs them.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import tempfile
import threading

import sip_wire
from e2m_scenarios import MARKER, body, field, head, is_code, message, sdp, sipveil

OK, POLICY, ANSWER = 0, 9, 10
OURS = "tls, digest;d-alg=MD5;d-qop=auth"
THEIRS = "tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth"
SHORT = b"digest;q=0.1;d-alg=MD5;d-qop=auth"
REALM, USER, PASSWORD = "home.example", "alice", "s3cret"
RESPONSES = {200: b"OK", 403: b"Forbidden"}


def request(method, cseq, *rows, octets=b""):
    return message(b"%s sip:p1.home.example SIP/2.0" % method, [
        b"Via: SIP/2.0/UDP ua.home.example;branch=z9hG4bKua%d" % cseq, b"Max-Forwards: 70",
        b"From: <sip:alice@home.example>;tag=a1", b"To: <sip:p1.home.example>", b"Call-ID: c1@ua.home.example",
        b"CSeq: %d %s" % (cseq, method), b"Contact: <sip:alice@ua.home.example>", *rows], octets)


def response(octets, status, *rows):
    """What a server answers that knows nothing of security agreement."""
    kept = [row for row in head(octets).split(b"\r\n")[1:] if row.split(b":")[0] in (b"Via", b"From", b"Call-ID", b"CSeq")]
    return message(b"SIP/2.0 %d %s" % (status, RESPONSES[status]), [*kept, b"To: " + field(octets, b"To") + b";tag=p1", *rows])


def with_value(octets, name, value):
    return re.sub(rb"(?im)^(%s:)[^\r\n]*" % name, rb"\1 " + value, head(octets)) + b"\r\n\r\n" + body(octets)


class Node:
    """A column of the ladder, and every octet that it saw."""

    def __init__(self, host):
        self.host, self.aor, self.seen = host, None, []


class Run:
    """A scenario in progress: its nodes, what was sent, what was expected."""
    column = (46, 330)  # of the ladder: characters, and units of the picture
    legend = ("reads the offer", "")

    def __init__(self, title):
        self.title, self.names = title, ("UA", "M", "P1")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sipveil-scenario-"))
        self.nodes = {"UA": Node("ua.home.example"), "M": Node("on the way"), "P1": Node("p1.home.example")}
        self.sent, self.cases, self.step = [], [], 0
        credentials = self.folder / "credentials"
        credentials.write_text("%s\t%s\t%s\n" % (REALM, USER, PASSWORD))
        credentials.chmod(0o600)
        self.credentials = credentials

    def __getitem__(self, name):
        return self.nodes[name]

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def case(self, name, *complaints):
        self.cases.append((name, [complaint for complaint in complaints if complaint]))

    def hop(self, source, target, octets, what):
        self.nodes[source].seen.append(octets)
        self.nodes[target].seen.append(octets)
        reads = [name for name in self.names if any(MARKER in seen for seen in self.nodes[name].seen)] if body(octets) else None
        self.sent.append((str(self.step), source, target, what, reads))

    def carry(self, source, target, octets, tell, alter=lambda octets: octets):
        """Over M; each hop is drawn with what it says."""
        self.step += 1
        changed = alter(octets)
        self.hop(source, "M", octets, tell(octets))
        self.hop("M", target, changed, tell(changed) + (" (!)" if changed != octets else ""))
        return changed

    def agree(self, verb, *options, stdin=b""):
        """One call of the program, and what it reports."""
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        result = sipveil("agree", verb, *options, "--report", report, stdin=stdin)
        result.report = json.loads(report.read_text()) if report.exists() else {}
        return result

    def offer(self, octets):
        return self.agree("offer", "--list", OURS, "--policy", "must", "--state", self.folder / "ua", stdin=octets)

    def choose(self, octets):
        return self.agree("choose", "--state", self.folder / "ua", "--credentials", self.credentials, stdin=octets)

    def check(self, octets, *options):
        return self.agree("check", "--list", THEIRS, "--realm", REALM, "--credentials", self.credentials,
                          "--state", self.folder / "p1", *options, stdin=octets)

    def protect(self, octets):
        return self.agree("protect", "--state", self.folder / "ua", "--credentials", self.credentials, stdin=octets)

    def has_leaked(self):
        return "M has seen the offer" if any(MARKER in octets for octets in self["M"].seen) else ""


class Tls:
    """A TLS connection from UA to P1 over M, who passes every octet on and keeps it."""

    def __init__(self, run):
        self.run, self.passed = run, b""
        for arguments in (("ca", "--name", "Lab", "-o", run.folder / "ca"),
                          ("cert", "--ca", run.folder / "ca", "--host", "p1.home.example", "-o", run.folder / "p1.pem")):
            if sipveil("keygen", *arguments).code:
                raise RuntimeError("keygen " + arguments[0])
        self.p1, self.m = sip_wire.listen("tcp"), sip_wire.listen("tcp")
        for work in (self.answer, self.relay):
            threading.Thread(target=work, daemon=True).start()
        self.wire = sip_wire.connect("tls", self.m.getsockname()[1], run.folder / "ca" / "ca.pem", "p1.home.example")

    def answer(self):
        wire = sip_wire.accept(self.p1, self.run.folder / "p1.pem")
        while True:
            octets = wire.receive()
            if octets is None:
                return
            checked = self.run.check(octets, "--protected-by", "tls")
            wire.send(checked.out if checked.code == ANSWER else response(octets, 200 if checked.code == 0 else 403))

    def relay(self):
        ua, _ = self.m.accept()
        p1 = socket.create_connection(self.p1.getsockname())
        ends = {ua: p1, p1: ua}
        while True:
            for end in sip_wire.ready(ends) or [None]:
                octets = end.recv(65535) if end else b""
                if not octets:
                    return
                self.passed += octets
                ends[end].sendall(octets)

    def exchange(self, octets):
        """A request and its answer; what M has of them is what he passed on."""
        run = self.run
        run.step += 1
        self.wire.send(octets)
        answer = self.wire.receive()
        run["M"].seen.append(self.passed)
        for source, target, what in (("UA", "P1", octets), ("P1", "UA", answer)):
            run[source].seen.append(what)
            run[target].seen.append(what)
            reads = [name for name in run.names if any(MARKER in seen for seen in run[name].seen)] if body(what) else None
            run.sent.append((str(run.step), source, target, "in TLS: " + tell(what), reads))
        return answer

    def close(self):
        for end in (self.wire, self.p1, self.m):
            end.close()


def tell(octets):
    """A message in a few words: what it offers, lists, or mirrors."""
    start = head(octets).split(b"\r\n")[0].split(b" ")
    words = [(start[1] if start[0] == b"SIP/2.0" else start[0]).decode()]
    for name, label in ((b"Security-Client", "offers"), (b"Security-Server", "lists"), (b"Security-Verify", "mirrors")):
        value = field(octets, name)
        if value and not (label == "offers" and field(octets, b"Security-Verify")):
            words.append("%s %s" % (label, ", ".join(entry.strip().split(b";")[0].decode() for entry in value.split(b","))))
    if field(octets, b"Proxy-Authorization"):
        words.append("by digest")
    return ", ".join(words).replace(", ", " ", 1)


def without_tls(octets):
    """M's one trick: of the list that a message has, only digest is left."""
    return with_value(octets, b"Security-Server", SHORT) if field(octets, b"Security-Server") else octets


def is_state(result, state, failure=None):
    found = result.report.get("state"), result.report.get("failure")
    return "" if found == (state, failure) else "state %s, failure %s: %r" % (*found, result)


def agree_on_short_list(run, alter_request=lambda octets: octets):
    """What M's trick leads to: UA asks, is told the short list, asks again under it; P1's answer to that."""
    first = run.offer(request(b"OPTIONS", 1))
    run.case("UA offers TLS and Digest", is_code(first, OK), is_state(first, "offered"))
    refused = run.check(run.carry("UA", "P1", first.out, tell))
    run.case("P1 wants an agreement and sends its list", is_code(refused, ANSWER),
             "" if field(refused.out, b"Security-Server") == THEIRS.encode() else "another list: %r" % refused.out)
    second = run.choose(run.carry("P1", "UA", refused.out, tell, without_tls))
    run.case("UA sees Digest alone, and takes it", is_code(second, ANSWER), is_state(second, "confirming"))
    again = run.check(run.carry("UA", "P1", second.out, tell, alter_request))
    run.case("P1 sees that its list arrived changed, and refuses", is_code(again, ANSWER),
             "" if again.report.get("status") == 494 else "status %s" % again.report.get("status"))
    return again


def stopped(run, result, failure):
    """UA has given up: nothing is sent, and nothing can be."""
    later = run.protect(request(b"INVITE", 9, octets=sdp(b"alice")))
    run.case("UA stops: " + failure, is_code(result, POLICY, failure), is_state(result, "failed", failure))
    run.case("no INVITE leaves UA after that", "" if later.code != 0 and not later.out else "%r" % later, run.has_leaked())


def call_by_tls(run, told):
    """The true list came: UA says so to its user, brings TLS up, and makes its call there."""
    third = run.choose(told)
    run.case("UA sees that it was shown another list, and takes TLS", is_code(third, ANSWER, "somebody changed it"),
             is_state(third, "starting"), "" if third.report.get("mechanism") == "tls" else "mechanism %s" % third.report.get("mechanism"))
    tls = Tls(run)
    up = run.agree("event", "--state", run.folder / "ua", "up")
    run.case("TLS is up, P1 has proved its name", is_state(up, "confirming"))
    confirmed = run.agree("choose", "--state", run.folder / "ua", "--received-over", "tls", stdin=tls.exchange(third.out))
    run.case("they agree on TLS", is_state(confirmed, "active"))
    invite = run.protect(request(b"INVITE", 9, octets=sdp(b"alice")))
    answer = tls.exchange(invite.out)
    run.case("the call is made, M has passed it on, and read nothing", is_code(invite, OK), run.has_leaked(),
             "" if b" 200 " in head(answer).split(b"\r\n")[0] else "%r" % answer, "" if len(tls.passed) > 2000 else "M was not asked")
    tls.close()


def seen():
    """M takes TLS out of the list once (T-01)."""
    run = Run("M takes TLS out of the list, and is found out")
    again = agree_on_short_list(run)
    call_by_tls(run, run.carry("P1", "UA", again.out, tell))
    run.outcome = "UA: the list that made me choose digest was not the server's own. The call goes over TLS."
    return run


def persistent():
    """M takes TLS out of every list: then what UA mirrors is refused though it is all that it was ever shown."""
    run = Run("M takes TLS out of every list")
    again = agree_on_short_list(run)
    stopped(run, run.choose(run.carry("P1", "UA", again.out, tell, without_tls)), "E_TAMPERED")
    return run


def repaired():
    """M also puts the true list into what UA mirrors: d-ver covers the list that UA saw (T-04)."""
    def repair(octets):
        return with_value(octets, b"Security-Verify", field(octets, b"Security-Verify").replace(SHORT, THEIRS.encode()))
    run = Run("M takes TLS out of the list and repairs what UA mirrors")
    again = agree_on_short_list(run, repair)
    call_by_tls(run, run.carry("P1", "UA", again.out, tell))
    return run


def broken():
    """M keeps TLS from coming up: nothing else of the list is tried (T-10)."""
    run = Run("M breaks every TLS handshake")
    first = run.offer(request(b"OPTIONS", 1))
    refused = run.check(run.carry("UA", "P1", first.out, tell))
    second = run.choose(run.carry("P1", "UA", refused.out, tell))
    run.case("UA takes TLS", is_code(second, ANSWER), is_state(second, "starting"))
    stopped(run, run.agree("event", "--state", run.folder / "ua", "down"), "E_MECH")
    return run


def naive_credentials(octets, nonce):
    """Digest as a user agent without security agreement answers it (RFC 2617, no qop)."""
    method = head(octets).split(b" ")[0].decode()
    h = lambda text: hashlib.md5(text.encode()).hexdigest()
    answer = h("%s:%s:%s" % (h("%s:%s:%s" % (USER, REALM, PASSWORD)), nonce, h("%s:sip:p1.home.example" % method)))
    return ('Proxy-Authorization: Digest username="%s", realm="%s", nonce="%s", uri="sip:p1.home.example", response="%s"'
            % (USER, REALM, nonce, answer)).encode()


def not_seen():
    """The same on two that tell each other their lists and mirror nothing."""
    run = Run("The same with two that mirror nothing, and nobody sees it")
    nonce = "84f1c1ae6cbe5a19c8e88dfa3ecb3459"
    asked = run.carry("UA", "P1", request(b"OPTIONS", 1, b"Security-Client: " + OURS.encode()), tell)
    told = run.carry("P1", "UA", response(asked, 200, b"Security-Server: " + THEIRS.encode()), tell, without_tls)
    best = field(told, b"Security-Server").split(b";")[0]
    run.case("UA takes the best that it was told of: Digest", "" if best == b"digest" else "%r" % best)
    call = request(b"INVITE", 2, octets=sdp(b"alice"))
    call = request(b"INVITE", 2, naive_credentials(call, nonce), octets=sdp(b"alice"))
    arrived = run.carry("UA", "P1", call, tell)
    good = naive_credentials(arrived, nonce).split(b": ", 1)[1] == field(arrived, b"Proxy-Authorization")
    run.case("P1 finds the credentials right, and Digest on its own list", "" if good and b"digest" in THEIRS.encode() else "wrong")
    answered = run.carry("P1", "UA", response(arrived, 200 if good else 403), tell)
    run.case("the call is made", "" if b" 200 " in answered else "%r" % answered)
    run.case("M has read the offer", "" if any(MARKER in octets for octets in run["M"].seen) else "M saw nothing")
    run.outcome = "Both have TLS, neither knows that the other has it; M reads every call."
    return run


SCENARIOS = {"agree-1": seen, "agree-2": not_seen, "agree-3": persistent, "agree-4": repaired, "agree-5": broken}
DRAWN = ("agree-1", "agree-2")  # in docs/pictures
