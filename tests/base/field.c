/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows, parameters and quoted strings: what SIP and MIME share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/field.h"
#include "base/span.h"

#define OCTETS(literal) sv_span((literal), sizeof(literal) - 1)

static void rows(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *value;
        size_t taken;
    } cases[] = {
        {"A: b\r\nC: d\r\n", "A", "b", 6},
        {"A:\r\n", "A", "", 4},
        {"A \t:\t b \t\r\n", "A", "b", 11},
        {"A: b\r\n c\r\n\td\r\n", "A", "b\r\n c\r\n\td", 14},
        {"A:\r\n b\r\n", "A", "b", 8},
        {"A: \"b\r\n c\"\r\nX", "A", "\"b\r\n c\"", 12},
        {"A: \"\\\"\" \"\r\n", "A", "\"\\\"\" \"", 11},
        {"C%6Fntact-!.*_+`'~: x:y\r\n", "C%6Fntact-!.*_+`'~", "x:y", 25},
        {"A: \xFF\x7F\x1B\r\n", "A", "\xFF\x7F\x1B", 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_cursor c = sv_cursor_over(sv_span_str(cases[i].text), "header");
        sv_field_row row;
        sipveil_error err;
        if (sv_take_field_row(&c, 100, true, "test", &row, &err) != SIPVEIL_OK)
            fail_msg("%s", err.text);
        assert_true(sv_equal_str(row.name, cases[i].name));
        assert_true(sv_equal_str(row.value, cases[i].value));
        assert_int_equal(row.line.len, cases[i].taken);
        assert_int_equal(sv_offset(&c), cases[i].taken);
    }
}

typedef struct refusal {
    const char *text;
    size_t len;
    const char *rule;
    size_t offset;
} refusal;
#define REFUSED(text, rule, offset)                                                                \
    {                                                                                              \
        (text), sizeof(text) - 1, (rule), (offset)                                                 \
    }

static void refused_rows(void **state)
{
    (void)state;
    static const refusal cases[] = {
        REFUSED("", "ADV-010", 0),
        REFUSED("\r\n", "ADV-010", 0),
        REFUSED(" A: b\r\n", "ADV-010", 0),
        REFUSED(": b\r\n", "ADV-010", 0),
        REFUSED("A\r\n : b\r\n", "ADV-010", 1),
        REFUSED("A b: c\r\n", "ADV-010", 2),
        REFUSED("A", "ADV-010", 1),
        REFUSED("A: b", "ADV-009", 4),
        REFUSED("A: b\r", "ADV-009", 4),
        REFUSED("A: b\n", "ADV-009", 4),
        REFUSED("A: b\rc\r\n", "ADV-009", 4),
        REFUSED("A: \r\r\n", "ADV-009", 3),
        REFUSED("A: b\r\n ", "ADV-009", 7),
        REFUSED("A: b\r\n \t\r\n", "ADV-010", 6),
        REFUSED("A: b\r\n\t\r\n c\r\n", "ADV-010", 6),
        REFUSED("A: \0\r\n", "ADV-008", 3),
        REFUSED("\0: b\r\n", "ADV-010", 0),
        REFUSED("A: \\\0\r\n", "ADV-008", 4),
        REFUSED("A: \"\0\"\r\n", "ADV-008", 4),
        REFUSED("A: \"\\\0\r\n", "ADV-008", 0),
        REFUSED("A: \"\" \\\0\"\r\n", "ADV-008", 7),
        REFUSED("A: \"\\\n\"\r\n", "ADV-009", 5),
        REFUSED("A: \"\\\r\"\r\n", "ADV-009", 5),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *exact = test_malloc(cases[i].len + 1);
        memcpy(exact, cases[i].text, cases[i].len);
        sv_cursor c = sv_cursor_over(sv_span(exact, cases[i].len), "header");
        sv_field_row row;
        sipveil_error err = {0};
        assert_int_equal(sv_take_field_row(&c, 100, true, "test", &row, &err), SIPVEIL_MALFORMED);
        if (strcmp(err.rule, cases[i].rule) != 0 || err.offset != cases[i].offset) {
            fail_msg("%zu: %s at %zu", i, err.rule, err.offset);
        }
        assert_int_equal(row.line.len, 0);
        test_free(exact);
    }
    /* RFC 4475 3.1.1.2: a NUL as quoted-pair in a quoted string */
    sv_cursor c = sv_cursor_over(OCTETS("A: \"\\\0\"\r\n"), "header");
    sv_field_row row;
    assert_int_equal(sv_take_field_row(&c, 100, true, "test", &row, NULL), SIPVEIL_OK);
    assert_int_equal(row.value.len, 4);
    c = sv_cursor_over(SV_SPAN("A : b\r\n"), "header"); /* MIME has no blank there */
    assert_int_equal(sv_take_field_row(&c, 100, false, "test", &row, NULL), SIPVEIL_MALFORMED);
}

