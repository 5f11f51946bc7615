/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates decoded once. Whether one is valid or trusted is decided elsewhere. */
#ifndef SV_CRYPTO_CERTIFICATE_H
#define SV_CRYPTO_CERTIFICATE_H

#include <openssl/x509.h>

#include "crypto/crypto.h"

/* *out lives as long as the arena. MALFORMED: not exactly one certificate. A key of a kind that
 * libcrypto does not know is no error here: X509_get0_pubkey() then gives NULL. */
sipveil_code sv_crypto_decode_certificate(sv_crypto *crypto, sipveil_span der, sv_arena *arena, X509 **out,
                                   sipveil_error *err);

#endif
