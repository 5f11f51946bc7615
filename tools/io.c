/* SPDX-License-Identifier: BSD-2-Clause */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apart.h"
#include "publish.h"

/* explicit_bzero cannot be dropped by the compiler; input may be plaintext. */
void io_free(io_octets *octets)
{
    if (octets->data != NULL) explicit_bzero(octets->data, octets->len);
    free(octets->data);
    *octets = (io_octets){0};
}

static bool is_standard(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

/* Grows by copying, so that no realloc leaves octets behind unwiped. */
static bool append(io_octets *all, size_t *capacity, const uint8_t *octets, size_t len)
{
    if (all->len + len > *capacity) {
        size_t wanted = (*capacity + len) * 2;
        uint8_t *data = malloc(wanted);
        if (data == NULL) return false;
        if (all->len > 0) memcpy(data, all->data, all->len);
        size_t used = all->len;
        io_free(all);
        *all = (io_octets){data, used};
        *capacity = wanted;
    }
    memcpy(all->data + all->len, octets, len);
    all->len += len;
    return true;
}

bool io_read(const tool_common *common, const char *path, size_t most, io_octets *out, int *exit_code)
{
    const char *name = is_standard(path) ? "standard input" : path;
    int fd = is_standard(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t capacity = 0;
    uint8_t chunk[65536];
    ssize_t n = -1;
    *out = (io_octets){0};
    *exit_code = TOOL_FAILED;
    if (fd < 0) {
        tool_failure(common, TOOL_FAILED, NULL, "%s: cannot be read: %s", name, strerror(errno));
        return false;
    }
    apart_note(fd);
    if (is_standard(path) && isatty(fd) && !common->quiet) {
        fprintf(stderr, "sipveil %s: reading a message from the terminal, end it with Ctrl-D\n", common->verb);
    }
    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            tool_failure(common, TOOL_FAILED, NULL, "%s: cannot be read: %s", name, strerror(errno));
            break;
        }
        if (out->len + (size_t)n > most) {
            *exit_code = sipveil_code_exit(SIPVEIL_LIMIT);
            tool_failure(common, *exit_code, NULL, "%s: longer than %zu octets, the most that is read", name, most);
            break;
        }
        if (!append(out, &capacity, chunk, (size_t)n)) {
            tool_failure(common, TOOL_FAILED, NULL, "%s: out of memory", name);
            break;
        }
    }
    explicit_bzero(chunk, sizeof chunk);
    if (fd != STDIN_FILENO) close(fd);
    if (n != 0) io_free(out);
    return n == 0;
}

bool io_read_message(const tool_common *common, const char *path, size_t most, io_octets *out, int *exit_code)
{
    if (!io_read(common, path, most, out, exit_code)) return false;
    if (out->len > 0) return true;
    *exit_code = tool_failure(common, sipveil_code_exit(SIPVEIL_MALFORMED), NULL, "%s: it is empty: there is no SIP message",
                              is_standard(path) ? "standard input" : path);
    return false;
}

