/* SPDX-License-Identifier: BSD-2-Clause */
/* What a privacy service does for "header" (RFC 3323 5.1): Via, Record-Route and Contact tell where somebody is, and
 * the dialog needs them. They are kept under names that nobody can guess, which stand in their place. */
#include <stdio.h>

#include "sip/via.h"
#include "trust/border.h"
#include "tunnel/memory.h"

enum { TRANSACTION_SECONDS = 600, DIALOG_SECONDS = 86400 };

/* ---- entries of one dialog ---- */

static sipveil_span name_of(const sipveil_border *b, char kind, sipveil_span key)
{
    sv_buffer name;
    sv_buffer_init(&name, b->arena, key.len + 1, key.len + 2);
    sv_put_byte(&name, (uint8_t)kind);
    sv_put(&name, key);
    return sv_buffer_span(&name);
}

sipveil_code sv_recall_hidden(sipveil_border *b, const sv_sip_view *view, char kind, sipveil_span key,
                              sipveil_span *value, sipveil_error *err)
{
    *value = sv_span(NULL, 0);
    if (b->options.memory == NULL) return SIPVEIL_OK;
    sipveil_span name = name_of(b, kind, key);
    if (name.len == 0) return sv_no_memory(err, SV_TRUST);
    (void)sv_store_find(sv_memory_store(b->options.memory), SV_STORE_HIDDEN, sv_sip_value(view, SV_F_CALL_ID), name,
                        b->now, value);
    return SIPVEIL_OK;
}

static sipveil_code remember(sipveil_border *b, const sv_sip_view *view, char kind, sipveil_span key,
                             sipveil_span value, sipveil_error *err)
{
    sv_store *store = sv_memory_store(b->options.memory);
    sipveil_span scope = sv_sip_value(view, SV_F_CALL_ID), name = name_of(b, kind, key);
    int64_t seconds = kind == 'v' || kind == 'b' ? TRANSACTION_SECONDS : DIALOG_SECONDS, expires;
    if (name.len == 0) return sv_no_memory(err, SV_TRUST);
    if (__builtin_add_overflow(b->now, seconds, &expires)) expires = INT64_MAX;
    return sv_store_replace(store, SV_STORE_HIDDEN, scope, name, value, b->now, expires, err);
}

/* The name that stands for something, the same one for the same thing: retransmissions stay what they are. */
static sipveil_code name_for(sipveil_border *b, const sv_sip_view *view, char kind, sipveil_span what,
                             sipveil_span *token, sipveil_error *err)
{
    sipveil_span known;
    sv_buffer text;
    SV_TRY(sv_recall_hidden(b, view, kind, what, &known, err));
    if (known.len > 0) {
        if (!sv_arena_copy(b->arena, known, token)) return sv_no_memory(err, SV_TRUST);
        return remember(b, view, kind, what, *token, err); /* as the newest: the oldest of a dialog go first */
    }
    sv_buffer_init(&text, b->arena, SV_HIDDEN_TOKEN, SV_HIDDEN_TOKEN + 1);
    SV_TRY(sv_put_random_hex(b->crypto, SV_HIDDEN_TOKEN / 2, &text, err));
    *token = sv_buffer_span(&text);
    return remember(b, view, kind, what, *token, err);
}

static void put_rows(const sv_sip_view *view, sv_field_id id, sv_buffer *out)
{
    for (const sv_sip_field *row = sv_sip_first(view, id); row != NULL; row = sv_sip_next(view, row))
        sv_put(out, row->line);
}

/* ---- what goes ---- */

/* One Via of our own for all. The transaction is told by the topmost Via, CSeq's number and where it goes: its CANCEL
 * has the same. */
static sipveil_code hide_via(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    const sv_sip_field *top = sv_sip_first(view, SV_F_VIA);
    sipveil_span token, method;
    uint32_t number = 0;
    sv_buffer key, kept, own;
    if (top == NULL) return SIPVEIL_OK;
    (void)sv_sip_read_cseq(sv_sip_value(view, SV_F_CSEQ), &number, &method, NULL);
    sv_buffer_init(&key, b->arena, 256, 1 << 16);
    sv_put_format(&key, "%u ", number);
    sv_put(&key, view->request_uri);
    sv_put_byte(&key, ' ');
    sv_put(&key, top->value);
    sv_buffer_init(&kept, b->arena, 512, 1 << 16);
    put_rows(view, SV_F_VIA, &kept);
    sv_put_byte(&kept, 0);
    put_rows(view, SV_F_RECORD_ROUTE, &kept);
    SV_TRY(sv_buffer_check(&key, SV_TRUST, err));
    SV_TRY(sv_buffer_check(&kept, SV_TRUST, err));
    SV_TRY(name_for(b, view, 'v', sv_buffer_span(&key), &token, err));
    sipveil_span before = {0}; /* a CANCEL has no Record-Route, and must not take that of its INVITE away */
    if (sv_equal_str(view->method, "CANCEL")) SV_TRY(sv_recall_hidden(b, view, 'b', token, &before, err));
    if (before.len == 0) SV_TRY(remember(b, view, 'b', token, sv_buffer_span(&kept), err));
    sipveil_span transport = sv_sip_top_transport(view);
    sv_buffer_init(&own, b->arena, 256, 1 << 12);
    sv_put_str(&own, "Via: SIP/2.0/");
    sv_put(&own, transport.len > 0 ? transport : SV_SPAN("UDP"));
    sv_put_byte(&own, ' ');
    sv_put(&own, b->table->spec.service_host);
    sv_put_str(&own, ";branch=z9hG4bK");
    sv_put(&own, token);
    sv_put_str(&own, "\r\n");
    SV_TRY(sv_buffer_check(&own, SV_TRUST, err));
    sv_sip_edit_insert_before(&b->edit, top, sv_buffer_span(&own));
    (void)sv_sip_edit_remove_all(&b->edit, SV_F_VIA);
    sv_border_note(b, "B", "Via", "changed", "TRU-35", "Privacy asks for header: one of our own, the others are kept");
    if (sv_sip_edit_remove_all(&b->edit, SV_F_RECORD_ROUTE) > 0) {
        sv_border_note(b, "B", "Record-Route", "removed", "TRU-35",
                       "Privacy asks for header: it is kept, and put back into answers");
    }
    return SIPVEIL_OK;
}

