/* SPDX-License-Identifier: BSD-2-Clause */
#include "tunnel/json_write.h"

#include "base/hex.h"
#include "base/span.h"

void sv_json_write_string(sv_buffer *b, sipveil_span text)
{
    sv_put_byte(b, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\') sv_put_byte(b, '\\');
        if (c >= 0x20 && c < 0x7F) sv_put_byte(b, c);
        else sv_put_format(b, "\\u%04x", (unsigned)c);
    }
    sv_put_byte(b, '"');
}

void sv_json_write_text(sv_buffer *b, const char *text)
{
    sv_json_write_string(b, sv_span_str(text != NULL ? text : ""));
}

void sv_json_write_key(sv_buffer *b, const char *key)
{
    bool first = b->len == 0 || b->data[b->len - 1] == '{' || b->data[b->len - 1] == '[';
    if (!first) sv_put_byte(b, ',');
    sv_json_write_text(b, key);
    sv_put_byte(b, ':');
}

void sv_json_write_member(sv_buffer *b, const char *key, const char *value)
{
    sv_json_write_key(b, key);
    sv_json_write_text(b, value);
}

void sv_json_write_member_or_null(sv_buffer *b, const char *key, const char *value)
{
    sv_json_write_key(b, key);
    if (value == NULL) sv_put_str(b, "null");
    else sv_json_write_text(b, value);
}

void sv_json_write_flag(sv_buffer *b, const char *key, bool value)
{
    sv_json_write_key(b, key);
    sv_put_str(b, value ? "true" : "false");
}

void sv_json_write_number(sv_buffer *b, const char *key, uint64_t value)
{
    sv_json_write_key(b, key);
    sv_put_number(b, value);
}

void sv_json_write_number_or_null(sv_buffer *b, const char *key, bool has, int64_t value)
{
    sv_json_write_key(b, key);
    if (has && value >= 0) sv_put_number(b, (uint64_t)value);
    else sv_put_str(b, "null");
}

void sv_json_write_hex(sv_buffer *b, const char *key, sipveil_span octets)
{
    sv_json_write_key(b, key);
    sv_put_byte(b, '"');
    sv_put_hex(b, octets);
    sv_put_byte(b, '"');
}

void sv_json_write_findings(sv_buffer *b, const sipveil_check *checks, size_t check_count,
                            const sipveil_warning *warnings, size_t warning_count)
{
    static const char *const results[] = {"passed", "failed", "not-done"};
    sv_json_write_key(b, "checks");
    sv_put_byte(b, '[');
    for (size_t i = 0; i < check_count; i++) {
        sv_put_str(b, i == 0 ? "{" : ",{");
        sv_json_write_member(b, "rule", checks[i].rule);
        sv_json_write_member(b, "result", results[checks[i].result]);
        sv_json_write_member(b, "why", checks[i].why);
        sv_put_byte(b, '}');
    }
    sv_put_byte(b, ']');
    sv_json_write_key(b, "warnings");
    sv_put_byte(b, '[');
    for (size_t i = 0; i < warning_count; i++) {
        if (i > 0) sv_put_byte(b, ',');
        sv_json_write_text(b, warnings[i].text);
    }
    sv_put_byte(b, ']');
}
