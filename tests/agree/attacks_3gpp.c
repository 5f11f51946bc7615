/* SPDX-License-Identifier: BSD-2-Clause */
/* Bidding down in the profile 3gpp, by somebody between a UE and its P-CSCF: the unprotected REGISTER and its 401 are his to
 * change, what goes over the associations is not (unless he broke them: some cases let him). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/span.h"
#include "sipveil/agree.h"

#define UE "spi-c=1001;spi-s=1002;port-c=5101;port-s=5102"
#define PCSCF "spi-c=2001;spi-s=2002;port-c=6101;port-s=6102"
#define GCM "alg=null;ealg=aes-gcm"
#define SHA "alg=hmac-sha-1-96;ealg=aes-cbc"
#define GMAC "alg=aes-gmac;ealg=null"
#define OURS "ipsec-3gpp;" GCM ";" UE ", ipsec-3gpp;" SHA ";" UE ", ipsec-3gpp;" GMAC ";" UE
#define STRONG "ipsec-3gpp;q=0.3;" GCM ";" PCSCF
#define WEAK "ipsec-3gpp;q=0.1;" GMAC ";" PCSCF
#define THEIRS STRONG ", " WEAK

enum { ROOM = 8192 };

typedef char message[ROOM];

static sipveil_context *context;
static sipveil_worker *ue, *pcscf;
static sipveil_memory *memory;
static sipveil_agree_list *ours, *theirs;
static sipveil_agree_client_options client;
static sipveil_agree_server_options server;
static sipveil_agree_association association;
static sipveil_agree_outcome outcome;
static sipveil_agree_verdict verdict;
static uint8_t image[ROOM];

static sipveil_agree_list *list_of(const char *text, sipveil_agree_side side)
{
    sipveil_agree_list *list;
    sipveil_error err;
    if (sipveil_agree_list_read(sv_span_str(text), SIPVEIL_AGREE_3GPP, side, &list, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    return list;
}

static int begin(void **state)
{
    sipveil_error err;
    (void)state;
    assert_int_equal(sipveil_context_new(NULL, &context, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_worker_new(context, &ue, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_worker_new(context, &pcscf, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_memory_new(&memory, &err), SIPVEIL_OK);
    ours = list_of(OURS, SIPVEIL_AGREE_CLIENT);
    theirs = list_of(THEIRS, SIPVEIL_AGREE_SERVER);
    sipveil_agree_client_options_default(&client);
    client.profile = SIPVEIL_AGREE_3GPP;
    client.list = ours;
    client.must = true;
    sipveil_agree_server_options_default(&server);
    server.profile = SIPVEIL_AGREE_3GPP;
    server.list = theirs;
    server.memory = memory;
    server.now = 1000;
    association = (sipveil_agree_association){.state = SIPVEIL_AGREE_IDLE};
    return 0;
}

static int end(void **state)
{
    (void)state;
    sipveil_agree_list_free(ours);
    sipveil_agree_list_free(theirs);
    sipveil_memory_free(memory);
    sipveil_worker_free(ue);
    sipveil_worker_free(pcscf);
    sipveil_context_free(context);
    return 0;
}

static void put(message out, sipveil_span octets)
{
    assert_true(octets.len < ROOM);
    memcpy(out, octets.data != NULL ? octets.data : (const uint8_t *)"", octets.len);
    out[octets.len] = '\0';
}

/* One step of the UE; what it would send is left in `out`. */
static void step(sipveil_agree_event_kind kind, const char *received, const char *over, message out)
{
    sipveil_error err;
    sipveil_span saved;
    sipveil_agree_event event = {.kind = kind, .message = sv_span_str(received), .over = over, .now = 1000};
    if (sipveil_agree_client_step(ue, &client, &association, &event, &outcome, &err) != SIPVEIL_OK)
        fail_msg("the UE: %s", err.text);
    put(out, outcome.message);
    assert_int_equal(sipveil_agree_save_association(ue, &outcome.next, &saved, &err), SIPVEIL_OK);
    assert_true(saved.len <= ROOM);
    memcpy(image, saved.data, saved.len);
    assert_int_equal(sipveil_agree_load_association(sv_span(image, saved.len), &association, &err), SIPVEIL_OK);
}

