/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: one request that is to be sent again. */
#ifndef SV_E2M_RETRY_H
#define SV_E2M_RETRY_H

#include "e2m/need.h"
#include "tunnel/answer_certificates.h"

enum { SV_RETRY_HOSTS_MOST = 3, SV_RETRY_LIFE = 3600 };

/* A hop that was granted now: remembered once the request was sealed. */
typedef struct sv_granted {
    sipveil_span host;
    sipveil_span certificate; /* DER; empty: it was known before */
    bool rekey;               /* it lost a key, and needs nothing else */
} sv_granted;

typedef struct sv_retry {
    const sipveil_e2m_retry_options *options;
    sipveil_worker *worker;
    const sipveil_context *context;
    const sipveil_limits *limits;
    sv_arena *arena;
    int64_t at;
    sv_sip_view *request, *response;
    sv_answer_certificates came; /* certificates of the response, and those of earlier ones behind them */
    sipveil_e2m_hop hops[SIPVEIL_E2M_HOPS_MOST];
    size_t hop_count;
    sv_granted granted[SV_RETRY_HOSTS_MOST];
    size_t granted_count;
    sipveil_e2m_act act;    /* what the hops need, together */
    bool lost;              /* a host that it was sealed for says that it needs it */
    bool wants_answers;     /* a need is about responses */
    sipveil_e2m_act reply;  /* what the far UA is asked to let the hops do then */
    bool bare_lf;           /* the request had it; CRLF is written */
    size_t servers, silent_servers; /* policy servers that were asked */
    sipveil_error *err;
} sv_retry;

/* retry_certificate.c */
sipveil_code sv_retry_read_certificates(sv_retry *r);
/* The index of the certificate that names this host, and no user (E2M-36), or came.count. */
sipveil_code sv_retry_find_certificate(sv_retry *r, sipveil_span host, size_t *index, bool *user);
/* One that came earlier: its index, last of all. */
sipveil_code sv_retry_add_certificate(sv_retry *r, sipveil_span der, size_t *index);
/* Chain, time, usage, and the fingerprint of the need (POLICY). */
sipveil_code sv_retry_check_certificate(sv_retry *r, const sipveil_e2m_need *need, X509 *certificate);
sipveil_code sv_retry_make_key(sv_retry *r, X509 *certificate, const sipveil_key **out);

/* retry_grant.c: what the response needs, judged; the hops that are shown the body, those of earlier retries of this
 * call too. POLICY: refused. */
sipveil_code sv_retry_grant_all(sv_retry *r);
/* Hosts that were granted are remembered for this call, with their certificates. */
sipveil_code sv_retry_remember(sv_retry *r);

/* retry_request.c: both messages belong together; and the request again, its next CSeq, its own branch. */
sipveil_code sv_retry_read_both(sv_retry *r, sipveil_span request, sipveil_span response);
sipveil_code sv_retry_next_request(sv_retry *r, sipveil_span *out);

#endif
