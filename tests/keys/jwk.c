/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared keys as JWK and JWK sets. */
#include "lab.h"

#include "keys/jwk.h"

#define K128 "AAECAwQFBgcICQoLDA0ODw"                     /* 00 01 .. 0f */
#define K192 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"             /* .. 17 */
#define K256 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" /* .. 1f */
#define TIMED(nbf, exp, k) "{\"kty\":\"oct\",\"kid\":\"a\",\"nbf\":" nbf ",\"exp\":" exp ",\"k\":\"" k "\"}"
#define KEY(kid, k) "{\"kty\":\"oct\",\"kid\":\"" kid "\",\"k\":\"" k "\"}"

static sipveil_code add(sipveil_keyring *ring, const char *text, const char *kid,
                        const sipveil_key **first, sipveil_error *err)
{
    sipveil_key_options options = {.kid = kid};
    return sipveil_keyring_add_octets(ring, sv_span_str(text), "test.jwk", &options, first, err);
}

typedef struct good_case {
    const char *name, *text, *kid;
    size_t added;
    const char *id; /* of the first key */
    size_t id_len, key_len;
} good_case;

static const good_case good[] = {
    {"128 bits", "{\"kty\":\"oct\",\"kid\":\"ims-ck-1\",\"k\":\"" K128 "\",\"alg\":\"A128KW\"}", NULL, 1,
     "ims-ck-1", 8, 16},
    {"192 bits", "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"" K192 "\",\"alg\":\"A192KW\"}", NULL, 1, "a", 1, 24},
    {"256 bits", "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"" K256 "\",\"alg\":\"A256KW\"}", NULL, 1, "a", 1, 32},
    {"no alg, use enc, foreign members", "{\"kty\":\"oct\",\"use\":\"enc\",\"x\":[{\"y\":1}],\"kid\":\"a\",\"k\":\"" K128 "\"}",
     NULL, 1, "a", 1, 16},
    /* CMS-15: keyIdentifier is the UTF-8 octets of kid */
    {"kid beyond ASCII", "{\"kty\":\"oct\",\"kid\":\"cl\\u00e9\",\"k\":\"" K128 "\"}", NULL, 1, "cl\xC3\xA9", 4, 16},
    /* ADV-092: any octets, NUL and slash too */
    {"kid_hex", "{\"kty\":\"oct\",\"kid_hex\":\"00FF2f\",\"k\":\"" K128 "\"}", NULL, 1, "\x00\xFF/", 3, 16},
    {"kid and kid_hex, the same octets", "{\"kty\":\"oct\",\"kid\":\"\u00fcn\",\"kid_hex\":\"c3Bc6E\",\"k\":\"" K128 "\"}", "\xC3\xBCn", 1,
     "\xC3\xBCn", 3, 16},
    {"set", "{\"keys\":[" KEY("a", K128) "," KEY("b", K256) "]}", NULL, 2, "a", 1, 16},
    {"set, one picked", "{\"keys\":[" KEY("a", K128) "," KEY("b", K256) "]}", "b", 1, "b", 1, 32},
    {"set with other kinds of keys", "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\"}," KEY("b", K256) "]}", NULL, 1, "b", 1, 32},
    {"CMS-15: good from, until", "{\"kty\":\"oct\",\"kid\":\"a\",\"nbf\":1,\"exp\":253402300799,\"k\":\"" K128 "\"}", NULL, 1, "a", 1, 16},
    {"CMS-15: one key after the other", "{\"keys\":[" TIMED("1", "1000", K128) "," TIMED("1000", "2000", K256) "]}", NULL, 2, "a", 1, 16},
    {"CMS-15: the later one first", "{\"keys\":[" TIMED("1000", "2000", K128) "," TIMED("1", "1000", K256) "]}", NULL, 2, "a", 1, 16},
    {"set, picked by kid_hex", "{\"keys\":[{\"kty\":\"oct\",\"kid_hex\":\"AB\",\"k\":\"" K128 "\"}]}", "ab", 1, "\xAB", 1, 16},
};

static void reads_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const good_case *c = &good[i];
        sipveil_keyring *ring = lab_ring();
        sipveil_error err;
        const sipveil_key *first;
        size_t count;
        if (add(ring, c->text, c->kid, &first, &err) != SIPVEIL_OK) fail_msg("%s: %s", c->name, err.text);
        assert_ptr_equal(first, sipveil_keyring_at(ring, 0));
        assert_int_equal(sipveil_keyring_count(ring), c->added);
        const sv_cms_key *keys = sv_keyring_cms_keys(ring, &count);
        assert_int_equal(count, c->added);
        assert_int_equal(keys[0].kind, SV_CMS_KEY_KEK);
        assert_true(sv_equal(keys[0].kek_id, sv_span(c->id, c->id_len)));
        assert_int_equal(keys[0].kek.len, c->key_len);
        for (size_t n = 0; n < c->key_len; n++) assert_int_equal(keys[0].kek.data[n], n);
        assert_int_equal(sipveil_key_get_kind(sipveil_keyring_at(ring, 0)), SIPVEIL_KEY_KEK);
        assert_null(sipveil_keyring_at(ring, c->added));
        sipveil_keyring_free(ring);
    }
}

