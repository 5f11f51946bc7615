"""ADV-072, ADV-215: what is written cannot be written, for every verb and every file that it writes: a disk that fills up
after any number of octets, a device that takes nothing, a pipe that nobody reads any more, a folder that is read-only. Each
time: exit 1 and one line that names what could not be written; no half file under the name, no temporary file beside it, the
state as it was; and the same call succeeds when there is room. A run that a signal ends leaves nothing behind either."""
import ctypes
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time

from lab import ALICE, ANSWER, BOB, INVITE, IO, OK, PROGRAM, USAGE, Cases, Lab, in_parallel, sipveil, split

HOST = "ss1.atlanta.example.com"
LIST = "tls;q=0.2, digest;q=0.5;d-alg=MD5;d-qop=auth"
lab = Lab()
KEK = lab.kek("ims-ck-1")
CA = lab.authority()
ALICE_KEY, BOB_KEY = lab.identity("alice", ALICE), lab.identity("bob", BOB)
PROXY_KEY, SERVICE_KEY = lab.identity(HOST), lab.identity("atlanta.example.com")
CREDENTIALS = lab.write("credentials", b"home.example\talice\tcorrect horse\n", 0o600)
TABLE = lab.write("table", b"[trust-domain]\nno_privacy = remove\nprivacy_service = header\nservice_host = anon.home.example\n"
                  b"[partner biloxi]\ndomains = biloxi.example\nip = 192.0.2.0/24\nprotection = tls-mutual\ntrust_in = yes\ntrust_out = yes\n")
REQUEST = b"\r\n".join([b"INVITE sip:bob@biloxi.example SIP/2.0", b"Via: SIP/2.0/TLS a.home.example;branch=z9hG4bK1", b"Max-Forwards: 70",
                        b"From: <sip:anonymous@anonymous.invalid>;tag=1", b"To: <sip:bob@biloxi.example>", b"Call-ID: c", b"CSeq: 1 INVITE",
                        b"Contact: <sip:a@192.0.2.9>", b"Privacy: header", b"Content-Length: 0", b"", b""])


class Work:
    """A folder for one call: the files that are there before it, as they were when the call was recorded."""

    def __init__(self, files):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="work-", dir=lab.folder))
        for name, octets in files.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(octets)
            path.chmod(0o600)

    def seen(self):
        """Every file with its content. The file that only carries a lock says nothing, and neither does an empty folder."""
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in sorted(self.folder.rglob("*"))
                if path.is_file() and path.suffix != ".lock"}

    def close(self):
        self.folder.chmod(0o700)
        shutil.rmtree(self.folder)


class Row:
    """words: those that start with @ are files in the folder; wanted: the exit code where there is room."""

    def __init__(self, name, words, message=b"", wanted=OK, files=None):
        self.name, self.words, self.message, self.wanted, self.files = name, words, message, wanted, files or {}

    def words_in(self, work, words=None):
        return [str(work.folder / str(word)[1:]) if str(word).startswith("@") else str(word) for word in words or self.words]

    def run(self, work, words=None, **how):
        return sipveil(*self.words_in(work, words), stdin=self.message, **how)

    def start(self, work, words, **how):
        with tempfile.TemporaryFile() as message:
            message.write(self.message)
            message.seek(0)
            return subprocess.Popen([PROGRAM, *self.words_in(work, words)], stdin=message, **how)

    def good(self, words=None):
        """What it does where nothing fails: the result, and the files that are there then."""
        work = Work(self.files)
        try:
            result = self.run(work, words)
            if result.code != self.wanted:
                raise RuntimeError("%s: %r" % (self.name, result))
            return result, work.seen()
        finally:
            work.close()


# ---- what is run ----

