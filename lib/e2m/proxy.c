/* SPDX-License-Identifier: BSD-2-Clause */
/* The hop: is it mine, and if so, one message through opening, serving and answering. */
#include "e2m/proxy.h"

#include "e2m/look.h"
#include "e2m/transaction.h"
#include "tunnel/memory.h"

void sipveil_e2m_proxy_options_default(sipveil_e2m_proxy_options *options)
{
    if (options == NULL) return;
    *options = (sipveil_e2m_proxy_options){.size = sizeof *options};
    sipveil_open_options_default(&options->open);
}

bool sv_hop_is_concerned(const sv_hop_set *names, const sipveil_e2m_policy *policy, const char *interface,
                         const sv_sip_view *view, sv_concern *out)
{
    *out = (sv_concern){false, NULL};
    if (view->body.len == 0 || sv_equal_str(view->method, "CANCEL")) return false; /* E2M-60 */
    out->may_be_named = sv_labels_may_name(view, names);
    if (policy != NULL) out->row = sv_policy_match(policy, view, interface, 0);
    return out->may_be_named || out->row != NULL;
}

static sipveil_code check_options(const sipveil_worker *worker, const sipveil_e2m_proxy_options *o, sv_hop *hop,
                                  sipveil_error *err)
{
    if (worker == NULL || o == NULL || o->size != sizeof *o || o->open.keyring == NULL || o->host_count == 0) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker, options (with their size), keyring and a host are needed");
    }
    *hop = (sv_hop){.options = o};
    return sv_hop_set_fill(&hop->names, o->hosts, o->host_count, err);
}

/* ---- the answer ---- */

static sv_refusal refusal_for(sipveil_code code, const sv_hop *hop)
{
    const sv_operation *op = hop->op;
    if (op->secret_used && sv_is_for_earlier_keys(op->root->first_child, hop->options->open.keyring)) {
        return SV_REFUSE_KEY_LOST;
    }
    return op->secret_used || code == SIPVEIL_UNSUPPORTED ? SV_REFUSE_VIEW : SV_REFUSE_PLAIN;
}

/* A response cannot be refused by a proxy, nor an ACK: the service is not given, and that is told (E2M-56). */
static sipveil_code refuse(sv_hop *hop, sv_refusal refusal, const sipveil_error *why, sipveil_e2m_verdict *out)
{
    sv_operation *op = hop->op;
    const sv_sip_view *view = op->root->view;
    *out = (sipveil_e2m_verdict){.action = SIPVEIL_E2M_FORWARD, .message = view->whole, .concerned = true,
                                 .named = hop->named, .reason = *why};
    if (hop->named && op->met_encrypted) SV_TRY(sv_hop_note_failure(hop, op->err));
    if (!view->is_request || sv_equal_str(view->method, "ACK")) {
        sv_report_warning(op, "E2M-56", "passed without the service: %s", why->text);
        return SIPVEIL_OK;
    }
    out->action = SIPVEIL_E2M_RESPOND;
    sv_report_check(op, refusal == SV_REFUSE_PLAIN ? "E2M-55" : "E2M-53", SIPVEIL_CHECK_FAILED, "refused: %s",
                    why->text);
    return sv_hop_answer(hop, view, refusal, why, &out->message);
}

static void hand_out_warnings(const sv_operation *op, sipveil_e2m_verdict *out)
{
    sv_findings found = sv_findings_of(op);
    out->warnings = found.warnings;
    out->warning_count = found.warning_count;
}

/* ---- one message ---- */

/* Labels that name us. An error is one for the sender only if a label could be ours. */
static sipveil_code read_own_labels(sv_hop *hop, const sv_sip_view *view)
{
    sv_labels all;
    sv_operation *op = hop->op;
    if (!hop->concern.may_be_named) return SIPVEIL_OK;
    SV_TRY(sv_labels_read(view, &all, op->err));
    for (size_t i = 0; i < all.count; i++) {
        if (sv_hop_set_has(&hop->names, &all.items[i].hop)) hop->mine.items[hop->mine.count++] = all.items[i];
    }
    for (size_t i = 0; i < hop->mine.count; i++) {
        const sv_label *label = &hop->mine.items[i];
        if (label->malformed) {
            return sv_fail_rule(op->err, SV_E2M, SIPVEIL_MALFORMED, "E2M-10", SIPVEIL_NO_OFFSET,
                                "a label for us has not exactly one good cid: %s", SV_QUOTE(label->value));
        }
        if (label->act == SIPVEIL_E2M_OTHER) {
            sv_fail_rule(op->err, SV_E2M, SIPVEIL_UNSUPPORTED, "E2M-14", SIPVEIL_NO_OFFSET,
                         "a label asks us for something that we do not know: %s", SV_QUOTE(label->value));
            op->err->sip_status = 493;
            return SIPVEIL_UNSUPPORTED;
        }
        hop->act = (sipveil_e2m_act)((unsigned)hop->act | (unsigned)label->act);
        hop->keep |= label->keep;
    }
    hop->named = hop->mine.count > 0;
    return SIPVEIL_OK;
}

