/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tunnel.h
 * Seal, open and inspect one SIP message.
 *
 * Threads: a worker belongs to one thread at a time; options are only read.
 * Memory: results belong to the worker and are *borrowed* until its next call or its end; then they
 * are wiped. Spans of a result may also point into the message that was given, which must live as long.
 * The message that a call gave may be what the worker's next call is about: it is taken over. Nothing else of a
 * result is.
 */
#ifndef SIPVEIL_TUNNEL_H
#define SIPVEIL_TUNNEL_H

#include "sipveil/keys.h"
#include "sipveil/sip.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sipveil_worker sipveil_worker;

/** @return SIPVEIL_OK or SIPVEIL_INTERNAL; *out is *given* (free with sipveil_worker_free). */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_worker_new(const sipveil_context *context,
                                                             sipveil_worker **out,
                                                             sipveil_error *err);
/** Wipes everything; NULL is fine. */
SIPVEIL_API void sipveil_worker_free(sipveil_worker *worker);
/** Octets of memory that the worker holds for messages (its largest so far stays small: what a large
 *  message took is given back at the next call). */
SIPVEIL_API size_t sipveil_worker_memory(const sipveil_worker *worker);

/* ------------------------------------------------------------------ seal */

typedef enum sipveil_mode {
    SIPVEIL_MODE_TUNNEL = 0, /**< the whole message (message/sip, RFC 3261 23.4) */
    SIPVEIL_MODE_SIPFRAG,    /**< chosen header fields, signed (AIB, RFC 3893) */
    SIPVEIL_MODE_PAYLOAD     /**< only the body */
} sipveil_mode;

typedef enum sipveil_date_choice {
    SIPVEIL_DATE_AUTO = 0, /**< a message that is signed and has no Date gets one, inside and outside */
    SIPVEIL_DATE_NOW,      /**< Date is set to now */
    SIPVEIL_DATE_NONE,     /**< never touched */
    SIPVEIL_DATE_FIXED     /**< Date is set to `date` */
} sipveil_date_choice;

typedef enum sipveil_encoding {
    SIPVEIL_ENCODING_DEFAULT = 0, /**< binary (RFC 3853); base64 in the profile of the P-CSCF */
    SIPVEIL_ENCODING_BINARY,
    SIPVEIL_ENCODING_BASE64
} sipveil_encoding;

/** What to do. Start from sipveil_seal_options_default(); every pointer is *borrowed* for the call. */
typedef struct sipveil_seal_options {
    size_t size;
    sipveil_mode mode;
    const sipveil_key *const *recipients; /**< KEK, certificate, password; none: not encrypted */
    size_t recipient_count;
    const sipveil_key *const *signers; /**< certificate with private key; none: not signed */
    size_t signer_count;
    const sipveil_keyring *trust; /**< its anchors, if any, are demanded of recipients; may be NULL */
    bool rsa_v15;            /**< RSA signatures PKCS#1 v1.5 instead of PSS */
    bool encrypt_then_sign;  /**< RFC 3261 23.4.3 instead of sign, then encrypt (TUN-44) */
    bool opaque;             /**< signed-data instead of multipart/signed */
    bool no_certificates;    /**< leave the signer's certificate out (RFC 8591 7.1) */
    bool compress;
    sipveil_cipher cipher;   /**< NONE: AES-256-GCM */
    sipveil_encoding encoding; /**< transfer encoding of what is not inside encryption */
    bool pcscf;              /**< profile of the P-CSCF (TUN-70): hides From, compresses, base64 */
    bool by_key_identifier;  /**< name certificate recipients by key identifier (ADV-099) */
    const char *request_uri; /**< of the outer message; NULL: the inner one */
    const char *const *hide; /**< fields that appear only inside; "From" becomes the stand-in (TUN-42) */
    size_t hide_count;
    const char *const *fields; /**< SIPFRAG: the fields inside; NULL: the default of TUN-51, 53 */
    size_t field_count;
    const char *const *outside_only; /**< SIPFRAG: further fields that must not be inside, beside those that
                                          hops add and delete (sipveil_trust_table_outside_only) */
    size_t outside_only_count;
    sipveil_date_choice date;
    int64_t fixed_date;            /**< seconds UTC, for SIPVEIL_DATE_FIXED */
    bool allow_unsigned_shared;    /**< two or more recipients and no signer (CMS-12) */
    bool accept_bare_lf;           /**< the message may use bare LF throughout; CRLF is written */
    uint32_t pbkdf2_iterations;    /**< 0: 600,000 */
    bool cek_hkdf;           /**< bind the content key to the cipher (RFC 9709), so that nobody can relabel
                                  one cipher as another; only for peers that are known to read it */
} sipveil_seal_options;

