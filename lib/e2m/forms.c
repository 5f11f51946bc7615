/* SPDX-License-Identifier: BSD-2-Clause */
/* The four forms of a body for the far UA and for hops (E2M-30). */
#include "e2m/uac.h"

/* The message's own body as an entity. */
static sipveil_code body_entity(sv_sealing *s, const sv_sip_view *view, sipveil_span *entity)
{
    sv_packed body = {.content = view->body};
    sv_buffer rows;
    sv_buffer_init(&rows, s->op->arena, 512, s->op->limits->header);
    sv_put_content_rows(view, &rows);
    SV_TRY(sv_buffer_check(&rows, SV_TUNNEL, s->op->err));
    body.rows = sv_buffer_span(&rows);
    return sv_pack_entity(s, body, entity);
}

static sipveil_code make_copy(sv_sealing *s, const sv_sharing *sharing, sipveil_span entity, sv_copy *copy)
{
    const sipveil_e2m_options *o = sharing->options;
    SV_TRY(sv_copy_make(s->op, entity, o->private_types, o->private_type_count, copy));
    if (!copy->nothing) return SIPVEIL_OK;
    sv_fail_rule(s->op->err, SV_E2M, SIPVEIL_POLICY, "E2M-31", SIPVEIL_NO_OFFSET,
                 "all of the body is of a private type: there is nothing that a hop may be shown");
    return sv_hint(s->op->err, SIPVEIL_POLICY, "--form private sends it to the far end alone");
}

sipveil_code sv_form_settle(sv_sealing *s, const sv_sip_view *view, sv_sharing *sharing)
{
    const sipveil_e2m_options *o = sharing->options;
    sipveil_span entity;
    sv_copy copy;
    sharing->form = o->form;
    if (o->hop_count == 0 && !sharing->reusing) sharing->form = SIPVEIL_E2M_PRIVATE;
    if (sharing->reusing) sharing->form = SIPVEIL_E2M_SHARED;
    if (sharing->form == SIPVEIL_E2M_PRIVATE) return SIPVEIL_OK;
    SV_TRY(body_entity(s, view, &entity));
    SV_TRY(make_copy(s, sharing, entity, &copy));
    if (sharing->reusing && copy.differs) {
        return sv_fail_rule(s->op->err, SV_E2M, SIPVEIL_POLICY, "E2M-37", SIPVEIL_NO_OFFSET,
                            "the body holds keys of media or a private type, and every reader of the earlier message "
                            "could read it");
    }
    if (sharing->form == SIPVEIL_E2M_FORM_AUTO) {
        sharing->form = copy.differs ? SIPVEIL_E2M_SPLIT : SIPVEIL_E2M_SHARED;
        if (copy.differs) {
            sv_report_warning(s->op, "E2M-31", "the body holds what no hop is shown: hops get a copy without it");
        }
    } else if (sharing->form == SIPVEIL_E2M_SHARED && copy.differs) {
        sv_report_warning(s->op, "E2M-C2", "keys of media or a private type are shown to the hops");
    }
    if ((sharing->form == SIPVEIL_E2M_SPLIT || sharing->form == SIPVEIL_E2M_NESTED) && sharing->far_count == 0) {
        return sv_fail(s->op->err, SV_E2M, SIPVEIL_USAGE, "a private part needs the far end's key");
    }
    return SIPVEIL_OK;
}

/* Rows of a packed entity, and its name as a part. */
static sipveil_code add_content_id(sv_sealing *s, const sv_sharing *sharing, sv_packed *packed)
{
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, packed->rows.len + sharing->cid.len + 32, s->op->limits->header);
    sv_put(&b, packed->rows);
    sv_put_str(&b, "Content-ID: <");
    sv_put(&b, sharing->cid);
    sv_put_str(&b, ">\r\n");
    packed->rows = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_E2M, s->op->err);
}

/* Whoever reads it takes one compressed layer (ADV-130): where layers nest, the outer one is. */
static sipveil_code pack_uncompressed(sv_sealing *s, sipveil_span entity, sv_packed *out)
{
    sv_sealing part = *s;
    sipveil_seal_options options = *s->options;
    options.compress = false;
    part.options = &options;
    return sv_pack_protected(&part, entity, out);
}

/* Signed and encrypted for some of the recipients. */
static sipveil_code pack_for(sv_sealing *s, size_t first, size_t count, bool optional, sipveil_span entity,
                             sv_packed *out)
{
    sv_sealing part = *s;
    part.recipients = s->recipients + first;
    part.recipient_count = count;
    part.handling_optional = optional;
    return sv_pack_protected(&part, entity, out);
}

/* S1. Without encryption a signed label covers the body as well: one signature is enough. */
static sipveil_code pack_shared(sv_sealing *s, sv_sharing *sharing, sipveil_span entity, sv_packed *out)
{
    if (s->recipient_count > 0 || !sharing->sign_label) return sv_pack_protected(s, entity, out);
    sv_cursor c = sv_cursor_over(entity, "entity");
    size_t at;
    if (!sv_find(entity, SV_SPAN("\r\n\r\n"), &at)) {
        return sv_fail(s->op->err, SV_E2M, SIPVEIL_USAGE, "a body without a media type cannot be labelled");
    }
    (void)sv_take(&c, at + 2, &out->rows);
    (void)sv_take_literal(&c, "\r\n");
    out->content = sv_rest(&c);
    return SIPVEIL_OK;
}

