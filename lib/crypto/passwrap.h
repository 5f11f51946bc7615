/* SPDX-License-Identifier: BSD-2-Clause */
/* Key wrap of password recipients (RFC 3211 2.3): CBC twice over length, check octets, key and padding. */
#ifndef SV_CRYPTO_PASSWRAP_H
#define SV_CRYPTO_PASSWRAP_H

#include "crypto/suite.h"

enum { SV_PASSWRAP_MOST = 48, SV_PASSWRAP_READ_MOST = 256 }; /* octets written; read */

/* out: SV_PASSWRAP_MOST octets; *len says how many are used. cipher: AES in CBC mode. kek and iv are as
 * long as its row says. */
sipveil_code sv_passwrap_key(sv_crypto *crypto, sipveil_cipher cipher, const uint8_t *kek,
                             const uint8_t *iv, sipveil_span key, uint8_t *out, size_t *len,
                             sipveil_error *err);

/* out: key_length octets. False, and out is wiped: not of a length that can be (ADV-095), or its length
 * or check octets are wrong (compared in constant time). */
bool sv_passunwrap_key(sv_crypto *crypto, sipveil_cipher cipher, const uint8_t *kek, const uint8_t *iv,
                       sipveil_span wrapped, size_t key_length, uint8_t *out);

#endif
