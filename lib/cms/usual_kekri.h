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
    SV_USUAL_KEKRI_DEPTH = 2     /* constructed values one in another, itself included */
};

typedef struct sv_usual_kekri {
    sipveil_span key_id;
    sipveil_span algorithm_oid; /* content octets */
    sipveil_span encrypted_key;
} sv_usual_kekri;

/* Takes one, or nothing. */
static inline bool sv_usual_kekri_take(sv_cursor *c, sv_usual_kekri *out)
{
    sv_cursor at = *c;
    sipveil_span head, algorithm, last;
    if (!sv_take(&at, 9, &head) || head.data[0] != 0xA2 || head.data[8] >= 0x7E) return false;
    size_t id = head.data[8];
    if (!sv_equal(sv_span(head.data + 2, 4), SV_SPAN("\x02\x01\x04\x30")) || head.data[6] != id + 2 ||
        head.data[7] != 0x04 || !sv_take(&at, id, &out->key_id)) {
        return false;
    }
    /* 2.16.840.1.101.3.4.1.x, x in one octet */
    if (!sv_take(&at, 13, &algorithm) ||
        !sv_equal(sv_span(algorithm.data, 8), SV_SPAN("\x30\x0B\x06\x09\x60\x86\x48\x01")) ||
        !sv_equal(sv_span(algorithm.data + 8, 4), SV_SPAN("\x65\x03\x04\x01")) || algorithm.data[12] >= 0x80) {
        return false;
    }
    out->algorithm_oid = sv_span_from(algorithm, 4);
    if (!sv_take(&at, 2, &last) || last.data[0] != 0x04 || last.data[1] >= 0x80 ||
        !sv_take(&at, last.data[1], &out->encrypted_key)) {
        return false;
    }
    /* The length of the whole, in one octet too. */
    if (head.data[1] >= 0x80 || (size_t)(at.at - c->at) != (size_t)head.data[1] + 2) return false;
    c->at = at.at;
    return true;
}

#endif
