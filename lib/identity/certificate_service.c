/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates of others by NOTIFY (RFC 6072): which may be used, and how long they are kept. */
#include "crypto/sign.h"
#include "identity/carrier.h"
#include "identity/event.h"
#include "sip/values.h"
#include "sipveil/binding.h"
#include "state/store.h"
#include "tunnel/bound.h"
#include "tunnel/memory.h"

enum { DAY = 86400, RENEW_BEFORE = 600, RENEW_SPREAD = 300 };

#define KEPT_NAME SV_SPAN("certificate service")

const char *sipveil_certificate_subscription_rows(void)
{
    return "Event: certificate\r\nAccept: application/pkix-cert\r\nExpires: 86400\r\n";
}

void sipveil_certificate_notify_options_default(sipveil_certificate_notify_options *options)
{
    *options = (sipveil_certificate_notify_options){.size = sizeof *options};
}

/* ---- the NOTIFY ---- */

typedef struct notice {
    const sipveil_certificate_notify_options *options;
    const sipveil_identity_verdict *verdict;
    sipveil_worker *worker;
    sv_store *store;
    const sv_sip_view *view;
    sipveil_span aor; /* normal form */
    int64_t now;
} notice;

/* IDN-82: a subscription that was forked is none of ours. */
static bool is_of_subscription(const notice *n)
{
    sv_dialog d = sv_dialog_of(n->view, true);
    const sipveil_certificate_notify_options *o = n->options;
    return (o->call_id == NULL || sv_equal_str(d.call_id, o->call_id)) &&
           (o->local_tag == NULL || sv_equal_str(d.local_tag, o->local_tag)) &&
           (o->remote_tag == NULL || sv_equal_str(d.remote_tag, o->remote_tag));
}

static bool comes_from_subscribed(const notice *n)
{
    sv_sip_address from;
    return sv_sip_read_address(sv_sip_value(n->view, SV_F_FROM), &from, NULL) == SIPVEIL_OK &&
           sv_sip_same_aor(from.uri, n->aor);
}

/* IDN-78: under RFC 8224 nobody has signed the body. */
static bool identity_vouches(const notice *n)
{
    const sipveil_identity_verdict *v = n->verdict;
    return v != NULL && v->valid && !v->weak && !v->is_number && !v->asserted && comes_from_subscribed(n) &&
           (v->body_covered || n->options->integrity);
}

static sipveil_code chain_vouches(const notice *n, X509 *certificate, bool *vouches, sipveil_error *err)
{
    sv_signer signer;
    *vouches = false;
    if (n->options->trust == NULL) return SIPVEIL_OK;
    const sv_signer_question q = {.certificate = certificate, .aor = n->aor, .at = n->now,
                                  .limits = sipveil_context_limits(n->worker->context)};
    SV_TRY(sv_keys_accept_signer(n->options->trust, &q, n->worker->arena, &signer, err));
    *vouches = signer.trust == SV_TRUST_TRUSTED;
    return SIPVEIL_OK;
}

/* What was kept goes, whatever came instead (IDN-79). */
static sipveil_code find_before(const notice *n, sipveil_certificate_notified *out, sipveil_error *err)
{
    sipveil_span before;
    out->had_before = sv_store_find(n->store, SV_STORE_BINDING, n->aor, KEPT_NAME, n->now, &before);
    if (!out->had_before) return SIPVEIL_OK;
    return sv_digest_octets(n->worker->crypto, sv_digest_by_name("sha256"), before, out->before_sha256, err);
}

/* Not where memory ended: then it is as it was, and the same NOTIFY can be taken again. */
static void drop_before(const notice *n, sipveil_code code)
{
    if (code != SIPVEIL_INTERNAL) (void)sv_store_remove(n->store, SV_STORE_BINDING, n->aor, KEPT_NAME);
}

static int64_t keep_until(const notice *n, int64_t not_after)
{
    int64_t until, seconds = n->options->keep_seconds > 0 ? n->options->keep_seconds : DAY;
    if (__builtin_add_overflow(n->now, seconds, &until)) until = INT64_MAX;
    if (until > n->options->subscribed_until) until = n->options->subscribed_until;
    return until < not_after ? until : not_after;
}

static sipveil_code take_certificate(const notice *n, sipveil_span der, sipveil_certificate_notified *out, sipveil_error *err)
{
    X509 *certificate;
    sv_certificate_summary summary;
    bool chain;
    sipveil_code code = sv_certificate_load(n->worker->context, der, n->worker->arena, &certificate, NULL);
    out->notice = SIPVEIL_CERTIFICATE_DISCARDED;
    out->assurance = SIPVEIL_ASSURANCE_UNBOUND;
    out->why = "the certificate cannot be read";
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(err, SV_IDENTITY);
    if (code != SIPVEIL_OK) return SIPVEIL_OK;
    SV_TRY(sv_certificate_summarise(n->worker->context, certificate, &summary, err));
    out->why = "the certificate is not valid now";
    if (!sv_valid_at(summary.not_before, summary.not_after, n->now)) return SIPVEIL_OK;
    SV_TRY(chain_vouches(n, certificate, &chain, err));
    out->why = "no chain leads to it for that address, and no Identity covers it";
    if (!chain && !identity_vouches(n)) return SIPVEIL_OK;
    int64_t until = keep_until(n, summary.not_after);
    out->why = "the subscription is over"; /* what nothing would be kept of must not pass for kept */
    if (until < n->now) return SIPVEIL_OK;
    SV_TRY(sv_store_replace(n->store, SV_STORE_BINDING, n->aor, KEPT_NAME, der, n->now, until, err));
    out->notice = SIPVEIL_CERTIFICATE_KEPT;
    out->assurance = chain ? SIPVEIL_ASSURANCE_CHAIN : SIPVEIL_ASSURANCE_SESSION;
    out->certificate = der;
    out->until = until;
    out->why = "";
    return SIPVEIL_OK;
}