/** Fills in the defaults. */
SIPVEIL_API void sipveil_seal_options_default(sipveil_seal_options *options);

/** A warning: the operation was done, and this should be known. */
typedef struct sipveil_warning {
    const char *rule; /**< "TUN-59", or "" */
    const char *text;
} sipveil_warning;

/** What sealing gave; *borrowed* from the worker. */
typedef struct sipveil_sealed {
    sipveil_span message; /**< the outer message */
    const sipveil_warning *warnings;
    size_t warning_count;
} sipveil_sealed;

/**
 * Seals one SIP message (RFC 3261 23, RFC 3893, RFC 8551).
 * @return SIPVEIL_OK; SIPVEIL_USAGE (nothing would be protected, contradictory options);
 *         SIPVEIL_MALFORMED, SIPVEIL_LIMIT, SIPVEIL_POLICY, SIPVEIL_INTERNAL. On failure *out is zero.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_tunnel_seal_message(
    sipveil_worker *worker, const sipveil_seal_options *options, sipveil_span message,
    sipveil_sealed *out, sipveil_error *err);

/* ------------------------------------------------------------------ open */

/** Exactly what must be there, or the message is refused. */
enum { SIPVEIL_REQUIRE_SIGNED = 1, SIPVEIL_REQUIRE_ENCRYPTED = 2 };
/** Tolerances for published examples; never for traffic. */
enum { SIPVEIL_COMPAT_SEED000 = 1, SIPVEIL_COMPAT_SAMPLES = 2 };

/** No date window: the inner Date is not compared with the clock. */
#define SIPVEIL_DATE_WINDOW_ANY INT64_MAX

typedef struct sipveil_memory sipveil_memory;

typedef struct sipveil_open_options {
    size_t size;
    const sipveil_keyring *keyring;   /**< our keys, known certificates, anchors, CRLs, pins */
    bool accept_new_certificate;      /**< of a signer whose address is known with another one (TUN-09) */
    bool no_verify_signer;            /**< accept a good signature whose signer is not accepted */
    const char *me;                   /**< AOR: refuse a message for somebody else (ADV-143) */
    unsigned require;                 /**< SIPVEIL_REQUIRE_... */
    bool pcscf;                       /**< the rules of TUN-71, 72, 80 */
    const char *const *registered;    /**< public identities of this subscriber (TUN-82) */
    size_t registered_count;
    bool allow_unprotected;           /**< hand out a message in which nothing is signed or encrypted too: look at
                                           sipveil_opened.is_protected then */
    bool allow_unauthenticated;       /**< open EnvelopedData (CBC) that nothing signed */
    unsigned allow_weak;              /**< SIPVEIL_WEAK_... */
    unsigned compat;                  /**< SIPVEIL_COMPAT_... */
    bool strict;                      /**< refuse what CMS-01, TUN-60 only warn of */
    bool has_at;                      /**< use `at` instead of the clock */
    int64_t at;                       /**< seconds UTC */
    int64_t date_window;              /**< seconds; 0: 3600; SIPVEIL_DATE_WINDOW_ANY */
    sipveil_memory *memory;           /**< seen messages; NULL: nothing is remembered */
    bool privacy_border;              /**< a privacy service stands on the path: From and Contact may differ
                                           against an anonymous outer From (TRU-49) */
    size_t layers;                    /**< stop after so many protective layers; 0: no stop */
    const char *const *accept_mismatch; /**< fields whose difference is tolerated; never Call-ID, CSeq. A name whose
                                           difference would never be refused is SIPVEIL_USAGE */
    size_t accept_mismatch_count;
    bool second_opinion;              /**< libcrypto's CMS checks every layer it can */
    bool accept_bare_lf;              /**< inspect only */
} sipveil_open_options;

/** Fills in the defaults: every check on, nothing weak, nothing in clear, nothing remembered. */
SIPVEIL_API void sipveil_open_options_default(sipveil_open_options *options);

