/* SPDX-License-Identifier: BSD-2-Clause */
/* PKCS#12 (RFC 7292), by libcrypto. Only d2i_PKCS12_bio keeps the library context given. */
#include <openssl/bio.h>
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

/* ---- bags ---- */

typedef struct bag_reader {
    sv_bundle *bundle;
    const sv_passphrase *asked;
    const char *passphrase;
    int len;
} bag_reader;

enum { BAG_DEPTH_MOST = 4 };

static sipveil_code take_key(const bag_reader *r, const PKCS8_PRIV_KEY_INFO *info, sipveil_error *err)
{
    EVP_PKEY *key = info == NULL ? NULL : EVP_PKCS82PKEY_ex(info, r->bundle->context->library, NULL);
    if (key == NULL) return sv_passphrase_fail(r->asked, "the private key", err);
    return sv_bundle_add_private_key(r->bundle, key, err);
}

static sipveil_code take_shrouded_key(const bag_reader *r, const PKCS12_SAFEBAG *bag, sipveil_error *err)
{
    PKCS8_PRIV_KEY_INFO *info = PKCS12_decrypt_skey_ex(bag, r->passphrase, r->len,
                                                       r->bundle->context->library, NULL);
    sipveil_code code = take_key(r, info, err);
    PKCS8_PRIV_KEY_INFO_free(info);
    return code;
}

/* Read again from its DER: within the limits, and for our own library context. */
static sipveil_code take_certificate(const bag_reader *r, const PKCS12_SAFEBAG *bag, sipveil_error *err)
{
    unsigned char *der = NULL;
    X509 *certificate = PKCS12_SAFEBAG_get1_cert(bag);
    int len = certificate == NULL ? 0 : i2d_X509(certificate, &der);
    sipveil_code code = len > 0 ? sv_bundle_add_der(r->bundle, sv_span(der, (size_t)len), err)
                                : sv_fail_openssl(err, "keys", SIPVEIL_USAGE,
                                                  "a certificate cannot be read");
    OPENSSL_free(der);
    X509_free(certificate);
    return code;
}

static sipveil_code take_bags(const bag_reader *r, const STACK_OF(PKCS12_SAFEBAG) *bags, unsigned depth,
                              sipveil_error *err)
{
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        switch (PKCS12_SAFEBAG_get_nid(bag)) {
        case NID_keyBag:
            SV_TRY(take_key(r, PKCS12_SAFEBAG_get0_p8inf(bag), err));
            break;
        case NID_pkcs8ShroudedKeyBag:
            SV_TRY(take_shrouded_key(r, bag, err));
            break;
        case NID_certBag:
            if (PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Certificate) {
                SV_TRY(take_certificate(r, bag, err));
            }
            break;
        case NID_safeContentsBag:
            if (depth >= BAG_DEPTH_MOST) {
                return sv_fail(err, "keys", SIPVEIL_USAGE, "the PKCS#12 file is nested too deep");
            }
            SV_TRY(take_bags(r, PKCS12_SAFEBAG_get0_safes(bag), depth + 1, err));
            break;
        default:
            break; /* CRLs and secrets: not looked for */
        }
    }
    return SIPVEIL_OK;
}

static sipveil_code take_safe(const bag_reader *r, PKCS7 *safe, sipveil_error *err)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    if (PKCS7_type_is_data(safe)) {
        bags = PKCS12_unpack_p7data(safe);
    } else if (PKCS7_type_is_encrypted(safe)) {
        bags = PKCS12_unpack_p7encdata(safe, r->passphrase, r->len);
    }
    if (bags == NULL) return sv_passphrase_fail(r->asked, "the PKCS#12 file", err);
    sipveil_code code = take_bags(r, bags, 0, err);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return code;
}

/* Not PKCS12_parse: in OpenSSL 3.0 it decrypts keys with the default library context. */
static sipveil_code take_safes(const bag_reader *r, PKCS12 *p12, sipveil_error *err)
{
    STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
    if (safes == NULL) return sv_passphrase_fail(r->asked, "the PKCS#12 file", err);
    sipveil_code code = SIPVEIL_OK;
    for (int i = 0; i < sk_PKCS7_num(safes) && code == SIPVEIL_OK; i++) {
        code = take_safe(r, sk_PKCS7_value(safes, i), err);
    }
    sk_PKCS7_pop_free(safes, PKCS7_free);
    return code;
}

static sipveil_code read_parts(sv_bundle *bundle, PKCS12 *p12, sv_passphrase *passphrase,
                               sipveil_error *err)
{
    char text[PASSPHRASE_MOST + 1];
    bag_reader r = {.bundle = bundle, .asked = passphrase};
    sipveil_code code = find_passphrase(p12, passphrase, text, &r.passphrase, err);
    ERR_clear_error();
    if (code == SIPVEIL_OK) {
        r.len = r.passphrase == NULL ? 0 : (int)strlen(r.passphrase);
        code = take_safes(&r, p12, err);
    }
    OPENSSL_cleanse(text, sizeof text);
    ERR_clear_error();
    return code;
}

sipveil_code sv_bundle_read_pkcs12(sv_bundle *bundle, sipveil_span octets, sv_passphrase *passphrase,
                                   sipveil_error *err)
{
    BIO *bio = BIO_new_mem_buf(octets.data, (int)octets.len);
    PKCS12 *p12 = PKCS12_init_ex(NID_pkcs7_data, bundle->context->library, NULL);
    sipveil_code code;
    if (bio == NULL || p12 == NULL) {
        code = sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "no PKCS#12 object");
    } else if (d2i_PKCS12_bio(bio, &p12) == NULL || BIO_pending(bio) != 0) {
        code = sv_fail_openssl(err, "keys", SIPVEIL_USAGE, "neither a JWK nor PEM nor PKCS#12");
    } else {
        code = read_parts(bundle, p12, passphrase, err);
    }
    BIO_free(bio);
    PKCS12_free(p12);
    return code;
}
