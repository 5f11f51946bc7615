/* SPDX-License-Identifier: BSD-2-Clause */
/* After a refusal: is the need granted, and the request to send again (E2M-34, 35, 36). */
#include "e2m/copy.h"
#include "e2m/need.h"
#include "keys/certificate.h"
#include "keys/chain.h"
#include "sip/values.h"
#include "state/store.h"
#include "tunnel/memory.h"
#include "tunnel/operation.h"

enum { HOSTS_MOST = 3, CERTIFICATES_MOST = 16, TRIED_LIFE = 3600 };

void sipveil_e2m_retry_options_default(sipveil_e2m_retry_options *options)
{
    if (options == NULL) return;
    *options = (sipveil_e2m_retry_options){.size = sizeof *options};
    sipveil_e2m_options_default(&options->e2m);
}

typedef struct retrying {
    const sipveil_e2m_retry_options *options;
    const sipveil_context *context;
    const sipveil_limits *limits;
    sv_arena *arena;
    int64_t at;
    sv_sip_view *request, *response;
    X509 *certificates[CERTIFICATES_MOST];
    size_t certificate_count;
    sipveil_e2m_hop hops[SIPVEIL_E2M_HOPS_MOST];
    size_t hop_count;
    bool must_sign;
    bool lost; /* a host that it was sealed for says that it needs it */
    sipveil_error *err;
} retrying;

static bool is_listed(const char *const *list, size_t count, sipveil_span host)
{
    for (size_t i = 0; i < count; i++) {
        if (sv_equal_nocase_str(host, list[i])) return true;
    }
    return false;
}

/* ---- certificates that came with the response ---- */

static sipveil_code read_certs_only(retrying *r, sipveil_span octets)
{
    sv_cms_type type;
    sipveil_span content;
    sv_signed *s = sv_arena_alloc(r->arena, sizeof *s);
    sv_cms_policy policy = {0};
    if (s == NULL) return sv_no_memory(r->err, SV_E2M);
    SV_TRY(sv_cms_read_content_info(octets, r->limits, &type, &content, r->err));
    if (type != SV_CMS_SIGNED) return SIPVEIL_OK;
    SV_TRY(sv_cms_read_signed(content, r->limits, &policy, r->arena, s, r->err));
    for (size_t i = 0; i < s->certificate_count && r->certificate_count < CERTIFICATES_MOST; i++) {
        SV_TRY(sv_certificate_load(r->context, s->certificates[i], r->arena, &r->certificates[r->certificate_count], r->err));
        r->certificate_count++;
    }
    return SIPVEIL_OK;
}

static sipveil_code read_entity(retrying *r, const sv_mime_entity *entity)
{
    sipveil_span octets, parts[8];
    size_t count;
    if (sv_media_type_is(&entity->type, "application", "pkcs7-mime")) {
        SV_TRY(sv_mime_decoded_content(entity, r->arena, &octets, r->err));
        return read_certs_only(r, octets);
    }
    if (!sv_media_type_is(&entity->type, "multipart", "mixed")) return SIPVEIL_OK;
    SV_TRY(sv_mime_read_multipart(&entity->type, entity->content, r->limits, 0, parts, 8, &count, r->err));
    for (size_t i = 0; i < count; i++) {
        sv_mime_entity *part = sv_arena_alloc_raw(r->arena, sizeof *part);
        if (part == NULL) return sv_no_memory(r->err, SV_E2M);
        SV_TRY(sv_mime_read_entity(parts[i], r->limits, 0, part, r->err));
        if (sv_media_type_is(&part->type, "application", "pkcs7-mime")) {
            SV_TRY(sv_mime_decoded_content(part, r->arena, &octets, r->err));
            SV_TRY(read_certs_only(r, octets));
        }
    }
    return SIPVEIL_OK;
}

