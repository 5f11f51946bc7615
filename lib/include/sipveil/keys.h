/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file keys.h
 * Keys: shared keys (KEK), certificates, certificates with their private key, passwords; the keyring
 * they are held in; trust anchors, CRLs and pins.
 *
 * Threads: a keyring is filled by one thread; once nobody adds to it, it may be shared. Keys are
 * immutable.
 */
#ifndef SIPVEIL_KEYS_H
#define SIPVEIL_KEYS_H

#include "sipveil/crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sipveil_key sipveil_key;
typedef struct sipveil_keyring sipveil_keyring;

typedef enum sipveil_key_kind {
    SIPVEIL_KEY_KEK,         /**< shared key-encryption key */
    SIPVEIL_KEY_CERTIFICATE, /**< certificate of somebody else */
    SIPVEIL_KEY_PRIVATE,     /**< certificate with its private key */
    SIPVEIL_KEY_PASSWORD     /**< password recipient (RFC 3211) */
} sipveil_key_kind;

/** Asks for the passphrase of an encrypted key. Writes at most `room` octets to `out`, returns their
 *  number, or -1 if there is none. `prompt` names what is being opened. */
typedef int (*sipveil_passphrase_cb)(void *user, const char *prompt, char *out, size_t room);

/** How a key file is to be read. Start from {0}. */
typedef struct sipveil_key_options {
    sipveil_passphrase_cb passphrase; /**< NULL: an encrypted key is SIPVEIL_USAGE */
    void *passphrase_user;
    const char *kid;            /**< picks one key of a JWK set; NULL: all of them */
    bool allow_open_key_file;   /**< accept a secret file that group or others can read or write */
} sipveil_key_options;

/**
 * Reads keys from octets; their kind is found from the content: JWK or JWK set (oct), PEM (one or more
 * certificates, private keys), PKCS#12. In PEM the certificate that matches a private key becomes its
 * own, the others its chain; several certificates without a key become one key each, unless they
 * chain. Every key found is added to the ring. `name` is used in messages only.
 * @param first the first key that was added, *borrowed* while the ring lives (sipveil_keyring_at has all of them); may
 *        be NULL; NULL on failure
 * @return SIPVEIL_OK; SIPVEIL_USAGE: not a key, wrong passphrase, unusable key (ADV-093: a KEK that is
 *         all zero, or of the wrong size); SIPVEIL_INTERNAL. On failure nothing is added.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_octets(
    sipveil_keyring *ring, sipveil_span octets, const char *name, const sipveil_key_options *options,
    const sipveil_key **first, sipveil_error *err);

/**
 * The same from a file. The opened descriptor is checked: a regular file and, if it holds a secret,
 * of our own user or root and closed to group and others (ADV-210). Reads at most 1 MiB.
 * @return also SIPVEIL_IO (cannot be opened or read)
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_file(
    sipveil_keyring *ring, const char *path, const sipveil_key_options *options,
    const sipveil_key **first, sipveil_error *err);

/**
 * Adds keys that stay on a PKCS #11 token, by the URI that names them (RFC 7512): private keys, each with
 * the certificate of its CKA_ID on the same token, and AES keys as shared keys, whose keyIdentifier is CKA_ID
 * or, where that is empty, CKA_LABEL. Attributes: token, serial, manufacturer, model, slot-id, object, id,
 * type (private, secret-key, cert); after the question mark module-path or module-name (neither: the
 * modules that p11-kit knows), and pin-source=file:PATH. The PIN comes from there or from options->passphrase; pin-value is
 * refused. The module is loaded into this process and called directly; free the keyring to finalise it, and the
 * ring that loaded a module first last of all. Not usable after fork(). Keys of a token may be used by several
 * threads at once, like all others.
 * @return SIPVEIL_OK; SIPVEIL_USAGE: not such a URI; no module, token or object fits (the text names those that
 *         are there); wrong PIN; the library was built without; SIPVEIL_IO (pin-source); SIPVEIL_INTERNAL. On
 *         failure nothing is added.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_pkcs11(
    sipveil_keyring *ring, const char *uri, const sipveil_key_options *options,
    const sipveil_key **first, sipveil_error *err);

/** Adds a shared key from octets that are copied. id: keyIdentifier, 1 to 1024 octets. *key: it, *borrowed* while the
 *  ring lives; key may be NULL. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_kek(sipveil_keyring *ring, sipveil_span id,
                                                                  sipveil_span kek, const sipveil_key **key,
                                                                  sipveil_error *err);

/** Adds a password recipient. Exact octets, not empty (ADV-096); copied. *key: likewise. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_password(sipveil_keyring *ring, sipveil_span password,
                                                                       const sipveil_key **key,
                                                                       sipveil_error *err);

/** Certificates of others, from a PEM file or a directory of them: used for signatures that carry none. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_certificates(sipveil_keyring *ring,
                                                                           const char *path,
                                                                           sipveil_error *err);
/** Trust anchors, from a PEM file or a directory of them. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_anchors(sipveil_keyring *ring,
                                                                      const char *path,
                                                                      sipveil_error *err);
/** The same from octets (PEM or DER), for a program that carries its anchors with it. `name` is used in messages only.
 *  @return SIPVEIL_OK; SIPVEIL_USAGE: no certificate of a CA is in there; SIPVEIL_INTERNAL */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_anchor_octets(sipveil_keyring *ring,
                                                                            sipveil_span octets,
                                                                            const char *name,
                                                                            sipveil_error *err);
