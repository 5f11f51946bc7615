/* SPDX-License-Identifier: BSD-2-Clause */
/* Every single-bit change in the body of one sealed message per kind: refused, or what comes out is what
 * went in, octet for octet (ADV-060, ADV-110). Through the public API only.
 *
 *     test-cli-bitflip KIND...      prints TAP, a case a kind */
#include <sipveil/sipveil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ALICE "sip:alice@atlanta.example.com"
#define HEAD                                                   \
    "MESSAGE sip:bob@biloxi.example.com SIP/2.0\r\n"           \
    "Via: SIP/2.0/TCP a.example;branch=z9hG4bK7\r\n"           \
    "Max-Forwards: 70\r\n"                                     \
    "From: <" ALICE ">;tag=9f\r\n"                             \
    "To: <sip:bob@biloxi.example.com>\r\n"                     \
    "Call-ID: 1@a.example\r\n"                                 \
    "CSeq: 1 MESSAGE\r\n"
static const char with_body[] = HEAD "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\nlate, so late";
static const char without_body[] = HEAD "Content-Length: 0\r\n\r\n";

enum { TO_KEK = 1, TO_P256 = 2, TO_RSA = 4, TO_X25519 = 8, TO_PASSWORD = 16, SIGN_P256 = 32, SIGN_RSA = 64 };
enum { OPTIONS_MOST = 3, FLIPS_SHOWN = 5 };

typedef struct kind {
    const char *name;
    unsigned keys;
    sipveil_seal_options with; /* only what differs from the default */
    const char *message;
} kind;

