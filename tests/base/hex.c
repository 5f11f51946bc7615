/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/hex.h"
#include "base/span.h"

static void writes_two_digits_an_octet(void **state)
{
    (void)state;
    char text[] = "......";
    sv_write_hex(text, SV_SPAN("\x0f\xa9"));
    assert_string_equal(text, "0fa9.."); /* nothing behind them */
    sv_write_hex(text, sv_span(NULL, 0));
    assert_string_equal(text, "0fa9..");
}

/* As sv_random_hex does: the octets stand where their digits will end. */
static void the_octets_may_stand_in_the_second_half(void **state)
{
    (void)state;
    uint8_t text[8] = {0, 0, 0, 0, 0x01, 0x23, 0xcd, 0xef};
    sv_write_hex(text, sv_span(text + 4, 4));
    assert_memory_equal(text, "0123cdef", sizeof text);
}

static void every_octet_comes_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t octet = (uint8_t)i, back = (uint8_t)~i;
        char digits[2];
        sv_write_hex(digits, sv_span(&octet, 1));
        sv_cursor c = sv_cursor_over(sv_span(digits, sizeof digits), "digits");
        assert_true(sv_take_hex_octet(&c, &back) && sv_at_end(&c));
        assert_int_equal(back, octet);
    }
}

static void a_buffer_takes_all_or_fails(void **state)
{
    (void)state;
    sv_arena *arena = sv_arena_new(256, 256);
    sv_buffer b;
    assert_non_null(arena);
    sv_buffer_init(&b, arena, 4, 5);
    sv_put_hex(&b, SV_SPAN("\x01\xff"));
    assert_true(sv_equal_str(sv_buffer_span(&b), "01ff"));
    sv_put_hex(&b, SV_SPAN("\x01"));
    assert_int_equal(sv_buffer_check(&b, "test", NULL), SIPVEIL_LIMIT);
    sv_buffer_init(&b, arena, 4, 64);
    sv_put_hex(&b, sv_span("", SIZE_MAX)); /* nothing is read: twice that is no size */
    assert_int_equal(sv_buffer_check(&b, "test", NULL), SIPVEIL_LIMIT);
    sv_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_two_digits_an_octet),
        cmocka_unit_test(the_octets_may_stand_in_the_second_half),
        cmocka_unit_test(every_octet_comes_back),
        cmocka_unit_test(a_buffer_takes_all_or_fails),
    };
    return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