/* The limit holds for the row with its folds, and nothing after it is read. */
static void long_rows(void **state)
{
    (void)state;
    static const char *const texts[] = {"A: bcd\r\n", "A: b\r\n c\r\n", "A: b\r\n\tc\r\n d\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t len = strlen(texts[i]);
        for (size_t most = 0; most <= len + 1; most++) {
            sv_cursor c = sv_cursor_over(sv_span(texts[i], len), "header");
            sv_field_row row;
            sipveil_error err = {0};
            sipveil_code code = sv_take_field_row(&c, most, true, "test", &row, &err);
            assert_int_equal(code, most >= len ? SIPVEIL_OK : SIPVEIL_LIMIT);
            if (code != SIPVEIL_OK) assert_string_equal(err.rule, "ADV-011");
        }
    }
}

static void parameters(void **state)
{
    (void)state;
    sv_cursor c =
        sv_cursor_over(SV_SPAN(" ; a = b;c\r\n ;d=\"x\\\";y\" ;e=[::1];f=\"\" rest"), "header");
    static const struct {
        const char *name, *value;
        bool has_value, quoted, escape;
    } expected[] = {{"a", "b", true, false, false},
                    {"c", "", false, false, false},
                    {"d", "x\\\";y", true, true, true},
                    {"e", "[::1]", true, false, false},
                    {"f", "", true, true, false}};
    sv_parameter p;
    bool taken;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(sv_take_parameter(&c, SV_OCTET_GEN_VALUE, "test", &p, &taken, NULL), SIPVEIL_OK);
        assert_true(taken && sv_equal_str(p.name, expected[i].name) &&
                    sv_equal_str(p.value, expected[i].value));
        assert_int_equal(p.has_value, expected[i].has_value);
        assert_int_equal(p.quoted, expected[i].quoted);
        assert_int_equal(p.has_escape, expected[i].escape);
    }
    assert_int_equal(sv_take_parameter(&c, SV_OCTET_GEN_VALUE, "test", &p, &taken, NULL), SIPVEIL_OK);
    assert_false(taken);
    assert_true(sv_equal_str(sv_rest(&c), " rest"));
    static const char *const bad[] = {";",      ";;a",      "; =b", ";a=",     ";a=;b",
                                      ";a=\"b", ";a=\"b\\", ";a=(", ";\"a\"=b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sipveil_error err = {0};
        c = sv_cursor_over(sv_span_str(bad[i]), "header");
        assert_int_equal(sv_take_parameter(&c, SV_OCTET_GEN_VALUE, "test", &p, &taken, &err),
                         SIPVEIL_MALFORMED);
        assert_true(err.text[0] != '\0');
    }
}

static void quoted_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *inside, *rest;
        bool good, escape;
    } cases[] = {{"\"a\"b", "a", "b", true, false},
                 {"\"\"", "", "", true, false},
                 {"\"\\\\\"", "\\\\", "", true, true},
                 {"\"a\\\"b\" ", "a\\\"b", " ", true, true},
                 {"\"a", "", "\"a", false, false},
                 {"a\"", "", "a\"", false, false},
                 {"\"a\\\"", "", "\"a\\\"", false, true},
                 {"", "", "", false, false},
                 {"\"a\\\r\n\"", "", "\"a\\\r\n\"", false, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_cursor c = sv_cursor_over(sv_span_str(cases[i].text), "header");
        sipveil_span inside = {NULL, 0};
        bool escape;
        assert_int_equal(sv_take_quoted(&c, &inside, &escape), cases[i].good);
        assert_true(sv_equal_str(inside, cases[i].inside) &&
                    sv_equal_str(sv_rest(&c), cases[i].rest));
        assert_int_equal(escape, cases[i].escape);
    }
}

static void white_space(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rest;
    } cases[] = {{" \t x", "x"},
                 {"\r\n x", "x"},
                 {" \r\n\t\r\n x", "x"},
                 {"\r\nx", "\r\nx"},
                 {" \r\n", "\r\n"},
                 {" \rx", "\rx"},
                 {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_cursor c = sv_cursor_over(sv_span_str(cases[i].text), "header");
        sv_skip_lws(&c);
        assert_true(sv_equal_str(sv_rest(&c), cases[i].rest));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),           cmocka_unit_test(refused_rows),
        cmocka_unit_test(long_rows),      cmocka_unit_test(parameters),
        cmocka_unit_test(quoted_strings), cmocka_unit_test(white_space)};
    return cmocka_run_group_tests_name("header field rows", tests, NULL, NULL);
}
