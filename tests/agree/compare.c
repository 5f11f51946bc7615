/* SPDX-License-Identifier: BSD-2-Clause */
/* Security-Verify against the list that was sent (T-14, T-15, ADV-180, ADV-181). */
#include "agree/list.h"

#include "e2m/rows.h"

#define OWN "tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth, x-new;q=0.05;n=1;Note=\"As is\""

static const struct {
    const char *verify;
    sipveil_agree_comparison result;
} cases[] = {
    {OWN, SIPVEIL_AGREE_SAME},
    /* T-14, AGR-13: order of parameters, white space, folding, form of q. */
    {"tls;q=0.200,digest;d-qop=auth;q=0.10;d-alg=MD5,x-new;note=\"As is\";q=0.05;n=1", SIPVEIL_AGREE_SAME},
    {"tls ; q = 0.2 ,\r\n digest;q=0.1;\r\n\td-alg=MD5;d-qop=auth, x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_SAME},
    /* T-15: case of names and tokens says nothing, of quoted strings it does. */
    {"TLS;Q=0.2, Digest;q=0.1;D-Alg=md5;d-qop=AUTH, X-NEW;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_SAME},
    {"tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth, x-new;q=0.05;n=1;Note=\"as is\"", SIPVEIL_AGREE_CHANGED},
    /* AGR-14: d-ver is not part of it, on digest. */
    {"tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth;d-ver=\"00\", x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_SAME},
    {"tls;q=0.2;d-ver=\"00\", digest;q=0.1;d-alg=MD5;d-qop=auth, x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    /* ADV-180, T-01: an entry removed; T-02: q exchanged; T-03: a digest field lowered or removed. */
    {"digest;q=0.1;d-alg=MD5;d-qop=auth, x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    {"tls;q=0.1, digest;q=0.2;d-alg=MD5;d-qop=auth, x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    {"tls;q=0.2, digest;q=0.1;d-alg=MD5, x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    {"tls;q=0.2, digest;q=0.1;d-alg=MD5-sess;d-qop=auth, x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    /* ADV-181: reordered, longer, doubled, cut, not a list. */
    {"digest;q=0.1;d-alg=MD5;d-qop=auth, tls;q=0.2, x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    {OWN ", tls", SIPVEIL_AGREE_CHANGED},
    {OWN ", " OWN, SIPVEIL_AGREE_CHANGED},
    {"tls;q=0.2;extra, digest;q=0.1;d-alg=MD5;d-qop=auth, x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    {"tls, digest;q=0.1;d-alg=MD5;d-qop=auth, x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    {"tls;q=0.2, digest;q=0.1;d-alg=\"MD5\";d-qop=auth, x-new;q=0.05;n=1;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    {"tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth, x-new;q=0.05;n=01;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    {"tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth, x-new;q=0.05;n;Note=\"As is\"", SIPVEIL_AGREE_CHANGED},
    {"tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth, x-new;q=0.05;n=1;Note=\"As i", SIPVEIL_AGREE_SYNTAX},
    {"tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth, x-new;q=0.05;n=1;n=1;Note=\"As is\"", SIPVEIL_AGREE_SYNTAX},
    {"", SIPVEIL_AGREE_SYNTAX},
};

static void every_difference(void **state)
{
    /* A server may be told of mechanisms that this library does not run; so the list is made here by hand. */
    sv_arena *arena = sv_arena_new(1 << 16, 1 << 20);
    assert_non_null(arena);
    sv_mechanism_list *received = sv_arena_alloc(arena, sizeof *received);
    (void)state;
    for (int profile = 0; profile < SIPVEIL_AGREE_PROFILE_COUNT; profile++) {
        static sipveil_agree_list own;
        sv_buffer b;
        own = (sipveil_agree_list){.profile = (sipveil_agree_profile)profile};
        assert_int_equal(sv_mechanisms_read(SV_SPAN(OWN), "own", &own.list, NULL), SIPVEIL_OK);
        sv_buffer_init(&b, arena, 512, 4096);
        sv_mechanisms_put_canonical(&b, &own.list, true, own.profile);
        own.canonical = sv_buffer_span(&b);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            sipveil_agree_comparison result = SIPVEIL_AGREE_SYNTAX;
            if (sv_mechanisms_read(sv_span_str(cases[i].verify), "Security-Verify", received, NULL) == SIPVEIL_OK) {
                assert_int_equal(sv_mechanisms_compare(&own, received, arena, &result, NULL), SIPVEIL_OK);
            }
            if (result != cases[i].result) fail_msg("%s: %d", cases[i].verify, (int)result);
        }
    }
    sv_arena_free(arena);
}

/* The public call and its three results (AGR-16); AGR-12: any difference in mechanisms, order, number, parameters. */
static void through_the_public_call(void **state)
{
    sipveil_context *context;
    sipveil_worker *worker;
    sipveil_agree_list *own;
    (void)state;
    assert_int_equal(sipveil_context_new(NULL, &context, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_worker_new(context, &worker, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_agree_list_read(SV_SPAN("tls, sdes-srtp;mediasec"), SIPVEIL_AGREE_3GPP, SIPVEIL_AGREE_SERVER, &own, NULL),
                     SIPVEIL_OK);
    assert_int_equal(sipveil_agree_compare_verify(worker, own, SV_SPAN("tls , SDES-SRTP;mediasec")), SIPVEIL_AGREE_SAME);
    assert_int_equal(sipveil_agree_compare_verify(worker, own, SV_SPAN("tls;q=1.0,sdes-srtp;mediasec")),
                     SIPVEIL_AGREE_SAME); /* AGR-04 */
    assert_int_equal(sipveil_agree_compare_verify(worker, own, SV_SPAN("tls")), SIPVEIL_AGREE_CHANGED);
    assert_int_equal(sipveil_agree_compare_verify(worker, own, SV_SPAN("tls, ;")), SIPVEIL_AGREE_SYNTAX);
    sipveil_agree_list_free(own);
    sipveil_worker_free(worker);
    sipveil_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_difference), cmocka_unit_test(through_the_public_call)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
