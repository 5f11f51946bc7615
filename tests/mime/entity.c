/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mime/mime.h"

static sipveil_limits limits;
static sv_mime_entity entity;
static sipveil_error err;

static sipveil_code read_entity(const char *text)
{
    return sv_mime_read_entity(sv_span_str(text), &limits, 0, &entity, &err);
}

static void keeps_exact_octets(void **state)
{
    static const char text[] = "content-type: application/pkcs7-mime;\r\n smime-type=signed-data\r\n"
                               "X-Other:\r\n"
                               "Content-Transfer-Encoding:binary\r\n"
                               "Content-Disposition: attachment; filename=smime.p7m; handling=OPTIONAL\r\n"
                               "Content-ID: <a@b>\r\n"
                               "\r\n"
                               "body\0\r\n\r\nmore";
    (void)state;
    sipveil_span octets = SV_SPAN(text);
    assert_int_equal(sv_mime_read_entity(octets, &limits, 0, &entity, &err), SIPVEIL_OK);
    assert_ptr_equal(entity.whole.data, octets.data);
    assert_int_equal(entity.whole.len, octets.len);
    assert_true(sv_equal(entity.content, SV_SPAN("body\0\r\n\r\nmore")));
    assert_ptr_equal(entity.header.data, octets.data);
    assert_int_equal(entity.header.len + 2 + entity.content.len, octets.len);
    assert_true(sv_media_type_is(&entity.type, "application", "pkcs7-mime"));
    assert_int_equal(entity.encoding, SV_MIME_IDENTITY);
    assert_true(sv_media_type_is(&entity.disposition, "attachment", ""));
    assert_true(entity.handling_optional); /* TUN-63 */
    assert_true(sv_equal_str(entity.content_id, "a@b"));
    assert_int_equal(entity.field_count, 5);
    assert_true(sv_equal_str(entity.fields[0].name, "content-type"));
    assert_true(sv_equal_str(entity.fields[0].line, "content-type: application/pkcs7-mime;\r\n"
                                                    " smime-type=signed-data\r\n"));
    assert_true(sv_equal_str(entity.fields[1].name, "X-Other"));
    assert_int_equal(entity.fields[1].value.len, 0);
    assert_true(sv_equal_str(entity.fields[2].value, "binary"));
}

static void has_defaults(void **state)
{
    (void)state;
    assert_int_equal(read_entity("\r\nhello"), SIPVEIL_OK); /* ADV-033: a part without header block */
    assert_false(entity.type.present);
    assert_true(sv_media_type_is(&entity.type, "text", "plain"));
    assert_false(entity.disposition.present);
    assert_false(entity.handling_optional);
    assert_int_equal(entity.encoding, SV_MIME_IDENTITY);
    assert_int_equal(entity.header.len, 0);
    assert_int_equal(entity.field_count, 0);
    assert_int_equal(entity.content_id.len, 0);
    assert_true(sv_equal_str(entity.content, "hello"));
    assert_int_equal(read_entity("\r\n"), SIPVEIL_OK);
    assert_int_equal(entity.content.len, 0);
    assert_int_equal(read_entity("A: b\r\n\r\n"), SIPVEIL_OK); /* ADV-033: only header fields */
    assert_int_equal(entity.content.len, 0);
}

