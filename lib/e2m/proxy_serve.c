/* SPDX-License-Identifier: BSD-2-Clause */
/* What came out for the hop: the parts that its labels name or its row is about, what it may read of them, and
 * whether they are signed where they have to be. */
#include "e2m/proxy.h"

/* A part that we are to look at. */
typedef struct served {
    const sv_node *node;
    sipveil_span cid;
    sipveil_e2m_act act;
} served;

typedef struct part_search {
    sv_hop *hop;
    served parts[SV_LABELS_MOST];
    size_t count;
    bool sealed; /* something encrypted may be it */
} part_search;

static void add_part(part_search *s, const sv_node *node, sipveil_span cid, sipveil_e2m_act act)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->parts[i].node != node) continue;
        s->parts[i].act = (sipveil_e2m_act)((unsigned)s->parts[i].act | (unsigned)act);
        return;
    }
    if (s->count < SV_LABELS_MOST) s->parts[s->count++] = (served){node, cid, act};
}

/* The outermost node that is the part of a label. */
static bool find_named(void *state, const sv_node *node)
{
    part_search *s = state;
    const sv_labels *mine = &s->hop->mine;
    for (size_t i = 0; i < mine->count; i++) {
        bool above = node->parent != NULL && sv_hop_label_is_for(s->hop, i, node->parent);
        if (!above && sv_hop_label_is_for(s->hop, i, node)) add_part(s, node, mine->items[i].cid, mine->items[i].act);
    }
    return true;
}

static bool is_type(const sv_mime_entity *entity, sipveil_span wanted)
{
    sv_cursor c = sv_cursor_over(wanted, "type");
    sipveil_span main_type = sv_take_while(&c, sv_is_mime_token);
    (void)sv_take_if(&c, '/');
    return sv_equal_nocase(main_type, entity->type.type) && sv_equal_nocase(sv_rest(&c), entity->type.subtype);
}

/* All of the type that a row is about: which of them the far end takes is not ours to guess. */
static bool find_type(void *state, const sv_node *node)
{
    part_search *s = state;
    const sipveil_e2m_need *need = &s->hop->concern.row->need;
    if (sv_node_is_encrypted(node) && !node->opened) s->sealed = true;
    if (node->type == SV_NODE_LEAF && is_type(node->entity, need->type)) {
        add_part(s, node, sv_span(NULL, 0), need->need);
    }
    return true;
}

static bool find_sealed(void *state, const sv_node *node)
{
    part_search *s = state;
    if (sv_node_is_encrypted(node) && !node->opened) s->sealed = true;
    return true;
}

static void find_parts(const sv_operation *op, part_search *s)
{
    const sv_policy_row *row = s->hop->concern.row;
    if (s->hop->named) {
        (void)sv_visit_nodes(op->root->first_child, find_named, s);
    } else if (row->need.type.len > 0) {
        (void)sv_visit_nodes(op->root->first_child, find_type, s);
    } else {
        (void)sv_visit_nodes(op->root->first_child, find_sealed, s);
        if (!s->sealed && op->root->first_child != NULL) {
            add_part(s, op->root->first_child, sv_span(NULL, 0), row->need.need);
        }
    }
}

/* ---- one part ---- */

static bool is_readable_leaf(const sv_node *node)
{
    return node->type == SV_NODE_LEAF || node->type == SV_NODE_MESSAGE_SIP;
}

/* Of what came out of a part: itself, or, where some of it is for others, its first part that is not. */
static const sv_node *readable(const sv_node *node)
{
    const sv_node *out = sv_came_out(node);
    if (sv_node_is_encrypted(out) || (sv_node_is_signed(out) && !out->verified)) return NULL;
    if (out->type != SV_NODE_MULTIPART) return out;
    const sv_node *clear = NULL;
    bool sealed = false;
    for (const sv_node *part = out->first_child; part != NULL; part = part->next) {
        const sv_node *in = sv_came_out(part);
        if (sv_node_is_encrypted(in)) sealed = true;
        else if (clear == NULL && is_readable_leaf(in)) clear = in;
    }
    return sealed ? clear : out;
}

static sipveil_code take_view(sv_operation *op, const sv_node *content, sipveil_e2m_part *out)
{
    out->entity = content->octets;
    out->view = content->type == SV_NODE_MESSAGE_SIP ? content->view->whole : content->octets;
    if (content->entity == NULL || content->type == SV_NODE_MESSAGE_SIP) return SIPVEIL_OK;
    return sv_mime_decoded_content(content->entity, op->arena, &out->view, op->err);
}

