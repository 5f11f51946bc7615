/* SPDX-License-Identifier: BSD-2-Clause */
/* "no key fits": the names of those it is for, and of what we hold, side by side. */
#include <stdio.h>

#include "cms/envelopes.h"

static sipveil_error refuse(fixture *f, const sv_seal_request *request, const sv_cms_key *ours, size_t count)
{
    sv_opening out;
    sipveil_error err;
    builder = f;
    sipveil_span sealed = seal_with(f, request, SV_SPAN("hello"));
    assert_int_equal(open_sealed(f, sealed, ours, count, &tolerant, &out, &err), SIPVEIL_NO_KEY);
    return err;
}

static void test_both_lists(void **state)
{
    fixture *f = *state;
    sv_cms_key theirs[] = {test_key(f, "kek256"), test_key(f, "password")};
    sv_cms_key ours[] = {test_key(f, "kek128"), test_key(f, "P-256"), test_key(f, "x25519")};
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = theirs, .recipient_count = 2,
                               .pbkdf2_iterations = TEST_ITERATIONS};
    ours[2].private_key = NULL; /* a certificate is nothing to open with */
    sipveil_error err = refuse(f, &request, ours, 3);
    const char *start = "no key fits: recipients are kek \"kek256\", password; we hold kek \"kek128\", cert CN=P-256 serial ";
    assert_memory_equal(err.text, start, strlen(start));
    assert_null(strstr(err.text, "x25519"));
    err = refuse(f, &request, ours + 2, 1);
    assert_string_equal(err.text, "no key fits: recipients are kek \"kek256\", password; we hold no key");
    assert_string_equal(err.hint, "");
}

/* ours are shown as the message names its recipients, so that a person can compare */
static void test_named_by_key_identifier(void **state)
{
    fixture *f = *state;
    sv_cms_key theirs = test_key(f, "P-384"), ours = test_key(f, "P-256");
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &theirs, .recipient_count = 1,
                               .by_key_identifier = true};
    char expected[32] = "we hold cert key-id ";
    size_t used = strlen(expected);
    snprintf(expected + used, sizeof expected - used, "%02x%02x", ours.ski.data[0], ours.ski.data[1]);
    assert_non_null(strstr(refuse(f, &request, &ours, 1).text, expected));
    request.by_key_identifier = false;
    assert_non_null(strstr(refuse(f, &request, &ours, 1).text, "we hold cert CN=P-256 serial "));
}

/* at most five of each, and never so many that the second list finds no room */
static void test_long_lists(void **state)
{
    fixture *f = *state;
    static char ids[12][160];
    sv_cms_key theirs[12], ours[12];
    uint8_t octets[12][16];
    for (size_t length = 4; length <= 150; length += 146) {
        for (unsigned i = 0; i < 12; i++) {
            memset(ids[i], 'a' + (int)i, length);
            memset(octets[i], (int)i + 1, 16);
            theirs[i] = (sv_cms_key){.kind = SV_CMS_KEY_KEK, .kek_id = sv_span(ids[i], length),
                                     .kek = sv_span(octets[i], 16)};
            ours[i] = theirs[i];
            ours[i].kek_id.len--;
        }
        sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = theirs, .recipient_count = 12};
        sipveil_error err = refuse(f, &request, ours, 12);
        const char *more = length == 4 ? " and 7 more" : " and 11 more", *second = strstr(err.text, "; we hold kek \"aaa");
        assert_non_null(second);
        assert_non_null(strstr(err.text, more));
        assert_non_null(strstr(second, more));
        assert_true(strstr(err.text, more) < second);
    }
}

static void test_hints(void **state)
{
    fixture *f = *state;
    sv_cms_key theirs = test_key(f, "rsa2048"), ours = theirs;
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &theirs, .recipient_count = 1};
    ours.private_key = NULL;
    assert_string_equal(refuse(f, &request, &ours, 1).hint,
                        "the certificate of a recipient is here, but not its private key");
}

/* CMS-15: the identifier is ours, the date is not */
static void test_date(void **state)
{
    fixture *f = *state;
    sipveil_error err;
    sv_enveloped enveloped;
    sv_opening out;
    sv_cms_key key = test_key(f, "kek128");
    sipveil_span sealed = seal(f, &key, 1, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
    assert_int_equal(read_sealed(f, sealed, &tolerant, &enveloped, &err), SIPVEIL_OK);
    sv_recipient dated, room;
    dated = *sv_cms_recipient(&enveloped, 0, &room);
    dated.key_date = 1000;
    enveloped.recipients = &dated;
    key.valid_from = 2000;
    assert_int_equal(open_read(f, &enveloped, &key, 1, &tolerant, &out, &err), SIPVEIL_NO_KEY);
    assert_non_null(strstr(err.hint, "date"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_lists),
        cmocka_unit_test(test_named_by_key_identifier),
        cmocka_unit_test(test_long_lists),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_date),
    };
    return cmocka_run_group_tests_name("nothing fits", tests, fixture_setup, fixture_teardown);
}
