/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: one step of the client's machine. */
#ifndef SV_AGREE_CLIENT_H
#define SV_AGREE_CLIENT_H

#include "agree/digest.h"
#include "sip/edit.h"
#include "sip/values.h"
#include "tunnel/operation.h"

#define SV_AGREE_TAG "sec-agree"

typedef struct sv_client {
    sipveil_worker *worker;
    sv_operation *op;
    const sipveil_agree_client_options *options;
    const sipveil_agree_event *event;
    sipveil_agree_association *a; /* what comes next */
    sipveil_agree_outcome *out;
    sv_sip_view *view;            /* of event->message, where there is one */
    bool seal;                    /* out->message goes through smime when the step is done */
} sv_client;

/* ---- the machine (client.c) ---- */
/* FAILED; the text gets the name of the failure in front. */
sipveil_code sv_client_fail(sv_client *c, sipveil_agree_failure failure, const char *rule, const char *format, ...)
    SV_PRINTF(4, 5);
/* What came is ignored, and counted. */
sipveil_code sv_client_ignore(sv_client *c, const char *rule, const char *why);

/* ---- responses (client_response.c) ---- */
sipveil_code sv_client_take_response(sv_client *c);

/* ---- choosing (choose.c) ---- */
typedef struct sv_choice {
    const sv_mechanism *entry; /* NULL: none */
    size_t place;
    uint32_t rank;
} sv_choice;
/* The server's most preferred entry that we can run (AGR-17). c->a is not changed. *why: of the last one that we cannot. */
sv_choice sv_client_choose(const sv_client *c, const sv_mechanism_list *list, sipveil_error *why);

/* ---- what is sent (client_request.c) ---- */
/* The request with an offer: Security-Client, Require, Proxy-Require; passive: Supported. */
sipveil_code sv_client_write_offer(sv_client *c, sipveil_span *out);
/* c->a->request as another transaction: next CSeq (not a proxy's), new branch. */
sipveil_code sv_client_next_transaction(sv_client *c);
/* A request that mirrors the server's list: c->a->request, or an ACK of it. The nonce is counted. */
sipveil_code sv_client_write_protected(sv_client *c, const sv_sip_view *request, sipveil_span *out);
/* ACK of a 2xx: what its INVITE had. */
sipveil_code sv_client_write_ack(sv_client *c, sipveil_span *out);
/* CANCEL, ACK of no 2xx: nothing of security agreement. */
sipveil_code sv_client_write_bare(sv_client *c, sipveil_span *out);

/* ---- starting (client_start.c) ---- */
/* Takes what starts the chosen mechanism from the response and goes to STARTING, or CONFIRMING where nothing has to come
 * up. *started is false when it failed (the state says so) or start data is missing. */
sipveil_code sv_client_start_mechanism(sv_client *c, const sv_mechanism_list *list, const sv_choice *choice, bool *missing);
/* AGR-21: false, and FAILED, when there were too many. */
sipveil_code sv_client_count_restart(sv_client *c, bool *may);

#endif
