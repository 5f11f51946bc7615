/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/wipe.h"
#include "cms/oid.h"
#include "cms/recipient.h"
#include "cms/usual_kekri.h"
#include "crypto/agree.h"
#include "crypto/kdf.h"
#include "crypto/keywrap.h"
#include "crypto/passwrap.h"
#include "crypto/transport.h"

static const char room[] = "cms";

enum {
    CONTEXT_0 = SV_DER_CONTEXT | 0,
    CONTEXT_0_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 0,
    CONTEXT_1_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 1,
    CONTEXT_2_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 2,
    CONTEXT_3_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 3,
    FRAME = 384,   /* tags, lengths, algorithms and numbers of one recipient */
    KEK_FRAME = 48 /* the same of a shared key: 24, and more where a long identifier makes lengths longer */
};

size_t sv_recipient_room(const sv_cms_key *key)
{
    size_t names = key->issuer.len + key->serial.len + key->ski.len;
    if (key->kind == SV_CMS_KEY_KEK) return key->kek_id.len + SV_KEY_MOST + SV_WRAP_GAIN + KEK_FRAME;
    if (key->kind == SV_CMS_KEY_PASSWORD) return FRAME;
    return names + sv_transport_size(key->public_key) + FRAME;
}

static sipveil_code wrap_with_kek(sv_crypto *crypto, const sv_cms_key *key, sv_wrap wrap, sipveil_span cek,
                                  uint8_t *wrapped, sipveil_error *err)
{
    const sv_held_key *held = key->held;
    if (held == NULL) return sv_wrap_key(crypto, wrap, key->kek.data, cek, wrapped, err);
    if (held->operations->wrap != NULL) return held->operations->wrap(held, cek, wrapped, err);
    return sv_fail(err, room, SIPVEIL_USAGE, "kek \"%s\" is not one to wrap keys with: its token does not allow it",
                   SV_QUOTE(key->kek_id));
}

/* In its usual form, as usual_kekri.h reads it; the place of the wrapped key, or NULL: for the long way. */
static uint8_t *put_usual_kekri(sv_der_writer *w, sipveil_span key_id, sipveil_span oid, size_t wrapped)
{
    size_t id = key_id.len, length = SV_USUAL_KEKRI_LEAST - 2 + id + wrapped;
    if (id >= 0x80 || length >= 0x80 || oid.len != 9) return NULL;
    uint8_t *at = sv_der_put_room(w, length + 2);
    if (at == NULL) return NULL;
    memcpy(at, "\xA2\x00\x02\x01\x04\x30\x00\x04", 8);
    at[1] = (uint8_t)length;
    at[6] = (uint8_t)(id + 2);
    at[8] = (uint8_t)id;
    if (id > 0) memcpy(at + 9, key_id.data, id);
    memcpy(at + 9 + id, "\x30\x0B\x06\x09", 4);
    memcpy(at + 13 + id, oid.data, 9);
    at[22 + id] = SV_DER_OCTET_STRING;
    at[23 + id] = (uint8_t)wrapped;
    return at + 24 + id;
}

/* Value by value. */
static uint8_t *put_kekri(sv_der_writer *w, sipveil_span key_id, sv_wrap wrap, size_t wrapped)
{
    uint8_t identifier[SV_WRAP_IDENTIFIER_LENGTH];
    sv_der_mark all = sv_der_mark_here(w);
    uint8_t *at = sv_der_put_room(w, wrapped);
    sv_der_put_header(w, SV_DER_OCTET_STRING, wrapped);
    sv_der_put(w, sv_wrap_identifier(wrap, identifier));
    sv_der_mark id = sv_der_mark_here(w);
    sv_der_put_value(w, SV_DER_OCTET_STRING, key_id);
    sv_der_wrap(w, SV_DER_SEQUENCE, id);
    sv_der_put_number(w, 4);
    sv_der_wrap(w, CONTEXT_2_CONSTRUCTED, all);
    return at;
}