typedef enum sipveil_comparison {
    SIPVEIL_COMPARE_EQUAL,
    SIPVEIL_COMPARE_HIDDEN,     /**< only inside, on purpose */
    SIPVEIL_COMPARE_MAY_DIFFER, /**< differs, and hops may do that */
    SIPVEIL_COMPARE_ADDED,      /**< only outside; never shown as verified */
    SIPVEIL_COMPARE_MISSING,    /**< only inside, and a hop removed it: a mismatch */
    SIPVEIL_COMPARE_MISMATCH
} sipveil_comparison;

typedef struct sipveil_compared_field {
    const char *field;
    sipveil_comparison result;
} sipveil_compared_field;

typedef enum sipveil_check_result { SIPVEIL_CHECK_PASSED, SIPVEIL_CHECK_FAILED, SIPVEIL_CHECK_NOT_DONE } sipveil_check_result;

typedef struct sipveil_check {
    const char *rule; /**< "TUN-33" */
    sipveil_check_result result;
    const char *why;
} sipveil_check;

/** A signer that was accepted, and the address it speaks for; *borrowed* from the worker. */
typedef struct sipveil_accepted_signer {
    const char *aor;
    sipveil_span certificate; /**< DER */
    bool is_kept;             /**< the keyring keeps this certificate for that address already */
    bool is_bound;            /**< for this dialog only, by Identity: never to be kept for others */
} sipveil_accepted_signer;

/** What opening (or inspecting) gave; *borrowed* from the worker. */
typedef struct sipveil_opened {
    sipveil_span message; /**< what to hand on: the inner message, or the outer one with its opened body */
    sipveil_span entity;  /**< what came out of the innermost protective layer, with its header fields */
    sipveil_span body;    /**< that entity's content; of a tunnelled message, its own body */
    bool has_entity;
    bool is_protected;    /**< a protective layer was opened or verified */
    bool is_signed;       /**< a signature over `entity` was verified and its signer accepted */
    bool is_encrypted;    /**< an encrypted layer was opened */
    bool inner_identity_counts; /**< P-Asserted-Identity inside may be believed: a partner's node signed it
                                     (sipveil_trust_open_message); else it counts for nothing (TRU-42) */
    bool is_authenticated; /**< signed, or authenticated encryption under a key shared by two */
    const sipveil_accepted_signer *signers;
    size_t signer_count;
    const sipveil_check *checks;
    size_t check_count;
    const sipveil_compared_field *compared;
    size_t compared_count;
    const sipveil_warning *warnings;
    size_t warning_count;
} sipveil_opened;

