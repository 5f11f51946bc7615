/* SPDX-License-Identifier: BSD-2-Clause */
/* Forms of content encryption beyond the common ones: AES-CCM, which is only read, and content keys bound to
 * their cipher (RFC 9709), which are written where asked for. */
#include "cms/content_key.h"
#include "cms/envelopes.h"
#include "crypto/ccm.h"
#include "crypto/cipher.h"
#include "crypto/keywrap.h"

#define HKDF_OID "1.2.840.113549.1.9.16.3.31"

static const char text[] = "Content-Type: text/plain\r\n\r\nhello";

typedef struct ccm_form {
    const char *what;
    sipveil_cipher cipher;
    size_t nonce, tag; /* octets */
    int icv;           /* as written; -1: absent */
    bool attributes;
    bool hkdf;
    sipveil_code code;
} ccm_form;

static const char *const ccm_oids[] = {"2.16.840.1.101.3.4.1.7", "2.16.840.1.101.3.4.1.27", "2.16.840.1.101.3.4.1.47"};

/* A message for one shared key, its content under AES-CCM. */
static sipveil_span ccm_message(fixture *f, const ccm_form *form)
{
    static const uint8_t nonce[16] = {3, 1, 4, 1, 5, 9, 2, 6};
    uint8_t cek[32] = {7, 7}, key[32], wrapped[40], out[sizeof text], tag[16];
    size_t length = sv_cipher_row_of(form->cipher)->key_length;
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM);
    sipveil_span real = gcm_algorithm(ccm_oids[form->cipher - SIPVEIL_CIPHER_AES_128_CCM], sv_span(nonce, form->nonce), form->icv);
    sipveil_span attributes = form->attributes ? TLV(0x31, attribute(CONTENT_TYPE_OID, der_oid(DATA_OID))) : NOTHING;
    memcpy(key, cek, length);
    if (form->hkdf) assert_int_equal(sv_content_key_bind(f->crypto, sv_span(cek, length), real, key, NULL), SIPVEIL_OK);
    assert_true(encrypt_ccm(form->cipher, key, sv_span(nonce, form->nonce < 7 ? 7 : form->nonce > 13 ? 13 : form->nonce), attributes,
                            sv_span(text, sizeof text - 1), out, tag, form->tag & ~1u));
    assert_int_equal(sv_wrap_key(f->crypto, SV_WRAP_AES_128, kek_octets, sv_span(cek, length), wrapped, NULL), SIPVEIL_OK);
    p.recipients = kekri(SV_SPAN("kek128"), NOTHING, AES_128_WRAP_OID, sv_span(wrapped, length + 8));
    p.algorithm = form->hkdf ? TLV(0x30, der_oid(HKDF_OID), real) : real;
    p.content = TLV(0x80, sv_span(out, sizeof text - 1));
    p.attributes = form->attributes ? TLV(0xA1, content_of(attributes)) : NOTHING;
    p.tag = der_octets(sv_span(tag, form->tag));
    return written(p);
}

