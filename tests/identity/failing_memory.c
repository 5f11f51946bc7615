/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and random numbers that end while an identity is signed or verified, at the nth time they are asked for (ADV-214,
 * ADV-215): nothing is signed or vouched for, nothing that was seen is forgotten and nothing that was refused for this reason
 * counts as seen, so that the same call succeeds afterwards. Every allocation of an arena is one that can fail here. */
#include "failing.h"

#include "base/error.h"
#include "identity/world.h"
#include "sipveil/tunnel.h"

static struct {
    world *w;
    sipveil_worker *worker;
    sipveil_memory *memory;
    sipveil_identity_cache *cache;
    sipveil_span message, response;
    bool cached;
} now;

static void start(void *user)
{
    sipveil_error err;
    (void)user;
    failing.no_room = true;
    assert_int_equal(sipveil_worker_new(now.w->context, &now.worker, &err), SIPVEIL_OK);
    failing.no_room = false;
    assert_int_equal(sipveil_memory_new(&now.memory, &err), SIPVEIL_OK);
    if (now.cached) assert_int_equal(sipveil_identity_cache_new(now.w->trust, 4, &now.cache, &err), SIPVEIL_OK);
}

static void stop(void *user)
{
    (void)user;
    sipveil_worker_free(now.worker);
    sipveil_memory_free(now.memory);
    sipveil_identity_cache_free(now.cache);
    now.cache = NULL;
}

static bool is_zero(const void *what, size_t len)
{
    const uint8_t *at = what;
    for (size_t i = 0; i < len; i++) {
        if (at[i] != 0) return false;
    }
    return true;
}

static sipveil_code sign_once(void *user, sipveil_error *err)
{
    sipveil_identity_signed out;
    (void)user;
    memset(&out, 0xAA, sizeof out);
    sipveil_code code = sipveil_identity_sign_request(now.worker, &now.w->sign, now.message, &out, err);
    if (code == SIPVEIL_OK) assert_true(out.is_signed && out.message.len > now.message.len);
    else assert_true(is_zero(&out, sizeof out));
    return code;
}

/* What libcrypto cannot do without memory looks like what cannot be verified: a verdict, and not a good one. */
static sipveil_code verify_once(void *user, sipveil_error *err)
{
    static sipveil_identity_verdict out;
    sipveil_identity_verify_options options = now.w->verify;
    (void)user;
    options.memory = now.memory;
    options.cache = now.cache;
    memset(&out, 0xAA, sizeof out);
    sipveil_code code = sipveil_identity_verify_request(now.worker, &options, now.message, &out, err);
    if (code != SIPVEIL_OK) assert_true(is_zero(&out, sizeof out));
    else if (failing.whose != FAILING_LIBCRYPTO && failing.whose != FAILING_RANDOM && !out.valid && failing.left > 0) fail_msg("%d: %s", out.status, out.reason.text);
    else if (failing.whose == FAILING_OURS && !out.valid) fail_msg("without number %zu: %d, %s", failing.tried, out.status, out.reason.text);
    else if (!out.valid) return sv_fail(err, "test", SIPVEIL_BAD_SIGNATURE, "%d: %s", out.status, out.reason.text);
    return code;
}

/* Seen or not seen, and nothing between: it is taken once more exactly where it was not taken before. */
static void once(void *user, sipveil_code code)
{
    static sipveil_identity_verdict out;
    sipveil_error err;
    sipveil_identity_verify_options options = now.w->verify;
    (void)user;
    if (code != SIPVEIL_OK) return; /* the next try shows it */
    options.memory = now.memory;
    assert_int_equal(sipveil_identity_verify_request(now.w->verifier, &options, now.message, &out, &err), SIPVEIL_OK);
    assert_false(out.valid);
}

