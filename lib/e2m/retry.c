/* SPDX-License-Identifier: BSD-2-Clause */
/* After a refusal: is the need granted, and the request to send again (E2M-34, 35, 36). */
#include "e2m/retry.h"
#include "tunnel/memory.h"

void sipveil_e2m_retry_options_default(sipveil_e2m_retry_options *options)
{
    if (options == NULL) return;
    *options = (sipveil_e2m_retry_options){.size = sizeof *options};
    sipveil_e2m_options_default(&options->e2m);
}

static sipveil_code check_means(const sv_retry *r)
{
    const sipveil_seal_options *seal = &r->options->e2m.seal;
    if (((unsigned)r->act & SIPVEIL_E2M_VERIFY) != 0 && seal->signer_count == 0) {
        sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "E2M-I2", SIPVEIL_NO_OFFSET,
                     "a hop needs a signed body, and there is nothing to sign with");
        return sv_hint(r->err, SIPVEIL_POLICY, "give a signer with --sign-with");
    }
    if (seal->recipient_count == 0 && seal->signer_count == 0) {
        sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "E2M-35", SIPVEIL_NO_OFFSET,
                     "nothing would be protected: it is not sent in clear because of a response");
        return sv_hint(r->err, SIPVEIL_POLICY, "encrypt with --to KEYREF, sign with --sign-with KEYREF");
    }
    return SIPVEIL_OK;
}

/* A hop that needs answers gets them by the key of this request, where it may be held, or by the far end's will. */
static void ask_for_answers(const sv_retry *r, sipveil_e2m_options *e2m)
{
    if (!r->wants_answers || e2m->seal.signer_count == 0 || e2m->form == SIPVEIL_E2M_NESTED ||
        e2m->seal.encrypt_then_sign) {
        return;
    }
    e2m->reply = (sipveil_e2m_act)((unsigned)e2m->reply | (unsigned)r->reply);
    e2m->keep = e2m->keep || (e2m->memory != NULL && e2m->form != SIPVEIL_E2M_SPLIT && e2m->seal.recipient_count > 0);
}

static sipveil_code seal_again(const sv_retry *r, sipveil_span again, sipveil_sealed *out)
{
    sipveil_e2m_options e2m = r->options->e2m;
    e2m.size = sizeof e2m;
    e2m.hops = r->hops;
    e2m.hop_count = r->hop_count;
    e2m.reuse = NULL; /* a refusal ends the use of an earlier key: all recipients, a new key (CEK-09) */
    e2m.roll = false;
    e2m.act = (sipveil_e2m_act)((unsigned)e2m.act | (unsigned)r->act);
    if (e2m.form == SIPVEIL_E2M_PRIVATE) e2m.form = SIPVEIL_E2M_FORM_AUTO;
    bool kept = e2m.keep;
    ask_for_answers(r, &e2m);
    sipveil_code code = sipveil_e2m_seal_message(r->worker, &e2m, again, out, r->err);
    bool split = code == SIPVEIL_POLICY && e2m.keep && !kept && sv_equal_str(sv_span_str(r->err->rule), "E2M-37");
    if (!split) return code;
    e2m.keep = false; /* keys of media make it a split body, and of that no key is held */
    return sipveil_e2m_seal_message(r->worker, &e2m, again, out, r->err);
}

static void warn_of_tail(sv_operation *op, const char *message, size_t tail)
{
    if (tail > 0) sv_report_warning(op, "ADV-005", "%zu octets after the Content-Length of the %s are dropped", tail, message);
}

static sipveil_code report(const sv_retry *r, sipveil_sealed *out)
{
    sv_operation *op = &r->worker->operation;
    sv_report_check(op, "E2M-34", SIPVEIL_CHECK_PASSED, "%zu hops are shown the body", r->hop_count);
    if (r->bare_lf) sv_report_warning(op, "ADV-009", "lines of the request end in bare LF; CRLF is written");
    warn_of_tail(op, "request", r->request->tail);
    warn_of_tail(op, "response", r->response->tail);
    if (r->servers > 0) {
        sv_report_check(op, "E2M-67", SIPVEIL_CHECK_PASSED, "%zu policy servers were asked", r->servers);
    }
    if (r->silent_servers > 0) {
        sv_report_warning(op, "E2M-67", "%zu of %zu policy servers gave no document that can be read",
                          r->silent_servers, r->servers);
    }
    if (r->response->status / 100 == 2 && !r->options->protected_path) {
        sv_report_warning(op, "E2M-69", "what the answer of the probe needs was learnt over an unprotected path");
    }
    if (r->lost) {
        sv_report_warning(op, "E2M-34",
                          "a label or a key entry was removed on the way: it was sealed for that hop before");
    }
    sv_findings found = sv_findings_of(op);
    out->warnings = found.warnings;
    out->warning_count = found.warning_count;
    return sv_report_is_whole(op, r->err);
}

static sipveil_code retry(sv_retry *r, sipveil_span request, sipveil_span response, sipveil_sealed *out)
{
    const sipveil_e2m_options *e2m = &r->options->e2m;
    sipveil_span again;
    SV_TRY(sv_retry_read_both(r, request, response));
    if (e2m->hop_count > SIPVEIL_E2M_HOPS_MOST) {
        return sv_fail(r->err, SV_E2M, SIPVEIL_LIMIT, "more than %d hops", SIPVEIL_E2M_HOPS_MOST);
    }
    for (size_t i = 0; i < e2m->hop_count; i++) r->hops[r->hop_count++] = e2m->hops[i];
    SV_TRY(sv_retry_grant_all(r));
    SV_TRY(check_means(r));
    SV_TRY(sv_retry_next_request(r, &again));
    SV_TRY(seal_again(r, again, out));
    SV_TRY(sv_retry_remember(r));
    return report(r, out);
}

sipveil_code sipveil_e2m_retry_message(sipveil_worker *worker, const sipveil_e2m_retry_options *options, sipveil_span request,
                                       sipveil_span response, sipveil_sealed *out, sipveil_error *err)
{
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || options == NULL || options->size != sizeof *options || out == NULL) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker, options (with their size) and a place are needed");
    }
    *out = (sipveil_sealed){0};
    sv_arena *arena = sv_arena_new(1 << 16, 4 * sipveil_context_limits(worker->context)->message + (1 << 20));
    if (arena == NULL) return sv_no_memory(err, SV_E2M);
    sv_retry r = {.options = options,
                  .worker = worker,
                  .context = worker->context,
                  .limits = sipveil_context_limits(worker->context),
                  .arena = arena,
                  .came = {.context = worker->context, .limits = sipveil_context_limits(worker->context), .arena = arena,
                           .most = SV_ANSWER_CERTIFICATES_MOST},
                  .err = err,
                  .at = options->has_at ? options->at : sv_now(worker->context)};
    sv_store_mark mark = sv_memory_begin(options->e2m.memory);
    sipveil_code code = retry(&r, request, response, out);
    sv_memory_end(options->e2m.memory, &mark, code);
    sv_arena_free(arena);
    if (code != SIPVEIL_OK) *out = (sipveil_sealed){0};
    return code;
}
