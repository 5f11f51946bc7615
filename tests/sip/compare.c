/* SPDX-License-Identifier: BSD-2-Clause */
/* TUN-40: one header field in two messages, by SIP rules. */
#include <stdio.h>

#include "messages.h"

typedef struct pair {
    sv_field_id id;
    const char *name; /* of SV_F_OTHER */
    const char *a, *b;
    sv_sip_comparison result;
} pair;
#define SAME(id, a, b)                                                                             \
    {                                                                                              \
        (id), "", (a), (b), SV_SIP_EQUAL                                                           \
    }
#define DIFFER(id, a, b)                                                                           \
    {                                                                                              \
        (id), "", (a), (b), SV_SIP_DIFFERENT                                                       \
    }

static const pair pairs[] = {
    /* names */
    SAME(SV_F_SUBJECT, "Subject: x\r\n", "s : x\r\n"),
    SAME(SV_F_CALL_ID, "i: x\r\n", "CALL-ID: x\r\n"),
    /* To and From: URI and tag */
    SAME(SV_F_TO, "To: <sip:b@b.example>;tag=1\r\n", "t: \"Bob\" <sip:%62@B.EXAMPLE> ; tag=1\r\n"),
    SAME(SV_F_TO, "To: sip:b@b.example\r\n", "To: Robert\r\n <sip:b@b.example>\r\n"),
    SAME(SV_F_TO, "To: <sip:b@b.example>;x=1\r\n", "To: <sip:b@b.example>\r\n"),
    SAME(SV_F_TO, "To: <sip:b@b.example;x=1>\r\n", "To: <sip:b@b.example>\r\n"),
    SAME(SV_F_FROM, "From: <sip:b@b.example>;tag=a;x=Y\r\n",
         "From: <sip:b@b.example>;X=y;TAG=A\r\n"),
    DIFFER(SV_F_FROM, "From: <sip:b@b.example>;tag=1\r\n", "From: <sip:b@b.example>;tag=2\r\n"),
    DIFFER(SV_F_FROM, "From: <sip:b@b.example>;tag=1\r\n", "From: <sip:b@b.example>\r\n"),
    DIFFER(SV_F_FROM, "From: <sip:b@b.example>;tag=1\r\n", "From: sip:b@b.example;x=1\r\n"),
    DIFFER(SV_F_FROM, "From: <sip:b@b.example>;x=1\r\n", "From: <sip:b@b.example>;x=2\r\n"),
    DIFFER(SV_F_FROM, "From: <sip:b@b.example>;x=\"a\"\r\n", "From: <sip:b@b.example>;x=\"A\"\r\n"),
    DIFFER(SV_F_FROM, "From: <sip:b@b.example>\r\n", "From: <sip:B@b.example>\r\n"),
    DIFFER(SV_F_FROM, "From: <sip:b@b.example>\r\n", "From: <sips:b@b.example>\r\n"),
    DIFFER(SV_F_FROM, "From: <sip:b@b.example:5060>\r\n", "From: <sip:b@b.example>\r\n"),
    DIFFER(SV_F_FROM, "From: <sip:alice%00@a.com>\r\n",
           "From: <sip:alice@a.com>\r\n"), /* ADV-014 */
    DIFFER(SV_F_FROM, "From: \"<sip:ceo@a.com>\" <sip:m@m.com>\r\n",
           "From: <sip:ceo@a.com>\r\n"), /* ADV-015 */
    /* Call-ID: octets */
    DIFFER(SV_F_CALL_ID, "Call-ID: a\r\n", "Call-ID: A\r\n"),
    SAME(SV_F_CALL_ID, "Call-ID: a \r\n", "Call-ID:a\r\n"),
    /* CSeq: number and method */
    SAME(SV_F_CSEQ, "CSeq: 1 OPTIONS\r\n", "CSeq: 0001\r\n\tOPTIONS\r\n"),
    DIFFER(SV_F_CSEQ, "CSeq: 1 OPTIONS\r\n", "CSeq: 2 OPTIONS\r\n"),
    /* Date: the instant */
    SAME(SV_F_DATE, "Date: Thu, 21 Feb 2002 13:02:03 GMT\r\n",
         "Date: thu, 21 feb 2002 13:02:03 gmt\r\n"),
    DIFFER(SV_F_DATE, "Date: Thu, 21 Feb 2002 13:02:03 GMT\r\n",
           "Date: Thu, 21 Feb 2002 13:02:04 GMT\r\n"),
    /* Contact: URIs and parameters, in order, rows as one list */
    SAME(SV_F_CONTACT, "Contact: <sip:a@b>;q=0.5, <sip:c@d>\r\n",
         "m: Al <sip:a@B> ;Q=0.5\r\nContact: sip:c@d\r\n"),
    SAME(SV_F_CONTACT, "Contact: <sip:a@b>;q=1;expires=5\r\n",
         "Contact: <sip:a@b>;expires=5;q=1\r\n"),
    SAME(SV_F_CONTACT, "Contact: *\r\n", "m:*\r\n"),
    {SV_F_CONTACT, "", "Contact: *\r\n", "Contact: <sip:a@b>\r\n", SV_SIP_UNPARSABLE},
    DIFFER(SV_F_CONTACT, "Contact: <sip:a@b>, <sip:c@d>\r\n", "Contact: <sip:c@d>, <sip:a@b>\r\n"),
    DIFFER(SV_F_CONTACT, "Contact: <sip:a@b>, <sip:c@d>\r\n", "Contact: <sip:a@b>\r\n"),
    DIFFER(SV_F_CONTACT, "Contact: <sip:a@b>\r\n", "Contact: <sip:a@b>\r\nContact: <sip:c@d>\r\n"),
    DIFFER(SV_F_CONTACT, "Contact: <sip:a@b>;q=1\r\n", "Contact: <sip:a@b>\r\n"),
    DIFFER(SV_F_CONTACT, "Contact: <sip:a@b;x>\r\n", "Contact: <sip:a@b>;x\r\n"),
    DIFFER(SV_F_REPLY_TO, "Reply-To: <sip:a@b>\r\n", "Reply-To: <sip:A@b>\r\n"),
    SAME(SV_F_ALERT_INFO, "Alert-Info: <http://x/Y>;a=b\r\n",
         "Alert-Info:  <http://x/Y> ; A=B\r\n"),
    DIFFER(SV_F_ALERT_INFO, "Alert-Info: <http://x/Y>\r\n", "Alert-Info: <http://x/y>\r\n"),
    {SV_F_ALERT_INFO, "", "Alert-Info: what\r\n", "Alert-Info: <http://x/y>\r\n",
     SV_SIP_UNPARSABLE},
    /* tokens, LWS, folds, lists */
    SAME(SV_F_ACCEPT, "Accept: application/sdp;level=1, text/html\r\n",
         "Accept: APPLICATION / sdp ; LEVEL=1\r\naccept:\r\n Text/HTML\r\n"),
    DIFFER(SV_F_ACCEPT, "Accept: application/sdp, text/html\r\n",
           "Accept: text/html, application/sdp\r\n"),
    DIFFER(SV_F_ACCEPT, "Accept: a/b\r\n", "Accept: a/b,\r\n"),
    DIFFER(SV_F_ACCEPT, "Accept: a b\r\n", "Accept: ab\r\n"),
    SAME(SV_F_SUPPORTED, "Supported: a\r\nk: b, c\r\nSupported: d\r\n",
         "k: A,b\r\nk: C,\r\n D\r\n"),
    SAME(SV_F_WARNING, "Warning: 307 h \"a\r\n\t b\"\r\n", "Warning:  307  H\t\"a b\"\r\n"),
    DIFFER(SV_F_WARNING, "Warning: 307 h \"a\"\r\n", "Warning: 307 h \"A\"\r\n"),
    DIFFER(SV_F_WARNING, "Warning: 307 h \"a\"\r\n", "Warning: 307 h a\r\n"),
    {SV_F_WARNING, "", "Warning: 307 h \"a\r\n", "Warning: 307 h \"b\"\r\n", SV_SIP_UNPARSABLE},
    SAME(SV_F_VIA, "Via: SIP/2.0/UDP h;branch=x\r\n", "v: sip / 2.0 / udp H ; Branch = X\r\n"),
    /* credentials: rows stay apart */
    SAME(SV_F_AUTHORIZATION, "Authorization: Digest realm=\"a\", nonce=\"b\"\r\n",
         "Authorization: digest Realm=\"a\",\r\n nonce=\"b\"\r\n"),
    DIFFER(SV_F_AUTHORIZATION, "Authorization: Digest a=\"a\", b=\"b\"\r\n",
           "Authorization: Digest a=\"a\"\r\nAuthorization: b=\"b\"\r\n"),
    SAME(SV_F_PROXY_AUTHORIZATION, "Proxy-Authorization: A a=1\r\nProxy-Authorization: B b=2\r\n",
         "Proxy-Authorization: A A=1\r\nProxy-Authorization: B B=2\r\n"),
    DIFFER(SV_F_PROXY_AUTHORIZATION, "Proxy-Authorization: A a=1\r\nProxy-Authorization: B b=2\r\n",
           "Proxy-Authorization: B b=2\r\nProxy-Authorization: A a=1\r\n"),
    /* free text: folding has no meaning, case has */
    SAME(SV_F_SUBJECT, "Subject: to be\r\n  or not\r\n", "Subject: to  be or\tnot\r\n"),
    DIFFER(SV_F_SUBJECT, "Subject: to be\r\n", "Subject: to Be\r\n"),
    DIFFER(SV_F_SUBJECT, "Subject: to be\r\n", "Subject: tobe\r\n"),
    DIFFER(SV_F_SUBJECT, "Subject: a, b\r\n", "Subject: a,b\r\n"),
    DIFFER(SV_F_SUBJECT, "Subject: a\r\n", "Subject: ab\r\n"),
    DIFFER(SV_F_ORGANIZATION, "Organization: A\r\n", "Organization: a\r\n"),
    DIFFER(SV_F_USER_AGENT, "User-Agent: A\r\n", "User-Agent: a\r\n"),
    DIFFER(SV_F_SERVER, "Server: A\r\n", "Server: a\r\n"),
    DIFFER(SV_F_IN_REPLY_TO, "In-Reply-To: a@b, c\r\n", "In-Reply-To: A@b, c\r\n"),
    SAME(SV_F_IN_REPLY_TO, "In-Reply-To: a@b, c\r\n", "In-Reply-To: a@b\r\nIn-Reply-To: c\r\n"),
    DIFFER(SV_F_IDENTITY, "Identity: \"abc\"\r\n", "Identity: \"aBc\"\r\n"),
    DIFFER(SV_F_IDENTITY, "Identity: a.b;info=<x>\r\n", "Identity: A.b;info=<x>\r\n"),
    /* presence */
    {SV_F_EXPIRES, "", "Expires: 1\r\n", "", SV_SIP_ONLY_FIRST},
    {SV_F_EXPIRES, "", "", "Expires: 1\r\n", SV_SIP_ONLY_SECOND},
    {SV_F_EXPIRES, "", "", "", SV_SIP_IN_NEITHER},
    {SV_F_OTHER, "X-A", "x-a: 1\r\n", "X-B: 1\r\n", SV_SIP_ONLY_FIRST},
    {SV_F_OTHER, "x-A", "x-a: B\r\n", "X-A:  b\r\n", SV_SIP_EQUAL},
    {SV_F_OTHER, "Reason", "Reason: SIP;cause=200;text=\"x\"\r\n",
     "Reason: sip ;cause=200 ;text=\"y\"\r\n", SV_SIP_DIFFERENT},
    {SV_F_OTHER, "Contact", "Contact: <sip:a@b>\r\n", "m: sip:a@b\r\n",
     SV_SIP_EQUAL}, /* a name that has rules */
};

