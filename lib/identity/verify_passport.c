/* SPDX-License-Identifier: BSD-2-Clause */
/* One Identity field of RFC 8224: in the order of its section 6.2, over the identities of the signalling. */
#include "crypto/es256.h"
#include "identity/verify.h"

typedef struct candidate {
    sipveil_span value;
    sv_identity_text text;
    sv_identity_name originator;
    sv_passport token;
    const sv_json *payload; /* of a full form */
    sipveil_span signed_octets, signature;
    const sv_credential *credential;
    sipveil_span domain;
    sipveil_error *why;
} candidate;

static sipveil_code invalid(const candidate *c, const char *rule, const char *what)
{
    return sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_BAD_SIGNATURE, rule, SIPVEIL_NO_OFFSET, "%s", what);
}

static bool same_name(const sv_identity_name *a, const sv_identity_name *b)
{
    return a->is_number == b->is_number && sv_equal(a->text, b->text);
}

static bool same_fingerprints(const sv_fingerprints *a, const sv_fingerprints *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!sv_equal(a->items[i].algorithm, b->items[i].algorithm) || !sv_equal(a->items[i].digest, b->items[i].digest)) return false;
    }
    return true;
}

static sipveil_code differs(const candidate *c, const char *what, sipveil_span said, sipveil_span is)
{
    return sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_BAD_SIGNATURE, "IDN-37", SIPVEIL_NO_OFFSET, "%s of the PASSporT is %s, and the request has %s",
                        what, SV_QUOTE(said), SV_QUOTE(is));
}

/* The full form: read, and the same as what the message says (IDN-23, IDN-24, IDN-37). */
static sipveil_code read_full(const sv_judging *j, candidate *c, const sv_passport *wanted)
{
    unsigned flags = j->options->compat & SIPVEIL_COMPAT_SAMPLES ? SV_PASSPORT_ANY_FORM : 0;
    sv_passport *token = &c->token;
    SV_TRY(sv_passport_read(c->text.header, c->text.payload, flags, j->op->arena, token, &c->payload, c->why));
    if (!sv_equal(token->x5u, c->text.info)) {
        return sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_BAD_SIGNATURE, "IDN-23", SIPVEIL_NO_OFFSET, "x5u \"%s\" is not info \"%s\"",
                            SV_QUOTE(token->x5u), SV_QUOTE(c->text.info));
    }
    if (!sv_equal(token->ppt, c->text.ppt)) return invalid(c, "IDN-24", "ppt inside the PASSporT is not the one of the field");
    if (!same_name(&token->orig, &wanted->orig)) return differs(c, "orig", token->orig.text, wanted->orig.text);
    if (!same_name(&token->dest, &wanted->dest)) return differs(c, "dest", token->dest.text, wanted->dest.text);
    if (!same_fingerprints(&token->mky, &wanted->mky)) return invalid(c, "IDN-30", "mky is not what the fingerprints of the SDP are");
    token->orig = wanted->orig; /* the same, with its host */
    c->signed_octets = sv_span_through(c->text.header, c->text.payload);
    return SIPVEIL_OK;
}

/* The compact form: everything is built from the message again (IDN-28). */
static sipveil_code rebuild(const sv_judging *j, candidate *c, const sv_passport *wanted)
{
    sv_buffer octets;
    c->token = *wanted;
    sv_buffer_init(&octets, j->op->arena, 512, SV_IDENTITY_FIELD_MOST);
    SV_TRY(sv_passport_put_signed(&c->token, j->op->arena, &octets, c->why));
    c->signed_octets = sv_buffer_span(&octets);
    return SIPVEIL_OK;
}

