/* SPDX-License-Identifier: BSD-2-Clause */
/* Key transport with RSA: OAEP (RFC 4055 4.1), and for reading old mail PKCS #1 v1.5 without an oracle. */
#ifndef SV_CRYPTO_TRANSPORT_H
#define SV_CRYPTO_TRANSPORT_H

#include "crypto/prepared.h"

enum { SV_MODULUS_MOST = 1024 }; /* octets: RSA-8192 */

/* Octets of the modulus; 0: not an RSA key, or over SV_MODULUS_MOST. */
size_t sv_transport_size(const EVP_PKEY *key);

/* POLICY: RSA under 2048 or over 8192 bits, an exponent that is even, under 3 or over 2^33. */
sipveil_code sv_transport_check_key(sv_crypto *crypto, EVP_PKEY *key, sipveil_error *err);

/* OAEP with SHA-256 and MGF1 with SHA-256. out: sv_transport_size() octets. */
sipveil_code sv_transport_encrypt(sv_crypto *crypto, EVP_PKEY *key, sipveil_span cek, uint8_t *out,
                                  sipveil_error *err);

/* prepared: of the key, or NULL. False: not of the modulus' size (ADV-085), or no CEK of cek_length octets in it; out is
 * wiped then. */
bool sv_transport_decrypt_oaep(sv_crypto *crypto, EVP_PKEY *key, sv_prepared *prepared, sv_hash hash, sv_hash mask_hash,
                               sipveil_span encrypted, size_t cek_length, uint8_t *out);

/* The same for what somebody else has decrypted without a look at the padding: a block of the modulus'
 * size. */
bool sv_transport_unpad_oaep(sv_crypto *crypto, sv_hash hash, sv_hash mask_hash, sipveil_span block,
                             size_t cek_length, uint8_t *out);

/* Never says whether the padding was right: where it was not, out holds what only we can compute from
 * our key and the octets received, the same each time (ADV-080). No branch depends on the plaintext. */
sipveil_code sv_transport_decrypt_v15(sv_crypto *crypto, EVP_PKEY *key, sipveil_span encrypted,
                                      size_t cek_length, uint8_t *out, sipveil_error *err);

#endif
