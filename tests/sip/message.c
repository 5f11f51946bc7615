/* SPDX-License-Identifier: BSD-2-Clause */
/* What an application reads of a message by the public calls. */
#include "messages.h"
#include "sipveil/sip.h"

#define ROUTES "Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\nRoute: <sip:p3.example;lr>\r\n"
#define REQUEST START CORE ROUTES "s: the\r\n  door\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"

static void assert_text(sipveil_span got, const char *expected)
{
    if (!sv_equal_str(got, expected)) fail_msg("\"%.*s\" instead of \"%s\"", SIPVEIL_PRINT(got), expected);
}

static void takes_apart(void **state)
{
    sipveil_sip_message m;
    sipveil_error err;
    (void)state;
    assert_int_equal(sipveil_sip_read_message(sipveil_span_of(REQUEST "tail"), &m, &err), SIPVEIL_OK);
    assert_true(m.is_request);
    assert_text(m.method, "OPTIONS");
    assert_text(m.request_uri, "sip:bob@b.example");
    assert_text(m.body, "hello");
    assert_int_equal(m.status, 0);
    assert_int_equal(sipveil_sip_read_message(sipveil_span_of("SIP/2.0 486 Busy Here\r\n" CORE LENGTH_0 END), &m, NULL), SIPVEIL_OK);
    assert_false(m.is_request);
    assert_int_equal(m.status, 486);
    assert_text(m.phrase, "Busy Here");
    assert_text(m.method, "OPTIONS");
    assert_int_equal(m.body.len, 0);
}

static void reads_fields(void **state)
{
    static const struct {
        const char *name;
        size_t place;
        const char *value; /* NULL: there is none */
    } cases[] = {{"Call-ID", 0, "1@h.example"}, {"i", 0, "1@h.example"}, {"CALL-id", 0, "1@h.example"}, {"Call-ID", 1, NULL},
                 {"Subject", 0, "the\r\n  door"}, {"Route", 0, "<sip:p1.example;lr>, <sip:p2.example;lr>"},
                 {"route", 1, "<sip:p3.example;lr>"}, {"Route", 2, NULL}, {"X-Other", 0, NULL}, {"", 0, NULL}};
    sipveil_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_span value = SV_SPAN("left");
        assert_int_equal(sipveil_sip_read_field(sipveil_span_of(REQUEST), cases[i].name, cases[i].place, &value, &err), SIPVEIL_OK);
        if (cases[i].value == NULL) assert_null(value.data);
        else assert_text(value, cases[i].value);
    }
}

/* ADV-001: what the gate refuses no application gets to see a piece of. */
static void refuses(void **state)
{
    static const char *const bad[] = {"", "hello", START CORE CALL_ID LENGTH_0 END, START CORE "Content-Length: 9\r\n\r\nshort"};
    sipveil_error err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sipveil_sip_message m = {.status = 7};
        sipveil_span value = SV_SPAN("left");
        assert_int_equal(sipveil_sip_read_message(sipveil_span_of(bad[i]), &m, &err), SIPVEIL_MALFORMED);
        assert_int_equal(m.status, 0);
        assert_int_equal(sipveil_sip_read_field(sipveil_span_of(bad[i]), "To", 0, &value, &err), SIPVEIL_MALFORMED);
        assert_null(value.data);
    }
    assert_int_equal(sipveil_sip_read_message(sipveil_span_of(REQUEST), NULL, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_sip_read_field(sipveil_span_of(REQUEST), NULL, 0, &(sipveil_span){0}, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_span_of(NULL).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(takes_apart), cmocka_unit_test(reads_fields), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests_name("a message as an application reads it", tests, NULL, NULL);
}
