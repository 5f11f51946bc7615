/* SPDX-License-Identifier: BSD-2-Clause */
/* Our own rule on what a certificate may be used for. libcrypto's purposes do not fit: smime_sign
 * rejects the SIP key purpose of RFC 5924, "any" accepts keys for TLS only. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crypto/sign.h"
#include "keys/certificate.h"

enum { RSA_BITS_LIMIT = 8192 };

static sipveil_code refuse(sipveil_error *err, const char *why)
{
    return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "ADV-120", SIPVEIL_NO_OFFSET, "%s", why);
}

static bool is_sip_purpose(const ASN1_OBJECT *purpose)
{
    /* id-kp-sipDomain, 1.3.6.1.5.5.7.3.20 (RFC 5924) */
    static const uint8_t oid[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x14};
    return sv_equal(sv_span(OBJ_get0_data(purpose), OBJ_length(purpose)), sv_span(oid, sizeof oid));
}

static bool purpose_fits(const EXTENDED_KEY_USAGE *purposes, sv_use use)
{
    for (int i = 0; i < sk_ASN1_OBJECT_num(purposes); i++) {
        const ASN1_OBJECT *purpose = sk_ASN1_OBJECT_value(purposes, i);
        int nid = OBJ_obj2nid(purpose);
        bool host = use == SV_USE_SIGN_AS_HOST || use == SV_USE_SIGN_AS_TLS_HOST;
        bool tls = nid == NID_server_auth || nid == NID_client_auth;
        if (is_sip_purpose(purpose) || nid == NID_anyExtendedKeyUsage || (nid == NID_email_protect && !host) ||
            (tls && use == SV_USE_SIGN_AS_TLS_HOST)) {
            return true;
        }
    }
    return false;
}

bool sv_ran_out_of_memory(void)
{
    return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;
}

static sipveil_code check_purposes(X509 *certificate, sv_use use, sipveil_error *err)
{
    int critical = 0; /* -1: absent; -2: twice */
    ERR_clear_error();
    EXTENDED_KEY_USAGE *purposes = X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, NULL);
    bool no_memory = purposes == NULL && sv_ran_out_of_memory();
    ERR_clear_error();
    if (no_memory) return sv_no_memory(err, "keys");
    if (purposes == NULL && critical == -1) return SIPVEIL_OK;
    if (purposes == NULL) return refuse(err, "its extendedKeyUsage cannot be read");
    bool fits = purpose_fits(purposes, use);
    EXTENDED_KEY_USAGE_free(purposes);
    return fits ? SIPVEIL_OK
                : refuse(err, "its extendedKeyUsage allows neither SIP nor e-mail protection");
}

bool sv_key_fits(const EVP_PKEY *key, sv_use use)
{
    bool x25519 = EVP_PKEY_is_a(key, "X25519");
    return use == SV_USE_ENCRYPT ? x25519 || EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "EC") : !x25519;
}

sipveil_code sv_certificate_check_key_usage(X509 *certificate, sv_use use, sipveil_error *err)
{
    if (X509_get_extension_flags(certificate) & (EXFLAG_INVALID | EXFLAG_CRITICAL)) {
        ERR_clear_error();
        return refuse(err, "it has an extension that is broken, or critical and unknown");
    }
    uint32_t usage = X509_get_key_usage(certificate); /* all ones when absent */
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (key == NULL) return refuse(err, "its public key cannot be read");
    if (use != SV_USE_ENCRYPT) {
        if (EVP_PKEY_is_a(key, "X25519")) return refuse(err, "its key is X25519, which does not sign");
        if (!(usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))) {
            return refuse(err, "its keyUsage does not allow digital signatures");
        }
    } else if (EVP_PKEY_is_a(key, "RSA")) {
        if (!(usage & KU_KEY_ENCIPHERMENT)) {
            return refuse(err, "its keyUsage does not allow key encipherment");
        }
    } else if (EVP_PKEY_is_a(key, "EC") || EVP_PKEY_is_a(key, "X25519")) {
        if (!(usage & KU_KEY_AGREEMENT)) {
            return refuse(err, "its keyUsage does not allow key agreement");
        }
    } else {
        return refuse(err, "its key is of a kind that does not encrypt");
    }
    return SIPVEIL_OK;
}