static sv_sip_comparison swapped(sv_sip_comparison c)
{
    return c == SV_SIP_ONLY_FIRST    ? SV_SIP_ONLY_SECOND
           : c == SV_SIP_ONLY_SECOND ? SV_SIP_ONLY_FIRST
                                     : c;
}

static void fields_by_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const pair *p = &pairs[i];
        sv_sip_view *a = read_lines(p->a), *b = read_lines(p->b);
        sipveil_span name = sv_span_str(p->name);
        sv_sip_comparison result = sv_sip_compare_field(a, b, p->id, name, 0);
        if (result != p->result) fail_msg("%d instead of %d: %s%s", result, p->result, p->a, p->b);
        assert_int_equal(sv_sip_compare_field(b, a, p->id, name, 0), swapped(p->result));
        if (p->a[0] != '\0' && p->result != SV_SIP_IN_NEITHER) {
            assert_int_equal(sv_sip_compare_field(a, a, p->id, name, 0), SV_SIP_EQUAL);
        }
        drop(a);
        drop(b);
    }
}

/* TUN-41: RFC 3261's sample, inner To without a scheme. */
static void samples(void **state)
{
    (void)state;
    sv_sip_view *outer = read_lines("To: <sip:bob@biloxi.com>\r\n"),
                *inner = read_lines("To: Bob <bob@biloxi.com>\r\n");
    assert_int_equal(sv_sip_compare_field(inner, outer, SV_F_TO, sv_span(NULL, 0), 0),
                     SV_SIP_DIFFERENT);
    assert_int_equal(
        sv_sip_compare_field(inner, outer, SV_F_TO, sv_span(NULL, 0), SV_COMPAT_SAMPLES),
        SV_SIP_EQUAL);
    drop(outer);
    drop(inner);
}

