/* SPDX-License-Identifier: BSD-2-Clause */
/* Two workers on two cores against one. A shared context must cost nothing: neither processor time (lines of the
 * cache that go to and fro) nor waiting (locks). Processor time of the threads and how often they gave the core up
 * of their own accord are what is measured, for these two say it on a machine that does other work as well. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench.h"

enum { THREADS = 2, MESSAGES = 20000, ROUNDS = 5 };

typedef struct job {
    bench_world *world;
    sipveil_worker *worker;
    sipveil_span outer;
    pthread_barrier_t *start;
    double ns;   /* processor time a message */
    long waited; /* times it gave the core up */
    bool good;
} job;

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static long waits(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : 0;
}

static void *work(void *state)
{
    job *j = state;
    sipveil_open_options options;
    sipveil_opened opened;
    sipveil_open_options_default(&options);
    options.keyring = j->world->one_kek;
    (void)pthread_barrier_wait(j->start);
    long before = waits();
    double start = cpu_ns();
    j->good = true;
    for (size_t i = 0; i < MESSAGES && j->good; i++) {
        j->good = sipveil_tunnel_open_message(j->worker, &options, j->outer, &opened, NULL) == SIPVEIL_OK;
    }
    j->ns = (cpu_ns() - start) / MESSAGES;
    j->waited = waits() - before;
    return NULL;
}

/* Mean cost of a message when so many work at once; -1: it cannot be said. */
static double cost_of(job *jobs, unsigned count, long *waited)
{
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    double sum = 0;
    bool good = true;
    if (pthread_barrier_init(&start, NULL, count) != 0) return -1;
    for (unsigned i = 0; i < count; i++) {
        jobs[i].start = &start;
        if (pthread_create(&threads[i], NULL, work, &jobs[i]) != 0) return -1;
    }
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_join(threads[i], NULL);
        sum += jobs[i].ns;
        *waited += jobs[i].waited;
        good = good && jobs[i].good;
    }
    (void)pthread_barrier_destroy(&start);
    return good ? sum / count : -1;
}

bool bench_two_workers(bench_world *world, double *times, long *waited)
{
    job jobs[THREADS];
    double least[THREADS] = {0, 0};
    *waited = 0;
    if (!bench_prepare_message(world, 1)) return false;
    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i] = (job){.world = world, .outer = sv_span(bench_at.outer, bench_at.outer_len)};
        if (sipveil_worker_new(world->context, &jobs[i].worker, NULL) != SIPVEIL_OK) return false;
    }
    bool good = true;
    for (int round = 0; round < ROUNDS; round++) { /* one, two, in turn: the least of each is the least disturbed */
        for (unsigned n = 1; n <= THREADS; n++) {
            double ns = cost_of(jobs, n, n == THREADS ? waited : &(long){0});
            good = good && ns > 0;
            if (least[n - 1] == 0 || ns < least[n - 1]) least[n - 1] = ns;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) sipveil_worker_free(jobs[i].worker);
    *times = good ? THREADS * least[0] / least[1] : 0;
    return good;
}
