/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity/passport.h"

/* iat is an integer of seconds that a double holds (RFC 7519 2), and a time that Date can name. */
static const uint64_t SECONDS_MOST = UINT64_C(253402300799);

/* ---- writing: members stand in the order of their names ---- */

sipveil_code sv_passport_put_header(const sv_passport *passport, sv_buffer *out, sipveil_error *err)
{
    sv_put_str(out, "{\"alg\":\"ES256\"");
    if (passport->ppt.len > 0) {
        sv_put_str(out, ",\"ppt\":");
        sv_json_put_string(out, passport->ppt);
    }
    sv_put_str(out, ",\"typ\":\"passport\",\"x5u\":");
    sv_json_put_string(out, passport->x5u);
    sv_put_byte(out, '}');
    return sv_buffer_check(out, SV_IDENTITY, err);
}

static void put_mky(const sv_fingerprints *mky, sv_buffer *out)
{
    for (size_t i = 0; i < mky->count; i++) {
        sv_put_str(out, i == 0 ? "[{\"alg\":" : ",{\"alg\":");
        sv_json_put_string(out, mky->items[i].algorithm);
        sv_put_str(out, ",\"dig\":\"");
        sv_put(out, mky->items[i].digest);
        sv_put_str(out, "\"}");
    }
    sv_put_byte(out, ']');
}

static sipveil_code put_base(const sv_passport *passport, sv_buffer *out, sipveil_error *err)
{
    sv_put_str(out, passport->dest.is_number ? "{\"dest\":{\"tn\":[" : "{\"dest\":{\"uri\":[");
    sv_json_put_string(out, passport->dest.text);
    sv_put_str(out, "]},\"iat\":");
    sv_put_number(out, (uint64_t)passport->iat);
    if (passport->mky.count > 0) {
        sv_put_str(out, ",\"mky\":");
        put_mky(&passport->mky, out);
    }
    sv_put_str(out, passport->orig.is_number ? ",\"orig\":{\"tn\":" : ",\"orig\":{\"uri\":");
    sv_json_put_string(out, passport->orig.text);
    sv_put_str(out, "}}");
    return sv_buffer_check(out, SV_IDENTITY, err);
}

/* ---- further claims ---- */

static sipveil_code no_claims(sipveil_error *err, const char *what, const char *more)
{
    sv_fail_rule(err, SV_IDENTITY, SIPVEIL_USAGE, "IDN-25", SIPVEIL_NO_OFFSET, "%s%s", what, more);
    return sv_hint(err, SIPVEIL_USAGE, "claims are a JSON object, as in {\"attest\":\"A\"}");
}

/* A JWK in place of claims, or one with its secret among them (RFC 7517 4.1, 7518 6). The public key of a claim such as cnf
 * (RFC 7800) may stand. */
static bool holds_key(const sv_json *value, bool outermost)
{
    bool is_key = sv_json_member(value, "kty") != NULL;
    if (is_key && (outermost || sv_json_member(value, "d") != NULL || sv_json_member(value, "k") != NULL)) return true;
    bool nests = value->kind == SV_JSON_OBJECT || value->kind == SV_JSON_ARRAY;
    for (const sv_json *m = nests ? value->first : NULL; m != NULL; m = m->next) {
        if (holds_key(m, false)) return true;
    }
    return false;
}

sipveil_code sv_claims_read(sipveil_span text, sv_arena *arena, const sv_json **out, sipveil_error *err)
{
    sipveil_error why;
    const sv_json *claims;
    *out = NULL;
    sipveil_code code = sv_json_read_within(text, SV_IDENTITY_JSON_DEPTH, arena, &claims, &why);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(err, SV_IDENTITY);
    if (code != SIPVEIL_OK) return no_claims(err, "the claims are no JSON object: ", why.text);
    if (claims->kind != SV_JSON_OBJECT) return no_claims(err, "the claims are no JSON object", "");
    if (holds_key(claims, true)) return no_claims(err, "the claims hold a key (JWK), which everybody on the way would read", "");
    *out = claims;
    return SIPVEIL_OK;
}

/* They are put among ours: the members of both in one object. */
static sipveil_code put_with_claims(const sv_passport *passport, sv_arena *arena, sv_buffer *out, sipveil_error *err)
{
    sv_buffer base;
    const sv_json *ours;
    sv_buffer_init(&base, arena, 512, SV_IDENTITY_FIELD_MOST);
    SV_TRY(put_base(passport, &base, err));
    SV_TRY(sv_json_read_within(sv_buffer_span(&base), SV_IDENTITY_JSON_DEPTH, arena, &ours, err));
    sv_json all = {.kind = SV_JSON_OBJECT};
    sv_json **place = &all.first;
    const sv_json *lists[] = {ours->first, passport->claims->first};
    for (size_t i = 0; i < 2; i++) {
        for (const sv_json *m = lists[i]; m != NULL; m = m->next) {
            if (i == 1 && sv_json_member_named(ours, m->name) != NULL) {
                return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_USAGE, "IDN-25", SIPVEIL_NO_OFFSET,
                                    "claim \"%s\" is ours to write", SV_QUOTE(m->name));
            }
            sv_json *copy = sv_arena_alloc(arena, sizeof *copy);
            if (copy == NULL) return sv_no_memory(err, SV_IDENTITY);
            *copy = *m;
            copy->next = NULL;
            *place = copy;
            place = &copy->next;
        }
    }
    SV_TRY(sv_json_put(&all, out, err));
    return sv_buffer_check(out, SV_IDENTITY, err);
}

