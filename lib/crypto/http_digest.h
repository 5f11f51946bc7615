/* SPDX-License-Identifier: BSD-2-Clause */
/* The hashes of Digest access authentication (RFC 2617, RFC 7616, RFC 8760). MD5 is here because peers have nothing
 * else: it shows that a password is known, and serves nothing but that. It is in no other table. */
#ifndef SV_CRYPTO_HTTP_DIGEST_H
#define SV_CRYPTO_HTTP_DIGEST_H

#include "crypto/suite.h"

typedef enum sv_http_hash { SV_HTTP_MD5, SV_HTTP_SHA256 } sv_http_hash;
enum { SV_HTTP_HEX_MOST = 64 };

/* Lower hex digits; not ended by NUL. */
typedef struct sv_http_hex {
    uint8_t digits[SV_HTTP_HEX_MOST];
    size_t len;
} sv_http_hex;

/* H(pieces, one after the other), in lower hex. UNSUPPORTED: this libcrypto has no MD5. */
sipveil_code sv_http_hash_hex(sv_crypto *crypto, sv_http_hash hash, const sipveil_span *pieces, size_t count,
                              sv_http_hex *out, sipveil_error *err);

#endif