typedef struct bad_case {
    const char *name, *text, *kid, *says;
} bad_case;

static const bad_case bad[] = {
    {"not JSON", "{\"kty\"", NULL, "JSON"},
    {"a member twice", "{\"kty\":\"oct\",\"kid\":\"a\",\"kid\":\"b\",\"k\":\"" K128 "\"}", NULL, "stands twice"},
    {"no kty", "{\"kid\":\"a\",\"k\":\"" K128 "\"}", NULL, "kty"},
    {"another kty", "{\"kty\":\"RSA\",\"kid\":\"a\",\"k\":\"" K128 "\"}", NULL, "kty"},
    {"kty is a number", "{\"kty\":1,\"kid\":\"a\",\"k\":\"" K128 "\"}", NULL, "kty"},
    {"no kid", "{\"kty\":\"oct\",\"k\":\"" K128 "\"}", NULL, "neither \"kid\""},
    {"empty kid", KEY("", K128), NULL, "\"kid\" is not a text"},
    {"kid is a number", "{\"kty\":\"oct\",\"kid\":7,\"k\":\"" K128 "\"}", NULL, "\"kid\" is not a text"},
    {"kid_hex odd", "{\"kty\":\"oct\",\"kid_hex\":\"abc\",\"k\":\"" K128 "\"}", NULL, "odd number"},
    {"kid_hex no hex", "{\"kty\":\"oct\",\"kid_hex\":\"0g\",\"k\":\"" K128 "\"}", NULL, "hexadecimal"},
    {"CMS-15: kid and kid_hex, two identifiers", "{\"kty\":\"oct\",\"kid\":\"n\",\"kid_hex\":\"0a\",\"k\":\"" K128 "\"}", "n",
     "\"kid\" is \"n\", and \"kid_hex\" names other octets: 0a"},
    {"kid and the digits of kid_hex", "{\"kty\":\"oct\",\"kid\":\"0a\",\"kid_hex\":\"0a\",\"k\":\"" K128 "\"}", NULL, "names other octets"},
    {"no k", "{\"kty\":\"oct\",\"kid\":\"a\"}", NULL, "no member \"k\""},
    {"k padded", KEY("a", K128 "=="), NULL, "base64url"},
    {"k in the other alphabet", KEY("a", "++ECAwQFBgcICQoLDA0ODw"), NULL, "base64url"},
    {"k with a blank", KEY("a", "AAECAwQFBgcICQoLDA0OD w"), NULL, "base64url"},
    {"k with spare bits", KEY("a", "AAECAwQFBgcICQoLDA0ODx"), NULL, "spare bits"},
    {"k one digit over", KEY("a", "AAECAwQFBgcICQoLDA0ODxARA"), NULL, "spare bits"},
    /* ADV-093 */
    {"ADV-093: 8 octets", KEY("a", "AAECAwQFBgc"), NULL, "8 octets, not 16"},
    {"ADV-093: 17 octets", KEY("a", "AAECAwQFBgcICQoLDA0ODxA"), NULL, "17 octets, not 16"},
    {"ADV-093: all zero", KEY("a", "AAAAAAAAAAAAAAAAAAAAAA"), NULL, "all zero"},
    {"ADV-093: alg of another size", "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"" K128 "\",\"alg\":\"A256KW\"}", NULL,
     "16 octets, and \"alg\" says A256KW"},
    {"alg of another use", "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"" K128 "\",\"alg\":\"HS256\"}", NULL, "HS256"},
    {"use sig", "{\"kty\":\"oct\",\"use\":\"sig\",\"kid\":\"a\",\"k\":\"" K128 "\"}", NULL, "not for encryption"},
    {"keys is no array", "{\"keys\":{}}", NULL, "not an array"},
    {"set of a number", "{\"keys\":[1]}", NULL, "not an object"},
    {"empty set", "{\"keys\":[]}", NULL, "no shared key"},
    {"no such kid in the set", "{\"keys\":[" KEY("a", K128) "]}", "b", "no shared key has the kid \"b\""},
    {"ADV-093: an identifier twice", "{\"keys\":[" KEY("a", K128) "," KEY("a", K256) "]}", NULL, "two different keys"},
    {"ADV-093: a key twice", "{\"keys\":[" KEY("a", K128) "," KEY("b", K128) "]}", NULL, "the same key"},
    {"CMS-15: two that are good at one time", "{\"keys\":[" TIMED("1", "1001", K128) "," TIMED("1000", "2000", K256) "]}", NULL, "two different keys"},
    {"CMS-15: one has no end", "{\"keys\":[" KEY("a", K128) "," TIMED("1000", "2000", K256) "]}", NULL, "two different keys"},
    {"exp before nbf", TIMED("2000", "1000", K128), NULL, "not after \"nbf\""},
    {"exp at nbf", TIMED("1000", "1000", K128), NULL, "not after \"nbf\""},
    {"nbf is 0", TIMED("0", "1000", K128), NULL, "\"nbf\" is no time"},
    {"nbf is negative", TIMED("-1", "1000", K128), NULL, "\"nbf\" is no time"},
    {"nbf is a fraction", TIMED("1.5", "1000", K128), NULL, "\"nbf\" is no time"},
    {"nbf is a text", TIMED("\"1\"", "1000", K128), NULL, "\"nbf\" is no time"},
    {"exp is too large", TIMED("1", "1000000000000", K128), NULL, "\"exp\" is no time"},
    {"one of a set is bad", "{\"keys\":[" KEY("a", K128) "," KEY("b", "AAEC") "]}", NULL, "3 octets"},
};

