/* SPDX-License-Identifier: BSD-2-Clause */
/* One way to own memory: what belongs to one operation is allocated from one arena and goes with it,
 * wiped. Plaintext of sealed messages, unwrapped keys and parsed structures live there alike, so
 * nothing needs to be freed or wiped one by one, on any path. An arena that is reset keeps its first
 * block, so a warm worker allocates nothing. */
#ifndef SV_BASE_ARENA_H
#define SV_BASE_ARENA_H

#include "sipveil/base.h"

typedef struct sv_arena sv_arena;

/* first_block: octets kept over resets. most: octets in all; more is refused. NULL: no memory. */
sv_arena *sv_arena_new(size_t first_block, size_t most);
/* The first block in pages of its own that are left out of core files (ADV-212); further ones are as ever. For arenas that
 * live long: decrypted text goes through them. */
sv_arena *sv_arena_new_not_dumped(size_t first_block, size_t most);
void sv_arena_free(sv_arena *arena); /* wipes, runs deferred calls; NULL is fine */

/* Wipes all that was used, runs the deferred calls (newest first), keeps the first block. */
void sv_arena_reset(sv_arena *arena);

/* 16-octet aligned, zeroed. NULL: no memory, or the arena's most is reached. size 0 is fine. */
void *sv_arena_alloc(sv_arena *arena, size_t size);
void *sv_arena_alloc_array(sv_arena *arena, size_t count, size_t size); /* checked product */
/* Not zeroed: for buffers that are written at once. */
void *sv_arena_alloc_raw(sv_arena *arena, size_t size);
/* A copy. *out is empty on failure. */
bool sv_arena_copy(sv_arena *arena, sipveil_span from, sipveil_span *out);
char *sv_arena_string(sv_arena *arena, sipveil_span from); /* copy ended with NUL */

/* Grows the newest allocation in place if it can (old_size as allocated). */
bool sv_arena_extend(sv_arena *arena, void *newest, size_t old_size, size_t new_size);

/* Gives back the end of the newest allocation, which nobody wrote to: an array of its most is made, and ends
 * up short. What was written there all the same is the caller's to wipe. */
void sv_arena_trim(sv_arena *arena, void *newest, size_t old_size, size_t new_size);

/* Whether that octet lies in memory of the arena. */
bool sv_arena_holds(const sv_arena *arena, const uint8_t *octet);

/* Calls fn(object) at reset or free: for objects of other libraries (X509_free). On failure
 * fn(object) is called at once and false returned. */
bool sv_arena_defer(sv_arena *arena, void (*fn)(void *), void *object);

/* Octets handed out since the last reset, and octets held in blocks; for tests and benchmarks. */
size_t sv_arena_used(const sv_arena *arena);
size_t sv_arena_held(const sv_arena *arena);

#endif
