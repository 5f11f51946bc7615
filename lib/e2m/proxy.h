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
    sv_labels mine;                       /* labels that name us */
    sipveil_span places[SV_LABELS_MOST];  /* content of the part that each names, among the octets that came */
    bool ignored[SV_LABELS_MOST];         /* nobody vouches for it */
    sipveil_e2m_act act;                  /* what they ask for, together; or what the row demands */
    bool keep;                            /* one of them says so */
    bool named;                           /* and one counts */
    size_t operations;                    /* private-key operations that were granted */
    sv_receiving receiving;
} sv_hop;

/* find_part.c: the parts with these names among those that are not encrypted. MALFORMED: one is not there, or
 * twice (E2M-11). */
sipveil_code sv_find_named_parts(sv_operation *op, const sv_sip_view *view, const sv_labels *labels,
                                 sipveil_span places[SV_LABELS_MOST]);

/* ---- proxy_open.c: calls of an opening; state is the sv_hop ---- */
sipveil_code sv_hop_may_open(void *state, sv_operation *op, const sv_node *node, bool *may);
bool sv_hop_may_keep(void *state, const sv_operation *op, const sv_node *node);
/* Whether label i, unless it is ignored, names this node or what it stands in. The same octets, not the same name:
 * what comes out of a layer can have any name. */
bool sv_hop_label_is_for(const sv_hop *hop, size_t i, const sv_node *node);
/* What accepted signatures around (or of) this node prove. */
typedef struct sv_standing {
    const sv_node *sender; /* the signed layer that says who sent it, or NULL */
    bool label_signed;
    bool other_label;      /* something signed says otherwise */
} sv_standing;
sipveil_code sv_hop_standing(sv_operation *op, const sv_node *node, const sv_label *label, sv_standing *out);
/* E2M-20, E2M-21 for all labels of this node; *counts: one is left. HEADER_MISMATCH. */
sipveil_code sv_hop_judge_labels_of(sv_hop *hop, sv_operation *op, const sv_node *node, bool *counts,
                                    const sv_node **sender);

/* ---- proxy_answer.c ---- */
typedef enum sv_refusal {
    SV_REFUSE_PLAIN,      /* why->sip_status, no need */
    SV_REFUSE_VIEW,       /* it has to be readable */
    SV_REFUSE_VERIFY,     /* it has to be signed */
    SV_REFUSE_KEY_LOST    /* the key of an earlier message is gone */
} sv_refusal;
sipveil_code sv_hop_answer(const sv_hop *hop, const sv_sip_view *view, sv_refusal refusal, const sipveil_error *why,
                           sipveil_span *response);
/* E2M-68: what our rows demand, added to a 2xx to OPTIONS or REGISTER where that was asked for; *message is the new
 * message then. Nothing of others is touched. */
sipveil_code sv_hop_tell_needs(sv_hop *hop, const sv_sip_view *view, sipveil_span *message);
/* Our certificate, or NULL: the first one that names our first host. */
sipveil_code sv_hop_certificate(const sv_hop *hop, const sipveil_key **out);

/* proxy_serve.c: what we may read, after an opening that succeeded or found no key of ours. A failure is a refusal,
 * with op->err and *refusal. */
sipveil_code sv_hop_serve(sv_hop *hop, sipveil_e2m_verdict *out, sv_refusal *refusal);

#endif
