/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/span.h"

static int set_up(void **state)
{
    *state = sv_arena_new(512, 1 << 20);
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    sv_arena_free(*state);
    return 0;
}

static void grows_and_keeps_what_was_written(void **state)
{
    sv_buffer b;
    sv_buffer_init(&b, *state, 0, 1 << 16);
    for (unsigned i = 0; i < 5000; i++) {
        sv_put_byte(&b, (uint8_t)i);
        if (i % 1000 == 0) assert_non_null(sv_arena_alloc(*state, 16)); /* no growing in place */
    }
    sipveil_span s = sv_buffer_span(&b);
    assert_int_equal(s.len, 5000);
    for (unsigned i = 0; i < 5000; i++) assert_int_equal(s.data[i], (uint8_t)i);
    assert_int_equal(sv_buffer_check(&b, "test", NULL), SIPVEIL_OK);
}

static void grows_in_place_where_it_can(void **state)
{
    sv_buffer b;
    sv_buffer_init(&b, *state, 16, 300);
    sv_put_str(&b, "0123456789abcdef");
    const uint8_t *before = sv_buffer_span(&b).data;
    sv_put_str(&b, "more");
    assert_ptr_equal(sv_buffer_span(&b).data, before);
}

static void writes_text_and_numbers(void **state)
{
    sv_buffer b;
    sv_buffer_init(&b, *state, 8, 1000);
    sv_put(&b, sv_span(NULL, 0));
    sv_put(&b, SV_SPAN("CSeq: "));
    sv_put_number(&b, 0);
    sv_put_byte(&b, ' ');
    sv_put_number(&b, UINT64_MAX);
    sv_put_format(&b, " %s %d", "INVITE", -5);
    uint8_t *room = sv_put_room(&b, 2);
    assert_non_null(room);
    room[0] = '\r';
    room[1] = '\n';
    assert_true(sv_equal_str(sv_buffer_span(&b), "CSeq: 0 18446744073709551615 INVITE -5\r\n"));
}

/* A write that does not fit is a limit, however far the buffer was filled; later ones change nothing. */
static void refuses_more_than_its_most(void **state)
{
    sv_buffer b;
    sipveil_error err;
    sv_buffer_init(&b, *state, 100, 10);
    sv_put_str(&b, "12345");
    sv_put_str(&b, "678901");
    assert_true(b.failed);
    sv_put_str(&b, "x");
    assert_null(sv_put_room(&b, 0));
    assert_int_equal(sv_buffer_span(&b).len, 0);
    assert_int_equal(sv_buffer_check(&b, "test", &err), SIPVEIL_LIMIT);
    assert_string_equal(err.text, "output over 10 octets");
    assert_string_equal(err.room, "test");

    sv_buffer_init(&b, *state, 4, 10);
    sv_put_str(&b, "1234567890");
    assert_int_equal(sv_buffer_check(&b, "test", &err), SIPVEIL_OK);
    assert_null(sv_put_room(&b, SIZE_MAX));
    assert_int_equal(sv_buffer_check(&b, "test", &err), SIPVEIL_LIMIT);
}

static void writes_numbers_counted_octets_and_lower_case(void **state)
{
    static const uint8_t expected[] = {0xAB, 0xCD, 0, 0, 0, 1, 0, 2, 'h', 'i', 'a', 'z', '9', '@', '['};
    sv_buffer b;
    sv_buffer_init(&b, *state, 4, 100);
    sv_put_big_endian(&b, 0x12ABCD, 2); /* what does not fit is cut */
    sv_put_big_endian(&b, 1, 4);
    sv_put_counted(&b, SV_SPAN("hi"));
    sv_put_lower(&b, SV_SPAN("Az9@["));
    assert_true(sv_equal(sv_buffer_span(&b), sv_span(expected, sizeof expected)));
    sv_put_counted(&b, sv_span(expected, UINT16_MAX + 1u)); /* nothing of it is looked at */
    assert_int_equal(sv_buffer_check(&b, "test", NULL), SIPVEIL_LIMIT);
}

static void text_over_a_kibibyte_fails(void **state)
{
    char text[1100];
    sv_buffer b;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    sv_buffer_init(&b, *state, 0, 1 << 16);
    sv_put_format(&b, "%s", text + 77); /* 1022 octets */
    assert_int_equal(sv_buffer_span(&b).len, 1022);
    sv_put_format(&b, "%s", text);
    assert_int_equal(sv_buffer_check(&b, "test", NULL), SIPVEIL_INTERNAL);
    assert_int_equal(sv_buffer_span(&b).len, 0);
}

/* What was written backwards stands at the end of the storage, and more may follow it. */
static void storage_for_one_who_writes_backwards(void **state)
{
    sv_arena *arena = *state;
    for (size_t expected = 0; expected < 200; expected += 13) {
        sv_buffer b;
        sv_arena_reset(arena);
        sv_buffer_init(&b, arena, expected, 300);
        assert_null(sv_buffer_storage(&b, 301));
        uint8_t *at = sv_buffer_storage(&b, 100);
        assert_non_null(at);
        assert_true(sv_arena_used(arena) <= (expected > 100 ? 112u : 224u)); /* no more than it takes is there to wipe */
        memset(at, 'x', 100);
        memcpy(at + 93, "written", 7);
        sv_buffer_keep_last(&b, 7);
        assert_true(sv_equal_str(sv_buffer_span(&b), "written"));
        assert_null(sv_buffer_storage(&b, 100)); /* not empty */
        void *next = sv_arena_alloc(arena, 64);
        memset(next, 'n', 64);
        for (int i = 0; i < 20; i++) sv_put_str(&b, ", more");
        assert_int_equal(sv_buffer_span(&b).len, 7 + 20 * 6);
        assert_memory_equal(sv_buffer_span(&b).data, "written, more, more", 19);
        for (int i = 0; i < 64; i++) assert_int_equal(((uint8_t *)next)[i], 'n');
        sv_put_str(&b, ", and to the most that it may have, which is three hundred octets; this is over it by some, for it is a long "
                       "sentence that goes on and on, and yet has to be one hundred and seventy-four octets long");
        assert_int_equal(sv_buffer_check(&b, "test", NULL), SIPVEIL_LIMIT);
        assert_null(sv_buffer_storage(&b, 10));
    }
}

/* ADV-215 */
static void no_memory_is_internal(void **state)
{
    (void)state;
    sv_buffer b;
    sipveil_error err;
    sv_arena *small = sv_arena_new(64, 64);
    assert_non_null(small);
    sv_buffer_init(&b, small, 32, 1000);
    assert_null(sv_buffer_storage(&b, 65));
    for (int i = 0; i < 20; i++) sv_put_str(&b, "12345678");
    assert_int_equal(sv_buffer_check(&b, "test", &err), SIPVEIL_INTERNAL);
    assert_string_equal(err.text, "out of memory");
    sv_buffer_init(&b, small, 1000, 1000);
    assert_true(b.failed);
    sv_put_byte(&b, 1);
    assert_int_equal(sv_buffer_check(&b, "test", &err), SIPVEIL_INTERNAL);
    sv_arena_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grows_and_keeps_what_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(grows_in_place_where_it_can, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_text_and_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_more_than_its_most, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_numbers_counted_octets_and_lower_case, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_over_a_kibibyte_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(storage_for_one_who_writes_backwards, set_up, tear_down),
        cmocka_unit_test(no_memory_is_internal),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
