/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of a call between Alice and Bob, and what a verification service would say of them. TEST ONLY. */
#ifndef TEST_IDENTITY_VOUCHED_H
#define TEST_IDENTITY_VOUCHED_H

#include "parties.h"
#include "sipveil/binding.h"

#define AT "Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
#define ALICE "<sip:alice@atlanta.example>"
#define BOB "<sip:bob@biloxi.example>"
#define CAROL "<sip:carol@chicago.example>"

/* A request from `from` to `to`, each an address with its tag or none, in the call `call`. */
PARTIES_UNUSED static sipveil_span request(parties *p, const char *method, const char *call, const char *from, const char *to,
                                           content body)
{
    char start[128], rows[512];
    snprintf(start, sizeof start, "%s sip:x@192.0.2.1 SIP/2.0\r\n", method);
    snprintf(rows, sizeof rows, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 7 %s\r\nContact: <sip:y@192.0.2.2>\r\n" AT, from, to,
             call, method);
    return compose(p, start, rows, body);
}

PARTIES_UNUSED static sipveil_span response(parties *p, int status, const char *method, const char *call, const char *from,
                                            const char *to, const char *more, content body)
{
    char start[128], rows[512];
    snprintf(start, sizeof start, "SIP/2.0 %d X\r\n", status);
    snprintf(rows, sizeof rows, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 7 %s\r\n%s", from, to, call, method, more);
    return compose(p, start, rows, body);
}

static const content no_body = {NULL, {NULL, 0}};

/* RFC 4474: the whole body is covered. */
PARTIES_UNUSED static sipveil_identity_verdict by_body(const char *identity, const char *domain)
{
    return (sipveil_identity_verdict){.valid = true, .present = true, .path = SIPVEIL_IDENTITY_RFC4474, .identity = identity,
                                      .domain = domain, .certificate_sha256 = {0x5e}, .signed_at = NOW - 3,
                                      .body_covered = true};
}

/* RFC 8224 with an mky that names the certificate of that device, or none. */
PARTIES_UNUSED static sipveil_identity_verdict by_mky(parties *p, const char *identity, const char *domain, const device *named)
{
    sipveil_identity_verdict v = {.valid = true, .present = true, .path = SIPVEIL_IDENTITY_RFC8224, .identity = identity,
                                  .domain = domain, .certificate_sha256 = {0x5e}, .signed_at = NOW - 3};
    if (named == NULL) return v;
    sipveil_identity_fingerprint *f = sv_arena_alloc_array(p->arena, 2, sizeof *f);
    sv_certificate_summary s;
    sv_buffer hex = buffer_of(p);
    assert_code(sv_certificate_summarise(p->context, named->key->cms.certificate, &s, &p->err), SIPVEIL_OK);
    for (size_t i = 0; i < 32; i++) sv_put_format(&hex, "%02X", s.sha256[i]);
    f[0] = (sipveil_identity_fingerprint){SV_SPAN("sha-1"), SV_SPAN("00")};
    f[1] = (sipveil_identity_fingerprint){SV_SPAN("sha-256"), sv_buffer_span(&hex)};
    v.fingerprints = f;
    v.fingerprint_count = 2;
    return v;
}

PARTIES_UNUSED static content with(parties *p, const device *d)
{
    return mixed(p, (content[]){sdp_of(p, ""), pkix(d)}, 2);
}

/* Bob's or Alice's side, with what it remembers. */
typedef struct side {
    sipveil_memory *memory;
    sipveil_identity_bind_options options;
    sipveil_bound bound;
} side;

PARTIES_UNUSED static side begin_side(parties *p)
{
    side s = {.memory = NULL};
    p->clock = NOW;
    assert_code(sipveil_memory_new(&s.memory, &p->err), SIPVEIL_OK);
    sipveil_identity_bind_options_default(&s.options);
    s.options.memory = s.memory;
    return s;
}

PARTIES_UNUSED static void end_side(side *s)
{
    sipveil_memory_free(s->memory);
}

PARTIES_UNUSED static const sipveil_bound *bind(parties *p, side *s, sipveil_span message, const sipveil_identity_verdict *v)
{
    memset(&s->bound, 0xAA, sizeof s->bound);
    assert_code(sipveil_identity_bind_certificate(p->worker, &s->options, message, v, &s->bound, &p->err), SIPVEIL_OK);
    return &s->bound;
}

PARTIES_UNUSED static unsigned observe(parties *p, side *s, sipveil_span message, bool sent)
{
    unsigned events = 0xFFFF;
    assert_code(sipveil_identity_observe_message(p->worker, s->memory, message, sent, p->clock, &events, &p->err), SIPVEIL_OK);
    return events;
}

PARTIES_UNUSED static size_t count_bound(parties *p, side *s, const sipveil_binding **list)
{
    size_t count;
    const sipveil_binding *all;
    assert_code(sipveil_identity_list_bindings(p->worker, s->memory, NULL, p->clock, &all, &count, &p->err), SIPVEIL_OK);
    if (list != NULL) *list = all;
    return count;
}

PARTIES_UNUSED static bool is_bound_to(parties *p, side *s, size_t place, const device *d, sipveil_binding_state state)
{
    const sipveil_binding *all;
    size_t count = count_bound(p, s, &all);
    return place < count && sv_equal(all[place].certificate, d->der) && all[place].state == state;
}

PARTIES_UNUSED static sipveil_code prove(parties *p, side *s, sipveil_span message, bool sent, const device *d)
{
    sv_certificate_summary summary;
    assert_code(sv_certificate_summarise(p->context, d->key->cms.certificate, &summary, &p->err), SIPVEIL_OK);
    return sipveil_identity_prove_binding(p->worker, s->memory, message, sent, summary.sha256, p->clock, &p->err);
}

#endif
