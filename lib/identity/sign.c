/* SPDX-License-Identifier: BSD-2-Clause */
/* The authentication service (RFC 8224 6.1; RFC 4474 5). */

#include "crypto/es256.h"
#include "identity/number_authority.h"
#include "identity/passport.h"
#include "keys/service_certificate.h"
#include "sip/edit.h"

enum { FRESHNESS_8224 = 60, FRESHNESS_4474 = 600, INFO_MOST = 2048 };

typedef struct signing {
    const sipveil_identity_sign_options *options;
    bool old; /* RFC 4474 */
    sv_operation *op;
    const sv_sip_view *view;
    int64_t now;
    const sipveil_identity_naming *naming; /* of the originator */
    sv_identity_name originator, destination;
    sipveil_span date;      /* value of the row, of ours if there was none */
    bool add_date;
    int64_t date_seconds;
    bool replace;           /* rows of ours in compact form go (RFC 8224 6.1.1) */
    sipveil_span signed_octets;
    sipveil_error *err;
} signing;

void sipveil_identity_sign_options_default(sipveil_identity_sign_options *options)
{
    if (options != NULL) *options = (sipveil_identity_sign_options){.size = sizeof *options};
}

static sipveil_code unusable(const signing *s, const char *why, const char *hint)
{
    sv_fail(s->err, SV_IDENTITY, SIPVEIL_USAGE, "%s", why);
    return sv_hint(s->err, SIPVEIL_USAGE, "%s", hint);
}

static bool is_token(const char *text)
{
    sv_cursor c = sv_cursor_over(sv_span_str(text), "token");
    return sv_take_while(&c, sv_is_token).len > 0 && sv_at_end(&c);
}

static bool is_rsa(EVP_PKEY *key)
{
    const sv_signature_scheme *scheme = sv_signature_scheme_for(NULL, key, true);
    return scheme != NULL && scheme->kind == SV_SIGNATURE_RSA_V15;
}

static bool is_es256(const sv_signature_scheme *scheme)
{
    return scheme != NULL && scheme->kind == SV_SIGNATURE_ECDSA && strcmp(scheme->digest, "sha256") == 0;
}

static sipveil_code check_options(const sipveil_worker *worker, const sipveil_identity_sign_options *o, signing *s)
{
    if (worker == NULL || o == NULL || o->size != sizeof *o || o->key == NULL || o->info == NULL) {
        return sv_fail(s->err, SV_IDENTITY, SIPVEIL_USAGE, "worker, options (with their size), key and URI are needed");
    }
    *s = (signing){.options = o, .old = o->profile == SIPVEIL_IDENTITY_RFC4474, .err = s->err};
    s->naming = s->old ? NULL : &o->naming;
    if (o->key->kind != SIPVEIL_KEY_PRIVATE || o->key->cms.certificate == NULL) {
        return unusable(s, "the key is no certificate with its private key", "give one PEM file with both");
    }
    if (!s->old && !is_es256(o->key->own.scheme)) { /* IDN-27 */
        return unusable(s, "a PASSporT is signed with ES256, and the key is not on P-256", "use a P-256 key");
    }
    if (s->old && !is_rsa(o->key->cms.public_key)) {
        return unusable(s, "RFC 4474 signs with RSA, and the key is of another kind", "use an RSA key, or RFC 8224");
    }
    if (s->old && (o->compact || o->ppt != NULL || o->claims != NULL || o->own_clock)) {
        return unusable(s, "form, ppt, claims and iat are PASSporT's, which RFC 4474 does not have", "use RFC 8224");
    }
    if (o->compact && (o->claims != NULL || o->own_clock)) { /* IDN-28, IDN-29 */
        return unusable(s, "the compact form cannot hold claims or a time that the message does not tell", "use the full form");
    }
    if (o->ppt != NULL && !is_token(o->ppt)) return unusable(s, "the ppt is no token", "letters and digits, as in \"shaken\"");
    if (sv_span_str(o->info).len > INFO_MOST) return unusable(s, "the URI of the certificate is too long", "2048 octets at most");
    sipveil_error why;
    if (sv_identity_check_uri(sv_span_str(o->info), o->allow_http, true, &why) == SIPVEIL_OK) return SIPVEIL_OK;
    return unusable(s, why.text, "verifiers fetch it by https, and http only where both sides say so");
}