static sipveil_code refuse_unreadable(sv_hop *hop, const sv_node *node, sv_refusal *refusal)
{
    bool lost = hop->named && node != NULL && sv_is_for_earlier_keys(node, hop->options->open.keyring);
    *refusal = lost ? SV_REFUSE_KEY_LOST : SV_REFUSE_VIEW;
    return sv_fail_rule(hop->op->err, SV_E2M, SIPVEIL_NO_KEY, hop->named ? "E2M-53" : "E2M-54", SIPVEIL_NO_OFFSET, "%s",
                        lost         ? "the key of the earlier message is not held, or used up"
                        : hop->named ? "the body is labelled for us, and no recipient of it is ours"
                                     : "our policy demands the body, and it is encrypted for others");
}

static sipveil_code serve_part(sv_hop *hop, const served *part, sipveil_e2m_part *out, sv_refusal *refusal)
{
    sv_operation *op = hop->op;
    const sv_node *content = readable(part->node);
    *out = (sipveil_e2m_part){.cid = part->cid, .act = part->act};
    if (content == NULL) return refuse_unreadable(hop, part->node, refusal);
    SV_TRY(take_view(op, content, out));
    out->verified = sv_signature_of(part->node) != NULL;
    if (((unsigned)part->act & SIPVEIL_E2M_VERIFY) != 0 && !out->verified) {
        *refusal = op->secret_used ? SV_REFUSE_VIEW : SV_REFUSE_VERIFY;
        return sv_fail_rule(op->err, SV_E2M, SIPVEIL_NOT_SIGNED, "E2M-54", SIPVEIL_NO_OFFSET,
                            "the body has to be signed for this hop, and no accepted signature covers it");
    }
    sv_report_check(op, hop->named ? "E2M-52" : "E2M-54", SIPVEIL_CHECK_PASSED, "%zu octets of %s are read%s",
                    out->view.len, part->node->type_name, out->verified ? ", signature verified" : "");
    return SIPVEIL_OK;
}

/* E2M-20 for what is in clear: nobody asked whether it may be opened. */
static sipveil_code judge_clear_labels(sv_hop *hop, const part_search *s)
{
    bool counts;
    const sv_node *sender;
    for (size_t i = 0; hop->named && i < s->count; i++) {
        if (!sv_node_is_encrypted(s->parts[i].node)) {
            SV_TRY(sv_hop_judge_labels_of(hop, hop->op, s->parts[i].node, &counts, &sender));
        }
    }
    size_t left = 0;
    for (size_t i = 0; i < hop->mine.count; i++) left += !hop->ignored[i];
    hop->named = left > 0;
    return SIPVEIL_OK;
}

static sipveil_code serve_all(sv_hop *hop, const part_search *s, sipveil_e2m_verdict *out, sv_refusal *refusal)
{
    sv_operation *op = hop->op;
    sipveil_e2m_part *parts = sv_arena_alloc_array(op->arena, s->count + 1, sizeof *parts);
    if (parts == NULL) return sv_no_memory(op->err, SV_E2M);
    bool verified = s->count > 0;
    for (size_t i = 0; i < s->count; i++) {
        SV_TRY(serve_part(hop, &s->parts[i], &parts[i], refusal));
        verified = verified && parts[i].verified;
    }
    out->parts = parts;
    out->part_count = s->count;
    out->has_view = s->count > 0;
    out->view = parts[0].view;
    out->entity = parts[0].entity;
    out->verified = verified;
    return SIPVEIL_OK;
}

sipveil_code sv_hop_serve(sv_hop *hop, sipveil_e2m_verdict *out, sv_refusal *refusal)
{
    part_search s = {.hop = hop};
    if (hop->named) {
        find_parts(hop->op, &s);
        SV_TRY(judge_clear_labels(hop, &s));
        s = (part_search){.hop = hop};
    }
    out->named = hop->named;
    if (!hop->named && hop->concern.row == NULL) return SIPVEIL_OK;
    find_parts(hop->op, &s);
    if (s.count == 0 && (s.sealed || hop->named)) return refuse_unreadable(hop, NULL, refusal);
    if (s.count == 0) return SIPVEIL_OK; /* the row's type is not there */
    SV_TRY(serve_all(hop, &s, out, refusal));
    out->kept = hop->receiving.kept > 0;
    return SIPVEIL_OK;
}
