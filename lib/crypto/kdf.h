/* SPDX-License-Identifier: BSD-2-Clause */
/* Key derivation: X9.63 (SEC 1 3.6.1), HKDF (RFC 5869), PBKDF2 (RFC 8018), and HMAC-SHA256. */
#ifndef SV_CRYPTO_KDF_H
#define SV_CRYPTO_KDF_H

#include "crypto/suite.h"

sipveil_code sv_kdf_x963(sv_crypto *crypto, sv_hash hash, sipveil_span secret, sipveil_span info,
                         uint8_t *out, size_t len, sipveil_error *err);
/* An empty salt is one of zeros, as RFC 5869 2.2 says. */
sipveil_code sv_kdf_hkdf(sv_crypto *crypto, sv_hash hash, sipveil_span secret, sipveil_span salt,
                         sipveil_span info, uint8_t *out, size_t len, sipveil_error *err);
sipveil_code sv_kdf_pbkdf2(sv_crypto *crypto, sv_hash hash, sipveil_span password, sipveil_span salt,
                           uint64_t iterations, uint8_t *out, size_t len, sipveil_error *err);

enum { SV_HMAC_SHA256_LENGTH = 32 };
/* RFC 2104 with SHA-256. out is wiped on failure. */
sipveil_code sv_hmac_sha256(const sv_crypto *crypto, sipveil_span key, sipveil_span octets,
                            uint8_t out[SV_HMAC_SHA256_LENGTH], sipveil_error *err);

#endif
