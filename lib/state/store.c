/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of the store: the first wins, what has expired is absent, and nothing grows past its caps. */
#include "state/store.h"

#include <stdlib.h>

#include "state/store_kinds.h"

sipveil_code sv_store_new(sv_store **out, sipveil_error *err)
{
    *out = NULL;
    sv_store *store = calloc(1, sizeof *store);
    if (store == NULL) return sv_no_memory(err, "state");
    store->kinds[SV_STORE_SEEN].caps = (sv_store_caps){.entries = 65536, .fail_when_full = true};
    store->kinds[SV_STORE_CEK].caps = (sv_store_caps){.entries = 1024, .entries_per_scope = 16};
    store->kinds[SV_STORE_BINDING].caps = (sv_store_caps){.entries = 1024, .fail_when_full = true};
    store->kinds[SV_STORE_POLICY].caps = (sv_store_caps){.entries = 64, .entries_per_scope = 64};
    store->kinds[SV_STORE_TRANSACTION].caps = (sv_store_caps){.entries = 1024, .entries_per_scope = 512};
    /* A counter that is forgotten could be used again. */
    store->kinds[SV_STORE_NONCE].caps = (sv_store_caps){.entries = 65536, .entries_per_scope = 256, .fail_when_full = true};
    store->kinds[SV_STORE_OFFER].caps = (sv_store_caps){.entries = 16384, .fail_when_full = true};
    store->kinds[SV_STORE_HIDDEN].caps = (sv_store_caps){.entries = 65536, .entries_per_scope = 256};
    store->kinds[SV_STORE_OWN_KEY].caps = (sv_store_caps){.entries = 64, .fail_when_full = true};
    store->kinds[SV_STORE_CEK].entries.secret = true;
    store->kinds[SV_STORE_OWN_KEY].entries.secret = true;
    *out = store;
    return SIPVEIL_OK;
}

void sv_store_free(sv_store *store)
{
    if (store == NULL) return;
    for (size_t i = 0; i < SV_STORE_KINDS; i++) sv_entries_clear(&store->kinds[i].entries);
    sv_image_digest_clear(&store->digest);
    free(store);
}

void sv_store_set_caps(sv_store *store, sv_store_kind kind, sv_store_caps caps)
{
    store->kinds[kind].caps = caps;
}

/* What an entry would be added to, as if the one that it stands for were gone. */
typedef struct room {
    size_t entries, octets, in_scope;
    bool has_scope;
} room;

static room room_of(const sv_entries *all, sipveil_span scope, const sv_entry *instead)
{
    const sv_entry_scope *in = sv_entries_find_scope(all, scope);
    room r = {all->count, all->octets, in == NULL ? 0 : in->count, in != NULL};
    if (instead == NULL) return r;
    r.entries--;
    r.octets -= instead->size;
    if (instead->in == in) r.in_scope--;
    return r;
}

static bool is_full(const room *r, sv_store_caps caps, size_t size)
{
    return (caps.entries_per_scope > 0 && r->in_scope >= caps.entries_per_scope) || r->entries >= caps.entries ||
           size > SV_STORE_OCTETS_MOST - r->octets;
}

static sipveil_code full(const sv_entries *all, sipveil_error *err)
{
    return sv_fail_rule(err, "state", SIPVEIL_LIMIT, "ADV-145", SIPVEIL_NO_OFFSET,
                        "the memory is full: %zu entries, %zu octets", all->count, all->octets);
}

/* Only what the same scope owns gives way: nobody pushes another's entries out (ADV-176). It goes when the new one is
 * there: where there is no memory for that one, nothing has changed (ADV-215). */
static bool make_room(sv_entries *all, sv_store_caps caps, const sv_entry *added)
{
    for (;;) {
        room r = room_of(all, added->key.scope, added);
        if (!is_full(&r, caps, added->size)) return true;
        if (added->in->oldest == added) return false;
        sv_entries_remove(all, added->in->oldest);
    }
}

typedef struct new_entry {
    sipveil_span scope, name, value;
    int64_t now, expires;
} new_entry;

/* instead: it goes when the new one is there; NULL: none does. */
static sipveil_code add(sv_entries *all, sv_store_caps caps, sv_entry *instead, const new_entry *n, sipveil_error *err)
{
    size_t size = n->scope.len + n->name.len + n->value.len; /* was looked at */
    room r = room_of(all, n->scope, instead);
    if (is_full(&r, caps, size) && (caps.fail_when_full || !r.has_scope)) return full(all, err);
    sv_entry *same = sv_entries_find(all, n->scope, n->name);
    const sv_entry_change *mark = sv_entries_begin(all);
    const sv_entry *added = same != NULL ? sv_entries_replace(all, same, n->value, n->expires)
                                         : sv_entries_insert(all, n->scope, n->name, n->value, n->expires);
    if (added != NULL && same == NULL && instead != NULL) sv_entries_remove(all, instead);
    bool fits = added != NULL && make_room(all, caps, added);
    sv_entries_end(all, mark, fits);
    return fits ? SIPVEIL_OK : added != NULL ? full(all, err) : sv_no_memory(err, "state");
}

/* What is to be looked at before anything is done. */
static sipveil_code begin(sv_entries *all, const new_entry *n, sipveil_error *err)
{
    size_t size;
    if (__builtin_add_overflow(n->scope.len, n->name.len, &size) ||
        __builtin_add_overflow(size, n->value.len, &size) || size > SV_STORE_ENTRY_MOST) {
        return sv_fail(err, "state", SIPVEIL_LIMIT, "an entry over %d octets", SV_STORE_ENTRY_MOST);
    }
    sv_entries_drop_expired(all, n->now);
    return SIPVEIL_OK;
}

