/* SPDX-License-Identifier: BSD-2-Clause */
/* Our keys and certificates, and whether a certificate may speak for an AOR now: only this room makes
 * an accepted signer. */
#ifndef SV_KEYS_KEYS_H
#define SV_KEYS_KEYS_H

#include "cms/cms.h"
#include "crypto/sign.h"
#include "sipveil/keys.h"

typedef struct sv_session sv_session; /* keys/session.h */

/* Names a certificate vouches for: "sip:alice@atlanta.example.com" of URI entries, or, where none is sip: or sips:, rfc822Name
 * entries as sip: (TUN-04); in the arena. Host names (dNSName, URI without user) apart. Domains: the SIP
 * domain identities of RFC 5922 7.1, which are the hosts of sip: URIs, or the dNSNames where there is none (IDN-68). */
typedef struct sv_certificate_names {
    sipveil_span *aors;
    size_t aor_count;
    sipveil_span *hosts;
    size_t host_count;
    sipveil_span *domains;
    size_t domain_count;
    bool domains_from_uri;
} sv_certificate_names;

/* What our own certificate says, read once: each signature asks. */
typedef struct sv_own_certificate {
    bool is_read;
    sipveil_code code; /* why it does not sign: its key or its usage */
    char rule[16];
    char why[200];
    int64_t not_before, not_after;
    sv_certificate_names names;
    const sv_signature_scheme *scheme; /* NULL: its key does not sign */
} sv_own_certificate;

struct sipveil_key {
    sipveil_key_kind kind;
    const sv_session *session; /* CERTIFICATE: serves in one dialog only; NULL: everywhere */
    sv_cms_key cms;          /* views; what they look at lives as long as the ring */
    STACK_OF(X509) *chain;   /* of PRIVATE: further certificates to send along; may be NULL */
    sv_own_certificate own;  /* of PRIVATE */
    char *description;
    sipveil_key *next;       /* of those read together; for keyring.c */
};

/* The keys of a ring as an array for lib/cms; same order as sipveil_keyring_at. */
const sv_cms_key *sv_keyring_cms_keys(const sipveil_keyring *ring, size_t *count);
/* A SHA-256 as people write it: 64 hexadecimal digits, colons between octets allowed. */
bool sv_read_fingerprint(sipveil_span text, uint8_t out[32]);
/* Certificates given for signatures that carry none. */
X509 *const *sv_keyring_known_certificates(const sipveil_keyring *ring, size_t *count);

sipveil_code sv_certificate_read_names(X509 *certificate, sv_arena *arena, sv_certificate_names *out,
                                       sipveil_error *err);
/* "CN=proxy1,O=..." (RFC 2253), "?" where memory ends, and serial in hex, NULL where it does; made safe for logs; in the arena. */
const char *sv_certificate_subject(X509 *certificate, sv_arena *arena);
const char *sv_certificate_serial(X509 *certificate, sv_arena *arena);
sipveil_code sv_certificate_der(X509 *certificate, sv_arena *arena, sipveil_span *out, sipveil_error *err);
/* A DER Name the same way (recipients of a message). */
const char *sv_name_text(sipveil_span der_name, sv_arena *arena);

/* The one rule of validity: from notBefore through notAfter, both included (RFC 5280 4.1.2.5). libcrypto calls a
 * certificate expired at the very second of notAfter: nothing is asked of it without this rule behind it. */
static inline bool sv_valid_at(int64_t not_before, int64_t not_after, int64_t at)
{
    return not_before <= at && at <= not_after;
}

typedef enum sv_trust { SV_TRUST_UNCHECKED, SV_TRUST_UNTRUSTED, SV_TRUST_TRUSTED, SV_TRUST_PINNED,
                       SV_TRUST_BOUND /* for this dialog (IDN-57) */ } sv_trust;

/* A certificate that is bound to an address in the dialog of the message at hand. */
typedef struct sv_bound {
    sipveil_span aor;
    uint8_t sha256[32];
    bool proven;      /* its key has shown itself in this dialog (IDN-58) */
    bool proven_here; /* by the message at hand */
} sv_bound;