static sipveil_code read_certificates(retrying *r)
{
    const sv_sip_view *v = r->response;
    sv_mime_entity *entity = sv_arena_alloc_raw(r->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(r->err, SV_E2M);
    if (v->body.len == 0) return SIPVEIL_OK;
    SV_TRY(sv_entity_of_body(v, r->limits, 0, entity, r->err));
    return read_entity(r, entity);
}

/* The certificate that names this host, and no user (E2M-36). */
static sipveil_code find_certificate(retrying *r, sipveil_span host, X509 **out, bool *user)
{
    sv_certificate_names names;
    *out = NULL;
    *user = false;
    for (size_t i = 0; i < r->certificate_count; i++) {
        SV_TRY(sv_certificate_read_names(r->certificates[i], r->arena, &names, r->err));
        if (names.aor_count > 0) *user = true;
        for (size_t k = 0; k < names.host_count && *out == NULL; k++) {
            if (sv_equal_nocase(names.hosts[k], host)) *out = r->certificates[i];
        }
    }
    return SIPVEIL_OK;
}

/* Chain, time, usage; what came along helps to build the chain and is nothing else. */
static sipveil_code check_certificate(retrying *r, const sipveil_e2m_need *need, X509 *certificate)
{
    uint8_t print[32];
    sv_chain_answer answer;
    size_t anchors = r->options->trust != NULL ? 1 : 0;
    if (need->has_fingerprint) {
        SV_TRY(sv_certificate_fingerprint(r->context, certificate, print, r->err));
        if (!sv_equal(sv_span(print, sizeof print), sv_span(need->fingerprint, sizeof print))) {
            return sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "E2M-34", SIPVEIL_NO_OFFSET,
                                "the certificate is not the one that the need tells the fingerprint of");
        }
    }
    if (anchors == 0) {
        sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "E2M-34", SIPVEIL_NO_OFFSET,
                     "a certificate came with the response, and no trust anchors were given");
        return sv_hint(r->err, SIPVEIL_POLICY, "give them with --trust");
    }
    STACK_OF(X509) *others = sk_X509_new_null();
    if (others == NULL) return sv_no_memory(r->err, SV_E2M);
    for (size_t i = 0; i < r->certificate_count; i++) (void)sk_X509_push(others, r->certificates[i]);
    sv_chain_question question = {.certificate = certificate, .untrusted = others, .at = r->at, .limits = r->limits};
    sipveil_code code = sv_chain_check(r->options->trust, &question, r->arena, &answer, r->err);
    sk_X509_free(others);
    if (code == SIPVEIL_OK) code = sv_certificate_check_usage(certificate, SV_USE_ENCRYPT, r->err);
    if (code == SIPVEIL_OK) code = sv_certificate_check_time(certificate, r->at, r->err);
    if (code == SIPVEIL_OK || code == SIPVEIL_INTERNAL) return code;
    sipveil_error why = *r->err;
    return sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "E2M-34", SIPVEIL_NO_OFFSET, "the certificate for %s: %s",
                        SV_QUOTE(need->host), why.text);
}

static sipveil_code make_key(retrying *r, X509 *certificate, const sipveil_key **out)
{
    sipveil_key *key = sv_arena_alloc(r->arena, sizeof *key);
    if (key == NULL) return sv_no_memory(r->err, SV_E2M);
    key->kind = SIPVEIL_KEY_CERTIFICATE;
    const char *label = sv_certificate_label(certificate, r->arena);
    key->description = label != NULL ? sv_arena_string(r->arena, sv_span_str(label)) : NULL;
    if (key->description == NULL) return sv_no_memory(r->err, SV_E2M);
    *out = key;
    return sv_certificate_view(r->context, certificate, r->arena, &key->cms, r->err);
}

/* ---- the needs ---- */

static sipveil_code not_granted(retrying *r, const char *rule, const char *hint, const char *text, sipveil_span host)
{
    sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, rule, SIPVEIL_NO_OFFSET, "%s: %s", SV_QUOTE(host), text);
    return hint != NULL ? sv_hint(r->err, SIPVEIL_POLICY, "%s", hint) : SIPVEIL_POLICY;
}

static bool type_fits(const retrying *r, const sipveil_e2m_need *need)
{
    sv_media_type type;
    sipveil_span value = sv_sip_value(r->request, SV_F_CONTENT_TYPE);
    if (sv_mime_read_media_type(value, r->limits, 0, &type, NULL) != SIPVEIL_OK) return false;
    if (sv_type_listed(&type, r->options->e2m.private_types, r->options->e2m.private_type_count)) return false;
    if (r->options->disclosable_count > 0 &&
        !sv_type_listed(&type, r->options->disclosable, r->options->disclosable_count)) {
        return false;
    }
    if (need->type.len == 0 || sv_equal_nocase_str(type.type, "multipart")) return true;
    const char *wanted = sv_arena_string(r->arena, need->type);
    return wanted != NULL && sv_type_listed(&type, &wanted, 1);
}

