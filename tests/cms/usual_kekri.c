/* SPDX-License-Identifier: BSD-2-Clause */
/* A recipient in its usual form is recognised whole. Nothing may pass by that which would not pass value by
 * value, and nothing may be read out of it that the values do not say. */
#include "cms/envelopes.h"
#include "cms/usual_kekri.h"

enum { MANY = 16 };

static sipveil_span sealed_for(fixture *f, sv_cms_key *keys, size_t count, char names[][16])
{
    for (size_t i = 0; i < count; i++) {
        keys[i] = test_key(f, "kek256");
        (void)snprintf(names[i], 16, "key-number-%02u", (unsigned)i % 100);
        keys[i].kek_id = sv_span_str(names[i]);
    }
    return seal(f, keys, count, SIPVEIL_CIPHER_AES_256_GCM, SV_SPAN("hello"));
}

/* The first recipient of the SET in what was sealed. */
static sipveil_span first_recipient(sipveil_span sealed)
{
    sv_cursor c = sv_cursor_over(sealed, "sealed"), info, choice, body, set;
    sipveil_span oid;
    uint64_t version;
    sv_der value;
    assert_int_equal(sv_der_enter(&c, SV_DER_SEQUENCE, "", &info, NULL), SIPVEIL_OK);
    assert_int_equal(sv_der_take_oid(&info, "", &oid, NULL), SIPVEIL_OK);
    assert_int_equal(sv_der_enter(&info, 0xA0, "", &choice, NULL), SIPVEIL_OK);
    assert_int_equal(sv_der_enter(&choice, SV_DER_SEQUENCE, "", &body, NULL), SIPVEIL_OK);
    assert_int_equal(sv_der_take_number(&body, "", &version, NULL), SIPVEIL_OK);
    assert_int_equal(sv_der_enter(&body, SV_DER_SET, "", &set, NULL), SIPVEIL_OK);
    assert_int_equal(sv_der_take(&set, &value, NULL), SIPVEIL_OK);
    return value.whole;
}

/* The same, value by value. */
static bool take_slowly(sv_cursor *c, sv_usual_kekri *out)
{
    sv_cursor inside, id;
    sv_der_algorithm algorithm;
    sv_der value;
    uint64_t version;
    if (sv_der_enter(c, 0xA2, "", &inside, NULL) != SIPVEIL_OK || sv_der_take_number(&inside, "", &version, NULL) != SIPVEIL_OK ||
        version != 4 || sv_der_enter(&inside, SV_DER_SEQUENCE, "", &id, NULL) != SIPVEIL_OK ||
        sv_der_take_tag(&id, SV_DER_OCTET_STRING, "", &value, NULL) != SIPVEIL_OK || !sv_at_end(&id)) {
        return false;
    }
    out->key_id = value.content;
    if (sv_der_take_algorithm(&inside, "", &algorithm, NULL) != SIPVEIL_OK || algorithm.parameters.len > 0) return false;
    out->algorithm_oid = algorithm.oid;
    if (sv_der_take_tag(&inside, SV_DER_OCTET_STRING, "", &value, NULL) != SIPVEIL_OK || !sv_at_end(&inside)) return false;
    out->encrypted_key = value.content;
    return true;
}

static bool same_place(sipveil_span a, sipveil_span b)
{
    return a.data == b.data && a.len == b.len;
}

