/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/session.h"

#include "keys/certificate.h"
#include "keys/keyring.h"

static sipveil_code make(sv_key_batch *batch, const sv_binding *binding, sipveil_error *err)
{
    X509 *certificate;
    sv_session *session = sv_arena_alloc(batch->arena, sizeof *session);
    if (session == NULL) return sv_no_memory(err, "keys");
    *session = (sv_session){.until = binding->until};
    if (!sv_arena_copy(batch->arena, binding->dialog.call_id, &session->dialog.call_id) ||
        !sv_arena_copy(batch->arena, binding->dialog.local_tag, &session->dialog.local_tag) ||
        !sv_arena_copy(batch->arena, binding->dialog.remote_tag, &session->dialog.remote_tag) ||
        !sv_arena_copy(batch->arena, binding->peer, &session->peer)) {
        return sv_no_memory(err, "keys");
    }
    SV_TRY(sv_certificate_load(batch->context, binding->certificate, batch->arena, &certificate, err));
    SV_TRY(sv_key_batch_add_certificate(batch, certificate, NULL, NULL, err));
    batch->last->session = session;
    return SIPVEIL_OK;
}

sipveil_code sv_keyring_add_bound(sipveil_keyring *ring, const sv_binding *binding, sipveil_error *err)
{
    sv_key_batch *batch = sv_key_batch_new(ring->context);
    if (batch == NULL) return sv_no_memory(err, "keys");
    return sv_keyring_take(ring, batch, make(batch, binding, err), NULL, err);
}

static bool same_dialog(const sv_dialog *of_key, const sv_dialog *here)
{
    return sv_equal(of_key->call_id, here->call_id) && sv_equal(of_key->remote_tag, here->remote_tag) &&
           (of_key->local_tag.len == 0 || sv_equal(of_key->local_tag, here->local_tag));
}

sipveil_code sv_keys_check_session(const sipveil_key *key, const sv_dialog *dialog, int64_t at, sipveil_error *err)
{
    const sv_session *session = key->session;
    if (session == NULL) return SIPVEIL_OK;
    if (!same_dialog(&session->dialog, dialog)) {
        return sv_fail_rule(err, "keys", SIPVEIL_POLICY, "IDN-59", SIPVEIL_NO_OFFSET,
                            "%s is bound to %s in the dialog %s only, and this message is of %s", key->description,
                            SV_QUOTE(session->peer), SV_QUOTE(session->dialog.call_id), SV_QUOTE(dialog->call_id));
    }
    if (at <= session->until) return SIPVEIL_OK;
    return sv_fail_rule(err, "keys", SIPVEIL_POLICY, "IDN-60", SIPVEIL_NO_OFFSET,
                        "%s was bound to %s, and that has ended", key->description, SV_QUOTE(session->peer));
}
