/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the trust room share: a table from text, hops as short words, a message over the border. */
#ifndef TEST_TRUST_WORLD_H
#define TEST_TRUST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "sipveil/trust.h"

#define WORLD_UNUSED __attribute__((unused))

enum { WORLD_NOW = 1795255200 }; /* 2026-11-21T10:00:00Z */

static sipveil_context *world_context;
static sipveil_border *world_border;

WORLD_UNUSED static int64_t world_clock(void *user)
{
    (void)user;
    return WORLD_NOW;
}

WORLD_UNUSED static int world_open(void **state)
{
    sipveil_hooks hooks;
    (void)state;
    sipveil_hooks_default(&hooks);
    hooks.now = world_clock;
    return sipveil_context_new(&hooks, &world_context, NULL) == SIPVEIL_OK &&
                   sipveil_border_new(world_context, &world_border, NULL) == SIPVEIL_OK
               ? 0
               : -1;
}

WORLD_UNUSED static int world_close(void **state)
{
    (void)state;
    sipveil_border_free(world_border);
    sipveil_context_free(world_context);
    return 0;
}

/* A key and its certificate by that CA, last in the ring. */
WORLD_UNUSED static const sipveil_key *world_make(sipveil_keyring *ring, const char *ca, const char *ca_key, const char *aor, const char *host)
{
    const sipveil_certificate_request request = {.aor = aor, .host = host, .not_before = WORLD_NOW - 86400, .not_after = WORLD_NOW + 86400};
    char *both = NULL, *certificate = NULL;
    size_t place = sipveil_keyring_count(ring);
    assert_int_equal(sipveil_keys_make_certificate(world_context, sv_span_str(ca), sv_span_str(ca_key), &request, &both, &certificate, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_octets(ring, sv_span_str(both), "test", NULL, NULL, NULL), SIPVEIL_OK);
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(certificate);
    return sipveil_keyring_at(ring, place);
}

/* extra: keys of [trust-domain]. */
#define WORLD_PARTNERS                                                                                            \
    "[partner biloxi]\ndomains = biloxi.example\nip = 192.0.2.0/24 2001:db8:1::/48\nprotection = tls-mutual ipsec\n" \
    "trust_in = yes\ntrust_out = yes\n"                                                                            \
    "[partner chicago]\ndomains = chicago.example\ncert_names = sbc.chicago.example\nprotection = tls-mutual\n"     \
    "trust_in = yes\ntrust_out = no\n"

WORLD_UNUSED static sipveil_trust_table *world_table(const char *extra, const char *partners)
{
    char text[8192];
    sipveil_trust_table *table = NULL;
    sipveil_error err;
    snprintf(text, sizeof text, "[trust-domain]\n%s%s\n%s", extra, strstr(extra, "no_privacy") ? "" : "no_privacy = remove\n", partners);
    if (sipveil_trust_table_read(sv_span_str(text), "t", NULL, &table, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    return table;
}

/* A hop in words: "tls:NAME@ADDRESS", "sa:NAME@ADDRESS", "udp@ADDRESS", "tls@ADDRESS", "if:NAME". */
typedef struct world_hop {
    char text[128];
    const char *name;
    sipveil_trust_peer peer;
} world_hop;

WORLD_UNUSED static const sipveil_trust_peer *world_peer(world_hop *hop, const char *words)
{
    memset(hop, 0, sizeof *hop);
    snprintf(hop->text, sizeof hop->text, "%s", words);
    hop->peer.size = sizeof hop->peer;
    char *at = strchr(hop->text, '@');
    if (at != NULL) {
        *at = '\0';
        hop->peer.address = at + 1;
    }
    char *colon = strchr(hop->text, ':');
    if (colon != NULL) *colon = '\0';
    hop->name = colon != NULL ? colon + 1 : NULL;
    if (strcmp(hop->text, "tls") == 0) {
        hop->peer.transport = SIPVEIL_TRUST_TLS;
        hop->peer.names = &hop->name;
        hop->peer.name_count = hop->name != NULL;
    } else if (strcmp(hop->text, "sa") == 0) {
        hop->peer.transport = SIPVEIL_TRUST_UDP;
        hop->peer.sa = hop->name;
    } else if (strcmp(hop->text, "if") == 0) {
        hop->peer.transport = SIPVEIL_TRUST_UDP;
        hop->peer.interface = hop->name;
    } else {
        hop->peer.transport = strcmp(hop->text, "udp") == 0 ? SIPVEIL_TRUST_UDP : SIPVEIL_TRUST_TCP;
    }
    return &hop->peer;
}

#define WORLD_TRUSTED "tls:biloxi.example@192.0.2.7"
#define WORLD_STRANGER "udp@203.0.113.9"

/* "INVITE", extra rows with CRLF; to biloxi.example from an anonymous caller. */
WORLD_UNUSED static sipveil_span world_request(const char *method, const char *rows, char *room, size_t size)
{
    int len = snprintf(room, size,
                       "%s sip:bob@biloxi.example SIP/2.0\r\nVia: SIP/2.0/TLS a.home.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                       "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1\r\nTo: <sip:bob@biloxi.example>\r\nCall-ID: c\r\n"
                       "CSeq: 1 %s\r\nContact: <sip:a.home.example>\r\n%sContent-Length: 0\r\n\r\n",
                       method, method, rows);
    assert_true(len > 0 && (size_t)len < size);
    return sv_span(room, (size_t)len);
}

typedef struct world_way {
    const char *from, *to;
    const char *identities[4];
    const sipveil_trust_table *table;
    sipveil_trust_profile profile;
    const char *target; /* NULL: that of the message */
    const char *challenge;
    sipveil_memory *memory;
} world_way;

/* Over the border, both phases. False: phase A answered. */
WORLD_UNUSED static sipveil_border_result world_cross(const world_way *way, sipveil_span message)
{
    world_hop from, to;
    sipveil_trust_verdict in, out;
    sipveil_border_result result;
    sipveil_error err;
    sipveil_trust_table *table = (sipveil_trust_table *)(uintptr_t)way->table;
    sipveil_border_options options = {.size = sizeof options, .table = table, .profile = way->profile, .identities = way->identities,
                                      .challenge = way->challenge, .memory = way->memory};
    while (options.identity_count < 4 && way->identities[options.identity_count] != NULL) options.identity_count++;
    sipveil_trust_judge_peer(table, way->profile, SIPVEIL_TRUST_IN, sv_span(NULL, 0), world_peer(&from, way->from), WORLD_NOW,
                             &in);
    sipveil_code code = sipveil_border_arrive(world_border, &options, message, &in, &result, &err);
    if (code != SIPVEIL_OK) fail_msg("arrive: %s", err.text);
    if (result.action != SIPVEIL_BORDER_FORWARD) return result;
    sipveil_span target = way->target != NULL ? sv_span_str(way->target) : sipveil_border_target(world_border);
    sipveil_trust_judge_peer(table, way->profile, SIPVEIL_TRUST_OUT, target, world_peer(&to, way->to), WORLD_NOW, &out);
    if (sipveil_border_leave(world_border, &out, &result, &err) != SIPVEIL_OK) fail_msg("leave: %s", err.text);
    return result;
}

WORLD_UNUSED static bool world_holds(sipveil_span octets, const char *text)
{
    return sv_find(octets, sv_span_str(text), &(size_t){0});
}

#define world_assert_holds(octets, text)                                                                             \
    do {                                                                                                             \
        if (!world_holds(octets, text)) fail_msg("no \"%s\" in: %.*s", text, (int)(octets).len, (const char *)(octets).data); \
    } while (0)
#define world_assert_lacks(octets, text)                                                                           \
    do {                                                                                                           \
        if (world_holds(octets, text)) fail_msg("\"%s\" is in: %.*s", text, (int)(octets).len, (const char *)(octets).data); \
    } while (0)

#endif
