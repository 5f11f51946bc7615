"""What inspect tells: the tree as text and as JSON, to an outsider, to a recipient, of signed and of nested messages; and --report of every verb."""
import hashlib
import json
import os
import pty
import ssl
import subprocess

from lab import (ALICE, BOB, INVITE, MALFORMED, OK, PROGRAM, SOURCE, USAGE, Cases, Lab, complaints_about, execute, in_parallel,
                 outer, sipveil, split, substitute)

lab = Lab()
KEK = lab.kek("ims-ck-1")
CA = lab.authority()
SIGNER = lab.identity("alice", ALICE)
BOB_KEY = lab.identity("bob", BOB)
RSA = lab.identity("rsa", BOB, "ca", "--alg", "rsa2048")
PASSWORD = lab.write("password", b"horse", 0o600)
OPEN = ("--key", KEK, "--trust", CA)
START, FIELDS, BODY = split(INVITE)
RESULTS = {"equal", "hidden", "may-differ", "added", "missing", "mismatch"}
CHECKS = {"passed", "failed", "not-done"}
KINDS = ["ktri", "kari", "kekri", "pwri"]  # DER sorts the SET OF
TYPES = {"sip", "signed-data", "enveloped-data", "auth-enveloped-data", "compressed-data", "certs-only", "message/sip",
         "message/sipfrag"}


def seal(*options, message=INVITE):
    sealed = sipveil("seal", "--quiet", *options, stdin=message)
    if sealed.code != OK:
        raise RuntimeError("seal %s: %r" % (options, sealed))
    return sealed.out


def shape(node, path=()):
    """What is wrong with one node of the tree and those below."""
    where, kind = "tree" + "".join("[%d]" % i for i in path), node.get("type")
    wrong = [] if isinstance(kind, str) and (kind in TYPES or "/" in kind) else ["%s: type %r" % (where, kind)]
    for r in node.get("recipients", []):
        named = "key_id" in r and "key_id_hex" in r if r.get("kind") == "kekri" else (
            r.get("kind") == "pwri" or ("issuer" in r and "serial" in r) or "ski" in r)
        if r.get("kind") not in ("kekri", "ktri", "kari", "pwri") or not named or not isinstance(r.get("ours"), bool):
            wrong.append("%s: recipient %r" % (where, r))
    for s in node.get("signers", []):
        if (s.get("signature") not in ("valid", "invalid", "unchecked") or
                s.get("trust") not in ("trusted", "untrusted", "pinned", "bound", "unchecked")):
            wrong.append("%s: signer %r" % (where, s))
    if kind in ("enveloped-data", "auth-enveloped-data") and not (
            isinstance(node.get("opened"), bool) and node.get("cipher") and node.get("encoding") in ("binary", "base64")):
        wrong.append("%s: %r" % (where, {key: node[key] for key in node if key != "children"}))
    if kind == "compressed-data" and not (isinstance(node.get("size"), int) and isinstance(node.get("expanded"), int)):
        wrong.append("%s: no sizes" % where)
    if kind in ("signed-data", "multipart/signed") and not ("signers" in node and "digest" in node):
        wrong.append("%s: no signers or digest" % where)
    for i, child in enumerate(node.get("children", [])):
        wrong += shape(child, (*path, i))
    return wrong


def report_of(message, *options):
    """(report, complaints): inspect --json is one JSON object with the keys that are promised."""
    result = sipveil("inspect", "--json", *options, stdin=message)
    if result.code != OK:
        return {}, [repr(result)]
    try:
        report = json.loads(result.out)
    except ValueError as error:
        return {}, ["no JSON: %s: %r" % (error, result.out[:200])]
    wrong = ["%s is missing" % key for key in ("version", "kind", "method", "verdict", "error", "tree", "compare", "checks")
             if key not in report]
    if not wrong:
        wrong = shape(report["tree"])
        wrong += [repr(c) for c in report["compare"] if c.get("result") not in RESULTS or not c.get("field")]
        wrong += [repr(c) for c in report["checks"] if c.get("result") not in CHECKS or not c.get("rule") or not c.get("why")]
        if (report["verdict"] == "error") != (report["error"] is not None) or report["version"] != 1:
            wrong.append("verdict %r beside error %r" % (report["verdict"], report["error"]))
        if report["error"] is not None and not {"code", "path", "text"} <= set(report["error"]):
            wrong.append(repr(report["error"]))
    return report, wrong


