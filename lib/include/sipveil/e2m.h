/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file e2m.h
 * End to middle: chosen proxies ("hops") read, or must check, exactly the part of a body that a UA gave them
 * (RFC 4189; content-encryption keys used again as in RFC 3185).
 *
 * Each role is a function of a message and of what the caller knows: it says what to do and does no I/O.
 *
 * Threads: a policy is frozen once read and may be shared; a memory and a worker belong to one thread at a time.
 * Memory: results belong to the worker and are *borrowed* until its next call or its end.
 */
#ifndef SIPVEIL_E2M_H
#define SIPVEIL_E2M_H

#include "sipveil/tunnel.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a hop is asked to do, or asks for. Reply: what the far UA is asked to let the hop do. */
typedef enum sipveil_e2m_act {
    SIPVEIL_E2M_NONE = 0,
    SIPVEIL_E2M_VIEW = 1,
    SIPVEIL_E2M_VERIFY = 2,
    SIPVEIL_E2M_BOTH = 3,
    SIPVEIL_E2M_OTHER = 4 /**< a word that this version does not know */
} sipveil_e2m_act;

/** Which signs a refusal has on the wire. Both are read, whatever this says. */
typedef enum sipveil_e2m_profile {
    SIPVEIL_E2M_PROFILE_E2M = 0, /**< 493 and 488 with Proxy-Body-Need */
    SIPVEIL_E2M_PROFILE_DRAFT    /**< 493 and 495 with Warning 380 and 381, and Proxy-Body-Need */
} sipveil_e2m_profile;

/** One value of Proxy-Body-Need. */
typedef struct sipveil_e2m_need {
    sipveil_span host;
    bool has_port;
    uint16_t port;
    sipveil_e2m_act need;
    sipveil_span type;     /**< media type; empty: the whole body */
    bool for_requests, for_responses;
    bool keep;             /**< the hop can hold a key for answers */
    bool rekey;            /**< it lost the key: send with all recipients and a new key */
    bool has_fingerprint;
    uint8_t fingerprint[32]; /**< SHA-256 of its certificate */
    sipveil_span value;    /**< as written; empty if it came as a Warning of the drafts */
} sipveil_e2m_need;

enum { SIPVEIL_E2M_NEEDS_MOST = 16, SIPVEIL_E2M_HOPS_MOST = 16 };

/**
 * The needs that a message tells of: Proxy-Body-Need in a 493, 488, 495, 496, 403 or 2xx; in a 493, 495 or 496
 * without one, Warning 380 and 381 of the drafts. Spans point into the message.
 * @return SIPVEIL_OK (*count may be 0), SIPVEIL_MALFORMED, SIPVEIL_LIMIT, SIPVEIL_USAGE.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_read_needs(sipveil_worker *worker, sipveil_span message,
                                                                 sipveil_e2m_need *needs, size_t room,
                                                                 size_t *count, sipveil_error *err);

/* ------------------------------------------------------------------ policy */

typedef struct sipveil_e2m_policy sipveil_e2m_policy;

/**
 * Reads policy rows from text, one a line, each in the form of a Proxy-Body-Need value:
 *
 *     # what the firewall must see
 *     ss1.home.example;need=view;type="application/sdp";method=INVITE;interface=access
 *
 * or the same as a JSON array of objects with the members host, need, types, what, methods, interface, keep,
 * certificate. method, interface: where the row holds; absent: everywhere. certificate: a file, for the caller.
 * @return SIPVEIL_OK, SIPVEIL_USAGE (with the line), SIPVEIL_INTERNAL. *out is *given*, free with
 *         sipveil_e2m_policy_free.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_policy_read(sipveil_span text, sipveil_e2m_policy **out,
                                                                  sipveil_error *err);
/** NULL is fine. */
SIPVEIL_API void sipveil_e2m_policy_free(sipveil_e2m_policy *policy);
/** Number of rows. */
SIPVEIL_API size_t sipveil_e2m_policy_count(const sipveil_e2m_policy *policy);

/** A row of a policy. Spans live as long as the policy. */
typedef struct sipveil_e2m_row {
    sipveil_e2m_need need;
    sipveil_span method, interface; /**< where it holds; empty: everywhere */
    sipveil_span certificate;       /**< a file of the caller's; empty: none */
} sipveil_e2m_row;

/**
 * The rows that hold for a message, for hop and UA alike, in their order: a UA seals for their hosts beforehand.
 * @param interface where it came in or goes out; may be NULL.
 * @return SIPVEIL_OK, SIPVEIL_LIMIT (more than room), SIPVEIL_MALFORMED, SIPVEIL_USAGE.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_policy_match(sipveil_worker *worker,
                                                                   const sipveil_e2m_policy *policy,
                                                                   sipveil_span message, const char *interface,
                                                                   sipveil_e2m_row *rows, size_t room, size_t *count,
                                                                   sipveil_error *err);

/* ------------------------------------------------------------------ policy servers (RFC 6794) */

