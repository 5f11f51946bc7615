"""Encrypted content: ciphers, tags, parameters, attributes (RFC 5083, 5084, 5652 6.1, 9709)."""
import cms
import der
import world
from book import Book
from chance import Chance
from messages import (PAGE_LINE, PAGE_ROWS, RESPONSE_ROWS, ROWS, STATUS_LINE, carried, cms_entity, cms_rows, compose,
                      entity, invite, label_of, response, sip_entity, text_message)

KEK = world.kek("kek-256")
OURS = {"key": ["kek-256"]}
UNSIGNED = {"key": ["kek-256"], "allow-unauthenticated": True}
INNER = invite()


def sealed(content=None, **more):
    """A Content and one recipient: the KEK that we hold."""
    made = cms.Content(sip_entity(INNER) if content is None else content, **more)
    return made, [cms.kekri(world.kek_id("kek-256"), KEK, made.cek)]


def flipped(octets, place, bit=0):
    out = bytearray(octets)
    out[place] ^= 1 << bit
    return bytes(out)


def books():
    yield positive()
    yield hostile()


def positive():
    b = Book("enveloped", "Messages encrypted under one shared key: content ciphers, encodings, tags, attributes.")
    ciphers(b)
    kinds_of_messages(b)
    attributes(b)
    containers(b)
    return b


def ciphers(b):
    flags = {"encrypted": True, "signed": False, "authenticated": True}
    for cipher in ("aes-128-gcm", "aes-192-gcm", "aes-256-gcm"):
        made, to = sealed(cipher=cipher, label=cipher)
        for encoding in ("binary", "base64"):
            b.opens("%s-%s" % (cipher, encoding),
                    "AuthEnvelopedData with %s, transfer encoding %s" % (cipher, encoding),
                    ["CMS-04", "CMS-05", "TUN-30", "TUN-79"], carried(made.enveloped(to), encoding=encoding), OURS,
                    INNER, flags)
    for cipher in ("aes-128-cbc", "aes-192-cbc", "aes-256-cbc"):
        made, to = sealed(cipher=cipher, label=cipher)
        for encoding in ("binary", "base64"):
            b.opens("%s-%s" % (cipher, encoding),
                    "EnvelopedData with %s, which nothing signed: by request only" % cipher,
                    ["TUN-79", "ADV-064"], carried(made.enveloped(to), encoding=encoding), UNSIGNED, INNER,
                    {"encrypted": True, "authenticated": False})
    for cipher in ("aes-128-gcm", "aes-256-gcm", "aes-128-cbc", "aes-256-cbc"):
        made, to = sealed(cipher=cipher, label="hkdf-" + cipher, wrapped_cipher=True)
        b.opens("cek-hkdf-" + cipher, "the content key derived from the recipients' by RFC 9709, over " + cipher,
                ["CMS-14"], carried(made.enveloped(to)), UNSIGNED, INNER)
    for size in (12, 13, 14, 15, 16):
        made, to = sealed(label="tag-%d" % size, tag_size=size)
        b.opens("tag-%d" % size, "a tag of %d octets, as aes-ICVlen says" % size, ["CMS-05", "ADV-061"],
                carried(made.enveloped(to)), OURS, INNER)
    made, to = sealed(label="tag-default", tag_size=None)
    b.opens("tag-default", "aes-ICVlen absent: the tag has 12 octets", ["CMS-05"], carried(made.enveloped(to)), OURS,
            INNER)


    for cipher in ("aes-128-ccm", "aes-192-ccm", "aes-256-ccm"):
        made, to = sealed(cipher=cipher, label=cipher)
        b.opens(cipher, "AuthEnvelopedData with %s, which is only read" % cipher, ["CMS-04", "CMS-05"],
                carried(made.enveloped(to)), OURS, INNER, flags)
    for octets in (7, 8, 9, 10, 11, 13):
        made, to = sealed(cipher="aes-128-ccm", label="ccm-nonce-%d" % octets, nonce=Chance("ccm-nonce").octets(octets))
        b.opens("ccm-nonce-%d" % octets, "AES-CCM with a nonce of %d octets" % octets, ["CMS-05"],
                carried(made.enveloped(to)), OURS, INNER)
    for size in (12, 14, None):
        made, to = sealed(cipher="aes-256-ccm", label="ccm-tag-%s" % size, tag_size=size)
        b.opens("ccm-tag-%s" % ("default" if size is None else size),
                "AES-CCM, aes-ICVlen %s" % ("absent: the tag has 12 octets" if size is None else size), ["CMS-05"],
                carried(made.enveloped(to)), OURS, INNER)
    made, to = sealed(cipher="aes-128-ccm", label="ccm-attributes",
                      auth_attributes=[cms.attribute("content-type", der.oid("data")), cms.attribute("unknown", der.NULL)])
    b.opens("ccm-auth-attributes", "AES-CCM whose attached data are authenticated attributes", ["CMS-04"],
            carried(made.enveloped(to)), OURS, INNER)
    made, to = sealed(cipher="aes-256-ccm", label="ccm-hkdf", wrapped_cipher=True)
    b.opens("cek-hkdf-aes-256-ccm", "the content key derived from the recipient's by RFC 9709, over aes-256-ccm", ["CMS-14"],
            carried(made.enveloped(to)), UNSIGNED, INNER)


