/* SPDX-License-Identifier: BSD-2-Clause */
/* The named part by boundaries and part headers alone, before any key is used (E2M-51). */
#include "e2m/proxy.h"

typedef struct part_scan {
    sv_operation *op;
    const sv_labels *labels;
    size_t found[SV_LABELS_MOST];
    sipveil_span *places;
    size_t parts;
} part_scan;

static void note_part(part_scan *scan, const sv_mime_entity *entity)
{
    for (size_t i = 0; entity->content_id.len > 0 && i < scan->labels->count; i++) {
        if (!sv_equal(scan->labels->items[i].cid, entity->content_id)) continue;
        scan->found[i]++;
        scan->places[i] = entity->content;
    }
}

static sipveil_code scan_entity(part_scan *scan, const sv_mime_entity *entity, size_t depth)
{
    sv_operation *op = scan->op;
    size_t count;
    if (depth > op->limits->mime_depth) {
        return sv_fail_rule(op->err, SV_E2M, SIPVEIL_LIMIT, "E2M-51", SIPVEIL_NO_OFFSET,
                            "MIME entities nested deeper than %zu", op->limits->mime_depth);
    }
    note_part(scan, entity);
    if (!sv_equal_nocase_str(entity->type.type, "multipart")) return SIPVEIL_OK;
    sipveil_span *parts = sv_arena_alloc_array(op->arena, op->limits->parts, sizeof *parts);
    sv_mime_entity *part = sv_arena_alloc_raw(op->arena, sizeof *part);
    if (parts == NULL || part == NULL) return sv_no_memory(op->err, SV_E2M);
    SV_TRY(sv_mime_read_multipart(&entity->type, entity->content, op->limits, 0, parts, op->limits->parts, &count,
                                  op->err));
    scan->parts += count;
    if (scan->parts > op->limits->parts_total) {
        return sv_fail_rule(op->err, SV_E2M, SIPVEIL_LIMIT, "E2M-51", SIPVEIL_NO_OFFSET, "more than %zu parts",
                            op->limits->parts_total);
    }
    for (size_t i = 0; i < count; i++) {
        SV_TRY(sv_mime_read_entity(parts[i], op->limits, 0, part, op->err));
        SV_TRY(scan_entity(scan, part, depth + 1));
    }
    return SIPVEIL_OK;
}

sipveil_code sv_find_named_parts(sv_operation *op, const sv_sip_view *view, const sv_labels *labels,
                                 sipveil_span places[SV_LABELS_MOST])
{
    part_scan scan = {.op = op, .labels = labels, .places = places};
    sv_mime_entity *entity = sv_arena_alloc_raw(op->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(op->err, SV_E2M);
    if (view->body.len > 0) {
        SV_TRY(sv_entity_of_body(view, op->limits, 0, entity, op->err));
        SV_TRY(scan_entity(&scan, entity, 1));
    }
    for (size_t i = 0; i < labels->count; i++) {
        if (scan.found[i] == 1) continue;
        return sv_fail_rule(op->err, SV_E2M, SIPVEIL_MALFORMED, "E2M-11", SIPVEIL_NO_OFFSET,
                            "the label names a part <%s> that is there %zu times", SV_QUOTE(labels->items[i].cid),
                            scan.found[i]);
    }
    return SIPVEIL_OK;
}