sipveil_code sv_passport_put_payload(const sv_passport *passport, sv_arena *arena, sv_buffer *out, sipveil_error *err)
{
    return passport->claims == NULL ? put_base(passport, out, err) : put_with_claims(passport, arena, out, err);
}

sipveil_code sv_passport_put_signed(const sv_passport *passport, sv_arena *arena, sv_buffer *out, sipveil_error *err)
{
    sv_buffer header, payload;
    sv_buffer_init(&header, arena, 256, SV_IDENTITY_FIELD_MOST);
    SV_TRY(sv_passport_put_header(passport, &header, err));
    sv_buffer_init(&payload, arena, 512, SV_IDENTITY_FIELD_MOST);
    SV_TRY(sv_passport_put_payload(passport, arena, &payload, err));
    sv_mime_put_base64url(out, sv_buffer_span(&header));
    sv_put_byte(out, '.');
    sv_mime_put_base64url(out, sv_buffer_span(&payload));
    return sv_buffer_check(out, SV_IDENTITY, err);
}

/* ---- reading ---- */

static sipveil_code bad(sipveil_error *err, const char *rule, const char *what)
{
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_MALFORMED, rule, SIPVEIL_NO_OFFSET, "PASSporT: %s", what);
}

/* One part: strict JSON, an object, and the very octets that we would write (IDN-26). */
static sipveil_code read_part(sipveil_span text, const char *which, unsigned flags, sv_arena *arena, const sv_json **out,
                              sipveil_error *err)
{
    sipveil_error why;
    sipveil_span octets;
    sv_buffer again;
    SV_TRY(sv_mime_decode_base64url(text, arena, &octets, err));
    sipveil_code code = sv_json_read_within(octets, SV_IDENTITY_JSON_DEPTH, arena, out, &why);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(err, SV_IDENTITY);
    if (code != SIPVEIL_OK) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_MALFORMED, "ADV-192", SIPVEIL_NO_OFFSET, "PASSporT %s: %s", which, why.text);
    }
    if ((*out)->kind != SV_JSON_OBJECT) return bad(err, "IDN-24", "header or payload is no JSON object");
    if (flags & SV_PASSPORT_ANY_FORM) return SIPVEIL_OK;
    sv_buffer_init(&again, arena, octets.len, 2 * octets.len + 64);
    SV_TRY(sv_json_put(*out, &again, err));
    if (again.failed && !again.past_most) return sv_no_memory(err, SV_IDENTITY);
    if (!again.failed && sv_equal(sv_buffer_span(&again), octets)) return SIPVEIL_OK;
    return bad(err, "IDN-26", "not in the deterministic form: blanks, another order, or text that can be written shorter");
}

/* A member that is a string; empty if it is not there. False: of another kind. */
static bool string_member(const sv_json *object, const char *name, sipveil_span *out)
{
    const sv_json *m = sv_json_member(object, name);
    *out = m != NULL ? m->text : sv_span(NULL, 0);
    return m == NULL || (m->kind == SV_JSON_STRING && m->text.len > 0);
}

static sipveil_code read_header(const sv_json *header, sv_passport *out, sipveil_error *err)
{
    sipveil_span typ, alg;
    if (sv_json_member(header, "crit") != NULL) return bad(err, "ADV-192", "its header has crit, and we understand no extension of JWS");
    if (!string_member(header, "typ", &typ) || !sv_equal_str(typ, "passport")) return bad(err, "IDN-24", "typ is not \"passport\"");
    if (!string_member(header, "alg", &alg) || !sv_equal_str(alg, "ES256")) return bad(err, "IDN-24", "alg is not ES256");
    if (!string_member(header, "x5u", &out->x5u) || out->x5u.len == 0) return bad(err, "IDN-24", "no x5u");
    if (!string_member(header, "ppt", &out->ppt)) return bad(err, "IDN-24", "ppt is no text");
    return SIPVEIL_OK;
}

