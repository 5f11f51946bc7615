/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates that come with a response: which one names a host, and whether it may be encrypted to. */
#include "e2m/retry.h"
#include "keys/certificate.h"
#include "keys/keyring.h"

sipveil_code sv_retry_add_certificate(sv_retry *r, sipveil_span der, size_t *index)
{
    *index = r->came.count;
    if (*index == r->came.most) return sv_fail(r->err, SV_E2M, SIPVEIL_LIMIT, "more than %zu certificates", r->came.most);
    return sv_answer_add_certificate(&r->came, der, r->err);
}

static sipveil_code read_entity(sv_retry *r, const sv_mime_entity *entity)
{
    sipveil_span parts[8];
    size_t count;
    SV_TRY(sv_answer_take_certificates(&r->came, entity, r->err));
    if (!sv_media_type_is(&entity->type, "multipart", "mixed")) return SIPVEIL_OK;
    SV_TRY(sv_mime_read_multipart(&entity->type, entity->content, r->limits, 0, parts, 8, &count, r->err));
    for (size_t i = 0; i < count; i++) {
        sv_mime_entity *part = sv_arena_alloc_raw(r->arena, sizeof *part);
        if (part == NULL) return sv_no_memory(r->err, SV_E2M);
        SV_TRY(sv_mime_read_entity(parts[i], r->limits, 0, part, r->err));
        SV_TRY(sv_answer_take_certificates(&r->came, part, r->err));
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
    *index = r->came.count;
    *user = false;
    for (size_t i = 0; i < r->came.count; i++) {
        SV_TRY(sv_certificate_read_names(r->came.items[i], r->arena, &names, r->err));
        if (names.aor_count > 0) *user = true;
        for (size_t k = 0; k < names.host_count && names.aor_count == 0 && *index == r->came.count; k++) {
            if (sv_equal_nocase(names.hosts[k], host)) *index = i;
        }
    }
    return SIPVEIL_OK;
}

/* Chain, time, usage; what came along helps to build the chain and is nothing else. */
sipveil_code sv_retry_check_certificate(sv_retry *r, const sipveil_e2m_need *need, X509 *certificate)
{
    uint8_t print[32];
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
    sipveil_code code = sv_answer_check_chain(&r->came, certificate, r->options->trust, r->at, r->err);
    if (code == SIPVEIL_OK) code = sv_answer_check_recipient(certificate, r->at, r->err);
    if (code == SIPVEIL_OK || code == SIPVEIL_INTERNAL) return code;
    sipveil_error why = *r->err;
    return sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "E2M-34", SIPVEIL_NO_OFFSET, "the certificate for %s: %s",
                        SV_QUOTE(need->host), why.text);
}

sipveil_code sv_retry_make_key(sv_retry *r, X509 *certificate, const sipveil_key **out)
{
    sipveil_key *key = NULL;
    SV_TRY(sv_answer_make_recipient(r->context, certificate, r->arena, &key, r->err));
    *out = key;
    return SIPVEIL_OK;
}
