/* SPDX-License-Identifier: BSD-2-Clause */
/* KEKRecipientInfo (RFC 5652 6.2.3) as nearly everybody writes it: DER, every length in one octet, neither
 * date nor other, an AES key wrap without parameters. Such a recipient is recognised whole: what matches is
 * well-formed, and its fields are where they must be. A message to many has many of them, and both the gate
 * and the reader would go through seven values of each one by one. What does not match is left to them. */
#ifndef SV_CMS_USUAL_KEKRI_H
#define SV_CMS_USUAL_KEKRI_H

#include "base/cursor.h"
#include "base/span.h"

enum {
    SV_USUAL_KEKRI_ELEMENTS = 7, /* values in it, itself included */
    SV_USUAL_KEKRI_DEPTH = 2,    /* constructed values one in another, itself included */
    SV_USUAL_KEKRI_LEAST = 24    /* octets, with an empty identifier and an empty key */
};

typedef struct sv_usual_kekri {
    sipveil_span key_id;
    sipveil_span algorithm_oid; /* content octets */
    sipveil_span encrypted_key;
} sv_usual_kekri;

/* Takes one, or nothing. Its length says where it ends, and that of the identifier where all else must be:
 *   A2 n  02 01 04  30 i+2  04 i (identifier)  30 0B 06 09 60 86 48 01 65 03 04 01 x  04 n-22-i (key) */
static inline bool sv_usual_kekri_take(sv_cursor *c, sv_usual_kekri *out)
{
    const uint8_t *at = c->at;
    size_t left = sv_left(c);
    if (left < SV_USUAL_KEKRI_LEAST) return false;
    size_t length = at[1], id = at[8];
    if (length >= 0x80 || length + 2 > left || id + (SV_USUAL_KEKRI_LEAST - 2) > length) return false;
    const uint8_t *algorithm = at + 9 + id;
    size_t key = length - (SV_USUAL_KEKRI_LEAST - 2) - id;
    if (at[0] != 0xA2 || !sv_equal(sv_span(at + 2, 4), SV_SPAN("\x02\x01\x04\x30")) || at[6] != id + 2 || at[7] != 0x04 ||
        !sv_equal(sv_span(algorithm, 8), SV_SPAN("\x30\x0B\x06\x09\x60\x86\x48\x01")) ||
        !sv_equal(sv_span(algorithm + 8, 4), SV_SPAN("\x65\x03\x04\x01")) || algorithm[12] >= 0x80 || algorithm[13] != 0x04 ||
        algorithm[14] != key) {
        return false;
    }
    out->key_id = sv_span(at + 9, id);
    out->algorithm_oid = sv_span(algorithm + 4, 9);
    out->encrypted_key = sv_span(algorithm + 15, key);
    c->at = at + 2 + length;
    return true;
}

#endif
