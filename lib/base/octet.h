/* SPDX-License-Identifier: BSD-2-Clause */
/* What a gate does with every octet that comes in, made cheap: which classes of RFC 3261 25.1 and RFC 2045 5.1 it belongs
 * to, how far a run of one class goes, and where the next octet stands that ends a run of free text. */
#ifndef SV_BASE_OCTET_H
#define SV_BASE_OCTET_H

#include <string.h>

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

/* Vectors of GCC and clang: SSE2, NEON, or plain registers where a machine has neither. They go by address: by value, a call would
 * depend on what the machine has. */
typedef uint8_t sv_vector __attribute__((vector_size(16)));
enum { SV_VECTOR = sizeof(sv_vector), SV_PAGE = 4096 /* no machine has smaller ones */ };

static inline void sv_load_vector(sv_vector *v, const uint8_t *at)
{
    memcpy(v, at, sizeof *v);
}

/* One bit for each octet of a comparison; the first octet is the lowest bit. */
static inline uint32_t sv_vector_bits(const sv_vector *compared)
{
#ifdef __SSE2__
    typedef char signed_vector __attribute__((vector_size(16)));
    return (uint32_t)__builtin_ia32_pmovmskb128((signed_vector)*compared);
#else
    uint64_t halves[2]; /* a product brings the eight bits of a half together in its highest octet */
    memcpy(halves, compared, sizeof halves);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    halves[0] = __builtin_bswap64(halves[0]);
    halves[1] = __builtin_bswap64(halves[1]);
#endif
    uint64_t low = (halves[0] & 0x8040201008040201u) * 0x0101010101010101u >> 56;
    uint64_t high = (halves[1] & 0x8040201008040201u) * 0x0101010101010101u >> 56;
    return (uint32_t)(low | high << 8);
#endif
}

/* The place of the first octet of a comparison that holds; SV_VECTOR: of none. */
static inline size_t sv_first_set(const sv_vector *compared)
{
#ifdef __SSE2__
    uint32_t bits = sv_vector_bits(compared);
    return bits != 0 ? (size_t)__builtin_ctz(bits) : SV_VECTOR;
#else
    uint64_t halves[2];
    memcpy(halves, compared, sizeof halves);
    if ((halves[0] | halves[1]) == 0) return SV_VECTOR;
    size_t place = halves[0] != 0 ? 0 : 8;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return place + (size_t)__builtin_clzll(halves[place / 8]) / 8;
#else
    return place + (size_t)__builtin_ctzll(halves[place / 8]) / 8;
#endif
#endif
}

/* Octets from low to high: moved to the end of what is signed, so that one comparison tells them from all others. */
typedef int8_t sv_signed_vector __attribute__((vector_size(16)));
#define SV_IN_RANGE(v, low, high) ((sv_vector)((sv_signed_vector)((v) + (INT8_MAX - (high))) > INT8_MAX - 1 - ((high) - (low))))

/* Letters and digits. */
static inline void sv_find_alphanum(const sv_vector *v, sv_vector *found)
{
    *found = SV_IN_RANGE(*v | 0x20, 'a', 'z') | SV_IN_RANGE(*v, '0', '9');
}

/* Alphanum - . _ +: what stands for itself in a token, a user part, the parameter of a URI. */
static inline void sv_find_word(const sv_vector *v, sv_vector *found)
{
    sv_vector between = SV_IN_RANGE(*v, '+', '9') & ~(sv_vector)((*v == ',') | (*v == '/'));
    *found = SV_IN_RANGE(*v | 0x20, 'a', 'z') | between | (sv_vector)(*v == '_');
}

/* How far one may read beyond `at` without a look at the next page: a body that is not for us may lie where nobody can
 * read (E2M-50). */
static inline const uint8_t *sv_end_of_page(const uint8_t *at, const uint8_t *end)
{
    size_t left = SV_PAGE - ((uintptr_t)at & (SV_PAGE - 1));
    return (size_t)(end - at) > left ? at + left : end;
}

/* Past the run of word octets, as far as whole vectors go: a run that comes nearer to the end is cut short, before an
 * octet that would belong to it. */
static inline const uint8_t *sv_end_of_word(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= SV_VECTOR; at += SV_VECTOR) {
        sv_vector v, word;
        sv_load_vector(&v, at);
        sv_find_word(&v, &word);
        word = ~word;
        size_t place = sv_first_set(&word);
        if (place < SV_VECTOR) return at + place;
    }
    return at;
}

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
