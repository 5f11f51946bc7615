/* SPDX-License-Identifier: BSD-2-Clause */
/* Test vectors (vectors/README.md): one case read, run through the library, compared. */
#ifndef TOOL_VECTOR_H
#define TOOL_VECTOR_H

#include <jansson.h>

#include "io.h"

typedef enum vector_result {
    VECTOR_PASSED,
    VECTOR_FAILED,
    VECTOR_UNUSABLE /* the case itself is wrong */
} vector_result;

enum { VECTOR_WHY = 1000 };

/* What all cases share. The library's clock and random hook point here. */
typedef struct vector_bench {
    tool_common common;
    sipveil_context *context;
    sipveil_worker *worker;
    int64_t now;
    uint64_t counter;  /* of the counted random octets */
    bool random_fails;
    const json_t *keys; /* of the file: name, key */
    char why[VECTOR_WHY]; /* about the last case: what is wrong with it, or how it differs */
} vector_bench;

/* What running a case gave. */
typedef struct vector_outcome {
    sipveil_code code;
    int exit_code;
    sipveil_error err;
    sipveil_opened opened;  /* open; zero on failure */
    sipveil_span message;   /* what it gives: opened, sealed, or the answer; *borrowed* from the worker */
    json_t *report;         /* inspect, open */
} vector_outcome;

/* Returns TOOL_OK or the exit code after a message. */
int vector_bench_begin(vector_bench *b);
void vector_bench_end(vector_bench *b);

/* Octets as the schema writes them: text, {"base64"}, {"hex"}, {"repeat", "times"}, or a list of these.
 * False, with why, if they are not. Free with io_free. */
bool vector_read_octets(const json_t *value, io_octets *out, const char **why);

/* Keys by name into the ring. The code is the library's; VECTOR_UNUSABLE names are told in b->why and
 * give false. */
typedef enum vector_role { VECTOR_KEY, VECTOR_CERTIFICATES, VECTOR_ANCHORS, VECTOR_CRLS } vector_role;
bool vector_add_key(vector_bench *b, sipveil_keyring *ring, const char *name, vector_role role,
                    sipveil_code *code, sipveil_error *err);

/* Hands every member of an object of options to take() as the command line would: true is a flag, a
 * list is an option that is repeated. False after b->why. */
bool vector_take_options(vector_bench *b, const json_t *options, const tool_option *table, size_t count,
                         tool_take take, void *state);

/* The operations. False: the case is unusable, b->why says why. */
bool vector_open(vector_bench *b, const json_t *test, sipveil_span message, sipveil_keyring *ring,
                 vector_outcome *out);
bool vector_seal(vector_bench *b, const json_t *test, sipveil_span message, sipveil_keyring *ring,
                 vector_outcome *out);

bool vector_identity(vector_bench *b, const json_t *test, sipveil_span message, sipveil_keyring *ring,
                     vector_outcome *out);

/* Whether the outcome is what the case expects; b->why says how it differs. */
vector_result vector_compare(vector_bench *b, const json_t *expected, const vector_outcome *outcome);

/* One case from reading to comparing. emit: not NULL: it gets a copy of what the case gives, and nothing
 * is compared. */
vector_result vector_run(vector_bench *b, const json_t *test, io_octets *emit);

/* Sets b->why; returns false. */
bool vector_refuse(vector_bench *b, const char *format, ...) TOOL_PRINTF(2, 3);

#endif
