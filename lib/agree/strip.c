/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hop removes of a request that it accepts (RFC 3329 2.3.1): its option tag, and the header fields that were for
 * nobody but it. Supported stays (AGR-31). */
#include "agree/server.h"

sipveil_code sv_server_strip(sv_server *s, sipveil_span *message)
{
    static const sv_field_id rows[] = {SV_F_SECURITY_CLIENT, SV_F_SECURITY_VERIFY, SV_F_SECURITY_SERVER};
    static const sv_field_id tags[] = {SV_F_REQUIRE, SV_F_PROXY_REQUIRE};
    const sv_sip_view *view = s->inner != NULL ? s->inner : s->view;
    sv_sip_edit edit;
    sv_buffer out;
    bool changed = false;
    sv_sip_edit_start(&edit, view);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (sv_sip_edit_remove_all(&edit, rows[i]) > 0) changed = true; /* AGR-30 */
    }
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (sv_sip_first(view, tags[i]) != NULL && sv_sip_edit_remove_tag(&edit, tags[i], SV_AGREE_TAG, s->op->arena) > 0) {
            changed = true; /* AGR-29 */
        }
    }
    *message = view->whole;
    if (!changed) return SIPVEIL_OK;
    sv_buffer_init(&out, s->op->arena, view->whole.len, s->op->limits->message);
    SV_TRY(sv_sip_edit_write(&edit, &out, s->op->err));
    *message = sv_buffer_span(&out);
    return sv_buffer_check(&out, SV_AGREE, s->op->err);
}

sipveil_code sipveil_agree_clean_response(sipveil_worker *worker, sipveil_span response, sipveil_span *cleaned,
                                          sipveil_error *err)
{
    sv_sip_edit edit;
    sv_buffer out;
    if (worker == NULL || cleaned == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "worker and a place are needed");
    *cleaned = sv_span(NULL, 0);
    SV_TRY(sv_worker_begin_with(worker, &response, err));
    sv_sip_view *view = sv_arena_alloc_raw(worker->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(err, SV_AGREE);
    SV_TRY(sv_sip_read(response, SV_SIP_DATAGRAM, sipveil_context_limits(worker->context), view, err));
    if (view->is_request) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "this is a request, not a response");
    sv_sip_edit_start(&edit, view);
    if (sv_sip_edit_remove_all(&edit, SV_F_SECURITY_SERVER) == 0) { /* AGR-32 */
        *cleaned = view->whole;
        return SIPVEIL_OK;
    }
    sv_buffer_init(&out, worker->arena, view->whole.len, sipveil_context_limits(worker->context)->message);
    SV_TRY(sv_sip_edit_write(&edit, &out, err));
    *cleaned = sv_buffer_span(&out);
    return sv_buffer_check(&out, SV_AGREE, err);
}
