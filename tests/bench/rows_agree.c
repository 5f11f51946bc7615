/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of security agreement: a server's decision about a request that mirrors its list, from the octets of the request
 * to the octets of what goes on; over TLS, and by Digest with d-ver. */
#include <string.h>

#include "bench.h"
#include "sipveil/agree.h"

#define REQUEST(rows)                                                                                                  \
    "INVITE sip:bob@home.example SIP/2.0\r\nVia: SIP/2.0/TLS ua.home.example;branch=z9hG4bK74bf9\r\nMax-Forwards: 70\r\n" \
    "From: Alice <sip:alice@home.example>;tag=9fxced76sl\r\nTo: Bob <sip:bob@home.example>\r\n"                           \
    "Call-ID: 3848276298220188511@home.example\r\nCSeq: 2 INVITE\r\nContact: <sip:alice@ua.home.example;transport=tls>\r\n" \
    rows "Content-Length: 0\r\n\r\n"
#define LIST "tls;q=0.4, ipsec-ike;q=0.3, digest;q=0.2;d-alg=MD5;d-qop=auth, ipsec-man;q=0.1"
#define DIGEST_LIST "tls;q=0.4, digest;q=0.2;d-alg=MD5"

static struct {
    sipveil_agree_list *ours, *theirs;
    sipveil_memory *memory;
    sipveil_agree_credentials credentials;
    sipveil_agree_server_options options;
    uint8_t text[4096];
    size_t len;
} at;

static bool take_list(const char *text, sipveil_agree_side side, sipveil_agree_list **list)
{
    sipveil_agree_list_free(*list);
    return sipveil_agree_list_read(sv_span_str(text), SIPVEIL_AGREE_RFC3329, side, list, NULL) == SIPVEIL_OK;
}

/* n: 1 the list as it was sent, 2 the same list in another form, which has to be taken apart. */
bool bench_prepare_agree_tls(bench_world *w, size_t n)
{
    static const char same[] = REQUEST("Security-Verify: " LIST "\r\nRequire: sec-agree\r\nProxy-Require: sec-agree\r\n");
    static const char other[] = REQUEST("Security-Verify: tls;q=0.40,ipsec-ike;q=0.3,digest;d-alg=MD5;d-qop=auth;q=0.2,ipsec-man;q=0.100\r\n"
                                        "Require: sec-agree\r\nProxy-Require: sec-agree\r\n");
    sipveil_span text = n == 1 ? SV_SPAN(same) : SV_SPAN(other);
    (void)w;
    memcpy(at.text, text.data, text.len);
    at.len = text.len;
    sipveil_agree_server_options_default(&at.options);
    if (!take_list(LIST, SIPVEIL_AGREE_SERVER, &at.theirs)) return false;
    at.options.list = at.theirs;
    at.options.protected_by = "tls";
    return true;
}

/* Offer, refusal and the request that follows: digest without qop, so that the same request counts every time. */
bool bench_prepare_agree_digest(bench_world *w, size_t n)
{
    static const char text[] = REQUEST("");
    sipveil_agree_client_options client;
    sipveil_agree_outcome outcome;
    sipveil_agree_verdict verdict;
    sipveil_agree_association before = {0}, offered;
    uint8_t image[8192], refusal[4096];
    sipveil_span octets;
    (void)n;
    at.credentials = (sipveil_agree_credentials){"home.example", "alice", "s3cret"};
    sipveil_agree_client_options_default(&client);
    sipveil_agree_server_options_default(&at.options);
    if (!take_list("digest", SIPVEIL_AGREE_CLIENT, &at.ours) || !take_list(DIGEST_LIST, SIPVEIL_AGREE_SERVER, &at.theirs)) return false;
    if (at.memory == NULL && sipveil_memory_new(&at.memory, NULL) != SIPVEIL_OK) return false;
    client.list = at.ours;
    client.credentials = at.options.credentials = &at.credentials;
    client.credential_count = at.options.credential_count = 1;
    client.allow_no_qop = at.options.allow_no_qop = true;
    at.options.list = at.theirs;
    at.options.realm = "home.example";
    at.options.memory = at.memory;
    at.options.now = 1795255200;
    sipveil_agree_event event = {.kind = SIPVEIL_AGREE_EVENT_START, .message = SV_SPAN(text), .now = at.options.now};
    if (sipveil_agree_client_step(w->worker, &client, &before, &event, &outcome, NULL) != SIPVEIL_OK ||
        sipveil_agree_save_association(w->worker, &outcome.next, &octets, NULL) != SIPVEIL_OK || octets.len > sizeof image) {
        return false;
    }
    memcpy(image, octets.data, octets.len);
    if (sipveil_agree_load_association(sv_span(image, octets.len), &offered, NULL) != SIPVEIL_OK) return false;
    memcpy(at.text, outcome.message.data, outcome.message.len);
    if (sipveil_agree_check_request(w->worker, &at.options, sv_span(at.text, outcome.message.len), &verdict, NULL) !=
            SIPVEIL_OK ||
        verdict.status != 494) {
        return false;
    }
    /* A challenge without qop, as old servers send it. */
    size_t qop;
    if (!sv_find(verdict.message, SV_SPAN(", qop=\"auth,auth-int\""), &qop)) return false;
    sipveil_span rest = sv_span_from(verdict.message, qop + 21);
    memcpy(refusal, verdict.message.data, qop);
    memcpy(refusal + qop, rest.data, rest.len);
    event = (sipveil_agree_event){.kind = SIPVEIL_AGREE_EVENT_RESPONSE, .message = sv_span(refusal, qop + rest.len), .now = at.options.now};
    if (sipveil_agree_client_step(w->worker, &client, &offered, &event, &outcome, NULL) != SIPVEIL_OK ||
        outcome.message.len == 0)
        return false;
    memcpy(at.text, outcome.message.data, outcome.message.len);
    at.len = outcome.message.len;
    return true;
}

bool bench_agree_check(bench_world *w, size_t n)
{
    sipveil_agree_verdict verdict;
    (void)n;
    return sipveil_agree_check_request(w->worker, &at.options, sv_span(at.text, at.len), &verdict, NULL) == SIPVEIL_OK &&
           verdict.agreed && verdict.row == 12;
}
