"""ADV-214: whatever in the library draws random numbers, itself or through libcrypto, is refused them by one of the tables of
tests/failing.h. Those say where a number was wanted that there was not; each call of the sources that draws must be among the places."""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from tap import BUILD, SOURCE, Cases, run

# What draws: ours, and libcrypto's that make keys, sign, or encrypt with padding.
CALL = re.compile(r"\b(sv_random\w*|sv_put_random\w*|RAND_\w+|EVP_PKEY_(?:Q_)?keygen|EVP_PKEY_generate|EVP_PKEY_(?:sign|encrypt)|EVP_DigestSign(?:Final)?|"
                  r"X509_sign(?:_ctx)?|BN_(?:priv_)?rand\w*)\(")
DEFINITION = re.compile(r"^(?:static |SIPVEIL_API )*(?:\w+[ *]+)+\w+\(")
# None of these is asked for a number, or none by a test that is of the library.
NOT_DRAWN = {
    "sv_random_pool_new": "makes the pool, which the tables do without",
    "sv_random_pool_free": "wipes it",
}
NOT_REACHED = {
    ("crypto/sign.c", "EVP_DigestSign(md, out, len"): "Ed25519 needs no random number to sign",
    ("crypto/random.c", "pool->octets"): "the pool: with one, a generator that fails is asked once and not for each number",
}
STATEMENT = 4  # lines that one may have


def calls():
    """{(file, line): text}"""
    found = {}
    for path in sorted((SOURCE / "lib").glob("*/*.c")):
        if path.name.startswith("fuzz_"):
            continue
        name = str(path.relative_to(SOURCE / "lib"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = re.sub(r"/\*.*?\*/", "", line)
            for call in CALL.finditer(code):
                allowed = call.group(1) in NOT_DRAWN or any(name == file and part in code for file, part in NOT_REACHED)
                if not DEFINITION.match(code) and not code.lstrip().startswith(("*", "/*")) and not allowed:
                    found[name, number] = code.strip()
    return found


def programs():
    for test in json.loads(run("meson", "introspect", "--tests", BUILD).stdout):
        if re.search(r"/failing", test["name"]) and "__wrap_malloc" in run("nm", test["cmd"][0]).stdout:
            yield test["name"], test["cmd"][0]


def places(program):
    """Where a random number ended: {(file, line)} and what is wrong."""
    name, path = program
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / "trace"
        done = subprocess.run([path], env=dict(os.environ, SIPVEIL_FAILING_TRACE=str(trace)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        addresses = sorted(set(trace.read_text(encoding="ascii").split())) if trace.exists() else []
    wrong = [] if done.returncode == 0 else ["%s: %s" % (name, done.stdout)]
    lines = subprocess.run(["addr2line", "-ife", path], input="\n".join(addresses), stdout=subprocess.PIPE, text=True).stdout
    return {(found.group(1), int(found.group(2))) for found in re.finditer(r"/lib/(\w+/\w+\.c):(\d+)", lines)}, wrong


def main():
    cases = Cases()
    if not shutil.which("addr2line") or not shutil.which("nm"):
        cases.skip("what draws is refused it", "addr2line or nm is not installed")
        cases.leave()
    wanted, seen, wrong = calls(), set(), []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for found, complaints in pool.map(places, programs()):
            seen |= found
            wrong += complaints
    cases.case("the tables hold where random numbers end", wrong)
    cases.case("there are calls that draw, and tables that fail them", [] if len(wanted) > 20 and len(seen) > 40 else "%d, %d" % (len(wanted), len(seen)))
    for (name, number), code in sorted(wanted.items()):
        hit = any((name, line) in seen for line in range(number, number + STATEMENT))
        cases.case("lib/%s:%d is refused what it draws" % (name, number), [] if hit else "by no table: %s" % code)
    for (name, part), why in NOT_REACHED.items():
        text = (SOURCE / "lib" / name).read_text(encoding="utf-8")
        cases.case("lib/%s: %s" % (name, why), [] if part in text else "there is no %s any more" % part)
    cases.leave()


if __name__ == "__main__":
    main()
