"""The test vectors, run by the program; the verb on files that are none; the generator writes what is kept."""
import json
import shutil
import sys

from lab import OK, SOURCE, USAGE, Cases, Lab, complaints_about, execute, sipveil

FOLDER = SOURCE / "vectors"
FAILED = 1
lab = Lab()


def run_all(cases):
    """One case here for each case there."""
    for path in sorted(FOLDER.glob("*.json")):
        ids = [case["id"] for case in json.loads(path.read_text(encoding="utf-8"))["cases"]]
        result = sipveil("vectors", "--verbose", path)
        lines = result.out.decode().splitlines()
        passed = {line[3:] for line in lines if line.startswith("ok ")}
        failed = {line.split(":")[0][5:]: line for line in lines if line.startswith("FAIL ")}
        for case in ids:
            cases.case("vector " + case, [] if case in passed else failed.get(case, "not run: %r" % result))
        good = result.code == OK and lines[-1:] == ["%d passed, 0 failed" % len(ids)] and len(set(ids)) == len(ids)
        cases.case("%s: last line and exit code" % path.name, [] if good or failed else repr(result))


def vector_file(*tests, **more):
    file = {"format": "sipveil-vectors", "version": 1, "about": "", "at": "2026-11-21T10:00:00Z", "keys": {},
            "cases": list(tests)}
    file.update(more)
    return lab.write("vectors.json", json.dumps(file).encode())


def test(**more):
    return dict({"id": "a/b", "does": "", "rules": [], "operation": "open", "message": "hello", "options": {},
                 "expected": {"result": "malformed", "exit": 3}}, **more)


def judge(cases, name, file, code, *words, out=None):
    result = sipveil("vectors", file)
    said = result.out.decode() + result.err
    wrong = ["exit %d instead of %d: %r" % (result.code, code, result)] if result.code != code else []
    wrong += ["does not say %s: %s" % (word, said) for word in words if word not in said]
    if out is not None and result.out.decode().splitlines()[-1:] != [out]:
        wrong.append("last line is not %s: %s" % (out, result.out.decode()))
    cases.case(name, wrong)


