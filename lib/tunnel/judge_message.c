/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds for a message as a whole: what was required of it, and whom it is for. */
#include "tunnel/operation.h"

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

/* Success says that something was verified or opened; that it was not has to be asked for. */
static sipveil_code check_protected(sv_operation *op, const findings *found)
{
    if (op->inspecting || op->options->allow_unprotected || found->has_aib) {
        sv_report_warning(op, "", "the message has no protection that was opened or verified");
        return SIPVEIL_OK;
    }
    sv_report_check(op, "ADV-142", SIPVEIL_CHECK_FAILED, "nothing in the message is signed or encrypted");
    sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_NOT_SIGNED, "ADV-142", SIPVEIL_NO_OFFSET, "nothing in the message is signed or encrypted");
    return sv_hint(op->err, SIPVEIL_NOT_SIGNED, "who takes such messages too sets allow_unprotected, and looks at is_protected");
}

sipveil_code sv_judge_message(sv_operation *op)
{
    sv_report_inner_fields(op);
    if (op->met_encrypted && !op->opened_encrypted) { /* first: an identifier that nobody holds costs what a broken wrap does (ADV-091) */
        *op->err = op->no_key;
        return sv_report_failure(op, op->no_key_node, op->no_key.code);
    }
    const sv_node *content = sv_handed_out(op->root);
    findings found = {.message = content == NULL                        ? op->root
                                 : content->type == SV_NODE_MESSAGE_SIP ? content
                                                                        : sv_node_carrier(content)};
    sum_up(op, op->root, false, &found);
    if (found.is_signed || found.encrypted) report_uncovered(op, op->root);
    SV_TRY(sv_report_failure(op, op->root, check_requirements(op, content, &found)));
    if (content == NULL) return sv_report_failure(op, op->root, check_protected(op, &found));
    return op->addressee_checked ? SIPVEIL_OK
                                 : sv_report_failure(op, op->root, sv_judge_addressee(op, op->root->view));
}
