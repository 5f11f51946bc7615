/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that somebody between client and next hop may try, in every profile that it applies to (T-01 to T-22). */
#include "agree/pair.h"

static const sipveil_agree_profile profiles[] = {SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_DRAFT05, SIPVEIL_AGREE_DRAFT04,
                                                 SIPVEIL_AGREE_3GPP};
enum { PROFILES = sizeof profiles / sizeof *profiles };

#define DIGEST_OF(profile) ((profile) == SIPVEIL_AGREE_DRAFT04 ? "digest-integrity" : "digest")
#define THEIRS(profile)                                                                                  \
    ((profile) == SIPVEIL_AGREE_DRAFT04 ? "tls;q=0.2, digest-integrity;q=0.1;alg=MD5"                     \
                                        : "tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth")
#define OURS(profile) ((profile) == SIPVEIL_AGREE_DRAFT04 ? "tls, digest-integrity" : "tls, digest")
#define ONLY_DIGEST(profile) DIGEST_OF(profile)

/* Offer and refusal: the first 494 is on the way. */
static void until_494(pair *p, world *w, sipveil_agree_profile profile, const char *ours, const char *theirs)
{
    sipveil_memory_free(w->p1.memory);
    assert_int_equal(sipveil_memory_new(&w->p1.memory, NULL), SIPVEIL_OK);
    pair_begin(p, w, profile, ours, theirs);
    pair_start(p, OFFERED_INVITE);
    assert_true(has(p, "\r\nSecurity-Client: ") && has(p, "\r\nRequire: sec-agree\r\n") && has(p, "\r\nProxy-Require: sec-agree\r\n"));
    pair_server(p, NULL, 494);
    assert_int_equal(p->verdict.row, 4);
}

/* An agreement on digest that holds. */
static void until_active_digest(pair *p, world *w, sipveil_agree_profile profile)
{
    until_494(p, w, profile, ONLY_DIGEST(profile), THEIRS(profile));
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    pair_server(p, NULL, 0);
    assert_true(p->verdict.agreed && sv_equal_str(p->verdict.protected_by, DIGEST_OF(profile)));
    pair_success(p);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_ACTIVE);
}

static pair *fresh(void)
{
    static pair p;
    return &p;
}

#define EACH_PROFILE                                                                                     \
    pair *p = fresh();                                                                                   \
    world *w = *state;                                                                                   \
    for (size_t each = 0; each < PROFILES; each++)                                                        \
        for (sipveil_agree_profile profile = profiles[each], once = 1; once; once = 0, pair_end(p))

/* Without anybody between: the best of what both have. */
static void nobody_between(void **state)
{
    EACH_PROFILE
    {
        until_494(p, w, profile, OURS(profile), THEIRS(profile));
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
        assert_true(sv_equal_str(p->a.mechanism, "tls") && (p->outcome.actions & SIPVEIL_AGREE_START_MECHANISM) != 0);
        assert_true(has(p, "\r\nCSeq: 2 INVITE\r\n") && !has(p, "z9hG4bKfirst"));
        pair_client(p, SIPVEIL_AGREE_EVENT_UP, NULL, SIPVEIL_AGREE_CONFIRMING);
        assert_true(has(p, "\r\nSecurity-Verify: tls;q=0.2, d"));
        pair_server(p, "tls", 0);
        assert_true(p->verdict.agreed && p->verdict.row == 12 && !has(p, "Security-") && !has(p, "sec-agree"));
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, "tls", SIPVEIL_AGREE_ACTIVE); /* AGR-20 */
        assert_true((p->outcome.actions & SIPVEIL_AGREE_REPORT) != 0 && (p->outcome.actions & SIPVEIL_AGREE_DELIVER) != 0);
        pair_end(p);
        until_active_digest(p, w, profile);
    }
}

