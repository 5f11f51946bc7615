/* SPDX-License-Identifier: BSD-2-Clause */
/* When a certificate is bound to a sender, what is kept of it, and what changes it (IDN-57 to 62, 65, 66). */
#include "identity/binding.h"
#include "tunnel/memory.h"
#include "vouched.h"

#define A1 ALICE ";tag=a1"
#define B1 BOB ";tag=b1"

/* ---- IDN-57 ---- */

static void both_paths_bind(void **state)
{
    parties *p = *state;
    const device *const devices[] = {&p->alice, &p->phone}; /* F-1; F-7: neither chain nor name is asked for */
    for (size_t i = 0; i < 4; i++) {
        const device *d = devices[i / 2];
        side bob = begin_side(p);
        sipveil_identity_verdict v = i % 2 ? by_mky(p, "sip:alice@atlanta.example", "atlanta.example", d)
                                           : by_body("sip:alice@atlanta.example", "atlanta.example");
        const sipveil_bound *b = bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, with(p, d)), &v);
        assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_SESSION);
        assert_int_equal(b->state, SIPVEIL_BINDING_CLAIMED);
        assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_BOUND);
        assert_string_equal(b->aor, "sip:alice@atlanta.example");
        assert_string_equal(b->carrier, "pkix-cert");
        assert_true(b->status == 0 && sv_equal(b->certificate, d->der));
        end_side(&bob);
    }
}

/* F-2, F-3, F-6, F-8, too weak: what is not vouched for is not bound, and refused only where that is asked for. */
static void what_is_not_bound(void **state)
{
    parties *p = *state;
    enum { NONE, BODY, MKY_OF_IT, MKY_OF_OTHER, MKY_EMPTY, WEAK, SHA_512 };
    content two = mixed(p, (content[]){pkix(&p->alice), pkix(&p->phone)}, 2);
    content bad = mixed(p, (content[]){sdp_of(p, ""), {"application/pkix-cert", SV_SPAN("x")}}, 2);
    content mikey = sdp_of(p, "a=key-mgmt:mikey TUlLRVk=\r\n"), good = with(p, &p->alice);
    const struct {
        int verdict;
        content body;
        unsigned events;
        int status; /* where it is required */
    } rows[] = {
        {NONE, good, 0, 437},
        {MKY_EMPTY, good, SIPVEIL_BINDING_EVENT_NOT_COVERED, 437},
        {MKY_OF_OTHER, good, SIPVEIL_BINDING_EVENT_NOT_COVERED, 437},
        {WEAK, good, SIPVEIL_BINDING_EVENT_NOT_COVERED, 437},
        {SHA_512, good, SIPVEIL_BINDING_EVENT_NOT_COVERED, 437}, /* the same digits under another name */
        {BODY, two, SIPVEIL_BINDING_EVENT_UNCLEAR, 437},
        {MKY_OF_IT, two, SIPVEIL_BINDING_EVENT_UNCLEAR, 437},
        {BODY, bad, SIPVEIL_BINDING_EVENT_UNREADABLE, 400},
        {BODY, mikey, SIPVEIL_BINDING_EVENT_UNREADABLE, 437},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        side bob = begin_side(p);
        int kind = rows[i / 2].verdict;
        bob.options.required = i % 2 == 1;
        sipveil_identity_verdict v = kind != BODY && kind != WEAK && kind != NONE
                                         ? by_mky(p, "sip:alice@atlanta.example", "atlanta.example",
                                                  kind == MKY_EMPTY ? NULL : kind == MKY_OF_OTHER ? &p->bob : &p->alice)
                                         : by_body("sip:alice@atlanta.example", "atlanta.example");
        v.weak = kind == WEAK;
        if (kind == SHA_512) ((sipveil_identity_fingerprint *)(uintptr_t)v.fingerprints)[1].algorithm = SV_SPAN("sha-512");
        const sipveil_bound *b = bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, rows[i / 2].body), kind == NONE ? NULL : &v);
        assert_int_equal(b->events, rows[i / 2].events);
        assert_int_equal(b->assurance, SIPVEIL_ASSURANCE_UNBOUND);
        assert_int_equal(b->state, SIPVEIL_BINDING_NONE);
        assert_int_equal(b->status, bob.options.required ? rows[i / 2].status : 0);
        assert_int_equal(b->reason.sip_status, b->status);
        assert_true(b->certificate.len == 0 && b->why[0] != '\0' && b->aor[0] == '\0');
        assert_int_equal(count_bound(p, &bob, NULL), 0);
        end_side(&bob);
    }
}

