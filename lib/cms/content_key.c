/* SPDX-License-Identifier: BSD-2-Clause */
#include "cms/content_key.h"

#include "crypto/kdf.h"

sipveil_code sv_content_key_bind(sv_crypto *crypto, sipveil_span cek, sipveil_span algorithm, uint8_t *out,
                                 sipveil_error *err)
{
    static const char salt[] = "The Cryptographic Message Syntax";
    return sv_kdf_hkdf(crypto, SV_HASH_SHA256, cek, sv_span_str(salt), algorithm, out, cek.len, err);
}