def chain(node):
    """The types along the first children."""
    types = []
    while node is not None:
        types.append(node["type"])
        node = (node.get("children") or [None])[0]
    return types


def deep(node, *path):
    for i in path:
        node = node["children"][i]
    return node


def trees(cases):
    everyone = ("--to", KEK, "--to", lab.crt("bob"), "--to", lab.crt("rsa"), "--to", "pass:%s" % PASSWORD,
                "--sign-with", SIGNER, "--compress")
    message = seal(*everyone)
    report, wrong = report_of(message)
    if not wrong:
        node = deep(report["tree"], 0)
        kinds = [r["kind"] for r in node["recipients"]]
        if chain(report["tree"]) != ["sip", "auth-enveloped-data"] or kinds != KINDS or any(
                r["ours"] for r in node["recipients"]) or node["opened"]:
            wrong.append(repr(report["tree"]))
        if report["verdict"] != "error" or report["error"]["code"] != "no-key" or report["error"]["path"] != [0]:
            wrong.append(repr(report["error"]))
        kek = node["recipients"][KINDS.index("kekri")]
        if kek["key_id"] != "ims-ck-1" or kek["key_id_hex"] != b"ims-ck-1".hex():
            wrong.append(repr(kek))
        if report["kind"] != "request" or report["method"] != "INVITE" or "SECRET" in json.dumps(report):
            wrong.append("kind, method, or content is told")
    cases.case("an outsider sees recipients and no more", wrong)

    def to(job):
        name, key = job
        report, wrong = report_of(message, "--key", key, "--trust", CA)
        if wrong:
            return wrong
        ours = [r["ours"] for r in deep(report["tree"], 0)["recipients"]]
        if chain(report["tree"]) != ["sip", "auth-enveloped-data", "compressed-data", "multipart/signed", "message/sip",
                                     "application/sdp"]:
            wrong.append(repr(chain(report["tree"])))
        if ours.count(True) != 1 or ours.index(True) != KINDS.index(name):
            wrong.append("ours: %r" % ours)
        signer = deep(report["tree"], 0, 0, 0)["signers"][0]
        if (signer["signature"], signer["trust"], signer["aor"]) != ("valid", "trusted", [ALICE]):
            wrong.append(repr(signer))
        leaf = deep(report["tree"], 0, 0, 0, 0, 0)
        if leaf["size"] != len(BODY) or report["verdict"] != "ok":
            wrong.append("%r, verdict %r" % (leaf, report["verdict"]))
        hidden = {c["field"]: c["result"] for c in report["compare"]}
        if hidden.get("From") != "equal" or hidden.get("Subject") != "hidden":
            wrong.append(repr(hidden))
        return wrong

    jobs = [("kekri", KEK), ("kari", BOB_KEY), ("ktri", RSA), ("pwri", "pass:%s" % PASSWORD)]
    for (name, _), wrong in zip(jobs, in_parallel(to, jobs)):
        cases.case("a recipient (%s) sees the whole tree" % name, wrong)
    base64 = seal("--to", KEK, "--encoding", "base64", "--cipher", "aes-192-cbc", "--sign-with", SIGNER, "--order", "encrypt-sign")
    report, wrong = report_of(base64, *OPEN)
    if not wrong:
        node = deep(report["tree"], 0, 0)
        if (node["type"], node["encoding"], node["cipher"], node["opened"]) != ("enveloped-data", "base64", "aes-192-cbc", True):
            wrong.append(repr(node))
    cases.case("base64, CBC, signed outside", wrong)


