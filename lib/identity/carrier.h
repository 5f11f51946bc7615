/* SPDX-License-Identifier: BSD-2-Clause */
/* Which certificate a message brings along, and in which form (IDN-54, 55). Nothing is trusted here: whether it may
 * be bound is for binding.c. */
#ifndef SV_IDENTITY_CARRIER_H
#define SV_IDENTITY_CARRIER_H

#include "identity/identity.h"
#include "keys/certificate.h"

/* The numbers stand in state files. */
typedef enum sv_carrier {
    SV_CARRIER_NONE = 0,
    SV_CARRIER_PKIX_CERT = 1,  /* application/pkix-cert */
    SV_CARRIER_CERTS_ONLY = 2, /* application/pkcs7-mime without a signature */
    SV_CARRIER_SIGNED = 3,     /* certificates of a SignedData over SDP or a message */
    SV_CARRIER_MIKEY = 4       /* a=key-mgmt:mikey of the SDP (RFC 4567, RFC 4738) */
} sv_carrier;
const char *sv_carrier_name(sv_carrier carrier); /* "pkix-cert", ... */

typedef enum sv_carried_state {
    SV_CARRIED_NONE,       /* there is none */
    SV_CARRIED_ONE,
    SV_CARRIED_UNCLEAR,    /* more than one could be meant (IDN-55) */
    SV_CARRIED_UNREADABLE, /* a carrier that cannot be read */
    SV_CARRIED_UNREAD      /* MIKEY, and nobody reads it for us */
} sv_carried_state;

typedef struct sv_carried_certificate {
    sv_carried_state state;
    sv_carrier carrier;
    sipveil_span der;
    X509 *certificate;
    sv_certificate_summary summary;
    bool has_signed; /* a signature of its key over a part of this message is valid */
    const char *why; /* of UNCLEAR and UNREADABLE; in the arena */
} sv_carried_certificate;

/* A MIKEY message of the offer, undone from base64: its certificate, DER. verified: that certificate verifies its
 * signature. False: it carries none, or cannot be read. */
typedef bool (*sv_mikey_cb)(void *user, sipveil_span mikey, sipveil_span *certificate, bool *verified);

typedef struct sv_carrier_question {
    const sv_sip_view *view;
    const sipveil_context *context;
    sv_crypto *crypto;
    sv_arena *arena;
    unsigned allow_weak; /* SIPVEIL_WEAK_..., for the signatures of SignedData */
    sv_mikey_cb mikey;   /* NULL: MIKEY is noticed and not read */
    void *mikey_user;
} sv_carrier_question;

/* What is wrong with a carrier is an answer, not a failure: OK. MALFORMED, LIMIT: the body is no MIME at all, or goes
 * past the limits; INTERNAL. */
sipveil_code sv_find_carried(const sv_carrier_question *question, sv_carried_certificate *out, sipveil_error *err);

#endif