def judge_files(cases):
    judge(cases, "a case that passes", vector_file(test()), OK, out="1 passed, 0 failed")
    judge(cases, "a case that fails tells both", vector_file(test(), test(id="c", expected={"result": "ok"})), FAILED,
          "FAIL c: expected ok, got malformed", out="1 passed, 1 failed")
    for member, value, words in (("exit", 4, "expected exit 4, got 3"),
                                 ("status", 493, "expected SIP status 493, got 400"),
                                 ("signed", True, "expected signed: true, got false"),
                                 ("warnings", ["TUN-34"], "warning by rule TUN-34"),
                                 ("message", "x", "expected message of 1 octets"),
                                 ("compare", {"From": "equal"}, "not compared"),
                                 ("verdict", "ok", "expected verdict ok")):
        judge(cases, "another %s is a failure" % member,
              vector_file(test(expected={"result": "malformed", member: value})), FAILED, words)
    judge(cases, "no JSON: the place is told", lab.write("vectors.json", b'{\n "format": }'), USAGE,
          "vectors.json:2:12: ")
    for octets in (b"passphrase\n", b'{"kty":"oct" passphrase'):
        slip = sipveil("vectors", lab.write("vectors.json", octets))
        cases.case("no JSON: the place is told, and nothing of it", complaints_about(slip, "vectors", USAGE, "vectors.json:1:") +
                   (["read out: %s" % slip.err] if "passphrase" in slip.err else []))
    judge(cases, "an empty file", lab.write("vectors.json", b""), USAGE, "vectors.json: it is empty")
    out = lab.path("none.txt")
    for words in ((lab.path("none.json"),), (lab.path("none.json"), "-o", out), ("--case", "none", vector_file(test()))):
        none = sipveil("vectors", *words)
        cases.case("where no case is run there is no result: %d words" % len(words),
                   complaints_about(none, "vectors", USAGE, "none") + (["-o was written"] if out.exists() else []))
    some = sipveil("vectors", lab.path("none.json"), vector_file(test()))
    cases.case("a file that is not there keeps no other from being run", [] if some.code == USAGE and "none.json" in some.err and
               some.out == b"1 passed, 0 failed\n" else repr(some))
    for name, more, words in (
            ("another format", {"format": "x"}, "\"format\" is not"),
            ("another version", {"version": 2}, "\"version\" is not"),
            ("no time", {"at": "noon"}, "\"at\" is no time"), ("no cases", {"cases": []}, "no \"cases\""),
            ("an unknown member", {"extra": 1}, "a member that the schema does not have"),
            ("keys are no object", {"keys": []}, "\"keys\"")):
        judge(cases, "file: " + name, vector_file(test(), **more), USAGE, words)
    for name, more, words in (
            ("unknown member", {"mesage": "x"}, "no member \"mesage\""),
            ("unknown operation", {"operation": "close"}, "\"operation\""),
            ("unknown option", {"options": {"keys": "x"}}, "no option keys"),
            ("unknown key", {"options": {"key": ["x"]}}, "no key \"x\""),
            ("flag with a value", {"options": {"strict": "yes"}}, "option strict"),
            ("bad value", {"options": {"layers": "many"}}, "option layers"),
            ("not repeatable", {"options": {"at": ["2026-11-21T10:00:00Z"]}}, "cannot be repeated"),
            ("unknown result", {"expected": {"result": "fine"}}, "name of no code"),
            ("no result", {"expected": {}}, "no \"result\""),
            ("unknown expectation", {"expected": {"result": "malformed", "colour": 1}}, "no member \"colour\""),
            ("bad base64", {"message": {"base64": "AA"}}, "\"base64\""),
            ("bad hex", {"message": {"hex": "AA"}}, "\"hex\""),
            ("bad repeat", {"message": {"repeat": "x", "times": -1}}, "\"times\""),
            ("number as octets", {"message": 1}, "octets are"),
            ("bad clock", {"at": "noon"}, "\"at\" is no time"), ("bad random", {"random": "often"}, "\"random\""),
            ("bad open", {"operation": "seal", "open": {"x": 1}, "expected": {"result": "usage"}}, "no member \"x\"")):
        judge(cases, "case: " + name, vector_file(test(), test(id="second", **more)), USAGE, "case 2 (second)", words)
    judge(cases, "octets in all forms are put together",
          vector_file(test(message=["he", {"hex": "6c"}, {"base64": "bG8="},
                                    {"repeat": ["!", {"hex": "0d0a"}], "times": 3}])), OK)


def judge_options(cases):
    file = FOLDER / "sealing.json"
    one = sipveil("vectors", "--case", "sealing/kek-128-aes-128-gcm", file)
    cases.case("--case runs one", [] if one.out == b"1 passed, 0 failed\n" else repr(one))
    emitted = sipveil("vectors", "--case", "sealing/kek-128-aes-128-gcm", "--emit", file)
    cases.case("--emit writes what it gives",
               [] if emitted.code == OK and emitted.out.startswith(b"INVITE sip:bob@") else repr(emitted))
    for words in ((), ("--emit", file), ("--case", "none", file)):
        result = sipveil("vectors", *words)
        cases.case("usage: %s" % " ".join(map(str, words[:2])), [] if result.code == USAGE else repr(result))
    out = lab.path("lines.txt")
    result = sipveil("vectors", "-o", out, file)
    cases.case("-o takes the lines", [] if result.code == OK and not result.out and b" passed, 0 failed" in out.read_bytes() else repr(result))


def judge_generator(cases):
    """Kept seals aside, every octet is made anew; the files must not have been edited by hand."""
    folder = lab.path("again")
    shutil.copytree(FOLDER, folder, ignore=lambda _, names: [name for name in names if not name.endswith(".json")])
    result = execute([sys.executable, SOURCE / "tests" / "vectors" / "generate.py", folder], timeout=120)
    wrong = [] if result.code == OK else [repr(result)]
    for path in sorted(FOLDER.glob("*.json")):
        if (folder / path.name).read_bytes() != path.read_bytes():
            wrong.append("%s is not what tests/vectors/generate.py writes" % path.name)
    made = {path.name for path in folder.glob("*.json")}
    wrong += sorted(made ^ {path.name for path in FOLDER.glob("*.json")})
    cases.case("the generator writes the files that are kept", wrong)


def main():
    cases = Cases()
    judge_files(cases)
    judge_options(cases)
    run_all(cases)
    judge_generator(cases)
    cases.leave()


if __name__ == "__main__":
    main()
