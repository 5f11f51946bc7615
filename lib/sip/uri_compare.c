/* SPDX-License-Identifier: BSD-2-Clause */
/* Equality of URIs (RFC 3261 19.1.4, TUN-40) and of addresses-of-record. */
#include "sip/uri.h"

static bool is_reserved(unsigned c)
{
    switch (c) {
    case ';':
    case '/':
    case '?':
    case ':':
    case '@':
    case '&':
    case '=':
    case '+':
    case '$':
    case ',':
        return true;
    default:
        return false;
    }
}

bool sv_uri_take_character(sv_cursor *c, unsigned *character)
{
    uint8_t byte, escaped;
    if (!sv_take_byte(c, &byte)) return false;
    *character = byte;
    if (byte != '%' || !sv_take_hex_octet(c, &escaped)) return true;
    *character = escaped;
    if (is_reserved(escaped)) *character += 256;
    return true;
}

bool sv_uri_same_text(sipveil_span a, sipveil_span b, bool nocase)
{
    sv_cursor first = sv_cursor_over(a, "URI"), second = sv_cursor_over(b, "URI");
    unsigned x, y;
    while (sv_uri_take_character(&first, &x)) {
        if (!sv_uri_take_character(&second, &y)) return false;
        if (nocase && x < 256) x = (uint8_t)sv_lower((uint8_t)x);
        if (nocase && y < 256) y = (uint8_t)sv_lower((uint8_t)y);
        if (x != y) return false;
    }
    return sv_at_end(&second);
}

/* IPv6 references are compared as addresses (RFC 5954 4.2), names without case. */
static bool same_host(sipveil_span a, sipveil_span b)
{
    uint8_t x[16], y[16];
    if (sv_equal_nocase(a, b)) return true;
    return sv_sip_read_ipv6(a, x) && sv_sip_read_ipv6(b, y) &&
           sv_equal(sv_span(x, sizeof x), sv_span(y, sizeof y));
}

/* Parameters that make URIs different when only one has them. */
static bool counts_alone(sipveil_span name)
{
    static const char *const names[] = {"transport", "ttl", "user", "method", "maddr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (sv_uri_same_text(name, sv_span_str(names[i]), true)) return true;
    }
    return false;
}

/* The part numbered `which` (from 0) among those of that name. */
static bool find_part(sipveil_span list, uint8_t lead, sipveil_span name, size_t which,
                      sv_uri_part *part)
{
    sv_cursor c = sv_cursor_over(list, "URI");
    while (sv_uri_take_part(&c, lead, part)) {
        if (sv_uri_same_text(part->name, name, true) && which-- == 0) return true;
    }
    return false;
}

static bool parameters_of_one_fit(sipveil_span one, sipveil_span other)
{
    sv_cursor c = sv_cursor_over(one, "URI");
    sv_uri_part part, match;
    while (sv_uri_take_part(&c, ';', &part)) {
        if (!find_part(other, ';', part.name, 0, &match)) {
            if (counts_alone(part.name)) return false;
        } else if (part.has_value != match.has_value ||
                   !sv_uri_same_text(part.value, match.value, true)) {
            return false;
        }
    }
    return true;
}

/* The values of header components follow the rules of the header field they name; where those mind
 * case, so do we. */
static bool minds_case(sipveil_span name)
{
    switch (sv_field_id_of(name)) {
    case SV_F_CALL_ID:
    case SV_F_CSEQ:
    case SV_F_IN_REPLY_TO:
    case SV_F_SUBJECT:
    case SV_F_ORGANIZATION:
    case SV_F_USER_AGENT:
    case SV_F_SERVER:
        return true;
    default:
        return sv_uri_same_text(name, SV_SPAN("body"), true);
    }
}

static size_t count_named(sipveil_span list, const uint8_t *end, sipveil_span name)
{
    sv_cursor c = sv_cursor_over(list, "URI");
    sv_uri_part part;
    size_t count = 0;
    while (sv_uri_take_part(&c, '&', &part) && part.name.data < end) {
        if (sv_uri_same_text(part.name, name, true)) count++;
    }
    return count;
}

/* Every header component of one stands in the other, those of one name in the same order. */
static bool headers_of_one_fit(sipveil_span one, sipveil_span other)
{
    sv_cursor c = sv_cursor_over(one, "URI");
    sv_uri_part part, match;
    while (sv_uri_take_part(&c, '&', &part)) {
        size_t which = count_named(one, part.name.data, part.name);
        if (!find_part(other, '&', part.name, which, &match)) return false;
        if (!sv_uri_same_text(part.value, match.value, !minds_case(part.name))) return false;
    }
    return true;
}

