/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's machine: state and event in, state and actions out (RFC 3329 2.3.1). Nothing here remembers anything. */
#include "agree/client.h"

#include <stdarg.h>

#include "agree/ipsec_3gpp.h"
#include "agree/server.h"
#include "agree/smime.h"

enum { WHY_MOST = 400 };

void sipveil_agree_client_options_default(sipveil_agree_client_options *options)
{
    *options = (sipveil_agree_client_options){.size = sizeof *options};
}

/* What a person can do about it. */
static const char *const hints[SIPVEIL_AGREE_FAILURE_COUNT] = {
    [SIPVEIL_AGREE_E_NONE] = "",
    [SIPVEIL_AGREE_E_SYNTAX] = "no honest server writes that: it is broken, or somebody on the way changed the response",
    [SIPVEIL_AGREE_E_LIMIT] = "no honest server writes that: it is broken, or somebody on the way changed the response",
    [SIPVEIL_AGREE_E_DUP_Q] = "no honest server writes that: it is broken, or somebody on the way changed the response",
    [SIPVEIL_AGREE_E_PARAM] = "ask whoever runs the next hop: what it chose cannot be used",
    [SIPVEIL_AGREE_E_NO_COMMON] = "offer one of the mechanisms in its Security-Server, with what that needs (credentials, a key)",
    [SIPVEIL_AGREE_E_NOT_OFFERED] = "it knows no security agreement, or somebody removed its answer; the policy `may` would go on unprotected",
    [SIPVEIL_AGREE_E_ABORTED] = "without it the mechanism cannot start: credentials for that realm, or another mechanism",
    [SIPVEIL_AGREE_E_MECH] = "reach the next hop another way, and make another offer",
    [SIPVEIL_AGREE_E_TAMPERED] = "somebody on the way changes messages: reach the next hop another way",
    [SIPVEIL_AGREE_E_BID_DOWN] = "somebody on the way wants something weaker: reach the next hop another way",
    [SIPVEIL_AGREE_E_LOOP] = "wait, or reach the next hop another way: somebody may be forging its answers",
    [SIPVEIL_AGREE_E_CERT] = "say which next hop is meant and by whom it is vouched for: --next-hop with --trust or --pin",
    [SIPVEIL_AGREE_E_DECLINED] = "",
};

sipveil_code sv_client_fail(sv_client *c, sipveil_agree_failure failure, const char *rule, const char *format, ...)
{
    char why[WHY_MOST];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    c->a->state = SIPVEIL_AGREE_FAILED;
    c->a->failure = failure;
    c->out->actions = SIPVEIL_AGREE_REPORT | SIPVEIL_AGREE_STOP;
    c->out->message = SV_SPAN("");
    c->seal = false;
    sv_report_check(c->op, rule, SIPVEIL_CHECK_FAILED, "%s", why);
    (void)sv_fail_rule(&c->out->reason, SV_AGREE, SIPVEIL_POLICY, rule, SIPVEIL_NO_OFFSET, "%s: %s",
                       sipveil_agree_failure_name(failure), why);
    (void)sv_hint(&c->out->reason, SIPVEIL_POLICY, "%s", hints[failure]);
    return SIPVEIL_OK;
}

sipveil_code sv_client_ignore(sv_client *c, const char *rule, const char *why)
{
    c->out->actions = SIPVEIL_AGREE_IGNORED;
    if (c->a->ignored < UINT32_MAX) c->a->ignored++;
    sv_report_check(c->op, rule, SIPVEIL_CHECK_FAILED, "ignored: %s", why);
    (void)sv_fail_rule(&c->out->reason, SV_AGREE, SIPVEIL_POLICY, rule, SIPVEIL_NO_OFFSET, "ignored: %s", why);
    return SIPVEIL_OK;
}

/* ---- events ---- */

static sipveil_code not_now(sv_client *c)
{
    static const char *const events[SIPVEIL_AGREE_EVENT_COUNT] = {
        [SIPVEIL_AGREE_EVENT_START] = "an offer",         [SIPVEIL_AGREE_EVENT_RESPONSE] = "a response",
        [SIPVEIL_AGREE_EVENT_UP] = "up",                  [SIPVEIL_AGREE_EVENT_DOWN] = "down",
        [SIPVEIL_AGREE_EVENT_EXPIRED] = "expired",        [SIPVEIL_AGREE_EVENT_DECLINED] = "declining",
        [SIPVEIL_AGREE_EVENT_REQUEST] = "a later request"};
    sv_fail_rule(c->op->err, SV_AGREE, SIPVEIL_USAGE, "AGR-50", SIPVEIL_NO_OFFSET, "%s means nothing while the agreement is in state %s",
                 events[c->event->kind], sipveil_agree_state_name(c->a->state));
    return sv_hint(c->op->err, SIPVEIL_USAGE, "%s", c->a->state == SIPVEIL_AGREE_FAILED ? "it failed; a new offer starts another one"
                                                                                        : "in order: an offer, the response to it, up, later requests");
}

