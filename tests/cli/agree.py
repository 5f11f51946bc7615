"""sipveil agree: a client and its next hop as two state files, and somebody between them who may change what they say."""
import fcntl
import json
import os
import pathlib
import re
import stat
import subprocess

from lab import ANSWER, MALFORMED, OK, POLICY, PROGRAM, USAGE, Cases, Lab, complaints_about, in_parallel, sipveil, split

lab = Lab()
PROFILES = ("rfc3329", "draft05", "draft04", "3gpp")
AT = "2026-11-27T12:00:00Z"
INVITE = b"\r\n".join([
    b"INVITE sip:bob@home.example SIP/2.0", b"Via: SIP/2.0/TCP ua.home.example;branch=z9hG4bKfirst", b"Max-Forwards: 70",
    b"From: Alice <sip:alice@home.example>;tag=a1", b"To: <sip:bob@home.example>", b"Call-ID: c1@home.example", b"CSeq: 1 INVITE",
    b"Contact: <sip:alice@ua.home.example>", b"Content-Type: application/sdp", b"Content-Length: 5", b"", b"v=0\r\n"])
CREDENTIALS = lab.write("credentials", b"# realm, user, password\nhome.example\talice\ts3cret\n", 0o600)


def digest(profile):
    return "digest-integrity" if profile == "draft04" else "digest"


def list_of(profile):
    return "tls;q=0.2, digest-integrity;q=0.1;alg=MD5" if profile == "draft04" else "tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth"


class Pair:
    """The two ends. What a call says is kept in `said`."""
    made = 0

    def __init__(self, profile, ours, theirs=None, policy="must"):
        Pair.made += 1
        self.profile, self.ours, self.theirs, self.policy = profile, ours, theirs or list_of(profile), policy
        self.client, self.server = lab.path("client-%d" % Pair.made), lab.path("server-%d" % Pair.made)
        self.report = lab.path("report-%d" % Pair.made)
        self.at = AT

    def call(self, *words, message=b""):
        self.said = sipveil("agree", *words, "--at", self.at, "--report", self.report, stdin=message)
        return self.said

    def offer(self, message=INVITE, *more):
        return self.call("offer", "--list", self.ours, "--profile", self.profile, "--policy", self.policy, "--state", self.client, *more,
                         message=message).out

    def check(self, message, protected_by="none", *more):
        return self.call("check", "--list", self.theirs, "--profile", self.profile, "--realm", "home.example", "--credentials", CREDENTIALS,
                         "--state", self.server, "--protected-by", protected_by, *more, message=message).out

    def choose(self, message, over="none", *more):
        return self.call("choose", "--state", self.client, "--credentials", CREDENTIALS, "--received-over", over, *more, message=message).out

    def protect(self, message, *more):
        return self.call("protect", "--state", self.client, "--credentials", CREDENTIALS, *more, message=message).out

    def event(self, word):
        return self.call("event", "--state", self.client, word).out

    def rules(self):
        return [(check["rule"], check["result"]) for check in json.loads(self.report.read_bytes())["checks"]]


def yes_to(request):
    rows = [row for name, row in split(request)[1] if name in (b"via", b"from", b"to", b"call-id", b"cseq")]
    return b"\r\n".join([b"SIP/2.0 200 OK", *rows, b"Content-Length: 0", b"", b""])


def expect(result, code, *words):
    """Complaints about the exit code and the words of a call."""
    bad = [] if result.code == code else ["exit %d instead of %d: %s" % (result.code, code, result.err.strip())]
    return bad + ["does not say '%s': %s" % (word, result.err.strip()) for word in words if word not in result.err]


LISTS = {b"security-client", b"security-verify", b"require", b"proxy-require"}


def names_of(message):
    return {name for name, _ in split(message)[1]}


def agree_on_digest(profile):
    """An agreement that holds; complaints, and the pair."""
    pair, bad = Pair(profile, digest(profile)), []
    one = pair.offer()
    bad += expect(pair.said, OK) + ([] if b"\r\nSecurity-Client: " in one and b"\r\nProxy-Require: sec-agree\r\n" in one else ["offer: %r" % one])
    refusal = pair.check(one)
    bad += expect(pair.said, ANSWER)
    two = pair.choose(refusal)
    bad += expect(pair.said, ANSWER)
    onward = pair.check(two)
    bad += expect(pair.said, OK) + (["still there: %r" % onward] if names_of(onward) & LISTS else [])
    pair.choose(yes_to(two))
    bad += expect(pair.said, OK) + (["output: %r" % pair.said.out] if pair.said.out else [])
    return pair, bad, two


