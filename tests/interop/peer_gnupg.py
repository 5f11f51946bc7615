"""gpgsm, in a home folder of its own."""
import re

from peer import Peer
from world import PASSWORD, Unsupported, execute, have, key_of



class Gpgsm(Peer):
    name, packages = "gpgsm", "gpgsm gpg-agent gpgconf"
    transport, transport_back = "password", "rsa-v1.5"
    DIGEST = {"p384": "SHA384", "p521": "SHA512"}
    OPTIONS = ("--batch", "--no-tty", "--disable-crl-checks", "--disable-dirmngr", "--no-common-certs-import")
    CURVE = {"p256": "NIST P-256", "p384": "NIST P-384", "p521": "NIST P-521"}
    note = "keys put into the agent's folder; it imports no EC key from PKCS #12"
    ready = False

    def absent(self):
        return None if have("gpgsm") and have("gpg-agent") else "gpgsm or gpg-agent is not installed"

    def version(self):
        text = execute(["gpgsm", "--version"]).out.decode()
        return "%s, libksba %s" % (text.split()[2], re.search(r"libksba ([\d.]+)", text).group(1))

    def start(self):
        if self.ready:
            return
        self.ready = True
        self.folder.chmod(0o700)
        ca = self.run("openssl", "x509", "-in", self.world.ca, "-noout", "-fingerprint", "-sha1").decode()
        (self.folder / "trustlist.txt").write_text(ca.strip().partition("=")[2] + " S relax\n")
        keys = self.folder / "private-keys-v1.d"
        keys.mkdir(mode=0o700)
        self.gpgsm("--import", self.world.ca)
        for path in sorted(self.world.folder.glob("*-*.crt")):
            self.gpgsm("--import", path)
            listing = self.gpgsm("--with-colons", "--with-keygrip", "--list-keys", "CN=" + path.stem).decode()
            key = self.world.key_numbers(path.stem)
            if key is not None:
                grip = re.search(r"^grp:+([0-9A-F]{40}):", listing, re.MULTILINE).group(1)
                (keys / (grip + ".key")).write_text("Key: " + self.expression(path.stem, key) + "\n")

    def expression(self, name, key):
        """A private key as the agent keeps one that nobody protected."""
        if "prime1" not in key:
            return '(private-key (ecc (curve "%s")(q #%s#)(d #%s#)))' % (
                self.CURVE[name.partition("-")[2]], key["pub"], key["priv"])
        p, q = sorted((int(key["prime1"], 16), int(key["prime2"], 16)))
        numbers = (("n", int(key["modulus"], 16)), ("e", 65537), ("d", int(key["privateExponent"], 16)), ("p", p), ("q", q),
                   ("u", pow(p, -1, q)))
        octets = [(letter, number.to_bytes(number.bit_length() // 8 + 1, "big").hex()) for letter, number in numbers]
        return "(private-key (rsa %s))" % "".join("(%s #%s#)" % pair for pair in octets)

    def gpgsm(self, *words, stdin=b""):
        return self.run("gpgsm", "--homedir", self.folder, *self.OPTIONS, *words, stdin=stdin)

    def complaint(self, text):
        lines = [line.partition("gpgsm: ")[2] for line in text.splitlines() if line.startswith("gpgsm: ")]
        noise = ("Note: ", "certificate is good", "CRLs not checked", "keybox", "DBG", "total number", "imported", "using ",
                 "unchanged", "encrypted to", "encrypted with", "AES", "Signature made", "certificate has no basic")
        useful = [line for line in lines if not any(word in line for word in noise)]
        return "; ".join(dict.fromkeys(useful)) or text

    def close(self):
        if self.ready:
            execute(["gpgconf", "--homedir", self.folder, "--kill", "all"])

    def encrypt(self, content, recipients, cipher, ber=False, attributes=False):
        self.start()
        if any(name.startswith("kek-") or name == "password" for name in recipients):
            raise Unsupported("knows certificates only")
        if "rsa-oaep" in recipients:
            raise Unsupported("writes RSA v1.5 only")
        if not cipher.endswith("cbc") and cipher != "3des":
            raise Unsupported("writes CBC only")
        if any("-" in name and not name.startswith("rsa") for name in recipients):
            raise Unsupported("has no choice of the agreement's scheme")
        words = [word for name in recipients for word in ("--recipient", "CN=to-" + key_of(name))]
        return self.gpgsm("--cipher-algo", cipher.upper().replace("-CBC", "").replace("AES-128", "AES").replace("-", ""), *words,
                          "--encrypt", stdin=content)

    def decrypt(self, der, recipient):
        self.start()
        if recipient.startswith("kek-"):
            raise Unsupported("knows no shared keys")
        by_password = ("--pinentry-mode", "loopback", "--passphrase-fd", "0") if recipient == "password" else ()
        return self.gpgsm(*by_password, "--decrypt", self.file("p7m", der), stdin=PASSWORD.encode() + b"\n")

    def sign(self, content, signers, detached, ber=False):
        self.start()
        signer = self.one_signer(signers)
        if signer == "rsa-pss":
            raise Unsupported("writes RSA v1.5 only")
        return self.gpgsm("--digest-algo", self.DIGEST.get(signer, "SHA256"), "--local-user", "CN=sign-" + key_of(signer),
                          "--sign", *(("--detach-sign",) if detached else ()), stdin=content)

    def verify(self, der, content=None):
        self.start()
        if content is None:
            out = self.file("out")
            self.gpgsm("--output", out, "--verify", self.file("p7m", der))
            return out.read_bytes()
        self.gpgsm("--verify", self.file("p7s", der), self.file("content", content))
        return content
