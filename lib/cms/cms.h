/* SPDX-License-Identifier: BSD-2-Clause */
/* CMS (RFC 5652, 5083, 5084, 5753, 8418, 3211, 3274, 3185's attributes) over the cursor. This room
 * says "valid signature by this certificate" and "opened with this key", never "trusted".
 *
 * Reader: BER within limits, iterative where depth is the attacker's. Writer: DER.
 * Everything handed out lives in the arena given (certificates by sv_arena_defer) or is a span into
 * the octets read. */
#ifndef SV_CMS_CMS_H
#define SV_CMS_CMS_H

#include <openssl/x509.h>

#include "base/buffer.h"
#include "crypto/crypto.h"
#include "crypto/held_key.h"
#include "crypto/prepared.h"

typedef enum sv_cms_type {
    SV_CMS_UNKNOWN,
    SV_CMS_DATA,
    SV_CMS_SIGNED,
    SV_CMS_ENVELOPED,
    SV_CMS_DIGESTED,
    SV_CMS_ENCRYPTED,
    SV_CMS_AUTHENTICATED,
    SV_CMS_AUTH_ENVELOPED,
    SV_CMS_COMPRESSED
} sv_cms_type;

/* What the caller allows beyond the default. */
typedef struct sv_cms_policy {
    unsigned allow_weak; /* SIPVEIL_WEAK_... */
    bool strict;         /* version contradictions are MALFORMED (CMS-01); else a warning flag */
} sv_cms_policy;

/* Frames a ContentInfo: the whole span must be one BER value (ADV-050), within the ASN.1 limits
 * (ADV-051..053). *content is the value inside [0] EXPLICIT, one whole TLV. */
sipveil_code sv_cms_read_content_info(sipveil_span octets, const sipveil_limits *limits,
                                      sv_cms_type *type, sipveil_span *content, sipveil_error *err);

/* ---- keys as this room needs them: borrowed views, made by lib/keys ---- */
typedef enum sv_cms_key_kind { SV_CMS_KEY_KEK, SV_CMS_KEY_CERTIFICATE, SV_CMS_KEY_PASSWORD } sv_cms_key_kind;

typedef struct sv_cms_key {
    sv_cms_key_kind kind;
    sipveil_span kek_id;     /* KEK: keyIdentifier octets */
    sipveil_span kek;        /* KEK: 16, 24 or 32 octets */
    int64_t valid_from, valid_until; /* KEK: seconds UTC, until excluded; 0: no limit (CMS-15) */
    X509 *certificate;       /* CERTIFICATE: may be NULL for a bare private key (then never matches) */
    EVP_PKEY *public_key;    /* CERTIFICATE: decoded once */
    EVP_PKEY *private_key;   /* CERTIFICATE: NULL if not ours, or held */
    sv_prepared *prepared;   /* CERTIFICATE: of the private key, for the next message; may be NULL */
    const sv_held_key *held; /* KEK, CERTIFICATE: the secret is on a token; then kek, private_key are empty */
    sipveil_span issuer;     /* DER Name */
    sipveil_span serial;     /* INTEGER content octets */
    sipveil_span ski;        /* subjectKeyIdentifier octets (the extension's, else SHA-1 of the key bits) */
    sipveil_span password;   /* PASSWORD: exact octets (ADV-096) */
} sv_cms_key;

/* Whether its secret is ours to use. */
static inline bool sv_cms_key_is_ours(const sv_cms_key *key)
{
    return key->kind != SV_CMS_KEY_CERTIFICATE || key->private_key != NULL || key->held != NULL;
}
/* Octets of a KEK. */
static inline size_t sv_cms_kek_length(const sv_cms_key *key)
{
    return key->held != NULL ? key->held->kek_length : key->kek.len;
}

/* ---- enveloped and auth-enveloped ---- */
typedef enum sv_recipient_kind {
    SV_RECIPIENT_KTRI, SV_RECIPIENT_KARI, SV_RECIPIENT_KEKRI, SV_RECIPIENT_PWRI, SV_RECIPIENT_ORI
} sv_recipient_kind;

