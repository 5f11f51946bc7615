"""Keys: what keygen writes, every kind of KEYREF, passphrases, files that are open to others; secrets stay off the command line."""
import base64
import json
import os
import re
import stat
import subprocess
import time

from lab import (ALICE, BOB, CANNOT_DECRYPT, INVITE, NO_KEY, OK, PROGRAM, USAGE, Cases, Lab, complaints_about, execute, have,
                 sipveil, tool)

lab = Lab()
CA = lab.authority()
SIGNER = lab.identity("alice", ALICE)


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def round_trip(to, key, *more, sealing=(), opening=()):
    sealed = sipveil("seal", "--quiet", "--to", to, *sealing, *more, stdin=INVITE)
    opened = sipveil("open", "--quiet", "--key", key, *opening, *more, stdin=sealed.out)
    return [] if sealed.code == opened.code == OK and opened.out == INVITE else [repr(sealed), repr(opened)]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def refused(verb, *arguments, words=(), code=USAGE, **options):
    return complaints_about(sipveil(verb, *arguments, stdin=INVITE, **options), verb, code, *words)


def keygen_kek(cases):
    for bits in ("128", "192", "256"):
        path = lab.path("kek-" + bits)
        lab.keygen("kek", "--id", "ims-ck-1", "--bits", bits, "-o", path)
        jwk = json.loads(path.read_text())
        key = base64.urlsafe_b64decode(jwk["k"] + "==")
        cases.case("keygen kek --bits %s: a JWK, 0600" % bits, [] if mode(path) == 0o600 and len(key) * 8 == int(bits) and
                   (jwk["kty"], jwk["kid"], jwk["alg"]) == ("oct", "ims-ck-1", "A%sKW" % bits) else [repr(jwk), oct(mode(path))])
        cases.case("seal, open with it", round_trip(path, path))
    lab.keygen("kek", "-o", lab.path("random-1"))
    lab.keygen("kek", "-o", lab.path("random-2"))
    one, two = (json.loads(lab.path(name).read_text()) for name in ("random-1", "random-2"))
    cases.case("keygen kek: 256 bits, random kid and key by default", [] if one["alg"] == "A256KW" and one["kid"] and
               one["kid"] != two["kid"] and one["k"] != two["k"] else [repr((one["kid"], two["kid"]))])
    cases.case("keygen never replaces a key", keygen_refused("kek", "-o", lab.path("random-1"), words=("exists",)))
    cases.case("keygen kek --bits 64", keygen_refused("kek", "--bits", "64", "-o", lab.path("x")))
    cases.case("keygen without -o", keygen_refused("kek"))
    cases.case("keygen -o -: no secret on standard output", keygen_refused("kek", "-o", "-", words=("never to standard output",)))
    cases.case("keygen cert without an identity", keygen_refused("cert", "--ca", lab.path("ca"), "-o", lab.path("x")))
    cases.case("keygen cert for an address that is none",
               keygen_refused("cert", "--ca", lab.path("ca"), "--aor", "alice", "-o", lab.path("x")))
    cases.case("keygen cert from no CA", keygen_refused("cert", "--ca", lab.path("nowhere"), "--aor", ALICE, "-o", lab.path("x")))
    cases.case("nothing was written", ["x"] if lab.path("x").exists() else [])


def keygen_refused(*arguments, words=(), codes=(USAGE,)):
    result = sipveil("keygen", *arguments)
    wrong = [] if result.code in codes else ["exit %d: %s" % (result.code, result.err)]
    if len(re.findall("^sipveil keygen", result.err, re.MULTILINE)) != 1 or result.out:
        wrong.append(repr(result))
    return wrong + ["does not say " + word for word in words if word not in result.err]


