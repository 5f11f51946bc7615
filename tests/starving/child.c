/* SPDX-License-Identifier: BSD-2-Clause */
/* Each request fails in a child of its own, born where the request is made, so that nothing has to be run again up to
 * there. The child goes on to the end of the case, its tear-down too, or of the input where a fuzz target is run.
 *
 *   SIPVEIL_FAIL_OUTPUT=file      what the children print, one after the other
 *   SIPVEIL_FAIL_PATIENCE=seconds after which a child hangs; it is ended, and says where it was */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <dlfcn.h>

#include "starve.h"

enum { LAST_WORDS = 10 }; /* seconds */

static struct {
    int results, output;
    int patience;
    bool is_child;
} children;

void starve_begin_children(int results)
{
    const char *output = getenv("SIPVEIL_FAIL_OUTPUT"), *patience = getenv("SIPVEIL_FAIL_PATIENCE");
    children.results = results;
    children.output = output != NULL ? open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    children.patience = patience != NULL ? atoi(patience) : 60;
}

/* What it has not printed yet was the program's. */
static void begin_child(bool and_all)
{
    children.is_child = true;
    __fpurge(stdout);
    dup2(children.output, STDOUT_FILENO);
    dup2(children.output, STDERR_FILENO);
    starve_fail_now(and_all);
}

/* Whether it ended by itself. */
static bool await(pid_t child, int *status)
{
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
    int got = 0;
    bool in_time = true;
    while ((got = poll(&end, 1, children.patience * 1000)) < 0 && errno == EINTR) {}
    if (got == 0) {
        in_time = false;
        kill(child, SIGABRT); /* it says where it is */
        while ((got = poll(&end, 1, LAST_WORDS * 1000)) < 0 && errno == EINTR) {}
        if (got == 0) kill(child, SIGKILL);
    }
    close(end.fd);
    while (waitpid(child, status, 0) < 0 && errno == EINTR) {}
    return in_time;
}

/* Not fork(): locks that are held note by which thread, and a child of fork() is another one. Of malloc nothing is under
 * way. */
static pid_t be_two(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0UL);
}

static bool fail_in_one(unsigned long n, uint64_t stack, bool and_all)
{
    off_t from = lseek(children.output, 0, SEEK_END);
    int status = 0;
    pid_t child = be_two();
    if (child == 0) {
        begin_child(and_all);
        return true;
    }
    bool in_time = child > 0 && await(child, &status);
    dprintf(children.results, "%s %lu %" PRIx64 " %d %d %jd %jd\n", and_all ? "from" : "at", n, stack, status, !in_time, (intmax_t)from,
            (intmax_t)lseek(children.output, 0, SEEK_END));
    return false;
}

static bool is_only_thread(void)
{
    struct stat threads; /* a link each, and two as every folder */
    return __libc_single_threaded || (stat("/proc/self/task", &threads) == 0 && threads.st_nlink == 3);
}

/* Of a program with threads a child would have but this one, so that is left to whoever runs the program again. */
bool starve_fail_in_child(unsigned long n, uint64_t stack, bool also_all)
{
    int before = errno;
    if (!is_only_thread() || children.output < 0) {
        dprintf(children.results, "left %lu %" PRIx64 " 0 0 0 0\n", n, stack);
    } else if (fail_in_one(n, stack, false) || (also_all && fail_in_one(n, stack, true))) {
        return true;
    }
    errno = before;
    return false;
}

/* ---- where a case ends ---- */

void starve_case_ended(int failed);
void starve_case_ended(int failed)
{
    if (!children.is_child) return;
    fflush(stdout);
    _exit(failed != 0);
}

static struct {
    const struct CMUnitTest *cases;
    size_t next;
    bool passed, under_way;
} group;

static int set_up(void **state)
{
    if (group.under_way) starve_case_ended(1); /* it was not torn down */
    group.under_way = true;
    group.passed = false;
    const struct CMUnitTest *c = &group.cases[group.next++];
    return c->setup_func != NULL ? c->setup_func(state) : 0;
}

static void run_case(void **state)
{
    group.cases[group.next - 1].test_func(state);
    group.passed = true;
}

static int tear_down(void **state)
{
    const struct CMUnitTest *c = &group.cases[group.next - 1];
    int failed = c->teardown_func != NULL ? c->teardown_func(state) : 0;
    starve_case_ended(failed != 0 || !group.passed);
    group.under_way = false;
    return failed;
}

/* cmocka's own, with its cases wrapped. */
int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *const tests, const size_t count, CMFixtureFunction setup,
                            CMFixtureFunction teardown)
{
    int (*real)(const char *, const struct CMUnitTest *, size_t, CMFixtureFunction, CMFixtureFunction) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "_cmocka_run_group_tests");
    struct CMUnitTest *wrapped = real != NULL ? calloc(count, sizeof *wrapped) : NULL;
    if (wrapped == NULL) return 1;
    for (size_t i = 0; i < count; i++) wrapped[i] = (struct CMUnitTest){tests[i].name, run_case, set_up, tear_down, tests[i].initial_state};
    group.cases = tests;
    group.next = 0;
    group.under_way = false;
    int failed = real(name, wrapped, count, setup, teardown);
    free(wrapped);
    return failed;
}
