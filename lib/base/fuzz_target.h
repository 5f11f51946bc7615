/* SPDX-License-Identifier: BSD-2-Clause */
/* What every fuzz target stands on: where an input comes in, what must hold whatever it is, and random octets that are
 * the same each time. Only lib/<room>/fuzz_* include it. */
#ifndef SV_BASE_FUZZ_TARGET_H
#define SV_BASE_FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The target: each has its own, and libFuzzer or tests/fuzz/run_seeds.c calls it. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool holds)
{
    if (!holds) abort();
}

/* A hook for random octets (sipveil_hooks.random), the same for every input once it begins at the same number: a
 * failure can be repeated. */
static uint64_t randomness;
static inline bool repeatable(void *user, uint8_t *out, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        randomness = randomness * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(randomness >> 56);
    }
    return true;
}

#endif
