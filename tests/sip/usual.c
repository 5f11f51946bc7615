/* SPDX-License-Identifier: BSD-2-Clause */
/* A value in its usual form is recognised whole. What is recognised must be what the long way lets through, with the same
 * outcome; nothing here may be said of what is not. */
#include <stdlib.h>

#include "messages.h"
#include "sip/form.h"
#include "sip/usual.h"

static const sv_field_id ids[] = {SV_F_FROM, SV_F_TO, SV_F_REPLY_TO, SV_F_CONTACT, SV_F_ROUTE, SV_F_RECORD_ROUTE,
                                  SV_F_VIA, SV_F_CALL_ID, SV_F_CONTENT_TYPE, SV_F_CONTENT_DISPOSITION, SV_F_SUBJECT};

static const struct {
    sv_field_id id;
    const char *value;
} usual[] = {
    {SV_F_FROM, "Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl"},
    {SV_F_FROM, "\"Alice \\\"A.\\\" Liddell\" <sip:alice@a.example>;tag=1"},
    {SV_F_TO, "<sip:+15551234567@192.0.2.4:5060;user=phone;transport=udp>"},
    {SV_F_TO, "Bob B. Bobson <sips:bob_1@biloxi.example.com:65535;lr;maddr=x.y>;tag=a6c85cf;x=y;abcd"},
    {SV_F_TO, "<sip:1-2.a3-b4.c>"},
    {SV_F_REPLY_TO, "<sip:x.example.com>"},
    {SV_F_CONTACT, "<sip:a@b>;expires=3600;q=0.7;+sip.instance=\"<urn:uuid:0;1,2>\""},
    {SV_F_ROUTE, "<sip:p1.example.com;lr>"},
    {SV_F_RECORD_ROUTE, "<sip:p1.example.com:5070;lr;foo=bar>"},
    {SV_F_VIA, "SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9"},
    {SV_F_VIA, "SIP/2.0/UDP 192.168.1.10;branch=z9hG4bK-5-1---a;rport;received=192.0.2.1;a=b;a=b"},
    {SV_F_CALL_ID, "3848276298220188511@atlanta.example.com"},
    {SV_F_CALL_ID, "a84b4c76e66710"},
    {SV_F_CONTENT_TYPE, "application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m"},
    {SV_F_CONTENT_TYPE, "multipart/signed;boundary=\"-- \\\";a\"; protocol=\"application/pkcs7-signature\""},
    {SV_F_CONTENT_DISPOSITION, "attachment; filename=smime.p7m; handling=required"},
};

