/* SPDX-License-Identifier: BSD-2-Clause */
/* What a warm worker holds, and whether it grows: messages of all kinds in turn, good ones and refused ones, through the
 * public interface, and the octets that the allocator has handed out before and after.
 *
 *   sipveil-memory [MESSAGES]      1,000,000 if not said; a test runs it with fewer */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { MOST = 512 * 1024, WARM = 200, KINDS = 5, GROWTH_MOST = 4096 };

static bench_world world;

typedef struct kind {
    const char *name;
    const sipveil_keyring *to;  /* NULL: signed only */
    const sipveil_keyring *signer;
    const sipveil_keyring *opens;
    sipveil_code expected;
    uint8_t *sealed;
    size_t sealed_len;
} kind;

static size_t held(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static sipveil_code seal(const kind *k, sipveil_sealed *out)
{
    const sipveil_key *to[1], *by[1];
    sipveil_seal_options options;
    sipveil_seal_options_default(&options);
    if (k->to != NULL) {
        to[0] = sipveil_keyring_at(k->to, 0);
        options.recipients = to;
        options.recipient_count = 1;
    }
    if (k->signer != NULL) {
        by[0] = sipveil_keyring_at(k->signer, 0);
        options.signers = by;
        options.signer_count = 1;
    }
    return sipveil_tunnel_seal_message(world.worker, &options, world.message, out, NULL);
}

/* Seals one anew, and opens the one that was kept: with the keys and the anchor of its kind. */
static bool pass(const kind *k)
{
    sipveil_open_options options;
    sipveil_opened opened;
    sipveil_sealed sealed;
    sipveil_error err;
    if (seal(k, &sealed) != SIPVEIL_OK) return false;
    sipveil_open_options_default(&options);
    options.keyring = k->opens;
    sipveil_code code = sipveil_tunnel_open_message(world.worker, &options, sv_span(k->sealed, k->sealed_len), &opened, &err);
    if (code != k->expected) fprintf(stderr, "memory: %s: %s\n", k->name, err.text);
    return code == k->expected;
}

static bool run(const kind *kinds, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        /* Public keys cost a hundred times a shared one: each comes in its turn, but less often. */
        const kind *k = &kinds[i % 50 == 7 ? 1 : i % 50 == 23 ? 2 : i % 50 == 41 ? 3 : i % 3 == 0 ? 4 : 0];
        if (!pass(k)) return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    size_t messages = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    if (!bench_world_make(&world)) return 1;
    sipveil_worker_free(world.worker);
    world.worker = NULL;
    kind kinds[KINDS] = {
        {"shared key", world.one_kek, NULL, world.one_kek, SIPVEIL_OK, NULL, 0},
        {"RSA", world.rsa, NULL, world.rsa, SIPVEIL_OK, NULL, 0},
        {"ECDH", world.p256, NULL, world.p256, SIPVEIL_OK, NULL, 0},
        {"signed and accepted", NULL, world.p256, world.trust, SIPVEIL_OK, NULL, 0},
        {"for another", world.foreign, NULL, world.one_kek, SIPVEIL_NO_KEY, NULL, 0},
    };
    size_t before = held();
    if (sipveil_worker_new(world.context, &world.worker, NULL) != SIPVEIL_OK) return 1;
    for (size_t i = 0; i < KINDS; i++) {
        sipveil_sealed sealed;
        if (seal(&kinds[i], &sealed) != SIPVEIL_OK || !bench_keep(&kinds[i].sealed, &kinds[i].sealed_len, sealed.message)) return 1;
    }
    size_t kept = 0;
    for (size_t i = 0; i < KINDS; i++) kept += kinds[i].sealed_len;
    if (!run(kinds, 0, WARM)) return 1;
    size_t warm = held();
    if (!run(kinds, WARM, WARM + messages)) return 1;
    size_t after = held(), worker = warm - before - kept;
    bool small = worker <= MOST, same = after <= warm + GROWTH_MOST;
    printf("%s 1 - a warm worker holds %zu KiB of at most %d, libcrypto's part included\n", small ? "ok" : "not ok", worker / 1024,
           MOST / 1024);
    printf("%s 2 - %zu messages later it holds %ld octets more\n1..2\n", same ? "ok" : "not ok", messages, (long)after - (long)warm);
    for (size_t i = 0; i < KINDS; i++) free(kinds[i].sealed);
    bench_world_end(&world);
    return small && same ? 0 : 1;
}
