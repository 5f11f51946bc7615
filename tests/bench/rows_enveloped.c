/* SPDX-License-Identifier: BSD-2-Clause */
/* Enveloped data. "libcrypto" is what a program gets that calls CMS_encrypt and CMS_decrypt with the same
 * algorithms; "primitives" is what no CMS can do without: the randomness, the ciphers, the key wraps, the
 * public-key operations, each over contexts that are used again. */
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "bench.h"

enum { CEK = 32, NONCE = 12, TAG = 16, BLOCK_OPS = 24 /* 4 semiblocks, 6 rounds */ };

const sv_cms_key *bench_cms_keys(const sipveil_keyring *ring)
{
    size_t count;
    return sv_keyring_cms_keys(ring, &count);
}

bool bench_seal(bench_world *w, size_t n)
{
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_256_GCM, .recipients = bench_at.keys, .recipient_count = n};
    sv_buffer b;
    sv_arena_reset(w->arena);
    sv_buffer_init(&b, w->arena, w->message.len + 256 + 640 * n, 16u << 20);
    return sv_cms_seal_enveloped(bench_at.crypto, &request, w->message, w->arena, &b, NULL) == SIPVEIL_OK && !b.failed;
}

static bool keep_sealed(bench_world *w, size_t n)
{
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_256_GCM, .recipients = bench_at.keys, .recipient_count = n};
    sv_buffer b;
    sv_arena_reset(w->arena);
    sv_buffer_init(&b, w->arena, w->message.len + 4096, 16u << 20);
    return sv_cms_seal_enveloped(w->crypto, &request, w->message, w->arena, &b, NULL) == SIPVEIL_OK &&
           bench_keep(&bench_at.sealed, &bench_at.sealed_len, sv_buffer_span(&b));
}

bool bench_open(bench_world *w, size_t n)
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
    return sv_cms_read_content_info(sv_span(bench_at.sealed, bench_at.sealed_len), limits, &type, &content, NULL) == SIPVEIL_OK &&
           sv_cms_read_enveloped(content, true, limits, &policy, w->arena, e, NULL) == SIPVEIL_OK &&
           sv_cms_open_enveloped(w->crypto, e, bench_at.own, 1, &policy, &iterations, w->arena, &opening, NULL) == SIPVEIL_OK &&
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

bool bench_seal_libcrypto(bench_world *w, size_t n)
{
    CMS_ContentInfo *cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
    BIO *in = BIO_new_mem_buf(w->message.data, (int)w->message.len);
    unsigned char *der = NULL;
    bool done = cms != NULL && in != NULL;
    for (size_t i = 0; done && i < n; i++) done = add_recipient(cms, &bench_at.keys[i]);
    done = done && CMS_final(cms, in, NULL, CMS_BINARY) == 1 && i2d_CMS_ContentInfo(cms, &der) > 0;
    OPENSSL_free(der);
    BIO_free(in);
    CMS_ContentInfo_free(cms);
    return done;
}

bool bench_open_libcrypto(bench_world *w, size_t n)
{
    (void)n;
    const unsigned char *from = bench_at.sealed;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &from, (long)bench_at.sealed_len);
    BIO *out = BIO_new(BIO_s_mem());
    bool done = cms != NULL && out != NULL;
    if (done && bench_at.own->kind == SV_CMS_KEY_KEK) {
        uint8_t kek[32];
        memcpy(kek, bench_at.own->kek.data, bench_at.own->kek.len);
        done = CMS_decrypt_set1_key(cms, kek, bench_at.own->kek.len, (unsigned char *)(uintptr_t)bench_at.own->kek_id.data,
                                    bench_at.own->kek_id.len) == 1 &&
               CMS_decrypt(cms, NULL, NULL, NULL, out, 0) == 1;
    } else if (done) {
        done = CMS_decrypt(cms, bench_at.own->private_key, bench_at.own->certificate, NULL, out, 0) == 1;
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
    if (EVP_CipherInit_ex2(bench_at.ecb, NULL, key->kek.data, NULL, wrap, NULL) != 1) return false;
    for (int i = 0; i < BLOCK_OPS; i++) {
        if (EVP_CipherUpdate(bench_at.ecb, block, &n, block, sizeof block) != 1) return false;
    }
    return true;
}

