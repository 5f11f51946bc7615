/* SPDX-License-Identifier: BSD-2-Clause */
/* An authentication service of atlanta.example.com and one verifier, in one process. TEST ONLY. */
#ifndef TEST_IDENTITY_WORLD_H
#define TEST_IDENTITY_WORLD_H

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
#include "sipveil/identity.h"

#define WORLD_UNUSED __attribute__((unused))

enum { NOW = 1795255200 }; /* 2026-11-21T10:00:00Z */
#define DATE "Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n"

#define INFO "https://cert.atlanta.example.com/as.cer"
#define OTHER_INFO "https://cert.biloxi.example.com/as.cer"
#define PRINT_A "02:1A:CC:54:27:AB:EB:9C:53:3F:3E:4B:65:2E:7D:46:3F:54:42:CD:54:F1:7A:03:A2:7D:F9:B0:7F:46:19:B2"
#define PRINT_B "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:3E:4B:65:2E:7D:46:3F:54:42:CD:54:F1"
#define SDP_HEAD "v=0\r\no=alice 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n"
#define SDP SDP_HEAD "a=fingerprint:sha-256 " PRINT_A "\r\n"

#define ROWS(from, to)                                                                                  \
    "Via: SIP/2.0/TLS c.atlanta.example.com;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: " from "\r\nTo: " to \
    "\r\nCall-ID: c1@atlanta.example.com\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\n"
#define ALICE "\"Alice\" <sip:alice@atlanta.example.com>;tag=1"
#define BOB "<sip:bob@biloxi.example.com>"
#define START "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
#define BODY(sdp) "Content-Type: application/sdp\r\n\r\n" sdp
#define INVITE_WITH(rows, sdp) START ROWS(ALICE, BOB) rows BODY(sdp)
#define INVITE INVITE_WITH(DATE, SDP)

typedef struct service {
    sipveil_keyring *ring;
    const sipveil_key *key;
    char *certificate; /* PEM */
    sipveil_span der;  /* given instead, if there is any */
    const char *info;  /* the URI that answers with it */
} service;

enum { SERVICES = 6 };

typedef struct world {
    sipveil_context *context;
    sipveil_worker *worker, *verifier;
    sv_arena *arena;
    int64_t clock;
    char *ca, *ca_key;
    sipveil_keyring *trust;
    service atlanta, atlanta_rsa, biloxi;
    service *services[SERVICES]; /* that can be fetched */
    size_t service_count, fetched;
    sipveil_memory *memory;
    sipveil_identity_sign_options sign;
    sipveil_identity_verify_options verify;
    sipveil_identity_signed made;
    sipveil_identity_verdict verdict;
    sipveil_error err;
} world;

#define assert_code(code, wanted) EXPECT_CODE(code, wanted, &w->err)

static int64_t world_clock(void *user)
{
    return ((world *)user)->clock;
}

static sipveil_code world_fetch(void *user, const char *uri, sipveil_span *certificate, sipveil_error *err)
{
    world *w = user;
    (void)err;
    w->fetched++;
    for (size_t i = 0; i < w->service_count; i++) {
        if (strcmp(w->services[i]->info, uri) != 0) continue;
        *certificate = w->services[i]->der.len > 0 ? w->services[i]->der : sv_span_str(w->services[i]->certificate);
        return SIPVEIL_OK;
    }
    return SIPVEIL_NO_KEY;
}

static void world_anchor(world *w, sipveil_keyring *ring, const char *pem)
{
    assert_code(sipveil_keyring_add_anchor_octets(ring, sv_span_str(pem), "the CA", &w->err), SIPVEIL_OK);
}

/* A service from PEM texts of its own. */
WORLD_UNUSED static void world_add(world *w, service *s, const char *both, char *certificate, const char *info)
{
    assert_code(sipveil_keyring_new(w->context, &s->ring, &w->err), SIPVEIL_OK);
    assert_code(sipveil_keyring_add_octets(s->ring, sv_span_str(both), "test", NULL, NULL, &w->err), SIPVEIL_OK);
    s->key = sipveil_keyring_at(s->ring, 0);
    s->certificate = certificate;
    s->info = info;
    assert_true(w->service_count < SERVICES);
    w->services[w->service_count++] = s;
}

static void world_make(world *w, service *s, const char *host, const char *algorithm, const char *info)
{
    sipveil_certificate_request request = {.host = host, .algorithm = algorithm, .not_before = NOW - 86400, .not_after = NOW + 86400};
    char *both = NULL, *certificate = NULL;
    assert_code(sipveil_keys_make_certificate(w->context, sv_span_str(w->ca), sv_span_str(w->ca_key), &request, &both,
                                              &certificate, &w->err), SIPVEIL_OK);
    world_add(w, s, both, certificate, info);
    sipveil_keys_wipe_text(both);
}

