/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads octets as an entity, its parts as entities (one level is one call: no recursion), its content as
 * base64 and its first line as a media type; what was read must lie within what was given, and what is
 * written from it must read back the same. The first octet chooses the flags. */

#include "base/fuzz_target.h"
#include "mime/mime.h"

enum { PARTS = 32 };

static bool same(sipveil_span a, sipveil_span b)
{
    return a.data == b.data && a.len == b.len;
}

static void check_type(const sv_media_type *t, sipveil_span in)
{
    must(t->present && t->type.len > 0 && t->parameter_count <= SV_MIME_PARAMETERS_MOST);
    must(sv_span_within(t->parameters, in) || t->parameters.len == 0);
    sv_cursor c = sv_cursor_over(t->parameters, "parameters");
    sv_mime_parameter p;
    sipveil_span value;
    size_t count = 0;
    while (sv_media_type_next(t, &c, &p)) {
        must(sv_span_within(p.name, in) && sv_span_within(p.value, in));
        must(p.quoted || p.value.len > 0);
        must(sv_media_type_parameter(t, "boundary", &value) || value.len == 0);
        sv_cursor before = sv_cursor_over(t->parameters, "parameters");
        sv_mime_parameter q;
        for (size_t i = 0; i < count; i++) must(sv_media_type_next(t, &before, &q) && !sv_equal_nocase(q.name, p.name));
        count++;
    }
    must(count == t->parameter_count && sv_at_end(&c)); /* all that were checked, and no more */
}

static void check_entity(const sv_mime_entity *e, sipveil_span in)
{
    must(same(e->whole, in));
    must(e->header.data == in.data && e->header.len + 2 + e->content.len == in.len);
    must(e->content.data == in.data + e->header.len + 2);
    must(e->field_count <= SV_MIME_FIELDS_MOST);
    const uint8_t *at = e->header.data;
    for (size_t i = 0; i < e->field_count; i++) { /* the lines are the header, without gaps */
        must(e->fields[i].line.data == at && e->fields[i].name.data == at);
        must(sv_span_within(e->fields[i].value, e->fields[i].line));
        at += e->fields[i].line.len;
    }
    must(at == e->header.data + e->header.len);
    must(sv_span_within(e->content_id, e->header) || e->content_id.len == 0);
    if (e->type.present) check_type(&e->type, e->header);
    if (e->disposition.present) check_type(&e->disposition, e->header);
}

/* Text that decodes is the text of one octet string: that string's own text decodes to it again. */
static void check_base64(sipveil_span text, sv_arena *arena)
{
    sipveil_span octets, again;
    if (sv_mime_decode_base64(text, arena, &octets, NULL) != SIPVEIL_OK) return;
    must(octets.len <= text.len / 4 * 3);
    for (size_t columns = 0; columns <= 76; columns += 76) {
        sv_buffer b;
        size_t expected = sv_mime_base64_size(octets.len, columns);
        sv_buffer_init(&b, arena, expected, expected);
        sv_mime_put_base64(&b, octets, columns);
        must(sv_buffer_span(&b).len == expected);
        must(sv_mime_decode_base64(sv_buffer_span(&b), arena, &again, NULL) == SIPVEIL_OK);
        must(sv_equal(again, octets));
    }
}

/* The parts written between fresh delimiter lines are the same parts. */
static void check_rewritten(const sv_media_type *type, const sipveil_span *parts, size_t count,
                            const sipveil_limits *limits, sv_arena *arena)
{
    sipveil_span boundary, again[PARTS];
    size_t again_count;
    sv_buffer b;
    must(sv_media_type_parameter(type, "boundary", &boundary));
    sv_buffer_init(&b, arena, 1024, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        sv_put_str(&b, i == 0 ? "--" : "\r\n--");
        sv_put(&b, boundary);
        sv_put_str(&b, "\r\n");
        sv_put(&b, parts[i]);
    }
    sv_put_str(&b, "\r\n--");
    sv_put(&b, boundary);
    sv_put_str(&b, "--\r\n");
    if (b.failed) return;
    must(sv_mime_read_multipart(type, sv_buffer_span(&b), limits, 0, again, PARTS, &again_count, NULL) ==
         SIPVEIL_OK);
    must(again_count == count);
    for (size_t i = 0; i < count; i++) must(sv_equal(parts[i], again[i]));
}

static void check_multipart(const sv_media_type *type, sipveil_span content, unsigned flags,
                            const sipveil_limits *limits, sv_arena *arena)
{
    static sv_mime_entity part;
    sipveil_span parts[PARTS];
    size_t count;
    sipveil_code code = sv_mime_read_multipart(type, content, limits, flags, parts, PARTS, &count, NULL);
    must(code == SIPVEIL_OK ? count > 0 && count <= PARTS : count == 0);
    if (code != SIPVEIL_OK) return;
    const uint8_t *at = content.data;
    for (size_t i = 0; i < count; i++) {
        must(sv_span_within(parts[i], content) && parts[i].data > at);
        at = parts[i].data + parts[i].len;
        if (sv_mime_read_entity(parts[i], limits, flags, &part, NULL) != SIPVEIL_OK) continue;
        check_entity(&part, parts[i]);
        check_base64(part.content, arena);
    }
    check_rewritten(type, parts, count, limits, arena);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static sv_mime_entity entity, of_body;
    static sv_media_type type;
    sipveil_limits limits;
    sipveil_error err;
    sipveil_limits_default(&limits);
    if (size == 0) return;
    sv_arena *arena = fuzz_arena(1 << 14, 1 << 24);
    unsigned flags = data[0] & 3;
    sipveil_span in = sv_span(data + 1, size - 1), none = {NULL, 0};
    sipveil_code code = sv_mime_read_entity(in, &limits, flags, &entity, &err);
    if (code == SIPVEIL_OK) {
        check_entity(&entity, in);
        check_base64(entity.content, arena);
        check_multipart(&entity.type, entity.content, flags, &limits, arena);
    } else {
        must(err.code == code && err.text[0] != '\0' && entity.whole.len == 0);
    }
    size_t line = 0;
    (void)sv_find_byte(in, '\n', &line);
    sipveil_span first = sv_trim(sv_span(in.data, line));
    if (sv_mime_read_media_type(first, &limits, flags, &type, NULL) == SIPVEIL_OK) check_type(&type, first);
    if (sv_mime_read_disposition(first, &limits, flags, &type, NULL) == SIPVEIL_OK) check_type(&type, first);
    if (sv_mime_entity_of_body(first, none, none, none, sv_span_from(in, line), &limits, flags, &of_body,
                               NULL) == SIPVEIL_OK) {
        check_multipart(&of_body.type, of_body.content, flags, &limits, arena);
    }
    check_base64(in, arena);
}