/* Steps 1 and 2: what is signed, and that it is what the message says. */
static sipveil_code read_token(const sv_judging *j, candidate *c)
{
    sv_passport wanted = {.x5u = c->text.info, .ppt = c->text.ppt, .iat = j->date};
    if (c->text.has_alg && !sv_equal_str(c->text.alg, "ES256")) return invalid(c, "IDN-24", "alg of the field is not ES256");
    if (!j->has_date) return invalid(c, "IDN-34", "the request has no Date");
    SV_TRY(sv_identity_originator(&j->options->naming, j->view, j->op->arena, &wanted.orig, c->why));
    SV_TRY(sv_identity_destination(&j->options->naming, j->view, j->op->arena, &wanted.dest, c->why));
    SV_TRY(sv_fingerprints_read(j->view, j->op->limits, j->op->arena, &wanted.mky, c->why));
    c->originator = wanted.orig;
    SV_TRY(c->text.full ? read_full(j, c, &wanted) : rebuild(j, c, &wanted));
    SV_TRY(sv_mime_decode_base64url(c->text.signature, j->op->arena, &c->signature, c->why));
    if (c->signature.len == SV_ES256_LENGTH) return SIPVEIL_OK;
    return sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_BAD_SIGNATURE, "IDN-27", SIPVEIL_NO_OFFSET, "the signature has %zu octets, not %d",
                        c->signature.len, SV_ES256_LENGTH);
}

/* Step 3: whose credential, and may it speak for this identity (IDN-38, IDN-39)? */
static sipveil_code check_authority(const sv_judging *j, candidate *c)
{
    const sv_credential *credential = c->credential;
    const sipveil_identity_verify_options *o = j->options;
    if (!credential->is_p256) {
        return sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_UNTRUSTED_SIGNER, "IDN-27", SIPVEIL_NO_OFFSET, "the credential's key is not on P-256");
    }
    if (c->originator.is_number) {
        SV_TRY(sv_number_is_covered(&credential->numbers, c->originator.text, o->spc, o->spc_user, j->op->limits, c->why));
    } else {
        for (size_t i = 0; i < credential->domain_count && c->domain.len == 0; i++) {
            if (sv_equal_nocase(credential->domains[i], c->originator.host)) c->domain = credential->domains[i];
        }
        if (c->domain.len == 0) {
            return sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_UNTRUSTED_SIGNER, "IDN-38", SIPVEIL_NO_OFFSET,
                                "the credential speaks for %s, and From is of %s",
                                credential->domain_count > 0 ? SV_QUOTE(credential->domains[0]) : "no domain", SV_QUOTE(c->originator.host));
        }
    }
    if (credential->numbers.constraints.len == 0) return SIPVEIL_OK;
    if (c->payload == NULL) {
        sv_buffer payload;
        sv_buffer_init(&payload, j->op->arena, 512, SV_IDENTITY_FIELD_MOST);
        SV_TRY(sv_passport_put_payload(&c->token, j->op->arena, &payload, c->why));
        SV_TRY(sv_json_read_within(sv_buffer_span(&payload), SV_IDENTITY_JSON_DEPTH, j->op->arena, &c->payload, c->why));
    }
    return sv_claims_are_allowed(&credential->numbers, c->payload, j->op->limits, c->why);
}

/* Step 4. The status: 403 for a time that is off, 437 for one at which the credential was not valid. */
static int check_times(const sv_judging *j, const candidate *c)
{
    int64_t times[] = {j->date, c->token.iat};
    for (size_t i = 0; i < 2; i++) {
        if (!sv_is_fresh(j, times[i], SV_FRESHNESS_8224)) {
            sv_refuse_stale(j, i == 0 ? "Date" : "iat", times[i], "IDN-36", SV_FRESHNESS_8224, c->why);
            return 403;
        }
        if (!sv_valid_at(c->credential->not_before, c->credential->not_after, times[i])) {
            sv_fail_rule(c->why, SV_IDENTITY, SIPVEIL_UNTRUSTED_SIGNER, "IDN-36", SIPVEIL_NO_OFFSET,
                         "%s is outside the validity of the credential", i == 0 ? "Date" : "iat");
            return 437;
        }
    }
    return 0;
}

/* Step 5. */
static sipveil_code check_signature(const sv_judging *j, const candidate *c)
{
    bool valid;
    SV_TRY(sv_es256_verify(j->op->crypto, c->credential->key, c->signed_octets, c->signature, &valid, c->why));
    return valid ? SIPVEIL_OK : invalid(c, "IDN-27", "the signature does not verify: the request was changed, or another key signed it");
}

