/* SPDX-License-Identifier: BSD-2-Clause */
/* What a verifier answers with, and what it reports. */
#include "base/hex.h"
#include "identity/identity.h"
#include "identity/passport.h"

sipveil_code sipveil_identity_answer(sipveil_worker *worker, sipveil_span message, int status, const char *phrase,
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

static void put_text(sv_buffer *b, const char *key, const char *value)
{
    if (b->len > 0 && b->data[b->len - 1] != '{') sv_put_byte(b, ',');
    sv_json_put_string(b, sv_span_str(key));
    sv_put_byte(b, ':');
    if (value == NULL) sv_put_str(b, "null");
    else sv_json_put_string(b, sv_span_str(value));
}

static void put_value(sv_buffer *b, const char *key, const char *raw)
{
    if (b->len > 0 && b->data[b->len - 1] != '{') sv_put_byte(b, ',');
    sv_json_put_string(b, sv_span_str(key));
    sv_put_byte(b, ':');
    sv_put_str(b, raw);
}

static const char *path_name(sipveil_identity_profile path)
{
    return path == SIPVEIL_IDENTITY_RFC4474 ? "rfc4474" : "rfc8224";
}

static void put_number_or_null(sv_buffer *b, const char *key, bool has, int64_t number)
{
    put_value(b, key, has && number >= 0 ? "" : "null");
    if (has && number >= 0) sv_put_number(b, (uint64_t)number);
}

static void put_valid(const sipveil_identity_verdict *v, sv_buffer *b)
{
    bool valid = v->valid;
    put_text(b, "path", valid ? path_name(v->path) : NULL);
    put_text(b, "identity", valid ? SV_QUOTE(sv_span_str(v->identity)) : NULL);
    put_text(b, "kind", !valid ? NULL : v->is_number ? "number" : "uri");
    put_value(b, "asserted", valid && v->asserted ? "true" : "false");
    put_text(b, "domain", valid ? SV_QUOTE(sv_span_str(v->domain)) : NULL);
    put_value(b, "certificate_sha256", valid ? "\"" : "null");
    if (valid) sv_put_hex(b, sv_span(v->certificate_sha256, sizeof v->certificate_sha256));
    if (valid) sv_put_byte(b, '"');
    put_number_or_null(b, "signed_at", valid, v->signed_at);
    put_number_or_null(b, "date", v->has_date, v->date);
    put_value(b, "body_covered", valid && v->body_covered ? "true" : "false");
    put_value(b, "weak", valid && v->weak ? "true" : "false");
    put_value(b, "fingerprints", "[");
    for (size_t i = 0; valid && i < v->fingerprint_count; i++) {
        sv_put_str(b, i == 0 ? "{" : ",{");
        put_text(b, "algorithm", SV_QUOTE(v->fingerprints[i].algorithm));
        put_text(b, "digest", SV_QUOTE(v->fingerprints[i].digest));
        sv_put_byte(b, '}');
    }
    sv_put_byte(b, ']');
}

static void put_fields(const sipveil_identity_verdict *v, sv_buffer *b)
{
    put_value(b, "fields", "[");
    for (size_t i = 0; i < v->field_count; i++) {
        const sipveil_identity_field *f = &v->fields[i];
        sv_put_str(b, i == 0 ? "{" : ",{");
        put_text(b, "path", path_name(f->path));
        put_text(b, "form", f->path == SIPVEIL_IDENTITY_RFC4474 ? "digest-string" : f->full ? "full" : "compact");
        put_text(b, "info", f->info);
        put_text(b, "ppt", f->ppt[0] != '\0' ? f->ppt : NULL);
        put_text(b, "result", f->ignored ? "ignored" : f->status == 0 ? "valid" : "refused");
        put_number_or_null(b, "status", f->status != 0, f->status);
        put_text(b, "rule", f->rule);
        put_text(b, "why", f->why);
        sv_put_byte(b, '}');
    }
    sv_put_byte(b, ']');
}

static void put_lists(const sipveil_identity_verdict *v, sv_buffer *b)
{
    static const char *const results[] = {"passed", "failed", "not-done"};
    put_value(b, "checks", "[");
    for (size_t i = 0; i < v->check_count; i++) {
        sv_put_str(b, i == 0 ? "{" : ",{");
        put_text(b, "rule", v->checks[i].rule);
        put_text(b, "result", results[v->checks[i].result]);
        put_text(b, "why", v->checks[i].why);
        sv_put_byte(b, '}');
    }
    sv_put_byte(b, ']');
    put_value(b, "warnings", "[");
    for (size_t i = 0; i < v->warning_count; i++) {
        if (i > 0) sv_put_byte(b, ',');
        sv_json_put_string(b, sv_span_str(v->warnings[i].text));
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
    put_text(&b, "verdict", verdict->valid ? "valid" : verdict->status != 0 ? "refused" : verdict->present ? "invalid" : "none");
    put_number_or_null(&b, "status", verdict->status != 0, verdict->status);
    put_text(&b, "phrase", verdict->phrase);
    put_valid(verdict, &b);
    put_text(&b, "error", verdict->reason.code != SIPVEIL_OK ? verdict->reason.text : NULL);
    put_text(&b, "rule", verdict->reason.code != SIPVEIL_OK ? verdict->reason.rule : NULL);
    put_fields(verdict, &b);
    put_lists(verdict, &b);
    sv_put_str(&b, "}\n");
    SV_TRY(sv_buffer_check(&b, SV_IDENTITY, err));
    *json = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
