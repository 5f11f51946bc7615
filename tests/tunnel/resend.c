/* SPDX-License-Identifier: BSD-2-Clause */
/* A request that is sent again: its next number, a branch of its own, and every other octet as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tunnel/resend.h"

#define REST "Max-Forwards: 70\r\nFrom: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: 1\r\n"
#define BRANCH "z9hG4bK000102030405060708090a0b"

static bool counting(void *user, uint8_t *out, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++) out[i] = (uint8_t)i;
    return true;
}

typedef struct world {
    sipveil_context *context;
    sv_crypto *crypto;
    sv_arena *arena;
} world;

static int set_up(void **state)
{
    static world w;
    sipveil_hooks own;
    sipveil_hooks_default(&own);
    own.random = counting;
    *state = &w;
    w.arena = sv_arena_new(1 << 16, 1 << 20);
    return w.arena == NULL || sipveil_context_new(&own, &w.context, NULL) != SIPVEIL_OK ||
           sv_crypto_new(w.context, &w.crypto, NULL) != SIPVEIL_OK;
}

static int tear_down(void **state)
{
    world *w = *state;
    sv_crypto_free(w->crypto);
    sipveil_context_free(w->context);
    sv_arena_free(w->arena);
    return 0;
}

static void again(world *w, const char *request, uint32_t last, bool had_branch, const char *expected)
{
    sv_sip_view view;
    sv_sip_edit edit;
    sv_buffer out;
    bool had;
    assert_int_equal(sv_sip_read(sv_span_str(request), SV_SIP_DATAGRAM, sipveil_context_limits(w->context), &view, NULL), SIPVEIL_OK);
    sv_sip_edit_start(&edit, &view);
    assert_int_equal(sv_resend_next_cseq(&edit, last, w->arena, NULL), SIPVEIL_OK);
    assert_int_equal(sv_resend_next_branch(&edit, w->crypto, w->arena, &had, NULL), SIPVEIL_OK);
    assert_int_equal(had, had_branch);
    sv_buffer_init(&out, w->arena, 1024, 1 << 14);
    assert_int_equal(sv_sip_edit_write(&edit, &out, NULL), SIPVEIL_OK);
    if (!sv_equal_str(sv_buffer_span(&out), expected)) fail_msg("%.*s\ninstead of\n%s", (int)out.len, out.data, expected);
}

static void another_transaction(void **state)
{
    world *w = *state;
    again(w, "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKold;rport\r\n" REST "CSeq: 7  OPTIONS\r\n\r\n", 7, true,
          "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=" BRANCH ";rport\r\n" REST "CSeq: 8 OPTIONS\r\n\r\n");
    /* Of the topmost one alone, and by its whole name. */
    again(w, "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;xbranch=1;branch=2, SIP/2.0/UDP g;branch=3\r\n" REST "CSeq: 7 OPTIONS\r\n\r\n", 9, true,
          "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;xbranch=1;branch=" BRANCH ", SIP/2.0/UDP g;branch=3\r\n" REST "CSeq: 10 OPTIONS\r\n\r\n");
    again(w, "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" REST "CSeq: 7 OPTIONS\r\n\r\n", 7, false,
          "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" REST "CSeq: 8 OPTIONS\r\n\r\n");
}

static void the_last_number(void **state)
{
    world *w = *state;
    sv_sip_view view;
    sv_sip_edit edit;
    sipveil_error err;
    assert_int_equal(sv_sip_read(SV_SPAN("OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" REST "CSeq: 2147483647 OPTIONS\r\n\r\n"),
                                 SV_SIP_DATAGRAM, sipveil_context_limits(w->context), &view, NULL), SIPVEIL_OK);
    sv_sip_edit_start(&edit, &view);
    assert_int_equal(sv_resend_next_cseq(&edit, 2147483646, w->arena, &err), SIPVEIL_OK);
    assert_int_equal(sv_resend_next_cseq(&edit, 2147483647, w->arena, &err), SIPVEIL_USAGE);
    assert_string_equal(err.text, "CSeq has no next number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_transaction, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_number, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("resend", tests, NULL, NULL);
}
