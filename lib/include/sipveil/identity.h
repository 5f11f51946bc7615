/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file identity.h
 * Who the originator of a request claims to be, and proof of it: the Identity header field, signed by the
 * authentication service of the originator's domain (or number) and checked by a verification service, as
 * RFC 8224 and 8225 (PASSporT) have it, and, where it is asked for, as RFC 4474 had it.
 *
 * Nothing here opens a connection: certificates are fetched by the caller (sipveil_identity_fetch_cb).
 *
 * Threads: a worker and a cache belong to one thread at a time; options are only read.
 * Memory: results belong to the worker and are *borrowed* until its next call or its end. Spans of a result may
 * also point into the message that was given, which must live as long.
 */
#ifndef SIPVEIL_IDENTITY_H
#define SIPVEIL_IDENTITY_H

#include "sipveil/tunnel.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The two forms of the header field, which are not compatible. */
typedef enum sipveil_identity_profile {
    SIPVEIL_IDENTITY_RFC8224 = 0, /**< a PASSporT: From, To and Date are signed, and fingerprints of the SDP */
    SIPVEIL_IDENTITY_RFC4474,     /**< RSA over a digest-string with the body; signed with SHA-256 only */
    SIPVEIL_IDENTITY_AUTO         /**< verifying: whichever form the message has */
} sipveil_identity_profile;

/* ------------------------------------------------------------------ what the caller supplies */

/** Octets of a canonical number with its NUL, at most. */
enum { SIPVEIL_IDENTITY_NUMBER = 64 };

/** Turns a number that was dialled without "+" into E.164 digits with country code (RFC 8224 8.3). `digits` holds
 *  digits, "#" and "*" only. Writes digits and NUL to `out`; returns false where there is no such number
 *  (service codes): the digits are used as they are. */
typedef bool (*sipveil_identity_number_cb)(void *user, const char *digits, char out[SIPVEIL_IDENTITY_NUMBER]);

/** Whether a service provider code of a certificate covers a canonical number (RFC 8226 9). */
typedef bool (*sipveil_identity_spc_cb)(void *user, const char *code, const char *number);

/**
 * Gets the certificate that a URI names. `uri` was checked: https (http by option), no user, no private address
 * written as a number; what its host name resolves to is for the caller to look at, as are time (3 s) and
 * redirects (none to other hosts). *certificate: one DER certificate, or PEM with the signer's first and its chain
 * after it, *borrowed* until the next call of this callback.
 * @return SIPVEIL_OK, or anything else with the reason in err: the credential cannot be had (436).
 */
typedef sipveil_code (*sipveil_identity_fetch_cb)(void *user, const char *uri, sipveil_span *certificate,
                                                  sipveil_error *err);

/** How identities are read from a request (RFC 8224 8). */
typedef struct sipveil_identity_naming {
    sipveil_identity_number_cb number; /**< NULL: digits stay as they are */
    void *number_user;
    bool plus_is_number; /**< the user part "+digits" of any SIP URI is a number, with or without user=phone */
    bool use_asserted;   /**< P-Asserted-Identity instead of From, where there is one (inside a trust domain only) */
} sipveil_identity_naming;

/* ------------------------------------------------------------------ certificates by URI */

/** Certificates by the URI they came from, decoded, with the chain to an anchor checked: what makes the second
 *  message of a domain cheap. Validity and revocation hold as long as they hold. */
typedef struct sipveil_identity_cache sipveil_identity_cache;

/**
 * @param trust the keyring whose anchors, CRLs and pins decide; *borrowed*, and nothing may be added to it while
 *              the cache lives
 * @param entries how many certificates are kept; 0: 256
 * @return SIPVEIL_OK, SIPVEIL_USAGE, SIPVEIL_INTERNAL. *out is *given* (free with sipveil_identity_cache_free).
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_cache_new(const sipveil_keyring *trust, size_t entries,
                                                                     sipveil_identity_cache **out, sipveil_error *err);
/** NULL is fine. */
SIPVEIL_API void sipveil_identity_cache_free(sipveil_identity_cache *cache);
/** Forgets what came from that URI: it is fetched again. */
SIPVEIL_API void sipveil_identity_cache_drop(sipveil_identity_cache *cache, const char *uri);

/* ------------------------------------------------------------------ authentication service */

