/* SPDX-License-Identifier: BSD-2-Clause */
/* What a certificate in a request becomes: bound to the verified identity for this dialog, or not (IDN-57 to 62, 65).
 * Decided over plain facts: who verified them, and how, is not seen here. */
#ifndef SV_IDENTITY_BINDING_H
#define SV_IDENTITY_BINDING_H

#include "identity/carrier.h"
#include "sipveil/binding.h"
#include "state/binding.h"

/* What a verification service found about one request. */
typedef struct sv_vouched {
    bool valid;              /* a trusted service vouches for `peer` */
    bool covers_body;        /* and for every octet of the body (RFC 4474) */
    bool covers_certificate; /* or its mky names the certificate that was carried (RFC 8224) */
    bool weak;
    uint8_t path;            /* sipveil_identity_profile */
    int status;              /* what the verdict says to answer, or 0 */
    sipveil_span domain;
    uint8_t service_sha256[SV_BINDING_DIGEST];
    int64_t issued;
} sv_vouched;

/* A request that was received, as far as bindings go. */
typedef struct sv_bind_question {
    sv_dialog dialog;
    sipveil_span peer;  /* canonical From */
    sipveil_span local; /* canonical To; may be empty */
    sipveil_span expected; /* whom the caller thinks he talks to, canonical; may be empty */
    bool of_dialog;     /* the request forms one whose end is seen (INVITE), or has a To tag */
    bool confirmed;     /* of a dialog whose INVITE had its 2xx */
    bool from_change;   /* both sides support it (RFC 4916) */
    bool required;
    bool chain_valid;   /* A3 */
    const sv_carried_certificate *carried;
    const sv_vouched *vouched;
    bool (*accept_change)(void *user, sipveil_span before, sipveil_span after, const char *aor);
    void *accept_change_user;
    int64_t now;
} sv_bind_question;

typedef struct sv_bind_answer {
    unsigned events;        /* SIPVEIL_BINDING_EVENT_... */
    sipveil_assurance assurance;
    bool has_binding;       /* `binding` serves in this dialog: the one of this certificate, else the current one */
    sv_binding binding;
    int status;             /* 0, or what to answer */
    const char *phrase;     /* of it; NULL: the usual one */
    const char *rule;
    const char *why;        /* one sentence, or "" */
} sv_bind_answer;

/* INTERNAL, LIMIT: it could not be remembered. */
sipveil_code sv_bind(sv_store *store, sv_arena *arena, const sv_bind_question *question, sv_bind_answer *out,
                     sipveil_error *err);

/* ---- lifetime.c ---- */

/* Removes what has ended in this dialog: SIPVEIL_BINDING_EVENT_EXPIRED if there was anything. */
sipveil_code sv_binding_sweep(sv_store *store, sv_arena *arena, const sv_dialog *dialog, int64_t now, unsigned *events,
                              sipveil_error *err);
/* What a message, sent or received, does to the bindings of its dialog (IDN-60). */
sipveil_code sv_binding_observe(sv_store *store, sv_arena *arena, const sv_sip_view *view, bool sent, int64_t now,
                                unsigned *events, sipveil_error *err);
enum { SV_TRANSACTION_SECONDS = 32 }; /* 64*T1, Timer F and H of RFC 3261 17 */

#endif