def replaced(cases):
    """--force gives the new file no reader that the old one did not have."""
    for old, umask, secret, new in ((0o640, 0o022, False, 0o640), (0o600, 0o022, False, 0o600), (0o666, 0o022, False, 0o644), (0o644, 0o077, False, 0o600),
                                    (0o660, 0o022, False, 0o640), (0o400, 0o022, True, 0o400), (0o644, 0o022, True, 0o600), (None, 0o027, False, 0o640)):
        path = lab.path("replaced")
        path.unlink(missing_ok=True)
        if old is not None:
            path.write_bytes(b"old")
            path.chmod(old)
        words = ("keygen", "kek", "-f", "-o", path) if secret else ("seal", "-q", "--to", lab.path("random-1"), "-f", "-o", path)
        result = sipveil(*words, stdin=INVITE, preexec_fn=lambda mask=umask: os.umask(mask))
        cases.case("-f over a file of mode %s, umask %s%s: mode %s" % (old and oct(old), oct(umask), ", a key" if secret else "", oct(new)),
                   [] if result.code == OK and mode(path) == new and path.read_bytes() != b"old" else [repr(result), oct(mode(path))])


def slips(cases):
    """A file of secrets that is given for another kind of file is refused, and nothing of it is read out."""
    sealed, message = lab.write("slip.sip", sipveil("seal", "-q", "--to", lab.path("random-1"), stdin=INVITE).out), lab.write("slip-plain.sip", INVITE)
    for secret in (lab.path("random-1"), SIGNER, lab.write("slip.tsv", b"home.example\talice\tcorrect-horse-battery\n", 0o600),
                   lab.write("slip-set.jwk", b"[" + lab.path("random-2").read_bytes().strip() + b"]\n", 0o600)):
        told = [word for word in re.findall(r"[\w+/-]{12,}", secret.read_text()) if word not in ("home.example",) and "BEGIN" not in word]
        for words in (("trust", "check-table", secret), ("trust", "apply", "--table", secret, "--from", "addr=192.0.2.1", "--to", "addr=192.0.2.2", message),
                      ("proxy", "--host", "p.example", "--policy", secret, sealed), ("seal", "--policy", secret, "--mode", "payload", message),
                      ("identity", "sign", "--key", SIGNER, "--info", "https://a.example/c", "--spc", secret, message),
                      ("agree", "choose", "--state", secret, message), ("open", "--state", secret, "--key", lab.path("random-1"), sealed),
                      ("agree", "check", "--list", "tls", "--realm", "r", "--credentials", secret, message),
                      ("vectors", secret), ("open", "--trust", secret, sealed), ("open", "--cert", secret, sealed), ("seal", "--to", secret, secret)):
            result = sipveil(*words)
            out = [word for word in told if word[:12] in result.err]
            cases.case("%s: nothing of %s is read out" % (" ".join(map(str, words[:2])), secret.name), [] if not out else out + [result.err])


def keygen_certificates(cases):
    folder = lab.path("ca")
    cases.case("keygen ca: ca.key 0600, ca.pem for everybody",
               [] if mode(folder / "ca.key") == 0o600 and mode(folder / "ca.pem") & 0o444 else ["modes"])
    for algorithm in ("p256", "p384", "p521", "rsa2048", "rsa3072", "x25519", "ed25519"):
        path = lab.identity("cert-" + algorithm, BOB, "ca", "--alg", algorithm)
        text, alone = path.read_text(), lab.crt("cert-" + algorithm).read_text()
        wrong = [] if mode(path) == 0o600 and "PRIVATE KEY" in text and "PRIVATE" not in alone else ["files"]
        if have("openssl"):
            shown = tool("openssl", "x509", "-in", lab.crt("cert-" + algorithm), "-noout", "-text").decode()
            if "URI:" + BOB not in shown or "1.3.6.1.5.5.7.3.20" not in shown:
                wrong.append(shown)
            tool("openssl", "verify", "-CAfile", CA, "-purpose", "any", lab.crt("cert-" + algorithm))
        if algorithm != "ed25519":
            wrong += round_trip(lab.crt("cert-" + algorithm), path)
        cases.case("TUN-03: keygen cert --alg " + algorithm, wrong)
    host = lab.identity("proxy.example")
    shown = tool("openssl", "x509", "-in", lab.crt("proxy.example"), "-noout", "-text").decode() if have("openssl") else \
        "DNS:proxy.example URI:sip:proxy.example"
    cases.case("keygen cert --host: DNS and URI", [] if "DNS:proxy.example" in shown and "URI:sip:proxy.example" in shown else
               [shown])
    cases.case("sealed to a host's certificate", round_trip(lab.crt("proxy.example"), host))


