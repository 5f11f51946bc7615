/* SPDX-License-Identifier: BSD-2-Clause */
/* What the worlds of several rooms say of results and octets. Included behind cmocka.h. TEST ONLY. */
#ifndef TEST_EXPECT_H
#define TEST_EXPECT_H

#include "base/arena.h"
#include "base/span.h"
#include "sipveil/base.h"

/* The code of a call that wrote to *err; a world makes assert_code(code, wanted) of it. */
#define EXPECT_CODE(code, wanted, err)                                                                  \
    do {                                                                                                \
        sipveil_code got_code = (code), wanted_code = (wanted);                                          \
        if (got_code != wanted_code) {                                                                   \
            fail_msg("got %s (%s: %s), not %s", sipveil_code_name(got_code), (err)->rule, (err)->text,    \
                     sipveil_code_name(wanted_code));                                                    \
        }                                                                                               \
    } while (0)

#define assert_same(a, b)                                                                            \
    do {                                                                                             \
        sipveil_span same_a = (a), same_b = (b);                                                      \
        assert_int_equal(same_a.len, same_b.len);                                                     \
        assert_memory_equal(same_a.data, same_b.data, same_b.len);                                    \
    } while (0)

static inline sipveil_span copy_into(sv_arena *arena, sipveil_span s)
{
    sipveil_span copy;
    assert_true(sv_arena_copy(arena, s, &copy));
    return copy;
}
/* In the arena of a world, which lives as long as its test. */
#define copy_of(world, s) copy_into((world)->arena, (s))

#endif
