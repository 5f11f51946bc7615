/* SPDX-License-Identifier: BSD-2-Clause */
/* An authenticated identity body (RFC 3893): chosen header fields as a signed message/sipfrag beside the
 * original body. */
#include "tunnel/sealing.h"

void sv_put_content_rows(const sv_sip_view *view, sv_buffer *out)
{
    for (size_t i = 0; i < view->field_count; i++) {
        const sv_sip_field *field = &view->fields[i];
        if (field->id == SV_F_CONTENT_LENGTH || !sv_is_content_field(field->id, field->name)) continue;
        /* MIME knows no compact forms, and no blank before the colon. */
        if (field->id == SV_F_OTHER && sv_starts_nocase_str(sv_span_from(field->line, field->name.len), ":")) {
            sv_put(out, field->line);
            continue;
        }
        if (field->id == SV_F_OTHER) sv_put(out, field->name);
        else sv_put_str(out, sv_field_info_of(field->id)->name);
        sv_put_str(out, ": ");
        sv_put(out, field->value);
        sv_put_str(out, "\r\n");
    }
}

/* One field, all its rows; From of a response is the responder: the value of To (TUN-53). */
static bool put_field(const sv_sip_view *view, sipveil_span name, sv_buffer *out)
{
    sv_field_id id = sv_field_id_of(name);
    if (id == SV_F_FROM && !view->is_request) {
        sv_put_str(out, "From: ");
        sv_put(out, sv_sip_value(view, SV_F_TO));
        sv_put_str(out, "\r\n");
        return true;
    }
    const sv_sip_field *row = sv_sip_find(view, name);
    if (row == NULL) return false;
    for (; row != NULL; row = sv_sip_next(view, row)) sv_put(out, row->line);
    return true;
}

static sipveil_code put_fields(sv_sealing *s, const sv_sip_view *view, sv_buffer *out)
{
    static const char *const request[] = {"From", "To", "Call-ID", "CSeq", "Date", "Contact"};
    static const char *const response[] = {"From", "Call-ID", "CSeq", "Date", "Contact"};
    if (s->options->fields == NULL) {
        const char *const *names = view->is_request ? request : response;
        size_t count = view->is_request ? sizeof request / sizeof *request : sizeof response / sizeof *response;
        for (size_t i = 0; i < count; i++) (void)put_field(view, sv_span_str(names[i]), out);
        return SIPVEIL_OK;
    }
    for (size_t i = 0; i < s->options->field_count; i++) {
        sipveil_span name = sv_span_str(s->options->fields[i]);
        if (!view->is_request && sv_field_id_of(name) == SV_F_TO) {
            return sv_fail_rule(s->op->err, SV_TUNNEL, SIPVEIL_USAGE, "TUN-53", SIPVEIL_NO_OFFSET,
                                "the AIB of a response must not hold To");
        }
        if (sv_is_for_outside(name, s->options->outside_only, s->options->outside_only_count)) {
            return sv_fail_rule(s->op->err, SV_TUNNEL, SIPVEIL_POLICY, "TRU-41", SIPVEIL_NO_OFFSET,
                                "%s must not be inside: hops add, change and delete it (E_INNER_FORBIDDEN)", SV_QUOTE(name));
        }
        if (sv_is_content_field(sv_field_id_of(name), name)) {
            return sv_fail(s->op->err, SV_TUNNEL, SIPVEIL_USAGE, "%s describes a body and cannot be in an AIB",
                           SV_QUOTE(name));
        }
        if (!put_field(view, name, out)) {
            sv_report_warning(s->op, "TUN-51", "the message has no %s; the AIB goes without", SV_QUOTE(name));
        }
    }
    return SIPVEIL_OK;
}

/* TUN-52: the fragment as an entity. */
sipveil_code sv_pack_fragment(sv_sealing *s, const sv_sip_view *view, sipveil_span extra, sipveil_span *entity)
{
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, 1024, s->op->limits->message);
    sv_put_str(&b, "Content-Type: message/sipfrag;version=2.0\r\n"
                   "Content-Disposition: aib; handling=optional\r\n\r\n");
    size_t empty = b.len;
    SV_TRY(put_fields(s, view, &b));
    sv_put(&b, extra);
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, s->op->err));
    if (b.len == empty) {
        return sv_fail(s->op->err, SV_TUNNEL, SIPVEIL_USAGE, "none of the fields asked for is in the message");
    }
    *entity = sv_buffer_span(&b);
    return SIPVEIL_OK;
}

/* Rows that are true of the multipart too and keep the places (and the names, compact or not) of those
 * that moved into its first part, so that opening gives the message back as it was. */
static void put_place_holders(const sv_sip_view *view, sv_buffer *rows)
{
    for (size_t i = 0; i < view->field_count; i++) {
        switch (view->fields[i].id) {
        case SV_F_CONTENT_DISPOSITION: sv_put_str(rows, "Content-Disposition: render\r\n"); break;
        case SV_F_CONTENT_ENCODING: sv_put_str(rows, "Content-Encoding: identity\r\n"); break;
        case SV_F_CONTENT_TRANSFER_ENCODING: sv_put_str(rows, "Content-Transfer-Encoding: binary\r\n"); break;
        case SV_F_CONTENT_LANGUAGE:
            sv_put_str(rows, "Content-Language: ");
            sv_put(rows, view->fields[i].value);
            sv_put_str(rows, "\r\n");
            break;
        default: break;
        }
    }
}

/* multipart/mixed { original body, AIB } (TUN-52, TUN-64). */
static sipveil_code pack_mixed(sv_sealing *s, const sv_sip_view *view, sv_packed aib, sv_packed *out)
{
    sv_packed original = {.content = view->body};
    sipveil_span parts[2];
    sv_buffer rows;
    sv_buffer_init(&rows, s->op->arena, 512, s->op->limits->header);
    sv_put_content_rows(view, &rows);
    SV_TRY(sv_buffer_check(&rows, SV_TUNNEL, s->op->err));
    original.rows = sv_buffer_span(&rows);
    SV_TRY(sv_pack_entity(s, original, &parts[0]));
    SV_TRY(sv_pack_entity(s, aib, &parts[1]));
    SV_TRY(sv_pack_mixed(s, parts, 2, out));
    sv_buffer_init(&rows, s->op->arena, 256, s->op->limits->header);
    sv_put(&rows, out->rows);
    put_place_holders(view, &rows);
    out->rows = sv_buffer_span(&rows);
    return sv_buffer_check(&rows, SV_TUNNEL, s->op->err);
}

sipveil_code sv_put_with_aib(sv_sealing *s, const sv_sip_view *view, sv_buffer *out)
{
    sipveil_span entity;
    sv_packed aib, body;
    SV_TRY(sv_pack_fragment(s, view, sv_span(NULL, 0), &entity));
    SV_TRY(sv_pack_protected(s, entity, &aib));
    body = aib;
    if (view->body.len > 0) SV_TRY(pack_mixed(s, view, aib, &body));
    sv_rewrite rewrite = {.view = view, .rows = body.rows, .body = body.content, .keep_framing = true};
    return sv_put_message(&rewrite, s->op->limits, out, s->op->err);
}
