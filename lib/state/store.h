/* SPDX-License-Identifier: BSD-2-Clause */
/* What must be remembered between messages. One small interface over (kind, scope, name) -> value with an expiry; an in-process
 * store behind it (entries.c) and its image as octets, which the caller may keep in a file. */
#ifndef SV_STATE_STORE_H
#define SV_STATE_STORE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

typedef struct sv_store sv_store;

typedef enum sv_store_kind {
    SV_STORE_SEEN = 1,
    SV_STORE_CEK = 2,
    SV_STORE_BINDING = 3,
    SV_STORE_POLICY = 4,     /* documents of policy servers, by address */
    SV_STORE_TRANSACTION = 5, /* what a message got a moment ago */
    SV_STORE_NONCE = 6, /* how often nonces of ours were used */
    SV_STORE_OFFER = 7, /* what somebody offered who has proved nothing yet */
    SV_STORE_HIDDEN = 8, /* what a privacy service took out of a dialog's messages */
    SV_STORE_OWN_KEY = 9 /* keys that we drew for ourselves: of nonces */
} sv_store_kind;

typedef struct sv_store_caps {
    size_t entries;           /* of this kind in all: 65,536 seen, 1,024 CEKs */
    size_t entries_per_scope; /* 0: no cap; 16 CEKs a dialog */
    bool fail_when_full;      /* seen: refuse (fail closed); CEK: evict the oldest of the same scope */
} sv_store_caps;

sipveil_code sv_store_new(sv_store **out, sipveil_error *err);
void sv_store_free(sv_store *store); /* wipes */
void sv_store_set_caps(sv_store *store, sv_store_kind kind, sv_store_caps caps);

typedef struct sv_store_entry {
    sipveil_span scope, name, value;
    int64_t expires;
} sv_store_entry;

/* First wins: SIPVEIL_REPLAY if (kind, scope, name) is there and has not expired at `now` (ADV-171); an
 * entry is there through the second `expires`. LIMIT: scope, name and value are over 16 KiB together; or
 * full (also at 32 MiB of a kind) and fail_when_full, or full of other scopes' entries. Expired entries
 * are dropped as they are met. On failure nothing else has changed. */
sipveil_code sv_store_add(sv_store *store, sv_store_kind kind, sipveil_span scope, sipveil_span name,
                          sipveil_span value, int64_t now, int64_t expires, sipveil_error *err);
/* The same in place of what is there, if anything is: on failure that is still there. */
sipveil_code sv_store_replace(sv_store *store, sv_store_kind kind, sipveil_span scope, sipveil_span name,
                              sipveil_span value, int64_t now, int64_t expires, sipveil_error *err);
/* Adds one and removes another, of that scope and name, if it is there: both or neither. */
sipveil_code sv_store_exchange(sv_store *store, sv_store_kind kind, const sv_store_entry *out, const sv_store_entry *in,
                               int64_t now, sipveil_error *err);
/* What one call adds, replaces and removes, and what gives way to it, counts as a whole: where the call fails, sv_store_end
 * takes it back, for which no memory is needed (ADV-215). Calls may be nested. store may be NULL. */
typedef struct sv_store_mark {
    const struct sv_entry_change *at[10]; /* of each kind */
} sv_store_mark;
sv_store_mark sv_store_begin(sv_store *store);
void sv_store_end(sv_store *store, const sv_store_mark *mark, bool for_good);

/* *value borrowed until the next change of the store; false if absent or expired. */
bool sv_store_find(const sv_store *store, sv_store_kind kind, sipveil_span scope, sipveil_span name,
                   int64_t now, sipveil_span *value);
bool sv_store_remove(sv_store *store, sv_store_kind kind, sipveil_span scope, sipveil_span name);
/* All entries of a scope (BYE). */
void sv_store_remove_scope(sv_store *store, sv_store_kind kind, sipveil_span scope);
/* Calls visit for each entry, in no order, until it returns false. The store must not change meanwhile. */
void sv_store_visit(const sv_store *store, sv_store_kind kind, bool (*visit)(void *state, const sv_store_entry *entry),
                    void *state);
size_t sv_store_count(const sv_store *store, sv_store_kind kind);
/* The same of one scope alone, the oldest first: what it costs does not grow with what others have there. */
void sv_store_visit_scope(const sv_store *store, sv_store_kind kind, sipveil_span scope,
                          bool (*visit)(void *state, const sv_store_entry *entry), void *state);
size_t sv_store_count_scope(const sv_store *store, sv_store_kind kind, sipveil_span scope);
/* Of the kinds that hold keys. */
void sv_store_protect_secrets(const sv_store *store, sipveil_protection *out);

/* Image for a state file: magic, version, entries, SHA-256 over all. Image in the arena: it holds the
 * values, secrets too. Loading adds to what is there, as older than it; a damaged image (MALFORMED), or
 * one that does not fit the caps (LIMIT), changes nothing. */
sipveil_code sv_store_save(sv_store *store, int64_t now, sv_arena *arena, sipveil_span *image,
                           sipveil_error *err);
sipveil_code sv_store_load(sv_store *store, sipveil_span image, int64_t now, sipveil_error *err);

#endif
