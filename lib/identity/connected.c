/* SPDX-License-Identifier: BSD-2-Clause */
/* Connected identity (RFC 4916) and what RFC 8862 adds: what each side does next, from plain facts. */
#include "identity/body.h"
#include "identity/carrier.h"
#include "identity/event.h"
#include "sip/edit.h"
#include "sip/values.h"
#include "sipveil/binding.h"
#include "tunnel/bound.h"

#define FROM_CHANGE "from-change"

static bool has_to_tag(const sv_sip_view *view)
{
    return sv_dialog_of(view, view->is_request).local_tag.len > 0;
}

/* The method of CSeq, or of the request. */
static bool is(const sv_sip_view *view, const char *method)
{
    return sv_equal_str(view->method, method);
}

static bool is_first_invite(const sv_sip_view *view)
{
    return view->is_request && is(view, "INVITE") && !has_to_tag(view);
}

static bool is_success(const sv_sip_view *view)
{
    return !view->is_request && view->status >= 200 && view->status < 300;
}

/* A response that makes a dialog, early or not (RFC 3261 12.1). */
static bool forms_dialog(const sv_sip_view *view)
{
    return !view->is_request && is(view, "INVITE") && view->status > 100 && view->status < 300 && has_to_tag(view);
}

static sipveil_code read_view(sipveil_worker *worker, sipveil_span message, bool keep, sv_sip_view **view, sipveil_error *err)
{
    sv_error_clear(err);
    if (worker == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "a worker is needed");
    if (!keep) SV_TRY(sv_worker_begin_with(worker, &message, err));
    return sv_identity_view(worker, message, view, err);
}

/* ---- what comes next ---- */

sipveil_connected_step sipveil_connected_next(const sipveil_connected *d)
{
    if (!d->we_support || !d->peer_supports || d->told) return SIPVEIL_CONNECTED_NOTHING;
    if (d->confirmed) return SIPVEIL_CONNECTED_MUST_UPDATE;
    return d->provisional_acked ? SIPVEIL_CONNECTED_MAY_UPDATE : SIPVEIL_CONNECTED_WAIT;
}

bool sipveil_connected_is_unsafe(const sipveil_connected *d)
{
    return d->needs_identity && !d->peer_vouched;
}

static void note(sipveil_connected *d, const sv_sip_view *view, bool sent)
{
    bool *side = sent ? &d->we_support : &d->peer_supports;
    if (is_first_invite(view)) {
        d->calling = d->told = sent; /* the caller's INVITE says who he is; a callee has said nothing yet */
        *side = sv_sip_has_tag(view, SV_F_SUPPORTED, FROM_CHANGE);
    } else if (forms_dialog(view)) {
        *side = *side || sv_sip_has_tag(view, SV_F_SUPPORTED, FROM_CHANGE);
        d->confirmed = d->confirmed || is_success(view);
    } else if (is(view, "PRACK") && is_success(view)) {
        d->provisional_acked = true;
    } else if (view->is_request && sent && (is(view, "UPDATE") || is(view, "INVITE"))) {
        d->told = true;
    }
}

sipveil_code sipveil_connected_note(sipveil_worker *worker, sipveil_connected *dialog, sipveil_span message, bool sent,
                                    const sipveil_identity_verdict *verdict, sipveil_error *err)
{
    sv_sip_view *view;
    if (dialog == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "no place for the facts");
    SV_TRY(read_view(worker, message, verdict != NULL, &view, err));
    note(dialog, view, sent);
    if (view->is_request && !sent && verdict != NULL && verdict->valid) dialog->peer_vouched = true;
    return SIPVEIL_OK;
}

/* ---- from-change ---- */

sipveil_code sipveil_connected_announce(sipveil_worker *worker, sipveil_span message, sipveil_span *out, sipveil_error *err)
{
    sv_sip_view *view;
    sv_sip_edit edit;
    sv_buffer written;
    *out = sv_span(NULL, 0);
    SV_TRY(read_view(worker, message, false, &view, err));
    if (sv_sip_has_tag(view, SV_F_REQUIRE, FROM_CHANGE) || sv_sip_has_tag(view, SV_F_PROXY_REQUIRE, FROM_CHANGE)) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_POLICY, "IDN-48", SIPVEIL_NO_OFFSET,
                            "from-change stands in Require: whoever does not know it would refuse the call");
    }
    if ((!is_first_invite(view) && !forms_dialog(view)) || sv_sip_has_tag(view, SV_F_SUPPORTED, FROM_CHANGE)) {
        *out = view->whole;
        return SIPVEIL_OK;
    }
    sv_sip_edit_start(&edit, view);
    sv_sip_edit_add(&edit, SV_SPAN("Supported: " FROM_CHANGE "\r\n"));
    sv_buffer_init(&written, worker->arena, view->whole.len + 64, sipveil_context_limits(worker->context)->message);
    SV_TRY(sv_sip_edit_write(&edit, &written, err));
    *out = sv_buffer_span(&written);
    return SIPVEIL_OK;
}

