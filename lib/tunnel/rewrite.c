/* SPDX-License-Identifier: BSD-2-Clause */
/* A SIP message with another body: every row that does not describe the body stays as it was, octet by
 * octet and in its place. */
#include "base/field.h"
#include "tunnel/operation.h"

enum { ROWS_MOST = SV_MIME_FIELDS_MOST };

typedef struct content_rows {
    sv_field_row rows[ROWS_MOST];
    bool used[ROWS_MOST];
    size_t count;
} content_rows;

static sipveil_code read_rows(sipveil_span text, const sipveil_limits *limits, content_rows *out,
                              sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(text, "content rows");
    out->count = 0;
    while (!sv_at_end(&c)) {
        sv_field_row row;
        SV_TRY(sv_take_field_row(&c, limits->header_field, false, SV_TUNNEL, &row, err));
        if (!sv_is_content_field(SV_F_OTHER, row.name)) continue; /* only these describe a body in SIP */
        if (out->count == ROWS_MOST) {
            return sv_fail_rule(err, SV_TUNNEL, SIPVEIL_LIMIT, "ADV-034", SIPVEIL_NO_OFFSET,
                                "more than %d header fields in one part", ROWS_MOST);
        }
        out->used[out->count] = false;
        out->rows[out->count++] = row;
    }
    return SIPVEIL_OK;
}

static const sv_field_row *take_row(content_rows *rows, const sv_sip_field *field)
{
    for (size_t i = 0; i < rows->count; i++) {
        bool same = field->id != SV_F_OTHER ? sv_field_id_of(rows->rows[i].name) == field->id
                                            : sv_equal_nocase(rows->rows[i].name, field->name);
        if (same && !rows->used[i]) {
            rows->used[i] = true;
            return &rows->rows[i];
        }
    }
    return NULL;
}

static bool view_has(const sv_sip_view *view, sipveil_span name)
{
    return sv_sip_find(view, name) != NULL;
}

/* The rows that the message does not have yet. */
static void put_new_rows(const sv_sip_view *view, content_rows *rows, sv_buffer *out)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->used[i] || view_has(view, rows->rows[i].name)) continue;
        if (sv_equal_nocase_str(rows->rows[i].name, "content-length")) continue;
        rows->used[i] = true;
        sv_put(out, rows->rows[i].line);
    }
}

static void put_content_row(const sv_rewrite *r, const sv_sip_field *field, content_rows *rows, sv_buffer *out)
{
    if (field->id == SV_F_CONTENT_LENGTH) {
        if (sv_sip_first(r->view, SV_F_CONTENT_TYPE) == NULL) put_new_rows(r->view, rows, out);
        sv_put_row_start(field, out);
        sv_put_number(out, r->body.len);
        sv_put_str(out, "\r\n");
        return;
    }
    const sv_field_row *replacement = take_row(rows, field);
    if (replacement != NULL && sv_equal(replacement->value, field->value)) {
        sv_put(out, field->line);
    } else if (replacement != NULL) {
        sv_put_row_start(field, out);
        sv_put(out, replacement->value);
        sv_put_str(out, "\r\n");
    }
    if (sv_sip_next(r->view, field) == NULL) { /* the last of its name: what the new body has more of */
        while ((replacement = take_row(rows, field)) != NULL) sv_put(out, replacement->line);
    }
    if (field->id == SV_F_CONTENT_TYPE) put_new_rows(r->view, rows, out);
}

sipveil_code sv_put_message(const sv_rewrite *r, const sipveil_limits *limits, sv_buffer *out,
                            sipveil_error *err)
{
    content_rows rows;
    bool extra_done = r->extra.len == 0;
    SV_TRY(read_rows(r->rows, limits, &rows, err));
    sv_put(out, r->start_line.len > 0 ? r->start_line : r->view->start_line);
    sv_put_str(out, "\r\n");
    for (size_t i = 0; i < r->view->field_count; i++) {
        const sv_sip_field *field = &r->view->fields[i];
        bool content = sv_is_content_field(field->id, field->name);
        if (content && !extra_done) {
            sv_put(out, r->extra);
            extra_done = true;
        }
        if (content) {
            put_content_row(r, field, &rows, out);
        } else if (field->id == SV_F_MIME_VERSION && r->drop_mime_version) {
            continue;
        } else if (r->row == NULL || !r->row(r->state, field, out)) {
            sv_put(out, field->line);
        }
    }
    if (!extra_done) sv_put(out, r->extra);
    put_new_rows(r->view, &rows, out);
    if (sv_sip_first(r->view, SV_F_CONTENT_LENGTH) == NULL && !r->keep_framing) {
        sv_put_str(out, "Content-Length: ");
        sv_put_number(out, r->body.len);
        sv_put_str(out, "\r\n");
    }
    sv_put_str(out, "\r\n");
    sv_put(out, r->body);
    return sv_buffer_check(out, SV_TUNNEL, err);
}
