/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate: frames one SIP message in one scan, enforces the limits and refuses what no later
 * reader may see (ADV-001..013, 019, 020). */
#include <stdio.h>

#include "base/field.h"
#include "sip/address.h"
#include "sip/form.h"
#include "sip/uri.h"
#include "sip/usual.h"

enum { METHOD_MOST = 128 };

typedef enum gate_kind { GATE_DATAGRAM, GATE_STREAM, GATE_INNER, GATE_FRAGMENT } gate_kind;

typedef struct gate {
    sv_cursor c;
    gate_kind kind;
    const sipveil_limits *limits;
    sv_form form;
    const sv_sip_view *carrier; /* of an inner message; NULL: none */
    size_t row;                 /* of the carrier, where the next row may stand */
    sv_sip_view *out;
    sipveil_error *err;
} gate;

static sipveil_code refuse(gate *g, const char *rule, size_t offset, const char *text)
{
    return sv_fail_rule(g->err, "sip", SIPVEIL_MALFORMED, rule, offset, "%s", text);
}

/* SIP-Version: "SIP" without case, one digit on each side of the dot; another one than 2.0 is 505.
 */
static sipveil_code check_version(gate *g, sipveil_span text, size_t offset)
{
    if (sv_equal_str(text, "SIP/2.0")) return SIPVEIL_OK;
    sv_cursor c = sv_cursor_over(text, "SIP version");
    uint64_t major = 0, minor = 0;
    bool good = sv_take_literal_nocase(&c, "SIP/");
    sipveil_span left = sv_take_run(&c, SV_OCTET_DIGIT);
    good = good && sv_take_if(&c, '.');
    sipveil_span right = sv_take_run(&c, SV_OCTET_DIGIT);
    good = good && sv_at_end(&c) && sv_read_number(left, 999, &major) &&
           sv_read_number(right, 999, &minor) && (left.data[0] != '0' || left.len == 1) &&
           (right.data[0] != '0' || right.len == 1);
    if (good && major == 2 && minor == 0) return SIPVEIL_OK;
    if (!good) {
        return sv_fail_rule(g->err, "sip", SIPVEIL_MALFORMED, "ADV-012", offset,
                            "\"%s\" is no SIP version", SV_QUOTE(text));
    }
    sv_fail_rule(g->err, "sip", SIPVEIL_UNSUPPORTED, "ADV-012", offset,
                 "SIP version \"%s\" instead of SIP/2.0", SV_QUOTE(text));
    if (g->err != NULL) g->err->sip_status = 505;
    return SIPVEIL_UNSUPPORTED;
}

static sipveil_code read_request_line(gate *g, sipveil_span line)
{
    sv_cursor c = sv_cursor_over(line, "request line");
    size_t start = (size_t)(line.data - g->c.start);
    sv_sip_uri uri;
    sipveil_span method = sv_take_run(&c, SV_OCTET_TOKEN), target;
    if (method.len == 0 || !sv_take_if(&c, ' ')) {
        return refuse(g, "ADV-012", start + sv_offset(&c),
                      "no method and single space at the start");
    }
    if (!sv_take_until(&c, ' ', &target)) {
        return refuse(g, "ADV-012", start + sv_offset(&c), "no SIP version in the request line");
    }
    if (target.len == 0) {
        return refuse(g, "ADV-012", start + sv_offset(&c), "two spaces in the request line");
    }
    (void)sv_take_if(&c, ' ');
    SV_TRY(check_version(g, sv_rest(&c), start + sv_offset(&c)));
    sipveil_code code = sv_sip_read_uri(target, &uri, g->err);
    if (code != SIPVEIL_OK) {
        if (g->err != NULL) g->err->offset += (size_t)(target.data - g->c.start);
        sv_fail_prefix(g->err, "request line: ");
        return code;
    }
    if (uri.headers.len > 0) {
        return refuse(g, "ADV-012", (size_t)(uri.headers.data - g->c.start),
                      "header components in the request URI");
    }
    g->out->is_request = true;
    g->out->method = method;
    g->out->request_uri = target;
    return SIPVEIL_OK;
}

