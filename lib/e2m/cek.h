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
    SV_CEK_USES_MOST = 1000,       /* that we hold a key for, whatever was said */
    SV_CEK_LIFE = 3600,            /* seconds (E2M-57) */
    SV_CEK_PER_PEER = 64,          /* keys that one signer can make us hold (ADV-176) */
    SV_CEK_PER_DIALOG = 8,         /* of these in one dialog, so that none pushes out the other side's */
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
    sipveil_span items[2];
    size_t count;         /* 0: a message without tags, which belongs to no dialog */
    sipveil_span parties; /* the two addresses, in one order whoever writes to whom; each scope ends with them */
    sipveil_span from_tag, to_tag;
} sv_cek_scopes;
sipveil_code sv_cek_scopes_of(sv_arena *arena, const sv_sip_view *view, sv_cek_scopes *out, sipveil_error *err);

/* ---- records ---- */

/* A hop that a signed label names for the part that the key seals, and what the far UA is asked to let it do with
 * answers; NONE: nothing. */
typedef struct sv_cek_hop {
    sipveil_span host;
    sipveil_e2m_act reply;
} sv_cek_hop;

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
    sv_cek_derivation derivation;
    sv_cek_hop hops[SV_LABELS_MOST];
    size_t hop_count;
    uint32_t unnamed;             /* readers beside us and these hops */
    sipveil_span signer_domain;   /* of the address that the signer spoke for */
    sipveil_span readers;         /* SV_CEK_DIGEST octets a recipient */
    uint32_t cseq;                /* of the request that brought it, with its method: what its failure has too */
    sipveil_span method;          /* empty: a response brought it */
    sipveil_span branch_tag;      /* of what we made: the far end's tag in the branch that was answered first */
    int64_t expires;
    bool no_memory;               /* it could not be read, and nothing else is said of it */
} sv_cek_record;

/* What is looked at of every key when one is to be held or found. */
typedef struct sv_cek_front {
    uint64_t order;
    uint32_t unnamed, cseq;
    sipveil_span signer;
} sv_cek_front;

/* cek_record.c: as octets, and back; spans of *out are in value. */
void sv_cek_put_record(sv_buffer *out, const sv_cek_record *record);
bool sv_cek_take_record(sipveil_span value, sv_cek_record *out);
bool sv_cek_take_front(sipveil_span value, sv_cek_front *out);

/* Holds it: the first under its name wins (REPLAY); the oldest of the same signer gives way (ADV-176). */
sipveil_code sv_cek_keep(sv_store *store, sv_arena *arena, const sv_cek_record *record, int64_t now,
                         sipveil_error *err);
/* By its exact name in one of the scopes; spans of *out are in the arena. False: it is not there, or out->no_memory. */
bool sv_cek_find(const sv_store *store, const sv_cek_scopes *scopes, sipveil_span reference, int64_t now,
                 sv_arena *arena, sv_cek_record *out);
/* The newest in one of the scopes. */
bool sv_cek_find_last(const sv_store *store, const sv_cek_scopes *scopes, int64_t now, sv_arena *arena,
                      sv_cek_record *out);
/* One use less; with the last one it goes. */
sipveil_code sv_cek_count_use(sv_store *store, sv_arena *arena, const sv_cek_record *record, int64_t now,
                              sipveil_error *err);
void sv_cek_forget(sv_store *store, const sv_cek_scopes *scopes);
/* What this response ends: with a BYE, or a 481 or 408 (RFC 3261 12.2.1.2), the dialog and all its keys; with another
 * failure the key that its request brought (E2M-57). *ended: whether it ended anything that was held. */
sipveil_code sv_cek_forget_ended(sv_store *store, sv_arena *arena, const sv_sip_view *view, bool *ended,
                                 sipveil_error *err);

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
