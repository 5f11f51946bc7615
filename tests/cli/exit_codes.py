"""Every exit code by at least five causes that have nothing to do with each other: the table of sipveil(1), walked through.

The causes of one code differ in what they say, except where saying the same is the point (5: a wrong key and an altered
message must not be told apart)."""
import datetime
import os
import re
import resource
import signal
import subprocess

from lab import (ALICE, ANSWER, BOB, CANNOT_DECRYPT, INVITE, IO, MALFORMED, MISMATCH, NO_KEY, OK, POLICY, PROGRAM, UNTRUSTED,
                 USAGE, VERIFY, Cases, Lab, Result, in_parallel, outer, sipveil, split, substitute)

LEAST = 5
lab = Lab()
KEK, OTHER = lab.kek("ims-ck-1"), lab.kek("ims-ck-2")
CA = lab.authority()
lab.authority("strangers")
SIGNER, BOB_KEY = lab.identity("alice", ALICE), lab.identity("bob", BOB)
SAME_ID = lab.path("same-id.jwk")
lab.keygen("kek", "--id", "ims-ck-1", "-o", SAME_ID)
SHORT_ID = lab.path("short.jwk")
lab.keygen("kek", "--bits", "128", "--id", "ims-ck-1", "-o", SHORT_ID)
PASSWORD, WRONG_PASSWORD = lab.write("right", b"right", 0o600), lab.write("wrong", b"wrong", 0o600)
OPEN = ("--key", KEK, "--trust", CA)
START, FIELDS, _ = split(INVITE)
PLAIN = [row for name, row in FIELDS if not name.startswith(b"content-")]


def seal(*options, message=INVITE):
    sealed = sipveil("seal", "--quiet", *options, stdin=message)
    if sealed.code != OK:
        raise RuntimeError("seal %s: %r" % (options, sealed))
    return sealed.out


def changed(message, from_end):
    octets = bytearray(message)
    octets[-from_end] ^= 4
    return bytes(octets)


GCM, CBC = seal("--to", KEK), seal("--to", KEK, "--cipher", "aes-128-cbc")
SIGNED, OPAQUE = seal("--sign-with", SIGNER), seal("--sign-with", SIGNER, "--opaque")
BOTH = seal("--to", KEK, "--sign-with", SIGNER)
BY_PASSWORD = seal("--to", "pass:%s" % PASSWORD)
FOR_BOB = seal("--to", lab.crt("bob"))
SEEN = lab.path("seen.state")
sipveil("open", *OPEN, "--state", SEEN, stdin=BOTH)