static sipveil_code read_status_line(gate *g, sipveil_span line)
{
    sv_cursor c = sv_cursor_over(line, "status line");
    size_t start = (size_t)(line.data - g->c.start);
    sipveil_span version, digits;
    uint64_t status;
    if (!sv_take_until(&c, ' ', &version)) {
        return refuse(g, "ADV-012", start, "status line without a status");
    }
    SV_TRY(check_version(g, version, start));
    (void)sv_take_if(&c, ' ');
    size_t at = start + sv_offset(&c);
    digits = sv_take_run(&c, SV_OCTET_DIGIT);
    if (digits.len != 3 || !sv_read_number(digits, 699, &status) || status < 100) {
        return sv_fail_rule(g->err, "sip", SIPVEIL_MALFORMED, "ADV-012", at,
                            "status \"%s\" is not from 100 to 699", SV_QUOTE(digits));
    }
    if (!sv_take_if(&c, ' ')) return refuse(g, "ADV-012", at, "no space after the status");
    g->out->status = (unsigned)status;
    g->out->reason = sv_rest(&c);
    for (size_t i = 0; i < g->out->reason.len; i++) {
        uint8_t octet = g->out->reason.data[i];
        if ((octet < 0x20 && octet != '\t') || octet == 0x7F) {
            return refuse(g, "ADV-012", start + sv_offset(&c) + i,
                          "control character in the reason phrase");
        }
    }
    return SIPVEIL_OK;
}

/* Takes the first line with its CRLF; *line is without it. */
static sipveil_code take_start_line(gate *g, sipveil_span *line)
{
    static const sv_stops line_end = SV_STOPS('\r', '\r', '\r', '\r');
    sv_cursor at = g->c;
    size_t start = sv_offset(&at), left = sv_left(&at), most = g->limits->start_line;
    bool too_long = left > most && left - most > 1; /* unless it ends before */
    const uint8_t *end = too_long ? at.at + most + 1 : at.end;
    if (sv_take_run(&at, SV_OCTET_TOKEN).len > METHOD_MOST) {
        return sv_fail_rule(g->err, "sip", SIPVEIL_MALFORMED, "ADV-012", start,
                            "method of more than %d octets", METHOD_MOST);
    }
    for (; (at.at = sv_find_stop(at.at, end, &line_end)) < end; at.at++) {
        size_t length = (size_t)(at.at - g->c.at);
        uint8_t next;
        if (*at.at == 0) return refuse(g, "ADV-008", start + length, "NUL octet in the start line");
        if (*at.at == '\n') {
            return refuse(g, "ADV-009", start + length,
                          "line feed without carriage return in the start line");
        }
        if (*at.at != '\r') continue;
        if (!sv_peek_at(&at, 1, &next) || next != '\n') {
            return refuse(g, "ADV-009", start + length,
                          "carriage return without line feed in the start line");
        }
        *line = sv_span(g->c.at, length);
        g->c.at = at.at + 2;
        return SIPVEIL_OK;
    }
    if (too_long) {
        return sv_fail_rule(g->err, "sip", SIPVEIL_LIMIT, "ADV-012", start,
                            "start line is over %zu octets", most);
    }
    return refuse(g, "ADV-009", sv_offset(&at), "message ends in its start line");
}

/* A span of the carrier, at the same place behind `at`. */
static sipveil_span moved(sipveil_span of_carrier, const uint8_t *from, const uint8_t *at)
{
    return sv_span(of_carrier.data != NULL ? at + (of_carrier.data - from) : NULL, of_carrier.len);
}

/* Takes the start line that the carrier has, too. */
static bool take_known_start_line(gate *g)
{
    const sv_sip_view *known = g->carrier;
    sv_cursor at = g->c;
    sipveil_span line;
    if (known == NULL || known->start_line.len == 0 || !sv_take(&at, known->start_line.len, &line)) return false;
    if (!sv_equal(line, known->start_line) || !sv_take_literal(&at, "\r\n")) return false;
    g->out->start_line = line;
    g->out->is_request = known->is_request;
    g->out->status = known->status;
    g->out->request_uri = moved(known->request_uri, known->start_line.data, line.data);
    g->out->reason = moved(known->reason, known->start_line.data, line.data);
    if (known->is_request) g->out->method = moved(known->method, known->start_line.data, line.data);
    g->c = at;
    return true;
}

