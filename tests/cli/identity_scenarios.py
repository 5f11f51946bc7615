"""The acceptance scenarios of session-bound certificates (draft-fries-sip-identity-usage-bcp): each party a folder of its
own, each step a call of the program. Alice's and Bob's devices have certificates that nobody knows; the authentication
services of atlanta, biloxi and chicago vouch for From. Each runs with RFC 8224 and with RFC 4474; scripts/scenario draws
them, a test runs them.
"""
import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

import e2m_scenarios
from e2m_scenarios import field, head, is_code, message, sipveil, with_body

PROFILES = ("rfc8224", "rfc4474")
USERS = {"Alice": "sip:alice@atlanta.example", "Bob": "sip:bob@biloxi.example", "Carol": "sip:carol@chicago.example"}
SERVICES = {"atlanta": "atlanta.example", "biloxi": "biloxi.example", "chicago": "chicago.example"}
NO_KEY, NOT_VALID, NOT_TRUSTED, STALE, ANSWER = 4, 6, 7, 9, 10
SECRET = b"a=x-secret:ANSWER-51c2"


def now():
    return int(time.time())


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


# ---- messages ----

def sdp(*lines):
    return b"\r\n".join([b"v=0", b"o=- 1 1 IN IP4 192.0.2.1", b"s=-", b"c=IN IP4 192.0.2.1", b"t=0 0", b"m=audio 9 RTP/AVP 0",
                         *lines, b""])


def part(kind, octets):
    return b"--a-part\r\nContent-Type: " + kind + b"\r\n\r\n" + octets + b"\r\n"


def with_certificates(profile, *devices, fingerprint_of=None):
    """An offer or answer and certificates; RFC 8224 also needs the fingerprint in the SDP."""
    lines = [(fingerprint_of or devices[0]).fingerprint] if profile == "rfc8224" else []
    parts = part(b"application/sdp", sdp(*lines)) + b"".join(part(b"application/pkix-cert", d.der) for d in devices)
    return b"multipart/mixed;boundary=a-part", parts + b"--a-part--\r\n"


def party_value(name, tag):
    return b"<" + USERS[name].encode() + b">" + (b";tag=" + tag if tag else b"")


class Dialog:
    """Who called whom, by which tags."""

    def __init__(self, call_id, caller="Alice", callee="Bob", caller_tag=b"a1", callee_tag=b"b1"):
        self.call_id, self.caller, self.callee = call_id, caller, callee
        self.tags = {caller: caller_tag, callee: callee_tag}
        self.cseq = 0

    def request(self, method, sender, content=(b"", b""), to_tag=True, rows=(), claim=None):
        """claim: another name in From than the sender's."""
        self.cseq += 1
        other = self.callee if sender == self.caller else self.caller
        return message(method + b" sip:x@192.0.2.9 SIP/2.0", [
            b"Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK%d" % self.cseq, b"Max-Forwards: 70",
            b"From: " + party_value(claim or sender, self.tags[sender]),
            b"To: " + party_value(other, self.tags[other] if to_tag else b""), b"Call-ID: " + self.call_id,
            b"CSeq: %d " % self.cseq + method, b"Contact: <sip:x@192.0.2.1>", *rows], content[1], content[0])

    def invite(self, content, sender=None):
        return self.request(b"INVITE", sender or self.caller, content, to_tag=False, rows=[b"Supported: 100rel, from-change"])

    def response(self, status, request, content=(b"", b""), rows=()):
        to = field(request, b"To")
        sender = next(name for name, uri in USERS.items() if uri.encode() in to)
        if b";tag=" not in to:
            to += b";tag=" + self.tags[sender]
        return message(b"SIP/2.0 %d X" % status, [
            b"Via: " + field(request, b"Via"), b"From: " + field(request, b"From"), b"To: " + to, b"Call-ID: " + self.call_id,
            b"CSeq: " + field(request, b"CSeq"), b"Contact: <sip:x@192.0.2.2>", *rows], content[1], content[0])


# ---- parties ----

