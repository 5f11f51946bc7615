/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that ends, for any program of the tests: loaded before it (LD_PRELOAD, by scripts/starve). What the library
 * asks for is counted, itself or through libcrypto, zlib and the C library: the innermost frame in the program decides
 * whose request it is, and what the test asks for itself is always given. A fault is not left to cmocka, which would
 * call it a failed case: it ends the program, with the frames on stderr. TEST ONLY.
 *
 *   SIPVEIL_FAIL_RANGES=from-to-id,...  the library's code in the program, hexadecimal, from where it is loaded, in order; the
 *                                     same code has the same id in every program
 *   SIPVEIL_FAIL_AT=n                 the nth request fails
 *   SIPVEIL_FAIL_FROM=n               that one and all that follow
 *   SIPVEIL_FAIL_COUNT=file           gets how many there were, at the end, and the stack of the nth
 *   SIPVEIL_FAIL_STACKS=1             and a line "stack first last" for each of the stacks that asked, from the request to where the
 *                                     test called the library: a number that is the same in every program, and which requests
 *                                     were the first and the last from it */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

enum { RANGES = 2048, MODULES = 32, FRAMES = 40, DEPTH = 100, STACKS = 1 << 20, ALL_STACKS = 1 << 19, THEN_EACH = 17 };

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
    const char *file;
    pid_t process;
    struct stack {
        uint64_t hash; /* 0: none is here */
        unsigned long first, last;
    } *stacks; /* NULL: nobody asks for them */
    size_t stack_count;
    atomic_flag busy;
    uint64_t failed; /* the stack whose request the nth was */
} starve;
static _Thread_local bool inside __attribute__((tls_model("initial-exec")));

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
int __sigaction(int number, const struct sigaction *action, struct sigaction *old);

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

static bool is_library(uintptr_t pc)
{
    return find_range(pc) != NULL;
}

static bool is_program(uintptr_t pc)
{
    return pc >= starve.base && pc < starve.end;
}

static _Unwind_Reason_Code find_program(struct _Unwind_Context *context, void *found)
{
    uintptr_t pc = _Unwind_GetIP(context) - 1;
    if (!is_program(pc)) return _URC_NO_REASON;
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
    if (is_program(pc) && library == NULL) return w->in_library ? _URC_END_OF_STACK : _URC_NO_REASON;
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
    inside = true;
    _Unwind_Backtrace(hash_frame, &w);
    inside = false;
    return w.hash;
}

/* Where there are very many requests not every one is looked at: it would take longer than the test. */
static void note_stack(unsigned long n)
{
    if (n > ALL_STACKS && n % THEN_EACH != 0) return;
    uint64_t hash = hash_stack();
    while (atomic_flag_test_and_set(&starve.busy)) {}
    size_t at = hash % STACKS;
    while (starve.stacks[at].hash != 0 && starve.stacks[at].hash != hash) at = (at + 1) % STACKS;
    if (starve.stacks[at].hash == 0 && starve.stack_count < STACKS / 2) {
        starve.stacks[at] = (struct stack){hash, n, n};
        starve.stack_count++;
    }
    if (starve.stacks[at].hash == hash) starve.stacks[at].last = n;
    atomic_flag_clear(&starve.busy);
}

static bool fails(void *caller)
{
    if (!starve.ready || inside) return false;
    uintptr_t pc = (uintptr_t)caller - 1;
    if (!is_program(pc)) {
        inside = true;
        _Unwind_Backtrace(find_program, &pc);
        inside = false;
    }
    if (!is_library(pc)) return false;
    unsigned long n = atomic_fetch_add(&starve.asked, 1) + 1;
    if (starve.stacks != NULL) note_stack(n);
    if (n == starve.at) starve.failed = hash_stack();
    if (n != starve.at && (starve.from == 0 || n < starve.from)) return false;
    errno = ENOMEM;
    return true;
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

/* ---- faults ---- */

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

static bool is_fault(int number)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (faults[i] == number) return true;
    }
    return false;
}

/* cmocka's handlers are not set. */
__sighandler_t signal(int number, __sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    if (is_fault(number)) return SIG_DFL;
    return __sigaction(number, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}
int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    return __sigaction(number, is_fault(number) ? NULL : action, old);
}

static _Unwind_Reason_Code tell_frame(struct _Unwind_Context *context, void *count)
{
    char line[512];
    int before = 0;
    uintptr_t pc = _Unwind_GetIPInfo(context, &before);
    if (!before) pc--;
    Dl_info info = {0};
    if (is_program(pc)) {
        snprintf(line, sizeof line, "starve: %s 0x%lx\n", is_library(pc) ? "library" : "test", (unsigned long)(pc - starve.base));
    } else if (dladdr((void *)pc, &info) != 0 && info.dli_fname != NULL) { // NOLINT
        snprintf(line, sizeof line, "starve: %s %s\n", info.dli_fname, info.dli_sname != NULL ? info.dli_sname : "?");
    } else {
        snprintf(line, sizeof line, "starve: nowhere 0x%lx\n", (unsigned long)pc);
    }
    if (write(STDERR_FILENO, line, strlen(line)) < 0) return _URC_END_OF_STACK;
    return ++*(int *)count < FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void tell_fault(int number)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    int count = 0;
    inside = true;
    __sigaction(number, &usual, NULL);
    _Unwind_Backtrace(tell_frame, &count);
    raise(number);
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

__attribute__((constructor)) static void begin(void)
{
    static char file[4096];
    static uint8_t stack[1 << 16]; /* of the handler: the program's own may be what ended */
    const char *at = getenv("SIPVEIL_FAIL_RANGES"), *name = getenv("SIPVEIL_FAIL_COUNT");
    struct sigaction action = {.sa_handler = tell_fault, .sa_flags = SA_ONSTACK};
    stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
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
    if (name != NULL && strlen(name) < sizeof file) starve.file = strcpy(file, name);
    starve.process = getpid();
    if (number_of("SIPVEIL_FAIL_STACKS") > 0) {
        void *table = mmap(NULL, STACKS * sizeof *starve.stacks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        starve.stacks = table != MAP_FAILED ? table : NULL;
    }
    unsetenv("LD_PRELOAD"); /* what the test runs is none of ours */
    sigaltstack(&own, NULL);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) __sigaction(faults[i], &action, NULL);
    starve.ready = true;
}

__attribute__((destructor)) static void end(void)
{
    starve.ready = false;
    if (starve.file == NULL || getpid() != starve.process) return;
    int out = open(starve.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0) return;
    FILE *list = fdopen(out, "w");
    if (list == NULL) return;
    fprintf(list, "%lu %" PRIx64 "\n", atomic_load(&starve.asked), starve.failed);
    for (size_t i = 0; starve.stacks != NULL && i < STACKS; i++) {
        if (starve.stacks[i].hash != 0) fprintf(list, "%" PRIx64 " %lu %lu\n", starve.stacks[i].hash, starve.stacks[i].first, starve.stacks[i].last);
    }
    fclose(list);
}
