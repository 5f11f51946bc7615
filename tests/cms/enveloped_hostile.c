/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that somebody altered or made up. Each has the name of its case; what is behind a key that
 * fits ends in one and the same way. */
#include "cms/envelopes.h"
#include "crypto/keywrap.h"

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
        {"2.16.840.1.101.3.4.1.7", SIPVEIL_POLICY},      /* CCM */
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
        {"twice, data", DATA_OID, JOIN(data, data), SIPVEIL_CANNOT_DECRYPT},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENVELOPE_TEST(test_every_bit),
        ENVELOPE_TEST(test_bits_of_the_content),
        ENVELOPE_TEST(test_gcm_parameters),
        ENVELOPE_TEST(test_wrong_ciphers),
        ENVELOPE_TEST(test_triple_des),
        ENVELOPE_TEST(test_cbc),
        ENVELOPE_TEST(test_no_content),
        ENVELOPE_TEST(test_auth_attributes),
        ENVELOPE_TEST(test_unprotected_attributes),
        ENVELOPE_TEST(test_versions),
        ENVELOPE_TEST(test_cek_hkdf),
        ENVELOPE_TEST(test_structure),
    };
    return cmocka_run_group_tests_name("altered and made-up messages", tests, envelope_setup, fixture_teardown);
}
