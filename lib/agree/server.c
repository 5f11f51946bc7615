/* SPDX-License-Identifier: BSD-2-Clause */
/* A server's decision about one request: what protects it, whether it mirrors our list, and what follows
 * (RFC 3329 2.3). Nothing is kept for who has proved nothing. */
#include "agree/server.h"
#include "tunnel/memory.h"

#include "sip/via.h"

void sipveil_agree_server_options_default(sipveil_agree_server_options *options)
{
    *options = (sipveil_agree_server_options){.size = sizeof *options};
}

/* ---- facts ---- */

static size_t count_via(const sv_sip_view *view, sipveil_agree_profile profile)
{
    size_t count = 0;
    const sv_sip_field *row = sv_sip_first(view, SV_F_VIA);
    for (; row != NULL; row = sv_sip_next(view, row)) {
        count += profile == SIPVEIL_AGREE_DRAFT05 ? 1 : sv_sip_count_vias(row); /* D-03 */
    }
    return count;
}

/* The very octets that we send, as most clients send them back: nothing has to be taken apart. */
static bool is_own_text(const sv_server *s)
{
    const sv_sip_field *row = sv_sip_first(s->view, SV_F_SECURITY_VERIFY);
    return row != NULL && sv_sip_next(s->view, row) == NULL && sv_equal_constant_time(row->value, s->own->text);
}

static sipveil_code read_verify(sv_server *s)
{
    bool present;
    sipveil_error why;
    if (is_own_text(s)) {
        s->has_verify = true;
        s->facts.verify = SIPVEIL_AGREE_SAME;
        sv_report_check(s->op, "AGR-12", SIPVEIL_CHECK_PASSED, "Security-Verify is our list");
        return SIPVEIL_OK;
    }
    sipveil_code code = sv_mechanisms_of(s->view, SV_F_SECURITY_VERIFY, s->op->arena, s->verify, &present, &why);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(s->op->err, SV_AGREE);
    s->has_verify = present;
    s->verify_read = present && code == SIPVEIL_OK;
    s->facts.verify = present ? SIPVEIL_AGREE_SYNTAX : SIPVEIL_AGREE_ABSENT;
    if (s->verify_read) SV_TRY(sv_mechanisms_compare(s->own, s->verify, s->op->arena, &s->facts.verify, s->op->err));
    if (present) {
        bool same = s->facts.verify == SIPVEIL_AGREE_SAME;
        sv_report_check(s->op, code == SIPVEIL_OK ? "AGR-12" : "AGR-01", same ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_FAILED,
                        same                 ? "Security-Verify is our list"
                        : code == SIPVEIL_OK ? "Security-Verify differs from our list"
                                             : "Security-Verify cannot be read");
    }
    return SIPVEIL_OK;
}

static void gather_facts(sv_server *s)
{
    const sv_sip_view *v = s->view;
    s->facts = (sv_agree_facts){
        .profile = s->options->profile,
        .policy = s->options->policy,
        .ack = sv_equal_str(v->method, "ACK"),
        .cancel = sv_equal_str(v->method, "CANCEL"),
        .prack = sv_equal_str(v->method, "PRACK"),
        .via = count_via(v, s->options->profile),
        .required = sv_sip_has_tag(v, SV_F_REQUIRE, SV_AGREE_TAG) || sv_sip_has_tag(v, SV_F_PROXY_REQUIRE, SV_AGREE_TAG),
        .supported = sv_sip_has_tag(v, SV_F_SUPPORTED, SV_AGREE_TAG),
        .has_security_row = sv_sip_first(v, SV_F_SECURITY_CLIENT) != NULL || sv_sip_first(v, SV_F_SECURITY_SERVER) != NULL ||
                            sv_sip_first(v, SV_F_SECURITY_VERIFY) != NULL,
        .answer_supported = s->options->answer_supported,
    };
}

/* The host's word for what it verified; digest and smime are never taken on its word. */
static void take_host_fact(sv_server *s)
{
    const char *name = s->options->protected_by;
    if (name == NULL || strcmp(name, "none") == 0) return;
    sv_mechanism_kind kind = sv_mechanism_kind_of(sv_span_str(name));
    if (sv_mechanism_is_digest(kind) || kind == SV_MECH_SMIME) return;
    s->facts.is_protected = true;
    s->facts.protection = kind;
    s->protected_by = sv_span_str(name);
    for (size_t i = 0; i < s->own->list.count; i++) {
        if (sv_equal_nocase_str(s->own->list.items[i].name, name)) s->facts.in_own_list = true;
    }
}

static sipveil_code find_protection(sv_server *s)
{
    if (s->facts.is_protected) return sv_server_compare_client_list(s);
    if (s->inner != NULL) {
        s->facts.is_protected = s->facts.in_own_list = true;
        s->facts.protection = SV_MECH_SMIME;
        s->protected_by = SV_SPAN("smime");
        return sv_server_judge_inner(s);
    }
    return sv_server_judge_digest(s);
}