/* A new association with the same next hop; what was counted against it stays counted. */
static void begin_anew(sv_client *c)
{
    const sipveil_agree_association old = *c->a;
    *c->a = (sipveil_agree_association){.profile = c->options->profile,
                                        .must = c->options->must,
                                        .passive = c->options->passive,
                                        .own_list = c->options->list != NULL ? c->options->list->configured : SV_SPAN(""),
                                        .request = c->view->whole,
                                        .certificate = old.certificate,
                                        .ignored = old.ignored};
    for (size_t i = 0; i < SIPVEIL_AGREE_RESTARTS_MOST; i++) c->a->restarts[i] = old.restarts[i];
}

static sipveil_code take_start(sv_client *c)
{
    bool may = true, after_failure = c->a->state == SIPVEIL_AGREE_FAILED;
    if (c->a->state != SIPVEIL_AGREE_IDLE && c->a->state != SIPVEIL_AGREE_OFFERED && !after_failure) return not_now(c);
    if (after_failure && c->a->failure == SIPVEIL_AGREE_E_DECLINED) {
        return sv_fail_rule(c->op->err, SV_AGREE, SIPVEIL_POLICY, "AGR-20", SIPVEIL_NO_OFFSET,
                            "E_DECLINED: the user declined to talk to this next hop");
    }
    if (!c->view->is_request || sv_sip_is_ack_or_cancel(c->view)) {
        return sv_fail(c->op->err, SV_AGREE, SIPVEIL_USAGE, "an agreement starts with a request, not with ACK, CANCEL or a response");
    }
    bool plain_tls = c->event->over_rfc3263_tls && c->options->profile != SIPVEIL_AGREE_DRAFT04; /* D-07 */
    if (c->options->list == NULL || plain_tls) { /* D-16 */
        if (c->a->state == SIPVEIL_AGREE_IDLE) c->a->mechanism = SV_SPAN("");
        c->out->actions = SIPVEIL_AGREE_SEND;
        c->out->message = c->view->whole;
        sv_report_check(c->op, plain_tls ? "D-07" : "D-16", SIPVEIL_CHECK_PASSED,
                        plain_tls ? "TLS by RFC 3263 needs no agreement" : "security agreement is off");
        return SIPVEIL_OK;
    }
    begin_anew(c);
    if (after_failure) SV_TRY(sv_client_count_restart(c, &may));
    if (!may) return SIPVEIL_OK;
    c->a->state = SIPVEIL_AGREE_OFFERED;
    c->out->actions = SIPVEIL_AGREE_SEND;
    return sv_client_write_offer(c, &c->out->message);
}

static sipveil_code take_up(sv_client *c)
{
    if (c->a->state != SIPVEIL_AGREE_STARTING) return not_now(c);
    c->a->state = SIPVEIL_AGREE_CONFIRMING;
    c->out->actions = SIPVEIL_AGREE_SEND;
    sv_sip_view *request = sv_arena_alloc_raw(c->op->arena, sizeof *request);
    if (request == NULL) return sv_no_memory(c->op->err, SV_AGREE);
    SV_TRY(sv_sip_read(c->a->request, SV_SIP_DATAGRAM, c->op->limits, request, c->op->err));
    return sv_client_write_protected(c, request, &c->out->message);
}

static sipveil_code take_end(sv_client *c)
{
    switch (c->a->state) {
    case SIPVEIL_AGREE_STARTING:
    case SIPVEIL_AGREE_CONFIRMING:
        return sv_client_fail(c, SIPVEIL_AGREE_E_MECH, "AGR-43", "%s did not come up, and nothing weaker is tried", SV_QUOTE(c->a->mechanism));
    case SIPVEIL_AGREE_ACTIVE:
        c->a->state = SIPVEIL_AGREE_IDLE; /* AGR-44 */
        c->out->actions = SIPVEIL_AGREE_REPORT;
        sv_report_check(c->op, "AGR-44", SIPVEIL_CHECK_PASSED, "%s is over: a new agreement is needed", SV_QUOTE(c->a->mechanism));
        return SIPVEIL_OK;
    case SIPVEIL_AGREE_IDLE:
    case SIPVEIL_AGREE_FAILED: return SIPVEIL_OK;
    default: return not_now(c);
    }
}

