/* SPDX-License-Identifier: BSD-2-Clause */
/* Inner against outer (RFC 3261 23.4.1, 23.4.2): which fields must be equal, which hops may change,
 * which may be hidden or added. */
#include "sip/address.h"
#include "tunnel/operation.h"

/* Group A: hops change them (23.4.1.1). */
static bool hops_may_change(sv_field_id id)
{
    return id == SV_F_VIA || id == SV_F_RECORD_ROUTE || id == SV_F_ROUTE || id == SV_F_MAX_FORWARDS ||
           id == SV_F_PROXY_AUTHORIZATION;
}

/* Tables 2 and 3 of RFC 3261 let proxies add these (TUN-39). */
static bool hops_may_add(sv_field_id id)
{
    switch (id) {
    case SV_F_ALERT_INFO: case SV_F_CALL_INFO: case SV_F_DATE: case SV_F_ERROR_INFO: case SV_F_ORGANIZATION:
    case SV_F_PRIORITY: case SV_F_PROXY_REQUIRE: case SV_F_REQUIRE: case SV_F_PROXY_AUTHENTICATE:
    case SV_F_WWW_AUTHENTICATE:
        return true;
    default:
        return false;
    }
}

/* These identify transaction and dialog: never only inside (TUN-39). */
static bool must_stay_outside(sv_field_id id)
{
    return id == SV_F_TO || id == SV_F_FROM || id == SV_F_CALL_ID || id == SV_F_CSEQ || id == SV_F_CONTACT;
}

bool sv_is_from_stand_in(sipveil_span outer_from, sipveil_span inner_from)
{
    sv_sip_address outer, inner;
    if (sv_sip_read_address(outer_from, &outer, NULL) != SIPVEIL_OK ||
        sv_sip_read_address(inner_from, &inner, NULL) != SIPVEIL_OK) {
        return false;
    }
    return sv_equal_nocase_str(outer.uri, "sip:anonymous@anonymous.invalid") && sv_equal(outer.tag, inner.tag);
}

static bool same_parameter(sipveil_span inner, sipveil_span outer, const char *name)
{
    sipveil_span a = {0}, b = {0};
    return sv_sip_param(inner, name, &a) == sv_sip_param(outer, name, &b) && sv_equal_nocase(a, b);
}

/* The same place, and nothing that sends elsewhere: what decides about routing agrees, what only a user
 * part could need is gone, and no Contact parameter says something else (TUN-40, TUN-42). */
static bool same_place(const sv_sip_address *inner, const sv_sip_uri *i, const sv_sip_address *outer,
                       const sv_sip_uri *o)
{
    sipveil_span none;
    return i->is_sips == o->is_sips && i->is_sip == o->is_sip && sv_equal_nocase(i->host, o->host) &&
           i->has_port == o->has_port && i->port == o->port && same_parameter(i->params, o->params, "transport") &&
           same_parameter(i->params, o->params, "maddr") && same_parameter(i->params, o->params, "ttl") &&
           !sv_sip_param(o->params, "user", &none) && !sv_sip_param(o->params, "method", &none) &&
           o->headers.len == 0 && (outer->params.len == 0 || sv_equal(outer->params, inner->params));
}

/* The Contacts of a message one by one, over rows and the lists in them. */
typedef struct contacts {
    const sv_sip_view *view;
    const sv_sip_field *row;
    sv_cursor at;
} contacts;

static contacts contacts_of(const sv_sip_view *view)
{
    const sv_sip_field *row = sv_sip_first(view, SV_F_CONTACT);
    return (contacts){view, row, sv_cursor_over(row != NULL ? row->value : sv_span(NULL, 0), "Contact")};
}

static bool next_contact(contacts *c, sv_sip_address *address, sv_sip_uri *uri)
{
    if (c->row == NULL || sv_sip_take_address(&c->at, 0, address, NULL) != SIPVEIL_OK ||
        sv_sip_read_uri(address->uri, uri, NULL) != SIPVEIL_OK) {
        return false;
    }
    if (sv_take_if(&c->at, ',')) return true;
    if (!sv_at_end(&c->at)) return false;
    c->row = sv_sip_next(c->view, c->row);
    if (c->row != NULL) c->at = sv_cursor_over(c->row->value, "Contact");
    return true;
}

