/* SPDX-License-Identifier: BSD-2-Clause */
/* Files read whole into an arena of their own, and whether a file may hold a secret. */
#ifndef SV_KEYS_FILE_H
#define SV_KEYS_FILE_H

#include <sys/stat.h>

#include "base/arena.h"
#include "base/error.h"

enum { SV_FILE_BLOCK = 4096, SV_KEY_FILE_MOST = 1 << 20 };

typedef struct sv_file {
    sv_arena *arena; /* wiped when freed */
    sipveil_span octets;
    struct stat status; /* of the descriptor that was read */
} sv_file;

/* A regular file of 1 octet to SV_KEY_FILE_MOST; folder: a descriptor or AT_FDCWD. */
sipveil_code sv_file_read(int folder, const char *name, sv_file *out, sipveil_error *err);
/* ADV-210: ours or root's, and nobody else's to read or write. */
sipveil_code sv_file_check_secrecy(const struct stat *status, bool allow_open, sipveil_error *err);

/* Names the file in front of the sentence. */
sipveil_code sv_file_prefix(const char *path, sipveil_code code, sipveil_error *err);
/* "cannot be opened: permission denied" */
sipveil_code sv_file_fail(sipveil_error *err, const char *what, int number);

#endif
