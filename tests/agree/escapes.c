/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways around an agreement: out of one that was reached, by a body that is for somebody else, by what digest leaves open. */
#include "agree/pair.h"
#include "keys/certificate.h"

static pair *start_pair(world *w, const char *ours, const char *theirs)
{
    static pair p;
    sipveil_memory_free(w->p1.memory);
    assert_int_equal(sipveil_memory_new(&w->p1.memory, NULL), SIPVEIL_OK);
    pair_begin(&p, w, SIPVEIL_AGREE_RFC3329, ours, theirs);
    return &p;
}

static pair *until_confirming(world *w, const char *ours, const char *theirs)
{
    pair *p = start_pair(w, ours, theirs);
    p->client.must = false;
    pair_start(p, OFFERED_INVITE);
    pair_server(p, NULL, 494);
    PAIR_OK(pair_try(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL));
    if (p->a.state == SIPVEIL_AGREE_STARTING) pair_client(p, SIPVEIL_AGREE_EVENT_UP, NULL, SIPVEIL_AGREE_CONFIRMING);
    return p;
}

static void refuses_to_send(pair *p)
{
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    assert_int_equal(p->a.state, SIPVEIL_AGREE_IDLE);
    assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_REQUEST, NULL), SIPVEIL_POLICY);
    assert_string_equal(p->err.rule, "AGR-44");
    assert_int_equal(p->outcome.message.len, 0);
}

/* AGR-44, AGR-50: policy `may` is for a hop that has no agreement. One that had must not be talked to in clear because
 * somebody reset the connection, or forged a challenge; another offer goes. */
static void ended_is_not_clear(void **state)
{
    world *w = *state;
    pair *p = until_confirming(w, "tls, digest", "tls;q=0.2");
    pair_success(p);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, "tls", SIPVEIL_AGREE_ACTIVE);
    pair_client(p, SIPVEIL_AGREE_EVENT_DOWN, NULL, SIPVEIL_AGREE_IDLE);
    refuses_to_send(p);
    pair_start(p, OFFERED_INVITE);
    pair_end(p);
    p = until_confirming(w, "digest", "digest;q=0.2");
    pair_success(p);
    change(p, "SIP/2.0 200 OK", "SIP/2.0 407 Again\r\nProxy-Authenticate: Digest realm=\"home.example\", nonce=\"x\"");
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_IDLE);
    refuses_to_send(p);
    /* TLS that RFC 3263 asked for needs no agreement, before or after (D-07). */
    sipveil_agree_event event = {.kind = SIPVEIL_AGREE_EVENT_START, .message = SV_SPAN(OFFERED_INVITE), .over_rfc3263_tls = true, .now = NOW};
    PAIR_OK(sipveil_agree_client_step(w->worker, &p->client, &p->a, &event, &p->outcome, &p->err));
    assert_true(p->outcome.next.mechanism.len == 0 && sv_equal(p->outcome.message, SV_SPAN(OFFERED_INVITE)));
    pair_end(p);
}

/* AGR-50: nothing shows who answered a request under digest. What follows from that is told where a better mechanism was left. */
static void forged_answer_under_digest(void **state)
{
    world *w = *state;
    static const struct {
        const char *ours;
        size_t warnings;
    } lists[] = {{"digest, tls", 0}, {"tls, digest", 1}};
    for (size_t i = 0; i < 2; i++) {
        pair *p = until_confirming(w, lists[i].ours, "digest;q=0.1");
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_ACTIVE);
        assert_int_equal(p->outcome.warning_count, lists[i].warnings);
        if (lists[i].warnings > 0) assert_string_equal(p->outcome.warnings[0].rule, "AGR-50");
        pair_end(p);
    }
}

/* AGR-47, AGR-23: a body that is sealed for somebody farther on is no reason for 493; without the list nobody could agree. */
static void body_for_another(void **state)
{
    static text sealed;
    world *w = *state;
    pair *p = until_confirming(w, "smime", "smime;q=0.7");
    set_text(&sealed, span_of(&p->message));
    drop_row(p, "Security-Verify:");
    p->open.keyring = w->p2.ring;
    pair_server(p, NULL, 494);
    assert_true(has(p, "\r\nSecurity-Server: smime;q=0.7\r\n"));
    pair_end(p);
    p = start_pair(w, "tls", "smime;q=0.7, tls;q=0.2");
    set_text(&p->message, span_of(&sealed));
    drop_row(p, "Security-Verify:");
    p->open.keyring = w->p2.ring;
    pair_server(p, "tls", 494);
    assert_string_equal(p->verdict.reason.rule, "AGR-12");
    /* Came over tls: the body is read by whoever is to read it, and stays as it is. */
    set_text(&p->message, span_of(&sealed));
    change(p, "Security-Verify: smime;q=0.7", "Security-Verify: smime;q=0.7, tls;q=0.2");
    p->open.keyring = w->p1.ring;
    pair_server(p, "tls", 0);
    assert_true(p->verdict.agreed && has(p, "application/pkcs7-mime") && !has(p, "v=0"));
    pair_end(p);
    /* Digest in credentials: a nonce that is none of ours gets another challenge, whatever the body. */
    p = start_pair(w, "digest", "smime;q=0.7, digest;q=0.2");
    set_text(&p->message, span_of(&sealed));
    change(p, "Security-Verify: smime;q=0.7", "Security-Verify: smime;q=0.7, digest;q=0.2");
    change(p, "Max-Forwards", "Proxy-Authorization: Digest username=\"alice\", realm=\"home.example\", nonce=\"x\", response=\"y\"\r\nMax-Forwards");
    p->open.keyring = w->p2.ring;
    pair_server(p, NULL, 494);
    assert_true(has(p, "\r\nProxy-Authenticate: Digest "));
    pair_end(p);
}

