"""What hops and UAs do with their state file in several processes at once, and what the program's own options of end to
middle add to the scenarios: policies, probes, policy servers, several parts, a second proxy of one call."""
import os
import re
import socket
import subprocess

from e2m_scenarios import (ANSWER, ANSWERED, HOSTS, MARKER, NO_KEY, OFFER, POLICY, Run, answer, body, digest, field, from_far_end,
                           head, invite, is_code, message, same, share_with_p1, sipveil)
from lab import PROGRAM, USAGE, Cases, have, in_parallel

os.environ.setdefault("SIPVEIL_PROGRAM", PROGRAM)


def at_once(calls):
    """Runs them side by side; each is a process of its own."""
    return in_parallel(lambda call: call(), calls)


def kept_invite(run, call, uses):
    sealed = share_with_p1(run, invite(OFFER, call=call), "--keep", "--reply", "both", "--max-decrypts", str(uses), "--state",
                           run["UA1"].state).out
    return sealed, run["P1"].proxy(sealed), run["UA2"].open(sealed)


def p1_call(run, octets, *options):
    """P1 in a process of its own, the view beside the result."""
    def call():
        view = run.folder / ("view-%s" % digest(octets)[:24])
        result = sipveil("proxy", "--host", HOSTS["P1"], "--key", run["P1"].key, "--trust", run.anchor, "--state", run["P1"].state,
                         "--from", "proto=tls", "--view", view, *options, stdin=octets)
        result.view = view.read_bytes() if view.exists() else None
        return result
    return call


def counted(cases, run):
    """A key is used as often as was said, however many processes try (CEK-04, ADV-173)."""
    _, kept, opened = kept_invite(run, b"count@home.example", 5)
    ua2 = run["UA2"]
    tries = [from_far_end(b"MESSAGE", number, b"message %d " % number + MARKER, b"text/plain", b"count@home.example") for number in range(1, 13)]
    sealed = at_once([lambda octets=octets: sipveil("seal", "--quiet", "--mode", "payload", "--sign-with", ua2.key, "--reuse", "last",
                                                    "--state", ua2.state, stdin=octets) for octets in tries])
    done = [result for result in sealed if result.code == 0]
    cases.case("CEK-04: of twelve processes that seal by a key for five messages five do", [
        wrong for wrong in (is_code(kept, 0), is_code(opened, 0), None if len(done) == 5 else "%d do" % len(done),
                            *(is_code(result, NO_KEY, "used up") for result in sealed if result.code != 0)) if wrong])
    again = [result.out.replace(b"z9hG4bKb", b"z9hG4bKc", 1) for result in done]  # each once more, as another transaction
    read = at_once([p1_call(run, octets) for octets in [result.out for result in done] + again])
    views = [result.view for result in read if result.view is not None]
    cases.case("ADV-173: of ten that open them, each message is opened once", [
        "%d views of %d messages" % (len(views), len(set(views)))] if len(views) != 5 or len(set(views)) != 5 else [])
    cases.case("ADV-173: and what is refused is seen before, or has no key", [
        repr(result) for result in read if result.view is None and not (
            result.code == ANSWER and ("seen before" in result.err or "not held" in result.err))])


def nothing_is_lost(cases, run):
    """Eight dialogs that begin at the same time: no process overwrites what another one kept."""
    calls = [b"many%d@home.example" % number for number in range(8)]
    sealed = [share_with_p1(run, invite(OFFER, call=call), "--keep", "--reply", "both", "--state", run["UA1"].state).out for call in calls]
    kept = at_once([p1_call(run, octets) for octets in sealed])
    wrong = [is_code(result, 0) for result in kept if result.code != 0]
    for call, octets in zip(calls, sealed):
        run["UA2"].open(octets)
        reply = run["UA2"].seal(answer(octets, ANSWERED), "--reuse", "last", "--state", run["UA2"].state)
        read = p1_call(run, reply.out)()
        if read.view != ANSWERED:
            wrong.append("%s: %r, then %r" % (call, reply, read))
    cases.case("eight processes keep keys in one state file at once: all are there", wrong)
    mode = run["P1"].state.stat().st_mode & 0o777
    cases.case("and the file is closed to others", [] if mode == 0o600 else "mode %o" % mode)


def retransmitted(cases, run):
    """E2M-60 from process to process."""
    policy = run.case_file("rows", b'ss1.home.example;type="application/sdp"\n')
    octets = run["UA1"].seal(invite(OFFER, call=b"re1@home.example"), "--to", run["UA2"].certificate).out
    first, second = (p1_call(run, octets, "--policy", policy)() for _ in range(2))
    cases.case("E2M-60: a retransmission gets the very response that the first copy got", [
        wrong for wrong in (is_code(first, ANSWER), is_code(second, ANSWER, "retransmission"), same("response", second.out, first.out)) if wrong])