static sipveil_code take_declined(sv_client *c)
{
    return sv_client_fail(c, SIPVEIL_AGREE_E_DECLINED, "AGR-20", "the user declined %s", SV_QUOTE(c->a->mechanism));
}

/* AGR-44: there was an agreement, and it ended. Whoever can end one (a reset, a forged 407) would else make us speak in
 * clear, whatever the policy towards a hop that has none. */
static bool is_over(const sv_client *c)
{
    return c->a->state == SIPVEIL_AGREE_IDLE && c->a->mechanism.len > 0;
}

static sipveil_code refuse_sending(sv_client *c)
{
    if (is_over(c)) {
        sv_fail_rule(c->op->err, SV_AGREE, SIPVEIL_POLICY, "AGR-44", SIPVEIL_NO_OFFSET,
                     "nothing is sent to this next hop: the agreement on %s is over", SV_QUOTE(c->a->mechanism));
        return sv_hint(c->op->err, SIPVEIL_POLICY, "make another offer first");
    }
    sv_fail_rule(c->op->err, SV_AGREE, SIPVEIL_POLICY, "AGR-50", SIPVEIL_NO_OFFSET,
                 "nothing is sent to this next hop while the agreement is in state %s", sipveil_agree_state_name(c->a->state));
    return sv_hint(c->op->err, SIPVEIL_POLICY, "%s",
                   c->a->state == SIPVEIL_AGREE_FAILED ? "it failed; a new offer starts another one"
                   : c->a->state == SIPVEIL_AGREE_IDLE ? "the policy is `must`, and there is no agreement: make an offer first"
                                                       : "wait for the answer, and hand it to the machine first");
}

static sipveil_code take_request(sv_client *c)
{
    bool ack = sv_equal_str(c->view->method, "ACK");
    if (!c->view->is_request) return sv_fail(c->op->err, SV_AGREE, SIPVEIL_USAGE, "this is a response, not a request");
    c->out->actions = SIPVEIL_AGREE_SEND;
    if (sv_equal_str(c->view->method, "CANCEL") || (ack && c->event->ack_of_failure)) {
        return sv_client_write_bare(c, &c->out->message);
    }
    if (c->a->state == SIPVEIL_AGREE_ACTIVE && c->a->expires != 0 && c->event->now > c->a->expires) {
        (void)sv_fail_rule(&c->out->reason, SV_AGREE, SIPVEIL_POLICY, "AGR-44", SIPVEIL_NO_OFFSET,
                           "the agreement on %s has expired", SV_QUOTE(c->a->mechanism));
        return take_end(c);
    }
    if (c->a->state == SIPVEIL_AGREE_IDLE && !c->options->must && !is_over(c)) {
        c->out->message = c->view->whole;
        c->out->actions |= SIPVEIL_AGREE_NO_AGREEMENT;
        sv_report_warning(c->op, "D-15", "there is no agreement: this request is unprotected");
        return SIPVEIL_OK;
    }
    if (c->a->state != SIPVEIL_AGREE_ACTIVE) return refuse_sending(c);
    if (ack) return sv_client_write_ack(c, &c->out->message);
    c->a->request = c->view->whole;
    return sv_client_write_protected(c, c->view, &c->out->message);
}

static sipveil_code dispatch(sv_client *c)
{
    switch (c->event->kind) {
    case SIPVEIL_AGREE_EVENT_START: return take_start(c);
    case SIPVEIL_AGREE_EVENT_RESPONSE:
        if (c->view->is_request) return sv_fail(c->op->err, SV_AGREE, SIPVEIL_USAGE, "this is a request, not a response");
        return sv_client_take_response(c);
    case SIPVEIL_AGREE_EVENT_UP: return take_up(c);
    case SIPVEIL_AGREE_EVENT_DOWN:
    case SIPVEIL_AGREE_EVENT_EXPIRED: return take_end(c);
    case SIPVEIL_AGREE_EVENT_DECLINED: return take_declined(c);
    case SIPVEIL_AGREE_EVENT_REQUEST: return take_request(c);
    default: return sv_fail(c->op->err, SV_AGREE, SIPVEIL_USAGE, "no such event");
    }
}

