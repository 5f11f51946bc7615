/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of identity: a request signed by the service of its domain, and verified by who has seen that service before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "crypto/es256.h"
#include "crypto/sign.h"
#include "sip/values.h"

static const char info[] = "https://cert.example.org/passport.cer";

static struct {
    sipveil_keyring *own, *trust;
    char *certificate;
    sipveil_identity_cache *cache;
    sipveil_identity_sign_options sign;
    sipveil_identity_verify_options verify;
    uint8_t *message, *made;
    size_t message_len, made_len;
    uint8_t *octets;        /* what is signed */
    size_t octets_len;
    EVP_PKEY_CTX *signing, *verifying; /* prepared once: the least that libcrypto can do */
    uint8_t signature[SV_ES256_DER_MOST];
    size_t signature_len;
} at;

static sipveil_code fetch(void *user, const char *uri, sipveil_span *certificate, sipveil_error *err)
{
    (void)user, (void)uri, (void)err;
    *certificate = sv_span_str(at.certificate);
    return SIPVEIL_OK;
}

static bool make_keys(bench_world *w)
{
    char *ca = NULL, *ca_key = NULL, *both = NULL;
    sipveil_certificate_request request = {.host = "example.org", .not_before = time(NULL) - 3600, .not_after = time(NULL) + 86400};
    bool done = sipveil_keys_make_authority(w->context, "bench", &ca, &ca_key, NULL) == SIPVEIL_OK &&
                sipveil_keys_make_certificate(w->context, sv_span_str(ca), sv_span_str(ca_key), &request, &both, &at.certificate,
                                              NULL) == SIPVEIL_OK &&
                sipveil_keyring_new(w->context, &at.own, NULL) == SIPVEIL_OK &&
                sipveil_keyring_add_octets(at.own, sv_span_str(both), "bench", NULL, NULL, NULL) == SIPVEIL_OK &&
                sipveil_keyring_new(w->context, &at.trust, NULL) == SIPVEIL_OK;
    done = done && sipveil_keyring_add_anchor_octets(at.trust, sv_span_str(ca), "bench", NULL) == SIPVEIL_OK &&
           sipveil_identity_cache_new(at.trust, 0, &at.cache, NULL) == SIPVEIL_OK;
    sipveil_keys_wipe_text(ca);
    sipveil_keys_wipe_text(ca_key);
    sipveil_keys_wipe_text(both);
    return done;
}

/* As the example of RFC 8224, which signs 221 octets; a URI instead of the number. */
static bool make_message(bench_world *w)
{
    sv_buffer b;
    sv_buffer_init(&b, w->arena, 2048, 4096);
    sv_put_str(&b, "INVITE sip:alice@example.com SIP/2.0\r\nVia: SIP/2.0/TLS pc33.example.org:5061;branch=z9hG4bKnashds8\r\n"
                   "Max-Forwards: 70\r\nTo: Alice <sip:alice@example.com>\r\nFrom: Bob <sip:bob@example.org>;tag=1928301774\r\n"
                   "Call-ID: a84b4c76e66710@pc33.example.org\r\nCSeq: 314159 INVITE\r\nDate: ");
    sv_sip_put_date(&b, (int64_t)time(NULL));
    sv_put_str(&b, "\r\nContact: <sip:bob@pc33.example.org>\r\nContent-Type: application/sdp\r\n\r\n"
                   "v=0\r\no=UserA 2890844526 2890844526 IN IP4 pc33.example.org\r\ns=Session SDP\r\n"
                   "c=IN IP4 pc33.example.org\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n");
    return !b.failed && bench_keep(&at.message, &at.message_len, sv_buffer_span(&b));
}

static bool make_contexts(bench_world *w)
{
    const sv_cms_key *key = &sipveil_keyring_at(at.own, 0)->cms;
    uint8_t digest[32];
    at.signing = EVP_PKEY_CTX_new_from_pkey(w->context->library, key->private_key, NULL);
    at.verifying = EVP_PKEY_CTX_new_from_pkey(w->context->library, key->public_key, NULL);
    at.signature_len = sizeof at.signature;
    return at.signing != NULL && at.verifying != NULL && EVP_PKEY_sign_init(at.signing) == 1 && EVP_PKEY_verify_init(at.verifying) == 1 &&
           sv_digest_octets(w->crypto, sv_digest_by_name("sha256"), sv_span(at.octets, at.octets_len), digest, NULL) == SIPVEIL_OK &&
           EVP_PKEY_sign(at.signing, at.signature, &at.signature_len, digest, sizeof digest) == 1;
}

