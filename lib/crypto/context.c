/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/wipe.h"
#include "crypto/contexts.h"

static const char room[] = "crypto";

/* 3.0.22 has all published fixes of what we use; a distribution that lists them for an older one
 * builds with -Dold_libcrypto=true. */
#if defined(SIPVEIL_OLD_LIBCRYPTO)
enum { FLOOR_PATCH = 0 };
#else
enum { FLOOR_PATCH = 22 };
#endif

static sipveil_code check_library(sipveil_error *err)
{
    int major = (int)OPENSSL_version_major(), minor = (int)OPENSSL_version_minor(), patch = (int)OPENSSL_version_patch();
    if (major > 3 || (major == 3 && (minor > 0 || patch >= FLOOR_PATCH))) return SIPVEIL_OK;
    sv_fail(err, room, SIPVEIL_INTERNAL, "libcrypto is %d.%d.%d, but 3.0.%d is the oldest that is safe to use",
            major, minor, patch, FLOOR_PATCH);
    return sv_hint(err, SIPVEIL_INTERNAL, "older ones have known faults in CMS key and tag handling");
}

static int64_t system_clock(void *user)
{
    (void)user;
    return (int64_t)time(NULL);
}

void sipveil_hooks_default(sipveil_hooks *hooks)
{
    *hooks = (sipveil_hooks){.size = sizeof *hooks};
    sipveil_limits_default(&hooks->limits);
}

/* Which limit is 0, counted from 1; 0: none is. All are size_t but for two in their midst, which are uint64_t. */
static size_t first_zero(const sipveil_limits *limits)
{
    enum {
        BEHIND = offsetof(sipveil_limits, signers),
        FIRST = offsetof(sipveil_limits, iterations) / sizeof(size_t),
        LAST = (offsetof(sipveil_limits, inflate_ratio) - BEHIND) / sizeof(size_t) + 1
    };
    _Static_assert(sizeof *limits - offsetof(sipveil_limits, inflate_ratio) <= sizeof(uint64_t), "it is the last");
    size_t first[FIRST], last[LAST];
    memcpy(first, limits, sizeof first);
    memcpy(last, (const uint8_t *)limits + BEHIND, sizeof last);
    for (size_t i = 0; i < FIRST; i++) {
        if (first[i] == 0) return i + 1;
    }
    if (limits->iterations == 0) return FIRST + 1;
    if (limits->iterations_least == 0) return FIRST + 2;
    for (size_t i = 0; i < LAST; i++) {
        if (last[i] == 0) return FIRST + 3 + i;
    }
    return 0;
}

static sipveil_code check_hooks(const sipveil_hooks *hooks, sipveil_error *err)
{
    if (hooks->size != sizeof *hooks) {
        return sv_fail(err, room, SIPVEIL_USAGE, "hooks.size is %zu, not %zu: use sipveil_hooks_default",
                       hooks->size, sizeof *hooks);
    }
    size_t zero = first_zero(&hooks->limits);
    if (zero != 0) return sv_fail(err, room, SIPVEIL_USAGE, "limit number %zu is 0: use sipveil_limits_default", zero);
    return SIPVEIL_OK;
}

sipveil_code sipveil_context_new(const sipveil_hooks *hooks, sipveil_context **out, sipveil_error *err)
{
    sipveil_hooks defaults;
    *out = NULL;
    sv_error_clear(err);
    sipveil_hooks_default(&defaults);
    if (hooks == NULL) hooks = &defaults;
    SV_TRY(check_hooks(hooks, err));
    SV_TRY(check_library(err));
    ERR_clear_error();
    sipveil_context *context = calloc(1, sizeof *context);
    if (context == NULL) return sv_no_memory(err, room);
    context->hooks = *hooks;
    if (hooks->random == NULL) context->hooks.random = sv_random_of_library;
    if (hooks->now == NULL) context->hooks.now = system_clock;
    sipveil_code code = SIPVEIL_OK;
    context->library = OSSL_LIB_CTX_new();
    if (context->library != NULL) context->provider = OSSL_PROVIDER_load(context->library, "default");
    if (context->provider == NULL) {
        code = sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "libcrypto's default provider does not load");
    } else {
        code = sv_suite_new(context->library, &context->suite, err);
    }
    if (code != SIPVEIL_OK) {
        sipveil_context_free(context);
        return code;
    }
    *out = context;
    return SIPVEIL_OK;
}