/* Each Contact of the outer message is that of the inner one without its user part. */
static bool contact_without_user(const sv_node *inner, const sv_node *outer)
{
    contacts i = contacts_of(inner->view), o = contacts_of(outer->view);
    while (i.row != NULL && o.row != NULL) {
        sv_sip_address ia, oa;
        sv_sip_uri iu, ou;
        if (!next_contact(&i, &ia, &iu) || !next_contact(&o, &oa, &ou)) return false;
        if (ou.user.len != 0 || ou.has_password || !same_place(&ia, &iu, &oa, &ou)) return false;
    }
    return i.row == NULL && o.row == NULL;
}

static bool from_is_hidden(const sv_node *inner, const sv_node *outer)
{
    return sv_is_from_stand_in(sv_sip_value(outer->view, SV_F_FROM), sv_sip_value(inner->view, SV_F_FROM));
}

/* Profile of the P-CSCF: To and Request-URI may name the P-CSCF itself (TUN-71, TUN-72), in answers To
 * alone (TUN-81). The tag stays that of the inner To; a request may go without. */
static bool names_pcscf(const sv_operation *op, const sv_node *inner, const sv_node *outer)
{
    sv_sip_address to, inner_to;
    sv_sip_uri uri;
    if (!op->options->pcscf ||
        sv_sip_read_address(sv_sip_value(outer->view, SV_F_TO), &to, NULL) != SIPVEIL_OK ||
        sv_sip_read_address(sv_sip_value(inner->view, SV_F_TO), &inner_to, NULL) != SIPVEIL_OK) {
        return false;
    }
    if (outer->view->is_request) {
        return (to.tag.len == 0 || sv_equal(to.tag, inner_to.tag)) &&
               sv_sip_same_uri(to.uri, outer->view->request_uri, 0);
    }
    return sv_equal(to.tag, inner_to.tag) && sv_sip_read_uri(to.uri, &uri, NULL) == SIPVEIL_OK && uri.user.len == 0;
}

/* The differences that hiding makes on purpose (TUN-42); nothing else is excused. */
static bool is_hidden(const sv_operation *op, sv_field_id id, const sv_node *inner, const sv_node *outer)
{
    if (id == SV_F_FROM) return from_is_hidden(inner, outer);
    if (id == SV_F_CONTACT) return from_is_hidden(inner, outer) && contact_without_user(inner, outer);
    if (id == SV_F_TO) return names_pcscf(op, inner, outer);
    return false;
}

/* TRU-49: where local configuration knows of a privacy service on the path; never because the message says so. */
static bool hidden_by_border(const sv_operation *op, sv_field_id id, const sv_node *inner, const sv_node *outer)
{
    return op->options->privacy_border && (id == SV_F_FROM || id == SV_F_CONTACT) && from_is_hidden(inner, outer);
}

static bool is_tolerated(const sv_operation *op, sv_field_id id, const char *name)
{
    if (id == SV_F_CALL_ID || id == SV_F_CSEQ || strcmp(name, "method") == 0 || strcmp(name, "status") == 0) return false;
    for (size_t i = 0; i < op->options->accept_mismatch_count; i++) {
        sipveil_span wanted = sv_span_str(op->options->accept_mismatch[i]);
        if (sv_equal_nocase_str(wanted, name)) return true;
        if (id != SV_F_OTHER && sv_field_id_of(wanted) == id) return true;
    }
    return false;
}

bool sv_compare_may_mismatch(sipveil_span name, bool pcscf)
{
    sv_field_id id = sv_field_id_of(name);
    if (id == SV_F_OTHER) return pcscf && sv_equal_nocase_str(name, "Request-URI");
    if (!sv_field_info_of(id)->rfc3261 || sv_is_content_field(id, name) || id == SV_F_MIME_VERSION) return false;
    return !hops_may_change(id) || (pcscf && id == SV_F_VIA);
}

static bool is_redirect(const sv_node *outer)
{
    return !outer->view->is_request && outer->view->status / 100 == 3;
}

/* The first row of that name. */
static inline const sv_sip_field *first_like(const sv_sip_view *view, const sv_sip_field *row)
{
    if (row->id == SV_F_OTHER) return sv_sip_find_like(view, row);
    return view->first[row->id] != 0 ? &view->fields[view->first[row->id] - 1] : NULL;
}

/* One row on each side, and the same octets: most fields of most messages. sv_sip_compare_field finds no more than that, but
 * looks for it. */
static bool is_one_same_row(const sv_sip_view *inner, const sv_sip_view *outer, sv_field_id id)
{
    if (inner->first[id] == 0 || outer->first[id] == 0 || ((inner->several | outer->several) >> id & 1) != 0) return false;
    return sv_equal(inner->fields[inner->first[id] - 1].value, outer->fields[outer->first[id] - 1].value);
}

