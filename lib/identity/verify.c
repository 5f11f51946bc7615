/* SPDX-License-Identifier: BSD-2-Clause */
/* The verification service: which fields there are, which one decides, what to answer (RFC 8224 6.2, IDN-45). */
#include "identity/verify.h"
#include "tunnel/memory.h"

void sipveil_identity_verify_options_default(sipveil_identity_verify_options *options)
{
    if (options != NULL) *options = (sipveil_identity_verify_options){.size = sizeof *options};
}

/* ---- statuses (section 4 of the specification) ---- */

static sipveil_code code_of(int status)
{
    switch (status) {
    case 403: return SIPVEIL_REPLAY;
    case 428: return SIPVEIL_NOT_SIGNED;
    case 436: return SIPVEIL_NO_KEY;
    case 437: return SIPVEIL_UNTRUSTED_SIGNER;
    default: return SIPVEIL_BAD_SIGNATURE;
    }
}

/* IDN-45: how far a field came. */
static int rank_of(int status)
{
    static const int order[] = {428, 436, 437, 438, 403};
    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++) {
        if (order[i] == status) return i + 1;
    }
    return 0;
}

sipveil_code sv_field_refuse(const sv_judging *j, sipveil_identity_field *field, int status, sipveil_error *why)
{
    const char *text = sv_arena_string(j->op->arena, sv_span_str(why->text)), *rule = sv_arena_string(j->op->arena, sv_span_str(why->rule));
    const char *hint = sv_arena_string(j->op->arena, sv_span_str(why->hint));
    if (text == NULL || rule == NULL || hint == NULL) return sv_no_memory(why, SV_IDENTITY);
    field->status = status;
    field->rule = rule;
    field->why = text;
    field->hint = hint;
    return SIPVEIL_OK;
}

static int64_t window_of(const sv_judging *j, int64_t window_default)
{
    return j->options->freshness > 0 ? j->options->freshness : window_default;
}

bool sv_is_fresh(const sv_judging *j, int64_t time, int64_t window_default)
{
    return sv_identity_distance(time, j->now) <= window_of(j, window_default);
}

sipveil_code sv_refuse_stale(const sv_judging *j, const char *what, int64_t time, const char *rule, int64_t window_default,
                             sipveil_error *why)
{
    sv_fail_rule(why, SV_IDENTITY, SIPVEIL_REPLAY, rule, SIPVEIL_NO_OFFSET, "%s is %lld seconds away from now, more than %lld", what,
                 (long long)sv_identity_distance(time, j->now), (long long)window_of(j, window_default));
    return sv_hint(why, SIPVEIL_REPLAY, "an old request is checked as of its day by --at TIME; --freshness SECONDS allows more");
}

sipveil_code sv_verdict_take(const sv_judging *j, const sv_credential *credential, const sv_identity_name *name, sipveil_span domain,
                             sipveil_error *err)
{
    sipveil_identity_verdict *out = j->out;
    const char *identity = sv_arena_string(j->op->arena, name->text), *host = sv_arena_string(j->op->arena, domain);
    /* A copy: what is kept by URI may go before the verdict does. */
    if (identity == NULL || host == NULL || !sv_arena_copy(j->op->arena, credential->der, &out->certificate)) {
        return sv_no_memory(err, SV_IDENTITY);
    }
    out->identity = identity;
    out->domain = host;
    out->is_number = name->is_number;
    memcpy(out->certificate_sha256, credential->sha256, sizeof out->certificate_sha256);
    out->valid = true;
    return SIPVEIL_OK;
}

/* ---- the fields of a request ---- */

static sipveil_code too_many(const sv_judging *j, size_t rows)
{
    if (rows <= SIPVEIL_IDENTITY_FIELDS_MOST) return SIPVEIL_OK;
    sv_report_warning(j->op, "IDN-43", "of %zu Identity fields the first %d were looked at", rows, SIPVEIL_IDENTITY_FIELDS_MOST);
    return SIPVEIL_OK;
}