/**
 * Opens one message: every layer that is ours, every signature, the comparison of inner and outer
 * (RFC 3261 23.4.1.1), Date, signer, requirements. Nothing is handed out unless every check passed:
 * on failure *out is zero, and the report (sipveil_worker_report_json) still tells what was found.
 * err->sip_status is what may go on the wire.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_tunnel_open_message(
    sipveil_worker *worker, const sipveil_open_options *options, sipveil_span message,
    sipveil_opened *out, sipveil_error *err);

/**
 * Looks without claiming anything: opens what there is a key for and records findings as the report.
 * @return SIPVEIL_OK whenever the message could be framed.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_tunnel_inspect_message(
    sipveil_worker *worker, const sipveil_open_options *options, sipveil_span message,
    sipveil_error *err);

/** The warnings of the last open or inspect of this worker, and how many; *borrowed*. */
SIPVEIL_API const sipveil_warning *sipveil_worker_warnings(const sipveil_worker *worker, size_t *count);
/** The checks of the last open or inspect of this worker, after a refusal too, and how many; *borrowed*. */
SIPVEIL_API const sipveil_check *sipveil_worker_checks(const sipveil_worker *worker, size_t *count);
/** The JSON report (as of `sipveil inspect --json`) of the last open or inspect of this worker. *borrowed*. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_worker_report_json(sipveil_worker *worker,
                                                                     sipveil_span *json,
                                                                     sipveil_error *err);
/** The same as a tree for people; colour writes ANSI sequences. *borrowed*. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_worker_report_text(sipveil_worker *worker,
                                                                     bool colour, bool verbose,
                                                                     sipveil_span *text,
                                                                     sipveil_error *err);
/** The same as one page for a browser, whole in itself: nothing is fetched, nothing runs in it, and what the message
 *  says stands in it escaped. *borrowed*. @return SIPVEIL_OK; SIPVEIL_USAGE: no message was read; SIPVEIL_LIMIT: over
 *  4 MiB; SIPVEIL_INTERNAL. On failure *html is zero. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_worker_report_html(sipveil_worker *worker, sipveil_span *html,
                                                                     sipveil_error *err);

/**
 * The SIP response that refuses a request, from the error that opening gave: its status is
 * why->sip_status; it holds Via, From, To (with a tag), Call-ID and CSeq of the request, Accept with a
 * 415, our certificate for its To with a 493 over TCP or TLS if options->keyring holds one with its private
 * key (TUN-11, ADV-220), and nothing else (RFC 3261 8.2.6, 23.2; TUN-90). *response is *borrowed* from the worker.
 * err may be the same place as why.
 * @return SIPVEIL_OK; SIPVEIL_USAGE: a response or an ACK is not answered; SIPVEIL_MALFORMED.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_tunnel_write_refusal(sipveil_worker *worker,
                                                                const sipveil_open_options *options,
                                                                sipveil_span message,
                                                                const sipveil_error *why,
                                                                sipveil_span *response,
                                                                sipveil_error *err);

/** A response to a request. Start from {0}; every pointer is *borrowed* for the call. */
typedef struct sipveil_response {
    int status;
    const char *phrase; /**< NULL: that of the status */
    const char *rows;   /**< further header fields ("Contact: <sip:bob@192.0.2.4>\r\n"), each with its CRLF; NULL: none */
    const char *tag;    /**< of our To, the same in every response to one request (RFC 3261 8.2.6.2); NULL, where
                             To has none: one of chance, in a failure one that follows from the request */
    const char *type;   /**< media type of the body; NULL: no body */
    sipveil_span body;
} sipveil_response;

/**
 * Writes a response in clear: Via, From, To, Call-ID, CSeq and Timestamp as in the request (RFC 3261 8.2.6), and what is
 * given here. *out is *borrowed* from the worker; sealing it with the same worker is fine.
 * @return SIPVEIL_OK; SIPVEIL_USAGE: a response or an ACK is not answered, rows that are none; SIPVEIL_MALFORMED,
 *         SIPVEIL_LIMIT, SIPVEIL_UNSUPPORTED (the request); SIPVEIL_INTERNAL. On failure *out is empty.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_tunnel_write_response(sipveil_worker *worker, sipveil_span request,
                                                                 const sipveil_response *response,
                                                                 sipveil_span *out, sipveil_error *err);

/**
 * The response to a request that was opened, sealed. options without recipients: for those who signed the request
 * (request->signers), by the certificates that were accepted; nobody signed it: SIPVEIL_USAGE, and never in clear.
 * @param request what this worker's last call, or another worker, opened; gone afterwards, where it was this one
 * @return as sipveil_tunnel_write_response and sipveil_tunnel_seal_message
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_tunnel_seal_response(sipveil_worker *worker,
                                                               const sipveil_seal_options *options,
                                                               const sipveil_opened *request,
                                                               const sipveil_response *response,
                                                               sipveil_sealed *out, sipveil_error *err);

/* ------------------------------------------------------------------ memory of seen messages */

/** A memory of at most 65,536 seen messages; when it is full, opening refuses (SIPVEIL_LIMIT) instead of
 *  forgetting. It belongs to one thread at a time. *out is *given* (free with sipveil_memory_free).
 *  @return SIPVEIL_OK, SIPVEIL_USAGE, SIPVEIL_INTERNAL */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_memory_new(sipveil_memory **out, sipveil_error *err);
