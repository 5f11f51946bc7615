/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of the partner table, read strictly. */
#include <stdio.h>

#include "base/calendar.h"
#include "sip/uri.h"
#include "trust/table.h"

static sipveil_code refuse(sipveil_error *err, const char *what, sipveil_span value)
{
    return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET, "'%s' is no %s", SV_QUOTE(value),
                        what);
}

static bool is_item_octet(uint8_t c)
{
    return c > 0x20 && c < 0x7F && c != ',';
}

sipveil_code sv_value_list(sipveil_span value, sipveil_span *items, size_t *count, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "list");
    *count = 0;
    while (!sv_at_end(&c)) {
        sipveil_span item = sv_take_while(&c, is_item_octet);
        if (item.len == 0) return refuse(err, "list", value);
        if (*count == SV_LIST_MOST) {
            return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET, "more than %d items",
                                SV_LIST_MOST);
        }
        items[(*count)++] = item;
        (void)sv_take_while(&c, sv_is_blank);
        if (sv_take_if(&c, ',')) {
            (void)sv_take_while(&c, sv_is_blank);
            if (sv_at_end(&c)) return refuse(err, "list (it ends in a comma)", value);
        }
    }
    return SIPVEIL_OK;
}

sipveil_code sv_value_word(sipveil_span value, const sv_word *words, size_t count, unsigned *out, sipveil_error *err)
{
    char known[160] = "";
    for (size_t i = 0; i < count; i++) {
        if (!sv_equal_nocase_str(value, words[i].word)) continue;
        *out = words[i].bit;
        return SIPVEIL_OK;
    }
    for (size_t i = 0, used = 0; i < count && used < sizeof known; i++) {
        int n = snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", words[i].word);
        used += n > 0 ? (size_t)n : 0;
    }
    return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET, "'%s' is none of %s",
                        SV_QUOTE(value), known);
}

sipveil_code sv_value_words(sipveil_span value, const sv_word *words, size_t count, unsigned *out, sipveil_error *err)
{
    sipveil_span items[SV_LIST_MOST];
    size_t item_count;
    unsigned bit = 0, all = 0;
    SV_TRY(sv_value_list(value, items, &item_count, err));
    for (size_t i = 0; i < item_count; i++) {
        SV_TRY(sv_value_word(items[i], words, count, &bit, err));
        all |= bit;
    }
    *out = all;
    return SIPVEIL_OK;
}

sipveil_code sv_value_yes(sipveil_span value, bool *out, sipveil_error *err)
{
    static const sv_word words[] = {{"yes", 1}, {"no", 0}};
    unsigned bit = 0;
    SV_TRY(sv_value_word(value, words, 2, &bit, err));
    *out = bit != 0;
    return SIPVEIL_OK;
}

static bool is_label_octet(uint8_t c)
{
    return sv_is_alnum(c) || c == '-';
}

/* RFC 1123 2.1: labels of letters, digits, hyphens; a last label of digits alone would be an address. */
static bool is_domain(sipveil_span value)
{
    sv_cursor c = sv_cursor_over(value, "domain");
    bool letter = false;
    if (value.len == 0 || value.len > 253) return false;
    do {
        sipveil_span label = sv_take_while(&c, is_label_octet);
        if (label.len == 0 || label.len > 63 || label.data[0] == '-' || label.data[label.len - 1] == '-') return false;
        letter = false;
        for (size_t i = 0; i < label.len; i++) letter |= !sv_is_digit(label.data[i]);
    } while (sv_take_if(&c, '.'));
    return sv_at_end(&c) && letter;
}

sipveil_code sv_value_domain(sipveil_span value, sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    size_t star;
    *out = sv_span(NULL, 0);
    if (sv_find_byte(value, '*', &star)) {
        sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET, "'%s' holds a wildcard",
                     SV_QUOTE(value));
        return sv_hint(err, SIPVEIL_USAGE,
                       "list each sub-domain by its own name; a name stands for itself alone (RFC 5922 7.2)");
    }
    if (!is_domain(value)) return refuse(err, "domain name", value);
    uint8_t *text = sv_arena_alloc_raw(arena, value.len);
    if (text == NULL) return sv_no_memory(err, SV_TRUST);
    for (size_t i = 0; i < value.len; i++) text[i] = (uint8_t)sv_lower(value.data[i]);
    *out = sv_span(text, value.len);
    return SIPVEIL_OK;
}

/* ---- addresses ---- */

static bool take_decimal(sv_cursor *c, uint64_t most, uint64_t *out)
{
    sipveil_span digits = sv_take_while(c, sv_is_digit);
    bool leading_zero = digits.len > 1 && digits.data[0] == '0'; /* octal to some: nobody's address */
    return digits.len > 0 && !leading_zero && sv_read_number(digits, most, out);
}