class Device:
    """A key pair with a certificate that no receiver can trace to anybody."""

    def __init__(self, run, path, *how):
        self.key = path.with_suffix(".pem")
        certificate = path.with_suffix(".crt")
        run.must(sipveil("keygen", "cert", *how, "--cert-out", certificate, "-o", self.key))
        text = certificate.read_text(encoding="ascii").split("-----")[2]
        self.der = base64.b64decode(text)
        self.der_file = path.with_suffix(".der")
        self.der_file.write_bytes(self.der)
        self.sha256 = hashlib.sha256(self.der).hexdigest()
        pairs = (self.sha256[i:i + 2].upper() for i in range(0, 64, 2))
        self.fingerprint = b"a=fingerprint:sha-256 " + ":".join(pairs).encode()


class User:
    """A UA: its device, its state, and what it was told of the services of others."""

    def __init__(self, run, name):
        self.run, self.name, self.aor, self.host = run, name, USERS[name], None
        self.folder = run.folder / name
        self.folder.mkdir()
        self.states = 0
        self.device = self.new_device("own")
        self.start_anew()

    def new_device(self, name, *how):
        return Device(self.run, self.folder / name, *(how or ("--self-signed", "--aor", self.aor)))

    def start_anew(self):
        self.states += 1
        self.state = self.folder / ("state-%d" % self.states)

    def bind(self, octets, *options):
        report = self.folder / "report"
        report.unlink(missing_ok=True)
        result = sipveil("identity", "bind", "--quiet", "--state", self.state, *options, *self.run.services,
                         "--trust", self.run.anchor, "--report", report, stdin=octets)
        result.report = json.loads(report.read_bytes())["bound"] if report.exists() else None
        return result

    def sends(self, octets):
        """Takes note of a message of its own."""
        self.run.must(sipveil("identity", "bind", "--quiet", "--state", self.state, "--sent", stdin=octets))
        return octets

    def handshake(self, octets, device, *options):
        return sipveil("identity", "bind", "--quiet", "--state", self.state, "--proven", device.sha256, *options, stdin=octets)

    def open(self, octets, *options):
        return sipveil("open", "--quiet", "--key", self.device.key, "--state", self.state, *options, stdin=octets)

    def sealed_to(self, aor, octets, *options, mode="payload"):
        return sipveil("seal", "--quiet", "--mode", mode, "--to", "bound:" + aor, "--state", self.state, *options, stdin=octets)

    def signs(self, octets, device=None):
        return self.run.must(sipveil("seal", "--quiet", "--sign-with", (device or self.device).key, stdin=octets)).out

    def bound(self, *options):
        if not self.state.exists():
            return []
        listed = self.run.must(sipveil("identity", "bound", "--quiet", "--state", self.state, "--json", *options))
        return json.loads(listed.out)["bindings"]

    def holds(self, *expected, at=None):
        """What is wrong with the claim that exactly these (user, device, state) are bound."""
        found = {(b["aor"], b["sha256"], b["state"]) for b in self.bound(*(("--at", rfc3339(at)) if at else ()))}
        wanted = {(USERS[name], device.sha256, state) for name, device, state in expected}
        return None if found == wanted else "%s has bound %s, not %s" % (self.name, sorted(found), sorted(wanted))

    def note(self):
        """For the picture."""
        return ", ".join("%s: %s" % (b["aor"].partition(":")[2].partition("@")[0], b["state"]) for b in self.bound()) or "nothing bound"


class Service:
    """The proxy of a domain, which has authenticated the sender: it vouches for From of its own domain."""

    def __init__(self, run, name):
        self.run, self.name, self.host, self.aor = run, name, SERVICES[name], None
        self.folder = run.folder / name
        self.folder.mkdir()
        for profile, algorithm in zip(PROFILES, ("p256", "rsa2048")):
            run.must(sipveil("keygen", "cert", "--ca", run.folder / "ca", "--host", self.host, "--alg", algorithm,
                             "--cert-out", self.folder / (profile + ".crt"), "-o", self.folder / (profile + ".pem")))

    def uri(self, profile):
        return "https://%s/%s.crt" % (self.host, profile)

    def turned_out_as(self, profile, host):
        """Options with which the certificate behind its URI is another domain's, with the same key."""
        twin, request, names = (self.folder / name for name in ("twin.crt", "twin.csr", "twin.ext"))
        names.write_text("subjectAltName=DNS:%s,URI:sip:%s\n" % (host, host), encoding="ascii")
        ca = self.run.folder / "ca"
        for command in (["req", "-new", "-key", self.folder / (profile + ".pem"), "-subj", "/CN=twin", "-out", request],
                        ["x509", "-req", "-in", request, "-CA", ca / "ca.pem", "-CAkey", ca / "ca.key", "-set_serial", "7",
                         "-days", "2", "-extfile", names, "-out", twin]):
            subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True, timeout=60)
        return "--cert", "%s=%s" % (self.uri(profile), twin)

    def vouches(self, profile, octets, *options):
        return self.run.must(sipveil("identity", "sign", "--quiet", "--profile", profile, "--key", self.folder / (profile + ".pem"),
                                     "--info", self.uri(profile), *options, stdin=octets)).out


