"""The three acceptance scenarios of end-to-middle security: every step and every refusal, each party a folder and
separate calls of the program; and their pictures."""
import os
import xml.etree.ElementTree

import e2m_scenarios
from lab import PROGRAM, SOURCE, Cases, Lab, execute, have

os.environ.setdefault("SIPVEIL_PROGRAM", PROGRAM)

# The least that has to be there: a scenario that lost steps proves less.
LEAST = {"e2m-1": 19, "e2m-2": 50, "e2m-3": 30}


def pictures(cases):
    lab = Lab()
    wrong = []
    for name in sorted(LEAST):
        drawn = execute([SOURCE / "scripts" / "scenario", name, "--svg", lab.path(name + ".svg")],
                        env=dict(os.environ, SIPVEIL_PROGRAM=PROGRAM), timeout=100)
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
    for name, scenario in sorted(e2m_scenarios.SCENARIOS.items()):
        run = scenario()
        try:
            for case, complaints in run.cases:
                cases.case("%s: %s" % (name, case), complaints)
            cases.case("%s: no step is missing" % name, [] if len(run.cases) >= LEAST[name] else "%d cases" % len(run.cases))
        finally:
            run.close()
    pictures(cases)
    cases.leave()


if __name__ == "__main__":
    main()