/** CRLs, PEM. Once one is there, a certificate without a current CRL is refused (ADV-122). */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_crls(sipveil_keyring *ring,
                                                                   const char *path,
                                                                   sipveil_error *err);
/** Accepts exactly the certificate with this SHA-256 (64 hex digits, colons allowed) for that AOR. */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_pin(sipveil_keyring *ring,
                                                                  const char *aor,
                                                                  const char *sha256,
                                                                  sipveil_error *err);

/**
 * The certificates kept from earlier messages (RFC 3261 23.2), from a folder with a file for each address of
 * record; a missing folder is an empty one. From then on a signer whose address is among them must use a
 * certificate that was kept for it, or a pinned one. Being kept makes nobody trusted: anchors and pins do. They
 * are also looked up for signatures that carry no certificate. Folder and files must be ours or root's, and not
 * for others to write.
 * @return SIPVEIL_OK; SIPVEIL_USAGE: a file is damaged or others can write there; SIPVEIL_IO; SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_add_kept(sipveil_keyring *ring, const char *path,
                                                                   sipveil_error *err);
/** Octets of the name of a file in such a folder, with its NUL. */
enum { SIPVEIL_KEPT_NAME = 69 };
/**
 * Keeps one more certificate for an address, in front of those kept before, in the ring and as the file to be
 * written: *name gets the file's name in the folder, *text its whole new content, *given* (free with
 * sipveil_keys_wipe_text). certificate: DER. Changes the ring: not while others use it.
 * @return SIPVEIL_OK; SIPVEIL_MALFORMED (no address of record); SIPVEIL_USAGE (no certificate); SIPVEIL_LIMIT;
 *         SIPVEIL_INTERNAL
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_keep(sipveil_keyring *ring, const char *aor,
                                                               sipveil_span certificate,
                                                               char name[SIPVEIL_KEPT_NAME], char **text,
                                                               sipveil_error *err);

/** @return SIPVEIL_OK or SIPVEIL_INTERNAL. *out is *given* (free with sipveil_keyring_free). */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keyring_new(const sipveil_context *context,
                                                              sipveil_keyring **out,
                                                              sipveil_error *err);
/** Wipes every secret. NULL is fine. */
SIPVEIL_API void sipveil_keyring_free(sipveil_keyring *ring);

/** How the ring holds its shared keys, passwords and PINs. Asks the system again for what it did not give: call it after
 *  a fork(), whose child has all of them in memory that is not locked, or when RLIMIT_MEMLOCK was raised. */
SIPVEIL_API void sipveil_keyring_protect_secrets(const sipveil_keyring *ring, sipveil_protection *out);

/** Number of keys in the ring. */
SIPVEIL_API size_t sipveil_keyring_count(const sipveil_keyring *ring);
/** The key at that place, *borrowed* while the ring lives; NULL past the end. */
SIPVEIL_API const sipveil_key *sipveil_keyring_at(const sipveil_keyring *ring, size_t place);

/** The first key of that kind, *borrowed* while the ring lives; NULL: there is none. A ring that was filled from one file
 *  with a certificate and its key has ours at SIPVEIL_KEY_PRIVATE. */
SIPVEIL_API const sipveil_key *sipveil_keyring_first(const sipveil_keyring *ring, sipveil_key_kind kind);

