/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity/carrier.h"
#include "identity/body.h"
#include "mime/sdp.h"

#include <stdio.h>

enum { CANDIDATES_MOST = 16, MIKEY_MOST = 4, WHY_MOST = 200 };

typedef struct candidate {
    sipveil_span der;
    X509 *certificate;
    sv_carrier carrier;
    bool has_signed;
    sv_certificate_summary summary;
} candidate;

typedef struct search {
    const sv_carrier_question *q;
    const sipveil_limits *limits;
    candidate found[CANDIDATES_MOST];
    size_t count, layers, mikeys;
    bool unread;
    char *why; /* the first carrier that could not be read */
    sipveil_error *err;
} search;

const char *sv_carrier_name(sv_carrier carrier)
{
    static const char *const names[] = {"none", "pkix-cert", "certs-only", "signed", "mikey"};
    return (size_t)carrier < sizeof names / sizeof *names ? names[carrier] : names[0];
}

/* ---- what was found ---- */

/* A carrier that cannot be read is told once; what else there is does not help then. */
static sipveil_code unreadable(search *s, sv_carrier carrier, const char *reason)
{
    if (s->why != NULL) return SIPVEIL_OK;
    s->why = sv_arena_alloc(s->q->arena, WHY_MOST);
    if (s->why == NULL) return sv_no_memory(s->err, SV_IDENTITY);
    (void)snprintf(s->why, WHY_MOST, "%s: %.150s", sv_carrier_name(carrier), reason);
    return SIPVEIL_OK;
}

static candidate *known(search *s, sipveil_span der)
{
    for (size_t i = 0; i < s->count; i++) {
        if (sv_equal(s->found[i].der, der)) return &s->found[i];
    }
    return NULL;
}

static sipveil_code add(search *s, sv_carrier carrier, sipveil_span der, bool has_signed)
{
    sipveil_error why;
    candidate *c = known(s, der);
    if (c != NULL) {
        if (has_signed && !c->has_signed) c->carrier = carrier;
        c->has_signed = c->has_signed || has_signed;
        return SIPVEIL_OK;
    }
    if (s->count == CANDIDATES_MOST) {
        return sv_fail_rule(s->err, SV_IDENTITY, SIPVEIL_LIMIT, "ADV-123", SIPVEIL_NO_OFFSET,
                            "more than %d certificates in the message", CANDIDATES_MOST);
    }
    c = &s->found[s->count];
    *c = (candidate){.der = der, .carrier = carrier, .has_signed = has_signed};
    sipveil_code code = sv_certificate_load(s->q->context, der, s->q->arena, &c->certificate, &why);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(s->err, SV_IDENTITY);
    if (code != SIPVEIL_OK) return unreadable(s, carrier, why.text);
    SV_TRY(sv_certificate_summarise(s->q->context, c->certificate, &c->summary, s->err));
    s->count++;
    return SIPVEIL_OK;
}

/* ---- (a), (b), (c): parts of the body ---- */

static sipveil_code read_pkix_cert(search *s, const sv_mime_entity *entity)
{
    sipveil_span der;
    sipveil_error why;
    sipveil_code code = sv_mime_decoded_content(entity, s->q->arena, &der, &why);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(s->err, SV_IDENTITY);
    if (code == SIPVEIL_OK) return add(s, SV_CARRIER_PKIX_CERT, der, false);
    return unreadable(s, SV_CARRIER_PKIX_CERT, why.text);
}

/* SDP, a message or a fragment of one: what a certificate for the session signs (RFC 3261 23.2, 23.4). */
static bool is_of_session(const sv_mime_entity *entity)
{
    return sv_media_type_is(&entity->type, "application", "sdp") || sv_media_type_is(&entity->type, "message", "sip") ||
           sv_media_type_is(&entity->type, "message", "sipfrag");
}

static sipveil_code look_for_session(sv_body_walk *walk, const sv_mime_entity *entity, size_t depth)
{
    (void)depth;
    walk->stop = is_of_session(entity);
    return SIPVEIL_OK;
}

/* What is signed is of the session, or a multipart with such a part directly in it. What cannot be read is not. */
static sipveil_code signs_session(search *s, sipveil_span octets, bool *signs)
{
    sv_body_walk walk = {.limits = s->limits, .arena = s->q->arena, .err = s->err, .depth_most = 1, .passes_over = true,
                         .visit = look_for_session};
    SV_TRY(sv_body_walk_octets(&walk, octets, 0));
    *signs = walk.stop;
    return SIPVEIL_OK;
}

