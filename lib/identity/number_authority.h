/* SPDX-License-Identifier: BSD-2-Clause */
/* What the certificate of RFC 8226 may say about numbers and claims. */
#ifndef SV_IDENTITY_NUMBER_AUTHORITY_H
#define SV_IDENTITY_NUMBER_AUTHORITY_H

#include "identity/identity.h"
#include "keys/json.h"

/* The two extensions of a certificate, as they stand there; empty: not there. */
typedef struct sv_number_authority {
    sipveil_span numbers;     /* TNAuthList */
    sipveil_span constraints; /* JWTClaimConstraints */
} sv_number_authority;

sipveil_code sv_number_authority_read(X509 *certificate, sv_arena *arena, sv_number_authority *out, sipveil_error *err);

/* Whether the list covers a canonical number: `one`, `range`, or, by asking, `spc`. UNTRUSTED_SIGNER with the reason. */
sipveil_code sv_number_is_covered(const sv_number_authority *authority, sipveil_span number, sipveil_identity_spc_cb spc,
                                  void *spc_user, const sipveil_limits *limits, sipveil_error *err);

/* Whether the claims of a payload keep to the constraints, where there are any. UNTRUSTED_SIGNER with the reason. */
sipveil_code sv_claims_are_allowed(const sv_number_authority *authority, const sv_json *payload, const sipveil_limits *limits,
                                   sipveil_error *err);

#endif
