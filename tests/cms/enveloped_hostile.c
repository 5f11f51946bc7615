/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that somebody altered or made up. Each has the name of its case; what is behind a key that
 * fits ends in one and the same way. */
#include "cms/envelopes.h"
#include "crypto/agree.h"
#include "crypto/keywrap.h"
#include "crypto/transport.h"

#include <openssl/rsa.h>

static const sv_cms_policy weak = {.allow_weak = SIPVEIL_WEAK_SHA1 | SIPVEIL_WEAK_3DES | SIPVEIL_WEAK_RSA_V15_TRANSPORT};

#define AES_128_GCM_OID "2.16.840.1.101.3.4.1.6"
#define AES_256_GCM_OID "2.16.840.1.101.3.4.1.46"
#define AES_128_CBC_OID "2.16.840.1.101.3.4.1.2"
#define AES_128_WRAP_OID "2.16.840.1.101.3.4.1.5"
#define DATA_OID "1.2.840.113549.1.7.1"
#define SIGNED_OID "1.2.840.113549.1.7.2"
#define CONTENT_TYPE_OID "1.2.840.113549.1.9.3"

static parts sealed_parts(fixture *f, const char *kind, sipveil_cipher cipher)
{
    sv_cms_key key = test_key(f, kind);
    return parts_of(f, seal(f, &key, 1, cipher, SV_SPAN("hello hello hello hello")));
}

static sipveil_span gcm_algorithm(const char *oid, sipveil_span nonce, int icv)
{
    sipveil_span length = icv < 0 ? NOTHING : der_number((uint64_t)icv);
    return TLV(0x30, der_oid(oid), TLV(0x30, der_octets(nonce), length));
}

static sipveil_span content_of(sipveil_span tlv)
{
    sv_cursor c = sv_cursor_over(tlv, "tlv");
    sv_der value;
    assert_int_equal(sv_der_take(&c, &value, NULL), SIPVEIL_OK);
    return value.content;
}

/* ADV-060: every bit of a whole message. Nothing altered is ever opened under the strict policy; under
 * the default one a wrong version is only flagged (ADV-055). */
static void test_every_bit(void **state)
{
    fixture *f = *state;
    static const char *const few[] = {"kek128", "P-256", "x25519", "password", "rsa2048"};
    static const char attribute[] = "\x30\x0B\x06\x03\x2A\x03\x04\x31\x04\x04\x02" "ab";
    for (size_t k = 0; k < 5; k++) {
        sv_arena_reset(f->arena);
        sv_cms_key key = test_key(f, few[k]);
        sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &key, .recipient_count = 1,
                                   .pbkdf2_iterations = TEST_ITERATIONS,
                                   .attributes = sv_span(attribute, sizeof attribute - 1)};
        sipveil_span sealed = seal_with(f, &request, SV_SPAN("hello"));
        sv_arena *keep = f->arena, *scratch = sv_arena_new(1 << 16, 1 << 24);
        uint8_t *octets = test_malloc(sealed.len);
        memcpy(octets, sealed.data, sealed.len);
        f->arena = scratch;
        size_t step = strcmp(few[k], "rsa2048") == 0 ? 7 : 1, opened = 0, unused = 0;
        for (size_t bit = 0; bit < 8 * sealed.len; bit += step) {
            sv_opening out;
            sipveil_error err;
            octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
            sipveil_code code = open_sealed(f, sv_span(octets, sealed.len), &key, 1, &strict, &out, &err);
            if (code == SIPVEIL_OK) {
                assert_string_equal(few[k], "x25519"); /* whose public keys have 255 bits (RFC 7748 5) */
                unused++;
            }
            if (open_sealed(f, sv_span(octets, sealed.len), &key, 1, &tolerant, &out, &err) == SIPVEIL_OK) {
                assert_true(sv_equal_str(out.plaintext, "hello"));
                opened++;
            }
            octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
            sv_arena_reset(scratch);
        }
        assert_in_range(opened - unused, step == 1 ? 7 : 0, 16); /* bits of the two versions */
        assert_int_equal(unused, strcmp(few[k], "x25519") == 0);
        f->arena = keep;
        sv_arena_free(scratch);
        test_free(octets);
    }
}

/* ADV-060 with the places by name: each is CANNOT_DECRYPT, whatever the kind of key */
static void test_bits_of_the_content(void **state)
{
    fixture *f = *state;
    for (size_t k = 0; k < KINDS; k++) {
        sv_arena_reset(f->arena);
        sv_cms_key key = test_key(f, kinds[k]);
        parts p = sealed_parts(f, kinds[k], SIPVEIL_CIPHER_AES_256_GCM);
        sipveil_span *const places[] = {&p.content, &p.tag, &p.algorithm};
        for (size_t i = 0; i < 3; i++) {
            sipveil_span good = *places[i];
            for (size_t back = 1; back <= 3; back++) { /* the last octets: value, never a header */
                uint8_t *changed = sv_arena_alloc(f->arena, good.len);
                memcpy(changed, good.data, good.len);
                changed[good.len - back - (i == 2 ? 3 : 0)] ^= 0x40;
                *places[i] = sv_span(changed, good.len);
                expect(f, kinds[k], written(p), &key, &strict, SIPVEIL_CANNOT_DECRYPT);
            }
            *places[i] = good;
        }
        expect(f, kinds[k], written(p), &key, &strict, SIPVEIL_OK);
    }
}

