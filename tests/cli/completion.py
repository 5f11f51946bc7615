"""The shell completes verbs, options and values, as they stand in --help, from the file that is installed."""
import re
import shlex
import subprocess

from lab import OK, PROGRAM, SOURCE, Cases, Lab, execute, have, sipveil

lab = Lab()
MAKER = SOURCE / "scripts" / "completion"
# typed words, the last of them incomplete: what the shell offers
OFFERS = (
    ("verbs", ["o"], ["open"]),
    ("every verb", [""], ["keygen", "seal", "open", "inspect", "vectors", "--help", "--version"]),
    ("kinds of keygen", ["keygen", ""], ["kek", "ca", "cert", "--help"]),
    ("options", ["open", "--allow-w"], ["--allow-weak"]),
    ("options of a kind", ["keygen", "cert", "--not-"], ["--not-before", "--not-after"]),
    ("options in the middle", ["seal", "--to", "x.jwk", "--det"], ["--detached"]),
    ("values out of the argument", ["open", "--compat", ""], ["seed000", "samples"]),
    ("values out of the text", ["seal", "--mode", ""], ["tunnel", "sipfrag", "payload"]),
    ("values with a default", ["seal", "--cipher", "aes-256-"], ["aes-256-gcm", "aes-256-cbc"]),
    ("values of two groups", ["keygen", "cert", "--alg", ""],
     ["p256", "p384", "p521", "rsa2048", "rsa3072", "x25519", "ed25519"]),
    ("values before a colon", ["open", "--require", ""], ["signed", "encrypted", "both"]),
    ("values behind =", ["seal", "--order", "=", "enc"], ["encrypt-sign"]),
    ("no value where none is known", ["open", "--me", "si"], []),
    ("no option of another verb", ["seal", "--requ"], ["--request-uri"]),
    ("nothing of an unknown verb", ["dance", "--"], []),
)


def offered(script, words):
    """What _sipveil puts into COMPREPLY, in a bash that nobody types into."""
    line = "source %s; COMP_WORDS=(sipveil %s); COMP_CWORD=%d; _sipveil; printf '%%s\\n' \"${COMPREPLY[@]}\"" % (
        shlex.quote(str(script)), " ".join(shlex.quote(word) for word in words), len(words))
    done = execute(["bash", "--norc", "--noprofile", "-c", line], cwd=lab.folder)
    return [word for word in done.out.decode().splitlines() if word], done.err


def bash(cases, script):
    for name, words, expected in OFFERS:
        got, said = offered(script, words)
        missing = [word for word in expected if word not in got]
        more = [] if name == "every verb" else [word for word in got if word not in expected]
        cases.case("bash: %s" % name, ["got %r, said %r" % (got, said)] if missing or more or said else [])
    spoken = execute(["bash", "--norc", "--noprofile", "-c", "source %s; complete -p sipveil" % shlex.quote(str(script))])
    cases.case("bash: it is bound to the program, and files are the default",
               [] if b"-o default -F _sipveil sipveil" in spoken.out else [repr(spoken)])
    (lab.path("folder")).mkdir()
    lab.write("file.pem", b"")
    got, said = offered(script, ["keygen", "cert", "--ca", "f"])
    cases.case("bash: folders where a folder is wanted", [] if got == ["folder"] else ["got %r, said %r" % (got, said)])
    said = sipveil("--help").out.decode()
    for verb in re.findall(r"^  (\w+) ", said, re.MULTILINE):
        kinds = re.findall(r"^  %s ([\w-]+) " % verb, sipveil(verb, "--help").out.decode(), re.MULTILINE)
        if kinds:
            got, said = offered(script, [verb, ""])
            cases.case("bash: the kinds of %s" % verb, [] if got == [*kinds, "--help"] and not said else ["got %r, said %r" % (got, said)])
        for words in [[verb, kind] for kind in kinds] or [[verb]]:
            listed = set(re.findall(r"^ +(?:-\w, )? *(--[a-z][a-z0-9-]*)", sipveil(*words, "--help").out.decode(), re.MULTILINE))
            got, said = offered(script, [*words, "--"])
            cases.case("bash: every option of %s that --help lists, and no other" % " ".join(words),
                       sorted(listed ^ set(got)) + ([said] if said else []) + ([] if len(listed) > 3 else ["--help lists none"]))
    said = sipveil("inspect", "--help").out.decode()
    got, _ = offered(script, ["inspect", "--"])
    cases.case("bash: every option of inspect is in --help and offered",
               sorted(set(word for word in said.replace(",", " ").split() if word.startswith("--")) ^ set(got)))


def main():
    cases = Cases()
    for shell in ("bash", "zsh"):
        script = lab.path("_sipveil" if shell == "zsh" else "sipveil.bash")
        with open(script, "wb") as out:
            made = subprocess.run([MAKER, PROGRAM, shell], stdout=out, stderr=subprocess.PIPE, timeout=60)
        cases.case("%s: it is written" % shell, [] if made.returncode == OK else [made.stderr.decode()])
        if not have(shell):
            cases.skip("%s: it can be read" % shell, "%s is not installed" % shell)
            continue
        read = execute([shell, "-n", script])
        cases.case("%s: it can be read" % shell, [] if read.code == OK and not read.err else [repr(read)])
        if shell == "bash":
            bash(cases, script)
    usage = execute([MAKER, PROGRAM, "fish"])
    cases.case("another shell is refused", [] if usage.code == 1 and "usage: " in usage.err else [repr(usage)])
    cases.leave()


if __name__ == "__main__":
    main()
