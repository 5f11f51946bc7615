/* SPDX-License-Identifier: BSD-2-Clause */
/* The hop: is it mine, may it be opened for this sender, what came out, what is the answer. */
#include "e2m/proxy.h"

#include "sip/values.h"
#include "tunnel/memory.h"

void sipveil_e2m_proxy_options_default(sipveil_e2m_proxy_options *options)
{
    if (options == NULL) return;
    *options = (sipveil_e2m_proxy_options){.size = sizeof *options};
    sipveil_open_options_default(&options->open);
}

bool sv_hop_is_concerned(const sv_hop_set *names, const sipveil_e2m_policy *policy, const char *interface,
                         const sv_sip_view *view, sv_concern *out)
{
    *out = (sv_concern){false, NULL};
    if (view->body.len == 0 || sv_equal_str(view->method, "CANCEL")) return false; /* E2M-60 */
    out->may_be_named = sv_labels_may_name(view, names);
    if (policy != NULL) out->row = sv_policy_match(policy, view, interface, 0);
    return out->may_be_named || out->row != NULL;
}

static sipveil_code check_options(const sipveil_worker *worker, const sipveil_e2m_proxy_options *o, sv_hop *hop,
                                  sipveil_error *err)
{
    if (worker == NULL || o == NULL || o->size != sizeof *o || o->open.keyring == NULL || o->host_count == 0) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker, options (with their size), keyring and a host are needed");
    }
    *hop = (sv_hop){.options = o};
    return sv_hop_set_fill(&hop->names, o->hosts, o->host_count, err);
}

/* ---- may it be opened? ---- */

/* Whether a verified signature around a node is one that we accept now; lib/tunnel asks only after its content
 * was read, and a private key must not be used before (E2M-59). */
static bool accepts_now(sv_operation *op, const sv_node *layer)
{
    sv_sip_address who;
    const sv_sip_view *view = op->root->view;
    if (!sv_node_is_signed(layer) || !layer->verified || layer->signed_data->signer_count == 0) return false;
    if (sv_sip_read_address(sv_sip_value(view, view->is_request ? SV_F_FROM : SV_F_TO), &who, NULL) != SIPVEIL_OK) return false;
    X509 *certificate = layer->signatures[0].certificate;
    sv_signer signer;
    return certificate != NULL && sv_accept_signer(op, certificate, layer->certificates, who.uri, &signer) == SIPVEIL_OK &&
           signer.code == SIPVEIL_OK;
}

/* The label of ours that names this layer or what it stands in, or NULL. */
static const sv_label *label_for(const sv_hop *hop, const sv_node *node)
{
    for (const sv_node *up = node; up != NULL && !sv_node_is_sip(up); up = up->parent) {
        for (size_t i = 0; up->entity != NULL && i < hop->mine.count; i++) {
            sipveil_span cid = up->entity->content_id;
            if (cid.len > 0 && sv_equal(cid, hop->mine.items[i].cid)) return &hop->mine.items[i];
        }
    }
    return NULL;
}

typedef struct standing {
    bool label_signed, sender_signed;
    bool other_label; /* something signed says otherwise */
} standing;

/* What an accepted signature around this node proves. */
static standing standing_of(sv_operation *op, const sv_node *node, const sv_label *label)
{
    standing out = {false, false, false};
    for (const sv_node *up = node->parent; up != NULL && !sv_node_is_sip(up); up = up->parent) {
        if (!accepts_now(op, up)) continue;
        out.sender_signed = true;
        const sv_node *in = up->first_child;
        for (const sv_node *part = in != NULL ? in->first_child : NULL; part != NULL; part = part->next) {
            sv_labels inside;
            if (part->type != SV_NODE_SIPFRAG || part->view == NULL ||
                sv_sip_first(part->view, SV_F_PROXY_REQUIRED_BODY) == NULL) {
                continue;
            }
            bool has = sv_labels_read(part->view, &inside, NULL) == SIPVEIL_OK && sv_labels_have(&inside, label);
            if (has) out.label_signed = true;
            else out.other_label = true;
        }
    }
    return out;
}

