/* SPDX-License-Identifier: BSD-2-Clause */
/* Files read whole into an arena of their own, and whether a file may hold a secret. */
#ifndef SV_KEYS_FILE_H
#define SV_KEYS_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/error.h"

enum { SV_FILE_BLOCK = 4096, SV_KEY_FILE_MOST = 1 << 20, SV_FILE_NAME_MOST = 1024 };

typedef struct sv_file {
    sv_arena *arena; /* wiped when freed */
    sipveil_span octets;
    struct stat status; /* of the descriptor that was read */
} sv_file;

/* A regular file of 1 octet to SV_KEY_FILE_MOST; folder: a descriptor or AT_FDCWD. */
sipveil_code sv_file_read(int folder, const char *name, sv_file *out, sipveil_error *err);

typedef struct sv_file_names {
    sv_arena *arena;
    const char **of; /* in the order of their octets, not the locale's */
    size_t count;
} sv_file_names;

/* The names in a folder that `wanted` takes, in an arena of their own; where there are more than `most`, one more than that. */
sipveil_code sv_file_list(int folder, bool (*wanted)(const char *name), size_t most, sv_file_names *out, sipveil_error *err);
/* ADV-210: ours or root's, and nobody else's to read or write. */
sipveil_code sv_file_check_secrecy(const struct stat *status, bool allow_open, sipveil_error *err);

/* Names the file in front of the sentence. */
sipveil_code sv_file_prefix(const char *path, sipveil_code code, sipveil_error *err);
/* "cannot be opened: permission denied" */
sipveil_code sv_file_fail(sipveil_error *err, const char *what, int number);

#endif
