/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole messages, through the public interface. */
#include <string.h>

#include "bench.h"

bool bench_prepare_message(bench_world *w, size_t n)
{
    sipveil_sealed sealed;
    if (!bench_prepare_kek(w, n)) return false;
    sipveil_seal_options_default(&bench_at.seal);
    sipveil_open_options_default(&bench_at.open);
    bench_at.recipients[0] = sipveil_keyring_at(w->one_kek, 0);
    bench_at.seal.recipients = bench_at.recipients;
    bench_at.seal.recipient_count = 1;
    bench_at.open.keyring = w->one_kek;
    return sipveil_tunnel_seal_message(w->worker, &bench_at.seal, w->message, &sealed, NULL) == SIPVEIL_OK &&
           bench_keep(&bench_at.outer, &bench_at.outer_len, sealed.message);
}

bool bench_seal_message(bench_world *w, size_t n)
{
    sipveil_sealed sealed;
    (void)n;
    return sipveil_tunnel_seal_message(w->worker, &bench_at.seal, w->message, &sealed, NULL) == SIPVEIL_OK;
}

/* From received octets to verified inner octets, comparison included. */
bool bench_open_message(bench_world *w, size_t n)
{
    sipveil_opened opened;
    (void)n;
    return sipveil_tunnel_open_message(w->worker, &bench_at.open, sv_span(bench_at.outer, bench_at.outer_len), &opened, NULL) == SIPVEIL_OK &&
           opened.message.len == w->message.len;
}

#define KEK_SEAL(n) {"kek-seal-" #n, bench_prepare_kek, bench_seal, bench_seal_libcrypto, bench_kek_seal_primitives, n, 20000}
#define KEK_OPEN(n) {"kek-open-" #n, bench_prepare_kek, bench_open, bench_open_libcrypto, bench_kek_open_primitives, n, 20000}
