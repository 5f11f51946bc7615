/* SPDX-License-Identifier: BSD-2-Clause */
/* Cost over size: sealing to and opening with one shared key, and the primitives' part of it, for contents from half a
 * kibibyte to one mebibyte. scripts/curve draws it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { ROUNDS = 7, SIZES = 6 };
static const size_t sizes[SIZES] = {512, 1024, 4096, 16384, 65536, 1 << 20};

static double cost(bench_world *world, bench_work work, size_t times)
{
    struct timespec before, after;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    for (size_t i = 0; i < times; i++) {
        if (!work(world, 1)) return -1;
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    return ((double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_nsec - before.tv_nsec)) / (double)times;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

bool bench_write_curve(bench_world *world, const char *path)
{
    static const bench_work works[] = {bench_seal, bench_kek_seal_primitives, bench_open, bench_kek_open_primitives};
    enum { WORKS = sizeof works / sizeof *works };
    sipveil_span message = world->message;
    uint8_t *content = calloc(1, sizes[SIZES - 1]);
    FILE *out = fopen(path, "w");
    bool good = content != NULL && out != NULL;
    if (good) fprintf(out, "{\"curve\":[");
    for (size_t i = 0; good && i < SIZES; i++) {
        double ns[WORKS][ROUNDS];
        size_t times = 1 + (4u << 20) / (sizes[i] + 4096);
        world->message = sv_span(content, sizes[i]);
        good = bench_prepare_kek(world, 1);
        for (size_t round = 0; good && round < ROUNDS; round++) {
            for (size_t k = 0; k < WORKS; k++) {
                ns[k][round] = cost(world, works[k], times);
                good = good && ns[k][round] > 0;
            }
        }
        if (!good) break;
        for (size_t k = 0; k < WORKS; k++) qsort(ns[k], ROUNDS, sizeof ns[k][0], ascending);
        fprintf(out, "%s{\"octets\":%zu,\"seal_ns\":%.0f,\"seal_primitives_ns\":%.0f,\"open_ns\":%.0f,\"open_primitives_ns\":%.0f}",
                i > 0 ? "," : "", sizes[i], ns[0][ROUNDS / 2], ns[1][ROUNDS / 2], ns[2][ROUNDS / 2], ns[3][ROUNDS / 2]);
    }
    if (good) fprintf(out, "],\"library\":\"%s\"}\n", sipveil_crypto_library_version());
    if (out != NULL) good = fclose(out) == 0 && good;
    free(content);
    world->message = message;
    return good;
}
