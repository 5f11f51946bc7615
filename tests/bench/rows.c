/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows. "libcrypto" is what a program gets that calls CMS_encrypt, CMS_decrypt, CMS_sign and
 * CMS_verify with the same algorithms; "primitives" is what no CMS can do without: the randomness, the
 * ciphers, the key wraps, the public-key operations, each over contexts that are used again. */
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { CEK = 32, NONCE = 12, TAG = 16, WRAPPED = 40, BLOCK_OPS = 24 /* 4 semiblocks, 6 rounds */ };

/* What a row has prepared; rows run one after the other. */
static struct {
    const sv_cms_key *keys;
    const sv_cms_key *own;    /* the key that opens */
    uint8_t sealed[1 << 16];  /* ContentInfo */
    size_t sealed_len;
    uint8_t outer[1 << 16];   /* SIP message */
    size_t outer_len;
    sipveil_open_options open;
    sipveil_seal_options seal;
    const sipveil_key *recipients[BENCH_RECIPIENTS_MOST];
    sv_enveloped enveloped;
    sv_arena *arena; /* holds enveloped */
    bool certificates;
    EVP_CIPHER_CTX *gcm, *ecb;
    EVP_PKEY_CTX *transport;
    EVP_PKEY *key;
} at;

/* ---- enveloped ---- */

static const sv_cms_key *cms_keys(const sipveil_keyring *ring)
{
    size_t count;
    return sv_keyring_cms_keys(ring, &count);
}

static bool seal_ours(bench_world *w, size_t n)
{
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_256_GCM, .recipients = at.keys, .recipient_count = n};
    sv_buffer b;
    sv_arena_reset(w->arena);
    sv_buffer_init(&b, w->arena, w->message.len + 256 + 640 * n, 1 << 20);
    return sv_cms_seal_enveloped(w->crypto, &request, w->message, w->arena, &b, NULL) == SIPVEIL_OK && !b.failed;
}

static bool keep_sealed(bench_world *w, size_t n)
{
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_256_GCM, .recipients = at.keys, .recipient_count = n};
    sv_buffer b;
    sv_arena_reset(w->arena);
    sv_buffer_init(&b, w->arena, 4096, sizeof at.sealed);
    if (sv_cms_seal_enveloped(w->crypto, &request, w->message, w->arena, &b, NULL) != SIPVEIL_OK || b.failed) return false;
    memcpy(at.sealed, b.data, b.len);
    at.sealed_len = b.len;
    return true;
}

static bool open_ours(bench_world *w, size_t n)
{
    (void)n;
    sv_cms_type type;
    sipveil_span content;
    sv_enveloped *e;
    sv_opening opening;
    uint64_t iterations = 0;
    sv_cms_policy policy = {0};
    const sipveil_limits *limits = sipveil_context_limits(w->context);
    sv_arena_reset(w->arena);
    e = sv_arena_alloc(w->arena, sizeof *e);
    return sv_cms_read_content_info(sv_span(at.sealed, at.sealed_len), limits, &type, &content, NULL) == SIPVEIL_OK &&
           sv_cms_read_enveloped(content, true, limits, &policy, w->arena, e, NULL) == SIPVEIL_OK &&
           sv_cms_open_enveloped(w->crypto, e, at.own, 1, &policy, &iterations, w->arena, &opening, NULL) == SIPVEIL_OK &&
           opening.plaintext.len == w->message.len;
}

static bool add_recipient(CMS_ContentInfo *cms, const sv_cms_key *key)
{
    if (key->kind == SV_CMS_KEY_KEK) {
        return CMS_add0_recipient_key(cms, NID_undef, OPENSSL_memdup(key->kek.data, key->kek.len), key->kek.len,
                                      OPENSSL_memdup(key->kek_id.data, key->kek_id.len), key->kek_id.len, NULL, NULL,
                                      NULL) != NULL;
    }
    CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, key->certificate, CMS_KEY_PARAM);
    EVP_PKEY_CTX *ctx = ri != NULL ? CMS_RecipientInfo_get0_pkey_ctx(ri) : NULL;
    if (ctx == NULL) return false;
    if (EVP_PKEY_is_a(key->public_key, "RSA")) {
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1;
    }
    return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) == 1;
}

