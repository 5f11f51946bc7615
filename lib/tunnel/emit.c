/* SPDX-License-Identifier: BSD-2-Clause */
/* What an opened message hands out: the inner message, the innermost protected entity, its content.
 * Opened and unprotected octets are never put together (ADV-147). */
#include "tunnel/sealing.h"

/* The octets of a node's content, below the layer itself. */
static const sv_node *content_of(const sv_node *layer)
{
    return layer->first_child;
}

/* From an entity inwards through layers that protect (and compression): the entity that came out. */
static const sv_node *innermost(const sv_node *node, bool *is_protected)
{
    for (;;) {
        const sv_node *child = content_of(node);
        if (sv_node_protects(node) && child != NULL) {
            *is_protected = true;
            node = child;
        } else if (node->type == SV_NODE_COMPRESSED && child != NULL) {
            node = child;
        } else {
            return node;
        }
    }
}

static bool is_required(const sv_node *node)
{
    return !node->entity->handling_optional;
}

/* A part that is a verified AIB: it proves the message and is no content of it. */
static bool is_verified_aib(const sv_node *part)
{
    bool is_protected = false;
    const sv_node *in = innermost(part, &is_protected);
    if (in->type != SV_NODE_SIPFRAG || !sv_fragment_is_aib(in)) return false;
    return sv_cover_of(in).is_signed;
}

/* What a body comes to. */
typedef struct outcome {
    const sv_node *content; /* innermost entity, or NULL: nothing was opened */
    bool content_required;  /* handling of the part that it came out of */
    const sv_node *aib;     /* verified AIB among the parts of the body, or as the whole body */
} outcome;

/* Of a protected multipart in which exactly one part must be handled, the others being optional (an AIB, a
 * copy for a proxy), and that part was opened or verified in turn: what came out of it (RFC 5621 8.2). */
static const sv_node *the_required_part(const sv_node *in)
{
    const sv_node *required = NULL;
    bool is_protected = false;
    if (in->type != SV_NODE_MULTIPART) return in;
    for (const sv_node *part = in->first_child; part != NULL; part = part->next) {
        if (!is_required(part)) continue;
        if (required != NULL) return in;
        required = part;
    }
    if (required == NULL) return in;
    const sv_node *content = innermost(required, &is_protected);
    return is_protected ? the_required_part(content) : in;
}

/* Among the parts of an unprotected multipart: the opened one that must be handled, else the first. An AIB
 * deeper inside proves the message too, and stays where it is. */
static void choose_part(const sv_node *multipart, bool is_top, outcome *out)
{
    for (const sv_node *part = multipart->first_child; part != NULL; part = part->next) {
        bool is_protected = false;
        const sv_node *in = innermost(part, &is_protected);
        if (is_verified_aib(part)) {
            if (is_top && out->aib == NULL) out->aib = part;
            continue;
        }
        if (in->type == SV_NODE_MULTIPART && !is_protected) choose_part(in, false, out);
        if (!is_protected) continue;
        if (out->content == NULL || (!out->content_required && is_required(part))) {
            out->content = the_required_part(in);
            out->content_required = is_required(part);
        }
    }
}

static outcome outcome_of(const sv_node *body)
{
    outcome out = {NULL, false, NULL};
    bool is_protected = false;
    if (body == NULL) return out;
    const sv_node *in = innermost(body, &is_protected);
    if (is_verified_aib(body)) {
        out.aib = body;
    } else if (is_protected) {
        out.content = the_required_part(in);
    } else if (in->type == SV_NODE_MULTIPART) {
        choose_part(in, in == body, &out);
    }
    return out;
}

const sv_node *sv_handed_out(const sv_node *sip)
{
    outcome found = outcome_of(sip->first_child);
    bool is_protected;
    if (found.content != NULL) {
        const sv_node *deeper = found.content->type == SV_NODE_MESSAGE_SIP ? sv_handed_out(found.content) : NULL;
        return deeper != NULL ? deeper : found.content;
    }
    return found.aib != NULL ? innermost(found.aib, &is_protected) : NULL;
}

/* The rows of an entity, its header or (of a message's own body) none. */
static sipveil_code with_body(sv_operation *op, const sv_node *sip, sipveil_span rows, sipveil_span body,
                              bool keep_framing, sipveil_span *message)
{
    sv_buffer out;
    sv_buffer_init(&out, op->arena, sip->view->whole.len + body.len + 256, op->limits->message * 2);
    sv_rewrite rewrite = {.view = sip->view, .rows = rows, .body = body, .keep_framing = keep_framing};
    SV_TRY(sv_put_message(&rewrite, op->limits, &out, op->err));
    *message = sv_buffer_span(&out);
    return SIPVEIL_OK;
}

