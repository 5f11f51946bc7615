/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"

enum { PUBLISHED_MOST = 16, NO_REPLACE = 1, EXCHANGE = 2 /* RENAME_... of renameat2(2) */ };

/* Of the one run of this process. */
static struct {
    struct {
        char *path, *before; /* what was there before stands under this name; NULL: nothing was */
    } files[PUBLISHED_MOST];
    size_t count;
    const char *temporary; /* is being written; NULL: none */
    bool failed, delivered;
} published;

/* The signals that end a run from outside. */
static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/* No such signal is taken while what is published changes. */
static void hold(sigset_t *was)
{
    sigset_t held;
    (void)sigemptyset(&held);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) (void)sigaddset(&held, ends[i]);
    (void)sigprocmask(SIG_BLOCK, &held, was);
}

static void release(const sigset_t *was)
{
    (void)sigprocmask(SIG_SETMASK, was, NULL);
}

static void take_back(const char *path, const char *before)
{
    if (before == NULL) (void)unlink(path);
    else (void)rename(before, path);
}

/* What was delivered stays known: nothing is let in twice. After this the signal does what it always did. */
static void end_run(int number)
{
    if (published.temporary != NULL) (void)unlink(published.temporary);
    for (size_t i = published.count; i > 0; i--) {
        const char *path = published.files[i - 1].path, *before = published.files[i - 1].before;
        if (!published.delivered) take_back(path, before);
        else if (before != NULL) (void)unlink(before);
    }
    (void)raise(number);
}

void publish_watch(void)
{
    struct sigaction action = {.sa_handler = end_run, .sa_flags = (int)SA_RESETHAND}, was;
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) (void)sigaddset(&action.sa_mask, ends[i]);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (sigaction(ends[i], NULL, &was) == 0 && was.sa_handler == SIG_DFL) (void)sigaction(ends[i], &action, NULL);
    }
}

bool publish_has(const char *path)
{
    for (size_t i = 0; i < published.count; i++) {
        if (io_same_file(published.files[i].path, path)) return true;
    }
    return false;
}

int publish_open(char *temporary)
{
    sigset_t was;
    hold(&was);
    int fd = mkostemp(temporary, O_CLOEXEC); /* O_EXCL, mode 0600 */
    if (fd >= 0) published.temporary = temporary;
    release(&was);
    return fd;
}

void publish_drop(void)
{
    sigset_t was;
    hold(&was);
    if (published.temporary != NULL) (void)unlink(published.temporary);
    published.temporary = NULL;
    release(&was);
}

/* Where nothing can be noted the file is published all the same, and stays. */
static void note(const char *path, const char *before)
{
    char *copy = strdup(path), *kept = before != NULL ? strdup(before) : NULL;
    if (published.count == PUBLISHED_MOST || copy == NULL || (before != NULL && kept == NULL)) {
        if (before != NULL) (void)unlink(before);
        free(copy);
        free(kept);
        return;
    }
    published.files[published.count].path = copy;
    published.files[published.count++].before = kept;
}

/* The call of the kernel itself: not every C library has renameat2(). */
static bool name_as(const char *from, const char *to, unsigned how)
{
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, how) == 0;
}

/* The old file gets the temporary name. A file system that cannot exchange just replaces. */
static bool replace_file(const char *temporary, const char *path)
{
    if (name_as(temporary, path, EXCHANGE)) {
        note(path, temporary);
        return true;
    }
    bool is_new = errno == ENOENT;
    if (rename(temporary, path) != 0) return false;
    if (is_new) note(path, NULL);
    return true;
}

static bool give_name(const char *temporary, const char *path, bool replace)
{
    if (replace) return replace_file(temporary, path);
    if (link(temporary, path) == 0) {
        (void)unlink(temporary);
    } else if ((errno != EPERM && errno != EOPNOTSUPP) || !name_as(temporary, path, NO_REPLACE)) {
        return false;
    }
    note(path, NULL);
    return true;
}

bool publish(const char *path, bool replace)
{
    sigset_t was;
    hold(&was);
    bool done = give_name(published.temporary, path, replace);
    int reason = errno;
    if (done) published.temporary = NULL;
    release(&was);
    errno = reason;
    return done;
}

void publish_delivered(void)
{
    published.delivered = true;
}

void publish_failed(void)
{
    published.failed = true;
}

bool publish_settle(void)
{
    sigset_t was;
    hold(&was);
    bool failed = published.failed;
    while (published.count > 0) {
        char *path = published.files[--published.count].path, *before = published.files[published.count].before;
        if (failed) take_back(path, before);
        else if (before != NULL) (void)unlink(before);
        free(path);
        free(before);
    }
    published.failed = false;
    release(&was);
    return failed;
}
