/* SPDX-License-Identifier: BSD-2-Clause */
/* The parties of end to middle in one process: UA1 (Alice, home.example), P1, P2, UA2 (Bob). TEST ONLY. */
#ifndef TEST_E2M_WORLD_H
#define TEST_E2M_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/span.h"
#include "sipveil/e2m.h"

#define WORLD_UNUSED __attribute__((unused))

enum { NOW = 1795255200 }; /* 2026-11-21T10:00:00Z */

#define SDP "v=0\r\no=alice 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n"
#define CRYPTO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRETSECRET\r\n"
#define P1_HOST "ss1.home.example"

typedef struct party {
    sipveil_keyring *ring; /* its key and the anchor */
    const sipveil_key *key;
    char *certificate; /* PEM */
    sipveil_memory *memory;
} party;

typedef struct world {
    sipveil_context *context;
    sipveil_worker *worker, *other;
    sv_arena *arena;
    int64_t clock;
    sipveil_keyring *nobody; /* the anchor alone */
    party ua1, p1, p2, ua2;
    sipveil_error err;
    sipveil_sealed sealed;
    sipveil_opened opened;
    sipveil_e2m_verdict verdict;
} world;

static int64_t world_clock(void *user)
{
    return ((world *)user)->clock;
}

#define assert_code(code, wanted) EXPECT_CODE(code, wanted, &w->err)

static void add_anchor(world *w, sipveil_keyring *ring, const char *pem)
{
    assert_code(sipveil_keyring_add_anchor_octets(ring, sv_span_str(pem), "the CA", &w->err), SIPVEIL_OK);
}

static void make_party(world *w, party *p, const char *ca, const char *ca_key, const char *aor, const char *host)
{
    sipveil_certificate_request request = {.aor = aor, .host = host, .not_before = NOW - 86400, .not_after = NOW + 86400};
    char *both = NULL;
    assert_code(sipveil_keyring_new(w->context, &p->ring, &w->err), SIPVEIL_OK);
    assert_code(sipveil_keys_make_certificate(w->context, sv_span_str(ca), sv_span_str(ca_key), &request, &both, &p->certificate,
                                              &w->err), SIPVEIL_OK);
    assert_code(sipveil_keyring_add_octets(p->ring, sv_span_str(both), "test", NULL, NULL, &w->err), SIPVEIL_OK);
    p->key = sipveil_keyring_at(p->ring, 0);
    add_anchor(w, p->ring, ca);
    assert_code(sipveil_memory_new(&p->memory, &w->err), SIPVEIL_OK);
    sipveil_keys_wipe_text(both);
}

WORLD_UNUSED static int world_setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    sipveil_hooks hooks;
    char *ca = NULL, *ca_key = NULL;
    assert_non_null(w);
    w->clock = NOW;
    sipveil_hooks_default(&hooks);
    hooks.user = w;
    hooks.now = world_clock;
    assert_code(sipveil_context_new(&hooks, &w->context, &w->err), SIPVEIL_OK);
    assert_code(sipveil_worker_new(w->context, &w->worker, &w->err), SIPVEIL_OK);
    assert_code(sipveil_worker_new(w->context, &w->other, &w->err), SIPVEIL_OK);
    w->arena = sv_arena_new(1 << 16, 1 << 28);
    assert_non_null(w->arena);
    assert_code(sipveil_keys_make_authority(w->context, "Test CA", &ca, &ca_key, &w->err), SIPVEIL_OK);
    make_party(w, &w->ua1, ca, ca_key, "sip:alice@home.example", NULL);
    make_party(w, &w->p1, ca, ca_key, NULL, P1_HOST);
    make_party(w, &w->p2, ca, ca_key, NULL, "ss2.other.example");
    make_party(w, &w->ua2, ca, ca_key, "sip:bob@other.example", NULL);
    assert_code(sipveil_keyring_new(w->context, &w->nobody, &w->err), SIPVEIL_OK);
    add_anchor(w, w->nobody, ca);
    sipveil_keys_wipe_text(ca);
    sipveil_keys_wipe_text(ca_key);
    *state = w;
    return 0;
}

static void end_party(party *p)
{
    sipveil_keyring_free(p->ring);
    sipveil_keys_wipe_text(p->certificate);
    sipveil_memory_free(p->memory);
}

WORLD_UNUSED static int world_teardown(void **state)
{
    world *w = *state;
    if (w == NULL) return 0;
    end_party(&w->ua1);
    end_party(&w->p1);
    end_party(&w->p2);
    end_party(&w->ua2);
    sipveil_keyring_free(w->nobody);
    sv_arena_free(w->arena);
    sipveil_worker_free(w->worker);
    sipveil_worker_free(w->other);
    sipveil_context_free(w->context);
    free(w);
    return 0;
}

