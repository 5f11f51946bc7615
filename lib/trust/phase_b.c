/* SPDX-License-Identifier: BSD-2-Clause */
/* Phase B: what the next hop may see (RFC 3323 5, RFC 3325 7, RFC 5379). */
#include <stdio.h>

#include "trust/border.h"

enum {
    PROTECTIVE = SV_PRIVACY_HEADER | SV_PRIVACY_SESSION | SV_PRIVACY_USER | SV_PRIVACY_ID | SV_PRIVACY_HISTORY |
                 SV_PRIVACY_UNKNOWN
};

/* What this node can do for a message: id and history by taking fields out, the others as a privacy service. */
static unsigned servable(const sipveil_border *b, const sv_sip_view *view)
{
    unsigned can = SV_PRIVACY_ID | SV_PRIVACY_HISTORY;
    if (b->table->spec.serves & SV_SERVES_USER) can |= SV_PRIVACY_USER;
    if (view->is_request && sv_can_hide_header(b, view)) can |= SV_PRIVACY_HEADER;
    return can;
}

/* TRU-33, TRU-27: whoever insists on what cannot be done is told so. */
static void refuse_unserved(sipveil_border *b, const sv_sip_view *view, unsigned unserved)
{
    char list[160], phrase[224];
    bool insists = (b->privacy.values & SV_PRIVACY_CRITICAL) || b->table->spec.strict5379;
    if (unserved == 0 || !sv_is_answerable(view)) return;
    sv_privacy_list(&b->privacy, unserved, list, sizeof list);
    if (insists) {
        (void)snprintf(phrase, sizeof phrase, "Server Error: privacy %s not available", list);
        sv_border_refuse(b, 500, "TRU-33", phrase, "Privacy asks for %s, which is not done here", list);
        return;
    }
    if (b->table->spec.serves != 0 || !sv_sip_has_tag(view, SV_F_PROXY_REQUIRE, "privacy")) return;
    sv_border_refuse(b, 420, "TRU-27", NULL, "Proxy-Require asks for a privacy service for %s, which this is not",
                     list);
    b->refusal.rows = SV_SPAN("Unsupported: privacy\r\n");
}

/* ---- P-Asserted-Identity ---- */

typedef struct ruling {
    bool remove;
    const char *rule;
    const char *why;
} ruling;

static ruling rule_on_identity(const sipveil_border *b)
{
    unsigned v = b->privacy.values;
    bool border = b->profile == SIPVEIL_TRUST_PROFILE_MM_BORDER;
    if (b->to.trusted) return (ruling){false, "TRU-01", "the next hop is trusted"};
    if (v == SV_PRIVACY_NONE) {
        if (border && b->table->spec.strict_border)
            return (ruling){true, "TRU-37", "strict_border removes it for Privacy: none too"};
        return (ruling){false, "TRU-26", "Privacy is none: nobody may remove it"};
    }
    if (v & SV_PRIVACY_ID) return (ruling){true, "TRU-31", "Privacy asks for id, and the next hop is not trusted"};
    if (v & SV_PRIVACY_HEADER)
        return (ruling){true, "TRU-31", "Privacy asks for header, and the next hop is not trusted"};
    if (border) return (ruling){true, "TRU-37", "the next hop is no partner"};
    if (b->to.keep_without_privacy) return (ruling){false, "TRU-03", "no_privacy = keep: Privacy does not ask for id"};
    return (ruling){true, "TRU-03", "no_privacy = remove: the next hop is not trusted"};
}

static sipveil_code settle_identity(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    ruling r = rule_on_identity(b);
    if (r.remove) SV_TRY(sv_close_leaks(b, view, err));
    if (sv_sip_first(view, SV_F_P_ASSERTED_IDENTITY) == NULL) return SIPVEIL_OK;
    sv_border_note(b, "B", "P-Asserted-Identity", r.remove ? "removed" : "kept", r.rule, "%s", r.why);
    if (r.remove) (void)sv_sip_edit_remove_all(&b->edit, SV_F_P_ASSERTED_IDENTITY);
    return SIPVEIL_OK;
}

/* ---- other fields ---- */

static size_t remove_named(sipveil_border *b, const sv_sip_view *view, sipveil_span name)
{
    size_t count = 0;
    for (const sv_sip_field *row = sv_sip_find(view, name); row != NULL; row = sv_sip_next(view, row)) {
        sv_sip_edit_remove(&b->edit, row);
        count++;
    }
    return count;
}

