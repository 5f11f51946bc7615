/* SPDX-License-Identifier: BSD-2-Clause */
/* One certificate: read, described, and what its key and its extensions allow. No trust here. */
#ifndef SV_KEYS_CERTIFICATE_H
#define SV_KEYS_CERTIFICATE_H

#include "keys/keys.h"

/* DER, all of it, within the context's limit; belongs to the arena. */
sipveil_code sv_certificate_load(const sipveil_context *context, sipveil_span der, sv_arena *arena,
                                   X509 **out, sipveil_error *err);
/* The arena holds a reference of its own. */
sipveil_code sv_certificate_keep(X509 *certificate, sv_arena *arena, sipveil_error *err);
/* The view that lib/cms works with; the certificate must outlive it. */
sipveil_code sv_certificate_view(const sipveil_context *context, X509 *certificate, sv_arena *arena,
                                 sv_cms_key *out, sipveil_error *err);

/* SHA-1 of its public key bits (RFC 5280 4.2.1.2 (1)); in the arena. */
sipveil_code sv_certificate_hash_key(const sipveil_context *context, X509 *certificate,
                                     sv_arena *arena, sipveil_span *out, sipveil_error *err);
/* Its subjectKeyIdentifier extension, else that hash. */
sipveil_code sv_certificate_key_identifier(const sipveil_context *context, X509 *certificate,
                                           sv_arena *arena, sipveil_span *out, sipveil_error *err);

/* "CN=proxy1 serial 3F0A", in the arena; NULL: no memory. */
const char *sv_certificate_label(X509 *certificate, sv_arena *arena);

/* "2026-01-01T00:00:00Z" */
typedef struct sv_time_text {
    char text[40];
} sv_time_text;
sv_time_text sv_certificate_time_text(const ASN1_TIME *time);

/* Seconds UTC; 0 if it cannot be read: then the check of the time has refused the certificate. */
int64_t sv_certificate_seconds(const ASN1_TIME *time);
/* A time for libcrypto. False: time_t, of 32 bits, cannot hold it, and what it would hold is another time. */
bool sv_certificate_clock(int64_t seconds, time_t *out);

/* SHA-256 of its SubjectPublicKeyInfo. */
sipveil_code sv_certificate_hash_public_key(const sipveil_context *context, X509 *certificate, uint8_t out[32],
                                            sipveil_error *err);

/* What tells one certificate, and one key, from another, and when it is valid (summary.c). */
typedef struct sv_certificate_summary {
    uint8_t sha256[32];     /* of its DER */
    uint8_t key_sha256[32]; /* of its SubjectPublicKeyInfo */
    int64_t not_before, not_after; /* seconds UTC */
    bool is_authority;      /* says that it is a CA's, or is of version 1 and signed by itself */
    bool is_self_issued;
} sv_certificate_summary;
sipveil_code sv_certificate_summarise(const sipveil_context *context, X509 *certificate, sv_certificate_summary *out,
                                      sipveil_error *err);

/* SHA-256 of its DER. */
sipveil_code sv_certificate_fingerprint(const sipveil_context *context, X509 *certificate,
                                        uint8_t out[32], sipveil_error *err);

/* ---- what a certificate allows (usage.c) ---- */

/* A host that also TLS alone would do for (IDN-73): public CAs issue nothing else. */
typedef enum sv_use { SV_USE_SIGN, SV_USE_SIGN_AS_HOST, SV_USE_SIGN_AS_TLS_HOST, SV_USE_ENCRYPT, SV_USE_COUNT } sv_use;

/* Whether keys of that kind do that at all, whatever the certificate says. */
bool sv_key_fits(const EVP_PKEY *key, sv_use use);
/* ADV-120: keyUsage, if there, allows it; extendedKeyUsage, if there, names SIP, e-mail protection or
 * anything (of a host: SIP or anything, IDN-73). UNTRUSTED_SIGNER with the reason in err. */
sipveil_code sv_certificate_check_usage(X509 *certificate, sv_use use, sipveil_error *err);
/* Only what the key may do: broken or unknown critical extensions, and keyUsage; any purpose. UNTRUSTED_SIGNER. */
sipveil_code sv_certificate_check_key_usage(X509 *certificate, sv_use use, sipveil_error *err);
/* Its key is of a kind and size that we take. POLICY; LIMIT where it is too large (ADV-123). */
sipveil_code sv_certificate_check_key(X509 *certificate, unsigned allow_weak, sipveil_error *err);
/* How its issuer signed it: never MD5, SHA-1 by name only (ADV-115). POLICY. */
sipveil_code sv_certificate_check_digest(X509 *certificate, unsigned allow_weak, sipveil_error *err);
/* Valid at that second (sv_valid_at). UNTRUSTED_SIGNER. */
bool sv_certificate_is_before_end(const X509 *certificate, int64_t at); /* false too: notAfter is unreadable */
sipveil_code sv_certificate_check_time(X509 *certificate, int64_t at, sipveil_error *err);

/* libcrypto had no memory, which says nothing of the certificate. The queue was empty before. */
bool sv_ran_out_of_memory(void);

#endif