def signatures(cases):
    for form, kind in (("--detached", "multipart/signed"), ("--opaque", "signed-data")):
        message = seal("--sign-with", SIGNER, form)
        for name, options, trust, verdict in (("with its anchor", ("--trust", CA), "trusted", "ok"),
                                              ("without any anchor", (), "unchecked", "error")):
            report, wrong = report_of(message, *options)
            if not wrong:
                signer = deep(report["tree"], 0)["signers"][0]
                if (deep(report["tree"], 0)["type"], signer["signature"], signer["trust"], report["verdict"]) != (
                        kind, "valid", trust, verdict):
                    wrong.append("%r %r" % (signer, report["verdict"]))
            cases.case("%s %s: valid, %s" % (kind, name, trust), wrong)
        report, wrong = report_of(message.replace(b"SECRET-SDP", b"Secret-SDP"), "--trust", CA)
        if not wrong and (deep(report["tree"], 0)["signers"][0]["signature"] != "invalid" or
                          report["error"]["code"] != "bad-signature"):
            wrong.append(repr(report["error"]))
        cases.case("%s, changed: invalid" % kind, wrong)
    bare = seal("--sign-with", SIGNER, "--no-certs")
    report, wrong = report_of(bare, "--trust", CA)
    if not wrong and deep(report["tree"], 0)["signers"][0]["signature"] != "unchecked":
        wrong.append(repr(deep(report["tree"], 0)["signers"]))
    cases.case("no certificate anywhere: unchecked", wrong)
    pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(lab.crt("alice").read_text())).hexdigest()
    report, wrong = report_of(seal("--sign-with", SIGNER), "--pin", "%s=%s" % (ALICE, pin))
    if not wrong and deep(report["tree"], 0)["signers"][0]["trust"] != "pinned":
        wrong.append(repr(deep(report["tree"], 0)["signers"]))
    said = sipveil("inspect", "--verbose", stdin=seal("--sign-with", SIGNER)).out.decode()
    if not wrong and (deep(report["tree"], 0)["signers"][0]["sha256"] != pin or "with SHA-256 %s\n" % pin not in said):
        wrong.append("the fingerprint is not told: %r" % said)
    cases.case("ADV-117: a pin: pinned, and what to pin is told", wrong)


def findings(cases):
    """A finding is in the verdict, and inspect still ends with 0."""
    signed = seal("--sign-with", SIGNER)
    for name, message, options, code, result in (
            ("ADV-140: a mismatch", substitute(signed, b"Contact: <sip:alice@client", b"Contact: <sip:alice@other"),
             ("--trust", CA), "header-mismatch", ("Contact", "mismatch")),
            ("TUN-39: a missing field", substitute(signed, b"Subject: SECRET-SUBJECT\r\n", b""), ("--trust", CA),
             "header-mismatch", ("Subject", "missing")),
            ("a hop's own field", substitute(signed, b"Max-Forwards", b"Alert-Info: <http://x.example>\r\nMax-Forwards"),
             ("--trust", CA), None, ("Alert-Info", "added")),
            ("a Via of a hop", substitute(signed, b"Via: ", b"Via: SIP/2.0/UDP p.example;branch=z9hG4bKx\r\nVia: "),
             ("--trust", CA), None, ("Via", "may-differ")),
            ("TUN-42: a hidden From", seal("--to", KEK, "--hide", "From"), OPEN, None, ("From", "hidden")),
            ("ADV-064: CBC that nothing signed", seal("--to", KEK, "--cipher", "aes-128-cbc"), OPEN, "policy", None),
            ("an altered ciphertext", seal("--to", KEK)[:-3] + b"abc", OPEN, "cannot-decrypt", None),
            ("TUN-34: an old Date", seal("--sign-with", SIGNER, "--date", "Sat, 13 Nov 2010 23:29:00 GMT"), ("--trust", CA),
             "replay", None),
            ("no CMS in the body", outer(START, [row for name, row in FIELDS if not name.startswith(b"content-")],
                                         b"application/pkcs7-mime; smime-type=enveloped-data", b"hello"), (), "malformed", None),
            ("nothing protected", INVITE, (), None, None)):
        report, wrong = report_of(message, *options)
        if not wrong and (report["error"] or {}).get("code") != code:
            wrong.append("error %r instead of %r" % (report["error"], code))
        if not wrong and result and {"field": result[0], "result": result[1]} not in [
                {"field": c["field"], "result": c["result"]} for c in report["compare"]]:
            wrong.append("%r is not in %r" % (result, report["compare"]))
        if not wrong and code is None and report["verdict"] != "ok":
            wrong.append("verdict %r" % report["verdict"])
        cases.case(name + ": in the report, exit 0", wrong)
    report, wrong = report_of(INVITE.replace(b"INVITE sip:bob@biloxi.example.com SIP/2.0", b"SIP/2.0 200 OK"))
    if not wrong and (report["kind"] != "response" or "SECRET" in json.dumps(report["tree"])):
        wrong.append(repr(report))
    cases.case("a response", wrong)
    for name, message in (("garbage", bytes(range(256))), ("cut", INVITE[:-5]), ("nothing", b"")):
        cases.case("%s cannot be framed: exit 3" % name,
                   complaints_about(sipveil("inspect", "--json", stdin=message), "inspect", MALFORMED))


