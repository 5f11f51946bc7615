/* SPDX-License-Identifier: BSD-2-Clause */
/* The partner table (TRU-03, TRU-11): what was read, frozen, with two ways to look a row up. */
#ifndef SV_TRUST_TABLE_H
#define SV_TRUST_TABLE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/span.h"
#include "sipveil/trust.h"

#define SV_TRUST "trust"

enum {
    SV_TABLE_OCTETS_MOST = 32 << 20, /* text of one file */
    SV_TABLE_ROWS_MOST = 100000,
    SV_TABLE_FILES_MOST = 4096,      /* includes in all */
    SV_TABLE_DEPTH_MOST = 8,         /* includes within includes */
    SV_LIST_MOST = 64,               /* items of one list */
    SV_TABLE_KEYS_MOST = 24
};

/* An address range; an IPv4 one stands in ::ffff:0:0/96. */
typedef struct sv_prefix {
    uint8_t octets[16];
    uint8_t bits; /* of 128 */
} sv_prefix;

/* Where a key stood. */
typedef struct sv_place {
    const char *file;
    uint32_t line;
} sv_place;

typedef struct sv_partner {
    struct sv_partner *next; /* in the order of the files */
    sv_place place;
    uint32_t lines[SV_TABLE_KEYS_MOST]; /* of its keys; 0: not given */
    sipveil_span name;
    const sipveil_span *domains, *cert_names;
    const sv_prefix *ip;
    const uint8_t (*anchors)[32]; /* SHA-256 of public keys: of anchors or of its own certificate */
    uint64_t anchors_of_files;        /* bit i: anchors[i] came out of a file, and so into the keyring */
    const sipveil_span *anchor_texts; /* as written */
    size_t domain_count, cert_name_count, ip_count, anchor_count, anchor_text_count;
    unsigned protection; /* SIPVEIL_TRUST_BY_... */
    unsigned level;
    unsigned from_level; /* requests whose From names it must come in at this level at least; 0: any */
    bool trust_in, trust_out, confidential;
    bool keep; /* no_privacy */
    bool has_keep;
    int64_t valid_from, valid_to;
} sv_partner;

typedef enum sv_must_auth { SV_AUTH_MAY, SV_AUTH_CHALLENGE, SV_AUTH_REFUSE } sv_must_auth;

/* What this node hides itself, as a privacy service (RFC 3323 5). */
enum { SV_SERVES_HEADER = 1, SV_SERVES_USER = 2 };
enum { SV_RULES_3325 = 1, SV_RULES_5876 = 2 };
enum { SV_SCHEME_SIP = 1, SV_SCHEME_SIPS = 2, SV_SCHEME_TEL = 4 };
enum { SV_UA_ANY = 1, SV_UA_TLS = 2, SV_UA_IPSEC = 4 };

/* Spec(T) (RFC 3324 2.3): the section [trust-domain]. */
typedef struct sv_spec {
    sv_place place;
    uint32_t lines[SV_TABLE_KEYS_MOST];
    sipveil_span name;
    sipveil_trust_profile profile;
    bool keep, has_keep;      /* (e) */
    unsigned level;           /* that trust takes: 2 or 3 (TRU-06) */
    const sipveil_span *authentication; /* (a) */
    size_t authentication_count;
    unsigned between_nodes;   /* (b) SIPVEIL_TRUST_BY_... */
    unsigned between_ua;      /* (c) */
    unsigned rules;           /* (f) */
    unsigned schemes;         /* (g) */
    bool eku_tls;             /* IDN-73 */
    const sipveil_span *gateways; /* interfaces */
    size_t gateway_count;
    bool assert_in_responses; /* TRU-24 */
    bool strip_done, strict5379, strict_border;
    sv_must_auth must_auth;
    bool refuse_preference;   /* P-Preferred-Identity that matches nothing: 403 */
    const sipveil_span *strip; /* TRU-10 */
    size_t strip_count;
    unsigned serves;
    sipveil_span service_host; /* host[:port] of our own Via and Contact */
} sv_spec;

typedef struct sv_index {
    uint32_t *slots; /* 1 + place in what is indexed; 0: free */
    size_t mask;
} sv_index;

typedef struct sv_named {
    sipveil_span name; /* lower case */
    const sv_partner *row;
} sv_named;

typedef struct sv_ranged {
    sv_prefix prefix;
    const sv_partner *row;
} sv_ranged;

struct sipveil_trust_table {
    _Atomic size_t owners;
    sv_arena *arena; /* holds this too */
    uint64_t mark;
    sv_spec spec;
    sv_partner *first, *last;
    size_t count;
    sv_named *domains, *cert_names;
    size_t domain_count, cert_name_count;
    sv_ranged *ranges;
    size_t range_count;
    sv_index by_domain, by_cert_name, by_range;
    uint64_t lengths[3]; /* bit b: a range of b bits is there */
    const char **warnings;
    size_t warning_count;
    const char **outside_only; /* spec.strip as texts */
    uint8_t (*file_anchors)[32]; /* the keys of these, in order */
    size_t file_anchor_count;
    const char **anchor_files;
    size_t anchor_file_count;
};

