/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer of a UA to a request that it opened: the usual response, and that response sealed for whoever signed. */
#include "sip/response.h"
#include "tunnel/operation.h"

/* Rows, each with its CRLF, and no empty line, after which the body would begin. */
static bool are_rows(sipveil_span text)
{
    size_t at;
    bool ends = text.len == 0 || (text.len > 2 && sv_equal_str(sv_span_from(text, text.len - 2), "\r\n"));
    return ends && !sv_find(text, SV_SPAN("\r\n\r\n"), &at) && !sv_starts_nocase_str(text, "\r\n");
}

static sipveil_code check_call(const sipveil_worker *worker, const sipveil_response *r, const void *place, sipveil_error *err)
{
    if (worker == NULL || r == NULL || place == NULL) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "worker, response and a place for the result are needed");
    }
    if (r->status < 100 || r->status > 699) return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "%d is no status", r->status);
    if (r->phrase != NULL && !sv_is_text(sv_span_str(r->phrase))) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "the reason phrase \"%s\" is no text", SV_QUOTE(sv_span_str(r->phrase)));
    }
    if (!are_rows(sipveil_span_of(r->rows))) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "\"%s\" are no rows: each ends in CRLF, and none is empty",
                       SV_QUOTE(sipveil_span_of(r->rows)));
    }
    if (r->tag != NULL && !sv_is_text(sv_span_str(r->tag))) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "the tag \"%s\" is none", SV_QUOTE(sv_span_str(r->tag)));
    }
    if (r->type != NULL && !sv_is_text(sv_span_str(r->type))) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "\"%s\" is no media type", SV_QUOTE(sv_span_str(r->type)));
    }
    if (r->body.len > 0 && r->type == NULL) return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "the body of a response needs its type");
    return SIPVEIL_OK;
}

/* What the caller gave stands in the response as it is, so the whole is read as its receiver will. */
static sipveil_code check_result(sv_operation *op, const sipveil_response *r, sipveil_span octets)
{
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_sip_read(octets, SV_SIP_DATAGRAM, op->limits, view, op->err));
    if (view->has_content_length && view->body.len == r->body.len && view->tail == 0) return SIPVEIL_OK;
    return sv_fail(op->err, SV_TUNNEL, SIPVEIL_USAGE, "the rows of the response hold a Content-Length of their own");
}

sipveil_code sipveil_tunnel_write_response(sipveil_worker *worker, sipveil_span request, const sipveil_response *response,
                                    sipveil_span *out, sipveil_error *err)
{
    sipveil_error local;
    sv_buffer rows;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    SV_TRY(check_call(worker, response, out, err));
    *out = sv_span(NULL, 0);
    SV_TRY(sv_worker_begin_with(worker, &request, err));
    sv_operation *op = &worker->operation;
    op->err = err;
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(err, SV_TUNNEL);
    SV_TRY(sv_sip_read(request, SV_SIP_DATAGRAM, op->limits, view, err));
    sv_buffer_init(&rows, op->arena, 256, op->limits->header_field);
    if (response->body.len > 0) {
        sv_put_str(&rows, "Content-Type: ");
        sv_put_str(&rows, response->type);
        sv_put_str(&rows, "\r\n");
    }
    SV_TRY(sv_buffer_check(&rows, SV_TUNNEL, err));
    const sv_answer answer = {.status = response->status, .phrase = sipveil_span_of(response->phrase), .rows = sipveil_span_of(response->rows),
                              .content_rows = sv_buffer_span(&rows), .tag = sipveil_span_of(response->tag), .body = response->body};
    sipveil_span made;
    SV_TRY(sv_make_answer(op, view, &answer, &made));
    SV_TRY(check_result(op, response, made));
    *out = made;
    return SIPVEIL_OK;
}

/* ---- sealed ---- */

enum { REPLY_RECIPIENTS_MOST = 8 };

/* The certificates that were accepted as the sender's, in a ring that goes with the call. */
static sipveil_code add_signers(sipveil_keyring *ring, const sipveil_opened *request, const sipveil_key **keys, size_t *count,
                                sipveil_error *err)
{
    for (size_t i = 0; i < request->signer_count && *count < REPLY_RECIPIENTS_MOST; i++) {
        const sipveil_accepted_signer *signer = &request->signers[i];
        bool repeated = false;
        for (size_t k = 0; k < i; k++) repeated |= sv_equal(request->signers[k].certificate, signer->certificate);
        if (repeated) continue;
        SV_TRY(sipveil_keyring_add_octets(ring, signer->certificate, signer->aor, NULL, &keys[*count], err));
        ++*count;
    }
    if (*count > 0) return SIPVEIL_OK;
    sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "nobody signed the request, so there is nobody to seal the response for");
    return sv_hint(err, SIPVEIL_USAGE, "name its recipients in the options");
}

sipveil_code sipveil_tunnel_seal_response(sipveil_worker *worker, const sipveil_seal_options *options, const sipveil_opened *request,
                                  const sipveil_response *response, sipveil_sealed *out, sipveil_error *err)
{
    sipveil_error local;
    sipveil_keyring *ring = NULL;
    const sipveil_key *signers[REPLY_RECIPIENTS_MOST];
    sipveil_span clear;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (out == NULL) return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "no place for the result");
    *out = (sipveil_sealed){0};
    if (worker == NULL || options == NULL || options->size != sizeof *options || request == NULL) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "worker, options (with their size) and an opened request are needed");
    }
    sipveil_seal_options settled = *options;
    sipveil_code code = SIPVEIL_OK;
    if (options->recipient_count == 0) {
        settled.recipients = signers;
        code = sipveil_keyring_new(worker->context, &ring, err);
        if (code == SIPVEIL_OK) code = add_signers(ring, request, signers, &settled.recipient_count, err);
    }
    if (code == SIPVEIL_OK) code = sipveil_tunnel_write_response(worker, request->message, response, &clear, err);
    if (code == SIPVEIL_OK) code = sipveil_tunnel_seal_message(worker, &settled, clear, out, err);
    sipveil_keyring_free(ring);
    return code;
}
