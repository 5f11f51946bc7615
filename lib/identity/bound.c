/* SPDX-License-Identifier: BSD-2-Clause */
/* Bindings as the caller meets them: a request and its verdict in, what became of its certificate out. */
#include "base/hex.h"
#include "identity/binding.h"
#include "identity/event.h"
#include "keys/session.h"
#include "sip/values.h"
#include "tunnel/bound.h"
#include "tunnel/memory.h"

void sipveil_identity_bind_options_default(sipveil_identity_bind_options *options)
{
    *options = (sipveil_identity_bind_options){.size = sizeof *options};
}

const char *sipveil_binding_event_name(unsigned event)
{
    static const char *const names[] = {"bound",           "not-covered",      "unclear",             "unreadable",
                                        "key-changed",     "key-mismatch",     "identity-changed",    "identity-unverified",
                                        "other-party",     "expired",          "ended",               "proven"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (event == 1u << i) return names[i];
    }
    return NULL;
}

/* ---- what is known of the request ---- */

/* The address of record in From or To; empty where there is none. */
static sipveil_code aor_of(const sv_sip_view *view, sv_field_id id, sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    sv_sip_address address;
    *out = sv_span(NULL, 0);
    if (sv_sip_read_address(sv_sip_value(view, id), &address, NULL) != SIPVEIL_OK) return SIPVEIL_OK;
    sipveil_code code = sv_sip_aor(address.uri, arena, out, NULL);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(err, SV_IDENTITY); /* or it would be a call of nobody */
    if (code != SIPVEIL_OK) *out = sv_span(NULL, 0);
    return SIPVEIL_OK;
}

/* Who vouches for a number does not vouch for the host beside it. */
static sipveil_code peer_of(const sv_sip_view *view, const sipveil_identity_verdict *verdict, sv_arena *arena,
                            sipveil_span *out, sipveil_error *err)
{
    sv_buffer b;
    if (verdict == NULL || !verdict->valid || !verdict->is_number || verdict->asserted) {
        return aor_of(view, SV_F_FROM, arena, out, err);
    }
    sv_buffer_init(&b, arena, 64, 1024);
    sv_put_str(&b, "tel:+");
    sv_put_str(&b, verdict->identity);
    *out = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_IDENTITY, err);
}

/* The verified mky names this certificate (IDN-57). */
static bool names_certificate(const sipveil_identity_verdict *verdict, const uint8_t sha256[SV_BINDING_DIGEST])
{
    uint8_t hex[2 * SV_BINDING_DIGEST];
    sv_write_hex(hex, sv_span(sha256, SV_BINDING_DIGEST));
    for (size_t i = 0; i < verdict->fingerprint_count; i++) {
        const sipveil_identity_fingerprint *f = &verdict->fingerprints[i];
        if (sv_equal_nocase_str(f->algorithm, "sha-256") && sv_equal_nocase(f->digest, sv_span(hex, sizeof hex))) return true;
    }
    return false;
}

static sv_vouched vouched_by(const sipveil_identity_verdict *verdict, const sv_carried_certificate *carried)
{
    sv_vouched v = {.valid = false};
    if (verdict == NULL) return v;
    v.valid = verdict->valid && !verdict->asserted; /* it is From that a certificate is bound to */
    v.status = verdict->status;
    if (!v.valid) return v;
    v.covers_body = verdict->body_covered;
    v.covers_certificate = carried->state == SV_CARRIED_ONE && names_certificate(verdict, carried->summary.sha256);
    v.weak = verdict->weak;
    v.path = (uint8_t)verdict->path;
    v.domain = sv_span_str(verdict->domain);
    v.issued = verdict->signed_at;
    for (size_t i = 0; i < SV_BINDING_DIGEST; i++) v.service_sha256[i] = verdict->certificate_sha256[i];
    return v;
}