/* One in its usual form, within one page. */
static bool take_usual_request_line(gate *g)
{
    sv_cursor c = {g->c.at, g->c.at, sv_end_of_page(g->c.at, g->c.end), "request line"};
    sipveil_span method, uri;
    if (!sv_usual_take_request_line(&c, &method, &uri)) return false;
    size_t length = sv_offset(&c) - 2;
    if (method.len > METHOD_MOST || length > g->limits->start_line) return false;
    g->out->start_line = sv_span(c.start, length);
    g->out->is_request = true;
    g->out->method = method;
    g->out->request_uri = uri;
    g->c.at = c.at;
    return true;
}

/* A fragment may begin with a header field: a token, perhaps blanks, and a colon. */
static bool at_header_field(const gate *g)
{
    sv_cursor c = g->c;
    if (sv_at_end(&c) || *c.at == '\r') return true;
    if (sv_take_run(&c, SV_OCTET_TOKEN).len == 0) return false;
    (void)sv_take_run(&c, SV_OCTET_BLANK);
    return sv_take_if(&c, ':');
}

static sipveil_code read_start_line(gate *g)
{
    sipveil_span line;
    if (g->kind == GATE_FRAGMENT && at_header_field(g)) return SIPVEIL_OK;
    if (take_known_start_line(g)) return SIPVEIL_OK;
    if (g->kind ==
        GATE_STREAM) { /* empty lines before a message are no part of it (RFC 3261 7.5) */
        while (sv_take_literal(&g->c, "\r\n")) continue;
    }
    if (take_usual_request_line(g)) return SIPVEIL_OK;
    SV_TRY(take_start_line(g, &line));
    g->out->start_line = line;
    return sv_starts_nocase_str(line, "SIP/") ? read_status_line(g, line)
                                              : read_request_line(g, line);
}

static sipveil_code note_another_row(gate *g, const sv_sip_field *row, const sv_sip_field *first)
{
    const sv_field_info *info = sv_field_info_of(row->id);
    g->out->several |= UINT64_C(1) << row->id;
    if (!info->singular) return SIPVEIL_OK;
    return sv_fail_rule(
        g->err, "sip", SIPVEIL_MALFORMED, row->id == SV_F_CONTENT_LENGTH ? "ADV-002" : "ADV-001",
        (size_t)(row->line.data - g->c.start), "second %s: \"%s\" after \"%s\"", info->name,
        SV_QUOTE(row->value), SV_QUOTE(first->value));
}

/* Notes the row as the first of its name, or refuses the second of a field that comes once. */
static inline sipveil_code note_row(gate *g, const sv_sip_field *row)
{
    uint16_t *first = &g->out->first[row->id];
    if (row->id == SV_F_OTHER) return SIPVEIL_OK;
    if (*first != 0) return note_another_row(g, row, &g->out->fields[*first - 1]);
    *first = (uint16_t)(g->out->field_count + 1);
    return SIPVEIL_OK;
}

/* Takes a row that the carrier has, too, if it stands where it is looked for. */
static bool take_known_row(gate *g, sv_sip_field *row)
{
    sv_cursor at = g->c;
    sipveil_span line;
    uint8_t next;
    if (g->carrier == NULL || g->row >= g->carrier->field_count) return false;
    const sv_sip_field *known = &g->carrier->fields[g->row];
    if (!sv_take(&at, known->line.len, &line) || !sv_equal(line, known->line)) return false;
    if (sv_peek(&at, &next) && sv_is_blank(next)) return false; /* here it goes on */
    if (known->id == SV_F_CSEQ || known->id == SV_F_CONTENT_LENGTH) return false; /* needed later */
    if (known->via > g->limits->via - g->form.via) return false;
    g->form.via += known->via;
    g->row++;
    g->c = at;
    *row = (sv_sip_field){known->id, known->via, line, moved(known->value, known->line.data, line.data), line};
    row->name.len = known->name.len;
    return true;
}

static sipveil_code check_row(gate *g, sv_sip_field *row)
{
    size_t via = g->form.via;
    sipveil_code code = sv_sip_check_form(&g->form, row, g->err);
    row->via = (uint32_t)(g->form.via - via);
    if (code == SIPVEIL_OK) return SIPVEIL_OK;
    if (g->err != NULL) {
        g->err->offset += (size_t)(row->value.data - g->c.start);
        if (g->err->rule[0] == '\0') (void)snprintf(g->err->rule, sizeof g->err->rule, "ADV-022");
    }
    sv_fail_prefix(g->err, "%s: ", SV_QUOTE(row->name));
    return code;
}

