/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys, certificates and messages of one test run. TEST ONLY: nothing here is trusted by anybody, and no
 * key outlives the program. Tunnels with an inner message of any form are made by sealing a body of type
 * message/sip in payload mode: outer and inner can then be chosen apart. */
#ifndef TEST_TUNNEL_FIXTURE_H
#define TEST_TUNNEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/span.h"
#include "sipveil/tunnel.h"

#define MAYBE_UNUSED __attribute__((unused))

enum { NOW = 1795255200 }; /* 2026-11-21T10:00:00Z */
#define DATE_NOW "Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n"

#define VIA "Via: SIP/2.0/TCP ua.atlanta.example.com:5060;branch=z9hG4bK74bf9\r\n"
#define FROM "From: \"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
#define TO "To: Bob <sip:bob@biloxi.example.com>\r\n"
#define CALL_ID "Call-ID: 3848276298220188511@atlanta.example.com\r\n"
#define CSEQ "CSeq: 1 INVITE\r\n"
#define CONTACT "Contact: <sip:alice@ua.atlanta.example.com;transport=tcp>\r\n"
#define REQUEST_LINE "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
#define STAND_IN "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=9fxced76sl\r\n"

/* Header rows without any Content-* row and without the empty line. */
#define HEAD REQUEST_LINE VIA "Max-Forwards: 70\r\n" FROM TO CALL_ID CSEQ CONTACT DATE_NOW
#define RESPONSE_CONTACT "Contact: <sip:bob@ua.biloxi.example.com;transport=tcp>\r\n"
#define RESPONSE_TO "To: Bob <sip:bob@biloxi.example.com>;tag=8321234356\r\n"
#define RESPONSE_HEAD "SIP/2.0 200 OK\r\n" VIA FROM RESPONSE_TO CALL_ID CSEQ RESPONSE_CONTACT DATE_NOW

#define SDP                                                                                          \
    "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\n"      \
    "t=0 0\r\nm=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

typedef struct lab {
    sipveil_context *context;
    int64_t clock;
    sipveil_worker *sealer, *worker;
    sv_arena *arena; /* what tests compose; emptied by each test */
    sipveil_keyring *keys; /* everybody's keys, to seal with */
    sipveil_keyring *ring; /* Bob's: his keys, the shared keys, the anchor */
    sipveil_keyring *outsider; /* the anchor only */
    sipveil_keyring *known; /* the anchor, and Alice's certificate from elsewhere */
    const sipveil_key *kek, *other_kek, *lost_kek, *password;
    const sipveil_key *alice, *bob, *bob_rsa, *bob_x25519, *mallory, *stranger;
    sipveil_open_options options;
    sipveil_seal_options seal;
    sipveil_opened opened;
    sipveil_sealed sealed;
    sipveil_error err;
} lab;

static int64_t lab_clock(void *user)
{
    return ((lab *)user)->clock;
}

MAYBE_UNUSED static sipveil_span text(const char *s)
{
    return sv_span_str(s);
}

/* ---- keys ---- */

static const sipveil_key *keep(lab *l, const char *pem, sipveil_keyring *also)
{
    size_t place = sipveil_keyring_count(l->keys);
    assert_int_equal(sipveil_keyring_add_octets(l->keys, text(pem), "test", NULL, NULL, &l->err), SIPVEIL_OK);
    if (also != NULL) {
        assert_int_equal(sipveil_keyring_add_octets(also, text(pem), "test", NULL, NULL, &l->err), SIPVEIL_OK);
    }
    return sipveil_keyring_at(l->keys, place);
}

typedef struct authority {
    char *certificate, *key;
} authority;

static const sipveil_key *make_key(lab *l, const authority *ca, const char *aor, const char *algorithm,
                                   sipveil_keyring *also, sipveil_keyring *known)
{
    sipveil_certificate_request request = {.aor = aor, .algorithm = algorithm, .not_before = NOW - 90 * 86400,
                                           .not_after = NOW + 90 * 86400};
    char *both = NULL, *certificate = NULL;
    assert_int_equal(sipveil_keys_make_certificate(l->context, text(ca->certificate), text(ca->key), &request, &both,
                                                   &certificate, &l->err), SIPVEIL_OK);
    const sipveil_key *key = keep(l, both, also);
    if (known != NULL) {
        char path[] = "/tmp/sipveil-test-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, certificate, strlen(certificate)), strlen(certificate));
        close(fd);
        assert_int_equal(sipveil_keyring_add_certificates(known, path, &l->err), SIPVEIL_OK);
        unlink(path);
    }
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(certificate);
    return key;
}

