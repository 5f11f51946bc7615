/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes one certificate: a lab CA's, or one below it. */
#ifndef SV_KEYS_MAKE_CERTIFICATE_H
#define SV_KEYS_MAKE_CERTIFICATE_H

#include "keys/keys.h"

typedef struct sv_certificate_form {
    sipveil_span subject; /* common name */
    sipveil_span uri;     /* subjectAltName; empty: none */
    sipveil_span dns;     /* subjectAltName; empty: none */
    bool authority;
    int64_t not_before, not_after; /* seconds UTC */
} sv_certificate_form;

/* TUN-03: a URI of the form sip:user@host and nothing else; of a host, its name and sip:host. USAGE. */
sipveil_code sv_certificate_form_of(const sipveil_certificate_request *request, sv_arena *arena,
                                    sv_certificate_form *out, sipveil_error *err);

/* issuer NULL: self-signed with its own key. *out is given, free with X509_free. */
sipveil_code sv_certificate_make(sv_crypto *crypto, const sv_certificate_form *form, EVP_PKEY *key,
                                 X509 *issuer, EVP_PKEY *issuer_key, X509 **out, sipveil_error *err);

#endif