/** What to do. Start from sipveil_identity_sign_options_default(); every pointer is *borrowed* for the call. */
typedef struct sipveil_identity_sign_options {
    size_t size;
    sipveil_identity_profile profile; /**< AUTO is RFC8224 */
    const sipveil_key *key;  /**< certificate with private key: P-256 (RFC 8224), RSA (RFC 4474). The domain and the
                                  numbers that it speaks for are those we are responsible for */
    const char *info;        /**< the URI where others find that certificate: https (http: allow_http) */
    bool allow_http;
    bool compact;            /**< the short form, where everything in it can be rebuilt by the verifier */
    sipveil_identity_naming naming;
    const char *const *may_use; /**< the identities that the sender, whom the caller has authenticated, may put into
                                     From (IDN-16); none: the caller has checked that too */
    size_t may_use_count;
    bool (*accept_display_name)(void *user, const char *display_name, const char *identity); /**< NULL: any */
    void *accept_display_name_user;
    sipveil_identity_spc_cb spc; /**< whether a service provider code of our certificate covers a number */
    void *spc_user;
    const char *ppt;         /**< an extension of PASSporT, or NULL */
    const char *claims;      /**< further claims as a JSON object, or NULL; never with `compact`. A JWK is refused (USAGE):
                                  it would be sent */
    bool own_clock;          /**< iat is our clock's, not Date; never with `compact` */
    int64_t freshness;       /**< seconds that Date may be off; 0: 60 (RFC 8224), 600 (RFC 4474) */
    bool has_at;             /**< use `at` instead of the clock */
    int64_t at;              /**< seconds UTC */
} sipveil_identity_sign_options;

/** Fills in the defaults. */
SIPVEIL_API void sipveil_identity_sign_options_default(sipveil_identity_sign_options *options);

/** What signing gave; *borrowed* from the worker. */
typedef struct sipveil_identity_signed {
    sipveil_span message;    /**< to be sent on; the message that was given where is_signed is false */
    bool is_signed;          /**< false: we are not responsible for this identity; why, is a warning */
    const char *identity;    /**< canonical: "sip:alice@atlanta.example.com" or a number */
    bool is_number;
    sipveil_span signed_octets; /**< what the signature is over: header "." payload, or the digest-string */
    const sipveil_warning *warnings;
    size_t warning_count;
} sipveil_identity_signed;

/**
 * Adds Date where it is missing, and Identity (RFC 8224 6.1; RFC 4474 5, with Identity-Info).
 * @return SIPVEIL_OK, also where we are not responsible; SIPVEIL_USAGE: key, URI or options cannot be used, or the
 *         compact form cannot hold what is asked for; SIPVEIL_MALFORMED: not SIP, a fingerprint of the SDP is
 *         none; SIPVEIL_POLICY: the sender may not use that From, its display name is refused, Date is off (each
 *         with sip_status 403), or a message that is not to be signed (responses, CANCEL, ACK; several Contact
 *         values in RFC 4474); SIPVEIL_LIMIT, SIPVEIL_INTERNAL. On failure *out is zero.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_sign_request(sipveil_worker *worker,
                                                                        const sipveil_identity_sign_options *options,
                                                                        sipveil_span message, sipveil_identity_signed *out,
                                                                        sipveil_error *err);

/**
 * After a 438 to a request that we signed in compact form: the same request with the full form instead, once
 * (RFC 8224 6.1.1). A request that has no compact form of ours is not tried again.
 * @return as sipveil_identity_sign_request; SIPVEIL_POLICY: the response asks for no such thing, or it was tried already.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_retry_request(sipveil_worker *worker,
                                                                         const sipveil_identity_sign_options *options,
                                                                         sipveil_span request, sipveil_span response,
                                                                         sipveil_identity_signed *out, sipveil_error *err);

/* ------------------------------------------------------------------ verification service */

/** What to check. Start from sipveil_identity_verify_options_default(); every pointer is *borrowed* for the call. */
typedef struct sipveil_identity_verify_options {
    size_t size;
    sipveil_identity_profile profile; /**< default RFC8224: fields of RFC 4474 are not looked at */
    const sipveil_keyring *trust;     /**< anchors, CRLs, pins; may be NULL where there is a cache */
    sipveil_identity_fetch_cb fetch;  /**< NULL: no credential can be had */
    void *fetch_user;
    sipveil_identity_cache *cache;    /**< may be NULL; else its keyring is the one that decides */
    sipveil_identity_naming naming;
    sipveil_identity_spc_cb spc;      /**< NULL: service provider codes cover nothing */
    void *spc_user;
    const char *const *ppts;          /**< extensions of PASSporT that are understood; fields with others are ignored */
    size_t ppt_count;
    bool required;                    /**< a request without Identity is answered 428 */
    int64_t freshness;                /**< seconds; 0: 60 (RFC 8224), 3600 (RFC 4474); SIPVEIL_DATE_WINDOW_ANY */
    bool has_at;                      /**< use `at` instead of the clock */
    int64_t at;                       /**< seconds UTC */
    unsigned allow_weak;              /**< SIPVEIL_WEAK_SHA1 (rsa-sha1 of RFC 4474), SIPVEIL_WEAK_RSA1024 */
    unsigned compat;                  /**< SIPVEIL_COMPAT_SAMPLES: iat as a string, JSON in any form */
    bool allow_http;                  /**< credentials may come by http */
    bool allow_private_hosts;         /**< and from private and loopback addresses */
    bool allow_tls_usage;             /**< a certificate whose extendedKeyUsage is for TLS only (IDN-73) */
    sipveil_memory *memory;           /**< seen signatures; NULL: nothing is remembered */
} sipveil_identity_verify_options;

