/* SPDX-License-Identifier: BSD-2-Clause */
/* Signing and checking in one call, and SignerInfos put together by hand. */
#ifndef TEST_CMS_SIGNATURES_H
#define TEST_CMS_SIGNATURES_H

#include "cms/identities.h"
#include "cms/signer_info.h"
#include "crypto/sign.h"

#define CONTENT "Content-Type: text/plain\r\n\r\nhello"

static const sv_cms_policy tolerant = {0}, strict = {.strict = true};

static inline sipveil_span sign(fixture *f, const sv_sign_request *request, const char *content)
{
    sipveil_error err;
    sv_buffer out;
    sv_buffer_init(&out, f->arena, 4096, 1 << 20);
    sipveil_code code = sv_cms_sign(f->crypto, request, sv_span_str(content), f->arena, &out, &err);
    if (code != SIPVEIL_OK) fail_msg("sign: %s (%s)", err.text, err.library);
    return sv_buffer_span(&out);
}

static inline sipveil_code read_message(fixture *f, sipveil_span octets,
                                        const sv_cms_policy *policy, sv_signed *out)
{
    sipveil_error err;
    sipveil_span content;
    sv_cms_type type;
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    sipveil_code code = sv_cms_read_content_info(octets, limits, &type, &content, &err);
    if (code != SIPVEIL_OK) return code;
    assert_int_equal(type, SV_CMS_SIGNED);
    return sv_cms_read_signed(content, limits, policy, f->arena, out, &err);
}

typedef struct known {
    X509 *certificates[4];
    size_t count;
} known;

/* octets: NULL for the content inside. */
static inline sipveil_code check_with(fixture *f, sipveil_span message, const char *octets,
                                      known from, const sv_cms_policy *policy, sv_signed *data,
                                      sv_signature **signatures)
{
    sipveil_error err;
    *signatures = NULL;
    SV_TRY(read_message(f, message, policy, data));
    return sv_cms_check_signatures(
        f->crypto, data, octets != NULL ? sv_span_str(octets) : data->content, from.certificates,
        from.count, policy, f->arena, signatures, NULL, &err);
}

/* ---- forgeries: SignerInfos put together by hand and signed properly ---- */

/* One letter an attribute:
 *   c content-type   C a wrong one   0 one without value
 *   m message-digest M one octet short   2 two values   x of another content
 *   t time   T no time   p capabilities   s certificate hash   S a wrong one   w one by SHA-1
 *   b not DER (BOOLEAN 02) */
typedef struct forgery {
    const char *attributes; /* NULL: none at all */
    const char *digest;     /* of content and signature; NULL: sha256 */
    const char *said;       /* digestAlgorithm; NULL: the same */
    const char *announced;  /* in front; NULL: what was said; "": none */
    const char *algorithm;  /* the digest that the signature algorithm names; NULL: the same */
    const char *kind;       /* key; NULL: P-256 */
    int salt;               /* PSS: what is signed and written; 0: not PSS; -1: no salt */
    const char *pss_hash;   /* the digest that PSS names; NULL: the same */
    const char *pss_mask;   /* that of its mask; NULL: the same; "": no MGF1 */
    uint64_t pss_trailer;   /* 0: not written */
    char parameters;        /* behind the digest (d) or signature algorithm (s): an INTEGER; D, S: NULL */
    bool other_type;        /* of the content: signed-data */
    const char *unsigned_attributes; /* letters again */
    uint64_t version;                /* of SignedData; 0: 1 */
    uint64_t signer_version;         /* 0: 1 */
    bool change_signature;
    bool trailing; /* octets after the last field of SignerInfo */
} forgery;