def key_sets(cases):
    """A JWK set: picked by kid to seal, all of them to open; kid_hex; what is no key."""
    keys = {name: {"kty": "oct", "kid": name, "k": b64(os.urandom(32)), "alg": "A256KW"} for name in ("one", "two")}
    both = lab.write("set.jwk", json.dumps({"keys": list(keys.values())}).encode(), 0o600)
    alone = lab.write("two.jwk", json.dumps(keys["two"]).encode(), 0o600)
    cases.case("a set of several as --to: exit 2", refused("seal", "--to", both, words=("2 keys", "kid=")))
    cases.case("FILE,kid=TEXT picks one", round_trip("%s,kid=two" % both, alone) + round_trip("%s,kid=two" % both, both))
    cases.case("as --key all of a set count", round_trip(alone, both) + round_trip("%s,kid=one" % both, both))
    sealed = sipveil("seal", "--to", "%s,kid=one" % both, stdin=INVITE)
    cases.case("--key FILE,kid=two has not one", complaints_about(
        sipveil("open", "--key", "%s,kid=two" % both, stdin=sealed.out), "open", NO_KEY, 'kek "one"'))
    cases.case("a kid that is not there: exit 2", refused("seal", "--to", "%s,kid=three" % both, words=("three",)))
    binary = lab.write("hex.jwk", json.dumps({"kty": "oct", "kid_hex": "00ff10", "k": b64(os.urandom(16))}).encode(), 0o600)
    sealed = sipveil("seal", "--to", binary, stdin=INVITE)
    told = sipveil("inspect", "--json", stdin=sealed.out)
    recipient = json.loads(told.out)["tree"]["children"][0]["recipients"][0]
    cases.case("kid_hex: any octets; key_id is null where it is no text", [] if recipient["key_id"] is None and
               recipient["key_id_hex"] == "00ff10" and b"\x04\x03\x00\xff\x10" in sealed.out else [repr(recipient)])
    cases.case("kid_hex opens", round_trip(binary, binary))
    for name, text in (
            ("not JSON", b"{kty"), ("empty", b""), ("another kty", b'{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}'),
            ("no k", b'{"kty":"oct","kid":"a"}'), ("kid and kid_hex that differ", b'{"kty":"oct","kid":"a","kid_hex":"ff","k":"AQIDBAUGBwgJCgsMDQ4PEA"}'), ("k is no base64url", b'{"kty":"oct","kid":"a","k":"%%%%"}'),
            ("72 bits", b'{"kty":"oct","kid":"a","k":"AQIDBAUGBwgJ"}'),
            ("ADV-093: all zero", b'{"kty":"oct","kid":"a","k":"AAAAAAAAAAAAAAAAAAAAAA"}'),
            ("alg and size disagree", json.dumps({"kty": "oct", "kid": "a", "alg": "A128KW", "k": b64(os.urandom(32))}).encode()),
            ("a key twice", b'{"kty":"oct","kid":"a","kid":"b","k":"AQIDBAUGBwgJCgsMDQ4PEA"}'),
            ("a picture", b"\x89PNG\r\n\x1a\n" + bytes(64)), ("an empty set", b'{"keys":[]}')):
        path = lab.write("bad.jwk", text, 0o600)
        cases.case("%s: exit 2" % name, refused("seal", "--to", path, words=(str(path),)) +
                   complaints_about(sipveil("open", "--key", path, stdin=INVITE), "open", USAGE, str(path)))


