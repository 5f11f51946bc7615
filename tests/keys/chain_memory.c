/* SPDX-License-Identifier: BSD-2-Clause */
/* What is remembered of chains never turns a refusal into an acceptance: each question that differs in anything that
 * an answer follows from is asked anew. ADV-117, ADV-119, ADV-122, TUN-08 */
#include "lab.h"

#include "keys/chain_memory.h"

#define ALICE "sip:alice@a.example"

static lab_certificate root, other_root, middle, leaf, other_leaf;

static int make_all(void **state)
{
    if (lab_open(state) != 0) return -1;
    const lab_form form = {.subject = "root", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign,cRLSign",
                           .from = -86400L * 400, .until = 86400L * 400};
    lab_form other = form, between = form;
    other.subject = "other root";
    root = lab_make(&form);
    other_root = lab_make(&other);
    between.subject = "between";
    between.issuer = &root;
    between.until = 50; /* shorter than what it issues */
    middle = lab_make(&between);
    leaf = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &middle, .from = -100, .until = 1000});
    other_leaf = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &middle, .from = -100, .until = 1000});
    return 0;
}

static int drop_all(void **state)
{
    lab_free(&root);
    lab_free(&other_root);
    lab_free(&middle);
    lab_free(&leaf);
    lab_free(&other_leaf);
    return lab_close(state);
}

static sipveil_keyring *ring_with(X509 *anchor)
{
    sipveil_keyring *ring = lab_ring();
    sipveil_error err;
    assert_int_equal(sipveil_keyring_add_anchors(ring, lab_write_certificate("anchor.pem", anchor), &err), SIPVEIL_OK);
    return ring;
}

typedef struct asking {
    sv_chain_memory *memory;
    sipveil_keyring *ring;
    STACK_OF(X509) *untrusted;
    sv_chain_question question;
} asking;

static asking begin(void)
{
    asking a = {.memory = sv_chain_memory_new(), .ring = ring_with(root.x509), .untrusted = sk_X509_new_null()};
    assert_true(a.memory != NULL && a.untrusted != NULL && sk_X509_push(a.untrusted, middle.x509) == 1);
    a.question = (sv_chain_question){.certificate = leaf.x509, .untrusted = a.untrusted, .at = LAB_NOW,
                                     .limits = sipveil_context_limits(lab_context), .memory = a.memory};
    return a;
}

static void end(asking *a)
{
    sk_X509_free(a->untrusted);
    sipveil_keyring_free(a->ring);
    sv_chain_memory_free(a->memory);
}

/* The answer with a memory, which must be the one without. */
static sipveil_code ask(const asking *a)
{
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    sv_chain_question without = a->question;
    sv_chain_answer answer, same;
    sipveil_error err;
    without.memory = NULL;
    sipveil_code code = sv_chain_check(a->ring, &a->question, arena, &answer, &err);
    assert_int_equal(code, sv_chain_check(a->ring, &without, arena, &same, &err));
    if (code == SIPVEIL_OK) {
        assert_true(answer.from == same.from && answer.until == same.until);
        assert_int_equal(answer.revocation_checked, same.revocation_checked);
    }
    sv_arena_free(arena);
    return code;
}

static bool is_recalled(const asking *a)
{
    sv_chain_answer answer;
    return sv_chain_recall(a->memory, a->ring, &a->question, &answer);
}

static void a_good_answer_is_recalled(void **state)
{
    (void)state;
    asking a = begin();
    assert_false(is_recalled(&a));
    assert_int_equal(ask(&a), SIPVEIL_OK);
    assert_true(is_recalled(&a));
    assert_int_equal(ask(&a), SIPVEIL_OK);
    end(&a);
}

/* The time of every certificate of the chain counts, to the second: the one between ends first. */
static void time_is_part_of_it(void **state)
{
    (void)state;
    asking a = begin();
    assert_int_equal(ask(&a), SIPVEIL_OK);
    for (int64_t second = -110; second < 60; second++) {
        a.question.at = LAB_NOW + second;
        bool valid = second >= -100 && second <= 50;
        assert_int_equal(is_recalled(&a), valid);
        assert_int_equal(ask(&a), valid ? SIPVEIL_OK : SIPVEIL_UNTRUSTED_SIGNER);
    }
    end(&a);
}

