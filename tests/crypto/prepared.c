/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of keys between messages: it is of the right key and for the right use, threads do not share it, and no
 * private key outlives its owner for it. */
#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>

#include "crypto/agree.h"
#include "crypto/es256.h"
#include "crypto/fixture.h"
#include "crypto/prepared.h"
#include "crypto/transport.h"

static EVP_PKEY *p256(const fixture *f)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(f->context->library, NULL, "EC", "P-256");
    assert_non_null(key);
    return key;
}

/* A public key alone, as one from a certificate is. */
static EVP_PKEY *public_of(const fixture *f, EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    const unsigned char *at = der;
    EVP_PKEY *out = d2i_PUBKEY_ex(NULL, &at, len, f->context->library, NULL);
    assert_non_null(out);
    OPENSSL_free(der);
    return out;
}

static void facts(void **state)
{
    fixture *f = *state;
    EVP_PKEY *keys[] = {p256(f), EVP_PKEY_Q_keygen(f->context->library, NULL, "RSA", (size_t)2048),
                        EVP_PKEY_Q_keygen(f->context->library, NULL, "X25519"), EVP_PKEY_Q_keygen(f->context->library, NULL, "ED25519"),
                        EVP_PKEY_Q_keygen(f->context->library, NULL, "EC", "P-224"), NULL};
    static const sv_key_facts expected[] = {{SV_KEY_EC, 256, false, SV_CURVE_P256, false}, {SV_KEY_RSA, 2048, true, SV_CURVE_NONE, false},
                                            {SV_KEY_X25519, 253, false, SV_CURVE_X25519, false},
                                            {SV_KEY_ED25519, 256, false, SV_CURVE_NONE, false},
                                            {SV_KEY_EC, 224, false, SV_CURVE_NONE, false}, {SV_KEY_OTHER, 0, false, SV_CURVE_NONE, false}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        sv_key_facts room;
        for (int remembered = 0; remembered < 3; remembered++) {
            const sv_key_facts *found = sv_key_look(remembered > 0 ? f->crypto : NULL, keys[i], &room);
            assert_int_equal(found->type, expected[i].type);
            assert_int_equal(found->bits, expected[i].bits);
            assert_int_equal(found->good_exponent, expected[i].good_exponent);
            assert_int_equal(found->curve, expected[i].curve);
            assert_false(found->explicit_curve);
        }
        EVP_PKEY_free(keys[i]);
    }
}

/* More public keys than a thread remembers, in turn, each for itself. */
static void many_public_keys(void **state)
{
    enum { KEYS = SV_PUBLIC_KEYS_KEPT + 4 };
    fixture *f = *state;
    EVP_PKEY *keys[KEYS], *public_keys[KEYS];
    uint8_t signatures[KEYS][SV_ES256_LENGTH];
    for (size_t i = 0; i < KEYS; i++) {
        keys[i] = p256(f);
        public_keys[i] = public_of(f, keys[i]);
        assert_int_equal(sv_es256_sign(f->crypto, keys[i], NULL, SV_SPAN("text"), signatures[i], NULL), SIPVEIL_OK);
    }
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < KEYS; i++) {
            for (size_t k = 0; k < 2; k++) {
                bool valid;
                sipveil_span signature = sv_span(signatures[(i + k) % KEYS], SV_ES256_LENGTH);
                assert_int_equal(sv_es256_verify(f->crypto, public_keys[i], SV_SPAN("text"), signature, &valid, NULL), SIPVEIL_OK);
                assert_int_equal(valid, k == 0);
            }
        }
    }
    for (size_t i = 0; i < KEYS; i++) {
        EVP_PKEY_free(public_keys[i]);
        EVP_PKEY_free(keys[i]);
    }
}

/* One RSA key for everything that RSA does here: the schemes do not get into each other's way, and a refusal leaves no
 * trace in what is kept. */
static void uses_change(void **state)
{
    fixture *f = *state;
    static const uint8_t cek[32] = {7};
    EVP_PKEY *key = EVP_PKEY_Q_keygen(f->context->library, NULL, "RSA", (size_t)2048), *other = public_of(f, key);
    sv_prepared *prepared = sv_prepared_new(key);
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    assert_non_null(prepared);
    for (int i = 0; i < 8; i++) {
        const sv_signature_scheme *scheme = sv_signature_scheme_for(f->crypto, other, i % 2 == 1);
        sipveil_span signature;
        bool valid;
        uint8_t sealed[256], out[32], bent[256] = {0};
        assert_int_equal(sv_signature_make(f->crypto, scheme, key, prepared, SV_SPAN("text"), arena, &signature, NULL), SIPVEIL_OK);
        for (size_t salt = 32; salt > 30; salt--) {
            assert_int_equal(sv_signature_verify(f->crypto, scheme, salt, other, SV_SPAN("text"), signature, &valid, NULL), SIPVEIL_OK);
            assert_int_equal(valid, salt == 32 || scheme->kind == SV_SIGNATURE_RSA_V15);
        }
        assert_int_equal(sv_transport_encrypt(f->crypto, other, sv_span(cek, 32), sealed, NULL), SIPVEIL_OK);
        assert_false(sv_transport_decrypt_oaep(f->crypto, key, prepared, SV_HASH_SHA256, SV_HASH_SHA256, sv_span(bent, 256), 32, out));
        assert_false(sv_transport_decrypt_oaep(f->crypto, key, prepared, SV_HASH_SHA1, SV_HASH_SHA256, sv_span(sealed, 256), 32, out));
        assert_true(sv_transport_decrypt_oaep(f->crypto, key, prepared, SV_HASH_SHA256, SV_HASH_SHA256, sv_span(sealed, 256), 32, out));
        assert_memory_equal(out, cek, 32);
    }
    sv_arena_free(arena);
    sv_prepared_free(prepared);
    EVP_PKEY_free(other);
    EVP_PKEY_free(key);
}