/* ADV-061, ADV-067, CMS-05 */
static void test_gcm_parameters(void **state)
{
    fixture *f = *state;
    static const uint8_t octets[70000];
    sv_cms_key key = test_key(f, "kek128");
    parts good = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM), p = good;
    sipveil_span tag = content_of(good.tag);
    sv_cursor c = sv_cursor_over(content_of(good.algorithm), "algorithm"), inside;
    (void)take_whole(&c);
    assert_int_equal(sv_der_enter(&c, 0x30, "parameters", &inside, NULL), SIPVEIL_OK);
    sipveil_span nonce = content_of(take_whole(&inside));
    static const size_t tags[] = {0, 1, 4, 8, 11, 15, 17, 32};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        sipveil_span cut = JOIN(tag, sv_span(octets, 16));
        cut.len = tags[i];
        p.tag = der_octets(cut);
        p.algorithm = good.algorithm;
        expect(f, "a tag that does not fit aes-ICVlen", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
        p.algorithm = gcm_algorithm(AES_128_GCM_OID, nonce, (int)tags[i]);
        bool real = tags[i] == 15; /* 12 to 16 octets and as announced */
        expect(f, "a tag and aes-ICVlen alike", written(p), &key, &tolerant, real ? SIPVEIL_OK : SIPVEIL_CANNOT_DECRYPT);
    }
    p = good;
    p.algorithm = gcm_algorithm(AES_128_GCM_OID, nonce, -1); /* absent: 12 */
    expect(f, "16 octets where 12 are announced", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    p.tag = der_octets(sv_span(tag.data, 12));
    expect(f, "aes-ICVlen absent", written(p), &key, &tolerant, SIPVEIL_OK);
    static const size_t nonces[] = {0, 1, 8, 11, 13, 16, 32, 64, 70000};
    p = good;
    for (size_t i = 0; i < sizeof nonces / sizeof *nonces; i++) {
        p.algorithm = gcm_algorithm(AES_128_GCM_OID, sv_span(octets, nonces[i]), 16);
        expect(f, "nonce", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    }
    const sipveil_span odd[] = {
        NOTHING, DER_NULL, der_octets(nonce), TLV(0x30, NOTHING), TLV(0x30, der_number(16), der_octets(nonce)),
        TLV(0x30, der_octets(nonce), TLV(0x02, SV_SPAN("\xFF"))), /* -1 */
        TLV(0x30, der_octets(nonce), der_number(UINT64_MAX)), TLV(0x30, der_octets(nonce), der_number(16), DER_NULL),
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        p.algorithm = TLV(0x30, der_oid(AES_128_GCM_OID), odd[i]);
        expect(f, "GCM parameters", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    }
}

/* ADV-062, ADV-063 */
static void test_wrong_ciphers(void **state)
{
    fixture *f = *state;
    static const uint8_t iv[16] = {0};
    sv_cms_key key = test_key(f, "kek128");
    parts gcm = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM), p = gcm;
    parts cbc = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_CBC);
    p.authenticated = false;
    p.tag = NOTHING;
    p.version = der_number(2);
    expect(f, "GCM under EnvelopedData", written(p), &key, &tolerant, SIPVEIL_POLICY);
    p.algorithm = TLV(0x30, der_oid(AES_128_CBC_OID), der_octets(sv_span(iv, 16)));
    expect(f, "GCM relabelled CBC, not of whole blocks", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    p.content = TLV(0x80, content_of(p.content), sv_span(iv, 9)); /* 23 + 9 = 32 */
    sv_opening out;
    sipveil_error err;
    sipveil_code code = open_sealed(f, written(p), &key, 1, &tolerant, &out, &err);
    assert_true(code == SIPVEIL_CANNOT_DECRYPT || (code == SIPVEIL_OK && !sv_starts_nocase_str(out.plaintext, "hello")));
    p = cbc;
    p.authenticated = true;
    p.version = der_number(0);
    p.tag = gcm.tag;
    expect(f, "CBC under AuthEnvelopedData", written(p), &key, &tolerant, SIPVEIL_POLICY);
    static const struct {
        const char *oid;
        sipveil_code code;
    } ciphers[] = {
        {"1.2.840.113549.3.2", SIPVEIL_POLICY},          /* RC2 */
        {"1.2.840.113549.3.4", SIPVEIL_POLICY},          /* RC4 */
        {"1.3.14.3.2.7", SIPVEIL_POLICY},                /* DES */
        {"1.2.840.113549.3.7", SIPVEIL_POLICY},          /* 3DES, not named */
        {"2.16.840.1.101.3.4.1.4", SIPVEIL_UNSUPPORTED}, /* CFB */
        {"2.16.840.1.101.3.4.1.7", SIPVEIL_UNSUPPORTED}, /* CCM */
        {"1.2.3.4", SIPVEIL_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
        p = cbc;
        p.algorithm = TLV(0x30, der_oid(ciphers[i].oid), der_octets(sv_span(iv, 16)));
        expect(f, ciphers[i].oid, written(p), &key, &tolerant, ciphers[i].code);
        sv_cms_key other = test_key(f, "kek256");
        expect(f, "not for us: nothing is said of the cipher", written(p), &other, &tolerant, SIPVEIL_NO_KEY);
    }
    code = open_sealed(f, written(p), &key, 1, &tolerant, &out, &err);
    assert_int_equal(code, SIPVEIL_UNSUPPORTED);
    assert_int_equal(err.sip_status, 493);
}

/* 3DES, by name only (cli: --allow-weak 3des) */
static void test_triple_des(void **state)
{
    fixture *f = *state;
    static const uint8_t key_octets[24] = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18, 21, 22, 23, 24, 25, 26, 27, 28};
    static const uint8_t iv[8] = {9};
    uint8_t out[32], wrapped[32];
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex2(ctx, f->context->suite->ciphers[SIPVEIL_CIPHER_DES_EDE3_CBC], key_octets, iv, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, (const uint8_t *)"hello", 5), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, out, &n), 1);
    EVP_CIPHER_CTX_free(ctx);
    assert_int_equal(sv_wrap_key(f->crypto, SV_WRAP_AES_128, kek_octets, sv_span(key_octets, 24), wrapped, NULL), SIPVEIL_OK);
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_CBC);
    p.recipients = TLV(0xA2, der_number(4), TLV(0x30, der_octets(SV_SPAN("kek128"))),
                       TLV(0x30, der_oid(AES_128_WRAP_OID)), der_octets(sv_span(wrapped, 32)));
    p.algorithm = TLV(0x30, der_oid("1.2.840.113549.3.7"), der_octets(sv_span(iv, 8)));
    p.content = TLV(0x80, sv_span(out, (size_t)n));
    sv_cms_key key = test_key(f, "kek128");
    expect(f, "3DES", written(p), &key, &tolerant, SIPVEIL_POLICY);
    expect(f, "3DES by name", written(p), &key, &weak, SIPVEIL_OK);
}

/* ADV-065: the code and the text of all 256 values are one; ADV-066: a wrong key never opens */
static void test_cbc(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128"), wrong = key;
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_CBC);
    sipveil_span good = content_of(p.content);
    uint8_t changed[32];
    size_t opened = 0;
    assert_int_equal(good.len, 32);
    for (unsigned value = 1; value < 256; value++) {
        sv_opening out;
        sipveil_error err;
        memcpy(changed, good.data, 32);
        changed[15] ^= (uint8_t)value; /* the last octet of plaintext: 9 ^ value */
        p.content = TLV(0x80, sv_span(changed, 32));
        if (open_sealed(f, written(p), &key, 1, &tolerant, &out, &err) == SIPVEIL_OK) opened++;
        else expect(f, "padding", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    }
    assert_int_equal(opened, 1); /* padding of one octet */
    static const size_t lengths[] = {0, 1, 15, 17, 31};
    for (size_t i = 0; i < 5; i++) {
        p.content = TLV(0x80, sv_span(changed, lengths[i]));
        expect(f, "not whole blocks", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    }
    p.content = TLV(0x80, good);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t other[16];
        memcpy(other, kek_octets, 16);
        other[i % 16] ^= (uint8_t)(1 + i / 16);
        wrong.kek = sv_span(other, 16);
        expect(f, "wrong key", written(p), &wrong, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    }
    static const size_t ivs[] = {0, 8, 15, 17};
    for (size_t i = 0; i < 4; i++) {
        p.algorithm = TLV(0x30, der_oid(AES_128_CBC_OID), der_octets(sv_span(changed, ivs[i])));
        expect(f, "iv", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    }
}

/* ADV-069 */
static void test_no_content(void **state)
{
    fixture *f = *state;
    for (int cbc = 0; cbc < 2; cbc++) {
        sv_cms_key key = test_key(f, "kek128");
        sipveil_cipher cipher = cbc ? SIPVEIL_CIPHER_AES_128_CBC : SIPVEIL_CIPHER_AES_128_GCM;
        parts p = sealed_parts(f, "kek128", cipher);
        p.content = NOTHING;
        expect(f, "absent", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
        p.content = TLV(0x80, NOTHING);
        expect(f, "empty", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
        expect(f, "empty and sealed so", seal(f, &key, 1, cipher, NOTHING), &key, &tolerant, SIPVEIL_OK);
    }
}

static sipveil_span attribute(const char *type, sipveil_span values)
{
    return TLV(0x30, der_oid(type), TLV(0x31, values));
}

/* The parts with these authAttrs, sealed under our own key: the tag is right. */
static parts authenticated_with(fixture *f, const char *type, sipveil_span attributes)
{
    static const uint8_t cek[16] = {1, 2, 3}, nonce[12] = {4};
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM);
    uint8_t wrapped[24], out[64], tag[16];
    int n;
    sipveil_span associated = attributes.len > 0 ? TLV(0x31, attributes) : NOTHING;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex2(ctx, f->context->suite->ciphers[SIPVEIL_CIPHER_AES_128_GCM], cek, nonce, NULL), 1);
    if (associated.len > 0) assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, associated.data, (int)associated.len), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, (const uint8_t *)"hello", 5), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, out + 5, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag), 1);
    EVP_CIPHER_CTX_free(ctx);
    assert_int_equal(sv_wrap_key(f->crypto, SV_WRAP_AES_128, kek_octets, sv_span(cek, 16), wrapped, NULL), SIPVEIL_OK);
    p.recipients = TLV(0xA2, der_number(4), TLV(0x30, der_octets(SV_SPAN("kek128"))),
                       TLV(0x30, der_oid(AES_128_WRAP_OID)), der_octets(sv_span(wrapped, 24)));
    p.type = der_oid(type);
    p.algorithm = gcm_algorithm(AES_128_GCM_OID, sv_span(nonce, 12), 16);
    p.content = TLV(0x80, sv_span(out, 5));
    p.attributes = attributes.len > 0 ? TLV(0xA1, attributes) : NOTHING;
    p.tag = der_octets(sv_span(tag, 16));
    return p;
}