/* IDN-33: P-Asserted-Identity was signed, and From says something else. */
static sipveil_code compare_from(const sv_judging *j, const candidate *c, bool *differs)
{
    sipveil_identity_naming naming = j->options->naming;
    sv_identity_name from;
    *differs = false;
    if (!naming.use_asserted) return SIPVEIL_OK;
    naming.use_asserted = false;
    sipveil_code code = sv_identity_originator(&naming, j->view, j->op->arena, &from, NULL);
    *differs = code != SIPVEIL_OK || !same_name(&from, &c->originator);
    return code == SIPVEIL_INTERNAL ? sv_no_memory(c->why, SV_IDENTITY) : SIPVEIL_OK;
}

static sipveil_code hand_out(const sv_judging *j, const candidate *c)
{
    sipveil_identity_verdict *out = j->out;
    SV_TRY(sv_verdict_take(j, c->credential, &c->originator, c->domain, c->why));
    SV_TRY(compare_from(j, c, &out->asserted));
    out->path = SIPVEIL_IDENTITY_RFC8224;
    out->signed_at = c->token.iat;
    out->fingerprints = c->token.mky.items;
    out->fingerprint_count = c->token.mky.count;
    out->signed_octets = c->signed_octets;
    sv_report_literal(j->op, "IDN-37", SIPVEIL_CHECK_PASSED, "orig, dest and mky are what the request says");
    sv_report_literal(j->op, c->originator.is_number ? "IDN-39" : "IDN-38", SIPVEIL_CHECK_PASSED,
                     "the chain of the credential leads to an anchor, and it speaks for the originator");
    sv_report_literal(j->op, "IDN-36", SIPVEIL_CHECK_PASSED, "Date and iat are fresh, within the validity of the credential");
    sv_report_literal(j->op, "IDN-27", SIPVEIL_CHECK_PASSED, "the signature verifies");
    sv_report_literal(j->op, "IDN-41", j->options->memory != NULL ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_NOT_DONE,
                     j->options->memory != NULL ? "not seen before" : "there is no memory of seen signatures");
    return SIPVEIL_OK;
}

/* The steps. *status is set where a step fails. */
static sipveil_code take_steps(const sv_judging *j, candidate *c, int *status)
{
    const sv_credential_question question = {j->options, j->op, j->now};
    *status = 438;
    SV_TRY(read_token(j, c));
    SV_TRY(sv_credential_get(&question, c->text.info, &c->credential, status, c->why));
    *status = 437;
    SV_TRY(check_authority(j, c));
    *status = check_times(j, c);
    if (*status != 0) return SIPVEIL_REPLAY;
    *status = 438;
    SV_TRY(check_signature(j, c));
    return j->options->memory != NULL ? sv_remember_passport(j, c->signature, c->why) : SIPVEIL_OK;
}

sipveil_code sv_judge_passport(const sv_judging *j, sipveil_span value, sipveil_identity_field *field, sipveil_error *err)
{
    candidate c = {.value = value, .why = err};
    int status = 438;
    if (value.len > SV_IDENTITY_FIELD_MOST) {
        sv_fail_rule(err, SV_IDENTITY, SIPVEIL_LIMIT, "IDN-43", SIPVEIL_NO_OFFSET, "an Identity of %zu octets, more than %d", value.len,
                     SV_IDENTITY_FIELD_MOST);
        return sv_field_refuse(j, field, 436, err);
    }
    sipveil_code code = sv_identity_text_read(value, &c.text, err);
    field->full = c.text.full;
    field->info = sv_arena_string(j->op->arena, sv_span_str(SV_QUOTE(c.text.info)));
    field->ppt = sv_arena_string(j->op->arena, sv_span_str(SV_QUOTE(c.text.ppt)));
    if (field->info == NULL || field->ppt == NULL) return sv_no_memory(err, SV_IDENTITY);
    if (c.text.has_ppt && !sv_is_one_of(c.text.ppt, j->options->ppts, j->options->ppt_count)) { /* IDN-36 (1), IDN-40 */
        field->ignored = true;
        field->rule = "IDN-40";
        field->why = "its ppt is not understood here";
        return SIPVEIL_OK;
    }
    if (code == SIPVEIL_OK) code = take_steps(j, &c, &status);
    if (code == SIPVEIL_OK) return hand_out(j, &c);
    if (code == SIPVEIL_INTERNAL || sv_is_memory_full(err)) return code;
    return sv_field_refuse(j, field, status, err);
}
