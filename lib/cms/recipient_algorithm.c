/* SPDX-License-Identifier: BSD-2-Clause */
/* What the key encryption algorithm of a recipient says. */
#include <stdio.h>

#include "cms/oid.h"
#include "cms/recipient.h"
#include "crypto/agree.h"

/* An AlgorithmIdentifier that fills the span. */
static bool read_algorithm(sipveil_span whole, sv_der_algorithm *out)
{
    sv_cursor c = sv_cursor_over(whole, "algorithm");
    return sv_der_take_algorithm(&c, "algorithm", out, NULL) == SIPVEIL_OK && sv_at_end(&c);
}

static bool is_absent_or_null(sipveil_span parameters)
{
    return parameters.len == 0 || sv_equal(parameters, sv_span("\x05\x00", 2));
}

/* [n] EXPLICIT AlgorithmIdentifier, if it is there. */
static bool take_explicit_algorithm(sv_cursor *c, uint8_t number, bool *present, sv_der_algorithm *out)
{
    sv_der value;
    if (sv_der_take_optional(c, SV_DER_CONTEXT | SV_DER_CONSTRUCTED | number, present, &value, NULL) !=
        SIPVEIL_OK) {
        return false;
    }
    return !*present || read_algorithm(value.content, out);
}

static bool read_hash(const sv_der_algorithm *algorithm, sv_hash *out)
{
    *out = sv_hash_by_oid(algorithm->oid);
    return *out != SV_HASH_NONE && is_absent_or_null(algorithm->parameters);
}

/* RSAES-OAEP-params (RFC 4055 4.1). Absent fields mean SHA-1; a label is refused (ADV-084). */
static bool read_oaep(sipveil_span parameters, sv_transport_scheme *out)
{
    sv_cursor c = sv_cursor_over(parameters, "oaep"), inside;
    sv_der_algorithm hash, mask, mask_hash, source;
    bool has_hash, has_mask, has_source;
    *out = (sv_transport_scheme){.hash = SV_HASH_SHA1, .mask_hash = SV_HASH_SHA1};
    if (parameters.len == 0) return true;
    if (sv_der_enter(&c, SV_DER_SEQUENCE, "oaep", &inside, NULL) != SIPVEIL_OK || !sv_at_end(&c) ||
        !take_explicit_algorithm(&inside, 0, &has_hash, &hash) ||
        !take_explicit_algorithm(&inside, 1, &has_mask, &mask) ||
        !take_explicit_algorithm(&inside, 2, &has_source, &source) || !sv_at_end(&inside)) {
        return false;
    }
    if (has_hash && !read_hash(&hash, &out->hash)) return false;
    if (has_mask && !(sv_oid_is(mask.oid, SV_OID_MGF1) && read_algorithm(mask.parameters, &mask_hash) &&
                      read_hash(&mask_hash, &out->mask_hash))) {
        return false;
    }
    return !has_source || (sv_oid_is(source.oid, SV_OID_P_SPECIFIED) &&
                           sv_equal(source.parameters, sv_span("\x04\x00", 2)));
}

bool sv_recipient_transport(const sv_recipient *recipient, sv_transport_scheme *out)
{
    *out = (sv_transport_scheme){0};
    if (sv_oid_is(recipient->algorithm_oid, SV_OID_RSA)) {
        out->v15 = true;
        return is_absent_or_null(recipient->algorithm_parameters);
    }
    return sv_oid_is(recipient->algorithm_oid, SV_OID_RSA_OAEP) &&
           read_oaep(recipient->algorithm_parameters, out);
}

bool sv_recipient_agreement(const sv_recipient *recipient, sv_agreement_scheme *out)
{
    sv_der_algorithm wrap;
    *out = (sv_agreement_scheme){.row = sv_agreement_by_oid(recipient->algorithm_oid),
                                 .wrap_as_received = recipient->algorithm_parameters};
    return out->row != NULL && read_algorithm(recipient->algorithm_parameters, &wrap) &&
           sv_wrap_by_oid(wrap.oid, &out->wrap) && is_absent_or_null(wrap.parameters);
}

