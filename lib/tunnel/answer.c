/* SPDX-License-Identifier: BSD-2-Clause */
/* The response that a refusal puts on the wire: one answer for everything that failed after the first
 * use of a secret (TUN-90), and never more than the class (adversary classes; RFC 3261 8.2, 23.2). */
#include "tunnel/operation.h"

static const char *phrase_of(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 413: return "Request Entity Too Large";
    case 415: return "Unsupported Media Type";
    case 488: return "Not Acceptable Here";
    case 493: return "Undecipherable";
    case 495: return "Signature Required";
    case 496: return "Proxy Undecipherable";
    case 505: return "Version Not Supported";
    case 513: return "Message Too Large";
    default: return "Server Internal Error";
    }
}

/* TUN-18: what we can open. */
#define ACCEPTED                                                                                          \
    "Accept: application/sdp, application/pkcs7-mime, application/pkcs7-signature, multipart/signed, "    \
    "multipart/mixed, multipart/alternative, message/sip, message/sipfrag\r\n"

static sipveil_code put_to(sv_operation *op, const sv_sip_field *field, sv_buffer *out)
{
    sv_sip_address to;
    uint8_t tag[8];
    sv_put(out, sv_span(field->line.data, field->line.len - 2));
    if (sv_sip_read_address(field->value, &to, NULL) == SIPVEIL_OK && to.tag.len == 0) {
        SV_TRY(sv_random(op->crypto, tag, sizeof tag, op->err));
        sv_put_str(out, ";tag=");
        for (size_t i = 0; i < sizeof tag; i++) sv_put_format(out, "%02x", tag[i]);
    }
    sv_put_str(out, "\r\n");
    return SIPVEIL_OK;
}

sipveil_code sv_make_answer(sv_operation *op, const sv_sip_view *view, const sv_answer *answer, sipveil_span *response)
{
    sv_buffer b;
    *response = sv_span(NULL, 0);
    if (!view->is_request || sv_equal_str(view->method, "ACK")) {
        return sv_fail(op->err, SV_TUNNEL, SIPVEIL_USAGE, "a response or an ACK is not answered");
    }
    sv_buffer_init(&b, op->arena, 1024 + answer->body.len, op->limits->message);
    sv_put_format(&b, "SIP/2.0 %d ", answer->status);
    sv_put(&b, answer->phrase.len > 0 ? answer->phrase : sv_span_str(phrase_of(answer->status)));
    sv_put_str(&b, "\r\n");
    for (size_t i = 0; i < view->field_count; i++) {
        const sv_sip_field *field = &view->fields[i];
        if (field->id == SV_F_TO) {
            SV_TRY(put_to(op, field, &b));
        } else if (field->id == SV_F_VIA || field->id == SV_F_FROM || field->id == SV_F_CALL_ID ||
                   field->id == SV_F_CSEQ || field->id == SV_F_TIMESTAMP) {
            sv_put(&b, field->line);
        }
    }
    sv_put(&b, answer->rows);
    sv_put(&b, answer->content_rows);
    sv_put_str(&b, "Content-Length: ");
    sv_put_number(&b, answer->body.len);
    sv_put_str(&b, "\r\n\r\n");
    sv_put(&b, answer->body);
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, op->err));
    *response = sv_buffer_span(&b);
    return SIPVEIL_OK;
}

sipveil_code sipveil_tunnel_answer(sipveil_worker *worker, const sipveil_open_options *options, sipveil_span message,
                                   const sipveil_error *why, sipveil_span *response, sipveil_error *err)
{
    sipveil_error local, reason = {0};
    if (why != NULL) reason = *why; /* err may be the same place */
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || options == NULL || why == NULL || response == NULL) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "worker, options, reason and place are needed");
    }
    *response = sv_span(NULL, 0);
    if (reason.code == SIPVEIL_OK) return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "there is no refusal to answer with");
    sv_answer answer = {.status = reason.sip_status >= 400 && reason.sip_status <= 699 ? reason.sip_status : 500};
    bool tunnel_required = answer.status == 403 && strcmp(reason.rule, "TUN-73") == 0;
    if (tunnel_required) answer.phrase = SV_SPAN("Tunnel Required");
    if (answer.status == 415 || tunnel_required) answer.rows = SV_SPAN(ACCEPTED);
    sv_worker_begin(worker);
    sv_operation *op = &worker->operation;
    op->err = err;
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(err, SV_TUNNEL);
    SV_TRY(sv_sip_read(message, SV_SIP_DATAGRAM, op->limits, view, err));
    return sv_make_answer(op, view, &answer, response);
}