/* Out of a block, as the pool of a worker has it, or of the generator each time. */
static bool random_primitive(uint8_t *out, size_t len, bool fresh)
{
    static uint8_t block[1024];
    static size_t left;
    if (fresh) return RAND_bytes(out, (int)len) == 1;
    if (left < len) {
        if (RAND_bytes(block, sizeof block) != 1) return false;
        left = sizeof block;
    }
    left -= len;
    memcpy(out, block + left, len);
    return true;
}

static bool content_primitive(bench_world *w, bool encrypt)
{
    static uint8_t out[(1 << 20) + 4096];
    uint8_t secret[CEK + NONCE] = {0}, tag[TAG] = {0};
    int n;
    if (encrypt && !random_primitive(secret, sizeof secret, bench_at.crypto == w->fresh)) return false;
    if (EVP_CipherInit_ex2(bench_at.gcm, NULL, secret, secret + CEK, encrypt, NULL) != 1) return false;
    if (!encrypt && EVP_CIPHER_CTX_ctrl(bench_at.gcm, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1) return false;
    if (EVP_CipherUpdate(bench_at.gcm, out, &n, w->message.data, (int)w->message.len) != 1) return false;
    int good = EVP_CipherFinal_ex(bench_at.gcm, out, &n); /* decrypting: the tag is wrong, the work is the same */
    return !encrypt || (good == 1 && EVP_CIPHER_CTX_ctrl(bench_at.gcm, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1);
}

bool bench_kek_seal_primitives(bench_world *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!wrap_primitive(&bench_at.keys[i], true)) return false;
    }
    return content_primitive(w, true);
}

bool bench_kek_open_primitives(bench_world *w, size_t n)
{
    (void)n;
    return wrap_primitive(bench_at.own, false) && content_primitive(w, false);
}

static bool prepare_ciphers(void)
{
    static bool done;
    if (done) return true;
    bench_at.gcm = EVP_CIPHER_CTX_new();
    bench_at.ecb = EVP_CIPHER_CTX_new();
    done = bench_at.gcm != NULL && bench_at.ecb != NULL && EVP_CipherInit_ex2(bench_at.gcm, EVP_aes_256_gcm(), NULL, NULL, 1, NULL) == 1 &&
           EVP_CipherInit_ex2(bench_at.ecb, EVP_aes_256_ecb(), NULL, NULL, 1, NULL) == 1 &&
           EVP_CIPHER_CTX_set_padding(bench_at.ecb, 0) == 1;
    return done;
}

bool bench_prepare_kek(bench_world *w, size_t n)
{
    bench_at.crypto = w->crypto;
    bench_at.own = bench_cms_keys(w->one_kek);
    /* The one that opens is the last of the n. */
    bench_at.keys = bench_cms_keys(w->keks) + (BENCH_RECIPIENTS_MOST - n);
    return prepare_ciphers() && keep_sealed(w, n);
}

bool bench_prepare_kek_fresh(bench_world *w, size_t n)
{
    bool done = bench_prepare_kek(w, n);
    bench_at.crypto = w->fresh;
    return done;
}

bool bench_prepare_rsa(bench_world *w, size_t n)
{
    bench_at.crypto = w->crypto;
    bench_at.keys = bench_at.own = bench_cms_keys(w->rsa);
    return prepare_ciphers() && keep_sealed(w, n);
}

bool bench_prepare_p256(bench_world *w, size_t n)
{
    bench_at.crypto = w->crypto;
    bench_at.keys = bench_cms_keys(w->p256_many);
    bench_at.own = &bench_at.keys[n - 1];
    return prepare_ciphers() && keep_sealed(w, n);
}

/* A context that is made once for a key, as ours are. */
static EVP_PKEY_CTX *context_for(EVP_PKEY *key, int (*begin)(EVP_PKEY_CTX *), bool oaep)
{
    enum { KEPT = 4 };
    static struct {
        EVP_PKEY *key;
        int (*begin)(EVP_PKEY_CTX *);
        EVP_PKEY_CTX *ctx;
    } kept[KEPT];
    static size_t next;
    for (size_t i = 0; i < KEPT; i++) {
        if (kept[i].key == key && kept[i].begin == begin) return kept[i].ctx;
    }
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    if (ctx == NULL || begin(ctx) != 1 ||
        (oaep && (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
                  EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) != 1))) {
        EVP_PKEY_CTX_free(ctx);
        return NULL;
    }
    EVP_PKEY_CTX_free(kept[next].ctx);
    kept[next].key = key;
    kept[next].begin = begin;
    kept[next].ctx = ctx;
    next = (next + 1) % KEPT;
    return ctx;
}

