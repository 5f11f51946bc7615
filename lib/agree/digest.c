/* SPDX-License-Identifier: BSD-2-Clause */
#include "agree/digest.h"

#include <openssl/crypto.h>

static const struct {
    const char *name;
    sv_http_hash hash;
    bool session;
} algorithms[SV_ALGORITHM_COUNT] = {
    [SV_ALGORITHM_MD5] = {"MD5", SV_HTTP_MD5, false},
    [SV_ALGORITHM_MD5_SESS] = {"MD5-sess", SV_HTTP_MD5, true},
    [SV_ALGORITHM_SHA256] = {"SHA-256", SV_HTTP_SHA256, false},
    [SV_ALGORITHM_SHA256_SESS] = {"SHA-256-sess", SV_HTTP_SHA256, true},
};

const char *sv_digest_algorithm_name(sv_digest_algorithm algorithm)
{
    return (unsigned)algorithm < SV_ALGORITHM_COUNT ? algorithms[algorithm].name : "";
}

bool sv_digest_algorithm_of(sipveil_span name, sv_digest_algorithm *out)
{
    *out = SV_ALGORITHM_MD5;
    if (name.len == 0) return true;
    for (sv_digest_algorithm a = SV_ALGORITHM_MD5; a < SV_ALGORITHM_COUNT; a++) {
        if (!sv_equal_nocase_str(name, algorithms[a].name)) continue;
        *out = a;
        return true;
    }
    return false;
}

const char *sv_qop_name(sv_qop qop)
{
    return qop == SV_QOP_AUTH ? "auth" : qop == SV_QOP_AUTH_INT ? "auth-int" : "";
}

bool sv_qop_of(sipveil_span name, sv_qop *out)
{
    *out = name.len == 0 ? SV_QOP_NONE : sv_equal_nocase_str(name, "auth") ? SV_QOP_AUTH : SV_QOP_AUTH_INT;
    return name.len == 0 || sv_equal_nocase_str(name, sv_qop_name(*out));
}

static sipveil_span hex_of(const sv_http_hex *hex)
{
    return sv_span(hex->digits, hex->len);
}

#define COLON SV_SPAN(":")

static sipveil_code hash_a1(sv_crypto *crypto, const sv_digest_input *in, sv_http_hex *out, sipveil_error *err)
{
    sv_http_hash hash = algorithms[in->algorithm].hash;
    const sipveil_span user[] = {in->username, COLON, in->realm, COLON, in->password};
    SV_TRY(sv_http_hash_hex(crypto, hash, user, 5, out, err));
    if (!algorithms[in->algorithm].session) return SIPVEIL_OK;
    sv_http_hex first = *out;
    const sipveil_span session[] = {hex_of(&first), COLON, in->nonce, COLON, in->cnonce};
    sipveil_code code = sv_http_hash_hex(crypto, hash, session, 5, out, err);
    OPENSSL_cleanse(&first, sizeof first);
    return code;
}

static sipveil_code hash_a2(sv_crypto *crypto, const sv_digest_input *in, sv_http_hex *out, sipveil_error *err)
{
    sv_http_hash hash = algorithms[in->algorithm].hash;
    sv_http_hex body;
    sipveil_span pieces[7] = {in->method, COLON, in->uri};
    size_t count = 3;
    if (in->qop == SV_QOP_AUTH_INT) {
        SV_TRY(sv_http_hash_hex(crypto, hash, &in->body, 1, &body, err));
        pieces[count++] = COLON;
        pieces[count++] = hex_of(&body);
    }
    if (in->security_server.len > 0) {
        pieces[count++] = COLON;
        pieces[count++] = in->security_server;
    }
    return sv_http_hash_hex(crypto, hash, pieces, count, out, err);
}