static const kind kinds[] = {
    {"gcm-kek", TO_KEK, {.cipher = SIPVEIL_CIPHER_NONE}, with_body},
    {"gcm-kek-base64", TO_KEK, {.encoding = SIPVEIL_ENCODING_BASE64}, with_body},
    {"gcm-kek-payload", TO_KEK, {.mode = SIPVEIL_MODE_PAYLOAD}, with_body},
    {"gcm-p256", TO_P256, {.cipher = SIPVEIL_CIPHER_AES_128_GCM}, with_body},
    {"gcm-rsa", TO_RSA, {.cipher = SIPVEIL_CIPHER_NONE}, with_body},
    {"gcm-x25519", TO_X25519, {.by_key_identifier = true}, with_body},
    {"gcm-password", TO_PASSWORD, {.pbkdf2_iterations = 1000}, with_body},
    {"gcm-shared-signed", TO_KEK | TO_P256 | SIGN_RSA, {.cipher = SIPVEIL_CIPHER_NONE}, with_body},
    {"signed-detached", SIGN_P256, {.cipher = SIPVEIL_CIPHER_NONE}, with_body},
    {"signed-detached-base64", SIGN_RSA, {.encoding = SIPVEIL_ENCODING_BASE64}, with_body},
    {"signed-detached-payload", SIGN_RSA, {.mode = SIPVEIL_MODE_PAYLOAD}, with_body},
    {"signed-opaque", SIGN_P256, {.opaque = true}, with_body},
    {"signed-opaque-v1.5", SIGN_RSA, {.opaque = true, .rsa_v15 = true}, with_body},
    {"signed-compressed", SIGN_P256, {.compress = true}, with_body},
    {"aib", SIGN_P256, {.mode = SIPVEIL_MODE_SIPFRAG}, without_body},
    {"cbc-signed", TO_KEK | SIGN_RSA, {.cipher = SIPVEIL_CIPHER_AES_128_CBC, .opaque = true}, with_body},
    {"cbc-then-signed", TO_KEK | SIGN_RSA, {.cipher = SIPVEIL_CIPHER_AES_256_CBC, .encrypt_then_sign = true}, with_body},
    {"cbc-unsigned", TO_KEK, {.cipher = SIPVEIL_CIPHER_AES_192_CBC}, with_body},
    {"gcm-compressed-signed", TO_KEK | SIGN_P256, {.compress = true}, with_body},
    {"pcscf", TO_KEK | SIGN_RSA, {.pcscf = true}, with_body},
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static sipveil_context *context;
static char *authority, *authority_key;
static char authority_path[] = "/tmp/sipveil-bitflip.XXXXXX";

static void demand(bool holds, const char *what, const sipveil_error *err)
{
    if (holds) return;
    printf("Bail out! %s: %s\n", what, err != NULL ? err->text : "");
    exit(1);
}

static sipveil_span span_of(const char *text)
{
    return (sipveil_span){(const uint8_t *)text, strlen(text)};
}

static void make_authority(void)
{
    sipveil_error err;
    demand(sipveil_context_new(NULL, &context, &err) == SIPVEIL_OK, "context", &err);
    demand(sipveil_keys_make_authority(context, "lab", &authority, &authority_key, &err) == SIPVEIL_OK, "CA", &err);
    int fd = mkstemp(authority_path);
    demand(fd >= 0 && write(fd, authority, strlen(authority)) == (ssize_t)strlen(authority) && close(fd) == 0,
           "file of the CA", NULL);
}

/* A certificate with its key in the ring of its owner, the certificate alone with the others. */
static void add_identity(const char *algorithm, sipveil_keyring *own, sipveil_keyring *others)
{
    int64_t now = (int64_t)time(NULL);
    sipveil_certificate_request request = {
        .aor = ALICE, .algorithm = algorithm, .not_before = now - 600, .not_after = now + 86400};
    sipveil_error err;
    char *both, *certificate;
    demand(sipveil_keys_make_certificate(context, span_of(authority), span_of(authority_key), &request, &both,
                                         &certificate, &err) == SIPVEIL_OK, algorithm, &err);
    demand(sipveil_keyring_add_octets(own, span_of(both), algorithm, &(sipveil_key_options){0}, NULL, &err) ==
               SIPVEIL_OK, algorithm, &err);
    demand(sipveil_keyring_add_octets(others, span_of(certificate), algorithm, &(sipveil_key_options){0}, NULL,
                                      &err) == SIPVEIL_OK, algorithm, &err);
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(certificate);
}

/* Keys to seal to, keys to sign with, and the ring of the one who opens. */
typedef struct rings {
    sipveil_keyring *to, *signers, *opening;
} rings;

static rings make_rings(const kind *k)
{
    static const struct {
        unsigned bit;
        const char *algorithm;
    } recipients[] = {{TO_P256, "p256"}, {TO_RSA, "rsa2048"}, {TO_X25519, "x25519"}},
      signers[] = {{SIGN_P256, "p256"}, {SIGN_RSA, "rsa2048"}};
    rings r;
    sipveil_error err;
    demand(sipveil_keyring_new(context, &r.to, &err) == SIPVEIL_OK &&
               sipveil_keyring_new(context, &r.signers, &err) == SIPVEIL_OK &&
               sipveil_keyring_new(context, &r.opening, &err) == SIPVEIL_OK &&
               sipveil_keyring_add_anchors(r.opening, authority_path, &err) == SIPVEIL_OK, "keyrings", &err);
    for (size_t i = 0; i < sizeof recipients / sizeof *recipients; i++) {
        if (k->keys & recipients[i].bit) add_identity(recipients[i].algorithm, r.opening, r.to);
    }
    for (size_t i = 0; i < sizeof signers / sizeof *signers; i++) {
        if (k->keys & signers[i].bit) add_identity(signers[i].algorithm, r.signers, r.opening);
    }
    sipveil_keyring *both[] = {r.to, r.opening};
    for (size_t i = 0; i < 2; i++) {
        demand(!(k->keys & TO_KEK) || sipveil_keyring_add_kek(both[i], span_of("ck"), span_of("0123456789abcdef"), NULL,
                                                              &err) == SIPVEIL_OK, "shared key", &err);
        demand(!(k->keys & TO_PASSWORD) ||
                   sipveil_keyring_add_password(both[i], span_of("correct horse"), NULL, &err) == SIPVEIL_OK,
               "password", &err);
    }
    return r;
}

static size_t keys_of(const sipveil_keyring *ring, const sipveil_key **keys)
{
    size_t count = sipveil_keyring_count(ring);
    demand(count <= OPTIONS_MOST, "too many keys", NULL);
    for (size_t i = 0; i < count; i++) keys[i] = sipveil_keyring_at(ring, i);
    return count;
}

/* The sealed message in memory of its own. */
static uint8_t *seal(sipveil_worker *worker, const kind *k, const rings *r, size_t *len)
{
    const sipveil_key *to[OPTIONS_MOST], *signers[OPTIONS_MOST];
    sipveil_seal_options o, with = k->with;
    sipveil_sealed sealed;
    sipveil_error err;
    sipveil_seal_options_default(&o);
    with.size = o.size;
    with.recipient_count = keys_of(r->to, to);
    with.recipients = to;
    with.signer_count = keys_of(r->signers, signers);
    with.signers = signers;
    demand(sipveil_tunnel_seal_message(worker, &with, span_of(k->message), &sealed, &err) == SIPVEIL_OK, k->name, &err);
    uint8_t *copy = malloc(sealed.message.len);
    demand(copy != NULL, "memory", NULL);
    memcpy(copy, sealed.message.data, sealed.message.len);
    *len = sealed.message.len;
    return copy;
}

/* What came out without any change. */
typedef struct original {
    uint8_t *octets;
    size_t len;
    bool is_signed, is_encrypted;
} original;

static bool is_as_before(const sipveil_opened *opened, const original *o)
{
    return opened->message.len == o->len && memcmp(opened->message.data, o->octets, o->len) == 0 &&
           opened->is_signed == o->is_signed && opened->is_encrypted == o->is_encrypted;
}

static original open_unchanged(sipveil_worker *worker, const sipveil_open_options *o, sipveil_span message,
                               const char *name)
{
    sipveil_opened opened;
    sipveil_error err;
    demand(sipveil_tunnel_open_message(worker, o, message, &opened, &err) == SIPVEIL_OK, name, &err);
    original out = {malloc(opened.message.len), opened.message.len, opened.is_signed, opened.is_encrypted};
    demand(out.octets != NULL, "memory", NULL);
    memcpy(out.octets, opened.message.data, opened.message.len);
    return out;
}

static bool flip_all(size_t number, const kind *k)
{
    rings r = make_rings(k);
    sipveil_worker *worker;
    sipveil_open_options o;
    sipveil_opened opened;
    sipveil_error err;
    size_t len, refused = 0, same = 0, wrong = 0;
    demand(sipveil_worker_new(context, &worker, &err) == SIPVEIL_OK, "worker", &err);
    uint8_t *message = seal(worker, k, &r, &len);
    sipveil_open_options_default(&o);
    o.keyring = r.opening;
    o.pcscf = k->with.pcscf;
    o.allow_unauthenticated = strcmp(k->name, "cbc-unsigned") == 0;
    original before = open_unchanged(worker, &o, (sipveil_span){message, len}, k->name);
    o.allow_unauthenticated = false; /* what has no integrity is refused, changed or not */
    const uint8_t *body = memmem(message, len, "\r\n\r\n", 4);
    for (size_t i = (size_t)(body - message) + 4; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            message[i] ^= (uint8_t)(1U << bit);
            sipveil_code code = sipveil_tunnel_open_message(worker, &o, (sipveil_span){message, len}, &opened, &err);
            if (code != SIPVEIL_OK && opened.message.data == NULL && err.text[0] != '\0') {
                refused++;
            } else if (code == SIPVEIL_OK && is_as_before(&opened, &before)) {
                same++;
            } else if (wrong++ < FLIPS_SHOWN) {
                printf("# octet %zu of the message, bit %u: %s, %.*s\n", i, bit, sipveil_code_name(code),
                       (int)opened.message.len, (const char *)opened.message.data);
            }
            message[i] ^= (uint8_t)(1U << bit);
        }
    }
    printf("%sok %zu - every bit of %s: %zu refused, %zu without effect, %zu accepted changed\n", wrong ? "not " : "",
           number, k->name, refused, same, wrong);
    (void)fflush(stdout);
    free(before.octets);
    free(message);
    sipveil_worker_free(worker);
    sipveil_keyring_free(r.to);
    sipveil_keyring_free(r.signers);
    sipveil_keyring_free(r.opening);
    return wrong == 0;
}

int main(int argc, char **argv)
{
    size_t done = 0;
    bool good = true;
    make_authority();
    for (int i = 1; i < argc; i++) {
        for (size_t k = 0; k < KIND_COUNT; k++) {
            if (strcmp(kinds[k].name, argv[i]) == 0) good = flip_all(++done, &kinds[k]) && good;
        }
    }
    printf("1..%zu\n", done);
    (void)unlink(authority_path);
    sipveil_keys_wipe_text(authority);
    sipveil_keys_wipe_text(authority_key);
    sipveil_context_free(context);
    return good && done > 0 ? 0 : 1;
}