/* A3: the certificate leads to an anchor and names the peer (IDN-65, IDN-75). */
static sipveil_code ask_chain(sipveil_worker *worker, const sipveil_identity_bind_options *options, sv_bind_question *q,
                              sipveil_error *err)
{
    sv_signer signer;
    if (options->trust == NULL || q->carried->state != SV_CARRIED_ONE || q->peer.len == 0) return SIPVEIL_OK;
    const sv_signer_question question = {.certificate = q->carried->certificate,
                                         .aor = q->peer,
                                         .at = q->now,
                                         .limits = sipveil_context_limits(worker->context)};
    SV_TRY(sv_keys_accept_signer(options->trust, &question, worker->arena, &signer, err));
    q->chain_valid = signer.trust == SV_TRUST_TRUSTED;
    return SIPVEIL_OK;
}

/* Requests of this method come in dialogs whose INVITE had its 2xx. */
static bool tells_confirmed(sipveil_span method)
{
    return !sv_equal_str(method, "UPDATE") && !sv_equal_str(method, "PRACK");
}

sipveil_code sipveil_identity_carries_certificate(sipveil_worker *worker, sipveil_span message, bool *carries,
                                                  sipveil_error *err)
{
    sv_sip_view *view;
    sv_carried_certificate carried;
    *carries = false;
    sv_error_clear(err);
    if (worker == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "a worker is needed");
    SV_TRY(sv_worker_begin_with(worker, &message, err));
    SV_TRY(sv_identity_view(worker, message, &view, err));
    const sv_carrier_question what = {.view = view, .context = worker->context, .crypto = worker->crypto, .arena = worker->arena};
    SV_TRY(sv_find_carried(&what, &carried, err));
    *carries = carried.state != SV_CARRIED_NONE;
    return SIPVEIL_OK;
}

/* ---- the answer ---- */

static sipveil_code hand_out(sipveil_worker *worker, const sv_bind_answer *answer, sipveil_bound *out, sipveil_error *err)
{
    const sv_binding *b = answer->has_binding ? &answer->binding : NULL;
    out->assurance = answer->assurance;
    out->events = answer->events;
    out->status = answer->status;
    out->phrase = answer->phrase;
    out->why = sv_arena_string(worker->arena, sv_span_str(answer->why));
    out->aor = sv_arena_string(worker->arena, b != NULL ? b->peer : sv_span(NULL, 0));
    if (out->why == NULL || out->aor == NULL) return sv_no_memory(err, SV_IDENTITY);
    if (b != NULL) {
        out->state = b->state == SV_BINDING_PROVEN ? SIPVEIL_BINDING_PROVEN : SIPVEIL_BINDING_CLAIMED;
        out->carrier = sv_carrier_name((sv_carrier)b->carrier);
        out->certificate = b->certificate;
        out->until = b->until;
        for (size_t i = 0; i < sizeof out->sha256; i++) out->sha256[i] = b->sha256[i];
    }
    return SIPVEIL_OK;
}

static void explain(const sipveil_identity_verdict *verdict, const sv_bind_answer *answer, sipveil_bound *out)
{
    if (answer->status == 0) return;
    if (verdict != NULL && answer->status == verdict->status) {
        out->reason = verdict->reason;
        out->phrase = verdict->phrase;
        return;
    }
    static const struct {
        int status;
        const char *phrase;
        sipveil_code code;
    } rows[] = {{400, "Bad Request", SIPVEIL_MALFORMED},
                {403, "Certificate Changed", SIPVEIL_POLICY},
                {437, "Unsupported Credential", SIPVEIL_UNTRUSTED_SIGNER}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].status != answer->status) continue;
        if (out->phrase == NULL) out->phrase = rows[i].phrase;
        sv_fail_rule(&out->reason, SV_IDENTITY, rows[i].code, answer->rule, SIPVEIL_NO_OFFSET, "%s", answer->why);
        out->reason.sip_status = answer->status;
    }
}

