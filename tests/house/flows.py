"""The call flows under vectors/flows are what their manifest says, and whole messages."""
import hashlib
import re

from tap import SOURCE, Cases

FOLDER = SOURCE / "vectors" / "flows"
LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d+)[ \t]*$", re.IGNORECASE)


def judge(octets):
    head, separator, body = octets.partition(b"\r\n\r\n")
    if not separator:
        return "no empty line"
    if re.search(rb"(?<!\r)\n|\r(?!\n)", head):
        return "a bare CR or LF in the header"
    lengths = [match.group(1) for line in head.split(b"\r\n") for match in [LENGTH.match(line)] if match]
    if len(lengths) > 1:
        return "several Content-Length"
    if lengths and int(lengths[0]) != len(body):
        return "Content-Length is %s, the body has %d octets" % (lengths[0].decode(), len(body))
    return None


def main():
    cases = Cases()
    rows = [line.split("\t") for line in (FOLDER / "manifest.tsv").read_text(encoding="utf-8").splitlines()
            if not line.startswith("#")]
    files = {path.name: path.read_bytes() for path in FOLDER.glob("*.sip")}
    cases.case("every row has a name, what it exercises and a digest", [row for row in rows if len(row) != 3])
    cases.case("manifest and folder list the same files", sorted(set(files) ^ {row[0] for row in rows}))
    cases.case("every file has the octets of its digest", [
        row[0] for row in rows if hashlib.sha256(files.get(row[0], b"")).hexdigest() != row[2]])
    cases.case("every file is one whole message", [
        "%s: %s" % (name, judge(octets)) for name, octets in sorted(files.items()) if judge(octets)])
    cases.leave()


if __name__ == "__main__":
    main()
