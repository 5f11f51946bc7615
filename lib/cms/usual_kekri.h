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

enum { SV_USUAL_KEKRI_ID = 9 /* octets in front of the identifier, the last of them its length */ };

/* How many they are, if all are in that form and but for the octets of identifier and key the same; else 0. All of
 * a message mostly are: then each is compared with the first one instead of looked at. */
static inline size_t sv_usual_kekri_alike(sipveil_span all)
{
    sv_cursor c = sv_cursor_over(all, "recipients");
    sv_usual_kekri first;
    size_t count = 1;
    uint64_t difference = 0;
    if (!sv_usual_kekri_take(&c, &first)) return 0;
    size_t step = sv_offset(&c), algorithm = SV_USUAL_KEKRI_ID + first.key_id.len; /* 15 octets, up to the key */
    for (; sv_left(&c) >= step; c.at += step, count++) {
        difference |= sv_difference_of_8(c.at, c.start) | sv_difference_of_8(c.at + 1, c.start + 1) |
                      sv_difference_of_8(c.at + algorithm, c.start + algorithm) |
                      sv_difference_of_8(c.at + algorithm + 7, c.start + algorithm + 7);
    }
    return difference == 0 && sv_at_end(&c) ? count : 0;
}

/* One of those. */
static inline sipveil_span sv_usual_kekri_at(sipveil_span alike, size_t place)
{
    size_t step = (size_t)alike.data[1] + 2;
    return sv_span(alike.data + place * step, step);
}
static inline sipveil_span sv_usual_kekri_id(sipveil_span one)
{
    return sv_span(one.data + SV_USUAL_KEKRI_ID, one.data[SV_USUAL_KEKRI_ID - 1]);
}
static inline sv_usual_kekri sv_usual_kekri_fields(sipveil_span one)
{
    sipveil_span id = sv_usual_kekri_id(one);
    size_t algorithm = SV_USUAL_KEKRI_ID + id.len;
    return (sv_usual_kekri){id, sv_span(one.data + algorithm + 4, 9), sv_span_from(one, algorithm + 15)};
}

#endif
