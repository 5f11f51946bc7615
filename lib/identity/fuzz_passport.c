/* SPDX-License-Identifier: BSD-2-Clause */
/* Identity fields from any octets, in a request that verifies as far as they let it: with a real certificate, whose key
 * signed what follows the first octet, if that octet says so. The field as it is, the two parts of a token, and a
 * verdict that is never valid but for what was signed here. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fuzz_target.h"
#include "crypto/es256.h"
#include "identity/passport.h"

enum { NOW = 1795255200 }; /* 2026-11-21T10:00:00Z */
static const char info[] = "https://cert.a.example/as.cer";

static struct {
    sipveil_context *context;
    sipveil_worker *worker;
    sipveil_keyring *own, *trust;
    char *certificate;
} at;

static sipveil_code fetch(void *user, const char *uri, sipveil_span *certificate, sipveil_error *err)
{
    (void)user, (void)err;
    if (strcmp(uri, info) != 0) return SIPVEIL_NO_KEY;
    *certificate = sv_span_str(at.certificate);
    return SIPVEIL_OK;
}

static void set_up(void)
{
    char path[] = "/tmp/sipveil-fuzz.XXXXXX", *ca = NULL, *ca_key = NULL, *both = NULL;
    const sipveil_certificate_request request = {.host = "a.example", .not_before = NOW - 86400, .not_after = NOW + 86400};
    if (at.context != NULL) return;
    must(sipveil_context_new(NULL, &at.context, NULL) == SIPVEIL_OK && sipveil_worker_new(at.context, &at.worker, NULL) == SIPVEIL_OK);
    must(sipveil_keys_make_authority(at.context, "fuzz", &ca, &ca_key, NULL) == SIPVEIL_OK);
    must(sipveil_keys_make_certificate(at.context, sv_span_str(ca), sv_span_str(ca_key), &request, &both, &at.certificate, NULL) == SIPVEIL_OK);
    must(sipveil_keyring_new(at.context, &at.own, NULL) == SIPVEIL_OK && sipveil_keyring_new(at.context, &at.trust, NULL) == SIPVEIL_OK);
    must(sipveil_keyring_add_octets(at.own, sv_span_str(both), "fuzz", NULL, NULL, NULL) == SIPVEIL_OK);
    int fd = mkstemp(path);
    must(fd >= 0 && write(fd, ca, strlen(ca)) == (ssize_t)strlen(ca));
    close(fd);
    must(sipveil_keyring_add_anchors(at.trust, path, NULL) == SIPVEIL_OK);
    unlink(path);
    sipveil_keys_wipe_text(ca);
    sipveil_keys_wipe_text(ca_key);
    sipveil_keys_wipe_text(both);
}

/* A request around the field. */
static bool judge(sv_arena *arena, sipveil_span value, sipveil_identity_verdict *verdict)
{
    sv_buffer b;
    sipveil_identity_verify_options options;
    sv_buffer_init(&b, arena, value.len + 512, 1 << 20);
    sv_put_str(&b, "INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n"
                   "To: <sip:b@b.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
                   "Identity: ");
    sv_put(&b, value);
    sv_put_str(&b, "\r\nIdentity-Info: <https://cert.a.example/as.cer>;alg=rsa-sha256\r\nContent-Length: 0\r\n\r\n");
    sipveil_identity_verify_options_default(&options);
    options.profile = SIPVEIL_IDENTITY_AUTO;
    options.trust = at.trust;
    options.fetch = fetch;
    options.has_at = true;
    options.at = NOW;
    options.compat = value.len % 2 == 0 ? SIPVEIL_COMPAT_SAMPLES : 0;
    return !b.failed && sipveil_identity_verify_request(at.worker, &options, sv_buffer_span(&b), verdict, NULL) == SIPVEIL_OK;
}

static void check_verdict(const sipveil_identity_verdict *verdict, bool may_be_valid)
{
    sipveil_span json;
    must(may_be_valid || !verdict->valid);
    must(!verdict->valid || (verdict->status == 0 && strcmp(verdict->identity, "sip:a@a.example") == 0));
    must(sipveil_identity_report_json(at.worker, verdict, &json, NULL) == SIPVEIL_OK && json.len > 2);
}