def agreement():
    """offer, 494, choose, check: each with the state that the one before left."""
    offer = Row("agree offer", ("agree", "offer", "--list", "tls, digest", "--state", "@ua", "-o", "@out", "--report", "@report"), INVITE)
    _, files = offer.good()
    state = {"ua": files["ua"]}
    check = Row("agree check", ("agree", "check", "--list", LIST, "--realm", "home.example", "--credentials", CREDENTIALS, "--state", "@hop",
                                "-o", "@out", "--report", "@report"), files["out"], ANSWER)
    _, files = check.good()
    hop, challenge = {"hop": files["hop"]}, files["out"]
    choose = Row("agree choose", ("agree", "choose", "--state", "@ua", "--credentials", CREDENTIALS, "-o", "@out", "--report", "@report"),
                 challenge, ANSWER, state)
    _, files = choose.good()
    chosen = {"ua": files["ua"]}
    judged = Row("agree check, credentials", check.words, files["out"], OK, hop)
    down = Row("agree event", ("agree", "event", "--state", "@ua", "--report", "@report", "down"), b"", 9, chosen)
    return [offer, check, choose, judged, down]


def end_to_middle():
    shared = ("--to", lab.crt("bob"), "--for", "%s=%s" % (HOST, lab.crt(HOST)), "--sign-with", ALICE_KEY)
    seal = Row("seal for a proxy", ("seal", "--quiet", "--mode", "payload", *shared, "--keep", "--reply", "both", "--state", "@state", "-o", "@out",
                                    "--report", "@report"), INVITE)
    _, files = seal.good()
    proxy = Row("proxy", ("proxy", "--quiet", "--host", HOST, "--key", PROXY_KEY, "--trust", CA, "--from", "proto=tls", "--state", "@state",
                          "--view", "@view", "-o", "@out", "--report", "@report"), files["out"])
    opened = Row("open, keys kept", ("open", "--quiet", "--key", BOB_KEY, "--trust", CA, "--state", "@state", "-o", "@out", "--report", "@report"),
                 files["out"])
    for_bob = Row("", ("seal", "--quiet", "--mode", "payload", "--to", lab.crt("bob"), "--sign-with", ALICE_KEY), INVITE).good()[0].out
    policy = lab.write("policy", b"%s;method=INVITE\n" % HOST.encode())
    refused = Row("proxy refuses", ("proxy", "--quiet", "--host", HOST, "--key", PROXY_KEY, "--trust", CA, "--from", "proto=tls", "--policy", policy,
                                    "--state", "@state", "-o", "@out", "--report", "@report"), for_bob, ANSWER)
    _, files = refused.good()
    retry = Row("retry", ("retry", "--quiet", "--request", "@plain", "--may-view", HOST, "--trust", CA, "--to", lab.crt("bob"), "--sign-with",
                          ALICE_KEY, "--state", "@state", "-o", "@out", "--report", "@report"), files["out"], ANSWER, {"plain": INVITE})
    return [seal, proxy, opened, refused, retry]


def identity():
    info = "https://cert.atlanta.example.com/as.cer"
    body = b"--p\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--p\r\nContent-Type: application/pkix-cert\r\n\r\n" + der("alice") + b"\r\n--p--\r\n"
    start, rows, _ = split(INVITE)
    rows = [row for name, row in rows if not name.startswith(b"content-")]
    message = b"\r\n".join([start, *rows, b"Content-Type: multipart/mixed;boundary=p", b"Content-Length: %d" % len(body), b"", b""]) + body
    sign = Row("identity sign", ("identity", "sign", "--quiet", "--profile", "rfc4474", "--key", RSA_KEY, "--info", info, "-o", "@out",
                                 "--report", "@report"), message)
    _, files = sign.good()
    proof = ("--profile", "rfc4474", "--cert", lab.crt("rsa"), "--trust", CA, "--state", "@state", "-o", "@out", "--report", "@report")
    verify = Row("identity verify", ("identity", "verify", "--quiet", *proof), files["out"])
    bind = Row("identity bind", ("identity", "bind", "--quiet", *proof), files["out"])
    _, files = bind.good()
    bound = Row("identity bound", ("identity", "bound", "--state", "@state", "-o", "@out", "--report", "@report"), b"", OK, {"state": files["state"]})
    forget = Row("identity bound --forget", ("identity", "bound", "--forget", "--state", "@state", "-o", "@out", "--report", "@report"), b"", OK,
                 {"state": files["state"]})
    return [sign, verify, bind, bound, forget]


