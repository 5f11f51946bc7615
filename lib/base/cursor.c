/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cursor.h"

#include <string.h>

#include "base/span.h"

bool sv_take_literal_nocase(sv_cursor *c, const char *literal)
{
    if (!sv_starts_nocase_str(sv_rest(c), literal)) return false;
    c->at += strlen(literal);
    return true;
}

bool sv_take_until(sv_cursor *c, uint8_t byte, sipveil_span *out)
{
    size_t at;
    if (!sv_find_byte(sv_rest(c), byte, &at)) return false;
    return sv_take(c, at, out);
}

bool sv_take_big_endian(sv_cursor *c, size_t octets, uint64_t *out)
{
    sipveil_span s;
    *out = 0;
    if (!sv_take(c, octets, &s)) return false;
    for (size_t i = 0; i < octets; i++) *out = *out << 8 | s.data[i];
    return true;
}

bool sv_take_counted(sv_cursor *c, sipveil_span *out)
{
    sv_cursor at = *c;
    uint64_t length;
    if (!sv_take_big_endian(&at, 2, &length) || !sv_take(&at, (size_t)length, out)) return false;
    *c = at;
    return true;
}

bool sv_take_hex_octet(sv_cursor *c, uint8_t *out)
{
    uint8_t high, low;
    if (!sv_peek(c, &high) || !sv_peek_at(c, 1, &low) || !sv_is_hex(high) || !sv_is_hex(low)) return false;
    *out = (uint8_t)(sv_hex_value(high) << 4 | sv_hex_value(low));
    c->at += 2;
    return true;
}
