"""Compression, limits, the profile of the P-CSCF, and sealing."""
import cms
import der
import world
from book import Book, Repeat, json_octets
from messages import (ANONYMOUS_CONTACT, REQUEST_LINE, RESPONSE_ROWS, ROWS, STAND_IN, STATUS_LINE, carried, changed,
                      cms_entity, compose, invite, response, sdp_entity, signed_entity, signed_message, sip_entity,
                      text_message, wrapped_base64)
from world import ALICE, person

OURS = {"key": ["kek-256"]}
TRUST = {"trust": ["ca"]}
BOTH = {"key": ["kek-256"], "trust": ["ca"]}


def sign(part, name="alice"):
    return cms.signed_data([cms.Signer(person(name), part, "limits" + name)])


def encrypt(part, label, cipher="aes-256-gcm", name="kek-256", **more):
    made = cms.Content(part, cipher, "limits/" + label, **more)
    return made.enveloped([cms.kekri(world.kek_id(name), world.kek(name), made.cek)])


def books():
    yield compression()
    yield limits()
    yield pcscf()
    yield sealing()


# ---- compression (RFC 3274)


def compression():
    b = Book("compression", "CompressedData inside and outside of protection: both nestings, broken streams, bombs.")
    part = sip_entity(invite())
    b.opens("encrypted", "compressed, then encrypted (a MIME entity of compressed-data inside)",
            ["CMS-07", "TUN-76", "TUN-77"],
            carried(encrypt(cms_entity(cms.compressed(part)), "ce")), OURS, invite())
    b.opens("encrypted-cbc", "the same with CBC", ["TUN-76"],
            carried(encrypt(cms_entity(cms.compressed(part)), "cecbc", "aes-128-cbc")),
            dict(OURS, **{"allow-unauthenticated": True}), invite())
    b.opens("null-parameters", "the algorithm's parameters are NULL", ["CMS-07"],
            carried(encrypt(cms_entity(cms.content_info("compressed-data",
                                                        cms.compressed_data(cms.stored(part), parameters=der.NULL))),
                                                        "cn")), OURS, invite())
    for cipher in ("aes-256-gcm", "aes-256-cbc"):
        typed = [cms.attribute("content-type", der.oid("compressed-data"))] if cipher.endswith("gcm") else None
        bare = encrypt(cms.compressed_data(cms.stored(part)), "bare" + cipher, cipher, content_type="compressed-data",
                       auth_attributes=typed)
        b.opens("other-nesting-" + cipher[8:], "CompressedData itself is what is encrypted, the content type says so",
                ["TUN-77"], carried(bare),
                dict(OURS, **{"allow-unauthenticated": True}), invite())
    inside = signed_entity(part, sign(part))
    b.opens("signed", "signed, compressed, encrypted", ["CMS-07"],
            carried(encrypt(cms_entity(cms.compressed(inside)), "sce")), BOTH, invite(), {"signed": True})
    squeezed = cms_entity(cms.compressed(part))
    b.opens("compressed-signed", "compressed, then signed", ["TUN-62a"], signed_message(squeezed, sign(squeezed)),
            TRUST, invite(), {"signed": True})
    b.opens("only", "compressed and nothing else: nothing is protected", ["CMS-07"],
            carried(cms.compressed(sdp_entity())), {},
            carried(cms.compressed(sdp_entity())), {"protected": False})
    stream = cms.stored(part)
    streams = {"cut": stream[:-10], "checksum": stream[:-4] + b"\0\0\0\0", "trailing": stream + b"\0",
               "raw-deflate": stream[2:-4],
               "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\3" + stream[2:], "empty": b"", "header-only": stream[:2],
               "nonsense": b"\x78\x01" + b"\xff" * 60,
               "dictionary": b"\x78\x20" + bytes(40)}
    for name, broken in streams.items():
        info = cms.content_info("compressed-data", cms.compressed_data(broken))
        b.refuses("inside-" + name, "inside encryption, the stream: " + name.replace("-", " "), ["ADV-131", "TUN-90"],
                  carried(encrypt(cms_entity(info), "s" + name)), OURS, "malformed", 493)
        b.refuses("outside-" + name, "the stream: " + name.replace("-", " "), ["ADV-131"], carried(info), {},
                  "malformed")
    twice = cms_entity(cms.compressed(cms_entity(cms.compressed(part))))
    b.refuses("twice", "compressed twice", ["ADV-130"], carried(encrypt(twice, "twice")), OURS, "limit", 493)
    zeros = cms.run_of_zeros(1 << 20)
    bomb = cms.content_info("compressed-data", cms.compressed_data(zeros))
    b.refuses("bomb-inside", "1 MiB of zeros in %d octets, encrypted" % len(zeros), ["ADV-130"],
              carried(encrypt(cms_entity(bomb), "bomb")), OURS, "limit", 493)
    b.refuses("bomb-outside", "the same, not encrypted", ["ADV-130"], carried(bomb), {}, "limit")
    small = cms.content_info("compressed-data", cms.compressed_data(cms.run_of_zeros(60000)))
    b.refuses("ratio-below-64k", "60,000 zeros: no bomb yet, and no entity", ["ADV-130"], carried(small), {},
              "malformed")
    other = cms.content_info("compressed-data", cms.compressed_data(stream, name="unknown"))
    b.refuses("algorithm-unknown", "an unknown compression algorithm", ["CMS-07"],
              carried(encrypt(cms_entity(other), "alg")), OURS, "unsupported", 493)
    odd = cms.content_info("compressed-data", cms.compressed_data(stream, version=2))
    b.refuses("version-2", "CompressedData of version 2", ["CMS-07", "CMS-01"], carried(encrypt(cms_entity(odd), "v2")),
              OURS, "malformed", 493)
    return b


