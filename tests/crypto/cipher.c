/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/cipher.h"

#include "crypto/ccm.h"
#include "crypto/fixture.h"

static const sipveil_span none = {NULL, 0};

/* Test cases 4 and 16 of the GCM submission; AES-CBC: NIST SP 800-38A F.2.5 with its padding block. */
static void test_known_answers(void **state)
{
    fixture *f = *state;
    sipveil_span plaintext = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    sipveil_span associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    const uint8_t *iv = hex("cafebabefacedbaddecaf888").data;
    const uint8_t *key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").data;
    uint8_t out[128], tag[SV_TAG_LENGTH];
    sipveil_error err;
    assert_int_equal(sv_cipher_encrypt(f->crypto, SIPVEIL_CIPHER_AES_128_GCM, key, iv, associated, plaintext,
                                       out, tag, &err), SIPVEIL_OK);
    assert_octets(out, hex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                           "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"));
    assert_octets(tag, hex("5bc94fbc3221a5db94fae95ae7121a47"));
    assert_int_equal(sv_cipher_encrypt(f->crypto, SIPVEIL_CIPHER_AES_256_GCM, key, iv, associated, plaintext,
                                       out, tag, &err), SIPVEIL_OK);
    assert_octets(out, hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                           "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"));
    assert_octets(tag, hex("76fc6ece0f4e1768cddf8853bb2d551b"));
    assert_int_equal(
        sv_cipher_encrypt(f->crypto, SIPVEIL_CIPHER_AES_256_CBC,
                          hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4").data,
                          hex("000102030405060708090a0b0c0d0e0f").data, none,
                          hex("6bc1bee22e409f96e93d7e117393172a"), out, NULL, &err),
        SIPVEIL_OK);
    assert_octets(out, hex("f58c4c04d6e5f1ba779eabfb5f7bfbd6"));
    assert_int_equal(sv_cipher_output(SIPVEIL_CIPHER_AES_256_CBC, 16), 32);
}

static void test_round_trips(void **state)
{
    fixture *f = *state;
    uint8_t key[SV_KEY_MOST] = {1}, iv[16] = {2}, plaintext[70], out[96], back[96], tag[SV_TAG_LENGTH];
    sipveil_error err;
    size_t len;
    memset(plaintext, 'x', sizeof plaintext);
    for (sipveil_cipher c = SIPVEIL_CIPHER_NONE + 1; c < SIPVEIL_CIPHER_COUNT; c++) {
        if (sv_cipher_row_of(c)->ccm) {
            assert_int_equal(sv_cipher_encrypt(f->crypto, c, key, iv, none, sv_span(plaintext, 16), out, tag, &err),
                             SIPVEIL_INTERNAL);
            continue;
        }
        bool authenticated = sv_cipher_row_of(c)->authenticated;
        for (size_t n = 0; n <= sizeof plaintext; n++) {
            assert_int_equal(sv_cipher_encrypt(f->crypto, c, key, iv, none, sv_span(plaintext, n), out, tag, &err),
                             SIPVEIL_OK);
            sipveil_span ciphertext = sv_span(out, sv_cipher_output(c, n));
            assert_true(sv_cipher_decrypt(f->crypto, c, key, sv_span(iv, sv_cipher_row_of(c)->iv_length), none, ciphertext,
                                          authenticated ? sv_span(tag, sizeof tag) : none, back, &len));
            assert_int_equal(len, n);
            assert_memory_equal(back, plaintext, n);
        }
    }
}

