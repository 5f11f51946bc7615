/* SPDX-License-Identifier: BSD-2-Clause */
/* AES key wrap and the wrap of password recipients. */
#include "crypto/keywrap.h"

#include "crypto/fixture.h"
#include "crypto/passwrap.h"

static const struct {
    const char *section, *kek, *key, *wrapped;
} rfc3394[] = {
    {"4.1", "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
     "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
    {"4.2", "000102030405060708090a0b0c0d0e0f1011121314151617", "00112233445566778899aabbccddeeff",
     "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"},
    {"4.3", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
    {"4.4", "000102030405060708090a0b0c0d0e0f1011121314151617",
     "00112233445566778899aabbccddeeff0001020304050607",
     "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"},
    {"4.5", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "00112233445566778899aabbccddeeff0001020304050607",
     "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
    {"4.6", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
     "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
    /* CEK-13: the key-encryption key is the octets of an earlier content key reversed */
    {"CEK-13", "0f0e0d0c0b0a09080706050403020100", "202122232425262728292a2b2c2d2e2f",
     "e0158c4357f74c21a835c8c47a46e0a58f991b04aee4c195"},
};

static void test_known_answers(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof rfc3394 / sizeof *rfc3394; i++) {
        uint8_t out[SV_KEY_MOST + SV_WRAP_GAIN];
        sipveil_error err;
        sv_wrap wrap;
        sipveil_span kek = hex(rfc3394[i].kek), key = hex(rfc3394[i].key), wrapped = hex(rfc3394[i].wrapped);
        assert_true(sv_wrap_by_key_length(kek.len, &wrap));
        assert_int_equal(sv_wrap_key(f->crypto, wrap, kek.data, key, out, &err), SIPVEIL_OK);
        assert_octets(out, wrapped);
        assert_true(sv_unwrap_key(f->crypto, wrap, kek.data, wrapped, key.len, out));
        assert_octets(out, key);
    }
}

/* ADV-089: only the exact length; every flipped bit fails and leaves nothing behind */
static void test_refusals(void **state)
{
    fixture *f = *state;
    const uint8_t *kek = hex(rfc3394[0].kek).data;
    static const uint8_t zero[SV_KEY_MOST];
    static uint8_t large[1 << 20];
    uint8_t out[SV_KEY_MOST], wrapped[24];
    sipveil_error err;
    memcpy(wrapped, hex(rfc3394[0].wrapped).data, sizeof wrapped);
    for (size_t bit = 0; bit < 8 * sizeof wrapped; bit++) {
        wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(out, 0x55, sizeof out);
        assert_false(sv_unwrap_key(f->crypto, SV_WRAP_AES_128, kek, sv_span(wrapped, 24), 16, out));
        assert_memory_equal(out, zero, 16);
        wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    static const size_t lengths[] = {0, 8, 15, 16, 23, 25, 32, 40, 41, sizeof large};
    memcpy(large, wrapped, sizeof wrapped);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_false(sv_unwrap_key(f->crypto, SV_WRAP_AES_128, kek, sv_span(large, lengths[i]), 16, out));
    }
    assert_false(sv_unwrap_key(f->crypto, SV_WRAP_AES_128, kek, sv_span(wrapped, 24), 32, out));
    assert_false(sv_unwrap_key(f->crypto, SV_WRAP_AES_128, kek, sv_span(wrapped, 24), 15, out));
    assert_int_equal(sv_wrap_key(f->crypto, SV_WRAP_AES_128, kek, sv_span(zero, 8), large, &err), SIPVEIL_INTERNAL);
    /* RFC 5649 6: a key wrapped with padding (AES-KWP) has another check value */
    assert_false(sv_unwrap_key(f->crypto, SV_WRAP_AES_192,
                               hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8").data,
                               hex("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"), 24, out));
}

static void test_password_wrap(void **state)
{
    fixture *f = *state;
    static const size_t lengths[] = {16, 24, 32};
    const uint8_t *kek = hex(rfc3394[2].kek).data;
    const uint8_t iv[16] = {9}, key[32] = {1, 2, 3, 4};
    sipveil_error err;
    for (size_t i = 0; i < 3; i++) {
        uint8_t wrapped[SV_PASSWRAP_MOST], out[SV_KEY_MOST];
        size_t len;
        assert_int_equal(sv_passwrap_key(f->crypto, SIPVEIL_CIPHER_AES_256_CBC, kek, iv,
                                         sv_span(key, lengths[i]), wrapped, &len, &err), SIPVEIL_OK);
        assert_true(len >= 32 && len % 16 == 0);
        assert_true(sv_passunwrap_key(f->crypto, SIPVEIL_CIPHER_AES_256_CBC, kek, iv, sv_span(wrapped, len),
                                      lengths[i], out));
        assert_memory_equal(out, key, lengths[i]);
        /* another length than the one inside */
        assert_false(sv_passunwrap_key(f->crypto, SIPVEIL_CIPHER_AES_256_CBC, kek, iv, sv_span(wrapped, len),
                                       lengths[(i + 1) % 3], out));
        size_t opened = 0;
        for (size_t bit = 0; bit < 8 * len; bit++) {
            wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
            opened += sv_passunwrap_key(f->crypto, SIPVEIL_CIPHER_AES_256_CBC, kek, iv, sv_span(wrapped, len),
                                        lengths[i], out);
            wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_true(opened == 0); /* 32 bits are checked: 1 in 10 million that this fails by chance */
    }
}

/* ADV-095: lengths that cannot be */
static void test_password_wrap_lengths(void **state)
{
    fixture *f = *state;
    static const uint8_t octets[SV_PASSWRAP_READ_MOST + 16];
    uint8_t out[SV_KEY_MOST];
    sipveil_error err;
    size_t len;
    for (size_t n = 0; n <= 32; n++) {
        assert_false(sv_passunwrap_key(f->crypto, SIPVEIL_CIPHER_AES_128_CBC, octets, octets,
                                       sv_span(octets, n), 32, out));
    }
    assert_false(sv_passunwrap_key(f->crypto, SIPVEIL_CIPHER_AES_128_CBC, octets, octets,
                                   sv_span(octets, sizeof octets), 32, out));
    assert_int_equal(sv_passwrap_key(f->crypto, SIPVEIL_CIPHER_AES_128_CBC, octets, octets, sv_span(octets, 2),
                                     out, &len, &err), SIPVEIL_INTERNAL);
}

/* A cipher that is somewhere else, and fails at the nth block. */
static bool fails_at(void *state, uint8_t block[16])
{
    unsigned *left = state;
    block[0] ^= 1;
    return (*left)-- > 1;
}

static void test_blocks_that_fail(void **state)
{
    static const uint8_t zero[SV_KEY_MOST + SV_WRAP_GAIN];
    (void)state;
    for (unsigned n = 1; n <= 24; n++) {
        uint8_t out[SV_KEY_MOST + SV_WRAP_GAIN], key[SV_KEY_MOST] = {1};
        unsigned left = n;
        memset(out, 0x55, sizeof out);
        assert_false(sv_wrap_by_blocks(fails_at, &left, sv_span(key, 32), out));
        assert_memory_equal(out, zero, 40);
        left = n;
        memset(out, 0x55, sizeof out);
        assert_false(sv_unwrap_by_blocks(fails_at, &left, sv_span(zero, 40), 32, out));
        assert_memory_equal(out, zero, 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_blocks_that_fail),
        cmocka_unit_test(test_password_wrap),
        cmocka_unit_test(test_password_wrap_lengths),
    };
    return cmocka_run_group_tests_name("wrapping keys", tests, fixture_setup, fixture_teardown);
}
