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

/* Where it is gone but not for good, too. */
static sv_entry *find_entry(const sv_entries *all, sipveil_span scope, sipveil_span name)
{
    return find_in(&all->by_name, scope, name);
}

static sv_entry_scope *find_scope(const sv_entries *all, sipveil_span scope)
{
    return find_in(&all->scopes, scope, sv_span(NULL, 0));
}

sv_entry *sv_entries_find(const sv_entries *all, sipveil_span scope, sipveil_span name)
{
    sv_entry *entry = find_entry(all, scope, name);
    return entry != NULL && !entry->gone ? entry : NULL;
}

sv_entry_scope *sv_entries_find_scope(const sv_entries *all, sipveil_span scope)
{
    sv_entry_scope *in = find_scope(all, scope);
    return in != NULL && in->count > 0 ? in : NULL;
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
    return scope;
}

static void drop_scope_if_empty(sv_entries *all, sv_entry_scope *scope)
{
    if (scope->count + scope->gone > 0) return;
    (void)tdelete(scope, &all->scopes, compare_keys);
    if (scope->next != NULL) scope->next->previous = scope->previous;
    if (scope->previous != NULL) scope->previous->next = scope->next;
    if (all->first_scope == scope) all->first_scope = scope->next;
    OPENSSL_cleanse(scope->octets, scope->key.scope.len);
    free(scope);
}

static void come_last(sv_entry_scope *scope, sv_entry *entry)
{
    entry->in = scope;
    entry->older = scope->newest;
    entry->newer = NULL;
}

/* Between those that it stood between, which it still knows. */
static void join_scope(sv_entries *all, sv_entry *entry)
{
    sv_entry_scope *scope = entry->in;
    if (entry->newer != NULL) entry->newer->older = entry;
    else scope->newest = entry;
    if (entry->older != NULL) entry->older->newer = entry;
    else scope->oldest = entry;
    if (scope->count++ == 0) all->octets += scope->key.scope.len;
}

static void leave_scope(sv_entries *all, sv_entry *entry)
{
    sv_entry_scope *scope = entry->in;
    if (entry->older != NULL) entry->older->newer = entry->newer;
    else scope->oldest = entry->newer;
    if (entry->newer != NULL) entry->newer->older = entry->older;
    else scope->newest = entry->older;
    if (--scope->count == 0) all->octets -= scope->key.scope.len;
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

/* ---- what comes and goes */

static void note(sv_entries *all, sv_entry *entry, sv_entry_change *change)
{
    if (all->open == 0) return;
    *change = (sv_entry_change){entry, all->journal};
    all->journal = change;
}

/* There is a place in the heap for it. */
static void join(sv_entries *all, sv_entry *entry)
{
    join_scope(all, entry);
    entry->place = all->count++;
    rise(all, entry);
    all->octets += entry->size;
}

static void leave(sv_entries *all, sv_entry *entry)
{
    leave_heap(all, entry);
    leave_scope(all, entry);
    all->octets -= entry->size;
}

/* What the tree has at that name is this one from now on. */
static void take_node(sv_entries *all, const sv_entry *of, sv_entry *entry)
{
    sv_entry **node = tfind(of, &all->by_name, compare_keys); /* what a node of the tree begins with */
    *node = entry;
}

sv_entry *sv_entries_insert(sv_entries *all, sipveil_span scope, sipveil_span name, sipveil_span value, int64_t expires)
{
    if (!reserve_place(all)) return NULL;
    sv_entry *entry = new_entry(all, name, value, expires);
    if (entry == NULL) return NULL;
    sv_entry_scope *in = find_scope(all, scope);
    if (in == NULL) in = add_scope(all, scope);
    if (in == NULL) {
        free_entry(all, entry);
        return NULL;
    }
    entry->key.scope = in->key.scope;
    entry->before = find_entry(all, scope, name);
    entry->before_went = entry->before != NULL;
    if (entry->before_went) {
        take_node(all, entry->before, entry);
    } else if (tsearch(entry, &all->by_name, compare_keys) == NULL) {
        free_entry(all, entry);
        drop_scope_if_empty(all, in);
        return NULL;
    }
    come_last(in, entry);
    join(all, entry);
    note(all, entry, &entry->came);
    return entry;
}

sv_entry *sv_entries_replace(sv_entries *all, sv_entry *before, sipveil_span value, int64_t expires)
{
    sv_entry *entry = new_entry(all, before->key.name, value, expires);
    if (entry == NULL) return NULL;
    entry->key.scope = before->key.scope;
    take_node(all, before, entry);
    leave(all, before);
    come_last(before->in, entry);
    join(all, entry);
    note(all, entry, &entry->came);
    if (all->open > 0) entry->before = before;
    else free_entry(all, before);
    return entry;
}

static void forget(sv_entries *all, sv_entry *entry)
{
    sv_entry_scope *scope = entry->in;
    (void)tdelete(entry, &all->by_name, compare_keys);
    free_entry(all, entry);
    drop_scope_if_empty(all, scope);
}

void sv_entries_remove(sv_entries *all, sv_entry *entry)
{
    leave(all, entry);
    if (all->open == 0) {
        forget(all, entry);
        return;
    }
    entry->gone = true;
    entry->in->gone++;
    note(all, entry, &entry->went);
}

/* ---- the journal */

static void bring_back(sv_entries *all, sv_entry *entry)
{
    entry->gone = false;
    entry->in->gone--;
    join(all, entry);
}

static void take_away(sv_entries *all, sv_entry *entry)
{
    sv_entry *before = entry->before;
    leave(all, entry);
    if (before == NULL) {
        forget(all, entry);
        return;
    }
    take_node(all, entry, before);
    if (!entry->before_went) join(all, before);
    free_entry(all, entry);
}

/* An entry comes before it goes, and another one in its place after either: the oldest first, none is looked at that was
 * freed. */
static void release(sv_entries *all, sv_entry_change *change)
{
    sv_entry *entry = change->entry;
    if (change == &entry->came) {
        if (entry->before != NULL && !entry->before_went) free_entry(all, entry->before);
        entry->before = NULL;
        return;
    }
    entry->in->gone--;
    if (find_entry(all, entry->key.scope, entry->key.name) == entry) {
        forget(all, entry);
    } else { /* another one has its place, and so the scope */
        free_entry(all, entry);
    }
}

const sv_entry_change *sv_entries_begin(sv_entries *all)
{
    all->open++;
    return all->journal;
}

void sv_entries_end(sv_entries *all, const sv_entry_change *mark, bool for_good)
{
    while (!for_good && all->journal != mark) {
        sv_entry_change *last = all->journal;
        all->journal = last->sooner;
        if (last == &last->entry->went) bring_back(all, last->entry);
        else take_away(all, last->entry);
    }
    if (--all->open > 0) return;
    sv_entry_change *oldest = NULL, *next;
    for (sv_entry_change *change = all->journal; change != NULL; change = next) {
        next = change->sooner;
        change->sooner = oldest;
        oldest = change;
    }
    for (all->journal = NULL; oldest != NULL; oldest = next) {
        next = oldest->sooner;
        release(all, oldest);
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
    while (all->open > 0) sv_entries_end(all, NULL, true);
    while (all->count > 0) sv_entries_remove(all, all->by_expiry[all->count - 1]);
    free(all->by_expiry);
    sv_vault_end(&all->vault);
    *all = (sv_entries){.secret = all->secret};
}
