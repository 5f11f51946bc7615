/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of bindings: with their dialog, and no longer (IDN-60). */
#include "base/field.h"
#include "identity/binding.h"
#include "sip/values.h"
#include "tunnel/bound.h"

enum { SESSION_MOST = 7 * 86400 };

/* A message as far as it decides about dialogs. */
typedef struct happening {
    sv_dialog dialog;
    bool is_request, sent, is_bound;
    sipveil_span method; /* of CSeq */
    unsigned status;
    bool has_session;
    int64_t session; /* Session-Expires, seconds */
    int64_t now;
} happening;

typedef enum fate { STAYS, CHANGES, ENDS } fate;

static bool is(const happening *h, const char *method)
{
    return sv_equal_str(h->method, method);
}

static bool same_dialog(const sv_binding *b, const sv_dialog *d)
{
    return sv_equal(b->dialog.call_id, d->call_id) && sv_equal(b->dialog.remote_tag, d->remote_tag) &&
           (b->dialog.local_tag.len == 0 || sv_equal(b->dialog.local_tag, d->local_tag));
}

/* Of the same INVITE: its side that made the tag is the same. */
static bool same_invite(const sv_binding *b, const happening *h)
{
    bool we_invited = h->is_request == h->sent;
    if (!sv_equal(b->dialog.call_id, h->dialog.call_id)) return false;
    return we_invited ? b->dialog.local_tag.len > 0 && sv_equal(b->dialog.local_tag, h->dialog.local_tag)
                      : sv_equal(b->dialog.remote_tag, h->dialog.remote_tag);
}

static bool shorten(sv_binding *b, int64_t until)
{
    if (b->until <= until) return false;
    b->until = until;
    return true;
}

/* A request by itself ends nothing at once: its response, or the time in which there is none, does. */
static fate by_request(const happening *h, sv_binding *b)
{
    int64_t soon = h->now + SV_TRANSACTION_SECONDS;
    if (is(h, "BYE") && same_dialog(b, &h->dialog) && !b->closing) {
        (void)shorten(b, soon);
        b->closing = true;
        return CHANGES;
    }
    if (is(h, "CANCEL") && !b->confirmed && same_invite(b, h)) return shorten(b, soon) ? CHANGES : STAYS;
    return STAYS;
}

/* RFC 4028: from each 2xx of INVITE and UPDATE on, within the time of the certificate. */
static bool extend(const happening *h, sv_binding *b)
{
    int64_t until = h->now + (h->session < SESSION_MOST ? h->session : SESSION_MOST);
    if (until > b->not_after) until = b->not_after;
    bool changed = until != b->until;
    b->until = until;
    return changed;
}

static fate by_success(const happening *h, sv_binding *b)
{
    bool changed = false;
    if (!same_dialog(b, &h->dialog)) { /* another branch of the same INVITE has lost (RFC 3261 13.2.2.4) */
        bool loses = is(h, "INVITE") && !b->confirmed && same_invite(b, h);
        return loses && shorten(b, h->now + SV_TRANSACTION_SECONDS) ? CHANGES : STAYS;
    }
    if (is(h, "INVITE") && !b->confirmed) changed = b->confirmed = true;
    if (h->has_session && !b->closing && (is(h, "INVITE") || is(h, "UPDATE"))) changed = extend(h, b) || changed;
    return changed ? CHANGES : STAYS;
}

static fate by_response(const happening *h, sv_binding *b)
{
    if (h->status < 200 || is(h, "CANCEL")) return STAYS; /* anybody makes a UA answer 481 to a CANCEL of no transaction */
    if (same_dialog(b, &h->dialog) && (is(h, "BYE") || h->status == 481 || h->status == 408)) return ENDS;
    if (h->status < 300) return by_success(h, b);
    return is(h, "INVITE") && !b->confirmed && same_invite(b, h) ? ENDS : STAYS;
}

/* Whether the very dialog has a binding. */
static bool is_bound(const sv_binding *all, size_t count, const sv_dialog *d, int64_t now)
{
    for (size_t i = 0; i < count; i++) {
        if (all[i].dialog.local_tag.len > 0 && same_dialog(&all[i], d) && sv_binding_lives(&all[i], now)) return true;
    }
    return false;
}

/* A message of both tags completes what an early request had begun; not where the dialog has a binding: then that request
 * was another one, with the same Call-ID and tag, and takes nobody's place. */
static sipveil_code settle(sv_store *store, sv_arena *arena, const happening *h, sv_binding *b, bool changed,
                           sipveil_error *err)
{
    bool completes = !h->is_bound && b->dialog.local_tag.len == 0 && h->dialog.local_tag.len > 0 && same_dialog(b, &h->dialog);
    if (completes) return sv_binding_complete(store, arena, b, h->dialog.local_tag, h->now, err);
    return changed ? sv_binding_keep(store, arena, b, h->now, err) : SIPVEIL_OK;
}

static void read_session(const sv_sip_view *view, happening *h)
{
    uint64_t seconds;
    const sv_sip_field *row = sv_sip_find(view, SV_SPAN("Session-Expires"));
    if (row == NULL) row = sv_sip_find(view, SV_SPAN("x"));
    if (row == NULL) return;
    sv_cursor c = sv_cursor_over(row->value, "Session-Expires");
    sipveil_span digits = sv_take_while(&c, sv_is_digit);
    sv_skip_lws(&c);
    h->has_session = (sv_at_end(&c) || sv_take_if(&c, ';')) && sv_read_number(digits, UINT32_MAX, &seconds);
    h->session = h->has_session ? (int64_t)seconds : 0;
}

sipveil_code sv_binding_observe(sv_store *store, sv_arena *arena, const sv_sip_view *view, bool sent, int64_t now,
                                unsigned *events, sipveil_error *err)
{
    happening h = {.dialog = sv_dialog_of(view, !sent), .is_request = view->is_request, .sent = sent, .method = view->method,
                   .status = view->is_request ? 0 : view->status, .now = now};
    sv_binding *all;
    size_t count;
    if (!view->is_request) read_session(view, &h);
    SV_TRY(sv_binding_sweep(store, arena, &h.dialog, now, events, err));
    SV_TRY(sv_binding_list_of_call(store, arena, h.dialog.call_id, &all, &count, err));
    h.is_bound = is_bound(all, count, &h.dialog, now);
    for (size_t i = 0; i < count; i++) {
        sv_binding *b = &all[i];
        if (!sv_binding_lives(b, now)) continue;
        fate f = h.is_request ? by_request(&h, b) : by_response(&h, b);
        if (f == ENDS) {
            sv_binding_remove(store, arena, b);
            *events |= SIPVEIL_BINDING_EVENT_ENDED;
            continue;
        }
        SV_TRY(settle(store, arena, &h, b, f == CHANGES, err));
    }
    return SIPVEIL_OK;
}

sipveil_code sv_binding_sweep(sv_store *store, sv_arena *arena, const sv_dialog *dialog, int64_t now, unsigned *events,
                              sipveil_error *err)
{
    sv_binding *all;
    size_t count;
    SV_TRY(sv_binding_list_of_call(store, arena, dialog->call_id, &all, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (sv_binding_lives(&all[i], now) || !same_dialog(&all[i], dialog)) continue;
        sv_binding_remove(store, arena, &all[i]);
        *events |= SIPVEIL_BINDING_EVENT_EXPIRED;
    }
    return SIPVEIL_OK;
}