/* CMS-05, ADV-061, ADV-067 */
static const ccm_form ccm_forms[] = {
    {"128", SIPVEIL_CIPHER_AES_128_CCM, 12, 16, 16, false, false, SIPVEIL_OK},
    {"192", SIPVEIL_CIPHER_AES_192_CCM, 12, 16, 16, false, false, SIPVEIL_OK},
    {"256", SIPVEIL_CIPHER_AES_256_CCM, 12, 16, 16, false, false, SIPVEIL_OK},
    {"nonce of 7", SIPVEIL_CIPHER_AES_128_CCM, 7, 16, 16, false, false, SIPVEIL_OK},
    {"nonce of 13", SIPVEIL_CIPHER_AES_256_CCM, 13, 16, 16, false, false, SIPVEIL_OK},
    {"the default of 12", SIPVEIL_CIPHER_AES_128_CCM, 12, 12, -1, false, false, SIPVEIL_OK},
    {"12, said", SIPVEIL_CIPHER_AES_128_CCM, 12, 12, 12, false, false, SIPVEIL_OK},
    {"14", SIPVEIL_CIPHER_AES_128_CCM, 12, 14, 14, false, false, SIPVEIL_OK},
    {"CMS-04: attributes as associated data", SIPVEIL_CIPHER_AES_128_CCM, 12, 16, 16, true, false, SIPVEIL_OK},
    {"CMS-14: key bound to CCM", SIPVEIL_CIPHER_AES_256_CCM, 12, 16, 16, true, true, SIPVEIL_OK},
    {"ADV-067: nonce of 6", SIPVEIL_CIPHER_AES_128_CCM, 6, 16, 16, false, false, SIPVEIL_CANNOT_DECRYPT},
    {"ADV-067: nonce of 14", SIPVEIL_CIPHER_AES_128_CCM, 14, 16, 16, false, false, SIPVEIL_CANNOT_DECRYPT},
    {"ADV-067: no nonce", SIPVEIL_CIPHER_AES_128_CCM, 0, 16, 16, false, false, SIPVEIL_CANNOT_DECRYPT},
    {"ADV-061: 4, which RFC 5084 has", SIPVEIL_CIPHER_AES_128_CCM, 12, 4, 4, false, false, SIPVEIL_CANNOT_DECRYPT},
    {"ADV-061: 10, which RFC 5084 has", SIPVEIL_CIPHER_AES_128_CCM, 12, 10, 10, false, false, SIPVEIL_CANNOT_DECRYPT},
    {"ADV-061: 12 where 16 is said", SIPVEIL_CIPHER_AES_128_CCM, 12, 12, 16, false, false, SIPVEIL_CANNOT_DECRYPT},
    {"ADV-061: 16 where nothing is said", SIPVEIL_CIPHER_AES_128_CCM, 12, 16, -1, false, false, SIPVEIL_CANNOT_DECRYPT},
    {"ADV-061: 13, which CCM does not have", SIPVEIL_CIPHER_AES_128_CCM, 12, 13, 13, false, false, SIPVEIL_CANNOT_DECRYPT},
    {"ADV-067: 17", SIPVEIL_CIPHER_AES_128_CCM, 12, 16, 17, false, false, SIPVEIL_CANNOT_DECRYPT},
    {"ADV-067: 0", SIPVEIL_CIPHER_AES_128_CCM, 12, 16, 0, false, false, SIPVEIL_CANNOT_DECRYPT},
};

static void test_ccm(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128");
    for (size_t i = 0; i < sizeof ccm_forms / sizeof *ccm_forms; i++) {
        const ccm_form *form = &ccm_forms[i];
        sv_enveloped e;
        sv_opening out;
        sipveil_error err;
        sv_arena_reset(f->arena);
        sipveil_span message = ccm_message(f, form);
        expect(f, form->what, message, &key, &strict, form->code);
        if (form->code != SIPVEIL_OK) continue;
        assert_int_equal(read_sealed(f, message, &strict, &e, &err), SIPVEIL_OK);
        assert_true(e.cipher == form->cipher && e.cek_hkdf == form->hkdf && e.tag_length == form->tag);
        assert_int_equal(open_read(f, &e, &key, 1, &strict, &out, &err), SIPVEIL_OK);
        assert_true(sv_equal(out.plaintext, SV_SPAN(text)));
        assert_int_equal(out.strength_bits, 128);
        /* ADV-060: any bit of the tag, and of the ciphertext where it stands right before */
        size_t octets = form->tag + (form->attributes ? 0 : sizeof text - 1);
        for (size_t bit = 0; bit < 8 * octets; bit++) {
            uint8_t *at = sv_arena_alloc_raw(f->arena, message.len);
            memcpy(at, message.data, message.len);
            size_t behind = bit / 8 < form->tag ? bit / 8 + 1 : bit / 8 + 3; /* the header of the tag */
            at[message.len - behind] ^= (uint8_t)(1 << bit % 8);
            expect(f, "one bit", sv_span(at, message.len), &key, &strict, SIPVEIL_CANNOT_DECRYPT);
        }
    }
}

