/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/certificate.h"

#include <limits.h>
#include <openssl/err.h>

static void free_certificate(void *certificate)
{
    X509_free(certificate);
}

static X509 *decode(OSSL_LIB_CTX *library, sipveil_span der)
{
    X509 *certificate = X509_new_ex(library, NULL);
    const uint8_t *at = der.data;
    if (certificate != NULL && der.len <= LONG_MAX &&
        d2i_X509(&certificate, &at, (long)der.len) != NULL && at == der.data + der.len) {
        return certificate;
    }
    X509_free(certificate); /* NULL when d2i_X509() has freed it */
    return NULL;
}

sipveil_code sv_crypto_decode_certificate(sv_crypto *crypto, sipveil_span der, sv_arena *arena, X509 **out,
                                   sipveil_error *err)
{
    *out = NULL;
    ERR_clear_error();
    X509 *certificate = decode(sv_crypto_context(crypto)->library, der);
    if (certificate == NULL) {
        return sv_fail_openssl(err, "crypto", SIPVEIL_MALFORMED, "a certificate cannot be read");
    }
    ERR_clear_error(); /* what libcrypto thought of an unknown kind of key */
    if (!sv_arena_defer(arena, free_certificate, certificate)) return sv_no_memory(err, "crypto");
    *out = certificate;
    return SIPVEIL_OK;
}
