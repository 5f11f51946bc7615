/* SPDX-License-Identifier: BSD-2-Clause */
/* What was seen before, certificates kept by URI, the response, the report. */
#include "world.h"

#include <jansson.h>

/* IDN-41: a second copy is refused, forks and other hosts are not. */
static void replay_of_a_passport(void **state)
{
    world *w = begin(state);
    w->verify.memory = w->memory;
    sipveil_span message = sign(w, INVITE);
    assert_valid(w, message);
    assert_status(w, message, 438, "IDN-41");
    assert_valid(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK2")); /* a branch of a fork */
    assert_status(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK2"), 438, "IDN-41");
    assert_status(w, edited(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK3"), "Call-ID: c1", "Call-ID: c2"), 438, "IDN-41");
    assert_status(w, edited(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK3"), ";tag=1", ";tag=2"), 438, "IDN-41");
    assert_valid(w, edited(w, message, "INVITE sip:bob@biloxi.example.com", "INVITE sip:bob@192.0.2.7")); /* another host */
    assert_status(w, edited(w, message, "INVITE sip:bob@biloxi.example.com", "INVITE sip:bob@BILOXI.example.com"), 438, "IDN-41");
    for (int i = 3; i <= 16; i++) { /* 16 branches, and no more */
        char branch[64];
        snprintf(branch, sizeof branch, "branch=z9hG4bK%d", i);
        assert_valid(w, edited(w, message, "branch=z9hG4bK1", branch));
    }
    assert_status(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK17"), 438, "IDN-41");
    /* a failed copy is not remembered; a stale one is stale (F-5) */
    sipveil_span other = sign(w, INVITE);
    w->clock = NOW + 61;
    assert_status(w, other, 403, "IDN-36");
    w->clock = NOW;
    assert_valid(w, other);
    /* remembered for twice the window */
    w->verify.freshness = 300;
    sipveil_span third = sign(w, INVITE);
    assert_valid(w, third);
    w->clock = NOW + 299;
    assert_status(w, third, 438, "IDN-41");
}

/* IDN-18 */
static void replay_of_rfc4474(void **state)
{
    world *w = begin(state);
    use_old(w);
    w->verify.memory = w->memory;
    sipveil_span message = sign(w, INVITE);
    assert_valid(w, message);
    assert_status(w, message, 438, "IDN-18");
    assert_status(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK2"), 438, "IDN-18");
    w->sign.has_at = true;
    w->sign.at = NOW + 1;
    const char *next = START "Via: SIP/2.0/TLS c.atlanta.example.com;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: " ALICE "\r\nTo: " BOB
                       "\r\nCall-ID: c1@atlanta.example.com\r\nCSeq: 2 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\n\r\n";
    assert_valid(w, sign(w, next)); /* the next request of the same dialog */
    w->clock = NOW + 3601;
    assert_status(w, message, 438, "IDN-17"); /* F-5: after the window, too */
}

/* IDN-44: one fetch for many messages; kept as long as the chain is valid, dropped on request. */
static void kept_by_uri(void **state)
{
    world *w = begin(state);
    sipveil_identity_cache *cache;
    assert_code(sipveil_identity_cache_new(w->trust, 1, &cache, &w->err), SIPVEIL_OK);
    w->verify.cache = cache;
    w->verify.trust = NULL;
    sipveil_span message = sign(w, INVITE);
    for (int i = 0; i < 3; i++) assert_valid(w, message);
    assert_int_equal(w->fetched, 1);
    w->verify.allow_weak = SIPVEIL_WEAK_RSA1024; /* accepted under other rules: asked again */
    assert_valid(w, message);
    assert_int_equal(w->fetched, 2);
    sipveil_identity_cache_drop(cache, INFO);
    sipveil_identity_cache_drop(cache, "https://never.example/");
    assert_valid(w, message);
    assert_int_equal(w->fetched, 3);
    /* there is room for one: another service takes its place */
    w->sign.key = w->biloxi.key;
    w->sign.info = OTHER_INFO;
    sipveil_span other = sign(w, START ROWS("<sip:bob@biloxi.example.com>;tag=1", BOB) DATE BODY(SDP));
    assert_valid(w, other);
    assert_valid(w, message);
    assert_int_equal(w->fetched, 5);
    w->clock = NOW + 86400 + 1; /* past the certificate */
    assert_status(w, message, 437, "ADV-119");
    assert_int_equal(w->fetched, 6);
    sipveil_identity_cache_free(cache);
    sipveil_identity_cache_free(NULL);
    assert_code(sipveil_identity_cache_new(NULL, 0, &cache, &w->err), SIPVEIL_USAGE);
}

/* Section 4: status lines; never to an ACK or a response (IDN-47). */
static void answers(void **state)
{
    static const struct {
        int status;
        const char *phrase, *line;
    } rows[] = {{428, NULL, "SIP/2.0 428 Use Identity Header\r\n"}, {428, "Use Supported PASSporT Format", "SIP/2.0 428 Use Supported PASSporT Format\r\n"},
                {436, NULL, "SIP/2.0 436 Bad Identity Info\r\n"},   {436, "Bad Identity-Info", "SIP/2.0 436 Bad Identity-Info\r\n"},
                {437, NULL, "SIP/2.0 437 Unsupported Credential\r\n"}, {438, NULL, "SIP/2.0 438 Invalid Identity Header\r\n"},
                {403, NULL, "SIP/2.0 403 Stale Date\r\n"}};
    world *w = begin(state);
    sipveil_span response;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_code(sipveil_identity_answer(w->verifier, SV_SPAN(INVITE), rows[i].status, rows[i].phrase, &response, &w->err), SIPVEIL_OK);
        assert_true(response.len > strlen(rows[i].line) && sv_equal(sv_span(response.data, strlen(rows[i].line)), sv_span_str(rows[i].line)));
    }
    assert_code(sipveil_identity_answer(w->verifier, SV_SPAN(INVITE), 200, NULL, &response, &w->err), SIPVEIL_USAGE);
    assert_code(sipveil_identity_answer(w->verifier, SV_SPAN(INVITE), 438, "a\r\nb", &response, &w->err), SIPVEIL_USAGE);
    const char *ack = "ACK sip:bob@b SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: " ALICE "\r\nTo: " BOB
                      "\r\nCall-ID: c\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\n\r\n";
    assert_code(sipveil_identity_answer(w->verifier, sv_span_str(ack), 438, NULL, &response, &w->err), SIPVEIL_USAGE);
    assert_int_equal(response.len, 0);
    /* RFC 4474 has words of its own */
    use_old(w);
    sipveil_span message = sign(w, INVITE);
    w->verify.fetch = NULL;
    assert_status(w, message, 436, "IDN-05");
    assert_string_equal(w->verdict.phrase, "Bad Identity-Info");
}

static void reports(void **state)
{
    world *w = begin(state);
    sipveil_span json;
    for (int i = 0; i < 3; i++) {
        static const char *const verdicts[] = {"valid", "refused", "none"};
        sipveil_span message = i == 2 ? SV_SPAN(INVITE) : sign(w, INVITE);
        (void)verify(w, i == 1 ? edited(w, message, "To: <sip:bob", "To: <sip:carol") : message);
        assert_code(sipveil_identity_report_json(w->verifier, &w->verdict, &json, &w->err), SIPVEIL_OK);
        json_t *report = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(report);
        assert_string_equal(json_string_value(json_object_get(report, "verdict")), verdicts[i]);
        assert_true(json_is_array(json_object_get(report, "checks")) && json_is_array(json_object_get(report, "fields")));
        assert_int_equal(json_integer_value(json_object_get(report, "status")), i == 1 ? 438 : 0);
        json_decref(report);
    }
    assert_code(sipveil_identity_report_json(NULL, &w->verdict, &json, &w->err), SIPVEIL_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(replay_of_a_passport), cmocka_unit_test(replay_of_rfc4474),
                                       cmocka_unit_test(kept_by_uri), cmocka_unit_test(answers), cmocka_unit_test(reports)};
    return cmocka_run_group_tests_name("seen before, kept, answered", tests, world_setup, world_teardown);
}