static bool seal_libcrypto(bench_world *w, size_t n)
{
    CMS_ContentInfo *cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
    BIO *in = BIO_new_mem_buf(w->message.data, (int)w->message.len);
    unsigned char *der = NULL;
    bool done = cms != NULL && in != NULL;
    for (size_t i = 0; done && i < n; i++) done = add_recipient(cms, &at.keys[i]);
    done = done && CMS_final(cms, in, NULL, CMS_BINARY) == 1 && i2d_CMS_ContentInfo(cms, &der) > 0;
    OPENSSL_free(der);
    BIO_free(in);
    CMS_ContentInfo_free(cms);
    return done;
}

static bool open_libcrypto(bench_world *w, size_t n)
{
    (void)n;
    const unsigned char *from = at.sealed;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &from, (long)at.sealed_len);
    BIO *out = BIO_new(BIO_s_mem());
    bool done = cms != NULL && out != NULL;
    if (done && at.own->kind == SV_CMS_KEY_KEK) {
        uint8_t kek[32];
        memcpy(kek, at.own->kek.data, at.own->kek.len);
        done = CMS_decrypt_set1_key(cms, kek, at.own->kek.len, (unsigned char *)(uintptr_t)at.own->kek_id.data,
                                    at.own->kek_id.len) == 1 &&
               CMS_decrypt(cms, NULL, NULL, NULL, out, 0) == 1;
    } else if (done) {
        done = CMS_decrypt(cms, at.own->private_key, at.own->certificate, NULL, out, 0) == 1;
    }
    done = done && BIO_pending(out) == (int)w->message.len;
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    return done;
}

/* The block operations of one AES key wrap, on one context. */
static bool wrap_primitive(const sv_cms_key *key, bool wrap)
{
    uint8_t block[16] = {0};
    int n;
    if (EVP_CipherInit_ex2(at.ecb, NULL, key->kek.data, NULL, wrap, NULL) != 1) return false;
    for (int i = 0; i < BLOCK_OPS; i++) {
        if (EVP_CipherUpdate(at.ecb, block, &n, block, sizeof block) != 1) return false;
    }
    return true;
}

static bool content_primitive(bench_world *w, bool encrypt)
{
    static uint8_t out[4096];
    uint8_t secret[CEK + NONCE] = {0}, tag[TAG] = {0};
    int n;
    if (encrypt && RAND_bytes(secret, sizeof secret) != 1) return false;
    if (EVP_CipherInit_ex2(at.gcm, NULL, secret, secret + CEK, encrypt, NULL) != 1) return false;
    if (!encrypt && EVP_CIPHER_CTX_ctrl(at.gcm, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1) return false;
    if (EVP_CipherUpdate(at.gcm, out, &n, w->message.data, (int)w->message.len) != 1) return false;
    int good = EVP_CipherFinal_ex(at.gcm, out, &n); /* decrypting: the tag is wrong, the work is the same */
    return !encrypt || (good == 1 && EVP_CIPHER_CTX_ctrl(at.gcm, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1);
}

static bool kek_seal_primitives(bench_world *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!wrap_primitive(&at.keys[i], true)) return false;
    }
    return content_primitive(w, true);
}

static bool kek_open_primitives(bench_world *w, size_t n)
{
    (void)n;
    return wrap_primitive(at.own, false) && content_primitive(w, false);
}

