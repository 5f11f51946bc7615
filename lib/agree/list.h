/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of mechanisms: Security-Client, Security-Server, Security-Verify (RFC 3329 2.2), all by one reader.
 * What is unknown is kept as written. */
#ifndef SV_AGREE_LIST_H
#define SV_AGREE_LIST_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/field.h"
#include "sip/view.h"
#include "sipveil/agree.h"

#define SV_AGREE "agree"

enum {
    SV_MECHANISMS_MOST = 32,           /* entries of a list (AGR-02) */
    SV_MECHANISM_LIST_MOST = 4096,     /* octets of a list */
    SV_MECHANISM_PARAMETERS_MOST = 128, /* of a whole list */
    SV_Q_ABSENT = -1,
    SV_Q_ONE = 1000
};

typedef enum sv_mechanism_kind {
    SV_MECH_OTHER = 0, /* kept, never chosen */
    SV_MECH_TLS,
    SV_MECH_DIGEST,
    SV_MECH_DIGEST_INTEGRITY,
    SV_MECH_IPSEC_IKE,
    SV_MECH_IPSEC_MAN,
    SV_MECH_IPSEC_3GPP,
    SV_MECH_SMIME,
    SV_MECH_MEDIA, /* protects media, not signalling: kept, never chosen, no part of the order (AGR-10) */
    SV_MECH_COUNT
} sv_mechanism_kind;

typedef struct sv_mechanism {
    sv_mechanism_kind kind;
    sipveil_span name;
    sipveil_span text; /* the whole entry as written */
    int q;             /* thousandths, or SV_Q_ABSENT */
    const sv_parameter *parameters; /* q among them */
    size_t parameter_count;
} sv_mechanism;

typedef struct sv_mechanism_list {
    sipveil_span text; /* as received; several rows joined by ", " */
    sv_mechanism items[SV_MECHANISMS_MOST];
    size_t count;
    sv_parameter parameters[SV_MECHANISM_PARAMETERS_MOST];
    size_t parameter_count;
} sv_mechanism_list;

/* The kind that a name means; which profile may choose it is sv_mechanism_in_profile(). */
sv_mechanism_kind sv_mechanism_kind_of(sipveil_span name);
const char *sv_mechanism_kind_name(sv_mechanism_kind kind); /* "tls"; "" for OTHER and MEDIA */
/* What a host says of a message: NULL, "none" or such a name. USAGE: a word that protects no message (AGR-19). */
sipveil_code sv_mechanism_check_fact(const char *name, sipveil_error *err);
bool sv_mechanism_is_digest(sv_mechanism_kind kind); /* digest, and digest-integrity of draft-04 */
bool sv_mechanism_in_profile(sv_mechanism_kind kind, sipveil_agree_profile profile); /* D-01 */

/* Reads one value. MALFORMED (AGR-01, 06), LIMIT (AGR-02). what: the field's name, for errors. */
sipveil_code sv_mechanisms_read(sipveil_span text, const char *what, sv_mechanism_list *out, sipveil_error *err);
/* All rows of that field, joined in order (AGR-02); *present is false when there are none. */
sipveil_code sv_mechanisms_of(const sv_sip_view *view, sv_field_id id, sv_arena *arena, sv_mechanism_list *out,
                              bool *present, sipveil_error *err);

/* AGR-03, 04: whether every entry that counts has another q. On false *first and *second are two that have not. */
bool sv_mechanisms_ordered(const sv_mechanism_list *list, size_t *first, size_t *second);
int sv_mechanism_q(const sv_mechanism *m); /* an absent one counts as 1.000 */

/* The parameter of that name, or NULL. */
const sv_parameter *sv_mechanism_parameter(const sv_mechanism *m, const char *name);
/* Its value; empty if it is absent. */
sipveil_span sv_mechanism_value(const sv_mechanism *m, const char *name);

/* What d-alg, d-qop, d-ver may be called (D-18). */
typedef enum sv_digest_field { SV_D_ALG, SV_D_QOP, SV_D_VER } sv_digest_field;
/* NULL also where the profile or the mechanism has no such field (AGR-07). */
const sv_parameter *sv_mechanism_digest_field(const sv_mechanism *m, sv_digest_field field,
                                              sipveil_agree_profile profile);

/* Writes one entry: name and parameters as they are, nothing else than ";" and "=" between. */
void sv_mechanism_put(sv_buffer *out, const sv_mechanism *m, bool with_q);
/* Entries joined by ", " (AGR-37). */
void sv_mechanisms_put(sv_buffer *out, const sv_mechanism_list *list, bool with_q);

/* The form in which two lists are compared (AGR-12 to 14): names and tokens in lower case, q in thousandths, the
 * parameters of an entry in one order, no white space. without_dver: of digest entries. */
void sv_mechanisms_put_canonical(sv_buffer *out, const sv_mechanism_list *list, bool without_dver,
                                 sipveil_agree_profile profile);

struct sipveil_agree_list {
    sv_arena *arena;
    sipveil_agree_profile profile;
    sipveil_agree_side side;
    sv_mechanism_list list;
    sipveil_span text;      /* what is sent */
    sipveil_span configured; /* the same with q, which a client does not send */
    sipveil_span canonical; /* what a Security-Verify is compared with */
    size_t top;             /* SERVER: the entry with the highest q */
};

/* AGR-12: in constant flow once the received list is read (AGR-16). INTERNAL: no memory, which is no difference. */
sipveil_code sv_mechanisms_compare(const sipveil_agree_list *own, const sv_mechanism_list *received, sv_arena *arena,
                                   sipveil_agree_comparison *result, sipveil_error *err);

#endif
