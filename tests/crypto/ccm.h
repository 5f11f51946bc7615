/* SPDX-License-Identifier: BSD-2-Clause */
/* AES-CCM is only read by the library: here libcrypto writes it. */
#ifndef TEST_CRYPTO_CCM_H
#define TEST_CRYPTO_CCM_H

#include <openssl/evp.h>

#include "crypto/suite.h"

/* out: as many octets as the plaintext has; tag: as many as asked for. */
static inline bool encrypt_ccm(sipveil_cipher cipher, const uint8_t *key, sipveil_span nonce, sipveil_span associated,
                               sipveil_span plaintext, uint8_t *out, uint8_t *tag, size_t tag_length)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, sv_cipher_row_of(cipher)->library, NULL);
    int n;
    bool good = EVP_EncryptInit_ex2(ctx, aes, NULL, NULL, NULL) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce.len, NULL) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_length, NULL) == 1 &&
                EVP_EncryptInit_ex2(ctx, NULL, key, nonce.data, NULL) == 1 &&
                EVP_EncryptUpdate(ctx, NULL, &n, NULL, (int)plaintext.len) == 1 &&
                (associated.len == 0 || EVP_EncryptUpdate(ctx, NULL, &n, associated.data, (int)associated.len) == 1) &&
                EVP_EncryptUpdate(ctx, out, &n, plaintext.len > 0 ? plaintext.data : out, (int)plaintext.len) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)tag_length, tag) == 1;
    EVP_CIPHER_free(aes);
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

#endif