bool bench_prepare_identity(bench_world *w, size_t n)
{
    sipveil_identity_signed made;
    (void)n;
    if (at.own != NULL) return true;
    sv_arena_reset(w->arena);
    if (!make_keys(w) || !make_message(w)) return false;
    sipveil_identity_sign_options_default(&at.sign);
    at.sign.key = sipveil_keyring_at(at.own, 0);
    at.sign.info = info;
    sipveil_identity_verify_options_default(&at.verify);
    at.verify.cache = at.cache;
    at.verify.fetch = fetch;
    at.verify.freshness = 3600; /* the benchmark may take longer than a minute */
    at.sign.freshness = 3600;
    return sipveil_identity_sign_request(w->worker, &at.sign, sv_span(at.message, at.message_len), &made, NULL) == SIPVEIL_OK &&
           made.is_signed && bench_keep(&at.made, &at.made_len, made.message) &&
           bench_keep(&at.octets, &at.octets_len, made.signed_octets) && make_contexts(w);
}

bool bench_identity_sign(bench_world *w, size_t n)
{
    sipveil_identity_signed made;
    (void)n;
    return sipveil_identity_sign_request(w->worker, &at.sign, sv_span(at.message, at.message_len), &made, NULL) == SIPVEIL_OK &&
           made.is_signed;
}

bool bench_identity_verify(bench_world *w, size_t n)
{
    sipveil_identity_verdict verdict;
    (void)n;
    return sipveil_identity_verify_request(w->worker, &at.verify, sv_span(at.made, at.made_len), &verdict, NULL) ==
               SIPVEIL_OK &&
           verdict.valid;
}

/* As most programs use libcrypto: a context for each signature. */
bool bench_identity_sign_libcrypto(bench_world *w, size_t n)
{
    uint8_t der[SV_ES256_DER_MOST];
    size_t len = sizeof der;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY *key = sipveil_keyring_at(at.own, 0)->cms.private_key;
    (void)n;
    bool done = md != NULL && EVP_DigestSignInit_ex(md, NULL, "SHA256", w->context->library, NULL, key, NULL) == 1 &&
                EVP_DigestSign(md, der, &len, at.octets, at.octets_len) == 1;
    EVP_MD_CTX_free(md);
    return done;
}

bool bench_identity_verify_libcrypto(bench_world *w, size_t n)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY *key = sipveil_keyring_at(at.own, 0)->cms.public_key;
    (void)n;
    bool done = md != NULL && EVP_DigestVerifyInit_ex(md, NULL, "SHA256", w->context->library, NULL, key, NULL) == 1 &&
                EVP_DigestVerify(md, at.signature, at.signature_len, at.octets, at.octets_len) == 1;
    EVP_MD_CTX_free(md);
    return done;
}

bool bench_identity_sign_primitives(bench_world *w, size_t n)
{
    uint8_t digest[32], der[SV_ES256_DER_MOST];
    size_t len = sizeof der;
    (void)n;
    return sv_digest_octets(w->crypto, sv_digest_by_name("sha256"), sv_span(at.octets, at.octets_len), digest, NULL) == SIPVEIL_OK &&
           EVP_PKEY_sign(at.signing, der, &len, digest, sizeof digest) == 1;
}

bool bench_identity_verify_primitives(bench_world *w, size_t n)
{
    uint8_t digest[32];
    (void)n;
    return sv_digest_octets(w->crypto, sv_digest_by_name("sha256"), sv_span(at.octets, at.octets_len), digest, NULL) == SIPVEIL_OK &&
           EVP_PKEY_verify(at.verifying, at.signature, at.signature_len, digest, sizeof digest) == 1;
}
