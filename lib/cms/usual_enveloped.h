/* SPDX-License-Identifier: BSD-2-Clause */
/* AuthEnvelopedData (RFC 5083 2.1) as nearly everybody writes it to those who share a key: DER, version 0, every
 * recipient in its usual form, id-data under AES-GCM with a nonce of twelve octets and a tag of sixteen, no
 * attributes. Such a structure is recognised whole, where the gate and the reader would go through some fifty
 * values each. Both stay what they are: what is not recognised goes their way, and what is recognised they would
 * have let through with the same outcome (tests/cms/usual_enveloped.c and the fuzz target `der` compare). */
#ifndef SV_CMS_USUAL_ENVELOPED_H
#define SV_CMS_USUAL_ENVELOPED_H

#include "cms/cms.h"

typedef struct sv_usual_enveloped {
    sipveil_span recipients;       /* content of the SET; what is in it was not looked at */
    sipveil_span content_type;     /* OID content octets */
    sipveil_span cipher_algorithm; /* the whole AlgorithmIdentifier */
    sipveil_span cipher_oid;
    sipveil_span nonce, ciphertext, tag;
} sv_usual_enveloped;

/* The frame around the recipients. whole: AuthEnvelopedData, which ends where whole does. */
bool sv_usual_enveloped_find(sipveil_span whole, sv_usual_enveloped *out);

/* The gate: ContentInfo around it, every recipient in its usual form and at least one, within the limits.
 * *content: the AuthEnvelopedData. */
bool sv_usual_content_info(sipveil_span octets, const sipveil_limits *limits, sipveil_span *content);

/* The reader. False, and *out is as it was: for the long way. */
bool sv_usual_enveloped_read(sipveil_span whole, const sipveil_limits *limits, sv_arena *arena, sv_enveloped *out);

/* The long way of the reader, whatever the form: for what is not recognised, and to compare with. */
sipveil_code sv_cms_read_any_enveloped(sipveil_span content, bool authenticated, const sipveil_limits *limits,
                                       const sv_cms_policy *policy, sv_arena *arena, sv_enveloped *out,
                                       sipveil_error *err);

#endif