static bool write_all(int fd, sipveil_span octets)
{
    for (size_t done = 0; done < octets.len;) {
        ssize_t n = write(fd, octets.data + done, octets.len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static bool has_option(const tool_common *common, const char *name)
{
    for (size_t i = 0; i < common->option_count; i++) {
        if (strcmp(common->options[i].name, name) == 0) return true;
    }
    return false;
}

static int write_standard(const tool_common *common, sipveil_span octets, unsigned flags)
{
    if ((flags & IO_BINARY) && isatty(STDOUT_FILENO)) {
        for (size_t i = 0; i < octets.len; i++) {
            uint8_t c = octets.data[i];
            if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c >= 0x7F) {
                return tool_failure(common, TOOL_USAGE, has_option(common, "encoding") ? "use -o FILE, or --encoding base64" : "use -o FILE",
                                    "will not write a binary message to the terminal");
            }
        }
    }
    if (!write_all(STDOUT_FILENO, octets)) {
        return tool_failure(common, TOOL_FAILED, NULL, "standard output: cannot be written: %s", strerror(errno));
    }
    publish_delivered();
    return TOOL_OK;
}

bool io_is_certificate_name(const char *name)
{
    static const char *const suffixes[] = {".pem", ".crt", ".cer", ".der"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (len > 4 && name[0] != '.' && strcasecmp(name + len - 4, suffixes[i]) == 0) return true;
    }
    return false;
}

bool io_same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Devices and pipes that exist (/dev/null, /dev/full, a FIFO) are written to, never renamed over. */
static bool is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

bool io_would_replace(const char *path, const char *other)
{
    return !is_standard(path) && !is_special(path) && (strcmp(path, other) == 0 || io_same_file(path, other));
}

bool io_would_refuse(const tool_common *common, const char *path, bool replace, int *exit_code)
{
    struct stat st;
    if (is_standard(path) || lstat(path, &st) != 0 || is_special(path)) return false;
    if (S_ISDIR(st.st_mode)) *exit_code = tool_failure(common, TOOL_USAGE, "name a file in it", "%s: is a folder", path);
    else if (!replace) *exit_code = tool_failure(common, TOOL_USAGE, "--force replaces it", "%s: the file exists", path);
    else return false;
    return true;
}

static int write_special(const tool_common *common, const char *path, sipveil_span octets)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    bool done = fd >= 0 && write_all(fd, octets);
    int reason = errno;
    if (fd >= 0 && close(fd) != 0 && done) {
        done = false;
        reason = errno;
    }
    return done ? TOOL_OK : tool_failure(common, TOOL_FAILED, NULL, "%s: cannot be written: %s", path, strerror(reason));
}

/* Who could not read the file that is replaced cannot read the new one either: its bits, and its group if we may give it. */
static bool set_mode(int fd, const char *path, bool secret)
{
    struct stat old, made;
    mode_t mask = umask(0);
    (void)umask(mask);
    mode_t mode = secret ? 0600 : 0666 & ~mask;
    if (stat(path, &old) == 0 && S_ISREG(old.st_mode) && fstat(fd, &made) == 0) {
        mode &= old.st_mode;
        if (old.st_gid != made.st_gid && fchown(fd, (uid_t)-1, old.st_gid) != 0) mode &= ~(mode_t)S_IRWXG;
    }
    return fchmod(fd, mode) == 0;
}

static int write_file(const tool_common *common, const char *path, sipveil_span octets, bool secret,
                      bool replace)
{
    char temporary[4096];
    int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temporary) {
        return tool_failure(common, TOOL_USAGE, NULL, "%s: the name is too long", path);
    }
    int fd = publish_open(temporary);
    if (fd < 0) return tool_failure(common, TOOL_FAILED, NULL, "%s: cannot be written: %s", path, strerror(errno));
    bool done = set_mode(fd, path, secret) && write_all(fd, octets) && fsync(fd) == 0;
    int reason = errno;
    if (close(fd) != 0 && done) {
        done = false;
        reason = errno;
    }
    if (done && !publish(path, replace)) {
        done = false;
        reason = errno;
    }
    if (done) return TOOL_OK;
    publish_drop();
    publish_failed();
    return tool_failure(common, reason == EEXIST ? TOOL_USAGE : TOOL_FAILED, NULL, "%s: cannot be written: %s", path,
                        strerror(reason));
}

int io_write(const tool_common *common, const char *path, sipveil_span octets, unsigned flags)
{
    int exit_code = TOOL_FAILED;
    bool replace = (flags & IO_REPLACE) != 0;
    if (is_standard(path)) return write_standard(common, octets, flags);
    if (is_special(path)) return write_special(common, path, octets);
    if (apart_was_read(path)) {
        exit_code = tool_failure(common, TOOL_USAGE, "name another output file", "%s: this run reads it, and would replace it", path);
    } else if (publish_has(path)) {
        exit_code = tool_failure(common, TOOL_USAGE, "name another file", "%s: this run writes something else there", path);
    } else if (!io_would_refuse(common, path, replace, &exit_code)) {
        return write_file(common, path, octets, (flags & IO_SECRET) != 0, replace);
    }
    publish_failed();
    return exit_code;
}

int io_write_output(const tool_common *common, sipveil_span octets, unsigned flags)
{
    return io_write(common, common->output, octets, flags | (common->force ? IO_REPLACE : 0));
}
