"""A call through a real proxy: SIPp calls SIPp, `sipveil trust apply` stands at the border as a script that a proxy runs, and
Kamailio is the next hop, trusted or not. What Kamailio received is read from Kamailio itself, octet by octet.

SIPp (UAC) -> border (this script and the verb) -> Kamailio -> SIPp (UAS), all on loopback, on free ports.
"""
import base64
import collections
import re
import socket
import subprocess
import threading
import time

from lab import ANSWER, OK, Cases, Lab, have, sipveil, split

lab = Lab()
SECONDS = 20
USER, NUMBER = b"alice.secret@home.example", b"15557654321"
TABLE = b"""[trust-domain]
no_privacy = remove
[partner home]
domains = home.example
protection = ipsec
trust_in = yes
trust_out = yes
[partner biloxi]
domains = biloxi.example
protection = ipsec
trust_in = yes
trust_out = yes
"""
KAMAILIO = """#!KAMAILIO
debug=1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:127.0.0.1:%(kamailio)d
loadmodule "pv.so"
loadmodule "xlog.so"
route {
    xlog("L_ERR", "<<RECEIVED$mb>>RECEIVED\\n");
    $du = "sip:127.0.0.1:%(uas)d";
    forward();
}
"""
ROW = "      %s\n"
UAC = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="caller">
  <send retrans="500"><![CDATA[
%(invite)s
  ]]></send>
  <recv response="100" optional="true"></recv>
  <recv response="180" optional="true"></recv>
  <recv response="%(status)s"></recv>
%(rest)s
</scenario>
"""
REST = """  <send><![CDATA[
%(ack)s
  ]]></send>
  <pause milliseconds="50"/>
  <send retrans="500"><![CDATA[
%(bye)s
  ]]></send>
  <recv response="200"></recv>"""
UAS = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="callee">
  <recv request="INVITE"></recv>
  <send retrans="500"><![CDATA[
%(ok)s
  ]]></send>
  <recv request="ACK"></recv>
  <recv request="BYE"></recv>
  <send><![CDATA[
%(bye)s
  ]]></send>
</scenario>
"""
FORGED = "P-Asserted-Identity: <sip:forged@evil.example>"


def request(method, number, *rows):
    return "\n".join(ROW.rstrip("\n") % row for row in [
        method + " sip:bob@biloxi.example SIP/2.0", "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]", "Max-Forwards: 70",
        "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=[call_number]", "To: <sip:bob@biloxi.example>" + ("[peer_tag_param]" if number > 1 or method == "ACK" else ""),
        "Call-ID: [call_id]", "CSeq: %d %s" % (number, method), "Contact: <sip:[local_ip]:[local_port]>", *rows, "Content-Length: 0", ""]) + "\n"


def response(tag, *rows):
    return "\n".join(ROW.rstrip("\n") % row for row in [
        "SIP/2.0 200 OK", "[last_Via:]", "[last_From:]", "[last_To:]" + tag, "[last_Call-ID:]", "[last_CSeq:]",
        "Contact: <sip:[local_ip]:[local_port]>", *rows, "Content-Length: 0", ""]) + "\n"


def identity_rows(privacy):
    """What our own network says of the caller, in every field that could."""
    claims = b'{"iat":1,"orig":{"uri":"sip:' + USER + b'"}}'
    passport = "eyJ0eXAiOiJwYXNzcG9ydCJ9.%s.c2ln" % base64.urlsafe_b64encode(claims).decode().rstrip("=")
    return ["P-Asserted-Identity: <sip:%s>, <tel:+%s>" % (USER.decode(), NUMBER.decode()), "P-Preferred-Identity: <sip:%s>" % USER.decode(),
            "Identity: %s;info=<https://home.example/c>" % passport, "P-Charging-Vector: icid-value=1", *(["Privacy: " + privacy] if privacy else [])]


