/* SPDX-License-Identifier: BSD-2-Clause */
/* The outer message of a tunnel: what stays outside, what is only inside, what gets a stand-in
 * (RFC 3261 23.4.1.2, 23.4.3; TUN 3.2, TUN-42, TUN-70). */
#include "sip/address.h"
#include "tunnel/sealing.h"

/* What an encrypted tunnel leaves outside: what hops need and what identifies the transaction. */
static bool stays_outside(sv_field_id id, sipveil_span method)
{
    switch (id) {
    case SV_F_VIA: case SV_F_ROUTE: case SV_F_RECORD_ROUTE: case SV_F_MAX_FORWARDS: case SV_F_TO: case SV_F_FROM:
    case SV_F_CALL_ID: case SV_F_CSEQ: case SV_F_CONTACT: case SV_F_DATE: case SV_F_REQUIRE:
    case SV_F_PROXY_REQUIRE: case SV_F_AUTHORIZATION: case SV_F_PROXY_AUTHORIZATION: case SV_F_WWW_AUTHENTICATE:
    case SV_F_PROXY_AUTHENTICATE: case SV_F_AUTHENTICATION_INFO: case SV_F_PRIORITY: case SV_F_TIMESTAMP:
    case SV_F_MIN_EXPIRES:
        return true;
    case SV_F_EXPIRES:
        return sv_equal_str(method, "REGISTER");
    default:
        return false;
    }
}

/* TUN-70: what RFC 3261 demands of any message, and no more. */
static bool stays_outside_pcscf(sv_field_id id)
{
    return id == SV_F_VIA || id == SV_F_MAX_FORWARDS || id == SV_F_TO || id == SV_F_FROM || id == SV_F_CALL_ID ||
           id == SV_F_CSEQ || id == SV_F_CONTACT || id == SV_F_DATE;
}

bool sv_hides(const sv_sealing *s, sv_field_id id, sipveil_span name)
{
    if (s->options->pcscf && id == SV_F_FROM) return true;
    for (size_t i = 0; i < s->options->hide_count; i++) {
        sipveil_span hidden = sv_span_str(s->options->hide[i]);
        if (sv_equal_nocase(hidden, name) || (id != SV_F_OTHER && sv_field_id_of(hidden) == id)) return true;
    }
    return false;
}

typedef struct outer_rows {
    const sv_sealing *s;
    const sv_sip_view *inner;
    bool encrypted;
    bool from_hidden;
    sipveil_code code;
} outer_rows;

/* ";tag=T" of an address, if it has one. */
static void put_tag(const sv_sip_field *field, sv_buffer *out)
{
    sv_sip_address address;
    if (sv_sip_read_address(field->value, &address, NULL) != SIPVEIL_OK || address.tag.len == 0) return;
    sv_put_str(out, ";tag=");
    sv_put(out, address.tag);
}

static void put_from_stand_in(const sv_sip_field *field, sv_buffer *out)
{
    sv_put_row_start(field, out);
    sv_put_str(out, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
    put_tag(field, out);
    sv_put_str(out, "\r\n");
}

/* Where to send, without saying to whom: host, port and the URI parameters that routing needs. */
static void put_uri_without_user(const sv_sip_uri *uri, sv_buffer *out)
{
    static const char *const needed[] = {"transport", "maddr", "ttl", "ob"};
    sv_put_str(out, uri->is_sips ? "<sips:" : "<sip:");
    sv_put(out, uri->host);
    if (uri->has_port) {
        sv_put_byte(out, ':');
        sv_put_number(out, uri->port);
    }
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        sipveil_span value;
        if (!sv_sip_param(uri->params, needed[i], &value)) continue;
        sv_put_byte(out, ';');
        sv_put_str(out, needed[i]);
        if (value.len > 0) sv_put_byte(out, '=');
        sv_put(out, value);
    }
    sv_put_byte(out, '>');
}