class Run(e2m_scenarios.Run):
    """A scenario in progress."""

    def __init__(self, title, *names):  # pylint: disable=super-init-not-called
        self.title, self.names = title, names
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sipveil-scenario-"))
        self.must(sipveil("keygen", "ca", "--name", "Known CA", "-o", self.folder / "ca"))
        self.must(sipveil("keygen", "ca", "--name", "Corporate CA", "-o", self.folder / "corporate"))
        self.anchor = self.folder / "ca" / "ca.pem"
        self.sent, self.cases, self.parties, self.drawn = [], [], {}, False
        for name in {*SERVICES, *names} & set(SERVICES):
            self.parties[name] = Service(self, name)
        for name in USERS:
            self.parties[name] = User(self, name)
        self.services = [word for name in SERVICES for profile in PROFILES for word in
                         ("--cert", "%s=%s" % (self[name].uri(profile), self[name].folder / (profile + ".crt")))]

    def send(self, step, source, target, octets, what, note=None):  # pylint: disable=arguments-renamed,arguments-differ
        """One hop of the picture; note: whose bindings are shown under it."""
        if not self.drawn:
            self.sent.append((step, source, target, what, {note: self[note].note()} if note else None))
        return octets


def assurance(result, level, events=(), code=0):
    """What is wrong with the claim that bind came to that."""
    wrong = is_code(result, code) or None
    report = result.report or {}
    if wrong is None and (report.get("assurance"), report.get("events")) != (level, list(events)):
        wrong = "came to %s %s, not %s %s" % (report.get("assurance"), report.get("events"), level, list(events))
    return wrong


def swapped(octets, before, after):
    changed = octets.replace(before, after)
    assert changed != octets
    return with_body(changed, changed.partition(b"\r\n\r\n")[2])


# ---- forward: F-1 to F-8 ----

def forward_call(run, profile, call_id, device=None):
    """INVITE with a certificate, signed, received and bound (F-1, the figure of section 4.1)."""
    alice, bob, dialog = run["Alice"], run["Bob"], Dialog(call_id)
    plain = dialog.invite(with_certificates(profile, device or alice.device))
    run.send("1", "Alice", "atlanta", plain, "INVITE+cert")
    signed = run["atlanta"].vouches(profile, plain)
    result = bob.bind(signed)
    run.send("2", "atlanta", "Bob", signed, "INVITE+cert+Identity", note="Bob")
    return dialog, plain, signed, result


def hang_up(run, dialog, step):
    bob, bye = run["Bob"], dialog.request(b"BYE", "Alice")
    run.must(bob.bind(bye))
    bob.sends(dialog.response(200, bye))
    run.send(step, "Alice", "Bob", bye, "BYE, and its 200", note="Bob")


