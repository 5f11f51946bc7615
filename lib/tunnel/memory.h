/* SPDX-License-Identifier: BSD-2-Clause */
/* What a receiver remembers between messages, over lib/state. */
#ifndef SV_TUNNEL_MEMORY_H
#define SV_TUNNEL_MEMORY_H

#include "crypto/crypto.h"
#include "sip/view.h"
#include "sipveil/tunnel.h"
#include "state/store.h"

/* What is behind it, for higher rooms; borrowed. */
sv_store *sv_memory_store(const sipveil_memory *memory);

/* A call that fails for want of memory or of random numbers remembers nothing, so that it can be made again: what it
 * added and replaced is taken back. Every other refusal may have its reasons to remember. memory may be NULL. */
sv_store_mark sv_memory_begin(const sipveil_memory *memory);
void sv_memory_end(const sipveil_memory *memory, const sv_store_mark *mark, sipveil_code code);

/* Whether what was protected came with this message before: SIPVEIL_REPLAY. Changes nothing. */
sipveil_code sv_memory_check_not_seen(const sipveil_memory *memory, sv_crypto *crypto, const sv_sip_view *outer,
                                      sipveil_span content, int64_t now, sipveil_error *err);
/* Remembers a message by Call-ID, CSeq, From tag and the digest of what was protected; REPLAY if it was
 * there already (ADV-145). */
sipveil_code sv_memory_add_seen(sipveil_memory *memory, sv_crypto *crypto, const sv_sip_view *outer, sipveil_span content,
                                int64_t now, int64_t expires, sipveil_error *err);

/* Whether one act of sealing came with another dialog, another method, or as a response: SIPVEIL_REPLAY (ADV-146). seal:
 * octets that nobody can make anew without the keys. Changes nothing. */
sipveil_code sv_memory_check_seal(const sipveil_memory *memory, sv_crypto *crypto, const sv_sip_view *outer, sipveil_span seal,
                                  int64_t now, sipveil_error *err);
/* Remembers it for the dialog and method of this message. */
sipveil_code sv_memory_add_seal(sipveil_memory *memory, sv_crypto *crypto, const sv_sip_view *outer, sipveil_span seal,
                                int64_t now, int64_t expires, sipveil_error *err);

#endif