static sipveil_code may_open(void *state, sv_operation *op, const sv_node *node, bool *may)
{
    sv_hop *hop = state;
    const sv_label *label = hop->named ? label_for(hop, node) : NULL;
    *may = false;
    if (label == NULL) return SIPVEIL_OK;
    standing stands = standing_of(op, node, label);
    if (stands.other_label) {
        return sv_fail_rule(op->err, SV_E2M, SIPVEIL_HEADER_MISMATCH, "E2M-21", SIPVEIL_NO_OFFSET,
                            "the label for us differs from its signed copy: %s", SV_QUOTE(label->value));
    }
    if (!hop->options->protected_hop && !stands.label_signed) { /* E2M-20 */
        hop->named = false;
        sv_report_check(op, "E2M-20", SIPVEIL_CHECK_NOT_DONE, "a label that is neither signed nor came over a protected link");
        return SIPVEIL_OK;
    }
    if (!hop->options->sender_authenticated && !stands.sender_signed) {
        sv_report_check(op, "E2M-59", SIPVEIL_CHECK_FAILED, "nobody vouches for the sender: no private key is used");
        return sv_fail_rule(op->err, SV_E2M, SIPVEIL_POLICY, "E2M-59", SIPVEIL_NO_OFFSET,
                            "nobody vouches for the sender of a labelled body");
    }
    sv_report_check(op, "E2M-21", stands.label_signed ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_NOT_DONE,
                    "the label is %s", stands.label_signed ? "signed" : "not signed: it came over a protected link");
    *may = true;
    return SIPVEIL_OK;
}

static sipveil_code judge_labels(void *state, sv_operation *op)
{
    const sv_hop *hop = state;
    return hop->named ? sv_check_signed_labels(op, &hop->mine, false) : SIPVEIL_OK;
}

static bool may_keep(void *state, const sv_operation *op, const sv_node *node)
{
    const sv_hop *hop = state;
    const sv_label *label = label_for(hop, node);
    (void)op;
    for (size_t i = 0; i < hop->receiving.reused_count; i++) { /* it rolls (CEK-06) */
        if (hop->receiving.reused[i].node == node && hop->receiving.reused[i].opened) return true;
    }
    return label != NULL && label->keep;
}

/* ---- what came out ---- */

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

typedef struct part_search {
    const sv_hop *hop;
    sipveil_span type;
    const sv_node *found;
    bool sealed; /* something encrypted was met */
} part_search;

static bool find_named(void *state, const sv_node *node)
{
    part_search *s = state;
    if (node->entity != NULL && node->entity->content_id.len > 0) {
        for (size_t i = 0; i < s->hop->mine.count && s->found == NULL; i++) {
            if (sv_equal(node->entity->content_id, s->hop->mine.items[i].cid)) s->found = node;
        }
    }
    return s->found == NULL;
}

static bool find_type(void *state, const sv_node *node)
{
    part_search *s = state;
    sv_cursor c = sv_cursor_over(s->type, "type");
    if (sv_node_is_encrypted(node) && !node->opened) s->sealed = true;
    if (node->type != SV_NODE_LEAF || s->found != NULL) return true;
    sipveil_span main_type = sv_take_while(&c, sv_is_mime_token);
    (void)sv_take_if(&c, '/');
    if (sv_equal_nocase(main_type, node->entity->type.type) && sv_equal_nocase(sv_rest(&c), node->entity->type.subtype)) {
        s->found = node;
    }
    return true;
}

static bool find_sealed(void *state, const sv_node *node)
{
    part_search *s = state;
    if (sv_node_is_encrypted(node) && !node->opened) s->sealed = true;
    return true;
}

/* The part that we are to look at, and whether something encrypted may be it. */
static part_search find_part(const sv_hop *hop, const sv_operation *op)
{
    part_search s = {.hop = hop};
    if (hop->named) {
        (void)sv_visit_nodes(op->root->first_child, find_named, &s);
    } else if (hop->concern.row != NULL && hop->concern.row->need.type.len > 0) {
        s.type = hop->concern.row->need.type;
        (void)sv_visit_nodes(op->root->first_child, find_type, &s);
    } else {
        (void)sv_visit_nodes(op->root->first_child, find_sealed, &s);
        if (!s.sealed) s.found = op->root->first_child;
    }
    return s;
}

static sipveil_code take_view(sv_operation *op, const sv_node *node, sipveil_e2m_verdict *out)
{
    const sv_node *content = readable(node);
    if (content == NULL) return SIPVEIL_OK;
    out->entity = content->octets;
    out->view = content->type == SV_NODE_MESSAGE_SIP ? content->view->whole : content->octets;
    if (content->entity != NULL && content->type != SV_NODE_MESSAGE_SIP) {
        SV_TRY(sv_mime_decoded_content(content->entity, op->arena, &out->view, op->err));
    }
    out->has_view = true;
    return SIPVEIL_OK;
}

