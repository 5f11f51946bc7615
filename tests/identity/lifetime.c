/* SPDX-License-Identifier: BSD-2-Clause */
/* IDN-60: a binding ends with its dialog, with its certificate, or when it is told to. */
#include "vouched.h"

#define A1 ALICE ";tag=a1"
#define B1 BOB ";tag=b1"
#define B2 BOB ";tag=b2"

static sipveil_identity_verdict of_alice(void)
{
    return by_body("sip:alice@atlanta.example", "atlanta.example");
}

/* Bob's side of a call from Alice; confirmed: its INVITE had its 200. */
static side called(parties *p, bool confirmed)
{
    side bob = begin_side(p);
    sipveil_identity_verdict v = of_alice();
    (void)bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, pkix(&p->alice)), &v);
    (void)observe(p, &bob, response(p, 180, "INVITE", "c1", A1, B1, "", no_body), true);
    if (confirmed) (void)observe(p, &bob, response(p, 200, "INVITE", "c1", A1, B1, "", no_body), true);
    assert_int_equal(count_bound(p, &bob, NULL), 1);
    return bob;
}

/* Alice's side: an UPDATE of each branch in `tags` has bound Bob's certificate. */
static side calling(parties *p, const char *const *callees, size_t count)
{
    side alice = begin_side(p);
    sipveil_identity_verdict v = by_body("sip:bob@biloxi.example", "biloxi.example");
    for (size_t i = 0; i < count; i++) (void)bind(p, &alice, request(p, "UPDATE", "c1", callees[i], A1, pkix(&p->bob)), &v);
    assert_int_equal(count_bound(p, &alice, NULL), count);
    return alice;
}

typedef struct step {
    int status;         /* 0: a request */
    const char *method, *call, *from, *to;
    bool sent;
    int64_t later;      /* seconds after it */
    size_t left;        /* bindings that live then */
} step;

static void take(parties *p, side *s, const step *t)
{
    (void)observe(p, s, t->status == 0 ? request(p, t->method, t->call, t->from, t->to, no_body)
                                       : response(p, t->status, t->method, t->call, t->from, t->to, "", no_body), t->sent);
    p->clock += t->later;
    size_t left = count_bound(p, s, NULL);
    if (left != t->left) fail_msg("%d %s %s: %zu left", t->status, t->method, t->from, left);
}

