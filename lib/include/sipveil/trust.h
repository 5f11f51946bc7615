/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file trust.h
 * Trust domains: which hop is trusted, and what P-Asserted-Identity, Privacy and their like may cross the border to it
 * (RFC 3323, 3324, 3325, 5379, 5876).
 *
 * A table tells of the partners. A verdict is made of the table and of facts about one connection, once for that
 * connection. A border takes a message as it came in and gives, for each next hop, what goes on to it. Nothing here
 * does I/O.
 *
 * Threads: a table is frozen once read and may be shared by any number of threads; a border belongs to one thread at a
 * time. Verdicts are plain values.
 */
#ifndef SIPVEIL_TRUST_H
#define SIPVEIL_TRUST_H

#include "sipveil/tunnel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ the table */

typedef struct sipveil_trust_table sipveil_trust_table;

/** How a table is read. Start from {.size = sizeof}; every pointer is *borrowed* for the call. */
typedef struct sipveil_trust_table_options {
    size_t size;
    const sipveil_context *context; /**< needed where `anchors` names files; may be NULL */
    void *user;                     /**< handed to the two calls */
    /** Gives the content of a file that `include` or `anchors` names, as written, and the file that names it. *text
     * must live until sipveil_trust_table_read returns, *name (what to call the file in messages) too. NULL: such keys
     * are refused. A failure says why in err. */
    sipveil_code (*read)(void *user, const char *named, const char *from, sipveil_span *text, const char **name,
                         sipveil_error *err);
    /** Told of every mistake, not of the first one alone. "FILE:LINE: text". May be NULL. */
    void (*complain)(void *user, const sipveil_error *why);
} sipveil_trust_table_options;

/**
 * Reads a table (sipveil-table(5)) and checks it as a whole: no double or unknown key, no domain in two rows, no
 * wildcard, no range that is too wide, no trust without protection (TRU-12), and it must say what a missing
 * Privacy header means (TRU-03). All of it is taken, or nothing.
 * @param name what to call the text in messages
 * @return SIPVEIL_OK; SIPVEIL_USAGE with "FILE:LINE: text" and a hint; SIPVEIL_INTERNAL. *out is *given* (free with
 *         sipveil_trust_table_free), NULL on failure.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_trust_table_read(sipveil_span text, const char *name,
                                                                   const sipveil_trust_table_options *options,
                                                                   sipveil_trust_table **out, sipveil_error *err);
/** One more owner, who frees it in turn: a connection keeps the table that its verdict was made with. */
SIPVEIL_API sipveil_trust_table *sipveil_trust_table_hold(sipveil_trust_table *table);
/** The last owner frees it. NULL is fine. */
SIPVEIL_API void sipveil_trust_table_free(sipveil_trust_table *table);
/** Number of partners. */
SIPVEIL_API size_t sipveil_trust_table_count(const sipveil_trust_table *table);
/** The effective table: includes in place, every default written out. It reads back as the same table. *given*: free
 *  with sipveil_trust_text_free. @return SIPVEIL_OK, SIPVEIL_INTERNAL */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_trust_table_text(const sipveil_trust_table *table, char **text,
                                                                   sipveil_error *err);
/** NULL is fine. */
SIPVEIL_API void sipveil_trust_text_free(char *text);
/** What is legal and yet hardly meant ("partner x: level 2 is never enough where the domain asks for 3"), one by one;
 *  NULL past the end. *borrowed*. */
SIPVEIL_API const char *sipveil_trust_table_warning(const sipveil_trust_table *table, size_t place);
/** The file of anchors at that place, as `read` called it, for a keyring; NULL past the end. *borrowed*. */
SIPVEIL_API const char *sipveil_trust_table_anchor_file(const sipveil_trust_table *table, size_t place);

/* ------------------------------------------------------------------ the verdict */

typedef enum sipveil_trust_transport {
    SIPVEIL_TRUST_UNKNOWN = 0,
    SIPVEIL_TRUST_UDP,
    SIPVEIL_TRUST_TCP,
    SIPVEIL_TRUST_TLS /**< over TCP, SCTP or datagrams */
} sipveil_trust_transport;

/** Facts about the connection to one hop, never anything that a message says of itself (TRU-04). Start from
 *  {.size = sizeof}; every pointer is *borrowed* for the call. */
