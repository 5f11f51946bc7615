/* SPDX-License-Identifier: BSD-2-Clause */
/* Nonces of ours: 8 hex digits of time, 16 that tell transactions apart, 32 of a MAC over both and the realm. So the
 * server keeps nothing for whoever has proved nothing (AGR-28); only a nonce that good credentials used is counted. */
#include <openssl/crypto.h>

#include "agree/digest.h"
#include "base/hex.h"
#include "crypto/kdf.h"
#include "tunnel/memory.h"

enum { TIME_DIGITS = 8, NUMBER_DIGITS = 16, MAC_DIGITS = SV_NONCE_LENGTH - TIME_DIGITS - NUMBER_DIGITS };

#define KEY_SCOPE SV_SPAN("")
#define KEY_NAME SV_SPAN("key")

sipveil_code sv_nonces_begin(sv_nonces *nonces, sipveil_error *err)
{
    sipveil_span value;
    if (nonces->lifetime == 0) nonces->lifetime = SV_NONCE_LIFETIME;
    if (nonces->memory == NULL || nonces->realm == NULL || nonces->lifetime < 0) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "digest needs a realm, and a memory for its nonces");
    }
    sv_store *store = sv_memory_store(nonces->memory);
    if (sv_store_find(store, SV_STORE_OWN_KEY, KEY_SCOPE, KEY_NAME, nonces->now, &value) && value.len == SV_NONCE_KEY) {
        memcpy(nonces->key, value.data, SV_NONCE_KEY);
        return SIPVEIL_OK;
    }
    SV_TRY(sv_random(nonces->crypto, nonces->key, SV_NONCE_KEY, err));
    return sv_store_add(store, SV_STORE_OWN_KEY, KEY_SCOPE, KEY_NAME, sv_span(nonces->key, SV_NONCE_KEY), nonces->now,
                        INT64_MAX, err);
}

void sv_nonces_end(sv_nonces *nonces)
{
    OPENSSL_cleanse(nonces->key, sizeof nonces->key);
}

enum { SAID_MOST = 512 };

/* HMAC(key, what "|" text "|" realm), text cut by its own digest never: it is hashed with its length in front. */
static sipveil_code mac(const sv_nonces *nonces, char what, sipveil_span text, uint8_t out[SV_HMAC_SHA256_LENGTH],
                        sipveil_error *err)
{
    uint8_t said[SAID_MOST];
    size_t realm = strlen(nonces->realm);
    if (text.len > SAID_MOST / 2 || realm > SAID_MOST / 2 - 4) {
        return sv_fail(err, SV_AGREE, SIPVEIL_LIMIT, "the realm is too long");
    }
    said[0] = (uint8_t)what;
    said[1] = (uint8_t)(text.len >> 8);
    said[2] = (uint8_t)text.len;
    memcpy(said + 3, text.data, text.len);
    memcpy(said + 3 + text.len, nonces->realm, realm);
    return sv_hmac_sha256(nonces->crypto, sv_span(nonces->key, SV_NONCE_KEY), sv_span(said, 3 + text.len + realm), out, err);
}

sipveil_code sv_nonce_make(sv_nonces *nonces, const sipveil_span *transaction, size_t count, uint8_t out[SV_NONCE_LENGTH],
                           sipveil_error *err)
{
    uint8_t octets[SV_HMAC_SHA256_LENGTH], seed[SV_HTTP_HEX_MOST + 4];
    sv_http_hex digest;
    uint32_t when = (uint32_t)(nonces->now - nonces->now % SV_NONCE_STEP);
    for (int i = 0; i < 4; i++) seed[i] = (uint8_t)(when >> (24 - 8 * i));
    sv_write_hex(out, sv_span(seed, TIME_DIGITS / 2));
    SV_TRY(sv_http_hash_hex(nonces->crypto, SV_HTTP_SHA256, transaction, count, &digest, err));
    memcpy(seed + 4, digest.digits, SV_HTTP_HEX_MOST);
    SV_TRY(mac(nonces, 't', sv_span(seed, sizeof seed), octets, err));
    sv_write_hex(out + TIME_DIGITS, sv_span(octets, NUMBER_DIGITS / 2));
    SV_TRY(mac(nonces, 'n', sv_span(out, TIME_DIGITS + NUMBER_DIGITS), octets, err));
    sv_write_hex(out + TIME_DIGITS + NUMBER_DIGITS, sv_span(octets, MAC_DIGITS / 2));
    return SIPVEIL_OK;
}

static bool read_hex(sipveil_span text, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (!sv_is_digit(c) && (c < 'a' || c > 'f')) return false;
        *out = *out << 4 | sv_hex_value(c);
    }
    return true;
}

bool sv_nc_read(sipveil_span text, uint32_t *out)
{
    return text.len == 8 && read_hex(text, out) && *out > 0;
}

sipveil_code sv_nonce_judge(sv_nonces *nonces, sipveil_span nonce, sv_nonce_state *out, sipveil_error *err)
{
    uint8_t octets[SV_HMAC_SHA256_LENGTH], digits[MAC_DIGITS];
    uint32_t when;
    *out = SV_NONCE_FOREIGN;
    if (nonce.len != SV_NONCE_LENGTH || !read_hex(sv_span(nonce.data, TIME_DIGITS), &when)) return SIPVEIL_OK;
    SV_TRY(mac(nonces, 'n', sv_span(nonce.data, TIME_DIGITS + NUMBER_DIGITS), octets, err));
    sv_write_hex(digits, sv_span(octets, MAC_DIGITS / 2));
    if (!sv_equal_constant_time(sv_span(digits, MAC_DIGITS), sv_span_from(nonce, TIME_DIGITS + NUMBER_DIGITS))) {
        return SIPVEIL_OK;
    }
    *out = (int64_t)when > nonces->now || nonces->now - (int64_t)when > nonces->lifetime ? SV_NONCE_EXPIRED
                                                                                         : SV_NONCE_GOOD;
    return SIPVEIL_OK;
}

sipveil_code sv_nonce_count(sv_nonces *nonces, sipveil_span username, sipveil_span nonce, uint32_t nc,
                            sv_nonce_state *out, sipveil_error *err)
{
    sv_store *store = sv_memory_store(nonces->memory);
    uint8_t number[4] = {(uint8_t)(nc >> 24), (uint8_t)(nc >> 16), (uint8_t)(nc >> 8), (uint8_t)nc};
    sipveil_span value;
    *out = SV_NONCE_GOOD;
    if (sv_store_find(store, SV_STORE_NONCE, username, nonce, nonces->now, &value) && value.len == sizeof number) {
        if (memcmp(value.data, number, sizeof number) >= 0) {
            *out = SV_NONCE_USED;
            return SIPVEIL_OK;
        }
    }
    return sv_store_replace(store, SV_STORE_NONCE, username, nonce, sv_span(number, sizeof number), nonces->now,
                            nonces->now + nonces->lifetime + SV_NONCE_STEP, err);
}