/** What kind of key it is. */
SIPVEIL_API sipveil_key_kind sipveil_key_get_kind(const sipveil_key *key);
/** "kek \"ims-ck-1\"", "cert CN=proxy1 serial 3F..." : for messages. *borrowed* from the key. */
SIPVEIL_API const char *sipveil_key_describe(const sipveil_key *key);

/* ------------------------------------------------------------------ certificates of domains */

/**
 * What a certificate proves about the node at the other end of a TLS connection or an IPsec association, or about
 * a node that signs: the SIP domains that it speaks for (RFC 5922 7.1, RFC 5924), whether it leads to an anchor,
 * until when, and the SHA-256 of the public keys (SubjectPublicKeyInfo) of the chain. Frozen once made; may be shared.
 */
typedef struct sipveil_domain_certificate sipveil_domain_certificate;

/**
 * Reads the certificate in octets (PEM, its own first and then its chain; or DER) and judges it once: chain to an
 * anchor of the ring, key usage, purpose, at that time (seconds UTC). What it does not stand up to is kept as a finding
 * (sipveil_domain_certificate_why) and is no error here.
 * @return SIPVEIL_OK; SIPVEIL_USAGE: no certificate; SIPVEIL_INTERNAL. *out is *given*, free with
 *         sipveil_domain_certificate_free; NULL on failure.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_domain_certificate_read(const sipveil_keyring *ring,
                                                                          sipveil_span octets, int64_t at,
                                                                          sipveil_domain_certificate **out,
                                                                          sipveil_error *err);
/** NULL is fine. */
SIPVEIL_API void sipveil_domain_certificate_free(sipveil_domain_certificate *certificate);
/** The SIP domain at that place, without case, *borrowed*; an empty span past the end. */
SIPVEIL_API sipveil_span sipveil_domain_certificate_name(const sipveil_domain_certificate *certificate, size_t place);
/** Why nobody vouches for it ("proxy1 expired 2026-01-01"), or "" where all is well. *borrowed*. */
SIPVEIL_API const char *sipveil_domain_certificate_why(const sipveil_domain_certificate *certificate);

/** What sipveil_keys_make_certificate is asked for. */
typedef struct sipveil_certificate_request {
    const char *aor;        /**< "sip:user@host", or NULL */
    const char *host;       /**< "proxy.example", or NULL; exactly one of the two */
    const char *algorithm;  /**< p256 p384 p521 rsa2048 rsa3072 x25519 ed25519; NULL: p256 */
    int64_t not_before;     /**< seconds UTC */
    int64_t not_after;
} sipveil_certificate_request;

/**
 * A lab CA (P-256, valid for decades): its certificate and its key as two PEM texts, each *given* (free
 * with sipveil_keys_wipe_text). name: common name, printable.
 * @return SIPVEIL_OK, SIPVEIL_USAGE (the name), SIPVEIL_INTERNAL. On failure both are NULL.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keys_make_authority(const sipveil_context *context,
                                                                      const char *name,
                                                                      char **certificate,
                                                                      char **key, sipveil_error *err);
/**
 * A certificate of that CA (both spans empty: signed by its own key, worth what its receiver is told of it by another
 * way) with subjectAltName (RFC 8591 4.4.1, RFC 5922) and the extended key usage of SIP (RFC 5924), for a host also of
 * TLS, and its new private key: both in one PEM text, and the certificate alone, each *given*.
 * @return SIPVEIL_OK, SIPVEIL_USAGE (name, algorithm, times, the authority's PEM), SIPVEIL_INTERNAL. On
 *         failure both are NULL.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keys_make_certificate(
    const sipveil_context *context, sipveil_span authority_certificate, sipveil_span authority_key,
    const sipveil_certificate_request *request, char **certificate_and_key, char **certificate,
    sipveil_error *err);
/**
 * A new key-encryption key as JWK text (kty oct), *given*. kid NULL: 16 random octets in hex. bits: 128,
 * 192 or 256.
 * @return SIPVEIL_OK, SIPVEIL_USAGE, SIPVEIL_INTERNAL. On failure *jwk is NULL.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_keys_make_kek(const sipveil_context *context,
                                                                const char *kid, unsigned bits,
                                                                char **jwk, sipveil_error *err);
/** Wipes and frees a text given by the calls above. NULL is fine. */
SIPVEIL_API void sipveil_keys_wipe_text(char *text);

#ifdef __cplusplus
}
#endif
#endif