static sipveil_code write_kek(sv_crypto *crypto, const sv_cms_key *key, sipveil_span cek, sv_der_writer *w,
                              sipveil_error *err)
{
    sv_wrap wrap;
    size_t wrapped = cek.len + SV_WRAP_GAIN;
    if (!sv_wrap_by_key_length(sv_cms_kek_length(key), &wrap)) {
        return sv_fail_rule(err, room, SIPVEIL_POLICY, "ADV-093", SIPVEIL_NO_OFFSET,
                            "a shared key has %zu octets, not 16, 24 or 32", sv_cms_kek_length(key));
    }
    uint8_t *at = put_usual_kekri(w, key->kek_id, sv_wrap_row_of(wrap)->oid, wrapped);
    if (at == NULL) at = put_kekri(w, key->kek_id, wrap, wrapped);
    return w->failed ? SIPVEIL_OK : wrap_with_kek(crypto, key, wrap, cek, at, err); /* the writer's end tells */
}

static void put_issuer_serial(const sv_cms_key *key, sv_der_writer *w)
{
    sv_der_mark mark = sv_der_mark_here(w);
    sv_der_put_value(w, SV_DER_INTEGER, key->serial);
    sv_der_put(w, key->issuer);
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
}

/* RSAES-OAEP with SHA-256 and MGF1 with SHA-256, NULL parameters of the hash (RFC 4055 2.1). */
static const char oaep_sha256[] =
    "\x30\x3C\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x07\x30\x2F"
    "\xA0\x0F\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"
    "\xA1\x1C\x30\x1A\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08"
    "\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00";

static sipveil_code write_transport(sv_crypto *crypto, const sv_cms_key *key, sipveil_span cek,
                                    bool by_key_identifier, sv_der_writer *w, unsigned *version,
                                    sipveil_error *err)
{
    size_t size = sv_transport_size(key->public_key);
    SV_TRY(sv_transport_check_key(crypto, key->public_key, err));
    sv_der_mark all = sv_der_mark_here(w);
    uint8_t *encrypted = sv_der_put_room(w, size);
    if (encrypted != NULL) SV_TRY(sv_transport_encrypt(crypto, key->public_key, cek, encrypted, err));
    sv_der_put_header(w, SV_DER_OCTET_STRING, size);
    sv_der_put(w, sv_span(oaep_sha256, sizeof oaep_sha256 - 1));
    if (by_key_identifier) sv_der_put_value(w, CONTEXT_0, key->ski);
    else put_issuer_serial(key, w);
    *version = by_key_identifier ? 2 : 0;
    sv_der_put_number(w, *version);
    sv_der_wrap(w, SV_DER_SEQUENCE, all);
    return SIPVEIL_OK;
}

static void put_originator(sv_curve curve, const sv_agreement *agreement, sv_der_writer *w)
{
    sv_der_mark mark = sv_der_mark_here(w), algorithm;
    sv_der_put(w, sv_span(agreement->point, agreement->point_length));
    sv_der_put(w, sv_span("\0", 1)); /* no unused bits */
    sv_der_wrap(w, SV_DER_BIT_STRING, mark);
    algorithm = sv_der_mark_here(w);
    sv_der_put_oid(w, sv_oid_content(curve == SV_CURVE_X25519 ? SV_OID_X25519 : SV_OID_EC_PUBLIC_KEY));
    sv_der_wrap(w, SV_DER_SEQUENCE, algorithm);
    sv_der_wrap(w, CONTEXT_1_CONSTRUCTED, mark);
    sv_der_wrap(w, CONTEXT_0_CONSTRUCTED, mark);
}

/* The wrapped key by way of a key agreement: ephemeral key, shared secret, KEK, wrap. */
static sipveil_code agree_and_wrap(sv_crypto *crypto, const sv_cms_key *key, sipveil_span cek, sv_wrap wrap,
                                   const sv_agreement_row *scheme, sipveil_span ukm, sv_arena *arena,
                                   sv_agreement *agreement, uint8_t *wrapped, sipveil_error *err)
{
    uint8_t identifier[SV_WRAP_IDENTIFIER_LENGTH], kek[SV_KEY_MOST];
    size_t kek_length = sv_wrap_row_of(wrap)->key_length;
    sipveil_span info;
    SV_TRY(sv_agree_make(crypto, key->public_key, agreement, err));
    sipveil_code code = SIPVEIL_OK;
    if (!sv_recipient_shared_info(sv_wrap_identifier(wrap, identifier), ukm, kek_length, arena, &info)) {
        code = sv_no_memory(err, room);
    } else {
        code = sv_agree_derive(crypto, scheme, sv_span(agreement->shared, agreement->shared_length), ukm,
                               info, kek, kek_length, err);
    }
    if (code == SIPVEIL_OK) code = sv_wrap_key(crypto, wrap, kek, cek, wrapped, err);
    sv_wipe(agreement->shared, sizeof agreement->shared);
    sv_wipe(kek, sizeof kek);
    return code;
}

