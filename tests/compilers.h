/* SPDX-License-Identifier: BSD-2-Clause */
/* Where compilers differ in what a test is about. TEST ONLY. */
#ifndef TEST_COMPILERS_H
#define TEST_COMPILERS_H

/* Under AddressSanitizer, as GCC says it and as clang says it: its locals are elsewhere, and what is freed is kept aside. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZED 1
#endif

/* Not inlined, and free to look where the sanitizer would object. */
#if defined(ADDRESS_SANITIZED)
#define LOOKS_ANYWHERE __attribute__((noinline, no_sanitize("address")))
#else
#define LOOKS_ANYWHERE __attribute__((noinline))
#endif

/* An array whose address is out lies on the stack as it was declared, and holds what was written; clang makes single octets, each
 * somewhere else, even of a volatile one. */
static inline void lies_in_one_piece(void *array)
{
    __asm__ __volatile__("" : : "r"(array) : "memory");
}

#endif
