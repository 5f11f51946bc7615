/* SPDX-License-Identifier: BSD-2-Clause */
#include "e2m/copy.h"

#include "base/field.h"
#include "e2m/label.h"
#include "mime/sdp.h"

static bool is_key_line(sipveil_span line)
{
    sipveil_span text = sv_trim(line); /* a blank in front hides nothing */
    sv_cursor c = sv_cursor_over(text, "SDP line");
    uint8_t next;
    if (sv_take_literal_nocase(&c, "k=")) return true;
    bool named = sv_take_literal_nocase(&c, "a=crypto") || sv_take_literal_nocase(&c, "a=key-mgmt");
    return named && (!sv_peek(&c, &next) || !sv_is_token(next));
}

bool sv_sdp_put_without_keys(sipveil_span sdp, sv_buffer *out)
{
    sv_cursor c = sv_cursor_over(sdp, "SDP");
    bool any = false;
    sv_sdp_line line;
    while (sv_sdp_take_line(&c, &line)) {
        if (is_key_line(line.text)) any = true;
        else sv_put(out, line.whole);
    }
    return any;
}

bool sv_type_listed(const sv_media_type *type, const char *const *types, size_t count)
{
    char name[256];
    size_t len = type->type.len + 1 + type->subtype.len;
    if (len >= sizeof name) return count > 0; /* no type of any list; what cannot be compared is not shown */
    if (!type->present) return false;
    for (size_t i = 0; i < count; i++) {
        sv_cursor c = sv_cursor_over(sv_span_str(types[i]), "type");
        sipveil_span main_type = sv_take_while(&c, sv_is_mime_token);
        if (!sv_equal_nocase(main_type, type->type) || !sv_take_if(&c, '/')) continue;
        sipveil_span subtype = sv_rest(&c);
        if (sv_equal_str(subtype, "*") || sv_equal_nocase(subtype, type->subtype)) return true;
    }
    return false;
}

typedef struct copying {
    sv_operation *op;
    const char *const *private_types;
    size_t count;
    bool differs;
} copying;

static sipveil_code copy_entity(copying *k, sipveil_span octets, size_t depth, sv_buffer *out, bool *left);

static sipveil_code copy_parts(copying *k, const sv_mime_entity *entity, size_t depth, sv_buffer *out, bool *left)
{
    sipveil_span boundary, *parts = sv_arena_alloc_array(k->op->arena, k->op->limits->parts, sizeof *parts);
    size_t count;
    if (parts == NULL) return sv_no_memory(k->op->err, SV_E2M);
    SV_TRY(sv_mime_read_multipart(&entity->type, entity->content, k->op->limits, 0, parts, k->op->limits->parts, &count,
                                  k->op->err));
    if (!sv_media_type_parameter(&entity->type, "boundary", &boundary)) {
        return sv_fail(k->op->err, SV_E2M, SIPVEIL_MALFORMED, "a multipart without a boundary");
    }
    for (size_t i = 0; i < count; i++) {
        size_t before = out->len;
        bool part_left = false;
        sv_put_str(out, "--");
        sv_put(out, boundary);
        sv_put_str(out, "\r\n");
        SV_TRY(copy_entity(k, parts[i], depth + 1, out, &part_left));
        sv_put_str(out, "\r\n");
        if (part_left) *left = true;
        else out->len = before;
    }
    sv_put_str(out, "--");
    sv_put(out, boundary);
    sv_put_str(out, "--\r\n");
    return SIPVEIL_OK;
}

