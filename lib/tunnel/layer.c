/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of a message: one entity in, its node out, and its content in turn. Depth is bounded by the
 * MIME and CMS limits, so the recursion is too. */
#include "tunnel/operation.h"

static sipveil_code read_entity(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                sipveil_span octets, sv_depth depth);

/* Octets that hold a whole entity: from inside a layer, or one part of a multipart. */
static sipveil_code read_entity_octets(sv_operation *op, sv_node *parent, sipveil_span octets, sv_depth depth)
{
    sv_mime_entity *entity = sv_arena_alloc_raw(op->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_mime_read_entity(octets, op->limits, op->mime_flags, entity, op->err));
    return read_entity(op, parent, entity, octets, depth);
}

static bool stops_here(const sv_operation *op, sv_depth depth)
{
    return op->options->layers != 0 && depth.protective >= op->options->layers;
}

/* Encryption and signature count as CMS layers; compression has its own limit. */
static sipveil_code count_layer(sv_operation *op, sv_depth *depth)
{
    if (++depth->cms <= op->limits->cms_layers) return SIPVEIL_OK;
    return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_LIMIT, "ADV-056", SIPVEIL_NO_OFFSET,
                        "more than %zu CMS layers", op->limits->cms_layers);
}

/* ---- encrypted layers ---- */

/* Nothing signed a CBC layer: its content may have been altered unseen (ADV-064). */
static bool is_signed_inside(const sv_node *node)
{
    const sv_node *child = node->first_child;
    while (child != NULL && child->type == SV_NODE_COMPRESSED) child = child->first_child;
    return child != NULL && sv_node_is_signed(child) && child->verified;
}

static bool is_signed_outside(const sv_node *node)
{
    for (const sv_node *up = node->parent; up != NULL; up = up->parent) {
        if (sv_node_is_signed(up) && up->verified) return true;
        if (up->type == SV_NODE_MESSAGE_SIP) return false;
    }
    return false;
}

/* Garbage out of CBC shows itself only later: until a signature inside was verified, every failure is
 * the one of decryption (ADV-066). */
static sipveil_code settle_cbc(sv_operation *op, sv_node *node, sipveil_code code)
{
    if (code != SIPVEIL_OK && code != SIPVEIL_INTERNAL && code != SIPVEIL_LIMIT &&
        !is_signed_inside(node) && !is_signed_outside(node)) {
        sv_fail(op->err, SV_TUNNEL, SIPVEIL_CANNOT_DECRYPT,
                "a key fits, but the content cannot be decrypted: wrong key, or the message was altered");
        return sv_report_failure(op, node, SIPVEIL_CANNOT_DECRYPT);
    }
    if (code != SIPVEIL_OK) return code;
    if (is_signed_inside(node) || is_signed_outside(node)) return SIPVEIL_OK;
    if (op->options->allow_unauthenticated) {
        sv_report_check(op, "ADV-064", SIPVEIL_CHECK_NOT_DONE,
                        "%s encryption has no integrity and nothing signed it",
                        sipveil_cipher_name(node->enveloped->cipher));
        sv_report_warning(op, "ADV-064", "the content was only decrypted: nothing proves that it is unaltered");
        return SIPVEIL_OK;
    }
    sv_report_check(op, "ADV-064", SIPVEIL_CHECK_FAILED, "EnvelopedData without a signature");
    sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_POLICY, "ADV-064", SIPVEIL_NO_OFFSET,
                 "EnvelopedData (%s) that nothing signed has no integrity",
                 sipveil_cipher_name(node->enveloped->cipher));
    sv_hint(op->err, SIPVEIL_POLICY, "--allow-unauthenticated opens it anyway");
    return sv_report_failure(op, node, SIPVEIL_POLICY);
}

static sipveil_code not_for_us(sv_operation *op, const sv_node *node)
{
    if (op->no_key.code == SIPVEIL_OK) {
        op->no_key = *op->err;
        op->no_key_node = node;
    }
    sv_report_check(op, "TUN-11", SIPVEIL_CHECK_NOT_DONE, "an encrypted layer is for others");
    return SIPVEIL_OK;
}

