/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys that P1 holds of a first message, and what somebody writes by them. */
#ifndef SV_TEST_E2M_HELD_H
#define SV_TEST_E2M_HELD_H

#include "e2m/cek.h"

#include "tunnel/memory.h"
#include "tunnel/operation.h"
#include "world.h"

/* What P1 holds of the first message of a dialog. */
WORLD_UNUSED static sv_cek_record held_by_p1(world *w, sipveil_span first, sv_cek_scopes *scopes)
{
    sv_cek_record record;
    sv_sip_view *view = sv_arena_alloc(w->arena, sizeof *view);
    assert_code(sv_sip_read(first, SV_SIP_STREAM, sipveil_context_limits(w->context), view, &w->err), SIPVEIL_OK);
    assert_code(sv_cek_scopes_of(w->arena, view, scopes, &w->err), SIPVEIL_OK);
    assert_true(sv_cek_find_last(sv_memory_store(w->p1.memory), scopes, NOW, w->arena, &record));
    return record;
}

WORLD_UNUSED static sv_cms_key kek_of(world *w, const sv_cek_record *record, sv_wrap wrap)
{
    sv_cms_key kek;
    assert_code(sv_cek_make_kek(w->other->crypto, w->arena, record, wrap, sipveil_context_limits(w->context), &kek, &w->err), SIPVEIL_OK);
    return kek;
}

/* In Bob's name under a key of the caller's. */
WORLD_UNUSED static sipveil_span written_by(world *w, sipveil_worker *writer, sv_cms_key kek, const sipveil_key *signer, int cseq)
{
    sipveil_key key = {.kind = SIPVEIL_KEY_KEK, .cms = kek};
    const sipveil_key *recipient = &key;
    sipveil_seal_options o;
    sipveil_sealed out;
    sipveil_seal_options_default(&o);
    o.mode = SIPVEIL_MODE_PAYLOAD;
    o.recipients = &recipient;
    o.recipient_count = 1;
    o.signers = &signer;
    o.signer_count = signer != NULL ? 1 : 0;
    assert_code(sipveil_tunnel_seal_message(writer, &o, from_bob(w, cseq), &out, &w->err), SIPVEIL_OK);
    return copy_of(w, out.message);
}

#endif
