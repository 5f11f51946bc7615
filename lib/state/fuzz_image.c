/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads octets as a state image, without the digest (which no mutation would pass) and with it; what
 * was loaded must come back from its own image. */

#include "base/fuzz_target.h"
#include "state/store_kinds.h"

FUZZ_GIVE_BACK(give_back_store, sv_store_free)

void fuzz_input(const uint8_t *data, size_t size)
{
    enum { NOW = 1000 };
    sv_store *store, *again;
    sipveil_span image, in = sv_span(data, size);
    must(sv_store_new(&store, NULL) == SIPVEIL_OK);
    fuzz_until_end(store, give_back_store);
    bool loaded = sv_store_load_unverified_body(store, in, NOW, NULL) == SIPVEIL_OK;
    if (loaded) {
        sv_arena *arena = fuzz_arena(1 << 14, 1 << 26);
        must(sv_store_new(&again, NULL) == SIPVEIL_OK);
        fuzz_until_end(again, give_back_store);
        must(sv_store_save(store, NOW, arena, &image, NULL) == SIPVEIL_OK);
        must(sv_store_load(again, image, NOW, NULL) == SIPVEIL_OK);
    }
    for (int kind = SV_STORE_SEEN; kind <= SV_STORE_TRANSACTION; kind++) {
        size_t expected = loaded ? sv_store_count(again, (sv_store_kind)kind) : 0;
        must(sv_store_count(store, (sv_store_kind)kind) == expected);
    }
}
