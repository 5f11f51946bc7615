/* SPDX-License-Identifier: BSD-2-Clause */
/* The operation seal of a vector case. */
#include "sealing.h"
#include "vector.h"

static const tool_option options[] = {SEALING_OPTIONS};

static bool take(void *state, int id, const char *value)
{
    return sealing_take(state, id, value);
}

static bool load(vector_bench *b, sipveil_keyring *ring, const char *const *names, size_t count,
                 const sipveil_key **keys, vector_outcome *out)
{
    for (size_t i = 0; out->code == SIPVEIL_OK && i < count; i++) {
        size_t place = sipveil_keyring_count(ring);
        if (!vector_add_key(b, ring, names[i], VECTOR_KEY, &out->code, &out->err)) return false;
        keys[i] = sipveil_keyring_at(ring, place);
    }
    return true;
}

static bool seal(vector_bench *b, sealing *s, sipveil_span message, sipveil_keyring *ring, vector_outcome *out)
{
    const sipveil_key *recipients[SEALING_KEYS_MOST], *signers[SEALING_KEYS_MOST];
    sipveil_sealed sealed;
    for (size_t i = 0; i < s->trust_count && out->code == SIPVEIL_OK; i++) {
        if (!vector_add_key(b, ring, s->trust[i], VECTOR_ANCHORS, &out->code, &out->err)) return false;
    }
    if (!load(b, ring, s->to, s->to_count, recipients, out) ||
        !load(b, ring, s->signers, s->signer_count, signers, out)) {
        return false;
    }
    s->seal.recipients = recipients;
    s->seal.recipient_count = s->to_count;
    s->seal.signers = signers;
    s->seal.signer_count = s->signer_count;
    s->seal.trust = ring;
    s->seal.accept_bare_lf = true;
    if (out->code == SIPVEIL_OK) {
        out->code = sipveil_tunnel_seal_message(b->worker, &s->seal, message, &sealed, &out->err);
    }
    if (out->code == SIPVEIL_OK) {
        out->message = sealed.message;
        out->opened.warnings = sealed.warnings;
        out->opened.warning_count = sealed.warning_count;
    }
    out->exit_code = sipveil_code_exit(out->code);
    return true;
}

bool vector_seal(vector_bench *b, const json_t *test, sipveil_span message, sipveil_keyring *ring,
                 vector_outcome *out)
{
    sealing s = {.common = b->common};
    sipveil_seal_options_default(&s.seal);
    bool good = vector_take_options(b, json_object_get(test, "options"), options, sizeof options / sizeof *options,
                                    take, &s);
    if (good && !sealing_settle(&s)) good = vector_refuse(b, "options: they contradict each other");
    good = good && seal(b, &s, message, ring, out);
    sealing_end(&s);
    return good;
}