/* Once a host: by the list of the caller, and by the memory where there is one. */
static sipveil_code note_tried(retrying *r, sipveil_span host)
{
    const sipveil_memory *memory = r->options->e2m.memory;
    const char *text = "this request was sent again for it once already";
    sv_buffer name;
    if (is_listed(r->options->tried, r->options->tried_count, host)) return not_granted(r, "E2M-34", NULL, text, host);
    if (memory == NULL) return SIPVEIL_OK;
    sv_buffer_init(&name, r->arena, 64, 1024);
    sv_put_str(&name, "e2m retry ");
    for (size_t i = 0; i < host.len; i++) sv_put_byte(&name, (uint8_t)sv_lower(host.data[i]));
    SV_TRY(sv_buffer_check(&name, SV_E2M, r->err));
    sipveil_code code = sv_store_add(sv_memory_store(memory), SV_STORE_SEEN, sv_sip_value(r->request, SV_F_CALL_ID),
                                     sv_buffer_span(&name), sv_span(NULL, 0), r->at, r->at + TRIED_LIFE, r->err);
    return code == SIPVEIL_REPLAY ? not_granted(r, "E2M-34", NULL, text, host) : code;
}

static const sipveil_e2m_hop *known_hop(const retrying *r, sipveil_span host)
{
    for (size_t i = 0; i < r->hop_count; i++) {
        if (sv_equal_nocase_str(host, r->hops[i].host)) return &r->hops[i];
    }
    return NULL;
}

static sipveil_code grant(retrying *r, const sipveil_e2m_need *need)
{
    X509 *certificate;
    bool user;
    bool view = ((unsigned)need->need & SIPVEIL_E2M_VIEW) != 0;
    if (!is_listed(r->options->may_view, r->options->may_view_count, need->host)) {
        return not_granted(r, "E2M-34", "--may-view HOST allows it", "it needs the body, and may not view it", need->host);
    }
    if (need->need == SIPVEIL_E2M_OTHER) return not_granted(r, "E2M-14", NULL, "it needs something unknown", need->host);
    if (view && !type_fits(r, need)) return not_granted(r, "E2M-34", NULL, "it needs a type that is not disclosed, or not there", need->host);
    if (((unsigned)need->need & SIPVEIL_E2M_VERIFY) != 0) r->must_sign = true;
    if (known_hop(r, need->host) != NULL) { /* it was sealed for that hop before */
        r->lost = !need->rekey;
        return note_tried(r, need->host);
    }
    if (r->hop_count == SIPVEIL_E2M_HOPS_MOST) return not_granted(r, "E2M-34", NULL, "too many hops", need->host);
    sipveil_e2m_hop *hop = &r->hops[r->hop_count];
    hop->host = sv_arena_string(r->arena, need->host);
    if (hop->host == NULL) return sv_no_memory(r->err, SV_E2M);
    SV_TRY(find_certificate(r, need->host, &certificate, &user));
    bool encrypts = r->options->e2m.seal.recipient_count > 0;
    if (certificate == NULL && (view || encrypts)) {
        return not_granted(r, user ? "E2M-36" : "E2M-34", NULL,
                           "no certificate for that host came with the response, and none is known", need->host);
    }
    if (certificate != NULL && encrypts) {
        SV_TRY(check_certificate(r, need, certificate));
        SV_TRY(make_key(r, certificate, &hop->key));
    }
    SV_TRY(note_tried(r, need->host));
    r->hop_count++;
    return SIPVEIL_OK;
}

static sipveil_code grant_all(retrying *r)
{
    sipveil_e2m_need needs[SIPVEIL_E2M_NEEDS_MOST];
    size_t count;
    SV_TRY(sv_needs_read(r->response, needs, SIPVEIL_E2M_NEEDS_MOST, &count, r->err));
    SV_TRY(read_certificates(r));
    if (count == 0) {
        bool user = false;
        X509 *none;
        SV_TRY(find_certificate(r, SV_SPAN("invalid"), &none, &user));
        sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, user ? "E2M-36" : "E2M-35", SIPVEIL_NO_OFFSET,
                     user ? "%u with a user's certificate and no need: the far end has another key"
                          : "%u without a need: nothing is sent again", r->response->status);
        return user ? sv_hint(r->err, SIPVEIL_POLICY, "look at its certificate before you encrypt to it") : SIPVEIL_POLICY;
    }
    if (count > HOSTS_MOST) {
        return sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "E2M-34", SIPVEIL_NO_OFFSET, "more than %d hosts need the body",
                            HOSTS_MOST);
    }
    for (size_t i = 0; i < count; i++) {
        if (needs[i].for_requests == r->request->is_request || needs[i].for_responses) SV_TRY(grant(r, &needs[i]));
    }
    return SIPVEIL_OK;
}

