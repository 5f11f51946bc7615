/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/err.h>
#include <string.h>

#include "crypto/contexts.h"
#include "crypto/prepared.h"

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
    RSA_BITS_MOST = 8192
};

/* Curves that may sign, with the digest that goes with each when we sign. */
static const char *const curve_digests[SV_CURVE_COUNT] = {
    [SV_CURVE_P256] = "sha256", [SV_CURVE_P384] = "sha384", [SV_CURVE_P521] = "sha512"};

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

/* NULL: another curve, or one written out as parameters. */
static const char *curve_digest(const sv_key_facts *facts)
{
    return facts->explicit_curve ? NULL : curve_digests[facts->curve];
}

const sv_signature_scheme *sv_signature_scheme_for(sv_crypto *crypto, EVP_PKEY *key, bool rsa_v15)
{
    sv_key_facts room;
    const sv_key_facts *facts = sv_key_look(crypto, key, &room);
    const char *digest = NULL;
    switch (facts->type) {
    case SV_KEY_ED25519:
        return scheme_of(SV_SIGNATURE_ED25519, "sha512");
    case SV_KEY_RSA_PSS:
        return scheme_of(SV_SIGNATURE_RSA_PSS, "sha256");
    case SV_KEY_RSA:
        return scheme_of(rsa_v15 ? SV_SIGNATURE_RSA_V15 : SV_SIGNATURE_RSA_PSS, "sha256");
    case SV_KEY_EC:
        digest = curve_digest(facts);
        return digest == NULL ? NULL : scheme_of(SV_SIGNATURE_ECDSA, digest);
    default:
        return NULL;
    }
}

static sipveil_code check_rsa(const sv_key_facts *facts, unsigned allow_weak, bool *weak,
                              sipveil_error *err)
{
    int least = allow_weak & SIPVEIL_WEAK_RSA1024 ? RSA_BITS_LEAST_WEAK : RSA_BITS_LEAST;
    if (facts->bits < least || facts->bits > RSA_BITS_MOST) {
        return sv_fail_rule(err, "crypto", SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                            "the RSA key has %d bits; accepted are %d to %d", facts->bits, least,
                            RSA_BITS_MOST);
    }
    if (!facts->good_exponent) {
        return sv_fail_rule(err, "crypto", SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                            "the public exponent of the RSA key is not odd and between 3 and 2^33");
    }
    *weak = facts->bits < RSA_BITS_LEAST;
    return SIPVEIL_OK;
}

sipveil_code sv_signature_check_key(sv_crypto *crypto, EVP_PKEY *key, sv_signature_kind kind,
                                    unsigned allow_weak, bool *weak, sipveil_error *err)
{
    sv_key_facts room;
    const sv_key_facts *facts = sv_key_look(crypto, key, &room);
    bool rsa = facts->type == SV_KEY_RSA, pss = facts->type == SV_KEY_RSA_PSS;
    *weak = false;
    bool fits = kind == SV_SIGNATURE_ECDSA     ? facts->type == SV_KEY_EC
                : kind == SV_SIGNATURE_ED25519 ? facts->type == SV_KEY_ED25519
                : kind == SV_SIGNATURE_RSA_PSS ? rsa || pss
                                               : rsa;
    if (!fits) {
        return sv_fail_rule(err, "crypto", SIPVEIL_BAD_SIGNATURE, "ADV-116", SIPVEIL_NO_OFFSET,
                            "the signature algorithm does not fit the signer's key");
    }
    if (rsa || pss) return check_rsa(facts, allow_weak, weak, err);
    if (kind == SV_SIGNATURE_ECDSA && curve_digest(facts) == NULL) {
        return sv_fail_rule(err, "crypto", SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                            "the key is on a curve other than P-256, P-384 and P-521");
    }
    return SIPVEIL_OK;
}

/* ---- Ed25519, which takes the message itself ---- */

static sipveil_span never_null(sipveil_span message)
{
    return message.len > 0 ? message : sv_span((const uint8_t *)"", 0);
}

