/* SPDX-License-Identifier: BSD-2-Clause */
/* Files: whole input into memory; output late and atomic. */
#ifndef TOOL_IO_H
#define TOOL_IO_H

#include "tool.h"

typedef struct io_octets {
    uint8_t *data; /* wiped and freed by io_free */
    size_t len;
} io_octets;

/* Reads all of path (NULL or "-": standard input), at most `most` octets. False after a message;
 * *exit_code is then set. */
bool io_read(const tool_common *common, const char *path, size_t most, io_octets *out, int *exit_code);
/* io_read for a message, which cannot be empty (exit 3). */
bool io_read_message(const tool_common *common, const char *path, size_t most, io_octets *out, int *exit_code);
void io_free(io_octets *octets);

enum {
    IO_SECRET = 1,  /* mode 0600 whatever the umask */
    IO_REPLACE = 2, /* replace an existing file (reports, views; or --force) */
    IO_BINARY = 4   /* refused on a terminal */
};
/* Writes to path (NULL or "-": standard output). A file is written under a temporary name in the same
 * folder, synced and renamed; a failed write leaves nothing. A file that this run has read is not written to
 * (apart.h). One that replaces another is open to nobody whom the old one was closed to. Returns TOOL_OK, TOOL_FAILED or
 * TOOL_USAGE after a message. */
int io_write(const tool_common *common, const char *path, sipveil_span octets, unsigned flags);
/* io_write with common->output and --force. */
int io_write_output(const tool_common *common, sipveil_span octets, unsigned flags);

/* As files of certificates in a folder are called; what lies beside them (keys, notes) is not read. */
bool io_is_certificate_name(const char *name);
/* Whether two names are of one file that exists. */
bool io_same_file(const char *a, const char *b);
/* Whether a report written to path would replace what `other` names. Devices are written to by everybody. */
bool io_would_replace(const char *path, const char *other);
/* Whether io_write would be refused because the file exists (so that nothing else is done first). */
bool io_would_refuse(const tool_common *common, const char *path, bool replace, int *exit_code);

#endif
