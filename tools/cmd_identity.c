/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil identity: its verbs, and how each of them comes to its message. */
#include <stdio.h>
#include <string.h>

#include "identity.h"
#include "identity_binding.h"

static const struct {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"sign", "sign for the originator of a request, as the service of its domain", identity_sign},
    {"verify", "check who a request is from", identity_verify},
    {"bind", "bind the certificate that a request carries to its sender, for its dialog", identity_bind},
    {"bound", "list the certificates that are bound", identity_bound},
};
enum { VERB_COUNT = sizeof verbs / sizeof *verbs };

/* "sign|verify" or "sign, verify". */
static void print_names(FILE *out, const char *between)
{
    for (size_t i = 0; i < VERB_COUNT; i++) fprintf(out, "%s%s", i > 0 ? between : "", verbs[i].name);
}

static void print_verbs(void)
{
    printf("usage: sipveil identity ");
    print_names(stdout, "|");
    printf(" [options] [FILE]\n\n");
    for (size_t i = 0; i < VERB_COUNT; i++) printf("  identity %-7s %s\n", verbs[i].name, verbs[i].summary);
    printf("\n'sipveil identity sign --help' and so on tell more.\n");
}

int identity_do(const tool_verb *verb, const identity_work *work, int argc, char **argv, opening *o, void *state)
{
    io_octets message = {0};
    int first = 0, exit_code = TOOL_USAGE;
    tool_common *common = &o->common;
    if (!tool_parse(verb, work->options, work->option_count, argc, argv, common, work->take, state, 1, &first, &exit_code) ||
        io_would_refuse(common, common->output, common->force, &exit_code)) {
        return exit_code;
    }
    const char *path = first < argc ? argv[first] : NULL;
    exit_code = work->prepare(state);
    if (exit_code == TOOL_OK && io_read_message(common, path, sipveil_context_limits(o->context)->message, &message, &exit_code)) {
        exit_code = work->run(state, path, (sipveil_span){message.data, message.len});
    }
    io_free(&message);
    return exit_code;
}

int cmd_identity(int argc, char **argv)
{
    const tool_common common = {.verb = "identity"};
    if (argc < 2) return tool_usage_error(&common, "what to do is missing: sign, verify, bind or bound");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_verbs();
        return TOOL_OK;
    }
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    }
    return tool_usage_error(&common, "'%s' is none of sign, verify, bind, bound", argv[1]);
}
