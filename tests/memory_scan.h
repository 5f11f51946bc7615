/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks for secrets in all memory that this process can write: heap, stack with what lies below it, data, every mapping. Whoever
 * looks must hold no copy himself: secrets are literals, or come out of `scan_share`, which is mapped for reading only. TEST ONLY. */
#ifndef TEST_MEMORY_SCAN_H
#define TEST_MEMORY_SCAN_H

#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compilers.h"

typedef struct scan_secret {
    const char *name;
    const uint8_t *octets; /* in memory that cannot be written */
    size_t len;            /* its first SCAN_OCTETS are looked for, also back to front as numbers lie in memory */
} scan_secret;

typedef struct scan_found {
    size_t count;
    const scan_secret *first; /* NULL: none */
    const uint8_t *at;
    bool all_not_dumped; /* each in pages that are left out of core files */
    char where[80];      /* the mapping of the first */
} scan_found;

enum { SCAN_OCTETS = 16, SCAN_MAPPING_MOST = 1 << 30, SCAN_STACK = 1 << 20 };

/* Compares octet by octet: no register and no stack slot takes a whole secret. */
LOOKS_ANYWHERE static bool scan_matches(const scan_secret *s, const volatile uint8_t *at, const volatile uint8_t *end)
{
    size_t length = s->len < SCAN_OCTETS ? s->len : SCAN_OCTETS, i = 0;
    if ((size_t)(end - at) < length) return false;
    while (i < length && at[i] == s->octets[i]) i++;
    if (i == length) return true;
    for (i = 0; i < length && at[i] == s->octets[length - 1 - i];) i++;
    return i == length;
}

LOOKS_ANYWHERE static void scan_mapping(const volatile uint8_t *from, const volatile uint8_t *end, bool not_dumped, const char *name,
                                  const scan_secret *secrets, size_t count, scan_found *out)
{
    uint8_t begins[256] = {0};
    for (size_t i = 0; i < count; i++) {
        size_t length = secrets[i].len < SCAN_OCTETS ? secrets[i].len : SCAN_OCTETS;
        begins[secrets[i].octets[0]] = begins[secrets[i].octets[length - 1]] = 1;
    }
    for (const volatile uint8_t *at = from; at < end; at++) {
        if (!begins[*at]) continue;
        for (size_t i = 0; i < count; i++) {
            if (!scan_matches(&secrets[i], at, end)) continue;
            if (out->count++ == 0) {
                out->first = &secrets[i];
                out->at = (const uint8_t *)(uintptr_t)at;
                snprintf(out->where, sizeof out->where, "%s", name);
            }
            out->all_not_dumped = out->all_not_dumped && not_dumped;
        }
    }
}

/* No secret is read into stdio's buffer, only the list of mappings. */
static scan_found scan_all(const scan_secret *secrets, size_t count)
{
    static struct {
        unsigned long from, to;
        bool writable, not_dumped;
        char name[80];
    } mappings[4096];
    char line[512];
    size_t used = 0;
    scan_found out = {.all_not_dumped = true};
    FILE *maps = fopen("/proc/self/smaps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char access[8], name[80] = "(no name)";
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %79s", &from, &to, access, name) >= 3 && strchr(access, 'p') != NULL) {
            if (used == sizeof mappings / sizeof *mappings) break;
            mappings[used].from = from;
            mappings[used].to = to;
            mappings[used].writable = access[0] == 'r' && access[1] == 'w';
            mappings[used].not_dumped = false;
            memcpy(mappings[used++].name, name, sizeof name);
        } else if (used > 0 && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " dd") != NULL) {
            mappings[used - 1].not_dumped = true;
        }
    }
    if (maps != NULL) fclose(maps);
    for (size_t i = 0; i < used; i++) {
        if (!mappings[i].writable || mappings[i].to - mappings[i].from > SCAN_MAPPING_MOST) continue;
        scan_mapping((const volatile uint8_t *)mappings[i].from, (const volatile uint8_t *)mappings[i].to, mappings[i].not_dumped,
                     mappings[i].name, secrets, count, &out);
    }
    return out;
}

typedef struct scan_order {
    const scan_secret *secrets;
    size_t count;
    scan_found found;
} scan_order;

static void *scan_ordered(void *given)
{
    scan_order *order = given;
    order->found = scan_all(order->secrets, order->count);
    return NULL;
}

/* On a stack of its own: its frames would overwrite what it looks for below those of the test. */
static scan_found scan_for(const scan_secret *secrets, size_t count)
{
    scan_order order = {secrets, count, {.count = SIZE_MAX, .first = secrets, .where = "nothing: there is no thread to look"}};
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SCAN_STACK);
    if (pthread_create(&thread, &attributes, scan_ordered, &order) == 0) pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    return order.found;
}

/* Runs it further down the stack than the calls between it and the next scan reach. */
LOOKS_ANYWHERE __attribute__((unused)) static void scan_below(void (*run)(void *), void *given)
{
    uint8_t room[1 << 15];
    lies_in_one_piece(room);
    run(given);
    lies_in_one_piece(room);
}

/* A copy that the scan does not find: for secrets that are made here. NULL: no memory. */
LOOKS_ANYWHERE __attribute__((unused)) static const uint8_t *scan_keep(const uint8_t *octets, size_t length)
{
    volatile uint8_t *copy = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) return NULL;
    for (size_t i = 0; i < length; i++) copy[i] = octets[i];
    return mprotect((void *)(uintptr_t)copy, length, PROT_READ) == 0 ? (const uint8_t *)(uintptr_t)copy : NULL;
}

/* For CRYPTO_set_mem_functions: libcrypto 3.0's decoders and encoders give back what they worked on as it is, and docs/secrets.md
 * tells programs to do this. */
static inline void scan_wiping_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    if (block != NULL) OPENSSL_cleanse(block, malloc_usable_size(block));
    free(block);
}

/* valgrind keeps what is freed, and copies of registers, in the same memory: what is found there says nothing. A program ends
 * with 77 then, as skipped. */
static inline bool scan_is_senseless(void)
{
    return getenv("SIPVEIL_VALGRIND") != NULL;
}

/* What `make` writes in a child of its own, for reading only. NULL: it failed. */
static inline const void *scan_share(size_t size, bool (*make)(void *shared))
{
    int fd = memfd_create("secrets", MFD_CLOEXEC), status = 0;
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) return NULL;
    pid_t child = fork();
    if (child == 0) {
        void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        _exit(shared != MAP_FAILED && make(shared) ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return NULL;
    void *shared = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    return shared == MAP_FAILED ? NULL : shared;
}

#endif