/** One value of Policy-Contact. */
typedef struct sipveil_e2m_policy_contact {
    sipveil_span uri;
    sipveil_span alternative; /**< values with the same one stand for each other; empty: none does */
    bool cacheable;
} sipveil_e2m_policy_contact;

enum { SIPVEIL_E2M_POLICY_CONTACTS_MOST = 16 };

/**
 * The policy servers that a message names: in a 488, and in INVITE, UPDATE and PRACK. Spans point into the message.
 * @return SIPVEIL_OK (*count may be 0), SIPVEIL_MALFORMED, SIPVEIL_LIMIT, SIPVEIL_USAGE.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_read_policy_contacts(sipveil_worker *worker, sipveil_span message,
                                                                           sipveil_e2m_policy_contact *contacts,
                                                                           size_t room, size_t *count,
                                                                           sipveil_error *err);

/**
 * The caller's way to a policy server. *document is *borrowed* until the next call.
 * @return false: it could not be reached; that blocks no call.
 */
typedef bool (*sipveil_e2m_fetch)(void *user, sipveil_span uri, sipveil_span *document);

typedef struct sipveil_e2m_learn_options {
    size_t size;
    bool protected_path;     /**< the message came over one: else what it says is a hint for the user, and no row */
    sipveil_memory *memory; /**< keeps documents for a day, unless the server's value says non-cacheable; may be NULL */
    sipveil_e2m_fetch fetch; /**< NULL: what the memory holds */
    void *user;              /**< of fetch */
    bool has_at;
    int64_t at;              /**< seconds UTC; else the clock */
} sipveil_e2m_learn_options;

/** Fills in the defaults. */
SIPVEIL_API void sipveil_e2m_learn_options_default(sipveil_e2m_learn_options *options);

/**
 * What a message tells as rows: its needs (a 2xx to OPTIONS or REGISTER, a refusal), and the documents of the policy
 * servers that it names. These are the rows of a policy, in either form, and name no certificate files; every server is
 * asked, in order, of those that stand for each other the first that answers.
 * @return SIPVEIL_OK (the policy may have no row); SIPVEIL_POLICY: the path was not protected; SIPVEIL_MALFORMED,
 *         SIPVEIL_LIMIT, SIPVEIL_USAGE. *out is *given*, free with sipveil_e2m_policy_free.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_learn_policy(sipveil_worker *worker,
                                                                   const sipveil_e2m_learn_options *options,
                                                                   sipveil_span message, sipveil_e2m_policy **out,
                                                                   sipveil_error *err);

/* ------------------------------------------------------------------ the UA that sends */

/** The forms of a shared body (S1 to S4). */
typedef enum sipveil_e2m_form {
    SIPVEIL_E2M_FORM_AUTO = 0, /**< SHARED, or SPLIT where keys of media or a private type would be shown */
    SIPVEIL_E2M_SHARED,        /**< one envelope for the far UA and the hops */
    SIPVEIL_E2M_PRIVATE,       /**< for the far UA alone, no label */
    SIPVEIL_E2M_SPLIT,         /**< an envelope for the far UA beside a copy, without keys, for the hops */
    SIPVEIL_E2M_NESTED         /**< a shared envelope with that copy and an envelope for the far UA inside */
} sipveil_e2m_form;

/** A hop that gets a label, and the key to encrypt to; key NULL: a label only (for what is signed in clear). */
typedef struct sipveil_e2m_hop {
    const char *host;
    const sipveil_key *key;
} sipveil_e2m_hop;