/* ---- the request again ---- */

typedef struct next_rows {
    bool fresh; /* another transaction of the same dialog or call */
    bool via_done;
    uint32_t cseq;
    sipveil_span method;
    char branch[40];
} next_rows;

static bool next_row(void *state, const sv_sip_field *field, sv_buffer *out)
{
    next_rows *n = state;
    if (!n->fresh) return false;
    if (field->id == SV_F_CSEQ) {
        sv_put(out, sv_span(field->line.data, (size_t)(field->value.data - field->line.data)));
        sv_put_number(out, n->cseq);
        sv_put_byte(out, ' ');
        sv_put(out, n->method);
        sv_put_str(out, "\r\n");
        return true;
    }
    size_t at, end;
    if (field->id != SV_F_VIA || n->via_done || !sv_find(field->line, SV_SPAN("branch="), &at)) return false;
    n->via_done = true;
    sipveil_span rest = sv_span_from(field->line, at + 7);
    for (end = 0; end < rest.len && sv_is_token(rest.data[end]); end++) {}
    sv_put(out, sv_span(field->line.data, at + 7));
    sv_put_str(out, n->branch);
    sv_put(out, sv_span_from(rest, end));
    return true;
}

static sipveil_code next_request(retrying *r, sv_crypto *crypto, sipveil_span *out)
{
    static const char hex[] = "0123456789abcdef";
    next_rows n = {.fresh = sv_equal(sv_sip_value(r->request, SV_F_CALL_ID), sv_sip_value(r->response, SV_F_CALL_ID)) &&
                            r->response->status / 100 != 2,
                   .branch = "z9hG4bK"};
    uint8_t random[12];
    sv_buffer rows, b;
    SV_TRY(sv_sip_read_cseq(sv_sip_value(r->request, SV_F_CSEQ), &n.cseq, &n.method, r->err));
    if (n.cseq >= (1U << 31) - 1) return sv_fail(r->err, SV_E2M, SIPVEIL_USAGE, "CSeq has no next number");
    n.cseq++;
    SV_TRY(sv_random(crypto, random, sizeof random, r->err));
    for (size_t i = 0; i < sizeof random; i++) {
        n.branch[7 + 2 * i] = hex[random[i] >> 4];
        n.branch[8 + 2 * i] = hex[random[i] & 15];
    }
    sv_buffer_init(&rows, r->arena, 512, r->limits->header);
    for (size_t i = 0; i < r->request->field_count; i++) {
        const sv_sip_field *field = &r->request->fields[i];
        if (sv_is_content_field(field->id, field->name) && field->id != SV_F_CONTENT_LENGTH) {
            sv_put_str(&rows, field->id == SV_F_OTHER ? "" : sv_field_info_of(field->id)->name);
            if (field->id == SV_F_OTHER) sv_put(&rows, field->name);
            sv_put_str(&rows, ": ");
            sv_put(&rows, field->value);
            sv_put_str(&rows, "\r\n");
        }
    }
    SV_TRY(sv_buffer_check(&rows, SV_E2M, r->err));
    sv_buffer_init(&b, r->arena, r->request->whole.len + 128, r->limits->message * 2);
    sv_rewrite rewrite = {.view = r->request, .row = next_row, .state = &n, .rows = sv_buffer_span(&rows),
                          .body = r->request->body};
    SV_TRY(sv_put_message(&rewrite, r->limits, &b, r->err));
    *out = sv_buffer_span(&b);
    return SIPVEIL_OK;
}