static sipveil_code has_signed(const sv_signature *signatures, size_t count, sipveil_span der, sv_arena *arena, bool *found,
                               sipveil_error *err)
{
    *found = false;
    for (size_t i = 0; i < count && !*found; i++) {
        sipveil_span own;
        if (signatures[i].state != SV_SIGNATURE_VALID || signatures[i].certificate == NULL) continue;
        SV_TRY(sv_certificate_der(signatures[i].certificate, arena, &own, err));
        *found = sv_equal(own, der);
    }
    return SIPVEIL_OK;
}

/* detached: what a multipart/signed covers; empty: the content is inside. *inside: what was signed, where it is
 * readable and there was a signature. */
static sipveil_code read_signed(search *s, sipveil_span octets, sipveil_span detached, sipveil_span *inside)
{
    sv_cms_type type;
    sipveil_span content;
    sv_signed data = {0};
    sv_signature *signatures = NULL;
    bool of_session;
    sipveil_error why;
    const sv_cms_policy policy = {.allow_weak = s->q->allow_weak};
    sv_carrier carrier = detached.len > 0 ? SV_CARRIER_SIGNED : SV_CARRIER_CERTS_ONLY;
    *inside = sv_span(NULL, 0);
    sipveil_code code = sv_cms_read_content_info(octets, s->limits, &type, &content, &why);
    if (code == SIPVEIL_OK && type != SV_CMS_SIGNED) return SIPVEIL_OK; /* encrypted: not for this look */
    if (code == SIPVEIL_OK) code = sv_cms_read_signed(content, s->limits, &policy, s->q->arena, &data, &why);
    bool signs = code == SIPVEIL_OK && data.signer_count > 0;
    if (signs) {
        carrier = SV_CARRIER_SIGNED;
        *inside = detached.len > 0 ? detached : data.content;
        SV_TRY(signs_session(s, *inside, &of_session));
        if (!of_session) return SIPVEIL_OK; /* about something else */
        code = sv_cms_check_signatures(s->q->crypto, &data, *inside, NULL, 0, &policy, s->q->arena, &signatures, NULL, &why);
    }
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(s->err, SV_IDENTITY);
    if (code != SIPVEIL_OK) return unreadable(s, carrier, why.text);
    for (size_t i = 0; i < data.certificate_count; i++) {
        bool found = false;
        if (signs) SV_TRY(has_signed(signatures, data.signer_count, data.certificates[i], s->q->arena, &found, s->err));
        SV_TRY(add(s, carrier, data.certificates[i], found));
    }
    return SIPVEIL_OK;
}

/* ---- (d): MIKEY in the SDP ---- */

static sipveil_code read_mikey(search *s, sipveil_span text)
{
    sipveil_span message, der = {0};
    sipveil_error why;
    bool verified = false;
    if (s->q->mikey == NULL || ++s->mikeys > MIKEY_MOST) {
        s->unread = true;
        return SIPVEIL_OK;
    }
    sipveil_code code = sv_mime_decode_base64(sv_trim(text), s->q->arena, &message, &why);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(s->err, SV_IDENTITY);
    if (code != SIPVEIL_OK) return unreadable(s, SV_CARRIER_MIKEY, why.text);
    if (!s->q->mikey(s->q->mikey_user, message, &der, &verified)) return SIPVEIL_OK;
    if (!sv_arena_copy(s->q->arena, der, &der)) return sv_no_memory(s->err, SV_IDENTITY);
    return add(s, SV_CARRIER_MIKEY, der, verified);
}

/* a=key-mgmt:mikey <base64> (RFC 4567 3.1) */
static sipveil_code read_sdp(search *s, const sv_mime_entity *entity)
{
    sipveil_span text;
    sv_sdp_line line;
    sipveil_error why;
    sipveil_code code = sv_mime_decoded_content(entity, s->q->arena, &text, &why);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(s->err, SV_IDENTITY);
    if (code != SIPVEIL_OK) return SIPVEIL_OK; /* no SDP, no MIKEY */
    sv_cursor lines = sv_cursor_over(text, "SDP");
    while (sv_sdp_take_line(&lines, &line)) {
        sv_cursor c = sv_cursor_over(sv_trim(line.text), "attribute");
        if (sv_take_literal(&c, "a=key-mgmt:") && sv_take_literal_nocase(&c, "mikey") && sv_take_if(&c, ' ')) {
            SV_TRY(read_mikey(s, sv_rest(&c)));
        }
    }
    return SIPVEIL_OK;
}

/* ---- the walk ---- */

/* Of multipart/signed the first part is walked, after what signs it. */
static sipveil_code visit_parts(sv_body_walk *walk, const sv_mime_entity *entity, const sipveil_span *parts, size_t *count)
{
    search *s = walk->user;
    sipveil_span signature, inside;
    if (!sv_media_type_is(&entity->type, "multipart", "signed") || *count != 2) return SIPVEIL_OK;
    sv_mime_entity *second = sv_arena_alloc_raw(s->q->arena, sizeof *second);
    if (second == NULL) return sv_no_memory(s->err, SV_IDENTITY);
    SV_TRY(sv_mime_read_entity(parts[1], s->limits, 0, second, s->err));
    SV_TRY(sv_mime_decoded_content(second, s->q->arena, &signature, s->err));
    *count = 1;
    return read_signed(s, signature, parts[0], &inside);
}

