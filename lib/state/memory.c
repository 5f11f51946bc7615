/* SPDX-License-Identifier: BSD-2-Clause */
#include "state/memory.h"

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
    const sv_table_key *x = a, *y = b;
    int order = compare_spans(x->name, y->name);
    return order != 0 ? order : compare_spans(x->scope, y->scope);
}

/* A tree node is a pointer to what was inserted. */
static void *find_in(void *const *tree, sipveil_span scope, sipveil_span name)
{
    sv_table_key key = {scope, name};
    void *node = tfind(&key, tree, compare_keys);
    return node == NULL ? NULL : *(void **)node;
}

sv_table_entry *sv_table_find(const sv_table *table, sipveil_span scope, sipveil_span name)
{
    return find_in(&table->entries, scope, name);
}

sv_table_scope *sv_table_find_scope(const sv_table *table, sipveil_span scope)
{
    return find_in(&table->scopes, scope, sv_span(NULL, 0));
}

/* ---- heap */

static void put_at(sv_table *table, size_t place, sv_table_entry *entry)
{
    table->by_expiry[place] = entry;
    entry->place = place;
}

static void rise(sv_table *table, sv_table_entry *entry)
{
    size_t place = entry->place;
    while (place > 0 && table->by_expiry[(place - 1) / 2]->expires > entry->expires) {
        put_at(table, place, table->by_expiry[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(table, place, entry);
}

static void sink(sv_table *table, sv_table_entry *entry)
{
    size_t place = entry->place, child;
    while ((child = 2 * place + 1) < table->count) {
        sv_table_entry **heap = table->by_expiry;
        if (child + 1 < table->count && heap[child + 1]->expires < heap[child]->expires) child++;
        if (heap[child]->expires >= entry->expires) break;
        put_at(table, place, heap[child]);
        place = child;
    }
    put_at(table, place, entry);
}

static bool reserve_place(sv_table *table)
{
    if (table->count < table->room) return true;
    size_t room = table->room == 0 ? 64 : table->room * 2;
    sv_table_entry **heap = reallocarray(table->by_expiry, room, sizeof *heap);
    if (heap == NULL) return false;
    table->by_expiry = heap;
    table->room = room;
    return true;
}

static void leave_heap(sv_table *table, sv_table_entry *entry)
{
    sv_table_entry *last = table->by_expiry[--table->count];
    if (last == entry) return;
    last->place = entry->place;
    rise(table, last);
    sink(table, last);
}

/* ---- scopes */

static sv_table_scope *add_scope(sv_table *table, sipveil_span name)
{
    sv_table_scope *scope = calloc(1, sizeof *scope + name.len);
    if (scope == NULL) return NULL;
    if (name.len > 0) memcpy(scope->octets, name.data, name.len);
    scope->key.scope = sv_span(scope->octets, name.len);
    if (tsearch(scope, &table->scopes, compare_keys) == NULL) {
        free(scope);
        return NULL;
    }
    scope->next = table->first_scope;
    if (scope->next != NULL) scope->next->previous = scope;
    table->first_scope = scope;
    table->octets += name.len;
    return scope;
}

static void drop_scope_if_empty(sv_table *table, sv_table_scope *scope)
{
    if (scope->count > 0) return;
    (void)tdelete(scope, &table->scopes, compare_keys);
    if (scope->next != NULL) scope->next->previous = scope->previous;
    if (scope->previous != NULL) scope->previous->next = scope->next;
    if (table->first_scope == scope) table->first_scope = scope->next;
    table->octets -= scope->key.scope.len;
    OPENSSL_cleanse(scope->octets, scope->key.scope.len);
    free(scope);
}

static void join_scope(sv_table_scope *scope, sv_table_entry *entry)
{
    entry->in = scope;
    entry->older = scope->newest;
    if (scope->newest != NULL) scope->newest->newer = entry;
    else scope->oldest = entry;
    scope->newest = entry;
    scope->count++;
}

static void leave_scope(sv_table_entry *entry)
{
    sv_table_scope *scope = entry->in;
    if (entry->older != NULL) entry->older->newer = entry->newer;
    else scope->oldest = entry->newer;
    if (entry->newer != NULL) entry->newer->older = entry->older;
    else scope->newest = entry->older;
    scope->count--;
}

/* ---- entries */

static void free_entry(sv_table *table, sv_table_entry *entry)
{
    if (table->secret) {
        sv_vault_give_back(&table->vault, entry, sizeof *entry + entry->size);
        return;
    }
    OPENSSL_cleanse(entry->octets, entry->size);
    free(entry);
}

static sv_table_entry *new_entry(sv_table *table, sipveil_span name, sipveil_span value, int64_t expires)
{
    size_t room = sizeof(sv_table_entry) + name.len + value.len;
    sv_table_entry *entry = table->secret ? sv_vault_alloc(&table->vault, room) : calloc(1, room);
    if (entry == NULL) return NULL;
    entry->size = name.len + value.len;
    entry->expires = expires;
    if (name.len > 0) memcpy(entry->octets, name.data, name.len);
    if (value.len > 0) memcpy(entry->octets + name.len, value.data, value.len);
    entry->key.name = sv_span(entry->octets, name.len);
    entry->value = sv_span(entry->octets + name.len, value.len);
    return entry;
}

bool sv_table_insert(sv_table *table, sipveil_span scope, sipveil_span name, sipveil_span value,
                     int64_t expires)
{
    if (!reserve_place(table)) return false;
    sv_table_entry *entry = new_entry(table, name, value, expires);
    if (entry == NULL) return false;
    sv_table_scope *in = sv_table_find_scope(table, scope);
    if (in == NULL) in = add_scope(table, scope);
    if (in == NULL) {
        free_entry(table, entry);
        return false;
    }
    entry->key.scope = in->key.scope;
    if (tsearch(entry, &table->entries, compare_keys) == NULL) {
        free_entry(table, entry);
        drop_scope_if_empty(table, in);
        return false;
    }
    join_scope(in, entry);
    entry->place = table->count++;
    rise(table, entry);
    table->octets += entry->size;
    return true;
}

void sv_table_remove(sv_table *table, sv_table_entry *entry)
{
    sv_table_scope *scope = entry->in;
    (void)tdelete(entry, &table->entries, compare_keys);
    leave_heap(table, entry);
    leave_scope(entry);
    table->octets -= entry->size;
    free_entry(table, entry);
    drop_scope_if_empty(table, scope);
}

void sv_table_drop_expired(sv_table *table, int64_t now)
{
    while (table->count > 0 && table->by_expiry[0]->expires < now) {
        sv_table_remove(table, table->by_expiry[0]);
    }
}

void sv_table_clear(sv_table *table)
{
    while (table->count > 0) sv_table_remove(table, table->by_expiry[table->count - 1]);
    free(table->by_expiry);
    sv_vault_end(&table->vault);
    *table = (sv_table){.secret = table->secret};
}