WORLD_UNUSED static int world_setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    sipveil_hooks hooks;
    assert_non_null(w);
    w->clock = NOW;
    sipveil_hooks_default(&hooks);
    hooks.user = w;
    hooks.now = world_clock;
    assert_code(sipveil_context_new(&hooks, &w->context, &w->err), SIPVEIL_OK);
    assert_code(sipveil_worker_new(w->context, &w->worker, &w->err), SIPVEIL_OK);
    assert_code(sipveil_worker_new(w->context, &w->verifier, &w->err), SIPVEIL_OK);
    w->arena = sv_arena_new(1 << 16, 1 << 28);
    assert_non_null(w->arena);
    assert_code(sipveil_keys_make_authority(w->context, "Test CA", &w->ca, &w->ca_key, &w->err), SIPVEIL_OK);
    assert_code(sipveil_keyring_new(w->context, &w->trust, &w->err), SIPVEIL_OK);
    world_anchor(w, w->trust, w->ca);
    world_make(w, &w->atlanta, "atlanta.example.com", "p256", INFO);
    world_make(w, &w->biloxi, "biloxi.example.com", "p256", OTHER_INFO);
    world_make(w, &w->atlanta_rsa, "atlanta.example.com", "rsa2048", "https://cert.atlanta.example.com/rsa.cer");
    assert_code(sipveil_memory_new(&w->memory, &w->err), SIPVEIL_OK);
    *state = w;
    return 0;
}

WORLD_UNUSED static void world_drop(service *s)
{
    sipveil_keyring_free(s->ring);
    sipveil_keys_wipe_text(s->certificate);
    *s = (service){0};
}

WORLD_UNUSED static int world_teardown(void **state)
{
    world *w = *state;
    if (w == NULL) return 0;
    world_drop(&w->atlanta);
    world_drop(&w->atlanta_rsa);
    world_drop(&w->biloxi);
    sipveil_keys_wipe_text(w->ca);
    sipveil_keys_wipe_text(w->ca_key);
    sipveil_memory_free(w->memory);
    sipveil_keyring_free(w->trust);
    sv_arena_free(w->arena);
    sipveil_worker_free(w->worker);
    sipveil_worker_free(w->verifier);
    sipveil_context_free(w->context);
    free(w);
    return 0;
}

/* Options and memory as new. */
WORLD_UNUSED static world *begin(void **state)
{
    world *w = *state;
    sv_arena_reset(w->arena);
    w->clock = NOW;
    w->fetched = 0;
    sipveil_memory_free(w->memory);
    assert_code(sipveil_memory_new(&w->memory, &w->err), SIPVEIL_OK);
    sipveil_identity_sign_options_default(&w->sign);
    w->sign.key = w->atlanta.key;
    w->sign.info = INFO;
    sipveil_identity_verify_options_default(&w->verify);
    w->verify.profile = SIPVEIL_IDENTITY_AUTO;
    w->verify.trust = w->trust;
    w->verify.fetch = world_fetch;
    w->verify.fetch_user = w;
    return w;
}

/* By the service of RFC 4474. */
WORLD_UNUSED static void use_old(world *w)
{
    w->sign.profile = SIPVEIL_IDENTITY_RFC4474;
    w->sign.key = w->atlanta_rsa.key;
    w->sign.info = w->atlanta_rsa.info;
}

/* The signed message, kept until begin(). */
WORLD_UNUSED static sipveil_span sign(world *w, const char *message)
{
    sipveil_span copy;
    assert_code(sipveil_identity_sign_request(w->worker, &w->sign, sv_span_str(message), &w->made, &w->err), SIPVEIL_OK);
    if (!w->made.is_signed) fail_msg("not signed: %s", w->made.warning_count > 0 ? w->made.warnings[0].text : "?");
    assert_true(sv_arena_copy(w->arena, w->made.message, &copy));
    return copy;
}

/* The status of the verdict; 0: valid, or nothing to judge. */
WORLD_UNUSED static int verify(world *w, sipveil_span message)
{
    assert_code(sipveil_identity_verify_request(w->verifier, &w->verify, message, &w->verdict, &w->err), SIPVEIL_OK);
    assert_false(w->verdict.valid && w->verdict.status != 0);
    return w->verdict.status;
}

#define assert_valid(w, message)                                                                          \
    do {                                                                                                  \
        if (verify(w, message) != 0 || !(w)->verdict.valid) fail_msg("%s: %s", (w)->verdict.reason.rule, (w)->verdict.reason.text); \
    } while (0)

#define assert_status(w, message, wanted, wanted_rule)                                                       \
    do {                                                                                                     \
        int got_status = verify(w, message);                                                                 \
        if (got_status != (wanted) || strcmp((w)->verdict.reason.rule, wanted_rule) != 0) {                   \
            fail_msg("%d (%s: %s), not %d (%s)", got_status, (w)->verdict.reason.rule, (w)->verdict.reason.text, wanted, wanted_rule); \
        }                                                                                                    \
        assert_false((w)->verdict.valid);                                                                    \
        assert_int_equal((w)->verdict.certificate.len, 0);                                                   \
    } while (0)

/* One place of a message changed. */
WORLD_UNUSED static sipveil_span edited(world *w, sipveil_span message, const char *old, const char *new)
{
    size_t at;
    sv_buffer b;
    if (!sv_find(message, sv_span_str(old), &at)) fail_msg("\"%s\" is not there", old);
    sv_buffer_init(&b, w->arena, message.len + strlen(new), 1 << 24);
    sv_put(&b, sv_span(message.data, at));
    sv_put_str(&b, new);
    sv_put(&b, sv_span_from(message, at + strlen(old)));
    assert_false(b.failed);
    return sv_buffer_span(&b);
}

/* The value of a row, without CRLF. */
WORLD_UNUSED static sipveil_span row_of(sipveil_span message, const char *name)
{
    size_t at, end;
    if (!sv_find(message, sv_span_str(name), &at)) fail_msg("no %s", name);
    sipveil_span row = sv_span_from(message, at);
    assert_true(sv_find(row, SV_SPAN("\r\n"), &end));
    return sv_span(row.data, end);
}

#endif