/* One that comes after a valid one: it decides nothing, but a copy of the request in which it stands alone must not pass for
 * another request (IDN-41). Of no account is what is wrong with it. */
static sipveil_code remember_too(const sv_judging *j, sipveil_span value, sipveil_error *err)
{
    sipveil_identity_verdict unused = {0};
    sipveil_identity_field field = {.info = "", .ppt = "", .rule = "", .why = "", .hint = ""};
    sv_judging aside = *j;
    size_t checks = j->op->checks.len, warnings = j->op->warnings.len;
    if (j->options->memory == NULL) return SIPVEIL_OK;
    aside.out = &unused;
    sipveil_code code = sv_judge_passport(&aside, value, &field, err);
    j->op->checks.len = checks;
    j->op->warnings.len = warnings;
    return code;
}

/* RFC 8224: until one is valid (IDN-42). */
static sipveil_code judge_passports(const sv_judging *j, sipveil_error *err)
{
    sipveil_identity_verdict *out = j->out;
    size_t rows = 0;
    for (const sv_sip_field *row = sv_sip_first(j->view, SV_F_IDENTITY); row != NULL; row = sv_sip_next(j->view, row)) {
        if (sv_identity_is_quoted(row->value) || ++rows > SIPVEIL_IDENTITY_FIELDS_MOST) continue;
        if (out->valid) {
            SV_TRY(remember_too(j, row->value, err));
            continue;
        }
        sipveil_identity_field *field = &out->fields[out->field_count++];
        *field = (sipveil_identity_field){.path = SIPVEIL_IDENTITY_RFC8224, .info = "", .ppt = "", .rule = "", .why = "", .hint = ""};
        SV_TRY(sv_judge_passport(j, row->value, field, err));
        if (!field->ignored) out->present = true;
    }
    return too_many(j, rows);
}

static sipveil_code judge_old(const sv_judging *j, sipveil_error *err)
{
    sipveil_identity_field *field = &j->out->fields[j->out->field_count++];
    *field = (sipveil_identity_field){.path = SIPVEIL_IDENTITY_RFC4474, .info = "", .ppt = "", .rule = "", .why = "", .hint = ""};
    j->out->present = true;
    return sv_judge_rfc4474(j, field, err);
}

typedef struct forms {
    bool passport, old;
} forms;

/* IDN-04 */
static forms forms_of(const sv_sip_view *view)
{
    forms found = {false, false};
    for (const sv_sip_field *row = sv_sip_first(view, SV_F_IDENTITY); row != NULL; row = sv_sip_next(view, row)) {
        if (sv_identity_is_quoted(row->value)) found.old = true;
        else found.passport = true;
    }
    return found;
}

static sipveil_code judge_fields(const sv_judging *j, sipveil_error *err)
{
    forms found = forms_of(j->view);
    sipveil_identity_profile profile = j->options->profile;
    bool old = profile != SIPVEIL_IDENTITY_RFC8224 && found.old && !sv_equal_str(j->view->method, "REGISTER"); /* IDN-15 */
    if (found.passport && profile != SIPVEIL_IDENTITY_RFC4474) return judge_passports(j, err);
    if (old) return judge_old(j, err);
    if (found.old) {
        sv_report_warning(j->op, "IDN-02", "an Identity of RFC 4474 was not looked at: that form is %s",
                          profile == SIPVEIL_IDENTITY_RFC8224 ? "off" : "not for REGISTER");
    }
    if (found.passport) sv_report_warning(j->op, "IDN-04", "a PASSporT was not looked at: only the form of RFC 4474 is on");
    return SIPVEIL_OK;
}

