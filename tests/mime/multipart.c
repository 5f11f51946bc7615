/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mime/mime.h"

enum { ROOM = 64 };

static sipveil_limits limits;
static sipveil_span parts[ROOM];
static size_t count;
static sipveil_error err;

static sipveil_code split(const char *boundary, sipveil_span content, unsigned flags)
{
    char value[300] = "multipart/mixed;boundary=\"";
    size_t len = strlen(value);
    sv_media_type type;
    for (const char *c = boundary; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') value[len++] = '\\';
        value[len++] = *c;
    }
    value[len++] = '"';
    count = 0;
    sipveil_code code = sv_mime_read_media_type(sv_span(value, len), &limits, 0, &type, &err);
    return code != SIPVEIL_OK ? code : sv_mime_read_multipart(&type, content, &limits, flags, parts, ROOM, &count, &err);
}

typedef struct row {
    const char *content;
    sipveil_code code;
    const char *expected; /* the parts, each in brackets */
} row;

static void check(const char *boundary, const row *rows, size_t n, unsigned flags)
{
    char text[2000];
    for (size_t i = 0; i < n; i++) {
        count = 99;
        sipveil_span content = sv_span_str(rows[i].content);
        sipveil_code code = split(boundary, content, flags);
        size_t len = 0;
        text[0] = '\0';
        if (code != rows[i].code) {
            fail_msg("row %zu: %s, not %s", i, sipveil_code_name(code), sipveil_code_name(rows[i].code));
        }
        for (size_t k = 0; k < count; k++) {
            assert_true(sv_span_within(parts[k], content));
            len += (size_t)snprintf(text + len, sizeof text - len, "[%.*s]", (int)parts[k].len,
                                    (const char *)parts[k].data);
        }
        assert_string_equal(text, rows[i].expected);
    }
}
#define CHECK(boundary, rows, flags) check(boundary, rows, sizeof rows / sizeof rows[0], flags)

/* TUN-62, ADV-042: from the first octet of the part to the last before the CRLF of the next delimiter;
 * nothing is trimmed or changed. */
static void parts_are_exact_octets(void **state)
{
    static const row rows[] = {
        {"--b\r\nA: b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", SIPVEIL_OK, "[A: b\r\n\r\none][\r\ntwo]"},
        {"--b\r\n\r\none\r\n--b--", SIPVEIL_OK, "[\r\none]"},
        {"--b\r\n\r\none \t\r\n\r\n\r\n--b--\r\n", SIPVEIL_OK, "[\r\none \t\r\n\r\n]"},
        {"--b\r\n\r\none\n\r\n--b--\r\n", SIPVEIL_OK, "[\r\none\n]"},
        {"--b \t \r\n\r\none\r\n--b--\t\t\r\n", SIPVEIL_OK, "[\r\none]"},
        /* TUN-64, ADV-032: preamble and epilogue are never content */
        {"preamble\r\nA: b\r\n--b\r\n\r\none\r\n--b--\r\nepilogue\r\n\r\nmore", SIPVEIL_OK, "[\r\none]"},
        {"\r\n--b\r\n\r\none\r\n--b--\r\n", SIPVEIL_OK, "[\r\none]"},
        {"x--b\r\n--b\r\n\r\none\r\n--b--", SIPVEIL_OK, "[\r\none]"},
    };
    (void)state;
    CHECK("b", rows, 0);
}

/* ADV-030, ADV-037: what only looks like a delimiter is content. */
static void only_exact_lines_delimit(void **state)
{
    static const row rows[] = {
        {"--b\r\n\r\n--bX\r\n--bb\r\n--b-\r\n--b-- x\r\n--b x\r\n--b---\r\n--b--", SIPVEIL_OK,
         "[\r\n--bX\r\n--bb\r\n--b-\r\n--b-- x\r\n--b x\r\n--b---]"},
        {"--b\r\n\r\n\n--b\n\n--b--\n\r--b--\r\r\n --b\r\nx--b\r\n--B\r\n--b--", SIPVEIL_OK,
         "[\r\n\n--b\n\n--b--\n\r--b--\r\r\n --b\r\nx--b\r\n--B]"},
        {"--b\r\n\r\none\r\n-- b\r\n-b\r\nb\r\n--b--", SIPVEIL_OK, "[\r\none\r\n-- b\r\n-b\r\nb]"},
        {"--b\r\n\r\none\r\n--b\r--b--\r\n--b--", SIPVEIL_OK, "[\r\none\r\n--b\r--b--]"},
        /* the parent's boundary begins the child's */
        {"--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\none\r\n--bb--\r\n--b--",
         SIPVEIL_OK,
         "[Content-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\none\r\n--bb--]"},
    };
    (void)state;
    CHECK("b", rows, 0);
}

