/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/x509v3.h>

#include "cms/signer_info.h"
#include "crypto/certificate.h"
#include "crypto/sign.h"

static const char room[] = "cms";

enum { SERIAL_MOST = 64 };

static bool is_named_by_serial(const X509 *certificate, const sv_signer_info *info)
{
    const uint8_t *name = NULL;
    size_t name_len = 0;
    uint8_t serial[SERIAL_MOST + 2], *at = serial;
    if (X509_NAME_get0_der(X509_get_issuer_name(certificate), &name, &name_len) != 1) return false;
    if (!sv_equal(sv_span(name, name_len), info->issuer)) return false;
    const ASN1_INTEGER *number = X509_get0_serialNumber(certificate);
    int len = i2d_ASN1_INTEGER(number, NULL);
    if (len < 2 || len > (int)sizeof serial || i2d_ASN1_INTEGER(number, &at) != len) return false;
    return sv_equal(sv_span(serial + 2, (size_t)len - 2), info->serial);
}

static bool is_named_by_identifier(sv_crypto *crypto, X509 *certificate, sipveil_span ski)
{
    const ASN1_OCTET_STRING *extension = X509_get0_subject_key_id(certificate);
    if (extension != NULL) {
        return sv_equal(
            sv_span(ASN1_STRING_get0_data(extension), (size_t)ASN1_STRING_length(extension)), ski);
    }
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(certificate);
    const sv_digest *sha1 = sv_digest_by_name("sha1"); /* RFC 5280 4.2.1.2 (1) */
    uint8_t digest[SV_DIGEST_MOST];
    return bits != NULL && ski.len == sha1->size &&
           sv_digest_octets(crypto, sha1, sv_span(bits->data, (size_t)bits->length), digest,
                            NULL) == SIPVEIL_OK &&
           sv_equal(sv_span(digest, sha1->size), ski);
}

bool sv_signer_names(sv_crypto *crypto, const sv_signer_info *info, X509 *certificate)
{
    return info->ski.len > 0 ? is_named_by_identifier(crypto, certificate, info->ski)
                             : is_named_by_serial(certificate, info);
}

/* The first ESSCertIDv2 is the signer's own (RFC 5035 3). Its hash is over the whole certificate,
 * so that its issuer and serial number need no look. */
static sipveil_code read_certificate_hash(sipveil_span value, const sv_digest **digest,
                                          sipveil_span *hash, sipveil_error *why)
{
    static const char what[] = "signing-certificate-v2";
    sv_cursor c = sv_cursor_over(value, what), all, certificates, id;
    sv_der_algorithm algorithm;
    sv_der octets;
    SV_TRY(sv_der_enter(&c, SV_DER_SEQUENCE, what, &all, why));
    SV_TRY(sv_der_enter(&all, SV_DER_SEQUENCE, what, &certificates, why));
    SV_TRY(sv_der_enter(&certificates, SV_DER_SEQUENCE, what, &id, why));
    *digest = sv_digest_by_name("sha256");
    if (sv_der_next_is(&id, SV_DER_SEQUENCE)) {
        SV_TRY(sv_der_take_algorithm(&id, what, &algorithm, why));
        *digest = sv_digest_by_oid(algorithm.oid);
    }
    SV_TRY(sv_der_take_tag(&id, SV_DER_OCTET_STRING, what, &octets, why));
    *hash = octets.content;
    return SIPVEIL_OK;
}

static sipveil_code bad(sipveil_error *why, const char *text)
{
    return sv_fail_rule(why, room, SIPVEIL_BAD_SIGNATURE, "ADV-124", SIPVEIL_NO_OFFSET, "%s", text);
}

sipveil_code sv_signer_check_certificate_hash(sv_crypto *crypto,
                                              const sv_signed_attributes *attributes,
                                              X509 *certificate, sipveil_error *why)
{
    const sv_digest *digest;
    sipveil_span wanted;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 32;
    if (attributes->signing_certificate.len == 0) return SIPVEIL_OK;
    if (read_certificate_hash(attributes->signing_certificate, &digest, &wanted, why) !=
            SIPVEIL_OK ||
        digest == NULL || digest->weak) {
        return bad(why, "the signing-certificate-v2 attribute cannot be read or is weak");
    }
    if (digest->hash == SV_HASH_SHA256) {
        SV_TRY(sv_crypto_hash_certificate(crypto, certificate, hash, why));
    } else if (X509_digest(certificate, sv_digest_md(crypto, digest), hash, &len) != 1) {
        return sv_fail_openssl(why, room, SIPVEIL_INTERNAL, "cannot hash a certificate");
    }
    if (sv_equal(sv_span(hash, len), wanted)) return SIPVEIL_OK;
    return bad(why, "the certificate is not the one that the signature names by its hash");
}
