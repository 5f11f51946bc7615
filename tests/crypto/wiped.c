/* SPDX-License-Identifier: BSD-2-Clause */
/* ADV-213: what each primitive had on the stack is not there when it returns, what it gives where it fails is nothing, and what it
 * gives back to the allocator is wiped. Every wipe has a case that notices when it is left out (scripts/wipes). */
#include "failing.h"
#include "own_stack.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "fixture.h"

#include "crypto/cipher.h"
#include "crypto/contexts.h"
#include "crypto/kdf.h"
#include "crypto/keywrap.h"
#include "crypto/passwrap.h"
#include "crypto/transport.h"

enum { MOST = 1024, EXPONENT = SV_MODULUS_MOST };

static const uint8_t secret[64] = "a secret of which no eight octets are the same as any eight othe", kek[32] = "the key that encrypts it: 32 oct",
                     iv[16] = "sixteen octets..";
#define KEY sv_span(secret, 32)

typedef struct play {
    sv_crypto *crypto;
    sipveil_span in;
    EVP_PKEY *key;
    uint8_t out[MOST];
    size_t len;
    bool good;
} play;

static play p;

/* What it leaves of these, or of what it gave; -1: nothing. */
static void leaves_nothing(const char *what, void (*run)(void *given), const sipveil_span *secrets, size_t count)
{
    p.good = false;
    int found = own_stack_run(run, &p, secrets, count);
    if (!p.good) fail_msg("%s: it failed", what);
    if (own_stack_is_seen && found != -1) fail_msg("%s: secret %d is left on the stack", what, found);
}

static bool is_zero(const uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (octets[i] != 0) return false;
    }
    return true;
}

/* The proof that something would be seen. */
static void leaves(void *given)
{
    play *self = given;
    uint8_t copy[32];
    memcpy(copy, self->in.data, sizeof copy);
    lies_in_one_piece(copy);
    self->good = true;
}

static void would_be_seen(void **state)
{
    (void)state;
    p = (play){.in = KEY};
    if (own_stack_is_seen) assert_int_equal(own_stack_run(leaves, &p, &p.in, 1), 0);
}

/* ---- derivation ---- */

static void x963(void *given)
{
    play *self = given;
    self->good = sv_kdf_x963(self->crypto, SV_HASH_SHA256, self->in, SV_SPAN("info"), self->out, 32, NULL) == SIPVEIL_OK;
}

static void hmac(void *given)
{
    play *self = given;
    self->good = sv_hmac_sha256(self->crypto, self->in, SV_SPAN("message"), self->out, NULL) == SIPVEIL_OK;
}

static void derivations(void **state)
{
    fixture *f = *state;
    uint8_t expected[32], inner[64 + 7], hashed[32], outer[64];
    p = (play){.crypto = f->crypto, .in = KEY};
    assert_int_equal(sv_kdf_x963(f->crypto, SV_HASH_SHA256, KEY, SV_SPAN("info"), expected, 32, NULL), SIPVEIL_OK);
    const sipveil_span of_x963[] = {KEY, sv_span(expected, 32)};
    leaves_nothing("X9.63", x963, of_x963, 2);
    for (size_t i = 0; i < 64; i++) {
        inner[i] = 0x36 ^ (i < 32 ? secret[i] : 0);
        outer[i] = 0x5C ^ (i < 32 ? secret[i] : 0);
    }
    memcpy(inner + 64, "message", 7);
    assert_int_equal(EVP_Digest(inner, sizeof inner, hashed, NULL, f->context->suite->hashes[SV_HASH_SHA256], NULL), 1);
    const sipveil_span of_hmac[] = {KEY, sv_span(outer, 32), sv_span(hashed, 32)};
    leaves_nothing("HMAC", hmac, of_hmac, 3);
}

