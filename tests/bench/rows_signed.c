/* SPDX-License-Identifier: BSD-2-Clause */
/* Signatures: ours, CMS_sign and CMS_verify of libcrypto, and the digests and signatures alone. */
#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "crypto/sign.h"

enum { DIGEST = 32 };

bool bench_sign(bench_world *w, size_t n)
{
    sv_sign_request request = {.signers = bench_at.own, .signer_count = n, .no_certificates = !bench_at.certificates, .detached = true,
                               .time = time(NULL)};
    sv_buffer b;
    sv_arena_reset(w->arena);
    sv_buffer_init(&b, w->arena, 4096, 1 << 20);
    return sv_cms_sign(w->crypto, &request, w->message, w->arena, &b, NULL) == SIPVEIL_OK && !b.failed;
}

bool bench_sign_libcrypto(bench_world *w, size_t n)
{
    (void)n;
    unsigned flags = CMS_DETACHED | CMS_BINARY | CMS_PARTIAL | (bench_at.certificates ? 0 : CMS_NOCERTS);
    BIO *in = BIO_new_mem_buf(w->message.data, (int)w->message.len);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, in, flags);
    unsigned char *der = NULL;
    CMS_SignerInfo *si = cms == NULL ? NULL
                                     : CMS_add1_signer(cms, bench_at.own->certificate, bench_at.own->private_key, EVP_sha256(),
                                                       flags | CMS_KEY_PARAM);
    bool done = si != NULL;
    if (done && EVP_PKEY_is_a(bench_at.own->private_key, "RSA")) {
        done = EVP_PKEY_CTX_set_rsa_padding(CMS_SignerInfo_get0_pkey_ctx(si), RSA_PKCS1_PSS_PADDING) == 1;
    }
    done = done && CMS_final(cms, in, NULL, flags) == 1 && i2d_CMS_ContentInfo(cms, &der) > 0;
    OPENSSL_free(der);
    BIO_free(in);
    CMS_ContentInfo_free(cms);
    return done;
}

/* A context that is made once for a key, as ours are: the same scheme. */
static EVP_PKEY_CTX *context_for(EVP_PKEY *key, bool sign)
{
    static EVP_PKEY *keys[2];
    static EVP_PKEY_CTX *contexts[2];
    if (keys[sign] == key) return contexts[sign];
    EVP_PKEY_CTX_free(contexts[sign]);
    EVP_PKEY_CTX *ctx = contexts[sign] = EVP_PKEY_CTX_new(key, NULL);
    bool done = ctx != NULL && (sign ? EVP_PKEY_sign_init(ctx) : EVP_PKEY_verify_init(ctx)) == 1 &&
                EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1;
    if (done && EVP_PKEY_is_a(key, "RSA")) {
        done = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, DIGEST) == 1;
    }
    keys[sign] = done ? key : NULL;
    return done ? ctx : NULL;
}

/* The digests of the message and of the signed attributes. */
static bool digests(bench_world *w, uint8_t out[64])
{
    const sv_digest *sha256 = sv_digest_by_name("sha256");
    return sv_digest_octets(w->crypto, sha256, w->message, out, NULL) == SIPVEIL_OK &&
           sv_digest_octets(w->crypto, sha256, sv_span(w->message.data, 200), out, NULL) == SIPVEIL_OK;
}

bool bench_sign_primitives(bench_world *w, size_t n)
{
    uint8_t digest[64], signature[512];
    size_t size = sizeof signature;
    (void)n;
    EVP_PKEY_CTX *ctx = context_for(bench_at.own->private_key, true);
    return ctx != NULL && digests(w, digest) && EVP_PKEY_sign(ctx, signature, &size, digest, DIGEST) == 1;
}

static bool prepare_sign(bench_world *w, sipveil_keyring *ring, bool certificates)
{
    bench_at.own = bench_cms_keys(ring);
    bench_at.certificates = certificates;
    (void)w;
    return true;
}
bool bench_prepare_sign_p256(bench_world *w, size_t n)
{
    (void)n;
    return prepare_sign(w, w->p256, true);
}
bool bench_prepare_sign_p256_nocerts(bench_world *w, size_t n)
{
    (void)n;
    return prepare_sign(w, w->p256, false);
}
bool bench_prepare_sign_rsa(bench_world *w, size_t n)
{
    (void)n;
    return prepare_sign(w, w->rsa, true);
}

