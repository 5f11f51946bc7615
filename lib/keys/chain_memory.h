/* SPDX-License-Identifier: BSD-2-Clause */
/* Chains that led to an anchor. Building one again costs two thirds of checking a signed message, and the same few
 * peers write again and again. Only good answers are remembered, each under everything that it followed from: the
 * very certificates (held, so that none can be exchanged for another at its address), the anchors, the options, the
 * limits, and the time within which all of the chain is valid. Where CRLs decide, nothing is remembered. */
#ifndef SV_KEYS_CHAIN_MEMORY_H
#define SV_KEYS_CHAIN_MEMORY_H

#include "keys/certificate.h"
#include "keys/chain.h"

enum { SV_CHAINS_KEPT = 8, SV_CHAIN_UNTRUSTED_MOST = 3, SV_CERTIFICATES_KNOWN = 8, SV_CERTIFICATE_NAMES_MOST = 8192 };

/* Whether this question was answered well before; *answer is what it was then. memory may be NULL. */
bool sv_chain_recall(const sv_chain_memory *memory, const sipveil_keyring *ring, const sv_chain_question *question,
                     sv_chain_answer *answer);
/* Remembers that it was; the oldest goes. Forgetting is no failure. */
void sv_chain_remember(sv_chain_memory *memory, const sipveil_keyring *ring, const sv_chain_question *question,
                       const sv_chain_answer *answer);

/* What a certificate says, which is the same each time: read once, and held with the certificate itself. Whether that
 * is good enough, now and for this address, is asked each time. */
typedef struct sv_certificate_facts {
    uint8_t sha256[32];            /* of its DER */
    int64_t not_before, not_after; /* as sv_certificate_seconds() */
    bool has_plain_times;          /* both of the form that RFC 5280 4.1.2.5 demands */
    bool may[SV_USE_COUNT];        /* sv_certificate_check_usage() */
    sv_certificate_names names;
} sv_certificate_facts;

/* Until the next call. NULL: no memory, of whichever kind, or a certificate that says too much; then it is read anew. */
const sv_certificate_facts *sv_chain_memory_facts(sv_chain_memory *memory, const sipveil_context *context, X509 *certificate);

#endif
