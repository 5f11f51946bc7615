/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that ends, for any program of the tests: loaded before it (LD_PRELOAD, by scripts/starve). What the library
 * asks for is counted, itself or through libcrypto, zlib and the C library: the innermost frame in the program decides
 * whose request it is, and what the test asks for itself is always given. TEST ONLY.
 *
 *   SIPVEIL_FAIL_RANGES=from-to-id,...  the library's code in the program, hexadecimal, from where it is loaded, in order; the
 *                                     same code has the same id in every program
 *   SIPVEIL_FAIL_AT=n                 the nth request fails
 *   SIPVEIL_FAIL_FROM=n               that one and all that follow
 *   SIPVEIL_FAIL_STACKS=file          the first request from each stack fails, in a child (child.c): from the request to where the
 *                                     test called the library, a number that is the same in every program. The file, of
 *                                     8 MiB, is the table of the stacks, which programs share
 *   SIPVEIL_FAIL_EACH=1               each request fails, in a child
 *   SIPVEIL_FAIL_RESULTS=file         gets what came of the children, a line each, and at the end how many requests there were */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include "starve.h"

enum { RANGES = 2048, MODULES = 32, DEPTH = 100, STACKS = 1 << 20, ALL_STACKS = 1 << 19, THEN_EACH = 17, ALSO_ALL = 4 };

static struct {
    bool ready;
    uintptr_t base, end; /* of the program */
    struct range {
        uintptr_t from, to;
        uint64_t id;
    } ranges[RANGES], modules[MODULES]; /* modules: other shared objects, not from the program's base */
    size_t range_count, module_count;
    unsigned long at, from;
    atomic_ulong asked;
    pid_t process;
    int results;
    bool each;
    _Atomic(uint64_t) *stacks; /* 0: none is here; NULL: nobody asks for them */
} starve;
_Thread_local bool starve_inside;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* ---- whose request ---- */

/* NULL: none of the library's. */
static const struct range *find_range(uintptr_t pc)
{
    size_t low = 0, high = starve.range_count;
    uintptr_t at = pc - starve.base;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (starve.ranges[middle].to <= at) low = middle + 1;
        else high = middle;
    }
    return low < starve.range_count && at >= starve.ranges[low].from ? &starve.ranges[low] : NULL;
}

bool starve_is_library(uintptr_t pc)
{
    return find_range(pc) != NULL;
}

bool starve_is_program(uintptr_t pc)
{
    return pc >= starve.base && pc < starve.end;
}

uintptr_t starve_base(void)
{
    return starve.base;
}

static _Unwind_Reason_Code find_program(struct _Unwind_Context *context, void *found)
{
    uintptr_t pc = _Unwind_GetIP(context) - 1;
    if (!starve_is_program(pc)) return _URC_NO_REASON;
    *(uintptr_t *)found = pc;
    return _URC_END_OF_STACK;
}

/* ---- which stacks ask ---- */

typedef struct walk {
    uint64_t hash;
    int depth;
    bool in_library;
} walk;

static void mix(walk *w, uint64_t id, uint64_t offset)
{
    w->hash = (w->hash ^ id) * UINT64_C(1099511628211);
    w->hash = (w->hash ^ offset) * UINT64_C(1099511628211);
}

/* Up to the test: what it does between its calls of the library makes no other stack. */
static _Unwind_Reason_Code hash_frame(struct _Unwind_Context *context, void *user)
{
    walk *w = user;
    uintptr_t pc = _Unwind_GetIP(context) - 1;
    const struct range *library = find_range(pc);
    if (starve_is_program(pc) && library == NULL) return w->in_library ? _URC_END_OF_STACK : _URC_NO_REASON;
    w->in_library = w->in_library || library != NULL;
    if (library != NULL) {
        mix(w, library->id, pc - starve.base - library->from);
    } else {
        for (size_t i = 0; i < starve.module_count; i++) {
            const struct range *m = &starve.modules[i];
            if (pc >= m->from && pc < m->to) mix(w, m->id, pc - m->from);
        }
    }
    return ++w->depth < DEPTH ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static uint64_t hash_stack(void)
{
    walk w = {.hash = UINT64_C(14695981039346656037)};
    starve_inside = true;
    _Unwind_Backtrace(hash_frame, &w);
    starve_inside = false;
    return w.hash;
}

/* Whether nobody was here before, in any program. */
static bool is_new(uint64_t stack)
{
    for (size_t at = stack % STACKS, looked = 0; looked < STACKS; at = (at + 1) % STACKS, looked++) {
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&starve.stacks[at], &there, stack)) return true;
        if (there == stack) return false;
    }
    return false;
}

/* Where there are very many requests not every one is looked at: it would take longer than the test. What a test's own
 * child asks for is counted there alone. */
