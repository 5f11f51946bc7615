/* SPDX-License-Identifier: BSD-2-Clause */
/* Preloaded into the program: the random generator of libcrypto ends at the nth time that it is asked, and does not come back, for
 * every context. FAIL_RANDOM_AT=n; FAIL_RANDOM_COUNT=file gets how often it was asked. TEST ONLY. */
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static unsigned long at;
static atomic_ulong asked;

static int fill(unsigned char *out, int len)
{
    unsigned long n = atomic_fetch_add(&asked, 1) + 1;
    if (len < 0 || (at > 0 && n >= at)) return 0;
    for (size_t done = 0; done < (size_t)len;) {
        ssize_t some = getrandom(out + done, (size_t)len - done, 0);
        if (some <= 0) return 0;
        done += (size_t)some;
    }
    return 1;
}

static int status(void)
{
    return 1;
}

/* The program's first call of libcrypto, which must be its first. */
int CRYPTO_set_mem_functions(CRYPTO_malloc_fn allocate, CRYPTO_realloc_fn move, CRYPTO_free_fn give_back)
{
    static RAND_METHOD method = {.bytes = fill, .pseudorand = fill, .status = status};
    const char *number = getenv("FAIL_RANDOM_AT");
    int (*real)(CRYPTO_malloc_fn, CRYPTO_realloc_fn, CRYPTO_free_fn);
    *(void **)&real = dlsym(RTLD_NEXT, "CRYPTO_set_mem_functions");
    at = number != NULL ? strtoul(number, NULL, 10) : 0;
    if (real == NULL || real(allocate, move, give_back) != 1) return 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* the one way to put a generator under every context at once */
    return RAND_set_rand_method(&method);
#pragma GCC diagnostic pop
}

__attribute__((destructor)) static void end(void)
{
    const char *name = getenv("FAIL_RANDOM_COUNT");
    int fd = name != NULL ? open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0) return;
    dprintf(fd, "%lu\n", atomic_load(&asked));
    close(fd);
}
