/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cursor.h"

#include <string.h>

#include "base/span.h"

bool sv_take_literal(sv_cursor *c, const char *literal)
{
    size_t n = strlen(literal);
    if (n > sv_left(c) || memcmp(c->at, literal, n) != 0) return false;
    c->at += n;
    return true;
}

bool sv_take_literal_nocase(sv_cursor *c, const char *literal)
{
    if (!sv_starts_nocase_str(sv_rest(c), literal)) return false;
    c->at += strlen(literal);
    return true;
}

sipveil_span sv_take_while(sv_cursor *c, bool (*accept)(uint8_t))
{
    const uint8_t *from = c->at;
    while (c->at != c->end && accept(*c->at)) c->at++;
    return sv_span(from, (size_t)(c->at - from));
}

bool sv_take_until(sv_cursor *c, uint8_t byte, sipveil_span *out)
{
    size_t at;
    if (!sv_find_byte(sv_rest(c), byte, &at)) return false;
    return sv_take(c, at, out);
}

bool sv_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool sv_is_alpha(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool sv_is_alnum(uint8_t c)
{
    return sv_is_digit(c) || sv_is_alpha(c);
}

bool sv_is_hex(uint8_t c)
{
    return sv_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool sv_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

bool sv_is_token(uint8_t c)
{
    return sv_is_alnum(c) || (c != 0 && strchr("-.!%*_+`'~", c) != NULL);
}

bool sv_is_mime_token(uint8_t c)
{
    return c > 0x20 && c < 0x7F && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}
