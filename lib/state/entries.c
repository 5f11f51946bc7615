/* SPDX-License-Identifier: BSD-2-Clause */
#include "state/entries.h"

#include <openssl/crypto.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* Lengths first: any order serves, as long as it is one. */
static int compare_spans(sipveil_span a, sipveil_span b)
{
    if (a.len != b.len) return a.len < b.len ? -1 : 1;
    return a.len == 0 ? 0 : memcmp(a.data, b.data, a.len);
}

static int compare_keys(const void *a, const void *b)
{
    const sv_entry_key *x = a, *y = b;
    int order = compare_spans(x->name, y->name);
    return order != 0 ? order : compare_spans(x->scope, y->scope);
}

/* A tree node is a pointer to what was inserted. */
static void *find_in(void *const *tree, sipveil_span scope, sipveil_span name)
{
    sv_entry_key key = {scope, name};
    void *node = tfind(&key, tree, compare_keys);
    return node == NULL ? NULL : *(void **)node;
}

sv_entry *sv_entries_find(const sv_entries *all, sipveil_span scope, sipveil_span name)
{
    return find_in(&all->by_name, scope, name);
}

sv_entry_scope *sv_entries_find_scope(const sv_entries *all, sipveil_span scope)
{
    return find_in(&all->scopes, scope, sv_span(NULL, 0));
}

/* ---- heap */

static void put_at(sv_entries *all, size_t place, sv_entry *entry)
{
    all->by_expiry[place] = entry;
    entry->place = place;
}

