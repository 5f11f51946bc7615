/* SPDX-License-Identifier: BSD-2-Clause */
/* The border as an object: what arrived, kept for every branch that leaves (TRU-38). */
#include "trust/border.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip/address.h"
#include "sip/response.h"
#include "tunnel/operation.h"

enum { FIRST_BLOCK = 64 << 10, LINES_MOST = 1 << 18, WHY_MOST = 300 };

sipveil_code sipveil_border_new(const sipveil_context *context, sipveil_border **out, sipveil_error *err)
{
    if (context == NULL || out == NULL)
        return sv_fail(err, SV_TRUST, SIPVEIL_USAGE, "a context and a place are needed");
    *out = NULL;
    sipveil_border *b = calloc(1, sizeof *b);
    if (b == NULL) return sv_no_memory(err, SV_TRUST);
    b->context = context;
    b->arena = sv_arena_new(FIRST_BLOCK, FIRST_BLOCK + 64 * sipveil_context_limits(context)->message);
    sipveil_code code = b->arena == NULL ? sv_no_memory(err, SV_TRUST) : sv_crypto_new(context, &b->crypto, err);
    if (code != SIPVEIL_OK) {
        sipveil_border_free(b);
        return code;
    }
    *out = b;
    return SIPVEIL_OK;
}

void sipveil_border_free(sipveil_border *b)
{
    if (b == NULL) return;
    sipveil_trust_table_free(b->table);
    sv_arena_free(b->arena);
    sv_crypto_free(b->crypto);
    free(b);
}

/* ---- the report grows ---- */

/* A reason that cannot be told is no reason: the call fails. */
SV_PRINTF(2, 0)
static const char *text_of(sipveil_border *b, const char *format, va_list arguments)
{
    char text[WHY_MOST];
    (void)vsnprintf(text, sizeof text, format, arguments);
    const char *copy = sv_arena_string(b->arena, sv_span_str(text));
    if (copy == NULL) b->no_memory = true;
    return copy != NULL ? copy : "";
}

void sv_border_note(sipveil_border *b, const char *phase, const char *field, const char *result, const char *rule,
                    const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    sipveil_border_line line = {
        .field = field, .result = result, .phase = phase, .rule = rule, .why = text_of(b, why, arguments)};
    va_end(arguments);
    if (!b->no_memory) sv_put(&b->lines, sv_span(&line, sizeof line));
}

void sv_border_warn(sipveil_border *b, const char *rule, const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    sipveil_warning warning = {.rule = rule, .text = text_of(b, text, arguments)};
    va_end(arguments);
    sv_put(&b->warnings, sv_span(&warning, sizeof warning));
}

void sv_border_refuse(sipveil_border *b, int status, const char *rule, const char *phrase, const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    b->refusal = (sv_refusal){
        .action = SIPVEIL_BORDER_RESPOND, .status = status, .rule = rule, .why = text_of(b, why, arguments)};
    va_end(arguments);
    if (phrase != NULL && !sv_arena_copy(b->arena, sv_span_str(phrase), &b->refusal.phrase)) b->no_memory = true;
}

static bool has_line(const sipveil_border *b, sipveil_span field)
{
    sipveil_span octets = sv_buffer_span(&b->lines);
    const sipveil_border_line *lines = (const sipveil_border_line *)(const void *)octets.data;
    for (size_t i = 0; i < octets.len / sizeof *lines; i++) {
        if (sv_equal_nocase_str(field, lines[i].field)) return true;
    }
    return false;
}

/* What no rule concerned is told too, to those who ask: the reader of a report wants all of the message. */
static void note_untouched(sipveil_border *b, const sv_sip_view *view)
{
    for (size_t i = 0; i < view->field_count; i++) {
        const sv_sip_field *row = &view->fields[i];
        const char *name =
            row->id != SV_F_OTHER ? sv_field_info_of(row->id)->name : sv_arena_string(b->arena, row->name);
        if (name == NULL) b->no_memory = true;
        if (name == NULL || sv_sip_find(view, row->name) != row || has_line(b, sv_span_str(name))) continue;
        if (row->id == SV_F_IDENTITY || row->id == SV_F_IDENTITY_INFO) {
            sv_border_note(b, "", name, "kept", "TRU-36", "Privacy never removes it");
        } else {
            sv_border_note(b, "", name, "kept", "", "no rule of the border concerns it");
        }
    }
}

/* ---- results ---- */

static sipveil_code write_response(sipveil_border *b, const sv_sip_view *view, sipveil_span *message,
                                   sipveil_error *err)
{
    uint8_t tag[2 * SV_TAG_OCTETS];
    sv_buffer out;
    SV_TRY(sv_make_refusal_tag(b->crypto, b->arena, view, tag, err));
    const sv_sip_response response = {.status = b->refusal.status, .phrase = b->refusal.phrase, .rows = b->refusal.rows,
                                      .tag = sv_span(tag, sizeof tag)};
    sv_buffer_init(&out, b->arena, 1024, sipveil_context_limits(b->context)->message);
    SV_TRY(sv_sip_write_response(view, &response, &out, err));
    *message = sv_buffer_span(&out);
    return SIPVEIL_OK;
}