def whole_agreements(cases):
    for profile, (pair, bad, _) in zip(PROFILES, in_parallel(agree_on_digest, PROFILES)):
        cases.case("%s: an agreement on %s, five calls" % (profile, digest(profile)), bad)
        message = INVITE.replace(b"INVITE", b"OPTIONS").replace(b"first", b"second").replace(b"1 OPTIONS", b"9 OPTIONS")
        later = pair.protect(message)
        bad = expect(pair.said, OK) + ([] if b"nc=00000002" in later and b"\r\nSecurity-Verify: tls;q=0.2, " in later else [repr(later)])
        pair.check(later)
        bad += expect(pair.said, OK)
        mode = stat.S_IMODE(os.stat(pair.client).st_mode), stat.S_IMODE(os.stat(pair.server).st_mode)
        cases.case("%s: a later request; both state files are 0600" % profile, bad + ([] if mode == (0o600, 0o600) else [repr(mode)]))
        pair.event("expired")
        bad = expect(pair.said, OK)
        pair.protect(message)
        cases.case("%s: expired: nothing is sent without a new agreement" % profile, bad + expect(pair.said, POLICY, "nothing is sent"))


def on_tls(profile):
    pair = Pair(profile, "tls, " + digest(profile))
    refusal = pair.check(pair.offer())
    two = pair.choose(refusal)
    bad = expect(pair.said, ANSWER) + ([] if b"\r\nSecurity-Verify: tls;q=0.2, " in two else [repr(two)])
    pair.protect(INVITE)
    bad += expect(pair.said, POLICY, "starting")
    pair.event("up")
    bad += expect(pair.said, OK)
    pair.check(two, "tls")
    bad += expect(pair.said, OK) + ([] if ("AGR-12", "passed") in pair.rules() else [repr(pair.rules())])
    pair.choose(yes_to(two), "none")  # a forged answer, outside
    bad += expect(pair.said, OK, "ignored") + ([] if json.loads(pair.report.read_bytes())["state"] == "confirming" else ["not confirming"])
    pair.choose(yes_to(two), "tls")
    bad += expect(pair.said, OK) + ([] if json.loads(pair.report.read_bytes())["state"] == "active" else ["not active"])
    pair.event("down")
    return bad + expect(pair.said, OK) + ([] if json.loads(pair.report.read_bytes())["state"] == "idle" else ["not idle"])


def strong_entry_deleted(profile):
    """T-01: refused; the true list has something stronger; deleted again: tampered."""
    pair = Pair(profile, "tls, " + digest(profile))
    two = pair.choose(pair.check(pair.offer()).replace(b"tls;q=0.2, ", b""))
    bad = expect(pair.said, ANSWER) + ([] if b"\r\nSecurity-Verify: digest" in two else [repr(two)])
    refusal = pair.check(two)
    bad += expect(pair.said, ANSWER, "Security-Verify") + ([] if ("AGR-12", "failed") in pair.rules() else [repr(pair.rules())])
    before = pair.client.read_bytes()
    pair.choose(refusal)
    bad += expect(pair.said, ANSWER, "somebody changed it")
    pair.client.write_bytes(before)
    pair.choose(refusal.replace(b"tls;q=0.2, ", b""))
    return bad + expect(pair.said, POLICY, "E_TAMPERED") + (["output"] if pair.said.out else [])


def bid_down(profile):
    """T-02: by our own order the true list would give something weaker."""
    pair = Pair(profile, digest(profile) + ", tls")
    two = pair.choose(pair.check(pair.offer()).replace(b"tls;q=0.2", b"tls;q=0.05"))
    refusal = pair.check(two)
    pair.choose(refusal)
    bad = expect(pair.said, POLICY, "E_BID_DOWN")
    pair.protect(INVITE)
    return bad + expect(pair.said, POLICY, "failed")


def verify_repaired(profile):
    """T-04"""
    pair = Pair(profile, "tls, " + digest(profile))
    two = pair.choose(pair.check(pair.offer()).replace(b"tls;q=0.2, ", b""))
    pair.check(two.replace(b"\r\nSecurity-Verify: ", b"\r\nSecurity-Verify: tls;q=0.2, ", 1))
    return expect(pair.said, ANSWER, "inside" if profile == "draft04" else "d-ver")


