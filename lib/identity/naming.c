/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether an identity is a number or a URI, and the one form of each (RFC 8224 8). */
#include "identity/identity.h"
#include "sip/address.h"
#include "sip/uri.h"

/* One octet, %-escapes undone. False at the end. */
static bool take_octet(sv_cursor *c, uint8_t *octet)
{
    if (!sv_take_byte(c, octet)) return false;
    if (*octet == '%') (void)sv_take_hex_octet(c, octet);
    return true;
}

/* ---- numbers (IDN-31) ---- */

/* Digits, "#" and "*" of a subscriber; separators and all else are dropped. False: none is left, or too many. */
static bool canonical_digits(sipveil_span subscriber, char out[SIPVEIL_IDENTITY_NUMBER], bool *global)
{
    sv_cursor c = sv_cursor_over(subscriber, "number");
    uint8_t octet;
    size_t used = 0;
    *global = false;
    while (take_octet(&c, &octet)) {
        if (octet == ';') break; /* parameters of the subscriber */
        if (octet == '+' && used == 0) *global = true;
        if (!sv_is_digit(octet) && octet != '#' && octet != '*') continue;
        if (used + 1 == SIPVEIL_IDENTITY_NUMBER) return false;
        out[used++] = (char)octet;
    }
    out[used] = '\0';
    return used > 0;
}

static bool is_canonical(const char *digits)
{
    size_t n = 0;
    for (; n < SIPVEIL_IDENTITY_NUMBER && digits[n] != '\0'; n++) {
        if (!sv_is_digit((uint8_t)digits[n]) && digits[n] != '#' && digits[n] != '*') return false;
    }
    return n > 0 && n < SIPVEIL_IDENTITY_NUMBER;
}

/* False: not a number after all. */
static bool read_number(const sipveil_identity_naming *naming, sipveil_span subscriber, sv_arena *arena,
                        sv_identity_name *out)
{
    char digits[SIPVEIL_IDENTITY_NUMBER], converted[SIPVEIL_IDENTITY_NUMBER] = "";
    bool global;
    if (!canonical_digits(subscriber, digits, &global)) return false;
    const char *number = digits;
    if (!global && naming->number != NULL && naming->number(naming->number_user, digits, converted) &&
        is_canonical(converted)) {
        number = converted;
    }
    out->is_number = true;
    return sv_arena_copy(arena, sv_span_str(number), &out->text);
}

/* "+" and digits, with visual separators (RFC 3966). */
static bool looks_global(sipveil_span user)
{
    sv_cursor c = sv_cursor_over(user, "user");
    uint8_t octet;
    size_t digits = 0;
    if (!take_octet(&c, &octet) || octet != '+') return false;
    while (take_octet(&c, &octet) && octet != ';') {
        if (sv_is_digit(octet)) digits++;
        else if (octet != '-' && octet != '.' && octet != '(' && octet != ')') return false;
    }
    return digits > 0;
}

/* ---- URIs (IDN-32) ---- */

/* Lower case throughout; an escape of a character that needs none is undone, the others stay. */
static void put_user(sv_buffer *out, sipveil_span user)
{
    sv_cursor c = sv_cursor_over(user, "user");
    uint8_t octet;
    if (!sv_find_byte(user, '%', &(size_t){0})) {
        sv_put_lower(out, user);
        return;
    }
    while (!sv_at_end(&c)) {
        sv_cursor before = c;
        (void)take_octet(&c, &octet);
        bool escaped = c.at - before.at > 1;
        if (!escaped || sv_uri_is_unreserved(octet)) {
            sv_put_byte(out, (uint8_t)sv_lower(octet));
            continue;
        }
        sv_put_lower(out, sv_span(before.at, (size_t)(c.at - before.at)));
    }
}

static sipveil_code read_uri(const sv_sip_uri *uri, sipveil_span whole, sv_arena *arena, sv_identity_name *out,
                             sipveil_error *err)
{
    sv_buffer b;
    if ((!uri->is_sip && !uri->is_sips) || uri->user.len == 0) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_MALFORMED, "IDN-32", SIPVEIL_NO_OFFSET,
                            "\"%s\" is no identity that can be signed for: a SIP URI with a user, or a number",
                            SV_QUOTE(whole));
    }
    sv_buffer_init(&b, arena, whole.len + 1, whole.len + 16);
    sv_put_lower(&b, uri->scheme);
    sv_put_byte(&b, ':');
    put_user(&b, uri->user);
    sv_put_byte(&b, '@');
    size_t host = b.len;
    sv_put_lower(&b, uri->host);
    SV_TRY(sv_buffer_check(&b, SV_IDENTITY, err));
    out->text = sv_buffer_span(&b);
    out->host = sv_span_from(out->text, host);
    return SIPVEIL_OK;
}

static sipveil_code read_parts(const sipveil_identity_naming *naming, const sv_sip_uri *parts, sipveil_span uri, sv_arena *arena,
                               sv_identity_name *out, sipveil_error *err)
{
    sipveil_span kind;
    bool sip = parts->is_sip || parts->is_sips;
    bool number = naming != NULL && (sv_equal_nocase_str(parts->scheme, "tel") ||
                                     (sip && sv_sip_param(parts->params, "user", &kind) && sv_equal_nocase_str(kind, "phone")) ||
                                     (sip && naming->plus_is_number && looks_global(parts->user)));
    if (number && read_number(naming, sip ? parts->user : parts->rest, arena, out)) {
        if (sip) out->host = parts->host;
        return SIPVEIL_OK;
    }
    return read_uri(parts, uri, arena, out, err);
}

sipveil_code sv_identity_name_read(const sipveil_identity_naming *naming, sipveil_span uri, sv_arena *arena,
                                   sv_identity_name *out, sipveil_error *err)
{
    sv_sip_uri parts;
    *out = (sv_identity_name){0};
    SV_TRY(sv_sip_read_uri(uri, &parts, err));
    return read_parts(naming, &parts, uri, arena, out, err);
}

/* The first address of a field. */
static sipveil_code read_field(const sipveil_identity_naming *naming, const sv_sip_view *view, sv_field_id id,
                               sv_arena *arena, sv_identity_name *out, sipveil_error *err)
{
    sv_sip_address address;
    sv_sip_uri parts;
    sv_cursor c = sv_cursor_over(sv_sip_value(view, id), sv_field_info_of(id)->name);
    *out = (sv_identity_name){0};
    SV_TRY(sv_sip_take_address_and_uri(&c, 0, &address, &parts, err));
    return read_parts(naming, &parts, address.uri, arena, out, err);
}

sipveil_code sv_identity_originator(const sipveil_identity_naming *naming, const sv_sip_view *view, sv_arena *arena,
                                    sv_identity_name *out, sipveil_error *err)
{
    bool asserted = naming != NULL && naming->use_asserted && sv_sip_first(view, SV_F_P_ASSERTED_IDENTITY) != NULL; /* IDN-33 */
    return read_field(naming, view, asserted ? SV_F_P_ASSERTED_IDENTITY : SV_F_FROM, arena, out, err);
}

sipveil_code sv_identity_destination(const sipveil_identity_naming *naming, const sv_sip_view *view, sv_arena *arena,
                                     sv_identity_name *out, sipveil_error *err)
{
    return read_field(naming, view, SV_F_TO, arena, out, err);
}
