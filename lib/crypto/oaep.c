/* SPDX-License-Identifier: BSD-2-Clause */
/* The padding of OAEP alone, for a token that does RSA but not this. Written in constant time by
 * libcrypto; the call is deprecated there in favour of EVP_PKEY, which wants the private key. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/wipe.h"
#include "crypto/contexts.h"
#include "crypto/transport.h"

bool sv_transport_unpad_oaep(sv_crypto *crypto, sv_hash hash, sv_hash mask_hash, sipveil_span block,
                             size_t cek_length, uint8_t *out)
{
    const sv_suite *suite = crypto->context->suite;
    uint8_t plain[SV_MODULUS_MOST];
    int size = block.len <= SV_MODULUS_MOST ? (int)block.len : 0;
    bool good = size > 0 && RSA_padding_check_PKCS1_OAEP_mgf1(plain, sizeof plain, block.data, size, size, NULL, 0,
                                                              suite->hashes[hash],
                                                              suite->hashes[mask_hash]) == (int)cek_length;
    if (good) memcpy(out, plain, cek_length);
    else sv_wipe(out, cek_length);
    sv_wipe(plain, sizeof plain);
    ERR_clear_error();
    return good;
}
