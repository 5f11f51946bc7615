/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and random numbers that end at the nth time they are asked for, for every n, ours and libcrypto's; and a look
 * into everything that is given back to the allocator, for secrets. The linker puts the wrappers below between the
 * library and the C library (tests/meson.build: wrapped); libcrypto offers places for its own. One program includes
 * this once. TEST ONLY.
 *
 * SIPVEIL_FAILING_ALL in the environment: every n, and not some of those that come by the hundred. SIPVEIL_FAILING_TRACE=FILE:
 * random numbers alone end, and FILE gets the return addresses of each that did (tests/house/randomness.py).
 *
 * An operation is run again and again, each time with another n, until nothing was left to fail. Whatever fails: the
 * result says so, hands out nothing, and the same call succeeds right afterwards on the same objects. */
#ifndef TEST_FAILING_H
#define TEST_FAILING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/span.h"
#include "compilers.h"
#include "sipveil/base.h"

#define FAILING_UNUSED __attribute__((unused))

#ifdef ADDRESS_SANITIZED
#include <sanitizer/lsan_interface.h>
#define FAILING_LEAKS(what) __lsan_##what()
#else
#define FAILING_LEAKS(what) (void)0
#endif

typedef enum failing_whose { FAILING_NOTHING, FAILING_OURS, FAILING_LIBCRYPTO, FAILING_RANDOM } failing_whose;

enum { FAILING_SECRETS = 16, FAILING_SECRET_MOST = 64 };

static struct {
    failing_whose whose; /* what is counted */
    size_t left;         /* until the one that fails; 0: none does */
    size_t count;
    struct {
        const char *name;
        uint8_t octets[FAILING_SECRET_MOST];
        size_t len;
    } secrets[FAILING_SECRETS];
    size_t secret_count;
    bool no_room;        /* in new arenas: each allocation of theirs is one of malloc's */
    bool looking;        /* for them in what is given back */
    bool looking_below;  /* on the stack, too, each time when memory is asked for or given back */
    bool never_below;    /* where it is libcrypto that leaves some there */
    size_t found;
    const char *what;    /* the secret that was found */
    char said[512];      /* by the last operation */
    size_t tried;        /* the n of the last one that something failed for */
} failing;

static bool failing_now(failing_whose whose)
{
    if (failing.whose != whose) return false;
    failing.count++;
    return failing.left > 0 && --failing.left == 0;
}

/* ---- secrets ---- */

/* At least eight octets, so that chance does not make them. */
FAILING_UNUSED static void failing_watch(const char *name, sipveil_span secret)
{
    size_t len = secret.len < FAILING_SECRET_MOST ? secret.len : FAILING_SECRET_MOST;
    assert_true(failing.secret_count < FAILING_SECRETS && len >= 8);
    failing.secrets[failing.secret_count].name = name;
    failing.secrets[failing.secret_count].len = len;
    memcpy(failing.secrets[failing.secret_count++].octets, secret.data, len);
}

static const char *failing_secret_in(const void *block)
{
    if (!failing.looking || block == NULL) return NULL;
    size_t at, size = malloc_usable_size((void *)(uintptr_t)block);
    for (size_t i = 0; i < failing.secret_count; i++) {
        if (sv_find(sv_span(block, size), sv_span(failing.secrets[i].octets, failing.secrets[i].len), &at)) {
            return failing.secrets[i].name;
        }
    }
    return NULL;
}

static void failing_note(const char *secret)
{
    if (secret == NULL) return;
    failing.found++;
    failing.what = secret;
}

