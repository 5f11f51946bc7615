"""What the program does when told little, and what its surroundings can see of it."""
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lab import ALICE, BOB, INVITE, MALFORMED, OK, PROGRAM, USAGE, VERIFY, ANSWER, Cases, Lab, outer, sipveil, split

lab = Lab()
KEK = lab.kek("ims-ck-1")
CA = lab.authority()
ALICE_KEY = lab.identity("alice", ALICE)
BOB_KEY = lab.identity("bob", BOB)
PASSPHRASE = "correct-horse-battery"
# A sanitizer takes SEGV and BUS for its own report, and leaves out locking.
SANITIZED = b"__asan_init" in pathlib.Path(PROGRAM).read_bytes()


def told_little(cases):
    plain = sipveil("seal", stdin=INVITE)
    cases.case("TUN-16: seal without any key: exit 2, nothing is sent in clear",
               [] if plain.code == USAGE and not plain.out and "hint: " in plain.err else [repr(plain)])
    signed = sipveil("seal", "--quiet", "--sign-with", ALICE_KEY, stdin=INVITE).out
    cases.case("TUN-07: a signature is multipart/signed unless asked otherwise",
               [] if b"Content-Type: multipart/signed;" in split(signed)[0] + signed else [repr(signed[:900])])
    seen = sipveil("inspect", "--json", "--key", KEK,
                   stdin=sipveil("seal", "--quiet", "--to", KEK, stdin=INVITE).out).out
    cases.case("ADV-132: nothing is compressed unless asked for",
               [] if b'"opened":true' in seen.replace(b": ", b":") and b"compressed-data" not in seen else [repr(seen)])


def refused_types(cases):
    """A form of S/MIME that is not handled: 415 with what is, whatever handling says and for every method."""
    start, fields, _ = split(INVITE)
    rows = [row for name, row in fields if not name.startswith(b"content-")]
    digested = bytes.fromhex("300f06092a864886f70d010705a0023000")  # DigestedData
    for method in (b"INVITE", b"MESSAGE"):
        for handling in (b"required", b"optional"):
            message = outer(start.replace(b"INVITE", method), [row.replace(b"INVITE", method) for row in rows],
                            b"application/pkcs7-mime", digested, b"Content-Disposition: attachment; handling=" + handling)
            plain = sipveil("open", "--key", KEK, stdin=message)
            answer = sipveil("open", "--key", KEK, "--answer", stdin=message)
            wrong = [] if plain.code == MALFORMED and not plain.out else [repr(plain)]
            if answer.code != ANSWER or not answer.out.startswith(b"SIP/2.0 415 ") or \
                    b"application/pkcs7-mime" not in b"".join(row for name, row in split(answer.out)[1] if name == b"accept"):
                wrong.append("answer: %r %r" % (answer, answer.out))
            cases.case("TUN-13, TUN-14, TUN-18: %s, handling=%s: 415 with Accept" % (
                method.decode(), handling.decode()), wrong)


def a_refusal_opens_nothing(cases):
    """ADV-148, ADV-149: a 415 or 493 from anybody is one more message: its certificate becomes nobody's key."""
    start, fields, _ = split(INVITE)
    rows = [row for name, row in fields if not name.startswith(b"content-")]
    certificate = subprocess.run(["openssl", "crl2pkcs7", "-nocrl", "-certfile", str(lab.crt("bob")), "-outform", "DER"],
                                 stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if certificate.returncode != 0:
        cases.skip("ADV-148: the certificate in a 493", "openssl is not installed")
        return
    refusal = outer(b"SIP/2.0 493 Undecipherable", rows,
                    b"application/pkcs7-mime; smime-type=certs-only", certificate.stdout)
    demanded = sipveil("open", "--trust", CA, "--require", "signed", stdin=refusal)
    cases.case("ADV-148, ADV-149: the certificate in a 493 proves nothing",
               [] if demanded.code in (VERIFY, MALFORMED) and not demanded.out else [repr(demanded)])
    left = sorted(path.name for path in lab.folder.iterdir())
    cases.case("ADV-148: and is kept nowhere", [] if left == sorted(
        ["ims-ck-1.jwk", "ca", "alice.pem", "alice.crt", "bob.pem", "bob.crt"]) else left)


def waiting(*arguments, **options):
    """The program, keys loaded or about to be, waiting for its message."""
    process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, **{"cwd": lab.folder, **options})
    limits = pathlib.Path("/proc/%d/limits" % process.pid)
    for _ in range(200):
        if process.poll() is not None or "Max core file size        0                    0" in limits.read_text():
            break
        time.sleep(0.01)
    time.sleep(0.05)
    return process


def no_core(cases):
    before = set(lab.folder.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    process = waiting("open", "--key", KEK, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)))
    limit = [line for line in pathlib.Path("/proc/%d/limits" % process.pid).read_text().splitlines() if "core" in line]
    process.send_signal(signal.SIGQUIT)
    process.communicate(timeout=20)
    for number in (signal.SIGABRT,) if SANITIZED else (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        with waiting("open", "--key", KEK, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))) as other:
            other.send_signal(number)
            _, status = os.waitpid(other.pid, 0)
        if not os.WIFSIGNALED(status) or os.WCOREDUMP(status):
            limit.append("%s: status %x" % (number, status))
    cases.case("ADV-212: no core file may be written, and none is", [] if limit and limit[0].split()[4:6] == ["0", "0"] and
               limit[1:] == [] and set(lab.folder.iterdir()) == before else limit)