static sipveil_code verify_ed25519(const sv_crypto *crypto, EVP_PKEY *key, sipveil_span message,
                                   sipveil_span signature, bool *valid, sipveil_error *err)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (md == NULL) return sv_no_memory(err, "crypto");
    message = never_null(message);
    *valid = EVP_DigestVerifyInit_ex(md, NULL, NULL, crypto->context->library, NULL, key, NULL) == 1 &&
             EVP_DigestVerify(md, signature.data, signature.len, message.data, message.len) == 1;
    EVP_MD_CTX_free(md);
    if (!*valid) ERR_clear_error();
    return SIPVEIL_OK;
}

static bool make_ed25519(const sv_crypto *crypto, EVP_PKEY *key, sipveil_span message, uint8_t *out, size_t *len)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    message = never_null(message);
    bool made = md != NULL && EVP_DigestSignInit_ex(md, NULL, NULL, crypto->context->library, NULL, key, NULL) == 1 &&
                EVP_DigestSign(md, out, len, message.data, message.len) == 1;
    EVP_MD_CTX_free(md);
    return made;
}

/* ---- signatures over a digest ---- */

static sv_readiness readiness_for(const sv_signature_scheme *scheme, const sv_digest *digest, size_t salt)
{
    bool pss = scheme->kind == SV_SIGNATURE_RSA_PSS;
    return (sv_readiness){.use = SV_FOR_SIGNATURE, .kind = scheme->kind, .hash = digest->hash, .salt = pss ? salt : 0};
}

sipveil_code sv_signature_verify(sv_crypto *crypto, const sv_signature_scheme *scheme, size_t salt,
                                 EVP_PKEY *key, sipveil_span message, sipveil_span signature,
                                 bool *valid, sipveil_error *err)
{
    uint8_t digest[SV_DIGEST_MOST];
    const sv_digest *row = sv_digest_by_name(scheme->digest);
    *valid = false;
    if (signature.len == 0) return SIPVEIL_OK;
    if (scheme->kind == SV_SIGNATURE_ED25519) return verify_ed25519(crypto, key, message, signature, valid, err);
    SV_TRY(sv_digest_octets(crypto, row, message, digest, err));
    const sv_readiness readiness = readiness_for(scheme, row, salt);
    EVP_PKEY_CTX *ctx = sv_public_context(crypto, key, &readiness);
    *valid = ctx != NULL && EVP_PKEY_verify(ctx, signature.data, signature.len, digest, row->size) == 1;
    if (!*valid) ERR_clear_error(); /* which an empty queue costs two thousand instructions as well */
    return SIPVEIL_OK;
}

sipveil_code sv_signature_make(sv_crypto *crypto, const sv_signature_scheme *scheme, EVP_PKEY *key,
                               sv_prepared *prepared, sipveil_span message, sv_arena *arena,
                               sipveil_span *signature, sipveil_error *err)
{
    uint8_t digest[SV_DIGEST_MOST];
    const sv_digest *row = sv_digest_by_name(scheme->digest);
    int size = EVP_PKEY_get_size(key);
    *signature = (sipveil_span){0};
    uint8_t *out = size > 0 ? sv_arena_alloc_raw(arena, (size_t)size) : NULL;
    if (out == NULL) return sv_no_memory(err, "crypto");
    size_t len = (size_t)size;
    bool made;
    if (scheme->kind == SV_SIGNATURE_ED25519) {
        made = make_ed25519(crypto, key, message, out, &len);
    } else {
        SV_TRY(sv_digest_octets(crypto, row, message, digest, err));
        const sv_readiness readiness = readiness_for(scheme, row, row->size);
        sv_loan loan = sv_private_context(crypto, key, prepared, &readiness);
        made = loan.context != NULL && EVP_PKEY_sign(loan.context, out, &len, digest, row->size) == 1;
        sv_private_return(prepared, &loan);
        if (made && scheme->kind != SV_SIGNATURE_ECDSA) {
            made = sv_private_signed(crypto, key, prepared, &readiness, sv_span(digest, row->size), sv_span(out, len));
        }
    }
    if (!made) return sv_fail_openssl(err, "crypto", SIPVEIL_INTERNAL, "cannot sign with this key");
    *signature = sv_span(out, len);
    return SIPVEIL_OK;
}
