"""SIP messages and MIME entities of the vectors."""
import base64

AT = "2026-11-21T10:00:00Z"
DATE = "Sat, 21 Nov 2026 10:00:00 GMT"

REQUEST_LINE = "INVITE sip:bob@biloxi.example.com SIP/2.0"
VIA = "Via: SIP/2.0/TCP ua.atlanta.example.com:5060;branch=z9hG4bK74bf9"
FROM = 'From: "Alice" <sip:alice@atlanta.example.com>;tag=9fxced76sl'
TO = "To: Bob <sip:bob@biloxi.example.com>"
CALL_ID = "Call-ID: 3848276298220188511@atlanta.example.com"
CSEQ = "CSeq: 1 INVITE"
CONTACT = "Contact: <sip:alice@ua.atlanta.example.com;transport=tcp>"
ROWS = [VIA, "Max-Forwards: 70", FROM, TO, CALL_ID, CSEQ, CONTACT, "Date: " + DATE]
STAND_IN = 'From: "Anonymous" <sip:anonymous@anonymous.invalid>;tag=9fxced76sl'
ANONYMOUS_CONTACT = "Contact: <sip:ua.atlanta.example.com;transport=tcp>"

STATUS_LINE = "SIP/2.0 200 OK"
RESPONSE_TO = TO + ";tag=8321234356"
RESPONSE_ROWS = [VIA, FROM, RESPONSE_TO, CALL_ID, CSEQ, "Contact: <sip:bob@ua.biloxi.example.com;transport=tcp>",
                 "Date: " + DATE]

SDP = (b"v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\n"
       b"m=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")
SDP_ROWS = ["Content-Type: application/sdp"]


def changed(rows, name, row):
    """The row of that name replaced, or taken away (None), or, if there is none, added."""
    fits = [each.split(":")[0].strip().lower() == name.lower() for each in rows]
    out = [row if fit else each for fit, each in zip(fits, rows)]
    if not any(fits):
        out.append(row)
    return [each for each in out if each is not None]


def compose(start=REQUEST_LINE, rows=None, content=(), body=b"", length=None):
    """A message; rows may be bytes where text will not do. length: what Content-Length says, False: it is absent."""
    rows = list(ROWS if rows is None else rows) + list(content)
    if length is not False:
        rows.append("Content-Length: %s" % (len(body) if length is None else length))
    lines = [row if isinstance(row, bytes) else row.encode() for row in [start] + rows]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def invite(rows=None, body=SDP, content=None):
    return compose(rows=rows, content=SDP_ROWS if content is None else content, body=body)


def response(rows=None, body=SDP):
    return compose(STATUS_LINE, RESPONSE_ROWS if rows is None else rows, SDP_ROWS, body)


PAGE_LINE = "MESSAGE sip:bob@biloxi.example.com SIP/2.0"
PAGE_ROWS = changed(changed(ROWS, "CSeq", "CSeq: 1 MESSAGE"), "Contact", None)


def text_message(rows=None, body=b"Watson, come here.\r\n"):
    return compose(PAGE_LINE, PAGE_ROWS if rows is None else rows, ["Content-Type: text/plain"], body)


def entity(rows, content):
    """A MIME entity; rows: texts."""
    return "".join(row + "\r\n" for row in rows).encode() + b"\r\n" + content


def sip_entity(message):
    return entity(["Content-Type: message/sip"], message)


def sdp_entity(body=SDP):
    return entity(SDP_ROWS, body)


SUFFIX = {"enveloped-data": "p7m", "authEnveloped-data": "p7m", "signed-data": "p7m", "compressed-data": "p7z",
          "certs-only": "p7c", "auth-enveloped-data": "p7m"}


def wrapped_base64(octets, columns=76):
    text = base64.b64encode(octets)
    return b"".join(text[i:i + columns] + b"\r\n" for i in range(0, len(text), columns))


def cms_rows(kind, encoding="binary"):
    name = "smime." + SUFFIX.get(kind, "p7m")
    return ["Content-Type: application/pkcs7-mime; smime-type=%s; name=%s" % (kind, name),
            "Content-Transfer-Encoding: " + encoding,
            "Content-Disposition: attachment; filename=%s; handling=required" % name]


def label_of(octets):
    """The smime-type of a ContentInfo."""
    for number, kind in ((b"\x01\x07\x02", "signed-data"), (b"\x01\x07\x03", "enveloped-data"),
                         (b"\x10\x01\x09", "compressed-data"), (b"\x10\x01\x17", "authEnveloped-data")):
        if number in octets[:24]:
            return kind
    return "enveloped-data"


def cms_entity(octets, encoding="binary", kind=None):
    return entity(cms_rows(kind or label_of(octets), encoding),
                  wrapped_base64(octets) if encoding == "base64" else octets)


def carried(octets, rows=None, start=REQUEST_LINE, encoding="binary", kind=None, content=None):
    """A message whose body is that CMS structure."""
    body = wrapped_base64(octets) if encoding == "base64" else octets
    return compose(start, rows, content or cms_rows(kind or label_of(octets), encoding), body)


BOUNDARY = "7e2d3a9c41"


def multipart(parts, boundary=BOUNDARY, close=True, preamble=b"", epilogue=b""):
    out = preamble
    for part in parts:
        out += b"--" + boundary.encode() + b"\r\n" + part + b"\r\n"
    return out + ((b"--" + boundary.encode() + b"--\r\n") if close else b"") + epilogue


def signed_rows(micalg="sha-256", boundary=BOUNDARY):
    return ['Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=%s; boundary="%s"'
            % (micalg, boundary)]


def signature_part(octets, encoding="binary"):
    return entity(["Content-Type: application/pkcs7-signature; name=smime.p7s",
                   "Content-Transfer-Encoding: " + encoding,
                   "Content-Disposition: attachment; filename=smime.p7s; handling=required"],
                  wrapped_base64(octets) if encoding == "base64" else octets)


def signed_body(part, signature, **more):
    return multipart([part, signature_part(signature)], **more)


def signed_message(part, signature, rows=None, start=REQUEST_LINE, micalg="sha-256"):
    return compose(start, rows, signed_rows(micalg), signed_body(part, signature))


def signed_entity(part, signature):
    return entity(signed_rows(), signed_body(part, signature))


MIXED_ROWS = ['Content-Type: multipart/mixed; boundary="outer-5b"']


def mixed(parts):
    return multipart(parts, "outer-5b")
