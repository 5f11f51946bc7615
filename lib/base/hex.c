/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hex.h"

void sv_write_hex(void *digits, sipveil_span octets)
{
    static const uint8_t alphabet[] = "0123456789abcdef";
    uint8_t *at = digits;
    for (size_t i = 0; i < octets.len; i++) {
        uint8_t octet = octets.data[i];
        *at++ = alphabet[octet >> 4];
        *at++ = alphabet[octet & 15];
    }
}

void sv_put_hex(sv_buffer *b, sipveil_span octets)
{
    bool too_long = octets.len > SIZE_MAX / 2;
    uint8_t *at = sv_put_room(b, too_long ? SIZE_MAX : 2 * octets.len);
    if (at != NULL && !too_long) sv_write_hex(at, octets);
}