/* ---- the answer ---- */

/* A response cannot be refused by a proxy, nor an ACK: the service is not given, and that is told (E2M-56). */
static sipveil_code refuse(sv_hop *hop, const sv_sip_view *view, sv_refusal refusal, const sipveil_error *why,
                           sipveil_span message, sipveil_e2m_verdict *out)
{
    sv_operation *op = hop->op;
    out->reason = *why;
    out->has_view = out->verified = false;
    out->view = out->entity = sv_span(NULL, 0);
    if (!view->is_request || sv_equal_str(view->method, "ACK")) {
        out->action = SIPVEIL_E2M_FORWARD;
        out->message = message;
        sv_report_warning(op, "E2M-56", "passed without the service: %s", why->text);
        return SIPVEIL_OK;
    }
    out->action = SIPVEIL_E2M_RESPOND;
    sv_report_check(op, refusal == SV_REFUSE_PLAIN ? "E2M-55" : "E2M-53", SIPVEIL_CHECK_FAILED, "refused: %s", why->text);
    return sv_hop_answer(hop, view, refusal, why, &out->message);
}

static void hand_out_warnings(const sv_operation *op, sipveil_e2m_verdict *out)
{
    sipveil_span warnings = sv_buffer_span(&op->warnings);
    out->warnings = (const sipveil_warning *)(const void *)warnings.data;
    out->warning_count = warnings.len / sizeof *out->warnings;
}

static bool only_shared_keys(void *state, const sv_node *node)
{
    bool *only = state;
    if (!sv_node_is_encrypted(node) || node->enveloped == NULL || node->opened) return true;
    *only = true;
    for (size_t i = 0; i < node->enveloped->recipient_count; i++) {
        if (node->enveloped->recipients[i].kind != SV_RECIPIENT_KEKRI) *only = false;
    }
    return false;
}

static sipveil_code serve(sv_hop *hop, sipveil_code code, const sipveil_error *why, sipveil_span message,
                          sipveil_e2m_verdict *out)
{
    sv_operation *op = hop->op;
    const sv_sip_view *view = op->root->view;
    sipveil_error reason = *why;
    out->named = hop->named;
    if (code != SIPVEIL_OK && code != SIPVEIL_NO_KEY) {
        return refuse(hop, view, op->secret_used ? SV_REFUSE_VIEW : SV_REFUSE_PLAIN, why, message, out);
    }
    if (!hop->named && hop->concern.row == NULL) return SIPVEIL_OK;
    part_search part = find_part(hop, op);
    if (part.found == NULL && !part.sealed) return SIPVEIL_OK; /* the row's type is not there */
    if (part.found != NULL) SV_TRY(take_view(op, part.found, out));
    if (!out->has_view) {
        bool lost = false;
        if (hop->named && part.found != NULL) (void)sv_visit_nodes(part.found, only_shared_keys, &lost);
        sv_fail_rule(&reason, SV_E2M, SIPVEIL_NO_KEY, hop->named ? "E2M-53" : "E2M-54", SIPVEIL_NO_OFFSET, "%s",
                     lost         ? "the key of the earlier message is not held, or used up"
                     : hop->named ? "the body is labelled for us, and no recipient of it is ours"
                                  : "our policy demands the body, and it is encrypted for others");
        return refuse(hop, view, lost ? SV_REFUSE_KEY_LOST : SV_REFUSE_VIEW, &reason, message, out);
    }
    out->verified = sv_signature_of(part.found) != NULL || (part.found->parent != NULL && sv_signature_of(part.found->parent));
    if (((unsigned)hop->act & SIPVEIL_E2M_VERIFY) != 0 && !out->verified) {
        sv_fail_rule(&reason, SV_E2M, SIPVEIL_NOT_SIGNED, "E2M-54", SIPVEIL_NO_OFFSET,
                     "the body has to be signed for this hop, and no accepted signature covers it");
        return refuse(hop, view, op->secret_used ? SV_REFUSE_VIEW : SV_REFUSE_VERIFY, &reason, message, out);
    }
    sv_report_check(op, hop->named ? "E2M-52" : "E2M-54", SIPVEIL_CHECK_PASSED, "%zu octets of %s are read%s",
                    out->view.len, part.found->type_name, out->verified ? ", signature verified" : "");
    out->kept = hop->receiving.kept > 0;
    return SIPVEIL_OK;
}

