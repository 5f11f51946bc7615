/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening with real keys of every kind loaded: the input as a message, strictly and with every tolerance,
 * and the input as what comes out of an encrypted layer, past the cipher that would stop all changes. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fuzz_target.h"
#include "base/span.h"
#include "cms/cms.h"
#include "tunnel/fuzz_keys.h"
#include "tunnel/operation.h"

static sipveil_context *context;
static sipveil_keyring *ring;
static sipveil_worker *worker;
static sv_crypto *crypto;
static sv_arena *arena;

static int64_t clock_of_the_seeds(void *user)
{
    (void)user;
    return FUZZ_NOW;
}

static bool answers; /* whether a refusal of this input is answered, too */

static void load_keys(void)
{
    static const char *const keys[] = {fuzz_bob_p256, fuzz_bob_rsa, fuzz_bob_x25519};
    char path[] = "/tmp/sipveil-fuzz-XXXXXX";
    int fd = mkstemp(path);
    must(fd >= 0 && write(fd, fuzz_authority, sizeof fuzz_authority - 1) == sizeof fuzz_authority - 1);
    must(sipveil_keyring_add_anchors(ring, path, NULL) == SIPVEIL_OK);
    close(fd);
    unlink(path);
    must(sipveil_keyring_add_kek(ring, SV_SPAN(FUZZ_KEK_ID), SV_SPAN(FUZZ_KEK), NULL, NULL) == SIPVEIL_OK);
    must(sipveil_keyring_add_password(ring, SV_SPAN(FUZZ_PASSWORD), NULL, NULL) == SIPVEIL_OK);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        must(sipveil_keyring_add_octets(ring, sv_span_str(keys[i]), "fuzz", NULL, NULL, NULL) == SIPVEIL_OK);
    }
}

static void set_up(void)
{
    sipveil_hooks hooks;
    sipveil_hooks_default(&hooks);
    hooks.now = clock_of_the_seeds;
    hooks.random = repeatable;
    hooks.limits.message = 1 << 20;
    hooks.limits.iterations = 4000; /* a password costs what the attacker asks for */
    must(sipveil_context_new(&hooks, &context, NULL) == SIPVEIL_OK);
    must(sipveil_keyring_new(context, &ring, NULL) == SIPVEIL_OK);
    load_keys();
    must(sipveil_worker_new(context, &worker, NULL) == SIPVEIL_OK);
    must(sv_crypto_new(context, &crypto, NULL) == SIPVEIL_OK);
    arena = sv_arena_new(1 << 16, 1 << 24);
    must(arena != NULL);
}

static bool is_zero(const void *what, size_t len)
{
    const uint8_t *at = what;
    for (size_t i = 0; i < len; i++) {
        if (at[i] != 0) return false;
    }
    return true;
}

/* Loops over long texts: what they compare is no news to the fuzzer, and telling it would cost most of its time. */
#ifdef __clang__
#define UNTRACED __attribute__((noinline, no_sanitize("coverage")))
#else
#define UNTRACED
#endif

UNTRACED static bool is_printable(sipveil_span s, bool lines)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((s.data[i] < 0x20 && !(lines && s.data[i] == '\n')) || s.data[i] > 0x7E) return false;
    }
    return true;
}

static bool is_plain_text(const char *s)
{
    return is_printable(sv_span_str(s), false);
}

/* Whatever was read, the report is one JSON object, in UTF-8; for people it is printable lines. */
static void check_report(bool page)
{
    sipveil_span json, text, html;
    sipveil_error err;
    sipveil_code code = sipveil_worker_report_json(worker, &json, &err);
    if (code == SIPVEIL_OK) {
        json_t *root = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
        must(json_is_object(root));
        json_decref(root);
    } else {
        must(code == SIPVEIL_USAGE || code == SIPVEIL_LIMIT || code == SIPVEIL_INTERNAL);
    }
    code = sipveil_worker_report_text(worker, false, true, &text, &err);
    must(code == SIPVEIL_OK || code == SIPVEIL_USAGE || code == SIPVEIL_LIMIT || code == SIPVEIL_INTERNAL);
    must(is_printable(text, true));
    if (!page) return;
    code = sipveil_worker_report_html(worker, &html, &err);
    must(code == SIPVEIL_OK || code == SIPVEIL_USAGE || code == SIPVEIL_LIMIT || code == SIPVEIL_INTERNAL);
    must(is_printable(html, true));
}

static void check_opened(const sipveil_opened *opened)
{
    must(opened->message.data != NULL);
    must(!opened->is_signed || opened->is_protected);
    must(!opened->is_encrypted || opened->is_protected);
    must(!opened->is_authenticated || opened->is_protected);
    must(!opened->is_protected || opened->has_entity);
    for (size_t i = 0; i < opened->check_count; i++) {
        must(opened->checks[i].rule != NULL && is_plain_text(opened->checks[i].why));
    }
    for (size_t i = 0; i < opened->warning_count; i++) must(is_plain_text(opened->warnings[i].text));
}

/* What was opened is answered: by the same worker, in clear, and sealed for a key of ours. */
static void answer(sipveil_opened *opened)
{
    static const sipveil_response ok = {.status = 200, .rows = "Contact: <sip:bob@192.0.2.4>\r\n", .type = "text/plain", .body = {(const uint8_t *)"heard", 5}};
    const sipveil_key *key = sipveil_keyring_at(ring, 0);
    const sipveil_seal_options how = {.size = sizeof how, .recipients = &key, .recipient_count = 1};
    sipveil_sip_message read;
    sipveil_sealed sealed;
    sipveil_error err;
    sipveil_code code = sipveil_tunnel_seal_response(worker, &how, opened, &ok, &sealed, &err);
    must(code == err.code && (code != SIPVEIL_OK) == (sealed.message.data == NULL));
    if (code != SIPVEIL_OK) return;
    must(sipveil_sip_read_message(sealed.message, &read, &err) == SIPVEIL_OK && read.status == 200);
}

