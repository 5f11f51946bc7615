/* SPDX-License-Identifier: BSD-2-Clause */
/* What every fuzz target stands on. A target is fuzz_input(); tests/fuzz/entry.c calls it, for libFuzzer and for the kept
 * inputs, and is where the rest of this stands. Only lib/<room>/fuzz_* include it.
 *
 * An input that ends in "!lack" and two octets more is run as it is without that end; then so that the nth thing the
 * library asks for is refused, n being the two octets (and all that follow, where the first bit is set); then again as
 * it is, by the same objects. A kept input is run so for each number from 1 to n, as far as there is so much to refuse.
 * What is asked for are allocations of an arena, random octets, and what libcrypto and zlib are called for. Where
 * something was refused only must_always() has to hold; must() ends the run there. */
#ifndef SV_BASE_FUZZ_TARGET_H
#define SV_BASE_FUZZ_TARGET_H

#include <stdlib.h>

#include "base/arena.h"

/* While inputs are looked for a run is to be short; a kept one is looked at from all sides. */
#ifdef SIPVEIL_FUZZING
enum { FUZZ_IS_THOROUGH = 0 };
#else
enum { FUZZ_IS_THOROUGH = 1 };
#endif

/* The target: one input. What it makes for this run alone it gives to fuzz_until_end(), and what it keeps can go on after any run. */
void fuzz_input(const uint8_t *data, size_t size);

/* Calls give_back(object) at the end of the run, however it ends; newest first. NULL is fine. */
void fuzz_until_end(void *object, void (*give_back)(void *));
sv_arena *fuzz_arena(size_t first_block, size_t most); /* for this run */

/* give_back() of a type: FUZZ_GIVE_BACK(give_back_table, sipveil_trust_table_free) */
#define FUZZ_GIVE_BACK(name, free_it)                                                                                  \
    static void name(void *object)                                                                                     \
    {                                                                                                                  \
        free_it(object);                                                                                               \
    }

bool fuzz_has_refused(void); /* something, in this run */
_Noreturn void fuzz_broken(void); /* does not come back: a finding, or the end of a run that lacks something */

static inline void must(bool holds)
{
    if (!holds) fuzz_broken();
}

static inline void must_always(bool holds)
{
    if (!holds) abort();
}

/* A hook for random octets (sipveil_hooks.random), the same for every input once it begins at the same number: a
 * failure can be repeated. */
extern uint64_t randomness;
bool repeatable(void *user, uint8_t *out, size_t len);

#endif