/* What the key that wraps is derived from. */
typedef struct sv_derivation {
    sipveil_span originator_key; /* kari: BIT STRING content of the ephemeral key */
    sipveil_span originator_oid; /* kari: algorithm of it */
    sipveil_span originator_parameters;
    bool unsupported;            /* kari: no key that was made for the message */
    sipveil_span ukm;
    sipveil_span kdf_algorithm;  /* pwri: keyDerivationAlgorithm TLV; empty if absent */
} sv_derivation;

typedef struct sv_recipient {
    sv_recipient_kind kind;
    int64_t key_date;            /* kekri `date`, or INT64_MIN */
    sipveil_span key_id;         /* kekri */
    sipveil_span issuer, serial; /* of ktri and kari by issuerAndSerialNumber */
    sipveil_span ski;            /* of ktri and kari by key identifier */
    sipveil_span encrypted_key;
    /* Reader's own notes, for opening: */
    sipveil_span algorithm_oid;
    sipveil_span algorithm_parameters;
    const sv_derivation *derivation; /* kari, pwri; else NULL */
    size_t group; /* which RecipientInfo it is of: a kari has one recipientEncryptedKey or more */
} sv_recipient;

typedef struct sv_enveloped {
    bool authenticated; /* AuthEnvelopedData */
    long version;
    bool version_odd;   /* contradicts the content (tolerated, warn; CMS-01) */
    sv_recipient *recipients; /* kari: one entry a recipientEncryptedKey; NULL: of one form, in alike */
    sipveil_span alike;       /* as received; ask sv_cms_recipient() */
    size_t recipient_count;
    sipveil_span content_type;   /* OID content octets */
    sv_cms_type content_kind;
    sipveil_cipher cipher;       /* NONE: not handled */
    bool cek_hkdf;               /* RFC 9709 */
    sipveil_span cipher_algorithm; /* the real AlgorithmIdentifier, TLV as received */
    sipveil_span iv;             /* IV or nonce */
    unsigned tag_length;         /* aes-ICVlen */
    bool has_ciphertext;
    sipveil_span ciphertext;     /* segments joined in the arena if constructed */
    sipveil_span tag;
    sipveil_span auth_attributes;        /* DER as SET OF (tag 31) = AAD; empty if absent */
    sipveil_span unprotected_attributes; /* content of [1] / unauthAttrs [2]; never trusted */
} sv_enveloped;

sipveil_code sv_cms_read_enveloped(sipveil_span content, bool authenticated,
                                   const sipveil_limits *limits, const sv_cms_policy *policy,
                                   sv_arena *arena, sv_enveloped *out, sipveil_error *err);

/* The recipient at that place, room where it had to be put together. */
const sv_recipient *sv_cms_recipient(const sv_enveloped *enveloped, size_t at, sv_recipient *room);
static inline sv_recipient_kind sv_cms_recipient_kind(const sv_enveloped *enveloped, size_t at)
{
    return enveloped->recipients != NULL ? enveloped->recipients[at].kind : SV_RECIPIENT_KEKRI;
}

/* Whether this recipient names this key (exact octets, constant time); a password fits any pwri. */
bool sv_cms_recipient_fits(const sv_recipient *recipient, const sv_cms_key *key);
bool sv_cms_fits_at(const sv_enveloped *enveloped, size_t at, const sv_cms_key *key);

/* "rsa-oaep-sha256", "ecdh-p256-x963-sha256+aes256-wrap", "aes128-wrap", "pbkdf2-sha256+aes256-cbc"; "unknown",
 * also when there is no memory. weak: SHA-1 in OAEP or KDF, rsa v1.5 (ADV-084). */
const char *sv_cms_describe_recipient(const sv_recipient *recipient, sv_arena *arena, bool *weak);

typedef struct sv_opening {
    sipveil_span plaintext;
    size_t recipient; /* index */
    size_t key;       /* index */
    unsigned strength_bits;
    sipveil_span cek; /* secret, in the arena: what recipients unwrapped (CEK reuse, RFC 3185) */
} sv_opening;