static void check(const char *request, const char *protected_by, message out)
{
    sipveil_error err;
    server.protected_by = protected_by;
    if (sipveil_agree_check_request(pcscf, &server, sv_span_str(request), &verdict, &err) != SIPVEIL_OK)
        fail_msg("the P-CSCF: %s", err.text);
    put(out, verdict.message);
}

/* The first `old` becomes `new`; it has to be there. */
static void change(message m, const char *old, const char *new)
{
    message copy;
    char *at = strstr(m, old);
    if (at == NULL) fail_msg("\"%s\" is not in %s", old, m);
    int n = snprintf(copy, sizeof copy, "%.*s%s%s", (int)(at - m), m, new, at + strlen(old));
    assert_true(n > 0 && n < ROOM);
    put(m, sv_span(copy, (size_t)n));
}

/* In IMS the list rides in the registrar's 401 (D-17). */
static void as_401(message m)
{
    change(m, "SIP/2.0 494 Security Agreement Required", "SIP/2.0 401 Unauthorized");
}

static void as_200(const char *request, message out)
{
    const char *rows = strstr(request, "\r\n");
    int n = snprintf(out, ROOM, "SIP/2.0 200 OK%s", rows);
    assert_true(n > 0 && n < ROOM);
}

static const char REGISTER[] =
    "REGISTER sip:home1.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKr1\r\nMax-Forwards: 70\r\n"
    "From: <sip:user1@home1.example>;tag=1\r\nTo: <sip:user1@home1.example>\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\n"
    "Contact: <sip:user1@192.0.2.1>\r\nContent-Length: 0\r\n\r\n";

/* What somebody does to the four messages; an empty text: nothing. */
typedef struct attack {
    const char *name;
    const char *in_first, *by_first;   /* the unprotected REGISTER */
    const char *in_401, *by_401;
    const char *in_second, *by_second; /* over the associations: he broke them */
    sipveil_agree_failure after_401;   /* how the UE ends there; E_NONE: it goes on */
    const char *chosen;                /* algorithms that it goes on with */
    int status;                        /* what the P-CSCF answers to the second; 0: it lets it pass */
    const char *rule;                  /* why it refuses */
} attack;