/* ADV-060, ADV-061: a changed bit anywhere, or a tag of another length */
static void test_gcm_refusals(void **state)
{
    fixture *f = *state;
    uint8_t key[16] = {1}, iv[12] = {2}, out[20], back[20], tag[SV_TAG_LENGTH], zero[20] = {0};
    sipveil_span associated = hex("3102aabb"), changed = hex("3102aabc");
    sipveil_error err;
    size_t len;
    assert_int_equal(sv_cipher_encrypt(f->crypto, SIPVEIL_CIPHER_AES_128_GCM, key, iv, associated,
                                       sv_span(zero, 20), out, tag, &err), SIPVEIL_OK);
    sipveil_span ciphertext = sv_span(out, 20);
    for (size_t bit = 0; bit < 8 * sizeof out; bit++) {
        out[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_128_GCM, key, sv_span(iv, sizeof iv), associated, ciphertext,
                                       sv_span(tag, 16), back, &len));
        assert_memory_equal(back, zero, 20);
        assert_int_equal(len, 0);
        out[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n <= 16; n++) {
        assert_int_equal(sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_128_GCM, key, sv_span(iv, sizeof iv), associated, ciphertext,
                                           sv_span(tag, n), back, &len), n >= SV_TAG_LEAST);
    }
    assert_false(sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_128_GCM, key, sv_span(iv, sizeof iv), associated, ciphertext,
                                   sv_span("01234567890123456789", 17), back, &len));
    assert_false(sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_128_GCM, key, sv_span(iv, sizeof iv), changed, ciphertext,
                                   sv_span(tag, 16), back, &len));
}

/* CMS-05: three answers of NIST's vectors for CCM, two of them of nothing at all. */
static void test_ccm_known_answers(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *key, *nonce, *plaintext, *ciphertext, *tag;
    } rows[] = {
        {"4bb3c4a4f893ad8c9bdc833c325d62b3", "5a8aa485c316e9", "", "", "75d582db43ce9b13ab4b6f7f14341330"},
        {"19ebfde2d5468ba0a3031bde629b11fd", "5a8aa485c316e9403aff859fbb", "", "", "fb04dc5a44c6bb000f2440f5154364b4"},
        {"197afb02ffbd8f699dacae87094d5243", "5a8aa485c316e9", "3796cf51b8726652a4204733b8fbb047cf00fb91a9837e22",
         "24ab9eeb0e5508cae80074f1070ee188a637171860881f1f", "2d9a3fbc210595b7b8b1b41523111a8e"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t back[24];
        size_t len;
        sipveil_span plaintext = hex(rows[i].plaintext), tag = hex(rows[i].tag);
        assert_true(sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_128_CCM, hex(rows[i].key).data, hex(rows[i].nonce), none,
                                      hex(rows[i].ciphertext), tag, back, &len));
        assert_int_equal(len, plaintext.len);
        if (len > 0) assert_octets(back, plaintext);
        uint8_t changed[16];
        memcpy(changed, tag.data, 16);
        changed[15] ^= 1;
        assert_false(sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_128_CCM, hex(rows[i].key).data, hex(rows[i].nonce), none,
                                       hex(rows[i].ciphertext), sv_span(changed, 16), back, &len));
    }
}

/* CMS-05, ADV-061, ADV-067: every size of key, nonce and tag; what is altered or of a size that RFC 5084
 * does not have leaves nothing behind, and the next message is not the worse for it. */