/* ---- one message ---- */

/* Labels that name us. An error is one for the sender only if a label could be ours. */
static sipveil_code read_own_labels(sv_hop *hop, const sv_sip_view *view)
{
    sv_labels all;
    sv_operation *op = hop->op;
    if (!hop->concern.may_be_named) return SIPVEIL_OK;
    SV_TRY(sv_labels_read(view, &all, op->err));
    for (size_t i = 0; i < all.count; i++) {
        if (sv_hop_set_has(&hop->names, &all.items[i].hop)) hop->mine.items[hop->mine.count++] = all.items[i];
    }
    for (size_t i = 0; i < hop->mine.count; i++) {
        const sv_label *label = &hop->mine.items[i];
        if (label->malformed) {
            return sv_fail_rule(op->err, SV_E2M, SIPVEIL_MALFORMED, "E2M-10", SIPVEIL_NO_OFFSET,
                                "a label for us has not exactly one good cid: %s", SV_QUOTE(label->value));
        }
        if (label->act == SIPVEIL_E2M_OTHER) {
            sv_fail_rule(op->err, SV_E2M, SIPVEIL_UNSUPPORTED, "E2M-14", SIPVEIL_NO_OFFSET,
                         "a label asks us for something that we do not know: %s", SV_QUOTE(label->value));
            op->err->sip_status = 493;
            return SIPVEIL_UNSUPPORTED;
        }
        hop->act = (sipveil_e2m_act)((unsigned)hop->act | (unsigned)label->act);
        hop->keep |= label->keep;
    }
    hop->named = hop->mine.count > 0;
    return hop->named ? sv_find_named_parts(op, view, &hop->mine) : SIPVEIL_OK;
}

/* The header alone: frames the message and leaves its view as the tree's root. */
static sipveil_code look(sv_hop *hop, sipveil_worker *worker, sipveil_span message, bool *concerned, sipveil_error *err)
{
    sv_worker_begin(worker);
    sv_operation *op = hop->op = &worker->operation;
    op->err = err;
    op->own_options = hop->options->open;
    op->options = &op->own_options;
    op->now = op->options->has_at ? op->options->at : sv_now(worker->context);
    sv_buffer_init(&op->checks, op->arena, 8 * sizeof(sipveil_check), 1 << 20);
    sv_buffer_init(&op->compared, op->arena, 64, 1 << 20);
    sv_buffer_init(&op->warnings, op->arena, 4 * sizeof(sipveil_warning), 1 << 20);
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(err, SV_E2M);
    SV_TRY(sv_sip_read(message, SV_SIP_DATAGRAM, op->limits, view, err));
    op->root = sv_node_add(op, NULL, SV_NODE_SIP, NULL, view->whole);
    if (op->root == NULL) return SIPVEIL_INTERNAL;
    op->root->view = view;
    op->done = true;
    *concerned = !hop->options->retransmission &&
                 sv_hop_is_concerned(&hop->names, hop->options->policy, hop->options->interface, view, &hop->concern);
    return SIPVEIL_OK;
}

/* A dialog that ended needs no keys any more (E2M-57). */
static sipveil_code forget_ended(sv_hop *hop)
{
    sv_operation *op = hop->op;
    const sv_sip_view *view = op->root->view;
    sv_cek_scopes scopes;
    bool ended = !view->is_request && view->status / 100 == 2 && sv_equal_str(view->method, "BYE");
    if (!ended || hop->options->open.memory == NULL || !hop->options->protected_hop) return SIPVEIL_OK;
    SV_TRY(sv_cek_scopes_of(op->arena, view, &scopes, op->err));
    sv_cek_forget(sv_memory_store(hop->options->open.memory), &scopes);
    return SIPVEIL_OK;
}

