/* SPDX-License-Identifier: BSD-2-Clause */
/* Seconds since 1970 and days of the Gregorian calendar, in UTC, of the years 1 to 9999. Not by the C library: where its
 * time_t has 32 bits, it knows none after 2038, and certificates live longer. */
#ifndef SV_BASE_CALENDAR_H
#define SV_BASE_CALENDAR_H

#include "sipveil/base.h"

typedef struct sv_calendar {
    int year, month, day; /* from 1 on */
    int hour, minute, second;
} sv_calendar;

enum { SV_SECONDS_OF_DAY = 86400 };

/* False: there is no such day or time. A 60th second is none; leap seconds are the caller's. */
bool sv_calendar_seconds(const sv_calendar *at, int64_t *out);
/* False: no year of four digits. */
bool sv_calendar_at(int64_t seconds, sv_calendar *out);

enum { SV_CALENDAR_TEXT = 21 };
/* "2026-11-21T10:00:00Z" (RFC 3339). False, and no text: as sv_calendar_at(). */
bool sv_calendar_text(int64_t seconds, char out[SV_CALENDAR_TEXT]);

#endif
