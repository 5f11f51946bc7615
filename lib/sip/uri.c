/* SPDX-License-Identifier: BSD-2-Clause */
/* URIs by the grammar of RFC 3261 25.1, nothing decoded. */
#include "sip/uri.h"

#include <arpa/inet.h>
#include <stdio.h>

bool sv_uri_is_unreserved(uint8_t c)
{
    return sv_is_in(c, SV_OCTET_UNRESERVED);
}

static sipveil_code bad_uri(sipveil_error *err, const char *rule, const sv_cursor *c,
                            const char *what)
{
    return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, rule, sv_offset(c), "%s in URI \"%s\"", what,
                        SV_QUOTE(sv_span(c->start, (size_t)(c->end - c->start))));
}

/* The run of octets of a class and %-escapes. An octet of neither kind ends it. */
static sipveil_span take_escaped(sv_cursor *c, uint32_t classes)
{
    const uint8_t *from = c->at;
    uint8_t high, low;
    for (;;) {
        c->at = sv_end_of_run(c->at, c->end, classes);
        if (!sv_peek(c, &high) || high != '%') break;
        if (!sv_peek_at(c, 1, &high) || !sv_peek_at(c, 2, &low) || !sv_is_hex(high) ||
            !sv_is_hex(low)) {
            break;
        }
        c->at += 3;
    }
    return sv_span(from, (size_t)(c->at - from));
}

bool sv_sip_is_ipv4(sipveil_span host)
{
    sv_cursor c = sv_cursor_over(host, "address");
    for (int i = 0; i < 4; i++) {
        uint64_t octet;
        if (i > 0 && !sv_take_if(&c, '.')) return false;
        sipveil_span digits = sv_take_run(&c, SV_OCTET_DIGIT);
        if (digits.len > 3 || !sv_read_number(digits, 255, &octet)) return false;
    }
    return sv_at_end(&c);
}

/* Takes labels that begin and end with a letter or digit; the last one, before an optional dot, begins
 * with a letter: else the whole must be an IPv4 address. */
static bool take_name(sv_cursor *c)
{
    const uint8_t *from = c->at;
    bool lettered = false;
    do {
        sipveil_span label = sv_take_run(c, SV_OCTET_LABEL);
        if (label.len == 0) break; /* nothing after the dot, or nothing at all */
        if (!sv_is_alnum(label.data[0]) || !sv_is_alnum(label.data[label.len - 1])) return false;
        lettered = sv_is_alpha(label.data[0]);
    } while (sv_take_if(c, '.'));
    if (c->at == from || (sv_left(c) > 0 && *c->at == '.')) return false;
    return lettered || sv_sip_is_ipv4(sv_span(from, (size_t)(c->at - from)));
}

bool sv_sip_read_ipv6(sipveil_span host, uint8_t out[16])
{
    char text[INET6_ADDRSTRLEN];
    if (host.len < 3 || host.len - 2 >= sizeof text || host.data[0] != '[') return false;
    (void)snprintf(text, sizeof text, "%.*s", (int)(host.len - 2), (const char *)host.data + 1);
    return inet_pton(AF_INET6, text, out) == 1;
}

static bool take_reference(sv_cursor *c)
{
    const uint8_t *from = c->at - 1; /* the bracket */
    uint8_t address[16];
    (void)sv_take_run(c, SV_OCTET_REFERENCE);
    return sv_take_if(c, ']') && sv_sip_read_ipv6(sv_span(from, (size_t)(c->at - from)), address);
}

bool sv_sip_take_host(sv_cursor *c, sipveil_span *host)
{
    const uint8_t *from = c->at;
    if (sv_take_if(c, '[') ? take_reference(c) : take_name(c)) {
        *host = sv_span(from, (size_t)(c->at - from));
        return true;
    }
    c->at = from;
    return false;
}

bool sv_sip_read_port(sipveil_span digits, uint16_t *port)
{
    uint64_t number;
    if (!sv_read_number(digits, UINT16_MAX, &number)) return false;
    *port = (uint16_t)number;
    return true;
}

bool sv_uri_take_part(sv_cursor *c, uint8_t lead, sv_uri_part *part)
{
    sipveil_span text;
    size_t at;
    (void)sv_take_if(c, lead);
    if (sv_at_end(c)) return false;
    if (!sv_take_until(c, lead, &text)) (void)sv_take(c, sv_left(c), &text);
    part->has_value = sv_find_byte(text, '=', &at);
    if (!part->has_value) at = text.len;
    part->name = sv_span(text.data, at);
    part->value = part->has_value ? sv_span_from(text, at + 1) : sv_span(NULL, 0);
    return true;
}

static bool named_before(sipveil_span list, uint8_t lead, sipveil_span name)
{
    sv_cursor c = sv_cursor_over(list, "URI");
    sv_uri_part part;
    while (sv_uri_take_part(&c, lead, &part)) {
        if (sv_uri_same_text(part.name, name, true)) return true;
    }
    return false;
}