def files(cases):
    """ADV-210: the opened descriptor counts: links and sticky parents are fine, what others can touch is not."""
    closed = lab.kek("closed")
    for bits in (0o644, 0o640, 0o620, 0o602):
        path = lab.write("open-%o" % bits, closed.read_bytes(), bits)
        cases.case("ADV-210: a key of mode %04o: exit 2" % bits,
                   refused("seal", "--to", path, words=(str(path), "hint: ", "chmod 600")) +
                   refused("open", "--key", path, words=("hint: ", "--allow-open-key-file")))
        cases.case("--allow-open-key-file takes it", round_trip(path, path, "--allow-open-key-file"))
    link = lab.path("link")
    link.symlink_to(closed)
    cases.case("ADV-210: a symbolic link to a closed key is fine", round_trip(link, link))
    open_pem = lab.write("alice-open.pem", SIGNER.read_bytes(), 0o644)
    cases.case("ADV-210: an open private key: exit 2", refused("seal", "--sign-with", open_pem, words=("hint: ",)))
    cases.case("a certificate is no secret", [] if mode(lab.crt("alice")) & 0o044 and
               sipveil("seal", "--to", lab.crt("alice"), stdin=INVITE).code == OK else ["refused"])
    fifo = lab.path("fifo")
    os.mkfifo(fifo, 0o600)
    started = time.monotonic()
    for name, path in (("a folder", lab.folder), ("no such file", lab.path("nowhere")), ("/dev/null", "/dev/null"),
                       ("a FIFO", fifo)):
        cases.case("%s as a key: exit 2" % name, refused("seal", "--to", path, words=(str(path),)))
    cases.case("a FIFO holds nobody up", [] if time.monotonic() - started < 5 else ["%.1f s" % (time.monotonic() - started)])
    unreadable(cases, closed)
    for option in ("--trust", "--cert", "--crl"):
        cases.case("no such file for %s: exit 2" % option,
                   refused("open", option, lab.path("nowhere"), words=("nowhere", "No such file")))
        cases.case("no certificate in the file for %s: exit 2" % option, refused("open", option, lab.write("text", b"hello\n")))
    folder = lab.path("certificates")
    folder.mkdir()
    (folder / "a.pem").write_bytes(CA.read_bytes())
    sealed = sipveil("seal", "--quiet", "--sign-with", SIGNER, "--no-certs", stdin=INVITE)
    crts = lab.path("others")
    crts.mkdir()
    (crts / "alice.pem").write_bytes(lab.crt("alice").read_bytes())
    opened = sipveil("open", "--trust", folder, "--cert", crts, stdin=sealed.out)
    cases.case("folders for --trust and --cert", [] if opened.code == OK else [repr(opened)])


def unreadable(cases, closed):
    """Root reads everything: then somebody else tries."""
    if os.geteuid() != 0:
        path, others = lab.write("unreadable", closed.read_bytes(), 0), {}
    else:
        path, others = closed, {"user": 65534, "group": 65534, "extra_groups": []}
        lab.folder.chmod(0o755)
    try:
        cases.case("an unreadable key: exit 2", refused("seal", "--to", path, words=("Permission denied",), **others))
    except PermissionError:
        cases.skip("an unreadable key: exit 2", "nobody else may run the program where it stands")


def passphrases(cases):
    """pass=file:, fd:, prompt; a wrong one; none, and no terminal to ask at."""
    right = lab.write("right", b"open sesame\n", 0o600)
    wrong = lab.write("wrong", b"close sesame\n", 0o600)
    p12, pem = lab.path("alice.p12"), lab.path("alice-encrypted.pem")
    tool("openssl", "pkcs12", "-export", "-in", SIGNER, "-inkey", SIGNER, "-certfile", CA, "-passout", "file:%s" % right, "-out", p12)
    tool("openssl", "pkcs8", "-topk8", "-in", SIGNER, "-passout", "file:%s" % right, "-out", pem)
    pem.write_bytes(pem.read_bytes() + lab.crt("alice").read_bytes())
    for name, path in (("PKCS#12", p12), ("encrypted PEM", pem)):
        path.chmod(0o600)
        cases.case("%s, pass=file:" % name, round_trip(lab.crt("alice"), "%s,pass=file:%s" % (path, right)) +
                   signs("%s,pass=file:%s" % (path, right)))
        reading, writing = os.pipe()
        os.write(writing, b"open sesame\n")
        os.close(writing)
        cases.case("%s, pass=fd:N" % name, signs("%s,pass=fd:%d" % (path, reading), pass_fds=(reading,)))
        os.close(reading)
        cases.case("%s, wrong passphrase: exit 2" % name,
                   refused("seal", "--sign-with", "%s,pass=file:%s" % (path, wrong), words=(str(path), "passphrase")))
        cases.case("%s, no passphrase and no terminal: exit 2" % name,
                   refused("seal", "--sign-with", path, words=("hint: ", "pass=file:"), start_new_session=True))
        shown = "%s, prompt at a terminal, not shown" % name
        if has_terminals():
            cases.case(shown, prompted(path))
        else:
            cases.skip(shown, "no terminal can be had: /dev/pts is not there")
        path.chmod(0o644)
        cases.case("ADV-210: %s open to others: exit 2" % name,
                   refused("seal", "--sign-with", "%s,pass=file:%s" % (path, right), words=("hint: ",)))
        path.chmod(0o600)
    right.chmod(0o644)
    cases.case("ADV-210: a passphrase file open to others: exit 2",
               refused("seal", "--sign-with", "%s,pass=file:%s" % (p12, right), words=("hint: ",)))
    right.chmod(0o600)
    cases.case("a passphrase on the command line does not exist",
               refused("seal", "--sign-with", "%s,pass=open sesame" % p12, words=("passphrase",)))
    cases.case("fd: of a descriptor that is not open: exit 2", refused("seal", "--sign-with", "%s,pass=fd:77" % p12))


