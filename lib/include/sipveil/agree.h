/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file agree.h
 * Security agreement (RFC 3329 and the drafts before it): a client and its next hop choose how they protect what
 * they send each other, and notice when somebody on the way made them choose less.
 *
 * Both sides are functions of a message, of what was agreed before and of what the caller knows; they say what
 * to do and do no I/O.
 *
 * Threads: a list is frozen once read and may be shared; a worker and a memory belong to one thread at a time.
 * Memory: results belong to the worker and are *borrowed* until its next call or its end.
 */
#ifndef SIPVEIL_AGREE_H
#define SIPVEIL_AGREE_H

#include "sipveil/tunnel.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which text is followed. A context runs exactly one and never falls from one to another by itself. */
typedef enum sipveil_agree_profile {
    SIPVEIL_AGREE_RFC3329 = 0,
    SIPVEIL_AGREE_DRAFT04, /**< draft-ietf-sip-sec-agree-04: any entity and its next hop */
    SIPVEIL_AGREE_DRAFT05, /**< draft-ietf-sip-sec-agree-05: user agent and first hop */
    SIPVEIL_AGREE_3GPP,    /**< RFC 3329 as 3GPP TS 33.203 annex H uses it */
    SIPVEIL_AGREE_PROFILE_COUNT
} sipveil_agree_profile;

/** The name as on the command line ("rfc3329", "draft04", "draft05", "3gpp"). Never NULL. */
SIPVEIL_API const char *sipveil_agree_profile_name(sipveil_agree_profile profile);
/** false if there is no such name. */
SIPVEIL_API bool sipveil_agree_profile_by_name(const char *name, sipveil_agree_profile *profile);

/* ------------------------------------------------------------------ lists */

/** An own list of mechanisms, as configured. */
typedef struct sipveil_agree_list sipveil_agree_list;

/** Whose list it is. */
typedef enum sipveil_agree_side {
    SIPVEIL_AGREE_CLIENT, /**< Security-Client: written without q */
    SIPVEIL_AGREE_SERVER  /**< Security-Server: every entry has another q (RFC 3329 2.2) */
} sipveil_agree_side;

/**
 * Reads an own list from the value of the header field ("tls;q=0.2, digest;q=0.1;d-alg=MD5"); text is copied.
 * @return SIPVEIL_OK; SIPVEIL_USAGE: not such a value, two entries with the same q, a mechanism that the profile
 *         does not have, an entry without integrity or replay protection (RFC 3329 5); SIPVEIL_INTERNAL. *out is
 *         *given* (free with sipveil_agree_list_free).
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_agree_list_read(sipveil_span text, sipveil_agree_profile profile,
                                                                  sipveil_agree_side side, sipveil_agree_list **out,
                                                                  sipveil_error *err);
/** NULL is fine. */
SIPVEIL_API void sipveil_agree_list_free(sipveil_agree_list *list);
/** Number of entries. */
SIPVEIL_API size_t sipveil_agree_list_count(const sipveil_agree_list *list);
/** The value that goes on the wire, *borrowed* while the list lives. */
SIPVEIL_API sipveil_span sipveil_agree_list_text(const sipveil_agree_list *list);

/** What came of comparing a Security-Verify with the own list (RFC 3329 2.3.1). */
typedef enum sipveil_agree_comparison {
    SIPVEIL_AGREE_ABSENT = 0,
    SIPVEIL_AGREE_SAME,
    SIPVEIL_AGREE_CHANGED,
    SIPVEIL_AGREE_SYNTAX
} sipveil_agree_comparison;

/** Compares a value of Security-Verify with the own list; `d-ver` of a digest entry is left out. In time that does not
 *  tell where they differ. SIPVEIL_AGREE_SYNTAX also where there is no memory to read it. */
SIPVEIL_API sipveil_agree_comparison sipveil_agree_compare_verify(sipveil_worker *worker, const sipveil_agree_list *list,
                                                                  sipveil_span verify);

