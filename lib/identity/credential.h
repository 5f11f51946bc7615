/* SPDX-License-Identifier: BSD-2-Clause */
/* The certificate behind a URI: fetched, decoded, its chain checked, what it speaks for; kept for the next message. */
#ifndef SV_IDENTITY_CREDENTIAL_H
#define SV_IDENTITY_CREDENTIAL_H

#include "identity/number_authority.h"

typedef struct sv_credential {
    X509 *certificate;
    EVP_PKEY *key;
    bool is_p256;
    sipveil_span der;
    uint8_t sha256[32];
    const sipveil_span *domains; /* RFC 5922 7.1 */
    size_t domain_count;
    sv_number_authority numbers;
    int64_t not_before, not_after;   /* of the certificate */
    int64_t holds_from, holds_until; /* the chain was good at any second of these */
    bool weak;                       /* accepted only by SIPVEIL_WEAK_... */
    unsigned allow_weak;             /* under which it was accepted */
    bool allow_tls_usage, allow_http, allow_private_hosts;
} sv_credential;

/* Who asks, and when. */
typedef struct sv_credential_question {
    const sipveil_identity_verify_options *options;
    sv_operation *op;
    int64_t at;
} sv_credential_question;

/* What a failure is to be answered with: 436, it cannot be had; 437, it can and is not taken. */
sipveil_code sv_credential_get(const sv_credential_question *question, sipveil_span uri, const sv_credential **out,
                               int *status, sipveil_error *err);

#endif
