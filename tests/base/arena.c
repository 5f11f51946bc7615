/* SPDX-License-Identifier: BSD-2-Clause */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/span.h"

static void gives_aligned_zeroed_memory(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(100, 1 << 16);
    assert_non_null(arena);
    for (size_t size = 0; size < 70; size++) {
        uint8_t *p = sv_arena_alloc(arena, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(p[i], 0);
        memset(p, 0xA5, size); /* the next one must not show it */
    }
    sv_arena_free(arena);
}

static void one_does_not_reach_into_another(void **state)
{
    (void)state;
    uint8_t *p[50];
    sv_arena *arena = sv_arena_new(64, 1 << 16);
    assert_non_null(arena);
    for (size_t i = 0; i < 50; i++) {
        p[i] = sv_arena_alloc_raw(arena, 1 + i * 7);
        assert_non_null(p[i]);
        memset(p[i], (int)i, 1 + i * 7);
    }
    for (size_t i = 0; i < 50; i++) {
        for (size_t k = 0; k < 1 + i * 7; k++) assert_int_equal(p[i][k], i);
    }
    sv_arena_free(arena);
}

/* ADV-212: the same arena, its first block in pages of its own. */
static void may_be_left_out_of_core_files(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new_not_dumped(5000, 1 << 16);
    assert_non_null(arena);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(sv_arena_held(arena), 5000);
        uint8_t *first = sv_arena_alloc(arena, 4900), *second = sv_arena_alloc(arena, 300);
        assert_true(first != NULL && second != NULL);
        for (size_t i = 0; i < 4900; i++) assert_int_equal(first[i], 0);
        memset(first, 0xA5, 4900);
        memset(second, 0xA5, 300);
        assert_null(sv_arena_alloc(arena, 1 << 16));
        sv_arena_reset(arena);
    }
    sv_arena_free(arena);
    assert_null(sv_arena_new_not_dumped(SIZE_MAX, SIZE_MAX));
}

static void refuses_more_than_its_most(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(1024, 4096);
    assert_non_null(arena);
    assert_null(sv_arena_alloc(arena, 4096)); /* the first block counts */
    assert_null(sv_arena_alloc(arena, SIZE_MAX));
    assert_null(sv_arena_alloc(arena, SIZE_MAX - 15));
    assert_null(sv_arena_alloc_array(arena, SIZE_MAX / 2, 3));
    size_t past_half = (size_t)2 << (sizeof(size_t) * CHAR_BIT / 2); /* its square is no size */
    assert_null(sv_arena_alloc_array(arena, past_half, past_half));
    assert_non_null(sv_arena_alloc(arena, 1024));
    assert_non_null(sv_arena_alloc(arena, 3072));
    assert_null(sv_arena_alloc(arena, 1));
    sv_arena_reset(arena);
    assert_non_null(sv_arena_alloc(arena, 1024));
    assert_non_null(sv_arena_alloc(arena, 3072));
    sv_arena_free(arena);

    arena = sv_arena_new(16, SIZE_MAX);
    assert_non_null(arena);
    assert_null(sv_arena_alloc(arena, SIZE_MAX - 32)); /* with the block's head over SIZE_MAX */
    sv_arena_free(arena);
    assert_null(sv_arena_new(SIZE_MAX - 8, SIZE_MAX));
    sv_arena_free(NULL);
}

static void a_small_rest_of_the_most_is_still_given(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(1024, 1024 + 160);
    assert_non_null(arena);
    assert_non_null(sv_arena_alloc(arena, 1024));
    assert_non_null(sv_arena_alloc(arena, 160)); /* less than a whole block is left */
    assert_null(sv_arena_alloc(arena, 1));
    sv_arena_free(arena);
}