/* What earlier calls have left where the next ones will be. Octet by octet: nothing is called that could leave some itself. */
enum { FAILING_BELOW = 1 << 14, FAILING_OWN = 512, FAILING_PIECE = 16 };
#ifdef ADDRESS_SANITIZED
#define FAILING_STACK_IS_SEEN false /* the sanitizer has locals elsewhere */
#else
#define FAILING_STACK_IS_SEEN (getenv("SIPVEIL_VALGRIND") == NULL)
#endif
__attribute__((noinline)) static void failing_look_below(void)
{
    if (!failing.looking || !failing.looking_below) return;
    const volatile uint8_t *end = (const volatile uint8_t *)__builtin_frame_address(0) - FAILING_OWN, *at = end - FAILING_BELOW;
    bool begins[256] = {false};
    for (size_t i = 0; i < failing.secret_count; i++) begins[failing.secrets[i].octets[0]] = true;
    for (; at < end - FAILING_PIECE; at++) {
        if (!begins[*at]) continue;
        for (size_t i = 0; i < failing.secret_count; i++) {
            size_t len = failing.secrets[i].len < FAILING_PIECE ? failing.secrets[i].len : FAILING_PIECE, k = 0;
            while (k < len && at[k] == failing.secrets[i].octets[k]) k++;
            if (k < len) continue;
            failing.found++;
            failing.what = failing.secrets[i].name;
            return;
        }
    }
}

/* ---- the wrappers ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t most);
void *__real_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t most);
void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));
void __wrap_free(void *block);
void *__real_sv_random_pool_new(void);
void *__wrap_sv_random_pool_new(void);
sv_arena *__real_sv_arena_new(size_t first_block, size_t most);
sv_arena *__real_sv_arena_new_not_dumped(size_t first_block, size_t most);
sv_arena *__wrap_sv_arena_new(size_t first_block, size_t most);
sv_arena *__wrap_sv_arena_new_not_dumped(size_t first_block, size_t most);

void *__wrap_malloc(size_t size)
{
    failing_look_below();
    return failing_now(FAILING_OURS) ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size)
{
    return failing_now(FAILING_OURS) ? NULL : __real_calloc(count, size);
}
/* A block that moves is given back. */
static void *failing_move(void *old, size_t size)
{
    const char *secret = failing_secret_in(old);
    uintptr_t before = (uintptr_t)old;
    void *now = __real_realloc(old, size);
    if (now != NULL && (uintptr_t)now != before) failing_note(secret);
    return now;
}
void *__wrap_realloc(void *old, size_t size)
{
    return failing_now(FAILING_OURS) ? NULL : failing_move(old, size);
}
void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    size_t product;
    if (__builtin_mul_overflow(count, size, &product)) return NULL;
    return __wrap_realloc(old, product);
}
char *__wrap_strdup(const char *s)
{
    return failing_now(FAILING_OURS) ? NULL : __real_strdup(s);
}
char *__wrap_strndup(const char *s, size_t most)
{
    return failing_now(FAILING_OURS) ? NULL : __real_strndup(s, most);
}
void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *))
{
    return failing_now(FAILING_OURS) ? NULL : __real_tsearch(key, root, compare);
}
void __wrap_free(void *block)
{
    failing_look_below();
    failing_note(failing_secret_in(block));
    __real_free(block);
}
/* Each draw is one of the generator's: no pool between. */
void *__wrap_sv_random_pool_new(void)
{
    return NULL;
}

enum { FAILING_NO_ROOM = 16 }; /* what an arena aligns to */
sv_arena *__wrap_sv_arena_new(size_t first_block, size_t most)
{
    return __real_sv_arena_new(failing.no_room ? FAILING_NO_ROOM : first_block, most);
}
sv_arena *__wrap_sv_arena_new_not_dumped(size_t first_block, size_t most)
{
    return failing.no_room ? __real_sv_arena_new(FAILING_NO_ROOM, most) : __real_sv_arena_new_not_dumped(first_block, most);
}

static void *failing_library_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    failing_look_below();
    return size == 0 || failing_now(FAILING_LIBCRYPTO) ? NULL : __real_malloc(size);
}
static void failing_library_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    __wrap_free(block);
}
static void *failing_library_realloc(void *old, size_t size, const char *file, int line)
{
    if (old == NULL) return failing_library_malloc(size, file, line);
    if (size == 0) {
        __wrap_free(old);
        return NULL;
    }
    return failing_now(FAILING_LIBCRYPTO) ? NULL : failing_move(old, size);
}

