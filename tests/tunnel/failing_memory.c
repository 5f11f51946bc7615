/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and random numbers that end at the nth time they are asked for, ours and libcrypto's: what succeeds gives the
 * same as ever, what fails hands out nothing, what must be refused is refused all the same, nothing leaks and the next
 * message is not the worse for it (ADV-214, ADV-215). And nothing is given back to the allocator with a secret in it
 * (ADV-213). */
#include "failing.h"
#include "tunnel/fixture.h"

static uint8_t content_key[32]; /* what the random generator gives while it is looked for */

/* ---- what is run ---- */

typedef struct run {
    lab *l;
    sipveil_span given;    /* the message that is sealed or opened */
    const sipveil_key *recipients[4], *signer;
    sipveil_span expected; /* what comes out */
} run;

/* One message by a worker of its own, so that nothing is there that an earlier one left. */
static sipveil_code open_once(void *user, sipveil_error *err)
{
    const run *r = user;
    sipveil_worker *worker = NULL;
    sipveil_opened out = {0};
    sipveil_code code = sipveil_worker_new(r->l->context, &worker, err);
    if (code == SIPVEIL_OK) code = sipveil_tunnel_open_message(worker, &r->l->options, r->given, &out, err);
    failing_whose saved = failing.whose;
    failing.whose = FAILING_NOTHING;
    if (code == SIPVEIL_OK) assert_same(out.message, r->expected);
    else assert_true(is_zero(&out, sizeof out));
    failing.whose = saved;
    sipveil_worker_free(worker);
    return code;
}

static sipveil_code seal_once(void *user, sipveil_error *err)
{
    const run *r = user;
    sipveil_worker *worker = NULL;
    sipveil_sealed out = {0};
    sipveil_code code = sipveil_worker_new(r->l->context, &worker, err);
    if (code == SIPVEIL_OK) code = sipveil_tunnel_seal_message(worker, &r->l->seal, r->given, &out, err);
    assert_true(code == SIPVEIL_OK ? !contains(out.message, "a=x-secret:") : is_zero(&out, sizeof out));
    sipveil_worker_free(worker);
    return code;
}

/* Opened and answered by one worker: what was opened is carried over to the answer. */
static sipveil_code answer_once(void *user, sipveil_error *err)
{
    static const sipveil_response ok = {.status = 200, .type = "text/plain", .body = {(const uint8_t *)"heard, and kept", 15}};
    const run *r = user;
    const sipveil_seal_options how = {.size = sizeof how, .signers = &r->l->bob, .signer_count = 1};
    sipveil_worker *worker = NULL;
    sipveil_opened opened;
    sipveil_sealed out = {0};
    sipveil_code code = sipveil_worker_new(r->l->context, &worker, err);
    if (code == SIPVEIL_OK) code = sipveil_tunnel_open_message(worker, &r->l->options, r->given, &opened, err);
    if (code == SIPVEIL_OK) code = sipveil_tunnel_seal_response(worker, &how, &opened, &ok, &out, err);
    bool sealed = sv_starts_nocase_str(out.message, "SIP/2.0 200 OK\r\n") && !contains(out.message, "heard, and kept");
    assert_true(code == SIPVEIL_OK ? sealed : is_zero(&out, sizeof out));
    sipveil_worker_free(worker);
    return code;
}

/* Memory that ends while libcrypto updates the blinding of an RSA key leaves that key unusable until it makes a new
 * blinding, at the latest after 32 uses (measured with 3.0.22). Nothing wrong comes out of it meanwhile. Opening needs
 * random numbers for RSA alone. */
enum { BLINDING_USES = 32 };

static void everywhere(run *r, const char *name, sipveil_code (*once)(void *user, sipveil_error *err), sipveil_code wanted)
{
    bool rsa = r->recipients[0] == r->l->bob_rsa;
    const failing_operation op = {.name = name, .run = once, .wanted = wanted, .tries = rsa ? BLINDING_USES : 0,
                                  .without = once == open_once ? 1 << FAILING_RANDOM : 0};
    failing_table(&op, 1, r);
}

#define SECRET_SDP SDP "a=x-secret:7f3a\r\n"

static sipveil_span secret_invite(lab *l)
{
    return compose(l, HEAD, "Content-Type: application/sdp\r\n", SV_SPAN(SECRET_SDP));
}

static run sealed_run(lab *l, const sipveil_key *recipient, const sipveil_key *signer, bool compressed)
{
    run r = {.l = l, .recipients = {recipient}, .signer = signer};
    sipveil_span message = secret_invite(l);
    l->seal.recipients = r.recipients;
    l->seal.recipient_count = recipient != NULL;
    l->seal.signers = &r.signer;
    l->seal.signer_count = signer != NULL;
    l->seal.compress = compressed;
    l->seal.pbkdf2_iterations = 1000;
    r.given = sealed(l, message);
    r.expected = message;
    return r;
}

static void opening(void **state)
{
    lab *l = begin(state);
    const sipveil_key *const recipients[] = {l->kek, l->bob, l->bob_rsa, l->bob_x25519, l->password};
    for (size_t i = 0; i < sizeof recipients / sizeof *recipients; i++) {
        l = begin(state);
        run r = sealed_run(l, recipients[i], i % 2 == 0 ? l->alice : NULL, i == 0);
        everywhere(&r, "open", open_once, SIPVEIL_OK);
    }
}

