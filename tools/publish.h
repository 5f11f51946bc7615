/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that one run writes count as a whole: state, report, view and output are there together, or none of them is and
 * what was there before is back. */
#ifndef TOOL_PUBLISH_H
#define TOOL_PUBLISH_H

#include <stdbool.h>

/* From here on a run that a signal ends leaves no temporary file; what was there before is back, unless the output was
 * delivered already. */
void publish_watch(void);
void publish_delivered(void);

/* Whether this run wrote that file already, under whatever name: one that is written twice holds half of a run. */
bool publish_has(const char *path);

/* Makes the temporary file of a name that ends in XXXXXX, which lasts until it is published or dropped: -1, with errno. */
int publish_open(char *temporary);
void publish_drop(void);

/* Gives the temporary file its name. replace: an existing file of that name; else errno is EEXIST. Neither follows a symbolic
 * link (ADV-217). False, with errno. */
bool publish(const char *path, bool replace);

/* Something could not be written, or memory ended: what was published in this run is taken back when it is settled. */
void publish_failed(void);

/* Takes back, or forgets what was there before. While the state is still locked, and at the end. Whether anything had failed. */
bool publish_settle(void);

#endif