static sipveil_code second_opinion(sv_operation *op, sv_node *node, sipveil_span content_info)
{
    bool done = false;
    char note[96] = "";
    if (!op->options->second_opinion) return SIPVEIL_OK;
    const sv_cms_key *keys;
    size_t count;
    keys = sv_keyring_cms_keys(op->options->keyring, &count);
    (void)count;
    sipveil_code code = sv_cms_second_opinion_open(op->crypto, content_info, &keys[node->opening.key],
                                                   node->opening.plaintext, &done, note, op->err);
    sv_report_check(op, "second-opinion",
                    code != SIPVEIL_OK ? SIPVEIL_CHECK_FAILED
                    : done             ? SIPVEIL_CHECK_PASSED
                                       : SIPVEIL_CHECK_NOT_DONE,
                    "%s: %s", node->type_name, done || code != SIPVEIL_OK ? "libcrypto's CMS" : note);
    return code;
}

static void note_opening(sv_operation *op, const sv_node *node)
{
    const sv_enveloped *e = node->enveloped;
    const sv_recipient *r = &e->recipients[node->opening.recipient];
    if (e->version_odd) {
        sv_report_warning(op, "CMS-01", "the version number of the %s contradicts its content", node->type_name);
    }
    if (r->weak) sv_report_warning(op, "ADV-084", "the key was transported with %s, which is weak", r->algorithm);
    if (e->authenticated && e->recipient_count > 1 && !is_signed_inside(node) && !is_signed_outside(node)) {
        sv_report_check(op, "CMS-12", SIPVEIL_CHECK_NOT_DONE,
                        "unsigned and shared: any of the %zu recipients could have written it",
                        e->recipient_count);
    }
}

static sipveil_code read_inflated(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                  sipveil_span compressed, sv_depth depth);

static sipveil_code read_opened_content(sv_operation *op, sv_node *node, sv_depth depth)
{
    const sv_enveloped *e = node->enveloped;
    sipveil_span plaintext = node->opening.plaintext;
    if (e->content_kind == SV_CMS_DATA) return read_entity_octets(op, node, plaintext, depth);
    if (e->content_kind == SV_CMS_COMPRESSED) return read_inflated(op, node, node->entity, plaintext, depth);
    return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "TUN-77", SIPVEIL_NO_OFFSET,
                        "the encrypted content is of another type than data and compressed data");
}

static sipveil_code read_enveloped(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                   sipveil_span octets, sipveil_span content_info, sipveil_span content,
                                   bool authenticated, sv_depth depth)
{
    sv_node *node = sv_node_add(op, parent, authenticated ? SV_NODE_AUTH_ENVELOPED : SV_NODE_ENVELOPED,
                                entity, octets);
    sv_enveloped *e = sv_arena_alloc(op->arena, sizeof *e);
    if (node == NULL || e == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(count_layer(op, &depth));
    SV_TRY(sv_cms_read_enveloped(content, authenticated, op->limits, &op->policy, op->arena, e, op->err));
    node->enveloped = e;
    if (stops_here(op, depth)) return SIPVEIL_OK;
    op->met_encrypted = true;

    size_t key_count = 0;
    const sv_cms_key *keys = sv_keyring_cms_keys(op->options->keyring, &key_count);
    sipveil_code code = sv_cms_open_enveloped(op->crypto, e, keys, key_count, &op->policy, &op->iterations,
                                              op->arena, &node->opening, op->err);
    if (code == SIPVEIL_NO_KEY) return not_for_us(op, node);
    op->secret_used = true;
    if (code != SIPVEIL_OK) return sv_report_failure(op, node, code);
    node->opened = true;
    op->opened_encrypted = true;
    SV_TRY(sv_report_failure(op, node, second_opinion(op, node, content_info)));
    depth.protective++;
    code = read_opened_content(op, node, depth);
    note_opening(op, node);
    return authenticated ? code : settle_cbc(op, node, code);
}

/* ---- compressed layers ---- */

/* entity: that of the compressed data, or of the layer whose content it is directly (TUN-77). */
static sipveil_code read_inflated(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                  sipveil_span compressed, sv_depth depth)
{
    sipveil_span content;
    sv_cms_type kind;
    sv_node *node = sv_node_add(op, parent, SV_NODE_COMPRESSED, entity, compressed);
    if (node == NULL) return SIPVEIL_INTERNAL;
    if (++depth.compressed > op->limits->compression_layers) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_LIMIT, "ADV-130", SIPVEIL_NO_OFFSET,
                            "more than %zu compressed layers", op->limits->compression_layers);
    }
    SV_TRY(sv_cms_decompress(compressed, op->limits, op->arena, &content, &kind, &node->size, op->err));
    node->expanded = content.len;
    if (kind != SV_CMS_DATA) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "TUN-77", SIPVEIL_NO_OFFSET,
                            "the compressed content is of another type than data");
    }
    return read_entity_octets(op, node, content, depth);
}

