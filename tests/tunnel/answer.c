/* SPDX-License-Identifier: BSD-2-Clause */
/* The response that a refusal puts on the wire (RFC 3261 8.2.6, 23.2). */
#include "tunnel/fixture.h"

static sipveil_span answer(lab *l, sipveil_span message)
{
    sipveil_error why = l->err;
    sipveil_span response;
    assert_code(sipveil_tunnel_answer(l->worker, &l->options, message, &why, &response, &l->err), SIPVEIL_OK);
    return copy_of(l, response);
}

/* TUN-90: after a secret was used every answer is the same but for the random tag of To. */
static void uniform(void **state)
{
    lab *l = begin(state);
    sipveil_keyring *wrong = NULL;
    assert_int_equal(sipveil_keyring_new(l->context, &wrong, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_kek(wrong, SV_SPAN("ims-ck-1"), SV_SPAN("0123456789abcdef"), &l->err), SIPVEIL_OK);
    sipveil_span good = tunnel(l, HEAD, invite(l), NULL, l->kek), bad_tag = copy_of(l, good);
    ((uint8_t *)(uintptr_t)bad_tag.data)[bad_tag.len - 1] ^= 1;
    const struct {
        sipveil_span message;
        const sipveil_keyring *ring;
    } table[] = {
        {tunnel(l, HEAD, invite(l), NULL, l->lost_kek), l->ring},                     /* unknown key */
        {good, wrong},                                                               /* known id, bad wrap */
        {bad_tag, l->ring},                                                          /* good wrap, bad tag */
        {tunnel(l, HEAD, SV_SPAN("garbage"), NULL, l->kek), l->ring},                /* bad inside */
        {tunnel(l, HEAD, edited(l, invite(l), "CSeq: 1", "CSeq: 2"), NULL, l->kek), l->ring}, /* mismatch */
        {tunnel(l, HEAD, invite(l), l->stranger, l->kek), l->ring},                  /* signer */
    };
    sipveil_span first = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        l->options.keyring = table[i].ring;
        assert_true(try_open(l, table[i].message) != SIPVEIL_OK);
        sipveil_span response = answer(l, table[i].message);
        size_t tag;
        assert_true(sv_find(response, SV_SPAN("biloxi.example.com>;tag="), &tag));
        memset((uint8_t *)(uintptr_t)response.data + tag + 24, 'x', 16);
        if (i == 0) first = response;
        assert_same(response, first);
    }
    assert_same(first, SV_SPAN("SIP/2.0 493 Undecipherable\r\n" VIA FROM "To: Bob <sip:bob@biloxi.example.com>;tag=xxxxxxxxxxxxxxxx\r\n"
                               CALL_ID CSEQ "Content-Length: 0\r\n\r\n"));
    sipveil_keyring_free(wrong);
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
    assert_int_equal(sipveil_tunnel_answer(l->worker, &l->options, ack, &why, &response, &l->err), SIPVEIL_USAGE);
    assert_null(response.data);
    sipveil_span ok = compose(l, RESPONSE_HEAD, NULL, SV_SPAN(""));
    assert_int_equal(sipveil_tunnel_answer(l->worker, &l->options, ok, &why, &response, &l->err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_tunnel_answer(l->worker, &l->options, SV_SPAN("x"), &why, &response, &l->err), SIPVEIL_MALFORMED);
    assert_int_equal(sipveil_tunnel_answer(l->worker, &l->options, invite(l), &none, &response, &l->err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_tunnel_answer(l->worker, &l->options, invite(l), NULL, &response, NULL), SIPVEIL_USAGE);
    assert_int_equal(sipveil_tunnel_answer(NULL, &l->options, invite(l), &why, &response, NULL), SIPVEIL_USAGE);
    /* why may be the very place that the new error goes to */
    l->err = why;
    assert_int_equal(sipveil_tunnel_answer(l->worker, &l->options, invite(l), &l->err, &response, &l->err), SIPVEIL_OK);
    assert_true(contains(response, "SIP/2.0 403 Forbidden"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(uniform), cmocka_unit_test(statuses), cmocka_unit_test(rows),
                                       cmocka_unit_test(not_answered)};
    return cmocka_run_group_tests_name("answering a refused request", tests, lab_setup, lab_teardown);
}
