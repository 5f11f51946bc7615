/* SPDX-License-Identifier: BSD-2-Clause */
/* Randomness comes from libcrypto's generator for private values, in blocks: asking it for the 44
 * octets of one message costs as much as the rest of sealing. What is taken is wiped at once. The
 * block is a page that the kernel empties in a child, so that a fork never sees a parent's octets
 * again (ADV-068); where the kernel cannot do that, there is no block. */
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hex.h"
#include "base/vault.h"
#include "base/wipe.h"
#include "crypto/contexts.h"

enum { PAGE = 4096, BLOCK = 1024 };

struct sv_random_pool {
    size_t left; /* octets at the end of `octets` not taken yet; 0 in a child */
    uint8_t octets[BLOCK];
};

sv_random_pool *sv_random_pool_new(void)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return NULL;
    if (!sv_pages_advise(page, PAGE, MADV_WIPEONFORK)) {
        (void)munmap(page, PAGE);
        return NULL;
    }
    (void)sv_pages_advise(page, PAGE, MADV_DONTDUMP); /* ADV-212 */
    return page;
}

void sv_random_pool_free(sv_random_pool *pool)
{
    if (pool == NULL) return;
    sv_wipe(pool, sizeof *pool);
    (void)munmap(pool, PAGE);
}

bool sv_random_of_library(void *user, uint8_t *out, size_t len)
{
    return RAND_priv_bytes_ex(user, out, len, 0) == 1;
}

static bool take_from_pool(sv_crypto *crypto, uint8_t *out, size_t len)
{
    sv_random_pool *pool = crypto->pool;
    if (pool->left < len) {
        if (!sv_random_of_library(crypto->context->library, pool->octets, BLOCK)) {
            pool->left = 0;
            return false;
        }
        pool->left = BLOCK;
    }
    uint8_t *from = pool->octets + BLOCK - pool->left;
    memcpy(out, from, len);
    sv_wipe(from, len);
    pool->left -= len;
    return true;
}

sipveil_code sv_random(sv_crypto *crypto, uint8_t *out, size_t len, sipveil_error *err)
{
    const sipveil_hooks *hooks = &crypto->context->hooks;
    bool good;
    if (hooks->random != sv_random_of_library) {
        good = hooks->random(hooks->user, out, len);
    } else if (crypto->pool != NULL && len <= BLOCK / 4) {
        good = take_from_pool(crypto, out, len);
    } else {
        good = sv_random_of_library(crypto->context->library, out, len);
    }
    if (good) return SIPVEIL_OK;
    sv_wipe(out, len);
    return sv_fail_openssl(err, "crypto", SIPVEIL_INTERNAL, "the random generator failed"); /* ADV-214 */
}

sipveil_code sv_random_hex(sv_crypto *crypto, uint8_t *digits, size_t octets, sipveil_error *err)
{
    uint8_t *random = digits + octets; /* the second half: each octet is read before its digits reach it */
    SV_TRY(sv_random(crypto, random, octets, err));
    sv_write_hex(digits, sv_span(random, octets));
    return SIPVEIL_OK;
}

sipveil_code sv_put_random_hex(sv_crypto *crypto, size_t octets, sv_buffer *out, sipveil_error *err)
{
    uint8_t *digits = sv_put_room(out, 2 * octets);
    return digits != NULL ? sv_random_hex(crypto, digits, octets, err) : sv_buffer_check(out, "crypto", err);
}

sipveil_code sv_stand_in_keys(sv_crypto *crypto, const sv_stand_in **out, sipveil_error *err)
{
    *out = &crypto->stand_in;
    if (crypto->has_stand_in) return SIPVEIL_OK;
    SV_TRY(sv_random(crypto, (uint8_t *)&crypto->stand_in, sizeof crypto->stand_in, err));
    crypto->has_stand_in = true;
    return SIPVEIL_OK;
}
