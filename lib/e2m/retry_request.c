/* SPDX-License-Identifier: BSD-2-Clause */
/* The request that is sent again: another transaction, and nothing else is new. */
#include "e2m/retry.h"
#include "sip/edit.h"
#include "sip/values.h"
#include "tunnel/resend.h"

static sipveil_span from_tag_of(const sv_sip_view *view)
{
    sv_sip_address from;
    return sv_sip_read_address(sv_sip_value(view, SV_F_FROM), &from, NULL) == SIPVEIL_OK ? from.tag : sv_span(NULL, 0);
}

/* The plain request keeps its first CSeq while what goes out counts on: a response to any of these sendings is one to
 * the request (ADV-148). */
static sipveil_code check_answers(sv_retry *r)
{
    uint32_t asked, answered;
    sipveil_span method, answered_method;
    SV_TRY(sv_sip_read_cseq(sv_sip_value(r->request, SV_F_CSEQ), &asked, &method, r->err));
    SV_TRY(sv_sip_read_cseq(sv_sip_value(r->response, SV_F_CSEQ), &answered, &answered_method, r->err));
    if (r->response->status / 100 == 2) return SIPVEIL_OK; /* of a probe, or a registration */
    if (sv_equal(sv_sip_value(r->request, SV_F_CALL_ID), sv_sip_value(r->response, SV_F_CALL_ID)) &&
        sv_equal(method, answered_method) && sv_equal(from_tag_of(r->request), from_tag_of(r->response)) &&
        answered >= asked && answered - asked <= SV_RETRY_HOSTS_MOST) {
        return SIPVEIL_OK;
    }
    return sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "ADV-148", SIPVEIL_NO_OFFSET,
                        "the response answers another request: Call-ID %s and CSeq %s, not %s and %s",
                        SV_QUOTE(sv_sip_value(r->response, SV_F_CALL_ID)), SV_QUOTE(sv_sip_value(r->response, SV_F_CSEQ)),
                        SV_QUOTE(sv_sip_value(r->request, SV_F_CALL_ID)), SV_QUOTE(sv_sip_value(r->request, SV_F_CSEQ)));
}

sipveil_code sv_retry_read_both(sv_retry *r, sipveil_span request, sipveil_span response)
{
    r->request = sv_arena_alloc_raw(r->arena, sizeof *r->request);
    r->response = sv_arena_alloc_raw(r->arena, sizeof *r->response);
    if (r->request == NULL || r->response == NULL) return sv_no_memory(r->err, SV_E2M);
    if (r->options->e2m.seal.accept_bare_lf) {
        SV_TRY(sv_normalise_lines(r->arena, &request, r->limits, &r->bare_lf, r->err));
    }
    SV_TRY(sv_sip_read(request, SV_SIP_DATAGRAM, r->limits, r->request, r->err));
    sipveil_code code = sv_sip_read(response, SV_SIP_DATAGRAM, r->limits, r->response, r->err);
    if (code != SIPVEIL_OK) {
        sv_fail_prefix(r->err, "response: ");
        return code;
    }
    if (!r->request->is_request || r->response->is_request) {
        return sv_fail(r->err, SV_E2M, SIPVEIL_USAGE, "a request and the response to it are needed, and these are a %s and a %s",
                       r->request->is_request ? "request" : "response", r->response->is_request ? "request" : "response");
    }
    return check_answers(r);
}

/* ---- another transaction ---- */

static sipveil_code next_cseq(sv_retry *r, sv_sip_edit *edit)
{
    uint32_t answered;
    sipveil_span method;
    SV_TRY(sv_sip_read_cseq(sv_sip_value(r->response, SV_F_CSEQ), &answered, &method, r->err));
    return sv_resend_next_cseq(edit, answered, r->arena, r->err);
}

sipveil_code sv_retry_next_request(sv_retry *r, sipveil_span *out)
{
    sv_buffer b;
    bool had_branch;
    *out = r->request->whole;
    if (r->response->status / 100 == 2) return SIPVEIL_OK; /* it was not sent yet */
    sv_sip_edit *edit = sv_arena_alloc_raw(r->arena, sizeof *edit);
    if (edit == NULL) return sv_no_memory(r->err, SV_E2M);
    sv_sip_edit_start(edit, r->request);
    SV_TRY(next_cseq(r, edit));
    SV_TRY(sv_resend_next_branch(edit, r->worker->crypto, r->arena, &had_branch, r->err));
    sv_buffer_init(&b, r->arena, r->request->whole.len + 128, r->limits->message * 2);
    SV_TRY(sv_sip_edit_write(edit, &b, r->err));
    *out = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
