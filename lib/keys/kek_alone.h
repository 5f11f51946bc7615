/* SPDX-License-Identifier: BSD-2-Clause */
/* Each shared key alone: two keys under one identifier, or one key under two, make it unclear who shares what. */
#ifndef SV_KEYS_KEK_ALONE_H
#define SV_KEYS_KEK_ALONE_H

#include "keys/keyring.h"

/* The keys of the batch against each other and those of the ring. One key after the other under one identifier is fine
 * (CMS-15). USAGE: ADV-093. Takes n log n for large batches. */
sipveil_code sv_keks_stand_alone(const sipveil_keyring *ring, const sv_key_batch *batch, sipveil_error *err);

#endif
