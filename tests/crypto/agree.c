/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/agree.h"

#include <openssl/ec.h>

#include "crypto/fixture.h"

static const char *const curves[] = {"P-256", "P-384", "P-521", "X25519"};

static EVP_PKEY *make(fixture *f, const char *curve)
{
    EVP_PKEY *key = strcmp(curve, "X25519") == 0 ? EVP_PKEY_Q_keygen(f->context->library, NULL, "X25519")
                                                 : EVP_PKEY_Q_keygen(f->context->library, NULL, "EC", curve);
    assert_non_null(key);
    return key;
}

static void test_both_sides_agree(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < 4; i++) {
        EVP_PKEY *key = make(f, curves[i]);
        const sv_curve_row *row = sv_curve_row_of(sv_curve_of_key(key));
        sv_agreement first, second;
        sipveil_error err;
        uint8_t shared[SV_SHARED_MOST];
        size_t len;
        assert_int_equal(sv_agree_make(f->crypto, key, &first, &err), SIPVEIL_OK);
        assert_int_equal(sv_agree_make(f->crypto, key, &second, &err), SIPVEIL_OK);
        assert_int_equal(first.point_length, row->point);
        assert_memory_not_equal(first.point, second.point, row->point); /* CMS-11: a key for each */
        assert_true(sv_agree_read(f->crypto, key, NULL, sv_span(first.point, first.point_length), shared, &len));
        assert_int_equal(len, first.shared_length);
        assert_memory_equal(shared, first.shared, len);
        if (i < 3) { /* CMS-08: compressed may be read */
            first.point[0] = 2 + (first.point[row->point - 1] & 1);
            assert_true(sv_agree_read(f->crypto, key, NULL, sv_span(first.point, row->shared + 1), shared, &len));
            assert_memory_equal(shared, first.shared, len);
        }
        EVP_PKEY_free(key);
    }
}