/* ---- signed layers ---- */

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
                        "signature %zu: %s", i + 1,
                        one->state == SV_SIGNATURE_VALID ? one->algorithm : one->why);
        if (one->weak && one->state == SV_SIGNATURE_VALID) {
            sv_report_warning(op, "ADV-115", "signature %zu is weak (%s, %s) and was allowed by name", i + 1,
                              one->algorithm, one->digest);
        }
        if (one->state == SV_SIGNATURE_VALID || !node->verified) continue;
        node->verified = false;
        sv_fail_rule(op->err, SV_TUNNEL, one->code, one->rule, SIPVEIL_NO_OFFSET, "%s", one->why);
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
    SV_TRY(read_entity_octets(op, node, content, depth));
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
    sv_report_check(op, "TUN-62a", SIPVEIL_CHECK_NOT_DONE, "a signature beyond the last layer asked for");
    return SIPVEIL_OK;
}

static sipveil_code read_signed_data(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                     sipveil_span octets, sipveil_span content_info, sipveil_span content,
                                     sv_depth depth)
{
    sv_signed *s = sv_arena_alloc(op->arena, sizeof *s);
    if (s == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_cms_read_signed(content, op->limits, &op->policy, op->arena, s, op->err));
    bool certs_only = s->signer_count == 0 && !s->has_content && s->certificate_count > 0;
    sv_node *node = sv_node_add(op, parent, certs_only ? SV_NODE_CERTS_ONLY : SV_NODE_SIGNED_DATA, entity,
                                octets);
    if (node == NULL) return SIPVEIL_INTERNAL;
    node->signed_data = s;
    if (certs_only) return SIPVEIL_OK;
    SV_TRY(count_layer(op, &depth));
    if (s->signer_count == 0) {
        return refuse_signed(op, node, SIPVEIL_NOT_SIGNED, "ADV-112", "signed data without any signer");
    }
    if (!s->has_content) {
        return refuse_signed(op, node, SIPVEIL_BAD_SIGNATURE, "ADV-112",
                             "signed data without its content, and no multipart/signed around it");
    }
    if (stops_here(op, depth)) return leave_signed(op, node);
    SV_TRY(check_signatures(op, node, s->content, content_info, sv_span(NULL, 0)));
    if (!node->verified && op->inspecting && s->content_kind != SV_CMS_DATA) return SIPVEIL_OK;
    if (s->content_kind != SV_CMS_DATA) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "TUN-61", SIPVEIL_NO_OFFSET,
                            "the signed content is of another type than data");
    }
    return read_signed_content(op, node, s->content, depth);
}

static bool is_pkcs7(const sv_media_type *type, const char *kind)
{
    char legacy[40] = "x-";
    for (size_t i = 0; i < sizeof legacy - 3 && kind[i] != '\0'; i++) legacy[2 + i] = kind[i];
    return sv_media_type_is(type, "application", kind) || sv_media_type_is(type, "application", legacy);
}