def forward_of(run, profile):
    alice, bob = run["Alice"], run["Bob"]
    dialog, plain, signed, result = forward_call(run, profile, b"f1-" + profile.encode())
    run.case("F-1 %s IDN-57, IDN-58: bound to Alice for this dialog, claimed" % profile,
             assurance(result, "A2", ["bound"]), bob.holds(("Alice", alice.device, "claimed")))
    ringing = bob.sends(dialog.response(180, signed, rows=[b"Require: 100rel", b"RSeq: 1"]))
    run.send("3", "Bob", "Alice", ringing, "180")
    prack = dialog.request(b"PRACK", "Alice", rows=[b"RAck: 1 1 INVITE"])
    run.send("4", "Alice", "Bob", prack, "PRACK")
    run.case("F-1 %s: a request without a certificate changes nothing" % profile, is_code(bob.bind(prack), 0))
    run.send("5", "Bob", "Alice", bob.sends(dialog.response(200, prack)), "200 (PRACK)")
    answer = bob.sealed_to(alice.aor, bob.sends(dialog.response(200, signed, (b"application/sdp", sdp(SECRET)))))
    opened = alice.open(answer.out)
    run.send("6", "Bob", "Alice", answer.out, "200, sealed to that certificate")
    run.case("F-1 %s: the answer is sealed to the bound certificate, and Alice alone opens it" % profile,
             is_code(answer, 0), None if SECRET not in answer.out else "the answer is in clear", is_code(opened, 0),
             None if SECRET in opened.out else "not what was sealed",
             is_code(run["Carol"].open(answer.out), NO_KEY))
    info = alice.signs(dialog.request(b"INFO", "Alice", (b"text/plain", b"hello")))
    stranger = sipveil("open", "--quiet", stdin=info)
    opened = bob.open(info)
    run.send("7", "Alice", "Bob", info, "INFO, signed by its key", note="Bob")
    run.case("F-1 %s IDN-58: what its key signs is accepted, and proves it" % profile, is_code(stranger, NOT_TRUSTED),
             is_code(opened, 0), bob.holds(("Alice", alice.device, "proven")))
    keyring = bob.folder / "kept"
    again = alice.signs(dialog.request(b"INFO", "Alice", (b"text/plain", b"again")))
    run.case("F-1 %s IDN-64: nothing of it is kept for later calls" % profile, is_code(bob.open(again, "--keyring", keyring), 0),
             None if not list(keyring.iterdir()) else "a bound certificate stands in the folder of --keyring")
    other = Dialog(b"other-" + profile.encode())
    elsewhere = alice.signs(other.request(b"INFO", "Alice", (b"text/plain", b"hello")))
    run.case("F-1 %s IDN-59: in another dialog it is a stranger's" % profile, is_code(bob.open(elsewhere), NOT_TRUSTED),
             is_code(bob.sealed_to(alice.aor, other.response(200, plain, (b"application/sdp", sdp(SECRET)))), NO_KEY))
    kept, gone = bob.state, bob.folder / "state-of-logged-off"
    shutil.copy(kept, gone)
    gone.chmod(0o600)
    bob.state = gone
    others = [bob.bound("--forget", *what) for what in (("--user", alice.aor), ("--aor", bob.aor), ("--dialog", "other"))]
    left, ended = bob.holds(("Alice", alice.device, "proven")), bob.bound("--forget", "--user", bob.aor)
    run.case("F-1 %s IDN-60: when its user logs off it ends" % profile, "others were listed" if any(others) else None, left,
             None if len(ended) == 1 else "%d were listed" % len(ended), bob.holds())
    bob.state = kept
    hang_up(run, dialog, "8")
    run.case("F-1 %s IDN-60: with the dialog it ends" % profile, bob.holds())


