/* SPDX-License-Identifier: BSD-2-Clause */
/* One address is read from a value, the whole of it. */
#include <stdio.h>

#include "messages.h"

static const struct {
    const char *value, *display, *uri, *params, *tag;
} good[] = {
    {"sip:alice@a.example", "", "sip:alice@a.example", "", ""},
    {"<sip:alice@a.example>;tag=1", "", "sip:alice@a.example", ";tag=1", "1"},
    {"sip:alice@a.example;tag=1", "", "sip:alice@a.example", ";tag=1", "1"},
    {"Alice <sip:alice@a.example;x=y>", "Alice", "sip:alice@a.example;x=y", "", ""},
    {"A. Bell <sip:a@b>;TAG=Q", "A. Bell", "sip:a@b", ";TAG=Q", "Q"},
    {"caller<sip:caller@example.com>;tag=323", "caller", "sip:caller@example.com", ";tag=323",
     "323"},
    /* ADV-015: what stands in quotes is no address */
    {"\"<sip:ceo@a.com>\" <sip:m@m.com>", "\"<sip:ceo@a.com>\"", "sip:m@m.com", "", ""},
    {"\"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8",
     "\"J Rosenberg \\\\\\\"\"", "sip:jdrosen@example.com", ";\r\n  tag = 98asjd8", "98asjd8"},
    {"\"a\\>b, c;d\"<sip:a@b>", "\"a\\>b, c;d\"", "sip:a@b", "", ""},
    {"J\xC3\xBCrgen\r\n X <sip:j@b>", "J\xC3\xBCrgen\r\n X", "sip:j@b", "", ""}, /* ADV-017 */
    {"isbn:2983792873", "", "isbn:2983792873", "", ""},
    {"<sip:a@b>;p=\"x;tag=y\";h=[::1]", "", "sip:a@b", ";p=\"x;tag=y\";h=[::1]", ""},
    {"Bob <bob@biloxi.com>", "Bob", "bob@biloxi.com", "", ""}, /* TUN-41 */
};

static void parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        sv_sip_address a;
        sipveil_error err;
        if (sv_sip_read_address(sv_span_str(good[i].value), &a, &err) != SIPVEIL_OK)
            fail_msg("%s", err.text);
        assert_true(sv_equal_str(a.display, good[i].display));
        assert_true(sv_equal_str(a.uri, good[i].uri));
        assert_true(sv_equal_str(a.params, good[i].params));
        assert_true(sv_equal_str(a.tag, good[i].tag));
    }
}

/* ADV-015, ADV-022 */
static const char *const bad[] = {
    "",
    "Alice",
    "\"Alice\"",
    "alice@a.example",
    "bob@biloxi.com;tag=1",
    "<>",
    "<",
    ">",
    "<sip:a@b",
    "sip:a@b>",
    "<sip:a@x><sip:m@m>",
    "<sip:a@x>, <sip:m@m>",
    "sip:a@x, sip:m@m",
    "<sip:a@x@m>",
    "sip:a@x@m",
    "<sip:a@x> <sip:m@m>",
    "<sip:a@x> x",
    "< sip:a@b >",
    "<sip:a@b >",
    "<<sip:a@b>>",
    "<<<<",
    "<sip:a@b>>",
    "Bell, Alexander <sip:a@b>;tag=43",
    "\"Mr. J. User <sip:j@b>",
    "\"a\" b <sip:a@b>",
    "a \"b\" <sip:a@b>",
    "a;b <sip:a@b>",
    "a@b <sip:a@b>",
    "<sip:a@b>;",
    "<sip:a@b>;;",
    "<sip:a@b>;=1",
    "<sip:a@b>;tag=",
    "<sip:a@b>;tag",
    "<sip:a@b>;tag=\"1\"",
    "<sip:a@b>;tag=1;tag=2",
    "<sip:a@b>;tag=1;TAG=1",
    "<sip:a@b>;x;X",
    "<sip:a@b>;x=\"y",
    "<sip:a@b>;tag=1,",
    "<sip:a@b>;tag=1 2",
    "<sip:a@b>;tag=a@b",
    "sip:a@b?Route=%3Csip:c%3E",
    "sip:a,b@c",
    "*",
    "<*>",
    "\"a\\",
    "\"a\\\" <sip:a@b>",
};

static void bad_forms_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sv_sip_address a;
        sipveil_error err = {0};
        if (sv_sip_read_address(sv_span_str(bad[i]), &a, &err) != SIPVEIL_MALFORMED)
            fail_msg("%s", bad[i]);
        assert_int_equal(a.uri.len, 0);
        assert_true(err.text[0] != '\0');
    }
}

/* ADV-011 */
static void too_many_parameters(void **state)
{
    (void)state;
    static char text[1 << 19];
    int used = snprintf(text, sizeof text, "<sip:a@b>");
    for (int i = 0; i < 40000; i++) {
        used += snprintf(text + used, sizeof text - (size_t)used, ";p%d", i);
    }
    sv_sip_address a;
    assert_int_equal(sv_sip_read_address(sv_span_str(text), &a, NULL), SIPVEIL_LIMIT);
}

static void parameters_by_name(void **state)
{
    (void)state;
    sipveil_span list = SV_SPAN(" ;a=b; Lr ;\r\n q = 0.5;s=\"x;lr=no\\\"\";n=%41/x"), value;
    assert_true(sv_sip_param(list, "A", &value) && sv_equal_str(value, "b"));
    assert_true(sv_sip_param(list, "lr", &value) && value.len == 0);
    assert_true(sv_sip_param(list, "q", &value) && sv_equal_str(value, "0.5"));
    assert_true(sv_sip_param(list, "s", &value) && sv_equal_str(value, "x;lr=no\\\""));
    assert_true(sv_sip_param(list, "n", &value) && sv_equal_str(value, "%41/x"));
    assert_false(sv_sip_param(list, "no", &value));
    assert_false(sv_sip_param(list, "", &value));
    assert_false(sv_sip_param(SV_SPAN("a=b"), "a", &value));
    assert_false(sv_sip_param(sv_span(NULL, 0), "a", &value));
    assert_int_equal(value.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts), cmocka_unit_test(bad_forms_are_refused),
        cmocka_unit_test(too_many_parameters), cmocka_unit_test(parameters_by_name)};
    return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
