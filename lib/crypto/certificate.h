/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates decoded once: the key in one costs as much as two signatures to decode, and the same
 * few peers write again and again. Whether one is valid or trusted is decided elsewhere, each time
 * anew. */
#ifndef SV_CRYPTO_CERTIFICATE_H
#define SV_CRYPTO_CERTIFICATE_H

#include <openssl/x509.h>

#include "crypto/crypto.h"

enum { SV_CERTIFICATES_KEPT = 16 };

/* *out lives as long as the arena, and possibly longer: nobody may change it. MALFORMED: not
 * exactly one certificate. A key of a kind that libcrypto does not know is no error here:
 * X509_get0_pubkey() then gives NULL. */
sipveil_code sv_crypto_decode_certificate(sv_crypto *crypto, sipveil_span der, sv_arena *arena,
                                          X509 **out, sipveil_error *err);

/* SHA-256 of the DER of a certificate, which nobody may change from now on: remembered, with a reference of its own. */
sipveil_code sv_crypto_hash_certificate(sv_crypto *crypto, X509 *certificate, uint8_t out[32], sipveil_error *err);

/* The last ones of a thread, decoded or hashed, in one table; the one that was not used for longest goes. */
typedef struct sv_certificate_cache sv_certificate_cache;
void sv_certificate_cache_free(sv_certificate_cache *cache);

#endif
