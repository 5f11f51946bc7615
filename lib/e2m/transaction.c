/* SPDX-License-Identifier: BSD-2-Clause */
#include "e2m/transaction.h"

#include "crypto/sign.h"
#include "tunnel/memory.h"

#define ANSWERED SV_SPAN("answered")
#define FAILED SV_SPAN("failed")

enum { DIGEST = 32, NAME = DIGEST + 1 };

static sv_store *store_of(const sv_hop *hop)
{
    return hop->options->open.memory != NULL ? sv_memory_store(hop->options->open.memory) : NULL;
}

/* The octets, and who vouched for them: what came unprotected must not speak for what comes over TLS next. */
static sipveil_code name_message(const sv_hop *hop, sipveil_span message, uint8_t name[NAME], sipveil_error *err)
{
    const sipveil_e2m_proxy_options *o = hop->options;
    name[DIGEST] = (uint8_t)((o->protected_hop ? 1 : 0) | (o->sender_authenticated ? 2 : 0));
    return sv_digest_octets(hop->op->crypto, sv_digest_by_name("sha256"), message, name, err);
}

/* What is not known for want of memory is told: a retransmission would be taken for a replay. */
sipveil_code sv_hop_find_transaction(const sv_hop *hop, sipveil_span message, bool *found, sipveil_span *response,
                                     sipveil_error *err)
{
    uint8_t name[NAME];
    sipveil_span value;
    const sv_store *store = store_of(hop);
    *found = false;
    if (store == NULL || sv_store_count(store, SV_STORE_TRANSACTION) == 0) return SIPVEIL_OK;
    SV_TRY(name_message(hop, message, name, err));
    *found = sv_store_find(store, SV_STORE_TRANSACTION, ANSWERED, sv_span(name, NAME), hop->op->now, &value);
    return !*found || sv_arena_copy(hop->op->arena, value, response) ? SIPVEIL_OK : sv_no_memory(err, SV_E2M);
}

/* What does not fit is not remembered: it is a help, and no protection. Want of memory fails the call (ADV-215). */
static sipveil_code only_memory(sipveil_code code, const sipveil_error *why, sipveil_error *err)
{
    if (code != SIPVEIL_INTERNAL) return SIPVEIL_OK;
    *err = *why;
    return code;
}

sipveil_code sv_hop_note_transaction(const sv_hop *hop, sipveil_span message, sipveil_span response, sipveil_error *err)
{
    uint8_t name[NAME];
    sipveil_error why;
    sv_store *store = store_of(hop);
    if (store == NULL) return SIPVEIL_OK;
    SV_TRY(name_message(hop, message, name, err));
    sipveil_code code = sv_store_add(store, SV_STORE_TRANSACTION, ANSWERED, sv_span(name, NAME), response, hop->op->now,
                                     hop->op->now + SV_RETRANSMITTED_WITHIN, &why);
    return only_memory(code, &why, err);
}

/* The value is the number of failures, an octet. */
static uint8_t failures_of(const sv_hop *hop)
{
    sipveil_span value, source = sv_span_str(hop->options->source);
    bool found = sv_store_find(store_of(hop), SV_STORE_TRANSACTION, FAILED, source, hop->op->now, &value);
    return found && value.len == 1 ? value.data[0] : 0;
}

bool sv_hop_source_is_spent(const sv_hop *hop)
{
    return store_of(hop) != NULL && hop->options->source != NULL && failures_of(hop) >= SV_FAILURES_MOST;
}

sipveil_code sv_hop_note_failure(const sv_hop *hop, sipveil_error *err)
{
    sipveil_error why;
    sv_store *store = store_of(hop);
    bool known = hop->options->sender_authenticated || hop->op->secret_used; /* else anybody writes in a peer's name */
    if (store == NULL || hop->options->source == NULL || !known) return SIPVEIL_OK;
    sipveil_span source = sv_span_str(hop->options->source);
    uint8_t failures = failures_of(hop);
    if (failures < SV_FAILURES_MOST) failures++;
    sipveil_code code = sv_store_replace(store, SV_STORE_TRANSACTION, FAILED, source, sv_span(&failures, 1), hop->op->now,
                                         hop->op->now, &why);
    return only_memory(code, &why, err);
}
