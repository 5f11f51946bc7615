/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file binding.h
 * Whose key that is for one dialog: a certificate bound to the peer by what vouches for its From, how connected
 * identity (RFC 4916) keeps both sides told, and certificates by NOTIFY (RFC 6072), the client's side.
 *
 * What vouches is a verdict of sipveil_identity_verify_request (sipveil/identity.h). Threads and memory are as there.
 */
#ifndef SIPVEIL_BINDING_H
#define SIPVEIL_BINDING_H

#include "sipveil/identity.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ a certificate bound for one dialog */

/** How sure it is that a certificate is the peer's (IDN-65). One never makes another: SESSION says nothing about
 *  other dialogs. */
typedef enum sipveil_assurance {
    SIPVEIL_ASSURANCE_NONE = 0, /**< A0: no certificate */
    SIPVEIL_ASSURANCE_UNBOUND,  /**< A1: a certificate that nobody vouches for */
    SIPVEIL_ASSURANCE_SESSION,  /**< A2: bound to the peer for this dialog by its Identity */
    SIPVEIL_ASSURANCE_CHAIN     /**< A3: a chain to an anchor, and the peer's address in it */
} sipveil_assurance;

typedef enum sipveil_binding_state {
    SIPVEIL_BINDING_NONE = 0,
    SIPVEIL_BINDING_CLAIMED, /**< good to encrypt to; authenticates nothing yet */
    SIPVEIL_BINDING_PROVEN   /**< its key has shown itself in this dialog */
} sipveil_binding_state;

/** What happened; several at once are possible. */
enum {
    SIPVEIL_BINDING_EVENT_BOUND = 1,           /**< a certificate is bound now */
    SIPVEIL_BINDING_EVENT_NOT_COVERED = 2,     /**< Identity is valid and says nothing about the certificate */
    SIPVEIL_BINDING_EVENT_UNCLEAR = 4,         /**< more than one certificate could be meant */
    SIPVEIL_BINDING_EVENT_UNREADABLE = 8,      /**< the certificate cannot be read */
    SIPVEIL_BINDING_EVENT_KEY_CHANGED = 16,    /**< the peer has another certificate; the old one serves until it is proven */
    SIPVEIL_BINDING_EVENT_KEY_MISMATCH = 32,   /**< another certificate that nobody vouches for: refused, nothing changed */
    SIPVEIL_BINDING_EVENT_IDENTITY_CHANGED = 64,     /**< From changed, and Identity says so (RFC 4916) */
    SIPVEIL_BINDING_EVENT_IDENTITY_UNVERIFIED = 128, /**< From changed, and nobody vouches for it */
    SIPVEIL_BINDING_EVENT_OTHER_PARTY = 256,   /**< bound to somebody else than was expected (a diverted call) */
    SIPVEIL_BINDING_EVENT_EXPIRED = 512,       /**< a binding of this dialog came to the end of its time */
    SIPVEIL_BINDING_EVENT_ENDED = 1024,        /**< a binding ended with its dialog */
    SIPVEIL_BINDING_EVENT_PROVEN = 2048        /**< the key of a binding has shown itself */
};
/** The name of one event ("key-changed"); NULL for none. event: one bit. */
SIPVEIL_API const char *sipveil_binding_event_name(unsigned event);

/** Reads a MIKEY message of an offer (a=key-mgmt:mikey, RFC 4567; its certificate payloads, RFC 4738), undone from
 *  base64. *certificate: DER, *borrowed* until the next call; *verified: it verifies the signature of the MIKEY message.
 *  Returns false where there is no certificate. */
typedef bool (*sipveil_mikey_cb)(void *user, sipveil_span mikey, sipveil_span *certificate, bool *verified);

/** How to bind. Start from sipveil_identity_bind_options_default(); every pointer is *borrowed* for the call. */
typedef struct sipveil_identity_bind_options {
    size_t size;
    sipveil_memory *memory;       /**< where bindings are kept; needed */
    const sipveil_keyring *trust; /**< anchors, for assurance A3; may be NULL */
    bool required;                /**< a certificate that cannot be bound is refused: 400, 437 */
    bool from_change;             /**< both sides have said Supported: from-change (RFC 4916) */
    bool confirmed;               /**< the INVITE of this dialog had its 2xx */
    const char *expected;         /**< the address that the caller thinks he talks to, or NULL */
    unsigned allow_weak;          /**< SIPVEIL_WEAK_..., for signatures in the body */
    sipveil_mikey_cb mikey;       /**< NULL: certificates in MIKEY are not read */
    void *mikey_user;
    /** Asked before another certificate of the same peer is taken in a dialog; DER. NULL: taken. */
    bool (*accept_change)(void *user, sipveil_span before, sipveil_span after, const char *aor);
    void *accept_change_user;
    bool has_at;                  /**< use `at` instead of the clock */
    int64_t at;                   /**< seconds UTC */
} sipveil_identity_bind_options;