def forward_refused(run, profile):
    alice, bob, carol = run["Alice"], run["Bob"], run["Carol"]
    bob.start_anew()
    plain = Dialog(b"f2-" + profile.encode()).invite(with_certificates(profile, alice.device))
    signed = run["atlanta"].vouches(profile, plain)
    other = swapped(signed, alice.device.der, carol.device.der)
    if profile == "rfc4474":
        run.case("F-2 rfc4474: swapped after the service: 438", is_code(bob.bind(other), NOT_VALID, "438"), bob.holds())
    else:
        run.case("F-2 rfc8224: swapped after the service: not covered, which is no reason to refuse",
                 assurance(bob.bind(other), "A1", ["not-covered"]), bob.holds())
        both = swapped(other, alice.device.fingerprint, carol.device.fingerprint)
        run.case("F-2 rfc8224: the fingerprint swapped too: 438", is_code(bob.bind(both), NOT_VALID, "438"))
        bob.start_anew()
        run.case("F-2 rfc8224: where a binding is required: 437", is_code(bob.bind(other, "--require"), NOT_TRUSTED, "437"))
    bob.start_anew()
    dialog = Dialog(b"f3-" + profile.encode())  # no TLS on the way to the service: somebody pastes Carol's certificate
    pasted = run["atlanta"].vouches(profile, dialog.invite(with_certificates(profile, carol.device)))
    result = bob.bind(pasted)
    by_alice = alice.signs(dialog.request(b"INFO", "Alice", (b"text/plain", b"hello")))
    run.case("F-3 %s: swapped before the service: bound to a key that nobody there has, never proven" % profile,
             assurance(result, "A2", ["bound"]), is_code(bob.open(by_alice), NOT_TRUSTED),
             is_code(bob.handshake(by_alice, alice.device), NO_KEY), bob.holds(("Alice", carol.device, "claimed")))
    service, where = run["atlanta"], ("--key", run["atlanta"].folder / (profile + ".pem"), "--info", run["atlanta"].uri(profile))
    bare = Dialog(b"f3-bare").invite((b"application/sdp", sdp()))
    tries = {link: sipveil("identity", "sign", "--quiet", "--profile", profile, *where, "--from", link, stdin=plain)
             for link in ("proto=udp", "proto=tls", "sa=phone")}
    run.case("F-3 %s IDN-56: a service can refuse to sign for a certificate that came over such a link" % profile,
             is_code(tries["proto=udp"], STALE, "carries a certificate"), is_code(tries["proto=tls"], 0), is_code(tries["sa=phone"], 0),
             None if service.vouches(profile, bare, "--from", "proto=udp") else "not signed without a certificate")
    bob.start_anew()
    signed = run["atlanta"].vouches(profile, Dialog(b"f4-" + profile.encode()).invite(with_certificates(profile, alice.device)))
    run.case("F-4 %s: From of another domain than the service's: 437" % profile,
             is_code(bob.bind(signed, *run["atlanta"].turned_out_as(profile, "chicago.example")), NOT_TRUSTED, "437"), bob.holds())


def forward_age(run, profile):
    alice, bob = run["Alice"], run["Bob"]
    bob.start_anew()
    signed = run["atlanta"].vouches(profile, Dialog(b"f5-" + profile.encode()).invite(with_certificates(profile, alice.device)))
    run.must(bob.bind(signed))
    run.case("F-5 %s: played again within the window: 438" % profile, is_code(bob.bind(signed), NOT_VALID, "438"))
    bob.start_anew()
    late = bob.bind(signed, "--at", rfc3339(now() + 4000))
    run.case("F-5 %s: played again after the window" % profile,
             is_code(late, NOT_VALID, "438") if profile == "rfc4474" else is_code(late, STALE, "403"), bob.holds())
    bob.start_anew()
    unsigned = Dialog(b"f6-" + profile.encode()).invite(with_certificates(profile, alice.device))
    run.case("F-6 %s: nobody vouches: A1; 428 where that is required" % profile, assurance(bob.bind(unsigned), "A1"), bob.holds(),
             is_code(bob.bind(unsigned, "--require"), NOT_VALID, "428"))
    phone = alice.new_device("phone-" + profile, "--ca", run.folder / "corporate", "--host", "phone-17.corp.example")
    _, _, _, result = forward_call(run, profile, b"f7-" + profile.encode(), phone)
    run.case("F-7 %s: a device certificate of an unknown company is as good as any" % profile,
             assurance(result, "A2", ["bound"]), bob.holds(("Alice", phone, "claimed")))
    bob.start_anew()
    two = run["atlanta"].vouches(profile, Dialog(b"f8-" + profile.encode()).invite(
        with_certificates(profile, alice.device, run["Carol"].device)))
    run.case("F-8 %s IDN-55: two certificates that could be meant: none is" % profile,
             assurance(bob.bind(two), "A1", ["unclear"]), bob.holds())
    bob.start_anew()
    refused = bob.bind(two, "--require", "--answer")
    run.case("F-8 %s: 437 where a binding is required" % profile, is_code(refused, ANSWER),
             None if refused.out.startswith(b"SIP/2.0 437 ") else "answers %r" % refused.out[:40])


def forward():
    run = Run("Forward: Bob's side binds Alice's certificate for the session", "Alice", "atlanta", "Bob")
    for profile in PROFILES:
        run["Bob"].start_anew()
        forward_of(run, profile)
        run.drawn = True
        forward_refused(run, profile)
        forward_age(run, profile)
    return run


# ---- reverse: R-1 to R-6 ----

