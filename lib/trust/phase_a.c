/* SPDX-License-Identifier: BSD-2-Clause */
/* Phase A: what is believed of what the previous hop says, and what this node asserts itself (RFC 3325 5, 6). */
#include <string.h>

#include "trust/border.h"

bool sv_is_answerable(const sv_sip_view *view)
{
    return view->is_request && !sv_sip_is_ack_or_cancel(view);
}

/* ---- Privacy (TRU-25) ---- */

static void read_privacy(sipveil_border *b, const sv_sip_view *view)
{
    sipveil_error why;
    if (sv_privacy_read(view, &b->privacy, &why) != SIPVEIL_OK) {
        if (sv_is_answerable(view)) {
            sv_border_refuse(b, 400, "TRU-25", NULL, "%s", why.text);
            return;
        }
        b->privacy.values = SV_PRIVACY_ID | SV_PRIVACY_HEADER; /* nobody to tell: taken for a strong wish */
        sv_border_note(b, "A", "Privacy", "kept", "TRU-25", "not a list of values: taken for id and header");
        return;
    }
    if (b->privacy.doubled)
        sv_border_note(b, "A", "Privacy", "kept", "TRU-25", "a value stands in it twice, and counts once");
    if (!b->privacy.drop_none) return;
    sv_privacy_drop(&b->edit, SV_PRIVACY_NONE, b->arena);
    sv_border_note(b, "A", "Privacy", "changed", "TRU-25", "none beside others: the protective values count");
    sv_border_warn(b, "TRU-25", "Privacy has none beside other values; none is dropped");
}

/* ---- who is it? ---- */

static sipveil_span from_domain(const sv_sip_view *view)
{
    sv_sip_address from;
    if (sv_sip_read_address(sv_sip_value(view, SV_F_FROM), &from, NULL) != SIPVEIL_OK) return sv_span(NULL, 0);
    sipveil_span host = sv_sip_host(from.uri);
    if (host.len > 0 && host.data[host.len - 1] == '.') host.len--; /* the same domain, by its full name */
    return host;
}

/* From proves nothing, so it makes nobody trusted; but what claims to be a partner's may be asked to come over a link
 * that proves something (seed: a forged BYE from outside). */
static void check_claim(sipveil_border *b, const sv_sip_view *view)
{
    sipveil_span domain = from_domain(view);
    const sv_partner *claimed = sv_table_by_domain(b->table, domain);
    if (b->from.trusted && b->from.name[0] != '\0' && !sv_equal_nocase_str(domain, b->from.name)) {
        sv_border_note(b, "A", "From", "kept", "TRU-19", "the previous hop proved %s and From names %s: transit",
                       b->from.name, SV_QUOTE(domain));
    }
    if (!view->is_request || claimed == NULL || claimed->from_level <= b->from.level ||
        b->profile == SIPVEIL_TRUST_PROFILE_IMS_REL5)
        return;
    sv_border_refuse(b, 403, "TRU-05", NULL,
                     "From names partner %s, whose requests come at level %u or more; this one came at level %u",
                     SV_QUOTE(claimed->name), claimed->from_level, b->from.level);
}

/* Spec(T) (a) and (c): does an authentication count? */
static bool is_authenticated(sipveil_border *b)
{
    const sv_spec *s = &b->table->spec;
    const sipveil_trust_peer *link = b->options.link;
    if (b->options.identity_count == 0) return false;
    bool method = b->options.auth_method == NULL || s->authentication_count == 0;
    for (size_t i = 0; i < s->authentication_count && !method; i++)
        method = sv_equal_nocase_str(s->authentication[i], b->options.auth_method);
    if (!method) {
        sv_border_warn(b, "TRU-03", "authentication by %s is none that the trust domain accepts",
                       SV_QUOTE(sv_span_str(b->options.auth_method)));
        return false;
    }
    bool reached = link == NULL || (s->between_ua & SV_UA_ANY) ||
                   ((s->between_ua & SV_UA_TLS) && link->transport == SIPVEIL_TRUST_TLS) ||
                   ((s->between_ua & SV_UA_IPSEC) && link->sa != NULL);
    if (!reached)
        sv_border_warn(b, "TRU-03", "the link to the UA is not one that the trust domain accepts (between_ua)");
    return reached;
}

/* ---- P-Preferred-Identity: a hint which of the valid identities is meant ---- */

typedef struct choice {
    const char *sip, *tel; /* of options.identities */
} choice;

static void choose(choice *c, const char *identity)
{
    const char **place = sv_scheme_of(sv_span_str(identity)) == SV_SCHEME_TEL ? &c->tel : &c->sip;
    if (*place == NULL) *place = identity;
}

/* False: it was refused. */
static bool choose_identities(sipveil_border *b, const sv_sip_view *view, choice *c)
{
    bool preferred = false;
    sv_asserted_read(view, SV_F_P_PREFERRED_IDENTITY, b->table->spec.schemes, &b->asserted);
    for (size_t i = 0; i < b->asserted.count; i++) {
        for (size_t k = 0; b->asserted.values[i].counts && k < b->options.identity_count; k++) {
            if (!sv_same_identity(b->asserted.values[i].uri, sv_span_str(b->options.identities[k]))) continue;
            choose(c, b->options.identities[k]);
            preferred = true;
            break;
        }
    }
    if (preferred) return true;
    if (b->asserted.counting > 0 && b->table->spec.refuse_preference && view->is_request) {
        sv_border_refuse(b, 403, "TRU-22", NULL, "P-Preferred-Identity is none of the originator's identities");
        return false;
    }
    for (size_t i = 0; i < b->options.identity_count; i++) choose(c, b->options.identities[i]);
    return true;
}