/* *( ";" name [ "=" value ] ), no name twice (RFC 3261 19.1.1). */
static sipveil_code read_parameters(sv_cursor *c, sv_sip_uri *out, sipveil_error *err)
{
    const uint8_t *from = c->at;
    for (size_t count = 1; sv_take_if(c, ';'); count++) {
        sipveil_span before = sv_span(from, (size_t)(c->at - 1 - from));
        sipveil_span name = take_escaped(c, SV_OCTET_PARAMETER);
        if (name.len == 0) return bad_uri(err, "ADV-022", c, "a parameter without a name");
        if (sv_take_if(c, '=') && take_escaped(c, SV_OCTET_PARAMETER).len == 0) {
            return bad_uri(err, "ADV-022", c, "a parameter without a value");
        }
        if (count > SV_URI_PARTS_MOST) {
            return sv_fail_rule(err, "sip", SIPVEIL_LIMIT, "ADV-011", sv_offset(c),
                                "more than %d parameters in a URI", SV_URI_PARTS_MOST);
        }
        if (count > 1 && named_before(before, ';', name)) {
            return bad_uri(err, "ADV-022", c, "the same parameter twice");
        }
    }
    out->params = sv_span(from, (size_t)(c->at - from));
    return SIPVEIL_OK;
}

/* "?" name "=" value *( "&" name "=" value ) */
static sipveil_code read_headers(sv_cursor *c, sv_sip_uri *out, sipveil_error *err)
{
    if (!sv_take_if(c, '?')) return SIPVEIL_OK;
    const uint8_t *from = c->at;
    size_t count = 0;
    do {
        if (take_escaped(c, SV_OCTET_HEADER).len == 0 || !sv_take_if(c, '=')) {
            return bad_uri(err, "ADV-022", c, "a header component without name or value");
        }
        (void)take_escaped(c, SV_OCTET_HEADER);
        if (++count > SV_URI_PARTS_MOST) {
            return sv_fail_rule(err, "sip", SIPVEIL_LIMIT, "ADV-011", sv_offset(c),
                                "more than %d header components in a URI", SV_URI_PARTS_MOST);
        }
    } while (sv_take_if(c, '&'));
    out->headers = sv_span(from, (size_t)(c->at - from));
    return SIPVEIL_OK;
}

/* No component after the user part may hold an unescaped '@': the first one ends the user part. */
static sipveil_code read_user(sv_cursor *c, sv_sip_uri *out, sipveil_error *err)
{
    size_t at;
    if (!sv_find_byte(sv_rest(c), '@', &at)) return SIPVEIL_OK;
    out->user = take_escaped(c, SV_OCTET_USER);
    if (out->user.len == 0) return bad_uri(err, "ADV-015", c, "an empty or unreadable user part");
    out->has_password = sv_take_if(c, ':');
    if (out->has_password) out->password = take_escaped(c, SV_OCTET_PASSWORD);
    if (!sv_take_if(c, '@')) return bad_uri(err, "ADV-015", c, "an illegal octet in the user part");
    if (sv_find_byte(sv_rest(c), '@', &at)) return bad_uri(err, "ADV-015", c, "a second \"@\"");
    return SIPVEIL_OK;
}

static sipveil_code read_sip(sv_cursor *c, sv_sip_uri *out, sipveil_error *err)
{
    SV_TRY(read_user(c, out, err));
    if (!sv_sip_take_host(c, &out->host)) return bad_uri(err, "ADV-015", c, "no valid host");
    out->has_port = sv_take_if(c, ':');
    if (out->has_port && !sv_sip_read_port(sv_take_run(c, SV_OCTET_DIGIT), &out->port)) {
        return bad_uri(err, "ADV-013", c, "a port outside 0 to 65535");
    }
    SV_TRY(read_parameters(c, out, err));
    SV_TRY(read_headers(c, out, err));
    return sv_at_end(c) ? SIPVEIL_OK : bad_uri(err, "ADV-015", c, "an illegal octet");
}

static bool take_scheme(sv_cursor *c, sipveil_span *scheme)
{
    const uint8_t *from = c->at;
    uint8_t first;
    if (!sv_peek(c, &first) || !sv_is_alpha(first)) return false;
    *scheme = sv_take_run(c, SV_OCTET_SCHEME);
    if (sv_take_if(c, ':')) return true;
    c->at = from;
    return false;
}

static sipveil_code read_uri(sipveil_span uri, bool schemeless, sv_sip_uri *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(uri, "URI");
    size_t at;
    if (!take_scheme(&c, &out->scheme)) {
        if (!schemeless || !sv_find_byte(uri, '@', &at))
            return bad_uri(err, "ADV-022", &c, "no scheme");
        out->is_sip = true;
        return read_sip(&c, out, err);
    }
    out->is_sip = sv_equal_nocase_str(out->scheme, "sip");
    out->is_sips = sv_equal_nocase_str(out->scheme, "sips");
    if (out->is_sip || out->is_sips) return read_sip(&c, out, err);
    out->rest = take_escaped(&c, SV_OCTET_URIC);
    if (out->rest.len == 0 || !sv_at_end(&c))
        return bad_uri(err, "ADV-022", &c, "an illegal octet");
    return SIPVEIL_OK;
}

sipveil_code sv_sip_read_uri_as(sipveil_span uri, bool schemeless, sv_sip_uri *out,
                                sipveil_error *err)
{
    *out = (sv_sip_uri){0};
    sipveil_code code = read_uri(uri, schemeless, out, err);
    if (code != SIPVEIL_OK) *out = (sv_sip_uri){0};
    return code;
}

sipveil_code sv_sip_read_uri(sipveil_span uri, sv_sip_uri *out, sipveil_error *err)
{
    return sv_sip_read_uri_as(uri, false, out, err);
}
