/* SPDX-License-Identifier: BSD-2-Clause */
/* What was hidden, put back (TRU-35): answers get the Via and Record-Route of their request, who calls back gets to the
 * Contact that a name stands for. What was forgotten is no dialog any more: 481. */
#include "sip/address.h"
#include "sip/via.h"
#include "trust/border.h"

/* "name" of 32 hex digits, as hide.c makes them. */
static bool is_token(sipveil_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!sv_is_hex(text.data[i])) return false;
    }
    return text.len == SV_HIDDEN_TOKEN;
}

/* The two parts of what is kept. */
static void split(sipveil_span kept, sipveil_span *first, sipveil_span *second)
{
    size_t at = kept.len;
    (void)sv_find_byte(kept, 0, &at);
    *first = sv_span(kept.data, at);
    *second = sv_span_from(kept, at + 1);
}

/* Whether a URI, whose host stands there, is ours: host and port as service_host has them. */
static bool is_ours(const sipveil_border *b, sipveil_span uri, sipveil_span host)
{
    sipveil_span own = b->table->spec.service_host;
    if (host.len == 0 || !sv_span_within(host, uri)) return false;
    sipveil_span place = sv_span_through(host, sv_span_from(uri, uri.len));
    if (place.len < own.len || !sv_equal_nocase(sv_span(place.data, own.len), own)) return false;
    return place.len == own.len || place.data[own.len] == ';' || place.data[own.len] == '?';
}

/* The branch of the topmost Via, if that is ours; empty if not. */
static sipveil_span own_branch(const sipveil_border *b, const sv_sip_view *view)
{
    sv_sip_via via;
    if (!sv_sip_top_via(view, &via) || !sv_equal_nocase(via.sent_by, b->table->spec.service_host)) return sv_span(NULL, 0);
    sipveil_span branch = sv_sip_top_branch(view);
    if (!sv_starts_nocase_str(branch, "z9hG4bK")) return sv_span(NULL, 0);
    branch = sv_span_from(branch, 7);
    return is_token(branch) ? branch : sv_span(NULL, 0);
}

/* Far rows first, then ours, then those that were hidden: the originator sends later requests by the same way back. */
static sipveil_code restore_routes(sipveil_border *b, const sv_sip_view *view, sipveil_span kept, sipveil_error *err)
{
    sv_buffer rows;
    bool makes_dialog = view->status > 100 && view->status < 300 && sv_sip_first(view, SV_F_CONTACT) != NULL;
    if (!makes_dialog) return SIPVEIL_OK;
    sv_buffer_init(&rows, b->arena, kept.len + 256, 1 << 17);
    sv_put_str(&rows, "Record-Route: <sip:");
    sv_put(&rows, b->table->spec.service_host);
    sv_put_str(&rows, ";lr>\r\n");
    sv_put(&rows, kept);
    SV_TRY(sv_buffer_check(&rows, SV_TRUST, err));
    sv_sip_edit_add(&b->edit, sv_buffer_span(&rows));
    sv_border_note(b, "A", "Record-Route", "added", "TRU-35", "ours, and those that were hidden from the far side");
    return SIPVEIL_OK;
}

static sipveil_code restore_response(sipveil_border *b, const sv_sip_view *view, bool *changed, sipveil_error *err)
{
    sipveil_span token = own_branch(b, view), kept, via, routes, copy;
    if (token.len == 0) return SIPVEIL_OK;
    SV_TRY(sv_recall_hidden(b, view, 'b', token, &kept, err));
    if (kept.len == 0) {
        sv_border_refuse(b, 481, "TRU-35", NULL, "what was hidden of this transaction is forgotten");
        return SIPVEIL_OK;
    }
    if (!sv_arena_copy(b->arena, kept, &copy)) return sv_no_memory(err, SV_TRUST);
    split(copy, &via, &routes);
    sv_sip_edit_insert_before(&b->edit, sv_sip_first(view, SV_F_VIA), via);
    (void)sv_sip_edit_remove_all(&b->edit, SV_F_VIA);
    sv_border_note(b, "A", "Via", "changed", "TRU-35", "those that were hidden are put back");
    *changed = true;
    return restore_routes(b, view, routes, err);
}

