/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's machine by itself: how it offers, what each event does in each state, its octets. */
#include "agree/pair.h"

static pair *at(world *w, sipveil_agree_profile profile)
{
    static pair p;
    bool draft04 = profile == SIPVEIL_AGREE_DRAFT04;
    sipveil_memory_free(w->p1.memory);
    assert_int_equal(sipveil_memory_new(&w->p1.memory, NULL), SIPVEIL_OK);
    pair_begin(&p, w, profile, draft04 ? "tls, digest-integrity" : "tls, digest", draft04 ? "tls;q=0.2" : "tls;q=0.2");
    return &p;
}

/* D-07, D-08, D-09, D-10, D-02: how an offer looks like; TLS by RFC 3263 needs none. */
static void offers(void **state)
{
    world *w = *state;
    for (int i = 0; i < SIPVEIL_AGREE_PROFILE_COUNT; i++) {
        bool draft04 = i == SIPVEIL_AGREE_DRAFT04;
        pair *p = at(w, (sipveil_agree_profile)i);
        pair_start(p, OFFERED_INVITE);
        assert_true(has(p, draft04 ? "\r\nSecurity-Client: tls, digest-integrity\r\n" : "\r\nSecurity-Client: tls, digest\r\n"));
        assert_false(has(p, "Supported"));
        pair_end(p);
        p = at(w, (sipveil_agree_profile)i);
        p->client.passive = true;
        pair_start(p, OFFERED_HEAD "Supported: timer\r\nContent-Length: 0\r\n\r\n");
        assert_true(has(p, "\r\nSupported: timer, sec-agree\r\n") && !has(p, "Require"));
        assert_int_equal(has(p, "Security-Client"), draft04);
        pair_end(p);
        p = at(w, (sipveil_agree_profile)i);
        sipveil_agree_event event = {.kind = SIPVEIL_AGREE_EVENT_START, .message = SV_SPAN(OFFERED_INVITE), .over_rfc3263_tls = true, .now = NOW};
        PAIR_OK(sipveil_agree_client_step(w->worker, &p->client, &p->a, &event, &p->outcome, &p->err));
        assert_int_equal(p->outcome.next.state, draft04 ? SIPVEIL_AGREE_OFFERED : SIPVEIL_AGREE_IDLE);
        assert_int_equal(sv_equal(p->outcome.message, SV_SPAN(OFFERED_INVITE)), !draft04);
        p->client.list = NULL; /* D-16: off */
        PAIR_OK(sipveil_agree_client_step(w->worker, &p->client, &p->a, &event, &p->outcome, &p->err));
        assert_true(p->outcome.next.state == SIPVEIL_AGREE_IDLE && sv_equal(p->outcome.message, SV_SPAN(OFFERED_INVITE)));
        pair_end(p);
    }
}

/* ADV-009: a request of a person's editor is mended where that was asked for; a response never is. */
static void bare_line_feeds(void **state)
{
    world *w = *state;
    static const char request[] = "OPTIONS sip:p1.home.example SIP/2.0\nVia: SIP/2.0/UDP ua.home.example;branch=z9hG4bK1\nMax-Forwards: 70\n"
                                  "From: <sip:alice@home.example>;tag=1\nTo: <sip:p1.home.example>\nCall-ID: c1\nCSeq: 1 OPTIONS\n\n";
    pair *p = at(w, SIPVEIL_AGREE_RFC3329);
    sipveil_agree_event event = {.kind = SIPVEIL_AGREE_EVENT_START, .message = SV_SPAN(request), .now = NOW};
    assert_int_equal(sipveil_agree_client_step(w->worker, &p->client, &p->a, &event, &p->outcome, &p->err), SIPVEIL_MALFORMED);
    p->client.accept_bare_lf = true;
    PAIR_OK(sipveil_agree_client_step(w->worker, &p->client, &p->a, &event, &p->outcome, &p->err));
    size_t at_line;
    assert_true(sv_find(p->outcome.message, SV_SPAN("\r\nCSeq: 1 OPTIONS\r\nSecurity-Client: tls, digest\r\n"), &at_line));
    assert_true(p->outcome.warning_count == 1 && strcmp(p->outcome.warnings[0].rule, "ADV-009") == 0);
    p->a = p->outcome.next;
    event = (sipveil_agree_event){.kind = SIPVEIL_AGREE_EVENT_RESPONSE, .message = SV_SPAN("SIP/2.0 200 OK\nCSeq: 1 OPTIONS\n\n"), .now = NOW};
    assert_int_equal(sipveil_agree_client_step(w->worker, &p->client, &p->a, &event, &p->outcome, &p->err), SIPVEIL_MALFORMED);
    pair_end(p);
}