sipveil_code sv_digest_response(sv_crypto *crypto, const sv_digest_input *in, sv_http_hex *out, sipveil_error *err)
{
    sv_http_hex a1 = {.len = 0}, a2;
    sipveil_code code = hash_a1(crypto, in, &a1, err);
    if (code == SIPVEIL_OK) code = hash_a2(crypto, in, &a2, err);
    if (code == SIPVEIL_OK) {
        sipveil_span qop = sv_span_str(sv_qop_name(in->qop));
        const sipveil_span without[] = {hex_of(&a1), COLON, in->nonce, COLON, hex_of(&a2)};
        const sipveil_span with[] = {hex_of(&a1), COLON, in->nonce, COLON, in->nc, COLON, in->cnonce, COLON, qop, COLON, hex_of(&a2)};
        code = in->qop == SV_QOP_NONE ? sv_http_hash_hex(crypto, algorithms[in->algorithm].hash, without, 5, out, err)
                                      : sv_http_hash_hex(crypto, algorithms[in->algorithm].hash, with, 11, out, err);
    }
    OPENSSL_cleanse(&a1, sizeof a1);
    return code;
}

void sv_put_one_blank(sv_buffer *out, sipveil_span text)
{
    sv_cursor c = sv_cursor_over(sv_trim(text), "text");
    uint8_t octet;
    while (sv_peek(&c, &octet)) {
        if (sv_is_blank(octet) || octet == '\r' || octet == '\n') {
            while (sv_take_if(&c, ' ') || sv_take_if(&c, '\t') || sv_take_if(&c, '\r') || sv_take_if(&c, '\n')) continue;
            sv_put_byte(out, ' ');
        } else {
            (void)sv_take_byte(&c, &octet);
            sv_put_byte(out, octet);
        }
    }
}

sipveil_code sv_dver_text(sipveil_span list, sipveil_agree_dver_form form, sv_arena *arena, sipveil_span *out,
                          sipveil_error *err)
{
    sv_buffer b;
    sv_buffer_init(&b, arena, list.len + 32, SV_MECHANISM_LIST_MOST + 64);
    if (form != SIPVEIL_AGREE_DVER_VALUE) sv_put_str(&b, "Security-Server: ");
    sv_put_one_blank(&b, list);
    *out = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_AGREE, err);
}

sipveil_code sv_digest_demand(const sv_mechanism *entry, const sv_auth *challenge, sv_digest_rules rules,
                              sv_digest_algorithm *algorithm, sv_qop *qop, sipveil_error *err)
{
    const sv_parameter *alg = sv_mechanism_digest_field(entry, SV_D_ALG, rules.profile);
    const sv_parameter *demanded = sv_mechanism_digest_field(entry, SV_D_QOP, rules.profile);
    bool integrity = entry->kind == SV_MECH_DIGEST_INTEGRITY;
    sipveil_span name = alg != NULL ? alg->value : challenge->algorithm;
    bool known = sv_digest_algorithm_of(name, algorithm);
    if (!known || (algorithms[*algorithm].hash == SV_HTTP_SHA256 && !integrity && !rules.allow_sha256)) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_POLICY, "AGR-40", SIPVEIL_NO_OFFSET,
                            "the digest algorithm \"%s\" is %s", SV_QUOTE(name), known ? "not asked for" : "not known");
    }
    if (integrity) {
        *qop = SV_QOP_AUTH_INT; /* AGR-42 */
    } else if (demanded != NULL) {
        if (!sv_qop_of(demanded->value, qop)) {
            return sv_fail_rule(err, SV_AGREE, SIPVEIL_POLICY, "AGR-34", SIPVEIL_NO_OFFSET,
                                "the qop value \"%s\" is not known", SV_QUOTE(demanded->value));
        }
    } else {
        *qop = sv_auth_offers_qop(challenge, "auth-int") ? SV_QOP_AUTH_INT
               : sv_auth_offers_qop(challenge, "auth")   ? SV_QOP_AUTH
                                                         : SV_QOP_NONE;
    }
    if (*qop != SV_QOP_NONE || rules.allow_no_qop) return SIPVEIL_OK;
    return sv_fail_rule(err, SV_AGREE, SIPVEIL_POLICY, "AGR-39", SIPVEIL_NO_OFFSET,
                        "digest without qop counts nothing, so a replay would not be noticed");
}