static void options_and_certificates_are_part_of_it(void **state)
{
    (void)state;
    asking a = begin();
    sipveil_limits limits = *a.question.limits;
    assert_int_equal(ask(&a), SIPVEIL_OK);
    sv_chain_question good = a.question;

    a.question.certificate = other_leaf.x509; /* the same names, another key */
    assert_false(is_recalled(&a));
    a.question = good;
    a.question.untrusted = NULL; /* nothing between */
    assert_false(is_recalled(&a));
    assert_int_not_equal(ask(&a), SIPVEIL_OK);
    a.question = good;
    a.question.allow_weak = SIPVEIL_WEAK_SHA1;
    assert_false(is_recalled(&a));
    a.question = good;
    a.question.ignore_validity = true;
    assert_false(is_recalled(&a));
    a.question = good;
    limits.chain_depth = 1;
    a.question.limits = &limits;
    assert_false(is_recalled(&a));
    a.question = good;
    assert_true(is_recalled(&a));
    end(&a);
}

/* Another ring, perhaps at the address of one that is gone; the same ring with more in it. */
static void the_ring_is_part_of_it(void **state)
{
    sipveil_error err;
    (void)state;
    asking a = begin();
    assert_int_equal(ask(&a), SIPVEIL_OK);
    for (int i = 0; i < 20; i++) {
        sipveil_keyring_free(a.ring);
        a.ring = ring_with(other_root.x509);
        assert_false(is_recalled(&a));
        assert_int_equal(ask(&a), SIPVEIL_UNTRUSTED_SIGNER);
    }
    sipveil_keyring_free(a.ring);
    a.ring = ring_with(root.x509);
    assert_int_equal(ask(&a), SIPVEIL_OK);
    assert_true(is_recalled(&a));
    assert_int_equal(sipveil_keyring_add_anchors(a.ring, lab_write_certificate("more.pem", other_root.x509), &err), SIPVEIL_OK);
    assert_false(is_recalled(&a));
    end(&a);
}

/* A refusal is never remembered, and nothing is where CRLs decide (ADV-122). */
static void refusals_are_not_remembered(void **state)
{
    (void)state;
    asking a = begin();
    a.question.at = LAB_NOW + 60; /* the one between has expired */
    assert_int_equal(ask(&a), SIPVEIL_UNTRUSTED_SIGNER);
    assert_false(is_recalled(&a));
    a.question.at = LAB_NOW;
    sv_chain_answer answer = {.from = LAB_NOW - 10, .until = LAB_NOW + 10};
    a.ring->crl_count = 1; /* as if one had been loaded */
    sv_chain_remember(a.memory, a.ring, &a.question, &answer);
    assert_false(is_recalled(&a));
    a.ring->crl_count = 0;
    assert_false(is_recalled(&a));
    assert_int_equal(ask(&a), SIPVEIL_OK);
    a.ring->crl_count = 1;
    assert_false(is_recalled(&a)); /* what was found before the CRL came */
    a.ring->crl_count = 0;
    end(&a);
}

/* What was remembered first goes first, and nothing that was held leaks (the sanitizers look). */
static void the_oldest_goes(void **state)
{
    enum { MORE = SV_CHAINS_KEPT + 3 };
    lab_certificate leaves[MORE];
    (void)state;
    asking a = begin();
    for (int i = 0; i < MORE; i++) {
        leaves[i] = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &middle});
        a.question.certificate = leaves[i].x509;
        assert_int_equal(ask(&a), SIPVEIL_OK);
    }
    for (int i = 0; i < MORE; i++) {
        a.question.certificate = leaves[i].x509;
        assert_int_equal(is_recalled(&a), i >= MORE - SV_CHAINS_KEPT);
        lab_free(&leaves[i]);
    }
    end(&a);
}

/* ---- what certificates say ---- */

static void same_signer(const sv_signer *a, const sv_signer *b)
{
    assert_int_equal(a->trust, b->trust);
    assert_int_equal(a->code, b->code);
    assert_string_equal(a->rule, b->rule);
    assert_string_equal(a->why, b->why);
    assert_true(a->name_checked == b->name_checked && a->chain_checked == b->chain_checked && a->time_checked == b->time_checked &&
                a->usage_checked == b->usage_checked && a->revocation_checked == b->revocation_checked);
    assert_true(a->not_before == b->not_before && a->not_after == b->not_after && a->holds_from == b->holds_from &&
                a->holds_until == b->holds_until);
}

/* Every question about certificates of all kinds, asked again and again in changing order, is answered as a thread
 * answers that knows nothing: address, host, second, purpose, and a pin (TUN-04, ADV-119, ADV-120). */