def update(run, profile, dialog, sender="Bob", claim=None, by="biloxi", device=None):
    plain = dialog.request(b"UPDATE", sender, with_certificates(profile, device or run[claim or sender].device), claim=claim)
    return plain, run[by].vouches(profile, plain)


def reverse_of(run, profile):
    alice, bob = run["Alice"], run["Bob"]
    alice.start_anew()
    bob.start_anew()
    dialog, _, signed, _ = forward_call(run, profile, b"r1-" + profile.encode())
    certificate = with_certificates(profile, bob.device)
    ringing = bob.sends(dialog.response(180, signed, certificate, rows=[b"Require: 100rel", b"RSeq: 1", b"Supported: from-change"]))
    alice.sends(signed)
    heard = alice.bind(ringing)
    run.send("3", "Bob", "Alice", ringing, "180+answer+cert", note="Alice")
    run.case("R-2 %s IDN-66: a certificate in a response stays unbound" % profile, assurance(heard, "A1"), alice.holds())
    prack = alice.sends(dialog.request(b"PRACK", "Alice", rows=[b"RAck: 1 1 INVITE"]))
    run.send("4", "Alice", "Bob", prack, "PRACK, and its 200")
    plain, vouched = update(run, profile, dialog)
    run.send("5", "Bob", "biloxi", plain, "UPDATE+cert")
    result = alice.bind(vouched, "--from-change", "--expect", bob.aor)
    run.send("6", "biloxi", "Alice", vouched, "UPDATE+cert+Identity", note="Alice")
    run.case("R-1 %s: the callee's certificate is bound by his UPDATE" % profile, assurance(result, "A2", ["bound"]),
             alice.holds(("Bob", bob.device, "claimed")))
    run.send("7", "Alice", "Bob", alice.sends(dialog.response(200, vouched)), "200 (UPDATE)")
    info = bob.signs(dialog.request(b"INFO", "Bob", (b"text/plain", b"hello")))
    opened = alice.open(info)
    run.send("8", "Bob", "Alice", info, "INFO, signed by its key", note="Alice")
    sealed = alice.sealed_to(bob.aor, dialog.request(b"INFO", "Alice", (b"application/sdp", sdp(SECRET))), "--sign-with",
                             alice.device.key, mode="tunnel")
    read = bob.open(sealed.out)
    run.send("9", "Alice", "Bob", sealed.out, "INFO, sealed to Bob, signed", note="Bob")
    run.case("R-1 %s: both directions then have one key each, proven" % profile, is_code(opened, 0),
             alice.holds(("Bob", bob.device, "proven")), is_code(sealed, 0), is_code(read, 0),
             None if SECRET in read.out else "not what was sealed", bob.holds(("Alice", alice.device, "proven")))


def reverse_refused(run, profile):
    alice, bob, carol = run["Alice"], run["Bob"], run["Carol"]
    alice.start_anew()
    dialog = Dialog(b"r3-" + profile.encode())
    _, vouched = update(run, profile, dialog, claim="Carol", by="chicago")
    diverted = alice.bind(vouched, "--from-change", "--expect", bob.aor)
    run.case("R-3 %s: the call was diverted: Carol is bound, and it is told" % profile,
             assurance(diverted, "A2", ["bound", "other-party"]), alice.holds(("Carol", carol.device, "claimed")))
    alice.start_anew()
    dialog = Dialog(b"r4-" + profile.encode())
    refused = alice.bind(update(run, profile, dialog)[1], "--from-change", "--answer",
                         *run["biloxi"].turned_out_as(profile, "chicago.example"))
    run.case("R-4 %s: by the service of another domain than From's: 437, nothing changes" % profile, is_code(refused, ANSWER),
             None if refused.out.startswith(b"SIP/2.0 437 ") else "answers %r" % refused.out[:40])
    alice.start_anew()
    dialog = Dialog(b"r5-" + profile.encode())
    invite = alice.sends(dialog.invite(with_certificates(profile, alice.device)))
    ok = dialog.response(200, invite, with_certificates(profile, bob.device), rows=[b"Supported: from-change"])
    heard = alice.bind(ok)
    run.case("R-6 %s: without an UPDATE it stays A1" % profile, assurance(heard, "A1"), alice.holds())
    _, vouched = update(run, profile, dialog)
    run.case("R-5 %s: an UPDATE after the 2xx does as well" % profile,
             assurance(alice.bind(vouched, "--from-change"), "A2", ["bound"]), alice.holds(("Bob", bob.device, "claimed")))