/* ---- may we sign this? ---- */

static sipveil_code refuse(const signing *s, const char *rule, const char *why)
{
    return sv_fail_rule(s->err, SV_IDENTITY, SIPVEIL_POLICY, rule, SIPVEIL_NO_OFFSET, "%s", why);
}

/* IDN-16 (1), IDN-34, IDN-38, IDN-39: the domain or the number is ours. Why not, as a warning. */
static sipveil_code check_responsible(const signing *s, bool *ours)
{
    X509 *certificate = s->options->key->cms.certificate;
    const sv_certificate_names *names = &s->options->key->own.names;
    sv_number_authority numbers;
    sipveil_error why;
    *ours = false;
    if (s->old) {
        *ours = sv_certificate_serves_https(certificate, s->originator.host);
    } else if (s->originator.is_number) {
        SV_TRY(sv_number_authority_read(certificate, s->op->arena, &numbers, s->err));
        sipveil_code code = sv_number_is_covered(&numbers, s->originator.text, s->options->spc, s->options->spc_user, s->op->limits, &why);
        *ours = code == SIPVEIL_OK;
    } else {
        for (size_t i = 0; i < names->domain_count && !*ours; i++) *ours = sv_equal_nocase(names->domains[i], s->originator.host);
    }
    if (!*ours) {
        sv_report_warning(s->op, "IDN-34", "not signed: our certificate does not speak for %s", SV_QUOTE(s->originator.text));
    }
    return SIPVEIL_OK;
}

/* IDN-16 (2): who was authenticated may use this From, under this name. */
static sipveil_code check_sender(const signing *s)
{
    const sipveil_identity_sign_options *o = s->options;
    sv_identity_name allowed;
    sv_sip_address from;
    bool may = o->may_use_count == 0;
    for (size_t i = 0; i < o->may_use_count && !may; i++) {
        may = sv_identity_name_read(s->naming, sv_span_str(o->may_use[i]), s->op->arena, &allowed, NULL) == SIPVEIL_OK &&
              allowed.is_number == s->originator.is_number && sv_equal(allowed.text, s->originator.text);
    }
    if (!may) {
        sv_fail_rule(s->err, SV_IDENTITY, SIPVEIL_POLICY, "IDN-16", SIPVEIL_NO_OFFSET, "the sender may not use the identity %s",
                     SV_QUOTE(s->originator.text));
        return sv_hint(s->err, SIPVEIL_POLICY, "--sender URI names each identity that this sender may use");
    }
    if (o->accept_display_name == NULL) return SIPVEIL_OK;
    SV_TRY(sv_sip_read_address(sv_sip_value(s->view, SV_F_FROM), &from, s->err));
    const char *name = sv_arena_string(s->op->arena, from.display), *identity = sv_arena_string(s->op->arena, s->originator.text);
    if (name == NULL || identity == NULL) return sv_no_memory(s->err, SV_IDENTITY);
    if (from.display.len == 0 || o->accept_display_name(o->accept_display_name_user, name, identity)) return SIPVEIL_OK;
    return refuse(s, "IDN-16", "the display name of From is not one that this identity may have");
}

/* IDN-10, IDN-29: Date is there, near our clock, and within the validity of our certificate. */
static sipveil_code settle_date(signing *s)
{
    const sipveil_identity_sign_options *o = s->options;
    sv_buffer b;
    int64_t window = o->freshness > 0 ? o->freshness : s->old ? FRESHNESS_4474 : FRESHNESS_8224;
    s->add_date = sv_sip_first(s->view, SV_F_DATE) == NULL;
    if (s->add_date) {
        sv_buffer_init(&b, s->op->arena, 32, 64);
        sv_sip_put_date(&b, s->now);
        SV_TRY(sv_buffer_check(&b, SV_IDENTITY, s->err));
        s->date = sv_buffer_span(&b);
        s->date_seconds = s->now;
    } else {
        s->date = sv_sip_value(s->view, SV_F_DATE);
        SV_TRY(sv_sip_read_date(s->date, &s->date_seconds, s->err));
    }
    if (sv_identity_distance(s->date_seconds, s->now) > window) {
        sv_fail_rule(s->err, SV_IDENTITY, SIPVEIL_POLICY, s->old ? "IDN-16" : "IDN-29", SIPVEIL_NO_OFFSET,
                     "Date \"%s\" is %lld seconds away from our clock, more than %lld", SV_QUOTE(s->date),
                     (long long)sv_identity_distance(s->date_seconds, s->now), (long long)window);
        return sv_hint(s->err, SIPVEIL_POLICY, "the sender's clock is wrong, or the request is an old one; --freshness SECONDS allows more");
    }
    SV_TRY(sv_keys_check_own_signer(o->key, s->now, s->err));
    return sv_keys_check_own_signer(o->key, s->date_seconds, s->err);
}