def text(cases):
    """For people: words they know, no escape sequences into a pipe, nothing hostile let through."""
    outsider = sipveil("inspect", stdin=seal("--to", KEK, "--sign-with", SIGNER))
    said = outsider.out.decode()
    cases.case("the text for an outsider", [] if outsider.code == OK and all(word in said for word in (
        "INVITE", "auth-enveloped-data", 'kek "ims-ck-1"', "verdict: no-key")) and "SECRET" not in said and "\x1b" not in said
        else [repr(outsider), said])
    insider = sipveil("inspect", *OPEN, stdin=seal("--to", KEK, "--sign-with", SIGNER))
    said = insider.out.decode()
    cases.case("the text for a recipient", [] if all(word in said for word in (
        "multipart/signed", "message/sip", "application/sdp", ALICE, "verdict: ok")) and "SECRET-SDP" not in said else [said])
    verbose = sipveil("inspect", "--verbose", *OPEN, stdin=seal("--to", KEK, "--sign-with", SIGNER))
    cases.case("--verbose names the rules", [] if "TUN-33" in verbose.out.decode() or "TUN-39" in verbose.out.decode()
               else [verbose.out.decode()])
    refused = seal("--to", KEK, "--sign-with", SIGNER)
    for name, options, lines in (
            ("a refusal", ("--key", KEK), ("check: CMS-04 passed: ", "check: TUN-62 passed: signature 1 is valid: ", "check: TUN-39 passed: ",
                                           "check: TUN-08 FAILED: signer 1: ", "check: ADV-143 not done: ")),
            ("a wrong addressee", (*OPEN, "--me", "sip:carol@c.example"), ("check: ADV-143 FAILED: ",)),
            ("success", (*OPEN, "--me", BOB), ("CMS-04         passed: ", "ADV-143        passed: ", "ADV-145        not done: "))):
        loud, quiet = (sipveil("open", *more, *options, stdin=refused) for more in (("--verbose",), ()))
        cases.case("--verbose explains each check in a line: %s" % name,
                   [line for line in lines if not any(said.startswith(line) for said in loud.err.splitlines())] +
                   ([loud.err] if "SECRET" in loud.err or loud.code != quiet.code or "passed" in quiet.err else []))
    tag = sipveil("open", "--verbose", "--key", KEK, stdin=refused[:-1] + b"~")
    cases.case("--verbose: an altered message", [] if "check: CMS-04 FAILED: a key fits" in tag.err else [tag.err])
    hostile = INVITE.replace(b"Subject: SECRET-SUBJECT", b"X-\x1b: \x1b[31m").replace(b"9fxced76sl", b"9f")
    evil = seal("--sign-with", SIGNER).replace(b"name=smime.p7s", b"name=\"\x1b[2J\"")
    for name, message in (("header", hostile), ("parameter", evil), (
            "media type", outer(START, [row for n, row in FIELDS if not n.startswith(b"content-")], b"text/\x1b[31mred", b"x")),
            ("display name", INVITE.replace(b"From: Alice", b'From: "\x1b[31m\xe2\x80\xae"'))):
        results = [sipveil("inspect", "--trust", CA, *more, stdin=message) for more in ((), ("--json",), ("--verbose",))]
        cases.case("ADV-216: escape sequences in the %s come out escaped" % name, [
            repr(r) for r in results if b"\x1b" in r.out or "\x1b" in r.err or r.code not in (OK, MALFORMED)])
    path = lab.path("report")
    cases.case("-o FILE replaces reports", [repr(r) for r in (sipveil("inspect", "-o", path, stdin=INVITE),
                                                              sipveil("inspect", "--json", "-o", path, stdin=INVITE))
                                            if r.code != OK or r.out] + ([] if json.loads(path.read_text()) else ["empty"]))


