/* SPDX-License-Identifier: BSD-2-Clause */
/* What the library asks for, refused when an input says so. The linker puts these in the place of the calls
 * (tests/meson.build: refusable). Memory is refused where an arena is asked for it; malloc itself is left alone, and is
 * what scripts/starve refuses. TEST ONLY. */
#include "lacking.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <zlib.h>

#include "base/arena.h"

#define REFUSABLE(type, refused, name, parameters, arguments)                                                          \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        return fuzz_is_refused() ? (refused) : __real_##name arguments;                                                \
    }

/* ---- memory ---- */

REFUSABLE(sv_arena *, NULL, sv_arena_new, (size_t first_block, size_t most), (first_block, most))
REFUSABLE(void *, NULL, sv_arena_alloc, (sv_arena *arena, size_t size), (arena, size))
REFUSABLE(void *, NULL, sv_arena_alloc_raw, (sv_arena *arena, size_t size), (arena, size))
REFUSABLE(void *, NULL, sv_arena_alloc_array, (sv_arena *arena, size_t count, size_t size), (arena, count, size))
REFUSABLE(char *, NULL, sv_arena_string, (sv_arena *arena, sipveil_span from), (arena, from))

bool __real_sv_arena_copy(sv_arena *arena, sipveil_span from, sipveil_span *out);
bool __wrap_sv_arena_copy(sv_arena *arena, sipveil_span from, sipveil_span *out);
bool __wrap_sv_arena_copy(sv_arena *arena, sipveil_span from, sipveil_span *out)
{
    *out = (sipveil_span){NULL, 0};
    return !fuzz_is_refused() && __real_sv_arena_copy(arena, from, out);
}

bool __real_sv_arena_defer(sv_arena *arena, void (*fn)(void *), void *object);
bool __wrap_sv_arena_defer(sv_arena *arena, void (*fn)(void *), void *object);
bool __wrap_sv_arena_defer(sv_arena *arena, void (*fn)(void *), void *object)
{
    if (!fuzz_is_refused()) return __real_sv_arena_defer(arena, fn, object);
    fn(object);
    return false;
}

/* ---- random octets ---- */

REFUSABLE(int, 0, RAND_priv_bytes_ex, (OSSL_LIB_CTX * library, unsigned char *out, size_t len, unsigned strength),
          (library, out, len, strength))

/* ---- libcrypto ---- */

REFUSABLE(int, 0, EVP_DigestInit_ex2, (EVP_MD_CTX * ctx, const EVP_MD *type, const OSSL_PARAM params[]), (ctx, type, params))
REFUSABLE(int, 0, EVP_DigestUpdate, (EVP_MD_CTX * ctx, const void *data, size_t len), (ctx, data, len))
REFUSABLE(int, 0, EVP_DigestFinal_ex, (EVP_MD_CTX * ctx, unsigned char *out, unsigned *len), (ctx, out, len))
REFUSABLE(int, 0, EVP_Digest, (const void *data, size_t count, unsigned char *out, unsigned *len, const EVP_MD *type, ENGINE *impl),
          (data, count, out, len, type, impl))
REFUSABLE(int, 0, EVP_CipherUpdate, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *len, const unsigned char *in, int in_len),
          (ctx, out, len, in, in_len))
REFUSABLE(int, -1, EVP_Cipher, (EVP_CIPHER_CTX * ctx, unsigned char *out, const unsigned char *in, unsigned len), (ctx, out, in, len))
REFUSABLE(int, 0, EVP_EncryptInit_ex2,
          (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *iv, const OSSL_PARAM params[]),
          (ctx, cipher, key, iv, params))
REFUSABLE(int, 0, EVP_DecryptInit_ex2,
          (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *iv, const OSSL_PARAM params[]),
          (ctx, cipher, key, iv, params))
REFUSABLE(int, 0, EVP_EncryptFinal_ex, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *len), (ctx, out, len))
REFUSABLE(int, 0, EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX * ctx, int type, int arg, void *at), (ctx, type, arg, at))
REFUSABLE(int, 0, EVP_CIPHER_CTX_get_params, (EVP_CIPHER_CTX * ctx, OSSL_PARAM params[]), (ctx, params))
REFUSABLE(int, 0, EVP_KDF_derive, (EVP_KDF_CTX * ctx, unsigned char *key, size_t len, const OSSL_PARAM params[]), (ctx, key, len, params))
REFUSABLE(unsigned char *, NULL, HMAC,
          (const EVP_MD *md, const void *key, int key_len, const unsigned char *data, size_t len, unsigned char *out, unsigned *out_len),
          (md, key, key_len, data, len, out, out_len))
REFUSABLE(EVP_PKEY_CTX *, NULL, EVP_PKEY_CTX_new_from_pkey, (OSSL_LIB_CTX * library, EVP_PKEY *key, const char *query), (library, key, query))
REFUSABLE(int, 0, EVP_PKEY_generate, (EVP_PKEY_CTX * ctx, EVP_PKEY **key), (ctx, key))
REFUSABLE(int, 0, EVP_PKEY_derive, (EVP_PKEY_CTX * ctx, unsigned char *key, size_t *len), (ctx, key, len))
REFUSABLE(int, 0, EVP_PKEY_encrypt, (EVP_PKEY_CTX * ctx, unsigned char *out, size_t *out_len, const unsigned char *in, size_t len),
          (ctx, out, out_len, in, len))
REFUSABLE(int, 0, EVP_PKEY_decrypt, (EVP_PKEY_CTX * ctx, unsigned char *out, size_t *out_len, const unsigned char *in, size_t len),
          (ctx, out, out_len, in, len))
REFUSABLE(int, 0, EVP_PKEY_sign, (EVP_PKEY_CTX * ctx, unsigned char *out, size_t *out_len, const unsigned char *in, size_t len),
          (ctx, out, out_len, in, len))
REFUSABLE(int, -1, EVP_PKEY_verify, (EVP_PKEY_CTX * ctx, const unsigned char *signature, size_t signature_len, const unsigned char *in, size_t len),
          (ctx, signature, signature_len, in, len))
REFUSABLE(X509 *, NULL, d2i_X509, (X509 * *out, const unsigned char **in, long len), (out, in, len))
REFUSABLE(int, -1, i2d_X509, (const X509 *certificate, unsigned char **out), (certificate, out))

/* ---- zlib ---- */

REFUSABLE(int, Z_MEM_ERROR, inflateInit2_, (z_streamp stream, int bits, const char *version, int size), (stream, bits, version, size))
REFUSABLE(int, Z_MEM_ERROR, inflate, (z_streamp stream, int flush), (stream, flush))
REFUSABLE(int, Z_MEM_ERROR, deflateInit2_,
          (z_streamp stream, int level, int method, int bits, int memory, int strategy, const char *version, int size),
          (stream, level, method, bits, memory, strategy, version, size))
REFUSABLE(int, Z_STREAM_ERROR, deflate, (z_streamp stream, int flush), (stream, flush))