def replayed(profile):
    """T-05, T-20"""
    pair, bad, two = agree_on_digest(profile)
    again = pair.check(two)
    return bad + expect(pair.said, ANSWER, "seen before") + ([] if b"stale=true" in again else [repr(again)])


def lists_that_are_refused(profile):
    """T-08, T-11, ADV-182"""
    bad = []
    for change, word in ((lambda m: re.sub(rb"Security-Server: [^\r]*\r\n", b"", m), "E_SYNTAX"),
                         (lambda m: m.replace(b"tls;q=0.2", b"tls;q=0.10"), "E_DUP_Q"), (lambda m: m.replace(b"tls;q=0.2", b"tls;q=1.2"), "E_SYNTAX"),
                         (lambda m: re.sub(rb"Security-Server: [^\r]*", b"Security-Server: rot13", m), "E_NO_COMMON"),
                         (lambda m: re.sub(rb"Security-Server: ", b"Security-Server: " + b"a" * 4096 + b", ", m), "E_LIMIT")):
        pair = Pair(profile, "tls, " + digest(profile))
        pair.choose(change(pair.check(pair.offer())))
        bad += expect(pair.said, POLICY, word)
    pair = Pair(profile, digest(profile))
    pair.choose(re.sub(rb"[A-Za-z]+-Authenticate: [^\r]*\r\n", b"", pair.check(pair.offer())))
    return bad + expect(pair.said, POLICY, "E_ABORTED")


def forged_yes(profile):
    """T-09"""
    pair = Pair(profile, "tls")
    pair.choose(yes_to(pair.offer()))
    bad = expect(pair.said, POLICY, "E_NOT_OFFERED", "hint: it knows no security agreement, or somebody removed its answer")
    pair = Pair(profile, "tls", policy="may")
    pair.choose(yes_to(pair.offer()))
    return bad + expect(pair.said, OK, "unprotected")


def torn_down(profile):
    """T-10"""
    pair = Pair(profile, "tls, " + digest(profile))
    pair.choose(pair.check(pair.offer()))
    pair.event("down")
    bad = expect(pair.said, POLICY, "E_MECH")
    pair.event("up")
    return bad + expect(pair.said, USAGE, "state failed")


def two_via_values(profile):
    """T-12, D-03"""
    pair = Pair(profile, "tls")
    answer = pair.check(pair.offer().replace(b"bKfirst", b"bKfirst, SIP/2.0/UDP b.example;branch=z9hG4bKb"))
    status = b" 494 " if profile in ("draft04", "draft05") else b" 502 "
    bad = expect(pair.said, ANSWER) + ([] if status in answer.split(b"\r\n")[0] else [repr(answer)])
    return bad + (["two Via left"] if profile == "draft04" and b"b.example" in answer else [])


def what_goes_on(profile):
    """T-16"""
    pair = Pair(profile, "tls, " + digest(profile))
    two = pair.choose(pair.check(pair.offer()))
    onward = pair.check(two.replace(b"\r\nRequire: sec-agree", b"\r\nRequire: sec-agree, 100rel"), "tls")
    return expect(pair.said, OK) + ([] if b"\r\nRequire: 100rel\r\n" in onward and b"Security-" not in onward and onward.endswith(b"v=0\r\n") else [repr(onward)])


def loop(profile):
    """T-19"""
    pair, bad = Pair(profile, "tls"), []
    last = pair.offer()
    for i in range(5):
        refusal = yes_to(last).replace(b"200 OK", b"494 Security Agreement Required\r\nSecurity-Server: tls;q=0.%d" % (i % 2 + 1))
        following = pair.choose(refusal, "tls" if i else "none")
        bad += expect(pair.said, POLICY if i == 4 else ANSWER, *(["E_LOOP"] if i == 4 else []))
        if i < 4:
            last = following
            pair.event("up")
    return bad


def ack_and_cancel(profile):
    """T-22"""
    pair, bad, two = agree_on_digest(profile)
    ack = INVITE.replace(b"INVITE sip", b"ACK sip").replace(b"1 INVITE", b"2 ACK")
    onward = pair.protect(ack)
    bad += expect(pair.said, OK) + ([] if b"\r\nSecurity-Verify: tls" in onward else [repr(onward)])
    passed = pair.check(onward.replace(b"Verify: tls;q=0.2", b"Verify: tls;q=0.9"))
    bad += expect(pair.said, OK, "warning") + ([] if passed.startswith(b"ACK sip:") and b"Security-" not in passed else [repr(passed)])
    cancel = INVITE.replace(b"INVITE sip", b"CANCEL sip").replace(b"1 INVITE", b"2 CANCEL")
    onward = pair.protect(cancel)
    bad += expect(pair.said, OK) + ([] if b"sec-agree" not in onward and b"Security-" not in onward else [repr(onward)])
    pair.check(onward)
    return bad + expect(pair.said, OK)


