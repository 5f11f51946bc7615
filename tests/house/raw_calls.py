"""Raw memory, raw strings, the outside world: which calls stand where. raw_calls.allow lists every
exception with its reason; an exception that nothing needs any more fails too."""
import re

from tap import SOURCE, Cases, relative

ALLOWED = SOURCE / "tests" / "house" / "raw_calls.allow"

# Never, in the library or the program: no bound, or a hidden global.
NEVER = """gets strcpy strcat strncpy strncat sprintf vsprintf strtok alloca tmpnam mktemp system popen
           atoi atol atoll rand srand random gmtime localtime asctime ctime setenv putenv"""
# In the library only where listed.
LIBRARY = """malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf memcpy memmove mempcpy
             sscanf strtol strtoul strtoll strtoull strtod memcmp strncmp strcasecmp strncasecmp strchr strstr printf puts putchar fprintf perror fopen fread fwrite open openat read write close getenv
             secure_getenv strerror mmap munmap mprotect madvise mlock mlockall exit abort _exit time gettimeofday clock_gettime assert OPENSSL_malloc CRYPTO_malloc"""
# In the program only where listed: secrets do not come from there.
PROGRAM = "getenv secure_getenv"

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'')


def code_of(path):
    blank = lambda match: re.sub(r"[^\n]", " ", match.group(0))
    text = re.sub(r'^(\s*#\s*include[^\n]*)', "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    # Strings first would break on apostrophes in comments, comments first on "//" in strings; ours have none.
    return STRING.sub('""', COMMENT.sub(blank, text))


def calls_in(path, names):
    text = code_of(path)
    found = {}
    for match in re.finditer(r"(?<![\w.>])(%s)\s*\(" % "|".join(names), text):
        found.setdefault(match.group(1), []).append(text.count("\n", 0, match.start()) + 1)
    return found


def read_allowed():
    """path: {call, ...} from lines of `path call[,call...] reason`."""
    allowed, complaints = {}, []
    for number, line in enumerate(ALLOWED.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 2)
        if len(words) != 3:
            complaints.append("raw_calls.allow:%d: no reason given" % number)
            continue
        allowed.setdefault(words[0], set()).update(words[1].split(","))
    return allowed, complaints


def judge(paths, names, allowed, used):
    for path in paths:
        where = relative(path)
        for call, lines in sorted(calls_in(path, names).items()):
            if call in allowed.get(where, ()):
                used.add((where, call))
            else:
                yield "%s:%s: %s()" % (where, ",".join(map(str, lines)), call)


def main():
    cases, used = Cases(), set()
    allowed, complaints = read_allowed()
    library = sorted(path for path in (SOURCE / "lib").rglob("*.[ch]") if not path.name.startswith("fuzz_"))
    program = sorted((SOURCE / "tools").rglob("*.[ch]"))
    cases.case("every exception has its reason", complaints)
    cases.case("calls that are never right", judge(library + program, NEVER.split(), allowed, used))
    cases.case("raw calls in the library stand in the list", judge(library, LIBRARY.split(), allowed, used))
    cases.case("the program does not read its environment", judge(program, PROGRAM.split(), allowed, used))
    cases.case("every exception is needed", sorted(
        "%s no longer calls %s()" % (path, call)
        for path, names in allowed.items() for call in names if (path, call) not in used))
    cases.leave()


if __name__ == "__main__":
    main()
