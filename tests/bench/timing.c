/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the time of a refusal tells why: pairs of messages that fail for different reasons are opened in
 * random order, and Welch's t is computed over the times. Prints a table; never a test, for it measures a
 * machine too. ADV-065: padding of CBC. ADV-080: blocks of PKCS #1 v1.5. ADV-091: identifiers of shared keys. */
#include <math.h>
#include <openssl/cms.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "keys/keys.h"

enum { SAMPLES = 10000, VARIANTS = 32, MESSAGE_MOST = 8192, RSA_OCTETS = 256 };

typedef struct message {
    uint8_t octets[MESSAGE_MOST];
    size_t len;
} message;

typedef struct reason {
    const char *name;
    message variants[VARIANTS];
    sipveil_code code; /* that opening comes to */
} reason;

static bench_world world;
static sipveil_keyring *ring;
static unsigned allow_weak;

static void must(bool holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "timing: %s failed\n", what);
    exit(1);
}

static uint32_t random_number(void)
{
    uint32_t out;
    must(RAND_bytes((uint8_t *)&out, sizeof out) == 1, "the random generator");
    return out;
}

/* ---- messages ---- */

static void seal(const sipveil_key *key, sipveil_cipher cipher, message *out)
{
    sipveil_seal_options options;
    sipveil_sealed sealed;
    sipveil_seal_options_default(&options);
    options.recipients = &key;
    options.recipient_count = 1;
    options.cipher = cipher;
    must(sipveil_tunnel_seal_message(world.worker, &options, world.message, &sealed, NULL) == SIPVEIL_OK, "sealing");
    must(sealed.message.len <= sizeof out->octets, "room for a message");
    memcpy(out->octets, sealed.message.data, sealed.message.len);
    out->len = sealed.message.len;
}

/* The one place of those octets. */
static uint8_t *find(message *m, const void *octets, size_t len)
{
    uint8_t *at = memmem(m->octets, m->len, octets, len);
    must(at != NULL, "finding a place to alter");
    return at;
}

static void bad_padding(message *m)
{
    seal(sipveil_keyring_at(world.one_kek, 0), SIPVEIL_CIPHER_AES_128_CBC, m);
    m->octets[m->len - 17] ^= 0x80; /* the last octet of the content becomes over 16 */
}

static void good_padding(message *m)
{
    static const uint8_t aes128_cbc[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02, 0x04, 0x10};
    seal(sipveil_keyring_at(world.one_kek, 0), SIPVEIL_CIPHER_AES_128_CBC, m);
    uint8_t *iv = find(m, aes128_cbc, sizeof aes128_cbc) + sizeof aes128_cbc;
    iv[16 + 4 + random_number() % 16] ^= 1; /* behind it [0] and two octets of length, then the first block */
}

static void unknown_id(message *m)
{
    seal(sipveil_keyring_at(world.one_kek, 0), SIPVEIL_CIPHER_AES_256_GCM, m);
    memcpy(find(m, "kek-number-15", 13) + 11, "98", 2);
}

static void bad_wrap(message *m)
{
    static const uint8_t aes256_wrap[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2D, 0x04, 0x28};
    seal(sipveil_keyring_at(world.one_kek, 0), SIPVEIL_CIPHER_AES_256_GCM, m);
    find(m, aes256_wrap, sizeof aes256_wrap)[sizeof aes256_wrap + random_number() % 40] ^= 1;
}

static void bad_tag(message *m)
{
    seal(sipveil_keyring_at(world.one_kek, 0), SIPVEIL_CIPHER_AES_256_GCM, m);
    m->octets[m->len - 1 - random_number() % 16] ^= 1;
}

/* The body of a message sealed by us becomes libcrypto's, whose key transport is PKCS #1 v1.5. */
static void seal_v15(message *m, uint8_t **encrypted_key)
{
    static const uint8_t header[] = {0x04, 0x82, 0x01, 0x00};
    const sipveil_key *key = sipveil_keyring_at(world.rsa, 0);
    OSSL_LIB_CTX *library = world.context->library;
    STACK_OF(X509) *to = sk_X509_new_null();
    EVP_CIPHER *gcm = EVP_CIPHER_fetch(library, "AES-256-GCM", NULL);
    BIO *content = BIO_new_mem_buf(world.message.data, (int)world.message.len), *out = BIO_new(BIO_s_mem());
    must(to != NULL && sk_X509_push(to, key->cms.certificate) > 0, "memory");
    CMS_ContentInfo *cms = CMS_encrypt_ex(to, content, gcm, CMS_BINARY, library, NULL);
    must(cms != NULL && i2d_CMS_bio(out, cms) == 1, "CMS_encrypt");
    char *der;
    long length = BIO_get_mem_data(out, &der);
    seal(key, SIPVEIL_CIPHER_AES_256_GCM, m);
    char *row = (char *)find(m, "Content-Length: ", 16);
    int n = snprintf(row, 64, "Content-Length: %ld\r\n\r\n", length);
    m->len = (size_t)((uint8_t *)row - m->octets) + (size_t)n;
    must(m->len + (size_t)length <= sizeof m->octets, "room for a message");
    memcpy(m->octets + m->len, der, (size_t)length);
    m->len += (size_t)length;
    *encrypted_key = find(m, header, sizeof header) + sizeof header;
    CMS_ContentInfo_free(cms);
    BIO_free(content);
    BIO_free(out);
    EVP_CIPHER_free(gcm);
    sk_X509_free(to);
}

