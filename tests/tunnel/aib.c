/* SPDX-License-Identifier: BSD-2-Clause */
/* message/sipfrag and authenticated identity bodies (RFC 3420, RFC 3893). */
#include "tunnel/fixture.h"

#define AIB "Content-Type: message/sipfrag\r\nContent-Disposition: aib; handling=optional\r\n"
#define FRAGMENT FROM TO CALL_ID CSEQ CONTACT DATE_NOW

static sipveil_span sign_identity(lab *l, sipveil_span message, const sipveil_key *signer)
{
    static const sipveil_key *by; /* what seals once more after this looks here */
    by = signer;
    l->seal.mode = SIPVEIL_MODE_SIPFRAG;
    l->seal.signers = &by;
    l->seal.signer_count = 1;
    return sealed(l, message);
}

/* A message whose whole body is this fragment, signed. */
static sipveil_span with_fragment(lab *l, const char *head, const char *rows, const char *fragment, const sipveil_key *signer)
{
    return protect(l, head, rows, text(fragment), signer, NULL);
}

/* TUN-52: what is written, and that opening gives the message back. */
static void round_trip(void **state)
{
    lab *l = begin(state);
    sipveil_span messages[] = {invite(l), compose(l, HEAD, NULL, SV_SPAN(""))};
    for (size_t i = 0; i < 2; i++) {
        sipveil_span message = sign_identity(l, messages[i], l->alice);
        assert_true(contains(message, "Content-Type: message/sipfrag;version=2.0\r\n"
                                      "Content-Disposition: aib; handling=optional\r\n\r\n"
                                      FROM TO CALL_ID CSEQ DATE_NOW CONTACT "\r\n--"));
        assert_int_equal(contains(message, "Content-Type: multipart/mixed; boundary="), i == 0);
        assert_code(try_open(l, message), SIPVEIL_OK);
        assert_same(l->opened.message, messages[i]);
        assert_true(checked(l, "TUN-51", "passed"));
        assert_int_equal(compared(l, "Contact"), SIPVEIL_COMPARE_EQUAL);
        l->options.require = SIPVEIL_REQUIRE_SIGNED;
        assert_code(try_open(l, message), SIPVEIL_OK);
        l->options.require = 0;
        /* TUN-54: compared with the message around it */
        static const char *const edits[][2] = {
            {"\r\n" FROM, "\r\nFrom: <sip:mallory@evil.example.com>;tag=9fxced76sl\r\n"},
            {"\r\n" TO, "\r\nTo: <sip:carol@x.example>\r\n"},
            {"Call-ID: 3848", "Call-ID: 3849"},
            {"CSeq: 1 ", "CSeq: 2 "},
            {"sip:alice@ua.atlanta", "sip:alice@ua.evil"},
            {"10:00:00 GMT", "10:00:01 GMT"},
        };
        for (size_t k = 0; k < sizeof edits / sizeof *edits; k++) {
            assert_true(try_open(l, edited(l, message, edits[k][0], edits[k][1])) == SIPVEIL_HEADER_MISMATCH);
            assert_int_equal(l->err.sip_status, 403);
        }
        /* TUN-54: the window of Date */
        l->clock = NOW + 3601;
        assert_code(try_open(l, message), SIPVEIL_REPLAY);
        l->clock = NOW;
    }
}

/* TUN-52, 54: the signer speaks for From. */
static void signer(void **state)
{
    lab *l = begin(state);
    assert_code(try_open(l, sign_identity(l, invite(l), l->mallory)), SIPVEIL_UNTRUSTED_SIGNER);
    assert_code(try_open(l, sign_identity(l, invite(l), l->stranger)), SIPVEIL_UNTRUSTED_SIGNER);
    /* unsigned: the same as none */
    assert_code(try_open(l, compose(l, HEAD, AIB, SV_SPAN(FRAGMENT))), SIPVEIL_NOT_SIGNED);
    l->options.allow_unprotected = true;
    assert_code(try_open(l, compose(l, HEAD, AIB, SV_SPAN(FRAGMENT))), SIPVEIL_OK);
    assert_false(l->opened.is_protected);
    assert_true(checked(l, "TUN-52", "not-done"));
    l->options.require = SIPVEIL_REQUIRE_SIGNED;
    assert_code(try_open(l, compose(l, HEAD, AIB, SV_SPAN(FRAGMENT))), SIPVEIL_NOT_SIGNED);
}