/* ADV-070, ADV-058, CMS-04 */
static void test_auth_attributes(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128");
    sipveil_span data = attribute(CONTENT_TYPE_OID, der_oid(DATA_OID));
    sipveil_span signed_data = attribute(CONTENT_TYPE_OID, der_oid(SIGNED_OID));
    sipveil_span other = attribute("1.2.3", DER_NULL);
    const struct {
        const char *what, *type;
        sipveil_span attributes;
        sipveil_code code;
    } rows[] = {
        {"none, data", DATA_OID, NOTHING, SIPVEIL_OK},
        {"right, data", DATA_OID, data, SIPVEIL_OK},
        {"right, signed-data", SIGNED_OID, signed_data, SIPVEIL_OK},
        {"another attribute, data", DATA_OID, other, SIPVEIL_OK},
        {"both", SIGNED_OID, JOIN(other, signed_data), SIPVEIL_OK},
        {"says signed-data, is data", DATA_OID, signed_data, SIPVEIL_CANNOT_DECRYPT},
        {"says data, is signed-data", SIGNED_OID, data, SIPVEIL_CANNOT_DECRYPT},
        {"missing for another type", SIGNED_OID, NOTHING, SIPVEIL_CANNOT_DECRYPT},
        {"another attribute only", SIGNED_OID, other, SIPVEIL_CANNOT_DECRYPT},
        {"twice", SIGNED_OID, JOIN(signed_data, signed_data), SIPVEIL_CANNOT_DECRYPT},
        {"twice and different", SIGNED_OID, JOIN(data, signed_data), SIPVEIL_CANNOT_DECRYPT},
        {"no value", DATA_OID, attribute(CONTENT_TYPE_OID, NOTHING), SIPVEIL_CANNOT_DECRYPT},
        {"two values", DATA_OID, attribute(CONTENT_TYPE_OID, JOIN(der_oid(DATA_OID), der_oid(DATA_OID))), SIPVEIL_CANNOT_DECRYPT},
        {"no OID inside", DATA_OID, attribute(CONTENT_TYPE_OID, DER_NULL), SIPVEIL_CANNOT_DECRYPT},
        {"not an attribute", DATA_OID, TLV(0x30, DER_NULL), SIPVEIL_CANNOT_DECRYPT},
        {"not in order", SIGNED_OID, JOIN(signed_data, other), SIPVEIL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        parts p = authenticated_with(f, rows[i].type, rows[i].attributes);
        expect(f, rows[i].what, written(p), &key, &tolerant, rows[i].code);
        if (rows[i].code != SIPVEIL_OK) continue;
        p.attributes = rows[i].attributes.len > 0 ? NOTHING : TLV(0xA1, data);
        expect(f, "added or removed afterwards", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    }
    parts p = authenticated_with(f, DATA_OID, data);
    p.attributes = sv_span("\xA1\x80\x00\x00", 4);
    expect(f, "indefinite", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
    p.attributes = TLV(0xA1, NOTHING);
    expect(f, "ADV-059: an empty set", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
    p.attributes = TLV(0xA1, TLV(0x30, der_oid("1.2.3"), TLV(0x31, der_octets(sv_span(sv_arena_alloc(f->arena, 17000), 17000)))));
    expect(f, "a large one", written(p), &key, &tolerant, SIPVEIL_LIMIT);
    sipveil_span many = NOTHING;
    for (size_t i = 0; i < 33; i++) many = JOIN(many, other);
    p.attributes = TLV(0xA1, many);
    expect(f, "33 of them", written(p), &key, &tolerant, SIPVEIL_LIMIT);
}

/* ADV-071: what anybody can add changes nothing, and is not among what was authenticated */
static void test_unprotected_attributes(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128");
    for (int cbc = 0; cbc < 2; cbc++) {
        parts p = sealed_parts(f, "kek128", cbc ? SIPVEIL_CIPHER_AES_128_CBC : SIPVEIL_CIPHER_AES_128_GCM);
        sv_enveloped e;
        sipveil_error err;
        p.unprotected = TLV(cbc ? 0xA1 : 0xA2, attribute(CONTENT_TYPE_OID, der_oid(SIGNED_OID)));
        expect(f, "unprotected", written(p), &key, &tolerant, SIPVEIL_OK);
        assert_int_equal(read_sealed(f, written(p), &tolerant, &e, &err), SIPVEIL_OK);
        assert_true(e.auth_attributes.len == 0 && e.unprotected_attributes.len > 0);
        p.unprotected = TLV(0xA5, NOTHING);
        expect(f, "another field", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
    }
}

/* ---- recipients ---- */

static sipveil_span kekri(sipveil_span id, sipveil_span date_and_other, const char *wrap, sipveil_span encrypted)
{
    return TLV(0xA2, der_number(4), TLV(0x30, der_octets(id), date_and_other), TLV(0x30, der_oid(wrap)), der_octets(encrypted));
}

/* ADV-082: forged recipients that name our key, in front of the real one */
static void test_forged_first(void **state)
{
    fixture *f = *state;
    for (size_t k = 0; k < KINDS; k++) {
        sv_arena_reset(f->arena);
        sv_cms_key key = test_key(f, kinds[k]);
        sv_cms_key forged = key;
        static const uint8_t other[32] = {0xFF};
        parts p = sealed_parts(f, kinds[k], SIPVEIL_CIPHER_AES_256_GCM);
        parts q = sealed_parts(f, kinds[k], SIPVEIL_CIPHER_AES_256_GCM); /* a good wrap of another CEK */
        sipveil_span real = p.recipients;
        forged.kek.data = other;
        (void)forged;
        p.recipients = JOIN(q.recipients, real);
        expect(f, "ADV-082", written(p), &key, &tolerant, SIPVEIL_OK);
        p.recipients = JOIN(real, q.recipients);
        expect(f, "ADV-081", written(p), &key, &tolerant, SIPVEIL_OK);
        p.recipients = JOIN(q.recipients, q.recipients);
        expect(f, "only forged", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
        /* ADV-083: private-key operations end after four, shared keys after eight */
        bool private_key = key.kind == SV_CMS_KEY_CERTIFICATE;
        sipveil_span three = JOIN(q.recipients, q.recipients, q.recipients);
        p.recipients = JOIN(three, real);
        expect(f, "fourth", written(p), &key, &tolerant, SIPVEIL_OK);
        p.recipients = JOIN(three, q.recipients, real);
        expect(f, "fifth", written(p), &key, &tolerant, private_key ? SIPVEIL_LIMIT : SIPVEIL_OK);
        p.recipients = JOIN(three, three, q.recipients, q.recipients, real);
        expect(f, "ninth", written(p), &key, &tolerant, SIPVEIL_LIMIT);
    }
}

/* ADV-083, ADV-059: counted before anything is looked at */
static void test_counts(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128");
    sipveil_error err;
    sv_opening out;
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM);
    sipveil_span one = kekri(SV_SPAN("someone else"), NOTHING, AES_128_WRAP_OID, SV_SPAN("x")), real = p.recipients;
    sipveil_span sixteen = JOIN(one, one, one, one, one, one, one, one, one, one, one, one, one, one, one, one);
    p.recipients = JOIN(real, sixteen, sixteen, sixteen, sixteen);
    expect(f, "65", written(p), &key, &tolerant, SIPVEIL_LIMIT);
    p.recipients = NOTHING;
    expect(f, "ADV-059", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
    sipveil_span lots = sixteen;
    for (int i = 0; i < 7; i++) lots = JOIN(lots, lots); /* 2048 */
    p.recipients = JOIN(real, lots);
    expect(f, "2049", written(p), &key, &tolerant, SIPVEIL_LIMIT);
    p.recipients = JOIN(lots, lots, lots, lots, lots, lots, lots, lots, lots, lots); /* 20480: the gate */
    expect(f, "20480", written(p), &key, &tolerant, SIPVEIL_LIMIT);
    /* the names of those whom it is for, five at most */
    p.recipients = JOIN(one, kekri(SV_SPAN("a\r\nb"), NOTHING, AES_128_WRAP_OID, SV_SPAN("x")), sixteen);
    assert_int_equal(open_sealed(f, written(p), &key, 1, &tolerant, &out, &err), SIPVEIL_NO_KEY);
    assert_string_equal(err.text, "no key fits: recipients are kek \"someone else\", kek \"a\\x0d\\x0ab\", "
                                  "kek \"someone else\", kek \"someone else\", kek \"someone else\" and 13 more");
}

/* ADV-089, ADV-090, ADV-091, ADV-092, CMS-15 */
static void test_kekri(void **state)
{
    fixture *f = *state;
    static uint8_t large[1 << 20];
    sv_cms_key key = test_key(f, "kek128");
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM);
    sv_cursor c = sv_cursor_over(content_of(p.recipients), "kekri");
    (void)take_whole(&c);
    (void)take_whole(&c);
    (void)take_whole(&c);
    sipveil_span wrapped = content_of(take_whole(&c)), id = SV_SPAN("kek128");
    sipveil_span date = TLV(0x18, SV_SPAN("20260101000000Z")), other = TLV(0x30, der_oid("1.2.3"), der_octets(SV_SPAN("x")));
    uint8_t wrapped32[40];
    static const uint8_t cek32[32] = {5};
    assert_int_equal(sv_wrap_key(f->crypto, SV_WRAP_AES_128, kek_octets, sv_span(cek32, 32), wrapped32, NULL), SIPVEIL_OK);
    const struct {
        const char *what;
        sipveil_span recipient;
        sipveil_code code;
    } rows[] = {
        {"as it was", kekri(id, NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_OK},
        {"ADV-092 date", kekri(id, date, AES_128_WRAP_OID, wrapped), SIPVEIL_OK},
        {"ADV-092 date and other", kekri(id, JOIN(date, other), AES_128_WRAP_OID, wrapped), SIPVEIL_OK},
        {"ADV-092 not a date", kekri(id, TLV(0x18, SV_SPAN("x")), AES_128_WRAP_OID, wrapped), SIPVEIL_MALFORMED},
        {"ADV-092 something more", kekri(id, DER_NULL, AES_128_WRAP_OID, wrapped), SIPVEIL_MALFORMED},
        {"ADV-092 no octets", kekri(NOTHING, NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-092 64 KiB", kekri(sv_span(large, 65536), NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-092 with NUL", kekri(sv_span("kek128\0", 7), NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-092 its start", kekri(SV_SPAN("kek12"), NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-092 other case", kekri(SV_SPAN("KEK128"), NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-092 a path", kekri(SV_SPAN("../kek128"), NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-089 nothing", kekri(id, NOTHING, AES_128_WRAP_OID, NOTHING), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 8", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(wrapped.data, 8)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 15", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(wrapped.data, 15)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 16", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(wrapped.data, 16)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 41", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(large, 41)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 1 MiB", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(large, sizeof large)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 KWP", kekri(id, NOTHING, "2.16.840.1.101.3.4.1.8", wrapped), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-088 3DES wrap", kekri(id, NOTHING, "1.2.840.113549.1.9.16.3.6", wrapped), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-090 a CEK of 32", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(wrapped32, 40)), SIPVEIL_CANNOT_DECRYPT},
        {"wrap of another size", kekri(id, NOTHING, "2.16.840.1.101.3.4.1.45", wrapped), SIPVEIL_CANNOT_DECRYPT},
        {"parameters NULL", TLV(0xA2, der_number(4), TLV(0x30, der_octets(id)), TLV(0x30, der_oid(AES_128_WRAP_OID), DER_NULL), der_octets(wrapped)), SIPVEIL_OK},
        {"parameters odd", TLV(0xA2, der_number(4), TLV(0x30, der_octets(id)), TLV(0x30, der_oid(AES_128_WRAP_OID), der_number(1)), der_octets(wrapped)), SIPVEIL_CANNOT_DECRYPT},
        {"a field more", TLV(0xA2, der_number(4), TLV(0x30, der_octets(id)), TLV(0x30, der_oid(AES_128_WRAP_OID)), der_octets(wrapped), DER_NULL), SIPVEIL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        p.recipients = rows[i].recipient;
        expect(f, rows[i].what, written(p), &key, &tolerant, rows[i].code);
    }
    /* a constructed identifier and key, as BER allows */
    p.recipients = TLV(0xA2, der_number(4), TLV(0x30, TLV(0x24, der_octets(SV_SPAN("kek")), der_octets(SV_SPAN("128")))),
                       TLV(0x30, der_oid(AES_128_WRAP_OID)),
                       TLV(0x24, der_octets(sv_span(wrapped.data, 1)), der_octets(sv_span_from(wrapped, 1))));
    expect(f, "constructed", written(p), &key, &tolerant, SIPVEIL_OK);
}

/* ADV-097 */
static void test_other_recipients(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "P-256");
    sipveil_error err;
    sv_enveloped e;
    parts p = sealed_parts(f, "P-256", SIPVEIL_CIPHER_AES_128_CBC);
    p.recipients = JOIN(TLV(0xA4, der_oid("1.2.3"), der_octets(SV_SPAN("random"))), TLV(0xA4, NOTHING), p.recipients);
    p.version = der_number(3);
    expect(f, "ori", written(p), &key, &strict, SIPVEIL_OK);
    assert_int_equal(read_sealed(f, written(p), &strict, &e, &err), SIPVEIL_OK);
    assert_int_equal(e.recipient_count, 3);
    assert_int_equal(e.recipients[0].kind, SV_RECIPIENT_ORI);
    p.recipients = JOIN(TLV(0xA5, NOTHING), p.recipients);
    expect(f, "no such kind", written(p), &key, &strict, SIPVEIL_MALFORMED);
}

/* CMS-01, ADV-055 */
static void test_versions(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *kind;
        bool cbc, unprotected;
        unsigned right;
    } rows[] = {
        {"kek128", false, false, 0}, {"kek128", true, false, 2}, {"rsa2048", true, false, 0},
        {"rsa2048", true, true, 2},  {"P-256", true, false, 2},  {"password", true, false, 3},
        {"password", false, true, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sv_arena_reset(f->arena);
        parts p = sealed_parts(f, rows[i].kind, rows[i].cbc ? SIPVEIL_CIPHER_AES_128_CBC : SIPVEIL_CIPHER_AES_128_GCM);
        if (rows[i].unprotected) p.unprotected = TLV(rows[i].cbc ? 0xA1 : 0xA2, attribute("1.2.3", DER_NULL));
        for (unsigned version = 0; version < 11; version++) {
            sv_enveloped e;
            sipveil_error err;
            p.version = der_number(version);
            assert_int_equal(read_sealed(f, written(p), &tolerant, &e, &err), SIPVEIL_OK);
            assert_int_equal(e.version_odd, version != rows[i].right);
            sipveil_code code = read_sealed(f, written(p), &strict, &e, &err);
            assert_int_equal(code, version == rows[i].right ? SIPVEIL_OK : SIPVEIL_MALFORMED);
            if (code != SIPVEIL_OK) assert_string_equal(err.rule, "CMS-01");
        }
        sv_cms_key key = test_key(f, rows[i].kind);
        p.version = TLV(0x02, SV_SPAN("\xFF"));
        expect(f, "negative", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
        p.version = der_number(1000);
        expect(f, "large", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
    }
    /* the version of one recipient */
    sv_enveloped e;
    sipveil_error err;
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM);
    uint8_t *changed = sv_arena_alloc(f->arena, p.recipients.len);
    memcpy(changed, p.recipients.data, p.recipients.len);
    changed[4] = 5;
    p.recipients.data = changed;
    assert_int_equal(read_sealed(f, written(p), &tolerant, &e, &err), SIPVEIL_OK);
    assert_true(e.version_odd);
    /* originatorInfo is stepped over; with it an EnvelopedData has 2, 3 or 4 */
    p = sealed_parts(f, "rsa2048", SIPVEIL_CIPHER_AES_128_CBC);
    p.originator = TLV(0xA0, TLV(0xA0, NOTHING));
    for (unsigned version = 0; version < 6; version++) {
        p.version = der_number(version);
        assert_int_equal(read_sealed(f, written(p), &tolerant, &e, &err), SIPVEIL_OK);
        assert_int_equal(e.version_odd, version < 2 || version > 4);
    }
}

/* ---- key transport ---- */

static sipveil_span ktri_with(const sv_cms_key *key, sipveil_span algorithm, sipveil_span encrypted)
{
    return TLV(0x30, der_number(0), TLV(0x30, key->issuer, TLV(0x02, key->serial)), algorithm, der_octets(encrypted));
}

static sipveil_span oaep(sipveil_span hash, sipveil_span mask, sipveil_span source)
{
    return TLV(0x30, der_oid("1.2.840.113549.1.1.7"),
               TLV(0x30, hash.len > 0 ? TLV(0xA0, hash) : NOTHING, mask.len > 0 ? TLV(0xA1, mask) : NOTHING,
                   source.len > 0 ? TLV(0xA2, source) : NOTHING));
}

static sipveil_span encrypt_oaep(fixture *f, EVP_PKEY *key, const char *hash, const char *mask, sipveil_span cek)
{
    size_t len = 256;
    uint8_t *out = sv_arena_alloc(f->arena, 256);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(f->context->library, key, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, hash, NULL), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, mask, NULL), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len, cek.data, cek.len), 1);
    EVP_PKEY_CTX_free(ctx);
    return sv_span(out, len);
}

#define SHA1_ALGORITHM TLV(0x30, der_oid("1.3.14.3.2.26"), DER_NULL)
#define SHA256_ALGORITHM TLV(0x30, der_oid("2.16.840.1.101.3.4.2.1"))
#define SHA512_ALGORITHM TLV(0x30, der_oid("2.16.840.1.101.3.4.2.3"), DER_NULL)
#define MD5_ALGORITHM TLV(0x30, der_oid("1.2.840.113549.2.5"), DER_NULL)
#define MGF1(hash) TLV(0x30, der_oid("1.2.840.113549.1.1.8"), hash)
#define SOURCE(octets) TLV(0x30, der_oid("1.2.840.113549.1.1.9"), der_octets(octets))

/* ADV-084, ADV-085 */
static void test_oaep(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "rsa2048");
    sipveil_span cek;
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &key, .recipient_count = 1, .cek_out = &cek};
    parts p = parts_of(f, seal_with(f, &request, SV_SPAN("hello")));
    sipveil_span sha1 = encrypt_oaep(f, key.public_key, "SHA1", "SHA1", cek), sha256 = encrypt_oaep(f, key.public_key, "SHA2-256", "SHA2-256", cek);
    sipveil_span mixed = encrypt_oaep(f, key.public_key, "SHA2-512", "SHA1", cek);
    uint8_t *high = sv_arena_alloc(f->arena, 257), *large = sv_arena_alloc(f->arena, 1 << 20);
    memset(high, 0xFF, 257);
    const struct {
        const char *what;
        sipveil_span recipient;
        sipveil_code code;
        const char *name; /* NULL: not read */
        bool weak;
    } rows[] = {
        {"SHA-256", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), sha256), SIPVEIL_OK, "rsa-oaep-sha256", false},
        {"an empty label", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), SOURCE(NOTHING)), sha256), SIPVEIL_OK, "rsa-oaep-sha256", false},
        {"parameters absent", ktri_with(&key, TLV(0x30, der_oid("1.2.840.113549.1.1.7")), sha1), SIPVEIL_OK, "rsa-oaep-sha1", true},
        {"parameters empty", ktri_with(&key, oaep(NOTHING, NOTHING, NOTHING), sha1), SIPVEIL_OK, "rsa-oaep-sha1", true},
        {"SHA-1 explicit", ktri_with(&key, oaep(SHA1_ALGORITHM, MGF1(SHA1_ALGORITHM), NOTHING), sha1), SIPVEIL_OK, "rsa-oaep-sha1", true},
        {"two hashes", ktri_with(&key, oaep(SHA512_ALGORITHM, NOTHING, NOTHING), mixed), SIPVEIL_OK, "rsa-oaep-sha512-mgf1-sha1", true},
        {"another hash", ktri_with(&key, oaep(SHA512_ALGORITHM, MGF1(SHA512_ALGORITHM), NOTHING), sha256), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha512", false},
        {"MGF1 with MD5", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(MD5_ALGORITHM), NOTHING), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"a label", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), SOURCE(SV_SPAN("label"))), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"another source", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), TLV(0x30, der_oid("1.2.3"))), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"another mask", ktri_with(&key, oaep(SHA256_ALGORITHM, TLV(0x30, der_oid("1.2.3"), SHA256_ALGORITHM), NOTHING), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"parameters NULL", ktri_with(&key, TLV(0x30, der_oid("1.2.840.113549.1.1.7"), DER_NULL), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"unknown transport", ktri_with(&key, TLV(0x30, der_oid("1.2.3")), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"ADV-085 nothing", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), NOTHING), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
        {"ADV-085 255", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), sv_span(sha256.data, 255)), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
        {"ADV-085 257", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), sv_span(high, 257)), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
        {"ADV-085 n or more", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), sv_span(high, 256)), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
        {"ADV-085 1 MiB", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), sv_span(large, 1 << 20)), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
        {"ADV-090 a CEK of 15", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), encrypt_oaep(f, key.public_key, "SHA2-256", "SHA2-256", sv_span(cek.data, 15))), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sv_enveloped e;
        sipveil_error err;
        p.recipients = rows[i].recipient;
        expect(f, rows[i].what, written(p), &key, &tolerant, rows[i].code);
        assert_int_equal(read_sealed(f, written(p), &tolerant, &e, &err), SIPVEIL_OK);
        assert_string_equal(e.recipients[0].algorithm, rows[i].name != NULL ? rows[i].name : "unknown");
        assert_int_equal(e.recipients[0].weak, rows[i].weak);
    }
    /* a key of another kind under our name */
    sv_cms_key wrong = test_key(f, "P-256");
    wrong.issuer = key.issuer;
    wrong.serial = key.serial;
    expect(f, "an EC key", written(p), &wrong, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    wrong.private_key = NULL;
    expect(f, "no private key", written(p), &wrong, &tolerant, SIPVEIL_NO_KEY);
}

