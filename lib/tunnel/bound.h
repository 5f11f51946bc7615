/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates that are bound to an address for the dialog of the message at hand (IDN-57 to 61): as accepted
 * signers, and as recipients. */
#ifndef SV_TUNNEL_BOUND_H
#define SV_TUNNEL_BOUND_H

#include "keys/session.h"
#include "tunnel/operation.h"

/* The dialog of a message, from our side. Tags that are not there are empty. */
sv_dialog sv_dialog_of(const sv_sip_view *view, bool received);

/* op->bound becomes what the memory has bound for the dialog of the message that is being opened; once a call. INTERNAL. */
sipveil_code sv_load_bound(sv_operation *op);
/* A signer was accepted as bound, by a signature over a whole message or AIB: that proves the key (IDN-58). */
void sv_note_proof(sv_operation *op, const sv_signer *signer);
/* Last of all, when nothing refuses: it is remembered. */
void sv_remember_proof(sv_operation *op);
/* Whether another certificate than this one is bound and proven for that address in this dialog (IDN-59). */
bool sv_bound_to_another(const sv_operation *op, sipveil_span aor, const uint8_t sha256[SV_BINDING_DIGEST]);

#endif