/* The header alone: frames the message and leaves its view as the tree's root. */
static sipveil_code look(sv_hop *hop, sipveil_worker *worker, sipveil_span message, bool *concerned, sipveil_error *err)
{
    sv_sip_view *view;
    SV_TRY(sv_look_at(worker, message, &view, err));
    sv_operation *op = hop->op = &worker->operation;
    op->err = err;
    op->own_options = hop->options->open;
    op->options = &op->own_options;
    op->now = op->options->has_at ? op->options->at : sv_now(worker->context);
    sv_buffer_init(&op->checks, op->arena, 8 * sizeof(sipveil_check), 1 << 20);
    sv_buffer_init(&op->compared, op->arena, 64, 1 << 20);
    sv_buffer_init(&op->warnings, op->arena, 4 * sizeof(sipveil_warning), 1 << 20);
    op->root = sv_node_add(op, NULL, SV_NODE_SIP, NULL, view->whole);
    if (op->root == NULL) return SIPVEIL_INTERNAL;
    op->root->view = view;
    op->done = true;
    *concerned = !hop->options->retransmission &&
                 sv_hop_is_concerned(&hop->names, hop->options->policy, hop->options->interface, view, &hop->concern);
    return SIPVEIL_OK;
}

static sipveil_code judge_labels(void *state, sv_operation *op)
{
    const sv_hop *hop = state;
    return hop->named ? sv_check_signed_labels(op, &hop->mine, false) : SIPVEIL_OK;
}

static sipveil_code open_and_serve(sv_hop *hop, sipveil_worker *worker, sipveil_span message, sipveil_e2m_verdict *out,
                                   sipveil_error *err)
{
    sipveil_memory *memory = hop->options->open.memory;
    sipveil_open_options open = hop->options->open;
    open.size = sizeof open;
    open.allow_unprotected = true; /* a row of the policy may be about what is in clear */
    sipveil_opened opened;
    sipveil_error why;
    sv_opening_extension extension = sv_receiving_calls;
    extension.state = &hop->receiving;
    hop->receiving = (sv_receiving){.store = memory != NULL ? sv_memory_store(memory) : NULL,
                                    .allow_unprotected = hop->options->allow_unprotected_cekref,
                                    .may_open = sv_hop_may_open, .may_keep = sv_hop_may_keep, .judge = judge_labels,
                                    .state = hop};
    if (!hop->named) hop->act = hop->concern.row != NULL ? hop->concern.row->need.need : SIPVEIL_E2M_NONE;
    if (((unsigned)hop->act & SIPVEIL_E2M_VERIFY) == 0 && !hop->keep) open.no_verify_signer = true;
    sv_error_clear(&why);
    sipveil_code code = sv_open_extended(worker, &open, &extension, message, &opened, &why);
    sv_operation *op = hop->op = &worker->operation;
    op->extension = NULL;
    op->err = &why;
    if (code == SIPVEIL_INTERNAL || op->root == NULL) {
        *err = why;
        return code;
    }
    sv_refusal refusal = refusal_for(code, hop);
    if (code == SIPVEIL_OK || code == SIPVEIL_NO_KEY) {
        sv_error_clear(&why);
        code = sv_hop_serve(hop, out, &refusal);
    }
    op->err = err;
    if (code != SIPVEIL_OK && code != SIPVEIL_INTERNAL) code = refuse(hop, refusal, &why, out);
    else *err = why;
    return code;
}

/* A message that was seen a moment ago; or one of a source that sent too much that cannot be opened. */
static sipveil_code pass_by(sv_hop *hop, sipveil_span message, sipveil_e2m_verdict *out, bool *passes,
                            sipveil_error *why)
{
    sipveil_span response = {0};
    sv_error_clear(why);
    SV_TRY(sv_hop_find_transaction(hop, message, passes, &response, hop->op->err));
    if (*passes) {
        out->retransmission = true;
        sv_report_check(hop->op, "E2M-60", SIPVEIL_CHECK_PASSED, "a retransmission: what the first copy got");
        if (response.len == 0) return SIPVEIL_OK;
        out->action = SIPVEIL_E2M_RESPOND;
        out->message = response;
        sv_fail_rule(&out->reason, SV_E2M, SIPVEIL_POLICY, "E2M-60", SIPVEIL_NO_OFFSET,
                     "a retransmission of what was refused");
        return SIPVEIL_OK;
    }
    if (!sv_hop_source_is_spent(hop)) return SIPVEIL_OK;
    sv_fail_rule(why, SV_E2M, SIPVEIL_LIMIT, "E2M-59", SIPVEIL_NO_OFFSET,
                 "%d bodies of %s could not be opened in this second: no more are looked at", SV_FAILURES_MOST,
                 SV_QUOTE(sv_span_str(hop->options->source)));
    why->sip_status = 503;
    return SIPVEIL_OK;
}

