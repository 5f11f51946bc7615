/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mime/mime.h"

static sv_arena *arena;
static sipveil_error err;

static int set_up(void **state)
{
    (void)state;
    arena = sv_arena_new(1 << 16, 64u << 20);
    return arena == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    sv_arena_free(arena);
    return 0;
}

static sipveil_code decode(sipveil_span text, sipveil_span *out)
{
    return sv_mime_decode_base64(text, arena, out, &err);
}

/* RFC 4648 10 */
static void decodes_known_answers(void **state)
{
    static const struct {
        const char *plain, *text;
    } rows[] = {{"", ""},           {"f", "Zg=="},         {"fo", "Zm8="},        {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sipveil_span out;
        assert_int_equal(decode(sv_span_str(rows[i].text), &out), SIPVEIL_OK);
        assert_true(sv_equal_str(out, rows[i].plain));
        sv_buffer b;
        sv_buffer_init(&b, arena, 0, 100);
        sv_mime_put_base64(&b, sv_span_str(rows[i].plain), 0);
        assert_true(sv_equal_str(sv_buffer_span(&b), rows[i].text));
    }
    sipveil_span out;
    assert_int_equal(decode(SV_SPAN("AAEC+/v8/f7//w=="), &out), SIPVEIL_OK);
    assert_true(sv_equal(out, SV_SPAN("\x00\x01\x02\xfb\xfb\xfc\xfd\xfe\xff\xff")));
}

/* RFC 4648 5, IDN-22: the other alphabet, no padding, one text for each octet string. */
static void base64url(void **state)
{
    static const struct {
        const char *plain, *text;
    } good[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"},
                {"\xfb\xff\xfe", "-__-"}};
    static const char *const bad[] = {"Zg==", "Zm9v+", "Zm9v/", "Zm 9", "Zm9v\r\n", "Z", "Zm9vY", "Zh", "Zm9", "Zm9v.", "\xC3\xA4"};
    (void)state;
    sipveil_span out;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        sv_buffer b;
        assert_int_equal(sv_mime_decode_base64url(sv_span_str(good[i].text), arena, &out, &err), SIPVEIL_OK);
        assert_true(sv_equal_str(out, good[i].plain));
        sv_buffer_init(&b, arena, 0, 100);
        sv_mime_put_base64url(&b, sv_span_str(good[i].plain));
        assert_true(sv_equal_str(sv_buffer_span(&b), good[i].text));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(sv_mime_decode_base64url(sv_span_str(bad[i]), arena, &out, &err), SIPVEIL_MALFORMED);
        assert_int_equal(out.len, 0);
    }
}

