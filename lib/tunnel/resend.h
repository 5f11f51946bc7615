/* SPDX-License-Identifier: BSD-2-Clause */
/* A request that is sent again after a response (RFC 3261 8.1.3.5): another transaction, and nothing else is new. */
#ifndef SV_TUNNEL_RESEND_H
#define SV_TUNNEL_RESEND_H

#include "crypto/crypto.h"
#include "sip/edit.h"

/* The number after `last`. USAGE: there is none. The request has a CSeq. */
sipveil_code sv_resend_next_cseq(sv_sip_edit *edit, uint32_t last, sv_arena *arena, sipveil_error *err);
/* A branch of random octets in the place of that of the topmost Via, which is ours. *had: there was one. */
sipveil_code sv_resend_next_branch(sv_sip_edit *edit, sv_crypto *crypto, sv_arena *arena, bool *had, sipveil_error *err);

#endif
