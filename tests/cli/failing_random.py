"""ADV-214: the random generator ends, for every verb and at every time that it is asked: exit 1, one line that says why, nothing on
standard output, no file, the state as it was; and the same call succeeds when it is back. What asks for nothing works without."""
import os
import re
import tempfile

from failing_writes import ALICE_KEY, KEK, Row, Work, again, lab, remains, rows
from lab import INVITE, Cases, in_parallel

PRELOAD = os.environ.get("SIPVEIL_FAILING_RANDOM")
# What libcrypto draws for itself is told as what it could not do.
SAYS = re.compile(r"\Asipveil [a-z ]+: (?:.*random.*|cannot sign with this key|key agreement failed|RSA key transport failed|no key could be made|"
                  r"the certificate cannot be signed)\n\Z")
EACH, SAMPLES = 6, 6  # the first ones, and some of the others
# What is drawn for: signatures, content keys, nonces, references, names of keys. The tag of a refusal is not (RFC 3261 8.2.7).
DRAWS = {"seal", "keygen kek", "keygen ca", "keygen cert", "seal for a proxy", "retry", "agree check", "agree choose",
         "identity sign"}


def more_rows():
    """Verbs and forms whose draws the rows of failing_writes do not have."""
    sign = ("identity", "sign", "--quiet", "--key", lab.path("as.pem"), "--info", "https://h.example/as.cer", "-o", "@out")
    lab.keygen("cert", "--ca", lab.path("ca"), "--host", "atlanta.example.com", "--cert-out", lab.crt("as"), "-o", lab.path("as.pem"))
    return [
        Row("seal to a certificate", ("seal", "--quiet", "--to", lab.crt("bob"), "--sign-with", ALICE_KEY, "-o", "@out"), INVITE),
        Row("seal to several", ("seal", "--quiet", "--to", lab.crt("bob"), "--to", lab.crt("rsa"), "--to", KEK, "--sign-with", ALICE_KEY, "-o", "@out"),
            INVITE),
        Row("keygen cert, self-signed", ("keygen", "cert", "--self-signed", "--aor", "sip:a@b.example", "--cert-out", "@crt", "-o", "@out")),
        Row("identity sign, ES256", sign, INVITE),
    ]


def run(row, work, n=None):
    """With the count of draws."""
    with tempfile.TemporaryDirectory() as folder:
        count = os.path.join(folder, "count")
        env = dict(os.environ, LD_PRELOAD=PRELOAD, FAIL_RANDOM_COUNT=count, **({} if n is None else {"FAIL_RANDOM_AT": str(n)}))
        result = row.run(work, env=env)
        with open(count, encoding="ascii") as file:
            return result, int(file.read())


def numbers(count):
    others = range(EACH + 1, count + 1)
    return [*range(1, min(EACH, count) + 1), *others[::max(1, len(others) // SAMPLES)]]


def check(row):
    work = Work(row.files)
    result, count = run(row, work)
    work.close()
    wrong = [] if result.code == row.wanted else ["with a generator of ours: %r" % result]
    for n in numbers(count):
        work = Work(row.files)
        result, asked = run(row, work, n)
        if asked < n: # libcrypto blinds RSA with a number below the modulus, and draws again where it was not: this time it was
            wrong += [] if result.code == row.wanted else ["without draw %d, which was not asked for: exit %d" % (n, result.code)]
            work.close()
            continue
        found = [] if result.code == 1 else ["exit %d instead of 1" % result.code]
        found += ["%d octets on standard output" % len(result.out)] if result.out else []
        found += [] if SAYS.search(result.err) else ["says %r" % result.err]
        found += remains(work, row.files) or again(row, work)
        wrong += ["without draw %d of %d: %s" % (n, count, line) for line in found]
        work.close()
    return count, wrong


def main():
    cases = Cases()
    if not PRELOAD:
        cases.skip("ADV-214", "a sanitizer wants to be loaded first")
        cases.leave()
    table = rows() + more_rows()
    for row, (count, wrong) in zip(table, in_parallel(check, table)):
        if row.name in DRAWS and count == 0:
            wrong.append("draws nothing: that is not looked at")
        cases.case("ADV-214: %s: %d draws" % (row.name, count), wrong)
    cases.leave()


if __name__ == "__main__":
    main()