/* The payload as given, under a good header, signed by the real key. */
static void check_signed(sv_arena *arena, sipveil_span payload)
{
    sv_buffer b;
    uint8_t signature[SV_ES256_LENGTH];
    sipveil_identity_verdict verdict;
    sv_passport token = {.x5u = sv_span_str(info)};
    sv_buffer header;
    sv_buffer_init(&header, arena, 256, 4096);
    must(sv_passport_put_header(&token, &header, NULL) == SIPVEIL_OK);
    sv_buffer_init(&b, arena, 2 * payload.len + 512, 1 << 20);
    sv_mime_put_base64url(&b, sv_buffer_span(&header));
    sv_put_byte(&b, '.');
    sv_mime_put_base64url(&b, payload);
    must(sv_es256_sign(at.worker->crypto, sipveil_keyring_at(at.own, 0)->cms.private_key, NULL, sv_buffer_span(&b), signature, NULL) == SIPVEIL_OK);
    sv_put_byte(&b, '.');
    sv_mime_put_base64url(&b, sv_span(signature, sizeof signature));
    sv_put_str(&b, ";info=<");
    sv_put_str(&b, info);
    sv_put_str(&b, ">");
    if (!b.failed && judge(arena, sv_buffer_span(&b), &verdict)) check_verdict(&verdict, true);
}

/* What was read is written again, alone and with a claim more, and reads as the same. */
static void check_written(sv_arena *arena, sv_passport token)
{
    for (int i = 0; i < 2; i++) {
        sv_buffer b;
        sv_passport back;
        const sv_json *json;
        sipveil_span header, payload;
        sv_buffer_init(&b, arena, 512, 1 << 20);
        if (i == 1) must(sv_json_read_within(SV_SPAN("{\"zz\":[\"x\",1]}"), SV_IDENTITY_JSON_DEPTH, arena, &token.claims, NULL) == SIPVEIL_OK);
        sipveil_code code = sv_passport_put_signed(&token, arena, &b, NULL);
        if (code != SIPVEIL_OK) {
            must(code == SIPVEIL_LIMIT || i == 1);
            return;
        }
        sv_cursor c = sv_cursor_over(sv_buffer_span(&b), "token");
        must(sv_take_until(&c, '.', &header) && sv_take_if(&c, '.'));
        payload = sv_rest(&c);
        must(sv_passport_read(header, payload, 0, arena, &back, &json, NULL) == SIPVEIL_OK);
        must(sv_equal(back.orig.text, token.orig.text) && back.iat == token.iat && back.mky.count == token.mky.count && sv_equal(back.ppt, token.ppt));
        must(i == 0 || sv_json_member(json, "zz") != NULL);
    }
}

static void check_parts(sv_arena *arena, sipveil_span text)
{
    sv_identity_text field;
    sv_passport token;
    const sv_json *json;
    sv_buffer b;
    if (sv_identity_text_read(text, &field, NULL) != SIPVEIL_OK || !field.full) return;
    must(field.info.len > 0 && field.signature.len > 0);
    if (sv_passport_read(field.header, field.payload, 0, arena, &token, &json, NULL) != SIPVEIL_OK) return;
    sv_buffer_init(&b, arena, text.len, 1 << 20);
    must(sv_json_put(json, &b, NULL) == SIPVEIL_OK); /* what was read is in the form that is written */
    must(token.orig.text.len > 0 && token.iat >= 0 && token.mky.count <= SIPVEIL_IDENTITY_FINGERPRINTS_MOST);
    check_written(arena, token);
}

/* As claims of somebody who signs: none of ours is written over, and no key is among them. */
static void check_claims(sv_arena *arena, sipveil_span text)
{
    sv_buffer b;
    const sv_json *written;
    sv_passport token = {.x5u = sv_span_str(info), .orig.text = SV_SPAN("sip:a@a.example"), .dest.text = SV_SPAN("sip:b@b.example"), .iat = NOW};
    if (sv_claims_read(text, arena, &token.claims, NULL) != SIPVEIL_OK) return;
    must(sv_json_member(token.claims, "kty") == NULL);
    sv_buffer_init(&b, arena, 512, 1 << 20);
    sipveil_code code = sv_passport_put_payload(&token, arena, &b, NULL);
    bool ours = false;
    for (const sv_json *m = token.claims->first; m != NULL; m = m->next) {
        ours |= sv_equal_str(m->name, "orig") || sv_equal_str(m->name, "dest") || sv_equal_str(m->name, "iat");
    }
    must(ours ? code != SIPVEIL_OK : code == SIPVEIL_OK || code == SIPVEIL_LIMIT);
    if (code != SIPVEIL_OK) return;
    must(sv_json_read_within(sv_buffer_span(&b), SV_IDENTITY_JSON_DEPTH, arena, &written, NULL) == SIPVEIL_OK);
    for (const sv_json *m = token.claims->first; m != NULL; m = m->next) must(sv_json_member_named(written, m->name) != NULL);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    sipveil_identity_verdict verdict;
    sipveil_span text = sv_span(data, size);
    set_up();
    if (size > 1 << 14) return;
    sv_arena *arena = fuzz_arena(1 << 16, 64u << 20);
    if (judge(arena, text, &verdict)) check_verdict(&verdict, false);
    check_parts(arena, text);
    check_signed(arena, text);
    check_claims(arena, text);
}