/* More than there can be, and a key that is none: nothing of it is given. */
static void derivations_that_fail(void **state)
{
    enum { TOO_LONG = 255 * 32 + 1 };
    static uint8_t out[TOO_LONG];
    fixture *f = *state;
    memset(out, 0xAA, sizeof out);
    assert_int_equal(sv_kdf_x963(f->crypto, SV_HASH_SHA256, KEY, SV_SPAN("info"), out, sizeof out, NULL), SIPVEIL_INTERNAL);
    assert_true(is_zero(out, sizeof out));
    memset(out, 0xAA, sizeof out);
    assert_int_equal(sv_kdf_hkdf(f->crypto, SV_HASH_SHA256, KEY, SV_SPAN(""), SV_SPAN("info"), out, sizeof out, NULL), SIPVEIL_INTERNAL);
    assert_true(is_zero(out, sizeof out));
    memset(out, 0xAA, sizeof out);
    assert_int_equal(sv_hmac_sha256(f->crypto, SV_SPAN(""), KEY, out, NULL), SIPVEIL_INTERNAL);
    assert_true(is_zero(out, SV_HMAC_SHA256_LENGTH));
}

/* ---- wrapping ---- */

static void unwrap(void *given)
{
    play *self = given;
    self->good = sv_unwrap_key(self->crypto, SV_WRAP_AES_256, kek, self->in, 32, self->out);
}

static void wrap(void *given)
{
    play *self = given;
    self->good = sv_wrap_key(self->crypto, SV_WRAP_AES_256, kek, self->in, self->out, NULL) == SIPVEIL_OK;
}

static void passunwrap(void *given)
{
    play *self = given;
    self->good = sv_passunwrap_key(self->crypto, SIPVEIL_CIPHER_AES_256_CBC, kek, iv, self->in, 32, self->out);
}

static bool refuses(void *state, uint8_t block[16])
{
    unsigned *left = state;
    (void)block;
    return (*left)-- > 0;
}

static void wraps(void **state)
{
    fixture *f = *state;
    const sipveil_span secrets[] = {KEY};
    uint8_t wrapped[64], out[64];
    size_t len;
    p = (play){.crypto = f->crypto, .in = KEY};
    leaves_nothing("key wrap", wrap, secrets, 1);
    assert_int_equal(sv_wrap_key(f->crypto, SV_WRAP_AES_256, kek, KEY, wrapped, NULL), SIPVEIL_OK);
    p.in = sv_span(wrapped, 40);
    leaves_nothing("key unwrap", unwrap, secrets, 1);
    wrapped[0] ^= 1;
    memset(out, 0xAA, sizeof out);
    assert_false(sv_unwrap_key(f->crypto, SV_WRAP_AES_256, kek, p.in, 32, out));
    assert_true(is_zero(out, 32));
    for (unsigned blocks = 0; blocks < 24; blocks += 7) { /* on a token that gives up */
        unsigned left = blocks;
        memset(out, 0xAA, sizeof out);
        assert_false(sv_wrap_by_blocks(refuses, &left, KEY, out));
        assert_true(is_zero(out, 40));
        left = blocks;
        memset(out, 0xAA, sizeof out);
        assert_false(sv_unwrap_by_blocks(refuses, &left, p.in, 32, out));
        assert_true(is_zero(out, 32));
    }
    assert_int_equal(sv_passwrap_key(f->crypto, SIPVEIL_CIPHER_AES_256_CBC, kek, iv, KEY, wrapped, &len, NULL), SIPVEIL_OK);
    p.in = sv_span(wrapped, len);
    leaves_nothing("password unwrap", passunwrap, secrets, 1);
    memset(out, 0xAA, sizeof out);
    assert_false(sv_passunwrap_key(f->crypto, SIPVEIL_CIPHER_AES_256_CBC, kek, iv, p.in, 31, out));
    assert_true(is_zero(out, 31));
}

/* ---- content ---- */

static void encrypt(void *given)
{
    play *self = given;
    self->good = sv_cipher_encrypt(self->crypto, SIPVEIL_CIPHER_AES_256_CBC, kek, iv, sv_span(NULL, 0), self->in, self->out, NULL, NULL) == SIPVEIL_OK;
}

