"""Octets that are no SIP message, no MIME entity or no CMS structure, and those that look odd and are one."""
import base64

import cms
import der
import world
from book import Book, Repeat
from messages import (CALL_ID, CONTACT, CSEQ, DATE, FROM, MIXED_ROWS, ROWS, SDP, SDP_ROWS, TO, VIA, carried, changed,
                      cms_entity, cms_rows, compose, entity, invite, mixed, multipart, sdp_entity, signature_part,
                      signed_body, signed_rows, sip_entity, wrapped_base64)
from world import person

OURS = {"key": ["kek-256"]}
TRUST = {"trust": ["ca"]}


def content(part=None, label="malformed"):
    made = cms.Content(sip_entity(invite()) if part is None else part, label=label)
    return made, [cms.kekri(world.kek_id("kek-256"), world.kek("kek-256"), made.cek)]


def encrypted(part=None, label="malformed"):
    made, to = content(part, label)
    return made.enveloped(to)


def sign(part, label="malformed"):
    return cms.signed_data([cms.Signer(person("alice"), part, label)])


def books():
    yield sip()
    yield mime()
    yield structures()


# ---- SIP


def sip():
    b = Book("malformed-sip", "The outer message: what is no SIP message, what is one although it looks odd.")
    doubled(b)
    lengths(b)
    lines(b)
    start_lines(b)
    values(b)
    odd(b)
    return b


def bad(b, case, does, rules, message, code="malformed", options=None, status=None):
    b.refuses(case, does, rules, message, options or {}, code, status)


def fine(b, case, does, rules, message, inner=None, options=None):
    b.opens(case, does, rules, message, options or {}, message if inner is None else inner)


def doubled(b):
    for field, compact in ((FROM, "f"), (TO, "t"), (CALL_ID, "i"), (CSEQ, None), ("Max-Forwards: 70", None)):
        name = field.split(":")[0]
        bad(b, "double-" + name.lower(), "two %s" % name, ["ADV-001"], invite(ROWS + [field]))
        bad(b, "double-case-" + name.lower(), "two %s, the second in other letters" % name, ["ADV-001"],
            invite(ROWS + [name.upper() + field[len(name):]]))
        bad(b, "double-folded-" + name.lower(), "two %s, the second folded" % name, ["ADV-001"],
            invite(ROWS + [field.replace(": ", ":\r\n ")]))
        if compact:
            bad(b, "double-compact-" + name.lower(), "%s and its compact form" % name, ["ADV-001"],
                invite(ROWS + [compact + field[len(name):]]))
    for name in ("Date", "Expires", "Subject", "MIME-Version", "Content-Type"):
        row = {"Date": "Date: " + DATE, "Expires": "Expires: 60", "Subject": "Subject: x",
               "MIME-Version": "MIME-Version: 1.0"}.get(name, SDP_ROWS[0])
        rows = [each for each in ROWS if not each.startswith(name + ":")]
        bad(b, "double-" + name.lower(), "two %s" % name, ["ADV-001", "ADV-019"],
            compose(rows=rows + [row, row], content=[] if name == "Content-Type" else SDP_ROWS, body=SDP))


def lengths(b):
    for name, value in {"negative": "-1", "plus": "+5", "hex": "0x5", "letters": "5abc", "list": "5, 5",
                        "over-32": str(2**32 + 3), "digits-20": "9" * 20,
                        "empty": ""}.items():
        bad(b, "length-" + name, "Content-Length: %s" % value, ["ADV-004"],
            compose(content=SDP_ROWS, body=SDP, length=value))
    bad(b, "length-twice-different", "two Content-Length that differ", ["ADV-002"],
        compose(content=SDP_ROWS + ["Content-Length: 5"], body=SDP))
    bad(b, "length-twice-equal", "two Content-Length that are equal", ["ADV-002"],
        compose(content=SDP_ROWS + ["Content-Length: %d" % len(SDP)], body=SDP))
    bad(b, "length-compact", "Content-Length and its compact form", ["ADV-002"],
        compose(content=SDP_ROWS + ["l: %d" % len(SDP)], body=SDP))
    bad(b, "length-spaced", "Content-Length with a blank before the colon, beside a normal one", ["ADV-003"],
        compose(content=SDP_ROWS + ["Content-Length : 5"], body=SDP))
    bad(b, "length-tab", "the same with a tab", ["ADV-003"],
        compose(content=SDP_ROWS + ["Content-Length\t: 5"], body=SDP))
    bad(b, "length-over", "Content-Length larger than the datagram", ["ADV-005"],
        compose(content=SDP_ROWS, body=SDP, length=len(SDP) + 1))
    exact = invite()
    b.opens("length-under", "octets after the Content-Length: dropped, with a warning", ["ADV-005"],
            exact + b"BYE sip:bob@biloxi.example.com SIP/2.0\r\n\r\n", {}, exact, {"warnings": ["ADV-005"]})
    fine(b, "length-absent", "no Content-Length: the body goes to the end of the datagram", ["ADV-005"],
         compose(content=SDP_ROWS, body=SDP, length=False))
    bad(b, "type-absent", "a body without Content-Type", ["ADV-020"], compose(body=SDP))
    made = encrypted()
    bad(b, "sealed-type-absent", "an encrypted body without Content-Type", ["ADV-020"], compose(body=made),
        options=OURS)