/* Tries every key that fits, up to the limits (ADV-082, 083). NO_KEY: no recipient is ours and no
 * secret was used. CANNOT_DECRYPT: one fitted and nothing came out; wrong key, wrong tag, wrong
 * padding and wrong lengths are one code, one text and the same work (ADV-060..069, 080..095): after
 * a key failure a random CEK is used. POLICY: the cipher or key transport is refused by name.
 * LIMIT: too many recipients for us, or iterations. *iterations counts PBKDF2 rounds of the message. */
sipveil_code sv_cms_open_enveloped(sv_crypto *crypto, const sv_enveloped *enveloped,
                                   const sv_cms_key *keys, size_t key_count,
                                   const sv_cms_policy *policy, uint64_t *iterations, sv_arena *arena,
                                   sv_opening *out, sipveil_error *err);

typedef struct sv_seal_request {
    sipveil_cipher cipher;
    const sv_cms_key *recipients; /* KEK, CERTIFICATE (RSA: OAEP-SHA256; EC, X25519: ECDH), PASSWORD */
    size_t recipient_count;
    bool by_key_identifier;       /* name certificates by subjectKeyIdentifier (ADV-099) */
    bool cek_hkdf;                /* RFC 9709: bind the key to the cipher (CMS-14); few peers read it */
    uint32_t pbkdf2_iterations;   /* 0: 600,000 */
    sipveil_span attributes;      /* authAttrs (GCM) / unprotectedAttrs (CBC) beyond content-type: the
                                     concatenated DER Attributes; empty: none. With content not
                                     id-data, authAttrs with content-type are always written */
    const char *content_type_oid; /* NULL: id-data */
    sipveil_span *cek_out;        /* if not NULL: the CEK, in the arena (CEK reuse) */
} sv_seal_request;

/* Appends a whole DER ContentInfo to out. GCM: AuthEnvelopedData, CBC: EnvelopedData. POLICY: a
 * recipient's key is too small or of a kind not handled. */
sipveil_code sv_cms_seal_enveloped(sv_crypto *crypto, const sv_seal_request *request,
                                   sipveil_span content, sv_arena *arena, sv_buffer *out,
                                   sipveil_error *err);

/* ---- signed ---- */
typedef enum sv_signature_state { SV_SIGNATURE_VALID, SV_SIGNATURE_INVALID, SV_SIGNATURE_UNCHECKED } sv_signature_state;

typedef struct sv_signature {
    sv_signature_state state;
    sipveil_code code;            /* why not valid: BAD_SIGNATURE, POLICY (weak), UNSUPPORTED, UNTRUSTED_SIGNER (no certificate) */
    const char *rule;             /* rule behind code: "ADV-115", "CMS-02", "TUN-06" */
    char why[160];
    X509 *certificate;            /* borrowed from the arena; NULL if none was found (TUN-06) */
    EVP_PKEY *public_key;         /* borrowed, of certificate */
    sipveil_span issuer, serial, ski; /* of the SignerInfo's sid */
    const char *digest;           /* "sha256" */
    const char *algorithm;        /* "ecdsa-sha256", "rsa-pss-sha256", "rsa-sha256", "ed25519" */
    bool weak;                    /* allowed by name only */
    bool has_time;
    int64_t time;                 /* signingTime, UTC seconds; a claim, never decides (ADV-119) */
    sipveil_span capabilities;    /* SMIMECapabilities value, or empty */
    bool no_signed_attributes;    /* accepted by name: content must be a MIME entity */
    sipveil_span covered, value;  /* valid: the octets that were signed, and the signature */
} sv_signature;

typedef struct sv_signed {
    long version;
    bool version_odd;
    sipveil_span content_type;  /* eContentType OID content octets */
    sv_cms_type content_kind;
    bool has_content;
    sipveil_span content;       /* eContent, segments joined in the arena */
    sipveil_span *certificates; /* DER of each X.509 certificate */
    size_t certificate_count;
    sipveil_span *crls;
    size_t crl_count;
    sipveil_span *signer_infos; /* TLV of each */
    size_t signer_count;        /* 0: certs-only */
    sipveil_span digest_algorithms; /* content of the SET (ADV-116) */
} sv_signed;

