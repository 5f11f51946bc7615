/* SPDX-License-Identifier: BSD-2-Clause */
/* S/MIME between nodes: the previous hop proves itself by its signature over the message, where its row says so
 * (TRU-46, TRU-48). The signature of a user, or of a node that is no partner's, changes nothing. */
#include "keys/domain.h"
#include "keys/keyring.h"
#include "trust/verdict.h"
#include "tunnel/operation.h"

typedef struct node_signer {
    const sipveil_trust_table *table;
    const sipveil_trust_peer *peer;
    sipveil_trust_verdict *verdict;
} node_signer;

static sipveil_code speaks_as_node(void *state, sv_operation *op, const sv_node *layer, size_t signer, bool *speaks)
{
    node_signer *n = state;
    sipveil_trust_verdict v;
    sipveil_domain_certificate certificate = {.arena = op->arena};
    if (op->options->keyring == NULL) return SIPVEIL_OK;
    SV_TRY(sv_domain_certificate_judge(op->options->keyring, layer->signatures[signer].certificate, layer->certificates,
                                       op->now, op->arena, &certificate, op->err));
    sv_error_clear(op->err);
    /* By the signature alone: that the link is good proves nothing about who signed. */
    sipveil_trust_peer peer = *n->peer;
    peer.certificate = NULL;
    peer.name_count = 0;
    peer.sa = NULL;
    peer.signer = &certificate;
    sipveil_trust_judge_peer(n->table, SIPVEIL_TRUST_PROFILE_RFC3325, SIPVEIL_TRUST_IN, sv_span(NULL, 0), &peer, op->now, &v);
    *speaks = v.trusted && v.protection == SIPVEIL_TRUST_BY_SMIME;
    if (*speaks) *n->verdict = v;
    return SIPVEIL_OK;
}

sipveil_code sipveil_trust_open_message(sipveil_worker *worker, const sipveil_open_options *options,
                                        const sipveil_trust_table *table, const sipveil_trust_peer *peer,
                                        sipveil_span message, sipveil_opened *out, sipveil_trust_verdict *verdict,
                                        sipveil_error *err)
{
    if (worker == NULL || options == NULL || table == NULL || peer == NULL || verdict == NULL) {
        return sv_fail(err, SV_TRUST, SIPVEIL_USAGE,
                       "worker, options, table, peer and a place for the verdict are needed");
    }
    sipveil_trust_verdict by_signature = {0};
    node_signer state = {.table = table, .peer = peer, .verdict = &by_signature};
    const sv_opening_extension extension = {.state = &state, .speaks_as_node = speaks_as_node};
    sipveil_open_options open = *options;
    open.allow_unprotected = true; /* most hops do not sign */
    int64_t at = options->has_at ? options->at : sv_now(worker->context);
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, SIPVEIL_TRUST_IN, sv_span(NULL, 0), peer, at, verdict);
    sipveil_code code = sv_open_extended(worker, &open, &extension, message, out, err);
    worker->operation.extension = NULL; /* it goes with this call */
    if (code == SIPVEIL_OK && by_signature.trusted && !verdict->trusted) *verdict = by_signature;
    return code;
}