/* Within one program nothing has to be saved and loaded: what a step came to is where the next one starts. */
static void an_outcome_is_the_next_start(void **state)
{
    static const struct {
        sipveil_agree_event_kind kind;
        sipveil_agree_state state;
    } steps[] = {{SIPVEIL_AGREE_EVENT_START, SIPVEIL_AGREE_OFFERED}, {SIPVEIL_AGREE_EVENT_RESPONSE, SIPVEIL_AGREE_STARTING},
                 {SIPVEIL_AGREE_EVENT_UP, SIPVEIL_AGREE_CONFIRMING}};
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329);
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i].kind == SIPVEIL_AGREE_EVENT_RESPONSE) pair_server(p, NULL, 494);
        sipveil_agree_event event = {.kind = steps[i].kind, .message = span_of(&p->message), .now = NOW};
        PAIR_OK(
            sipveil_agree_client_step(w->worker, &p->client, i == 0 ? &p->a : &p->outcome.next, &event, &p->outcome, &p->err));
        assert_int_equal(p->outcome.next.state, steps[i].state);
        if (p->outcome.message.len > 0) set_text(&p->message, p->outcome.message);
    }
    assert_true(sv_equal_str(p->outcome.next.mechanism, "tls"));
    assert_true(has(p, "\r\nSecurity-Verify: ") && has(p, "\r\nCSeq: 2 INVITE\r\n"));
    sipveil_agree_event event = {.kind = SIPVEIL_AGREE_EVENT_RESPONSE, .message = SV_SPAN("garbage"), .now = NOW};
    assert_int_equal(sipveil_agree_client_step(w->worker, &p->client, &p->outcome.next, &event, &p->outcome, &p->err),
                     SIPVEIL_MALFORMED);
    assert_true(sv_equal_str(p->outcome.next.mechanism, "tls")); /* as it was, and still there */
    pair_end(p);
}

/* A passive client of digest is answered without a challenge when nothing says that it has digest; here the server adds what it
 * has, so that it goes on at once; and where nothing came, it asks again with its list. */
static void passive_then_active(void **state)
{
    world *w = *state;
    static pair p_;
    pair *p = &p_;
    pair_begin(p, w, SIPVEIL_AGREE_RFC3329, "digest", "digest;q=0.1");
    p->client.passive = true;
    pair_start(p, OFFERED_INVITE);
    pair_server(p, NULL, 494);
    drop_row(p, "Proxy-Authenticate:");
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_OFFERED);
    assert_true(has(p, "\r\nSecurity-Client: digest\r\n") && has(p, "\r\nRequire: sec-agree\r\n") && has(p, "\r\nCSeq: 2 INVITE\r\n"));
    pair_server(p, NULL, 494);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    pair_server(p, NULL, 0);
    pair_end(p);
}

