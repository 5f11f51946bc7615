/* SPDX-License-Identifier: BSD-2-Clause */
/* Date: rfc1123-date, GMT only (RFC 3261 20.17). */
#include "base/cursor.h"
#include "sip/values.h"

static const char *const weekdays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
enum { SECONDS_OF_DAY = 86400, YEAR_FIRST = 1970, YEAR_LAST = 9999 };

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month] + (month == 1 && is_leap(year) ? 1u : 0u);
}

static int64_t days_before_month(unsigned year, unsigned month)
{
    static const uint16_t days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    return days[month] + (month > 1 && is_leap(year) ? 1 : 0);
}

/* From 1970-01-01 to the first of January. */
static int64_t days_before_year(unsigned year)
{
    int64_t y = (int64_t)year - 1;
    return (y * 365 + y / 4 - y / 100 + y / 400) -
           (1969 * 365 + 1969 / 4 - 1969 / 100 + 1969 / 400);
}

static bool take_digits(sv_cursor *c, size_t count, unsigned limit, unsigned *out)
{
    sipveil_span digits;
    unsigned number = 0;
    if (!sv_take(c, count, &digits)) return false;
    for (size_t i = 0; i < count; i++) {
        if (!sv_is_digit(digits.data[i])) return false;
        number = number * 10 + (unsigned)(digits.data[i] - '0');
    }
    *out = number;
    return number <= limit;
}

static bool take_name(sv_cursor *c, const char *const *names, unsigned count, unsigned *out)
{
    enum { LETTERS = 3, CASE = 0x20 };
    if (sv_left(c) < LETTERS) return false;
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *name = (const uint8_t *)names[i];
        if ((c->at[2] | CASE) != (name[2] | CASE) || !sv_equal_nocase_octets(c->at, name, LETTERS)) continue;
        *out = i;
        c->at += LETTERS;
        return true;
    }
    return false;
}

/* A line break and the blanks that begin the next line stand for one blank (RFC 3261 7.3.1). */
static bool take_space(sv_cursor *c)
{
    if (sv_take_if(c, ' ')) return true;
    return sv_take_literal(c, "\r\n") && sv_take_run(c, SV_OCTET_BLANK).len > 0;
}

static bool read_date(sv_cursor *c, int64_t *out)
{
    static const char *const zones[] = {"GMT"};
    unsigned weekday, day, month, year, hour, minute, second, zone;
    if (!take_name(c, weekdays, 7, &weekday) || !sv_take_if(c, ',') || !take_space(c) ||
        !take_digits(c, 2, 31, &day) || !take_space(c) || !take_name(c, months, 12, &month) ||
        !take_space(c) || !take_digits(c, 4, YEAR_LAST, &year) || !take_space(c) ||
        !take_digits(c, 2, 23, &hour) || !sv_take_if(c, ':') || !take_digits(c, 2, 59, &minute) ||
        !sv_take_if(c, ':') || !take_digits(c, 2, 60, &second) ||
        !take_space(c) || !take_name(c, zones, 1, &zone) || !sv_at_end(c)) {
        return false;
    }
    if (year < YEAR_FIRST || day < 1 || day > days_of_month(year, month)) return false;
    int64_t days = days_before_year(year) + days_before_month(year, month) + day - 1;
    *out = days * SECONDS_OF_DAY + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
    return true;
}

sipveil_code sv_sip_read_date(sipveil_span value, int64_t *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Date");
    *out = 0;
    if (read_date(&c, out)) return SIPVEIL_OK;
    return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, "ADV-191", sv_offset(&c),
                        "\"%s\" is not a date like \"Sat, 21 Nov 2026 10:00:00 GMT\"",
                        SV_QUOTE(value));
}

void sv_sip_put_date(sv_buffer *out, int64_t seconds)
{
    int64_t days = seconds / SECONDS_OF_DAY;
    unsigned rest = (unsigned)(seconds % SECONDS_OF_DAY), year = YEAR_FIRST, month = 0;
    if (seconds < 0 || days >= days_before_year(YEAR_LAST + 1)) {
        out->failed = true; /* no four-digit year */
        return;
    }
    const char *weekday = weekdays[days % 7];
    year += (unsigned)(days / 366);
    while (days >= days_before_year(year + 1)) year++;
    days -= days_before_year(year);
    for (; days >= days_of_month(year, month); month++) days -= days_of_month(year, month);
    sv_put_format(out, "%s, %02u %s %04u %02u:%02u:%02u GMT", weekday, (unsigned)days + 1,
                  months[month], year, rest / 3600, rest / 60 % 60, rest % 60);
}
