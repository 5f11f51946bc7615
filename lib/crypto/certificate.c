/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/certificate.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "crypto/contexts.h"
#include "crypto/sign.h"

static const char room[] = "crypto";

typedef struct slot {
    uint8_t hash[32];
    X509 *certificate; /* NULL: free */
    uint64_t used;     /* turn of the last use */
} slot;

struct sv_certificate_cache {
    slot slots[SV_CERTIFICATES_KEPT];
    uint64_t turn;
};

void sv_certificate_cache_free(sv_certificate_cache *cache)
{
    if (cache == NULL) return;
    for (size_t i = 0; i < SV_CERTIFICATES_KEPT; i++) X509_free(cache->slots[i].certificate);
    free(cache);
}

/* The slot with this hash, else the one to fill. */
static slot *find_slot(sv_certificate_cache *cache, const uint8_t hash[32], bool *found)
{
    slot *oldest = &cache->slots[0];
    *found = false;
    for (size_t i = 0; i < SV_CERTIFICATES_KEPT; i++) {
        slot *s = &cache->slots[i];
        *found = s->certificate != NULL && sv_equal(sv_span(s->hash, 32), sv_span(hash, 32));
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

sipveil_code sv_crypto_decode_certificate(sv_crypto *crypto, sipveil_span der, sv_arena *arena,
                                          X509 **out, sipveil_error *err)
{
    bool found;
    uint8_t hash[SV_DIGEST_MOST];
    *out = NULL;
    if (crypto->certificates == NULL)
        crypto->certificates = calloc(1, sizeof *crypto->certificates);
    sv_certificate_cache *cache = crypto->certificates;
    if (cache == NULL) return sv_no_memory(err, room);
    SV_TRY(sv_digest_octets(crypto, sv_digest_by_name("sha256"), der, hash, err));
    slot *s = find_slot(cache, hash, &found);
    ERR_clear_error();
    if (!found) {
        X509 *certificate = decode(crypto->context->library, der);
        if (certificate == NULL) {
            return sv_fail_openssl(err, room, SIPVEIL_MALFORMED, "a certificate cannot be read");
        }
        ERR_clear_error(); /* what libcrypto thought of an unknown kind of key */
        X509_free(s->certificate);
        s->certificate = certificate;
        for (size_t i = 0; i < sizeof s->hash; i++) s->hash[i] = hash[i];
    }
    s->used = ++cache->turn;
    if (X509_up_ref(s->certificate) != 1)
        return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "out of references");
    if (!sv_arena_defer(arena, free_certificate, s->certificate)) return sv_no_memory(err, room);
    *out = s->certificate;
    return SIPVEIL_OK;
}