/* Brings p to a state, by honest means. */
static void bring_to(pair *p, sipveil_agree_state wanted)
{
    if (wanted == SIPVEIL_AGREE_IDLE) return;
    pair_start(p, OFFERED_INVITE);
    if (wanted == SIPVEIL_AGREE_OFFERED) return;
    if (wanted == SIPVEIL_AGREE_FAILED) {
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_FAILED);
        return;
    }
    pair_server(p, NULL, 494);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
    if (wanted == SIPVEIL_AGREE_STARTING) return;
    pair_client(p, SIPVEIL_AGREE_EVENT_UP, NULL, SIPVEIL_AGREE_CONFIRMING);
    if (wanted == SIPVEIL_AGREE_CONFIRMING) return;
    pair_success(p);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, "tls", SIPVEIL_AGREE_ACTIVE);
}

/* AGR-43, 44, 50, AGR-20: every event that carries no message, and a request, in every state. */
static void events_in_states(void **state)
{
    enum { STAYS = -1, NO = -2, HELD = -3 };
    static const struct {
        sipveil_agree_event_kind kind;
        int next[SIPVEIL_AGREE_STATE_COUNT]; /* of IDLE, OFFERED, STARTING, CONFIRMING, ACTIVE, FAILED */
    } cases[] = {
        {SIPVEIL_AGREE_EVENT_UP, {NO, NO, SIPVEIL_AGREE_CONFIRMING, NO, NO, NO}},
        {SIPVEIL_AGREE_EVENT_DOWN, {STAYS, NO, SIPVEIL_AGREE_FAILED, SIPVEIL_AGREE_FAILED, SIPVEIL_AGREE_IDLE, STAYS}},
        {SIPVEIL_AGREE_EVENT_EXPIRED, {STAYS, NO, SIPVEIL_AGREE_FAILED, SIPVEIL_AGREE_FAILED, SIPVEIL_AGREE_IDLE, STAYS}},
        {SIPVEIL_AGREE_EVENT_REQUEST, {HELD, HELD, HELD, HELD, SIPVEIL_AGREE_ACTIVE, HELD}},
        {SIPVEIL_AGREE_EVENT_DECLINED, {SIPVEIL_AGREE_FAILED, SIPVEIL_AGREE_FAILED, SIPVEIL_AGREE_FAILED, SIPVEIL_AGREE_FAILED,
                                        SIPVEIL_AGREE_FAILED, SIPVEIL_AGREE_FAILED}},
        {SIPVEIL_AGREE_EVENT_START, {SIPVEIL_AGREE_OFFERED, SIPVEIL_AGREE_OFFERED, NO, NO, NO, SIPVEIL_AGREE_OFFERED}},
    };
    world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int from = 0; from < SIPVEIL_AGREE_STATE_COUNT; from++) {
            pair *p = at(w, SIPVEIL_AGREE_RFC3329);
            bring_to(p, (sipveil_agree_state)from);
            set_text(&p->message, SV_SPAN(OFFERED_INVITE));
            int next = cases[i].next[from];
            sipveil_code code = pair_try(p, cases[i].kind, NULL), wanted = next == NO ? SIPVEIL_USAGE : next == HELD ? SIPVEIL_POLICY : SIPVEIL_OK;
            if (code != wanted || (int)p->a.state != (next < 0 ? from : next)) {
                fail_msg("event %zu in %s: %s, %s", i, sipveil_agree_state_name((sipveil_agree_state)from), sipveil_code_name(code),
                         sipveil_agree_state_name(p->a.state));
            }
            pair_end(p);
        }
    }
}

/* AGR-20: whoever declined is asked no more. */
static void declined(void **state)
{
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329);
    bring_to(p, SIPVEIL_AGREE_STARTING);
    pair_failure(p, SIPVEIL_AGREE_EVENT_DECLINED, NULL, SIPVEIL_AGREE_E_DECLINED);
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_START, NULL), SIPVEIL_POLICY);
    pair_end(p);
}