/* ---- table.c: look-ups; no allocation ---- */
const sv_partner *sv_table_by_domain(const sipveil_trust_table *table, sipveil_span domain);
const sv_partner *sv_table_by_cert_name(const sipveil_trust_table *table, sipveil_span name);
/* The row of the longest range that holds the address. */
const sv_partner *sv_table_by_address(const sipveil_trust_table *table, const uint8_t address[16]);
bool sv_table_has_range(const sipveil_trust_table *table, const sv_prefix *prefix);
/* Whether a section brought that anchor, by a file of its own. */
bool sv_table_brings_anchor(const sipveil_trust_table *table, const uint8_t key[32]);
uint64_t sv_hash_name(sipveil_span name); /* without case */
uint64_t sv_hash_prefix(const sv_prefix *prefix);
bool sv_prefix_holds(const sv_prefix *prefix, const uint8_t address[16]);

/* ---- table_read.c: from text to rows ---- */
typedef struct sv_table_reader {
    sipveil_trust_table *table;
    const sipveil_trust_table_options *options;
    sv_place at;         /* line being read */
    size_t files, depth;
    bool in_spec;
    sv_partner *partner; /* section being read; NULL: none, or in_spec */
    bool skipping;       /* a section whose head was wrong: its keys are not looked at */
    bool is_no_table;    /* by its lines before any section: that is told once */
    sipveil_error *first; /* the first mistake */
    size_t mistakes;
    bool no_memory; /* for a warning */
} sv_table_reader;

sipveil_code sv_table_read_text(sv_table_reader *reader, sipveil_span text, const char *name);
/* Notes a mistake at a place; returns SIPVEIL_USAGE. The hint may be NULL. */
sipveil_code sv_table_mistake(sv_table_reader *reader, sv_place place, const char *hint, const char *format, ...)
    SV_PRINTF(4, 5);

/* ---- table_check.c: the table as a whole (TRU-12), and its indexes ---- */
sipveil_code sv_table_check(sv_table_reader *reader);
sipveil_code sv_table_index(sv_table_reader *reader);

/* ---- table_keys.c: one key of a section ---- */
sipveil_code sv_table_take_key(sv_table_reader *reader, sipveil_span key, sipveil_span value);
/* The name of a key, for places and the effective table; NULL past the end. */
typedef enum sv_partner_key {
    SV_P_DOMAINS, SV_P_IP, SV_P_CERT_NAMES, SV_P_ANCHORS, SV_P_PROTECTION, SV_P_LEVEL, SV_P_TRUST_IN, SV_P_TRUST_OUT,
    SV_P_CONFIDENTIAL, SV_P_NO_PRIVACY, SV_P_FROM_LEVEL, SV_P_VALID_FROM, SV_P_VALID_TO, SV_P_COUNT
} sv_partner_key;
typedef enum sv_spec_key {
    SV_S_NAME,
    SV_S_PROFILE,
    SV_S_NO_PRIVACY,
    SV_S_LEVEL,
    SV_S_AUTHENTICATION,
    SV_S_BETWEEN_NODES,
    SV_S_BETWEEN_UA,
    SV_S_RULES,
    SV_S_SCHEMES,
    SV_S_EKU_TLS,
    SV_S_GATEWAYS,
    SV_S_PAI_IN_RESPONSES,
    SV_S_STRIP_DONE,
    SV_S_STRICT5379,
    SV_S_STRICT_BORDER,
    SV_S_MUST_AUTH,
    SV_S_PPI_MISMATCH,
    SV_S_STRIP,
    SV_S_PRIVACY_SERVICE,
    SV_S_SERVICE_HOST,
    SV_S_COUNT
} sv_spec_key;

/* ---- table_values.c: values; USAGE with a sentence in err, no place yet ---- */
typedef struct sv_word {
    const char *word;
    unsigned bit;
} sv_word;
/* Blanks or commas between items; at most SV_LIST_MOST. */
sipveil_code sv_value_list(sipveil_span value, sipveil_span *items, size_t *count, sipveil_error *err);
sipveil_code sv_value_yes(sipveil_span value, bool *out, sipveil_error *err);
sipveil_code sv_value_word(sipveil_span value, const sv_word *words, size_t count, unsigned *out, sipveil_error *err);
sipveil_code sv_value_words(sipveil_span value, const sv_word *words, size_t count, unsigned *out, sipveil_error *err);
/* A host name in full, in lower case in the arena: no wildcard, no address, no dot at the end. */
sipveil_code sv_value_domain(sipveil_span value, sv_arena *arena, sipveil_span *out, sipveil_error *err);
sipveil_code sv_value_prefix(sipveil_span value, sv_prefix *out, sipveil_error *err);
/* 2026-11-21 or 2026-11-21T10:00:00Z; a day alone is its first second, or its last. */
sipveil_code sv_value_time(sipveil_span value, bool last, int64_t *out, sipveil_error *err);
/* An address as text: IPv4 becomes ::ffff:a.b.c.d. */
bool sv_read_ip(sipveil_span text, uint8_t out[16], bool *is_v4);

/* The default of `strip`: the header fields of RFC 7315 that tell of the network. */
extern const char *const sv_strip_default[];
extern const size_t sv_strip_default_count;

#endif
