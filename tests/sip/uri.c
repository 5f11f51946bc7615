/* SPDX-License-Identifier: BSD-2-Clause */
/* URIs are taken apart by the grammar, nothing decoded. */
#include <stdio.h>

#include "messages.h"

static const struct {
    const char *uri, *user, *password, *host;
    int port; /* -1: none */
    const char *params, *headers;
} good[] = {
    {"sip:b.example", "", "", "b.example", -1, "", ""},
    {"sip:alice@a.example", "alice", "", "a.example", -1, "", ""},
    {"SIPS:alice:secret@a.example:5061", "alice", "secret", "a.example", 5061, "", ""},
    {"sip:alice:@a.example.", "alice", "", "a.example.", -1, "", ""},
    {"sip:a@[2001:db8::1]:5060;transport=tcp", "a", "", "[2001:db8::1]", 5060, ";transport=tcp",
     ""},
    {"sip:192.0.2.1;lr", "", "", "192.0.2.1", -1, ";lr", ""},
    {"sip:user;par=u%40example.net@example.com", "user;par=u%40example.net", "", "example.com", -1,
     "", ""},
    {"sip:sips%3Auser%40example.com@example.net", "sips%3Auser%40example.com", "", "example.net",
     -1, "", ""},
    {"sip:a@h.example;x=%6C;y?Subject=a%20b&Priority=", "a", "", "h.example", -1, ";x=%6C;y",
     "Subject=a%20b&Priority="},
    {"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/"
     ";;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
     "@example.com",
     "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
     "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)", "example.com", -1, "", ""},
    {"sip:null-%00-null@example.com", "null-%00-null", "", "example.com", -1, "", ""}, /* ADV-014 */
};

static void parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        sv_sip_uri u;
        sipveil_error err;
        sipveil_code code = sv_sip_read_uri(sv_span_str(good[i].uri), &u, &err);
        if (code != SIPVEIL_OK) fail_msg("%s", err.text);
        assert_true(sv_equal_str(u.user, good[i].user));
        assert_true(sv_equal_str(u.password, good[i].password));
        assert_true(sv_equal_str(u.host, good[i].host));
        assert_int_equal(u.has_port, good[i].port >= 0);
        assert_int_equal(u.has_port ? u.port : -1, good[i].port);
        assert_true(sv_equal_str(u.params, good[i].params));
        assert_true(sv_equal_str(u.headers, good[i].headers));
        assert_true(u.is_sip != u.is_sips);
        assert_true(sv_equal_str(sv_sip_host(sv_span_str(good[i].uri)), good[i].host));
    }
}

/* Other schemes are carried, not looked into (RFC 4475 3.3.2 to 3.3.4). */
static void other_schemes(void **state)
{
    (void)state;
    static const char *const uris[] = {
        "tel:+1-201-555-0123", "nobodyKnowsThisScheme:totallyopaquecontent",
        "soap.beep://192.0.2.103:3002", "http://www.example.com/a?b=c;d@e"};
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        sv_sip_uri u;
        assert_int_equal(sv_sip_read_uri(sv_span_str(uris[i]), &u, NULL), SIPVEIL_OK);
        assert_false(u.is_sip || u.is_sips);
        assert_int_equal(u.scheme.len + 1 + u.rest.len, strlen(uris[i]));
        assert_int_equal(sv_sip_host(sv_span_str(uris[i])).len, 0);
    }
}

static const char *const bad[] = {
    "",
    ":",
    "sip",
    "sip:",
    "alice@a.example",
    "1sip:a@b",
    "sip:@a.example",
    "sip::pw@a.example",
    "sip:a@b@c.example",
    "sip:a@b;x=c@d",
    "sip:a@b?x=c@d", /* ADV-015: a second @ */
    "sip:a@",
    "sip:a b@c",
    "sip:a@b c",
    " sip:a@b",
    "sip:a@b ",
    "sip:a@b\r\n",
    "sip:<a@b>",
    "sip:a\"@b",
    "sip:a@b:70000",
    "sip:a@b:",
    "sip:a@b:-1",
    "sip:a@b:65536",
    "sip:a@b:99999999999999999999", /* ADV-013 */
    "sip:a@b:5060:5060",
    "sip:a@-b",
    "sip:a@b-",
    "sip:a@b..c",
    "sip:a@.b",
    "sip:a@b_c",
    "sip:a@1.2.3",
    "sip:a@1.2.3.256",
    "sip:a@1.2.3.4.5",
    "sip:a@b.1",
    "sip:a@[::1",
    "sip:a@::1",
    "sip:a@[]",
    "sip:a@[g::1]",
    "sip:a@[1:2:3:4:5:6:7:8:9]",
    "sip:%zz@b",
    "sip:a%4@b",
    "sip:a%@b",
    "sip:a@b%2ec",
    "sip:a@b;",
    "sip:a@b;;lr",
    "sip:a@b;=x",
    "sip:a@b;x=",
    "sip:a@b;x=1;X=2",
    "sip:a@b;lr;%6cr",
    "sip:a@b?",
    "sip:a@b?x",
    "sip:a@b?=y",
    "sip:a@b?x=y&",
    "sip:\xC3\xA9@b",
    "tel:",
    "tel:1 2",
    "http://a/<b>",
    "sip:a@b#c",
    "sip:a\\@b",
};

static void bad_forms_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sv_sip_uri u;
        sipveil_error err = {0};
        if (sv_sip_read_uri(sv_span_str(bad[i]), &u, &err) != SIPVEIL_MALFORMED)
            fail_msg("%s", bad[i]);
        assert_int_equal(u.host.len, 0);
        assert_true(err.text[0] != '\0' && err.rule[0] != '\0');
    }
    sv_sip_uri u; /* an octet that a C string would end at */
    assert_int_equal(sv_sip_read_uri(OCTETS("sip:alice\0@a.example"), &u, NULL), SIPVEIL_MALFORMED);
    assert_int_equal(sv_sip_read_uri(OCTETS("sip:alice@a.example\0.evil.example"), &u, NULL),
                     SIPVEIL_MALFORMED);
}

static void assert_parts(size_t count, bool headers, sipveil_code expected)
{
    static char text[1 << 20];
    sv_sip_uri u;
    size_t used = (size_t)snprintf(text, sizeof text, headers ? "sip:a@b?h=1" : "sip:a@b");
    for (size_t i = headers ? 1 : 0; i < count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, headers ? "&h%zu=1" : ";p%zu", i);
    }
    assert_true(used < sizeof text);
    assert_int_equal(sv_sip_read_uri(sv_span(text, used), &u, NULL), expected);
}

/* ADV-011: parameters are counted before they are compared with one another. */
static void too_many_parts(void **state)
{
    (void)state;
    assert_parts(64, false, SIPVEIL_OK);
    assert_parts(65, false, SIPVEIL_LIMIT);
    assert_parts(40000, false, SIPVEIL_LIMIT);
    assert_parts(64, true, SIPVEIL_OK);
    assert_parts(65, true, SIPVEIL_LIMIT);
    assert_parts(40000, true, SIPVEIL_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts), cmocka_unit_test(other_schemes),
                                       cmocka_unit_test(bad_forms_are_refused),
                                       cmocka_unit_test(too_many_parts)};
    return cmocka_run_group_tests_name("reading URIs", tests, NULL, NULL);
}
