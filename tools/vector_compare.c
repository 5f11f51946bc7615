/* SPDX-License-Identifier: BSD-2-Clause */
/* What a case expects against what it gave. The first difference is told. */
#include <stdio.h>
#include <string.h>

#include "vector.h"

typedef struct comparison {
    vector_bench *b;
    const vector_outcome *outcome;
} comparison;

/* A check returns PASSED, or the other two with b->why set. */
typedef vector_result (*check)(const comparison *c, const char *name, const json_t *value);


#define FAILED(c, ...) (vector_refuse((c)->b, __VA_ARGS__), VECTOR_FAILED)
#define UNUSABLE(c, ...) (vector_refuse((c)->b, __VA_ARGS__), VECTOR_UNUSABLE)

static const char *text_of(const comparison *c)
{
    return c->outcome->code == SIPVEIL_OK ? "" : c->outcome->err.text;
}

static vector_result check_result(const comparison *c, const char *name, const json_t *value)
{
    const char *wanted = json_string_value(value), *got = sipveil_code_name(c->outcome->code);
    int code = 0;
    (void)name;
    while (wanted != NULL && code < SIPVEIL_CODE_COUNT && strcmp(sipveil_code_name(code), wanted) != 0) code++;
    if (wanted == NULL || code == SIPVEIL_CODE_COUNT) return UNUSABLE(c, "\"result\" is the name of no code");
    if (strcmp(wanted, got) == 0) return VECTOR_PASSED;
    return FAILED(c, "expected %s, got %s%s%s", wanted, got, *text_of(c) != '\0' ? ": " : "", text_of(c));
}

static vector_result check_exit(const comparison *c, const char *name, const json_t *value)
{
    (void)name;
    if (!json_is_integer(value)) return UNUSABLE(c, "\"exit\" is a number");
    if (json_integer_value(value) == c->outcome->exit_code) return VECTOR_PASSED;
    return FAILED(c, "expected exit %d, got %d", (int)json_integer_value(value), c->outcome->exit_code);
}

static vector_result check_status(const comparison *c, const char *name, const json_t *value)
{
    const sipveil_span m = c->outcome->message;
    int wanted = (int)json_integer_value(value), got = c->outcome->err.sip_status;
    (void)name;
    if (!json_is_integer(value)) return UNUSABLE(c, "\"status\" is a number");
    if (got != wanted) return FAILED(c, "expected SIP status %d, got %d: %s", wanted, got, text_of(c));
    if (c->outcome->exit_code == TOOL_ANSWER) {
        char line[16];
        snprintf(line, sizeof line, "SIP/2.0 %d ", wanted);
        if (m.len < 12 || memcmp(m.data, line, 12) != 0) return FAILED(c, "the answer does not begin with %s", line);
    }
    return VECTOR_PASSED;
}

/* ---- octets ---- */

static vector_result check_octets(const comparison *c, const char *name, const json_t *value)
{
    const vector_outcome *o = c->outcome;
    sipveil_span got = strcmp(name, "message") == 0  ? o->message
                       : strcmp(name, "entity") == 0 ? o->opened.entity
                                                     : o->opened.body;
    io_octets wanted;
    const char *why;
    if (!vector_read_octets(value, &wanted, &why)) return UNUSABLE(c, "expected %s: %s", name, why);
    size_t at = 0, common = wanted.len < got.len ? wanted.len : got.len;
    while (at < common && wanted.data[at] == got.data[at]) at++;
    bool same = at == wanted.len && at == got.len;
    size_t wanted_len = wanted.len;
    io_free(&wanted);
    if (same) return VECTOR_PASSED;
    return FAILED(c, "expected %s of %zu octets, got %zu octets, which differ from octet %zu on", name, wanted_len,
                  got.len, at);
}

static vector_result check_flag(const comparison *c, const char *name, const json_t *value)
{
    const sipveil_opened *o = &c->outcome->opened;
    bool got = strcmp(name, "signed") == 0      ? o->is_signed
               : strcmp(name, "encrypted") == 0 ? o->is_encrypted
               : strcmp(name, "protected") == 0 ? o->is_protected
                                                : o->is_authenticated;
    if (!json_is_boolean(value)) return UNUSABLE(c, "\"%s\" is true or false", name);
    if (json_is_true(value) == got) return VECTOR_PASSED;
    return FAILED(c, "expected %s: %s, got %s", name, got ? "false" : "true", got ? "true" : "false");
}

