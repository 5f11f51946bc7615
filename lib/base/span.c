/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/span.h"

#include "base/octet.h"

bool sv_span_within(sipveil_span inner, sipveil_span outer)
{
    uintptr_t i = (uintptr_t)inner.data, o = (uintptr_t)outer.data;
    return i >= o && inner.len <= outer.len && i - o <= outer.len - inner.len;
}

static bool same_letters(const uint8_t *a, const uint8_t *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (a[i] != b[i] && sv_lower(a[i]) != sv_lower(b[i])) return false;
    }
    return true;
}

/* Octets that are equal as they are need no look at their case, and nearly all are: some a step, the last one overlaps. */
bool sv_equal_nocase_octets(const uint8_t *a, const uint8_t *b, size_t count)
{
    uint64_t x, y;
    uint32_t v[2], w[2];
    if (count < sizeof *v) return same_letters(a, b, count);
    if (count < sizeof x) {
        size_t last = count - sizeof *v;
        memcpy(&v[0], a, sizeof *v);
        memcpy(&v[1], a + last, sizeof *v);
        memcpy(&w[0], b, sizeof *w);
        memcpy(&w[1], b + last, sizeof *w);
        return (v[0] == w[0] && v[1] == w[1]) || same_letters(a, b, count);
    }
    for (size_t at = 0; at < count; at += sizeof x) {
        if (at > count - sizeof x) at = count - sizeof x;
        memcpy(&x, a + at, sizeof x);
        memcpy(&y, b + at, sizeof y);
        if (x != y && !same_letters(a + at, b + at, sizeof x)) return false;
    }
    return true;
}

sipveil_span sv_trim(sipveil_span s)
{
    if (s.len == 0) return s;
    const uint8_t *from = s.data, *end = s.data + s.len;
    while (from < end && sv_is_in(*from, SV_OCTET_WHITE)) from++;
    while (from < end && sv_is_in(end[-1], SV_OCTET_WHITE)) end--;
    return sv_span(from, (size_t)(end - from));
}

bool sv_find_byte(sipveil_span s, uint8_t byte, size_t *at)
{
    const uint8_t *hit = s.len > 0 ? memchr(s.data, byte, s.len) : NULL;
    if (hit == NULL) return false;
    *at = (size_t)(hit - s.data);
    return true;
}

bool sv_find(sipveil_span s, sipveil_span needle, size_t *at)
{
    if (needle.len == 0 || needle.len > s.len) return false;
    const uint8_t *hit = memmem(s.data, s.len, needle.data, needle.len);
    if (hit == NULL) return false;
    *at = (size_t)(hit - s.data);
    return true;
}

bool sv_is_text(sipveil_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < 0x20 || s.data[i] > 0x7E) return false;
    }
    return s.len > 0;
}

bool sv_read_number(sipveil_span s, uint64_t limit, uint64_t *out)
{
    enum { DIGITS_SAFE = 19 }; /* no number of so many is over 64 bits */
    uint64_t value = 0, most = limit / 10, last = limit % 10;
    if (s.len == 0) return false;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)s.data[i] - '0';
        if (digit > 9 || (i >= DIGITS_SAFE && (value > most || (value == most && digit > last)))) return false;
        value = value * 10 + digit;
    }
    if (value > limit) return false;
    *out = value;
    return true;
}

sipveil_span sipveil_span_of(const char *text)
{
    return text != NULL ? sv_span_str(text) : sv_span(NULL, 0);
}
