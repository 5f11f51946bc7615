/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/cipher.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <string.h>

#include "base/wipe.h"
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

/* The tag as a parameter: to and fro by EVP_CIPHER_CTX_ctrl() costs a third more. */
static bool read_tag(EVP_CIPHER_CTX *ctx, uint8_t *tag)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, SV_TAG_LENGTH),
                           OSSL_PARAM_construct_end()};
    return EVP_CIPHER_CTX_get_params(ctx, params) == 1;
}

static bool encrypt_gcm(EVP_CIPHER_CTX *ctx, sipveil_span associated, sipveil_span plaintext,
                        uint8_t *out, uint8_t *tag)
{
    int n = 0;
    uint8_t none[16];
    return update(ctx, NULL, associated) && update(ctx, out, plaintext) &&
           EVP_EncryptFinal_ex(ctx, none, &n) == 1 && read_tag(ctx, tag);
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
    sv_wipe(last, sizeof last);
    return good;
}

sipveil_code sv_cipher_encrypt(sv_crypto *crypto, sipveil_cipher cipher, const uint8_t *key,
                               const uint8_t *iv, sipveil_span associated, sipveil_span plaintext,
                               uint8_t *out, uint8_t *tag, sipveil_error *err)
{
    const sv_cipher_row *row = sv_cipher_row_of(cipher);
    EVP_CIPHER_CTX *ctx = crypto->contents[cipher];
    bool good = !row->ccm && plaintext.len <= OCTETS_MOST && associated.len <= OCTETS_MOST &&
                EVP_EncryptInit_ex2(ctx, NULL, key, iv, NULL) == 1;
    if (good) {
        good = row->authenticated ? encrypt_gcm(ctx, associated, plaintext, out, tag)
                                  : encrypt_cbc(ctx, row->block, plaintext, out);
    }
    if (good) return SIPVEIL_OK;
    sv_wipe(out, sv_cipher_output(cipher, plaintext.len));
    return sv_fail_openssl(err, "crypto", SIPVEIL_INTERNAL, "content encryption failed");
}

typedef struct decryption {
    EVP_CIPHER_CTX *ctx;
    const uint8_t *key;
    sipveil_span iv, associated, ciphertext, tag;
    uint8_t *out;
} decryption;

static bool start(const decryption *d)
{
    return EVP_DecryptInit_ex2(d->ctx, NULL, d->key, d->iv.data, NULL) == 1;
}

/* Only the octets of the tag, and only in the length that was judged (ADV-061). */
static bool copy_tag(const decryption *d, uint8_t expected[SV_TAG_LENGTH])
{
    if (d->tag.len < SV_TAG_LEAST || d->tag.len > SV_TAG_LENGTH) return false;
    memcpy(expected, d->tag.data, d->tag.len);
    return true;
}

/* Key, IV and tag in one call. */
static bool start_with_tag(const decryption *d)
{
    uint8_t expected[SV_TAG_LENGTH];
    if (!copy_tag(d, expected)) return false;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, expected, d->tag.len),
                           OSSL_PARAM_construct_end()};
    return EVP_DecryptInit_ex2(d->ctx, NULL, d->key, d->iv.data, params) == 1;
}

static bool decrypt_gcm(const decryption *d)
{
    int n = 0;
    uint8_t none[16];
    return start_with_tag(d) && update(d->ctx, NULL, d->associated) && update(d->ctx, d->out, d->ciphertext) &&
           EVP_DecryptFinal_ex(d->ctx, none, &n) == 1;
}

/* libcrypto wants both lengths and the tag before the key, then the length of the whole, and compares
 * the tag in the one call that decrypts, also when there is nothing to decrypt. */
static bool decrypt_ccm(const decryption *d)
{
    int n = 0, size = (int)d->ciphertext.len;
    uint8_t nothing = 0;
    const uint8_t *in = size > 0 ? d->ciphertext.data : &nothing;
    uint8_t expected[SV_TAG_LENGTH];
    return copy_tag(d, expected) && EVP_DecryptInit_ex2(d->ctx, NULL, NULL, NULL, NULL) == 1 &&
           EVP_CIPHER_CTX_ctrl(d->ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)d->iv.len, NULL) == 1 &&
           EVP_CIPHER_CTX_ctrl(d->ctx, EVP_CTRL_AEAD_SET_TAG, (int)d->tag.len, expected) == 1 &&
           start(d) && EVP_CipherUpdate(d->ctx, NULL, &n, NULL, size) == 1 && update(d->ctx, NULL, d->associated) &&
           EVP_CipherUpdate(d->ctx, size > 0 ? d->out : &nothing, &n, in, size) == 1 && n == size;
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

static bool decrypt_cbc(const decryption *d, size_t block, size_t *len)
{
    size_t padding, size = d->ciphertext.len;
    if (size == 0 || size % block != 0 || !start(d)) return false;
    if (!update(d->ctx, d->out, d->ciphertext) || !padding_of(d->out, size, block, &padding)) return false;
    *len = size - padding;
    return true;
}

bool sv_cipher_decrypt(sv_crypto *crypto, sipveil_cipher cipher, const uint8_t *key, sipveil_span iv,
                       sipveil_span associated, sipveil_span ciphertext, sipveil_span tag,
                       uint8_t *out, size_t *len)
{
    const sv_cipher_row *row = sv_cipher_row_of(cipher);
    const decryption d = {crypto->contents[cipher], key, iv, associated, ciphertext, tag, out};
    size_t found = ciphertext.len;
    bool good = ciphertext.len <= OCTETS_MOST && associated.len <= OCTETS_MOST && sv_cipher_takes_iv(row, iv.len);
    if (good && row->ccm) good = decrypt_ccm(&d);
    else if (good) good = row->authenticated ? decrypt_gcm(&d) : decrypt_cbc(&d, row->block, &found);
    if (!good) {
        sv_wipe(out, ciphertext.len);
        ERR_clear_error();
    }
    *len = good ? found : 0;
    return good;
}