/* Who wanted a number that there is not, from where the program begins. */
static void failing_trace(void)
{
    const char *name = getenv("SIPVEIL_FAILING_TRACE");
    void *frames[64];
    Dl_info own;
    FILE *file = name != NULL ? fopen(name, "a") : NULL;
    if (file == NULL) return;
    if (dladdr(&failing, &own) == 0) fail_msg("the program does not know where it is");
    for (int i = 0, count = backtrace(frames, sizeof frames / sizeof *frames); i < count; i++) {
        fprintf(file, "0x%tx\n", (char *)frames[i] - (char *)own.dli_fbase - 1);
    }
    fclose(file);
}

static int failing_bytes(unsigned char *out, int len)
{
    if (len < 0) return 0;
    if (failing_now(FAILING_RANDOM)) {
        failing_trace();
        return 0;
    }
    for (size_t done = 0; done < (size_t)len;) {
        ssize_t n = getrandom(out + done, (size_t)len - done, 0);
        if (n <= 0) return 0;
        done += (size_t)n;
    }
    return 1;
}
static int failing_status(void)
{
    return 1;
}

/* First of all in main(): libcrypto takes no other allocator once it has allocated. */
FAILING_UNUSED static bool failing_install(void)
{
    static RAND_METHOD method = {.bytes = failing_bytes, .pseudorand = failing_bytes, .status = failing_status};
    if (CRYPTO_set_mem_functions(failing_library_malloc, failing_library_realloc, failing_library_free) != 1) return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* the one way to put a generator under every context at once */
    return RAND_set_rand_method(&method) == 1;
#pragma GCC diagnostic pop
}

/* ---- operations ---- */

typedef struct failing_operation {
    const char *name;
    void (*begin)(void *user); /* everything as new; nothing fails. NULL: nothing is to be done */
    sipveil_code (*run)(void *user, sipveil_error *err);
    void (*check)(void *user, sipveil_code code); /* what must hold after it; NULL: nothing more */
    void (*end)(void *user);   /* what begin and run left; NULL */
    sipveil_code wanted;       /* where nothing fails */
    unsigned without;          /* 1 << FAILING_...: what it gets on without, and why is said where it is used */
    unsigned tries;            /* until it succeeds again; 0: the first one does */
    bool library_leaks;        /* libcrypto itself where it has no memory: not ours to mend, and not looked for then */
} failing_operation;

enum { FAILING_EACH = 40, FAILING_SAMPLES = 60 };

static sipveil_code failing_once(const failing_operation *op, void *user, failing_whose whose, size_t n)
{
    sipveil_error err;
    memset(&err, 0xAA, sizeof err);
    failing.whose = whose;
    failing.count = 0;
    failing.left = n;
    if (n > 0) failing.tried = n;
    failing.looking = failing.secret_count > 0;
    bool leaks = op->library_leaks && whose == FAILING_LIBCRYPTO;
    if (leaks) FAILING_LEAKS(disable);
    sipveil_code code = op->run(user, &err);
    if (leaks) FAILING_LEAKS(enable);
    failing.whose = FAILING_NOTHING;
    failing.looking = false;
    snprintf(failing.said, sizeof failing.said, "%s", code == SIPVEIL_OK ? "" : err.text);
    bool told = code == SIPVEIL_OK || (err.code == code && err.text[0] != '\0');
    if (!told) fail_msg("%s: %s is not told as such, without %d number %zu", op->name, sipveil_code_name(code), (int)whose, n);
    if (failing.found > 0) fail_msg("%s: %s is given back to the allocator", op->name, failing.what);
    /* Ours are told as what they are. In libcrypto it may also look like a key or a signature that is not good. */
    if (whose == FAILING_OURS && failing.left == 0 && code != op->wanted && code != SIPVEIL_INTERNAL) {
        fail_msg("%s: %s (%s) without allocation %zu", op->name, sipveil_code_name(code), err.text, n);
    }
    if (code == SIPVEIL_OK && op->wanted != SIPVEIL_OK) fail_msg("%s: comes out without number %zu of %d", op->name, n, (int)whose);
    if (op->check != NULL) op->check(user, code);
    return code;
}

