/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that one run writes count as a whole: state, report, view and output are there together, or none of them is and
 * what was there before is back. */
#ifndef TOOL_PUBLISH_H
#define TOOL_PUBLISH_H

#include <stdbool.h>

/* Gives the temporary file its name. replace: an existing file of that name; else errno is EEXIST. Neither follows a symbolic
 * link (ADV-217). False, with errno. */
bool publish(const char *temporary, const char *path, bool replace);

/* Something could not be written, or memory ended: what was published in this run is taken back when it is settled. */
void publish_failed(void);

/* Takes back, or forgets what was there before. While the state is still locked, and at the end. Whether anything had failed. */
bool publish_settle(void);

#endif
