/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PUBLISHED_MOST = 16, NO_REPLACE = 1, EXCHANGE = 2 /* RENAME_... of renameat2(2) */ };

/* Of the one run of this process. */
static struct {
    struct {
        char *path, *before; /* what was there before stands under this name; NULL: nothing was */
    } files[PUBLISHED_MOST];
    size_t count;
    bool failed;
} published;

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

/* The old file gets the temporary name. A file system that cannot exchange just replaces. */
static bool replace_file(const char *temporary, const char *path)
{
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, EXCHANGE) == 0) {
        note(path, temporary);
        return true;
    }
    bool is_new = errno == ENOENT;
    if (rename(temporary, path) != 0) return false;
    if (is_new) note(path, NULL);
    return true;
}

bool publish(const char *temporary, const char *path, bool replace)
{
    if (replace) return replace_file(temporary, path);
    if (link(temporary, path) == 0) {
        (void)unlink(temporary);
    } else if ((errno != EPERM && errno != EOPNOTSUPP) || renameat2(AT_FDCWD, temporary, AT_FDCWD, path, NO_REPLACE) != 0) {
        return false;
    }
    note(path, NULL);
    return true;
}

void publish_failed(void)
{
    published.failed = true;
}

static void take_back(const char *path, const char *before)
{
    if (before == NULL) (void)unlink(path);
    else (void)rename(before, path);
}

bool publish_settle(void)
{
    bool failed = published.failed;
    while (published.count > 0) {
        char *path = published.files[--published.count].path, *before = published.files[published.count].before;
        if (failed) take_back(path, before);
        else if (before != NULL) (void)unlink(before);
        free(path);
        free(before);
    }
    published.failed = false;
    return failed;
}
