/* SPDX-License-Identifier: BSD-2-Clause */
/* A proxy at the border of its trust domain: what a message from one neighbour becomes on its way to another (RFC 3325).
 *
 *     trust_proxy TABLE FROM-ADDRESS FROM-NAME TO-ADDRESS TO-NAME <arrived.sip >sent.sip
 *
 * The names are those that TLS has proved (RFC 5922). */
#include <sipveil/sipveil.h>
#include <time.h>
#include "example.h"

int main(int argc, char **argv)
{
    sipveil_context *context = NULL;
    sipveil_trust_table *table = NULL;
    sipveil_border *border = NULL;
    sipveil_trust_verdict from, to;
    sipveil_border_result result;
    sipveil_error err;
    const sipveil_span any = {0};
    if (argc != 6) return fprintf(stderr, "usage: trust_proxy TABLE FROM-ADDRESS FROM-NAME TO-ADDRESS TO-NAME <message\n"), 2;
    if (sipveil_context_new(NULL, &context, &err) || sipveil_border_new(context, &border, &err) ||
        sipveil_trust_table_read(read_all(fopen(argv[1], "rb")), argv[1], NULL, &table, &err)) {
        return failed(argv[0], &err);
    }
    const char *names[] = {argv[3], argv[5]};
    sipveil_trust_peer peer = {.size = sizeof peer, .address = argv[2], .transport = SIPVEIL_TRUST_TLS, .names = &names[0], .name_count = 1};
    const sipveil_border_options options = {.size = sizeof options, .table = table};
    /* What it may be believed ... */
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, SIPVEIL_TRUST_IN, any, &peer, (int64_t)time(NULL), &from);
    if (sipveil_border_arrive(border, &options, read_all(stdin), &from, &result, &err)) return failed(argv[0], &err);
    if (result.action == SIPVEIL_BORDER_FORWARD) { /* ... and what the next hop may be told: once for each branch. */
        peer.address = argv[4];
        peer.names = &names[1];
        sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, SIPVEIL_TRUST_OUT, sipveil_border_target(border), &peer,
                                 (int64_t)time(NULL), &to);
        if (sipveil_border_leave(border, &to, &result, &err)) return failed(argv[0], &err);
    }
    size_t count;
    const sipveil_border_line *lines = sipveil_border_lines(border, &count);
    for (size_t i = 0; i < count; i++) {
        if (lines[i].rule[0] != '\0') fprintf(stderr, "%s %s: %s\n", lines[i].field, lines[i].result, lines[i].why);
    }
    if (result.action == SIPVEIL_BORDER_DROP) fprintf(stderr, "dropped: %s\n", result.why);
    int code = write_out(result.message); /* forwarded, or the response to send back */
    if (result.action != SIPVEIL_BORDER_FORWARD) code = 1;
    sipveil_border_free(border);
    sipveil_trust_table_free(table);
    sipveil_context_free(context);
    return code;
}