/* One row, which may list several (a redirect, the answer to a REGISTER). */
static sipveil_code put_contact_without_user(outer_rows *rows, const sv_sip_field *field, sv_buffer *out)
{
    sipveil_error *err = rows->s->op->err;
    sv_cursor c = sv_cursor_over(field->value, "Contact");
    sv_sip_address contact;
    sv_sip_uri uri;
    bool first = true;
    if (sv_equal_str(field->value, "*")) {
        sv_put(out, field->line);
        return SIPVEIL_OK;
    }
    sv_put_row_start(field, out);
    do {
        SV_TRY(sv_sip_take_address(&c, 0, &contact, err));
        SV_TRY(sv_sip_read_uri(contact.uri, &uri, err));
        if (uri.host.len == 0) {
            return sv_fail_rule(err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "TUN-42", SIPVEIL_NO_OFFSET,
                                "From can be hidden only where every Contact is a SIP URI");
        }
        if (!first) sv_put_str(out, ", ");
        first = false;
        put_uri_without_user(&uri, out);
    } while (sv_take_if(&c, ','));
    sv_put_str(out, "\r\n");
    return SIPVEIL_OK;
}

/* Profile of the P-CSCF, variant 2: To names the P-CSCF too (TUN-71), in answers as in the request. */
static bool put_pcscf_to(const outer_rows *rows, const sv_sip_field *field, sv_buffer *out)
{
    if (!rows->s->options->pcscf || rows->s->options->request_uri == NULL) return false;
    sv_put_row_start(field, out);
    sv_put_str(out, "<");
    sv_put_str(out, rows->s->options->request_uri);
    sv_put_str(out, ">");
    put_tag(field, out);
    sv_put_str(out, "\r\n");
    return true;
}

static bool outer_row(void *state, const sv_sip_field *field, sv_buffer *out)
{
    outer_rows *rows = state;
    const sv_sealing *s = rows->s;
    if (!rows->encrypted) return false; /* a signed-only tunnel carries all fields */
    bool outside = s->options->pcscf ? stays_outside_pcscf(field->id)
                                     : stays_outside(field->id, rows->inner->method);
    if (!outside) return true;
    if (field->id == SV_F_FROM && rows->from_hidden) {
        put_from_stand_in(field, out);
        return true;
    }
    if (field->id == SV_F_CONTACT && rows->from_hidden) {
        sipveil_code code = put_contact_without_user(rows, field, out);
        if (rows->code == SIPVEIL_OK) rows->code = code;
        return true;
    }
    if (field->id == SV_F_TO && put_pcscf_to(rows, field, out)) return true;
    return sv_hides(s, field->id, field->name);
}

/* The start line with another Request-URI. */
static sipveil_code outer_start_line(sv_sealing *s, const sv_sip_view *inner, sipveil_span *line)
{
    sv_buffer b;
    sv_sip_uri uri;
    *line = inner->start_line;
    if (s->options->request_uri == NULL) return SIPVEIL_OK;
    sipveil_span wanted = sv_span_str(s->options->request_uri);
    if (!sv_is_text(wanted) || sv_sip_read_uri(wanted, &uri, s->op->err) != SIPVEIL_OK) {
        return sv_fail(s->op->err, SV_TUNNEL, SIPVEIL_USAGE, "the Request-URI \"%s\" is no URI", SV_QUOTE(wanted));
    }
    if (!inner->is_request) return SIPVEIL_OK;
    sv_buffer_init(&b, s->op->arena, inner->start_line.len + wanted.len, s->op->limits->start_line);
    sv_put(&b, inner->method);
    sv_put_str(&b, " ");
    sv_put(&b, wanted);
    sv_put_str(&b, " SIP/2.0");
    *line = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_TUNNEL, s->op->err);
}

sipveil_code sv_put_outer(sv_sealing *s, const sv_sip_view *inner, sv_packed body, bool encrypted, sv_buffer *out)
{
    outer_rows rows = {.s = s,
                       .inner = inner,
                       .encrypted = encrypted,
                       .from_hidden = encrypted && sv_hides(s, SV_F_FROM, SV_SPAN("From")),
                       .code = SIPVEIL_OK};
    sv_rewrite rewrite = {.view = inner,
                          .row = outer_row,
                          .state = &rows,
                          .drop_mime_version = true,
                          .extra = SV_SPAN("MIME-Version: 1.0\r\n"),
                          .rows = body.rows,
                          .body = body.content};
    SV_TRY(outer_start_line(s, inner, &rewrite.start_line));
    sipveil_code code = sv_put_message(&rewrite, s->op->limits, out, s->op->err);
    return rows.code != SIPVEIL_OK ? rows.code : code;
}