/* Chains that were found good before: of one thread (keys/chain_memory.h). */
typedef struct sv_chain_memory sv_chain_memory;
/* NULL: no memory. */
sv_chain_memory *sv_chain_memory_new(void);
void sv_chain_memory_free(sv_chain_memory *memory); /* NULL is fine */

typedef struct sv_signer_question {
    X509 *certificate;
    STACK_OF(X509) *untrusted; /* from the message; may be NULL */
    sipveil_span aor;          /* URI the signer must speak for (inner From, or To in a response); empty: any */
    bool host_signer;          /* a host certificate speaks: for the host part of aor (TUN-54; later rooms) */
    int64_t at;                /* seconds UTC */
    bool allow_tls_usage;      /* of a host: extendedKeyUsage for TLS alone suffices (IDN-73) */
    bool ignore_validity;      /* --compat samples with a Date: never the default */
    unsigned allow_weak;       /* SIPVEIL_WEAK_SHA1, _RSA1024: certificate signatures and keys too */
    const sipveil_limits *limits;
    const sv_bound *bound;     /* certificates bound in this dialog; NULL: none */
    size_t bound_count;
    sv_chain_memory *memory;   /* NULL: the chain is built each time */
    bool covers_message;       /* the signature covers From and Call-ID: it proves the key of a bound certificate */
} sv_signer_question;

/* The accepted signer, which lib/tunnel demands before it calls a message authenticated. */
typedef struct sv_signer {
    sv_trust trust;
    sipveil_code code;    /* OK when accepted, else UNTRUSTED_SIGNER or POLICY or LIMIT */
    char rule[16];
    char why[256];        /* "certificate expired 2026-01-01", "speaks for sip:bob@b.example, not ..." */
    bool name_checked, chain_checked, time_checked, usage_checked, revocation_checked;
    int64_t not_before, not_after; /* validity of the certificate, seconds UTC; 0, 0: not read */
    int64_t holds_from, holds_until; /* accepted: sv_valid_at() any second of these too; until < from: at no other */
    uint8_t bound_sha256[32]; /* BOUND: of the certificate */
} sv_signer;

/* Pin first (exact SHA-256 for that AOR); then a certificate bound in this dialog to that AOR, if its key is proven or
 * this signature proves it (IDN-58): time, key and keyUsage are still asked; else chain to an anchor, validity at `at`, keyUsage
 * digitalSignature, EKU by ADV-120, name by TUN-04, revocation if CRLs were given. No anchors and no
 * pin: UNTRUSTED. Never relies on libcrypto's purposes. Returns OK when an answer was formed. */
sipveil_code sv_keys_accept_signer(const sipveil_keyring *ring, const sv_signer_question *question,
                                   sv_arena *arena, sv_signer *out, sipveil_error *err);

/* TUN-09: what the ring has kept for that address (in the form of sv_sip_aor) from earlier messages. OFF: it
 * keeps nothing. *newest: the last one kept for it, NULL if there is none. */
typedef enum sv_kept_state { SV_KEPT_OFF, SV_KEPT_NONE, SV_KEPT_SAME, SV_KEPT_OTHER } sv_kept_state;
sipveil_code sv_keyring_look_kept(const sipveil_keyring *ring, sipveil_span aor, X509 *certificate,
                                  sv_kept_state *state, X509 **newest, sipveil_error *err);

/* Before sealing to a certificate (ADV-098): valid at `at`, usage allows encryption (keyEncipherment or
 * keyAgreement if keyUsage is there; not a TLS-only EKU), key size, signature not SHA-1/MD5; chain to
 * an anchor if the ring has anchors. POLICY when refused. */
sipveil_code sv_keys_check_recipient(const sipveil_keyring *ring_or_null, const sipveil_key *key,
                                     int64_t at, sipveil_error *err);
/* Same for our own signing certificate: digitalSignature allowed, valid now. */
sipveil_code sv_keys_check_own_signer(const sipveil_key *key, int64_t at, sipveil_error *err);

#endif
