/* SPDX-License-Identifier: BSD-2-Clause */
#include "tunnel/answer_certificates.h"

#include "keys/certificate.h"
#include "keys/chain.h"

sipveil_code sv_answer_add_certificate(sv_answer_certificates *set, sipveil_span der, sipveil_error *err)
{
    if (set->count == set->most) return SIPVEIL_OK;
    SV_TRY(sv_certificate_load(set->context, der, set->arena, &set->items[set->count], err));
    set->ders[set->count++] = der;
    return SIPVEIL_OK;
}

sipveil_code sv_answer_take_certificates(sv_answer_certificates *set, const sv_mime_entity *entity, sipveil_error *err)
{
    sv_cms_type type;
    sipveil_span octets, content;
    sv_cms_policy policy = {0};
    if (!sv_media_type_is(&entity->type, "application", "pkcs7-mime")) return SIPVEIL_OK;
    sv_signed *s = sv_arena_alloc(set->arena, sizeof *s);
    if (s == NULL) return sv_no_memory(err, SV_TUNNEL);
    SV_TRY(sv_mime_decoded_content(entity, set->arena, &octets, err));
    SV_TRY(sv_cms_read_content_info(octets, set->limits, &type, &content, err));
    if (type != SV_CMS_SIGNED) return SIPVEIL_OK;
    SV_TRY(sv_cms_read_signed(content, set->limits, &policy, set->arena, s, err));
    for (size_t i = 0; i < s->certificate_count; i++) SV_TRY(sv_answer_add_certificate(set, s->certificates[i], err));
    return SIPVEIL_OK;
}

sipveil_code sv_answer_check_chain(const sv_answer_certificates *set, X509 *certificate, const sipveil_keyring *ring,
                                   int64_t at, sipveil_error *err)
{
    sv_chain_answer answer;
    STACK_OF(X509) *others = sk_X509_new_null();
    if (others == NULL) return sv_no_memory(err, SV_TUNNEL);
    bool pushed = true;
    for (size_t i = 0; i < set->count; i++) pushed = pushed && sk_X509_push(others, set->items[i]) > 0;
    sv_chain_question question = {.certificate = certificate, .untrusted = others, .at = at, .limits = set->limits};
    sipveil_code code = pushed ? sv_chain_check(ring, &question, set->arena, &answer, err) : sv_no_memory(err, SV_TUNNEL);
    sk_X509_free(others);
    return code;
}

sipveil_code sv_answer_check_recipient(X509 *certificate, int64_t at, sipveil_error *err)
{
    SV_TRY(sv_certificate_check_usage(certificate, SV_USE_ENCRYPT, err));
    return sv_certificate_check_time(certificate, at, err);
}

sipveil_code sv_answer_make_recipient(const sipveil_context *context, X509 *certificate, sv_arena *arena,
                                      sipveil_key **out, sipveil_error *err)
{
    sipveil_key *key = sv_arena_alloc(arena, sizeof *key);
    if (key == NULL) return sv_no_memory(err, SV_TUNNEL);
    const char *label = sv_certificate_label(certificate, arena);
    key->kind = SIPVEIL_KEY_CERTIFICATE;
    key->description = label != NULL ? sv_arena_string(arena, sv_span_str(label)) : NULL;
    if (key->description == NULL) return sv_no_memory(err, SV_TUNNEL);
    *out = key;
    return sv_certificate_view(context, certificate, arena, &key->cms, err);
}