static sipveil_code bind(sipveil_worker *worker, const sipveil_identity_bind_options *options, sipveil_span message,
                         const sipveil_identity_verdict *verdict, sipveil_bound *out, sipveil_error *err)
{
    sv_sip_view *view;
    sv_carried_certificate carried = {0};
    sv_bind_answer answer = {.rule = "", .why = ""};
    sv_store *store = sv_memory_store(options->memory);
    int64_t now = options->has_at ? options->at : sv_now(worker->context);
    unsigned events = 0;
    SV_TRY(sv_identity_view(worker, message, &view, err));
    bool refused = view->is_request && verdict != NULL && verdict->status != 0; /* then it ends nothing either */
    if (!refused) SV_TRY(sv_binding_observe(store, worker->arena, view, false, now, &events, err));
    bool binds = view->is_request && !sv_sip_is_ack_or_cancel(view);
    const sv_carrier_question what = {.view = view, .context = worker->context, .crypto = worker->crypto,
                                      .arena = worker->arena, .allow_weak = options->allow_weak, .mikey = options->mikey,
                                      .mikey_user = options->mikey_user};
    SV_TRY(sv_find_carried(&what, &carried, err));
    if (!binds) { /* a response has no Identity, so that nothing in it is ever bound (IDN-66) */
        answer.assurance = carried.state == SV_CARRIED_NONE ? SIPVEIL_ASSURANCE_NONE : SIPVEIL_ASSURANCE_UNBOUND;
        answer.events = events;
        return hand_out(worker, &answer, out, err);
    }
    const sv_vouched vouched = vouched_by(verdict, &carried);
    sv_bind_question q = {.dialog = sv_dialog_of(view, true), .from_change = options->from_change, .required = options->required,
                          .carried = &carried, .vouched = &vouched, .accept_change = options->accept_change,
                          .accept_change_user = options->accept_change_user, .now = now};
    SV_TRY(peer_of(view, verdict, worker->arena, &q.peer, err));
    SV_TRY(aor_of(view, SV_F_TO, worker->arena, &q.local, err));
    bool in_dialog = q.dialog.local_tag.len > 0;
    q.of_dialog = in_dialog || sv_equal_str(view->method, "INVITE");
    q.confirmed = options->confirmed || (in_dialog && tells_confirmed(view->method));
    if (options->expected != NULL) SV_TRY(sv_sip_aor(sv_span_str(options->expected), worker->arena, &q.expected, err));
    SV_TRY(ask_chain(worker, options, &q, err));
    SV_TRY(sv_bind(store, worker->arena, &q, &answer, err));
    answer.events |= events;
    SV_TRY(hand_out(worker, &answer, out, err));
    explain(verdict, &answer, out);
    return SIPVEIL_OK;
}

sipveil_code sipveil_identity_bind_certificate(sipveil_worker *worker, const sipveil_identity_bind_options *options,
                                               sipveil_span message, const sipveil_identity_verdict *verdict,
                                               sipveil_bound *out, sipveil_error *err)
{
    sipveil_bound result = {.aor = "", .carrier = "none", .why = ""};
    sv_error_clear(err);
    sv_error_clear(&result.reason);
    if (out == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "no place for the result");
    *out = (sipveil_bound){0};
    if (worker == NULL || options == NULL || options->size != sizeof *options || options->memory == NULL) {
        return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "worker, options (with their size) and memory are needed");
    }
    if (verdict == NULL) SV_TRY(sv_worker_begin_with(worker, &message, err)); /* else its verdict is still looked at */
    sv_store_mark mark = sv_memory_begin(options->memory);
    sipveil_code code = bind(worker, options, message, verdict, &result, err);
    sv_memory_end(options->memory, &mark, code);
    if (code == SIPVEIL_OK) *out = result;
    return code;
}

/* ---- the dialog goes on, or ends ---- */

