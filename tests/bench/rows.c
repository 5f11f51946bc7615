/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows, one line each, and what each must reach. */
#include "bench.h"

#define KEK_SEAL(n) {"kek-seal-" #n, bench_prepare_kek, bench_seal, bench_seal_libcrypto, bench_kek_seal_primitives, n, 20000}
#define KEK_SEAL_FRESH(n) {"kek-seal-fresh-" #n, bench_prepare_kek_fresh, bench_seal, bench_seal_libcrypto, bench_kek_seal_primitives, n, 20000}
#define KEK_OPEN(n) {"kek-open-" #n, bench_prepare_kek, bench_open, bench_open_libcrypto, bench_kek_open_primitives, n, 20000}

const bench_row bench_rows[] = {
    KEK_SEAL(1), KEK_SEAL(4), KEK_SEAL(16), KEK_SEAL_FRESH(1), KEK_SEAL_FRESH(16), KEK_OPEN(1), KEK_OPEN(4), KEK_OPEN(16),
    {"ktri-seal-1", bench_prepare_rsa, bench_seal, bench_seal_libcrypto, bench_ktri_seal_primitives, 1, 2000},
    {"ktri-open-1", bench_prepare_rsa, bench_open, bench_open_libcrypto, bench_ktri_open_primitives, 1, 400},
    {"kari-seal-1", bench_prepare_p256, bench_seal, bench_seal_libcrypto, bench_kari_seal_primitives, 1, 1000},
    {"kari-open-1", bench_prepare_p256, bench_open, bench_open_libcrypto, bench_kari_open_primitives, 1, 1000},
    {"kari-open-16", bench_prepare_p256, bench_open, bench_open_libcrypto, bench_kari_open_primitives, 16, 1000},
    {"sign-p256", bench_prepare_sign_p256, bench_sign, bench_sign_libcrypto, bench_sign_primitives, 1, 2000},
    {"sign-p256-nocerts", bench_prepare_sign_p256_nocerts, bench_sign, bench_sign_libcrypto, bench_sign_primitives, 1, 2000},
    {"sign-rsa2048", bench_prepare_sign_rsa, bench_sign, bench_sign_libcrypto, bench_sign_primitives, 1, 300},
    {"verify-p256-chain", bench_prepare_verify_p256, bench_verify, bench_verify_libcrypto, bench_verify_primitives, 1, 1000},
    {"verify-rsa2048-chain", bench_prepare_verify_rsa, bench_verify, bench_verify_libcrypto, bench_verify_primitives, 1, 1000},
    {"mine-1", bench_prepare_mine, bench_mine, bench_mine_libcrypto, NULL, 1, 20000},
    {"mine-16", bench_prepare_mine, bench_mine, bench_mine_libcrypto, NULL, 16, 20000},
    {"open-message-kek", bench_prepare_message, bench_open_message, NULL, bench_kek_open_primitives, 1, 10000},
    {"seal-message-kek", bench_prepare_message, bench_seal_message, NULL, bench_kek_seal_primitives, 1, 10000},
    {"cek-reuse-open", bench_prepare_cek, bench_cek_open, bench_cek_open_libcrypto, NULL, 1, 20000},
    {"agree-check", bench_prepare_agree_tls, bench_agree_check, NULL, NULL, 1, 100000},
    {"agree-check-other-form", bench_prepare_agree_tls, bench_agree_check, NULL, NULL, 2, 100000},
    {"agree-check-digest", bench_prepare_agree_digest, bench_agree_check, NULL, NULL, 1, 50000},
    {"cek-reuse-scoped", bench_prepare_cek, bench_cek_open_scoped, NULL, NULL, 1, 20000},
    {"open-shared", bench_prepare_shared, bench_open_shared, NULL, NULL, 2, 1000},
    {"proxy-open", bench_prepare_shared, bench_proxy_open, NULL, NULL, 2, 1000},
    {"identity-sign", bench_prepare_identity, bench_identity_sign, bench_identity_sign_libcrypto, bench_identity_sign_primitives, 1, 2000},
    {"identity-verify", bench_prepare_identity, bench_identity_verify, bench_identity_verify_libcrypto, bench_identity_verify_primitives, 1, 1000},
    {"proxy-not-mine", bench_prepare_proxy, bench_proxy_not_mine, NULL, NULL, 16, 200000},
    {"trust-verdict", bench_prepare_trust, bench_trust_verdict, NULL, NULL, 10000, 200000},
    {"trust-apply", bench_prepare_trust, bench_trust_apply, NULL, NULL, 10000, 20000},
    {"trust-table-10000", bench_prepare_trust, bench_trust_table, NULL, NULL, 10000, 5},
};
const size_t bench_row_count = sizeof bench_rows / sizeof bench_rows[0];

/* Figures of the design; "times" is against another row of the same run. */
const bench_bar bench_bars[] = {
    {.row = "kek-seal-1", .libcrypto = 8, .primitives = 1.25, .no_malloc = true},
    {.row = "kek-seal-16", .libcrypto = 7, .primitives = 1.25, .no_malloc = true},
    {.row = "kek-seal-fresh-1", .libcrypto = 5, .primitives = 1.25, .no_malloc = true},
    {.row = "kek-seal-fresh-16", .libcrypto = 6, .primitives = 1.25, .no_malloc = true},
    {.row = "kek-open-1", .libcrypto = 8, .primitives = 1.25, .no_malloc = true},
    {.row = "kek-open-16", .libcrypto = 13, .primitives = 1.25, .no_malloc = true},
    {.row = "ktri-seal-1", .libcrypto = 1.5},
    {.row = "ktri-open-1", .libcrypto = 1.03},
    {.row = "kari-seal-1", .libcrypto = 1.9},
    {.row = "kari-open-1", .libcrypto = 2.1},
    {.row = "kari-open-16", .libcrypto = 3},
    {.row = "sign-p256", .libcrypto = 2.6},
    {.row = "sign-p256-nocerts", .libcrypto = 1.9},
    {.row = "verify-p256-chain", .libcrypto = 4.5},
    {.row = "mine-16", .nanoseconds = 100, .no_malloc = true},
    {.row = "open-message-kek", .other = "kek-open-1", .times = 2.5, .no_malloc = true},
    {.row = "seal-message-kek", .no_malloc = true},
    {.row = "cek-reuse-open", .other = "ktri-open-1", .times = 0.01, .no_malloc = true},
    {.row = "proxy-not-mine", .nanoseconds = 150, .no_malloc = true},
    {.row = "proxy-open", .other = "open-shared", .times = 1.1},
    {.row = "identity-sign", .primitives = 1.176}, /* 0.85 of the rate of raw ECDSA */
    {.row = "identity-verify", .primitives = 1.176},
    {.row = "agree-check", .nanoseconds = 2000, .no_malloc = true},
    {.row = "trust-verdict", .nanoseconds = 1000, .no_malloc = true},
    {.row = "trust-apply", .no_malloc = true},
    {.row = "trust-table-10000", .nanoseconds = 200e6},
};
const size_t bench_bar_count = sizeof bench_bars / sizeof bench_bars[0];