typedef struct sipveil_trust_peer {
    size_t size;
    const char *address;               /**< "192.0.2.7" or "2001:db8::7", no port; NULL: unknown */
    sipveil_trust_transport transport;
    /** TLS: the certificate that the other end proved to own; NULL: it had none. */
    const sipveil_domain_certificate *certificate;
    /** TLS: or the names that a TLS stack of the caller's has proved by RFC 5922. */
    const char *const *names;
    size_t name_count;
    const char *sa;                    /**< IPsec: the identity of the association's other end; NULL: no IPsec */
    const sipveil_domain_certificate *signer; /**< S/MIME: who signed this message as a node; NULL: nobody */
    const char *interface;             /**< where it came in or goes out; NULL: unknown */
    bool is_gateway; /**< it passes the security gateway of NDS/IP (Za); also by `gateways` of the table */
    bool readable;                     /**< integrity without encryption (NULL ciphers) */
} sipveil_trust_peer;

typedef enum sipveil_trust_direction {
    SIPVEIL_TRUST_IN, /**< may we believe what it asserts? */
    SIPVEIL_TRUST_OUT /**< may we tell it what was asserted? */
} sipveil_trust_direction;

/** Why a hop is not trusted; several may hold (TRU-18). */
enum {
    SIPVEIL_TRUST_NO_ROW = 1,        /**< no partner of that domain, name or address */
    SIPVEIL_TRUST_IP_MISMATCH = 2,   /**< its address is not one of the partner's */
    SIPVEIL_TRUST_NO_CERT = 4,       /**< no certificate, or one that nobody vouches for */
    SIPVEIL_TRUST_NAME_MISMATCH = 8, /**< its certificate names another domain */
    SIPVEIL_TRUST_EXPIRED = 16,      /**< the partner's row, or its certificate, is not valid now */
    SIPVEIL_TRUST_LEVEL = 32,        /**< the level that was reached is not enough */
    SIPVEIL_TRUST_DIRECTION = 64,    /**< the partner is trusted the other way only, or not at all */
    SIPVEIL_TRUST_INSECURE = 128     /**< the link is not protected as the partner's row demands */
};
/** "NO_ROW" for one of them; "" for anything else. */
SIPVEIL_API const char *sipveil_trust_reason_name(unsigned reason);

enum { SIPVEIL_TRUST_BY_TLS = 1, SIPVEIL_TRUST_BY_IPSEC = 2, SIPVEIL_TRUST_BY_SMIME = 4 };

typedef enum sipveil_trust_profile {
    SIPVEIL_TRUST_PROFILE_TABLE = 0, /**< the one that the table names */
    SIPVEIL_TRUST_PROFILE_RFC3325,
    SIPVEIL_TRUST_PROFILE_MM_BORDER, /**< towards no partner, a P-Asserted-Identity goes but for Privacy: none */
    SIPVEIL_TRUST_PROFILE_IMS_REL5   /**< what passes the security gateway is trusted; closed networks only */
} sipveil_trust_profile;

/** A verdict on one connection: a value, computed once for it and kept with it (TRU-17). */
typedef struct sipveil_trust_verdict {
    bool trusted;
    unsigned reasons;     /**< SIPVEIL_TRUST_...; 0 if trusted */
    unsigned level;       /**< that was reached: 0 nothing, 1 topology or address, 2 proved, 3 and a partner */
    unsigned protection;  /**< SIPVEIL_TRUST_BY_...: what proved it; 0: nothing */
    bool is_gateway;
    bool keep_without_privacy; /**< towards it, where it is not trusted and Privacy is absent */
    bool close; /**< next hop: its certificate is not for the domain at all; close the connection (RFC 5922 7.3) */
    int64_t valid_until;  /**< judge it again after that second (TRU-17) */
    uint64_t table_mark;  /**< of the table it was made with */
    char partner[64];     /**< name of the row, or "" */
    char name[128];       /**< the domain that was proved, or "" */
} sipveil_trust_verdict;

/**
 * Is the peer trusted in that direction now (TRU-01 to TRU-19)? Takes no memory; under a microsecond.
 * @param domain the next hop's domain as it was before DNS (sipveil_trust_target); empty: the previous hop, or the
 *        hop that a response goes back to, which are found by what they prove
 * @param at seconds UTC
 */