/** Wipes it; NULL is fine. */
SIPVEIL_API void sipveil_memory_free(sipveil_memory *memory);
/** How it holds content keys and the key of its nonces; as sipveil_keyring_protect_secrets. */
SIPVEIL_API void sipveil_memory_protect_secrets(const sipveil_memory *memory, sipveil_protection *out);
/** The memory as octets, to be kept by the caller (a state file); *given*, free with sipveil_memory_wipe_image. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_memory_save(const sipveil_memory *memory, int64_t now,
                                                              uint8_t **image, size_t *len,
                                                              sipveil_error *err);
/** Wipes and frees an image that sipveil_memory_save gave; NULL is fine. */
SIPVEIL_API void sipveil_memory_wipe_image(uint8_t *image, size_t len);
/** Adds what an image holds and has not expired at `now` (seconds UTC). A damaged image is refused whole:
 *  SIPVEIL_MALFORMED, and nothing is changed. @return also SIPVEIL_LIMIT, SIPVEIL_INTERNAL */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_memory_load(sipveil_memory *memory, sipveil_span image,
                                                              int64_t now, sipveil_error *err);

/* ------------------------------------------------------------------ all of it, to begin with */

/** What a program with one thread works with. Its fields are what every other call takes; more workers, for more
 *  threads, are made from `context`. */
typedef struct sipveil_party {
    sipveil_context *context;
    sipveil_keyring *keyring; /**< our keys and our anchors; certificates of others may be added */
    sipveil_memory *memory;
    sipveil_worker *worker;
    const sipveil_key *own;   /**< the first of our keys; NULL: none was named */
} sipveil_party;

/**
 * Makes all of it, with the defaults of sipveil_context_new(); reads our keys (sipveil_keyring_add_file) and our trust
 * anchors (sipveil_keyring_add_anchors), each from a file, or NULL for none.
 * @return as those calls; on failure *party is zero. *given*: sipveil_party_take_down().
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_party_set_up(sipveil_party *party, const char *own_keys,
                                                               const char *anchors, sipveil_error *err);
/** Wipes and frees all of it, in the right order; NULL, and a party that was never set up but is zero, are fine. */
SIPVEIL_API void sipveil_party_take_down(sipveil_party *party);

/** Reads an RFC 1123 date ("Sat, 21 Nov 2026 10:00:00 GMT") as seconds UTC; false if it is none. */
SIPVEIL_API bool sipveil_tunnel_read_date(const char *text, int64_t *seconds);

/* ------------------------------------------------------------------ the P-CSCF's own decisions */

/** Facts about how a request came in, which only the P-CSCF knows (TUN-73). */
typedef struct sipveil_pcscf_facts {
    bool from_access_side;
    bool tunnel_allowed;   /**< interface policy: allowed */
    bool tunnel_required;  /**< interface policy: required */
    bool request_uri_is_us;
    unsigned acked_status; /**< of an ACK: the status that it answers, from its transaction; else 0 */
    const sipveil_keyring *subscriber_keys; /**< KEKs of this subscriber */
} sipveil_pcscf_facts;

typedef enum sipveil_pcscf_decision {
    SIPVEIL_PCSCF_FORWARD,  /**< not for us: end to end */
    SIPVEIL_PCSCF_OPEN,     /**< open one layer */
    SIPVEIL_PCSCF_REFUSE    /**< err->sip_status says how: 403 tunnel required, 493 unknown key */
} sipveil_pcscf_decision;

/** Whether a P-CSCF looks inside this request (TUN-73). Uses no secret key. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_pcscf_decide(sipveil_worker *worker,
                                                               const sipveil_pcscf_facts *facts,
                                                               sipveil_span message,
                                                               sipveil_pcscf_decision *decision,
                                                               sipveil_error *err);

/** TUN-74: the 16 octets of the keyIdentifier for an IMS CK. impi: text; rand: 16 octets of the AKA
 *  challenge. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_pcscf_key_identifier(sipveil_worker *worker,
                                                                       const char *impi,
                                                                       sipveil_span rand,
                                                                       uint8_t out[16],
                                                                       sipveil_error *err);
/** TUN-75: the KEK derived from CK with HKDF-SHA256, 16 octets. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_pcscf_derive_kek(sipveil_worker *worker,
                                                                   sipveil_span ck, sipveil_span rand,
                                                                   sipveil_span key_identifier,
                                                                   uint8_t out[16],
                                                                   sipveil_error *err);
/** TUN-81: whether a message of that kind is never sealed in the P-CSCF profile (100, CANCEL and its
 *  200, ACK to a non-2xx). acked_status: for ACK, the status it answers; else 0. */
SIPVEIL_API bool sipveil_pcscf_never_sealed(sipveil_span method, unsigned status, unsigned acked_status);

#ifdef __cplusplus
}
#endif
#endif
