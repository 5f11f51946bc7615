/* SPDX-License-Identifier: BSD-2-Clause */
/* Via (RFC 3261 20.42): where a message came from, and which transaction it is of. */
#ifndef SV_SIP_VIA_H
#define SV_SIP_VIA_H

#include "base/cursor.h"
#include "sip/view.h"

typedef struct sv_sip_via {
    sipveil_span transport; /* "UDP", as written */
    sipveil_span sent_by;   /* host and port, as written */
    sipveil_span host;      /* with brackets for IPv6 */
    sipveil_span params;    /* from the first ';' on; may be empty */
} sv_sip_via;

/* Takes one value of a row; the cursor is left at what follows, blanks skipped. MALFORMED. */
sipveil_code sv_sip_take_via(sv_cursor *c, sv_sip_via *out, sipveil_error *err);

/* How many values one row has. */
size_t sv_sip_count_vias(const sv_sip_field *row);

/* The topmost one. False, and *out empty: there is none. */
bool sv_sip_top_via(const sv_sip_view *view, sv_sip_via *out);
/* Of the topmost one; empty: it says none. The branch tells transactions apart (RFC 3261 17.1.3). */
sipveil_span sv_sip_top_transport(const sv_sip_view *view);
sipveil_span sv_sip_top_branch(const sv_sip_view *view);
/* Whether the source of a message is who it says, so that an answer may be larger than it (ADV-220). */
bool sv_sip_source_is_confirmed(const sv_sip_view *view);
/* Whether an answer of that size is larger than it by half, and its source may be forged. */
bool sv_sip_is_amplified(const sv_sip_view *view, size_t answer);

#endif
