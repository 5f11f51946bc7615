/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/vault.h"
#include "base/wipe.h"

enum { ALIGNMENT = 16 };

typedef struct block {
    struct block *older;
    size_t size; /* octets of data[] */
    size_t used;
    _Alignas(ALIGNMENT) uint8_t data[];
} block;

typedef struct deferred {
    struct deferred *older;
    void (*fn)(void *);
    void *object;
} deferred;

struct sv_arena {
    block *newest; /* the chain ends at the first block, which outlives a reset */
    deferred *calls;
    size_t taken; /* octets in all blocks */
    size_t most;
    size_t block_size;
    size_t pages; /* octets of the first block's own pages; 0: it is malloc's */
};

/* The sanitizer looks for what is still pointed at in malloc's memory only. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PAGES_HIDE_POINTERS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(PAGES_HIDE_POINTERS)
static const bool has_pages = false;
#else
static const bool has_pages = true;
#endif

static block *add_block(sv_arena *arena, size_t size)
{
    if (size > arena->most - arena->taken || size > SIZE_MAX - sizeof(block)) return NULL;
    block *b = malloc(sizeof *b + size);
    if (b == NULL) return NULL;
    *b = (block){.older = arena->newest, .size = size};
    arena->newest = b;
    arena->taken += size;
    return b;
}

sv_arena *sv_arena_new(size_t first_block, size_t most)
{
    sv_arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL) return NULL;
    arena->most = most < first_block ? first_block : most;
    arena->block_size = first_block;
    if (add_block(arena, first_block) == NULL) {
        free(arena);
        return NULL;
    }
    return arena;
}

sv_arena *sv_arena_new_not_dumped(size_t first_block, size_t most)
{
    size_t pages = first_block <= SIZE_MAX - sizeof(block) ? first_block + sizeof(block) : 0;
    if (!has_pages || pages == 0) return sv_arena_new(first_block, most);
    sv_arena *arena = calloc(1, sizeof *arena);
    block *b = arena == NULL ? NULL : sv_pages_new(&pages);
    if (b == NULL) {
        free(arena);
        return NULL;
    }
    *b = (block){.size = first_block};
    *arena = (sv_arena){.newest = b,
                        .taken = first_block,
                        .most = most < first_block ? first_block : most,
                        .block_size = first_block,
                        .pages = pages};
    return arena;
}

void sv_arena_reset(sv_arena *arena)
{
    while (arena->calls != NULL) {
        deferred *call = arena->calls; /* lives in a block: read before the blocks go */
        arena->calls = call->older;
        call->fn(call->object);
    }
    while (arena->newest->older != NULL) {
        block *b = arena->newest;
        arena->newest = b->older;
        arena->taken -= b->size;
        sv_wipe(b->data, b->used);
        free(b);
    }
    sv_wipe(arena->newest->data, arena->newest->used);
    arena->newest->used = 0;
}

void sv_arena_free(sv_arena *arena)
{
    if (arena == NULL) return;
    sv_arena_reset(arena);
    if (arena->pages > 0) sv_pages_free(arena->newest, arena->pages);
    else free(arena->newest);
    free(arena);
}

void *sv_arena_alloc_raw(sv_arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT) return NULL;
    size_t padded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    block *b = arena->newest;
    if (padded > b->size - b->used) {
        b = add_block(arena, padded > arena->block_size ? padded : arena->block_size);
        if (b == NULL && padded < arena->block_size) b = add_block(arena, padded);
        if (b == NULL) return NULL;
    }
    void *at = b->data + b->used;
    b->used += padded;
    return at;
}

void *sv_arena_alloc(sv_arena *arena, size_t size)
{
    void *at = sv_arena_alloc_raw(arena, size);
    if (at != NULL) memset(at, 0, size);
    return at;
}

void *sv_arena_alloc_array(sv_arena *arena, size_t count, size_t size)
{
    size_t product;
    if (__builtin_mul_overflow(count, size, &product)) return NULL;
    return sv_arena_alloc(arena, product);
}

bool sv_arena_copy(sv_arena *arena, sipveil_span from, sipveil_span *out)
{
    *out = (sipveil_span){0};
    uint8_t *copy = sv_arena_alloc_raw(arena, from.len);
    if (copy == NULL) return false;
    if (from.len > 0) memcpy(copy, from.data, from.len);
    *out = (sipveil_span){copy, from.len};
    return true;
}

char *sv_arena_string(sv_arena *arena, sipveil_span from)
{
    char *copy = from.len == SIZE_MAX ? NULL : sv_arena_alloc_raw(arena, from.len + 1);
    if (copy == NULL) return NULL;
    if (from.len > 0) memcpy(copy, from.data, from.len);
    copy[from.len] = '\0';
    return copy;
}

bool sv_arena_extend(sv_arena *arena, void *newest, size_t old_size, size_t new_size)
{
    block *b = arena->newest;
    size_t old_padded = (old_size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (new_size < old_size || new_size > SIZE_MAX - ALIGNMENT) return false;
    size_t new_padded = (new_size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if ((uint8_t *)newest + old_padded != b->data + b->used) return false;
    if (new_padded - old_padded > b->size - b->used) return false;
    b->used += new_padded - old_padded;
    return true;
}

void sv_arena_trim(sv_arena *arena, void *newest, size_t old_size, size_t new_size)
{
    block *b = arena->newest;
    size_t old_padded = (old_size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    size_t new_padded = (new_size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (new_size < old_size && (uint8_t *)newest + old_padded == b->data + b->used) b->used -= old_padded - new_padded;
}

bool sv_arena_holds(const sv_arena *arena, const uint8_t *octet)
{
    uintptr_t at = (uintptr_t)octet;
    for (const block *b = arena->newest; b != NULL; b = b->older) {
        if (at >= (uintptr_t)b->data && at - (uintptr_t)b->data < b->used) return true;
    }
    return false;
}

bool sv_arena_defer(sv_arena *arena, void (*fn)(void *), void *object)
{
    deferred *call = sv_arena_alloc(arena, sizeof *call);
    if (call == NULL) {
        fn(object);
        return false;
    }
    *call = (deferred){arena->calls, fn, object};
    arena->calls = call;
    return true;
}

size_t sv_arena_used(const sv_arena *arena)
{
    size_t sum = 0;
    for (const block *b = arena->newest; b != NULL; b = b->older) sum += b->used;
    return sum;
}

size_t sv_arena_held(const sv_arena *arena)
{
    return arena->taken;
}
