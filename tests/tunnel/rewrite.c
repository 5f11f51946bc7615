/* SPDX-License-Identifier: BSD-2-Clause */
/* A message with another body: everything that does not describe the body stays, octet by octet. */
#include "tunnel/fixture.h"

#include "tunnel/operation.h"

#define START "MESSAGE sip:bob@biloxi.example.com SIP/2.0\r\n"
#define REST "Via: SIP/2.0/TCP a.example;branch=z9hG4bKa\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\n"

static sipveil_code rewritten(lab *l, const char *before, sv_rewrite rewrite, sipveil_span *out)
{
    sv_sip_view *view = sv_arena_alloc(l->arena, sizeof *view);
    const sipveil_limits *limits = sipveil_context_limits(l->context);
    sv_buffer b;
    assert_non_null(view);
    assert_int_equal(sv_sip_read(text(before), SV_SIP_DATAGRAM, limits, view, &l->err), SIPVEIL_OK);
    sv_buffer_init(&b, l->arena, 1024, 1 << 20);
    rewrite.view = view;
    sipveil_code code = sv_put_message(&rewrite, limits, &b, &l->err);
    *out = sv_buffer_span(&b);
    return code;
}

static void rows_keep_their_places(void **state)
{
    static const struct {
        const char *before, *rows, *body, *after;
    } table[] = {
        /* the value changes, the name and its spacing stay */
        {START REST "c :text/plain\r\nl: 2\r\nX: 1\r\n\r\nab", "Content-Type: text/html\r\n", "xyz",
         START REST "c :text/html\r\nl: 3\r\nX: 1\r\n\r\nxyz"},
        /* equal values: the row as it was, folds and all */
        {START REST "Content-Type: text/plain;\r\n x=y\r\nContent-Length: 02\r\n\r\nab", "Content-Type: text/plain;\r\n x=y\r\n",
         "ab", START REST "Content-Type: text/plain;\r\n x=y\r\nContent-Length: 2\r\n\r\nab"},
        /* new rows follow Content-Type */
        {START "Content-Type: text/plain\r\n" REST "Content-Length: 2\r\n\r\nab",
         "Content-Type: text/html\r\nContent-Language: en\r\nContent-Foo: 1\r\n", "ab",
         START "Content-Type: text/html\r\nContent-Language: en\r\nContent-Foo: 1\r\n" REST "Content-Length: 2\r\n\r\nab"},
        /* rows that the new body lacks go */
        {START REST "Content-Disposition: attachment\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nContent-Length: 2\r\n\r\nab",
         "Content-Type: text/html\r\n", "", START REST "Content-Type: text/html\r\nContent-Length: 0\r\n\r\n"},
        /* no body before, no Content-Length before */
        {START REST "\r\n", "Content-Type: text/html\r\n", "x", START REST "Content-Type: text/html\r\nContent-Length: 1\r\n\r\nx"},
        {START REST "Content-Length: 0\r\n\r\n", "Content-Type: text/html\r\n", "x",
         START REST "Content-Type: text/html\r\nContent-Length: 1\r\n\r\nx"},
        /* a Content-Length among the new rows is not believed; rows of other names describe nothing here */
        {START REST "Content-Length: 0\r\n\r\n", "Content-Length: 77\r\nContent-Type: text/html\r\nSubject: evil\r\nFrom: <sip:e@x>\r\n", "x",
         START REST "Content-Type: text/html\r\nContent-Length: 1\r\n\r\nx"},
        /* two rows of one name, where there was one */
        {START REST "Content-Type: text/plain\r\nContent-Language: de\r\nX: 1\r\nContent-Length: 0\r\n\r\n",
         "Content-Type: text/html\r\nContent-Language: en\r\nContent-Language: fr\r\n", "x",
         START REST "Content-Type: text/html\r\nContent-Language: en\r\nContent-Language: fr\r\nX: 1\r\nContent-Length: 1\r\n\r\nx"},
        /* and one, where there were two */
        {START REST "Content-Type: text/plain\r\nContent-Language: de\r\nContent-Language: it\r\nContent-Length: 0\r\n\r\n",
         "Content-Type: text/html\r\nContent-Language: en\r\n", "x",
         START REST "Content-Type: text/html\r\nContent-Language: en\r\nContent-Length: 1\r\n\r\nx"},
        /* a value where there was none stays on its row */
        {START REST "Content-Type:\r\nContent-Length: 0\r\n\r\n", "Content-Type: text/html\r\n", "x",
         START REST "Content-Type: text/html\r\nContent-Length: 1\r\n\r\nx"},
        /* nothing at all */
        {START REST "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nab", "", "", START REST "Content-Length: 0\r\n\r\n"},
    };
    lab *l = begin(state);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sipveil_span out;
        sv_rewrite rewrite = {.rows = text(table[i].rows), .body = text(table[i].body)};
        assert_code(rewritten(l, table[i].before, rewrite, &out), SIPVEIL_OK);
        if (!sv_equal_str(out, table[i].after)) fail_msg("row %zu: %.*s", i, (int)out.len, out.data);
    }
}

