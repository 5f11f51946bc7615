/* SPDX-License-Identifier: BSD-2-Clause */
/* The response that a refusal puts on the wire (RFC 3261 8.2.6, 23.2). */
#include "tunnel/fixture.h"

static sipveil_span answer(lab *l, sipveil_span message)
{
    sipveil_error why = l->err;
    sipveil_span response;
    assert_code(sipveil_tunnel_write_refusal(l->worker, &l->options, message, &why, &response, &l->err), SIPVEIL_OK);
    return copy_of(l, response);
}

/* The INVITE that a tunnel with that head carries. */
static sipveil_span inside(lab *l, const char *head)
{
    return compose(l, head, "Content-Type: application/sdp\r\n", SV_SPAN(SDP));
}

/* Every failure of one ring over one transport is answered alike, the tag of To too (RFC 3261 8.2.7). */
static sipveil_span uniform_answer(lab *l, const char *head)
{
    sipveil_span good = tunnel(l, head, inside(l, head), NULL, l->kek), bad_tag = copy_of(l, good);
    ((uint8_t *)(uintptr_t)bad_tag.data)[bad_tag.len - 1] ^= 1;
    const sipveil_span table[] = {
        tunnel(l, head, inside(l, head), NULL, l->lost_kek),                             /* unknown key */
        bad_tag,                                                                          /* good wrap, bad tag */
        tunnel(l, head, SV_SPAN("garbage"), NULL, l->kek),                                /* bad inside */
        tunnel(l, head, edited(l, inside(l, head), "CSeq: 1", "CSeq: 2"), NULL, l->kek), /* mismatch */
        tunnel(l, head, inside(l, head), l->stranger, l->kek),                           /* signer */
    };
    sipveil_span first = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_true(try_open(l, table[i]) != SIPVEIL_OK);
        sipveil_span response = answer(l, table[i]);
        if (i == 0) first = response;
        assert_same(response, first);
        assert_true(try_open(l, table[i]) != SIPVEIL_OK);
        assert_same(answer(l, table[i]), first); /* sent again, it is answered the same */
    }
    size_t tag;
    assert_true(sv_find(first, SV_SPAN("biloxi.example.com>;tag="), &tag));
    memset((uint8_t *)(uintptr_t)first.data + tag + 24, 'x', 16);
    return first;
}

#define OVER_UDP "Via: SIP/2.0/UDP ua.atlanta.example.com:5060;branch=z9hG4bK74bf9\r\n"
#define REFUSED(via, rest)                                                                                    \
    "SIP/2.0 493 Undecipherable\r\n" via FROM "To: Bob <sip:bob@biloxi.example.com>;tag=xxxxxxxxxxxxxxxx\r\n"    \
    CALL_ID CSEQ rest

/* TUN-90: after a secret was used every answer is the same. */
static void uniform(void **state)
{
    lab *l = begin(state);
    const char *udp = edited_text(l, HEAD, VIA, OVER_UDP);
    /* ADV-220: over UDP the source may be forged, and gets no certificate */
    assert_same(uniform_answer(l, udp), SV_SPAN(REFUSED(OVER_UDP, "Content-Length: 0\r\n\r\n")));
    /* TUN-11: over TCP the same failures are answered with the certificate of Bob, and alike */
    sipveil_span first = uniform_answer(l, HEAD);
    assert_true(sv_starts_nocase_str(first, REFUSED(VIA, "MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; "
                                                         "smime-type=certs-only; name=smime.p7c\r\n")));
    assert_code(sipveil_tunnel_inspect_message(l->worker, &l->options, first, &l->err), SIPVEIL_OK);
    sipveil_span json;
    assert_code(sipveil_worker_report_json(l->worker, &json, &l->err), SIPVEIL_OK);
    assert_true(contains(json, "\"type\":\"certs-only\"") && contains(json, "\"verdict\":\"ok\""));
}

/* TUN-90: a wrong key under the right identifier, and none at all; who holds no certificate attaches none. */
static void without_certificate(void **state)
{
    lab *l = begin(state);
    sipveil_keyring *wrong = NULL;
    assert_int_equal(sipveil_keyring_new(l->context, &wrong, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_kek(wrong, SV_SPAN("ims-ck-1"), SV_SPAN("0123456789abcdef"), NULL, &l->err), SIPVEIL_OK);
    sipveil_span sealed = tunnel(l, HEAD, invite(l), NULL, l->kek);
    const sipveil_keyring *rings[] = {wrong, l->outsider, l->known};
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
        l->options.keyring = rings[i];
        assert_true(try_open(l, sealed) != SIPVEIL_OK);
        sipveil_span response = answer(l, sealed);
        assert_true(sv_starts_nocase_str(response, "SIP/2.0 493 Undecipherable\r\n"));
        assert_true(contains(response, CSEQ "Content-Length: 0\r\n\r\n"));
    }
    sipveil_keyring_free(wrong);
    /* TUN-11: one of ours, but for another address, or not valid now */
    l->options.keyring = l->ring;
    assert_true(try_open(l, sealed = tunnel(l, HEAD, invite(l), NULL, l->lost_kek)) != SIPVEIL_OK);
    sipveil_error why = l->err;
    sipveil_span response = answer(l, edited(l, sealed, "bob@biloxi.example.com>\r\nCall", "carol@biloxi.example.com>\r\nCall"));
    assert_false(contains(response, "certs-only"));
    l->err = why;
    l->options.has_at = true;
    l->options.at = (int64_t)NOW + 100LL * 365 * 86400;
    assert_false(contains(answer(l, sealed), "certs-only"));
}