/* ADV-032 */
static void must_close_after_its_parts(void **state)
{
    static const row rows[] = {
        {"", SIPVEIL_MALFORMED, ""},
        {"--b", SIPVEIL_MALFORMED, ""},
        {"--b\r\n", SIPVEIL_MALFORMED, ""},
        {"--b\r\n\r\none", SIPVEIL_MALFORMED, ""},
        {"--b\r\n\r\none\r\n--b", SIPVEIL_MALFORMED, ""},
        {"--b\r\n\r\none\r\n--b-", SIPVEIL_MALFORMED, ""},
        {"--b\r\n\r\none\r\n--b--x", SIPVEIL_MALFORMED, ""},
        {"--b\r\n\r\none\r\n--b--\n", SIPVEIL_MALFORMED, ""},
        {"--b\r\n\r\none\r\n--b--\r", SIPVEIL_MALFORMED, ""},
        {"--b--", SIPVEIL_MALFORMED, ""},
        {"--b--\r\n", SIPVEIL_MALFORMED, ""},
        {"--b--\r\n--b\r\n\r\none\r\n--b--\r\n", SIPVEIL_MALFORMED, ""},
        {"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n", SIPVEIL_MALFORMED, ""},
        {"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--\r\n", SIPVEIL_MALFORMED, ""},
        {"--b\r\n\r\none\r\n--b--\r\nx\r\n--b--\r\n", SIPVEIL_MALFORMED, ""},
        {"no delimiter at all", SIPVEIL_MALFORMED, ""},
        {"--c\r\n\r\none\r\n--c--\r\n", SIPVEIL_MALFORMED, ""},
        {"--b\n\none\n--b--\n", SIPVEIL_MALFORMED, ""},
    };
    (void)state;
    CHECK("b", rows, 0);
    assert_string_equal(err.rule, "ADV-032");
    assert_int_equal(split("b", sv_span(NULL, 0), 0), SIPVEIL_MALFORMED);
}

/* ADV-033: the line end before a delimiter may be that of the delimiter before. */
static void empty_parts_are_empty(void **state)
{
    static const row rows[] = {
        {"--b\r\n--b--", SIPVEIL_OK, "[]"},
        {"--b\r\n\r\n--b--", SIPVEIL_OK, "[]"},
        {"--b\r\n--b\r\n--b\r\n\r\n--b\r\n\r\n\r\n--b--\r\n", SIPVEIL_OK, "[][][][\r\n]"},
    };
    (void)state;
    CHECK("b", rows, 0);
    sv_mime_entity entity; /* and an entity needs an empty line (TUN-61) */
    assert_int_equal(split("b", SV_SPAN("--b\r\n--b--"), 0), SIPVEIL_OK);
    assert_int_equal(sv_mime_read_entity(parts[0], &limits, 0, &entity, &err), SIPVEIL_MALFORMED);
    assert_string_equal(err.rule, "TUN-61");
}

