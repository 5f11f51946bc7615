"""Octets that look like chance and are the same in every run."""
import hashlib


class Chance:
    """Block i is SHA-256(label, i); a request takes what it needs and no more."""

    def __init__(self, label):
        self.label, self.counter, self.held = label.encode(), 0, b""

    def octets(self, count):
        while len(self.held) < count:
            self.held += hashlib.sha256(self.label + b"/%d" % self.counter).digest()
            self.counter += 1
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def number(self, below):
        """From 1 to below - 1; far more octets than needed keep it even."""
        return int.from_bytes(self.octets(len("%x" % below) // 2 + 17), "big") % (below - 1) + 1