/* What follows on the request that came of a changed list: it is refused, and the true list decides. */
static void after_the_change(pair *p, const char *weak, const char *protected_by)
{
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    assert_true(sv_equal_str(p->a.mechanism, weak));
    pair_server(p, protected_by, 494);
    assert_int_equal(p->verdict.verify, SIPVEIL_AGREE_CHANGED);
    assert_false(p->verdict.agreed);
}

/* T-01, ADV-180: the strong entry is deleted from the first list. */
static void strong_entry_deleted(void **state)
{
    EACH_PROFILE
    {
        until_494(p, w, profile, OURS(profile), THEIRS(profile));
        change(p, "tls;q=0.2, ", "");
        after_the_change(p, DIGEST_OF(profile), NULL);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING); /* tls is stronger: taken, and told */
        assert_true(sv_equal_str(p->a.mechanism, "tls") && p->outcome.warning_count == 1);
        pair_client(p, SIPVEIL_AGREE_EVENT_UP, NULL, SIPVEIL_AGREE_CONFIRMING);
        pair_server(p, "tls", 0);
        pair_end(p);
        /* Deleted every time: never ACTIVE. */
        until_494(p, w, profile, OURS(profile), THEIRS(profile));
        change(p, "tls;q=0.2, ", "");
        after_the_change(p, DIGEST_OF(profile), NULL);
        change(p, "tls;q=0.2, ", "");
        pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_TAMPERED);
    }
}

/* T-01, T-02: by our own order the true list would give something weaker. */
static void preferences_exchanged(void **state)
{
    EACH_PROFILE
    {
        bool draft04 = profile == SIPVEIL_AGREE_DRAFT04;
        until_494(p, w, profile, OURS(profile), THEIRS(profile));
        change(p, "tls;q=0.2", "tls;q=0.1");
        change(p, draft04 ? "digest-integrity;q=0.1" : "digest;q=0.1", draft04 ? "digest-integrity;q=0.2" : "digest;q=0.2");
        after_the_change(p, DIGEST_OF(profile), NULL);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
        pair_end(p);
        until_494(p, w, profile, draft04 ? "digest-integrity, tls" : "digest, tls", THEIRS(profile));
        change(p, "tls;q=0.2", "tls;q=0.1");
        change(p, draft04 ? "digest-integrity;q=0.1" : "digest;q=0.1", draft04 ? "digest-integrity;q=0.2" : "digest;q=0.2");
        after_the_change(p, DIGEST_OF(profile), NULL);
        pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_BID_DOWN);
        pair_end(p); /* our order by q, which is not sent */
        until_494(p, w, profile, draft04 ? "tls;q=0.1, digest-integrity;q=0.2" : "tls;q=0.1, digest;q=0.2", THEIRS(profile));
        change(p, "tls;q=0.2", "tls;q=0.05");
        after_the_change(p, DIGEST_OF(profile), NULL);
        pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_BID_DOWN);
    }
}

/* T-03: the digest fields are lowered or removed. */
static void digest_fields_lowered(void **state)
{
    static const char *const changes[][2] = {{";d-alg=MD5;d-qop=auth", ";d-qop=auth"}, {";d-qop=auth", ""}, {"d-qop=auth-int", "d-qop=auth"}};
    EACH_PROFILE
    {
        if (profile == SIPVEIL_AGREE_DRAFT04) {
            until_494(p, w, profile, "digest-integrity", THEIRS(profile));
            change(p, "digest-integrity;q=0.1;alg=MD5", "digest-integrity;q=0.1");
            after_the_change(p, "digest-integrity", NULL);
            continue;
        }
        for (size_t i = 0; i < 3; i++) {
            if (i > 0) pair_end(p);
            until_494(p, w, profile, "digest", i == 2 ? "tls;q=0.2, digest;q=0.1;d-qop=auth-int" : THEIRS(profile));
            change(p, changes[i][0], changes[i][1]);
            after_the_change(p, "digest", NULL);
        }
    }
}

