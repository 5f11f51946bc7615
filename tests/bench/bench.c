/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark: every row in five rounds, ours and the others in turn within a round, thread CPU time,
 * median. Prints a table; --json FILE writes the same as JSON. Never a test: it always exits 0. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#endif

#include "bench.h"

enum { ROUNDS = 5 };
#define TWO_WORKERS 1.9 /* bar of two workers against one */

/* Every call of the allocator on this thread is counted, libcrypto's too. */
static _Thread_local size_t allocations;
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}

typedef struct result {
    const char *name;
    double ours, libcrypto, primitives; /* ns; 0: does not apply */
    size_t mallocs;
} result;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Not inlined: a profiler counts between its first and its last instruction. */
__attribute__((noinline)) static double time_of(bench_work fn, bench_world *world, const bench_row *row, size_t iterations)
{
    double start = now_ns();
    for (size_t i = 0; i < iterations; i++) {
        if (!fn(world, row->n)) {
            fprintf(stderr, "bench: row %s failed\n", row->name);
            exit(1);
        }
    }
    return (now_ns() - start) / (double)iterations;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

static result run_row(bench_world *world, const bench_row *row)
{
    result r = {.name = row->name};
    double ours[ROUNDS], libcrypto[ROUNDS], primitives[ROUNDS];
    if (row->prepare != NULL && !row->prepare(world, row->n)) {
        fprintf(stderr, "bench: row %s cannot be prepared\n", row->name);
        exit(1);
    }
    (void)time_of(row->ours, world, row, 20); /* warm */
    size_t before = allocations;
    (void)time_of(row->ours, world, row, 100);
    r.mallocs = (allocations - before + 50) / 100;
    for (int i = 0; i < ROUNDS; i++) {
        ours[i] = time_of(row->ours, world, row, row->iterations);
        if (row->libcrypto != NULL) libcrypto[i] = time_of(row->libcrypto, world, row, row->iterations / 4 + 1);
        if (row->primitives != NULL) primitives[i] = time_of(row->primitives, world, row, row->iterations);
    }
    r.ours = median(ours);
    if (row->libcrypto != NULL) r.libcrypto = median(libcrypto);
    if (row->primitives != NULL) r.primitives = median(primitives);
    return r;
}

static void print_ratio(double above, double below)
{
    if (above > 0 && below > 0) {
        printf(" %8.2f", above / below);
    } else {
        printf(" %8s", "-");
    }
}

static void print_row(const result *r)
{
    printf("%-20s %11.0f", r->name, r->ours);
    if (r->libcrypto > 0) printf(" %12.0f", r->libcrypto);
    else printf(" %12s", "-");
    if (r->primitives > 0) printf(" %12.0f", r->primitives);
    else printf(" %12s", "-");
    print_ratio(r->libcrypto, r->ours);
    print_ratio(r->ours, r->primitives);
    printf(" %8zu\n", r->mallocs);
}

static const result *find_result(const char *name, const result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(results[i].name, name) == 0) return &results[i];
    }
    return NULL;
}

static bool missed(double found, double wanted, bool at_least)
{
    return wanted > 0 && found > 0 && (at_least ? found < wanted : found > wanted);
}

/* "pass", or how far each figure is from its bar. What was not measured in this run is not judged. */
static bool judge(const bench_bar *bar, const result *results, size_t count)
{
    const result *r = find_result(bar->row, results, count);
    const result *other = bar->other != NULL ? find_result(bar->other, results, count) : NULL;
    if (r == NULL) return true;
    double faster = r->libcrypto / r->ours, cost = r->primitives > 0 ? r->ours / r->primitives : 0;
    double times = other != NULL ? r->ours / other->ours : 0;
    bool short_of = false;
    printf("%-20s", r->name);
    if (missed(faster, bar->libcrypto, true)) short_of = printf(" %.2fx libcrypto, not %.2fx;", faster, bar->libcrypto) > 0;
    if (missed(cost, bar->primitives, false)) {
        short_of = printf(" %.2f of the primitives, not %.2f;", cost, bar->primitives) > 0;
    }
    if (missed(r->ours, bar->nanoseconds, false)) short_of = printf(" %.0f ns, not %.0f;", r->ours, bar->nanoseconds) > 0;
    if (missed(times, bar->times, false)) {
        short_of = printf(" %.2f times %s, not %.2f;", times, bar->other, bar->times) > 0;
    }
    if (bar->no_malloc && r->mallocs > 0) short_of = printf(" %zu mallocs, not 0;", r->mallocs) > 0;
    puts(short_of ? " short" : " pass");
    return !short_of;
}

