/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"

void sv_buffer_init(sv_buffer *b, sv_arena *arena, size_t expected, size_t most)
{
    *b = (sv_buffer){.arena = arena, .most = most};
    if (expected > most) expected = most;
    b->data = sv_arena_alloc_raw(arena, expected);
    b->capacity = b->data == NULL ? 0 : expected;
    b->failed = b->data == NULL;
}

static bool grow(sv_buffer *b, size_t least)
{
    size_t capacity = b->capacity > b->most / 2 ? b->most : b->capacity * 2;
    if (capacity < least) capacity = least;
    if (capacity < 256 && b->most >= 256) capacity = 256;
    if (sv_arena_extend(b->arena, b->data, b->capacity, capacity)) {
        b->capacity = capacity;
        return true;
    }
    uint8_t *data = sv_arena_alloc_raw(b->arena, capacity);
    if (data == NULL) return false;
    if (b->len > 0) memcpy(data, b->data, b->len); /* the old octets are wiped with the arena */
    b->data = data;
    b->capacity = capacity;
    return true;
}

uint8_t *sv_put_room(sv_buffer *b, size_t n)
{
    if (b->failed) return NULL;
    b->past_most = n > b->most - b->len;
    if (b->past_most || (n > b->capacity - b->len && !grow(b, b->len + n))) {
        b->failed = true;
        return NULL;
    }
    uint8_t *at = b->data + b->len;
    b->len += n;
    return at;
}

uint8_t *sv_buffer_storage(sv_buffer *b, size_t n)
{
    if (b->failed || b->len > 0 || n > b->most || (n > b->capacity && !grow(b, n))) return NULL;
    sv_arena_trim(b->arena, b->data, b->capacity, n); /* what nobody writes needs no wiping */
    b->capacity = n;
    return b->data;
}

void sv_buffer_keep_last(sv_buffer *b, size_t len)
{
    b->data += b->capacity - len;
    b->capacity = b->len = len;
}

void sv_put(sv_buffer *b, sipveil_span s)
{
    uint8_t *at = sv_put_room(b, s.len);
    if (at != NULL && s.len > 0) memcpy(at, s.data, s.len);
}

void sv_put_str(sv_buffer *b, const char *s)
{
    sv_put(b, sv_span_str(s));
}

void sv_put_byte(sv_buffer *b, uint8_t byte)
{
    uint8_t *at = sv_put_room(b, 1);
    if (at != NULL) *at = byte;
}

void sv_put_number(sv_buffer *b, uint64_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    sv_put(b, sv_span(digits + at, sizeof digits - at));
}

void sv_put_lower(sv_buffer *b, sipveil_span text)
{
    uint8_t *at = sv_put_room(b, text.len);
    for (size_t i = 0; at != NULL && i < text.len; i++) at[i] = (uint8_t)sv_lower(text.data[i]);
}

void sv_put_big_endian(sv_buffer *b, uint64_t number, size_t octets)
{
    uint8_t *at = sv_put_room(b, octets);
    for (size_t i = octets; at != NULL && i > 0; number >>= 8) at[--i] = (uint8_t)number;
}

void sv_put_counted(sv_buffer *b, sipveil_span s)
{
    if (s.len > UINT16_MAX) {
        b->failed = b->past_most = true;
        return;
    }
    sv_put_big_endian(b, s.len, 2);
    sv_put(b, s);
}

void sv_put_format(sv_buffer *b, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= sizeof text) {
        b->failed = true;
        return;
    }
    sv_put(b, sv_span(text, (size_t)n));
}

sipveil_span sv_buffer_span(const sv_buffer *b)
{
    return b->failed ? sv_span(NULL, 0) : sv_span(b->data, b->len);
}

sipveil_code sv_buffer_check(const sv_buffer *b, const char *room, sipveil_error *err)
{
    if (!b->failed) return SIPVEIL_OK;
    if (b->past_most) {
        return sv_fail(err, room, SIPVEIL_LIMIT, "output over %zu octets", b->most);
    }
    return sv_no_memory(err, room);
}
