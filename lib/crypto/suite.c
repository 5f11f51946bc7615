/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/suite.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define OID(octets) {(const uint8_t *)(octets), sizeof(octets) - 1}

static const char room[] = "crypto";

/* clang-format off */
static const sv_cipher_row ciphers[SIPVEIL_CIPHER_COUNT] = {
    [SIPVEIL_CIPHER_NONE] = {.name = ""},
    [SIPVEIL_CIPHER_AES_128_GCM] = {"aes-128-gcm", "AES-128-GCM", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x06"), 16, 12, 1, 128, true, 0},
    [SIPVEIL_CIPHER_AES_192_GCM] = {"aes-192-gcm", "AES-192-GCM", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x1A"), 24, 12, 1, 192, true, 0},
    [SIPVEIL_CIPHER_AES_256_GCM] = {"aes-256-gcm", "AES-256-GCM", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x2E"), 32, 12, 1, 256, true, 0},
    [SIPVEIL_CIPHER_AES_128_CBC] = {"aes-128-cbc", "AES-128-CBC", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x02"), 16, 16, 16, 128, false, 0},
    [SIPVEIL_CIPHER_AES_192_CBC] = {"aes-192-cbc", "AES-192-CBC", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x16"), 24, 16, 16, 192, false, 0},
    [SIPVEIL_CIPHER_AES_256_CBC] = {"aes-256-cbc", "AES-256-CBC", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x2A"), 32, 16, 16, 256, false, 0},
    [SIPVEIL_CIPHER_DES_EDE3_CBC] = {"des-ede3-cbc", "DES-EDE3-CBC", OID("\x2A\x86\x48\x86\xF7\x0D\x03\x07"), 24, 8, 8, 112, false, SIPVEIL_WEAK_3DES},
    [SIPVEIL_CIPHER_AES_128_CCM] = {"aes-128-ccm", "AES-128-CCM", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x07"), 16, 13, 1, 128, true, 0, true},
    [SIPVEIL_CIPHER_AES_192_CCM] = {"aes-192-ccm", "AES-192-CCM", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x1B"), 24, 13, 1, 192, true, 0, true},
    [SIPVEIL_CIPHER_AES_256_CCM] = {"aes-256-ccm", "AES-256-CCM", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x2F"), 32, 13, 1, 256, true, 0, true},
};

static const sv_wrap_row wraps[SV_WRAP_COUNT] = {
    [SV_WRAP_AES_128] = {"aes128-wrap", "AES-128-ECB", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x05"), 16},
    [SV_WRAP_AES_192] = {"aes192-wrap", "AES-192-ECB", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x19"), 24},
    [SV_WRAP_AES_256] = {"aes256-wrap", "AES-256-ECB", OID("\x60\x86\x48\x01\x65\x03\x04\x01\x2D"), 32},
};

static const sv_hash_row hashes[SV_HASH_COUNT] = {
    [SV_HASH_NONE] = {.name = ""},
    [SV_HASH_SHA1] = {"sha1", "SHA1", OID("\x2B\x0E\x03\x02\x1A"), OID("\x2A\x86\x48\x86\xF7\x0D\x02\x07"), 20, true},
    [SV_HASH_SHA224] = {"sha224", "SHA2-224", OID("\x60\x86\x48\x01\x65\x03\x04\x02\x04"), OID("\x2A\x86\x48\x86\xF7\x0D\x02\x08"), 28, false},
    [SV_HASH_SHA256] = {"sha256", "SHA2-256", OID("\x60\x86\x48\x01\x65\x03\x04\x02\x01"), OID("\x2A\x86\x48\x86\xF7\x0D\x02\x09"), 32, false},
    [SV_HASH_SHA384] = {"sha384", "SHA2-384", OID("\x60\x86\x48\x01\x65\x03\x04\x02\x02"), OID("\x2A\x86\x48\x86\xF7\x0D\x02\x0A"), 48, false},
    [SV_HASH_SHA512] = {"sha512", "SHA2-512", OID("\x60\x86\x48\x01\x65\x03\x04\x02\x03"), OID("\x2A\x86\x48\x86\xF7\x0D\x02\x0B"), 64, false},
};

/* RFC 5753 7.1.4, RFC 8418 7. The first one of a hash and a KDF is the one we write. */
static const sv_agreement_row agreements[] = {
    {"x963-sha256", OID("\x2B\x81\x04\x01\x0B\x01"), SV_HASH_SHA256, false, false},
    {"x963-sha384", OID("\x2B\x81\x04\x01\x0B\x02"), SV_HASH_SHA384, false, false},
    {"x963-sha512", OID("\x2B\x81\x04\x01\x0B\x03"), SV_HASH_SHA512, false, false},
    {"x963-sha224", OID("\x2B\x81\x04\x01\x0B\x00"), SV_HASH_SHA224, false, false},
    {"x963-sha1", OID("\x2B\x81\x05\x10\x86\x48\x3F\x00\x02"), SV_HASH_SHA1, false, false},
    {"hkdf-sha256", OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x13"), SV_HASH_SHA256, true, false},
    {"hkdf-sha384", OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x14"), SV_HASH_SHA384, true, false},
    {"hkdf-sha512", OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x15"), SV_HASH_SHA512, true, false},
    {"cofactor-x963-sha256", OID("\x2B\x81\x04\x01\x0E\x01"), SV_HASH_SHA256, false, true},
    {"cofactor-x963-sha384", OID("\x2B\x81\x04\x01\x0E\x02"), SV_HASH_SHA384, false, true},
    {"cofactor-x963-sha512", OID("\x2B\x81\x04\x01\x0E\x03"), SV_HASH_SHA512, false, true},
    {"cofactor-x963-sha224", OID("\x2B\x81\x04\x01\x0E\x00"), SV_HASH_SHA224, false, true},
    {"cofactor-x963-sha1", OID("\x2B\x81\x05\x10\x86\x48\x3F\x00\x03"), SV_HASH_SHA1, false, true},
};

static const sv_curve_row curves[SV_CURVE_COUNT] = {
    [SV_CURVE_NONE] = {.name = ""},
    [SV_CURVE_P256] = {"p256", "prime256v1", OID("\x2A\x86\x48\xCE\x3D\x03\x01\x07"), 32, 65, SV_HASH_SHA256, false, 128},
    [SV_CURVE_P384] = {"p384", "secp384r1", OID("\x2B\x81\x04\x00\x22"), 48, 97, SV_HASH_SHA384, false, 192},
    [SV_CURVE_P521] = {"p521", "secp521r1", OID("\x2B\x81\x04\x00\x23"), 66, 133, SV_HASH_SHA512, false, 256},
    [SV_CURVE_X25519] = {"x25519", "X25519", OID("\x2B\x65\x6E"), 32, 32, SV_HASH_SHA256, true, 128},
};
/* clang-format on */

const sv_cipher_row *sv_cipher_row_of(sipveil_cipher cipher)
{
    return &ciphers[(unsigned)cipher < SIPVEIL_CIPHER_COUNT ? cipher : SIPVEIL_CIPHER_NONE];
}

sipveil_cipher sv_cipher_by_oid(sipveil_span oid)
{
    for (sipveil_cipher c = SIPVEIL_CIPHER_NONE + 1; c < SIPVEIL_CIPHER_COUNT; c++) {
        if (sv_equal(ciphers[c].oid, oid)) return c;
    }
    return SIPVEIL_CIPHER_NONE;
}

bool sv_cipher_is_written(sipveil_cipher cipher)
{
    const sv_cipher_row *row = sv_cipher_row_of(cipher);
    return row->key_length > 0 && row->weak == 0 && !row->ccm;
}

bool sv_cipher_takes_iv(const sv_cipher_row *row, size_t length)
{
    return length == row->iv_length || (row->ccm && length >= SV_NONCE_LEAST && length < row->iv_length);
}

const char *sipveil_cipher_name(sipveil_cipher cipher)
{
    return sv_cipher_row_of(cipher)->name;
}

sipveil_cipher sipveil_cipher_by_name(const char *name)
{
    for (sipveil_cipher c = SIPVEIL_CIPHER_NONE + 1; name != NULL && c < SIPVEIL_CIPHER_COUNT; c++) {
        if (strcmp(ciphers[c].name, name) == 0) return c;
    }
    return SIPVEIL_CIPHER_NONE;
}

const sv_wrap_row *sv_wrap_row_of(sv_wrap wrap)
{
    return &wraps[wrap];
}

bool sv_wrap_by_oid(sipveil_span oid, sv_wrap *out)
{
    for (sv_wrap w = 0; w < SV_WRAP_COUNT; w++) {
        if (!sv_equal(wraps[w].oid, oid)) continue;
        *out = w;
        return true;
    }
    return false;
}

bool sv_wrap_by_key_length(size_t length, sv_wrap *out)
{
    for (sv_wrap w = 0; w < SV_WRAP_COUNT; w++) {
        if (wraps[w].key_length != length) continue;
        *out = w;
        return true;
    }
    return false;
}

const sv_hash_row *sv_hash_row_of(sv_hash hash)
{
    return &hashes[(unsigned)hash < SV_HASH_COUNT ? hash : SV_HASH_NONE];
}

sv_hash sv_hash_by_oid(sipveil_span oid)
{
    for (sv_hash h = SV_HASH_NONE + 1; h < SV_HASH_COUNT; h++) {
        if (sv_equal(hashes[h].oid, oid)) return h;
    }
    return SV_HASH_NONE;
}

sv_hash sv_hash_by_hmac_oid(sipveil_span oid)
{
    for (sv_hash h = SV_HASH_NONE + 1; h < SV_HASH_COUNT; h++) {
        if (sv_equal(hashes[h].hmac_oid, oid)) return h;
    }
    return SV_HASH_NONE;
}

enum { AGREEMENTS = sizeof agreements / sizeof *agreements };

const sv_agreement_row *sv_agreement_by_oid(sipveil_span oid)
{
    for (size_t i = 0; i < AGREEMENTS; i++) {
        if (sv_equal(agreements[i].oid, oid)) return &agreements[i];
    }
    return NULL;
}

const sv_agreement_row *sv_agreement_for(sv_hash hash, bool hkdf)
{
    for (size_t i = 0; i < AGREEMENTS; i++) {
        if (agreements[i].hash == hash && agreements[i].hkdf == hkdf) return &agreements[i];
    }
    return NULL;
}

const sv_curve_row *sv_curve_row_of(sv_curve curve)
{
    return &curves[(unsigned)curve < SV_CURVE_COUNT ? curve : SV_CURVE_NONE];
}

sv_curve sv_curve_by_oid(sipveil_span oid)
{
    for (sv_curve c = SV_CURVE_NONE + 1; c < SV_CURVE_COUNT; c++) {
        if (sv_equal(curves[c].oid, oid)) return c;
    }
    return SV_CURVE_NONE;
}

sv_curve sv_curve_by_group(const char *group)
{
    for (sv_curve c = SV_CURVE_NONE + 1; c < SV_CURVE_COUNT; c++) {
        if (strcmp(curves[c].group, group) == 0) return c;
    }
    return SV_CURVE_NONE;
}

static sipveil_code missing(const char *what, const char *name, sipveil_error *err)
{
    char text[80];
    (void)snprintf(text, sizeof text, "libcrypto has no %s %s", what, name);
    return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, text);
}

static sipveil_code fetch(sv_suite *suite, OSSL_LIB_CTX *library, sipveil_error *err)
{
    for (sipveil_cipher c = SIPVEIL_CIPHER_NONE + 1; c < SIPVEIL_CIPHER_COUNT; c++) {
        suite->ciphers[c] = EVP_CIPHER_fetch(library, ciphers[c].library, NULL);
        if (suite->ciphers[c] == NULL) return missing("cipher", ciphers[c].library, err);
    }
    for (sv_wrap w = 0; w < SV_WRAP_COUNT; w++) {
        suite->blocks[w] = EVP_CIPHER_fetch(library, wraps[w].library, NULL);
        if (suite->blocks[w] == NULL) return missing("cipher", wraps[w].library, err);
    }
    for (sv_hash h = SV_HASH_NONE + 1; h < SV_HASH_COUNT; h++) {
        suite->hashes[h] = EVP_MD_fetch(library, hashes[h].library, NULL);
        if (suite->hashes[h] == NULL) return missing("digest", hashes[h].library, err);
    }
    suite->md5 = EVP_MD_fetch(library, "MD5", NULL); /* may be absent */
    ERR_clear_error();
    suite->hkdf = EVP_KDF_fetch(library, "HKDF", NULL);
    if (suite->hkdf == NULL) return missing("key derivation", "HKDF", err);
    suite->pbkdf2 = EVP_KDF_fetch(library, "PBKDF2", NULL);
    if (suite->pbkdf2 == NULL) return missing("key derivation", "PBKDF2", err);
    return SIPVEIL_OK;
}

sipveil_code sv_suite_new(OSSL_LIB_CTX *library, sv_suite **out, sipveil_error *err)
{
    *out = NULL;
    sv_suite *suite = calloc(1, sizeof *suite);
    if (suite == NULL) return sv_no_memory(err, room);
    ERR_clear_error();
    sipveil_code code = fetch(suite, library, err);
    if (code != SIPVEIL_OK) {
        sv_suite_free(suite);
        return code;
    }
    *out = suite;
    return SIPVEIL_OK;
}

void sv_suite_free(sv_suite *suite)
{
    if (suite == NULL) return;
    for (size_t i = 0; i < SIPVEIL_CIPHER_COUNT; i++) EVP_CIPHER_free(suite->ciphers[i]);
    for (size_t i = 0; i < SV_WRAP_COUNT; i++) EVP_CIPHER_free(suite->blocks[i]);
    for (size_t i = 0; i < SV_HASH_COUNT; i++) EVP_MD_free(suite->hashes[i]);
    EVP_MD_free(suite->md5);
    EVP_KDF_free(suite->hkdf);
    EVP_KDF_free(suite->pbkdf2);
    free(suite);
}
