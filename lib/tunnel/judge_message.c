/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds for a message as a whole: what was required of it, whom it is for, whether it was seen
 * before. */
#include "state/store.h"
#include "tunnel/memory.h"
#include "tunnel/operation.h"

enum { DATE_WINDOW = 3600 }; /* RFC 3261 23.4.2, RFC 3893 */

/* What was met anywhere, and a signed AIB, which proves the message that it stands in, and no other. */
typedef struct findings {
    const sv_node *message; /* that what is handed out is, or stands in */
    bool is_signed, encrypted, has_aib;
} findings;

/* A verified signature whose signer was accepted, or need not be. */
static bool counts_as_signed(const sv_operation *op, const sv_node *node)
{
    return sv_node_is_signed(node) && node->verified && (node->accepted || op->options->no_verify_signer);
}

static void sum_up(const sv_operation *op, const sv_node *node, bool under_signature, findings *found)
{
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        bool is_signed = under_signature || counts_as_signed(op, child);
        if (sv_node_is_signed(child) && child->verified) found->is_signed = true;
        if (sv_node_is_encrypted(child) && child->opened) found->encrypted = true;
        if (child->type == SV_NODE_SIPFRAG && is_signed && sv_fragment_is_aib(child) &&
            sv_node_carrier(child) == found->message) {
            found->has_aib = true;
        }
        sum_up(op, child, is_signed && !sv_node_is_sip(child), found);
    }
}

/* ADV-041, 142: what no signed or encrypted layer covers is named. */
static void report_uncovered(sv_operation *op, const sv_node *node)
{
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        if (sv_node_protects(child)) continue;
        if (child->type == SV_NODE_LEAF || sv_node_is_sip(child) || child->type == SV_NODE_SIPFRAG) {
            sv_report_check(op, "ADV-041", SIPVEIL_CHECK_NOT_DONE, "nothing protects the part %s", child->type_name);
        }
        report_uncovered(op, child);
    }
}

/* What is required is required of what is handed out: a protected part beside it proves nothing about it
 * (ADV-041, ADV-147). An AIB is a signature of the message. */
static sipveil_code check_requirements(sv_operation *op, const sv_node *content, const findings *found)
{
    bool is_signed = found->has_aib, encrypted = false;
    for (const sv_node *up = content; up != NULL; up = up->parent) {
        if (counts_as_signed(op, up)) is_signed = true;
        if (sv_node_is_encrypted(up) && up->opened) encrypted = true;
    }
    if ((op->options->require & SIPVEIL_REQUIRE_SIGNED) && !is_signed) {
        sv_report_check(op, "ADV-142", SIPVEIL_CHECK_FAILED, "a signature is demanded, and no verified one covers what is handed out");
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_NOT_SIGNED, "ADV-142", SIPVEIL_NO_OFFSET,
                            "a signature is required, and %s",
                            found->is_signed ? "the verified one covers another part" : "no layer has a verified one");
    }
    if ((op->options->require & SIPVEIL_REQUIRE_ENCRYPTED) && !encrypted) {
        sv_report_check(op, "ADV-142", SIPVEIL_CHECK_FAILED, "encryption is demanded, and no opened layer covers what is handed out");
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_NOT_ENCRYPTED, "ADV-142", SIPVEIL_NO_OFFSET,
                            "encryption is required, and %s",
                            found->encrypted ? "another part was encrypted" : "no layer was encrypted for us");
    }
    return SIPVEIL_OK;
}

sipveil_code sv_judge_message(sv_operation *op)
{
    const sv_node *content = sv_handed_out(op->root);
    findings found = {.message = content == NULL                        ? op->root
                                 : content->type == SV_NODE_MESSAGE_SIP ? content
                                                                        : sv_node_carrier(content)};
    sum_up(op, op->root, false, &found);
    sv_report_inner_fields(op);
    if (op->met_encrypted && !op->opened_encrypted) {
        *op->err = op->no_key;
        return sv_report_failure(op, op->no_key_node, op->no_key.code);
    }
    if (found.is_signed || found.encrypted) report_uncovered(op, op->root);
    SV_TRY(sv_report_failure(op, op->root, check_requirements(op, content, &found)));
    if (content == NULL) {
        sv_report_warning(op, "", "the message has no protection that was opened or verified");
        return SIPVEIL_OK;
    }
    return op->addressee_checked ? SIPVEIL_OK
                                 : sv_report_failure(op, op->root, sv_judge_addressee(op, op->root->view));
}

/* ---- replay ---- */

/* Calls visit for what each authenticated layer protects: an attacker may put another part in front of what
 * is replayed, or take outer layers off. */
static sipveil_code visit_authenticated(sv_operation *op, const sv_node *node,
                                        sipveil_code (*visit)(sv_operation *op, const sv_node *content), size_t *count)
{
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        const sv_node *content = child->first_child;
        if (sv_node_protects(child) && content != NULL && sv_cover_of(content).is_authenticated) {
            (*count)++;
            SV_TRY(visit(op, content));
        }
        SV_TRY(visit_authenticated(op, child, visit, count));
    }
    return SIPVEIL_OK;
}

static sipveil_code check_not_seen(sv_operation *op, const sv_node *content)
{
    return sv_memory_check_not_seen(op->options->memory, op->crypto, op->root->view, content->octets, op->now, op->err);
}

static sipveil_code remember(sv_operation *op, const sv_node *content)
{
    int64_t window = op->options->date_window, expires;
    if (window == 0 || window == SIPVEIL_DATE_WINDOW_ANY) window = DATE_WINDOW;
    if (__builtin_mul_overflow(window, 2, &expires) || __builtin_add_overflow(op->now, expires, &expires)) {
        expires = INT64_MAX;
    }
    sipveil_code code = sv_memory_add_seen(op->options->memory, op->crypto, op->root->view, content->octets, op->now,
                                           expires, op->err);
    return code == SIPVEIL_REPLAY ? SIPVEIL_OK : code; /* the same part twice in this message */
}

static sipveil_code nothing_to_do(sv_operation *op, const sv_node *content)
{
    (void)op;
    (void)content;
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
