/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows that were not written by our operator: needs that a message tells, documents of policy servers (E2M-67, 69). */
#include "e2m/look.h"
#include "e2m/policy_contact.h"
#include "tunnel/memory.h"

#define DOCUMENTS SV_SPAN("documents")

void sipveil_e2m_learn_options_default(sipveil_e2m_learn_options *options)
{
    if (options != NULL) *options = (sipveil_e2m_learn_options){.size = sizeof *options};
}

/* ---- documents ---- */

static sv_store *store_of(const sv_policy_question *q)
{
    return q->options->memory != NULL ? sv_memory_store(q->options->memory) : NULL;
}

static sipveil_code find_document(sv_policy_question *q, const sipveil_e2m_policy_contact *contact, sipveil_span *document,
                                  bool *found)
{
    sipveil_span value;
    const sv_store *store = store_of(q);
    bool kept = contact->cacheable && store != NULL &&
                sv_store_find(store, SV_STORE_POLICY, DOCUMENTS, contact->uri, q->now, &value);
    *found = kept || (q->options->fetch != NULL && q->options->fetch(q->options->user, contact->uri, document));
    if (!kept) return SIPVEIL_OK;
    q->kept++;
    return sv_arena_copy(q->arena, value, document) ? SIPVEIL_OK : sv_no_memory(q->err, SV_E2M);
}

/* One that finds no room in the store is asked for again; that is all that it costs. */
static sipveil_code keep_document(sv_policy_question *q, const sipveil_e2m_policy_contact *contact, sipveil_span document)
{
    sv_store *store = store_of(q);
    if (store == NULL || !contact->cacheable) return SIPVEIL_OK;
    sipveil_code code = sv_store_add(store, SV_STORE_POLICY, DOCUMENTS, contact->uri, document, q->now, q->now + SV_POLICY_LIFE,
                                     NULL);
    return code == SIPVEIL_INTERNAL ? sv_no_memory(q->err, SV_E2M) : SIPVEIL_OK;
}

/* A document names no files of ours. What could not be read for want of memory is not a bad one. */
static sipveil_code take_document(sv_policy_question *q, sipveil_span document, sipveil_e2m_policy *policy, bool *good)
{
    size_t before = policy->count;
    sipveil_error why;
    sipveil_code code = sv_policy_add(policy, document, &why);
    *good = code == SIPVEIL_OK;
    for (size_t i = before; i < policy->count && *good; i++) *good = policy->rows[i].certificate.len == 0;
    if (!*good) policy->count = before;
    return code == SIPVEIL_INTERNAL ? sv_no_memory(q->err, SV_E2M) : SIPVEIL_OK;
}

static bool was_answered(const sipveil_e2m_policy_contact *contacts, const bool *answered, size_t i)
{
    for (size_t k = 0; k < i && contacts[i].alternative.len > 0; k++) {
        if (answered[k] && sv_equal(contacts[k].alternative, contacts[i].alternative)) return true;
    }
    return false;
}

sipveil_code sv_policy_ask(sv_policy_question *q, const sv_sip_view *view, sipveil_e2m_policy *policy)
{
    sipveil_e2m_policy_contact contacts[SIPVEIL_E2M_POLICY_CONTACTS_MOST];
    bool answered[SIPVEIL_E2M_POLICY_CONTACTS_MOST] = {false};
    size_t count;
    SV_TRY(sv_policy_contacts_read(view, contacts, SIPVEIL_E2M_POLICY_CONTACTS_MOST, &count, q->err));
    for (size_t i = 0; i < count; i++) {
        sipveil_span document = {0};
        if (was_answered(contacts, answered, i)) continue;
        q->asked++;
        SV_TRY(find_document(q, &contacts[i], &document, &answered[i]));
        if (answered[i]) SV_TRY(take_document(q, document, policy, &answered[i]));
        if (answered[i]) SV_TRY(keep_document(q, &contacts[i], document));
        else q->silent++;
    }
    return SIPVEIL_OK;
}

/* ---- needs ---- */

static sipveil_code add_need(sipveil_e2m_policy *policy, const sipveil_e2m_need *need, sipveil_error *err)
{
    sv_policy_row row = {.need = *need};
    if (policy->count == SV_POLICY_ROWS_MOST) {
        return sv_fail(err, SV_E2M, SIPVEIL_LIMIT, "more than %d rows", SV_POLICY_ROWS_MOST);
    }
    if (!sv_arena_copy(policy->arena, need->host, &row.need.host) ||
        !sv_arena_copy(policy->arena, need->type, &row.need.type)) {
        return sv_no_memory(err, SV_E2M);
    }
    row.need.value = sv_span(NULL, 0);
    policy->rows[policy->count++] = row;
    return SIPVEIL_OK;
}

