/* SPDX-License-Identifier: BSD-2-Clause */
/* The UA that receives: its own opening, and what it should know about the hops. */
#include "e2m/copy.h"
#include "e2m/policy_contact.h"
#include "e2m/need.h"
#include "e2m/receiving.h"
#include "keys/certificate.h"
#include "sip/values.h"
#include "tunnel/memory.h"

void sipveil_e2m_open_options_default(sipveil_e2m_open_options *options)
{
    if (options == NULL) return;
    *options = (sipveil_e2m_open_options){.size = sizeof *options};
    sipveil_open_options_default(&options->open);
}

typedef struct ua_receiving {
    sv_receiving r;
    const sipveil_e2m_open_options *options;
    bool asked;               /* for answers that a hop can read */
    sv_cek_record asked_for;
} ua_receiving;

/* ---- private part and copy (E2M-41, ADV-161) ---- */

static bool is_copy(const sv_node *part, const sv_node *private_out)
{
    const sv_node *out = sv_came_out(part);
    if (!part->entity->handling_optional || out->entity == NULL || out->type == SV_NODE_SIPFRAG) return false;
    if (sv_node_is_encrypted(part)) return part->opened;
    /* In clear only inside an envelope that was opened, and only what has the same type. */
    for (const sv_node *up = part->parent; up != NULL && !sv_node_is_sip(up); up = up->parent) {
        if (sv_node_is_encrypted(up) && up->opened) {
            return sv_equal_nocase(out->entity->type.type, private_out->entity->type.type) &&
                   sv_equal_nocase(out->entity->type.subtype, private_out->entity->type.subtype);
        }
    }
    return false;
}

static sipveil_code compare_parts(ua_receiving *ua, sv_operation *op, const sv_node *multipart)
{
    const sv_node *private_part = NULL;
    for (const sv_node *part = multipart->first_child; part != NULL && private_part == NULL; part = part->next) {
        if (sv_node_is_encrypted(part) && part->opened && !part->entity->handling_optional) private_part = part;
    }
    if (private_part == NULL) return SIPVEIL_OK;
    const sv_node *out = sv_came_out(private_part);
    for (const sv_node *part = multipart->first_child; part != NULL && out->entity != NULL; part = part->next) {
        if (part == private_part || !is_copy(part, out)) continue;
        bool same;
        SV_TRY(sv_copy_agrees(op, out->entity, sv_came_out(part)->entity, &same));
        sv_report_check(op, "E2M-41", same ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_FAILED,
                        "the private part and the copy for hops %s", same ? "agree" : "differ");
        if (same) continue;
        if (ua->options->attended) {
            sv_report_warning(op, "E2M-41", "hops were shown something else than the private part says");
            continue;
        }
        return sv_fail_rule(op->err, SV_E2M, SIPVEIL_HEADER_MISMATCH, "E2M-41", SIPVEIL_NO_OFFSET,
                            "the private part and the copy that hops were shown differ");
    }
    return SIPVEIL_OK;
}

static sipveil_code compare_all(ua_receiving *ua, sv_operation *op, const sv_node *node)
{
    for (; node != NULL; node = node->next) {
        if (node->type == SV_NODE_MULTIPART) SV_TRY(compare_parts(ua, op, node));
        SV_TRY(compare_all(ua, op, node->first_child));
    }
    return SIPVEIL_OK;
}

/* ---- what the user should know ---- */

typedef struct part_search {
    sipveil_span cid;
    const sv_node *found;
} part_search;

static bool has_cid(void *state, const sv_node *node)
{
    part_search *s = state;
    if (node->entity != NULL && node->entity->content_id.len > 0 && sv_equal(node->entity->content_id, s->cid)) {
        s->found = node;
    }
    return s->found == NULL;
}

/* E2M-22: to whom it was shown; E2M-58, ADV-163: a label that nobody signed is only what a hop may have written. */
static void report_labels(sv_operation *op, const sv_labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        const sv_label *label = &labels->items[i];
        part_search search = {.cid = label->cid};
        if (label->malformed) continue;
        (void)sv_visit_nodes(op->root, has_cid, &search);
        bool is_signed = search.found != NULL && sv_signed_fragment_for(search.found) != NULL;
        sv_report_check(op, "E2M-22", is_signed ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_NOT_DONE,
                        "%s: %s may %s%s", is_signed ? "signed" : "not signed", SV_QUOTE(label->hop.host),
                        sv_act_name(label->act), search.found == NULL ? " a part that is not there" : "");
    }
}