/* ADV-038, TUN-79: line ends anywhere; everything else has one form. */
static void is_strict(void **state)
{
    static const struct {
        const char *text;
        sipveil_code code;
    } rows[] = {
        {"Zm9v\r\nYmFy\r\n", SIPVEIL_OK},
        {"\r\n\r\nZm9vYmFy\r\n\r\n", SIPVEIL_OK},
        {"Z\r\nm9v\r\nYm\r\nFy", SIPVEIL_OK},
        {"Zm9vYmF5Zg=\r\n=", SIPVEIL_OK},
        {"Zm9vYmF5Zg==\r\n", SIPVEIL_OK},
        {"Zm9v \t\r\nYmFy  ", SIPVEIL_OK},
        {"\nZm9v\nYm\nFy\n", SIPVEIL_OK},
        {"\r\n", SIPVEIL_OK},
        /* bad alphabet */
        {"Zm9v-_Fy", SIPVEIL_MALFORMED},
        {"Zm9v!YmFy", SIPVEIL_MALFORMED},
        {"Zm9*", SIPVEIL_MALFORMED},
        {"Zm9v\xC3\xA4", SIPVEIL_MALFORMED},
        {"Zm9v YmFy", SIPVEIL_MALFORMED},
        {"Zm9v\rYmFy", SIPVEIL_MALFORMED},
        {"Zm9v\r\rYmFy", SIPVEIL_MALFORMED},
        {"Zm9v\r\r\nYmFy", SIPVEIL_MALFORMED},
        {"-----BEGIN CMS-----\r\nZm9v\r\n", SIPVEIL_MALFORMED}, /* ADV-057 */
        /* '=' in the middle */
        {"Zg==Zm9v", SIPVEIL_MALFORMED},
        {"Zm8=\r\nZm9v", SIPVEIL_MALFORMED},
        {"Zg=v", SIPVEIL_MALFORMED},
        {"Zg===", SIPVEIL_MALFORMED},
        {"Zg====", SIPVEIL_MALFORMED},
        {"=Zm9", SIPVEIL_MALFORMED},
        {"Z===", SIPVEIL_MALFORMED},
        {"Z=9v", SIPVEIL_MALFORMED},
        {"====", SIPVEIL_MALFORMED},
        {"=", SIPVEIL_MALFORMED},
        {"Zm9v=", SIPVEIL_MALFORMED},
        /* missing padding */
        {"Z", SIPVEIL_MALFORMED},
        {"Zg", SIPVEIL_MALFORMED},
        {"Zg=", SIPVEIL_MALFORMED},
        {"Zm8", SIPVEIL_MALFORMED},
        {"Zm9vYmF5Zg\r\n", SIPVEIL_MALFORMED},
        /* non-zero spare bits */
        {"Zh==", SIPVEIL_MALFORMED},
        {"Zv==", SIPVEIL_MALFORMED},
        {"Zm9=", SIPVEIL_MALFORMED},
        {"Zm+=", SIPVEIL_MALFORMED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sipveil_span out = SV_SPAN("x");
        sipveil_code code = decode(sv_span_str(rows[i].text), &out);
        if (code != rows[i].code) fail_msg("row %zu \"%s\": %s", i, rows[i].text, sipveil_code_name(code));
        if (code == SIPVEIL_OK) continue;
        assert_int_equal(out.len, 0);
        assert_null(out.data);
        assert_string_equal(err.rule, "ADV-038");
        assert_true(err.offset <= strlen(rows[i].text));
    }
    sipveil_span out;
    assert_int_equal(decode(SV_SPAN("Zm9\0"), &out), SIPVEIL_MALFORMED);
    assert_int_equal(decode(sv_span(NULL, 0), &out), SIPVEIL_OK);
    assert_int_equal(out.len, 0);
}

/* ADV-038: one long line is fine, ten megabytes of blanks are not. */
static void keeps_limits(void **state)
{
    (void)state;
    size_t size = 10u << 20;
    char *text = malloc(size);
    sipveil_span out;
    assert_non_null(text);
    memset(text, 'A', size);
    assert_int_equal(decode(sv_span(text, size), &out), SIPVEIL_OK);
    assert_int_equal(out.len, size / 4 * 3);
    memset(text, ' ', size);
    assert_int_equal(decode(sv_span(text, size), &out), SIPVEIL_LIMIT);
    assert_int_equal(decode(sv_span(text, 65), &out), SIPVEIL_LIMIT);
    assert_int_equal(decode(sv_span(text, 64), &out), SIPVEIL_OK);
    for (size_t i = 0; i + 7 <= size; i += 7) memcpy(text + i, "AAAA \r\n", 7);
    assert_int_equal(decode(sv_span(text, size / 7 * 7), &out), SIPVEIL_LIMIT);
    assert_int_equal(decode(sv_span(text, 64 * 7), &out), SIPVEIL_OK);
    free(text);
}

static void every_length_comes_back(void **state)
{
    (void)state;
    static const size_t columns[] = {0, 4, 64, 76};
    uint8_t octets[400];
    for (size_t i = 0; i < sizeof octets; i++) octets[i] = (uint8_t)(i * 167 + 13);
    for (size_t n = 0; n <= sizeof octets; n++) {
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
            sv_buffer b;
            sipveil_span out;
            sv_buffer_init(&b, arena, sv_mime_base64_size(n, columns[k]), 10000);
            sv_mime_put_base64(&b, sv_span(octets, n), columns[k]);
            sipveil_span text = sv_buffer_span(&b);
            assert_int_equal(text.len, sv_mime_base64_size(n, columns[k]));
            assert_int_equal(decode(text, &out), SIPVEIL_OK);
            assert_true(sv_equal(out, sv_span(octets, n)));
        }
        sv_arena_reset(arena);
    }
}

/* TUN-79: 76 columns, each line ended. */
static void writes_lines(void **state)
{
    (void)state;
    static const uint8_t zeros[58] = {0};
    sv_buffer b;
    sv_buffer_init(&b, arena, 0, 1000);
    sv_mime_put_base64(&b, sv_span(zeros, 57), 76);
    sipveil_span text = sv_buffer_span(&b);
    assert_int_equal(text.len, 78);
    assert_memory_equal(text.data + 74, "AA\r\n", 4);
    sv_buffer_init(&b, arena, 0, 1000);
    sv_mime_put_base64(&b, sv_span(zeros, 58), 76);
    text = sv_buffer_span(&b);
    assert_int_equal(text.len, 78 + 6);
    assert_memory_equal(text.data + 76, "\r\nAA==\r\n", 8);
    assert_int_equal(sv_mime_base64_size(0, 76), 0);
    assert_int_equal(sv_mime_base64_size(SIZE_MAX, 76), SIZE_MAX);
    sv_buffer_init(&b, arena, 0, 77);
    sv_mime_put_base64(&b, sv_span(zeros, 57), 76);
    assert_int_equal(sv_buffer_check(&b, "test", NULL), SIPVEIL_LIMIT);
}

/* ADV-215 */
static void no_memory_is_internal(void **state)
{
    (void)state;
    static const uint8_t text[1000] = {0};
    sipveil_span out = SV_SPAN("x");
    sv_arena *small = sv_arena_new(64, 64);
    assert_non_null(small);
    assert_int_equal(sv_mime_decode_base64(sv_span(text, sizeof text), small, &out, &err), SIPVEIL_INTERNAL);
    assert_int_equal(out.len, 0);
    sv_arena_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64url), cmocka_unit_test(decodes_known_answers), cmocka_unit_test(is_strict),
        cmocka_unit_test(keeps_limits),          cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(writes_lines),          cmocka_unit_test(no_memory_is_internal),
    };
    return cmocka_run_group_tests_name("transfer encodings", tests, set_up, tear_down);
}
