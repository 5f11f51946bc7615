/* SPDX-License-Identifier: BSD-2-Clause */
/* The folder of --keyring: certificates of accepted signers, kept by address of record. Locked from before it is
 * read until what is new was written. */
#ifndef TOOL_KEEPER_H
#define TOOL_KEEPER_H

#include "tool.h"

typedef struct keeper {
    const char *path; /* NULL: no such folder was asked for */
    int fd;
} keeper;

/* Makes the folder if it is missing (0700), and locks it. path may be NULL. Returns TOOL_OK or the exit code after
 * a message. */
int keeper_open(const tool_common *common, const char *path, keeper *out);
/* Writes the certificates that the ring does not keep yet (0600, each file replaced as a whole). */
int keeper_save(const tool_common *common, const keeper *k, sipveil_keyring *ring, const sipveil_opened *opened);
void keeper_close(keeper *k);

#endif
