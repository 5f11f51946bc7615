/* SPDX-License-Identifier: BSD-2-Clause */
/* What a command writes never replaces what the same command reads. */
#ifndef TOOL_APART_H
#define TOOL_APART_H

#include "tool.h"

/* A word of the command line that may name a file, in the order given. */
typedef struct apart_word {
    const tool_option *option; /* whose argument it is; NULL: an operand, or a word that was not understood */
    const char *value;
} apart_word;

/* Before anything is read. False after a message: a file that one word names for writing is named for something else by
 * another, alone or within FILE,kid=TEXT, HOST=KEYREF, file:F and the like, or is read from a folder that is named. */
bool apart_check(const tool_common *common, const apart_word *words, size_t count);

/* This run has read the file behind the descriptor (a table may name more files than the command line does). */
void apart_note(int fd);
bool apart_was_read(const char *path);

#endif