/* The message without its AIB: the only other part becomes the body, or the multipart loses a part. */
static sipveil_code without_aib(sv_operation *op, const sv_node *sip, const sv_node *aib, sipveil_span *message)
{
    const sv_node *multipart = aib->parent;
    if (sv_node_is_sip(multipart)) return with_body(op, sip, sv_span(NULL, 0), sv_span(NULL, 0), true, message);
    const sv_node *other = NULL;
    size_t others = 0;
    for (const sv_node *part = multipart->first_child; part != NULL; part = part->next) {
        if (part == aib) continue;
        if (other == NULL) other = part;
        others++;
    }
    if (others == 1) {
        return with_body(op, sip, other->entity->header, other->entity->content, true, message);
    }
    sipveil_span boundary;
    sv_buffer body;
    sv_buffer_init(&body, op->arena, sip->view->body.len, op->limits->message);
    if (!sv_media_type_parameter(&multipart->entity->type, "boundary", &boundary)) return SIPVEIL_INTERNAL;
    for (const sv_node *part = multipart->first_child; part != NULL; part = part->next) {
        if (part == aib) continue;
        sv_put_str(&body, "--");
        sv_put(&body, boundary);
        sv_put_str(&body, "\r\n");
        sv_put(&body, part->octets);
        sv_put_str(&body, "\r\n");
    }
    sv_put_str(&body, "--");
    sv_put(&body, boundary);
    sv_put_str(&body, "--\r\n");
    SV_TRY(sv_buffer_check(&body, SV_TUNNEL, op->err));
    sv_buffer rows;
    sv_buffer_init(&rows, op->arena, 512, op->limits->header);
    sv_put_content_rows(sip->view, &rows);
    return with_body(op, sip, sv_buffer_span(&rows), sv_buffer_span(&body), true, message);
}

/* The message that stands for `sip` once its body was opened. */
static sipveil_code message_of(sv_operation *op, const sv_node *sip, sipveil_span *message)
{
    outcome found = outcome_of(sip->first_child);
    *message = sip->view->whole;
    if (found.content != NULL && found.content->type == SV_NODE_MESSAGE_SIP) {
        return message_of(op, found.content, message);
    }
    if (found.content != NULL) {
        return with_body(op, sip, found.content->entity->header, found.content->entity->content, false, message);
    }
    return found.aib != NULL ? without_aib(op, sip, found.aib, message) : SIPVEIL_OK;
}

static void sum_up_flags(const sv_node *content, sipveil_opened *out)
{
    for (const sv_node *up = content->parent; up != NULL; up = up->parent) {
        if (sv_node_is_signed(up) && up->verified && up->accepted) out->is_signed = true;
        if (sv_node_is_encrypted(up) && up->opened) out->is_encrypted = true;
        if (sv_node_protects(up)) out->is_protected = true;
    }
    out->is_authenticated = out->is_signed || sv_cover_of(content).is_authenticated;
}

/* Nothing was protected: the message, and its own body as an entity. */
static sipveil_code emit_unprotected(sv_operation *op, sipveil_opened *out)
{
    const sv_sip_view *view = op->root->view;
    sv_buffer b;
    out->body = view->body;
    sv_buffer_init(&b, op->arena, view->body.len + 512, op->limits->message * 2);
    sv_put_content_rows(view, &b);
    sv_put_str(&b, "\r\n");
    sv_put(&b, view->body);
    out->entity = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_TUNNEL, op->err);
}

sipveil_code sv_emit(sv_operation *op, sipveil_opened *out)
{
    const sv_node *content = sv_handed_out(op->root);
    sipveil_span decoded;
    SV_TRY(message_of(op, op->root, &out->message));
    if (content == NULL) return emit_unprotected(op, out);
    out->has_entity = true;
    out->entity = content->octets;
    if (content->type == SV_NODE_MESSAGE_SIP) {
        out->body = content->view->body;
    } else {
        SV_TRY(sv_mime_decoded_content(content->entity, op->arena, &decoded, op->err));
        out->body = decoded;
    }
    sum_up_flags(content, out);
    return SIPVEIL_OK;
}