/* ADV-080 */
static void test_v15(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "rsa2048");
    sipveil_span algorithm = TLV(0x30, der_oid("1.2.840.113549.1.1.1"), DER_NULL), cek;
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &key, .recipient_count = 1, .cek_out = &cek};
    parts p = parts_of(f, seal_with(f, &request, SV_SPAN("hello")));
    uint8_t block[256], sealed[256];
    sv_enveloped e;
    sipveil_error err;
    sv_opening out;
    for (unsigned kind = 0; kind < 200; kind++) {
        size_t len = sizeof sealed;
        memset(block, 0x11, sizeof block);
        block[0] = 0;
        block[1] = 2;
        block[256 - 17] = 0;
        memcpy(block + 240, cek.data, 16);
        if (kind == 1) block[1] = 1;                             /* not conforming */
        if (kind == 2) block[240] ^= 1;                          /* conforming, wrong key */
        if (kind == 3) block[256 - 17] = 1, block[256 - 16] = 0; /* conforming, 15 octets */
        if (kind > 3) memset(block + 1, (int)kind, 255);         /* anything */
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(f->context->library, key.public_key, NULL);
        assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
        assert_int_equal(EVP_PKEY_encrypt(ctx, sealed, &len, block, 256), 1);
        EVP_PKEY_CTX_free(ctx);
        p.recipients = ktri_with(&key, algorithm, sv_span(sealed, 256));
        expect(f, "v1.5 by name", written(p), &key, &weak, kind == 0 ? SIPVEIL_OK : SIPVEIL_CANNOT_DECRYPT);
        if (kind > 3) continue;
        expect(f, "v1.5", written(p), &key, &tolerant, SIPVEIL_POLICY);
    }
    assert_int_equal(open_sealed(f, written(p), &key, 1, &tolerant, &out, &err), SIPVEIL_POLICY);
    assert_int_equal(err.sip_status, 493);
    assert_string_equal(err.hint, "it can be allowed by name: rsa-v1.5");
    assert_int_equal(read_sealed(f, written(p), &tolerant, &e, &err), SIPVEIL_OK);
    assert_string_equal(e.recipients[0].algorithm, "rsa-v1.5");
    assert_true(e.recipients[0].weak);
    /* refused by name beside one that is not: the other is used */
    parts q = parts_of(f, seal_with(f, &request, SV_SPAN("hello")));
    q.recipients = JOIN(p.recipients, q.recipients);
    expect(f, "v1.5 and OAEP", written(q), &key, &tolerant, SIPVEIL_OK);
}