static const attack attacks[] = {
    {"nobody there", "", "", "", "", "", "", SIPVEIL_AGREE_E_NONE, GCM, 0, ""},
    {"T-01: the strong entry is cut out", "", "", STRONG ", ", "", "", "", SIPVEIL_AGREE_E_NONE, GMAC, 494, "AGR-12"},
    {"T-02: q values are swapped", "", "", "q=0.3;" GCM ";" PCSCF ", ipsec-3gpp;q=0.1;", "q=0.1;" GCM ";" PCSCF ", ipsec-3gpp;q=0.3;", "",
     "", SIPVEIL_AGREE_E_NONE, GMAC, 494, "AGR-12"},
    {"T-03: an algorithm is lowered", "", "", STRONG, "ipsec-3gpp;q=0.3;" SHA ";" PCSCF, "", "", SIPVEIL_AGREE_E_NONE, SHA, 494, "AGR-12"},
    {"who broke the weak associations repairs what is mirrored", "", "", STRONG ", ", "", "Security-Verify: " WEAK,
     "Security-Verify: " THEIRS, SIPVEIL_AGREE_E_NONE, GMAC, 0, ""},
    {"T-06: Security-Client is emptied", "ipsec-3gpp;" GCM ";" UE ", ipsec-3gpp;" SHA ";" UE ", ipsec-3gpp;" GMAC ";" UE, "x", "", "", "", "",
     SIPVEIL_AGREE_E_NONE, GCM, 494, "AGR-52"},
    {"T-06: Security-Client is reordered", "ipsec-3gpp;" GCM ";" UE ", ipsec-3gpp;" SHA ";" UE, "ipsec-3gpp;" SHA ";" UE ", ipsec-3gpp;" GCM ";" UE,
     "", "", "", "", SIPVEIL_AGREE_E_NONE, GCM, 494, "AGR-52"},
    {"T-07, T-21: Security-Client is padded", "Security-Client: ", "Security-Client: rot13, ", "", "", "", "", SIPVEIL_AGREE_E_NONE, GCM, 494,
     "AGR-52"},
    {"T-21: an algorithm of Security-Client is lowered", GCM, "alg=hmac-md5-96;ealg=null", "", "", "", "", SIPVEIL_AGREE_E_NONE, GCM, 494, "AGR-52"},
    {"T-21: a port of Security-Client is another one", "port-s=5102", "port-s=5103", "", "", "", "", SIPVEIL_AGREE_E_NONE, GCM, 494, "AGR-52"},
    {"T-21: the repeated one is changed", "", "", "", "", "Security-Client: ipsec-3gpp;" GCM, "Security-Client: ipsec-3gpp;" SHA,
     SIPVEIL_AGREE_E_NONE, GCM, 494, "AGR-52"},
    {"T-21: the repeated one is taken away", "", "", "", "", "Security-Client", "X-Security-Client", SIPVEIL_AGREE_E_NONE, GCM, 494, "AGR-52"},
    {"T-08: 401 becomes 421", "", "", "SIP/2.0 401 Unauthorized", "SIP/2.0 421 Extension Required", "", "", SIPVEIL_AGREE_E_NONE, GCM, 0, ""},
    {"T-08: the list is taken out of the 401", "", "", "Security-Server", "X-Security-Server", "", "", SIPVEIL_AGREE_E_NOT_OFFERED, "", 0, ""},
    {"T-09: a forged 200", "", "", "SIP/2.0 401 Unauthorized", "SIP/2.0 200 OK", "", "", SIPVEIL_AGREE_E_NOT_OFFERED, "", 0, ""},
    {"T-11: equal q", "", "", "q=0.3", "q=0.10", "", "", SIPVEIL_AGREE_E_DUP_Q, "", 0, ""},
    {"AGR-53: our own SPIs come back", "", "", PCSCF ", " WEAK, UE, "", "", SIPVEIL_AGREE_E_NO_COMMON, "", 0, ""},
    {"AGR-09: an SPI of no use, the other entry is taken", "", "", "spi-c=2001", "spi-c=201", "", "", SIPVEIL_AGREE_E_NONE, GMAC, 494, "AGR-12"},
    {"AGR-55: algorithms that do not go together", "", "", GCM ";" PCSCF ", " WEAK, "alg=null;ealg=null;" PCSCF, "", "", SIPVEIL_AGREE_E_NO_COMMON,
     "", 0, ""},
    {"AGR-56: a withdrawn algorithm", "", "", GCM ";" PCSCF ", " WEAK, "alg=hmac-md5-96;ealg=null;" PCSCF, "", "", SIPVEIL_AGREE_E_NO_COMMON, "", 0, ""},
    {"T-14: order of parameters, folded", "", "", "", "", "Security-Verify: ipsec-3gpp;q=0.3;" GCM, "Security-Verify:\r\n  ipsec-3gpp;" GCM " ; q=0.300",
     SIPVEIL_AGREE_E_NONE, GCM, 0, ""},
    {"T-15: an extra parameter", "", "", "", "", "Security-Verify: ipsec-3gpp;", "Security-Verify: ipsec-3gpp;x=y;", SIPVEIL_AGREE_E_NONE, GCM, 494,
     "AGR-12"},
    {"T-15: another case", "", "", "", "", "Security-Verify: ipsec-3gpp;", "Security-Verify: IPsec-3GPP;", SIPVEIL_AGREE_E_NONE, GCM, 0, ""},
    {"T-12: a second Via", "", "", "", "", "Via: ", "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKx, ", SIPVEIL_AGREE_E_NONE, GCM, 502, "D-03"},
};