/** Fills in the defaults. */
SIPVEIL_API void sipveil_identity_bind_options_default(sipveil_identity_bind_options *options);

/**
 * Whether a message carries a certificate that its receiver could bind, in whatever form, MIKEY too. For the authentication
 * service: what came over a link that anybody could change may carry somebody else's, and need not be signed (IDN-56).
 * @return SIPVEIL_OK, SIPVEIL_MALFORMED, SIPVEIL_LIMIT, SIPVEIL_USAGE, SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_carries_certificate(sipveil_worker *worker,
                                                                               sipveil_span message, bool *carries,
                                                                               sipveil_error *err);

/** What became of the certificate of a request; *borrowed* from the worker. */
typedef struct sipveil_bound {
    sipveil_assurance assurance; /**< of the certificate that the request carries; without one, of what is bound */
    sipveil_binding_state state; /**< of what is bound in this dialog now */
    unsigned events;             /**< SIPVEIL_BINDING_EVENT_... */
    const char *aor;             /**< whom it is bound to: "sip:alice@atlanta.example", "tel:+12155551212"; or "" */
    const char *carrier;         /**< how it came: "pkix-cert", "certs-only", "signed", "mikey"; "none" */
    sipveil_span certificate;    /**< DER; empty if nothing is bound */
    uint8_t sha256[32];          /**< of it */
    int64_t until;               /**< the last second of its life, UTC */
    int status;                  /**< 0, or what to answer the request with: 400, 403, 437, or the verdict's status */
    const char *phrase;          /**< of that status */
    sipveil_error reason;        /**< code OK if status is 0 */
    const char *why;             /**< one sentence on what happened, or "" */
} sipveil_bound;

/**
 * Binds the certificate that a received request carries to its From, for its dialog, if what vouches for From vouches
 * for the certificate too: by RFC 4474 over the whole body, or by RFC 8224 with a verified fingerprint of that very
 * certificate. The request is an INVITE or of a dialog. Also takes note of what it does to the dialog
 * (sipveil_identity_observe_message), unless the verdict refuses it. Responses never bind.
 * @param verdict what sipveil_identity_verify_request said of this message in the worker's last call; NULL: nobody vouches
 * @return SIPVEIL_OK, also where nothing is bound or the request is to be refused (out->status); SIPVEIL_MALFORMED: not
 *         SIP, or a body that is no MIME; SIPVEIL_LIMIT: too many parts, or the memory is full; SIPVEIL_USAGE;
 *         SIPVEIL_INTERNAL. On failure *out is zero.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_bind_certificate(sipveil_worker *worker,
                                                                            const sipveil_identity_bind_options *options,
                                                                            sipveil_span message,
                                                                            const sipveil_identity_verdict *verdict,
                                                                            sipveil_bound *out, sipveil_error *err);

/**
 * What a message, sent or received, does to the bindings of its dialog: BYE and its response, 481 and 408, the final
 * response to INVITE, CANCEL, Session-Expires, the tag that completes a dialog. Bindings end by it, none is made. Messages that
 * belong to no transaction or dialog of the caller's must not come here: whoever forges a response could end a binding.
 * @param at seconds UTC
 * @param events SIPVEIL_BINDING_EVENT_ENDED, _EXPIRED; may be NULL
 * @return SIPVEIL_OK, SIPVEIL_MALFORMED, SIPVEIL_LIMIT, SIPVEIL_USAGE, SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_observe_message(sipveil_worker *worker, sipveil_memory *memory,
                                                                           sipveil_span message, bool sent, int64_t at,
                                                                           unsigned *events, sipveil_error *err);

/**
 * A handshake by the key of a certificate succeeded in the dialog of that message (DTLS-SRTP, MIKEY): the binding is
 * PROVEN, and where it was a change of keys the old certificate is gone. Signatures over whole messages prove by
 * themselves when sipveil_tunnel_open_message() is given the memory.
 * @param sent the message is one of ours
 * @param sha256 of the certificate's DER
 * @return SIPVEIL_OK; SIPVEIL_NO_KEY: that certificate is not bound there; SIPVEIL_MALFORMED, SIPVEIL_USAGE,
 *         SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_prove_binding(sipveil_worker *worker, sipveil_memory *memory,
                                                                         sipveil_span message, bool sent,
                                                                         const uint8_t sha256[32], int64_t at,
                                                                         sipveil_error *err);

/** Which bindings: all that are set must fit; NULL: any. */
typedef struct sipveil_binding_filter {
    const char *aor;       /**< of the peer */
    const char *local;     /**< of the user on our side */
    const char *call_id;
    const uint8_t *sha256; /**< 32 octets: of the certificate */
} sipveil_binding_filter;

