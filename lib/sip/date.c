/* SPDX-License-Identifier: BSD-2-Clause */
/* Date: rfc1123-date, GMT only (RFC 3261 20.17). */
#include "base/calendar.h"
#include "base/cursor.h"
#include "base/span.h"
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

typedef struct moment {
    unsigned weekday, day, month, year, hour, minute, second;
} moment;

static bool take_date(sv_cursor *c, moment *m)
{
    static const char *const zones[] = {"GMT"};
    unsigned zone;
    return take_name(c, weekdays, 7, &m->weekday) && sv_take_if(c, ',') && take_space(c) &&
           take_digits(c, 2, 31, &m->day) && take_space(c) && take_name(c, months, 12, &m->month) &&
           take_space(c) && take_digits(c, 4, YEAR_LAST, &m->year) && take_space(c) &&
           take_digits(c, 2, 23, &m->hour) && sv_take_if(c, ':') && take_digits(c, 2, 59, &m->minute) &&
           sv_take_if(c, ':') && take_digits(c, 2, 60, &m->second) &&
           take_space(c) && take_name(c, zones, 1, &zone) && sv_at_end(c);
}

/* More than any field may be where these are no digits. */
static inline unsigned two_digits(const uint8_t *at)
{
    enum { NO_DIGITS = 100 };
    unsigned tens = (unsigned)at[0] - '0', ones = (unsigned)at[1] - '0';
    return tens <= 9 && ones <= 9 ? tens * 10 + ones : NO_DIGITS;
}

static inline unsigned index_of(const uint8_t *at, const char *const *names, unsigned count)
{
    unsigned i = 0;
    while (i < count && !sv_equal(sv_span(at, 3), sv_span(names[i], 3))) i++;
    return i;
}

/* A date as nearly all are, "Sat, 21 Nov 2026 10:00:00 GMT": all has its place. False: for the long way. */
static bool read_usual_date(sipveil_span value, moment *m)
{
    enum { LENGTH = 29 };
    const uint8_t *at = value.data;
    if (value.len != LENGTH || at[3] != ',' || at[4] != ' ' || at[7] != ' ' || at[11] != ' ' || at[16] != ' ' ||
        at[19] != ':' || at[22] != ':' || !sv_equal(sv_span(at + 25, 4), SV_SPAN(" GMT"))) {
        return false;
    }
    unsigned century = two_digits(at + 12), rest = two_digits(at + 14);
    *m = (moment){.weekday = index_of(at, weekdays, 7), .day = two_digits(at + 5), .month = index_of(at + 8, months, 12),
                  .year = century * 100 + rest, .hour = two_digits(at + 17), .minute = two_digits(at + 20),
                  .second = two_digits(at + 23)};
    return m->weekday < 7 && m->day <= 31 && m->month < 12 && century < 100 && rest < 100 && m->hour <= 23 &&
           m->minute <= 59 && m->second <= 60;
}

static bool read_date(sv_cursor *c, int64_t *out)
{
    moment m;
    if (!read_usual_date(sv_rest(c), &m) && !take_date(c, &m)) return false;
    c->at = c->end;
    bool leap = m.second == 60; /* the first second of the next minute */
    sv_calendar at = {(int)m.year, (int)m.month + 1, (int)m.day, (int)m.hour, (int)m.minute, (int)m.second - leap};
    if (m.year < YEAR_FIRST || !sv_calendar_seconds(&at, out)) return false;
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
