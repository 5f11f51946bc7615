"""What every other CMS implementation is asked for, in octets; each says itself how."""
import re

from world import Failed, Unsupported, execute, have

CAN_NOT = "has no %s"


def brief(text, limit=160):
    """The peer's own words in one line, without paths and addresses of the run."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    text = re.sub(r"(?:/[\w.-]+)+/([\w.-]+)", r"\1", text)
    text = re.sub(r"\b[0-9A-F]{12,}:", "", text)
    return " ".join(text.split())[:limit].rstrip()


def debian_version(package):
    """For what does not say its version itself."""
    if have("dpkg-query"):
        said = execute(["dpkg-query", "-W", "-f", "${Version}", package])
        if said.code == 0:
            return re.sub(r"^\d+:", "", said.out.decode())
    return "unknown"


class Peer:
    """Each operation takes and gives octets; one that is not there is Unsupported."""

    name = packages = note = ""
    transport = transport_back = "kek-256"  # the kind of recipient that it knows best, to open and to write

    def __init__(self, world):
        self.world, self.count = world, 0
        self.folder = world.path(type(self).__name__.lower())
        self.folder.mkdir()

    def absent(self):
        """Why it cannot be asked, or None."""
        raise NotImplementedError

    def version(self):
        raise NotImplementedError

    def close(self):
        pass

    def encrypt(self, content, recipients, cipher, ber=False, attributes=False):
        raise Unsupported(CAN_NOT % "EnvelopedData")

    def decrypt(self, der, recipient):
        raise Unsupported(CAN_NOT % "EnvelopedData")

    def sign(self, content, signers, detached, ber=False):
        raise Unsupported(CAN_NOT % "signing")

    def verify(self, der, content=None):
        raise Unsupported(CAN_NOT % "verification")

    def compress(self, content, ber=False):
        raise Unsupported(CAN_NOT % "CompressedData")

    def expand(self, der):
        raise Unsupported(CAN_NOT % "CompressedData")

    def certs_only(self, certificates):
        raise Unsupported(CAN_NOT % "command for certificates alone")

    # ---- for the peers that work on files ----

    def file(self, suffix, octets=None):
        self.count += 1
        path = self.folder / ("%d.%s" % (self.count, suffix))
        if octets is not None:
            path.write_bytes(octets)
        return path

    def run(self, *command, stdin=b"", **options):
        result = execute(command, stdin=stdin, **options)
        if result.code != 0:
            raise Failed(brief(self.complaint(result.err)))
        return result.out

    def complaint(self, text):
        return text.strip()

    def one_signer(self, signers):
        if len(signers) != 1:
            raise Unsupported("signs with one key only")
        return signers[0]