/* AGR-51: REGISTER, 401, REGISTER over the associations, as far as it gets. False: the UE stopped at the 401. */
static bool play(const attack *a, message second, message answer)
{
    message first;
    step(SIPVEIL_AGREE_EVENT_START, REGISTER, NULL, first);
    assert_non_null(strstr(first, "Security-Client: " OURS "\r\n"));
    if (a->in_first[0] != '\0') change(first, a->in_first, a->by_first);
    check(first, NULL, answer);
    assert_int_equal(verdict.status, 494);
    assert_non_null(strstr(answer, "Security-Server: " THEIRS "\r\n")); /* AGR-15: whatever was offered */
    as_401(answer);
    if (a->in_401[0] != '\0') change(answer, a->in_401, a->by_401);
    step(SIPVEIL_AGREE_EVENT_RESPONSE, answer, NULL, second);
    if (association.state == SIPVEIL_AGREE_FAILED) return false;
    assert_int_equal(association.state, SIPVEIL_AGREE_STARTING);
    step(SIPVEIL_AGREE_EVENT_UP, "", NULL, second);
    if (a->in_second[0] != '\0') change(second, a->in_second, a->by_second);
    check(second, "ipsec-3gpp", answer);
    return true;
}

static const char *rule_that_failed(void)
{
    for (size_t i = 0; i < verdict.check_count; i++) {
        if (verdict.checks[i].result == SIPVEIL_CHECK_FAILED) return verdict.checks[i].rule;
    }
    return "";
}

/* The entry that was chosen, from the list as it was received. */
static bool chose(const char *algorithms)
{
    sipveil_span rest = association.server_list;
    size_t at;
    for (uint32_t i = 0; i < association.chosen; i++) {
        assert_true(sv_find_byte(rest, ',', &at));
        rest = sv_span_from(rest, at + 1);
    }
    if (sv_find_byte(rest, ',', &at)) rest.len = at;
    return sv_find(rest, sv_span_str(algorithms), &at);
}

static void attacks_are_noticed(void **state)
{
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        const attack *a = &attacks[i];
        message second, answer;
        if (i > 0) end(state), begin(state);
        bool went_on = play(a, second, answer);
        if (association.failure != a->after_401 || went_on != (a->after_401 == SIPVEIL_AGREE_E_NONE)) {
            fail_msg("%s: %s, %s", a->name, sipveil_agree_failure_name(association.failure), outcome.reason.text);
        }
        if (!went_on) {
            assert_int_equal(outcome.actions, SIPVEIL_AGREE_REPORT | SIPVEIL_AGREE_STOP);
            assert_string_equal(second, "");
            continue;
        }
        if (!chose(a->chosen)) fail_msg("%s: chose %u of %s", a->name, association.chosen, (const char *)association.server_list.data);
        if (verdict.status != a->status || strcmp(a->status != 0 ? rule_that_failed() : "", a->rule) != 0) {
            fail_msg("%s: status %d by %s (%s)", a->name, verdict.status, rule_that_failed(), verdict.reason.text);
        }
        assert_int_equal(verdict.agreed, a->status == 0);
        if (a->status == 0) assert_null(strstr(answer, "Security-"));
    }
}

/* T-01, on from there: the P-CSCF's true list comes over the associations, and the UE goes to the strong entry; never was
 * it ACTIVE on the weak one. */
static void the_true_list_wins(void **state)
{
    (void)state;
    message second, answer, third, ok;
    assert_true(play(&attacks[1], second, answer));
    assert_int_equal(verdict.status, 494);
    step(SIPVEIL_AGREE_EVENT_RESPONSE, answer, NULL, third);
    assert_int_equal(outcome.actions, SIPVEIL_AGREE_IGNORED); /* not over the associations: it may be anybody's */
    step(SIPVEIL_AGREE_EVENT_RESPONSE, answer, "ipsec-3gpp", third);
    assert_int_equal(association.state, SIPVEIL_AGREE_STARTING);
    assert_true(chose(GCM) && outcome.warning_count > 0);
    step(SIPVEIL_AGREE_EVENT_UP, "", NULL, third);
    check(third, "ipsec-3gpp", answer);
    assert_true(verdict.agreed);
    as_200(third, ok);
    step(SIPVEIL_AGREE_EVENT_RESPONSE, ok, "ipsec-3gpp", answer);
    assert_int_equal(association.state, SIPVEIL_AGREE_ACTIVE);
}

