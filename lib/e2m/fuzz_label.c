/* SPDX-License-Identifier: BSD-2-Clause */
/* Labels, needs and policy rows from any octets: what is read twice says the same, what is written is read
 * again, the quick look never misses a value that the reader finds, and a label of a whole message names one part of it. */
#include <string.h>

#include "base/fuzz_target.h"
#include "e2m/policy_contact.h"
#include "e2m/proxy.h"

/* A message around one row, which the gate lets through or not. */
static bool gate(sv_arena *arena, const char *start, const char *name, sipveil_span value, sv_sip_view *view)
{
    sipveil_limits limits;
    sv_buffer b;
    sipveil_limits_default(&limits);
    sv_buffer_init(&b, arena, value.len + 512, 1 << 20);
    sv_put_str(&b, start);
    sv_put_str(&b, "Via: SIP/2.0/TCP a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n"
                   "To: <sip:b@b.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n");
    sv_put_str(&b, name);
    sv_put_str(&b, ": ");
    sv_put(&b, value);
    sv_put_str(&b, "\r\nContent-Length: 0\r\n\r\n");
    return !b.failed && sv_sip_read(sv_buffer_span(&b), SV_SIP_STREAM, &limits, view, NULL) == SIPVEIL_OK;
}

static void check_labels(sv_arena *arena, sipveil_span value)
{
    static const char *const ours[] = {"ss1.home.example", "b.example:5061", "[2001:db8::1]"};
    sv_sip_view *view = sv_arena_alloc_raw(arena, sizeof *view), *again = sv_arena_alloc_raw(arena, sizeof *again);
    sv_labels labels, second;
    sv_hop_set set;
    must(view != NULL && again != NULL);
    must(sv_hop_set_fill(&set, ours, 3, NULL) == SIPVEIL_OK);
    if (!gate(arena, "INVITE sip:b@b.example SIP/2.0\r\n", "Proxy-Required-Body", value, view)) return;
    bool may = sv_labels_may_name(view, &set);
    if (sv_labels_read(view, &labels, NULL) != SIPVEIL_OK) return;
    must(labels.count <= SV_LABELS_MOST);
    for (size_t i = 0; i < labels.count; i++) {
        const sv_label *label = &labels.items[i];
        sv_buffer b;
        must(!sv_hop_set_has(&set, &label->hop) || may);
        if (label->malformed || label->act == SIPVEIL_E2M_OTHER || label->reply == SIPVEIL_E2M_OTHER) continue;
        must(sv_is_cid(label->cid));
        sv_buffer_init(&b, arena, 512, 1 << 20);
        sv_label_put(&b, label);
        must(gate(arena, "INVITE sip:b@b.example SIP/2.0\r\n", "Proxy-Required-Body", sv_buffer_span(&b), again));
        must(sv_labels_read(again, &second, NULL) == SIPVEIL_OK && second.count == 1);
        const sv_label *back = &second.items[0];
        must(!back->malformed && sv_same_hop(&back->hop, &label->hop) && sv_equal(back->cid, label->cid) &&
             back->act == label->act && back->reply == label->reply && back->keep == label->keep);
    }
}

static void check_needs(sv_arena *arena, const char *name, sipveil_span value)
{
    sv_sip_view *view = sv_arena_alloc_raw(arena, sizeof *view);
    sipveil_e2m_need needs[SIPVEIL_E2M_NEEDS_MOST], back;
    size_t count;
    must(view != NULL);
    if (!gate(arena, "SIP/2.0 493 Undecipherable\r\n", name, value, view)) return;
    if (sv_needs_read(view, needs, SIPVEIL_E2M_NEEDS_MOST, &count, NULL) != SIPVEIL_OK) {
        must(count == 0);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        sv_buffer b;
        if (needs[i].need == SIPVEIL_E2M_OTHER || (!needs[i].for_requests && !needs[i].for_responses)) continue;
        sv_buffer_init(&b, arena, 512, 1 << 20);
        sv_need_put(&b, &needs[i]);
        sv_cursor c = sv_cursor_over(sv_buffer_span(&b), "need");
        must(sv_need_take(&c, &back, NULL, NULL, NULL) == SIPVEIL_OK && sv_at_end(&c));
        must(sv_equal(back.host, needs[i].host) && back.need == needs[i].need && sv_equal(back.type, needs[i].type) &&
             back.rekey == needs[i].rekey && back.for_responses == needs[i].for_responses);
    }
}

