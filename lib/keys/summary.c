/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "keys/certificate.h"

sipveil_code sv_certificate_hash_public_key(const sipveil_context *context, X509 *certificate, uint8_t out[32],
                                            sipveil_error *err)
{
    unsigned char *der = NULL;
    size_t digest_len = 0;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool done = len > 0 && EVP_Q_digest(context->library, "SHA256", NULL, der, (size_t)len, out, &digest_len) == 1;
    OPENSSL_free(der);
    return done ? SIPVEIL_OK : sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "SHA-256 of a public key failed");
}

sipveil_code sv_certificate_summarise(const sipveil_context *context, X509 *certificate, sv_certificate_summary *out,
                                      sipveil_error *err)
{
    *out = (sv_certificate_summary){.not_before = sv_certificate_seconds(X509_get0_notBefore(certificate)),
                                    .not_after = sv_certificate_seconds(X509_get0_notAfter(certificate)),
                                    .is_authority = X509_check_ca(certificate) != 0,
                                    .is_self_issued = (X509_get_extension_flags(certificate) & EXFLAG_SI) != 0};
    SV_TRY(sv_certificate_hash_public_key(context, certificate, out->key_sha256, err));
    return sv_certificate_fingerprint(context, certificate, out->sha256, err);
}