/* TRU-23: members that know RFC 3325 alone expect no P-Asserted-Identity in other methods, and leak it. */
static bool may_leak_by_method(const sipveil_border *b, const sv_sip_view *view)
{
    static const char *const known[] = {"BYE", "INVITE", "OPTIONS", "SUBSCRIBE", "NOTIFY", "REFER"};
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) is_known |= sv_equal_str(view->method, known[i]);
    return !(b->table->spec.rules & SV_RULES_5876) && (b->privacy.values & SV_PRIVACY_ID) && !is_known;
}

static sipveil_code assert_own(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    choice c = {0};
    sv_buffer row;
    if (!choose_identities(b, view, &c)) return SIPVEIL_OK;
    if (may_leak_by_method(b, view)) {
        sv_border_note(b, "A", "P-Asserted-Identity", "ignored", "TRU-23",
                       "not added: a member that knows RFC 3325 alone could leak it");
        return SIPVEIL_OK;
    }
    sv_buffer_init(&row, b->arena, 256, 1 << 16);
    sv_put_str(&row, "P-Asserted-Identity: ");
    if (c.sip != NULL) sv_put_str(&row, "<"), sv_put_str(&row, c.sip), sv_put_str(&row, ">");
    if (c.tel != NULL) sv_put_str(&row, c.sip != NULL ? ", <" : "<"), sv_put_str(&row, c.tel), sv_put_str(&row, ">");
    sv_put_str(&row, "\r\n");
    SV_TRY(sv_buffer_check(&row, SV_TRUST, err));
    sv_sip_edit_add(&b->edit, sv_buffer_span(&row));
    sv_border_note(b, "A", "P-Asserted-Identity", "added", "ADV-200", "this node has authenticated the originator");
    return SIPVEIL_OK;
}

/* ---- P-Asserted-Identity ---- */

/* Whether one is left that counts. */
static bool judge_received(sipveil_border *b, const sv_sip_view *view)
{
    const char *field = "P-Asserted-Identity";
    if (sv_sip_first(view, SV_F_P_ASSERTED_IDENTITY) == NULL) return false;
    if (view->is_request && sv_sip_is_ack_or_cancel(view)) {
        (void)sv_sip_edit_remove_all(&b->edit, SV_F_P_ASSERTED_IDENTITY);
        sv_border_note(b, "A", field, "removed", "TRU-21", "it has no place in ACK and CANCEL");
        return false;
    }
    if (!b->from.trusted) {
        (void)sv_sip_edit_remove_all(&b->edit, SV_F_P_ASSERTED_IDENTITY);
        sv_border_note(b, "A", field, "removed", "ADV-200", "the previous hop is not trusted");
        return false;
    }
    sv_asserted_read(view, SV_F_P_ASSERTED_IDENTITY, b->table->spec.schemes, &b->asserted);
    size_t gone = sv_asserted_trim(&b->edit, &b->asserted, SV_F_P_ASSERTED_IDENTITY, b->arena);
    if (b->asserted.counting == 0) {
        sv_border_note(b, "A", field, "removed", "TRU-20", "no value of it can be used");
        return false;
    }
    if (gone > 0)
        sv_border_note(b, "A", field, "changed", "TRU-20", "one sip or sips and one tel value stay; %zu others go",
                       gone);
    else sv_border_note(b, "A", field, "kept", "TRU-01", "the previous hop is trusted");
    return true;
}

static sipveil_code demand_authentication(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    sv_must_auth must = b->table->spec.must_auth;
    if (must == SV_AUTH_MAY || b->from.trusted || !sv_is_answerable(view)) return SIPVEIL_OK;
    if (must == SV_AUTH_REFUSE || b->options.challenge == NULL) {
        sv_border_refuse(b, 403, "ADV-200", NULL, "the originator is not authenticated (must_auth)");
        return SIPVEIL_OK;
    }
    sv_buffer row;
    sv_buffer_init(&row, b->arena, 256, 1 << 16);
    sv_put_str(&row, b->options.is_registrar ? "WWW-Authenticate: " : "Proxy-Authenticate: ");
    sv_put_str(&row, b->options.challenge);
    sv_put_str(&row, "\r\n");
    SV_TRY(sv_buffer_check(&row, SV_TRUST, err));
    sv_border_refuse(b, b->options.is_registrar ? 401 : 407, "ADV-200", NULL,
                     "the originator is not authenticated (must_auth)");
    b->refusal.rows = sv_buffer_span(&row);
    return SIPVEIL_OK;
}

sipveil_code sv_phase_a(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    bool authenticated = is_authenticated(b);
    SV_TRY(sv_note_identities(b, view, err));
    read_privacy(b, view);
    if (b->refusal.action == SIPVEIL_BORDER_FORWARD) check_claim(b, view);
    if (b->refusal.action != SIPVEIL_BORDER_FORWARD) return SIPVEIL_OK;
    bool present = judge_received(b, view);
    bool may_add = view->is_request ? !sv_sip_is_ack_or_cancel(view) : b->table->spec.assert_in_responses;
    if (!present && may_add && authenticated) SV_TRY(assert_own(b, view, err));
    else if (!authenticated) SV_TRY(demand_authentication(b, view, err));
    if (sv_sip_edit_remove_all(&b->edit, SV_F_P_PREFERRED_IDENTITY) > 0) {
        sv_border_note(b, "A", "P-Preferred-Identity", "removed", "ADV-202",
                       "it never goes past the proxy that it is for");
    }
    return SIPVEIL_OK;
}
