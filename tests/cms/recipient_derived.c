/* SPDX-License-Identifier: BSD-2-Clause */
/* Key agreement and passwords: every form that is read, and what somebody altered or made up. */
#include "cms/envelopes.h"
#include "crypto/agree.h"
#include "crypto/kdf.h"
#include "crypto/keywrap.h"
#include "crypto/passwrap.h"

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
            {"ADV-087 odd parameters of the wrap", TLV(0x30, scheme, TLV(0x30, der_oid("2.16.840.1.101.3.4.1.45"), der_number(1)))},
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

/* ADV-095: the sizes of a salt, each with the key that it really gives; the prf is SHA-1, as it is where none is named */
static void test_password_salts(void **state)
{
    fixture *f = *state;
    static const uint8_t octets[65] = {1, 2, 3};
    static const struct {
        size_t salt;
        sipveil_code code;
    } rows[] = {{7, SIPVEIL_CANNOT_DECRYPT}, {8, SIPVEIL_OK}, {64, SIPVEIL_OK}, {65, SIPVEIL_CANNOT_DECRYPT}};
    sv_cms_key key = test_key(f, "password");
    sipveil_span cek, algorithm = TLV(0x30, der_oid("1.2.840.113549.1.9.16.3.9"), TLV(0x30, der_oid(AES_128_CBC_OID), der_octets(sv_span(octets, 16))));
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &key, .recipient_count = 1,
                               .pbkdf2_iterations = TEST_ITERATIONS, .cek_out = &cek};
    parts p = parts_of(f, seal_with(f, &request, SV_SPAN("hello")));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t kek[16], wrapped[64];
        size_t length;
        sipveil_span salt = sv_span(octets, rows[i].salt);
        assert_int_equal(sv_kdf_pbkdf2(f->crypto, SV_HASH_SHA1, key.password, salt, TEST_ITERATIONS, kek, 16, NULL), SIPVEIL_OK);
        assert_int_equal(sv_passwrap_key(f->crypto, SIPVEIL_CIPHER_AES_128_CBC, kek, octets, cek, wrapped, &length, NULL), SIPVEIL_OK);
        p.recipients = TLV(0xA3, der_number(0), pbkdf2(der_octets(salt), der_number(TEST_ITERATIONS), NOTHING), algorithm,
                           der_octets(sv_span(wrapped, length)));
        expect(f, "a salt", written(p), &key, &tolerant, rows[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENVELOPE_TEST(test_agreement_forms),
        ENVELOPE_TEST(test_agreement_refused),
        ENVELOPE_TEST(test_many_keys_in_one),
        ENVELOPE_TEST(test_password_refused),
        ENVELOPE_TEST(test_password_salts),
    };
    return cmocka_run_group_tests_name("recipients whose key is derived", tests, envelope_setup, fixture_teardown);
}
