/* SPDX-License-Identifier: BSD-2-Clause */
/* Security agreement, the UA that asks (RFC 3329): the first request with its offer, and what the answer of the next hop
 * comes to.
 *
 *     agree_client LIST <request.sip >sent.sip                 "tls;q=0.2, digest;q=0.1;d-qop=auth"
 *     agree_client LIST ANSWER.sip <request.sip >sent.sip      with the 494 of the next hop: over the agreed mechanism
 *     cc agree_client.c $(pkg-config --cflags --libs sipveil) */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sipveil/sipveil.h>

static int failed(const sipveil_error *err)
{
    fprintf(stderr, "agree_client: %s\n", err->text);
    return sipveil_code_exit(err->code);
}

int main(int argc, char **argv)
{
    static unsigned char request[65536], answer[65536], kept[131072];
    sipveil_context *context = NULL;
    sipveil_worker *worker = NULL;
    sipveil_agree_list *list = NULL;
    sipveil_agree_client_options options;
    sipveil_agree_outcome outcome;
    sipveil_agree_association association = {0};
    sipveil_span image;
    sipveil_error err;
    FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (argc < 2 || argc > 3 || (argc == 3 && file == NULL)) {
        fprintf(stderr, "usage: agree_client LIST [ANSWER] <request\n");
        return 2;
    }
    sipveil_agree_client_options_default(&options);
    if (sipveil_context_new(NULL, &context, &err) || sipveil_worker_new(context, &worker, &err) ||
        sipveil_agree_list_read((sipveil_span){(unsigned char *)argv[1], strlen(argv[1])}, options.profile, SIPVEIL_AGREE_CLIENT, &list, &err)) {
        return failed(&err);
    }
    options.list = list;
    options.must = true; /* no agreement: nothing is sent unprotected */
    sipveil_agree_event event = {.kind = SIPVEIL_AGREE_EVENT_START, .now = (int64_t)time(NULL)};
    event.message = (sipveil_span){request, fread(request, 1, sizeof request, stdin)};
    if (sipveil_agree_step(worker, &options, &association, &event, &outcome, &err)) return failed(&err);
    /* The machine is a function: between two events the association is ours to keep, as octets. */
    if (sipveil_agree_save(worker, &outcome.next, &image, &err)) return failed(&err);
    if (file != NULL && image.len <= sizeof kept) {
        memcpy(kept, image.data, image.len);
        if (sipveil_agree_load((sipveil_span){kept, image.len}, &association, &err)) return failed(&err);
        event.kind = SIPVEIL_AGREE_EVENT_RESPONSE;
        event.message = (sipveil_span){answer, fread(answer, 1, sizeof answer, file)};
        fclose(file);
        if (sipveil_agree_step(worker, &options, &association, &event, &outcome, &err)) return failed(&err);
    }
    fprintf(stderr, "%s %.*s %s\n", sipveil_agree_state_name(outcome.next.state), (int)outcome.next.mechanism.len,
            outcome.next.mechanism.len > 0 ? (const char *)outcome.next.mechanism.data : "", outcome.reason.text);
    if (outcome.actions & SIPVEIL_AGREE_START_MECHANISM) fprintf(stderr, "connect, then send this:\n");
    fwrite(outcome.message.data, 1, outcome.message.len, stdout);
    int code = outcome.next.state == SIPVEIL_AGREE_FAILED;
    sipveil_agree_list_free(list);
    sipveil_worker_free(worker);
    sipveil_context_free(context);
    return code;
}
