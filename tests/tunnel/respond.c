/* SPDX-License-Identifier: BSD-2-Clause */
/* The usual response, in clear and sealed for whoever signed; and one worker through several calls about one message. */
#include "tunnel/fixture.h"

#define REPLY_HEAD "SIP/2.0 200 OK\r\n" VIA FROM "To: Bob <sip:bob@biloxi.example.com>;tag=b7\r\n" CALL_ID CSEQ

static const sipveil_response ok = {.status = 200, .rows = RESPONSE_CONTACT, .tag = "b7", .type = "text/plain", .body = {(const uint8_t *)"heard", 5}};

/* RFC 3261 8.2.6 */
static void writes_the_usual_response(void **state)
{
    lab *l = begin(state);
    sipveil_span made;
    assert_code(sipveil_tunnel_write_response(l->worker, invite(l), &ok, &made, &l->err), SIPVEIL_OK);
    assert_same(made, SV_SPAN(REPLY_HEAD RESPONSE_CONTACT "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nheard"));
    assert_code(sipveil_tunnel_write_response(l->worker, invite(l), &(sipveil_response){.status = 100}, &made, &l->err), SIPVEIL_OK);
    assert_same(made, SV_SPAN("SIP/2.0 100 Trying\r\n" VIA FROM TO CALL_ID CSEQ "Content-Length: 0\r\n\r\n"));
    assert_code(sipveil_tunnel_write_response(l->worker, invite(l), &(sipveil_response){.status = 603, .phrase = "Not now"}, &made, &l->err), SIPVEIL_OK);
    assert_true(sv_starts_nocase_str(made, "SIP/2.0 603 Not now\r\n" VIA FROM "To: Bob <sip:bob@biloxi.example.com>;tag="));
}

static void refuses_what_would_be_another_message(void **state)
{
    static const struct {
        sipveil_response response;
        const char *says;
    } cases[] = {{{.status = 99}, "99"},
                 {{.status = 700}, "700"},
                 {{.status = 200, .phrase = "OK\r\nX: y"}, "phrase"},
                 {{.status = 200, .rows = "X: y"}, "CRLF"},
                 {{.status = 200, .rows = "X: y\r\n\r\nbody\r\n"}, "no rows"},
                 {{.status = 200, .rows = "\r\nX: y\r\n"}, "no rows"},
                 {{.status = 200, .rows = "Content-Length: 0\r\n"}, "Content-Length"},
                 {{.status = 200, .rows = "Call-ID: other\r\n"}, "Call-ID"},
                 {{.status = 200, .tag = "a\r\nX: y"}, "tag"},
                 {{.status = 200, .type = "text/plain\r\nX: y", .body = {(const uint8_t *)"a", 1}}, "media type"},
                 {{.status = 200, .body = {(const uint8_t *)"a", 1}}, "type"}};
    lab *l = begin(state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_span made = SV_SPAN("left");
        if (sipveil_tunnel_write_response(l->worker, invite(l), &cases[i].response, &made, &l->err) == SIPVEIL_OK) fail_msg("%s", cases[i].says);
        if (strstr(l->err.text, cases[i].says) == NULL) fail_msg("\"%s\" instead of %s", l->err.text, cases[i].says);
        assert_true(made.len == 0 || sv_equal_str(made, "left"));
    }
    sipveil_span made, ack = edited(l, edited(l, invite(l), "INVITE", "ACK"), "1 INVITE", "1 ACK");
    assert_code(sipveil_tunnel_write_response(l->worker, ack, &ok, &made, &l->err), SIPVEIL_USAGE);
}

static sipveil_code reply(lab *l)
{
    const sipveil_seal_options how = {.size = sizeof how, .signers = &l->bob, .signer_count = 1};
    return sipveil_tunnel_seal_response(l->worker, &how, &l->opened, &ok, &l->sealed, &l->err);
}

