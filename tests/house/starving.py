"""scripts/starve tells a library that looks at what it is given from one that does not, and a test's own fault from both."""
import pathlib
import shutil
import tempfile

from tap import BUILD, SOURCE, Cases, run

LIBRARY = """#include <stdlib.h>
#include <string.h>
char *planted(size_t size);
char *planted(size_t size)
{
    char *block = malloc(size);
    %s
    memset(block, 'x', size);
    return block;
}
"""
TEST = """#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
char *planted(size_t size);
static void *idle(void *unused)
{
    sleep(100);
    return unused;
}
int main(void)
{
    pthread_t thread;
    if (WITH_THREAD && pthread_create(&thread, NULL, idle, NULL) != 0) return 9;
    for (int i = 0; i < 3; i++) {
        char *own = malloc(70), *block = planted(80);
        own[0] = 'x';
        %s
        free(own);
        free(block);
    }
    return 0;
}
"""
LOOKS, GIVES_UP = "if (block == NULL) return NULL;", "if (block == NULL) return 1;"
SPINS = "while (block == NULL) __asm__ volatile(\"\" ::: \"memory\");"


def judge(cases, name, library, test, code, expected, *words, thread=0):
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        (folder / "lib" / "room").mkdir(parents=True)
        (folder / "lib" / "room" / "planted.c").write_text(LIBRARY % library, encoding="utf-8")
        (folder / "test.c").write_text(TEST % test, encoding="utf-8")
        made = run("gcc", "-g", "-O0", "-DWITH_THREAD=%d" % thread, "-o", folder / "test", "test.c", "lib/room/planted.c", cwd=folder)
        done = run(SOURCE / "scripts" / "starve", "--build", BUILD, "--all", *words, folder / "test")
    right = made.returncode == 0 and done.returncode == code and all(word in done.stdout for word in expected)
    cases.case(name, [] if right else "exit code %d: %s%s" % (done.returncode, made.stdout, done.stdout))


def main():
    cases = Cases()
    if not shutil.which("gcc") or not shutil.which("readelf"):
        cases.skip("what is planted is found", "gcc or readelf is not installed")
        cases.leave()
    every = "3 requests, 3 of them failed in 4 runs"
    judge(cases, "who looks is refused, and what the test asks for is given", LOOKS, GIVES_UP, 0, [every, "4 refused", "0 crashed"])
    judge(cases, "who does not look crashes, and the place is told", "", GIVES_UP, 1, [every, "4 crashed", "planted.c:8"])
    judge(cases, "a test that does not look is told apart", LOOKS, "block[0] = 'y';", 1, ["0 crashed", "4 faults of a test"])
    judge(cases, "block after block given back twice is a crash", "if (block == NULL) { char *b = calloc(1, 9); free(b); free(b); return NULL; }",
          GIVES_UP, 1, ["crashed", "double free"])
    judge(cases, "a program with threads is run again for each", "", GIVES_UP, 1, ["3 requests, 3 of them failed in 3 runs", "3 crashed", "planted.c:8"],
          thread=1)
    judge(cases, "what hangs is ended", SPINS, GIVES_UP, 1, ["4 hung", "planted.c:7"], "--patience", "1")
    cases.leave()


if __name__ == "__main__":
    main()
