/* SPDX-License-Identifier: BSD-2-Clause */
#include "e2m/receiving.h"

#include "cms/recipient.h"
#include "keys/certificate.h"
#include "sip/values.h"

/* ---- trees ---- */

bool sv_visit_nodes(const sv_node *node, bool (*visit)(void *state, const sv_node *node), void *state)
{
    for (; node != NULL; node = node->next) {
        if (!visit(state, node) || !sv_visit_nodes(node->first_child, visit, state)) return false;
    }
    return true;
}

static bool find_encrypted(void *state, const sv_node *node)
{
    const sv_node **found = state;
    if (sv_node_is_encrypted(node) && node->enveloped != NULL) *found = node;
    return *found == NULL;
}

static bool is_configured(const sipveil_keyring *ring, sipveil_span key_id)
{
    size_t count = 0;
    const sv_cms_key *keys = ring != NULL ? sv_keyring_cms_keys(ring, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (keys[i].kind == SV_CMS_KEY_KEK && sv_equal(keys[i].kek_id, key_id)) return true;
    }
    return false;
}

bool sv_is_for_earlier_keys(const sv_node *node, const sipveil_keyring *ring)
{
    const sv_node *found = NULL;
    if (node != NULL) (void)find_encrypted(&found, node);
    if (node != NULL && found == NULL) (void)sv_visit_nodes(node->first_child, find_encrypted, &found);
    if (found == NULL) return false;
    for (size_t i = 0; i < found->enveloped->recipient_count; i++) {
        sv_recipient room;
        const sv_recipient *r = sv_cms_recipient(found->enveloped, i, &room);
        if (r->kind != SV_RECIPIENT_KEKRI || is_configured(ring, r->key_id)) return false;
    }
    return found->enveloped->recipient_count > 0;
}

static bool is_accepted(const sv_node *node)
{
    return sv_node_is_signed(node) && node->verified && node->accepted;
}

const sv_node *sv_fragment_among(const sv_node *signed_layer)
{
    const sv_node *in = signed_layer->first_child;
    while (in != NULL && in->type == SV_NODE_COMPRESSED) in = in->first_child;
    if (in == NULL || in->type != SV_NODE_MULTIPART) return NULL;
    for (const sv_node *part = in->first_child; part != NULL; part = part->next) {
        if (part->type == SV_NODE_SIPFRAG && part->view != NULL && sv_fragment_is_aib(part)) return part;
    }
    return NULL;
}

const sv_node *sv_signed_fragment_for(const sv_node *node)
{
    for (const sv_node *up = node; up != NULL && !sv_node_is_sip(up); up = up->parent) {
        const sv_node *fragment = is_accepted(up) ? sv_fragment_among(up) : NULL;
        if (fragment != NULL) return fragment;
    }
    return NULL;
}

typedef struct label_check {
    sv_operation *op;
    const sv_labels *labels;
    const sv_label *other;
    bool all;
} label_check;

static bool compare_labels(void *state, const sv_node *node)
{
    label_check *check = state;
    const sv_node *fragment = is_accepted(node) ? sv_fragment_among(node) : NULL;
    sv_labels inside;
    if (fragment == NULL || sv_sip_first(fragment->view, SV_F_PROXY_REQUIRED_BODY) == NULL) return true;
    if (sv_labels_read(fragment->view, &inside, NULL) != SIPVEIL_OK) inside.count = 0;
    for (size_t i = 0; i < check->labels->count && check->other == NULL; i++) {
        if (!sv_labels_have(&inside, &check->labels->items[i])) check->other = &check->labels->items[i];
    }
    if (check->other == NULL && check->all && inside.count > check->labels->count) {
        sv_report_check(check->op, "E2M-16", SIPVEIL_CHECK_NOT_DONE, "%zu labels of the signed copy are not outside",
                        inside.count - check->labels->count);
    }
    return check->other == NULL;
}

sipveil_code sv_check_signed_labels(sv_operation *op, const sv_labels *labels, bool all)
{
    label_check check = {.op = op, .labels = labels, .all = all};
    (void)sv_visit_nodes(op->root, compare_labels, &check);
    if (check.other == NULL) return SIPVEIL_OK;
    sv_report_check(op, "E2M-21", SIPVEIL_CHECK_FAILED, "a label differs from the signed copy of the labels");
    return sv_fail_rule(op->err, SV_E2M, SIPVEIL_HEADER_MISMATCH, "E2M-21", SIPVEIL_NO_OFFSET,
                        "a label is not in the signed copy of the labels: %s", SV_QUOTE(check.other->value));
}