/* The side that was called, in a confirmed dialog. */
static void confirmed_dialog(void **state)
{
    parties *p = *state;
    static const step rows[] = {
        {200, "BYE", "c1", A1, B1, true, 0, 0},    /* Alice hung up */
        {200, "BYE", "c1", B1, A1, false, 0, 0},   /* Bob hung up */
        {403, "BYE", "c1", A1, B1, true, 0, 0},    /* any final response */
        {0, "BYE", "c1", A1, B1, false, 0, 1},
        {0, "BYE", "c1", A1, B1, false, 32, 1},
        {0, "BYE", "c1", A1, B1, false, 33, 0},    /* no response comes */
        {0, "BYE", "c1", B1, A1, true, 33, 0},
        {481, "INFO", "c1", A1, B1, true, 0, 0},
        {408, "INFO", "c1", B1, A1, false, 0, 0},
        {481, "INVITE", "c1", B1, A1, false, 0, 0},
        {488, "INVITE", "c1", A1, B1, true, 0, 1}, /* a re-INVITE that fails leaves the dialog */
        {500, "INFO", "c1", B1, A1, false, 0, 1},
        {100, "BYE", "c1", A1, B1, true, 0, 1},
        {0, "CANCEL", "c1", A1, BOB, false, 40, 1}, /* too late */
        {0, "INFO", "c1", A1, B1, false, 40, 1},
        {0, "BYE", "c1", A1, B2, false, 40, 1},
        {200, "INVITE", "c1", A1, B2, true, 40, 1}, /* of another fork, and it comes after ours */
        {200, "BYE", "c2", A1, B1, true, 0, 1},    /* another call */
        {200, "BYE", "c1", A1, B2, true, 0, 1},    /* another dialog */
        {200, "BYE", "c1", ALICE ";tag=a2", B1, true, 0, 1},
        {200, "BYE", "c1", B1, A1, true, 0, 1},    /* the tags of the wrong sides */
        {481, "INFO", "c1", A1, B2, true, 0, 1},
        {481, "CANCEL", "c1", A1, B1, true, 0, 1}, /* of no transaction: that says nothing about the dialog */
        {408, "CANCEL", "c1", B1, A1, false, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        side bob = called(p, true);
        take(p, &bob, &rows[i]);
        end_side(&bob);
    }
}

/* The same side before its 2xx. */
static void early_dialog(void **state)
{
    parties *p = *state;
    static const step rows[] = {
        {486, "INVITE", "c1", A1, B1, true, 0, 0},
        {487, "INVITE", "c1", A1, B1, true, 0, 0},
        {302, "INVITE", "c1", A1, B2, true, 0, 0}, /* the INVITE is over, whatever the tag */
        {0, "CANCEL", "c1", A1, BOB, false, 32, 1},
        {0, "CANCEL", "c1", A1, BOB, false, 33, 0},
        {0, "CANCEL", "c1", ALICE ";tag=a2", BOB, false, 40, 1},
        {0, "PRACK", "c1", A1, B1, false, 40, 1},
        {200, "INVITE", "c1", ALICE ";tag=a2", B1, true, 40, 1},
        {486, "INVITE", "c2", A1, B1, true, 0, 1},
        {486, "INVITE", "c1", ALICE ";tag=a2", B1, true, 0, 1},
        {486, "UPDATE", "c1", A1, B1, true, 0, 1},
        {183, "INVITE", "c1", A1, B1, true, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        side bob = called(p, false);
        take(p, &bob, &rows[i]);
        end_side(&bob);
    }
    side bob = called(p, false); /* what succeeds in it confirms nothing but the INVITE */
    take(p, &bob, &(step){200, "UPDATE", "c1", A1, B1, true, 0, 1});
    take(p, &bob, &(step){486, "INVITE", "c1", A1, B1, true, 0, 0});
    end_side(&bob);
}

/* K-4: two branches, each with its own; the one that loses is gone when the time of the INVITE is over. */
static void forked(void **state)
{
    parties *p = *state;
    static const char *const both[] = {B1, B2};
    const sipveil_binding *all;
    side alice = calling(p, both, 2);
    take(p, &alice, &(step){200, "UPDATE", "c1", A1, B2, false, 40, 2}); /* nobody has lost yet */
    take(p, &alice, &(step){200, "INVITE", "c1", A1, B2, false, 32, 2});
    p->clock++;
    assert_int_equal(count_bound(p, &alice, &all), 1);
    assert_string_equal(all->remote_tag, "b2");
    take(p, &alice, &(step){481, "INFO", "c1", A1, B1, false, 0, 1});
    take(p, &alice, &(step){0, "BYE", "c1", A1, B2, true, 33, 0});
    end_side(&alice);

    alice = calling(p, both, 2); /* all branches fail */
    take(p, &alice, &(step){486, "INVITE", "c1", A1, B1, false, 0, 0});
    end_side(&alice);
    alice = calling(p, both, 2); /* we give up */
    take(p, &alice, &(step){0, "CANCEL", "c1", A1, BOB, true, 33, 0});
    end_side(&alice);
}

/* K-5: with its certificate, and the end is told once. */
static void certificate_expires(void **state)
{
    parties *p = *state;
    side bob = begin_side(p);
    sipveil_identity_verdict v = of_alice();
    sipveil_span again = request(p, "INVITE", "c1", A1, B1, pkix(&p->phone));
    (void)bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, pkix(&p->phone)), &v);
    (void)observe(p, &bob, response(p, 200, "INVITE", "c1", A1, B1, "", no_body), true);
    p->clock = NOW + 3590;
    (void)observe(p, &bob, request(p, "BYE", "c1", A1, B1, no_body), false); /* the time of a BYE makes it no longer */
    p->clock = NOW + 3601;
    assert_int_equal(count_bound(p, &bob, NULL), 0);
    assert_code(prove(p, &bob, again, false, &p->phone), SIPVEIL_NO_KEY); /* rekeying is refused ... */
    assert_int_equal(observe(p, &bob, request(p, "INFO", "c1", A1, B1, no_body), false), SIPVEIL_BINDING_EVENT_EXPIRED);
    bob.options.has_at = true;
    bob.options.at = p->clock;
    const sipveil_bound *b = bind(p, &bob, again, &v); /* ... and the same certificate cannot come back ... */
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_EXPIRED);
    assert_int_equal(b->state, SIPVEIL_BINDING_NONE);
    assert_int_equal(observe(p, &bob, again, false), 0);
    b = bind(p, &bob, request(p, "INVITE", "c1", A1, B1, pkix(&p->alice)), &v); /* ... until there is a new binding */
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_BOUND);
    end_side(&bob);
}