static void contents(void **state)
{
    fixture *f = *state;
    uint8_t sealed[64], tag[SV_TAG_LENGTH], out[64];
    size_t len = 7;
    p = (play){.crypto = f->crypto, .in = sv_span(secret, 31)}; /* with a last block of its own */
    leaves_nothing("CBC", encrypt, &p.in, 1);
    assert_int_equal(sv_cipher_encrypt(f->crypto, SIPVEIL_CIPHER_AES_256_GCM, kek, iv, sv_span(NULL, 0), KEY, sealed, tag, NULL), SIPVEIL_OK);
    tag[0] ^= 1;
    memset(out, 0xAA, sizeof out);
    assert_false(sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_256_GCM, kek, sv_span(iv, 12), sv_span(NULL, 0), sv_span(sealed, 32), sv_span(tag, sizeof tag), out, &len));
    assert_true(is_zero(out, 32) && len == 0);
}

/* ---- RSA ---- */

static void oaep(void *given)
{
    play *self = given;
    self->good = sv_transport_decrypt_oaep(self->crypto, self->key, NULL, SV_HASH_SHA256, SV_HASH_SHA256, self->in, 32, self->out);
}

static void unpad(void *given)
{
    play *self = given;
    self->good = sv_transport_unpad_oaep(self->crypto, SV_HASH_SHA256, SV_HASH_SHA256, self->in, 32, self->out);
}

static void v15(void *given)
{
    play *self = given;
    self->good = sv_transport_decrypt_v15(self->crypto, self->key, self->in, 32, self->out, NULL) == SIPVEIL_OK;
}

static void transports(void **state)
{
    fixture *f = *state;
    uint8_t encrypted[256], exponent[EXPONENT], hashed[32], out[32];
    BIGNUM *d = NULL;
    size_t len = sizeof encrypted;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(f->context->library, NULL, "RSA", (size_t)2048);
    assert_true(key != NULL && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_D, &d) == 1);
    assert_int_equal(BN_bn2binpad(d, exponent, sizeof exponent), sizeof exponent);
    assert_int_equal(EVP_Digest(exponent, sizeof exponent, hashed, NULL, f->context->suite->hashes[SV_HASH_SHA256], NULL), 1);
    BN_clear_free(d);
    p = (play){.crypto = f->crypto, .in = sv_span(encrypted, sizeof encrypted), .key = key};
    const sipveil_span cek[] = {KEY};
    assert_int_equal(sv_transport_encrypt(f->crypto, key, KEY, encrypted, NULL), SIPVEIL_OK);
    leaves_nothing("OAEP", oaep, cek, 1);
    encrypted[7] ^= 1;
    memset(out, 0xAA, sizeof out);
    assert_false(sv_transport_decrypt_oaep(f->crypto, key, NULL, SV_HASH_SHA256, SV_HASH_SHA256, p.in, 32, out));
    assert_true(is_zero(out, sizeof out));
    /* v1.5: what stands for the content key is what a wrong padding gives. */
    assert_int_equal(sv_transport_decrypt_v15(f->crypto, key, p.in, 32, out, NULL), SIPVEIL_OK);
    const sipveil_span of_v15[] = {KEY, sv_span(out, 32), sv_span(exponent + EXPONENT - 256, 256), sv_span(hashed, 32)};
    leaves_nothing("v1.5, a wrong padding", v15, of_v15, 4);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(f->context->library, key, NULL);
    assert_true(ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, encrypted, &len, secret, 32), 1);
    EVP_PKEY_CTX_free(ctx);
    leaves_nothing("v1.5", v15, cek, 1);
    /* Of the exponent nothing goes back to the allocator, in whatever order its octets are. */
    uint8_t reversed[32];
    for (size_t i = 0; i < sizeof reversed; i++) reversed[i] = exponent[EXPONENT - 1 - 64 - i];
    failing.secret_count = 0;
    failing_watch("the private exponent", sv_span(exponent + EXPONENT - 128, 32));
    failing_watch("the private exponent", sv_span(reversed, sizeof reversed));
    failing_would_be_seen();
    failing.looking = true;
    v15(&p);
    failing.looking = false;
    if (failing.found > 0) fail_msg("%s is given back", failing.what);
    OPENSSL_cleanse(exponent, sizeof exponent);
    EVP_PKEY_free(key);
}

