/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/wipe.h"
#include "cms/oid.h"
#include "cms/recipient.h"
#include "crypto/agree.h"
#include "crypto/kdf.h"
#include "crypto/keywrap.h"
#include "crypto/passwrap.h"
#include "crypto/transport.h"

static const char room[] = "cms";

typedef struct unwrapping {
    sv_crypto *crypto;
    const sv_recipient *recipient;
    const sv_cms_key *key;
    const sv_cms_policy *policy;
    sv_arena *arena;
    size_t key_length;
    uint8_t *cek;
    bool *good;
    unsigned *strength;
} unwrapping;

static sipveil_code refused(const char *rule, const char *what, const char *name, sipveil_error *err)
{
    sv_fail_rule(err, room, SIPVEIL_POLICY, rule, SIPVEIL_NO_OFFSET, "a key fits, but %s is refused", what);
    return sv_hint(err, SIPVEIL_POLICY, "--allow-weak %s reads it", name);
}

static sipveil_code unwrap_kek(const unwrapping *u)
{
    sv_wrap wrap;
    const sv_held_key *held = u->key->held;
    sipveil_span wrapped = u->recipient->encrypted_key;
    size_t length = sv_cms_kek_length(u->key);
    *u->strength = (unsigned)length * 8;
    if (!sv_recipient_wrap(u->recipient, &wrap) || length != sv_wrap_row_of(wrap)->key_length) return SIPVEIL_OK;
    if (held == NULL) {
        *u->good = sv_unwrap_key(u->crypto, wrap, u->key->kek.data, wrapped, u->key_length, u->cek);
    } else {
        *u->good = held->operations->unwrap != NULL && wrapped.len == u->key_length + SV_WRAP_GAIN &&
                   held->operations->unwrap(held, wrapped, u->key_length, u->cek);
    }
    return SIPVEIL_OK;
}

/* What is known of a key of ours, its secret aside. */
static EVP_PKEY *own_key(const sv_cms_key *key)
{
    return key->held != NULL ? key->public_key : key->private_key;
}

/* PKCS #1 v1.5 without an oracle needs the private key itself (ADV-080). */
static sipveil_code unwrap_held_transport(const unwrapping *u, const sv_transport_scheme *scheme, sipveil_error *err)
{
    const sv_held_key *held = u->key->held;
    sipveil_span encrypted = u->recipient->encrypted_key;
    if (scheme->v15) {
        return sv_fail_rule(err, room, SIPVEIL_POLICY, "ADV-080", SIPVEIL_NO_OFFSET,
                            "a key fits, but RSA key transport by PKCS #1 v1.5 is not done with a key on a token");
    }
    *u->good = held->operations->decrypt_oaep != NULL && encrypted.len == sv_transport_size(own_key(u->key)) &&
               held->operations->decrypt_oaep(held, u->crypto, scheme->hash, scheme->mask_hash, encrypted,
                                              u->key_length, u->cek);
    return SIPVEIL_OK;
}

static sipveil_code unwrap_transport(const unwrapping *u, sipveil_error *err)
{
    sv_transport_scheme scheme;
    EVP_PKEY *key = u->key->private_key;
    const EVP_PKEY *known = own_key(u->key);
    if (!sv_recipient_transport(u->recipient, &scheme) || sv_transport_size(known) == 0) return SIPVEIL_OK;
    *u->strength = (unsigned)EVP_PKEY_get_security_bits(known);
    if (u->key->held != NULL) return unwrap_held_transport(u, &scheme, err);
    if (!scheme.v15) {
        *u->good = sv_transport_decrypt_oaep(u->crypto, key, u->key->prepared, scheme.hash, scheme.mask_hash,
                                             u->recipient->encrypted_key, u->key_length, u->cek);
        return SIPVEIL_OK;
    }
    if ((u->policy->allow_weak & SIPVEIL_WEAK_RSA_V15_TRANSPORT) == 0) {
        return refused("ADV-080", "RSA key transport by PKCS #1 v1.5", "rsa-v1.5", err);
    }
    SV_TRY(sv_transport_decrypt_v15(u->crypto, key, u->recipient->encrypted_key, u->key_length, u->cek, err));
    *u->good = true; /* whether it is, nobody may know */
    return SIPVEIL_OK;
}

