/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/calendar.h"

#define FIRST (-62135596800)
#define LAST 253402300799

/* Every day that there is, counted on by hand; both ways. */
static void counts_every_day(void **state)
{
    int64_t seconds = FIRST, back;
    sv_calendar at;
    (void)state;
    for (int year = 1; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
            int days = month == 2 ? (leap ? 29 : 28) : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
            for (int day = 1; day <= days; day++, seconds += SV_SECONDS_OF_DAY) {
                bool good = sv_calendar_at(seconds, &at) && at.year == year && at.month == month && at.day == day && at.hour == 0 &&
                            at.minute == 0 && at.second == 0 && sv_calendar_seconds(&at, &back) && back == seconds;
                if (!good) fail_msg("%04d-%02d-%02d: %04d-%02d-%02d", year, month, day, at.year, at.month, at.day);
            }
            at = (sv_calendar){year, month, days + 1, 0, 0, 0};
            assert_false(sv_calendar_seconds(&at, &back));
        }
    }
    assert_int_equal(seconds, LAST + 1);
}

/* The C library's own, as far as its time_t goes. */
static void agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t seconds = FIRST; seconds <= LAST; seconds += 86400 * 97 + 12345) {
        time_t narrow = (time_t)seconds;
        struct tm tm;
        sv_calendar at;
        if (narrow != seconds || gmtime_r(&narrow, &tm) == NULL) continue;
        assert_true(sv_calendar_at(seconds, &at));
        assert_int_equal(at.year, tm.tm_year + 1900);
        assert_int_equal(at.month, tm.tm_mon + 1);
        assert_int_equal(at.day, tm.tm_mday);
        assert_int_equal(at.hour, tm.tm_hour);
        assert_int_equal(at.minute, tm.tm_min);
        assert_int_equal(at.second, tm.tm_sec);
    }
}

static void refuses_what_there_is_not(void **state)
{
    static const sv_calendar none[] = {
        {0, 1, 1, 0, 0, 0},      {10000, 1, 1, 0, 0, 0},  {2026, 0, 1, 0, 0, 0},    {2026, 13, 1, 0, 0, 0},   {2026, 1, 0, 0, 0, 0},
        {2026, 1, 32, 0, 0, 0},  {2026, 2, 29, 0, 0, 0},  {2100, 2, 29, 0, 0, 0},   {2026, 1, 1, 24, 0, 0},   {2026, 1, 1, -1, 0, 0},
        {2026, 1, 1, 0, 60, 0},  {2026, 1, 1, 0, -1, 0},  {2026, 1, 1, 23, 59, 60}, {2026, 1, 1, 0, 0, -1},   {-1, 1, 1, 0, 0, 0},
        {2026, -1, 1, 0, 0, 0},  {2026, 4, 31, 0, 0, 0},
    };
    static const int64_t outside[] = {FIRST - 1, LAST + 1, INT64_MIN, INT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        int64_t out;
        if (sv_calendar_seconds(&none[i], &out)) fail_msg("case %zu: %lld", i, (long long)out);
    }
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        sv_calendar at;
        char text[SV_CALENDAR_TEXT] = "x";
        assert_false(sv_calendar_at(outside[i], &at));
        assert_int_equal(at.year, 0);
        assert_false(sv_calendar_text(outside[i], text));
        assert_string_equal(text, "");
    }
}

static void writes_rfc3339(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {2147483647, "2038-01-19T03:14:07Z"},
        {2147483648, "2038-01-19T03:14:08Z"}, /* past a time_t of 32 bits */
        {FIRST, "0001-01-01T00:00:00Z"},
        {LAST, "9999-12-31T23:59:59Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[SV_CALENDAR_TEXT];
        assert_true(sv_calendar_text(cases[i].seconds, text));
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_every_day), cmocka_unit_test(agrees_with_the_c_library),
                                       cmocka_unit_test(refuses_what_there_is_not), cmocka_unit_test(writes_rfc3339)};
    return cmocka_run_group_tests_name("days and seconds", tests, NULL, NULL);
}
