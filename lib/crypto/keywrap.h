/* SPDX-License-Identifier: BSD-2-Clause */
/* AES key wrap (RFC 3394) of content-encryption keys: 16, 24 or 32 octets, exactly (ADV-089). */
#ifndef SV_CRYPTO_KEYWRAP_H
#define SV_CRYPTO_KEYWRAP_H

#include "crypto/suite.h"

/* out: key.len + SV_WRAP_GAIN octets. kek is as long as the row of the wrap says. */
sipveil_code sv_wrap_key(sv_crypto *crypto, sv_wrap wrap, const uint8_t *kek, sipveil_span key,
                         uint8_t *out, sipveil_error *err);

/* out: key_length octets. False: wrapped is not of key_length + SV_WRAP_GAIN octets, or the check value
 * is not there (compared in constant time); out is wiped then. */
bool sv_unwrap_key(sv_crypto *crypto, sv_wrap wrap, const uint8_t *kek, sipveil_span wrapped,
                   size_t key_length, uint8_t *out);

/* One AES block in place, wherever the key is; false: it could not be done. */
typedef bool (*sv_block_cipher)(void *state, uint8_t block[16]);
/* The same over such blocks. False: as above, and out is wiped. */
bool sv_wrap_by_blocks(sv_block_cipher encrypt, void *state, sipveil_span key, uint8_t *out);
bool sv_unwrap_by_blocks(sv_block_cipher decrypt, void *state, sipveil_span wrapped, size_t key_length,
                         uint8_t *out);

#endif