/* The answer is for whoever signed, and nobody else; all of it with one worker. */
static void seals_for_whoever_signed(void **state)
{
    lab *l = begin(state);
    sipveil_opened heard;
    l->seal.signers = &l->alice;
    l->seal.signer_count = 1;
    l->seal.recipients = &l->bob;
    l->seal.recipient_count = 1;
    assert_code(try_open(l, sealed(l, invite(l))), SIPVEIL_OK);
    assert_code(reply(l), SIPVEIL_OK);
    assert_false(contains(l->sealed.message, "heard"));
    sipveil_span sent = copy_of(l, l->sealed.message);
    assert_code(try_open(l, sent), SIPVEIL_NO_KEY); /* Bob has sealed it for Alice, not for himself */
    const sipveil_open_options hers = {.size = sizeof hers, .keyring = l->keys, .no_verify_signer = true, .require = SIPVEIL_REQUIRE_ENCRYPTED};
    assert_code(sipveil_tunnel_open_message(l->sealer, &hers, sent, &heard, &l->err), SIPVEIL_OK);
    assert_true(sv_equal_str(heard.body, "heard"));
}

/* Nobody signed: nobody is answered, least of all in clear. */
static void never_answers_in_clear(void **state)
{
    lab *l = begin(state);
    l->seal.recipients = &l->kek;
    l->seal.recipient_count = 1;
    assert_code(try_open(l, sealed(l, invite(l))), SIPVEIL_OK);
    assert_code(reply(l), SIPVEIL_USAGE);
    assert_null(l->sealed.message.data);
    assert_code(try_open(l, sealed(l, invite(l))), SIPVEIL_OK);
    const sipveil_seal_options how = {.size = sizeof how, .recipients = &l->kek, .recipient_count = 1};
    assert_code(sipveil_tunnel_seal_response(l->worker, &how, &l->opened, &ok, &l->sealed, &l->err), SIPVEIL_OK);
    assert_code(try_open(l, copy_of(l, l->sealed.message)), SIPVEIL_OK);
    assert_true(sv_equal_str(l->opened.body, "heard"));
}

/* What one call gave is what the next one is about, by the same worker, for as long as anybody likes. */
static void a_result_is_the_next_message(void **state)
{
    lab *l = begin(state);
    l->seal.recipients = &l->kek;
    l->seal.recipient_count = 1;
    sipveil_span wanted = copy_of(l, invite(l)), message = wanted;
    for (size_t i = 0; i < 5; i++) {
        assert_code(sipveil_tunnel_seal_message(l->worker, &l->seal, message, &l->sealed, &l->err), SIPVEIL_OK);
        assert_code(sipveil_tunnel_seal_message(l->worker, &l->seal, l->sealed.message, &l->sealed, &l->err), SIPVEIL_OK);
        assert_code(sipveil_tunnel_inspect_message(l->worker, &l->options, l->sealed.message, &l->err), SIPVEIL_OK);
        assert_code(sipveil_tunnel_seal_message(l->worker, &l->seal, wanted, &l->sealed, &l->err), SIPVEIL_OK);
        assert_code(sipveil_tunnel_open_message(l->worker, &l->options, l->sealed.message, &l->opened, &l->err), SIPVEIL_OK);
        message = l->opened.message;
        assert_same(message, wanted);
        sipveil_span value;
        assert_code(sipveil_sip_read_field(message, "Subject", 0, &value, &l->err), SIPVEIL_OK); /* touches no worker */
        assert_same(message, wanted);
    }
    assert_true(sipveil_worker_memory(l->worker) < 512 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_usual_response), cmocka_unit_test(refuses_what_would_be_another_message),
        cmocka_unit_test(seals_for_whoever_signed), cmocka_unit_test(never_answers_in_clear),
        cmocka_unit_test(a_result_is_the_next_message),
    };
    return cmocka_run_group_tests_name("answering what was opened", tests, lab_setup, lab_teardown);
}
