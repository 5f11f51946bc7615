/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: the form that the gate demands of single header fields. */
#ifndef SV_SIP_FORM_H
#define SV_SIP_FORM_H

#include "sip/view.h"

typedef struct sv_form {
    const sipveil_limits *limits;
    const uint8_t *end;     /* of the message that the fields are in */
    unsigned address_flags; /* SV_ADDRESS_... */
    size_t via;             /* Via values so far */
    uint64_t content_length;
    sipveil_span cseq_method;
} sv_form;

/* MALFORMED or LIMIT; err->offset counts from the start of the value. */
sipveil_code sv_sip_check_form(sv_form *form, const sv_sip_field *field, sipveil_error *err);

/* The two ways of it. Whether the field has one value in its usual form (usual.h), within its limits: the other way would
 * let it through as well. */
bool sv_sip_is_usual(sv_form *form, const sv_sip_field *field);
/* Whatever the form, for what is not recognised, and to compare with. */
sipveil_code sv_sip_check_any(sv_form *form, const sv_sip_field *field, sipveil_error *err);

/* Digits only. Leading zeros are legal (RFC 4475 3.1.1.1), a thousand of them are not. */
bool sv_sip_read_number(sipveil_span digits, uint64_t limit, uint64_t *out);

#endif