/* Policy `may` without an agreement: a request goes on as it is, with a warning. */
static void without_agreement(void **state)
{
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329);
    p->client.must = false;
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    pair_client(p, SIPVEIL_AGREE_EVENT_REQUEST, NULL, SIPVEIL_AGREE_IDLE);
    assert_true((p->outcome.actions & SIPVEIL_AGREE_NO_AGREEMENT) != 0 && p->outcome.warning_count == 1);
    assert_same(span_of(&p->message), SV_SPAN(OFFERED_INVITE));
    pair_end(p);
}

/* D-02, AGR-25: a proxy of draft -04 sends again with a new branch and the same CSeq. */
static void proxy_to_proxy(void **state)
{
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_DRAFT04);
    p->client.is_proxy = true;
    pair_start(p, "INVITE sip:bob@home.example SIP/2.0\r\nVia: SIP/2.0/TCP p1.example;branch=z9hG4bKp1, SIP/2.0/UDP ua.example;branch=z9hG4bKua\r\n"
                  "Max-Forwards: 69\r\nFrom: <sip:alice@home.example>;tag=a1\r\nTo: <sip:bob@home.example>\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\n"
                  "Contact: <sip:a@ua.example>\r\nContent-Length: 0\r\n\r\n");
    pair_server(p, NULL, 494);
    assert_true(has(p, "p1.example") && !has(p, "ua.example"));
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
    assert_true(has(p, "\r\nCSeq: 7 INVITE\r\n") && !has(p, "z9hG4bKp1") && has(p, ";branch=z9hG4bKua"));
    pair_client(p, SIPVEIL_AGREE_EVENT_UP, NULL, SIPVEIL_AGREE_CONFIRMING);
    pair_server(p, "tls", 0);
    assert_true(p->verdict.agreed && has(p, "ua.example"));
    pair_end(p);
}

/* A tag that is there is not added twice; rows of an earlier try are replaced. */
static void rows_that_are_there(void **state)
{
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329);
    pair_start(p, OFFERED_HEAD "Require: SEC-AGREE\r\nProxy-Require: foo\r\nSecurity-Client: rot13\r\nSecurity-Verify: x\r\nContent-Length: 0\r\n\r\n");
    assert_true(has(p, "\r\nRequire: SEC-AGREE\r\n") && has(p, "\r\nProxy-Require: foo, sec-agree\r\n") && !has(p, "rot13") && !has(p, "Security-Verify"));
    pair_end(p);
}

/* An association as octets: any cut, and any octet more, is damage. */
static void damaged_octets(void **state)
{
    sipveil_agree_association a;
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329);
    bring_to(p, SIPVEIL_AGREE_CONFIRMING);
    assert_true(sv_equal_str(p->a.own_list, "tls, digest") && p->a.must && sv_equal_str(p->a.mechanism, "tls"));
    for (size_t len = 0; len < p->image.len; len++) {
        assert_int_equal(sipveil_agree_load_association(sv_span(p->image.octets, len), &a, NULL), SIPVEIL_MALFORMED);
        assert_true(a.state == SIPVEIL_AGREE_IDLE && a.request.len == 0);
    }
    p->image.octets[p->image.len] = 'x';
    assert_int_equal(sipveil_agree_load_association(sv_span(p->image.octets, p->image.len + 1), &a, NULL), SIPVEIL_MALFORMED);
    pair_end(p);
}

static void wrong_calls(void **state)
{
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329);
    static const char *const messages[] = {"ACK", "CANCEL"};
    for (size_t i = 0; i < 2; i++) {
        char start[64], cseq[64];
        snprintf(start, sizeof start, "%s sip", messages[i]);
        snprintf(cseq, sizeof cseq, "1 %s", messages[i]);
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        change(p, "INVITE sip", start);
        change(p, "1 INVITE", cseq);
        assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_START, NULL), SIPVEIL_USAGE);
    }
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL), SIPVEIL_USAGE);
    set_text(&p->message, SV_SPAN("INVITE"));
    assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_START, NULL), SIPVEIL_MALFORMED);
    p->client.list = p->theirs;
    assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_START, NULL), SIPVEIL_USAGE);
    p->client.list = p->ours;
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_RESPONSE, "tsl"), SIPVEIL_USAGE);
    assert_string_equal(p->err.rule, "AGR-19");
    p->a.state = (sipveil_agree_state)77;
    assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_UP, NULL), SIPVEIL_USAGE);
    pair_end(p);
}