static void test_ccm_is_never_written(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128");
    for (sipveil_cipher c = SIPVEIL_CIPHER_AES_128_CCM; c <= SIPVEIL_CIPHER_AES_256_CCM; c++) {
        sv_seal_request request = {.cipher = c, .recipients = &key, .recipient_count = 1};
        sipveil_error err;
        sv_buffer out;
        sv_buffer_init(&out, f->arena, 64, 1 << 16);
        assert_int_equal(sv_cms_seal_enveloped(f->crypto, &request, SV_SPAN("x"), f->arena, &out, &err), SIPVEIL_USAGE);
    }
}

/* ---- RFC 9709 ---- */

/* TUN-91 (1): the two answers of RFC 9709, appendix A */
static const uint8_t answer_cek[16] = {0xC7, 0x02, 0xE7, 0xD0, 0xA9, 0xE0, 0x64, 0xB0, 0x9B, 0xA5, 0x52, 0x45, 0xFB, 0x73, 0x3C, 0xF3};
static const uint8_t answer_iv[16] = {0x65, 0x1F, 0x72, 0x2F, 0xFD, 0x51, 0x2C, 0x52, 0xFE, 0x07, 0x2E, 0x50, 0x7D, 0x72, 0xB3, 0x77};
static const uint8_t answer_cbc[16] = {0x9C, 0xD1, 0x02, 0xC5, 0x2F, 0x1E, 0x19, 0xEC, 0xE8, 0x72, 0x9B, 0x35, 0xBF, 0xEC, 0xEB, 0x50};

static void test_known_answers(void **state)
{
    fixture *f = *state;
    static const char gcm[] = "\x30\x1b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x06\x30\x0e\x04\x0c\x5c\x79\x05\x8b\xa2\xf4\x34\x47\x63\x9d\x29\xe2";
    static const uint8_t answer_gcm[16] = {0x21, 0x24, 0xFF, 0xB2, 0x9F, 0xAC, 0x4E, 0x0F, 0xBB, 0xC7, 0xD5, 0xD8, 0x74, 0x92, 0xBF, 0xF3};
    sipveil_span cbc = TLV(0x30, der_oid(AES_128_CBC_OID), der_octets(sv_span(answer_iv, 16)));
    uint8_t out[16];
    assert_int_equal(sv_content_key_bind(f->crypto, sv_span(answer_cek, 16), sv_span(gcm, sizeof gcm - 1), out, NULL), SIPVEIL_OK);
    assert_memory_equal(out, answer_gcm, 16);
    assert_int_equal(sv_content_key_bind(f->crypto, sv_span(answer_cek, 16), cbc, out, NULL), SIPVEIL_OK);
    assert_memory_equal(out, answer_cbc, 16);
}

static size_t drawn;
static bool answers(void *user, uint8_t *out, size_t len)
{
    (void)user;
    uint8_t both[32];
    memcpy(both, answer_cek, 16);
    memcpy(both + 16, answer_iv, 16);
    if (drawn + len > sizeof both) return false;
    memcpy(out, both + drawn, len);
    drawn += len;
    return true;
}

/* TUN-91 (1), CMS-14: with the key and the IV of the answer drawn, the message says what the RFC says, and
 * its content decrypts with the answer's derived key: the recipient gets the other one. */
