/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening: read the tree, judge it, hand out. Nothing is handed out unless every check passed. */
#include "tunnel/bound.h"
#include "tunnel/memory.h"

static sipveil_code begin(sipveil_worker *worker, const sipveil_open_options *options, bool inspecting, sipveil_span *message,
                          sipveil_error *err)
{
    SV_TRY(sv_worker_begin_with(worker, message, err));
    sv_operation *op = &worker->operation;
    op->own_options = *options;
    op->options = &op->own_options;
    op->inspecting = inspecting;
    op->err = err;
    op->now = options->has_at ? options->at : sv_now(worker->context);
    op->policy = (sv_cms_policy){.allow_weak = options->allow_weak, .strict = options->strict};
    if (options->compat & SIPVEIL_COMPAT_SEED000) op->mime_flags |= SV_MIME_COMPAT_SEED000;
    if (options->compat & SIPVEIL_COMPAT_SAMPLES) {
        op->mime_flags |= SV_MIME_COMPAT_SAMPLES;
        op->compare_flags |= SV_COMPAT_SAMPLES;
    }
    if (options->compat & SIPVEIL_COMPAT_SEED000) op->compare_flags |= SV_COMPAT_SAMPLES;
    sv_buffer_init(&op->checks, op->arena, 32 * sizeof(sipveil_check), 1 << 20);
    sv_buffer_init(&op->compared, op->arena, 48 * sizeof(sv_compared), 1 << 20);
    sv_buffer_init(&op->warnings, op->arena, 8 * sizeof(sipveil_warning), 1 << 20);
    sv_buffer_init(&op->signers, op->arena, 2 * sizeof(sipveil_accepted_signer), 1 << 20);
    return SIPVEIL_OK;
}

/* A name that tolerates nothing is a slip: the difference it was meant for would be refused without a word of it. */
static sipveil_code check_tolerated(sipveil_span name, bool pcscf, sipveil_error *err)
{
    sv_field_id id = sv_field_id_of(name);
    if (id == SV_F_CALL_ID || id == SV_F_CSEQ) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "a mismatch of %s is never accepted", sv_field_info_of(id)->name);
    }
    if (sv_compare_may_mismatch(name, pcscf)) return SIPVEIL_OK;
    sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "there is no mismatch of \"%s\" to accept", SV_QUOTE(name));
    return sv_hint(err, SIPVEIL_USAGE, "name a header field of RFC 3261; what hops change, extensions and the body's own fields may differ anyway");
}

static sipveil_code check_options(const sipveil_worker *worker, const sipveil_open_options *options,
                                  sipveil_error *err)
{
    if (worker == NULL || options == NULL || options->size != sizeof *options || options->keyring == NULL) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "worker, options (with their size) and keyring are needed");
    }
    if (options->date_window < 0) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "the date window is negative");
    }
    for (size_t i = 0; i < options->accept_mismatch_count; i++) {
        sipveil_span name = sv_span_str(options->accept_mismatch[i]);
        SV_TRY(check_tolerated(name, options->pcscf, err));
    }
    for (size_t i = 0; i <= options->registered_count; i++) {
        const char *aor = i < options->registered_count ? options->registered[i] : options->me;
        if (aor == NULL || sv_sip_same_aor(sv_span_str(aor), sv_span_str(aor))) continue;
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "\"%s\" is no address of record (sip:user@host)", SV_QUOTE(sv_span_str(aor)));
    }
    return SIPVEIL_OK;
}

