"""inspect --html: one page that is whole in itself, says what the text says, and lets nothing hostile through."""
import html.parser
import re

from lab import (ALICE, BOB, INVITE, MALFORMED, OK, USAGE, Cases, Lab, complaints_about, outer, sipveil, split, substitute)

lab = Lab()
KEK = lab.kek("ims-ck-1")
CA = lab.authority()
SIGNER = lab.identity("alice", ALICE)
BOB_KEY = lab.identity("bob", BOB)
START, FIELDS, BODY = split(INVITE)
TAGS = set("html head meta title style body svg defs symbol path circle rect use main h1 h2 p small span b br code ol ul li "
           "header div table thead tbody tr th td footer".split())
VOID = {"meta", "br"}
ATTRIBUTES = set("lang dir charset http-equiv content name class id aria-hidden style viewbox d x y width height rx cx cy r href "
                 "scope".split())
EVIL = "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\"' &lt;"
TURNED = "\u202egnp.exe"
INK = ("ink", "soft")
GROUND = ("page", "card")
KINDS = ("clear", "lock", "open", "sign", "pack", "bad")


class Reader(html.parser.HTMLParser):
    """Complains of whatever a page that is only looked at has no use for."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.wrong, self.open, self.text, self.ids, self.used, self.heads, self.policy = [], [], [], [], [], [], ""
        self.feed(page)
        self.close()
        self.wrong += ["<%s> is never closed" % tag for tag in self.open]
        self.wrong += ["#%s is used and not there" % name for name in set(self.used) - set(self.ids)]
        self.wrong += ["the id %s twice" % name for name in set(self.ids) if self.ids.count(name) > 1]
        levels = [int(tag[1]) for tag in self.heads]
        if levels[:1] != [1] or levels.count(1) != 1 or any(b > a + 1 for a, b in zip(levels, levels[1:])):
            self.wrong.append("headings %r" % levels)
        if "default-src 'none'" not in self.policy:
            self.wrong.append("the policy of the page is %r" % self.policy)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in TAGS or len(given) != len(attributes) or set(given) - ATTRIBUTES:
            self.wrong.append("<%s %s>" % (tag, attributes))
        if tag == "html" and (given.get("lang"), given.get("dir")) != ("en", "ltr"):
            self.wrong.append("no language and direction")
        if "href" in given and (tag != "use" or not re.fullmatch("#[a-z]+", given["href"])):
            self.wrong.append("href=%s" % given["href"])
        if tag == "th" and given.get("scope") not in ("row", "col"):
            self.wrong.append("a heading of a table that says not what it heads")
        if tag == "svg" and given.get("aria-hidden") != "true":
            self.wrong.append("a drawing that is read aloud")
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        self.ids += [given["id"]] if "id" in given else []
        self.used += [given["href"][1:]] if "href" in given else []
        self.heads += [tag] if re.fullmatch("h[1-6]", tag) else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if self.open[-1:] != [tag]:
            self.wrong.append("</%s> within %s" % (tag, self.open[-3:]))
        else:
            self.open.pop()

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def handle_comment(self, data):
        self.wrong.append("a comment: %s" % data)

    def said(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


def seal(*options, message=INVITE):
    sealed = sipveil("seal", "--quiet", *options, stdin=message)
    if sealed.code != OK:
        raise RuntimeError("seal %s: %r" % (options, sealed))
    return sealed.out


def look(message, *options):
    """(page, reader, complaints)"""
    result = sipveil("inspect", "--html", *options, stdin=message)
    page = result.out.decode("latin-1")
    reader = Reader(page)
    wrong = list(reader.wrong) + ([] if result.code == OK else [repr(result)])
    if re.search(r"[^\n\x20-\x7e]", page):
        wrong.append("octets that are not printable ASCII")
    if re.search(r"https?:|//|url\(|@import|javascript:|data:", page):
        wrong.append("something that a browser could fetch or run")
    return page, reader, wrong


def sayings(message, *options):
    """What the text for people says of recipients, readers, signers, checks and the verdict."""
    text = sipveil("inspect", "--verbose", *options, stdin=message).out.decode()
    found = re.findall(r"^[ |]* for (.*?) \(\S+\)(?: <- our key)?$", text, re.MULTILINE)
    found += [name for name, _ in re.findall(r"signed by (.*): (signature \w+)", text)]
    found += re.findall(r"^read by ([^:\n]+?)(?: \(our key\))?: ", text, re.MULTILINE)
    found += re.findall(r"^[A-Z0-9a-z-]+ +(?:passed|FAILED|not done): (.*)$", text, re.MULTILINE)
    return found + re.findall(r"^verdict: [\w-]+: (.*)$", text, re.MULTILINE), text


MANY = [word for i in range(61) for word in ("--to", lab.kek("kek-%d" % i))]


def same_picture(cases):
    both = seal("--to", KEK, "--to", lab.crt("bob"), "--sign-with", SIGNER, "--compress")
    for name, message, options, words in (
            ("a recipient", both, ("--key", KEK, "--trust", CA), ("opened by our key", "signer accepted", "Hidden from every hop: Subject",
                                                                  "application/sdp", "Who signed what")),
            ("an outsider", both, (), ("Closed: only its recipients can read what is inside.", "what is closed here")),
            ("somebody who trusts nobody", both, ("--key", BOB_KEY), ("signer not accepted", "FAILED", "hint: ")),
            ("a mismatch", substitute(both, b"sip:alice@client.atlanta", b"sip:alice@other.atlanta"), ("--key", KEK, "--trust", CA),
             ("differs and must not", "Contact")),
            ("a changed signature", seal("--sign-with", SIGNER).replace(b"SECRET-SDP", b"Secret-SDP"), ("--trust", CA),
             ("signature INVALID", "bad-signature")),
            ("encrypted, then signed", seal("--to", KEK, "--sign-with", SIGNER, "--order", "encrypt-sign"), ("--trust", CA),
             ("an encrypted layer",)),
            ("64 recipients", seal("--to", KEK, "--to", lab.crt("bob"), "--to", lab.crt("alice"), *MANY, "--sign-with", SIGNER),
             ("--key", BOB_KEY, "--trust", CA), ('kek "kek-60"',)),
            ("no protection", INVITE, (), ("every hop reads this header", "application/sdp"))):
        page, reader, wrong = look(message, *options)
        said = reader.said()
        told, _ = sayings(message, *options)
        wrong += ["does not say %r" % word for word in words if word not in said]
        wrong += ["the text says %r, the page does not" % word for word in told if re.sub(r"\s+", " ", word) not in said]
        wrong += [] if len(told) > 1 or name == "no protection" else ["the text tells nothing: %r" % told]
        wrong += ["tells a secret"] if "SECRET" in page else []
        cases.case("the same picture for %s" % name, wrong)


def hostile(cases):
    kek = lab.path("evil.jwk")
    lab.keygen("kek", "--id", EVIL + TURNED, "-o", kek)
    lab.keygen("ca", "--name", EVIL[:60], "-o", lab.path("evil-ca"))
    bob = lab.identity("evil-bob", BOB, "evil-ca")
    plain = [row for name, row in FIELDS if not name.startswith(b"content-")]
    for name, message, options in (
            ("the identifier of a key", seal("--to", kek), ()),
            ("the identifier of our key", seal("--to", kek), ("--key", kek)),
            ("the name of an authority", seal("--to", bob.with_suffix(".crt")), ()),
            ("the name of an authority that is not trusted", seal("--sign-with", lab.identity("evil-alice", ALICE, "evil-ca")), ("--trust", CA)),
            ("a media type", outer(START, plain, b"text/x'&b", b"x"), ()),
            ("a parameter", outer(START, plain, b'text/plain; name="' + EVIL.replace('"', "").encode() + b'"', b"x"), ()),
            ("a display name", INVITE.replace(b"From: Alice", b'From: "' + (EVIL.replace('"', "") + TURNED).encode() + b'"'), ()),
            ("the start line", INVITE.replace(b"INVITE sip:bob@", b"INVITE sip:b'&;=ob@"), ()),
            ("the reason of a response", INVITE.replace(b"INVITE sip:bob@biloxi.example.com SIP/2.0",
                                                        b"SIP/2.0 200 " + (EVIL + TURNED).encode()), ()),
            ("a hidden field", seal("--to", KEK, message=INVITE.replace(b"Subject: SECRET", b"X-'`: \xe2\x80\xae")), ("--key", KEK)),
            ("a mismatch", substitute(seal("--sign-with", SIGNER), b"sip:alice@client.atlanta.example.com", b"sip:a'&=@x.example"),
             ("--trust", CA))):
        page, reader, wrong = look(message, *options)
        if re.search("<[^>]*alert", page):
            wrong.append("alert stands there within a tag")
        if page.count("<style>") != 1 or page.count("</title>") != 1 or "<script" in page or "<img" in page:
            wrong.append("an element of the message's own")
        cases.case("ADV-017, ADV-216: hostile text in %s" % name, wrong)
    said = look(seal("--to", kek))[1].said()
    cases.case("ADV-017: hostile text is shown as what it is",
               [] if EVIL in said and "\\xe2\\x80\\xaegnp.exe" in said else [said])


def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    return sum(weight * (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4)
               for weight, p in zip((0.2126, 0.7152, 0.0722), parts))


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours(cases):
    page = look(INVITE)[0]
    sets = [dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", block)) for block in re.findall(r":root\{([^}]*)\}", page)]
    cases.case("two sets of colours, for light and for dark", [] if len(sets) == 2 and set(sets[0]) == set(sets[1]) and
               "@media(prefers-color-scheme:dark)" in page else [repr(sets)])
    for name, table in zip(("light", "dark"), sets):
        tints = [kind + "-tint" for kind in KINDS]
        pairs = [(ink, ground) for ink in INK for ground in (*GROUND, *tints)]
        pairs += [(kind, ground) for kind in KINDS for ground in (kind + "-tint", "card")]
        cases.case("%s: every ink can be read on its ground" % name, [
            "%s on %s: %.2f" % (ink, ground, contrast(table[ink], table[ground])) for ink, ground in pairs
            if contrast(table[ink], table[ground]) < 4.5])


def options(cases):
    cases.case("--json and --html exclude each other",
               complaints_about(sipveil("inspect", "--json", "--html", stdin=INVITE), "inspect", USAGE, "exclude each other"))
    for name, message in (("garbage", bytes(range(256))), ("nothing", b"")):
        cases.case("%s cannot be framed: exit 3, and no page" % name,
                   complaints_about(sipveil("inspect", "--html", stdin=message), "inspect", MALFORMED))
    path = lab.write("page.html", b"older")
    written = sipveil("inspect", "--html", "-o", path, stdin=INVITE)
    cases.case("-o FILE replaces a page", [] if written.code == OK and not written.out and
               path.read_bytes() == look(INVITE)[0].encode() else [repr(written)])
    warned = look(INVITE.replace(b"\r\n", b"\n"))
    cases.case("warnings stand in the page too", warned[2] + ([] if "bare LF" in warned[1].said() else [warned[1].said()]))


def main():
    cases = Cases()
    for part in (same_picture, hostile, colours, options):
        part(cases)
    cases.leave()


if __name__ == "__main__":
    main()
