/* SPDX-License-Identifier: BSD-2-Clause */
/* The key that the content cipher gets. */
#ifndef SV_CMS_CONTENT_KEY_H
#define SV_CMS_CONTENT_KEY_H

#include "crypto/crypto.h"

/* CEK' of RFC 9709 2: bound to the content encryption algorithm (the whole AlgorithmIdentifier), so that
 * nobody can relabel one cipher as another. out: as many octets as the CEK has. */
sipveil_code sv_content_key_bind(sv_crypto *crypto, sipveil_span cek, sipveil_span algorithm, uint8_t *out,
                                 sipveil_error *err);

#endif
