/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/certificate.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/contexts.h"

static const char room[] = "crypto";

/* One certificate of those that came last: decoded here, or one of our own that was only hashed. */
typedef struct slot {
    uint8_t *der; /* as it was received; NULL: not decoded here */
    size_t len;
    X509 *certificate; /* NULL: free */
    bool is_hashed;
    uint8_t sha256[32]; /* is_hashed: of the certificate */
    uint64_t used;      /* turn of the last use */
} slot;

struct sv_certificate_cache {
    slot slots[SV_CERTIFICATES_KEPT];
    uint64_t turn;
};

static void empty(slot *s)
{
    X509_free(s->certificate);
    free(s->der);
    *s = (slot){0};
}

void sv_certificate_cache_free(sv_certificate_cache *cache)
{
    if (cache == NULL) return;
    for (size_t i = 0; i < SV_CERTIFICATES_KEPT; i++) empty(&cache->slots[i]);
    free(cache);
}

static sv_certificate_cache *cache_of(sv_crypto *crypto)
{
    if (crypto->certificates == NULL) crypto->certificates = calloc(1, sizeof *crypto->certificates);
    return crypto->certificates;
}

/* The slot of that certificate, or with certificate NULL of these octets; else the one to fill. */
static slot *find_slot(sv_certificate_cache *cache, const X509 *certificate, sipveil_span der, bool *found)
{
    slot *oldest = &cache->slots[0];
    *found = false;
    for (size_t i = 0; i < SV_CERTIFICATES_KEPT; i++) {
        slot *s = &cache->slots[i];
        *found = certificate != NULL ? s->certificate == certificate : s->der != NULL && sv_equal(sv_span(s->der, s->len), der);
        if (*found) return s;
        if (s->used < oldest->used) oldest = s;
    }
    return oldest;
}

static void free_certificate(void *certificate)
{
    X509_free(certificate);
}

static X509 *decode(OSSL_LIB_CTX *library, sipveil_span der)
{
    X509 *certificate = X509_new_ex(library, NULL);
    const uint8_t *at = der.data;
    if (certificate != NULL && der.len <= LONG_MAX &&
        d2i_X509(&certificate, &at, (long)der.len) != NULL && at == der.data + der.len) {
        return certificate;
    }
    X509_free(certificate); /* NULL when d2i_X509() has freed it */
    return NULL;
}

static sipveil_code fill(slot *s, OSSL_LIB_CTX *library, sipveil_span der, sipveil_error *err)
{
    X509 *certificate = decode(library, der);
    if (certificate == NULL) return sv_fail_openssl(err, room, SIPVEIL_MALFORMED, "a certificate cannot be read");
    (void)X509_get_extension_flags(certificate); /* reads the extensions, now rather than where one of them is wanted */
    ERR_clear_error(); /* what libcrypto thought of one that it cannot read, or of an unknown kind of key */
    uint8_t *copy = calloc(1, der.len);
    if (copy == NULL) {
        X509_free(certificate);
        return sv_no_memory(err, room);
    }
    memcpy(copy, der.data, der.len);
    empty(s);
    *s = (slot){.der = copy, .len = der.len, .certificate = certificate};
    return SIPVEIL_OK;
}

/* What could not be looked at for want of memory looks like what is broken, or of an unknown kind: looked at anew. */
static bool may_be_broken(X509 *certificate)
{
    bool may = X509_get0_pubkey(certificate) == NULL || (X509_get_extension_flags(certificate) & EXFLAG_INVALID);
    if (may) ERR_clear_error();
    return may;
}

sipveil_code sv_crypto_decode_certificate(sv_crypto *crypto, sipveil_span der, sv_arena *arena,
                                          X509 **out, sipveil_error *err)
{
    bool found;
    *out = NULL;
    sv_certificate_cache *cache = cache_of(crypto);
    if (cache == NULL) return sv_no_memory(err, room);
    slot *s = find_slot(cache, NULL, der, &found);
    if (!found || may_be_broken(s->certificate)) SV_TRY(fill(s, crypto->context->library, der, err));
    s->used = ++cache->turn;
    if (X509_up_ref(s->certificate) != 1)
        return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "out of references");
    if (!sv_arena_defer(arena, free_certificate, s->certificate)) return sv_no_memory(err, room);
    *out = s->certificate;
    return SIPVEIL_OK;
}

static sipveil_code hash(const sv_crypto *crypto, slot *s, sipveil_error *err)
{
    unsigned len = 0;
    s->is_hashed = X509_digest(s->certificate, crypto->context->suite->hashes[SV_HASH_SHA256], s->sha256, &len) == 1 &&
                   len == sizeof s->sha256;
    return s->is_hashed ? SIPVEIL_OK : sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "a certificate cannot be hashed");
}

sipveil_code sv_crypto_hash_certificate(sv_crypto *crypto, X509 *certificate, uint8_t out[32], sipveil_error *err)
{
    bool found;
    sv_certificate_cache *cache = cache_of(crypto);
    if (cache == NULL) return sv_no_memory(err, room);
    slot *s = find_slot(cache, certificate, sv_span(NULL, 0), &found);
    if (!found) {
        if (X509_up_ref(certificate) != 1) return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "out of references");
        empty(s);
        s->certificate = certificate;
    }
    s->used = ++cache->turn;
    if (!s->is_hashed) SV_TRY(hash(crypto, s, err));
    for (size_t i = 0; i < sizeof s->sha256; i++) out[i] = s->sha256[i];
    return SIPVEIL_OK;
}
