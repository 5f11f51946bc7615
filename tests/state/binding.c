/* SPDX-License-Identifier: BSD-2-Clause */
/* Bindings in the store: each serves in its own dialog, while it lives, once its key has shown itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "state/binding.h"

enum { NOW = 1795255200, UNTIL = NOW + 1000 };

typedef struct bench {
    sv_arena *arena;
    sv_store *store;
} bench;

static int setup(void **state)
{
    static bench b;
    b.arena = sv_arena_new(1 << 14, 1 << 22);
    *state = &b;
    return b.arena == NULL || sv_store_new(&b.store, NULL) != SIPVEIL_OK;
}

static int teardown(void **state)
{
    bench *b = *state;
    sv_store_free(b->store);
    sv_arena_free(b->arena);
    return 0;
}

static sv_dialog dialog(const char *call_id, const char *remote, const char *local)
{
    return (sv_dialog){sv_span_str(call_id), sv_span_str(local), sv_span_str(remote)};
}

static sv_binding sample(sv_dialog d, uint8_t which)
{
    sv_binding b = {.dialog = d, .state = SV_BINDING_CLAIMED, .carrier = 1, .path = 1, .peer = SV_SPAN("sip:alice@a.example"),
                    .local = SV_SPAN("sip:bob@b.example"), .certificate = SV_SPAN("DER"), .domain = SV_SPAN("a.example"),
                    .issued = NOW - 5, .made = NOW, .not_after = UNTIL, .until = UNTIL};
    memset(b.sha256, which, sizeof b.sha256);
    memset(b.key_sha256, which + 1, sizeof b.key_sha256);
    memset(b.service_sha256, 9, sizeof b.service_sha256);
    return b;
}

static void keep(bench *b, const sv_binding *binding)
{
    assert_int_equal(sv_binding_keep(b->store, b->arena, binding, NOW, NULL), SIPVEIL_OK);
}

static bool finds(bench *b, sv_dialog d, sv_binding_place place, int64_t now, sv_binding *out)
{
    memset(out, 0xAA, sizeof *out);
    return sv_binding_find(b->store, &d, place, now, b->arena, out) == SIPVEIL_OK;
}

/* IDN-59: what is in the record comes back. */
static void record_comes_back(void **state)
{
    bench *b = *state;
    sv_binding in = sample(dialog("c1", "r", "l"), 1), out;
    in.confirmed = in.weak = in.closing = true;
    in.issued = -7;
    keep(b, &in);
    assert_true(finds(b, in.dialog, SV_BINDING_CURRENT, NOW, &out));
    assert_true(sv_equal_str(out.peer, "sip:alice@a.example") && sv_equal_str(out.local, "sip:bob@b.example"));
    assert_true(sv_equal_str(out.certificate, "DER") && sv_equal_str(out.domain, "a.example"));
    assert_true(out.confirmed && out.weak && out.closing && out.carrier == 1 && out.path == 1 && out.state == SV_BINDING_CLAIMED);
    assert_memory_equal(out.sha256, in.sha256, 32);
    assert_memory_equal(out.key_sha256, in.key_sha256, 32);
    assert_memory_equal(out.service_sha256, in.service_sha256, 32);
    assert_true(out.issued == -7 && out.made == NOW && out.proven == 0 && out.not_after == UNTIL && out.until == UNTIL);
}

/* IDN-59, IDN-60: another Call-ID, another tag on either side, or no tag: another dialog. */
static void serves_in_its_dialog_only(void **state)
{
    bench *b = *state;
    static const char *const others[][3] = {
        {"c2", "r", "l"}, {"c1", "x", "l"}, {"c1", "r", "x"}, {"c1", "l", "r"}, {"c1", "", "l"}, {"c1", "r", ""},
        {"c1", "", ""},   {"C1", "r", "l"}, {"c1", "R", "l"}, {"c1r", "", "l"}, {"c1", "rl", ""},
    };
    sv_binding in = sample(dialog("c1", "r", "l"), 1), out;
    keep(b, &in);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(finds(b, dialog(others[i][0], others[i][1], others[i][2]), SV_BINDING_CURRENT, NOW, &out));
        assert_int_equal(out.sha256[0], 0);
    }
    assert_false(finds(b, in.dialog, SV_BINDING_NEXT, NOW, &out));
}