/* ---- the signature ---- */

/* Of a key in memory, or one that is held elsewhere. */
static sipveil_code sign_es256(const signing *s, uint8_t out[SV_ES256_LENGTH])
{
    const sv_cms_key *key = &s->options->key->cms;
    uint8_t digest[SV_DIGEST_MOST];
    sipveil_span der;
    if (key->held == NULL) return sv_es256_sign(s->op->crypto, key->private_key, key->prepared, s->signed_octets, out, s->err);
    SV_TRY(sv_digest_octets(s->op->crypto, sv_digest_by_name("sha256"), s->signed_octets, digest, s->err));
    if (key->held->operations->sign == NULL) return unusable(s, "the key on the token does not sign", "use another key");
    SV_TRY(key->held->operations->sign(key->held, s->options->key->own.scheme, sv_span(digest, 32),
                                       s->op->arena, &der, s->err));
    if (sv_es256_from_der(der, out)) return SIPVEIL_OK;
    return sv_fail(s->err, SV_IDENTITY, SIPVEIL_INTERNAL, "the token gave no signature on P-256");
}

static sipveil_code sign_rsa(const signing *s, sipveil_span *signature)
{
    const sv_cms_key *key = &s->options->key->cms;
    const sv_signature_scheme *scheme = sv_signature_scheme_for(s->op->crypto, key->public_key, true); /* SHA-256 (IDN-13) */
    uint8_t digest[SV_DIGEST_MOST];
    if (scheme == NULL) return sv_no_memory(s->err, SV_IDENTITY); /* there was one a moment ago */
    if (key->held == NULL) {
        return sv_signature_make(s->op->crypto, scheme, key->private_key, key->prepared, s->signed_octets, s->op->arena, signature,
                                 s->err);
    }
    SV_TRY(sv_digest_octets(s->op->crypto, sv_digest_by_name("sha256"), s->signed_octets, digest, s->err));
    if (key->held->operations->sign == NULL) return unusable(s, "the key on the token does not sign", "use another key");
    return key->held->operations->sign(key->held, scheme, sv_span(digest, 32), s->op->arena, signature, s->err);
}

/* RFC 8224 4, 6.1 */
static sipveil_code put_passport(signing *s, sv_buffer *rows)
{
    const sipveil_identity_sign_options *o = s->options;
    uint8_t signature[SV_ES256_LENGTH];
    sv_buffer octets;
    sv_passport token = {.x5u = sv_span_str(o->info), .ppt = o->ppt != NULL ? sv_span_str(o->ppt) : sv_span(NULL, 0),
                         .orig = s->originator, .dest = s->destination, .iat = o->own_clock ? s->now : s->date_seconds};
    SV_TRY(sv_fingerprints_read(s->view, s->op->limits, s->op->arena, &token.mky, s->err));
    if (o->claims != NULL) SV_TRY(sv_claims_read(sv_span_str(o->claims), s->op->arena, &token.claims, s->err));
    sv_buffer_init(&octets, s->op->arena, 512, SV_IDENTITY_FIELD_MOST);
    SV_TRY(sv_passport_put_signed(&token, s->op->arena, &octets, s->err));
    s->signed_octets = sv_buffer_span(&octets);
    SV_TRY(sign_es256(s, signature));
    sv_put_str(rows, "Identity: ");
    sv_put(rows, o->compact ? SV_SPAN(".") : s->signed_octets);
    sv_put_byte(rows, '.');
    sv_mime_put_base64url(rows, sv_span(signature, sizeof signature));
    sv_put_str(rows, ";info=<");
    sv_put_str(rows, o->info);
    sv_put_str(rows, ">;alg=ES256");
    if (o->ppt != NULL) {
        sv_put_str(rows, ";ppt=");
        sv_put_str(rows, o->ppt);
    }
    sv_put_str(rows, "\r\n");
    return sv_buffer_check(rows, SV_IDENTITY, s->err);
}

