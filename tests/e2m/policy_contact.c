/* SPDX-License-Identifier: BSD-2-Clause */
/* Policy that is not our operator's: policy servers (RFC 6794), and what hops add to the answer of a probe. */
#include "e2m/policy_contact.h"

#include "tunnel/memory.h"
#include "world.h"

#define BUSY "SIP/2.0 488 Not Acceptable Here\r\n"
#define CONTACT(value) "Policy-Contact: " value "\r\n"

static sipveil_span response_with(world *w, const char *start, const char *rows)
{
    char all[4096];
    snprintf(all, sizeof all, "From: Alice <sip:alice@home.example>;tag=a1\r\nTo: Bob <sip:bob@other.example>;tag=b1\r\n"
             "Call-ID: c1@home.example\r\nCSeq: 1 INVITE\r\n%s", rows);
    return compose(w, start, all, "");
}

/* E2M-67: every value in its order, over all rows. */
static void values_that_are_read(void **state)
{
    world *w = begin(state);
    sipveil_e2m_policy_contact c[4];
    size_t count;
    sipveil_span message = response_with(w, BUSY, CONTACT("<sip:p1@home.example> ;non-cacheable , <https://p.example/a?b=c>;ALT-URI=one;x=\"y,z\"")
                                                  "policy-contact: <sips:p2@home.example>;alt-uri=one\r\n");
    assert_code(sipveil_e2m_read_policy_contacts(w->worker, message, c, 4, &count, &w->err), SIPVEIL_OK);
    assert_int_equal(count, 3);
    assert_true(sv_equal_str(c[0].uri, "sip:p1@home.example") && !c[0].cacheable && c[0].alternative.len == 0);
    assert_true(sv_equal_str(c[1].uri, "https://p.example/a?b=c") && c[1].cacheable && sv_equal_str(c[1].alternative, "one"));
    assert_true(sv_equal_str(c[2].uri, "sips:p2@home.example") && sv_equal_str(c[2].alternative, "one"));
    assert_code(sipveil_e2m_read_policy_contacts(w->worker, message, c, 2, &count, &w->err), SIPVEIL_LIMIT);
    assert_int_equal(count, 0);
    assert_code(sipveil_e2m_read_policy_contacts(NULL, message, c, 2, &count, &w->err), SIPVEIL_USAGE);
    static const struct {
        const char *start;
        size_t count;
    } where[] = {{"INVITE sip:bob@other.example SIP/2.0\r\n", 1}, {BUSY, 1}, {"SIP/2.0 200 OK\r\n", 0}, {"SIP/2.0 493 Undecipherable\r\n", 0}};
    for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
        message = response_with(w, where[i].start, CONTACT("<sip:p1@home.example>") "Contact: <sip:a@b.example>\r\n");
        assert_code(sipveil_e2m_read_policy_contacts(w->worker, message, c, 4, &count, &w->err), SIPVEIL_OK);
        assert_int_equal(count, where[i].count);
    }
}

static void values_of_no_good_form(void **state)
{
    static const char *const rows[] = {
        CONTACT(""), CONTACT("sip:p1@home.example"), CONTACT("\"P\" <sip:p1@home.example>"), CONTACT("<>"), CONTACT("<p1>"),
        CONTACT("<sip:p1@home.example"), CONTACT("<sip:p1@home.example>,"), CONTACT("<sip:p1@home.example> x"),
        CONTACT("<sip:p1@home.example>;non-cacheable=1"), CONTACT("<sip:p1@home.example>;non-cacheable;non-cacheable"),
        CONTACT("<sip:p1@home.example>;alt-uri"), CONTACT("<sip:p1@home.example>;alt-uri=a;alt-uri=b"), CONTACT("<sip:p1@home.example>;=x"),
        CONTACT("<sip:p1@home.example>;alt-uri=\"a\\b\""),
        CONTACT("<sip:ok@home.example>") CONTACT("no"),
    };
    world *w = begin(state);
    sipveil_e2m_policy_contact c[4];
    size_t count;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_code code = sipveil_e2m_read_policy_contacts(w->worker, response_with(w, BUSY, rows[i]), c, 4, &count, &w->err);
        if (code != SIPVEIL_MALFORMED || count != 0) fail_msg("row %zu: %s", i, sipveil_code_name(code));
    }
}