static bool drop_via(void *state, const sv_sip_field *field, sv_buffer *out)
{
    if (field->id != SV_F_VIA) return false;
    sv_put_str(out, state);
    return true;
}

static void other_rows(void **state)
{
    lab *l = begin(state);
    char replacement[] = "Via: gone\r\n";
    sipveil_span out;
    sv_rewrite rewrite = {.start_line = SV_SPAN("BYE sip:x SIP/2.0"), .row = drop_via, .state = replacement,
                          .drop_mime_version = true, .extra = SV_SPAN("MIME-Version: 1.0\r\n"),
                          .rows = SV_SPAN("Content-Type: a/b\r\n"), .body = SV_SPAN("x")};
    assert_code(rewritten(l, START "MIME-Version: 1.0\r\n" REST "Content-Length: 0\r\n\r\n", rewrite, &out), SIPVEIL_OK);
    assert_true(sv_starts_nocase_str(out, "BYE sip:x SIP/2.0\r\nVia: gone\r\nFrom: "));
    assert_true(contains(out, "Max-Forwards: 70\r\nMIME-Version: 1.0\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\nx"));
    /* no Content-* row before: extra stands before the new ones */
    assert_code(rewritten(l, START REST "\r\n", rewrite, &out), SIPVEIL_OK);
    assert_true(contains(out, "Max-Forwards: 70\r\nMIME-Version: 1.0\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\nx"));
    /* keep_framing: a message without Content-Length stays without */
    rewrite.keep_framing = true;
    assert_code(rewritten(l, START REST "\r\n", rewrite, &out), SIPVEIL_OK);
    assert_false(contains(out, "Content-Length"));
}

/* ADV-034: more rows than any part has; rows that are none. */
static void bad_rows(void **state)
{
    lab *l = begin(state);
    sipveil_span out;
    sv_buffer b;
    sv_buffer_init(&b, l->arena, 4096, 1 << 16);
    for (int i = 0; i < 33; i++) sv_put_format(&b, "Content-X%d: 1\r\n", i);
    assert_code(rewritten(l, START REST "\r\n", (sv_rewrite){.rows = sv_buffer_span(&b)}, &out), SIPVEIL_LIMIT);
    assert_code(rewritten(l, START REST "\r\n", (sv_rewrite){.rows = SV_SPAN("no colon\r\n")}, &out), SIPVEIL_MALFORMED);
    assert_code(rewritten(l, START REST "\r\n", (sv_rewrite){.rows = SV_SPAN("Content-Type: a/b")}, &out), SIPVEIL_MALFORMED);
}

/* An AIB added and taken off again leaves every row as it was. */
static void there_and_back(void **state)
{
    lab *l = begin(state);
    static const char *const rows[] = {
        "Content-Type: text/plain\r\nContent-Language: de\r\nContent-Language: it\r\n",
        "e: gzip\r\ne: identity\r\nc: text/plain\r\n",
        "Content-Disposition: session\r\nContent-Type: text/plain\r\nContent-Foo: 1\r\nContent-Transfer-Encoding: 8bit\r\n",
    };
    l->seal.mode = SIPVEIL_MODE_SIPFRAG;
    l->seal.signers = &l->alice;
    l->seal.signer_count = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_span message = compose(l, HEAD, rows[i], SV_SPAN("hello"));
        assert_code(try_open(l, sealed(l, message)), SIPVEIL_OK);
        if (!sv_equal(l->opened.message, message)) {
            fail_msg("row %zu: %.*s", i, (int)l->opened.message.len, l->opened.message.data);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_keep_their_places), cmocka_unit_test(other_rows),
                                       cmocka_unit_test(bad_rows), cmocka_unit_test(there_and_back)};
    return cmocka_run_group_tests_name("a message with another body", tests, lab_setup, lab_teardown);
}