def smime(profile):
    """The certificate in the 494, the sealed request; T-17, T-18, T-20."""
    def sealed_pair():
        pair = Pair(profile, "smime", "tls;q=0.9, smime;q=0.7")
        return pair, pair.check(pair.offer(), "none", "--key", lab.path("p1.home.example.pem"), "--trust", lab.path("ca/ca.pem"))
    mine = ("--key", lab.path("alice.pem"), "--trust", lab.path("ca/ca.pem"), "--next-hop", "p1.home.example")
    server = ("none", "--key", lab.path("p1.home.example.pem"), "--trust", lab.path("ca/ca.pem"))
    pair, refusal = sealed_pair()
    two = pair.choose(refusal, "none", *mine)
    bad = expect(pair.said, ANSWER) + ([] if b"application/pkcs7-mime" in two and b"v=0" not in two and b"\r\nSecurity-Verify: " in two else [repr(two)])
    onward = pair.check(two, *server)
    bad += expect(pair.said, OK) + ([] if onward.endswith(b"\r\n\r\nv=0\r\n") and b"Security-" not in onward else [repr(onward)])
    pair.check(two, *server)
    bad += expect(pair.said, ANSWER)  # T-20
    pair, refusal = sealed_pair()
    pair.choose(refusal, "none", *mine[:-1], "other.home.example")
    bad += expect(pair.said, POLICY, "E_CERT")  # T-17
    pair, refusal = sealed_pair()
    two = pair.choose(refusal.replace(b"tls;q=0.9, ", b""), "none", *mine)
    pair.check(two.replace(b"\r\nSecurity-Verify: ", b"\r\nSecurity-Verify: tls;q=0.9, "), *server)
    return bad + expect(pair.said, ANSWER, "inside")  # T-18


ATTACKS = (on_tls, strong_entry_deleted, bid_down, verify_repaired, replayed, lists_that_are_refused, forged_yes, torn_down, two_via_values,
           what_goes_on, loop, ack_and_cancel, smime)


def attacks(cases):
    lab.authority()
    lab.identity("p1.home.example", None, "ca", "--not-before", "2026-11-01T00:00:00Z", "--not-after", "2026-12-31T00:00:00Z")
    lab.identity("alice", "sip:alice@home.example", "ca", "--not-before", "2026-11-01T00:00:00Z", "--not-after", "2026-12-31T00:00:00Z")
    rows = [(attack, profile) for attack in ATTACKS for profile in PROFILES]
    for (attack, profile), bad in zip(rows, in_parallel(lambda row: row[0](row[1]), rows)):
        cases.case("%s: %s" % (profile, attack.__name__.replace("_", " ")), bad)


