/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state/store.h"
#include "state/store_kinds.h"

static sv_store *store, *other;
static sv_arena *arena;
static sipveil_error err;

static int set_up(void **state)
{
    (void)state;
    arena = sv_arena_new(1 << 14, 1 << 20);
    if (arena == NULL || sv_store_new(&store, &err) != SIPVEIL_OK) return -1;
    return sv_store_new(&other, &err) == SIPVEIL_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sv_store_free(store);
    sv_store_free(other);
    sv_arena_free(arena);
    return 0;
}

static void fill(void)
{
    static const struct {
        sv_store_kind kind;
        const char *scope, *name, *value;
        int64_t expires;
    } rows[] = {
        {SV_STORE_SEEN, "call", "digest", "", 100},      {SV_STORE_SEEN, "call", "other", "", 50},
        {SV_STORE_CEK, "dialog", "one", "key one", 100}, {SV_STORE_CEK, "dialog", "two", "key two", 90},
        {SV_STORE_CEK, "else", "one", "key", 100},       {SV_STORE_BINDING, "", "", "", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sv_store_add(store, rows[i].kind, sv_span_str(rows[i].scope),
                                      sv_span_str(rows[i].name), sv_span_str(rows[i].value), 0,
                                      rows[i].expires, &err), SIPVEIL_OK);
    }
}

static bool has(const sv_store *s, sv_store_kind kind, const char *scope, const char *name, const char *value)
{
    sipveil_span found;
    return sv_store_find(s, kind, sv_span_str(scope), sv_span_str(name), 60, &found) &&
           sv_equal_str(found, value);
}

static sipveil_span image_of(sv_store *s, int64_t now)
{
    sipveil_span image;
    assert_int_equal(sv_store_save(s, now, arena, &image, &err), SIPVEIL_OK);
    return image;
}

/* ADV-145: the memory outlives a restart. */
static void comes_back_from_its_image(void **state)
{
    (void)state;
    fill();
    sipveil_span image = image_of(store, 60);
    assert_memory_equal(image.data, "sipveil\x01\0\0\0\x01\0\0\0\x05", 16);
    assert_int_equal(sv_store_load(other, image, 60, &err), SIPVEIL_OK);
    assert_int_equal(sv_store_count(other, SV_STORE_SEEN), 1); /* one had expired */
    assert_int_equal(sv_store_count(other, SV_STORE_CEK), 3);
    assert_true(has(other, SV_STORE_SEEN, "call", "digest", ""));
    assert_true(has(other, SV_STORE_CEK, "dialog", "one", "key one"));
    assert_true(has(other, SV_STORE_CEK, "dialog", "two", "key two"));
    assert_true(has(other, SV_STORE_CEK, "else", "one", "key"));
    assert_true(has(other, SV_STORE_BINDING, "", "", ""));
    assert_int_equal(sv_store_add(other, SV_STORE_SEEN, SV_SPAN("call"), SV_SPAN("digest"), SV_SPAN(""), 60,
                                  200, &err), SIPVEIL_REPLAY);
    /* what expires later is dropped later */
    assert_int_equal(sv_store_add(other, SV_STORE_SEEN, SV_SPAN("call"), SV_SPAN("digest"), SV_SPAN(""), 101,
                                  200, &err), SIPVEIL_OK);
    sv_store *late;
    assert_int_equal(sv_store_new(&late, &err), SIPVEIL_OK);
    assert_int_equal(sv_store_load(late, image, 95, &err), SIPVEIL_OK);
    assert_int_equal(sv_store_count(late, SV_STORE_CEK), 2);
    sv_store_free(late);
}

static void keeps_the_order_of_age(void **state)
{
    (void)state;
    fill();
    assert_int_equal(sv_store_load(other, image_of(store, 60), 60, &err), SIPVEIL_OK);
    sv_store_set_caps(other, SV_STORE_CEK, (sv_store_caps){.entries = 100, .entries_per_scope = 2});
    assert_int_equal(sv_store_add(other, SV_STORE_CEK, SV_SPAN("dialog"), SV_SPAN("three"), SV_SPAN("k"), 60,
                                  100, &err), SIPVEIL_OK);
    assert_false(has(other, SV_STORE_CEK, "dialog", "one", "key one"));
    assert_true(has(other, SV_STORE_CEK, "dialog", "two", "key two"));
}

/* ADV-171: what the image holds is older than what is there, and the first wins. */
static void adds_to_what_is_there(void **state)
{
    (void)state;
    fill();
    assert_int_equal(sv_store_add(other, SV_STORE_SEEN, SV_SPAN("call"), SV_SPAN("new"), SV_SPAN(""), 60, 100,
                                  &err), SIPVEIL_OK);
    assert_int_equal(sv_store_add(other, SV_STORE_CEK, SV_SPAN("else"), SV_SPAN("one"), SV_SPAN("late"), 60,
                                  100, &err), SIPVEIL_OK);
    err.code = SIPVEIL_OK;
    assert_int_equal(sv_store_load(other, image_of(store, 60), 60, &err), SIPVEIL_OK);
    assert_int_equal(err.code, SIPVEIL_OK);
    assert_true(has(other, SV_STORE_SEEN, "call", "new", ""));
    assert_true(has(other, SV_STORE_SEEN, "call", "digest", ""));
    assert_true(has(other, SV_STORE_CEK, "else", "one", "key"));
}

static void an_empty_store_has_an_image(void **state)
{
    (void)state;
    sipveil_span image = image_of(store, 0);
    assert_int_equal(image.len, 16 + 32);
    fill();
    assert_int_equal(sv_store_load(store, image, 0, &err), SIPVEIL_OK);
    assert_int_equal(sv_store_count(store, SV_STORE_CEK), 3);
}

