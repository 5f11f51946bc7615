/* SPDX-License-Identifier: BSD-2-Clause */
/* ES256 of JWS (RFC 7518 3.4): ECDSA on P-256 with SHA-256, whose signature is r and s side by side, 32 octets
 * each. */
#ifndef SV_CRYPTO_ES256_H
#define SV_CRYPTO_ES256_H

#include "crypto/prepared.h"

enum { SV_ES256_LENGTH = 64 };

/* A key on P-256. */
bool sv_es256_fits(EVP_PKEY *key);

/* prepared: of the key, or NULL. */
sipveil_code sv_es256_sign(sv_crypto *crypto, EVP_PKEY *key, sv_prepared *prepared, sipveil_span message,
                           uint8_t out[SV_ES256_LENGTH], sipveil_error *err);

/* *valid is the answer; the code says only whether there is one. Not 64 octets, r or s zero or not below the order
 * of the curve: not valid (IDN-27). */
sipveil_code sv_es256_verify(sv_crypto *crypto, EVP_PKEY *key, sipveil_span message, sipveil_span signature,
                             bool *valid, sipveil_error *err);

/* From and to the SEQUENCE of two INTEGERs that CMS and tokens use. False: not a signature on P-256. */
enum { SV_ES256_DER_MOST = 72 };
bool sv_es256_from_der(sipveil_span der, uint8_t out[SV_ES256_LENGTH]);
bool sv_es256_to_der(sipveil_span signature, uint8_t out[SV_ES256_DER_MOST], size_t *length);

/* Of the two signatures (r, s) and (r, n - s), which verify alike, the one whose s is less: one text for both, to remember
 * by. `signature` is one that verified. */
void sv_es256_lower(sipveil_span signature, uint8_t out[SV_ES256_LENGTH]);

#endif
