/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/edit.h"

#include "sip/values.h"

void sv_put_row_start(const sv_sip_field *field, sv_buffer *out)
{
    if (field->value.len > 0) {
        sv_put(out, sv_span(field->line.data, (size_t)(field->value.data - field->line.data)));
        return;
    }
    sv_put(out, field->name); /* an empty value may lie past the line's end */
    sv_put_str(out, ": ");
}

bool sv_is_content_field(sv_field_id id, sipveil_span name)
{
    switch (id) {
    case SV_F_CONTENT_DISPOSITION:
    case SV_F_CONTENT_ENCODING:
    case SV_F_CONTENT_ID:
    case SV_F_CONTENT_LANGUAGE:
    case SV_F_CONTENT_LENGTH:
    case SV_F_CONTENT_TRANSFER_ENCODING:
    case SV_F_CONTENT_TYPE: return true;
    default: return id == SV_F_OTHER && sv_starts_nocase_str(name, "content-");
    }
}

void sv_sip_edit_start(sv_sip_edit *edit, const sv_sip_view *view)
{
    edit->view = view;
    edit->start_line = edit->body = sv_span(NULL, 0);
    edit->has_body = edit->overflow = edit->no_memory = false;
    edit->count = 0;
    memset(edit->removed, 0, sizeof edit->removed);
}

static size_t index_of(const sv_sip_edit *edit, const sv_sip_field *row)
{
    return (size_t)(row - edit->view->fields);
}

void sv_sip_edit_remove(sv_sip_edit *edit, const sv_sip_field *row)
{
    size_t i = index_of(edit, row);
    edit->removed[i / 64] |= UINT64_C(1) << (i % 64);
}

bool sv_sip_edit_is_removed(const sv_sip_edit *edit, const sv_sip_field *row)
{
    size_t i = index_of(edit, row);
    return (edit->removed[i / 64] >> (i % 64) & 1) != 0;
}

size_t sv_sip_edit_remove_all(sv_sip_edit *edit, sv_field_id id)
{
    size_t count = 0;
    for (const sv_sip_field *row = sv_sip_first(edit->view, id); row != NULL; row = sv_sip_next(edit->view, row)) {
        sv_sip_edit_remove(edit, row);
        count++;
    }
    return count;
}

static void change(sv_sip_edit *edit, size_t row, sipveil_span lines)
{
    if (lines.len == 0) return;
    if (edit->count == SV_SIP_EDITS_MOST) {
        edit->overflow = true;
        return;
    }
    edit->changes[edit->count++] = (sv_sip_change){row, lines};
}

void sv_sip_edit_insert_before(sv_sip_edit *edit, const sv_sip_field *row, sipveil_span lines)
{
    change(edit, index_of(edit, row), lines);
}

void sv_sip_edit_replace(sv_sip_edit *edit, const sv_sip_field *row, sipveil_span lines)
{
    sv_sip_edit_remove(edit, row);
    change(edit, index_of(edit, row), lines);
}

void sv_sip_edit_add(sv_sip_edit *edit, sipveil_span lines)
{
    size_t at = 0;
    while (at < edit->view->field_count && !sv_is_content_field(edit->view->fields[at].id, edit->view->fields[at].name)) at++;
    change(edit, at, lines);
}

void sv_sip_edit_set_value(sv_sip_edit *edit, const sv_sip_field *row, sipveil_span value, sv_arena *arena)
{
    sv_buffer b;
    sv_buffer_init(&b, arena, row->line.len + value.len + 4, row->line.len + value.len + 4);
    sv_put_row_start(row, &b);
    sv_put(&b, value);
    sv_put_str(&b, "\r\n");
    if (b.failed) edit->no_memory = true; /* told when it is written */
    sv_sip_edit_replace(edit, row, sv_buffer_span(&b));
}

/* The tags of one row without `tag`; how many times it was there. */
static size_t put_other_tags(const sv_sip_field *row, const char *tag, sv_buffer *out, size_t *kept)
{
    sv_cursor c = sv_cursor_over(row->value, "option tags");
    size_t found = 0;
    *kept = 0;
    while (!sv_at_end(&c)) {
        sipveil_span one;
        if (!sv_take_until(&c, ',', &one)) {
            one = sv_rest(&c);
            c.at = c.end;
        }
        (void)sv_take_if(&c, ',');
        one = sv_trim(one);
        if (one.len == 0) continue;
        if (sv_equal_nocase_str(one, tag)) {
            found++;
            continue;
        }
        if ((*kept)++ > 0) sv_put_str(out, ", ");
        sv_put(out, one);
    }
    return found;
}

size_t sv_sip_edit_remove_tag(sv_sip_edit *edit, sv_field_id id, const char *tag, sv_arena *arena)
{
    size_t count = 0;
    for (const sv_sip_field *row = sv_sip_first(edit->view, id); row != NULL; row = sv_sip_next(edit->view, row)) {
        sv_buffer b;
        size_t kept, found;
        if (sv_sip_edit_is_removed(edit, row)) continue;
        sv_buffer_init(&b, arena, row->value.len + 8, 2 * row->value.len + 8);
        found = put_other_tags(row, tag, &b, &kept);
        if (b.failed) edit->no_memory = true;
        count += found;
        if (found > 0 && kept == 0) sv_sip_edit_remove(edit, row);
        else if (found > 0) sv_sip_edit_set_value(edit, row, sv_buffer_span(&b), arena);
    }
    return count;
}

void sv_sip_edit_set_body(sv_sip_edit *edit, sipveil_span body)
{
    edit->has_body = true;
    edit->body = body;
}

static void put_length(const sv_sip_edit *edit, const sv_sip_field *row, sv_buffer *out)
{
    if (row != NULL) sv_put_row_start(row, out);
    else sv_put_str(out, "Content-Length: ");
    sv_put_number(out, edit->body.len);
    sv_put_str(out, "\r\n");
}

sipveil_code sv_sip_edit_write(const sv_sip_edit *edit, sv_buffer *out, sipveil_error *err)
{
    const sv_sip_view *view = edit->view;
    if (edit->no_memory) return sv_no_memory(err, "sip");
    if (edit->overflow) {
        return sv_fail(err, "sip", SIPVEIL_LIMIT, "more than %d changes to one message", SV_SIP_EDITS_MOST);
    }
    sv_put(out, edit->start_line.len > 0 ? edit->start_line : view->start_line);
    sv_put_str(out, "\r\n");
    for (size_t i = 0; i <= view->field_count; i++) {
        for (size_t k = 0; k < edit->count; k++) {
            if (edit->changes[k].row == i) sv_put(out, edit->changes[k].lines);
        }
        if (i == view->field_count || sv_sip_edit_is_removed(edit, &view->fields[i])) continue;
        if (edit->has_body && view->fields[i].id == SV_F_CONTENT_LENGTH) put_length(edit, &view->fields[i], out);
        else sv_put(out, view->fields[i].line);
    }
    if (edit->has_body && sv_sip_first(view, SV_F_CONTENT_LENGTH) == NULL) put_length(edit, NULL, out);
    sv_put_str(out, "\r\n");
    sv_put(out, edit->has_body ? edit->body : view->body);
    return sv_buffer_check(out, "sip", err);
}