static sipveil_code write_agreement(sv_crypto *crypto, const sv_cms_key *key, sipveil_span cek,
                                    bool by_key_identifier, sv_arena *arena, sv_der_writer *w,
                                    sipveil_error *err)
{
    sv_key_facts facts;
    sv_curve curve = sv_key_look(crypto, key->public_key, &facts)->curve;
    const sv_curve_row *row = sv_curve_row_of(curve);
    const sv_agreement_row *scheme = sv_agreement_for(row->hash, row->hkdf);
    sv_wrap wrap;
    sv_agreement agreement;
    uint8_t identifier[SV_WRAP_IDENTIFIER_LENGTH], ukm_octets[SV_UKM_LENGTH];
    sipveil_span ukm = sv_span(ukm_octets, row->hkdf ? SV_UKM_LENGTH : 0);
    if (scheme == NULL || !sv_wrap_by_key_length(cek.len, &wrap)) { /* TUN-56 */
        return sv_fail(err, room, SIPVEIL_INTERNAL, "no key wrap for a key of %zu octets", cek.len);
    }
    if (ukm.len > 0) SV_TRY(sv_random(crypto, ukm_octets, ukm.len, err));
    sv_der_mark all = sv_der_mark_here(w);
    uint8_t *wrapped = sv_der_put_room(w, cek.len + SV_WRAP_GAIN);
    if (wrapped == NULL) return sv_der_writer_check(w, err);
    SV_TRY(agree_and_wrap(crypto, key, cek, wrap, scheme, ukm, arena, &agreement, wrapped, err));
    sv_der_put_header(w, SV_DER_OCTET_STRING, cek.len + SV_WRAP_GAIN);
    if (by_key_identifier) {
        sv_der_mark id = sv_der_mark_here(w);
        sv_der_put_value(w, SV_DER_OCTET_STRING, key->ski);
        sv_der_wrap(w, CONTEXT_0_CONSTRUCTED, id);
    } else {
        put_issuer_serial(key, w);
    }
    sv_der_wrap(w, SV_DER_SEQUENCE, all); /* RecipientEncryptedKey */
    sv_der_wrap(w, SV_DER_SEQUENCE, all); /* and the list of this one */
    sv_der_mark algorithm = sv_der_mark_here(w);
    sv_der_put(w, sv_wrap_identifier(wrap, identifier));
    sv_der_put_oid(w, scheme->oid);
    sv_der_wrap(w, SV_DER_SEQUENCE, algorithm);
    if (ukm.len > 0) {
        sv_der_mark mark = sv_der_mark_here(w);
        sv_der_put_value(w, SV_DER_OCTET_STRING, ukm);
        sv_der_wrap(w, CONTEXT_1_CONSTRUCTED, mark);
    }
    put_originator(curve, &agreement, w);
    sv_der_put_number(w, 3);
    sv_der_wrap(w, CONTEXT_1_CONSTRUCTED, all);
    return SIPVEIL_OK;
}

static sipveil_code wrap_with_password(sv_crypto *crypto, sipveil_span password, uint32_t iterations,
                                       sipveil_span salt, const uint8_t *iv, sipveil_span cek,
                                       uint8_t *wrapped, size_t *length, sipveil_error *err)
{
    const sipveil_cipher cipher = SIPVEIL_CIPHER_AES_256_CBC;
    uint8_t kek[SV_KEY_MOST];
    SV_TRY(sv_kdf_pbkdf2(crypto, SV_HASH_SHA256, password, salt, iterations, kek, sizeof kek, err));
    sipveil_code code = sv_passwrap_key(crypto, cipher, kek, iv, cek, wrapped, length, err);
    sv_wipe(kek, sizeof kek);
    return code;
}

