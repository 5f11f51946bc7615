/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates that come with a response: which one names a host, and whether it may be encrypted to. */
#include "e2m/retry.h"
#include "keys/certificate.h"
#include "keys/chain.h"

sipveil_code sv_retry_add_certificate(sv_retry *r, sipveil_span der, size_t *index)
{
    *index = r->certificate_count;
    if (*index == SV_RETRY_CERTIFICATES_MOST) {
        return sv_fail(r->err, SV_E2M, SIPVEIL_LIMIT, "more than %d certificates", SV_RETRY_CERTIFICATES_MOST);
    }
    r->ders[*index] = der;
    SV_TRY(sv_certificate_load(r->context, der, r->arena, &r->certificates[*index], r->err));
    r->certificate_count++;
    return SIPVEIL_OK;
}

static sipveil_code read_certs_only(sv_retry *r, sipveil_span octets)
{
    size_t ignored;
    sv_cms_type type;
    sipveil_span content;
    sv_signed *s = sv_arena_alloc(r->arena, sizeof *s);
    sv_cms_policy policy = {0};
    if (s == NULL) return sv_no_memory(r->err, SV_E2M);
    SV_TRY(sv_cms_read_content_info(octets, r->limits, &type, &content, r->err));
    if (type != SV_CMS_SIGNED) return SIPVEIL_OK;
    SV_TRY(sv_cms_read_signed(content, r->limits, &policy, r->arena, s, r->err));
    for (size_t i = 0; i < s->certificate_count && r->certificate_count < SV_RETRY_CERTIFICATES_MOST; i++) {
        SV_TRY(sv_retry_add_certificate(r, s->certificates[i], &ignored));
    }
    return SIPVEIL_OK;
}

static sipveil_code read_entity(sv_retry *r, const sv_mime_entity *entity)
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

sipveil_code sv_retry_read_certificates(sv_retry *r)
{
    const sv_sip_view *v = r->response;
    sv_mime_entity *entity = sv_arena_alloc_raw(r->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(r->err, SV_E2M);
    if (v->body.len == 0) return SIPVEIL_OK;
    SV_TRY(sv_entity_of_body(v, r->limits, 0, entity, r->err));
    return read_entity(r, entity);
}

sipveil_code sv_retry_find_certificate(sv_retry *r, sipveil_span host, size_t *index, bool *user)
{
    sv_certificate_names names;
    *index = r->certificate_count;
    *user = false;
    for (size_t i = 0; i < r->certificate_count; i++) {
        SV_TRY(sv_certificate_read_names(r->certificates[i], r->arena, &names, r->err));
        if (names.aor_count > 0) *user = true;
        for (size_t k = 0; k < names.host_count && names.aor_count == 0 && *index == r->certificate_count; k++) {
            if (sv_equal_nocase(names.hosts[k], host)) *index = i;
        }
    }
    return SIPVEIL_OK;
}

/* Chain, time, usage; what came along helps to build the chain and is nothing else. */
sipveil_code sv_retry_check_certificate(sv_retry *r, const sipveil_e2m_need *need, X509 *certificate)
{
    uint8_t print[32];
    sv_chain_answer answer;
    size_t anchors = r->options->trust != NULL ? r->options->trust->anchor_count : 0;
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

sipveil_code sv_retry_make_key(sv_retry *r, X509 *certificate, const sipveil_key **out)
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
