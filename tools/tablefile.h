/* SPDX-License-Identifier: BSD-2-Clause */
/* A partner table from a file, with the files that it includes; every mistake is told. */
#ifndef TOOL_TABLEFILE_H
#define TOOL_TABLEFILE_H

#include "io.h"

/* Returns TOOL_OK with *out *given*, or the exit code after the messages. */
int tablefile_read(const tool_common *common, const char *path, const sipveil_context *context,
                   sipveil_trust_table **out);

#endif
