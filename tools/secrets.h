/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process does about its secrets before there are any, and what it tells about them. */
#ifndef SECRETS_H
#define SECRETS_H

#include "tool.h"

/* No core file, no tracer (ADV-212); libcrypto keeps private keys in locked memory and wipes whatever it gives back
 * (ADV-213). Before libcrypto takes its first memory. False: it has taken some already. */
bool secrets_begin(void);

/* --verbose: whether what the ring holds is locked. ring may be NULL. */
void secrets_tell(const tool_common *common, const sipveil_keyring *ring);

#endif
