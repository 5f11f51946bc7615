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

sv_curve sv_curve_of_key(EVP_PKEY *key)
{
    sv_key_facts room;
    return sv_key_look(NULL, key, &room)->curve;
}

/* The peer's key is on its curve since it was decoded; the order of our curves is prime, so the slow
 * check of EVP_PKEY_derive_set_peer() would find nothing more. X25519 needs none (RFC 7748 6.1), but
 * its secret must not be all zero. */
static bool derive(sv_crypto *crypto, EVP_PKEY *own, sv_prepared *prepared, sv_curve curve, EVP_PKEY *peer,
                   uint8_t shared[SV_SHARED_MOST], size_t *length)
{
    static const uint8_t zero[SV_SHARED_MOST];
    static const sv_readiness readiness = {.use = SV_FOR_AGREEMENT};
    *length = SV_SHARED_MOST;
    sv_loan loan = sv_private_context(crypto, own, prepared, &readiness);
    bool good = loan.context != NULL && EVP_PKEY_derive_set_peer_ex(loan.context, peer, 0) == 1 &&
                EVP_PKEY_derive(loan.context, shared, length) == 1 && *length == sv_curve_row_of(curve)->shared &&
                CRYPTO_memcmp(shared, zero, *length) != 0;
    sv_private_return(prepared, &loan);
    if (!good) {
        sv_wipe(shared, SV_SHARED_MOST);
        *length = 0;
    }
    return good;
}

/* Of keys on that curve. */
static EVP_PKEY_CTX *generator(sv_crypto *crypto, sv_curve curve)
{
    EVP_PKEY_CTX *ctx = crypto->generators[curve];
    if (ctx != NULL) return ctx;
    ctx = EVP_PKEY_CTX_new_from_name(crypto->context->library, curve == SV_CURVE_X25519 ? "X25519" : "EC", NULL);
    if (ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 &&
        (curve == SV_CURVE_X25519 || EVP_PKEY_CTX_set_group_name(ctx, sv_curve_row_of(curve)->group) == 1)) {
        crypto->generators[curve] = ctx;
        return ctx;
    }
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

sipveil_code sv_agree_make(sv_crypto *crypto, EVP_PKEY *peer, sv_agreement *out, sipveil_error *err)
{
    sv_key_facts room;
    sv_curve curve = sv_key_look(crypto, peer, &room)->curve;
    EVP_PKEY_CTX *ctx = curve != SV_CURVE_NONE ? generator(crypto, curve) : NULL;
    EVP_PKEY *ephemeral = NULL;
    *out = (sv_agreement){0};
    bool good = ctx != NULL && EVP_PKEY_generate(ctx, &ephemeral) == 1 &&
                EVP_PKEY_get_octet_string_param(ephemeral, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, out->point,
                                                sizeof out->point, &out->point_length) == 1 &&
                out->point_length == sv_curve_row_of(curve)->point &&
                derive(crypto, ephemeral, NULL, curve, peer, out->shared, &out->shared_length);
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

/* The received point as a public key, checked to be on the curve of `own`, in *place, where the one of the message
 * before may lie; NULL if it is not: nothing of it stays then. */
static EVP_PKEY *read_point(const EVP_PKEY *own, sv_curve curve, sipveil_span point, EVP_PKEY **place)
{
    if (curve == SV_CURVE_NONE || !is_point(sv_curve_row_of(curve), curve, point)) return NULL;
    if (*place == NULL) {
        *place = EVP_PKEY_new();
        if (*place == NULL || EVP_PKEY_copy_parameters(*place, own) != 1) goto failed;
    }
    if (EVP_PKEY_set1_encoded_public_key(*place, point.data, point.len) == 1) return *place;
failed:
    EVP_PKEY_free(*place);
    *place = NULL;
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

bool sv_agree_check_point(EVP_PKEY *own, sipveil_span point, uint8_t out[SV_POINT_MOST],
                          size_t *length)
{
    sv_curve curve = sv_curve_of_key(own);
    const sv_curve_row *row = sv_curve_row_of(curve);
    EVP_PKEY *place = NULL;
    EVP_PKEY *peer = curve != SV_CURVE_X25519 ? read_point(own, curve, point, &place) : NULL;
    bool good = peer != NULL && put_coordinate(peer, OSSL_PKEY_PARAM_EC_PUB_X, out + 1, row->shared) &&
                put_coordinate(peer, OSSL_PKEY_PARAM_EC_PUB_Y, out + 1 + row->shared, row->shared);
    EVP_PKEY_free(peer);
    out[0] = 0x04;
    *length = good ? row->point : 0;
    ERR_clear_error();
    return good;
}

bool sv_agree_read(sv_crypto *crypto, EVP_PKEY *own, sv_prepared *prepared, sipveil_span point, uint8_t shared[SV_SHARED_MOST],
                   size_t *shared_length)
{
    sv_key_facts room;
    sv_curve curve = sv_private_look(prepared, own, &room)->curve;
    *shared_length = 0;
    EVP_PKEY *peer = read_point(own, curve, point, &crypto->peers[curve]);
    bool good = peer != NULL && derive(crypto, own, prepared, curve, peer, shared, shared_length);
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