/* ---- key agreement ---- */

typedef struct kari_parts {
    sipveil_span originator; /* inside [0] */
    sipveil_span ukm;        /* [1] or nothing */
    sipveil_span algorithm;
    sipveil_span rid;
    sipveil_span encrypted;
} kari_parts;

static kari_parts kari_of(sipveil_span recipient)
{
    sv_cursor c = sv_cursor_over(content_of(recipient), "kari"), list, one;
    kari_parts k = {0};
    (void)take_whole(&c);
    k.originator = content_of(take_whole(&c));
    k.ukm = take_if(&c, 0xA1);
    k.algorithm = take_whole(&c);
    assert_int_equal(sv_der_enter(&c, 0x30, "keys", &list, NULL), SIPVEIL_OK);
    assert_int_equal(sv_der_enter(&list, 0x30, "key", &one, NULL), SIPVEIL_OK);
    k.rid = take_whole(&one);
    k.encrypted = take_whole(&one);
    return k;
}

static sipveil_span kari_written(kari_parts k)
{
    return TLV(0xA1, der_number(3), TLV(0xA0, k.originator), k.ukm, k.algorithm, TLV(0x30, TLV(0x30, k.rid, k.encrypted)));
}

static sipveil_span originator_key(sipveil_span parameters, const char *oid, sipveil_span point)
{
    return TLV(0xA1, TLV(0x30, der_oid(oid), parameters), TLV(0x03, sv_span("\0", 1), point));
}