/** A binding as it is kept; *borrowed* from the worker. */
typedef struct sipveil_binding {
    const char *call_id, *local_tag, *remote_tag; /**< local_tag "": the dialog has none yet */
    const char *aor, *local;
    sipveil_binding_state state;
    bool is_next;              /**< replaces the current one of that dialog when it is proven */
    const char *carrier;
    sipveil_identity_profile path;
    const char *domain;        /**< that vouched */
    uint8_t service_sha256[32]; /**< of the certificate of its authentication service */
    sipveil_span certificate;  /**< DER */
    uint8_t sha256[32];        /**< of it */
    uint8_t key_sha256[32];    /**< of its SubjectPublicKeyInfo */
    int64_t issued, made, proven, not_after, until; /**< seconds UTC; proven: 0 while only claimed */
} sipveil_binding;

/** The live bindings that fit, at that second. @return SIPVEIL_OK, SIPVEIL_USAGE, SIPVEIL_INTERNAL */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_list_bindings(sipveil_worker *worker,
                                                                         const sipveil_memory *memory,
                                                                         const sipveil_binding_filter *filter, int64_t at,
                                                                         const sipveil_binding **bindings, size_t *count,
                                                                         sipveil_error *err);
/** Ends the bindings that fit: a user has logged off (local), a certificate was revoked (sha256), the application
 *  starts anew (NULL: all). *count: how many; may be NULL. @return as the list */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_forget_bindings(sipveil_worker *worker, sipveil_memory *memory,
                                                                           const sipveil_binding_filter *filter,
                                                                           size_t *count, sipveil_error *err);

/**
 * Adds the certificate that is bound to `aor` in the dialog of a message that we are about to send, as the last key of
 * a ring: a recipient for sealing, in that dialog only. Where a change of keys is not proven yet the old one is added.
 * @return SIPVEIL_OK; SIPVEIL_NO_KEY: nothing is bound; SIPVEIL_MALFORMED, SIPVEIL_USAGE, SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_add_bound(sipveil_worker *worker, const sipveil_memory *memory,
                                                                     sipveil_span message, const char *aor, int64_t at,
                                                                     sipveil_keyring *ring, sipveil_error *err);

/* ------------------------------------------------------------------ connected identity (RFC 4916) */

/** What one side of a dialog knows. Plain facts in the caller's storage: start from {0}, fill in what
 *  sipveil_connected_note() cannot know. */
typedef struct sipveil_connected {
    bool calling;           /**< we sent the INVITE */
    bool we_support;        /**< we have said Supported: from-change in this dialog */
    bool peer_supports;     /**< and the peer has */
    bool provisional_acked; /**< a reliable provisional response had its PRACK */
    bool confirmed;         /**< the INVITE had its 2xx */
    bool told;              /**< a request of ours has carried our identity as it is now; set to false when it changes */
    bool needs_identity;    /**< profile sipbrandy (RFC 8862): no media security without the peer's Identity */
    bool peer_vouched;      /**< a request of the peer in this dialog had a valid Identity */
} sipveil_connected;

typedef enum sipveil_connected_step {
    SIPVEIL_CONNECTED_NOTHING = 0, /**< there is nothing to send */
    SIPVEIL_CONNECTED_WAIT,        /**< for a PRACK, or for the 2xx */
    SIPVEIL_CONNECTED_MAY_UPDATE,  /**< an UPDATE with our identity may go now */
    SIPVEIL_CONNECTED_MUST_UPDATE  /**< and must; a re-INVITE that goes anyway does as well */
} sipveil_connected_step;

/** What this side sends next about its identity (IDN-49, IDN-50). */
SIPVEIL_API sipveil_connected_step sipveil_connected_next(const sipveil_connected *dialog);
/** Whether media may not be secured on what is known: with needs_identity and no Identity of the peer; the caller ends
 *  the dialog or goes on without, by policy (IDN-52). */