static bool prepare_ciphers(void)
{
    static bool done;
    if (done) return true;
    at.gcm = EVP_CIPHER_CTX_new();
    at.ecb = EVP_CIPHER_CTX_new();
    done = at.gcm != NULL && at.ecb != NULL && EVP_CipherInit_ex2(at.gcm, EVP_aes_256_gcm(), NULL, NULL, 1, NULL) == 1 &&
           EVP_CipherInit_ex2(at.ecb, EVP_aes_256_ecb(), NULL, NULL, 1, NULL) == 1 &&
           EVP_CIPHER_CTX_set_padding(at.ecb, 0) == 1;
    return done;
}

static bool prepare_kek(bench_world *w, size_t n)
{
    at.own = cms_keys(w->one_kek);
    /* The one that opens is the last of the n. */
    at.keys = cms_keys(w->keks) + (BENCH_RECIPIENTS_MOST - n);
    return prepare_ciphers() && keep_sealed(w, n);
}

static bool prepare_rsa(bench_world *w, size_t n)
{
    at.keys = at.own = cms_keys(w->rsa);
    return prepare_ciphers() && keep_sealed(w, n);
}

static bool prepare_p256(bench_world *w, size_t n)
{
    at.keys = cms_keys(w->p256_many);
    at.own = &at.keys[n - 1];
    return prepare_ciphers() && keep_sealed(w, n);
}

static bool oaep(bool encrypt, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
    EVP_PKEY *key = encrypt ? at.keys->public_key : at.own->private_key;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool done = ctx != NULL && (encrypt ? EVP_PKEY_encrypt_init(ctx) : EVP_PKEY_decrypt_init(ctx)) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
                (encrypt ? EVP_PKEY_encrypt(ctx, out, out_len, in, in_len) : EVP_PKEY_decrypt(ctx, out, out_len, in, in_len)) == 1;
    EVP_PKEY_CTX_free(ctx);
    return done;
}

static bool ktri_seal_primitives(bench_world *w, size_t n)
{
    uint8_t cek[CEK] = {1}, out[512];
    size_t len = sizeof out;
    (void)n;
    return oaep(true, cek, sizeof cek, out, &len) && content_primitive(w, true);
}

static bool ktri_open_primitives(bench_world *w, size_t n)
{
    static uint8_t wrapped[512];
    static size_t wrapped_len;
    uint8_t cek[CEK] = {1}, out[512];
    size_t len = sizeof out;
    (void)n;
    if (wrapped_len == 0) {
        wrapped_len = sizeof wrapped;
        if (!oaep(true, cek, sizeof cek, wrapped, &wrapped_len)) return false;
    }
    return oaep(false, wrapped, wrapped_len, out, &len) && content_primitive(w, false);
}

static bool derive(EVP_PKEY *own, EVP_PKEY *peer)
{
    uint8_t shared[64];
    size_t len = sizeof shared;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
    bool done = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
                EVP_PKEY_derive(ctx, shared, &len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return done;
}

static bool kari_seal_primitives(bench_world *w, size_t n)
{
    EVP_PKEY *ephemeral = EVP_EC_gen("P-256");
    bool done = ephemeral != NULL;
    for (size_t i = 0; done && i < n; i++) done = derive(ephemeral, at.keys[i].public_key);
    EVP_PKEY_free(ephemeral);
    return done && wrap_primitive(cms_keys(w->one_kek), true) && content_primitive(w, true);
}

static bool kari_open_primitives(bench_world *w, size_t n)
{
    (void)n;
    return derive(at.own->private_key, at.keys->public_key) && wrap_primitive(cms_keys(w->one_kek), false) &&
           content_primitive(w, false);
}

/* ---- signed ---- */

static bool sign_ours(bench_world *w, size_t n)
{
    sv_sign_request request = {.signers = at.own, .signer_count = n, .no_certificates = !at.certificates, .detached = true,
                               .time = time(NULL)};
    sv_buffer b;
    sv_arena_reset(w->arena);
    sv_buffer_init(&b, w->arena, 4096, 1 << 20);
    return sv_cms_sign(w->crypto, &request, w->message, w->arena, &b, NULL) == SIPVEIL_OK && !b.failed;
}

static bool sign_libcrypto(bench_world *w, size_t n)
{
    (void)n;
    unsigned flags = CMS_DETACHED | CMS_BINARY | CMS_PARTIAL | (at.certificates ? 0 : CMS_NOCERTS);
    BIO *in = BIO_new_mem_buf(w->message.data, (int)w->message.len);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, in, flags);
    unsigned char *der = NULL;
    CMS_SignerInfo *si = cms == NULL ? NULL
                                     : CMS_add1_signer(cms, at.own->certificate, at.own->private_key, EVP_sha256(),
                                                       flags | CMS_KEY_PARAM);
    bool done = si != NULL;
    if (done && EVP_PKEY_is_a(at.own->private_key, "RSA")) {
        done = EVP_PKEY_CTX_set_rsa_padding(CMS_SignerInfo_get0_pkey_ctx(si), RSA_PKCS1_PSS_PADDING) == 1;
    }
    done = done && CMS_final(cms, in, NULL, flags) == 1 && i2d_CMS_ContentInfo(cms, &der) > 0;
    OPENSSL_free(der);
    BIO_free(in);
    CMS_ContentInfo_free(cms);
    return done;
}