static sipveil_code learn(sipveil_worker *worker, sv_policy_question *q, sipveil_span message,
                          sipveil_e2m_policy *policy)
{
    sipveil_e2m_need needs[SIPVEIL_E2M_NEEDS_MOST];
    size_t count;
    sv_sip_view *view;
    SV_TRY(sv_look_at(worker, message, &view, q->err));
    SV_TRY(sv_needs_read(view, needs, SIPVEIL_E2M_NEEDS_MOST, &count, q->err));
    for (size_t i = 0; i < count; i++) {
        bool known = needs[i].need != SIPVEIL_E2M_OTHER && (needs[i].for_requests || needs[i].for_responses);
        if (known) SV_TRY(add_need(policy, &needs[i], q->err));
    }
    return sv_policy_ask(q, view, policy);
}

sipveil_code sipveil_e2m_learn_policy(sipveil_worker *worker, const sipveil_e2m_learn_options *options,
                                      sipveil_span message, sipveil_e2m_policy **out, sipveil_error *err)
{
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || options == NULL || options->size != sizeof *options || out == NULL) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker, options (with their size) and a place are needed");
    }
    *out = NULL;
    if (!options->protected_path) {
        return sv_fail_rule(err, SV_E2M, SIPVEIL_POLICY, "E2M-69", SIPVEIL_NO_OFFSET,
                            "what came over an unprotected path is a hint for the user, and no row");
    }
    sv_policy_question question = {.options = options, .arena = worker->arena, .err = err,
                                   .now = options->has_at ? options->at : sv_now(worker->context)};
    sipveil_e2m_policy *policy = sv_policy_new();
    if (policy == NULL) return sv_no_memory(err, SV_E2M);
    sipveil_code code = learn(worker, &question, message, policy);
    if (code != SIPVEIL_OK) sipveil_e2m_policy_free(policy);
    else *out = policy;
    return code;
}

/* ---- for a request that was refused ---- */

static sipveil_code cannot_ask(sv_retry *r, const char *rule, const char *hint, const char *text)
{
    sipveil_e2m_policy_contact first[SIPVEIL_E2M_POLICY_CONTACTS_MOST];
    size_t count;
    SV_TRY(sv_policy_contacts_read(r->response, first, SIPVEIL_E2M_POLICY_CONTACTS_MOST, &count, r->err));
    sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, rule, SIPVEIL_NO_OFFSET, "%s: %s", SV_QUOTE(first[0].uri), text);
    return sv_hint(r->err, SIPVEIL_POLICY, "%s", hint);
}

static sipveil_code rows_of_servers(sv_retry *r, sipveil_e2m_policy *policy)
{
    const sipveil_e2m_retry_options *o = r->options;
    sipveil_e2m_learn_options learning = {.size = sizeof learning, .protected_path = true, .memory = o->e2m.memory,
                                          .fetch = o->fetch, .user = o->fetch_user};
    sv_policy_question question = {.options = &learning, .arena = r->arena, .now = r->at, .err = r->err};
    SV_TRY(sv_policy_ask(&question, r->response, policy));
    r->servers = question.asked;
    r->silent_servers = question.silent;
    if (question.asked > question.silent) return SIPVEIL_OK;
    return cannot_ask(r, "E2M-67", "--policy-document URI=FILE gives what it says",
                      "that policy server gave no document that can be read");
}

sipveil_code sv_needs_of_servers(sv_retry *r, sipveil_e2m_need *needs, size_t room, size_t *count)
{
    sipveil_e2m_policy_contact contacts[SIPVEIL_E2M_POLICY_CONTACTS_MOST];
    size_t named;
    *count = 0;
    SV_TRY(sv_policy_contacts_read(r->response, contacts, SIPVEIL_E2M_POLICY_CONTACTS_MOST, &named, r->err));
    if (named == 0) return SIPVEIL_OK;
    if (!r->options->protected_path) {
        return cannot_ask(r, "E2M-69", "--from proto=tls says that the response came over a protected path",
                          "that policy server was named over an unprotected path: it is not asked");
    }
    sipveil_e2m_policy *policy = sv_policy_new();
    if (policy == NULL) return sv_no_memory(r->err, SV_E2M);
    sipveil_code code = rows_of_servers(r, policy);
    const sv_policy_row *row = NULL;
    for (size_t from = 0; code == SIPVEIL_OK && *count < room; from = (size_t)(row - policy->rows) + 1) {
        row = sv_policy_match(policy, r->request, NULL, from);
        if (row == NULL) break;
        sipveil_e2m_need *need = &needs[(*count)++];
        *need = row->need; /* what lives with the policy is copied */
        if (!sv_arena_copy(r->arena, row->need.host, &need->host) ||
            !sv_arena_copy(r->arena, row->need.type, &need->type)) {
            code = sv_no_memory(r->err, SV_E2M);
        }
    }
    sipveil_e2m_policy_free(policy);
    return code;
}
