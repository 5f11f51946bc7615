/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity/binding.h"

/* ---- may it be bound (IDN-57) ---- */

typedef struct reason {
    unsigned event;
    int status; /* where a binding is required */
    const char *rule, *why;
} reason;

static bool is_valid_now(const sv_bind_question *q)
{
    const sv_certificate_summary *s = &q->carried->summary;
    return sv_valid_at(s->not_before, s->not_after, q->now);
}

/* NULL: the certificate is the peer's for this dialog. */
static const reason *why_not(const sv_bind_question *q)
{
    static const reason unreadable = {SIPVEIL_BINDING_EVENT_UNREADABLE, 400, "IDN-54", "the certificate cannot be read"},
                        unread = {SIPVEIL_BINDING_EVENT_UNREADABLE, 437, "IDN-54",
                                  "the message carries MIKEY, and nobody reads its certificate"},
                        unclear = {SIPVEIL_BINDING_EVENT_UNCLEAR, 437, "IDN-55",
                                   "more than one certificate could be meant"},
                        expired = {SIPVEIL_BINDING_EVENT_EXPIRED, 437, "IDN-60", "the certificate is not valid now"},
                        nameless = {0, 437, "IDN-57", "From names no address, or has no tag: there is nothing to bind to"},
                        passing = {0, 437, "IDN-59", "the request is of no dialog that the certificate could be bound for"},
                        alone = {0, 437, "IDN-57", "nobody vouches for the sender"},
                        weak = {SIPVEIL_BINDING_EVENT_NOT_COVERED, 437, "IDN-02",
                                "what vouches for the sender is too weak to bind a certificate"},
                        beside = {SIPVEIL_BINDING_EVENT_NOT_COVERED, 437, "IDN-57",
                                  "Identity vouches for the sender, not for the certificate"};
    switch (q->carried->state) {
    case SV_CARRIED_UNREADABLE: return &unreadable;
    case SV_CARRIED_UNREAD: return &unread;
    case SV_CARRIED_UNCLEAR: return &unclear;
    default: break;
    }
    if (q->peer.len == 0 || q->dialog.remote_tag.len == 0) return &nameless;
    if (!q->of_dialog) return &passing;
    if (!q->vouched->valid) return &alone;
    if (q->vouched->weak) return &weak;
    if (!q->vouched->covers_body && !q->vouched->covers_certificate) return &beside;
    return is_valid_now(q) ? NULL : &expired;
}

static void refuse(sv_bind_answer *out, int status, const char *phrase, const char *rule, const char *why)
{
    out->status = status;
    out->phrase = phrase;
    out->rule = rule;
    out->why = why;
}

/* Policy decides whether a request whose certificate is not bound is refused; what the verdict says comes later, and first. */
static void leave_unbound(const sv_bind_question *q, const reason *r, sv_bind_answer *out)
{
    out->events |= r->event;
    out->rule = r->rule;
    out->why = q->carried->why != NULL ? q->carried->why : r->why;
    if (q->required) {
        refuse(out, r->status, NULL, r->rule, out->why);
    }
}

/* ---- the record (IDN-59) ---- */

/* before: the one that it follows in this dialog, or NULL. */
static sipveil_code make(sv_store *store, sv_arena *arena, const sv_bind_question *q, sv_binding_place place,
                         const sv_binding *before, sv_bind_answer *out, sipveil_error *err)
{
    const sv_certificate_summary *s = &q->carried->summary;
    int64_t longest;
    if (__builtin_add_overflow(q->now, (int64_t)SV_BINDING_LIFE, &longest)) longest = INT64_MAX;
    sv_binding b = {.dialog = q->dialog,
                    .place = place,
                    .state = SV_BINDING_CLAIMED, /* whatever signed in this message: that could be copied (IDN-58) */
                    .confirmed = before != NULL ? before->confirmed : q->confirmed,
                    .closing = before != NULL && before->closing,
                    .carrier = (uint8_t)q->carried->carrier,
                    .path = q->vouched->path,
                    .peer = q->peer,
                    .local = q->local,
                    .certificate = q->carried->der,
                    .domain = q->vouched->domain,
                    .issued = q->vouched->issued,
                    .made = q->now,
                    .not_after = s->not_after,
                    .until = s->not_after < longest ? s->not_after : longest};
    for (size_t i = 0; i < SV_BINDING_DIGEST; i++) {
        b.sha256[i] = s->sha256[i];
        b.key_sha256[i] = s->key_sha256[i];
        b.service_sha256[i] = q->vouched->service_sha256[i];
    }
    if (b.closing && before->until < b.until) b.until = before->until;
    SV_TRY(sv_binding_keep(store, arena, &b, q->now, err));
    out->events |= SIPVEIL_BINDING_EVENT_BOUND;
    if (q->expected.len > 0 && !sv_equal(q->expected, q->peer)) out->events |= SIPVEIL_BINDING_EVENT_OTHER_PARTY;
    if (out->assurance < SIPVEIL_ASSURANCE_SESSION) out->assurance = SIPVEIL_ASSURANCE_SESSION;
    out->binding = b;
    out->has_binding = true;
    return SIPVEIL_OK;
}

