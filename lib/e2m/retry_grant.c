/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a need granted: to a host on the list, with its own certificate, for a type that may be shown, once (E2M-34). */
#include "e2m/copy.h"
#include "e2m/policy_contact.h"
#include "e2m/retry.h"
#include "sip/values.h"
#include "tunnel/memory.h"

static sipveil_code not_granted(sv_retry *r, const char *rule, const char *hint, const char *text, sipveil_span host)
{
    sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, rule, SIPVEIL_NO_OFFSET, "%s: %s", SV_QUOTE(host), text);
    return hint != NULL ? sv_hint(r->err, SIPVEIL_POLICY, "%s", hint) : SIPVEIL_POLICY;
}

static bool is_listed(const char *const *list, size_t count, sipveil_span host)
{
    for (size_t i = 0; i < count; i++) {
        if (sv_equal_nocase_str(host, list[i])) return true;
    }
    return false;
}

static sipveil_code type_fits(const sv_retry *r, const sipveil_e2m_need *need, bool *fits)
{
    *fits = false;
    sv_media_type type;
    sipveil_span value = sv_sip_value(r->request, SV_F_CONTENT_TYPE);
    if (sv_mime_read_media_type(value, r->limits, 0, &type, NULL) != SIPVEIL_OK) return SIPVEIL_OK;
    if (sv_type_listed(&type, r->options->e2m.private_types, r->options->e2m.private_type_count)) return SIPVEIL_OK;
    if (r->options->disclosable_count > 0 &&
        !sv_type_listed(&type, r->options->disclosable, r->options->disclosable_count)) {
        return SIPVEIL_OK;
    }
    const char *wanted = sv_arena_string(r->arena, need->type);
    if (wanted == NULL) return sv_no_memory(r->err, SV_E2M);
    *fits = need->type.len == 0 || sv_equal_nocase_str(type.type, "multipart") || sv_type_listed(&type, &wanted, 1);
    return SIPVEIL_OK;
}

/* ---- once a host ---- */

/* A key may be lost again in a later request of the dialog; a host that was granted once has what it needs. */
static sipveil_code name_of(sv_retry *r, sipveil_span host, bool rekey, sv_buffer *name)
{
    sv_buffer_init(name, r->arena, 64, 1024);
    sv_put_str(name, "e2m retry ");
    if (rekey) sv_put(name, sv_sip_value(r->request, SV_F_CSEQ));
    sv_put_lower(name, host);
    return sv_buffer_check(name, SV_E2M, r->err);
}

/* Whether this call was sent again for that host, and the certificate that it had then (empty: it was known). */
static sipveil_code was_tried(sv_retry *r, sipveil_span host, bool rekey, bool *tried, sipveil_span *certificate)
{
    const sipveil_memory *memory = r->options->e2m.memory;
    sv_buffer name;
    *certificate = sv_span(NULL, 0);
    *tried = is_listed(r->options->tried, r->options->tried_count, host);
    for (size_t i = 0; i < r->granted_count && !*tried; i++) *tried = sv_equal_nocase(r->granted[i].host, host);
    if (*tried || memory == NULL) return SIPVEIL_OK;
    SV_TRY(name_of(r, host, rekey, &name));
    *tried = sv_store_find(sv_memory_store(memory), SV_STORE_SEEN, sv_sip_value(r->request, SV_F_CALL_ID),
                           sv_buffer_span(&name), r->at, certificate);
    return SIPVEIL_OK;
}

static sipveil_code note_granted(sv_retry *r, const sipveil_e2m_need *need)
{
    bool tried;
    sipveil_span ignored;
    SV_TRY(was_tried(r, need->host, need->rekey, &tried, &ignored));
    if (tried) return not_granted(r, "E2M-34", NULL, "this request was sent again for it once already", need->host);
    r->granted[r->granted_count++] = (sv_granted){.host = need->host, .rekey = need->rekey};
    return SIPVEIL_OK;
}

sipveil_code sv_retry_remember(sv_retry *r)
{
    sipveil_memory *memory = r->options->e2m.memory;
    for (size_t i = 0; memory != NULL && i < r->granted_count; i++) {
        sv_buffer name;
        SV_TRY(name_of(r, r->granted[i].host, r->granted[i].rekey, &name));
        SV_TRY(sv_store_add(sv_memory_store(memory), SV_STORE_SEEN, sv_sip_value(r->request, SV_F_CALL_ID),
                            sv_buffer_span(&name), r->granted[i].certificate, r->at, r->at + SV_RETRY_LIFE, r->err));
    }
    return SIPVEIL_OK;
}

