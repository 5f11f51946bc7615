/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding as the caller meets it: whose certificate, of which dialog, how well assured (IDN-57, 59, 62, 65, 66). */
#include "vouched.h"

#define A1 ALICE ";tag=a1"
#define B1 BOB ";tag=b1"

/* IDN-66, R-2: a response is never vouched for, whatever it carries and whatever is said of it. */
static void responses_never_bind(void **state)
{
    parties *p = *state;
    static const int statuses[] = {180, 183, 200};
    for (size_t i = 0; i < 3; i++) {
        side alice = begin_side(p);
        sipveil_identity_verdict v = by_body("sip:bob@biloxi.example", "biloxi.example");
        sipveil_span m = response(p, statuses[i], "INVITE", "c1", A1, B1, "", with(p, &p->bob));
        const sipveil_bound *b = bind(p, &alice, m, &v);
        assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_UNBOUND);
        assert_int_equal(b->state, SIPVEIL_BINDING_NONE);
        assert_int_equal(count_bound(p, &alice, NULL), 0);
        b = bind(p, &alice, response(p, statuses[i], "INVITE", "c1", A1, B1, "", no_body), NULL);
        assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_NONE);
        end_side(&alice);
    }
}

/* Nor do an ACK and a CANCEL, which nobody judges (IDN-47). */
static void requests_that_never_bind(void **state)
{
    parties *p = *state;
    static const char *const methods[] = {"ACK", "CANCEL"};
    for (size_t i = 0; i < 2; i++) {
        side bob = begin_side(p);
        sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
        const sipveil_bound *b = bind(p, &bob, request(p, methods[i], "c1", A1, B1, with(p, &p->alice)), &v);
        assert_true(b->assurance == SIPVEIL_ASSURANCE_UNBOUND && b->state == SIPVEIL_BINDING_NONE);
        assert_int_equal(count_bound(p, &bob, NULL), 0);
        end_side(&bob);
    }
}

/* IDN-60: which requests come in a dialog whose INVITE had its 2xx, so that no failed INVITE ends what they bind. */
static void confirmed_by_its_method(void **state)
{
    parties *p = *state;
    static const struct {
        const char *method;
        size_t left;
    } rows[] = {{"INVITE", 1}, {"INFO", 1}, {"UPDATE", 0}, {"PRACK", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        side bob = begin_side(p);
        sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
        (void)bind(p, &bob, request(p, rows[i].method, "c1", A1, B1, with(p, &p->alice)), &v);
        assert_int_equal(count_bound(p, &bob, NULL), 1);
        (void)observe(p, &bob, response(p, 488, "INVITE", "c1", A1, B1, "", no_body), true);
        assert_int_equal(count_bound(p, &bob, NULL), rows[i].left);
        end_side(&bob);
    }
}

/* Who vouches for a number does not vouch for the host that stands beside it. */
static void numbers(void **state)
{
    parties *p = *state;
    side bob = begin_side(p);
    sipveil_identity_verdict v = by_mky(p, "12155551212", "", &p->alice);
    v.is_number = true;
    const sipveil_bound *b = bind(p, &bob, request(p, "INVITE", "c1", "<sip:+12155551212@any.example;user=phone>;tag=a1", BOB,
                                                   with(p, &p->alice)), &v);
    assert_string_equal(b->aor, "tel:+12155551212");
    end_side(&bob);
}

/* IDN-33, IDN-57: who vouches for P-Asserted-Identity does not vouch for another From. */
static void asserted(void **state)
{
    parties *p = *state;
    side bob = begin_side(p);
    sipveil_identity_verdict v = by_mky(p, "sip:mallory@evil.example", "evil.example", &p->phone);
    v.asserted = true;
    const sipveil_bound *b = bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, with(p, &p->phone)), &v);
    assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_UNBOUND);
    assert_int_equal(count_bound(p, &bob, NULL), 0);
    end_side(&bob);
}

/* IDN-65: a chain is another thing than a binding, and never becomes one. */
static void assurance(void **state)
{
    parties *p = *state;
    sipveil_keyring *trust;
    device own = make_device(p, p->corporate, p->corporate_key, "sip:alice@atlanta.example", NULL, NOW + 60);
    assert_code(sipveil_keyring_new(p->context, &trust, &p->err), SIPVEIL_OK);
    assert_code(sipveil_keyring_add_anchor_octets(trust, sv_span_str(p->corporate), "the CA", &p->err), SIPVEIL_OK);
    side bob = begin_side(p);
    bob.options.trust = trust;
    const sipveil_bound *b = bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, with(p, &own)), NULL);
    assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_CHAIN);
    assert_int_equal(b->state, SIPVEIL_BINDING_NONE);
    b = bind(p, &bob, request(p, "INVITE", "c2", A1, BOB, with(p, &p->phone)), NULL); /* the chain alone, another name */
    assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_UNBOUND);
    b = bind(p, &bob, request(p, "INVITE", "c3", CAROL ";tag=a1", BOB, with(p, &own)), NULL);
    assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_UNBOUND);
    b = bind(p, &bob, request(p, "INVITE", "c3", "<sip:gw.example>;tag=a1", BOB, with(p, &own)), NULL);
    assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_UNBOUND);
    bob.options.required = true;
    b = bind(p, &bob, request(p, "INVITE", "c4", A1, BOB, no_body), NULL);
    assert_true(b->assurance == SIPVEIL_ASSURANCE_NONE && b->status == 0); /* it brings none, so that none is missing */
    sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
    for (int i = 0; i < 2; i++) { /* bound, and said again: the chain says more */
        b = bind(p, &bob, request(p, "INVITE", "c5", A1, BOB, with(p, &own)), &v);
        assert_true(b->assurance == SIPVEIL_ASSURANCE_CHAIN && b->state == SIPVEIL_BINDING_CLAIMED);
    }
    end_side(&bob);
    sipveil_keyring_free(trust);
    sipveil_keyring_free(own.ring);
}

