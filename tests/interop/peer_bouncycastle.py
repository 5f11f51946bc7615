"""BouncyCastle, through BouncyPeer.java, which is started once and asked by lines."""
import pathlib
import select
import subprocess

from peer import Peer, brief
from world import PASSWORD, Failed, Unsupported, have, key_of



class BouncyCastle(Peer):
    name, packages = "BouncyCastle", "libbcpkix-java default-jdk-headless"
    note = "`tests/interop/BouncyPeer.java`"
    JARS = ("bcpkix", "bcprov", "bcutil")
    ALGORITHM = {"p256": "SHA256withECDSA", "p384": "SHA384withECDSA", "p521": "SHA512withECDSA",
                 "rsa-pss": "SHA256withRSAandMGF1", "rsa-v1.5": "SHA256withRSA", "ed25519": "Ed25519"}
    process = said = None
    PATIENCE = 600  # seconds; it compiles its source first, and a busy machine takes minutes for that

    def jars(self):
        return [pathlib.Path("/usr/share/java", name + ".jar") for name in self.JARS]

    def absent(self):
        if not have("javac"):
            return "no Java compiler"
        if not self.jars()[0].is_file():
            return "no bcpkix.jar"
        return None

    def version(self):
        if self.said is None:
            self.said = self.order("version").rpartition(" ")[2]
            self.close()
        return self.said

    def start(self):
        classpath = ":".join(str(path) for path in self.jars())
        source = pathlib.Path(__file__).parent / "BouncyPeer.java"
        self.process = subprocess.Popen(["java", "-XX:TieredStopAtLevel=1", "-cp", classpath, str(source)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(timeout=self.PATIENCE)
            self.process.stdout.close()
            self.process.stderr.close()
            self.process = None

    def order(self, verb, **words):
        if self.process is None:
            self.start()
        self.process.stdin.write("\t".join([verb] + ["%s=%s" % (name.replace("_", "-"), value)
                                                     for name, value in words.items() if value is not None]) + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], self.PATIENCE)[0]:
            raise RuntimeError("BouncyPeer does not answer")
        kind, _, text = self.process.stdout.readline().rstrip("\n").partition("\t")
        if kind != "ok":
            if not kind:
                raise RuntimeError("BouncyPeer ended: " + self.process.stderr.read()[-1000:])
            raise Failed(brief(text))
        return text

    def octets(self, verb, octets, **words):
        out = self.file("out")
        self.order(verb, out=out, **{"in": self.file("in", octets)}, **words)
        return out.read_bytes()

    def recipient(self, name):
        crt = self.world.path("to-%s.crt" % key_of(name))
        if name.startswith("kek-"):
            return "kek:%s:%s" % self.world.kek_hex(int(name[4:]))
        if name == "password":
            return "password:" + PASSWORD
        if key_of(name) == "rsa":
            return "v1.5:%s" % crt if name == "rsa-v1.5" else "oaep:%s:%s" % (crt, name.partition("oaep-")[2] or "256")
        scheme = name.partition("-")[2] or "sha256"
        return "kari:%s:%s" % (crt, scheme if scheme == "cofactor" else "x963-" + scheme)

    def encrypt(self, content, recipients, cipher, ber=False, attributes=False):
        if ber and cipher.endswith(("gcm", "ccm")):
            raise Unsupported("has no stream generator for AuthEnvelopedData")
        return self.octets("encrypt", content, cipher=cipher, to=";".join(map(self.recipient, recipients)),
                           ber="1" if ber else None, auth_attrs="1" if attributes else None)

    def decrypt(self, der, recipient):
        words = self.recipient(recipient)
        if not words.startswith(("kek", "password")):
            words = "%s:%s" % ("rsa" if key_of(recipient) == "rsa" else "kari", self.world.path("to-%s.pem" % key_of(recipient)))
        return self.octets("decrypt", der, key=words)

    def sign(self, content, signers, detached, ber=False):
        words = ["%s:%s:%s" % (self.ALGORITHM[signer], self.world.path("sign-%s.crt" % key_of(signer)),
                               self.world.path("sign-%s.key" % key_of(signer))) for signer in signers]
        return self.octets("sign", content, signer=";".join(words), ber="1" if ber else None,
                           detached="1" if detached else None)

    def verify(self, der, content=None):
        return self.octets("verify", der, ca=self.world.ca,
                           content=None if content is None else self.file("content", content))

    def compress(self, content, ber=False):
        return self.octets("compress", content, ber="1" if ber else None)

    def expand(self, der):
        return self.octets("expand", der)

    def certs_only(self, certificates):
        return self.octets("certs-only", b"", certs=";".join(map(str, certificates)))
