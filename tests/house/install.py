"""`meson install` into a folder, as a packager does, and a program built against nothing but that."""
import email.utils
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time

from tap import BUILD, SOURCE, Cases, run

WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"]
EXAMPLES = SOURCE / "docs" / "examples"


def installed_files(root):
    return sorted(os.path.relpath(os.path.join(folder, name), root)
                  for folder, _, names in os.walk(root) for name in names)


def expect(files, *patterns):
    return ["nothing installed matches %s" % pattern for pattern in patterns
            if not any(re.search(pattern, name) for name in files)]


def pkg_config(root, files, *options):
    folder = os.path.dirname(next((name for name in files if name.endswith("/sipveil.pc")), ""))
    environment = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root,
                       PKG_CONFIG_PATH=os.path.join(root, folder))
    return run("pkg-config", *options, "sipveil", env=environment)


def end_to_middle(cases, root, flags, environment):
    """The three roles of end to middle, each a program that links what was installed, one after the other."""
    failed = []
    for role in ("e2m_uac", "e2m_proxy", "e2m_uas"):
        failed.extend(example(root, role, flags)[1])
    at = lambda name: os.path.join(root, name)
    program = BUILD / "tools" / "sipveil"
    run(program, "keygen", "ca", "--name", "Examples", "-o", at("ca"))
    for name, who in (("alice", ("--aor", "sip:alice@home.example")), ("bob", ("--aor", "sip:bob@other.example")),
                      ("hop", ("--host", "ss1.home.example"))):
        run(program, "keygen", "cert", "--ca", at("ca"), *who, "--cert-out", at(name + ".crt"), "-o", at(name + ".pem"))
    write(root, "offer", "INVITE sip:bob@other.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
          "From: <sip:alice@home.example>;tag=1\r\nTo: <sip:bob@other.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
          "Content-Type: text/plain\r\nContent-Length: 6\r\n\r\noffer.")
    steps = [((at("e2m_uac"), at("alice.pem"), at("bob.crt"), "ss1.home.example", at("hop.crt")), "offer", "sealed"),
             ((at("e2m_proxy"), "ss1.home.example", at("hop.pem"), at("ca/ca.pem")), "sealed", "forwarded"),
             ((at("e2m_uas"), at("bob.pem"), at("ca/ca.pem"), "answer"), "forwarded", "reply")]
    for command, source, target in steps:
        if failed:
            break
        with open(at(source), "rb") as stdin, open(at(target), "wb") as stdout:
            done = run(*command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=environment)
        if done.returncode or ("offer." not in done.stderr and command[0] != at("e2m_uac")):
            failed.append("%s: exit %d: %s" % (os.path.basename(command[0]), done.returncode, done.stderr))
    if not failed and open(at("sealed"), "rb").read() != open(at("forwarded"), "rb").read():
        failed.append("other octets were forwarded")
    if not failed and not open(at("reply"), "rb").read().startswith(b"SIP/2.0 200 OK\r\n"):
        failed.append("the reply is no 200")
    cases.case("the examples of end to middle seal, read on the way, open and answer", failed)


REQUEST = ("INVITE sip:bob@biloxi.example SIP/2.0\r\nVia: SIP/2.0/TCP a.example;branch=z9hG4bK1\r\nFrom: <sip:alice@a.example>;tag=1\r\n"
           "To: <sip:bob@biloxi.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n")
ANSWER = ("SIP/2.0 %s\r\nVia: SIP/2.0/TCP a.example;branch=z9hG4bK1\r\nFrom: <sip:alice@a.example>;tag=1\r\n"
          "To: <sip:bob@biloxi.example>;tag=9\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n")
TABLE = "[trust-domain]\nno_privacy = remove\n" + "".join(
    "[partner %s]\ndomains = %s.example\nprotection = tls-mutual\ntrust_in = yes\ntrust_out = yes\n" % (name, name) for name in "ab")


