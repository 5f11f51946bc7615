/* SPDX-License-Identifier: BSD-2-Clause */
/* What libcrypto has to look up or to make ready before it works with a key, kept for the next message with the same
 * key. That of public keys stays with the thread. That of a private key stays in one place with the key, and goes when
 * the key goes: no thread holds a private key from one message to the next. Nothing here says whether a key may be used
 * or whose it is. */
#ifndef SV_CRYPTO_PREPARED_H
#define SV_CRYPTO_PREPARED_H

#include "crypto/sign.h"

enum { SV_PUBLIC_KEYS_KEPT = 32, SV_SALT_MOST = 1024 };

/* ---- what a key is ---- */

typedef enum sv_key_type {
    SV_KEY_OTHER, SV_KEY_RSA, SV_KEY_RSA_PSS, SV_KEY_EC, SV_KEY_ED25519, SV_KEY_X25519
} sv_key_type;

typedef struct sv_key_facts {
    sv_key_type type;
    int bits;
    bool good_exponent;  /* RSA: odd, over 1, and of no more than 33 bits */
    sv_curve curve;      /* NONE: none of ours */
    bool explicit_curve; /* EC: it came written out as parameters */
} sv_key_facts;

/* Of a public key, remembered by the thread until its next call here; crypto NULL: looked at anew, into *room. */
const sv_key_facts *sv_key_look(sv_crypto *crypto, EVP_PKEY *key, sv_key_facts *room);

/* ---- what a context is ready for ---- */

/* OWN_SIGNATURE: to verify what the private key itself has signed. */
typedef enum sv_key_purpose {
    SV_FOR_SIGNATURE, SV_FOR_OWN_SIGNATURE, SV_FOR_TRANSPORT, SV_FOR_AGREEMENT, SV_FOR_COUNT
} sv_key_purpose;

typedef struct sv_readiness {
    sv_key_purpose use;
    sv_signature_kind kind; /* both SIGNATUREs: with hash, and of PSS the salt */
    sv_hash hash;           /* TRANSPORT: OAEP with hash and mask_hash */
    sv_hash mask_hash;
    size_t salt;
} sv_readiness;

/* To verify with, or to encrypt to, a public key. The thread's until its next call here. NULL: libcrypto does not do
 * that with this key. */
EVP_PKEY_CTX *sv_public_context(sv_crypto *crypto, EVP_PKEY *key, const sv_readiness *readiness);

/* ---- private keys ---- */

/* Kept beside a private key, by whoever owns that; may be used by several threads at once. */
typedef struct sv_prepared sv_prepared;
/* NULL: no memory. */
sv_prepared *sv_prepared_new(EVP_PKEY *key);
/* No thread may be using the key. NULL is fine. */
void sv_prepared_free(sv_prepared *prepared);
/* NULL: *room is filled. */
const sv_key_facts *sv_private_look(const sv_prepared *prepared, EVP_PKEY *key, sv_key_facts *room);

/* To sign, to decrypt or to agree with a private key: the caller's alone until it is returned. prepared NULL: it is
 * made for this once. */
typedef struct sv_loan {
    EVP_PKEY_CTX *context; /* NULL: libcrypto does not do that with this key */
    void *place;
} sv_loan;
sv_loan sv_private_context(sv_crypto *crypto, EVP_PKEY *key, sv_prepared *prepared, const sv_readiness *readiness);
void sv_private_return(sv_prepared *prepared, sv_loan *loan);
/* Whether a signature, just made over a digest, is right. Asked of each one with RSA: libcrypto squares the two halves of a
 * key's blinding one after the other, and where memory ends between them, in a signature or in a decryption, up to 32
 * signatures after it come out wrong and are called made. Nothing is remembered of what failed, least of all of what
 * others sent to be decrypted, so the time of a signature tells nothing of that. */
bool sv_private_signed(sv_crypto *crypto, EVP_PKEY *key, sv_prepared *prepared, const sv_readiness *readiness,
                       sipveil_span digest, sipveil_span signature);

/* Of a thread. */
typedef struct sv_public_keys sv_public_keys;
sv_public_keys *sv_public_keys_new(void); /* NULL: no memory */
void sv_public_keys_free(sv_public_keys *keys);

#endif
