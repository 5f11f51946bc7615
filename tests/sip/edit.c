/* SPDX-License-Identifier: BSD-2-Clause */
/* a message written anew keeps every octet that no edit names. */
#include <stdio.h>

#include "messages.h"
#include "sip/edit.h"

#define ODD "sUbJect :  as \tit\r\n  is \r\nX-Empty:\r\nREQUIRE: 100rel ,sec-agree,precondition\r\nRequire: sec-agree\r\n"
#define TAGS "Proxy-Require: Sec-Agree\r\nSupported: a,,b\r\n"
#define BODY "Content-Type: text/plain\r\nl :  7\r\n"
#define TEXT "12345\r\n"

typedef struct world {
    sv_sip_view *view;
    sv_arena *arena;
    sv_sip_edit edit;
} world;

/* read_lines() ends what it is given with CRLF: the end of the header, or of the body "12345". */
static world start(const char *lines)
{
    world w = {.view = read_lines(lines), .arena = sv_arena_new(1 << 14, 1 << 20)};
    assert_non_null(w.arena);
    sv_sip_edit_start(&w.edit, w.view);
    return w;
}

static void end(world *w, const char *expected)
{
    sv_buffer b;
    sipveil_error err;
    sv_buffer_init(&b, w->arena, 64, 1 << 16);
    assert_int_equal(sv_sip_edit_write(&w->edit, &b, &err), SIPVEIL_OK);
    if (!sv_equal_str(sv_buffer_span(&b), expected)) fail_msg("%.*s\ninstead of\n%s", (int)b.len, b.data, expected);
    sv_arena_free(w->arena);
    drop(w->view);
}

static void nothing_named_nothing_changed(void **state)
{
    (void)state;
    world w = start(CORE ODD TAGS BODY "\r\n12345");
    end(&w, START CORE ODD TAGS BODY "\r\n" TEXT);
    w = start(CORE ODD);
    end(&w, START CORE ODD "\r\n");
}

static void rows(void **state)
{
    (void)state;
    world w = start(CORE ODD BODY "\r\n12345");
    const sv_sip_field *subject = sv_sip_first(w.view, SV_F_SUBJECT), *empty = sv_sip_find(w.view, SV_SPAN("x-empty"));
    sv_sip_edit_remove(&w.edit, subject);
    sv_sip_edit_remove(&w.edit, subject);
    assert_true(sv_sip_edit_is_removed(&w.edit, subject) && !sv_sip_edit_is_removed(&w.edit, empty));
    assert_int_equal(sv_sip_edit_remove_all(&w.edit, SV_F_REQUIRE), 2);
    assert_int_equal(sv_sip_edit_remove_all(&w.edit, SV_F_PRIVACY), 0);
    sv_sip_edit_replace(&w.edit, empty, SV_SPAN("X-A: 1\r\nX-B: 2\r\n"));
    sv_sip_edit_insert_before(&w.edit, &w.view->fields[0], SV_SPAN("Via: mine\r\n"));
    sv_sip_edit_insert_before(&w.edit, &w.view->fields[0], SV_SPAN("Via: next\r\n"));
    sv_sip_edit_add(&w.edit, SV_SPAN("Privacy: id\r\n"));
    sv_sip_edit_add(&w.edit, SV_SPAN(""));
    end(&w, START "Via: mine\r\nVia: next\r\n" CORE "X-A: 1\r\nX-B: 2\r\nPrivacy: id\r\n" BODY "\r\n" TEXT);
    w = start(CORE ODD);
    w.edit.start_line = SV_SPAN("BYE sip:c@d SIP/2.0");
    sv_sip_edit_add(&w.edit, SV_SPAN("Privacy: id\r\n"));
    sv_sip_edit_set_value(&w.edit, sv_sip_first(w.view, SV_F_SUBJECT), SV_SPAN("new"), w.arena);
    sv_sip_edit_set_value(&w.edit, sv_sip_find(w.view, SV_SPAN("X-Empty")), SV_SPAN("full"), w.arena);
    end(&w, "BYE sip:c@d SIP/2.0\r\n" CORE "sUbJect :  new\r\nX-Empty: full\r\n"
            "REQUIRE: 100rel ,sec-agree,precondition\r\nRequire: sec-agree\r\nPrivacy: id\r\n\r\n");
}

/* AGR-29, TRU-34: one tag goes, the others keep their order, a row with none left goes whole. */
static void option_tags(void **state)
{
    (void)state;
    world w = start(CORE ODD TAGS);
    assert_int_equal(sv_sip_edit_remove_tag(&w.edit, SV_F_REQUIRE, "sec-agree", w.arena), 2);
    assert_int_equal(sv_sip_edit_remove_tag(&w.edit, SV_F_PROXY_REQUIRE, "sec-agree", w.arena), 1);
    assert_int_equal(sv_sip_edit_remove_tag(&w.edit, SV_F_SUPPORTED, "sec-agree", w.arena), 0);
    assert_int_equal(sv_sip_edit_remove_tag(&w.edit, SV_F_REQUIRE, "sec-agree", w.arena), 0); /* gone already */
    end(&w, START CORE "sUbJect :  as \tit\r\n  is \r\nX-Empty:\r\nREQUIRE: 100rel, precondition\r\nSupported: a,,b\r\n\r\n");
    w = start(CORE "Require: a, A,\r\n b ,a\r\n");
    assert_int_equal(sv_sip_edit_remove_tag(&w.edit, SV_F_REQUIRE, "a", w.arena), 3);
    end(&w, START CORE "Require: b\r\n\r\n");
}

static void bodies(void **state)
{
    (void)state;
    world w = start(CORE BODY "\r\n12345");
    sv_sip_edit_set_body(&w.edit, SV_SPAN("1234567890"));
    end(&w, START CORE "Content-Type: text/plain\r\nl :  10\r\n\r\n1234567890");
    w = start(CORE "Content-Type: text/plain\r\n" "\r\n12345");
    sv_sip_edit_set_body(&w.edit, SV_SPAN("1"));
    end(&w, START CORE "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\n1");
    w = start(CORE BODY "\r\n12345"); /* a body goes: so must what describes it */
    sv_sip_edit_remove_all(&w.edit, SV_F_CONTENT_TYPE);
    sv_sip_edit_set_body(&w.edit, sv_span(NULL, 0));
    end(&w, START CORE "l :  0\r\n\r\n");
}

static void too_many(void **state)
{
    (void)state;
    sv_buffer b;
    sipveil_error err;
    world w = start(CORE);
    for (int i = 0; i <= SV_SIP_EDITS_MOST; i++) sv_sip_edit_add(&w.edit, SV_SPAN("X: y\r\n"));
    sv_buffer_init(&b, w.arena, 64, 1 << 16);
    assert_int_equal(sv_sip_edit_write(&w.edit, &b, &err), SIPVEIL_LIMIT);
    assert_int_equal(b.len, 0);
    sv_sip_edit_start(&w.edit, w.view);
    sv_buffer_init(&b, w.arena, 8, 8);
    assert_int_equal(sv_sip_edit_write(&w.edit, &b, &err), SIPVEIL_LIMIT);
    sv_arena_free(w.arena);
    drop(w.view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_named_nothing_changed), cmocka_unit_test(rows), cmocka_unit_test(option_tags),
        cmocka_unit_test(bodies), cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests_name("editing a message", tests, NULL, NULL);
}
