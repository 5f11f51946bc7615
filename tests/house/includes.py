"""Which room may include what: floors of CONTRIBUTING.md, and where other people's libraries may be used."""
import re

from tap import SOURCE, Cases, relative

FLOORS = {"base": 0, "sip": 1, "mime": 1, "crypto": 1, "state": 1, "cms": 2, "keys": 3, "tunnel": 4,
          "agree": 5, "identity": 5, "trust": 5, "e2m": 6, "relay": 7}
# A room with a second public header: binding.h goes on where identity.h ends.
SECOND = {"binding": "identity"}
PUBLIC = dict(FLOORS, sipveil=9, **{name: FLOORS[room] for name, room in SECOND.items()})
# Header prefix: rooms, or single files, that may use it.
LIBRARIES = {
    "osipparser2/": set(),  # second opinion of the tests only
    "osip2/": set(),
    "openssl/": {"crypto", "cms", "keys"},
    "jansson.h": {"identity"},
    "zlib.h": {"cms"},
    "p11-kit/": {"keys"},
}
# Not for cryptography: wiping and comparing in constant time.
OPENSSL_ANYWHERE = {"openssl/crypto.h"}
# Single files that may do what their folder may not.
EXCEPTIONS = {
    "lib/base/error.c": {"openssl/err.h"},         # an error carries OpenSSL's reason; the queue is drained there
    "lib/state/image.c": {"openssl/evp.h"},        # the SHA-256 that finds damage in a state file; no key is involved
    "lib/base/vault.c": {"unistd.h"},              # the size of a page
    "tools/main.c": {"zlib.h"},                    # its version number, for --version
    "tools/secrets.c": {"openssl/crypto.h"},       # libcrypto's memory is the process's, so only a program may settle it
    "tools/vector_run.c": {"openssl/sha.h"},       # the counted random octets of vectors
}
# What the library never needs, because it does no I/O of its own but for the named key-file loaders.
FORBIDDEN = {"sys/socket.h": set(), "netinet/in.h": set(), "netdb.h": set(), "sys/un.h": set(), "poll.h": set(),
             "pthread.h": set(), "signal.h": set(), "getopt.h": set(), "termios.h": set(),
             "dirent.h": {"keys"}, "fcntl.h": {"keys"}, "unistd.h": {"keys"}, "dlfcn.h": {"keys"}}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes_of(path):
    return [match.group(2) for match in INCLUDE.finditer(path.read_text(encoding="utf-8"))]


def judge_project_header(room, header):
    owner, _, rest = header.partition("/")
    if owner == "sipveil":
        name = rest[:-2]
        if name not in PUBLIC:
            return "unknown public header"
        return None if PUBLIC[name] <= FLOORS[room] else "public header of a higher floor"
    if owner not in FLOORS or not rest:
        return None if not rest else judge_library(room, header)
    if owner == room:
        return None
    if FLOORS[owner] < FLOORS[room]:
        return None
    return "floor %d includes floor %d" % (FLOORS[room], FLOORS[owner])


def judge_library(room, header):
    for prefix, rooms in LIBRARIES.items():
        if header.startswith(prefix) and room not in rooms and header not in OPENSSL_ANYWHERE:
            return "only %s may" % (", ".join("lib/" + name for name in sorted(rooms)) or "tests")
    if header in FORBIDDEN and room not in FORBIDDEN[header]:
        return "the library does no I/O, starts no threads"
    return None


def judge_room(room):
    for path in sorted((SOURCE / "lib" / room).glob("*.[ch]")):
        for header in includes_of(path):
            first = header.partition("/")[0]
            ours = first == "sipveil" or first in FLOORS or "/" not in header
            if header in EXCEPTIONS.get(relative(path), ()):
                continue
            why = judge_project_header(room, header) if ours else None
            if not path.name.startswith("fuzz_"):  # a fuzz target may ask others for a second opinion
                why = why or judge_library(room, header)
            if why:
                yield "%s includes %s: %s" % (relative(path), header, why)


def judge_public(path):
    own = PUBLIC.get(path.stem)
    if own is None:
        yield "%s is not in this test's list of public headers" % relative(path)
        return
    for header in includes_of(path):
        name = header.partition("/")[2][:-2]
        if header.startswith("sipveil/"):
            if PUBLIC.get(name, 99) >= own and SECOND.get(path.stem) != name:
                yield "%s includes %s, not a lower floor" % (relative(path), header)
        elif header not in ("stdbool.h", "stddef.h", "stdint.h"):
            yield "%s includes %s; public headers need nothing but the language" % (relative(path), header)


def judge_program():
    for path in sorted((SOURCE / "tools").rglob("*.[ch]")):
        for header in includes_of(path):
            first = header.partition("/")[0]
            if header in EXCEPTIONS.get(relative(path), ()):
                continue
            if first in FLOORS or header.startswith(("osip", "openssl/", "zlib")):
                yield "%s includes %s; the program uses the public API (and jansson) only" % (relative(path), header)


def main():
    cases = Cases()
    folders = {path.name for path in (SOURCE / "lib").iterdir() if path.is_dir()} - {"include"}
    cases.case("every folder of lib is a room with a floor", sorted(
        "lib/%s has no floor in this test" % name for name in folders - set(FLOORS)))
    for room in sorted(folders & set(FLOORS)):
        cases.case("lib/%s includes lower floors only" % room, judge_room(room))
    for path in sorted((SOURCE / "lib" / "include" / "sipveil").glob("*.h")):
        cases.case("include/sipveil/%s includes lower public headers only" % path.name, judge_public(path))
    cases.case("tools include public headers only", judge_program())
    cases.leave()


if __name__ == "__main__":
    main()
