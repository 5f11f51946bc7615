"""`sipveil trust` as an operator and a script call it; the commands of docs/trust.md; and the view of that page, which is
written from what the program does:

    tests/cli/trust.py --write      writes the view into docs/trust.md (SIPVEIL_PROGRAM says which program)
"""
import json
import re
import sys

import tutorial
from lab import (ALICE, ANSWER, INVITE, MALFORMED, MISMATCH, OK, POLICY, SOURCE, USAGE, Cases, Lab, complaints_about, in_parallel, sipveil,
                 substitute)

PAGE = SOURCE / "docs" / "trust.md"
VIEW = re.compile(r"(<!-- view: [^\n]*-->\n).*?(<!-- end of view -->)", re.DOTALL)
lab = Lab()
TRUSTED, STRANGER = "addr=192.0.2.7,proto=tls,name=biloxi.example", "addr=203.0.113.9,proto=udp"
PARTNERS = """
[partner biloxi]
domains = biloxi.example
ip = 192.0.2.0/24
protection = tls-mutual ipsec smime
trust_in = yes
trust_out = yes
"""
PRIVACY = ("absent", "none", "id", "header", "session", "user", "history")
RECEIVED, OWN = b"sip:received@home.example", b"sip:own@home.example"


def table(name, keys="no_privacy = remove\n", partners=PARTNERS):
    return lab.write(name, ("[trust-domain]\n" + keys + partners).encode())


def request(*rows, method=b"INVITE"):
    return b"\r\n".join([method + b" sip:bob@biloxi.example SIP/2.0", b"Via: SIP/2.0/TLS a.home.example;branch=z9hG4bK1", b"Max-Forwards: 70",
                         b"From: <sip:anonymous@anonymous.invalid>;tag=1", b"To: <sip:bob@biloxi.example>", b"Call-ID: c",
                         b"CSeq: 1 " + method, *rows, b"Content-Length: 0", b"", b""])


ASSERTED = b"P-Asserted-Identity: <" + RECEIVED + b">"


def apply(where, came_from, goes_to, message, *more):
    return sipveil("trust", "apply", "--table", where, "--from", came_from, "--to", goes_to, *more, stdin=message)


# ---- the combined view (TRU-T1 to TRU-T20) ----

def outcome(where, came_from, goes_to, privacy):
    """What is left, in words; with own authentication, and without."""
    rows = [ASSERTED] + ([b"Privacy: " + privacy.encode()] if privacy != "absent" else [])
    words = []
    for own in (["--auth", OWN.decode()], []):
        result = apply(where, came_from, goes_to, request(*rows), *own)
        if result.code != OK:
            return "exit %d" % result.code
        words.append("received" if RECEIVED in result.out else "own" if OWN in result.out else "-")
    return {("received", "received"): "kept", ("own", "-"): "*own*", ("-", "-"): "removed"}.get(tuple(words), "%s / %s" % tuple(words))


def observe():
    """{(previous, next, privacy): words}"""
    tables = {word: table("view-%s.conf" % word, "no_privacy = %s\n" % word) for word in ("keep", "remove")}
    hops = (("trusted", TRUSTED), ("untrusted", STRANGER))
    cells = [(p, n, privacy) for p in hops for n in hops for privacy in PRIVACY]

    def look(cell):
        (p, came_from), (n, goes_to), privacy = cell
        keep, remove = (outcome(tables[word], came_from, goes_to, privacy) for word in ("keep", "remove"))
        return (p, n, privacy), keep if keep == remove else "%s or %s" % (keep, remove)
    return dict(in_parallel(look, cells))


def render(seen):
    lines = ["| previous hop | next hop | " + " | ".join("Privacy: " + privacy if privacy != "absent" else "no Privacy" for privacy in PRIVACY) + " |",
             "|---|---|" + "---|" * len(PRIVACY)]
    for p in ("trusted", "untrusted"):
        for n in ("trusted", "untrusted"):
            lines.append("| %s | %s | %s |" % (p, n, " | ".join(seen[p, n, privacy] for privacy in PRIVACY)))
    return "\n".join(lines) + "\n"