SIPVEIL_API bool sipveil_connected_is_unsafe(const sipveil_connected *dialog);

/**
 * Takes note of a message of the dialog, sent or received: who called, Supported: from-change, PRACK, 2xx, UPDATE.
 * verdict: of a received request, or NULL.
 * @return SIPVEIL_OK, SIPVEIL_MALFORMED, SIPVEIL_LIMIT, SIPVEIL_USAGE, SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_connected_note(sipveil_worker *worker, sipveil_connected *dialog,
                                                                 sipveil_span message, bool sent,
                                                                 const sipveil_identity_verdict *verdict,
                                                                 sipveil_error *err);

/**
 * Puts Supported: from-change into an INVITE that forms a dialog or into a response that does; any other message, and one
 * that has it, is handed back as it is (IDN-48). *out is *borrowed* from the worker.
 * @return SIPVEIL_OK; SIPVEIL_POLICY: it stands in Require, where it never belongs; as sipveil_connected_note
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_connected_announce(sipveil_worker *worker, sipveil_span message,
                                                                     sipveil_span *out, sipveil_error *err);

/** Whether From of a received request becomes the remote URI of the dialog, now that it was answered with that status:
 *  both sides support it, its Identity is valid, the status is a 2xx (IDN-50). */
SIPVEIL_API bool sipveil_connected_takes_from(const sipveil_connected *dialog, const sipveil_identity_verdict *verdict,
                                              unsigned answered);
/** Whether To of a received request is ours: the new address, or the old one until the new one was seen (IDN-50). */
SIPVEIL_API bool sipveil_connected_accepts_to(const char *to, const char *before, const char *now, bool now_seen);

/** What a response to a request of ours in a dialog means for its identity. */
typedef enum sipveil_connected_refusal {
    SIPVEIL_CONNECTED_ACCEPTED = 0, /**< nothing that concerns identity */
    SIPVEIL_CONNECTED_REPAIR,       /**< sign once more and send it again, once */
    SIPVEIL_CONNECTED_TELL,         /**< tell the user that our identity was refused; the dialog stays */
    SIPVEIL_CONNECTED_OVER          /**< it was a BYE: the dialog is over */
} sipveil_connected_refusal;
/** 428, 436, 437 and 438 (IDN-51). repaired: it was sent again already. */
SIPVEIL_API sipveil_connected_refusal sipveil_connected_judge_response(const char *method, unsigned status, bool repaired);

/** Whether a proxy that signs requests for this domain puts itself into the route of this request: it forms a dialog and
 *  says from-change, so that later requests will want to be signed (IDN-53). @return as sipveil_connected_note */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_connected_wants_route(sipveil_worker *worker, sipveil_span message,
                                                                        bool signs, bool *wants, sipveil_error *err);

/**
 * Profile sipbrandy (RFC 8862 4): whether a received request with an offer or answer brings what it must: a valid Identity
 * with ppt "msec" over fingerprints of the SDP. *status: 0, or what it MUST be answered with.
 * @param verdict what sipveil_identity_verify_request, told that "msec" is understood, said of it in the worker's last call
 * @return as sipveil_connected_note
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_connected_check_brandy(sipveil_worker *worker, sipveil_span message,
                                                                         const sipveil_identity_verdict *verdict,
                                                                         int *status, sipveil_error *err);

/* ------------------------------------------------------------------ certificate service (RFC 6072), the client's side */

/** Rows of a SUBSCRIBE for the certificate of its Request-URI: Event, Accept, Expires of a day; each with CRLF, no body
 *  (IDN-76). Static. */
SIPVEIL_API const char *sipveil_certificate_subscription_rows(void);

/** What is known of a subscription. Start from sipveil_certificate_notify_options_default(). */
typedef struct sipveil_certificate_notify_options {
    size_t size;
    sipveil_memory *memory;       /**< where certificates are kept by address; needed */
    const sipveil_keyring *trust; /**< anchors; may be NULL */
    const char *aor;              /**< that was subscribed to; needed */
    const char *call_id, *local_tag, *remote_tag; /**< the dialog of the subscription: a NOTIFY of another one is not taken */
    int64_t subscribed_until;     /**< seconds UTC: nothing is kept longer */
    int64_t keep_seconds;         /**< 0: a day */
    bool integrity;               /**< the body came unchanged by other means: TLS to the notifier's own domain, S/MIME */
    bool has_at;                  /**< use `at` instead of the clock */
    int64_t at;                   /**< seconds UTC */
} sipveil_certificate_notify_options;

