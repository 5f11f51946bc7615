"""Algorithms by name through the program: what is weak and read only where it is named, what is written only
where it is asked for, and forms of key agreement and signing that few use."""
import json
import os

from lab import (ALICE, BOB, INVITE, NO_KEY, OK, POLICY, UNTRUSTED, USAGE, Cases, Lab, complaints_about, execute, have,
                 in_parallel, outer, sipveil, split, tool)

lab = Lab()
CA = lab.authority()
KEK = lab.kek("shared")
ENTITY = b"Content-Type: message/sip\r\n\r\n" + INVITE
START, FIELDS, _ = split(INVITE)
ROWS = [row for name, row in FIELDS if name not in (b"content-type", b"content-length")]
OPEN = ("--date-window", "any", "--quiet")
for _algorithm in ("p256", "rsa2048", "ed25519"):
    lab.identity(_algorithm, ALICE, "ca", "--alg", _algorithm)
for _algorithm in ("p256", "p384", "p521", "rsa2048"):
    lab.identity("to-" + _algorithm, BOB, "ca", "--alg", _algorithm)
OAEP = ("-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha256")


def carried(der, smime_type):
    return outer(START, ROWS, b"application/pkcs7-mime; smime-type=%s; name=smime.p7m" % smime_type, der,
                 b"Content-Transfer-Encoding: binary",
                 b"Content-Disposition: attachment; filename=smime.p7m; handling=required")


def encrypted(*words):
    return carried(tool("openssl", "cms", "-encrypt", "-binary", "-outform", "DER", *words, stdin=ENTITY),
                   b"authEnveloped-data" if "-aes-256-gcm" in words else b"enveloped-data")


def signed(name, *words):
    return carried(tool("openssl", "cms", "-sign", "-binary", "-outform", "DER", "-nodetach", "-signer",
                        lab.path(name + ".pem"), *words, stdin=ENTITY), b"signed-data")


def small_key():
    """A certificate of our authority over an RSA key of 1024 bits, which keygen would not make."""
    request, extensions = lab.path("small.csr"), lab.write("small.ext", b"subjectAltName=URI:" + ALICE.encode())
    tool("openssl", "req", "-new", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=small", "-keyout", lab.path("small.key"),
         "-out", request)
    crt = tool("openssl", "x509", "-req", "-in", request, "-CA", CA, "-CAkey", lab.path("ca") / "ca.key", "-days", "30",
               "-extfile", extensions, "-set_serial", "77")
    lab.write("small.pem", crt + lab.path("small.key").read_bytes(), 0o600)


def report_of(*words, stdin):
    path = lab.path("report-%x" % (hash((words, stdin)) & (1 << 60) - 1))
    opened = sipveil("open", *OPEN, "--report", path, "--force", *words, stdin=stdin)
    return opened, json.loads(path.read_text()) if path.exists() else {}


def weak_by_name(cases):
    """Refused without the name (exit 9, no output), opened with it, and then the report says that it is weak."""
    small_key()
    rsa = ("--key", lab.path("to-rsa2048.pem"))
    trust = ("--trust", CA)
    rows = [
        ("sha1", "ADV-115", signed("p256", "-md", "sha1"), trust),
        ("sha1", "ADV-088", encrypted("-aes-256-gcm", "-recip", lab.crt("to-p256")), ("--key", lab.path("to-p256.pem"))),
        ("rsa1024", "ADV-115", signed("small"), trust),
        ("no-signed-attrs", "CMS-02, ADV-110", signed("p256", "-noattr"), trust),
        ("rsa-v1.5", "ADV-080", encrypted("-aes-256-gcm", lab.crt("to-rsa2048")), rsa),
        ("3des", "ADV-063", encrypted("-des3", "-recip", lab.crt("to-rsa2048"), *OAEP), (*rsa, "--allow-unauthenticated")),
    ]
    names = ["sha1", "rsa1024", "rsa-v1.5", "3des", "no-signed-attrs"]
    for name, rule, message, words in rows:
        wrong = complaints_about(sipveil("open", *OPEN, *words, stdin=message), "open", POLICY)
        others = ",".join(other for other in names if other != name)
        wrong += complaints_about(sipveil("open", *OPEN, *words, "--allow-weak", others, stdin=message), "open", POLICY)
        opened, report = report_of(*words, "--allow-weak", name, stdin=message)
        if opened.code != OK or opened.out != INVITE:
            wrong.append("named: %r" % opened)
        said = report.get("warnings", [])
        if not any("weak" in text for text in said):
            wrong.append("the report does not say that it is weak: %s" % said)
        cases.case("%s: --allow-weak %s" % (rule, name), wrong)


