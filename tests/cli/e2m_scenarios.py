"""The three acceptance scenarios of end-to-middle security, every party a folder of its own and every step a call
of the program: UA1, PA, P1, P2, UA2 share nothing but what they send. scripts/scenario draws them, a test runs them.
"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

HOSTS = {"PA": "pa.visited.example", "P1": "ss1.home.example", "P2": "ss2.other.example"}
AORS = {"UA1": "sip:alice@home.example", "UA2": "sip:bob@other.example"}
MARKER = b"a=x-marker:OFFER-7f3a"
NO_KEY, VERIFY, MISMATCH, POLICY, ANSWER = 4, 6, 8, 9, 10


def program():
    build = pathlib.Path(os.environ.get("SIPVEIL_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
    return os.environ.get("SIPVEIL_PROGRAM") or str(build / "tools" / "sipveil")


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr.decode("utf-8", "backslashreplace")

    def __repr__(self):
        return "exit %d: %s" % (self.code, self.err.strip())


def sipveil(*arguments, stdin=b""):
    return Result(subprocess.run([program(), *map(str, arguments)], input=stdin, capture_output=True, timeout=60, check=False))


def sdp(origin, *lines):
    return b"\r\n".join([b"v=0", b"o=%s 1 1 IN IP4 192.0.2.1" % origin, b"s=-", b"c=IN IP4 192.0.2.1", b"t=0 0",
                         b"m=audio 49172 RTP/AVP 0", *lines, MARKER, b""])


def message(start, rows, body=b"", content_type=b"application/sdp"):
    rows = [start, *rows] + ([b"Content-Type: " + content_type] if body else [])
    return b"\r\n".join([*rows, b"Content-Length: %d" % len(body), b"", b""]) + body


def head(octets):
    return octets.partition(b"\r\n\r\n")[0]


def body(octets):
    return octets.partition(b"\r\n\r\n")[2]


def field(octets, name):
    match = re.search(rb"^%s[ \t]*:[ \t]*(.*?)\r?$" % name, head(octets), re.MULTILINE | re.IGNORECASE)
    return match.group(1) if match else None


def with_body(octets, new):
    return re.sub(rb"(?im)^content-length:[^\r\n]*", b"Content-Length: %d" % len(new), head(octets)) + b"\r\n\r\n" + new


def without_field(octets, name):
    return re.sub(rb"(?im)^%s:.*\r\n" % name, b"", head(octets) + b"\r\n", count=1)[:-2] + b"\r\n\r\n" + body(octets)


class Party:
    """One folder: its keys, its state, and every octet that it saw."""

    def __init__(self, run, name):
        self.run, self.name, self.folder = run, name, run.folder / name
        self.folder.mkdir()
        self.seen, self.states = [], []
        self.host, self.aor = HOSTS.get(name), AORS.get(name)
        who = ("--host", self.host) if self.host else ("--aor", self.aor)
        self.key, self.certificate = self.folder / "own.pem", run.folder / (name + ".crt")
        run.must(sipveil("keygen", "cert", "--ca", run.folder / "ca", *who, "--cert-out", self.certificate, "-o", self.key))
        self.more_keys = []

    @property
    def state(self):
        return self.folder / "state"

    def remember(self):
        """A copy of the state as it is now: what the party once knew it may have kept."""
        if self.state.exists():
            copy = self.folder / ("state-%d" % len(self.states))
            shutil.copy(self.state, copy)
            copy.chmod(0o600)
            self.states.append(copy)

    def put_back(self, which):
        shutil.copy(self.states[which], self.state)

    def restart(self):
        self.state.unlink(missing_ok=True)

    def call(self, verb, *options, stdin=b""):
        self.remember()
        result = sipveil(verb, *options, stdin=stdin)
        self.remember()
        return result

    def seal(self, octets, *options):
        return self.call("seal", "--quiet", "--mode", "payload", "--sign-with", self.key, *options, stdin=octets)

    def open(self, octets, *options):
        self.seen.append(octets)
        return self.call("open", "--key", self.key, "--trust", self.run.anchor, "--state", self.state, *options, stdin=octets)

    def proxy(self, octets, *options, link="proto=tls"):
        self.seen.append(octets)
        view = self.folder / "view"
        view.unlink(missing_ok=True)
        result = self.call("proxy", "--host", self.host, "--key", self.key, "--trust", self.run.anchor, "--state", self.state,
                           "--view", view, *(("--from", link) if link else ()), *options, stdin=octets)
        result.view = view.read_bytes() if view.exists() else None
        return result

    def retry(self, request, response, *options):
        self.seen.append(response)
        path = self.folder / "request.sip"
        path.write_bytes(request)
        return self.call("retry", "--quiet", "--request", path, "--trust", self.run.anchor, "--sign-with", self.key, *options,
                         stdin=response)

    def attempts(self, octets):
        """Exit codes of opening one message with all its keys, under every state that it ever had."""
        keys = [word for key in [self.key, *self.more_keys] for word in ("--key", key)]
        for state in [None, *self.states]:
            copy = self.folder / "attempt"
            copy.unlink(missing_ok=True)
            if state:
                shutil.copy(state, copy)
            yield sipveil("open", "--quiet", *keys, "--trust", self.run.anchor, "--date-window", "any",
                          *(("--state", copy) if state else ()), stdin=octets)

    def can_read(self, octets, secret=MARKER):
        return secret in octets or any(result.code == 0 and secret in result.out for result in self.attempts(octets))

    def cannot_read_anything(self, secret=MARKER):
        """What is wrong with the claim that nothing this party saw tells it the secret."""
        wrong = []
        for octets in self.seen:
            codes = {result.code for result in self.attempts(octets)}
            encrypted = b"nveloped-data" in octets.lower() or b"authEnveloped-data" in octets
            if self.can_read(octets, secret):
                wrong.append("%s can read %r" % (self.name, octets.splitlines()[0]))
            elif encrypted and not codes <= {NO_KEY, 9, 8, 6, 7}:
                wrong.append("%s: exit codes %s" % (self.name, codes))
            elif encrypted and NO_KEY not in codes:
                wrong.append("%s: no attempt ended with no-key: %s" % (self.name, codes))
        return wrong


class Run:
    """A scenario in progress: its parties, what was sent, what was expected."""

    def __init__(self, title, *names):
        self.title, self.names = title, names
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sipveil-scenario-"))
        self.must(sipveil("keygen", "ca", "--name", "Lab", "-o", self.folder / "ca"))
        self.anchor = self.folder / "ca" / "ca.pem"
        self.parties = {name: Party(self, name) for name in names}
        self.sent, self.cases = [], []

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def must(self, result):
        if result.code != 0:
            raise RuntimeError(repr(result))
        return result

    def __getitem__(self, name):
        return self.parties[name]

    def case(self, name, *complaints):
        self.cases.append((name, [complaint for complaint in complaints if complaint]))

    def send(self, step, source, target, octets, what=None, form="", secret=MARKER):
        """Draws one hop; who could read what is found out, not told."""
        start = octets.splitlines()[0].decode("latin-1")
        what = what or (start.split()[0] if not start.startswith("SIP/2.0") else " ".join(start.split()[1:]))
        has_body = bool(body(octets)) and b"certs-only" not in head(octets)
        readers = [name for name in self.names if self[name].can_read(octets, secret)] if has_body else None
        self.sent.append((step, source, target, what + (" " + form if form else ""), readers))

    def case_file(self, name, octets):
        path = self.folder / name
        path.write_bytes(octets)
        return path


def is_code(result, code, *words):
    wrong = [] if result.code == code else ["exit %d instead of %d: %s" % (result.code, code, result.err.strip())]
    wrong += ["does not say '%s': %s" % (word, result.err.strip()) for word in words if word not in result.err]
    if code not in (0, ANSWER) and result.out:
        wrong.append("output on failure")
    return "; ".join(wrong)


def same(name, got, wanted):
    return None if got == wanted else "%s: other octets" % name


def digest(octets):
    return None if octets is None else hashlib.sha256(octets).hexdigest()


def invite(offer, cseq=1, call=b"c1@home.example", more=()):
    return message(b"INVITE sip:bob@other.example SIP/2.0", [
        b"Via: SIP/2.0/TLS ua1.home.example;branch=z9hG4bKa%d" % cseq, b"Max-Forwards: 70",
        b"From: Alice <sip:alice@home.example>;tag=a1", b"To: Bob <sip:bob@other.example>", b"Call-ID: " + call,
        b"CSeq: %d INVITE" % cseq, b"Contact: <sip:alice@ua1.home.example>", *more], offer)


def answer(request, content=b"", tag=b"b1"):
    return message(b"SIP/2.0 200 OK", [
        b"Via: " + field(request, b"Via"), b"From: " + field(request, b"From"),
        b"To: " + field(request, b"To") + b";tag=" + tag, b"Call-ID: " + field(request, b"Call-ID"),
        b"CSeq: " + field(request, b"CSeq"), b"Contact: <sip:bob@ua2.other.example>"], content)


def from_far_end(method, cseq, content, content_type=b"application/sdp", call=b"c1@home.example"):
    """A request of UA2 within the dialog."""
    return message(method + b" sip:alice@ua1.home.example SIP/2.0", [
        b"Via: SIP/2.0/TLS ua2.other.example;branch=z9hG4bKb%d" % cseq, b"Max-Forwards: 70",
        b"From: Bob <sip:bob@other.example>;tag=b1", b"To: Alice <sip:alice@home.example>;tag=a1",
        b"Call-ID: " + call, b"CSeq: %d " % cseq + method, b"Contact: <sip:bob@ua2.other.example>"], content, content_type)


OFFER, ANSWERED = sdp(b"alice"), sdp(b"bob")
CRYPTO = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
ROW = b'ss1.home.example;need=view;type="application/sdp";method=INVITE\n'


# ---- scenario 1: UA1 does not know what P1 needs ----

def scenario_1():
    run = Run("Scenario 1: P1 needs the offer, and UA1 does not know that", "UA1", "P1", "P2", "UA2")
    ua1, p1 = run["UA1"], run["P1"]
    policy = run.case_file("policy", ROW)
    plain, private = invite(OFFER), ("--to", run["UA2"].certificate)

    first = ua1.seal(plain, *private)
    run.send("1.1", "UA1", "P1", first.out, form="(private)")
    refused = p1.proxy(first.out, "--policy", policy)
    need = field(refused.out, b"Proxy-Body-Need") or b""
    run.send("1.1", "P1", "UA1", refused.out)
    run.case("1.1 E2M-G4, E2M-G5, E2M-C3, E2M-54, E2M-66: P1 does not open, tells its need and its certificate",
             is_code(first, 0), is_code(refused, ANSWER), None if refused.view is None else "P1 has a view",
             None if refused.out.startswith(b"SIP/2.0 493 ") else "not a 493",
             None if need.startswith(b'ss1.home.example;need=view;type="application/sdp"') and b'fp="sha-256:' in need else
             "the need is %r" % need,
             None if b"certs-only" in head(refused.out) else "no certificate came along")

    again = ua1.retry(plain, refused.out, *private, "--may-view", HOSTS["P1"])
    label = field(again.out, b"Proxy-Required-Body") or b""
    run.case("1.2 E2M-34: UA1 repeats once, shared with P1: new CSeq, same Call-ID, a label", is_code(again, ANSWER),
             None if field(again.out, b"CSeq") == b"2 INVITE" else "CSeq", same("Call-ID", field(again.out, b"Call-ID"), b"c1@home.example"),
             None if label.startswith(b'ss1.home.example;cid="') else "label: %r" % label,
             None if field(again.out, b"Via") != field(plain, b"Via") else "the branch is the old one")
    deliver_1(run, "1.3", again.out, policy, OFFER, OFFER)

    keyed = sdp(b"alice", CRYPTO, b"a=key-mgmt:mikey AQAFgM", b"k=clear:x")
    plain = invite(keyed, call=b"c4@home.example")
    refused = p1.proxy(ua1.seal(plain, *private).out, "--policy", policy)
    again = ua1.retry(plain, refused.out, *private, "--may-view", HOSTS["P1"])
    run.case("1.4 E2M-31, E2M-C2: keys of media make it a split body", is_code(again, ANSWER),
             None if b"multipart/mixed" in head(again.out) else "not split")
    deliver_1(run, "1.4", again.out, policy, OFFER, keyed)
    refusals_1(run, plain, refused.out, private, policy)
    return run


def deliver_1(run, step, octets, policy, shown, offered):
    """From UA1 through P1 and P2 to UA2, and the 200 back."""
    p1, p2, ua2 = run["P1"], run["P2"], run["UA2"]
    form = "(split)" if b"multipart/mixed" in head(octets) else "(shared)"
    run.send(step, "UA1", "P1", octets, form=form)
    one = p1.proxy(octets, "--policy", policy)
    run.send(step, "P1", "P2", one.out, form=form)
    two = p2.proxy(one.out)
    run.send(step, "P2", "UA2", two.out, form=form)
    opened = ua2.open(two.out, "--require", "both", "--me", AORS["UA2"])
    run.case(step + " E2M-C1, E2M-52: P1 reads what was shown to it and forwards the same octets", is_code(one, 0),
             same("view", digest(one.view), digest(shown)), same("forwarded by P1", one.out, octets))
    run.case(step + " E2M-G2, E2M-50, ADV-160: P2 forwards the same octets and cannot read", is_code(two, 0), same("forwarded by P2", two.out, octets),
             None if two.view is None else "P2 has a view", *p2.cannot_read_anything())
    run.case(step + " E2M-40: UA2 reads all of it", is_code(opened, 0), same("offer", digest(body(opened.out)), digest(offered)))
    if CRYPTO in offered:
        run.case(step + " E2M-C2, E2M-41: P1 never sees a key of media",
                 None if one.view and b"a=crypto" not in one.view and b"k=" not in one.view else "keys in P1's view",
                 "P1 can read them" if p1.can_read(octets, CRYPTO) else None)
    ok = ua2.seal(answer(octets, ANSWERED), "--to", run["UA1"].certificate)
    for source, target in (("UA2", "P2"), ("P2", "P1"), ("P1", "UA1")):
        run.send(step, source, target, ok.out, form="(private)")
    run.case(step + " UA1 gets its 200", is_code(ok, 0), is_code(run["UA1"].open(ok.out), 0))


def refusals_1(run, plain, refused, private, policy):
    ua1, p1 = run["UA1"], run["P1"]
    run.case("1.F1 E2M-34, E2M-35: a need of a host that is not on the list, nobody there to ask",
             is_code(ua1.retry(plain, refused, *private), POLICY, "may not view it"))
    stranger = run.folder / "stranger"
    run.must(sipveil("keygen", "ca", "--name", "Stranger", "-o", stranger))
    forged = run.folder / "forged.pem"
    run.must(sipveil("keygen", "cert", "--ca", stranger, "--host", HOSTS["P1"], "-o", forged))
    other = run.folder / "other.pem"
    run.must(sipveil("keygen", "cert", "--ca", run.folder / "ca", "--host", "ss9.home.example", "-o", other))
    sealed = ua1.seal(plain, *private).out
    by_stranger = sipveil("proxy", "--host", HOSTS["P1"], "--key", forged, "--from", "proto=tls", "--policy", policy, stdin=sealed)
    by_other = sipveil("proxy", "--host", "ss9.home.example", "--key", other, "--from", "proto=tls", "--policy", policy, stdin=sealed)
    renamed = by_other.out.replace(b"ss9.home.example", HOSTS["P1"].encode(), 1)
    grant = (*private, "--may-view", HOSTS["P1"])
    run.case("1.F2 ADV-148: a need with a certificate for another host", is_code(ua1.retry(plain, renamed, *grant), POLICY, "no certificate"))
    run.case("1.F2 a need with a certificate of nobody we trust",
             is_code(ua1.retry(plain, by_stranger.out, *grant), POLICY, "the certificate for ss1.home.example"))
    rows = run.case_file("refuse-unknown", b"ss1.home.example\n")
    unknown = p1.proxy(sealed, "--policy", rows)
    run.case("1.F3 E2M-35: a UA without e2m gets an ordinary 493 that requires nothing of it", is_code(unknown, ANSWER),
             None if unknown.out.startswith(b"SIP/2.0 493 Undecipherable") else "not a 493",
             "it requires something" if field(unknown.out, b"Require") else None)
    swapped = with_body(refused, body(by_stranger.out))
    run.case("1.F4 ADV-148: an attacker's certificate in P1's 493: fingerprint and chain",
             is_code(ua1.retry(plain, swapped, *grant), POLICY, "fingerprint"))
    no_print = re.sub(rb';fp="[^"]*"', b"", swapped)
    run.case("1.F4 and where the attacker cut the fingerprint off: the chain",
             is_code(ua1.retry(plain, no_print, *grant), POLICY, "the certificate for"))
    run.case("1.F5 P1 strips the envelope: UA2 expects a signature", is_code(
        sipveil("open", "--key", run["UA2"].key, "--trust", run.anchor, "--require", "signed", stdin=plain), VERIFY))


# ---- scenario 2: P1 may read both directions ----

def share_with_p1(run, octets, *more):
    return run["UA1"].seal(octets, "--to", run["UA2"].certificate, "--for",
                           "%s=%s" % (HOSTS["P1"], run["P1"].certificate), *more)


def begin_2(run, step, call=b"c1@home.example", path=("UA1", "P1", "P2", "UA2")):
    """2.1: INVITE with a key for three answers; returns the sealed octets."""
    sealed = share_with_p1(run, invite(OFFER, call=call), "--act", "both", "--keep", "--reply", "both", "--sign-label",
                           "--max-decrypts", "3", "--state", run["UA1"].state)
    octets = sealed.out
    run.case(step + " UA1 shares with P1 and UA2, and asks for answers that P1 can read", is_code(sealed, 0))
    for source, target in zip(path, path[1:]):
        run.send(step, source, target, octets, form="(shared, key kept)")
        if target.startswith("UA"):
            continue
        got = run[target].proxy(octets)
        if target == "P1":
            run.case(step + " E2M-C4, E2M-I1, E2M-I3, E2M-57: P1 verifies, reads, holds the key", is_code(got, 0),
                     same("view", digest(got.view), digest(OFFER)), same("forwarded", got.out, octets))
        else:
            run.case(step + " E2M-50: %s is not named: the body passes untouched" % target, is_code(got, 0),
                     same("forwarded", got.out, octets), None if got.view is None else "%s has a view" % target)
    opened = run["UA2"].open(octets, "--require", "both")
    run.case(step + " E2M-22, E2M-42: UA2 verifies and reads", is_code(opened, 0), same("offer", digest(body(opened.out)), digest(OFFER)))
    return octets


def reply_2(run, step, plain, reads=True, path=("UA2", "P2", "P1", "UA1"), reuse="last", wanted=ANSWERED):
    """An answer, or a later request of UA2, by the earlier key."""
    sealed = run["UA2"].seal(plain, "--reuse", reuse, "--state", run["UA2"].state)
    octets, is_request = sealed.out, not plain.startswith(b"SIP/2.0")
    run.case(step + " CEK-02, E2M-43: UA2 seals by the key of the INVITE, knowing no certificate of P1", is_code(sealed, 0),
             None if field(octets, b"Proxy-Required-Body") else "no label", "P1's certificate is at UA2" if
             any(b"ss1" in path_.read_bytes() for path_ in run["UA2"].folder.glob("*.crt")) else None)
    for source, target in zip(path, path[1:]):
        if sealed.code:
            return octets
        run.send(step, source, target, octets, form="(earlier key)")
        if target.startswith("UA"):
            break
        got = run[target].proxy(octets)
        if target == "P1" and not reads and is_request:
            run.send(step, "P1", source, got.out)
            rekey = field(got.out, b"Proxy-Body-Need") or b""
            run.case(step + " CEK-09: P1 has no such key any more: 493 rekey", is_code(got, ANSWER),
                     None if got.out.startswith(b"SIP/2.0 493 ") and b";rekey" in rekey else "need: %r" % rekey)
            return got.out
        if target == "P1" and not reads:
            run.case(step + " E2M-56: a response passes, P1 says that the key is lost", is_code(got, 0, "not held"),
                     same("forwarded", got.out, octets), None if got.view is None else "P1 has a view")
        elif target == "P1":
            run.case(step + " E2M-C5, E2M-I4: P1 reads and verifies it", is_code(got, 0), same("view", digest(got.view), digest(wanted)),
                     same("forwarded", got.out, octets))
        else:
            run.case(step + " %s cannot read it" % target, is_code(got, 0), same("forwarded", got.out, octets),
                     None if got.view is None else "%s has a view" % target, *run[target].cannot_read_anything())
    opened = run["UA1"].open(octets)
    run.case(step + " E2M-38: UA1 reads it", is_code(opened, 0), same("answer", digest(body(opened.out)), digest(wanted)),
             "a warning" if "did not disclose" in opened.err else None)
    return octets


def scenario_2():
    run = Run("Scenario 2: P1 may read both directions, P2 may not", "UA1", "P1", "P2", "UA2")
    first = begin_2(run, "2.1")
    reply_2(run, "2.2", answer(first, ANSWERED))
    reply_2(run, "2.3", from_far_end(b"MESSAGE", 1, b"hello " + MARKER, b"text/plain"), wanted=b"hello " + MARKER)
    before_third = len(run["UA2"].states)
    run["UA2"].remember()
    reply_2(run, "2.3", from_far_end(b"INVITE", 2, ANSWERED))
    fourth_2(run, before_third)
    lost_2(run)
    undisclosed_2(run)
    altered_2(run)
    return run


def fourth_2(run, before_third):
    told = run["UA2"].seal(from_far_end(b"MESSAGE", 3, ANSWERED), "--reuse", "last", "--state", run["UA2"].state)
    run.case("2.4 CEK-04: UA2 itself says that the key is used up", is_code(told, NO_KEY, "used up"))
    run["UA2"].put_back(before_third)
    again = run["UA2"].seal(from_far_end(b"MESSAGE", 3, ANSWERED), "--reuse", "last", "--state", run["UA2"].state)
    refused = run["P1"].proxy(again.out)
    run.send("2.4", "UA2", "P1", again.out, form="(earlier key, 4th)")
    run.send("2.4", "P1", "UA2", refused.out)
    run.case("2.4 ADV-173: a fourth use is refused by P1: 493 rekey", is_code(again, 0), is_code(refused, ANSWER),
             None if b";rekey" in (field(refused.out, b"Proxy-Body-Need") or b"") else "no rekey")
    run.case("2.4 CEK-05: and UA1 holds the key no more", is_code(run["UA1"].open(again.out), NO_KEY))


def lost_2(run):
    first = begin_2(run, "2.F1", call=b"f1@home.example")
    run["P1"].restart()
    reply_2(run, "2.F1", answer(first, ANSWERED), reads=False)
    plain = from_far_end(b"MESSAGE", 2, ANSWERED, call=b"f1@home.example")
    refused = reply_2(run, "2.F1", plain, reads=False)
    again = run["UA2"].retry(plain, refused, "--to", run["UA1"].certificate, "--may-view", HOSTS["P1"], "--keep",
                             "--state", run["UA2"].state)
    run.send("2.F1", "UA2", "P1", again.out, form="(shared, new key)")
    got = run["P1"].proxy(again.out)
    run.send("2.F1", "P1", "UA1", got.out, form="(shared, new key)")
    run.case("2.F1 CEK-09: after re-keying P1 and UA1 read again", is_code(again, ANSWER), is_code(got, 0),
             same("view", digest(got.view), digest(ANSWERED)), is_code(run["UA1"].open(again.out), 0))


def undisclosed_2(run):
    first = begin_2(run, "2.F2", call=b"f2@home.example")
    private = run["UA2"].seal(answer(first, ANSWERED), "--to", run["UA1"].certificate)
    opened = run["UA1"].open(private.out)
    run.case("2.F2 E2M-38: a private answer: UA1 is told that P1 was not shown it",
             is_code(opened, 0, "did not disclose to ss1.home.example"))
    begin_2(run, "2.F2", call=b"f2b@home.example")
    clear = run["UA1"].open(answer(invite(OFFER, call=b"f2b@home.example"), ANSWERED))
    run.case("2.F2 and of an answer in clear", is_code(clear, 0, "did not disclose to ss1.home.example"))


def altered_2(run):
    sealed = share_with_p1(run, invite(OFFER, call=b"f3@home.example"), "--act", "view", "--keep", "--reply", "both",
                           "--state", run["UA1"].state).out
    added = sealed.replace(b"Proxy-Required-Body: ", b'Proxy-Required-Body: ss2.other.example;cid="x@y", ', 1)
    changed = sealed.replace(b";keep", b";act=both;keep", 1)
    for what, octets in (("P2 adds a label with its own name", added), ("P2 changes act", changed)):
        run.case("2.F3 ADV-163, E2M-21: %s: UA2 finds another label in the signed copy" % what, is_code(run["UA2"].open(octets), MISMATCH))
    took = run["P2"].proxy(added)
    run.case("2.F3 P2 gains nothing: no part and no key is its own", None if took.view is None else "P2 has a view",
             *run["P2"].cannot_read_anything())

    run["P1"].proxy(sealed)
    elsewhere = sealed.replace(b"f3@home.example", b"f4@home.example", 1)
    refused = run["P1"].proxy(elsewhere)
    run.case("2.F4 ADV-146, ADV-170: P2 replays it in a new dialog: P1 refuses", is_code(refused, ANSWER), None if refused.view is None else "P1 has a view")
    again = run["P1"].proxy(sealed)
    run.case("2.F4 E2M-60: the same octets a moment later: forwarded, and not opened again", is_code(again, 0),
             same("forwarded", again.out, sealed), None if again.view is None else "P1 has a view")
    refused = run["P1"].proxy(sealed.replace(b"z9hG4bKa1", b"z9hG4bKx1", 1))
    run.case("2.F4 ADV-145: in the same dialog as another transaction: seen before", is_code(refused, ANSWER, "seen before"))
    got = run["UA2"].open(sealed)
    follow = run["UA2"].seal(answer(sealed, ANSWERED), "--reuse", "last", "--state", run["UA2"].state)
    run.case("2.F4 the keys that P1 holds are as they were", is_code(got, 0), same("view", digest(run["P1"].proxy(follow.out).view), digest(ANSWERED)))

    opened = sipveil("open", "--key", run["P1"].key, "--trust", run.anchor, "--layers", "2", "--emit", "entity", stdin=share_with_p1(run, invite(OFFER, call=b"f5@home.example")).out)
    inner = sipveil("open", "--key", run["P1"].key, "--trust", run.anchor, "--layers", "1", "--emit", "entity",
                    stdin=share_with_p1(run, invite(OFFER, call=b"f5@home.example")).out).out
    forged = inner.replace(b"192.0.2.1", b"203.0.113.9")
    rows, _, content = forged.partition(b"\r\n\r\n")
    resealed = sipveil("seal", "--quiet", "--mode", "payload", "--to", run["UA2"].certificate, "--to", run["P1"].certificate,
                       "--allow-unsigned-shared", stdin=message(b"INVITE sip:bob@other.example SIP/2.0", [
                           row for row in head(invite(OFFER, call=b"f5@home.example")).split(b"\r\n")[1:]
                           if not row.lower().startswith(b"content-")], content, rows.partition(b"Content-Type: ")[2]))
    run.case("2.F5 E2M-30: P1 changes the offer and seals it anew: the signature inside fails at UA2", is_code(opened, 0), is_code(resealed, 0),
             None if forged != inner else "nothing was changed", is_code(run["UA2"].open(resealed.out), VERIFY))

    for options in (("--form", "private"), ("--to", run["UA1"].certificate)):
        hidden = run["UA2"].seal(from_far_end(b"MESSAGE", 9, ANSWERED, call=b"f3@home.example"), *options, "--reuse", "last",
                                 "--state", run["UA2"].state)
        run.case("2.F6 ADV-177, E2M-37: a message that P1 must not read by a key that P1 has: %s" % options[0], is_code(hidden, POLICY, "a reader that this one is not for"))


# ---- scenario 3: a visited network ----

def scenario_3():
    run = Run("Scenario 3: through a visited network that routes, and reads nothing", "UA1", "PA", "P1", "P2", "UA2")
    there = ("UA1", "PA", "P1", "P2", "UA2")
    first = begin_2(run, "3.1", path=there)
    run.case("3.1 PA sees where it goes, and cannot read", None if b"Route" not in head(first) and field(first, b"To") else "no To",
             *run["PA"].cannot_read_anything())
    reply_2(run, "3.2", answer(first, ANSWERED), path=tuple(reversed(there)))
    for name in ("PA", "P2"):
        run.case("3.2 %s cannot read anything that it saw" % name, *run[name].cannot_read_anything())
    hidden_3(run)
    access_3(run, first)
    refusals_3(run)
    return run


def hidden_3(run):
    """3.3: From and Subject only inside."""
    plain = invite(OFFER, call=b"h3@home.example", more=(b"Subject: the merger",))
    sealed = sipveil("seal", "--quiet", "--mode", "tunnel", "--hide", "From,Subject", "--to", run["UA2"].certificate, "--to",
                     run["P1"].certificate, "--sign-with", run["UA1"].key, stdin=plain)
    octets = sealed.out
    for source, target in zip(("UA1", "PA", "P1", "P2"), ("PA", "P1", "P2", "UA2")):
        run.send("3.3", source, target, octets, form="(tunnel)", secret=b"the merger")
        if target in ("PA", "P2"):
            got = run[target].proxy(octets)
            run.case("3.3 TUN-42: %s routes by what is outside and sees neither From nor Subject" % target, is_code(got, 0), same("forwarded", got.out, octets),
                     "From is seen" if b"alice@" in head(octets).split(b"Contact")[0] else None,
                     *run[target].cannot_read_anything(b"the merger"))
        else:
            opened = run[target].open(octets)
            run.case("3.3 %s sees the real From and Subject" % target, is_code(opened, 0),
                     None if b"From: Alice" in opened.out and b"Subject: the merger" in opened.out else "not there")


def access_3(run, first):
    """3.4: the leg to PA sealed by a key that UA1 and PA share, around everything."""
    kek = run.folder / "access.jwk"
    run.must(sipveil("keygen", "kek", "--id", "access", "-o", kek))
    run["PA"].more_keys.append(kek)
    sealed = sipveil("seal", "--quiet", "--profile", "pcscf", "--to", kek, stdin=first)
    run.send("3.4", "UA1", "PA", sealed.out, form="(P-CSCF layer)")
    run["PA"].seen.append(sealed.out)
    opened = sipveil("open", "--profile", "pcscf", "--key", kek, "--layers", "1", stdin=sealed.out)
    run.send("3.4", "PA", "P1", opened.out, form="(shared, key kept)")
    run.case("3.4 TUN-70: PA opens its one layer and forwards the rest octet by octet", is_code(sealed, 0), is_code(opened, 0),
             same("forwarded", opened.out, first))
    wrong = [result for octets in run["PA"].seen for result in run["PA"].attempts(octets) if MARKER in result.out]
    run.case("3.4 and still cannot read the offer", "it can" if wrong else None)


def without_recipient(octets, certificate):
    """The message with that certificate's RecipientInfo cut out of the envelope: nothing authenticates the set."""
    key_id = subprocess.run(["openssl", "x509", "-in", str(certificate), "-noout", "-ext", "subjectKeyIdentifier"],
                            capture_output=True, text=True, check=True).stdout.splitlines()[1].strip()
    wanted = bytes.fromhex(key_id.replace(":", ""))

    def header(data, at):
        length, size = data[at + 1], 2
        if length & 0x80:
            size += length & 0x7F
            length = int.from_bytes(data[at + 2:at + size], "big")
        return at + size, at + size + length

    def wrap(tag, content):
        length = len(content)
        long = length.to_bytes((length.bit_length() + 7) // 8, "big")
        return bytes([tag]) + (bytes([length]) if length < 128 else bytes([0x80 | len(long)]) + long) + content

    def items(data):
        at, found = 0, []
        while at < len(data):
            _, end = header(data, at)
            found.append(data[at:end])
            at = end
        return found

    def content(item):
        start, end = header(item, 0)
        return item[start:end]

    oid, explicit = items(content(body(octets)))
    version, recipients, *rest = items(content(content(explicit)))
    kept = [item for item in items(content(recipients)) if wanted not in item]
    inner = wrap(0x30, b"".join([version, wrap(0x31, b"".join(kept)), *rest]))
    return with_body(octets, wrap(0x30, oid + wrap(0xA0, inner)))


def refusals_3(run):
    ua1, pa, p1 = run["UA1"], run["PA"], run["P1"]
    plain, private = invite(OFFER, call=b"r3@home.example"), ("--to", run["UA2"].certificate)
    hop = ("--for", "%s=%s" % (HOSTS["P1"], p1.certificate))
    rows = run.case_file("pa-policy", b"pa.visited.example;need=view\n")
    refused = pa.proxy(ua1.seal(plain, *private, *hop).out, "--policy", rows)
    run.case("3.F1 PA demands to view, with a certificate that is good", is_code(refused, ANSWER))
    run.case("3.F1 E2M-34: it is not on the list: the call fails",
             is_code(ua1.retry(plain, refused.out, *private, *hop, "--may-view", HOSTS["P1"]), POLICY, "may not view it"))
    run.case("3.F1 E2M-34: the user may grant it for this call",
             is_code(ua1.retry(plain, refused.out, *private, *hop, "--may-view", HOSTS["PA"]), ANSWER))

    policy = run.case_file("policy", ROW)
    grant = (*private, *hop, "--may-view", HOSTS["P1"], "--state", ua1.state)
    for signed in ((), ("--sign-label",)):
        labelled = ua1.seal(plain, *private, *hop, *signed)
        cut = without_field(labelled.out, b"Proxy-Required-Body")
        refused = p1.proxy(cut, "--policy", policy)
        run.case("3.F2 E2M-54: PA removes the %slabel: P1 is not named, its row refuses with the need" % ("signed " if signed else ""),
                 is_code(refused, ANSWER), None if refused.out.startswith(b"SIP/2.0 493 ") and field(refused.out, b"Proxy-Body-Need") else "no 493 with a need")
    shown = sipveil("retry", "--request", run.case_file("r3", plain + b"tail"), "--trust", run.anchor, "--sign-with", ua1.key, *grant, stdin=refused.out + b"end")
    run.case("3.F2 E2M-34: UA1 is told that something was removed, and tries once more", is_code(shown, ANSWER, "removed on the way"))
    run.case("3.F2 ADV-005: retry tells of octets after either message", is_code(
        shown, ANSWER, "4 octets after the Content-Length of the request", "3 octets after the Content-Length of the response"))
    run.case("3.F2 E2M-34: and no second time", is_code(ua1.retry(plain, refused.out, *grant), POLICY, "once already"))

    plain = invite(OFFER, call=b"r4@home.example")
    dropped = without_recipient(ua1.seal(plain, *private, *hop).out, p1.certificate)
    refused = p1.proxy(dropped, "--policy", policy)
    run.case("3.F3 E2M-53: PA drops P1 from the recipients: named, and no entry: 493", is_code(refused, ANSWER, "no recipient of it is ours"),
             None if refused.out.startswith(b"SIP/2.0 493 ") else "no 493")
    once = ua1.retry(plain, refused.out, *grant)
    second = p1.proxy(without_recipient(once.out, p1.certificate)) if once.out else once
    twice = ua1.retry(plain, second.out, *grant)
    run.case("3.F3 UA1 tries once more, then fails", is_code(once, ANSWER), is_code(twice, POLICY, "once already"))
    junk = message(b"INVITE sip:bob@other.example SIP/2.0", [
        row for row in head(dropped).split(b"\r\n")[1:] if not row.lower().startswith((b"content-length", b"content-type"))],
        b"\x30\x03junk" * 50, b"application/pkcs7-mime; smime-type=authEnveloped-data")
    unauthenticated = p1.proxy(share_with_p1(run, plain).out, link="proto=udp,addr=192.0.2.66")
    run.case("3.F4 E2M-20, E2M-59: a label that nobody vouches for: nothing is opened", is_code(unauthenticated, 0), None if unauthenticated.view is None else "opened")
    flooded = [p1.proxy(junk, link="proto=udp,addr=192.0.2.66") for _ in range(5)]
    run.case("3.F4 junk under a label is forwarded or refused, never opened",
             *("exit %d" % got.code for got in flooded if got.code not in (0, ANSWER) or got.view is not None))


SCENARIOS = {"e2m-1": scenario_1, "e2m-2": scenario_2, "e2m-3": scenario_3}