def signs(reference, **options):
    sealed = sipveil("seal", "--quiet", "--sign-with", reference, stdin=INVITE, **options)
    opened = sipveil("open", "--quiet", "--trust", CA, "--require", "signed", stdin=sealed.out)
    return [] if sealed.code == opened.code == OK else [repr(sealed), repr(opened)]


def has_terminals():
    """Whether a terminal can be had: a chroot may have no /dev/pts."""
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
        return True
    except OSError:
        return False


def prompted(path):
    """A terminal of our own: the program asks there, and what is typed is not shown."""
    import pty
    message, out = lab.write("prompt.sip", INVITE), lab.path("prompt.out")
    child, terminal = pty.fork()
    if child == 0:
        os.execv(PROGRAM, [PROGRAM, "seal", "--quiet", "--sign-with", str(path), "--force", "-o", str(out), str(message)])
    seen, typed, until = b"", False, time.monotonic() + 20
    while time.monotonic() < until:
        try:
            octets = os.read(terminal, 1000)
        except OSError:
            break
        if not octets:
            break
        seen += octets
        if not typed and b"Passphrase" in seen:
            os.write(terminal, b"open sesame\n")
            typed = True
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    return [] if status == OK and typed and b"sesame" not in seen and out.exists() else ["exit %d, shown: %r" % (status, seen)]


def passwords(cases):
    """CMS-13: password recipients, from a file, a descriptor and without its line end; ADV-096: exact octets."""
    plain, line = lab.write("plain", b"p\xc3\xa4ss", 0o600), lab.write("line", b"p\xc3\xa4ss\r\n", 0o600)
    other = lab.write("other", b"pass", 0o600)
    cases.case("pass:FILE; one line end is not part of it", round_trip("pass:%s" % plain, "pass:%s" % line))
    reading, writing = os.pipe()
    os.write(writing, b"p\xc3\xa4ss\n")
    os.close(writing)
    sealed = sipveil("seal", "--to", "pass-fd:%d" % reading, stdin=INVITE, pass_fds=(reading,))
    os.close(reading)
    opened = sipveil("open", "--key", "pass:%s" % plain, stdin=sealed.out)
    cases.case("pass-fd:N", [] if opened.code == OK and opened.out == INVITE else [repr(sealed), repr(opened)])
    cases.case("another password: exit 5", complaints_about(
        sipveil("open", "--key", "pass:%s" % other, stdin=sealed.out), "open", CANNOT_DECRYPT))
    opened = sipveil("open", "--key", "pass:%s" % other, "--key", "pass:%s" % plain, stdin=sealed.out)
    cases.case("several passwords: each is tried", [] if opened.code == OK else [repr(opened)])
    cases.case("ADV-096: an empty password: exit 2", refused("seal", "--to", "pass:%s" % lab.write("nothing", b"\n", 0o600)))
    cases.case("no terminal for pass-prompt: exit 2",
               refused("seal", "--to", "pass-prompt:", words=("no terminal",), start_new_session=True))
    plain.chmod(0o640)
    cases.case("ADV-210: a password file open to others: exit 2", refused("seal", "--to", "pass:%s" % plain, words=("hint: ",)))
    cases.case("pkcs11: without its module: exit 2",
               refused("seal", "--to", "pkcs11:token=x?module-path=/nowhere.so"))


