/* SPDX-License-Identifier: BSD-2-Clause */
/* An entity: header fields, empty line, content (RFC 2045, RFC 8551 3.1). */
#include "base/cursor.h"
#include "base/field.h"
#include "mime/mime.h"

/* The fields that say what the content is: once each. */
enum { CONTENT_TYPE, CONTENT_TRANSFER_ENCODING, CONTENT_DISPOSITION, CONTENT_ID, KNOWN_COUNT };
static const struct {
    const char *text;
    size_t length;
} known_names[KNOWN_COUNT] = {{"Content-Type", 12}, {"Content-Transfer-Encoding", 25}, {"Content-Disposition", 19}, {"Content-ID", 10}};

typedef struct known_values {
    sipveil_span value[KNOWN_COUNT];
    bool present[KNOWN_COUNT];
} known_values;

static sipveil_code read_content_id(sipveil_span value, sipveil_span *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Content-ID");
    sipveil_span id;
    size_t at;
    if (!sv_take_if(&c, '<') || !sv_take_until(&c, '>', &id) || !sv_take_if(&c, '>') ||
        !sv_at_end(&c) || !sv_is_text(id) || sv_find_byte(id, ' ', &at) || sv_find_byte(id, '<', &at)) {
        return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "ADV-035", SIPVEIL_NO_OFFSET,
                            "Content-ID is not <id>: \"%s\"", SV_QUOTE(value));
    }
    *out = id;
    return SIPVEIL_OK;
}

/* TUN-63: absent is required, and so is every value but "optional". */
static bool is_handling_optional(const sv_media_type *disposition)
{
    sipveil_span handling;
    return sv_media_type_parameter(disposition, "handling", &handling) &&
           sv_equal_nocase_str(handling, "optional");
}

static sipveil_code read_known(const known_values *known, const sipveil_limits *limits, unsigned flags,
                               sv_mime_entity *out, sipveil_error *err)
{
    out->type.type = SV_SPAN("text");
    out->type.subtype = SV_SPAN("plain");
    if (known->present[CONTENT_TYPE]) {
        SV_TRY(sv_mime_read_media_type(known->value[CONTENT_TYPE], limits, flags, &out->type, err));
    }
    if (known->present[CONTENT_TRANSFER_ENCODING]) {
        SV_TRY(sv_mime_read_encoding(known->value[CONTENT_TRANSFER_ENCODING], &out->encoding, err));
    }
    if (known->present[CONTENT_DISPOSITION]) {
        SV_TRY(sv_mime_read_disposition(known->value[CONTENT_DISPOSITION], limits, flags,
                                        &out->disposition, err));
        out->handling_optional = is_handling_optional(&out->disposition);
    }
    if (known->present[CONTENT_ID]) {
        SV_TRY(read_content_id(known->value[CONTENT_ID], &out->content_id, err));
    }
    if (out->encoding != SV_MIME_IDENTITY && sv_equal_nocase_str(out->type.type, "multipart")) {
        return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "TUN-79", SIPVEIL_NO_OFFSET,
                            "a multipart with a transfer encoding");
    }
    return SIPVEIL_OK;
}

static sipveil_code note_known(const sv_field_row *row, size_t offset, known_values *known,
                               sipveil_error *err)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (!sv_equal_nocase(row->name, sv_span(known_names[i].text, known_names[i].length))) continue;
        if (known->present[i]) {
            return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "ADV-035", offset,
                                "a second %s in one header", known_names[i].text);
        }
        known->present[i] = true;
        known->value[i] = row->value;
    }
    return SIPVEIL_OK;
}

/* Takes the header fields up to the empty line, which is not taken. */
static sipveil_code take_header(sv_cursor *c, const sipveil_limits *limits, sv_mime_entity *out,
                                known_values *known, sipveil_error *err)
{
    size_t most = limits->part_fields < SV_MIME_FIELDS_MOST ? limits->part_fields : SV_MIME_FIELDS_MOST;
    uint8_t next;
    while (sv_peek(c, &next) && next != '\r') {
        size_t offset = sv_offset(c);
        if (out->field_count >= most) {
            return sv_fail_rule(err, "mime", SIPVEIL_LIMIT, "ADV-034", offset,
                                "over %zu header fields in one entity", most);
        }
        sv_field_row row;
        SV_TRY(sv_take_field_row(c, limits->header_field, false, "mime", &row, err));
        if (sv_offset(c) > limits->header) {
            return sv_fail_rule(err, "mime", SIPVEIL_LIMIT, "ADV-034", offset,
                                "the header of an entity is over %zu octets", limits->header);
        }
        SV_TRY(note_known(&row, offset, known, err));
        out->fields[out->field_count++] = (sv_mime_field){row.name, row.value, row.line};
    }
    return SIPVEIL_OK;
}

static sipveil_code read_entity(sv_cursor *c, const sipveil_limits *limits, unsigned flags,
                                sv_mime_entity *out, sipveil_error *err)
{
    known_values known = {0};
    sv_cursor at_start = *c;
    SV_TRY(take_header(c, limits, out, &known, err));
    size_t header = sv_offset(c);
    if (!sv_take_literal(c, "\r\n")) {
        return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "TUN-61", header,
                            "no empty line after the header of an entity");
    }
    out->whole = sv_rest(&at_start);
    (void)sv_take(&at_start, header, &out->header);
    out->content = sv_rest(c);
    return read_known(&known, limits, flags, out, err);
}

/* All but the arrays, of which only what is counted counts. */
static void clear(sv_mime_entity *entity)
{
    entity->whole = entity->header = entity->content = entity->content_id = sv_span(NULL, 0);
    entity->type = entity->disposition = (sv_media_type){0};
    entity->encoding = SV_MIME_IDENTITY;
    entity->handling_optional = false;
    entity->field_count = 0;
}

sipveil_code sv_mime_read_entity(sipveil_span octets, const sipveil_limits *limits, unsigned flags,
                                 sv_mime_entity *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(octets, "entity");
    clear(out);
    sipveil_code code = read_entity(&c, limits, flags, out, err);
    if (code != SIPVEIL_OK) *out = (sv_mime_entity){0};
    return code;
}

sipveil_code sv_mime_entity_of_body(sipveil_span content_type, sipveil_span content_transfer_encoding,
                                    sipveil_span content_disposition, sipveil_span content_id,
                                    sipveil_span body, const sipveil_limits *limits, unsigned flags,
                                    sv_mime_entity *out, sipveil_error *err)
{
    known_values known = {.value = {[CONTENT_TYPE] = content_type,
                                    [CONTENT_TRANSFER_ENCODING] = content_transfer_encoding,
                                    [CONTENT_DISPOSITION] = content_disposition,
                                    [CONTENT_ID] = content_id}};
    for (size_t i = 0; i < KNOWN_COUNT; i++) known.present[i] = known.value[i].len > 0;
    clear(out);
    out->content = body;
    sipveil_code code = read_known(&known, limits, flags, out, err);
    if (code != SIPVEIL_OK) *out = (sv_mime_entity){0};
    return code;
}

sipveil_code sv_mime_decoded_content(const sv_mime_entity *entity, sv_arena *arena, sipveil_span *out,
                                     sipveil_error *err)
{
    if (entity->encoding == SV_MIME_BASE64) {
        return sv_mime_decode_base64(entity->content, arena, out, err);
    }
    *out = entity->content;
    return SIPVEIL_OK;
}
