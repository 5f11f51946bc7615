/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this room share: the ring, and the batch in which the keys of one call are made
 * before all of them, or none, join the ring. */
#ifndef SV_KEYS_KEYRING_H
#define SV_KEYS_KEYRING_H

#include "base/vault.h"
#include "keys/file.h"
#include "keys/keys.h"

enum { SV_KEK_ID_MOST = 1024, SV_FINGERPRINT = 32 };

typedef struct sv_pin {
    struct sv_pin *next;
    sipveil_span aor;
    uint8_t sha256[SV_FINGERPRINT];
} sv_pin;

/* A certificate kept from an earlier message; those of one address are newest first. */
typedef struct sv_kept {
    struct sv_kept *next;
    sipveil_span aor;
    X509 *certificate; /* also among the known */
    uint8_t sha256[SV_FINGERPRINT];
} sv_kept;

/* The keys of one call, in an arena of their own: freed and wiped at once if the call fails. Lives in
 * that arena. */
typedef struct sv_key_batch {
    struct sv_key_batch *next; /* in the ring */
    sv_arena *arena;
    const sipveil_context *context;
    sipveil_key *first, *last;
    size_t count;
} sv_key_batch;

/* Lives in its own arena. */
struct sipveil_keyring {
    const sipveil_context *context;
    sv_arena *arena;
    sv_key_batch *batches;
    const sipveil_key **keys;
    sv_cms_key *cms; /* cms[i] is keys[i]->cms */
    size_t count, capacity;
    X509 **known;
    size_t known_count, known_capacity;
    STACK_OF(X509) *known_authorities; /* those of `known` that are a CA's; borrowed from it */
    X509_STORE *store;
    size_t anchor_count, crl_count;
    bool sha1_crl; /* one of the CRLs is signed with SHA-1 */
    sv_pin *pins;
    sv_kept *kept;
    bool keeps; /* signers are compared with those kept */
    sv_vault secrets; /* shared keys, passwords, PINs */
    struct sv_pkcs11_module *modules; /* loaded for its keys */
};

sv_key_batch *sv_key_batch_new(const sipveil_context *context);
void sv_key_batch_free(sv_key_batch *batch);
/* Adds an empty key of that kind. NULL: no memory. */
sipveil_key *sv_key_batch_add(sv_key_batch *batch, sipveil_key_kind kind);
/* A shared key; id and kek are copied. USAGE: ADV-093. */
sipveil_code sv_key_batch_add_kek(sv_key_batch *batch, sipveil_span id, sipveil_span kek,
                                  sipveil_error *err);
/* A certificate, with its private key or NULL; both belong to the batch's arena already. */
sipveil_code sv_key_batch_add_certificate(sv_key_batch *batch, X509 *certificate,
                                          EVP_PKEY *private_key, STACK_OF(X509) *chain,
                                          sipveil_error *err);

/* What the certificate of a PRIVATE key says, once it is in place. */
sipveil_code sv_keys_read_own(sipveil_key *key, sv_arena *arena, sipveil_error *err);

/* The batch joins the ring (taken, also on failure), or nothing of it does. made: how filling it ended, with the reason
 * in err; what is not OK joins nothing and is returned. *first: the first of its keys; may be NULL, left alone on failure. */
sipveil_code sv_keyring_take(sipveil_keyring *ring, sv_key_batch *batch, sipveil_code made, const sipveil_key **first, sipveil_error *err);

/* A certificate that becomes the ring's; up-referenced. */
sipveil_code sv_keyring_keep_known(sipveil_keyring *ring, X509 *certificate, sipveil_error *err);

#endif
