/* SPDX-License-Identifier: BSD-2-Clause */
/* Files in a folder of the test's own, which a program from outside reads and writes. */
#ifndef TESTS_CMS_OUTSIDE_H
#define TESTS_CMS_OUTSIDE_H

#include <stdio.h>

#include "cms/identities.h"

static char folder[230];

/* Valid until the next but seven. */
static inline const char *path_of(const char *name)
{
    static char paths[8][300];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void write_file(const char *name, sipveil_span octets)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(octets.data, 1, octets.len, file), octets.len);
    assert_int_equal(fclose(file), 0);
}

static inline sipveil_span read_file(fixture *f, const char *name)
{
    FILE *file = fopen(path_of(name), "rb");
    assert_non_null(file);
    uint8_t *octets = sv_arena_alloc(f->arena, 1 << 16);
    assert_non_null(octets);
    size_t len = fread(octets, 1, 1 << 16, file);
    assert_true(len < 1 << 16);
    assert_int_equal(fclose(file), 0);
    return sv_span(octets, len);
}

#endif
