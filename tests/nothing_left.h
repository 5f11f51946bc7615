/* SPDX-License-Identifier: BSD-2-Clause */
/* That a secret is nowhere in memory any more, for the tests of each room that holds some. */
#ifndef TESTS_NOTHING_LEFT_H
#define TESTS_NOTHING_LEFT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory_scan.h"

/* after: what was done. */
static inline void assert_none_left(const scan_secret *secrets, size_t count, const char *after)
{
    scan_found found = scan_for(secrets, count);
    if (found.count > 0) {
        fail_msg("%s is left after %s, in all %zu places, first at %p of %s", found.first->name, after, found.count,
                 (const void *)found.at, found.where);
    }
}

#endif