/* ADV-031 */
static void checks_the_boundary(void **state)
{
    static const struct {
        const char *boundary;
        bool ok;
    } rows[] = {
        {"0123456789012345678901234567890123456789012345678901234567890123456789", true},
        {"01234567890123456789012345678901234567890123456789012345678901234567890", false},
        {"", false},      {" ", false},     {"a ", false},    {"a b", true},   {"'()+_,-./:=?", true},
        {"a\r\nb", false}, {"a\"", false},  {"\"", false},    {"a\\b", false}, {"a\tb", false},
        {"a;b", false},   {"a*b", false},   {"\xC3\xA4", false}, {"--", true},  {"a--", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char content[400];
        snprintf(content, sizeof content, "--%s\r\n\r\none\r\n--%s--\r\n", rows[i].boundary, rows[i].boundary);
        sipveil_code code = split(rows[i].boundary, sv_span_str(content), 0);
        if ((code == SIPVEIL_OK) != rows[i].ok) fail_msg("boundary \"%s\"", rows[i].boundary);
        if (!rows[i].ok) {
            assert_int_equal(code, SIPVEIL_MALFORMED);
            assert_string_equal(err.rule, "ADV-031");
        }
        assert_int_equal(count, rows[i].ok ? 1 : 0);
    }
    sv_media_type none = {.present = true, .type = SV_SPAN("multipart"), .subtype = SV_SPAN("mixed")};
    assert_int_equal(sv_mime_read_multipart(&none, SV_SPAN("--\r\n\r\n\r\n----\r\n"), &limits, 0, parts, ROOM,
                                            &count, &err), SIPVEIL_MALFORMED);
    assert_string_equal(err.rule, "ADV-031");
}

/* ADV-036: the number of parts is limited before they are looked at; work grows with length alone. */
static void keeps_limits(void **state)
{
    (void)state;
    static char content[6 * 65000 + 100];
    size_t len = 0;
    for (size_t i = 0; i < 65000; i++) len += (size_t)sprintf(content + len, "--b\r\n");
    assert_int_equal(split("b", sv_span(content, len), 0), SIPVEIL_LIMIT);
    assert_string_equal(err.rule, "ADV-036");
    assert_int_equal(count, 0);

    for (size_t n = 30; n < 36; n++) {
        len = 0;
        for (size_t i = 0; i < n; i++) len += (size_t)sprintf(content + len, "--b\r\n\r\n%zu\r\n", i);
        len += (size_t)sprintf(content + len, "--b--");
        assert_int_equal(split("b", sv_span(content, len), 0), n <= 32 ? SIPVEIL_OK : SIPVEIL_LIMIT);
        assert_int_equal(count, n <= 32 ? n : 0);
    }
    sv_media_type type = {.parameter_count = 1, .parameters = SV_SPAN("boundary=b")};
    sipveil_span two[2];
    assert_int_equal(sv_mime_read_multipart(&type, SV_SPAN("--b\r\n--b\r\n--b--"), &limits, 0, two, 2, &count,
                                            &err), SIPVEIL_OK);
    assert_int_equal(sv_mime_read_multipart(&type, SV_SPAN("--b\r\n--b\r\n--b\r\n--b--"), &limits, 0, two, 2,
                                            &count, &err), SIPVEIL_LIMIT); /* no more than there is room */
}

/* Published samples close with one dash too few. */
static void reads_samples_when_asked(void **state)
{
    static const row rows[] = {
        {"--b\r\n\r\none\r\n--b-", SIPVEIL_OK, "[\r\none]"},
        {"--b\r\n\r\none\r\n--b-\r\n", SIPVEIL_OK, "[\r\none]"},
        {"--b\r\n\r\none\r\n--b- \r\n", SIPVEIL_OK, "[\r\none]"},
        {"--b\r\n\r\none\r\n--b-\r\ntwo\r\n--b--", SIPVEIL_OK, "[\r\none\r\n--b-\r\ntwo]"}, /* not the end */
        {"--b\r\n\r\none\r\n--b-\r\ntwo", SIPVEIL_MALFORMED, ""},
        {"--b\r\n\r\none\r\n--b", SIPVEIL_MALFORMED, ""},
        {"--b-", SIPVEIL_MALFORMED, ""},
    };
    (void)state;
    CHECK("b", rows, SV_MIME_COMPAT_SAMPLES);
    static const row strict[] = {{"--b\r\n\r\none\r\n--b-\r\n", SIPVEIL_MALFORMED, ""}};
    CHECK("b", strict, 0);
    CHECK("b", strict, SV_MIME_COMPAT_SEED000);
}

/* ADV-037 */
static void finds_a_boundary_in_parts(void **state)
{
    static const struct {
        const char *part;
        bool occurs;
    } rows[] = {
        {"", false},        {"one", false},       {"b", false},          {"--b", true},
        {"--bX", true},     {"x--b", false},      {"x\r\n--b", true},    {"x\n--b", true},
        {"x\r--b", true},   {"x\r\n-b", false},   {"\r\n--B", false},    {"----b", false},
        {"b\r\n--a--b\r\n", false},               {"b b --b\r\n--b", true}, {"-b", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sipveil_span two[2] = {SV_SPAN("other"), sv_span_str(rows[i].part)};
        if (sv_mime_boundary_occurs(SV_SPAN("b"), two, 2) != rows[i].occurs) fail_msg("\"%s\"", rows[i].part);
        assert_false(sv_mime_boundary_occurs(SV_SPAN("b"), two, 1));
    }
    sipveil_span null = {NULL, 0};
    assert_false(sv_mime_boundary_occurs(SV_SPAN("b"), &null, 1));
    assert_false(sv_mime_boundary_occurs(SV_SPAN("b"), NULL, 0));
}

int main(void)
{
    sipveil_limits_default(&limits);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_exact_octets),
        cmocka_unit_test(only_exact_lines_delimit),
        cmocka_unit_test(must_close_after_its_parts),
        cmocka_unit_test(empty_parts_are_empty),
        cmocka_unit_test(checks_the_boundary),
        cmocka_unit_test(keeps_limits),
        cmocka_unit_test(reads_samples_when_asked),
        cmocka_unit_test(finds_a_boundary_in_parts),
    };
    return cmocka_run_group_tests_name("multiparts", tests, NULL, NULL);
}
