/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: one message at a hop. */
#ifndef SV_E2M_PROXY_H
#define SV_E2M_PROXY_H

#include "e2m/policy.h"
#include "e2m/receiving.h"

/* What the header alone says. */
typedef struct sv_concern {
    bool may_be_named;           /* a label could name us: to be read */
    const sv_policy_row *row;    /* a row demands something; NULL: none */
} sv_concern;

/* Whether this message concerns a hop with these names and rows (E2M-50). Header fields only; no allocation. */
bool sv_hop_is_concerned(const sv_hop_set *names, const sipveil_e2m_policy *policy, const char *interface,
                         const sv_sip_view *view, sv_concern *out);

typedef struct sv_hop {
    const sipveil_e2m_proxy_options *options;
    sv_operation *op;
    sv_hop_set names;
    sv_concern concern;
    sv_labels mine;               /* labels that name us */
    sipveil_e2m_act act;          /* what they ask for, together; or what the row demands */
    bool keep;                    /* one of them says so */
    bool named;                   /* and counts */
    sv_receiving receiving;
} sv_hop;

/* find_part.c: the parts with these names among those that are not encrypted. MALFORMED: one is not there, or
 * twice (E2M-11). */
sipveil_code sv_find_named_parts(sv_operation *op, const sv_sip_view *view, const sv_labels *labels);

/* proxy_answer.c */
typedef enum sv_refusal {
    SV_REFUSE_PLAIN,      /* why->sip_status, no need */
    SV_REFUSE_VIEW,       /* it has to be readable */
    SV_REFUSE_VERIFY,     /* it has to be signed */
    SV_REFUSE_KEY_LOST    /* the key of an earlier message is gone */
} sv_refusal;
sipveil_code sv_hop_answer(const sv_hop *hop, const sv_sip_view *view, sv_refusal refusal, const sipveil_error *why,
                           sipveil_span *response);

#endif