/* content: from sv_cms_read_content_info(), which has walked over all of it within the limits. */
sipveil_code sv_cms_read_signed(sipveil_span content, const sipveil_limits *limits,
                                const sv_cms_policy *policy, sv_arena *arena, sv_signed *out,
                                sipveil_error *err);

/* Checks every SignerInfo over `octets` (the detached part, or signed->content). One sv_signature
 * each, in order. `known` are certificates from elsewhere, for signatures that carry none. Returns
 * SIPVEIL_OK if it could form an answer (look at each .state); MALFORMED / LIMIT if not.
 * certificates (out, may be NULL) gets the parsed certificates of the message for chain building. */
sipveil_code sv_cms_check_signatures(sv_crypto *crypto, const sv_signed *signed_data,
                                     sipveil_span octets, X509 *const *known, size_t known_count,
                                     const sv_cms_policy *policy, sv_arena *arena,
                                     sv_signature **signatures, STACK_OF(X509) **certificates,
                                     sipveil_error *err);

typedef struct sv_sign_request {
    const sv_cms_key *signers; /* CERTIFICATE that is ours */
    size_t signer_count;
    X509 *const *extra_certificates; /* chain to send along */
    size_t extra_count;
    bool no_certificates;   /* RFC 8591 7.1 */
    bool rsa_v15;           /* default PSS */
    bool detached;
    int64_t time;           /* signingTime */
    const char *content_type_oid; /* NULL: id-data */
    bool by_key_identifier; /* name the signers by subjectKeyIdentifier (CMS-03) */
} sv_sign_request;

/* Appends a whole DER ContentInfo(SignedData). Signed attributes: content-type, message-digest,
 * signing-time, capabilities, encryption-key preference, signingCertificateV2 (TUN-58). */
sipveil_code sv_cms_sign(sv_crypto *crypto, const sv_sign_request *request, sipveil_span content,
                         sv_arena *arena, sv_buffer *out, sipveil_error *err);
/* "sha-256" ...: the micalg of what sv_cms_sign will do for these signers. */
const char *sv_cms_micalg(const sv_sign_request *request);

/* certs-only SignedData (TUN-11). */
sipveil_code sv_cms_put_certificates(X509 *const *certificates, size_t count, sv_arena *arena,
                                     sv_buffer *out, sipveil_error *err);

/* ---- compressed (RFC 3274) ---- */
sipveil_code sv_cms_compress(sipveil_span content, sv_arena *arena, sv_buffer *out, sipveil_error *err);
/* content: the CompressedData TLV. Streams into the arena, capped by limits->message and the ratio. */
sipveil_code sv_cms_decompress(sipveil_span content, const sipveil_limits *limits, sv_arena *arena,
                               sipveil_span *out, sv_cms_type *content_kind, size_t *compressed_size,
                               sipveil_error *err);

/* ---- second opinion: libcrypto's CMS on the same octets; compares with what we found ---- */
/* content_info: the DER/BER of the whole ContentInfo. Returns OK if libcrypto agrees or cannot handle
 * the form (*done false then, why in note), SECOND_OPINION if it disagrees. */
sipveil_code sv_cms_second_opinion_open(sv_crypto *crypto, sipveil_span content_info,
                                        const sv_cms_key *key, sipveil_span plaintext, bool *done,
                                        char note[96], sipveil_error *err);
sipveil_code sv_cms_second_opinion_verify(sv_crypto *crypto, sipveil_span content_info,
                                          sipveil_span detached, const sv_signature *signatures,
                                          size_t count, bool *done, char note[96], sipveil_error *err);
sipveil_code sv_cms_second_opinion_inflate(sipveil_span content_info, sipveil_span plaintext,
                                           bool *done, char note[96], sipveil_error *err);

#endif
