/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys, certificates and the message that the rows share. */
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

static const char aor[] = "sip:alice@atlanta.example.com";

/* An INVITE of 907 octets: the size that the figures of the design notes are for. */
static bool make_message(sipveil_span *out)
{
    static char text[2048];
    static const char head[] =
        "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
        "Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9\r\n"
        "Max-Forwards: 70\r\n"
        "From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
        "To: Bob <sip:bob@biloxi.example.com>\r\n"
        "Call-ID: 3848276298220188511@atlanta.example.com\r\n"
        "CSeq: 1 INVITE\r\n"
        "Contact: <sip:alice@client.atlanta.example.com;transport=tcp>\r\n"
        "Date: %s\r\n"
        "Subject: %s\r\n"
        "Content-Type: application/sdp\r\n"
        "Content-Length: 151\r\n\r\n"
        "v=0\r\n"
        "o=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com\r\n"
        "s=-\r\n"
        "c=IN IP4 192.0.2.101\r\n"
        "t=0 0\r\n"
        "m=audio 49172 RTP/AVP 0\r\n"
        "a=rtpmap:0 PCMU/8000\r\n";
    enum { WANTED = 907 };
    char date[64], subject[512] = "";
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm) == NULL) return false;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    int n = snprintf(text, sizeof text, head, date, subject);
    if (n < 0 || n > WANTED) return false;
    memset(subject, 's', (size_t)(WANTED - n));
    n = snprintf(text, sizeof text, head, date, subject);
    *out = sv_span(text, (size_t)n);
    return n == WANTED;
}

static bool add_keks(bench_world *w)
{
    for (int i = 0; i < BENCH_RECIPIENTS_MOST; i++) {
        uint8_t kek[32];
        char id[32];
        memset(kek, i + 1, sizeof kek);
        int n = snprintf(id, sizeof id, "kek-number-%02d", i);
        if (sipveil_keyring_add_kek(w->keks, sv_span(id, (size_t)n), sv_span(kek, sizeof kek), NULL, NULL) != SIPVEIL_OK) return false;
        if (i == BENCH_RECIPIENTS_MOST - 1 &&
            sipveil_keyring_add_kek(w->one_kek, sv_span(id, (size_t)n), sv_span(kek, sizeof kek), NULL, NULL) != SIPVEIL_OK) {
            return false;
        }
        if (i == 0 && sipveil_keyring_add_kek(w->foreign, SV_SPAN("kek-number-99"), sv_span(kek, sizeof kek), NULL, NULL) != SIPVEIL_OK) {
            return false;
        }
    }
    return true;
}

/* Of a host, or of the user. */
static bool add_certificate(bench_world *w, sipveil_keyring *ring, const char *algorithm, const char *host, sipveil_span ca,
                            sipveil_span key)
{
    sipveil_certificate_request request = {.aor = host == NULL ? aor : NULL, .host = host, .algorithm = algorithm,
                                           .not_before = time(NULL) - 3600, .not_after = time(NULL) + 86400};
    char *both = NULL, *certificate = NULL;
    bool done = sipveil_keys_make_certificate(w->context, ca, key, &request, &both, &certificate, NULL) == SIPVEIL_OK &&
                sipveil_keyring_add_octets(ring, sv_span_str(both), "bench", NULL, NULL, NULL) == SIPVEIL_OK;
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(certificate);
    return done;
}

static bool add_anchor(bench_world *w, const char *pem)
{
    bool done = sipveil_keyring_add_anchor_octets(w->trust, sv_span_str(pem), "bench", NULL) == SIPVEIL_OK &&
                sipveil_keyring_add_anchor_octets(w->hop, sv_span_str(pem), "bench", NULL) == SIPVEIL_OK;
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *anchor = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    w->store = X509_STORE_new();
    done = done && anchor != NULL && w->store != NULL && X509_STORE_add_cert(w->store, anchor) == 1 &&
           X509_STORE_set_purpose(w->store, X509_PURPOSE_ANY) == 1;
    X509_free(anchor);
    BIO_free(bio);
    return done;
}

