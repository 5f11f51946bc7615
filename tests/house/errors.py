"""docs/errors.md is current, and every text in it has the form of the house: lower case, no full stop, no blank ends."""
import re

from tap import SOURCE, Cases, run

ROW = re.compile(r"^\| [\w-]+ \| ([^|]*) \| ([^|]*) \| ((?:[^|\\]|\\.)*) \| ((?:[^|\\]|\\.)*) \|$", re.MULTILINE)
NAME = re.compile(r"[A-Z][a-z]+[A-Z-]|[A-Z][A-Z0-9.]|(?:From|Call|Date|Contact|Identity|SignedData)[ :]|[A-Z]?[^A-Za-z]|[a-z]")


def poor(text):
    if text.endswith(".") or text != text.strip() or not NAME.match(text):
        return "%r: lower case, no full stop, no blanks around it" % text
    return None


def main():
    cases = Cases()
    done = run("python3", SOURCE / "scripts" / "errors", "--check")
    cases.case("docs/errors.md is current", [] if done.returncode == 0 else done.stdout)
    found = ROW.findall((SOURCE / "docs" / "errors.md").read_text(encoding="utf-8"))
    texts = [text.strip("`") for _, _, said, _ in found for text in said.split("<br>") if text]
    hints = [hint for _, _, _, said in found for hint in said.split("<br>") if hint]
    cases.case("the page has texts and hints", [] if len(texts) > 300 and len(hints) > 40 else "%d, %d" % (len(texts), len(hints)))
    cases.case("every text has the form of the house", [line for line in map(poor, texts) if line])
    cases.case("every hint has the form of the house", [line for line in map(poor, hints) if line])
    cases.case("a poor text is found", [] if poor("Parse error") and poor("it failed.") and poor("so ") else "it is not")
    cases.leave()


if __name__ == "__main__":
    main()