static sipveil_comparison judge_known(const sv_operation *op, sv_field_id id, const sv_node *inner,
                                      const sv_node *outer, sv_compare_rules rules)
{
    if (is_one_same_row(inner->view, outer->view, id)) return SIPVEIL_COMPARE_EQUAL;
    sv_sip_comparison c = sv_sip_compare_field(inner->view, outer->view, id, sv_span(NULL, 0), op->compare_flags);
    if (c == SV_SIP_EQUAL) return SIPVEIL_COMPARE_EQUAL;
    bool bare = (op->options->compat & SIPVEIL_COMPAT_SEED000) != 0; /* TUN-70: nothing but the body outside */
    if (op->options->pcscf && id == SV_F_VIA && !(bare && c == SV_SIP_ONLY_FIRST)) {
        return SIPVEIL_COMPARE_MISMATCH; /* TUN-71 */
    }
    if (hops_may_change(id)) {
        return c == SV_SIP_ONLY_SECOND ? SIPVEIL_COMPARE_ADDED : SIPVEIL_COMPARE_MAY_DIFFER;
    }
    if (c == SV_SIP_ONLY_SECOND) {
        return hops_may_add(id) ? SIPVEIL_COMPARE_ADDED : SIPVEIL_COMPARE_MISMATCH;
    }
    if (c == SV_SIP_ONLY_FIRST) {
        if (id == SV_F_CONTACT && is_redirect(outer)) return SIPVEIL_COMPARE_MAY_DIFFER;
        if (id == SV_F_PROXY_REQUIRE) return SIPVEIL_COMPARE_MAY_DIFFER; /* all its tags were consumed */
        if (rules.encrypted && (bare || !must_stay_outside(id))) return SIPVEIL_COMPARE_HIDDEN;
        return SIPVEIL_COMPARE_MISSING;
    }
    if (id == SV_F_PROXY_REQUIRE && sv_sip_tags_removed_only(inner->view, outer->view, id)) {
        return SIPVEIL_COMPARE_MAY_DIFFER;
    }
    if (rules.encrypted && is_hidden(op, id, inner, outer)) return SIPVEIL_COMPARE_HIDDEN;
    if (hidden_by_border(op, id, inner, outer)) return SIPVEIL_COMPARE_HIDDEN;
    return SIPVEIL_COMPARE_MISMATCH;
}

/* Extension fields: a difference is no breach (TUN-37). */
static sipveil_comparison judge_unknown(const sv_operation *op, const sv_sip_field *row, const sv_node *inner,
                                        const sv_node *outer, sv_compare_rules rules)
{
    switch (sv_sip_compare_field(inner->view, outer->view, row->id, row->name, op->compare_flags)) {
    case SV_SIP_EQUAL: return SIPVEIL_COMPARE_EQUAL;
    case SV_SIP_ONLY_SECOND: return SIPVEIL_COMPARE_ADDED;
    case SV_SIP_ONLY_FIRST: return rules.encrypted ? SIPVEIL_COMPARE_HIDDEN : SIPVEIL_COMPARE_MAY_DIFFER;
    default: return SIPVEIL_COMPARE_MAY_DIFFER;
    }
}

static bool is_breach(sipveil_comparison result)
{
    return result == SIPVEIL_COMPARE_MISMATCH || result == SIPVEIL_COMPARE_MISSING;
}

/* Notes one result; the first breach that is not tolerated becomes the error. */
static void note(sv_operation *op, sv_field_id id, const char *name, sipveil_comparison result,
                 const sv_node *inner, const sv_node *outer, bool *failed)
{
    sv_report_compared(op, name, result, inner);
    if (!is_breach(result)) return;
    if (is_tolerated(op, id, name)) {
        sv_report_check(op, "TUN-39", SIPVEIL_CHECK_NOT_DONE, "a difference in %s is tolerated on request", name);
        return;
    }
    if (*failed) return;
    *failed = true;
    const char *rule = id == SV_F_DATE ? "TUN-33" : "TUN-39";
    if (result == SIPVEIL_COMPARE_MISSING) {
        sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_HEADER_MISMATCH, rule, SIPVEIL_NO_OFFSET,
                     "inner message has %s, the outer one does not", name);
    } else if (id == SV_F_OTHER) {
        sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_HEADER_MISMATCH, rule, SIPVEIL_NO_OFFSET,
                     "inner and outer start line differ in the %s", name);
    } else if (sv_sip_first(inner->view, id) == NULL) {
        sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_HEADER_MISMATCH, "ADV-141", SIPVEIL_NO_OFFSET,
                     "outer message has %s, which the protected one lacks", name);
    } else {
        /* Only outer values are quoted: what was decrypted is not for logs. */
        sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_HEADER_MISMATCH, rule, SIPVEIL_NO_OFFSET,
                     "inner %s differs from outer %s: %s", name, name,
                     SV_QUOTE(sv_sip_value(outer->view, id)));
    }
    sv_hint(op->err, SIPVEIL_HEADER_MISMATCH,
            "a hop may have rewritten it; RFC 3261 23.4 says which header fields may differ");
}

