/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/span.h"

char sv_lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool sv_span_within(sipveil_span inner, sipveil_span outer)
{
    uintptr_t i = (uintptr_t)inner.data, o = (uintptr_t)outer.data;
    return i >= o && inner.len <= outer.len && i - o <= outer.len - inner.len;
}

bool sv_equal_str(sipveil_span a, const char *s)
{
    return sv_equal(a, sv_span_str(s));
}

bool sv_equal_nocase(sipveil_span a, sipveil_span b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++) {
        if (sv_lower(a.data[i]) != sv_lower(b.data[i])) return false;
    }
    return true;
}

bool sv_equal_nocase_str(sipveil_span a, const char *s)
{
    return sv_equal_nocase(a, sv_span_str(s));
}

bool sv_starts_nocase_str(sipveil_span a, const char *s)
{
    size_t n = strlen(s);
    return a.len >= n && sv_equal_nocase(sv_span(a.data, n), sv_span(s, n));
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

sipveil_span sv_trim(sipveil_span s)
{
    while (s.len > 0 && is_blank(s.data[0])) s = sv_span(s.data + 1, s.len - 1);
    while (s.len > 0 && is_blank(s.data[s.len - 1])) s.len--;
    return s;
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
    uint64_t value = 0;
    if (s.len == 0) return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') return false;
        uint64_t digit = (uint64_t)(s.data[i] - '0');
        if (value > (limit - digit) / 10 || digit > limit) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}
