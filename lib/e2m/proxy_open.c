/* SPDX-License-Identifier: BSD-2-Clause */
/* May it be opened: whose label it is, who vouches for it and for the sender, and how much work it may cost. */
#include "e2m/proxy.h"

#include "sip/values.h"
#include "tunnel/memory.h"

enum { PRIVATE_OPERATIONS = 4 }; /* for one message (E2M-52) */

/* Whether a verified signature around a node is one that we accept now; lib/tunnel asks only after its content
 * was read, and a private key must not be used before (E2M-59). */
static sipveil_code accepts_now(sv_operation *op, const sv_node *layer, bool *accepts)
{
    sv_sip_address who;
    const sv_sip_view *view = op->root->view;
    *accepts = false;
    if (!sv_node_is_signed(layer) || !layer->verified || layer->signed_data->signer_count == 0) return SIPVEIL_OK;
    if (sv_sip_read_address(sv_sip_value(view, view->is_request ? SV_F_FROM : SV_F_TO), &who, NULL) != SIPVEIL_OK) {
        return SIPVEIL_OK;
    }
    X509 *certificate = layer->signatures[0].certificate;
    sv_signer signer;
    if (certificate == NULL) return SIPVEIL_OK;
    sipveil_code code = sv_accept_signer(op, certificate, layer->certificates, who.uri, false, &signer);
    *accepts = code == SIPVEIL_OK && signer.code == SIPVEIL_OK;
    return code == SIPVEIL_INTERNAL ? code : SIPVEIL_OK;
}

bool sv_hop_label_is_for(const sv_hop *hop, size_t i, const sv_node *node)
{
    if (hop->ignored[i]) return false;
    for (const sv_node *up = node; up != NULL && !sv_node_is_sip(up); up = up->parent) {
        if (up->entity != NULL && up->entity->content.data == hop->places[i].data &&
            up->entity->content.len == hop->places[i].len) {
            return true;
        }
    }
    return false;
}

sipveil_code sv_hop_standing(sv_operation *op, const sv_node *node, const sv_label *label, sv_standing *out)
{
    *out = (sv_standing){.sender = NULL};
    for (const sv_node *up = node; up != NULL && !sv_node_is_sip(up); up = up->parent) {
        bool accepts;
        SV_TRY(accepts_now(op, up, &accepts));
        if (!accepts) continue;
        if (out->sender == NULL) out->sender = up;
        const sv_node *fragment = sv_fragment_among(up);
        sv_labels inside;
        if (fragment == NULL || sv_sip_first(fragment->view, SV_F_PROXY_REQUIRED_BODY) == NULL) continue;
        bool has = sv_labels_read(fragment->view, &inside, NULL) == SIPVEIL_OK && sv_labels_have(&inside, label);
        if (has) out->label_signed = true;
        else out->other_label = true;
    }
    return SIPVEIL_OK;
}

/* E2M-20, E2M-21: whether label i counts for this node; it is ignored from here on if not. */
static sipveil_code judge_label(sv_hop *hop, sv_operation *op, const sv_node *node, size_t i, const sv_node **sender)
{
    const sv_label *label = &hop->mine.items[i];
    sv_standing stands;
    SV_TRY(sv_hop_standing(op, node, label, &stands));
    if (stands.other_label) {
        return sv_fail_rule(op->err, SV_E2M, SIPVEIL_HEADER_MISMATCH, "E2M-21", SIPVEIL_NO_OFFSET,
                            "the label for us differs from its signed copy: %s", SV_QUOTE(label->value));
    }
    if (stands.sender != NULL) *sender = stands.sender;
    if (!hop->options->protected_hop && !stands.label_signed) {
        hop->ignored[i] = true;
        sv_report_check(op, "E2M-20", SIPVEIL_CHECK_NOT_DONE,
                        "a label that is neither signed nor came over a protected link");
        return SIPVEIL_OK;
    }
    sv_report_check(op, "E2M-21", stands.label_signed ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_NOT_DONE,
                    "the label is %s", stands.label_signed ? "signed" : "not signed: it came over a protected link");
    return SIPVEIL_OK;
}

sipveil_code sv_hop_judge_labels_of(sv_hop *hop, sv_operation *op, const sv_node *node, bool *counts,
                                    const sv_node **sender)
{
    *counts = false;
    *sender = NULL;
    for (size_t i = 0; hop->named && i < hop->mine.count; i++) {
        if (!sv_hop_label_is_for(hop, i, node)) continue;
        SV_TRY(judge_label(hop, op, node, i, sender));
        if (!hop->ignored[i]) *counts = true;
    }
    return SIPVEIL_OK;
}

/* E2M-59: before a private key is used somebody vouches for the sender: the link, or a signature that was not made
 * for a message that came before. */
static sipveil_code check_sender(sv_hop *hop, sv_operation *op, const sv_node *sender)
{
    const sipveil_memory *memory = hop->options->open.memory;
    if (hop->options->sender_authenticated) return SIPVEIL_OK;
    if (sender == NULL) {
        sv_report_check(op, "E2M-59", SIPVEIL_CHECK_FAILED, "nobody vouches for the sender: no private key is used");
        return sv_fail_rule(op->err, SV_E2M, SIPVEIL_POLICY, "E2M-59", SIPVEIL_NO_OFFSET,
                            "nobody vouches for the sender of a labelled body");
    }
    if (memory == NULL || sender->first_child == NULL) return SIPVEIL_OK;
    return sv_memory_check_not_seen(memory, op->crypto, op->root->view, sender->first_child->octets, op->now, op->err);
}

/* So many layers with so many private-key operations each that there are four in all. */
static sipveil_code grant_operations(sv_hop *hop, sv_operation *op, bool *may)
{
    size_t each = hop->mine.count > 1 ? 1 : PRIVATE_OPERATIONS;
    if (hop->operations + each > PRIVATE_OPERATIONS) {
        *may = false;
        return SIPVEIL_OK;
    }
    hop->operations += each;
    if (op->limits->private_operations <= each) return SIPVEIL_OK;
    sipveil_limits *own = sv_arena_alloc_raw(op->arena, sizeof *own);
    if (own == NULL) return sv_no_memory(op->err, SV_E2M);
    *own = *op->limits;
    own->private_operations = each;
    op->limits = own;
    return SIPVEIL_OK;
}

sipveil_code sv_hop_may_open(void *state, sv_operation *op, const sv_node *node, bool *may)
{
    sv_hop *hop = state;
    const sv_node *sender;
    SV_TRY(sv_hop_judge_labels_of(hop, op, node, may, &sender));
    if (!*may) return SIPVEIL_OK;
    SV_TRY(check_sender(hop, op, sender));
    return grant_operations(hop, op, may);
}

bool sv_hop_may_keep(void *state, const sv_operation *op, const sv_node *node)
{
    const sv_hop *hop = state;
    (void)op;
    for (size_t i = 0; i < hop->receiving.reused_count; i++) { /* it rolls (CEK-06) */
        if (hop->receiving.reused[i].node == node && hop->receiving.reused[i].opened) return true;
    }
    for (size_t i = 0; i < hop->mine.count; i++) {
        if (hop->mine.items[i].keep && sv_hop_label_is_for(hop, i, node)) return true;
    }
    return false;
}