/* A kari made here: any scheme, ukm, wrap identifier and place of it; the CEK is that of the parts. */
static sipveil_span make_kari(fixture *f, const sv_cms_key *key, const sv_agreement_row *scheme, sv_wrap wrap,
                              sipveil_span wrap_identifier, sipveil_span wrap_in_info, sipveil_span ukm,
                              sipveil_span parameters, sipveil_span cek)
{
    sv_agreement agreement;
    sipveil_span info;
    uint8_t kek[32], wrapped[40];
    size_t kek_length = sv_wrap_row_of(wrap)->key_length;
    sipveil_error err;
    bool x25519 = sv_curve_of_key(key->public_key) == SV_CURVE_X25519;
    assert_int_equal(sv_agree_make(f->crypto, key->public_key, &agreement, &err), SIPVEIL_OK);
    assert_true(sv_recipient_shared_info(wrap_in_info, ukm, kek_length, f->arena, &info));
    assert_int_equal(sv_agree_derive(f->crypto, scheme, sv_span(agreement.shared, agreement.shared_length), ukm, info, kek, kek_length, &err), SIPVEIL_OK);
    assert_int_equal(sv_wrap_key(f->crypto, wrap, kek, cek, wrapped, &err), SIPVEIL_OK);
    kari_parts k = {
        .originator = originator_key(parameters, x25519 ? "1.3.101.110" : "1.2.840.10045.2.1", sv_span(agreement.point, agreement.point_length)),
        .ukm = ukm.len > 0 ? TLV(0xA1, der_octets(ukm)) : NOTHING,
        .algorithm = TLV(0x30, TLV(SV_DER_OID, scheme->oid), wrap_identifier),
        .rid = TLV(0x30, key->issuer, TLV(0x02, key->serial)),
        .encrypted = der_octets(sv_span(wrapped, cek.len + 8)),
    };
    return kari_written(k);
}

/* CMS-08, CMS-09, CMS-10: every scheme, with and without ukm, wraps of every size, parameters as they come */
static void test_agreement_forms(void **state)
{
    fixture *f = *state;
    static const char *const curves[] = {"P-256", "P-384", "P-521", "x25519"};
    static const char *const curve_oids[] = {"1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"};
    uint8_t identifier[SV_WRAP_IDENTIFIER_LENGTH];
    for (size_t i = 0; i < 4; i++) {
        sv_cms_key key = test_key(f, curves[i]);
        for (sv_hash hash = SV_HASH_SHA1; hash < SV_HASH_COUNT; hash++) {
            for (int hkdf = 0; hkdf < 2; hkdf++) {
                const sv_agreement_row *scheme = sv_agreement_for(hash, hkdf != 0);
                if (scheme == NULL) continue;
                sv_arena_reset(f->arena);
                sipveil_span cek;
                sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_192_GCM, .recipients = &key, .recipient_count = 1, .cek_out = &cek};
                parts p = parts_of(f, seal_with(f, &request, SV_SPAN("hello")));
                sipveil_code code = hash == SV_HASH_SHA1 ? SIPVEIL_POLICY : SIPVEIL_OK; /* ADV-088 */
                for (sv_wrap wrap = 0; wrap < SV_WRAP_COUNT; wrap++) {
                    sipveil_span plain = sv_wrap_identifier(wrap, identifier);
                    sipveil_span null = TLV(0x30, content_of(plain), DER_NULL);
                    sipveil_span named = i < 3 ? der_oid(curve_oids[i]) : NOTHING;
                    p.recipients = make_kari(f, &key, scheme, wrap, plain, plain, SV_SPAN("some ukm"), NOTHING, cek);
                    expect(f, scheme->name, written(p), &key, &tolerant, code);
                    expect(f, scheme->name, written(p), &key, &weak, SIPVEIL_OK);
                    p.recipients = make_kari(f, &key, scheme, wrap, null, plain, NOTHING, named, cek);
                    expect(f, "NULL in the message", written(p), &key, &weak, SIPVEIL_OK);
                    p.recipients = make_kari(f, &key, scheme, wrap, null, null, NOTHING, named, cek);
                    expect(f, "CMS-09: NULL in both", written(p), &key, &weak, SIPVEIL_OK);
                    p.recipients = make_kari(f, &key, scheme, wrap, plain, null, NOTHING, i < 3 ? DER_NULL : NOTHING, cek);
                    expect(f, "NULL in the info only", written(p), &key, &weak, SIPVEIL_CANNOT_DECRYPT);
                }
            }
        }
    }
}