static const sipveil_key *make_kek(lab *l, const char *id, uint8_t fill, size_t len, sipveil_keyring *also)
{
    uint8_t octets[32];
    for (size_t i = 0; i < len; i++) octets[i] = (uint8_t)(fill + 7 * i);
    size_t place = sipveil_keyring_count(l->keys);
    assert_int_equal(sipveil_keyring_add_kek(l->keys, text(id), sv_span(octets, len), NULL, &l->err), SIPVEIL_OK);
    if (also != NULL) {
        assert_int_equal(sipveil_keyring_add_kek(also, text(id), sv_span(octets, len), NULL, &l->err), SIPVEIL_OK);
    }
    return sipveil_keyring_at(l->keys, place);
}

static void trust(lab *l, const char *certificate, sipveil_keyring *ring)
{
    assert_int_equal(sipveil_keyring_add_anchor_octets(ring, text(certificate), "the CA", &l->err), SIPVEIL_OK);
}

static sipveil_keyring *new_ring(lab *l)
{
    sipveil_keyring *ring = NULL;
    assert_int_equal(sipveil_keyring_new(l->context, &ring, &l->err), SIPVEIL_OK);
    return ring;
}

static void make_keys(lab *l)
{
    authority ours, theirs;
    l->keys = new_ring(l);
    l->ring = new_ring(l);
    l->outsider = new_ring(l);
    l->known = new_ring(l);
    assert_int_equal(sipveil_keys_make_authority(l->context, "Test CA", &ours.certificate, &ours.key, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_keys_make_authority(l->context, "Other CA", &theirs.certificate, &theirs.key, &l->err), SIPVEIL_OK);
    trust(l, ours.certificate, l->ring);
    trust(l, ours.certificate, l->outsider);
    trust(l, ours.certificate, l->known);
    l->kek = make_kek(l, "ims-ck-1", 1, 16, l->ring);
    l->other_kek = make_kek(l, "ims-ck-2", 99, 32, l->ring);
    l->lost_kek = make_kek(l, "lost", 50, 32, NULL);
    l->alice = make_key(l, &ours, "sip:alice@atlanta.example.com", "p256", NULL, l->known);
    l->mallory = make_key(l, &ours, "sip:mallory@evil.example.com", "p256", NULL, NULL);
    l->stranger = make_key(l, &theirs, "sip:alice@atlanta.example.com", "p256", NULL, NULL);
    l->bob = make_key(l, &ours, "sip:bob@biloxi.example.com", "p256", l->ring, NULL);
    l->bob_rsa = make_key(l, &ours, "sip:bob@biloxi.example.com", "rsa2048", l->ring, NULL);
    l->bob_x25519 = make_key(l, &ours, "sip:bob@biloxi.example.com", "x25519", l->ring, NULL);
    size_t place = sipveil_keyring_count(l->keys);
    assert_int_equal(sipveil_keyring_add_password(l->keys, SV_SPAN("correct horse"), NULL, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_password(l->ring, SV_SPAN("correct horse"), NULL, &l->err), SIPVEIL_OK);
    l->password = sipveil_keyring_at(l->keys, place);
    sipveil_keys_wipe_text(ours.certificate);
    sipveil_keys_wipe_text(ours.key);
    sipveil_keys_wipe_text(theirs.certificate);
    sipveil_keys_wipe_text(theirs.key);
}

/* ---- set-up ---- */

MAYBE_UNUSED static int lab_setup(void **state)
{
    lab *l = calloc(1, sizeof *l);
    sipveil_hooks hooks;
    assert_non_null(l);
    l->clock = NOW;
    sipveil_hooks_default(&hooks);
    hooks.user = l;
    hooks.now = lab_clock;
    assert_int_equal(sipveil_context_new(&hooks, &l->context, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_worker_new(l->context, &l->sealer, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_worker_new(l->context, &l->worker, &l->err), SIPVEIL_OK);
    l->arena = sv_arena_new(1 << 16, 1 << 28);
    assert_non_null(l->arena);
    make_keys(l);
    *state = l;
    return 0;
}

MAYBE_UNUSED static int lab_teardown(void **state)
{
    lab *l = *state;
    if (l == NULL) return 0;
    sipveil_worker_free(l->sealer);
    sipveil_worker_free(l->worker);
    sipveil_keyring_free(l->keys);
    sipveil_keyring_free(l->ring);
    sipveil_keyring_free(l->outsider);
    sipveil_keyring_free(l->known);
    sv_arena_free(l->arena);
    sipveil_context_free(l->context);
    free(l);
    return 0;
}

/* The lab as new: defaults, Bob opens, the clock stands. */
MAYBE_UNUSED static lab *begin(void **state)
{
    lab *l = *state;
    sv_arena_reset(l->arena);
    l->clock = NOW;
    sipveil_open_options_default(&l->options);
    l->options.keyring = l->ring;
    sipveil_seal_options_default(&l->seal);
    return l;
}

/* ---- composing ---- */

MAYBE_UNUSED static const char *joined(lab *l, const char *a, const char *b)
{
    char *s = sv_arena_alloc(l->arena, strlen(a) + strlen(b) + 1);
    assert_non_null(s);
    strcat(strcpy(s, a), b);
    return s;
}

/* head (rows) + Content-Type row(s) + Content-Length + body. rows may be NULL with an empty body. */
MAYBE_UNUSED static sipveil_span compose(lab *l, const char *head, const char *rows, sipveil_span body)
{
    sv_buffer b;
    sv_buffer_init(&b, l->arena, strlen(head) + body.len + 512, 1 << 24);
    sv_put_str(&b, head);
    if (rows != NULL) sv_put_str(&b, rows);
    sv_put_str(&b, "Content-Length: ");
    sv_put_number(&b, body.len);
    sv_put_str(&b, "\r\n\r\n");
    sv_put(&b, body);
    assert_false(b.failed);
    return sv_buffer_span(&b);
}

MAYBE_UNUSED static sipveil_span invite(lab *l)
{
    return compose(l, HEAD, "Content-Type: application/sdp\r\n", SV_SPAN(SDP));
}

MAYBE_UNUSED static bool contains(sipveil_span s, const char *what)
{
    size_t at;
    return sv_find(s, sv_span_str(what), &at);
}

/* The first `from` becomes `to`; it must be there. */
MAYBE_UNUSED static sipveil_span edited(lab *l, sipveil_span s, const char *from, const char *to)
{
    size_t at;
    sv_buffer b;
    if (!sv_find(s, text(from), &at)) fail_msg("\"%s\" is not there to be edited", from);
    sv_buffer_init(&b, l->arena, s.len + strlen(to), 1 << 24);
    sv_put(&b, sv_span(s.data, at));
    sv_put_str(&b, to);
    sv_put(&b, sv_span_from(s, at + strlen(from)));
    return sv_buffer_span(&b);
}

MAYBE_UNUSED static const char *edited_text(lab *l, const char *s, const char *from, const char *to)
{
    sipveil_span e = edited(l, text(s), from, to);
    const char *copy = sv_arena_string(l->arena, e);
    assert_non_null(copy);
    return copy;
}

MAYBE_UNUSED static sipveil_span body_of(sipveil_span message)
{
    size_t at;
    assert_true(sv_find(message, SV_SPAN("\r\n\r\n"), &at));
    return sv_span_from(message, at + 4);
}

/* The Content-* rows of a message but for Content-Length, as text. */
MAYBE_UNUSED static const char *rows_of(lab *l, sipveil_span message)
{
    size_t end;
    sv_buffer b;
    assert_true(sv_find(message, SV_SPAN("\r\n\r\n"), &end));
    sv_buffer_init(&b, l->arena, 1024, 1 << 16);
    for (size_t at = 0; at < end + 2;) {
        size_t line;
        sipveil_span rest = sv_span(message.data + at, end + 2 - at);
        assert_true(sv_find(rest, SV_SPAN("\r\n"), &line));
        sipveil_span row = sv_span(rest.data, line + 2);
        if (sv_starts_nocase_str(row, "content-") && !sv_starts_nocase_str(row, "content-length")) sv_put(&b, row);
        at += line + 2;
    }
    const char *rows = sv_arena_string(l->arena, sv_buffer_span(&b));
    assert_non_null(rows);
    return rows;
}

/* As an entity: Content-* rows, empty line, body. */
MAYBE_UNUSED static sipveil_span entity_of(lab *l, sipveil_span message)
{
    sv_buffer b;
    sv_buffer_init(&b, l->arena, message.len, 1 << 24);
    sv_put_str(&b, rows_of(l, message));
    sv_put_str(&b, "\r\n");
    sv_put(&b, body_of(message));
    return sv_buffer_span(&b);
}

/* The parts between delimiters; rows is for compose(). */
MAYBE_UNUSED static sipveil_span multipart(lab *l, const char *boundary, const sipveil_span *parts, size_t count)
{
    sv_buffer b;
    sv_buffer_init(&b, l->arena, 4096, 1 << 24);
    for (size_t i = 0; i < count; i++) {
        sv_put_str(&b, "--");
        sv_put_str(&b, boundary);
        sv_put_str(&b, "\r\n");
        sv_put(&b, parts[i]);
        sv_put_str(&b, "\r\n");
    }
    sv_put_str(&b, "--");
    sv_put_str(&b, boundary);
    sv_put_str(&b, "--\r\n");
    assert_false(b.failed);
    return sv_buffer_span(&b);
}

/* ---- sealing ---- */

typedef const sipveil_key *key_list[4];

MAYBE_UNUSED static sipveil_code try_seal(lab *l, sipveil_span message)
{
    memset(&l->sealed, 0xAA, sizeof l->sealed);
    sipveil_code code = sipveil_tunnel_seal_message(l->sealer, &l->seal, message, &l->sealed, &l->err);
    if (code != SIPVEIL_OK) {
        assert_null(l->sealed.message.data);
        assert_int_equal(l->sealed.warning_count, 0);
        assert_int_equal(l->err.code, code);
        assert_true(l->err.text[0] != '\0');
    }
    return code;
}

/* By l->seal; the result is copied. */
MAYBE_UNUSED static sipveil_span sealed(lab *l, sipveil_span message)
{
    sipveil_code code = try_seal(l, message);
    if (code != SIPVEIL_OK) fail_msg("sealing: %s: %s", sipveil_code_name(code), l->err.text);
    return copy_of(l, l->sealed.message);
}

/* A message whose body is protected in payload mode: signer and recipient may be NULL, not both. */
MAYBE_UNUSED static sipveil_span protect(lab *l, const char *head, const char *rows, sipveil_span body,
                                         const sipveil_key *signer, const sipveil_key *recipient)
{
    sipveil_seal_options saved = l->seal;
    l->seal.mode = SIPVEIL_MODE_PAYLOAD;
    l->seal.signers = &signer;
    l->seal.signer_count = signer != NULL;
    l->seal.recipients = &recipient;
    l->seal.recipient_count = recipient != NULL;
    l->seal.pbkdf2_iterations = 1000;
    l->seal.date = SIPVEIL_DATE_NONE;
    sipveil_span out = sealed(l, compose(l, head, rows, body));
    l->seal = saved;
    return out;
}

/* A tunnel with an inner message of any form. */
MAYBE_UNUSED static sipveil_span tunnel(lab *l, const char *outer_head, sipveil_span inner,
                                        const sipveil_key *signer, const sipveil_key *recipient)
{
    return protect(l, outer_head, "Content-Type: message/sip\r\n", inner, signer, recipient);
}

/* ---- opening ---- */

MAYBE_UNUSED static json_t *report(lab *l)
{
    sipveil_span json;
    json_error_t why;
    sipveil_error err;
    assert_int_equal(sipveil_worker_report_json(l->worker, &json, &err), SIPVEIL_OK);
    json_t *root = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) fail_msg("report: %s in %.*s", why.text, (int)json.len, (const char *)json.data);
    return root;
}

static bool is_zero(const void *what, size_t len)
{
    const uint8_t *at = what;
    for (size_t i = 0; i < len; i++) {
        if (at[i] != 0) return false;
    }
    return true;
}

/* By l->options; checks what holds of every opening. */
MAYBE_UNUSED static sipveil_code try_open(lab *l, sipveil_span message)
{
    memset(&l->opened, 0xAA, sizeof l->opened);
    sipveil_code code = sipveil_tunnel_open_message(l->worker, &l->options, message, &l->opened, &l->err);
    assert_int_equal(l->err.code, code);
    if (code != SIPVEIL_OK) {
        assert_true(is_zero(&l->opened, sizeof l->opened));
        assert_true(l->err.text[0] != '\0');
    } else {
        assert_non_null(l->opened.message.data);
    }
    return code;
}

#define assert_code(code, wanted) EXPECT_CODE(code, wanted, &l->err)

/* The result of a field in the comparison, or -1. */
MAYBE_UNUSED static int compared(const lab *l, const char *field)
{
    for (size_t i = 0; i < l->opened.compared_count; i++) {
        if (strcmp(l->opened.compared[i].field, field) == 0) return (int)l->opened.compared[i].result;
    }
    return -1;
}

/* The same, from the report (which is there after a refusal too); "" if none. */
MAYBE_UNUSED static void compared_in_report(lab *l, const char *field, char out[16])
{
    json_t *root = report(l), *row;
    size_t i;
    out[0] = '\0';
    json_array_foreach(json_object_get(root, "compare"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "field")), field) == 0 && out[0] == '\0') {
            (void)snprintf(out, 16, "%s", json_string_value(json_object_get(row, "result")));
        }
    }
    json_decref(root);
}

MAYBE_UNUSED static bool checked(lab *l, const char *rule, const char *result)
{
    json_t *root = report(l), *row;
    size_t i;
    bool found = false;
    json_array_foreach(json_object_get(root, "checks"), i, row)
    {
        found |= strcmp(json_string_value(json_object_get(row, "rule")), rule) == 0 &&
                 strcmp(json_string_value(json_object_get(row, "result")), result) == 0;
    }
    json_decref(root);
    return found;
}

MAYBE_UNUSED static bool warned(const sipveil_warning *warnings, size_t count, const char *rule)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(warnings[i].rule, rule) == 0) return true;
    }
    return false;
}
#define assert_warned(result, rule) assert_true(warned((result).warnings, (result).warning_count, rule))

#endif