def cofactor(cases):
    """CMS-08: on our curves, whose cofactor is 1, the schemes with the cofactor come to the same secret."""
    wrong = []
    for curve in ("p256", "p384", "p521"):
        for digest in ("sha256", "sha384", "sha512", "sha224"):
            message = encrypted("-aes-256-gcm", "-recip", lab.crt("to-" + curve), "-keyopt", "ecdh_cofactor_mode:1",
                                "-keyopt", "ecdh_kdf_md:" + digest)
            opened, report = report_of("--key", lab.path("to-%s.pem" % curve), stdin=message)
            if opened.code != OK or opened.out != INVITE:
                wrong.append("%s %s: %r" % (curve, digest, opened))
            if "cofactor-x963-" + digest not in json.dumps(report):
                wrong.append("%s %s: the report does not name the scheme" % (curve, digest))
    cases.case("CMS-08: cofactor schemes of openssl", wrong)


def bound_keys(cases):
    """CMS-14: written where asked for, read always; openssl 3.0 does not know it."""
    for cipher in ("aes-128-gcm", "aes-256-gcm", "aes-128-cbc", "aes-256-cbc"):
        wrong = []
        for to, key in ((KEK, KEK), (lab.crt("to-p256"), lab.path("to-p256.pem")), (lab.crt("to-rsa2048"), lab.path("to-rsa2048.pem"))):
            made = sipveil("seal", "--quiet", "--to", to, "--cipher", cipher, "--cek-hkdf", stdin=INVITE)
            plain = sipveil("seal", "--quiet", "--to", to, "--cipher", cipher, stdin=INVITE)
            opened, report = report_of("--key", key, "--allow-unauthenticated", stdin=made.out)
            oid = bytes.fromhex("060b2a864886f70d010910031f")
            if made.code != OK or oid not in made.out or oid in plain.out:
                wrong.append("seal: %r" % made)
            if opened.code != OK or opened.out != INVITE:
                wrong.append("open: %r" % opened)
            if cipher not in json.dumps(report):
                wrong.append("the report does not name the real cipher")
            relabelled = made.out.replace(oid, oid[:-1] + b"\x1e")
            refused = sipveil("open", *OPEN, "--key", key, "--allow-unauthenticated", stdin=relabelled)
            wrong += [] if refused.code != OK and not refused.out else ["another algorithm: %r" % refused]
        cases.case("CMS-14: seal --cek-hkdf --cipher " + cipher, wrong)


def never_written(cases):
    for cipher in ("aes-128-ccm", "aes-256-ccm", "des-ede3-cbc"):
        wrong = complaints_about(sipveil("seal", "--to", KEK, "--cipher", cipher, stdin=INVITE), "seal", USAGE, cipher)
        cases.case("CMS-05, ADV-063: seal --cipher " + cipher, wrong)


def signers(cases):
    """TUN-23, CMS-03: three signers of different kinds; each must verify, and libcrypto agrees on what it knows."""
    words = [word for name in ("p256", "rsa2048", "ed25519") for word in ("--sign-with", lab.path(name + ".pem"))]
    made = sipveil("seal", "--quiet", *words, "--opaque", "--date", "none", stdin=INVITE)
    opened, report = report_of("--trust", CA, "--second-opinion", stdin=made.out)
    text = json.dumps(report)
    wrong = [] if opened.code == OK and opened.out == INVITE else ["%r, %r" % (made, opened)]
    wrong += ["the report does not name " + name for name in ("ecdsa-sha256", "rsa-pss-sha256", "ed25519") if name not in text]
    cases.case("TUN-23: three signers of three kinds", wrong)
    both = [word for name in ("p256", "rsa2048") for word in ("--sign-with", lab.path(name + ".pem"))]
    made = sipveil("seal", "--quiet", *both, "--opaque", "--date", "none", stdin=INVITE)
    verified = execute(["openssl", "cms", "-verify", "-inform", "DER", "-binary", "-CAfile", CA, "-purpose", "any"],
                       stdin=made.out.partition(b"\r\n\r\n")[2])
    cases.case("TUN-23: openssl verifies two signers of two kinds",
               [] if verified.code == 0 and verified.out == ENTITY else ["%r" % verified])


