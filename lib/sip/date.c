/* SPDX-License-Identifier: BSD-2-Clause */
/* Date: rfc1123-date, GMT only (RFC 3261 20.17). */
#include "base/calendar.h"
#include "base/cursor.h"
#include "sip/values.h"

static const char *const weekdays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
enum { YEAR_FIRST = 1970, YEAR_LAST = 9999 };

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
    bool leap = second == 60; /* the first second of the next minute */
    sv_calendar at = {(int)year, (int)month + 1, (int)day, (int)hour, (int)minute, (int)second - leap};
    if (year < YEAR_FIRST || !sv_calendar_seconds(&at, out)) return false;
    *out += leap;
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
    sv_calendar at;
    if (seconds < 0 || !sv_calendar_at(seconds, &at)) {
        out->failed = true; /* no four-digit year */
        return;
    }
    sv_put_format(out, "%s, %02d %s %04d %02d:%02d:%02d GMT", weekdays[seconds / SV_SECONDS_OF_DAY % 7], at.day, months[at.month - 1],
                  at.year, at.hour, at.minute, at.second);
}