SIPVEIL_API void sipveil_trust_judge_peer(const sipveil_trust_table *table, sipveil_trust_profile profile,
                                          sipveil_trust_direction direction, sipveil_span domain,
                                          const sipveil_trust_peer *peer, int64_t at, sipveil_trust_verdict *out);
/** Whether a verdict still holds: same table, not past its time. A new handshake needs a new one in any case. */
SIPVEIL_API bool sipveil_trust_verdict_holds(const sipveil_trust_table *table, const sipveil_trust_verdict *verdict,
                                             int64_t at);

/**
 * sipveil_tunnel_open_message for a message that may come signed by the previous hop's node (TRU-46, TRU-48), or with
 * no protection at all (look at out->is_protected, or set options->require): a good
 * signature whose certificate is a domain's of a partner with protection smime, though it does not speak for the
 * sender, is accepted; the previous hop is then judged with it, for this message. Where it is trusted,
 * out->inner_identity_counts says whether a P-Asserted-Identity inside may be believed. Its signature covers the message
 * inside alone: that one, out->message, is what the verdict may be used for, and not the one around it. A signature over a
 * body or over chosen fields proves no node.
 * @param peer what is known of the previous hop beside; its signer is filled in here
 * @return as sipveil_tunnel_open_message; *verdict (SIPVEIL_TRUST_IN) is made in any case, without the signature on
 * failure
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code
sipveil_trust_open_message(sipveil_worker *worker, const sipveil_open_options *options,
                           const sipveil_trust_table *table, const sipveil_trust_peer *peer, sipveil_span message,
                           sipveil_opened *out, sipveil_trust_verdict *verdict, sipveil_error *err);

/** Header fields that must not stand inside a fragment because they never leave the trust domain (`strip`), for
 *  sipveil_seal_options.outside_only. *borrowed* from the table. */
SIPVEIL_API const char *const *sipveil_trust_table_outside_only(const sipveil_trust_table *table, size_t *count);

/* ------------------------------------------------------------------ the border */

/** Takes messages over the border; belongs to one thread at a time. What it gives is *borrowed* until its next
 *  sipveil_border_arrive. */
typedef struct sipveil_border sipveil_border;

/** @return SIPVEIL_OK, SIPVEIL_USAGE, SIPVEIL_INTERNAL; *out is *given* (free with sipveil_border_free). */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_border_new(const sipveil_context *context, sipveil_border **out,
                                                             sipveil_error *err);
/** Wipes everything; NULL is fine. */
SIPVEIL_API void sipveil_border_free(sipveil_border *border);

/** What only this node knows of a message. Start from {.size = sizeof}; every pointer is *borrowed* until the border's
 *  next arrival. */
typedef struct sipveil_border_options {
    size_t size;
    sipveil_trust_table *table;        /**< held until the border's next arrival */
    sipveil_trust_profile profile;     /**< TABLE: the table's own */
    /** The valid identities of the originator whom this node has authenticated itself, the default one first (SIP URIs
     *  and tel URIs); none: it has not. In a response: those of the UAS, known by a registered, secured connection. */
    const char *const *identities;
    size_t identity_count;
    const char *auth_method;           /**< how; NULL: by one that the table's `authentication` allows */
    const sipveil_trust_peer *link; /**< the link to the previous hop, for the table's `between_ua`; NULL: it is fine */
    const char *challenge;          /**< value of Proxy-Authenticate (or WWW-Authenticate) for must_auth = challenge */
    bool is_registrar;                 /**< 401 instead of 407 */
    bool identity_field_is_ours;       /**< Identity was made here and not sent yet (TRU-39): dropped where it would
                                            leak; then sign From instead */
    sipveil_memory *memory;            /**< what a privacy service hides; NULL: it cannot hide header fields */
    bool has_at;                       /**< use `at` instead of the clock */
    int64_t at;                        /**< seconds UTC */
} sipveil_border_options;

typedef enum sipveil_border_action {
    SIPVEIL_BORDER_FORWARD,
    SIPVEIL_BORDER_RESPOND, /**< send `message` back; nothing goes on */
    SIPVEIL_BORDER_DROP     /**< neither: an ACK or a response that must not go on */
} sipveil_border_action;