def reverse():
    run = Run("Reverse: Alice's side binds Bob's certificate by his UPDATE", "Alice", "atlanta", "biloxi", "Bob")
    for profile in PROFILES:
        reverse_of(run, profile)
        run.drawn = True
        reverse_refused(run, profile)
    return run


# ---- change: K-1 to K-5 ----

def change_of(run, profile):
    alice, bob = run["Alice"], run["Bob"]
    bob.start_anew()
    fresh = alice.new_device("fresh-" + profile)
    dialog, _, signed, _ = forward_call(run, profile, b"k1-" + profile.encode())
    ok = bob.sends(dialog.response(200, signed))
    run.must(bob.handshake(ok, alice.device, "--sent"))
    run.send("3", "Bob", "Alice", ok, "200, and the handshake", note="Bob")
    unsigned = dialog.request(b"INVITE", "Alice", with_certificates(profile, fresh))
    refused = bob.bind(unsigned, "--answer")
    run.send("4", "Alice", "Bob", unsigned, "re-INVITE+other cert", note="Bob")
    run.send("5", "Bob", "Alice", refused.out, "403 Certificate Changed")
    run.case("K-2 %s IDN-61: another certificate that nobody vouches for: 403, nothing changes" % profile,
             is_code(refused, ANSWER), None if refused.out.startswith(b"SIP/2.0 403 Certificate Changed\r\n") else "other answer",
             bob.holds(("Alice", alice.device, "proven")))
    other = run["chicago"].vouches(profile, dialog.request(b"INVITE", "Alice", with_certificates(profile, run["Carol"].device),
                                                           claim="Carol"))
    run.case("K-2 %s: nor for another From" % profile, is_code(bob.bind(other), STALE, "403"),
             bob.holds(("Alice", alice.device, "proven")))
    plain = dialog.request(b"INVITE", "Alice", with_certificates(profile, fresh))
    run.send("6", "Alice", "atlanta", plain, "re-INVITE+new cert")
    vouched = run["atlanta"].vouches(profile, plain)
    result = bob.bind(vouched)
    run.send("7", "atlanta", "Bob", vouched, "INVITE+new cert+Identity", note="Bob")
    run.case("K-1 %s IDN-61: vouched for: the old one serves until the new one is proven" % profile,
             assurance(result, "A2", ["bound", "key-changed"]), bob.holds(("Alice", alice.device, "proven"), ("Alice", fresh, "claimed")))
    run.must(bob.handshake(vouched, fresh))
    run.send("8", "Bob", "Alice", vouched, "200, and the handshake", note="Bob")
    old = alice.signs(dialog.request(b"INFO", "Alice", (b"text/plain", b"old")))
    run.case("K-1 %s: then the old one is a stranger's" % profile, bob.holds(("Alice", fresh, "proven")),
             is_code(bob.open(old), NOT_TRUSTED), is_code(bob.handshake(old, alice.device), NO_KEY))
    hang_up(run, dialog, "9")
    again = Dialog(b"k3-" + profile.encode()).invite(with_certificates(profile, fresh))
    run.case("K-3 %s IDN-60: a later call starts from nothing" % profile, assurance(bob.bind(again), "A1"), bob.holds())


