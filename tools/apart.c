/* SPDX-License-Identifier: BSD-2-Clause */
#include "apart.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "io.h"

enum { PATH_ROOM = 4096, NOTED_MOST = 256, PIECES_MOST = 64 };

/* The options whose file is written alone; a state file is read and written. */
static const char *const written[] = {"output", "report", "view", "cert-out"};

static bool is_written(const apart_word *word)
{
    if (word->option == NULL) return false;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        if (strcmp(word->option->name, written[i]) == 0) return true;
    }
    return false;
}

/* By what --help says of its argument. Of a word that was not understood nobody knows. */
static bool may_name_a_file(const apart_word *word)
{
    static const char *const words[] = {"FILE", "DIR", "KEYREF", "PEER"};
    if (word->option == NULL) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(word->option->argument, words[i]) != NULL) return true;
    }
    return false;
}

static bool is_in(const char *folder, const char *name, const char *path)
{
    char other[PATH_ROOM];
    return snprintf(other, sizeof other, "%s/%s", folder, name) < (int)sizeof other && io_same_file(path, other);
}

/* Of a CA's folder two files are read; of any other the certificates. */
static bool is_read_from(const char *folder, const apart_word *word, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    if (word->option != NULL && strcmp(word->option->name, "ca") == 0) {
        return is_in(folder, "ca.pem", path) || is_in(folder, "ca.key", path);
    }
    return io_is_certificate_name(name) && is_in(folder, name, path);
}

/* A piece of a reference, between separators: FILE of "FILE,kid=a", of "HOST=FILE", of "pass=file:FILE". */
static bool piece_is(const char *from, const char *to, const apart_word *word, const char *path)
{
    char piece[PATH_ROOM];
    size_t len = (size_t)(to - from);
    if (len == 0 || len >= sizeof piece) return false;
    memcpy(piece, from, len);
    piece[len] = '\0';
    return io_would_replace(path, piece) || is_read_from(piece, word, path);
}

/* Names may hold separators themselves: each stretch that begins and ends at one is looked at. */
static bool word_has(const apart_word *word, const char *path)
{
    const char *begins[PIECES_MOST] = {word->value};
    size_t count = 1;
    for (const char *at = word->value; *at != '\0' && count < PIECES_MOST; at++) {
        if (strchr("=,:;?&", *at) != NULL) begins[count++] = at + 1;
    }
    for (size_t i = 0; i < count; i++) {
        for (const char *end = begins[i];; end++) {
            if ((*end == '\0' || strchr(",;?&", *end) != NULL) && piece_is(begins[i], end, word, path)) return true;
            if (*end == '\0') break;
        }
    }
    return false;
}

/* Whether the one stands within the other: --report=FILE as a whole. */
static bool is_part_of(const char *value, const char *word)
{
    uintptr_t at = (uintptr_t)value, from = (uintptr_t)word;
    return at >= from && at - from <= strlen(word);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A state is locked by a file beside it (statefile.c). */
static bool is_lock_of(const apart_word *word, const char *path)
{
    char lock[PATH_ROOM];
    bool is_state = word->option != NULL && strcmp(word->option->name, "state") == 0;
    return is_state && snprintf(lock, sizeof lock, "%s.lock", word->value) < (int)sizeof lock && io_would_replace(path, lock);
}

bool apart_check(const tool_common *common, const apart_word *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_written(&words[i]) || strcmp(words[i].value, "-") == 0 || is_folder(words[i].value)) continue;
        for (size_t k = 0; k < count; k++) {
            if (k == i || is_part_of(words[i].value, words[k].value) || !may_name_a_file(&words[k])) continue;
            if (!word_has(&words[k], words[i].value) && !is_lock_of(&words[k], words[i].value)) continue;
            tool_usage_error(common, "--%s would replace '%s', which this command uses otherwise", words[i].option->name, words[i].value);
            return false;
        }
    }
    return true;
}

static struct {
    struct {
        dev_t device;
        ino_t inode;
    } files[NOTED_MOST];
    size_t count;
} noted;

void apart_note(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || noted.count == NOTED_MOST) return;
    noted.files[noted.count].device = st.st_dev;
    noted.files[noted.count++].inode = st.st_ino;
}

bool apart_was_read(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) return false;
    for (size_t i = 0; i < noted.count; i++) {
        if (noted.files[i].device == st.st_dev && noted.files[i].inode == st.st_ino) return true;
    }
    return false;
}
