/* SPDX-License-Identifier: BSD-2-Clause */
/* A fault is not left to cmocka, which would call it a failed case: it ends the program, with the frames on stderr. */
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#include "starve.h"

enum { FRAMES = 40 };

int __sigaction(int number, const struct sigaction *action, struct sigaction *old);

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
    if (starve_is_program(pc)) {
        snprintf(line, sizeof line, "starve: %s 0x%lx\n", starve_is_library(pc) ? "library" : "test", (unsigned long)(pc - starve_base()));
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
    starve_inside = true;
    __sigaction(number, &usual, NULL);
    _Unwind_Backtrace(tell_frame, &count);
    raise(number);
}

void starve_begin_faults(void)
{
    static uint8_t stack[1 << 16]; /* of the handler: the program's own may be what ended */
    struct sigaction action = {.sa_handler = tell_fault, .sa_flags = SA_ONSTACK};
    stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&own, NULL);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) __sigaction(faults[i], &action, NULL);
}
