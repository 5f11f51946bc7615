/* SPDX-License-Identifier: BSD-2-Clause */
/* The response to a request: what is copied, what is added, what is not answered. */
#include <stdio.h>

#include "messages.h"
#include "sip/response.h"

#define VIAS "v: SIP/2.0/UDP a;x=\"1,\\\"2\" , SIP/2.0/TCP b\r\nVia: SIP/2.0/UDP c\r\n"

static void check(const char *lines, sv_sip_response response, const char *expected)
{
    sv_buffer b;
    sipveil_error err;
    sv_sip_view *view = read_lines(lines);
    sv_arena *arena = sv_arena_new(4096, 1 << 16);
    assert_non_null(arena);
    sv_buffer_init(&b, arena, 64, 1 << 14);
    assert_int_equal(sv_sip_write_response(view, &response, &b, &err), SIPVEIL_OK);
    if (!sv_equal_str(sv_buffer_span(&b), expected)) fail_msg("%.*s\ninstead of\n%s", (int)b.len, b.data, expected);
    sv_arena_free(arena);
    drop(view);
}

static void copies(void **state)
{
    (void)state;
    check(CORE "Timestamp: 5\r\nSubject: no\r\n", (sv_sip_response){.status = 493, .tag = SV_SPAN("9")},
          "SIP/2.0 493 Undecipherable\r\n" VIA FROM "To: <sip:bob@b.example>;tag=9\r\n" CALL_ID CSEQ
          "Timestamp: 5\r\nContent-Length: 0\r\n\r\n");
    check(VIA FROM "t : <sip:bob@b.example>;tag=7\r\n" CALL_ID CSEQ,
          (sv_sip_response){.status = 599, .phrase = SV_SPAN("Own Words"), .tag = SV_SPAN("9"), .rows = SV_SPAN("X: 1\r\n"),
                            .content_rows = SV_SPAN("Content-Type: a/b\r\n"), .body = SV_SPAN("body")},
          "SIP/2.0 599 Own Words\r\n" VIA FROM "t : <sip:bob@b.example>;tag=7\r\n" CALL_ID CSEQ
          "X: 1\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\r\nbody");
    check(CORE, (sv_sip_response){.status = 599},
          "SIP/2.0 599 Server Internal Error\r\n" VIA FROM TO CALL_ID CSEQ "Content-Length: 0\r\n\r\n");
}

/* AGR-25, T-12: only the previous hop is to see it. */
static void topmost_via(void **state)
{
    (void)state;
    check(VIAS PARTIES, (sv_sip_response){.status = 494, .top_via_only = true},
          "SIP/2.0 494 Security Agreement Required\r\nv: SIP/2.0/UDP a;x=\"1,\\\"2\"\r\n" PARTIES "Content-Length: 0\r\n\r\n");
    check(VIAS PARTIES, (sv_sip_response){.status = 502}, "SIP/2.0 502 Bad Gateway\r\n" VIAS PARTIES "Content-Length: 0\r\n\r\n");
    check(VIA VIAS PARTIES, (sv_sip_response){.status = 421, .top_via_only = true},
          "SIP/2.0 421 Extension Required\r\n" VIA PARTIES "Content-Length: 0\r\n\r\n");
    static const char *const blanks[] = {" ", "\r\n ", " \r\n\t ", ":5060\r\n ", ";x\r\n "}; /* a fold is not left behind (ADV-010) */
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        char lines[400], expected[400];
        snprintf(lines, sizeof lines, "Via: SIP/2.0/UDP a%s, SIP/2.0/UDP b\r\n" PARTIES, blanks[i]);
        size_t kept = strcspn(blanks[i], " \r");
        snprintf(expected, sizeof expected, "SIP/2.0 421 Extension Required\r\nVia: SIP/2.0/UDP a%.*s\r\n" PARTIES
                 "Content-Length: 0\r\n\r\n", (int)kept, blanks[i]);
        check(lines, (sv_sip_response){.status = 421, .top_via_only = true}, expected);
    }
}

static void not_answered(void **state)
{
    (void)state;
    static const char *const messages[] = {
        "ACK sip:b@c SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 ACK\r\n\r\n",
        "SIP/2.0 200 OK\r\n" CORE "\r\n",
    };
    for (size_t i = 0; i < 2; i++) {
        sv_buffer b;
        sipveil_error err;
        sv_sip_view view;
        sv_arena *arena = sv_arena_new(4096, 1 << 16);
        assert_non_null(arena);
        assert_int_equal(sv_sip_read_inner(sv_span_str(messages[i]), defaults(), &view, &err), SIPVEIL_OK);
        sv_buffer_init(&b, arena, 64, 1 << 14);
        assert_int_equal(sv_sip_write_response(&view, &(sv_sip_response){.status = 494}, &b, &err), SIPVEIL_USAGE);
        assert_int_equal(b.len, 0);
        sv_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(copies), cmocka_unit_test(topmost_via), cmocka_unit_test(not_answered)};
    return cmocka_run_group_tests_name("responses", tests, NULL, NULL);
}
