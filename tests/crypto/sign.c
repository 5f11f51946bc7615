/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests and signatures: published answers, and which keys are let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "crypto/sign.h"

typedef struct fixture {
    sipveil_context *context;
    sv_crypto *crypto;
    sv_arena *arena;
} fixture;

static int setup(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    assert_int_equal(sipveil_context_new(NULL, &f->context, NULL), SIPVEIL_OK);
    assert_int_equal(sv_crypto_new(f->context, &f->crypto, NULL), SIPVEIL_OK);
    f->arena = sv_arena_new(1 << 14, 1 << 20);
    assert_non_null(f->arena);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    if (f == NULL) return 0;
    sv_arena_free(f->arena);
    sv_crypto_free(f->crypto);
    sipveil_context_free(f->context);
    test_free(f);
    return 0;
}

static void free_key(void *key)
{
    EVP_PKEY_free(key);
}

static EVP_PKEY *keep(fixture *f, EVP_PKEY *key)
{
    assert_non_null(key);
    assert_true(sv_arena_defer(f->arena, free_key, key));
    return key;
}

static sipveil_span unhex(fixture *f, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *out = sv_arena_alloc(f->arena, len);
    for (size_t i = 0; i < len; i++) {
        unsigned octet;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &octet), 1);
        out[i] = (uint8_t)octet;
    }
    return sv_span(out, len);
}