/* IDN-60: through its last second and no further; the record stays a day so that its end can be told. */
static void ends_in_time(void **state)
{
    bench *b = *state;
    sv_binding in = sample(dialog("c1", "r", "l"), 1), out, *all;
    size_t count;
    keep(b, &in);
    assert_true(finds(b, in.dialog, SV_BINDING_CURRENT, UNTIL, &out));
    assert_false(finds(b, in.dialog, SV_BINDING_CURRENT, UNTIL + 1, &out));
    assert_int_equal(sv_binding_prove(b->store, &in.dialog, in.sha256, UNTIL + 1, b->arena, &out), SIPVEIL_NO_KEY);
    assert_int_equal(sv_binding_list(b->store, b->arena, &all, &count, NULL), SIPVEIL_OK);
    assert_true(count == 1 && !sv_binding_lives(&all[0], UNTIL + 1));
    sv_binding_remove(b->store, b->arena, &all[0]);
    assert_int_equal(sv_store_count(b->store, SV_STORE_BINDING), 0);
}

/* A binding of the request that forms a dialog: it serves what that request formed, and is then completed. */
static void early_dialog(void **state)
{
    bench *b = *state;
    sv_binding in = sample(dialog("c1", "r", ""), 1), out;
    keep(b, &in);
    assert_true(finds(b, dialog("c1", "r", ""), SV_BINDING_CURRENT, NOW, &out));
    assert_true(finds(b, dialog("c1", "r", "l"), SV_BINDING_CURRENT, NOW, &out));
    assert_int_equal(sv_binding_complete(b->store, b->arena, &out, SV_SPAN("l"), NOW, NULL), SIPVEIL_OK);
    assert_true(finds(b, dialog("c1", "r", "l"), SV_BINDING_CURRENT, NOW, &out));
    assert_false(finds(b, dialog("c1", "r", "other"), SV_BINDING_CURRENT, NOW, &out));
    assert_int_equal(sv_store_count(b->store, SV_STORE_BINDING), 1);
}

/* IDN-58, IDN-61: the current one is proven; the next one takes its place when it is. */
static void proof(void **state)
{
    bench *b = *state;
    sv_binding first = sample(dialog("c1", "r", "l"), 1), second = sample(dialog("c1", "r", "l"), 2), out;
    uint8_t other[32] = {7};
    second.place = SV_BINDING_NEXT;
    keep(b, &first);
    keep(b, &second);
    assert_int_equal(sv_binding_prove(b->store, &first.dialog, other, NOW, b->arena, &out), SIPVEIL_NO_KEY);
    sv_dialog elsewhere = dialog("c2", "r", "l");
    assert_int_equal(sv_binding_prove(b->store, &elsewhere, first.sha256, NOW, b->arena, &out), SIPVEIL_NO_KEY);
    assert_int_equal(sv_binding_prove(b->store, &first.dialog, first.sha256, NOW + 1, b->arena, &out), SIPVEIL_OK);
    assert_true(out.state == SV_BINDING_PROVEN && out.proven == NOW + 1 && out.place == SV_BINDING_CURRENT);
    assert_int_equal(sv_binding_prove(b->store, &first.dialog, first.sha256, NOW + 9, b->arena, &out), SIPVEIL_OK);
    assert_int_equal(out.proven, NOW + 1);
    assert_int_equal(sv_binding_prove(b->store, &first.dialog, second.sha256, NOW + 2, b->arena, &out), SIPVEIL_OK);
    assert_true(finds(b, first.dialog, SV_BINDING_CURRENT, NOW + 2, &out));
    assert_memory_equal(out.sha256, second.sha256, 32);
    assert_false(finds(b, first.dialog, SV_BINDING_NEXT, NOW + 2, &out));
    assert_int_equal(sv_store_count(b->store, SV_STORE_BINDING), 1);
}