def on_a_terminal(*options, **environment):
    """What inspect writes when standard output is a terminal."""
    keep = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    ours, theirs = pty.openpty()
    path, said = lab.path("shown.sip"), b""
    with subprocess.Popen([PROGRAM, "inspect", *map(str, options), str(path)], stdin=subprocess.DEVNULL, stdout=theirs,
                          env={**keep, **environment}) as shown:
        os.close(theirs)
        try:
            while octets := os.read(ours, 65536):
                said += octets
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    return said.replace(b"\r\n", b"\n"), shown.returncode


def colours(cases):
    lab.write("shown.sip", seal("--to", KEK, "--sign-with", SIGNER))
    said, code = on_a_terminal(*OPEN)
    cases.case("colours on a terminal", [] if code == OK and b"\x1b[32msignature valid\x1b[0m" in said else [repr(said)])
    plain = sipveil("inspect", *OPEN, lab.path("shown.sip")).out
    bare = said
    for sequence in (b"\x1b[0m", b"\x1b[31m", b"\x1b[32m", b"\x1b[33m"):
        bare = bare.replace(sequence, b"")
    cases.case("without them it is the text that a pipe gets", [] if bare == plain else [repr(bare), repr(plain)])
    for name, options, environment, coloured in (
            ("NO_COLOR", (), {"NO_COLOR": "1"}, False), ("an empty NO_COLOR says nothing", (), {"NO_COLOR": ""}, True),
            ("--json", ("--json",), {}, False), ("--html", ("--html",), {}, False), ("-o -", ("-o", "-"), {}, True),
            ("-o FILE", ("-o", lab.path("report.txt")), {}, False)):
        said, code = on_a_terminal(*OPEN, *options, **environment)
        cases.case("%s: %s" % (name, "colours" if coloured else "no colours"),
                   [] if code == OK and (b"\x1b" in said) == coloured else [repr(said)])
    cases.case("no colours in a file", [] if b"\x1b" not in lab.path("report.txt").read_bytes() else ["there are"])


def readers(cases):
    """Who can read what, at a glance: a line for every hop and one for each recipient."""
    sealed = seal("--to", KEK, "--to", lab.crt("bob"), "--sign-with", SIGNER)
    for name, options, lines in (
            ("an outsider", (), ("read by every hop: SIP header\n", 'read by kek "ims-ck-1": what is closed here\n')),
            ("a recipient", OPEN, ("read by every hop: SIP header\n",
                                   'read by kek "ims-ck-1" (our key): message/sip, application/sdp\n'))):
        said = sipveil("inspect", *options, stdin=sealed).out.decode()
        cases.case("who can read what, for %s" % name, [line for line in lines if line not in said] + (
            [] if said.count("\nread by cert of CN=ca serial ") == 1 else [said]))
    twice = seal("--to", KEK, message=seal("--to", KEK, "--to", lab.crt("bob"), "--sign-with", SIGNER))
    for name, key, line in (("who holds its key", KEK, 'read by kek "ims-ck-1" (our key): message/sip, message/sip, application/sdp\n'),
                            ("others", BOB_KEY, 'read by kek "ims-ck-1": what is closed here\n')):
        said = sipveil("inspect", "--key", key, "--trust", CA, stdin=twice).out.decode()
        cases.case("a reader of two layers is told once, to %s" % name,
                   [] if line in said and said.count("read by kek ") == 1 else [said])
    said = sipveil("inspect", stdin=INVITE).out.decode()
    cases.case("of a message that is not protected every hop reads all",
               [] if "read by every hop: SIP header, application/sdp\n" in said else [said])