def many_recipients(cases):
    """ADV-083, TUN-62b: sixty-four recipients, of every kind, the sender among them; each of a few opens it, a stranger
    does not, and one more is refused."""
    keks = in_parallel(lambda i: lab.kek("many-%d" % i), range(59))
    others = [lab.crt("p256"), lab.crt("to-p256"), lab.crt("to-p384"), lab.crt("to-p521"), lab.crt("to-rsa2048")]
    words = [word for to in [*keks, *others] for word in ("--to", to)]
    made = sipveil("seal", "--quiet", *words, "--sign-with", lab.path("p256.pem"), "--date", "none", stdin=INVITE)
    wrong = [] if made.code == OK else ["%r" % made]
    for key in (keks[0], keks[58], lab.path("p256.pem"), lab.path("to-p256.pem"), lab.path("to-p521.pem"), lab.path("to-rsa2048.pem")):
        opened = sipveil("open", *OPEN, "--trust", CA, "--key", key, stdin=made.out)
        wrong += [] if opened.code == OK and opened.out == INVITE else ["%s: %r" % (key, opened)]
    wrong += complaints_about(sipveil("open", *OPEN, "--trust", CA, "--key", KEK, stdin=made.out), "open", NO_KEY, " more", "shared")
    cases.case("ADV-083: sixty-four recipients of all kinds", wrong)
    refused = sipveil("seal", "--quiet", *words, "--to", KEK, "--sign-with", lab.path("p256.pem"), stdin=INVITE)
    cases.case("ADV-083: one recipient too many", complaints_about(refused, "seal", USAGE, "64"))


def hostile_surroundings(cases):
    """ADV-221: no configuration of the surroundings changes what is used, or whom we trust."""
    configuration = lab.write("hostile.cnf", b"\n".join([
        b"openssl_conf = all", b"[all]", b"providers = some", b"alg_section = wanted", b"[some]", b"default = off", b"null = on",
        b"evil = evil_section", b"[off]", b"activate = 0", b"[on]", b"activate = 1", b"[evil_section]",
        b"module = /nonexistent/evil.so", b"activate = 1", b"[wanted]", b"default_properties = fips=yes", b""]))
    environment = {"PATH": os.environ.get("PATH", ""), "OPENSSL_CONF": str(configuration), "OPENSSL_MODULES": "/nonexistent",
                   "OPENSSL_ENGINES": "/nonexistent", "SSL_CERT_FILE": str(CA), "SSL_CERT_DIR": str(lab.path("ca"))}
    environment.update({name: value for name, value in os.environ.items() if name.startswith(("ASAN_", "UBSAN_", "LSAN_"))})
    signer = lab.path("p256.pem")
    if have("openssl") and execute(["openssl", "dgst", "-sha256"], stdin=b"x", env=environment).code == 0:
        raise RuntimeError("the configuration is not as hostile as it should be")
    made = sipveil("seal", "--quiet", "--to", KEK, "--sign-with", signer, "--date", "none", stdin=INVITE, env=environment)
    wrong = [] if made.code == OK else ["seal: %r" % made]
    opened = sipveil("open", *OPEN, "--key", KEK, "--trust", CA, stdin=made.out, env=environment)
    wrong += [] if opened.code == OK and opened.out == INVITE else ["open: %r" % opened]
    wrong += complaints_about(sipveil("open", *OPEN, "--key", KEK, stdin=made.out, env=environment), "open", UNTRUSTED)
    cases.case("ADV-221: OPENSSL_CONF, OPENSSL_MODULES, SSL_CERT_FILE of somebody else", wrong)


def dated_keys(cases):
    """CMS-15: seal refuses a shared key out of its time."""
    jwk = json.loads(KEK.read_text())
    for name, members, code in (("expired", {"exp": 1000}, POLICY), ("not yet", {"nbf": 99999999999}, POLICY),
                                ("now", {"nbf": 1000, "exp": 99999999999}, OK)):
        path = lab.write(name.replace(" ", "-") + ".jwk", json.dumps({**jwk, **members}).encode(), 0o600)
        made = sipveil("seal", "--quiet", "--to", path, stdin=INVITE)
        wrong = complaints_about(made, "seal", code, "shared") if code != OK else []
        if code == OK:
            opened = sipveil("open", *OPEN, "--key", path, stdin=made.out)
            wrong = [] if made.code == OK and opened.out == INVITE else ["%r, %r" % (made, opened)]
        cases.case("CMS-15: a shared key that is good: " + name, wrong)


def main():
    cases = Cases()
    bound_keys(cases)
    never_written(cases)
    many_recipients(cases)
    dated_keys(cases)
    hostile_surroundings(cases)
    if have("openssl"):
        weak_by_name(cases)
        cofactor(cases)
        signers(cases)
    else:
        cases.skip("weak forms, cofactor schemes, several signers", "the openssl program is not installed")
    cases.leave()


if __name__ == "__main__":
    main()
