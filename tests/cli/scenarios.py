"""The three acceptance scenarios of end-to-middle security: every step and every refusal, each party a folder and
separate calls of the program; and their pictures. Together they meet each requirement of both documents (E2M-00)."""
import os
import re
import xml.etree.ElementTree

import e2m_scenarios
from lab import ALICE, BOB, INVITE, OK, PROGRAM, SOURCE, Cases, Lab, execute, have, play, sipveil, split

os.environ.setdefault("SIPVEIL_PROGRAM", PROGRAM)

# The least that has to be there: a scenario that lost steps proves less.
LEAST = {"e2m-1": 19, "e2m-2": 51, "e2m-3": 30}


def plain_ua(cases):
    """E2M-G1: a UA that knows S/MIME and nothing of labels: openssl cms on the body as it came."""
    lab = Lab()
    anchor = lab.authority()
    alice, bob = lab.identity("alice", ALICE), lab.identity("bob", BOB)
    hop = lab.identity("ss1.home.example") and lab.crt("ss1.home.example")
    wrong = []
    for options in ((), ("--act", "both"), ("--opaque",)):
        sealed = sipveil("seal", "--quiet", "--mode", "payload", "--to", lab.crt("bob"), "--for", "ss1.home.example=%s" % hop,
                         "--sign-with", alice, *options, stdin=INVITE)
        if sealed.code != OK or b"Proxy-Required-Body: ss1.home.example" not in sealed.out:
            wrong.append("sealed: %r" % sealed)
            continue
        opened = execute(["openssl", "cms", "-decrypt", "-inform", "DER", "-binary", "-recip", bob, "-inkey", bob],
                         stdin=split(sealed.out)[2])
        rows, _, inside = opened.out.partition(b"\r\n\r\n")
        detached = re.search(rb"boundary=(\S+)", rows)
        more = ()
        if detached:  # openssl's own reader of multipart/signed wants base64: part and signature are given apart
            delimiter = b"--" + detached.group(1)
            part, signature = inside.split(b"\r\n" + delimiter)[:2]
            more = ("-content", lab.write("part", part[len(delimiter) + 2:]))
            inside = signature.partition(b"\r\n\r\n")[2]
        verified = execute(["openssl", "cms", "-verify", "-inform", "DER", "-binary", "-CAfile", anchor, "-purpose", "any", *more],
                           stdin=inside)
        if opened.code or verified.code or split(INVITE)[2] not in verified.out:
            wrong.append("%s: decrypt %r, verify %r" % (" ".join(options), opened, verified))
    cases.case("E2M-G1: openssl cms opens and verifies a labelled shared body unchanged", wrong)


def pictures(cases):
    lab = Lab()
    wrong = []
    for name in sorted(LEAST):
        drawn = execute([SOURCE / "scripts" / "scenario", name, "--svg", lab.path(name + ".svg")],
                        env=dict(os.environ, SIPVEIL_PROGRAM=PROGRAM), timeout=300)
        if drawn.code != 0 or b"[C]" not in drawn.out or b"[ ]" not in drawn.out:
            wrong.append("%s: %r" % (name, drawn))
            continue
        root = xml.etree.ElementTree.parse(lab.path(name + ".svg")).getroot()
        if not root.tag.endswith("svg") or len(list(root)) < 30:
            wrong.append("%s: the picture is empty" % name)
        if not (SOURCE / "docs" / "pictures" / (name + ".svg")).exists():
            wrong.append("docs/pictures/%s.svg is not there" % name)
    cases.case("scripts/scenario draws each of them", wrong)


def main():
    cases = Cases()
    if not have("openssl"):
        cases.skip("the scenarios", "openssl, which cuts a recipient out of a message, is not installed")
        cases.leave()
    play(cases, e2m_scenarios.SCENARIOS, LEAST)
    plain_ua(cases)
    pictures(cases)
    cases.leave()


if __name__ == "__main__":
    main()
