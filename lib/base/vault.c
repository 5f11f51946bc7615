/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/vault.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/wipe.h"

/* ---- pages ---- */

static size_t page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

bool sv_pages_advise(void *pages, size_t size, int advice)
{
    enum { NO_ADVICE = -1 };
    return madvise(pages, size, NO_ADVICE) != 0 && madvise(pages, size, advice) == 0;
}

static bool leave_out_of_core_files(void *pages, size_t size)
{
#ifdef MADV_DONTDUMP
    return sv_pages_advise(pages, size, MADV_DONTDUMP);
#else
    (void)pages;
    (void)size;
    return false;
#endif
}

static bool lock(const void *pages, size_t size)
{
#if defined(_POSIX_MEMLOCK_RANGE) && _POSIX_MEMLOCK_RANGE > 0
    return mlock(pages, size) == 0;
#else
    (void)pages;
    (void)size;
    return false;
#endif
}

void *sv_pages_new(size_t *size)
{
    size_t page = page_size();
    if (*size == 0 || *size > SIZE_MAX / 2 - 3 * page) return NULL;
    size_t whole = (*size + page - 1) / page * page;
    uint8_t *guard = mmap(NULL, whole + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard == MAP_FAILED) return NULL;
    if (mprotect(guard + page, whole, PROT_READ | PROT_WRITE) != 0) {
        (void)munmap(guard, whole + 2 * page);
        return NULL;
    }
    (void)leave_out_of_core_files(guard + page, whole);
    *size = whole;
    return guard + page;
}

void sv_pages_free(void *pages, size_t size)
{
    size_t page = page_size();
    if (pages != NULL) (void)munmap((uint8_t *)pages - page, size + 2 * page);
}

/* ---- a vault ---- */

enum { ALIGNMENT = 16, CHUNK_MOST = 1 << 20 };

struct sv_vault_chunk {
    sv_vault_chunk *older;
    size_t size; /* octets of all of it, this included */
    size_t used;
    _Alignas(ALIGNMENT) uint8_t data[];
};

/* The power of two that holds it; 0: none does. */
static unsigned power_for(size_t size)
{
    unsigned power = SV_VAULT_LEAST;
    while (power <= SV_VAULT_MOST && ((size_t)1 << power) < size) power++;
    return power <= SV_VAULT_MOST ? power : 0;
}

/* Each is as large as all before it, so that many keys are few mappings. */
static bool add_chunk(sv_vault *vault, size_t room)
{
    size_t size = vault->octets < CHUNK_MOST ? vault->octets : CHUNK_MOST;
    if (size < room + sizeof(sv_vault_chunk)) size = room + sizeof(sv_vault_chunk);
    if (size > SV_VAULT_OCTETS_MOST - vault->octets) return false;
    sv_vault_chunk *chunk = sv_pages_new(&size);
    if (chunk == NULL) return false;
    (void)lock(chunk, size); /* whether it is, is asked anew each time: a fork or a change of the limit changes it */
    chunk->older = vault->newest;
    chunk->size = size;
    vault->newest = chunk;
    vault->octets += size;
    return true;
}

void *sv_vault_alloc(sv_vault *vault, size_t size)
{
    unsigned power = power_for(size);
    if (power == 0) return NULL;
    void **block = vault->free[power];
    if (block != NULL) {
        vault->free[power] = *block;
        *block = NULL;
        return block;
    }
    size_t room = (size_t)1 << power;
    sv_vault_chunk *chunk = vault->newest;
    if (chunk == NULL || room > chunk->size - sizeof *chunk - chunk->used) {
        if (!add_chunk(vault, room)) return NULL;
        chunk = vault->newest;
    }
    void *at = chunk->data + chunk->used;
    chunk->used += room;
    return at;
}

bool sv_vault_copy(sv_vault *vault, sipveil_span from, sipveil_span *out)
{
    *out = (sipveil_span){0};
    uint8_t *copy = sv_vault_alloc(vault, from.len);
    if (copy == NULL) return false;
    if (from.len > 0) memcpy(copy, from.data, from.len);
    *out = (sipveil_span){copy, from.len};
    return true;
}

void sv_vault_give_back(sv_vault *vault, const void *block, size_t size)
{
    if (block == NULL) return;
    unsigned power = power_for(size);
    void **own = (void **)(uintptr_t)block; /* we gave it */
    sv_wipe(own, (size_t)1 << power);
    *own = vault->free[power];
    vault->free[power] = own;
}

void sv_vault_end(sv_vault *vault)
{
    while (vault->newest != NULL) {
        sv_vault_chunk *chunk = vault->newest;
        vault->newest = chunk->older;
        sv_wipe(chunk->data, chunk->used);
        sv_pages_free(chunk, chunk->size);
    }
    *vault = (sv_vault){0};
}

void sv_vault_protect(const sv_vault *vault, sipveil_protection *out)
{
    for (sv_vault_chunk *chunk = vault->newest; chunk != NULL; chunk = chunk->older) {
        out->octets += chunk->size;
        if (lock(chunk, chunk->size)) out->locked += chunk->size;
        if (leave_out_of_core_files(chunk, chunk->size)) out->not_dumped += chunk->size;
    }
}
