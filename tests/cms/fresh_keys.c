/* SPDX-License-Identifier: BSD-2-Clause */
/* A million messages sealed by one context to one shared key (ADV-068, CMS-06). */
#include "cms/envelopes.h"

#include <stdio.h>

enum { COUNT = 1000000, COUNT_UNDER_VALGRIND = 20000, KEY = 16, NONCE = 12 };

typedef struct used {
    uint8_t key[KEY], nonce[NONCE];
} used;

static int compare_keys(const void *a, const void *b)
{
    const used *x = a, *y = b;
    return memcmp(x->key, y->key, KEY);
}

static int compare_nonces(const void *a, const void *b)
{
    const used *x = a, *y = b;
    return memcmp(x->nonce, y->nonce, NONCE);
}

/* No key comes twice, though the KEK does; nor does a nonce, which a constant one would. */
static void nothing_comes_twice(void **state)
{
    fixture *f = *state;
    size_t count = getenv("SIPVEIL_VALGRIND") != NULL ? COUNT_UNDER_VALGRIND : COUNT;
    sv_cms_key key = test_key(f, "kek128");
    used *all = test_malloc(count * sizeof *all);
    for (size_t i = 0; i < count; i++) {
        sipveil_span cek;
        sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &key, .recipient_count = 1, .cek_out = &cek};
        sv_enveloped e;
        sipveil_error err;
        sv_arena_reset(f->arena);
        assert_int_equal(read_sealed(f, seal_with(f, &request, SV_SPAN("x")), &strict, &e, &err), SIPVEIL_OK);
        assert_true(cek.len == KEY && e.iv.len == NONCE);
        memcpy(all[i].key, cek.data, KEY);
        memcpy(all[i].nonce, e.iv.data, NONCE);
    }
    qsort(all, count, sizeof *all, compare_keys);
    for (size_t i = 1; i < count; i++) assert_int_not_equal(compare_keys(&all[i], &all[i - 1]), 0);
    qsort(all, count, sizeof *all, compare_nonces);
    for (size_t i = 1; i < count; i++) assert_int_not_equal(compare_nonces(&all[i], &all[i - 1]), 0);
    test_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_comes_twice)};
    return cmocka_run_group_tests_name("a million keys and nonces", tests, envelope_setup, fixture_teardown);
}