def kinds_of_messages(b):
    made, to = sealed(sip_entity(response()), label="response")
    b.opens("response", "a tunnelled response", ["TUN-30"],
            compose(STATUS_LINE, RESPONSE_ROWS, kind_of(made, to), made.enveloped(to)), OURS, response(),
            {"compare": {"To": "equal", "CSeq": "equal"}})
    page = text_message()
    made, to = sealed(sip_entity(page), label="message")
    b.opens("message-request", "a tunnelled MESSAGE", ["TUN-30", "TUN-44"],
            compose(PAGE_LINE, PAGE_ROWS, kind_of(made, to), made.enveloped(to)), OURS, page)
    odd = invite(body=bytes(range(256)) * 2, content=["Content-Type: application/octet-stream"])
    made, to = sealed(sip_entity(odd), label="binary")
    b.opens("binary-body", "an inner message whose body has every octet there is", ["TUN-61"],
            carried(made.enveloped(to)), OURS, odd, {"body": bytes(range(256)) * 2})
    bare = compose()
    made, to = sealed(sip_entity(bare), label="bodiless")
    b.opens("bodiless", "an inner message without a body", ["TUN-32"], carried(made.enveloped(to)), OURS, bare,
            {"body": b""})
    spelled = invite([row.replace("Via:", "v :").replace("From:", "f:").replace("To:", "t:").replace("Call-ID:", "i:")
                      for row in ROWS])
    made, to = sealed(sip_entity(spelled), label="compact")
    b.opens("compact-forms", "inner fields in compact form equal the long ones outside", ["TUN-40"],
            carried(made.enveloped(to)), OURS, spelled,
            {"compare": {"From": "equal", "To": "equal", "Call-ID": "equal"}})
    empty = entity(["Content-Type: text/plain"], b"")
    made, to = sealed(empty, label="empty-part")
    b.opens("empty-content", "a payload of no octets under a good tag", ["ADV-069"], carried(made.enveloped(to)), OURS,
            compose(content=["Content-Type: text/plain"]), {"body": b"", "entity": empty})


def kind_of(made, to):
    return cms_rows(label_of(made.enveloped(to)))


def attributes(b):
    typed = [cms.attribute("content-type", der.oid("data"))]
    made, to = sealed(label="auth-attributes", auth_attributes=typed)
    b.opens("auth-attributes", "authenticated attributes, which are attached data of the tag under the tag of a SET",
            ["CMS-04"], carried(made.enveloped(to)), OURS, INNER)
    made, to = sealed(label="two-attributes", auth_attributes=typed + [cms.attribute("unknown", der.NULL)])
    b.opens("auth-attributes-two", "two authenticated attributes in the order of DER", ["CMS-04"],
            carried(made.enveloped(to)), OURS, INNER)
    made, to = sealed(label="unauth")
    more = [cms.attribute("unknown", der.utf8("added on the way"))]
    b.opens("unauth-attributes", "unauthenticated attributes, added on the way: ignored", ["ADV-071"],
            carried(made.enveloped(to, unprotected=more)), OURS, INNER)
    made, to = sealed(cipher="aes-256-cbc", label="unprotected")
    b.opens("unprotected-attributes", "unprotected attributes, added on the way: ignored", ["ADV-071"],
            carried(made.enveloped(to, unprotected=more)), UNSIGNED, INNER)


