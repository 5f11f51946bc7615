/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of libstarve share: whose code lies where (starve.c), children in which a request fails (child.c), and
 * faults (fault.c). TEST ONLY. */
#ifndef SIPVEIL_TESTS_STARVING_STARVE_H
#define SIPVEIL_TESTS_STARVING_STARVE_H

#include <stdbool.h>
#include <stdint.h>

/* Nothing that is asked for in it is counted. */
extern _Thread_local bool starve_inside __attribute__((tls_model("initial-exec")));

/* Whether the code at pc is the program's, and of that the library's; what it is called. */
bool starve_is_program(uintptr_t pc);
bool starve_is_library(uintptr_t pc);
uintptr_t starve_base(void);

/* In a child from now on: the request under way fails, and all that follow too if and_all. */
void starve_fail_now(bool and_all);

/* Reads SIPVEIL_FAIL_OUTPUT and SIPVEIL_FAIL_PATIENCE. */
void starve_begin_children(int results);
/* The request, the nth, from that stack: true in the child in which it is to fail, or in another it and all that follow;
 * false in the program, once the children have ended and what came of them is written to the results. */
bool starve_fail_in_child(unsigned long n, uint64_t stack, bool also_all);

void starve_begin_faults(void);

#endif