static const struct {
    const char *section;
    int type;
    const char *own; /* PKCS #8 or SEC 1 */
    const char *point, *shared;
} answers[] = {
    {"RFC 7748 6.1", EVP_PKEY_X25519,
     "302e020100300506032b656e042204205dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
     "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
    {"RFC 5903 8.1", EVP_PKEY_EC,
     "30310201010420c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433a00a06082a8648ce3d030107",
     "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6a"
     "ac23f046ada30f8353e74f33039872ab",
     "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
};

static void test_known_answers(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        sipveil_span own = hex(answers[i].own), expected = hex(answers[i].shared);
        const unsigned char *at = own.data;
        uint8_t shared[SV_SHARED_MOST];
        size_t len;
        EVP_PKEY *key = d2i_PrivateKey_ex(answers[i].type, NULL, &at, (long)own.len, f->context->library, NULL);
        assert_non_null(key);
        ERR_clear_error(); /* the decoder tries several forms */
        assert_true(sv_agree_read(f->crypto, key, NULL, hex(answers[i].point), shared, &len));
        assert_int_equal(len, expected.len);
        assert_octets(shared, expected);
        EVP_PKEY_free(key);
    }
}

/* ADV-086 */
static void test_points_refused(void **state)
{
    fixture *f = *state;
    uint8_t shared[SV_SHARED_MOST], point[SV_POINT_MOST + 2];
    size_t len;
    for (size_t i = 0; i < 4; i++) {
        EVP_PKEY *key = make(f, curves[i]);
        EVP_PKEY *other = make(f, curves[(i + 1) % 4]);
        const sv_curve_row *row = sv_curve_row_of(sv_curve_of_key(key));
        sv_agreement good, foreign;
        sipveil_error err;
        assert_int_equal(sv_agree_make(f->crypto, key, &good, &err), SIPVEIL_OK);
        assert_int_equal(sv_agree_make(f->crypto, other, &foreign, &err), SIPVEIL_OK);
        /* another curve, no octets, one too few, one too many */
        assert_false(sv_agree_read(f->crypto, key, NULL, sv_span(foreign.point, foreign.point_length), shared, &len));
        assert_false(sv_agree_read(f->crypto, key, NULL, sv_span(NULL, 0), shared, &len));
        assert_false(sv_agree_read(f->crypto, key, NULL, sv_span(good.point, row->point - 1), shared, &len));
        memset(point, 0, sizeof point);
        memcpy(point, good.point, row->point);
        assert_false(sv_agree_read(f->crypto, key, NULL, sv_span(point, row->point + 1), shared, &len));
        /* all zero: for X25519 a point of low order; infinity */
        memset(point, 0, sizeof point);
        assert_false(sv_agree_read(f->crypto, key, NULL, sv_span(point, row->point), shared, &len));
        assert_false(sv_agree_read(f->crypto, key, NULL, sv_span(point, 1), shared, &len));
        if (i < 3) {
            memcpy(point, good.point, row->point);
            point[row->point - 1] ^= 1; /* off the curve */
            assert_false(sv_agree_read(f->crypto, key, NULL, sv_span(point, row->point), shared, &len));
            memcpy(point, good.point, row->point);
            point[0] = 6 + (point[row->point - 1] & 1); /* hybrid */
            assert_false(sv_agree_read(f->crypto, key, NULL, sv_span(point, row->point), shared, &len));
        }
        EVP_PKEY_free(key);
        EVP_PKEY_free(other);
    }
}

/* ADV-086, CMS-08: what a token gets to see is on the curve, and not compressed */
static void test_point_is_checked(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *key = make(f, curves[i]);
        const sv_curve_row *row = sv_curve_row_of(sv_curve_of_key(key));
        sv_agreement given;
        sipveil_error err;
        uint8_t point[SV_POINT_MOST], out[SV_POINT_MOST];
        size_t len;
        assert_int_equal(sv_agree_make(f->crypto, key, &given, &err), SIPVEIL_OK);
        assert_true(sv_agree_check_point(key, sv_span(given.point, row->point), out, &len));
        assert_int_equal(len, row->point);
        assert_memory_equal(out, given.point, len);
        memcpy(point, given.point, row->point);
        point[0] = 2 + (point[row->point - 1] & 1);
        assert_true(sv_agree_check_point(key, sv_span(point, row->shared + 1), out, &len));
        assert_int_equal(len, row->point);
        assert_memory_equal(out, given.point, len);
        memcpy(point, given.point, row->point);
        point[row->point - 1] ^= 1;
        assert_false(sv_agree_check_point(key, sv_span(point, row->point), out, &len));
        assert_int_equal(len, 0);
        assert_false(sv_agree_check_point(key, sv_span(given.point, row->point - 1), out, &len));
        assert_false(sv_agree_check_point(key, sv_span(NULL, 0), out, &len));
        EVP_PKEY_free(key);
    }
    EVP_PKEY *key = make(f, "X25519");
    uint8_t out[SV_POINT_MOST], point[32] = {9};
    size_t len;
    assert_false(sv_agree_check_point(key, sv_span(point, sizeof point), out, &len));
    EVP_PKEY_free(key);
}

static void test_x25519_low_order(void **state)
{
    fixture *f = *state;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    EVP_PKEY *key = make(f, "X25519");
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        uint8_t shared[SV_SHARED_MOST];
        size_t len;
        assert_false(sv_agree_read(f->crypto, key, NULL, hex(points[i]), shared, &len));
    }
    EVP_PKEY_free(key);
}

static void test_other_keys(void **state)
{
    fixture *f = *state;
    sv_agreement out;
    sipveil_error err;
    uint8_t shared[SV_SHARED_MOST];
    size_t len;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(f->context->library, NULL, "ED25519");
    assert_int_equal(sv_curve_of_key(key), SV_CURVE_NONE);
    assert_int_equal(sv_curve_of_key(NULL), SV_CURVE_NONE);
    assert_int_equal(sv_agree_make(f->crypto, key, &out, &err), SIPVEIL_INTERNAL);
    assert_false(sv_agree_read(f->crypto, key, NULL, sv_span(out.point, 32), shared, &len));
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_sides_agree), cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_points_refused),   cmocka_unit_test(test_x25519_low_order),
        cmocka_unit_test(test_other_keys),       cmocka_unit_test(test_point_is_checked),
    };
    return cmocka_run_group_tests_name("key agreement", tests, fixture_setup, fixture_teardown);
}
