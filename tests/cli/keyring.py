"""The same user, the same certificate over time (TUN-05, TUN-09): the folder of --keyring, from its first certificate to
one that changed; certificates from folders, chains and passphrases in the forms that people have them."""
import hashlib
import json
import os
import stat
import time

from lab import (ALICE, BOB, CANNOT_DECRYPT, INVITE, NO_KEY, OK, UNTRUSTED, USAGE, VERIFY, Cases, Lab, complaints_about,
                 execute, have, in_parallel, sipveil, substitute, tool)

lab = Lab()
CA = lab.authority()
FIRST, SECOND, THIRD = (lab.identity(name, ALICE) for name in ("first", "second", "third"))
KEPT = hashlib.sha256(ALICE.encode()).hexdigest() + ".pem"


def seal(*options, message=INVITE):
    sealed = sipveil("seal", "--quiet", *options, stdin=message)
    if sealed.code != OK:
        raise RuntimeError("seal %s: %r" % (options, sealed))
    return sealed.out


def opened_by(message, *options):
    return sipveil("open", "--quiet", *options, stdin=message)


def succeeds(result):
    return [] if result.code == OK and result.out and not result.err else [repr(result)]


def fingerprint(name):
    return tool("openssl", "x509", "-in", lab.crt(name), "-noout", "-fingerprint", "-sha256").decode().split("=")[1].strip()


def checks(message, *options, verb="inspect"):
    report = lab.path("report.json")
    if verb == "inspect":
        result = sipveil("inspect", "--json", *options, stdin=message)
        return json.loads(result.out)["checks"]
    sipveil("open", "--quiet", "--report", report, *options, stdin=message)
    return json.loads(report.read_text())["checks"]


def of_rule(found, rule):
    return [(check["result"], check["why"]) for check in found if check["rule"] == rule]


