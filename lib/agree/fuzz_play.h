/* SPDX-License-Identifier: BSD-2-Clause */
/* What the plays between a client and a server share: kept messages, how they are changed, and chance that can be repeated. */
#ifndef SV_AGREE_FUZZ_PLAY_H
#define SV_AGREE_FUZZ_PLAY_H

#include <stdlib.h>
#include <string.h>

#include "agree/server.h"

#define INVITE                                                                                                         \
    "INVITE sip:bob@home.example SIP/2.0\r\nVia: SIP/2.0/TCP ua.home.example;branch=z9hG4bKfirst\r\nMax-Forwards: 70\r\n" \
    "From: Alice <sip:alice@home.example>;tag=a1\r\nTo: <sip:bob@home.example>\r\nCall-ID: c1@home.example\r\n"            \
    "CSeq: 1 INVITE\r\nContact: <sip:alice@ua.home.example>\r\nContent-Length: 0\r\n\r\n"

enum { TEXT_MOST = 1 << 12 };

typedef struct text {
    uint8_t octets[TEXT_MOST];
    size_t len;
    bool over_tls;
} text;

static void must(bool holds)
{
    if (!holds) abort();
}

static void set(text *t, sipveil_span from, bool over_tls)
{
    t->over_tls = over_tls;
    t->len = from.len < sizeof t->octets ? from.len : 0;
    for (size_t i = 0; i < t->len; i++) t->octets[i] = from.data[i];
}

static sipveil_span span_of(const text *t)
{
    return sv_span(t->octets, t->len);
}

/* The same for every input: a play can be repeated. */
static uint64_t randomness;
static bool repeatable(void *user, uint8_t *out, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        randomness = randomness * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(randomness >> 56);
    }
    return true;
}

static void replace(text *t, const char *old, const char *new)
{
    size_t at, n = strlen(old), m = strlen(new);
    if (!sv_find(span_of(t), sv_span_str(old), &at) || t->len - n + m > sizeof t->octets) return;
    memmove(t->octets + at + m, t->octets + at + n, t->len - at - n);
    for (size_t i = 0; i < m; i++) t->octets[at + i] = (uint8_t)new[i];
    t->len = t->len - n + m;
}

#endif
