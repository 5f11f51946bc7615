/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of a message: one entity in, its node out, and its content in turn. Depth is bounded by the
 * MIME and CMS limits, so the recursion is too. */
#include "tunnel/layer.h"

static sipveil_code read_entity(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                sipveil_span octets, sv_depth depth);

sipveil_code sv_read_entity_octets(sv_operation *op, sv_node *parent, sipveil_span octets, sv_depth depth)
{
    sv_mime_entity *entity = sv_arena_alloc_raw(op->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_mime_read_entity(octets, op->limits, op->mime_flags, entity, op->err));
    sv_arena_trim(op->arena, entity, sizeof *entity, sv_mime_entity_size(entity));
    return read_entity(op, parent, entity, octets, depth);
}

bool sv_stops_here(const sv_operation *op, sv_depth depth)
{
    return op->options->layers != 0 && depth.protective >= op->options->layers;
}

sipveil_code sv_count_layer(sv_operation *op, sv_depth *depth)
{
    if (++depth->cms <= op->limits->cms_layers) return SIPVEIL_OK;
    return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_LIMIT, "ADV-056", SIPVEIL_NO_OFFSET,
                        "more than %zu CMS layers", op->limits->cms_layers);
}

/* ---- compressed layers ---- */

sipveil_code sv_read_inflated(sv_operation *op, sv_node *parent, const sv_mime_entity *entity, sipveil_span octets,
                              sipveil_span compressed, sv_depth depth)
{
    sipveil_span content;
    sv_cms_type kind;
    sv_node *node = sv_node_add(op, parent, SV_NODE_COMPRESSED, entity, octets);
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
    return sv_read_entity_octets(op, node, content, depth);
}

/* ---- CMS by its ContentInfo ---- */

sipveil_code sv_wrong_label(sv_operation *op, sipveil_span label, const char *holds)
{
    if (op->options->strict) {
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "TUN-60", SIPVEIL_NO_OFFSET,
                            "smime-type \"%s\" holds %s", SV_QUOTE(label), holds);
    }
    sv_report_warning(op, "TUN-60", "smime-type \"%s\" holds %s", SV_QUOTE(label), holds);
    return SIPVEIL_OK;
}

bool sv_is_pkcs7(const sv_media_type *type, const char *kind)
{
    sipveil_span subtype = type->subtype;
    if (sv_starts_nocase_str(subtype, "x-")) subtype = sv_span_from(subtype, 2); /* of old */
    return sv_equal_nocase_str(type->type, "application") && sv_equal_nocase_str(subtype, kind);
}

bool sv_has_label(const sv_mime_entity *entity, const char *label)
{
    sipveil_span value;
    return sv_media_type_parameter(&entity->type, "smime-type", &value) && sv_equal_nocase_str(value, label);
}

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

/* The label is a hint, the OID decides (TUN-60); RFC 8591 spells one of them differently. Whether signed
 * data is certificates only shows when it is read. */
static sipveil_code check_label(sv_operation *op, const sv_carried *cms)
{
    sipveil_span label;
    if (!sv_media_type_parameter(&cms->entity->type, "smime-type", &label) ||
        sv_equal_nocase_str(label, smime_type_of(cms->type)) ||
        (cms->type == SV_CMS_AUTH_ENVELOPED && sv_equal_nocase_str(label, "auth-enveloped-data")) ||
        (cms->type == SV_CMS_SIGNED && sv_equal_nocase_str(label, "certs-only"))) {
        return SIPVEIL_OK;
    }
    return sv_wrong_label(op, label, smime_type_of(cms->type));
}