/* RFC 4028: the session ends when it is not refreshed; never after the certificate, never after a BYE. */
static void session_timer(void **state)
{
    parties *p = *state;
    const sipveil_binding *all;
    static const char *const rows[] = {"Session-Expires: 600;refresher=uac\r\n", "x: 600\r\n"};
    for (size_t i = 0; i < 2; i++) {
        side bob = called(p, false);
        (void)observe(p, &bob, response(p, 200, "INVITE", "c1", A1, B1, rows[i], no_body), true);
        assert_int_equal(count_bound(p, &bob, &all), 1);
        assert_int_equal(all->until, NOW + 600);
        p->clock = NOW + 500;
        (void)observe(p, &bob, response(p, 200, "INFO", "c1", A1, B1, rows[i], no_body), true);
        assert_int_equal(count_bound(p, &bob, &all), 1);
        assert_int_equal(all->until, NOW + 600); /* INFO refreshes no session */
        (void)observe(p, &bob, response(p, 200, "UPDATE", "c1", A1, B1, rows[i], no_body), true);
        assert_int_equal(count_bound(p, &bob, &all), 1);
        assert_int_equal(all->until, NOW + 1100);
        p->clock = NOW + 1101;
        assert_int_equal(count_bound(p, &bob, NULL), 0);
        end_side(&bob);
    }
    side bob = called(p, false);
    (void)observe(p, &bob, response(p, 200, "INVITE", "c1", A1, B1, "Session-Expires: 4000000000\r\n", no_body), true);
    assert_int_equal(count_bound(p, &bob, &all), 1);
    assert_int_equal(all->until, NOW + 86400); /* the certificate's */
    (void)observe(p, &bob, response(p, 200, "INVITE", "c1", A1, B1, "Session-Expires: 1x\r\n", no_body), true);
    assert_int_equal(count_bound(p, &bob, &all), 1);
    assert_int_equal(all->until, NOW + 86400);
    (void)observe(p, &bob, request(p, "BYE", "c1", A1, B1, no_body), false);
    (void)observe(p, &bob, response(p, 200, "INVITE", "c1", A1, B1, rows[0], no_body), true);
    p->clock = NOW + 33;
    assert_int_equal(count_bound(p, &bob, NULL), 0);
    end_side(&bob);
}

/* A week is the most, however long certificate and session are. */
static void a_week_at_most(void **state)
{
    parties *p = *state;
    const sipveil_binding *all;
    device lasting = make_device(p, NULL, NULL, "sip:alice@atlanta.example", NULL, NOW + 30 * 86400);
    sipveil_identity_verdict v = of_alice();
    side bob = begin_side(p);
    (void)bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, pkix(&lasting)), &v);
    assert_int_equal(count_bound(p, &bob, &all), 1);
    assert_int_equal(all->until, NOW + 7 * 86400);
    p->clock = NOW + 86400;
    (void)observe(p, &bob, response(p, 200, "INVITE", "c1", A1, B1, "Session-Expires: 4000000000\r\n", no_body), true);
    assert_int_equal(count_bound(p, &bob, &all), 1);
    assert_int_equal(all->until, NOW + 8 * 86400);
    end_side(&bob);
    sipveil_keyring_free(lasting.ring);
}