/* F-4, F-6: what the verdict says to answer is handed on, and nothing is bound. */
static void a_bad_verdict_binds_nothing(void **state)
{
    parties *p = *state;
    static const int statuses[] = {428, 436, 437, 438, 403};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        side bob = begin_side(p);
        sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
        v.valid = false;
        v.status = statuses[i];
        v.phrase = "Phrase";
        v.reason.code = SIPVEIL_BAD_SIGNATURE;
        const sipveil_bound *b = bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, with(p, &p->alice)), &v);
        assert_int_equal(b->status, statuses[i]);
        assert_string_equal(b->phrase, "Phrase");
        assert_int_equal(b->reason.code, SIPVEIL_BAD_SIGNATURE);
        assert_int_equal(count_bound(p, &bob, NULL), 0);
        end_side(&bob);
    }
}

/* IDN-59: everything that was known. */
static void record(void **state)
{
    parties *p = *state;
    const sipveil_binding *all;
    sv_certificate_summary s;
    side bob = begin_side(p);
    sipveil_identity_verdict v = by_mky(p, "sip:alice@atlanta.example", "atlanta.example", &p->phone);
    bob.options.has_at = true;
    bob.options.at = NOW + 5;
    (void)bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, with(p, &p->phone)), &v);
    assert_int_equal(count_bound(p, &bob, &all), 1);
    assert_code(sv_certificate_summarise(p->context, p->phone.key->cms.certificate, &s, &p->err), SIPVEIL_OK);
    assert_string_equal(all->call_id, "c1");
    assert_string_equal(all->remote_tag, "a1");
    assert_string_equal(all->local_tag, "");
    assert_string_equal(all->aor, "sip:alice@atlanta.example");
    assert_string_equal(all->local, "sip:bob@biloxi.example");
    assert_string_equal(all->domain, "atlanta.example");
    assert_string_equal(all->carrier, "pkix-cert");
    assert_int_equal(all->path, SIPVEIL_IDENTITY_RFC8224);
    assert_memory_equal(all->sha256, s.sha256, 32);
    assert_memory_equal(all->key_sha256, s.key_sha256, 32);
    assert_memory_equal(all->service_sha256, v.certificate_sha256, 32);
    assert_true(all->issued == NOW - 3 && all->made == NOW + 5 && all->proven == 0);
    assert_true(all->not_after == NOW + 3600 && all->until == NOW + 3600 && !all->is_next);
    end_side(&bob);
}

/* IDN-59, IDN-60: a request outside the dialog, with its Call-ID and tag, puts nobody else into it. */
static void not_taken_over(void **state)
{
    parties *p = *state;
    const sipveil_binding *all;
    side bob = begin_side(p);
    sipveil_identity_verdict alice = by_body("sip:alice@atlanta.example", "atlanta.example");
    sipveil_identity_verdict mallory = by_body("sip:mallory@evil.example", "evil.example");
    (void)bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, with(p, &p->alice)), &alice);
    (void)observe(p, &bob, response(p, 200, "INVITE", "c1", A1, B1, "", no_body), true);
    (void)bind(p, &bob, request(p, "INVITE", "c1", "<sip:mallory@evil.example>;tag=a1", BOB, with(p, &p->phone)), &mallory);
    (void)bind(p, &bob, request(p, "INVITE", "c1", "<sip:mallory@evil.example>;tag=a1", BOB, with(p, &p->bob)), &mallory);
    assert_int_equal(prove(p, &bob, request(p, "INFO", "c1", A1, B1, no_body), false, &p->bob), SIPVEIL_NO_KEY);
    (void)observe(p, &bob, request(p, "INFO", "c1", A1, B1, no_body), false);
    size_t count = count_bound(p, &bob, &all), seen = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].local_tag, "b1") != 0) continue;
        seen++;
        assert_string_equal(all[i].aor, "sip:alice@atlanta.example");
    }
    assert_int_equal(seen, 1);
    end_side(&bob);
}

/* ---- IDN-61: another certificate in the session ---- */

static side call_with_alice(parties *p)
{
    side bob = begin_side(p);
    sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
    (void)bind(p, &bob, request(p, "INVITE", "c1", A1, BOB, with(p, &p->alice)), &v);
    (void)observe(p, &bob, response(p, 200, "INVITE", "c1", A1, B1, "", no_body), true);
    assert_true(is_bound_to(p, &bob, 0, &p->alice, SIPVEIL_BINDING_CLAIMED));
    return bob;
}

static sipveil_span reinvite(parties *p, const char *from, const device *d)
{
    return request(p, "INVITE", "c1", from, B1, with(p, d));
}

