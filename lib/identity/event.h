/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: NOTIFY and its event (RFC 6665), and the view of a message in the worker's arena. */
#ifndef SV_IDENTITY_EVENT_H
#define SV_IDENTITY_EVENT_H

#include "tunnel/operation.h"

bool sv_is_notify_of(const sv_sip_view *view, const char *event);
/* Without beginning a new call: what the last one gave is still looked at. */
sipveil_code sv_identity_view(sipveil_worker *worker, sipveil_span message, sv_sip_view **view, sipveil_error *err);

#endif