static void open_one(const sipveil_open_options *options, sipveil_span message, bool inspect)
{
    sipveil_opened opened;
    sipveil_error err;
    memset(&opened, 0xAA, sizeof opened);
    randomness = 1;
    if (inspect) {
        sipveil_code code = sipveil_tunnel_inspect_message(worker, options, message, &err);
        must(code == err.code);
        check_report(true);
        return;
    }
    sipveil_code code = sipveil_tunnel_open_message(worker, options, message, &opened, &err);
    must(code == err.code);
    if (code == SIPVEIL_OK) {
        check_opened(&opened);
        must(opened.is_protected || options->allow_unprotected);
    } else {
        must(is_zero(&opened, sizeof opened));
        must(err.text[0] != '\0' && is_plain_text(err.text) && is_plain_text(err.hint));
        must(!worker->operation.secret_used || err.sip_status == 493);
    }
    if (FUZZ_IS_THOROUGH) check_report(false);
    if (!answers) return;
    sipveil_span response;
    sipveil_error why = err;
    if (code == SIPVEIL_OK) answer(&opened);
    code = sipveil_tunnel_write_refusal(worker, options, message, &why, &response, &err);
    must(code != SIPVEIL_OK || response.len > 0);
}

enum { STRICTLY, AS_PCSCF, TOLERANTLY, LOOKING, WAYS };

static void open_one_way(sipveil_span message, unsigned way)
{
    static const char *const tolerated[] = {"From", "Subject"};
    static const char *const registered[] = {"sip:alice@atlanta.example.com"};
    sipveil_open_options options;
    sipveil_open_options_default(&options);
    options.keyring = ring;
    if (way == AS_PCSCF) {
        options.strict = true;
        options.pcscf = true;
        options.registered = registered;
        options.registered_count = 1;
        options.layers = 1;
    }
    if (way == TOLERANTLY || way == LOOKING) {
        options.no_verify_signer = options.allow_unauthenticated = options.allow_unprotected = options.accept_bare_lf = true;
        options.allow_weak = 31;
        options.compat = SIPVEIL_COMPAT_SEED000 | SIPVEIL_COMPAT_SAMPLES;
        options.date_window = SIPVEIL_DATE_WINDOW_ANY;
        options.accept_mismatch = tolerated;
        options.accept_mismatch_count = 2;
        options.me = "sip:bob@biloxi.example.com";
    }
    open_one(&options, message, way == LOOKING);
}

static void open_in_ways(sipveil_span message, unsigned first, unsigned chosen)
{
    for (unsigned way = 0; way < WAYS; way++) {
        if (FUZZ_IS_THOROUGH || first + way == chosen % (2 * WAYS)) open_one_way(message, way);
    }
}

static unsigned choice_of(sipveil_span octets)
{
    unsigned hash = 2166136261u;
    for (size_t i = 0; i < octets.len; i++) hash = (hash ^ octets.data[i]) * 16777619u;
    return hash >> 16;
}

/* The input as the content of an encrypted layer, in a message that is otherwise good. */
static sipveil_span around(sipveil_span content)
{
    size_t count;
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = sv_keyring_cms_keys(ring, &count),
                               .recipient_count = 1};
    sv_buffer cms, message;
    sv_buffer_init(&cms, arena, content.len + 1024, 1 << 20);
    sv_buffer_init(&message, arena, content.len + 2048, 1 << 20);
    randomness = 2;
    must(sv_cms_seal_enveloped(crypto, &request, content, arena, &cms, NULL) == SIPVEIL_OK);
    sv_put_format(&message,
                  "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
                  "Via: SIP/2.0/TCP ua.atlanta.example.com:5060;branch=z9hG4bK74bf9\r\nMax-Forwards: 70\r\n"
                  "From: <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\nTo: Bob <sip:bob@biloxi.example.com>\r\n"
                  "Call-ID: 3848276298220188511@atlanta.example.com\r\nCSeq: 1 INVITE\r\n"
                  "Contact: <sip:alice@ua.atlanta.example.com;transport=tcp>\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
                  "Content-Type: application/pkcs7-mime\r\nContent-Length: %zu\r\n\r\n", cms.len);
    sv_put(&message, sv_buffer_span(&cms));
    must(!cms.failed && !message.failed);
    return sv_buffer_span(&message);
}

/* A kept input is opened in every way, and every report is read. While new ones are looked for each is opened in one
 * way, which its octets choose, reports are read where that way is to look, and one in eight is answered: what is rare is found by many runs, and
 * a failure can be repeated. */
void fuzz_input(const uint8_t *data, size_t size)
{
    if (context == NULL) set_up();
    if (size > 1 << 18) return;
    sv_arena_reset(arena);
    unsigned chosen = choice_of(sv_span(data, size));
    answers = FUZZ_IS_THOROUGH || chosen / (2 * WAYS) % 8 == 0;
    open_in_ways(sv_span(data, size), 0, chosen);
    if (FUZZ_IS_THOROUGH || chosen % (2 * WAYS) >= WAYS) open_in_ways(around(sv_span(data, size)), WAYS, chosen);
}
