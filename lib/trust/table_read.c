/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a table: lines, sections, includes. A mistake is noted and reading goes on, so that all of them are
 * told at once; the table is given up in the end. */
#include <stdarg.h>
#include <stdio.h>

#include "trust/table.h"

enum { NAME_MOST = 63, MISTAKES_TOLD = 100 };

sipveil_code sv_table_mistake(sv_table_reader *r, sv_place place, const char *hint, const char *format, ...)
{
    char text[400];
    sipveil_error why;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)sv_fail_rule(&why, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET, "%s:%u: %s", place.file, place.line,
                       text);
    if (hint != NULL) (void)sv_hint(&why, SIPVEIL_USAGE, "%s", hint);
    if (r->mistakes++ == 0) *r->first = why;
    if (r->options->complain != NULL && r->mistakes <= MISTAKES_TOLD) r->options->complain(r->options->user, &why);
    return SIPVEIL_USAGE;
}

/* INTERNAL ends the reading; a mistake does not. */
static sipveil_code go_on(sipveil_code code)
{
    return code == SIPVEIL_INTERNAL ? code : SIPVEIL_OK;
}

/* ---- sections ---- */

static bool is_name_octet(uint8_t c)
{
    return sv_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

static sipveil_code start_partner(sv_table_reader *r, sipveil_span name)
{
    sipveil_trust_table *t = r->table;
    if (t->count == SV_TABLE_ROWS_MOST) {
        return sv_table_mistake(r, r->at, NULL, "more than %d partners", SV_TABLE_ROWS_MOST);
    }
    sv_partner *p = sv_arena_alloc(t->arena, sizeof *p);
    if (p == NULL || !sv_arena_copy(t->arena, name, &p->name)) return sv_no_memory(r->first, SV_TRUST);
    p->place = r->at;
    p->level = 3;
    p->valid_from = INT64_MIN;
    p->valid_to = INT64_MAX;
    if (t->last != NULL) t->last->next = p;
    else t->first = p;
    t->last = r->partner = p;
    t->count++;
    return SIPVEIL_OK;
}

/* What is quoted of a line is the name of something: a file of keys or passwords that was given for a table by a slip is
 * not read out. */
static bool is_plain_name(sipveil_span key)
{
    enum { KEY_MOST = 24 };
    bool plain = key.len > 0 && key.len <= KEY_MOST;
    for (size_t i = 0; plain && i < key.len; i++) plain = key.data[i] == '_' || (key.data[i] >= 'a' && key.data[i] <= 'z');
    return plain;
}

static sipveil_code start_section(sv_table_reader *r, sipveil_span line)
{
    static const char hint[] =
        "sections are [trust-domain] and [partner NAME]; a name is made of letters, digits, '.', '-', '_'";
    sv_cursor c = sv_cursor_over(sv_span(line.data + 1, line.len - 2), "section");
    r->in_spec = false;
    r->partner = NULL;
    r->skipping = true;
    if (sv_equal_str(sv_rest(&c), "trust-domain")) {
        if (r->table->spec.place.file != NULL) {
            return sv_table_mistake(r, r->at, "a node belongs to one trust domain",
                                    "[trust-domain] stands in %s:%u already", r->table->spec.place.file,
                                    r->table->spec.place.line);
        }
        r->table->spec.place = r->at;
        r->in_spec = true;
        r->skipping = false;
        return SIPVEIL_OK;
    }
    sv_cursor word = c;
    sipveil_span kind = sv_take_while(&word, is_name_octet);
    if (!sv_take_literal(&c, "partner "))
        return sv_table_mistake(r, r->at, hint, "no section of that kind%s%s", is_plain_name(kind) ? ": " : "",
                                is_plain_name(kind) ? SV_QUOTE(kind) : "");
    (void)sv_take_while(&c, sv_is_blank);
    sipveil_span name = sv_take_while(&c, is_name_octet);
    if (name.len == 0 || name.len > NAME_MOST || !sv_at_end(&c)) {
        return sv_table_mistake(r, r->at, hint, "not the name of a partner: %s", SV_QUOTE(line));
    }
    r->skipping = false;
    return start_partner(r, name);
}

/* ---- includes ---- */

static sipveil_code take_include(sv_table_reader *r, sipveil_span value)
{
    sipveil_span text;
    sipveil_error why;
    const char *name = NULL;
    sv_place here = r->at;
    r->in_spec = false;
    r->partner = NULL;
    sv_error_clear(&why);
    if (r->options->read == NULL) return sv_table_mistake(r, r->at, NULL, "files are not included here");
    if (r->depth == SV_TABLE_DEPTH_MOST || r->files == SV_TABLE_FILES_MOST) {
        return sv_table_mistake(r, r->at, "does a file include itself?",
                                "include: more than %d within each other, or %d in all", SV_TABLE_DEPTH_MOST,
                                SV_TABLE_FILES_MOST);
    }
    const char *named = sv_arena_string(r->table->arena, value);
    if (named == NULL) return sv_no_memory(r->first, SV_TRUST);
    sipveil_code given = r->options->read(r->options->user, named, r->at.file, &text, &name, &why);
    if (given == SIPVEIL_INTERNAL) *r->first = why;
    if (given != SIPVEIL_OK) {
        return given == SIPVEIL_INTERNAL ? given :  sv_table_mistake(r, here, why.hint[0] != '\0' ? why.hint : NULL, "include: %s", why.text);
    }
    r->depth++;
    sipveil_code code = sv_table_read_text(r, text, name);
    r->depth--;
    r->at = here;
    r->in_spec = r->skipping = false;
    r->partner = NULL;
    return code;
}

/* ---- lines ---- */

static sipveil_span take_line(sv_cursor *c)
{
    sipveil_span line;
    if (!sv_take_until(c, '\n', &line)) (void)sv_take(c, sv_left(c), &line);
    (void)sv_take_if(c, '\n');
    if (line.len > 0 && line.data[line.len - 1] == '\r') line.len--;
    return line;
}

/* Without a comment (at its start, or after a blank) and without blanks at both ends. */
static sipveil_span bare(sipveil_span line)
{
    bool blank = true;
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.data[i];
        if ((c == '#' || (c == ';' && blank)) && (i == 0 || sv_is_blank(line.data[i - 1]))) {
            line.len = i;
            break;
        }
        blank = blank && sv_is_blank(c);
    }
    return sv_trim(line);
}

