/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: one decision of a server. */
#ifndef SV_AGREE_SERVER_H
#define SV_AGREE_SERVER_H

#include "agree/digest.h"
#include "sip/edit.h"
#include "sip/values.h"
#include "tunnel/operation.h"

#define SV_AGREE_TAG "sec-agree"

/* What the table of decisions looks at, and nothing else. */
typedef struct sv_agree_facts {
    sipveil_agree_profile profile;
    sipveil_agree_policy policy;
    bool ack, cancel, prack;
    size_t via;            /* rows (draft05) or values */
    bool required;         /* the tag in Require or Proxy-Require */
    bool supported;        /* in Supported */
    bool has_security_row; /* one of the three header fields */
    sv_mechanism_kind protection; /* OTHER: none, or one that has no name here; see is_protected */
    bool is_protected;
    bool in_own_list;
    sipveil_agree_comparison verify;
    bool answer_supported;
} sv_agree_facts;

typedef struct sv_agree_decision {
    unsigned row; /* of the table, 1 to 12 */
    int status;   /* 0: go on */
    bool agreed;
} sv_agree_decision;
sv_agree_decision sv_agree_decide(const sv_agree_facts *facts);

/* One call of sipveil_agree_check_request. */
typedef struct sv_server {
    sv_operation *op;
    const sipveil_agree_server_options *options;
    const sipveil_agree_list *own;
    const sv_sip_view *view;  /* as received */
    const sv_sip_view *inner; /* smime: what was inside, opened and verified; else NULL */
    sv_mechanism_list *verify;
    bool has_verify, verify_read;
    sv_agree_facts facts;
    sipveil_span protected_by;
    bool stale;               /* good credentials with a nonce that no longer counts */
    sv_nonces nonces;
    bool has_nonces;
    sipveil_error why;        /* what was wrong with credentials or a sealed body; code OK if nothing */
    bool undecipherable;      /* smime: 493 */
} sv_server;

/* AGR-33 to 39: whether credentials of ours protect this request, and d-ver. Sets protection, stale, verify. */
sipveil_code sv_server_judge_digest(sv_server *s);
/* AGR-47, 49: opens what is sealed for us; before anything else of the call, because it starts the operation anew. */
sipveil_code sv_server_open_smime(sipveil_worker *worker, const sipveil_agree_server_options *options,
                                  sipveil_span message, sv_server *s);
/* Nothing says that what is sealed was for us: it is for somebody farther on, and no reason to refuse. */
void sv_server_leave_sealed(sv_server *s);
/* AGR-42, 47: the list inside what was protected is the list outside and ours. */
sipveil_code sv_server_judge_inner(sv_server *s);

/* AGR-52 */
sipveil_code sv_server_keep_client_list(sv_server *s);
sipveil_code sv_server_compare_client_list(sv_server *s);

/* 420, 421, 493, 494, 502. */
sipveil_code sv_server_answer(sv_server *s, int status, sipveil_span *response);
/* What goes on: without what was for this hop (AGR-29 to 31). */
sipveil_code sv_server_strip(sv_server *s, sipveil_span *message);

/* What the report tells. */
typedef struct sv_agreement {
    bool is_server;
    sipveil_agree_action action;                    /* server: of the verdict */
    unsigned row;
    int status;
    sipveil_span protected_by;
    sipveil_agree_comparison verify;
    bool agreed, suspicious;
    const sipveil_agree_outcome *outcome;           /* client */
    const sipveil_error *reason;                    /* NULL: none */
    sipveil_agree_profile profile;
    sipveil_agree_state before;
} sv_agreement;

#endif