/* AGR-50: a list that comes over the associations and would give a weaker pair of algorithms than the ones in use, of
 * the same mechanism, is not followed. */
static void a_weaker_pair_is_not_followed(void **state)
{
    (void)state;
    message second, answer, third;
    assert_true(play(&attacks[0], second, answer));
    change(second, "spi-c=2001", "spi-c=2009"); /* so that a 494 comes */
    check(second, "ipsec-3gpp", answer);
    change(answer, STRONG ", ", "");
    step(SIPVEIL_AGREE_EVENT_RESPONSE, answer, "ipsec-3gpp", third);
    assert_int_equal(association.failure, SIPVEIL_AGREE_E_BID_DOWN);
    assert_string_equal(third, "");
}

/* T-10: the associations do not come up. */
static void no_lower_entry_is_tried(void **state)
{
    (void)state;
    message first, answer, second;
    step(SIPVEIL_AGREE_EVENT_START, REGISTER, NULL, first);
    check(first, NULL, answer);
    as_401(answer);
    step(SIPVEIL_AGREE_EVENT_RESPONSE, answer, NULL, second);
    step(SIPVEIL_AGREE_EVENT_DOWN, "", NULL, second);
    assert_int_equal(association.failure, SIPVEIL_AGREE_E_MECH);
    assert_string_equal(second, "");
}

/* T-19: a P-CSCF that changes its list each time. */
static void restarts_are_bounded(void **state)
{
    (void)state;
    message second, answer;
    int rounds = 0;
    assert_true(play(&attacks[0], second, answer));
    for (; association.state == SIPVEIL_AGREE_CONFIRMING && rounds < 10; rounds++) {
        char q[16];
        message next;
        snprintf(q, sizeof q, "q=0.4%d", rounds);
        change(second, "spi-c=2001", "spi-c=2009");
        check(second, "ipsec-3gpp", answer);
        change(answer, "q=0.3", q);
        step(SIPVEIL_AGREE_EVENT_RESPONSE, answer, "ipsec-3gpp", next);
        if (association.state == SIPVEIL_AGREE_STARTING) step(SIPVEIL_AGREE_EVENT_UP, "", NULL, second);
    }
    assert_int_equal(association.failure, SIPVEIL_AGREE_E_LOOP);
    assert_int_equal(rounds, SIPVEIL_AGREE_RESTARTS_MOST + 1);
}

/* T-21, AGR-52: the first REGISTER is changed, and its true form comes from somebody else, before or after; or there is no
 * memory to compare with. */
static void two_first_registers(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        message first, changed, answer, second;
        association = (sipveil_agree_association){.state = SIPVEIL_AGREE_IDLE};
        sipveil_memory_free(memory);
        assert_int_equal(sipveil_memory_new(&memory, NULL), SIPVEIL_OK);
        server.memory = memory;
        step(SIPVEIL_AGREE_EVENT_START, REGISTER, NULL, first);
        put(changed, sv_span_str(first));
        if (i < 3) change(changed, "port-s=5102", "port-s=5103");
        check(i == 1 ? first : changed, NULL, answer);
        if (i == 2) change(first, "1 REGISTER", "2 REGISTER"); /* as if it were a later one */
        check(i == 1 ? changed : first, NULL, answer);         /* i == 3: the same again, which is a retransmission */
        if (i == 2) change(answer, "2 REGISTER", "1 REGISTER");
        as_401(answer);
        step(SIPVEIL_AGREE_EVENT_RESPONSE, answer, NULL, second);
        step(SIPVEIL_AGREE_EVENT_UP, "", NULL, second);
        check(second, "ipsec-3gpp", answer);
        assert_int_equal(verdict.status, i < 3 ? 494 : 0);
        if (i < 3) assert_string_equal(rule_that_failed(), "AGR-52");
        server.memory = NULL;
        server.protected_by = "ipsec-3gpp";
        assert_int_equal(sipveil_agree_check_request(pcscf, &server, sv_span_str(second), &verdict, NULL), SIPVEIL_USAGE);
        server.memory = memory;
    }
}

