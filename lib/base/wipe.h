/* SPDX-License-Identifier: BSD-2-Clause */
/* Octets that nobody may find later. The compiler keeps the memset, for what follows it may read them;
 * OPENSSL_cleanse does the same eight octets at a time, and an operation wipes tens of kilobytes. */
#ifndef SV_BASE_WIPE_H
#define SV_BASE_WIPE_H

#include <string.h>

static inline void sv_wipe(void *octets, size_t count)
{
    if (count == 0) return; /* then there may be nothing to point at */
    memset(octets, 0, count);
    __asm__ __volatile__("" : : "r"(octets) : "memory");
}

#endif