def lines(b):
    good = invite()
    bad(b, "nul-start-line", "a NUL in the start line", ["ADV-008"],
        good.replace(b"INVITE sip:bob", b"INVITE sip:b\0ob", 1))
    bad(b, "nul-line-start", "a NUL at the start of a header line", ["ADV-008"],
        good.replace(b"\r\nCall-ID", b"\r\n\0Call-ID", 1))
    bad(b, "nul-value", "a NUL inside a value", ["ADV-008"], good.replace(b"3848276298", b"38482\x0076298", 1))
    fine(b, "nul-quoted", "a NUL as a quoted pair inside a quoted string", ["ADV-008"],
         good.replace(b'"Alice"', b'"Al\\\0ice"'))
    for name, end in {"bare-cr": b"\r", "bare-lf": b"\n", "cr-cr-lf": b"\r\r\n", "lf-lf": b"\n\n"}.items():
        bad(b, "line-end-" + name, "a header line that ends in %s" % name.replace("-", " ").upper(), ["ADV-009"],
            good.replace(b"\r\nCall-ID", end + b"Call-ID", 1))
    bad(b, "line-ends-lf", "LF as every line end: open refuses it", ["ADV-009"], good.replace(b"\r\n", b"\n"))
    fine(b, "folded", "a value over three lines", ["ADV-010"],
         invite(changed(ROWS, "To", "To: Bob\r\n <sip:bob@biloxi.example.com>\r\n\t;note=x")))
    fine(b, "folded-quoted", "a fold inside a quoted string", ["ADV-010"],
         invite(changed(ROWS, "From", 'From: "Alice\r\n Smith" <sip:alice@atlanta.example.com>;tag=1')))
    bad(b, "folded-before-colon", "a fold before the colon", ["ADV-010"],
        good.replace(b"Call-ID:", b"Call-ID\r\n :", 1))
    bad(b, "folded-blank", "a line of blanks only", ["ADV-010"], good.replace(b"\r\nCall-ID", b"\r\n \r\nCall-ID", 1))
    bad(b, "folded-first", "the first header line is folded", ["ADV-010"], good.replace(b"\r\nVia", b"\r\n Via", 1))
    bad(b, "no-colon", "a header line without a colon", ["ADV-022"], invite(ROWS + ["Subject hello"]))
    bad(b, "no-name", "a header line without a name", ["ADV-022"], invite(ROWS + [": hello"]))
    bad(b, "name-with-blank", "a header name of two words", ["ADV-022"], invite(ROWS + ["Reply To: x"]))
    bad(b, "header-unfinished", "the header never ends", ["ADV-022"], good[:good.index(b"\r\n\r\n") + 2])
    bad(b, "empty", "no octets at all", ["ADV-022"], b"")
    bad(b, "nonsense", "octets that are no text", ["ADV-022"], bytes(range(128, 256)))
    bad(b, "http", "an HTTP request", ["ADV-022"], b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
    bad(b, "html", "an HTML page", ["ADV-057"], b"<html><body>Hello</body></html>\r\n")


def start_lines(b):
    for name, line in {"version-digits": "INVITE sip:bob@biloxi.example.com SIP/2.00",
                       "two-blanks": "INVITE  sip:bob@biloxi.example.com SIP/2.0",
                       "tab": "INVITE\tsip:bob@biloxi.example.com SIP/2.0",
                       "no-version": "INVITE sip:bob@biloxi.example.com", "no-uri": "INVITE SIP/2.0",
                       "trailing-blank": "INVITE sip:bob@biloxi.example.com SIP/2.0 ",
                       "brackets": "INVITE <sip:bob@biloxi.example.com> SIP/2.0",
                       "blank-in-uri": "INVITE sip:bob@biloxi.example.com; lr SIP/2.0"}.items():
        bad(b, "start-" + name, "start line: " + name.replace("-", " "), ["ADV-012"],
            compose(line, content=SDP_ROWS, body=SDP))
    for name, line in {"status-2000": "SIP/2.0 2000 OK", "status-99": "SIP/2.0 099 OK",
                       "status-text": "SIP/2.0 abc OK"}.items():
        bad(b, "start-" + name, "status line: " + line, ["ADV-012"], compose(line, content=SDP_ROWS, body=SDP))
    bad(b, "start-cseq-method", "the method of CSeq differs from the start line's", ["ADV-012"],
        invite(changed(ROWS, "CSeq", "CSeq: 1 OPTIONS")))
    fine(b, "start-version-case", "sip/2.0 in small letters is legal", ["ADV-012"],
         compose("INVITE sip:bob@biloxi.example.com sip/2.0", content=SDP_ROWS, body=SDP))
    b.refuses("start-version-7", "SIP/7.0", ["ADV-012"],
              compose("INVITE sip:bob@biloxi.example.com SIP/7.0", content=SDP_ROWS, body=SDP), {}, "unsupported", 505)
    unknown = changed(ROWS, "CSeq", "CSeq: 1 NEWMETHOD")
    fine(b, "start-unknown-method", "a method that nobody knows", ["ADV-012"],
         compose("NEWMETHOD sip:bob@biloxi.example.com SIP/2.0", unknown, SDP_ROWS, SDP))


def values(b):
    for name, row in {"cseq-2-32": "CSeq: 4294967296 INVITE", "cseq-negative": "CSeq: -1 INVITE",
                      "cseq-zeros": "CSeq: %s1 INVITE" % ("0" * 1000),
                      "cseq-empty": "CSeq:", "max-forwards-300": "Max-Forwards: 300",
                      "max-forwards-negative": "Max-Forwards: -1",
                      "expires-2-64": "Expires: 18446744073709551616",
                      "via-port": "Via: SIP/2.0/UDP 192.0.2.1:70000;branch=z9hG4bK1",
                      "from-port": "From: <sip:alice@atlanta.example.com:70000>;tag=1",
                      "from-two-brackets": "From: <sip:a@x.example><sip:m@m.example>;tag=1",
                      "from-two": "From: <sip:a@x.example>, <sip:m@m.example>",
                      "from-two-at": "From: <sip:a@x.example@m.example>;tag=1",
                      "from-empty": "From:", "to-unclosed": "To: <sip:bob@biloxi.example.com",
                      "from-unclosed-quote": 'From: "Alice <sip:alice@atlanta.example.com>;tag=1',
                      "call-id-empty": "Call-ID:", "to-nested": "To: <<<<<<<<sip:bob@biloxi.example.com>>>>>>>>",
                      "date-est": "Date: Sat, 21 Nov 2026 05:00:00 EST"}.items():
        rules = ["ADV-015"] if name.startswith("from-t") else ["ADV-013"] if "-2-" in name or "negative" in name or "port" in name or "zeros" in name else ["ADV-022"]
        bad(b, "value-" + name, row if len(row) < 80 else name, rules, invite(changed(ROWS, row.split(":")[0], row)))
    for name in ("via", "from", "to", "call-id", "cseq"):
        bad(b, "missing-" + name, "no %s" % name, ["TUN-70"], invite(changed(ROWS, name, None)))


def odd(b):
    fine(b, "odd-utf8", "octets that are no UTF-8, overlong forms, U+202E in a display name", ["ADV-017"],
         compose(rows=changed(ROWS, "From",
                              b'From: "\xff\xfe \xc0\xaf \xe2\x80\xae" <sip:alice@atlanta.example.com>;tag=1'),
                              content=SDP_ROWS, body=SDP))
    fine(b, "odd-subject", "a Subject of octets over 127", ["ADV-017"],
         compose(rows=ROWS + [b"Subject: \x80\xfe\xc0\x80"], content=SDP_ROWS, body=SDP))
    fine(b, "odd-format", "%n%s in values", ["ADV-022"], invite(ROWS + ["Subject: %n%s%n%s", "User-Agent: %x%x%x"]))
    fine(b, "odd-nul-escape", "%00 in a user part stays an escape", ["ADV-014"],
         invite(changed(ROWS, "From", "From: <sip:alice%00evil@atlanta.example.com>;tag=1")))
    fine(b, "odd-crlf-escape", "%0d%0a in a user part stays an escape", ["ADV-014"],
         invite(changed(ROWS, "From", "From: <sip:alice%0d%0aX:y@atlanta.example.com>;tag=1")))
    fine(b, "odd-call-id", "a Call-ID of 256 octets", ["ADV-023"],
         invite(changed(ROWS, "Call-ID", "Call-ID: " + "c" * 256)))
    fine(b, "odd-empty-values", "fields without a value where that is legal", ["ADV-022"],
         invite(ROWS + ["Supported:", "Accept:", "Subject:"]))
    fine(b, "odd-require", "Require with a tag that nobody knows: whoever has the dialog judges it", ["ADV-021"],
         invite(ROWS + ["Require: nothing-we-know"]))
    fine(b, "odd-blanks", "blanks around every separator", ["TUN-40"],
         invite(changed(ROWS, "From", 'From:    "Alice"   <sip:alice@atlanta.example.com>  ;  tag  =  9fxced76sl')))
    fine(b, "odd-spelling", "names of fields in any letters, compact forms", ["TUN-40"],
         compose(rows=[VIA.replace("Via", "v"), "mAx-fOrWaRdS: 70", FROM.replace("From", "F"), TO.replace("To", "t"),
                       CALL_ID.replace("Call-ID", "I"), "cseq: 1 INVITE", CONTACT.replace("Contact", "m")],
                 content=["c: application/sdp"], body=SDP))


# ---- MIME


def mime():
    b = Book("malformed-mime", "Bodies: boundaries, parts, transfer encodings, media types, dispositions.")
    boundaries(b)
    parts(b)
    encodings(b)
    signed_bodies(b)
    types(b)
    return b


def part_of():
    return cms_entity(encrypted(sdp_entity(), "part"))


def boundaries(b):
    plain = compose(content=SDP_ROWS, body=SDP)
    text = entity(["Content-Type: text/plain"], b"hello\r\n")

    def with_boundary(value, name="outer-5b", parts=None, **more):
        return compose(content=["Content-Type: multipart/mixed; boundary=" + value],
                       body=multipart(parts or [text, part_of()], name, **more))

    b.opens("boundary-token", "a boundary that is a token", ["ADV-031"], with_boundary("outer-5b"), OURS, plain)
    b.opens("boundary-70", "a boundary of 70 characters", ["ADV-031"], with_boundary('"%s"' % ("b" * 70), "b" * 70),
            OURS, plain)
    b.opens("boundary-blank-inside", "a boundary with a blank inside", ["ADV-031"],
            with_boundary('"outer 5b"', "outer 5b"), OURS, plain)
    for name, value, used in (("empty", '""', ""), ("71", '"%s"' % ("b" * 71), "b" * 71),
                              ("trailing-blank", '"outer "', "outer "), ("quote", '"', "x"),
                              ("missing", None, "x"), ("question", "a?b", "a?b")):
        message = (compose(content=["Content-Type: multipart/mixed"],
                           body=multipart([text], used)) if value is None else with_boundary(value, used))
        bad(b, "boundary-" + name, "boundary: " + name, ["ADV-031"], message, options=OURS)
    bad(b, "boundary-continued", "the boundary as an RFC 2231 continuation", ["ADV-019"],
        compose(content=["Content-Type: multipart/mixed; boundary*0=outer; boundary*1=-5b"],
                body=multipart([text], "outer-5b")), options=OURS)
    bad(b, "boundary-twice", "two boundary parameters", ["ADV-019"],
        compose(content=["Content-Type: multipart/mixed; boundary=outer-5b; boundary=x"],
                body=multipart([text], "outer-5b")), options=OURS)
    inner = entity(["Content-Type: multipart/mixed; boundary=bb"], multipart([text, part_of()], "bb"))
    b.opens("boundary-prefix", "the boundary of an inner multipart begins with the outer one's", ["ADV-030"],
            compose(content=["Content-Type: multipart/mixed; boundary=b"], body=multipart([inner, text], "b")), OURS,
            plain)
    decoy = entity(["Content-Type: text/plain"], b"--outer-5bX\r\n--outer-5b-\r\n --outer-5b\r\nx--outer-5b--\r\n")
    b.opens("boundary-lookalike", "lines that only look like the delimiter", ["ADV-030"],
            compose(content=["Content-Type: multipart/mixed; boundary=outer-5b"],
                    body=multipart([decoy, part_of()], "outer-5b")), OURS, plain)
    blanks = multipart([text, part_of()], "outer-5b").replace(b"--outer-5b\r\n", b"--outer-5b \t\r\n")
    b.opens("delimiter-blanks", "blanks after the delimiter", ["ADV-030"],
            compose(content=["Content-Type: multipart/mixed; boundary=outer-5b"], body=blanks), OURS, plain)
    bad(b, "close-missing", "no closing delimiter", ["ADV-032"], with_boundary("outer-5b", close=False), options=OURS)
    bad(b, "close-first", "the closing delimiter comes first", ["ADV-032"],
        compose(content=["Content-Type: multipart/mixed; boundary=outer-5b"],
                body=b"--outer-5b--\r\n" + multipart([text], "outer-5b")), options=OURS)
    bad(b, "close-part-after", "another part after the close", ["ADV-032"],
        with_boundary("outer-5b", parts=[part_of()],
                      epilogue=b"--outer-5b\r\nContent-Type: text/plain\r\n\r\nevil\r\n"), options=OURS)
    b.opens("epilogue", "an epilogue is not content", ["ADV-032"],
            with_boundary("outer-5b", parts=[part_of()], epilogue=b"That was MIME.\r\n"), OURS, plain)
    b.opens("preamble", "a preamble is not content", ["ADV-032"],
            with_boundary("outer-5b", parts=[part_of()], preamble=b"This is MIME.\r\n"), OURS, plain)
    bad(b, "no-delimiter", "no delimiter at all", ["ADV-032"],
        compose(content=["Content-Type: multipart/mixed; boundary=outer-5b"], body=b"hello\r\n"), options=OURS)


def parts(b):
    plain = compose(content=SDP_ROWS, body=SDP)
    bare = ["Content-Type: multipart/mixed; boundary=outer-5b"]

    def of(*pieces):
        return compose(content=bare, body=multipart(list(pieces) + [part_of()], "outer-5b"))

    b.opens("part-no-header", "a part without header fields is text/plain", ["ADV-033"], of(b"\r\nhello"), OURS, plain)
    for name, piece in (("empty", b""), ("header-only", b"Content-Type: text/plain"),
                        ("header-line", b"Content-Type: text/plain\r\n")):
        bad(b, "part-" + name, "a part that is %s" % name.replace("-", " "), ["ADV-033"], of(piece), options=OURS)
    text = b"\r\n\r\nhello"
    for name, rows in (("type", "Content-Type: text/plain\r\nContent-Type: text/html"),
                       ("encoding", "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64"),
                       ("id", "Content-ID: <a@b.example>\r\nContent-ID: <c@b.example>"),
                       ("disposition", "Content-Disposition: render\r\nContent-Disposition: aib")):
        bad(b, "part-double-" + name, "a part with two Content-%s" % name, ["ADV-035"], of(rows.encode() + text),
            options=OURS)
    bad(b, "part-fields-33", "a part with 33 header fields", ["ADV-034"], of(b"X-Y: z\r\n" * 33 + b"\r\nhello"),
        "limit", OURS)
    row = b"Content-Type: text/plain\r\n"
    body = [b"--outer-5b\r\n", Repeat(row, 3300), b"\r\nhello\r\n--outer-5b--\r\n"]
    size = sum(len(piece) for piece in body)
    b.refuses("part-type-3300", "one part with 3,300 Content-Type fields", ["ADV-034"],
              [compose(content=bare, length=size)] + body, OURS, "malformed")
    tail = b"--outer-5b--\r\n"
    many = [Repeat(b"--outer-5b\r\n\r\nx\r\n", 65000), tail]
    b.refuses("parts-65000", "65,000 parts", ["ADV-036"],
              [compose(content=bare, length=sum(len(piece) for piece in many))] + many, OURS, "limit")
    b.refuses("parts-33", "33 parts, the limit is 32", ["ADV-036"],
              compose(content=bare, body=multipart([b"\r\nx"] * 33, "outer-5b")), OURS, "limit")
    b.opens("parts-32", "32 parts", ["ADV-036"],
            compose(content=bare, body=multipart([b"\r\nx"] * 31 + [part_of()], "outer-5b")), OURS, plain)
    for depth, code in ((6, None), (7, "limit"), (9, "limit"), (1000, "limit")):
        nested = part_of() if depth < 100 else b"\r\nx"
        for level in range(depth):
            nested = entity(["Content-Type: multipart/mixed; boundary=b%d" % level], multipart([nested], "b%d" % level))
        head, _, inside = nested.partition(b"\r\n\r\n")
        message = compose(content=[head.decode()], body=inside)
        if code:
            b.refuses("depth-%d" % depth, "%d multiparts in each other" % depth, ["ADV-036", "TUN-62a"], message, OURS,
                      code, 493 if depth == 7 else None)
        else:
            b.opens("depth-%d" % depth, "%d multiparts in each other, an encrypted part in the last" % depth,
                    ["ADV-036"], message, OURS, plain)


def encodings(b):
    octets = encrypted()
    rows = cms_rows("authEnveloped-data", "base64")
    text = base64.b64encode(octets)
    inner = invite()
    b.opens("base64-one-line", "base64 without line ends", ["ADV-038", "TUN-79"], compose(content=rows, body=text),
            OURS, inner)
    b.opens("base64-short-lines", "base64 in lines of 4", ["TUN-79"],
            compose(content=rows, body=wrapped_base64(octets, 4)), OURS, inner)
    b.opens("base64-lf-lines", "base64 in lines that end in LF alone", ["TUN-79"],
            compose(content=rows, body=base64.encodebytes(octets)), OURS, inner)
    b.opens("base64-case", "BASE64 in other letters", ["ADV-039"],
            compose(content=cms_rows("authEnveloped-data", "BaSe64"), body=text), OURS, inner)
    pad = text.rstrip(b"=")
    bads = {"alphabet": text[:40] + b"*" + text[41:], "url-alphabet": text[:40] + b"-_" + text[42:],
            "equals-inside": text[:40] + b"=" + text[41:],
            "length": text[:-1] if not text.endswith(b"=") else pad + b"A"}
    for name, value in bads.items():
        bad(b, "base64-" + name, "base64 with " + name.replace("-", " "), ["ADV-038"],
            compose(content=rows, body=value), options=OURS)
    padded_octets = octets + b"" if len(octets) % 3 else None
    if padded_octets:
        bad(b, "base64-no-padding", "base64 whose padding is missing", ["ADV-038"], compose(content=rows, body=pad),
            options=OURS)
        letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        bad(b, "base64-spare-bits", "base64 whose spare bits are not zero", ["ADV-038"],
            compose(content=rows, body=pad[:-1] + letters[letters.index(pad[-1:]) + 1:][:1] + text[len(pad):]),
            options=OURS)
    blanks = [text[:76], Repeat(b"\r\n    ", 300000), text[76:]]
    b.refuses("base64-blanks", "1.8 million blanks inside base64", ["ADV-038"],
              [compose(content=rows, length=sum(len(piece) for piece in blanks))] + blanks, OURS, "limit")
    for value in ("x-foo", "base64, base64", "quoted-printable", "uuencode"):
        b.refuses("encoding-" + value.split(",")[0].replace("base64", "list"), "Content-Transfer-Encoding: " + value,
                  ["ADV-039", "TUN-79"],
                  compose(content=cms_rows("authEnveloped-data", value), body=octets), OURS, "unsupported", 415)
    for value in ("8bit", "7bit", "binary"):
        b.opens("encoding-" + value, "Content-Transfer-Encoding: %s: the octets as they are" % value, ["TUN-79"],
                compose(content=cms_rows("authEnveloped-data", value), body=octets), OURS, inner)


def signed_bodies(b):
    part = sip_entity(invite())
    data = sign(part)
    good = signature_part(data)
    extra = entity(["Content-Type: text/plain"], b"hello")
    for name, pieces in (("1", [part]), ("3", [part, good, extra]), ("4", [part, extra, good, extra]),
                         ("signature-first", [good, part])):
        code = "malformed"
        bad(b, "signed-parts-" + name, "multipart/signed: " + name.replace("-", " "), ["ADV-040", "TUN-20"],
            compose(content=signed_rows(), body=multipart(pieces)), code, TRUST)
    row = signed_rows()[0]
    for name, other in (("protocol-other", row.replace("pkcs7-signature", "pgp-signature")),
                        ("protocol-missing", row.replace(' protocol="application/pkcs7-signature";', ""))):
        bad(b, "signed-" + name, "multipart/signed: " + name.replace("-", " "), ["ADV-040", "TUN-20"],
            compose(content=[other], body=multipart([part, good])), options=TRUST)
    bad(b, "signed-protocol-twice", "two protocol parameters", ["ADV-019"],
        compose(content=[row + '; protocol="application/pkcs7-signature"'], body=multipart([part, good])),
        options=TRUST)
    other = entity(["Content-Type: application/octet-stream"], data)
    bad(b, "signed-part-type", "the second part is of another type than protocol says", ["ADV-040"],
        compose(content=signed_rows(), body=multipart([part, other])), options=TRUST)
    held = entity(["Content-Type: application/pkcs7-signature"], encrypted())
    b.refuses("signed-part-enveloped", "the signature part holds AuthEnvelopedData", ["ADV-043", "ADV-040"],
              compose(content=signed_rows(), body=multipart([part, held])), TRUST, "unsupported", 415)
    parameters = "; ".join("p%d=x" % i for i in range(200))
    b.refuses("type-parameters-200", "a Content-Type with 200 parameters", ["ADV-019"],
              compose(content=[row + "; " + parameters], body=multipart([part, good])), TRUST, "limit")


def types(b):
    octets = encrypted()
    for name, kind in (("signed-data", "signed-data"), ("compressed-data", "compressed-data"),
                       ("nonsense", "nonsense")):
        b.refuses("label-" + name, "smime-type=%s on AuthEnvelopedData, strictly" % kind, ["ADV-043", "TUN-60"],
                  carried(octets, kind=kind), dict(OURS, strict=True), "unsupported", 415)
    data = cms.signed_data([cms.Signer(person("alice"), sip_entity(invite()), "label")], sip_entity(invite()))
    b.refuses("label-enveloped-on-signed", "smime-type=enveloped-data on SignedData, strictly", ["ADV-043"],
              carried(data, kind="enveloped-data"), dict(TRUST, strict=True), "unsupported", 415)
    for name in ("external-body; access-type=URL; URL=\"http://evil.example.com/\"",
                 "partial; id=1; number=1; total=1"):
        inside = entity(["Content-Type: message/" + name], b"Content-Type: message/sip\r\n\r\n")
        b.refuses("message-" + name.split(";")[0], "message/%s with a signature around it" % name.split(";")[0],
                  ["ADV-044"],
                  compose(content=signed_rows(), body=signed_body(inside, sign(inside, name[:8]))), TRUST,
                  "unsupported", 415)
    for name, value in (("path", "../../x"), ("absolute", "/etc/passwd"), ("dash", "-rf"), ("long", "x" * 300),
                        ("device", "/dev/null")):
        rows = [cms_rows("authEnveloped-data")[0].split("; name")[0] + '; name="%s"' % value,
                "Content-Disposition: attachment; filename=\"%s\"; handling=required" % value]
        b.opens("filename-" + name, "a file name is never used", ["ADV-045"], compose(content=rows, body=octets), OURS,
                invite())
    plain = compose(content=SDP_ROWS, body=SDP)
    unknown = entity(["Content-Type: application/x-unknown", "Content-Disposition: render; handling=optional"],
                     b"\0\1\2")
    b.opens("handling-optional", "an unknown part with handling=optional beside an encrypted one: ignored",
            ["ADV-046", "TUN-63"], compose(content=MIXED_ROWS, body=mixed([unknown, part_of()])), OURS, plain)
    optional = part_of().replace(b"handling=required", b"handling=optional")
    b.opens("handling-choice", "of two opened parts the one with handling=required is handed on", ["ADV-046"],
            compose(content=MIXED_ROWS, body=mixed([optional.replace(b"smime.p7m", b"other.p7m"),
                                                    cms_entity(encrypted(entity(["Content-Type: text/plain"],
                                                        b"hi\r\n"), "hi"))])), OURS,
            compose(content=["Content-Type: text/plain"], body=b"hi\r\n"))
    bad(b, "type-nonsense", "a Content-Type without a subtype", ["ADV-019"],
        compose(content=["Content-Type: text"], body=SDP))
    printed = octets
    b.refuses("type-seed-not-asked", "Content-Type: smime-type=enveloped-data, as a document prints it", ["TUN-78"],
              compose(content=["Content-Type: smime-type=enveloped-data"], body=printed), OURS, "malformed")
    b.opens("type-seed", "the same, read by request", ["TUN-78"],
            compose(content=["Content-Type: smime-type=enveloped-data", "Content-Transfer-Encoding: base64"],
                    body=wrapped_base64(octets)),
            dict(OURS, compat=["seed000"]), invite())


# ---- CMS


def structures():
    b = Book("malformed-cms", "ASN.1 and CMS containers that are broken, cut, nested too deep, or of kinds that are not handled.")
    octets = encrypted()
    made, to = content()

    def bad_cms(case, does, rules, body, code="malformed", options=None, status=None):
        b.refuses(case, does, rules, compose(content=cms_rows("authEnveloped-data"), body=body), options or OURS, code,
                  status)

    for name, more in (("octet", b"\0"), ("line-end", b"\r\n"), ("second", octets)):
        bad_cms("trailing-" + name, "octets after the ContentInfo: " + name, ["ADV-050"], octets + more)
    for cut in (1, 2, 5, len(octets) // 2, len(octets) - 1):
        bad_cms("cut-%d" % cut if cut < 6 else "cut-half" if cut < len(octets) - 1 else "cut-last",
                "cut after %d octets" % cut, ["ADV-052"], octets[:cut])
    bad_cms("length-2-31", "a length of 2^31", ["ADV-052"], b"\x30\x84\x80\0\0\0" + octets[4:])
    bad_cms("length-2-32", "a length of 2^32", ["ADV-052"], b"\x30\x85\1\0\0\0\0" + octets[4:])
    bad_cms("length-2-63", "a length of 2^63", ["ADV-052"], b"\x30\x88\x80\0\0\0\0\0\0\0" + octets[4:])
    bad_cms("length-of-length-127", "127 octets of length", ["ADV-052"], b"\x30\xff" + octets[4:])
    bad_cms("length-not-shortest", "a length in more octets than needed", ["ADV-052"],
            b"\x30\x83\0" + (len(octets) - 4).to_bytes(2, "big") + octets[4:])
    child_too_long = bytearray(octets)
    child_too_long[5] += 40  # the content type's length
    bad_cms("length-over-parent", "an element longer than what holds it", ["ADV-052"], bytes(child_too_long))
    for name, tag in (("1f", b"\x1f\x81\x01"), ("ff", b"\xff\x81\x01"), ("bf", b"\xbf\x20")):
        bad_cms("tag-" + name, "a high tag number", ["ADV-053"], tag + octets[1:])
    for name, oid in (("arc-2-64", b"\6\x0b\x2a\x82\x80\x80\x80\x80\x80\x80\x80\x80\0"),
                      ("arc-padding", b"\6\4\x2a\x80\x01\1"), ("unfinished", b"\6\3\x2a\x86\xc8"), ("empty", b"\6\0")):
        bad_cms("oid-" + name, "a content type OID: " + name, ["ADV-053"],
                der.sequence(oid, der.context(0, der.sequence())))
    bad_cms("oid-10000-arcs", "an OID of 10,000 arcs", ["ADV-053"],
            der.sequence(der.tlv(6, b"\x2a" + b"\1" * 10000), der.context(0, der.sequence())))
    for name, replacement in (("empty", b"\2\0"), ("negative", b"\2\1\xff"), ("padded", b"\2\2\0\0"),
                              ("null", b"\5\0")):
        bad_cms("version-" + name, "the version is %s" % name, ["ADV-053"], rebuilt(made, to, replacement),
                options=OURS)
    bad_cms("version-9-strict", "AuthEnvelopedData of version 9, strictly", ["ADV-055", "CMS-01"],
            made.enveloped(to, version=9), options=dict(OURS, strict=True))
    b.opens("version-9", "AuthEnvelopedData of version 9 is read with a warning", ["ADV-055", "CMS-01"],
            carried(made.enveloped(to, version=9)), OURS, invite(), {"warnings": ["CMS-01"]})
    odd = [cms.kekri(world.kek_id("kek-256"), world.kek("kek-256"), made.cek, version=2)]
    bad_cms("recipient-version-strict", "kekri of version 2, strictly", ["ADV-055", "CMS-01"], made.enveloped(odd),
            options=dict(OURS, strict=True))
    for name in ("data", "digested-data", "encrypted-data", "authenticated-data", "unknown"):
        bad_cms("type-" + name, "content type %s" % name, ["ADV-054"],
                cms.content_info(name, der.sequence(der.integer(0))), "unsupported", status=415)
    for name, text in (("pem", b"-----BEGIN CMS-----\r\n" + wrapped_base64(octets) + b"-----END CMS-----\r\n"),
                       ("base64", base64.b64encode(octets)),
                       ("html", b"<html><body>Not here</body></html>"), ("zlib", b"\x78\x9c" + bytes(40)),
                       ("empty", b"")):
        rules = ["ADV-057"] + (["TUN-62c"] if name == "zlib" else [])
        if name == "empty":
            continue
        bad_cms("format-" + name, "the body is %s" % name.upper(), rules, text)
    bad_cms("recipients-none", "no recipients", ["ADV-059"], made.enveloped([]))
    for count, code in ((5, None), (60, "limit")):
        made2, to2 = content(label="nest")
        encrypted_content = nest(count, made2.ciphertext)
        message = with_ciphertext(made2, to2, encrypted_content)
        if code is None:
            b.opens("constructed-%d" % count, "the ciphertext in %d constructed strings inside each other" % count,
                    ["ADV-051"], carried(message), OURS, invite())
        else:
            bad_cms("constructed-%d" % count, "%d constructed strings inside each other" % count, ["ADV-051"], message,
                    code)
    deep = [Repeat(b"\x24\x80", 100000)]
    b.refuses("constructed-100000", "100,000 constructed strings inside each other", ["ADV-051"],
              [compose(content=cms_rows("authEnveloped-data"), length=sum(len(p) for p in deep) + 4),
               b"\x30\x80\x06\x01"] + deep, OURS, "malformed")
    segments = with_ciphertext(made, to, b"\xa0\x80" + b"\4\1x" * 1025 + b"\0\0")
    bad_cms("segments-1025", "1,025 segments of one string", ["ADV-051"], segments, "limit")
    bad_cms("no-end-of-contents", "indefinite length without an end", ["ADV-051"], b"\x30\x80" + octets[4:])
    many = der.sequence(der.oid("auth-enveloped-data"), der.context(0, der.sequence(*[der.NULL] * 21000)))
    bad_cms("elements-21000", "21,000 elements", ["ADV-051"], many, "limit")
    attributes = [cms.attribute("1.3.6.1.4.1.55555.2.%d" % i, der.NULL) for i in range(33)]
    bad_cms("attributes-33", "33 unauthenticated attributes", ["ADV-123"], made.enveloped(to, unprotected=attributes),
            "limit", status=513)
    order = cms.Content(sip_entity(invite()), label="order",
                        auth_attributes=[cms.attribute("content-type", der.oid("data")),
                                         cms.attribute("unknown", der.NULL)])
    to_order = [cms.kekri(world.kek_id("kek-256"), world.kek("kek-256"), order.cek)]
    good = order.enveloped(to_order)
    swapped = good.replace(b"".join(sorted(order.auth_attributes)),
                           b"".join(sorted(order.auth_attributes, reverse=True)))
    bad_cms("attributes-order", "authenticated attributes not in the order of DER", ["CMS-04", "ADV-060"], swapped)
    only = cms.signed_data([], certificates={person("alice").der}, digests=set())
    message = compose(content=cms_rows("certs-only"), body=only)
    b.opens("certs-only", "certificates only: a body like any other, which nothing protects", ["ADV-112", "TUN-60"],
            message, TRUST, message, {"protected": False, "signed": False})
    b.refuses("certs-only-required", "the same where a signature is required", ["ADV-112"], message,
              dict(TRUST, require="signed"), "not-signed")
    return b


def rebuilt(made, to, version):
    """AuthEnvelopedData with other octets for its version."""
    body = [version, der.set_of(*to), der.sequence(der.oid(made.content_type), made.identifier,
                                                   der.implicit(0, made.ciphertext)), der.octets(made.tag)]
    return cms.content_info("auth-enveloped-data", der.sequence(*body))


def nest(count, octets):
    inside = der.octets(octets)
    for _ in range(count - 1):
        inside = der.tlv(0x24, inside)
    return der.tlv(0xA0, inside)


def with_ciphertext(made, to, encrypted_content):
    body = [der.integer(0), der.set_of(*to), der.sequence(der.oid("data"), made.identifier, encrypted_content),
            der.octets(made.tag)]
    return cms.content_info("auth-enveloped-data", der.sequence(*body))
