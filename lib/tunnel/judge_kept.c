/* SPDX-License-Identifier: BSD-2-Clause */
/* The same user, the same certificate over time (RFC 3261 23.1, 23.2; TUN-05, TUN-09), and within a dialog (TUN-10). */
#include <stdio.h>

#include "crypto/sign.h"
#include "state/store.h"
#include "tunnel/bound.h"
#include "tunnel/memory.h"
#include "tunnel/operation.h"

enum { FINGERPRINT = 32, DIALOG_SECONDS = 7 * 86400 };

static sipveil_code note(sv_operation *op, sipveil_span aor, X509 *certificate, bool is_kept, bool is_bound)
{
    sipveil_accepted_signer signer = {.aor = sv_arena_string(op->arena, aor), .is_kept = is_kept, .is_bound = is_bound};
    if (signer.aor == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    SV_TRY(sv_certificate_der(certificate, op->arena, &signer.certificate, op->err));
    sv_put(&op->signers, sv_span(&signer, sizeof signer));
    return SIPVEIL_OK;
}

static void refuse(sv_operation *op, sv_signer *signer, sipveil_span aor, X509 *certificate, X509 *before)
{
    const char *now = sv_certificate_serial(certificate, op->arena), *then = sv_certificate_serial(before, op->arena);
    signer->code = SIPVEIL_UNTRUSTED_SIGNER;
    signer->trust = SV_TRUST_UNTRUSTED;
    (void)snprintf(signer->rule, sizeof signer->rule, SV_RULE_KEPT);
    (void)snprintf(signer->why, sizeof signer->why,
                   "certificate-changed: %.60s signs with certificate %.40s, not with %.40s as before; this may be a breach",
                   SV_QUOTE(aor), now != NULL ? now : "", then != NULL ? then : "");
}

/* What a pin names its user has decided about. */
static bool is_permitted(const sv_operation *op, const sv_signer *signer)
{
    return op->options->accept_new_certificate || signer->trust == SV_TRUST_PINNED;
}

sipveil_code sv_judge_kept(sv_operation *op, sv_node *node, size_t place, sipveil_span identity)
{
    sv_signer *signer = &node->signers[place];
    X509 *certificate = node->signatures[place].certificate, *before;
    sipveil_span aor;
    sv_kept_state state;
    if (signer->code != SIPVEIL_OK || signer->trust == SV_TRUST_UNCHECKED || certificate == NULL) return SIPVEIL_OK;
    sipveil_code code = sv_sip_aor(identity, op->arena, &aor, NULL);
    if (code != SIPVEIL_OK) return code == SIPVEIL_INTERNAL ? sv_no_memory(op->err, SV_TUNNEL) : SIPVEIL_OK;
    SV_TRY(sv_keyring_look_kept(op->options->keyring, aor, certificate, &state, &before, op->err));
    switch (state) {
    case SV_KEPT_OFF:
        break;
    case SV_KEPT_NONE:
        sv_report_check(op, SV_RULE_KEPT, SIPVEIL_CHECK_NOT_DONE, "no certificate of %s is known yet", SV_QUOTE(aor));
        break;
    case SV_KEPT_SAME:
        sv_report_check(op, SV_RULE_KEPT, SIPVEIL_CHECK_PASSED, "the certificate known for %s", SV_QUOTE(aor));
        break;
    case SV_KEPT_OTHER:
        if (!is_permitted(op, signer)) {
            refuse(op, signer, aor, certificate, before);
            return SIPVEIL_OK;
        }
        sv_report_check(op, SV_RULE_KEPT, SIPVEIL_CHECK_NOT_DONE, "another certificate of %s is accepted on request",
                        SV_QUOTE(aor));
        sv_report_warning(op, SV_RULE_KEPT, "%s signs with another certificate than before, accepted on request",
                          SV_QUOTE(aor));
        break;
    }
    return note(op, aor, certificate, state == SV_KEPT_SAME, signer->trust == SV_TRUST_BOUND);
}

/* ---- within a dialog ---- */

/* What is remembered of a signer of a dialog: scope is its Call-ID. */
typedef struct binding {
    sipveil_span scope, name;
    uint8_t fingerprint[FINGERPRINT];
    sipveil_span before; /* empty: nothing is remembered */
} binding;

static const sipveil_accepted_signer *signers_of(const sv_operation *op, size_t *count)
{
    sipveil_span all = sv_buffer_span(&op->signers);
    *count = op->options->memory == NULL ? 0 : all.len / sizeof(sipveil_accepted_signer);
    return (const sipveil_accepted_signer *)(const void *)all.data;
}

static sipveil_code look(sv_operation *op, const sipveil_accepted_signer *signer, binding *out)
{
    sv_buffer name;
    *out = (binding){.scope = sv_sip_value(op->root->view, SV_F_CALL_ID)};
    SV_TRY(sv_digest_octets(op->crypto, sv_digest_by_name("sha256"), signer->certificate, out->fingerprint, op->err));
    sv_buffer_init(&name, op->arena, 64, 1 << 16);
    sv_put_str(&name, "signer ");
    sv_put_str(&name, signer->aor);
    SV_TRY(sv_buffer_check(&name, SV_TUNNEL, op->err));
    out->name = sv_buffer_span(&name);
    (void)sv_store_find(sv_memory_store(op->options->memory), SV_STORE_BINDING, out->scope, out->name, op->now, &out->before);
    return SIPVEIL_OK;
}

sipveil_code sv_judge_dialog(sv_operation *op)
{
    size_t count;
    const sipveil_accepted_signer *signers = signers_of(op, &count);
    for (size_t i = 0; i < count; i++) {
        binding b;
        SV_TRY(look(op, &signers[i], &b));
        bool other_is_bound = sv_bound_to_another(op, sv_span_str(signers[i].aor), b.fingerprint);
        if (b.before.len == 0 && !other_is_bound) continue;
        /* Identity vouched for the change (IDN-61); what it bound and proved is as good as an earlier message (IDN-59). */
        if (signers[i].is_bound && !other_is_bound) continue;
        bool same = !other_is_bound && sv_equal(b.before, sv_span(b.fingerprint, FINGERPRINT));
        sipveil_check_result result = same                                   ? SIPVEIL_CHECK_PASSED
                                      : op->options->accept_new_certificate ? SIPVEIL_CHECK_NOT_DONE
                                                                            : SIPVEIL_CHECK_FAILED;
        sv_report_check(op, "TUN-10", result, "%s signs with %s certificate as earlier in this dialog", signers[i].aor,
                        same ? "the same" : "another");
        if (result != SIPVEIL_CHECK_FAILED) continue;
        sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_UNTRUSTED_SIGNER, "TUN-10", SIPVEIL_NO_OFFSET,
                     "certificate-changed: %s signs with another certificate than earlier in this dialog; this may be a breach",
                     SV_QUOTE(sv_span_str(signers[i].aor)));
        return sv_hint(op->err, SIPVEIL_UNTRUSTED_SIGNER, "--accept-new-certificate takes it");
    }
    return SIPVEIL_OK;
}

/* Where there is no more room it is not remembered, which refuses nobody. */
sipveil_code sv_remember_dialog(sv_operation *op)
{
    size_t count;
    int64_t expires;
    const sipveil_accepted_signer *signers = signers_of(op, &count);
    if (__builtin_add_overflow(op->now, (int64_t)DIALOG_SECONDS, &expires)) expires = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        binding b;
        SV_TRY(look(op, &signers[i], &b));
        sv_store *store = sv_memory_store(op->options->memory);
        sipveil_code code = sv_store_replace(store, SV_STORE_BINDING, b.scope, b.name, sv_span(b.fingerprint, FINGERPRINT),
                                             op->now, expires, op->err);
        if (code != SIPVEIL_OK && code != SIPVEIL_LIMIT) return code;
    }
    return SIPVEIL_OK;
}