/* T-20, T-21: the protected REGISTER of another registration; and one that had no first one. */
static void another_registration(void **state)
{
    (void)state;
    message second, answer;
    assert_true(play(&attacks[0], second, answer));
    assert_true(verdict.agreed);
    change(second, "Call-ID: c1", "Call-ID: c2");
    check(second, "ipsec-3gpp", answer);
    assert_int_equal(verdict.status, 494);
    assert_string_equal(rule_that_failed(), "AGR-52");
}

/* T-22: ACK and CANCEL are never answered. */
static void ack_and_cancel(void **state)
{
    (void)state;
    message m, answer;
    snprintf(m, sizeof m, "ACK sip:bob@home1.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n"
             "From: <sip:user1@home1.example>;tag=1\r\nTo: <sip:bob@home1.example>;tag=2\r\nCall-ID: c1\r\nCSeq: 1 ACK\r\n"
             "Security-Verify: %s\r\nContent-Length: 0\r\n\r\n", WEAK);
    check(m, "ipsec-3gpp", answer);
    assert_true(verdict.action == SIPVEIL_AGREE_PASS && verdict.suspicious);
    change(m, "ACK sip:", "CANCEL sip:");
    change(m, "1 ACK", "1 CANCEL");
    check(m, NULL, answer);
    assert_int_equal(verdict.action, SIPVEIL_AGREE_PASS);
}

/* AGR-57: TLS by agreement in a registration; TLS before the first REGISTER needs none. */
static void tls_in_ims(void **state)
{
    (void)state;
    message first, answer, second, ok;
    sipveil_agree_list_free(ours);
    sipveil_agree_list_free(theirs);
    client.list = ours = list_of("tls, " OURS, SIPVEIL_AGREE_CLIENT);
    server.list = theirs = list_of("tls;q=0.5, " THEIRS, SIPVEIL_AGREE_SERVER);
    step(SIPVEIL_AGREE_EVENT_START, REGISTER, NULL, first);
    check(first, NULL, answer);
    as_401(answer);
    step(SIPVEIL_AGREE_EVENT_RESPONSE, answer, NULL, second);
    assert_true(sv_equal_str(association.mechanism, "tls"));
    step(SIPVEIL_AGREE_EVENT_UP, "", NULL, second);
    check(second, "tls", answer);
    assert_true(verdict.agreed);
    as_200(second, ok);
    step(SIPVEIL_AGREE_EVENT_RESPONSE, ok, "tls", answer);
    assert_int_equal(association.state, SIPVEIL_AGREE_ACTIVE);
    end(state);
    begin(state);
    sipveil_error err;
    sipveil_agree_event event = {.kind = SIPVEIL_AGREE_EVENT_START, .message = sv_span_str(REGISTER), .over_rfc3263_tls = true, .now = 1000};
    assert_int_equal(sipveil_agree_client_step(ue, &client, &association, &event, &outcome, &err), SIPVEIL_OK);
    assert_int_equal(outcome.next.state, SIPVEIL_AGREE_IDLE);
    assert_true(sv_equal_str(outcome.message, REGISTER));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(attacks_are_noticed), CASE(the_true_list_wins), CASE(a_weaker_pair_is_not_followed), CASE(no_lower_entry_is_tried),
        CASE(restarts_are_bounded), CASE(another_registration), CASE(two_first_registers), CASE(ack_and_cancel), CASE(tls_in_ims),
    };
    return cmocka_run_group_tests_name("bidding down in IMS", tests, NULL, NULL);
}