static sipveil_code read_both(retrying *r, sipveil_span request, sipveil_span response)
{
    r->request = sv_arena_alloc_raw(r->arena, sizeof *r->request);
    r->response = sv_arena_alloc_raw(r->arena, sizeof *r->response);
    if (r->request == NULL || r->response == NULL) return sv_no_memory(r->err, SV_E2M);
    SV_TRY(sv_sip_read(request, SV_SIP_DATAGRAM, r->limits, r->request, r->err));
    sipveil_code code = sv_sip_read(response, SV_SIP_DATAGRAM, r->limits, r->response, r->err);
    if (code != SIPVEIL_OK) {
        sv_fail_prefix(r->err, "response: ");
        return code;
    }
    if (!r->request->is_request || r->response->is_request) {
        return sv_fail(r->err, SV_E2M, SIPVEIL_USAGE, "a request and the response to it are needed");
    }
    bool probe = r->response->status / 100 == 2;
    uint32_t asked, answered;
    sipveil_span method, answered_method;
    SV_TRY(sv_sip_read_cseq(sv_sip_value(r->request, SV_F_CSEQ), &asked, &method, r->err));
    SV_TRY(sv_sip_read_cseq(sv_sip_value(r->response, SV_F_CSEQ), &answered, &answered_method, r->err));
    if (!probe && (!sv_equal(sv_sip_value(r->request, SV_F_CALL_ID), sv_sip_value(r->response, SV_F_CALL_ID)) ||
                   !sv_equal(method, answered_method))) {
        return sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "ADV-148", SIPVEIL_NO_OFFSET,
                            "the response answers another request");
    }
    return SIPVEIL_OK;
}

static sipveil_code retry(retrying *r, sipveil_worker *worker, sipveil_span request, sipveil_span response,
                          sipveil_sealed *out)
{
    sipveil_e2m_options e2m = r->options->e2m;
    sipveil_span again;
    SV_TRY(read_both(r, request, response));
    for (size_t i = 0; i < e2m.hop_count && i < SIPVEIL_E2M_HOPS_MOST; i++) r->hops[r->hop_count++] = e2m.hops[i];
    SV_TRY(grant_all(r));
    if (r->must_sign && e2m.seal.signer_count == 0) {
        sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "E2M-I2", SIPVEIL_NO_OFFSET,
                     "a hop needs a signed body, and there is nothing to sign with");
        return sv_hint(r->err, SIPVEIL_POLICY, "give a signer with --sign-with");
    }
    if (e2m.seal.recipient_count == 0 && e2m.seal.signer_count == 0) {
        sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "E2M-35", SIPVEIL_NO_OFFSET,
                     "nothing would be protected: it is not sent in clear because of a response");
        return sv_hint(r->err, SIPVEIL_POLICY, "encrypt with --to KEYREF, sign with --sign-with KEYREF");
    }
    e2m.hops = r->hops;
    e2m.hop_count = r->hop_count;
    e2m.reuse = NULL; /* a refusal ends the use of an earlier key: all recipients, a new key (CEK-09) */
    if (r->must_sign) e2m.act = (sipveil_e2m_act)((unsigned)e2m.act | SIPVEIL_E2M_VERIFY);
    if (e2m.form == SIPVEIL_E2M_PRIVATE) e2m.form = SIPVEIL_E2M_FORM_AUTO;
    SV_TRY(next_request(r, worker->crypto, &again));
    SV_TRY(sipveil_e2m_seal(worker, &e2m, again, out, r->err));
    sv_operation *op = &worker->operation;
    sv_report_check(op, "E2M-34", SIPVEIL_CHECK_PASSED, "%zu hops are shown the body", r->hop_count);
    if (r->lost) sv_report_warning(op, "E2M-34", "a label or a key entry was removed on the way: it was sealed for that hop before");
    sipveil_span warnings = sv_buffer_span(&op->warnings);
    out->warnings = (const sipveil_warning *)(const void *)warnings.data;
    out->warning_count = warnings.len / sizeof *out->warnings;
    return SIPVEIL_OK;
}

sipveil_code sipveil_e2m_retry(sipveil_worker *worker, const sipveil_e2m_retry_options *options, sipveil_span request,
                               sipveil_span response, sipveil_sealed *out, sipveil_error *err)
{
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || options == NULL || options->size != sizeof *options || out == NULL) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker, options (with their size) and a place are needed");
    }
    *out = (sipveil_sealed){0};
    sv_arena *arena = sv_arena_new(1 << 16, 4 * sipveil_context_limits(worker->context)->message + (1 << 20));
    if (arena == NULL) return sv_no_memory(err, SV_E2M);
    retrying r = {.options = options, .context = worker->context, .limits = sipveil_context_limits(worker->context),
                  .arena = arena, .err = err,
                  .at = options->has_at ? options->at : sv_now(worker->context)};
    sipveil_code code = retry(&r, worker, request, response, out);
    sv_arena_free(arena);
    if (code != SIPVEIL_OK) *out = (sipveil_sealed){0};
    return code;
}
