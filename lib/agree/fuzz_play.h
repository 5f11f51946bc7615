/* SPDX-License-Identifier: BSD-2-Clause */
/* What the plays between a client and a server share: kept messages, and how they are changed. */
#ifndef SV_AGREE_FUZZ_PLAY_H
#define SV_AGREE_FUZZ_PLAY_H

#include <string.h>

#include "agree/server.h"
#include "base/fuzz_target.h"

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

static sipveil_context *context;
static sipveil_worker *worker;
static sipveil_agree_list *ours[SIPVEIL_AGREE_PROFILE_COUNT], *theirs[SIPVEIL_AGREE_PROFILE_COUNT];
static const sipveil_agree_credentials credentials = {"home.example", "alice", "s3cret"};

/* What both ends announce, in a profile that has Digest by name and in draft 04. */
typedef struct announced {
    const char *ours, *ours_draft04, *theirs, *theirs_draft04;
} announced;

FUZZ_GIVE_BACK(give_back_memory, sipveil_memory_free)

static sipveil_agree_list *read_list(const char *value, int profile, sipveil_agree_side side)
{
    sipveil_agree_list *list = NULL;
    must(sipveil_agree_list_read(sv_span_str(value), (sipveil_agree_profile)profile, side, &list, NULL) == SIPVEIL_OK);
    return list;
}

static void prepare(const announced *lists)
{
    sipveil_hooks hooks;
    randomness = 1;
    if (context != NULL) return;
    sipveil_hooks_default(&hooks);
    hooks.random = repeatable;
    must(sipveil_context_new(&hooks, &context, NULL) == SIPVEIL_OK && sipveil_worker_new(context, &worker, NULL) == SIPVEIL_OK);
    for (int i = 0; i < SIPVEIL_AGREE_PROFILE_COUNT; i++) {
        bool draft04 = i == SIPVEIL_AGREE_DRAFT04;
        ours[i] = read_list(draft04 ? lists->ours_draft04 : lists->ours, i, SIPVEIL_AGREE_CLIENT);
        theirs[i] = read_list(draft04 ? lists->theirs_draft04 : lists->theirs, i, SIPVEIL_AGREE_SERVER);
    }
}

static uint8_t take_move(sv_cursor *input)
{
    uint8_t byte = 0;
    (void)sv_take_byte(input, &byte);
    return byte;
}

static void replace(text *t, const char *old, const char *new)
{
    size_t at, n = strlen(old), m = strlen(new);
    if (!sv_find(span_of(t), sv_span_str(old), &at) || t->len - n + m > sizeof t->octets) return;
    memmove(t->octets + at + m, t->octets + at + n, t->len - at - n);
    for (size_t i = 0; i < m; i++) t->octets[at + i] = (uint8_t)new[i];
    t->len = t->len - n + m;
}

/* What is rare, and takes several octets at once: which is from RARE on. */
enum { RARE = 224 };
static void change_rarely(text *t, uint8_t which)
{
    static const char *const changes[][2] = {
        {"d-alg=MD5;", "d-alg=MD5-sess;"}, {"d-alg=MD5;", "d-alg=SHA-256-sess;"}, {"algorithm=MD5", "algorithm=SHA-256-sess"}, {"d-alg=MD5;", ""},
        {"d-qop=auth", "d-qop=none"}, {"d-qop=auth", "d-qop=auth-int"}, {"qop=\"auth\"", "qop=\"auth-int\""}, {"qop=\"auth\"", "qop=\"other\""},
        {";d-qop=auth", ""}, {"qop=\"auth\", ", ""}, {", qop=\"auth\"", ""}, {"digest;q", "digest\t; \r\n q"}, {"tls;q", "tls\r\n\t ;\t q"},
        {"nc=00000001", "nc=1"}, {"nc=00000001", "nc=0000000G"}, {"nc=00000001", "nc=0000000-"}, {"nc=00000001", "nc=00000000"},
        {"nc=00000001", "nc=0000000f"}, {"nonce=\"6", "nonce=\"z"}, {"nonce=\"6", "nonce=\"5"}, {"nonce=\"", "nonce=\"-"}, {"nonce=\"6", "nonce=\"-"},
        {"algorithm=MD5", "algorithm=MD5-sess"}, {"algorithm=MD5", "algorithm=other"}, {"d-alg=MD5;", "d-alg=other;"},
        {"realm=\"home", "realm=\"h\\ome"}, {"realm=\"home.example\"", "realm=\"home\""}, {"realm=\"home.example\"", "realm=\"home.example"}};
    which -= RARE;
    if (which < sizeof changes / sizeof *changes) replace(t, changes[which][0], changes[which][1]);
}

/* One octet, anywhere. */
static void change_octet(text *t, sv_cursor *input)
{
    if (t->len == 0) return;
    size_t place = (size_t)take_move(input) << 8;
    place |= take_move(input);
    t->octets[place % t->len] = take_move(input);
}

#endif
