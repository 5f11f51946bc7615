/* SPDX-License-Identifier: BSD-2-Clause */
#include "e2m/policy_contact.h"

#include "base/field.h"
#include "e2m/look.h"
#include "sip/address.h"
#include "sip/values.h"

static sipveil_code malformed(const sv_cursor *c, const char *text, sipveil_error *err)
{
    return sv_fail_rule(err, SV_E2M, SIPVEIL_MALFORMED, "E2M-67", sv_offset(c), "Policy-Contact: %s", text);
}

/* non-cacheable / alt-uri = hname / generic-param; the first two at most once. */
static bool take_contact_parameter(const sv_parameter *p, sipveil_e2m_policy_contact *out)
{
    if (sv_equal_nocase_str(p->name, "non-cacheable")) {
        if (p->has_value || !out->cacheable) return false;
        out->cacheable = false;
    } else if (sv_equal_nocase_str(p->name, "alt-uri")) {
        if (p->value.len == 0 || p->has_escape || out->alternative.len > 0) return false;
        out->alternative = p->value;
    }
    return true;
}

/* "<" URI ">" and parameters: no display name, no bare URI (RFC 6794 4.4.5). */
static sipveil_code take_contact(sv_cursor *c, sipveil_e2m_policy_contact *out, sipveil_error *err)
{
    sv_sip_uri uri;
    sv_parameter p;
    bool taken = true;
    *out = (sipveil_e2m_policy_contact){.cacheable = true};
    sv_skip_lws(c);
    if (!sv_take_if(c, '<') || !sv_take_until(c, '>', &out->uri) || !sv_take_if(c, '>')) {
        return malformed(c, "a value that is no URI in angle brackets", err);
    }
    if (sv_sip_read_uri(out->uri, &uri, NULL) != SIPVEIL_OK) {
        return malformed(c, "a value with a URI of no good form", err);
    }
    while (taken) {
        SV_TRY(sv_take_parameter(c, SV_OCTET_GEN_VALUE, SV_E2M, &p, &taken, err));
        if (taken && !take_contact_parameter(&p, out)) {
            return malformed(c, "a parameter of no good form, or twice", err);
        }
    }
    sv_skip_lws(c);
    return SIPVEIL_OK;
}

static bool may_name_servers(const sv_sip_view *view)
{
    if (!view->is_request) return view->status == 488;
    return sv_equal_str(view->method, "INVITE") || sv_equal_str(view->method, "UPDATE") ||
           sv_equal_str(view->method, "PRACK");
}

sipveil_code sv_policy_contacts_read(const sv_sip_view *view, sipveil_e2m_policy_contact *contacts, size_t room,
                                     size_t *count, sipveil_error *err)
{
    *count = 0;
    const sv_sip_field *row = may_name_servers(view) ? sv_sip_find(view, SV_SPAN("Policy-Contact")) : NULL;
    for (size_t found = 0; row != NULL; row = sv_sip_next(view, row)) {
        sv_cursor c = sv_cursor_over(row->value, "Policy-Contact");
        do {
            if (found == room) {
                return sv_fail_rule(err, SV_E2M, SIPVEIL_LIMIT, "E2M-67", SIPVEIL_NO_OFFSET,
                                    "more than %zu policy servers", room);
            }
            SV_TRY(take_contact(&c, &contacts[found], err));
            found++;
        } while (sv_take_if(&c, ','));
        if (!sv_at_end(&c)) return malformed(&c, "something after a value", err);
        if (sv_sip_next(view, row) == NULL) *count = found;
    }
    return SIPVEIL_OK;
}

sipveil_code sipveil_e2m_read_policy_contacts(sipveil_worker *worker, sipveil_span message,
                                              sipveil_e2m_policy_contact *contacts, size_t room, size_t *count,
                                              sipveil_error *err)
{
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || contacts == NULL || count == NULL) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker and places for the result are needed");
    }
    *count = 0;
    sv_sip_view *view;
    SV_TRY(sv_look_at(worker, message, &view, err));
    return sv_policy_contacts_read(view, contacts, room, count, err);
}
