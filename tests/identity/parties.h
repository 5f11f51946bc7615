/* SPDX-License-Identifier: BSD-2-Clause */
/* Alice (atlanta.example), Bob (biloxi.example) and their devices' certificates, which nobody here knows; messages with
 * such certificates in them. TEST ONLY. */
#ifndef TEST_IDENTITY_PARTIES_H
#define TEST_IDENTITY_PARTIES_H

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

#include "base/buffer.h"
#include "keys/certificate.h"
#include "keys/keys.h"
#include "mime/mime.h"
#include "sip/view.h"
#include "sipveil/tunnel.h"

#define PARTIES_UNUSED __attribute__((unused))

enum { NOW = 1795255200 }; /* 2026-11-21T10:00:00Z */

#define SDP "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n"

/* A certificate with its key, as the party that owns it has it. */
typedef struct device {
    sipveil_keyring *ring;
    const sipveil_key *key;
    sipveil_span der;
} device;

typedef struct parties {
    sipveil_context *context;
    sipveil_worker *worker, *other;
    sv_arena *arena;
    int64_t clock;
    char *corporate, *corporate_key; /* a CA that no receiver knows */
    device alice, alice_new, bob, phone; /* phone: of the corporate CA, with a device name */
    sipveil_error err;
} parties;

static int64_t parties_clock(void *user)
{
    return ((parties *)user)->clock;
}

#define assert_code(code, wanted) EXPECT_CODE(code, wanted, &p->err)

/* aor or host; ca NULL: signed by itself. */
static device make_device(parties *p, const char *ca, const char *ca_key, const char *aor, const char *host, int64_t until)
{
    device d;
    char *both = NULL, *alone = NULL;
    sipveil_certificate_request request = {.aor = aor, .host = host, .not_before = NOW - 86400, .not_after = until};
    assert_code(sipveil_keys_make_certificate(p->context, ca ? sv_span_str(ca) : sv_span(NULL, 0),
                                              ca ? sv_span_str(ca_key) : sv_span(NULL, 0), &request, &both, &alone, &p->err),
                SIPVEIL_OK);
    assert_code(sipveil_keyring_new(p->context, &d.ring, &p->err), SIPVEIL_OK);
    assert_code(sipveil_keyring_add_octets(d.ring, sv_span_str(both), "test", NULL, NULL, &p->err), SIPVEIL_OK);
    d.key = sipveil_keyring_at(d.ring, 0);
    assert_code(sv_certificate_der(d.key->cms.certificate, p->arena, &d.der, &p->err), SIPVEIL_OK);
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(alone);
    return d;
}

PARTIES_UNUSED static int parties_setup(void **state)
{
    parties *p = calloc(1, sizeof *p);
    sipveil_hooks hooks;
    assert_non_null(p);
    p->clock = NOW;
    sipveil_hooks_default(&hooks);
    hooks.user = p;
    hooks.now = parties_clock;
    assert_code(sipveil_context_new(&hooks, &p->context, &p->err), SIPVEIL_OK);
    assert_code(sipveil_worker_new(p->context, &p->worker, &p->err), SIPVEIL_OK);
    assert_code(sipveil_worker_new(p->context, &p->other, &p->err), SIPVEIL_OK);
    p->arena = sv_arena_new(1 << 16, 1 << 28);
    assert_non_null(p->arena);
    assert_code(sipveil_keys_make_authority(p->context, "Corporate", &p->corporate, &p->corporate_key, &p->err), SIPVEIL_OK);
    p->alice = make_device(p, NULL, NULL, "sip:alice@atlanta.example", NULL, NOW + 86400);
    p->alice_new = make_device(p, NULL, NULL, "sip:alice@atlanta.example", NULL, NOW + 86400);
    p->bob = make_device(p, NULL, NULL, "sip:bob@biloxi.example", NULL, NOW + 86400);
    p->phone = make_device(p, p->corporate, p->corporate_key, NULL, "phone-17.corp.example", NOW + 3600);
    *state = p;
    return 0;
}

PARTIES_UNUSED static int parties_teardown(void **state)
{
    parties *p = *state;
    if (p == NULL) return 0;
    sipveil_keyring_free(p->alice.ring);
    sipveil_keyring_free(p->alice_new.ring);
    sipveil_keyring_free(p->bob.ring);
    sipveil_keyring_free(p->phone.ring);
    sipveil_keys_wipe_text(p->corporate);
    sipveil_keys_wipe_text(p->corporate_key);
    sv_arena_free(p->arena);
    sipveil_worker_free(p->worker);
    sipveil_worker_free(p->other);
    sipveil_context_free(p->context);
    free(p);
    return 0;
}

/* ---- bodies ---- */

typedef struct content {
    const char *type; /* of the entity, or the rows after "Content-Type: " */
    sipveil_span octets;
} content;

