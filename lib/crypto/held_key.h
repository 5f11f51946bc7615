/* SPDX-License-Identifier: BSD-2-Clause */
/* A secret that never leaves the place where it is held, a PKCS #11 token say: lib/cms asks its holder
 * for the one operation that it would do itself with a key in memory. lib/keys makes the holders. */
#ifndef SV_CRYPTO_HELD_KEY_H
#define SV_CRYPTO_HELD_KEY_H

#include "crypto/sign.h"

typedef struct sv_held_key sv_held_key;

/* NULL: the key does not do that. Whatever the holder answers, an opening that fails is just false, and
 * the output is wiped then: nobody learns why (ADV-080). May be called by several threads at once. */
typedef struct sv_held_operations {
    /* As CMS carries it: of ECDSA the DER. *signature is in the arena. */
    sipveil_code (*sign)(const sv_held_key *key, const sv_signature_scheme *scheme, sipveil_span digest,
                         sv_arena *arena, sipveil_span *signature, sipveil_error *err);
    bool (*decrypt_oaep)(const sv_held_key *key, sv_crypto *crypto, sv_hash hash, sv_hash mask_hash,
                         sipveil_span encrypted, size_t cek_length, uint8_t *out);
    /* ECDH with a point that is known to be on the curve, uncompressed; shared: length octets. */
    bool (*agree)(const sv_held_key *key, sipveil_span point, uint8_t *shared, size_t length);
    /* AES key wrap; out: cek.len + SV_WRAP_GAIN octets. */
    sipveil_code (*wrap)(const sv_held_key *key, sipveil_span cek, uint8_t *out, sipveil_error *err);
    /* out: cek_length octets, 8 less than wrapped. */
    bool (*unwrap)(const sv_held_key *key, sipveil_span wrapped, size_t cek_length, uint8_t *out);
} sv_held_operations;

/* The holder's own record begins with it. */
struct sv_held_key {
    const sv_held_operations *operations;
    size_t kek_length; /* octets of a shared key; 0: a private key */
};

#endif
