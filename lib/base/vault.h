/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for secrets that outlive a message (shared keys, passwords, kept content keys): pages of their own, locked so
 * that they are not written to swap, left out of core files, between pages that nobody can touch (ADV-212). Locking is
 * counted against RLIMIT_MEMLOCK and may fail; then the secret is held all the same, and sv_vault_protect() says so.
 *
 * A child of fork() has the secrets too, in memory that is not locked: daemons fork after they have read their keys. Pages
 * that the kernel empties in a child (MADV_WIPEONFORK) would leave them keys of zeros, and those would be used. */
#ifndef SV_BASE_VAULT_H
#define SV_BASE_VAULT_H

#include "sipveil/base.h"

/* ---- pages ---- */

/* Whole pages between two that fault; left out of core files where the system can. NULL: no memory. Zeroed. *size becomes
 * a multiple of a page. */
void *sv_pages_new(size_t *size);
void sv_pages_free(void *pages, size_t size); /* size as it came back; wiped by the caller. NULL is fine */
/* madvise(); whether that is done. Emulators (qemu-user, say) report success for whatever they do not know, so one that takes
 * an advice which does not exist is not believed any other. */
bool sv_pages_advise(void *pages, size_t size, int advice);

/* ---- a vault ---- */

typedef struct sv_vault_chunk sv_vault_chunk;

enum { SV_VAULT_LEAST = 5, SV_VAULT_MOST = 21, SV_VAULT_OCTETS_MOST = 128 << 20 }; /* powers of two; octets in all */

/* Zero is an empty one. It may be moved as a value; what it gave stays where it is. */
typedef struct sv_vault {
    sv_vault_chunk *newest;
    void *free[SV_VAULT_MOST + 1]; /* blocks given back, by power of two */
    size_t octets;                 /* in all chunks */
} sv_vault;

/* 16-octet aligned, zeroed. NULL: no memory, or the most is reached. */
void *sv_vault_alloc(sv_vault *vault, size_t size);
/* A copy. *out is empty on failure. */
bool sv_vault_copy(sv_vault *vault, sipveil_span from, sipveil_span *out);
/* Wipes it; size as it was asked for. NULL is fine. */
void sv_vault_give_back(sv_vault *vault, const void *block, size_t size);
/* Wipes all and gives the pages back; empty then. */
void sv_vault_end(sv_vault *vault);
/* Adds to *out what is held, and tries again to lock what is not. */
void sv_vault_protect(const sv_vault *vault, sipveil_protection *out);

#endif