/* ADV-220: an answer over UDP does not grow beyond one and a half times its request; Accept goes first. */
static void small_over_udp(void **state)
{
    lab *l = begin(state);
    const char *small = "INVITE sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\n"
                        "Call-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 7\r\n";
    const struct {
        const char *head;
        bool accept;
    } table[] = {{small, false}, {edited_text(l, small, "/UDP", "/DTLS-UDP"), false}, {edited_text(l, small, "/UDP", "/TCP"), true},
                 {edited_text(l, HEAD, VIA, OVER_UDP), true}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sipveil_span request = compose(l, table[i].head, NULL, SV_SPAN(""));
        l->err = (sipveil_error){.code = SIPVEIL_UNSUPPORTED, .sip_status = 415};
        sipveil_span response = answer(l, request);
        assert_int_equal(contains(response, "\r\nAccept: "), table[i].accept);
        if (i != 2) assert_true(2 * response.len <= 3 * request.len);
    }
}

/* Each class has its status and phrase; Accept with a 415. */
static void statuses(void **state)
{
    static const struct {
        sipveil_code code;
        int status;
        const char *start;
    } table[] = {
        {SIPVEIL_MALFORMED, 400, "SIP/2.0 400 Bad Request\r\n"},
        {SIPVEIL_HEADER_MISMATCH, 403, "SIP/2.0 403 Forbidden\r\n"},
        {SIPVEIL_LIMIT, 413, "SIP/2.0 413 Request Entity Too Large\r\n"},
        {SIPVEIL_UNSUPPORTED, 415, "SIP/2.0 415 Unsupported Media Type\r\n"},
        {SIPVEIL_NO_KEY, 493, "SIP/2.0 493 Undecipherable\r\n"},
        {SIPVEIL_INTERNAL, 500, "SIP/2.0 500 Server Internal Error\r\n"},
        {SIPVEIL_UNSUPPORTED, 505, "SIP/2.0 505 Version Not Supported\r\n"},
        {SIPVEIL_LIMIT, 513, "SIP/2.0 513 Message Too Large\r\n"},
        {SIPVEIL_USAGE, 0, "SIP/2.0 500 Server Internal Error\r\n"}, /* our own fault */
        {SIPVEIL_INTERNAL, 200, "SIP/2.0 500 Server Internal Error\r\n"},
    };
    lab *l = begin(state);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        l->err = (sipveil_error){.code = table[i].code, .sip_status = table[i].status, .text = "secret reason"};
        sipveil_span response = answer(l, invite(l));
        assert_true(sv_starts_nocase_str(response, table[i].start));
        assert_int_equal(contains(response, "\r\nAccept: "), table[i].status == 415);
        assert_false(contains(response, "secret"));
        assert_false(contains(response, "Subject"));
    }
}

/* What the response takes over from the request, as it was written. */
static void rows(void **state)
{
    lab *l = begin(state);
    const char *head = REQUEST_LINE "v: SIP/2.0/UDP a.example;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP b.example\r\n b;branch=z9hG4bKb\r\n"
                       "Max-Forwards: 70\r\nf: <sip:alice@atlanta.example.com>;tag=1\r\nt: sip:bob@biloxi.example.com;x=1\r\n"
                       "i: c@x\r\n" CSEQ "Timestamp: 54\r\nSubject: lunch\r\nX-More: 1\r\n";
    head = edited_text(l, head, "b.example\r\n b", "b.example\r\n ");
    l->err = (sipveil_error){.code = SIPVEIL_POLICY, .sip_status = 403};
    sipveil_span response = answer(l, compose(l, head, "Content-Type: text/plain\r\n", SV_SPAN("hello")));
    assert_true(contains(response, "v: SIP/2.0/UDP a.example;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP b.example\r\n ;branch=z9hG4bKb\r\n"));
    assert_true(contains(response, "\r\nt: sip:bob@biloxi.example.com;x=1;tag="));
    assert_true(contains(response, "\r\nTimestamp: 54\r\n"));
    assert_false(contains(response, "lunch"));
    assert_false(contains(response, "hello")); /* ADV-147: nothing is echoed */
    /* a To that has its tag keeps it */
    l->err = (sipveil_error){.code = SIPVEIL_POLICY, .sip_status = 403};
    response = answer(l, edited(l, invite(l), TO, RESPONSE_TO));
    assert_true(contains(response, "\r\n" RESPONSE_TO));
}

