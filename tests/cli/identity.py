"""The acceptance scenarios of session-bound certificates: every flow and every refusal, with RFC 8224 and with RFC 4474,
each party a folder and separate calls of the program. The page docs/identity.md shows each as text and as a picture: both
are what was just run. And what the two verbs say to whoever types them."""
import importlib.machinery
import importlib.util
import json
import os

import identity_scenarios
from lab import PROGRAM, SOURCE, Cases, Lab, have, play, sipveil

os.environ.setdefault("SIPVEIL_PROGRAM", PROGRAM)

# The least that has to be there: a scenario that lost steps proves less.
LEAST = {"identity-forward": 38, "identity-reverse": 14, "identity-change": 14, "identity-mikey": 8}


def drawing():
    loader = importlib.machinery.SourceFileLoader("scenario", str(SOURCE / "scripts" / "scenario"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("scenario", loader))
    loader.exec_module(module)
    return module


def pictures(name, run, draw, page):
    """The text in the page and the picture beside it are this run's."""
    text = "\n".join(line.rstrip() for line in draw.ladder(run))
    picture = SOURCE / "docs" / "pictures" / (name + ".svg")
    if text not in page:
        yield "docs/identity.md has another ladder: scripts/scenario %s prints it" % name
    if not picture.exists() or picture.read_text(encoding="utf-8") != "\n".join(draw.svg(run)) + "\n":
        yield "docs/pictures/%s.svg is not current: scripts/scenario %s --svg draws it" % (name, name)


def words(cases):
    """What a person reads who gets something wrong."""
    lab = Lab()
    anchor, state = lab.authority(), lab.path("state")
    request = identity_scenarios.Dialog(b"c1").invite((b"", b""))
    trust = ("--trust", anchor)
    rows = [
        ("bind without --state", sipveil("identity", "bind", *trust, stdin=request), 2, "--state FILE is missing"),
        ("bound without --state", sipveil("identity", "bound"), 2, "--state FILE is missing"),
        ("bound of a file that is not there", sipveil("identity", "bound", "--state", state), 2, "there is no such file"),
        ("--proven that is no digest", sipveil("identity", "bind", "--state", state, "--proven", "xyz", stdin=request), 2, "--proven"),
        ("--proven of 64 other letters", sipveil("identity", "bind", "--state", state, "--proven", "g" * 64, stdin=request), 2, "--proven"),
        ("--proven of what nobody bound", sipveil("identity", "bind", "--state", state, "--proven", "0" * 64, stdin=request), 4,
         "no such certificate is bound"),
        ("seal to a binding without --state", sipveil("seal", "--to", "bound:sip:a@b.example", stdin=request), 2, "needs --state"),
        ("seal to what is not bound", sipveil("seal", "--to", "bound:sip:a@b.example", "--state", state, stdin=request), 4,
         "no such certificate is bound in the dialog c1"),
        ("bind of what is no SIP", sipveil("identity", "bind", "--state", state, *trust, stdin=b"x"), 3, ""),
    ]
    cases.case("errors say what is wrong", ["%s: %r" % (what, got) for what, got, code, says in rows
                                            if got.code != code or says not in got.err or got.out])
    sipveil("identity", "bind", "--state", state, *trust, stdin=request)
    text, none = sipveil("identity", "bound", "--state", state), sipveil("identity", "bound", "--state", state, "--json")
    cases.case("where nothing is bound, that is said", [
        *([] if text.code == 0 and not text.out and "nothing is bound" in text.err else ["%r" % text]),
        *([] if none.code == 0 and json.loads(none.out) == {"version": 1, "bindings": []} else ["%r" % none])])
    other = sipveil("identity", "bound", "--state", state, "--aor", "alice")
    cases.case("where nothing fits what was asked for, that is said", [
        "%r" % other] if other.code != 0 or other.out or "nothing that is asked for" not in other.err else [])
    listing = lab.write("listing", b"old")
    again = sipveil("identity", "bound", "--state", state, "--json", "-o", listing)
    cases.case("a list in a file is replaced without --force", [] if again.code == 0 and json.loads(listing.read_text())["bindings"] == []
               else ["%r" % again])


def main():
    cases = Cases()
    if not have("openssl"):
        cases.skip("the scenarios", "openssl, which makes a second certificate of one key, is not installed")
        cases.leave()
    draw = drawing()
    page = (SOURCE / "docs" / "identity.md").read_text(encoding="utf-8")
    play(cases, identity_scenarios.SCENARIOS, LEAST,
         lambda name, run: cases.case("%s: the page shows this run" % name, pictures(name, run, draw, page)))
    words(cases)
    cases.leave()


if __name__ == "__main__":
    main()
