/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that ends while certificates are bound to a call, at the nth time it is asked for (ADV-215): the call has the binding
 * that it had, or the new one; what was asked for is done by the next try; and never is a call without the certificate that it
 * had because another one was to come. */
#include "failing.h"

#include "base/error.h"
#include "identity/vouched.h"

typedef struct happening {
    const char *name;
    sipveil_span message;
    const sipveil_identity_verdict *verdict;
    bool observed;           /* sipveil_identity_observe_message */
    const device *proves;    /* sipveil_identity_prove_binding */
    const device *had, *has; /* current before and after; NULL: none */
    bool from_change;
} happening;

static struct {
    parties *p;
    sipveil_worker *worker;
    side s;
    sipveil_span image;
    const happening *it;
} now;

/* IDN-61: the user agrees to each change; what was not asked for want of memory is no refusal. */
static bool agree(void *user, sipveil_span before, sipveil_span after, const char *aor)
{
    (void)user;
    return before.len > 0 && after.len > 0 && aor[0] != '\0';
}

static void start(void *user)
{
    sipveil_error err;
    (void)user;
    assert_int_equal(sipveil_worker_new(now.p->context, &now.worker, &err), SIPVEIL_OK);
    now.s = begin_side(now.p);
    if (now.image.len > 0) assert_int_equal(sipveil_memory_load(now.s.memory, now.image, NOW, &err), SIPVEIL_OK);
    now.s.options.from_change = now.it->from_change;
    now.s.options.accept_change = agree;
}

static void stop(void *user)
{
    (void)user;
    end_side(&now.s);
    sipveil_worker_free(now.worker);
}

static sipveil_code run(void *user, sipveil_error *err)
{
    const happening *it = now.it;
    (void)user;
    if (it->observed) return sipveil_identity_observe_message(now.worker, now.s.memory, it->message, false, NOW, NULL, err);
    if (it->proves != NULL) {
        uint8_t sha256[32];
        memcpy(sha256, user, sizeof sha256);
        return sipveil_identity_prove_binding(now.worker, now.s.memory, it->message, false, sha256, NOW, err);
    }
    sipveil_code code =
        sipveil_identity_bind_certificate(now.worker, &now.s.options, it->message, it->verdict, &now.s.bound, err);
    if (code == SIPVEIL_OK && now.s.bound.status != 0) fail_msg("%s: %d, %s", it->name, now.s.bound.status, now.s.bound.reason.text);
    return code;
}

/* Only where it succeeded it is another one than before. */
static void check(void *user, sipveil_code code)
{
    const sipveil_binding *all;
    const device *wanted = code == SIPVEIL_OK ? now.it->has : now.it->had;
    bool found = false;
    (void)user;
    size_t count = count_bound(now.p, &now.s, &all);
    for (size_t i = 0; i < count && wanted != NULL; i++) found |= sv_equal(all[i].certificate, wanted->der);
    if (found != (wanted != NULL) || (wanted == NULL && count > 0)) {
        fail_msg("%s: %s, %zu bindings", now.it->name, code == SIPVEIL_OK ? "done" : "refused", count);
    }
}

static void keep_image(parties *p, side *s)
{
    uint8_t *image;
    size_t len;
    assert_code(sipveil_memory_save(s->memory, NOW, &image, &len, &p->err), SIPVEIL_OK);
    assert_true(sv_arena_copy(p->arena, sv_span(image, len), &now.image));
    sipveil_memory_wipe_image(image, len);
}

static void everywhere(const happening *it, uint8_t *sha256)
{
    const failing_operation op = {it->name, start, run, check, stop, .wanted = SIPVEIL_OK,
                                  .without = 1 << FAILING_RANDOM | 1 << FAILING_LIBCRYPTO};
    now.it = it;
    failing_look(&op, sha256);
    failing_everywhere(&op, sha256, FAILING_OURS);
}

#define CALL "c1@atlanta.example"
#define FROM_ALICE ALICE ";tag=a1"
#define TO_BOB BOB ";tag=b1"

static void bindings(void **state)
{
    parties *p = now.p = *state;
    const sipveil_identity_verdict vouched = by_body("sip:alice@atlanta.example", "atlanta.example");
    const sipveil_identity_verdict carol = by_body("sip:carol@chicago.example", "chicago.example");
    const content first = pkix(&p->alice), second = pkix(&p->alice_new);
    sv_certificate_summary summary;
    /* INVITE, its 2xx, a re-INVITE with another certificate, the proof of that one, another From, BYE and its answer. */
    const happening all[] = {
        {"first", request(p, "INVITE", CALL, FROM_ALICE, BOB, first), &vouched, .has = &p->alice},
        {"another certificate", request(p, "INVITE", CALL, FROM_ALICE, TO_BOB, second), &vouched, .had = &p->alice, .has = &p->alice},
        {"proof", request(p, "INFO", CALL, FROM_ALICE, TO_BOB, no_body), NULL, .proves = &p->alice_new, .had = &p->alice, .has = &p->alice_new},
        {"another identity", request(p, "UPDATE", CALL, CAROL ";tag=a1", TO_BOB, pkix(&p->phone)), &carol, .had = &p->alice_new, .has = &p->phone,
         .from_change = true},
        {"the end", request(p, "BYE", CALL, FROM_ALICE, TO_BOB, no_body), NULL, .observed = true, .had = &p->phone, .has = &p->phone},
    };
    assert_code(sv_certificate_summarise(p->context, p->alice_new.key->cms.certificate, &summary, &p->err), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        everywhere(&all[i], summary.sha256);
        /* And once more for good, which is where the next one begins. */
        sipveil_error err;
        start(NULL);
        sipveil_code code = run(summary.sha256, &err);
        if (code != SIPVEIL_OK) fail_msg("%s: %s", all[i].name, err.text);
        check(NULL, code);
        keep_image(p, &now.s);
        stop(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bindings)};
    failing.no_room = true;
    if (!failing_install()) return 2;
    return cmocka_run_group_tests_name("memory that ends while certificates are bound", tests, parties_setup, parties_teardown);
}
