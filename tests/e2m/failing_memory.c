/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and random numbers that end while a body is shared with hops, at the nth time they are asked for (ADV-214,
 * ADV-215): nothing comes out that is less than it says, no key of a dialog is held, counted or forgotten by half, what is
 * asked for again is done, and no content is given back to the allocator (ADV-213). Every allocation of an arena is one
 * that can fail here. */
#include "failing.h"

#include "base/error.h"
#include "state/store.h"
#include "tunnel/memory.h"
#include "world.h"

/* What is run, and on what. */
static struct {
    world *w;
    sipveil_worker *worker;
    share s;
    sipveil_span message, response, image; /* image: of the memory at the beginning; empty: a new one */
    const party *p;
    sipveil_memory *memory;
    sipveil_e2m_proxy_options proxy;
    sipveil_e2m_policy *policy;
    size_t keys;  /* held after it succeeded */
    size_t notes; /* of a hop, at the beginning: what it did a moment ago */
} now;

static size_t keys_held(void)
{
    return sv_store_count(sv_memory_store(now.memory), SV_STORE_CEK);
}

static size_t notes_of_hop(void)
{
    return sv_store_count(sv_memory_store(now.memory), SV_STORE_TRANSACTION);
}

static void start(void *user)
{
    sipveil_error err;
    (void)user;
    failing.no_room = true;
    assert_int_equal(sipveil_worker_new(now.w->context, &now.worker, &err), SIPVEIL_OK);
    failing.no_room = false;
    assert_int_equal(sipveil_memory_new(&now.memory, &err), SIPVEIL_OK);
    if (now.image.len > 0) assert_int_equal(sipveil_memory_load(now.memory, now.image, NOW, &err), SIPVEIL_OK);
    now.s.o.memory = now.memory;
    now.notes = notes_of_hop();
}

static void stop(void *user)
{
    (void)user;
    sipveil_worker_free(now.worker);
    sipveil_memory_free(now.memory);
}

/* The memory of a party, for every start. */
static void from(world *w, const party *p)
{
    uint8_t *image;
    size_t len;
    now.p = p;
    now.w = w;
    assert_code(sipveil_memory_save(p->memory, NOW, &image, &len, &w->err), SIPVEIL_OK);
    now.image = copy_of(w, sv_span(image, len));
    sipveil_memory_wipe_image(image, len);
}

static void consistent(void *user, sipveil_code code)
{
    size_t before = (size_t)(uintptr_t)user;
    if (code == SIPVEIL_OK && keys_held() != now.keys) fail_msg("%zu keys after number %zu", keys_held(), failing.tried);
    if (code != SIPVEIL_OK && keys_held() != before) fail_msg("%zu keys without number %zu", keys_held(), failing.tried);
}

/* Each of ours; of libcrypto's some. before: keys held. */
static void everywhere(const char *name, sipveil_code (*run)(void *user, sipveil_error *err), size_t before, size_t after, unsigned without)
{
    const failing_operation op = {name, start, run, consistent, stop, .without = without};
    now.keys = after;
    failing_table(&op, 1, (void *)(uintptr_t)before);
}

static sipveil_code seal_once(void *user, sipveil_error *err)
{
    sipveil_sealed out;
    (void)user;
    memset(&out, 0xAA, sizeof out);
    sipveil_code code = sipveil_e2m_seal_message(now.worker, &now.s.o, now.message, &out, err);
    if (code == SIPVEIL_OK) assert_false(contains(out.message, "SECRETSECRET"));
    else assert_true(out.message.data == NULL && out.warning_count == 0);
    return code;
}

static sipveil_code open_once(void *user, sipveil_error *err)
{
    sipveil_e2m_open_options o;
    sipveil_opened out;
    (void)user;
    sipveil_e2m_open_options_default(&o);
    o.open.keyring = now.p->ring;
    o.open.memory = now.memory;
    memset(&out, 0xAA, sizeof out);
    sipveil_code code = sipveil_e2m_open_message(now.worker, &o, now.message, &out, err);
    if (code == SIPVEIL_OK) assert_true(out.is_signed && out.is_encrypted && out.body.len > 0);
    else assert_null(out.body.data);
    return code;
}

