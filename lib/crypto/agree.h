/* SPDX-License-Identifier: BSD-2-Clause */
/* Key agreement with a key made for one message: ECDH on P-256, P-384, P-521, and X25519. */
#ifndef SV_CRYPTO_AGREE_H
#define SV_CRYPTO_AGREE_H

#include "crypto/prepared.h"

/* NONE: a key of another kind. */
sv_curve sv_curve_of_key(EVP_PKEY *key);

/* A new key pair on the curve of `peer`; its public key, and the secret shared with `peer`. */
typedef struct sv_agreement {
    uint8_t point[SV_POINT_MOST];
    size_t point_length;
    uint8_t shared[SV_SHARED_MOST]; /* secret */
    size_t shared_length;
} sv_agreement;
sipveil_code sv_agree_make(sv_crypto *crypto, EVP_PKEY *peer, sv_agreement *out, sipveil_error *err);

/* The secret that our own key shares with the public key received: for EC 04||X||Y or compressed, never
 * hybrid; 32 octets for X25519. prepared: of that key, or NULL. False: not a point of that curve, or an all-zero secret
 * (ADV-086). */
bool sv_agree_read(sv_crypto *crypto, EVP_PKEY *own, sv_prepared *prepared, sipveil_span point, uint8_t shared[SV_SHARED_MOST],
                   size_t *shared_length);

/* A point received for an EC key of ours, of which only the public half is here: whether it is on the
 * curve, and it uncompressed. */
bool sv_agree_check_point(EVP_PKEY *own, sipveil_span point, uint8_t out[SV_POINT_MOST],
                          size_t *length);

/* KEK = KDF(shared, info); ukm is the salt of HKDF (RFC 8418 2.2) and is not used by X9.63, which has
 * it in info. */
sipveil_code sv_agree_derive(sv_crypto *crypto, const sv_agreement_row *scheme, sipveil_span shared,
                             sipveil_span ukm, sipveil_span info, uint8_t *kek, size_t kek_length,
                             sipveil_error *err);

#endif