/** Fills in the defaults: every check on, RFC 4474 off, nothing weak, nothing remembered. */
SIPVEIL_API void sipveil_identity_verify_options_default(sipveil_identity_verify_options *options);

/** Identity fields that are looked at, and fingerprints, at most. */
enum { SIPVEIL_IDENTITY_FIELDS_MOST = 8, SIPVEIL_IDENTITY_FINGERPRINTS_MOST = 64 };

/** One fingerprint of a verified `mky`: what the SDP said when it was signed. */
typedef struct sipveil_identity_fingerprint {
    sipveil_span algorithm; /**< "sha-256", lower case */
    sipveil_span digest;    /**< upper-case hex digits without colons */
} sipveil_identity_fingerprint;

/** What one Identity field came to. */
typedef struct sipveil_identity_field {
    sipveil_identity_profile path;
    bool ignored;           /**< its ppt is not understood */
    bool full;              /**< full form of a PASSporT */
    const char *info;       /**< URI of the credential, made safe for display; "" if there is none */
    const char *ppt;        /**< or "" */
    int status;             /**< 0: valid; else 436, 437, 438 or 403 */
    const char *rule;       /**< that fired, or "" */
    const char *why;        /**< one sentence */
    const char *hint;       /**< what to do about it, or "" */
} sipveil_identity_field;

/** The answer of a verification service; *borrowed* from the worker. */
typedef struct sipveil_identity_verdict {
    bool valid;             /**< a trusted signer vouches for the identity */
    bool present;           /**< there was a field that could be judged */
    /* of the valid field: */
    sipveil_identity_profile path;
    const char *identity;   /**< canonical, of the signalling: "sip:alice@atlanta.example.com", or a number */
    bool is_number;
    bool asserted;          /**< it is of P-Asserted-Identity, and From says another one: nobody vouches for From */
    const char *domain;     /**< the domain that vouches, as the certificate has it; "" for a number */
    sipveil_span certificate; /**< of the signer, DER */
    uint8_t certificate_sha256[32];
    int64_t signed_at;      /**< iat, or Date in RFC 4474; seconds UTC */
    bool has_date;
    int64_t date;           /**< of the message, seconds UTC */
    sipveil_span message;   /**< that was judged: as given, without octets after Content-Length; *borrowed* from the caller's */
    bool body_covered;      /**< every octet of the body is signed (RFC 4474 only) */
    const sipveil_identity_fingerprint *fingerprints; /**< the verified mky */
    size_t fingerprint_count;
    bool weak;              /**< by SHA-1 or a short key: never more than assurance A1 */
    sipveil_span signed_octets; /**< what the signature is over */
    /* of all fields: */
    int status;             /**< to answer with, if policy is to refuse; 0: valid, or absent and not required */
    const char *phrase;     /**< of that status; static */
    sipveil_error reason;   /**< code OK if status is 0 */
    sipveil_identity_field fields[SIPVEIL_IDENTITY_FIELDS_MOST];
    size_t field_count;
    const sipveil_check *checks;
    size_t check_count;
    const sipveil_warning *warnings;
    size_t warning_count;
} sipveil_identity_verdict;

/**
 * Judges every Identity field of a request (RFC 8224 6.2; RFC 4474 6). One valid field of a trusted signer
 * suffices; else the field that came furthest decides the status: 403, 438, 437, 436, 428. Whether to refuse is
 * the caller's policy. A CANCEL, an ACK or a response has no verdict: present and valid are false, status is 0.
 * Remembered in options->memory is only what was valid.
 * @return SIPVEIL_OK with a verdict; SIPVEIL_MALFORMED, SIPVEIL_LIMIT: not even framed, or the memory is full;
 *         SIPVEIL_USAGE, SIPVEIL_INTERNAL. On failure *out is zero.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_verify_request(sipveil_worker *worker,
                                                                          const sipveil_identity_verify_options *options,
                                                                          sipveil_span message, sipveil_identity_verdict *out,
                                                                          sipveil_error *err);

/**
 * The response that refuses a request with a status of this page: 400, 403, 428, 436, 437, 438. phrase: NULL for the one
 * that belongs to the status. *response is *borrowed* from the worker, whose last verdict is gone then.
 * @return SIPVEIL_OK; SIPVEIL_USAGE: a response or an ACK is not answered, another status; SIPVEIL_MALFORMED.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_write_refusal(sipveil_worker *worker, sipveil_span message,
                                                                  int status, const char *phrase,
                                                                  sipveil_span *response, sipveil_error *err);

/** The JSON report of a verdict that is still there: docs/report.md has its keys. *borrowed* from the worker. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_identity_report_json(sipveil_worker *worker,
                                                                       const sipveil_identity_verdict *verdict,
                                                                       sipveil_span *json, sipveil_error *err);

#ifdef __cplusplus
}
#endif
#endif
