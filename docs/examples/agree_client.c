/* SPDX-License-Identifier: BSD-2-Clause */
/* Security agreement, the UA that asks (RFC 3329): the first request with its offer, and what the answer of the next hop
 * comes to.
 *
 *     agree_client LIST <request.sip >sent.sip                 "tls;q=0.2, digest;q=0.1;d-qop=auth"
 *     agree_client LIST ANSWER.sip <request.sip >sent.sip      with the 494 of the next hop: over the agreed mechanism */
#include <sipveil/sipveil.h>
#include <time.h>
#include "example.h"

int main(int argc, char **argv)
{
    sipveil_party we;
    sipveil_agree_list *list = NULL;
    sipveil_agree_client_options options = {.size = sizeof options, .must = true}; /* no agreement: nothing is sent unprotected */
    sipveil_agree_association association = {0};
    sipveil_agree_outcome outcome;
    sipveil_error err;
    if (argc < 2 || argc > 3) return fprintf(stderr, "usage: agree_client LIST [ANSWER] <request\n"), 2;
    if (sipveil_party_set_up(&we, NULL, NULL, &err) ||
        sipveil_agree_list_read(sipveil_span_of(argv[1]), options.profile, SIPVEIL_AGREE_CLIENT, &list, &err)) {
        return failed(argv[0], &err);
    }
    options.list = list;
    sipveil_agree_event event = {.kind = SIPVEIL_AGREE_EVENT_START, .now = (int64_t)time(NULL), .message = read_all(stdin)};
    if (sipveil_agree_client_step(we.worker, &options, &association, &event, &outcome, &err)) return failed(argv[0], &err);
    if (argc == 3) { /* The machine is a function: between two events the association is ours to keep. */
        event.kind = SIPVEIL_AGREE_EVENT_RESPONSE;
        event.message = read_all(fopen(argv[2], "rb"));
        association = outcome.next;
        if (sipveil_agree_client_step(we.worker, &options, &association, &event, &outcome, &err)) return failed(argv[0], &err);
    }
    fprintf(stderr, "%s %.*s %s\n", sipveil_agree_state_name(outcome.next.state), SIPVEIL_PRINT(outcome.next.mechanism), outcome.reason.text);
    if (outcome.actions & SIPVEIL_AGREE_START_MECHANISM) fprintf(stderr, "connect, then send this:\n");
    int code = write_out(outcome.message);
    if (outcome.next.state == SIPVEIL_AGREE_FAILED) code = 1;
    sipveil_agree_list_free(list);
    sipveil_party_take_down(&we);
    return code;
}
