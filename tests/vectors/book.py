"""A vector file being written: its cases, and the keys that they name."""
import json
import re

import world
from messages import AT

EXITS = {"ok": 0, "io": 1, "internal": 1, "usage": 2, "malformed": 3, "unsupported": 3, "no-key": 4,
         "cannot-decrypt": 5,
         "bad-signature": 6, "not-signed": 6, "not-encrypted": 6, "untrusted-signer": 7, "header-mismatch": 8,
         "incomplete": 8, "policy": 9, "limit": 9, "replay": 9, "second-opinion": 9}
# What may go on the wire when no secret was used.
STATUSES = {"malformed": 400, "unsupported": 415, "no-key": 493, "cannot-decrypt": 493, "bad-signature": 403,
            "not-signed": 403, "not-encrypted": 403, "untrusted-signer": 403, "header-mismatch": 403,
            "incomplete": 403, "policy": 403, "limit": 513, "replay": 403, "second-opinion": 403}
KEY_OPTIONS = ("key", "cert", "trust", "crl", "to", "sign-with")


class Repeat:
    """Octets that stand there many times."""

    def __init__(self, octets, times):
        self.octets, self.times = octets, times

    def __len__(self):
        return len(self.octets) * self.times


def joined(*pieces):
    """Octets and repetitions in a row; length() of it is known."""
    return list(pieces)


def length(pieces):
    return sum(len(piece) for piece in pieces)


def _of_octets(octets):
    """Text line by line where it is text, base64 where it is not."""
    import base64
    out, at = [], 0
    for run in re.finditer(rb"[\t\r\n\x20-\x7e]{24,}", octets):
        if run.start() > at:
            out.append({"base64": base64.b64encode(octets[at:run.start()]).decode()})
        text, at = run.group().decode(), run.end()
        if at < len(octets) and not text.endswith("\r\n"):  # what binary octets follow begins in the middle of a line
            kept = text.rfind("\r\n") + 2 if "\r\n" in text else 0
            text, at = text[:kept], run.start() + kept
        out += [line for line in re.split(r"(?<=\r\n)", text) if line]
    rest = octets[at:]
    if rest and re.fullmatch(rb"[\t\r\n\x20-\x7e]+", rest):
        out.append(rest.decode())
    elif rest:
        out.append({"base64": base64.b64encode(rest).decode()})
    return out


def json_octets(value):
    """The schema's way to write octets: the shortest that a person can read."""
    pieces = []
    for piece in value if isinstance(value, list) else [value]:
        if isinstance(piece, Repeat):
            once = json_octets(piece.octets)
            pieces.append({"repeat": once, "times": piece.times})
        else:
            pieces += _of_octets(piece)
    return pieces[0] if len(pieces) == 1 else pieces if pieces else ""


class Book:
    def __init__(self, name, about):
        self.name, self.about, self.cases, self.keys = name, about, [], {}

    def key(self, name, entry=None):
        """Declares a key of this file that world.py does not have."""
        self.keys[name] = entry if entry is not None else world.key_entry(name)
        return name

    def add(self, case, does, rules, operation, message, options, expected, **more):
        known = {each["id"] for each in self.cases}
        name = "%s/%s" % (self.name, case)
        if name in known:
            raise ValueError("two cases %s" % name)
        for options_of in (options, more.get("open", {}).get("options", {})):
            for option in KEY_OPTIONS:
                names = options_of.get(option, [])
                for key in [names] if isinstance(names, str) else names:
                    if key not in self.keys:
                        self.key(key)
        expected = dict({"result": expected, "exit": EXITS[expected]} if isinstance(expected, str) else expected)
        for octets in ("message", "entity", "body"):
            if expected.get(octets, ...) is not ...:
                expected[octets] = json_octets(expected[octets])
        self.cases.append({"id": name, "does": does, "rules": rules, "operation": operation, **more,
                           "message": json_octets(message), "options": options, "expected": expected})

    def opens(self, case, does, rules, message, options, inner, expect=None, **more):
        expected = {"result": "ok", "exit": 0, "message": inner, **(expect or {})}
        self.add(case, does, rules, "open", message, options, expected, **more)

    def refuses(self, case, does, rules, message, options, code, status=None, operation="open", **more):
        expected = {"result": code, "exit": EXITS[code]}
        if code in STATUSES or status:
            expected["status"] = status or STATUSES[code]
        if operation == "answer":
            expected["exit"] = 10
        self.add(case, does, rules, operation, message, options, expected, **more)

    def text(self):
        file = {"format": "sipveil-vectors", "version": 1, "about": self.about, "at": AT,
                "keys": dict(sorted(self.keys.items())), "cases": self.cases}
        return json.dumps(file, indent=1, ensure_ascii=True) + "\n"