static sipveil_code begin(sipveil_worker *worker, const sipveil_memory *memory, sipveil_span *message, sipveil_error *err)
{
    sv_error_clear(err);
    if (worker == NULL || memory == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "worker and memory are needed");
    return sv_worker_begin_with(worker, message, err);
}

sipveil_code sipveil_identity_observe_message(sipveil_worker *worker, sipveil_memory *memory, sipveil_span message, bool sent,
                                              int64_t at, unsigned *events, sipveil_error *err)
{
    sv_sip_view *view;
    unsigned happened = 0;
    if (events != NULL) *events = 0;
    SV_TRY(begin(worker, memory, &message, err));
    SV_TRY(sv_identity_view(worker, message, &view, err));
    sv_store_mark mark = sv_memory_begin(memory);
    sipveil_code code = sv_binding_observe(sv_memory_store(memory), worker->arena, view, sent, at, &happened, err);
    sv_memory_end(memory, &mark, code);
    SV_TRY(code);
    if (events != NULL) *events = happened;
    return SIPVEIL_OK;
}

static sipveil_code not_bound(const sv_dialog *dialog, sipveil_error *err)
{
    sv_fail_rule(err, SV_IDENTITY, SIPVEIL_NO_KEY, "IDN-59", SIPVEIL_NO_OFFSET,
                 "no such certificate is bound in the dialog %s with the tags of this message", SV_QUOTE(dialog->call_id));
    return sv_hint(err, SIPVEIL_NO_KEY, "'sipveil identity bind' binds one, 'sipveil identity bound' lists what is bound");
}

sipveil_code sipveil_identity_prove_binding(sipveil_worker *worker, sipveil_memory *memory, sipveil_span message, bool sent,
                                            const uint8_t sha256[32], int64_t at, sipveil_error *err)
{
    sv_sip_view *view;
    sv_binding proven;
    SV_TRY(begin(worker, memory, &message, err));
    SV_TRY(sv_identity_view(worker, message, &view, err));
    sv_dialog dialog = sv_dialog_of(view, !sent);
    sipveil_code code = sv_binding_prove(sv_memory_store(memory), &dialog, sha256, at, worker->arena, &proven);
    if (code == SIPVEIL_NO_KEY) return not_bound(&dialog, err);
    return code == SIPVEIL_OK ? SIPVEIL_OK : sv_no_memory(err, SV_IDENTITY);
}

sipveil_code sipveil_identity_add_bound(sipveil_worker *worker, const sipveil_memory *memory, sipveil_span message,
                                        const char *aor, int64_t at, sipveil_keyring *ring, sipveil_error *err)
{
    sv_sip_view *view;
    sv_binding found;
    bool changed;
    SV_TRY(begin(worker, memory, &message, err));
    if (aor == NULL || ring == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "an address and a keyring are needed");
    SV_TRY(sv_normalise_lines(worker->arena, &message, sipveil_context_limits(worker->context), &changed, err));
    SV_TRY(sv_identity_view(worker, message, &view, err));
    sv_dialog dialog = sv_dialog_of(view, false);
    sipveil_span peer = sv_span_str(aor);
    sipveil_code code = sv_binding_find(sv_memory_store(memory), &dialog, SV_BINDING_CURRENT, at, worker->arena, &found);
    if (code == SIPVEIL_NO_KEY) return not_bound(&dialog, err);
    if (code != SIPVEIL_OK) return sv_no_memory(err, SV_IDENTITY);
    if (!sv_equal(found.peer, peer) && !sv_sip_same_aor(found.peer, peer)) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_NO_KEY, "IDN-59", SIPVEIL_NO_OFFSET,
                            "the certificate of the dialog %s is bound to %s, not to %s", SV_QUOTE(dialog.call_id),
                            SV_QUOTE(found.peer), SV_QUOTE(peer));
    }
    return sv_keyring_add_bound(ring, &found, err);
}
