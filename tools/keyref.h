/* SPDX-License-Identifier: BSD-2-Clause */
/* Key references as a person types them: FILE[,kid=TEXT][,pass=file:F|fd:N|prompt], pkcs11:URI[,pass=...],
 * pass:FILE, pass-fd:N, pass-prompt:. Secrets come from files, descriptors or the terminal, never from argv. */
#ifndef TOOL_KEYREF_H
#define TOOL_KEYREF_H

#include "io.h"

/* Adds what the reference names to the ring, one key or more. Returns TOOL_OK, or the exit code after a message. */
int keyref_add(const tool_common *common, sipveil_keyring *ring, const char *reference,
               bool allow_open_key_file);

/* All of a secret file, which must be ours and closed to others; false after a message. io_free wipes it. */
bool keyref_read_secret(const tool_common *common, const char *path, bool allow_open, size_t most, io_octets *out);

/* A list "a,b,c" cut in place into at most `most` pieces; returns their number, 0 if one is empty. */
size_t tool_split_list(char *list, const char **pieces, size_t most);

#endif