static bool sign_primitives(bench_world *w, size_t n)
{
    uint8_t digest[64], signature[512];
    unsigned len;
    size_t size = sizeof signature;
    (void)n;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = ctx != NULL && EVP_Digest(w->message.data, w->message.len, digest, &len, EVP_sha256(), NULL) == 1 &&
                EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, at.own->private_key) == 1 &&
                EVP_DigestSign(ctx, signature, &size, w->message.data, 200 /* the signed attributes */) == 1;
    EVP_MD_CTX_free(ctx);
    return done;
}

static bool prepare_sign(bench_world *w, sipveil_keyring *ring, bool certificates)
{
    at.own = cms_keys(ring);
    at.certificates = certificates;
    (void)w;
    return true;
}
static bool prepare_sign_p256(bench_world *w, size_t n)
{
    (void)n;
    return prepare_sign(w, w->p256, true);
}
static bool prepare_sign_p256_nocerts(bench_world *w, size_t n)
{
    (void)n;
    return prepare_sign(w, w->p256, false);
}
static bool prepare_sign_rsa(bench_world *w, size_t n)
{
    (void)n;
    return prepare_sign(w, w->rsa, true);
}

/* Signature, chain to the anchor, name, usage: all that makes an accepted signer. */
static bool verify_ours(bench_world *w, size_t n)
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
    if (sv_cms_read_content_info(sv_span(at.sealed, at.sealed_len), limits, &type, &content, NULL) != SIPVEIL_OK ||
        sv_cms_read_signed(content, limits, &policy, w->arena, &s, NULL) != SIPVEIL_OK ||
        sv_cms_check_signatures(w->crypto, &s, w->message, NULL, 0, &policy, w->arena, &signatures, &certificates,
                                NULL) != SIPVEIL_OK ||
        signatures[0].state != SV_SIGNATURE_VALID) {
        return false;
    }
    sv_signer_question question = {.certificate = signatures[0].certificate, .untrusted = certificates,
                                   .aor = SV_SPAN("sip:alice@atlanta.example.com"), .at = time(NULL), .limits = limits};
    return sv_keys_accept_signer(w->trust, &question, w->arena, &signer, NULL) == SIPVEIL_OK && signer.code == SIPVEIL_OK;
}

static bool verify_libcrypto(bench_world *w, size_t n)
{
    (void)n;
    const unsigned char *from = at.sealed;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &from, (long)at.sealed_len);
    BIO *in = BIO_new_mem_buf(w->message.data, (int)w->message.len);
    bool done = cms != NULL && CMS_verify(cms, NULL, w->store, in, NULL, CMS_BINARY | CMS_DETACHED) == 1;
    BIO_free(in);
    CMS_ContentInfo_free(cms);
    return done;
}

