/* SPDX-License-Identifier: BSD-2-Clause */
#include "tool.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apart.h"
#include "report.h"
#include "publish.h"

enum { OPTIONS_MOST = 96 };

static void print_help(const tool_verb *verb, const tool_option *options, size_t count)
{
    printf("usage: sipveil %s %s\n\n%s\n\n", verb->name, verb->usage, verb->summary);
    for (size_t i = 0; i < count; i++) {
        char left[80];
        const tool_option *o = &options[i];
        snprintf(left, sizeof left, "%s%c%s--%s%s%s", o->letter ? "-" : " ", o->letter ? o->letter : ' ',
                 o->letter ? ", " : "  ", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        if (strlen(left) > 34) {
            printf("  %s\n  %-34s %s\n", left, "", o->help);
        } else {
            printf("  %-34s %s\n", left, o->help);
        }
    }
}

static bool take_common(tool_common *common, int id, const char *value)
{
    switch (id) {
    case TOOL_O_OUTPUT: common->output = value; return true;
    case TOOL_O_FORCE: common->force = true; return true;
    case TOOL_O_QUIET: common->quiet = true; return true;
    case TOOL_O_VERBOSE: common->verbose = true; return true;
    case TOOL_O_REPORT: common->report = value; return true;
    default: return false;
    }
}

static void fill_getopt(const tool_option *options, size_t count, struct option *longs, char *letters)
{
    size_t n = 0;
    letters[n++] = ':'; /* a missing argument is told apart */
    for (size_t i = 0; i < count; i++) {
        longs[i] = (struct option){options[i].name, options[i].argument ? required_argument : no_argument,
                                   NULL, (int)(1000 + i)};
        if (options[i].letter != 0) {
            letters[n++] = options[i].letter;
            if (options[i].argument != NULL) letters[n++] = ':';
        }
    }
    longs[count] = (struct option){0};
    letters[n] = '\0';
}

static size_t find_option(const tool_option *options, size_t count, int found)
{
    if (found >= 1000) return (size_t)found - 1000;
    for (size_t i = 0; i < count; i++) {
        if (options[i].letter == found) return i;
    }
    return count;
}

/* The words of the command line so far: the arguments of options. */
typedef struct line_read {
    apart_word *words;
    size_t count;
} line_read;

static bool parse(const tool_verb *verb, const tool_option *options, size_t count, int argc, char **argv,
                tool_common *common, tool_take take, void *state, int operands, int *first_operand,
                int *exit_code, line_read *line)
{
    struct option longs[OPTIONS_MOST + 1];
    char letters[2 * OPTIONS_MOST + 2];
    bool seen[OPTIONS_MOST] = {false};
    *common = (tool_common){.verb = verb->name, .options = options, .option_count = count};
    *exit_code = TOOL_USAGE;
    if (count > OPTIONS_MOST) return false;
    fill_getopt(options, count, longs, letters);
    optind = 1;
    opterr = 0;
    for (int found; (found = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        if (found == '?' || found == ':') {
            char letter[3] = {'-', (char)optopt, '\0'}; /* one of several in a word */
            const char *name = optopt > 0 && optopt < 1000 ? letter : argv[optind - 1];
            tool_usage_error(common, found == ':' ? "option '%s' needs an argument" : "unknown option '%s'",
                             name);
            return false;
        }
        size_t i = find_option(options, count, found);
        if (options[i].id == TOOL_O_HELP) {
            print_help(verb, options, count);
            *exit_code = TOOL_OK;
            return false;
        }
        if (seen[i] && !options[i].repeatable && options[i].argument != NULL) {
            tool_usage_error(common, "option '--%s' is given twice", options[i].name);
            return false;
        }
        seen[i] = true;
        if (options[i].argument != NULL) line->words[line->count++] = (apart_word){&options[i], optarg};
        if (options[i].argument != NULL && optarg[0] == '\0') {
            tool_usage_error(common, "option '--%s' has an empty argument", options[i].name);
            return false;
        }
        if (!take_common(common, options[i].id, optarg) && !take(state, options[i].id, optarg)) {
            return false;
        }
    }
    for (int i = optind; i < argc; i++) {
        if (argv[i][0] != '\0') continue;
        tool_usage_error(common, "the name of a file is empty");
        return false;
    }
    if (argc - optind > operands) {
        tool_usage_error(common, "unexpected argument '%s'", argv[optind + operands]);
        return false;
    }
    *first_operand = optind;
    return true;
}

bool tool_parse(const tool_verb *verb, const tool_option *options, size_t count, int argc, char **argv,
                tool_common *common, tool_take take, void *state, int operands, int *first_operand,
                int *exit_code)
{
    line_read line = {.words = calloc((size_t)argc * 2, sizeof(apart_word))};
    bool parsed = line.words != NULL && parse(verb, options, count, argc, argv, common, take, state, operands, first_operand, exit_code, &line);
    if (line.words == NULL) {
        *common = (tool_common){.verb = verb->name};
        *exit_code = tool_failure(common, TOOL_FAILED, NULL, "out of memory");
    }
    bool ends = !parsed && (*exit_code == TOOL_OK || line.words == NULL);
    /* Where a word is wrong, the report of that is all that is written; what the others are for is not known then. */
    for (int i = 1; !ends && i < argc; i++) {
        if (!parsed || i >= *first_operand) line.words[line.count++] = (apart_word){NULL, argv[i]};
    }
    bool apart = ends || apart_check(common, line.words, line.count);
    free(line.words);
    if (!apart) *exit_code = TOOL_USAGE;
    else if (!ends && common->report != NULL) report_begin(common);
    return parsed && apart;
}

/* What the program itself found wrong, by its exit code. */
static void take_failure(int exit_code, const char *text, const char *hint)
{
    sipveil_error err = {.code = report_code_of(exit_code)};
    snprintf(err.text, sizeof err.text, "%.*s", (int)sizeof err.text - 1, text);
    snprintf(err.hint, sizeof err.hint, "%s", hint != NULL ? hint : "");
    report_take_error(&err);
}

static void print_line(const tool_common *common, const char *file, const char *text)
{
    fprintf(stderr, "sipveil %s: %s%s%s\n", common->verb, file ? file : "", file ? ": " : "", text);
}

int tool_usage_error(const tool_common *common, const char *format, ...)
{
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_line(common, NULL, text);
    take_failure(TOOL_USAGE, text, NULL);
    fprintf(stderr, "hint: 'sipveil %s --help' lists the options\n", common->verb);
    return TOOL_USAGE;
}

bool tool_bad_value(const tool_common *common, const char *option, const char *value)
{
    char text[600];
    snprintf(text, sizeof text, "--%s does not take '%s'", option, value);
    print_line(common, NULL, text);
    take_failure(TOOL_USAGE, text, NULL);
    for (size_t i = 0; i < common->option_count; i++) {
        const tool_option *o = &common->options[i];
        if (strcmp(o->name, option) != 0) continue;
        bool time = o->argument != NULL && strcmp(o->argument, "TIME") == 0;
        fprintf(stderr, "hint: --%s %s: %s%s\n", o->name, o->argument != NULL ? o->argument : "", o->help,
                time ? ", as in 2026-11-21T10:00:00Z" : "");
    }
    return false;
}

int tool_error(const tool_common *common, const char *file, const sipveil_error *err)
{
    print_line(common, file, err->text);
    report_take_error(err);
    if (common->verbose && err->rule[0] != '\0') fprintf(stderr, "rule: %s\n", err->rule);
    if (common->verbose && err->library[0] != '\0') fprintf(stderr, "libcrypto: %s\n", err->library);
    if (err->hint[0] != '\0') fprintf(stderr, "hint: %s\n", err->hint);
    if (sipveil_code_exit(err->code) == TOOL_FAILED) publish_failed();
    return sipveil_code_exit(err->code);
}

void tool_warning(const tool_common *common, const char *file, const char *format, ...)
{
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report_take_warning(text);
    if (common->quiet) return;
    fprintf(stderr, "sipveil %s: %s%swarning: %s\n", common->verb, file ? file : "", file ? ": " : "", text);
}

int tool_failure(const tool_common *common, int exit_code, const char *hint, const char *format, ...)
{
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_line(common, NULL, text);
    take_failure(exit_code, text, hint);
    if (hint != NULL) fprintf(stderr, "hint: %s\n", hint);
    if (exit_code == TOOL_FAILED) publish_failed();
    return exit_code;
}

bool tool_read_time(const char *text, int64_t *seconds)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    long offset = 0;
    if (rest == NULL) return false;
    if (*rest == '.') {
        size_t digits = strspn(++rest, "0123456789");
        if (digits == 0) return false;
        rest += digits;
    }
    if (strcmp(rest, "Z") != 0 && strcmp(rest, "z") != 0) {
        int hours, minutes, used = 0;
        if ((*rest != '+' && *rest != '-') || sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 ||
            used != 5 || rest[1 + used] != '\0' || hours > 23 || minutes > 59) {
            return false;
        }
        offset = (hours * 60L + minutes) * 60 * (*rest == '+' ? 1 : -1);
    }
    int day = tm.tm_mday;
    time_t t = timegm(&tm);
    if (tm.tm_mday != day) return false; /* 31 February */
    *seconds = (int64_t)t - offset;
    return true;
}
