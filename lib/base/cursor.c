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

/* SV_OCTET_... bits of every octet. */
const uint8_t sv_octet_classes[256] = {
     0,  0,  0,  0,  0,  0,  0,  0,  0,  8,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     8, 48,  0, 32, 32, 48, 32, 48,  0,  0, 48, 48,  0, 48, 48,  0,
    53, 53, 53, 53, 53, 53, 53, 53, 53, 53,  0,  0,  0,  0,  0,  0,
     0, 54, 54, 54, 54, 54, 54, 50, 50, 50, 50, 50, 50, 50, 50, 50,
    50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50,  0,  0,  0, 32, 48,
    48, 54, 54, 54, 54, 54, 54, 50, 50, 50, 50, 50, 50, 50, 50, 50,
    50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 32, 32, 32, 48,  0,
    /* 0x80 and above: none */
};

static bool hex_value(uint8_t digit, uint8_t *out)
{
    if (!sv_is_hex(digit)) return false;
    *out = (uint8_t)(sv_is_digit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
    return true;
}

bool sv_take_hex_octet(sv_cursor *c, uint8_t *out)
{
    uint8_t first, second, high, low;
    if (!sv_peek(c, &first) || !sv_peek_at(c, 1, &second) || !hex_value(first, &high) || !hex_value(second, &low)) return false;
    *out = (uint8_t)(high << 4 | low);
    c->at += 2;
    return true;
}
