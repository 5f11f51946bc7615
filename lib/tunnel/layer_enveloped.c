/* SPDX-License-Identifier: BSD-2-Clause */
/* Encrypted layers: which key, what comes out, and what it is worth without a tag. */
#include "crypto/suite.h"
#include "tunnel/layer.h"

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
    if (code != SIPVEIL_OK && code != SIPVEIL_INTERNAL && !is_signed_inside(node) && !is_signed_outside(node)) {
        node->opened = false;
        node->first_child = node->last_child = NULL; /* garbage is not for reports */
        sv_fail(op->err, SV_TUNNEL, SIPVEIL_CANNOT_DECRYPT,
                "a key fits, but the content cannot be decrypted: wrong key, or the message was altered");
        sv_report_check(op, "CMS-04", SIPVEIL_CHECK_FAILED, "%s", op->err->text); /* as where the padding is wrong */
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
    sv_report_check(op, "ADV-064", SIPVEIL_CHECK_FAILED, "%s encryption has no integrity and nothing signed it",
                    sipveil_cipher_name(node->enveloped->cipher));
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
    sv_report_check(op, "TUN-11", SIPVEIL_CHECK_NOT_DONE, "an encrypted layer is for others: nothing in it is checked");
    return SIPVEIL_OK;
}

static sipveil_code second_opinion(sv_operation *op, sv_node *node, const sv_cms_key *keys, sipveil_span content_info)
{
    bool done = false;
    char note[96] = "";
    if (!op->options->second_opinion) return SIPVEIL_OK;
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
    if (e->version_odd) {
        sv_report_warning(op, "CMS-01", "the version number of the %s contradicts its content", node->type_name);
    }
    if (sv_cipher_row_of(e->cipher)->weak != 0) {
        sv_report_warning(op, "ADV-063", "the content was encrypted with %s, which is weak and was allowed by name",
                          sipveil_cipher_name(e->cipher));
    }
    if (sv_cms_recipient_kind(e, node->opening.recipient) != SV_RECIPIENT_KEKRI) {
        bool weak;
        sv_recipient room;
        const char *algorithm = sv_cms_describe_recipient(sv_cms_recipient(e, node->opening.recipient, &room), op->arena, &weak);
        if (weak) sv_report_warning(op, "ADV-084", "the key was transported with %s, which is weak", algorithm);
    }
    if (e->authenticated && e->recipient_count > 1 && !is_signed_inside(node) && !is_signed_outside(node)) {
        sv_report_check(op, "CMS-12", SIPVEIL_CHECK_NOT_DONE,
                        "unsigned and shared: any of the %zu recipients could have written it",
                        e->recipient_count);
    }
}

static sipveil_code read_opened_content(sv_operation *op, sv_node *node, sv_depth depth)
{
    const sv_enveloped *e = node->enveloped;
    sipveil_span plaintext = node->opening.plaintext;
    if (e->content_kind == SV_CMS_DATA) return sv_read_entity_octets(op, node, plaintext, depth);
    if (e->content_kind == SV_CMS_COMPRESSED) return sv_read_inflated(op, node, node->entity, plaintext, plaintext, depth);
    return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNSUPPORTED, "TUN-77", SIPVEIL_NO_OFFSET,
                        "the encrypted content is of another type than data and compressed data");
}

sipveil_code sv_read_enveloped(sv_operation *op, sv_node *parent, const sv_carried *cms, sv_depth depth)
{
    bool authenticated = cms->type == SV_CMS_AUTH_ENVELOPED;
    sv_node *node = sv_node_add(op, parent, authenticated ? SV_NODE_AUTH_ENVELOPED : SV_NODE_ENVELOPED,
                                cms->entity, cms->octets);
    sv_enveloped *e = sv_arena_alloc(op->arena, sizeof *e);
    if (node == NULL || e == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_count_layer(op, &depth));
    SV_TRY(sv_cms_read_enveloped(cms->content, authenticated, op->limits, &op->policy, op->arena, e, op->err));
    node->enveloped = e;
    if (sv_stops_here(op, depth)) return SIPVEIL_OK;
    op->met_encrypted = true;

    size_t key_count = 0;
    const sv_cms_key *keys = sv_keyring_cms_keys(op->options->keyring, &key_count);
    const sv_opening_extension *extension = op->extension;
    if (extension != NULL && extension->keys != NULL) {
        SV_TRY(extension->keys(extension->state, op, node, &keys, &key_count));
    }
    sipveil_code code = sv_cms_open_enveloped(op->crypto, e, keys, key_count, &op->policy, &op->iterations,
                                              op->arena, &node->opening, op->err);
    if (code == SIPVEIL_NO_KEY) return not_for_us(op, node);
    op->secret_used = true;
    if (code == SIPVEIL_CANNOT_DECRYPT) sv_report_check(op, "CMS-04", SIPVEIL_CHECK_FAILED, "%s", op->err->text);
    if (code != SIPVEIL_OK) return sv_report_failure(op, node, code);
    if (authenticated) {
        sv_report_joined(op, "CMS-04", SIPVEIL_CHECK_PASSED, "the content is as it was encrypted: its ",
                         sipveil_cipher_name(e->cipher), " tag fits");
    }
    if (extension != NULL && extension->opened != NULL) {
        SV_TRY(sv_report_failure(op, node, extension->opened(extension->state, op, node)));
    }
    node->opened = true;
    op->opened_encrypted = true;
    SV_TRY(sv_report_failure(op, node, second_opinion(op, node, keys, cms->content_info)));
    depth.protective++;
    code = read_opened_content(op, node, depth);
    note_opening(op, node);
    return authenticated ? code : settle_cbc(op, node, code);
}