/* T-04: Security-Verify is repaired on the way; d-ver (draft -04: the list in the body) still tells. */
static void verify_repaired(void **state)
{
    EACH_PROFILE
    {
        bool draft04 = profile == SIPVEIL_AGREE_DRAFT04;
        until_494(p, w, profile, OURS(profile), THEIRS(profile));
        change(p, "tls;q=0.2, ", "");
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        change(p, draft04 ? "Security-Verify: digest-integrity" : "Security-Verify: digest",
               draft04 ? "Security-Verify: tls;q=0.2, digest-integrity" : "Security-Verify: tls;q=0.2, digest");
        pair_server(p, NULL, 494);
        assert_string_equal(p->verdict.reason.rule, draft04 ? "AGR-42" : "AGR-14");
        /* Taken out altogether, it is missed (ADV-181). */
        pair_end(p);
        until_494(p, w, profile, ONLY_DIGEST(profile), THEIRS(profile));
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        drop_row(p, "Security-Verify:");
        pair_server(p, NULL, 494);
    }
}

/* T-05, T-20, D-12: an earlier request again, and its d-ver in a later one. */
static void replayed(void **state)
{
    static text first;
    char dver[64];
    EACH_PROFILE
    {
        until_494(p, w, profile, ONLY_DIGEST(profile), THEIRS(profile));
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        set_text(&first, span_of(&p->message));
        pair_server(p, NULL, 0);
        set_text(&p->message, span_of(&first));
        pair_server(p, NULL, 494);
        assert_true(has(p, "stale=true") && strcmp(p->verdict.reason.rule, "AGR-39") == 0);
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_ACTIVE);
        if (profile == SIPVEIL_AGREE_DRAFT04) continue;
        set_text(&p->message, SV_SPAN("MESSAGE sip:bob@home.example SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK9\r\nMax-Forwards: 70\r\n"
                                      "From: <sip:alice@home.example>;tag=1\r\nTo: <sip:bob@home.example>\r\nCall-ID: c2\r\nCSeq: 7 MESSAGE\r\n"
                                      "Content-Length: 0\r\n\r\n"));
        pair_client(p, SIPVEIL_AGREE_EVENT_REQUEST, NULL, SIPVEIL_AGREE_ACTIVE);
        assert_true(has(p, "nc=00000002"));
        snprintf(dver, sizeof dver, "%.44s", strstr(first.octets, "d-ver="));
        char *at = strstr(p->message.octets, "d-ver=");
        assert_non_null(at);
        memcpy(at, dver, strlen(dver) < 38 ? strlen(dver) : 38);
        pair_server(p, NULL, 494);
        assert_string_equal(p->verdict.reason.rule, "AGR-14");
    }
}

/* T-06, T-07: Security-Client emptied, reordered, padded: the server's list is the same (AGR-15). */
static void client_list_changed(void **state)
{
    static const char *const rows[] = {"Security-Client: ", "Security-Client: digest, digest-integrity, tls", "Security-Client: rot13, tls, digest-integrity, digest, x;y=z",
                                       "Security-Client: tls;;", "Security-Client: digest;q=1, digest-integrity;q=1, tls;q=1"};
    char wanted[256];
    EACH_PROFILE
    {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            if (i > 0) pair_end(p);
            pair_begin(p, w, profile, OURS(profile), THEIRS(profile));
            pair_start(p, OFFERED_INVITE);
            drop_row(p, "Security-Client:");
            char with[256];
            snprintf(with, sizeof with, "Max-Forwards: 70\r\n%s", rows[i]);
            change(p, "Max-Forwards: 70", with);
            pair_server(p, NULL, 494);
            snprintf(wanted, sizeof wanted, "\r\nSecurity-Server: %s\r\nRequire: sec-agree\r\n", THEIRS(profile)); /* AGR-23 */
            assert_true(has(p, wanted) && has(p, "-Authenticate: Digest realm=\"home.example\"")); /* AGR-18, AGR-24 */
            pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
        }
        /* Only tls is left of it: no challenge, so a client of digest alone gives up; it may begin once more. */
        pair_end(p);
        pair_begin(p, w, profile, ONLY_DIGEST(profile), THEIRS(profile));
        pair_start(p, OFFERED_INVITE);
        change(p, profile == SIPVEIL_AGREE_DRAFT04 ? "Security-Client: digest-integrity" : "Security-Client: digest", "Security-Client: tls");
        pair_server(p, NULL, 494);
        assert_false(has(p, "-Authenticate:"));
        pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_ABORTED);
        pair_start(p, OFFERED_INVITE);
        assert_true(p->a.restarts[0] != 0);
    }
}

