/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/field.h"

#include "base/span.h"

void sv_skip_lws_there(sv_cursor *c)
{
    for (;;) {
        uint8_t a, b;
        while (c->at != c->end && sv_is_blank(*c->at)) c->at++;
        if (!sv_peek_at(c, 0, &a) || a != '\r' || !sv_peek_at(c, 1, &b) || b != '\n') return;
        if (!sv_peek_at(c, 2, &b) || !sv_is_blank(b)) return;
        c->at += 2;
    }
}

bool sv_take_quoted(sv_cursor *c, sipveil_span *inside, bool *has_escape)
{
    static const sv_stops in_quotes = SV_STOPS(0, '"', '\\', '\\');
    *has_escape = false;
    if (c->at == c->end || *c->at != '"') return false;
    const uint8_t *from = c->at + 1;
    for (const uint8_t *at = from; (at = sv_find_stop(at, c->end, &in_quotes)) < c->end; at++) {
        if (*at == '"') {
            *inside = sv_span(from, (size_t)(at - from));
            c->at = at + 1;
            return true;
        }
        if (*at == '\\') {
            *has_escape = true;
            if (++at == c->end || *at == '\r' || *at == '\n') return false;
        }
    }
    return false;
}

/* What take_line carries from the first line of a row to the last. */
typedef struct row_state {
    const uint8_t *end; /* of what may be read: of the row's most, or of the input */
    bool limited;       /* end is that of the row's most */
    bool quoted;        /* a quoted string is open */
    bool quoted_nul;    /* and holds a NUL as quoted-pair */
} row_state;

/* Octets that end the fast run over a line: controls, those that matter among them, and what moves the quoting state. */
static const sv_stops in_line = SV_STOPS('\r', '"', '\\', '\\');

static sipveil_code bad_octet(const char *rule, const char *room, size_t offset, const char *what,
                              sipveil_error *err)
{
    return sv_fail_rule(err, room, SIPVEIL_MALFORMED, rule, offset, "%s in the header", what);
}

/* Takes the rest of one line of a row: up to its CRLF, which is taken too. A row longer than its
 * most is left where that shows: *too_long. */
static sipveil_code take_line(sv_cursor *c, row_state *row, bool *too_long, const char *room,
                              sipveil_error *err)
{
    uint8_t next;
    *too_long = false;
    for (; (c->at = sv_find_stop(c->at, row->end, &in_line)) < row->end; c->at++) {
        uint8_t byte = *c->at;
        size_t offset = sv_offset(c);
        if (byte == '"') row->quoted = !row->quoted;
        if (byte == '\\' && row->quoted && sv_peek_at(c, 1, &next) && next != '\r' &&
            next != '\n') {
            if (next == 0) row->quoted_nul = true;
            c->at++; /* a quoted-pair: the next octet means itself */
        }
        if (byte == '\r') {
            if (!sv_peek_at(c, 1, &next) || next != '\n') {
                return bad_octet("ADV-009", room, offset, "carriage return without line feed", err);
            }
            c->at += 2;
            return SIPVEIL_OK;
        }
        if (byte == '\n') {
            return bad_octet("ADV-009", room, offset, "line feed without carriage return", err);
        }
        if (byte == 0) return bad_octet("ADV-008", room, offset, "NUL octet", err);
    }
    *too_long = row->limited;
    if (row->limited) return SIPVEIL_OK;
    return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-009", sv_offset(c),
                        "header ends in the middle of a line");
}

static sipveil_code take_lines(sv_cursor *c, row_state *row, bool *too_long, const char *room,
                               sipveil_error *err)
{
    uint8_t next;
    SV_TRY(take_line(c, row, too_long, room, err));
    while (!*too_long && sv_peek(c, &next) && sv_is_blank(next)) {
        size_t offset = sv_offset(c);
        const uint8_t *start = c->at;
        SV_TRY(take_line(c, row, too_long, room, err));
        if (!*too_long && sv_trim(sv_span(start, (size_t)(c->at - start))).len == 0) {
            return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-010", offset,
                                "continuation line of blanks only");
        }
    }
    return SIPVEIL_OK;
}