/* Two signatures are checked: the message's and the certificate's. */
static bool verify_primitives(bench_world *w, size_t n)
{
    static uint8_t signature[512];
    static size_t size;
    static const EVP_PKEY *made_with;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = ctx != NULL;
    (void)n;
    if (made_with != at.own->private_key) {
        size = sizeof signature;
        done = done && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, at.own->private_key) == 1 &&
               EVP_DigestSign(ctx, signature, &size, w->message.data, 200) == 1;
        made_with = at.own->private_key;
        EVP_MD_CTX_reset(ctx);
    }
    uint8_t digest[64];
    unsigned len;
    done = done && EVP_Digest(w->message.data, w->message.len, digest, &len, EVP_sha256(), NULL) == 1 &&
           EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, at.own->public_key) == 1 &&
           EVP_DigestVerify(ctx, signature, size, w->message.data, 200) == 1;
    EVP_MD_CTX_free(ctx);
    return done;
}

static bool prepare_verify(bench_world *w, sipveil_keyring *ring)
{
    sv_sign_request request = {.signers = cms_keys(ring), .signer_count = 1, .detached = true, .time = time(NULL)};
    sv_buffer b;
    at.own = request.signers;
    sv_arena_reset(w->arena);
    sv_buffer_init(&b, w->arena, 4096, sizeof at.sealed);
    if (sv_cms_sign(w->crypto, &request, w->message, w->arena, &b, NULL) != SIPVEIL_OK || b.failed) return false;
    memcpy(at.sealed, b.data, b.len);
    at.sealed_len = b.len;
    return true;
}
static bool prepare_verify_p256(bench_world *w, size_t n)
{
    (void)n;
    return prepare_verify(w, w->p256);
}
static bool prepare_verify_rsa(bench_world *w, size_t n)
{
    (void)n;
    return prepare_verify(w, w->rsa);
}

/* ---- is it for me: the recipients of a structure that was read, against one key of ours ---- */

static bool prepare_mine(bench_world *w, size_t n)
{
    sv_cms_type type;
    sipveil_span content;
    sv_cms_policy policy = {0};
    const sipveil_limits *limits = sipveil_context_limits(w->context);
    if (!prepare_kek(w, n)) return false;
    at.own = cms_keys(w->foreign);
    if (at.arena == NULL) at.arena = sv_arena_new(1 << 16, 1 << 20);
    sv_arena_reset(at.arena);
    return sv_cms_read_content_info(sv_span(at.sealed, at.sealed_len), limits, &type, &content, NULL) == SIPVEIL_OK &&
           sv_cms_read_enveloped(content, true, limits, &policy, at.arena, &at.enveloped, NULL) == SIPVEIL_OK;
}

static bool mine_ours(bench_world *w, size_t n)
{
    bool fits = false;
    (void)w;
    for (size_t i = 0; i < n; i++) fits |= sv_cms_recipient_fits(&at.enveloped.recipients[i], at.own);
    return !fits;
}

/* As a program does it: decode, go through the recipients, compare. */
static bool mine_libcrypto(bench_world *w, size_t n)
{
    (void)w, (void)n;
    const unsigned char *from = at.sealed;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &from, (long)at.sealed_len);
    STACK_OF(CMS_RecipientInfo) *all = cms != NULL ? CMS_get0_RecipientInfos(cms) : NULL;
    bool fits = false;
    for (int i = 0; i < sk_CMS_RecipientInfo_num(all); i++) {
        CMS_RecipientInfo *ri = sk_CMS_RecipientInfo_value(all, i);
        if (CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_KEK) {
            fits |= CMS_RecipientInfo_kekri_id_cmp(ri, at.own->kek_id.data, at.own->kek_id.len) == 0;
        }
    }
    CMS_ContentInfo_free(cms);
    return !fits;
}

/* ---- whole messages, through the public interface ---- */