/* TUN-51: each of the six that the message has. */
static void incomplete(void **state)
{
    static const char *const rows[] = {FROM, TO, CALL_ID, CSEQ, CONTACT, DATE_NOW};
    lab *l = begin(state);
    assert_code(try_open(l, with_fragment(l, HEAD, AIB, FRAGMENT, l->alice)), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *less = edited_text(l, FRAGMENT, rows[i], "");
        assert_code(try_open(l, with_fragment(l, HEAD, AIB, less, l->alice)), SIPVEIL_INCOMPLETE);
        assert_string_equal(l->err.rule, "TUN-51");
        /* a fragment that is no AIB need not be complete */
        assert_code(try_open(l, with_fragment(l, HEAD, "Content-Type: message/sipfrag\r\n", less, l->alice)), SIPVEIL_OK);
    }
    /* no Date anywhere: a warning */
    const char *head = edited_text(l, HEAD, DATE_NOW, ""), *fragment = edited_text(l, FRAGMENT, DATE_NOW, "");
    assert_code(try_open(l, with_fragment(l, head, AIB, fragment, l->alice)), SIPVEIL_OK);
    assert_warned(l->opened, "TUN-51");
    /* a Date that only the fragment has was taken off by a hop */
    assert_code(try_open(l, with_fragment(l, head, AIB, FRAGMENT, l->alice)), SIPVEIL_HEADER_MISMATCH);
}

/* TUN-53 */
static void responses(void **state)
{
#define RESPONDER "From: Bob <sip:bob@biloxi.example.com>;tag=8321234356\r\n"
    lab *l = begin(state);
    sipveil_span inner = compose(l, RESPONSE_HEAD, "Content-Type: application/sdp\r\n", SV_SPAN(SDP));
    sipveil_span message = sign_identity(l, inner, l->bob);
    assert_true(contains(message, "\r\n\r\n" RESPONDER CALL_ID CSEQ DATE_NOW RESPONSE_CONTACT));
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.message, inner);
    assert_int_equal(compared(l, "From"), SIPVEIL_COMPARE_EQUAL);
    assert_code(try_open(l, sign_identity(l, inner, l->alice)), SIPVEIL_UNTRUSTED_SIGNER);
    const char *rest = CALL_ID CSEQ RESPONSE_CONTACT DATE_NOW;
    assert_code(try_open(l, with_fragment(l, RESPONSE_HEAD, AIB, joined(l, RESPONDER, rest), l->bob)), SIPVEIL_OK);
    assert_code(try_open(l, with_fragment(l, RESPONSE_HEAD, AIB, joined(l, RESPONDER RESPONSE_TO, rest), l->bob)),
                SIPVEIL_HEADER_MISMATCH);
    assert_string_equal(l->err.rule, "TUN-53");
    /* the request's own From is not the responder */
    assert_true(try_open(l, with_fragment(l, RESPONSE_HEAD, AIB, joined(l, FROM, rest), l->alice)) != SIPVEIL_OK);
    /* sealing refuses To */
    const char *fields[] = {"From", "t"};
    l->seal.fields = fields;
    l->seal.field_count = 2;
    l->seal.mode = SIPVEIL_MODE_SIPFRAG;
    l->seal.signers = &l->bob;
    l->seal.signer_count = 1;
    assert_code(try_seal(l, inner), SIPVEIL_USAGE);
    assert_string_equal(l->err.rule, "TUN-53");
}

/* TUN-55: encrypted AIB, both orders. */
static void encrypted(void **state)
{
    lab *l = begin(state);
    const sipveil_key *recipients[] = {l->bob};
    l->seal.recipients = recipients;
    l->seal.recipient_count = 1;
    for (int i = 0; i < 2; i++) {
        l->seal.encrypt_then_sign = i == 1;
        sipveil_span message = sign_identity(l, invite(l), l->alice);
        assert_false(contains(message, "message/sipfrag"));
        assert_code(try_open(l, message), SIPVEIL_OK);
        assert_same(l->opened.message, invite(l));
        assert_true(checked(l, "TUN-51", "passed"));
        assert_code(try_open(l, edited(l, message, "Call-ID: 3848", "Call-ID: 3849")), SIPVEIL_HEADER_MISMATCH);
        assert_int_equal(l->err.sip_status, 493); /* TUN-90 */
    }
}

