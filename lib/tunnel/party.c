/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program with one thread begins with, in one call. */
#include "tunnel/operation.h"

static sipveil_code fill(sipveil_party *party, const char *own_keys, const char *anchors, sipveil_error *err)
{
    SV_TRY(sipveil_context_new(NULL, &party->context, err));
    SV_TRY(sipveil_keyring_new(party->context, &party->keyring, err));
    SV_TRY(sipveil_memory_new(&party->memory, err));
    SV_TRY(sipveil_worker_new(party->context, &party->worker, err));
    if (own_keys != NULL) SV_TRY(sipveil_keyring_add_file(party->keyring, own_keys, NULL, &party->own, err));
    return anchors != NULL ? sipveil_keyring_add_anchors(party->keyring, anchors, err) : SIPVEIL_OK;
}

sipveil_code sipveil_party_set_up(sipveil_party *party, const char *own_keys, const char *anchors, sipveil_error *err)
{
    sv_error_clear(err);
    if (party == NULL) return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "no place for the party");
    *party = (sipveil_party){0};
    sipveil_code code = fill(party, own_keys, anchors, err);
    if (code != SIPVEIL_OK) sipveil_party_take_down(party);
    return code;
}

void sipveil_party_take_down(sipveil_party *party)
{
    if (party == NULL) return;
    sipveil_worker_free(party->worker);
    sipveil_memory_free(party->memory);
    sipveil_keyring_free(party->keyring);
    sipveil_context_free(party->context);
    *party = (sipveil_party){0};
}
