/* SPDX-License-Identifier: BSD-2-Clause */
/* The accepted signer: may this certificate speak for that AOR, now? */
#include <openssl/err.h>
#include <stdio.h>

#include "base/span.h"
#include "keys/certificate.h"
#include "keys/chain.h"
#include "keys/chain_memory.h"
#include "sip/values.h"

/* Keeps the refusal; INTERNAL is no answer and goes up. */
static sipveil_code answer(sv_signer *out, sipveil_code code, const sipveil_error *why)
{
    if (code == SIPVEIL_OK || code == SIPVEIL_INTERNAL) return code;
    out->trust = SV_TRUST_UNTRUSTED;
    out->code = code;
    (void)snprintf(out->rule, sizeof out->rule, "%s", why->rule);
    (void)snprintf(out->why, sizeof out->why, "%.*s", (int)sizeof out->why - 1, why->text);
    return code;
}

/* What the thread knows of the certificate makes a good answer quick; a refusal is never taken from there. */
typedef struct asked {
    const sipveil_keyring *ring;
    const sv_signer_question *question;
    const sv_certificate_facts *facts; /* NULL: nothing is known */
} asked;

static sipveil_code take_fingerprint(const asked *a, uint8_t out[SV_FINGERPRINT], sipveil_error *err)
{
    if (a->facts == NULL) return sv_certificate_fingerprint(a->ring->context, a->question->certificate, out, err);
    for (size_t i = 0; i < SV_FINGERPRINT; i++) out[i] = a->facts->sha256[i];
    return SIPVEIL_OK;
}

static sipveil_code find_pin(const asked *a, bool *pinned, sipveil_error *err)
{
    const sv_signer_question *question = a->question;
    uint8_t fingerprint[SV_FINGERPRINT];
    *pinned = false;
    if (a->ring->pins == NULL) return SIPVEIL_OK;
    SV_TRY(take_fingerprint(a, fingerprint, err));
    for (const sv_pin *pin = a->ring->pins; pin != NULL && !*pinned; pin = pin->next) {
        *pinned = sv_equal(sv_span(pin->sha256, sizeof pin->sha256),
                           sv_span(fingerprint, sizeof fingerprint)) &&
                  (question->aor.len == 0 || sv_sip_same_aor(pin->aor, question->aor));
    }
    return SIPVEIL_OK;
}

static sipveil_code fail_name(const sv_certificate_names *names, const sv_signer_question *question,
                              sipveil_error *err)
{
    const sipveil_span *first = question->host_signer ? names->hosts : names->aors;
    size_t count = question->host_signer ? names->host_count : names->aor_count;
    if (count == 0) {
        return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "TUN-04", SIPVEIL_NO_OFFSET,
                            "the certificate speaks for no %s",
                            question->host_signer ? "host" : "SIP address");
    }
    return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "TUN-04", SIPVEIL_NO_OFFSET,
                        "the certificate speaks for %s%s, not for %s", SV_QUOTE(first[0]),
                        count > 1 ? " and others" : "", SV_QUOTE(question->aor));
}

static bool speaks_for(const sv_certificate_names *names, const sv_signer_question *question)
{
    sipveil_span host = sv_sip_host(question->aor);
    bool speaks = false;
    if (question->host_signer) {
        for (size_t i = 0; i < names->host_count && !speaks; i++) speaks = host.len > 0 && sv_equal_nocase(names->hosts[i], host);
    } else {
        for (size_t i = 0; i < names->aor_count && !speaks; i++) speaks = sv_sip_same_aor(names->aors[i], question->aor);
    }
    return speaks;
}

static sipveil_code check_name(const asked *a, sv_arena *arena, sipveil_error *err)
{
    sv_certificate_names names;
    if (a->facts != NULL && speaks_for(&a->facts->names, a->question)) return SIPVEIL_OK;
    SV_TRY(sv_certificate_read_names(a->question->certificate, arena, &names, err));
    return speaks_for(&names, a->question) ? SIPVEIL_OK : fail_name(&names, a->question, err);
}

static sipveil_code check_time(const asked *a, sv_signer *out, sipveil_error *err)
{
    const sv_signer_question *question = a->question;
    if (question->ignore_validity) return SIPVEIL_OK;
    out->time_checked = true;
    if (a->facts != NULL && a->facts->has_plain_times &&
        sv_valid_at(a->facts->not_before, a->facts->not_after, question->at)) {
        return SIPVEIL_OK;
    }
    return sv_certificate_check_time(question->certificate, question->at, err);
}

static sipveil_code check_usage(const asked *a, sv_use use, sipveil_error *err)
{
    if (a->facts != NULL && a->facts->may[use]) return SIPVEIL_OK;
    return sv_certificate_check_usage(a->question->certificate, use, err);
}

/* Exactly that certificate for that AOR: its user has decided about name, chain and usage. */
static sipveil_code accept_pinned(const asked *a, sv_signer *out, sipveil_error *err)
{
    SV_TRY(sv_certificate_check_key(a->question->certificate, a->question->allow_weak, err));
    SV_TRY(check_time(a, out, err));
    out->name_checked = a->question->aor.len > 0;
    out->holds_from = out->not_before;
    out->holds_until = out->not_after;
    out->trust = SV_TRUST_PINNED;
    return SIPVEIL_OK;
}

