/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto/contexts.h"
#include "crypto/sign.h"

#define OID(octets)                                                                                \
    {                                                                                              \
        (const uint8_t *)(octets), sizeof(octets) - 1                                              \
    }

#define OID_PSS       "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A"
#define OID_RSA       "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"
#define OID_NIST_HASH "\x60\x86\x48\x01\x65\x03\x04\x02"

/* clang-format off */
static const sv_digest digests[] = {
    {"sha256", "sha-256", "SHA2-256", OID(OID_NIST_HASH "\x01"), 32, SV_HASH_SHA256, false},
    {"sha384", "sha-384", "SHA2-384", OID(OID_NIST_HASH "\x02"), 48, SV_HASH_SHA384, false},
    {"sha512", "sha-512", "SHA2-512", OID(OID_NIST_HASH "\x03"), 64, SV_HASH_SHA512, false},
    {"sha1", "sha-1", "SHA1", OID("\x2B\x0E\x03\x02\x1A"), 20, SV_HASH_SHA1, true},
    {"md5", "md5", "MD5", OID("\x2A\x86\x48\x86\xF7\x0D\x02\x05"), 16, SV_HASH_NONE, true},
};

#define ECDSA_ROW(digest, oid) {"ecdsa-" digest, SV_SIGNATURE_ECDSA, digest, OID(oid), {NULL, 0}}
#define RSA_ROW(digest, oid) {"rsa-" digest, SV_SIGNATURE_RSA_V15, digest, OID(oid), OID(OID_RSA)}
#define PSS_ROW(digest) {"rsa-pss-" digest, SV_SIGNATURE_RSA_PSS, digest, OID(OID_PSS), {NULL, 0}}

static const sv_signature_scheme schemes[] = {
    ECDSA_ROW("sha256", "\x2A\x86\x48\xCE\x3D\x04\x03\x02"),
    ECDSA_ROW("sha384", "\x2A\x86\x48\xCE\x3D\x04\x03\x03"),
    ECDSA_ROW("sha512", "\x2A\x86\x48\xCE\x3D\x04\x03\x04"),
    PSS_ROW("sha256"),
    PSS_ROW("sha384"),
    PSS_ROW("sha512"),
    RSA_ROW("sha256", "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B"),
    RSA_ROW("sha384", "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C"),
    RSA_ROW("sha512", "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D"),
    {"ed25519", SV_SIGNATURE_ED25519, "sha512", OID("\x2B\x65\x70"), {NULL, 0}}, /* RFC 8419 3.1 */
    ECDSA_ROW("sha1", "\x2A\x86\x48\xCE\x3D\x04\x01"),
    PSS_ROW("sha1"),
    RSA_ROW("sha1", "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x05"),
};
/* clang-format on */

enum {
    DIGESTS = sizeof digests / sizeof *digests,
    SCHEMES = sizeof schemes / sizeof *schemes,
    RSA_BITS_LEAST = 2048,
    RSA_BITS_LEAST_WEAK = 1024,
    RSA_BITS_MOST = 8192,
    RSA_EXPONENT_BITS_MOST = 33
};

/* Curves that may sign, with the digest that goes with each when we sign. */
static const struct {
    const char *group;
    const char *digest;
} curves[] = {{"prime256v1", "sha256"}, {"secp384r1", "sha384"}, {"secp521r1", "sha512"}};

const sv_digest *sv_digest_by_oid(sipveil_span oid)
{
    for (size_t i = 0; i < DIGESTS; i++) {
        if (sv_equal(digests[i].oid, oid)) return &digests[i];
    }
    return NULL;
}

const sv_digest *sv_digest_by_name(const char *name)
{
    for (size_t i = 0; i < DIGESTS; i++) {
        if (strcmp(digests[i].name, name) == 0) return &digests[i];
    }
    return NULL;
}

const EVP_MD *sv_digest_md(const sv_crypto *crypto, const sv_digest *digest)
{
    return crypto->context->suite->hashes[digest->hash];
}