static sipveil_code write_password(sv_crypto *crypto, const sv_cms_key *key, sipveil_span cek,
                                   uint32_t iterations, sv_der_writer *w, sipveil_error *err)
{
    const sv_cipher_row *cipher = sv_cipher_row_of(SIPVEIL_CIPHER_AES_256_CBC);
    uint8_t random[SV_SALT_LENGTH + 16], wrapped[SV_PASSWRAP_MOST];
    sipveil_span salt = sv_span(random, SV_SALT_LENGTH);
    sipveil_span iv = sv_span(random + SV_SALT_LENGTH, cipher->iv_length);
    size_t length;
    if (key->password.len == 0) {
        return sv_fail_rule(err, room, SIPVEIL_POLICY, "ADV-096", SIPVEIL_NO_OFFSET, "a password is empty");
    }
    SV_TRY(sv_random(crypto, random, sizeof random, err));
    SV_TRY(wrap_with_password(crypto, key->password, iterations, salt, iv.data, cek, wrapped, &length, err));
    sv_der_mark all = sv_der_mark_here(w);
    sv_der_put_value(w, SV_DER_OCTET_STRING, sv_span(wrapped, length));
    sv_der_mark algorithm = sv_der_mark_here(w);
    sv_der_put_value(w, SV_DER_OCTET_STRING, iv);
    sv_der_put_oid(w, cipher->oid);
    sv_der_wrap(w, SV_DER_SEQUENCE, algorithm);
    sv_der_put_oid(w, sv_oid_content(SV_OID_PWRI_KEK));
    sv_der_wrap(w, SV_DER_SEQUENCE, algorithm);
    sv_der_mark derivation = sv_der_mark_here(w);
    sv_der_put_null(w);
    sv_der_put_oid(w, sv_hash_row_of(SV_HASH_SHA256)->hmac_oid);
    sv_der_wrap(w, SV_DER_SEQUENCE, derivation);
    sv_der_put_number(w, iterations);
    sv_der_put_value(w, SV_DER_OCTET_STRING, salt);
    sv_der_wrap(w, SV_DER_SEQUENCE, derivation);
    sv_der_put_oid(w, sv_oid_content(SV_OID_PBKDF2));
    sv_der_wrap(w, CONTEXT_0_CONSTRUCTED, derivation);
    sv_der_put_number(w, 0);
    sv_der_wrap(w, CONTEXT_3_CONSTRUCTED, all);
    return SIPVEIL_OK;
}

static sipveil_code write_certificate(sv_crypto *crypto, const sv_cms_key *key, sipveil_span cek,
                                      bool by_key_identifier, sv_arena *arena, sv_der_writer *w,
                                      unsigned *version, sipveil_error *err)
{
    if (by_key_identifier ? key->ski.len == 0 : key->issuer.len == 0 || key->serial.len == 0) {
        return sv_fail_rule(err, room, SIPVEIL_POLICY, "ADV-099", SIPVEIL_NO_OFFSET,
                            "a recipient's certificate has no %s",
                            by_key_identifier ? "key identifier" : "issuer and serial number");
    }
    sv_key_facts room_for_facts;
    const sv_key_facts *facts = sv_key_look(crypto, key->public_key, &room_for_facts);
    if (facts->type == SV_KEY_RSA && sv_transport_size(key->public_key) > 0) {
        return write_transport(crypto, key, cek, by_key_identifier, w, version, err);
    }
    if (facts->curve != SV_CURVE_NONE) {
        *version = 3;
        return write_agreement(crypto, key, cek, by_key_identifier, arena, w, err);
    }
    return sv_fail_rule(err, room, SIPVEIL_POLICY, "ADV-098", SIPVEIL_NO_OFFSET,
                        "a recipient's key is none to encrypt to: RSA, P-256, P-384, P-521 or X25519 is needed");
}

sipveil_code sv_recipient_write(sv_crypto *crypto, const sv_cms_key *key, sipveil_span cek,
                                const sv_seal_request *request, sv_arena *arena, sv_der_writer *w,
                                unsigned *version, sipveil_error *err)
{
    uint32_t iterations = request->pbkdf2_iterations;
    switch (key->kind) {
    case SV_CMS_KEY_KEK:
        *version = 4;
        return write_kek(crypto, key, cek, w, err);
    case SV_CMS_KEY_PASSWORD:
        *version = 0;
        return write_password(crypto, key, cek, iterations > 0 ? iterations : SV_PBKDF2_ITERATIONS, w, err);
    default:
        return write_certificate(crypto, key, cek, request->by_key_identifier, arena, w, version, err);
    }
}
