/* SPDX-License-Identifier: BSD-2-Clause */
#include "keyref.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "apart.h"

enum { PASSPHRASE_MOST = 1024, REFERENCE_MOST = 4096 };

/* Where a passphrase comes from. */
typedef struct passphrase_source {
    const tool_common *common;
    const char *source; /* "file:F", "fd:N", "prompt", or NULL: prompt */
    bool allow_open;
    bool failed; /* a message was printed */
} passphrase_source;

static ssize_t read_some(int fd, char *out, size_t room)
{
    size_t used = 0;
    while (used < room) {
        ssize_t n = read(fd, out + used, room - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

/* A final line end is not part of it, once (ADV-096). */
static int without_line_end(const char *text, int len)
{
    if (len > 0 && text[len - 1] == '\n') len--;
    if (len > 0 && text[len - 1] == '\r') len--;
    return len;
}

/* The descriptor is what is checked, so that no swap of names helps (ADV-210). */
static ssize_t read_closed_file(const tool_common *common, const char *path, bool allow_open, char *out, size_t room)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        tool_failure(common, TOOL_USAGE, NULL, "%s: cannot be read: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
        return -1;
    }
    apart_note(fd);
    const char *reason = !S_ISREG(st.st_mode)                      ? "is no regular file"
                         : st.st_uid != geteuid() && st.st_uid != 0 ? "belongs to another user"
                         : (st.st_mode & 077) != 0 && !allow_open  ? "can be read or written by others"
                                                                   : NULL;
    ssize_t n = -1;
    if (S_ISDIR(st.st_mode)) {
        tool_failure(common, TOOL_USAGE, NULL, "%s: it is a folder, and a file is wanted", path);
    } else if (reason != NULL) {
        tool_failure(common, TOOL_USAGE, "chmod 600 it, or say --allow-open-key-file",
                     "%s: secret file %s", path, reason);
    } else {
        n = read_some(fd, out, room);
        if (n < 0) tool_failure(common, TOOL_USAGE, NULL, "%s: cannot be read: %s", path, strerror(errno));
    }
    close(fd);
    return n;
}

static int read_secret_file(passphrase_source *s, const char *path, char *out, size_t room)
{
    ssize_t n = read_closed_file(s->common, path, s->allow_open, out, room);
    return n < 0 ? -1 : without_line_end(out, (int)n);
}

bool keyref_read_secret(const tool_common *common, const char *path, bool allow_open, size_t most, io_octets *out)
{
    *out = (io_octets){.data = malloc(most)};
    ssize_t n = out->data != NULL ? read_closed_file(common, path, allow_open, (char *)out->data, most) : -1;
    if (n >= 0 && (size_t)n < most) {
        out->len = (size_t)n;
        return true;
    }
    if (n >= 0) tool_failure(common, TOOL_USAGE, NULL, "%s: larger than any such file is (%zu octets)", path, most);
    if (n > 0) out->len = (size_t)n;
    io_free(out);
    return false;
}

static int read_secret_descriptor(passphrase_source *s, const char *number, char *out, size_t room)
{
    char *end;
    long fd = strtol(number, &end, 10);
    if (*number == '\0' || *end != '\0' || fd < 0 || fd > INT_MAX) {
        tool_failure(s->common, TOOL_USAGE, NULL, "fd:%s is no file descriptor: a number is wanted, as in fd:3", number);
        return -1;
    }
    ssize_t n = read_some((int)fd, out, room);
    if (n < 0) {
        tool_failure(s->common, TOOL_USAGE, "open it in the shell: 3<FILE", "file descriptor %ld cannot be read: %s", fd, strerror(errno));
        return -1;
    }
    return without_line_end(out, (int)n);
}

static int read_secret_prompt(passphrase_source *s, const char *prompt, char *out, size_t room)
{
    struct termios before, quiet;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &before) != 0) {
        tool_failure(s->common, TOOL_USAGE, "give the passphrase with ,pass=file:F or ,pass=fd:N",
                     "no terminal to ask for the passphrase of %s", prompt);
        if (fd >= 0) close(fd);
        return -1;
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(fd, TCSAFLUSH, &quiet);
    dprintf(fd, "Passphrase for %s: ", prompt);
    size_t used = 0;
    char c = 0;
    while (used < room && read(fd, &c, 1) == 1 && c != '\n') out[used++] = c;
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    dprintf(fd, "\n");
    close(fd);
    return (int)used;
}

static int read_secret(passphrase_source *s, const char *prompt, char *out, size_t room)
{
    int n;
    if (s->source == NULL || strcmp(s->source, "prompt") == 0) {
        n = read_secret_prompt(s, prompt, out, room);
    } else if (strncmp(s->source, "file:", 5) == 0) {
        n = read_secret_file(s, s->source + 5, out, room);
    } else {
        n = read_secret_descriptor(s, s->source + strlen("fd:"), out, room);
    }
    if (n < 0) s->failed = true;
    return n;
}

/* Not quoted: somebody may have typed the passphrase itself (ADV-211). */
static bool is_source(const tool_common *common, const char *source)
{
    if (source == NULL || strcmp(source, "prompt") == 0 || strncmp(source, "file:", 5) == 0 || strncmp(source, "fd:", 3) == 0) {
        return true;
    }
    tool_failure(common, TOOL_USAGE, "it comes from file:F, fd:N or prompt, never from the command line",
                 "what follows pass= is no source of a passphrase");
    return false;
}

static int ask_passphrase(void *user, const char *prompt, char *out, size_t room)
{
    return read_secret(user, prompt, out, room);
}

static int add_password(const tool_common *common, sipveil_keyring *ring, const char *source, bool allow_open)
{
    char password[PASSPHRASE_MOST];
    passphrase_source s = {common, source, allow_open, false};
    sipveil_error err;
    int n = read_secret(&s, "the password recipient", password, sizeof password);
    if (n < 0) return TOOL_USAGE;
    sipveil_code code = sipveil_keyring_add_password(ring, (sipveil_span){(const uint8_t *)password, (size_t)n}, NULL, &err);
    explicit_bzero(password, sizeof password);
    return code == SIPVEIL_OK ? TOOL_OK : tool_error(common, NULL, &err);
}

/* Cuts ",name=value" off the end of a reference, if it is there. */
static const char *cut_suffix(char *reference, const char *name)
{
    char *at = NULL;
    for (char *hit = reference; (hit = strstr(hit, name)) != NULL; hit++) at = hit;
    if (at == NULL) return NULL;
    *at = '\0';
    return at + strlen(name);
}

/* pkcs11:...[,pass=SOURCE]: the passphrase is the token's PIN. */
static int add_from_token(passphrase_source *source, sipveil_keyring *ring, const char *uri,
                          const sipveil_key_options *options)
{
    sipveil_error err;
    if (options->kid != NULL) {
        return tool_failure(source->common, TOOL_USAGE, "object= and id= of the URI pick one",
                            "kid picks from a JWK set, not from a token");
    }
    if (source->source != NULL && strstr(uri, "pin-source=") != NULL) {
        return tool_failure(source->common, TOOL_USAGE, "leave one of them out", "the PIN is given twice: by pin-source= and by ,pass=");
    }
    if (sipveil_keyring_add_pkcs11(ring, uri, options, NULL, &err) == SIPVEIL_OK) return TOOL_OK;
    if (source->failed) return TOOL_USAGE; /* the reason was already told */
    (void)tool_error(source->common, NULL, &err);
    return err.code == SIPVEIL_INTERNAL ? TOOL_FAILED : TOOL_USAGE;
}

int keyref_add(const tool_common *common, sipveil_keyring *ring, const char *reference, bool allow_open_key_file)
{
    char path[REFERENCE_MOST];
    passphrase_source source = {common, NULL, allow_open_key_file, false};
    sipveil_key_options options = {.passphrase = ask_passphrase,
                                   .passphrase_user = &source,
                                   .allow_open_key_file = allow_open_key_file};
    sipveil_error err;
    if (strncmp(reference, "pass:", 5) == 0) {
        char file[REFERENCE_MOST];
        snprintf(file, sizeof file, "file:%s", reference + 5);
        return add_password(common, ring, file, allow_open_key_file);
    }
    if (strncmp(reference, "pass-fd:", 8) == 0) {
        char fd[64];
        snprintf(fd, sizeof fd, "fd:%s", reference + 8);
        return add_password(common, ring, fd, allow_open_key_file);
    }
    if (strcmp(reference, "pass-prompt:") == 0) return add_password(common, ring, "prompt", allow_open_key_file);
    if (snprintf(path, sizeof path, "%s", reference) >= (int)sizeof path) {
        return tool_failure(common, TOOL_USAGE, NULL, "a key reference is longer than any that is handled");
    }
    const char *pass = cut_suffix(path, ",pass=");
    const char *kid = cut_suffix(path, ",kid=");
    if (pass == NULL && kid != NULL) {
        /* ",pass=" may stand before ",kid=" as well */
        pass = cut_suffix(path, ",pass=");
    }
    if (!is_source(common, pass)) return TOOL_USAGE;
    source.source = pass;
    options.kid = kid;
    if (strncasecmp(path, "pkcs11:", 7) == 0) return add_from_token(&source, ring, path, &options);
    if (sipveil_keyring_add_file(ring, path, &options, NULL, &err) == SIPVEIL_OK) return TOOL_OK;
    if (source.failed) return TOOL_USAGE; /* the reason was already told */
    /* A key file that cannot be had is an unusable key (exit 2), whatever the reason. */
    (void)tool_error(common, strstr(err.text, path) != NULL ? NULL : path, &err);
    return err.code == SIPVEIL_INTERNAL ? TOOL_FAILED : TOOL_USAGE;
}

size_t tool_split_list(char *list, const char **pieces, size_t most)
{
    size_t count = 0;
    for (char *rest = list, *piece; (piece = strsep(&rest, ",")) != NULL;) {
        while (*piece == ' ') piece++;
        if (*piece == '\0' || count == most) return 0;
        pieces[count++] = piece;
    }
    return count;
}
