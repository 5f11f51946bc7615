/* SPDX-License-Identifier: BSD-2-Clause */
/* What a verifier answers with, and what it reports. */
#include "identity/identity.h"
#include "tunnel/json_write.h"

sipveil_code sipveil_identity_write_refusal(sipveil_worker *worker, sipveil_span message, int status, const char *phrase,
                                     sipveil_span *response, sipveil_error *err)
{
    sipveil_error local;
    sv_sip_view view;
    const char *own = sv_identity_phrase(status, false);
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (response != NULL) *response = sv_span(NULL, 0);
    if (worker == NULL || response == NULL || own == NULL || (phrase != NULL && !sv_is_text(sv_span_str(phrase)))) {
        return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "worker, place and a status of 400, 403, 428, 436, 437 or 438 are needed");
    }
    SV_TRY(sv_identity_begin(worker, message, &view, err));
    const sv_answer answer = {.status = status, .phrase = sv_span_str(phrase != NULL ? phrase : own)};
    return sv_make_answer(&worker->operation, &view, &answer, response);
}

/* ---- the report: printable ASCII throughout, received octets quoted before they come here ---- */

static const char *path_name(sipveil_identity_profile path)
{
    return path == SIPVEIL_IDENTITY_RFC4474 ? "rfc4474" : "rfc8224";
}

static void put_valid(const sipveil_identity_verdict *v, sv_buffer *b)
{
    bool valid = v->valid;
    sv_json_write_member_or_null(b, "path", valid ? path_name(v->path) : NULL);
    sv_json_write_member_or_null(b, "identity", valid ? SV_QUOTE(sv_span_str(v->identity)) : NULL);
    sv_json_write_member_or_null(b, "kind", !valid ? NULL : v->is_number ? "number" : "uri");
    sv_json_write_flag(b, "asserted", valid && v->asserted);
    sv_json_write_member_or_null(b, "domain", valid ? SV_QUOTE(sv_span_str(v->domain)) : NULL);
    if (valid) sv_json_write_hex(b, "certificate_sha256", sv_span(v->certificate_sha256, sizeof v->certificate_sha256));
    else sv_json_write_member_or_null(b, "certificate_sha256", NULL);
    sv_json_write_number_or_null(b, "signed_at", valid, v->signed_at);
    sv_json_write_number_or_null(b, "date", v->has_date, v->date);
    sv_json_write_flag(b, "body_covered", valid && v->body_covered);
    sv_json_write_flag(b, "weak", valid && v->weak);
    sv_json_write_key(b, "fingerprints");
    sv_put_byte(b, '[');
    for (size_t i = 0; valid && i < v->fingerprint_count; i++) {
        sv_put_str(b, i == 0 ? "{" : ",{");
        sv_json_write_member_or_null(b, "algorithm", SV_QUOTE(v->fingerprints[i].algorithm));
        sv_json_write_member_or_null(b, "digest", SV_QUOTE(v->fingerprints[i].digest));
        sv_put_byte(b, '}');
    }
    sv_put_byte(b, ']');
}

static void put_fields(const sipveil_identity_verdict *v, sv_buffer *b)
{
    sv_json_write_key(b, "fields");
    sv_put_byte(b, '[');
    for (size_t i = 0; i < v->field_count; i++) {
        const sipveil_identity_field *f = &v->fields[i];
        sv_put_str(b, i == 0 ? "{" : ",{");
        sv_json_write_member_or_null(b, "path", path_name(f->path));
        sv_json_write_member_or_null(b, "form", f->path == SIPVEIL_IDENTITY_RFC4474 ? "digest-string" : f->full ? "full" : "compact");
        sv_json_write_member_or_null(b, "info", f->info);
        sv_json_write_member_or_null(b, "ppt", f->ppt[0] != '\0' ? f->ppt : NULL);
        sv_json_write_member_or_null(b, "result", f->ignored ? "ignored" : f->status == 0 ? "valid" : "refused");
        sv_json_write_number_or_null(b, "status", f->status != 0, f->status);
        sv_json_write_member_or_null(b, "rule", f->rule);
        sv_json_write_member_or_null(b, "why", f->why);
        sv_put_byte(b, '}');
    }
    sv_put_byte(b, ']');
}

sipveil_code sipveil_identity_report_json(sipveil_worker *worker, const sipveil_identity_verdict *verdict, sipveil_span *json,
                                          sipveil_error *err)
{
    enum { REPORT_MOST = 1 << 20 };
    sv_buffer b;
    sv_error_clear(err);
    if (json != NULL) *json = sv_span(NULL, 0);
    if (worker == NULL || verdict == NULL || json == NULL) {
        return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "worker, verdict and place are needed");
    }
    sv_buffer_init(&b, worker->arena, 2048, REPORT_MOST);
    sv_put_str(&b, "{\"version\":1");
    sv_json_write_member_or_null(&b, "verdict", verdict->valid ? "valid" : verdict->status != 0 ? "refused" : verdict->present ? "invalid" : "none");
    sv_json_write_number_or_null(&b, "status", verdict->status != 0, verdict->status);
    sv_json_write_member_or_null(&b, "phrase", verdict->phrase);
    put_valid(verdict, &b);
    sv_json_write_member_or_null(&b, "error", verdict->reason.code != SIPVEIL_OK ? verdict->reason.text : NULL);
    sv_json_write_member_or_null(&b, "rule", verdict->reason.code != SIPVEIL_OK ? verdict->reason.rule : NULL);
    put_fields(verdict, &b);
    sv_json_write_findings(&b, verdict->checks, verdict->check_count, verdict->warnings, verdict->warning_count);
    sv_put_str(&b, "}\n");
    SV_TRY(sv_buffer_check(&b, SV_IDENTITY, err));
    *json = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