/* Record-Route rows become the Route rows of who calls back: the same order (RFC 3261 12.1.1). */
static void put_routes(const sv_sip_view *view, sv_buffer *out)
{
    for (const sv_sip_field *row = sv_sip_first(view, SV_F_RECORD_ROUTE); row != NULL; row = sv_sip_next(view, row)) {
        sv_put_str(out, "Route: ");
        sv_put(out, row->value);
        sv_put_str(out, "\r\n");
    }
}

static sipveil_code hide_contact(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    const sv_sip_field *row = sv_sip_first(view, SV_F_CONTACT);
    sv_sip_address contact;
    sipveil_span token, before;
    sv_buffer kept, own;
    if (row == NULL) return SIPVEIL_OK;
    if (sv_sip_read_address(row->value, &contact, NULL) != SIPVEIL_OK || sv_sip_next(view, row) != NULL ||
        !sv_scheme_of(contact.uri)) {
        (void)sv_sip_edit_remove_all(&b->edit, SV_F_CONTACT); /* a redirect, or what nobody can call back */
        sv_border_note(b, "B", "Contact", "removed", "TRU-35",
                       "Privacy asks for header, and it is not one SIP address");
        return SIPVEIL_OK;
    }
    SV_TRY(name_for(b, view, 'o', contact.uri, &token, err));
    sv_buffer_init(&kept, b->arena, 512, 1 << 16);
    SV_TRY(sv_recall_hidden(b, view, 'c', token, &before, err));
    if (before.len > 0) { /* the routes are those of the request that made the dialog */
        sv_put(&kept, before);
    } else {
        sv_put(&kept, contact.uri);
        sv_put_byte(&kept, 0);
        if (view->is_request) put_routes(view, &kept);
    }
    SV_TRY(sv_buffer_check(&kept, SV_TRUST, err));
    SV_TRY(remember(b, view, 'c', token, sv_buffer_span(&kept), err));
    sv_buffer_init(&own, b->arena, 256, 1 << 12);
    sv_put_str(&own, sv_scheme_of(contact.uri) == SV_SCHEME_SIPS ? "<sips:" : "<sip:");
    sv_put(&own, token);
    sv_put_byte(&own, '@');
    sv_put(&own, b->table->spec.service_host);
    sv_put_byte(&own, '>');
    SV_TRY(sv_buffer_check(&own, SV_TRUST, err));
    sv_sip_edit_set_value(&b->edit, row, sv_buffer_span(&own), b->arena);
    sv_border_note(b, "B", "Contact", "changed", "TRU-35",
                   "Privacy asks for header: a name of our own, the other is kept");
    return SIPVEIL_OK;
}

bool sv_can_hide_header(const sipveil_border *b, const sv_sip_view *view)
{
    bool registers = view->is_request && sv_equal_str(view->method, "REGISTER"); /* its Contact is what it is about */
    return (b->table->spec.serves & SV_SERVES_HEADER) && b->options.memory != NULL && !registers;
}

sipveil_code sv_is_hidden_dialog(sipveil_border *b, const sv_sip_view *view, bool *is, sipveil_error *err)
{
    sipveil_span mark = {0};
    if (view->is_request && sv_sip_is_ack_or_cancel(view))
        SV_TRY(sv_recall_hidden(b, view, 'd', sv_span(NULL, 0), &mark, err));
    *is = mark.len > 0;
    return SIPVEIL_OK;
}

sipveil_code sv_hide_header(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    sipveil_code code = view->is_request ? hide_via(b, view, err) : SIPVEIL_OK;
    if (code == SIPVEIL_OK) code = hide_contact(b, view, err);
    if (code == SIPVEIL_OK) code = remember(b, view, 'd', sv_span(NULL, 0), SV_SPAN("1"), err);
    if (code != SIPVEIL_LIMIT) return code;
    sv_error_clear(err);
    sv_border_refuse(b, 500, "TRU-35", "Server Error: privacy header not available",
                     "there is no room to remember what Privacy: header hides");
    return SIPVEIL_OK;
}
