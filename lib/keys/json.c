/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/json.h"

#include "base/cursor.h"
#include "base/span.h"

typedef struct reader {
    sv_cursor c;
    sv_arena *arena;
    unsigned depth_most;
    sipveil_error *err;
} reader;

static sipveil_code fail(const reader *r, const char *why)
{
    return sv_fail_rule(r->err, "keys", SIPVEIL_USAGE, "", sv_offset(&r->c), "JSON, octet %zu: %s",
                        sv_offset(&r->c), why);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(reader *r)
{
    (void)sv_take_while(&r->c, is_space);
}

/* ---- strings ---- */

static bool take_hex4(sv_cursor *c, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t digit;
        if (!sv_take_byte(c, &digit) || !sv_is_hex(digit)) return false;
        *out = *out << 4 | sv_hex_value(digit);
    }
    return true;
}

static size_t put_utf8(uint8_t *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    static const uint8_t lead[] = {0, 0xC0, 0xE0, 0xF0};
    size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    out[0] = (uint8_t)(lead[more] | point >> (6 * more));
    for (size_t i = 1; i <= more; i++) {
        out[i] = (uint8_t)(0x80 | (point >> (6 * (more - i)) & 0x3F));
    }
    return more + 1;
}

/* After the backslash. At most 4 octets out, and never more than were read. */
static bool take_escape(sv_cursor *c, uint8_t *out, size_t *len)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint8_t kind;
    size_t at;
    if (!sv_take_byte(c, &kind)) return false;
    if (sv_find_byte(sv_span_str(from), kind, &at)) {
        out[0] = (uint8_t)to[at];
        *len = 1;
        return true;
    }
    uint32_t point, low;
    if (kind != 'u' || !take_hex4(c, &point) || point == 0 || (point >= 0xDC00 && point <= 0xDFFF)) {
        return false;
    }
    if (point >= 0xD800 && point <= 0xDBFF) {
        if (!sv_take_literal(c, "\\u") || !take_hex4(c, &low) || low < 0xDC00 || low > 0xDFFF) {
            return false;
        }
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    *len = put_utf8(out, point);
    return true;
}

