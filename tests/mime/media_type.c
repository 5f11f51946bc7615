/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mime/mime.h"

static sipveil_limits limits;
static sv_media_type type;

static sipveil_code read_type(const char *value, unsigned flags)
{
    return sv_mime_read_media_type(sv_span_str(value), &limits, flags, &type, NULL);
}

static void assert_parameter(const char *name, const char *expected)
{
    sipveil_span value;
    assert_true(sv_media_type_parameter(&type, name, &value));
    if (!sv_equal_str(value, expected)) fail_msg("%s is not %s", name, expected);
}

static sv_mime_parameter parameter_at(size_t place)
{
    sv_cursor c = sv_cursor_over(type.parameters, "parameters");
    sv_mime_parameter p;
    for (size_t i = 0; i <= place; i++) assert_true(sv_media_type_next(&type, &c, &p));
    return p;
}

static void reads_types_and_parameters(void **state)
{
    (void)state;
    sipveil_span value;
    assert_int_equal(read_type("multipart/signed; protocol=\"application/pkcs7-signature\";\r\n"
                               "    micalg=sha1; boundary=boundary42", 0), SIPVEIL_OK);
    assert_true(type.present);
    assert_true(sv_media_type_is(&type, "MultiPart", "SIGNED"));
    assert_false(sv_media_type_is(&type, "multipart", "mixed"));
    assert_int_equal(type.parameter_count, 3);
    assert_parameter("Protocol", "application/pkcs7-signature");
    assert_parameter("micalg", "sha1");
    assert_parameter("boundary", "boundary42");
    assert_true(parameter_at(0).quoted);
    assert_false(parameter_at(1).quoted);
    assert_false(sv_media_type_parameter(&type, "bound", &value));
    assert_int_equal(value.len, 0);

    assert_int_equal(read_type("application/pkcs7-mime;smime-type=enveloped-data;name=smime.p7m", 0),
                     SIPVEIL_OK);
    assert_parameter("smime-type", "enveloped-data");
    assert_parameter("name", "smime.p7m");
    assert_int_equal(read_type("application\r\n / sdp \t", 0), SIPVEIL_OK);
    assert_true(sv_media_type_is(&type, "application", "sdp"));
    assert_int_equal(read_type("a/b; x = \"q \\\" \\\\ ;\" ; y=1", 0), SIPVEIL_OK);
    assert_parameter("x", "q \\\" \\\\ ;");
    assert_true(parameter_at(0).has_escape);
    assert_parameter("y", "1");
    assert_int_equal(read_type("a/b;x=\"\"", 0), SIPVEIL_OK);
    assert_parameter("x", "");
    assert_int_equal(read_type("a/b;x=\"two\r\n lines\"", 0), SIPVEIL_OK);
}

/* ADV-019: doubled parameters and RFC 2231 continuations; and all that is not in the grammar. */
static void refuses_what_is_not_in_the_grammar(void **state)
{
    static const char *const values[] = {
        "", " ", "/", "text", "text/", "/plain", "text plain", "text/plain foo", "text/plain;",
        "text/plain; ", "text/plain;;a=b", "text/plain;a", "text/plain;a=", "text/plain;=b",
        "text/plain;a=\"", "text/plain;a=\"b", "text/plain;a=\"b\\\"", "text/plain;a=b/c",
        "text/plain;a=b:c", "text/plain;a=b@c", "text/plain;a=b c", "text/plain;a=\"b\"c",
        "text/plain (comment)", "te(x)t/plain", "text/plain;a=\xE4",
        "multipart/mixed;boundary=a;boundary=a", "multipart/mixed;boundary=a;BOUNDARY=b",
        "multipart/signed;protocol=\"a/b\";boundary=c;protocol=\"a/b\"",
        "multipart/mixed;boundary*0=a;boundary*1=b", "multipart/mixed;boundary*=us-ascii''b",
        "a/b;c=\"d\r\nX: y\"", "a/b;c=\"d\ne\"", "a/b;c=\"d\re\"", "a/b;c=\"\x01\"", "a/b;c=\"\x7F\"",
        "text/plain;a=b\r\n", "text/plain\r\nfoo", "smime-type=enveloped-data",
        "text/plain\r\n charset=utf-8",
    };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        sipveil_error err;
        memset(&type, 0x55, sizeof type);
        sipveil_code code = sv_mime_read_media_type(sv_span_str(values[i]), &limits, 0, &type, &err);
        if (code != SIPVEIL_MALFORMED) fail_msg("\"%s\": %s", values[i], sipveil_code_name(code));
        assert_int_equal(err.code, SIPVEIL_MALFORMED);
        assert_true(err.text[0] != '\0' && err.rule[0] != '\0');
        assert_int_equal(type.type.len + type.subtype.len + type.parameter_count, 0);
        assert_false(type.present);
    }
    assert_int_equal(sv_mime_read_media_type(SV_SPAN("a/b;c=\"d\0e\""), &limits, 0, &type, NULL),
                     SIPVEIL_MALFORMED); /* ADV-008 */
    assert_int_equal(sv_mime_read_media_type(SV_SPAN("a/b;c=\"d\\\0e\""), &limits, 0, &type, NULL),
                     SIPVEIL_OK); /* a quoted-pair may be any octet */
    assert_int_equal(sv_mime_read_media_type(sv_span(NULL, 0), &limits, 0, &type, NULL),
                     SIPVEIL_MALFORMED);
}

