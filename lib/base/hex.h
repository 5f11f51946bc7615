/* SPDX-License-Identifier: BSD-2-Clause */
/* Octets as hexadecimal digits, in lower case. Reading them is sv_take_hex_octet of the cursor. */
#ifndef SV_BASE_HEX_H
#define SV_BASE_HEX_H

#include "base/buffer.h"

/* Room for two digits an octet; no NUL follows. Nothing of them is left elsewhere: they may be those of a key. */
void sv_write_hex(void *digits, sipveil_span octets);
void sv_put_hex(sv_buffer *b, sipveil_span octets);

#endif
