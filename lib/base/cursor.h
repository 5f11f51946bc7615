/* SPDX-License-Identifier: BSD-2-Clause */
/* Every read of untrusted octets goes through a cursor. A take-call that cannot be met returns false
 * and leaves the cursor where it was; a length field makes a sub-cursor that ends where the length
 * says. `what` names the thing being read, for errors. */
#ifndef SV_BASE_CURSOR_H
#define SV_BASE_CURSOR_H

#include <string.h>

#include "base/octet.h"

typedef struct sv_cursor {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    const char *what;
} sv_cursor;

static inline sv_cursor sv_cursor_over(sipveil_span s, const char *what)
{
    const uint8_t *start = s.data != NULL ? s.data : (const uint8_t *)""; /* NULL + 0 is undefined */
    return (sv_cursor){start, start, start + s.len, what};
}
static inline size_t sv_left(const sv_cursor *c)
{
    return (size_t)(c->end - c->at);
}
static inline size_t sv_offset(const sv_cursor *c)
{
    return (size_t)(c->at - c->start);
}
static inline bool sv_at_end(const sv_cursor *c)
{
    return c->at == c->end;
}
static inline bool sv_peek(const sv_cursor *c, uint8_t *byte)
{
    if (c->at == c->end) return false;
    *byte = *c->at;
    return true;
}
/* The octet `ahead` places on. */
static inline bool sv_peek_at(const sv_cursor *c, size_t ahead, uint8_t *byte)
{
    if (ahead >= sv_left(c)) return false;
    *byte = c->at[ahead];
    return true;
}
static inline bool sv_take_byte(sv_cursor *c, uint8_t *byte)
{
    if (c->at == c->end) return false;
    *byte = *c->at++;
    return true;
}
static inline bool sv_take(sv_cursor *c, size_t n, sipveil_span *out)
{
    if (n > sv_left(c)) return false;
    *out = (sipveil_span){c->at, n};
    c->at += n;
    return true;
}
static inline bool sv_take_cursor(sv_cursor *c, size_t n, const char *what, sv_cursor *sub)
{
    if (n > sv_left(c)) return false;
    *sub = (sv_cursor){c->at, c->at, c->at + n, what};
    c->at += n;
    return true;
}
static inline sipveil_span sv_rest(const sv_cursor *c)
{
    return (sipveil_span){c->at, sv_left(c)};
}
/* Takes exactly this octet. */
static inline bool sv_take_if(sv_cursor *c, uint8_t byte)
{
    if (c->at == c->end || *c->at != byte) return false;
    c->at++;
    return true;
}
static inline bool sv_take_literal(sv_cursor *c, const char *literal) /* exact octets */
{
    size_t n = strlen(literal); /* known when compiled */
    if (n > sv_left(c) || memcmp(c->at, literal, n) != 0) return false;
    c->at += n;
    return true;
}
bool sv_take_literal_nocase(sv_cursor *c, const char *literal); /* ASCII without case */
/* Takes the longest run for which accept(octet) holds; may be empty. */
static inline sipveil_span sv_take_while(sv_cursor *c, bool (*accept)(uint8_t))
{
    const uint8_t *from = c->at;
    while (c->at != c->end && accept(*c->at)) c->at++;
    return (sipveil_span){from, (size_t)(c->at - from)};
}
/* The same for octets of these classes (SV_OCTET_...). */
static inline sipveil_span sv_take_run(sv_cursor *c, uint32_t classes)
{
    const uint8_t *from = c->at;
    c->at = sv_end_of_run(from, c->end, classes);
    return (sipveil_span){from, (size_t)(c->at - from)};
}
/* Takes up to, not including, the octet; false (and nothing taken) if it does not come. */
bool sv_take_until(sv_cursor *c, uint8_t byte, sipveil_span *out);

/* A number of up to eight octets. */
bool sv_take_big_endian(sv_cursor *c, size_t octets, uint64_t *out);
/* What sv_put_counted wrote: two octets of length, then so many. */
bool sv_take_counted(sv_cursor *c, sipveil_span *out);
/* Two hexadecimal digits, either case. */
bool sv_take_hex_octet(sv_cursor *c, uint8_t *out);

static inline bool sv_is_token(uint8_t c)
{
    return sv_is_in(c, SV_OCTET_TOKEN);
}
static inline bool sv_is_mime_token(uint8_t c)
{
    return sv_is_in(c, SV_OCTET_MIME_TOKEN);
}
static inline bool sv_is_alnum(uint8_t c)
{
    return sv_is_in(c, SV_OCTET_DIGIT | SV_OCTET_ALPHA);
}
static inline bool sv_is_alpha(uint8_t c)
{
    return sv_is_in(c, SV_OCTET_ALPHA);
}
static inline bool sv_is_digit(uint8_t c)
{
    return sv_is_in(c, SV_OCTET_DIGIT);
}
static inline bool sv_is_hex(uint8_t c)
{
    return sv_is_in(c, SV_OCTET_HEX);
}
/* Of a digit that sv_is_hex takes. */
static inline uint8_t sv_hex_value(uint8_t digit)
{
    return (uint8_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

static inline bool sv_is_blank(uint8_t c)
{
    return sv_is_in(c, SV_OCTET_BLANK);
}

#endif