static void test_ccm(void **state)
{
    fixture *f = *state;
    uint8_t key[32] = {9}, octets[20] = {4}, out[64], back[64], tag[SV_TAG_LENGTH], zero[64] = {0}, text[64];
    sipveil_span associated = hex("3102aabb");
    size_t len;
    memset(text, 't', sizeof text);
    for (sipveil_cipher c = SIPVEIL_CIPHER_AES_128_CCM; c <= SIPVEIL_CIPHER_AES_256_CCM; c++) {
        for (size_t n = 7; n <= 13; n++) {
            for (size_t t = 12; t <= 16; t += 2) {
                for (size_t size = 0; size <= sizeof text; size += 16) {
                    sipveil_span nonce = sv_span(octets, n), plaintext = sv_span(text, size);
                    assert_true(encrypt_ccm(c, key, nonce, associated, plaintext, out, tag, t));
                    sipveil_span ciphertext = sv_span(out, size);
                    assert_true(sv_cipher_decrypt(f->crypto, c, key, nonce, associated, ciphertext, sv_span(tag, t), back, &len));
                    assert_int_equal(len, size);
                    assert_memory_equal(back, text, size);
                    memset(back, 1, sizeof back);
                    tag[t - 1] ^= 1;
                    assert_false(sv_cipher_decrypt(f->crypto, c, key, nonce, associated, ciphertext, sv_span(tag, t), back, &len));
                    tag[t - 1] ^= 1;
                    assert_int_equal(len, 0);
                    assert_memory_equal(back, zero, size);
                    assert_false(sv_cipher_decrypt(f->crypto, c, key, nonce, none, ciphertext, sv_span(tag, t), back, &len));
                }
            }
        }
    }
    sipveil_cipher c = SIPVEIL_CIPHER_AES_128_CCM;
    for (size_t n = 0; n <= sizeof octets; n++) {
        if (n >= 7 && n <= 13) continue;
        assert_false(sv_cipher_decrypt(f->crypto, c, key, sv_span(octets, n), none, sv_span(out, 16), sv_span(tag, 16), back, &len));
    }
    for (size_t t = 4; t < 12; t += 2) { /* as RFC 5084 has them, and too short for us */
        assert_true(encrypt_ccm(c, key, sv_span(octets, 12), none, sv_span(text, 16), out, tag, t));
        assert_false(sv_cipher_decrypt(f->crypto, c, key, sv_span(octets, 12), none, sv_span(out, 16), sv_span(tag, t), back, &len));
    }
    static uint8_t large[0x10000]; /* a nonce of 13 octets leaves two for the length */
    assert_false(sv_cipher_decrypt(f->crypto, c, key, sv_span(octets, 13), none, sv_span(large, sizeof large), sv_span(tag, 16), large, &len));
    assert_true(encrypt_ccm(c, key, sv_span(octets, 12), none, sv_span(text, 16), out, tag, 16));
    assert_true(sv_cipher_decrypt(f->crypto, c, key, sv_span(octets, 12), none, sv_span(out, 16), sv_span(tag, 16), back, &len));
}

/* ADV-065: every value of the last octet; only real padding passes */
static void test_cbc_padding(void **state)
{
    fixture *f = *state;
    uint8_t key[16] = {1}, iv[16] = {2}, block[32] = {0}, out[48], back[48];
    sipveil_error err;
    size_t len;
    for (unsigned pad = 0; pad < 256; pad++) {
        for (unsigned good = 0; good < 2; good++) {
            memset(block, 0xEE, sizeof block);
            unsigned run = good ? (pad <= 16 ? pad : 16) : 1;
            for (unsigned i = 0; i < run; i++) block[31 - i] = (uint8_t)pad;
            block[31] = (uint8_t)pad;
            if (!good && pad > 1 && pad <= 16) block[31 - (pad - 1)] = (uint8_t)(pad ^ 0x80);
            /* our own padding block behind is cut off */
            assert_int_equal(sv_cipher_encrypt(f->crypto, SIPVEIL_CIPHER_AES_128_CBC, key, iv, none,
                                               sv_span(block, 32), out, NULL, &err), SIPVEIL_OK);
            bool opened = sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_128_CBC, key, sv_span(iv, sizeof iv), none,
                                            sv_span(out, 32), none, back, &len);
            bool expected = pad >= 1 && pad <= 16 && (good || pad == 1);
            assert_int_equal(opened, expected);
            assert_int_equal(len, expected ? 32 - pad : 0);
        }
    }
    for (size_t n = 0; n < 48; n++) {
        if (n > 0 && n % 16 == 0) continue;
        assert_false(sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_128_CBC, key, sv_span(iv, sizeof iv), none, sv_span(out, n), none,
                                       back, &len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_gcm_refusals),
        cmocka_unit_test(test_ccm_known_answers),
        cmocka_unit_test(test_ccm),
        cmocka_unit_test(test_cbc_padding),
    };
    return cmocka_run_group_tests_name("content ciphers", tests, fixture_setup, fixture_teardown);
}
