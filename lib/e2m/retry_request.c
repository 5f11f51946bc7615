/* SPDX-License-Identifier: BSD-2-Clause */
/* The request that is sent again: another transaction, and nothing else is new. */
#include "base/field.h"
#include "e2m/retry.h"
#include "sip/address.h"
#include "sip/edit.h"
#include "sip/values.h"

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
    uint32_t asked, answered;
    sipveil_span method, ignored;
    sv_buffer b;
    SV_TRY(sv_sip_read_cseq(sv_sip_value(r->request, SV_F_CSEQ), &asked, &method, r->err));
    SV_TRY(sv_sip_read_cseq(sv_sip_value(r->response, SV_F_CSEQ), &answered, &ignored, r->err));
    if (answered >= (1U << 31) - 1) return sv_fail(r->err, SV_E2M, SIPVEIL_USAGE, "CSeq has no next number");
    sv_buffer_init(&b, r->arena, 64, 1024);
    sv_put_number(&b, answered + 1);
    sv_put_byte(&b, ' ');
    sv_put(&b, method);
    SV_TRY(sv_buffer_check(&b, SV_E2M, r->err));
    sv_sip_edit_set_value(edit, sv_sip_first(r->request, SV_F_CSEQ), sv_buffer_span(&b), r->arena);
    return SIPVEIL_OK;
}

/* The branch of the top Via, which is ours; false: it has none. */
static bool find_branch(sipveil_span via, sipveil_span *branch)
{
    sv_cursor c = sv_cursor_over(via, "Via");
    sv_parameter p;
    sipveil_span passed;
    bool taken = true;
    if (!sv_take_until(&c, ';', &passed)) return false;
    while (taken && sv_take_parameter(&c, SV_OCTET_GEN_VALUE, SV_E2M, &p, &taken, NULL) == SIPVEIL_OK) {
        if (!taken || !sv_equal_nocase_str(p.name, "branch")) continue;
        *branch = p.value;
        return true;
    }
    return false;
}

static sipveil_code next_branch(sv_retry *r, sv_sip_edit *edit)
{
    const sv_sip_field *via = sv_sip_first(r->request, SV_F_VIA);
    sipveil_span branch;
    uint8_t random[12];
    sv_buffer b;
    if (via == NULL || !find_branch(via->value, &branch)) return SIPVEIL_OK;
    SV_TRY(sv_random(r->worker->crypto, random, sizeof random, r->err));
    size_t before = (size_t)(branch.data - via->value.data);
    sv_buffer_init(&b, r->arena, via->value.len + 64, r->limits->header_field);
    sv_put(&b, sv_span(via->value.data, before));
    sv_put_str(&b, "z9hG4bK");
    for (size_t i = 0; i < sizeof random; i++) sv_put_format(&b, "%02x", random[i]);
    sv_put(&b, sv_span_from(via->value, before + branch.len));
    SV_TRY(sv_buffer_check(&b, SV_E2M, r->err));
    sv_sip_edit_set_value(edit, via, sv_buffer_span(&b), r->arena);
    return SIPVEIL_OK;
}

sipveil_code sv_retry_next_request(sv_retry *r, sipveil_span *out)
{
    sv_buffer b;
    *out = r->request->whole;
    if (r->response->status / 100 == 2) return SIPVEIL_OK; /* it was not sent yet */
    sv_sip_edit *edit = sv_arena_alloc_raw(r->arena, sizeof *edit);
    if (edit == NULL) return sv_no_memory(r->err, SV_E2M);
    sv_sip_edit_start(edit, r->request);
    SV_TRY(next_cseq(r, edit));
    SV_TRY(next_branch(r, edit));
    sv_buffer_init(&b, r->arena, r->request->whole.len + 128, r->limits->message * 2);
    SV_TRY(sv_sip_edit_write(edit, &b, r->err));
    *out = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