/* ---- lists ---- */

static bool has_warning(const sipveil_opened *o, const char *rule)
{
    for (size_t i = 0; i < o->warning_count; i++) {
        if (strcmp(o->warnings[i].rule, rule) == 0) return true;
    }
    return false;
}

static vector_result check_warnings(const comparison *c, const char *name, const json_t *value)
{
    size_t i;
    const json_t *rule;
    if (!json_is_array(value)) return UNUSABLE(c, "\"%s\" is a list of rules", name);
    json_array_foreach (value, i, rule) {
        if (!json_is_string(rule)) return UNUSABLE(c, "\"%s\" is a list of rules", name);
        if (!has_warning(&c->outcome->opened, json_string_value(rule))) {
            return FAILED(c, "expected a warning by rule %s, got none", json_string_value(rule));
        }
    }
    return VECTOR_PASSED;
}

static const char *compared_as(const sipveil_opened *o, const char *field)
{
    static const char *const names[] = {"equal", "hidden", "may-differ", "added", "missing", "mismatch"};
    for (size_t i = 0; i < o->compared_count; i++) {
        if (strcasecmp(o->compared[i].field, field) == 0) return names[o->compared[i].result];
    }
    return "not compared";
}

static vector_result check_compare(const comparison *c, const char *name, const json_t *value)
{
    const char *field;
    json_t *wanted;
    if (!json_is_object(value)) return UNUSABLE(c, "\"%s\" is an object of fields", name);
    json_object_foreach ((json_t *)(uintptr_t)value, field, wanted) {
        const char *got = compared_as(&c->outcome->opened, field);
        if (!json_is_string(wanted)) return UNUSABLE(c, "compare: %s is no text", field);
        if (strcmp(json_string_value(wanted), got) != 0) {
            return FAILED(c, "expected %s to compare as %s, got %s", field, json_string_value(wanted), got);
        }
    }
    return VECTOR_PASSED;
}

/* The verdict of the report, and its error. */
static vector_result check_report(const comparison *c, const char *name, const json_t *value)
{
    const json_t *error = json_object_get(c->outcome->report, "error");
    const json_t *got = strcmp(name, "verdict") == 0 ? json_object_get(c->outcome->report, "verdict")
                                                     : json_object_get(error, "code");
    if (!json_is_string(value)) return UNUSABLE(c, "\"%s\" is a text", name);
    if (json_is_string(got) && strcmp(json_string_value(got), json_string_value(value)) == 0) return VECTOR_PASSED;
    const char *text = json_string_value(json_object_get(error, "text"));
    return FAILED(c, "expected %s %s in the report, got %s%s%s", name, json_string_value(value),
                  json_is_string(got) ? json_string_value(got) : "none", text != NULL ? ": " : "",
                  text != NULL ? text : "");
}

static const struct {
    const char *name;
    check check;
} checks[] = {
    {"result", check_result},      {"exit", check_exit},          {"status", check_status},
    {"message", check_octets},     {"entity", check_octets},      {"body", check_octets},
    {"protected", check_flag},     {"signed", check_flag},        {"encrypted", check_flag},
    {"authenticated", check_flag}, {"warnings", check_warnings},  {"compare", check_compare},
    {"verdict", check_report},     {"error", check_report},
};
enum { CHECK_COUNT = sizeof checks / sizeof *checks };

vector_result vector_compare(vector_bench *b, const json_t *expected, const vector_outcome *outcome)
{
    const comparison c = {b, outcome};
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)expected, name, value) {
        size_t i = 0;
        while (i < CHECK_COUNT && strcmp(checks[i].name, name) != 0) i++;
        if (i == CHECK_COUNT) return UNUSABLE(&c, "expected: there is no member \"%s\"", name);
    }
    if (json_object_get(expected, "result") == NULL) return UNUSABLE(&c, "expected: no \"result\"");
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        value = json_object_get(expected, checks[i].name);
        if (value == NULL) continue;
        vector_result result = checks[i].check(&c, checks[i].name, value);
        if (result != VECTOR_PASSED) return result;
    }
    return VECTOR_PASSED;
}
