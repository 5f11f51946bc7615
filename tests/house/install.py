"""`meson install` into a folder, as a packager does, and a program built against nothing but that."""
import os
import re
import shlex
import shutil
import tempfile

from tap import BUILD, SOURCE, Cases, run

WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"]


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
            cases.case("man pages are installed", expect(files, r"man1/sipveil\.1$", r"man1/sipveil-open\.1$"))
        else:
            cases.skip("man pages are installed", "scdoc is not installed")
        link = next((os.path.join(root, name) for name in files if name.endswith("libsipveil.so")), "")
        soname = run("readelf", "-d", link).stdout if shutil.which("readelf") and link else ""
        cases.case("the library has a soname", [] if re.search(r"SONAME.*\[libsipveil\.so\.\d+\]", soname) else soname)
        flags = pkg_config(root, files, "--cflags", "--libs")
        version = pkg_config(root, files, "--modversion")
        cases.case("pkg-config answers", [] if flags.returncode == 0 and re.match(r"\d+\.\d+\.\d+$", version.stdout)
                   else flags.stdout + version.stdout)
        cases.case("pkg-config --libs names our library only", [
            word for word in shlex.split(flags.stdout) if word.startswith("-l") and word != "-lsipveil"])
        program = os.path.join(root, "ua")
        built = run(*shlex.split(os.environ.get("CC", "cc")), *WARNINGS, SOURCE / "examples" / "ua.c", "-o", program,
                    *shlex.split(flags.stdout))
        cases.case("the example builds against what was installed", built.stdout if built.returncode else [])
        ran = run(program, env=dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(link))) if not built.returncode else built
        cases.case("the example seals, opens and finds the same octets",
                   [] if ran.returncode == 0 and "read: At one, the usual." in ran.stdout else
                   "exit code %d: %s" % (ran.returncode, ran.stdout))
        installed = next((os.path.join(root, name) for name in files if name.endswith("bin/sipveil")), None)
        answer = installed and run(installed, "--version",
                                   env=dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(link)))
        cases.case("the installed program says its version", [] if answer and answer.returncode == 0 and
                   version.stdout.strip() in answer.stdout else str(answer and answer.stdout))
    cases.leave()


if __name__ == "__main__":
    main()
