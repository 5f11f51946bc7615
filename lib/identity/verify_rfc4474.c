/* SPDX-License-Identifier: BSD-2-Clause */
/* Identity and Identity-Info of RFC 4474, in the order of its section 6 (IDN-17). */
#include "base/field.h"
#include "cms/oid.h"
#include "crypto/sign.h"
#include "identity/verify.h"
#include "keys/service_certificate.h"

typedef struct candidate {
    sipveil_span info, alg, signature, signed_octets;
    sv_identity_name originator;
    const sv_signature_scheme *scheme;
    const sv_credential *credential;
    bool weak;
    sipveil_error *why;
} candidate;

static sipveil_code invalid(const candidate *c, const char *rule, const char *what)
{
    return sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_BAD_SIGNATURE, rule, SIPVEIL_NO_OFFSET, "%s", what);
}

/* Base64 in quotes; a fold may stand in it. */
static sipveil_code read_signature(const sv_judging *j, sipveil_span value, candidate *c)
{
    sv_cursor at = sv_cursor_over(value, "Identity");
    sipveil_span inside;
    bool escaped;
    uint8_t octet;
    sv_buffer b;
    if (!sv_take_quoted(&at, &inside, &escaped) || escaped || !sv_at_end(&at)) return invalid(c, "IDN-13", "Identity is not one quoted text");
    sv_buffer_init(&b, j->op->arena, inside.len + 1, SV_IDENTITY_FIELD_MOST);
    for (sv_cursor text = sv_cursor_over(inside, "Identity"); sv_take_byte(&text, &octet);) {
        if (octet != ' ' && octet != '\t' && octet != '\r' && octet != '\n') sv_put_byte(&b, octet);
    }
    SV_TRY(sv_buffer_check(&b, SV_IDENTITY, c->why));
    return sv_mime_decode_base64(sv_buffer_span(&b), j->op->arena, &c->signature, c->why);
}

/* The two fields, once each, and what they sign. */
static sipveil_code read_fields(const sv_judging *j, candidate *c)
{
    const sv_sip_field *row = sv_sip_first(j->view, SV_F_IDENTITY), *quoted = NULL;
    sv_buffer b;
    for (; row != NULL; row = sv_sip_next(j->view, row)) {
        if (!sv_identity_is_quoted(row->value)) continue;
        if (quoted != NULL) return invalid(c, "IDN-13", "Identity of RFC 4474 stands twice");
        quoted = row;
    }
    if (quoted == NULL || sv_sip_first(j->view, SV_F_IDENTITY_INFO) == NULL) return invalid(c, "IDN-14", "Identity without Identity-Info");
    SV_TRY(sv_identity_info_read(sv_sip_value(j->view, SV_F_IDENTITY_INFO), &c->info, &c->alg, c->why));
    SV_TRY(read_signature(j, quoted->value, c));
    if (!j->has_date) return invalid(c, "IDN-10", "the request has no Date");
    SV_TRY(sv_identity_originator(NULL, j->view, j->op->arena, &c->originator, c->why));
    sv_buffer_init(&b, j->op->arena, j->view->whole.len, j->op->limits->message);
    SV_TRY(sv_digest_string_put(j->view, sv_sip_value(j->view, SV_F_DATE), &b, c->why));
    c->signed_octets = sv_buffer_span(&b);
    return SIPVEIL_OK;
}

/* IDN-02, IDN-03, IDN-13. A refusal here is one of the credential: 437. */
static sipveil_code choose_scheme(const sv_judging *j, candidate *c)
{
    bool known, short_key = false;
    bool sha1 = sv_equal_nocase_str(c->alg, "rsa-sha1");
    unsigned allow = j->options->allow_weak;
    if (!sha1 && !sv_equal_nocase_str(c->alg, "rsa-sha256")) {
        return sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_UNSUPPORTED, "IDN-13", SIPVEIL_NO_OFFSET, "alg \"%s\" is not handled", SV_QUOTE(c->alg));
    }
    if (sha1 && !(allow & SIPVEIL_WEAK_SHA1)) {
        return sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_POLICY, "IDN-02", SIPVEIL_NO_OFFSET, "alg rsa-sha1 is weak, and taken only by name");
    }
    c->scheme = sv_signature_scheme_find(sv_oid_content(SV_OID_RSA), sv_digest_by_name(sha1 ? "sha1" : "sha256"), &known);
    if (c->scheme == NULL) return sv_fail(c->why, SV_IDENTITY, SIPVEIL_INTERNAL, "a signature scheme is missing");
    SV_TRY(sv_signature_check_key(j->op->crypto, c->credential->key, SV_SIGNATURE_RSA_V15, allow, &short_key, c->why));
    c->weak = sha1 || short_key;
    return SIPVEIL_OK;
}

