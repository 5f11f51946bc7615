/* SPDX-License-Identifier: BSD-2-Clause */
/* Where an input comes in (lib/base/fuzz_target.h): libFuzzer, or run_seeds.c, calls LLVMFuzzerTestOneInput(). The
 * linker puts the wrappers of lacking.c between the library and what it asks for. */
#include <openssl/err.h>
#include <setjmp.h>
#include <string.h>

#include "base/fuzz_target.h"
#include "lacking.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEPT_MOST = 32, MARK = 5, NUMBER = 2, TRAILER = MARK + NUMBER, ALL_THAT_FOLLOW = 0x8000 };

static struct {
    jmp_buf end;
    bool lacks;     /* this run is one in which something is refused */
    bool refused;   /* and it was */
    bool all;
    size_t left;    /* until it is */
    struct {
        void *object;
        void (*give_back)(void *);
    } kept[KEPT_MOST];
    size_t kept_count;
} entry;

uint64_t randomness;

bool fuzz_is_refused(void)
{
    if (!entry.lacks || (entry.refused && !entry.all)) return false;
    if (!entry.refused && --entry.left > 0) return false;
    entry.refused = true;
    return true;
}

bool fuzz_has_refused(void)
{
    return entry.refused;
}

_Noreturn void fuzz_broken(void)
{
    if (!entry.refused) abort();
    longjmp(entry.end, 1);
}

void fuzz_until_end(void *object, void (*give_back)(void *))
{
    if (object == NULL) return;
    must_always(entry.kept_count < KEPT_MOST);
    entry.kept[entry.kept_count].object = object;
    entry.kept[entry.kept_count++].give_back = give_back;
}

FUZZ_GIVE_BACK(give_back_arena, sv_arena_free)
sv_arena *fuzz_arena(size_t first_block, size_t most)
{
    sv_arena *arena = sv_arena_new(first_block, most);
    must(arena != NULL);
    fuzz_until_end(arena, give_back_arena);
    return arena;
}

bool repeatable(void *user, uint8_t *out, size_t len)
{
    (void)user;
    if (fuzz_is_refused()) return false;
    for (size_t i = 0; i < len; i++) {
        randomness = randomness * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(randomness >> 56);
    }
    return true;
}

/* number: of what is refused, 0: nothing. Whether it was. */
static bool run(const uint8_t *data, size_t size, unsigned number)
{
    entry.left = number & (ALL_THAT_FOLLOW - 1u);
    entry.lacks = entry.left > 0;
    entry.all = (number & ALL_THAT_FOLLOW) != 0;
    entry.refused = false;
    if (setjmp(entry.end) == 0) fuzz_input(data, size);
    bool refused = entry.refused;
    if (refused) ERR_clear_error();
    entry.lacks = entry.refused = false;
    while (entry.kept_count > 0) {
        entry.kept_count--;
        entry.kept[entry.kept_count].give_back(entry.kept[entry.kept_count].object);
    }
    return refused;
}

static void run_lacking(const uint8_t *data, size_t size, unsigned number)
{
    unsigned last = number & (ALL_THAT_FOLLOW - 1u), all = number & ALL_THAT_FOLLOW;
    (void)run(data, size, 0);
    for (unsigned n = FUZZ_IS_THOROUGH ? 1 : last; n > 0 && n <= last; n++) {
        bool refused = run(data, size, n | all);
        (void)run(data, size, 0);
        if (!refused) break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool lacking = size >= TRAILER && memcmp(data + size - TRAILER, "!lack", MARK) == 0;
    if (!lacking) {
        (void)run(data, size, 0);
        return 0;
    }
    unsigned number = (unsigned)data[size - NUMBER] << 8 | data[size - 1];
    uint8_t *exact = malloc(size - TRAILER + 1); /* a sanitizer sees one octet too far */
    must_always(exact != NULL);
    memcpy(exact, data, size - TRAILER);
    exact = realloc(exact, size > TRAILER ? size - TRAILER : 1);
    run_lacking(exact, size - TRAILER, number);
    free(exact);
    return 0;
}
