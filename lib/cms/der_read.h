/* SPDX-License-Identifier: BSD-2-Clause */
/* BER within limits, over the cursor. sv_der_scan() walks a whole value once, iteratively, before
 * anything else looks at it: depth, element count, lengths inside their parents, minimal tags
 * (ADV-050..053). After it, the take-calls below can rely on well-formed nesting. */
#ifndef SV_CMS_DER_READ_H
#define SV_CMS_DER_READ_H

#include "base/arena.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/span.h"

/* Tag octets as they stand on the wire (low-tag form only). */
enum {
    SV_DER_BOOLEAN = 0x01, SV_DER_INTEGER = 0x02, SV_DER_BIT_STRING = 0x03,
    SV_DER_OCTET_STRING = 0x04, SV_DER_NULL = 0x05, SV_DER_OID = 0x06, SV_DER_UTF8_STRING = 0x0C,
    SV_DER_UTC_TIME = 0x17, SV_DER_GENERALIZED_TIME = 0x18, SV_DER_SEQUENCE = 0x30, SV_DER_SET = 0x31,
    SV_DER_CONSTRUCTED = 0x20, SV_DER_CONTEXT = 0x80 /* | number, | SV_DER_CONSTRUCTED */
};

/* One BER value: its tag octet, its whole TLV, and its content (without end-of-contents octets). */
typedef struct sv_der {
    uint8_t tag;
    bool indefinite;
    sipveil_span whole;
    sipveil_span content;
} sv_der;

/* The gate: exactly one value fills the span. MALFORMED or LIMIT. BER, but a length longer than it
 * needs to be is refused (ADV-052); `der` demands DER (but for the order of a SET OF). */
sipveil_code sv_der_scan(sipveil_span octets, const sipveil_limits *limits, bool der, sipveil_error *err);

/* The next value, whatever its tag. what: for the error text. */
sipveil_code sv_der_take(sv_cursor *c, sv_der *out, sipveil_error *err);
/* The next value, which must have this tag. */
sipveil_code sv_der_take_tag(sv_cursor *c, uint8_t tag, const char *what, sv_der *out, sipveil_error *err);
/* The next value if it has this tag; *present says so. */
sipveil_code sv_der_take_optional(sv_cursor *c, uint8_t tag, bool *present, sv_der *out, sipveil_error *err);
/* The next value, a constructed one of this tag, as a cursor over its content. */
sipveil_code sv_der_enter(sv_cursor *c, uint8_t tag, const char *what, sv_cursor *inside, sipveil_error *err);
/* Nothing may be left. */
sipveil_code sv_der_end(const sv_cursor *c, sipveil_error *err);
bool sv_der_next_is(const sv_cursor *c, uint8_t tag);

sipveil_code sv_der_take_oid(sv_cursor *c, const char *what, sipveil_span *content, sipveil_error *err);
/* A non-negative INTEGER of at most 8 octets. */
sipveil_code sv_der_take_number(sv_cursor *c, const char *what, uint64_t *out, sipveil_error *err);
/* INTEGER content octets (serial numbers), minimal form, not empty. */
sipveil_code sv_der_take_integer(sv_cursor *c, const char *what, sipveil_span *content, sipveil_error *err);
/* An OCTET STRING (or an IMPLICIT one with `tag`), primitive or constructed; segments are joined in the
 * arena. tag: the primitive tag octet (SV_DER_OCTET_STRING, SV_DER_CONTEXT | 0). */
sipveil_code sv_der_take_octets(sv_cursor *c, uint8_t tag, const char *what, const sipveil_limits *limits,
                                sv_arena *arena, sipveil_span *out, sipveil_error *err);
/* AlgorithmIdentifier: whole TLV, OID content octets, parameters TLV (empty if absent). */
typedef struct sv_der_algorithm {
    sipveil_span whole, oid, parameters;
} sv_der_algorithm;
sipveil_code sv_der_take_algorithm(sv_cursor *c, const char *what, sv_der_algorithm *out, sipveil_error *err);
/* UTCTime or GeneralizedTime in UTC to seconds since 1970 (TUN-58: YY >= 50 is 19YY). */
sipveil_code sv_der_read_time(const sv_der *value, int64_t *out, sipveil_error *err);

#endif