/* T-08, AGR-11: a 421 with the list is as good; without a list nothing is sent in clear. */
static void refusal_changed(void **state)
{
    EACH_PROFILE
    {
        until_494(p, w, profile, OURS(profile), THEIRS(profile));
        change(p, "SIP/2.0 494 Security Agreement Required", "SIP/2.0 421 Extension Required"); /* D-14 */
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
        pair_end(p);
        for (int i = 0; i < 2; i++) {
            until_494(p, w, profile, OURS(profile), THEIRS(profile));
            if (i == 0) change(p, "SIP/2.0 494", "SIP/2.0 421");
            drop_row(p, "Security-Server:");
            pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_SYNTAX);
            if (i == 0) pair_end(p);
        }
    }
}

/* T-09, D-15: a forged 200 to the offer. */
static void forged_success(void **state)
{
    EACH_PROFILE
    {
        pair_begin(p, w, profile, OURS(profile), THEIRS(profile));
        pair_start(p, OFFERED_INVITE);
        pair_success(p);
        pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_NOT_OFFERED);
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_FAILED);
        assert_int_equal(p->outcome.actions, SIPVEIL_AGREE_IGNORED);
        pair_end(p);
        pair_begin(p, w, profile, OURS(profile), THEIRS(profile));
        p->client.must = false;
        pair_start(p, OFFERED_INVITE);
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_IDLE); /* told, and without protection */
        assert_true((p->outcome.actions & SIPVEIL_AGREE_NO_AGREEMENT) != 0 && p->outcome.warning_count == 1);
    }
}

/* T-10, AGR-43: what is torn down while it starts is not replaced by something weaker. */
static void torn_down(void **state)
{
    EACH_PROFILE
    {
        until_494(p, w, profile, OURS(profile), THEIRS(profile));
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
        pair_failure(p, SIPVEIL_AGREE_EVENT_DOWN, NULL, SIPVEIL_AGREE_E_MECH);
        assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_UP, NULL), SIPVEIL_USAGE);
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_REQUEST, NULL), SIPVEIL_POLICY); /* AGR-50 */
    }
}

/* T-11, ADV-182: crooked preferences, nothing in common, too much: the client stops. */
static void crooked_lists(void **state)
{
    static const struct {
        const char *list;
        sipveil_agree_failure failure;
    } cases[] = {
        {"tls;q=0.5, digest;q=0.50", SIPVEIL_AGREE_E_DUP_Q}, {"tls, digest", SIPVEIL_AGREE_E_DUP_Q},
        {"tls;q=1.5, digest;q=0.1", SIPVEIL_AGREE_E_SYNTAX}, {"tls;q=0.2;q=0.2", SIPVEIL_AGREE_E_SYNTAX}, {"", SIPVEIL_AGREE_E_SYNTAX},
        {"rot13;q=0.9, x", SIPVEIL_AGREE_E_NO_COMMON}, {"sdes-srtp;mediasec", SIPVEIL_AGREE_E_NO_COMMON}, /* AGR-10 */
        {"tls;q=0.2, a, b;q=0, c;q=0.000", SIPVEIL_AGREE_E_DUP_Q},
    };
    EACH_PROFILE
    {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char row[256];
            if (i > 0) pair_end(p);
            until_494(p, w, profile, OURS(profile), THEIRS(profile));
            drop_row(p, "Security-Server:");
            snprintf(row, sizeof row, "Require: sec-agree\r\nSecurity-Server: %s", cases[i].list);
            change(p, "Require: sec-agree", row);
            pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, cases[i].failure);
        }
        pair_end(p); /* AGR-08, AGR-02 */
        until_494(p, w, profile, OURS(profile), THEIRS(profile));
        if (profile != SIPVEIL_AGREE_DRAFT04) {
            change(p, "digest;q=0.1", "digest;d-ver=\"00\";q=0.1");
            pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_SYNTAX);
        } else {
            char many[4500] = "Security-Server: a";
            memset(many + 18, 'a', 4200);
            change(p, "Security-Server: tls", many);
            pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_LIMIT);
        }
    }
}