def containers(b):
    made, to = sealed(label="segments")
    b.opens("segments", "the ciphertext in segments of indefinite length (BER)", ["ADV-051"],
            carried(made.enveloped(to, split=100)), OURS, INNER)
    made, to = sealed(label="label")
    octets = made.enveloped(to)
    b.opens("smime-type-8591", "smime-type spelled as RFC 8591 does", ["TUN-60"],
            carried(octets, kind="auth-enveloped-data"), OURS, INNER)
    b.opens("smime-type-case", "smime-type in other letters", ["TUN-60"], carried(octets, kind="AUTHENVELOPED-DATA"),
            dict(OURS, strict=True), INNER)
    b.opens("smime-type-wrong", "smime-type says enveloped-data, the OID authEnvelopedData: the OID decides",
            ["TUN-60"],
            carried(octets, kind="enveloped-data"), OURS, INNER, {"warnings": ["TUN-60"]})
    b.refuses("smime-type-wrong-strict", "the same with --strict", ["TUN-60", "ADV-043"],
              carried(octets, kind="enveloped-data"), dict(OURS, strict=True), "unsupported", 415)
    b.opens("smime-type-absent", "no smime-type at all", ["TUN-60"],
            carried(octets, content=["Content-Type: application/pkcs7-mime"]), OURS, INNER)
    b.opens("x-pkcs7-mime", "the old name of the media type", ["TUN-60"],
            carried(octets, content=["Content-Type: application/x-pkcs7-mime; smime-type=authEnveloped-data"]), OURS,
            INNER)
    b.opens("handling-absent", "no Content-Disposition", ["TUN-21"],
            carried(octets, content=["Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data",
                                     "Content-Transfer-Encoding: binary"]), OURS, INNER)
    made, to = sealed(cms_entity(made.enveloped(to)), label="twice")
    b.opens("twice", "an encrypted layer inside another", ["TUN-62a"], carried(made.enveloped(to)), OURS, INNER)
    b.opens("second-opinion", "libcrypto's CMS comes to the same result", ["CMS-05"], carried(octets),
            dict(OURS, **{"second-opinion": True}), INNER)
    made, to = sealed(label="opinion", tag_size=None)
    b.opens("second-opinion-none", "libcrypto's CMS cannot read an absent aes-ICVlen: it has no opinion", ["CMS-05"],
            carried(made.enveloped(to)),
            dict(OURS, **{"second-opinion": True}), INNER)


def hostile():
    b = Book("enveloped-hostile", "Encrypted content that was tampered with, relabelled or cut; one answer for all of it.")
    bits(b)
    tags(b)
    parameters(b)
    relabelled(b)
    contents(b)
    answers(b)
    return b


def broken(b, case, does, rules, octets, options=None, code="cannot-decrypt", status=493, **more):
    b.refuses(case, does, rules, carried(octets), options or OURS, code, status, **more)