def sources(cases, run):
    """E2M-59: a source that sends what cannot be opened, eleven times in one second."""
    octets = share_with_p1(run, invite(OFFER, call=b"src@home.example")).out
    codes, wrong = [], []
    for number in range(11):
        at = len(octets) - 4 - number
        damaged = octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1:]
        result = sipveil("proxy", "--host", HOSTS["P1"], "--key", run["P1"].key, "--trust", run.anchor, "--state", run.folder / "spent",
                         "--from", "proto=tls,addr=192.0.2.66", "--at", "2026-11-27T12:00:00Z", stdin=damaged)
        codes.append(result.out[8:11])
        wrong += [is_code(result, ANSWER)] if result.code != ANSWER else []
    cases.case("E2M-59: ten bodies of one source that cannot be opened are the last in that second",
               wrong + ([] if codes == [b"493"] * 10 + [b"503"] else [repr(codes)]))


def policies(cases, run):
    """E2M-65, E2M-67, E2M-68, E2M-69 by hand."""
    row = b'ss1.home.example;need=both;method=INVITE;type="application/sdp";certificate="%s"\n' % bytes(run["P1"].certificate)
    rows = run.case_file("ua-policy", row)
    plain = invite(OFFER, call=b"p1@home.example")
    sealed = run["UA1"].seal(plain, "--to", run["UA2"].certificate, "--policy", rows)
    read = p1_call(run, sealed.out)()
    label = field(sealed.out, b"Proxy-Required-Body") or b""
    cases.case("E2M-65: seal --policy shares with the proxies whose rows hold", [
        wrong for wrong in (is_code(sealed, 0), None if b";act=both" in label else "label: %r" % label,
                            same("view", read.view, OFFER)) if wrong])
    other = run["UA1"].seal(from_far_end(b"MESSAGE", 1, b"x", b"text/plain"), "--to", run["UA1"].certificate, "--policy", rows)
    cases.case("E2M-65: and with nobody where none holds", [] if not is_code(other, 0) and field(other.out, b"Proxy-Required-Body") is None
               else repr(other))
    nameless = run["UA1"].seal(plain, "--to", run["UA2"].certificate, "--policy", run.case_file("bare", b"ss1.home.example\n"))
    cases.case("E2M-65: a row without a certificate says so", [wrong for wrong in [is_code(nameless, USAGE, "names no certificate")] if wrong])

    ok = message(b"SIP/2.0 200 OK", [b"Via: SIP/2.0/TLS ua1.home.example;branch=z9hG4bKo", b"From: <sip:alice@home.example>;tag=a1",
                                     b"To: <sip:bob@other.example>;tag=b1", b"Call-ID: probe@home.example", b"CSeq: 1 OPTIONS"], b"any", b"text/plain")
    told = p1_call(run, ok, "--policy", rows, "--tell-needs")()
    cases.case("E2M-68: a hop adds its need to the 2xx of a probe, and nothing else", [
        wrong for wrong in (is_code(told, 0), None if field(told.out, b"Proxy-Body-Need") else "no need",
                            same("the rest", re.sub(rb"Proxy-Body-Need:[^\r]*\r\n", b"", told.out), ok)) if wrong])
    plain = invite(OFFER, call=b"p2@home.example")
    probed = run["UA1"].retry(plain, told.out, "--to", run["UA2"].certificate, "--for", "%s=%s" % (HOSTS["P1"], run["P1"].certificate),
                              "--may-view", HOSTS["P1"])
    cases.case("E2M-68: which the UA grants or not", [wrong for wrong in (
        is_code(probed, ANSWER), same("view", p1_call(run, probed.out)().view, OFFER)) if wrong])

    busy = message(b"SIP/2.0 488 Not Acceptable Here", [
        b"Via: SIP/2.0/TLS ua1.home.example;branch=z9hG4bKo", b"From: Alice <sip:alice@home.example>;tag=a1",
        b"To: Bob <sip:bob@other.example>;tag=b1", b"Call-ID: p3@home.example", b"CSeq: 1 INVITE",
        b"Policy-Contact: <https://policy.home.example/e2m?a=b>;alt-uri=one, <sip:down@home.example>"])
    plain = invite(OFFER, call=b"p3@home.example")
    grant = ("--to", run["UA2"].certificate, "--for", "%s=%s" % (HOSTS["P1"], run["P1"].certificate), "--may-view", HOSTS["P1"],
             "--state", run["UA1"].state)
    document = run.case_file("document", b'[{"host": "ss1.home.example", "types": ["application/sdp"], "need": "view"}]')
    named = ("--policy-document", "https://policy.home.example/e2m?a=b=%s" % document)
    cases.case("E2M-69: a policy server that was named over an unprotected path is not asked", [wrong for wrong in [
        is_code(run["UA1"].retry(plain, busy, *grant, *named), POLICY, "unprotected path")] if wrong])
    cases.case("E2M-67: who cannot ask is told whom", [wrong for wrong in [
        is_code(run["UA1"].retry(plain, busy, *grant, "--from", "proto=tls"), POLICY, "https://policy.home.example/e2m?a=b", "--policy-document")] if wrong])
    asked = run["UA1"].retry(plain, busy, *grant, *named, "--from", "proto=tls")
    cases.case("E2M-67: what it says is judged as a need is", [wrong for wrong in (
        is_code(asked, ANSWER), same("view", p1_call(run, asked.out)().view, OFFER)) if wrong])
    kept = run["UA1"].retry(invite(OFFER, call=b"p4@home.example"), busy.replace(b"p3@", b"p4@"), *grant, "--from", "proto=tls")
    cases.case("E2M-67: and kept in the state file", [wrong for wrong in [is_code(kept, ANSWER)] if wrong])


