/* SPDX-License-Identifier: BSD-2-Clause */
/* Transfer encodings (RFC 2045 6, RFC 4648 4). Base64 has one text for each octet string here but for
 * line ends: what more than one text could mean is refused. */
#include "base/cursor.h"
#include "mime/mime.h"

enum {
    VALID = 0x40,      /* set in symbol_of[] for the 64 characters; their value is the rest */
    BLANKS_MOST = 64,  /* at line ends, in all: some mail software leaves a few */
    NO_SYMBOL = 0x100, /* end of the text */
    PADDING = 0x101
};

/* clang-format off */
static const uint8_t symbol_of[256] = {
    ['A'] = 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89,
    ['a'] = 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112,
            113, 114, 115,
    ['0'] = 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, ['+'] = 126, ['/'] = 127};
/* clang-format on */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

sipveil_code sv_mime_read_encoding(sipveil_span value, sv_mime_encoding *out, sipveil_error *err)
{
    static const struct {
        const char *name;
        sv_mime_encoding encoding;
    } known[] = {{"7bit", SV_MIME_IDENTITY},
                 {"8bit", SV_MIME_IDENTITY},
                 {"binary", SV_MIME_IDENTITY},
                 {"base64", SV_MIME_BASE64}};
    *out = SV_MIME_IDENTITY;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!sv_equal_nocase_str(value, known[i].name)) continue;
        *out = known[i].encoding;
        return SIPVEIL_OK;
    }
    return sv_fail_rule(err, "mime", SIPVEIL_UNSUPPORTED, "ADV-039", SIPVEIL_NO_OFFSET,
                        "Content-Transfer-Encoding \"%s\" is not handled", SV_QUOTE(value));
}

typedef struct decoder {
    sv_cursor c;
    size_t blanks;
    uint8_t *to;
} decoder;

static sipveil_code malformed(const decoder *d, const char *what, sipveil_error *err)
{
    return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "ADV-038", sv_offset(&d->c), "base64: %s", what);
}

/* Skips line ends (TUN-79; LF alone too, as those write it who never meant it for SIP), with the blanks in front of each. */
static sipveil_code skip_line_ends(decoder *d, sipveil_error *err)
{
    for (;;) {
        size_t blanks = sv_take_while(&d->c, sv_is_blank).len;
        d->blanks += blanks;
        if (d->blanks > BLANKS_MOST) {
            return sv_fail_rule(err, "mime", SIPVEIL_LIMIT, "ADV-038", sv_offset(&d->c),
                                "base64: over %d blanks", BLANKS_MOST);
        }
        if (sv_take_literal(&d->c, "\r\n") || sv_take_literal(&d->c, "\n")) continue;
        if (blanks > 0 && !sv_at_end(&d->c)) return malformed(d, "blank inside a line", err);
        return SIPVEIL_OK;
    }
}

static sipveil_code take_symbol(decoder *d, unsigned *symbol, sipveil_error *err)
{
    uint8_t byte;
    SV_TRY(skip_line_ends(d, err));
    *symbol = NO_SYMBOL;
    if (!sv_peek(&d->c, &byte)) return SIPVEIL_OK;
    *symbol = byte == '=' ? (unsigned)PADDING : symbol_of[byte];
    if (*symbol == 0) return malformed(d, "octet that is not of the alphabet", err);
    (void)sv_take_byte(&d->c, &byte);
    return SIPVEIL_OK;
}

/* Four symbols in one run: all but the first and last of a line, usually. */
static void take_plain_groups(decoder *d)
{
    const uint8_t *at = d->c.at;
    for (; (size_t)(d->c.end - at) >= 4; at += 4) {
        unsigned a = symbol_of[at[0]], b = symbol_of[at[1]], c = symbol_of[at[2]], e = symbol_of[at[3]];
        if (!(a & b & c & e & VALID)) break;
        *d->to++ = (uint8_t)(a << 2 | (b & 0x3F) >> 4);
        *d->to++ = (uint8_t)(b << 4 | (c & 0x3F) >> 2);
        *d->to++ = (uint8_t)(c << 6 | (e & 0x3F));
    }
    d->c.at = at;
}

static sipveil_code take_padded_group(decoder *d, const unsigned s[4], sipveil_error *err)
{
    unsigned last;
    if (s[0] == PADDING || s[1] == PADDING) return malformed(d, "padding too early", err);
    if (s[3] != PADDING) return malformed(d, "padding in the middle", err);
    unsigned spare = s[2] == PADDING ? s[1] & 0x0F : s[2] & 0x03;
    if (spare != 0) return malformed(d, "spare bits are not zero", err);
    SV_TRY(take_symbol(d, &last, err));
    if (last != NO_SYMBOL) return malformed(d, "text after the padding", err);
    *d->to++ = (uint8_t)(s[0] << 2 | (s[1] & 0x3F) >> 4);
    if (s[2] != PADDING) *d->to++ = (uint8_t)(s[1] << 4 | (s[2] & 0x3F) >> 2);
    return SIPVEIL_OK;
}