/* ------------------------------------------------------------------ ipsec-3gpp (3GPP TS 33.203 annex H) */

/**
 * A list for sipveil_agree_list_read: an entry `ipsec-3gpp` that says no SPI gets two of chance and, where it says none
 * either, two ports of the dynamic range, the same in every entry; one that says no `alg` stands for every pair of
 * algorithms (allow_weak: withdrawn ones too). Anything else stays as it is. *completed is *borrowed* from the worker,
 * or is text where there was nothing to complete.
 * @return SIPVEIL_OK, SIPVEIL_MALFORMED, SIPVEIL_LIMIT, SIPVEIL_USAGE, SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_agree_complete_list(sipveil_worker *worker, sipveil_span text,
                                                                      bool allow_weak, sipveil_span *completed,
                                                                      sipveil_error *err);

/** What the associations come from; zero-initialise it and set size. Every pointer is *borrowed*. */
typedef struct sipveil_agree_ipsec_options {
    size_t size;
    sipveil_span client_list; /**< Security-Client as sent: association.security_client */
    sipveil_span server_list; /**< Security-Server as received; its entry with the highest q that both have counts */
    sipveil_span ims_keys;    /**< text: rows `IK TAB hex` and `CK TAB hex`, 32 digits each */
    sipveil_span message;     /**< the request, or empty: addresses not given below are looked for in its Via, Route and
                                   Request-URI */
    const char *ue;           /**< IP address, or NULL */
    const char *pcscf;        /**< IP address, or NULL */
    bool at_pcscf;            /**< as the P-CSCF sets them up; else as the UE does */
    bool allow_weak;          /**< withdrawn algorithms */
} sipveil_agree_ipsec_options;

enum { SIPVEIL_AGREE_SAS_MOST = 4 };

/** One security association, in one direction; it serves UDP and TCP. */
typedef struct sipveil_agree_sa {
    bool outbound;           /**< from us */
    uint32_t spi;            /**< the receiver's */
    sipveil_span from, to;   /**< addresses in text; empty: not known */
    uint16_t from_port, to_port;
} sipveil_agree_sa;

/** What to set up. The keys are secret: they are wiped with the worker's next call, and nothing here keeps them. */
typedef struct sipveil_agree_ipsec {
    const char *alg, *ealg, *mode;  /**< the words of the grammar: "hmac-sha-1-96", "aes-cbc", "trans" */
    sipveil_agree_sa sas[SIPVEIL_AGREE_SAS_MOST];
    size_t count;                   /**< 4; 2 with the parameters of RFC 3329 appendix A */
    sipveil_span integrity_key;     /**< IK_ESP; empty with alg null */
    sipveil_span encryption_key;    /**< CK_ESP; empty with ealg null */
    sipveil_span salt;              /**< of aes-gmac, aes-gcm: 4 octets, which follow the key; else empty */
} sipveil_agree_ipsec;

/**
 * Describes the associations. *out is *borrowed* from the worker, whose earlier results stay good.
 * @return SIPVEIL_OK; SIPVEIL_UNSUPPORTED, SIPVEIL_POLICY: no entry that both can run, or an SPI of the server is one of
 *         ours (reflection); SIPVEIL_MALFORMED, SIPVEIL_LIMIT: a list or the message; SIPVEIL_USAGE: the keys or an
 *         address; SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_agree_ipsec_describe(sipveil_worker *worker,
                                                                       const sipveil_agree_ipsec_options *options,
                                                                       sipveil_agree_ipsec *out, sipveil_error *err);
/** The same as commands of iproute2 (`ip xfrm state`, `ip xfrm policy`), one a line, for a shell; keys stand in them.
 *  An address that is not known is the shell's variable UE or PCSCF. Nothing is applied. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_agree_ipsec_commands(sipveil_worker *worker,
                                                                       const sipveil_agree_ipsec_options *options,
                                                                       sipveil_span *commands, sipveil_error *err);

/* ------------------------------------------------------------------ what both sides share */