/* ---- hops ---- */

static bool is_hop(const sv_retry *r, sipveil_span host)
{
    for (size_t i = 0; i < r->hop_count; i++) {
        sv_cursor c = sv_cursor_over(sv_span_str(r->hops[i].host), "host");
        sv_hop_name name;
        if (sv_take_hop(&c, &name) && sv_equal_nocase(name.host, host)) return true;
    }
    return false;
}

/* came.count: a hop that is not encrypted to. */
static sipveil_code add_hop(sv_retry *r, const sipveil_e2m_need *need, size_t certificate)
{
    if (r->hop_count == SIPVEIL_E2M_HOPS_MOST) return not_granted(r, "E2M-34", NULL, "no more proxies can be added to one message", need->host);
    sipveil_e2m_hop *hop = &r->hops[r->hop_count];
    *hop = (sipveil_e2m_hop){.host = sv_arena_string(r->arena, need->host)};
    if (hop->host == NULL) return sv_no_memory(r->err, SV_E2M);
    if (certificate < r->came.count && r->options->e2m.seal.recipient_count > 0) {
        SV_TRY(sv_retry_check_certificate(r, need, r->came.items[certificate]));
        SV_TRY(sv_retry_make_key(r, r->came.items[certificate], &hop->key));
    }
    r->hop_count++;
    return SIPVEIL_OK;
}

/* Those that were granted earlier in this call, as long as they are on the list: or each would be lost by the next. */
static sipveil_code add_earlier(sv_retry *r, size_t *count)
{
    *count = r->options->tried_count;
    for (size_t i = 0; i < r->options->may_view_count; i++) {
        sipveil_e2m_need need = {.host = sv_span_str(r->options->may_view[i])};
        sipveil_span der;
        bool tried;
        SV_TRY(was_tried(r, need.host, false, &tried, &der));
        if (!tried || is_listed(r->options->tried, r->options->tried_count, need.host)) continue;
        ++*count;
        if (is_hop(r, need.host) || der.len == 0) continue;
        size_t index;
        SV_TRY(sv_retry_add_certificate(r, der, &index));
        SV_TRY(add_hop(r, &need, index));
    }
    return SIPVEIL_OK;
}

/* ---- one need ---- */

/* The far end lost the key that we used: that shows the body to nobody new (CEK-09). */
static bool is_far_end(const sv_retry *r, const sipveil_e2m_need *need)
{
    sv_sip_address to;
    return need->rekey && sv_sip_read_address(sv_sip_value(r->request, SV_F_TO), &to, NULL) == SIPVEIL_OK &&
           sv_equal_nocase(sv_sip_host(to.uri), need->host);
}

static sipveil_code check_wish(sv_retry *r, const sipveil_e2m_need *need)
{
    bool view = ((unsigned)need->need & SIPVEIL_E2M_VIEW) != 0;
    const sipveil_e2m_options *e2m = &r->options->e2m;
    if (!is_listed(r->options->may_view, r->options->may_view_count, need->host) &&
        (e2m->ask == NULL || !e2m->ask(e2m->ask_user, need->host))) {
        return not_granted(r, "E2M-34", "--may-view HOST allows it", "it needs the body, and may not view it",
                           need->host);
    }
    if (need->need == SIPVEIL_E2M_OTHER) {
        return not_granted(r, "E2M-14", NULL, "what it needs is a word that is not known here", need->host);
    }
    bool fits = true;
    if (view) SV_TRY(type_fits(r, need, &fits));
    if (!fits) {
        return not_granted(r, "E2M-34", NULL, "it needs a media type that may not be shown, or that the body does not hold", need->host);
    }
    bool undecipherable = r->response->status == 493 || r->response->status == 496;
    if (undecipherable && e2m->seal.recipient_count == 0) {
        return not_granted(r, "E2M-35", "name the far end with --to KEYREF",
                           "what it cannot decipher was encrypted, and is not sent in clear because of a response",
                           need->host);
    }
    return SIPVEIL_OK;
}

static void note_wish(sv_retry *r, const sipveil_e2m_need *need)
{
    r->act = (sipveil_e2m_act)((unsigned)r->act | (unsigned)need->need);
    if (!need->for_responses) return;
    r->wants_answers = true;
    r->reply = (sipveil_e2m_act)((unsigned)r->reply | (unsigned)need->need);
}