static bool fails_in_child(unsigned long n)
{
    if (getpid() != starve.process || (!starve.each && n > ALL_STACKS && n % THEN_EACH != 0)) return false;
    uint64_t stack = hash_stack();
    if (!starve.each && !is_new(stack)) return false;
    starve_inside = true;
    bool failing = starve_fail_in_child(n, stack, (starve.each ? n : stack) % ALSO_ALL == 1);
    starve_inside = false;
    return failing;
}

void starve_fail_now(bool and_all)
{
    starve.stacks = NULL;
    starve.each = false;
    starve.ready = and_all;
    starve.from = and_all ? 1 : 0;
    starve.at = 0;
}

static bool fails(void *caller)
{
    if (!starve.ready || starve_inside) return false;
    uintptr_t pc = (uintptr_t)caller - 1;
    if (!starve_is_program(pc)) {
        starve_inside = true;
        _Unwind_Backtrace(find_program, &pc);
        starve_inside = false;
    }
    if (!starve_is_library(pc)) return false;
    unsigned long n = atomic_fetch_add(&starve.asked, 1) + 1;
    bool failing = n == starve.at || (starve.from > 0 && n >= starve.from);
    if (!failing && (starve.stacks != NULL || starve.each)) failing = fails_in_child(n);
    if (failing) errno = ENOMEM;
    return failing;
}

#define FAILS fails(__builtin_return_address(0))

void *malloc(size_t size)
{
    return FAILS ? NULL : __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    return FAILS ? NULL : __libc_calloc(count, size);
}
void *realloc(void *old, size_t size)
{
    return FAILS ? NULL : __libc_realloc(old, size);
}
void *reallocarray(void *old, size_t count, size_t size)
{
    size_t product;
    if (__builtin_mul_overflow(count, size, &product)) {
        errno = ENOMEM;
        return NULL;
    }
    return FAILS ? NULL : __libc_realloc(old, product);
}
void *aligned_alloc(size_t alignment, size_t size)
{
    return FAILS ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *block = FAILS ? NULL : __libc_memalign(alignment, size);
    if (block == NULL) return ENOMEM;
    *out = block;
    return 0;
}

/* ---- beginning and end ---- */

static uint64_t number_name(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    const char *slash = strrchr(name, '/');
    for (name = slash != NULL ? slash + 1 : name; *name != '\0'; name++) hash = (hash ^ (uint8_t)*name) * UINT64_C(1099511628211);
    return hash;
}

/* The program is the first. */
static int find_base(struct dl_phdr_info *info, size_t size, void *count)
{
    uintptr_t end = 0;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && at > end) end = at;
    }
    if ((*(int *)count)++ == 0) {
        starve.base = info->dlpi_addr;
        starve.end = end;
    } else if (starve.module_count < MODULES && info->dlpi_name != NULL &&
               ((uintptr_t)find_base < info->dlpi_addr || (uintptr_t)find_base >= end)) { /* not this one itself */
        starve.modules[starve.module_count++] = (struct range){info->dlpi_addr, end, number_name(info->dlpi_name)};
    }
    return 0;
}

static unsigned long number_of(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : 0;
}

static int open_results(void)
{
    const char *name = getenv("SIPVEIL_FAIL_RESULTS");
    return name != NULL ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
}

static void *share_stacks(void)
{
    const char *name = getenv("SIPVEIL_FAIL_STACKS");
    int file = name != NULL ? open(name, O_RDWR | O_CLOEXEC) : -1;
    void *table = file >= 0 ? mmap(NULL, STACKS * sizeof *starve.stacks, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
    if (file >= 0) close(file);
    return table != MAP_FAILED ? table : NULL;
}

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("SIPVEIL_FAIL_RANGES");
    if (at == NULL) return;
    int count = 0;
    dl_iterate_phdr(find_base, &count);
    for (char *end; starve.range_count < RANGES && *at != '\0'; at = *end == ',' ? end + 1 : end) {
        starve.ranges[starve.range_count].from = strtoul(at, &end, 16);
        if (*end != '-') break;
        starve.ranges[starve.range_count].to = strtoul(end + 1, &end, 16);
        if (*end != '-') break;
        starve.ranges[starve.range_count++].id = strtoull(end + 1, &end, 16);
    }
    starve.at = number_of("SIPVEIL_FAIL_AT");
    starve.from = number_of("SIPVEIL_FAIL_FROM");
    starve.each = number_of("SIPVEIL_FAIL_EACH") > 0;
    starve.process = getpid();
    starve.results = open_results();
    starve.stacks = share_stacks();
    starve_begin_children(starve.results);
    unsetenv("LD_PRELOAD"); /* what the test runs is none of ours */
    starve_begin_faults();
    starve.ready = true;
}

__attribute__((destructor)) static void end(void)
{
    starve.ready = false;
    if (starve.results < 0 || getpid() != starve.process) return;
    dprintf(starve.results, "asked %lu\n", atomic_load(&starve.asked));
}
