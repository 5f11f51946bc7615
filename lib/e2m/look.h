/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: calls that look at one message and open nothing. */
#ifndef SV_E2M_LOOK_H
#define SV_E2M_LOOK_H

#include "e2m/label.h"
#include "tunnel/operation.h"

/* The worker begins anew; the view is in its arena. MALFORMED, LIMIT: it cannot be framed. */
sipveil_code sv_look_at(sipveil_worker *worker, sipveil_span message, sv_sip_view **view, sipveil_error *err);

#endif