/** Fills in the defaults. */
SIPVEIL_API void sipveil_certificate_notify_options_default(sipveil_certificate_notify_options *options);

typedef enum sipveil_certificate_notice {
    SIPVEIL_CERTIFICATE_IGNORED = 0, /**< of another type, or no NOTIFY of that subscription: the subscription stays */
    SIPVEIL_CERTIFICATE_NONE,        /**< there is none, or it was revoked: what was kept is gone */
    SIPVEIL_CERTIFICATE_KEPT,        /**< it may be used for that address */
    SIPVEIL_CERTIFICATE_DISCARDED    /**< nobody vouches for it, or the subscription is over: it must not be used, and what was kept is gone */
} sipveil_certificate_notice;

typedef struct sipveil_certificate_notified {
    sipveil_certificate_notice notice;
    sipveil_assurance assurance; /**< CHAIN; SESSION for what Identity vouches for; UNBOUND */
    sipveil_span certificate;    /**< DER, of KEPT; *borrowed* from the worker */
    int64_t until;               /**< of KEPT: seconds UTC */
    bool had_before;             /**< one was kept before this NOTIFY, with this digest: */
    uint8_t before_sha256[32];   /**< where it was revoked, sipveil_identity_forget_bindings() takes it */
    int status;                  /**< to answer the NOTIFY with: 200, or 481 */
    const char *why;             /**< one sentence, or ""; static */
} sipveil_certificate_notified;

/**
 * Takes the certificate of an address from a NOTIFY: kept where its chain is good and it names the address, or where From
 * is the address, Identity is valid and covers the body (RFC 4474), or the body came unchanged by other means
 * (IDN-77, IDN-78).
 * @param verdict what sipveil_identity_verify_request said of this message in the worker's last call; NULL: nobody vouches
 * @return SIPVEIL_OK, SIPVEIL_MALFORMED, SIPVEIL_LIMIT, SIPVEIL_USAGE, SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_certificate_take_notify(
    sipveil_worker *worker, const sipveil_certificate_notify_options *options, sipveil_span message,
    const sipveil_identity_verdict *verdict, sipveil_certificate_notified *out, sipveil_error *err);

/** The certificate that is kept for an address at that second: DER, *borrowed* from the worker.
 *  sipveil_keyring_add_octets() makes a recipient of it. @return SIPVEIL_OK, SIPVEIL_NO_KEY, SIPVEIL_MALFORMED (no
 *  address), SIPVEIL_USAGE, SIPVEIL_INTERNAL */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_certificate_find_kept(sipveil_worker *worker,
                                                                        const sipveil_memory *memory, const char *aor,
                                                                        int64_t at, sipveil_span *certificate,
                                                                        sipveil_error *err);
/** A request that used it was answered 437: forget it, and subscribe again. @return as sipveil_certificate_find_kept */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_certificate_drop_kept(sipveil_worker *worker, sipveil_memory *memory,
                                                                        const char *aor, sipveil_error *err);
/** Whether that request is sent again: once, and only with another certificate (IDN-80). Both DER. */
SIPVEIL_API bool sipveil_certificate_tries_again(sipveil_span before, sipveil_span after, bool tried);

/** How long to wait before our own credential is renewed: 0 within 600 s of its end, once a random part of 300 s has
 *  gone by (IDN-81). random: any 32 bits. Seconds. */
SIPVEIL_API int64_t sipveil_certificate_renew_after(int64_t not_after, int64_t now, uint32_t random);

/**
 * Our own credential out of a NOTIFY (Event: credential): certificate and private key, into a keyring.
 * @param protected_direct over TLS straight to the server, whose name was checked, with Digest: nothing else is taken
 * @param key_options for a key that is encrypted; may be NULL
 * @return SIPVEIL_OK; SIPVEIL_POLICY (not protected); SIPVEIL_MALFORMED; SIPVEIL_UNSUPPORTED: not such a NOTIFY;
 *         SIPVEIL_USAGE: not a key, not of this certificate; SIPVEIL_LIMIT; SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_certificate_take_credential(sipveil_worker *worker, sipveil_span message,
                                                                              bool protected_direct,
                                                                              const sipveil_key_options *key_options,
                                                                              sipveil_keyring *ring, sipveil_error *err);

#ifdef __cplusplus
}
#endif
#endif