/** Start from sipveil_e2m_options_default(); every pointer is *borrowed* for the call. */
typedef struct sipveil_e2m_options {
    size_t size;
    sipveil_seal_options seal; /**< recipients: the far UA; signers; cipher. mode, hide, by_key_identifier are not used */
    const sipveil_e2m_hop *hops;
    size_t hop_count;
    sipveil_e2m_act act;       /**< NONE: view */
    sipveil_e2m_act reply;     /**< the far UA is asked to let the hops do this with its answers */
    bool keep;                 /**< the hops may hold the key for answers; SHARED only; implies sign_label */
    bool sign_label;           /**< a signed copy of the label and of what identifies the message */
    uint32_t max_decrypts;     /**< messages that will use the key again; 0: 32 */
    bool rfc3185;              /**< the reference where RFC 3185 puts it: EnvelopedData, unprotected */
    bool roll;                 /**< an answer by reference brings a reference of its own */
    unsigned reuse_bits;       /**< size of the key that will wrap the next ones; 0: as the content key; another
                                    size is derived (RFC 3185 5) */
    const char *const *may_disclose; /**< hops that our answers may be disclosed to; beside them those of the
                                          domain of the verified signer */
    size_t may_disclose_count;
    bool (*ask)(void *user, sipveil_span host); /**< somebody is there: may this hop be shown a body that it needs, or
                                                     an answer? NULL: nobody, so no */
    void *ask_user;
    sipveil_e2m_form form;
    const char *const *private_types; /**< media types that no hop is shown */
    size_t private_type_count;
    sipveil_memory *memory;    /**< keys of keep and reuse; needed by those two */
    const char *reuse;         /**< 32 hex digits, or "last": the key of an earlier message is used again */
} sipveil_e2m_options;

/** Fills in the defaults. */
SIPVEIL_API void sipveil_e2m_options_default(sipveil_e2m_options *options);

/**
 * Seals the body of a message for the far UA and for hops, and labels it.
 * @return as sipveil_tunnel_seal_message; SIPVEIL_POLICY also where a key would be used again that more can
 *         read than the message is for, or more often than was said; SIPVEIL_NO_KEY: no such reference.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_seal_message(sipveil_worker *worker, const sipveil_e2m_options *options,
                                                                   sipveil_span message, sipveil_sealed *out,
                                                                   sipveil_error *err);

/** What decides whether a need is granted. */
typedef struct sipveil_e2m_retry_options {
    size_t size;
    sipveil_e2m_options e2m;       /**< how to seal; hops: those that it was sealed for before */
    const sipveil_keyring *trust;  /**< anchors: a certificate that came with a response must lead to one */
    const char *const *may_view;   /**< hosts that may be shown the body (home and outbound proxy too) */
    size_t may_view_count;
    const char *const *tried;      /**< hosts that this request was sent again for already; their keys are in e2m.hops,
                                        unless e2m.memory has them */
    size_t tried_count;
    const char *const *disclosable; /**< media types that may be shown; none: every one that is not private */
    size_t disclosable_count;
    bool has_at;
    int64_t at;                    /**< seconds UTC, for certificates; else the clock */
    bool protected_path;           /**< the response came over one: policy servers that it names are asked */
    sipveil_e2m_fetch fetch;       /**< the way to them; NULL: what e2m.memory holds */
    void *fetch_user;
} sipveil_e2m_retry_options;

/** Fills in the defaults. */
SIPVEIL_API void sipveil_e2m_retry_options_default(sipveil_e2m_retry_options *options);

/**
 * The request to send after a response that tells a need, or a 488 whose policy servers tell it: the next CSeq, the
 * same Call-ID, a new branch. After a 2xx (a probe by OPTIONS, a registration) the request is sealed as it is. Hops
 * that were granted earlier in this call stay, if e2m.memory was there. A hop that needs answers too is held the key
 * for them, where there is a signer and a memory. Nothing is ever sent in clear because of a response.
 * @return SIPVEIL_OK; SIPVEIL_POLICY: the need is not granted, and why; as sipveil_e2m_seal_message.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_retry_message(sipveil_worker *worker,
                                                                    const sipveil_e2m_retry_options *options,
                                                                    sipveil_span request, sipveil_span response,
                                                                    sipveil_sealed *out, sipveil_error *err);

/* ------------------------------------------------------------------ the UA that receives */

typedef struct sipveil_e2m_open_options {
    size_t size;
    sipveil_open_options open;     /**< open.memory also holds the keys of earlier messages */
    bool allow_unprotected_cekref; /**< references as RFC 3185 has them, where the content is signed */
    bool attended;                 /**< parts that disagree are a warning, not a refusal */
} sipveil_e2m_open_options;

/** Fills in the defaults. */
SIPVEIL_API void sipveil_e2m_open_options_default(sipveil_e2m_open_options *options);

/**
 * sipveil_tunnel_open_message(), and: opens by keys of earlier messages, keeps those that a message says will
 * be used again, compares a private part with the copy that hops were shown, tells whom the body was shown to,
 * and that an answer was not disclosed to a hop though asked for.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_open_message(sipveil_worker *worker,
                                                                   const sipveil_e2m_open_options *options,
                                                                   sipveil_span message, sipveil_opened *out,
                                                                   sipveil_error *err);

/**
 * sipveil_tunnel_write_refusal() for what sipveil_e2m_open_message() of this worker refused just now: where a message was
 * sealed by the key of an earlier one, a 493 over TCP or TLS also asks for a new key (Proxy-Body-Need with rekey).
 * @return as sipveil_tunnel_write_refusal. *response is *borrowed* until the worker's next call.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_write_refusal(sipveil_worker *worker,
                                                             const sipveil_open_options *options, sipveil_span message,
                                                             const sipveil_error *why, sipveil_span *response,
                                                             sipveil_error *err);

/* ------------------------------------------------------------------ the hop */

