/* SPDX-License-Identifier: BSD-2-Clause */
/* What one thread reuses: cipher contexts that have their algorithm, so that a message only sets keys.
 * The key of the last message stays in a context until the next one or the end, when it is wiped. */
#ifndef SV_CRYPTO_CONTEXTS_H
#define SV_CRYPTO_CONTEXTS_H

#include "crypto/certificate.h"
#include "crypto/prepared.h"

typedef struct sv_random_pool sv_random_pool; /* random.c */

struct sv_crypto {
    const sipveil_context *context;
    EVP_CIPHER_CTX *contents[SIPVEIL_CIPHER_COUNT]; /* content encryption */
    EVP_CIPHER_CTX *blocks[SV_WRAP_COUNT];          /* key wrap */
    EVP_MD_CTX *hash;
    EVP_KDF_CTX *hkdf;
    EVP_KDF_CTX *pbkdf2;
    sv_random_pool *pool; /* NULL: the hook of the caller is asked each time */
    bool has_stand_in; /* else not drawn yet */
    sv_stand_in stand_in;
    sv_certificate_cache *certificates; /* made with the first one that is decoded */
    sv_public_keys *public_keys;
    EVP_PKEY_CTX *generators[SV_CURVE_COUNT]; /* of keys for one message; made with the first one */
    EVP_PKEY *peers[SV_CURVE_COUNT]; /* likewise; the public key of the last message received */
};

/* The hook that stands for none. */
bool sv_random_of_library(void *user, uint8_t *out, size_t len);
/* NULL if there can be none; sv_random() then asks libcrypto each time. */
sv_random_pool *sv_random_pool_new(void);
void sv_random_pool_free(sv_random_pool *pool); /* wipes */

#endif