/* S3 */
static sipveil_code pack_split(sv_sealing *s, sv_sharing *sharing, sipveil_span entity, sipveil_span parts[2])
{
    sv_copy copy;
    sv_packed packed;
    SV_TRY(make_copy(s, sharing, entity, &copy));
    SV_TRY(pack_for(s, 0, sharing->far_count, false, entity, &packed));
    SV_TRY(sv_pack_entity(s, packed, &parts[0]));
    SV_TRY(pack_for(s, 0, s->recipient_count, true, copy.entity, &packed));
    SV_TRY(add_content_id(s, sharing, &packed));
    return sv_pack_entity(s, packed, &parts[1]);
}

/* The copy as a part that need not be handled. */
static sipveil_code optional_part(sv_sealing *s, sipveil_span entity, sipveil_span *part)
{
    sv_mime_entity *e = sv_arena_alloc_raw(s->op->arena, sizeof *e);
    sv_buffer b;
    if (e == NULL) return sv_no_memory(s->op->err, SV_E2M);
    SV_TRY(sv_mime_read_entity(entity, s->op->limits, 0, e, s->op->err));
    sv_buffer_init(&b, s->op->arena, entity.len + 64, s->op->limits->message * 2);
    for (size_t i = 0; i < e->field_count; i++) {
        if (!sv_equal_nocase_str(e->fields[i].name, "content-disposition")) sv_put(&b, e->fields[i].line);
    }
    sv_put_str(&b, "Content-Disposition: ");
    bool sdp = sv_media_type_is(&e->type, "application", "sdp");
    if (e->disposition.present) sv_put(&b, e->disposition.type);
    else sv_put_str(&b, sdp ? "session" : "render");
    sv_put_str(&b, ";handling=optional\r\n\r\n");
    sv_put(&b, e->content);
    *part = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_E2M, s->op->err);
}

/* S4 */
static sipveil_code pack_nested(sv_sealing *s, sv_sharing *sharing, sipveil_span entity, sv_packed *out)
{
    sv_copy copy;
    sv_packed packed;
    sipveil_span parts[2], both;
    SV_TRY(make_copy(s, sharing, entity, &copy));
    SV_TRY(optional_part(s, copy.entity, &parts[0]));
    sv_sealing private_part = *s;
    private_part.recipient_count = sharing->far_count;
    SV_TRY(pack_uncompressed(&private_part, entity, &packed));
    SV_TRY(sv_pack_entity(s, packed, &parts[1]));
    SV_TRY(sv_pack_mixed(s, parts, 2, &packed));
    SV_TRY(sv_pack_entity(s, packed, &both));
    return sv_pack_protected(s, both, out);
}

/* The parts, with a signed copy of the label in front where that was asked for (E2M-21). */
static sipveil_code pack_parts(sv_sealing *s, const sv_sip_view *view, const sv_sharing *sharing, sipveil_span *parts,
                               size_t count, sv_packed *out)
{
    sipveil_span entity;
    if (!sharing->sign_label) return sv_pack_mixed(s, parts + 1, count - 1, out);
    sv_sealing around = *s;
    sipveil_seal_options detached = *s->options;
    detached.opaque = false; /* a hop finds the part by its name before it reads any CMS (E2M-21, E2M-51) */
    around.options = &detached;
    SV_TRY(sv_pack_fragment(s, view, sharing->label_rows, &parts[0]));
    SV_TRY(sv_pack_mixed(s, parts, count, out));
    SV_TRY(sv_pack_entity(s, *out, &entity));
    return sv_pack_signed(&around, entity, s->base64, out);
}

sipveil_code sv_form_pack(sv_sealing *s, const sv_sip_view *view, sv_sharing *sharing, sv_packed *out)
{
    sipveil_span entity, parts[3];
    SV_TRY(body_entity(s, view, &entity));
    switch (sharing->form) {
    case SIPVEIL_E2M_PRIVATE:
        return pack_for(s, 0, sharing->far_count, false, entity, out);
    case SIPVEIL_E2M_SPLIT:
        SV_TRY(pack_split(s, sharing, entity, parts + 1));
        return pack_parts(s, view, sharing, parts, 3, out);
    case SIPVEIL_E2M_NESTED:
        SV_TRY(pack_nested(s, sharing, entity, out));
        break;
    default:
        SV_TRY(pack_shared(s, sharing, entity, out));
        break;
    }
    if (sharing->label_rows.len == 0) return SIPVEIL_OK;
    SV_TRY(add_content_id(s, sharing, out));
    if (!sharing->sign_label) return SIPVEIL_OK;
    SV_TRY(sv_pack_entity(s, *out, &parts[1]));
    return pack_parts(s, view, sharing, parts, 2, out);
}
