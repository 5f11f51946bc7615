/* SPDX-License-Identifier: BSD-2-Clause */
/* The report: what was decided, and each rule that fired. */
#include "agree/server.h"

static void put_text(sv_buffer *b, sipveil_span text)
{
    sv_put_byte(b, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\') sv_put_byte(b, '\\');
        if (c < 0x20 || c > 0x7e) sv_put_format(b, "\\u%04x", c); /* octets of the wire, one by one */
        else sv_put_byte(b, c);
    }
    sv_put_byte(b, '"');
}

static void put_member(sv_buffer *b, const char *name, sipveil_span text)
{
    sv_put_format(b, ",\"%s\":", name);
    if (text.len == 0) sv_put_str(b, "null");
    else put_text(b, text);
}

static void put_reason(sv_buffer *b, const sipveil_error *why)
{
    sv_put_str(b, ",\"error\":");
    if (why == NULL || why->code == SIPVEIL_OK) {
        sv_put_str(b, "null");
        return;
    }
    sv_put_str(b, "{\"code\":");
    put_text(b, sv_span_str(sipveil_code_name(why->code)));
    sv_put_str(b, ",\"rule\":");
    put_text(b, sv_span_str(why->rule));
    sv_put_str(b, ",\"text\":");
    put_text(b, sv_span_str(why->text));
    sv_put_str(b, "}");
}

static void put_server(sv_buffer *b, const sv_agreement *v)
{
    static const char *const actions[] = {"accept", "respond", "pass"};
    static const char *const results[] = {"absent", "same", "changed", "syntax"};
    sv_put_str(b, ",\"side\":\"server\",\"verdict\":");
    put_text(b, sv_span_str(actions[v->action]));
    sv_put_format(b, ",\"row\":%u,\"status\":", v->row);
    if (v->status != 0) sv_put_number(b, (uint64_t)v->status);
    else sv_put_str(b, "null");
    put_member(b, "protected_by", v->protected_by);
    put_member(b, "security_verify", sv_span_str(results[v->verify]));
    sv_put_format(b, ",\"agreed\":%s,\"suspicious\":%s", v->agreed ? "true" : "false", v->suspicious ? "true" : "false");
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
    sv_put_str(b, ",\"side\":\"client\",\"before\":");
    put_text(b, sv_span_str(sipveil_agree_state_name(a->before)));
    sv_put_str(b, ",\"state\":");
    put_text(b, sv_span_str(sipveil_agree_state_name(o->next.state)));
    put_member(b, "failure", sv_span_str(sipveil_agree_failure_name(o->next.failure)));
    put_member(b, "mechanism", o->next.mechanism);
    sv_put_str(b, ",\"actions\":[");
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if ((o->actions & actions[i].bit) == 0) continue;
        if (!first) sv_put_byte(b, ',');
        put_text(b, sv_span_str(actions[i].name));
        first = false;
    }
    sv_put_format(b, "],\"ignored_responses\":%u", o->next.ignored);
    put_reason(b, a->reason);
}

static void put_findings(sv_buffer *b, const sv_operation *op)
{
    static const char *const results[] = {"passed", "failed", "not-done"};
    sipveil_span checks = sv_buffer_span(&op->checks), warnings = sv_buffer_span(&op->warnings);
    const sipveil_check *check = (const sipveil_check *)(const void *)checks.data;
    const sipveil_warning *warning = (const sipveil_warning *)(const void *)warnings.data;
    sv_put_str(b, ",\"checks\":[");
    for (size_t i = 0; i < checks.len / sizeof *check; i++) {
        sv_put_str(b, i > 0 ? ",{\"rule\":" : "{\"rule\":");
        put_text(b, sv_span_str(check[i].rule));
        sv_put_str(b, ",\"result\":");
        put_text(b, sv_span_str(results[check[i].result]));
        sv_put_str(b, ",\"why\":");
        put_text(b, sv_span_str(check[i].why));
        sv_put_str(b, "}");
    }
    sv_put_str(b, "],\"warnings\":[");
    for (size_t i = 0; i < warnings.len / sizeof *warning; i++) {
        if (i > 0) sv_put_byte(b, ',');
        put_text(b, sv_span_str(warning[i].text));
    }
    sv_put_str(b, "]}\n");
}

sipveil_code sipveil_agree_report_json(sipveil_worker *worker, sipveil_span *json, sipveil_error *err)
{
    sv_buffer b;
    if (worker == NULL || json == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "worker and a place are needed");
    *json = sv_span(NULL, 0);
    const sv_agreement *a = worker->operation.agreement;
    if (a == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "there is nothing to report");
    sv_buffer_init(&b, worker->arena, 1024, 1 << 20);
    sv_put_str(&b, "{\"version\":1,\"profile\":");
    put_text(&b, sv_span_str(sipveil_agree_profile_name(a->profile)));
    if (a->is_server) put_server(&b, a);
    else put_client(&b, a);
    put_findings(&b, &worker->operation);
    SV_TRY(sv_buffer_check(&b, SV_AGREE, err));
    *json = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
