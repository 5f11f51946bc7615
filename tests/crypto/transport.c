/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/transport.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/fixture.h"

static EVP_PKEY *rsa;

static int setup(void **state)
{
    fixture_setup(state);
    rsa = EVP_PKEY_Q_keygen(((fixture *)*state)->context->library, NULL, "RSA", (size_t)2048);
    return rsa != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    EVP_PKEY_free(rsa);
    return fixture_teardown(state);
}

/* c = m^e mod n of a block that the test chooses. */
static void encrypt_block(fixture *f, const uint8_t block[256], uint8_t out[256])
{
    size_t len = 256;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(f->context->library, rsa, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len, block, 256), 1);
    EVP_PKEY_CTX_free(ctx);
}

static void encrypt_oaep(fixture *f, const char *hash, const char *mask_hash, sipveil_span key, uint8_t out[256])
{
    size_t len = 256;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(f->context->library, rsa, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, hash, NULL), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, mask_hash, NULL), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len, key.data, key.len), 1);
    EVP_PKEY_CTX_free(ctx);
}

static void test_oaep(void **state)
{
    fixture *f = *state;
    static const sv_hash hashes[] = {SV_HASH_SHA1, SV_HASH_SHA256, SV_HASH_SHA384, SV_HASH_SHA512};
    const uint8_t cek[SV_KEY_MOST] = {1, 2, 3};
    uint8_t out[256], back[SV_KEY_MOST];
    sipveil_error err;
    assert_int_equal(sv_transport_size(rsa), 256);
    assert_int_equal(sv_transport_encrypt(f->crypto, rsa, sv_span(cek, 32), out, &err), SIPVEIL_OK);
    sipveil_span sealed = sv_span(out, 256);
    assert_true(sv_transport_decrypt_oaep(f->crypto, rsa, NULL, SV_HASH_SHA256, SV_HASH_SHA256, sealed, 32, back));
    assert_memory_equal(back, cek, 32);
    /* another length than the key inside; another hash; another length than the modulus (ADV-085) */
    assert_false(sv_transport_decrypt_oaep(f->crypto, rsa, NULL, SV_HASH_SHA256, SV_HASH_SHA256, sealed, 16, back));
    assert_false(sv_transport_decrypt_oaep(f->crypto, rsa, NULL, SV_HASH_SHA1, SV_HASH_SHA256, sealed, 32, back));
    assert_false(sv_transport_decrypt_oaep(f->crypto, rsa, NULL, SV_HASH_SHA256, SV_HASH_SHA1, sealed, 32, back));
    sealed.len = 255;
    assert_false(sv_transport_decrypt_oaep(f->crypto, rsa, NULL, SV_HASH_SHA256, SV_HASH_SHA256, sealed, 32, back));
    memset(out, 0xFF, sizeof out); /* >= n */
    sealed.len = 256;
    assert_false(sv_transport_decrypt_oaep(f->crypto, rsa, NULL, SV_HASH_SHA256, SV_HASH_SHA256, sealed, 32, back));
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 4; k++) {
            encrypt_oaep(f, sv_hash_row_of(hashes[i])->library, sv_hash_row_of(hashes[k])->library,
                         sv_span(cek, 24), out);
            assert_true(sv_transport_decrypt_oaep(f->crypto, rsa, NULL, hashes[i], hashes[k], sealed, 24, back));
            assert_memory_equal(back, cek, 24);
        }
    }
}

/* The padding alone, of a block that a token has decrypted without a look at it. */
static void test_unpad(void **state)
{
    fixture *f = *state;
    const uint8_t cek[SV_KEY_MOST] = {1, 2, 3};
    uint8_t sealed[256], block[256], out[SV_KEY_MOST];
    size_t length = sizeof block;
    encrypt_oaep(f, "SHA2-256", "SHA2-384", sv_span(cek, 32), sealed);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(f->context->library, rsa, NULL);
    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_decrypt(ctx, block, &length, sealed, sizeof sealed), 1);
    EVP_PKEY_CTX_free(ctx);
    sipveil_span whole = sv_span(block, sizeof block);
    assert_true(sv_transport_unpad_oaep(f->crypto, SV_HASH_SHA256, SV_HASH_SHA384, whole, 32, out));
    assert_memory_equal(out, cek, 32);
    static const uint8_t zero[SV_KEY_MOST];
    for (size_t at = 0; at < sizeof block; at += 15) { /* ADV-085: any octet of it counts */
        block[at] ^= 1;
        memset(out, 0x55, sizeof out);
        assert_false(sv_transport_unpad_oaep(f->crypto, SV_HASH_SHA256, SV_HASH_SHA384, whole, 32, out));
        assert_memory_equal(out, zero, 32);
        block[at] ^= 1;
    }
    assert_false(sv_transport_unpad_oaep(f->crypto, SV_HASH_SHA256, SV_HASH_SHA256, whole, 32, out));
    assert_false(sv_transport_unpad_oaep(f->crypto, SV_HASH_SHA256, SV_HASH_SHA384, whole, 16, out));
    assert_false(sv_transport_unpad_oaep(f->crypto, SV_HASH_SHA256, SV_HASH_SHA384, sv_span(block, 0), 16, out));
    assert_false(sv_transport_unpad_oaep(f->crypto, SV_HASH_SHA256, SV_HASH_SHA384, sv_span(block, 20), 16, out));
}

