/* SPDX-License-Identifier: BSD-2-Clause */
/* What a gate does with every octet that comes in, made cheap: which classes of RFC 3261 25.1 and RFC 2045 5.1 it belongs
 * to, how far a run of one class goes, and where the next octet stands that ends a run of free text. */
#ifndef SV_BASE_OCTET_H
#define SV_BASE_OCTET_H

#include "sipveil/base.h"

/* One bit each in a table; several may be asked for at once. */
enum {
    SV_OCTET_DIGIT = 1 << 0,
    SV_OCTET_ALPHA = 1 << 1,
    SV_OCTET_HEX = 1 << 2,
    SV_OCTET_BLANK = 1 << 3,      /* SP HTAB */
    SV_OCTET_WHITE = 1 << 4,      /* SP HTAB CR LF */
    SV_OCTET_TOKEN = 1 << 5,      /* alphanum - . ! % * _ + ` ' ~ */
    SV_OCTET_MIME_TOKEN = 1 << 6, /* RFC 2045: no tspecials, no blank, no control */
    SV_OCTET_GEN_VALUE = 1 << 7,  /* value of a parameter without quotes: token, host in brackets */
    SV_OCTET_WORD = 1 << 8,       /* of a Call-ID */
    SV_OCTET_DISPLAY = 1 << 9,    /* name without quotes: tokens, and 8-bit text that many write there */
    SV_OCTET_ADDR_SPEC = 1 << 10, /* what does not end a URI that stands without brackets */
    /* of URIs, %-escapes apart */
    SV_OCTET_UNRESERVED = 1 << 11,
    SV_OCTET_USER = 1 << 12,
    SV_OCTET_PASSWORD = 1 << 13,
    SV_OCTET_PARAMETER = 1 << 14,
    SV_OCTET_HEADER = 1 << 15,
    SV_OCTET_URIC = 1 << 16,      /* of other schemes */
    SV_OCTET_SCHEME = 1 << 17,
    SV_OCTET_LABEL = 1 << 18,     /* of a host name: alphanum - */
    SV_OCTET_REFERENCE = 1 << 19  /* between the brackets of an IPv6 address */
};
extern const uint32_t sv_octet_classes[256];

static inline bool sv_is_in(uint8_t c, uint32_t classes)
{
    return (sv_octet_classes[c] & classes) != 0;
}

/* Past the run of octets that are in one of the classes. */
const uint8_t *sv_end_of_run(const uint8_t *at, const uint8_t *end, uint32_t classes);

/* Octets to stop at: all up to at_most, and three more (or one of them several times), each sixteen times for a vector. */
typedef struct sv_stops {
    uint8_t at_most[16], others[3][16];
} sv_stops;
#define SV_SIXTEEN(c) {c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c}
#define SV_STOPS(most, a, b, c) {SV_SIXTEEN(most), {SV_SIXTEEN(a), SV_SIXTEEN(b), SV_SIXTEEN(c)}}

static inline bool sv_is_stop(uint8_t c, const sv_stops *stops)
{
    return c <= stops->at_most[0] || c == stops->others[0][0] || c == stops->others[1][0] || c == stops->others[2][0];
}

/* The first stop from `at` on; end where there is none, and `at` where that lies behind it. Sixteen octets a step where the machine has vectors. */
const uint8_t *sv_find_stop(const uint8_t *at, const uint8_t *end, const sv_stops *stops);

#endif