/* A block as a token gives it. */
static void unpadding(void **state)
{
    fixture *f = *state;
    uint8_t block[256], out[32];
    const sipveil_span cek[] = {KEY};
    const EVP_MD *sha256 = f->context->suite->hashes[SV_HASH_SHA256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    assert_int_equal(RSA_padding_add_PKCS1_OAEP_mgf1(block, sizeof block, secret, 32, NULL, 0, sha256, sha256), 1);
#pragma GCC diagnostic pop
    p = (play){.crypto = f->crypto, .in = sv_span(block, sizeof block)};
    leaves_nothing("OAEP of a token", unpad, cek, 1);
    block[9] ^= 1;
    memset(out, 0xAA, sizeof out);
    assert_false(sv_transport_unpad_oaep(f->crypto, SV_HASH_SHA256, SV_HASH_SHA256, p.in, 32, out));
    assert_true(is_zero(out, sizeof out));
}

/* ---- random numbers ---- */

static bool half(void *user, uint8_t *out, size_t len)
{
    (void)user;
    memset(out, 0xAA, len);
    return false;
}

static void numbers(void **state)
{
    fixture *f = *state;
    sipveil_hooks hooks;
    sipveil_context *context;
    sv_crypto *crypto;
    const sv_stand_in *stand_in;
    uint8_t out[32];
    sipveil_hooks_default(&hooks);
    hooks.random = half;
    assert_int_equal(sipveil_context_new(&hooks, &context, NULL), SIPVEIL_OK);
    assert_int_equal(sv_crypto_new(context, &crypto, NULL), SIPVEIL_OK);
    assert_int_equal(sv_random(crypto, out, sizeof out, NULL), SIPVEIL_INTERNAL);
    assert_true(is_zero(out, sizeof out));
    sv_crypto_free(crypto);
    sipveil_context_free(context);
    assert_int_equal(sv_crypto_new(f->context, &crypto, NULL), SIPVEIL_OK);
    assert_int_equal(sv_stand_in_keys(crypto, &stand_in, NULL), SIPVEIL_OK);
    failing.secret_count = 0;
    failing_watch("a key that stands in", sv_span(stand_in, 32));
    failing.looking = true;
    sv_crypto_free(crypto);
    failing.looking = false;
    if (failing.found > 0) fail_msg("%s is given back", failing.what);
}

/* Drawn ahead, and taken: there is none of it any more. */
static void pool(void **state)
{
    fixture *f = *state;
    struct {
        size_t left;
        uint8_t octets[1024];
    } *look = (void *)__real_sv_random_pool_new();
    uint8_t drawn[32];
    if (look == NULL) return; /* a system without MADV_WIPEONFORK */
    f->crypto->pool = (sv_random_pool *)look;
    assert_int_equal(sv_random(f->crypto, drawn, sizeof drawn, NULL), SIPVEIL_OK);
    assert_int_equal(look->left, sizeof look->octets - sizeof drawn);
    assert_true(is_zero(look->octets, sizeof drawn) && !is_zero(look->octets + sizeof drawn, sizeof drawn) && !is_zero(drawn, sizeof drawn));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(would_be_seen),
        cmocka_unit_test_setup_teardown(derivations, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(derivations_that_fail, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(wraps, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(contents, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(transports, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(unpadding, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(numbers, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(pool, fixture_setup, fixture_teardown),
    };
    if (!failing_install()) return 2;
    return cmocka_run_group_tests_name("what primitives leave", tests, NULL, NULL);
}
