"""Bidding down, as docs/agree.md tells it: every run ends as it should, and the pictures of the page are what it drew."""
import os

import agree_scenarios
from lab import PROGRAM, SOURCE, Cases, Lab, execute, play

# The least that has to be there: a scenario that lost steps proves less.
LEAST = {"agree-1": 8, "agree-2": 4, "agree-3": 6, "agree-4": 8, "agree-5": 3}


def pictures(cases):
    lab = Lab()
    for name in agree_scenarios.DRAWN:
        drawn = execute([SOURCE / "scripts" / "scenario", name, "--svg", lab.path(name + ".svg"), "--text", lab.path(name + ".txt")],
                        env=dict(os.environ, SIPVEIL_PROGRAM=PROGRAM), timeout=100)
        wrong = [repr(drawn)] if drawn.code else []
        for kind in ("svg", "txt"):
            kept = SOURCE / "docs" / "pictures" / ("%s.%s" % (name, kind))
            new = lab.path("%s.%s" % (name, kind))
            if not kept.exists() or not new.exists() or kept.read_bytes() != new.read_bytes():
                wrong.append("docs/pictures/%s.%s is not what the run draws: scripts/scenario %s --%s docs/pictures/%s.%s" %
                             (name, kind, name, "svg" if kind == "svg" else "text", name, kind))
        cases.case("the picture %s is current" % name, wrong)


def main():
    cases = Cases()
    play(cases, agree_scenarios.SCENARIOS, LEAST)
    pictures(cases)
    cases.leave()


if __name__ == "__main__":
    main()
