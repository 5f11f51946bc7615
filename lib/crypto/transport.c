/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/transport.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/wipe.h"
#include "crypto/contexts.h"
#include "crypto/kdf.h"

static const char room[] = "crypto";

enum { BITS_LEAST = 2048, BITS_MOST = 8192 };

size_t sv_transport_size(const EVP_PKEY *key)
{
    if (key == NULL || !EVP_PKEY_is_a(key, "RSA")) return 0;
    int size = EVP_PKEY_get_size(key);
    return size > 0 && size <= SV_MODULUS_MOST ? (size_t)size : 0;
}

sipveil_code sv_transport_check_key(sv_crypto *crypto, EVP_PKEY *key, sipveil_error *err)
{
    sv_key_facts room_for_facts;
    const sv_key_facts *facts = sv_key_look(crypto, key, &room_for_facts);
    if (facts->bits < BITS_LEAST || facts->bits > BITS_MOST) {
        return sv_fail_rule(err, room, SIPVEIL_POLICY, "ADV-098", SIPVEIL_NO_OFFSET,
                            "the RSA key has %d bits; accepted are %d to %d", facts->bits, BITS_LEAST, BITS_MOST);
    }
    if (facts->good_exponent) return SIPVEIL_OK;
    return sv_fail_rule(err, room, SIPVEIL_POLICY, "ADV-098", SIPVEIL_NO_OFFSET,
                        "the public exponent of the RSA key is even, under 3 or too large");
}

sipveil_code sv_transport_encrypt(sv_crypto *crypto, EVP_PKEY *key, sipveil_span cek, uint8_t *out,
                                  sipveil_error *err)
{
    static const sv_readiness readiness = {.use = SV_FOR_TRANSPORT, .hash = SV_HASH_SHA256, .mask_hash = SV_HASH_SHA256};
    size_t size = sv_transport_size(key), written = size;
    EVP_PKEY_CTX *ctx = size > 0 ? sv_public_context(crypto, key, &readiness) : NULL;
    if (ctx != NULL && EVP_PKEY_encrypt(ctx, out, &written, cek.data, cek.len) == 1 && written == size) return SIPVEIL_OK;
    return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "RSA key transport failed");
}

bool sv_transport_decrypt_oaep(sv_crypto *crypto, EVP_PKEY *key, sv_prepared *prepared, sv_hash hash, sv_hash mask_hash,
                               sipveil_span encrypted, size_t cek_length, uint8_t *out)
{
    const sv_readiness readiness = {.use = SV_FOR_TRANSPORT, .hash = hash, .mask_hash = mask_hash};
    uint8_t plain[SV_MODULUS_MOST];
    size_t size = sv_transport_size(key), written = sizeof plain;
    bool good = size > 0 && encrypted.len == size;
    sv_loan loan = good ? sv_private_context(crypto, key, prepared, &readiness) : (sv_loan){0};
    good = loan.context != NULL && EVP_PKEY_decrypt(loan.context, plain, &written, encrypted.data, encrypted.len) == 1 &&
           written == cek_length;
    sv_private_return(prepared, &loan);
    if (good) memcpy(out, plain, cek_length);
    else sv_wipe(out, cek_length);
    sv_wipe(plain, sizeof plain);
    ERR_clear_error();
    return good;
}

/* What stands for the CEK when the padding is wrong: HMAC-SHA256 under a hash of the private exponent. */
static bool implicit_secret(const sv_crypto *crypto, const EVP_PKEY *key, sipveil_span encrypted,
                            uint8_t out[SV_KEY_MOST])
{
    uint8_t exponent[SV_MODULUS_MOST], hashed[SV_HASH_MOST];
    unsigned hashed_length = 0;
    BIGNUM *d = NULL;
    bool good = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_D, &d) == 1 &&
                BN_bn2binpad(d, exponent, sizeof exponent) == (int)sizeof exponent &&
                EVP_Digest(exponent, sizeof exponent, hashed, &hashed_length,
                           crypto->context->suite->hashes[SV_HASH_SHA256], NULL) == 1 &&
                sv_hmac_sha256(crypto, sv_span(hashed, hashed_length), encrypted, out, NULL) == SIPVEIL_OK;
    BN_clear_free(d);
    sv_wipe(exponent, sizeof exponent);
    sv_wipe(hashed, sizeof hashed);
    return good;
}

static bool decrypt_raw(const sv_crypto *crypto, EVP_PKEY *key, sipveil_span encrypted, uint8_t *block)
{
    size_t written = SV_MODULUS_MOST;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(crypto->context->library, key, NULL);
    bool good = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
                EVP_PKEY_decrypt(ctx, block, &written, encrypted.data, encrypted.len) == 1 &&
                written == encrypted.len;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

/* All ones when b is zero, else zero. */
static unsigned mask_if_zero(unsigned b)
{
    return 0u - ((~b & (b - 1u)) >> (sizeof(unsigned) * CHAR_BIT - 1));
}

sipveil_code sv_transport_decrypt_v15(sv_crypto *crypto, EVP_PKEY *key, sipveil_span encrypted,
                                      size_t cek_length, uint8_t *out, sipveil_error *err)
{
    uint8_t block[SV_MODULUS_MOST] = {0}, instead[SV_KEY_MOST];
    size_t size = sv_transport_size(key);
    if (size < BITS_LEAST / 8 / 2 || !implicit_secret(crypto, key, encrypted, instead)) {
        sv_wipe(instead, sizeof instead);
        return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "RSA key cannot be used for decryption");
    }
    /* Length and range (value < n) of what was received are public. */
    unsigned bad = encrypted.len == size && decrypt_raw(crypto, key, encrypted, block) ? 0 : 1;
    size_t separator = size - cek_length - 1; /* 00 02 nonzero... 00 CEK */
    bad |= block[0] | (block[1] ^ 2u) | block[separator];
    for (size_t i = 2; i < separator; i++) bad |= mask_if_zero(block[i]);
    unsigned use_block = mask_if_zero(bad);
    for (size_t i = 0; i < cek_length; i++) {
        out[i] = (uint8_t)((block[separator + 1 + i] & use_block) | (instead[i] & ~use_block));
    }
    sv_wipe(block, sizeof block);
    sv_wipe(instead, sizeof instead);
    ERR_clear_error();
    return SIPVEIL_OK;
}
