/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads octets as a state image, without the digest (which no mutation would pass) and with it; what
 * was loaded must come back from its own image. */

#include "base/fuzz_target.h"
#include "state/store_kinds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { NOW = 1000 };
    sv_store *store, *again;
    sipveil_span image, in = sv_span(data, size);
    if (sv_store_new(&store, NULL) != SIPVEIL_OK) return 0;
    sipveil_code code = sv_store_load_unverified_body(store, in, NOW, NULL);
    if (code == SIPVEIL_OK && sv_store_new(&again, NULL) == SIPVEIL_OK) {
        sv_arena *arena = sv_arena_new(1 << 14, 1 << 26);
        must(arena != NULL);
        must(sv_store_save(store, NOW, arena, &image, NULL) == SIPVEIL_OK);
        must(sv_store_load(again, image, NOW, NULL) == SIPVEIL_OK);
        for (int kind = SV_STORE_SEEN; kind <= SV_STORE_TRANSACTION; kind++) {
            must(sv_store_count(store, (sv_store_kind)kind) == sv_store_count(again, (sv_store_kind)kind));
        }
        sv_arena_free(arena);
        sv_store_free(again);
    } else {
        for (int kind = SV_STORE_SEEN; kind <= SV_STORE_TRANSACTION; kind++) {
            must(sv_store_count(store, (sv_store_kind)kind) == 0);
        }
    }
    sv_store_free(store);
    return 0;
}
