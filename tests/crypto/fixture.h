/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_CRYPTO_FIXTURE_H
#define TEST_CRYPTO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "crypto/suite.h"

typedef struct fixture {
    sipveil_context *context;
    sv_crypto *crypto;
} fixture;

static inline int fixture_setup(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    sipveil_error err;
    assert_int_equal(sipveil_context_new(NULL, &f->context, &err), SIPVEIL_OK);
    assert_int_equal(sv_crypto_new(f->context, &f->crypto, &err), SIPVEIL_OK);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture *f = *state;
    if (f == NULL) return 0;
    assert_int_equal(ERR_peek_error(), 0); /* no call leaves anything in libcrypto's queue */
    sv_crypto_free(f->crypto);
    sipveil_context_free(f->context);
    test_free(f);
    return 0;
}

/* Octets from hex digits, in static storage: eight may be in use at a time. */
static inline sipveil_span hex(const char *digits)
{
    static uint8_t storage[8][512];
    static unsigned next;
    uint8_t *out = storage[next++ % 8];
    size_t n = strlen(digits) / 2;
    assert_true(n <= sizeof storage[0]);
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {digits[2 * i], digits[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return sv_span(out, n);
}

static inline void assert_octets(const uint8_t *found, sipveil_span expected)
{
    assert_memory_equal(found, expected.data, expected.len);
}

#endif
