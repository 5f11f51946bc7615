/* SPDX-License-Identifier: BSD-2-Clause */
/* Mechanisms that carry the mirrored list inside what they protect: digest-integrity in its body (AGR-42), smime in the
 * sealed message (AGR-47). The list outside is for show; both have to be ours. */
#include "agree/server.h"

enum { PARTS_MOST = 16, SMIME_WINDOW = 300 };

static sipveil_code refuse(sv_server *s, const char *rule, const char *text)
{
    (void)sv_fail_rule(&s->why, SV_AGREE, SIPVEIL_POLICY, rule, SIPVEIL_NO_OFFSET, "%s", text);
    return SIPVEIL_OK;
}

/* ---- smime ---- */

static bool is_sealed(const sv_sip_view *view)
{
    sipveil_span type = sv_sip_value(view, SV_F_CONTENT_TYPE);
    return sv_starts_nocase_str(type, "application/pkcs7-mime") || sv_starts_nocase_str(type, "application/x-pkcs7-mime");
}

static bool runs_smime(const sipveil_agree_server_options *options)
{
    for (size_t i = 0; options->open != NULL && i < options->list->list.count; i++) {
        if (options->list->list.items[i].kind == SV_MECH_SMIME) return true;
    }
    return false;
}

static sipveil_code take_inner(sv_server *s, const sipveil_opened *opened)
{
    sipveil_error err;
    sv_sip_view *inner = sv_arena_alloc_raw(s->op->arena, sizeof *inner);
    if (inner == NULL) return sv_no_memory(s->op->err, SV_AGREE);
    if (sv_sip_read_inner(opened->message, s->op->limits, inner, &err) != SIPVEIL_OK || !inner->is_request ||
        !opened->is_signed || !opened->is_encrypted || !sv_equal(inner->method, s->view->method)) {
        return refuse(s, "AGR-47", "what is sealed for us is no signed request");
    }
    /* Of a body alone the header fields are those that came in clear, its list among them. */
    const sv_node *content = sv_handed_out(s->op->root);
    if (content == NULL || content->type != SV_NODE_MESSAGE_SIP) {
        return refuse(s, "AGR-47", "a body alone is sealed for us: nothing protects the header fields");
    }
    if (sv_sip_first(inner, SV_F_DATE) == NULL) return refuse(s, "AGR-49", "the sealed request has no Date");
    s->inner = inner;
    return SIPVEIL_OK;
}

sipveil_code sv_server_open_smime(sipveil_worker *worker, const sipveil_agree_server_options *options,
                                  sipveil_span message, sv_server *s)
{
    sipveil_open_options open;
    sipveil_opened opened;
    sipveil_error why;
    if (!runs_smime(options) || !is_sealed(s->view)) return SIPVEIL_OK;
    if (options->memory == NULL) {
        return sv_fail(s->op->err, SV_AGREE, SIPVEIL_USAGE, "smime needs a memory, so that nothing is taken twice");
    }
    open = *options->open;
    open.memory = options->memory; /* AGR-49: what was seen in that window */
    open.require = SIPVEIL_REQUIRE_SIGNED | SIPVEIL_REQUIRE_ENCRYPTED;
    open.has_at = true;
    open.at = options->now;
    if (open.date_window == 0) open.date_window = SMIME_WINDOW;
    sipveil_error *err = s->op->err;
    sipveil_code code = sv_open_extended(worker, &open, NULL, message, &opened, &why);
    s->op->err = err;
    if (code == SIPVEIL_INTERNAL || code == SIPVEIL_USAGE) {
        *err = why;
        return code;
    }
    if (code != SIPVEIL_OK) {
        s->undecipherable = code == SIPVEIL_NO_KEY || code == SIPVEIL_CANNOT_DECRYPT;
        s->why = why;
        return SIPVEIL_OK;
    }
    return take_inner(s, &opened);
}

void sv_server_leave_sealed(sv_server *s)
{
    if (!s->undecipherable) return;
    s->undecipherable = false;
    sv_error_clear(&s->why);
}

/* ---- the list inside ---- */

static sipveil_code find_fragment(sv_server *s, const sv_sip_view **out)
{
    sipveil_span parts[PARTS_MOST], found = {0};
    size_t count = 0;
    sipveil_error why;
    sv_mime_entity *entity = sv_arena_alloc_raw(s->op->arena, sizeof *entity);
    sv_sip_view *fragment = sv_arena_alloc_raw(s->op->arena, sizeof *fragment);
    *out = NULL;
    if (entity == NULL || fragment == NULL) return sv_no_memory(s->op->err, SV_AGREE);
    if (s->view->body.len == 0 || sv_entity_of_body(s->view, s->op->limits, 0, entity, &why) != SIPVEIL_OK) return SIPVEIL_OK;
    if (sv_media_type_is(&entity->type, "message", "sip")) {
        found = entity->content;
    } else if (sv_equal_nocase_str(entity->type.type, "multipart") &&
               sv_mime_read_multipart(&entity->type, entity->content, s->op->limits, 0, parts, PARTS_MOST, &count, &why) !=
                   SIPVEIL_OK) {
        return SIPVEIL_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (sv_mime_read_entity(parts[i], s->op->limits, 0, entity, &why) != SIPVEIL_OK) return SIPVEIL_OK;
        if (sv_media_type_is(&entity->type, "message", "sip") && found.data == NULL) found = entity->content;
    }
    if (found.data == NULL || sv_sip_read_fragment(found, s->op->limits, fragment, &why) != SIPVEIL_OK) return SIPVEIL_OK;
    *out = fragment;
    return SIPVEIL_OK;
}

sipveil_code sv_server_judge_inner(sv_server *s)
{
    const char *rule = s->facts.protection == SV_MECH_SMIME ? "AGR-47" : "AGR-42";
    const sv_sip_view *inner = s->inner;
    sipveil_agree_comparison result = SIPVEIL_AGREE_ABSENT;
    bool present = false;
    sv_mechanism_list *list = sv_arena_alloc_raw(s->op->arena, sizeof *list);
    if (list == NULL) return sv_no_memory(s->op->err, SV_AGREE);
    if (inner == NULL) SV_TRY(find_fragment(s, &inner));
    sipveil_code code = SIPVEIL_OK;
    if (inner != NULL) code = sv_mechanisms_of(inner, SV_F_SECURITY_VERIFY, s->op->arena, list, &present, NULL);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(s->op->err, SV_AGREE);
    if (code != SIPVEIL_OK) result = SIPVEIL_AGREE_SYNTAX;
    else if (present) SV_TRY(sv_mechanisms_compare(s->own, list, s->op->arena, &result, s->op->err));
    bool good = result == SIPVEIL_AGREE_SAME && s->facts.verify == SIPVEIL_AGREE_SAME;
    sv_report_check(s->op, rule, good ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_FAILED,
                    good ? "the list inside is the one outside, and ours"
                    : result == SIPVEIL_AGREE_ABSENT ? "there is no list inside what is protected"
                    : result != SIPVEIL_AGREE_SAME   ? "the list inside is not ours"
                                                     : "the list outside is not ours");
    if (good) return SIPVEIL_OK;
    if (s->facts.verify != SIPVEIL_AGREE_SYNTAX) s->facts.verify = SIPVEIL_AGREE_CHANGED;
    return refuse(s, rule, result == SIPVEIL_AGREE_ABSENT ? "there is no Security-Verify inside what is protected"
                           : result != SIPVEIL_AGREE_SAME ? "Security-Verify inside what is protected is not our list"
                                                          : "Security-Verify outside is not the list inside");
}