RSA_KEY = lab.path("rsa.pem")
lab.keygen("cert", "--ca", lab.path("ca"), "--host", "atlanta.example.com", "--alg", "rsa2048", "--cert-out", lab.crt("rsa"), "-o", RSA_KEY)


def der(name):
    import base64
    lines = lab.crt(name).read_text().splitlines()
    return base64.b64decode("".join(line for line in lines if not line.startswith("-")))


def rows():
    sealed = Row("", ("seal", "--quiet", "--to", KEK, "--sign-with", ALICE_KEY), INVITE).good()[0].out
    opening = ("open", "--quiet", "--key", KEK, "--trust", CA)
    return [
        Row("seal", ("seal", "--quiet", "--to", KEK, "--sign-with", ALICE_KEY, "-o", "@out", "--report", "@report"), INVITE),
        Row("open", (*opening, "-o", "@out", "--report", "@report"), sealed),
        Row("open, what was seen", (*opening, "--state", "@state", "-o", "@out"), sealed),
        Row("open, certificates kept", (*opening, "--keyring", "@ring", "-o", "@out"), sealed),
        Row("inspect", ("inspect", "--json", "--key", KEK, "-o", "@out", "--report", "@report"), sealed),
        Row("inspect --html", ("inspect", "--html", "--key", KEK, "-o", "@out"), sealed),
        Row("keygen kek", ("keygen", "kek", "--id", "x", "-o", "@out", "--report", "@report")),
        Row("keygen ca", ("keygen", "ca", "--name", "x", "-o", "@authority")),
        Row("keygen cert", ("keygen", "cert", "--ca", lab.path("ca"), "--aor", ALICE, "--cert-out", "@crt", "-o", "@out")),
        Row("trust apply", ("trust", "apply", "--quiet", "--table", TABLE, "--from", "addr=192.0.2.7,proto=tls,name=biloxi.example", "--to",
                            "addr=203.0.113.9,proto=udp", "--auth", "sip:a@home.example", "--state", "@state", "-o", "@out", "--report", "@report"), REQUEST),
        Row("trust check-table", ("trust", "check-table", "-o", "@out", "--report", "@report", TABLE)),
        *agreement(), *end_to_middle(), *identity()]


# ---- how it fails ----

def room_for(octets):
    """No file grows beyond that: a disk that fills up."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))
    return limit


def obey_modes():
    """root writes anywhere: without CAP_DAC_OVERRIDE it does what everybody can do."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2, 3):  # DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; refused to who has no such capability anyway


def remains(work, before):
    """What is not as it was."""
    after = work.seen()
    if "report" in after and "report" not in before and b'"verdict":"error"' in after["report"]:
        del after["report"]  # it tells that this run failed
    wrong = ["%s is left behind, %d octets" % (name, len(after[name])) for name in after if name not in before]
    wrong += ["%s is gone" % name for name in before if name not in after]
    return wrong + ["%s has changed" % name for name in before if name in after and after[name] != before[name]]


def complaints(row, work, before, result, names):
    wrong = []
    if result.code != IO:
        wrong.append("exit %d instead of 1: %s" % (result.code, result.err.strip()))
    if result.out:
        wrong.append("%d octets on standard output" % len(result.out))
    if "cannot be" not in result.err or not any(name in result.err for name in names):
        wrong.append("does not say what cannot be written: %s" % result.err.strip())
    return wrong + remains(work, before)


def again(row, work):
    """Now there is room."""
    result = row.run(work)
    return [] if result.code == row.wanted else ["not again: %r" % result]