/* TUN-21, TUN-63: required unless it says optional. */
static void handling_is_required_unless_optional(void **state)
{
    static const struct {
        const char *text;
        bool optional;
    } rows[] = {
        {"Content-Disposition: render\r\n\r\n", false},
        {"Content-Disposition: render;handling=required\r\n\r\n", false},
        {"Content-Disposition: render;handling=whatever\r\n\r\n", false},
        {"Content-Disposition: optional\r\n\r\n", false},
        {"Content-Disposition: aib; handling=\"optional\"\r\n\r\n", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(read_entity(rows[i].text), SIPVEIL_OK);
        assert_int_equal(entity.handling_optional, rows[i].optional);
    }
}

static void refuses_what_is_malformed(void **state)
{
    static const struct {
        const char *text, *rule;
    } rows[] = {
        {"", "TUN-61"},
        {"Content-Type: text/plain\r\n", "TUN-61"},
        {"Content-Type: text/plain", "ADV-009"},
        {"Content-Type: text/plain\r\nhello", "ADV-010"},
        {"\rhello", "TUN-61"},
        {"\n\r\nhello", "ADV-010"},
        {"A: b\n\r\nhello", "ADV-009"},
        {"A: b\rC: d\r\n\r\n", "ADV-009"},
        {" A: b\r\n\r\n", "ADV-010"},
        {"A : b\r\n\r\n", "ADV-010"},
        {": b\r\n\r\n", "ADV-010"},
        {"A\r\n\r\n", "ADV-010"},
        {"A: b\r\n \r\n\r\n", "ADV-010"},
        {"Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n", "ADV-035"},
        {"Content-Type: a/b\r\nX: y\r\nCONTENT-TYPE: a/c\r\n\r\n", "ADV-035"},
        {"Content-Transfer-Encoding: binary\r\nContent-Transfer-Encoding: base64\r\n\r\n", "ADV-035"},
        {"Content-ID: <a>\r\nContent-ID: <b>\r\n\r\n", "ADV-035"},
        {"Content-Disposition: a\r\nContent-Disposition: b\r\n\r\n", "ADV-035"},
        {"Content-ID: a@b\r\n\r\n", "ADV-035"},
        {"Content-ID: <a@b\r\n\r\n", "ADV-035"},
        {"Content-ID: <>\r\n\r\n", "ADV-035"},
        {"Content-ID: <a> <b>\r\n\r\n", "ADV-035"},
        {"Content-ID: <a b>\r\n\r\n", "ADV-035"},
        {"Content-ID: <a<b>\r\n\r\n", "ADV-035"},
        {"Content-Type:\r\n\r\n", "TUN-78"},
        {"Content-Type: text\r\n\r\n", "TUN-78"},
        {"Content-Disposition:\r\n\r\n", "TUN-63"},
        {"Content-Type: multipart/mixed;boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n", "TUN-79"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(&entity, 0x55, sizeof entity);
        if (read_entity(rows[i].text) != SIPVEIL_MALFORMED) fail_msg("row %zu: %s", i, rows[i].text);
        assert_string_equal(err.rule, rows[i].rule);
        assert_int_equal(entity.whole.len + entity.content.len + entity.field_count, 0);
    }
    assert_int_equal(sv_mime_read_entity(SV_SPAN("A: b\0c\r\n\r\n"), &limits, 0, &entity, &err),
                     SIPVEIL_MALFORMED);
    assert_int_equal(sv_mime_read_entity(sv_span(NULL, 0), &limits, 0, &entity, &err), SIPVEIL_MALFORMED);
}

/* ADV-034: one field repeated thousands of times; limits on their number and size. */
static void keeps_limits(void **state)
{
    (void)state;
    static char text[200000];
    static const struct {
        const char *line;
        size_t times;
        sipveil_code code;
    } rows[] = {
        {"Content-Type: text/plain\r\n", 3300, SIPVEIL_MALFORMED},
        {"Content-Description: x\r\n", 32, SIPVEIL_OK},
        {"Content-Description: x\r\n", 33, SIPVEIL_LIMIT},
        {"Content-Description: x\r\n", 3300, SIPVEIL_LIMIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = 0, n = strlen(rows[i].line);
        for (size_t k = 0; k < rows[i].times; k++, len += n) memcpy(text + len, rows[i].line, n);
        memcpy(text + len, "\r\n", 3);
        assert_int_equal(read_entity(text), rows[i].code);
    }
    memset(text, 'a', 20000); /* one field over 16 KiB */
    memcpy(text, "A: ", 3);
    memcpy(text + 20000, "\r\n\r\n", 5);
    assert_int_equal(read_entity(text), SIPVEIL_LIMIT);
    for (size_t i = 0; i < 7; i++) { /* all fields over 64 KiB */
        memset(text + i * 10000, 'a', 10000);
        memcpy(text + i * 10000, "A: ", 3);
        memcpy(text + i * 10000 + 9998, "\r\n", 2);
    }
    memcpy(text + 70000, "\r\n", 3);
    assert_int_equal(read_entity(text), SIPVEIL_LIMIT);
    sipveil_limits few = limits;
    few.part_fields = 1;
    assert_int_equal(sv_mime_read_entity(SV_SPAN("A: b\r\n\r\n"), &few, 0, &entity, &err), SIPVEIL_OK);
    assert_int_equal(sv_mime_read_entity(SV_SPAN("A: b\r\nC: d\r\n\r\n"), &few, 0, &entity, &err),
                     SIPVEIL_LIMIT);
    few.part_fields = 1000; /* no more than there is room for */
    size_t len = 0;
    for (; len < 8 * 100; len += 8) memcpy(text + len, "A: bcd\r\n", 8);
    memcpy(text + len, "\r\n", 3);
    assert_int_equal(sv_mime_read_entity(sv_span_str(text), &few, 0, &entity, &err), SIPVEIL_LIMIT);
}

/* ADV-039, TUN-79 */
static void reads_encodings(void **state)
{
    static const struct {
        const char *value;
        sipveil_code code;
        sv_mime_encoding encoding;
    } rows[] = {
        {"base64", SIPVEIL_OK, SV_MIME_BASE64},
        {"BASE64", SIPVEIL_OK, SV_MIME_BASE64},
        {"7bit", SIPVEIL_OK, SV_MIME_IDENTITY},
        {"8BIT", SIPVEIL_OK, SV_MIME_IDENTITY},
        {"Binary", SIPVEIL_OK, SV_MIME_IDENTITY},
        {"x-foo", SIPVEIL_UNSUPPORTED, SV_MIME_IDENTITY},
        {"base64, base64", SIPVEIL_UNSUPPORTED, SV_MIME_IDENTITY},
        {"base64;x=y", SIPVEIL_UNSUPPORTED, SV_MIME_IDENTITY},
        {"quoted-printable", SIPVEIL_UNSUPPORTED, SV_MIME_IDENTITY},
        {"", SIPVEIL_UNSUPPORTED, SV_MIME_IDENTITY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sv_mime_encoding encoding = (sv_mime_encoding)7;
        assert_int_equal(sv_mime_read_encoding(sv_span_str(rows[i].value), &encoding, &err), rows[i].code);
        assert_int_equal(encoding, rows[i].encoding);
    }
    assert_int_equal(read_entity("Content-Transfer-Encoding: quoted-printable\r\n\r\n"),
                     SIPVEIL_UNSUPPORTED);
    assert_int_equal(read_entity("Content-Transfer-Encoding:\r\n\r\n"), SIPVEIL_UNSUPPORTED);
}

static void makes_an_entity_of_a_sip_body(void **state)
{
    sipveil_span none = {NULL, 0}, body = SV_SPAN("dGV4dA==");
    (void)state;
    assert_int_equal(sv_mime_entity_of_body(SV_SPAN("application/pkcs7-mime; smime-type=enveloped-data"),
                                            SV_SPAN("base64"), SV_SPAN("attachment;handling=optional"),
                                            SV_SPAN("<x@y>"), body, &limits, 0, &entity, &err), SIPVEIL_OK);
    assert_ptr_equal(entity.content.data, body.data);
    assert_int_equal(entity.content.len, body.len);
    assert_int_equal(entity.whole.len + entity.header.len, 0);
    assert_int_equal(entity.encoding, SV_MIME_BASE64);
    assert_true(entity.handling_optional);
    assert_true(sv_equal_str(entity.content_id, "x@y"));

    sv_arena *arena = sv_arena_new(256, 256);
    sipveil_span content;
    assert_non_null(arena);
    assert_int_equal(sv_mime_decoded_content(&entity, arena, &content, &err), SIPVEIL_OK);
    assert_true(sv_equal_str(content, "text"));
    entity.content = SV_SPAN("dGV4dA=");
    assert_int_equal(sv_mime_decoded_content(&entity, arena, &content, &err), SIPVEIL_MALFORMED);
    assert_int_equal(content.len, 0);
    sv_arena_free(arena);

    assert_int_equal(sv_mime_entity_of_body(none, none, none, none, body, &limits, 0, &entity, &err),
                     SIPVEIL_OK);
    assert_false(entity.type.present);
    assert_int_equal(sv_mime_decoded_content(&entity, NULL, &content, &err), SIPVEIL_OK);
    assert_ptr_equal(content.data, body.data);

    /* TUN-78: only when asked. */
    sipveil_span bare = SV_SPAN("smime-type=enveloped-data");
    assert_int_equal(sv_mime_entity_of_body(bare, SV_SPAN("base64"), none, none, body, &limits, 0, &entity,
                                            &err), SIPVEIL_MALFORMED);
    assert_int_equal(entity.content.len, 0);
    assert_int_equal(sv_mime_entity_of_body(bare, SV_SPAN("base64"), none, none, body, &limits,
                                            SV_MIME_COMPAT_SEED000, &entity, &err), SIPVEIL_OK);
    assert_int_equal(sv_mime_entity_of_body(SV_SPAN("multipart/mixed"), SV_SPAN("base64"), none, none, body,
                                            &limits, 0, &entity, &err), SIPVEIL_MALFORMED);
    assert_int_equal(sv_mime_entity_of_body(none, none, none, SV_SPAN("x@y"), body, &limits, 0, &entity,
                                            &err), SIPVEIL_MALFORMED);
}

/* ADV-045: a file name is a parameter like any other, whatever it says; nothing here acts on it. */
static void keeps_file_names_as_text(void **state)
{
    (void)state;
    sipveil_span name;
    assert_int_equal(read_entity("Content-Disposition: attachment; filename=\"../../x\"\r\n\r\n"), SIPVEIL_OK);
    assert_true(sv_media_type_parameter(&entity.disposition, "filename", &name));
    assert_true(sv_equal_str(name, "../../x"));
}

int main(void)
{
    sipveil_limits_default(&limits);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_exact_octets),
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(handling_is_required_unless_optional),
        cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(keeps_limits),
        cmocka_unit_test(reads_encodings),
        cmocka_unit_test(makes_an_entity_of_a_sip_body),
        cmocka_unit_test(keeps_file_names_as_text),
    };
    return cmocka_run_group_tests_name("entities", tests, NULL, NULL);
}
