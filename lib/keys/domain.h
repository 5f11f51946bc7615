/* SPDX-License-Identifier: BSD-2-Clause */
/* The certificate of a domain, judged once and then only read (RFC 5922; IDN-67 to IDN-74). */
#ifndef SV_KEYS_DOMAIN_H
#define SV_KEYS_DOMAIN_H

#include "keys/keys.h"

enum { SV_DOMAIN_KEYS_MOST = 8 };

struct sipveil_domain_certificate {
    sv_arena *arena; /* holds this too */
    const sipveil_span *names; /* IDN-68; in lower case */
    size_t name_count;
    bool chain_ok;   /* leads to an anchor, valid then */
    bool time_ok;    /* its own validity, for those who pinned it */
    bool usage_ok;   /* RFC 5924: no purpose, that of SIP, or any */
    bool usage_tls;  /* no such purpose, but those of TLS: what public CAs issue (IDN-73) */
    char why[200];   /* of the first of these that failed */
    int64_t not_before, not_after;     /* its own */
    int64_t chain_from, chain_until;   /* chain_ok: while every certificate up to the anchor is valid */
    uint8_t keys[SV_DOMAIN_KEYS_MOST][32]; /* SHA-256 of SubjectPublicKeyInfo: its own, then those up to the anchor */
    size_t key_count;
};

/* Whether it leads to an anchor at that second too. */
bool sv_domain_certificate_leads(const sipveil_domain_certificate *c, int64_t at);
/* Until when what holds at that second holds. */
int64_t sv_domain_certificate_until(const sipveil_domain_certificate *c, int64_t at);

/* The same from a certificate that was read already, in an arena of somebody else's. */
sipveil_code sv_domain_certificate_judge(const sipveil_keyring *ring, X509 *certificate, STACK_OF(X509) * untrusted,
                                         int64_t at, sv_arena *arena, sipveil_domain_certificate *out,
                                         sipveil_error *err);

/* SHA-256 of the SubjectPublicKeyInfo of each certificate in a PEM text, at most `most`. */
sipveil_code sv_keys_hash_public_keys(const sipveil_context *context, sipveil_span pem, uint8_t (*out)[32], size_t most,
                                      size_t *count, sipveil_error *err);

#endif