def leaks(octets):
    """Every way in which the octets tell who calls: in clear, in any case, and in base64 of any alignment."""
    forms = {USER.lower(), NUMBER}
    for secret in (USER, NUMBER):
        for shift in range(3):
            text = base64.urlsafe_b64encode(b"\0" * shift + secret + b"\0" * 3).rstrip(b"=")
            forms.add(text[4 if shift else 0:4 * ((shift + len(secret)) // 3)])
    return sorted(form.decode() for form in forms if form in octets or form in octets.lower())


def free_ports(count):
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Border(threading.Thread):
    """A proxy that does nothing but ask the verb, put its Via on top, and send on."""

    def __init__(self, table, came_from, goes_to, kamailio):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.table, self.hops, self.kamailio = table, (came_from, goes_to), ("127.0.0.1", kamailio)
        self.caller, self.failures, self.sent, self.back = None, [], [], []
        self.stopped = threading.Event()

    def apply(self, message, came_from, goes_to):
        result = sipveil("trust", "apply", "--table", self.table, "--from", came_from, "--to", goes_to, stdin=message)
        if result.code not in (OK, ANSWER):
            self.failures.append(repr(result))
        return result

    def take_request(self, message):
        result = self.apply(message, *self.hops)
        if result.code == ANSWER:
            self.socket.sendto(result.out, self.caller)
        elif result.code == OK:
            start, rest = result.out.split(b"\r\n", 1)
            branch = re.search(rb"branch=([^;\s]+)", rest).group(1)
            forwarded = b"%s\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=%sx\r\n%s" % (start, self.port, branch, rest)
            self.sent.append(forwarded)
            self.socket.sendto(forwarded, self.kamailio)

    def take_response(self, message):
        rows = message.split(b"\r\n")
        top = next(i for i, row in enumerate(rows) if row.lower().startswith((b"via:", b"v:")))
        _, comma, others = rows[top].partition(b",")  # one row may hold them all
        rows[top:top + 1] = [b"Via:" + others] if comma else []
        result = self.apply(b"\r\n".join(rows), self.hops[1], self.hops[0])
        if result.code == OK:
            self.back.append(result.out)
            self.socket.sendto(result.out, self.caller)

    def run(self):
        while not self.stopped.is_set():
            try:
                message, source = self.socket.recvfrom(65536)
            except socket.timeout:
                continue
            if source == self.kamailio:
                self.take_response(message)
            else:
                self.caller = source
                self.take_request(message)
        self.socket.close()


Call = collections.namedtuple("Call", "code said received sent back failures")


def start_kamailio(name, ports):
    """Its process, and the file of what it says."""
    config = lab.write(name + ".cfg", (KAMAILIO % ports).encode())
    log = lab.path(name + ".log")
    process = subprocess.Popen(["kamailio", "-f", str(config), "-DD", "-E", "-m", "16", "-M", "4", "-w", str(lab.folder), "-Y", str(lab.folder)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(log, "wb"))
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            probe.bind(("127.0.0.1", ports["kamailio"]))
        except OSError:
            break  # it listens
        probe.close()
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        time.sleep(0.05)
    probe.close()
    return process, log


def stop(process):
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def call(name, goes_to, privacy, status=200):
    """One call through all of it."""
    table = lab.write(name + ".conf", TABLE)
    ports = dict(zip(("kamailio", "uas", "uac"), free_ports(3)))
    rest = REST % {"ack": request("ACK", 1, *identity_rows(privacy)), "bye": request("BYE", 2, *identity_rows(privacy))}
    caller = lab.write(name + "-uac.xml", (UAC % {"invite": request("INVITE", 1, *identity_rows(privacy)), "status": status,
                                                  "rest": rest if status == 200 else ""}).encode())
    callee = lab.write(name + "-uas.xml", (UAS % {"ok": response(";tag=[call_number]", FORGED), "bye": response("", FORGED)}).encode())
    kamailio, log = start_kamailio(name, ports)
    border = Border(table, "proto=udp,sa=home.example", goes_to, ports["kamailio"])
    border.start()
    common = ["-i", "127.0.0.1", "-m", "1", "-nostdin", "-timeout", str(SECONDS), "-timeout_error"]
    uas = subprocess.Popen(["sipp", "-sf", str(callee), "-p", str(ports["uas"]), *common], cwd=lab.folder, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        done = subprocess.run(["sipp", "127.0.0.1:%d" % border.port, "-sf", str(caller), "-p", str(ports["uac"]), *common], cwd=lab.folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS + 10)
    finally:
        time.sleep(0.1)
        border.stopped.set()
        border.join()
        stop(uas)
        stop(kamailio)
    received = re.findall(rb"<<RECEIVED(.*?)>>RECEIVED", log.read_bytes(), re.DOTALL)
    return Call(done.returncode, done.stdout.decode("latin-1")[-1500:], received, border.sent, border.back, border.failures)


def went_wrong(found, methods):
    wrong = ["the verb: " + failure for failure in found.failures]
    if found.code != 0:
        wrong.append("SIPp ended with %d: %s" % (found.code, found.said))
    got = [message.split(b" ", 1)[0].decode() for message in found.received]
    if sorted(set(got)) != sorted(methods):
        wrong.append("Kamailio received %s" % got)
    wrong += ["Kamailio received other octets than were sent" for message in found.received if message not in found.sent]
    return wrong


def fields_of(message, name):
    return [row for field, row in split(message)[1] if field == name]


def untrusted(cases):
    found = call("untrusted", "proto=udp", "id")
    wrong = went_wrong(found, ["INVITE", "ACK", "BYE"])
    for message in found.received:
        wrong += ["Kamailio was told %s in:\n%s" % (leak, message.decode("latin-1")) for leak in leaks(message)]
        wrong += ["%s went on" % name.decode() for name in (b"p-asserted-identity", b"p-preferred-identity", b"p-charging-vector")
                  if fields_of(message, name)]
        if fields_of(message, b"privacy") != [b"Privacy: id"] or not fields_of(message, b"identity"):
            wrong.append("Privacy or Identity did not go on as it should: %r" % message)
    cases.case("Kamailio, not trusted, Privacy: id: no octet tells who calls (TRU-31, TRU-39)", wrong)
    cases.case("an identity that it asserts in responses goes no further (TRU-24)",
               [repr(message) for message in found.back if b"forged" in message] + ([] if found.back else ["no response came back"]))


def trusted(cases):
    found = call("trusted", "proto=udp,sa=biloxi.example", "id")
    wrong = went_wrong(found, ["INVITE", "ACK", "BYE"])
    for message in found.received:
        asserted = fields_of(message, b"p-asserted-identity")
        if message.startswith(b"ACK"):
            wrong += ["asserted in ACK (TRU-21)"] if asserted else []
        elif asserted != [b"P-Asserted-Identity: <sip:" + USER + b">, <tel:+" + NUMBER + b">"]:
            wrong.append("not asserted: %r" % message)
        wrong += ["the preference went on"] if fields_of(message, b"p-preferred-identity") else []
    cases.case("Kamailio, trusted, Privacy: id: it gets the identity, and the wish", wrong)
    cases.case("an identity that a trusted hop asserts in responses is believed (TRU-24)",
               [] if any(b"sip:forged@evil.example" in message for message in found.back) else ["no response has it"])


def no_wish(cases):
    found = call("no-wish", "proto=udp", "")
    wrong = went_wrong(found, ["INVITE", "ACK", "BYE"])
    wrong += ["told %s" % leak for message in found.received for leak in leaks(message)]
    cases.case("Kamailio, not trusted, no Privacy, no_privacy = remove: no octet tells who calls", wrong)
    found = call("none", "proto=udp", "none")
    wrong = went_wrong(found, ["INVITE", "ACK", "BYE"])
    wrong += ["removed from %r" % message for message in found.received if not message.startswith(b"ACK") and not fields_of(message, b"p-asserted-identity")]
    wrong += ["Privacy changed: %r" % message for message in found.received if fields_of(message, b"privacy") != [b"Privacy: none"]]
    cases.case("Kamailio, not trusted, Privacy: none: nobody removes it (TRU-26)", wrong)


def answered(cases):
    found = call("answered", "proto=udp", "user;critical", status=500)
    wrong = ["the verb: " + failure for failure in found.failures] + (["SIPp: " + found.said] if found.code else [])
    wrong += ["Kamailio received %r" % message for message in found.received]
    cases.case("what is insisted on and not done is answered; Kamailio gets nothing (TRU-33)", wrong)


def main():
    cases = Cases()
    absent = [name for name in ("kamailio", "sipp") if not have(name)]
    if absent:
        cases.skip("calls through Kamailio", "%s is not installed" % " and ".join(absent))
        return cases.leave()
    for part in (untrusted, trusted, no_wish, answered):
        part(cases)
    return cases.leave()


if __name__ == "__main__":
    main()
