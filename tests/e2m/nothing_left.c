/* SPDX-License-Identifier: BSD-2-Clause */
/* Content keys that are held for later messages are in the pages that are left out of core files and nowhere else (ADV-212), and
 * gone when their holders are (ADV-213). */
#include "e2m/cek.h"

#include "emulated.h"
#include "memory_scan.h"
#include "tunnel/memory.h"
#include "world.h"

static bool learn(void *state, const sv_store_entry *entry)
{
    sv_cek_record record;
    assert_true(sv_cek_take_record(entry->value, &record));
    *(scan_secret *)state = (scan_secret){"a held content key", scan_keep(record.cek.data, record.cek.len), record.cek.len};
    return false;
}

static void new_workers(world *w)
{
    sipveil_worker_free(w->worker);
    sipveil_worker_free(w->other);
    assert_code(sipveil_worker_new(w->context, &w->worker, &w->err), SIPVEIL_OK);
    assert_code(sipveil_worker_new(w->context, &w->other, &w->err), SIPVEIL_OK);
    sv_arena_reset(w->arena);
}

static void assert_held(const scan_secret *key, size_t holders)
{
    scan_found found = scan_for(key, 1);
    assert_int_equal(found.count, holders);
    assert_true(found.all_not_dumped || is_emulated());
}

static void held_keys(void **state)
{
    world *w = begin(state);
    scan_secret key;
    uint8_t *image;
    size_t length;
    sipveil_span message = kept_invite(w, 5);
    sv_store_visit(sv_memory_store(w->ua1.memory), SV_STORE_CEK, learn, &key);
    assert_true(key.len >= 16);
    at_p1(w, message);
    assert_int_equal(w->verdict.action, SIPVEIL_E2M_FORWARD);
    assert_code(try_open(w, &w->ua2, message), SIPVEIL_OK);
    new_workers(w);
    assert_held(&key, 3);
    /* Used, it is counted: held anew, once each. */
    message = reused(w, &w->ua2, from_bob(w, 1));
    at_p1(w, message);
    assert_int_equal(w->verdict.action, SIPVEIL_E2M_FORWARD);
    assert_code(try_open(w, &w->ua1, message), SIPVEIL_OK);
    new_workers(w);
    assert_held(&key, 3);
    /* As a state file, and out of it. */
    assert_code(sipveil_memory_save(w->p1.memory, NOW, &image, &length, &w->err), SIPVEIL_OK);
    assert_false(scan_for(&key, 1).all_not_dumped); /* the image is the caller's */
    sipveil_memory_free(w->p1.memory);
    assert_code(sipveil_memory_new(&w->p1.memory, &w->err), SIPVEIL_OK);
    assert_code(sipveil_memory_load(w->p1.memory, sv_span(image, length), NOW, &w->err), SIPVEIL_OK);
    sipveil_memory_wipe_image(image, length);
    assert_held(&key, 3);
    /* Each way to an end. */
    w->clock = NOW + SV_CEK_LIFE + 1;
    at_p1(w, from_bob(w, 2));
    sv_store *store = sv_memory_store(w->p1.memory);
    assert_code(sv_store_add(store, SV_STORE_CEK, SV_SPAN("s"), SV_SPAN("n"), SV_SPAN("v"), w->clock, w->clock, &w->err), SIPVEIL_OK);
    new_workers(w);
    assert_held(&key, 2);
    sipveil_memory_free(w->ua1.memory);
    w->ua1.memory = NULL;
    assert_held(&key, 1);
    sipveil_memory_free(w->ua2.memory);
    w->ua2.memory = NULL;
    assert_held(&key, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(held_keys)};
    if (scan_is_senseless()) return 77;
    return cmocka_run_group_tests_name("nothing is left of held keys", tests, world_setup, world_teardown);
}