/* Up to here the header alone was read, and so it stays for a message that only looked like one of ours (E2M-50). */
static sipveil_code handle(sv_hop *hop, sipveil_worker *worker, sipveil_span message, sipveil_e2m_verdict *out,
                           sipveil_error *err)
{
    const sv_sip_view *view = hop->op->root->view;
    sipveil_error why;
    sipveil_code code = read_own_labels(hop, view);
    if (code == SIPVEIL_OK && !hop->named && hop->concern.row == NULL) return SIPVEIL_OK;
    out->concerned = true;
    bool passes;
    sipveil_error labels = *err; /* of a label that is crooked */
    SV_TRY(pass_by(hop, message, out, &passes, &why));
    *err = labels;
    if (passes) return SIPVEIL_OK;
    if (why.code != SIPVEIL_OK) return refuse(hop, SV_REFUSE_PLAIN, &why, out);
    if (code == SIPVEIL_OK && hop->named) code = sv_find_named_parts(hop->op, view, &hop->mine, hop->places);
    if (code == SIPVEIL_INTERNAL) return code;
    if (code == SIPVEIL_OK) {
        code = open_and_serve(hop, worker, message, out, err);
    } else {
        why = *err;
        sv_error_clear(err);
        code = refuse(hop, refusal_for(code, hop), &why, out);
    }
    bool responds = out->action == SIPVEIL_E2M_RESPOND;
    return code == SIPVEIL_OK ? sv_hop_note_transaction(hop, message, responds ? out->message : sv_span(NULL, 0), err) : code;
}

/* What this response ends needs no keys any more (E2M-57); off a protected link anybody may have written it. */
static sipveil_code forget_ended(sv_hop *hop, sipveil_error *err)
{
    bool ended = false;
    sipveil_memory *memory = hop->options->open.memory;
    if (memory != NULL && hop->options->protected_hop) {
        SV_TRY(sv_cek_forget_ended(sv_memory_store(memory), hop->op->arena, hop->op->root->view, &ended, err));
    }
    if (ended) {
        sv_report_check(hop->op, "E2M-57", SIPVEIL_CHECK_PASSED, "the keys of what ended are forgotten");
    }
    return SIPVEIL_OK;
}

sipveil_code sipveil_e2m_proxy_message(sipveil_worker *worker, const sipveil_e2m_proxy_options *options, sipveil_span message,
                                       sipveil_e2m_verdict *out, sipveil_error *err)
{
    sipveil_error local;
    sv_hop hop;
    bool concerned = false;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (out == NULL) return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "no place for the verdict");
    *out = (sipveil_e2m_verdict){.action = SIPVEIL_E2M_FORWARD};
    SV_TRY(check_options(worker, options, &hop, err));
    SV_TRY(look(&hop, worker, message, &concerned, err));
    sipveil_e2m_verdict verdict = {.action = SIPVEIL_E2M_FORWARD, .message = hop.op->root->view->whole};
    size_t tail = hop.op->root->view->tail; /* opening reads what is left of it anew */
    sipveil_code code = SIPVEIL_OK;
    sv_store_mark mark = sv_memory_begin(options->open.memory);
    if (concerned) code = handle(&hop, worker, verdict.message, &verdict, err);
    sv_warn_of_tail(hop.op, tail);
    if (code == SIPVEIL_OK && !verdict.concerned) {
        sv_report_check(hop.op, "E2M-50", SIPVEIL_CHECK_NOT_DONE, "nothing here is for us: the body is not read");
    }
    if (code == SIPVEIL_OK) code = forget_ended(&hop, err);
    if (code == SIPVEIL_OK && verdict.action == SIPVEIL_E2M_FORWARD) {
        code = sv_hop_tell_needs(&hop, hop.op->root->view, &verdict.message);
    }
    if (code == SIPVEIL_OK) code = sv_report_is_whole(hop.op, err);
    sv_memory_end(options->open.memory, &mark, code);
    hand_out_warnings(hop.op, &verdict);
    hop.op->err = NULL;
    if (code != SIPVEIL_OK) return code;
    sv_error_clear(err);
    *out = verdict;
    return SIPVEIL_OK;
}

sipveil_code sipveil_e2m_concerns_proxy(sipveil_worker *worker, const sipveil_e2m_proxy_options *options, sipveil_span message,
                                        bool *concerns, sipveil_error *err)
{
    sipveil_error local;
    sv_hop hop;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (concerns == NULL) return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "no place for the answer");
    *concerns = false;
    SV_TRY(check_options(worker, options, &hop, err));
    SV_TRY(look(&hop, worker, message, concerns, err));
    if (*concerns && read_own_labels(&hop, hop.op->root->view) == SIPVEIL_OK) {
        *concerns = hop.named || hop.concern.row != NULL;
    }
    sv_error_clear(err); /* a label of ours that is crooked concerns us too */
    hop.op->err = NULL;
    return SIPVEIL_OK;
}

sipveil_code sipveil_e2m_forget_dialog(sipveil_worker *worker, sipveil_memory *memory, sipveil_span message,
                                       sipveil_error *err)
{
    sipveil_error local;
    sv_cek_scopes scopes;
    sv_sip_view *view;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || memory == NULL) return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker and memory are needed");
    SV_TRY(sv_look_at(worker, message, &view, err));
    SV_TRY(sv_cek_scopes_of(worker->arena, view, &scopes, err));
    sv_cek_forget(sv_memory_store(memory), &scopes);
    return SIPVEIL_OK;
}
