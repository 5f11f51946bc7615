/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity/body.h"

static sipveil_code too_many(const sv_body_walk *w, const char *what, size_t most)
{
    return sv_fail_rule(w->err, SV_IDENTITY, SIPVEIL_LIMIT, "ADV-036", SIPVEIL_NO_OFFSET, "%s: the limit is %zu", what, most);
}

static sipveil_code read_parts(sv_body_walk *w, const sv_mime_entity *entity, sipveil_span *parts, size_t *count)
{
    *count = 0;
    sipveil_code code = sv_mime_read_multipart(&entity->type, entity->content, w->limits, 0, parts, w->limits->parts, count,
                                               w->passes_over ? NULL : w->err);
    if (w->passes_over) return SIPVEIL_OK;
    w->parts += *count;
    if (code == SIPVEIL_OK && w->parts > w->limits->parts_total) return too_many(w, "the body has too many parts", w->limits->parts_total);
    return code;
}

/* One place for all parts of a multipart: nobody keeps an entity beyond its visit. */
static sipveil_code walk_part(sv_body_walk *w, sipveil_span octets, size_t depth, sv_mime_entity *place)
{
    sipveil_code code = sv_mime_read_entity(octets, w->limits, 0, place, w->passes_over ? NULL : w->err);
    if (code != SIPVEIL_OK) return w->passes_over ? SIPVEIL_OK : code;
    return sv_body_walk_entity(w, place, depth);
}

static sipveil_code walk_parts(sv_body_walk *w, const sv_mime_entity *entity, size_t depth)
{
    size_t count;
    if (depth >= w->depth_most) return w->passes_over ? SIPVEIL_OK : too_many(w, "MIME entities are nested too deep", w->depth_most);
    sipveil_span *parts = sv_arena_alloc_array(w->arena, w->limits->parts, sizeof *parts);
    sv_mime_entity *place = sv_arena_alloc_raw(w->arena, sizeof *place);
    if (parts == NULL || place == NULL) return sv_no_memory(w->err, SV_IDENTITY);
    SV_TRY(read_parts(w, entity, parts, &count));
    if (w->visit_parts != NULL) SV_TRY(w->visit_parts(w, entity, parts, &count));
    for (size_t i = 0; i < count && !w->stop; i++) SV_TRY(walk_part(w, parts[i], depth + 1, place));
    return SIPVEIL_OK;
}

sipveil_code sv_body_walk_entity(sv_body_walk *walk, const sv_mime_entity *entity, size_t depth)
{
    SV_TRY(walk->visit(walk, entity, depth));
    return walk->stop || !sv_equal_nocase_str(entity->type.type, "multipart") ? SIPVEIL_OK : walk_parts(walk, entity, depth);
}

sipveil_code sv_body_walk_octets(sv_body_walk *walk, sipveil_span octets, size_t depth)
{
    sv_mime_entity *place = sv_arena_alloc_raw(walk->arena, sizeof *place);
    return place != NULL ? walk_part(walk, octets, depth, place) : sv_no_memory(walk->err, SV_IDENTITY);
}