/* What b->edit made of the view, or the response that refuses it. */
static sipveil_code write_message(sipveil_border *b, const sv_sip_view *view, sipveil_span *message, sipveil_error *err)
{
    sv_buffer out;
    *message = sv_span(NULL, 0);
    if (b->refusal.action != SIPVEIL_BORDER_FORWARD && (!view->is_request || sv_equal_str(view->method, "ACK"))) {
        b->refusal.action = SIPVEIL_BORDER_DROP;
        b->refusal.status = 0;
        return SIPVEIL_OK;
    }
    if (b->refusal.action == SIPVEIL_BORDER_RESPOND) return write_response(b, view, message, err);
    sv_buffer_init(&out, b->arena, view->whole.len + 512, sipveil_context_limits(b->context)->message + SV_BORDER_ROOM);
    SV_TRY(sv_sip_edit_write(&b->edit, &out, err));
    *message = sv_buffer_span(&out);
    return SIPVEIL_OK;
}

static sipveil_code finish(sipveil_border *b, sipveil_border_result *out, sipveil_error *err)
{
    if (b->no_memory) return sv_no_memory(err, SV_TRUST);
    SV_TRY(sv_buffer_check(&b->lines, SV_TRUST, err));
    SV_TRY(sv_buffer_check(&b->warnings, SV_TRUST, err));
    sipveil_span warnings = sv_buffer_span(&b->warnings);
    *out = (sipveil_border_result){.action = b->refusal.action,
                                   .message = b->message,
                                   .status = b->refusal.status,
                                   .why = b->refusal.why != NULL ? b->refusal.why : "",
                                   .rule = b->refusal.rule != NULL ? b->refusal.rule : "",
                                   .warnings = (const sipveil_warning *)(const void *)warnings.data,
                                   .warning_count = warnings.len / sizeof(sipveil_warning)};
    return SIPVEIL_OK;
}

/* ---- arrive ---- */

static sipveil_code check_arrival(const sipveil_border *b, const sipveil_border_options *o,
                                  const sipveil_trust_verdict *from, const sipveil_border_result *out,
                                  sipveil_error *err)
{
    if (b == NULL || o == NULL || o->size != sizeof *o || o->table == NULL || from == NULL || out == NULL) {
        return sv_fail(err, SV_TRUST, SIPVEIL_USAGE,
                       "a border, options (with their size) with a table, a verdict and a place are needed");
    }
    if (from->table_mark != o->table->mark) {
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-17", SIPVEIL_NO_OFFSET,
                            "the verdict was made with another table");
    }
    for (size_t i = 0; i < o->identity_count; i++) {
        sipveil_span uri = sv_span_str(o->identities[i]);
        if (!sv_is_identity(uri)) {
            return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-20", SIPVEIL_NO_OFFSET,
                                "'%s' is no sip, sips or tel URI", SV_QUOTE(uri));
        }
    }
    for (const char *c = o->challenge; c != NULL && *c != '\0'; c++) {
        if ((uint8_t)*c < 0x20 || (uint8_t)*c >= 0x7F)
            return sv_fail(err, SV_TRUST, SIPVEIL_USAGE, "a challenge is one line of printable ASCII");
    }
    return SIPVEIL_OK;
}

/* TRU-17: whoever kept a verdict for too long is not believed for it. A closed network trusts by other means. */
static sipveil_trust_verdict in_time(const sipveil_border *b, const sipveil_trust_verdict *verdict)
{
    sipveil_trust_verdict v = *verdict;
    if (v.trusted && b->now > v.valid_until && b->profile != SIPVEIL_TRUST_PROFILE_IMS_REL5) {
        v.trusted = false;
        v.reasons |= SIPVEIL_TRUST_EXPIRED;
    }
    return v;
}

static void start(sipveil_border *b, const sipveil_border_options *options, const sipveil_trust_verdict *from)
{
    sipveil_trust_table *table = sipveil_trust_table_hold(options->table);
    sipveil_trust_table_free(b->table);
    sv_arena_reset(b->arena);
    b->table = table;
    b->options = *options;
    b->profile = sv_profile_of(table, options->profile);
    b->to = (sipveil_trust_verdict){0};
    b->now = options->has_at ? options->at : sv_now(b->context);
    b->from = in_time(b, from);
    b->arrived = b->leaving = b->complete = b->no_memory = false;
    b->view = NULL;
    b->privacy = (sv_privacy){0};
    b->refusal = (sv_refusal){0};
    b->message = sv_span(NULL, 0);
    sv_buffer_init(&b->lines, b->arena, 32 * sizeof(sipveil_border_line), LINES_MOST);
    sv_buffer_init(&b->warnings, b->arena, 4 * sizeof(sipveil_warning), LINES_MOST);
}