/* Exactly that certificate for that AOR in this dialog: chain, name and purpose are not asked (IDN-57). */
static sipveil_code accept_bound(const sv_signer_question *question, const sv_bound *bound, sv_signer *out,
                                 sipveil_error *err)
{
    if (!bound->proven && !question->covers_message) {
        return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "IDN-58", SIPVEIL_NO_OFFSET,
                            "the certificate is bound to %s, but that its key is there is not proven: this signature "
                            "covers a body alone", SV_QUOTE(bound->aor));
    }
    SV_TRY(sv_certificate_check_key(question->certificate, question->allow_weak, err));
    out->time_checked = true; /* a binding never outlives its certificate (IDN-60) */
    SV_TRY(sv_certificate_check_time(question->certificate, question->at, err));
    out->usage_checked = true;
    SV_TRY(sv_certificate_check_key_usage(question->certificate, SV_USE_SIGN, err));
    out->name_checked = true;
    out->trust = SV_TRUST_BOUND;
    for (size_t i = 0; i < sizeof out->bound_sha256; i++) out->bound_sha256[i] = bound->sha256[i];
    return SIPVEIL_OK;
}

static sipveil_code find_bound(const asked *a, const sv_bound **bound, sipveil_error *err)
{
    const sv_signer_question *question = a->question;
    uint8_t fingerprint[SV_FINGERPRINT];
    *bound = NULL;
    if (question->bound_count == 0 || question->aor.len == 0) return SIPVEIL_OK;
    SV_TRY(take_fingerprint(a, fingerprint, err));
    for (size_t i = 0; i < question->bound_count && *bound == NULL; i++) {
        const sv_bound *b = &question->bound[i];
        if (sv_equal(sv_span(b->sha256, sizeof b->sha256), sv_span(fingerprint, sizeof fingerprint)) &&
            sv_sip_same_aor(b->aor, question->aor)) {
            *bound = b;
        }
    }
    return SIPVEIL_OK;
}

static sipveil_code accept_chain(const asked *a, sv_arena *arena, sv_signer *out, sipveil_error *err)
{
    const sv_signer_question *question = a->question;
    if (a->ring->anchor_count == 0) {
        return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "TUN-08", SIPVEIL_NO_OFFSET,
                            "there are no trust anchors, and no pin for its certificate");
    }
    const sv_chain_question chain = {.certificate = question->certificate,
                                     .untrusted = question->untrusted,
                                     .at = question->at,
                                     .ignore_validity = question->ignore_validity,
                                     .allow_weak = question->allow_weak,
                                     .limits = question->limits,
                                     .memory = question->memory};
    SV_TRY(check_time(a, out, err));
    out->usage_checked = true;
    sv_use as_host = question->allow_tls_usage ? SV_USE_SIGN_AS_TLS_HOST : SV_USE_SIGN_AS_HOST;
    SV_TRY(check_usage(a, question->host_signer ? as_host : SV_USE_SIGN, err));
    if (question->aor.len > 0) {
        out->name_checked = true;
        SV_TRY(check_name(a, arena, err));
    }
    out->chain_checked = true;
    sv_chain_answer answer;
    sipveil_code code = sv_chain_check(a->ring, &chain, arena, &answer, err);
    out->revocation_checked = answer.revocation_checked;
    if (code != SIPVEIL_OK) return code;
    out->holds_from = answer.from;
    out->holds_until = answer.until;
    out->trust = SV_TRUST_TRUSTED;
    return SIPVEIL_OK;
}

/* A bound certificate may lead to an anchor as well; if not, what is wanting of the binding is the reason. */
static sipveil_code accept_unpinned(const asked *a, sv_arena *arena, sv_signer *out, sipveil_error *err)
{
    const sv_bound *bound;
    SV_TRY(find_bound(a, &bound, err));
    if (bound == NULL) return accept_chain(a, arena, out, err);
    sipveil_code code = accept_bound(a->question, bound, out, err);
    if (code == SIPVEIL_OK || code == SIPVEIL_INTERNAL || a->ring->anchor_count == 0) return code;
    sipveil_error why = *err;
    if (accept_chain(a, arena, out, err) == SIPVEIL_OK) return SIPVEIL_OK;
    *err = why;
    return code;
}

sipveil_code sv_keys_accept_signer(const sipveil_keyring *ring, const sv_signer_question *question,
                                   sv_arena *arena, sv_signer *out, sipveil_error *err)
{
    bool pinned;
    sipveil_error why;
    sv_error_clear(err);
    sv_error_clear(&why);
    const asked a = {ring, question, sv_chain_memory_facts(question->memory, ring->context, question->certificate)};
    *out = (sv_signer){.trust = SV_TRUST_UNCHECKED};
    out->not_before = a.facts != NULL ? a.facts->not_before : sv_certificate_seconds(X509_get0_notBefore(question->certificate));
    out->not_after = a.facts != NULL ? a.facts->not_after : sv_certificate_seconds(X509_get0_notAfter(question->certificate));
    sipveil_code code = find_pin(&a, &pinned, &why);
    if (code == SIPVEIL_OK) code = pinned ? accept_pinned(&a, out, &why) : accept_unpinned(&a, arena, out, &why);
    if (answer(out, code, &why) != SIPVEIL_INTERNAL) return SIPVEIL_OK;
    *out = (sv_signer){0};
    if (err != NULL) *err = why;
    return SIPVEIL_INTERNAL;
}