sipveil_code sv_digest_octets(sv_crypto *crypto, const sv_digest *digest, sipveil_span octets,
                              uint8_t *out, sipveil_error *err)
{
    const EVP_MD *md = sv_digest_md(crypto, digest);
    unsigned len = 0;
    ERR_clear_error();
    if (md == NULL || EVP_DigestInit_ex2(crypto->hash, md, NULL) != 1 ||
        EVP_DigestUpdate(crypto->hash, octets.data, octets.len) != 1 ||
        EVP_DigestFinal_ex(crypto->hash, out, &len) != 1 || len != digest->size) {
        return sv_fail_openssl(err, "crypto", SIPVEIL_INTERNAL, "cannot compute a digest");
    }
    return SIPVEIL_OK;
}

const sv_signature_scheme *sv_signature_scheme_find(sipveil_span oid, const sv_digest *digest,
                                                    bool *oid_known)
{
    *oid_known = false;
    for (size_t i = 0; i < SCHEMES; i++) {
        const sv_signature_scheme *scheme = &schemes[i];
        if (!sv_equal(scheme->oid, oid) &&
            (scheme->also_oid.len == 0 || !sv_equal(scheme->also_oid, oid))) {
            continue;
        }
        *oid_known = true;
        if (strcmp(scheme->digest, digest->name) == 0) return scheme;
    }
    return NULL;
}

static const sv_signature_scheme *scheme_of(sv_signature_kind kind, const char *digest)
{
    for (size_t i = 0; i < SCHEMES; i++) {
        if (schemes[i].kind == kind && strcmp(schemes[i].digest, digest) == 0) return &schemes[i];
    }
    return NULL;
}

/* The index in curves, or -1: another curve, or one written out as parameters. */
static int curve_of(const EVP_PKEY *key)
{
    char group[64];
    size_t len = 0;
    if (EVP_PKEY_get_group_name(key, group, sizeof group, &len) != 1) return -1;
    int explicit_parameters = 0;
    if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &explicit_parameters) == 1 &&
        explicit_parameters != 0) {
        return -1;
    }
    for (int i = 0; i < (int)(sizeof curves / sizeof *curves); i++) {
        if (strcmp(curves[i].group, group) == 0) return i;
    }
    return -1;
}

const sv_signature_scheme *sv_signature_scheme_for(const EVP_PKEY *key, bool rsa_v15)
{
    if (EVP_PKEY_is_a(key, "ED25519")) return scheme_of(SV_SIGNATURE_ED25519, "sha512");
    if (EVP_PKEY_is_a(key, "RSA-PSS")) return scheme_of(SV_SIGNATURE_RSA_PSS, "sha256");
    if (EVP_PKEY_is_a(key, "RSA")) {
        return scheme_of(rsa_v15 ? SV_SIGNATURE_RSA_V15 : SV_SIGNATURE_RSA_PSS, "sha256");
    }
    if (!EVP_PKEY_is_a(key, "EC")) return NULL;
    int curve = curve_of(key);
    ERR_clear_error();
    return curve < 0 ? NULL : scheme_of(SV_SIGNATURE_ECDSA, curves[curve].digest);
}

static sipveil_code check_rsa(const EVP_PKEY *key, unsigned allow_weak, bool *weak,
                              sipveil_error *err)
{
    int bits = EVP_PKEY_get_bits(key);
    int least = allow_weak & SIPVEIL_WEAK_RSA1024 ? RSA_BITS_LEAST_WEAK : RSA_BITS_LEAST;
    if (bits < least || bits > RSA_BITS_MOST) {
        return sv_fail_rule(err, "crypto", SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                            "the RSA key has %d bits; accepted are %d to %d", bits, least,
                            RSA_BITS_MOST);
    }
    BIGNUM *exponent = NULL;
    bool good = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
                BN_is_odd(exponent) && !BN_is_one(exponent) &&
                BN_num_bits(exponent) <= RSA_EXPONENT_BITS_MOST;
    BN_free(exponent);
    ERR_clear_error();
    if (!good) {
        return sv_fail_rule(err, "crypto", SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                            "the public exponent of the RSA key is not odd and between 3 and 2^33");
    }
    *weak = bits < RSA_BITS_LEAST;
    return SIPVEIL_OK;
}