static void conforming_block(message *m)
{
    uint8_t *encrypted_key, short_cek[16];
    size_t length = RSA_OCTETS;
    seal_v15(m, &encrypted_key);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(world.context->library, sipveil_keyring_at(world.rsa, 0)->cms.public_key, NULL);
    must(RAND_bytes(short_cek, sizeof short_cek) == 1 && ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_encrypt(ctx, encrypted_key, &length, short_cek, sizeof short_cek) == 1,
         "RSA encryption");
    EVP_PKEY_CTX_free(ctx);
}

static void random_block(message *m)
{
    uint8_t *encrypted_key;
    seal_v15(m, &encrypted_key);
    must(RAND_bytes(encrypted_key, RSA_OCTETS) == 1, "the random generator");
    encrypted_key[0] = 0; /* below the modulus */
}

/* ---- measuring ---- */

static double open_once(const message *m, sipveil_code expected)
{
    static uint8_t place[MESSAGE_MOST]; /* the same for all: what is told apart is not where it lies */
    sipveil_open_options options;
    sipveil_opened opened;
    sipveil_error err;
    struct timespec before, after;
    memcpy(place, m->octets, m->len);
    sipveil_open_options_default(&options);
    options.keyring = ring;
    options.allow_unauthenticated = true;
    options.allow_weak = allow_weak;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    sipveil_code code = sipveil_tunnel_open_message(world.worker, &options, sv_span(place, m->len), &opened, &err);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    if (code != expected || err.sip_status != 493) fprintf(stderr, "timing: %s, %d: %s\n", sipveil_code_name(code), err.sip_status, err.text);
    must(code == expected && err.sip_status == 493, "a refusal with 493");
    return (double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_nsec - before.tv_nsec);
}

typedef struct sum {
    double n, mean, squares; /* of the differences from the mean, as it grows */
} sum;

static void add(sum *s, double x)
{
    double difference = x - s->mean;
    s->n++;
    s->mean += difference / s->n;
    s->squares += difference * (x - s->mean);
}

static double welch(const sum *a, const sum *b)
{
    return (a->mean - b->mean) / sqrt(a->squares / (a->n - 1) / a->n + b->squares / (b->n - 1) / b->n);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All samples, and those below the 95th percentile of both together: the rest are interrupts. */
static void compare(const char *rule, reason *a, reason *b)
{
    static double times[2][SAMPLES], both[2 * SAMPLES];
    reason *const reasons[] = {a, b};
    size_t done[2] = {0};
    for (int warm = 0; warm < 200; warm++) {
        (void)open_once(&reasons[warm % 2]->variants[warm % VARIANTS], reasons[warm % 2]->code);
    }
    while (done[0] < SAMPLES || done[1] < SAMPLES) {
        uint32_t chance = random_number();
        size_t which = done[0] == SAMPLES ? 1 : done[1] == SAMPLES ? 0 : chance & 1;
        times[which][done[which]++] = open_once(&reasons[which]->variants[(chance >> 1) % VARIANTS], reasons[which]->code);
    }
    memcpy(both, times[0], sizeof times[0]);
    memcpy(both + SAMPLES, times[1], sizeof times[1]);
    qsort(both, (size_t)2 * SAMPLES, sizeof *both, ascending);
    double bound = both[2 * SAMPLES * 95 / 100];
    sum all[2] = {{0}}, usual[2] = {{0}};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < SAMPLES; k++) {
            add(&all[i], times[i][k]);
            if (times[i][k] < bound) add(&usual[i], times[i][k]);
        }
    }
    printf("| %s | %s | %s | %.0f | %.0f | %.1f | %.1f |\n", rule, a->name, b->name, usual[0].mean, usual[1].mean,
           welch(&all[0], &all[1]), welch(&usual[0], &usual[1]));
    (void)fflush(stdout);
}

static void fill(reason *r, const char *name, void (*make)(message *), sipveil_code code)
{
    r->name = name;
    r->code = code;
    for (size_t i = 0; i < VARIANTS; i++) make(&r->variants[i]);
}

int main(void)
{
    static reason a, b;
    must(bench_world_make(&world), "making keys");
    printf("| rule | refused because of | or of | ns | ns | t, all | t, below the 95th percentile |\n|---|---|---|---|---|---|---|\n");
    ring = world.one_kek;
    fill(&a, "padding of CBC", bad_padding, SIPVEIL_CANNOT_DECRYPT);
    fill(&b, "content, with good padding", good_padding, SIPVEIL_CANNOT_DECRYPT);
    compare("ADV-065", &a, &b);
    fill(&a, "the wrap of a known key", bad_wrap, SIPVEIL_CANNOT_DECRYPT);
    fill(&b, "the tag, with a good wrap", bad_tag, SIPVEIL_CANNOT_DECRYPT);
    compare("ADV-091", &a, &b);
    fill(&b, "an unknown identifier", unknown_id, SIPVEIL_NO_KEY);
    compare("ADV-091", &a, &b);
    ring = world.rsa;
    allow_weak = SIPVEIL_WEAK_RSA_V15_TRANSPORT;
    fill(&a, "a block with a short key", conforming_block, SIPVEIL_CANNOT_DECRYPT);
    fill(&b, "a random block", random_block, SIPVEIL_CANNOT_DECRYPT);
    compare("ADV-080", &a, &b);
    bench_world_end(&world);
    return 0;
}
