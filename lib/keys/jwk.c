/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/jwk.h"

#include "base/cursor.h"
#include "base/span.h"
#include "keys/json.h"
#include "mime/mime.h"

static sipveil_code refuse(sipveil_error *err, const char *why)
{
    return sv_fail(err, "keys", SIPVEIL_USAGE, "%s", why);
}

/* Constant time would be idle here: the key comes from a file of ours, once. */
static sipveil_code decode_key(sipveil_span text, sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    sipveil_error why;
    sipveil_code code = sv_mime_decode_base64url(text, arena, out, &why);
    if (code == SIPVEIL_OK) return code;
    if (code != SIPVEIL_MALFORMED) return sv_no_memory(err, "keys");
    return sv_fail(err, "keys", SIPVEIL_USAGE, "member \"k\" is %s", why.text);
}

static sipveil_code decode_hex(sipveil_span text, sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    if (text.len % 2 != 0) return refuse(err, "member \"kid_hex\" has an odd number of digits");
    uint8_t *data = sv_arena_alloc(arena, text.len / 2);
    if (data == NULL) return sv_no_memory(err, "keys");
    sv_cursor c = sv_cursor_over(text, "kid_hex");
    for (size_t i = 0; i < text.len / 2; i++) {
        if (!sv_take_hex_octet(&c, &data[i])) return refuse(err, "member \"kid_hex\" is not hexadecimal");
    }
    *out = sv_span(data, text.len / 2);
    return SIPVEIL_OK;
}

/* ---- one key ---- */

/* The member's text, empty if it is not there. */
static sipveil_code text_member(const sv_json *jwk, const char *name, sipveil_span *out,
                                sipveil_error *err)
{
    const sv_json *member = sv_json_member(jwk, name);
    *out = (sipveil_span){0};
    if (member == NULL) return SIPVEIL_OK;
    if (member->kind != SV_JSON_STRING || member->text.len == 0) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "member \"%s\" is not a text", name);
    }
    *out = member->text;
    return SIPVEIL_OK;
}

static sipveil_code check_algorithm(sipveil_span alg, sipveil_span use, sipveil_span key,
                                    sipveil_error *err)
{
    static const struct {
        const char *name;
        size_t octets;
    } wraps[] = {{"A128KW", 16}, {"A192KW", 24}, {"A256KW", 32}};
    if (use.len > 0 && !sv_equal_str(use, "enc")) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "the key is for \"%s\", not for encryption",
                       SV_QUOTE(use));
    }
    if (alg.len == 0) return SIPVEIL_OK;
    for (size_t i = 0; i < sizeof wraps / sizeof *wraps; i++) {
        if (!sv_equal_str(alg, wraps[i].name)) continue;
        if (key.len == wraps[i].octets) return SIPVEIL_OK;
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-093", SIPVEIL_NO_OFFSET,
                            "the key has %zu octets, and \"alg\" says %s", key.len, wraps[i].name);
    }
    return sv_fail(err, "keys", SIPVEIL_USAGE, "\"alg\" is \"%s\", not A128KW, A192KW or A256KW",
                   SV_QUOTE(alg));
}

/* Seconds since 1970, as in JWT claims (RFC 7519 2, NumericDate), whole ones; 0 if it is not there. */
static sipveil_code time_member(const sv_json *jwk, const char *name, int64_t *out, sipveil_error *err)
{
    enum { DIGITS_MOST = 12 };
    const sv_json *member = sv_json_member(jwk, name);
    *out = 0;
    if (member == NULL) return SIPVEIL_OK;
    bool good = member->kind == SV_JSON_NUMBER && member->text.len <= DIGITS_MOST;
    for (size_t i = 0; good && i < member->text.len; i++) {
        good = sv_is_digit(member->text.data[i]);
        *out = *out * 10 + (member->text.data[i] - '0');
    }
    if (good && *out > 0) return SIPVEIL_OK;
    return sv_fail(err, "keys", SIPVEIL_USAGE, "member \"%s\" is no time in whole seconds since 1970", name);
}

/* CMS-15: from when until when the key is good; both may be left out. */
static sipveil_code read_validity(const sv_json *jwk, sv_cms_key *key, sipveil_error *err)
{
    SV_TRY(time_member(jwk, "nbf", &key->valid_from, err));
    SV_TRY(time_member(jwk, "exp", &key->valid_until, err));
    if (key->valid_until == 0 || key->valid_until > key->valid_from) return SIPVEIL_OK;
    return refuse(err, "member \"exp\" is not after \"nbf\"");
}

