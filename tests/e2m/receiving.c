/* SPDX-License-Identifier: BSD-2-Clause */
/* What a receiver makes of messages by the key of an earlier one, where their own key is a crooked one. */
#include "held.h"

/* A generator that gives 32 planned octets once, where a content key is drawn, and then counts. */
typedef struct plan {
    uint8_t key[32];
    bool planned;
    uint64_t count;
} plan;

static bool planned_random(void *user, uint8_t *out, size_t len)
{
    plan *p = user;
    for (size_t i = 0; i < len; i++) out[i] = (uint8_t)(++p->count * 167 >> 3);
    if (p->planned && len >= sizeof p->key) {
        memcpy(out, p->key, sizeof p->key);
        p->planned = false;
    }
    return true;
}

static int64_t plan_clock(void *user)
{
    (void)user;
    return NOW;
}

/* CEK-06: a content key that is the key it is wrapped with, or the earlier one, was never drawn at random: refused by a UA,
 * like whatever cannot be decrypted; another key is taken (and then a signature is missed). */
static void content_keys_that_are_derived(void **state)
{
    for (int how = 0; how < 3; how++) {
        world *w = begin(state);
        plan p = {.planned = true};
        sipveil_hooks hooks;
        sipveil_context *context;
        sipveil_worker *writer;
        sv_cek_scopes scopes;
        sipveil_hooks_default(&hooks);
        hooks.user = &p;
        hooks.now = plan_clock;
        hooks.random = planned_random;
        assert_code(sipveil_context_new(&hooks, &context, &w->err), SIPVEIL_OK);
        assert_code(sipveil_worker_new(context, &writer, &w->err), SIPVEIL_OK);
        sipveil_span first = kept_invite(w, 5);
        at_p1(w, first);
        sv_cek_record record = held_by_p1(w, first, &scopes), after;
        sv_cms_key kek = kek_of(w, &record, SV_WRAP_AES_256);
        assert_int_equal(record.cek.len, sizeof p.key);
        memcpy(p.key, how == 0 ? record.cek.data : kek.kek.data, sizeof p.key);
        if (how == 2) p.key[5] ^= 1;
        sipveil_span message = written_by(w, writer, kek, NULL, 1); /* a key of the world is for its own context */
        assert_false(p.planned);
        assert_code(try_open(w, &w->ua1, message), how == 2 ? SIPVEIL_NOT_SIGNED : SIPVEIL_CANNOT_DECRYPT);
        assert_int_equal(w->err.sip_status, 493);
        after = held_by_p1(w, first, &scopes);
        assert_int_equal(after.uses, record.uses);
        sipveil_worker_free(writer);
        sipveil_context_free(context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(content_keys_that_are_derived)};
    return cmocka_run_group_tests_name("messages by an earlier key", tests, world_setup, world_teardown);
}
