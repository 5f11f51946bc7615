/* SPDX-License-Identifier: BSD-2-Clause */
/* The primitives as we use them. Algorithms are data: one table each for content ciphers, key wraps,
 * digests, KDF schemes and signatures (suite.h), keyed by name and OID; fetched once per context.
 * sv_crypto is one thread's set of reusable libcrypto contexts. */
#ifndef SV_CRYPTO_CRYPTO_H
#define SV_CRYPTO_CRYPTO_H

#include <openssl/evp.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/span.h"
#include "sipveil/crypto.h"

typedef struct sv_suite sv_suite; /* fetched algorithms of a context; immutable */

struct sipveil_context {
    sipveil_hooks hooks; /* copied; both calls are never NULL here */
    OSSL_LIB_CTX *library; /* our own, default provider */
    OSSL_PROVIDER *provider;
    sv_suite *suite;
};

typedef struct sv_crypto sv_crypto; /* one thread's reusable contexts */

sipveil_code sv_crypto_new(const sipveil_context *context, sv_crypto **out, sipveil_error *err);
void sv_crypto_free(sv_crypto *crypto); /* wipes */
const sipveil_context *sv_crypto_context(const sv_crypto *crypto);

/* The only source of randomness; ends the operation with SIPVEIL_INTERNAL on failure (ADV-214). */
sipveil_code sv_random(sv_crypto *crypto, uint8_t *out, size_t len, sipveil_error *err);
/* So many octets of it as hexadecimal digits, two each. */
sipveil_code sv_random_hex(sv_crypto *crypto, uint8_t *digits, size_t octets, sipveil_error *err);
sipveil_code sv_put_random_hex(sv_crypto *crypto, size_t octets, sv_buffer *out, sipveil_error *err);

/* Keys that stand in for one that is not there, so that a refusal costs the same work (ADV-091): what comes out
 * under them is never given to anybody. Random, drawn with the first use, the same for the life of sv_crypto: one
 * key more or less is no difference to be seen, and the same octets fail the same way each time. */
typedef struct sv_stand_in {
    uint8_t content_key[32], kek[32];
} sv_stand_in;
sipveil_code sv_stand_in_keys(sv_crypto *crypto, const sv_stand_in **out, sipveil_error *err);

int64_t sv_now(const sipveil_context *context);

#endif