/* AGR-24, AGR-33: a name and a password go to the realm that they are for; who asks for another one gets nothing at all. */
static void challenges(void **state)
{
#define CHALLENGE(realm, algorithm) "Proxy-Authenticate: Digest realm=\"" realm "\", nonce=\"theirs\", qop=\"auth\", algorithm=" algorithm "\r\n"
    static const struct {
        const char *old, *new;
        bool answered;
    } cases[] = {
        {"Digest realm=\"home.example\"", "Digest realm=\"home.example\"", true},
        {"Digest realm=\"home.example\"", "Digest realm=\"away.example\"", false},
        {"Digest realm=\"home.example\"", "Digest realm=\"home.exampl\"", false},
        {"Digest realm=\"home.example\"", "Digest realm=\"Home.example\"", false},
        {"Digest realm=", "Digest x=", false},
        {", nonce=", ", x=", false},
        {"Authenticate: Digest", "Authenticate: Basic", false},
        {"Proxy-Authenticate: ", "X-Authenticate: ", false},
        {"Proxy-Authenticate: ", CHALLENGE("away.example", "MD5") "Proxy-Authenticate: ", true},
        {"Proxy-Authenticate: ", CHALLENGE("home.example", "SHA-256") "Proxy-Authenticate: ", true},
    };
    static const sipveil_agree_credentials two[] = {{"away.example", "mallory", "known to them"}, {"home.example", "alice", "s3cret"}};
    static pair room_for;
    world *w = *state;
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        pair *p = &room_for;
        size_t row = i / 2;
        bool both = i % 2 == 1; /* then that of the other realm is answered, as who it is there */
        sipveil_memory_free(w->p1.memory);
        assert_int_equal(sipveil_memory_new(&w->p1.memory, NULL), SIPVEIL_OK);
        pair_begin(p, w, SIPVEIL_AGREE_RFC3329, "digest", "digest;q=0.1;d-alg=MD5;d-qop=auth");
        if (both) {
            p->client.credentials = two;
            p->client.credential_count = 2;
        }
        pair_start(p, OFFERED_INVITE);
        pair_server(p, NULL, 494);
        change(p, cases[row].old, cases[row].new);
        bool away = both && strstr(cases[row].new, "\"away.example\"") != NULL;
        if (cases[row].answered || away) {
            pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
            if (has(p, "username=\"alice\", realm=\"home.example\"") == away) fail_msg("case %zu: %s", i, p->message.octets);
            if (has(p, "username=\"mallory\", realm=\"away.example\"") != away) fail_msg("case %zu: %s", i, p->message.octets);
            if (!away) pair_server(p, NULL, 0);
        } else {
            pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_ABORTED);
        }
        pair_end(p);
    }
}

/* AGR-17, AGR-47, AGR-48: the best of their list is what we can run: without credentials no digest, without a key of ours no
 * smime, to a proxy only where that was asked for. rank: how many entries of our list are better than what it comes to. */
