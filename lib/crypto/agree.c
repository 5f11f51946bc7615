/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/agree.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#include "base/wipe.h"
#include "crypto/contexts.h"
#include "crypto/kdf.h"

sv_curve sv_curve_of_key(const EVP_PKEY *key)
{
    char group[32];
    if (key == NULL) return SV_CURVE_NONE;
    if (EVP_PKEY_is_a(key, "X25519")) return SV_CURVE_X25519;
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1) {
        return SV_CURVE_NONE;
    }
    return sv_curve_by_group(group);
}

/* The peer's key is on its curve since it was decoded; the order of our curves is prime, so the slow
 * check of EVP_PKEY_derive_set_peer() would find nothing more. X25519 needs none (RFC 7748 6.1), but
 * its secret must not be all zero. */
static bool derive(sv_crypto *crypto, EVP_PKEY *own, EVP_PKEY *peer, uint8_t shared[SV_SHARED_MOST],
                   size_t *length)
{
    static const uint8_t zero[SV_SHARED_MOST];
    size_t expected = sv_curve_row_of(sv_curve_of_key(own))->shared;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(crypto->context->library, own, NULL);
    *length = SV_SHARED_MOST;
    bool good = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
                EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
                EVP_PKEY_derive(ctx, shared, length) == 1 && *length == expected &&
                CRYPTO_memcmp(shared, zero, *length) != 0;
    EVP_PKEY_CTX_free(ctx);
    if (!good) {
        sv_wipe(shared, SV_SHARED_MOST);
        *length = 0;
    }
    return good;
}

static EVP_PKEY *make_ephemeral(sv_crypto *crypto, EVP_PKEY *peer)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(crypto->context->library, peer, NULL);
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_generate(ctx, &key) != 1) key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

sipveil_code sv_agree_make(sv_crypto *crypto, EVP_PKEY *peer, sv_agreement *out, sipveil_error *err)
{
    const sv_curve_row *row = sv_curve_row_of(sv_curve_of_key(peer));
    *out = (sv_agreement){0};
    EVP_PKEY *ephemeral = make_ephemeral(crypto, peer);
    bool good = ephemeral != NULL &&
                EVP_PKEY_get_octet_string_param(ephemeral, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, out->point,
                                                sizeof out->point, &out->point_length) == 1 &&
                out->point_length == row->point &&
                derive(crypto, ephemeral, peer, out->shared, &out->shared_length);
    EVP_PKEY_free(ephemeral);
    if (good) return SIPVEIL_OK;
    sv_wipe(out, sizeof *out);
    return sv_fail_openssl(err, "crypto", SIPVEIL_INTERNAL, "key agreement failed");
}

static bool is_point(const sv_curve_row *row, sv_curve curve, sipveil_span point)
{
    if (curve == SV_CURVE_X25519) return point.len == row->point;
    if (point.len == row->point) return point.data[0] == 0x04;
    return point.len == row->shared + 1 && (point.data[0] == 0x02 || point.data[0] == 0x03);
}

/* The received point as a public key, checked to be on the curve of `own`; NULL if it is not. */
static EVP_PKEY *read_point(const EVP_PKEY *own, sipveil_span point)
{
    sv_curve curve = sv_curve_of_key(own);
    if (curve == SV_CURVE_NONE || !is_point(sv_curve_row_of(curve), curve, point)) return NULL;
    EVP_PKEY *peer = EVP_PKEY_new();
    if (peer != NULL && EVP_PKEY_copy_parameters(peer, own) == 1 &&
        EVP_PKEY_set1_encoded_public_key(peer, point.data, point.len) == 1) {
        return peer;
    }
    EVP_PKEY_free(peer);
    return NULL;
}

static bool put_coordinate(const EVP_PKEY *key, const char *name, uint8_t *out, size_t length)
{
    BIGNUM *number = NULL;
    bool good = EVP_PKEY_get_bn_param(key, name, &number) == 1 &&
                BN_bn2binpad(number, out, (int)length) == (int)length;
    BN_free(number);
    return good;
}

bool sv_agree_check_point(const EVP_PKEY *own, sipveil_span point, uint8_t out[SV_POINT_MOST],
                          size_t *length)
{
    const sv_curve_row *row = sv_curve_row_of(sv_curve_of_key(own));
    EVP_PKEY *peer = EVP_PKEY_is_a(own, "EC") ? read_point(own, point) : NULL;
    bool good = peer != NULL && put_coordinate(peer, OSSL_PKEY_PARAM_EC_PUB_X, out + 1, row->shared) &&
                put_coordinate(peer, OSSL_PKEY_PARAM_EC_PUB_Y, out + 1 + row->shared, row->shared);
    EVP_PKEY_free(peer);
    out[0] = 0x04;
    *length = good ? row->point : 0;
    ERR_clear_error();
    return good;
}

bool sv_agree_read(sv_crypto *crypto, EVP_PKEY *own, sipveil_span point, uint8_t shared[SV_SHARED_MOST],
                   size_t *shared_length)
{
    *shared_length = 0;
    EVP_PKEY *peer = read_point(own, point);
    bool good = peer != NULL && derive(crypto, own, peer, shared, shared_length);
    EVP_PKEY_free(peer);
    if (!good) ERR_clear_error();
    return good;
}

sipveil_code sv_agree_derive(sv_crypto *crypto, const sv_agreement_row *scheme, sipveil_span shared,
                             sipveil_span ukm, sipveil_span info, uint8_t *kek, size_t kek_length,
                             sipveil_error *err)
{
    if (!scheme->hkdf) return sv_kdf_x963(crypto, scheme->hash, shared, info, kek, kek_length, err);
    return sv_kdf_hkdf(crypto, scheme->hash, shared, ukm, info, kek, kek_length, err);
}
