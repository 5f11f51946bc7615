/* SPDX-License-Identifier: BSD-2-Clause */
#include "cms/der_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/calendar.h"
#include "cms/der_read.h"

static const char room[] = "cms";

static bool begin(sv_der_writer *w, uint8_t *start, size_t octets)
{
    *w = (sv_der_writer){.start = start, .failed = start == NULL};
    if (start != NULL) w->at = w->end = start + octets;
    return start != NULL;
}

bool sv_der_writer_init(sv_der_writer *w, sv_arena *arena, size_t octets)
{
    return begin(w, sv_arena_alloc_raw(arena, octets), octets);
}

bool sv_der_writer_over(sv_der_writer *w, sv_buffer *out, size_t octets)
{
    uint8_t *start = sv_buffer_storage(out, octets);
    return start != NULL ? begin(w, start, octets) : sv_der_writer_init(w, out->arena, octets);
}

void sv_der_deliver(const sv_der_writer *w, sv_buffer *out)
{
    bool in_place = out->len == 0 && w->start == out->data && (size_t)(w->end - w->start) == out->capacity;
    if (in_place && !w->failed) sv_buffer_keep_last(out, sv_der_mark_here(w));
    else sv_put(out, sv_der_written(w));
}

sipveil_span sv_der_written(const sv_der_writer *w)
{
    return w->failed ? sv_span(NULL, 0) : sv_span(w->at, (size_t)(w->end - w->at));
}

uint8_t *sv_der_put_room(sv_der_writer *w, size_t n)
{
    if (w->failed || n > (size_t)(w->at - w->start)) {
        w->failed = true;
        return NULL;
    }
    w->at -= n;
    return w->at;
}

void sv_der_put(sv_der_writer *w, sipveil_span octets)
{
    uint8_t *at = sv_der_put_room(w, octets.len);
    if (at != NULL && octets.len > 0) memcpy(at, octets.data, octets.len);
}

static void put_octet(sv_der_writer *w, uint8_t octet)
{
    uint8_t *at = sv_der_put_room(w, 1);
    if (at != NULL) *at = octet;
}

void sv_der_put_header(sv_der_writer *w, uint8_t tag, size_t length)
{
    if (length < 0x80) {
        put_octet(w, (uint8_t)length);
    } else {
        uint8_t octets = 0;
        for (; length > 0; length >>= 8, octets++) put_octet(w, (uint8_t)length);
        put_octet(w, 0x80 | octets);
    }
    put_octet(w, tag);
}

void sv_der_wrap(sv_der_writer *w, uint8_t tag, sv_der_mark since)
{
    sv_der_put_header(w, tag, sv_der_mark_here(w) - since);
}

void sv_der_put_value(sv_der_writer *w, uint8_t tag, sipveil_span content)
{
    sv_der_put(w, content);
    sv_der_put_header(w, tag, content.len);
}

void sv_der_put_number(sv_der_writer *w, uint64_t number)
{
    sv_der_mark mark = sv_der_mark_here(w);
    uint8_t last;
    do {
        last = (uint8_t)number;
        put_octet(w, last);
        number >>= 8;
    } while (number > 0);
    if ((last & 0x80) != 0) put_octet(w, 0);
    sv_der_wrap(w, SV_DER_INTEGER, mark);
}

void sv_der_put_oid(sv_der_writer *w, sipveil_span oid_content)
{
    sv_der_put_value(w, SV_DER_OID, oid_content);
}

void sv_der_put_null(sv_der_writer *w)
{
    sv_der_put_header(w, SV_DER_NULL, 0);
}

void sv_der_put_time(sv_der_writer *w, int64_t seconds)
{
    sv_calendar at;
    char text[16];
    if (!sv_calendar_at(seconds, &at) || at.year < 1950) {
        w->failed = true;
        return;
    }
    size_t n = (size_t)snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02dZ", at.year, at.month, at.day, at.hour, at.minute, at.second);
    if (n != sizeof text - 1) {
        w->failed = true;
        return;
    }
    if (at.year < 2050) { /* RFC 5652 11.3: UTCTime from 1950 to 2049 */
        sv_der_put_value(w, SV_DER_UTC_TIME, sv_span(text + 2, n - 2));
    } else {
        sv_der_put_value(w, SV_DER_GENERALIZED_TIME, sv_span(text, n));
    }
}

static int compare_encodings(const void *a, const void *b)
{
    const sipveil_span *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
    if (order != 0) return order;
    return x->len < y->len ? -1 : x->len > y->len;
}

void sv_der_sort_set(sv_der_writer *w, sv_der_mark since, sv_arena *arena)
{
    if (w->failed) return;
    sipveil_span all = sv_span(w->at, sv_der_mark_here(w) - since), copy;
    sv_cursor c = sv_cursor_over(all, "set");
    sv_der value;
    size_t count = 0, i = 0;
    while (!sv_at_end(&c) && sv_der_take(&c, &value, NULL) == SIPVEIL_OK) count++;
    if (sv_at_end(&c) && count < 2) return;
    sipveil_span *values = sv_arena_alloc_array(arena, count, sizeof *values);
    w->failed = !sv_at_end(&c) || values == NULL || !sv_arena_copy(arena, all, &copy);
    if (w->failed) return;
    for (c = sv_cursor_over(copy, "set"); i < count && sv_der_take(&c, &value, NULL) == SIPVEIL_OK; i++) {
        values[i] = value.whole;
    }
    qsort(values, count, sizeof *values, compare_encodings);
    uint8_t *at = w->at;
    for (i = 0; i < count; i++) {
        memcpy(at, values[i].data, values[i].len);
        at += values[i].len;
    }
}

sipveil_code sv_der_writer_check(const sv_der_writer *w, sipveil_error *err)
{
    if (!w->failed) return SIPVEIL_OK;
    return sv_fail(err, room, SIPVEIL_INTERNAL, "asn.1: no room for what is to be written");
}