/* Inwards only through what holds one thing: a signature over one part of several says nothing of the others. */
const sv_node *sv_signature_inside(const sv_node *node)
{
    for (const sv_node *in = node; in != NULL; in = in->first_child) {
        if (is_accepted(in)) return in;
        if (in->type != SV_NODE_COMPRESSED && !sv_node_is_encrypted(in)) break;
    }
    return NULL;
}

const sv_node *sv_signature_of(const sv_node *node)
{
    const sv_node *inside = sv_signature_inside(node);
    if (inside != NULL) return inside;
    for (const sv_node *up = node; up != NULL && !sv_node_is_sip(up); up = up->parent) {
        if (is_accepted(up)) return up;
    }
    return NULL;
}

const sv_node *sv_came_out(const sv_node *node)
{
    while (node->first_child != NULL && (sv_node_protects(node) || node->type == SV_NODE_COMPRESSED)) {
        node = node->first_child;
    }
    return node;
}

/* ---- keys ---- */

static sipveil_code add_earlier_keys(sv_receiving *r, sv_operation *op, const sv_node *node, sv_cms_key *keys,
                                     size_t *count)
{
    const sv_enveloped *e = node->enveloped;
    for (size_t i = 0; i < e->recipient_count && r->reused_count < SV_REUSED_MOST; i++) {
        struct sv_reused *reused = &r->reused[r->reused_count];
        sv_wrap wrap = SV_WRAP_AES_128;
        sv_recipient room;
        const sv_recipient *recipient = sv_cms_recipient(e, i, &room);
        if (recipient->kind != SV_RECIPIENT_KEKRI) continue;
        if (!sv_cek_find(r->store, &r->scopes, recipient->key_id, op->now, op->arena, &reused->record)) {
            if (reused->record.no_memory) return sv_no_memory(op->err, SV_E2M);
            continue;
        }
        (void)sv_recipient_wrap(recipient, &wrap); /* another algorithm: a key that does not fit it */
        SV_TRY(sv_cek_make_kek(op->crypto, op->arena, &reused->record, wrap, op->limits, &keys[*count], op->err));
        reused->node = node;
        reused->kek = keys[*count].kek;
        reused->key = (*count)++;
        reused->opened = false;
        r->reused_count++;
    }
    return SIPVEIL_OK;
}

static sipveil_code choose_keys(void *state, sv_operation *op, const sv_node *node, const sv_cms_key **keys,
                                size_t *count)
{
    sv_receiving *r = state;
    bool may = true;
    if (r->may_open != NULL) SV_TRY(r->may_open(r->state, op, node, &may));
    if (!may) {
        *count = 0;
        return SIPVEIL_OK;
    }
    if (r->store == NULL || sv_store_count(r->store, SV_STORE_CEK) == 0) return SIPVEIL_OK;
    if (!r->scoped) {
        SV_TRY(sv_cek_scopes_of(op->arena, op->root->view, &r->scopes, op->err));
        r->scoped = true;
    }
    sv_cms_key *all = sv_arena_alloc_array(op->arena, *count + SV_REUSED_MOST, sizeof *all);
    if (all == NULL) return sv_no_memory(op->err, SV_E2M);
    for (size_t i = 0; i < *count; i++) all[i] = (*keys)[i];
    *keys = all;
    return add_earlier_keys(r, op, node, all, count);
}

/* CEK-06: one text and one code with every other failure to decrypt. */
static sipveil_code note_opened(void *state, sv_operation *op, const sv_node *node)
{
    sv_receiving *r = state;
    for (size_t i = 0; i < r->reused_count; i++) {
        struct sv_reused *reused = &r->reused[i];
        if (reused->node != node || reused->key != node->opening.key) continue;
        if (sv_cek_is_derived(node->opening.cek, reused->record.cek) ||
            sv_cek_is_derived(node->opening.cek, reused->kek)) {
            return sv_fail(op->err, SV_E2M, SIPVEIL_CANNOT_DECRYPT,
                           "a key fits, but the content cannot be decrypted: wrong key, or the message was altered");
        }
        reused->opened = true;
        sv_report_check(op, "CEK-02", SIPVEIL_CHECK_PASSED, "opened by the key of an earlier message of this dialog");
    }
    return SIPVEIL_OK;
}

static bool is_signed_inside(const sv_node *node)
{
    const sv_node *in = node->first_child;
    while (in != NULL && in->type == SV_NODE_COMPRESSED) in = in->first_child;
    return in != NULL && sv_node_is_signed(in) && in->verified;
}

