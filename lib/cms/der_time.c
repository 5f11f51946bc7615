/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/calendar.h"
#include "cms/der_read.h"

static bool two_digits(sv_cursor *c, int *out)
{
    uint8_t tens, ones;
    if (!sv_take_byte(c, &tens) || !sv_take_byte(c, &ones)) return false;
    if (!sv_is_digit(tens) || !sv_is_digit(ones)) return false;
    *out = (tens - '0') * 10 + (ones - '0');
    return true;
}

sipveil_code sv_der_read_time(const sv_der *value, int64_t *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value->content, "time");
    sv_calendar at;
    int century = 0, years;
    bool long_year = value->tag == SV_DER_GENERALIZED_TIME;
    *out = 0;
    bool good = (long_year || value->tag == SV_DER_UTC_TIME) &&
                (!long_year || two_digits(&c, &century)) && two_digits(&c, &years) &&
                two_digits(&c, &at.month) && two_digits(&c, &at.day) && two_digits(&c, &at.hour) &&
                two_digits(&c, &at.minute) && two_digits(&c, &at.second) && sv_take_if(&c, 'Z') &&
                sv_at_end(&c);
    if (good) {
        if (!long_year) century = years >= 50 ? 19 : 20;
        at.year = century * 100 + years;
        good = sv_calendar_seconds(&at, out);
    }
    if (good) return SIPVEIL_OK;
    return sv_fail_rule(err, "cms", SIPVEIL_MALFORMED, "TUN-58", SIPVEIL_NO_OFFSET,
                        "time: %s is not a time in UTC", SV_QUOTE(value->content));
}
