/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: tag and length of one value, as both readers of DER take them: the gate over all of a message
 * (der_scan.c), and whoever takes it apart after that (der_read.c). */
#ifndef SV_CMS_DER_HEADER_H
#define SV_CMS_DER_HEADER_H

#include "cms/der_read.h"

enum {
    SV_DER_TAG_NUMBER = 0x1F, /* low-tag form: the number; all ones announce the high-tag form */
    SV_DER_OID_MOST = 64      /* octets of an object identifier; real ones stay under 20 */
};

typedef struct sv_der_header {
    uint8_t tag;
    bool indefinite;
    size_t length;
} sv_der_header;

/* Tag and length in their long forms. NULL, or what is wrong with them. X.690 8.1.2, 8.1.3; lengths longer than they need
 * to be are refused in BER too: nothing we read writes them (ADV-052). */
const char *sv_der_take_long_header(sv_cursor *c, sv_der_header *h);

/* Tag and length. NULL, or what is wrong with them. Nearly all are of two octets, most others of four. */
static inline const char *sv_der_take_header(sv_cursor *c, sv_der_header *h)
{
    size_t left = sv_left(c), length;
    const uint8_t *at = c->at;
    if (left >= 2 && at[1] < 0x80 && (size_t)at[1] + 2 <= left && (at[0] & SV_DER_TAG_NUMBER) != SV_DER_TAG_NUMBER) {
        *h = (sv_der_header){.tag = at[0], .length = at[1]};
        c->at += 2;
        return NULL;
    }
    if (left >= 4 && at[1] == 0x82 && at[2] != 0 && (at[0] & SV_DER_TAG_NUMBER) != SV_DER_TAG_NUMBER) {
        length = (size_t)at[2] << 8 | at[3];
        if (length + 4 <= left) {
            *h = (sv_der_header){.tag = at[0], .length = length};
            c->at += 4;
            return NULL;
        }
    }
    return sv_der_take_long_header(c, h);
}

/* X.690 8.3: at least one octet, no padding. NULL, or what is wrong. */
const char *sv_der_check_integer(sipveil_span number);

#endif
