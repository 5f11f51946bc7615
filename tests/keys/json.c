/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON of key files: what is taken, what is refused, and that jansson agrees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "keys/json.h"

typedef struct text_case {
    const char *name;
    const char *text;
    size_t len; /* 0: strlen */
} text_case;
#define OCTETS(literal) literal, sizeof(literal) - 1

static const text_case good[] = {
    {"empty object", "{}"},
    {"blanks everywhere", " \t\r\n{ \"a\" : [ 1 , 2 ] } \n"},
    {"nested", "{\"a\":{\"b\":[{},[],null,true,false]}}"},
    {"numbers", "[0,-0,1,-12,1.5,1e3,1E+3,1.25e-2]"},
    {"escapes", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\uD83D\\uDE00\"]"},
    {"UTF-8", "[\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"]"},
    {"same name at two levels", "{\"a\":{\"a\":1}}"},
    {"empty string and name", "{\"\":\"\"}"},
};

static const text_case bad[] = {
    {"nothing", ""},
    {"blanks only", "  "},
    {"cut object", "{"},
    {"cut member", "{\"a\""},
    {"cut value", "{\"a\":"},
    {"trailing comma", "{\"a\":1,}"},
    {"trailing comma in array", "[1,]"},
    {"no comma", "[1 2]"},
    {"no colon", "{\"a\" 1}"},
    {"name without quotes", "{a:1}"},
    {"single quotes", "{'a':1}"},
    {"comment", "{} // no"},
    {"second value", "{}{}"},
    {"a member twice", "{\"k\":\"1\",\"k\":\"2\"}"},
    {"a member twice by escape", "{\"k\":\"1\",\"\\u006b\":\"2\"}"},
    {"a member twice, deeper", "{\"a\":{\"k\":1,\"k\":1}}"},
    {"leading zero", "[01]"},
    {"plus", "[+1]"},
    {"no digit after the point", "[1.]"},
    {"no digit after e", "[1e]"},
    {"lone minus", "[-]"},
    {"word", "[nul]"},
    {"word too long", "[nulll]"},
    {"string without end", "[\"a"},
    {"string ended by an escape", "[\"a\\\""},
    {"string cut in an escape", "[\"a\\"},
    {"control in a string", "[\"a\nb\"]"},
    {"NUL in a string", OCTETS("[\"a\0b\"]")},
    {"escaped NUL", "[\"a\\u0000b\"]"},
    {"unknown escape", "[\"\\x\"]"},
    {"short \\u", "[\"\\u12\"]"},
    {"lone high surrogate", "[\"\\uD83D\"]"},
    {"lone low surrogate", "[\"\\uDE00\"]"},
    {"high surrogate and a letter", "[\"\\uD83D\\u0041\"]"},
    {"lone continuation", "[\"\x80\"]"},
    {"overlong slash", "[\"\xC0\xAF\"]"},
    {"overlong, three octets", "[\"\xE0\x80\xAF\"]"},
    {"surrogate in UTF-8", "[\"\xED\xA0\x80\"]"},
    {"past U+10FFFF", "[\"\xF4\x90\x80\x80\"]"},
    {"cut UTF-8", "[\"\xE2\x82\"]"},
    {"UTF-16", OCTETS("{\0}\0")},
    {"byte order mark", "\xEF\xBB\xBF{}"},
};

static bool ours(const text_case *c, sv_arena *arena, sipveil_error *err, const sv_json **out)
{
    size_t len = c->len != 0 ? c->len : strlen(c->text);
    return sv_json_read(sv_span(c->text, len), arena, out, err) == SIPVEIL_OK;
}

static bool janssons(const text_case *c)
{
    size_t len = c->len != 0 ? c->len : strlen(c->text);
    json_t *json = json_loadb(c->text, len, JSON_REJECT_DUPLICATES, NULL);
    json_decref(json);
    return json != NULL;
}

static void run_table(const text_case *table, size_t count, bool expected)
{
    for (size_t i = 0; i < count; i++) {
        sipveil_error err;
        const sv_json *value;
        sv_arena *arena = sv_arena_new(1024, 1 << 20);
        assert_non_null(arena);
        bool got = ours(&table[i], arena, &err, &value);
        if (got != expected) fail_msg("%s: %s", table[i].name, got ? "taken" : err.text);
        if (!got) assert_null(value);
        if (!got) assert_int_equal(err.code, SIPVEIL_USAGE);
        if (janssons(&table[i]) != expected) fail_msg("%s: jansson disagrees", table[i].name);
        sv_arena_free(arena);
    }
}

static void takes_json(void **state)
{
    (void)state;
    run_table(good, sizeof good / sizeof *good, true);
}

static void refuses_what_is_not_json(void **state)
{
    (void)state;
    run_table(bad, sizeof bad / sizeof *bad, false);
}

static void undoes_escapes_and_finds_members(void **state)
{
    static const char text[] =
        "{\"kid\":\"a\\\"\\u00e9\\uD83D\\uDE00\\n\",\"n\":-1.5e3,\"x\":[true,{\"kid\":1}]}";
    const sv_json *value;
    sv_arena *arena = sv_arena_new(1024, 1 << 20);
    assert_non_null(arena);
    (void)state;
    assert_int_equal(sv_json_read(sv_span_str(text), arena, &value, NULL), SIPVEIL_OK);
    const sv_json *kid = sv_json_member(value, "kid"), *n = sv_json_member(value, "n");
    const sv_json *x = sv_json_member(value, "x");
    assert_int_equal(kid->kind, SV_JSON_STRING);
    assert_true(sv_equal_str(kid->text, "a\"\xC3\xA9\xF0\x9F\x98\x80\n"));
    assert_int_equal(n->kind, SV_JSON_NUMBER);
    assert_true(sv_equal_str(n->text, "-1.5e3"));
    assert_int_equal(x->kind, SV_JSON_ARRAY);
    assert_int_equal(x->first->kind, SV_JSON_TRUE);
    assert_null(sv_json_member(x, "kid"));
    assert_null(sv_json_member(value, "k"));
    sv_arena_free(arena);
}

static void refuses_depth_and_breadth(void **state)
{
    char text[2048];
    const sv_json *value;
    sipveil_error err;
    sv_arena *arena = sv_arena_new(1024, 1 << 20);
    assert_non_null(arena);
    (void)state;
    for (int depth = SV_JSON_DEPTH_MOST; depth <= SV_JSON_DEPTH_MOST + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        sipveil_code code = sv_json_read(sv_span(text, (size_t)depth * 2), arena, &value, &err);
        assert_int_equal(code, depth == SV_JSON_DEPTH_MOST ? SIPVEIL_OK : SIPVEIL_USAGE);
    }
    for (int members = SV_JSON_MEMBERS_MOST; members <= SV_JSON_MEMBERS_MOST + 1; members++) {
        int used = snprintf(text, sizeof text, "{");
        for (int i = 0; i < members; i++) {
            used += snprintf(text + used, sizeof text - (size_t)used, "%s\"%d\":0", i ? "," : "", i);
        }
        snprintf(text + used, sizeof text - (size_t)used, "}");
        sipveil_code code = sv_json_read(sv_span_str(text), arena, &value, &err);
        assert_int_equal(code, members == SV_JSON_MEMBERS_MOST ? SIPVEIL_OK : SIPVEIL_USAGE);
    }
    sv_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_json),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(undoes_escapes_and_finds_members),
        cmocka_unit_test(refuses_depth_and_breadth),
    };
    return cmocka_run_group_tests_name("JSON of key files", tests, NULL, NULL);
}