/* A point that is refused, between two that are not: what is kept of the first is not taken for it. */
static void points_change(void **state)
{
    static const char *const groups[] = {"P-256", "P-384", NULL};
    fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *own = groups[i] != NULL ? EVP_PKEY_Q_keygen(f->context->library, NULL, "EC", groups[i])
                                          : EVP_PKEY_Q_keygen(f->context->library, NULL, "X25519");
        EVP_PKEY *other = public_of(f, own);
        sv_prepared *prepared = sv_prepared_new(own);
        for (int turn = 0; turn < 3; turn++) {
            sv_agreement made;
            uint8_t shared[SV_SHARED_MOST];
            size_t length;
            assert_int_equal(sv_agree_make(f->crypto, other, &made, NULL), SIPVEIL_OK);
            sipveil_span point = sv_span(made.point, made.point_length);
            assert_true(sv_agree_read(f->crypto, own, prepared, point, shared, &length));
            assert_memory_equal(shared, made.shared, made.shared_length);
            made.point[made.point_length - 1] ^= 1;
            if (groups[i] != NULL) assert_false(sv_agree_read(f->crypto, own, prepared, point, shared, &length)); /* ADV-086 */
            assert_false(sv_agree_read(f->crypto, own, prepared, sv_span(made.point, made.point_length - 1), shared, &length));
        }
        sv_prepared_free(prepared);
        EVP_PKEY_free(other);
        EVP_PKEY_free(own);
    }
}

static void on_free(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (ptr != NULL) *(bool *)ptr = true;
}

/* The thread is still there when the owner lets go: the private key is gone at once. */
static void private_key_goes_with_its_owner(void **state)
{
    fixture *f = *state;
    bool gone = false;
    uint8_t signature[SV_ES256_LENGTH], shared[SV_SHARED_MOST];
    size_t length;
    sv_agreement made;
    int index = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, NULL, NULL, on_free);
    EVP_PKEY *key = p256(f), *other = public_of(f, key);
    sv_prepared *prepared = sv_prepared_new(key);
    assert_true(index >= 0 && EVP_PKEY_set_ex_data(key, index, &gone) == 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sv_es256_sign(f->crypto, key, prepared, SV_SPAN("text"), signature, NULL), SIPVEIL_OK);
        assert_int_equal(sv_es256_sign(f->crypto, key, NULL, SV_SPAN("text"), signature, NULL), SIPVEIL_OK);
        assert_int_equal(sv_agree_make(f->crypto, other, &made, NULL), SIPVEIL_OK);
        assert_true(sv_agree_read(f->crypto, key, prepared, sv_span(made.point, made.point_length), shared, &length));
    }
    EVP_PKEY_free(key);
    assert_false(gone); /* what is prepared holds it */
    sv_prepared_free(prepared);
    assert_true(gone);
    assert_true(CRYPTO_free_ex_index(CRYPTO_EX_INDEX_EVP_PKEY, index) == 1);
    EVP_PKEY_free(other);
}

/* ---- several threads, one private key ---- */

typedef struct at_work {
    const fixture *f;
    EVP_PKEY *key, *other;
    sv_prepared *prepared;
    bool good;
} at_work;

static void *work(void *given)
{
    enum { TURNS = 40 };
    at_work *w = given;
    sv_crypto *crypto;
    uint8_t signature[SV_ES256_LENGTH], shared[SV_SHARED_MOST];
    size_t length;
    if (sv_crypto_new(w->f->context, &crypto, NULL) != SIPVEIL_OK) return NULL;
    bool good = true;
    for (int i = 0; good && i < TURNS; i++) {
        sv_agreement made;
        good = sv_es256_sign(crypto, w->key, w->prepared, SV_SPAN("text"), signature, NULL) == SIPVEIL_OK &&
               sv_es256_verify(crypto, w->other, SV_SPAN("text"), sv_span(signature, sizeof signature), &good, NULL) == SIPVEIL_OK && good &&
               sv_agree_make(crypto, w->other, &made, NULL) == SIPVEIL_OK &&
               sv_agree_read(crypto, w->key, w->prepared, sv_span(made.point, made.point_length), shared, &length) &&
               length == made.shared_length && memcmp(shared, made.shared, length) == 0;
    }
    sv_crypto_free(crypto);
    w->good = good;
    return NULL;
}

static void threads_share_a_key(void **state)
{
    enum { THREADS = 6 }; /* more than there are places */
    fixture *f = *state;
    EVP_PKEY *key = p256(f), *other = public_of(f, key);
    at_work all[THREADS];
    pthread_t threads[THREADS];
    sv_prepared *prepared = sv_prepared_new(key);
    for (size_t i = 0; i < THREADS; i++) {
        all[i] = (at_work){f, key, other, prepared, false};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &all[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0); /* all, before a case may end */
    for (size_t i = 0; i < THREADS; i++) assert_true(all[i].good);
    sv_prepared_free(prepared);
    EVP_PKEY_free(other);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(facts, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(many_public_keys, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(uses_change, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(points_change, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(private_key_goes_with_its_owner, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(threads_share_a_key, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("prepared keys", tests, NULL, NULL);
}
