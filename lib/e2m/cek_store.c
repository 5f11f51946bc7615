/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys that open later messages of a dialog: held, found, counted, forgotten. */
#include "e2m/cek.h"
#include "sip/values.h"

/* The record of an entry as a copy of its own. */
static bool read_entry(sv_arena *arena, sipveil_span scope, sipveil_span name, sipveil_span value, sv_cek_record *out)
{
    sipveil_span copy;
    bool copied = sv_arena_copy(arena, value, &copy);
    if (copied && !sv_cek_take_record(copy, out)) return false;
    if (copied && sv_arena_copy(arena, scope, &out->scope) && sv_arena_copy(arena, name, &out->reference)) return true;
    *out = (sv_cek_record){.no_memory = true};
    return false;
}

/* ---- room ---- */

typedef struct held {
    size_t count;
    uint64_t order;           /* of the oldest */
    sipveil_span scope, name; /* likewise */
} held;

typedef struct peer_keys {
    const sv_cek_record *record;
    uint64_t last_order; /* of all */
    held all, here;      /* of this signer; of these in this dialog */
} peer_keys;

static void note_held(held *h, const sv_store_entry *entry, uint64_t order)
{
    if (h->count++ > 0 && order >= h->order) return;
    *h = (held){h->count, order, entry->scope, entry->name};
}

static bool look_at(void *state, const sv_store_entry *entry)
{
    peer_keys *peer = state;
    sv_cek_front front;
    if (!sv_cek_take_front(entry->value, &front)) return true;
    if (front.order > peer->last_order) peer->last_order = front.order;
    if (!sv_equal(front.signer, sv_span(peer->record->signer, SV_CEK_DIGEST))) return true;
    note_held(&peer->all, entry, front.order);
    if (sv_equal(entry->scope, peer->record->scope)) note_held(&peer->here, entry, front.order);
    return true;
}

static sipveil_code write_record(sv_arena *arena, const sv_cek_record *record, sv_store_entry *out, sipveil_error *err)
{
    sv_buffer b;
    sv_buffer_init(&b, arena, 512 + record->readers.len, 1 << 14);
    sv_cek_put_record(&b, record);
    SV_TRY(sv_buffer_check(&b, SV_E2M, err));
    *out = (sv_store_entry){record->scope, record->reference, sv_buffer_span(&b), record->expires};
    return SIPVEIL_OK;
}

/* oldest: it goes when the new one is there; NULL: there is room. */
static sipveil_code add_record(sv_store *store, sv_arena *arena, const sv_cek_record *record, const held *oldest, int64_t now,
                               sipveil_error *err)
{
    sv_store_entry in, out = {0};
    SV_TRY(write_record(arena, record, &in, err));
    if (oldest == NULL) return sv_store_add(store, SV_STORE_CEK, in.scope, in.name, in.value, now, in.expires, err);
    /* What is removed must not be what tells its name. */
    if (!sv_arena_copy(arena, oldest->scope, &out.scope) || !sv_arena_copy(arena, oldest->name, &out.name)) {
        return sv_no_memory(err, SV_E2M);
    }
    return sv_store_exchange(store, SV_STORE_CEK, &out, &in, now, err);
}

sipveil_code sv_cek_keep(sv_store *store, sv_arena *arena, const sv_cek_record *record, int64_t now, sipveil_error *err)
{
    sv_cek_record own = *record;
    peer_keys peer = {.record = record};
    sipveil_span there;
    if (record->scope.len == 0) {
        return sv_fail_rule(err, SV_E2M, SIPVEIL_MALFORMED, "CEK-12", SIPVEIL_NO_OFFSET,
                            "no tag says which dialog it belongs to");
    }
    if (sv_store_find(store, SV_STORE_CEK, record->scope, record->reference, now, &there)) {
        return sv_fail_rule(err, SV_E2M, SIPVEIL_REPLAY, "ADV-171", SIPVEIL_NO_OFFSET,
                            "a key under this reference is held already");
    }
    sv_store_visit(store, SV_STORE_CEK, look_at, &peer);
    const held *oldest = peer.here.count >= SV_CEK_PER_DIALOG ? &peer.here : peer.all.count >= SV_CEK_PER_PEER ? &peer.all : NULL;
    own.order = peer.last_order + 1;
    own.rolling = own.uses == 1;
    own.since = now;
    own.expires = now + SV_CEK_LIFE;
    if (own.uses > SV_CEK_USES_MOST) own.uses = SV_CEK_USES_MOST;
    return add_record(store, arena, &own, oldest, now, err);
}

/* ---- use ---- */