/* AGR-33: what goes on is the URI that was signed, not one that RFC 3261 19.1.4 calls equal. */
static void uri_written_anew(void **state)
{
    world *w = *state;
    static const char *const lines[] = {"INVITE sip:bob@home.example;lr SIP", "INVITE sip:bob@home.example;x=1 SIP", "INVITE sip:bob@HOME.example SIP"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        pair *p = until_confirming(w, "digest", "digest;q=0.2;d-qop=auth-int");
        change(p, "INVITE sip:bob@home.example SIP", lines[i]);
        pair_server(p, NULL, 494);
        pair_end(p);
    }
}

/* AGR-24: a challenge that we cannot answer is none; the machine says so, and does not stay where it was. */
static void challenge_that_nobody_answers(void **state)
{
    world *w = *state;
    static const struct {
        const char *old, *new;
    } changes[] = {{"algorithm=MD5", "algorithm=ROT13"}, {"algorithm=MD5", "algorithm=SHA-256"}, {", qop=\"auth,auth-int\"", ""}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        pair *p = start_pair(w, "digest", "digest;q=0.2");
        pair_start(p, OFFERED_INVITE);
        pair_server(p, NULL, 494);
        change(p, changes[i].old, changes[i].new);
        pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_ABORTED);
        pair_end(p);
    }
}

/* AGR-30, T-16: none of the three rows goes on. */
static void no_row_goes_on(void **state)
{
    world *w = *state;
    pair *p = start_pair(w, "tls", "tls;q=0.2");
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    change(p, "Max-Forwards", "Security-Server: tls;q=0.2\r\nSecurity-Verify: tls;q=0.2\r\nSecurity-Client: tls\r\nRequire: sec-agree\r\nMax-Forwards");
    pair_server(p, "tls", 0);
    assert_false(has(p, "Security-") || has(p, "sec-agree"));
    pair_end(p);
}

/* AGR-47: a good signature of somebody who is not the sender. */
static void signed_by_another(void **state)
{
    world *w = *state;
    pair *p = start_pair(w, "smime", "smime;q=0.7");
    p->client.signer = w->ua2.key;
    pair_start(p, OFFERED_INVITE);
    pair_server(p, NULL, 494);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    pair_server(p, NULL, 494);
    assert_int_equal(p->verdict.reason.code, SIPVEIL_UNTRUSTED_SIGNER);
    pair_end(p);
}

/* AGR-45, 46: the certificate of an earlier answer is looked at again: its time, whose it is, its chain (of which more may
 * have come with it). */
static void certificate_of_before(void **state)
{
    world *w = *state;
    sipveil_keyring *empty;
    assert_int_equal(sipveil_keyring_new(w->context, &empty, NULL), SIPVEIL_OK);
    for (int i = 0; i < 5; i++) {
        sipveil_open_options bare;
        sv_buffer b;
        sipveil_span der;
        pair *p = until_confirming(w, "smime", "smime;q=0.7");
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_ACTIVE);
        pair_client(p, SIPVEIL_AGREE_EVENT_EXPIRED, NULL, SIPVEIL_AGREE_IDLE);
        if (i == 1) p->server.now += 2 * 86400;
        if (i == 2) p->client.next_hop = "other.example";
        if (i == 3) p->client.keyring = empty; /* its anchor was withdrawn */
        if (i == 4) {
            sv_buffer_init(&b, w->arena, 4096, 1 << 16);
            sv_put(&b, p->a.certificate);
            assert_int_equal(sv_certificate_der(w->p2.key->cms.certificate, w->arena, &der, NULL), SIPVEIL_OK);
            sv_put(&b, der);
            p->a.certificate = sv_buffer_span(&b);
        }
        pair_start(p, OFFERED_INVITE);
        bare = p->open;
        bare.keyring = w->nobody; /* the answer has no certificate */
        p->server.open = &bare;
        pair_server(p, NULL, 494);
        if (i == 0 || i == 4) pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        else pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_CERT);
        if (i == 4) {
            assert_int_equal(p->a.certificate.len, b.len); /* kept whole, and sealed for the first of them */
            p->server.open = &p->open;
            pair_server(p, NULL, 0);
            assert_true(p->verdict.agreed);
        }
        pair_end(p);
    }
    sipveil_keyring_free(empty);
}

/* AGR-21: of two entries of digest, ours says which is better; a forged 494 does not lead from one to the other. */
static void weaker_digest(void **state)
{
    world *w = *state;
    pair *p = start_pair(w, "digest;d-alg=SHA-256, digest;d-alg=MD5", "digest;q=0.2;d-alg=SHA-256, digest;q=0.1;d-alg=MD5");
    p->client.allow_sha256 = p->server.allow_sha256 = true;
    pair_start(p, OFFERED_INVITE);
    pair_server(p, NULL, 494);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    assert_int_equal(p->a.rank, 0);
    pair_success(p);
    change(p, "SIP/2.0 200 OK", "SIP/2.0 494 No\r\nSecurity-Server: digest;q=0.1;d-alg=MD5\r\n"
                                "Proxy-Authenticate: Digest realm=\"home.example\", nonce=\"x\", qop=\"auth\"");
    pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_BID_DOWN);
    pair_end(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ended_is_not_clear), cmocka_unit_test(forged_answer_under_digest), cmocka_unit_test(body_for_another),
        cmocka_unit_test(uri_written_anew), cmocka_unit_test(challenge_that_nobody_answers), cmocka_unit_test(no_row_goes_on),
        cmocka_unit_test(signed_by_another), cmocka_unit_test(certificate_of_before), cmocka_unit_test(weaker_digest),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
