"""The man pages and --help tell the same options; every page is written without warnings."""
import os
import re
import shutil

from tap import BUILD, SOURCE, Cases, run

MAN = SOURCE / "docs" / "man"
PROGRAM = BUILD / "tools" / "sipveil"
FILES = {"sipveil-table.5"}  # formats of files
IN_HELP = re.compile(r"^\s+(?:(-\w), )?\s*(--[a-z][a-z0-9-]*)(?: (\S+))?", re.MULTILINE)
IN_MAN = re.compile(r"^(?:\*(-\w)\*, )?\*(--[a-z][a-z0-9-]*)\*(?: _([^_]+)_)?$", re.MULTILINE)


def kinds_of(verb):
    """A verb with verbs of its own lists them in its --help."""
    told = run(PROGRAM, verb, "--help", stderr=None).stdout
    return [[verb, kind] for kind in re.findall(r"^  %s ([\w-]+)  " % verb, told, re.MULTILINE)] or [[verb]]


def options_of_help(words):
    done = run(PROGRAM, *words, "--help", stderr=None)
    return done.returncode, set(IN_HELP.findall(done.stdout))


def options_of_page(page):
    return set(IN_MAN.findall((MAN / (page + ".1.scd")).read_text(encoding="utf-8")))


def shown(options):
    return sorted(" ".join(filter(None, option)) for option in options)


def main():
    cases = Cases()
    verbs = set(re.findall(r"^  (\w+) ", run(PROGRAM, "--help").stdout, re.MULTILINE))
    pages = {path.name[:-len(".1.scd")] for path in MAN.glob("*.1.scd")}
    files = {path.name[:-len(".scd")] for path in MAN.glob("*.5.scd")}
    cases.case("the pages of file formats", sorted(files ^ FILES))
    cases.case("every verb has its page", sorted(pages ^ ({"sipveil-" + verb for verb in verbs} | {"sipveil"})))
    for verb in sorted(verbs):
        page, told = "sipveil-" + verb, set()
        if page not in pages:
            continue
        for words in kinds_of(verb):
            code, options = options_of_help(words)
            cases.case("sipveil %s --help tells options, exit code 0" % " ".join(words),
                       [] if code == 0 and options else "exit code %d, %d options" % (code, len(options)))
            told |= options
        written = options_of_page(page)
        cases.case("%s: every option of --help is in the man page" % page, shown(told - written))
        cases.case("%s: every option of the man page is in --help" % page, shown(written - told))
    if shutil.which("scdoc"):
        for page in sorted({page + ".1" for page in pages} | files):
            source = (MAN / (page + ".scd")).read_text(encoding="utf-8")
            done = run("scdoc", stdin=None, input=source, env=dict(os.environ, SOURCE_DATE_EPOCH="0"))
            cases.case("%s is written" % page, [] if done.returncode == 0 and ".TH" in done.stdout else done.stdout[-500:])
    else:
        cases.skip("the pages are written", "scdoc is not installed")
    cases.leave()


if __name__ == "__main__":
    main()