static bool is_labelled(const sv_labels *labels, sipveil_span host)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (sv_equal_nocase(labels->items[i].hop.host, host)) return true;
    }
    return false;
}

/* E2M-38: we asked for answers that hops can read, and this is none. */
static void report_undisclosed(const ua_receiving *ua, sv_operation *op, const sv_labels *labels,
                               const sv_cek_record *record)
{
    bool by_key = false;
    for (size_t i = 0; i < ua->r.reused_count; i++) by_key |= ua->r.reused[i].opened;
    for (size_t i = 0; i < record->hop_count; i++) {
        sipveil_span host = record->hops[i].host;
        if (record->hops[i].reply == SIPVEIL_E2M_NONE) continue;
        if (by_key && is_labelled(labels, host)) {
            sv_report_check(op, "E2M-38", SIPVEIL_CHECK_PASSED, "the answer was disclosed to %s", SV_QUOTE(host));
            continue;
        }
        sv_report_check(op, "E2M-38", SIPVEIL_CHECK_NOT_DONE, "not disclosed to %s", SV_QUOTE(host));
        sv_report_warning(op, "E2M-38", "the far end did not disclose to %s", SV_QUOTE(host));
    }
}

/* What we made for this dialog and asked for; looked up before this message uses it up. */
static sipveil_code find_asked(ua_receiving *ua, sv_operation *op)
{
    sv_cek_scopes scopes;
    if (ua->r.store == NULL || op->root == NULL || op->root->view->body.len == 0) return SIPVEIL_OK;
    sipveil_code code = sv_cek_scopes_of(op->arena, op->root->view, &scopes, NULL);
    if (code == SIPVEIL_OK) {
        ua->asked = sv_cek_find_last(ua->r.store, &scopes, op->now, op->arena, &ua->asked_for) && ua->asked_for.made;
    }
    return code == SIPVEIL_INTERNAL || ua->asked_for.no_memory ? sv_no_memory(op->err, SV_E2M) : SIPVEIL_OK;
}

/* ---- parts for others (E2M-40) ---- */

static bool find_required(void *state, const sv_node *node)
{
    const sv_node **found = state;
    bool is_part = node->parent != NULL && node->parent->type == SV_NODE_MULTIPART;
    if (is_part && sv_node_is_encrypted(node) && !node->opened && !node->entity->handling_optional) *found = node;
    return *found == NULL;
}

/* An optional part for others is nothing to us. One that has to be handled makes the whole undecipherable for the UA
 * that it is for; whoever does not say that he is that UA is warned. */
static sipveil_code check_required_parts(sv_operation *op)
{
    const sv_node *found = NULL;
    if (op->options->layers == 0) (void)sv_visit_nodes(op->root, find_required, &found);
    if (found == NULL) return SIPVEIL_OK;
    if (op->options->me == NULL) {
        sv_report_warning(op, "E2M-40", "a part that has to be handled is encrypted for others");
        return SIPVEIL_OK;
    }
    sv_report_check(op, "E2M-40", SIPVEIL_CHECK_FAILED, "a part that has to be handled is encrypted for others");
    return sv_fail_rule(op->err, SV_E2M, SIPVEIL_NO_KEY, "E2M-40", SIPVEIL_NO_OFFSET,
                        "a part that has to be handled is encrypted for others, and not for us");
}

static sipveil_code judge(void *state, sv_operation *op)
{
    ua_receiving *ua = state;
    sv_labels labels;
    SV_TRY(find_asked(ua, op));
    if (sv_labels_read(op->root->view, &labels, NULL) == SIPVEIL_OK) SV_TRY(sv_check_signed_labels(op, &labels, true));
    SV_TRY(check_required_parts(op));
    return compare_all(ua, op, op->root);
}