static sipveil_code read_cms(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                             sipveil_span octets, sv_depth depth)
{
    sv_carried cms = {.entity = entity, .octets = octets};
    SV_TRY(sv_mime_decoded_content(entity, op->arena, &cms.content_info, op->err));
    SV_TRY(sv_cms_read_content_info(cms.content_info, op->limits, &cms.type, &cms.content, op->err));
    SV_TRY(check_label(op, &cms));
    switch (cms.type) {
    case SV_CMS_ENVELOPED:
    case SV_CMS_AUTH_ENVELOPED: return sv_read_enveloped(op, parent, &cms, depth);
    case SV_CMS_SIGNED: return sv_read_signed_data(op, parent, &cms, depth);
    case SV_CMS_COMPRESSED: return sv_read_inflated(op, parent, entity, octets, cms.content, depth);
    default:
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "ADV-054", SIPVEIL_NO_OFFSET,
                            "a CMS content type that is not handled: no kind of encrypted, signed or compressed data");
    }
}

/* ---- messages and fragments ---- */

static sipveil_code read_inner_message(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                       sipveil_span octets, sv_depth depth)
{
    sv_node *node = sv_node_add(op, parent, SV_NODE_MESSAGE_SIP, entity, octets);
    sipveil_span content;
    if (node == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_mime_decoded_content(entity, op->arena, &content, op->err));
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_sip_read_inner_of(content, sv_node_carrier(node)->view, op->limits, view, op->err));
    sv_arena_trim(op->arena, view, sizeof *view, sv_sip_view_size(view));
    node->view = view;
    SV_TRY(sv_report_failure(op, node, sv_judge_inner(op, node)));
    return sv_read_body(op, node, depth);
}

static sipveil_code read_fragment(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                  sipveil_span octets)
{
    sv_node *node = sv_node_add(op, parent, SV_NODE_SIPFRAG, entity, octets);
    sipveil_span content;
    if (node == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_mime_decoded_content(entity, op->arena, &content, op->err));
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_sip_read_fragment(content, op->limits, view, op->err));
    sv_arena_trim(op->arena, view, sizeof *view, sv_sip_view_size(view));
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
        sipveil_code code = sv_read_entity_octets(op, node, parts[i], depth);
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
        return sv_read_multipart_signed(op, parent, entity, octets, depth);
    }
    if (sv_is_pkcs7(type, "pkcs7-mime")) return read_cms(op, parent, entity, octets, depth);
    if (sv_equal_nocase_str(type->type, "multipart")) return read_parts(op, parent, entity, octets, depth);
    if (sv_media_type_is(type, "message", "sip")) return read_inner_message(op, parent, entity, octets, depth);
    if (sv_media_type_is(type, "message", "sipfrag")) return read_fragment(op, parent, entity, octets);
    bool elsewhere = sv_media_type_is(type, "message", "external-body") || sv_media_type_is(type, "message", "partial");
    if (elsewhere && !entity->handling_optional) { /* optional parts are passed over (TUN-63) */
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "ADV-044", SIPVEIL_NO_OFFSET,
                            "message/%s is not handled: nothing is fetched or put together",
                            SV_QUOTE(type->subtype));
    }
    return sv_node_add(op, parent, SV_NODE_LEAF, entity, octets) != NULL ? SIPVEIL_OK : SIPVEIL_INTERNAL;
}

sipveil_code sv_entity_of_body(const sv_sip_view *view, const sipveil_limits *limits, unsigned flags,
                               sv_mime_entity *entity, sipveil_error *err)
{
    return sv_mime_entity_of_body(sv_sip_value(view, SV_F_CONTENT_TYPE),
                                  sv_sip_value(view, SV_F_CONTENT_TRANSFER_ENCODING),
                                  sv_sip_value(view, SV_F_CONTENT_DISPOSITION),
                                  sv_sip_value(view, SV_F_CONTENT_ID), view->body, limits, flags, entity, err);
}

sipveil_code sv_read_body(sv_operation *op, sv_node *sip_node, sv_depth depth)
{
    const sv_sip_view *view = sip_node->view;
    if (view->body.len == 0) return SIPVEIL_OK;
    sv_mime_entity *entity = sv_arena_alloc_raw(op->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_entity_of_body(view, op->limits, op->mime_flags, entity, op->err));
    sv_arena_trim(op->arena, entity, sizeof *entity, sv_mime_entity_size(entity));
    return read_entity(op, sip_node, entity, view->body, depth);
}