def change_forked(run, profile):
    alice, bob, carol = run["Alice"], run["Bob"], run["Carol"]
    alice.start_anew()
    first, second = Dialog(b"k4-" + profile.encode()), Dialog(b"k4-" + profile.encode(), callee_tag=b"b2")
    invite = alice.sends(first.invite(with_certificates(profile, alice.device)))
    phone = bob.new_device("second-" + profile)
    for dialog, device in ((first, bob.device), (second, phone)):
        dialog.cseq += 20 if dialog is second else 0
        run.must(alice.bind(update(run, profile, dialog, device=device)[1]))
    both = alice.holds(("Bob", bob.device, "claimed"), ("Bob", phone, "claimed"))
    run.must(alice.bind(second.response(200, invite)))
    run.case("K-4 %s: two branches, two bindings; the one that loses goes with its dialog" % profile, both,
             alice.holds(("Bob", phone, "claimed"), at=now() + 40))
    bob.start_anew()
    short = alice.new_device("short-" + profile, "--self-signed", "--aor", alice.aor, "--not-after", rfc3339(now() + 3600))
    later = ("--at", rfc3339(now() + 3700))
    dialog = Dialog(b"k5-" + profile.encode())
    signed = run["atlanta"].vouches(profile, dialog.invite(with_certificates(profile, short)))
    run.must(bob.bind(signed))
    run.must(bob.handshake(signed, short))
    info = alice.signs(dialog.request(b"INFO", "Alice", (b"text/plain", b"late")), short)
    again = dialog.request(b"INVITE", "Alice", with_certificates(profile, short))
    run.case("K-5 %s: with its certificate it ends; until there is a new one nothing goes" % profile,
             bob.holds(("Alice", short, "proven")), bob.holds(at=now() + 3700),
             is_code(bob.open(info, *later, "--date-window", "any"), NOT_TRUSTED), is_code(bob.handshake(info, short, *later), NO_KEY),
             assurance(bob.bind(again, *later), "A1", ["expired"]), None if carol else "nobody")


def change():
    run = Run("Another certificate within the call", "Alice", "atlanta", "Bob")
    for profile in PROFILES:
        change_of(run, profile)
        run.drawn = True
        change_forked(run, profile)
    return run


# ---- MIKEY: M-1 ----

def mikey_of(run, profile):
    alice, bob, dialog = run["Alice"], run["Bob"], Dialog(b"m1-" + profile.encode())
    bob.start_anew()
    lines = [b"a=key-mgmt:mikey " + base64.b64encode(b"an initiator's message of MIKEY-RSA-R")]
    if profile == "rfc8224":
        lines.append(alice.device.fingerprint)
    plain = dialog.invite((b"application/sdp", sdp(*lines)))
    run.send("1", "Alice", "atlanta", plain, "INVITE+MIKEY-RSA-R-I")
    signed = run["atlanta"].vouches(profile, plain)
    unread = bob.bind(signed)
    run.case("M-1 %s IDN-54: MIKEY that nobody reads binds nothing" % profile, is_code(unread, 0), bob.holds())
    bob.start_anew()
    result = bob.bind(signed, "--mikey-cert", alice.device.der_file)
    run.send("2", "atlanta", "Bob", signed, "INVITE+RSA-R-I+Identity", note="Bob")
    run.case("M-1 %s: the certificate of the offer is bound" % profile, assurance(result, "A2", ["bound"]),
             bob.holds(("Alice", alice.device, "claimed")))
    answer = bob.sealed_to(alice.aor, bob.sends(dialog.response(180, signed, (b"application/sdp", sdp(SECRET)))))
    opened = alice.open(answer.out)
    run.send("3", "Bob", "Alice", answer.out, "180+RSA-R-R, sealed to it")
    run.case("M-1 %s: and protects the answer" % profile, is_code(answer, 0), is_code(opened, 0),
             None if SECRET in opened.out and SECRET not in answer.out else "the answer is not protected")
    prack = dialog.request(b"PRACK", "Alice")
    run.must(bob.bind(prack))
    run.must(bob.handshake(prack, alice.device))
    run.send("4", "Alice", "Bob", prack, "PRACK: both have the key", note="Bob")
    run.send("5", "Bob", "Alice", bob.sends(dialog.response(200, prack)), "200 (PRACK)")
    later = bob.sealed_to(alice.aor, dialog.request(b"UPDATE", "Bob", (b"application/sdp", sdp(SECRET))))
    run.send("6", "Bob", "Alice", later.out, "UPDATE: new keys, sealed to it")
    run.case("M-1 %s: kept for the session: later keys go the same way" % profile, is_code(later, 0), is_code(alice.open(later.out), 0),
             bob.holds(("Alice", alice.device, "proven")))


def mikey():
    run = Run("MIKEY-RSA-R: the certificate of the offer protects the answer", "Alice", "atlanta", "Bob")
    for profile in PROFILES:
        mikey_of(run, profile)
        run.drawn = True
    return run


SCENARIOS = {"identity-forward": forward, "identity-reverse": reverse, "identity-change": change, "identity-mikey": mikey}