/* TUN-39: hops may consume tags of Proxy-Require, never add one. */
static void tags_removed(void **state)
{
    (void)state;
    static const struct {
        const char *inner, *outer;
        bool removed_only;
    } cases[] = {
        {"Proxy-Require: a, b\r\nProxy-Require: c\r\n", "Proxy-Require: C ,a\r\n", true},
        {"Proxy-Require: a\r\n", "", true},
        {"", "", true},
        {"Proxy-Require: a\r\n", "Proxy-Require: a, b\r\n", false},
        {"", "Proxy-Require: a\r\n", false},
        {"Proxy-Require: a\r\n", "Proxy-Require: a;b\r\n", false},
        {"Proxy-Require: a\r\n", "Proxy-Require: a, \"b\r\n", false},
        {"Proxy-Require: a\r\n", "Proxy-Require: <x>\r\n", false},
        {"Proxy-Require: a, b\r\n", "Proxy-Require:\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_sip_view *inner = read_lines(cases[i].inner), *outer = read_lines(cases[i].outer);
        assert_int_equal(sv_sip_tags_removed_only(inner, outer, SV_F_PROXY_REQUIRE),
                         cases[i].removed_only);
        drop(inner);
        drop(outer);
    }
}

/* ADV-021: the tags of a message are at hand before anything is opened. */
static void tags_listed(void **state)
{
    (void)state;
    sv_sip_view *view =
        read_lines("Require: 100rel ,timer\r\nX: y\r\nrequire:\r\n nothingSupportsThis\r\n"
                   "Supported: a, <b>, c\r\n");
    static const char *const expected[] = {"100rel", "timer", "nothingSupportsThis"};
    sv_sip_tags tags = sv_sip_tags_of(view, SV_F_REQUIRE);
    sipveil_span tag;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(sv_sip_next_tag(&tags, &tag) && sv_equal_str(tag, expected[i]));
    }
    assert_false(sv_sip_next_tag(&tags, &tag));
    assert_int_equal(tag.len, 0);
    tags = sv_sip_tags_of(view, SV_F_PROXY_REQUIRE);
    assert_false(sv_sip_next_tag(&tags, &tag));
    tags = sv_sip_tags_of(view, SV_F_SUPPORTED);
    assert_true(sv_sip_next_tag(&tags, &tag) && sv_equal_str(tag, "a"));
    assert_false(sv_sip_next_tag(&tags, &tag)); /* not a tag */
    drop(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fields_by_rule), cmocka_unit_test(samples),
                                       cmocka_unit_test(tags_removed),
                                       cmocka_unit_test(tags_listed)};
    return cmocka_run_group_tests_name("comparing header fields", tests, NULL, NULL);
}
