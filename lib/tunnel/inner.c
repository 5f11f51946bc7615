/* SPDX-License-Identifier: BSD-2-Clause */
/* Header fields whose place is outside. Hops add, change, obey or remove them at the edge of a trust domain, which
 * nobody can inside (TRU-41, TRU-42). The table is that of the specification; a trust domain adds names of its own. */
#include "tunnel/operation.h"

static const char *const for_outside[] = {
    "Via", "Route", "Record-Route", "Path", "Service-Route", "Max-Forwards", "Proxy-Authorization", "Proxy-Require",
    "P-Asserted-Identity", "P-Preferred-Identity", "Privacy",
    /* RFC 7315 */
    "P-Associated-URI", "P-Called-Party-ID", "P-Visited-Network-ID", "P-Access-Network-Info",
    "P-Charging-Function-Addresses", "P-Charging-Vector"};

bool sv_is_for_outside(sipveil_span name, const char *const *more, size_t count)
{
    if (sv_field_id_of(name) == SV_F_VIA) return true; /* in its compact form too */
    for (size_t i = 0; i < sizeof for_outside / sizeof *for_outside; i++) {
        if (sv_equal_nocase_str(name, for_outside[i])) return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (sv_equal_nocase_str(name, more[i])) return true;
    }
    return false;
}

static bool signed_by_node(const sv_node *node)
{
    for (const sv_node *up = node->parent; up != NULL && !sv_node_is_sip(up); up = up->parent) {
        if (sv_node_is_signed(up) && up->verified && up->by_node) return true;
    }
    return false;
}

static void report_inner(sv_operation *op, const sv_node *node)
{
    static const sv_field_id ids[] = {SV_F_P_ASSERTED_IDENTITY, SV_F_P_PREFERRED_IDENTITY, SV_F_PRIVACY};
    bool by_node = signed_by_node(node);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (sv_sip_first(node->view, ids[i]) == NULL) continue;
        const char *name = sv_field_info_of(ids[i])->name;
        if (by_node && ids[i] == SV_F_P_ASSERTED_IDENTITY) {
            op->inner_identity_counts = true;
            sv_report_check(op, "TRU-46", SIPVEIL_CHECK_PASSED,
                            "the inner %s may be believed: a node of a partner signed it", name);
        } else {
            sv_report_check(op, "TRU-42", SIPVEIL_CHECK_PASSED, "INNER_IGNORED: %s inside counts for nothing", name);
        }
    }
}

static void report_below(sv_operation *op, const sv_node *node)
{
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        bool is_inner = child->type == SV_NODE_MESSAGE_SIP || child->type == SV_NODE_SIPFRAG;
        if (is_inner && child->view != NULL) report_inner(op, child);
        report_below(op, child);
    }
}

/* The P-CSCF asks for what its user agents prefer (TUN-82). */
void sv_report_inner_fields(sv_operation *op)
{
    if (!op->options->pcscf) report_below(op, op->root);
}

/* TRU-46: a partner's node signs what it hands on, whoever sent it. */
sipveil_code sv_ask_node(sv_operation *op, sv_node *node, size_t i, bool *speaks)
{
    const sv_opening_extension *e = op->extension;
    if (e == NULL || e->speaks_as_node == NULL || node->signatures[i].certificate == NULL) return SIPVEIL_OK;
    SV_TRY(e->speaks_as_node(e->state, op, node, i, speaks));
    if (!*speaks) return SIPVEIL_OK;
    node->by_node = true;
    node->signers[i].code = SIPVEIL_OK;
    node->signers[i].trust = SV_TRUST_TRUSTED;
    sv_report_check(op, "TRU-46", SIPVEIL_CHECK_PASSED, "signer %zu is a node of a partner", i + 1);
    return SIPVEIL_OK;
}
