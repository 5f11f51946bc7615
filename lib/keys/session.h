/* SPDX-License-Identifier: BSD-2-Clause */
/* A key of a keyring that serves in one dialog only: the certificate of a binding (IDN-57). Nobody vouches for
 * it but that binding, so that no chain, name or key purpose is asked for, and it is worth nothing elsewhere. */
#ifndef SV_KEYS_SESSION_H
#define SV_KEYS_SESSION_H

#include "keys/keys.h"
#include "state/binding.h"

struct sv_session {
    sv_dialog dialog;
    sipveil_span peer; /* the address that it is bound to */
    int64_t until;
};

/* Adds the certificate as the last key of the ring. USAGE: it cannot be read. */
sipveil_code sv_keyring_add_bound(sipveil_keyring *ring, const sv_binding *binding, sipveil_error *err);

/* Before sealing to a key: one of a session only in its own dialog (seen from our side), in its time. POLICY.
 * Other keys: OK. */
sipveil_code sv_keys_check_session(const sipveil_key *key, const sv_dialog *dialog, int64_t at, sipveil_error *err);

#endif