static sipveil_code take_notify(const notice *n, sipveil_certificate_notified *out, sipveil_error *err)
{
    sv_mime_entity *entity = sv_arena_alloc_raw(n->worker->arena, sizeof *entity);
    sipveil_span der;
    if (entity == NULL) return sv_no_memory(err, SV_IDENTITY);
    out->why = "no NOTIFY of this subscription";
    if (!sv_is_notify_of(n->view, "certificate") || !is_of_subscription(n)) {
        out->status = 481;
        return SIPVEIL_OK;
    }
    if (n->view->body.len == 0) {
        out->notice = SIPVEIL_CERTIFICATE_NONE;
        out->why = "there is no certificate, or it was revoked";
        SV_TRY(find_before(n, out, err));
        drop_before(n, SIPVEIL_OK);
        return SIPVEIL_OK;
    }
    SV_TRY(sv_entity_of_body(n->view, sipveil_context_limits(n->worker->context), 0, entity, err));
    out->why = "the body is of another type";
    if (!sv_media_type_is(&entity->type, "application", "pkix-cert") ||
        (entity->disposition.present && !sv_equal_nocase_str(entity->disposition.type, "signal"))) {
        return SIPVEIL_OK;
    }
    SV_TRY(sv_mime_decoded_content(entity, n->worker->arena, &der, err));
    SV_TRY(find_before(n, out, err));
    sipveil_code code = take_certificate(n, der, out, err);
    if (out->notice != SIPVEIL_CERTIFICATE_KEPT) drop_before(n, code);
    return code;
}

sipveil_code sipveil_certificate_take_notify(sipveil_worker *worker, const sipveil_certificate_notify_options *options,
                                             sipveil_span message, const sipveil_identity_verdict *verdict,
                                             sipveil_certificate_notified *out, sipveil_error *err)
{
    sipveil_certificate_notified result = {.status = 200, .why = ""};
    sv_sip_view *view;
    sv_error_clear(err);
    if (out == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "no place for the result");
    *out = (sipveil_certificate_notified){.why = ""};
    if (worker == NULL || options == NULL || options->size != sizeof *options || options->memory == NULL ||
        options->aor == NULL) {
        return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "worker, options (with their size), memory and address are needed");
    }
    if (verdict == NULL) SV_TRY(sv_worker_begin_with(worker, &message, err));
    notice n = {.options = options, .verdict = verdict, .worker = worker, .store = sv_memory_store(options->memory),
                .now = options->has_at ? options->at : sv_now(worker->context)};
    SV_TRY(sv_identity_view(worker, message, &view, err));
    n.view = view;
    SV_TRY(sv_sip_aor(sv_span_str(options->aor), worker->arena, &n.aor, err));
    SV_TRY(take_notify(&n, &result, err));
    *out = result;
    return SIPVEIL_OK;
}

/* ---- what is kept ---- */

static sipveil_code begin(sipveil_worker *worker, const sipveil_memory *memory, const char *aor, sipveil_span *address,
                          sipveil_error *err)
{
    sv_error_clear(err);
    if (worker == NULL || memory == NULL || aor == NULL) {
        return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "worker, memory and address are needed");
    }
    sv_worker_begin(worker);
    return sv_sip_aor(sv_span_str(aor), worker->arena, address, err);
}

sipveil_code sipveil_certificate_find_kept(sipveil_worker *worker, const sipveil_memory *memory, const char *aor, int64_t at,
                                           sipveil_span *certificate, sipveil_error *err)
{
    sipveil_span address, found;
    *certificate = sv_span(NULL, 0);
    SV_TRY(begin(worker, memory, aor, &address, err));
    if (!sv_store_find(sv_memory_store(memory), SV_STORE_BINDING, address, KEPT_NAME, at, &found)) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_NO_KEY, "IDN-77", SIPVEIL_NO_OFFSET, "no certificate of %s is kept",
                            SV_QUOTE(address));
    }
    return sv_arena_copy(worker->arena, found, certificate) ? SIPVEIL_OK : sv_no_memory(err, SV_IDENTITY);
}

sipveil_code sipveil_certificate_drop_kept(sipveil_worker *worker, sipveil_memory *memory, const char *aor, sipveil_error *err)
{
    sipveil_span address;
    SV_TRY(begin(worker, memory, aor, &address, err));
    if (sv_store_remove(sv_memory_store(memory), SV_STORE_BINDING, address, KEPT_NAME)) return SIPVEIL_OK;
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_NO_KEY, "IDN-80", SIPVEIL_NO_OFFSET, "no certificate of %s is kept",
                        SV_QUOTE(address));
}

bool sipveil_certificate_tries_again(sipveil_span before, sipveil_span after, bool tried)
{
    return !tried && after.len > 0 && !sv_equal(before, after);
}

int64_t sipveil_certificate_renew_after(int64_t not_after, int64_t now, uint32_t random)
{
    int64_t spread = (int64_t)(random % (RENEW_SPREAD + 1)), due;
    if (__builtin_sub_overflow(not_after, (int64_t)RENEW_BEFORE, &due)) return 0;
    if (now >= not_after) return 0; /* late: nobody waits any more */
    return (due > now ? due - now : 0) + spread;
}
