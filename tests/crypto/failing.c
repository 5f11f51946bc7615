/* SPDX-License-Identifier: BSD-2-Clause */
/* A libcrypto that fails at its nth call, for every n: whatever fails, the result says so, nothing of the content or
 * of a key is left in the output, and the next call is not the worse for it. The linker puts the wrappers below between
 * the library and libcrypto (ADV-214, ADV-215). */
#include <limits.h>

#include "crypto/cipher.h"
#include "crypto/fixture.h"
#include "crypto/keywrap.h"
#include "crypto/passwrap.h"

enum failure { REFUSES, DOES_LESS }; /* returns 0, or says that it did one octet less */
static unsigned calls_left; /* until the one that fails; 0: none does */
static enum failure kind;

static bool is_the_one(void)
{
    return calls_left > 0 && --calls_left == 0;
}

#define WRAPPED(name, parameters, arguments)              \
    int __real_##name parameters;                         \
    int __wrap_##name parameters;                         \
    int __wrap_##name parameters                          \
    {                                                     \
        return is_the_one() ? 0 : __real_##name arguments; \
    }
WRAPPED(EVP_EncryptInit_ex2, (EVP_CIPHER_CTX *c, const EVP_CIPHER *t, const uint8_t *k, const uint8_t *iv, const OSSL_PARAM *p),
        (c, t, k, iv, p))
WRAPPED(EVP_DecryptInit_ex2, (EVP_CIPHER_CTX *c, const EVP_CIPHER *t, const uint8_t *k, const uint8_t *iv, const OSSL_PARAM *p),
        (c, t, k, iv, p))
WRAPPED(EVP_EncryptFinal_ex, (EVP_CIPHER_CTX *c, uint8_t *out, int *n), (c, out, n))
WRAPPED(EVP_DecryptFinal_ex, (EVP_CIPHER_CTX *c, uint8_t *out, int *n), (c, out, n))
WRAPPED(EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX *c, int type, int number, void *p), (c, type, number, p))
WRAPPED(EVP_CIPHER_CTX_get_params, (EVP_CIPHER_CTX *c, OSSL_PARAM *p), (c, p))

int __real_EVP_CipherUpdate(EVP_CIPHER_CTX *c, uint8_t *out, int *n, const uint8_t *in, int len);
int __wrap_EVP_CipherUpdate(EVP_CIPHER_CTX *c, uint8_t *out, int *n, const uint8_t *in, int len);
int __wrap_EVP_CipherUpdate(EVP_CIPHER_CTX *c, uint8_t *out, int *n, const uint8_t *in, int len)
{
    bool fails = is_the_one();
    if (fails && kind == REFUSES) return 0;
    int result = __real_EVP_CipherUpdate(c, out, n, in, len);
    if (fails) --*n;
    return result;
}

enum { SIZE = 40, OUT_MOST = 64 };
static const uint8_t key[SV_KEY_MOST] = {1}, iv[16] = {2};
static const sipveil_span associated = {(const uint8_t *)"\x31\x02\x05\x00", 4}, none = {NULL, 0};
static uint8_t text[SIZE];

/* What an operation works on: made by a libcrypto that does not fail. */
typedef struct given {
    sipveil_cipher cipher;
    uint8_t ciphertext[OUT_MOST], tag[SV_TAG_LENGTH], wrapped[SV_PASSWRAP_MOST];
    size_t len, wrapped_len;
} given;

typedef bool (*operation)(fixture *f, const given *g, uint8_t *out);

static bool encrypt(fixture *f, const given *g, uint8_t *out)
{
    uint8_t tag[SV_TAG_LENGTH];
    sipveil_error err;
    sipveil_code code = sv_cipher_encrypt(f->crypto, g->cipher, key, iv, associated, sv_span(text, SIZE), out, tag, &err);
    assert_true(code == SIPVEIL_OK || (code == SIPVEIL_INTERNAL && strcmp(err.text, "content encryption failed") == 0));
    return code == SIPVEIL_OK;
}

static bool decrypt(fixture *f, const given *g, uint8_t *out)
{
    const sv_cipher_row *row = sv_cipher_row_of(g->cipher);
    size_t len;
    bool good = sv_cipher_decrypt(f->crypto, g->cipher, key, sv_span(iv, row->iv_length), row->authenticated ? associated : none,
                                  sv_span(g->ciphertext, g->len), row->authenticated ? sv_span(g->tag, 16) : none, out, &len);
    assert_int_equal(len, good ? SIZE : 0);
    return good;
}

static bool wrap(fixture *f, const given *g, uint8_t *out)
{
    sipveil_error err;
    size_t len;
    sipveil_code code = sv_passwrap_key(f->crypto, g->cipher, key, iv, sv_span(text, 32), out, &len, &err);
    assert_true(code == SIPVEIL_OK || (code == SIPVEIL_INTERNAL && strcmp(err.text, "password key wrap failed") == 0));
    return code == SIPVEIL_OK;
}

static bool unwrap(fixture *f, const given *g, uint8_t *out)
{
    return sv_passunwrap_key(f->crypto, g->cipher, key, iv, sv_span(g->wrapped, g->wrapped_len), 32, out);
}

static given make(fixture *f, sipveil_cipher cipher)
{
    const sv_cipher_row *row = sv_cipher_row_of(cipher);
    given g = {.cipher = cipher, .len = sv_cipher_output(cipher, SIZE)};
    calls_left = 0;
    assert_true(row->ccm || sv_cipher_encrypt(f->crypto, cipher, key, iv, row->authenticated ? associated : none,
                                              sv_span(text, SIZE), g.ciphertext, g.tag, NULL) == SIPVEIL_OK);
    assert_true(row->authenticated || sv_passwrap_key(f->crypto, cipher, key, iv, sv_span(text, 32), g.wrapped,
                                                      &g.wrapped_len, NULL) == SIPVEIL_OK);
    return g;
}

