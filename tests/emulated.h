/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the machine is one of an emulator (scripts/foreign), where some of what is asked of the kernel is not done. */
#ifndef TEST_EMULATED_H
#define TEST_EMULATED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

/* It takes every advice about memory, one that does not exist too, and does nothing. */
static inline bool is_emulated(void)
{
    void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    bool takes_any = madvise(page, 4096, -1) == 0;
    (void)munmap(page, 4096);
    return takes_any;
}

#endif
