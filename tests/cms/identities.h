/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and self-signed certificates made for one test run. TEST ONLY: nothing here is trusted by
 * anybody, and no key outlives the program. */
#ifndef TEST_CMS_IDENTITIES_H
#define TEST_CMS_IDENTITIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "expect.h"

#include "cms/cms.h"
#include "cms/der_read.h"
#include "cms/der_write.h"
#include "cms/oid.h"

typedef struct fixture {
    sipveil_context *context;
    sv_crypto *crypto;
    sv_arena *keys;  /* lives as long as the fixture */
    sv_arena *arena; /* reset by each test that wants to */
} fixture;

static inline int fixture_setup(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    sipveil_error err;
    assert_int_equal(sipveil_context_new(NULL, &f->context, &err), SIPVEIL_OK);
    assert_int_equal(sv_crypto_new(f->context, &f->crypto, &err), SIPVEIL_OK);
    f->keys = sv_arena_new(1 << 16, 1 << 24);
    f->arena = sv_arena_new(1 << 20, 1 << 28);
    assert_non_null(f->keys);
    assert_non_null(f->arena);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture *f = *state;
    if (f == NULL) return 0;
    sv_arena_free(f->arena);
    sv_arena_free(f->keys);
    sv_crypto_free(f->crypto);
    sipveil_context_free(f->context);
    test_free(f);
    return 0;
}

static inline void free_test_key(void *key)
{
    EVP_PKEY_free(key);
}
static inline void free_test_certificate(void *certificate)
{
    X509_free(certificate);
}

static inline EVP_PKEY *make_key(fixture *f, const char *kind)
{
    OSSL_LIB_CTX *library = f->context->library;
    EVP_PKEY *key = NULL;
    if (strncmp(kind, "rsa", 3) == 0) {
        key = EVP_PKEY_Q_keygen(library, NULL, "RSA", (size_t)strtoul(kind + 3, NULL, 10));
    } else if (strcmp(kind, "ed25519") == 0) {
        key = EVP_PKEY_Q_keygen(library, NULL, "ED25519");
    } else if (strcmp(kind, "x25519") == 0) {
        key = EVP_PKEY_Q_keygen(library, NULL, "X25519");
    } else {
        key = EVP_PKEY_Q_keygen(library, NULL, "EC", kind);
    }
    assert_non_null(key);
    assert_true(sv_arena_defer(f->keys, free_test_key, key));
    return key;
}

static inline void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

typedef struct certificate_options {
    const char *name; /* CN, of subject and issuer */
    long serial;
    const char *usage;   /* keyUsage; NULL: no such extension */
    const char *ski;     /* hex; NULL: "hash"; "": no such extension */
    EVP_PKEY *signed_by; /* NULL: itself */
} certificate_options;

static inline X509 *make_certificate(fixture *f, EVP_PKEY *key, certificate_options options)
{
    X509 *certificate = X509_new_ex(f->context->library, NULL);
    assert_non_null(certificate);
    assert_true(sv_arena_defer(f->keys, free_test_certificate, certificate));
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), options.serial), 1);
    X509_NAME *name = X509_get_subject_name(certificate);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)options.name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -86400));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 86400 * 30L));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    if (options.ski == NULL) options.ski = "hash";
    if (options.ski[0] != '\0') add_extension(certificate, NID_subject_key_identifier, options.ski);
    if (options.usage != NULL) add_extension(certificate, NID_key_usage, options.usage);
    EVP_PKEY *by = options.signed_by != NULL ? options.signed_by : key;
    assert_true(X509_sign(certificate, by, EVP_PKEY_is_a(by, "ED25519") ? NULL : EVP_sha256()) > 0);
    return certificate;
}

/* The view that lib/keys would make. */
static inline sv_cms_key view_of(fixture *f, X509 *certificate, EVP_PKEY *private_key)
{
    sv_cms_key view = {.kind = SV_CMS_KEY_CERTIFICATE,
                       .certificate = certificate,
                       .public_key = X509_get0_pubkey(certificate),
                       .private_key = private_key};
    const uint8_t *name = NULL;
    size_t name_len = 0;
    assert_int_equal(X509_NAME_get0_der(X509_get_issuer_name(certificate), &name, &name_len), 1);
    assert_true(sv_arena_copy(f->keys, sv_span(name, name_len), &view.issuer));
    uint8_t serial[64], *at = serial;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &at);
    assert_true(len > 2);
    assert_true(sv_arena_copy(f->keys, sv_span(serial + 2, (size_t)len - 2), &view.serial));
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(certificate);
    if (ski != NULL) {
        view.ski = sv_span(ASN1_STRING_get0_data(ski), (size_t)ASN1_STRING_length(ski));
    }
    return view;
}

/* kind: "P-256", "rsa2048", "ed25519", ... One each is made and kept. */
static inline const sv_cms_key *identity(fixture *f, const char *kind)
{
    static struct {
        fixture *owner;
        char kind[16];
        sv_cms_key key;
    } kept[16];
    size_t i = 0;
    for (; i < 16 && kept[i].owner == f; i++) {
        if (strcmp(kept[i].kind, kind) == 0) return &kept[i].key;
    }
    assert_true(i < 16);
    EVP_PKEY *key = make_key(f, kind);
    EVP_PKEY *by = strcmp(kind, "x25519") == 0 ? make_key(f, "P-256") : NULL;
    certificate_options options = {.name = kind, .serial = 0x1234567 + (long)i, .signed_by = by};
    X509 *certificate = make_certificate(f, key, options);
    kept[i].owner = f;
    strcpy(kept[i].kind, kind);
    kept[i].key = view_of(f, certificate, key);
    return &kept[i].key;
}

static inline sipveil_span der_of(fixture *f, X509 *certificate)
{
    int len = i2d_X509(certificate, NULL);
    assert_true(len > 0);
    uint8_t *der = sv_arena_alloc(f->arena, (size_t)len), *at = der;
    assert_non_null(der);
    assert_int_equal(i2d_X509(certificate, &at), len);
    return sv_span(der, (size_t)len);
}

#endif
