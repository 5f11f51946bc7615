/* SPDX-License-Identifier: BSD-2-Clause */
/* Was it seen before? The message, by what it is known by on the wire (ADV-145); and where what is protected names no
 * message itself, the act of sealing it, which counts for one dialog and method alone (ADV-146). */
#include "cms/der_read.h"
#include "tunnel/memory.h"
#include "tunnel/operation.h"

enum { DATE_WINDOW = 3600 }; /* RFC 3261 23.4.2, RFC 3893 */

typedef sipveil_code (*visitor)(sv_operation *op, const sv_node *layer);

/* Calls visit for each authenticated layer: an attacker may put another part in front of what is replayed, or take
 * outer layers off. */
static sipveil_code visit_authenticated(sv_operation *op, const sv_node *node, visitor visit, size_t *count)
{
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        if (sv_node_protects(child) && child->first_child != NULL && sv_cover_of(child->first_child).is_authenticated) {
            (*count)++;
            SV_TRY(visit(op, child));
        }
        SV_TRY(visit_authenticated(op, child, visit, count));
    }
    return SIPVEIL_OK;
}

static int64_t expiry(const sv_operation *op)
{
    int64_t window = op->options->date_window, expires;
    if (window == 0 || window == SIPVEIL_DATE_WINDOW_ANY) window = DATE_WINDOW;
    bool past = __builtin_mul_overflow(window, 2, &expires) || __builtin_add_overflow(op->now, expires, &expires);
    return past ? INT64_MAX : expires;
}

/* ---- the act of sealing ---- */

/* A message or an AIB inside is compared with what carries it, and so bound to it already. */
static bool names_its_message(const sv_node *layer)
{
    const sv_node *content = layer->first_child;
    while (content != NULL && (sv_node_protects(content) || content->type == SV_NODE_COMPRESSED)) content = content->first_child;
    return content != NULL &&
           (content->type == SV_NODE_MESSAGE_SIP || (content->type == SV_NODE_SIPFRAG && sv_fragment_is_aib(content)));
}

/* Of a signature what nobody else can write otherwise: (r, s) and (r, n - s) of ECDSA verify both. */
static sipveil_span fixed_part(const sv_signature *signature)
{
    sv_cursor c = sv_cursor_over(signature->value, "signature"), values;
    sv_der r;
    bool pair = sv_starts_nocase_str(sv_span_str(signature->algorithm), "ecdsa") &&
                sv_der_enter(&c, SV_DER_SEQUENCE, "signature", &values, NULL) == SIPVEIL_OK &&
                sv_der_take(&values, &r, NULL) == SIPVEIL_OK;
    return pair ? r.content : signature->value;
}

static sipveil_code with_seal(sv_operation *op, sv_buffer *seal, bool add)
{
    SV_TRY(sv_buffer_check(seal, SV_TUNNEL, op->err));
    if (!add) {
        return sv_memory_check_seal(op->options->memory, op->crypto, op->root->view, sv_buffer_span(seal), op->now, op->err);
    }
    return sv_memory_add_seal(op->options->memory, op->crypto, op->root->view, sv_buffer_span(seal), op->now, expiry(op), op->err);
}

/* Each signature is one: of two signers one can be taken off. */
static sipveil_code each_seal(sv_operation *op, const sv_node *layer, bool add)
{
    sv_buffer seal;
    if (names_its_message(layer)) return SIPVEIL_OK;
    if (sv_node_is_encrypted(layer)) {
        sv_buffer_init(&seal, op->arena, layer->enveloped->ciphertext.len + 64, op->limits->message);
        sv_put(&seal, layer->enveloped->iv);
        sv_put(&seal, layer->enveloped->ciphertext); /* not the tag, of which less can be sent (ADV-061) */
        return with_seal(op, &seal, add);
    }
    for (size_t i = 0; i < layer->signed_data->signer_count; i++) {
        sv_buffer_init(&seal, op->arena, 1024, op->limits->message);
        sv_put(&seal, layer->signatures[i].covered);
        sv_put(&seal, fixed_part(&layer->signatures[i]));
        SV_TRY(with_seal(op, &seal, add));
    }
    return SIPVEIL_OK;
}

/* ---- all ---- */

static sipveil_code check_not_seen(sv_operation *op, const sv_node *layer)
{
    SV_TRY(sv_memory_check_not_seen(op->options->memory, op->crypto, op->root->view, layer->first_child->octets, op->now, op->err));
    return each_seal(op, layer, false);
}

static sipveil_code remember(sv_operation *op, const sv_node *layer)
{
    sipveil_code code = sv_memory_add_seen(op->options->memory, op->crypto, op->root->view, layer->first_child->octets, op->now,
                                           expiry(op), op->err);
    if (code == SIPVEIL_REPLAY) return SIPVEIL_OK; /* the same part twice in this message */
    SV_TRY(code);
    return each_seal(op, layer, true);
}

static sipveil_code nothing_to_do(sv_operation *op, const sv_node *layer)
{
    (void)op;
    (void)layer;
    return SIPVEIL_OK;
}

sipveil_code sv_judge_replay(sv_operation *op)
{
    size_t count = 0;
    if (op->options->memory == NULL) {
        SV_TRY(visit_authenticated(op, op->root, nothing_to_do, &count));
        if (count > 0) {
            sv_report_check(op, "ADV-145", SIPVEIL_CHECK_NOT_DONE, "whether it was seen before: nothing is remembered between messages");
        }
        return SIPVEIL_OK;
    }
    sipveil_code code = visit_authenticated(op, op->root, check_not_seen, &count);
    if (code == SIPVEIL_OK) code = visit_authenticated(op, op->root, remember, &count);
    if (code == SIPVEIL_OK && count == 0) return SIPVEIL_OK;
    sv_report_check(op, "ADV-145", code == SIPVEIL_OK ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_FAILED, "%s",
                    code == SIPVEIL_OK ? "the message was not seen before" : op->err->text);
    return code;
}
