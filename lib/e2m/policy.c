/* SPDX-License-Identifier: BSD-2-Clause */
#include "e2m/policy.h"
#include "tunnel/operation.h"

/* Parameters of a row that are no part of what is told on the wire. */
static bool take_extra(void *state, const sv_parameter *p)
{
    sv_policy_row *row = state;
    sipveil_span *place = sv_equal_nocase_str(p->name, "method")        ? &row->method
                          : sv_equal_nocase_str(p->name, "interface")   ? &row->interface
                          : sv_equal_nocase_str(p->name, "certificate") ? &row->certificate
                                                                        : NULL;
    if (place == NULL || place->len > 0 || p->value.len == 0 || p->has_escape) return false;
    *place = p->value;
    return true;
}

static sipveil_code read_line(sipveil_span line, size_t number, sv_policy_row *row, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(line, "policy row");
    sv_cursor start = c;
    sv_hop_name hop;
    sipveil_error why;
    sv_error_clear(&why);
    *row = (sv_policy_row){0};
    if (!sv_take_hop(&start, &hop)) { /* not quoted: a file of keys or passwords may have been given by a slip */
        return sv_fail_rule(err, SV_E2M, SIPVEIL_USAGE, "E2M-65", SIPVEIL_NO_OFFSET, "line %zu: a row names no host", number);
    }
    sipveil_code code = sv_need_take(&c, &row->need, take_extra, row, &why);
    if (code == SIPVEIL_OK && !sv_at_end(&c)) {
        code = sv_fail(&why, SV_E2M, SIPVEIL_USAGE, "something stands after the row");
    }
    if (code == SIPVEIL_OK && (row->need.need == SIPVEIL_E2M_OTHER ||
                               (!row->need.for_requests && !row->need.for_responses))) {
        code = sv_fail(&why, SV_E2M, SIPVEIL_USAGE, "need is view, verify or both; what is request, response or all");
    }
    if (code == SIPVEIL_OK) return SIPVEIL_OK;
    return sv_fail_rule(err, SV_E2M, SIPVEIL_USAGE, "E2M-65", SIPVEIL_NO_OFFSET, "line %zu: %s", number, why.text);
}

static sipveil_code read_lines(sipveil_span text, sipveil_e2m_policy *policy, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(text, "policy");
    for (size_t number = 1; !sv_at_end(&c); number++) {
        sipveil_span line;
        if (!sv_take_until(&c, '\n', &line)) (void)sv_take(&c, sv_left(&c), &line);
        (void)sv_take_if(&c, '\n');
        line = sv_trim(line);
        if (line.len == 0 || line.data[0] == '#') continue;
        if (policy->count == SV_POLICY_ROWS_MOST) {
            return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "line %zu: more than %d rows", number, SV_POLICY_ROWS_MOST);
        }
        SV_TRY(read_line(line, number, &policy->rows[policy->count], err));
        policy->count++;
    }
    return SIPVEIL_OK;
}

sipveil_code sv_policy_add(sipveil_e2m_policy *policy, sipveil_span text, sipveil_error *err)
{
    sipveil_span copy, trimmed = sv_trim(text);
    if (text.len > SV_POLICY_TEXT_MOST) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "a policy over %d octets", SV_POLICY_TEXT_MOST);
    }
    if (!sv_arena_copy(policy->arena, text, &copy)) return sv_no_memory(err, SV_E2M);
    if (trimmed.len > 0 && trimmed.data[0] == '[') return sv_policy_read_json(copy, policy, err);
    return read_lines(copy, policy, err);
}

sipveil_e2m_policy *sv_policy_new(void)
{
    sv_arena *arena = sv_arena_new(4096, 16u << 20);
    sipveil_e2m_policy *policy = arena != NULL ? sv_arena_alloc(arena, sizeof *policy) : NULL;
    if (policy != NULL) policy->rows = sv_arena_alloc_array(arena, SV_POLICY_ROWS_MOST, sizeof *policy->rows);
    if (policy == NULL || policy->rows == NULL) {
        sv_arena_free(arena);
        return NULL;
    }
    policy->arena = arena;
    return policy;
}

