/* SPDX-License-Identifier: BSD-2-Clause */
/* The model behind the report: the tree of layers and the lists of checks, comparisons, warnings. */
#include <stdarg.h>
#include <stdio.h>

#include "tunnel/operation.h"

/* "type/subtype" in lower case, for reports: tokens, cut where they are long. */
static const char *media_type_name(sv_operation *op, const sv_media_type *t)
{
    enum { MOST = 152 }; /* of each, as in SV_QUOTE */
    sipveil_span pieces[] = {t->type, SV_SPAN("/"), t->subtype};
    sv_buffer name;
    if (!t->present) return "text/plain";
    sv_buffer_init(&name, op->arena, t->type.len + t->subtype.len + 2, 2 * MOST + 16);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        bool cut = pieces[i].len > MOST;
        sv_put_lower(&name, sv_span(pieces[i].data, cut ? (size_t)MOST : pieces[i].len));
        if (cut) sv_put_str(&name, "...");
    }
    sv_put_byte(&name, '\0');
    return (const char *)sv_buffer_span(&name).data;
}

sv_node *sv_node_add(sv_operation *op, sv_node *parent, sv_node_type type, const sv_mime_entity *entity,
                     sipveil_span octets)
{
    static const char *const names[] = {
        [SV_NODE_SIP] = "sip",
        [SV_NODE_MULTIPART_SIGNED] = "multipart/signed",
        [SV_NODE_SIGNED_DATA] = "signed-data",
        [SV_NODE_ENVELOPED] = "enveloped-data",
        [SV_NODE_AUTH_ENVELOPED] = "auth-enveloped-data",
        [SV_NODE_COMPRESSED] = "compressed-data",
        [SV_NODE_CERTS_ONLY] = "certs-only",
        [SV_NODE_MESSAGE_SIP] = "message/sip",
        [SV_NODE_SIPFRAG] = "message/sipfrag",
        [SV_NODE_LEAF] = NULL,
    };
    sv_node *node = sv_arena_alloc(op->arena, sizeof *node);
    if (node == NULL) {
        sv_no_memory(op->err, SV_TUNNEL);
        return NULL;
    }
    node->type = type;
    node->parent = parent;
    node->entity = entity;
    node->octets = octets;
    node->type_name = names[type] != NULL ? names[type] : media_type_name(op, &entity->type);
    if (node->type_name == NULL) {
        sv_no_memory(op->err, SV_TUNNEL);
        return NULL;
    }
    if (parent != NULL) {
        if (parent->last_child != NULL) {
            parent->last_child->next = node;
        } else {
            parent->first_child = node;
        }
        parent->last_child = node;
    }
    return node;
}

bool sv_node_is_signed(const sv_node *node)
{
    return node->type == SV_NODE_MULTIPART_SIGNED || node->type == SV_NODE_SIGNED_DATA;
}

bool sv_node_is_encrypted(const sv_node *node)
{
    return node->type == SV_NODE_ENVELOPED || node->type == SV_NODE_AUTH_ENVELOPED;
}

bool sv_node_is_sip(const sv_node *node)
{
    return node->type == SV_NODE_SIP || node->type == SV_NODE_MESSAGE_SIP;
}

bool sv_node_protects(const sv_node *node)
{
    return (sv_node_is_encrypted(node) && node->opened) || (sv_node_is_signed(node) && node->verified);
}

const sv_node *sv_node_carrier(const sv_node *node)
{
    const sv_node *up = node->parent;
    while (up != NULL && !sv_node_is_sip(up)) up = up->parent;
    return up;
}

static const char *format_text(sv_operation *op, const char *format, va_list arguments) SV_PRINTF(2, 0);

static const char *format_text(sv_operation *op, const char *format, va_list arguments)
{
    char room[400];
    sipveil_span text;
    size_t at;
    if (!sv_find_byte(sv_span_str(format), '%', &at)) return format; /* a literal, and all there is to say */
    if (strcmp(format, "%s") == 0) { /* another text, cut as a formatted one is */
        text = sv_span_str(va_arg(arguments, const char *));
        if (text.len >= sizeof room) text.len = sizeof room - 1;
    } else {
        (void)vsnprintf(room, sizeof room, format, arguments);
        text = sv_span_str(room);
    }
    const char *copy = sv_arena_string(op->arena, text);
    if (copy != NULL) return copy;
    op->checks.failed = op->warnings.failed = true; /* sv_report_is_whole() */
    return "";
}