/* {"tn":"..."} or {"uri":"..."} (IDN-25) */
static sipveil_code read_orig(const sv_json *orig, sv_identity_name *out, sipveil_error *err)
{
    const sv_json *m = orig != NULL && orig->kind == SV_JSON_OBJECT ? orig->first : NULL;
    if (m == NULL || m->next != NULL || m->kind != SV_JSON_STRING || m->text.len == 0) {
        return bad(err, "IDN-25", "orig is not exactly one identity");
    }
    out->is_number = sv_equal_str(m->name, "tn");
    if (!out->is_number && !sv_equal_str(m->name, "uri")) return bad(err, "IDN-25", "orig is neither tn nor uri");
    out->text = m->text;
    return SIPVEIL_OK;
}

/* Arrays of strings, each in ascending order; *count over both. */
static sipveil_code read_list(const sv_json *list, sv_identity_name *out, size_t *count, sipveil_error *err)
{
    bool number = sv_equal_str(list->name, "tn");
    if (!number && !sv_equal_str(list->name, "uri")) return bad(err, "IDN-25", "dest has a member that is neither tn nor uri");
    if (list->kind != SV_JSON_ARRAY) return bad(err, "IDN-25", "dest has a member that is no array");
    sipveil_span last = {NULL, 0};
    for (const sv_json *m = list->first; m != NULL; m = m->next) {
        if (m->kind != SV_JSON_STRING || m->text.len == 0) return bad(err, "IDN-25", "dest has a value that is no text");
        size_t shorter = last.len < m->text.len ? last.len : m->text.len, i = 0;
        while (i < shorter && last.data[i] == m->text.data[i]) i++;
        bool sorted = i < shorter ? last.data[i] < m->text.data[i] : last.len <= m->text.len;
        if (!sorted) return bad(err, "IDN-25", "dest is not sorted");
        last = m->text;
        out->text = m->text;
        out->is_number = number;
        ++*count;
    }
    return SIPVEIL_OK;
}

static sipveil_code read_dest(const sv_json *dest, sv_identity_name *out, sipveil_error *err)
{
    size_t count = 0;
    if (dest == NULL || dest->kind != SV_JSON_OBJECT) return bad(err, "IDN-25", "dest is no object");
    for (const sv_json *list = dest->first; list != NULL; list = list->next) SV_TRY(read_list(list, out, &count, err));
    if (count == 0) return bad(err, "IDN-25", "dest names nobody");
    if (count > 1) out->text = sv_span(NULL, 0); /* To is one: this equals none */
    return SIPVEIL_OK;
}

static sipveil_code read_iat(const sv_json *iat, unsigned flags, int64_t *out, sipveil_error *err)
{
    uint64_t seconds;
    bool kind = iat != NULL && (iat->kind == SV_JSON_NUMBER || ((flags & SV_PASSPORT_ANY_FORM) && iat->kind == SV_JSON_STRING));
    if (!kind || !sv_read_number(iat->text, SECONDS_MOST, &seconds)) return bad(err, "IDN-26", "iat is no integer of seconds");
    *out = (int64_t)seconds;
    return SIPVEIL_OK;
}

static sipveil_code read_mky(const sv_json *mky, sv_arena *arena, sv_fingerprints *out, sipveil_error *err)
{
    if (mky == NULL) return SIPVEIL_OK;
    if (mky->kind != SV_JSON_ARRAY || mky->first == NULL) return bad(err, "IDN-30", "mky is no array of fingerprints");
    out->items = sv_arena_alloc_array(arena, SIPVEIL_IDENTITY_FINGERPRINTS_MOST, sizeof *out->items);
    if (out->items == NULL) return sv_no_memory(err, SV_IDENTITY);
    for (const sv_json *m = mky->first; m != NULL; m = m->next) {
        if (out->count == SIPVEIL_IDENTITY_FINGERPRINTS_MOST) return bad(err, "IDN-43", "mky has too many fingerprints");
        sipveil_identity_fingerprint *item = &out->items[out->count++];
        if (!string_member(m, "alg", &item->algorithm) || !string_member(m, "dig", &item->digest) ||
            item->algorithm.len == 0 || item->digest.len == 0) {
            return bad(err, "IDN-30", "mky has an element without alg or dig");
        }
    }
    return SIPVEIL_OK;
}

sipveil_code sv_passport_read(sipveil_span header, sipveil_span payload, unsigned flags, sv_arena *arena, sv_passport *out,
                              const sv_json **payload_json, sipveil_error *err)
{
    const sv_json *head;
    *out = (sv_passport){0};
    *payload_json = NULL;
    SV_TRY(read_part(header, "header", flags, arena, &head, err));
    SV_TRY(read_header(head, out, err));
    SV_TRY(read_part(payload, "payload", flags, arena, payload_json, err));
    SV_TRY(read_orig(sv_json_member(*payload_json, "orig"), &out->orig, err));
    SV_TRY(read_dest(sv_json_member(*payload_json, "dest"), &out->dest, err));
    SV_TRY(read_iat(sv_json_member(*payload_json, "iat"), flags, &out->iat, err));
    return read_mky(sv_json_member(*payload_json, "mky"), arena, &out->mky, err);
}
