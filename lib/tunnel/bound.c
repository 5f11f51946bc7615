/* SPDX-License-Identifier: BSD-2-Clause */
#include "tunnel/bound.h"

#include "tunnel/memory.h"

static sipveil_span tag_of(const sv_sip_view *view, sv_field_id id)
{
    sv_sip_address address;
    if (sv_sip_read_address(sv_sip_value(view, id), &address, NULL) != SIPVEIL_OK) return sv_span(NULL, 0);
    return address.tag;
}

sv_dialog sv_dialog_of(const sv_sip_view *view, bool received)
{
    sipveil_span from = tag_of(view, SV_F_FROM), to = tag_of(view, SV_F_TO);
    bool from_peer = view->is_request == received;
    return (sv_dialog){.call_id = sv_sip_value(view, SV_F_CALL_ID),
                       .remote_tag = from_peer ? from : to,
                       .local_tag = from_peer ? to : from};
}

static sv_store *store_of(const sv_operation *op)
{
    bool opening = op->options != NULL && op->options->memory != NULL && op->root != NULL;
    return opening ? sv_memory_store(op->options->memory) : NULL;
}

sipveil_code sv_load_bound(sv_operation *op)
{
    sv_store *store = store_of(op);
    if (op->bound != NULL || store == NULL || sv_store_count(store, SV_STORE_BINDING) == 0) return SIPVEIL_OK;
    sv_dialog dialog = sv_dialog_of(op->root->view, true);
    op->bound = sv_arena_alloc_array(op->arena, SV_BINDING_PLACES, sizeof *op->bound);
    if (op->bound == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    for (int place = 0; place < SV_BINDING_PLACES; place++) {
        sv_binding found;
        sipveil_code code = sv_binding_find(store, &dialog, (sv_binding_place)place, op->now, op->arena, &found);
        if (code == SIPVEIL_NO_KEY) continue;
        if (code != SIPVEIL_OK) return sv_no_memory(op->err, SV_TUNNEL);
        sv_bound *b = &op->bound[op->bound_count++];
        *b = (sv_bound){.aor = found.peer, .proven = found.state == SV_BINDING_PROVEN};
        for (size_t i = 0; i < sizeof b->sha256; i++) b->sha256[i] = found.sha256[i];
    }
    return SIPVEIL_OK;
}

void sv_note_proof(sv_operation *op, const sv_signer *signer)
{
    for (size_t i = 0; i < op->bound_count; i++) {
        if (sv_equal(sv_span(op->bound[i].sha256, SV_BINDING_DIGEST), sv_span(signer->bound_sha256, SV_BINDING_DIGEST))) {
            op->bound[i].proven_here = true;
        }
    }
}

void sv_remember_proof(sv_operation *op)
{
    sv_store *store = store_of(op);
    for (size_t i = 0; store != NULL && i < op->bound_count; i++) {
        sv_binding proven;
        sv_dialog dialog = sv_dialog_of(op->root->view, true);
        if (op->bound[i].proven_here) {
            (void)sv_binding_prove(store, &dialog, op->bound[i].sha256, op->now, op->arena, &proven);
        }
    }
}

bool sv_bound_to_another(const sv_operation *op, sipveil_span aor, const uint8_t sha256[SV_BINDING_DIGEST])
{
    bool other = false;
    for (size_t i = 0; i < op->bound_count; i++) { /* loaded when its signer was asked about */
        if (!sv_sip_same_aor(op->bound[i].aor, aor)) continue;
        if (sv_equal(sv_span(op->bound[i].sha256, SV_BINDING_DIGEST), sv_span(sha256, SV_BINDING_DIGEST))) return false;
        other = other || op->bound[i].proven;
    }
    return other;
}
