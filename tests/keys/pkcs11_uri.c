/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/pkcs11_uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/span.h"
#include "sipveil/keys.h"

static int setup(void **state)
{
    *state = sv_arena_new(4096, 1 << 20);
    return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    sv_arena_free(*state);
    return 0;
}

#define ASSERT_SPAN(found, literal) assert_true(sv_equal(found, SV_SPAN(literal)))

static void test_every_attribute(void **state)
{
    static const char text[] = "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;"
                               "model=1.0;serial=;slot-id=327;object=my-certificate;type=cert;id=%69%95%00%3e%5c"
                               "?pin-source=file:/etc/token&module-path=/usr/lib/a.so";
    sv_pkcs11_uri uri;
    sipveil_error err;
    assert_int_equal(sv_pkcs11_read_uri(SV_SPAN(text), *state, &uri, &err), SIPVEIL_OK);
    ASSERT_SPAN(uri.token, "The Software PKCS#11 Softtoken");
    ASSERT_SPAN(uri.manufacturer, "Snake Oil, Inc.");
    ASSERT_SPAN(uri.model, "1.0");
    assert_true(uri.serial.data != NULL && uri.serial.len == 0); /* given, and empty */
    assert_true(uri.has_slot && uri.slot == 327);
    ASSERT_SPAN(uri.object, "my-certificate");
    ASSERT_SPAN(uri.id, "i\x95\0>\\");
    assert_int_equal(uri.type, SV_PKCS11_CERTIFICATE);
    assert_string_equal((const char *)uri.pin_source.data, "file:/etc/token");
    assert_string_equal((const char *)uri.module_path.data, "/usr/lib/a.so");
    assert_null(uri.module_name.data);
}

static void test_forms(void **state)
{
    static const struct {
        const char *text;
        sv_pkcs11_type type;
    } good[] = {{"pkcs11:", SV_PKCS11_ANY},
                {"PKCS11:type=private", SV_PKCS11_PRIVATE},
                {"pkcs11:type=secret%2dkey", SV_PKCS11_SECRET},
                {"pkcs11:?module-name=softhsm2", SV_PKCS11_ANY},
                {"pkcs11:object=a&b:[]@!$'()*+,=", SV_PKCS11_ANY},
                {"pkcs11:?module-path=/a?b|c", SV_PKCS11_ANY}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        sv_pkcs11_uri uri;
        sipveil_error err;
        assert_int_equal(sv_pkcs11_read_uri(sv_span_str(good[i].text), *state, &uri, &err), SIPVEIL_OK);
        assert_int_equal(uri.type, good[i].type);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "pkcs11:"},
        {"pkcs12:a=b", "pkcs11:"},
        {"pkcs11:token", "name=value"},
        {"pkcs11:token=a;", "name=value"},
        {"pkcs11:;token=a", "name=value"},
        {"pkcs11:token=a?", "name=value"},
        {"pkcs11:token=a?module-path=/a&", "name=value"},
        {"pkcs11:=a", "name=value"},
        {"pkcs11:token=a;token=a", "twice"},
        {"pkcs11:?module-path=/a&module-path=/a", "twice"},
        {"pkcs11:Token=a", "not handled"},
        {"pkcs11:library-version=2.40", "not handled"},
        {"pkcs11:x-vendor=1", "not handled"},
        {"pkcs11:pin-source=file:/a", "after the question mark"},
        {"pkcs11:?object=a", "before the question mark"},
        {"pkcs11:?pin-value=1234", "pin-value"}, /* ADV-211 */
        {"pkcs11:token=a b", "%20"},
        {"pkcs11:token=a#b", "not allowed"},
        {"pkcs11:token=\xC3\xA4", "not allowed"},
        {"pkcs11:token=a/b", "not allowed"},
        {"pkcs11:token=%", "hexadecimal"},
        {"pkcs11:token=%4", "hexadecimal"},
        {"pkcs11:token=%4g", "hexadecimal"},
        {"pkcs11:token=a%00b", "NUL"},
        {"pkcs11:type=public", "public"},
        {"pkcs11:type=", "type is"},
        {"pkcs11:slot-id=-1", "number"},
        {"pkcs11:slot-id=", "number"},
        {"pkcs11:slot-id=4294967296", "number"},
        {"pkcs11:?module-path=/a&module-name=a", "both"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sv_pkcs11_uri uri;
        sipveil_error err;
        sv_error_clear(&err);
        assert_int_equal(sv_pkcs11_read_uri(sv_span_str(bad[i].text), *state, &uri, &err), SIPVEIL_USAGE);
        if (strstr(err.text, bad[i].says) == NULL && strstr(err.hint, bad[i].says) == NULL) {
            fail_msg("%s: %s; %s", bad[i].text, err.text, err.hint);
        }
        assert_null(uri.token.data);
        assert_null(strstr(err.text, "1234"));
    }
    static char large[5000] = "pkcs11:object=";
    memset(large + strlen(large), 'a', sizeof large - 1 - strlen(large));
    sv_pkcs11_uri uri;
    assert_int_equal(sv_pkcs11_read_uri(sv_span_str(large), *state, &uri, NULL), SIPVEIL_USAGE);
}

/* Nothing is added, and the error names what could not be had. */
static void test_loader(void **state)
{
    static const struct {
        const char *uri, *says;
    } bad[] = {{"pkcs11:?module-path=/nowhere/a.so", "/nowhere/a.so"},
               {"pkcs11:?module-path=a.so", "slash"},
               {"pkcs11:?module-name=../a", "no path"},
               {"pkcs11:?module-name=", "no path"},
               {"pkcs11:?module-name=nowhere", "nowhere"},
               {"pkcs11:?module-path=/dev/null", "/dev/null"},
               {"file:a", "pkcs11:"}};
    sipveil_context *context;
    sipveil_keyring *ring;
    sipveil_error err;
    const sipveil_key *first = NULL;
    (void)state;
    assert_int_equal(sipveil_context_new(NULL, &context, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_new(context, &ring, &err), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sipveil_keyring_add_pkcs11(ring, bad[i].uri, NULL, &first, &err), SIPVEIL_USAGE);
        if (strstr(err.text, "this build has no PKCS #11") != NULL) break;
        if (strstr(err.text, bad[i].says) == NULL) fail_msg("%s: %s", bad[i].uri, err.text);
        assert_null(first);
        assert_int_equal(sipveil_keyring_count(ring), 0);
    }
    sipveil_keyring_free(ring);
    sipveil_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_attribute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test(test_loader),
    };
    return cmocka_run_group_tests_name("pkcs11 URIs", tests, NULL, NULL);
}