bool sv_recipient_wrap(const sv_recipient *recipient, sv_wrap *out)
{
    return sv_wrap_by_oid(recipient->algorithm_oid, out) &&
           is_absent_or_null(recipient->algorithm_parameters);
}

static bool take_iterations(sv_cursor *c, sv_password_scheme *out)
{
    sv_der value;
    if (sv_der_take_tag(c, SV_DER_INTEGER, "iterations", &value, NULL) != SIPVEIL_OK) return false;
    sv_cursor number = sv_cursor_over(value.whole, "iterations");
    out->countless = sv_der_take_number(&number, "iterations", &out->iterations, NULL) != SIPVEIL_OK;
    return true;
}

/* PBKDF2-params (RFC 8018 A.2) */
static bool read_pbkdf2(sipveil_span parameters, size_t *key_length, sv_password_scheme *out)
{
    sv_cursor c = sv_cursor_over(parameters, "pbkdf2"), inside;
    sv_der salt;
    sv_der_algorithm prf;
    uint64_t length = 0;
    if (sv_der_enter(&c, SV_DER_SEQUENCE, "pbkdf2", &inside, NULL) != SIPVEIL_OK || !sv_at_end(&c) ||
        sv_der_take_tag(&inside, SV_DER_OCTET_STRING, "salt", &salt, NULL) != SIPVEIL_OK ||
        !take_iterations(&inside, out)) {
        return false;
    }
    if (sv_der_next_is(&inside, SV_DER_INTEGER) &&
        sv_der_take_number(&inside, "key length", &length, NULL) != SIPVEIL_OK) {
        return false;
    }
    out->hash = SV_HASH_SHA1;
    if (!sv_at_end(&inside)) {
        if (sv_der_take_algorithm(&inside, "prf", &prf, NULL) != SIPVEIL_OK || !sv_at_end(&inside) ||
            !is_absent_or_null(prf.parameters)) {
            return false;
        }
        out->hash = sv_hash_by_hmac_oid(prf.oid);
    }
    out->salt = salt.content;
    *key_length = length;
    return out->hash != SV_HASH_NONE && salt.content.len >= SV_PBKDF2_SALT_LEAST &&
           salt.content.len <= SV_PBKDF2_SALT_MOST;
}

/* The cipher under PWRI-KEK: AES in CBC mode only (ADV-095). */
static bool read_kek_cipher(const sv_recipient *recipient, sv_password_scheme *out)
{
    sv_der_algorithm inner;
    sv_der iv;
    if (!sv_oid_is(recipient->algorithm_oid, SV_OID_PWRI_KEK) ||
        !read_algorithm(recipient->algorithm_parameters, &inner)) {
        return false;
    }
    out->cipher = sv_cipher_by_oid(inner.oid);
    const sv_cipher_row *row = sv_cipher_row_of(out->cipher);
    sv_cursor c = sv_cursor_over(inner.parameters, "iv");
    if (out->cipher == SIPVEIL_CIPHER_NONE || row->authenticated || row->weak != 0 ||
        sv_der_take_tag(&c, SV_DER_OCTET_STRING, "iv", &iv, NULL) != SIPVEIL_OK || !sv_at_end(&c)) {
        return false;
    }
    out->iv = iv.content;
    return iv.content.len == row->iv_length;
}

bool sv_recipient_password(const sv_recipient *recipient, sv_password_scheme *out)
{
    sv_cursor c = sv_cursor_over(recipient->derivation->kdf_algorithm, "key derivation"), inside;
    sipveil_span oid;
    sv_der parameters;
    size_t key_length = 0;
    *out = (sv_password_scheme){0};
    if (sv_der_enter(&c, SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 0, "key derivation", &inside, NULL) !=
            SIPVEIL_OK ||
        sv_der_take_oid(&inside, "key derivation", &oid, NULL) != SIPVEIL_OK ||
        !sv_oid_is(oid, SV_OID_PBKDF2) || sv_der_take(&inside, &parameters, NULL) != SIPVEIL_OK ||
        !sv_at_end(&inside)) {
        return false;
    }
    return read_pbkdf2(parameters.whole, &key_length, out) && read_kek_cipher(recipient, out) &&
           (key_length == 0 || key_length == sv_cipher_row_of(out->cipher)->key_length);
}

