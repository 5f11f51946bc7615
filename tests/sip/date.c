/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates are read in one form only, and written in it. */
#include <stdio.h>

#include "messages.h"

static const struct {
    const char *text;
    int64_t seconds;
    bool canonical; /* what we write */
} good[] = {
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0, true},
    {"Thu, 21 Feb 2002 13:02:03 GMT", 1014296523, true}, /* RFC 3261's samples */
    {"Sat, 13 Nov 2010 23:29:00 GMT", 1289690940, true},
    {"Sat, 21 Nov 2026 10:00:00 GMT", 1795255200, true},
    {"Tue, 29 Feb 2000 12:00:00 GMT", 951825600, true},
    {"Mon, 31 Dec 2001 23:59:59 GMT", 1009843199, true},
    {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799, true},
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800, false},
    {"sat, 21 nov 2026 10:00:00 gmt", 1795255200, false},
    {"Sat,\r\n 21\r\n\tNov 2026\r\n   10:00:00 GMT", 1795255200, false}, /* ADV-010: folded */
    {"Mon, 21 Nov 2026 10:00:00 GMT", 1795255200, false}, /* the weekday says nothing new */
};

/* ADV-191: unparsable dates. */
static const char *const bad[] = {
    "",
    "now",
    "Fri, 01 Jan 2010 16:00:00 EST",
    "Fri, 01 Jan 2010 16:00:00 +0000",
    "Fri, 1 Jan 2010 16:00:00 GMT",
    "Fri, 01 Jan 10 16:00:00 GMT",
    "Fri,01 Jan 2010 16:00:00 GMT",
    "Fri, 01  Jan 2010 16:00:00 GMT",
    "Friday, 01 Jan 2010 16:00:00 GMT",
    "Fri, 01-Jan-2010 16:00:00 GMT",
    "Fri, 00 Jan 2010 16:00:00 GMT",
    "Fri, 32 Jan 2010 16:00:00 GMT",
    "Sun, 29 Feb 2009 16:00:00 GMT",
    "Mon, 29 Feb 2100 16:00:00 GMT",
    "Fri, 31 Apr 2010 16:00:00 GMT",
    "Fri, 01 Jab 2010 16:00:00 GMT",
    "Fri, 01 Jan 2010 24:00:00 GMT",
    "Fri, 01 Jan 2010 16:60:00 GMT",
    "Fri, 01 Jan 2010 16:00:61 GMT",
    "Fri, 01 Jan 2010 16:00:00 GMT ",
    "Fri, 01 Jan 2010 16:00:00 GMTX",
    "Wed, 31 Dec 1969 23:59:59 GMT",
    "Fri, 01 Jan 2010 16:00 GMT",
    "Fri, +1 Jan 2010 16:00:00 GMT",
    "Fri, 01 Jan 2010\r\n16:00:00 GMT",
    "Fri, 01 Jan 2010 \r\n 16:00:00 GMT",
};

static void dates_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t seconds = -1;
        assert_int_equal(sv_sip_read_date(sv_span_str(good[i].text), &seconds, NULL), SIPVEIL_OK);
        assert_int_equal(seconds, good[i].seconds);
    }
}

static void other_forms_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sipveil_error err;
        int64_t seconds = -1;
        if (sv_sip_read_date(sv_span_str(bad[i]), &seconds, &err) == SIPVEIL_OK)
            fail_msg("%s", bad[i]);
        assert_int_equal(err.code, SIPVEIL_MALFORMED);
        assert_int_equal(seconds, 0);
    }
}

static void dates_are_written(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(4096, 1 << 16);
    assert_non_null(arena);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        sv_buffer out;
        if (!good[i].canonical) continue;
        sv_buffer_init(&out, arena, 64, 64);
        sv_sip_put_date(&out, good[i].seconds);
        assert_true(sv_equal_str(sv_buffer_span(&out), good[i].text));
    }
    static const int64_t beyond[] = {-1, 253402300800, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        sv_buffer out;
        sv_buffer_init(&out, arena, 64, 64);
        sv_sip_put_date(&out, beyond[i]);
        assert_true(out.failed);
    }
    sv_arena_free(arena);
}

static void each_day_comes_back(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(4096, 1 << 16);
    assert_non_null(arena);
    for (int64_t day = 0; day < 366 * 140; day++) {
        sv_buffer out;
        int64_t seconds = day * 86400 + day % 86400, read;
        sv_buffer_init(&out, arena, 64, 64);
        sv_sip_put_date(&out, seconds);
        assert_int_equal(sv_sip_read_date(sv_buffer_span(&out), &read, NULL), SIPVEIL_OK);
        assert_int_equal(read, seconds);
        sv_arena_reset(arena);
    }
    sv_arena_free(arena);
}

/* A date in its usual form is read by the places of its fields, one with a fold field by field: every octet of one replaced by
 * each that means something, both come to the same. */
static void both_ways_agree(void **state)
{
    (void)state;
    static const char date[] = "Sun, 29 Feb 2028 23:59:60 GMT", meaning[] = "0123456789 ,:AFNSabdeglmnortuv-+/;\t\r\n";
    enum { LENGTH = sizeof date - 1, SPACE = 16 };
    for (size_t place = 0; place < LENGTH; place++) {
        for (size_t m = 0; place != SPACE && m < sizeof meaning; m++) { /* NUL, too */
            uint8_t quick[LENGTH], slow[LENGTH + 2];
            int64_t first = 0, second = 0;
            memcpy(quick, date, LENGTH);
            quick[place] = (uint8_t)meaning[m];
            memcpy(slow, quick, SPACE);
            memcpy(slow + SPACE, "\r\n", 2);
            memcpy(slow + SPACE + 2, quick + SPACE, LENGTH - SPACE);
            sipveil_code code = sv_sip_read_date(sv_span(quick, sizeof quick), &first, NULL);
            assert_int_equal(code, sv_sip_read_date(sv_span(slow, sizeof slow), &second, NULL));
            assert_int_equal(first, second);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read), cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(dates_are_written), cmocka_unit_test(each_day_comes_back),
        cmocka_unit_test(both_ways_agree)};
    return cmocka_run_group_tests_name("dates", tests, NULL, NULL);
}
