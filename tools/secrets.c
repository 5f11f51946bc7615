/* SPDX-License-Identifier: BSD-2-Clause */
#include "secrets.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Octets for the numbers of private keys: some three thousand RSA keys. Only what is used is locked and takes memory. */
enum { PRIVATE_KEYS = 4 << 20, PRIVATE_KEY_LEAST = 64 };

static bool private_keys_locked;

/* ---- libcrypto's ordinary memory: readers of keys leave copies in it ---- */

static void give_back(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    if (block == NULL) return;
    OPENSSL_cleanse(block, malloc_usable_size(block));
    free(block);
}

static void *resize(void *block, size_t size, const char *file, int line)
{
    size_t before = block != NULL ? malloc_usable_size(block) : 0;
    if (size > 0 && size <= before) return block;
    void *other = size > 0 ? malloc(size) : NULL;
    if (other == NULL && size > 0) return NULL;
    if (block != NULL && other != NULL) memcpy(other, block, before);
    give_back(block, file, line);
    return other;
}

bool secrets_begin(void)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (CRYPTO_set_mem_functions(NULL, resize, give_back) != 1) return false;
    private_keys_locked = CRYPTO_secure_malloc_init(PRIVATE_KEYS, PRIVATE_KEY_LEAST) == 1;
    return true;
}

void secrets_tell(const tool_common *common, const sipveil_keyring *ring)
{
    sipveil_protection p = {0};
    if (!common->verbose) return;
    if (ring != NULL) sipveil_keyring_protect_secrets(ring, &p);
    fprintf(stderr, "sipveil %s: memory of private keys: %s\n", common->verb,
            private_keys_locked ? "locked, not in core files" : "not locked (ulimit -l)");
    if (p.octets == 0) return;
    fprintf(stderr, "sipveil %s: memory of shared keys and passwords: %s, %s\n", common->verb,
            p.locked == p.octets ? "locked" : "not locked (ulimit -l)",
            p.not_dumped == p.octets ? "not in core files" : "in core files if there were any");
}