/* What is given back now may have been secret, too. */
static void failing_end(const failing_operation *op, void *user)
{
    failing.looking = failing.secret_count > 0;
    if (op->end != NULL) op->end(user);
    failing.looking = false;
    if (failing.found > 0) fail_msg("%s: %s is given back to the allocator at the end", op->name, failing.what);
}

/* Nothing fails, or no more. */
static void failing_succeed(const failing_operation *op, void *user, unsigned tries)
{
    sipveil_code code = failing_once(op, user, FAILING_NOTHING, 0);
    while (code != op->wanted && tries-- > 0) code = failing_once(op, user, FAILING_NOTHING, 0);
    if (code != op->wanted) fail_msg("%s: %s (%s), not %s, after %zu", op->name, sipveil_code_name(code), failing.said, sipveil_code_name(op->wanted), failing.tried);
}

/* Until the nth is one too many. Of what comes by the hundred every one at first, then some of them, and all of them if
 * the environment says so (./check --full). */
FAILING_UNUSED static void failing_everywhere(const failing_operation *op, void *user, failing_whose whose)
{
    size_t step = 1, failed = 0, met = 0;
    if (whose != FAILING_RANDOM && getenv("SIPVEIL_FAILING_TRACE") != NULL) return;
    bool all = getenv("SIPVEIL_FAILING_ALL") != NULL;
    for (size_t n = 1;; n += n < FAILING_EACH ? 1 : step) {
        if (op->begin != NULL) op->begin(user);
        sipveil_code code = failing_once(op, user, whose, n);
        bool was_met = failing.left == 0;
        if (n == 1 && !all && whose != FAILING_OURS) {
            /* What is refused early is short: how many there are in all is seen by one that fails far behind. */
            failing_end(op, user);
            if (op->begin != NULL) op->begin(user);
            (void)failing_once(op, user, whose, SIZE_MAX);
            step = failing.count / FAILING_SAMPLES + 1;
        } else if (was_met && code != op->wanted) {
            failing_succeed(op, user, op->tries);
        }
        failing_end(op, user);
        if (!was_met) {
            if (code != op->wanted) fail_msg("%s: %s though nothing failed", op->name, sipveil_code_name(code));
            break;
        }
        met++;
        failed += code != op->wanted;
        if (code == op->wanted && whose == FAILING_RANDOM && (op->without >> whose & 1) == 0) {
            fail_msg("%s: done without random number %zu", op->name, n);
        }
    }
    /* The wrappers are there, and what they fail is needed. */
    if (failed == 0 && met > 0 && (op->without >> whose & 1) == 0) fail_msg("%s: nothing fails for want of %d", op->name, (int)whose);
}

/* Nothing fails, and nothing secret is given back, or left on the stack while it runs. */
FAILING_UNUSED static void failing_look(const failing_operation *op, void *user)
{
    if (op->begin != NULL) op->begin(user);
    failing.looking_below = FAILING_STACK_IS_SEEN && !failing.never_below;
    failing_succeed(op, user, 0);
    failing.looking_below = false;
    failing_end(op, user);
}

FAILING_UNUSED static void failing_table(const failing_operation *table, size_t count, void *user)
{
    for (size_t i = 0; i < count; i++) {
        failing_look(&table[i], user);
        for (failing_whose w = FAILING_OURS; w <= FAILING_RANDOM; w++) failing_everywhere(&table[i], user, w);
    }
}

/* The proof that a secret would be seen. */
FAILING_UNUSED static void failing_would_be_seen(void)
{
    for (size_t i = 0; i < failing.secret_count; i++) {
        uint8_t *left = malloc(2 * FAILING_SECRET_MOST);
        assert_non_null(left);
        memcpy(left + 5, failing.secrets[i].octets, failing.secrets[i].len);
        failing.looking = true;
        __wrap_free(left);
        failing.looking = false;
        assert_int_equal(failing.found, 1);
        failing.found = 0;
    }
}

#define FAILING_TABLE(table, user) failing_table(table, sizeof(table) / sizeof *(table), user)

#endif
