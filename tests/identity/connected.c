/* SPDX-License-Identifier: BSD-2-Clause */
/* IDN-48 to IDN-53: what each side of a dialog does about identity, from plain facts. */
#include "vouched.h"

#define A1 ALICE ";tag=a1"
#define B1 BOB ";tag=b1"
#define SAYS "Supported: timer, from-change\r\n"

static sipveil_span with_rows(parties *p, const char *start, const char *rows)
{
    char all[768];
    snprintf(all, sizeof all, "%sContact: <sip:y@192.0.2.2>\r\n", rows);
    return compose(p, start, all, no_body);
}

#define CALL(from, to, cseq) "From: " from "\r\nTo: " to "\r\nCall-ID: c1\r\nCSeq: " cseq "\r\n"
#define INVITING(more) with_rows(p, "INVITE sip:x@y SIP/2.0\r\n", CALL(A1, BOB, "1 INVITE") more)
#define ANSWERING(status, cseq, more) with_rows(p, "SIP/2.0 " status " X\r\n", CALL(A1, B1, cseq) more)

/* IDN-49: by the facts alone. */
static void next_step(void **state)
{
    static const struct {
        sipveil_connected facts;
        sipveil_connected_step next;
    } rows[] = {
        {{.we_support = true}, SIPVEIL_CONNECTED_NOTHING}, /* the peer lacks from-change */
        {{.peer_supports = true, .confirmed = true}, SIPVEIL_CONNECTED_NOTHING},
        {{.we_support = true, .peer_supports = true}, SIPVEIL_CONNECTED_WAIT},
        {{.we_support = true, .peer_supports = true, .provisional_acked = true}, SIPVEIL_CONNECTED_MAY_UPDATE},
        {{.we_support = true, .peer_supports = true, .confirmed = true}, SIPVEIL_CONNECTED_MUST_UPDATE},
        {{.we_support = true, .peer_supports = true, .confirmed = true, .told = true}, SIPVEIL_CONNECTED_NOTHING},
        {{.calling = true, .we_support = true, .peer_supports = true, .confirmed = true}, SIPVEIL_CONNECTED_MUST_UPDATE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(sipveil_connected_next(&rows[i].facts), rows[i].next);
    }
}


/* IDN-49, R-1 and R-5 as the callee meets them; nothing is due on the caller's side. */
static void callee(void **state)
{
    parties *p = *state;
    sipveil_connected bob = {0}, alice = {0};
    const struct {
        sipveil_span message;
        bool by_alice;
        sipveil_connected_step bob_next;
    } rows[] = {
        {INVITING(SAYS), true, SIPVEIL_CONNECTED_NOTHING},
        {ANSWERING("180", "1 INVITE", SAYS "Require: 100rel\r\nRSeq: 1\r\n"), false, SIPVEIL_CONNECTED_WAIT},
        {request(p, "PRACK", "c1", A1, B1, no_body), true, SIPVEIL_CONNECTED_WAIT},
        {ANSWERING("481", "2 PRACK", ""), false, SIPVEIL_CONNECTED_WAIT},
        {ANSWERING("200", "3 INFO", ""), false, SIPVEIL_CONNECTED_WAIT},
        {ANSWERING("200", "2 PRACK", ""), false, SIPVEIL_CONNECTED_MAY_UPDATE},
        {ANSWERING("200", "1 INVITE", SAYS), false, SIPVEIL_CONNECTED_MUST_UPDATE},
        {request(p, "INFO", "c1", B1, A1, no_body), false, SIPVEIL_CONNECTED_MUST_UPDATE},
        {request(p, "UPDATE", "c1", A1, B1, no_body), true, SIPVEIL_CONNECTED_MUST_UPDATE}, /* hers says nothing of him */
        {ANSWERING("200", "3 UPDATE", ""), false, SIPVEIL_CONNECTED_MUST_UPDATE},
        {request(p, "UPDATE", "c1", B1, A1, no_body), false, SIPVEIL_CONNECTED_NOTHING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_code(sipveil_connected_note(p->worker, &bob, rows[i].message, !rows[i].by_alice, NULL, &p->err), SIPVEIL_OK);
        assert_code(sipveil_connected_note(p->worker, &alice, rows[i].message, rows[i].by_alice, NULL, &p->err), SIPVEIL_OK);
        assert_int_equal(sipveil_connected_next(&bob), rows[i].bob_next);
        assert_int_equal(sipveil_connected_next(&alice), SIPVEIL_CONNECTED_NOTHING);
    }
    assert_true(alice.calling && !bob.calling && alice.confirmed && bob.confirmed && alice.provisional_acked);
    bob.told = false; /* a re-INVITE tells as well */
    assert_code(sipveil_connected_note(p->worker, &bob, request(p, "INVITE", "c1", B1, A1, no_body), true, NULL, &p->err), SIPVEIL_OK);
    assert_int_equal(sipveil_connected_next(&bob), SIPVEIL_CONNECTED_NOTHING);
    alice.told = false; /* her call was handed on to somebody else */
    assert_int_equal(sipveil_connected_next(&alice), SIPVEIL_CONNECTED_MUST_UPDATE);
    bob = (sipveil_connected){0};
    assert_code(sipveil_connected_note(p->worker, &bob, INVITING(""), false, NULL, &p->err), SIPVEIL_OK);
    assert_code(sipveil_connected_note(p->worker, &bob, ANSWERING("200", "1 INVITE", SAYS), true, NULL, &p->err), SIPVEIL_OK);
    assert_int_equal(sipveil_connected_next(&bob), SIPVEIL_CONNECTED_NOTHING); /* */
}

static size_t count_of(sipveil_span s, const char *what)
{
    size_t at, count = 0;
    while (sv_find(s, sv_span_str(what), &at)) {
        count++;
        s = sv_span_from(s, at + strlen(what));
    }
    return count;
}

/* IDN-48 */
static void announce(void **state)
{
    parties *p = *state;
    sipveil_span out;
    const struct {
        sipveil_span message;
        size_t says; /* from-change afterwards */
    } rows[] = {
        {INVITING(""), 1},
        {INVITING(SAYS), 1},
        {INVITING("k: from-change\r\n"), 1},
        {ANSWERING("180", "1 INVITE", ""), 1},
        {ANSWERING("200", "1 INVITE", ""), 1},
        {ANSWERING("486", "1 INVITE", ""), 0},
        {ANSWERING("200", "1 OPTIONS", ""), 0},
        {with_rows(p, "SIP/2.0 100 X\r\n", CALL(A1, BOB, "1 INVITE")), 0},
        {with_rows(p, "SIP/2.0 180 X\r\n", CALL(A1, BOB, "1 INVITE")), 0}, /* no tag, no dialog */
        {ANSWERING("100", "1 INVITE", ""), 0},
        {with_rows(p, "MESSAGE sip:x@y SIP/2.0\r\n", CALL(A1, BOB, "1 MESSAGE")), 0},
        {request(p, "UPDATE", "c1", A1, B1, no_body), 0},
        {request(p, "INVITE", "c1", A1, B1, no_body), 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_code(sipveil_connected_announce(p->worker, rows[i].message, &out, &p->err), SIPVEIL_OK);
        assert_int_equal(count_of(out, "from-change"), rows[i].says);
        if (count_of(rows[i].message, "from-change") == rows[i].says) assert_true(sv_equal(out, rows[i].message));
    }
    assert_code(sipveil_connected_announce(p->worker, INVITING("Require: from-change\r\n"), &out, &p->err), SIPVEIL_POLICY);
    assert_code(sipveil_connected_announce(p->worker, INVITING("Proxy-Require: from-change\r\n"), &out, &p->err), SIPVEIL_POLICY);
    assert_code(sipveil_connected_announce(p->worker, SV_SPAN("x"), &out, &p->err), SIPVEIL_MALFORMED);
}

/* IDN-50, R-4: the remote URI follows a 2xx and a valid Identity, nothing less. */
static void remote_uri(void **state)
{
    sipveil_connected both = {.we_support = true, .peer_supports = true}, one = {.we_support = true}, other = {.peer_supports = true};
    sipveil_identity_verdict good = {.valid = true}, bad = {.valid = false, .status = 437}, asserted = {.valid = true, .asserted = true};
    (void)state;
    assert_true(sipveil_connected_takes_from(&both, &good, 200));
    assert_true(sipveil_connected_takes_from(&both, &good, 202));
    assert_false(sipveil_connected_takes_from(&both, &good, 180));
    assert_false(sipveil_connected_takes_from(&both, &good, 437));
    assert_false(sipveil_connected_takes_from(&both, &bad, 200));
    assert_false(sipveil_connected_takes_from(&both, NULL, 200));
    assert_false(sipveil_connected_takes_from(&one, &good, 200));
    assert_false(sipveil_connected_takes_from(&other, &good, 200));
    assert_false(sipveil_connected_takes_from(&both, &asserted, 200)); /* not for From (IDN-33) */
    assert_true(sipveil_connected_accepts_to("sip:c@x", "sip:b@x", "sip:c@x", true));
    assert_true(sipveil_connected_accepts_to("sip:b@x", "sip:b@x", "sip:c@x", false));
    assert_false(sipveil_connected_accepts_to("sip:b@x", "sip:b@x", "sip:c@x", true));
    assert_false(sipveil_connected_accepts_to("sip:d@x", "sip:b@x", "sip:c@x", false));
}

/* IDN-51 */
static void refused(void **state)
{
    static const unsigned identity[] = {428, 436, 437, 438}, other[] = {200, 403, 481, 488, 500, 180};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(sipveil_connected_judge_response("UPDATE", identity[i], false), SIPVEIL_CONNECTED_REPAIR);
        assert_int_equal(sipveil_connected_judge_response("UPDATE", identity[i], true), SIPVEIL_CONNECTED_TELL);
        assert_int_equal(sipveil_connected_judge_response("BYE", identity[i], false), SIPVEIL_CONNECTED_OVER);
    }
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(sipveil_connected_judge_response("BYE", other[i], false), SIPVEIL_CONNECTED_ACCEPTED);
    }
}

/* IDN-53 */
static void proxy(void **state)
{
    parties *p = *state;
    bool wants = true;
    const struct {
        sipveil_span message;
        bool signs, wants;
    } rows[] = {{INVITING(SAYS), true, true}, {INVITING(SAYS), false, false}, {INVITING(""), true, false},
                {ANSWERING("200", "1 INVITE", SAYS), true, false}, {request(p, "UPDATE", "c1", A1, B1, no_body), true, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_code(sipveil_connected_wants_route(p->worker, rows[i].message, rows[i].signs, &wants, &p->err), SIPVEIL_OK);
        assert_int_equal(wants, rows[i].wants);
    }
}

/* IDN-52 */
static void brandy(void **state)
{
    parties *p = *state;
    content sdp = sdp_of(p, ""), text = {"text/plain", SV_SPAN("x")};
    content both = mixed(p, (content[]){text, sdp}, 2);
    sipveil_identity_verdict good = by_mky(p, "sip:alice@atlanta.example", "atlanta.example", &p->alice);
    good.fields[0] = (sipveil_identity_field){.ppt = "msec"};
    good.field_count = 1;
    sipveil_identity_verdict plain = good, bare = good, absent = {0}, bad = good, refused_one = good, unknown = good, unproven = good;
    plain.fields[0].ppt = "";
    refused_one.fields[0].status = 438; /* the field that is valid is another one */
    unknown.fields[0].ignored = true;
    unproven.valid = false;
    bare.fingerprint_count = 0;
    bad.valid = false;
    bad.status = 437;
    const struct {
        const sipveil_identity_verdict *verdict;
        content body;
        int status;
    } rows[] = {
        {&good, sdp, 0}, {&good, both, 0}, {&plain, sdp, 428}, {&plain, both, 428}, {&bare, sdp, 438},
        {&refused_one, sdp, 428}, {&unknown, sdp, 428}, {&unproven, sdp, 438}, {&absent, sdp, 428}, {&bad, sdp, 437}, {&absent, text, 0}, {&absent, no_body, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int status = -1;
        sipveil_span m = request(p, "UPDATE", "c1", B1, A1, rows[i].body);
        assert_code(sipveil_connected_check_brandy(p->worker, m, rows[i].verdict, &status, &p->err), SIPVEIL_OK);
        assert_int_equal(status, rows[i].status);
    }
    int unasked = -1; /* a response has no Identity */
    assert_code(sipveil_connected_check_brandy(p->worker, response(p, 200, "INVITE", "c1", A1, B1, "", sdp), &absent, &unasked, &p->err), SIPVEIL_OK);
    assert_int_equal(unasked, 0);
    sipveil_connected d = {.needs_identity = false};
    assert_false(sipveil_connected_is_unsafe(&d));
    d.needs_identity = true;
    assert_true(sipveil_connected_is_unsafe(&d)); /* end it, or go on without media security */
    assert_code(sipveil_connected_note(p->worker, &d, request(p, "UPDATE", "c1", B1, A1, sdp), false, &bad, &p->err), SIPVEIL_OK);
    assert_true(sipveil_connected_is_unsafe(&d));
    assert_code(sipveil_connected_note(p->worker, &d, request(p, "UPDATE", "c1", A1, B1, sdp), true, &good, &p->err), SIPVEIL_OK); /* ours */
    assert_true(sipveil_connected_is_unsafe(&d));
    assert_code(sipveil_connected_note(p->worker, &d, response(p, 200, "UPDATE", "c1", A1, B1, "", sdp), false, &good, &p->err), SIPVEIL_OK);
    assert_true(sipveil_connected_is_unsafe(&d));
    assert_code(sipveil_connected_note(p->worker, &d, request(p, "UPDATE", "c1", B1, A1, sdp), false, &good, &p->err),
                SIPVEIL_OK);
    assert_false(sipveil_connected_is_unsafe(&d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_step), cmocka_unit_test(callee), cmocka_unit_test(announce), cmocka_unit_test(remote_uri),
        cmocka_unit_test(refused), cmocka_unit_test(proxy), cmocka_unit_test(brandy),
    };
    return cmocka_run_group_tests_name("connected identity", tests, parties_setup, parties_teardown);
}