/* ADV-213: what one operation left is not there for the next. */
static void a_reset_wipes_and_keeps_the_first_block(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(4096, 1 << 16);
    assert_non_null(arena);
    uint8_t *secret = sv_arena_alloc_raw(arena, 1000);
    assert_non_null(secret);
    memset(secret, 0x5A, 1000);
    assert_non_null(sv_arena_alloc(arena, 8000));
    assert_true(sv_arena_used(arena) >= 9000);
    sv_arena_reset(arena);
    assert_int_equal(sv_arena_used(arena), 0);
    uint8_t *again = sv_arena_alloc_raw(arena, 1000);
    assert_ptr_equal(again, secret);
    for (size_t i = 0; i < 1000; i++) assert_int_equal(again[i], 0);
    sv_arena_free(arena);
}

static void copies(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(64, 128);
    assert_non_null(arena);
    sipveil_span copy = SV_SPAN("before");
    assert_true(sv_arena_copy(arena, SV_SPAN("a\0b"), &copy));
    assert_true(sv_equal(copy, SV_SPAN("a\0b")));
    assert_true(sv_arena_copy(arena, sv_span(NULL, 0), &copy));
    assert_int_equal(copy.len, 0);
    char *string = sv_arena_string(arena, SV_SPAN("text"));
    assert_string_equal(string, "text");
    assert_string_equal(sv_arena_string(arena, sv_span(NULL, 0)), "");
    char large[500] = {0};
    copy = SV_SPAN("before");
    assert_false(sv_arena_copy(arena, sv_span(large, sizeof large), &copy));
    assert_int_equal(copy.len, 0);
    assert_null(sv_arena_string(arena, sv_span(large, sizeof large)));
    sv_arena_free(arena);
}

static void extends_only_the_newest(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(256, 1024);
    assert_non_null(arena);
    void *a = sv_arena_alloc(arena, 10);
    assert_true(sv_arena_extend(arena, a, 10, 16)); /* within its padding */
    assert_true(sv_arena_extend(arena, a, 16, 33));
    uint8_t *b = sv_arena_alloc(arena, 5);
    assert_true(b >= (uint8_t *)a + 33);
    assert_false(sv_arena_extend(arena, a, 33, 40 + 16));
    assert_false(sv_arena_extend(arena, b, 5, 4));
    assert_false(sv_arena_extend(arena, b, 5, 1000)); /* not in this block */
    assert_false(sv_arena_extend(arena, b, 5, SIZE_MAX));
    assert_true(sv_arena_extend(arena, b, 5, 256 - 48));
    assert_int_equal(sv_arena_used(arena), 256);
    sv_arena_free(arena);
}

static int order[4], calls;

static void note(void *object)
{
    order[calls++] = *(int *)object;
}

static void runs_deferred_calls_newest_first(void **state)
{
    (void)state;
    static int one = 1, two = 2, three = 3;
    sv_arena *arena = sv_arena_new(32, 96);
    assert_non_null(arena);
    calls = 0;
    assert_true(sv_arena_defer(arena, note, &one));
    assert_true(sv_arena_defer(arena, note, &two)); /* in another block */
    assert_int_equal(calls, 0);
    sv_arena_reset(arena);
    assert_int_equal(calls, 2);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    sv_arena_reset(arena); /* each once */
    assert_int_equal(calls, 2);

    while (sv_arena_alloc(arena, 16) != NULL) continue;
    assert_false(sv_arena_defer(arena, note, &three)); /* ADV-215: no room, so at once */
    assert_int_equal(calls, 3);
    assert_int_equal(order[2], 3);
    sv_arena_free(arena);
    assert_int_equal(calls, 3);

    arena = sv_arena_new(64, 64);
    assert_non_null(arena);
    assert_true(sv_arena_defer(arena, note, &one));
    sv_arena_free(arena);
    assert_int_equal(calls, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_aligned_zeroed_memory),
        cmocka_unit_test(one_does_not_reach_into_another),
        cmocka_unit_test(may_be_left_out_of_core_files),
        cmocka_unit_test(refuses_more_than_its_most),
        cmocka_unit_test(a_small_rest_of_the_most_is_still_given),
        cmocka_unit_test(a_reset_wipes_and_keeps_the_first_block),
        cmocka_unit_test(copies),
        cmocka_unit_test(extends_only_the_newest),
        cmocka_unit_test(runs_deferred_calls_newest_first),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