def several(cases, run):
    """Two labelled parts for one proxy; two proxies, one refusal after the other."""
    parts = b"".join([b"--x\r\nContent-Type: application/sdp\r\nContent-ID: <one@ua>\r\n\r\n", OFFER,
                      b"\r\n--x\r\nContent-Type: text/plain\r\nContent-ID: <two@ua>\r\n\r\nthe second part\r\n--x--\r\n"])
    octets = message(b"INVITE sip:bob@other.example SIP/2.0", [
        row for row in head(invite(b"")).split(b"\r\n")[1:] if not row.lower().startswith(b"content-")] + [
            b'Proxy-Required-Body: ss1.home.example;cid="two@ua", ss1.home.example;cid="one@ua"'], parts, b"multipart/mixed;boundary=x")
    view = run.folder / "several"
    got = sipveil("proxy", "--host", HOSTS["P1"], "--key", run["P1"].key, "--trust", run.anchor, "--from", "proto=tls", "--view", view, stdin=octets)
    cases.case("E2M-10: two labels for one proxy are two views", [wrong for wrong in (
        is_code(got, 0), same("first", view.read_bytes() if view.exists() else None, OFFER),
        same("second", (run.folder / "several.2").read_bytes() if (run.folder / "several.2").exists() else None, b"the second part")) if wrong])

    plain, private = invite(OFFER, call=b"two@home.example"), ("--to", run["UA2"].certificate)
    grant = (*private, "--may-view", HOSTS["P1"], "--may-view", HOSTS["P2"], "--state", run["UA1"].state)
    policy = run.case_file("all", b"x.example\n")
    refused = run["P1"].proxy(run["UA1"].seal(plain, *private).out, "--policy", policy)
    second = run["UA1"].retry(plain, refused.out, *grant)
    refused = run["P2"].proxy(second.out, "--policy", policy)
    third = run["UA1"].retry(plain, refused.out, *grant)
    one, two = run["P1"].proxy(third.out), run["P2"].proxy(third.out)
    cases.case("E2M-34: a second proxy of the call is granted too, and the first one still reads", [wrong for wrong in (
        is_code(second, ANSWER), is_code(third, ANSWER), same("CSeq", field(third.out, b"CSeq"), b"3 INVITE"),
        same("view of P1", one.view, OFFER), same("view of P2", two.view, OFFER)) if wrong])
    opened = run["UA2"].open(third.out, "--require", "both")
    cases.case("E2M-34: and the far end as well", [wrong for wrong in (is_code(opened, 0), same("offer", body(opened.out), OFFER)) if wrong])


