/* SPDX-License-Identifier: BSD-2-Clause */
/* PASSporT (RFC 8225): its header and payload in their one deterministic form, written and read. */
#ifndef SV_IDENTITY_PASSPORT_H
#define SV_IDENTITY_PASSPORT_H

#include "identity/identity.h"
#include "keys/json.h"

/* What a token says, or is to say. */
typedef struct sv_passport {
    sipveil_span x5u, ppt; /* ppt is empty where there is none */
    sv_identity_name orig, dest;
    int64_t iat;
    sv_fingerprints mky; /* none: no such claim */
    const sv_json *claims; /* further ones, an object; NULL: none */
} sv_passport;

/* Further claims as somebody wrote them. USAGE (IDN-25): no JSON object, or a key is among them: by a slip it would be sent. */
sipveil_code sv_claims_read(sipveil_span text, sv_arena *arena, const sv_json **out, sipveil_error *err);

/* JSON without blanks, members in the order of their code points (RFC 8225 9). */
sipveil_code sv_passport_put_header(const sv_passport *passport, sv_buffer *out, sipveil_error *err);
sipveil_code sv_passport_put_payload(const sv_passport *passport, sv_arena *arena, sv_buffer *out, sipveil_error *err);
/* base64url(header) "." base64url(payload): what is signed, and what the full form begins with. */
sipveil_code sv_passport_put_signed(const sv_passport *passport, sv_arena *arena, sv_buffer *out, sipveil_error *err);

enum { SV_PASSPORT_ANY_FORM = 1 /* of samples: JSON with blanks or in another order, iat as a string */ };

/* The two parts of a full form, decoded. MALFORMED with the rule: not in the deterministic form, a member missing or of
 * another kind, crit, typ or alg other than they must be. orig and dest are as they stand there: they prove nothing
 * before they are compared with the message. */
sipveil_code sv_passport_read(sipveil_span header, sipveil_span payload, unsigned flags, sv_arena *arena, sv_passport *out,
                              const sv_json **payload_json, sipveil_error *err);

/* Any value in that form. */
sipveil_code sv_json_put(const sv_json *value, sv_buffer *out, sipveil_error *err);
/* A JSON string. */
void sv_json_put_string(sv_buffer *out, sipveil_span text);

#endif