/* The lines that go on a value start with a blank (RFC 5322 would call it folding). */
static sipveil_code take_folded(sv_table_reader *r, sv_cursor *c, sipveil_span *value, uint32_t *lines)
{
    uint8_t next;
    sv_buffer b;
    bool folded = false;
    while (sv_peek(c, &next) && sv_is_blank(next)) {
        sipveil_span more = bare(take_line(c));
        ++*lines;
        if (more.len == 0) continue;
        if (!folded) {
            sv_buffer_init(&b, r->table->arena, value->len + 256, SV_TABLE_OCTETS_MOST);
            sv_put(&b, *value);
            folded = true;
        }
        sv_put_byte(&b, ' ');
        sv_put(&b, more);
    }
    if (!folded) return SIPVEIL_OK;
    if (b.failed) return sv_no_memory(r->first, SV_TRUST);
    *value = sv_trim(sv_buffer_span(&b));
    return SIPVEIL_OK;
}

static bool is_key_octet(uint8_t c)
{
    return sv_is_alnum(c) || c == '_' || c == '-';
}

static sipveil_code take_assignment(sv_table_reader *r, sv_cursor *text, sipveil_span line, uint32_t *lines)
{
    sv_cursor c = sv_cursor_over(line, "line");
    sipveil_span key = sv_take_while(&c, is_key_octet);
    (void)sv_take_while(&c, sv_is_blank);
    bool good = key.len > 0 && sv_take_if(&c, '=');
    sipveil_span value = sv_trim(sv_rest(&c));
    SV_TRY(take_folded(r, text, &value, lines));
    if (!good && r->is_no_table) return SIPVEIL_USAGE;
    if (!good) {
        r->is_no_table = !r->in_spec && r->partner == NULL && !r->skipping;
        return sv_table_mistake(r, r->at, "a line is [a section], key = value, or # a comment", "neither a section nor key = value nor a comment");
    }
    for (size_t i = 0; i < value.len; i++) {
        if ((value.data[i] >= 0x20 && value.data[i] < 0x7F) || value.data[i] == '\t') continue;
        return sv_table_mistake(r, r->at, NULL, "%s has an octet that is not printable ASCII", SV_QUOTE(key));
    }
    if (sv_equal_str(key, "include")) return take_include(r, value);
    if (r->skipping) return SIPVEIL_OK;
    if (r->in_spec || r->partner != NULL) return sv_table_take_key(r, key, value);
    return sv_table_mistake(r, r->at,
                            "start one with [trust-domain] or [partner NAME]; an include ends the one before it",
                            "%s stands in no section", is_plain_name(key) ? SV_QUOTE(key) : "the line");
}

sipveil_code sv_table_read_text(sv_table_reader *r, sipveil_span text, const char *name)
{
    sv_cursor c = sv_cursor_over(text, "table");
    const char *file = sv_arena_string(r->table->arena, sv_span_str(name));
    if (file == NULL) return sv_no_memory(r->first, SV_TRUST);
    r->at = (sv_place){file, 1};
    r->is_no_table = false;
    r->files++;
    if (text.len > SV_TABLE_OCTETS_MOST)
        return sv_table_mistake(r, r->at, NULL, "more than %d octets", SV_TABLE_OCTETS_MOST);
    for (uint32_t line_number = 1; !sv_at_end(&c);) {
        uint32_t lines = 1;
        sipveil_span raw = take_line(&c), line = bare(raw);
        r->at.line = line_number;
        sipveil_code code = SIPVEIL_OK;
        if (line.len == 0) {
            /* empty, or a comment */
        } else if (sv_is_blank(raw.data[0])) {
            code = sv_table_mistake(r, r->at, "only a value may go on in a line that starts with a blank",
                                    "nothing to go on");
        } else if (line.data[0] == '[' && line.data[line.len - 1] == ']') {
            r->is_no_table = false;
            code = start_section(r, line);
        } else {
            code = take_assignment(r, &c, line, &lines);
        }
        SV_TRY(go_on(code));
        line_number += lines;
    }
    return SIPVEIL_OK;
}