/* What is listed for one message is of its call alone, and costs what that call has: 500 others change nothing. */
static void one_call_among_many(void **state)
{
    bench *b = *state;
    sv_binding first = sample(dialog("c1", "r", "l"), 1), fork = sample(dialog("c1", "r", "m"), 2), *all;
    size_t count, before, alone;
    keep(b, &first);
    keep(b, &fork);
    before = sv_arena_used(b->arena);
    assert_int_equal(sv_binding_list_of_call(b->store, b->arena, SV_SPAN("c1"), &all, &count, NULL), SIPVEIL_OK);
    alone = sv_arena_used(b->arena) - before;
    assert_true(count == 2 && sv_equal_str(all[0].dialog.local_tag, "l") && sv_equal_str(all[1].dialog.local_tag, "m"));
    for (int i = 0; i < 500; i++) {
        char call[16];
        snprintf(call, sizeof call, "other %d", i);
        sv_binding other = sample(dialog(call, "r", "l"), 3);
        keep(b, &other);
    }
    before = sv_arena_used(b->arena);
    assert_int_equal(sv_binding_list_of_call(b->store, b->arena, SV_SPAN("c1"), &all, &count, NULL), SIPVEIL_OK);
    assert_int_equal(count, 2);
    assert_int_equal(sv_arena_used(b->arena) - before, alone);
    assert_int_equal(sv_binding_list_of_call(b->store, b->arena, SV_SPAN("c2"), &all, &count, NULL), SIPVEIL_OK);
    assert_int_equal(count, 0);
}

/* Others keep other things of a dialog in the same store; a record that is not whole is none. */
static void foreign_and_broken(void **state)
{
    bench *b = *state;
    sv_binding in = sample(dialog("c1", "r", "l"), 1), out, *all;
    size_t count;
    char name[] = "bound\0cr\0l";
    uint8_t short_record[] = {1, 2, 0};
    assert_int_equal(sv_store_add(b->store, SV_STORE_BINDING, SV_SPAN("c1"), SV_SPAN("signer sip:a@b"), SV_SPAN("x"), NOW,
                                  UNTIL, NULL), SIPVEIL_OK);
    assert_int_equal(sv_store_add(b->store, SV_STORE_BINDING, SV_SPAN("c1"), sv_span(name, sizeof name - 1),
                                  sv_span(short_record, sizeof short_record), NOW, UNTIL, NULL), SIPVEIL_OK);
    assert_false(finds(b, in.dialog, SV_BINDING_CURRENT, NOW, &out));
    assert_int_equal(sv_binding_list(b->store, b->arena, &all, &count, NULL), SIPVEIL_OK);
    assert_int_equal(count, 0);
    keep(b, &in); /* in its place */
    assert_true(finds(b, in.dialog, SV_BINDING_CURRENT, NOW, &out));
}

/* A certificate that does not fit is refused, not cut. */
static void too_large(void **state)
{
    bench *b = *state;
    static uint8_t large[70000];
    sv_binding in = sample(dialog("c1", "r", "l"), 1);
    in.certificate = sv_span(large, 16 << 10);
    assert_int_equal(sv_binding_keep(b->store, b->arena, &in, NOW, NULL), SIPVEIL_LIMIT);
    in.certificate = sv_span(large, sizeof large);
    assert_int_equal(sv_binding_keep(b->store, b->arena, &in, NOW, NULL), SIPVEIL_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(record_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(serves_in_its_dialog_only, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(early_dialog, setup, teardown),
        cmocka_unit_test_setup_teardown(proof, setup, teardown),
        cmocka_unit_test_setup_teardown(one_call_among_many, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_and_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large, setup, teardown),
    };
    return cmocka_run_group_tests_name("certificates bound for a dialog", tests, NULL, NULL);
}