/* A group that a line end interrupts, or the last one. */
static sipveil_code take_group(decoder *d, bool *ended, sipveil_error *err)
{
    unsigned s[4];
    *ended = false;
    for (size_t i = 0; i < 4; i++) {
        SV_TRY(take_symbol(d, &s[i], err));
        if (s[i] != NO_SYMBOL) continue;
        *ended = i == 0;
        return *ended ? SIPVEIL_OK : malformed(d, "padding is missing", err);
    }
    if (s[0] == PADDING || s[1] == PADDING || s[2] == PADDING || s[3] == PADDING) {
        *ended = true;
        return take_padded_group(d, s, err);
    }
    *d->to++ = (uint8_t)(s[0] << 2 | (s[1] & 0x3F) >> 4);
    *d->to++ = (uint8_t)(s[1] << 4 | (s[2] & 0x3F) >> 2);
    *d->to++ = (uint8_t)(s[2] << 6 | (s[3] & 0x3F));
    return SIPVEIL_OK;
}

sipveil_code sv_mime_decode_base64(sipveil_span text, sv_arena *arena, sipveil_span *out,
                                   sipveil_error *err)
{
    *out = sv_span(NULL, 0);
    uint8_t *octets = sv_arena_alloc_raw(arena, text.len / 4 * 3);
    if (octets == NULL) return sv_no_memory(err, "mime");
    decoder d = {.c = sv_cursor_over(text, "base64"), .to = octets};
    bool ended = false;
    while (!ended) {
        take_plain_groups(&d);
        SV_TRY(take_group(&d, &ended, err));
    }
    *out = sv_span(octets, (size_t)(d.to - octets));
    return SIPVEIL_OK;
}

/* Octets that one line carries. */
static size_t line_octets(size_t octets, size_t columns)
{
    if (columns == 0) return octets;
    return columns < 4 ? 3 : columns / 4 * 3;
}

size_t sv_mime_base64_size(size_t octets, size_t columns)
{
    if (octets > SIZE_MAX / 8) return SIZE_MAX; /* no object is that large */
    size_t size = (octets + 2) / 3 * 4;
    if (columns == 0 || octets == 0) return size;
    size_t line = line_octets(octets, columns);
    return size + (octets + line - 1) / line * 2;
}

static uint8_t *put_line(uint8_t *to, sv_cursor *c)
{
    uint8_t a, b = 0, e = 0;
    while (sv_take_byte(c, &a)) {
        bool has_b = sv_take_byte(c, &b), has_e = sv_take_byte(c, &e);
        if (!has_b) b = 0;
        if (!has_e) e = 0;
        *to++ = (uint8_t)alphabet[a >> 2];
        *to++ = (uint8_t)alphabet[(a & 0x03) << 4 | b >> 4];
        *to++ = has_b ? (uint8_t)alphabet[(b & 0x0F) << 2 | e >> 6] : '=';
        *to++ = has_e ? (uint8_t)alphabet[e & 0x3F] : '=';
    }
    return to;
}

void sv_mime_put_base64(sv_buffer *out, sipveil_span octets, size_t columns)
{
    uint8_t *to = sv_put_room(out, sv_mime_base64_size(octets.len, columns));
    size_t line = line_octets(octets.len, columns);
    sv_cursor c = sv_cursor_over(octets, "octets"), part;
    if (to == NULL) return;
    while (!sv_at_end(&c)) {
        (void)sv_take_cursor(&c, line < sv_left(&c) ? line : sv_left(&c), "line", &part);
        to = put_line(to, &part);
        if (columns == 0) continue;
        *to++ = '\r';
        *to++ = '\n';
    }
}

/* ---- base64url ---- */

static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of a character of base64url, with VALID; 0: none. */
static unsigned url_symbol(uint8_t c)
{
    if (c == '-') return VALID | 62u;
    if (c == '_') return VALID | 63u;
    return c == '+' || c == '/' ? 0u : symbol_of[c];
}

sipveil_code sv_mime_decode_base64url(sipveil_span text, sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    uint8_t *data = sv_arena_alloc_raw(arena, text.len / 4 * 3 + 3);
    size_t used = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    *out = sv_span(NULL, 0);
    if (data == NULL) return sv_no_memory(err, "mime");
    for (size_t i = 0; i < text.len; i++) {
        unsigned symbol = url_symbol(text.data[i]);
        if (symbol == 0) {
            return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "IDN-22", i, "not base64url without padding");
        }
        bits = bits << 6 | (symbol & 0x3F);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        data[used++] = (uint8_t)(bits >> held);
        bits &= (1u << held) - 1;
    }
    if (held >= 6 || bits != 0) {
        return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "IDN-22", text.len,
                            "base64url that is cut short or has spare bits");
    }
    *out = sv_span(data, used);
    return SIPVEIL_OK;
}

void sv_mime_put_base64url(sv_buffer *out, sipveil_span octets)
{
    uint8_t *to = octets.len > SIZE_MAX / 8 ? NULL : sv_put_room(out, (octets.len * 4 + 2) / 3);
    const uint8_t *at = octets.data;
    if (to == NULL || octets.len == 0) return;
    for (const uint8_t *last = at + octets.len / 3 * 3; at < last; at += 3) {
        uint32_t bits = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
        *to++ = (uint8_t)url_alphabet[bits >> 18];
        *to++ = (uint8_t)url_alphabet[bits >> 12 & 63];
        *to++ = (uint8_t)url_alphabet[bits >> 6 & 63];
        *to++ = (uint8_t)url_alphabet[bits & 63];
    }
    size_t rest = octets.len % 3;
    if (rest == 0) return;
    uint32_t bits = (uint32_t)at[0] << 16 | (rest > 1 ? (uint32_t)at[1] << 8 : 0);
    *to++ = (uint8_t)url_alphabet[bits >> 18];
    *to++ = (uint8_t)url_alphabet[bits >> 12 & 63];
    if (rest > 1) *to = (uint8_t)url_alphabet[bits >> 6 & 63];
}
