/* SPDX-License-Identifier: BSD-2-Clause */
/* Over one reused ECB context: libcrypto's own wrap cipher costs five times as much. */
#include "crypto/keywrap.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#include "base/wipe.h"
#include "crypto/contexts.h"

enum { HALF = 8, BLOCK = 16, ROUNDS = 6, LEAST = 2 * HALF }; /* RFC 3394 2.2.1: at least two halves */

static const uint8_t check_value[HALF] = {0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6};

static bool is_key_length(size_t length)
{
    return length >= LEAST && length <= SV_KEY_MOST && length % HALF == 0;
}

static inline uint64_t half_at(const uint8_t *at)
{
    uint64_t half;
    memcpy(&half, at, HALF);
    return half;
}

/* From one block to the next only the first half goes on: it stays where it is, for each step waits for it. */
#if defined(__SSE2__) || defined(__ARM_NEON)
/* A block is held, read and written in one piece: what is stored as two halves and loaded as a whole stalls the processor
 * until both halves have reached the cache, two dozen times a key. By address, as in base/octet.c. */
typedef uint64_t carried __attribute__((vector_size(BLOCK)));

static inline void put_block(uint8_t block[BLOCK], const carried *first, const uint8_t *second)
{
    carried both = *first;
    both[1] = half_at(second);
    memcpy(block, &both, BLOCK);
}
static inline void take_block(carried *first, const uint8_t block[BLOCK])
{
    memcpy(first, block, BLOCK);
}
static inline void count(carried *first, uint64_t step)
{
    *first ^= (carried){htobe64(step)};
}
#else
/* Where no register is as wide, a whole block would lie on the stack once more, not wiped. */
typedef uint64_t carried;

static inline void put_block(uint8_t block[BLOCK], const carried *first, const uint8_t *second)
{
    memcpy(block, first, HALF);
    memcpy(block + HALF, second, HALF);
}
static inline void take_block(carried *first, const uint8_t block[BLOCK])
{
    memcpy(first, block, HALF);
}
static inline void count(carried *first, uint64_t step)
{
    *first ^= htobe64(step);
}
#endif

bool sv_wrap_by_blocks(sv_block_cipher encrypt, void *state, sipveil_span key, uint8_t *out)
{
    uint8_t block[BLOCK];
    carried check = {half_at(check_value)};
    uint64_t step = 0;
    bool good = is_key_length(key.len);
    if (good) memcpy(out + HALF, key.data, key.len);
    for (unsigned round = 0; good && round < ROUNDS; round++) {
        for (size_t at = HALF; good && at <= key.len; at += HALF) {
            put_block(block, &check, out + at);
            good = encrypt(state, block);
            take_block(&check, block);
            count(&check, ++step);
            memcpy(out + at, block + HALF, HALF);
        }
    }
    if (good) memcpy(out, &check, HALF);
    else sv_wipe(out, key.len + HALF);
    sv_wipe(block, sizeof block);
    sv_wipe(&check, sizeof check);
    return good;
}

bool sv_unwrap_by_blocks(sv_block_cipher decrypt, void *state, sipveil_span wrapped, size_t key_length,
                         uint8_t *out)
{
    uint8_t block[BLOCK];
    carried check = {0};
    uint64_t step = ROUNDS * key_length / HALF;
    bool good = is_key_length(key_length) && wrapped.len == key_length + HALF;
    if (good) {
        check = (carried){half_at(wrapped.data)};
        memcpy(out, wrapped.data + HALF, key_length);
    }
    for (unsigned round = 0; good && round < ROUNDS; round++) {
        for (size_t at = key_length; good && at > 0; at -= HALF) {
            count(&check, step--);
            put_block(block, &check, out + at - HALF);
            good = decrypt(state, block);
            take_block(&check, block);
            memcpy(out + at - HALF, block + HALF, HALF);
        }
    }
    if (good) good = CRYPTO_memcmp(&check, check_value, HALF) == 0;
    sv_wipe(block, sizeof block);
    sv_wipe(&check, sizeof check);
    if (!good) sv_wipe(out, key_length);
    return good;
}

/* EVP_Cipher knows no padding: EVP_DecryptUpdate would keep the block back. */
static bool one_block(void *ctx, uint8_t block[BLOCK])
{
    return EVP_Cipher(ctx, block, block, BLOCK) > 0;
}

sipveil_code sv_wrap_key(sv_crypto *crypto, sv_wrap wrap, const uint8_t *kek, sipveil_span key,
                         uint8_t *out, sipveil_error *err)
{
    EVP_CIPHER_CTX *ctx = crypto->blocks[wrap];
    if (EVP_EncryptInit_ex2(ctx, NULL, kek, NULL, NULL) == 1 && sv_wrap_by_blocks(one_block, ctx, key, out)) {
        return SIPVEIL_OK;
    }
    sv_wipe(out, key.len + HALF);
    return sv_fail_openssl(err, "crypto", SIPVEIL_INTERNAL, "key wrap failed");
}

bool sv_unwrap_key(sv_crypto *crypto, sv_wrap wrap, const uint8_t *kek, sipveil_span wrapped,
                   size_t key_length, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = crypto->blocks[wrap];
    bool keyed = EVP_DecryptInit_ex2(ctx, NULL, kek, NULL, NULL) == 1;
    if (keyed && sv_unwrap_by_blocks(one_block, ctx, wrapped, key_length, out)) return true;
    sv_wipe(out, key_length);
    if (!keyed) ERR_clear_error(); /* else there is nothing in it, and looking would take time (ADV-091) */
    return false;
}