static sipveil_code read_row(gate *g)
{
    sv_field_row line;
    size_t most = g->limits->header_fields < SV_SIP_FIELDS_MOST ? g->limits->header_fields
                                                                : SV_SIP_FIELDS_MOST;
    if (g->out->field_count >= most) {
        return sv_fail_rule(g->err, "sip", SIPVEIL_LIMIT, "ADV-011", sv_offset(&g->c),
                            "more than %zu header fields", most);
    }
    sv_sip_field *row = &g->out->fields[g->out->field_count];
    if (take_known_row(g, row)) {
        SV_TRY(note_row(g, row));
    } else {
        SV_TRY(sv_take_field_row(&g->c, g->limits->header_field, true, "sip", &line, g->err));
        *row = (sv_sip_field){sv_field_id_of(line.name), 0, line.name, line.value, line.line};
        SV_TRY(note_row(g, row));
        SV_TRY(check_row(g, row));
        if (g->carrier != NULL && g->carrier->first[row->id] != 0) g->row = g->carrier->first[row->id];
    }
    g->out->field_count++;
    return SIPVEIL_OK;
}

/* All rows, and the empty line after them. */
static sipveil_code read_header(gate *g)
{
    const uint8_t *from = g->c.at;
    for (;;) {
        if (sv_at_end(&g->c)) {
            if (g->kind == GATE_FRAGMENT) break;
            return refuse(g, "ADV-009", sv_offset(&g->c), "no empty line after the header");
        }
        size_t so_far = (size_t)(g->c.at - from);
        if (so_far > g->limits->header) {
            return sv_fail_rule(g->err, "sip", SIPVEIL_LIMIT, "ADV-011", sv_offset(&g->c),
                                "header is over %zu octets", g->limits->header);
        }
        if (sv_take_literal(&g->c, "\r\n")) {
            g->out->has_body_separator = true;
            g->out->head = sv_span(from, so_far);
            return SIPVEIL_OK;
        }
        SV_TRY(read_row(g));
    }
    g->out->head = sv_span(from, (size_t)(g->c.at - from));
    return SIPVEIL_OK;
}

/* What every whole message has (RFC 3261 8.1.1; Max-Forwards is younger than RFC 2543). Whether an
 * inner message is complete is for the room that compares it (TUN-35). */
static sipveil_code check_presence(gate *g)
{
    static const sv_field_id needed[] = {SV_F_TO, SV_F_FROM, SV_F_CALL_ID, SV_F_CSEQ, SV_F_VIA};
    if (g->kind == GATE_INNER || g->kind == GATE_FRAGMENT) return SIPVEIL_OK;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (g->out->first[needed[i]] != 0) continue;
        return sv_fail_rule(g->err, "sip", SIPVEIL_MALFORMED, "ADV-022", sv_offset(&g->c),
                            "no %s header field", sv_field_info_of(needed[i])->name);
    }
    return SIPVEIL_OK;
}

/* CSeq names the method of the request. */
static sipveil_code check_method(gate *g)
{
    const sv_sip_field *row = sv_sip_first(g->out, SV_F_CSEQ);
    sipveil_span method = g->form.cseq_method;
    if (row == NULL) return SIPVEIL_OK;
    if (!g->out->is_request) {
        g->out->method = method;
    } else if (!sv_equal(method, g->out->method)) {
        return sv_fail_rule(g->err, "sip", SIPVEIL_MALFORMED, "ADV-012",
                            (size_t)(row->value.data - g->c.start),
                            "CSeq names method \"%s\" in a \"%s\" request", SV_QUOTE(method),
                            SV_QUOTE(g->out->method));
    }
    return SIPVEIL_OK;
}

