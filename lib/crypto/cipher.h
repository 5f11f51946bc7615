/* SPDX-License-Identifier: BSD-2-Clause */
/* Content encryption: AES-GCM and AES-CCM (RFC 5084) and CBC with the padding of RFC 5652 6.3. */
#ifndef SV_CRYPTO_CIPHER_H
#define SV_CRYPTO_CIPHER_H

#include "crypto/suite.h"

/* Octets of ciphertext for so many of plaintext. */
size_t sv_cipher_output(sipveil_cipher cipher, size_t plaintext);

/* out: sv_cipher_output() octets, none of them in plaintext. tag: SV_TAG_LENGTH octets, authenticated
 * ciphers only. key and iv are as long as the row of the cipher says. CCM is only read: INTERNAL. */
sipveil_code sv_cipher_encrypt(sv_crypto *crypto, sipveil_cipher cipher, const uint8_t *key,
                               const uint8_t *iv, sipveil_span associated, sipveil_span plaintext,
                               uint8_t *out, uint8_t *tag, sipveil_error *err);

/* out has room for ciphertext.len octets. False: not authentic, or not padded, or no multiple of the
 * block, or an iv of a length that the cipher does not take; then out is wiped and *len is 0. Every padding costs the same time (ADV-065). */
bool sv_cipher_decrypt(sv_crypto *crypto, sipveil_cipher cipher, const uint8_t *key, sipveil_span iv,
                       sipveil_span associated, sipveil_span ciphertext, sipveil_span tag,
                       uint8_t *out, size_t *len);

#endif
