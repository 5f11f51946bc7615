/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity/event.h"

#include "base/field.h"
#include "identity/carrier.h"

sipveil_code sv_identity_view(sipveil_worker *worker, sipveil_span message, sv_sip_view **view, sipveil_error *err)
{
    *view = sv_arena_alloc_raw(worker->arena, sizeof **view);
    if (*view == NULL) return sv_no_memory(err, SV_IDENTITY);
    return sv_sip_read(message, SV_SIP_DATAGRAM, sipveil_context_limits(worker->context), *view, err);
}

bool sv_is_notify_of(const sv_sip_view *view, const char *event)
{
    const sv_sip_field *row = sv_sip_find(view, SV_SPAN("Event"));
    if (row == NULL) row = sv_sip_find(view, SV_SPAN("o"));
    if (row == NULL || !view->is_request || !sv_equal_str(view->method, "NOTIFY")) return false;
    sv_cursor c = sv_cursor_over(row->value, "Event");
    sipveil_span name = sv_take_while(&c, sv_is_token);
    sv_skip_lws(&c);
    return sv_equal_nocase_str(name, event) && (sv_at_end(&c) || sv_take_if(&c, ';'));
}
