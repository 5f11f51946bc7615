/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/http_digest.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/hex.h"
#include "crypto/contexts.h"

sipveil_code sv_http_hash_hex(sv_crypto *crypto, sv_http_hash hash, const sipveil_span *pieces, size_t count,
                              sv_http_hex *out, sipveil_error *err)
{
    const sv_suite *suite = crypto->context->suite;
    const EVP_MD *md = hash == SV_HTTP_MD5 ? suite->md5 : suite->hashes[SV_HASH_SHA256];
    uint8_t octets[SV_HASH_MOST];
    unsigned len = 0;
    out->len = 0;
    if (md == NULL) return sv_fail(err, "crypto", SIPVEIL_UNSUPPORTED, "this libcrypto has no MD5");
    bool good = EVP_DigestInit_ex2(crypto->hash, md, NULL) == 1;
    for (size_t i = 0; good && i < count; i++) {
        good = pieces[i].len == 0 || EVP_DigestUpdate(crypto->hash, pieces[i].data, pieces[i].len) == 1;
    }
    good = good && EVP_DigestFinal_ex(crypto->hash, octets, &len) == 1 && 2 * len <= sizeof out->digits;
    if (good) {
        sv_write_hex(out->digits, sv_span(octets, len));
        out->len = 2 * len;
    }
    OPENSSL_cleanse(octets, sizeof octets); /* H(A1) is as good as the password */
    return good ? SIPVEIL_OK : sv_fail_openssl(err, "crypto", SIPVEIL_INTERNAL, "cannot compute a digest");
}