/** Why an agreement failed; the names are "E_SYNTAX" and so on. */
typedef enum sipveil_agree_failure {
    SIPVEIL_AGREE_E_NONE = 0,
    SIPVEIL_AGREE_E_SYNTAX,      /**< Security-Server cannot be read, or is missing */
    SIPVEIL_AGREE_E_LIMIT,       /**< it is too long */
    SIPVEIL_AGREE_E_DUP_Q,       /**< two entries have the same q */
    SIPVEIL_AGREE_E_PARAM,       /**< an entry cannot be used */
    SIPVEIL_AGREE_E_NO_COMMON,   /**< no entry that we know and can run */
    SIPVEIL_AGREE_E_NOT_OFFERED, /**< the next hop answered without any list, and policy is `must` */
    SIPVEIL_AGREE_E_ABORTED,     /**< what is needed to start the mechanism was not sent */
    SIPVEIL_AGREE_E_MECH,        /**< the mechanism did not come up */
    SIPVEIL_AGREE_E_TAMPERED,    /**< our Security-Verify did not arrive as we sent it */
    SIPVEIL_AGREE_E_BID_DOWN,    /**< the true list differs from the one that made us choose */
    SIPVEIL_AGREE_E_LOOP,        /**< too many restarts */
    SIPVEIL_AGREE_E_CERT,        /**< the certificate of the next hop is not accepted */
    SIPVEIL_AGREE_E_DECLINED,    /**< the user declined */
    SIPVEIL_AGREE_FAILURE_COUNT
} sipveil_agree_failure;

/** "E_SYNTAX"; "" for NONE. Never NULL. */
SIPVEIL_API const char *sipveil_agree_failure_name(sipveil_agree_failure failure);

/** A user's password for a realm; *borrowed*. */
typedef struct sipveil_agree_credentials {
    const char *realm;
    const char *username; /**< the name itself: quotes and backslashes in it are escaped on the wire; no control octets */
    const char *password;
} sipveil_agree_credentials;

/** What d-ver covers: the field with its name (the grammar of RFC 3329), or its value alone. */
typedef enum sipveil_agree_dver_form {
    SIPVEIL_AGREE_DVER_DEFAULT = 0, /**< a client writes ABNF, a server takes both */
    SIPVEIL_AGREE_DVER_ABNF,
    SIPVEIL_AGREE_DVER_VALUE,
    SIPVEIL_AGREE_DVER_BOTH
} sipveil_agree_dver_form;

/* ------------------------------------------------------------------ client */

typedef enum sipveil_agree_state {
    SIPVEIL_AGREE_IDLE = 0,
    SIPVEIL_AGREE_OFFERED,
    SIPVEIL_AGREE_STARTING,
    SIPVEIL_AGREE_CONFIRMING,
    SIPVEIL_AGREE_ACTIVE,
    SIPVEIL_AGREE_FAILED,
    SIPVEIL_AGREE_STATE_COUNT
} sipveil_agree_state;

/** "idle", "offered" and so on. Never NULL. */
SIPVEIL_API const char *sipveil_agree_state_name(sipveil_agree_state state);

enum { SIPVEIL_AGREE_RESTARTS_MOST = 3 };

/** What a client knows about its next hop between two events: a value. {0} is IDLE with nothing known. Its spans are
 *  *borrowed* from whoever made it: the worker (an outcome), an image, or the caller. */
