/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of seen messages between calls, in a file: 0600, locked while it is used, replaced whole.
 * The lock is FILE.lock, which goes where no FILE is left. */
#ifndef TOOL_STATEFILE_H
#define TOOL_STATEFILE_H

#include "io.h"

typedef struct statefile {
    const char *path;
    int64_t now; /* seconds UTC: entries expire by it */
    int fd; /* holds the lock; -1: not open */
    bool made_lock, is_refused; /* by this run; what is there is no state */
    sipveil_memory *memory;
} statefile;

/* Opens (or makes) and locks the file and reads it. Returns TOOL_OK or the exit code after a message. */
int statefile_open(const tool_common *common, const char *path, int64_t now, statefile *out);
/* Writes the memory back. */
int statefile_save(const tool_common *common, statefile *file);
/* The same file with octets of another kind in it; *image is empty when there is no such file yet (io_free). */
int statefile_open_octets(const tool_common *common, const char *path, statefile *out, io_octets *image);
int statefile_save_octets(const tool_common *common, const statefile *file, sipveil_span image);
/* What is in it is none of this verb's: says so; returns the exit code. */
int statefile_refuse(const tool_common *common, statefile *file);
void statefile_close(statefile *file);

#endif
