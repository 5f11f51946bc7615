/* SPDX-License-Identifier: BSD-2-Clause */
/* A call on a stack of its own, in which is looked afterwards for what it has left: nothing that comes later overwrites it. What is
 * looked for is eight octets of the secret wherever they begin, so that half of one is found, too. TEST ONLY. */
#ifndef TEST_OWN_STACK_H
#define TEST_OWN_STACK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/span.h"
#include "compilers.h"

enum { OWN_STACK = 1 << 20, OWN_STACK_PIECE = 8, OWN_STACK_ABOVE = 1 << 15 };

#if defined(ADDRESS_SANITIZED)
static const bool own_stack_is_seen = false;
#else
static const bool own_stack_is_seen = true;
#endif

typedef struct own_stack_call {
    void (*run)(void *given);
    void *given;
} own_stack_call;

/* Below what the end of a thread overwrites. */
LOOKS_ANYWHERE static void own_stack_below(const own_stack_call *call)
{
    uint8_t above[OWN_STACK_ABOVE];
    lies_in_one_piece(above);
    call->run(call->given);
    lies_in_one_piece(above); /* until now: no compiler jumps to it as its last act */
}

static void *own_stack_begin(void *given)
{
    own_stack_below(given);
    return NULL;
}

/* One of the secrets of which something is left; -1: of none; -2: there was no such stack. */
static int own_stack_run(void (*run)(void *given), void *given, const sipveil_span *secrets, size_t count)
{
    own_stack_call call = {run, given};
    pthread_attr_t attributes;
    pthread_t thread;
    size_t at;
    int found = -2;
    uint8_t *stack = mmap(NULL, OWN_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) return found;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, stack, OWN_STACK) == 0 && pthread_create(&thread, &attributes, own_stack_begin, &call) == 0) {
        pthread_join(thread, NULL);
        found = -1;
        for (size_t i = 0; i < count && found == -1; i++) {
            for (size_t from = 0; from + OWN_STACK_PIECE <= secrets[i].len && found == -1; from++) {
                if (sv_find(sv_span(stack, OWN_STACK), sv_span(secrets[i].data + from, OWN_STACK_PIECE), &at)) found = (int)i;
            }
        }
    }
    pthread_attr_destroy(&attributes);
    munmap(stack, OWN_STACK);
    return found;
}

#endif