/* ---- the call ---- */

static bool has_message(sipveil_agree_event_kind kind)
{
    return kind == SIPVEIL_AGREE_EVENT_START || kind == SIPVEIL_AGREE_EVENT_RESPONSE || kind == SIPVEIL_AGREE_EVENT_REQUEST;
}

static sipveil_code check_call(sipveil_worker *worker, const sipveil_agree_client_options *options,
                               const sipveil_agree_association *before, const sipveil_agree_event *event, sipveil_error *err)
{
    if (worker == NULL || options == NULL || before == NULL || event == NULL || options->size != sizeof *options) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "worker, options, an association and an event are needed");
    }
    if (options->list != NULL && (options->list->profile != options->profile || options->list->side != SIPVEIL_AGREE_CLIENT)) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "the list was read for another side or profile");
    }
    if ((unsigned)before->state >= SIPVEIL_AGREE_STATE_COUNT ||
        (options->list == NULL && before->state != SIPVEIL_AGREE_IDLE)) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "no list of ours for an agreement that is under way");
    }
    return sv_mechanism_check_fact(event->over, err);
}

static sipveil_code keep(sv_arena *arena, sipveil_span *span, sipveil_error *err)
{
    return sv_arena_copy(arena, *span, span) ? SIPVEIL_OK : sv_no_memory(err, SV_AGREE);
}

enum { ASSOCIATION_SPANS = 11 };

static void list_spans(sipveil_agree_association *a, sipveil_span *spans[ASSOCIATION_SPANS])
{
    sipveil_span *all[ASSOCIATION_SPANS] = {&a->own_list, &a->request, &a->security_client, &a->server_list, &a->first_list,
                                            &a->mechanism, &a->challenge, &a->cnonce, &a->certificate, &a->verify_sent,
                                            &a->credentials_sent};
    for (size_t i = 0; i < ASSOCIATION_SPANS; i++) spans[i] = all[i];
}

static sipveil_code copy_association(sv_arena *arena, sipveil_agree_association *a, sipveil_error *err)
{
    sipveil_span *spans[ASSOCIATION_SPANS];
    list_spans(a, spans);
    for (size_t i = 0; i < ASSOCIATION_SPANS; i++) SV_TRY(keep(arena, spans[i], err));
    return SIPVEIL_OK;
}

/* What was read of the message is copied: the caller's octets need not outlive the call. */
static sipveil_code leave_message(const sv_client *c, sipveil_error *err)
{
    sipveil_span *spans[ASSOCIATION_SPANS];
    uintptr_t from = (uintptr_t)c->event->message.data;
    list_spans(c->a, spans);
    for (size_t i = 0; i < ASSOCIATION_SPANS; i++) {
        uintptr_t at = (uintptr_t)spans[i]->data;
        if (at >= from && at - from < c->event->message.len) SV_TRY(keep(c->op->arena, spans[i], err));
    }
    return SIPVEIL_OK;
}

static bool is_result_of(const sipveil_worker *worker, sipveil_agree_association *a)
{
    sipveil_span *spans[ASSOCIATION_SPANS];
    list_spans(a, spans);
    for (size_t i = 0; i < ASSOCIATION_SPANS; i++) {
        if (sv_arena_holds(worker->arena, spans[i]->data) || (worker->given != NULL && sv_arena_holds(worker->given, spans[i]->data))) return true;
    }
    return false;
}

/* What the worker's last step came to may be where this one starts: it goes along. */
static sipveil_code begin(sipveil_worker *worker, sipveil_agree_association *start, sipveil_span *message, sipveil_error *err)
{
    if (!is_result_of(worker, start)) return sv_worker_begin_with(worker, message, err);
    sv_arena *own = sv_arena_new(64 * 1024, 64u << 20);
    if (own == NULL) return sv_no_memory(err, SV_AGREE);
    sipveil_code code = copy_association(own, start, err);
    if (code == SIPVEIL_OK) code = sv_worker_begin_with(worker, message, err);
    if (code == SIPVEIL_OK) code = copy_association(worker->arena, start, err);
    sv_arena_free(own);
    return code;
}

