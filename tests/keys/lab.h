/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates as a test wants them, right or wrong, made with libcrypto and not with lib/keys. The
 * default library context is emptied first, so that whatever lib/keys does is seen to work with the
 * context's own algorithms alone (ADV-221). */
#ifndef TEST_KEYS_LAB_H
#define TEST_KEYS_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/span.h"
#include "keys/keyring.h"

#define LAB_UNUSED __attribute__((unused))

enum { LAB_NOW = 1795255200 }; /* 2026-11-21T10:00:00Z */

typedef struct lab_certificate {
    X509 *x509;
    EVP_PKEY *key;
} lab_certificate;

typedef struct lab_form {
    const char *subject;        /* common name */
    const char *algorithm;      /* NULL: p256 */
    const char *digest;         /* NULL: SHA256 */
    const char *san;            /* "URI:sip:alice@a.example,DNS:..." */
    const void *raw_uri;        /* one more URI entry, any octets */
    size_t raw_uri_len;
    const char *constraints;    /* basicConstraints; NULL: none */
    const char *usage;          /* keyUsage; NULL: none */
    const char *purposes;       /* extendedKeyUsage; NULL: none */
    const char *name_constraints;
    const char *extension;      /* one more: its OID in dotted decimal */
    const void *extension_value; /* and its octets */
    size_t extension_len;
    bool extension_critical;
    long from, until;           /* seconds from LAB_NOW; 0, 0: a day around it */
    const lab_certificate *issuer; /* NULL: itself */
    EVP_PKEY *signing_key;      /* instead of the issuer's */
    EVP_PKEY *own_key;          /* instead of a new one */
    long serial;                /* 0: 1 */
    bool no_key_identifiers;
} lab_form;

static sipveil_context *lab_context;
static OSSL_PROVIDER *lab_nothing;
static char lab_folder[64];

LAB_UNUSED static int64_t lab_clock(void *user)
{
    (void)user;
    return LAB_NOW;
}

LAB_UNUSED static int lab_open(void **state)
{
    sipveil_hooks hooks;
    sipveil_error err;
    (void)state;
    lab_nothing = OSSL_PROVIDER_load(NULL, "null");
    sipveil_hooks_default(&hooks);
    hooks.now = lab_clock;
    snprintf(lab_folder, sizeof lab_folder, "/tmp/sipveil-test-XXXXXX");
    if (mkdtemp(lab_folder) == NULL) return -1;
    return lab_nothing != NULL && sipveil_context_new(&hooks, &lab_context, &err) == SIPVEIL_OK ? 0 : -1;
}

LAB_UNUSED static int lab_close(void **state)
{
    char command[128];
    (void)state;
    sipveil_context_free(lab_context);
    OSSL_PROVIDER_unload(lab_nothing);
    snprintf(command, sizeof command, "rm -rf %s", lab_folder);
    return system(command);
}

LAB_UNUSED static EVP_PKEY *lab_key(const char *algorithm)
{
    OSSL_LIB_CTX *library = lab_context->library;
    EVP_PKEY *key = NULL;
    size_t bits;
    if (algorithm == NULL || strcmp(algorithm, "p256") == 0) {
        key = EVP_PKEY_Q_keygen(library, NULL, "EC", "P-256");
    } else if (strcmp(algorithm, "p224") == 0) {
        key = EVP_PKEY_Q_keygen(library, NULL, "EC", "P-224");
    } else if (sscanf(algorithm, "rsa%zu", &bits) == 1) {
        key = EVP_PKEY_Q_keygen(library, NULL, "RSA", bits);
    } else {
        key = EVP_PKEY_Q_keygen(library, NULL, algorithm);
    }
    assert_non_null(key);
    return key;
}

static void lab_extend(X509 *x509, X509 *issuer, int nid, const char *text)
{
    X509V3_CTX context;
    if (text == NULL) return;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, text);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void lab_name(X509 *x509, const lab_form *form)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *uri = ASN1_IA5STRING_new();
    assert_int_equal(ASN1_STRING_set(uri, form->raw_uri, (int)form->raw_uri_len), 1);
    GENERAL_NAME_set0_value(name, GEN_URI, uri);
    assert_true(sk_GENERAL_NAME_push(names, name) > 0);
    assert_int_equal(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
}