/* ---- verdict ---- */

/* The rows of the table: rule, and what the condition says after its number. */
typedef struct condition {
    const char *rule, *text;
} condition;
enum { NOT_IN_OUR_LIST = 8 };
static const condition conditions[] = {
    {"", ""},
    {"AGR-11", "row 1: ACK and CANCEL are never answered"},
    {"D-16", "row 2: security agreement is off"},
    {"D-03", "row 3: more than one Via value"},
    {"AGR-26", "row 4: the request came unprotected, and its sender requires security agreement"},
    {"AGR-26", "row 5: the request came unprotected, and its sender supports security agreement"},
    {"AGR-26", "row 6: the request came unprotected, and its sender supports no security agreement"},
    {"AGR-26", "row 7: the request came unprotected, which is allowed here"},
    {"AGR-19", "row 8: the request is protected by a mechanism that is not in our list"},
    {"AGR-12", "row 9: Security-Verify is not our list: somebody changed it on the way"},
    {"D-13", "row 10: came over TLS by RFC 3263"},
    {"AGR-12", "row 11: the request is protected, and Security-Verify is missing"},
    {"AGR-12", "row 12: protected, and Security-Verify is our list"},
};

static void explain(sv_server *s, const sv_agree_decision *d, sipveil_agree_verdict *out)
{
    const condition *row = &conditions[d->row];
    sv_report_literal(s->op, row->rule, d->status == 0 ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_FAILED, row->text);
    if (d->status == 0) return;
    out->reason = s->why;
    if (s->why.code == SIPVEIL_OK && d->row == NOT_IN_OUR_LIST) {
        (void)sv_fail_rule(&out->reason, SV_AGREE, SIPVEIL_POLICY, row->rule, SIPVEIL_NO_OFFSET,
                           "the request is protected by \"%s\", which is not in our list \"%s\"", SV_QUOTE(s->protected_by),
                           SV_QUOTE(s->own->text));
    } else if (s->why.code == SIPVEIL_OK) {
        (void)sv_fail_rule(&out->reason, SV_AGREE, SIPVEIL_POLICY, row->rule, SIPVEIL_NO_OFFSET, "%s",
                           row->text + (d->row < 10 ? sizeof "row 1: " : sizeof "row 10: ") - 1);
    }
    out->reason.sip_status = d->status;
}

static sipveil_code hand_out(sv_server *s, sipveil_agree_verdict *out)
{
    sv_agree_decision d = sv_agree_decide(&s->facts);
    if (s->undecipherable && d.status == 494) d.status = 493; /* AGR-47 */
    out->row = d.row;
    out->status = d.status;
    out->agreed = d.agreed;
    out->protected_by = s->protected_by;
    out->verify = s->facts.verify;
    explain(s, &d, out);
    if (d.status != 0) {
        out->action = SIPVEIL_AGREE_RESPOND;
        if (!s->facts.is_protected) SV_TRY(sv_server_keep_client_list(s));
        return sv_server_answer(s, d.status, &out->message);
    }
    out->action = d.row == 1 ? SIPVEIL_AGREE_PASS : SIPVEIL_AGREE_ACCEPT;
    /* T-22: what is wrong with an ACK harms nobody but is told. */
    out->suspicious = d.row == 1 && s->facts.ack &&
                      (s->facts.verify == SIPVEIL_AGREE_CHANGED || s->facts.verify == SIPVEIL_AGREE_SYNTAX);
    if (out->suspicious) sv_report_warning(s->op, "AGR-11", "an ACK whose Security-Verify is not our list");
    out->message = s->view->whole;
    return s->options->policy == SIPVEIL_AGREE_OFF ? SIPVEIL_OK : sv_server_strip(s, &out->message);
}

/* s->view is the message, read already. */
static sipveil_code run(sv_server *s, sipveil_worker *worker, sipveil_span message, sipveil_agree_verdict *out)
{
    const sipveil_agree_server_options *options = s->options;
    if (!s->view->is_request) return sv_fail(s->op->err, SV_AGREE, SIPVEIL_USAGE, "this is a response, not a request");
    bool looked_at = options->policy != SIPVEIL_AGREE_OFF && !sv_sip_is_ack_or_cancel(s->view);
    gather_facts(s);
    if (looked_at) take_host_fact(s);
    /* What came protected needs no body that protects it: a sealed one is for whoever reads the body. */
    if (looked_at && !s->facts.is_protected) SV_TRY(sv_server_open_smime(worker, options, message, s));
    if (s->op->checks.arena == NULL) sv_buffer_init(&s->op->checks, s->op->arena, 16 * sizeof(sipveil_check), 1 << 16);
    if (s->op->warnings.arena == NULL) { /* else opening told of the tail already */
        sv_buffer_init(&s->op->warnings, s->op->arena, 4 * sizeof(sipveil_warning), 1 << 16);
        sv_warn_of_tail(s->op, s->view->tail);
    }
    SV_TRY(read_verify(s));
    if (!s->has_verify) sv_server_leave_sealed(s);
    if (looked_at) SV_TRY(find_protection(s));
    return hand_out(s, out);
}