/* RFC 4474 9 */
static sipveil_code put_old(signing *s, sv_buffer *rows)
{
    sipveil_span signature;
    sv_buffer octets;
    sv_buffer_init(&octets, s->op->arena, s->view->whole.len, s->op->limits->message);
    SV_TRY(sv_digest_string_put(s->view, s->date, &octets, s->err));
    s->signed_octets = sv_buffer_span(&octets);
    SV_TRY(sign_rsa(s, &signature));
    sv_put_str(rows, "Identity: \"");
    sv_mime_put_base64(rows, signature, 0);
    sv_put_str(rows, "\"\r\nIdentity-Info: <");
    sv_put_str(rows, s->options->info);
    sv_put_str(rows, ">;alg=rsa-sha256\r\n");
    return sv_buffer_check(rows, SV_IDENTITY, s->err);
}

/* Whether a row is of ours, in compact form. */
static bool is_own_compact(const signing *s, const sv_sip_field *row)
{
    sv_identity_text text;
    return !sv_identity_is_quoted(row->value) && sv_identity_text_read(row->value, &text, NULL) == SIPVEIL_OK && !text.full &&
           sv_equal_str(text.info, s->options->info);
}

static sipveil_code write_signed(signing *s, sipveil_identity_signed *out)
{
    sv_buffer rows, message;
    sv_sip_edit edit;
    sv_buffer_init(&rows, s->op->arena, 1024, SV_IDENTITY_FIELD_MOST + 256);
    if (s->add_date) {
        sv_put_str(&rows, "Date: ");
        sv_put(&rows, s->date);
        sv_put_str(&rows, "\r\n");
    }
    SV_TRY(s->old ? put_old(s, &rows) : put_passport(s, &rows));
    sv_sip_edit_start(&edit, s->view);
    for (const sv_sip_field *row = s->replace ? sv_sip_first(s->view, SV_F_IDENTITY) : NULL; row != NULL; row = sv_sip_next(s->view, row)) {
        if (is_own_compact(s, row)) sv_sip_edit_remove(&edit, row);
    }
    sv_sip_edit_add(&edit, sv_buffer_span(&rows));
    sv_buffer_init(&message, s->op->arena, s->view->whole.len + rows.len, s->op->limits->message);
    SV_TRY(sv_sip_edit_write(&edit, &message, s->err));
    out->message = sv_buffer_span(&message);
    out->is_signed = true;
    out->signed_octets = s->signed_octets;
    return SIPVEIL_OK;
}

static void hand_out(const signing *s, sipveil_identity_signed *out)
{
    sv_findings found = sv_findings_of(s->op);
    out->warnings = found.warnings;
    out->warning_count = found.warning_count;
}

/* IDN-15, IDN-47, and what stands there already. */
static sipveil_code check_request(const signing *s)
{
    const sv_sip_view *view = s->view;
    if (!view->is_request) return refuse(s, "IDN-47", "this is a response, and requests alone are signed");
    if (!sv_identity_is_judged(view)) return refuse(s, "IDN-15", "CANCEL and ACK are not signed");
    if (!s->old) return SIPVEIL_OK;
    if (sv_equal_str(view->method, "REGISTER")) return refuse(s, "IDN-15", "RFC 4474 does not sign REGISTER");
    if (sv_sip_first(view, SV_F_IDENTITY) == NULL && sv_sip_first(view, SV_F_IDENTITY_INFO) == NULL) return SIPVEIL_OK;
    return refuse(s, "IDN-19", "the request has an Identity or Identity-Info already, which nobody may change");
}

