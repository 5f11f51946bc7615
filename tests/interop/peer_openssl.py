"""`openssl cms`."""
from peer import Peer
from world import PASSWORD, Unsupported, execute, have, key_of



class OpenSSL(Peer):
    name, packages = "OpenSSL", "openssl"
    note = "`openssl cms`; signers judged for any purpose"

    def absent(self):
        return None if have("openssl") else "openssl is not installed"

    def version(self):
        return execute(["openssl", "version"]).out.decode().split()[1]

    def cms(self, *words, stdin=b""):
        return self.run("openssl", "cms", *words, stdin=stdin)

    def complaint(self, text):
        """The reason of the innermost error of its queue, and the first."""
        reasons = [line.split(":")[5] for line in text.splitlines() if line.count(":") >= 6 and "error:" in line]
        unique = list(dict.fromkeys(reason for reason in reasons if reason))
        return ", ".join(unique) or text.strip()

    def recipient(self, name):
        crt = self.world.path("to-%s.crt" % key_of(name))
        if name.startswith("kek-"):
            identifier, key = self.world.kek_hex(int(name[4:]))
            return ("-secretkey", key, "-secretkeyid", identifier)
        if name == "password":
            return ("-pwri_password", PASSWORD)
        if name == "rsa-v1.5":
            return ("-recip", crt)
        if name == "rsa-oaep":
            return ("-recip", crt, "-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256",
                    "-keyopt", "rsa_mgf1_md:sha256")
        curve, _, scheme = name.partition("-")
        words = ("-recip", crt, "-keyopt", "ecdh_kdf_md:" + (scheme if scheme.startswith("sha") else "sha256"))
        return words + (("-keyopt", "ecdh_cofactor_mode:1") if scheme == "cofactor" else ())

    def encrypt(self, content, recipients, cipher, ber=False, attributes=False):
        if attributes:
            raise Unsupported("its command has no authenticated attributes")
        if recipients == ["password"] and cipher.endswith("gcm"):
            raise Unsupported("its command cannot name the CBC cipher that a password recipient needs beside GCM")
        words = [word for name in recipients for word in self.recipient(name)]
        words += ["-stream"] if ber else []
        return self.cms("-encrypt", "-binary", "-outform", "DER", "-" + cipher.replace("3des", "des3"), *words, stdin=content)

    def decrypt(self, der, recipient):
        words = self.recipient(recipient)
        if "-recip" in words:
            words = words[:2] + ("-inkey", self.world.path("to-%s.key" % key_of(recipient)))
        return self.cms("-decrypt", "-inform", "DER", "-binary", *words, stdin=der)

    def sign(self, content, signers, detached, ber=False):
        words = []
        for signer in signers:
            words += ["-signer", self.world.path("sign-%s.pem" % key_of(signer))]
            words += ["-keyopt", "rsa_padding_mode:pss"] if signer == "rsa-pss" else []
        words += [] if detached else ["-nodetach"]
        return self.cms("-sign", "-binary", "-outform", "DER", *words, "-md", "sha256", *(("-stream",) if ber else ()),
                        stdin=content)

    def verify(self, der, content=None):
        more = () if content is None else ("-content", self.file("content", content))
        return self.cms("-verify", "-inform", "DER", "-binary", "-CAfile", self.world.ca, "-purpose", "any", *more,
                        stdin=der)

    def compress(self, content, ber=False):
        return self.cms("-compress", "-binary", "-outform", "DER", stdin=content)

    def expand(self, der):
        return self.cms("-uncompress", "-inform", "DER", "-binary", stdin=der)

    def certs_only(self, certificates):
        words = [word for path in certificates for word in ("-certfile", path)]
        return self.run("openssl", "crl2pkcs7", "-nocrl", "-outform", "DER", *words)
