/* SPDX-License-Identifier: BSD-2-Clause */
/* Challenges and credentials: "Digest name=value, ..." (RFC 3261 25.1). */
#include "agree/digest.h"
#include "sip/address.h"

typedef struct place {
    const char *name;
    sipveil_span *value;
    bool *has;
} place;

/* One parameter, after any comma. */
static bool take_one(sv_cursor *c, sipveil_span *name, sipveil_span *value)
{
    bool escape;
    uint8_t next;
    sv_skip_lws(c);
    *name = sv_take_while(c, sv_is_token);
    sv_skip_lws(c);
    if (name->len == 0 || !sv_take_if(c, '=')) return false;
    sv_skip_lws(c);
    if (sv_peek(c, &next) && next == '"') {
        if (!sv_take_quoted(c, value, &escape)) return false;
    } else {
        *value = sv_take_run(c, SV_OCTET_GEN_VALUE);
        if (value->len == 0) return false;
    }
    sv_skip_lws(c);
    return true;
}

static sipveil_code refuse(const sv_cursor *c, sipveil_error *err)
{
    return sv_fail_rule(err, SV_AGREE, SIPVEIL_MALFORMED, "AGR-33", sv_offset(c),
                        "no list of digest parameters, each once: %s", SV_QUOTE(sv_rest(c)));
}

sipveil_code sv_auth_read(sipveil_span value, sv_auth *out, bool *digest, sipveil_error *err)
{
    bool has_cnonce = false, has_nc = false, has_algorithm = false, has_opaque = false, has_stale = false;
    sipveil_span stale = {0};
    const place places[] = {
        {"username", &out->username, &out->has_username}, {"realm", &out->realm, &out->has_realm},
        {"nonce", &out->nonce, &out->has_nonce}, {"uri", &out->uri, &out->has_uri},
        {"response", &out->response, &out->has_response}, {"qop", &out->qop, &out->has_qop},
        {"cnonce", &out->cnonce, &has_cnonce}, {"nc", &out->nc, &has_nc}, {"algorithm", &out->algorithm, &has_algorithm},
        {"opaque", &out->opaque, &has_opaque}, {"stale", &stale, &has_stale}};
    sv_cursor c = sv_cursor_over(value, "digest parameters");
    *out = (sv_auth){0};
    sipveil_span scheme = sv_take_while(&c, sv_is_token), name, text;
    *digest = sv_equal_nocase_str(scheme, "Digest");
    if (!*digest) return SIPVEIL_OK;
    do {
        if (!take_one(&c, &name, &text)) return refuse(&c, err);
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            if (!sv_equal_nocase_str(name, places[i].name)) continue;
            if (*places[i].has) return refuse(&c, err);
            *places[i].has = true;
            *places[i].value = text;
        }
    } while (sv_take_if(&c, ','));
    out->stale = sv_equal_nocase_str(stale, "true");
    return sv_at_end(&c) ? SIPVEIL_OK : refuse(&c, err);
}

static bool take_undone(sv_cursor *c, uint8_t *octet)
{
    return sv_take_byte(c, octet) && (*octet != '\\' || sv_take_byte(c, octet));
}

bool sv_quoted_says(sipveil_span written, const char *name)
{
    sv_cursor c = sv_cursor_over(written, "quoted string");
    uint8_t octet;
    for (; take_undone(&c, &octet); name++) {
        if (*name == '\0' || octet != (unsigned char)*name) return false;
    }
    return *name == '\0';
}

bool sv_quoted_same(sipveil_span written, sipveil_span other)
{
    sv_cursor a = sv_cursor_over(written, "quoted string"), b = sv_cursor_over(other, "quoted string");
    uint8_t x = 0, y = 0;
    bool more = true;
    while (more && x == y) {
        more = take_undone(&a, &x);
        if (take_undone(&b, &y) != more) return false;
    }
    return x == y;
}

bool sv_is_quotable(const char *name)
{
    for (; *name != '\0'; name++) {
        if ((unsigned char)*name < 0x20 || *name == 0x7F) return false;
    }
    return true;
}

void sv_put_quoted(sv_buffer *out, sipveil_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '"' || name.data[i] == '\\') sv_put_byte(out, '\\');
        sv_put_byte(out, name.data[i]);
    }
}

bool sv_auth_offers_qop(const sv_auth *challenge, const char *qop)
{
    sv_cursor c = sv_cursor_over(challenge->qop, "qop");
    do {
        sv_skip_lws(&c);
        if (sv_equal_nocase_str(sv_take_while(&c, sv_is_token), qop)) return true;
        sv_skip_lws(&c);
    } while (sv_take_if(&c, ','));
    return false;
}