def no_tracer(cases):
    """A process that cannot be traced belongs to root, whoever started it."""
    somebody = os.getuid() or 65534
    name = "ADV-212: other processes of the user cannot look inside"
    try:
        process = waiting("open", user=somebody, cwd="/")
    except OSError:
        cases.skip(name, "another user cannot run the program under test")
        return
    owner = os.stat("/proc/%d/mem" % process.pid).st_uid
    refused = attach(process.pid, somebody)
    process.communicate(timeout=20)
    cases.case(name, [] if owner == 0 else ["its memory belongs to user %d" % owner])
    name = "ADV-212: not even a debugger of the same user"
    with subprocess.Popen(["sleep", "20"], user=somebody) as ordinary:
        allowed = attach(ordinary.pid, somebody)
        ordinary.kill()
    if allowed != "attached":
        cases.skip(name, "nobody may trace anything here")
    else:
        cases.case(name, [] if refused == "errno 1" else [refused])


def attach(pid, user):
    """ptrace(PTRACE_ATTACH), as that user."""
    script = ("import ctypes; libc = ctypes.CDLL(None, use_errno=True); "
              "print('attached' if libc.ptrace(16, %d, None, None) == 0 else 'errno %%d' %% ctypes.get_errno())" % pid)
    return subprocess.run([shutil.which("python3", path="/usr/bin:/bin") or sys.executable, "-c", script], user=user, cwd="/",
                          capture_output=True, text=True, check=False).stdout.strip()


def tells_what_is_locked(cases):
    """Locking may fail, for the limit of the process; the work is done all the same, and --verbose says so."""
    sealed = sipveil("seal", "--verbose", "--quiet", "--to", KEK, stdin=INVITE)
    lines = [line for line in sealed.err.splitlines() if "memory of" in line]
    cases.case("ADV-212: --verbose tells whether the memory of keys is locked",
               [] if len(lines) == 2 and all("locked" in line for line in lines) and "not in core files" in lines[1] else
               [repr(sealed)])
    somebody = os.getuid() or 65534
    name = "ADV-212: without room to lock, that is told, and the work is done"
    if SANITIZED:
        cases.skip(name, "the program is built with a sanitizer, which locks nothing")
        return
    with tempfile.TemporaryDirectory() as folder:
        key = pathlib.Path(folder, "key.jwk")
        key.write_bytes(pathlib.Path(KEK).read_bytes())
        key.chmod(0o600)
        if os.getuid() == 0:
            os.chown(key, somebody, -1)
            os.chmod(folder, 0o755)
        try:
            opened = subprocess.run([PROGRAM, "open", "--verbose", "--key", key], input=sealed.out, capture_output=True, check=False,
                                    user=somebody, cwd="/",
                                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0)))
        except OSError:
            cases.skip(name, "another user cannot run the program under test")
            return
    told = opened.stderr.decode().count("not locked (ulimit -l)")
    cases.case(name, [] if opened.returncode == OK and told == 2 and opened.stdout == INVITE else [repr(opened)])


def no_secret_outside(cases):
    """ADV-211: a passphrase comes from a file; the line and the environment of the process do not hold it."""
    if subprocess.run(["openssl", "pkcs12", "-export", "-in", str(BOB_KEY), "-out", str(lab.path("bob.p12")),
                       "-passout", "pass:" + PASSPHRASE], stdin=subprocess.DEVNULL, capture_output=True,
                      check=False).returncode != 0:
        cases.skip("ADV-211: a passphrase from a file", "openssl is not installed")
        return
    lab.path("bob.p12").chmod(0o600)
    lab.write("passphrase", PASSPHRASE.encode() + b"\n", 0o600)
    reference = "%s,pass=file:%s" % (lab.path("bob.p12"), lab.path("passphrase"))
    process = waiting("open", "--key", reference)
    outside = b"".join(pathlib.Path("/proc/%d/%s" % (process.pid, name)).read_bytes() for name in ("cmdline", "environ")
                       if os.access("/proc/%d/%s" % (process.pid, name), os.R_OK))
    process.stdin.write(sipveil("seal", "--quiet", "--to", lab.crt("bob"), stdin=INVITE).out)
    out, _ = process.communicate(timeout=20)
    cases.case("ADV-211: opened with a passphrase that nobody outside saw",
               [] if process.returncode == OK and out == INVITE and PASSPHRASE.encode() not in outside else [repr(out[:200])])
    for form in (",pass=" + PASSPHRASE, ",pass=pass:" + PASSPHRASE, ",pass=env:SECRET"):
        result = sipveil("open", "--key", str(lab.path("bob.p12")) + form, stdin=INVITE,
                         env=dict(os.environ, SECRET=PASSPHRASE))
        cases.case("ADV-211: '%s' is no way to give one" % form.replace(PASSPHRASE, "..."),
                   [] if result.code == USAGE and not result.out and PASSPHRASE not in result.err else [repr(result)])


def main():
    cases = Cases()
    told_little(cases)
    refused_types(cases)
    a_refusal_opens_nothing(cases)
    no_core(cases)
    no_tracer(cases)
    tells_what_is_locked(cases)
    no_secret_outside(cases)
    cases.leave()


if __name__ == "__main__":
    main()