/* What the long way has to look at, or refuses. */
static const struct {
    sv_field_id id;
    const char *value;
} others[] = {
    {SV_F_FROM, ""},
    {SV_F_FROM, "sip:alice@a.example;tag=1"},
    {SV_F_FROM, "<sip:alice@a.example>;tag"},
    {SV_F_FROM, "<sip:alice@a.example>;tag=\"1\""},
    {SV_F_FROM, "<sip:alice@a.example>;tag="},
    {SV_F_FROM, "<sip:alice@a.example>;tag=1;TAG=2"},
    {SV_F_FROM, "<sip:alice@a.example>;a=1;A=2"},
    {SV_F_FROM, "<sip:alice@a.example>;=1"},
    {SV_F_FROM, "<sip:alice@a.example> ;tag=1"},
    {SV_F_FROM, "<sip:alice@a.example;lr;LR>"},
    {SV_F_FROM, "<sip:alice@a.example; lr>"},
    {SV_F_FROM, "<sip:alice@a.example;a=\"b\">"},
    {SV_F_FROM, "<sip:alice@a.example?a=b>"},
    {SV_F_FROM, "<sip:alice:secret@a.example>"},
    {SV_F_FROM, "<sip:alice@a.example@b>"},
    {SV_F_FROM, "<sip:alice;x=y@a.example>"},
    {SV_F_FROM, "<sip:@a.example>"},
    {SV_F_FROM, "<sip:%41@a.example>"},
    {SV_F_FROM, "<tel:+1555>"},
    {SV_F_FROM, "<alice@a.example>"},
    {SV_F_FROM, "<sip:alice@a.example>, <sip:b@c>"},
    {SV_F_FROM, "<sip:alice@a.example:65536>"},
    {SV_F_FROM, "<sip:alice@a.example:>"},
    {SV_F_FROM, "<sip:alice@>"},
    {SV_F_FROM, "<sip:alice@.a>"},
    {SV_F_FROM, "<sip:alice@a.>"},
    {SV_F_FROM, "<sip:alice@a..b>"},
    {SV_F_FROM, "<sip:alice@-a.b>"},
    {SV_F_FROM, "<sip:alice@a-.b>"},
    {SV_F_FROM, "<sip:alice@a.-b>"},
    {SV_F_FROM, "<sip:alice@a.b->"},
    {SV_F_FROM, "<sip:alice@a_b>"},
    {SV_F_FROM, "<sip:alice@a.1>"},
    {SV_F_FROM, "<sip:alice@192.0.2.256>"},
    {SV_F_FROM, "<sip:alice@192.0.2>"},
    {SV_F_FROM, "<sip:alice@[::1]>"},
    {SV_F_FROM, "\"Alice <sip:alice@a.example>"},
    {SV_F_CONTACT, "*"},
    {SV_F_CONTACT, "<sip:a@b>;expires=4294967296"},
    {SV_F_VIA, "SIP/2.0/UDP a,SIP/2.0/UDP b"},
    {SV_F_VIA, "SIP/2.0/UDP  a"},
    {SV_F_VIA, "SIP/2.0/UDPa"},
    {SV_F_VIA, "SIP/3.0/UDP a"},
    {SV_F_VIA, "SIP/2.0/UDP a:65536"},
    {SV_F_CALL_ID, "a@"},
    {SV_F_CALL_ID, "a@b@c"},
    {SV_F_CALL_ID, "a b"},
    {SV_F_CONTENT_TYPE, "a/b;c=d;C=e"},
    {SV_F_CONTENT_TYPE, "a/b;c*0=d"},
    {SV_F_CONTENT_TYPE, "a/b;c=\"d"},
    {SV_F_SUBJECT, "word"},
};

static uint8_t *new_page(size_t room)
{
    void *page = NULL;
    assert_int_equal(posix_memalign(&page, SV_PAGE, room), 0);
    assert_non_null(page);
    return page;
}

/* Both ways, with the octets that follow a value in a message, in room of exactly that size; at the start of a page, since
 * what reaches over the end of one is not recognised. */
static bool compare(sv_field_id id, sipveil_span value, const sipveil_limits *limits)
{
    static const char after[] = "\r\nX: <sip:a@b>\"\r\n\r\nbody of some octets, so that vectors may be read";
    size_t room = value.len + sizeof after;
    uint8_t *copy = new_page(room);
    memcpy(copy, value.data, value.len);
    memcpy(copy + value.len, after, sizeof after);
    sv_sip_field field = {.id = id, .value = sv_span(copy, value.len)};
    sv_form quick = {.limits = limits, .end = copy + room}, slow = quick;
    sipveil_error err = {0};
    bool recognised = sv_sip_is_usual(&quick, &field);
    if (recognised && (sv_sip_check_any(&slow, &field, &err) != SIPVEIL_OK || quick.via != slow.via)) {
        fail_msg("%s: \"%.*s\"", err.text, (int)value.len, (const char *)value.data);
    }
    quick = (sv_form){.limits = limits, .end = copy + value.len}; /* and where nothing follows */
    if (sv_sip_is_usual(&quick, &field)) assert_true(recognised);
    free(copy);
    return recognised;
}

static void recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (!compare(usual[i].id, sv_span_str(usual[i].value), defaults())) fail_msg("%s", usual[i].value);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (compare(others[i].id, sv_span_str(others[i].value), defaults())) fail_msg("%s", others[i].value);
    }
}

