/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <string.h>

#include "base/wipe.h"
#include "crypto/contexts.h"

static const char room[] = "crypto";

enum { HMAC_BLOCK = 64 }; /* of SHA-256 (RFC 2104 2) */

/* OSSL_PARAM wants what it only reads to be writable. */
static void *unconst(sipveil_span s)
{
    union {
        const void *from;
        void *to;
    } pointer = {.from = s.len > 0 ? (const void *)s.data : ""};
    return pointer.to;
}

static OSSL_PARAM octets(const char *name, sipveil_span s)
{
    return OSSL_PARAM_construct_octet_string(name, unconst(s), s.len);
}

static OSSL_PARAM text(const char *name, const char *s)
{
    return OSSL_PARAM_construct_utf8_string(name, unconst(sv_span_str(s)), 0);
}

sipveil_code sv_kdf_x963(sv_crypto *crypto, sv_hash hash, sipveil_span secret, sipveil_span info,
                         uint8_t *out, size_t len, sipveil_error *err)
{
    const EVP_MD *md = crypto->context->suite->hashes[hash];
    EVP_MD_CTX *ctx = crypto->hash;
    size_t size = sv_hash_row_of(hash)->size;
    uint8_t block[SV_HASH_MOST], counter[4] = {0};
    bool good = md != NULL && len <= 255 * size;
    for (size_t done = 0; good && done < len;) {
        counter[3]++;
        good = EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
               EVP_DigestUpdate(ctx, secret.data, secret.len) == 1 &&
               EVP_DigestUpdate(ctx, counter, sizeof counter) == 1 &&
               EVP_DigestUpdate(ctx, info.data, info.len) == 1 &&
               EVP_DigestFinal_ex(ctx, block, NULL) == 1;
        size_t n = len - done < size ? len - done : size;
        if (good) memcpy(out + done, block, n);
        done += n;
    }
    sv_wipe(block, sizeof block);
    if (good) return SIPVEIL_OK;
    sv_wipe(out, len);
    return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "X9.63 key derivation failed");
}

static sipveil_code derive(EVP_KDF_CTX *ctx, const OSSL_PARAM *params, uint8_t *out, size_t len,
                           const char *what, sipveil_error *err)
{
    bool good = EVP_KDF_derive(ctx, out, len, params) == 1;
    EVP_KDF_CTX_reset(ctx); /* wipes the secret */
    if (good) return SIPVEIL_OK;
    sv_wipe(out, len);
    return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, what);
}

sipveil_code sv_kdf_hkdf(sv_crypto *crypto, sv_hash hash, sipveil_span secret, sipveil_span salt,
                         sipveil_span info, uint8_t *out, size_t len, sipveil_error *err)
{
    OSSL_PARAM params[] = {text(OSSL_KDF_PARAM_DIGEST, sv_hash_row_of(hash)->library),
                           octets(OSSL_KDF_PARAM_KEY, secret), octets(OSSL_KDF_PARAM_INFO, info),
                           salt.len > 0 ? octets(OSSL_KDF_PARAM_SALT, salt) : OSSL_PARAM_construct_end(),
                           OSSL_PARAM_construct_end()};
    return derive(crypto->hkdf, params, out, len, "HKDF failed", err);
}

sipveil_code sv_kdf_pbkdf2(sv_crypto *crypto, sv_hash hash, sipveil_span password, sipveil_span salt,
                           uint64_t iterations, uint8_t *out, size_t len, sipveil_error *err)
{
    OSSL_PARAM params[] = {text(OSSL_KDF_PARAM_DIGEST, sv_hash_row_of(hash)->library),
                           octets(OSSL_KDF_PARAM_PASSWORD, password),
                           octets(OSSL_KDF_PARAM_SALT, salt),
                           OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &iterations),
                           OSSL_PARAM_construct_end()};
    return derive(crypto->pbkdf2, params, out, len, "PBKDF2 failed", err);
}

/* H(pad || octets), with the thread's own context: nothing is allocated. */
static bool hash_behind(const sv_crypto *crypto, const uint8_t pad[HMAC_BLOCK], sipveil_span behind, uint8_t *out)
{
    EVP_MD_CTX *ctx = crypto->hash;
    return EVP_DigestInit_ex2(ctx, crypto->context->suite->hashes[SV_HASH_SHA256], NULL) == 1 &&
           EVP_DigestUpdate(ctx, pad, HMAC_BLOCK) == 1 && EVP_DigestUpdate(ctx, behind.data, behind.len) == 1 &&
           EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

/* H(K ^ opad || H(K ^ ipad || message)) */
sipveil_code sv_hmac_sha256(const sv_crypto *crypto, sipveil_span key, sipveil_span message,
                            uint8_t out[SV_HMAC_SHA256_LENGTH], sipveil_error *err)
{
    const uint8_t inner = 0x36, outer = 0x5C;
    uint8_t pad[HMAC_BLOCK] = {0}, hashed[SV_HMAC_SHA256_LENGTH];
    bool good = key.len > 0; /* the caller's own, and never empty */
    if (good && key.len <= HMAC_BLOCK) {
        memcpy(pad, key.data, key.len);
    } else if (good) {
        good = EVP_DigestInit_ex2(crypto->hash, crypto->context->suite->hashes[SV_HASH_SHA256], NULL) == 1 &&
               EVP_DigestUpdate(crypto->hash, key.data, key.len) == 1 && EVP_DigestFinal_ex(crypto->hash, pad, NULL) == 1;
    }
    for (size_t i = 0; i < HMAC_BLOCK; i++) pad[i] ^= inner;
    good = good && hash_behind(crypto, pad, message, hashed);
    for (size_t i = 0; i < HMAC_BLOCK; i++) pad[i] ^= inner ^ outer;
    good = good && hash_behind(crypto, pad, sv_span(hashed, sizeof hashed), out);
    sv_wipe(pad, sizeof pad);
    sv_wipe(hashed, sizeof hashed);
    if (good) return SIPVEIL_OK;
    sv_wipe(out, SV_HMAC_SHA256_LENGTH);
    return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "HMAC-SHA256 failed");
}