static sipveil_code sign(signing *s, sipveil_identity_signed *out)
{
    const sipveil_identity_sign_options *o = s->options;
    bool ours;
    s->now = o->has_at ? o->at : sv_now(s->op->worker->context);
    SV_TRY(check_request(s));
    out->message = s->view->whole;
    sipveil_code code = sv_identity_originator(s->naming, s->view, s->op->arena, &s->originator, s->err);
    if (code == SIPVEIL_OK) code = sv_identity_destination(&o->naming, s->view, s->op->arena, &s->destination, s->err);
    if (code == SIPVEIL_MALFORMED) {
        sv_report_warning(s->op, "IDN-32", "not signed: %s", s->err->text);
        sv_error_clear(s->err);
        return SIPVEIL_OK;
    }
    if (code != SIPVEIL_OK) return code;
    out->is_number = s->originator.is_number;
    out->identity = sv_arena_string(s->op->arena, s->originator.text);
    if (out->identity == NULL) return sv_no_memory(s->err, SV_IDENTITY);
    SV_TRY(check_responsible(s, &ours));
    if (!ours) return SIPVEIL_OK;
    SV_TRY(check_sender(s));
    SV_TRY(settle_date(s));
    return write_signed(s, out);
}

static sipveil_code finish(const signing *s, sipveil_code code, sipveil_identity_signed *out)
{
    sv_warn_of_tail(s->op, s->view->tail);
    if (code == SIPVEIL_OK) code = sv_report_is_whole(s->op, s->err);
    if (code == SIPVEIL_OK) hand_out(s, out);
    else *out = (sipveil_identity_signed){0};
    return code;
}

static sipveil_code start(const sipveil_worker *worker, const sipveil_identity_sign_options *options, signing *s, sipveil_identity_signed *out)
{
    sv_error_clear(s->err);
    if (out == NULL) return sv_fail(s->err, SV_IDENTITY, SIPVEIL_USAGE, "no place for the result");
    *out = (sipveil_identity_signed){0};
    return check_options(worker, options, s);
}

sipveil_code sipveil_identity_sign_request(sipveil_worker *worker, const sipveil_identity_sign_options *options,
                                           sipveil_span message, sipveil_identity_signed *out, sipveil_error *err)
{
    sipveil_error local;
    sv_sip_view view;
    signing s = {.err = err != NULL ? err : &local};
    SV_TRY(start(worker, options, &s, out));
    SV_TRY(sv_identity_begin(worker, message, &view, s.err));
    s.view = &view;
    s.op = &worker->operation;
    return finish(&s, sign(&s, out), out);
}

/* ---- once more, in full (IDN-35) ---- */

static sipveil_code check_response(const signing *s, sipveil_span octets)
{
    sv_sip_view *response = sv_arena_alloc_raw(s->op->arena, sizeof *response);
    if (response == NULL) return sv_no_memory(s->err, SV_IDENTITY);
    SV_TRY(sv_sip_read(octets, SV_SIP_DATAGRAM, s->op->limits, response, s->err));
    if (response->is_request || response->status != 438) return refuse(s, "IDN-35", "only a 438 asks for the full form");
    if (sv_sip_compare_field(s->view, response, SV_F_CALL_ID, sv_span(NULL, 0), 0) != SV_SIP_EQUAL ||
        sv_sip_compare_field(s->view, response, SV_F_CSEQ, sv_span(NULL, 0), 0) != SV_SIP_EQUAL) {
        return refuse(s, "IDN-35", "the response belongs to another request");
    }
    for (const sv_sip_field *row = sv_sip_first(s->view, SV_F_IDENTITY); row != NULL; row = sv_sip_next(s->view, row)) {
        if (is_own_compact(s, row)) return SIPVEIL_OK;
    }
    return refuse(s, "IDN-35", "the request has no compact form of ours: once is enough");
}

sipveil_code sipveil_identity_retry_request(sipveil_worker *worker, const sipveil_identity_sign_options *options,
                                            sipveil_span request, sipveil_span response, sipveil_identity_signed *out,
                                            sipveil_error *err)
{
    sipveil_error local;
    sv_sip_view view;
    signing s = {.err = err != NULL ? err : &local};
    SV_TRY(start(worker, options, &s, out));
    sipveil_identity_sign_options full = *options;
    full.compact = false;
    s.options = &full;
    if (s.old) return unusable(&s, "RFC 4474 has one form only", "use RFC 8224");
    SV_TRY(sv_identity_begin(worker, request, &view, s.err));
    s.view = &view;
    s.op = &worker->operation;
    s.replace = true;
    SV_TRY(check_response(&s, response));
    return finish(&s, sign(&s, out), out);
}