/* T-12, D-03, AGR-25: more than one Via value. */
static void two_via_values(void **state)
{
    EACH_PROFILE
    {
        bool draft04 = profile == SIPVEIL_AGREE_DRAFT04, draft05 = profile == SIPVEIL_AGREE_DRAFT05;
        pair_begin(p, w, profile, OURS(profile), THEIRS(profile));
        pair_start(p, OFFERED_INVITE);
        change(p, "branch=z9hG4bKfirst", "branch=z9hG4bKfirst, SIP/2.0/UDP b.example;branch=z9hG4bK2");
        pair_server(p, NULL, draft04 || draft05 ? 494 : 502); /* draft -05 counts rows */
        assert_int_equal(has(p, "b.example"), !draft04);
        assert_int_equal(has(p, "Security-Server"), p->verdict.status == 494);
        pair_end(p);
        pair_begin(p, w, profile, OURS(profile), THEIRS(profile));
        pair_start(p, OFFERED_INVITE);
        change(p, "Max-Forwards", "Via: SIP/2.0/UDP b.example;branch=z9hG4bK2\r\nMax-Forwards");
        pair_server(p, NULL, draft04 ? 494 : 502);
        assert_int_equal(has(p, "b.example"), !draft04);
    }
}

/* T-14, T-15 on the wire: another form of the same list is the same, more in it is not. */
static void other_forms(void **state)
{
    static const struct {
        const char *old, *new;
        int status;
    } cases[] = {
        {"tls;q=0.2, ", "TLS ;q=0.200 ,\r\n\t", 0}, {"tls;q=0.2, ", "tls;q=0.2\r\nSecurity-Verify: ", 0},
        {"tls;q=0.2, ", "tls;q=0.2;x, ", 494}, {"tls;q=0.2, ", "tls;q=0.2, x, ", 494}, {"tls;q=0.2, ", "tls;q=0.2, , ", 494},
    };
    EACH_PROFILE
    {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            if (i > 0) pair_end(p);
            until_494(p, w, profile, OURS(profile), THEIRS(profile));
            pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
            pair_client(p, SIPVEIL_AGREE_EVENT_UP, NULL, SIPVEIL_AGREE_CONFIRMING);
            change(p, cases[i].old, cases[i].new);
            pair_server(p, "tls", cases[i].status);
        }
    }
}

/* T-16, AGR-29 to 31: what goes on. */
static void what_goes_on(void **state)
{
    EACH_PROFILE
    {
        until_494(p, w, profile, OURS(profile), THEIRS(profile));
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
        pair_client(p, SIPVEIL_AGREE_EVENT_UP, NULL, SIPVEIL_AGREE_CONFIRMING);
        change(p, "\r\nRequire: sec-agree", "\r\nRequire: sec-agree, 100rel\r\nSupported: sec-agree, timer\r\nSecurity-Client: tls");
        pair_server(p, "tls", 0);
        assert_true(has(p, "\r\nRequire: 100rel\r\n") && has(p, "\r\nSupported: sec-agree, timer\r\n") && !has(p, "Security-") &&
                    !has(p, "Proxy-Require"));
        assert_true(has(p, "\r\n\r\nv=0\r\n"));
    }
}

