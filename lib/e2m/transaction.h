/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hop remembers for a moment: what it did with a message, and which source brought what cannot be opened. */
#ifndef SV_E2M_TRANSACTION_H
#define SV_E2M_TRANSACTION_H

#include "e2m/proxy.h"

enum {
    SV_RETRANSMITTED_WITHIN = 32, /* seconds: 64 * T1 (RFC 3261 17) */
    SV_FAILURES_MOST = 10         /* opens of one source that may fail in one second */
};

/* E2M-60: these very octets came a moment ago. *response: what they got; empty: they were forwarded. */
sipveil_code sv_hop_find_transaction(const sv_hop *hop, sipveil_span message, bool *found, sipveil_span *response,
                                     sipveil_error *err);
/* INTERNAL: there is no memory for it, and what this call did is to be undone. */
sipveil_code sv_hop_note_transaction(const sv_hop *hop, sipveil_span message, sipveil_span response, sipveil_error *err);

/* E2M-59: too much of what this source sent in this second could not be opened. */
bool sv_hop_source_is_spent(const sv_hop *hop);
sipveil_code sv_hop_note_failure(const sv_hop *hop, sipveil_error *err); /* INTERNAL, as above */

#endif