def process(cases):
    """ADV-211, ADV-212: no secret on the command line, no core, nobody looks in."""
    reading, writing = os.pipe()
    kek = lab.kek("process")
    with subprocess.Popen([PROGRAM, "seal", "--to", str(kek), "--to", "pass-fd:%d" % reading, "--sign-with", str(SIGNER)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(reading,)) as child:
        time.sleep(0.3)
        def proc(name):
            try:
                with open("/proc/%d/%s" % (child.pid, name), "rb") as file:
                    return file.read()
            except PermissionError:
                return b""
        told = proc("cmdline") + proc("environ")
        limits = proc("limits").decode()
        owner = os.stat("/proc/%d/mem" % child.pid).st_uid
        os.write(writing, b"the-secret\n")
        os.close(writing)
        child.communicate(INVITE, timeout=30)
    os.close(reading)
    secret = json.loads(kek.read_text())["k"].encode()
    cases.case("ADV-211: no secret in /proc/PID/cmdline or environ", [] if secret not in told and b"the-secret" not in told else
               ["told"])
    core = [line for line in limits.splitlines() if "core file" in line]
    cases.case("ADV-212: no core file", [] if core and core[0].split()[4:6] == ["0", "0"] else core or ["no limits"])
    cases.case("ADV-212: not dumpable: its memory belongs to root", [] if owner == 0 else ["owner %d" % owner])
    options = "".join(execute([PROGRAM, verb, "--help"]).out.decode() for verb in ("seal", "open", "inspect"))
    cases.case("ADV-211: no option takes a secret", re.findall(r"--(?:password|passphrase|secret)\S*", options))


def helps(cases):
    """Every verb: --help on standard output, exit 0; --version."""
    for words in (("--help",), ("keygen", "--help"), ("keygen", "kek", "--help"), ("keygen", "ca", "--help"),
                  ("keygen", "cert", "--help"), ("seal", "--help"), ("open", "--help"), ("inspect", "--help")):
        result = execute([PROGRAM, *words])
        long = [line for line in result.out.decode().splitlines() if len(line) > 130]
        cases.case(" ".join(words), [repr(result)] if result.code != OK or result.err or b"usage: sipveil" not in result.out
                   else long)
    version = execute([PROGRAM, "--version"])
    cases.case("--version names what it is linked with", [] if version.code == OK and all(
        word in version.out for word in (b"sipveil ", b"OpenSSL ", b"zlib ", b"jansson ")) else [repr(version), repr(version.out)])
    for words, same in ((("help", "seal"), ("seal", "--help")), (("help", "keygen", "kek"), ("keygen", "kek", "--help"))):
        cases.case(" ".join(words), [] if execute([PROGRAM, *words]).out == execute([PROGRAM, *same]).out != b"" else ["not as --help"])
    for words, said in ((("help", "frob"), "unknown verb 'frob'"), (("--frob",), "unknown option '--frob'"), (("frob",), "unknown verb 'frob'")):
        result = execute([PROGRAM, *words])
        cases.case(" ".join(words) + ": exit 2", [] if result.code == USAGE and said in result.err else [repr(result)])
    for words in ((), ("frob",)):
        result = execute([PROGRAM, *words])
        cases.case("no verb, or an unknown one: exit 2", [] if result.code == USAGE and result.err and not result.out else
                   [repr(result)])


def main():
    cases = Cases()
    parts = [keygen_kek, replaced, slips, keygen_certificates, key_sets, files, passwords, process, helps]
    if have("openssl"):
        parts.append(passphrases)
    else:
        cases.skip("PKCS#12 and encrypted PEM", "the openssl program is not installed")
    for part in parts:
        part(cases)
    cases.leave()


if __name__ == "__main__":
    main()