static void strip_fields(sipveil_border *b, const sv_sip_view *view)
{
    const sv_spec *s = &b->table->spec;
    for (size_t i = 0; i < s->strip_count; i++) {
        if (remove_named(b, view, s->strip[i]) == 0) continue;
        const char *name = sv_arena_string(b->arena, s->strip[i]);
        if (name == NULL) b->no_memory = true;
        else sv_border_note(b, "B", name, "removed", "TRU-10",
                       "it is for the trust domain alone (strip)");
    }
    if ((b->privacy.values & (SV_PRIVACY_HISTORY | SV_PRIVACY_SESSION | SV_PRIVACY_HEADER)) &&
        remove_named(b, view, SV_SPAN("History-Info")) > 0) {
        sv_border_note(b, "B", "History-Info", "removed", "TRU-33",
                       "Privacy asks for history, session or header (RFC 5379)");
    }
}

/* TRU-32, TRU-34 */
static void settle_privacy(sipveil_border *b, const sv_sip_view *view, unsigned served)
{
    unsigned values = b->privacy.values, done = served & (SV_PRIVACY_USER | SV_PRIVACY_HEADER);
    if (sv_sip_first(view, SV_F_PRIVACY) == NULL) return;
    if (values == SV_PRIVACY_NONE) {
        sv_border_note(b, "B", "Privacy", "kept", "TRU-26", "none is never touched");
        return;
    }
    if (b->table->spec.strip_done) done |= served & (SV_PRIVACY_ID | SV_PRIVACY_HISTORY);
    if (done == 0) {
        sv_border_note(b, "B", "Privacy", "kept", "TRU-32",
                       "what comes after may be trusted again and must see the wish");
        return;
    }
    bool last = (values & PROTECTIVE & ~done) == 0;
    sv_privacy_drop(&b->edit, last ? done | SV_PRIVACY_CRITICAL : done, b->arena);
    sv_border_note(b, "B", "Privacy", last ? "removed" : "changed", "TRU-34",
                   last ? "every value is served" : "the values that are served go");
    if (!last || sv_sip_edit_remove_tag(&b->edit, SV_F_PROXY_REQUIRE, "privacy", b->arena) == 0) return;
    sv_border_note(b, "B", "Proxy-Require", "changed", "TRU-34", "the tag privacy goes with the last served value");
}

/* TRU-07: closed networks. */
static void pass_gateway(sipveil_border *b, const sv_sip_view *view)
{
    if (!b->to.is_gateway) {
        sv_border_refuse(b, 503, "TRU-07", NULL, "no security gateway leads to the next hop");
        return;
    }
    if (sv_sip_first(view, SV_F_P_ASSERTED_IDENTITY) != NULL) {
        sv_border_note(b, "B", "P-Asserted-Identity", "kept", "TRU-07",
                       "ims-rel5: what passes the security gateway is trusted");
    }
}

sipveil_code sv_phase_b(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    unsigned asked = b->privacy.values & PROTECTIVE, can = servable(b, view);
    if (b->profile == SIPVEIL_TRUST_PROFILE_IMS_REL5) {
        pass_gateway(b, view);
        return SIPVEIL_OK;
    }
    if (b->to.trusted) {
        if (sv_sip_first(view, SV_F_PRIVACY) != NULL)
            sv_border_note(b, "B", "Privacy", "kept", "TRU-01", "the next hop is trusted");
        return settle_identity(b, view, err);
    }
    refuse_unserved(b, view, asked & ~can);
    if (b->refusal.action != SIPVEIL_BORDER_FORWARD) return SIPVEIL_OK;
    SV_TRY(settle_identity(b, view, err));
    strip_fields(b, view);
    if (asked & can & SV_PRIVACY_USER) SV_TRY(sv_serve_user(b, view, err));
    bool hides = (asked & SV_PRIVACY_HEADER) != 0;
    if (!hides) SV_TRY(sv_is_hidden_dialog(b, view, &hides, err));
    if (hides && sv_can_hide_header(b, view)) SV_TRY(sv_hide_header(b, view, err));
    settle_privacy(b, view, asked & can);
    return SIPVEIL_OK;
}
