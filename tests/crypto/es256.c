/* SPDX-License-Identifier: BSD-2-Clause */
/* ES256: the known answer of RFC 7515 A.3, both forms of a signature, and what is out of range. */
#include "crypto/es256.h"
#include "fixture.h"

#include <openssl/x509.h>
#include <string.h>

#define RFC7515_INPUT                                                                                        \
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
    "cnVlfQ"
#define ORDER "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"
#define ORDER_LESS_1 "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550"
#define ONE "0000000000000000000000000000000000000000000000000000000000000001"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* RFC 7515 A.3.1: the key, and the signature as octets. */
static EVP_PKEY *rfc7515_key(const fixture *f)
{
    static const uint8_t prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06,
                                     0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
    static const char point[] = "7FCDCE2770F6C45D4183CBEE6FDB4B7B580733357BE9EF13BACF6E3C7BD15445"
                                "C7F144CD1BBD9B7E872CDFEDB9EEB9F4B3695D6EA90B24AD8A4623288588E5AD";
    uint8_t der[sizeof prefix + 64];
    memcpy(der, prefix, sizeof prefix);
    memcpy(der + sizeof prefix, hex(point).data, 64);
    const uint8_t *at = der;
    EVP_PKEY *key = d2i_PUBKEY_ex(NULL, &at, sizeof der, f->context->library, NULL);
    assert_non_null(key);
    return key;
}

static const uint8_t rfc7515_signature[] = {
    14, 209, 33, 83, 121, 99, 108, 72, 60, 47, 127, 21, 88, 7, 212, 2, 163, 178, 40, 3, 58, 249, 124, 126, 23, 129, 154,
    195, 22, 158, 166, 101, 197, 10, 7, 211, 140, 60, 112, 229, 216, 241, 45, 175, 8, 74, 84, 128, 166, 101, 144, 197,
    242, 147, 80, 154, 143, 63, 127, 138, 131, 163, 84, 213};

static bool verify(fixture *f, EVP_PKEY *key, sipveil_span message, sipveil_span signature)
{
    bool valid;
    assert_int_equal(sv_es256_verify(f->crypto, key, message, signature, &valid, NULL), SIPVEIL_OK);
    return valid;
}

static void known_answer(void **state)
{
    fixture *f = *state;
    EVP_PKEY *key = rfc7515_key(f);
    sipveil_span signature = sv_span(rfc7515_signature, sizeof rfc7515_signature);
    assert_true(verify(f, key, SV_SPAN(RFC7515_INPUT), signature));
    assert_true(verify(f, key, SV_SPAN(RFC7515_INPUT), signature)); /* from what was kept */
    assert_false(verify(f, key, SV_SPAN(RFC7515_INPUT "x"), signature));
    assert_false(verify(f, key, SV_SPAN(RFC7515_INPUT), sv_span(signature.data, 63)));
    for (size_t i = 0; i < sizeof rfc7515_signature; i++) {
        uint8_t bent[sizeof rfc7515_signature];
        memcpy(bent, rfc7515_signature, sizeof bent);
        bent[i] ^= 0x40;
        assert_false(verify(f, key, SV_SPAN(RFC7515_INPUT), sv_span(bent, sizeof bent)));
    }
    EVP_PKEY_free(key);
}

/* More keys than a thread keeps prepared, in turn; nothing signed with one is another's. */
static void many_keys(void **state)
{
    enum { KEYS = 20 };
    fixture *f = *state;
    EVP_PKEY *keys[KEYS];
    uint8_t signatures[KEYS][SV_ES256_LENGTH];
    sipveil_error err;
    for (size_t i = 0; i < KEYS; i++) {
        keys[i] = EVP_PKEY_Q_keygen(f->context->library, NULL, "EC", "P-256");
        assert_true(sv_es256_fits(keys[i]));
    }
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < KEYS; i++) {
            assert_int_equal(sv_es256_sign(f->crypto, keys[i], NULL, SV_SPAN("text"), signatures[i], &err), SIPVEIL_OK);
            assert_true(verify(f, keys[i], SV_SPAN("text"), sv_span(signatures[i], SV_ES256_LENGTH)));
            assert_false(verify(f, keys[(i + 1) % KEYS], SV_SPAN("text"), sv_span(signatures[i], SV_ES256_LENGTH)));
        }
    }
    for (size_t i = 0; i < KEYS; i++) EVP_PKEY_free(keys[i]);
    EVP_PKEY *other = EVP_PKEY_Q_keygen(f->context->library, NULL, "EC", "P-384");
    assert_false(sv_es256_fits(other));
    EVP_PKEY_free(other);
}

/* IDN-27: 64 octets, r and s above zero and below the order. */
static void ranges(void **state)
{
    static const struct {
        const char *pair;
        bool good;
    } rows[] = {{ONE ONE, true},   {ORDER_LESS_1 ORDER_LESS_1, true}, {ZERO ONE, false}, {ONE ZERO, false},
                {ORDER ONE, false}, {ONE ORDER, false},               {ONE, false},      {ONE ONE "00", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t der[SV_ES256_DER_MOST], back[SV_ES256_LENGTH];
        size_t length = 0;
        sipveil_span pair = hex(rows[i].pair);
        assert_int_equal(sv_es256_to_der(pair, der, &length), rows[i].good);
        if (!rows[i].good) continue;
        assert_true(sv_es256_from_der(sv_span(der, length), back));
        assert_octets(back, pair);
        assert_false(sv_es256_from_der(sv_span(der, length - 1), back));
    }
    static const char *const bad[] = {"", "3000", "3006020100020101", "3006020101020181", "300702010102010100",
                                      "30060201010201", "3106020101020101", "3006020101030101"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t back[SV_ES256_LENGTH];
        assert_false(sv_es256_from_der(hex(bad[i]), back));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(known_answer, fixture_setup, fixture_teardown),
                                       cmocka_unit_test_setup_teardown(many_keys, fixture_setup, fixture_teardown),
                                       cmocka_unit_test(ranges)};
    return cmocka_run_group_tests_name("ES256", tests, NULL, NULL);
}
