/* SPDX-License-Identifier: BSD-2-Clause */
/* Key derivation against known answers. Those without a section were computed with another
 * implementation (hashlib, hmac). */
#include "crypto/kdf.h"

#include "crypto/fixture.h"

static const struct {
    sv_hash hash;
    const char *expected;
} x963[] = {
    {SV_HASH_SHA1, "1c64d3d7a660c2e36427fcca264d69baeaf87ed22c7178056dbcce1a05772631"},
    {SV_HASH_SHA224, "abc869947660a6427b8334cf94b4c5ce"},
    {SV_HASH_SHA256, "1983cc4d05d34db303458415c914b607"},
    {SV_HASH_SHA256, "1983cc4d05d34db303458415c914b6079861133c5fda1bb5a03ec76f3f13286281bb7e08382692092df832d7"
                     "346109457fae900bca5192dbe4acd6aecc4ea794a3c848719eda7f96139770ec8bfccf9d"},
    {SV_HASH_SHA384, "9157b8aa0958bafcbc97510271b311eb8fdffd57f134ef7fc2bfa587ea2674ba"},
    {SV_HASH_SHA512, "11377077bac742b1a982fb01940d071a85e960410bef17c3b31f94ce488490fb"},
};

static void test_x963(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof x963 / sizeof *x963; i++) {
        sipveil_span expected = hex(x963[i].expected);
        sipveil_span secret = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        sipveil_span info = hex("3015300b0609608648016503040105a206040400000080");
        uint8_t out[128];
        sipveil_error err;
        assert_int_equal(sv_kdf_x963(f->crypto, x963[i].hash, secret, info, out, expected.len, &err), SIPVEIL_OK);
        assert_octets(out, expected);
        assert_int_equal(sv_kdf_x963(f->crypto, SV_HASH_NONE, secret, info, out, 16, &err), SIPVEIL_INTERNAL);
    }
}

static const struct {
    sv_hash hash;
    const char *secret, *salt, *info, *expected;
} hkdf[] = {
    /* RFC 5869 A.1, A.3 */
    {SV_HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {SV_HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    {SV_HASH_SHA512, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "73616c74", "696e666f",
     "f68aca3a3afd2c6f291f1e9c481054553ce84a2353df2b62c2b90eafbe9ba273"},
    {SV_HASH_SHA384, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "73616c74", "696e666f",
     "664ee88f1a7f64a837c7727c031f18bac89c6cc3bf48a35f0b981f6e6af611e3"},
    /* TUN-91 (1), RFC 9709: salt "The Cryptographic Message Syntax", info the content algorithm */
    {SV_HASH_SHA256, "c702e7d0a9e064b09ba55245fb733cf3",
     "5468652043727970746f67726170686963204d6573736167652053796e746178",
     "301b0609608648016503040106300e040c5c79058ba2f43447639d29e2", "2124ffb29fac4e0fbbc7d5d87492bff3"},
    {SV_HASH_SHA256, "c702e7d0a9e064b09ba55245fb733cf3",
     "5468652043727970746f67726170686963204d6573736167652053796e746178",
     "301d06096086480165030401020410651f722ffd512c52fe072e507d72b377", "9cd102c52f1e19ece8729b35bfeceb50"},
};

static void test_hkdf(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof hkdf / sizeof *hkdf; i++) {
        sipveil_span expected = hex(hkdf[i].expected);
        uint8_t out[64];
        sipveil_error err;
        assert_int_equal(sv_kdf_hkdf(f->crypto, hkdf[i].hash, hex(hkdf[i].secret), hex(hkdf[i].salt),
                                     hex(hkdf[i].info), out, expected.len, &err), SIPVEIL_OK);
        assert_octets(out, expected);
    }
}

static const struct {
    sv_hash hash;
    const char *password, *salt;
    unsigned iterations;
    const char *expected;
} pbkdf2[] = {
    {SV_HASH_SHA1, "70617373776f7264", "1234567878563412", 5, "d1daa78615f287e6"}, /* TUN-91 (2), RFC 3211 3 */
    {SV_HASH_SHA224, "7061737300776f7264", "73616c7453414c54", 1000,
     "0ba656b5db3b6162c0faf4ce7d9ee4b696237ba2820117055d374fa43d5854f7"},
    {SV_HASH_SHA256, "7061737300776f7264", "73616c7453414c54", 1000,
     "e90859118fc9549bc51d047ce4228ee2bb0390ea44b455ec1988c195d3689014"},
    {SV_HASH_SHA384, "7061737300776f7264", "73616c7453414c54", 1000,
     "3712a40842eb5a48af3a0f844c51fb9d2798d5912c8eebcffa10dac1d01abbc6"},
    {SV_HASH_SHA512, "7061737300776f7264", "73616c7453414c54", 1000,
     "7aa53185a2700cdcf61b5ffe83f4b7982c31ecc852437c6535bc9a55b687f539"},
    /* CEK-13: derivation from an earlier content key */
    {SV_HASH_SHA1, "000102030405060708090a0b0c0d0e0f", "1234567878563412", 5,
     "62fec10bc9d8b75e3634a41ff487586a4558a2b03c959d515518c843841d72b0"},
};

static void test_pbkdf2(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof pbkdf2 / sizeof *pbkdf2; i++) {
        sipveil_span expected = hex(pbkdf2[i].expected);
        uint8_t out[64];
        sipveil_error err;
        assert_int_equal(sv_kdf_pbkdf2(f->crypto, pbkdf2[i].hash, hex(pbkdf2[i].password), hex(pbkdf2[i].salt),
                                       pbkdf2[i].iterations, out, expected.len, &err), SIPVEIL_OK);
        assert_octets(out, expected);
    }
    uint8_t out[16];
    sipveil_error err;
    assert_int_equal(sv_kdf_pbkdf2(f->crypto, SV_HASH_SHA256, hex("70"), hex("73"), 0, out, 16, &err),
                     SIPVEIL_INTERNAL);
}

static const struct {
    const char *key, *message, *expected;
} hmac[] = {
    /* RFC 4231 4.2, 4.3, 4.7 */
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"6b6579", "", "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0"},
};

static void test_hmac(void **state)
{
    fixture *f = *state;
    uint8_t out[SV_HMAC_SHA256_LENGTH];
    sipveil_error err;
    for (size_t i = 0; i < sizeof hmac / sizeof *hmac; i++) {
        assert_int_equal(sv_hmac_sha256(f->crypto, hex(hmac[i].key), hex(hmac[i].message), out, &err), SIPVEIL_OK);
        assert_octets(out, hex(hmac[i].expected));
    }
    assert_int_equal(sv_hmac_sha256(f->crypto, hex(""), hex("00"), out, &err), SIPVEIL_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_x963),
        cmocka_unit_test(test_hkdf),
        cmocka_unit_test(test_pbkdf2),
        cmocka_unit_test(test_hmac),
    };
    return cmocka_run_group_tests_name("deriving keys", tests, fixture_setup, fixture_teardown);
}
