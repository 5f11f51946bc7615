"""PKCS #7 of Python and Go, through small programs."""
import os
import pathlib

from peer import Peer, brief, debian_version
from world import Failed, Unsupported, execute, have, key_of



class PythonCryptography(Peer):
    name, packages = "Python", "python3-cryptography"
    note = "module `cryptography`, `tests/interop/python_peer.py`; EnvelopedData since version 44, Debian 12 has 38"
    transport, transport_back = "rsa-oaep", "rsa-v1.5"

    def absent(self):
        return None if self.ask("version").code == 0 else "the module cryptography is not installed"

    def ask(self, *words, stdin=b""):
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        return execute(["python3", pathlib.Path(__file__).parent / "python_peer.py", *words], stdin=stdin, env=environment)

    def version(self):
        return self.ask("version").out.decode().strip()

    def get(self, *words, stdin=b""):
        result = self.ask(*words, stdin=stdin)
        if result.code == 3:
            raise Unsupported(brief(result.err))
        if result.code != 0:
            raise Failed(brief(result.err.strip().splitlines()[-1] if result.err.strip() else "no reason given"))
        return result.out

    def encrypt(self, content, recipients, cipher, ber=False, attributes=False):
        if any(key_of(name) != "rsa" for name in recipients):
            raise Unsupported("knows RSA recipients only")
        if "rsa-oaep" in recipients:
            raise Unsupported("writes RSA v1.5 only")
        return self.get("encrypt", cipher, *(self.world.path("to-rsa.crt") for _ in recipients), stdin=content)

    def decrypt(self, der, recipient):
        if key_of(recipient) != "rsa":
            raise Unsupported("knows RSA recipients only")
        return self.get("decrypt", self.world.path("to-rsa.crt"), self.world.path("to-rsa.key"), stdin=der)

    def sign(self, content, signers, detached, ber=False):
        words = []
        for signer in signers:
            words += [signer, self.world.path("sign-%s.crt" % key_of(signer)), self.world.path("sign-%s.key" % key_of(signer))]
        return self.get("sign", "detached" if detached else "opaque", *words, stdin=content)

    def certs_only(self, certificates):
        return self.get("certs-only", *certificates)


class Go(Peer):
    name, packages = "Go", "golang-go golang-github-fullsailor-pkcs7-dev"
    note = "package `pkcs7` of fullsailor, `tests/interop/go_peer.go`"
    transport, transport_back = "rsa-oaep", "rsa-v1.5"
    DIGEST = {"p384": "sha384", "p521": "sha512"}
    LIBRARY = pathlib.Path("/usr/share/gocode")
    built = None

    def absent(self):
        if not have("go"):
            return "no Go compiler"
        return None if (self.LIBRARY / "src/github.com/fullsailor/pkcs7").is_dir() else "no package pkcs7"

    def version(self):
        return "%s, Go %s" % (debian_version("golang-github-fullsailor-pkcs7-dev"),
                              execute(["go", "version"]).out.decode().split()[2].lstrip("go"))

    def get(self, *words, stdin=b""):
        if self.built is None:
            self.built = self.file("program")
            settings = dict(os.environ, GO111MODULE="off", GOPATH=str(self.LIBRARY), GOCACHE=str(self.folder / "cache"))
            made = execute(["go", "build", "-o", self.built, pathlib.Path(__file__).parent / "go_peer.go"], env=settings)
            if made.code != 0:
                raise RuntimeError("go_peer.go: " + made.err)
        return self.run(self.built, *words, stdin=stdin)

    def encrypt(self, content, recipients, cipher, ber=False, attributes=False):
        if any(key_of(name) != "rsa" for name in recipients):
            raise Unsupported("knows RSA recipients only")
        if "rsa-oaep" in recipients:
            raise Unsupported("writes RSA v1.5 only")
        if cipher not in ("aes-128-cbc", "aes-256-cbc"):
            raise Unsupported("writes AES-128-CBC and AES-256-CBC (and GCM as EnvelopedData, which is not standard)")
        return self.get("encrypt", cipher, *(self.world.path("to-rsa.crt") for _ in recipients), stdin=content)

    def decrypt(self, der, recipient):
        if key_of(recipient) != "rsa":
            raise Unsupported("knows RSA recipients only")
        return self.get("decrypt", self.world.path("to-rsa.crt"), self.world.path("to-rsa.key"), stdin=der)

    def sign(self, content, signers, detached, ber=False):
        if "rsa-pss" in signers:
            raise Unsupported("writes RSA v1.5 only")
        words = []
        for signer in signers:
            name = "sign-" + key_of(signer)
            words += [self.DIGEST.get(signer, "sha256"), self.world.path(name + ".crt"), self.world.path(name + ".key")]
        return self.get("sign", "detached" if detached else "opaque", *words, stdin=content)

    def verify(self, der, content=None):
        more = () if content is None else (self.file("content", content),)
        return self.get("verify", self.world.ca, *more, stdin=der)

    def certs_only(self, certificates):
        return self.get("certs-only", *certificates)