/* IDN-45: valid, or the status of the field that came furthest. */
static void decide(const sv_judging *j)
{
    sipveil_identity_verdict *out = j->out;
    const sipveil_identity_field *worst = NULL;
    bool unknown = false;
    if (out->valid) return;
    for (size_t i = 0; i < out->field_count; i++) {
        const sipveil_identity_field *field = &out->fields[i];
        unknown = unknown || field->ignored;
        if (!field->ignored && (worst == NULL || rank_of(field->status) > rank_of(worst->status))) worst = field;
    }
    if (worst != NULL) {
        out->status = worst->status;
        out->phrase = sv_identity_phrase(worst->status, worst->path == SIPVEIL_IDENTITY_RFC4474);
        sv_fail_rule(&out->reason, SV_IDENTITY, code_of(worst->status), worst->rule, SIPVEIL_NO_OFFSET, "%s", worst->why);
        (void)sv_hint(&out->reason, out->reason.code, "%s", worst->hint);
        sv_report_literal(j->op, worst->rule, SIPVEIL_CHECK_FAILED, worst->why);
    } else if (j->options->required) {
        out->status = 428;
        out->phrase = unknown ? "Use Supported PASSporT Format" : sv_identity_phrase(428, false);
        sv_fail_rule(&out->reason, SV_IDENTITY, SIPVEIL_NOT_SIGNED, "IDN-45", SIPVEIL_NO_OFFSET,
                     unknown ? "nothing vouches for the originator: the Identity is of an extension that is not understood here"
                             : "nothing vouches for the originator: the request has no Identity");
        sv_report_literal(j->op, "IDN-45", SIPVEIL_CHECK_FAILED, "there is no Identity that can be judged");
    } else {
        sv_report_warning(j->op, "IDN-46", unknown ? "nothing vouches for the originator: Identity of an unknown extension was ignored"
                                                   : "nothing vouches for the originator: there is no Identity that can be judged");
        sv_report_literal(j->op, "IDN-46", SIPVEIL_CHECK_NOT_DONE, "there is no Identity that can be judged");
    }
    out->reason.sip_status = out->status;
}

static void hand_out(const sv_judging *j)
{
    sipveil_identity_verdict *out = j->out;
    sv_findings found = sv_findings_of(j->op);
    out->checks = found.checks;
    out->check_count = found.check_count;
    out->warnings = found.warnings;
    out->warning_count = found.warning_count;
}

static sipveil_code judge(sv_judging *j, sipveil_error *err)
{
    sipveil_identity_verdict *out = j->out;
    const sv_sip_view *view = j->view;
    j->now = j->options->has_at ? j->options->at : sv_now(j->op->worker->context);
    j->has_date = sv_sip_first(view, SV_F_DATE) != NULL && sv_sip_read_date(sv_sip_value(view, SV_F_DATE), &j->date, NULL) == SIPVEIL_OK;
    out->has_date = j->has_date;
    out->date = j->date;
    out->message = view->whole;
    sv_warn_of_tail(j->op, view->tail);
    if (!sv_identity_is_judged(view)) {
        sv_report_literal(j->op, "IDN-47", SIPVEIL_CHECK_NOT_DONE, "responses, ACK and CANCEL are not judged");
    } else {
        SV_TRY(judge_fields(j, err));
        decide(j);
    }
    SV_TRY(sv_report_is_whole(j->op, err));
    hand_out(j);
    return SIPVEIL_OK;
}

sipveil_code sipveil_identity_verify_request(sipveil_worker *worker, const sipveil_identity_verify_options *options,
                                             sipveil_span message, sipveil_identity_verdict *out, sipveil_error *err)
{
    sipveil_error local;
    sv_sip_view view;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (out == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "no place for the verdict");
    memset(out, 0, sizeof *out);
    if (worker == NULL || options == NULL || options->size != sizeof *options || (options->trust == NULL && options->cache == NULL)) {
        return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "worker, options (with their size) and a keyring or a cache are needed");
    }
    sv_judging j = {.options = options, .view = &view, .out = out};
    SV_TRY(sv_identity_begin(worker, message, &view, err));
    j.op = &worker->operation;
    sv_store_mark mark = sv_memory_begin(options->memory);
    sipveil_code code = judge(&j, err);
    sv_memory_end(options->memory, &mark, code);
    if (code != SIPVEIL_OK) memset(out, 0, sizeof *out);
    return code;
}
