/* SPDX-License-Identifier: BSD-2-Clause */
/* PKCS#12 (RFC 7292), by libcrypto. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "base/span.h"
#include "keys/bundle.h"

enum { PASSPHRASE_MOST = 1024 };

/* No passphrase and an empty one are two things in PKCS#12; both need nobody to be asked. */
static sipveil_code find_passphrase(PKCS12 *p12, sv_passphrase *passphrase, char *text,
                                    const char **found, sipveil_error *err)
{
    *found = NULL;
    if (!PKCS12_mac_present(p12)) {
        /* Nothing tells a wrong passphrase early; an encrypted content will. */
        int len = sv_passphrase_ask(text, PASSPHRASE_MOST, 0, passphrase);
        passphrase->missing = false;
        if (len < 0) return SIPVEIL_OK;
        text[len] = '\0';
        *found = text;
        return SIPVEIL_OK;
    }
    if (PKCS12_verify_mac(p12, NULL, 0) == 1) return SIPVEIL_OK;
    if (PKCS12_verify_mac(p12, "", 0) == 1) {
        *found = "";
        return SIPVEIL_OK;
    }
    ERR_clear_error();
    int len = sv_passphrase_ask(text, PASSPHRASE_MOST, 0, passphrase);
    if (len < 0) return sv_passphrase_fail(passphrase, "the PKCS#12 file", err);
    text[len] = '\0';
    if (PKCS12_verify_mac(p12, text, len) != 1) {
        return sv_passphrase_fail(passphrase, "the PKCS#12 file", err);
    }
    *found = text;
    return SIPVEIL_OK;
}

/* Read again from its DER: within the limits, and for our own library context. */
static sipveil_code take_certificate(sv_bundle *bundle, const X509 *certificate, sipveil_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    if (len <= 0) return sv_fail_openssl(err, "keys", SIPVEIL_USAGE, "a certificate cannot be read");
    sipveil_code code = sv_bundle_add_der(bundle, sv_span(der, (size_t)len), err);
    OPENSSL_free(der);
    return code;
}

static sipveil_code take_parts(sv_bundle *bundle, EVP_PKEY *key, X509 *certificate,
                               STACK_OF(X509) *others, sipveil_error *err)
{
    sipveil_code code = SIPVEIL_OK;
    if (key != NULL) code = sv_bundle_add_private_key(bundle, key, err);
    if (code == SIPVEIL_OK && certificate != NULL) {
        code = take_certificate(bundle, certificate, err);
    }
    for (int i = 0; i < sk_X509_num(others) && code == SIPVEIL_OK; i++) {
        code = take_certificate(bundle, sk_X509_value(others, i), err);
    }
    return code;
}

static sipveil_code read_parts(sv_bundle *bundle, PKCS12 *p12, sv_passphrase *passphrase,
                               sipveil_error *err)
{
    char text[PASSPHRASE_MOST + 1];
    const char *found;
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    STACK_OF(X509) *others = NULL;
    sipveil_code code = find_passphrase(p12, passphrase, text, &found, err);
    ERR_clear_error();
    if (code == SIPVEIL_OK) {
        code = PKCS12_parse(p12, found, &key, &certificate, &others) == 1
                   ? take_parts(bundle, key, certificate, others, err)
                   : sv_passphrase_fail(passphrase, "the PKCS#12 file", err);
    }
    OPENSSL_cleanse(text, sizeof text);
    X509_free(certificate);
    sk_X509_pop_free(others, X509_free);
    ERR_clear_error();
    return code;
}

sipveil_code sv_bundle_read_pkcs12(sv_bundle *bundle, sipveil_span octets, sv_passphrase *passphrase,
                                   sipveil_error *err)
{
    const unsigned char *at = octets.data;
    PKCS12 *p12 = PKCS12_init_ex(NID_pkcs7_data, bundle->context->library, NULL);
    if (p12 == NULL) return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "no PKCS#12 object");
    if (d2i_PKCS12(&p12, &at, (long)octets.len) == NULL || at != octets.data + octets.len) {
        PKCS12_free(p12);
        return sv_fail_openssl(err, "keys", SIPVEIL_USAGE, "neither a JWK nor PEM nor PKCS#12");
    }
    sipveil_code code = read_parts(bundle, p12, passphrase, err);
    PKCS12_free(p12);
    return code;
}
