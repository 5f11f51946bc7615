/* SPDX-License-Identifier: BSD-2-Clause */
/* The report: what was decided, and each rule that fired. */
#include "agree/server.h"
#include "tunnel/json_write.h"

static void put_or_null(sv_buffer *b, const char *key, sipveil_span text)
{
    sv_json_write_key(b, key);
    if (text.len == 0) sv_put_str(b, "null");
    else sv_json_write_string(b, text);
}

static void put_reason(sv_buffer *b, const sipveil_error *why)
{
    sv_json_write_key(b, "error");
    if (why == NULL || why->code == SIPVEIL_OK) {
        sv_put_str(b, "null");
        return;
    }
    sv_put_byte(b, '{');
    sv_json_write_member(b, "code", sipveil_code_name(why->code));
    sv_json_write_member(b, "rule", why->rule);
    sv_json_write_member(b, "text", why->text);
    sv_put_byte(b, '}');
}

static void put_server(sv_buffer *b, const sv_agreement *v)
{
    static const char *const actions[] = {"accept", "respond", "pass"};
    static const char *const results[] = {"absent", "same", "changed", "syntax"};
    sv_json_write_member(b, "side", "server");
    sv_json_write_member(b, "verdict", actions[v->action]);
    sv_json_write_number(b, "row", v->row);
    sv_json_write_number_or_null(b, "status", v->status != 0, v->status);
    put_or_null(b, "protected_by", v->protected_by);
    sv_json_write_member(b, "security_verify", results[v->verify]);
    sv_json_write_flag(b, "agreed", v->agreed);
    sv_json_write_flag(b, "suspicious", v->suspicious);
    put_reason(b, v->reason);
}

static void put_client(sv_buffer *b, const sv_agreement *a)
{
    static const struct {
        unsigned bit;
        const char *name;
    } actions[] = {{SIPVEIL_AGREE_SEND, "send"}, {SIPVEIL_AGREE_START_MECHANISM, "start-mechanism"},
                   {SIPVEIL_AGREE_REPORT, "report"}, {SIPVEIL_AGREE_STOP, "stop"}, {SIPVEIL_AGREE_IGNORED, "ignored"},
                   {SIPVEIL_AGREE_NO_AGREEMENT, "no-agreement"}, {SIPVEIL_AGREE_DELIVER, "deliver"}};
    const sipveil_agree_outcome *o = a->outcome;
    bool first = true;
    sv_json_write_member(b, "side", "client");
    sv_json_write_member(b, "before", sipveil_agree_state_name(a->before));
    sv_json_write_member(b, "state", sipveil_agree_state_name(o->next.state));
    put_or_null(b, "failure", sv_span_str(sipveil_agree_failure_name(o->next.failure)));
    put_or_null(b, "mechanism", o->next.mechanism);
    sv_json_write_key(b, "actions");
    sv_put_byte(b, '[');
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if ((o->actions & actions[i].bit) == 0) continue;
        if (!first) sv_put_byte(b, ',');
        sv_json_write_text(b, actions[i].name);
        first = false;
    }
    sv_put_byte(b, ']');
    sv_json_write_number(b, "ignored_responses", o->next.ignored);
    put_reason(b, a->reason);
}

sipveil_code sipveil_agree_report_json(sipveil_worker *worker, sipveil_span *json, sipveil_error *err)
{
    sv_buffer b;
    if (worker == NULL || json == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "worker and a place are needed");
    *json = sv_span(NULL, 0);
    const sv_agreement *a = worker->operation.agreement;
    if (a == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "there is nothing to report");
    sv_buffer_init(&b, worker->arena, 1024, 1 << 20);
    sv_put_str(&b, "{\"version\":1");
    sv_json_write_member(&b, "profile", sipveil_agree_profile_name(a->profile));
    if (a->is_server) put_server(&b, a);
    else put_client(&b, a);
    sv_findings found = sv_findings_of(&worker->operation);
    sv_json_write_findings(&b, found.checks, found.check_count, found.warnings, found.warning_count);
    sv_put_str(&b, "}\n");
    SV_TRY(sv_buffer_check(&b, SV_AGREE, err));
    *json = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
