/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/passwrap.h"

#include <openssl/err.h>
#include <string.h>

#include "base/wipe.h"
#include "crypto/contexts.h"

enum { BLOCK = 16, CHECKED = 3, PREFIX = 1 + CHECKED };

static bool cbc(EVP_CIPHER_CTX *ctx, uint8_t *out, const uint8_t *in, size_t len)
{
    int n = 0;
    return EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && (size_t)n == len;
}

sipveil_code sv_passwrap_key(sv_crypto *crypto, sipveil_cipher cipher, const uint8_t *kek,
                             const uint8_t *iv, sipveil_span key, uint8_t *out, size_t *len,
                             sipveil_error *err)
{
    EVP_CIPHER_CTX *ctx = crypto->contents[cipher];
    size_t used = PREFIX + key.len;
    *len = used <= 2 * BLOCK ? 2 * BLOCK : (used + BLOCK - 1) / BLOCK * BLOCK;
    if (key.len < CHECKED || *len > SV_PASSWRAP_MOST) {
        return sv_fail(err, "crypto", SIPVEIL_INTERNAL, "a key of %zu octets cannot be wrapped", key.len);
    }
    SV_TRY(sv_random(crypto, out + used, *len - used, err));
    out[0] = (uint8_t)key.len;
    for (size_t i = 0; i < CHECKED; i++) out[1 + i] = (uint8_t)~key.data[i];
    memcpy(out + PREFIX, key.data, key.len);
    /* The second pass goes on where the first one ended: its IV is the last block of the first. */
    if (EVP_EncryptInit_ex2(ctx, NULL, kek, iv, NULL) == 1 && cbc(ctx, out, out, *len) &&
        cbc(ctx, out, out, *len)) {
        return SIPVEIL_OK;
    }
    sv_wipe(out, *len);
    return sv_fail_openssl(err, "crypto", SIPVEIL_INTERNAL, "password key wrap failed");
}

bool sv_passunwrap_key(sv_crypto *crypto, sipveil_cipher cipher, const uint8_t *kek, const uint8_t *iv,
                       sipveil_span wrapped, size_t key_length, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = crypto->contents[cipher];
    uint8_t block[SV_PASSWRAP_READ_MOST];
    size_t n = wrapped.len;
    bool good = n >= 2 * BLOCK && n <= sizeof block && n % BLOCK == 0 && n >= PREFIX + key_length &&
                key_length >= CHECKED;
    if (good) {
        uint8_t *last = block + n - BLOCK;
        good = EVP_DecryptInit_ex2(ctx, NULL, kek, wrapped.data + n - 2 * BLOCK, NULL) == 1 &&
               cbc(ctx, last, wrapped.data + n - BLOCK, BLOCK) &&
               EVP_DecryptInit_ex2(ctx, NULL, NULL, last, NULL) == 1 &&
               cbc(ctx, block, wrapped.data, n - BLOCK) &&
               EVP_DecryptInit_ex2(ctx, NULL, NULL, iv, NULL) == 1 && cbc(ctx, block, block, n);
    }
    if (good) {
        unsigned bad = block[0] ^ (unsigned)key_length;
        for (size_t i = 0; i < CHECKED; i++) bad |= (block[1 + i] ^ block[PREFIX + i]) ^ 0xFFu;
        good = bad == 0;
    }
    if (good) memcpy(out, block + PREFIX, key_length);
    else sv_wipe(out, key_length);
    sv_wipe(block, sizeof block);
    ERR_clear_error();
    return good;
}