static inline void put_attribute(fixture *f, sv_der_writer *w, const forgery *how, char letter,
                                 const char *content)
{
    const sv_digest *digest = sv_digest_by_name(how->digest != NULL ? how->digest : "sha256");
    uint8_t hash[SV_DIGEST_MOST] = {0};
    sv_der_mark mark = sv_der_mark_here(w);
    sv_oid type = SV_OID_MESSAGE_DIGEST;
    const char *of = letter == 'x' ? "other" : content;
    assert_non_null(digest);
    if (digest->hash != SV_HASH_NONE) {
        assert_int_equal(sv_digest_octets(f->crypto, digest, sv_span_str(of), hash, NULL),
                         SIPVEIL_OK);
    }
    switch (letter) {
    case 'c':
        type = SV_OID_CONTENT_TYPE;
        sv_der_put_oid(w, sv_oid_content(SV_OID_DATA));
        break;
    case 'C':
        type = SV_OID_CONTENT_TYPE;
        sv_der_put_oid(w, sv_oid_content(SV_OID_SIGNED_DATA));
        break;
    case '0':
        type = SV_OID_CONTENT_TYPE;
        break;
    case '2':
        sv_der_put_value(w, SV_DER_OCTET_STRING, sv_span(hash, digest->size)); /* and once more */
        __attribute__((fallthrough));
    case 'x':
    case 'm':
        sv_der_put_value(w, SV_DER_OCTET_STRING, sv_span(hash, digest->size));
        break;
    case 'M':
        sv_der_put_value(w, SV_DER_OCTET_STRING, sv_span(hash, digest->size - 1));
        break;
    case 't':
        type = SV_OID_SIGNING_TIME;
        sv_der_put_time(w, 1700000000);
        break;
    case 'T':
        type = SV_OID_SIGNING_TIME;
        sv_der_put_value(w, SV_DER_UTC_TIME, SV_SPAN("231332000000Z"));
        break;
    case 'p':
        type = SV_OID_SMIME_CAPABILITIES;
        sv_der_put_value(w, SV_DER_SEQUENCE, sv_span(NULL, 0));
        break;
    case 'b':
        type = SV_OID_PREFER_BINARY_INSIDE;
        sv_der_put_value(w, SV_DER_BOOLEAN, SV_SPAN("\x02"));
        break;
    default: {
        X509 *certificate = identity(f, how->kind != NULL ? how->kind : "P-256")->certificate;
        sipveil_span der = der_of(f, certificate);
        const sv_digest *of_it = sv_digest_by_name(letter == 'w' ? "sha1" : "sha512");
        type = SV_OID_SIGNING_CERTIFICATE_V2;
        assert_int_equal(sv_digest_octets(f->crypto, of_it, der, hash, NULL), SIPVEIL_OK);
        if (letter == 'S') hash[5] ^= 1;
        sv_der_put_value(w, SV_DER_OCTET_STRING, sv_span(hash, of_it->size));
        sv_der_mark algorithm = sv_der_mark_here(w);
        sv_der_put_oid(w, of_it->oid);
        sv_der_wrap(w, SV_DER_SEQUENCE, algorithm);
        sv_der_wrap(w, SV_DER_SEQUENCE, mark);
        sv_der_wrap(w, SV_DER_SEQUENCE, mark);
        sv_der_wrap(w, SV_DER_SEQUENCE, mark);
    }
    }
    sv_der_wrap(w, SV_DER_SET, mark);
    sv_der_put_oid(w, sv_oid_content(type));
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
}

static inline sipveil_span attribute_set(fixture *f, const forgery *how, const char *letters,
                                         const char *content)
{
    sv_der_writer w;
    assert_true(sv_der_writer_init(&w, f->arena, 1024 + 64 * strlen(letters)));
    for (const char *l = letters; *l != '\0'; l++) put_attribute(f, &w, how, *l, content);
    sv_der_sort_set(&w, 0, f->arena);
    sv_der_wrap(&w, SV_DER_SET, 0);
    assert_false(w.failed);
    return sv_der_written(&w);
}

static inline void put_algorithm(sv_der_writer *w, sipveil_span oid)
{
    sv_der_mark mark = sv_der_mark_here(w);
    sv_der_put_oid(w, oid);
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
}

