/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/octet.h"

#include <string.h>

/* Where an octet may stand. */
enum {
    IN_URI = SV_OCTET_USER | SV_OCTET_PASSWORD | SV_OCTET_PARAMETER | SV_OCTET_HEADER | SV_OCTET_URIC,
    MARK = SV_OCTET_UNRESERVED | IN_URI, /* - _ . ! ~ * ' ( ) */
    TOKEN = SV_OCTET_TOKEN | SV_OCTET_GEN_VALUE | SV_OCTET_WORD | SV_OCTET_DISPLAY,
    ALPHANUM = TOKEN | SV_OCTET_MIME_TOKEN | MARK | SV_OCTET_SCHEME | SV_OCTET_LABEL,
    SPEC = SV_OCTET_ADDR_SPEC,
    MIME = SV_OCTET_MIME_TOKEN,
    WHITE = SV_OCTET_WHITE,
    USER = SV_OCTET_USER | SV_OCTET_URIC, /* what a user part may hold, URIs of other schemes may */
    BRACKET = SPEC | SV_OCTET_GEN_VALUE | SV_OCTET_WORD | SV_OCTET_PARAMETER | SV_OCTET_HEADER | SV_OCTET_URIC
};

__extension__ const uint32_t sv_octet_classes[256] = {
    [0x00 ... 0x08] = SPEC,
    ['\t'] = WHITE | SV_OCTET_BLANK,
    ['\n'] = WHITE,
    [0x0B ... 0x0C] = SPEC,
    ['\r'] = WHITE,
    [0x0E ... 0x1F] = SPEC,
    [' '] = WHITE | SV_OCTET_BLANK,
    ['!'] = SPEC | TOKEN | MIME | MARK,
    ['"'] = SV_OCTET_WORD,
    ['#'] = SPEC | MIME,
    ['$'] = SPEC | MIME | IN_URI,
    ['%'] = SPEC | TOKEN | MIME,
    ['&'] = SPEC | MIME | USER | SV_OCTET_PASSWORD | SV_OCTET_PARAMETER,
    ['\''] = SPEC | TOKEN | MIME | MARK,
    ['('] = SPEC | SV_OCTET_WORD | MARK,
    [')'] = SPEC | SV_OCTET_WORD | MARK,
    ['*'] = SPEC | TOKEN | MIME | MARK,
    ['+'] = SPEC | TOKEN | MIME | IN_URI | SV_OCTET_SCHEME,
    [','] = USER | SV_OCTET_PASSWORD,
    ['-'] = SPEC | TOKEN | MIME | MARK | SV_OCTET_SCHEME | SV_OCTET_LABEL,
    ['.'] = SPEC | TOKEN | MIME | MARK | SV_OCTET_SCHEME | SV_OCTET_REFERENCE,
    ['/'] = SPEC | SV_OCTET_WORD | USER | SV_OCTET_PARAMETER | SV_OCTET_HEADER,
    ['0' ... '9'] = SPEC | ALPHANUM | SV_OCTET_DIGIT | SV_OCTET_HEX | SV_OCTET_REFERENCE,
    [':'] = BRACKET | SV_OCTET_REFERENCE,
    [';'] = USER,
    ['<'] = SV_OCTET_WORD,
    ['='] = SPEC | USER | SV_OCTET_PASSWORD,
    ['>'] = SV_OCTET_WORD,
    ['?'] = SV_OCTET_WORD | USER | SV_OCTET_HEADER,
    ['@'] = SPEC | SV_OCTET_URIC,
    ['A' ... 'F'] = SPEC | ALPHANUM | SV_OCTET_ALPHA | SV_OCTET_HEX | SV_OCTET_REFERENCE,
    ['G' ... 'Z'] = SPEC | ALPHANUM | SV_OCTET_ALPHA,
    ['['] = BRACKET,
    ['\\'] = SPEC | SV_OCTET_WORD,
    [']'] = BRACKET,
    ['^'] = SPEC | MIME,
    ['_'] = SPEC | TOKEN | MIME | MARK,
    ['`'] = SPEC | TOKEN | MIME,
    ['a' ... 'f'] = SPEC | ALPHANUM | SV_OCTET_ALPHA | SV_OCTET_HEX | SV_OCTET_REFERENCE,
    ['g' ... 'z'] = SPEC | ALPHANUM | SV_OCTET_ALPHA,
    ['{'] = SPEC | MIME | SV_OCTET_WORD,
    ['|'] = SPEC | MIME,
    ['}'] = SPEC | MIME | SV_OCTET_WORD,
    ['~'] = SPEC | TOKEN | MIME | MARK,
    [0x7F] = SPEC,
    [0x80 ... 0xFF] = SPEC | SV_OCTET_DISPLAY,
};

const uint8_t *sv_end_of_run(const uint8_t *at, const uint8_t *end, uint32_t classes)
{
    for (; end - at >= 4; at += 4) {
        if (!sv_is_in(at[0], classes)) return at;
        if (!sv_is_in(at[1], classes)) return at + 1;
        if (!sv_is_in(at[2], classes)) return at + 2;
        if (!sv_is_in(at[3], classes)) return at + 3;
    }
    while (at != end && sv_is_in(*at, classes)) at++;
    return at;
}

/* No step reads from a page that the octets looked for may not reach: a body that is not for us may lie where nobody can
 * read (E2M-50). So all steps but the first and the last are aligned, and the first one crosses into no other page. */
static inline bool crosses_page(const uint8_t *at)
{
    return ((uintptr_t)at & (SV_PAGE - 1)) > SV_PAGE - SV_VECTOR;
}

const uint8_t *sv_find_stop(const uint8_t *at, const uint8_t *end, const sv_stops *stops)
{
    for (; at < end && crosses_page(at); at++) {
        if (sv_is_stop(*at, stops)) return at;
    }
    if (end - at >= (ptrdiff_t)SV_VECTOR) {
        sv_vector most, a, b, c, v;
        sv_load_vector(&most, stops->at_most);
        sv_load_vector(&a, stops->others[0]);
        sv_load_vector(&b, stops->others[1]);
        sv_load_vector(&c, stops->others[2]);
        const uint8_t *last = end - SV_VECTOR;
        for (;;) {
            sv_load_vector(&v, at);
            const sv_vector found = (sv_vector)((v <= most) | (v == a) | (v == b) | (v == c));
            size_t place = sv_first_set(&found);
            if (place < SV_VECTOR) return at + place;
            if (at == last) return end;
            at += SV_VECTOR - ((uintptr_t)at & (SV_VECTOR - 1));
            if (at > last) at = last; /* overlaps */
        }
    }
    while (at < end && !sv_is_stop(*at, stops)) at++;
    return at;
}