def usage(cases):
    """What is wrong with a call is said once, and nothing is written."""
    state = lab.path("usage-state")
    open_file = lab.write("open-credentials", b"r\tu\tp\n", 0o644)
    bad_line = lab.write("bad-credentials", b"r u p\n", 0o600)
    no_line = lab.write("no-credentials", b"# realm, user, password\n", 0o600)
    damaged = lab.write("damaged", b"sipveil agreement 1\nstate 1\n9\n", 0o600)
    check = ("check", "--list", "tls;q=0.2")
    rows = [
        ((), USAGE, "what to do is missing"), (("argue",), USAGE, "'argue' is none of"), (("offer", "--state", state), USAGE, "--list LIST is needed"),
        (("offer", "--list", "tls"), USAGE, "--state FILE is needed"), (("offer", "--list", "rot13", "--state", state), USAGE, "no mechanism \"rot13\""),
        (("offer", "--list", "tls;;", "--state", state), USAGE, "without a name"), (("offer", "--list", "tls", "--state", "-"), USAGE, "standard output"),
        (("offer", "--list", "tls", "--profile", "draft06", "--state", state), USAGE, "--profile does not take 'draft06'"),
        (("offer", "--list", "tls", "--policy", "required", "--state", state), USAGE, "--policy does not take 'required'"),
        (("choose", "--state", lab.path("none-there")), USAGE, "there is no agreement"), (("choose", "--state", damaged), USAGE, "damaged"),
        (("choose", "--state", lab.folder), USAGE, "is no regular file"),
        (("choose", "--state", state, "--print-xfrm"), USAGE, "go together"), (("event", "--state", state), USAGE, "up, down or expired"),
        (("event", "--state", state, "sideways"), USAGE, "'sideways' is none of what happens: up, down or expired"), (("check",), USAGE, "--list LIST is needed"),
        (("check", "--list", "tls, digest"), USAGE, "the same q, 1.000"), ((*check, "--realm", "r"), USAGE, "go together"),
        ((*check, "--policy", "must"), USAGE, "--policy does not take 'must'"), ((*check, "--role", "king"), USAGE, "--role does not take 'king'"),
        ((*check, "--realm", "r", "--credentials", open_file), USAGE, "read or written by others"),
        ((*check, "--realm", "r", "--credentials", lab.folder), USAGE, "it is a folder, and a file is wanted"),
        ((*check, "--realm", "r", "--credentials", bad_line), USAGE, "line 1 is no line of credentials"),
        ((*check, "--realm", "r", "--credentials", no_line), USAGE, "holds no credentials"),
        ((*check, "--protected-by", "tsl"), USAGE, 'protected by "tsl", which is no mechanism'),
        ((*check, "--protected-by", "sdes-srtp"), USAGE, 'protected by "sdes-srtp", which is no mechanism'),
        (("offer", "--list", "tls bar", "--state", state), USAGE, 'has "bar" where a comma or the end would be'),
        ((*check, "--nonce-lifetime", "0"), USAGE, "--nonce-lifetime does not take '0'"),
    ]
    for words, code, text in rows:
        result = sipveil("agree", *words, stdin=INVITE)
        cases.case("agree %s: exit %d" % (" ".join(str(word) for word in words), code),
                   complaints_about(result, " ".join(["agree"] + [str(word) for word in words[:1] if text[:8] != "'argue' " and words]), code, text))
    left = [str(path) for name in ("usage-state", "none-there", "damaged.") for path in lab.folder.glob(name + "*")]
    left += [str(path) for path in lab.folder.parent.glob(lab.folder.name + ".lock")]
    cases.case("agree: where there is no state no lock is left", left)
    result = sipveil("agree", *check, stdin=b"INVITE\r\n\r\n")
    cases.case("agree check: not SIP", complaints_about(result, "agree check", MALFORMED))
    result = sipveil("agree", "check", "--list", "tls;q=0.2", "--policy", "off", stdin=INVITE)
    cases.case("agree check: security agreement is off, the message stays as it is", [] if result.code == OK and result.out == INVITE else [repr(result)])


def locks(cases):
    """A lock that has lost its name, as its state was never written, locks nothing: whoever waited for it takes the next one."""
    name, state, lock = "agree: a lock without a name locks nothing", lab.path("locked-state"), lab.path("locked-state.lock")
    if not os.access("/proc/locks", os.R_OK):
        cases.skip(name, "/proc/locks does not tell who waits")
        return
    with open(lock, "wb") as old:
        fcntl.flock(old, fcntl.LOCK_EX)
        with subprocess.Popen([PROGRAM, "agree", "event", "--state", state, "up"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as waiting:
            wrong = [] if waits_for(waiting, lock) else ["it does not wait for the lock"]
            lock.unlink()
            with open(lock, "wb") as new:
                fcntl.flock(new, fcntl.LOCK_EX)
                old.close()
                wrong += [] if waits_for(waiting, lock) else ["it went on without the lock"]
            _, said = waiting.communicate(timeout=60)
    cases.case(name, wrong + ([] if waiting.returncode == USAGE and b"no agreement" in said and not lock.exists() else [repr(said)]))


def waits_for(process, path):
    """Whether the process comes to wait for the lock on that file: it ends, or it does."""
    inode = ":%d" % os.stat(path).st_ino
    while process.poll() is None:
        for line in pathlib.Path("/proc/locks").read_text(encoding="ascii").splitlines():
            words = line.split()
            if words[1] == "->" and words[6].endswith(inode):
                return True
    return False


def main():
    cases = Cases()
    whole_agreements(cases)
    attacks(cases)
    usage(cases)
    locks(cases)
    cases.leave()


if __name__ == "__main__":
    main()
