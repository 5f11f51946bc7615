/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil vectors */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "vector.h"

enum { FILE_MOST = 64 << 20, OPERANDS_MOST = 4096 };

enum vectors_option { O_CASE = TOOL_O_FIRST, O_EMIT };

static const tool_option options[] = {
    {O_CASE, "case", 0, "ID", false, "run only this case"},
    {O_EMIT, "emit", 0, NULL, false, "with --case: write what it gives instead of comparing it"},
    TOOL_COMMON_OPTIONS,
};

typedef struct vectors_state {
    vector_bench bench; /* bench.common is set by tool_parse */
    const char *only;   /* id, or NULL */
    bool emit;
    unsigned passed, failed;
    bool unusable;      /* a file is not what the schema says */
    io_octets emitted;
    char *lines;        /* what goes to the output */
    size_t lines_len;
    FILE *out;          /* writes to lines */
} vectors_state;

static bool take(void *state, int id, const char *value)
{
    vectors_state *s = state;
    if (id == O_CASE) s->only = value;
    else s->emit = true;
    return true;
}

static void run_case(vectors_state *s, const char *path, const json_t *test, size_t place, int64_t now)
{
    const char *id = json_string_value(json_object_get(test, "id"));
    vector_bench *b = &s->bench;
    if (s->only != NULL && (id == NULL || strcmp(id, s->only) != 0)) return;
    b->now = now;
    vector_result result = VECTOR_UNUSABLE;
    if (id == NULL) (void)vector_refuse(b, "it has no \"id\"");
    else result = vector_run(b, test, s->emit ? &s->emitted : NULL);
    if (result == VECTOR_UNUSABLE) {
        s->unusable = true;
        tool_failure(&b->common, TOOL_USAGE, NULL, "%s: case %zu (%s): %s", path, place + 1, id != NULL ? id : "",
                     b->why);
        return;
    }
    if (result == VECTOR_PASSED) s->passed++;
    else s->failed++;
    if (result == VECTOR_FAILED) {
        fprintf(s->out, "FAIL %s: %s\n", id, b->why);
        report_take_check(id, false, b->why);
    }
    if (result == VECTOR_PASSED && b->common.verbose) fprintf(s->out, "ok %s\n", id);
}

/* What is wrong with the frame of a file, or NULL. */
static const char *check_file(const json_t *file, int64_t *now)
{
    static const char *const members[] = {"format", "version", "about", "at", "keys", "cases"};
    const char *format = json_string_value(json_object_get(file, "format"));
    const char *at = json_string_value(json_object_get(file, "at")), *name;
    json_t *value;
    if (format == NULL || strcmp(format, "sipveil-vectors") != 0) return "\"format\" is not sipveil-vectors";
    if (json_integer_value(json_object_get(file, "version")) != 1) return "\"version\" is not 1";
    if (at == NULL || !tool_read_time(at, now)) return "\"at\" is no time (RFC 3339)";
    if (!json_is_object(json_object_get(file, "keys"))) return "\"keys\" is no object";
    if (json_array_size(json_object_get(file, "cases")) == 0) return "there are no \"cases\"";
    json_object_foreach ((json_t *)(uintptr_t)file, name, value) {
        size_t i = 0;
        while (i < sizeof members / sizeof *members && strcmp(members[i], name) != 0) i++;
        if (i == sizeof members / sizeof *members) return "a member that the schema does not have";
    }
    return NULL;
}

