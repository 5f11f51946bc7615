/* SPDX-License-Identifier: BSD-2-Clause */
/* name-addr and addr-spec with parameters (RFC 3261 20.10, 25.1). */
#include "sip/address.h"

#include "sip/uri.h"

/* No name twice (RFC 3261 7.3.1); more parameters than this are refused before that is looked at.
 */
enum { PARAMETERS_MOST = 64 };

static sipveil_code bad_address(sipveil_error *err, const sv_cursor *c, const char *what)
{
    return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, "ADV-015", sv_offset(c),
                        "%s in address \"%s\"", what,
                        SV_QUOTE(sv_span(c->start, (size_t)(c->end - c->start))));
}

/* Display name up to the '<', which is not taken. False: what stands here is no name-addr. */
static bool take_display(sv_cursor *c, sipveil_span *display)
{
    const uint8_t *from = c->at, *end = from;
    sipveil_span inside;
    bool escaped;
    if (c->at != c->end && *c->at == '"') {
        if (!sv_take_quoted(c, &inside, &escaped)) return false;
        end = c->at;
        sv_skip_lws(c);
    } else {
        while (sv_take_run(c, SV_OCTET_DISPLAY).len > 0) {
            end = c->at;
            sv_skip_lws(c);
        }
    }
    if (c->at != c->end && *c->at == '<') {
        *display = sv_span(from, (size_t)(end - from));
        return true;
    }
    c->at = from;
    return false;
}

/* The octets of the URI, in brackets or bare. */
static sipveil_code take_uri(sv_cursor *c, unsigned flags, sv_sip_address *out, sv_sip_uri *uri, sipveil_error *err)
{
    uint8_t next;
    bool bracketed = take_display(c, &out->display);
    if (bracketed) {
        (void)sv_take_if(c, '<');
        if (!sv_take_until(c, '>', &out->uri)) return bad_address(err, c, "\"<\" without \">\"");
        (void)sv_take_if(c, '>');
    } else {
        if (sv_peek(c, &next) && next == '"') {
            return bad_address(err, c, "a quoted name without a bracketed URI after it");
        }
        out->uri = sv_take_run(c, SV_OCTET_ADDR_SPEC);
        if (sv_peek(c, &next) && next == '?') {
            return bad_address(err, c, "a URI with \"?\" outside angle brackets");
        }
    }
    if (out->uri.len == 0) return bad_address(err, c, "no URI");
    bool schemeless = bracketed && (flags & SV_ADDRESS_SCHEMELESS) != 0;
    size_t offset = (size_t)(out->uri.data - c->start);
    sipveil_code code = sv_sip_read_uri_as(out->uri, schemeless, uri, err);
    if (code != SIPVEIL_OK && err != NULL) err->offset += offset;
    return code;
}

static bool named_before(sv_cursor list, const uint8_t *end, sipveil_span name)
{
    sv_parameter p;
    bool taken;
    while (sv_take_parameter(&list, SV_OCTET_GEN_VALUE, "sip", &p, &taken, NULL) == SIPVEIL_OK &&
           taken && p.name.data < end) {
        if (sv_equal_nocase(p.name, name)) return true;
    }
    return false;
}

static sipveil_code take_parameters(sv_cursor *c, sv_sip_address *out, sipveil_error *err)
{
    sv_parameter p;
    bool taken;
    sv_skip_lws(c);
    const sv_cursor list = *c;
    for (size_t count = 1;; count++) {
        SV_TRY(sv_take_parameter(c, SV_OCTET_GEN_VALUE, "sip", &p, &taken, err));
        if (!taken) break;
        if (count > PARAMETERS_MOST) {
            return sv_fail_rule(err, "sip", SIPVEIL_LIMIT, "ADV-011", sv_offset(c),
                                "more than %d parameters", PARAMETERS_MOST);
        }
        if (count > 1 && named_before(list, p.name.data, p.name)) {
            return bad_address(err, c, "the same parameter twice");
        }
        if (sv_equal_nocase_str(p.name, "tag")) {
            if (!p.has_value || p.quoted) return bad_address(err, c, "a tag that is no token");
            out->tag = p.value;
        }
    }
    out->params = sv_span(list.at, (size_t)(c->at - list.at));
    sv_skip_lws(c);
    return SIPVEIL_OK;
}

sipveil_code sv_sip_take_address_and_uri(sv_cursor *c, unsigned flags, sv_sip_address *out, sv_sip_uri *uri,
                                         sipveil_error *err)
{
    *out = (sv_sip_address){0};
    sv_skip_lws(c);
    sipveil_code code = take_uri(c, flags, out, uri, err);
    if (code == SIPVEIL_OK) code = take_parameters(c, out, err);
    if (code != SIPVEIL_OK) *out = (sv_sip_address){0};
    return code;
}

sipveil_code sv_sip_take_address(sv_cursor *c, unsigned flags, sv_sip_address *out,
                                 sipveil_error *err)
{
    sv_sip_uri uri;
    return sv_sip_take_address_and_uri(c, flags, out, &uri, err);
}

sipveil_code sv_sip_read_address_parts(sipveil_span value, sv_sip_address *out, sv_sip_uri *parts, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "address");
    SV_TRY(sv_sip_take_address_and_uri(&c, SV_ADDRESS_SCHEMELESS, out, parts, err));
    if (sv_at_end(&c)) return SIPVEIL_OK;
    *out = (sv_sip_address){0};
    return bad_address(err, &c, "something after the end");
}

sipveil_code sv_sip_read_address(sipveil_span value, sv_sip_address *out, sipveil_error *err)
{
    sv_sip_uri parts;
    return sv_sip_read_address_parts(value, out, &parts, err);
}

bool sv_sip_param(sipveil_span params, const char *name, sipveil_span *value)
{
    sv_cursor c = sv_cursor_over(params, "parameters");
    *value = sv_span(NULL, 0);
    for (;;) {
        sv_skip_lws(&c);
        if (!sv_take_if(&c, ';')) return false;
        sv_skip_lws(&c);
        const uint8_t *from = c.at;
        uint8_t next;
        bool escaped;
        while (sv_peek(&c, &next) && next != ';' && next != '=' && !sv_is_blank(next) &&
               next != '\r') {
            c.at++;
        }
        bool found = sv_equal_nocase_str(sv_span(from, (size_t)(c.at - from)), name);
        sipveil_span text = {NULL, 0};
        sv_skip_lws(&c);
        if (sv_take_if(&c, '=')) {
            sv_skip_lws(&c);
            from = c.at;
            if (!sv_take_quoted(&c, &text, &escaped)) {
                while (sv_peek(&c, &next) && next != ';' && !sv_is_blank(next) && next != '\r')
                    c.at++;
                text = sv_span(from, (size_t)(c.at - from));
            }
        }
        if (found) {
            *value = text;
            return true;
        }
    }
}
