/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>

#include "base/error.h"
#include "base/span.h"

static void every_code_has_its_name_and_exit_code(void **state)
{
    (void)state;
    for (int a = 0; a < SIPVEIL_CODE_COUNT; a++) {
        assert_non_null(sipveil_code_name((sipveil_code)a));
        assert_true(strlen(sipveil_code_name((sipveil_code)a)) > 0);
        assert_in_range(sipveil_code_exit((sipveil_code)a), a == SIPVEIL_OK ? 0 : 1, a == 0 ? 0 : 9);
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(sipveil_code_name((sipveil_code)a), sipveil_code_name((sipveil_code)b));
        }
    }
    assert_string_equal(sipveil_code_name((sipveil_code)SIPVEIL_CODE_COUNT), "internal");
    assert_string_equal(sipveil_code_name((sipveil_code)-1), "internal");
    assert_int_equal(sipveil_code_exit((sipveil_code)SIPVEIL_CODE_COUNT), 1);
}

static void a_failure_says_why(void **state)
{
    (void)state;
    sipveil_error err;
    memset(&err, 0x55, sizeof err);
    assert_int_equal(sv_fail(&err, "mime", SIPVEIL_MALFORMED, "boundary is %d", 71), SIPVEIL_MALFORMED);
    assert_int_equal(err.code, SIPVEIL_MALFORMED);
    assert_int_equal(err.sip_status, 400);
    assert_true(err.offset == SIPVEIL_NO_OFFSET);
    assert_string_equal(err.room, "mime");
    assert_string_equal(err.text, "boundary is 71");
    assert_string_equal(err.rule, "");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.library, "");
    assert_int_equal(sv_fail_rule(&err, "sip", SIPVEIL_LIMIT, "ADV-011", 7, "x"), SIPVEIL_LIMIT);
    assert_string_equal(err.rule, "ADV-011");
    assert_int_equal(err.offset, 7);
    assert_int_equal(err.sip_status, 513);
    assert_int_equal(sv_hint(&err, SIPVEIL_LIMIT, "raise %s", "it"), SIPVEIL_LIMIT);
    assert_string_equal(err.hint, "raise it");
    sv_fail_prefix(&err, "part %d: ", 2);
    assert_int_equal(err.code, SIPVEIL_LIMIT);
    assert_string_equal(err.text, "part 2: x");
    assert_string_equal(err.rule, "ADV-011");
    sv_error_clear(&err);
    assert_int_equal(err.code, SIPVEIL_OK);
    assert_string_equal(err.text, "");
    assert_string_equal(err.room, "");
    assert_int_equal(sv_no_memory(&err, "cms"), SIPVEIL_INTERNAL);
    assert_int_equal(err.sip_status, 500);
}

static void no_error_object_is_fine(void **state)
{
    (void)state;
    assert_int_equal(sv_fail(NULL, "mime", SIPVEIL_MALFORMED, "x"), SIPVEIL_MALFORMED);
    assert_int_equal(sv_fail_rule(NULL, "mime", SIPVEIL_LIMIT, "ADV-011", 0, "x"), SIPVEIL_LIMIT);
    assert_int_equal(sv_hint(NULL, SIPVEIL_POLICY, "x"), SIPVEIL_POLICY);
    assert_int_equal(sv_no_memory(NULL, "mime"), SIPVEIL_INTERNAL);
    assert_int_equal(sv_fail_openssl(NULL, "cms", SIPVEIL_POLICY, "x"), SIPVEIL_POLICY);
    sv_error_clear(NULL);
}

static void texts_are_cut_at_their_size(void **state)
{
    (void)state;
    sipveil_error err;
    char text[2000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    sv_fail_rule(&err, "mime", SIPVEIL_MALFORMED, text, 0, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(strlen(err.rule), sizeof err.rule - 1);
    sv_hint(&err, SIPVEIL_MALFORMED, "%s", text);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
    sv_fail_prefix(&err, "p: ");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, "p: aaa", 6);
    sv_fail_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void takes_the_reason_of_openssl_and_drains_it(void **state)
{
    (void)state;
    sipveil_error err;
    ERR_raise_data(ERR_LIB_USER, 1, "older");
    ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
    assert_int_equal(sv_fail_openssl(&err, "crypto", SIPVEIL_INTERNAL, "no cipher"), SIPVEIL_INTERNAL);
    assert_string_equal(err.text, "no cipher");
    assert_non_null(strstr(err.library, "malloc"));
    assert_int_equal(ERR_peek_error(), 0);
    sv_fail_openssl(&err, "crypto", SIPVEIL_INTERNAL, "no cipher");
    assert_string_equal(err.library, "");
}

/* ADV-216: one line, escaped, bounded. */
static void quotes_what_was_received(void **state)
{
    (void)state;
    assert_string_equal(SV_QUOTE(SV_SPAN("Alice <sip:a@b>")), "Alice <sip:a@b>");
    assert_string_equal(SV_QUOTE(SV_SPAN("a\r\n\x1b[31m\0\x7f\xff\\%n")),
                        "a\\x0d\\x0a\\x1b[31m\\x00\\x7f\\xff\\x5c%n");
    assert_string_equal(SV_QUOTE(sv_span(NULL, 0)), "");
    uint8_t octets[1000];
    for (size_t n = 0; n < sizeof octets; n++) {
        memset(octets, n % 2 ? 'a' : 0xFF, sizeof octets);
        sv_quoted q = sv_quote(sv_span(octets, n));
        size_t full = n % 2 ? n : 4 * n, len = strlen(q.text);
        assert_true(len < sizeof q.text);
        if (len != full) assert_string_equal(q.text + len - 3, "...");
    }
    memset(octets, 0xFF, sizeof octets);
    octets[0] = octets[1] = octets[2] = 'a'; /* the last \xNN starts at each offset */
    for (size_t from = 0; from < 4; from++) {
        sv_quoted q = sv_quote(sv_span(octets + from, 500));
        assert_true(strlen(q.text) < sizeof q.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_name_and_exit_code),
        cmocka_unit_test(a_failure_says_why),
        cmocka_unit_test(no_error_object_is_fine),
        cmocka_unit_test(texts_are_cut_at_their_size),
        cmocka_unit_test(takes_the_reason_of_openssl_and_drains_it),
        cmocka_unit_test(quotes_what_was_received),
    };
    return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