/* jansson quotes what it stumbled over: of a file of secrets that is given by a slip, a secret. The place will do. */
static json_t *load(const tool_common *common, const char *path, const io_octets *octets)
{
    json_error_t error;
    json_t *file = octets->len > 0 ? json_loadb((const char *)octets->data, octets->len, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (octets->len == 0) {
        tool_failure(common, TOOL_USAGE, NULL, "%s: it is empty: there are no vectors", path);
    } else if (file == NULL) {
        const char *quote = strstr(error.text, " near '");
        int len = (int)(quote != NULL ? (size_t)(quote - error.text) : strlen(error.text));
        tool_failure(common, TOOL_USAGE, NULL, "%s:%d:%d: no JSON: %.*s", path, error.line, error.column, len, error.text);
    }
    return file;
}

static void run_file(vectors_state *s, const char *path)
{
    io_octets octets;
    int exit_code;
    int64_t now;
    const json_t *test;
    size_t i;
    if (!io_read(&s->bench.common, path, FILE_MOST, &octets, &exit_code)) {
        s->unusable = true;
        return;
    }
    json_t *file = load(&s->bench.common, path, &octets);
    const char *why = file == NULL ? NULL : check_file(file, &now);
    if (why != NULL) {
        tool_failure(&s->bench.common, TOOL_USAGE, "vectors/README.md describes such a file", "%s: %s", path, why);
    } else if (file != NULL) {
        s->bench.keys = json_object_get(file, "keys");
        json_array_foreach (json_object_get(file, "cases"), i, test) run_case(s, path, test, i, now);
    }
    s->unusable = s->unusable || file == NULL || why != NULL;
    s->bench.keys = NULL;
    json_decref(file);
    io_free(&octets);
}

/* Where not one case could be run there is no result: "0 failed" would sound like one. */
static int write_result(vectors_state *s)
{
    if (s->unusable && s->passed + s->failed == 0) return TOOL_USAGE;
    sipveil_span out = {(const uint8_t *)s->lines, s->lines_len};
    if (s->emit && s->emitted.data != NULL) out = (sipveil_span){s->emitted.data, s->emitted.len};
    int exit_code = io_write_output(&s->bench.common, out, s->emit ? IO_BINARY : 0);
    if (exit_code != TOOL_OK) return exit_code;
    if (s->unusable) return TOOL_USAGE;
    if (s->failed == 0) return TOOL_OK;
    sipveil_error err = {.code = SIPVEIL_INTERNAL};
    snprintf(err.text, sizeof err.text, "%u of %u cases failed", s->failed, s->passed + s->failed);
    report_take_error(&err);
    return TOOL_FAILED;
}

static int run_files(vectors_state *s, char **paths)
{
    int exit_code = vector_bench_begin(&s->bench);
    if (exit_code != TOOL_OK) return exit_code;
    s->out = open_memstream(&s->lines, &s->lines_len);
    if (s->out == NULL) return tool_failure(&s->bench.common, TOOL_FAILED, NULL, "standard output: cannot be written: %s", strerror(errno));
    for (; *paths != NULL; paths++) run_file(s, *paths);
    if (s->only != NULL && s->passed + s->failed == 0 && !s->unusable) {
        tool_failure(&s->bench.common, TOOL_USAGE, NULL, "none of the files has a case '%s'", s->only);
        s->unusable = true;
    }
    fprintf(s->out, "%u passed, %u failed\n", s->passed, s->failed);
    return fclose(s->out) == 0 ? write_result(s) : TOOL_FAILED;
}

int cmd_vectors(int argc, char **argv)
{
    static const tool_verb verb = {"vectors", "[options] FILE ...",
                                   "Runs the cases of test vector files; a line for each that fails, and a last line "
                                   "with the\nnumbers.",
                                   cmd_vectors};
    vectors_state s = {.bench = {.common = {.verb = "vectors"}}};
    int first = 0, exit_code = TOOL_USAGE;
    if (tool_parse(&verb, options, sizeof options / sizeof *options, argc, argv, &s.bench.common, take, &s,
                   OPERANDS_MOST, &first, &exit_code)) {
        if (first == argc) {
            exit_code = tool_usage_error(&s.bench.common, "no vector file is given");
        } else if (s.emit && s.only == NULL) {
            exit_code = tool_usage_error(&s.bench.common, "--emit needs --case ID");
        } else if (!io_would_refuse(&s.bench.common, s.bench.common.output, s.bench.common.force, &exit_code)) {
            exit_code = run_files(&s, argv + first);
        }
    }
    vector_bench_end(&s.bench);
    io_free(&s.emitted);
    free(s.lines);
    return exit_code;
}
