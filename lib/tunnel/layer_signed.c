/* SPDX-License-Identifier: BSD-2-Clause */
/* Signed layers, detached and opaque: every signature first, then what it covers. */
#include "tunnel/layer.h"

static sipveil_code check_signatures(sv_operation *op, sv_node *node, sipveil_span covered,
                                     sipveil_span content_info, sipveil_span detached)
{
    size_t known_count = 0;
    X509 *const *known = sv_keyring_known_certificates(op->options->keyring, &known_count);
    const sv_signed *s = node->signed_data;
    SV_TRY(sv_cms_check_signatures(op->crypto, s, covered, known, known_count, &op->policy, op->arena,
                                   &node->signatures, &node->certificates, op->err));
    if (s->version_odd) {
        sv_report_warning(op, "CMS-01", "the version number of the signed data contradicts its content");
    }
    node->verified = true;
    for (size_t i = 0; i < s->signer_count; i++) {
        const sv_signature *one = &node->signatures[i];
        sv_report_check(op, one->state == SV_SIGNATURE_VALID ? "TUN-62" : one->rule,
                        one->state == SV_SIGNATURE_VALID     ? SIPVEIL_CHECK_PASSED
                        : one->state == SV_SIGNATURE_INVALID ? SIPVEIL_CHECK_FAILED
                                                             : SIPVEIL_CHECK_NOT_DONE,
                        "signature %zu %s: %s", i + 1, one->state == SV_SIGNATURE_VALID ? "is valid" : "is not proven",
                        one->state == SV_SIGNATURE_VALID ? one->algorithm : one->why);
        if (one->weak && one->state == SV_SIGNATURE_VALID) {
            sv_report_warning(op, "ADV-115", "signature %zu is weak (%s, %s) and was allowed by name", i + 1,
                              one->algorithm, one->digest);
        }
        if (one->state == SV_SIGNATURE_VALID || !node->verified) continue;
        node->verified = false;
        sv_fail_rule(op->err, SV_TUNNEL, one->code, one->rule, SIPVEIL_NO_OFFSET, "%s", one->why);
        bool sha1 = one->digest != NULL && sv_equal_str(sv_span_str(one->digest), "sha1");
        if (sha1 && sv_equal_str(sv_span_str(one->rule), "ADV-115")) sv_hint(op->err, one->code, "--allow-weak sha1 reads it");
        if (one->code == SIPVEIL_UNTRUSTED_SIGNER) {
            sv_hint(op->err, one->code, "give the signer's certificate with --cert");
        }
    }
    if (!node->verified) return sv_report_failure(op, node, op->err->code);
    if (op->options->second_opinion) {
        bool done = false;
        char note[96] = "";
        sipveil_code code = sv_cms_second_opinion_verify(op->crypto, content_info, detached, node->signatures,
                                                         s->signer_count, &done, note, op->err);
        sv_report_check(op, "second-opinion",
                        code != SIPVEIL_OK ? SIPVEIL_CHECK_FAILED
                        : done             ? SIPVEIL_CHECK_PASSED
                                           : SIPVEIL_CHECK_NOT_DONE,
                        "%s: %s", node->type_name, done || code != SIPVEIL_OK ? "libcrypto's CMS" : note);
        SV_TRY(sv_report_failure(op, node, code));
    }
    return SIPVEIL_OK;
}

static sipveil_code refuse_signed(sv_operation *op, const sv_node *node, sipveil_code code, const char *rule,
                                  const char *text)
{
    sv_report_check(op, rule, SIPVEIL_CHECK_FAILED, "%s", text);
    sv_fail_rule(op->err, SV_TUNNEL, code, rule, SIPVEIL_NO_OFFSET, "%s", text);
    return sv_report_failure(op, node, code);
}

/* The signed octets once their signature is known; a signature accepted without signed attributes
 * covers a MIME entity or nothing, never DER (CMS-02). */
static sipveil_code read_signed_content(sv_operation *op, sv_node *node, sipveil_span content, sv_depth depth)
{
    depth.protective++;
    SV_TRY(sv_read_entity_octets(op, node, content, depth));
    return sv_judge_signers(op, node);
}

