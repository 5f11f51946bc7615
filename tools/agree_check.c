/* SPDX-License-Identifier: BSD-2-Clause */
/* agree check: a server's decision about one request. */
#include <stdio.h>
#include <string.h>

#include "agreeing.h"

static int hand_out(agreeing *g, const sipveil_agree_verdict *v, statefile *memory)
{
    bool respond = v->action == SIPVEIL_AGREE_RESPOND;
    agreeing_warn(g, v->warnings, v->warning_count);
    if (respond) (void)tool_error(&g->o.common, g->operand, &v->reason);
    if (g->o.common.verbose) fprintf(stderr, "sipveil %s: row %u of the table of decisions\n", g->o.common.verb, v->row);
    int exit_code = g->state != NULL ? statefile_save(&g->o.common, memory) : TOOL_OK;
    if (exit_code == TOOL_OK) exit_code = agreeing_write_report(g);
    if (exit_code == TOOL_OK) exit_code = io_write_output(&g->o.common, v->message, IO_BINARY);
    return exit_code == TOOL_OK && respond ? TOOL_ANSWER : exit_code;
}

static int check(agreeing *g, statefile *memory)
{
    sipveil_error err;
    sipveil_agree_verdict verdict;
    io_octets message;
    int exit_code = TOOL_OK;
    if (g->state != NULL) {
        exit_code = statefile_open(&g->o.common, g->state, g->now, memory);
    } else if (sipveil_memory_new(&memory->memory, &err) != SIPVEIL_OK) {
        exit_code = tool_error(&g->o.common, NULL, &err);
    } else if (g->realm != NULL) {
        tool_warning(&g->o.common, NULL, "without --state no later call knows the nonces of this one");
    }
    if (exit_code != TOOL_OK) return exit_code;
    if (!io_read_message(&g->o.common, g->operand, sipveil_context_limits(g->o.context)->message, &message, &exit_code)) {
        return exit_code;
    }
    g->server.memory = memory->memory;
    sipveil_span octets = {message.data, message.len};
    exit_code = sipveil_agree_check_request(g->o.worker, &g->server, octets, &verdict, &err) == SIPVEIL_OK
                    ? hand_out(g, &verdict, memory)
                    : tool_error(&g->o.common, g->operand, &err);
    io_free(&message);
    return exit_code;
}

int agree_check(agreeing *g)
{
    statefile memory = {.fd = -1};
    if (g->list == NULL) return tool_usage_error(&g->o.common, "--list LIST is needed: what do we ask for?");
    if ((g->realm != NULL) != (g->credential_file != NULL)) {
        return tool_usage_error(&g->o.common, "--realm and --credentials FILE go together");
    }
    int exit_code = agreeing_read_list(g, (sipveil_span){(const uint8_t *)g->list, strlen(g->list)}, SIPVEIL_AGREE_SERVER);
    if (exit_code != TOOL_OK) return exit_code;
    g->server.realm = g->realm;
    g->server.protected_by = g->protected_by;
    g->server.now = g->now;
    if (g->o.keys.count > 0) g->server.open = &g->o.open;
    exit_code = check(g, &memory);
    statefile_close(&memory);
    return exit_code;
}