def sizes_of(row, files):
    """The number of octets after which the disk is full: none, some, and a little less than the whole of each file, whose size
    differs by an octet or two from one signature to the next."""
    written = {len(octets) for name, octets in files.items() if octets != row.files.get(name)}
    return sorted({0, 1, 40} | {size - size // 16 - 8 for size in written if size > 60})


def fills_up(row):
    _, files = row.good()
    wrong = []
    for octets in sizes_of(row, files):
        work = Work(row.files)
        names = [str(word)[1:] for word in row.words if str(word).startswith("@")]
        result = row.run(work, preexec_fn=room_for(octets))
        found = complaints(row, work, row.files, result, names) or again(row, work)
        wrong += ["room for %d octets: %s" % (octets, line) for line in found]
        work.close()
    return wrong


def read_only(row):
    work = Work(row.files)
    work.folder.chmod(0o500)
    names = [str(word)[1:] for word in row.words if str(word).startswith("@")]
    result = row.run(work, preexec_fn=obey_modes)
    wrong = complaints(row, work, row.files, result, names)
    work.folder.chmod(0o700)
    wrong = wrong or again(row, work)
    work.close()
    return wrong


def without_output(row):
    """The words without -o FILE: it goes to standard output."""
    words = list(row.words)
    if "-o" not in words:
        return None
    at = words.index("-o")
    return None if words[1] in ("ca", "kek", "cert") else words[:at] + words[at + 2:]


def nobody_reads(row):
    """/dev/full, and a pipe without a reader."""
    words, wrong = without_output(row), []
    if words is None:
        return None
    for how in ("a full device", "a closed pipe"):
        work = Work(row.files)
        if how == "a full device":
            target = os.open("/dev/full", os.O_WRONLY)
        else:
            reader, target = os.pipe()
            os.close(reader)
        result = row.run(work, words, stdout=target)
        os.close(target)
        result.out = result.out or b""
        found = complaints(row, work, row.files, result, ["standard output"]) or again(row, work)
        wrong += ["%s: %s" % (how, line) for line in found]
        work.close()
    return wrong


def full_pipe():
    """A pipe that takes no octet more, and whose reader does not read."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, bytes(4096))
    except BlockingIOError:
        os.set_blocking(writer, True)
    return reader, writer


def sleeps(process):
    """Whether it waits, for the reader of its output; false: it has ended."""
    while process.poll() is None:
        if pathlib.Path("/proc/%d/stat" % process.pid).read_text().rpartition(") ")[2][0] == "S":
            return True
        time.sleep(0.002)
    return False


def ended_from_outside(row):
    """A signal while the output waits for its reader, and the other files of the run are there already."""
    words, wrong = without_output(row), []
    if words is None:
        return None
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        work = Work(row.files)
        reader, writer = full_pipe()
        process = row.start(work, words, stdout=writer, stderr=subprocess.DEVNULL,
                            preexec_fn=lambda number=number: signal.signal(number, signal.SIG_DFL))
        os.close(writer)
        if sleeps(process):
            process.send_signal(number)
            found = [] if process.wait(20) == -number else ["exit %d" % process.returncode]
            wrong += ["%s: %s" % (number.name, line) for line in found + remains(work, row.files)]
        os.close(reader)
        work.close()
    return wrong


def one_file_for_two():
    """The output over the state or the report of the same run, by another name for it: neither is there."""
    sealed, wrong = Row("", ("seal", "--quiet", "--to", KEK, "--sign-with", ALICE_KEY), INVITE).good()[0].out, []
    for option in ("--state", "--report"):
        for force in ((), ("-f",)):
            work = Work({})
            words = ("open", "--quiet", "--key", KEK, "--trust", CA, option, "@file", "-o", "%s/./file" % work.folder, *force)
            result = Row("open", words, sealed).run(work)
            if result.code != USAGE or "writes something else there" not in result.err:
                wrong.append("%s %s: %r" % (option, force, result))
            wrong += remains(work, {})
            work.close()
    return wrong


def main():
    cases = Cases()
    table = rows()
    for what, check in (("a disk that fills up", fills_up), ("a folder that is read-only", read_only),
                        ("standard output takes nothing", nobody_reads), ("a signal ends it", ended_from_outside)):
        for row, wrong in zip(table, in_parallel(check, table)):
            if wrong is not None:
                cases.case("ADV-072, ADV-215: %s: %s" % (row.name, what), wrong)
    cases.case("ADV-215, ADV-217: two files of one run have one name", one_file_for_two())
    cases.leave()


if __name__ == "__main__":
    main()
