/* SPDX-License-Identifier: BSD-2-Clause */
/* An RSA key whose blinding libcrypto left half done, for memory ended while it decrypted or signed: no signature that is
 * wrong is given out, and both come back by themselves (ADV-215). */
#include "failing.h"

#include "crypto/fixture.h"
#include "crypto/prepared.h"
#include "crypto/transport.h"

enum { BLINDING_USES = 32, ALLOCATIONS_MOST = 2000 };

typedef struct bench {
    const fixture *f;
    EVP_PKEY *key;
    sv_prepared *prepared; /* NULL: contexts are made for each call */
    sv_arena *arena;
    uint8_t sealed[256];
    unsigned refused; /* signatures, with memory there */
} bench;

static const uint8_t cek[32] = {7};

static bool decrypt(bench *b)
{
    uint8_t out[32];
    bool good = sv_transport_decrypt_oaep(b->f->crypto, b->key, b->prepared, SV_HASH_SHA256, SV_HASH_SHA256, sv_span(b->sealed, 256), 32, out);
    if (good) assert_memory_equal(out, cek, 32);
    return good;
}

/* Whoever is given a signature can rely on it. */
static bool sign(bench *b, bool v15)
{
    sipveil_span signature;
    sipveil_error err;
    bool valid = false;
    const sv_signature_scheme *scheme = sv_signature_scheme_for(b->f->crypto, b->key, v15);
    if (scheme == NULL) return false;
    sipveil_code code = sv_signature_make(b->f->crypto, scheme, b->key, b->prepared, SV_SPAN("text"), b->arena, &signature, &err);
    if (code != SIPVEIL_OK) {
        assert_int_equal(code, SIPVEIL_INTERNAL);
        assert_int_equal(signature.len, 0);
        return false;
    }
    failing_whose whose = failing.whose;
    failing.whose = FAILING_NOTHING;
    assert_int_equal(sv_signature_verify(b->f->crypto, scheme, 32, b->key, SV_SPAN("text"), signature, &valid, &err), SIPVEIL_OK);
    assert_true(valid);
    failing.whose = whose;
    return true;
}

/* One call without its nth allocation, then signatures of both schemes until the key is as before. */
static void without_one(bench *b, bool decrypts, size_t n)
{
    failing.whose = FAILING_LIBCRYPTO;
    failing.left = n;
    (void)(decrypts ? decrypt(b) : sign(b, false));
    failing.whose = FAILING_NOTHING;
    unsigned good = 0;
    for (unsigned i = 0; i < 2 * BLINDING_USES && good < 2; i++) {
        good = sign(b, i % 2 == 1) ? good + 1 : 0;
        b->refused += good == 0;
    }
    assert_int_equal(good, 2);
    assert_true(decrypt(b));
    sv_arena_reset(b->arena);
}

static void no_wrong_signature(void **state)
{
    bench b = {.f = *state};
    b.key = EVP_PKEY_Q_keygen(b.f->context->library, NULL, "RSA", (size_t)2048);
    b.arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(b.arena);
    assert_non_null(b.key);
    assert_int_equal(sv_transport_encrypt(b.f->crypto, b.key, sv_span(cek, 32), b.sealed, NULL), SIPVEIL_OK);
    for (int way = 0; way < 4; way++) {
        bool decrypts = way < 2, met = true;
        b.prepared = way % 2 == 0 ? sv_prepared_new(b.key) : NULL;
        b.refused = 0;
        assert_true(sign(&b, false) && sign(&b, true) && decrypt(&b)); /* what is kept is there */
        for (size_t n = 1; met && n < ALLOCATIONS_MOST; n++) {
            without_one(&b, decrypts, n);
            met = failing.left == 0;
        }
        assert_false(met);
        assert_true(b.refused > 0); /* the half of a blinding was met, or this proves nothing */
        sv_prepared_free(b.prepared);
    }
    sv_arena_free(b.arena);
    EVP_PKEY_free(b.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(no_wrong_signature, fixture_setup, fixture_teardown)};
    if (!failing_install()) return 2;
    return cmocka_run_group_tests_name("blinding that is half done", tests, NULL, NULL);
}
