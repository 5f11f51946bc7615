/* SPDX-License-Identifier: BSD-2-Clause */
#include "e2m/look.h"

sipveil_code sv_look_at(sipveil_worker *worker, sipveil_span message, sv_sip_view **view, sipveil_error *err)
{
    SV_TRY(sv_worker_begin_with(worker, &message, err));
    *view = sv_arena_alloc_raw(worker->arena, sizeof **view);
    if (*view == NULL) return sv_no_memory(err, SV_E2M);
    return sv_sip_read(message, SV_SIP_DATAGRAM, sipveil_context_limits(worker->context), *view, err);
}
