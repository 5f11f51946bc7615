/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of verbs, and what happens before any of them runs. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "report.h"
#include "secrets.h"
#include "publish.h"

static const tool_verb verbs[] = {
    {"keygen", "kek|ca|cert [options]", "make keys and certificates for a lab", cmd_keygen},
    {"seal", "[options] [FILE]", "protect a SIP message for chosen parties", cmd_seal},
    {"open", "[options] [FILE]", "undo what seal did, after every check", cmd_open},
    {"inspect", "[options] [FILE]", "show the layers of a message, changing nothing", cmd_inspect},
    {"proxy", "--host HOST [options] [FILE]", "what a serving proxy does with one message", cmd_proxy},
    {"retry", "--request FILE [options] [RESPONSE]", "the request to send after a proxy said what it needs", cmd_retry},
    {"identity", "sign|verify|bind|bound [options] [FILE]", "say, and check, who a request is from", cmd_identity},
    {"trust", "apply|check-table [options] [FILE]", "what may cross the border of a trust domain", cmd_trust},
    {"agree", "offer|choose|protect|event|check [options]", "security agreement with the next hop", cmd_agree},
    {"vectors", "[options] FILE ...", "run the cases of test vector files", cmd_vectors},
};
enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] };

static void print_usage(FILE *out)
{
    fprintf(out, "usage: sipveil VERB [options] [FILE]\n\n");
    for (size_t i = 0; i < VERB_COUNT; i++) fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    fprintf(out, "\n'sipveil VERB --help' tells more; 'sipveil --version' what it is linked with.\n");
}

static void print_version(void)
{
    printf("sipveil %s\n%s\nzlib %s\njansson %s\n", sipveil_version(), sipveil_crypto_library_version(),
           zlibVersion(), jansson_version_str());
}

/* A closed standard descriptor would be the next file that is opened, and words to the user would end up
 * in a state file or a key. What is put in its place fails like the closed one. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) _exit(TOOL_FAILED);
    }
}

static const tool_verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(name, verbs[i].name) == 0) return &verbs[i];
    }
    return NULL;
}

static int run_verb(int argc, char **argv)
{
    const tool_verb *verb = find_verb(argv[0]);
    if (verb != NULL) return verb->run(argc, argv);
    fprintf(stderr, "sipveil: unknown %s '%s'\nhint: 'sipveil --help' lists the verbs%s\n", argv[0][0] == '-' ? "option" : "verb", argv[0],
            argv[0][0] == '-' ? ", each with its own options" : "");
    return TOOL_USAGE;
}

/* help VERB, help VERB WORD: as VERB [WORD] --help. */
static int explain(char *verb, char *word)
{
    static char help[] = "--help";
    return word == NULL ? run_verb(2, (char *[]){verb, help, NULL}) : run_verb(3, (char *[]){verb, word, help, NULL});
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return TOOL_USAGE;
    }
    if (argc > 2 && strcmp(argv[1], "help") == 0) return explain(argv[2], argv[3]);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return TOOL_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        print_version();
        return TOOL_OK;
    }
    return run_verb(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    hold_standard_descriptors();
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report, not a death */
    publish_watch();
    if (!secrets_begin()) {
        fprintf(stderr, "sipveil: libcrypto does not let its memory be wiped\n");
        return TOOL_FAILED;
    }
    int exit_code = run(argc, argv);
    if (fflush(stdout) != 0 && exit_code == TOOL_OK) {
        fprintf(stderr, "sipveil %s: standard output: %s\n", argv[1], strerror(errno));
        exit_code = TOOL_FAILED;
        publish_failed();
    }
    (void)publish_settle();
    exit_code = report_end(exit_code);
    (void)publish_settle();
    return exit_code;
}