static bool runs_digest(const sipveil_agree_list *list)
{
    for (size_t i = 0; i < list->list.count; i++) {
        if (sv_mechanism_is_digest(list->list.items[i].kind)) return true;
    }
    return false;
}

static sipveil_code check_options(sipveil_worker *worker, const sipveil_agree_server_options *options, sipveil_error *err)
{
    if (worker == NULL || options == NULL || options->size != sizeof *options || options->list == NULL) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "worker, options and a list are needed");
    }
    if (options->list->side != SIPVEIL_AGREE_SERVER || options->list->profile != options->profile) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "the list was read for another side or profile");
    }
    if (options->open != NULL && options->open->size != sizeof *options->open) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "options of opening of another size");
    }
    if (options->realm != NULL && !sv_is_quotable(options->realm)) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_USAGE, "AGR-33", SIPVEIL_NO_OFFSET,
                            "a realm with a control octet stands in no header field: \"%s\"", SV_QUOTE(sv_span_str(options->realm)));
    }
    return sv_mechanism_check_fact(options->protected_by, err);
}

static void fill_findings(const sv_operation *op, sipveil_agree_verdict *out)
{
    sv_findings found = sv_findings_of(op);
    out->checks = found.checks;
    out->check_count = found.check_count;
    out->warnings = found.warnings;
    out->warning_count = found.warning_count;
}

static sipveil_code keep_for_report(sv_server *s, const sipveil_agree_verdict *out)
{
    sv_agreement *a = sv_arena_alloc(s->op->arena, sizeof *a);
    sipveil_error *reason = NULL;
    if (a != NULL && out->reason.code != SIPVEIL_OK) {
        reason = sv_arena_alloc_raw(s->op->arena, sizeof *reason);
        if (reason != NULL) *reason = out->reason;
    }
    if (a == NULL || (reason == NULL && out->reason.code != SIPVEIL_OK)) return sv_no_memory(s->op->err, SV_AGREE);
    *a = (sv_agreement){.is_server = true, .action = out->action, .row = out->row, .status = out->status, .protected_by = out->protected_by,
                        .verify = out->verify, .agreed = out->agreed, .suspicious = out->suspicious, .reason = reason,
                        .profile = s->options->profile};
    s->op->agreement = a;
    return SIPVEIL_OK;
}

sipveil_code sipveil_agree_check_request(sipveil_worker *worker, const sipveil_agree_server_options *options,
                                         sipveil_span message, sipveil_agree_verdict *out, sipveil_error *err)
{
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (out == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "no place for the verdict");
    *out = (sipveil_agree_verdict){0};
    SV_TRY(check_options(worker, options, err));
    SV_TRY(sv_worker_begin_with(worker, &message, err));
    /* View and list hold no secret, so they need not be wiped with the arena, which would cost as much as all the rest. */
    __attribute__((uninitialized)) sv_sip_view view; /* nor zeroed by the compiler: who reads into them writes what counts */
    __attribute__((uninitialized)) sv_mechanism_list verify;
    sv_server s = {.op = &worker->operation, .options = options, .own = options->list, .view = &view, .verify = &verify};
    sv_error_clear(&s.why);
    sv_error_clear(&out->reason);
    s.op->err = err;
    sv_store_mark mark = sv_memory_begin(options->memory);
    sipveil_code code = sv_sip_read(message, SV_SIP_DATAGRAM, s.op->limits, &view, err);
    if (code == SIPVEIL_OK && runs_digest(options->list) && options->realm != NULL && options->policy != SIPVEIL_AGREE_OFF) {
        s.nonces = (sv_nonces){.crypto = worker->crypto, .memory = options->memory, .realm = options->realm,
                               .now = options->now, .lifetime = options->nonce_lifetime};
        code = sv_nonces_begin(&s.nonces, err);
        s.has_nonces = code == SIPVEIL_OK;
    }
    if (code == SIPVEIL_OK) code = run(&s, worker, message, out);
    sv_nonces_end(&s.nonces);
    if (code == SIPVEIL_OK) code = sv_report_is_whole(s.op, err);
    if (code == SIPVEIL_OK) fill_findings(s.op, out);
    if (code == SIPVEIL_OK) code = keep_for_report(&s, out);
    s.op->err = NULL;
    sv_memory_end(options->memory, &mark, code);
    if (code != SIPVEIL_OK) *out = (sipveil_agree_verdict){0};
    return code;
}