/* What libcrypto cannot do without memory looks like what cannot be read or verified: a refusal, and no view. */
static sipveil_code proxy_once(void *user, sipveil_error *err)
{
    sipveil_e2m_verdict v;
    failing_whose whose = failing.whose;
    (void)user;
    if (now.proxy.open.memory != NULL) now.proxy.open.memory = now.memory;
    memset(&v, 0xAA, sizeof v);
    sipveil_code code = sipveil_e2m_proxy_message(now.worker, &now.proxy, now.message, &v, err);
    if (code != SIPVEIL_OK) {
        assert_true(v.message.data == NULL && !v.has_view && v.part_count == 0);
        return code;
    }
    /* E2M-60: what was done is known to be a retransmission when it comes again, and no replay. E2M-59: and whose failure it was. */
    bool refuses = now.policy != NULL, damaged = now.proxy.source != NULL, notes = v.concerned && !v.retransmission;
    if (now.proxy.open.memory != NULL) assert_int_equal(notes_of_hop(), now.notes + notes + damaged);
    bool good = damaged ? v.action == SIPVEIL_E2M_RESPOND && contains(v.message, "SIP/2.0 493 ")
                : refuses ? v.action == SIPVEIL_E2M_RESPOND && contains(v.message, "Proxy-Body-Need: " P1_HOST) && contains(v.message, ";fp=\"sha-256:") &&
                              contains(v.message, "smime-type=certs-only")
                        : v.action == SIPVEIL_E2M_FORWARD && (v.has_view || v.retransmission || !v.concerned);
    if (good) return code;
    if (whose != FAILING_LIBCRYPTO || refuses) fail_msg("number %zu of %d: %s", failing.count, (int)whose, v.reason.text);
    assert_false(v.has_view);
    return sv_fail(err, "test", SIPVEIL_BAD_SIGNATURE, "%s", v.reason.text[0] != '\0' ? v.reason.text : "no view");
}

enum { NO_RANDOM = 1 << FAILING_RANDOM };