void sipveil_context_free(sipveil_context *context)
{
    if (context == NULL) return;
    sv_suite_free(context->suite);
    if (context->provider != NULL) (void)OSSL_PROVIDER_unload(context->provider); /* ours to give back */
    OSSL_LIB_CTX_free(context->library);
    free(context);
}

const sipveil_limits *sipveil_context_limits(const sipveil_context *context)
{
    return &context->hooks.limits;
}

const char *sipveil_crypto_library_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

int64_t sv_now(const sipveil_context *context)
{
    return context->hooks.now(context->hooks.user);
}

/* Padding is ours. Where there is none anyway the flag stays off: libcrypto would look it up again each
 * time a key is set. */
static EVP_CIPHER_CTX *cipher_context(const EVP_CIPHER *cipher, bool padded)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL && EVP_EncryptInit_ex2(ctx, cipher, NULL, NULL, NULL) == 1 &&
        (!padded || EVP_CIPHER_CTX_set_padding(ctx, 0) == 1)) {
        return ctx;
    }
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static bool make_contexts(sv_crypto *crypto, const sv_suite *suite)
{
    for (sipveil_cipher c = SIPVEIL_CIPHER_NONE + 1; c < SIPVEIL_CIPHER_COUNT; c++) {
        crypto->contents[c] = cipher_context(suite->ciphers[c], !sv_cipher_row_of(c)->authenticated);
        if (crypto->contents[c] == NULL) return false;
    }
    for (sv_wrap w = 0; w < SV_WRAP_COUNT; w++) {
        crypto->blocks[w] = cipher_context(suite->blocks[w], false);
        if (crypto->blocks[w] == NULL) return false;
    }
    crypto->hash = EVP_MD_CTX_new();
    crypto->public_keys = sv_public_keys_new();
    crypto->hkdf = EVP_KDF_CTX_new(suite->hkdf);
    crypto->pbkdf2 = EVP_KDF_CTX_new(suite->pbkdf2);
    return crypto->hash != NULL && crypto->public_keys != NULL && crypto->hkdf != NULL && crypto->pbkdf2 != NULL;
}

sipveil_code sv_crypto_new(const sipveil_context *context, sv_crypto **out, sipveil_error *err)
{
    *out = NULL;
    ERR_clear_error();
    sv_crypto *crypto = calloc(1, sizeof *crypto);
    if (crypto == NULL) return sv_no_memory(err, room);
    crypto->context = context;
    if (!make_contexts(crypto, context->suite)) {
        sv_crypto_free(crypto);
        return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "libcrypto gives no cipher context");
    }
    if (context->hooks.random == sv_random_of_library) crypto->pool = sv_random_pool_new();
    *out = crypto;
    return SIPVEIL_OK;
}

void sv_crypto_free(sv_crypto *crypto)
{
    if (crypto == NULL) return;
    for (size_t i = 0; i < SIPVEIL_CIPHER_COUNT; i++) EVP_CIPHER_CTX_free(crypto->contents[i]);
    for (size_t i = 0; i < SV_WRAP_COUNT; i++) EVP_CIPHER_CTX_free(crypto->blocks[i]);
    EVP_MD_CTX_free(crypto->hash);
    EVP_KDF_CTX_free(crypto->hkdf);
    EVP_KDF_CTX_free(crypto->pbkdf2);
    sv_random_pool_free(crypto->pool);
    sv_certificate_cache_free(crypto->certificates);
    sv_public_keys_free(crypto->public_keys);
    for (size_t i = 0; i < SV_CURVE_COUNT; i++) {
        EVP_PKEY_CTX_free(crypto->generators[i]);
        EVP_PKEY_free(crypto->peers[i]);
    }
    sv_wipe(&crypto->stand_in, sizeof crypto->stand_in);
    free(crypto);
}

const sipveil_context *sv_crypto_context(const sv_crypto *crypto)
{
    return crypto->context;
}