/* Signed and read, but not to be checked here (--layers): what is inside stays as it is. */
static sipveil_code leave_signed(sv_operation *op, sv_node *node)
{
    node->signatures = sv_arena_alloc_array(op->arena, node->signed_data->signer_count + 1,
                                            sizeof *node->signatures);
    if (node->signatures == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    for (size_t i = 0; i < node->signed_data->signer_count; i++) {
        node->signatures[i].state = SV_SIGNATURE_UNCHECKED;
    }
    sv_report_check(op, "TUN-62a", SIPVEIL_CHECK_NOT_DONE, "a signature deeper than the last layer asked for");
    return SIPVEIL_OK;
}

sipveil_code sv_read_signed_data(sv_operation *op, sv_node *parent, const sv_carried *cms, sv_depth depth)
{
    sv_signed *s = sv_arena_alloc(op->arena, sizeof *s);
    if (s == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_cms_read_signed(cms->content, op->limits, &op->policy, op->arena, s, op->err));
    /* NSS writes an empty content where RFC 8551 3.8 has none. */
    bool certs_only = s->signer_count == 0 && s->content.len == 0 && s->certificate_count > 0;
    sv_node *node = sv_node_add(op, parent, certs_only ? SV_NODE_CERTS_ONLY : SV_NODE_SIGNED_DATA, cms->entity,
                                cms->octets);
    if (node == NULL) return SIPVEIL_INTERNAL;
    node->signed_data = s;
    if (certs_only && !sv_has_label(cms->entity, "signed-data")) return SIPVEIL_OK;
    if (!certs_only && sv_has_label(cms->entity, "certs-only")) {
        SV_TRY(sv_wrong_label(op, SV_SPAN("certs-only"), "signed-data"));
    }
    SV_TRY(sv_count_layer(op, &depth));
    if (s->signer_count == 0) {
        return refuse_signed(op, node, SIPVEIL_NOT_SIGNED, "ADV-112", "signed data without any signer");
    }
    if (!s->has_content) {
        return refuse_signed(op, node, SIPVEIL_BAD_SIGNATURE, "ADV-112",
                             "signed data without its content, and no multipart/signed around it");
    }
    if (sv_stops_here(op, depth)) return leave_signed(op, node);
    SV_TRY(check_signatures(op, node, s->content, cms->content_info, sv_span(NULL, 0)));
    if (!node->verified && op->inspecting && s->content_kind != SV_CMS_DATA) return SIPVEIL_OK;
    if (s->content_kind != SV_CMS_DATA) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "TUN-61", SIPVEIL_NO_OFFSET,
                            "the signed content is of another type than data");
    }
    return read_signed_content(op, node, s->content, depth);
}

static bool protocol_is_cms(sipveil_span protocol)
{
    return sv_equal_nocase_str(protocol, "application/pkcs7-signature") ||
           sv_equal_nocase_str(protocol, "application/x-pkcs7-signature");
}

sipveil_code sv_read_multipart_signed(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                      sipveil_span octets, sv_depth depth)
{
    sipveil_span parts[3], protocol, signature, content, micalg;
    size_t count = 0;
    sv_cms_type type;
    sv_node *node = sv_node_add(op, parent, SV_NODE_MULTIPART_SIGNED, entity, octets);
    sv_signed *s = sv_arena_alloc(op->arena, sizeof *s);
    sv_mime_entity *second = sv_arena_alloc_raw(op->arena, sizeof *second);
    if (node == NULL || s == NULL || second == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_count_layer(op, &depth));
    sipveil_code code = sv_mime_read_multipart(&entity->type, entity->content, op->limits, op->mime_flags,
                                               parts, 3, &count, op->err);
    if (code != SIPVEIL_OK && code != SIPVEIL_LIMIT) return code;
    if (code == SIPVEIL_LIMIT || count != 2) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_MALFORMED, "TUN-20", SIPVEIL_NO_OFFSET,
                            "multipart/signed must have exactly 2 parts");
    }
    if (!sv_media_type_parameter(&entity->type, "protocol", &protocol) || !protocol_is_cms(protocol)) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_MALFORMED, "TUN-20", SIPVEIL_NO_OFFSET,
                            "multipart/signed with another protocol than application/pkcs7-signature");
    }
    SV_TRY(sv_mime_read_entity(parts[1], op->limits, op->mime_flags, second, op->err));
    if (!sv_is_pkcs7(&second->type, "pkcs7-signature")) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_MALFORMED, "ADV-040", SIPVEIL_NO_OFFSET,
                            "the second part of multipart/signed is no application/pkcs7-signature");
    }
    SV_TRY(sv_mime_decoded_content(second, op->arena, &signature, op->err));
    SV_TRY(sv_cms_read_content_info(signature, op->limits, &type, &content, op->err));
    if (type != SV_CMS_SIGNED) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "ADV-043", SIPVEIL_NO_OFFSET,
                            "the signature part holds no SignedData");
    }
    SV_TRY(sv_cms_read_signed(content, op->limits, &op->policy, op->arena, s, op->err));
    node->signed_data = s;
    if (!sv_media_type_parameter(&entity->type, "micalg", &micalg)) {
        sv_report_warning(op, "TUN-62", "multipart/signed without micalg");
    }
    if (s->has_content) {
        return refuse_signed(op, node, SIPVEIL_BAD_SIGNATURE, "ADV-113",
                             "a detached signature that carries content of its own");
    }
    if (s->signer_count == 0) {
        return refuse_signed(op, node, SIPVEIL_NOT_SIGNED, "ADV-112", "a signature without any signer");
    }
    if (sv_stops_here(op, depth)) return leave_signed(op, node);
    SV_TRY(check_signatures(op, node, parts[0], signature, parts[0]));
    return read_signed_content(op, node, parts[0], depth);
}