static void rise(sv_entries *all, sv_entry *entry)
{
    size_t place = entry->place;
    while (place > 0 && all->by_expiry[(place - 1) / 2]->expires > entry->expires) {
        put_at(all, place, all->by_expiry[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(all, place, entry);
}

static void sink(sv_entries *all, sv_entry *entry)
{
    size_t place = entry->place, child;
    while ((child = 2 * place + 1) < all->count) {
        sv_entry **heap = all->by_expiry;
        if (child + 1 < all->count && heap[child + 1]->expires < heap[child]->expires) child++;
        if (heap[child]->expires >= entry->expires) break;
        put_at(all, place, heap[child]);
        place = child;
    }
    put_at(all, place, entry);
}

static bool reserve_place(sv_entries *all)
{
    if (all->count < all->room) return true;
    size_t room = all->room == 0 ? 64 : all->room * 2;
    sv_entry **heap = reallocarray(all->by_expiry, room, sizeof *heap);
    if (heap == NULL) return false;
    all->by_expiry = heap;
    all->room = room;
    return true;
}

static void leave_heap(sv_entries *all, sv_entry *entry)
{
    sv_entry *last = all->by_expiry[--all->count];
    if (last == entry) return;
    last->place = entry->place;
    rise(all, last);
    sink(all, last);
}

/* ---- scopes */

static sv_entry_scope *add_scope(sv_entries *all, sipveil_span name)
{
    sv_entry_scope *scope = calloc(1, sizeof *scope + name.len);
    if (scope == NULL) return NULL;
    if (name.len > 0) memcpy(scope->octets, name.data, name.len);
    scope->key.scope = sv_span(scope->octets, name.len);
    if (tsearch(scope, &all->scopes, compare_keys) == NULL) {
        free(scope);
        return NULL;
    }
    scope->next = all->first_scope;
    if (scope->next != NULL) scope->next->previous = scope;
    all->first_scope = scope;
    all->octets += name.len;
    return scope;
}

static void drop_scope_if_empty(sv_entries *all, sv_entry_scope *scope)
{
    if (scope->count > 0) return;
    (void)tdelete(scope, &all->scopes, compare_keys);
    if (scope->next != NULL) scope->next->previous = scope->previous;
    if (scope->previous != NULL) scope->previous->next = scope->next;
    if (all->first_scope == scope) all->first_scope = scope->next;
    all->octets -= scope->key.scope.len;
    OPENSSL_cleanse(scope->octets, scope->key.scope.len);
    free(scope);
}

static void join_scope(sv_entry_scope *scope, sv_entry *entry)
{
    entry->in = scope;
    entry->older = scope->newest;
    entry->newer = NULL;
    if (scope->newest != NULL) scope->newest->newer = entry;
    else scope->oldest = entry;
    scope->newest = entry;
    scope->count++;
}

static void leave_scope(sv_entry *entry)
{
    sv_entry_scope *scope = entry->in;
    if (entry->older != NULL) entry->older->newer = entry->newer;
    else scope->oldest = entry->newer;
    if (entry->newer != NULL) entry->newer->older = entry->older;
    else scope->newest = entry->older;
    scope->count--;
}

/* ---- entries */

static void free_entry(sv_entries *all, sv_entry *entry)
{
    if (all->secret) {
        sv_vault_give_back(&all->vault, entry, sizeof *entry + entry->size);
        return;
    }
    OPENSSL_cleanse(entry->octets, entry->size);
    free(entry);
}

static sv_entry *new_entry(sv_entries *all, sipveil_span name, sipveil_span value, int64_t expires)
{
    size_t room = sizeof(sv_entry) + name.len + value.len;
    sv_entry *entry = all->secret ? sv_vault_alloc(&all->vault, room) : calloc(1, room);
    if (entry == NULL) return NULL;
    entry->size = name.len + value.len;
    entry->expires = expires;
    if (name.len > 0) memcpy(entry->octets, name.data, name.len);
    if (value.len > 0) memcpy(entry->octets + name.len, value.data, value.len);
    entry->key.name = sv_span(entry->octets, name.len);
    entry->value = sv_span(entry->octets + name.len, value.len);
    return entry;
}

/* ---- the journal */

static void note(sv_entries *all, sv_entry *entry)
{
    if (all->open == 0) return;
    entry->turn = ++all->turn;
    entry->sooner = all->journal;
    if (entry->sooner != NULL) entry->sooner->later = entry;
    all->journal = entry;
}

static void leave_journal(sv_entries *all, sv_entry *entry)
{
    if (entry->turn == 0) return;
    if (entry->later != NULL) entry->later->sooner = entry->sooner;
    else all->journal = entry->sooner;
    if (entry->sooner != NULL) entry->sooner->later = entry->later;
    entry->sooner = entry->later = NULL;
    entry->turn = 0;
}

/* The entry is nowhere but in the journal, and neither is what it stands for. */
static void discard(sv_entries *all, sv_entry *entry)
{
    while (entry != NULL) {
        sv_entry *before = entry->before;
        leave_journal(all, entry);
        free_entry(all, entry);
        entry = before;
    }
}

/* There is a place in the heap for it. */
static void join(sv_entries *all, sv_entry_scope *in, sv_entry *entry)
{
    join_scope(in, entry);
    entry->place = all->count++;
    rise(all, entry);
    all->octets += entry->size;
}

static void leave(sv_entries *all, sv_entry *entry)
{
    leave_heap(all, entry);
    leave_scope(entry);
    all->octets -= entry->size;
}

sv_entry *sv_entries_insert(sv_entries *all, sipveil_span scope, sipveil_span name, sipveil_span value, int64_t expires)
{
    if (!reserve_place(all)) return NULL;
    sv_entry *entry = new_entry(all, name, value, expires);
    if (entry == NULL) return NULL;
    sv_entry_scope *in = sv_entries_find_scope(all, scope);
    if (in == NULL) in = add_scope(all, scope);
    if (in == NULL) {
        free_entry(all, entry);
        return NULL;
    }
    entry->key.scope = in->key.scope;
    if (tsearch(entry, &all->by_name, compare_keys) == NULL) {
        free_entry(all, entry);
        drop_scope_if_empty(all, in);
        return NULL;
    }
    join(all, in, entry);
    note(all, entry);
    return entry;
}

/* In the tree, too. */
static void exchange(sv_entries *all, sv_entry *out, sv_entry *in)
{
    sv_entry **node = tfind(out, &all->by_name, compare_keys); /* what a node of the tree begins with */
    *node = in;
    leave(all, out);
    join(all, out->in, in);
}

sv_entry *sv_entries_replace(sv_entries *all, sv_entry *before, sipveil_span value, int64_t expires)
{
    sv_entry *entry = new_entry(all, before->key.name, value, expires);
    if (entry == NULL) return NULL;
    entry->key.scope = before->key.scope;
    exchange(all, before, entry);
    if (all->open > 0) entry->before = before;
    else discard(all, before);
    note(all, entry);
    return entry;
}

void sv_entries_remove(sv_entries *all, sv_entry *entry)
{
    sv_entry_scope *scope = entry->in;
    (void)tdelete(entry, &all->by_name, compare_keys);
    leave(all, entry);
    discard(all, entry);
    drop_scope_if_empty(all, scope);
}

static void take_back(sv_entries *all, sv_entry *entry)
{
    sv_entry *before = entry->before;
    if (before == NULL) {
        sv_entries_remove(all, entry);
        return;
    }
    exchange(all, entry, before);
    entry->before = NULL;
    discard(all, entry);
}

uint64_t sv_entries_begin(sv_entries *all)
{
    all->open++;
    return all->turn;
}

void sv_entries_end(sv_entries *all, uint64_t mark, bool for_good)
{
    all->open--;
    while (!for_good && all->journal != NULL && all->journal->turn > mark) take_back(all, all->journal);
    while (all->open == 0 && all->journal != NULL) {
        sv_entry *entry = all->journal, *before = entry->before;
        entry->before = NULL;
        leave_journal(all, entry);
        discard(all, before);
    }
}

void sv_entries_drop_expired(sv_entries *all, int64_t now)
{
    while (all->count > 0 && all->by_expiry[0]->expires < now) {
        sv_entries_remove(all, all->by_expiry[0]);
    }
}

void sv_entries_clear(sv_entries *all)
{
    while (all->count > 0) sv_entries_remove(all, all->by_expiry[all->count - 1]);
    free(all->by_expiry);
    sv_vault_end(&all->vault);
    *all = (sv_entries){.secret = all->secret};
}