/* ---- servers ---- */

typedef struct servers {
    const char *uris[4], *documents[4]; /* NULL: not to be reached */
    char asked[256];
} servers;

static bool fetch(void *user, sipveil_span uri, sipveil_span *document)
{
    servers *s = user;
    size_t used = strlen(s->asked);
    snprintf(s->asked + used, sizeof s->asked - used, "%.*s ", (int)uri.len, (const char *)uri.data);
    for (size_t i = 0; i < 4 && s->uris[i] != NULL; i++) {
        if (!sv_equal_str(uri, s->uris[i]) || s->documents[i] == NULL) continue;
        *document = sv_span_str(s->documents[i]);
        return true;
    }
    return false;
}

static sipveil_e2m_policy *learn(world *w, sipveil_e2m_learn_options *o, sipveil_span message)
{
    sipveil_e2m_policy *policy = NULL;
    assert_code(sipveil_e2m_learn_policy(w->worker, o, message, &policy, &w->err), SIPVEIL_OK);
    return policy;
}

/* E2M-67: in order; of alternatives the first that answers; one that is silent, or talks nonsense, blocks nothing; kept for
 * a day unless that is forbidden. */
static void servers_are_asked(void **state)
{
    world *w = begin(state);
    servers s = {{"sip:a@x", "sip:b@x", "sip:c@x", "sip:d@x"},
                 {NULL, "[{\"host\":\"ss1.home.example\",\"types\":[\"application/sdp\"]}]", "junk;;", "ss2.other.example;need=verify"}, ""};
    sipveil_e2m_learn_options o;
    sipveil_e2m_learn_options_default(&o);
    o.protected_path = true;
    o.memory = w->ua1.memory;
    o.fetch = fetch;
    o.user = &s;
    sipveil_span message = response_with(w, BUSY, CONTACT("<sip:a@x>;alt-uri=g, <sip:b@x>;alt-uri=g, <sip:z@x>;alt-uri=g")
                                                  CONTACT("<sip:c@x>, <sip:d@x>;non-cacheable"));
    sipveil_e2m_policy *policy = learn(w, &o, message);
    assert_string_equal(s.asked, "sip:a@x sip:b@x sip:c@x sip:d@x ");
    assert_int_equal(sipveil_e2m_policy_count(policy), 2);
    sipveil_e2m_policy_free(policy);
    s.asked[0] = '\0';
    policy = learn(w, &o, message);
    assert_string_equal(s.asked, "sip:a@x sip:c@x sip:d@x "); /* b's is held */
    assert_int_equal(sipveil_e2m_policy_count(policy), 2);
    sipveil_e2m_policy_free(policy);
    w->clock = NOW + 86401;
    s.asked[0] = '\0';
    sipveil_e2m_policy_free(learn(w, &o, message));
    assert_string_equal(s.asked, "sip:a@x sip:b@x sip:c@x sip:d@x ");
    /* What a hop may name on its own disk is not for a server to say. */
    s.documents[1] = "ss1.home.example;certificate=\"/etc/passwd\"";
    o.memory = NULL;
    policy = learn(w, &o, message);
    assert_int_equal(sipveil_e2m_policy_count(policy), 1);
    sipveil_e2m_policy_free(policy);
}

