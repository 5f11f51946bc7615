/* SPDX-License-Identifier: BSD-2-Clause */
/* Content-encryption keys used again (RFC 3185): the attributes, the store of keys by dialog and reference,
 * the key that an earlier one becomes. */
#ifndef SV_E2M_CEK_H
#define SV_E2M_CEK_H

#include "cms/cms.h"
#include "crypto/suite.h"
#include "e2m/label.h"
#include "state/store.h"

enum {
    SV_CEK_REFERENCE = 16,         /* octets that we write (CEK-12) */
    SV_CEK_REFERENCE_MOST = 64,    /* that we take */
    SV_CEK_USES = 32,              /* E2M-37 */
    SV_CEK_USES_MOST = 1024,       /* that we hold a key for, whatever was said */
    SV_CEK_LIFE = 3600,            /* seconds (E2M-57) */
    SV_CEK_PER_PEER = 64,          /* keys that one signer can make us hold (ADV-176) */
    SV_CEK_READERS_MOST = 64,
    SV_CEK_ITERATIONS = 1000,      /* that we write: the password is a whole key */
    SV_CEK_DIGEST = 32
};

/* KEKDerivationAlg. */
typedef struct sv_cek_derivation {
    bool present;
    bool unusable;     /* recognised, and of a form that we do not do (CEK-03) */
    sv_wrap wrap;      /* kekAlg */
    sipveil_span salt;
    uint64_t iterations;
    size_t key_length;
} sv_cek_derivation;

typedef struct sv_cek_attributes {
    bool present;           /* a valid CEKReference; without it the others are nothing (CEK-08) */
    sipveil_span reference;
    uint32_t uses;          /* CEKMaxDecrypts: 1 if absent or out of range */
    sv_cek_derivation derivation;
    const char *why_not;    /* what was passed over, or NULL */
} sv_cek_attributes;

/* set: content octets of a SET OF Attribute that passed the gate of ASN.1. */
void sv_cek_read_attributes(sipveil_span set, const sipveil_limits *limits, sv_arena *arena, sv_cek_attributes *out);
/* Of a whole layer: authenticated attributes; unprotected ones of EnvelopedData only where allowed; both and
 * different: none (CEK-10). */
void sv_cek_attributes_of(const sv_enveloped *enveloped, bool allow_unprotected, const sipveil_limits *limits,
                          sv_arena *arena, sv_cek_attributes *out);
/* DER Attributes one after the other, for sv_seal_request.attributes. */
sipveil_code sv_cek_put_attributes(sv_arena *arena, const sv_cek_attributes *attributes, sipveil_span *out,
                                   sipveil_error *err);

/* ---- scopes ---- */

/* Where a key of this message would be held (first), and where one for it may be (all). */
typedef struct sv_cek_scopes {
    sipveil_span items[3];
    size_t count;
    sipveil_span parties; /* the two addresses, in one order whoever writes to whom */
} sv_cek_scopes;
sipveil_code sv_cek_scopes_of(sv_arena *arena, const sv_sip_view *view, sv_cek_scopes *out, sipveil_error *err);

/* ---- records ---- */

typedef struct sv_cek_record {
    sipveil_span scope, reference;
    sipveil_cipher cipher;        /* of the message that brought it */
    sipveil_span cek;
    uint32_t uses;                /* left */
    bool made;                    /* by us */
    bool rolling;                 /* good for one message, which brings the next key (CEK-06) */
    int64_t since;                /* seconds UTC */
    uint64_t order;               /* later ones have more */
    uint8_t signer[SV_CEK_DIGEST];  /* SHA-256 of the certificate; of what we made: of our own */
    sipveil_span parties;         /* as of sv_cek_scopes */
    sv_cek_derivation derivation;
    sipveil_span host;            /* hop that may read answers; empty: none named */
    sipveil_span signer_domain;   /* of the address that the signer spoke for */
    sipveil_e2m_act reply;        /* what the far UA was asked to let it do */
    sipveil_span readers;         /* SV_CEK_DIGEST octets a recipient */
    int64_t expires;
} sv_cek_record;

/* Holds it: the first under its name wins (REPLAY); the oldest of the same signer gives way (ADV-176). */
sipveil_code sv_cek_keep(sv_store *store, sv_arena *arena, const sv_cek_record *record, int64_t now,
                         sipveil_error *err);
/* By its exact name in one of the scopes and for these parties; spans of *out are in the arena. */
bool sv_cek_find(const sv_store *store, const sv_cek_scopes *scopes, sipveil_span reference, int64_t now,
                 sv_arena *arena, sv_cek_record *out);
/* The newest in one of the scopes. */
bool sv_cek_find_last(const sv_store *store, const sv_cek_scopes *scopes, int64_t now, sv_arena *arena,
                      sv_cek_record *out);
/* One use less; with the last one it goes. */
sipveil_code sv_cek_count_use(sv_store *store, sv_arena *arena, const sv_cek_record *record, int64_t now,
                              sipveil_error *err);
void sv_cek_forget(sv_store *store, const sv_cek_scopes *scopes);

/* What names a recipient: the same for a certificate and for a RecipientInfo that names it. by_ski says
 * which of its two names is meant. */
sipveil_code sv_cek_reader_of_recipient(sv_crypto *crypto, const sv_recipient *recipient, uint8_t out[SV_CEK_DIGEST],
                                        sipveil_error *err);
sipveil_code sv_cek_reader_of_key(sv_crypto *crypto, const sv_cms_key *key, bool by_ski, uint8_t out[SV_CEK_DIGEST],
                                  sipveil_error *err);

/* ---- the key ---- */

/* The KEK for a recipient of this wrap: the key reversed, or derived where the record says so and the sizes
 * differ. A size that does not fit gives a key that unwraps nothing. LIMIT: too many iterations. */
sipveil_code sv_cek_make_kek(sv_crypto *crypto, sv_arena *arena, const sv_cek_record *record, sv_wrap wrap,
                             const sipveil_limits *limits, sv_cms_key *out, sipveil_error *err);
/* CEK-06: a key that is the one it is wrapped with, or that one reversed. */
bool sv_cek_is_derived(sipveil_span cek, sipveil_span earlier);

#endif
