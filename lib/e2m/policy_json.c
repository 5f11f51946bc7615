/* SPDX-License-Identifier: BSD-2-Clause */
/* The same rows as JSON: an array of objects (the form of a policy document, E2M-67). */
#include "e2m/policy.h"
#include "keys/json.h"

static sipveil_code bad(size_t row, const char *what, sipveil_error *err)
{
    return sv_fail_rule(err, SV_E2M, SIPVEIL_USAGE, "E2M-65", SIPVEIL_NO_OFFSET, "row %zu: %s", row, what);
}

/* A string member; absent: empty. */
static bool text_of(const sv_json *object, const char *name, sipveil_span *out)
{
    const sv_json *member = sv_json_member(object, name);
    *out = sv_span(NULL, 0);
    if (member == NULL) return true;
    *out = member->text;
    return member->kind == SV_JSON_STRING && member->text.len > 0;
}

static bool is_known(sipveil_span name)
{
    static const char *const names[] = {"host", "need", "types", "what", "methods", "interface", "keep", "certificate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (sv_equal_str(name, names[i])) return true;
    }
    return false;
}

static const char *read_common(const sv_json *object, sv_policy_row *row)
{
    sipveil_span host, need, what;
    sv_hop_name hop;
    const sv_json *keep = sv_json_member(object, "keep");
    for (const sv_json *member = object->first; member != NULL; member = member->next) {
        if (!is_known(member->name)) return "a member that no row has";
    }
    if (!text_of(object, "host", &host) || !text_of(object, "need", &need) || !text_of(object, "what", &what) ||
        !text_of(object, "interface", &row->interface) || !text_of(object, "certificate", &row->certificate)) {
        return "a member that is no text";
    }
    sv_cursor c = sv_cursor_over(host, "host");
    if (!sv_take_hop(&c, &hop) || !sv_at_end(&c)) return "host is no host name";
    row->need = (sipveil_e2m_need){.host = hop.host, .has_port = hop.has_port, .port = hop.port};
    row->need.need = need.len > 0 ? sv_act_of(need) : SIPVEIL_E2M_VIEW;
    if (row->need.need == SIPVEIL_E2M_OTHER) return "need is view, verify or both";
    bool all = sv_equal_str(what, "all");
    row->need.for_requests = all || what.len == 0 || sv_equal_str(what, "request");
    row->need.for_responses = all || sv_equal_str(what, "response");
    if (!row->need.for_requests && !row->need.for_responses) return "what is request, response or all";
    if (keep != NULL && keep->kind != SV_JSON_TRUE && keep->kind != SV_JSON_FALSE) return "keep is true or false";
    row->need.keep = keep != NULL && keep->kind == SV_JSON_TRUE;
    return NULL;
}

static bool list_of(const sv_json *object, const char *name, const sv_json **first)
{
    const sv_json *list = sv_json_member(object, name);
    *first = list != NULL ? list->first : NULL;
    if (list == NULL) return true;
    for (const sv_json *item = list->first; item != NULL; item = item->next) {
        if (item->kind != SV_JSON_STRING || item->text.len == 0) return false;
    }
    return list->kind == SV_JSON_ARRAY && list->first != NULL;
}

/* A row for each pair of a type and a method. */
static const char *put_rows(const sv_json *types, const sv_json *methods, const sv_policy_row *row,
                            sipveil_e2m_policy *policy)
{
    const sv_json *type = types;
    do {
        const sv_json *method = methods;
        do {
            if (policy->count == SV_POLICY_ROWS_MOST) return "too many rows";
            sv_policy_row *place = &policy->rows[policy->count++];
            *place = *row;
            if (type != NULL) place->need.type = type->text;
            if (method != NULL) place->method = method->text;
            method = method != NULL ? method->next : NULL;
        } while (method != NULL);
        type = type != NULL ? type->next : NULL;
    } while (type != NULL);
    return NULL;
}

sipveil_code sv_policy_read_json(sipveil_span text, sipveil_e2m_policy *policy, sipveil_error *err)
{
    const sv_json *root, *types, *methods;
    size_t number = 0;
    SV_TRY(sv_json_read(text, policy->arena, &root, err));
    for (const sv_json *object = root->first; object != NULL; object = object->next) {
        sv_policy_row row = {0};
        number++;
        if (object->kind != SV_JSON_OBJECT) return bad(number, "no object", err);
        const char *why = read_common(object, &row);
        if (why == NULL && (!list_of(object, "types", &types) || !list_of(object, "methods", &methods))) {
            why = "types and methods are lists of texts";
        }
        if (why == NULL) why = put_rows(types, methods, &row, policy);
        if (why != NULL) return bad(number, why, err);
    }
    return SIPVEIL_OK;
}