/* ADV-019: 200 parameters. */
static void counts_parameters(void **state)
{
    char value[4000];
    (void)state;
    for (size_t n = 1; n <= 200; n++) {
        size_t len = (size_t)snprintf(value, sizeof value, "a/b");
        for (size_t i = 0; i < n; i++) {
            len += (size_t)snprintf(value + len, sizeof value - len, " ; p%zu=\"%zu\"", i, i);
        }
        assert_int_equal(read_type(value, 0), n <= 64 ? SIPVEIL_OK : SIPVEIL_LIMIT);
        assert_int_equal(type.parameter_count, n <= 64 ? n : 0);
    }
    sipveil_limits two = limits;
    two.parameters = 2;
    assert_int_equal(sv_mime_read_media_type(SV_SPAN("a/b;c=d;e=f"), &two, 0, &type, NULL), SIPVEIL_OK);
    assert_int_equal(sv_mime_read_media_type(SV_SPAN("a/b;c=d;e=f;g=h"), &two, 0, &type, NULL),
                     SIPVEIL_LIMIT);
    two.parameters = 1000; /* no more than there is room for */
    assert_int_equal(sv_mime_read_media_type(sv_span_str(value), &two, 0, &type, NULL), SIPVEIL_LIMIT);
    assert_int_equal(sv_mime_read_disposition(sv_span_str("x;a=b"), &limits, 0, &type, NULL), SIPVEIL_OK);
}

/* TUN-21, TUN-63 */
static void reads_dispositions(void **state)
{
    (void)state;
    assert_int_equal(sv_mime_read_disposition(SV_SPAN("attachment; filename=smime.p7m; handling=required"),
                                              &limits, 0, &type, NULL), SIPVEIL_OK);
    assert_true(sv_media_type_is(&type, "attachment", ""));
    assert_parameter("filename", "smime.p7m");
    assert_parameter("handling", "required");
    assert_int_equal(sv_mime_read_disposition(SV_SPAN("aib"), &limits, 0, &type, NULL), SIPVEIL_OK);
    assert_true(type.present);
    static const char *const bad[] = {"", ";handling=required", "a/b", "a b", "\"render\"",
                                      "aib;handling=optional;handling=required",
                                      "attachment; filename=smime.p7m\r\n   handling=required"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        type.present = true;
        assert_int_equal(sv_mime_read_disposition(sv_span_str(bad[i]), &limits, 0, &type, NULL),
                         SIPVEIL_MALFORMED);
        assert_false(type.present);
    }
}

/* Published samples (RFC 3261 23.4.3) lack a semicolon before a parameter on a line of its own. */
static void reads_samples_when_asked(void **state)
{
    (void)state;
    assert_int_equal(sv_mime_read_disposition(
                         SV_SPAN("attachment; filename=smime.p7m\r\n   handling=required"), &limits,
                         SV_MIME_COMPAT_SAMPLES, &type, NULL), SIPVEIL_OK);
    assert_int_equal(type.parameter_count, 2);
    assert_parameter("filename", "smime.p7m");
    assert_parameter("handling", "required");
    /* only over a line end, and it is still checked for doubles */
    assert_int_equal(sv_mime_read_disposition(SV_SPAN("attachment; filename=a handling=b"), &limits,
                                              SV_MIME_COMPAT_SAMPLES, &type, NULL), SIPVEIL_MALFORMED);
    assert_int_equal(sv_mime_read_disposition(SV_SPAN("attachment; handling=a\r\n handling=b"), &limits,
                                              SV_MIME_COMPAT_SAMPLES, &type, NULL), SIPVEIL_MALFORMED);
    assert_int_equal(sv_mime_read_disposition(SV_SPAN("attachment; a=b\r\n c"), &limits,
                                              SV_MIME_COMPAT_SAMPLES, &type, NULL), SIPVEIL_MALFORMED);
    assert_int_equal(read_type("multipart/signed; a=b;\r\n c=d", SV_MIME_COMPAT_SAMPLES), SIPVEIL_OK);
    assert_int_equal(type.parameter_count, 2);
}

/* TUN-78: a media type is missing in the seed's example. */
static void reads_seed000_when_asked(void **state)
{
    (void)state;
    assert_int_equal(read_type("smime-type=enveloped-data", SV_MIME_COMPAT_SEED000), SIPVEIL_OK);
    assert_true(type.present);
    assert_true(sv_media_type_is(&type, "application", "pkcs7-mime"));
    assert_int_equal(type.parameter_count, 1);
    assert_parameter("smime-type", "enveloped-data");
    assert_int_equal(read_type("SMIME-Type=signed-data; name=x", SV_MIME_COMPAT_SEED000), SIPVEIL_OK);
    assert_int_equal(type.parameter_count, 2);
    static const char *const bad[] = {"smime-type=", "smime-type", "smime-type=a/b", "name=x; smime-type=a",
                                      "smime-type=a;smime-type=b", "smime-type=a b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(read_type(bad[i], SV_MIME_COMPAT_SEED000), SIPVEIL_MALFORMED);
    }
    assert_int_equal(read_type("smime-type=enveloped-data", SV_MIME_COMPAT_SAMPLES), SIPVEIL_MALFORMED);
    assert_int_equal(read_type("application/pkcs7-mime;smime-type=a", SV_MIME_COMPAT_SEED000), SIPVEIL_OK);
}

int main(void)
{
    sipveil_limits_default(&limits);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_types_and_parameters),
        cmocka_unit_test(refuses_what_is_not_in_the_grammar),
        cmocka_unit_test(counts_parameters),
        cmocka_unit_test(reads_dispositions),
        cmocka_unit_test(reads_samples_when_asked),
        cmocka_unit_test(reads_seed000_when_asked),
    };
    return cmocka_run_group_tests_name("media types", tests, NULL, NULL);
}