static sipveil_code read_root(sv_operation *op, sipveil_span message)
{
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    bool changed = false;
    if (view == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    if (op->options->accept_bare_lf && op->inspecting) { /* what is opened was never rewritten */
        SV_TRY(sv_normalise_lines(op->arena, &message, op->limits, &changed, op->err));
        if (changed) sv_report_warning(op, "ADV-009", "lines end in bare LF; read as CRLF");
    }
    sipveil_code code = sv_sip_read(message, SV_SIP_DATAGRAM, op->limits, view, op->err);
    if (code == SIPVEIL_MALFORMED && (op->options->compat & SIPVEIL_COMPAT_SEED000)) {
        /* TUN-70: a start line and Content-* rows, nothing more. */
        sipveil_error as_fragment;
        if (sv_sip_read_fragment(message, op->limits, view, &as_fragment) == SIPVEIL_OK &&
            view->start_line.len > 0) {
            sv_report_warning(op, "TUN-70", "the outer message lacks header fields that RFC 3261 demands");
            code = SIPVEIL_OK;
        }
    }
    if (code != SIPVEIL_OK) return code;
    sv_arena_trim(op->arena, view, sizeof *view, sv_sip_view_size(view));
    sv_warn_of_tail(op, view->tail);
    op->root = sv_node_add(op, NULL, SV_NODE_SIP, NULL, view->whole);
    if (op->root == NULL) return SIPVEIL_INTERNAL;
    op->root->view = view;
    return SIPVEIL_OK;
}

static sipveil_code run(sv_operation *op, sipveil_span message)
{
    SV_TRY(read_root(op, message));
    op->done = true;
    SV_TRY(sv_report_failure(op, op->root, sv_read_body(op, op->root, (sv_depth){0})));
    if (op->inspecting && op->failure.code != SIPVEIL_OK) return SIPVEIL_OK;
    return sv_report_failure(op, op->root, sv_judge_message(op));
}

/* From the first use of a secret on the wire gets one answer (TUN-90). */
static void coarsen(const sv_operation *op, sipveil_error *err)
{
    if (op->secret_used && err->code != SIPVEIL_OK) err->sip_status = 493;
}

static void hand_out_lists(sv_operation *op, sipveil_opened *out)
{
    out->inner_identity_counts = op->inner_identity_counts;
    sv_findings found = sv_findings_of(op);
    out->checks = found.checks;
    out->check_count = found.check_count;
    out->warnings = found.warnings;
    out->warning_count = found.warning_count;
    sipveil_span signers = sv_buffer_span(&op->signers);
    out->signers = (const sipveil_accepted_signer *)(const void *)signers.data;
    out->signer_count = signers.len / sizeof *out->signers;
    sipveil_span compared = sv_buffer_span(&op->compared);
    const sv_compared *from = (const sv_compared *)(const void *)compared.data;
    size_t count = compared.len / sizeof *from;
    sipveil_compared_field *fields = sv_arena_alloc_array(op->arena, count, sizeof *fields);
    if (fields == NULL) return;
    for (size_t i = 0; i < count; i++) fields[i] = (sipveil_compared_field){from[i].field, from[i].result};
    out->compared = fields;
    out->compared_count = count;
}

static sipveil_code judge_extended(sv_operation *op)
{
    const sv_opening_extension *e = op->extension;
    return e != NULL && e->judge != NULL ? e->judge(e->state, op) : SIPVEIL_OK;
}

sipveil_code sv_open_extended(sipveil_worker *worker, const sipveil_open_options *options,
                              const sv_opening_extension *extension, sipveil_span message, sipveil_opened *out,
                              sipveil_error *err)
{
    sipveil_error local;
    sipveil_opened opened = {0};
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (out == NULL) return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "no place for the result");
    *out = opened;
    SV_TRY(check_options(worker, options, err));
    SV_TRY(begin(worker, options, false, &message, err));
    sv_operation *op = &worker->operation;
    op->extension = extension;
    sv_store_mark mark = sv_memory_begin(options->memory);
    sipveil_code code = run(op, message);
    if (code == SIPVEIL_OK) code = sv_emit(op, &opened);
    if (code == SIPVEIL_OK) code = sv_buffer_check(&op->compared, SV_TUNNEL, err);
    if (code == SIPVEIL_OK) code = judge_extended(op);
    if (code == SIPVEIL_OK) code = sv_judge_dialog(op);
    if (code == SIPVEIL_OK) code = sv_judge_replay(op);
    if (code == SIPVEIL_OK) code = sv_remember_dialog(op);
    if (code == SIPVEIL_OK) sv_remember_proof(op);
    if (code == SIPVEIL_OK) code = sv_buffer_check(&op->signers, SV_TUNNEL, err);
    if (code == SIPVEIL_OK && extension != NULL && extension->settle != NULL) code = extension->settle(extension->state, op);
    if (code == SIPVEIL_OK) code = sv_report_is_whole(op, err);
    sv_memory_end(options->memory, &mark, code);
    if (code != SIPVEIL_OK) {
        coarsen(op, err);
        if (op->failure.code == SIPVEIL_OK) op->failure_node = op->root;
        op->failure = *err;
        op->err = NULL;
        return code;
    }
    if (err->code != SIPVEIL_OK) sv_error_clear(err); /* what was tolerated may have left its text */
    hand_out_lists(op, &opened);
    op->err = NULL;
    *out = opened;
    return SIPVEIL_OK;
}

sipveil_code sipveil_tunnel_open_message(sipveil_worker *worker, const sipveil_open_options *options,
                                         sipveil_span message, sipveil_opened *out, sipveil_error *err)
{
    return sv_open_extended(worker, options, NULL, message, out, err);
}

sipveil_code sipveil_tunnel_inspect_message(sipveil_worker *worker, const sipveil_open_options *options,
                                            sipveil_span message, sipveil_error *err)
{
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    SV_TRY(check_options(worker, options, err));
    SV_TRY(begin(worker, options, true, &message, err));
    sv_operation *op = &worker->operation;
    sipveil_code code = run(op, message);
    op->err = NULL;
    if (code != SIPVEIL_OK && !op->done) { /* could not be framed, which the report says too */
        op->failure = *err;
        return code;
    }
    coarsen(op, &op->failure);
    if (code == SIPVEIL_INTERNAL) return code;
    sv_error_clear(err);
    return SIPVEIL_OK;
}