/* T-19, AGR-21: a next hop that never agrees. */
static void never_agrees(void **state)
{
    static const char *const lists[] = {"tls;q=0.2, digest;q=0.1", "tls;q=0.3, digest;q=0.1"};
    EACH_PROFILE
    {
        size_t tries = 0;
        pair_begin(p, w, profile, "tls", "tls;q=0.2");
        pair_start(p, OFFERED_INVITE);
        while (p->a.state != SIPVEIL_AGREE_FAILED) {
            char row[128];
            assert_true(++tries < 10);
            pair_success(p);
            change(p, "SIP/2.0 200 OK", "SIP/2.0 494 Security Agreement Required");
            snprintf(row, sizeof row, "Security-Server: %s\r\nContent-Length: 0", lists[tries % 2]);
            change(p, "Content-Length: 0", row);
            PAIR_OK(pair_try(p, SIPVEIL_AGREE_EVENT_RESPONSE, p->a.state == SIPVEIL_AGREE_OFFERED ? NULL : "tls"));
            if (p->a.state == SIPVEIL_AGREE_STARTING) pair_client(p, SIPVEIL_AGREE_EVENT_UP, NULL, SIPVEIL_AGREE_CONFIRMING);
        }
        assert_int_equal(p->a.failure, SIPVEIL_AGREE_E_LOOP);
        assert_int_equal(tries, 5); /* the first one, three restarts, and the one too many */
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        pair_failure(p, SIPVEIL_AGREE_EVENT_START, NULL, SIPVEIL_AGREE_E_LOOP);
        p->server.now += 601;
        pair_start(p, OFFERED_INVITE);
    }
}

/* T-22, AGR-11: an ACK with an altered list, a CANCEL without one. */
static void ack_and_cancel(void **state)
{
    EACH_PROFILE
    {
        until_active_digest(p, w, profile);
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        change(p, "INVITE sip", "ACK sip");
        change(p, "1 INVITE", "2 ACK");
        pair_client(p, SIPVEIL_AGREE_EVENT_REQUEST, NULL, SIPVEIL_AGREE_ACTIVE);
        assert_true(has(p, "\r\nSecurity-Verify: tls;q=0.2") && has(p, "\r\nRequire: sec-agree\r\n") && has(p, "\r\nProxy-Require: sec-agree\r\n"));
        pair_server(p, NULL, 0);
        assert_true(p->verdict.action == SIPVEIL_AGREE_PASS && !p->verdict.suspicious && !has(p, "Security-"));
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        change(p, "INVITE sip", "ACK sip");
        change(p, "1 INVITE", "2 ACK\r\nSecurity-Verify: digest");
        pair_server(p, NULL, 0);
        assert_true(p->verdict.action == SIPVEIL_AGREE_PASS && p->verdict.suspicious && p->verdict.row == 1);
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        change(p, "INVITE sip", "CANCEL sip");
        change(p, "1 INVITE", "2 CANCEL");
        pair_client(p, SIPVEIL_AGREE_EVENT_REQUEST, NULL, SIPVEIL_AGREE_ACTIVE);
        assert_true(!has(p, "Security-") && !has(p, "sec-agree"));
        pair_server(p, NULL, 0);
        assert_true(p->verdict.action == SIPVEIL_AGREE_PASS && !p->verdict.suspicious);
    }
}