bool sipveil_connected_takes_from(const sipveil_connected *d, const sipveil_identity_verdict *verdict, unsigned answered)
{
    return d->we_support && d->peer_supports && verdict != NULL && verdict->valid && !verdict->asserted &&
           answered >= 200 && answered < 300;
}

bool sipveil_connected_accepts_to(const char *to, const char *before, const char *now, bool now_seen)
{
    return sv_sip_same_aor(sv_span_str(to), sv_span_str(now)) ||
           (!now_seen && sv_sip_same_aor(sv_span_str(to), sv_span_str(before)));
}

sipveil_connected_refusal sipveil_connected_judge_response(const char *method, unsigned status, bool repaired)
{
    if (status != 428 && status != 436 && status != 437 && status != 438) return SIPVEIL_CONNECTED_ACCEPTED;
    if (sv_equal_str(sv_span_str(method), "BYE")) return SIPVEIL_CONNECTED_OVER;
    return repaired ? SIPVEIL_CONNECTED_TELL : SIPVEIL_CONNECTED_REPAIR;
}

sipveil_code sipveil_connected_wants_route(sipveil_worker *worker, sipveil_span message, bool signs, bool *wants,
                                           sipveil_error *err)
{
    sv_sip_view *view;
    *wants = false;
    SV_TRY(read_view(worker, message, false, &view, err));
    *wants = signs && is_first_invite(view) && sv_sip_has_tag(view, SV_F_SUPPORTED, FROM_CHANGE);
    return SIPVEIL_OK;
}

/* ---- sipbrandy ---- */

static bool has_msec(const sipveil_identity_verdict *verdict)
{
    for (size_t i = 0; i < verdict->field_count; i++) {
        if (verdict->fields[i].status == 0 && !verdict->fields[i].ignored && verdict->fields[i].ppt != NULL &&
            sv_equal_str(sv_span_str(verdict->fields[i].ppt), "msec")) {
            return true;
        }
    }
    return false;
}

/* Carries an offer or an answer. What cannot be looked into for want of memory is told: it must not pass unchecked. */
static sipveil_code look_for_sdp(sv_body_walk *walk, const sv_mime_entity *entity, size_t depth)
{
    (void)depth;
    walk->stop = sv_media_type_is(&entity->type, "application", "sdp");
    return SIPVEIL_OK;
}

sipveil_code sipveil_connected_check_brandy(sipveil_worker *worker, sipveil_span message,
                                            const sipveil_identity_verdict *verdict, int *status, sipveil_error *err)
{
    sv_sip_view *view;
    sv_mime_entity *entity;
    *status = 0;
    if (verdict == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "the verdict of the message is needed");
    SV_TRY(read_view(worker, message, true, &view, err));
    const sipveil_limits *limits = sipveil_context_limits(worker->context);
    entity = sv_arena_alloc_raw(worker->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(err, SV_IDENTITY);
    if (!view->is_request || view->body.len == 0) return SIPVEIL_OK;
    SV_TRY(sv_entity_of_body(view, limits, 0, entity, err));
    sv_body_walk walk = {.limits = limits, .arena = worker->arena, .err = err, .depth_most = limits->mime_depth, .passes_over = true,
                         .visit = look_for_sdp};
    SV_TRY(sv_body_walk_entity(&walk, entity, 0));
    if (!walk.stop) return SIPVEIL_OK;
    if (!verdict->present) *status = 428;
    else if (verdict->status != 0) *status = verdict->status;
    else if (!verdict->valid || verdict->fingerprint_count == 0) *status = 438;
    else if (!has_msec(verdict)) *status = 428; /* "Use Supported PASSporT Format" */
    return SIPVEIL_OK;
}