def no_room():
    """A disk that is full: no file grows."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def in_days(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def row(cause, verb, options, message=INVITE, **how):
    return cause, verb, options, message, how


def table():
    """{exit code: rows}"""
    full = {"stdout": "/dev/full"}
    mallory = seal("--sign-with", lab.identity("mallory", "sip:mallory@atlanta.example.com", "ca"))
    stranger = seal("--sign-with", lab.identity("stranger", ALICE, "strangers"))
    short = seal("--sign-with", lab.identity("short", ALICE, "ca", "--not-after", in_days(2)))
    dates = re.search(rb"\r\nDate: [^\r]+", SIGNED.partition(b"\r\n\r\n")[0]).group(0)
    return {
        IO: [
            row("no such message", "open", (*OPEN, lab.path("missing.sip"))),
            row("the message is a folder", "inspect", (lab.folder,)),
            row("no such folder for the result", "open", (*OPEN, "-o", lab.path("nowhere") / "out.sip"), GCM),
            row("a full disk", "open", (*OPEN, "-o", lab.path("full.sip")), GCM, preexec_fn=no_room),
            row("standard output does not take it", "inspect", (), INVITE, **full),
            row("no such folder for the report", "open", (*OPEN, "--report", lab.path("nowhere") / "report.json"), GCM),
            row("no such folder for the state", "open", (*OPEN, "--state", lab.path("nowhere") / "state"), GCM)],
        USAGE: [
            row("a certificate of a hop that is not there", "proxy", ("--host", "a.example", "--from", "proto=tls,cert=%s" % lab.path("missing.crt"))),
            row("a signer of a hop that is not there", "proxy", ("--host", "a.example", "--from", "signer=%s" % lab.path("missing.crt"))),
            row("an option that is not there", "open", ("--no-such-option",)),
            row("nothing would be protected", "seal", ()),
            row("no such key", "open", ("--key", lab.path("missing.jwk")), GCM),
            row("a key that others can read", "open", ("--key", lab.write("public.jwk", KEK.read_bytes(), 0o644)), GCM),
            row("a time that is none", "open", ("--at", "yesterday"), GCM),
            row("the output exists", "open", (*OPEN, "-o", KEK), GCM),
            row("a value given twice", "open", ("--me", ALICE, "--me", BOB), GCM)],
        MALFORMED: [
            row("empty", "open", OPEN, b""),
            row("no SIP", "open", OPEN, bytes(range(256))),
            row("cut short", "open", OPEN, GCM[:-10]),
            row("two From", "open", OPEN, substitute(GCM, b"Max-Forwards", b"f: <sip:eve@e.example>;tag=1\r\nMax-Forwards")),
            row("no CMS", "open", OPEN, outer(START, PLAIN, b"application/pkcs7-mime; smime-type=enveloped-data", b"hello")),
            row("a multipart that never ends", "open", OPEN, outer(START, PLAIN, b"multipart/mixed; boundary=b", b"--b\r\n\r\nx\r\n")),
            row("a type that is not handled", "open", OPEN, outer(START, PLAIN, b"message/external-body; access-type=URL", b"x\r\n"))],
        NO_KEY: [
            row("no key at all", "open", (), GCM),
            row("a shared key of another name", "open", ("--key", OTHER), GCM),
            row("another's certificate", "open", ("--key", SIGNER), FOR_BOB),
            row("a certificate instead of a shared key", "open", ("--key", BOB_KEY), GCM),
            row("a key instead of a password", "open", OPEN, BY_PASSWORD),
            row("only the certificate is here", "open", ("--cert", lab.crt("bob")), FOR_BOB)],
        CANNOT_DECRYPT: [
            row("a wrong key of the right name", "open", ("--key", SAME_ID), GCM),
            row("a shorter key of the right name", "open", ("--key", SHORT_ID), CBC),
            row("an altered tag", "open", OPEN, changed(GCM, 3)),
            row("altered content", "open", OPEN, changed(GCM, 200)),
            row("altered CBC", "open", OPEN, changed(CBC, 200)),
            row("a wrong password", "open", ("--key", "pass:%s" % WRONG_PASSWORD), BY_PASSWORD)],
        VERIFY: [
            row("what is signed was altered", "open", OPEN, SIGNED.replace(b"SECRET-SDP", b"Secret-SDP")),
            row("the signature was altered", "open", OPEN, changed(OPAQUE, 5)),
            row("a signature is demanded", "open", (*OPEN, "--require", "signed"), GCM),
            row("encryption is demanded", "open", (*OPEN, "--require", "encrypted"), SIGNED),
            row("nothing is protected, both are demanded", "open", (*OPEN, "--require", "both")),
            row("the signature is of another message", "open", OPEN, graft())],
        UNTRUSTED: [
            row("nobody is trusted", "open", (), SIGNED),
            row("an unknown authority", "open", ("--trust", CA), stranger),
            row("another's name", "open", ("--trust", CA), mallory),
            row("an expired certificate", "open", ("--trust", CA, "--date-window", "any", "--at", in_days(3)), short),
            row("a certificate that is not good yet", "open", ("--trust", CA, "--date-window", "any", "--at", in_days(-3)), short),
            row("no certificate anywhere", "open", ("--trust", CA), seal("--sign-with", SIGNER, "--no-certs"))],
        MISMATCH: [
            row("another From", "open", OPEN, substitute(GCM, b"sip:alice@atlanta.example.com>;tag", b"sip:eve@atlanta.example.com>;tag")),
            row("another method", "open", OPEN, SIGNED.replace(b"INVITE sip:bob@biloxi.example.com SIP/2.0", b"OPTIONS sip:bob@biloxi.example.com SIP/2.0", 1)
                .replace(b"CSeq: 1 INVITE", b"CSeq: 1 OPTIONS", 1)),
            row("another Date", "open", OPEN, substitute(SIGNED, dates, b"\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT")),
            row("a field taken away", "open", OPEN, substitute(SIGNED, b"Subject: SECRET-SUBJECT\r\n", b"")),
            row("a field added", "open", OPEN, substitute(SIGNED, b"Max-Forwards", b"Reply-To: <sip:eve@e.example>\r\nMax-Forwards")),
            row("for somebody else", "open", (*OPEN, "--me", "sip:carol@c.example"), BOTH)],
        POLICY: [
            row("CBC that nothing signed", "open", OPEN, CBC),
            row("unsigned for two", "seal", ("--to", KEK, "--to", OTHER)),
            row("a Date of long ago", "open", OPEN, seal("--sign-with", SIGNER, "--date", "Sat, 13 Nov 2010 23:29:00 GMT")),
            row("seen before", "open", (*OPEN, "--state", SEEN), BOTH),
            row("too large", "open", OPEN, GCM + b"x" * (17 << 20)),
            row("a certificate that is not to be encrypted to", "seal", ("--to", lab.identity("ended", BOB, "ca", "--not-after", "2026-01-01T00:00:00Z").with_suffix(".crt")))],
        ANSWER: [
            row("493: no key", "open", ("--key", OTHER, "--answer"), GCM),
            row("493 with our certificate", "open", ("--key", BOB_KEY, "--answer"), GCM),
            row("415", "open", (*OPEN, "--answer"), outer(START, PLAIN, b"message/external-body; access-type=URL", b"x\r\n")),
            row("403: another From", "open", (*OPEN, "--answer"), substitute(SIGNED, b"Contact: <sip:alice@client", b"Contact: <sip:alice@other")),
            row("403: not to be trusted", "open", ("--answer",), SIGNED),
            row("400", "open", (*OPEN, "--answer"), outer(START, PLAIN, b"multipart/mixed; boundary=b", b"--b\r\n\r\nx\r\n")),
            row("493: altered", "open", (*OPEN, "--answer"), changed(GCM, 200))]}


def graft():
    """The body of one signed message under the signature of another."""
    other = seal("--sign-with", SIGNER, "--date", "none", message=INVITE.replace(b"SECRET-SDP", b"SECRET-TWO"))
    boundary = re.compile(rb"boundary=\"?([^\";\r\n]+)")
    mine = seal("--sign-with", SIGNER, "--date", "none")
    first = boundary.search(mine).group(1)
    parts, others = mine.split(b"--" + first), other.split(b"--" + boundary.search(other).group(1))
    body = b"--" + first + (b"--" + first).join([parts[1], others[2], parts[3]])
    start, fields, _ = split(mine)
    rows = [row for name, row in fields if name != b"content-length"]
    return b"\r\n".join([start, *rows, b"Content-Length: %d" % len(body), b"", b""]) + body


def run(job):
    """(exit code, what was said without its values)"""
    _, verb, options, message, how = job
    settings = {"input": message, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60}
    opened = open(how["stdout"], "wb") if "stdout" in how else None
    settings.update(how, **({"stdout": opened} if opened else {}))
    result = Result(subprocess.run([PROGRAM, verb, *map(str, options)], check=False, **settings))
    if opened:
        opened.close()
    return result


def skeleton(said):
    """The line that tells what is wrong, without names, numbers and what is quoted."""
    line = next((one for one in said.splitlines() if "warning: " not in one), "")
    line = re.sub(r"^sipveil \w+: (?:/\S+: )?", "", line)
    return re.sub(r"\"[^\"]*\"|'[^']*'|\S*[/\d<>@=]\S*", "*", line)


def main():
    cases, codes = Cases(), table()
    for code, rows in sorted(codes.items()):
        said = set()
        for job, result in zip(rows, in_parallel(run, rows)):
            said.add(skeleton(result.err) if code != ANSWER else result.out.splitlines()[:1][0] if result.out else b"")
            wrong = [] if result.code == code else ["exit %d: %s" % (result.code, result.err.strip())]
            wrong += ["output: %r" % result.out[:80]] if result.out and code != ANSWER else []
            wrong += ["says nothing"] if not result.err.startswith("sipveil %s: " % job[1]) else []
            cases.case("exit %d: %s" % (code, job[0]), wrong)
        least = {CANNOT_DECRYPT: 1, VERIFY: 4, ANSWER: 4}.get(code, LEAST)
        cases.case("exit %d has %d causes under test, told in %d ways" % (code, len(rows), len(said)),
                   [] if len(rows) >= LEAST and len({job[0] for job in rows}) == len(rows) and len(said) >= least else sorted(map(str, said)))
    cases.case("every exit code of the program is walked through", [] if set(codes) == set(range(1, 11)) else ["one is missing"])
    left = [path.name for path in lab.folder.iterdir() if path.name.startswith(("full", "out"))]
    cases.case("no output is left behind", left)
    cases.leave()


if __name__ == "__main__":
    main()