static sipveil_code copy_entity(copying *k, sipveil_span octets, size_t depth, sv_buffer *out, bool *left)
{
    sv_mime_entity *entity = sv_arena_alloc_raw(k->op->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(k->op->err, SV_E2M);
    if (depth > k->op->limits->mime_depth) { /* the whole is the first */
        return sv_fail_rule(k->op->err, SV_E2M, SIPVEIL_LIMIT, "ADV-036", SIPVEIL_NO_OFFSET,
                            "MIME entities nested deeper than %zu", k->op->limits->mime_depth);
    }
    SV_TRY(sv_mime_read_entity(octets, k->op->limits, 0, entity, k->op->err));
    if (sv_type_listed(&entity->type, k->private_types, k->count)) {
        k->differs = true;
        return SIPVEIL_OK;
    }
    sv_put(out, entity->header);
    sv_put_str(out, "\r\n");
    if (sv_equal_nocase_str(entity->type.type, "multipart")) return copy_parts(k, entity, depth, out, left);
    *left = true;
    if (!sv_media_type_is(&entity->type, "application", "sdp")) {
        sv_put(out, entity->content);
        return SIPVEIL_OK;
    }
    if (entity->encoding != SV_MIME_IDENTITY) {
        return sv_fail_rule(k->op->err, SV_E2M, SIPVEIL_POLICY, "E2M-31", SIPVEIL_NO_OFFSET,
                            "a session description under a transfer encoding: no copy without its keys can be made");
    }
    if (sv_sdp_put_without_keys(entity->content, out)) k->differs = true;
    return SIPVEIL_OK;
}

sipveil_code sv_copy_make(sv_operation *op, sipveil_span entity, const char *const *private_types, size_t count,
                          sv_copy *out)
{
    copying k = {.op = op, .private_types = private_types, .count = count};
    sv_buffer b;
    bool left = false;
    *out = (sv_copy){0};
    sv_buffer_init(&b, op->arena, entity.len + 256, op->limits->message * 2);
    SV_TRY(copy_entity(&k, entity, 1, &b, &left));
    SV_TRY(sv_buffer_check(&b, SV_E2M, op->err));
    *out = (sv_copy){.entity = sv_buffer_span(&b), .differs = k.differs, .nothing = !left};
    return SIPVEIL_OK;
}

/* ---- agreement ---- */

static bool same_type(const sv_media_type *a, const sv_media_type *b)
{
    return a->present == b->present && sv_equal_nocase(a->type, b->type) && sv_equal_nocase(a->subtype, b->subtype);
}

static bool without_keys(sv_operation *op, sipveil_span sdp, sipveil_span *out)
{
    sv_buffer b;
    sv_buffer_init(&b, op->arena, sdp.len, sdp.len + 1);
    (void)sv_sdp_put_without_keys(sdp, &b);
    *out = sv_buffer_span(&b);
    return !b.failed;
}

/* Parts may be missing from the copy; each that is there must be one of the private ones. */
static sipveil_code parts_agree(sv_operation *op, const sv_mime_entity *private_part, sipveil_span a,
                                const sv_mime_entity *copy, sipveil_span b, bool *agree)
{
    sipveil_span p[32], q[32];
    size_t pn, qn, at = 0;
    if (sv_mime_read_multipart(&private_part->type, a, op->limits, 0, p, 32, &pn, NULL) != SIPVEIL_OK ||
        sv_mime_read_multipart(&copy->type, b, op->limits, 0, q, 32, &qn, NULL) != SIPVEIL_OK) {
        return SIPVEIL_OK;
    }
    sv_mime_entity *pe = sv_arena_alloc_raw(op->arena, sizeof *pe), *qe = sv_arena_alloc_raw(op->arena, sizeof *qe);
    if (pe == NULL || qe == NULL) return sv_no_memory(op->err, SV_E2M);
    for (size_t i = 0; i < qn; i++) {
        bool found = false;
        if (sv_mime_read_entity(q[i], op->limits, 0, qe, NULL) != SIPVEIL_OK) return SIPVEIL_OK;
        for (; at < pn && !found; at++) {
            if (sv_mime_read_entity(p[at], op->limits, 0, pe, NULL) == SIPVEIL_OK) {
                SV_TRY(sv_copy_agrees(op, pe, qe, &found));
            }
        }
        if (!found) return SIPVEIL_OK;
    }
    *agree = true;
    return SIPVEIL_OK;
}

sipveil_code sv_copy_agrees(sv_operation *op, const sv_mime_entity *private_part, const sv_mime_entity *copy,
                            bool *agrees)
{
    sipveil_span a, b;
    *agrees = false;
    if (!same_type(&private_part->type, &copy->type)) return SIPVEIL_OK;
    sipveil_code code = sv_mime_decoded_content(private_part, op->arena, &a, NULL);
    if (code == SIPVEIL_OK) code = sv_mime_decoded_content(copy, op->arena, &b, NULL);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(op->err, SV_E2M);
    if (code != SIPVEIL_OK) return SIPVEIL_OK;
    if (sv_equal_nocase_str(copy->type.type, "multipart")) return parts_agree(op, private_part, a, copy, b, agrees);
    if (sv_media_type_is(&copy->type, "application", "sdp") && (!without_keys(op, a, &a) || !without_keys(op, b, &b))) {
        return sv_no_memory(op->err, SV_E2M);
    }
    *agrees = sv_equal(a, b);
    return SIPVEIL_OK;
}