static void what_is_known_changes_no_answer(void **state)
{
    static const lab_form forms[] = {
        {.subject = "a", .san = "URI:" ALICE},
        {.subject = "b", .san = "URI:sip:bob@a.example,URI:" ALICE ",DNS:a.example"},
        {.subject = "c", .san = "URI:sip:a.example", .purposes = "serverAuth"},
        {.subject = "d", .san = "URI:" ALICE ",DNS:b.example", .purposes = "serverAuth"},
        {.subject = "e", .san = "email:alice@a.example", .purposes = "emailProtection", .usage = "critical,digitalSignature"},
        {.subject = "f", .san = "URI:" ALICE, .usage = "critical,keyAgreement"},
        {.subject = "g", .san = "URI:" ALICE, .from = 10, .until = 20},
        {.subject = "h"},
        {.subject = "i", .san = "DNS:a.example", .extension = "1.2.3.4", .extension_value = "\x05\x00", .extension_len = 2, .extension_critical = true},
        {.subject = "j", .san = "URI:" ALICE, .from = -20, .until = -10},
    };
    enum { FORMS = sizeof forms / sizeof *forms }; /* more than a thread knows */
    static const char *const aors[] = {ALICE, "sip:bob@a.example", "sip:a.example", ""};
    static const int64_t seconds[] = {0, 9, 10, 20, 21, -20, -10, -9};
    lab_certificate made[FORMS];
    uint8_t sha256[32];
    char hex[65];
    sipveil_error err;
    size_t good = 0, refused = 0;
    (void)state;
    assert_true((int)FORMS > (int)SV_CERTIFICATES_KNOWN);
    asking a = begin();
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    for (size_t i = 0; i < FORMS; i++) {
        lab_form form = forms[i];
        form.issuer = &root;
        made[i] = lab_make(&form);
    }
    assert_int_equal(sv_certificate_fingerprint(lab_context, made[8].x509, sha256, &err), SIPVEIL_OK);
    for (size_t i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
    assert_int_equal(sipveil_keyring_add_pin(a.ring, ALICE, hex, &err), SIPVEIL_OK);
    for (size_t n = 0; n < 4 * 8 * FORMS * 4; n++) {
        size_t i = n % 3 == 0 ? n / 32 % FORMS : n / 128 % FORMS; /* some return soon, some when they are forgotten */
        sv_signer_question question = {.certificate = made[i].x509, .aor = sv_span_str(aors[n % 4]), .at = LAB_NOW + seconds[n / 4 % 8],
                                       .host_signer = n % 5 == 0, .allow_tls_usage = n % 7 == 0, .ignore_validity = n % 11 == 0,
                                       .limits = sipveil_context_limits(lab_context), .memory = a.memory};
        sv_signer with, without;
        assert_int_equal(sv_keys_accept_signer(a.ring, &question, arena, &with, &err), SIPVEIL_OK);
        question.memory = NULL;
        assert_int_equal(sv_keys_accept_signer(a.ring, &question, arena, &without, &err), SIPVEIL_OK);
        same_signer(&with, &without);
        good += with.code == SIPVEIL_OK;
        refused += with.code != SIPVEIL_OK;
        sv_arena_reset(arena);
    }
    assert_true(good > 100 && refused > 100);
    for (size_t i = 0; i < FORMS; i++) lab_free(&made[i]);
    sv_arena_free(arena);
    end(&a);
}

/* A certificate that names more than a thread keeps is read each time. */
static void too_many_names_are_not_kept(void **state)
{
    char san[16384];
    size_t used = (size_t)snprintf(san, sizeof san, "URI:" ALICE);
    (void)state;
    for (int i = 0; i < 250; i++) used += (size_t)snprintf(san + used, sizeof san - used, ",URI:sip:number%d@a.example", i);
    lab_certificate many = lab_make(&(lab_form){.subject = "many", .san = san, .issuer = &root});
    asking a = begin();
    assert_non_null(sv_chain_memory_facts(a.memory, lab_context, leaf.x509));
    assert_null(sv_chain_memory_facts(a.memory, lab_context, many.x509));
    assert_null(sv_chain_memory_facts(NULL, lab_context, leaf.x509));
    sv_signer_question question = {.certificate = many.x509, .aor = SV_SPAN("sip:number249@a.example"), .at = LAB_NOW,
                                   .limits = sipveil_context_limits(lab_context), .memory = a.memory};
    sv_signer signer;
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sv_keys_accept_signer(a.ring, &question, arena, &signer, NULL), SIPVEIL_OK);
        assert_int_equal(signer.code, SIPVEIL_OK);
    }
    sv_arena_free(arena);
    end(&a);
    lab_free(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_is_recalled),
        cmocka_unit_test(time_is_part_of_it),
        cmocka_unit_test(options_and_certificates_are_part_of_it),
        cmocka_unit_test(the_ring_is_part_of_it),
        cmocka_unit_test(refusals_are_not_remembered),
        cmocka_unit_test(the_oldest_goes),
        cmocka_unit_test(what_is_known_changes_no_answer),
        cmocka_unit_test(too_many_names_are_not_kept),
    };
    return cmocka_run_group_tests_name("chains that were found good before", tests, make_all, drop_all);
}
