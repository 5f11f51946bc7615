/* SPDX-License-Identifier: BSD-2-Clause */
/* One row of the benchmark: ours, libcrypto's CMS as most programs use it, and the sum of the primitives
 * that neither can do without. */
#ifndef BENCH_H
#define BENCH_H

#include "cms/cms.h"
#include "keys/keys.h"
#include "sipveil/sipveil.h"

enum { BENCH_RECIPIENTS_MOST = 16 };
#define BENCH_HOP "ss1.home.example"

/* What every row works on. */
typedef struct bench_world {
    sipveil_context *context;
    sipveil_worker *worker;
    sv_crypto *crypto;
    sipveil_context *fresh_context; /* asks libcrypto for randomness each time: no pool */
    sv_crypto *fresh;
    sv_arena *arena;
    sv_chain_memory *chains;
    sipveil_keyring *keks;       /* 16 KEKs; the last one is "ours" in rows that open */
    sipveil_keyring *one_kek;    /* that last one alone */
    sipveil_keyring *foreign;    /* a KEK that is nobody's */
    sipveil_keyring *rsa, *p256; /* certificate with key */
    sipveil_keyring *p256_many;  /* 16 certificates */
    sipveil_keyring *trust;
    sipveil_keyring *hop;        /* certificate with key of BENCH_HOP, and the anchor */
    sipveil_span message;        /* a 907-octet INVITE */
    X509_STORE *store;           /* libcrypto's own, with the anchor */
} bench_world;

/* What the row at hand has prepared; rows run one after the other. */
typedef struct bench_prepared {
    sv_crypto *crypto;        /* of the world: with the pool, or fresh */
    const sv_cms_key *keys;
    const sv_cms_key *own;    /* the key that opens */
    uint8_t *sealed;          /* ContentInfo */
    size_t sealed_len;
    uint8_t *outer;           /* SIP message */
    size_t outer_len;
    sipveil_open_options open;
    sipveil_seal_options seal;
    const sipveil_key *recipients[BENCH_RECIPIENTS_MOST];
    sv_enveloped enveloped;
    sv_arena *arena; /* holds enveloped */
    bool certificates;
    EVP_CIPHER_CTX *gcm, *ecb;
} bench_prepared;
extern bench_prepared bench_at;

/* Copies what was written into storage that lasts as long as the benchmark. */
bool bench_keep(uint8_t **place, size_t *len, sipveil_span octets);

typedef bool (*bench_work)(bench_world *world, size_t n);

/* A row is one line in rows.c, and one in its second table where a figure is promised. */
typedef struct bench_row {
    const char *name;
    bench_work prepare;
    bench_work ours;
    bench_work libcrypto;  /* NULL: nothing to compare with */
    bench_work primitives; /* NULL: does not apply */
    size_t n;              /* recipients */
    size_t iterations;     /* of one round */
} bench_row;

extern const bench_row bench_rows[];
extern const size_t bench_row_count;

/* What a row must reach; 0: nothing is promised. */
typedef struct bench_bar {
    const char *row;
    double libcrypto;      /* at least so many times as fast as libcrypto */
    double primitives;     /* at most so many times the cost of the primitives */
    double nanoseconds;    /* at most */
    const char *other;     /* another row of ours: at most `times` its cost */
    double times;
    bool no_malloc;
} bench_bar;

extern const bench_bar bench_bars[];
extern const size_t bench_bar_count;

/* rows_enveloped.c */
const sv_cms_key *bench_cms_keys(const sipveil_keyring *ring);
bool bench_prepare_kek(bench_world *world, size_t n);
bool bench_prepare_kek_fresh(bench_world *world, size_t n);
bool bench_prepare_rsa(bench_world *world, size_t n);
bool bench_prepare_p256(bench_world *world, size_t n);
bool bench_seal(bench_world *world, size_t n);
bool bench_open(bench_world *world, size_t n);
bool bench_seal_libcrypto(bench_world *world, size_t n);
bool bench_open_libcrypto(bench_world *world, size_t n);
bool bench_kek_seal_primitives(bench_world *world, size_t n);
bool bench_kek_open_primitives(bench_world *world, size_t n);
bool bench_ktri_seal_primitives(bench_world *world, size_t n);
bool bench_ktri_open_primitives(bench_world *world, size_t n);
bool bench_kari_seal_primitives(bench_world *world, size_t n);
bool bench_kari_open_primitives(bench_world *world, size_t n);
bool bench_prepare_mine(bench_world *world, size_t n);
bool bench_mine(bench_world *world, size_t n);
bool bench_mine_libcrypto(bench_world *world, size_t n);

/* rows_signed.c */
bool bench_prepare_sign_p256(bench_world *world, size_t n);
bool bench_prepare_sign_p256_nocerts(bench_world *world, size_t n);
bool bench_prepare_sign_rsa(bench_world *world, size_t n);
bool bench_prepare_verify_p256(bench_world *world, size_t n);
bool bench_prepare_verify_rsa(bench_world *world, size_t n);
bool bench_sign(bench_world *world, size_t n);
bool bench_sign_libcrypto(bench_world *world, size_t n);
bool bench_sign_primitives(bench_world *world, size_t n);
bool bench_verify(bench_world *world, size_t n);
bool bench_verify_libcrypto(bench_world *world, size_t n);
bool bench_verify_primitives(bench_world *world, size_t n);

/* rows_message.c */
bool bench_prepare_message(bench_world *world, size_t n);
bool bench_seal_message(bench_world *world, size_t n);
bool bench_open_message(bench_world *world, size_t n);

/* curve.c: as JSON. */
bool bench_write_curve(bench_world *world, const char *path);

/* threads.c: two workers at once do so many times the work of one; and how often they waited for one another. */
bool bench_two_workers(bench_world *world, double *times, long *waited);

/* rows_e2m.c */
bool bench_prepare_proxy(bench_world *world, size_t n);
bool bench_proxy_not_mine(bench_world *world, size_t n);
bool bench_prepare_cek(bench_world *world, size_t n);
bool bench_cek_open(bench_world *world, size_t n);
bool bench_cek_open_scoped(bench_world *world, size_t n);
bool bench_cek_open_libcrypto(bench_world *world, size_t n);
bool bench_prepare_shared(bench_world *world, size_t n);
bool bench_open_shared(bench_world *world, size_t n);
bool bench_proxy_open(bench_world *world, size_t n);

/* rows_agree.c */
bool bench_prepare_agree_tls(bench_world *world, size_t n);
bool bench_prepare_agree_digest(bench_world *world, size_t n);
bool bench_agree_check(bench_world *world, size_t n);
/* rows_identity.c */
bool bench_prepare_identity(bench_world *world, size_t n);
bool bench_identity_sign(bench_world *world, size_t n);
bool bench_identity_verify(bench_world *world, size_t n);
bool bench_identity_sign_libcrypto(bench_world *world, size_t n);
bool bench_identity_verify_libcrypto(bench_world *world, size_t n);
bool bench_identity_sign_primitives(bench_world *world, size_t n);
bool bench_identity_verify_primitives(bench_world *world, size_t n);

/* rows_trust.c */
bool bench_prepare_trust(bench_world *world, size_t n);
bool bench_trust_verdict(bench_world *world, size_t n);
bool bench_trust_apply(bench_world *world, size_t n);
bool bench_trust_table(bench_world *world, size_t n);

bool bench_world_make(bench_world *world);
void bench_world_end(bench_world *world);

#endif
