/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil identity: its verbs. */
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
