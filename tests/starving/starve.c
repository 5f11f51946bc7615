/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that ends, for any program of the tests: loaded before it (LD_PRELOAD, by scripts/starve). What the library
 * asks for is counted, itself or through libcrypto, zlib and the C library: the innermost frame in the program decides
 * whose request it is, and what the test asks for itself is always given. A fault is not left to cmocka, which would
 * call it a failed case: it ends the program, with the frames on stderr. TEST ONLY.
 *
 *   SIPVEIL_FAIL_RANGES=from-to,...   the library's code in the program, hexadecimal, from where it is loaded
 *   SIPVEIL_FAIL_AT=n                 the nth request fails
 *   SIPVEIL_FAIL_FROM=n               that one and all that follow
 *   SIPVEIL_FAIL_COUNT=file           gets how many there were, at the end */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

enum { RANGES = 64, FRAMES = 40 };

static struct {
    bool ready;
    uintptr_t base, end; /* of the program */
    struct {
        uintptr_t from, to;
    } ranges[RANGES];
    size_t range_count;
    unsigned long at, from;
    atomic_ulong asked;
    const char *file;
    pid_t process;
} starve;
static _Thread_local bool inside __attribute__((tls_model("initial-exec")));

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
int __sigaction(int number, const struct sigaction *action, struct sigaction *old);

/* ---- whose request ---- */

static bool is_library(uintptr_t pc)
{
    for (size_t i = 0; i < starve.range_count; i++) {
        if (pc - starve.base >= starve.ranges[i].from && pc - starve.base < starve.ranges[i].to) return true;
    }
    return false;
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

static int find_base(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    starve.base = info->dlpi_addr; /* the program is the first */
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && end > starve.end) starve.end = end;
    }
    return 1;
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
    dl_iterate_phdr(find_base, NULL);
    for (char *end; starve.range_count < RANGES && *at != '\0'; at = *end == ',' ? end + 1 : end) {
        starve.ranges[starve.range_count].from = strtoul(at, &end, 16);
        if (*end != '-') break;
        starve.ranges[starve.range_count++].to = strtoul(end + 1, &end, 16);
    }
    starve.at = number_of("SIPVEIL_FAIL_AT");
    starve.from = number_of("SIPVEIL_FAIL_FROM");
    if (name != NULL && strlen(name) < sizeof file) starve.file = strcpy(file, name);
    starve.process = getpid();
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
    if (out >= 0) dprintf(out, "%lu\n", atomic_load(&starve.asked));
    if (out >= 0) close(out);
}