static bool prepare_message(bench_world *w, size_t n)
{
    sipveil_sealed sealed;
    if (!prepare_kek(w, n)) return false;
    sipveil_seal_options_default(&at.seal);
    sipveil_open_options_default(&at.open);
    at.recipients[0] = sipveil_keyring_at(w->one_kek, 0);
    at.seal.recipients = at.recipients;
    at.seal.recipient_count = 1;
    at.open.keyring = w->one_kek;
    if (sipveil_tunnel_seal_message(w->worker, &at.seal, w->message, &sealed, NULL) != SIPVEIL_OK) return false;
    memcpy(at.outer, sealed.message.data, sealed.message.len);
    at.outer_len = sealed.message.len;
    return true;
}

static bool seal_message(bench_world *w, size_t n)
{
    sipveil_sealed sealed;
    (void)n;
    return sipveil_tunnel_seal_message(w->worker, &at.seal, w->message, &sealed, NULL) == SIPVEIL_OK;
}

/* From received octets to verified inner octets, comparison included. */
static bool open_message(bench_world *w, size_t n)
{
    sipveil_opened opened;
    (void)n;
    return sipveil_tunnel_open_message(w->worker, &at.open, sv_span(at.outer, at.outer_len), &opened, NULL) == SIPVEIL_OK &&
           opened.message.len == w->message.len;
}

#define KEK_SEAL(n) {"kek-seal-" #n, prepare_kek, seal_ours, seal_libcrypto, kek_seal_primitives, n, 20000}
#define KEK_OPEN(n) {"kek-open-" #n, prepare_kek, open_ours, open_libcrypto, kek_open_primitives, n, 20000}

const bench_row bench_rows[] = {
    KEK_SEAL(1), KEK_SEAL(4), KEK_SEAL(16), KEK_OPEN(1), KEK_OPEN(4), KEK_OPEN(16),
    {"ktri-seal-1", prepare_rsa, seal_ours, seal_libcrypto, ktri_seal_primitives, 1, 2000},
    {"ktri-open-1", prepare_rsa, open_ours, open_libcrypto, ktri_open_primitives, 1, 400},
    {"kari-seal-1", prepare_p256, seal_ours, seal_libcrypto, kari_seal_primitives, 1, 1000},
    {"kari-open-1", prepare_p256, open_ours, open_libcrypto, kari_open_primitives, 1, 1000},
    {"kari-open-16", prepare_p256, open_ours, open_libcrypto, kari_open_primitives, 16, 1000},
    {"sign-p256", prepare_sign_p256, sign_ours, sign_libcrypto, sign_primitives, 1, 2000},
    {"sign-p256-nocerts", prepare_sign_p256_nocerts, sign_ours, sign_libcrypto, sign_primitives, 1, 2000},
    {"sign-rsa2048", prepare_sign_rsa, sign_ours, sign_libcrypto, sign_primitives, 1, 300},
    {"verify-p256-chain", prepare_verify_p256, verify_ours, verify_libcrypto, verify_primitives, 1, 1000},
    {"verify-rsa2048-chain", prepare_verify_rsa, verify_ours, verify_libcrypto, verify_primitives, 1, 1000},
    {"mine-1", prepare_mine, mine_ours, mine_libcrypto, NULL, 1, 20000},
    {"mine-16", prepare_mine, mine_ours, mine_libcrypto, NULL, 16, 20000},
    {"open-message-kek", prepare_message, open_message, NULL, kek_open_primitives, 1, 10000},
    {"seal-message-kek", prepare_message, seal_message, NULL, kek_seal_primitives, 1, 10000},
    {"cek-reuse-open", bench_prepare_cek, bench_cek_open, bench_cek_open_libcrypto, NULL, 1, 20000},
    {"proxy-not-mine", bench_prepare_proxy, bench_proxy_not_mine, NULL, NULL, 16, 200000},
};
const size_t bench_row_count = sizeof bench_rows / sizeof bench_rows[0];