/* SIPVEIL_OK, *found says whether there is one; INTERNAL. */
static sipveil_code find(const sv_store *store, const sv_bind_question *q, sv_binding_place place, sv_arena *arena,
                         sv_binding *out, bool *found, sipveil_error *err)
{
    sipveil_code code = sv_binding_find(store, &q->dialog, place, q->now, arena, out);
    *found = code == SIPVEIL_OK;
    return code == SIPVEIL_INTERNAL ? sv_no_memory(err, SV_IDENTITY) : SIPVEIL_OK;
}

/* What the dialog had ends with a new one, if there is one: both or neither (ADV-215). */
typedef struct dialog_had {
    sv_binding items[SV_BINDING_PLACES];
    bool found[SV_BINDING_PLACES];
} dialog_had;

static sipveil_code find_all(const sv_store *store, const sv_bind_question *q, sv_arena *arena, dialog_had *had, sipveil_error *err)
{
    for (int place = 0; place < SV_BINDING_PLACES; place++) {
        SV_TRY(find(store, q, (sv_binding_place)place, arena, &had->items[place], &had->found[place], err));
    }
    return SIPVEIL_OK;
}

/* is_replaced: the current one was, if it was of the very dialog and not of the request that formed it. */
static void remove_all(sv_store *store, sv_arena *arena, const sv_bind_question *q, const dialog_had *had, bool is_replaced)
{
    for (int place = 0; place < SV_BINDING_PLACES; place++) {
        const sv_binding *b = &had->items[place];
        bool is_gone = is_replaced && place == SV_BINDING_CURRENT && sv_equal(b->dialog.local_tag, q->dialog.local_tag);
        if (had->found[place] && !is_gone) sv_binding_remove(store, arena, b);
    }
}

static bool same_certificate(const sv_binding *b, const sv_bind_question *q)
{
    return q->carried->state == SV_CARRIED_ONE &&
           sv_equal(sv_span(b->sha256, SV_BINDING_DIGEST), sv_span(q->carried->summary.sha256, SV_BINDING_DIGEST));
}

/* ---- a dialog that has a binding already ---- */

static sipveil_code permits_change(const sv_bind_question *q, const sv_binding *current, sv_arena *arena, bool *permits,
                                   sipveil_error *err)
{
    *permits = true;
    if (q->accept_change == NULL) return SIPVEIL_OK;
    const char *aor = sv_arena_string(arena, q->peer);
    if (aor == NULL) return sv_no_memory(err, SV_IDENTITY);
    *permits = q->accept_change(q->accept_change_user, current->certificate, q->carried->der, aor);
    return SIPVEIL_OK;
}

/* From is another one than before (IDN-62). */
static sipveil_code change_identity(sv_store *store, sv_arena *arena, const sv_bind_question *q, const sv_binding *current,
                                    sv_bind_answer *out, sipveil_error *err)
{
    const reason *r = q->carried->state == SV_CARRIED_NONE ? NULL : why_not(q);
    bool allowed = q->from_change && q->vouched->valid && !q->vouched->weak;
    if (allowed && r != NULL && q->required) { /* refused: all is as it was */
        leave_unbound(q, r, out);
        return SIPVEIL_OK;
    }
    if (allowed) {
        dialog_had had;
        bool binds = r == NULL && q->carried->state != SV_CARRIED_NONE;
        SV_TRY(find_all(store, q, arena, &had, err));
        out->events |= SIPVEIL_BINDING_EVENT_IDENTITY_CHANGED;
        out->has_binding = false;
        if (r != NULL) leave_unbound(q, r, out);
        if (binds) SV_TRY(make(store, arena, q, SV_BINDING_CURRENT, current, out, err));
        remove_all(store, arena, q, &had, binds);
        return SIPVEIL_OK;
    }
    out->events |= SIPVEIL_BINDING_EVENT_IDENTITY_UNVERIFIED;
    out->rule = "IDN-62";
    out->why = "From is another one than the certificate of this dialog is bound to, and nobody vouches for the change";
    if (q->carried->state == SV_CARRIED_ONE && !same_certificate(current, q)) {
        out->events |= SIPVEIL_BINDING_EVENT_KEY_MISMATCH;
        refuse(out, 403, "Certificate Changed", "IDN-61", out->why);
    }
    return SIPVEIL_OK;
}

