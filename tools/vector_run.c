/* SPDX-License-Identifier: BSD-2-Clause */
/* One case: read, run, compared. A member that is not known makes a case unusable, so that a slip of
 * the pen is not taken for a test. */
#include "vector.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool vector_refuse(vector_bench *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(b->why, sizeof b->why, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- the bench ---- */

/* Block i is SHA-256 of i as 8 octets, highest first; every request begins a new block
 * (vectors/README.md). */
static bool counted_random(void *user, uint8_t *out, size_t len)
{
    vector_bench *b = user;
    if (b->random_fails) return false;
    for (size_t done = 0; done < len; b->counter++) {
        uint8_t number[8], block[SHA256_DIGEST_LENGTH];
        for (int i = 0; i < 8; i++) number[i] = (uint8_t)(b->counter >> (56 - 8 * i));
        SHA256(number, sizeof number, block);
        size_t n = len - done < sizeof block ? len - done : sizeof block;
        memcpy(out + done, block, n);
        done += n;
    }
    return true;
}

static int64_t fixed_now(void *user)
{
    return ((vector_bench *)user)->now;
}

int vector_bench_begin(vector_bench *b)
{
    sipveil_hooks hooks;
    sipveil_error err;
    sipveil_hooks_default(&hooks);
    hooks.user = b;
    hooks.random = counted_random;
    hooks.now = fixed_now;
    if (sipveil_context_new(&hooks, &b->context, &err) != SIPVEIL_OK ||
        sipveil_worker_new(b->context, &b->worker, &err) != SIPVEIL_OK) {
        return tool_error(&b->common, NULL, &err);
    }
    return TOOL_OK;
}

void vector_bench_end(vector_bench *b)
{
    sipveil_worker_free(b->worker);
    sipveil_context_free(b->context);
}

/* ---- options ---- */

static bool take_one(vector_bench *b, const tool_option *option, const json_t *value, tool_take take, void *state)
{
    const char *text = json_string_value(value);
    char digits[32];
    if (option->argument == NULL) {
        return json_is_true(value) ? take(state, option->id, NULL)
                                   : vector_refuse(b, "option %s is true or not there", option->name);
    }
    if (json_is_integer(value)) {
        snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
        text = digits;
    }
    if (text == NULL || !take(state, option->id, text)) {
        return vector_refuse(b, "option %s does not take this value", option->name);
    }
    return true;
}

bool vector_take_options(vector_bench *b, const json_t *given, const tool_option *table, size_t count,
                         tool_take take, void *state)
{
    const char *name;
    json_t *value;
    if (given != NULL && !json_is_object(given)) return vector_refuse(b, "options: not an object");
    json_object_foreach ((json_t *)(uintptr_t)given, name, value) {
        size_t i = 0, k;
        const json_t *one;
        while (i < count && strcmp(table[i].name, name) != 0) i++;
        if (i == count) return vector_refuse(b, "there is no option %s", name);
        if (!json_is_array(value)) {
            if (!take_one(b, &table[i], value, take, state)) return false;
            continue;
        }
        if (!table[i].repeatable) return vector_refuse(b, "option %s cannot be repeated", name);
        json_array_foreach (value, k, one) {
            if (!take_one(b, &table[i], one, take, state)) return false;
        }
    }
    return true;
}

/* ---- one case ---- */

static bool check_members(vector_bench *b, const json_t *object, const char *const *names, size_t count)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
        size_t i = 0;
        while (i < count && strcmp(names[i], name) != 0) i++;
        if (i == count) return vector_refuse(b, "there is no member \"%s\"", name);
    }
    return true;
}

/* A worker keeps the keys that it once drew to stand in for others: one that has none yet shows what a failing generator does. */
static bool renew_worker(vector_bench *b)
{
    sipveil_error err;
    sipveil_worker_free(b->worker);
    return sipveil_worker_new(b->context, &b->worker, &err) == SIPVEIL_OK;
}