static bool take_v4(sv_cursor *c, uint8_t out[4])
{
    uint64_t octet;
    for (int i = 0; i < 4; i++) {
        if ((i > 0 && !sv_take_if(c, '.')) || !take_decimal(c, 255, &octet)) return false;
        out[i] = (uint8_t)octet;
    }
    return true;
}

static bool is_v6_octet(uint8_t c)
{
    return sv_is_hex(c) || c == ':' || c == '.';
}

bool sv_read_ip(sipveil_span text, uint8_t out[16], bool *is_v4)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    sv_cursor c = sv_cursor_over(text, "address");
    *is_v4 = take_v4(&c, out + 12) && sv_at_end(&c);
    if (*is_v4) {
        for (size_t i = 0; i < sizeof mapped; i++) out[i] = mapped[i];
        return true;
    }
    bool brackets = text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']';
    sipveil_span bare = brackets ? sv_span(text.data + 1, text.len - 2) : text;
    char reference[64];
    c = sv_cursor_over(bare, "address");
    if (bare.len == 0 || bare.len > 45 || sv_take_while(&c, is_v6_octet).len != bare.len) return false;
    int len = snprintf(reference, sizeof reference, "[%.*s]", (int)bare.len, (const char *)bare.data);
    return sv_sip_read_ipv6(sv_span(reference, (size_t)len), out);
}

/* Whether an IPv6 range reaches into ::ffff:0:0/96, where the IPv4 addresses stand. */
static bool holds_v4(const sv_prefix *p, uint64_t bits)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    for (uint64_t bit = 0; bit < bits && bit < 96; bit++) {
        if ((p->octets[bit / 8] ^ mapped[bit / 8]) & 0x80 >> bit % 8) return false;
    }
    return true;
}

static sipveil_code check_bits(sipveil_span value, sv_prefix *p, bool is_v4, uint64_t bits, sipveil_error *err)
{
    unsigned least = is_v4 ? 8 : holds_v4(p, bits) ? 96 + 8 : 16;
    if (bits < least) {
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET,
                            "'%s' is wider than /%u: too many hosts for one partner", SV_QUOTE(value), least);
    }
    p->bits = (uint8_t)(bits + (is_v4 ? 96 : 0));
    for (unsigned bit = p->bits; bit < 128; bit++) {
        if (!(p->octets[bit / 8] & 0x80 >> bit % 8)) continue;
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET,
                            "'%s' has bits set beyond its length: the address or the length is wrong", SV_QUOTE(value));
    }
    return SIPVEIL_OK;
}

sipveil_code sv_value_prefix(sipveil_span value, sv_prefix *out, sipveil_error *err)
{
    size_t slash = value.len;
    bool is_v4, has_length = sv_find_byte(value, '/', &slash);
    uint64_t bits;
    *out = (sv_prefix){0};
    if (!sv_read_ip(sv_span(value.data, slash), out->octets, &is_v4)) return refuse(err, "address range", value);
    bits = is_v4 ? 32 : 128;
    if (has_length) {
        sv_cursor c = sv_cursor_over(sv_span_from(value, slash + 1), "prefix length");
        if (!take_decimal(&c, bits, &bits) || !sv_at_end(&c)) return refuse(err, "address range", value);
    }
    return check_bits(value, out, is_v4, bits, err);
}

/* ---- times ---- */

static bool take_digits(sv_cursor *c, size_t count, int *out)
{
    sipveil_span digits;
    uint64_t number;
    if (!sv_take(c, count, &digits) || !sv_read_number(digits, 9999, &number)) return false;
    *out = (int)number;
    return true;
}

sipveil_code sv_value_time(sipveil_span value, bool last, int64_t *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "time");
    sv_calendar at = {0};
    bool good = take_digits(&c, 4, &at.year) && sv_take_if(&c, '-') && take_digits(&c, 2, &at.month) && sv_take_if(&c, '-') &&
                take_digits(&c, 2, &at.day);
    if (good && sv_at_end(&c)) {
        if (last) at.hour = 23, at.minute = at.second = 59;
    } else {
        good = good && (sv_take_if(&c, 'T') || sv_take_if(&c, 't')) && take_digits(&c, 2, &at.hour) &&
               sv_take_if(&c, ':') && take_digits(&c, 2, &at.minute) && sv_take_if(&c, ':') &&
               take_digits(&c, 2, &at.second) && (sv_take_if(&c, 'Z') || sv_take_if(&c, 'z')) && sv_at_end(&c);
    }
    if (good && at.year >= 1970 && sv_calendar_seconds(&at, out)) return SIPVEIL_OK;
    return refuse(err, "time in UTC (2026-11-21, or 2026-11-21T10:00:00Z)", value);
}