static void test_answer_through_the_whole_path(void **state)
{
    fixture *f = *state;
    fixture own = *f;
    sipveil_hooks hooks;
    sipveil_error err;
    sv_opening opened;
    sipveil_hooks_default(&hooks);
    hooks.random = answers;
    assert_int_equal(sipveil_context_new(&hooks, &own.context, &err), SIPVEIL_OK);
    assert_int_equal(sv_crypto_new(own.context, &own.crypto, &err), SIPVEIL_OK);
    sv_cms_key key = test_key(f, "kek128");
    drawn = 0;
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_CBC, .recipients = &key, .recipient_count = 1, .cek_hkdf = true};
    sipveil_span sealed = seal_with(&own, &request, SV_SPAN(text));
    assert_int_equal(drawn, 32);
    parts p = parts_of(f, sealed);
    sipveil_span real = TLV(0x30, der_oid(AES_128_CBC_OID), der_octets(sv_span(answer_iv, 16)));
    assert_true(sv_equal(p.algorithm, TLV(0x30, der_oid(HKDF_OID), real)));
    uint8_t plain[64];
    size_t length;
    assert_true(sv_cipher_decrypt(f->crypto, SIPVEIL_CIPHER_AES_128_CBC, answer_cbc, sv_span(answer_iv, 16), NOTHING,
                                  content_of(p.content), NOTHING, plain, &length));
    assert_true(sv_equal(sv_span(plain, length), SV_SPAN(text)));
    drawn = 0;
    sv_crypto_free(own.crypto);
    sipveil_context_free(own.context);
    assert_int_equal(open_sealed(f, sealed, &key, 1, &strict, &opened, &err), SIPVEIL_OK);
    assert_true(sv_equal(opened.plaintext, SV_SPAN(text)) && sv_equal(opened.cek, sv_span(answer_cek, 16)));
}

/* CMS-14: every cipher and every kind of key; without the wrapper, or with another algorithm in it, nothing
 * comes out (ADV-062). */
static void test_bound_keys(void **state)
{
    fixture *f = *state;
    for (size_t k = 0; k < KINDS; k++) {
        sv_cms_key key = test_key(f, kinds[k]);
        for (sipveil_cipher c = SIPVEIL_CIPHER_AES_128_GCM; c <= SIPVEIL_CIPHER_AES_256_CBC; c++) {
            sipveil_span cek;
            sv_seal_request request = {.cipher = c, .recipients = &key, .recipient_count = 1, .cek_hkdf = true,
                                       .pbkdf2_iterations = TEST_ITERATIONS, .cek_out = &cek};
            sv_enveloped e;
            sv_opening out;
            sipveil_error err;
            sv_arena_reset(f->arena);
            sipveil_span sealed = seal_with(f, &request, SV_SPAN(text));
            assert_int_equal(sv_der_scan(sealed, sipveil_context_limits(f->context), true, &err), SIPVEIL_OK);
            assert_int_equal(read_sealed(f, sealed, &strict, &e, &err), SIPVEIL_OK);
            assert_true(e.cek_hkdf && e.cipher == c);
            assert_int_equal(open_read(f, &e, &key, 1, &strict, &out, &err), SIPVEIL_OK);
            assert_true(sv_equal(out.plaintext, SV_SPAN(text)) && sv_equal(out.cek, cek));
            if (!sv_cipher_row_of(c)->authenticated) continue;
            parts p = parts_of(f, sealed);
            sv_cursor inner = sv_cursor_over(content_of(p.algorithm), "wrapper");
            (void)take_whole(&inner);
            p.algorithm = take_whole(&inner);
            expect(f, "the wrapper removed", written(p), &key, &strict, SIPVEIL_CANNOT_DECRYPT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENVELOPE_TEST(test_ccm),
        ENVELOPE_TEST(test_ccm_is_never_written),
        ENVELOPE_TEST(test_known_answers),
        ENVELOPE_TEST(test_answer_through_the_whole_path),
        ENVELOPE_TEST(test_bound_keys),
    };
    return cmocka_run_group_tests_name("rarer forms of content encryption", tests, envelope_setup, fixture_teardown);
}
