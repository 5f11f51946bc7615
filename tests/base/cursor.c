/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/span.h"

static sv_cursor over(const char *text)
{
    return sv_cursor_over(sv_span_str(text), "test");
}

static void takes_nothing_that_is_not_there(void **state)
{
    sv_cursor c = over("abc"), sub = over("untouched");
    sipveil_span s = SV_SPAN("untouched");
    uint8_t byte = 'u';
    (void)state;
    assert_false(sv_take(&c, 4, &s));
    assert_false(sv_take(&c, SIZE_MAX, &s));
    assert_false(sv_take_cursor(&c, 4, "sub", &sub));
    assert_false(sv_take_literal(&c, "abcd"));
    assert_false(sv_take_literal(&c, "b"));
    assert_false(sv_take_literal_nocase(&c, "ABCD"));
    assert_false(sv_take_until(&c, 'd', &s));
    assert_false(sv_take_if(&c, 'b'));
    assert_false(sv_peek_at(&c, 3, &byte));
    assert_false(sv_peek_at(&c, SIZE_MAX, &byte));
    assert_int_equal(sv_offset(&c), 0);
    assert_true(sv_equal_str(s, "untouched"));
    assert_int_equal(byte, 'u');
    assert_true(sv_take(&c, 3, &s));
    assert_true(sv_at_end(&c));
    assert_false(sv_take_byte(&c, &byte));
    assert_false(sv_peek(&c, &byte));
    assert_false(sv_take_if(&c, 0));
    assert_int_equal(sv_left(&c), 0);
}

static void takes_what_is_there(void **state)
{
    sv_cursor c = over("INVITE sip:x SIP/2.0"), sub;
    sipveil_span s;
    uint8_t byte;
    (void)state;
    assert_true(sv_peek(&c, &byte));
    assert_int_equal(byte, 'I');
    assert_true(sv_peek_at(&c, 6, &byte));
    assert_int_equal(byte, ' ');
    s = sv_take_while(&c, sv_is_alpha);
    assert_true(sv_equal_str(s, "INVITE"));
    assert_true(sv_take_if(&c, ' '));
    assert_true(sv_take_until(&c, ' ', &s));
    assert_true(sv_equal_str(s, "sip:x"));
    assert_true(sv_take_byte(&c, &byte));
    assert_int_equal(sv_offset(&c), 13);
    assert_true(sv_take_cursor(&c, 4, "scheme", &sub));
    assert_true(sv_take_literal_nocase(&sub, "sip"));
    assert_true(sv_take_literal(&sub, "/"));
    assert_true(sv_at_end(&sub));
    assert_false(sv_take_byte(&sub, &byte)); /* the rest of the outer one is out of reach */
    assert_true(sv_equal_str(sv_rest(&c), "2.0"));
    assert_int_equal(sv_take_while(&c, sv_is_alpha).len, 0);
}

static void an_empty_span_may_be_null(void **state)
{
    sv_cursor c = sv_cursor_over(sv_span(NULL, 0), "nothing"), sub;
    sipveil_span s;
    size_t at;
    (void)state;
    assert_true(sv_at_end(&c));
    assert_true(sv_take(&c, 0, &s));
    assert_int_equal(s.len, 0);
    assert_true(sv_take_cursor(&c, 0, "sub", &sub));
    assert_true(sv_take_literal(&c, ""));
    assert_int_equal(sv_take_while(&c, sv_is_alpha).len, 0);
    assert_false(sv_take_until(&c, 'x', &s));
    assert_false(sv_find(sv_rest(&c), SV_SPAN("x"), &at));
    assert_int_equal(sv_offset(&c), 0);
}

static void knows_octet_classes(void **state)
{
    static const char token[] = "-.!%*_+`'~";
    static const char tspecials[] = "()<>@,;:\\\"/[]?=";
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        bool digit = c >= '0' && c <= '9', alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool hex = digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        bool in_token = digit || alpha, in_mime = c > 0x20 && c < 0x7F;
        for (size_t i = 0; token[i] != '\0'; i++) in_token |= c == (uint8_t)token[i];
        for (size_t i = 0; tspecials[i] != '\0'; i++) in_mime &= c != (uint8_t)tspecials[i];
        assert_int_equal(sv_is_digit((uint8_t)c), digit);
        assert_int_equal(sv_is_alpha((uint8_t)c), alpha);
        assert_int_equal(sv_is_alnum((uint8_t)c), digit || alpha);
        assert_int_equal(sv_is_hex((uint8_t)c), hex);
        assert_int_equal(sv_is_token((uint8_t)c), in_token);
        assert_int_equal(sv_is_mime_token((uint8_t)c), in_mime);
        assert_int_equal(sv_is_blank((uint8_t)c), c == ' ' || c == '\t');
    }
}

static void hex_octets(void **state)
{
    (void)state;
    sv_cursor c = sv_cursor_over(SV_SPAN("0aF9g0"), "hex");
    uint8_t octet = 7;
    assert_true(sv_take_hex_octet(&c, &octet) && octet == 0x0a);
    assert_true(sv_take_hex_octet(&c, &octet) && octet == 0xf9);
    assert_false(sv_take_hex_octet(&c, &octet)); /* g */
    assert_int_equal(sv_offset(&c), 4);
    c = sv_cursor_over(SV_SPAN("1"), "hex");
    assert_false(sv_take_hex_octet(&c, &octet));
    assert_int_equal(sv_left(&c), 1);
}

static void numbers_and_counted_octets(void **state)
{
    (void)state;
    sv_cursor c = sv_cursor_over(SV_SPAN("\x01\x02\x00\x03" "abc" "\x00\x04" "xyz"), "record");
    uint64_t number = 7;
    sipveil_span s;
    assert_true(sv_take_big_endian(&c, 2, &number) && number == 0x0102);
    assert_true(sv_take_counted(&c, &s) && sv_equal_str(s, "abc"));
    assert_false(sv_take_counted(&c, &s)); /* one octet is missing, and nothing is taken */
    assert_int_equal(sv_left(&c), 5);
    assert_false(sv_take_big_endian(&c, 6, &number));
    assert_int_equal(sv_left(&c), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_nothing_that_is_not_there),
        cmocka_unit_test(takes_what_is_there),
        cmocka_unit_test(an_empty_span_may_be_null),
        cmocka_unit_test(knows_octet_classes),
        cmocka_unit_test(hex_octets),
        cmocka_unit_test(numbers_and_counted_octets),
    };
    return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