/* A block that PKCS #1 v1.5 calls right, with a key of cek_length octets at its end. */
static void conforming(uint8_t block[256], size_t cek_length)
{
    memset(block, 0x11, 256);
    block[0] = 0;
    block[1] = 2;
    block[256 - cek_length - 1] = 0;
    memset(block + 256 - cek_length, 0x77, cek_length);
}

static void test_v15_opens(void **state)
{
    fixture *f = *state;
    uint8_t block[256], sealed[256], cek[SV_KEY_MOST], expected[SV_KEY_MOST];
    sipveil_error err;
    memset(expected, 0x77, sizeof expected);
    for (size_t n = 16; n <= 32; n += 8) {
        conforming(block, n);
        encrypt_block(f, block, sealed);
        assert_int_equal(sv_transport_decrypt_v15(f->crypto, rsa, sv_span(sealed, 256), n, cek, &err), SIPVEIL_OK);
        assert_memory_equal(cek, expected, n);
    }
}

/* ADV-080: a wrong block gives another key and no sign of it; the same one each time, so that sending
 * it again tells nothing. */
static void test_v15_has_no_oracle(void **state)
{
    fixture *f = *state;
    uint8_t block[256], sealed[256], first[16], again[16], seen[16] = {0}, expected[16];
    sipveil_error err;
    memset(expected, 0x77, sizeof expected);
    for (unsigned kind = 0; kind < 8; kind++) {
        conforming(block, 16);
        switch (kind) {
        case 0: block[0] = 0x01; break;            /* does not start with 00 */
        case 1: block[1] = 0x01; break;            /* a signature block */
        case 2: block[256 - 17] = 0x33; break;     /* no separator */
        case 3: block[2] = 0; break;               /* one too early */
        case 4: block[100] = 0; break;
        case 5: block[256 - 18] = 0; break;        /* a key of 17 octets */
        case 6: conforming(block, 32); break;      /* a key of another length */
        case 7: memset(block, 0, 256); break;
        }
        encrypt_block(f, block, sealed);
        assert_int_equal(sv_transport_decrypt_v15(f->crypto, rsa, sv_span(sealed, 256), 16, first, &err), SIPVEIL_OK);
        assert_int_equal(sv_transport_decrypt_v15(f->crypto, rsa, sv_span(sealed, 256), 16, again, &err), SIPVEIL_OK);
        assert_memory_equal(first, again, 16);
        assert_memory_not_equal(first, expected, 16);
        assert_memory_not_equal(first, seen, 16);
        memcpy(seen, first, 16);
    }
    /* ADV-085: lengths and values that no modulus has */
    memset(sealed, 0xFF, sizeof sealed);
    assert_int_equal(sv_transport_decrypt_v15(f->crypto, rsa, sv_span(sealed, 256), 16, first, &err), SIPVEIL_OK);
    assert_int_equal(sv_transport_decrypt_v15(f->crypto, rsa, sv_span(sealed, 255), 16, again, &err), SIPVEIL_OK);
    assert_memory_not_equal(first, again, 16);
    assert_int_equal(sv_transport_decrypt_v15(f->crypto, rsa, sv_span(sealed, 0), 16, again, &err), SIPVEIL_OK);
}

static EVP_PKEY *make_rsa(fixture *f, size_t bits, const char *exponent)
{
    EVP_PKEY *key = NULL;
    BIGNUM *e = NULL;
    assert_true(BN_hex2bn(&e, exponent) > 0);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(f->context->library, "RSA", NULL);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    BN_free(e);
    return key;
}

/* ADV-098 */
static void test_keys_refused(void **state)
{
    fixture *f = *state;
    sipveil_error err;
    assert_int_equal(sv_transport_check_key(NULL, rsa, &err), SIPVEIL_OK);
    EVP_PKEY *key = make_rsa(f, 1024, "10001");
    assert_int_equal(sv_transport_check_key(NULL, key, &err), SIPVEIL_POLICY);
    EVP_PKEY_free(key);
    key = make_rsa(f, 2048, "3FFFFFFFF"); /* over 2^33 */
    assert_int_equal(sv_transport_check_key(NULL, key, &err), SIPVEIL_POLICY);
    EVP_PKEY_free(key);
    key = EVP_PKEY_Q_keygen(f->context->library, NULL, "X25519");
    assert_int_equal(sv_transport_size(key), 0);
    assert_int_equal(sv_transport_size(NULL), 0);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oaep),
        cmocka_unit_test(test_unpad),
        cmocka_unit_test(test_v15_opens),
        cmocka_unit_test(test_v15_has_no_oracle),
        cmocka_unit_test(test_keys_refused),
    };
    return cmocka_run_group_tests_name("key transport", tests, setup, teardown);
}