/* A damaged image is refused whole: every octet changed, every length cut, octets added. */
static void refuses_every_damage(void **state)
{
    (void)state;
    fill();
    sipveil_span good = image_of(store, 60);
    uint8_t *bad = malloc(good.len + 1);
    assert_non_null(bad);
    memcpy(bad, good.data, good.len);
    bad[good.len] = 0;
    assert_int_equal(sv_store_load(other, sv_span(bad, good.len + 1), 60, &err), SIPVEIL_MALFORMED);
    for (size_t i = 0; i < good.len; i++) {
        assert_int_equal(sv_store_load(other, sv_span(bad, i), 60, &err), SIPVEIL_MALFORMED);
        bad[i] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(sv_store_load(other, sv_span(bad, good.len), 60, &err), SIPVEIL_MALFORMED);
        bad[i] = good.data[i];
    }
    assert_int_equal(sv_store_load(other, sv_span(NULL, 0), 60, &err), SIPVEIL_MALFORMED);
    assert_string_equal(err.room, "state");
    for (int kind = SV_STORE_SEEN; kind <= SV_STORE_TRANSACTION; kind++) {
        assert_int_equal(sv_store_count(other, (sv_store_kind)kind), 0);
    }
    assert_int_equal(sv_store_load(other, sv_span(bad, good.len), 60, &err), SIPVEIL_OK);
    free(bad);
}

#define HEAD(version, count) "sipveil\x01\0\0\0" version "\0\0\0" count
#define FAR "\0\0\0\0\0\0\xff\xff"

/* The same behind a good digest: nothing relies on it. */
static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        sipveil_code code;
        const char *octets;
        size_t len;
    } rows[] = {
#define ROW(code, octets) {code, octets, sizeof(octets) - 1}
        ROW(SIPVEIL_OK, HEAD("\1", "\0")),
        ROW(SIPVEIL_OK, HEAD("\1", "\1") "\1" FAR "\0\0\0\1\0\0\0\1\0\0\0\1" "abc"),
        ROW(SIPVEIL_MALFORMED, HEAD("\2", "\0")),
        ROW(SIPVEIL_MALFORMED, HEAD("\1", "\1")),
        ROW(SIPVEIL_MALFORMED, HEAD("\1", "\0") "\0"),
        ROW(SIPVEIL_MALFORMED, HEAD("\1", "\xff")),
        ROW(SIPVEIL_MALFORMED, "sipveil\x01\0\0\0\1\0\0"),
        ROW(SIPVEIL_MALFORMED, "sipveil\x01\0\0"),
        ROW(SIPVEIL_MALFORMED, "sipveil\x02\0\0\0\1\0\0\0\0"),
        ROW(SIPVEIL_MALFORMED, HEAD("\1", "\1") "\0" FAR "\0\0\0\1\0\0\0\1\0\0\0\1" "abc"), /* kind */
        ROW(SIPVEIL_MALFORMED, HEAD("\1", "\1") "\x7f" FAR "\0\0\0\1\0\0\0\1\0\0\0\1" "abc"),
        ROW(SIPVEIL_MALFORMED, HEAD("\1", "\1") "\xff" FAR "\0\0\0\1\0\0\0\1\0\0\0\1" "abc"),
        ROW(SIPVEIL_MALFORMED, HEAD("\1", "\1") "\1" FAR "\0\0\0\1\0\0\0\1\0\0\0\2" "abc"), /* lengths */
        ROW(SIPVEIL_MALFORMED, HEAD("\1", "\1") "\1" FAR "\xff\xff\xff\xff\0\0\0\1\0\0\0\1" "abc"),
        ROW(SIPVEIL_MALFORMED, HEAD("\1", "\1") "\1" FAR "\0\0\0\1\0\0\0\1\0\0\0\1" "abcd"),
        ROW(SIPVEIL_MALFORMED, HEAD("\1", "\2") "\1" FAR "\0\0\0\1\0\0\0\1\0\0\0\1" "abc" /* twice */
                               "\1" FAR "\0\0\0\1\0\0\0\1\0\0\0\1" "abd"),
        /* expired long ago: a negative time */
        ROW(SIPVEIL_OK, HEAD("\1", "\1") "\1" "\xff\0\0\0\0\0\0\0" "\0\0\0\1\0\0\0\1\0\0\0\1" "abc"),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sipveil_span body = sv_span(rows[i].octets, rows[i].len);
        sipveil_code code = sv_store_load_unverified_body(store, body, 60, &err);
        if (code != rows[i].code) fail_msg("row %zu: %s", i, sipveil_code_name(code));
    }
    assert_int_equal(sv_store_count(store, SV_STORE_SEEN), 1);
}

static void an_image_over_the_caps_changes_nothing(void **state)
{
    (void)state;
    fill();
    sipveil_span image = image_of(store, 0);
    sv_store_set_caps(other, SV_STORE_SEEN, (sv_store_caps){.entries = 1, .fail_when_full = true});
    assert_int_equal(sv_store_load(other, image, 0, &err), SIPVEIL_LIMIT);
    assert_int_equal(sv_store_count(other, SV_STORE_SEEN), 0);
    assert_int_equal(sv_store_count(other, SV_STORE_CEK), 0);
    sv_arena *small = sv_arena_new(64, 64);
    assert_non_null(small);
    assert_int_equal(sv_store_save(store, 0, small, &image, &err), SIPVEIL_INTERNAL); /* ADV-215 */
    assert_int_equal(image.len, 0);
    sv_arena_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back_from_its_image, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_the_order_of_age, set_up, tear_down),
        cmocka_unit_test_setup_teardown(adds_to_what_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_store_has_an_image, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_every_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_does_not_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_image_over_the_caps_changes_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("state image", tests, NULL, NULL);
}
