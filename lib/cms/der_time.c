/* SPDX-License-Identifier: BSD-2-Clause */
#include "cms/der_read.h"

static bool two_digits(sv_cursor *c, int *out)
{
    uint8_t tens, ones;
    if (!sv_take_byte(c, &tens) || !sv_take_byte(c, &ones)) return false;
    if (!sv_is_digit(tens) || !sv_is_digit(ones)) return false;
    *out = (tens - '0') * 10 + (ones - '0');
    return true;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool seconds_of(int64_t year, int month, int day, int hour, int minute, int second, int64_t *out)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return false;
    int days_in = before[month] - before[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
    if (day < 1 || day > days_in) return false;
    int64_t past = year - 1;
    int64_t days = 365 * past + past / 4 - past / 100 + past / 400 + before[month - 1] + day - 1;
    if (month > 2 && is_leap(year)) days++;
    *out = (days - 719162) * 86400 + hour * 3600 + minute * 60 + second; /* 719162: days to 1970 */
    return true;
}

sipveil_code sv_der_read_time(const sv_der *value, int64_t *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value->content, "time");
    int century = 0, years, month, day, hour, minute, second;
    bool long_year = value->tag == SV_DER_GENERALIZED_TIME;
    *out = 0;
    bool good = (long_year || value->tag == SV_DER_UTC_TIME) &&
                (!long_year || two_digits(&c, &century)) && two_digits(&c, &years) &&
                two_digits(&c, &month) && two_digits(&c, &day) && two_digits(&c, &hour) &&
                two_digits(&c, &minute) && two_digits(&c, &second) && sv_take_if(&c, 'Z') &&
                sv_at_end(&c);
    if (good) {
        if (!long_year) century = years >= 50 ? 19 : 20;
        int64_t year = (int64_t)century * 100 + years;
        good = year >= 1 && seconds_of(year, month, day, hour, minute, second, out);
    }
    if (good) return SIPVEIL_OK;
    return sv_fail_rule(err, "cms", SIPVEIL_MALFORMED, "TUN-58", SIPVEIL_NO_OFFSET,
                        "time: %s is not a time in UTC", SV_QUOTE(value->content));
}
