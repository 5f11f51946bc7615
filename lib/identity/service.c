/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity/identity.h"

sipveil_code sv_identity_begin(sipveil_worker *worker, sipveil_span message, sv_sip_view *view, sipveil_error *err)
{
    enum { CHECKS = 16, LIST_MOST = 1 << 20 };
    SV_TRY(sv_worker_begin_with(worker, &message, err));
    sv_operation *op = &worker->operation;
    op->err = err;
    sv_buffer_init(&op->checks, op->arena, CHECKS * sizeof(sipveil_check), LIST_MOST);
    sv_buffer_init(&op->warnings, op->arena, 0, LIST_MOST);
    return sv_sip_read(message, SV_SIP_DATAGRAM, op->limits, view, err);
}

bool sv_identity_is_judged(const sv_sip_view *view)
{
    return view->is_request && !sv_sip_is_ack_or_cancel(view);
}

int64_t sv_identity_distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

bool sv_is_one_of(sipveil_span text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sv_equal_str(text, list[i])) return true;
    }
    return false;
}

const char *sv_identity_phrase(int status, bool old)
{
    switch (status) {
    case 400: return "Bad Request"; /* a certificate that cannot be read (IDN-54) */
    case 403: return "Stale Date";
    case 428: return "Use Identity Header";
    case 436: return old ? "Bad Identity-Info" : "Bad Identity Info";
    case 437: return old ? "Unsupported Certificate" : "Unsupported Credential";
    case 438: return "Invalid Identity Header";
    default: return NULL;
    }
}