static sipveil_code read_body(gate *g)
{
    size_t left = sv_left(&g->c), length = left;
    const sv_sip_field *row = sv_sip_first(g->out, SV_F_CONTENT_LENGTH);
    g->out->has_content_length = row != NULL;
    if (row != NULL) {
        size_t at = (size_t)(row->value.data - g->c.start);
        if (g->form.content_length > left) {
            return sv_fail_rule(g->err, "sip", SIPVEIL_MALFORMED, "ADV-005", at,
                                "Content-Length says %llu bytes but %zu follow the header",
                                (unsigned long long)g->form.content_length, left);
        }
        length = (size_t)g->form.content_length;
        if (length < left && (g->kind == GATE_INNER || g->kind == GATE_FRAGMENT)) {
            return sv_fail_rule(g->err, "sip", SIPVEIL_MALFORMED, "ADV-005", at,
                                "Content-Length says %zu bytes but %zu follow the header", length,
                                left);
        }
    } else if (g->kind == GATE_STREAM) {
        return refuse(g, "ADV-006", sv_offset(&g->c), "no Content-Length on a stream");
    }
    size_t start = sv_offset(&g->c);
    (void)sv_take(&g->c, length, &g->out->body);
    g->out->tail = left - length;
    if (length > 0 && sv_sip_value(g->out, SV_F_CONTENT_TYPE).len == 0) { /* absent, or empty */
        return sv_fail_rule(g->err, "sip", SIPVEIL_MALFORMED, "ADV-020", start,
                            "a body of %zu bytes and no Content-Type", length);
    }
    return SIPVEIL_OK;
}

static sipveil_code read_message(gate *g)
{
    if (sv_left(&g->c) > g->limits->message) {
        return sv_fail_rule(g->err, "sip", SIPVEIL_LIMIT, "ADV-011", 0,
                            "message of %zu bytes is over %zu", sv_left(&g->c), g->limits->message);
    }
    SV_TRY(read_start_line(g));
    const uint8_t *from = g->out->start_line.len > 0 ? g->out->start_line.data : g->c.at;
    SV_TRY(read_header(g));
    SV_TRY(check_presence(g));
    SV_TRY(check_method(g));
    SV_TRY(read_body(g));
    g->out->whole = sv_span(from, (size_t)(g->c.at - from));
    return SIPVEIL_OK;
}

/* Rows past field_count are never looked at. */
static void clear(sv_sip_view *view)
{
    view->whole = view->start_line = view->head = view->body = view->method = view->request_uri = view->reason =
        sv_span(NULL, 0);
    view->is_request = view->has_body_separator = view->has_content_length = false;
    view->status = 0;
    view->tail = view->field_count = 0;
    view->several = 0;
    memset(view->first, 0, sizeof view->first);
}

static sipveil_code pass(sipveil_span message, gate_kind kind, const sv_sip_view *carrier, const sipveil_limits *limits,
                         sv_sip_view *out, sipveil_error *err)
{
    bool schemeless = kind == GATE_INNER || kind == GATE_FRAGMENT;
    gate g = {.c = sv_cursor_over(message, "SIP message"),
              .kind = kind,
              .limits = limits,
              .form = {.limits = limits, .address_flags = schemeless ? SV_ADDRESS_SCHEMELESS : 0},
              .carrier = carrier,
              .out = out,
              .err = err};
    g.form.end = g.c.end;
    clear(out);
    sipveil_code code = read_message(&g);
    if (code == SIPVEIL_OK) return SIPVEIL_OK;
    memset(out, 0, sizeof *out);
    return sv_sip_hint_at_lines(code, message, err);
}

sipveil_code sv_sip_read(sipveil_span message, sv_sip_framing framing, const sipveil_limits *limits,
                         sv_sip_view *out, sipveil_error *err)
{
    return pass(message, framing == SV_SIP_STREAM ? GATE_STREAM : GATE_DATAGRAM, NULL, limits, out, err);
}

sipveil_code sv_sip_read_inner(sipveil_span message, const sipveil_limits *limits, sv_sip_view *out,
                               sipveil_error *err)
{
    return pass(message, GATE_INNER, NULL, limits, out, err);
}

sipveil_code sv_sip_read_inner_of(sipveil_span message, const sv_sip_view *carrier, const sipveil_limits *limits,
                                  sv_sip_view *out, sipveil_error *err)
{
    return pass(message, GATE_INNER, carrier, limits, out, err);
}

sipveil_code sv_sip_read_fragment(sipveil_span fragment, const sipveil_limits *limits,
                                  sv_sip_view *out, sipveil_error *err)
{
    return pass(fragment, GATE_FRAGMENT, NULL, limits, out, err);
}