/* K-1 */
static void key_change(void **state)
{
    parties *p = *state;
    side bob = call_with_alice(p);
    sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
    sipveil_span again = reinvite(p, A1, &p->alice_new);
    assert_code(prove(p, &bob, again, false, &p->alice), SIPVEIL_OK);
    const sipveil_bound *b = bind(p, &bob, again, &v);
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_BOUND | SIPVEIL_BINDING_EVENT_KEY_CHANGED);
    assert_int_equal(b->state, SIPVEIL_BINDING_CLAIMED);
    assert_int_equal(count_bound(p, &bob, NULL), 2); /* the old one serves until the new one is proven */
    b = bind(p, &bob, again, &v); /* said again */
    assert_true(b->events == 0 && b->assurance == SIPVEIL_ASSURANCE_SESSION);
    assert_int_equal(count_bound(p, &bob, NULL), 2);
    assert_int_equal(bind(p, &bob, again, NULL)->status, 403); /* by anybody */
    b = bind(p, &bob, reinvite(p, A1, &p->phone), &v); /* and another one in its place */
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_BOUND | SIPVEIL_BINDING_EVENT_KEY_CHANGED);
    assert_code(prove(p, &bob, again, false, &p->alice_new), SIPVEIL_NO_KEY);
    (void)bind(p, &bob, again, &v);
    assert_int_equal(count_bound(p, &bob, NULL), 2);
    assert_code(prove(p, &bob, again, false, &p->alice_new), SIPVEIL_OK);
    assert_int_equal(count_bound(p, &bob, NULL), 1);
    assert_true(is_bound_to(p, &bob, 0, &p->alice_new, SIPVEIL_BINDING_PROVEN));
    assert_code(prove(p, &bob, again, false, &p->alice), SIPVEIL_NO_KEY);
    end_side(&bob);
}

static bool no_change(void *user, sipveil_span before, sipveil_span after, const char *aor)
{
    parties *p = user;
    assert_true(sv_equal(before, p->alice.der) && sv_equal(after, p->alice_new.der));
    assert_string_equal(aor, "sip:alice@atlanta.example");
    return false;
}

/* K-2, and the application's veto: 403, and all is as it was. */
static void key_mismatch(void **state)
{
    parties *p = *state;
    const sipveil_identity_verdict alice = by_body("sip:alice@atlanta.example", "atlanta.example"),
                                   carol = by_body("sip:carol@chicago.example", "chicago.example"),
                                   bare = by_mky(p, "sip:alice@atlanta.example", "atlanta.example", &p->alice);
    sipveil_identity_verdict bad = alice;
    bad.valid = false;
    bad.status = 438;
    const struct {
        const char *from;
        const sipveil_identity_verdict *v;
        bool veto;
        unsigned events;
    } rows[] = {
        {A1, NULL, false, SIPVEIL_BINDING_EVENT_KEY_MISMATCH},
        {A1, &bad, false, SIPVEIL_BINDING_EVENT_KEY_MISMATCH},
        {A1, &bare, false, SIPVEIL_BINDING_EVENT_KEY_MISMATCH},
        {A1, &alice, true, SIPVEIL_BINDING_EVENT_KEY_MISMATCH},
        {CAROL ";tag=a1", &carol, false,
         SIPVEIL_BINDING_EVENT_KEY_MISMATCH | SIPVEIL_BINDING_EVENT_IDENTITY_UNVERIFIED},
        {CAROL ";tag=a1", NULL, false, SIPVEIL_BINDING_EVENT_KEY_MISMATCH | SIPVEIL_BINDING_EVENT_IDENTITY_UNVERIFIED},
    };
    for (size_t k = 0; k < 2 * sizeof rows / sizeof *rows; k++) {
        side bob = call_with_alice(p);
        size_t i = k / 2;
        bob.options.required = k % 2 == 1;
        if (rows[i].veto) bob.options.accept_change = no_change;
        bob.options.accept_change_user = p;
        const sipveil_bound *b = bind(p, &bob, reinvite(p, rows[i].from, &p->alice_new), rows[i].v);
        assert_int_equal(b->events, rows[i].events);
        assert_int_equal(b->status, 403);
        assert_string_equal(b->phrase, "Certificate Changed");
        assert_string_equal(b->reason.rule, "IDN-61");
        assert_int_equal(count_bound(p, &bob, NULL), 1);
        assert_true(is_bound_to(p, &bob, 0, &p->alice, SIPVEIL_BINDING_CLAIMED));
        end_side(&bob);
    }
}