static sipveil_code grant(sv_retry *r, const sipveil_e2m_need *need)
{
    size_t index;
    bool user;
    bool view = ((unsigned)need->need & SIPVEIL_E2M_VIEW) != 0;
    if (is_far_end(r, need)) return note_granted(r, need);
    SV_TRY(check_wish(r, need));
    SV_TRY(note_granted(r, need));
    note_wish(r, need);
    if (is_hop(r, need->host)) { /* it was sealed for that hop before */
        r->lost |= !need->rekey && r->response->status / 100 != 2;
        return SIPVEIL_OK;
    }
    SV_TRY(sv_retry_find_certificate(r, need->host, &index, &user));
    bool none = index == r->came.count;
    if (none && (view || r->options->e2m.seal.recipient_count > 0)) {
        return not_granted(r, user ? "E2M-36" : "E2M-34", "give it with --for HOST=KEYREF",
                           "no certificate for that host came with the response, and none is known", need->host);
    }
    if (!none) r->granted[r->granted_count - 1].certificate = r->came.ders[index];
    return add_hop(r, need, index);
}

/* ---- all needs ---- */

static sipveil_code without_need(sv_retry *r)
{
    bool user = false;
    size_t none;
    SV_TRY(sv_retry_find_certificate(r, SV_SPAN("invalid"), &none, &user));
    sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, user ? "E2M-36" : "E2M-35", SIPVEIL_NO_OFFSET,
                 user ? "the %u brings a user's certificate and no need of a proxy: the far end has another key"
                      : "the %u does not say what a proxy needs (Proxy-Body-Need): nothing is sent again", r->response->status);
    return user ? sv_hint(r->err, SIPVEIL_POLICY, "look at its certificate before you encrypt to it") : SIPVEIL_POLICY;
}

static bool same_certificate(const sipveil_e2m_need *a, const sipveil_e2m_need *b)
{
    return !a->has_fingerprint || !b->has_fingerprint ||
           sv_equal(sv_span(a->fingerprint, sizeof a->fingerprint), sv_span(b->fingerprint, sizeof b->fingerprint));
}

/* What one host needs is one wish, for one retry: each part of it is judged, and all of them are granted or none. */
static sipveil_code join_needs(sv_retry *r, sipveil_e2m_need *needs, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        const sipveil_e2m_need *need = &needs[i];
        size_t k = 0;
        if (!need->for_requests && !need->for_responses) continue; /* of something unknown */
        while (k < kept && (!sv_equal_nocase(needs[k].host, need->host) || needs[k].rekey != need->rekey ||
                            !same_certificate(&needs[k], need))) {
            k++;
        }
        if (k == kept) {
            needs[kept++] = *need;
            continue;
        }
        if (!is_far_end(r, need)) {
            SV_TRY(check_wish(r, &needs[k]));
            SV_TRY(check_wish(r, need));
        }
        sipveil_e2m_need joined = need->has_fingerprint ? *need : needs[k];
        joined.need = (sipveil_e2m_act)((unsigned)needs[k].need | (unsigned)need->need);
        joined.for_requests = needs[k].for_requests || need->for_requests;
        joined.for_responses = needs[k].for_responses || need->for_responses;
        joined.keep = needs[k].keep || need->keep;
        needs[k] = joined;
    }
    *count = kept;
    return SIPVEIL_OK;
}

sipveil_code sv_retry_grant_all(sv_retry *r)
{
    sipveil_e2m_need needs[SIPVEIL_E2M_NEEDS_MOST];
    size_t count, earlier;
    SV_TRY(sv_needs_read(r->response, needs, SIPVEIL_E2M_NEEDS_MOST, &count, r->err));
    SV_TRY(sv_retry_read_certificates(r));
    if (count == 0) SV_TRY(sv_needs_of_servers(r, needs, SIPVEIL_E2M_NEEDS_MOST, &count));
    SV_TRY(join_needs(r, needs, &count));
    if (count == 0) return without_need(r);
    SV_TRY(add_earlier(r, &earlier));
    for (size_t i = 0; i < count; i++) {
        if (earlier + i + 1 > SV_RETRY_HOSTS_MOST) {
            return sv_fail_rule(r->err, SV_E2M, SIPVEIL_POLICY, "E2M-34", SIPVEIL_NO_OFFSET,
                                "more than %d hosts need the body", SV_RETRY_HOSTS_MOST);
        }
        SV_TRY(grant(r, &needs[i]));
    }
    return SIPVEIL_OK;
}