def bits(b):
    for name, place in (("first", 0), ("middle", 300), ("last", -1)):
        made, to = sealed(label="flip-" + name)
        made.ciphertext = flipped(made.ciphertext, place)
        broken(b, "ciphertext-" + name, "one bit of the ciphertext changed", ["ADV-060"], made.enveloped(to))
    for bit in (0, 7):
        made, to = sealed(label="flip-tag-%d" % bit)
        made.tag = flipped(made.tag, 15 if bit else 0, bit)
        broken(b, "tag-bit-%d" % bit, "one bit of the tag changed", ["ADV-060"], made.enveloped(to))
    for what in ("ciphertext", "tag", "attributes"):
        typed = [cms.attribute("content-type", der.oid("data"))]
        made, to = sealed(cipher="aes-128-ccm", label="ccm-flip-" + what, auth_attributes=typed + [cms.attribute("unknown", der.integer(4))])
        if what == "attributes":
            made.auth_attributes = typed + [cms.attribute("unknown", der.integer(5))]
        else:
            setattr(made, what, flipped(getattr(made, what), 7))
        broken(b, "ccm-%s" % what, "AES-CCM: %s changed" % what, ["ADV-060"], made.enveloped(to))
    made, to = sealed(label="flip-nonce")
    made.identifier = cms.gcm_identifier("aes-256-gcm", flipped(made.nonce, 5))
    broken(b, "nonce-bit", "one bit of the nonce changed", ["ADV-060"], made.enveloped(to))
    made, to = sealed(label="flip-attribute", auth_attributes=[cms.attribute("content-type", der.oid("data")),
                                                              cms.attribute("unknown", der.integer(4))])
    made.auth_attributes = [cms.attribute("content-type", der.oid("data")), cms.attribute("unknown", der.integer(5))]
    broken(b, "attribute-changed", "an authenticated attribute changed", ["ADV-060", "ADV-070"], made.enveloped(to))
    made, to = sealed(label="flip-cbc", cipher="aes-256-cbc")
    made.ciphertext = flipped(made.ciphertext, -17, 7)
    broken(b, "cbc-padding", "CBC whose padding comes out wrong", ["ADV-065"], made.enveloped(to), UNSIGNED)
    made, to = sealed(label="cbc-garbage", cipher="aes-256-cbc")
    made.ciphertext = flipped(made.ciphertext, 0)
    broken(b, "cbc-first-block", "CBC whose first block comes out as garbage: no MIME entity, so nothing was opened",
           ["ADV-066"], made.enveloped(to), UNSIGNED)
    made, to = sealed(label="cbc-cut", cipher="aes-256-cbc")
    made.ciphertext = made.ciphertext[:-5]
    broken(b, "cbc-length", "CBC ciphertext of no whole number of blocks", ["ADV-060"], made.enveloped(to), UNSIGNED)
    made, to = sealed(label="cbc-none", cipher="aes-256-cbc")
    made.ciphertext = b""
    broken(b, "cbc-empty", "CBC ciphertext of no octets", ["ADV-069"], made.enveloped(to), UNSIGNED)


def tags(b):
    for size in (0, 1, 4, 8, 11):
        made, to = sealed(label="cut-%d" % size)
        made.tag = made.tag[:size]
        broken(b, "tag-cut-%d" % size, "the tag cut to %d octets, aes-ICVlen says 16" % size, ["ADV-061"],
               made.enveloped(to))
        made.identifier = cms.gcm_identifier("aes-256-gcm", made.nonce, size)
        broken(b, "tag-short-%d" % size, "a tag of %d octets, and aes-ICVlen says so too" % size,
               ["ADV-061", "ADV-067"],
               made.enveloped(to))
    for size in (4, 8, 10):
        made, to = sealed(cipher="aes-128-ccm", label="ccm-cut-%d" % size, tag_size=size)
        broken(b, "ccm-tag-%d" % size, "AES-CCM with a tag of %d octets, which RFC 5084 has and is too short" % size,
               ["ADV-061", "ADV-067"], made.enveloped(to))
    for size in (6, 14):
        made, to = sealed(cipher="aes-128-ccm", label="ccm-nonce-%d" % size)
        made.identifier = cms.gcm_identifier("aes-128-ccm", bytes(size), 12)
        broken(b, "ccm-nonce-%d" % size, "AES-CCM with a nonce of %d octets" % size, ["ADV-067"], made.enveloped(to))
    made, to = sealed(label="ccm-relabelled", cipher="aes-128-ccm")
    made.identifier = cms.gcm_identifier("aes-128-gcm", made.nonce, 16)
    broken(b, "ccm-relabelled", "AES-CCM content under the name of AES-GCM", ["ADV-062"], made.enveloped(to))
    made, to = sealed(label="tag-12-of-16")
    made.tag = made.tag[:12]
    broken(b, "tag-12-icv-16", "a tag of 12 octets, aes-ICVlen says 16", ["ADV-061"], made.enveloped(to))
    made, to = sealed(label="tag-16-of-12")
    made.identifier = cms.gcm_identifier("aes-256-gcm", made.nonce, 12)
    broken(b, "tag-16-icv-12", "a tag of 16 octets, aes-ICVlen says 12", ["ADV-061"], made.enveloped(to))
    for size in (17, 32):
        made, to = sealed(label="tag-%d" % size)
        made.tag += bytes(size - 16)
        made.identifier = cms.gcm_identifier("aes-256-gcm", made.nonce, size)
        broken(b, "tag-%d" % size, "a tag of %d octets" % size, ["ADV-061", "ADV-067"], made.enveloped(to))