def beside(cases):
    """--report of inspect: what --json writes, beside what is shown, and of what is no message too."""
    where, sealed = lab.write("beside.json", b"old"), seal("--to", KEK)
    shown = sipveil("inspect", "--report", where, stdin=sealed)
    said = sipveil("inspect", "--json", stdin=sealed)
    cases.case("inspect --report: the tree is shown, and FILE has the object of --json",
               [] if shown.code == OK and shown.out.startswith(b"SIP message: ") and where.read_bytes() == said.out else [repr(shown)])
    refused = sipveil("inspect", "--report", where, stdin=b"no message")
    cases.case("inspect --report: of what cannot be framed", [] if refused.code == MALFORMED and
               json.loads(where.read_text())["error"]["code"] == "malformed" else [repr(refused), where.read_text()])


SHAPE = {"version": int, "verdict": str, "error": (dict, type(None)), "checks": list, "warnings": list}


def plain_report(where, verdict, code=None):
    """What is wrong with the report of a verb that has none of its own."""
    try:
        report = json.loads(where.read_text())
    except (OSError, ValueError) as error:
        return [repr(error)]
    wrong = ["%s: %r" % (name, report.get(name)) for name, kind in SHAPE.items() if not isinstance(report.get(name), kind)]
    if not wrong and (report["verdict"] != verdict or (report["error"] or {}).get("code") != code):
        wrong = ["%r, not %s %s" % (report, verdict, code)]
    if code is not None and not wrong and not {"code", "path", "text"} <= set(report["error"]):
        wrong = [repr(report["error"])]
    return wrong


def everywhere(cases):
    """--report is an option of every verb, for what succeeds and for what does not."""
    table = lab.write("report.conf", b"[trust-domain]\nname = home.example\nno_privacy = remove\n")
    broken = lab.write("broken.conf", b"x = 1\n[trust-domain]\nname = home.example\nbar = 1\n")
    vector = SOURCE / "vectors" / "keywrap.json"
    failing = lab.write("failing.json", vector.read_bytes().replace(b'"exit": 0', b'"exit": 3', 1))
    garbage = lab.write("garbage.sip", b"garbage")
    message, host = lab.write("reported.sip", INVITE), lab.identity("atlanta.example.com")
    state, hops = lab.path("report.agreed"), ("--from", "addr=192.0.2.1", "--to", "addr=192.0.2.2")
    sign = ("identity", "sign", "--key", host, "--info", "https://atlanta.example.com/c")
    for arguments, verdict, code in (
            (("keygen", "kek", "-o", lab.path("reported.jwk")), "ok", None),
            (("keygen", "kek", "-o", lab.path("reported.jwk")), "error", "usage"),
            (("keygen", "ca", "-o", lab.path("reported-ca")), "error", "usage"),
            (("keygen", "cert", "--self-signed", "--aor", "sip:@", "-o", lab.path("reported.pem")), "error", "usage"),
            (("seal", "--to", KEK, message), "ok", None), (("seal", message), "error", "usage"),
            (("seal", "--to", KEK, garbage), "error", "malformed"), (("seal", "--to", lab.path("none"), message), "error", "usage"),
            (("open", "--key", lab.path("none"), message), "error", "usage"),
            (("inspect", lab.path("none")), "error", "io"),
            (("proxy", "--host", "p.example", garbage), "error", "malformed"),
            (("retry", "--request", message, "--may-view", "p.example", garbage), "error", "malformed"),
            ((*sign, message), "ok", None), ((*sign, garbage), "error", "malformed"),
            (("identity", "verify", "--cert", lab.crt("bob"), garbage), "error", "malformed"),
            (("identity", "bind", "--state", lab.path("report.bound"), garbage), "error", "malformed"),
            (("identity", "bound", "--state", lab.path("none")), "error", "usage"),
            (("trust", "apply", "--table", table, *hops, garbage), "error", "malformed"),
            (("trust", "check-table", table), "ok", None), (("trust", "check-table", broken), "error", "usage"),
            (("agree", "offer", "--list", "tls", "--state", state, garbage), "error", "malformed"),
            (("agree", "check", "--list", "tls", garbage), "error", "malformed"),
            (("agree", "choose", "--state", state, garbage), "error", "usage"),
            (("agree", "protect", "--state", state, garbage), "error", "usage"),
            (("agree", "event", "--state", state, "up"), "error", "usage"),
            (("vectors", vector), "ok", None), (("vectors", failing), "error", "internal")):
        where = lab.path("every.json")
        where.unlink(missing_ok=True)
        result = sipveil(*arguments, "--report", where)
        name = " ".join(str(word).rpartition("/")[2] for word in arguments[:4])
        cases.case("%s … --report: %s" % (name, code or verdict), plain_report(where, verdict, code) + (
            [] if (result.code == OK) == (verdict == "ok") else [repr(result)]))
    sipveil("trust", "check-table", "--report", lab.path("every.json"), broken)
    checks = json.loads(lab.path("every.json").read_text())["checks"]
    cases.case("trust check-table: every mistake is in it, with its rule",
               [] if [check["rule"] for check in checks] == ["TRU-12"] * 3 else [repr(checks)])
    said = sipveil("keygen", "kek", "--report", "-", "-o", lab.path("other.jwk"))
    cases.case("--report - is standard error", [] if not said.out and json.loads(said.err)["verdict"] == "ok" else [repr(said)])
    shared = sipveil("seal", "--mode", "payload", "--for", "p.example=%s" % KEK, "--report", "-", "-q", message)
    refused = sipveil("seal", "--mode", "payload", "--for", "p.example=%s" % KEK, "--report", lab.path("every.json"),
                      stdin=INVITE.partition(b"Content-Type")[0] + b"\r\n")
    cases.case("seal --for: its rules, and how it ended", plain_report(lab.path("every.json"), "error", "usage") + (
        [] if "E2M-30" in [check["rule"] for check in json.loads(shared.err)["checks"]] and refused.code == USAGE else [repr(shared)]))