static bool oaep(bool encrypt, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
    EVP_PKEY *key = encrypt ? bench_at.keys->public_key : bench_at.own->private_key;
    EVP_PKEY_CTX *ctx = context_for(key, encrypt ? EVP_PKEY_encrypt_init : EVP_PKEY_decrypt_init, true);
    return ctx != NULL &&
           (encrypt ? EVP_PKEY_encrypt(ctx, out, out_len, in, in_len) : EVP_PKEY_decrypt(ctx, out, out_len, in, in_len)) == 1;
}

bool bench_ktri_seal_primitives(bench_world *w, size_t n)
{
    uint8_t cek[CEK] = {1}, out[512];
    size_t len = sizeof out;
    (void)n;
    return oaep(true, cek, sizeof cek, out, &len) && content_primitive(w, true);
}

bool bench_ktri_open_primitives(bench_world *w, size_t n)
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

static bool derive(EVP_PKEY_CTX *ctx, EVP_PKEY *peer)
{
    uint8_t shared[64];
    size_t len = sizeof shared;
    return ctx != NULL && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 && EVP_PKEY_derive(ctx, shared, &len) == 1;
}

bool bench_kari_seal_primitives(bench_world *w, size_t n)
{
    EVP_PKEY *ephemeral = EVP_EC_gen("P-256");
    EVP_PKEY_CTX *ctx = ephemeral != NULL ? EVP_PKEY_CTX_new(ephemeral, NULL) : NULL;
    bool done = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1;
    for (size_t i = 0; done && i < n; i++) done = derive(ctx, bench_at.keys[i].public_key);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(ephemeral);
    return done && wrap_primitive(bench_cms_keys(w->one_kek), true) && content_primitive(w, true);
}

bool bench_kari_open_primitives(bench_world *w, size_t n)
{
    (void)n;
    return derive(context_for(bench_at.own->private_key, EVP_PKEY_derive_init, false), bench_at.keys->public_key) && wrap_primitive(bench_cms_keys(w->one_kek), false) &&
           content_primitive(w, false);
}

/* ---- is it for me: the recipients of a structure that was read, against one key of ours ---- */

bool bench_prepare_mine(bench_world *w, size_t n)
{
    sv_cms_type type;
    sipveil_span content;
    sv_cms_policy policy = {0};
    const sipveil_limits *limits = sipveil_context_limits(w->context);
    if (!bench_prepare_kek(w, n)) return false;
    bench_at.own = bench_cms_keys(w->foreign);
    if (bench_at.arena == NULL) bench_at.arena = sv_arena_new(1 << 16, 1 << 20);
    sv_arena_reset(bench_at.arena);
    return sv_cms_read_content_info(sv_span(bench_at.sealed, bench_at.sealed_len), limits, &type, &content, NULL) == SIPVEIL_OK &&
           sv_cms_read_enveloped(content, true, limits, &policy, bench_at.arena, &bench_at.enveloped, NULL) == SIPVEIL_OK;
}

bool bench_mine(bench_world *w, size_t n)
{
    bool fits = false;
    (void)w;
    for (size_t i = 0; i < n; i++) fits |= sv_cms_fits_at(&bench_at.enveloped, i, bench_at.own);
    return !fits;
}

/* As a program does it: decode, go through the recipients, compare. */
bool bench_mine_libcrypto(bench_world *w, size_t n)
{
    (void)w, (void)n;
    const unsigned char *from = bench_at.sealed;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &from, (long)bench_at.sealed_len);
    STACK_OF(CMS_RecipientInfo) *all = cms != NULL ? CMS_get0_RecipientInfos(cms) : NULL;
    bool fits = false;
    for (int i = 0; i < sk_CMS_RecipientInfo_num(all); i++) {
        CMS_RecipientInfo *ri = sk_CMS_RecipientInfo_value(all, i);
        if (CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_KEK) {
            fits |= CMS_RecipientInfo_kekri_id_cmp(ri, bench_at.own->kek_id.data, bench_at.own->kek_id.len) == 0;
        }
    }
    CMS_ContentInfo_free(cms);
    return !fits;
}