static void put_ns(FILE *out, const char *key, double ns)
{
    if (ns > 0) fprintf(out, ",\"%s\":%.0f", key, ns);
    else fprintf(out, ",\"%s\":null", key);
}

static long peak_kib(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

static bool write_json(const char *path, const result *results, size_t count)
{
    struct utsname machine;
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        perror(path);
        return false;
    }
    fprintf(out, "{\"rows\":[");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s{\"name\":\"%s\",\"ours_ns\":%.0f", i == 0 ? "" : ",", results[i].name, results[i].ours);
        put_ns(out, "libcrypto_ns", results[i].libcrypto);
        put_ns(out, "primitives_ns", results[i].primitives);
        fprintf(out, ",\"mallocs\":%zu}", results[i].mallocs);
    }
    memset(&machine, 0, sizeof machine);
    (void)uname(&machine);
    fprintf(out, "],\"machine\":\"%s %s\",\"library\":\"%s\",\"peak_kib\":%ld}\n", machine.sysname, machine.machine,
            sipveil_crypto_library_version(), peak_kib());
    return fclose(out) == 0;
}

static bool is_wanted(const char *name, char **wanted, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(wanted[i], name) == 0) return true;
    }
    return count == 0;
}

static const bench_row *find_row(const char *name)
{
    for (size_t k = 0; k < bench_row_count; k++) {
        if (strcmp(bench_rows[k].name, name) == 0) return &bench_rows[k];
    }
    return NULL;
}

/* --loop TIMES ROW...: ours alone, for a profiler, and for tests/house/instructions.py. */
static int loop(bench_world *world, size_t times, char **names, int count)
{
    for (int i = 0; i < count; i++) {
        const bench_row *row = find_row(names[i]);
        if (row == NULL || (row->prepare != NULL && !row->prepare(world, row->n))) return 1;
        for (size_t warm = 0; warm < 3; warm++) (void)row->ours(world, row->n);
        printf("%s %.0f ns\n", row->name, time_of(row->ours, world, row, times));
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *json = NULL;
    bench_world world;
    result results[64];
    size_t count = 0;
    int first = 1;
    bool looping = argc > 3 && strcmp(argv[1], "--loop") == 0;
    const char *curve = argc == 3 && strcmp(argv[1], "--curve") == 0 ? argv[2] : NULL;
    if (looping || curve != NULL) first = 3;
    if (argc > 2 && strcmp(argv[1], "--json") == 0) {
        json = argv[2];
        first = 3;
    }
    for (int i = first; i < argc; i++) {
        if (find_row(argv[i]) == NULL) {
            fprintf(stderr, "bench: no row '%s'; usage: bench [--json FILE] [ROW...]\n", argv[i]);
            return 2;
        }
    }
    if (!bench_world_make(&world)) {
        fprintf(stderr, "bench: cannot set up\n");
        return 1;
    }
    if (curve != NULL) {
        bool drawn = bench_write_curve(&world, curve);
        bench_world_end(&world);
        return drawn ? 0 : 1;
    }
    if (looping) {
        CALLGRIND_START_INSTRUMENTATION; /* making keys is not what is counted */
        int failed = loop(&world, strtoul(argv[2], NULL, 10), argv + first, argc - first);
        bench_world_end(&world);
        return failed;
    }
    printf("thread CPU time in ns for one message, median of %d; %s\n", ROUNDS, sipveil_crypto_library_version());
    printf("%-20s %11s %12s %12s %8s %8s %8s\n", "row", "ours", "libcrypto", "primitives", "lib/our", "our/prim",
           "mallocs");
    for (size_t i = 0; i < bench_row_count; i++) {
        if (!is_wanted(bench_rows[i].name, argv + first, argc - first)) continue;
        results[count] = run_row(&world, &bench_rows[i]);
        print_row(&results[count++]);
        fflush(stdout);
    }
    size_t short_of = 0;
    double times = 0;
    long waited = 0;
    puts("");
    if (argc == first && bench_two_workers(&world, &times, &waited)) {
        bool reached = times >= TWO_WORKERS;
        printf("%-20s %.2fx one worker; they waited %ld times in %d messages: %s\n", "two workers", times, waited, 200000,
               reached ? "pass" : "short");
        short_of += reached ? 0 : 1;
    }
    for (size_t i = 0; i < bench_bar_count; i++) short_of += judge(&bench_bars[i], results, count) ? 0 : 1;
    if (short_of > 0) printf("%zu rows are short of their bar\n", short_of);
    printf("peak memory of the whole benchmark: %ld KiB; of the warm worker's arena: %zu KiB\n", peak_kib(),
           sipveil_worker_memory(world.worker) / 1024);
    bool done = json == NULL || write_json(json, results, count);
    bench_world_end(&world);
    return done ? 0 : 1;
}