bench_prepared bench_at;

bool bench_keep(uint8_t **place, size_t *len, sipveil_span octets)
{
    uint8_t *copy = octets.len > 0 ? malloc(octets.len) : NULL;
    if (copy == NULL) return false;
    memcpy(copy, octets.data, octets.len);
    free(*place);
    *place = copy;
    *len = octets.len;
    return true;
}

static bool random_each_time(void *user, uint8_t *out, size_t len)
{
    (void)user;
    return RAND_bytes(out, (int)len) == 1;
}

static bool make_fresh(bench_world *w)
{
    sipveil_hooks hooks;
    sipveil_hooks_default(&hooks);
    hooks.random = random_each_time;
    return sipveil_context_new(&hooks, &w->fresh_context, NULL) == SIPVEIL_OK &&
           sv_crypto_new(w->fresh_context, &w->fresh, NULL) == SIPVEIL_OK;
}

static bool new_ring(bench_world *w, sipveil_keyring **ring)
{
    return sipveil_keyring_new(w->context, ring, NULL) == SIPVEIL_OK;
}

bool bench_world_make(bench_world *w)
{
    char *ca = NULL, *ca_key = NULL;
    memset(w, 0, sizeof *w);
    bool done = make_message(&w->message) && sipveil_context_new(NULL, &w->context, NULL) == SIPVEIL_OK &&
                sipveil_worker_new(w->context, &w->worker, NULL) == SIPVEIL_OK &&
                sv_crypto_new(w->context, &w->crypto, NULL) == SIPVEIL_OK && make_fresh(w) &&
                (w->arena = sv_arena_new(256 * 1024, 64u << 20)) != NULL && (w->chains = sv_chain_memory_new()) != NULL && new_ring(w, &w->keks) &&
                new_ring(w, &w->one_kek) && new_ring(w, &w->foreign) && new_ring(w, &w->rsa) && new_ring(w, &w->p256) &&
                new_ring(w, &w->p256_many) && new_ring(w, &w->trust) && new_ring(w, &w->hop) && add_keks(w) &&
                sipveil_keys_make_authority(w->context, "Bench CA", &ca, &ca_key, NULL) == SIPVEIL_OK;
    if (done) {
        sipveil_span c = sv_span_str(ca), k = sv_span_str(ca_key);
        done = add_anchor(w, ca) && add_certificate(w, w->rsa, "rsa2048", NULL, c, k) &&
               add_certificate(w, w->p256, "p256", NULL, c, k) && add_certificate(w, w->hop, "p256", BENCH_HOP, c, k);
        for (int i = 0; done && i < BENCH_RECIPIENTS_MOST; i++) done = add_certificate(w, w->p256_many, "p256", NULL, c, k);
    }
    sipveil_keys_wipe_text(ca);
    sipveil_keys_wipe_text(ca_key);
    return done;
}

void bench_world_end(bench_world *w)
{
    X509_STORE_free(w->store);
    sipveil_keyring_free(w->keks);
    sipveil_keyring_free(w->one_kek);
    sipveil_keyring_free(w->foreign);
    sipveil_keyring_free(w->rsa);
    sipveil_keyring_free(w->p256);
    sipveil_keyring_free(w->p256_many);
    sipveil_keyring_free(w->hop);
    sipveil_keyring_free(w->trust);
    sv_chain_memory_free(w->chains);
    sv_arena_free(w->arena);
    sv_crypto_free(w->crypto);
    sv_crypto_free(w->fresh);
    sipveil_context_free(w->fresh_context);
    EVP_CIPHER_CTX_free(bench_at.gcm);
    EVP_CIPHER_CTX_free(bench_at.ecb);
    sv_arena_free(bench_at.arena);
    free(bench_at.sealed);
    free(bench_at.outer);
    bench_at = (bench_prepared){0};
    sipveil_worker_free(w->worker);
    sipveil_context_free(w->context);
}