static sipveil_code visit_cms(sv_body_walk *walk, const sv_mime_entity *entity, size_t depth)
{
    search *s = walk->user;
    sipveil_span octets, inside;
    SV_TRY(sv_mime_decoded_content(entity, s->q->arena, &octets, s->err));
    if (++s->layers > s->limits->cms_layers) {
        return sv_fail_rule(s->err, SV_IDENTITY, SIPVEIL_LIMIT, "ADV-056", SIPVEIL_NO_OFFSET,
                            "more than %zu CMS layers", s->limits->cms_layers);
    }
    SV_TRY(read_signed(s, octets, sv_span(NULL, 0), &inside));
    return inside.len > 0 ? sv_body_walk_octets(walk, inside, depth + 1) : SIPVEIL_OK;
}

static sipveil_code visit(sv_body_walk *walk, const sv_mime_entity *entity, size_t depth)
{
    search *s = walk->user;
    if (sv_media_type_is(&entity->type, "application", "pkix-cert")) return read_pkix_cert(s, entity);
    if (sv_media_type_is(&entity->type, "application", "pkcs7-mime") ||
        sv_media_type_is(&entity->type, "application", "x-pkcs7-mime")) {
        return visit_cms(walk, entity, depth);
    }
    return sv_media_type_is(&entity->type, "application", "sdp") ? read_sdp(s, entity) : SIPVEIL_OK;
}

/* ---- which one (IDN-55) ---- */

static void unclear(sv_carried_certificate *out, const char *why)
{
    *out = (sv_carried_certificate){.state = SV_CARRIED_UNCLEAR, .why = why};
}

/* The one that verifies the signature; else the only one that is no CA's; else the only one there is. */
static void choose(const search *s, sv_carried_certificate *out)
{
    const candidate *signer = NULL, *leaf = NULL;
    size_t signers = 0, leaves = 0;
    *out = (sv_carried_certificate){.state = s->unread ? SV_CARRIED_UNREAD : SV_CARRIED_NONE};
    for (size_t i = 0; i < s->count; i++) {
        const candidate *c = &s->found[i];
        if (c->has_signed) signer = c, signers++;
        if (!c->summary.is_authority || s->count == 1) leaf = c, leaves++;
    }
    if (s->why != NULL) {
        *out = (sv_carried_certificate){.state = SV_CARRIED_UNREADABLE, .why = s->why};
        return;
    }
    if (s->count == 0) return;
    if (signers > 1) {
        unclear(out, "two certificates have signed parts of the message");
        return;
    }
    if (signers == 0 && leaves != 1) {
        unclear(out, leaves > 1 ? "two end-entity certificates in the message" : "no end-entity certificate in the message");
        return;
    }
    const candidate *chosen = signers == 1 ? signer : leaf;
    for (size_t i = 0; i < s->count && signers == 0; i++) {
        if (s->found[i].carrier == SV_CARRIER_PKIX_CERT && &s->found[i] != chosen) {
            unclear(out, "application/pkix-cert and the other certificates of the message disagree");
            return;
        }
    }
    *out = (sv_carried_certificate){.state = SV_CARRIED_ONE,
                                    .carrier = chosen->carrier,
                                    .der = chosen->der,
                                    .certificate = chosen->certificate,
                                    .summary = chosen->summary,
                                    .has_signed = chosen->has_signed};
}

sipveil_code sv_find_carried(const sv_carrier_question *question, sv_carried_certificate *out, sipveil_error *err)
{
    search *s = sv_arena_alloc(question->arena, sizeof *s);
    sv_mime_entity *entity = sv_arena_alloc_raw(question->arena, sizeof *entity);
    *out = (sv_carried_certificate){0};
    if (s == NULL || entity == NULL) return sv_no_memory(err, SV_IDENTITY);
    s->q = question;
    s->limits = &question->context->hooks.limits;
    s->err = err;
    if (question->view->body.len > 0) {
        SV_TRY(sv_entity_of_body(question->view, s->limits, 0, entity, err));
        sv_body_walk walk = {.limits = s->limits, .arena = question->arena, .err = err, .depth_most = s->limits->mime_depth,
                             .visit = visit, .visit_parts = visit_parts, .user = s};
        SV_TRY(sv_body_walk_entity(&walk, entity, 0));
    }
    choose(s, out);
    return SIPVEIL_OK;
}
