/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file crypto.h
 * The context: hooks, limits and the algorithms of libcrypto, fetched once.
 *
 * Threads: a context is frozen once made and may be shared by any number of threads; it must outlive
 * everything made from it.
 */
#ifndef SIPVEIL_CRYPTO_H
#define SIPVEIL_CRYPTO_H

#include "sipveil/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sipveil_context sipveil_context;

/** What the library asks of its surroundings. Start from sipveil_hooks_default(). */
typedef struct sipveil_hooks {
    size_t size; /**< sizeof(sipveil_hooks): set by sipveil_hooks_default() */
    void *user;  /**< handed to the two calls */
    /** Fills `out` with `len` random octets; returns true on success. NULL: RAND_bytes. A test that
     *  wants expected bytes supplies its own; nothing else may. */
    bool (*random)(void *user, uint8_t *out, size_t len);
    /** Seconds since 1970-01-01T00:00:00Z. NULL: the system clock. */
    int64_t (*now)(void *user);
    sipveil_limits limits;
} sipveil_hooks;

/** Fills in the defaults. */
SIPVEIL_API void sipveil_hooks_default(sipveil_hooks *hooks);

/**
 * Makes a context. hooks may be NULL for the defaults; it is copied. The algorithms are fetched from
 * a library context of our own with the default provider only, so that no OPENSSL_CONF of the
 * surroundings changes what is used (ADV-221).
 * @return SIPVEIL_OK, SIPVEIL_INTERNAL (memory, an algorithm or the provider is missing),
 *         SIPVEIL_USAGE (hooks->size is wrong, a limit is 0). *out is NULL on failure, else *given*
 *         (free with sipveil_context_free).
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_context_new(const sipveil_hooks *hooks,
                                                              sipveil_context **out,
                                                              sipveil_error *err);
/** NULL is fine. */
SIPVEIL_API void sipveil_context_free(sipveil_context *context);

/** The limits of the context, *borrowed*. */
SIPVEIL_API const sipveil_limits *sipveil_context_limits(const sipveil_context *context);

/** The version of the libcrypto in use, "OpenSSL 3.0.22 ...". */
SIPVEIL_API const char *sipveil_crypto_library_version(void);

/** Content ciphers (RFC 5084, RFC 3565). The names are those of the command line: "aes-256-gcm". */
typedef enum sipveil_cipher {
    SIPVEIL_CIPHER_NONE = 0,
    SIPVEIL_CIPHER_AES_128_GCM,
    SIPVEIL_CIPHER_AES_192_GCM,
    SIPVEIL_CIPHER_AES_256_GCM,
    SIPVEIL_CIPHER_AES_128_CBC,
    SIPVEIL_CIPHER_AES_192_CBC,
    SIPVEIL_CIPHER_AES_256_CBC,
    SIPVEIL_CIPHER_DES_EDE3_CBC, /**< read only, by name */
    SIPVEIL_CIPHER_AES_128_CCM,  /**< read only */
    SIPVEIL_CIPHER_AES_192_CCM,  /**< read only */
    SIPVEIL_CIPHER_AES_256_CCM,  /**< read only */
    SIPVEIL_CIPHER_COUNT
} sipveil_cipher;

/** The name of a cipher as on the command line ("aes-256-gcm"). Never NULL. */
SIPVEIL_API const char *sipveil_cipher_name(sipveil_cipher cipher);
/** SIPVEIL_CIPHER_NONE if there is no such name. */
SIPVEIL_API sipveil_cipher sipveil_cipher_by_name(const char *name);

/** Weak forms, for reading only, each by name (sipveil_open_options.allow_weak). */
enum {
    SIPVEIL_WEAK_SHA1 = 1,
    SIPVEIL_WEAK_RSA1024 = 2,
    SIPVEIL_WEAK_RSA_V15_TRANSPORT = 4,
    SIPVEIL_WEAK_3DES = 8,
    SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES = 16
};

#ifdef __cplusplus
}
#endif
#endif
