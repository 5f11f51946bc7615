"""Keys on a PKCS #11 token (SoftHSM), through the program: signing, opening, key wrap, and every way in which the URI,
the module, the PIN or the object can be wrong."""
import base64
import json
import os
import pathlib

from lab import (ALICE, CANNOT_DECRYPT, INVITE, IO, OK, POLICY, USAGE, Cases, Lab, complaints_about, execute, have, sipveil, tool)

MODULES = [pathlib.Path(path) for path in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                                           "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
                                           "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")]
MODULE = next((path for path in MODULES if path.exists()), None)
TOKEN, PIN, KEK_ID = "the token", b"1234", bytes.fromhex("00ff696d73")
ALGORITHMS = {"rsa2048": "01", "p256": "02", "p384": "03", "p521": "04"}


class Token:
    """A token in the lab's folder, with a key and its certificate for each algorithm, and shared keys."""

    def __init__(self, lab):
        self.lab, self.pin = lab, lab.write("pin", PIN + b"\n", 0o600)
        tokens = lab.path("tokens")
        tokens.mkdir()
        os.environ["SOFTHSM2_CONF"] = str(lab.write(
            "softhsm2.conf", b"directories.tokendir = %s\nobjectstore.backend = file\n" % str(tokens).encode()))
        self.make(TOKEN)
        for algorithm, number in ALGORITHMS.items():
            lab.identity(algorithm, ALICE, "ca", "--alg", algorithm)
            self.put_identity(algorithm, number)

    @staticmethod
    def make(label):
        tool("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN.decode(), "--so-pin", "5678")

    def run(self, *arguments, label=TOKEN):
        tool("pkcs11-tool", "--module", MODULE, "--token-label", label, "--login", "--pin", PIN.decode(), *arguments)

    def put_identity(self, name, number, *usage, certificate=True):
        key, crt = self.lab.path(name + ".key.der"), self.lab.path(name + ".crt.der")
        tool("openssl", "pkey", "-in", self.lab.path(name + ".pem"), "-outform", "DER", "-out", key)
        tool("openssl", "x509", "-in", self.lab.crt(name), "-outform", "DER", "-out", crt)
        self.run("--write-object", key, "--type", "privkey", "--id", number, "--label", name,
                 *(usage or ("--usage-sign", "--usage-decrypt", "--usage-derive")))
        if certificate:
            self.run("--write-object", crt, "--type", "cert", "--id", number, "--label", name)

    def put_kek(self, octets, *more):
        path = self.lab.write("kek.bin", octets, 0o600)
        self.run("--write-object", path, "--type", "secrkey", "--key-type", "AES:%d" % len(octets), *more)

    def uri(self, path, **query):
        query = {"module-path": str(MODULE), **{name.replace("_", "-"): value for name, value in query.items()}}
        return "pkcs11:%s?%s" % (path, "&".join("%s=%s" % pair for pair in query.items()))

    def ref(self, path, pin=None):
        return "%s,pass=file:%s" % (self.uri(path), pin or self.pin)


def opens(sealed, *options):
    opened = sipveil("open", "--quiet", *options, stdin=sealed.out)
    return [] if sealed.code == opened.code == OK and opened.out == INVITE else [repr(sealed), repr(opened)]


def seal(*options):
    return sipveil("seal", "--quiet", *options, stdin=INVITE)


def private_keys(cases, lab, token, ca):
    for algorithm, number in ALGORITHMS.items():
        key = token.ref("token=the%%20token;object=%s;type=private" % algorithm)
        forms = [[]] if algorithm != "rsa2048" else [["--rsa-signature", "pss"], ["--rsa-signature", "v1.5"]]
        for form in forms:
            for more in ([], ["--opaque"], ["--second-opinion"]):
                signed = seal("--sign-with", key, "--date", "none", *form, *[word for word in more if word == "--opaque"])
                cases.case("%s on a token signs %s %s" % (algorithm, " ".join(form), " ".join(more)), opens(
                    signed, "--trust", ca, "--require", "signed", *[word for word in more if word != "--opaque"]))
        sealed = seal("--to", lab.crt(algorithm))
        cases.case("%s on a token opens what was sealed to its certificate" % algorithm, opens(sealed, "--key", key))
        cases.case("%s by its id" % algorithm, opens(sealed, "--key", token.ref("id=%%%s" % number)))
        cases.case("%s: libcrypto's CMS has no key to compare with, which is no disagreement" % algorithm,
                   opens(sealed, "--key", key, "--second-opinion"))
        cases.case("%s: sealed with the key's own certificate from the token, PIN from pin-source" % algorithm, opens(
            seal("--to", token.uri("object=%s;type=cert" % algorithm)), "--key",
            token.uri("object=%s" % algorithm, pin_source="file:%s" % token.pin)))
        wrong = altered(sealed.out)
        said = {sipveil("open", "--key", reference, stdin=wrong).err for reference in (key, lab.path(algorithm + ".pem"))}
        cases.case("ADV-080: %s: what was altered is refused in the words of a key in memory" % algorithm, complaints_about(
            sipveil("open", "--key", key, stdin=wrong), "open", CANNOT_DECRYPT) + ([] if len(said) == 1 else sorted(said)))
    cases.case("all keys of a token at once, with a file beside them", opens(
        seal("--to", lab.crt("p384")), "--key", lab.kek("beside"), "--key", token.ref("token=the%20token")))
    cases.case("two keys of one token: one login", opens(
        seal("--to", lab.crt("p256"), "--to", lab.crt("rsa2048"), "--sign-with", token.ref("object=p256"),
             "--sign-with", token.ref("object=rsa2048"), "--date", "none"),
        "--key", token.ref("object=rsa2048"), "--key", token.ref("object=p256"), "--trust", ca))


def altered(message):
    """One bit of the wrapped key, or of whatever is there at the end of the recipients."""
    at = len(message) - 500
    return message[:at] + bytes([message[at] ^ 1]) + message[at + 1:]


def old_key_transport(cases, lab, token):
    body = lab.write("entity", b"Content-Type: text/plain\r\n\r\nhello\r\n")
    envelope = tool("openssl", "cms", "-encrypt", "-binary", "-in", body, "-outform", "DER", "-aes128", lab.crt("rsa2048"))
    head = INVITE.partition(b"Content-Type")[0]
    message = head + b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Length: %d\r\n\r\n" % len(envelope)
    options = ("--allow-unauthenticated", "--allow-weak", "rsa-v1.5")
    wrong = complaints_about(sipveil("open", "--key", token.ref("object=rsa2048"), *options, stdin=message + envelope), "open",
                             POLICY, "token")
    cases.case("ADV-080: PKCS #1 v1.5 is not done with a key on a token", wrong)


def shared_keys(cases, lab, token):
    """CMS-15: the identifier is CKA_ID, else CKA_LABEL."""
    for bits in (128, 192, 256):
        octets = os.urandom(bits // 8)
        name = "label-%d" % bits
        token.put_kek(octets, "--label", name, "--usage-wrap")
        jwk = lab.write(name, json.dumps({"kty": "oct", "kid": name, "k": b64(octets)}).encode(), 0o600)
        for cipher in ("aes-128-gcm", "aes-256-gcm"):
            here = token.ref("object=%s" % name)
            cases.case("CMS-15: a %d-bit key of a token wraps for %s, the file unwraps" % (bits, cipher),
                       opens(seal("--to", here, "--cipher", cipher), "--key", jwk))
            cases.case("the file wraps, the token unwraps", opens(seal("--to", jwk, "--cipher", cipher), "--key", here))
    token.put_kek(os.urandom(16), "--label", "named", "--id", KEK_ID.hex(), "--usage-wrap")
    sealed = seal("--to", token.ref("object=named"))
    recipient = json.loads(sipveil("inspect", "--json", stdin=sealed.out).out)["tree"]["children"][0]["recipients"][0]
    cases.case("CMS-15: CKA_ID is the identifier where it is there",
               [] if recipient["key_id_hex"] == KEK_ID.hex() else [repr(recipient)])
    cases.case("and opens", opens(sealed, "--key", token.ref("id=%00%ff%69%6d%73;type=secret-key")))
    damaged = seal("--to", token.ref("object=label-256")).out
    at = damaged.index(b"label-256") + 40
    cases.case("ADV-095: a damaged key is one that does not fit", complaints_about(
        sipveil("open", "--key", token.ref("object=label-256"), stdin=damaged[:at] + bytes([damaged[at] ^ 1]) + damaged[at + 1:]),
        "open", CANNOT_DECRYPT))
    token.put_kek(os.urandom(16), "--label", "twin", "--usage-wrap")
    twin = lab.kek("twin")
    cases.case("ADV-093: two keys of one identifier, in a file and on a token: exit 2", complaints_about(
        sipveil("open", "--key", twin, "--key", token.ref("object=twin"), stdin=INVITE), "open", USAGE, "twin"))


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def careful_keys(cases, lab, token, ca):
    """A key that wants the PIN each time; one without its certificate."""
    for name, number, usage in (("careful", "21", ("--usage-sign", "--usage-decrypt", "--always-auth")),
                                ("lonely", "22", ("--usage-sign",))):
        lab.identity(name, ALICE, "ca", "--alg", "p256" if name != "careful" else "rsa2048")
        token.put_identity(name, number, *usage, certificate=name != "lonely")
    careful = token.ref("object=careful")
    cases.case("CKA_ALWAYS_AUTHENTICATE: signs and opens", opens(
        seal("--to", lab.crt("careful"), "--sign-with", careful, "--date", "none"), "--key", careful, "--trust", ca))
    cases.case("a key without its certificate: exit 2", complaints_about(
        seal("--sign-with", token.ref("object=lonely")), "seal", USAGE, '"lonely"', "certificate", "hint: "))
    cases.case("which does not spoil the others of the token", opens(
        seal("--to", lab.crt("p256")), "--key", token.ref("token=the%20token")))


def threads(cases, lab, token):
    """A ring with keys of a token is shared by threads like any other."""
    program = os.environ.get("SIPVEIL_TOKEN_THREADS")
    for name in ("rsa2048", "p256", "label-256"):
        message = lab.write("threads.sip", seal("--to", lab.path(name) if name == "label-256" else lab.crt(name)).out)
        result = execute([program, token.uri("object=" + name, pin_source="file:%s" % token.pin), message])
        cases.case("eight threads, one key: %s" % name, [] if result.code == OK else [repr(result)])


def refusals(cases, lab, token):
    wrong_pin, loose = lab.write("wrong-pin", b"9999\n", 0o600), lab.write("loose-pin", PIN, 0o644)
    for name, reference, words in (
            ("a wrong PIN", token.ref("object=p256", wrong_pin), ("wrong PIN", TOKEN)),
            ("no PIN and no terminal", token.uri("object=p256"), ("no terminal", TOKEN, "hint: ")),
            ("ADV-210: a PIN file open to others", token.uri("object=p256", pin_source="file:%s" % loose), ("loose-pin", "0644")),
            ("a PIN file that is not there", token.uri("object=p256", pin_source="file:/nowhere"), ("/nowhere",)),
            ("a PIN from a program", token.uri("object=p256", pin_source="|cat"), ("pin-source",)),
            ("the PIN twice", token.uri("object=p256", pin_source="file:%s" % token.pin) + ",pass=file:%s" % token.pin, ("twice",)),
            ("ADV-211: the PIN in the URI", token.uri("object=p256", pin_value="1234"), ("pin-value", "hint: ")),
            ("no such object", token.ref("object=nobody"), ('"nobody"', "wanted", TOKEN, "holds private key", "more")),
            ("no such id", token.ref("id=%99"), ("%99", "holds private key")),
            ("an object of another type", token.ref("object=p256;type=secret-key"), ("secret key", '"p256"')),
            ("no such token", token.ref("token=other"), ('"other"', TOKEN)),
            ("no such serial", token.ref("serial=0"), ("serial", TOKEN)),
            ("no such slot", token.ref("slot-id=1"), ("slot-id", TOKEN)),
            ("no such module", "pkcs11:object=a?module-path=/nowhere.so", ("/nowhere.so", "hint: ")),
            ("no module of that name", "pkcs11:object=a?module-name=nowhere", ('"nowhere"', "hint: ")),
            ("a module-path without a slash", "pkcs11:object=a?module-path=nowhere.so", ("module-path",)),
            ("a module that is none", "pkcs11:object=a?module-path=%s" % lab.write("text.so", b"hello"), ("text.so",)),
            ("an attribute that is not handled", token.uri("library-version=2"), ("library-version",)),
            ("an attribute twice", token.uri("object=a;object=b"), ("object", "twice")),
            ("a query attribute in the path", "pkcs11:module-path=/a", ("module-path", "after")),
            ("a blank", token.uri("token=the token"), ("hint: ", "%20")),
            ("a percent sign and no digits", token.uri("object=%4"), ("hexadecimal",)),
            ("an unknown type", token.uri("type=public"), ("public",)),
            ("a kid", token.uri("object=a") + ",kid=b", ("kid",))):
        for verb, option in (("seal", "--to"), ("open", "--key")):
            result = sipveil(verb, option, reference, stdin=INVITE, start_new_session=True)
            wrong = complaints_about(result, verb, USAGE, *words)
            if "1234" in result.err:
                wrong.append("tells the PIN: " + result.err)
            cases.case("%s, %s: exit 2" % (name, verb), wrong)
    cases.case("several keys fit where one is wanted: exit 2", complaints_about(
        seal("--sign-with", token.ref("type=private")), "seal", USAGE, "keys"))
    cases.case("no --sign-with by a shared key of a token: exit 2", complaints_about(
        seal("--sign-with", token.ref("object=label-128")), "seal", USAGE, "cannot sign"))
    token.make("second")
    cases.case("several tokens fit: exit 2", complaints_about(
        seal("--to", token.ref("object=p256")), "seal", USAGE, TOKEN, "second", "hint: "))
    cases.case("one of them by its name", opens(seal("--to", lab.crt("p256")), "--key", token.ref("token=the%20token;object=p256")))
    cases.case("an empty token: exit 2", complaints_about(
        seal("--to", token.ref("token=second;object=a")), "seal", USAGE, '"second" holds no key'))


class Picky:
    """Our SoftHSM behind a module that refuses what others refuse."""

    def __init__(self, token, module):
        self.token, self.module = token, module
        os.environ["PICKY_MODULE"] = str(MODULE)

    def __call__(self, *words):
        os.environ["PICKY"] = " ".join(words)

    def ref(self, path):
        return "pkcs11:%s?module-path=%s,pass=file:%s" % (path, self.module, self.token.pin)


def other_makes(cases, lab, token):
    module = os.environ.get("SIPVEIL_PICKY_MODULE")
    if not module or not pathlib.Path(module).exists():
        cases.skip("tokens of other makes", "the module for it was not built")
        return
    picky = Picky(token, module)
    kek, rsa, p256 = (picky.ref("object=" + name) for name in ("label-256", "rsa2048", "p256"))
    jwk = lab.path("label-256")
    picky("blocks")
    cases.case("no key wrap: AES block by block", opens(seal("--to", kek), "--key", jwk) + opens(seal("--to", jwk), "--key", kek))
    damaged = bytearray(seal("--to", jwk).out)
    damaged[damaged.index(b"label-256") + 40] ^= 1
    cases.case("ADV-095: a damaged key, block by block", complaints_about(
        sipveil("open", "--key", kek, stdin=bytes(damaged)), "open", CANNOT_DECRYPT))
    picky("useless")
    cases.case("a shared key that wraps nothing: exit 2", complaints_about(seal("--to", kek), "seal", USAGE, "label-256"))
    cases.case("and unwraps nothing: exit 5", complaints_about(
        sipveil("open", "--key", kek, stdin=seal("--to", jwk).out), "open", CANNOT_DECRYPT))
    for curve in ("p256", "p384", "p521"):
        picky("der-point")
        cases.case("a point in an OCTET STRING, " + curve,
                   opens(seal("--to", lab.crt(curve)), "--key", picky.ref("object=" + curve)))
    picky("no-zeros")
    cases.case("plain RSA without zeros in front", opens(seal("--to", lab.crt("rsa2048")), "--key", rsa))
    for word, name in (("removed", "rsa2048"), ("removed blocks", "label-256"), ("no-derive", "p256"), ("deaf", "p256"),
                       ("deaf", "rsa2048")):
        picky(word)
        to = jwk if name == "label-256" else lab.crt(name)
        wrong = sipveil("open", "--key", picky.ref("object=" + name), stdin=seal("--to", to).out)
        cases.case("ADV-080: %s, %s: whatever the token says, one exit code and text" % (name, word), complaints_about(
            wrong, "open", CANNOT_DECRYPT, "a key fits, but the content cannot be decrypted"))
    for word, code, said in (("removed", IO, "CKR_DEVICE_REMOVED"), ("mute", USAGE, "token"), ("faulty", USAGE, "certificate's key")):
        for name in ("rsa2048", "p256"):
            picky(word)
            cases.case("%s, %s: no signature" % (name, word), complaints_about(
                seal("--sign-with", picky.ref("object=" + name)), "seal", code, said))
    picky("locked")
    cases.case("a locked PIN: exit 2", complaints_about(seal("--sign-with", p256), "seal", USAGE, "locked"))
    picky("reader")
    cases.case("a token with a keypad: no PIN is asked for", opens(
        seal("--to", lab.crt("p256")), "--key", "pkcs11:object=p256?module-path=%s" % module))
    picky()


def main():
    cases = Cases()
    missing = [name for name in ("softhsm2-util", "pkcs11-tool", "openssl") if not have(name)]
    if MODULE is None or missing:
        cases.skip("keys on a PKCS #11 token", "not installed: %s" % ", ".join(missing or ["softhsm2"]))
        cases.leave()
    lab = Lab()
    ca = lab.authority()
    if "this build has no PKCS #11" in seal("--to", "pkcs11:").err:
        cases.skip("keys on a PKCS #11 token", "this build has no PKCS #11: libp11-kit-dev was not installed")
        cases.leave()
    token = Token(lab)
    private_keys(cases, lab, token, ca)
    old_key_transport(cases, lab, token)
    shared_keys(cases, lab, token)
    careful_keys(cases, lab, token, ca)
    other_makes(cases, lab, token)
    if os.environ.get("SIPVEIL_TOKEN_THREADS"):
        threads(cases, lab, token)
    refusals(cases, lab, token)
    cases.leave()


if __name__ == "__main__":
    main()