def inputs_stay(cases, message, key):
    """Whatever form a file is named in, no output of the same command replaces it, also with --force."""
    link = lab.path("apart-link.jwk")
    link.symlink_to(key)
    secret, folder, lab_ca = lab.write("apart.pass", b"secret", 0o600), lab.path("apart.certs"), lab.path("ca")
    folder.mkdir()
    anchor = folder / "ca.pem"
    anchor.write_bytes((lab_ca / "ca.pem").read_bytes())
    named, peer = lab.path("named.pem"), "addr=192.0.2.7,proto=tls,cert=%s" % lab.crt("bob")
    named.write_bytes(anchor.read_bytes())
    table = lab.write("apart.table", b"[trust-domain]\nno_privacy = remove\n[partner fresno]\ndomains = fresno.example\nprotection = tls-mutual\nanchors = named.pem\n")
    document, uri = lab.write("apart.xml", b"<x/>"), "https://policy.example/"
    seal_it, state = ("seal", "--to", KEK), lab.path("apart.state")
    rows = (
        ("FILE,kid=TEXT", key, ("seal", "--to", "%s,kid=x" % key, message)),
        ("FILE,kid=TEXT in one word", key, ("seal", "--to=%s,kid=x" % key, message)),
        ("HOST=FILE,kid=TEXT", key, (*seal_it, "--mode", "payload", "--for", "p.example=%s,kid=x" % key, message)),
        ("another name of it", key, ("seal", "--to", link, message)),
        ("FILE,pass=file:FILE", secret, ("seal", "--sign-with", "%s,pass=file:%s" % (SIGNER, secret), message)),
        ("pass:FILE", secret, ("seal", "--to", "pass:%s" % secret, message)),
        ("a folder of certificates", anchor, (*seal_it, "--trust", folder, message)),
        ("a folder with a slash", anchor, (*seal_it, "--trust", "%s/" % folder, message)),
        ("the folder of a CA", lab_ca / "ca.key", ("keygen", "cert", "--ca", lab_ca, "--host", "a.example")),
        ("a fact about a hop", lab.crt("bob"), ("proxy", "--host", "p.example", "--from", peer, message)),
        ("URI=FILE", document, ("retry", "--may-view", "p.example", "--to", KEK, "--request", message, "--policy-document",
                                "%s=%s" % (uri, document), message)),
        ("a state", state, (*seal_it, "--state", state, message)),
        ("the lock of a state", lab.path("apart.state.lock"), (*seal_it, "--state", state, message)),
        ("standard input", message, (*seal_it,)),
        ("what a table names", named, ("trust", "check-table", table)))
    lab.write("apart.state", b"", 0o600)
    lab.write("apart.state.lock", b"", 0o600)
    for name, path, words in rows:
        before = path.read_bytes()
        for output in (("--report", path), ("-o", path, "--force")):
            if output == ("--report", path) and words[:2] == ("keygen", "cert"):
                output += ("-o", lab.path("apart.pem"))
            verb = 2 if words[0] in ("keygen", "trust") else 1
            result = execute(["sh", "-c", 'exec "$@" <"$0"', message, PROGRAM, *words[:verb], *output, *words[verb:]])
            cases.case("%s of %s: exit 2, and it stays" % (" ".join(map(str, (output[0], *output[2:3]))), name), [] if
                       result.code == USAGE and "would replace" in result.err and path.read_bytes() == before else [repr(result)])
    sealed, new, folder = lab.write("apart.sealed", sipveil("seal", "--to", key, message).out), lab.path("new.state"), lab.folder
    for output in (("-o", "%s/./new.state.lock" % folder, "--force"), ("--report", "%s/./new.state.lock" % folder)):
        result = sipveil("open", "--key", key, "--state", new, *output, sealed)
        cases.case("%s of a lock that is yet to be: exit 2, and nothing was done" % output[0],
                   [] if result.code == USAGE and not result.out and not list(folder.glob("new.state*")) else [repr(result), list(folder.glob("new.state*"))])
    result = sipveil("keygen", "cert", "--ca", lab_ca, "--host", "a.example", "-o", lab_ca / "a.pem")
    again = sipveil("keygen", "cert", "--ca", lab_ca, "--host", "a.example", "-f", "-o", lab_ca / "a.pem", "--report", lab_ca / "a.json")
    cases.case("other files in the folder of a CA are nobody's", [repr(r) for r in (result, again) if r.code != OK])
    misread = sipveil("seal", "--report", key, "--bogus", "--to", "%s,kid=x" % key, message)
    cases.case("not where the command line is wrong either", [] if misread.code == USAGE and "would replace" in misread.err else [repr(misread)])


