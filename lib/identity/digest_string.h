/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 4474: what its signature is over. */
#ifndef SV_IDENTITY_DIGEST_STRING_H
#define SV_IDENTITY_DIGEST_STRING_H

#include "base/buffer.h"
#include "sip/view.h"

#define SV_IDENTITY "identity"

/* From addr-spec | To addr-spec | Call-ID | CSeq | Date | Contact addr-spec or nothing | body (RFC 4474 9), with
 * the octets of the message but for blanks and case that a hop may change. `date`: the value of Date, or of the
 * row that is about to be added. MALFORMED: a field of these is missing or unreadable. POLICY: Contact is "*" or
 * has several values, so that no single one can be signed (IDN-11). */
sipveil_code sv_digest_string_put(const sv_sip_view *view, sipveil_span date, sv_buffer *out, sipveil_error *err);

#endif
