/* SPDX-License-Identifier: BSD-2-Clause */
/* EnvelopedData and AuthEnvelopedData opened with real keys of every kind, in memory and held elsewhere. What opens under an
 * authenticated cipher must be what was once sealed, and libcrypto must not come to another result.
 * Octets that do not look like CMS are sealed to the key that their first octet picks, and opened. */
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/fuzz_target.h"
#include "cms/fuzz_identities.h"
#include "cms/recipient.h"
#include "crypto/agree.h"
#include "crypto/keywrap.h"
#include "crypto/transport.h"

static const char ever_sealed[] = "Content-Type: text/plain\r\n\r\nsealed for the fuzz target\r\n";
static const char issuer[] = "\x30\x0F\x31\x0D\x30\x0B\x06\x03\x55\x04\x03\x0C\x04" "FUZZ";

enum { PASSWORD = 3, X25519 = 5, KEYS = 9, CONTENT_MOST = 4096, ITERATIONS = 2 };

static sipveil_context *context;
static sv_crypto *crypto;
static sv_arena *arena;
static sv_cms_key keys[KEYS];

/* ---- the same keys, held elsewhere ---- */

typedef struct holder {
    sv_held_key held;
    const sv_cms_key *key;
} holder;

static holder able[KEYS], unable[KEYS];
static sv_cms_key held_keys[KEYS], idle_keys[KEYS]; /* those that do everything, and those that do nothing */

static const sv_cms_key *key_of(const sv_held_key *held)
{
    return ((const holder *)(const void *)held)->key;
}

/* As a token that does plain RSA only. */
static bool decrypt_oaep(const sv_held_key *held, sv_crypto *with, sv_hash hash, sv_hash mask_hash, sipveil_span encrypted,
                         size_t cek_length, uint8_t *out)
{
    uint8_t block[SV_MODULUS_MOST];
    size_t length = sizeof block;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(context->library, key_of(held)->private_key, NULL);
    bool good = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, 3 /* RSA_NO_PADDING */) == 1 &&
                EVP_PKEY_decrypt(ctx, block, &length, encrypted.data, encrypted.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return good && sv_transport_unpad_oaep(with, hash, mask_hash, sv_span(block, length), cek_length, out);
}

static bool agree(const sv_held_key *held, sipveil_span point, uint8_t *shared, size_t length)
{
    uint8_t out[SV_SHARED_MOST];
    size_t found;
    must(point.data[0] == 4); /* it was looked at (ADV-086) */
    if (!sv_agree_read(crypto, key_of(held)->private_key, NULL, point, out, &found)) return false;
    must(found == length);
    memcpy(shared, out, length);
    return true;
}

static bool unwrap(const sv_held_key *held, sipveil_span wrapped, size_t cek_length, uint8_t *out)
{
    sv_wrap how;
    must(sv_wrap_by_key_length(key_of(held)->kek.len, &how) && wrapped.len == cek_length + SV_WRAP_GAIN);
    return sv_unwrap_key(crypto, how, key_of(held)->kek.data, wrapped, cek_length, out);
}

/* A password is never held, and no token that is known here does X25519. */
static void hold_keys(void)
{
    static const sv_held_operations all = {NULL, decrypt_oaep, agree, NULL, unwrap}, none = {0};
    for (size_t i = 0; i < KEYS; i++) {
        held_keys[i] = idle_keys[i] = keys[i];
        if (i == PASSWORD || i == X25519) continue;
        able[i] = (holder){{&all, keys[i].kek.len}, &keys[i]};
        unable[i] = (holder){{&none, keys[i].kek.len}, &keys[i]};
        held_keys[i].held = &able[i].held;
        idle_keys[i].held = &unable[i].held;
        held_keys[i].private_key = idle_keys[i].private_key = NULL;
        held_keys[i].kek = idle_keys[i].kek = (sipveil_span){NULL, 0};
    }
}

/* ---- the keys ---- */

static sv_cms_key certificate_key(const char *pem, const char *serial)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, context->library, NULL);
    must(key != NULL);
    BIO_free(bio);
    return (sv_cms_key){.kind = SV_CMS_KEY_CERTIFICATE, .public_key = key, .private_key = key,
                        .issuer = sv_span(issuer, sizeof issuer - 1), .serial = sv_span(serial, 1),
                        .ski = sv_span(serial, 1)};
}

static void set_up(void)
{
    static const uint8_t kek[32] = "test key of the fuzz target";
    static const char *const ids[] = {"kek-128", "kek-192", "kek-256"};
    sipveil_hooks hooks;
    sipveil_hooks_default(&hooks);
    hooks.limits.iterations = 2100; /* those of `openssl cms`, once; more would be all that the target does */
    hooks.limits.iterations_least = 1;
    must(sipveil_context_new(&hooks, &context, NULL) == SIPVEIL_OK);
    must(sv_crypto_new(context, &crypto, NULL) == SIPVEIL_OK);
    must((arena = sv_arena_new(1 << 16, 1 << 26)) != NULL);
    for (size_t i = 0; i < 3; i++) {
        keys[i] = (sv_cms_key){.kind = SV_CMS_KEY_KEK, .kek_id = sv_span_str(ids[i]), .kek = sv_span(kek, 16 + 8 * i)};
    }
    keys[PASSWORD] = (sv_cms_key){.kind = SV_CMS_KEY_PASSWORD, .password = SV_SPAN("fuzz")};
    keys[4] = certificate_key(fuzz_p256_key, "\x01");
    keys[X25519] = certificate_key(fuzz_x25519_key, "\x02");
    keys[6] = certificate_key(fuzz_p384_key, "\x03");
    keys[7] = certificate_key(fuzz_p521_key, "\x04");
    keys[8] = certificate_key(fuzz_rsa_key, "\x05");
    hold_keys();
    ERR_clear_error();
}

