#!/usr/bin/env python3
"""Writes the vector files: tests/vectors/generate.py [--program SIPVEIL] OUTDIR

Everything is composed here from octets up, by code that shares nothing with the library (aes.py, curves.py, rsa.py,
der.py, cms.py); what looks like chance comes from chance.py, so that every run writes the same. Only the expected
octets of the operation "seal" come from the program itself, whose random octets are then counted
(vectors/README.md); without --program those that the files in OUTDIR hold are kept."""
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile

from book import json_octets

TOPICS = ["enveloped", "recipients", "signed", "tunnel", "malformed", "limits", "identity"]


def made_by(program, book, case):
    """What the program gives for a case whose expected octets are asked from it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(book.text())
        file.flush()
        return subprocess.run([program, "vectors", "--case", case["id"], "--emit", file.name], check=True,
                              stdout=subprocess.PIPE).stdout


def kept_in(folder, book):
    try:
        file = json.loads((folder / (book.name + ".json")).read_text(encoding="utf-8"))
    except OSError:
        return {}
    return {case["id"]: case["expected"].get("message") for case in file["cases"]}


def fill_in(program, folder, book):
    asked = [case for case in book.cases if case["expected"].get("message") is ...]
    for case in asked:
        del case["expected"]["message"]
    kept = {} if program else kept_in(folder, book)
    for case in asked:
        octets = json_octets(made_by(program, book, case)) if program else kept.get(case["id"])
        if octets is None:
            sys.exit("%s: its octets are neither kept nor asked for with --program" % case["id"])
        case["expected"]["message"] = octets


def books():
    for topic in TOPICS:
        yield from importlib.import_module("cases_" + topic).books()


def main(arguments):
    program = None
    if arguments[:1] == ["--program"]:
        program, arguments = arguments[1], arguments[2:]
    if len(arguments) != 1:
        sys.exit(__doc__)
    folder, total = pathlib.Path(arguments[0]), 0
    for book in books():
        fill_in(program, folder, book)
        (folder / (book.name + ".json")).write_text(book.text(), encoding="utf-8")
        total += len(book.cases)
    print("%d cases" % total)


if __name__ == "__main__":
    main(sys.argv[1:])