/* Memories as new. */
WORLD_UNUSED static world *begin(void **state)
{
    world *w = *state;
    party *all[] = {&w->ua1, &w->p1, &w->p2, &w->ua2};
    sv_arena_reset(w->arena);
    w->clock = NOW;
    for (size_t i = 0; i < 4; i++) {
        sipveil_memory_free(all[i]->memory);
        assert_code(sipveil_memory_new(&all[i]->memory, &w->err), SIPVEIL_OK);
    }
    return w;
}

/* start: with CRLF; rows: more of them. */
WORLD_UNUSED static sipveil_span compose(world *w, const char *start, const char *rows, const char *body)
{
    sv_buffer b;
    sv_buffer_init(&b, w->arena, strlen(body) + 1024, 1 << 24);
    sv_put_str(&b, start);
    sv_put_str(&b, "Via: SIP/2.0/TLS ua.example;branch=z9hG4bKa1\r\nMax-Forwards: 70\r\n");
    sv_put_str(&b, rows);
    sv_put_str(&b, "Content-Length: ");
    sv_put_number(&b, strlen(body));
    sv_put_str(&b, "\r\n\r\n");
    sv_put_str(&b, body);
    assert_false(b.failed);
    return sv_buffer_span(&b);
}

#define ALICE_TO_BOB(call)                                                                                    \
    "From: Alice <sip:alice@home.example>;tag=a1\r\nTo: Bob <sip:bob@other.example>\r\nCall-ID: " call "\r\n" \
    "Contact: <sip:alice@ua1.home.example>\r\n"
#define BOB_TO_ALICE(call)                                                                                           \
    "From: Bob <sip:bob@other.example>;tag=b1\r\nTo: Alice <sip:alice@home.example>;tag=a1\r\nCall-ID: " call "\r\n" \
    "Contact: <sip:bob@ua2.other.example>\r\n"
#define SDP_TYPE "Content-Type: application/sdp\r\n"
#define INVITE "INVITE sip:bob@other.example SIP/2.0\r\n"