/* TUN-50: the grammar of a fragment. */
static void grammar(void **state)
{
    static const struct {
        const char *fragment;
        sipveil_code code;
    } table[] = {
        {"", SIPVEIL_OK},
        {"SIP/2.0 200 OK\r\n", SIPVEIL_OK},
        {"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n", SIPVEIL_OK},
        {"Subject: x\r\n", SIPVEIL_HEADER_MISMATCH}, /* compared when authenticated (ADV-044) */
        {FROM "Content-Type: text/plain\r\n\r\nx", SIPVEIL_OK},
        {"SIP/2.0", SIPVEIL_MALFORMED},
        {"SIP/2.0\r\n", SIPVEIL_MALFORMED},
        {"404 Not Found\r\n", SIPVEIL_MALFORMED},
        {"INVITE sip:bob@biloxi.example.com\r\n", SIPVEIL_MALFORMED},
        {"INVITE\r\n", SIPVEIL_MALFORMED},
        {FROM "hello", SIPVEIL_MALFORMED},
        {FROM "hello\r\n", SIPVEIL_MALFORMED},
        {FROM "\r\nbody without a type", SIPVEIL_MALFORMED},
        {"From: <sip:a@b>,<sip:c@d>\r\n", SIPVEIL_MALFORMED},
        {FROM FROM, SIPVEIL_MALFORMED},
        {"CSeq: x INVITE\r\n", SIPVEIL_MALFORMED},
        {"From: <sip:a\n", SIPVEIL_MALFORMED},
    };
    lab *l = begin(state);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sipveil_span body = text(table[i].fragment);
        sipveil_span part = with_fragment(l, HEAD, "Content-Type: multipart/mixed;boundary=b\r\n",
                                          joined(l, joined(l, "--b\r\nContent-Type: message/sipfrag\r\n\r\n", table[i].fragment),
                                                 "\r\n--b--\r\n"), l->alice);
        sipveil_code code = try_open(l, part);
        if (code != table[i].code) {
            fail_msg("row %zu \"%.*s\": %s (%s)", i, (int)body.len, body.data, sipveil_code_name(code), l->err.text);
        }
    }
}

/* What may be asked for, and what not. */
static void fields(void **state)
{
    lab *l = begin(state);
    const char *good[] = {"From", "s", "Subject"}, *body[] = {"From", "c"}, *none[] = {"Subject"};
    const char *with_subject[] = {"From", "To", "Call-ID", "CSeq", "Date", "Contact", "Subject"};
    l->seal.fields = good;
    l->seal.field_count = 2;
    sipveil_span message = sign_identity(l, invite(l), l->alice);
    assert_warned(l->sealed, "TUN-51");
    assert_code(try_open(l, message), SIPVEIL_INCOMPLETE);
    l->seal.fields = body;
    assert_code(try_seal(l, invite(l)), SIPVEIL_USAGE);
    l->seal.fields = none;
    l->seal.field_count = 1;
    assert_code(try_seal(l, invite(l)), SIPVEIL_USAGE);
    l->seal.fields = with_subject;
    l->seal.field_count = 7;
    message = sign_identity(l, compose(l, HEAD "Subject: lunch\r\n", NULL, SV_SPAN("")), l->alice);
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_int_equal(compared(l, "Subject"), SIPVEIL_COMPARE_EQUAL);
    assert_code(try_open(l, edited(l, message, "Subject: lunch", "Subject: launch")), SIPVEIL_HEADER_MISMATCH);
    l->seal.signer_count = 0;
    l->seal.recipients = &l->kek;
    l->seal.recipient_count = 1;
    assert_code(try_seal(l, invite(l)), SIPVEIL_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(signer),  cmocka_unit_test(incomplete), cmocka_unit_test(responses),
        cmocka_unit_test(encrypted),  cmocka_unit_test(grammar), cmocka_unit_test(fields),
    };
    return cmocka_run_group_tests_name("authenticated identity bodies", tests, lab_setup, lab_teardown);
}