/* which: the letter of this one in forgery.parameters, in lower case. */
static inline void put_algorithm_of(sv_der_writer *w, const forgery *how, char which, sipveil_span oid)
{
    sv_der_mark mark = sv_der_mark_here(w);
    if (how->parameters == which) sv_der_put_number(w, 1);
    if (how->parameters == which - 'a' + 'A') sv_der_put_null(w);
    sv_der_put_oid(w, oid);
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
}

static inline void put_pss(sv_der_writer *w, const forgery *how, const sv_digest *digest)
{
    const char *mask = how->pss_mask != NULL ? how->pss_mask : digest->name;
    sv_der_mark all = sv_der_mark_here(w), mark = all;
    if (how->pss_trailer > 0) {
        sv_der_put_number(w, how->pss_trailer);
        sv_der_wrap(w, 0xA3, mark);
        mark = sv_der_mark_here(w);
    }
    sv_der_put_number(w, how->salt > 0 ? (uint64_t)how->salt : 0);
    sv_der_wrap(w, 0xA2, mark);
    mark = sv_der_mark_here(w);
    put_algorithm(w, mask[0] != '\0' ? sv_digest_by_name(mask)->oid : digest->oid);
    sv_der_put_oid(w, sv_oid_content(mask[0] != '\0' ? SV_OID_MGF1 : SV_OID_DATA));
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
    sv_der_wrap(w, 0xA1, mark);
    mark = sv_der_mark_here(w);
    put_algorithm(w, how->pss_hash != NULL ? sv_digest_by_name(how->pss_hash)->oid : digest->oid);
    sv_der_wrap(w, 0xA0, mark);
    sv_der_wrap(w, SV_DER_SEQUENCE, all);
    sv_der_put_oid(w, sv_oid_content(SV_OID_RSA_PSS));
    sv_der_wrap(w, SV_DER_SEQUENCE, all);
}

static inline sipveil_span raw_signature(fixture *f, const forgery *how, sipveil_span over)
{
    EVP_PKEY *key = identity(f, how->kind != NULL ? how->kind : "P-256")->private_key;
    const sv_digest *digest = sv_digest_by_name(how->digest != NULL ? how->digest : "sha256");
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx;
    size_t len = 1024;
    uint8_t *out = sv_arena_alloc(f->arena, len);
    int salt = how->salt > 0 && how->salt <= 222 ? how->salt : 0;
    assert_int_equal(
        EVP_DigestSignInit_ex(md, &ctx, digest->library, f->context->library, NULL, key, NULL), 1);
    if (how->salt != 0) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, 6 /* PSS */), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt), 1);
    }
    assert_int_equal(EVP_DigestSign(md, out, &len, over.data, over.len), 1);
    EVP_MD_CTX_free(md);
    if (how->change_signature) out[len - 1] ^= 1;
    return sv_span(out, len);
}

