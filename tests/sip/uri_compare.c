/* SPDX-License-Identifier: BSD-2-Clause */
/* Equal URIs and equal addresses-of-record. TUN-40, ADV-016: RFC 3261 19.1.4 and nothing else. */
#include <stdio.h>

#include "messages.h"

typedef struct pair {
    const char *a, *b;
} pair;

/* The tables of RFC 3261 19.1.4, then our own. */
static const pair equal[] = {
    {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"},
    {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
    {"sip:carol@chicago.com", "sip:carol@chicago.com;security=on"},
    {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
     "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"},
    {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
     "sip:alice@atlanta.com?priority=urgent&subject=project%20x"},
    {"sip:carol@chicago.com;security=on",
     "sip:carol@chicago.com;newparam=5"}, /* the one shared is fine */
    {"SIP:a@b", "sip:a@B"},
    {"sip:a@b:5060", "sip:a@b:05060"},
    {"sip:%61%6c%69ce@b", "sip:ali%63e@b"},
    {"sip:a%20b@c", "sip:a%20b@C"},
    {"sip:a%2cb@c", "sip:a%2Cb@c"},
    {"sip:a%25%34%31@c", "sip:a%2541@c"}, /* undone once: both mean a%41 */
    {"sip:a:p%61ss@c", "sip:a:pass@c"},
    {"sip:cal%6Cer@h;%6C%72;n%61me=v%61lue", "sip:caller@h;lr;NAME=VALUE"},
    {"sip:a@b?Route=x&Subject=s&Route=y", "sip:a@b?route=x&route=y&subject=s"},
    {"sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0:0:0:0:1]"}, /* RFC 5954 4.2 */
    {"tel:+1-201-555-0123", "TEL:+1-201-555-0123"},
};

static const pair different[] = {
    {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"}, /* user part */
    {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
    {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
    {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
    {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
    {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
    {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"},
    {"sip:a@b", "sips:a@b"},
    {"sip:b", "sip:a@b"},
    {"sip:a@b", "sip:a:@b"},
    {"sip:a:p@b", "sip:a:P@b"},
    {"sip:a@b", "sip:a@b;user=phone"},
    {"sip:a@b", "sip:a@b;ttl=1"},
    {"sip:a@b", "sip:a@b;method=INVITE"},
    {"sip:a@b", "sip:a@b;maddr=c"},
    {"sip:a@b;%6Daddr=c", "sip:a@b"},
    {"sip:a@b;lr", "sip:a@b;lr=true"},
    {"sip:a@b?x=1&x=2", "sip:a@b?x=2&x=1"},
    {"sip:a@b?x=1&x=1", "sip:a@b?x=1"},
    {"sip:a@b?Subject=Hello", "sip:a@b?Subject=hello"},
    {"sip:a@b?body=X", "sip:a@b?body=x"},
    {"sip:a@b.example", "sip:a@b.example."},    /* ADV-016: trailing dot */
    {"tel:+12015550123", "sip:+12015550123@b"}, /* ADV-016: tel against sip */
    {"tel:+12015550123", "tel:+1-201-555-0123"},
    {"sip:a%2Cb@c", "sip:a,b@c"},      /* reserved characters are not their escapes */
    {"sip:a%2541@c", "sip:aA@c"},      /* never undone twice */
    {"sip:alice%00@c", "sip:alice@c"}, /* ADV-014 */
    {"sip:alice%00evil@c", "sip:alice@c"},
    {"sip:alice%0d%0a@c", "sip:alice@c"},
    {"sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]"},
    {"sip:a@b@c", "sip:a@b@C"}, /* not readable */
    {"sip:bob@biloxi.com", "bob@biloxi.com"},
};

static void assert_same(pair p, unsigned flags, bool same)
{
    sipveil_span a = sv_span_str(p.a), b = sv_span_str(p.b);
    if (sv_sip_same_uri(a, b, flags) != same) fail_msg("%s | %s", p.a, p.b);
    assert_int_equal(sv_sip_same_uri(b, a, flags), same);
    assert_true(sv_sip_same_uri(a, a, flags));
}

static void equal_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof equal / sizeof *equal; i++) assert_same(equal[i], 0, true);
}

static void different_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof different / sizeof *different; i++)
        assert_same(different[i], 0, false);
}

/* TUN-41: only with the switch. */
static void samples_without_scheme(void **state)
{
    (void)state;
    assert_same((pair){"sip:bob@biloxi.com", "bob@BILOXI.com"}, SV_COMPAT_SAMPLES, true);
    assert_same((pair){"bob@biloxi.com;x", "bob@biloxi.com"}, SV_COMPAT_SAMPLES, true);
    assert_same((pair){"sips:bob@biloxi.com", "bob@biloxi.com"}, SV_COMPAT_SAMPLES, false);
    assert_same((pair){"sip:biloxi.com", "biloxi.com"}, SV_COMPAT_SAMPLES, false);
    assert_same((pair){"sip:bob@biloxi.com", "Bob@biloxi.com"}, SV_COMPAT_SAMPLES, false);
}

static const struct {
    const char *uri;
    const char *aor; /* NULL: refused */
} aors[] = {
    {"sip:alice@A.Example", "sip:alice@a.example"},
    {"sips:alice@a.example:5061;transport=tls?x=y", "sip:alice@a.example"},
    {"alice@a.example", "sip:alice@a.example"},
    {"sip:Alice:pw@a.example", "sip:Alice@a.example"},
    {"sip:%61lice@a.example", "sip:alice@a.example"},
    {"sip:a%2cb%20%c3%a9%25@a.example", "sip:a%2Cb%20%C3%A9%25@a.example"},
    {"sip:a,b@a.example", "sip:a,b@a.example"},
    {"sip:+1-201;x=y@[2001:DB8::1]", "sip:+1-201;x=y@[2001:db8::1]"},
    {"sip:a.example", NULL},
    {"tel:+12015550123", NULL},
    {"alice", NULL},
    {"", NULL},
    {"sip:alice%00@a.example", NULL}, /* ADV-014, ADV-121 */
    {"sip:alice%0d%0a@a.example", NULL},
    {"sip:alice%7f@a.example", NULL},
    {"sip:a@b@c", NULL},
    {"<sip:a@b>", NULL},
};

static void addresses_of_record(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(4096, 1 << 16);
    assert_non_null(arena);
    for (size_t i = 0; i < sizeof aors / sizeof *aors; i++) {
        sipveil_span uri = sv_span_str(aors[i].uri), out, again;
        sipveil_error err = {0};
        sipveil_code code = sv_sip_aor(uri, arena, &out, &err);
        if (aors[i].aor == NULL) {
            if (code != SIPVEIL_MALFORMED) fail_msg("%s", aors[i].uri);
            assert_int_equal(out.len, 0);
            assert_false(sv_sip_same_aor(uri, uri));
            continue;
        }
        assert_int_equal(code, SIPVEIL_OK);
        if (!sv_equal_str(out, aors[i].aor)) fail_msg("%s", aors[i].uri);
        assert_int_equal(sv_sip_aor(out, arena, &again, NULL), SIPVEIL_OK);
        assert_true(sv_equal(out, again));
        assert_true(sv_sip_same_aor(uri, out));
    }
    sv_arena_free(arena);
}

static void same_address_of_record(void **state)
{
    (void)state;
    static const pair same[] = {{"sip:alice@a.example", "sips:%61lice@A.EXAMPLE:5061;user=phone"},
                                {"alice@a.example", "sip:alice@a.example;transport=tcp"},
                                {"sip:a@[::1]", "sip:a@[0:0::1]"}};
    static const pair other[] = {{"sip:alice@a.example", "sip:Alice@a.example"},
                                 {"sip:alice@a.example", "sip:alice@a.example."},
                                 {"sip:alice@a.example", "sip:alice@b.example"},
                                 {"sip:alice@a.example", "sip:alice%00@a.example"},
                                 {"sip:a,b@c", "sip:a%2Cb@c"},
                                 {"sip:a.example", "sip:a.example"},
                                 {"tel:1", "tel:1"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_true(sv_sip_same_aor(sv_span_str(same[i].a), sv_span_str(same[i].b)));
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        assert_false(sv_sip_same_aor(sv_span_str(other[i].a), sv_span_str(other[i].b)));
    }
}

static void no_memory(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(16, 16);
    sipveil_span out;
    assert_non_null(arena);
    assert_int_not_equal(
        sv_sip_aor(SV_SPAN("sip:a-long-name@a-long-host.example"), arena, &out, NULL), SIPVEIL_OK);
    assert_int_equal(out.len, 0);
    sv_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_pairs),
                                       cmocka_unit_test(different_pairs),
                                       cmocka_unit_test(samples_without_scheme),
                                       cmocka_unit_test(addresses_of_record),
                                       cmocka_unit_test(same_address_of_record),
                                       cmocka_unit_test(no_memory)};
    return cmocka_run_group_tests_name("comparing URIs", tests, NULL, NULL);
}
