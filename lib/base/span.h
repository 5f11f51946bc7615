/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans: looking at octets without owning them. */
#ifndef SV_BASE_SPAN_H
#define SV_BASE_SPAN_H

#include <string.h>

#include "sipveil/base.h"

static inline sipveil_span sv_span(const void *data, size_t len)
{
    return (sipveil_span){data, len};
}
static inline sipveil_span sv_span_str(const char *s)
{
    return (sipveil_span){(const uint8_t *)s, strlen(s)};
}
/* For literals: SV_SPAN("From"). */
#define SV_SPAN(literal) ((sipveil_span){(const uint8_t *)(literal), sizeof(literal) - 1})

static inline sipveil_span sv_span_from(sipveil_span s, size_t at)
{
    if (s.len == 0) return s; /* data may be NULL */
    return at >= s.len ? sv_span(s.data + s.len, 0) : sv_span(s.data + at, s.len - at);
}
/* The octets from a.data to the end of b; both lie in one buffer, a before b. */
static inline sipveil_span sv_span_through(sipveil_span a, sipveil_span b)
{
    return sv_span(a.data, (size_t)(b.data + b.len - a.data));
}
/* Whether inner lies within outer (addresses). */
bool sv_span_within(sipveil_span inner, sipveil_span outer);

static inline bool sv_equal(sipveil_span a, sipveil_span b) /* octets */
{
    return a.len == b.len && (b.len == 0 || memcmp(a.data, b.data, b.len) == 0);
}
/* Short, and called with literals: their length is then known when this is compiled. */
static inline bool sv_equal_str(sipveil_span a, const char *s) /* octets */
{
    return sv_equal(a, sv_span_str(s));
}
bool sv_equal_nocase_octets(const uint8_t *a, const uint8_t *b, size_t count);
static inline bool sv_equal_nocase(sipveil_span a, sipveil_span b) /* ASCII letters without case */
{
    return a.len == b.len && sv_equal_nocase_octets(a.data, b.data, b.len);
}
static inline bool sv_equal_nocase_str(sipveil_span a, const char *s)
{
    return sv_equal_nocase(a, sv_span_str(s));
}
static inline bool sv_starts_nocase_str(sipveil_span a, const char *s)
{
    return a.len >= strlen(s) && sv_equal_nocase_octets(a.data, (const uint8_t *)s, strlen(s));
}
/* The bits in which eight octets differ from eight others. */
static inline uint64_t sv_difference_of_8(const uint8_t *a, const uint8_t *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x ^ y;
}
/* For key-ids, tags, references. Eight octets a step, and the last eight overlap: comparing a message's
 * recipients with our keys is this. The compiler may not know that a difference found is final. */
static inline bool sv_equal_constant_time(sipveil_span a, sipveil_span b)
{
    uint64_t difference = 0;
    if (a.len != b.len) return false;
    for (size_t at = 0; a.len < 8 && at < a.len; at++) {
        difference |= (uint64_t)(a.data[at] ^ b.data[at]);
        __asm__ __volatile__("" : "+r"(difference));
    }
    if (a.len < 8) return difference == 0;
    size_t last = a.len - 8;
    for (size_t at = 0; at < last; at += 8) {
        difference |= sv_difference_of_8(a.data + at, b.data + at);
        __asm__ __volatile__("" : "+r"(difference));
    }
    difference |= sv_difference_of_8(a.data + last, b.data + last);
    __asm__ __volatile__("" : "+r"(difference));
    return difference == 0;
}
sipveil_span sv_trim(sipveil_span s);                          /* SP, HTAB, CR, LF at both ends */
bool sv_find_byte(sipveil_span s, uint8_t byte, size_t *at);
bool sv_find(sipveil_span s, sipveil_span needle, size_t *at);
bool sv_is_text(sipveil_span s);                               /* printable ASCII only, not empty */
/* Decimal digits only, no sign, no blank; at most limit. */
bool sv_read_number(sipveil_span s, uint64_t limit, uint64_t *out);
static inline char sv_lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

#endif