# What the specification says of the 4 x 5 cells; session, user and history are one column of it.
EITHER, OWN_EITHER = "kept or removed", "*own* or removed"
EXPECTED = {
    ("trusted", "trusted"): ("kept", "kept", "kept", "kept", "kept"),
    ("trusted", "untrusted"): (EITHER, "kept", "removed", "removed", EITHER),
    ("untrusted", "trusted"): ("*own*", "*own*", "*own*", "*own*", "*own*"),
    ("untrusted", "untrusted"): (OWN_EITHER, "*own*", "removed", "removed", OWN_EITHER),
}


def view(cases):
    seen = observe()
    wrong = []
    for (p, n), row in EXPECTED.items():
        for privacy in PRIVACY:
            wanted = row[min(PRIVACY.index(privacy), 4)]
            if seen[p, n, privacy] != wanted:
                wrong.append("%s to %s, %s: %s instead of %s" % (p, n, privacy, seen[p, n, privacy], wanted))
    cases.case("the combined view is that of the specification, through the program", wrong)
    text = PAGE.read_text(encoding="utf-8")
    current = VIEW.search(text)
    cases.case("docs/trust.md shows the view as it is",
               [] if current and current.group(0) == current.group(1) + "\n" + render(seen) + "\n" + current.group(2)
               else ["run tests/cli/trust.py --write"])


def write():
    seen = observe()
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(VIEW.sub(lambda match: match.group(1) + "\n" + render(seen) + "\n" + match.group(2), text), encoding="utf-8")


# ---- the page ----

def page(cases):
    found = tutorial.blocks(PAGE.read_text(encoding="utf-8"))
    cases.case("docs/trust.md has commands", [] if len(found) > 5 else ["%d blocks" % len(found)])
    here = Lab()
    for commands, expected in found:
        code, output = tutorial.run_block(commands, here.folder)
        wrong = list(tutorial.absent(expected, output)) + (["exit code %d" % code] if code else [])
        cases.case("docs/trust.md: " + commands.strip().splitlines()[0].replace("#", ""), wrong + (["it printed:\n" + output] if wrong else []))


# ---- certificates as facts ----

def certificates(cases):
    anchors = lab.authority()
    other = lab.authority("other")
    for name in ("biloxi.example", "sub.biloxi.example"):
        lab.identity(name)
    lab.identity("alien", "sip:biloxi@biloxi.example", "ca")
    lab.keygen("cert", "--ca", lab.path("other"), "--host", "biloxi.example", "--cert-out", lab.path("forged.crt"), "-o", lab.path("forged.pem"))
    plain = table("plain.conf")
    pinned = table("pinned.conf", partners=PARTNERS + "anchors = other/ca.pem\n")
    neighbour = "[partner chicago]\ndomains = chicago.example\nprotection = tls-mutual\nanchors = other/ca.pem\n"
    beside = table("beside.conf", partners=PARTNERS + neighbour)
    anybody = table("anybody.conf", "no_privacy = remove\nlevel = 2\n", neighbour)
    message = request(ASSERTED)
    rows = (
        ("its certificate", plain, "proto=tls,cert=%s" % lab.crt("biloxi.example"), ["--trust", anchors], True, ""),
        ("no anchor", plain, "proto=tls,cert=%s" % lab.crt("biloxi.example"), [], False, "NO_CERT"),
        ("another CA's (ADV-203)", plain, "proto=tls,cert=%s" % lab.path("forged.crt"), ["--trust", anchors], False, "NO_CERT"),
        ("a sub-domain's (TRU-T23)", plain, "proto=tls,cert=%s" % lab.crt("sub.biloxi.example"), ["--trust", anchors], False, "NAME_MISMATCH"),
        ("a user's (IDN-68)", plain, "proto=tls,cert=%s" % lab.crt("alien"), ["--trust", anchors], False, "NAME_MISMATCH"),
        ("over UDP it proves nothing", plain, "proto=udp,cert=%s" % lab.crt("biloxi.example"), ["--trust", anchors], False, "INSECURE"),
        ("anchors of the row", pinned, "proto=tls,cert=%s" % lab.path("forged.crt"), [], True, ""),
        ("anchors of the row, not those of all", pinned, "proto=tls,cert=%s" % lab.crt("biloxi.example"), ["--trust", anchors], False, "NO_CERT"),
        ("anchors of another row (TRU-11)", beside, "proto=tls,cert=%s" % lab.path("forged.crt"), ["--trust", anchors], False, "NO_CERT"),
        ("anchors of all, beside those of another row", beside, "proto=tls,cert=%s" % lab.crt("biloxi.example"), ["--trust", anchors], True, ""),
        ("anchors of another row, for nobody's", anybody, "proto=tls,cert=%s" % lab.path("forged.crt"), ["--trust", anchors], False, "NO_CERT"),
        ("expired (TRU-17)", plain, "proto=tls,cert=%s" % lab.crt("biloxi.example"), ["--trust", anchors, "--at", "2099-01-01T00:00:00Z"], False, "EXPIRED"),
        ("a node's signature (TRU-46)", plain, "proto=udp,signer=%s" % lab.crt("biloxi.example"), ["--trust", anchors], True, ""),
        ("a user's signature", plain, "proto=udp,signer=%s" % lab.crt("alien"), ["--trust", anchors], False, "NAME_MISMATCH"),
        ("IPsec (TRU-16)", plain, "proto=udp,sa=biloxi.example", [], True, ""),
    )
    for name, where, facts, more, trusted, reason in rows:
        result = apply(where, "addr=192.0.2.7," + facts, TRUSTED, message, "--verbose", *more)
        told = [line for line in result.err.splitlines() if line.startswith("--from: ")]
        wrong = [] if result.code == OK and (RECEIVED in result.out) == trusted and len(told) == 1 and reason in told[0] else [repr(result)]
        cases.case("previous hop: " + name, wrong)
    assert other.exists()