/* E2M-69: over an unprotected path nothing becomes a row. */
static void an_unprotected_path_teaches_nothing(void **state)
{
    world *w = begin(state);
    servers s = {{"sip:a@x"}, {"ss1.home.example"}, ""};
    sipveil_e2m_policy *policy = NULL;
    sipveil_e2m_learn_options o;
    sipveil_e2m_learn_options_default(&o);
    o.fetch = fetch;
    o.user = &s;
    sipveil_span message = response_with(w, BUSY, CONTACT("<sip:a@x>") "Proxy-Body-Need: ss1.home.example\r\n"
                                         "Proxy-Body-Need: ss1.home.example;need=own, ss1.home.example;what=none\r\n"); /* of something unknown: no rows */
    assert_code(sipveil_e2m_learn_policy(w->worker, &o, message, &policy, &w->err), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-69");
    assert_true(policy == NULL && s.asked[0] == '\0'); /* nor is anybody asked whom an attacker may have named */
    o.protected_path = true;
    policy = learn(w, &o, message);
    assert_int_equal(sipveil_e2m_policy_count(policy), 2); /* the need itself, and the server's row */
    sipveil_e2m_policy_free(policy);
    o.size = 1;
    assert_code(sipveil_e2m_learn_policy(w->worker, &o, message, &policy, &w->err), SIPVEIL_USAGE);
}

/* The rows of a policy, for the UA that seals (E2M-65). */
static void rows_that_hold(void **state)
{
    world *w = begin(state);
    sipveil_e2m_policy *policy = NULL;
    sipveil_e2m_row rows[4];
    size_t count;
    assert_code(sipveil_e2m_policy_read(SV_SPAN("ss1.home.example;need=both;method=INVITE;certificate=\"p1.crt\"\n"
                                                "ss2.other.example;method=MESSAGE\nss3.home.example;type=\"text/plain\"\nss4.home.example\n"),
                                        &policy, &w->err), SIPVEIL_OK);
    assert_code(sipveil_e2m_policy_match(w->worker, policy, invite(w, SDP), NULL, rows, 4, &count, &w->err), SIPVEIL_OK);
    assert_int_equal(count, 2);
    assert_true(sv_equal_str(rows[0].need.host, "ss1.home.example") && rows[0].need.need == SIPVEIL_E2M_BOTH);
    assert_true(sv_equal_str(rows[0].certificate, "p1.crt") && sv_equal_str(rows[1].need.host, "ss4.home.example"));
    assert_code(sipveil_e2m_policy_match(w->worker, policy, invite(w, SDP), NULL, rows, 1, &count, &w->err), SIPVEIL_LIMIT);
    assert_code(sipveil_e2m_policy_match(w->worker, NULL, invite(w, SDP), NULL, rows, 1, &count, &w->err), SIPVEIL_USAGE);
    sipveil_e2m_policy_free(policy);
}

/* A 488 that names a server, and no need: what it says is judged like any need. */
static void a_retry_after_asking(void **state)
{
    static const char *const may[] = {P1_HOST};
    world *w = begin(state);
    servers s = {{"sip:a@x"}, {P1_HOST ";type=\"application/sdp\""}, ""};
    share known;
    sipveil_e2m_retry_options o;
    sipveil_e2m_retry_options_default(&o);
    share_begin(w, &known);
    o.e2m = known.o; /* P1's certificate is known; a server gives none */
    o.trust = w->nobody;
    o.may_view = may;
    o.may_view_count = 1;
    o.fetch = fetch;
    o.fetch_user = &s;
    sipveil_span response = response_with(w, BUSY, CONTACT("<sip:a@x>"));
    assert_code(sipveil_e2m_retry_message(w->worker, &o, invite(w, SDP), response, &w->sealed, &w->err), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-69");
    assert_true(s.asked[0] == '\0');
    o.protected_path = true;
    assert_code(sipveil_e2m_retry_message(w->worker, &o, invite(w, SDP), response, &w->sealed, &w->err), SIPVEIL_OK);
    at_p1(w, copy_of(w, w->sealed.message));
    assert_same(w->verdict.view, SV_SPAN(SDP));
    o.may_view_count = 0;
    o.e2m.memory = NULL;
    assert_code(sipveil_e2m_retry_message(w->worker, &o, invite(w, SDP), response, &w->sealed, &w->err), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-34");
    o.fetch = NULL;
    assert_code(sipveil_e2m_retry_message(w->worker, &o, invite(w, SDP), response, &w->sealed, &w->err), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-67");
}

/* The UA that receives an INVITE with a policy server is told of it. */
static void a_server_for_the_far_end(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    sipveil_span message = edited(w, shared(w, &s, invite(w, SDP)), "Max-Forwards", CONTACT("<sip:p@other.example>") "Max-Forwards");
    assert_code(try_open(w, &w->ua2, message), SIPVEIL_OK);
    assert_true(warned(w->opened.warnings, w->opened.warning_count, "E2M-67"));
    assert_true(checked(&w->opened, "E2M-67", SIPVEIL_CHECK_NOT_DONE));
}

/* ---- probes ---- */

/* E2M-68, E2M-C7: each hop adds its own values to the 2xx of a probe or a registration, and touches nothing else. */
static void hops_answer_a_probe(void **state)
{
    static const struct {
        const char *start, *method;
        bool told;
    } cases[] = {{"SIP/2.0 200 OK\r\n", "OPTIONS", true}, {"SIP/2.0 200 OK\r\n", "REGISTER", true}, {"SIP/2.0 200 OK\r\n", "INVITE", false},
                 {"SIP/2.0 404 Not Found\r\n", "OPTIONS", false}, {"OPTIONS sip:bob@other.example SIP/2.0\r\n", "OPTIONS", false}};
    static const char *const p2_name[] = {"ss2.other.example"};
    world *w = begin(state);
    sipveil_e2m_policy *policy = NULL;
    assert_code(sipveil_e2m_policy_read(SV_SPAN("x;type=\"application/sdp\";method=INVITE\nx;need=verify"), &policy, &w->err), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rows[512];
        snprintf(rows, sizeof rows, ALICE_TO_BOB("c1@home.example") "CSeq: 1 %s\r\nContent-Type: text/plain\r\n", cases[i].method);
        sipveil_span message = compose(w, cases[i].start, rows, "a body");
        sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
        o.policy = policy;
        sipveil_e2m_proxy_options silent = o; /* unless it is told to */
        silent.open.memory = NULL;
        assert_code(sipveil_e2m_proxy_message(w->worker, &silent, message, &w->verdict, &w->err), SIPVEIL_OK);
        if (w->verdict.action == SIPVEIL_E2M_FORWARD) assert_same(w->verdict.message, message);
        o.tell_needs = true;
        assert_code(sipveil_e2m_proxy_message(w->worker, &o, message, &w->verdict, &w->err), SIPVEIL_OK);
        if (!cases[i].told) {
            if (w->verdict.action == SIPVEIL_E2M_FORWARD) assert_same(w->verdict.message, message);
            continue;
        }
        assert_int_equal(w->verdict.action, SIPVEIL_E2M_FORWARD);
        sipveil_span told = copy_of(w, w->verdict.message);
        sipveil_e2m_need needs[8];
        size_t count;
        assert_code(sipveil_e2m_read_needs(w->other, told, needs, 8, &count, &w->err), SIPVEIL_OK);
        assert_true(count == 2 && sv_equal_str(needs[0].host, P1_HOST) && needs[0].has_fingerprint && sv_equal_str(needs[0].type, "application/sdp"));
        size_t at, end;
        assert_true(sv_find(told, SV_SPAN("Proxy-Body-Need: "), &at));
        assert_true(sv_find(sv_span_from(told, at), SV_SPAN("Content-Type"), &end));
        sv_buffer rest; /* the same message around it */
        sv_buffer_init(&rest, w->arena, told.len, told.len);
        sv_put(&rest, sv_span(told.data, at));
        sv_put(&rest, sv_span_from(told, at + end));
        assert_same(sv_buffer_span(&rest), message);
        /* Again (a spiral): nothing twice. P2: its own beside. */
        assert_code(sipveil_e2m_proxy_message(w->worker, &o, told, &w->verdict, &w->err), SIPVEIL_OK);
        assert_same(w->verdict.message, told);
        o.hosts = p2_name;
        o.open.keyring = w->p2.ring;
        assert_code(sipveil_e2m_proxy_message(w->worker, &o, told, &w->verdict, &w->err), SIPVEIL_OK);
        told = copy_of(w, w->verdict.message);
        assert_code(sipveil_e2m_read_needs(w->other, told, needs, 8, &count, &w->err), SIPVEIL_OK);
        assert_true(count == 4 && sv_equal_str(needs[1].host, P1_HOST) && sv_equal_str(needs[2].host, "ss2.other.example"));
    }
    sipveil_e2m_policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_are_read), cmocka_unit_test(values_of_no_good_form), cmocka_unit_test(servers_are_asked),
        cmocka_unit_test(an_unprotected_path_teaches_nothing), cmocka_unit_test(rows_that_hold),
        cmocka_unit_test(a_retry_after_asking), cmocka_unit_test(a_server_for_the_far_end), cmocka_unit_test(hops_answer_a_probe),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
