/* SPDX-License-Identifier: BSD-2-Clause */
/* The in-process store of one kind of thing. Entries are found by exact (scope, name) in a balanced
 * tree (tsearch of the C library: no random numbers, and no order of names a sender can choose makes it
 * slow), by expiry in a heap, and by age within their scope in a list. */
#ifndef SV_STATE_ENTRIES_H
#define SV_STATE_ENTRIES_H

#include <stdbool.h>

#include "base/span.h"
#include "base/vault.h"

typedef struct sv_entry_key {
    sipveil_span scope;
    sipveil_span name; /* empty in a scope's own key */
} sv_entry_key;

typedef struct sv_entry sv_entry;
typedef struct sv_entry_scope sv_entry_scope;

/* In the journal: an entry that came, or that went. Every one has both, so that none is to be asked for. */
typedef struct sv_entry_change {
    sv_entry *entry;
    struct sv_entry_change *sooner;
} sv_entry_change;

struct sv_entry {
    sv_entry_key key; /* first: what the tree compares; scope is that of `in` */
    sv_entry_scope *in;
    sv_entry *older, *newer; /* within the scope */
    sipveil_span value;
    int64_t expires;
    size_t place; /* in the heap */
    sv_entry *before; /* what the tree had in its place, until the change is for good; NULL: it was added */
    sv_entry_change came, went;
    bool gone;        /* and in the tree alone, until that is for good: nobody finds it */
    bool before_went; /* it was gone already, and is not this one's to free */
    size_t size;      /* of octets[] */
    uint8_t octets[]; /* name, value */
};

struct sv_entry_scope {
    sv_entry_key key; /* first, as above */
    sv_entry *oldest, *newest;
    sv_entry_scope *previous, *next;
    size_t count, gone; /* the scope stays while either is left */
    uint8_t octets[];
};

typedef struct sv_entries {
    void *by_name; /* tree */
    void *scopes;  /* tree */
    sv_entry_scope *first_scope;
    sv_entry **by_expiry; /* heap: the first is the first to expire */
    size_t count, room;         /* of the heap */
    size_t octets;              /* names, values and scopes held */
    bool secret;                /* entries are in the vault; set before the first */
    sv_vault vault;
    unsigned open;              /* changes that may be taken back, one within the other */
    sv_entry_change *journal;   /* what came and went since the first of them began, the newest first */
} sv_entries;

void sv_entries_clear(sv_entries *all); /* wipes and frees; may be used again */

sv_entry *sv_entries_find(const sv_entries *all, sipveil_span scope, sipveil_span name);
sv_entry_scope *sv_entries_find_scope(const sv_entries *all, sipveil_span scope); /* NULL: nothing is in it */

/* (scope, name) must not be there. NULL: no memory, and nothing has changed. */
sv_entry *sv_entries_insert(sv_entries *all, sipveil_span scope, sipveil_span name, sipveil_span value,
                                int64_t expires);
/* A new entry of that name, the newest of its scope, in place of `before`, which is wiped and freed. NULL: likewise. */
sv_entry *sv_entries_replace(sv_entries *all, sv_entry *before, sipveil_span value, int64_t expires);
/* From here on what comes and what goes, by its time too, can be taken back without asking for memory, last first, so that
 * everything is where it was. Changes may be nested. Returns the mark of this one. */
const sv_entry_change *sv_entries_begin(sv_entries *all);
void sv_entries_end(sv_entries *all, const sv_entry_change *mark, bool for_good);

/* Wipes and frees the entry, and its scope with the last one; within a change, once that is for good. */
void sv_entries_remove(sv_entries *all, sv_entry *entry);
void sv_entries_drop_expired(sv_entries *all, int64_t now);

#endif