sipveil_code sv_signature_check_key(const EVP_PKEY *key, sv_signature_kind kind,
                                    unsigned allow_weak, bool *weak, sipveil_error *err)
{
    *weak = false;
    bool rsa = EVP_PKEY_is_a(key, "RSA"), pss = EVP_PKEY_is_a(key, "RSA-PSS");
    bool fits = kind == SV_SIGNATURE_ECDSA     ? EVP_PKEY_is_a(key, "EC")
                : kind == SV_SIGNATURE_ED25519 ? EVP_PKEY_is_a(key, "ED25519")
                : kind == SV_SIGNATURE_RSA_PSS ? rsa || pss
                                               : rsa;
    if (!fits) {
        return sv_fail_rule(err, "crypto", SIPVEIL_BAD_SIGNATURE, "ADV-116", SIPVEIL_NO_OFFSET,
                            "the signature algorithm does not fit the signer's key");
    }
    if (rsa || pss) return check_rsa(key, allow_weak, weak, err);
    if (kind == SV_SIGNATURE_ECDSA && curve_of(key) < 0) {
        ERR_clear_error();
        return sv_fail_rule(err, "crypto", SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                            "the key is on a curve other than P-256, P-384 and P-521");
    }
    return SIPVEIL_OK;
}

/* What PSS needs beyond the digest. */
static bool set_padding(EVP_PKEY_CTX *pkey, const sv_signature_scheme *scheme, size_t salt)
{
    if (scheme->kind == SV_SIGNATURE_RSA_V15) {
        return EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PADDING) == 1;
    }
    if (scheme->kind != SV_SIGNATURE_RSA_PSS) return true;
    const sv_digest *digest = sv_digest_by_name(scheme->digest);
    return salt <= RSA_BITS_MOST / 8 && digest != NULL &&
           EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md_name(pkey, digest->library, NULL) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, (int)salt) == 1;
}

static const char *library_digest(const sv_signature_scheme *scheme)
{
    const sv_digest *digest = sv_digest_by_name(scheme->digest);
    return scheme->kind == SV_SIGNATURE_ED25519 || digest == NULL ? NULL : digest->library;
}

sipveil_code sv_signature_verify(sv_crypto *crypto, const sv_signature_scheme *scheme, size_t salt,
                                 EVP_PKEY *key, sipveil_span message, sipveil_span signature,
                                 bool *valid, sipveil_error *err)
{
    *valid = false;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (md == NULL) return sv_no_memory(err, "crypto");
    EVP_PKEY_CTX *pkey = NULL; /* belongs to md */
    const uint8_t *data = message.len > 0 ? message.data : (const uint8_t *)"";
    ERR_clear_error();
    *valid = signature.len > 0 &&
             EVP_DigestVerifyInit_ex(md, &pkey, library_digest(scheme), crypto->context->library,
                                     NULL, key, NULL) == 1 &&
             set_padding(pkey, scheme, salt) &&
             EVP_DigestVerify(md, signature.data, signature.len, data, message.len) == 1;
    EVP_MD_CTX_free(md);
    ERR_clear_error();
    return SIPVEIL_OK;
}

sipveil_code sv_signature_make(sv_crypto *crypto, const sv_signature_scheme *scheme, EVP_PKEY *key,
                               sipveil_span message, sv_arena *arena, sipveil_span *signature,
                               sipveil_error *err)
{
    *signature = (sipveil_span){0};
    int size = EVP_PKEY_get_size(key);
    const sv_digest *digest = sv_digest_by_name(scheme->digest);
    uint8_t *out = size > 0 ? sv_arena_alloc_raw(arena, (size_t)size) : NULL;
    EVP_MD_CTX *md = out != NULL ? EVP_MD_CTX_new() : NULL;
    if (md == NULL || digest == NULL) {
        EVP_MD_CTX_free(md);
        return sv_no_memory(err, "crypto");
    }
    EVP_PKEY_CTX *pkey = NULL;
    size_t len = (size_t)size;
    const uint8_t *data = message.len > 0 ? message.data : (const uint8_t *)"";
    ERR_clear_error();
    bool made = EVP_DigestSignInit_ex(md, &pkey, library_digest(scheme), crypto->context->library,
                                      NULL, key, NULL) == 1 &&
                set_padding(pkey, scheme, digest->size) &&
                EVP_DigestSign(md, out, &len, data, message.len) == 1;
    EVP_MD_CTX_free(md);
    if (!made) return sv_fail_openssl(err, "crypto", SIPVEIL_INTERNAL, "cannot sign with this key");
    *signature = sv_span(out, len);
    return SIPVEIL_OK;
}
