/* SPDX-License-Identifier: BSD-2-Clause */
/* Bindings listed, and ended, by what they have in common. */
#include "identity/binding.h"
#include "sip/values.h"
#include "tunnel/memory.h"

static bool same_address(sipveil_span of_binding, const char *wanted)
{
    sipveil_span address = wanted != NULL ? sv_span_str(wanted) : of_binding;
    return sv_equal(of_binding, address) || sv_sip_same_aor(of_binding, address);
}

static bool fits(const sv_binding *b, const sipveil_binding_filter *filter)
{
    if (filter == NULL) return true;
    return same_address(b->peer, filter->aor) && same_address(b->local, filter->local) &&
           (filter->call_id == NULL || sv_equal_str(b->dialog.call_id, filter->call_id)) &&
           (filter->sha256 == NULL ||
            sv_equal(sv_span(b->sha256, SV_BINDING_DIGEST), sv_span(filter->sha256, SV_BINDING_DIGEST)));
}

static sipveil_code take_all(sipveil_worker *worker, const sipveil_memory *memory, sv_binding **all, size_t *count,
                             sipveil_error *err)
{
    sv_error_clear(err);
    if (worker == NULL || memory == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "worker and memory are needed");
    sv_worker_begin(worker);
    return sv_binding_list(sv_memory_store(memory), worker->arena, all, count, err);
}

static bool copy(sv_arena *arena, const sv_binding *b, sipveil_binding *out)
{
    *out = (sipveil_binding){.call_id = sv_arena_string(arena, b->dialog.call_id),
                             .local_tag = sv_arena_string(arena, b->dialog.local_tag),
                             .remote_tag = sv_arena_string(arena, b->dialog.remote_tag),
                             .aor = sv_arena_string(arena, b->peer),
                             .local = sv_arena_string(arena, b->local),
                             .domain = sv_arena_string(arena, b->domain),
                             .state = b->state == SV_BINDING_PROVEN ? SIPVEIL_BINDING_PROVEN : SIPVEIL_BINDING_CLAIMED,
                             .is_next = b->place == SV_BINDING_NEXT,
                             .carrier = sv_carrier_name((sv_carrier)b->carrier),
                             .path = (sipveil_identity_profile)b->path,
                             .certificate = b->certificate,
                             .issued = b->issued,
                             .made = b->made,
                             .proven = b->proven,
                             .not_after = b->not_after,
                             .until = b->until};
    for (size_t i = 0; i < SV_BINDING_DIGEST; i++) {
        out->sha256[i] = b->sha256[i];
        out->key_sha256[i] = b->key_sha256[i];
        out->service_sha256[i] = b->service_sha256[i];
    }
    return out->call_id != NULL && out->local_tag != NULL && out->remote_tag != NULL && out->aor != NULL &&
           out->local != NULL && out->domain != NULL;
}

sipveil_code sipveil_identity_list_bindings(sipveil_worker *worker, const sipveil_memory *memory,
                                            const sipveil_binding_filter *filter, int64_t at,
                                            const sipveil_binding **bindings, size_t *count, sipveil_error *err)
{
    sv_binding *all;
    size_t there, found = 0;
    *bindings = NULL;
    *count = 0;
    SV_TRY(take_all(worker, memory, &all, &there, err));
    sipveil_binding *list = sv_arena_alloc_array(worker->arena, there, sizeof *list);
    if (list == NULL) return sv_no_memory(err, SV_IDENTITY);
    for (size_t i = 0; i < there; i++) {
        if (!sv_binding_lives(&all[i], at) || !fits(&all[i], filter)) continue;
        if (!copy(worker->arena, &all[i], &list[found++])) return sv_no_memory(err, SV_IDENTITY);
    }
    *bindings = list;
    *count = found;
    return SIPVEIL_OK;
}

sipveil_code sipveil_identity_forget_bindings(sipveil_worker *worker, sipveil_memory *memory,
                                              const sipveil_binding_filter *filter, size_t *count, sipveil_error *err)
{
    sv_binding *all;
    size_t there, gone = 0;
    if (count != NULL) *count = 0;
    SV_TRY(take_all(worker, memory, &all, &there, err));
    for (size_t i = 0; i < there; i++) {
        if (!fits(&all[i], filter)) continue;
        sv_binding_remove(sv_memory_store(memory), worker->arena, &all[i]);
        gone++;
    }
    if (count != NULL) *count = gone;
    return SIPVEIL_OK;
}