# ---- the program ----

def reports(cases):
    where = table("report.conf")
    place = lab.path("report.json")
    message = request(ASSERTED, b"Privacy: id", b"X-Odd: 1")
    result = apply(where, TRUSTED, STRANGER, message, "--report", place)
    told = json.loads(place.read_text(encoding="utf-8"))
    names = {line["field"].lower() for line in told["fields"]}
    present = {row.split(b":")[0].decode().lower() for row in message.split(b"\r\n")[1:-2]}
    removed = [line for line in told["fields"] if line["result"] == "removed"]
    cases.case("--report names every header field, and why",
               ["not named: %s" % name for name in present - names] + ["no reason: %s" % line for line in told["fields"] if not line["why"]])
    cases.case("--report tells the rule of what went", [] if [(line["field"], line["rule"]) for line in removed] == [("P-Asserted-Identity", "TRU-31")] else removed)
    cases.case("--report tells both verdicts", [] if told["from"]["trusted"] and told["to"]["reasons"] else [told])
    echo = apply(where, TRUSTED, TRUSTED, message, "--report", "-")
    cases.case("--report - is standard error", [] if json.loads(echo.err)["action"] == "forward" and echo.out == message else [repr(echo)])
    cases.case("nothing else is said", [] if result.code == OK and result.err == "" else [repr(result)])


