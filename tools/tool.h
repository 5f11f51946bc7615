/* SPDX-License-Identifier: BSD-2-Clause */
/* What every verb shares: one table of options that feeds both getopt_long and --help, the words to
 * the user, and the exit codes. */
#ifndef TOOL_H
#define TOOL_H

#include <sipveil/sipveil.h>

#define TOOL_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Exit codes beside sipveil_code_exit(). */
enum { TOOL_OK = 0, TOOL_FAILED = 1, TOOL_USAGE = 2, TOOL_ANSWER = 10 };

typedef struct tool_verb {
    const char *name;    /* "seal", "keygen kek" */
    const char *usage;   /* after the name: "[options] [FILE]" */
    const char *summary; /* one line */
    int (*run)(int argc, char **argv);
} tool_verb;

typedef struct tool_option {
    int id;               /* unique in the verb; TOOL_O_... for the common ones */
    const char *name;     /* long name */
    char letter;          /* short name, or 0 */
    const char *argument; /* "FILE", or NULL for a flag */
    bool repeatable;      /* a repeated single-value option is an error */
    const char *help;
} tool_option;

/* Options that every verb has. */
enum { TOOL_O_HELP = 1, TOOL_O_OUTPUT, TOOL_O_FORCE, TOOL_O_QUIET, TOOL_O_VERBOSE, TOOL_O_REPORT, TOOL_O_FIRST };
#define TOOL_COMMON_OPTIONS                                                                        \
    {TOOL_O_REPORT, "report", 0, "FILE", false, "the JSON report, with every rule that fired; - is standard error"}, \
    {TOOL_O_OUTPUT, "output", 'o', "FILE", false, "write there; a temporary file, renamed on success"}, \
    {TOOL_O_FORCE, "force", 'f', NULL, false, "replace an existing output file"},                  \
    {TOOL_O_QUIET, "quiet", 'q', NULL, false, "no warnings"},                                      \
    {TOOL_O_VERBOSE, "verbose", 'v', NULL, false, "say more on standard error"},                   \
    {TOOL_O_HELP, "help", 'h', NULL, false, "this text"}

/* What the common options came to. */
typedef struct tool_common {
    const char *verb;
    const char *output; /* NULL or "-": standard output */
    const char *report; /* NULL: none; "-": standard error */
    bool force, quiet, verbose;
    const struct tool_option *options; /* the verb's table */
    size_t option_count;
} tool_common;

/* Called for each option of the verb's own, in order. Returns false after tool_usage_error(). */
typedef bool (*tool_take)(void *state, int id, const char *value);

/* Parses argv[1..]. Returns true to go on, with *first_operand set; false: exit with *exit_code (help
 * was printed, or a usage error). At most `operands` operands are taken. */
bool tool_parse(const tool_verb *verb, const tool_option *options, size_t count, int argc, char **argv,
                tool_common *common, tool_take take, void *state, int operands, int *first_operand,
                int *exit_code);

/* "sipveil seal: text", then "hint: 'sipveil seal --help' ...". Returns TOOL_USAGE. */
int tool_usage_error(const tool_common *common, const char *format, ...) TOOL_PRINTF(2, 3);
/* "sipveil open: --at does not take '2026'", and the line of --help for that option as the hint. Returns false. */
bool tool_bad_value(const tool_common *common, const char *option, const char *value);
/* "sipveil seal: FILE: text" and the hint line. Returns the exit code of err. file may be NULL. */
int tool_error(const tool_common *common, const char *file, const sipveil_error *err);
void tool_warning(const tool_common *common, const char *file, const char *format, ...) TOOL_PRINTF(3, 4);
/* A plain failure with its exit code, and a hint or NULL. Returns exit_code. */
int tool_failure(const tool_common *common, int exit_code, const char *hint, const char *format, ...)
    TOOL_PRINTF(4, 5);

/* RFC 3339 time ("2026-11-21T10:00:00Z", offsets allowed) to seconds UTC. */
bool tool_read_time(const char *text, int64_t *seconds);

int cmd_keygen(int argc, char **argv);
int cmd_seal(int argc, char **argv);
int cmd_open(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_identity(int argc, char **argv);
int cmd_proxy(int argc, char **argv);
int cmd_retry(int argc, char **argv);
int cmd_trust(int argc, char **argv);
int cmd_agree(int argc, char **argv);
int cmd_vectors(int argc, char **argv);

#endif
