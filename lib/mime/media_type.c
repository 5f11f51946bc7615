/* SPDX-License-Identifier: BSD-2-Clause */
/* Media types and dispositions (RFC 2045 5.1, RFC 2183 2, RFC 3261 25.1): linear white space between
 * tokens as in SIP, no comments. */
#include "base/cursor.h"
#include "base/field.h"
#include "mime/mime.h"

static sipveil_code malformed(const sv_cursor *c, const char *rule, const char *what, sipveil_error *err)
{
    return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, rule, sv_offset(c), "%s: %s", c->what, what);
}

/* What a quoted string may hold: no control octet but HTAB, a fold, or what a backslash escapes. */
static bool is_quoted_text(sipveil_span s)
{
    sv_cursor c = sv_cursor_over(s, "quoted string");
    uint8_t byte;
    while (sv_take_byte(&c, &byte)) {
        if (byte == '\\') {
            if (!sv_take_byte(&c, &byte)) return false;
        } else if (byte == '\r') {
            if (!sv_take_if(&c, '\n') || !sv_peek(&c, &byte) || !sv_is_blank(byte)) return false;
        } else if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
            return false;
        }
    }
    return true;
}

/* Published samples lack the semicolon before a parameter that stands on a line of its own. */
static bool take_fold_before_parameter(sv_cursor *c)
{
    sv_cursor at = *c;
    uint8_t next;
    size_t fold;
    sv_skip_lws(&at);
    if (!sv_find_byte(sv_span(c->at, (size_t)(at.at - c->at)), '\n', &fold)) return false;
    if (!sv_peek(&at, &next) || !sv_is_mime_token(next)) return false;
    *c = at;
    return true;
}

/* Takes what stands before a parameter; *more is false when the value ends here. */
static sipveil_code take_separator(sv_cursor *c, unsigned flags, bool *more, sipveil_error *err)
{
    *more = (flags & SV_MIME_COMPAT_SAMPLES) && take_fold_before_parameter(c);
    if (*more) return SIPVEIL_OK;
    sv_skip_lws(c);
    if (sv_at_end(c)) return SIPVEIL_OK;
    if (!sv_take_if(c, ';')) return malformed(c, "ADV-019", "a semicolon should stand here", err);
    sv_skip_lws(c);
    *more = true;
    return SIPVEIL_OK;
}

static sipveil_code take_parameter(sv_cursor *c, sv_mime_parameter *out, sipveil_error *err)
{
    size_t at;
    uint8_t next;
    *out = (sv_mime_parameter){0};
    out->name = sv_take_run(c, SV_OCTET_MIME_TOKEN);
    if (out->name.len == 0) return malformed(c, "ADV-019", "parameter without a name", err);
    if (sv_find_byte(out->name, '*', &at)) {
        return malformed(c, "ADV-019", "extended or continued parameter (RFC 2231)", err);
    }
    sv_skip_lws(c);
    if (!sv_take_if(c, '=')) return malformed(c, "ADV-019", "parameter without a value", err);
    sv_skip_lws(c);
    if (sv_peek(c, &next) && next == '"') {
        out->quoted = true;
        if (!sv_take_quoted(c, &out->value, &out->has_escape) || !is_quoted_text(out->value)) {
            return malformed(c, "ADV-031", "bad quoted string", err);
        }
        return SIPVEIL_OK;
    }
    out->value = sv_take_run(c, SV_OCTET_MIME_TOKEN);
    if (out->value.len == 0) return malformed(c, "ADV-019", "parameter without a value", err);
    return SIPVEIL_OK;
}

