/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "tunnel/operation.h"

/* First block of a worker: what a message of a few kilobytes needs, so that a warm worker calls no
 * allocator. The most is what a message at the size limit can need, copies of each layer included. */
enum { FIRST_BLOCK = 192 * 1024, GIVEN_BLOCK = 32 * 1024 };

sipveil_code sipveil_worker_new(const sipveil_context *context, sipveil_worker **out, sipveil_error *err)
{
    if (out == NULL) return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "no place for the worker");
    *out = NULL;
    if (context == NULL) return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "no context");
    sipveil_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) return sv_no_memory(err, SV_TUNNEL);
    size_t most = FIRST_BLOCK + 12 * sipveil_context_limits(context)->message;
    worker->context = context;
    worker->arena = sv_arena_new_not_dumped(FIRST_BLOCK, most);
    worker->chains = sv_chain_memory_new();
    sipveil_code code = worker->arena == NULL || worker->chains == NULL ? sv_no_memory(err, SV_TUNNEL)
                                              : sv_crypto_new(context, &worker->crypto, err);
    if (code != SIPVEIL_OK) {
        sipveil_worker_free(worker);
        return code;
    }
    *out = worker;
    return SIPVEIL_OK;
}

void sipveil_worker_free(sipveil_worker *worker)
{
    if (worker == NULL) return;
    sv_arena_free(worker->arena);
    sv_arena_free(worker->given);
    sv_chain_memory_free(worker->chains);
    sv_crypto_free(worker->crypto);
    free(worker);
}

size_t sipveil_worker_memory(const sipveil_worker *worker)
{
    return sizeof *worker + sv_arena_held(worker->arena) + (worker->given != NULL ? sv_arena_held(worker->given) : 0);
}

static void begin(sipveil_worker *worker)
{
    sv_arena_reset(worker->arena);
    worker->operation = (sv_operation){.worker = worker,
                                       .arena = worker->arena,
                                       .crypto = worker->crypto,
                                       .limits = sipveil_context_limits(worker->context)};
}

void sv_worker_begin(sipveil_worker *worker)
{
    if (worker->given != NULL) sv_arena_reset(worker->given);
    begin(worker);
}

sipveil_code sv_worker_begin_with(sipveil_worker *worker, sipveil_span *message, sipveil_error *err)
{
    bool in_results = sv_arena_holds(worker->arena, message->data), copied = true;
    if (in_results && worker->given == NULL) {
        worker->given = sv_arena_new_not_dumped(GIVEN_BLOCK, GIVEN_BLOCK + 12 * sipveil_context_limits(worker->context)->message);
        if (worker->given == NULL) return sv_no_memory(err, SV_TUNNEL);
    }
    if (worker->given != NULL && !sv_arena_holds(worker->given, message->data)) {
        sv_arena_reset(worker->given);
        if (in_results) copied = sv_arena_copy(worker->given, *message, message);
    }
    begin(worker);
    return copied ? SIPVEIL_OK : sv_no_memory(err, SV_TUNNEL);
}

void sipveil_seal_options_default(sipveil_seal_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
}

void sipveil_open_options_default(sipveil_open_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
}

bool sipveil_tunnel_read_date(const char *text, int64_t *seconds)
{
    *seconds = 0;
    return text != NULL && sv_sip_read_date(sv_span_str(text), seconds, NULL) == SIPVEIL_OK;
}