def parameters(b):
    for size in (0, 1, 8, 16, 32, 64):
        made, to = sealed(label="nonce-%d" % size, nonce=Chance("nonce").octets(size) if size else None)
        if size == 0:
            made.identifier = cms.gcm_identifier("aes-256-gcm", b"")
        broken(b, "nonce-%d" % size, "a nonce of %d octets, the tag is right for it" % size, ["ADV-067", "CMS-05"],
               made.enveloped(to))
    for value, name in ((der.integer(-1), "negative"), (der.integer(3), "3"), (der.integer(2**64 + 16), "huge"),
                        (der.octets(b"\x10"), "octets")):
        made, to = sealed(label="icv-" + name)
        made.identifier = der.algorithm("aes-256-gcm", der.sequence(der.octets(made.nonce), value))
        broken(b, "icv-" + name, "aes-ICVlen is %s" % name, ["ADV-067"], made.enveloped(to))
    for value, name in ((b"", "absent"), (der.NULL, "null"), (der.octets(bytes(12)), "bare"),
                        (der.sequence(), "empty")):
        made, to = sealed(label="parameters-" + name)
        made.identifier = der.algorithm("aes-256-gcm", value)
        broken(b, "parameters-" + name, "GCM parameters are %s" % name, ["CMS-05"], made.enveloped(to))
    made, to = sealed(label="iv-short", cipher="aes-256-cbc")
    made.identifier = der.algorithm("aes-256-cbc", der.octets(made.nonce[:8]))
    broken(b, "cbc-iv-8", "an IV of 8 octets for CBC", ["ADV-067"], made.enveloped(to), UNSIGNED)
    made, to = sealed(label="hkdf-nested", wrapped_cipher=True)
    made.identifier = der.algorithm("cek-hkdf-sha256", made.identifier)
    broken(b, "cek-hkdf-nested", "RFC 9709 inside RFC 9709", ["CMS-14"], made.enveloped(to))
    made.identifier = der.algorithm("cek-hkdf-sha256")
    broken(b, "cek-hkdf-bare", "RFC 9709 without the algorithm that counts", ["CMS-14"], made.enveloped(to))


def relabelled(b):
    for cipher in ("aes-256-gcm", "aes-128-gcm"):
        made, to = sealed(label="relabel-" + cipher, cipher=cipher)
        made.identifier = der.algorithm(cipher.replace("gcm", "cbc"), der.octets(made.nonce + b"\0\0\0\2"))
        made.ciphertext += bytes(-len(made.ciphertext) % 16)
        broken(b, "gcm-as-cbc-" + cipher[4:7], "a GCM message rewritten as EnvelopedData with CBC", ["ADV-062"],
               made.enveloped(to, authenticated=False), UNSIGNED)
    made, to = sealed(label="relabel-hkdf", wrapped_cipher=True)
    made.identifier = der.algorithm("aes-256-cbc", der.octets(made.nonce + b"\0\0\0\2"))
    made.ciphertext += bytes(-len(made.ciphertext) % 16)
    broken(b, "hkdf-gcm-as-cbc", "the same where RFC 9709 derived the key: it does not come out either",
           ["ADV-062", "CMS-14"],
           made.enveloped(to, authenticated=False), UNSIGNED)
    made, to = sealed(label="gcm-in-enveloped")
    broken(b, "gcm-in-enveloped", "GCM in EnvelopedData, the tag left out", ["ADV-063"],
           made.enveloped(to, authenticated=False), UNSIGNED, "policy")
    made, to = sealed(label="cbc-in-auth", cipher="aes-256-cbc")
    made.tag = bytes(16)
    broken(b, "cbc-in-auth-enveloped", "CBC in AuthEnvelopedData", ["ADV-063"],
           made.enveloped(to, authenticated=True), code="policy")
    for name in ("des-cbc", "rc2-cbc", "rc4"):
        made, to = sealed(label="old-" + name, cipher="aes-256-cbc")
        made.identifier = der.algorithm(name, der.octets(made.nonce[:8]))
        broken(b, "cipher-" + name, "content encryption " + name, ["ADV-063"], made.enveloped(to), UNSIGNED, "policy")
    for name in ("aes-256-ofb", "aes-256-cfb"):
        made, to = sealed(label="mode-" + name, cipher="aes-256-cbc")
        made.identifier, made.tag = der.algorithm(name, der.octets(made.nonce)), bytes(16)
        broken(b, "cipher-" + name, name + " in AuthEnvelopedData", ["ADV-063"], made.enveloped(to, authenticated=True),
               code="unsupported")
    made, to = sealed(label="old-3des", cipher="aes-256-cbc")
    made.identifier = der.algorithm("des-ede3-cbc", der.octets(made.nonce[:8]))
    broken(b, "cipher-3des", "Triple-DES, which is read only by name", ["ADV-063"], made.enveloped(to), UNSIGNED,
           "policy")
    made, to = sealed(label="other-size", cipher="aes-128-gcm")
    made.identifier = cms.gcm_identifier("aes-256-gcm", made.nonce)
    broken(b, "cek-size", "a content key of 16 octets for a cipher of 32", ["ADV-090"], made.enveloped(to))