/* RFC 3261 16.4: a Route that is ours has done its work. Whether another one is left. */
static bool drop_own_route(sipveil_border *b, const sv_sip_view *view, bool *changed)
{
    const sv_sip_field *row = sv_sip_first(view, SV_F_ROUTE);
    sv_sip_address route;
    sv_sip_uri uri;
    if (row == NULL) return false;
    sv_cursor c = sv_cursor_over(row->value, "Route");
    if (sv_sip_take_address(&c, 0, &route, NULL) != SIPVEIL_OK ||
        sv_sip_read_uri(route.uri, &uri, NULL) != SIPVEIL_OK || uri.user.len > 0)
        return true;
    if (!is_ours(b, route.uri, uri.host)) return true;
    bool more = sv_take_if(&c, ',');
    if (more) sv_sip_edit_set_value(&b->edit, row, sv_trim(sv_rest(&c)), b->arena);
    else sv_sip_edit_remove(&b->edit, row);
    sv_border_note(b, "A", "Route", "changed", "TRU-35", "ours has done its work");
    *changed = true;
    return more || sv_sip_next(view, row) != NULL;
}

static sipveil_code restore_request(sipveil_border *b, const sv_sip_view *view, bool *changed, sipveil_error *err)
{
    sv_sip_uri uri;
    sipveil_span kept, contact, routes, copy;
    /* Where a Route is left the name is not looked up yet: whoever wrote that Route would be told what it stands for. */
    if (drop_own_route(b, view, changed)) return SIPVEIL_OK;
    if (sv_sip_read_uri(view->request_uri, &uri, NULL) != SIPVEIL_OK || !is_token(uri.user)) return SIPVEIL_OK;
    if (!is_ours(b, view->request_uri, uri.host)) return SIPVEIL_OK;
    SV_TRY(sv_recall_hidden(b, view, 'c', uri.user, &kept, err));
    if (kept.len == 0) {
        sv_border_refuse(b, 481, "TRU-35", NULL, "what was hidden of this dialog is forgotten");
        return SIPVEIL_OK;
    }
    if (!sv_arena_copy(b->arena, kept, &copy)) return sv_no_memory(err, SV_TRUST);
    split(copy, &contact, &routes);
    sv_buffer line;
    sv_buffer_init(&line, b->arena, contact.len + 64, 1 << 16);
    sv_put(&line, view->method);
    sv_put_byte(&line, ' ');
    sv_put(&line, contact);
    sv_put_str(&line, " SIP/2.0");
    SV_TRY(sv_buffer_check(&line, SV_TRUST, err));
    b->edit.start_line = sv_buffer_span(&line);
    if (routes.len > 0) {
        sv_sip_edit_insert_before(&b->edit, &view->fields[0], routes);
        sv_border_note(b, "A", "Route", "added", "TRU-35", "the way to the Contact that was hidden");
    }
    *changed = true;
    return SIPVEIL_OK;
}

sipveil_code sv_restore_header(sipveil_border *b, const sv_sip_view *view, sipveil_span *message, sipveil_error *err)
{
    bool changed = false;
    sv_buffer out;
    *message = view->whole;
    if (!(b->table->spec.serves & SV_SERVES_HEADER) || b->options.memory == NULL) return SIPVEIL_OK;
    sv_sip_edit_start(&b->edit, view);
    SV_TRY(view->is_request ? restore_request(b, view, &changed, err) : restore_response(b, view, &changed, err));
    if (!changed || b->refusal.action != SIPVEIL_BORDER_FORWARD) return SIPVEIL_OK;
    sv_buffer_init(&out, b->arena, view->whole.len + 512, sipveil_context_limits(b->context)->message + SV_BORDER_ROOM);
    SV_TRY(sv_sip_edit_write(&b->edit, &out, err));
    *message = sv_buffer_span(&out);
    return SIPVEIL_OK;
}