static void seal_and_open(const uint8_t *data, size_t size)
{
    static const sv_cms_policy policy = {.strict = true};
    sipveil_cipher cipher = SIPVEIL_CIPHER_AES_128_GCM + data[0] / KEYS % 6;
    sv_seal_request request = {.cipher = cipher, .recipients = &keys[data[0] % KEYS], .recipient_count = 1,
                               .by_key_identifier = (data[0] & 1) != 0, .pbkdf2_iterations = ITERATIONS};
    sipveil_span content = sv_span(data + 1, size - 1 < CONTENT_MOST ? size - 1 : CONTENT_MOST), inside;
    sv_buffer out;
    sv_cms_type type;
    sv_enveloped e;
    sv_opening opening;
    uint64_t iterations = 0;
    sv_buffer_init(&out, arena, 4096, 1 << 20);
    must(sv_cms_seal_enveloped(crypto, &request, content, arena, &out, NULL) == SIPVEIL_OK);
    must(sv_der_scan(sv_buffer_span(&out), &context->hooks.limits, true, NULL) == SIPVEIL_OK);
    must(sv_cms_read_content_info(sv_buffer_span(&out), &context->hooks.limits, &type, &inside, NULL) == SIPVEIL_OK);
    must(sv_cms_read_enveloped(inside, type == SV_CMS_AUTH_ENVELOPED, &context->hooks.limits, &policy, arena, &e,
                               NULL) == SIPVEIL_OK);
    must(sv_cms_open_enveloped(crypto, &e, keys, KEYS, &policy, &iterations, arena, &opening, NULL) == SIPVEIL_OK);
    must(sv_equal(opening.plaintext, content) && opening.key == data[0] % KEYS);
}

/* Who holds a key makes no difference, but that PKCS #1 v1.5 is not done where we cannot hide how it came out (ADV-080). */
static void open_held(const sv_enveloped *e, const sv_cms_policy *policy, sipveil_code code, const sv_opening *opening)
{
    sv_opening held;
    uint64_t iterations = 0;
    bool weak, v15 = false;
    for (size_t i = 0; i < e->recipient_count; i++) {
        sv_recipient room;
        const char *name = sv_cms_describe_recipient(sv_cms_recipient(e, i, &room), arena, &weak);
        v15 = v15 || name == NULL || strcmp(name, "rsa-v1.5") == 0;
    }
    sipveil_code again = sv_cms_open_enveloped(crypto, e, held_keys, KEYS, policy, &iterations, arena, &held, NULL);
    must(v15 || (again == code && sv_equal(held.plaintext, opening->plaintext) && sv_equal(held.cek, opening->cek)));
    iterations = 0;
    again = sv_cms_open_enveloped(crypto, e, idle_keys, KEYS, policy, &iterations, arena, &held, NULL);
    must_always(again != SIPVEIL_OK || held.key == PASSWORD || held.key == X25519);
}

static void open_read(sipveil_span octets, const sv_enveloped *e, const sv_cms_policy *policy)
{
    sv_opening opening;
    sipveil_error err;
    uint64_t iterations = 0;
    char note[96];
    bool done;
    sipveil_code code = sv_cms_open_enveloped(crypto, e, keys, KEYS, policy, &iterations, arena, &opening, &err);
    must(iterations <= context->hooks.limits.iterations);
    must(ERR_peek_error() == 0);
    open_held(e, policy, code, &opening);
    if (code != SIPVEIL_OK) {
        must(opening.plaintext.data == NULL && opening.cek.data == NULL);
        must(code == SIPVEIL_NO_KEY || err.sip_status == 493);
        return;
    }
    must(opening.key < KEYS && opening.recipient < e->recipient_count);
    must(sv_cms_fits_at(e, opening.recipient, &keys[opening.key]));
    if (!e->authenticated) return; /* anybody can change CBC */
    must_always(sv_equal_str(opening.plaintext, ever_sealed));
    must(sv_cms_second_opinion_open(crypto, octets, &keys[opening.key], opening.plaintext, &done, note, &err) ==
         SIPVEIL_OK);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static const sv_cms_policy tolerant = {.allow_weak = SIPVEIL_WEAK_SHA1 | SIPVEIL_WEAK_3DES | SIPVEIL_WEAK_RSA_V15_TRANSPORT};
    static const sv_cms_policy strict = {.strict = true};
    sipveil_span content;
    sv_cms_type type;
    sv_enveloped e;
    if (context == NULL) set_up();
    if (size == 0) return;
    sv_arena_reset(arena);
    if (data[0] != SV_DER_SEQUENCE) {
        seal_and_open(data, size);
        return;
    }
    if (sv_cms_read_content_info(sv_span(data, size), &context->hooks.limits, &type, &content, NULL) != SIPVEIL_OK) return;
    for (int i = 0; i < 2; i++) {
        const sv_cms_policy *policy = i == 0 ? &tolerant : &strict;
        if (sv_cms_read_enveloped(content, type == SV_CMS_AUTH_ENVELOPED, &context->hooks.limits, policy, arena, &e,
                                  NULL) == SIPVEIL_OK) {
            open_read(sv_span(data, size), &e, policy);
        }
    }
}