/* One character of two to four octets, shortest form, no surrogate (RFC 3629). */
static bool take_multibyte(sv_cursor *c, uint8_t lead, uint8_t *out, size_t *len)
{
    size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4) return false;
    uint32_t point = lead & (0x3Fu >> more);
    out[0] = lead;
    for (size_t i = 1; i <= more; i++) {
        uint8_t next;
        if (!sv_take_byte(c, &next) || (next & 0xC0) != 0x80) return false;
        out[i] = next;
        point = point << 6 | (next & 0x3F);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    *len = more + 1;
    return point >= least[more] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

static sipveil_code take_string(reader *r, sipveil_span *out)
{
    if (!sv_take_if(&r->c, '"')) return fail(r, "a string is expected");
    size_t room = 0; /* the closing quote is the first that no backslash precedes */
    for (uint8_t c; sv_peek_at(&r->c, room, &c) && c != '"'; room++) {
        if (c == '\\') room++;
    }
    if (room >= sv_left(&r->c)) return fail(r, "a string without end");
    uint8_t *data = sv_arena_alloc_raw(r->arena, room + 1);
    if (data == NULL) return sv_no_memory(r->err, "keys");
    size_t used = 0;
    for (uint8_t c; sv_take_byte(&r->c, &c) && c != '"';) {
        size_t len = 1;
        bool good = c >= 0x20;
        if (c == '\\') {
            good = take_escape(&r->c, data + used, &len);
        } else if (c >= 0x80) {
            good = take_multibyte(&r->c, c, data + used, &len);
        } else {
            data[used] = c;
        }
        if (!good) return fail(r, "a string holds a wrong escape, a control or no UTF-8");
        used += len;
    }
    *out = sv_span(data, used);
    return SIPVEIL_OK;
}

/* ---- other values ---- */

static bool take_digits(sv_cursor *c)
{
    return sv_take_while(c, sv_is_digit).len > 0;
}

static sipveil_code take_number(reader *r, sv_json *value)
{
    const uint8_t *start = r->c.at;
    (void)sv_take_if(&r->c, '-');
    bool good = sv_take_if(&r->c, '0') || take_digits(&r->c);
    if (good && sv_take_if(&r->c, '.')) good = take_digits(&r->c);
    if (good && (sv_take_if(&r->c, 'e') || sv_take_if(&r->c, 'E'))) {
        if (!sv_take_if(&r->c, '+')) (void)sv_take_if(&r->c, '-');
        good = take_digits(&r->c);
    }
    if (!good) return fail(r, "not a value");
    value->kind = SV_JSON_NUMBER;
    value->text = sv_span(start, (size_t)(r->c.at - start));
    return SIPVEIL_OK;
}

static sipveil_code take_value(reader *r, unsigned depth, sv_json *value);

static sipveil_code take_members(reader *r, unsigned depth, sv_json *value)
{
    bool object = value->kind == SV_JSON_OBJECT;
    uint8_t end = object ? '}' : ']';
    sv_json **place = &value->first;
    if (depth >= r->depth_most) return fail(r, "nested too deep");
    skip_space(r);
    if (sv_take_if(&r->c, end)) return SIPVEIL_OK;
    for (size_t count = 0;; count++) {
        sv_json *member = sv_arena_alloc(r->arena, sizeof *member);
        if (member == NULL) return sv_no_memory(r->err, "keys");
        skip_space(r);
        if (object) {
            if (count == SV_JSON_MEMBERS_MOST) return fail(r, "too many members");
            SV_TRY(take_string(r, &member->name));
            for (const sv_json *m = value->first; m != NULL; m = m->next) {
                if (sv_equal(m->name, member->name)) return fail(r, "a member stands twice");
            }
            skip_space(r);
            if (!sv_take_if(&r->c, ':')) return fail(r, "':' is expected");
        }
        SV_TRY(take_value(r, depth + 1, member));
        *place = member;
        place = &member->next;
        skip_space(r);
        if (sv_take_if(&r->c, end)) return SIPVEIL_OK;
        if (!sv_take_if(&r->c, ',')) return fail(r, "',' is expected");
    }
}

static sipveil_code take_value(reader *r, unsigned depth, sv_json *value)
{
    uint8_t c;
    skip_space(r);
    if (!sv_peek(&r->c, &c)) return fail(r, "a value is expected");
    if (c == '"') {
        value->kind = SV_JSON_STRING;
        return take_string(r, &value->text);
    }
    if (sv_take_if(&r->c, '{')) {
        value->kind = SV_JSON_OBJECT;
        return take_members(r, depth, value);
    }
    if (sv_take_if(&r->c, '[')) {
        value->kind = SV_JSON_ARRAY;
        return take_members(r, depth, value);
    }
    static const struct {
        const char *word;
        sv_json_kind kind;
    } words[] = {{"null", SV_JSON_NULL}, {"false", SV_JSON_FALSE}, {"true", SV_JSON_TRUE}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (sv_take_literal(&r->c, words[i].word)) {
            value->kind = words[i].kind;
            return SIPVEIL_OK;
        }
    }
    return take_number(r, value);
}

sipveil_code sv_json_read(sipveil_span text, sv_arena *arena, const sv_json **out, sipveil_error *err)
{
    return sv_json_read_within(text, SV_JSON_DEPTH_MOST, arena, out, err);
}

sipveil_code sv_json_read_within(sipveil_span text, unsigned depth, sv_arena *arena, const sv_json **out,
                                 sipveil_error *err)
{
    *out = NULL;
    reader r = {sv_cursor_over(text, "JSON"), arena, depth < SV_JSON_DEPTH_MOST ? depth : SV_JSON_DEPTH_MOST, err};
    sv_json *value = sv_arena_alloc(arena, sizeof *value);
    if (value == NULL) return sv_no_memory(err, "keys");
    SV_TRY(take_value(&r, 0, value));
    skip_space(&r);
    if (!sv_at_end(&r.c)) return fail(&r, "something follows the value");
    *out = value;
    return SIPVEIL_OK;
}

const sv_json *sv_json_member_named(const sv_json *object, sipveil_span name)
{
    if (object->kind != SV_JSON_OBJECT) return NULL;
    for (const sv_json *m = object->first; m != NULL; m = m->next) {
        if (sv_equal(m->name, name)) return m;
    }
    return NULL;
}

const sv_json *sv_json_member(const sv_json *object, const char *name)
{
    return sv_json_member_named(object, sv_span_str(name));
}
