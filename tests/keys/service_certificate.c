/* SPDX-License-Identifier: BSD-2-Clause */
/* The certificate of an authentication service: hosts of HTTPS (RFC 2818), single extensions, TLS usage by option. */
#include "lab.h"

#include "keys/certificate.h"
#include "keys/service_certificate.h"

static lab_certificate root;

static int open_lab(void **state)
{
    if (lab_open(state) != 0) return -1;
    const lab_form form = {.subject = "root", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign",
                           .from = -86400L, .until = 86400L * 400};
    root = lab_make(&form);
    return 0;
}

static int close_lab(void **state)
{
    lab_free(&root);
    return lab_close(state);
}

/* RFC 2818 3.1, which RFC 4474 asks for (IDN-17). */
static void hosts_of_https(void **state)
{
    static const struct {
        const char *san, *subject, *host;
        bool serves;
    } rows[] = {
        {"DNS:a.example", "c", "A.example", true},      {"DNS:a.example", "c", "b.a.example", false},
        {"DNS:*.a.example", "c", "b.a.example", true},  {"DNS:*.a.example", "c", "c.b.a.example", false},
        {"DNS:*.a.example", "c", "a.example", false},   {"DNS:b.example", "a.example", "a.example", false},
        {NULL, "a.example", "a.example", true},         {NULL, "a.example", "", false},
        {"DNS:f*.a.example", "c", "foo.a.example", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const lab_form form = {.subject = rows[i].subject, .san = rows[i].san, .issuer = &root};
        lab_certificate made = lab_make(&form);
        assert_int_equal(sv_certificate_serves_https(made.x509, sv_span_str(rows[i].host)), rows[i].serves);
        lab_free(&made);
    }
}

static void extensions(void **state)
{
    static const uint8_t oid[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1A};
    const lab_form form = {.subject = "c", .issuer = &root, .extension = "1.3.6.1.5.5.7.1.26", .extension_value = "value",
                           .extension_len = 5};
    sipveil_span value;
    (void)state;
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    lab_certificate made = lab_make(&form);
    assert_int_equal(sv_certificate_extension(made.x509, sv_span(oid, sizeof oid), arena, &value, NULL), SIPVEIL_OK);
    assert_true(sv_equal_str(value, "value"));
    assert_int_equal(sv_certificate_extension(root.x509, sv_span(oid, sizeof oid), arena, &value, NULL), SIPVEIL_OK);
    assert_int_equal(value.len, 0);
    lab_extend_raw(made.x509, &form);
    assert_int_equal(sv_certificate_extension(made.x509, sv_span(oid, sizeof oid), arena, &value, NULL), SIPVEIL_MALFORMED);
    lab_free(&made);
    sv_arena_free(arena);
}

/* IDN-73, IDN-74 */
static void usage(void **state)
{
    static const struct {
        lab_form form;
        sv_use use;
        bool good;
    } rows[] = {
        {{.san = "DNS:a.example"}, SV_USE_SIGN_AS_HOST, true},
        {{.purposes = "1.3.6.1.5.5.7.3.20"}, SV_USE_SIGN_AS_HOST, true},
        {{.purposes = "anyExtendedKeyUsage"}, SV_USE_SIGN_AS_HOST, true},
        {{.purposes = "serverAuth"}, SV_USE_SIGN_AS_HOST, false},
        {{.purposes = "serverAuth"}, SV_USE_SIGN_AS_TLS_HOST, true},
        {{.purposes = "clientAuth"}, SV_USE_SIGN_AS_TLS_HOST, true},
        {{.purposes = "serverAuth"}, SV_USE_SIGN, false},
        {{.purposes = "emailProtection"}, SV_USE_SIGN_AS_TLS_HOST, false},
        {{.usage = "keyEncipherment"}, SV_USE_SIGN_AS_TLS_HOST, false},
        {{.extension = "1.2.3.4", .extension_value = "\x05\x00", .extension_len = 2, .extension_critical = true},
         SV_USE_SIGN_AS_HOST, false},
        {{.extension = "1.2.3.4", .extension_value = "\x05\x00", .extension_len = 2}, SV_USE_SIGN_AS_HOST, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lab_form form = rows[i].form;
        form.subject = "c";
        form.issuer = &root;
        lab_certificate made = lab_make(&form);
        assert_int_equal(sv_certificate_check_usage(made.x509, rows[i].use, NULL), rows[i].good ? SIPVEIL_OK : SIPVEIL_UNTRUSTED_SIGNER);
        lab_free(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hosts_of_https), cmocka_unit_test(extensions), cmocka_unit_test(usage)};
    return cmocka_run_group_tests_name("certificates of authentication services", tests, open_lab, close_lab);
}
