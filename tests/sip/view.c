/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding rows by name, and messages with bare LF. */
#include <stdio.h>

#include "messages.h"

static void rows_by_name(void **state)
{
    (void)state;
    sv_sip_view *view =
        read_lines(CORE "X-A: 1\r\nm: <sip:a@b>\r\nx-a: 2\r\nX-B: 3\r\nCONTACT : <sip:c@d>\r\n");
    const sv_sip_field *row = sv_sip_first(view, SV_F_CONTACT);
    assert_true(row != NULL && sv_equal_str(row->value, "<sip:a@b>") &&
                sv_equal_str(row->name, "m"));
    assert_true(sv_equal_str(row->line, "m: <sip:a@b>\r\n"));
    const sv_sip_field *next = sv_sip_next(view, row);
    assert_true(next != NULL && sv_equal_str(next->value, "<sip:c@d>") &&
                sv_sip_same_name(row, next));
    assert_null(sv_sip_next(view, next));
    assert_ptr_equal(sv_sip_find(view, SV_SPAN("M")), row);
    assert_ptr_equal(sv_sip_find(view, SV_SPAN("contact")), row);
    row = sv_sip_find(view, SV_SPAN("x-A"));
    assert_true(row != NULL && sv_equal_str(row->value, "1"));
    next = sv_sip_next(view, row);
    assert_true(next != NULL && sv_equal_str(next->value, "2"));
    assert_null(sv_sip_next(view, next));
    assert_false(sv_sip_same_name(row, sv_sip_find(view, SV_SPAN("X-B"))));
    assert_null(sv_sip_find(view, SV_SPAN("X-C")));
    assert_null(sv_sip_find(view, SV_SPAN("")));
    assert_null(sv_sip_find(view, SV_SPAN("Date")));
    assert_null(sv_sip_first(view, SV_F_OTHER));
    assert_null(sv_sip_first(view, SV_F_COUNT));
    assert_true(sv_equal_str(sv_sip_value(view, SV_F_CSEQ), "1 OPTIONS"));
    assert_int_equal(sv_sip_value(view, SV_F_DATE).len, 0);
    drop(view);
}

static void bare_lf(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool bare;
        const char *crlf;
    } cases[] = {
        {"A sip:b SIP/2.0\nX: y\n\nbody\n", true, "A sip:b SIP/2.0\r\nX: y\r\n\r\nbody\r\n"},
        {"A sip:b SIP/2.0\nX: y\n\nbo\r\ndy", true, "A sip:b SIP/2.0\r\nX: y\r\n\r\nbo\r\ndy"},
        {"A sip:b SIP/2.0\nX: y\n", true, "A sip:b SIP/2.0\r\nX: y\r\n"},
        {"A sip:b SIP/2.0\r\nX: y\r\n\r\nbo\ndy\n", false,
         "A sip:b SIP/2.0\r\nX: y\r\n\r\nbo\r\ndy\r\n"},
        {"A sip:b SIP/2.0\nX: y\r\n\n", false,
         "A sip:b SIP/2.0\r\nX: y\r\n\r\n"}, /* ADV-009: mixed */
        {"A sip:b SIP/2.0\nX: y\n\r\n", false, "A sip:b SIP/2.0\r\nX: y\r\n\r\n"},
        {"\n\n", true, "\r\n\r\n"},
        {"\r\r\n", false, "\r\r\n"},
        {"no line end", false, "no line end"},
        {"", false, ""},
    };
    sv_arena *arena = sv_arena_new(4096, 1 << 16);
    assert_non_null(arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_buffer out;
        sv_buffer_init(&out, arena, 64, 1024);
        assert_int_equal(sv_sip_uses_bare_lf(sv_span_str(cases[i].text)), cases[i].bare);
        sv_sip_to_crlf(sv_span_str(cases[i].text), &out);
        assert_true(sv_equal_str(sv_buffer_span(&out), cases[i].crlf));
    }
    sv_arena_free(arena);
}

/* What to do about a text that is refused for its line ends: it is another one for a key or a table that was given by a slip. */
static void hints_at_lines(void **state)
{
    static const struct {
        const char *text, *hint;
    } cases[] = {{"INVITE sip:a@b SIP/2.0\nf: <sip:a@b>\n\n", "lines end in bare LF"}, {"SIP/2.0 200 OK\n\n", "lines end in bare LF"},
                 {"{\"kty\":\"oct\"}\n", "is it a SIP message?"}, {"\n", "is it a SIP message?"}, {"[trust-domain]\r\n", ""}, {"GET / HTTP/1.1", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_sip_view view;
        sipveil_error err;
        sipveil_limits limits;
        sipveil_limits_default(&limits);
        assert_int_equal(sv_sip_read(sv_span_str(cases[i].text), SV_SIP_DATAGRAM, &limits, &view, &err), SIPVEIL_MALFORMED);
        if (strncmp(err.hint, cases[i].hint, strlen(cases[i].hint)) != 0 || (cases[i].hint[0] == '\0' && err.hint[0] != '\0')) fail_msg("%zu: %s", i, err.hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_by_name), cmocka_unit_test(bare_lf), cmocka_unit_test(hints_at_lines)};
    return cmocka_run_group_tests_name("the view", tests, NULL, NULL);
}