def contents(b):
    made, to = sealed(label="detached")
    broken(b, "ciphertext-absent", "encryptedContent absent", ["ADV-069"], made.enveloped(to, ciphertext=False))
    typed = [cms.attribute("content-type", der.oid("data"))]
    made, to = sealed(label="added")
    made.auth_attributes = typed
    broken(b, "attributes-added", "authenticated attributes added after sealing", ["ADV-070"], made.enveloped(to))
    made, to = sealed(label="removed", auth_attributes=typed)
    made.auth_attributes = None
    broken(b, "attributes-removed", "authenticated attributes removed", ["ADV-070"], made.enveloped(to))
    made, to = sealed(label="type-lies", auth_attributes=[cms.attribute("content-type", der.oid("signed-data"))])
    broken(b, "content-type-differs", "the content-type attribute says signedData, the content is data", ["ADV-070"],
           made.enveloped(to))
    made, to = sealed(label="type-missing", content_type="signed-data")
    broken(b, "content-type-missing", "content of another type than data, and no content-type attribute",
           ["ADV-070", "TUN-77"],
           made.enveloped(to))
    twice = typed + [cms.attribute("content-type", der.oid("signed-data"))]
    made, to = sealed(label="type-twice", auth_attributes=twice)
    broken(b, "content-type-twice", "two content-type attributes", ["ADV-058", "ADV-070"], made.enveloped(to))
    for name, content in (("no-entity", b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"),
                          ("half-header", b"Content-Type: message/sip"),
                          ("no-sip", sip_entity(b"not a SIP message at all\r\n\r\n")),
                          ("no-sip-fields", sip_entity(b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n\r\n"))):
        made, to = sealed(content, label=name)
        code = "incomplete" if name == "no-sip-fields" else "malformed"
        broken(b, "inner-" + name, "what comes out is no MIME entity, or no SIP message: towards the peer the same 493",
               ["TUN-90", "TUN-61"], made.enveloped(to), code=code)
    made, to = sealed(label="unsigned-cbc", cipher="aes-256-cbc")
    broken(b, "cbc-unsigned", "EnvelopedData that nothing signed is refused unless asked for", ["ADV-064"],
           made.enveloped(to), code="policy")


def answers(b):
    made, to = sealed(label="answer")
    made.tag = flipped(made.tag, 3)
    broken(b, "answer-tag", "the answer to a wrong tag: 493", ["TUN-11", "TUN-90"], made.enveloped(to),
           operation="answer")
    made, to = sealed(b"nonsense", label="answer-mime")
    broken(b, "answer-inside", "the answer to nonsense inside is the same 493", ["TUN-90", "ADV-091"],
           made.enveloped(to),
           code="malformed", operation="answer")
    made = cms.Content(sip_entity(INNER), label="answer-lost")
    to = [cms.kekri(world.kek_id("kek-lost"), world.kek("kek-lost"), made.cek)]
    broken(b, "answer-no-key", "the answer to a key that we do not hold is the same 493",
           ["TUN-90", "TUN-11", "ADV-091"],
           made.enveloped(to), code="no-key", operation="answer")