static sipveil_code seen_before(sv_store_kind kind, sipveil_error *err)
{
    return sv_fail_rule(err, "state", SIPVEIL_REPLAY, kind == SV_STORE_SEEN ? "ADV-145" : "ADV-171", SIPVEIL_NO_OFFSET,
                        "seen before");
}

sipveil_code sv_store_add(sv_store *store, sv_store_kind kind, sipveil_span scope, sipveil_span name,
                          sipveil_span value, int64_t now, int64_t expires, sipveil_error *err)
{
    sv_entries *all = &store->kinds[kind].entries;
    const new_entry n = {scope, name, value, now, expires};
    SV_TRY(begin(all, &n, err));
    if (sv_entries_find(all, scope, name) != NULL) return seen_before(kind, err);
    if (expires < now) return SIPVEIL_OK; /* would be dropped at once */
    return add(all, store->kinds[kind].caps, NULL, &n, err);
}

sipveil_code sv_store_replace(sv_store *store, sv_store_kind kind, sipveil_span scope, sipveil_span name,
                              sipveil_span value, int64_t now, int64_t expires, sipveil_error *err)
{
    sv_entries *all = &store->kinds[kind].entries;
    const new_entry n = {scope, name, value, now, expires};
    SV_TRY(begin(all, &n, err));
    sv_entry *before = sv_entries_find(all, scope, name);
    if (expires >= now) return add(all, store->kinds[kind].caps, before, &n, err);
    if (before != NULL) sv_entries_remove(all, before);
    return SIPVEIL_OK;
}

sipveil_code sv_store_exchange(sv_store *store, sv_store_kind kind, const sv_store_entry *out, const sv_store_entry *in,
                               int64_t now, sipveil_error *err)
{
    sv_entries *all = &store->kinds[kind].entries;
    const new_entry n = {in->scope, in->name, in->value, now, in->expires};
    SV_TRY(begin(all, &n, err));
    if (sv_entries_find(all, n.scope, n.name) != NULL) return seen_before(kind, err);
    return add(all, store->kinds[kind].caps, sv_entries_find(all, out->scope, out->name), &n, err);
}

sv_store_mark sv_store_begin(sv_store *store)
{
    sv_store_mark mark = {{NULL}};
    _Static_assert(sizeof mark.at / sizeof *mark.at == SV_STORE_KINDS, "one for each kind");
    for (size_t i = 0; store != NULL && i < SV_STORE_KINDS; i++) mark.at[i] = sv_entries_begin(&store->kinds[i].entries);
    return mark;
}

void sv_store_end(sv_store *store, const sv_store_mark *mark, bool for_good)
{
    for (size_t i = 0; store != NULL && i < SV_STORE_KINDS; i++) sv_entries_end(&store->kinds[i].entries, mark->at[i], for_good);
}

bool sv_store_find(const sv_store *store, sv_store_kind kind, sipveil_span scope, sipveil_span name,
                   int64_t now, sipveil_span *value)
{
    const sv_entry *entry = sv_entries_find(&store->kinds[kind].entries, scope, name);
    bool found = entry != NULL && entry->expires >= now;
    *value = found ? entry->value : sv_span(NULL, 0);
    return found;
}

bool sv_store_remove(sv_store *store, sv_store_kind kind, sipveil_span scope, sipveil_span name)
{
    sv_entries *all = &store->kinds[kind].entries;
    sv_entry *entry = sv_entries_find(all, scope, name);
    if (entry == NULL) return false;
    sv_entries_remove(all, entry);
    return true;
}

void sv_store_remove_scope(sv_store *store, sv_store_kind kind, sipveil_span scope)
{
    sv_entries *all = &store->kinds[kind].entries;
    const sv_entry_scope *in = sv_entries_find_scope(all, scope);
    for (size_t left = in == NULL ? 0 : in->count; left > 0; left--) sv_entries_remove(all, in->oldest);
}

static sv_store_entry shown(const sv_entry *e)
{
    return (sv_store_entry){e->key.scope, e->key.name, e->value, e->expires};
}

void sv_store_visit(const sv_store *store, sv_store_kind kind, bool (*visit)(void *state, const sv_store_entry *entry),
                    void *state)
{
    const sv_entries *all = &store->kinds[kind].entries;
    for (size_t i = 0; i < all->count; i++) {
        sv_store_entry entry = shown(all->by_expiry[i]);
        if (!visit(state, &entry)) return;
    }
}

void sv_store_protect_secrets(const sv_store *store, sipveil_protection *out)
{
    *out = (sipveil_protection){0};
    for (size_t i = 0; i < SV_STORE_KINDS; i++) sv_vault_protect(&store->kinds[i].entries.vault, out);
}

size_t sv_store_count(const sv_store *store, sv_store_kind kind)
{
    return store->kinds[kind].entries.count;
}

void sv_store_visit_scope(const sv_store *store, sv_store_kind kind, sipveil_span scope,
                          bool (*visit)(void *state, const sv_store_entry *entry), void *state)
{
    const sv_entry_scope *in = sv_entries_find_scope(&store->kinds[kind].entries, scope);
    for (const sv_entry *e = in != NULL ? in->oldest : NULL; e != NULL; e = e->newer) {
        sv_store_entry entry = shown(e);
        if (!visit(state, &entry)) return;
    }
}

size_t sv_store_count_scope(const sv_store *store, sv_store_kind kind, sipveil_span scope)
{
    const sv_entry_scope *in = sv_entries_find_scope(&store->kinds[kind].entries, scope);
    return in != NULL ? in->count : 0;
}