static const char *describe_transport(const sv_recipient *recipient, sv_arena *arena, bool *weak)
{
    sv_transport_scheme scheme;
    char name[64];
    if (!sv_recipient_transport(recipient, &scheme)) return "unknown";
    *weak = scheme.v15 || sv_hash_row_of(scheme.hash)->weak || sv_hash_row_of(scheme.mask_hash)->weak;
    if (scheme.v15) return "rsa-v1.5";
    if (scheme.hash == scheme.mask_hash) {
        (void)snprintf(name, sizeof name, "rsa-oaep-%s", sv_hash_row_of(scheme.hash)->name);
    } else {
        (void)snprintf(name, sizeof name, "rsa-oaep-%s-mgf1-%s", sv_hash_row_of(scheme.hash)->name,
                       sv_hash_row_of(scheme.mask_hash)->name);
    }
    return sv_arena_string(arena, sv_span_str(name));
}

static sv_curve originator_curve(const sv_recipient *recipient)
{
    const sv_derivation *d = recipient->derivation;
    sipveil_span oid;
    if (sv_oid_is(d->originator_oid, SV_OID_X25519)) return SV_CURVE_X25519;
    sv_cursor c = sv_cursor_over(d->originator_parameters, "curve");
    if (sv_der_take_oid(&c, "curve", &oid, NULL) != SIPVEIL_OK) {
        for (sv_curve curve = SV_CURVE_P256; curve <= SV_CURVE_P521; curve++) { /* by its size */
            if (d->originator_key.len == sv_curve_row_of(curve)->point) return curve;
        }
        return SV_CURVE_NONE;
    }
    return sv_curve_by_oid(oid);
}

static const char *describe_agreement(const sv_recipient *recipient, sv_arena *arena, bool *weak)
{
    sv_agreement_scheme scheme;
    char name[96];
    if (!sv_recipient_agreement(recipient, &scheme)) return "unknown";
    *weak = sv_hash_row_of(scheme.row->hash)->weak;
    sv_curve curve = originator_curve(recipient);
    (void)snprintf(name, sizeof name, "ecdh-%s%s%s+%s", sv_curve_row_of(curve)->name,
                   curve == SV_CURVE_NONE ? "" : "-", scheme.row->name, sv_wrap_row_of(scheme.wrap)->name);
    return sv_arena_string(arena, sv_span_str(name));
}

static const char *describe_password(const sv_recipient *recipient, sv_arena *arena)
{
    sv_password_scheme scheme;
    char name[64], cipher[24];
    size_t used = 0;
    if (!sv_recipient_password(recipient, &scheme)) return "unknown";
    for (const char *s = sv_cipher_row_of(scheme.cipher)->name; *s != '\0'; s++) {
        if (*s != '-' || used > 3) cipher[used++] = *s; /* aes256-cbc, not aes-256-cbc */
    }
    cipher[used] = '\0';
    (void)snprintf(name, sizeof name, "pbkdf2-%s+%s", sv_hash_row_of(scheme.hash)->name, cipher);
    return sv_arena_string(arena, sv_span_str(name));
}

const char *sv_cms_describe_recipient(const sv_recipient *recipient, sv_arena *arena, bool *weak)
{
    const char *name = NULL;
    sv_wrap wrap;
    *weak = false;
    switch (recipient->kind) {
    case SV_RECIPIENT_KTRI:
        name = describe_transport(recipient, arena, weak);
        break;
    case SV_RECIPIENT_KARI:
        name = describe_agreement(recipient, arena, weak);
        break;
    case SV_RECIPIENT_KEKRI:
        if (sv_recipient_wrap(recipient, &wrap)) name = sv_wrap_row_of(wrap)->name;
        break;
    case SV_RECIPIENT_PWRI:
        name = describe_password(recipient, arena);
        break;
    case SV_RECIPIENT_ORI:
        break;
    }
    return name != NULL ? name : "unknown";
}