static void forms(void **state)
{
    static const struct {
        const char *name;
        sipveil_e2m_form form;
        bool keep;
        unsigned bits;
    } cases[] = {{"shared and held", SIPVEIL_E2M_SHARED, true, 0}, {"and others derived of it (CEK-03)", SIPVEIL_E2M_SHARED, true, 128},
                 {"split", SIPVEIL_E2M_SPLIT, false, 0}, {"nested", SIPVEIL_E2M_NESTED, false, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = begin(state);
        share_begin(w, &now.s);
        from(w, &w->ua1);
        now.s.o.form = cases[i].form;
        now.s.o.keep = cases[i].keep;
        now.s.o.reuse_bits = cases[i].bits;
        now.s.o.sign_label = cases[i].form != SIPVEIL_E2M_NESTED; /* that is as deep as anybody opens */
        now.message = invite(w, SDP CRYPTO);
        everywhere(cases[i].name, seal_once, 0, cases[i].keep, 0);
        now.s.o.memory = w->ua1.memory;
        now.message = shared(w, &now.s, now.message);
        from(w, &w->ua2);
        everywhere(cases[i].name, open_once, 0, cases[i].keep, NO_RANDOM);
        from(w, &w->p1);
        now.proxy = proxy_options(&w->p1, p1_name);
        now.proxy.protected_hop = now.proxy.sender_authenticated = false; /* by the signed label alone */
        if (cases[i].form == SIPVEIL_E2M_NESTED) now.proxy.protected_hop = now.proxy.sender_authenticated = true;
        now.keys = cases[i].keep;
        const failing_operation op = {cases[i].name, start, proxy_once, consistent, stop, .without = NO_RANDOM};
        failing_look(&op, NULL);
        failing_everywhere(&op, NULL, FAILING_OURS);
        now.proxy.open.memory = NULL; /* a refusal is the answer to retransmissions too: of libcrypto's without one */
        now.keys = 0;
        failing_everywhere(&op, NULL, FAILING_LIBCRYPTO);
    }
}

/* CEK-02, CEK-04: by the key of an earlier message, which is counted once, however often it was tried. */
static void by_an_earlier_key(void **state)
{
    world *w = begin(state);
    sipveil_span first = kept_invite(w, 3);
    at_p1(w, first);
    assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
    from(w, &w->ua2);
    sipveil_e2m_options_default(&now.s.o);
    now.s.signer = w->ua2.key;
    now.s.o.seal.signers = &now.s.signer;
    now.s.o.seal.signer_count = 1;
    now.s.o.reuse = "last";
    now.message = from_bob(w, 1);
    everywhere("seal by an earlier key", seal_once, 1, 1, 0);
    now.message = reused(w, &w->ua2, from_bob(w, 1));
    from(w, &w->ua1);
    everywhere("open by it", open_once, 1, 1, NO_RANDOM);
    from(w, &w->p1);
    now.proxy = proxy_options(&w->p1, p1_name);
    now.keys = 1;
    const failing_operation op = {"at the hop", start, proxy_once, consistent, stop, .without = NO_RANDOM};
    failing_everywhere(&op, (void *)1, FAILING_OURS);
    /* The same again a moment later is what it was, and no replay (E2M-60). */
    at_p1(w, now.message);
    from(w, &w->p1);
    const failing_operation again = {"a retransmission", start, proxy_once, consistent, stop, .without = NO_RANDOM | 1 << FAILING_LIBCRYPTO};
    failing_table(&again, 1, (void *)1);
    /* And with the BYE they go (E2M-57). */
    now.message = compose(w, "SIP/2.0 200 OK\r\n", BOB_TO_ALICE("c1@home.example") "CSeq: 9 BYE\r\n", "");
    const failing_operation bye = {"a BYE", start, proxy_once, consistent, stop, .without = NO_RANDOM | 1 << FAILING_LIBCRYPTO};
    now.keys = 0;
    failing_table(&bye, 1, (void *)1);
}

static sipveil_code retry_once(void *user, sipveil_error *err)
{
    static const char *const may[] = {P1_HOST};
    sipveil_e2m_retry_options o;
    sipveil_sealed out;
    (void)user;
    sipveil_e2m_retry_options_default(&o);
    o.e2m = now.s.o;
    o.trust = now.w->nobody;
    o.may_view = may;
    o.may_view_count = 1;
    memset(&out, 0xAA, sizeof out);
    sipveil_code code = sipveil_e2m_retry_message(now.worker, &o, now.message, now.response, &out, err);
    if (code == SIPVEIL_OK) assert_true(contains(out.message, "CSeq: 2 INVITE\r\n") && contains(out.message, "Proxy-Required-Body: " P1_HOST));
    else assert_null(out.message.data);
    return code;
}

/* A refusal has its need and its certificate; who gets it seals again, and once: it is remembered if it was sent. */
static void refused_and_again(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    s.o.form = SIPVEIL_E2M_PRIVATE;
    now.message = shared(w, &s, invite(w, SDP));
    assert_code(sipveil_e2m_policy_read(SV_SPAN("x;type=\"application/sdp\""), &now.policy, &w->err), SIPVEIL_OK);
    from(w, &w->p1);
    now.proxy = proxy_options(&w->p1, p1_name);
    now.proxy.policy = now.policy;
    now.keys = 0;
    const failing_operation refusal = {"a refusal", start, proxy_once, consistent, stop, .wanted = SIPVEIL_OK};
    failing_look(&refusal, NULL);
    failing_everywhere(&refusal, NULL, FAILING_OURS);
    now.proxy.open.memory = NULL;
    at_p1_with(w, &now.proxy, now.message);
    now.response = copy_of(w, w->verdict.message);
    from(w, &w->ua1);
    share_begin(w, &now.s);
    now.s.o.hop_count = 0;
    now.message = invite(w, SDP);
    everywhere("sealed again", retry_once, 0, 0, 0);
    sipveil_e2m_policy_free(now.policy);
    now.policy = NULL;
}

static void what_is_damaged(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    now.message = shared(w, &s, invite(w, SDP));
    ((uint8_t *)(uintptr_t)now.message.data)[now.message.len - 3] ^= 1;
    from(w, &w->p1);
    now.proxy = proxy_options(&w->p1, p1_name);
    now.proxy.source = "192.0.2.66";
    now.keys = 0;
    const failing_operation damaged = {"what is damaged", start, proxy_once, consistent, stop, .wanted = SIPVEIL_OK};
    failing_look(&damaged, NULL);
    failing_everywhere(&damaged, NULL, FAILING_OURS);
}

/* E2M-67: each server's rows are learnt, or that is told; what is kept is not asked for again. */
static bool fetch(void *user, sipveil_span uri, sipveil_span *document)
{
    (void)user;
    bool first = sv_equal_str(uri, "sip:a@x");
    *document = first ? SV_SPAN("[{\"host\":\"ss1.home.example\",\"types\":[\"application/sdp\"]}]") : SV_SPAN("ss2.other.example;need=verify");
    return first || sv_equal_str(uri, "sip:b@x");
}

static sipveil_code learn_once(void *user, sipveil_error *err)
{
    const sipveil_e2m_learn_options o = {.size = sizeof o, .protected_path = true, .memory = now.memory, .fetch = fetch};
    sipveil_e2m_policy *policy = NULL;
    (void)user;
    failing.no_room = true;
    sipveil_code code = sipveil_e2m_learn_policy(now.worker, &o, now.message, &policy, err);
    failing.no_room = false;
    assert_int_equal(sipveil_e2m_policy_count(policy), code == SIPVEIL_OK ? 3 : 0);
    sipveil_e2m_policy_free(policy);
    return code;
}

static void servers_teach(void **state)
{
    world *w = begin(state);
    from(w, &w->ua1);
    now.message = compose(w, "SIP/2.0 488 Not Acceptable Here\r\n", BOB_TO_ALICE("c1@home.example") "CSeq: 1 INVITE\r\n"
                          "Proxy-Body-Need: ss3.home.example\r\nPolicy-Contact: <sip:a@x>, <sip:b@x>\r\n", "");
    everywhere("what servers say", learn_once, 0, 0, NO_RANDOM | 1 << FAILING_LIBCRYPTO);
    start(NULL); /* with both documents kept */
    assert_code(learn_once(NULL, &w->err), SIPVEIL_OK);
    const party learnt = {.memory = now.memory};
    from(w, &learnt);
    stop(NULL);
    everywhere("what was kept of it", learn_once, 0, 0, NO_RANDOM | 1 << FAILING_LIBCRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(by_an_earlier_key), cmocka_unit_test(refused_and_again), cmocka_unit_test(what_is_damaged), cmocka_unit_test(servers_teach)};
    if (!failing_install()) return 2;
    failing_watch("the content", SV_SPAN("SECRETSECRET"));
    return cmocka_run_group_tests_name("memory that ends while a body is shared", tests, world_setup, world_teardown);
}