sipveil_code sv_report_is_whole(const sv_operation *op, sipveil_error *err)
{
    SV_TRY(sv_buffer_check(&op->checks, SV_TUNNEL, err));
    return sv_buffer_check(&op->warnings, SV_TUNNEL, err);
}

void sv_report_check(sv_operation *op, const char *rule, sipveil_check_result result, const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    sipveil_check check = {rule, result, format_text(op, why, arguments)};
    va_end(arguments);
    sv_put(&op->checks, sv_span(&check, sizeof check));
}

void sv_report_joined(sv_operation *op, const char *rule, sipveil_check_result result, const char *before,
                      const char *middle, const char *after)
{
    sv_buffer text;
    sv_buffer_init(&text, op->arena, strlen(before) + strlen(middle) + strlen(after) + 1, 400);
    sv_put_str(&text, before);
    sv_put_str(&text, middle);
    sv_put_str(&text, after);
    sv_put_byte(&text, '\0');
    if (text.failed) op->checks.failed = true; /* sv_report_is_whole() */
    sv_report_literal(op, rule, result, text.failed ? "" : (const char *)text.data);
}

void sv_report_literal(sv_operation *op, const char *rule, sipveil_check_result result, const char *why)
{
    sipveil_check check = {rule, result, why};
    sv_put(&op->checks, sv_span(&check, sizeof check));
}

void sv_report_warning(sv_operation *op, const char *rule, const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    sipveil_warning warning = {rule, format_text(op, text, arguments)};
    va_end(arguments);
    sv_put(&op->warnings, sv_span(&warning, sizeof warning));
}

void sv_warn_of_tail(sv_operation *op, size_t tail)
{
    if (tail > 0) sv_report_warning(op, "ADV-005", SV_TAIL_WARNING, tail);
}

const sipveil_warning *sipveil_worker_warnings(const sipveil_worker *worker, size_t *count)
{
    *count = 0;
    if (worker == NULL || worker->operation.root == NULL) return NULL;
    sv_findings found = sv_findings_of(&worker->operation);
    *count = found.warning_count;
    return found.warnings;
}

const sipveil_check *sipveil_worker_checks(const sipveil_worker *worker, size_t *count)
{
    *count = 0;
    if (worker == NULL || worker->operation.root == NULL) return NULL;
    sv_findings found = sv_findings_of(&worker->operation);
    *count = found.check_count;
    return found.checks;
}

void sv_report_compared(sv_operation *op, const char *field, sipveil_comparison result,
                        const sv_node *inner)
{
    sv_compared *compared = (sv_compared *)(void *)sv_put_room(&op->compared, sizeof *compared);
    if (compared != NULL) *compared = (sv_compared){field, result, inner};
}

sipveil_code sv_report_failure(sv_operation *op, const sv_node *node, sipveil_code code)
{
    if (code == SIPVEIL_OK) return SIPVEIL_OK;
    if (op->failure.code == SIPVEIL_OK) {
        op->failure = *op->err;
        op->failure_node = node;
    }
    /* Memory does not come back, and what is too large stays so: no use in going on. */
    return op->inspecting && code != SIPVEIL_INTERNAL ? SIPVEIL_OK : code;
}

size_t sv_report_check_count(const sv_operation *op)
{
    return sv_buffer_span(&op->checks).len / sizeof(sipveil_check);
}

sv_findings sv_findings_of(const sv_operation *op)
{
    sipveil_span checks = sv_buffer_span(&op->checks), warnings = sv_buffer_span(&op->warnings);
    return (sv_findings){.checks = (const sipveil_check *)(const void *)checks.data,
                         .check_count = checks.len / sizeof(sipveil_check),
                         .warnings = (const sipveil_warning *)(const void *)warnings.data,
                         .warning_count = warnings.len / sizeof(sipveil_warning)};
}