static sipveil_code take_in(sipveil_border *b, sipveil_span message, sipveil_error *err)
{
    const sipveil_limits *limits = sipveil_context_limits(b->context);
    sv_sip_view *view = sv_arena_alloc_raw(b->arena, sizeof *view), *copy = sv_arena_alloc_raw(b->arena, sizeof *copy);
    if (view == NULL || copy == NULL) return sv_no_memory(err, SV_TRUST);
    SV_TRY(sv_sip_read(message, SV_SIP_DATAGRAM, limits, view, err));
    if (view->tail > 0) sv_border_warn(b, "ADV-005", SV_TAIL_WARNING, view->tail);
    b->view = view;
    SV_TRY(sv_restore_header(b, view, &message, err));
    if (b->refusal.action == SIPVEIL_BORDER_FORWARD) {
        if (message.data != view->whole.data) SV_TRY(sv_sip_read(message, SV_SIP_DATAGRAM, limits, view, err));
        sv_sip_edit_start(&b->edit, view);
        SV_TRY(sv_phase_a(b, view, err));
    }
    SV_TRY(write_message(b, view, &b->message, err));
    if (b->refusal.action != SIPVEIL_BORDER_FORWARD) return SIPVEIL_OK;
    SV_TRY(sv_sip_read(b->message, SV_SIP_DATAGRAM, limits, copy, err));
    b->view = copy;
    b->arrived = true;
    b->lines_of_a = b->lines.len;
    b->warnings_of_a = b->warnings.len;
    return SIPVEIL_OK;
}

sipveil_code sipveil_border_arrive(sipveil_border *b, const sipveil_border_options *options, sipveil_span message,
                                   const sipveil_trust_verdict *from, sipveil_border_result *out, sipveil_error *err)
{
    sv_error_clear(err);
    if (out != NULL) *out = (sipveil_border_result){0};
    SV_TRY(check_arrival(b, options, from, out, err));
    start(b, options, from);
    sipveil_code code = take_in(b, message, err);
    if (code == SIPVEIL_OK) code = finish(b, out, err);
    if (code != SIPVEIL_OK) b->arrived = false;
    return code;
}

/* ---- leave ---- */

sipveil_span sipveil_border_target(const sipveil_border *b)
{
    sv_sip_address route;
    if (b == NULL || b->view == NULL || !b->view->is_request) return sv_span(NULL, 0);
    const sv_sip_field *row = sv_sip_first(b->view, SV_F_ROUTE);
    if (row == NULL) return sv_sip_host(b->view->request_uri);
    sv_cursor c = sv_cursor_over(row->value, "Route");
    return sv_sip_take_address(&c, 0, &route, NULL) == SIPVEIL_OK ? sv_sip_host(route.uri) : sv_span(NULL, 0);
}

sipveil_code sipveil_border_leave(sipveil_border *b, const sipveil_trust_verdict *to, sipveil_border_result *out,
                                  sipveil_error *err)
{
    sv_error_clear(err);
    if (out != NULL) *out = (sipveil_border_result){0};
    if (b == NULL || to == NULL || out == NULL)
        return sv_fail(err, SV_TRUST, SIPVEIL_USAGE, "a border, a verdict and a place are needed");
    if (!b->arrived)
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-38", SIPVEIL_NO_OFFSET,
                            "no message has arrived that could go on");
    if (to->table_mark != b->table->mark) {
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-17", SIPVEIL_NO_OFFSET,
                            "the verdict was made with another table");
    }
    b->to = in_time(b, to);
    b->leaving = true;
    b->complete = b->no_memory = b->lines.failed = b->warnings.failed = false;
    b->refusal = (sv_refusal){0};
    b->message = sv_span(NULL, 0);
    b->lines.len = b->lines_of_a;
    b->warnings.len = b->warnings_of_a;
    sv_sip_edit_start(&b->edit, b->view);
    SV_TRY(sv_phase_b(b, b->view, err));
    SV_TRY(write_message(b, b->view, &b->message, err));
    return finish(b, out, err);
}

sipveil_span sipveil_border_identity(sipveil_border *b, size_t place)
{
    if (b == NULL || !b->arrived) return sv_span(NULL, 0);
    sv_asserted_read(b->view, SV_F_P_ASSERTED_IDENTITY, b->table->spec.schemes, &b->asserted);
    return place < b->asserted.count ? b->asserted.values[place].uri : sv_span(NULL, 0);
}

const sipveil_border_line *sipveil_border_lines(sipveil_border *b, size_t *count)
{
    if (b != NULL && b->view != NULL && !b->complete) {
        b->no_memory = b->lines.failed = false;
        note_untouched(b, b->view);
        b->complete = !b->no_memory && !b->lines.failed;
    }
    sipveil_span octets = b != NULL && b->lines.arena != NULL ? sv_buffer_span(&b->lines) : sv_span(NULL, 0);
    *count = octets.len / sizeof(sipveil_border_line);
    return (const sipveil_border_line *)(const void *)octets.data;
}
