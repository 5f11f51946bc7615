/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file base.h
 * Bytes, results, errors and limits: what every other header of the library is built on.
 *
 * Threads: nothing here has state.
 */
#ifndef SIPVEIL_BASE_H
#define SIPVEIL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(SIPVEIL_BUILDING)
#define SIPVEIL_API __attribute__((visibility("default")))
#else
#define SIPVEIL_API
#endif
#define SIPVEIL_MUST_USE __attribute__((warn_unused_result))

/** A run of octets that somebody else owns; may hold NUL; data may be NULL when len is 0. */
typedef struct sipveil_span {
    const uint8_t *data;
    size_t len;
} sipveil_span;

/** A text as octets, without its NUL; an empty span for NULL. *borrowed* from the text. */
SIPVEIL_API sipveil_span sipveil_span_of(const char *text);

/** The two arguments of "%.*s" in printf. A terminal shows what it is sent: this is for octets that you trust. */
#define SIPVEIL_PRINT(span) (int)(span).len, (span).len > 0 ? (const char *)(span).data : ""

/*
 * Options. Every struct of options begins with its size, and zero means the default, which is the secure choice; what
 * weakens a check has to be set, by its long name. So these two are the same:
 *
 *     sipveil_open_options how = {.size = sizeof how, .keyring = ring};
 *
 *     sipveil_open_options how;
 *     sipveil_open_options_default(&how);
 *     how.keyring = ring;
 *
 * Options that stand inside others (sipveil_e2m_options.seal) need no size of their own. Of a list (an array and a count)
 * one element is enough written as `.recipients = &key, .recipient_count = 1`.
 */

/** What a call came to. 0 is success. The names are those of the report; the program's exit code
 *  follows from them by sipveil_code_exit(). */
typedef enum sipveil_code {
    SIPVEIL_OK = 0,
    SIPVEIL_IO,               /**< reading or writing failed */
    SIPVEIL_INTERNAL,         /**< memory, random generator, a library's own failure */
    SIPVEIL_USAGE,            /**< the call or its parameters are wrong; an unusable key */
    SIPVEIL_MALFORMED,        /**< not SIP, not MIME, not CMS, or cut short */
    SIPVEIL_UNSUPPORTED,      /**< well formed, but a type or algorithm not handled */
    SIPVEIL_NO_KEY,           /**< encrypted, and no recipient is ours */
    SIPVEIL_CANNOT_DECRYPT,   /**< a key fitted and the content did not come out */
    SIPVEIL_BAD_SIGNATURE,    /**< a signature does not verify */
    SIPVEIL_NOT_SIGNED,       /**< a signature was demanded and none was verified */
    SIPVEIL_NOT_ENCRYPTED,    /**< encryption was demanded and no layer was opened */
    SIPVEIL_UNTRUSTED_SIGNER, /**< chain, time, name or usage of the signer's certificate */
    SIPVEIL_HEADER_MISMATCH,  /**< inner and outer message disagree where they must agree */
    SIPVEIL_INCOMPLETE,       /**< a field that must be inside is not */
    SIPVEIL_POLICY,           /**< weak, unauthenticated or unsigned-shared, refused by rule */
    SIPVEIL_LIMIT,            /**< too large, too deep, too many */
    SIPVEIL_REPLAY,           /**< seen before, or outside the time window */
    SIPVEIL_SECOND_OPINION,   /**< libcrypto's CMS came to another result */
    SIPVEIL_CODE_COUNT
} sipveil_code;

/** The stable name of a code, as in the report ("no-key"). Never NULL. */
SIPVEIL_API const char *sipveil_code_name(sipveil_code code);

/** The exit code that a program gives for a code (0..9). */
SIPVEIL_API int sipveil_code_exit(sipveil_code code);

/** No offset known. */
#define SIPVEIL_NO_OFFSET SIZE_MAX

/**
 * Why a call failed. The caller's storage; a NULL pointer is accepted by every call.
 * All texts are printable ASCII and end with NUL; they hold no key material and no decrypted text.
 */
typedef struct sipveil_error {
    sipveil_code code;
    int sip_status;    /**< the SIP response status that may go on the wire; 0: none. Everything that
                            fails after a secret key was used is 493 (RFC 3261 23.2) */
    size_t offset;     /**< octets from the start of what was read; SIPVEIL_NO_OFFSET if unknown */
    const char *room;  /**< which part of the library says so: "sip", "mime", "cms", "keys", "tunnel" */
    char rule[16];     /**< the rule that fired ("TUN-35", "ADV-002"), or "" */
    char text[480];    /**< one sentence, lower case, no full stop */
    char hint[240];    /**< what to do about it, or "" */
    char library[240]; /**< OpenSSL's own reason, or "" */
} sipveil_error;

/**
 * Limits on what is read. Zero-initialise nothing: take sipveil_limits_default() and lower what you
 * want lower. A limit that is passed gives SIPVEIL_LIMIT.
 */
typedef struct sipveil_limits {
    size_t message;             /**< octets of a whole message */
    size_t start_line;          /**< octets */
    size_t header_field;        /**< octets of one unfolded header field */
    size_t header;              /**< octets of all header fields */
    size_t header_fields;       /**< lines */
    size_t values;              /**< comma-separated values in one header field */
    size_t parameters;          /**< parameters in one value */
    size_t via;                 /**< Via values */
    size_t parts;               /**< parts of one multipart */
    size_t parts_total;         /**< parts in the whole message */
    size_t part_fields;         /**< header fields of one part */
    size_t mime_depth;          /**< nested MIME levels */
    size_t cms_layers;          /**< nested CMS layers */
    size_t compression_layers;  /**< nested compressed layers */
    size_t asn1_depth;          /**< nested ASN.1 elements */
    size_t asn1_elements;       /**< ASN.1 elements in one structure */
    size_t asn1_segments;       /**< segments of one constructed string */
    size_t recipients;          /**< RecipientInfos and RecipientEncryptedKeys, each */
    size_t private_operations;  /**< private-key operations for one layer */
    size_t keys_tried;          /**< keys tried for one layer */
    uint64_t iterations;        /**< PBKDF2 iterations, added up over one message */
    uint64_t iterations_least;  /**< PBKDF2 iterations of one recipient, at least */
    size_t signers;             /**< SignerInfos of one layer */
    size_t certificates;        /**< certificates in one layer */
    size_t crls;                /**< CRLs in one layer */
    size_t chain_depth;         /**< certificates between signer and anchor */
    size_t certificate;         /**< octets of one certificate */
    size_t attributes;          /**< attributes of one set */
    size_t attribute;           /**< octets of one attribute value */
    size_t inflate_ratio;       /**< octets out for one in, once past 64 KiB */
} sipveil_limits;

/** The defaults: a 16 MiB message, and for the rest what a proxy in the open net should take. */
SIPVEIL_API void sipveil_limits_default(sipveil_limits *limits);

/**
 * How an object holds its secrets that outlive a message (shared keys, passwords, kept content keys): in pages of their own.
 * The object asks the system for both each time; either may fail, and the secrets are held all the same. Private keys of
 * certificates are libcrypto's and not counted here: see docs/secrets.md.
 */
typedef struct sipveil_protection {
    size_t octets;     /**< of these pages; 0: no such secret yet */
    size_t locked;     /**< of them, locked: not written to swap (RLIMIT_MEMLOCK sets the most) */
    size_t not_dumped; /**< of them, left out of core files */
} sipveil_protection;

/** Version of the library, "1.2.3". */
SIPVEIL_API const char *sipveil_version(void);

#ifdef __cplusplus
}
#endif
#endif