/* The gate takes both ways to the same start line; what the long way refuses is refused. */
static void request_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool usual;
        sipveil_code code;
    } cases[] = {
        {"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n", true, SIPVEIL_OK},
        {"OPTIONS sips:h.example:5061;transport=tcp;lr SIP/2.0\r\n", true, SIPVEIL_OK},
        {"INVITE sip:bob%20b@h SIP/2.0\r\n", false, SIPVEIL_OK},
        {"INVITE tel:+1555 SIP/2.0\r\n", false, SIPVEIL_OK},
        {"INV'ITE sip:h SIP/2.0\r\n", false, SIPVEIL_OK},
        {"INVITE sip:h?a=b SIP/2.0\r\n", false, SIPVEIL_MALFORMED},
        {"INVITE  sip:h SIP/2.0\r\n", false, SIPVEIL_MALFORMED},
        {"INVITE sip:h  SIP/2.0\r\n", false, SIPVEIL_MALFORMED},
        {"INVITE sip:h SIP/2.0 \r\n", false, SIPVEIL_MALFORMED},
        {"INVITE sip:h sip/2.0\r\n", false, SIPVEIL_OK},
        {"INVITE sip:h SIP/3.0\r\n", false, SIPVEIL_UNSUPPORTED},
        {"INVITE sip:h;a;A SIP/2.0\r\n", false, SIPVEIL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static sv_sip_view view;
        sipveil_span method, uri, line = sv_span_str(cases[i].line);
        size_t length = line.len + sizeof VIA END - 1;
        uint8_t *text = new_page(length);
        memcpy(text, line.data, line.len);
        memcpy(text + line.len, VIA END, sizeof VIA END - 1);
        sv_cursor c = sv_cursor_over(sv_span(text, length), "request line");
        assert_int_equal(sv_usual_take_request_line(&c, &method, &uri), cases[i].usual);
        sipveil_code code = sv_sip_read_inner(sv_span(text, length), defaults(), &view, NULL);
        assert_int_equal(code, cases[i].code);
        if (code == SIPVEIL_OK) assert_true(sv_equal(view.start_line, sv_span(text, line.len - 2)));
        if (cases[i].usual) assert_true(sv_offset(&c) == line.len && method.data == c.start && uri.data > method.data);
        free(text);
    }
}

/* A host of as many octets as one may have to read them at once, and of one more. */
static void long_hosts(void **state)
{
    (void)state;
    char value[100];
    for (int length = 1; length < 80; length++) {
        (void)snprintf(value, sizeof value, "<sip:%.*s>", length, "abcdefghijklmnopqrstuvwxyz0123456789.abcdefghijklmnopqrstuvwxyz0123456789.abcdefg");
        bool good = length != 37 && length != 74; /* ends in a dot */
        assert_int_equal(compare(SV_F_TO, sv_span_str(value), defaults()), good && length < 64);
    }
}

/* ADV-011: what is recognised has no more parameters and values than it may have. */
static void limits_hold(void **state)
{
    (void)state;
    for (size_t most = 0; most < 6; most++) {
        sipveil_limits limits = *defaults();
        limits.parameters = most;
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) (void)compare(usual[i].id, sv_span_str(usual[i].value), &limits);
        assert_int_equal(compare(SV_F_TO, SV_SPAN("<sip:a@b;c=d;e>;f=g"), &limits), most >= 3);
        limits.parameters = 64;
        limits.values = limits.via = most;
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
            assert_int_equal(compare(usual[i].id, sv_span_str(usual[i].value), &limits), most > 0);
        }
    }
}

/* Every octet of every value replaced by, or put behind, all that means something somewhere, or left out. */
static void near_misses(void **state)
{
    (void)state;
    static const char meaning[] = " \t\r\n\"\\<>;,:=@?&%/.-_+*~'[]()0aTz\x7F\xE4";
    char text[128];
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        size_t length = strlen(usual[i].value);
        for (size_t place = 0; place < length; place++) {
            for (size_t m = 0; m < sizeof meaning; m++) { /* NUL, too */
                memcpy(text, usual[i].value, place);
                text[place] = meaning[m];
                memcpy(text + place + 1, usual[i].value + place, length - place);
                (void)compare(usual[i].id, sv_span(text, length + 1), defaults());
                memcpy(text + place + 1, usual[i].value + place + 1, length - place - 1);
                (void)compare(usual[i].id, sv_span(text, length), defaults());
            }
            memcpy(text + place, usual[i].value + place + 1, length - place - 1);
            (void)compare(usual[i].id, sv_span(text, length - 1), defaults());
        }
        for (size_t other = 0; other < sizeof ids / sizeof *ids; other++) {
            (void)compare(ids[other], sv_span_str(usual[i].value), defaults());
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recognised),
        cmocka_unit_test(request_lines),
        cmocka_unit_test(long_hosts),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(near_misses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