/* FIPS 180-4, "abc". */
static void digests_have_their_published_answers(void **state)
{
    static const struct {
        const char *name;
        const char *answer;
    } known[] = {
        {"sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"sha384", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2"
                   "358baeca134c825a7"},
        {"sha512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const sv_digest *digest = sv_digest_by_name(known[i].name);
        uint8_t out[SV_DIGEST_MOST];
        assert_non_null(digest);
        assert_ptr_equal(sv_digest_by_oid(digest->oid), digest);
        assert_int_equal(sv_digest_octets(f->crypto, digest, SV_SPAN("abc"), out, NULL),
                         SIPVEIL_OK);
        assert_true(sv_equal(sv_span(out, digest->size), unhex(f, known[i].answer)));
    }
    assert_null(sv_digest_by_name("sha224"));
    assert_null(sv_digest_by_oid(sv_span(NULL, 0)));
    /* ADV-115: known by name, so that it can be refused by name, and never computed */
    const sv_digest *md5 = sv_digest_by_name("md5");
    uint8_t out[SV_DIGEST_MOST];
    sipveil_error err;
    assert_non_null(md5);
    assert_int_equal(sv_digest_octets(f->crypto, md5, SV_SPAN("abc"), out, &err), SIPVEIL_INTERNAL);
}

static void check_known_signature(fixture *f, EVP_PKEY *key, sipveil_span message, const char *hex)
{
    const sv_signature_scheme *scheme = sv_signature_scheme_for(NULL, key, false);
    sipveil_span signature = unhex(f, hex);
    bool valid = false, weak = true;
    sipveil_error err;
    assert_non_null(scheme);
    assert_int_equal(sv_signature_check_key(NULL, key, scheme->kind, 0, &weak, &err), SIPVEIL_OK);
    assert_false(weak);
    assert_int_equal(
        sv_signature_verify(f->crypto, scheme, 0, key, message, signature, &valid, &err),
        SIPVEIL_OK);
    assert_true(valid);
    for (size_t i = 0; i < signature.len; i++) {
        ((uint8_t *)(uintptr_t)signature.data)[i] ^= 4;
        assert_int_equal(
            sv_signature_verify(f->crypto, scheme, 0, key, message, signature, &valid, &err),
            SIPVEIL_OK);
        assert_false(valid);
        ((uint8_t *)(uintptr_t)signature.data)[i] ^= 4;
    }
    assert_int_equal(
        sv_signature_verify(f->crypto, scheme, 0, key, SV_SPAN("other"), signature, &valid, &err),
        SIPVEIL_OK);
    assert_false(valid);
}

/* RFC 8032 7.1, test 1; RFC 6979 A.2.5, SHA-256, "sample". */
static void signatures_have_their_published_answers(void **state)
{
    fixture *f = *state;
    sipveil_span public_key =
        unhex(f, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    check_known_signature(
        f,
        keep(f, EVP_PKEY_new_raw_public_key_ex(f->context->library, "ED25519", NULL,
                                               public_key.data, public_key.len)),
        sv_span(NULL, 0),
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b4"
        "6bd25bf5f0595bbe24655141438e7a100b");
    sipveil_span point =
        unhex(f, "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
                 "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    assert_int_equal(OSSL_PARAM_BLD_push_utf8_string(build, "group", "P-256", 0), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_octet_string(build, "pub", point.data, point.len), 1);
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(f->context->library, "EC", NULL);
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    check_known_signature(
        f, keep(f, key), SV_SPAN("sample"),
        "3046022100EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        "022100F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
}

static EVP_PKEY *rsa_public(fixture *f, unsigned bits, const char *exponent)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_new(), *e = NULL;
    EVP_PKEY *key = NULL;
    assert_int_equal(BN_rand(n, (int)bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
    assert_true(BN_hex2bn(&e, exponent) > 0);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e), 1);
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(f->context->library, "RSA", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return keep(f, key);
}

/* ADV-115 */
static void rsa_keys_are_let_in_by_size_and_exponent(void **state)
{
    static const struct {
        unsigned bits;
        const char *exponent; /* hex */
        unsigned allow_weak;
        sipveil_code code;
    } cases[] = {
        {2048, "10001", 0, SIPVEIL_OK},
        {2048, "3", 0, SIPVEIL_OK},
        {2048, "1FFFFFFFF", 0, SIPVEIL_OK},
        {2048, "1", 0, SIPVEIL_POLICY},
        {2048, "10000", 0, SIPVEIL_POLICY},
        {2048, "200000001", 0, SIPVEIL_POLICY},
        {8192, "10001", 0, SIPVEIL_OK},
        {8193, "10001", ~0u, SIPVEIL_POLICY},
        {16384, "10001", ~0u, SIPVEIL_POLICY}, /* ADV-123 */
        {2047, "10001", 0, SIPVEIL_POLICY},
        {1024, "10001", ~(unsigned)SIPVEIL_WEAK_RSA1024, SIPVEIL_POLICY},
        {1024, "10001", SIPVEIL_WEAK_RSA1024, SIPVEIL_OK},
        {1023, "10001", ~0u, SIPVEIL_POLICY},
        {512, "10001", ~0u, SIPVEIL_POLICY},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool weak;
        sipveil_error err;
        EVP_PKEY *key = rsa_public(f, cases[i].bits, cases[i].exponent);
        sipveil_code code =
            sv_signature_check_key(NULL, key, SV_SIGNATURE_RSA_V15, cases[i].allow_weak, &weak, &err);
        if (code != cases[i].code) fail_msg("case %zu: %d", i, code);
        if (code == SIPVEIL_OK) assert_int_equal(weak, cases[i].bits < 2048);
        if (code != SIPVEIL_OK) assert_string_equal(err.rule, "ADV-115");
    }
}

static void keys_fit_their_scheme_and_curve(void **state)
{
    fixture *f = *state;
    static const char *const groups[] = {"P-256",     "P-384", "P-521",
                                         "secp256k1", "P-224", "brainpoolP256r1"};
    static const sv_signature_kind kinds[] = {SV_SIGNATURE_ECDSA, SV_SIGNATURE_ED25519,
                                              SV_SIGNATURE_RSA_PSS};
    bool weak;
    sipveil_error err;
    EVP_PKEY *keys[] = {keep(f, EVP_PKEY_Q_keygen(f->context->library, NULL, "EC", "P-256")),
                        keep(f, EVP_PKEY_Q_keygen(f->context->library, NULL, "ED25519")),
                        rsa_public(f, 2048, "10001")};
    for (size_t i = 0; i < 6; i++) { /* ADV-115: the list of curves */
        EVP_PKEY *key = keep(f, EVP_PKEY_Q_keygen(f->context->library, NULL, "EC", groups[i]));
        assert_int_equal(sv_signature_check_key(NULL, key, SV_SIGNATURE_ECDSA, ~0u, &weak, &err),
                         i < 3 ? SIPVEIL_OK : SIPVEIL_POLICY);
        assert_int_equal(sv_signature_scheme_for(NULL, key, false) != NULL, i < 3);
    }
    for (size_t k = 0; k < 3; k++) { /* ADV-116 */
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(sv_signature_check_key(NULL, keys[i], kinds[k], 0, &weak, &err),
                             i == k ? SIPVEIL_OK : SIPVEIL_BAD_SIGNATURE);
        }
    }
    assert_null(sv_signature_scheme_for(
        NULL, keep(f, EVP_PKEY_Q_keygen(f->context->library, NULL, "X25519")), false));
}

static void schemes_are_found_by_oid_and_digest(void **state)
{
    (void)state;
    bool known;
    sipveil_span ecdsa256 = SV_SPAN("\x2A\x86\x48\xCE\x3D\x04\x03\x02");
    sipveil_span rsa = SV_SPAN("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01");
    assert_string_equal(
        sv_signature_scheme_find(ecdsa256, sv_digest_by_name("sha256"), &known)->name,
        "ecdsa-sha256");
    assert_null(sv_signature_scheme_find(ecdsa256, sv_digest_by_name("sha512"), &known));
    assert_true(known); /* a contradiction, not an unknown algorithm */
    assert_string_equal(sv_signature_scheme_find(rsa, sv_digest_by_name("sha384"), &known)->name,
                        "rsa-sha384");
    assert_null(sv_signature_scheme_find(SV_SPAN("\x2A\x03"), sv_digest_by_name("sha256"), &known));
    assert_false(known);
    assert_null(sv_signature_scheme_find(sv_span(NULL, 0), sv_digest_by_name("sha256"), &known));
    assert_false(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_have_their_published_answers),
        cmocka_unit_test(signatures_have_their_published_answers),
        cmocka_unit_test(rsa_keys_are_let_in_by_size_and_exponent),
        cmocka_unit_test(keys_fit_their_scheme_and_curve),
        cmocka_unit_test(schemes_are_found_by_oid_and_digest),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