bool sv_cek_find(const sv_store *store, const sv_cek_scopes *scopes, sipveil_span reference, int64_t now,
                 sv_arena *arena, sv_cek_record *out)
{
    sipveil_span value;
    *out = (sv_cek_record){0};
    for (size_t i = 0; i < scopes->count; i++) {
        if (sv_store_find(store, SV_STORE_CEK, scopes->items[i], reference, now, &value) &&
            read_entry(arena, scopes->items[i], reference, value, out)) {
            return true;
        }
        if (out->no_memory) return false;
    }
    *out = (sv_cek_record){0};
    return false;
}

typedef struct newest {
    int64_t now;
    uint64_t order;
    sipveil_span name;
} newest;

static bool look_for_newest(void *state, const sv_store_entry *entry)
{
    newest *n = state;
    sv_cek_front front;
    if (entry->expires < n->now || !sv_cek_take_front(entry->value, &front) || front.order <= n->order) return true;
    n->order = front.order;
    n->name = entry->name;
    return true;
}

bool sv_cek_find_last(const sv_store *store, const sv_cek_scopes *scopes, int64_t now, sv_arena *arena,
                      sv_cek_record *out)
{
    newest n = {.now = now};
    for (size_t i = 0; i < scopes->count; i++) {
        sv_store_visit_scope(store, SV_STORE_CEK, scopes->items[i], look_for_newest, &n);
    }
    *out = (sv_cek_record){0};
    return n.name.len > 0 && sv_cek_find(store, scopes, n.name, now, arena, out);
}

sipveil_code sv_cek_count_use(sv_store *store, sv_arena *arena, const sv_cek_record *record, int64_t now,
                              sipveil_error *err)
{
    sv_cek_record less = *record;
    sv_store_entry e;
    if (--less.uses == 0) {
        (void)sv_store_remove(store, SV_STORE_CEK, record->scope, record->reference);
        return SIPVEIL_OK;
    }
    SV_TRY(write_record(arena, &less, &e, err));
    return sv_store_replace(store, SV_STORE_CEK, e.scope, e.name, e.value, now, e.expires, err);
}

/* ---- the end ---- */

void sv_cek_forget(sv_store *store, const sv_cek_scopes *scopes)
{
    for (size_t i = 0; i < scopes->count; i++) sv_store_remove_scope(store, SV_STORE_CEK, scopes->items[i]);
}

typedef struct failed_request {
    sipveil_span method, name;
    uint32_t cseq;
} failed_request;

static bool look_for_failed(void *state, const sv_store_entry *entry)
{
    failed_request *f = state;
    sv_cek_record record;
    if (!sv_cek_take_record(entry->value, &record) || record.method.len == 0 || record.cseq != f->cseq ||
        !sv_equal(record.method, f->method)) {
        return true;
    }
    f->name = entry->name;
    return false;
}

/* The response has the From tag of its request, so that the key's scope is the first one. */
static sipveil_code forget_failed(sv_store *store, sv_arena *arena, const sv_sip_view *view,
                                  const sv_cek_scopes *scopes, sipveil_error *err)
{
    failed_request f = {.cseq = 0};
    sipveil_span name, scope = scopes->items[0];
    if (sv_sip_read_cseq(sv_sip_value(view, SV_F_CSEQ), &f.cseq, &f.method, NULL) != SIPVEIL_OK) return SIPVEIL_OK;
    sv_store_visit_scope(store, SV_STORE_CEK, scope, look_for_failed, &f);
    if (f.name.len == 0) return SIPVEIL_OK;
    if (!sv_arena_copy(arena, f.name, &name)) return sv_no_memory(err, SV_E2M);
    (void)sv_store_remove(store, SV_STORE_CEK, scope, name);
    return SIPVEIL_OK;
}

sipveil_code sv_cek_forget_ended(sv_store *store, sv_arena *arena, const sv_sip_view *view, bool *ended,
                                 sipveil_error *err)
{
    sv_cek_scopes scopes;
    size_t before = sv_store_count(store, SV_STORE_CEK);
    *ended = false;
    if (before == 0 || view->is_request || view->status < 200) return SIPVEIL_OK;
    sipveil_code code = sv_cek_scopes_of(arena, view, &scopes, NULL);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(err, SV_E2M);
    if (code != SIPVEIL_OK || scopes.count == 0) return SIPVEIL_OK;
    bool succeeded = view->status < 300, gone = view->status == 481 || view->status == 408;
    /* The 481 of a CANCEL or a PRACK is about a transaction. */
    bool of_dialog = !sv_equal_str(view->method, "CANCEL") && !sv_equal_str(view->method, "PRACK");
    if (succeeded ? sv_equal_str(view->method, "BYE") : gone && of_dialog) sv_cek_forget(store, &scopes);
    else if (!succeeded) SV_TRY(forget_failed(store, arena, view, &scopes, err));
    *ended = sv_store_count(store, SV_STORE_CEK) < before;
    return SIPVEIL_OK;
}
