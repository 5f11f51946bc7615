/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/es256.h"

#include <openssl/err.h>
#include <string.h>

#include "base/cursor.h"
#include "crypto/contexts.h"

static const char room[] = "crypto";

enum { HALF = 32, TAG_SEQUENCE = 0x30, TAG_INTEGER = 0x02 };

/* The order of P-256 (FIPS 186-4 D.1.2.3). */
static const uint8_t order[HALF] = {0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
                                    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17,
                                    0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51};

static const sv_readiness readiness = {.use = SV_FOR_SIGNATURE, .kind = SV_SIGNATURE_ECDSA, .hash = SV_HASH_SHA256};

bool sv_es256_fits(EVP_PKEY *key)
{
    const sv_signature_scheme *scheme = sv_signature_scheme_for(NULL, key, false);
    return scheme != NULL && scheme->kind == SV_SIGNATURE_ECDSA && strcmp(scheme->digest, "sha256") == 0;
}

/* 0 < number < order. What is compared is public. */
static bool in_range(const uint8_t number[HALF])
{
    static const uint8_t zero[HALF];
    return memcmp(number, zero, HALF) != 0 && memcmp(number, order, HALF) < 0;
}

void sv_es256_lower(sipveil_span signature, uint8_t out[SV_ES256_LENGTH])
{
    const uint8_t *s = signature.data + HALF;
    uint8_t other[HALF];
    int borrow = 0;
    for (int i = HALF - 1; i >= 0; i--) {
        int digit = order[i] - s[i] - borrow;
        borrow = digit < 0;
        other[i] = (uint8_t)(digit + 256 * borrow);
    }
    memcpy(out, signature.data, HALF);
    memcpy(out + HALF, memcmp(s, other, HALF) <= 0 ? s : other, HALF);
}

static bool take_integer(sv_cursor *c, uint8_t out[HALF])
{
    uint8_t length;
    sipveil_span octets;
    if (!sv_take_if(c, TAG_INTEGER) || !sv_take_byte(c, &length) || !sv_take(c, length, &octets)) return false;
    if (octets.len == 0 || (octets.data[0] & 0x80) != 0) return false;
    if (octets.data[0] == 0 && octets.len > 1) octets = sv_span_from(octets, 1);
    if (octets.len > HALF) return false;
    memset(out, 0, HALF - octets.len);
    memcpy(out + HALF - octets.len, octets.data, octets.len);
    return in_range(out);
}

bool sv_es256_from_der(sipveil_span der, uint8_t out[SV_ES256_LENGTH])
{
    sv_cursor c = sv_cursor_over(der, "ECDSA signature"), inside;
    uint8_t length;
    return sv_take_if(&c, TAG_SEQUENCE) && sv_take_byte(&c, &length) && length == sv_left(&c) &&
           sv_take_cursor(&c, length, "r, s", &inside) && take_integer(&inside, out) &&
           take_integer(&inside, out + HALF) && sv_at_end(&inside);
}

static size_t put_integer(const uint8_t number[HALF], uint8_t *out)
{
    size_t skip = 0;
    while (skip < HALF - 1 && number[skip] == 0) skip++;
    bool sign = (number[skip] & 0x80) != 0;
    size_t length = HALF - skip + (sign ? 1 : 0);
    out[0] = TAG_INTEGER;
    out[1] = (uint8_t)length;
    out[2] = 0;
    memcpy(out + 2 + (sign ? 1 : 0), number + skip, HALF - skip);
    return length + 2;
}

bool sv_es256_to_der(sipveil_span signature, uint8_t out[SV_ES256_DER_MOST], size_t *length)
{
    if (signature.len != SV_ES256_LENGTH || !in_range(signature.data) || !in_range(signature.data + HALF)) return false;
    size_t used = 2 + put_integer(signature.data, out + 2);
    used += put_integer(signature.data + HALF, out + used);
    out[0] = TAG_SEQUENCE;
    out[1] = (uint8_t)(used - 2);
    *length = used;
    return true;
}

sipveil_code sv_es256_sign(sv_crypto *crypto, EVP_PKEY *key, sv_prepared *prepared, sipveil_span message,
                           uint8_t out[SV_ES256_LENGTH], sipveil_error *err)
{
    uint8_t digest[SV_DIGEST_MOST], der[SV_ES256_DER_MOST];
    size_t length = sizeof der;
    SV_TRY(sv_digest_octets(crypto, sv_digest_by_name("sha256"), message, digest, err));
    sv_loan loan = sv_private_context(crypto, key, prepared, &readiness);
    bool made = loan.context != NULL && EVP_PKEY_sign(loan.context, der, &length, digest, HALF) == 1 &&
                sv_es256_from_der(sv_span(der, length), out);
    sv_private_return(prepared, &loan);
    if (!made) return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "cannot sign with this key");
    return SIPVEIL_OK;
}

sipveil_code sv_es256_verify(sv_crypto *crypto, EVP_PKEY *key, sipveil_span message, sipveil_span signature,
                             bool *valid, sipveil_error *err)
{
    uint8_t digest[SV_DIGEST_MOST], der[SV_ES256_DER_MOST];
    size_t length;
    *valid = false;
    if (!sv_es256_to_der(signature, der, &length)) return SIPVEIL_OK;
    SV_TRY(sv_digest_octets(crypto, sv_digest_by_name("sha256"), message, digest, err));
    EVP_PKEY_CTX *context = sv_public_context(crypto, key, &readiness);
    if (context == NULL) return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "cannot verify with this key");
    *valid = EVP_PKEY_verify(context, der, length, digest, HALF) == 1;
    if (!*valid) ERR_clear_error();
    return SIPVEIL_OK;
}
