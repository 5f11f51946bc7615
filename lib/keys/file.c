/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"

sipveil_code sv_file_prefix(const char *path, sipveil_code code, sipveil_error *err)
{
    if (code != SIPVEIL_OK && code != SIPVEIL_INTERNAL && err != NULL) {
        sv_fail_prefix(err, "%s: ", SV_QUOTE(sv_span_str(path)));
    }
    return code;
}

sipveil_code sv_file_fail(sipveil_error *err, const char *what, int number)
{
#if defined(__GLIBC__)
    const char *why = strerrordesc_np(number);
#else
    const char *why = strerror(number); /* musl's is constant text */
#endif
    return sv_fail(err, "keys", SIPVEIL_IO, "%s: %s", what, why != NULL ? why : "unknown error");
}

static sipveil_code read_descriptor(int fd, sv_file *out, sipveil_error *err)
{
    if (fstat(fd, &out->status) != 0) return sv_file_fail(err, "cannot be looked at", errno);
    if (S_ISDIR(out->status.st_mode)) return sv_fail(err, "keys", SIPVEIL_USAGE, "it is a folder, and a file is wanted");
    if (!S_ISREG(out->status.st_mode)) {
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-210", SIPVEIL_NO_OFFSET,
                            "not a regular file");
    }
    if (out->status.st_size > SV_KEY_FILE_MOST) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "larger than %d octets, the most that is read", SV_KEY_FILE_MOST);
    }
    size_t room = (size_t)out->status.st_size, used = 0;
    uint8_t *data = sv_arena_alloc_raw(out->arena, room + 1);
    if (data == NULL) return sv_no_memory(err, "keys");
    while (used < room) {
        ssize_t got = read(fd, data + used, room - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sv_file_fail(err, "cannot be read", errno);
        if (got == 0) break;
        used += (size_t)got;
    }
    out->octets = sv_span(data, used);
    return used > 0 ? SIPVEIL_OK : sv_fail(err, "keys", SIPVEIL_USAGE, "it is empty");
}

/* Non-blocking, so that a FIFO cannot hold us up before fstat tells what it is. */
sipveil_code sv_file_read(int folder, const char *name, sv_file *out, sipveil_error *err)
{
    *out = (sv_file){0};
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return sv_file_fail(err, "cannot be opened", errno);
    out->arena = sv_arena_new(SV_FILE_BLOCK, SV_KEY_FILE_MOST + 2 * SV_FILE_BLOCK);
    sipveil_code code = out->arena == NULL ? sv_no_memory(err, "keys") : read_descriptor(fd, out, err);
    (void)close(fd);
    if (code != SIPVEIL_OK) {
        sv_arena_free(out->arena);
        *out = (sv_file){0};
    }
    return code;
}

static int by_octets(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static sipveil_code take_names(DIR *folder, bool (*wanted)(const char *name), size_t most, sv_file_names *out, sipveil_error *err)
{
    out->of = sv_arena_alloc_array(out->arena, most + 1, sizeof *out->of);
    if (out->of == NULL) return sv_no_memory(err, "keys");
    while (out->count <= most) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL && errno != 0) return sv_file_fail(err, "cannot be listed", errno);
        if (entry == NULL) break;
        if (!wanted(entry->d_name)) continue;
        const char *name = sv_arena_string(out->arena, sv_span_str(entry->d_name));
        if (name == NULL) return sv_no_memory(err, "keys");
        out->of[out->count++] = name;
    }
    qsort(out->of, out->count, sizeof *out->of, by_octets);
    return SIPVEIL_OK;
}

/* scandirat() is glibc's alone. */
sipveil_code sv_file_list(int folder, bool (*wanted)(const char *name), size_t most, sv_file_names *out, sipveil_error *err)
{
    *out = (sv_file_names){0};
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *opened = fd >= 0 ? fdopendir(fd) : NULL;
    if (opened == NULL) {
        sipveil_code code = sv_file_fail(err, "cannot be listed", errno);
        if (fd >= 0) (void)close(fd);
        return code;
    }
    out->arena = sv_arena_new(SV_FILE_BLOCK, SV_FILE_BLOCK + (most + 1) * SV_FILE_NAME_MOST);
    sipveil_code code = out->arena == NULL ? sv_no_memory(err, "keys") : take_names(opened, wanted, most, out, err);
    (void)closedir(opened);
    if (code != SIPVEIL_OK) {
        sv_arena_free(out->arena);
        *out = (sv_file_names){0};
    }
    return code;
}

sipveil_code sv_file_check_secrecy(const struct stat *status, bool allow_open, sipveil_error *err)
{
    if (status->st_uid != geteuid() && status->st_uid != 0) {
        sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-210", SIPVEIL_NO_OFFSET,
                     "holds a secret and belongs to another user (%lu)", (unsigned long)status->st_uid);
        return sv_hint(err, SIPVEIL_USAGE, "chown it to yourself");
    }
    if ((status->st_mode & 077) == 0 || allow_open) return SIPVEIL_OK;
    sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-210", SIPVEIL_NO_OFFSET,
                 "holds a secret and is open to group or others (mode %04o)",
                 (unsigned)status->st_mode & 07777);
    return sv_hint(err, SIPVEIL_USAGE, "chmod 600 it, or say --allow-open-key-file");
}