typedef struct sipveil_agree_association {
    sipveil_agree_state state;
    sipveil_agree_failure failure;   /**< of FAILED */
    sipveil_agree_profile profile;   /**< of the last START, as the three that follow */
    bool must, passive;
    sipveil_span own_list;           /**< text of our list */
    sipveil_span request;            /**< the request as the application gave it, with the CSeq and branch last sent */
    sipveil_span security_client;    /**< Security-Client as sent; empty: it was not */
    sipveil_span server_list;        /**< Security-Server as received (several rows joined); empty: none yet */
    sipveil_span first_list;         /**< the first one of this association */
    uint32_t chosen;                 /**< place of the chosen entry in server_list */
    sipveil_span mechanism;          /**< its name; empty: none chosen. IDLE with one: that agreement is over, and nothing
                                          is sent before another START */
    uint32_t rank;                   /**< its place in our list; 0 is the best */
    sipveil_span challenge;          /**< digest: the value of Proxy-Authenticate or WWW-Authenticate that is answered */
    bool www;                        /**< it was WWW-Authenticate */
    uint32_t nonce_count;            /**< requests that used its nonce */
    sipveil_span cnonce;
    sipveil_span certificate;        /**< smime: the accepted certificate of the next hop, DER, and behind it those of its chain */
    sipveil_span verify_sent;        /**< Security-Verify of the last request, for its ACK */
    sipveil_span credentials_sent;   /**< its row of credentials */
    int64_t expires;                 /**< end of the agreement, seconds UTC; 0: none known */
    int64_t restarts[SIPVEIL_AGREE_RESTARTS_MOST]; /**< when they were, seconds UTC; 0: none */
    uint32_t ignored;                /**< responses that were ignored as attacks */
} sipveil_agree_association;

/** What the client's policy is. Start from sipveil_agree_client_options_default(); every pointer is *borrowed*. */
typedef struct sipveil_agree_client_options {
    size_t size;
    sipveil_agree_profile profile;
    const sipveil_agree_list *list;   /**< own list: the mechanisms that we know, the best by q or, without q, by place */
    bool must;                        /**< no agreement: FAILED, instead of going on unprotected */
    bool passive;                     /**< offer by Supported alone */
    const sipveil_agree_credentials *credentials;
    size_t credential_count;
    sipveil_agree_dver_form dver_form;
    bool allow_no_qop;                /**< digest without qop: nothing is counted, so a replay is not noticed */
    bool allow_sha256;                /**< d-alg=SHA-256, an extension that both ends must know */
    bool allow_weak;                  /**< 3gpp: withdrawn algorithms */
    const char *next_hop;             /**< host or AOR that a certificate of the next hop must name */
    const char *pin;                  /**< SHA-256 (64 hex digits) of the certificate of the next hop; or NULL */
    bool next_hop_is_proxy;
    bool smime_to_proxy;              /**< smime though the next hop is a proxy */
    const sipveil_keyring *keyring;   /**< smime: our certificate with its key, anchors, pins */
    const sipveil_key *signer;        /**< smime: our certificate with its key */
    bool is_proxy;                    /**< we are a proxy: a request sent again gets a new branch, CSeq stays */
    bool accept_bare_lf;              /**< START, REQUEST: the message may use bare LF throughout; CRLF is written */
} sipveil_agree_client_options;

/** Fills in the defaults: rfc3329, policy `may`. */
SIPVEIL_API void sipveil_agree_client_options_default(sipveil_agree_client_options *options);

typedef enum sipveil_agree_event_kind {
    SIPVEIL_AGREE_EVENT_START,    /**< message: the request to send to the next hop */
    SIPVEIL_AGREE_EVENT_RESPONSE, /**< message: a response; over: the mechanism that verifiably protected it */
    SIPVEIL_AGREE_EVENT_UP,       /**< the chosen mechanism is up */
    SIPVEIL_AGREE_EVENT_DOWN,     /**< it failed, or ended */
    SIPVEIL_AGREE_EVENT_EXPIRED,  /**< its lifetime is over */
    SIPVEIL_AGREE_EVENT_DECLINED, /**< the user does not want the chosen mechanism */
    SIPVEIL_AGREE_EVENT_REQUEST,  /**< message: a later request, an ACK or a CANCEL to be sent */
    SIPVEIL_AGREE_EVENT_COUNT
} sipveil_agree_event_kind;