static sipveil_code read_key(const sv_json *jwk, sv_arena *scratch, sv_key_batch *batch,
                             sipveil_error *err)
{
    sipveil_span kid, kid_hex, k, alg, use, id, key;
    SV_TRY(text_member(jwk, "kid", &kid, err));
    SV_TRY(text_member(jwk, "kid_hex", &kid_hex, err));
    SV_TRY(text_member(jwk, "k", &k, err));
    SV_TRY(text_member(jwk, "alg", &alg, err));
    SV_TRY(text_member(jwk, "use", &use, err));
    if (k.len == 0) return refuse(err, "the JWK has no member \"k\"");
    if (kid.len == 0 && kid_hex.len == 0) {
        return refuse(err, "the JWK has neither \"kid\" nor \"kid_hex\"");
    }
    id = kid;
    if (kid_hex.len > 0) SV_TRY(decode_hex(kid_hex, scratch, &id, err));
    if (kid.len > 0 && !sv_equal(kid, id)) {
        sv_fail(err, "keys", SIPVEIL_USAGE, "\"kid\" is \"%s\", and \"kid_hex\" names other octets: %s", SV_QUOTE(kid), SV_QUOTE(kid_hex));
        return sv_hint(err, SIPVEIL_USAGE, "keep the one that goes on the wire: kid, as UTF-8, or kid_hex, as octets");
    }
    SV_TRY(decode_key(k, scratch, &key, err));
    SV_TRY(check_algorithm(alg, use, key, err));
    SV_TRY(sv_key_batch_add_kek(batch, id, key, err));
    return read_validity(jwk, &batch->last->cms, err);
}

static bool is_shared_key(const sv_json *jwk)
{
    const sv_json *kty = sv_json_member(jwk, "kty");
    return kty != NULL && kty->kind == SV_JSON_STRING && sv_equal_str(kty->text, "oct");
}

/* kid as its text, or the digits of kid_hex where that is the only name. */
static bool is_picked(const sv_json *jwk, const char *kid)
{
    const sv_json *name = sv_json_member(jwk, "kid");
    if (kid == NULL) return true;
    if (name != NULL) return name->kind == SV_JSON_STRING && sv_equal_str(name->text, kid);
    name = sv_json_member(jwk, "kid_hex");
    return name != NULL && name->kind == SV_JSON_STRING && sv_equal_nocase_str(name->text, kid);
}

static sipveil_code read_value(const sv_json *value, const char *kid, sv_arena *scratch,
                               sv_key_batch *batch, sipveil_error *err)
{
    const sv_json *keys = sv_json_member(value, "keys");
    if (value->kind != SV_JSON_OBJECT) return refuse(err, "a JWK is an object");
    if (keys == NULL && !is_shared_key(value)) return refuse(err, "the JWK is no shared key: \"kty\" is not \"oct\"");
    if (keys != NULL && keys->kind != SV_JSON_ARRAY) return refuse(err, "member \"keys\" is not an array");
    for (const sv_json *jwk = keys != NULL ? keys->first : value; jwk != NULL; jwk = jwk->next) {
        if (jwk->kind != SV_JSON_OBJECT) return refuse(err, "a member of the JWK set is not an object");
        if (!is_shared_key(jwk) || !is_picked(jwk, kid)) continue;
        SV_TRY(read_key(jwk, scratch, batch, err));
    }
    if (batch->count > 0) return SIPVEIL_OK;
    if (kid == NULL) return refuse(err, "the JWK set holds no shared key");
    return sv_fail(err, "keys", SIPVEIL_USAGE, "no shared key has the kid \"%s\"",
                   SV_QUOTE(sv_span_str(kid)));
}

sipveil_code sv_jwk_read(sipveil_span text, const char *kid, sv_key_batch *batch, sipveil_error *err)
{
    enum { SCRATCH = 4096, SCRATCH_MOST = 128 << 20 };
    const sv_json *value;
    sv_arena *scratch = sv_arena_new(SCRATCH, SCRATCH_MOST);
    if (scratch == NULL) return sv_no_memory(err, "keys");
    sipveil_code code = sv_json_read(text, scratch, &value, err);
    if (code == SIPVEIL_OK) code = read_value(value, kid, scratch, batch, err);
    sv_arena_free(scratch);
    return code;
}

/* ---- writing ---- */

/* UTF-8 is checked by reading the string back. */
static sipveil_code put_json_string(sv_buffer *out, sipveil_span text, sipveil_error *err)
{
    size_t start = out->len;
    const sv_json *back;
    sv_put_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c < 0x20 || c == 0x7F) return refuse(err, "the kid holds a control character");
        if (c == '"' || c == '\\') sv_put_byte(out, '\\');
        sv_put_byte(out, c);
    }
    sv_put_byte(out, '"');
    SV_TRY(sv_buffer_check(out, "keys", err));
    sipveil_code code = sv_json_read(sv_span(out->data + start, out->len - start), out->arena, &back, err);
    if (code == SIPVEIL_USAGE) return refuse(err, "the kid is not UTF-8");
    return code;
}

sipveil_code sv_jwk_put(sv_buffer *out, sipveil_span kid, sipveil_span key, sipveil_error *err)
{
    if (kid.len == 0 || kid.len > SV_KEK_ID_MOST) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "the kid has %zu octets, not 1 to %d", kid.len,
                       SV_KEK_ID_MOST);
    }
    sv_put_str(out, "{\"kty\":\"oct\",\"kid\":");
    SV_TRY(put_json_string(out, kid, err));
    sv_put_str(out, ",\"k\":\"");
    sv_mime_put_base64url(out, key);
    sv_put_format(out, "\",\"alg\":\"A%zuKW\"}\n", key.len * 8);
    return sv_buffer_check(out, "keys", err);
}