# ---- limits


def limits():
    b = Book("limits", "What is too long, too much or too deep is refused before work is done; just below it is read.")
    tail = [b"\r\n".join(row.encode() for row in ROWS) + b"\r\nContent-Length: 0\r\n\r\n"]
    start = REQUEST_LINE.encode() + b"\r\n"

    def header(case, does, pieces, code="limit", status=513):
        b.refuses(case, does, ["ADV-011", "ADV-022"], [start] + pieces + tail, {}, code, status)

    header("fields-40000", "40,000 header fields", [Repeat(b"X-Y: z\r\n", 40000)])
    header("fields-257", "257 header fields, the limit is 256", [Repeat(b"X-Y: z\r\n", 257 - 9)])
    header("commas-40000", "40,000 values in one field", [b"Supported: a", Repeat(b",a", 40000), b"\r\n"])
    header("values-65", "65 values in one field, the limit is 64", [b"Supported: a", Repeat(b",a", 64), b"\r\n"])
    header("parameters-40000", "40,000 parameters", [b"Contact: <sip:a@b.example>", Repeat(b";a=b", 40000), b"\r\n"])
    header("parameters-65", "65 parameters of one value, the limit is 64",
           [b"Contact: <sip:a@b.example>", Repeat(b";a=b", 65), b"\r\n"])
    header("field-64k", "a field of 64 KiB", [b"Subject: ", Repeat(b"x", 65536), b"\r\n"])
    header("field-16k", "a field of over 16 KiB", [b"Subject: ", Repeat(b"x", 16384), b"\r\n"])
    header("header-64k", "header fields of over 64 KiB", [Repeat(b"Subject-X: " + b"x" * 1000 + b"\r\n", 66)])
    header("via-71", "71 Via values, the limit is 70", [Repeat(b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n", 70)])
    header("folds-10000", "10,000 folds", [b"Subject: x", Repeat(b"\r\n x", 10000), b"\r\n"])
    b.refuses("method-10k", "a method of 10,000 octets", ["ADV-012", "ADV-022"],
              [Repeat(b"A", 10000), b" sip:bob@biloxi.example.com SIP/2.0\r\n"] + tail, {}, "malformed")
    b.refuses("uri-10k", "a Request-URI of 10,000 octets", ["ADV-022"],
              [b"INVITE sip:", Repeat(b"b", 10000), b"@biloxi.example.com SIP/2.0\r\n"] + tail, {}, "limit")
    good = compose(rows=[ROWS[0]] * 70 + ROWS[1:])
    b.opens("via-70", "70 Via values", ["ADV-011"], good, {}, good)
    full = compose(rows=ROWS + ["Supported: " + ",".join("abcdefgh"[i % 8] for i in range(64))])
    b.opens("values-64", "64 values in one field", ["ADV-011"], full, {}, full)
    big = [compose(content=["Content-Type: text/plain"], length=(16 << 20) + 1), Repeat(b"x", (16 << 20) + 1)]
    b.refuses("message-16m", "a message of over 16 MiB", ["ADV-022"], big, {}, "limit")
    inner_many = compose(rows=ROWS + ["X-%d: y" % i for i in range(300)])
    b.refuses("inner-fields", "an inner message of 300 header fields: the same limits, and the same 493 as for everything", ["ADV-011", "TUN-90"],
              carried(encrypt(sip_entity(inner_many), "inner-fields")), OURS, "limit", 493)
    return b


# ---- the P-CSCF (seed example and TUN-70 to 84)


PCSCF = {"key": ["kek-128"], "profile": "pcscf", "layers": 1}
OUTSIDE = changed(changed(ROWS, "From", STAND_IN), "Contact", ANONYMOUS_CONTACT)


def pcscf():
    b = Book("pcscf", "The profile between a phone and its P-CSCF: one layer is opened, what is inside goes on.")
    part = sip_entity(invite())
    squeezed = cms_entity(cms.compressed(part))
    for cipher in ("aes-128-gcm", "aes-256-gcm", "aes-128-cbc"):
        options = dict(PCSCF, **({"allow-unauthenticated": True} if cipher.endswith("cbc") else {}))
        octets = encrypt(squeezed, "p" + cipher, cipher, "kek-128")
        for variant, line in (("1", REQUEST_LINE), ("2", "INVITE sip:pcscf.visited.example SIP/2.0")):
            rows = OUTSIDE if variant == "1" else changed(OUTSIDE, "To", "To: <sip:pcscf.visited.example>")
            b.opens("%s-variant-%s" % (cipher, variant),
                    "compressed, %s under a CK of 128 bits, base64; variant %s" % (cipher, variant),
                    ["TUN-70", "TUN-71", "TUN-72", "TUN-74", "TUN-76", "TUN-84"], carried(octets, rows, line, "base64"),
                    options, invite())
    octets = encrypt(squeezed, "answers", name="kek-128")
    whole = response()
    back = changed(changed(RESPONSE_ROWS, "From", STAND_IN), "Contact",
                   "Contact: <sip:ua.biloxi.example.com;transport=tcp>")
    b.opens("response", "an answer sealed the same way", ["TUN-81"],
            carried(encrypt(cms_entity(cms.compressed(sip_entity(whole))), "resp", name="kek-128"), back, STATUS_LINE,
                    "base64"), PCSCF, whole)
    signed = signed_message(part, sign(part))
    b.opens("signed-goes-on", "what is inside is a signed message: it goes on octet for octet", ["TUN-80", "TUN-83"],
            carried(encrypt(sip_entity(signed), "signed", name="kek-128"), OUTSIDE, encoding="base64"), PCSCF, signed)
    b.opens("binary", "binary instead of base64", ["TUN-79"], carried(octets, OUTSIDE), PCSCF, invite())
    for aor, case in ((ALICE, "from"), ("sip:other@atlanta.example.com", None)):
        options = dict(PCSCF, registered=[aor])
        if case:
            b.opens("registered", "From is a registered identity", ["TUN-82"], carried(octets, OUTSIDE), options,
                    invite())
        else:
            b.refuses("registered-other", "From is no registered identity of this subscriber", ["TUN-82"],
                      carried(octets, OUTSIDE), options, "header-mismatch", 493)
    preferred = invite(ROWS + ["P-Preferred-Identity: <sip:alice@home.example.com>"])
    b.opens("registered-preferred", "P-Preferred-Identity is a registered identity", ["TUN-82"],
            carried(encrypt(sip_entity(preferred), "ppi", name="kek-128"), OUTSIDE),
            dict(PCSCF, registered=["sip:alice@home.example.com"]), preferred)
    for name, rows in (("via", changed(OUTSIDE, "Via",
                                       "Via: SIP/2.0/TCP ua.atlanta.example.com:5060;branch=z9hG4bKother")),
                                       ("call-id", changed(OUTSIDE, "Call-ID", "Call-ID: other@example.com")),
                       ("cseq", changed(OUTSIDE, "CSeq", "CSeq: 2 INVITE")),
                       ("from-tag", changed(OUTSIDE, "From", STAND_IN.replace("9fxced76sl", "x"))),
                       ("to", changed(OUTSIDE, "To", "To: <sip:somebody@else.example.com>"))):
        b.refuses("differs-" + name, "outside differs: " + name, ["TUN-71", "TUN-90"], carried(octets, rows), PCSCF,
                  "header-mismatch", 493)
    b.refuses("variant-1-other-uri", "a Request-URI that is neither the inner one nor the P-CSCF", ["TUN-72"],
              carried(octets, OUTSIDE, "INVITE sip:carol@chicago.example.com SIP/2.0"),
              PCSCF, "header-mismatch", 493)
    b.refuses("other-key", "a key identifier of another subscriber", ["TUN-73", "TUN-74"],
              carried(encrypt(squeezed, "ok", name="kek-lost"), OUTSIDE), PCSCF, "no-key")
    b.refuses("cbc-not-asked", "CBC where policy wants an authenticated cipher", ["TUN-84", "ADV-064"],
              carried(encrypt(squeezed, "cbcna", "aes-128-cbc", "kek-128"), OUTSIDE), PCSCF, "policy", 493)
    wrong = [cms.kekri(world.kek_id("kek-128"), world.kek("kek-256")[:16], bytes(32))]
    made = cms.Content(squeezed, label="derive")
    b.refuses("derived-key", "the KEK was derived, and is taken as it is: the unwrap fails", ["TUN-75"],
              carried(made.enveloped(wrong), OUTSIDE), PCSCF, "cannot-decrypt", 493)
    printed = (REQUEST_LINE + "\r\nContent-Type: smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\n").encode() + wrapped_base64(encrypt(squeezed, "printed", "aes-128-cbc", "kek-128"))
    seed = dict(PCSCF, **{"allow-unauthenticated": True})
    b.opens("as-printed", "the outer message as the document prints it, by request", ["TUN-70", "TUN-78"], printed,
            dict(seed, compat=["seed000"]), invite())
    b.refuses("as-printed-not-asked", "the same without being asked for", ["TUN-70", "TUN-78"], printed, seed,
              "malformed")
    return b


# ---- sealing


def sealing():
    b = Book("sealing", "What seal writes: the exact octets where nothing but counted random octets goes in; else it must open again.")
    exact(b)
    round_trips(b)
    refusals(b)
    return b


def exact(b):
    """The expected octets (...) are asked from the program: generate.py."""

    def seals(case, does, rules, options, opening, message=None, inner=None, start=0, date=True, **expect):
        rows = options.pop("rows", None)
        message = invite(rows) if message is None else message
        b.add(case, does, rules, "seal", message, options, {"result": "ok", "exit": 0, "message": ...}, random=start,
              open={"options": opening, "expected": {"result": "ok", "exit": 0,
                                                     "message": json_octets(message if inner is None else inner),
                                                     **expect}})

    for key in ("kek-128", "kek-192", "kek-256"):
        for cipher in ("aes-128-gcm", "aes-256-gcm", "aes-128-cbc", "aes-192-cbc", "aes-256-cbc"):
            opening = dict({"key": [key]}, **({"allow-unauthenticated": True} if cipher.endswith("cbc") else {}))
            seals("%s-%s" % (key, cipher), "a tunnel under %s with %s" % (key, cipher), ["CMS-06", "TUN-30"],
                  {"to": [key], "cipher": cipher}, opening,
                  start=len(b.cases) * 16)
    seals("base64", "transfer encoding base64", ["TUN-79"], {"to": ["kek-256"], "encoding": "base64"}, OURS, start=1000)
    seals("hide", "Subject and From only inside", ["TUN-42"],
          {"to": ["kek-256"], "hide": "From,Subject", "rows": ROWS + ["Subject: secret"]}, OURS, start=1100)
    seals("request-uri", "another Request-URI outside", ["TUN-72"],
          {"to": ["kek-256"], "request-uri": "sip:pcscf.visited.example"}, OURS, start=1200)
    seals("payload", "only the body", ["TUN-38"], {"to": ["kek-256"], "mode": "payload"}, OURS, start=1300)
    seals("response", "a response", ["TUN-31"], {"to": ["kek-256"]}, OURS, response(), start=1400)
    seals("two-keks", "two recipients, by request unsigned", ["CMS-12"],
          {"to": ["kek-256", "kek-128"], "allow-unsigned-shared": True}, {"key": ["kek-128"]}, start=1500)
    for name, more in (("ed25519", {}), ("rsa", {"rsa-signature": "v1.5"})):
        signer = {"sign-with": ["alice-" + name], **more}
        seals("signed-" + name, "signed, detached, by %s" % name, ["TUN-20", "TUN-58"], dict(signer), TRUST, start=1600,
              signed=True)
        seals("opaque-" + name, "signed-data by %s" % name, ["TUN-60"], dict(signer, opaque=True), TRUST, start=1700,
              signed=True)
        seals("sign-encrypt-" + name, "signed by %s, then encrypted" % name, ["TUN-44"], dict(signer, to=["kek-256"]),
              BOTH, start=1800, signed=True, encrypted=True)
        seals("encrypt-sign-" + name, "encrypted, then signed by %s" % name, ["TUN-44"],
              dict(signer, to=["kek-256"], order="encrypt-sign"), BOTH, start=1900, signed=True, encrypted=True)
        seals("sipfrag-" + name, "an AIB by %s" % name, ["TUN-52"], dict(signer, mode="sipfrag"), TRUST, start=2000,
              signed=True)
        seals("payload-signed-" + name, "the body signed by %s" % name, ["TUN-07"], dict(signer, mode="payload"), TRUST,
              start=2100, signed=True)
        seals("no-certs-" + name, "signed by %s, certificate left out" % name, ["TUN-06"],
              dict(signer, **{"no-certs": True}), dict(TRUST, cert=["alice-%s.crt" % name]), start=2200)
    dated = invite()
    seals("date-auto", "a message without Date that is signed gets one", ["TUN-33"], {"sign-with": ["alice-ed25519"]},
          TRUST, invite(changed(ROWS, "Date", None)), dated, start=2300)
    seals("date-fixed", "Date as given", ["TUN-33"],
          {"sign-with": ["alice-ed25519"], "date": "Sat, 21 Nov 2026 09:59:00 GMT"}, TRUST, invite(),
          invite(changed(ROWS, "Date", "Date: Sat, 21 Nov 2026 09:59:00 GMT")), start=2400)
    seals("date-none", "no Date is put in", ["TUN-33"], {"sign-with": ["alice-ed25519"], "date": "none"}, TRUST,
          invite(changed(ROWS, "Date", None)), start=2500)
    seals("password", "a password recipient: salt, IV and fill come from the counted octets too", ["CMS-13"],
          {"to": ["password"], "cipher": "aes-128-gcm"}, {"key": ["password"]}, start=2700)


def round_trips(b):
    """libcrypto draws its own random octets here: ephemeral keys, OAEP, PSS, ECDSA. What is sealed must open."""

    def seals(case, does, rules, options, opening, message=None, **expect):
        message = invite() if message is None else message
        b.add(case, does, rules, "seal", message, options, "ok", random=4000,
              open={"options": opening, "expected": {"result": "ok", "exit": 0, "message": json_octets(message),
                                                     **expect}})

    for name in ("bob", "bob-p384", "bob-p521", "bob-x25519", "bob-rsa"):
        for cipher in ("aes-128-gcm", "aes-256-gcm"):
            seals("to-%s-%s" % (name, cipher), "to the certificate of %s with %s" % (name, cipher),
                  ["TUN-56", "CMS-08" if name != "bob-rsa" else "ADV-084"], {"to": [name + ".crt"], "cipher": cipher},
                  {"key": [name]})
        seals("by-key-id-" + name, "the recipient named by key identifier: no names on the wire", ["ADV-099"],
              {"to": [name + ".crt"], "by-key-id": True}, {"key": [name]})
    for name in ("alice", "alice-p384", "alice-p521", "alice-rsa"):
        seals("signed-" + name, "signed by " + name, ["TUN-58"], {"sign-with": [name]}, TRUST, signed=True)
        seals("everything-" + name, "signed by %s, compressed, for five recipients" % name,
              ["TUN-44", "CMS-12", "TUN-76"],
              {"sign-with": [name], "compress": True,
               "to": ["kek-256", "bob.crt", "bob-rsa.crt", "bob-x25519.crt", "kek-lost"]},
               {"key": ["bob-x25519"], "trust": ["ca"]}, signed=True, encrypted=True)
    seals("two-signers", "two signers", ["TUN-23"], {"sign-with": ["alice", "alice-ed25519"]}, TRUST, signed=True)
    seals("pcscf", "the profile of the P-CSCF", ["TUN-70", "TUN-76"], {"to": ["kek-128"], "profile": "pcscf"},
          {"key": ["kek-128"], "profile": "pcscf"})
    seals("compress-small", "compression that gains nothing", ["TUN-76"], {"to": ["kek-256"], "compress": True}, OURS,
          compose())
    seals("sipfrag-response", "the AIB of a response", ["TUN-53"], {"sign-with": ["bob"], "mode": "sipfrag"}, TRUST,
          response(), signed=True)
    seals("sipfrag-encrypted", "an AIB signed, then encrypted", ["TUN-55"],
          {"sign-with": ["alice"], "mode": "sipfrag", "to": ["kek-256"]}, BOTH)
    boundary_like = invite(body=b"--7e2d3a9c41\r\n--7e2d3a9c41--\r\n", content=["Content-Type: text/plain"])
    seals("boundary-in-body", "a body full of what looks like delimiters", ["ADV-037"], {"sign-with": ["alice"]}, TRUST,
          boundary_like)


def refusals(b):
    def refuses(case, does, rules, options, code, message=None, **more):
        b.add(case, does, rules, "seal", invite() if message is None else message, options, code, random=0, **more)

    refuses("nothing", "neither recipient nor signer", ["ADV-149"], {}, "usage")
    refuses("payload-without-body", "only the body of a message that has none", ["TUN-38"],
            {"to": ["kek-256"], "mode": "payload"}, "usage", compose())
    refuses("sipfrag-unsigned", "an AIB that nobody signs", ["TUN-52"], {"to": ["kek-256"], "mode": "sipfrag"}, "usage")
    refuses("hide-unencrypted", "hidden fields in a tunnel that is only signed", ["TUN-42"],
            {"sign-with": ["alice"], "hide": "Subject"}, "usage")
    for field in ("Call-ID", "To", "CSeq", "Via", "Content-Type"):
        refuses("hide-" + field.lower(), "%s cannot be hidden" % field, ["TUN-42"], {"to": ["kek-256"], "hide": field},
                "usage")
    refuses("shared-unsigned", "two recipients and no signer", ["CMS-12"], {"to": ["kek-256", "kek-128"]}, "policy")
    for name, does in (("bob-expired", "expired"), ("bob-tls", "for TLS only"),
                       ("bob-rsa1024", "of an RSA key of 1024 bits"), ("bob-sign-only", "for signing only")):
        refuses("to-" + name[4:], "a recipient's certificate %s" % does, ["ADV-098"], {"to": [name + ".crt"]}, "policy")
    refuses("to-sha1", "a recipient's certificate signed with SHA-1", ["ADV-098"],
            {"to": ["bob-sha1.crt"], "trust": ["ca"]}, "policy")
    refuses("to-other-ca", "a recipient's certificate of another CA than is trusted", ["ADV-098"],
            {"to": ["bob-other-ca.crt"], "trust": ["ca"]}, "policy")
    refuses("signer-expired", "our own certificate is expired", ["ADV-098"], {"sign-with": ["alice-expired"]}, "policy")
    page = text_message(body=b"a long text. " * 100)
    udp = page.replace(b"SIP/2.0/TCP", b"SIP/2.0/UDP")
    refuses("message-udp", "a MESSAGE that is too large for UDP once it is sealed", ["TUN-59"], {"to": ["kek-256"]},
            "limit", udp)
    b.add("message-tcp", "the same over TCP: a warning", ["TUN-59"], "seal", page, {"to": ["kek-256"]},
          {"result": "ok", "exit": 0, "warnings": ["TUN-59"]}, random=0)
    cancel = changed(ROWS, "CSeq", "CSeq: 1 CANCEL")
    refuses("pcscf-cancel", "a CANCEL goes hop by hop", ["TUN-81", "ADV-150"], {"to": ["kek-128"], "profile": "pcscf"},
            "policy",
            compose("CANCEL sip:bob@biloxi.example.com SIP/2.0", changed(cancel, "Contact", None)))
    refuses("pcscf-trying", "a 100 goes hop by hop", ["TUN-81", "ADV-150"], {"to": ["kek-128"], "profile": "pcscf"},
            "policy", compose("SIP/2.0 100 Trying", RESPONSE_ROWS))
    refuses("malformed", "a message with two From", ["ADV-001"], {"to": ["kek-256"]}, "malformed",
            invite(ROWS + ['From: <sip:m@m.example>;tag=2']))
    b.add("random-fails", "the random generator fails: nothing is sealed", ["ADV-214"], "seal", invite(),
          {"to": ["kek-256"]}, "internal", random="fails")
    b.add("random-fails-signed", "the same while a boundary is chosen", ["ADV-214"], "seal", invite(),
          {"sign-with": ["alice-ed25519"]}, "internal", random="fails")