/* ADV-086, ADV-087, ADV-088 */
static void test_agreement_refused(void **state)
{
    fixture *f = *state;
    static const char *const curves[] = {"P-256", "x25519"};
    static uint8_t zero[200], ukm[17000];
    for (size_t i = 0; i < 2; i++) {
        sv_arena_reset(f->arena);
        sv_cms_key key = test_key(f, curves[i]);
        bool x25519 = i == 1;
        const char *oid = x25519 ? "1.3.101.110" : "1.2.840.10045.2.1";
        size_t size = x25519 ? 32 : 65;
        parts p = sealed_parts(f, curves[i], SIPVEIL_CIPHER_AES_256_GCM), q = sealed_parts(f, "P-384", SIPVEIL_CIPHER_AES_256_GCM);
        kari_parts good = kari_of(p.recipients), k = good, foreign = kari_of(q.recipients);
        sipveil_span bits = content_of(sv_span_from(content_of(good.originator), content_of(good.originator).len - size - 3));
        sipveil_span point = sv_span_from(bits, 1);
        assert_int_equal(point.len, size);
        uint8_t *off = sv_arena_alloc(f->arena, size), *infinity = zero;
        memcpy(off, point.data, size);
        off[size - 1] ^= 1;
        const struct {
            const char *what;
            sipveil_span originator;
            sipveil_code code;
        } rows[] = {
            {"as it was", good.originator, SIPVEIL_OK},
            {"off the curve, or another key", originator_key(NOTHING, oid, sv_span(off, size)), SIPVEIL_CANNOT_DECRYPT},
            {"infinity", originator_key(NOTHING, oid, sv_span(infinity, 1)), SIPVEIL_CANNOT_DECRYPT},
            {"all zero", originator_key(NOTHING, oid, sv_span(zero, size)), SIPVEIL_CANNOT_DECRYPT},
            {"no octets", originator_key(NOTHING, oid, NOTHING), SIPVEIL_CANNOT_DECRYPT},
            {"200 octets", originator_key(NOTHING, oid, sv_span(zero, 200)), SIPVEIL_CANNOT_DECRYPT},
            {"another curve", foreign.originator, SIPVEIL_CANNOT_DECRYPT},
            {"another curve by name", originator_key(der_oid("1.3.132.0.34"), oid, point), SIPVEIL_CANNOT_DECRYPT},
            {"explicit parameters", originator_key(TLV(0x30, der_number(1)), oid, point), SIPVEIL_CANNOT_DECRYPT},
            {"another type", originator_key(NOTHING, "1.2.3", point), SIPVEIL_CANNOT_DECRYPT},
            {"unused bits", TLV(0xA1, TLV(0x30, der_oid(oid)), TLV(0x03, sv_span("\1", 1), point)), SIPVEIL_CANNOT_DECRYPT},
            {"04 20 in front", originator_key(NOTHING, oid, JOIN(sv_span("\x04\x20", 2), point)), x25519 ? SIPVEIL_OK : SIPVEIL_CANNOT_DECRYPT},
            {"ADV-087 by issuer", TLV(0x30, key.issuer, TLV(0x02, key.serial)), SIPVEIL_CANNOT_DECRYPT},
            {"ADV-087 by key identifier", TLV(0x80, SV_SPAN("abc")), SIPVEIL_CANNOT_DECRYPT},
            {"ADV-087 nothing", NOTHING, SIPVEIL_MALFORMED},
            {"ADV-087 two", JOIN(good.originator, good.originator), SIPVEIL_MALFORMED},
        };
        for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
            k.originator = rows[n].originator;
            p.recipients = kari_written(k);
            expect(f, rows[n].what, written(p), &key, &tolerant, rows[n].code);
        }
        sipveil_span scheme = TLV(SV_DER_OID, sv_agreement_for(SV_HASH_SHA256, x25519)->oid);
        const struct {
            const char *what;
            sipveil_span algorithm;
        } algorithms[] = {
            {"ADV-087 no parameters", TLV(0x30, scheme)},
            {"ADV-087 NULL", TLV(0x30, scheme, DER_NULL)},
            {"ADV-087 only a name", TLV(0x30, scheme, der_oid(AES_128_WRAP_OID))},
            {"ADV-088 3DES wrap", TLV(0x30, scheme, TLV(0x30, der_oid("1.2.840.113549.1.9.16.3.6"), DER_NULL))},
            {"ADV-088 RC2 wrap", TLV(0x30, scheme, TLV(0x30, der_oid("1.2.840.113549.1.9.16.3.7"), der_number(58)))},
            {"another scheme", TLV(0x30, der_oid("1.2.3"), TLV(0x30, der_oid(AES_128_WRAP_OID)))},
            {"another wrap", TLV(0x30, scheme, TLV(0x30, der_oid(AES_128_WRAP_OID)))},
        };
        k = good;
        for (size_t n = 0; n < sizeof algorithms / sizeof *algorithms; n++) {
            k.algorithm = algorithms[n].algorithm;
            p.recipients = kari_written(k);
            expect(f, algorithms[n].what, written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
        }
        k = good;
        k.ukm = TLV(0xA1, der_octets(SV_SPAN("another")));
        p.recipients = kari_written(k);
        expect(f, "another ukm", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
        k.ukm = TLV(0xA1, der_octets(sv_span(ukm, sizeof ukm)));
        p.recipients = kari_written(k);
        expect(f, "ADV-087 a large ukm", written(p), &key, &tolerant, SIPVEIL_LIMIT);
        k = good;
        k.encrypted = der_octets(sv_span(zero, 40));
        p.recipients = kari_written(k);
        expect(f, "a key of zeros", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    }
    /* cofactor agreement has no meaning with X25519 */
    sv_cms_key key = test_key(f, "x25519");
    parts p = sealed_parts(f, "x25519", SIPVEIL_CIPHER_AES_256_GCM);
    kari_parts k = kari_of(p.recipients);
    k.algorithm = TLV(0x30, der_oid("1.3.132.1.14.1"), TLV(0x30, der_oid("2.16.840.1.101.3.4.1.45")));
    p.recipients = kari_written(k);
    expect(f, "cofactor", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
}

/* ADV-087: many keys in one kari; ours is found among them */
static void test_many_keys_in_one(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "P-256");
    parts p = sealed_parts(f, "P-256", SIPVEIL_CIPHER_AES_256_GCM);
    kari_parts k = kari_of(p.recipients);
    sipveil_span other = TLV(0x30, TLV(0xA0, der_octets(SV_SPAN("somebody")), TLV(0x18, SV_SPAN("20260101000000Z"))), der_octets(SV_SPAN("x")));
    sipveil_span ours = TLV(0x30, k.rid, k.encrypted), list = NOTHING;
    for (size_t count = 0; count < 66; count++) {
        p.recipients = TLV(0xA1, der_number(3), TLV(0xA0, k.originator), k.algorithm, TLV(0x30, list, ours));
        if (count % 21 == 0 || count > 62) expect(f, "many", written(p), &key, &tolerant, count < 64 ? SIPVEIL_OK : SIPVEIL_LIMIT);
        list = JOIN(list, other);
    }
    p.recipients = TLV(0xA1, der_number(3), TLV(0xA0, k.originator), k.algorithm, TLV(0x30, NOTHING));
    expect(f, "none", written(p), &key, &tolerant, SIPVEIL_NO_KEY);
}

/* ---- passwords ---- */

static sipveil_span pbkdf2(sipveil_span salt, sipveil_span iterations, sipveil_span rest)
{
    return TLV(0xA0, der_oid("1.2.840.113549.1.5.12"), TLV(0x30, salt, iterations, rest));
}

/* ADV-094, ADV-095 */
static void test_password_refused(void **state)
{
    fixture *f = *state;
    static const uint8_t octets[80];
    sv_cms_key key = test_key(f, "password");
    parts p = sealed_parts(f, "password", SIPVEIL_CIPHER_AES_128_GCM);
    sv_cursor c = sv_cursor_over(content_of(p.recipients), "pwri");
    (void)take_whole(&c);
    sipveil_span derivation = take_whole(&c), algorithm = take_whole(&c), encrypted = take_whole(&c);
    sv_cursor d = sv_cursor_over(content_of(derivation), "derivation"), inside;
    (void)take_whole(&d);
    assert_int_equal(sv_der_enter(&d, 0x30, "pbkdf2", &inside, NULL), SIPVEIL_OK);
    sipveil_span salt = take_whole(&inside), rounds = take_whole(&inside), prf = take_whole(&inside);
    sipveil_span iv = der_octets(sv_span(octets, 16)), pwri_kek = der_oid("1.2.840.113549.1.9.16.3.9");
    const struct {
        const char *what;
        sipveil_span derivation, algorithm, encrypted;
        sipveil_code code;
    } rows[] = {
        {"as it was", derivation, algorithm, encrypted, SIPVEIL_OK},
        {"key length", pbkdf2(salt, rounds, JOIN(der_number(32), prf)), algorithm, encrypted, SIPVEIL_OK},
        {"ADV-094 0", pbkdf2(salt, der_number(0), prf), algorithm, encrypted, SIPVEIL_LIMIT},
        {"ADV-094 1", pbkdf2(salt, der_number(1), prf), algorithm, encrypted, SIPVEIL_LIMIT},
        {"ADV-094 999", pbkdf2(salt, der_number(999), prf), algorithm, encrypted, SIPVEIL_LIMIT},
        {"ADV-094 2,000,001", pbkdf2(salt, der_number(2000001), prf), algorithm, encrypted, SIPVEIL_LIMIT},
        {"ADV-094 2^31 - 1", pbkdf2(salt, der_number(2147483647), prf), algorithm, encrypted, SIPVEIL_LIMIT},
        {"ADV-094 2^64", pbkdf2(salt, TLV(0x02, sv_span("\1\0\0\0\0\0\0\0\0", 9)), prf), algorithm, encrypted, SIPVEIL_LIMIT},
        {"ADV-094 negative", pbkdf2(salt, TLV(0x02, SV_SPAN("\xFF")), prf), algorithm, encrypted, SIPVEIL_LIMIT},
        {"another key length", pbkdf2(salt, rounds, JOIN(der_number(16), prf)), algorithm, encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 unknown prf", pbkdf2(salt, rounds, TLV(0x30, der_oid("1.2.3"))), algorithm, encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"another prf", pbkdf2(salt, rounds, NOTHING), algorithm, encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"unknown kdf", TLV(0xA0, der_oid("1.2.3"), TLV(0x30, salt, rounds, prf)), algorithm, encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"no parameters", TLV(0xA0, der_oid("1.2.840.113549.1.5.12")), algorithm, encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"no kdf", NOTHING, algorithm, encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"salt of 7", pbkdf2(der_octets(sv_span(octets, 7)), rounds, prf), algorithm, encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"salt of 65", pbkdf2(der_octets(sv_span(octets, 65)), rounds, prf), algorithm, encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"salt from elsewhere", pbkdf2(TLV(0x30, der_oid("1.2.3")), rounds, prf), algorithm, encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 ECB", derivation, TLV(0x30, pwri_kek, TLV(0x30, der_oid("2.16.840.1.101.3.4.1.41"))), encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 CFB", derivation, TLV(0x30, pwri_kek, TLV(0x30, der_oid("2.16.840.1.101.3.4.1.44"), iv)), encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 GCM", derivation, TLV(0x30, pwri_kek, gcm_algorithm(AES_256_GCM_OID, sv_span(octets, 12), 16)), encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 3DES", derivation, TLV(0x30, pwri_kek, TLV(0x30, der_oid("1.2.840.113549.3.7"), der_octets(sv_span(octets, 8)))), encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 no iv", derivation, TLV(0x30, pwri_kek, TLV(0x30, der_oid("2.16.840.1.101.3.4.1.42"))), encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 iv of 8", derivation, TLV(0x30, pwri_kek, TLV(0x30, der_oid("2.16.840.1.101.3.4.1.42"), der_octets(sv_span(octets, 8)))), encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"another iv", derivation, TLV(0x30, pwri_kek, TLV(0x30, der_oid("2.16.840.1.101.3.4.1.42"), iv)), encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 nothing inside", derivation, TLV(0x30, pwri_kek), encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"plain AES wrap", derivation, TLV(0x30, der_oid(AES_128_WRAP_OID)), encrypted, SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 0 octets", derivation, algorithm, der_octets(NOTHING), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 16 octets", derivation, algorithm, der_octets(sv_span(octets, 16)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 31 octets", derivation, algorithm, der_octets(sv_span(octets, 31)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-095 other octets", derivation, algorithm, der_octets(sv_span(octets, 64)), SIPVEIL_CANNOT_DECRYPT},
    };
    sipveil_error err;
    sv_enveloped e;
    sv_opening out;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        p.recipients = TLV(0xA3, der_number(0), rows[i].derivation, rows[i].algorithm, rows[i].encrypted);
        expect(f, rows[i].what, written(p), &key, &tolerant, rows[i].code);
    }
    /* ADV-094: 64 of them, each under the cap, are refused before the first is derived; the sum goes on
     * over the message */
    sipveil_span one = TLV(0xA3, der_number(0), pbkdf2(salt, der_number(100000), prf), algorithm, encrypted), all = one;
    for (int i = 0; i < 6; i++) all = JOIN(all, all);
    p.recipients = all;
    expect(f, "ADV-094 64 times 100,000", written(p), &key, &tolerant, SIPVEIL_LIMIT);
    p.recipients = TLV(0xA3, der_number(0), derivation, algorithm, encrypted);
    assert_int_equal(read_sealed(f, written(p), &tolerant, &e, &err), SIPVEIL_OK);
    uint64_t iterations = 1998500;
    assert_int_equal(sv_cms_open_enveloped(f->crypto, &e, &key, 1, &tolerant, &iterations, f->arena, &out, &err), SIPVEIL_OK);
    assert_int_equal(iterations, 1999500);
    assert_int_equal(sv_cms_open_enveloped(f->crypto, &e, &key, 1, &tolerant, &iterations, f->arena, &out, &err), SIPVEIL_LIMIT);
    assert_int_equal(err.sip_status, 493);
    /* a shared key beside it opens without a round */
    sv_cms_key both[] = {key, test_key(f, "kek128")};
    parts q = parts_of(f, seal(f, both, 2, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello")));
    q.recipients = JOIN(one, all.len > 0 ? sv_span(all.data, one.len) : NOTHING, q.recipients);
    assert_int_equal(read_sealed(f, written(q), &tolerant, &e, &err), SIPVEIL_OK);
    iterations = 0;
    assert_int_equal(sv_cms_open_enveloped(f->crypto, &e, both, 2, &tolerant, &iterations, f->arena, &out, &err), SIPVEIL_OK);
    assert_int_equal(iterations, 0);
    assert_int_equal(out.key, 1);
}

/* CMS-14 (RFC 9709): what recipients get is not what encrypts; relabelling changes the key */
static void test_cek_hkdf(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128");
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM);
    /* TUN-91: the CEK and A of the known answer, and content under CEK' */
    static const char cek[] = "\xc7\x02\xe7\xd0\xa9\xe0\x64\xb0\x9b\xa5\x52\x45\xfb\x73\x3c\xf3";
    static const char derived[] = "\x21\x24\xff\xb2\x9f\xac\x4e\x0f\xbb\xc7\xd5\xd8\x74\x92\xbf\xf3";
    static const char nonce[] = "\x5c\x79\x05\x8b\xa2\xf4\x34\x47\x63\x9d\x29\xe2";
    uint8_t wrapped[24], out[5], tag[16];
    int n;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex2(ctx, f->context->suite->ciphers[SIPVEIL_CIPHER_AES_128_GCM], (const uint8_t *)derived, (const uint8_t *)nonce, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, (const uint8_t *)"hello", 5), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, out, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 12, tag), 1);
    EVP_CIPHER_CTX_free(ctx);
    assert_int_equal(sv_wrap_key(f->crypto, SV_WRAP_AES_128, kek_octets, sv_span(cek, 16), wrapped, NULL), SIPVEIL_OK);
    sipveil_span real = gcm_algorithm(AES_128_GCM_OID, sv_span(nonce, 12), -1), hkdf = der_oid("1.2.840.113549.1.9.16.3.31");
    p.recipients = kekri(SV_SPAN("kek128"), NOTHING, AES_128_WRAP_OID, sv_span(wrapped, 24));
    p.algorithm = TLV(0x30, hkdf, real);
    p.content = TLV(0x80, sv_span(out, 5));
    p.tag = der_octets(sv_span(tag, 12));
    sv_enveloped e;
    sv_opening opened;
    sipveil_error err;
    assert_int_equal(read_sealed(f, written(p), &strict, &e, &err), SIPVEIL_OK);
    assert_true(e.cek_hkdf && e.cipher == SIPVEIL_CIPHER_AES_128_GCM && sv_equal(e.cipher_algorithm, real));
    assert_int_equal(open_read(f, &e, &key, 1, &strict, &opened, &err), SIPVEIL_OK);
    assert_true(sv_equal(opened.cek, sv_span(cek, 16))); /* CEK-11 */
    p.algorithm = real;
    expect(f, "the wrapper removed", written(p), &key, &strict, SIPVEIL_CANNOT_DECRYPT);
    p.algorithm = TLV(0x30, hkdf, TLV(0x30, hkdf, real));
    expect(f, "nested", written(p), &key, &strict, SIPVEIL_CANNOT_DECRYPT);
    p.algorithm = TLV(0x30, hkdf);
    expect(f, "missing", written(p), &key, &strict, SIPVEIL_CANNOT_DECRYPT);
    p.algorithm = TLV(0x30, hkdf, DER_NULL);
    expect(f, "NULL", written(p), &key, &strict, SIPVEIL_CANNOT_DECRYPT);
    p.algorithm = TLV(0x30, hkdf, TLV(0x30, der_oid(AES_128_CBC_OID), der_octets(sv_span(cek, 16))));
    expect(f, "policy looks at the real one", written(p), &key, &strict, SIPVEIL_POLICY);
}

/* Cut anywhere, a field doubled, a field of another type: refused before a key is touched. */
static void test_structure(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128");
    parts good = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM), p = good;
    sipveil_span whole = written(good);
    for (size_t n = 0; n < whole.len; n++) expect(f, "cut", sv_span(whole.data, n), &key, &tolerant, SIPVEIL_MALFORMED);
    expect(f, "ADV-050", JOIN(whole, sv_span("\0", 1)), &key, &tolerant, SIPVEIL_MALFORMED);
    expect(f, "ADV-050 twice", JOIN(whole, whole), &key, &tolerant, SIPVEIL_MALFORMED);
    sipveil_span *const fields[] = {&p.version, &p.type, &p.algorithm, &p.tag};
    for (size_t i = 0; i < 4; i++) {
        sipveil_span kept = *fields[i];
        *fields[i] = JOIN(kept, kept);
        expect(f, "doubled", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
        *fields[i] = NOTHING;
        expect(f, "missing", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
        *fields[i] = TLV(0x0C, SV_SPAN("text"));
        expect(f, "another type", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
        *fields[i] = kept;
    }
    p.content = JOIN(good.content, good.content);
    expect(f, "two contents", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
    p.content = TLV(0xA0, der_octets(SV_SPAN("a")), DER_NULL);
    expect(f, "ADV-051 not segments", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
    /* BER: the content in segments, also nested */
    sipveil_span octets = content_of(good.content);
    p.content = TLV(0xA0, der_octets(sv_span(octets.data, 3)), TLV(0x24, der_octets(NOTHING), der_octets(sv_span(octets.data + 3, 4))),
                    der_octets(sv_span_from(octets, 7)));
    expect(f, "ADV-051 nested segments", written(p), &key, &tolerant, SIPVEIL_OK);
    p.tag = TLV(0x24, good.tag);
    expect(f, "a constructed tag", written(p), &key, &tolerant, SIPVEIL_OK);
}

static int setup(void **state)
{
    fixture_setup(state);
    builder = *state;
    return 0;
}

static int reset(void **state)
{
    sv_arena_reset(((fixture *)*state)->arena);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup(function, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_bit),          TEST(test_bits_of_the_content),
        TEST(test_gcm_parameters),     TEST(test_wrong_ciphers),
        TEST(test_triple_des),         TEST(test_cbc),
        TEST(test_no_content),         TEST(test_auth_attributes),
        TEST(test_unprotected_attributes), TEST(test_forged_first),
        TEST(test_counts),             TEST(test_kekri),
        TEST(test_other_recipients),   TEST(test_versions),
        TEST(test_oaep),               TEST(test_v15),
        TEST(test_agreement_forms),    TEST(test_agreement_refused),
        TEST(test_many_keys_in_one),   TEST(test_password_refused),
        TEST(test_cek_hkdf),           TEST(test_structure),
    };
    return cmocka_run_group_tests_name("altered and made-up messages", tests, setup, fixture_teardown);
}
