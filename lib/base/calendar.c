/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/calendar.h"

#include <stdio.h>

enum { YEAR_LAST = 9999, DAYS_TO_1970 = 719162, DAYS_OF_400_YEARS = 146097 };

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* From the first of January of the year 1 to that of this one. */
static int64_t days_before_year(int year)
{
    int64_t past = year - 1;
    return 365 * past + past / 4 - past / 100 + past / 400;
}

/* From the first of January to that of the month; of the 13th month: days of the year. */
static int days_before_month(int year, int month)
{
    static const int days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    return days[month - 1] + (month > 2 && is_leap(year) ? 1 : 0);
}

bool sv_calendar_seconds(const sv_calendar *at, int64_t *out)
{
    if (at->year < 1 || at->year > YEAR_LAST || at->month < 1 || at->month > 12 || at->day < 1) return false;
    int before = days_before_month(at->year, at->month);
    if (at->day > days_before_month(at->year, at->month + 1) - before) return false;
    if (at->hour < 0 || at->hour > 23 || at->minute < 0 || at->minute > 59 || at->second < 0 || at->second > 59) return false;
    int64_t days = days_before_year(at->year) + before + at->day - 1 - DAYS_TO_1970;
    *out = days * SV_SECONDS_OF_DAY + at->hour * 3600 + at->minute * 60 + at->second;
    return true;
}

bool sv_calendar_at(int64_t seconds, sv_calendar *out)
{
    int64_t last = (days_before_year(YEAR_LAST + 1) - DAYS_TO_1970) * SV_SECONDS_OF_DAY - 1;
    *out = (sv_calendar){0};
    if (seconds < -(int64_t)DAYS_TO_1970 * SV_SECONDS_OF_DAY || seconds > last) return false;
    int64_t since = seconds + (int64_t)DAYS_TO_1970 * SV_SECONDS_OF_DAY;
    int64_t day = since / SV_SECONDS_OF_DAY;
    int rest = (int)(since % SV_SECONDS_OF_DAY), year = (int)(day * 400 / DAYS_OF_400_YEARS) + 1, month = 1;
    if (day < days_before_year(year)) year--; /* a year is a day longer or shorter than in the mean */
    if (day >= days_before_year(year + 1)) year++;
    int left = (int)(day - days_before_year(year));
    while (left >= days_before_month(year, month + 1)) month++;
    *out = (sv_calendar){year, month, left - days_before_month(year, month) + 1, rest / 3600, rest / 60 % 60, rest % 60};
    return true;
}

bool sv_calendar_text(int64_t seconds, char out[SV_CALENDAR_TEXT])
{
    sv_calendar at;
    out[0] = '\0';
    return sv_calendar_at(seconds, &at) &&
           snprintf(out, SV_CALENDAR_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", at.year, at.month, at.day, at.hour, at.minute, at.second) ==
               SV_CALENDAR_TEXT - 1;
}
