/* SPDX-License-Identifier: BSD-2-Clause */
#include "e2m/report.h"

#include "e2m/label.h"
#include "tunnel/json_write.h"

void sv_report_begin_sealing(sv_operation *op)
{
    sv_buffer_init(&op->checks, op->arena, 16 * sizeof(sipveil_check), 1 << 20);
}

/* A sealing has no tree of layers that were met: how it ended, its checks and warnings. */
static void put_sealing(const sv_operation *op, sv_buffer *b)
{
    sv_findings found = sv_findings_of(op);
    sv_put_str(b, "{");
    sv_json_write_number(b, "version", 1);
    sv_report_put_outcome(op, b);
    sv_put_str(b, ",\"tree\":null");
    sv_json_write_findings(b, found.checks, found.check_count, found.warnings, found.warning_count);
    sv_put_str(b, "}\n");
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