static void lab_key_identifier(X509 *x509, int nid, X509 *of)
{
    uint8_t digest[64];
    size_t len;
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(of);
    assert_int_equal(EVP_Q_digest(lab_context->library, "SHA1", NULL, bits->data, (size_t)bits->length,
                                  digest, &len), 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    assert_int_equal(ASN1_OCTET_STRING_set(octets, digest, (int)len), 1);
    if (nid == NID_subject_key_identifier) {
        assert_int_equal(X509_add1_ext_i2d(x509, nid, octets, 0, 0), 1);
        ASN1_OCTET_STRING_free(octets);
        return;
    }
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    authority->keyid = octets;
    assert_int_equal(X509_add1_ext_i2d(x509, nid, authority, 0, 0), 1);
    AUTHORITY_KEYID_free(authority);
}

static void lab_extend_raw(X509 *x509, const lab_form *form)
{
    if (form->extension == NULL) return;
    ASN1_OBJECT *object = OBJ_txt2obj(form->extension, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    assert_int_equal(ASN1_OCTET_STRING_set(octets, form->extension_value, (int)form->extension_len), 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, form->extension_critical, octets);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
}

LAB_UNUSED static lab_certificate lab_make(const lab_form *form)
{
    lab_certificate made;
    made.key = form->own_key != NULL ? form->own_key : lab_key(form->algorithm);
    if (form->own_key != NULL) EVP_PKEY_up_ref(made.key);
    X509 *x = made.x509 = X509_new_ex(lab_context->library, NULL);
    assert_non_null(x);
    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x), form->serial != 0 ? form->serial : 1);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                               (const unsigned char *)form->subject, -1, -1, 0);
    X509 *issuer = form->issuer != NULL ? form->issuer->x509 : x;
    X509_set_issuer_name(x, X509_get_subject_name(issuer));
    bool day = form->from == 0 && form->until == 0;
    ASN1_TIME_set(X509_getm_notBefore(x), LAB_NOW + (day ? -86400 : form->from));
    ASN1_TIME_set(X509_getm_notAfter(x), LAB_NOW + (day ? 86400 : form->until));
    assert_int_equal(X509_set_pubkey(x, made.key), 1);
    lab_extend(x, issuer, NID_basic_constraints, form->constraints);
    lab_extend(x, issuer, NID_key_usage, form->usage);
    lab_extend(x, issuer, NID_ext_key_usage, form->purposes);
    lab_extend(x, issuer, NID_name_constraints, form->name_constraints);
    lab_extend(x, issuer, NID_subject_alt_name, form->san);
    if (form->raw_uri != NULL) lab_name(x, form);
    lab_extend_raw(x, form);
    if (!form->no_key_identifiers) {
        lab_key_identifier(x, NID_subject_key_identifier, x);
        lab_key_identifier(x, NID_authority_key_identifier, issuer);
    }
    EVP_PKEY *signing = form->signing_key != NULL ? form->signing_key
                        : form->issuer != NULL    ? form->issuer->key
                                                  : made.key;
    EVP_MD *digest = EVP_MD_fetch(lab_context->library, form->digest ? form->digest : "SHA256", NULL);
    assert_true(X509_sign(x, signing, EVP_PKEY_is_a(signing, "ED25519") ? NULL : digest) > 0);
    EVP_MD_free(digest);
    return made;
}

LAB_UNUSED static void lab_free(lab_certificate *certificate)
{
    X509_free(certificate->x509);
    EVP_PKEY_free(certificate->key);
    *certificate = (lab_certificate){0};
}

/* A path in the test's own folder; valid until the next but three. */
LAB_UNUSED static const char *lab_path(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ & 3];
    snprintf(path, sizeof paths[0], "%s/%s", lab_folder, name);
    return path;
}

LAB_UNUSED static const char *lab_write(const char *name, const void *octets, size_t len, mode_t mode)
{
    const char *path = lab_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(octets, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

/* PEM text; free() it. Either may be NULL. */
LAB_UNUSED static char *lab_pem(EVP_PKEY *key, const char *passphrase, X509 *const *certificates, size_t count)
{
    BIO *bio = BIO_new(BIO_s_mem());
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(lab_context->library, "AES-256-CBC", NULL);
    char *data;
    if (key != NULL) {
        assert_int_equal(PEM_write_bio_PrivateKey_ex(bio, key, passphrase ? cipher : NULL,
                                                     (const unsigned char *)passphrase,
                                                     passphrase ? (int)strlen(passphrase) : 0, NULL, NULL,
                                                     lab_context->library, NULL), 1);
    }
    for (size_t i = 0; i < count; i++) assert_int_equal(PEM_write_bio_X509(bio, certificates[i]), 1);
    long len = BIO_get_mem_data(bio, &data);
    char *text = malloc((size_t)len + 1);
    memcpy(text, data, (size_t)len);
    text[len] = '\0';
    BIO_free(bio);
    EVP_CIPHER_free(cipher);
    return text;
}

LAB_UNUSED static const char *lab_write_certificate(const char *name, X509 *x509)
{
    char *text = lab_pem(NULL, NULL, &x509, 1);
    const char *path = lab_write(name, text, strlen(text), 0644);
    free(text);
    return path;
}

LAB_UNUSED static sipveil_keyring *lab_ring(void)
{
    sipveil_keyring *ring = NULL;
    sipveil_error err;
    assert_int_equal(sipveil_keyring_new(lab_context, &ring, &err), SIPVEIL_OK);
    return ring;
}

#define lab_assert_text(err, part)                                                                 \
    do {                                                                                           \
        if (strstr((err).text, part) == NULL) fail_msg("\"%s\" is not in \"%s\"", part, (err).text); \
    } while (0)

#endif