/* Whoever read the earlier message has the key: only a signature says who wrote this one (E2M-43, CEK-07). */
static sipveil_code judge(void *state, sv_operation *op)
{
    sv_receiving *r = state;
    for (size_t i = 0; i < r->reused_count; i++) {
        if (!r->reused[i].opened || is_signed_inside(r->reused[i].node)) continue;
        sv_report_check(op, "E2M-43", SIPVEIL_CHECK_FAILED, "opened by the key of an earlier message, and not signed");
        return sv_fail_rule(op->err, SV_E2M, SIPVEIL_NOT_SIGNED, "E2M-43", SIPVEIL_NO_OFFSET,
                            "every reader of the earlier message could have written it: by its key, and not signed");
    }
    return r->judge != NULL ? r->judge(r->state, op) : SIPVEIL_OK;
}

/* ---- holding ---- */

static const struct sv_reused *reused_for(const sv_receiving *r, const sv_node *node)
{
    for (size_t i = 0; i < r->reused_count; i++) {
        if (r->reused[i].node == node && r->reused[i].opened) return &r->reused[i];
    }
    return NULL;
}

/* The message that a signature covers together with the layer: its Call-ID and tags were compared with those
 * outside, so that the scope is known (E2M-57). */
static bool covers_message(const sv_node *node)
{
    for (const sv_node *in = node; in != NULL; in = in->first_child) {
        if (in->type == SV_NODE_MESSAGE_SIP) return true;
    }
    return false;
}

/* The hops that the signed labels name for this layer: they read it, and what its key seals (E2M-42). */
static void take_hops(sv_cek_record *record, const sv_node *fragment, const sv_node *node)
{
    sv_labels labels;
    if (node->entity == NULL || sv_labels_read(fragment->view, &labels, NULL) != SIPVEIL_OK) return;
    for (size_t i = 0; i < labels.count; i++) {
        const sv_label *label = &labels.items[i];
        if (label->malformed || !sv_equal(node->entity->content_id, label->cid)) continue;
        record->hops[record->hop_count++] = (sv_cek_hop){
            label->hop.host, label->reply == SIPVEIL_E2M_OTHER ? SIPVEIL_E2M_NONE : label->reply};
    }
}

static sipveil_code read_readers(sv_operation *op, const sv_node *node, sv_cek_record *record)
{
    const sv_enveloped *e = node->enveloped;
    uint8_t digest[SV_CEK_DIGEST];
    sv_buffer b;
    sv_buffer_init(&b, op->arena, e->recipient_count * SV_CEK_DIGEST, SV_CEK_READERS_MOST * SV_CEK_DIGEST);
    for (size_t i = 0; i < e->recipient_count; i++) {
        sv_recipient room;
        SV_TRY(sv_cek_reader_of_recipient(op->crypto, sv_cms_recipient(e, i, &room), digest, op->err));
        sv_put(&b, sv_span(digest, sizeof digest));
    }
    record->readers = sv_buffer_span(&b);
    size_t named = record->hop_count + 1; /* and us */
    record->unnamed = e->recipient_count > named ? (uint32_t)(e->recipient_count - named) : 0;
    return sv_buffer_check(&b, SV_E2M, op->err);
}

/* It rolls: the same readers, the same wishes. */
static void take_over(sv_cek_record *record, const sv_cek_record *earlier)
{
    record->readers = earlier->readers;
    record->unnamed = earlier->unnamed;
    if (record->hop_count > 0) return;
    record->hop_count = earlier->hop_count;
    for (size_t i = 0; i < earlier->hop_count; i++) record->hops[i] = earlier->hops[i];
    record->signer_domain = earlier->signer_domain;
}

static sipveil_code fill_record(sv_receiving *r, sv_operation *op, const sv_node *node, const sv_node *signature,
                                const sv_cek_attributes *attributes, sv_cek_record *record)
{
    const struct sv_reused *reused = reused_for(r, node);
    const sv_node *fragment = sv_signed_fragment_for(node);
    sv_sip_address who;
    const sv_sip_view *view = op->root->view;
    *record = (sv_cek_record){.scope = r->scopes.items[0], .reference = attributes->reference,
                              .cipher = node->enveloped->cipher, .cek = node->opening.cek, .uses = attributes->uses,
                              .derivation = attributes->derivation};
    SV_TRY(
        sv_certificate_fingerprint(op->worker->context, signature->signatures[0].certificate, record->signer, op->err));
    if (sv_sip_read_address(sv_sip_value(view, view->is_request ? SV_F_FROM : SV_F_TO), &who, NULL) == SIPVEIL_OK) {
        record->signer_domain = sv_sip_host(who.uri);
    }
    if (view->is_request) {
        SV_TRY(sv_sip_read_cseq(sv_sip_value(view, SV_F_CSEQ), &record->cseq, &record->method, op->err));
    }
    if (fragment != NULL) take_hops(record, fragment, node);
    if (reused == NULL) return read_readers(op, node, record);
    take_over(record, &reused->record);
    return SIPVEIL_OK;
}

