/* SPDX-License-Identifier: BSD-2-Clause */
/* Chains that led to an anchor. Building one again costs two thirds of checking a signed message, and the same few
 * peers write again and again. Only good answers are remembered, each under everything that it followed from: the
 * very certificates (held, so that none can be exchanged for another at its address), the anchors, the options, the
 * limits, and the time within which all of the chain is valid. Where CRLs decide, nothing is remembered. */
#ifndef SV_KEYS_CHAIN_MEMORY_H
#define SV_KEYS_CHAIN_MEMORY_H

#include "keys/chain.h"

enum { SV_CHAINS_KEPT = 8, SV_CHAIN_UNTRUSTED_MOST = 3 };

/* Whether this question was answered well before; *answer is what it was then. memory may be NULL. */
bool sv_chain_recall(const sv_chain_memory *memory, const sipveil_keyring *ring, const sv_chain_question *question,
                     sv_chain_answer *answer);
/* Remembers that it was; the oldest goes. Forgetting is no failure. */
void sv_chain_remember(sv_chain_memory *memory, const sipveil_keyring *ring, const sv_chain_question *question,
                       const sv_chain_answer *answer);

#endif
