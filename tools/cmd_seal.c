/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil seal */
#include "sharing.h"

static const tool_option options[] = {
    SEALING_OPTIONS,
    SHARING_OPTIONS,
    TOOL_COMMON_OPTIONS,
};

static bool take(void *state, int id, const char *value)
{
    return sharing_take(state, id, value);
}

static int seal_one(sharing *s, const char *path)
{
    sipveil_sealed sealed;
    sipveil_error err;
    io_octets message;
    int exit_code;
    if (!io_read_message(&s->s.common, path, sipveil_context_limits(s->context)->message, &message, &exit_code)) {
        return exit_code;
    }
    sipveil_span octets = {message.data, message.len};
    exit_code = sharing_add_bound(s, octets);
    if (exit_code == TOOL_OK) exit_code = sharing_apply_policy(s, octets);
    if (exit_code != TOOL_OK) {
        io_free(&message);
        return exit_code;
    }
    sipveil_code code = s->asked ? sipveil_e2m_seal_message(s->worker, &s->e2m, octets, &sealed, &err)
                                 : sipveil_tunnel_seal_message(s->worker, &s->s.seal, octets, &sealed, &err);
    if (code != SIPVEIL_OK) {
        exit_code = tool_error(&s->s.common, path, &err);
        (void)sharing_report(s);
    } else {
        exit_code = sharing_hand_out(s, path, &sealed, TOOL_OK);
    }
    io_free(&message);
    return exit_code;
}

/* Told before any file is read. */
static bool protects(const sharing *s)
{
    if (s->s.to_count > 0 || s->s.signer_count > 0 || s->e2m.hop_count > 0 || s->e2m.reuse != NULL) return true;
    tool_failure(&s->s.common, TOOL_USAGE, "encrypt with --to KEYREF, sign with --sign-with KEYREF",
                 "nothing would be protected: no recipient and no signer");
    return false;
}

int cmd_seal(int argc, char **argv)
{
    static const tool_verb verb = {
        "seal", "(--to KEYREF | --sign-with KEYREF | --for HOST=KEYREF) ... [options] [FILE]",
        "Reads one SIP message and writes the outer message that carries it, protected.", cmd_seal};
    sharing s = {.s = {.common = {.verb = "seal"}}};
    int first = 0, exit_code = TOOL_USAGE;
    sharing_begin(&s);
    if (tool_parse(&verb, options, sizeof options / sizeof *options, argc, argv, &s.s.common, take, &s, 1, &first,
                   &exit_code) &&
        sharing_settle(&s) && protects(&s) &&
        !io_would_refuse(&s.s.common, s.s.common.output, s.s.common.force, &exit_code)) {
        exit_code = sharing_prepare(&s);
        if (exit_code == TOOL_OK) exit_code = seal_one(&s, first < argc ? argv[first] : NULL);
    }
    sharing_end(&s);
    return exit_code;
}