/* IDN-17 (4): time last, as RFC 4474 has it; no code is given there, 438 is ours. */
static sipveil_code check_time(const sv_judging *j, const candidate *c)
{
    if (!sv_is_fresh(j, j->date, SV_FRESHNESS_4474)) {
        return sv_refuse_stale(j, "Date", j->date, "IDN-17", SV_FRESHNESS_4474, c->why);
    }
    if (sv_valid_at(c->credential->not_before, c->credential->not_after, j->date)) return SIPVEIL_OK;
    return invalid(c, "IDN-17", "Date is outside the validity of the certificate");
}

static sipveil_code take_steps(const sv_judging *j, candidate *c, int *status)
{
    const sv_credential_question question = {j->options, j->op, j->now};
    bool valid;
    *status = 438;
    SV_TRY(read_fields(j, c));
    SV_TRY(sv_credential_get(&question, c->info, &c->credential, status, c->why)); /* (1) */
    *status = 437;
    if (!sv_certificate_serves_https(c->credential->certificate, c->originator.host)) { /* (2) */
        return sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_UNTRUSTED_SIGNER, "IDN-17", SIPVEIL_NO_OFFSET,
                            "the certificate does not speak for the host of From, %s", SV_QUOTE(c->originator.host));
    }
    SV_TRY(choose_scheme(j, c));
    *status = 438;
    SV_TRY(sv_signature_verify(j->op->crypto, c->scheme, 0, c->credential->key, c->signed_octets, c->signature, &valid, c->why)); /* (3) */
    if (!valid) return invalid(c, "IDN-17", "the signature does not verify: the request was changed, or another key signed it");
    SV_TRY(check_time(j, c)); /* (4) */
    return j->options->memory != NULL ? sv_remember_rfc4474(j, c->why) : SIPVEIL_OK;
}

static sipveil_code hand_out(const sv_judging *j, const candidate *c)
{
    sipveil_identity_verdict *out = j->out;
    SV_TRY(sv_verdict_take(j, c->credential, &c->originator, c->originator.host, c->why));
    out->path = SIPVEIL_IDENTITY_RFC4474;
    out->signed_at = j->date;
    out->body_covered = true;
    out->weak = c->weak;
    out->signed_octets = c->signed_octets;
    sv_report_literal(j->op, "IDN-17", SIPVEIL_CHECK_PASSED, "the chain of the certificate leads to an anchor, and it speaks for the host of From");
    sv_report_literal(j->op, "IDN-07", SIPVEIL_CHECK_PASSED, "the signature over the digest-string verifies, and Date is fresh");
    sv_report_literal(j->op, "IDN-18", j->options->memory != NULL ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_NOT_DONE,
                     j->options->memory != NULL ? "not seen before" : "there is no memory of seen requests");
    if (c->weak) sv_report_warning(j->op, "IDN-02", "the identity rests on weak cryptography: SHA-1, or a short key");
    return SIPVEIL_OK;
}

sipveil_code sv_judge_rfc4474(const sv_judging *j, sipveil_identity_field *field, sipveil_error *err)
{
    candidate c = {.why = err};
    int status;
    sipveil_code code = take_steps(j, &c, &status);
    field->info = sv_arena_string(j->op->arena, sv_span_str(SV_QUOTE(c.info)));
    if (field->info == NULL) return sv_no_memory(err, SV_IDENTITY);
    if (code == SIPVEIL_OK) return hand_out(j, &c);
    if (code == SIPVEIL_INTERNAL || sv_is_memory_full(err)) return code;
    return sv_field_refuse(j, field, status, err);
}