/* E2M-67, E2M-69: a proxy put it there, and nobody signed it: a hint for the user. */
static void report_policy_servers(sv_operation *op)
{
    sipveil_e2m_policy_contact contacts[SIPVEIL_E2M_POLICY_CONTACTS_MOST];
    size_t count;
    if (sv_policy_contacts_read(op->root->view, contacts, SIPVEIL_E2M_POLICY_CONTACTS_MOST, &count, NULL) !=
        SIPVEIL_OK) {
        sv_report_warning(op, "E2M-67", "the policy servers that a proxy names cannot be read");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        sv_report_check(op, "E2M-67", SIPVEIL_CHECK_NOT_DONE, "a proxy names the policy server %s",
                        SV_QUOTE(contacts[i].uri));
    }
    if (count > 0) {
        sv_report_warning(op, "E2M-67", "a proxy asks for a policy server to be contacted: %s",
                          SV_QUOTE(contacts[0].uri));
    }
}

static void tell(void *state, sv_operation *op)
{
    const ua_receiving *ua = state;
    sv_labels labels;
    if (sv_labels_read(op->root->view, &labels, NULL) != SIPVEIL_OK) {
        labels.count = 0;
        sv_report_warning(op, "ADV-162", "the labels for proxies cannot be read");
    }
    report_labels(op, &labels);
    report_policy_servers(op);
    if (ua->asked) report_undisclosed(ua, op, &labels, &ua->asked_for);
}

sipveil_code sipveil_e2m_open_message(sipveil_worker *worker, const sipveil_e2m_open_options *options, sipveil_span message,
                                      sipveil_opened *out, sipveil_error *err)
{
    if (worker == NULL || options == NULL || options->size != sizeof *options || out == NULL) {
        sv_error_clear(err);
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker, options (with their size) and a place are needed");
    }
    sipveil_open_options open = options->open;
    open.size = sizeof open;
    ua_receiving ua = {.options = options,
                       .r = {.store = open.memory != NULL ? sv_memory_store(open.memory) : NULL,
                             .allow_unprotected = options->allow_unprotected_cekref,
                             .judge = judge,
                             .tell = tell,
                             .state = &ua}};
    sv_opening_extension extension = sv_receiving_calls;
    extension.state = &ua.r;
    sipveil_code code = sv_open_extended(worker, &open, &extension, message, out, err);
    worker->operation.extension = NULL; /* it goes with this call */
    return code;
}

/* ---- the answer ---- */

/* CEK-09: whoever seals by an earlier key is told that it is not here, whatever the reason of the refusal is. */
static sipveil_code put_rekey(sv_operation *op, const sv_sip_view *view, const sipveil_key *own, sv_answer *answer)
{
    sv_sip_address to;
    sipveil_e2m_need need = {.need = SIPVEIL_E2M_VIEW, .for_requests = true, .rekey = true};
    sv_buffer rows;
    if (sv_sip_read_address(sv_sip_value(view, SV_F_TO), &to, NULL) != SIPVEIL_OK) return SIPVEIL_OK;
    need.host = sv_sip_host(to.uri);
    if (need.host.len == 0) return SIPVEIL_OK;
    if (own != NULL) {
        need.has_fingerprint = true;
        SV_TRY(sv_certificate_fingerprint(op->worker->context, own->cms.certificate, need.fingerprint, op->err));
    }
    sv_buffer_init(&rows, op->arena, 512, 4096);
    sv_put_str(&rows, "Proxy-Body-Need: ");
    sv_need_put(&rows, &need);
    sv_put_str(&rows, "\r\n");
    answer->rows = sv_buffer_span(&rows);
    return sv_buffer_check(&rows, SV_E2M, op->err);
}

sipveil_code sipveil_e2m_write_refusal(sipveil_worker *worker, const sipveil_open_options *options, sipveil_span message,
                                const sipveil_error *why, sipveil_span *response, sipveil_error *err)
{
    const sv_operation *op = worker != NULL ? &worker->operation : NULL;
    bool remembers = op != NULL && op->options != NULL && op->options->memory != NULL; /* else nothing could be here */
    bool rekey = remembers && options != NULL && op->root != NULL &&
                 sv_is_for_earlier_keys(op->root->first_child, options->keyring);
    return sv_answer_refusal(worker, options, message, why, rekey ? put_rekey : NULL, response, err);
}