typedef struct sipveil_agree_event {
    sipveil_agree_event_kind kind;
    sipveil_span message;
    const char *over;        /**< RESPONSE: a mechanism's name; NULL: none */
    bool over_rfc3263_tls;   /**< START: the next hop is reached by TLS that RFC 3263 asked for */
    bool ack_of_failure;     /**< REQUEST: this ACK answers no 2xx */
    int64_t now;             /**< seconds UTC */
} sipveil_agree_event;

/** What to do; more than one at once. */
enum {
    SIPVEIL_AGREE_SEND = 1,            /**< send outcome.message to the next hop, over the agreed mechanism if there is one */
    SIPVEIL_AGREE_START_MECHANISM = 2, /**< bring the mechanism up, then say UP; message is what will be sent then */
    SIPVEIL_AGREE_REPORT = 4,          /**< tell the user what was chosen, or why it failed */
    SIPVEIL_AGREE_STOP = 8,            /**< send nothing more to this next hop */
    SIPVEIL_AGREE_IGNORED = 16,        /**< the response is no answer to what we sent, or came unprotected: an attack */
    SIPVEIL_AGREE_NO_AGREEMENT = 32,   /**< the next hop does not know security agreement: unprotected */
    SIPVEIL_AGREE_DELIVER = 64         /**< the response belongs to the application */
};

/** What an event came to; *borrowed* from the worker. */
typedef struct sipveil_agree_outcome {
    sipveil_agree_association next; /**< may be what the worker's next step starts from; save it before any other call of the worker */
    unsigned actions;
    sipveil_span message;
    sipveil_error reason;           /**< of a failure, or of what was ignored; code OK if none */
    const sipveil_check *checks;    /**< the rules that fired */
    size_t check_count;
    const sipveil_warning *warnings;
    size_t warning_count;
} sipveil_agree_outcome;

/**
 * The client's machine (a function of state and event). It changes nothing but *out: `before` stays as it is, and may be
 * the outcome of this worker's last call; then it is gone afterwards, as all of that is.
 * @return SIPVEIL_OK with an outcome (FAILED too: look at next.failure); SIPVEIL_MALFORMED, SIPVEIL_LIMIT: message is
 *         not SIP; SIPVEIL_USAGE: an event that this state cannot have; SIPVEIL_POLICY: nothing may be sent
 *         now; SIPVEIL_INTERNAL.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_agree_client_step(sipveil_worker *worker,
                                                                    const sipveil_agree_client_options *options,
                                                                    const sipveil_agree_association *before,
                                                                    const sipveil_agree_event *event,
                                                                    sipveil_agree_outcome *out, sipveil_error *err);

/** An association as octets, to be kept by the caller; *borrowed*. Holds no password. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_agree_save_association(sipveil_worker *worker,
                                                                         const sipveil_agree_association *association,
                                                                         sipveil_span *image, sipveil_error *err);
/** Reads such octets: spans of *out point into image. SIPVEIL_MALFORMED: damaged, or of another version. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_agree_load_association(sipveil_span image, sipveil_agree_association *out,
                                                                         sipveil_error *err);

/* ------------------------------------------------------------------ server */

typedef enum sipveil_agree_policy {
    SIPVEIL_AGREE_REQUIRED = 0,
    SIPVEIL_AGREE_OPTIONAL,
    SIPVEIL_AGREE_OFF
} sipveil_agree_policy;

typedef enum sipveil_agree_role {
    SIPVEIL_AGREE_PROXY = 0, /**< challenges by Proxy-Authenticate; removes what was for it */
    SIPVEIL_AGREE_UAS,       /**< challenges by WWW-Authenticate */
    SIPVEIL_AGREE_REGISTRAR
} sipveil_agree_role;