static inline sipveil_span forge_signer(fixture *f, const forgery *how, const char *content)
{
    const sv_cms_key *key = identity(f, how->kind != NULL ? how->kind : "P-256");
    const sv_digest *digest = sv_digest_by_name(how->digest != NULL ? how->digest : "sha256");
    sipveil_span set = sv_span_str(content);
    sv_der_writer w;
    if (how->attributes != NULL) set = attribute_set(f, how, how->attributes, content);
    assert_true(sv_der_writer_init(&w, f->arena, 1 << 16));
    if (how->trailing) sv_der_put_null(&w);
    if (how->unsigned_attributes != NULL) {
        sv_der_put(&w, sv_span_from(attribute_set(f, how, how->unsigned_attributes, content), 1));
        sv_der_put(&w, SV_SPAN("\xA1"));
    }
    sv_der_put_value(&w, SV_DER_OCTET_STRING, raw_signature(f, how, set));
    if (how->salt != 0) {
        put_pss(&w, how, digest);
    } else {
        bool oid_known;
        const sv_signature_scheme *scheme = sv_signature_scheme_for(NULL, key->private_key, true);
        const sv_digest *with =
            sv_digest_by_name(how->algorithm != NULL ? how->algorithm : digest->name);
        sipveil_span ecdsa = SV_SPAN("\x2A\x86\x48\xCE\x3D\x04\x03\x02");
        sipveil_span oid = scheme != NULL && scheme->also_oid.len > 0 ? scheme->also_oid : ecdsa;
        uint8_t other[8];
        memcpy(other, ecdsa.data, 8);
        if (oid.len == 8 && strcmp(with->name, "sha256") != 0) {
            other[7] = strcmp(with->name, "sha384") == 0 ? 3 : 4;
            oid = sv_span(other, 8);
            if (strcmp(with->name, "sha1") == 0) oid = SV_SPAN("\x2A\x86\x48\xCE\x3D\x04\x01");
        }
        (void)sv_signature_scheme_find(oid, with, &oid_known);
        assert_true(oid_known);
        put_algorithm_of(&w, how, 's', oid);
    }
    if (how->attributes != NULL) {
        sv_der_put(&w, sv_span_from(set, 1));
        sv_der_put(&w, SV_SPAN("\xA0"));
    }
    put_algorithm_of(&w, how, 'd', how->said != NULL ? sv_digest_by_name(how->said)->oid : digest->oid);
    sv_der_mark mark = sv_der_mark_here(&w);
    sv_der_put_value(&w, SV_DER_INTEGER, key->serial);
    sv_der_put(&w, key->issuer);
    sv_der_wrap(&w, SV_DER_SEQUENCE, mark);
    sv_der_put_number(&w, how->signer_version > 0 ? how->signer_version : 1);
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    assert_false(w.failed);
    return sv_der_written(&w);
}

/* A message with these SignerInfos, and copies of certificates and CRL-like members. */
static inline sipveil_span assemble(fixture *f, const forgery *how, const sipveil_span *signers,
                                    size_t signer_count, size_t certificate_copies,
                                    size_t crl_copies, const char *content)
{
    const char *said = how->said != NULL ? how->said : how->digest != NULL ? how->digest : "sha256";
    const char *announced = how->announced != NULL ? how->announced : said;
    sv_der_writer w;
    sv_der_mark mark;
    assert_true(sv_der_writer_init(&w, f->arena, 1 << 21));
    for (size_t i = signer_count; i-- > 0;) sv_der_put(&w, signers[i]); /* from the end */
    sv_der_wrap(&w, SV_DER_SET, 0);
    mark = sv_der_mark_here(&w);
    for (size_t i = 0; i < crl_copies; i++) sv_der_put_value(&w, SV_DER_SEQUENCE, sv_span(NULL, 0));
    if (crl_copies > 0) sv_der_wrap(&w, 0xA1, mark);
    mark = sv_der_mark_here(&w);
    sipveil_span certificate =
        der_of(f, identity(f, how->kind != NULL ? how->kind : "P-256")->certificate);
    for (size_t i = 0; i < certificate_copies; i++) sv_der_put(&w, certificate);
    if (certificate_copies > 0) sv_der_wrap(&w, 0xA0, mark);
    mark = sv_der_mark_here(&w);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span_str(content));
    sv_der_wrap(&w, 0xA0, mark);
    sv_der_put_oid(&w, sv_oid_content(how->other_type ? SV_OID_SIGNED_DATA : SV_OID_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, mark);
    mark = sv_der_mark_here(&w);
    if (announced[0] != '\0') put_algorithm(&w, sv_digest_by_name(announced)->oid);
    sv_der_wrap(&w, SV_DER_SET, mark);
    sv_der_put_number(&w, how->version > 0 ? how->version : 1);
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    sv_der_wrap(&w, 0xA0, 0);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_SIGNED_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    assert_false(w.failed);
    return sv_der_written(&w);
}

#endif