def refusals(cases):
    where = table("refusals.conf")
    message = request(ASSERTED)
    broken = table("broken.conf", "no_privacy = maybe\n")
    rows = (
        ("no table", ["--from", STRANGER, "--to", STRANGER], USAGE, "--table FILE, the table of partners, is missing"),
        ("a table that is not there", ["--table", lab.path("none"), "--from", STRANGER, "--to", STRANGER], USAGE, "none"),
        ("a broken table", ["--table", broken, "--from", STRANGER, "--to", STRANGER], USAGE, "broken.conf:2: no_privacy: 'maybe' is none of keep, remove"),
        ("a PEER that is none", ["--table", where, "--from", "proto=sctp", "--to", STRANGER], USAGE, "proto is tls, tcp or udp"),
        ("an unknown fact", ["--table", where, "--from", "port=5060", "--to", STRANGER], USAGE, "--from does not take 'port=5060'"),
        ("an address that is none", ["--table", where, "--from", "addr=192.0.2.7:5060", "--to", STRANGER], USAGE, "addr is an IP address without a port, not '192.0.2.7:5060'"),
        ("a fact twice", ["--table", where, "--from", STRANGER, "--to", "addr=192.0.2.1,addr=192.0.2.2"], USAGE, "--to does not take 'addr=192.0.2.2'"),
        ("two ways to name it", ["--table", where, "--from", "cert=a,name=b", "--to", STRANGER], USAGE, "cert= and name="),
        ("no certificate", ["--table", where, "--from", "proto=tls,cert=%s" % where, "--to", STRANGER], USAGE, "not a certificate"),
        ("an identity that is none", ["--table", where, "--from", STRANGER, "--to", STRANGER, "--auth", "alice"], USAGE, "sipveil trust apply: 'alice' is no sip, sips or tel URI"),
        ("a profile that is none", ["--table", where, "--from", STRANGER, "--to", STRANGER, "--profile", "ims"], USAGE, "--profile takes mm-border, rfc3325 or ims-rel5"),
    )
    for name, words, code, said in rows:
        cases.case("refused: " + name, complaints_about(sipveil("trust", "apply", *words, stdin=message), "trust apply", code, said))
    slip = sipveil("trust", "check-table", lab.path("ca") / "ca.key")
    cases.case("refused: a file of another kind, in two lines", [] if slip.code == USAGE and slip.err.count("sipveil trust") == 2 and
               "ca.key:1: neither a section" in slip.err else [repr(slip)])
    other = lab.kek("no-state")
    result = sipveil("trust", "apply", "--table", where, "--from", STRANGER, "--to", STRANGER, "--state", other, stdin=message)
    cases.case("refused: a state that is none", complaints_about(result, "trust apply", USAGE, "no-state.jwk: is no state file") +
               [str(path) for path in lab.folder.glob("no-state*.lock")])
    result = apply(where, STRANGER, STRANGER, b"no message\r\n\r\n")
    cases.case("refused: no message", complaints_about(result, "trust apply", MALFORMED))
    result = apply(table("rel5.conf", "no_privacy = keep\nprofile = ims-rel5\n"), STRANGER, STRANGER, request(method=b"ACK"))
    cases.case("an ACK that must not go on is dropped", complaints_about(result, "trust apply", POLICY, "no security gateway"))
    result = apply(where, STRANGER, STRANGER, request(b"Privacy: session;critical"))
    cases.case("an answer is exit 10, and says why", complaints_about(result, "trust apply", ANSWER, "Privacy asks for session", output=True) +
               ([] if result.out.startswith(b"SIP/2.0 500 ") else [repr(result)]))
    for words, said in ((["trust"], "apply or check-table is missing"), (["trust", "dance"], "'dance' is not apply or check-table")):
        cases.case("refused: " + " ".join(words), complaints_about(sipveil(*words), "trust", USAGE, said))


def tables(cases):
    lab.path("partners").mkdir()
    lab.write("partners/more.conf", b"[partner more]\ndomains = more.example\nprotection = ipsec\n")
    whole = lab.write("whole.conf", b"[trust-domain]\nno_privacy = keep\ninclude = partners/more.conf\n")
    result = sipveil("trust", "check-table", whole)
    cases.case("check-table writes includes in place", [] if result.code == OK and b"[partner more]" in result.out and not result.err else [repr(result)])
    again = sipveil("trust", "check-table", stdin=result.out)
    cases.case("what it writes reads back as the same", [] if again.code == OK and again.out.split(b"#")[0] == result.out.split(b"#")[0] else [repr(again)])
    wrong = lab.write("wrong.conf", b"[trust-domain]\nno_privacy = keep\ninclude = partners/more.conf\n[partner x]\ndomains = more.example\nprotection = ipsec\nlevel = 9\n")
    result = sipveil("trust", "check-table", wrong)
    lines = result.err.splitlines()
    cases.case("check-table tells every mistake with its place, and one hint",
               [] if result.code == USAGE and not result.out and any("wrong.conf:5: [partner x] names more.example, which [partner more] (" in line for line in lines) and
               any("wrong.conf:7: level: '9'" in line for line in lines) and sum(line.startswith("hint: ") for line in lines) == 1 else [repr(result)])
    gone = sipveil("trust", "check-table", lab.write("gone.conf", b"[trust-domain]\nno_privacy = keep\ninclude = nowhere.conf\n"))
    cases.case("an include that is not there", complaints_about(gone, "trust check-table", USAGE, "gone.conf:3: include: ", "nowhere.conf: No such file"))
    template = sipveil("trust", "check-table", SOURCE / "docs" / "examples" / "partners.conf")
    cases.case("the template that is shipped is good, and says no_privacy = remove",
               [] if template.code == OK and b"no_privacy        = remove\n" in template.out.split(b"[partner")[0] else [repr(template)])