/** Start from sipveil_agree_server_options_default(); every pointer is *borrowed*. */
typedef struct sipveil_agree_server_options {
    size_t size;
    sipveil_agree_profile profile;
    const sipveil_agree_list *list;      /**< own list, of the interface */
    sipveil_agree_policy policy;
    sipveil_agree_role role;
    const char *protected_by;            /**< fact: the mechanism that verifiably protected this request; NULL: none;
                                              another word than a mechanism's name is SIPVEIL_USAGE.
                                              digest and smime are found out here */
    bool answer_supported;               /**< OPTIONAL: `Supported: sec-agree` alone is answered by 494 */
    const char *realm;                   /**< digest */
    const sipveil_agree_credentials *credentials;
    size_t credential_count;
    sipveil_memory *memory;              /**< key and counters of nonces, seen messages, first REGISTERs;
                                              needed for digest, smime and ipsec-3gpp */
    int64_t nonce_lifetime;              /**< seconds; 0: 300 */
    sipveil_agree_dver_form dver_form;
    bool allow_no_qop;
    bool allow_sha256;
    const sipveil_open_options *open;    /**< smime: our keys, anchors; NULL: none */
    int64_t now;                         /**< seconds UTC */
} sipveil_agree_server_options;

/** Fills in the defaults: rfc3329, required, proxy. */
SIPVEIL_API void sipveil_agree_server_options_default(sipveil_agree_server_options *options);

typedef enum sipveil_agree_action {
    SIPVEIL_AGREE_ACCEPT, /**< go on with `message`: what was for us is removed */
    SIPVEIL_AGREE_RESPOND, /**< send `message`, a response, back */
    SIPVEIL_AGREE_PASS    /**< ACK, CANCEL: go on with `message`; never answered here */
} sipveil_agree_action;

typedef struct sipveil_agree_verdict {
    sipveil_agree_action action;
    sipveil_span message;
    unsigned row;                        /**< 1 to 12: which condition decided */
    int status;                          /**< of RESPOND: 420, 421, 494, 502 ... */
    sipveil_span protected_by;           /**< the mechanism that counts; empty: none */
    sipveil_agree_comparison verify;
    bool agreed;                         /**< an agreement holds: accepted with the list mirrored */
    bool suspicious;                     /**< something was wrong with what cannot be answered (an ACK) */
    sipveil_error reason;                /**< of RESPOND; code OK if none */
    const sipveil_check *checks;
    size_t check_count;
    const sipveil_warning *warnings;
    size_t warning_count;
} sipveil_agree_verdict;

/**
 * What a server does with one request: forwards it, or answers 420, 421, 494 or 502 (RFC 3329 2.3.1, 2.3.2).
 * @return SIPVEIL_OK with a verdict; SIPVEIL_MALFORMED, SIPVEIL_LIMIT: not even framed; SIPVEIL_USAGE (options, or a
 *         response); SIPVEIL_INTERNAL.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_agree_check_request(sipveil_worker *worker,
                                                                      const sipveil_agree_server_options *options,
                                                                      sipveil_span message, sipveil_agree_verdict *out,
                                                                      sipveil_error *err);

/** A response that goes on towards the client, without a Security-Server that this hop did not write: *borrowed*.
 *  @return SIPVEIL_OK, SIPVEIL_MALFORMED, SIPVEIL_LIMIT, SIPVEIL_USAGE (a request), SIPVEIL_INTERNAL */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_agree_clean_response(sipveil_worker *worker, sipveil_span response,
                                                                       sipveil_span *cleaned, sipveil_error *err);

/** The report of the worker's last sipveil_agree_client_step or sipveil_agree_check_request, as JSON; *borrowed*. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_agree_report_json(sipveil_worker *worker, sipveil_span *json,
                                                                    sipveil_error *err);

#ifdef __cplusplus
}
#endif
#endif