/* ADV-052, ADV-053: every octet set to every value, and every length cut off. */
static void test_nothing_else_passes(void **state)
{
    fixture *f = *state;
    sv_cms_key key;
    char name[1][16];
    sipveil_span whole = first_recipient(sealed_for(f, &key, 1, name));
    uint8_t octets[128];
    size_t taken = 0;
    sv_usual_kekri quick = {0}, slow = {0};
    assert_true(whole.len < sizeof octets);
    for (size_t at = 0; at < whole.len; at++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(octets, whole.data, whole.len);
            octets[at] = (uint8_t)value;
            sv_cursor c = sv_cursor_over(sv_span(octets, whole.len), ""), d = c;
            if (!sv_usual_kekri_take(&c, &quick)) {
                assert_ptr_equal(c.at, octets);
                continue;
            }
            taken++;
            assert_true(take_slowly(&d, &slow));
            assert_ptr_equal(c.at, d.at);
            assert_int_equal(sv_der_scan(sv_span(octets, (size_t)(c.at - octets)), sipveil_context_limits(f->context), true, NULL),
                             SIPVEIL_OK);
            assert_true(same_place(quick.key_id, slow.key_id) && same_place(quick.algorithm_oid, slow.algorithm_oid) &&
                        same_place(quick.encrypted_key, slow.encrypted_key));
        }
        sv_cursor cut = sv_cursor_over(sv_span(whole.data, at), "");
        assert_false(sv_usual_kekri_take(&cut, &quick));
    }
    /* The octets of the identifier and of the wrapped key may be any, and the last arc of the algorithm. */
    assert_true(taken >= 256 * (key.kek_id.len + 40) && taken < 256 * (key.kek_id.len + 42));
}

/* Values in a whole, itself included. */
static size_t count_values(sipveil_span octets)
{
    sv_cursor c = sv_cursor_over(octets, "");
    size_t count = 0;
    sv_der value;
    while (!sv_at_end(&c)) {
        assert_int_equal(sv_der_take(&c, &value, NULL), SIPVEIL_OK);
        count += 1 + ((value.tag & SV_DER_CONSTRUCTED) != 0 ? count_values(value.content) : 0);
    }
    return count;
}

/* ADV-051: elements and depth are counted as if each value had been looked at. */
static void test_limits_are_met(void **state)
{
    fixture *f = *state;
    sv_cms_key keys[MANY];
    char names[MANY][16];
    sipveil_span sealed = sealed_for(f, keys, MANY, names);
    sipveil_limits limits = *sipveil_context_limits(f->context);
    size_t values = count_values(sealed);
    for (size_t most = 1; most <= values + 1; most++) {
        limits.asn1_elements = most;
        assert_int_equal(sv_der_scan(sealed, &limits, true, NULL), most >= values ? SIPVEIL_OK : SIPVEIL_LIMIT);
    }
    for (size_t depth = 1; depth <= 8; depth++) { /* info, [0], body, set, recipient, identifier */
        limits.asn1_depth = depth;
        assert_int_equal(sv_der_scan(sealed, &limits, true, NULL), depth >= 6 ? SIPVEIL_OK : SIPVEIL_LIMIT);
    }
}

/* Recipients in other forms stand among them; order and number stay. */
static void test_among_others(void **state)
{
    fixture *f = *state;
    sv_cms_key keys[5];
    char names[5][16], long_name[101];
    sv_enveloped e;
    sv_opening opening;
    sipveil_error err;
    (void)sealed_for(f, keys, 5, names);
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    keys[1].kek_id = sv_span_str(long_name); /* its length needs two octets */
    keys[3] = test_key(f, "password");
    sipveil_span sealed = seal(f, keys, 5, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
    assert_int_equal(read_sealed(f, sealed, &strict, &e, &err), SIPVEIL_OK);
    assert_int_equal(e.recipient_count, 5);
    for (size_t k = 0; k < 5; k++) {
        size_t found = 0;
        for (size_t i = 0; i < 5; i++) found += sv_cms_fits_at(&e, i, &keys[k]) ? 1 : 0;
        assert_int_equal(found, 1);
        assert_int_equal(open_read(f, &e, &keys[k], 1, &strict, &opening, &err), SIPVEIL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_else_passes),
        cmocka_unit_test(test_limits_are_met),
        cmocka_unit_test(test_among_others),
    };
    return cmocka_run_group_tests_name("recipients in their usual form", tests, fixture_setup, fixture_teardown);
}
