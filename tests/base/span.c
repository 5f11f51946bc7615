/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

static const sipveil_span nothing = {NULL, 0};

static void compares_octets(void **state)
{
    (void)state;
    assert_true(sv_equal(SV_SPAN("a\0b"), SV_SPAN("a\0b")));
    assert_false(sv_equal(SV_SPAN("a\0b"), SV_SPAN("a\0c")));
    assert_false(sv_equal(SV_SPAN("a"), SV_SPAN("ab")));
    assert_true(sv_equal(nothing, SV_SPAN("")));
    assert_true(sv_equal_str(SV_SPAN("From"), "From"));
    assert_false(sv_equal_str(SV_SPAN("From"), "from"));
    assert_false(sv_equal_str(SV_SPAN("From\0"), "From"));
    assert_true(sv_equal_constant_time(nothing, nothing));
    assert_true(sv_equal_constant_time(SV_SPAN("tag"), SV_SPAN("tag")));
    assert_false(sv_equal_constant_time(SV_SPAN("tag"), SV_SPAN("tab")));
    assert_false(sv_equal_constant_time(SV_SPAN("tag"), SV_SPAN("ta")));
    for (size_t length = 1; length < 40; length++) { /* each octet counts, at every length */
        uint8_t a[40] = {0}, b[40] = {0};
        assert_true(sv_equal_constant_time(sv_span(a, length), sv_span(b, length)));
        for (size_t i = 0; i < sizeof a; i++) {
            b[i] = 0x80;
            assert_int_equal(sv_equal_constant_time(sv_span(a, length), sv_span(b, length)), i >= length);
            b[i] = 0;
        }
    }
}

static void compares_letters_without_case(void **state)
{
    (void)state;
    assert_true(sv_equal_nocase_str(SV_SPAN("cOnTeNt-TyPe"), "Content-Type"));
    assert_false(sv_equal_nocase_str(SV_SPAN("Content_Type"), "Content-Type"));
    /* '@' and '`', '[' and '{' differ by the bit that letters' case is */
    assert_false(sv_equal_nocase(SV_SPAN("@["), SV_SPAN("`{")));
    /* no locale: A-umlaut in Latin-1 is no letter */
    assert_false(sv_equal_nocase(SV_SPAN("\xC4"), SV_SPAN("\xE4")));
    assert_true(sv_starts_nocase_str(SV_SPAN("SIP/2.0 200"), "sip/"));
    assert_false(sv_starts_nocase_str(SV_SPAN("si"), "sip"));
    assert_true(sv_starts_nocase_str(nothing, ""));
    assert_int_equal(sv_lower('Z'), 'z');
    assert_int_equal(sv_lower('['), '[');
    assert_int_equal(sv_lower('@'), '@');
}

static void finds_octets_and_runs(void **state)
{
    size_t at = 99;
    (void)state;
    assert_true(sv_find_byte(SV_SPAN("a\0b"), 0, &at));
    assert_int_equal(at, 1);
    assert_false(sv_find_byte(SV_SPAN("abc"), 'd', &at));
    assert_false(sv_find_byte(nothing, 0, &at));
    assert_true(sv_find(SV_SPAN("abcabd"), SV_SPAN("abd"), &at));
    assert_int_equal(at, 3);
    assert_false(sv_find(SV_SPAN("ab"), SV_SPAN("abd"), &at));
    assert_false(sv_find(SV_SPAN("ab"), nothing, &at));
    assert_int_equal(at, 3);
}

static void trims_and_cuts(void **state)
{
    (void)state;
    assert_true(sv_equal_str(sv_trim(SV_SPAN(" \t\r\n a b \r\n")), "a b"));
    assert_int_equal(sv_trim(SV_SPAN(" \t ")).len, 0);
    assert_int_equal(sv_trim(nothing).len, 0);
    assert_true(sv_equal_str(sv_span_from(SV_SPAN("abc"), 1), "bc"));
    assert_int_equal(sv_span_from(SV_SPAN("abc"), 3).len, 0);
    assert_int_equal(sv_span_from(SV_SPAN("abc"), 4000).len, 0);
    assert_int_equal(sv_span_from(nothing, 1).len, 0);
    sipveil_span whole = SV_SPAN("abcdef");
    sipveil_span through = sv_span_through(sv_span(whole.data + 1, 2), sv_span(whole.data + 4, 1));
    assert_true(sv_equal_str(through, "bcde"));
}

static void knows_what_lies_within(void **state)
{
    uint8_t octets[8] = {0};
    sipveil_span whole = sv_span(octets + 2, 4);
    (void)state;
    assert_true(sv_span_within(whole, whole));
    assert_true(sv_span_within(sv_span(octets + 6, 0), whole));
    assert_false(sv_span_within(sv_span(octets + 1, 2), whole));
    assert_false(sv_span_within(sv_span(octets + 5, 2), whole));
    assert_false(sv_span_within(sv_span(octets + 7, 0), whole));
    assert_false(sv_span_within(sv_span(octets + 2, SIZE_MAX), whole));
}

static void knows_text(void **state)
{
    (void)state;
    assert_true(sv_is_text(SV_SPAN(" ~")));
    assert_false(sv_is_text(nothing));
    assert_false(sv_is_text(SV_SPAN("a\0")));
    assert_false(sv_is_text(SV_SPAN("a\x7F")));
    assert_false(sv_is_text(SV_SPAN("\xC3\xA4")));
}

/* ADV-013: no wrap, no sign, no blank. */
static void reads_numbers_within_their_limit(void **state)
{
    static const struct {
        const char *text;
        uint64_t limit;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"70", 255, true, 70},
        {"255", 255, true, 255},
        {"256", 255, false, 0},
        {"0000000255", 255, true, 255},
        {"2147483648", 2147483647, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999", UINT64_MAX, false, 0},
        {"184467440737095516150", UINT64_MAX, false, 0},
        {"00000000000000000000000018446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"00000000000000000000000018446744073709551616", UINT64_MAX, false, 0},
        {"000000000000000000000000255", 255, true, 255},
        {"000000000000000000000000256", 255, false, 0},
        {"0000000000000000000000002x", 255, false, 0},
        {"4294967299", 65535, false, 0},
        {"9", 5, false, 0},
        {"", 9, false, 0},
        {"-1", 9, false, 0},
        {"+1", 9, false, 0},
        {"1 ", 9, false, 0},
        {" 1", 9, false, 0},
        {"0x5", 9, false, 0},
        {"3abc", 9999, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 0;
        bool ok = sv_read_number(sv_span_str(rows[i].text), rows[i].limit, &value);
        if (ok != rows[i].ok || value != rows[i].value) fail_msg("row %zu: \"%s\"", i, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_octets),
        cmocka_unit_test(compares_letters_without_case),
        cmocka_unit_test(finds_octets_and_runs),
        cmocka_unit_test(trims_and_cuts),
        cmocka_unit_test(knows_what_lies_within),
        cmocka_unit_test(knows_text),
        cmocka_unit_test(reads_numbers_within_their_limit),
    };
    return cmocka_run_group_tests_name("spans", tests, NULL, NULL);
}