/* A refusal stays one, whatever fails on the way to it: a check that could not be made is none that passed. */
static void refusing(void **state)
{
    static const struct {
        const char *what;
        sipveil_code code;
    } cases[] = {{"another CA", SIPVEIL_UNTRUSTED_SIGNER}, {"another user", SIPVEIL_UNTRUSTED_SIGNER},
                 {"a changed inner message", SIPVEIL_BAD_SIGNATURE}, {"a changed outer message", SIPVEIL_HEADER_MISMATCH},
                 {"a changed envelope", SIPVEIL_CANNOT_DECRYPT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lab *l = begin(state);
        run r = sealed_run(l, i == 4 ? l->kek : NULL, i == 0 ? l->stranger : i == 1 ? l->mallory : l->alice, false);
        if (i == 2) r.given = edited(l, r.given, "a=x-secret:7f3a", "a=x-secret:7f3b");
        if (i == 3) r.given = edited(l, r.given, "To: Bob <sip:bob@", "To: Bob <sip:eve@");
        if (i == 4) {
            r.given = copy_of(l, r.given);
            ((uint8_t *)(uintptr_t)r.given.data)[r.given.len - 20] ^= 1;
        }
        everywhere(&r, cases[i].what, open_once, cases[i].code);
    }
}

static void sealing(void **state)
{
    lab *l = begin(state);
    const sipveil_key *const recipients[] = {l->kek, l->bob, l->bob_rsa, l->bob_x25519, l->password};
    for (size_t i = 0; i < sizeof recipients / sizeof *recipients; i++) {
        l = begin(state);
        run r = sealed_run(l, recipients[i], i % 2 == 0 ? l->alice : NULL, i == 0);
        l->seal.recipients = r.recipients;
        l->seal.signers = &r.signer;
        r.given = secret_invite(l);
        everywhere(&r, "seal", seal_once, SIPVEIL_OK);
    }
}

static void answering(void **state)
{
    lab *l = begin(state);
    run r = sealed_run(l, l->kek, l->alice, false);
    everywhere(&r, "answer", answer_once, SIPVEIL_OK);
}

/* ---- nothing secret is given back ---- */

/* A content key is drawn together with its nonce; everything else that is drawn is shorter and no secret. */
static bool known_random(void *user, uint8_t *out, size_t len)
{
    bool secret = len == sizeof content_key + 12;
    (void)user;
    for (size_t i = 0; i < len; i++) out[i] = (uint8_t)(content_key[i % sizeof content_key] ^ (secret ? 0 : 0x55));
    return true;
}

/* The shared key is the lab's first. */
static void wiped(void **state)
{
    lab *l = begin(state);
    sipveil_hooks hooks;
    sipveil_context *context = l->context, *counted = NULL;
    for (size_t i = 0; i < sizeof content_key; i++) content_key[i] = (uint8_t)(0xC3 ^ (i * 29));
    failing_watch("a shared key", SV_SPAN("\x01\x08\x0F\x16\x1D\x24\x2B\x32\x39\x40\x47\x4E\x55\x5C\x63\x6A"));
    failing_watch("a password", SV_SPAN("correct horse"));
    failing_watch("the content", SV_SPAN("a=x-secret:"));
    failing_watch("a content key", sv_span(content_key, 16));
    sipveil_hooks_default(&hooks);
    hooks.user = l;
    hooks.now = lab_clock;
    hooks.random = known_random;
    assert_int_equal(sipveil_context_new(&hooks, &counted, &l->err), SIPVEIL_OK);
    const sipveil_key *const recipients[] = {l->kek, l->bob, l->bob_rsa, l->bob_x25519, l->password};
    for (size_t i = 0; i < sizeof recipients / sizeof *recipients; i++) {
        l = begin(state);
        run r = sealed_run(l, recipients[i], l->alice, i == 0);
        const failing_operation seals = {"seal", .run = seal_once}, opens = {"open", .run = open_once},
                                answers = {"answer", .run = answer_once},
                                refuses = {"open what was changed", .run = open_once, .wanted = SIPVEIL_HEADER_MISMATCH};
        sipveil_span sealed_before = r.given;
        r.given = secret_invite(l);
        l->seal.recipients = r.recipients;
        l->seal.signers = &r.signer;
        l->context = counted;
        failing_look(&seals, &r);
        l->context = context;
        r.given = sealed_before;
        failing_look(&opens, &r);
        failing_look(&answers, &r);
        r.given = edited(l, r.given, "To: Bob <sip:bob@", "To: Bob <sip:eve@");
        failing_look(&refuses, &r);
    }
    sipveil_context_free(counted);
    /* The keys themselves, when a ring goes. */
    sipveil_keyring *ring = new_ring(l);
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("wiped"), sv_span(failing.secrets[0].octets, 16), NULL, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_password(ring, SV_SPAN("correct horse"), NULL, &l->err), SIPVEIL_OK);
    failing.looking = true;
    sipveil_keyring_free(ring);
    failing.looking = false;
    assert_int_equal(failing.found, 0);
    failing_would_be_seen();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(opening), cmocka_unit_test(refusing), cmocka_unit_test(sealing), cmocka_unit_test(answering),
                                       cmocka_unit_test(wiped)};
    failing.no_room = true;
    if (!failing_install()) return 2;
    return cmocka_run_group_tests_name("memory that ends", tests, lab_setup, lab_teardown);
}