/* bound all the same, and told that it is somebody else. */
static void other_party(void **state)
{
    parties *p = *state;
    side alice = begin_side(p);
    const sipveil_identity_verdict carol = by_body("sip:carol@chicago.example", "chicago.example");
    alice.options.expected = "sip:bob@biloxi.example";
    const sipveil_bound *b = bind(p, &alice, request(p, "UPDATE", "c1", CAROL ";tag=c1", A1, with(p, &p->phone)), &carol);
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_BOUND | SIPVEIL_BINDING_EVENT_OTHER_PARTY);
    assert_string_equal(b->aor, "sip:carol@chicago.example");
    alice.options.expected = "sip:carol@Chicago.example";
    b = bind(p, &alice, request(p, "UPDATE", "c2", CAROL ";tag=c1", A1, with(p, &p->phone)), &carol);
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_BOUND);
    end_side(&alice);
}

/* IDN-59: what is of no dialog would be bound for nothing, and nobody would ever see its end. */
static void of_no_dialog(void **state)
{
    parties *p = *state;
    static const char *const methods[] = {"MESSAGE", "OPTIONS", "REGISTER", "PUBLISH", "SUBSCRIBE"};
    const sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        side bob = begin_side(p);
        const sipveil_bound *b = bind(p, &bob, request(p, methods[i], "c1", A1, BOB, with(p, &p->alice)), &v);
        assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_UNBOUND);
        assert_int_equal(count_bound(p, &bob, NULL), 0);
        b = bind(p, &bob, request(p, methods[i], "c1", A1, B1, with(p, &p->alice)), &v);
        assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_SESSION);
        end_side(&bob);
    }
}

static void usage(void **state)
{
    parties *p = *state;
    side bob = begin_side(p);
    sipveil_bound out;
    sipveil_identity_bind_options none = bob.options;
    none.memory = NULL;
    sipveil_span m = request(p, "INVITE", "c1", A1, BOB, no_body);
    assert_code(sipveil_identity_bind_certificate(p->worker, &none, m, NULL, &out, &p->err), SIPVEIL_USAGE);
    none = bob.options;
    none.size = 1;
    assert_code(sipveil_identity_bind_certificate(p->worker, &none, m, NULL, &out, &p->err), SIPVEIL_USAGE);
    assert_code(sipveil_identity_bind_certificate(p->worker, &bob.options, m, NULL, NULL, &p->err), SIPVEIL_USAGE);
    assert_code(sipveil_identity_bind_certificate(p->worker, &bob.options, SV_SPAN("x"), NULL, &out, &p->err),
                SIPVEIL_MALFORMED);
    assert_null(out.aor);
    sipveil_span nameless = request(p, "INVITE", "c1", "<sip:gw.example>;tag=1", BOB, with(p, &p->alice));
    sipveil_identity_verdict v = by_body("", "atlanta.example");
    assert_int_equal(bind(p, &bob, nameless, &v)->assurance, SIPVEIL_ASSURANCE_UNBOUND);
    sipveil_span tagless = request(p, "INVITE", "c1", ALICE, BOB, with(p, &p->alice));
    v = by_body("sip:alice@atlanta.example", "atlanta.example");
    assert_int_equal(bind(p, &bob, tagless, &v)->assurance, SIPVEIL_ASSURANCE_UNBOUND);
    bob.options.expected = "nobody";
    assert_code(sipveil_identity_bind_certificate(p->worker, &bob.options, tagless, &v, &out, &p->err), SIPVEIL_MALFORMED);
    assert_int_equal(count_bound(p, &bob, NULL), 0);
    assert_string_equal(sipveil_binding_event_name(SIPVEIL_BINDING_EVENT_KEY_CHANGED), "key-changed");
    assert_string_equal(sipveil_binding_event_name(SIPVEIL_BINDING_EVENT_PROVEN), "proven");
    assert_null(sipveil_binding_event_name(3));
    end_side(&bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_never_bind), cmocka_unit_test(requests_that_never_bind), cmocka_unit_test(confirmed_by_its_method),
        cmocka_unit_test(numbers), cmocka_unit_test(asserted), cmocka_unit_test(assurance),
        cmocka_unit_test(other_party), cmocka_unit_test(of_no_dialog), cmocka_unit_test(usage),
    };
    return cmocka_run_group_tests_name("certificates bound, as the caller meets it", tests, parties_setup, parties_teardown);
}