def first_and_same(cases, folder):
    message = seal("--sign-with", FIRST)
    trusting = ("--trust", CA, "--keyring", folder)
    cases.case("TUN-05: a trusted signer is kept", succeeds(opened_by(message, *trusting)))
    names = [path.name for path in folder.iterdir()]
    text = (folder / KEPT).read_text() if names == [KEPT] else ""
    cases.case("under the address: one file, named by its SHA-256, 0600 in 0700", [] if names == [KEPT] and
               text.startswith(ALICE + "\n-----BEGIN CERTIFICATE-----") and text.count("BEGIN") == 1 and
               stat.S_IMODE((folder / KEPT).stat().st_mode) == 0o600 and stat.S_IMODE(folder.stat().st_mode) == 0o700 else
               [names, text])
    before = (folder / KEPT).stat()
    cases.case("the same certificate again", succeeds(opened_by(seal("--sign-with", FIRST), *trusting)))
    cases.case("TUN-06: a signature that carries none is checked with the one kept",
               succeeds(opened_by(seal("--sign-with", FIRST, "--no-certs"), *trusting)))
    after = (folder / KEPT).stat()
    cases.case("nothing is written for it", [] if (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
               else ["written again"])
    said = of_rule(checks(message, *trusting, verb="open"), "TUN-09")
    cases.case("TUN-09 in the report: passed", [] if said == [("passed", "the certificate known for %s" % ALICE)] else said)
    cases.case("being kept makes nobody trusted", complaints_about(
        sipveil("open", "--keyring", folder, stdin=message), "open", UNTRUSTED, "anchors"))


def changed(cases, folder):
    message = seal("--sign-with", SECOND)
    trusting = ("--trust", CA, "--keyring", folder)
    before = (folder / KEPT).read_bytes()
    refused = sipveil("open", *trusting, "-o", lab.path("changed.out"), stdin=message)
    cases.case("TUN-09: another certificate of that address: exit 7", complaints_about(
        refused, "open", UNTRUSTED, "certificate-changed", ALICE, "hint: ", "--accept-new-certificate"))
    cases.case("nothing is written, nothing kept", [] if (folder / KEPT).read_bytes() == before and
               not lab.path("changed.out").exists() else ["written"])
    said = of_rule(checks(message, *trusting, verb="open"), "TUN-09")
    cases.case("TUN-09 in the report: failed", [] if len(said) == 1 and said[0][0] == "failed" and
               said[0][1].startswith("certificate-changed: ") else said)
    said = of_rule(checks(message, *trusting), "TUN-09")
    cases.case("inspect finds it too, and keeps nothing", [] if said and said[0][0] == "failed" and
               (folder / KEPT).read_bytes() == before else said)
    cases.case("the other side is told nothing of it", [] if b"certificate" not in sipveil(
        "open", *trusting, "--answer", stdin=message).out else ["told"])
    tolerated = sipveil("open", *trusting, "--no-verify-signer", stdin=message)
    cases.case("--no-verify-signer tolerates it with a warning, and does not keep it", [] if tolerated.code == OK and
               "certificate-changed" in tolerated.err and (folder / KEPT).read_bytes() == before else [repr(tolerated)])
    accepted = sipveil("open", *trusting, "--accept-new-certificate", "--verbose", stdin=message)
    text = (folder / KEPT).read_text()
    first, second = (lab.crt(name).read_text().strip() for name in ("first", "second"))
    cases.case("TUN-09: --accept-new-certificate adds it beside the old, newest first", [] if accepted.code == OK and
               text.count("BEGIN") == 2 and 0 < text.find(second) < text.find(first) else [repr(accepted), text])
    cases.case("and says so", [] if "warning: " in accepted.err and "keeps the certificate of " + ALICE in accepted.err else
               [accepted.err])
    cases.case("both are known now", succeeds(opened_by(message, *trusting)) +
               succeeds(opened_by(seal("--sign-with", FIRST), *trusting)))


def pins_and_others(cases, folder):
    trusting = ("--trust", CA, "--keyring", folder)
    if have("openssl"):
        pin = "%s=%s" % (ALICE, fingerprint("third"))
        message = seal("--sign-with", THIRD)
        cases.case("a pin is a permission: it is taken and kept", [] if sipveil(
            "open", "--keyring", folder, "--pin", pin, stdin=message).code == OK and
            (folder / KEPT).read_text().count("BEGIN") == 3 else ["refused"])
        cases.case("and known from then on", succeeds(opened_by(message, *trusting)))
    lab.identity("bob", BOB)
    bob = substitute(INVITE, b"From: Alice <sip:alice@atlanta.example.com>", b"From: <%s>" % BOB.encode())
    cases.case("another address has its own file", succeeds(opened_by(
        seal("--sign-with", lab.path("bob.pem"), message=bob), *trusting)) +
        ([] if len(list(folder.iterdir())) == 2 else ["%d files" % len(list(folder.iterdir()))]))
    cases.case("TUN-23: of two signers the one that speaks for From is kept", succeeds(opened_by(
        seal("--sign-with", FIRST, "--sign-with", lab.path("bob.pem")), *trusting)) +
        ([] if len(list(folder.iterdir())) == 2 else ["%d files" % len(list(folder.iterdir()))]))
    fourth = lab.identity("fourth", ALICE)
    cases.case("TUN-09: a second signature does not hide a certificate that changed", complaints_about(
        sipveil("open", *trusting, stdin=seal("--sign-with", FIRST, "--sign-with", fourth)), "open", UNTRUSTED,
        "certificate-changed"))
    stranger = seal("--sign-with", lab.identity("stranger", "sip:carol@chicago.example.com"))
    refused = sipveil("open", *trusting, stdin=stranger)
    cases.case("who is refused is not kept", complaints_about(refused, "open", UNTRUSTED) +
               ([] if len(list(folder.iterdir())) == 2 else ["kept"]))
    wrong = sipveil("open", *trusting, "--require", "encrypted", stdin=seal("--sign-with", lab.identity("fifth", ALICE)))
    cases.case("nor who signs what is refused for another reason", [] if wrong.code in (UNTRUSTED, VERIFY) and
               (folder / KEPT).read_text().count("BEGIN") <= 3 else [repr(wrong)])


def dialog(cases):
    """TUN-10: a signer keeps its certificate for the whole of a dialog."""
    def message(name, cseq, call_id=b""):
        text = substitute(INVITE, b"CSeq: 1 ", b"CSeq: %d " % cseq)
        return seal("--sign-with", name, message=substitute(text, b"Call-ID: ", b"Call-ID: " + call_id))

    trusting = ("--trust", CA, "--state", lab.path("dialog.state"))
    cases.case("the first message of a dialog", succeeds(opened_by(message(FIRST, 1), *trusting)))
    cases.case("TUN-10: the same certificate in the next", succeeds(opened_by(message(FIRST, 2), *trusting)))
    cases.case("TUN-10: another one: exit 7", complaints_about(
        sipveil("open", *trusting, stdin=message(SECOND, 3)), "open", UNTRUSTED, "certificate-changed", "dialog", "hint: "))
    cases.case("another dialog is another matter", succeeds(opened_by(message(SECOND, 3, b"other-"), *trusting)))
    cases.case("TUN-10: --accept-new-certificate takes it from then on", succeeds(
        opened_by(message(SECOND, 4), *trusting, "--accept-new-certificate")) + succeeds(opened_by(message(SECOND, 5), *trusting)))
    said = of_rule(checks(message(SECOND, 6), *trusting, verb="open"), "TUN-10")
    cases.case("TUN-10 in the report", [] if [result for result, _ in said] == ["passed"] else said)
    cases.case("without a state file nothing is remembered", succeeds(opened_by(message(FIRST, 7), "--trust", CA)))


def damage(cases):
    """A folder that is not in order is exit 2, and says which file."""
    message, folder = seal("--sign-with", FIRST), lab.path("damaged")
    trusting = ("--trust", CA, "--keyring", folder)
    good = (lab.path("kept") / KEPT).read_bytes()
    folder.mkdir(0o700)
    other = hashlib.sha256(BOB.encode()).hexdigest() + ".pem"
    for name, file, text, words in (
            ("an address that is none", KEPT, good.partition(b"\n")[2], ("address",)),
            ("the file of another address", other, good, (ALICE,)),
            ("no certificate", KEPT, ALICE.encode() + b"\n", ("no certificate",)),
            ("half a certificate", KEPT, good[:-100], ("PEM",)),
            ("no certificate inside the PEM", KEPT, ALICE.encode() + b"\n-----BEGIN CERTIFICATE-----\nAAAA\n"
             b"-----END CERTIFICATE-----\n", ("certificate",)),
            ("an empty file", KEPT, b"", ("empty",))):
        (folder / file).write_bytes(text)
        cases.case("%s: exit 2" % name, complaints_about(sipveil("open", *trusting, stdin=message), "open", USAGE, file, *words))
        (folder / file).unlink()
    (folder / "README").write_text("mine\n")
    (folder / KEPT).write_bytes(good)
    cases.case("other files in the folder are left alone", succeeds(opened_by(message, *trusting)))
    for path, bits in ((folder, 0o770), (folder / KEPT, 0o666)):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(bits)
        cases.case("ADV-210: mode %04o: others can write there: exit 2" % bits, complaints_about(
            sipveil("open", *trusting, stdin=message), "open", USAGE, "%04o" % bits, "hint: "))
        path.chmod(mode)
    cases.case("a file instead of a folder: exit 2", complaints_about(
        sipveil("open", "--trust", CA, "--keyring", CA, stdin=message), "open", USAGE, str(CA)))
    cases.case("a folder in a folder that is not there: exit 2", complaints_about(
        sipveil("open", "--trust", CA, "--keyring", lab.path("nowhere") / "kept", stdin=message), "open", USAGE, "nowhere"))
    missing = lab.path("missing")
    cases.case("inspect takes a missing folder as empty and makes none", [] if sipveil(
        "inspect", "--trust", CA, "--keyring", missing, stdin=message).code == OK and not missing.exists() else ["made"])
    if os.geteuid() != 0:
        (folder / KEPT).unlink()
        folder.chmod(0o500)
        cases.case("a folder that cannot be written: exit 1, no output", complaints_about(
            sipveil("open", *trusting, stdin=message), "open", 1))
        folder.chmod(0o700)
    sealed = lab.path("together")
    messages = [seal("--sign-with", name) for name in (FIRST, SECOND, THIRD)] * 2
    results = in_parallel(lambda one: sipveil("open", "--quiet", "--trust", CA, "--keyring", sealed, "--accept-new-certificate",
                                              stdin=one), messages)
    cases.case("several at once: each certificate is kept once", [] if all(result.code == OK for result in results) and
               (sealed / KEPT).read_text().count("BEGIN") == 3 else [repr(results), (sealed / KEPT).read_text()])


def no_key_fits(cases):
    """Exit 4 names those it is for and what we hold, at most five of each."""
    ours = [lab.kek("ours-%d" % i) for i in range(7)]
    message = seal("--to", lab.kek("theirs"), "--to", lab.crt("first"), "--allow-unsigned-shared")
    keys = [word for path in ours for word in ("--key", path)]
    cases.case("no key of ours fits", complaints_about(
        sipveil("open", *keys, stdin=message), "open", NO_KEY, 'no key fits: recipients are ', 'kek "theirs"', 'cert CN=ca serial ',
        '; we hold kek "ours-0", kek "ours-1", kek "ours-2", kek "ours-3", kek "ours-4" and 2 more'))
    cases.case("we have none", complaints_about(sipveil("open", stdin=message), "open", NO_KEY, "; we hold no key"))
    cases.case("a certificate without its key", complaints_about(
        sipveil("open", "--key", lab.crt("first"), stdin=message), "open", NO_KEY, "; we hold no key",
        "hint: the certificate of a recipient is here, but not its private key"))
    cases.case("a certificate with its key, for another", complaints_about(
        sipveil("open", "--key", SECOND, stdin=message), "open", NO_KEY, "; we hold cert CN=ca serial "))


def as_people_have_them(cases):
    """TUN-01, TUN-05: folders, chains, traditional PEM."""
    secret = lab.write("secret", b"open sesame\n", 0o600)
    extensions = lab.write("extensions", b"basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
    user = lab.write("user", b"subjectAltName=URI:%s\nkeyUsage=digitalSignature,keyEncipherment\n" % ALICE.encode())
    issuer, key_of_issuer = CA, lab.path("ca") / "ca.key"
    for name, extra in (("middle", extensions), ("leaf", user)):
        key, request, crt = (lab.path(name + end) for end in (".key", ".csr", ".crt"))
        tool("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/CN=" + name, "-out", request)
        tool("openssl", "x509", "-req", "-in", request, "-CA", issuer, "-CAkey", key_of_issuer, "-CAcreateserial", "-days", "30",
             "-extfile", extra, "-out", crt)
        key.chmod(0o600)
        issuer, key_of_issuer = crt, key
    chain = lab.write("chain.pem", lab.crt("middle").read_bytes() + CA.read_bytes())
    p12 = lab.path("leaf.p12")
    tool("openssl", "pkcs12", "-export", "-in", lab.crt("leaf"), "-inkey", lab.path("leaf.key"), "-certfile", chain,
         "-passout", "file:%s" % secret, "-out", p12)
    p12.chmod(0o600)
    signed = seal("--sign-with", "%s,pass=file:%s" % (p12, secret))
    cases.case("PKCS#12 with its whole chain: it goes along", succeeds(opened_by(signed, "--trust", CA, "--require", "signed")))
    alone = lab.write("leaf-alone.pem", lab.path("leaf.key").read_bytes() + lab.crt("leaf").read_bytes(), 0o600)
    cases.case("without the chain: exit 7", complaints_about(
        sipveil("open", "--trust", CA, stdin=seal("--sign-with", alone)), "open", UNTRUSTED))
    folder = lab.path("chain-folder")
    folder.mkdir()
    (folder / "middle.pem").write_bytes(lab.crt("middle").read_bytes())
    cases.case("the rest of the chain from a folder", succeeds(opened_by(
        seal("--sign-with", alone), "--trust", CA, "--cert", folder)))
    old = lab.path("traditional.pem")
    tool("openssl", "rsa", "-in", lab.path("leaf.key"), "-traditional", "-aes256", "-passout", "file:%s" % secret, "-out", old)
    old.write_bytes(old.read_bytes() + lab.crt("leaf").read_bytes() + lab.crt("middle").read_bytes())
    old.chmod(0o600)
    if b"DEK-Info" in old.read_bytes():
        cases.case("traditional encrypted PEM, pass=file:", succeeds(opened_by(
            seal("--sign-with", "%s,pass=file:%s" % (old, secret)), "--trust", CA)) + succeeds(opened_by(
                seal("--to", lab.crt("leaf")), "--key", "%s,pass=file:%s" % (old, secret))))
        reading, writing = os.pipe()
        os.write(writing, b"open sesame\n")
        os.close(writing)
        result = sipveil("seal", "--quiet", "--sign-with", "%s,pass=fd:%d" % (old, reading), stdin=INVITE, pass_fds=(reading,))
        os.close(reading)
        cases.case("pass=fd:N", succeeds(result))
        cases.case("a wrong passphrase: exit 2", complaints_about(
            sipveil("seal", "--sign-with", "%s,pass=file:%s" % (old, lab.write("wrong", b"sesame\n", 0o600)), stdin=INVITE),
            "seal", USAGE, "passphrase"))
    else:
        cases.skip("traditional encrypted PEM", "this openssl program does not write it")
    others = lab.path("others")
    others.mkdir()
    for name in ("first", "second", "bob"):
        (others / (name + ".crt")).write_bytes(lab.crt(name).read_bytes())
    (others / "notes.txt").write_text("no certificate\n")
    for name in ("first", "second"):
        cases.case("TUN-01: several certificates of one address in a folder: %s" % name, succeeds(opened_by(
            seal("--sign-with", lab.path(name + ".pem"), "--no-certs"), "--trust", CA, "--cert", others)))
    (others / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    cases.case("a broken certificate in a folder: exit 2, by its name", complaints_about(
        sipveil("open", "--trust", CA, "--cert", others, stdin=INVITE), "open", USAGE, "broken.pem"))


def main():
    cases, folder = Cases(), lab.path("kept")
    first_and_same(cases, folder)
    changed(cases, folder)
    pins_and_others(cases, folder)
    dialog(cases)
    damage(cases)
    no_key_fits(cases)
    if have("openssl"):
        as_people_have_them(cases)
    else:
        cases.skip("chains and traditional PEM", "the openssl program is not installed")
    cases.leave()


if __name__ == "__main__":
    main()