/* Every n until the nth call is one too many. Returns how many calls there are. */
static unsigned fail_everywhere(fixture *f, const given *g, operation run, enum failure how, size_t wiped)
{
    static const uint8_t zero[OUT_MOST];
    for (unsigned n = 1;; n++) {
        uint8_t out[OUT_MOST];
        memset(out, 0xAA, sizeof out);
        calls_left = n;
        kind = how;
        bool good = run(f, g, out);
        bool failed = calls_left == 0;
        calls_left = 0;
        if (!failed) {
            assert_true(good);
            return n - 1;
        }
        if (how == DOES_LESS && good) continue; /* a call that is not asked how much it did */
        assert_false(good);
        assert_memory_equal(out, zero, wiped);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

static void content_ciphers(void **state)
{
    static const sipveil_cipher ciphers[] = {SIPVEIL_CIPHER_AES_128_GCM, SIPVEIL_CIPHER_AES_256_GCM,
                                             SIPVEIL_CIPHER_AES_128_CBC, SIPVEIL_CIPHER_AES_256_CBC};
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
        given g = make(*state, ciphers[i]);
        bool gcm = sv_cipher_row_of(g.cipher)->authenticated;
        for (enum failure how = REFUSES; how <= DOES_LESS; how++) {
            assert_int_equal(fail_everywhere(*state, &g, encrypt, how, g.len), gcm ? 5 : 3);
            assert_int_equal(fail_everywhere(*state, &g, decrypt, how, g.len), gcm ? 4 : 2);
        }
    }
}

static void password_wrap(void **state)
{
    for (sipveil_cipher c = SIPVEIL_CIPHER_AES_128_CBC; c <= SIPVEIL_CIPHER_AES_256_CBC; c++) {
        given g = make(*state, c);
        for (enum failure how = REFUSES; how <= DOES_LESS; how++) {
            assert_int_equal(fail_everywhere(*state, &g, wrap, how, g.wrapped_len), 3);
            assert_int_equal(fail_everywhere(*state, &g, unwrap, how, 32), 6);
        }
    }
}

/* NIST SP 800-38C has no writer here: the third of the vectors that tests/crypto/cipher.c reads. */
static bool decrypt_vector(fixture *f, const given *g, uint8_t *out)
{
    size_t len;
    (void)g;
    bool good = sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_128_CCM, hex("197afb02ffbd8f699dacae87094d5243").data,
                                  hex("5a8aa485c316e9"), none, hex("24ab9eeb0e5508cae80074f1070ee188a637171860881f1f"),
                                  hex("2d9a3fbc210595b7b8b1b41523111a8e"), out, &len);
    assert_int_equal(len, good ? 24 : 0);
    return good;
}

static void ccm(void **state)
{
    given g = {.cipher = SIPVEIL_CIPHER_AES_128_CCM};
    assert_int_equal(fail_everywhere(*state, &g, decrypt_vector, REFUSES, 24), 6);
    assert_int_equal(fail_everywhere(*state, &g, decrypt_vector, DOES_LESS, 24), 6);
}

/* libcrypto counts in int: what it could not count is refused before it is looked at. */
static void sizes_that_libcrypto_cannot_count(void **state)
{
    fixture *f = *state;
    uint8_t out[OUT_MOST], tag[SV_TAG_LENGTH];
    sipveil_span endless = sv_span(text, (size_t)INT_MAX + 1);
    given g = make(f, SIPVEIL_CIPHER_AES_128_GCM);
    sipveil_error err;
    size_t len = 1;
    assert_int_equal(sv_cipher_encrypt(f->crypto, g.cipher, key, iv, endless, sv_span(text, SIZE), out, tag, &err),
                     SIPVEIL_INTERNAL);
    assert_false(sv_cipher_decrypt(f->crypto, g.cipher, key, sv_span(iv, 12), endless, sv_span(g.ciphertext, g.len),
                                   sv_span(g.tag, 16), out, &len));
    assert_int_equal(len, 0);
}

/* A context that takes no key: nothing is wrapped with the one before. */
static void key_wraps(void **state)
{
    static const uint8_t zero[OUT_MOST];
    fixture *f = *state;
    uint8_t out[OUT_MOST];
    kind = REFUSES;
    memset(out, 0xAA, sizeof out);
    calls_left = 1;
    assert_int_equal(sv_wrap_key(f->crypto, SV_WRAP_AES_256, key, sv_span(text, 32), out, NULL), SIPVEIL_INTERNAL);
    assert_memory_equal(out, zero, 40);
    memset(out, 0xAA, sizeof out);
    calls_left = 1;
    assert_false(sv_unwrap_key(f->crypto, SV_WRAP_AES_256, key, sv_span(text, 40), 32, out));
    assert_memory_equal(out, zero, 32);
    assert_int_equal(calls_left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_wraps),
        cmocka_unit_test(content_ciphers),
        cmocka_unit_test(password_wrap),
        cmocka_unit_test(ccm),
        cmocka_unit_test(sizes_that_libcrypto_cannot_count),
    };
    memset(text, 't', sizeof text);
    return cmocka_run_group_tests_name("a libcrypto that fails", tests, fixture_setup, fixture_teardown);
}
