/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/response.h"

#include "sip/values.h"
#include "sip/via.h"

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {100, "Trying"}, {180, "Ringing"}, {181, "Call Is Being Forwarded"}, {182, "Queued"}, {183, "Session Progress"},
    {200, "OK"}, {202, "Accepted"}, {204, "No Notification"}, {302, "Moved Temporarily"},
    {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
    {407, "Proxy Authentication Required"},
    {413, "Request Entity Too Large"}, {415, "Unsupported Media Type"}, {420, "Bad Extension"}, {421, "Extension Required"},
    {428, "Use Identity Header"}, {436, "Bad Identity Info"}, {437, "Unsupported Credential"}, {438, "Invalid Identity Header"},
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"}, {486, "Busy Here"}, {487, "Request Terminated"}, {488, "Not Acceptable Here"}, {493, "Undecipherable"},
    {494, "Security Agreement Required"}, {495, "Signature Required"}, {496, "Proxy Undecipherable"},
    {502, "Bad Gateway"}, {503, "Service Unavailable"}, {505, "Version Not Supported"}, {513, "Message Too Large"},
    {600, "Busy Everywhere"}, {603, "Decline"}, {606, "Not Acceptable"},
};

const char *sv_sip_phrase(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status) return phrases[i].phrase;
    }
    return "Server Internal Error";
}

static void put_to(const sv_sip_field *row, sipveil_span tag, sv_buffer *out)
{
    sv_sip_address to;
    bool bare = sv_sip_read_address(row->value, &to, NULL) == SIPVEIL_OK && to.tag.len == 0;
    if (!bare || tag.len == 0) {
        sv_put(out, row->line);
        return;
    }
    sv_put(out, sv_span(row->line.data, row->line.len - 2));
    sv_put_str(out, ";tag=");
    sv_put(out, tag);
    sv_put_str(out, "\r\n");
}

/* The topmost value of a Via row that may hold several. */
static void put_first_value(const sv_sip_field *row, sv_buffer *out)
{
    sv_cursor c = sv_cursor_over(row->value, "Via");
    sv_sip_via via;
    if (sv_sip_take_via(&c, &via, NULL) != SIPVEIL_OK || sv_at_end(&c)) {
        sv_put(out, row->line);
        return;
    }
    /* Blanks, and a fold, stand before parameters that are not there. */
    sv_put(out, sv_trim(sv_span_through(sv_span(row->line.data, 0), via.params)));
    sv_put_str(out, "\r\n");
}

sipveil_code sv_sip_write_response(const sv_sip_view *request, const sv_sip_response *response, sv_buffer *out,
                                   sipveil_error *err)
{
    if (!request->is_request || sv_equal_str(request->method, "ACK")) {
        return sv_fail(err, "sip", SIPVEIL_USAGE, "a response or an ACK is not answered");
    }
    bool via_done = false;
    sv_put_format(out, "SIP/2.0 %d ", response->status);
    sv_put(out, response->phrase.len > 0 ? response->phrase : sv_span_str(sv_sip_phrase(response->status)));
    sv_put_str(out, "\r\n");
    for (size_t i = 0; i < request->field_count; i++) {
        const sv_sip_field *row = &request->fields[i];
        switch (row->id) {
        case SV_F_TO: put_to(row, response->tag, out); break;
        case SV_F_VIA:
            if (!response->top_via_only) sv_put(out, row->line);
            else if (!via_done) put_first_value(row, out);
            via_done = true;
            break;
        case SV_F_FROM:
        case SV_F_CALL_ID:
        case SV_F_CSEQ:
        case SV_F_TIMESTAMP: sv_put(out, row->line); break;
        default: break;
        }
    }
    sv_put(out, response->rows);
    sv_put(out, response->content_rows);
    sv_put_str(out, "Content-Length: ");
    sv_put_number(out, response->body.len);
    sv_put_str(out, "\r\n\r\n");
    sv_put(out, response->body);
    return sv_buffer_check(out, "sip", err);
}