static bool protocol_is_cms(sipveil_span protocol)
{
    return sv_equal_nocase_str(protocol, "application/pkcs7-signature") ||
           sv_equal_nocase_str(protocol, "application/x-pkcs7-signature");
}

static sipveil_code read_multipart_signed(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                          sipveil_span octets, sv_depth depth)
{
    sipveil_span parts[3], protocol, signature, content, micalg;
    size_t count = 0;
    sv_cms_type type;
    sv_node *node = sv_node_add(op, parent, SV_NODE_MULTIPART_SIGNED, entity, octets);
    sv_signed *s = sv_arena_alloc(op->arena, sizeof *s);
    sv_mime_entity *second = sv_arena_alloc_raw(op->arena, sizeof *second);
    if (node == NULL || s == NULL || second == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(count_layer(op, &depth));
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
    if (!is_pkcs7(&second->type, "pkcs7-signature")) {
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
    if (stops_here(op, depth)) return leave_signed(op, node);
    SV_TRY(check_signatures(op, node, parts[0], signature, parts[0]));
    return read_signed_content(op, node, parts[0], depth);
}

/* ---- CMS by its ContentInfo ---- */

static const char *smime_type_of(sv_cms_type type)
{
    switch (type) {
    case SV_CMS_ENVELOPED: return "enveloped-data";
    case SV_CMS_AUTH_ENVELOPED: return "authEnveloped-data";
    case SV_CMS_SIGNED: return "signed-data";
    case SV_CMS_COMPRESSED: return "compressed-data";
    default: return "";
    }
}

/* The label is a hint, the OID decides (TUN-60); RFC 8591 spells one of them differently. */
static sipveil_code check_label(sv_operation *op, const sv_mime_entity *entity, sv_cms_type type)
{
    sipveil_span label;
    if (!sv_media_type_parameter(&entity->type, "smime-type", &label)) return SIPVEIL_OK;
    if (sv_equal_nocase_str(label, smime_type_of(type))) return SIPVEIL_OK;
    if (type == SV_CMS_AUTH_ENVELOPED && sv_equal_nocase_str(label, "auth-enveloped-data")) return SIPVEIL_OK;
    if (type == SV_CMS_SIGNED && sv_equal_nocase_str(label, "certs-only")) return SIPVEIL_OK;
    if (op->options->strict) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "TUN-60", SIPVEIL_NO_OFFSET,
                            "smime-type \"%s\" holds %s", SV_QUOTE(label), smime_type_of(type));
    }
    sv_report_warning(op, "TUN-60", "smime-type \"%s\" holds %s", SV_QUOTE(label), smime_type_of(type));
    return SIPVEIL_OK;
}

static sipveil_code read_cms(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                             sipveil_span octets, sv_depth depth)
{
    sipveil_span content_info, content;
    sv_cms_type type;
    SV_TRY(sv_mime_decoded_content(entity, op->arena, &content_info, op->err));
    SV_TRY(sv_cms_read_content_info(content_info, op->limits, &type, &content, op->err));
    SV_TRY(check_label(op, entity, type));
    switch (type) {
    case SV_CMS_ENVELOPED:
    case SV_CMS_AUTH_ENVELOPED:
        return read_enveloped(op, parent, entity, octets, content_info, content,
                              type == SV_CMS_AUTH_ENVELOPED, depth);
    case SV_CMS_SIGNED:
        return read_signed_data(op, parent, entity, octets, content_info, content, depth);
    case SV_CMS_COMPRESSED:
        return read_inflated(op, parent, entity, content, depth);
    default:
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "ADV-054", SIPVEIL_NO_OFFSET,
                            "a CMS content type that is not handled");
    }
}

/* ---- messages and fragments ---- */

