/* SPDX-License-Identifier: BSD-2-Clause */
/* The Identity header field as text (RFC 8224 4, RFC 4474 9). */
#include "base/field.h"
#include "identity/identity.h"
#include "sip/address.h"

static sipveil_code bad(sipveil_error *err, const char *rule, const sv_cursor *c, const char *what)
{
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_MALFORMED, rule, sv_offset(c), "Identity: %s", what);
}

bool sv_identity_is_quoted(sipveil_span value)
{
    return value.len > 0 && value.data[0] == '"';
}

/* The printed grammar lacks "-" and "_"; base64url has them (IDN-22). */
static bool is_digest_octet(uint8_t c)
{
    return sv_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* header.payload.signature, the first two both there or both not (IDN-28). */
static sipveil_code read_digest(sv_cursor *c, sv_identity_text *out, sipveil_error *err)
{
    sipveil_span digest = sv_take_while(c, is_digest_octet), *pieces[] = {&out->header, &out->payload};
    sv_cursor d = sv_cursor_over(digest, "PASSporT");
    for (size_t i = 0; i < 2; i++) {
        if (!sv_take_until(&d, '.', pieces[i])) return bad(err, "IDN-22", c, "not three parts with dots between");
        (void)sv_take_if(&d, '.');
    }
    out->signature = sv_rest(&d);
    out->full = out->header.len > 0;
    if (sv_find_byte(out->signature, '.', &(size_t){0})) return bad(err, "IDN-22", c, "more than three parts");
    if (out->signature.len == 0) return bad(err, "IDN-22", c, "no signature");
    if (out->full != (out->payload.len > 0)) return bad(err, "IDN-28", c, "header or payload alone");
    return SIPVEIL_OK;
}

/* ;info=<URI>, which is neither a token nor quoted. False: another parameter stands here. */
static bool take_info(sv_cursor *c, sipveil_span *uri)
{
    sv_cursor at = *c;
    sv_skip_lws(&at);
    if (!sv_take_if(&at, ';')) return false;
    sv_skip_lws(&at);
    if (!sv_equal_nocase_str(sv_take_while(&at, sv_is_token), "info")) return false;
    sv_skip_lws(&at);
    if (!sv_take_if(&at, '=')) return false;
    sv_skip_lws(&at);
    if (!sv_take_if(&at, '<') || !sv_take_until(&at, '>', uri) || !sv_take_if(&at, '>')) return false;
    *c = at;
    return true;
}

/* IDN-22: as token or quoted string. */
static bool set(sipveil_span *place, bool *has, const sv_parameter *p)
{
    if (*has || !p->has_value || p->has_escape || p->value.len == 0) return false;
    *has = true;
    *place = p->value;
    return true;
}

sipveil_code sv_identity_text_read(sipveil_span value, sv_identity_text *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Identity");
    sv_parameter p;
    sipveil_span uri;
    bool taken = true, has_info = false;
    *out = (sv_identity_text){0};
    sipveil_code code = read_digest(&c, out, err);
    while (taken) {
        if (take_info(&c, &uri)) {
            if (has_info) return bad(err, "IDN-23", &c, "info stands twice");
            has_info = true;
            out->info = uri;
            continue;
        }
        SV_TRY(sv_take_parameter(&c, SV_OCTET_GEN_VALUE, SV_IDENTITY, &p, &taken, err));
        if (!taken) break;
        if (sv_equal_nocase_str(p.name, "info")) return bad(err, "IDN-23", &c, "info is no URI in angle brackets");
        if (sv_equal_nocase_str(p.name, "alg") && !set(&out->alg, &out->has_alg, &p)) return bad(err, "IDN-24", &c, "alg is doubled or empty");
        if (sv_equal_nocase_str(p.name, "ppt") && !set(&out->ppt, &out->has_ppt, &p)) return bad(err, "IDN-24", &c, "ppt is doubled or empty");
    }
    if (code != SIPVEIL_OK) return code;
    sv_skip_lws(&c);
    if (!sv_at_end(&c)) return bad(err, "IDN-22", &c, "something after the end");
    if (!has_info || out->info.len == 0) return bad(err, "IDN-23", &c, "no info");
    return SIPVEIL_OK;
}

sipveil_code sv_identity_info_read(sipveil_span value, sipveil_span *uri, sipveil_span *alg, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Identity-Info");
    sv_parameter p;
    bool taken = true, has_alg = false, good = true;
    *alg = *uri = sv_span(NULL, 0);
    if (!sv_take_if(&c, '<') || !sv_take_until(&c, '>', uri) || !sv_take_if(&c, '>') || uri->len == 0) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_MALFORMED, "IDN-14", sv_offset(&c),
                            "Identity-Info \"%s\" has no URI in angle brackets", SV_QUOTE(value));
    }
    while (taken) {
        SV_TRY(sv_take_parameter(&c, SV_OCTET_GEN_VALUE, SV_IDENTITY, &p, &taken, err));
        if (taken && sv_equal_nocase_str(p.name, "alg")) good = set(alg, &has_alg, &p) && good;
    }
    sv_skip_lws(&c);
    if (!good || !has_alg || !sv_at_end(&c)) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_MALFORMED, "IDN-13", sv_offset(&c),
                            "Identity-Info \"%s\" does not say its alg", SV_QUOTE(value));
    }
    return SIPVEIL_OK;
}
