/* SPDX-License-Identifier: BSD-2-Clause */
/* A request that the gate refused is answered all the same where it can be (400, 505, 513; RFC 3261 18.3). */
#include "sip/response.h"
#include "sip/values.h"

/* A row with its folds and the CRLF that ends it. */
static bool take_row(sv_cursor *c, sipveil_span *row)
{
    const uint8_t *from = c->at;
    size_t end;
    uint8_t next;
    do {
        sipveil_span line;
        if (!sv_find(sv_rest(c), SV_SPAN("\r\n"), &end) || !sv_take(c, end + 2, &line)) return false;
        *row = sv_span(from, (size_t)(c->at - from));
    } while (row->len > 2 && sv_peek(c, &next) && sv_is_blank(next));
    return true;
}

/* Whatever else is wrong with that line, it is none of a response, which nothing answers, nor of an ACK. */
static bool is_answered(sipveil_span start_line)
{
    sv_cursor c = sv_cursor_over(start_line, "request line");
    sipveil_span method = sv_take_run(&c, SV_OCTET_TOKEN);
    return method.len > 0 && !sv_equal_str(method, "ACK") && !sv_starts_nocase_str(start_line, "SIP/");
}

/* What the row is, if a response has it from its request. */
static sv_field_id copied_field(sipveil_span row, sipveil_span *value)
{
    size_t colon;
    if (!sv_find_byte(row, ':', &colon)) return SV_F_OTHER;
    *value = sv_trim(sv_span_from(row, colon + 1));
    sv_field_id id = sv_field_id_of(sv_trim(sv_span(row.data, colon)));
    switch (id) {
    case SV_F_VIA:
    case SV_F_FROM:
    case SV_F_TO:
    case SV_F_CALL_ID:
    case SV_F_CSEQ:
    case SV_F_TIMESTAMP: return id;
    default: return SV_F_OTHER;
    }
}

/* Those rows, and the method that CSeq says: the response has no other. False: the header has no end. */
static bool take_rows(sv_cursor *c, sv_buffer *rows, sipveil_span *method)
{
    sipveil_span row, value;
    uint32_t number;
    *method = SV_SPAN("-");
    while (take_row(c, &row)) {
        if (row.len == 2) return true;
        sv_field_id id = copied_field(row, &value);
        if (id == SV_F_OTHER) continue;
        sv_put(rows, row);
        if (id == SV_F_CSEQ) (void)sv_sip_read_cseq(value, &number, method, NULL);
    }
    return false;
}

sipveil_code sv_sip_read_answerable(sipveil_span message, const sipveil_limits *limits, sv_arena *arena, sv_sip_view *out,
                                    sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(message, "refused request");
    sipveil_span start_line, method;
    sv_buffer rows, request;
    sv_buffer_init(&rows, arena, 1024, limits->header);
    if (!take_row(&c, &start_line) || !is_answered(start_line) || !take_rows(&c, &rows, &method)) {
        return sv_fail(err, "sip", SIPVEIL_MALFORMED, "what was refused is no request that can be answered");
    }
    SV_TRY(sv_buffer_check(&rows, "sip", err));
    sv_buffer_init(&request, arena, rows.len + 256, limits->message);
    sv_put(&request, method);
    sv_put_str(&request, " sip:refused.invalid SIP/2.0\r\n");
    sv_put(&request, sv_buffer_span(&rows));
    sv_put_str(&request, "Content-Length: 0\r\n\r\n");
    SV_TRY(sv_buffer_check(&request, "sip", err));
    return sv_sip_read(sv_buffer_span(&request), SV_SIP_DATAGRAM, limits, out, err);
}
