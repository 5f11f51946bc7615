/* SPDX-License-Identifier: BSD-2-Clause */
#include "statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apart.h"
#include "io.h"
#include "publish.h"

enum { STATE_MOST = 64 << 20, LOCK_NAME = 4096 };

static int failed(const tool_common *common, const char *path)
{
    return tool_failure(common, TOOL_FAILED, NULL, "%s: the state cannot be kept there: %s", path, strerror(errno));
}

static bool lock_name(const char *path, char out[LOCK_NAME])
{
    return snprintf(out, LOCK_NAME, "%s.lock", path) < LOCK_NAME;
}

/* Whether the file has that name still: a run that left no state has removed its lock. */
static bool is_named(int fd, const char *name)
{
    struct stat open_one, named;
    return fstat(fd, &open_one) == 0 && lstat(name, &named) == 0 && open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

/* The lock stands on a file of its own beside the state, so that the state itself can be replaced by
 * renaming. */
static int lock(const tool_common *common, statefile *file)
{
    static const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    char name[LOCK_NAME];
    if (!lock_name(file->path, name)) return tool_failure(common, TOOL_USAGE, NULL, "%s: the name is too long", file->path);
    for (;;) {
        file->fd = open(name, flags | O_EXCL, 0600);
        file->made_lock = file->fd >= 0;
        if (file->fd < 0 && errno == EEXIST) file->fd = open(name, flags, 0600);
        if (file->fd < 0) return failed(common, name);
        while (flock(file->fd, LOCK_EX) != 0) {
            if (errno != EINTR) return failed(common, name);
        }
        if (is_named(file->fd, name)) break;
        close(file->fd);
    }
    apart_note(file->fd);
    return TOOL_OK;
}

/* Where there is no state there is nothing to lock, and beside what is none of ours no lock is left. Whoever waits for the
 * file sees that it has lost its name. */
static void unlock(const statefile *file)
{
    char name[LOCK_NAME];
    struct stat st;
    bool is_lost = lstat(file->path, &st) != 0 && errno == ENOENT;
    if ((is_lost || (file->is_refused && file->made_lock)) && lock_name(file->path, name) && is_named(file->fd, name)) (void)unlink(name);
    close(file->fd);
}

static int check_file(const tool_common *common, const char *path, int fd, size_t *size)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return failed(common, path);
    if (!S_ISREG(st.st_mode)) {
        return tool_failure(common, TOOL_USAGE, "name a file; it is made if it is not there", "%s: is no regular file, where a state could be kept", path);
    }
    if ((st.st_mode & 077) != 0 || (st.st_uid != geteuid() && st.st_uid != 0)) {
        return tool_failure(common, TOOL_USAGE, "chmod 600 it", "%s: a state file must be ours and closed to others",
                            path);
    }
    if (st.st_size > STATE_MOST) return tool_failure(common, TOOL_USAGE, "move it away to start anew", "%s: larger than any state file is (%d octets)", path, STATE_MOST);
    *size = (size_t)st.st_size;
    return TOOL_OK;
}

/* What is there; nothing for a file that is not there yet. */
static int read_image(const tool_common *common, const char *path, io_octets *out)
{
    size_t size = 0;
    *out = (io_octets){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ELOOP) {
        return tool_failure(common, TOOL_USAGE, NULL, "%s: a state file has one name, and is no symbolic link", path);
    }
    if (fd < 0) return errno == ENOENT ? TOOL_OK : failed(common, path);
    int exit_code = check_file(common, path, fd, &size);
    out->data = exit_code == TOOL_OK && size > 0 ? malloc(size) : NULL;
    if (exit_code == TOOL_OK && size > 0 && out->data == NULL) exit_code = tool_failure(common, TOOL_FAILED, NULL, "%s: no memory", path);
    while (out->data != NULL && out->len < size) {
        ssize_t n = read(fd, out->data + out->len, size - out->len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        out->len += (size_t)n;
    }
    close(fd);
    return exit_code;
}

int statefile_refuse(const tool_common *common, statefile *file)
{
    file->is_refused = true;
    return tool_failure(common, TOOL_USAGE, "name another file; or move this one away to start anew", "%s: is no state file of this verb, or a damaged one", file->path);
}

static int load(const tool_common *common, statefile *file)
{
    sipveil_error err;
    io_octets image;
    int exit_code = read_image(common, file->path, &image);
    file->is_refused = exit_code != TOOL_OK;
    if (exit_code == TOOL_OK && image.len > 0 &&
        sipveil_memory_load(file->memory, (sipveil_span){image.data, image.len}, file->now, &err) != SIPVEIL_OK) {
        exit_code = statefile_refuse(common, file);
    }
    io_free(&image);
    return exit_code;
}

int statefile_open_octets(const tool_common *common, const char *path, statefile *out, io_octets *image)
{
    *out = (statefile){.path = path, .fd = -1};
    *image = (io_octets){0};
    if (strcmp(path, "-") == 0) return tool_usage_error(common, "the state cannot be kept on standard output");
    int exit_code = lock(common, out);
    if (exit_code != TOOL_OK) return exit_code;
    exit_code = read_image(common, path, image);
    out->is_refused = exit_code != TOOL_OK;
    return exit_code;
}

int statefile_save_octets(const tool_common *common, const statefile *file, sipveil_span image)
{
    return io_write(common, file->path, image, IO_SECRET | IO_REPLACE);
}

int statefile_open(const tool_common *common, const char *path, int64_t now, statefile *out)
{
    sipveil_error err;
    *out = (statefile){.path = path, .fd = -1, .now = now};
    if (strcmp(path, "-") == 0) return tool_usage_error(common, "the state cannot be kept on standard output");
    int exit_code = lock(common, out);
    if (exit_code != TOOL_OK) return exit_code;
    if (sipveil_memory_new(&out->memory, &err) != SIPVEIL_OK) return tool_error(common, NULL, &err);
    return load(common, out);
}

int statefile_save(const tool_common *common, statefile *file)
{
    sipveil_error err;
    uint8_t *image;
    size_t len;
    if (sipveil_memory_save(file->memory, file->now, &image, &len, &err) != SIPVEIL_OK) {
        return tool_error(common, NULL, &err);
    }
    int exit_code = statefile_save_octets(common, file, (sipveil_span){image, len});
    sipveil_memory_wipe_image(image, len);
    return exit_code;
}

void statefile_close(statefile *file)
{
    sipveil_memory_free(file->memory);
    (void)publish_settle(); /* nobody else has seen it */
    if (file->fd >= 0) unlock(file);
    *file = (statefile){.fd = -1};
}