/* The same peer brings another certificate (IDN-61). */
static sipveil_code change_key(sv_store *store, sv_arena *arena, const sv_bind_question *q, const sv_binding *current,
                               sv_bind_answer *out, sipveil_error *err)
{
    sv_binding next;
    bool there_is_next;
    const reason *r = why_not(q);
    if (r != NULL && q->carried->state != SV_CARRIED_ONE) { /* nobody knows what it brings: no change */
        leave_unbound(q, r, out);
        return SIPVEIL_OK;
    }
    SV_TRY(find(store, q, SV_BINDING_NEXT, arena, &next, &there_is_next, err));
    if (r == NULL && there_is_next && same_certificate(&next, q)) {
        out->binding = next; /* said again */
        if (out->assurance < SIPVEIL_ASSURANCE_SESSION) out->assurance = SIPVEIL_ASSURANCE_SESSION;
        return SIPVEIL_OK;
    }
    bool permits = false;
    if (r == NULL) SV_TRY(permits_change(q, current, arena, &permits, err));
    if (!permits) {
        out->events |= SIPVEIL_BINDING_EVENT_KEY_MISMATCH;
        refuse(out, 403, "Certificate Changed", "IDN-61",
               r != NULL ? "another certificate than the one bound in this dialog, and nobody vouches for it"
                         : "another certificate than the one bound in this dialog is not wanted");
        return SIPVEIL_OK;
    }
    SV_TRY(make(store, arena, q, SV_BINDING_NEXT, current, out, err));
    out->events |= SIPVEIL_BINDING_EVENT_KEY_CHANGED;
    return SIPVEIL_OK;
}

static sipveil_code bind_again(sv_store *store, sv_arena *arena, const sv_bind_question *q, const sv_binding *current,
                               sv_bind_answer *out, sipveil_error *err)
{
    out->binding = *current;
    out->has_binding = true;
    if (!sv_equal(current->peer, q->peer)) return change_identity(store, arena, q, current, out, err);
    if (q->carried->state == SV_CARRIED_NONE || same_certificate(current, q)) {
        if (out->assurance < SIPVEIL_ASSURANCE_SESSION) out->assurance = SIPVEIL_ASSURANCE_SESSION;
        return SIPVEIL_OK;
    }
    return change_key(store, arena, q, current, out, err);
}

/* ---- all of it ---- */

static sipveil_code judge(sv_store *store, sv_arena *arena, const sv_bind_question *q, sv_bind_answer *out, sipveil_error *err)
{
    sv_binding current;
    bool there_is_one;
    *out = (sv_bind_answer){.rule = "", .why = ""};
    if (q->carried->state != SV_CARRIED_NONE) {
        out->assurance = q->chain_valid ? SIPVEIL_ASSURANCE_CHAIN : SIPVEIL_ASSURANCE_UNBOUND;
    }
    SV_TRY(sv_binding_sweep(store, arena, &q->dialog, q->now, &out->events, err));
    SV_TRY(find(store, q, SV_BINDING_CURRENT, arena, &current, &there_is_one, err));
    if (there_is_one) return bind_again(store, arena, q, &current, out, err);
    if (q->carried->state == SV_CARRIED_NONE) return SIPVEIL_OK;
    const reason *r = why_not(q);
    if (r != NULL) {
        leave_unbound(q, r, out);
        return SIPVEIL_OK;
    }
    return make(store, arena, q, SV_BINDING_CURRENT, NULL, out, err);
}

sipveil_code sv_bind(sv_store *store, sv_arena *arena, const sv_bind_question *q, sv_bind_answer *out, sipveil_error *err)
{
    SV_TRY(judge(store, arena, q, out, err));
    /* A request with a bad Identity is refused whatever it brings; that another certificate was tried says more. */
    if (q->vouched->status != 0 && out->status != 403) out->status = q->vouched->status;
    return SIPVEIL_OK;
}