sipveil_code sv_certificate_check_usage(X509 *certificate, sv_use use, sipveil_error *err)
{
    SV_TRY(sv_certificate_check_key_usage(certificate, use, err));
    return check_purposes(certificate, use, err);
}

sipveil_code sv_certificate_check_key(X509 *certificate, unsigned allow_weak, sipveil_error *err)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    bool weak;
    if (key == NULL) {
        return sv_fail_openssl(err, "keys", SIPVEIL_POLICY,
                               "the public key of the certificate cannot be read");
    }
    if (EVP_PKEY_is_a(key, "X25519")) return SIPVEIL_OK;
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
        if (EVP_PKEY_get_bits(key) > RSA_BITS_LIMIT) {
            return sv_fail_rule(err, "keys", SIPVEIL_LIMIT, "ADV-123", SIPVEIL_NO_OFFSET,
                                "the RSA key has %d bits, more than %d", EVP_PKEY_get_bits(key),
                                RSA_BITS_LIMIT);
        }
        return sv_signature_check_key(NULL, key, SV_SIGNATURE_RSA_PSS, allow_weak, &weak, err);
    }
    if (EVP_PKEY_is_a(key, "EC")) {
        return sv_signature_check_key(NULL, key, SV_SIGNATURE_ECDSA, allow_weak, &weak, err);
    }
    if (EVP_PKEY_is_a(key, "ED25519")) return SIPVEIL_OK;
    return sv_fail_rule(err, "keys", SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                        "the certificate's key is not RSA, EC, Ed25519 or X25519");
}

sipveil_code sv_certificate_check_digest(X509 *certificate, unsigned allow_weak, sipveil_error *err)
{
    int digest = NID_undef, kind = NID_undef, bits = 0;
    if (X509_get_signature_info(certificate, &digest, &kind, &bits, NULL) != 1) {
        ERR_clear_error();
        return sv_fail_rule(err, "keys", SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                            "the certificate is signed with an algorithm that is not handled");
    }
    switch (digest) {
    case NID_undef: /* Ed25519 */
        if (kind == NID_ED25519) return SIPVEIL_OK;
        break;
    case NID_sha256:
    case NID_sha384:
    case NID_sha512:
    case NID_sha3_256:
    case NID_sha3_384:
    case NID_sha3_512:
        return SIPVEIL_OK;
    case NID_sha1:
        if (allow_weak & SIPVEIL_WEAK_SHA1) return SIPVEIL_OK;
        break;
    default:
        break;
    }
    return sv_fail_rule(err, "keys", SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                        "the certificate is signed with %s, which is not accepted",
                        digest == NID_undef ? OBJ_nid2sn(kind) : OBJ_nid2sn(digest));
}

/* X509_cmp_time calls notAfter earlier than a time that is the same, so it is asked about the second before. */
static int compare_end(const X509 *certificate, int64_t at)
{
    time_t before = (time_t)at - (at > INT64_MIN ? 1 : 0);
    return X509_cmp_time(X509_get0_notAfter(certificate), &before); /* 0: unreadable */
}

bool sv_certificate_is_before_end(const X509 *certificate, int64_t at)
{
    return compare_end(certificate, at) > 0;
}

sipveil_code sv_certificate_check_time(X509 *certificate, int64_t at, sipveil_error *err)
{
    time_t time;
    if (!sv_certificate_clock(at, &time)) {
        return sv_fail(err, "keys", SIPVEIL_UNSUPPORTED, "a certificate cannot be checked at %lld seconds: this system's time_t is too narrow",
                       (long long)at);
    }
    const ASN1_TIME *from = X509_get0_notBefore(certificate), *until = X509_get0_notAfter(certificate);
    ERR_clear_error();
    int begun = X509_cmp_time(from, &time), ended = compare_end(certificate, at); /* 0: unreadable */
    bool no_memory = (begun == 0 || ended == 0) && sv_ran_out_of_memory();
    ERR_clear_error();
    if (no_memory) return sv_no_memory(err, "keys");
    if (begun < 0 && ended > 0) return SIPVEIL_OK;
    if (begun > 0) {
        return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", SIPVEIL_NO_OFFSET,
                            "the certificate is not valid before %s",
                            sv_certificate_time_text(from).text);
    }
    return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", SIPVEIL_NO_OFFSET,
                        "the certificate expired %s", sv_certificate_time_text(until).text);
}