/* ADV-183: an old 494, or one of another call, means nothing; and what comes outside the protection is an attack. */
static void not_our_answer(void **state)
{
    static text old;
    EACH_PROFILE
    {
        until_494(p, w, profile, OURS(profile), THEIRS(profile));
        set_text(&old, span_of(&p->message));
        change(p, "Call-ID: c1", "Call-ID: c9");
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_OFFERED);
        assert_true((p->outcome.actions & SIPVEIL_AGREE_IGNORED) != 0 && p->a.ignored == 1);
        static const char *const changes[][2] = {{"z9hG4bKfirst", "z9hG4bKother"}, {"CSeq: 1 INVITE", "CSeq: 2 INVITE"},
                                                 {"CSeq: 1 INVITE", "CSeq: 1 MESSAGE"}, {"tag=a1", "tag=a2"}};
        for (size_t i = 0; i < 4; i++) {
            set_text(&p->message, span_of(&old));
            change(p, changes[i][0], changes[i][1]);
            pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_OFFERED);
            assert_int_equal(p->a.ignored, 2 + i);
        }
        set_text(&p->message, span_of(&old));
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING); /* AGR-50: tls is not up: nobody was asked */
        assert_int_equal(p->a.ignored, 6);
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, "digest", SIPVEIL_AGREE_STARTING); /* nor is it by what comes over another one */
        assert_int_equal(p->a.ignored, 7);
        pair_client(p, SIPVEIL_AGREE_EVENT_UP, NULL, SIPVEIL_AGREE_CONFIRMING);
        set_text(&p->message, span_of(&old));
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING); /* the old one again */
        assert_int_equal(p->a.ignored, 8);
        pair_success(p);
        change(p, "SIP/2.0 200 OK", "SIP/2.0 494 Security Agreement Required\r\nSecurity-Server: digest");
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING); /* outside of tls */
        assert_int_equal(p->a.ignored, 9);
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, "digest", SIPVEIL_AGREE_CONFIRMING);
        assert_int_equal(p->a.ignored, 10);
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, "TLS", SIPVEIL_AGREE_ACTIVE);
        change(p, "c1@home", "c7@home"); /* of another call: over tls it is the application's, elsewhere it is forged */
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, "tls", SIPVEIL_AGREE_ACTIVE);
        assert_true(p->outcome.actions == SIPVEIL_AGREE_DELIVER && p->a.ignored == 10);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_ACTIVE);
        assert_true(p->outcome.actions == SIPVEIL_AGREE_IGNORED && p->a.ignored == 11);
    }
}

/* AGR-12, AGR-39: only a nonce that ran out is no attack: of our realm, and another one than ours. */
static void staleness_forged(void **state)
{
    world *w = *state;
    for (int how = 0; how < 5; how++) {
        pair *p = fresh();
        char nonce[2][256];
        until_494(p, w, SIPVEIL_AGREE_RFC3329, "digest", THEIRS(SIPVEIL_AGREE_RFC3329));
        assert_int_equal(sscanf(strstr(p->message.octets, ", nonce=\""), ", nonce=\"%255[^\"]", nonce[0]), 1);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        p->server.now += 400;
        pair_server(p, NULL, 494);
        assert_int_equal(sscanf(strstr(p->message.octets, ", nonce=\""), ", nonce=\"%255[^\"]", nonce[1]), 1);
        if (how == 1) change(p, nonce[1], nonce[0]);
        if (how == 2) change(p, "realm=\"home.example\"", "realm=\"away.example\"");
        if (how == 3) change(p, "stale=true", "stale=false");
        if (how == 4) change(p, "realm=\"home.example\"", "realm=\"home.examplee\"");
        if (how == 0) pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        else pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_TAMPERED);
        pair_end(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_between), cmocka_unit_test(strong_entry_deleted), cmocka_unit_test(preferences_exchanged),
        cmocka_unit_test(digest_fields_lowered), cmocka_unit_test(verify_repaired), cmocka_unit_test(replayed),
        cmocka_unit_test(client_list_changed), cmocka_unit_test(refusal_changed), cmocka_unit_test(forged_success),
        cmocka_unit_test(torn_down), cmocka_unit_test(crooked_lists), cmocka_unit_test(two_via_values), cmocka_unit_test(other_forms),
        cmocka_unit_test(what_goes_on), cmocka_unit_test(never_agrees), cmocka_unit_test(ack_and_cancel), cmocka_unit_test(not_our_answer), cmocka_unit_test(staleness_forged),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