static sipveil_code open_and_serve(sv_hop *hop, sipveil_worker *worker, sipveil_span message, sipveil_e2m_verdict *out,
                                   sipveil_error *err)
{
    sipveil_memory *memory = hop->options->open.memory;
    sipveil_open_options open = hop->options->open;
    sipveil_opened opened;
    sipveil_error why;
    sv_opening_extension extension = sv_receiving_calls;
    extension.state = &hop->receiving;
    hop->receiving = (sv_receiving){.store = memory != NULL ? sv_memory_store(memory) : NULL,
                                    .allow_unprotected = hop->options->allow_unprotected_cekref,
                                    .may_open = may_open, .may_keep = may_keep, .judge = judge_labels,
                                    .state = hop};
    if (!hop->named) hop->act = hop->concern.row != NULL ? hop->concern.row->need.need : SIPVEIL_E2M_NONE;
    if (((unsigned)hop->act & SIPVEIL_E2M_VERIFY) == 0 && !hop->keep) open.no_verify_signer = true;
    sv_error_clear(&why);
    sipveil_code code = sv_open_extended(worker, &open, &extension, message, &opened, &why);
    sv_operation *op = hop->op = &worker->operation;
    op->extension = NULL;
    op->err = err;
    if (code == SIPVEIL_INTERNAL || op->root == NULL) {
        *err = why;
        return code;
    }
    code = serve(hop, code, &why, message, out);
    hand_out_warnings(op, out);
    op->err = NULL;
    return code;
}

sipveil_code sipveil_e2m_proxy(sipveil_worker *worker, const sipveil_e2m_proxy_options *options, sipveil_span message,
                               sipveil_e2m_verdict *out, sipveil_error *err)
{
    sipveil_error local;
    sv_hop hop;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (out == NULL) return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "no place for the verdict");
    *out = (sipveil_e2m_verdict){.action = SIPVEIL_E2M_FORWARD};
    SV_TRY(check_options(worker, options, &hop, err));
    bool concerned = false;
    SV_TRY(look(&hop, worker, message, &concerned, err));
    sipveil_e2m_verdict verdict = {.action = SIPVEIL_E2M_FORWARD, .message = message};
    sipveil_code code = SIPVEIL_OK;
    if (!concerned) {
        code = forget_ended(&hop);
        sv_report_check(hop.op, "E2M-50", SIPVEIL_CHECK_NOT_DONE, "nothing here is for us: the body is not read");
    } else {
        code = read_own_labels(&hop, hop.op->root->view);
        verdict.named = hop.named;
        if (code == SIPVEIL_OK && !hop.named && hop.concern.row == NULL) {
            concerned = false;
        } else if (code != SIPVEIL_OK && code != SIPVEIL_INTERNAL) {
            sipveil_error why = *err;
            sv_error_clear(err);
            code = refuse(&hop, hop.op->root->view, code == SIPVEIL_UNSUPPORTED ? SV_REFUSE_VIEW : SV_REFUSE_PLAIN, &why,
                          message, &verdict);
            hand_out_warnings(hop.op, &verdict);
        } else if (code == SIPVEIL_OK) {
            code = open_and_serve(&hop, worker, message, &verdict, err);
        }
    }
    hop.op->err = NULL;
    if (code != SIPVEIL_OK) return code;
    sv_error_clear(err);
    verdict.concerned = concerned;
    *out = verdict;
    return SIPVEIL_OK;
}

sipveil_code sipveil_e2m_concerns(sipveil_worker *worker, const sipveil_e2m_proxy_options *options, sipveil_span message,
                                  bool *concerns, sipveil_error *err)
{
    sipveil_error local;
    sv_hop hop;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (concerns == NULL) return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "no place for the answer");
    *concerns = false;
    SV_TRY(check_options(worker, options, &hop, err));
    SV_TRY(look(&hop, worker, message, concerns, err));
    hop.op->err = NULL;
    return SIPVEIL_OK;
}

sipveil_code sipveil_e2m_forget_dialog(sipveil_worker *worker, sipveil_memory *memory, sipveil_span message,
                                       sipveil_error *err)
{
    sipveil_error local;
    sv_cek_scopes scopes;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || memory == NULL) return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker and memory are needed");
    sv_worker_begin(worker);
    sv_sip_view *view = sv_arena_alloc_raw(worker->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(err, SV_E2M);
    SV_TRY(sv_sip_read(message, SV_SIP_DATAGRAM, sipveil_context_limits(worker->context), view, err));
    SV_TRY(sv_cek_scopes_of(worker->arena, view, &scopes, err));
    sv_cek_forget(sv_memory_store(memory), &scopes);
    return SIPVEIL_OK;
}