# ---- inside and outside ----

def inner(cases):
    """TRU-28, TRU-41, TRU-42, TRU-49 as a person meets them."""
    anchors = lab.authority("inner-ca")
    alice = lab.identity("inner-alice", ALICE, "inner-ca")
    kek = lab.kek("inner-kek")
    refused = sipveil("seal", "--mode", "sipfrag", "--fields", "From,Privacy", "--sign-with", alice, stdin=substitute(INVITE, b"Subject:", b"Privacy: id\r\nSubject:"))
    cases.case("seal refuses Privacy inside an AIB (TRU-41)", complaints_about(refused, "seal", POLICY, "Privacy must not be inside", "E_INNER_FORBIDDEN"))
    session = substitute(INVITE, b"Subject:", b"Privacy: session;critical\r\nSubject:")
    for mode in ("tunnel", "payload"):
        refused = sipveil("seal", "--mode", mode, "--to", kek, stdin=session)
        cases.case("seal leaves SDP to the anonymiser, %s (TRU-28)" % mode, complaints_about(refused, "seal", POLICY, "E_PRIVACY_SESSION"))
    told = lab.path("inner.json")
    sealed = sipveil("seal", "--sign-with", alice, stdin=substitute(INVITE, b"Subject:", ASSERTED + b"\r\nSubject:"))
    opened = sipveil("open", "--trust", anchors, "--report", told, stdin=sealed.out)
    checks = json.loads(told.read_text(encoding="utf-8"))["checks"] if told.exists() else []
    cases.case("open says that an identity inside counts for nothing (TRU-42)",
               [] if opened.code == OK and any(check["rule"] == "TRU-42" and "INNER_IGNORED" in check["why"] for check in checks) else [repr(opened)])
    sealed = sipveil("seal", "--sign-with", alice, stdin=INVITE)
    anonymous = sealed.out.replace(b"From: Alice <sip:alice@atlanta.example.com>", b'From: "Anonymous" <sip:anonymous@anonymous.invalid>', 1)
    cases.case("open refuses another From (TRU-49)", complaints_about(sipveil("open", "--trust", anchors, stdin=anonymous), "open", MISMATCH, "inner From differs"))
    opened = sipveil("open", "--trust", anchors, "--privacy-border", stdin=anonymous)
    cases.case("open --privacy-border takes the anonymous one (TRU-49)", [] if opened.code == OK and b"sip:alice@atlanta" in opened.out else [repr(opened)])


def service(cases):
    """TRU-35: what one call hides, another call puts back."""
    where = table("service.conf", "no_privacy = remove\nprivacy_service = header\nservice_host = hide.home.example\n")
    state = lab.path("service.state")
    out = apply(where, TRUSTED, STRANGER, request(b"Contact: <sip:alice@10.0.0.7>", b"Privacy: header;critical"), "--state", state)
    wrong = [] if out.code == OK and b"10.0.0.7" not in out.out and b"a.home.example" not in out.out and b"Privacy" not in out.out else [repr(out), out.out]
    cases.case("header is hidden (TRU-35)", wrong)
    via = next((row for row in out.out.split(b"\r\n") if row.startswith(b"Via:")), b"")
    response = b"\r\n".join([b"SIP/2.0 180 Ringing", via, b"From: <sip:anonymous@anonymous.invalid>;tag=1", b"To: <sip:bob@biloxi.example>;tag=2", b"Call-ID: c",
                             b"CSeq: 1 INVITE", b"Content-Length: 0", b"", b""])
    back = apply(where, STRANGER, TRUSTED, response, "--state", state)
    cases.case("and put back into the answer", [] if back.code == OK and b"Via: SIP/2.0/TLS a.home.example;branch=z9hG4bK1\r\n" in back.out else [repr(back), back.out])
    lost = apply(where, STRANGER, TRUSTED, response, "--state", lab.path("another.state"))
    cases.case("what is forgotten goes nowhere", complaints_about(lost, "trust apply", POLICY, "forgotten"))


def main():
    if sys.argv[1:] == ["--write"]:
        return write()
    cases = Cases()
    for part in (view, page, certificates, reports, refusals, tables, inner, service):
        part(cases)
    return cases.leave()


if __name__ == "__main__":
    main()
