/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests and signatures as data: one row each, found by OID or by key. Which of them a message may
 * use is decided here once (ADV-115); the structures around them belong to lib/cms. */
#ifndef SV_CRYPTO_SIGN_H
#define SV_CRYPTO_SIGN_H

#include "crypto/suite.h"

enum { SV_DIGEST_MOST = 64, SV_PSS_SALT_LEAST = 20 };

typedef struct sv_digest {
    const char *name;    /* "sha256" */
    const char *micalg;  /* "sha-256" (RFC 8551 3.5.3.2) */
    const char *library; /* libcrypto's name */
    sipveil_span oid;    /* content octets */
    size_t size;
    sv_hash hash; /* NONE: broken, never computed */
    bool weak;    /* only with SIPVEIL_WEAK_SHA1 */
} sv_digest;

/* NULL: not in the table. */
const sv_digest *sv_digest_by_oid(sipveil_span oid);
const sv_digest *sv_digest_by_name(const char *name);

/* As fetched with the context; NULL for a broken one. */
const EVP_MD *sv_digest_md(const sv_crypto *crypto, const sv_digest *digest);

/* out has room for digest->size octets. */
sipveil_code sv_digest_octets(sv_crypto *crypto, const sv_digest *digest, sipveil_span octets,
                              uint8_t *out, sipveil_error *err);

typedef enum sv_signature_kind {
    SV_SIGNATURE_RSA_V15,
    SV_SIGNATURE_RSA_PSS,
    SV_SIGNATURE_ECDSA,
    SV_SIGNATURE_ED25519
} sv_signature_kind;

typedef struct sv_signature_scheme {
    const char *name; /* "ecdsa-sha256" */
    sv_signature_kind kind;
    const char *digest;    /* of the content and of the signature alike */
    sipveil_span oid;      /* what we write */
    sipveil_span also_oid; /* read too: rsaEncryption (RFC 3370 3.2); may be empty */
} sv_signature_scheme;

/* The scheme that this OID means together with this digest; NULL if there is none. *oid_known tells
 * a contradiction (ADV-116) from an algorithm we do not have. */
const sv_signature_scheme *sv_signature_scheme_find(sipveil_span oid, const sv_digest *digest,
                                                    bool *oid_known);
/* What we sign with, given the key: P-256 with SHA-256, P-384 with SHA-384, P-521 with SHA-512, RSA
 * with SHA-256 and PSS unless rsa_v15, Ed25519. NULL: a key that does not sign. The key is a public one, of which crypto, if given,
 * remembers what it is (prepared.h); so below. */
const sv_signature_scheme *sv_signature_scheme_for(sv_crypto *crypto, EVP_PKEY *key, bool rsa_v15);

/* Whether this key may be used with signatures of this kind: BAD_SIGNATURE for the wrong type of
 * key, POLICY for its size, exponent or curve. *weak: only by name (SIPVEIL_WEAK_RSA1024). */
sipveil_code sv_signature_check_key(sv_crypto *crypto, EVP_PKEY *key, sv_signature_kind kind,
                                    unsigned allow_weak, bool *weak, sipveil_error *err);

/* *valid is the answer; the code says only whether there is one. salt: octets, PSS only. */
sipveil_code sv_signature_verify(sv_crypto *crypto, const sv_signature_scheme *scheme, size_t salt,
                                 EVP_PKEY *key, sipveil_span message, sipveil_span signature,
                                 bool *valid, sipveil_error *err);

/* PSS: the salt is as long as the digest. prepared: of the key, or NULL. *signature is in the arena. */
struct sv_prepared;
sipveil_code sv_signature_make(sv_crypto *crypto, const sv_signature_scheme *scheme, EVP_PKEY *key,
                               struct sv_prepared *prepared, sipveil_span message, sv_arena *arena, sipveil_span *signature,
                               sipveil_error *err);

#endif