sipveil_code sipveil_e2m_policy_read(sipveil_span text, sipveil_e2m_policy **out, sipveil_error *err)
{
    if (out == NULL) return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "no place for the policy");
    *out = NULL;
    sipveil_e2m_policy *policy = sv_policy_new();
    if (policy == NULL) return sv_no_memory(err, SV_E2M);
    sipveil_code code = sv_policy_add(policy, text, err);
    if (code != SIPVEIL_OK) sipveil_e2m_policy_free(policy);
    else *out = policy;
    return code;
}

void sipveil_e2m_policy_free(sipveil_e2m_policy *policy)
{
    if (policy != NULL) sv_arena_free(policy->arena);
}

size_t sipveil_e2m_policy_count(const sipveil_e2m_policy *policy)
{
    return policy != NULL ? policy->count : 0;
}

/* ---- match ---- */

static bool type_may_hold(sipveil_span content_type, sipveil_span wanted)
{
    sv_cursor c = sv_cursor_over(content_type, "Content-Type");
    if (wanted.len == 0 || sv_starts_nocase_str(content_type, "multipart/") ||
        sv_starts_nocase_str(content_type, "application/pkcs7-mime") ||
        sv_starts_nocase_str(content_type, "application/x-pkcs7-mime") ||
        sv_starts_nocase_str(content_type, "message/sip")) {
        return true;
    }
    sipveil_span type = sv_take_while(&c, sv_is_mime_token);
    if (!sv_take_if(&c, '/')) return false;
    sipveil_span subtype = sv_take_while(&c, sv_is_mime_token);
    return sv_equal_nocase(sv_span_through(type, subtype), wanted);
}

static bool holds(const sv_policy_row *row, const sv_sip_view *view, const char *interface)
{
    if (view->is_request ? !row->need.for_requests : !row->need.for_responses) return false;
    if (row->method.len > 0 && !sv_equal(row->method, view->method)) return false;
    if (row->interface.len > 0 && (interface == NULL || !sv_equal_str(row->interface, interface))) return false;
    return type_may_hold(sv_sip_value(view, SV_F_CONTENT_TYPE), row->need.type);
}

const sv_policy_row *sv_policy_match(const sipveil_e2m_policy *policy, const sv_sip_view *view, const char *interface,
                                     size_t from)
{
    for (size_t i = from; policy != NULL && i < policy->count; i++) {
        if (holds(&policy->rows[i], view, interface)) return &policy->rows[i];
    }
    return NULL;
}

sipveil_code sipveil_e2m_policy_match(sipveil_worker *worker, const sipveil_e2m_policy *policy, sipveil_span message,
                                      const char *interface, sipveil_e2m_row *rows, size_t room, size_t *count,
                                      sipveil_error *err)
{
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || policy == NULL || rows == NULL || count == NULL) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker, policy and places for the result are needed");
    }
    *count = 0;
    const sipveil_limits *limits = sipveil_context_limits(worker->context);
    bool changed;
    SV_TRY(sv_worker_begin_with(worker, &message, err));
    sv_sip_view *view = sv_arena_alloc_raw(worker->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(err, SV_E2M);
    SV_TRY(sv_normalise_lines(worker->arena, &message, limits, &changed, err)); /* a UA seals what a person wrote */
    SV_TRY(sv_sip_read(message, SV_SIP_DATAGRAM, limits, view, err));
    const sv_policy_row *row = sv_policy_match(policy, view, interface, 0);
    for (; row != NULL; row = sv_policy_match(policy, view, interface, (size_t)(row - policy->rows) + 1)) {
        if (*count == room) {
            return sv_fail_rule(err, SV_E2M, SIPVEIL_LIMIT, "E2M-65", SIPVEIL_NO_OFFSET, "more than %zu rows hold",
                                room);
        }
        rows[(*count)++] = (sipveil_e2m_row){row->need, row->method, row->interface, row->certificate};
    }
    return SIPVEIL_OK;
}
