/* SPDX-License-Identifier: BSD-2-Clause */
/* The deterministic form of JSON that is signed (RFC 8225 9): one text for each value. */
#include "identity/passport.h"

void sv_json_put_string(sv_buffer *out, sipveil_span text)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    sv_put_byte(out, '"');
    const uint8_t *plain = text.data;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        size_t at;
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        sv_put(out, sv_span(plain, (size_t)(text.data + i - plain)));
        plain = text.data + i + 1;
        if (sv_find_byte(SV_SPAN(from), c, &at)) {
            sv_put_byte(out, '\\');
            sv_put_byte(out, (uint8_t)to[at]);
        } else {
            sv_put_format(out, "\\u%04x", (unsigned)c);
        }
    }
    if (text.len > 0) sv_put(out, sv_span(plain, (size_t)(text.data + text.len - plain)));
    sv_put_byte(out, '"');
}

/* By code point, which in UTF-8 is by octet. */
static bool is_less(sipveil_span a, sipveil_span b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        if (a.data[i] != b.data[i]) return a.data[i] < b.data[i];
    }
    return a.len < b.len;
}

/* The member that comes next after `last` (NULL: the first). */
static const sv_json *next_member(const sv_json *object, const sv_json *last)
{
    const sv_json *best = NULL;
    for (const sv_json *m = object->first; m != NULL; m = m->next) {
        if (last != NULL && !is_less(last->name, m->name)) continue;
        if (best == NULL || is_less(m->name, best->name)) best = m;
    }
    return best;
}

/* Integers only: digits, a minus before all but zero. */
static bool is_integer(sipveil_span text)
{
    size_t minus = text.len > 0 && text.data[0] == '-' ? 1 : 0;
    for (size_t i = minus; i < text.len; i++) {
        if (!sv_is_digit(text.data[i])) return false;
    }
    return text.len > minus && !(minus == 1 && text.data[1] == '0');
}

sipveil_code sv_json_put(const sv_json *value, sv_buffer *out, sipveil_error *err)
{
    static const char *const words[] = {[SV_JSON_NULL] = "null", [SV_JSON_FALSE] = "false", [SV_JSON_TRUE] = "true"};
    bool object = value->kind == SV_JSON_OBJECT;
    switch (value->kind) {
    case SV_JSON_NULL:
    case SV_JSON_FALSE:
    case SV_JSON_TRUE: sv_put_str(out, words[value->kind]); return SIPVEIL_OK;
    case SV_JSON_STRING: sv_json_put_string(out, value->text); return SIPVEIL_OK;
    case SV_JSON_NUMBER:
        if (!is_integer(value->text)) {
            return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_MALFORMED, "IDN-26", SIPVEIL_NO_OFFSET, "%s is no integer",
                                SV_QUOTE(value->text));
        }
        sv_put(out, value->text);
        return SIPVEIL_OK;
    default: break;
    }
    sv_put_byte(out, object ? '{' : '[');
    const sv_json *m = object ? next_member(value, NULL) : value->first;
    for (bool first = true; m != NULL; m = object ? next_member(value, m) : m->next) {
        if (!first) sv_put_byte(out, ',');
        first = false;
        if (object) {
            sv_json_put_string(out, m->name);
            sv_put_byte(out, ':');
        }
        SV_TRY(sv_json_put(m, out, err)); /* the reader has bounded the depth */
    }
    sv_put_byte(out, object ? '}' : ']');
    return SIPVEIL_OK;
}
