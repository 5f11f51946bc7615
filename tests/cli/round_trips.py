"""Every message of every call flow goes through seal and open in all three modes and comes out as it went in."""
import subprocess
import sys

from lab import (ALICE, BOB, INVITE, NO_KEY, OK, SOURCE, USAGE, VERIFY, Cases, Lab, complaints_about, full_name, have, in_parallel, join, sipveil,
                 split, value)

lab = Lab()
KEK = lab.kek("ims-ck-1")
CA = lab.authority()
SIGNER = lab.identity("alice", ALICE)
# The messages have old dates and other people's From: what is under test here are octets.
LENIENT = ("--trust", CA, "--no-verify-signer", "--date-window", "any", "--quiet")


def corpora(cases):
    """(folder name, path) of every message."""
    found = [("flows", path) for path in sorted((SOURCE / "vectors" / "flows").glob("*.sip"))]
    shared = SOURCE.parent / "shared" / "vectors" / "rfc3665"
    if shared.is_dir():
        found += [("rfc3665", path) for path in sorted(shared.glob("*.sip"))]
    else:
        cases.skip("messages of RFC 3665", "there is no folder of them beside the project")
    calls = lab.path("sipp")
    captured = subprocess.run([sys.executable, str(SOURCE / "scripts" / "capture-sipp"), str(calls)],
                              capture_output=True, text=True, timeout=60, check=False)
    if captured.returncode == 0:
        found += [("sipp", path) for path in sorted(calls.glob("*.sip"))]
    elif captured.returncode == 77 or not have("sipp"):
        cases.skip("messages of SIPp's built-in scenarios", "sipp is not installed")
    else:
        cases.case("messages of SIPp's built-in scenarios", "capture-sipp failed: " + captured.stderr)
    return found


def through(name, message, sealing, opening):
    """Seals and opens; (complaints, sealed, opened)."""
    sealed = sipveil("seal", "--quiet", *sealing, stdin=message)
    if sealed.code != OK:
        return ["seal %s: %r" % (" ".join(map(str, sealing)), sealed)], b"", b""
    opened = sipveil("open", *opening, stdin=sealed.out)
    if opened.code != OK:
        return ["open (%s): %r" % (name, opened)], sealed.out, b""
    return [], sealed.out, opened.out


def identical(name, message, sealing, opening):
    wrong, sealed, opened = through(name, message, sealing, opening)
    if not wrong and opened != message:
        wrong = ["%s: other octets came out:\n%r\ninstead of\n%r" % (name, opened, message)]
    if not wrong and sealed == message:
        wrong = ["%s: nothing was sealed" % name]
    return wrong


def udp_message_as_tcp(message):
    """A MESSAGE over UDP may not grow over 1300 octets (TUN-59); over TCP it may."""
    return message.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP") if message.startswith(b"MESSAGE ") else message


def tunnel(message):
    """Unsigned: the octets are never touched; signed: not with --date none."""
    return (identical("unsigned", message, ("--to", KEK), ("--key", KEK, *LENIENT)) +
            identical("signed and encrypted", message,
                      ("--to", KEK, "--sign-with", SIGNER, "--date", "none"), ("--key", KEK, *LENIENT)) +
            identical("signed only", message, ("--sign-with", SIGNER, "--date", "none"), LENIENT))


def sipfrag(message):
    return identical("sipfrag", message, ("--mode", "sipfrag", "--sign-with", SIGNER, "--date", "none"), LENIENT)


