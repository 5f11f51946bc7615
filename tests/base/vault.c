/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/span.h"
#include "base/vault.h"
#include "compilers.h"
#include "emulated.h"

/* A sanitizer lets no memory be locked, and says that it was. */
#if defined(ADDRESS_SANITIZED)
static const bool locks = false;
#else
static const bool locks = true;
#endif

/* Whether the flag ("lo" locked, "dd" not dumped) is set of the mapping that holds `at`, as /proc/self/smaps tells. */
static bool has_flag(const void *at, const char *flag)
{
    char line[512];
    bool inside = false, found = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) inside = (uintptr_t)at >= from && (uintptr_t)at < to;
        if (inside && strncmp(line, "VmFlags:", 8) == 0) found = strstr(line + 8, flag) != NULL;
    }
    fclose(maps);
    return found;
}

static sipveil_protection protection(const sv_vault *vault)
{
    sipveil_protection out = {0};
    sv_vault_protect(vault, &out);
    return out;
}

static void gives_aligned_zeroed_memory(void **state)
{
    (void)state;
    sv_vault vault = {0};
    void *blocks[40];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 40; i++) {
            uint8_t *p = blocks[i] = sv_vault_alloc(&vault, i * i);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t k = 0; k < i * i; k++) assert_int_equal(p[k], 0);
            memset(p, 0xA5, i * i);
        }
        for (size_t i = 0; i < 40; i++) {
            const uint8_t *p = blocks[i];
            for (size_t k = 0; k < i * i; k++) assert_int_equal(p[k], 0xA5); /* none reaches into another */
            sv_vault_give_back(&vault, p, i * i);
            for (size_t k = sizeof(void *); k < i * i; k++) assert_int_equal(p[k], 0); /* ADV-213 */
        }
    }
    size_t held = vault.octets;
    assert_non_null(sv_vault_alloc(&vault, 39 * 39));
    assert_int_equal(vault.octets, held); /* what was given back serves again */
    sv_vault_give_back(&vault, NULL, 0);
    sv_vault_end(&vault);
    assert_int_equal(vault.octets, 0);
    assert_null(vault.newest);
    sv_vault_end(&vault);
}

static void is_bounded(void **state)
{
    (void)state;
    sv_vault vault = {0};
    assert_null(sv_vault_alloc(&vault, ((size_t)1 << SV_VAULT_MOST) + 1));
    assert_null(sv_vault_alloc(&vault, SIZE_MAX));
    size_t count = 0, size = (size_t)1 << SV_VAULT_MOST;
    while (sv_vault_alloc(&vault, size) != NULL) count++;
    assert_true(count > 32 && count * size < SV_VAULT_OCTETS_MOST);
    sv_vault_end(&vault);
}

/* ADV-212: many keys are few mappings, each locked and left out of core files, as the kernel sees it. */
static void is_locked_and_not_dumped(void **state)
{
    (void)state;
    sv_vault vault = {0};
    struct rlimit limit;
    assert_int_equal(protection(&vault).octets, 0);
    sipveil_span copy;
    assert_true(sv_vault_copy(&vault, SV_SPAN("a key of 16 octe"), &copy));
    assert_memory_equal(copy.data, "a key of 16 octe", 16);
    sipveil_protection p = protection(&vault);
    assert_true(p.octets >= 4096);
    assert_int_equal(p.not_dumped, is_emulated() ? 0 : p.octets); /* no more is said than is done */
    assert_int_equal(has_flag(copy.data, " dd"), !is_emulated());
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (limit.rlim_cur >= p.octets) assert_int_equal(p.locked, p.octets);
    if (locks) assert_int_equal(has_flag(copy.data, " lo"), p.locked > 0);
    for (size_t i = 0; i < 10000; i++) assert_non_null(sv_vault_alloc(&vault, 32));
    size_t chunks = 0;
    for (void **chunk = (void **)vault.newest; chunk != NULL; chunk = *chunk) chunks++;
    assert_true(chunks <= 9);
    sv_vault_end(&vault);
}

/* Run in a child, which may lose what the rest needs. */
static int in_child(void (*run)(const sv_vault *vault, sipveil_span secret), const sv_vault *vault, sipveil_span secret)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        run(vault, secret);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* A daemon forks after it read its keys: they are there, unlocked until somebody asks. */
static void of_a_fork(const sv_vault *vault, sipveil_span secret)
{
    if (!sv_equal(secret, SV_SPAN("kept over a fork"))) _exit(1);
    if (has_flag(secret.data, " lo")) _exit(2);
    sipveil_protection p = protection(vault);
    if (p.not_dumped != (is_emulated() ? 0 : p.octets)) _exit(3);
    if (locks && has_flag(secret.data, " lo") != (p.locked > 0)) _exit(4);
}

/* No room to lock: it is held all the same, and told. */
static void without_room(const sv_vault *vault, sipveil_span secret)
{
    sv_vault other = {0};
    sipveil_span copy;
    (void)vault;
    if (setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){0, 0}) != 0) _exit(1);
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2); /* the superuser is not counted */
    if (!sv_vault_copy(&other, secret, &copy) || !sv_equal(copy, secret)) _exit(3);
    sipveil_protection p = protection(&other);
    if (p.octets == 0 || (locks && p.locked != 0) || p.not_dumped != (is_emulated() ? 0 : p.octets)) _exit(4);
    sv_vault_end(&other);
}

static void past_its_end(const sv_vault *vault, sipveil_span secret)
{
    const volatile uint8_t *at = secret.data;
    (void)signal(SIGSEGV, SIG_DFL);
    for (size_t i = 0; i <= vault->octets; i++) (void)at[i];
}

static void before_its_start(const sv_vault *vault, sipveil_span secret)
{
    const volatile uint8_t *at = secret.data;
    (void)signal(SIGSEGV, SIG_DFL);
    for (size_t i = 0; i <= vault->octets; i++) (void)*(at - i);
}

static void in_other_processes(void **state)
{
    (void)state;
    sv_vault vault = {0};
    sipveil_span secret;
    assert_true(sv_vault_copy(&vault, SV_SPAN("kept over a fork"), &secret));
    assert_int_equal(in_child(of_a_fork, &vault, secret), 0);
    assert_int_equal(in_child(without_room, &vault, secret), 0);
    int status = in_child(past_its_end, &vault, secret);
    assert_true(status != 0); /* SIGSEGV, or what a sanitizer makes of it */
    status = in_child(before_its_start, &vault, secret);
    assert_true(status != 0);
    sv_vault_end(&vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gives_aligned_zeroed_memory), cmocka_unit_test(is_bounded),
                                       cmocka_unit_test(is_locked_and_not_dumped), cmocka_unit_test(in_other_processes)};
    return cmocka_run_group_tests_name("memory for secrets", tests, NULL, NULL);
}