def kinds_of_recipient(cases, run):
    """CEK-06: a key of a first message that came by key transport, key agreement, a shared key or a password."""
    ua1, ua2, p1 = run["UA1"], run["UA2"], run["P1"]
    rsa = {}
    for name, who in (("far", ("--aor", "sip:bob@other.example")), ("hop", ("--host", HOSTS["P1"]))):
        rsa[name] = run.folder / ("rsa-" + name)
        run.must(sipveil("keygen", "cert", "--ca", run.folder / "ca", *who, "--alg", "rsa2048", "--cert-out", str(rsa[name]) + ".crt", "-o", rsa[name]))
    kek = run.folder / "far.jwk"
    run.must(sipveil("keygen", "kek", "--id", "far", "-o", kek))
    word = run.case_file("password", b"a long enough password\n")
    word.chmod(0o600)
    kinds = {"ktri": (str(rsa["far"]) + ".crt", rsa["far"], str(rsa["hop"]) + ".crt", rsa["hop"]),
             "kari": (ua2.certificate, ua2.key, p1.certificate, p1.key),
             "kekri": (kek, kek, p1.certificate, p1.key), "pwri": ("pass:%s" % word, "pass:%s" % word, p1.certificate, p1.key)}
    for kind, (to, far_key, hop, hop_key) in kinds.items():
        call = b"%s@home.example" % kind.encode()
        far_state, hop_state = run.folder / (kind + "-far"), run.folder / (kind + "-hop")
        first = ua1.seal(invite(OFFER, call=call), "--to", to, "--for", "%s=%s" % (HOSTS["P1"], hop), "--keep", "--reply", "both",
                         "--state", ua1.state)
        proxied = ("proxy", "--host", HOSTS["P1"], "--key", hop_key, "--trust", run.anchor, "--from", "proto=tls", "--state", hop_state)
        kept = sipveil(*proxied, stdin=first.out)
        opened = sipveil("open", "--quiet", "--key", far_key, "--trust", run.anchor, "--state", far_state, stdin=first.out)
        reply = sipveil("seal", "--quiet", "--mode", "payload", "--sign-with", ua2.key, "--reuse", "last", "--state", far_state,
                        stdin=answer(first.out, ANSWERED)) if first.out else first
        view = run.folder / (kind + "-view")
        read = sipveil(*proxied, "--view", view, stdin=reply.out)
        got = ua1.open(reply.out)
        cases.case("CEK-06: %s: the answer by its key is read by P1 and by UA1" % kind, [wrong for wrong in (
            is_code(first, 0), is_code(kept, 0), is_code(opened, 0), is_code(reply, 0), is_code(read, 0), is_code(got, 0),
            same("view", view.read_bytes() if view.exists() else None, ANSWERED), same("answer", body(got.out), ANSWERED)) if wrong])


RELAY = """debug=-1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:%d
loadmodule "pv.so"
request_route {
    $du = "sip:127.0.0.1:%d";
    forward();
}
"""


def relayed(folder, octets):
    """What a Kamailio that knows nothing of this forwards; None: nothing came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        for one in (there, here):
            one.bind(("127.0.0.1", 0))
            one.settimeout(0.3)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = folder / "relay.cfg"
        config.write_text(RELAY % (port, there.getsockname()[1]))
        hop = subprocess.Popen(["kamailio", "-DD", "-E", "-f", str(config), "-Y", str(folder), "-P", str(folder / "relay.pid"), "-w",
                                str(folder), "-m", "16", "-M", "4"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(40):  # it takes a moment to begin
                here.sendto(octets, ("127.0.0.1", port))
                try:
                    return there.recv(65535)
                except (TimeoutError, ConnectionRefusedError):
                    continue
        finally:
            hop.terminate()
            try:
                hop.wait(10)
            except subprocess.TimeoutExpired:
                hop.kill()
                hop.wait()
    return None


def plain_hop(cases, run):
    """E2M-G2: a proxy of another make, which serves on no bodies."""
    name = "E2M-G2: through a Kamailio that knows nothing of labels: the same body, the same label, and the next hop reads"
    if not have("kamailio"):
        cases.skip(name, "kamailio is not installed")
        return
    sealed = share_with_p1(run, invite(OFFER, call=b"plain@home.example"), "--sign-label").out
    got = relayed(run.folder, sealed)
    read = p1_call(run, got)() if got else None
    opened = run["UA2"].open(got, "--require", "both") if got else None
    cases.case(name, ["nothing came"] if got is None else [wrong for wrong in (
        same("body", body(got), body(sealed)), same("label", field(got, b"Proxy-Required-Body"), field(sealed, b"Proxy-Required-Body")),
        same("view", read.view, OFFER), is_code(opened, 0)) if wrong])


def main():
    cases = Cases()
    run = Run("proxies", "UA1", "P1", "P2", "UA2")
    try:
        for part in (counted, nothing_is_lost, retransmitted, sources, policies, several, kinds_of_recipient, plain_hop):
            part(cases, run)
    finally:
        run.close()
    cases.leave()


if __name__ == "__main__":
    main()