/* at_name: the first one stands here, without a semicolon. */
static sipveil_code read_parameters(sv_cursor *c, size_t most, unsigned flags, bool at_name, sv_media_type *out,
                                    sipveil_error *err)
{
    __attribute__((uninitialized)) sipveil_span names[SV_MIME_PARAMETERS_MOST]; /* as far as they count */
    const uint8_t *from = NULL;
    if (most > SV_MIME_PARAMETERS_MOST) most = SV_MIME_PARAMETERS_MOST;
    for (bool more = true;; at_name = false) {
        sv_mime_parameter p;
        if (!at_name) SV_TRY(take_separator(c, flags, &more, err));
        if (!more) break;
        if (!at_name && out->parameter_count >= most) {
            return sv_fail_rule(err, "mime", SIPVEIL_LIMIT, "ADV-019", sv_offset(c),
                                "%s has over %zu parameters", c->what, most);
        }
        if (from == NULL) from = c->at;
        SV_TRY(take_parameter(c, &p, err));
        for (size_t i = 0; i < out->parameter_count; i++) {
            if (!sv_equal_nocase(names[i], p.name)) continue;
            return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "ADV-019", sv_offset(c),
                                "%s has parameter \"%s\" twice", c->what, SV_QUOTE(p.name));
        }
        names[out->parameter_count++] = p.name;
    }
    out->flags = flags;
    if (from != NULL) out->parameters = sv_span(from, (size_t)(c->at - from));
    return SIPVEIL_OK;
}

/* TUN-78: "smime-type=enveloped-data", and no slash anywhere. */
static bool is_seed000(sipveil_span value)
{
    size_t slash;
    return !sv_find_byte(value, '/', &slash) && sv_starts_nocase_str(value, "smime-type=");
}

static sipveil_code read_seed000(sv_cursor *c, size_t most, sv_media_type *out, sipveil_error *err)
{
    out->type = SV_SPAN("application");
    out->subtype = SV_SPAN("pkcs7-mime");
    return read_parameters(c, most, 0, true, out, err);
}

static sipveil_code read_media_type(sv_cursor *c, size_t most, unsigned flags, sv_media_type *out,
                                    sipveil_error *err)
{
    out->present = true;
    if ((flags & SV_MIME_COMPAT_SEED000) && is_seed000(sv_rest(c))) {
        return read_seed000(c, most, out, err);
    }
    out->type = sv_take_run(c, SV_OCTET_MIME_TOKEN);
    if (out->type.len == 0) return malformed(c, "TUN-78", "no type", err);
    sv_skip_lws(c);
    if (!sv_take_if(c, '/')) return malformed(c, "TUN-78", "no slash after the type", err);
    sv_skip_lws(c);
    out->subtype = sv_take_run(c, SV_OCTET_MIME_TOKEN);
    if (out->subtype.len == 0) return malformed(c, "TUN-78", "no subtype", err);
    return read_parameters(c, most, flags, false, out, err);
}

sipveil_code sv_mime_read_media_type(sipveil_span value, const sipveil_limits *limits, unsigned flags,
                                     sv_media_type *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Content-Type");
    *out = (sv_media_type){0};
    sipveil_code code = read_media_type(&c, limits->parameters, flags, out, err);
    if (code != SIPVEIL_OK) *out = (sv_media_type){0};
    return code;
}

sipveil_code sv_mime_read_disposition(sipveil_span value, const sipveil_limits *limits, unsigned flags,
                                      sv_media_type *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Content-Disposition");
    *out = (sv_media_type){0};
    out->present = true;
    out->type = sv_take_run(&c, SV_OCTET_MIME_TOKEN);
    sipveil_code code = out->type.len == 0
                            ? malformed(&c, "TUN-63", "no disposition type", err)
                            : read_parameters(&c, limits->parameters, flags, false, out, err);
    if (code != SIPVEIL_OK) *out = (sv_media_type){0};
    return code;
}

bool sv_media_type_next(const sv_media_type *t, sv_cursor *c, sv_mime_parameter *out)
{
    bool more;
    if (sv_at_end(c) || take_parameter(c, out, NULL) != SIPVEIL_OK) return false;
    (void)take_separator(c, t->flags, &more, NULL);
    return true;
}

bool sv_media_type_parameter(const sv_media_type *t, const char *name, sipveil_span *value)
{
    sv_cursor c = sv_cursor_over(t->parameters, "parameters");
    sv_mime_parameter p;
    *value = sv_span(NULL, 0);
    while (sv_media_type_next(t, &c, &p)) {
        if (!sv_equal_nocase_str(p.name, name)) continue;
        *value = p.value;
        return true;
    }
    return false;
}