/* The same certificate again, or none, changes nothing, signed or not. */
static void same_key_again(void **state)
{
    parties *p = *state;
    side bob = call_with_alice(p);
    const sipveil_bound *b = bind(p, &bob, reinvite(p, A1, &p->alice), NULL);
    assert_true(b->events == 0 && b->status == 0 && b->assurance == SIPVEIL_ASSURANCE_SESSION);
    bob.options.required = true;
    b = bind(p, &bob, request(p, "INFO", "c1", A1, B1, no_body), NULL);
    assert_true(b->events == 0 && b->status == 0 && b->state == SIPVEIL_BINDING_CLAIMED && b->assurance == SIPVEIL_ASSURANCE_SESSION);
    assert_int_equal(count_bound(p, &bob, NULL), 1);
    end_side(&bob);
}

/* What brings nobody knows which certificate is no change, and is refused where one is required. */
static void unclear_in_the_dialog(void **state)
{
    parties *p = *state;
    sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
    content two = mixed(p, (content[]){pkix(&p->alice_new), pkix(&p->phone)}, 2);
    for (int required = 0; required < 2; required++) {
        side bob = call_with_alice(p);
        bob.options.required = required == 1;
        const sipveil_bound *b = bind(p, &bob, request(p, "INVITE", "c1", A1, B1, two), &v);
        assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_UNCLEAR);
        assert_int_equal(b->status, required ? 437 : 0);
        assert_int_equal(count_bound(p, &bob, NULL), 1);
        assert_true(is_bound_to(p, &bob, 0, &p->alice, SIPVEIL_BINDING_CLAIMED));
        end_side(&bob);
    }
}

/* A request with a bad Identity is refused in the dialog as well, with the same certificate or none. */
static void bad_verdict_in_the_dialog(void **state)
{
    parties *p = *state;
    sipveil_identity_verdict bad = by_body("sip:alice@atlanta.example", "atlanta.example");
    bad.valid = false;
    bad.status = 438;
    side bob = call_with_alice(p);
    assert_int_equal(bind(p, &bob, reinvite(p, A1, &p->alice), &bad)->status, 438);
    assert_int_equal(bind(p, &bob, request(p, "INFO", "c1", A1, B1, no_body), &bad)->status, 438);
    assert_true(is_bound_to(p, &bob, 0, &p->alice, SIPVEIL_BINDING_CLAIMED));
    end_side(&bob);
}

/* Memory that ends anywhere: the certificate that is bound stays the one (IDN-61), whoever brings another. */
static void memory_ends(void **state)
{
    parties *p = *state;
    const device *other = &p->alice_new;
    sv_carried_certificate carried = {.state = SV_CARRIED_ONE, .carrier = SV_CARRIER_PKIX_CERT, .der = other->der,
                                      .certificate = other->key->cms.certificate};
    assert_code(sv_certificate_summarise(p->context, carried.certificate, &carried.summary, &p->err), SIPVEIL_OK);
    for (int vouched_for = 0; vouched_for < 2; vouched_for++) {
        sv_vouched vouched = {.valid = vouched_for == 1, .covers_body = true, .domain = SV_SPAN("atlanta.example")};
        size_t answered = 0, failed = 0;
        for (size_t most = 16; answered < 3; most += 61) {
            side bob = call_with_alice(p);
            sv_bind_answer answer;
            sv_arena *arena = sv_arena_new(16, most);
            assert_non_null(arena);
            sv_bind_question q = {.dialog = {SV_SPAN("c1"), SV_SPAN("b1"), SV_SPAN("a1")}, .of_dialog = true,
                                  .peer = SV_SPAN("sip:alice@atlanta.example"), .carried = &carried, .vouched = &vouched,
                                  .now = NOW};
            sipveil_code code = sv_bind(sv_memory_store(bob.memory), arena, &q, &answer, &p->err);
            if (code == SIPVEIL_OK) assert_int_equal(answer.status, vouched_for ? 0 : 403);
            answered += code == SIPVEIL_OK;
            failed += code != SIPVEIL_OK;
            const sipveil_binding *all;
            size_t count = count_bound(p, &bob, &all), current = 0;
            for (size_t i = 0; i < count; i++) {
                if (all[i].is_next) continue;
                current++;
                assert_true(sv_equal(all[i].certificate, p->alice.der));
            }
            assert_int_equal(current, 1);
            sv_arena_free(arena);
            end_side(&bob);
        }
        assert_true(failed > 3);
    }
}

/* ---- IDN-62: another From in the dialog ---- */