def example(root, name, flags):
    """(program, complaints)"""
    program = os.path.join(root, name)
    built = run(*shlex.split(os.environ.get("CC", "cc")), *WARNINGS, EXAMPLES / (name + ".c"), "-o", program,
                *shlex.split(flags.stdout))
    return program, [built.stdout] if built.returncode else []


def through(root, environment, program, *words, message):
    """Exit code, what it wrote, what it said."""
    with open(os.path.join(root, "message"), "w", encoding="ascii", newline="") as file:
        file.write(message)
    with open(os.path.join(root, "message"), "rb") as stdin:
        done = run(program, *words, stdin=stdin, stderr=subprocess.PIPE, env=environment, text=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def write(root, name, text):
    path = os.path.join(root, name)
    with open(path, "w", encoding="ascii", newline="") as file:
        file.write(text)
    return path


def agreement(cases, root, flags, environment):
    """The offer; the second request after a 494; nothing where the answer offers nothing."""
    program, failed = example(root, "agree_client", flags)
    offer = "Security-Server: tls;q=0.2, digest;q=0.1\r\n"
    for answer, code, written, said in (
            (None, 0, "Security-Client: tls, digest", "offered"),
            (ANSWER % ("494 Security Agreement Required", offer), 0, "Security-Verify: tls;q=0.2, digest;q=0.1", "starting tls"),
            (ANSWER % ("200 OK", ""), 1, "", "E_NOT_OFFERED")):
        words = ["tls;q=0.2, digest;q=0.1"] + ([write(root, "answer", answer)] if answer else [])
        got = through(root, environment, program, *words, message=REQUEST % "") if not failed else None
        if got and (got[0] != code or written not in got[1] or said not in got[2] or (written == "" and got[1] != "")):
            failed = ["%s: %s" % (said, got)]
    cases.case("the example of security agreement offers, agrees, and stops where nothing was offered", failed)


def border(cases, root, flags, environment):
    """An asserted identity goes from partner to partner, and neither comes from nor goes to a stranger."""
    program, failed = example(root, "trust_proxy", flags)
    table = write(root, "table", TABLE)
    for source, target, kept in (("a", "b", True), ("a", "c", False), ("c", "b", False)):
        words = [table, "192.0.2.1", source + ".example", "192.0.2.2", target + ".example"]
        message = (REQUEST % "P-Asserted-Identity: <sip:alice@a.example>\r\n").replace("biloxi.example", target + ".example")
        got = through(root, environment, program, *words, message=message) if not failed else None
        if got and (got[0] != 0 or not got[1].startswith("INVITE ") or ("P-Asserted-Identity" in got[1]) != kept):
            failed = ["%s to %s: %s" % (source, target, got)]
    cases.case("the example of a border passes identities on among partners alone", failed)


def identity(cases, root, flags, environment):
    """Signed at home and verified far away; a changed caller is refused, and so is a request that nobody signed."""
    program, failed = example(root, "identity", flags)
    tool, at = BUILD / "tools" / "sipveil", lambda name: os.path.join(root, name)
    run(tool, "keygen", "ca", "--name", "Examples", "-o", at("identity-ca"))
    run(tool, "keygen", "cert", "--ca", at("identity-ca"), "--host", "a.example", "--cert-out", at("home.crt"), "-o", at("home.pem"))
    date = "Date: %s\r\n" % email.utils.formatdate(usegmt=True)
    signed = through(root, environment, program, "sign", at("home.pem"), "https://a.example/home.crt", message=REQUEST % date)
    if not failed and (signed[0] != 0 or "\r\nIdentity: " not in signed[1]):
        failed = [str(signed)]
    for message, code, said in ((signed[1], 0, "sip:alice@a.example, says a.example"),
                                (signed[1].replace("sip:alice", "sip:mallory"), 1, "answer 438"),
                                (REQUEST % date, 1, "answer 428")) if not failed else ():
        got = through(root, environment, program, "verify", at("identity-ca/ca.pem"), at("home.crt"), message=message)
        if got[0] != code or said not in got[1]:
            failed = ["%s: %s" % (said, got)]
    cases.case("the example of identity signs, verifies, and refuses a changed caller", failed)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        return udp.getsockname()[1]


def is_taken(port):
    """Somebody waits there, within ten seconds."""
    for _ in range(500):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                return True
        time.sleep(0.02)
    return False


def over_udp(cases, root, flags, environment):
    """A call from one user agent to another through a proxy that reads its body; and one of somebody whom nobody trusts; and one
    that hides from the proxy what its policy has to see."""
    (ua, failed), (proxy, also) = example(root, "ua", flags), example(root, "proxy", flags)
    failed = failed + also
    tool, at = BUILD / "tools" / "sipveil", lambda name: os.path.join(root, "udp-" + name)
    for ca in ("ca", "stranger"):
        run(tool, "keygen", "ca", "--name", ca, "-o", at(ca))
    for name, ca, who in (("alice", "ca", ("--aor", "sip:alice@a.example")), ("bob", "ca", ("--aor", "sip:bob@biloxi.example")),
                          ("proxy", "ca", ("--host", "p.example")), ("mallory", "stranger", ("--aor", "sip:alice@a.example"))):
        run(tool, "keygen", "cert", "--ca", at(ca), *who, "--cert-out", at(name + ".crt"), "-o", at(name + ".pem"))
    message = (REQUEST % "Content-Type: text/plain\r\n").replace("Content-Length: 0\r\n\r\n", "Content-Length: 5\r\n\r\nhello")
    policy = 'p.example;need=view;type="text/plain";method=INVITE'
    for caller, rows, code, said, heard, read in (
            ("alice", policy, 0, "200 OK\nsip:bob@biloxi.example: heard\nnot checked: ", "sip:alice@a.example: hello\nnot checked: ",
             "c: for us\nreads: hello\nc: not for us\n"),
            ("mallory", policy, 6, "493 ", "nothing comes", "proxy: refused: "),
            ("mallory", "", 6, "493 ", "refused: the signer CN=alice is not accepted", "c: for us\n")) if not failed else ():
        ports = free_port(), free_port()
        waiting = [subprocess.Popen([program, *words], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                   for program, words in ((ua, (at("bob.pem"), at("ca/ca.pem"), str(ports[1]))),
                                          (proxy, ("p.example", at("proxy.pem"), at("ca/ca.pem"), rows, str(ports[0]), str(ports[1]))))]
        got = through(root, environment, ua, at(caller + ".pem"), at("ca/ca.pem"), str(ports[0]), at("bob.crt"), "p.example",
                      at("proxy.crt"), message=message) if all(map(is_taken, ports)) else (1, "", "nobody waits")
        waiting[0].wait(30)
        for program in waiting:
            program.terminate()
        told = [program.communicate()[0] for program in waiting]
        if got[0] != code or said not in got[1] + got[2] or heard not in told[0] or read not in told[1]:
            failed = failed + ["%s: %s, the far end: %s, the proxy: %s" % (caller, got, *told)]
    cases.case("the examples of a user agent and a proxy talk over UDP, and refuse whom nobody trusts", failed)
    cases.case("the example of a proxy refuses, by its policy, what it was not shown", failed or not_shown(proxy, policy, at, message, environment))


def not_shown(proxy, policy, at, message, environment):
    """What is sealed for the far end alone comes back to its sender as a refusal that says what is needed, and does not go on."""
    tool, port = BUILD / "tools" / "sipveil", free_port()
    with open(at("clear.sip"), "w", encoding="ascii", newline="") as file:
        file.write(message)
    run(tool, "seal", "--quiet", "--mode", "payload", "--sign-with", at("alice.pem"), "--to", at("bob.crt"), "-o", at("sealed.sip"), at("clear.sip"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for end in (caller, far):
            end.bind(("127.0.0.1", 0))
            end.settimeout(10)
        waiting = subprocess.Popen([proxy, "p.example", at("proxy.pem"), at("ca/ca.pem"), policy, str(port), str(far.getsockname()[1])],
                                   env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if not is_taken(port):
                return ["nobody waits"]
            with open(at("sealed.sip"), "rb") as file:
                caller.sendto(file.read(), ("127.0.0.1", port))
            answer = caller.recv(65536).decode("latin-1")
            far.settimeout(0)
            try:
                return ["it went on: " + repr(far.recv(65536)[:60])]
            except BlockingIOError:
                told = answer.startswith("SIP/2.0 493 ") and "\r\nProxy-Body-Need: " + policy.partition(";method")[0] in answer
                return [] if told else [answer]
        finally:
            waiting.terminate()
            waiting.wait(30)


def main():
    cases = Cases()
    with tempfile.TemporaryDirectory() as root:
        done = run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root)
        cases.case("meson install into a folder", done.stdout if done.returncode else [])
        files = installed_files(root)
        headers = [r"include/sipveil/%s$" % path.name for path in (SOURCE / "lib/include/sipveil").glob("*.h")]
        cases.case("library, headers, program and pkg-config file are installed", expect(
            files, r"libsipveil\.so$", r"libsipveil\.so\.\d+$", r"pkgconfig/sipveil\.pc$", r"bin/sipveil$", *headers))
        cases.case("nothing else is installed", [
            name for name in files if not re.search(
                r"libsipveil\.so[.\d]*$|/include/sipveil/\w+\.h$|/sipveil\.pc$|/bin/sipveil$|/man/man\d/sipveil[\w-]*\.\d$|"
                r"share/(bash-completion/completions/|zsh/site-functions/_)sipveil$", name)])
        cases.case("completion of shells is installed", expect(
            files, r"share/bash-completion/completions/sipveil$", r"share/zsh/site-functions/_sipveil$"))
        if shutil.which("scdoc"):
            cases.case("every man page is installed", expect(files, *(
                r"/man%s/%s$" % (page.stem[-1], re.escape(page.stem)) for page in (SOURCE / "docs" / "man").glob("*.scd"))))
        else:
            cases.skip("every man page is installed", "scdoc is not installed")
        link = next((os.path.join(root, name) for name in files if name.endswith("libsipveil.so")), "")
        soname = run("readelf", "-d", link).stdout if shutil.which("readelf") and link else ""
        cases.case("the library has a soname", [] if re.search(r"SONAME.*\[libsipveil\.so\.\d+\]", soname) else soname)
        flags = pkg_config(root, files, "--cflags", "--libs")
        version = pkg_config(root, files, "--modversion")
        cases.case("pkg-config answers", [] if flags.returncode == 0 and re.match(r"\d+\.\d+\.\d+$", version.stdout)
                   else flags.stdout + version.stdout)
        cases.case("pkg-config --libs names our library only", [
            word for word in shlex.split(flags.stdout) if word.startswith("-l") and word != "-lsipveil"])
        environment = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(link))
        program, failed = example(root, "seal_open", flags)
        cases.case("the first example builds against what was installed", failed)
        ran = run(program, env=environment) if not failed else None
        cases.case("the first example seals, opens and finds the same octets",
                   [] if ran and ran.returncode == 0 and "read: At one, the usual. (lunch)" in ran.stdout else
                   "exit code %d: %s" % (ran.returncode, ran.stdout) if ran else failed)
        cases.case("a user agent and a proxy are programs of 60 lines", [
            "%s has %d lines" % (name, lines) for name in ("ua.c", "proxy.c")
            for lines in [len((EXAMPLES / name).read_text(encoding="utf-8").splitlines())] if lines > 60])
        end_to_middle(cases, root, flags, environment)
        agreement(cases, root, flags, environment)
        border(cases, root, flags, environment)
        identity(cases, root, flags, environment)
        over_udp(cases, root, flags, environment)
        installed = next((os.path.join(root, name) for name in files if name.endswith("bin/sipveil")), None)
        answer = installed and run(installed, "--version",
                                   env=dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(link)))
        cases.case("the installed program says its version", [] if answer and answer.returncode == 0 and
                   version.stdout.strip() in answer.stdout else str(answer and answer.stdout))
    cases.leave()


if __name__ == "__main__":
    main()