static void check_policy_contacts(sv_arena *arena, const char *start, sipveil_span value)
{
    sv_sip_view *view = sv_arena_alloc_raw(arena, sizeof *view);
    sipveil_e2m_policy_contact contacts[SIPVEIL_E2M_POLICY_CONTACTS_MOST];
    sv_sip_uri uri;
    size_t count;
    must(view != NULL);
    if (!gate(arena, start, "Policy-Contact", value, view)) return;
    if (sv_policy_contacts_read(view, contacts, SIPVEIL_E2M_POLICY_CONTACTS_MOST, &count, NULL) != SIPVEIL_OK) {
        must(count == 0);
        return;
    }
    for (size_t i = 0; i < count; i++) must(sv_sip_read_uri(contacts[i].uri, &uri, NULL) == SIPVEIL_OK);
}

/* By the public call, of whole messages. */
static void check_contacts_of(sipveil_span message)
{
    static sipveil_context *context;
    static sipveil_worker *worker;
    sipveil_e2m_policy_contact contacts[SIPVEIL_E2M_POLICY_CONTACTS_MOST];
    size_t count;
    if (context == NULL) must(sipveil_context_new(NULL, &context, NULL) == SIPVEIL_OK && sipveil_worker_new(context, &worker, NULL) == SIPVEIL_OK);
    sipveil_code code = sipveil_e2m_read_policy_contacts(worker, message, contacts, SIPVEIL_E2M_POLICY_CONTACTS_MOST, &count, NULL);
    must(code == SIPVEIL_OK || count == 0);
}

/* A whole message: each label names one part, which lies in the body. */
static void check_message(sv_arena *arena, sipveil_span message)
{
    sipveil_limits limits;
    sipveil_error err;
    sv_labels labels;
    sipveil_span places[SV_LABELS_MOST];
    sv_sip_view *view = sv_arena_alloc_raw(arena, sizeof *view);
    sv_operation *op = sv_arena_alloc(arena, sizeof *op);
    sipveil_limits_default(&limits);
    must(view != NULL && op != NULL);
    op->arena = arena;
    op->limits = &limits;
    op->err = &err;
    if (sv_sip_read(message, SV_SIP_DATAGRAM, &limits, view, NULL) != SIPVEIL_OK || sv_labels_read(view, &labels, NULL) != SIPVEIL_OK) return;
    if (sv_find_named_parts(op, view, &labels, places) != SIPVEIL_OK) return;
    for (size_t i = 0; i < labels.count; i++) must(places[i].len == 0 || sv_span_within(places[i], view->body));
}

FUZZ_GIVE_BACK(give_back_policy, sipveil_e2m_policy_free)

void fuzz_input(const uint8_t *data, size_t size)
{
    sipveil_e2m_policy *policy = NULL;
    if (size > 1 << 16) return;
    sv_arena *arena = fuzz_arena(1 << 16, 64u << 20);
    check_labels(arena, sv_span(data, size));
    check_needs(arena, "Proxy-Body-Need", sv_span(data, size));
    check_needs(arena, "Warning", sv_span(data, size));
    check_policy_contacts(arena, "SIP/2.0 488 Not Acceptable Here\r\n", sv_span(data, size));
    check_policy_contacts(arena, "UPDATE sip:b@b.example SIP/2.0\r\n", sv_span(data, size));
    check_message(arena, sv_span(data, size));
    check_contacts_of(sv_span(data, size));
    if (sipveil_e2m_policy_read(sv_span(data, size), &policy, NULL) == SIPVEIL_OK) {
        fuzz_until_end(policy, give_back_policy);
        must(sipveil_e2m_policy_count(policy) <= SV_POLICY_ROWS_MOST);
    }
}