WORLD_UNUSED static sipveil_span invite(world *w, const char *body)
{
    return compose(w, INVITE, ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\n" SDP_TYPE, body);
}

WORLD_UNUSED static sipveil_span from_bob(world *w, int cseq)
{
    char rows[512];
    snprintf(rows, sizeof rows, BOB_TO_ALICE("c1@home.example") "CSeq: %d MESSAGE\r\nContent-Type: text/plain\r\n", cseq);
    return compose(w, "MESSAGE sip:alice@ua1.home.example SIP/2.0\r\n", rows, "hello");
}

/* Replaces the first occurrence; Content-Length is not touched. */
WORLD_UNUSED static sipveil_span edited(world *w, sipveil_span s, const char *from, const char *to)
{
    size_t at;
    sv_buffer b;
    if (!sv_find(s, sv_span_str(from), &at)) fail_msg("\"%s\" is not there", from);
    sv_buffer_init(&b, w->arena, s.len + strlen(to), 1 << 24);
    sv_put(&b, sv_span(s.data, at));
    sv_put_str(&b, to);
    sv_put(&b, sv_span_from(s, at + strlen(from)));
    return sv_buffer_span(&b);
}

WORLD_UNUSED static bool contains(sipveil_span s, const char *what)
{
    size_t at;
    return sv_find(s, sv_span_str(what), &at);
}

WORLD_UNUSED static sipveil_span hex(world *w, const char *text)
{
    size_t len = strlen(text) / 2;
    uint8_t *out = sv_arena_alloc(w->arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        unsigned octet;
        assert_int_equal(sscanf(text + 2 * i, "%2x", &octet), 1);
        out[i] = (uint8_t)octet;
    }
    return sv_span(out, len);
}

/* ---- sealing: Alice for Bob and P1 ---- */

typedef struct share {
    sipveil_e2m_options o;
    sipveil_e2m_hop hop;
    const sipveil_key *far, *signer;
} share;

WORLD_UNUSED static void share_begin(world *w, share *s)
{
    sipveil_e2m_options_default(&s->o);
    s->hop = (sipveil_e2m_hop){P1_HOST, w->p1.key};
    s->far = w->ua2.key;
    s->signer = w->ua1.key;
    s->o.seal.recipients = &s->far;
    s->o.seal.recipient_count = 1;
    s->o.seal.signers = &s->signer;
    s->o.seal.signer_count = 1;
    s->o.hops = &s->hop;
    s->o.hop_count = 1;
    s->o.memory = w->ua1.memory;
}

WORLD_UNUSED static sipveil_code try_share(world *w, const share *s, sipveil_span message)
{
    memset(&w->sealed, 0xAA, sizeof w->sealed);
    sipveil_code code = sipveil_e2m_seal_message(w->worker, &s->o, message, &w->sealed, &w->err);
    if (code != SIPVEIL_OK) assert_true(w->sealed.message.data == NULL && w->err.code == code && w->err.text[0] != '\0');
    return code;
}

WORLD_UNUSED static sipveil_span shared(world *w, const share *s, sipveil_span message)
{
    assert_code(try_share(w, s, message), SIPVEIL_OK);
    return copy_of(w, w->sealed.message);
}

/* An INVITE whose key may be used `uses` times more. */
WORLD_UNUSED static sipveil_span kept_invite(world *w, uint32_t uses)
{
    share s;
    share_begin(w, &s);
    s.o.act = s.o.reply = SIPVEIL_E2M_BOTH;
    s.o.keep = true;
    s.o.max_decrypts = uses;
    return shared(w, &s, invite(w, SDP));
}

/* Bob's message by the newest earlier key. */
WORLD_UNUSED static sipveil_code try_reuse(world *w, party *p, sipveil_span message, share *s)
{
    share local;
    if (s == NULL) {
        s = &local;
        sipveil_e2m_options_default(&s->o);
    }
    s->signer = p->key;
    s->o.seal.signers = &s->signer;
    s->o.seal.signer_count = 1;
    s->o.memory = p->memory;
    if (s->o.reuse == NULL) s->o.reuse = "last";
    return try_share(w, s, message);
}

WORLD_UNUSED static sipveil_span reused(world *w, party *p, sipveil_span message)
{
    assert_code(try_reuse(w, p, message, NULL), SIPVEIL_OK);
    return copy_of(w, w->sealed.message);
}

/* ---- opening, proxying ---- */

WORLD_UNUSED static sipveil_code try_open_with(world *w, party *p, sipveil_span message, sipveil_e2m_open_options *o)
{
    o->open.keyring = p->ring;
    o->open.memory = p->memory;
    memset(&w->opened, 0xAA, sizeof w->opened);
    return sipveil_e2m_open_message(w->worker, o, message, &w->opened, &w->err);
}

WORLD_UNUSED static sipveil_code try_open(world *w, party *p, sipveil_span message)
{
    sipveil_e2m_open_options o;
    sipveil_e2m_open_options_default(&o);
    return try_open_with(w, p, message, &o);
}

WORLD_UNUSED static sipveil_e2m_proxy_options proxy_options(party *p, const char *const *host)
{
    sipveil_e2m_proxy_options o;
    sipveil_e2m_proxy_options_default(&o);
    o.open.keyring = p->ring;
    o.open.memory = p->memory;
    o.hosts = host;
    o.host_count = 1;
    o.protected_hop = o.sender_authenticated = true;
    return o;
}

static const char *const p1_name[] = {P1_HOST};

WORLD_UNUSED static void at_p1_with(world *w, const sipveil_e2m_proxy_options *o, sipveil_span message)
{
    assert_code(sipveil_e2m_proxy_message(w->worker, o, message, &w->verdict, &w->err), SIPVEIL_OK);
    if (w->verdict.action == SIPVEIL_E2M_FORWARD) {
        assert_true(w->verdict.message.data == message.data && w->verdict.message.len == message.len);
    } else {
        assert_false(w->verdict.has_view);
        assert_true(w->verdict.reason.code != SIPVEIL_OK);
    }
}

WORLD_UNUSED static void at_p1(world *w, sipveil_span message)
{
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    at_p1_with(w, &o, message);
}

/* The body of a message as a part of a multipart with the boundary xx. */
WORLD_UNUSED static void put_part(sv_buffer *b, sipveil_span message, bool optional)
{
    size_t from, at;
    assert_true(sv_find(message, SV_SPAN("Content-Type: "), &from));
    assert_true(sv_find(message, SV_SPAN("\r\n\r\n"), &at));
    sipveil_span rows = sv_span(message.data + from, at + 2 - from);
    sv_put_str(b, "--xx\r\n");
    for (size_t end; rows.len > 0 && sv_find(rows, SV_SPAN("\r\n"), &end); rows = sv_span_from(rows, end + 2)) {
        sipveil_span row = sv_span(rows.data, end + 2);
        size_t handling;
        if (sv_starts_nocase_str(row, "content-length") || !sv_starts_nocase_str(row, "content-")) continue;
        if (optional && sv_find(row, SV_SPAN("handling=required"), &handling)) {
            sv_put(b, sv_span(row.data, handling));
            sv_put_str(b, "handling=optional\r\n");
        } else {
            sv_put(b, row);
        }
    }
    sv_put(b, sv_span_from(message, at + 2));
    sv_put_str(b, "\r\n");
}

WORLD_UNUSED static bool checked(const sipveil_opened *o, const char *rule, sipveil_check_result result)
{
    for (size_t i = 0; i < o->check_count; i++) {
        if (strcmp(o->checks[i].rule, rule) == 0 && o->checks[i].result == result) return true;
    }
    return false;
}

WORLD_UNUSED static bool warned(const sipveil_warning *warnings, size_t count, const char *rule)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(warnings[i].rule, rule) == 0) return true;
    }
    return false;
}

#endif