static sipveil_code take_any_row(sv_cursor *c, size_t most, bool blank_before_colon, const char *room,
                                 sv_field_row *out, sipveil_error *err)
{
    const uint8_t *start = c->at;
    size_t offset = sv_offset(c);
    *out = (sv_field_row){0};
    sipveil_span name = sv_take_run(c, SV_OCTET_TOKEN);
    if (name.len == 0) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-010", offset,
                            "header line without a field name");
    }
    if (blank_before_colon) (void)sv_take_run(c, SV_OCTET_BLANK);
    if (!sv_take_if(c, ':')) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-010", sv_offset(c),
                            "no colon after field name \"%s\"", SV_QUOTE(name));
    }
    const uint8_t *value = c->at;
    bool limited = most < (size_t)(c->end - start);
    row_state row = {.end = limited ? start + most : c->end, .limited = limited};
    bool too_long;
    SV_TRY(take_lines(c, &row, &too_long, room, err));
    if (too_long || (size_t)(c->at - start) > most) {
        return sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-011", offset,
                            "header field \"%s\" is over %zu octets", SV_QUOTE(name), most);
    }
    if (row.quoted && row.quoted_nul) { /* the string never ended, so that was no quoted-pair */
        return bad_octet("ADV-008", room, offset, "NUL octet outside a quoted string", err);
    }
    *out = (sv_field_row){.name = name,
                          .value = sv_trim(sv_span(value, (size_t)(c->at - value))),
                          .line = sv_span(start, (size_t)(c->at - start))};
    return SIPVEIL_OK;
}

/* A row as nearly all are: name, colon, perhaps a space, a value and the end of one line within one page. Without a
 * backslash quotes do not matter here. False, and nothing taken: for the long way. */
static bool take_usual_row(sv_cursor *c, size_t most, sv_field_row *out)
{
    const uint8_t *start = c->at, *end = sv_end_of_page(start, c->end), *colon = sv_end_of_word(start, end), *at = colon;
    if (at == start || at == end || *at != ':') return false;
    size_t place = SV_VECTOR;
    for (; place == SV_VECTOR && end - at >= SV_VECTOR; at += place) {
        sv_vector v;
        sv_load_vector(&v, at);
        const sv_vector found = (sv_vector)((v <= '\r') | (v == '\\'));
        place = sv_first_set(&found);
    }
    if (end - at <= 2 || at[0] != '\r' || at[1] != '\n' || sv_is_blank(at[2])) return false;
    const uint8_t *value = colon + 1;
    if (*value == ' ') value++;
    if (value >= at || *value == ' ' || at[-1] == ' ' || (size_t)(at + 2 - start) > most) return false;
    *out = (sv_field_row){sv_span(start, (size_t)(colon - start)), sv_span(value, (size_t)(at - value)),
                          sv_span(start, (size_t)(at + 2 - start))};
    c->at = at + 2;
    return true;
}

sipveil_code sv_take_field_row(sv_cursor *c, size_t most, bool blank_before_colon, const char *room,
                               sv_field_row *out, sipveil_error *err)
{
    if (take_usual_row(c, most, out)) return SIPVEIL_OK;
    return take_any_row(c, most, blank_before_colon, room, out, err);
}

/* What stands after the "=". */
static sipveil_code take_value(sv_cursor *c, uint32_t classes, const char *room, sv_parameter *out, sipveil_error *err)
{
    uint8_t next;
    sv_skip_lws(c);
    size_t offset = sv_offset(c);
    out->quoted = sv_peek(c, &next) && next == '"';
    if (out->quoted && !sv_take_quoted(c, &out->value, &out->has_escape)) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "", offset,
                            "unfinished quoted string in parameter \"%s\"", SV_QUOTE(out->name));
    }
    if (!out->quoted) out->value = sv_take_run(c, classes);
    if (!out->quoted && out->value.len == 0) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "", offset,
                            "parameter \"%s\" has \"=\" and no value", SV_QUOTE(out->name));
    }
    out->has_value = true;
    return SIPVEIL_OK;
}

sipveil_code sv_take_parameter(sv_cursor *c, uint32_t classes, const char *room, sv_parameter *out, bool *taken,
                               sipveil_error *err)
{
    const uint8_t *before = c->at; /* where the cursor goes back to; a copy of it would cost more than what is read */
    *out = (sv_parameter){0};
    *taken = false;
    sv_skip_lws(c);
    if (!sv_take_if(c, ';')) {
        c->at = before;
        return SIPVEIL_OK;
    }
    sv_skip_lws(c);
    size_t offset = sv_offset(c);
    out->name = sv_take_run(c, SV_OCTET_TOKEN);
    if (out->name.len == 0) {
        c->at = before;
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "", offset,
                            "parameter without a name in %s", c->what);
    }
    *taken = true;
    before = c->at;
    sv_skip_lws(c);
    sipveil_code code = SIPVEIL_OK;
    if (sv_take_if(c, '=')) code = take_value(c, classes, room, out, err);
    if (!out->has_value) c->at = before;
    return code;
}
