/* SPDX-License-Identifier: BSD-2-Clause */
/* RecipientInfos (RFC 5652 6.2, RFC 5753, RFC 8418, RFC 3211): read, unwrap, write. */
#ifndef SV_CMS_RECIPIENT_H
#define SV_CMS_RECIPIENT_H

#include "cms/cms.h"
#include "cms/der_read.h"
#include "cms/der_write.h"
#include "crypto/suite.h"

enum {
    SV_PBKDF2_ITERATIONS = 600000, /* that we write */
    SV_PBKDF2_SALT_LEAST = 8,
    SV_PBKDF2_SALT_MOST = 64,
    SV_SALT_LENGTH = 16,           /* that we write */
    SV_UKM_LENGTH = 32             /* that we write with X25519 (CMS-11) */
};

/* ---- read ---- */

/* What the versions of all RecipientInfos come to (tunnel rules for EnvelopedData.version). */
typedef struct sv_recipient_versions {
    bool all_zero;  /* every one is 0 */
    bool forces_3;  /* a pwri or an ori */
    bool odd;       /* one contradicts its own form */
} sv_recipient_versions;

/* c stands at the SET. */
sipveil_code sv_recipients_read(sv_cursor *c, const sipveil_limits *limits, sv_arena *arena,
                                sv_recipient **out, size_t *count, sv_recipient_versions *versions,
                                sipveil_error *err);

/* ---- what a key encryption algorithm says; false: malformed, or not one of ours ---- */
typedef struct sv_transport_scheme {
    bool v15;
    sv_hash hash, mask_hash; /* OAEP */
} sv_transport_scheme;
bool sv_recipient_transport(const sv_recipient *recipient, sv_transport_scheme *out);

typedef struct sv_agreement_scheme {
    const sv_agreement_row *row;
    sv_wrap wrap;
    sipveil_span wrap_as_received; /* AlgorithmIdentifier */
} sv_agreement_scheme;
bool sv_recipient_agreement(const sv_recipient *recipient, sv_agreement_scheme *out);

typedef struct sv_password_scheme {
    sipveil_span salt;
    uint64_t iterations;
    bool countless; /* the number of iterations is negative or over 64 bits */
    sv_hash hash;
    sipveil_cipher cipher; /* AES in CBC mode */
    sipveil_span iv;
} sv_password_scheme;
bool sv_recipient_password(const sv_recipient *recipient, sv_password_scheme *out);

bool sv_recipient_wrap(const sv_recipient *recipient, sv_wrap *out); /* kekri */

/* ---- nothing fits (no_key.c) ---- */

/* NO_KEY: whom the message is for and what we hold, at most five names each. */
sipveil_code sv_recipients_fail(const sv_enveloped *enveloped, const sv_cms_key *keys, size_t key_count,
                                sv_arena *arena, sipveil_error *err);

/* ---- unwrap ---- */

/* cek: key_length octets. *good is false when the key does not fit or the recipient is damaged. The
 * code is OK then too: only POLICY (refused by name, no secret used) and INTERNAL are not. *strength:
 * bits of the key that was used; 0 for a password, of which nobody knows. */
sipveil_code sv_recipient_unwrap(sv_crypto *crypto, const sv_recipient *recipient, const sv_cms_key *key,
                                 const sv_cms_policy *policy, sv_arena *arena, size_t key_length,
                                 uint8_t *cek, bool *good, unsigned *strength, sipveil_error *err);

/* DER of ECC-CMS-SharedInfo (RFC 5753 7.2). wrap: AlgorithmIdentifier of the key wrap; ukm may be empty. */
bool sv_recipient_shared_info(sipveil_span wrap, sipveil_span ukm, size_t kek_length, sv_arena *arena,
                              sipveil_span *out);
/* AlgorithmIdentifier of a key wrap, parameters absent. */
enum { SV_WRAP_IDENTIFIER_LENGTH = 13 };
sipveil_span sv_wrap_identifier(sv_wrap wrap, uint8_t out[SV_WRAP_IDENTIFIER_LENGTH]);

/* ---- write ---- */

/* Octets that writing a recipient for this key takes at most. */
size_t sv_recipient_room(const sv_cms_key *key);
/* Puts one RecipientInfo in front of what is written; *version is its version. */
sipveil_code sv_recipient_write(sv_crypto *crypto, const sv_cms_key *key, sipveil_span cek,
                                const sv_seal_request *request, sv_arena *arena, sv_der_writer *w,
                                unsigned *version, sipveil_error *err);

#endif