static void signed_and_verified(world *w, const char *what)
{
    enum { LIBRARY_TRIES = 32 }; /* the blinding of an RSA key */
    const failing_operation signs = {what, start, sign_once, NULL, stop, .wanted = SIPVEIL_OK, .tries = LIBRARY_TRIES};
    const failing_operation verifies = {what, start, verify_once, once, stop, .wanted = SIPVEIL_OK, .without = 1 << FAILING_RANDOM | 1 << FAILING_OURS /* some of it is for the next message alone */};
    now.w = w;
    now.message = SV_SPAN(INVITE);
    failing_table(&signs, 1, NULL);
    assert_code(sipveil_identity_sign_request(w->worker, &w->sign, now.message, &w->made, &w->err), SIPVEIL_OK);
    assert_true(sv_arena_copy(w->arena, w->made.message, &now.message));
    failing_table(&verifies, 1, NULL);
    now.cached = true;
    failing_table(&verifies, 1, NULL);
    now.cached = false;
}

/* Once more in full after a 438 (IDN-35), the response that asks for it, and what is told of a verdict. */
static sipveil_code retry_once(void *user, sipveil_error *err)
{
    sipveil_identity_signed out;
    (void)user;
    memset(&out, 0xAA, sizeof out);
    sipveil_code code = sipveil_identity_retry_request(now.worker, &now.w->sign, now.message, now.response, &out, err);
    if (code == SIPVEIL_OK) assert_true(out.is_signed && out.message.len > now.message.len);
    else assert_true(is_zero(&out, sizeof out));
    return code;
}

static sipveil_code answer_once(void *user, sipveil_error *err)
{
    sipveil_span out = SV_SPAN("x");
    size_t at;
    (void)user;
    sipveil_code code = sipveil_identity_write_refusal(now.worker, now.message, 438, NULL, &out, err);
    if (code == SIPVEIL_OK) assert_true(sv_find(out, SV_SPAN("SIP/2.0 438 "), &at) && at == 0);
    else assert_null(out.data);
    return code;
}

static sipveil_code report_once(void *user, sipveil_error *err)
{
    sipveil_span out = SV_SPAN("x");
    (void)user;
    sipveil_code code = sipveil_identity_report_json(now.worker, &now.w->verdict, &out, err);
    if (code == SIPVEIL_OK) assert_true(out.len > 2 && out.data[out.len - 2] == '}');
    else assert_null(out.data);
    return code;
}

static void after_a_refusal(void **state)
{
    enum { OWN_ONLY = 1 << FAILING_LIBCRYPTO | 1 << FAILING_RANDOM };
    static const failing_operation retries = {"once more in full", start, retry_once, NULL, stop, .wanted = SIPVEIL_OK},
                                   answers = {"438", start, answer_once, NULL, stop, .wanted = SIPVEIL_OK, .without = 1 << FAILING_LIBCRYPTO},
                                   reports = {"a report", start, report_once, NULL, stop, .wanted = SIPVEIL_OK, .without = OWN_ONLY};
    world *w = now.w = begin(state);
    w->sign.compact = true;
    now.message = sign(w, INVITE);
    assert_valid(w, now.message);
    failing_table(&answers, 1, NULL);
    failing_table(&reports, 1, NULL);
    assert_code(sipveil_identity_write_refusal(w->worker, now.message, 438, NULL, &now.response, &w->err), SIPVEIL_OK);
    assert_true(sv_arena_copy(w->arena, now.response, &now.response));
    failing_table(&retries, 1, NULL);
}

static void passport(void **state)
{
    signed_and_verified(begin(state), "PASSporT, full form");
}

static void compact(void **state)
{
    world *w = begin(state);
    w->sign.compact = true;
    signed_and_verified(w, "PASSporT, compact form");
}

static void old(void **state)
{
    world *w = begin(state);
    use_old(w);
    signed_and_verified(w, "RFC 4474");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(passport), cmocka_unit_test(compact), cmocka_unit_test(old), cmocka_unit_test(after_a_refusal)};
    if (!failing_install()) return 2;
    return cmocka_run_group_tests_name("memory that ends in identity", tests, world_setup, world_teardown);
}
