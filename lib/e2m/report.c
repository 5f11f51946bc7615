/* SPDX-License-Identifier: BSD-2-Clause */
#include "e2m/report.h"

#include "e2m/label.h"

void sv_report_begin_sealing(sv_operation *op)
{
    sv_buffer_init(&op->checks, op->arena, 16 * sizeof(sipveil_check), 1 << 20);
}

/* Rules and sentences are printable ASCII. */
static void put_text(sv_buffer *b, const char *text)
{
    sv_put_byte(b, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') sv_put_byte(b, '\\');
        sv_put_byte(b, (uint8_t)*c);
    }
    sv_put_byte(b, '"');
}

static void put_failure(const sipveil_error *failure, sv_buffer *b)
{
    if (failure->code == SIPVEIL_OK) {
        sv_put_str(b, "\"verdict\":\"ok\",\"error\":null");
        return;
    }
    sv_put_str(b, "\"verdict\":\"error\",\"error\":{\"code\":");
    put_text(b, sipveil_code_name(failure->code));
    sv_put_str(b, ",\"path\":[],\"text\":");
    put_text(b, failure->text);
    if (failure->rule[0] != '\0') {
        sv_put_str(b, ",\"rule\":");
        put_text(b, failure->rule);
    }
    if (failure->hint[0] != '\0') {
        sv_put_str(b, ",\"hint\":");
        put_text(b, failure->hint);
    }
    sv_put_str(b, ",\"sip_status\":");
    sv_put_number(b, (uint64_t)failure->sip_status);
    sv_put_str(b, "}");
}

/* A sealing has no tree of layers that were met: how it ended, its checks and warnings. */
static void put_sealing(const sv_operation *op, sv_buffer *b)
{
    static const char *const results[] = {"passed", "failed", "not-done"};
    sipveil_span octets = sv_buffer_span(&op->checks);
    const sipveil_check *checks = (const sipveil_check *)(const void *)octets.data;
    sv_put_str(b, "{\"version\":1,");
    put_failure(&op->failure, b);
    sv_put_str(b, ",\"tree\":null,\"checks\":[");
    for (size_t i = 0; i < octets.len / sizeof *checks; i++) {
        sv_put_str(b, i == 0 ? "{\"rule\":" : ",{\"rule\":");
        put_text(b, checks[i].rule);
        sv_put_str(b, ",\"result\":");
        put_text(b, results[checks[i].result]);
        sv_put_str(b, ",\"why\":");
        put_text(b, checks[i].why);
        sv_put_str(b, "}");
    }
    octets = sv_buffer_span(&op->warnings);
    const sipveil_warning *warnings = (const sipveil_warning *)(const void *)octets.data;
    sv_put_str(b, "],\"warnings\":[");
    for (size_t i = 0; i < octets.len / sizeof *warnings; i++) {
        if (i > 0) sv_put_byte(b, ',');
        put_text(b, warnings[i].text);
    }
    sv_put_str(b, "]}\n");
}

sipveil_code sipveil_e2m_report_json(sipveil_worker *worker, sipveil_span *json, sipveil_error *err)
{
    sv_buffer b;
    if (worker == NULL || json == NULL) return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker and a place are needed");
    *json = sv_span(NULL, 0);
    const sv_operation *op = &worker->operation;
    if (op->options != NULL) return sipveil_worker_report_json(worker, json, err);
    if (op->arena == NULL || op->warnings.arena == NULL) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "there is nothing to report");
    }
    sv_buffer_init(&b, op->arena, 1024, 1 << 20);
    put_sealing(op, &b);
    SV_TRY(sv_buffer_check(&b, SV_E2M, err));
    *json = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