static void compare_start_line(sv_operation *op, const sv_node *inner, const sv_node *outer, bool *failed)
{
    const sv_sip_view *i = inner->view, *o = outer->view;
    if (i->start_line.len == 0) return;
    bool same = i->is_request == o->is_request &&
                (i->is_request ? sv_equal(i->method, o->method) : i->status == o->status);
    note(op, SV_F_OTHER, o->is_request ? "method" : "status",
         same ? SIPVEIL_COMPARE_EQUAL : SIPVEIL_COMPARE_MISMATCH, inner, outer, failed);
    if (!same || !i->is_request) return;
    bool same_uri = sv_sip_same_uri(i->request_uri, o->request_uri, op->compare_flags);
    sipveil_comparison result = same_uri ? SIPVEIL_COMPARE_EQUAL : SIPVEIL_COMPARE_MAY_DIFFER;
    if (op->options->pcscf && !same_uri) {
        /* TUN-72, variant 2: the outer Request-URI is the P-CSCF itself. */
        sv_sip_uri uri;
        bool host_only = sv_sip_read_uri(o->request_uri, &uri, NULL) == SIPVEIL_OK && uri.user.len == 0;
        if (!host_only && !names_pcscf(op, inner, outer)) result = SIPVEIL_COMPARE_MISMATCH;
    }
    note(op, SV_F_OTHER, "Request-URI", result, inner, outer, failed);
}

/* All fields of one side; on the second pass only those that the first side lacks. */
static void compare_side(sv_operation *op, const sv_node *side, const sv_node *other, bool second_pass,
                         const sv_node *inner, const sv_node *outer, sv_compare_rules rules, bool *failed)
{
    for (size_t i = 0; i < side->view->field_count; i++) {
        const sv_sip_field *row = &side->view->fields[i];
        if (second_pass && first_like(other->view, row) != NULL) continue;
        if (first_like(side->view, row) != row) continue; /* not the first of its name */
        if (sv_is_content_field(row->id, row->name) || row->id == SV_F_MIME_VERSION) continue; /* group C */
        if (rules.responder && row->id == SV_F_FROM) continue;
        const sv_field_info *info = sv_field_info_of(row->id);
        if (row->id != SV_F_OTHER && info->rfc3261) {
            note(op, row->id, info->name, judge_known(op, row->id, inner, outer, rules), inner, outer, failed);
            continue;
        }
        const char *name = row->id != SV_F_OTHER ? info->name : sv_arena_string(op->arena, row->name);
        note(op, row->id, name != NULL ? name : "?", judge_unknown(op, row, inner, outer, rules), inner, outer,
             failed);
    }
}

sipveil_code sv_compare_outer(sv_operation *op, const sv_node *inner, const sv_node *outer, sv_compare_rules rules)
{
    bool failed = false;
    if (!rules.fragment) compare_start_line(op, inner, outer, &failed);
    compare_side(op, inner, outer, false, inner, outer, rules, &failed);
    if (!rules.fragment) compare_side(op, outer, inner, true, inner, outer, rules, &failed);
    if (!rules.authenticated) {
        sv_report_check(op, "TUN-39", SIPVEIL_CHECK_NOT_DONE,
                        "the inner message is not authenticated: differences prove nothing");
        return SIPVEIL_OK;
    }
    if (!failed) {
        sv_report_literal(op, "TUN-39", SIPVEIL_CHECK_PASSED, "inner and outer agree where they must");
        return SIPVEIL_OK;
    }
    sv_report_check(op, "TUN-39", SIPVEIL_CHECK_FAILED, "%s", op->err->text);
    return SIPVEIL_HEADER_MISMATCH;
}
