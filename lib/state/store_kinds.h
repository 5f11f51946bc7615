/* SPDX-License-Identifier: BSD-2-Clause */
/* What store.c and image.c share. */
#ifndef SV_STATE_STORE_KINDS_H
#define SV_STATE_STORE_KINDS_H

#include "state/entries.h"
#include "state/store.h"

enum {
    SV_STORE_KINDS = SV_STORE_OWN_KEY + 1,
    SV_STORE_ENTRY_MOST = 16 << 10, /* octets of one entry's scope, name and value */
    SV_STORE_OCTETS_MOST = 32 << 20 /* octets of all entries of a kind */
};

/* Made when the first image is written or read. */
typedef struct sv_image_digest {
    struct ossl_lib_ctx_st *library;
    struct evp_md_st *sha256;
} sv_image_digest;

struct sv_store {
    struct {
        sv_store_caps caps;
        sv_entries entries;
    } kinds[SV_STORE_KINDS]; /* [0] stays empty */
    sv_image_digest digest;
};

void sv_image_digest_clear(sv_image_digest *digest);

/* Loads an image without its digest: for image.c, which has checked it, and the fuzz target. */
sipveil_code sv_store_load_unverified_body(sv_store *store, sipveil_span body, int64_t now,
                                           sipveil_error *err);

#endif