sipveil_span sv_wrap_identifier(sv_wrap wrap, uint8_t out[SV_WRAP_IDENTIFIER_LENGTH])
{
    sipveil_span oid = sv_wrap_row_of(wrap)->oid;
    out[0] = SV_DER_SEQUENCE;
    out[1] = (uint8_t)(oid.len + 2);
    out[2] = SV_DER_OID;
    out[3] = (uint8_t)oid.len;
    memcpy(out + 4, oid.data, oid.len);
    return sv_span(out, oid.len + 4);
}

bool sv_recipient_shared_info(sipveil_span wrap, sipveil_span ukm, size_t kek_length, sv_arena *arena,
                              sipveil_span *out)
{
    sv_der_writer w;
    uint8_t bits[4] = {0, 0, (uint8_t)(kek_length * 8 >> 8), (uint8_t)(kek_length * 8)};
    if (!sv_der_writer_init(&w, arena, wrap.len + ukm.len + 64)) return false;
    sv_der_mark all = sv_der_mark_here(&w);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span(bits, sizeof bits));
    sv_der_wrap(&w, SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 2, all);
    if (ukm.len > 0) {
        sv_der_mark mark = sv_der_mark_here(&w);
        sv_der_put_value(&w, SV_DER_OCTET_STRING, ukm);
        sv_der_wrap(&w, SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 0, mark);
    }
    sv_der_put(&w, wrap);
    sv_der_wrap(&w, SV_DER_SEQUENCE, all);
    *out = sv_der_written(&w);
    return !w.failed;
}

/* The originator's key must be of the curve of ours. RFC 5753 3.1.1: id-ecPublicKey with parameters
 * absent, NULL or naming the curve. RFC 8418 2: id-X25519 without parameters; some put an OCTET STRING
 * header in front of the 32 octets. */
static bool originator_point(const sv_derivation *from, sv_curve curve, sipveil_span *out)
{
    const sv_curve_row *row = sv_curve_row_of(curve);
    sipveil_span parameters = from->originator_parameters, named;
    *out = from->originator_key;
    if (curve == SV_CURVE_NONE || from->unsupported) return false;
    if (curve == SV_CURVE_X25519) {
        if (out->len == row->point + 2 && out->data[0] == SV_DER_OCTET_STRING && out->data[1] == row->point) {
            *out = sv_span_from(*out, 2);
        }
        return sv_oid_is(from->originator_oid, SV_OID_X25519) && parameters.len == 0;
    }
    if (!sv_oid_is(from->originator_oid, SV_OID_EC_PUBLIC_KEY)) return false;
    if (parameters.len == 0 || sv_equal(parameters, sv_span("\x05\x00", 2))) return true;
    sv_cursor c = sv_cursor_over(parameters, "curve");
    return sv_der_take_oid(&c, "curve", &named, NULL) == SIPVEIL_OK && sv_at_end(&c) &&
           sv_equal(named, row->oid);
}

/* One KEK by one form of the wrap's identifier, and the unwrapping with it. */
static sipveil_code derive_and_unwrap(const unwrapping *u, const sv_agreement_scheme *scheme,
                                      sipveil_span shared, sipveil_span wrap, sipveil_error *err)
{
    uint8_t kek[SV_KEY_MOST];
    size_t length = sv_wrap_row_of(scheme->wrap)->key_length;
    sipveil_span info;
    if (!sv_recipient_shared_info(wrap, u->recipient->derivation->ukm, length, u->arena, &info)) {
        return sv_no_memory(err, room);
    }
    SV_TRY(sv_agree_derive(u->crypto, scheme->row, shared, u->recipient->derivation->ukm, info, kek, length, err));
    *u->good = sv_unwrap_key(u->crypto, scheme->wrap, kek, u->recipient->encrypted_key, u->key_length, u->cek);
    sv_wipe(kek, sizeof kek);
    return SIPVEIL_OK;
}

