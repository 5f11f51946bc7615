/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding header fields in a view, and messages that came out of a person's editor. */
#include "sip/view.h"

bool sv_sip_same_name(const sv_sip_field *a, const sv_sip_field *b)
{
    if (a->id != b->id) return false;
    return a->id != SV_F_OTHER || sv_equal_nocase(a->name, b->name);
}

const sv_sip_field *sv_sip_first(const sv_sip_view *view, sv_field_id id)
{
    if (id == SV_F_OTHER || (unsigned)id >= SV_F_COUNT || view->first[id] == 0) return NULL;
    return &view->fields[view->first[id] - 1];
}

const sv_sip_field *sv_sip_next(const sv_sip_view *view, const sv_sip_field *row)
{
    const sv_sip_field *end = view->fields + view->field_count;
    if (row->id != SV_F_OTHER && (view->several >> row->id & 1) == 0) return NULL;
    for (const sv_sip_field *next = row + 1; next < end; next++) {
        if (next->id == row->id && sv_sip_same_name(row, next)) return next;
    }
    return NULL;
}

const sv_sip_field *sv_sip_find(const sv_sip_view *view, sipveil_span name)
{
    sv_field_id id = sv_field_id_of(name);
    if (id != SV_F_OTHER) return sv_sip_first(view, id);
    for (size_t i = 0; i < view->field_count; i++) {
        const sv_sip_field *row = &view->fields[i];
        if (row->id == SV_F_OTHER && sv_equal_nocase(row->name, name)) return row;
    }
    return NULL;
}

const sv_sip_field *sv_sip_find_like(const sv_sip_view *view, const sv_sip_field *row)
{
    return row->id != SV_F_OTHER ? sv_sip_first(view, row->id) : sv_sip_find(view, row->name);
}

sipveil_span sv_sip_value(const sv_sip_view *view, sv_field_id id)
{
    const sv_sip_field *row = sv_sip_first(view, id);
    return row != NULL ? row->value : sv_span(NULL, 0);
}

bool sv_sip_is_ack_or_cancel(const sv_sip_view *view)
{
    return sv_equal_str(view->method, "ACK") || sv_equal_str(view->method, "CANCEL");
}

/* True if the start line and every header line up to the empty one end in LF without CR. */
bool sv_sip_uses_bare_lf(sipveil_span message)
{
    size_t at;
    bool any = false;
    while (sv_find_byte(message, '\n', &at)) {
        if (at > 0 && message.data[at - 1] == '\r') return false;
        any = true;
        if (at == 0) break; /* the empty line */
        message = sv_span_from(message, at + 1);
    }
    return any;
}

sipveil_code sv_sip_hint_at_lines(sipveil_code code, sipveil_span message, sipveil_error *err)
{
    size_t end, at;
    if (code != SIPVEIL_MALFORMED || !sv_sip_uses_bare_lf(message) || !sv_find_byte(message, '\n', &end)) return code;
    if (sv_find(sv_span(message.data, end), SV_SPAN("SIP/"), &at)) {
        return sv_hint(err, code, "lines end in bare LF, as an editor left them; SIP has CRLF (unix2dos writes it)");
    }
    return sv_hint(err, code, "is it a SIP message? One begins with a line such as \"INVITE sip:bob@biloxi.example.com SIP/2.0\"");
}

void sv_sip_to_crlf(sipveil_span message, sv_buffer *out)
{
    size_t at;
    while (sv_find_byte(message, '\n', &at)) {
        bool has_cr = at > 0 && message.data[at - 1] == '\r';
        sv_put(out, sv_span(message.data, at));
        sv_put_str(out, has_cr ? "\n" : "\r\n");
        message = sv_span_from(message, at + 1);
    }
    sv_put(out, message);
}