/* Signature, chain to the anchor, name, usage: all that makes an accepted signer. */
bool bench_verify(bench_world *w, size_t n)
{
    sv_cms_type type;
    sipveil_span content;
    sv_signed s;
    sv_signature *signatures;
    STACK_OF(X509) *certificates = NULL;
    sv_signer signer;
    sv_cms_policy policy = {0};
    const sipveil_limits *limits = sipveil_context_limits(w->context);
    (void)n;
    sv_arena_reset(w->arena);
    if (sv_cms_read_content_info(sv_span(bench_at.sealed, bench_at.sealed_len), limits, &type, &content, NULL) != SIPVEIL_OK ||
        sv_cms_read_signed(content, limits, &policy, w->arena, &s, NULL) != SIPVEIL_OK ||
        sv_cms_check_signatures(w->crypto, &s, w->message, NULL, 0, &policy, w->arena, &signatures, &certificates,
                                NULL) != SIPVEIL_OK ||
        signatures[0].state != SV_SIGNATURE_VALID) {
        return false;
    }
    sv_signer_question question = {.certificate = signatures[0].certificate, .untrusted = certificates,
                                   .aor = SV_SPAN("sip:alice@atlanta.example.com"), .at = time(NULL), .limits = limits,
                                   .memory = w->chains};
    return sv_keys_accept_signer(w->trust, &question, w->arena, &signer, NULL) == SIPVEIL_OK && signer.code == SIPVEIL_OK;
}

bool bench_verify_libcrypto(bench_world *w, size_t n)
{
    (void)n;
    const unsigned char *from = bench_at.sealed;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &from, (long)bench_at.sealed_len);
    BIO *in = BIO_new_mem_buf(w->message.data, (int)w->message.len);
    bool done = cms != NULL && CMS_verify(cms, NULL, w->store, in, NULL, CMS_BINARY | CMS_DETACHED) == 1;
    BIO_free(in);
    CMS_ContentInfo_free(cms);
    return done;
}

/* One signature is checked: the message's. That of a certificate seen before need not be. */
bool bench_verify_primitives(bench_world *w, size_t n)
{
    static uint8_t signature[512];
    static size_t size;
    static const EVP_PKEY *made_with;
    uint8_t digest[64];
    EVP_PKEY_CTX *ctx = context_for(bench_at.own->public_key, false);
    bool done = ctx != NULL && digests(w, digest);
    (void)n;
    if (done && made_with != bench_at.own->private_key) {
        EVP_PKEY_CTX *signing = context_for(bench_at.own->private_key, true);
        size = sizeof signature;
        done = signing != NULL && EVP_PKEY_sign(signing, signature, &size, digest, DIGEST) == 1;
        made_with = bench_at.own->private_key;
    }
    return done && EVP_PKEY_verify(ctx, signature, size, digest, DIGEST) == 1;
}

static bool prepare_verify(bench_world *w, sipveil_keyring *ring)
{
    sv_sign_request request = {.signers = bench_cms_keys(ring), .signer_count = 1, .detached = true, .time = time(NULL)};
    sv_buffer b;
    bench_at.own = request.signers;
    sv_arena_reset(w->arena);
    sv_buffer_init(&b, w->arena, 4096, 1 << 20);
    return sv_cms_sign(w->crypto, &request, w->message, w->arena, &b, NULL) == SIPVEIL_OK &&
           bench_keep(&bench_at.sealed, &bench_at.sealed_len, sv_buffer_span(&b));
}
bool bench_prepare_verify_p256(bench_world *w, size_t n)
{
    (void)n;
    return prepare_verify(w, w->p256);
}
bool bench_prepare_verify_rsa(bench_world *w, size_t n)
{
    (void)n;
    return prepare_verify(w, w->rsa);
}
