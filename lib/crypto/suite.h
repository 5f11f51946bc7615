/* SPDX-License-Identifier: BSD-2-Clause */
/* The algorithms as data: one row each, found by OID or by name. Digests as signatures name them and
 * signature schemes are in sign.h. What is not in a table is not done. */
#ifndef SV_CRYPTO_SUITE_H
#define SV_CRYPTO_SUITE_H

#include <openssl/kdf.h>

#include "crypto/crypto.h"

enum {
    SV_KEY_MOST = 32,      /* octets of a CEK or KEK */
    SV_TAG_LENGTH = 16,    /* octets that we write */
    SV_TAG_LEAST = 12,     /* octets that we accept (RFC 5084 3.2) */
    SV_NONCE_LEAST = 7,    /* of CCM (RFC 5084 3.1), to the 13 of its row */
    SV_WRAP_GAIN = 8,      /* octets that AES key wrap adds (RFC 3394) */
    SV_HASH_MOST = 64,
    SV_POINT_MOST = 133,   /* P-521, uncompressed */
    SV_SHARED_MOST = 66    /* P-521 */
};

/* ---- content ciphers ---- */
typedef struct sv_cipher_row {
    const char *name;     /* "aes-256-gcm" */
    const char *library;  /* libcrypto's name */
    sipveil_span oid;     /* content octets */
    size_t key_length;
    size_t iv_length;     /* CCM: at most */
    size_t block;
    unsigned strength;    /* bits */
    bool authenticated;   /* AuthEnvelopedData, else EnvelopedData (ADV-063) */
    unsigned weak;        /* the SIPVEIL_WEAK_ bit that allows reading; 0: always; never written */
    bool ccm;             /* never written either */
} sv_cipher_row;

const sv_cipher_row *sv_cipher_row_of(sipveil_cipher cipher); /* never NULL */
sipveil_cipher sv_cipher_by_oid(sipveil_span oid);
bool sv_cipher_is_written(sipveil_cipher cipher);
bool sv_cipher_takes_iv(const sv_cipher_row *row, size_t length);

/* ---- AES key wrap (RFC 3394, RFC 3565) ---- */
typedef enum sv_wrap { SV_WRAP_AES_128, SV_WRAP_AES_192, SV_WRAP_AES_256, SV_WRAP_COUNT } sv_wrap;

typedef struct sv_wrap_row {
    const char *name;    /* "aes128-wrap" */
    const char *library; /* of the block cipher */
    sipveil_span oid;
    size_t key_length;
} sv_wrap_row;

const sv_wrap_row *sv_wrap_row_of(sv_wrap wrap);
bool sv_wrap_by_oid(sipveil_span oid, sv_wrap *out);
bool sv_wrap_by_key_length(size_t length, sv_wrap *out);

/* ---- hashes of key derivation and of OAEP ---- */
typedef enum sv_hash {
    SV_HASH_NONE,
    SV_HASH_SHA1,
    SV_HASH_SHA224,
    SV_HASH_SHA256,
    SV_HASH_SHA384,
    SV_HASH_SHA512,
    SV_HASH_COUNT
} sv_hash;

typedef struct sv_hash_row {
    const char *name; /* "sha256" */
    const char *library;
    sipveil_span oid;
    sipveil_span hmac_oid;
    size_t size;
    bool weak; /* where collisions count; as a PBKDF2 PRF it is not */
} sv_hash_row;

const sv_hash_row *sv_hash_row_of(sv_hash hash); /* never NULL */
sv_hash sv_hash_by_oid(sipveil_span oid);
sv_hash sv_hash_by_hmac_oid(sipveil_span oid);

/* ---- key agreement schemes (RFC 5753 7.1.4, RFC 8418 7) ---- */
typedef struct sv_agreement_row {
    const char *name; /* "x963-sha256" */
    sipveil_span oid;
    sv_hash hash;
    bool hkdf;     /* else X9.63 */
    bool cofactor; /* the same as without on our curves, whose cofactor is 1; not with X25519 */
} sv_agreement_row;

const sv_agreement_row *sv_agreement_by_oid(sipveil_span oid); /* NULL: none of ours */
const sv_agreement_row *sv_agreement_for(sv_hash hash, bool hkdf);

/* ---- curves ---- */
typedef enum sv_curve {
    SV_CURVE_NONE,
    SV_CURVE_P256,
    SV_CURVE_P384,
    SV_CURVE_P521,
    SV_CURVE_X25519,
    SV_CURVE_COUNT
} sv_curve;

typedef struct sv_curve_row {
    const char *name;    /* "p256" */
    const char *group;   /* libcrypto's name */
    sipveil_span oid;    /* of the curve; X25519: of the key type */
    size_t shared;       /* octets of the shared secret, of a coordinate */
    size_t point;        /* octets of a public key, uncompressed */
    sv_hash hash;        /* of the scheme that we write */
    bool hkdf;
    unsigned strength;   /* bits */
} sv_curve_row;

const sv_curve_row *sv_curve_row_of(sv_curve curve); /* never NULL */
sv_curve sv_curve_by_oid(sipveil_span oid);
sv_curve sv_curve_by_group(const char *group);

/* ---- what is fetched once a context ---- */
struct sv_suite {
    EVP_CIPHER *ciphers[SIPVEIL_CIPHER_COUNT];
    EVP_CIPHER *blocks[SV_WRAP_COUNT]; /* AES in ECB mode */
    EVP_MD *hashes[SV_HASH_COUNT];
    EVP_MD *md5; /* of Digest access authentication only; NULL: this libcrypto has none */
    EVP_KDF *hkdf;
    EVP_KDF *pbkdf2;
};

sipveil_code sv_suite_new(OSSL_LIB_CTX *library, sv_suite **out, sipveil_error *err);
void sv_suite_free(sv_suite *suite);

#endif
