/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates and private keys as they come in files: PEM, DER certificate, PKCS#12; and which of
 * them belong together. */
#ifndef SV_KEYS_BUNDLE_H
#define SV_KEYS_BUNDLE_H

#include "base/cursor.h"
#include "keys/keyring.h"

enum { SV_BUNDLE_CERTIFICATES = 4096, SV_BUNDLE_PRIVATE_KEYS = 16 };

typedef enum sv_content { SV_CONTENT_UNKNOWN, SV_CONTENT_JWK, SV_CONTENT_PEM, SV_CONTENT_CERTIFICATE,
                          SV_CONTENT_PKCS12 } sv_content;

/* What the octets are, from their content alone; *secret: whether a secret is among them. */
sv_content sv_content_kind(sipveil_span octets, bool *secret);

/* One block of a PEM text (RFC 7468). */
typedef struct sv_pem_block {
    sipveil_span label; /* "CERTIFICATE" */
    sipveil_span whole; /* from its BEGIN line to its END line */
} sv_pem_block;
/* *found is false when no block is left. USAGE: a block without end. */
sipveil_code sv_pem_take(sv_cursor *c, sv_pem_block *out, bool *found, sipveil_error *err);

typedef struct sv_bundle {
    const sipveil_context *context;
    sv_arena *arena; /* owns everything */
    X509 **certificates;
    size_t certificate_count, certificate_capacity;
    EVP_PKEY *private_keys[SV_BUNDLE_PRIVATE_KEYS];
    size_t private_key_count;
} sv_bundle;

/* name and options: for the passphrase. */
sipveil_code sv_bundle_read(sv_bundle *bundle, sipveil_span octets, sv_content kind, const char *name,
                            const sipveil_key_options *options, sipveil_error *err);
/* Certificates only; private keys are stepped over unread. */
sipveil_code sv_bundle_read_certificates(sv_bundle *bundle, sipveil_span octets, sv_content kind,
                                         sipveil_error *err);

/* Each private key with its certificate, the others as its chain; without private keys, one chain or
 * one key for each certificate. */
sipveil_code sv_bundle_make_keys(const sv_bundle *bundle, sv_key_batch *batch, sipveil_error *err);

/* ---- for bundle.c and pkcs12.c ---- */

typedef struct sv_passphrase {
    const sipveil_key_options *options;
    const char *name;
    bool asked;   /* somebody was asked and answered */
    bool missing; /* one was needed and there was none */
} sv_passphrase;
int sv_passphrase_ask(char *out, int room, int writing, void *passphrase); /* a pem_password_cb */
/* Turns the failure of libcrypto into words: wrong or missing passphrase, old ciphers. */
sipveil_code sv_passphrase_fail(const sv_passphrase *passphrase, const char *what, sipveil_error *err);

sipveil_code sv_bundle_add_der(sv_bundle *bundle, sipveil_span der, sipveil_error *err);
/* The key is taken, also on failure. */
sipveil_code sv_bundle_add_private_key(sv_bundle *bundle, EVP_PKEY *key, sipveil_error *err);
sipveil_code sv_bundle_read_pkcs12(sv_bundle *bundle, sipveil_span octets, sv_passphrase *passphrase,
                                   sipveil_error *err);

#endif
