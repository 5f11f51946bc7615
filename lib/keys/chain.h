/* SPDX-License-Identifier: BSD-2-Clause */
/* From a certificate to a trust anchor of the ring. */
#ifndef SV_KEYS_CHAIN_H
#define SV_KEYS_CHAIN_H

#include "keys/keyring.h"

typedef struct sv_chain_question {
    X509 *certificate;
    STACK_OF(X509) *untrusted; /* may be NULL */
    int64_t at;
    bool ignore_validity;
    unsigned allow_weak;
    const sipveil_limits *limits;
    sv_chain_memory *memory;   /* NULL: none */
    STACK_OF(X509) **built;    /* NULL, or where the chain goes that leads to an anchor, leaf first; in the arena */
} sv_chain_question;

typedef struct sv_chain_answer {
    bool revocation_checked; /* CRLs were there and were asked */
    /* The same question has the same answer at any second of these (sv_valid_at); where CRLs were asked, at none. */
    int64_t from, until;
} sv_chain_answer;

/* Builds the chain and checks it: signatures, time, basic constraints, path length, name constraints
 * and CRLs by libcrypto; CA flags, key sizes and digests by our own rule. OK: it leads to an anchor.
 * UNTRUSTED_SIGNER, POLICY (weak), LIMIT: with rule and sentence in err. INTERNAL. */
sipveil_code sv_chain_check(const sipveil_keyring *ring, const sv_chain_question *question,
                            sv_arena *arena, sv_chain_answer *answer, sipveil_error *err);

#endif