def apart(cases):
    """The report never replaces what the same command reads or writes."""
    message, key = lab.write("apart.sip", INVITE), lab.path("apart.jwk")
    lab.keygen("kek", "-o", key)
    before = key.read_bytes()
    for name, arguments in (("the message", (message,)), ("the key", ("--to=%s" % key, message)),
                            ("the key of a proxy", ("--mode", "payload", "--for", "p.example=%s" % key, message)),
                            ("the output", ("-o", lab.path("apart.out"), message))):
        where = arguments[-2].partition("=")[2] if name.startswith("the key") else arguments[-2] if name == "the output" else message
        result = sipveil("seal", "--to", KEK, "--report", where, *arguments)
        cases.case("--report of %s: exit 2" % name, complaints_about(result, "seal", USAGE, "--report would replace"))
    cases.case("and all of them are as they were", [] if message.read_bytes() == INVITE and key.read_bytes() == before and
               not lab.path("apart.out").exists() else ["they are not"])
    inputs_stay(cases, message, key)
    result = sipveil("seal", "--to", KEK, "-q", "--report", "/dev/null", "-o", "/dev/null", message)
    cases.case("a device may be named twice", [] if result.code == OK else [repr(result)])


def main():
    cases = Cases()
    for part in (trees, signatures, findings, text, colours, readers, beside, everywhere, apart):
        part(cases)
    cases.leave()


if __name__ == "__main__":
    main()