def payload(message):
    """TUN-32, ADV-147: what is not the body stays as it is; the body comes back with its own Content-* fields."""
    sealing = ("--mode", "payload", "--to", KEK, "--date", "none")
    if not split(message)[2]:
        sealed = sipveil("seal", *sealing, stdin=message)
        wrong = [] if sealed.code == USAGE else ["no body: %r" % sealed]
        return wrong + (["output beside exit 2"] if sealed.out else [])
    wrong, sealed, opened = through("payload", message, sealing, ("--key", KEK, *LENIENT))
    if wrong:
        return wrong
    (start, fields, body), (start2, fields2, body2) = split(message), split(opened)
    if split(sealed)[0] != start:
        wrong.append("the start line changed while sealed")
    if start2 != start or body2 != body:
        wrong.append("start line or body changed")
    plain = [row for name, row in fields if not full_name(name).startswith((b"content-", b"mime-version"))]
    plain2 = [row for name, row in fields2 if not full_name(name).startswith((b"content-", b"mime-version"))]
    if plain != plain2:
        wrong.append("header lines changed: %r" % sorted(set(plain) ^ set(plain2)))
    content = {full_name(name): value(row) for name, row in fields if full_name(name).startswith(b"content-")}
    content2 = {full_name(name): value(row) for name, row in fields2 if full_name(name).startswith(b"content-")}
    content.setdefault(b"content-length", b"%d" % len(body))
    if content != content2:
        wrong.append("Content-* changed: %r, %r" % (content, content2))
    return wrong


def lf_everywhere(cases):
    """ADV-009: a person's editor made bare LF; seal takes it, writes CRLF and says so once."""
    message = (SOURCE / "vectors" / "flows" / "call-1-invite.sip").read_bytes()
    sealed = sipveil("seal", "--to", KEK, stdin=message.replace(b"\r\n", b"\n"))
    opened = sipveil("open", "--key", KEK, stdin=sealed.out)
    wrong = [] if sealed.code == OK and opened.code == OK else ["%r, %r" % (sealed, opened)]
    if sealed.err.count("bare LF") != 1:
        wrong.append("the warning is not there once: " + sealed.err)
    start, fields, body = split(opened.out)
    if join(start, [row for _, row in fields], body) != opened.out or b"\n" in opened.out.replace(b"\r\n", b""):
        wrong.append("CRLF was not written everywhere: %r" % opened.out)
    cases.case("ADV-009: seal takes bare LF, writes CRLF, warns once", wrong)


def a_copy_for_the_sender(cases):
    """TUN-62b: off by default; one's own certificate as one more recipient."""
    lab.identity("bob", BOB)
    for own, code in (((), NO_KEY), (("--to", lab.crt("alice")), OK)):
        sealed = sipveil("seal", "--quiet", "--sign-with", SIGNER, "--to", lab.crt("bob"), *own, stdin=INVITE)
        for who, wanted in (("bob", OK), ("alice", code)):
            opened = sipveil("open", "--key", lab.path(who + ".pem"), "--trust", CA, stdin=sealed.out)
            wrong = [] if opened.code == wanted and (b"SECRET-SDP" in opened.out) == (wanted == OK) else [repr(opened)]
            cases.case("TUN-62b: %s: %s opens: exit %d" % ("with a copy" if own else "without", who, wanted), wrong)


def not_secured(cases):
    """TUN-15: an answer in clear is told; who expects protection refuses it."""
    start, rows, body = split(INVITE)
    answer = join(b"SIP/2.0 200 OK", [row for name, row in rows if name != b"max-forwards"], body)
    told = sipveil("open", "--trust", CA, stdin=answer)
    wrong = [] if told.code == OK and told.out == answer and told.err.count("warning: ") == 1 and "no protection" in told.err else [repr(told)]
    cases.case("TUN-15: an answer in clear: handed on, and told", wrong)
    for what in ("signed", "encrypted", "both"):
        cases.case("TUN-15: an answer in clear, where %s was expected: exit 6" % what,
                   complaints_about(sipveil("open", "--trust", CA, "--require", what, stdin=answer), "open", VERIFY, "is required"))


def main():
    cases = Cases()
    found = corpora(cases)
    messages = [udp_message_as_tcp(path.read_bytes()) for _, path in found]
    cases.case("the call flows are there", [] if len(messages) > 40 else "only %d" % len(messages))
    for label, work in (("TUN-30, TUN-61: tunnel is byte-identical: ", tunnel),
                        ("TUN-52: sipfrag comes out byte-identical: ", sipfrag),
                        ("TUN-32: payload: ", payload)):
        for (folder, path), wrong in zip(found, in_parallel(work, messages)):
            cases.case(label + folder + "/" + path.name, wrong)
    lf_everywhere(cases)
    a_copy_for_the_sender(cases)
    not_secured(cases)
    cases.leave()


if __name__ == "__main__":
    main()