static void choices(void **state)
{
    static const struct {
        const char *ours, *theirs;
        bool no_credentials, no_signer, to_proxy, may;
        const char *mechanism;
        uint32_t rank;
    } cases[] = {
        {"tls, digest", "digest;q=0.2;d-qop=auth, tls;q=0.1", false, false, false, false, "digest", 1},
        {"tls, digest", "digest;q=0.2;d-qop=auth, tls;q=0.1", true, false, false, false, "tls", 0},
        {"smime, tls", "smime;q=0.2, tls;q=0.1", false, false, false, false, "smime", 0},
        {"smime, tls", "smime;q=0.2, tls;q=0.1", false, true, false, false, "tls", 1},
        {"smime, tls", "smime;q=0.2, tls;q=0.1", false, false, true, false, "tls", 1},
        {"smime, tls", "smime;q=0.2, tls;q=0.1", false, false, true, true, "smime", 0},
        /* two forms of digest, one better than tls, the other worse; a third form is as good as the worst */
        {"digest;q=0.3;d-qop=auth-int, tls;q=0.2, digest;q=0.1;d-qop=auth", "digest;q=0.5;d-qop=auth-int", false, false, false, false, "digest", 0},
        {"digest;q=0.3;d-qop=auth-int, tls;q=0.2, digest;q=0.1;d-qop=auth", "digest;q=0.5;d-qop=auth", false, false, false, false, "digest", 2},
        {"digest;q=0.3;d-qop=auth-int, tls;q=0.2, digest;q=0.1;d-qop=auth", "digest;q=0.5", false, false, false, false, "digest", 2},
        {"digest;q=0.1;d-qop=auth, tls;q=0.2, digest;q=0.3;d-qop=auth-int", "digest;q=0.5;d-qop=auth-int", false, false, false, false, "digest", 0},
        {"digest;q=0.1;d-qop=auth, tls;q=0.2, digest;q=0.3;d-qop=auth-int", "digest;q=0.5;d-qop=auth", false, false, false, false, "digest", 2},
        {"digest;q=0.1;d-qop=auth, tls;q=0.2, digest;q=0.3;d-qop=auth-int", "digest;q=0.5", false, false, false, false, "digest", 2},
        {"digest;q=0.3, tls;q=0.2, digest;q=0.1;d-alg=MD5-sess", "digest;q=0.5;d-alg=MD5-sess", false, false, false, false, "digest", 0},
        {"digest;q=0.3;d-alg=MD5, tls;q=0.2, digest;q=0.1;d-alg=MD5-sess", "digest;q=0.5", false, false, false, false, "digest", 0},
        {"digest;q=0.3;d-alg=MD5, tls;q=0.2, digest;q=0.1;d-alg=MD5-sess", "digest;q=0.5;d-alg=MD5-sess", false, false, false, false, "digest", 2},
    };
    static pair room_for;
    world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pair *p = &room_for;
        sipveil_memory_free(w->p1.memory);
        assert_int_equal(sipveil_memory_new(&w->p1.memory, NULL), SIPVEIL_OK);
        pair_begin(p, w, SIPVEIL_AGREE_RFC3329, cases[i].ours, cases[i].theirs);
        if (cases[i].no_credentials) p->client.credential_count = 0;
        if (cases[i].no_signer) p->client.signer = NULL;
        p->client.next_hop_is_proxy = cases[i].to_proxy;
        p->client.smime_to_proxy = cases[i].may;
        pair_start(p, OFFERED_INVITE);
        pair_server(p, NULL, 494);
        PAIR_OK(pair_try(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL));
        if (!sv_equal_str(p->a.mechanism, cases[i].mechanism) || p->a.rank != cases[i].rank || p->a.state == SIPVEIL_AGREE_FAILED) {
            fail_msg("case %zu: %.*s, rank %u: %s", i, (int)p->a.mechanism.len, (const char *)p->a.mechanism.data, p->a.rank, p->outcome.reason.text);
        }
        pair_end(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers), cmocka_unit_test(bare_line_feeds), cmocka_unit_test(an_outcome_is_the_next_start), cmocka_unit_test(passive_then_active), cmocka_unit_test(events_in_states), cmocka_unit_test(declined),
        cmocka_unit_test(without_agreement), cmocka_unit_test(proxy_to_proxy), cmocka_unit_test(rows_that_are_there),
        cmocka_unit_test(challenges), cmocka_unit_test(choices), cmocka_unit_test(damaged_octets), cmocka_unit_test(wrong_calls),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