/* The secret that our key and the originator's point come to. */
static bool share_secret(const unwrapping *u, sipveil_span point, uint8_t shared[SV_SHARED_MOST], size_t *length)
{
    const sv_held_key *held = u->key->held;
    uint8_t whole[SV_POINT_MOST];
    size_t whole_length;
    if (held == NULL) return sv_agree_read(u->crypto, u->key->private_key, u->key->prepared, point, shared, length);
    *length = sv_curve_row_of(sv_curve_of_key(u->key->public_key))->shared;
    return held->operations->agree != NULL &&
           sv_agree_check_point(u->key->public_key, point, whole, &whole_length) && /* ADV-086 */
           held->operations->agree(held, sv_span(whole, whole_length), shared, *length);
}

static sipveil_code unwrap_agreement(const unwrapping *u, sipveil_error *err)
{
    sv_agreement_scheme scheme;
    sipveil_span point;
    uint8_t shared[SV_SHARED_MOST], identifier[SV_WRAP_IDENTIFIER_LENGTH];
    size_t length;
    sv_key_facts room_for_facts;
    sv_curve curve = sv_private_look(u->key->prepared, own_key(u->key), &room_for_facts)->curve;
    *u->strength = sv_curve_row_of(curve)->strength;
    if (!sv_recipient_agreement(u->recipient, &scheme) || !originator_point(u->recipient->derivation, curve, &point) ||
        (scheme.row->cofactor && curve == SV_CURVE_X25519)) {
        return SIPVEIL_OK;
    }
    if (sv_hash_row_of(scheme.row->hash)->weak && (u->policy->allow_weak & SIPVEIL_WEAK_SHA1) == 0) {
        return refused("ADV-088", "key derivation with SHA-1", "sha1", err);
    }
    unsigned wrap_bits = (unsigned)sv_wrap_row_of(scheme.wrap)->key_length * 8;
    if (wrap_bits < *u->strength) *u->strength = wrap_bits;
    if (!share_secret(u, point, shared, &length)) return SIPVEIL_OK;
    sipveil_span canonical = sv_wrap_identifier(scheme.wrap, identifier);
    sipveil_code code = derive_and_unwrap(u, &scheme, sv_span(shared, length), canonical, err);
    if (code == SIPVEIL_OK && !*u->good && !sv_equal(canonical, scheme.wrap_as_received)) { /* CMS-09 */
        code = derive_and_unwrap(u, &scheme, sv_span(shared, length), scheme.wrap_as_received, err);
    }
    sv_wipe(shared, sizeof shared);
    return code;
}

static sipveil_code unwrap_password(const unwrapping *u, sipveil_error *err)
{
    sv_password_scheme scheme;
    uint8_t kek[SV_KEY_MOST];
    *u->strength = 0;
    if (!sv_recipient_password(u->recipient, &scheme)) return SIPVEIL_OK;
    SV_TRY(sv_kdf_pbkdf2(u->crypto, scheme.hash, u->key->password, scheme.salt, scheme.iterations, kek,
                         sv_cipher_row_of(scheme.cipher)->key_length, err));
    *u->good = sv_passunwrap_key(u->crypto, scheme.cipher, kek, scheme.iv.data,
                                 u->recipient->encrypted_key, u->key_length, u->cek);
    sv_wipe(kek, sizeof kek);
    return SIPVEIL_OK;
}

sipveil_code sv_recipient_unwrap(sv_crypto *crypto, const sv_recipient *recipient, const sv_cms_key *key,
                                 const sv_cms_policy *policy, sv_arena *arena, size_t key_length,
                                 uint8_t *cek, bool *good, unsigned *strength, sipveil_error *err)
{
    unwrapping u = {crypto, recipient, key, policy, arena, key_length, cek, good, strength};
    *good = false;
    *strength = 0;
    switch (recipient->kind) {
    case SV_RECIPIENT_KTRI:
        return unwrap_transport(&u, err);
    case SV_RECIPIENT_KARI:
        return unwrap_agreement(&u, err);
    case SV_RECIPIENT_KEKRI:
        return unwrap_kek(&u);
    case SV_RECIPIENT_PWRI:
        return unwrap_password(&u, err);
    default:
        return SIPVEIL_OK;
    }
}
