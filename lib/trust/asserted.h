/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of P-Asserted-Identity and P-Preferred-Identity (RFC 3325 9, RFC 5876 4.5; TRU-20). */
#ifndef SV_TRUST_ASSERTED_H
#define SV_TRUST_ASSERTED_H

#include "sip/edit.h"
#include "sip/values.h"

enum { SV_ASSERTED_MOST = 64 };

typedef struct sv_asserted_value {
    const sv_sip_field *row;
    sipveil_span text;  /* the whole value as written */
    sipveil_span uri;
    unsigned scheme;    /* SV_SCHEME_...; 0: another one */
    bool counts;        /* TRU-20: the first of its scheme, and of a scheme that may stand there */
} sv_asserted_value;

typedef struct sv_asserted {
    sv_asserted_value values[SV_ASSERTED_MOST];
    size_t count, counting;
    bool malformed; /* something in a row is no address: that and what follows it in the row counts for nothing */
    bool too_many;
} sv_asserted;

/* schemes: SV_SCHEME_..., those of Spec(T) (g). */
void sv_asserted_read(const sv_sip_view *view, sv_field_id id, unsigned schemes, sv_asserted *out);
/* Leaves the values that count as they stand; the others go, and rows with nothing left. Returns how many went. */
size_t sv_asserted_trim(sv_sip_edit *edit, const sv_asserted *asserted, sv_field_id id, sv_arena *arena);
/* SV_SCHEME_... of a URI. */
unsigned sv_scheme_of(sipveil_span uri);
/* The same identity: SIP URIs by their address-of-record, telephone numbers by their digits. */
bool sv_same_identity(sipveil_span a, sipveil_span b);
/* One value of somebody's own: a sip, sips or tel URI that can stand between angle brackets. */
bool sv_is_identity(sipveil_span uri);

#endif