static sipveil_code read_message(sv_client *c)
{
    sipveil_span message = c->event->message;
    bool changed = false;
    c->view = sv_arena_alloc_raw(c->op->arena, sizeof *c->view);
    if (c->view == NULL) return sv_no_memory(c->op->err, SV_AGREE);
    if (c->options->accept_bare_lf && c->event->kind != SIPVEIL_AGREE_EVENT_RESPONSE) {
        SV_TRY(sv_normalise_lines(c->op->arena, &message, c->op->limits, &changed, c->op->err));
        if (changed) sv_report_warning(c->op, "ADV-009", "lines end in bare LF; CRLF is written");
    }
    SV_TRY(sv_sip_read(message, SV_SIP_DATAGRAM, c->op->limits, c->view, c->op->err));
    sv_warn_of_tail(c->op, c->view->tail);
    return SIPVEIL_OK;
}

static sipveil_code run(sv_client *c)
{
    if (has_message(c->event->kind)) SV_TRY(read_message(c));
    return dispatch(c);
}

/* smime: sealing starts the worker's operation anew, so what came of this step is kept over it; the message by
 * sv_smime_seal. */
static sipveil_code seal(sv_client *c, sipveil_error *err)
{
    sv_arena *own = sv_arena_new(64 * 1024, 64u << 20);
    if (own == NULL) return sv_no_memory(err, SV_AGREE);
    sipveil_agree_association a = *c->a;
    sipveil_span sealed = {0};
    sipveil_code code = copy_association(own, &a, err);
    if (code == SIPVEIL_OK) code = sv_smime_seal(c->worker, c->options, a.certificate, c->out->message, c->event->now, &sealed, err);
    if (code == SIPVEIL_OK) code = copy_association(c->worker->arena, &a, err);
    sv_arena_free(own);
    if (code != SIPVEIL_OK) return code;
    *c->a = a;
    c->out->message = sealed;
    sv_operation *op = &c->worker->operation;
    sv_buffer_init(&op->checks, op->arena, 8 * sizeof(sipveil_check), 1 << 16);
    sv_report_check(op, "AGR-46", SIPVEIL_CHECK_PASSED, "the certificate of the next hop is accepted");
    sv_report_check(op, "AGR-47", SIPVEIL_CHECK_PASSED, "the request is signed and sealed for the next hop");
    return SIPVEIL_OK;
}

static sipveil_code finish(sv_client *c, sipveil_agree_state before, sipveil_error *err)
{
    sv_operation *op = c->op;
    sv_agreement *a = sv_arena_alloc(op->arena, sizeof *a);
    sipveil_agree_outcome *copy = sv_arena_alloc_raw(op->arena, sizeof *copy);
    if (a == NULL || copy == NULL) return sv_no_memory(err, SV_AGREE);
    SV_TRY(sv_report_is_whole(op, err));
    sv_findings found = sv_findings_of(op);
    c->out->checks = found.checks;
    c->out->check_count = found.check_count;
    c->out->warnings = found.warnings;
    c->out->warning_count = found.warning_count;
    *copy = *c->out;
    *a = (sv_agreement){.outcome = copy, .reason = &copy->reason, .profile = c->options->profile, .before = before};
    op->agreement = a;
    op->err = NULL;
    return SIPVEIL_OK;
}

sipveil_code sipveil_agree_client_step(sipveil_worker *worker, const sipveil_agree_client_options *options,
                                       const sipveil_agree_association *before, const sipveil_agree_event *event,
                                       sipveil_agree_outcome *out, sipveil_error *err)
{
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (out == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "no place for the outcome");
    SV_TRY(check_call(worker, options, before, event, err));
    sipveil_agree_association start = *before; /* out->next may be the same place */
    sipveil_agree_event happened = *event;
    *out = (sipveil_agree_outcome){0};
    SV_TRY(begin(worker, &start, &happened.message, err));
    out->next = start;
    sv_error_clear(&out->reason);
    sv_client c = {.worker = worker, .op = &worker->operation, .options = options, .event = &happened, .a = &out->next, .out = out};
    c.op->err = err;
    sv_buffer_init(&c.op->checks, c.op->arena, 8 * sizeof(sipveil_check), 1 << 16);
    sv_buffer_init(&c.op->warnings, c.op->arena, 4 * sizeof(sipveil_warning), 1 << 16);
    sipveil_code code = run(&c);
    if (code == SIPVEIL_OK && c.seal) code = seal(&c, err);
    if (code == SIPVEIL_OK) code = leave_message(&c, err);
    if (code == SIPVEIL_OK) code = finish(&c, start.state, err);
    worker->operation.err = NULL;
    if (code != SIPVEIL_OK) *out = (sipveil_agree_outcome){.next = start};
    return code;
}