typedef struct sipveil_e2m_proxy_options {
    size_t size;
    sipveil_open_options open;      /**< keyring: its keys and anchors; memory: seen messages and keys */
    const char *const *hosts;       /**< its names; the first one stands in its needs */
    size_t host_count;
    bool protected_hop;             /**< came by TLS, IPsec or a security agreement: an unsigned label counts */
    bool sender_authenticated;      /**< that peer, or Digest, is known: private keys may be used for it */
    bool retransmission;            /**< the transaction knows it: forwarded unread. With a memory, the same octets
                                         within 32 seconds are known without that, and get what the first copy got */
    const char *source;             /**< address of the peer: with a memory, ten bodies of one source that cannot be
                                         opened in one second are the last (503); may be NULL */
    const char *interface;          /**< where it came in, for policy rows; may be NULL */
    const sipveil_e2m_policy *policy; /**< may be NULL */
    sipveil_e2m_profile profile;
    bool use_496;                   /**< draft profile: 496 instead of 493 */
    bool allow_unprotected_cekref;
    bool tell_needs;                /**< what the rows of the policy demand is added, as Proxy-Body-Need, to a 2xx to
                                         OPTIONS or REGISTER: the one change that a hop makes, and never to a body */
} sipveil_e2m_proxy_options;

/** Fills in the defaults. */
SIPVEIL_API void sipveil_e2m_proxy_options_default(sipveil_e2m_proxy_options *options);

typedef enum sipveil_e2m_action {
    SIPVEIL_E2M_FORWARD, /**< send `message` on; it is the message that was given, octet by octet (but see tell_needs)
                          */
    SIPVEIL_E2M_RESPOND  /**< send `message`, a response, back */
} sipveil_e2m_action;

/** A part that a label of ours names, or that a policy row is about. */
typedef struct sipveil_e2m_part {
    sipveil_span cid;     /**< of the label; empty: a row demands it */
    sipveil_e2m_act act;  /**< what was asked */
    sipveil_span view;    /**< content that we may read, plaintext */
    sipveil_span entity;  /**< the same with its header fields */
    bool verified;        /**< a signature over it is valid and its signer accepted */
} sipveil_e2m_part;

typedef struct sipveil_e2m_verdict {
    sipveil_e2m_action action;
    sipveil_span message;
    bool concerned; /**< a label names us, or a policy row demands something; else no octet of the body was read */
    bool named;           /**< by a label that counts */
    bool retransmission;  /**< it came a moment ago, and was not opened again */
    const sipveil_e2m_part *parts; /**< in the order of the body */
    size_t part_count;
    bool has_view;        /**< there is at least one */
    sipveil_span view;    /**< of the first part */
    sipveil_span entity;  /**< likewise */
    bool verified;        /**< of all parts */
    bool kept;            /**< its key is held for answers */
    sipveil_error reason; /**< of a RESPOND, and of a service not given; code OK if none */
    const sipveil_warning *warnings;
    size_t warning_count;
} sipveil_e2m_verdict;

/**
 * What a serving proxy does with one message.
 * @return SIPVEIL_OK with a verdict; SIPVEIL_MALFORMED, SIPVEIL_LIMIT: not even framed; SIPVEIL_USAGE,
 *         SIPVEIL_INTERNAL.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_proxy_message(sipveil_worker *worker,
                                                                    const sipveil_e2m_proxy_options *options,
                                                                    sipveil_span message, sipveil_e2m_verdict *out,
                                                                    sipveil_error *err);

/** Whether sipveil_e2m_proxy_message would read the body: from the header fields alone, nothing is changed or kept. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_concerns_proxy(sipveil_worker *worker,
                                                                     const sipveil_e2m_proxy_options *options,
                                                                     sipveil_span message, bool *concerns, sipveil_error *err);

/** All keys of a dialog are forgotten (BYE, final failure): message is any of its messages. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_forget_dialog(sipveil_worker *worker, sipveil_memory *memory,
                                                                    sipveil_span message, sipveil_error *err);

/** The report of the worker's last call here, of any role, or of its last sealing, as JSON (docs/report.md); *borrowed*. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_e2m_report_json(sipveil_worker *worker, sipveil_span *json,
                                                                  sipveil_error *err);

#ifdef __cplusplus
}
#endif
#endif