/* Why the key of this layer is not held, or NULL: it may be. */
static const char *why_not_kept(const sv_receiving *r, const sv_operation *op, const sv_node *node,
                                const sv_cek_attributes *attributes, const sv_node **signature)
{
    *signature = sv_signature_inside(node);
    if (!attributes->present) return attributes->why_not;
    if (*signature == NULL || (*signature)->signed_data->signer_count == 0) {
        return "no accepted signature covers its content";
    }
    if (sv_signed_fragment_for(node) == NULL && reused_for(r, node) == NULL && !covers_message(node)) {
        return "nothing signed says which dialog it belongs to";
    }
    if (r->may_keep != NULL && !r->may_keep(r->state, op, node)) return "nobody asked us to";
    return NULL;
}

/* Where it is not held for want of memory the message is not taken: it would never be offered again. */
static sipveil_code hold_key(sv_receiving *r, sv_operation *op, const sv_node *node)
{
    sv_cek_attributes attributes;
    sv_cek_record record;
    const sv_node *signature;
    sipveil_error why;
    sv_cek_attributes_of(node->enveloped, r->allow_unprotected, op->limits, op->arena, &attributes);
    const char *reason = why_not_kept(r, op, node, &attributes, &signature);
    if (reason != NULL) {
        sv_report_check(op, "CEK-08", SIPVEIL_CHECK_NOT_DONE, "its key is not held: %s", reason);
        return SIPVEIL_OK;
    }
    if (!attributes.present) return SIPVEIL_OK;
    sipveil_error *saved = op->err;
    op->err = &why;
    sipveil_code code = sv_cek_scopes_of(op->arena, op->root->view, &r->scopes, &why);
    if (code == SIPVEIL_OK) code = fill_record(r, op, node, signature, &attributes, &record);
    if (code == SIPVEIL_OK) code = sv_cek_keep(r->store, op->arena, &record, op->now, &why);
    op->err = saved;
    if (code == SIPVEIL_INTERNAL) {
        *op->err = why;
        return code;
    }
    if (code != SIPVEIL_OK) {
        sv_report_warning(op, why.rule[0] != '\0' ? "CEK-12" : "CEK-05", "its key is not held: %s", why.text);
        return SIPVEIL_OK;
    }
    r->kept++;
    sv_report_check(op, "CEK-05", SIPVEIL_CHECK_PASSED, "its key is held for %u messages of this dialog",
                    (unsigned)attributes.uses);
    return SIPVEIL_OK;
}

typedef struct holding {
    sv_receiving *r;
    sv_operation *op;
    sipveil_code code;
} holding;

static bool hold_if_opened(void *state, const sv_node *node)
{
    holding *h = state;
    if (sv_node_is_encrypted(node) && node->opened) h->code = hold_key(h->r, h->op, node);
    return h->code == SIPVEIL_OK;
}

/* Of a forked call every branch has our key; the one that was answered first goes on with it (CEK-09). */
static void note_branch(const sv_receiving *r, const sv_sip_view *view, sv_cek_record *record)
{
    bool answered = !view->is_request && view->status / 100 == 2 && sv_equal_str(view->method, "INVITE");
    if (answered && record->made && record->branch_tag.len == 0) record->branch_tag = r->scopes.to_tag;
}

/* Only what succeeded counts (ADV-173), and only now. */
static sipveil_code count_and_hold(sv_receiving *r, sv_operation *op)
{
    holding h = {r, op, SIPVEIL_OK};
    for (size_t i = 0; i < r->reused_count; i++) {
        if (!r->reused[i].opened) continue;
        note_branch(r, op->root->view, &r->reused[i].record);
        sipveil_code code = sv_cek_count_use(r->store, op->arena, &r->reused[i].record, op->now, op->err);
        if (code == SIPVEIL_INTERNAL) return code;
        if (code != SIPVEIL_OK) {
            sv_report_warning(op, "CEK-05", "the key of the earlier message was lost");
        } else if (r->reused[i].record.uses == 1) {
            sv_report_check(op, "CEK-04", SIPVEIL_CHECK_PASSED, "that key is used up");
        }
    }
    (void)sv_visit_nodes(op->root, hold_if_opened, &h);
    return h.code;
}

static sipveil_code settle(void *state, sv_operation *op)
{
    sv_receiving *r = state;
    if (r->store != NULL) SV_TRY(count_and_hold(r, op));
    if (r->tell != NULL) r->tell(r->state, op);
    return SIPVEIL_OK;
}

const sv_opening_extension sv_receiving_calls = {
    .keys = choose_keys, .opened = note_opened, .judge = judge, .settle = settle,
};
