"""The commands of NSS and GnuTLS."""
from peer import Peer, brief, debian_version
from world import Failed, Unsupported, execute, have, key_of



class NSS(Peer):
    name, packages = "NSS", "libnss3-tools"
    note = "`cmsutil`"
    transport, transport_back = "rsa-oaep", "rsa-v1.5"
    ready = False

    def absent(self):
        return None if have("cmsutil") and have("certutil") and have("pk12util") else "cmsutil is not installed"

    def version(self):
        return debian_version("libnss3-tools")

    def start(self):
        if self.ready:
            return
        self.ready, self.refused = True, {}
        self.run("certutil", "-N", "-d", self.folder, "--empty-password")
        self.run("certutil", "-A", "-d", self.folder, "-n", "ca", "-t", "C,C,C", "-a", "-i", self.world.ca)
        for path in sorted(self.world.folder.glob("*-*.crt")):
            bundle = self.file("p12")
            made = execute(["openssl", "pkcs12", "-export", "-inkey", path.with_suffix(".key"), "-in", path, "-name", path.stem,
                            "-passout", "pass:x", "-out", bundle])
            got = execute(["pk12util", "-d", self.folder, "-K", "", "-W", "x", "-i", bundle]) if made.code == 0 else made
            if got.code != 0:
                self.refused[path.stem] = brief(got.err)

    def complaint(self, text):
        lines = [line.partition("cmsutil: ")[2] for line in text.splitlines() if line.startswith("cmsutil: ")]
        return "; ".join(lines) or text

    def having(self, name):
        self.start()
        if name in self.refused:
            raise Failed("cannot take the key: " + self.refused[name])
        return name

    def cmsutil(self, *words, octets):
        self.start()
        out = self.file("out")
        self.run("cmsutil", *words, "-d", self.folder, "-p", "", "-i", self.file("in", octets), "-o", out)
        return out.read_bytes() if out.is_file() else b""

    def encrypt(self, content, recipients, cipher, ber=False, attributes=False):
        if any(name.startswith("kek-") or name == "password" for name in recipients):
            raise Unsupported("cmsutil knows certificates only")
        if "rsa-oaep" in recipients:
            raise Unsupported("writes RSA v1.5 only")
        if cipher != "aes-128-cbc":
            raise Unsupported("cmsutil has no choice of the cipher: it writes AES-128-CBC")
        return self.cmsutil("-E", "-r", ",".join(self.having("to-" + key_of(name)) for name in recipients), octets=content)

    def decrypt(self, der, recipient):
        if recipient.startswith("kek-") or recipient == "password":
            raise Unsupported("cmsutil knows certificates only")
        self.having("to-" + key_of(recipient))
        return self.cmsutil("-D", octets=der)

    def sign(self, content, signers, detached, ber=False):
        signer = self.one_signer(signers)
        if signer == "rsa-pss":
            raise Unsupported("writes RSA v1.5 only")
        return self.cmsutil("-S", "-G", "-Y", "NONE", "-N", self.having("sign-" + key_of(signer)), *(("-T",) if detached else ()),
                            octets=content)

    def verify(self, der, content=None):
        more = () if content is None else ("-c", self.file("content", content))
        got = self.cmsutil("-D", "-u", "4", *more, octets=der)
        return got if content is None else content

    def certs_only(self, certificates):
        names = ",".join(self.having(path.stem) for path in certificates)
        return self.cmsutil("-O", "-r", names, octets=b"")


class GnuTLS(Peer):
    name, packages = "GnuTLS", "gnutls-bin"
    note = "`certtool`; signed data only"
    HASH = {"p256": "sha256", "p384": "sha384", "p521": "sha512", "ed25519": "sha512"}

    def absent(self):
        return None if have("certtool") else "certtool is not installed"

    def version(self):
        return execute(["certtool", "--version"]).out.decode().split("\n")[0].split()[-1]

    def complaint(self, text):
        return text.strip().splitlines()[-1] if text.strip() else "no reason given"

    def sign(self, content, signers, detached, ber=False):
        signer = self.one_signer(signers)
        if signer == "rsa-pss":
            raise Unsupported("signs by v1.5 with an RSA key that is not for PSS only")
        out = self.file("p7")
        self.run("certtool", "--p7-detached-sign" if detached else "--p7-sign", "--p7-time", "--p7-include-cert", "--outder",
                 "--hash", self.HASH.get(signer, "sha256"),
                 "--load-certificate", self.world.path("sign-%s.crt" % key_of(signer)), "--load-privkey",
                 self.world.path("sign-%s.key" % key_of(signer)), "--infile", self.file("in", content), "--outfile", out)
        return out.read_bytes()

    def verify(self, der, content=None):
        more = () if content is None else ("--load-data", self.file("content", content))
        out = self.file("out")
        self.run("certtool", "--p7-verify", "--inder", "--load-ca-certificate", self.world.ca, "--infile",
                 self.file("p7", der), *more)
        if content is not None:
            return content
        self.run("certtool", "--p7-info", "--p7-show-data", "--inder", "--infile", self.file("p7", der), "--outfile", out)
        return out.read_bytes()

    def certs_only(self, certificates):
        together = self.file("pem", b"".join(path.read_bytes() for path in certificates))
        out = self.file("p7")
        self.run("certtool", "--p7-generate", "--outder", "--load-certificate", together, "--outfile", out)
        return out.read_bytes()