static void identity_change(void **state)
{
    parties *p = *state;
    const sipveil_identity_verdict carol = by_body("sip:carol@chicago.example", "chicago.example");
    side bob = call_with_alice(p);
    bob.options.from_change = true;
    const sipveil_bound *b = bind(p, &bob, reinvite(p, CAROL ";tag=a1", &p->phone), &carol);
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_BOUND | SIPVEIL_BINDING_EVENT_IDENTITY_CHANGED);
    assert_string_equal(b->aor, "sip:carol@chicago.example");
    assert_int_equal(count_bound(p, &bob, NULL), 1);
    assert_true(is_bound_to(p, &bob, 0, &p->phone, SIPVEIL_BINDING_CLAIMED));
    end_side(&bob);

    bob = call_with_alice(p); /* vouched for, and no certificate: the old one is gone, there is no new one */
    bob.options.from_change = true;
    b = bind(p, &bob, request(p, "UPDATE", "c1", CAROL ";tag=a1", B1, no_body), &carol);
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_IDENTITY_CHANGED);
    assert_int_equal(count_bound(p, &bob, NULL), 0);
    end_side(&bob);

    bob = call_with_alice(p); /* vouched for, and not for the certificate that it brings */
    bob.options.from_change = true;
    const sipveil_identity_verdict bare = by_mky(p, "sip:carol@chicago.example", "chicago.example", NULL);
    b = bind(p, &bob, reinvite(p, CAROL ";tag=a1", &p->phone), &bare);
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_IDENTITY_CHANGED | SIPVEIL_BINDING_EVENT_NOT_COVERED);
    assert_true(b->status == 0 && b->state == SIPVEIL_BINDING_NONE);
    assert_int_equal(count_bound(p, &bob, NULL), 0);
    end_side(&bob);

    bob = call_with_alice(p); /* too weak a voucher is none, and the same certificate is no other one */
    bob.options.from_change = true;
    sipveil_identity_verdict weak = carol;
    weak.weak = true;
    b = bind(p, &bob, reinvite(p, CAROL ";tag=a1", &p->alice), &weak);
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_IDENTITY_UNVERIFIED);
    assert_true(b->status == 0 && is_bound_to(p, &bob, 0, &p->alice, SIPVEIL_BINDING_CLAIMED));
    end_side(&bob);

    bob = call_with_alice(p); /* nobody vouches */
    bob.options.from_change = true;
    b = bind(p, &bob, request(p, "UPDATE", "c1", CAROL ";tag=a1", B1, no_body), NULL);
    assert_int_equal(b->events, SIPVEIL_BINDING_EVENT_IDENTITY_UNVERIFIED);
    assert_true(b->status == 0 && is_bound_to(p, &bob, 0, &p->alice, SIPVEIL_BINDING_CLAIMED));
    end_side(&bob);
}

/* IDN-62: where a certificate must be bound, a change of From whose certificate is not covered is refused, and changes nothing. */
static void refused_identity_change(void **state)
{
    parties *p = *state;
    const sipveil_identity_verdict carol = by_mky(p, "sip:carol@chicago.example", "chicago.example", NULL);
    side bob = call_with_alice(p);
    bob.options.from_change = bob.options.required = true;
    const sipveil_bound *b = bind(p, &bob, reinvite(p, CAROL ";tag=a1", &p->phone), &carol);
    assert_int_equal(b->status, 437);
    assert_true(is_bound_to(p, &bob, 0, &p->alice, SIPVEIL_BINDING_CLAIMED));
    end_side(&bob);
}

/* A BYE that is refused ends nothing. */
static void refused_bye(void **state)
{
    parties *p = *state;
    sipveil_identity_verdict bad = by_body("sip:alice@atlanta.example", "atlanta.example");
    bad.valid = false;
    bad.status = 438;
    side bob = call_with_alice(p);
    assert_int_equal(bind(p, &bob, request(p, "BYE", "c1", A1, B1, no_body), &bad)->status, 438);
    p->clock = NOW + 40;
    assert_int_equal(count_bound(p, &bob, NULL), 1);
    end_side(&bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_paths_bind), cmocka_unit_test(what_is_not_bound), cmocka_unit_test(a_bad_verdict_binds_nothing),
        cmocka_unit_test(record), cmocka_unit_test(not_taken_over), cmocka_unit_test(key_change), cmocka_unit_test(key_mismatch),
        cmocka_unit_test(same_key_again), cmocka_unit_test(unclear_in_the_dialog), cmocka_unit_test(bad_verdict_in_the_dialog),
        cmocka_unit_test(identity_change), cmocka_unit_test(refused_identity_change), cmocka_unit_test(refused_bye),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests_name("certificates bound to a sender for a dialog", tests, parties_setup, parties_teardown);
}