/* A BYE closes the dialog for what is bound in it later, too. */
static void nothing_outlives_a_bye(void **state)
{
    parties *p = *state;
    side bob = called(p, true);
    sipveil_identity_verdict v = of_alice();
    (void)observe(p, &bob, request(p, "BYE", "c1", A1, B1, no_body), false);
    (void)bind(p, &bob, request(p, "INVITE", "c1", A1, B1, pkix(&p->alice_new)), &v);
    assert_int_equal(count_bound(p, &bob, NULL), 2);
    p->clock = NOW + 33;
    assert_int_equal(count_bound(p, &bob, NULL), 0);
    end_side(&bob);
}

/* K-3: a later call starts from nothing. */
static void next_call(void **state)
{
    parties *p = *state;
    side bob = called(p, true);
    assert_int_equal(observe(p, &bob, response(p, 200, "BYE", "c1", A1, B1, "", no_body), true),
                     SIPVEIL_BINDING_EVENT_ENDED);
    const sipveil_bound *b = bind(p, &bob, request(p, "INVITE", "c2", A1, BOB, pkix(&p->alice)), NULL);
    assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_UNBOUND);
    assert_int_equal(count_bound(p, &bob, NULL), 0);
    end_side(&bob);
}

/* Log-off of the user, revocation, a fresh start of the application. */
static void forgotten(void **state)
{
    parties *p = *state;
    sv_certificate_summary s;
    size_t gone;
    assert_code(sv_certificate_summarise(p->context, p->alice.key->cms.certificate, &s, &p->err), SIPVEIL_OK);
    const struct {
        sipveil_binding_filter filter;
        size_t gone;
    } rows[] = {
        {{.local = "sip:bob@biloxi.example"}, 1},      {{.local = "sip:other@biloxi.example"}, 0},
        {{.aor = "sip:carol@atlanta.example"}, 0},     {{.call_id = "c2"}, 0},
        {{.aor = "sip:alice@ATLANTA.example"}, 1},     {{.aor = "sip:alice@atlanta.example", .call_id = "c2"}, 0},
        {{.call_id = "c1"}, 1},                        {{.sha256 = s.sha256}, 1},
        {{.sha256 = s.key_sha256}, 0},                 {{.local = NULL}, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        side bob = called(p, true);
        const sipveil_binding *listed;
        assert_code(sipveil_identity_list_bindings(p->worker, bob.memory, &rows[i].filter, p->clock, &listed, &gone, &p->err), SIPVEIL_OK);
        assert_int_equal(gone, rows[i].gone);
        assert_code(sipveil_identity_forget_bindings(p->worker, bob.memory, &rows[i].filter, &gone, &p->err), SIPVEIL_OK);
        assert_int_equal(gone, rows[i].gone);
        assert_int_equal(count_bound(p, &bob, NULL), 1 - gone);
        end_side(&bob);
    }
    side bob = called(p, true);
    assert_code(sipveil_identity_forget_bindings(p->worker, bob.memory, NULL, NULL, &p->err), SIPVEIL_OK);
    assert_int_equal(count_bound(p, &bob, NULL), 0);
    end_side(&bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confirmed_dialog), cmocka_unit_test(early_dialog), cmocka_unit_test(forked),
        cmocka_unit_test(certificate_expires), cmocka_unit_test(session_timer), cmocka_unit_test(a_week_at_most), cmocka_unit_test(nothing_outlives_a_bye),
        cmocka_unit_test(next_call), cmocka_unit_test(forgotten),
    };
    return cmocka_run_group_tests_name("the life of bindings", tests, parties_setup, parties_teardown);
}