/** What became of one header field, and why. */
typedef struct sipveil_border_line {
    const char *field;
    const char *result; /**< "kept", "removed", "added", "changed", "ignored" */
    const char *phase;  /**< "A" by the previous hop, "B" by the next hop, "" for what nothing concerned */
    const char *rule;   /**< "TRU-31", or "" */
    const char *why;
} sipveil_border_line;

typedef struct sipveil_border_result {
    sipveil_border_action action;
    sipveil_span message;
    int status;         /**< of the response; 0: forwarded */
    const char *why;    /**< one sentence, where it is not forwarded; else "" */
    const char *rule;   /**< likewise */
    const sipveil_warning *warnings;
    size_t warning_count;
} sipveil_border_result;

/**
 * Phase A: a message as it came in, and the verdict on the previous hop (SIPVEIL_TRUST_IN). Removes what is not
 * believed, asserts what is known. A verdict past its `valid_until` trusts nobody. The result's message is what stays here for every branch; it is not for sending.
 * @return SIPVEIL_OK: see the action; SIPVEIL_USAGE (options, an identity that is no URI); SIPVEIL_MALFORMED,
 *         SIPVEIL_LIMIT (not a SIP message); SIPVEIL_INTERNAL. On failure *out is zero.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_border_arrive(sipveil_border *border,
                                                                const sipveil_border_options *options,
                                                                sipveil_span message,
                                                                const sipveil_trust_verdict *from,
                                                                sipveil_border_result *out, sipveil_error *err);
/** The domain of the next hop before DNS: the topmost Route, else the Request-URI (TRU-13); empty for a response, or
 * where the Request-URI has none. *borrowed*. */
SIPVEIL_API sipveil_span sipveil_border_target(const sipveil_border *border);
/**
 * Phase B: what goes on to one next hop, by the verdict on it (SIPVEIL_TRUST_OUT). Once for each branch, and again,
 * with a new verdict, for each fail-over: always from what arrived (TRU-38).
 * @return as sipveil_border_arrive; SIPVEIL_USAGE: nothing arrived, or it was answered.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_border_leave(sipveil_border *border, const sipveil_trust_verdict *to,
                                                               sipveil_border_result *out, sipveil_error *err);
/** The identity at that place, of the message that arrived, which a UAS or registrar may use or show: asserted by a
 * trusted hop or by this node; an empty span past the end (TRU-29: nothing else may be used). *borrowed*. */
SIPVEIL_API sipveil_span sipveil_border_identity(sipveil_border *border, size_t place);
/** The lines of the last call, every header field of the message among them. *borrowed*. */
SIPVEIL_API const sipveil_border_line *sipveil_border_lines(sipveil_border *border, size_t *count);
/** The last call as JSON (sipveil-trust(1)). *borrowed*. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_border_report_json(sipveil_border *border, sipveil_span *json,
                                                                     sipveil_error *err);

/* ------------------------------------------------------------------ the UA that sends */

/** What a UA asks of its trust domain. Start from {.size = sizeof}; every pointer is *borrowed* for the call. */
typedef struct sipveil_trust_wish {
    size_t size;
    const char *const *identities; /**< one sip or sips and one tel URI at most: how it wants to be called */
    size_t identity_count;
    bool is_gateway;               /**< a node of the domain itself: asserts them instead of preferring them */
    const char *privacy;           /**< value of Privacy: "id", "none", "header;critical"; NULL: none is added */
} sipveil_trust_wish;

/**
 * Adds P-Preferred-Identity (or P-Asserted-Identity), Privacy and, where a privacy service is needed, Proxy-Require:
 * privacy to a request of a UA. All or nothing.
 * @param to verdict on the first proxy (SIPVEIL_TRUST_OUT)
 * @return SIPVEIL_OK, *message is *borrowed* from the border; SIPVEIL_POLICY: identities for a proxy that is not
 * trusted (TRU-22), in ACK or CANCEL, or both fields at once (TRU-21); SIPVEIL_USAGE: identities (TRU-20) or privacy
 * (TRU-25) of no good form; SIPVEIL_MALFORMED, SIPVEIL_LIMIT, SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_trust_write_wish(sipveil_border *border, const sipveil_trust_wish *wish,
                                                                   sipveil_span message, const sipveil_trust_verdict *to,
                                                                   sipveil_span *out, sipveil_error *err);

#ifdef __cplusplus
}
#endif
#endif