static bool same_sip(const sv_sip_uri *a, const sv_sip_uri *b)
{
    return a->is_sips == b->is_sips && (a->user.len > 0) == (b->user.len > 0) &&
           a->has_password == b->has_password && a->has_port == b->has_port && a->port == b->port &&
           sv_uri_same_text(a->user, b->user, false) &&
           sv_uri_same_text(a->password, b->password, false) && same_host(a->host, b->host) &&
           parameters_of_one_fit(a->params, b->params) &&
           parameters_of_one_fit(b->params, a->params) &&
           headers_of_one_fit(a->headers, b->headers) && headers_of_one_fit(b->headers, a->headers);
}

bool sv_sip_same_uri(sipveil_span a, sipveil_span b, unsigned flags)
{
    bool schemeless = (flags & SV_COMPAT_SAMPLES) != 0;
    sv_sip_uri first, second;
    if (sv_equal(a, b)) return true;
    if (sv_sip_read_uri_as(a, schemeless, &first, NULL) != SIPVEIL_OK ||
        sv_sip_read_uri_as(b, schemeless, &second, NULL) != SIPVEIL_OK) {
        return false;
    }
    bool first_sip = first.is_sip || first.is_sips, second_sip = second.is_sip || second.is_sips;
    if (first_sip && second_sip) return same_sip(&first, &second);
    return !first_sip && !second_sip && sv_equal_nocase(first.scheme, second.scheme) &&
           sv_equal(first.rest, second.rest);
}

/* Whether a user part may stand for a person: no escaped control characters (ADV-014). */
static bool is_plain_user(sipveil_span user)
{
    sv_cursor c = sv_cursor_over(user, "user");
    unsigned character;
    while (sv_uri_take_character(&c, &character)) {
        if (character < 0x20 || character == 0x7F) return false;
    }
    return user.len > 0;
}

static sipveil_code check_aor(const sv_sip_uri *parts, sipveil_error *err)
{
    if (!parts->is_sip && !parts->is_sips) {
        return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, "ADV-016", 0, "no SIP URI: scheme \"%s\"", SV_QUOTE(parts->scheme));
    }
    if (parts->user.len == 0) {
        return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, "ADV-016", 0,
                            "no user part in the URI of host \"%s\"", SV_QUOTE(parts->host));
    }
    if (!is_plain_user(parts->user)) {
        return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, "ADV-014", 0,
                            "escaped control character in the user part \"%s\" of a URI", SV_QUOTE(parts->user));
    }
    return SIPVEIL_OK;
}

static sipveil_code read_aor(sipveil_span uri, sv_sip_uri *out, sipveil_error *err)
{
    SV_TRY(sv_sip_read_uri_as(uri, true, out, err));
    return check_aor(out, err);
}

/* Escapes of unreserved characters undone, all others written with capital digits: two user parts
 * are equal (19.1.4) when these octets are. */
static void put_user(sv_buffer *out, sipveil_span user)
{
    static const char digits[] = "0123456789ABCDEF";
    sv_cursor c = sv_cursor_over(user, "user");
    const uint8_t *before = c.at;
    unsigned character;
    for (; sv_uri_take_character(&c, &character); before = c.at) {
        uint8_t octet = (uint8_t)character;
        if (c.at - before == 1 || (character < 256 && sv_uri_is_unreserved(octet))) {
            sv_put_byte(out, octet);
        } else {
            sv_put_byte(out, '%');
            sv_put_byte(out, (uint8_t)digits[octet >> 4]);
            sv_put_byte(out, (uint8_t)digits[octet & 15]);
        }
    }
}

sipveil_code sv_sip_aor_of(const sv_sip_uri *parts, sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    sv_buffer text;
    *out = sv_span(NULL, 0);
    SV_TRY(check_aor(parts, err));
    size_t most = strlen("sip:@") + parts->user.len + parts->host.len;
    sv_buffer_init(&text, arena, most, most);
    sv_put_str(&text, "sip:");
    put_user(&text, parts->user);
    sv_put_byte(&text, '@');
    sv_put_lower(&text, parts->host);
    *out = sv_buffer_span(&text);
    return sv_buffer_check(&text, "sip", err);
}

sipveil_code sv_sip_aor(sipveil_span uri, sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    sv_sip_uri parts;
    *out = sv_span(NULL, 0);
    SV_TRY(sv_sip_read_uri_as(uri, true, &parts, err));
    return sv_sip_aor_of(&parts, arena, out, err);
}

bool sv_sip_same_aor(sipveil_span a, sipveil_span b)
{
    sv_sip_uri first, second;
    if (read_aor(a, &first, NULL) != SIPVEIL_OK || read_aor(b, &second, NULL) != SIPVEIL_OK) {
        return false;
    }
    return sv_uri_same_text(first.user, second.user, false) && same_host(first.host, second.host);
}

sipveil_span sv_sip_host(sipveil_span uri)
{
    sv_sip_uri parts;
    if (sv_sip_read_uri_as(uri, true, &parts, NULL) != SIPVEIL_OK) return sv_span(NULL, 0);
    return parts.host;
}