static void refuses_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sipveil_keyring *ring = lab_ring();
        sipveil_error err;
        const sipveil_key *first = (const sipveil_key *)ring;
        if (add(ring, bad[i].text, bad[i].kid, &first, &err) != SIPVEIL_USAGE) {
            fail_msg("%s: taken", bad[i].name);
        }
        lab_assert_text(err, bad[i].says);
        lab_assert_text(err, "test.jwk: ");
        if (strstr(err.text, "AAEC") != NULL) fail_msg("%s: the key is in the message", bad[i].name);
        assert_null(first);
        assert_int_equal(sipveil_keyring_count(ring), 0);
        sipveil_keyring_free(ring);
    }
}

static void keeps_identifiers_apart_over_calls(void **state)
{
    sipveil_keyring *ring = lab_ring();
    sipveil_error err;
    (void)state;
    assert_int_equal(add(ring, KEY("a", K128), NULL, NULL, &err), SIPVEIL_OK);
    assert_int_equal(add(ring, KEY("a", K128), NULL, NULL, &err), SIPVEIL_OK); /* the same again: idle */
    assert_int_equal(add(ring, KEY("a", K256), NULL, NULL, &err), SIPVEIL_USAGE);  /* ADV-093 */
    assert_string_equal(err.rule, "ADV-093");
    assert_int_equal(add(ring, KEY("b", K128), NULL, NULL, &err), SIPVEIL_USAGE); /* ADV-093 */
    assert_int_equal(add(ring, KEY("b", K256), NULL, NULL, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_count(ring), 3);
    assert_string_equal(sipveil_key_describe(sipveil_keyring_at(ring, 2)), "kek \"b\"");
    sipveil_keyring_free(ring);
}

static void what_is_written_is_read_back(void **state)
{
    static const unsigned bits[] = {128, 192, 256};
    static const char *const kids[] = {NULL, "ims-ck-1", "with \"quote\" and \\", "cl\xC3\xA9"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t n = 0; n < 4; n++) {
            char *jwk;
            size_t count;
            sipveil_error err;
            sipveil_keyring *ring = lab_ring();
            assert_int_equal(sipveil_keys_make_kek(lab_context, kids[n], bits[i], &jwk, &err), SIPVEIL_OK);
            assert_int_equal(add(ring, jwk, NULL, NULL, &err), SIPVEIL_OK);
            const sv_cms_key *keys = sv_keyring_cms_keys(ring, &count);
            assert_int_equal(keys[0].kek.len, bits[i] / 8);
            if (kids[n] != NULL) assert_true(sv_equal_str(keys[0].kek_id, kids[n]));
            if (kids[n] == NULL) assert_int_equal(keys[0].kek_id.len, 32);
            sipveil_keys_wipe_text(jwk);
            sipveil_keyring_free(ring);
        }
    }
}

static void refuses_to_write(void **state)
{
    char *jwk, kid[1026];
    sipveil_error err;
    (void)state;
    memset(kid, 'a', sizeof kid - 1);
    kid[sizeof kid - 1] = '\0';
    assert_int_equal(sipveil_keys_make_kek(lab_context, NULL, 100, &jwk, &err), SIPVEIL_USAGE);
    assert_null(jwk);
    assert_int_equal(sipveil_keys_make_kek(lab_context, "a\nb", 128, &jwk, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_keys_make_kek(lab_context, "\xFF", 128, &jwk, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_keys_make_kek(lab_context, "", 128, &jwk, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_keys_make_kek(lab_context, kid, 128, &jwk, &err), SIPVEIL_USAGE);
    assert_null(jwk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_keys),
        cmocka_unit_test(refuses_keys),
        cmocka_unit_test(keeps_identifiers_apart_over_calls),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(refuses_to_write),
    };
    return cmocka_run_group_tests_name("shared keys as JWK", tests, lab_open, lab_close);
}
