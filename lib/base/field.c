/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/field.h"

#include "base/span.h"

void sv_skip_lws(sv_cursor *c)
{
    for (;;) {
        uint8_t a, b;
        (void)sv_take_while(c, sv_is_blank);
        if (!sv_peek_at(c, 0, &a) || a != '\r' || !sv_peek_at(c, 1, &b) || b != '\n') return;
        if (!sv_peek_at(c, 2, &b) || !sv_is_blank(b)) return;
        c->at += 2;
    }
}

bool sv_take_quoted(sv_cursor *c, sipveil_span *inside, bool *has_escape)
{
    sv_cursor at = *c;
    uint8_t byte;
    *has_escape = false;
    if (!sv_take_if(&at, '"')) return false;
    const uint8_t *from = at.at;
    while (sv_take_byte(&at, &byte)) {
        if (byte == '"') {
            *inside = sv_span(from, (size_t)(at.at - 1 - from));
            *c = at;
            return true;
        }
        if (byte == '\\') {
            *has_escape = true;
            if (!sv_take_byte(&at, &byte) || byte == '\r' || byte == '\n') return false;
        }
    }
    return false;
}

/* Takes the rest of one line of a row: up to its CRLF, which is taken too. */
static sipveil_code take_line(sv_cursor *c, bool *quoted, bool *blank, const char *room,
                              sipveil_error *err)
{
    uint8_t byte, next;
    *blank = true;
    for (;;) {
        size_t offset = sv_offset(c);
        if (!sv_take_byte(c, &byte)) {
            return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-009", offset,
                                "header ends in the middle of a line");
        }
        if (byte == '\r') {
            if (sv_take_if(c, '\n')) return SIPVEIL_OK;
            return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-009", offset,
                                "carriage return without line feed in the header");
        }
        if (byte == '\n') {
            return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-009", offset,
                                "line feed without carriage return in the header");
        }
        if (byte == 0) {
            return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-008", offset,
                                "NUL octet in the header");
        }
        if (byte == '"') *quoted = !*quoted;
        if (byte == '\\' && *quoted && sv_peek(c, &next) && next != '\r' && next != '\n') c->at++;
        if (!sv_is_blank(byte)) *blank = false;
    }
}

sipveil_code sv_take_field_row(sv_cursor *c, size_t most, bool blank_before_colon, const char *room,
                               sv_field_row *out, sipveil_error *err)
{
    const uint8_t *start = c->at;
    size_t offset = sv_offset(c);
    out->name = sv_take_while(c, sv_is_token);
    if (out->name.len == 0) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-010", offset,
                            "header line without a field name");
    }
    if (blank_before_colon) (void)sv_take_while(c, sv_is_blank);
    if (!sv_take_if(c, ':')) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-010", sv_offset(c),
                            "no colon after field name \"%s\"", SV_QUOTE(out->name));
    }
    const uint8_t *value = c->at;
    bool quoted = false, blank;
    uint8_t next;
    SV_TRY(take_line(c, &quoted, &blank, room, err));
    while (sv_peek(c, &next) && sv_is_blank(next)) {
        offset = sv_offset(c);
        SV_TRY(take_line(c, &quoted, &blank, room, err));
        if (blank) {
            return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-010", offset,
                                "continuation line of blanks only");
        }
        if ((size_t)(c->at - start) > most) break;
    }
    out->line = sv_span(start, (size_t)(c->at - start));
    if (out->line.len > most) {
        return sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-011", offset,
                            "header field \"%s\" is over %zu octets", SV_QUOTE(out->name), most);
    }
    out->value = sv_trim(sv_span(value, (size_t)(c->at - value)));
    return SIPVEIL_OK;
}

sipveil_code sv_take_parameter(sv_cursor *c, bool (*accept)(uint8_t), const char *room,
                               sv_parameter *out, bool *taken, sipveil_error *err)
{
    sv_cursor at = *c;
    uint8_t next;
    *out = (sv_parameter){0};
    *taken = false;
    sv_skip_lws(&at);
    if (!sv_take_if(&at, ';')) return SIPVEIL_OK;
    sv_skip_lws(&at);
    size_t offset = sv_offset(&at);
    out->name = sv_take_while(&at, sv_is_token);
    if (out->name.len == 0) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "", offset, "parameter without a name in %s",
                            c->what);
    }
    *taken = true;
    *c = at;
    sv_skip_lws(&at);
    if (!sv_take_if(&at, '=')) return SIPVEIL_OK;
    sv_skip_lws(&at);
    offset = sv_offset(&at);
    if (sv_peek(&at, &next) && next == '"') {
        out->quoted = true;
        if (!sv_take_quoted(&at, &out->value, &out->has_escape)) {
            return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "", offset,
                                "unfinished quoted string in parameter \"%s\"", SV_QUOTE(out->name));
        }
    } else {
        out->value = sv_take_while(&at, accept);
        if (out->value.len == 0) {
            return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "", offset,
                                "parameter \"%s\" has \"=\" and no value", SV_QUOTE(out->name));
        }
    }
    out->has_value = true;
    *c = at;
    return SIPVEIL_OK;
}
