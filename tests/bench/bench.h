/* SPDX-License-Identifier: BSD-2-Clause */
/* One row of the benchmark: ours, libcrypto's CMS as most programs use it, and the sum of the primitives
 * that neither can do without. */
#ifndef BENCH_H
#define BENCH_H

#include "cms/cms.h"
#include "keys/keys.h"
#include "sipveil/sipveil.h"

enum { BENCH_RECIPIENTS_MOST = 16 };

/* What every row works on. */
typedef struct bench_world {
    sipveil_context *context;
    sipveil_worker *worker;
    sv_crypto *crypto;
    sv_arena *arena;
    sipveil_keyring *keks;       /* 16 KEKs; the last one is "ours" in rows that open */
    sipveil_keyring *one_kek;    /* that last one alone */
    sipveil_keyring *foreign;    /* a KEK that is nobody's */
    sipveil_keyring *rsa, *p256; /* certificate with key */
    sipveil_keyring *p256_many;  /* 16 certificates */
    sipveil_keyring *trust;
    sipveil_span message;        /* a 907-octet INVITE */
    X509_STORE *store;           /* libcrypto's own, with the anchor */
} bench_world;

typedef struct bench_row {
    const char *name;
    bool (*prepare)(bench_world *world, size_t n);
    bool (*ours)(bench_world *world, size_t n);
    bool (*libcrypto)(bench_world *world, size_t n);  /* NULL: nothing to compare with */
    bool (*primitives)(bench_world *world, size_t n); /* NULL: does not apply */
    size_t n;                                         /* recipients */
    size_t iterations;                                /* of one round */
} bench_row;

extern const bench_row bench_rows[];
extern const size_t bench_row_count;

/* rows_e2m.c */
bool bench_prepare_proxy(bench_world *world, size_t n);
bool bench_proxy_not_mine(bench_world *world, size_t n);
bool bench_prepare_cek(bench_world *world, size_t n);
bool bench_cek_open(bench_world *world, size_t n);
bool bench_cek_open_libcrypto(bench_world *world, size_t n);

bool bench_world_make(bench_world *world);
void bench_world_end(bench_world *world);

#endif
