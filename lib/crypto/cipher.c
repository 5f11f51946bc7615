/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/cipher.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#include "crypto/contexts.h"

enum { OCTETS_MOST = INT_MAX - 64 }; /* libcrypto counts in int */

size_t sv_cipher_output(sipveil_cipher cipher, size_t plaintext)
{
    const sv_cipher_row *row = sv_cipher_row_of(cipher);
    return row->authenticated ? plaintext : plaintext + row->block - plaintext % row->block;
}

static bool update(EVP_CIPHER_CTX *ctx, uint8_t *out, sipveil_span in)
{
    int n = 0;
    if (in.len == 0) return true;
    return EVP_CipherUpdate(ctx, out, &n, in.data, (int)in.len) == 1 && (size_t)n == in.len;
}

static bool encrypt_gcm(EVP_CIPHER_CTX *ctx, sipveil_span associated, sipveil_span plaintext,
                        uint8_t *out, uint8_t *tag)
{
    int n = 0;
    uint8_t none[16];
    return update(ctx, NULL, associated) && update(ctx, out, plaintext) &&
           EVP_EncryptFinal_ex(ctx, none, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SV_TAG_LENGTH, tag) == 1;
}

/* All whole blocks at once, then the last one with its padding. */
static bool encrypt_cbc(EVP_CIPHER_CTX *ctx, size_t block, sipveil_span plaintext, uint8_t *out)
{
    uint8_t last[16];
    size_t rest = plaintext.len % block, whole = plaintext.len - rest;
    if (rest > 0) memcpy(last, plaintext.data + whole, rest);
    memset(last + rest, (int)(block - rest), block - rest);
    bool good = update(ctx, out, sv_span(plaintext.data, whole)) &&
                update(ctx, out + whole, sv_span(last, block));
    OPENSSL_cleanse(last, sizeof last);
    return good;
}

sipveil_code sv_cipher_encrypt(sv_crypto *crypto, sipveil_cipher cipher, const uint8_t *key,
                               const uint8_t *iv, sipveil_span associated, sipveil_span plaintext,
                               uint8_t *out, uint8_t *tag, sipveil_error *err)
{
    const sv_cipher_row *row = sv_cipher_row_of(cipher);
    EVP_CIPHER_CTX *ctx = crypto->contents[cipher];
    bool good = plaintext.len <= OCTETS_MOST && associated.len <= OCTETS_MOST &&
                EVP_EncryptInit_ex2(ctx, NULL, key, iv, NULL) == 1;
    if (good) {
        good = row->authenticated ? encrypt_gcm(ctx, associated, plaintext, out, tag)
                                  : encrypt_cbc(ctx, row->block, plaintext, out);
    }
    if (good) return SIPVEIL_OK;
    OPENSSL_cleanse(out, sv_cipher_output(cipher, plaintext.len));
    return sv_fail_openssl(err, "crypto", SIPVEIL_INTERNAL, "content encryption failed");
}

static bool decrypt_gcm(EVP_CIPHER_CTX *ctx, sipveil_span associated, sipveil_span ciphertext,
                        sipveil_span tag, uint8_t *out)
{
    int n = 0;
    uint8_t none[16], expected[SV_TAG_LENGTH];
    if (tag.len < SV_TAG_LEAST || tag.len > SV_TAG_LENGTH) return false;
    memcpy(expected, tag.data, tag.len);
    return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag.len, expected) == 1 &&
           update(ctx, NULL, associated) && update(ctx, out, ciphertext) &&
           EVP_DecryptFinal_ex(ctx, none, &n) == 1;
}

/* 1 to block octets of that value at the end. No branch and no index depends on them. */
static bool padding_of(const uint8_t *plaintext, size_t len, size_t block, size_t *padding)
{
    unsigned claimed = plaintext[len - 1];
    unsigned bad = ((claimed - 1u) >> 8) | (((unsigned)block - claimed) >> 8); /* 0, or over block */
    for (size_t i = 0; i < block; i++) {
        unsigned inside = 0u - (((unsigned)i - claimed) >> (sizeof(unsigned) * CHAR_BIT - 1));
        bad |= inside & (plaintext[len - 1 - i] ^ claimed);
    }
    *padding = claimed;
    return bad == 0;
}

static bool decrypt_cbc(EVP_CIPHER_CTX *ctx, size_t block, sipveil_span ciphertext, uint8_t *out,
                        size_t *len)
{
    size_t padding;
    if (ciphertext.len == 0 || ciphertext.len % block != 0) return false;
    if (!update(ctx, out, ciphertext) || !padding_of(out, ciphertext.len, block, &padding)) return false;
    *len = ciphertext.len - padding;
    return true;
}

bool sv_cipher_decrypt(sv_crypto *crypto, sipveil_cipher cipher, const uint8_t *key, const uint8_t *iv,
                       sipveil_span associated, sipveil_span ciphertext, sipveil_span tag,
                       uint8_t *out, size_t *len)
{
    const sv_cipher_row *row = sv_cipher_row_of(cipher);
    EVP_CIPHER_CTX *ctx = crypto->contents[cipher];
    size_t found = ciphertext.len;
    bool good = ciphertext.len <= OCTETS_MOST && associated.len <= OCTETS_MOST &&
                EVP_DecryptInit_ex2(ctx, NULL, key, iv, NULL) == 1;
    if (good) {
        good = row->authenticated ? decrypt_gcm(ctx, associated, ciphertext, tag, out)
                                  : decrypt_cbc(ctx, row->block, ciphertext, out, &found);
    }
    if (!good) {
        OPENSSL_cleanse(out, ciphertext.len);
        ERR_clear_error();
    }
    *len = good ? found : 0;
    return good;
}