static sipveil_code read_inner_message(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                       sipveil_span octets, sv_depth depth)
{
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    sv_node *node = sv_node_add(op, parent, SV_NODE_MESSAGE_SIP, entity, octets);
    sipveil_span content;
    if (view == NULL || node == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_mime_decoded_content(entity, op->arena, &content, op->err));
    SV_TRY(sv_sip_read_inner(content, op->limits, view, op->err));
    node->view = view;
    SV_TRY(sv_report_failure(op, node, sv_judge_inner(op, node)));
    return sv_read_body(op, node, depth);
}

static sipveil_code read_fragment(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                  sipveil_span octets)
{
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    sv_node *node = sv_node_add(op, parent, SV_NODE_SIPFRAG, entity, octets);
    sipveil_span content;
    if (view == NULL || node == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_mime_decoded_content(entity, op->arena, &content, op->err));
    SV_TRY(sv_sip_read_fragment(content, op->limits, view, op->err));
    node->view = view;
    return sv_report_failure(op, node, sv_judge_fragment(op, node));
}

/* ---- dispatch ---- */

static sipveil_code read_parts(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                               sipveil_span octets, sv_depth depth)
{
    size_t count = 0;
    sv_node *node = sv_node_add(op, parent, SV_NODE_MULTIPART, entity, octets);
    sipveil_span *parts = sv_arena_alloc_array(op->arena, op->limits->parts, sizeof *parts);
    if (node == NULL || parts == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_mime_read_multipart(&entity->type, entity->content, op->limits, op->mime_flags, parts,
                                  op->limits->parts, &count, op->err));
    op->parts += count;
    if (op->parts > op->limits->parts_total) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_LIMIT, "ADV-036", SIPVEIL_NO_OFFSET,
                            "more than %zu parts in the message", op->limits->parts_total);
    }
    for (size_t i = 0; i < count; i++) {
        sipveil_code code = read_entity_octets(op, node, parts[i], depth);
        SV_TRY(sv_report_failure(op, node->last_child != NULL ? node->last_child : node, code));
    }
    return SIPVEIL_OK;
}

static sipveil_code read_entity(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                sipveil_span octets, sv_depth depth)
{
    const sv_media_type *type = &entity->type;
    if (++depth.mime > op->limits->mime_depth) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_LIMIT, "ADV-036", SIPVEIL_NO_OFFSET,
                            "MIME entities nested deeper than %zu", op->limits->mime_depth);
    }
    if (sv_media_type_is(type, "multipart", "signed")) {
        return read_multipart_signed(op, parent, entity, octets, depth);
    }
    if (is_pkcs7(type, "pkcs7-mime")) return read_cms(op, parent, entity, octets, depth);
    if (sv_equal_nocase_str(type->type, "multipart")) return read_parts(op, parent, entity, octets, depth);
    if (sv_media_type_is(type, "message", "sip")) return read_inner_message(op, parent, entity, octets, depth);
    if (sv_media_type_is(type, "message", "sipfrag")) return read_fragment(op, parent, entity, octets);
    if (sv_media_type_is(type, "message", "external-body") || sv_media_type_is(type, "message", "partial")) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "ADV-044", SIPVEIL_NO_OFFSET,
                            "message/%s is not handled: nothing is fetched or put together",
                            SV_QUOTE(type->subtype));
    }
    return sv_node_add(op, parent, SV_NODE_LEAF, entity, octets) != NULL ? SIPVEIL_OK : SIPVEIL_INTERNAL;
}

sipveil_code sv_read_body(sv_operation *op, sv_node *sip_node, sv_depth depth)
{
    const sv_sip_view *view = sip_node->view;
    if (view->body.len == 0) return SIPVEIL_OK;
    sv_mime_entity *entity = sv_arena_alloc_raw(op->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_mime_entity_of_body(sv_sip_value(view, SV_F_CONTENT_TYPE),
                                  sv_sip_value(view, SV_F_CONTENT_TRANSFER_ENCODING),
                                  sv_sip_value(view, SV_F_CONTENT_DISPOSITION),
                                  sv_sip_value(view, SV_F_CONTENT_ID), view->body, op->limits,
                                  op->mime_flags, entity, op->err));
    return read_entity(op, sip_node, entity, view->body, depth);
}