static bool check_case(vector_bench *b, const json_t *test)
{
    static const char *const members[] = {"id", "does", "rules", "operation", "at", "message", "options",
                                          "expected", "random", "open", "before", "facts"};
    static const char *const operations[] = {"open", "answer", "inspect", "seal", "verify"};
    enum { OPERATIONS = sizeof operations / sizeof *operations };
    const char *operation = json_string_value(json_object_get(test, "operation"));
    const json_t *random = json_object_get(test, "random");
    size_t i = 0;
    while (i < OPERATIONS && (operation == NULL || strcmp(operation, operations[i]) != 0)) i++;
    if (i == OPERATIONS) return vector_refuse(b, "\"operation\" is open, answer, inspect, seal or verify");
    if (!json_is_object(json_object_get(test, "expected"))) return vector_refuse(b, "nothing is \"expected\"");
    b->random_fails = random != NULL && json_is_string(random) && strcmp(json_string_value(random), "fails") == 0;
    if (random != NULL && !b->random_fails && !json_is_integer(random)) {
        return vector_refuse(b, "\"random\" is a number or \"fails\"");
    }
    b->counter = (uint64_t)json_integer_value(random);
    if (b->random_fails && !renew_worker(b)) return vector_refuse(b, "no memory for a worker");
    return check_members(b, test, members, sizeof members / sizeof *members);
}

static bool set_clock(vector_bench *b, const json_t *of)
{
    const json_t *at = json_object_get(of, "at");
    if (at == NULL) return true;
    if (json_is_string(at) && tool_read_time(json_string_value(at), &b->now)) return true;
    return vector_refuse(b, "\"at\" is no time (RFC 3339)");
}

static bool copy_octets(sipveil_span from, io_octets *to)
{
    *to = (io_octets){malloc(from.len + 1), from.len};
    if (to->data == NULL) return false;
    if (from.len > 0) memcpy(to->data, from.data, from.len);
    return true;
}

/* Runs `test` (or the opening of what was sealed) with a keyring of its own, and compares. */
static vector_result run_and_compare(vector_bench *b, const json_t *test, bool sealing, sipveil_span message,
                                     io_octets *emit)
{
    vector_outcome outcome = {.code = SIPVEIL_OK};
    sipveil_keyring *ring = NULL;
    const char *operation = json_string_value(json_object_get(test, "operation"));
    bool verifying = operation != NULL && strcmp(operation, "verify") == 0;
    vector_result result = VECTOR_UNUSABLE;
    if (sipveil_keyring_new(b->context, &ring, &outcome.err) != SIPVEIL_OK) {
        (void)vector_refuse(b, "%s", outcome.err.text);
    } else if ((sealing ? vector_seal : verifying ? vector_identity : vector_open)(b, test, message, ring, &outcome)) {
        result = VECTOR_PASSED;
        if (emit == NULL) {
            result = vector_compare(b, json_object_get(test, "expected"), &outcome);
        } else if (outcome.message.data == NULL || !copy_octets(outcome.message, emit)) {
            (void)vector_refuse(b, "it gives nothing: %s", outcome.err.text);
            result = VECTOR_FAILED;
        }
    }
    json_decref(outcome.report);
    sipveil_keyring_free(ring);
    return result;
}

/* What was sealed is opened again, with other keys. */
static vector_result open_sealed(vector_bench *b, const json_t *test, sipveil_span message)
{
    static const char *const members[] = {"at", "options", "expected"};
    const json_t *opening = json_object_get(test, "open");
    io_octets sealed = {NULL, 0};
    if (!check_members(b, opening, members, sizeof members / sizeof *members) ||
        !json_is_object(json_object_get(opening, "expected"))) {
        return VECTOR_UNUSABLE;
    }
    b->counter = (uint64_t)json_integer_value(json_object_get(test, "random"));
    vector_result result = run_and_compare(b, test, true, message, &sealed);
    if (result == VECTOR_PASSED) {
        result = set_clock(b, opening)
                     ? run_and_compare(b, opening, false, (sipveil_span){sealed.data, sealed.len}, NULL)
                     : VECTOR_UNUSABLE;
    }
    io_free(&sealed);
    return result;
}

vector_result vector_run(vector_bench *b, const json_t *test, io_octets *emit)
{
    io_octets message;
    const char *why;
    b->why[0] = '\0';
    if (!check_case(b, test) || !set_clock(b, test)) return VECTOR_UNUSABLE;
    if (!vector_read_octets(json_object_get(test, "message"), &message, &why)) {
        (void)vector_refuse(b, "message: %s", why);
        return VECTOR_UNUSABLE;
    }
    bool sealing = strcmp(json_string_value(json_object_get(test, "operation")), "seal") == 0;
    sipveil_span octets = {message.data, message.len};
    vector_result result = run_and_compare(b, test, sealing, octets, emit);
    if (result == VECTOR_PASSED && emit == NULL && sealing && json_object_get(test, "open") != NULL) {
        result = open_sealed(b, test, octets);
    }
    io_free(&message);
    return result;
}