/* ADV-150: what is not answered. */
static void not_answered(void **state)
{
    lab *l = begin(state);
    sipveil_error why = {.code = SIPVEIL_POLICY, .sip_status = 403}, none = {0};
    sipveil_span response, ack = edited(l, edited(l, invite(l), "INVITE sip", "ACK sip"), "1 INVITE", "1 ACK");
    assert_int_equal(sipveil_tunnel_write_refusal(l->worker, &l->options, ack, &why, &response, &l->err), SIPVEIL_USAGE);
    assert_null(response.data);
    sipveil_span ok = compose(l, RESPONSE_HEAD, NULL, SV_SPAN(""));
    assert_int_equal(sipveil_tunnel_write_refusal(l->worker, &l->options, ok, &why, &response, &l->err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_tunnel_write_refusal(l->worker, &l->options, SV_SPAN("x"), &why, &response, &l->err), SIPVEIL_MALFORMED);
    assert_int_equal(sipveil_tunnel_write_refusal(l->worker, &l->options, invite(l), &none, &response, &l->err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_tunnel_write_refusal(l->worker, &l->options, invite(l), NULL, &response, NULL), SIPVEIL_USAGE);
    assert_int_equal(sipveil_tunnel_write_refusal(NULL, &l->options, invite(l), &why, &response, NULL), SIPVEIL_USAGE);
    /* why may be the very place that the new error goes to */
    l->err = why;
    assert_int_equal(sipveil_tunnel_write_refusal(l->worker, &l->options, invite(l), &l->err, &response, &l->err), SIPVEIL_OK);
    assert_true(contains(response, "SIP/2.0 403 Forbidden"));
}

/* ADV-004, ADV-005, ADV-012: what did not pass the gate is answered by the rows that did. */
static void unframed(void **state)
{
    static const struct {
        const char *from, *to;
        bool answered;
    } table[] = {
        {"Content-Length: ", "Content-Length: 9", true},  {"Content-Length: ", "Content-Length: -", true},
        {"\r\nContact", "\r\nl: 1\r\nContact", true},       {"com SIP/2.0", "com SIP/7.0", true},
        {"INVITE sip:", "INVITE  sip:", true},             {"INVITE sip:", "OPTIONS sip:", true},
        {"\r\nContact", "\r\nX: a\rb\r\nContact", true},    {"\r\nContact", "\r\nX\r\n\tb : c\r\nContact", true},
        {"Content-Type", "X-Content-Type", true},          {"\r\n\r\n", "\r\n", false},
        {"\r\nContact", "\r\nt: <sip:eve@e.example>\r\nContact", false},
        {"Call-ID: ", "Call: ", false},                    {"CSeq: 1", "CSeq: 4294967296", false},
        {"INVITE sip:", "ACK sip:", false},                {"1 INVITE", "1 ACK", false},
        {"INVITE sip:", " sip:", false},                   {"Via: SIP", "Via: S\rIP", false},
    };
    lab *l = begin(state);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sipveil_span response, broken = edited(l, invite(l), table[i].from, table[i].to);
        if (try_open(l, broken) == SIPVEIL_OK) fail_msg("row %zu passed", i);
        sipveil_error why = l->err;
        sipveil_code code = sipveil_tunnel_write_refusal(l->worker, &l->options, broken, &why, &response, &l->err);
        if ((code == SIPVEIL_OK) != table[i].answered) fail_msg("row %zu: %s", i, sipveil_code_name(code));
        if (code != SIPVEIL_OK) {
            assert_true(code == SIPVEIL_MALFORMED || code == SIPVEIL_USAGE);
            continue;
        }
        assert_true(sv_starts_nocase_str(response, why.sip_status == 505 ? "SIP/2.0 505 Version Not Supported\r\n"
                                                                         : "SIP/2.0 400 Bad Request\r\n"));
        assert_true(contains(response, "\r\n" VIA FROM) && contains(response, ";tag=") && contains(response, CALL_ID CSEQ));
        assert_false(contains(response, "lunch") || contains(response, "refused.invalid"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(uniform), cmocka_unit_test(without_certificate),
                                       cmocka_unit_test(small_over_udp), cmocka_unit_test(statuses), cmocka_unit_test(rows),
                                       cmocka_unit_test(not_answered), cmocka_unit_test(unframed)};
    return cmocka_run_group_tests_name("answering a refused request", tests, lab_setup, lab_teardown);
}