PARTIES_UNUSED static sv_buffer buffer_of(parties *p)
{
    sv_buffer b;
    sv_buffer_init(&b, p->arena, 4096, 1 << 24);
    return b;
}

/* A multipart/mixed of these parts. */
PARTIES_UNUSED static content mixed(parties *p, const content *parts, size_t count)
{
    sv_buffer b = buffer_of(p);
    for (size_t i = 0; i < count; i++) {
        sv_put_str(&b, "--part-of-it\r\nContent-Type: ");
        sv_put_str(&b, parts[i].type);
        sv_put_str(&b, "\r\n\r\n");
        sv_put(&b, parts[i].octets);
        sv_put_str(&b, "\r\n");
    }
    sv_put_str(&b, "--part-of-it--\r\n");
    return (content){"multipart/mixed;boundary=part-of-it", sv_buffer_span(&b)};
}

PARTIES_UNUSED static content sdp_of(parties *p, const char *more)
{
    sv_buffer b = buffer_of(p);
    sv_put_str(&b, SDP);
    sv_put_str(&b, more);
    return (content){"application/sdp", sv_buffer_span(&b)};
}

PARTIES_UNUSED static content pkix(const device *d)
{
    return (content){"application/pkix-cert", d->der};
}

/* rows: all but Via, Max-Forwards and Content-*. */
PARTIES_UNUSED static sipveil_span compose(parties *p, const char *start, const char *rows, content body)
{
    sv_buffer b = buffer_of(p);
    sv_put_str(&b, start);
    sv_put_str(&b, "Via: SIP/2.0/TLS ua.example;branch=z9hG4bKa1\r\nMax-Forwards: 70\r\n");
    sv_put_str(&b, rows);
    if (body.octets.len > 0) {
        sv_put_str(&b, "Content-Type: ");
        sv_put_str(&b, body.type);
        sv_put_str(&b, "\r\n");
    }
    sv_put_str(&b, "Content-Length: ");
    sv_put_number(&b, body.octets.len);
    sv_put_str(&b, "\r\n\r\n");
    sv_put(&b, body.octets);
    assert_false(b.failed);
    return sv_buffer_span(&b);
}

#define INVITE "INVITE sip:bob@biloxi.example SIP/2.0\r\n"
#define ALICE_TO_BOB(call, to_tag)                                                                            \
    "From: Alice <sip:alice@atlanta.example>;tag=a1\r\nTo: Bob <sip:bob@biloxi.example>" to_tag "\r\n"         \
    "Call-ID: " call "\r\nContact: <sip:alice@pc33.atlanta.example>\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"

PARTIES_UNUSED static sipveil_span invite(parties *p, content body)
{
    return compose(p, INVITE, ALICE_TO_BOB("c1@atlanta.example", "") "CSeq: 1 INVITE\r\n", body);
}

PARTIES_UNUSED static sv_sip_view *view_of(parties *p, sipveil_span message)
{
    sipveil_limits limits;
    sipveil_limits_default(&limits);
    sv_sip_view *view = sv_arena_alloc_raw(p->arena, sizeof *view);
    assert_non_null(view);
    assert_code(sv_sip_read(message, SV_SIP_DATAGRAM, &limits, view, &p->err), SIPVEIL_OK);
    return view;
}

/* The message signed by a device: mode TUNNEL or PAYLOAD. */
PARTIES_UNUSED static sipveil_span signed_by(parties *p, const device *d, sipveil_mode mode, bool opaque, sipveil_span message)
{
    sipveil_seal_options options;
    sipveil_sealed sealed;
    sipveil_span copy;
    sipveil_seal_options_default(&options);
    options.mode = mode;
    options.opaque = opaque;
    options.signers = &d->key;
    options.signer_count = 1;
    assert_code(sipveil_tunnel_seal_message(p->other, &options, message, &sealed, &p->err), SIPVEIL_OK);
    assert_true(sv_arena_copy(p->arena, sealed.message, &copy));
    return copy;
}

/* DER of the only PEM block with that label. */
PARTIES_UNUSED static sipveil_span der_of(parties *p, const char *pem, const char *label)
{
    char begin[64];
    sipveil_span out, text = sv_span_str(pem);
    size_t at, end;
    snprintf(begin, sizeof begin, "-----BEGIN %s-----\n", label);
    assert_true(sv_find(text, sv_span_str(begin), &at));
    text = sv_span_from(text, at + strlen(begin));
    assert_true(sv_find(text, SV_SPAN("-----END"), &end));
    sv_buffer line = buffer_of(p);
    for (size_t i = 0; i < end; i++) {
        if (text.data[i] != '\n') sv_put_byte(&line, text.data[i]);
    }
    assert_code(sv_mime_decode_base64(sv_buffer_span(&line), p->arena, &out, &p->err), SIPVEIL_OK);
    return out;
}

#endif
