/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening. What is public (names, algorithms, lengths) is judged first. From the first use of a secret
 * on, every failure is one code and one text, and costs the same work: each try is one unwrapping and
 * one decryption of the content, with a random key of the worker's where the unwrapping failed. */
#include <openssl/err.h>

#include "base/wipe.h"
#include "cms/content_key.h"
#include "cms/oid.h"
#include "cms/recipient.h"
#include "cms/usual_kekri.h"
#include "crypto/cipher.h"

static const char room[] = "cms";

enum { SIP_UNDECIPHERABLE = 493 };

/* CMS-15: the date says which of the keys under one identifier is meant; without one, any may be. */
static bool is_dated_for(const sv_recipient *recipient, const sv_cms_key *key)
{
    if (recipient->key_date == INT64_MIN) return true;
    return recipient->key_date >= key->valid_from &&
           (key->valid_until == 0 || recipient->key_date < key->valid_until);
}

bool sv_cms_recipient_fits(const sv_recipient *recipient, const sv_cms_key *key)
{
    switch (recipient->kind) {
    case SV_RECIPIENT_KEKRI:
        return key->kind == SV_CMS_KEY_KEK && sv_equal_constant_time(recipient->key_id, key->kek_id) &&
               is_dated_for(recipient, key);
    case SV_RECIPIENT_PWRI:
        return key->kind == SV_CMS_KEY_PASSWORD;
    case SV_RECIPIENT_KTRI:
    case SV_RECIPIENT_KARI:
        if (key->kind != SV_CMS_KEY_CERTIFICATE) return false;
        if (recipient->issuer.len > 0) {
            return sv_equal_constant_time(recipient->issuer, key->issuer) &&
                   sv_equal_constant_time(recipient->serial, key->serial);
        }
        return recipient->ski.len > 0 && sv_equal_constant_time(recipient->ski, key->ski);
    default:
        return false;
    }
}

/* Alike are shared keys alone, and without a date. */
static inline bool fits(const sv_enveloped *e, size_t at, const sv_cms_key *key)
{
    if (e->recipients != NULL) return sv_cms_recipient_fits(&e->recipients[at], key);
    return key->kind == SV_CMS_KEY_KEK && sv_equal_constant_time(sv_usual_kekri_id(sv_usual_kekri_at(e->alike, at)), key->kek_id);
}

bool sv_cms_fits_at(const sv_enveloped *enveloped, size_t at, const sv_cms_key *key)
{
    return fits(enveloped, at, key);
}

typedef struct opener {
    sv_crypto *crypto;
    const sv_enveloped *enveloped;
    const sv_cms_key *keys;
    size_t key_count;
    const sv_cms_policy *policy;
    const sipveil_limits *limits;
    uint64_t *iterations;
    sv_arena *arena;
    sv_opening *out;
    const sv_cipher_row *cipher;
    uint8_t *plaintext;    /* room for the ciphertext's length */
    size_t first;          /* recipient that fits a key; those before it fit none */
    size_t tries, private_operations;
    bool opened, over_limit, refused;
    sipveil_error *refusal; /* of the first recipient that policy refused; NULL: nobody asks why */
} opener;

static inline bool fits_ours(const opener *o, size_t recipient, size_t key)
{
    const sv_cms_key *k = &o->keys[key];
    return sv_cms_key_is_ours(k) && fits(o->enveloped, recipient, k);
}

/* ---- what is public ---- */

/* content-type: at most once, one value, that of the content; there if the content is not id-data
 * (RFC 5083 2.1, ADV-070). */
static bool attributes_fit(const sv_enveloped *e)
{
    sv_cursor c = sv_cursor_over(e->auth_attributes, "attributes"), all, attribute, values;
    sipveil_span type, value;
    size_t found = 0;
    if (e->auth_attributes.len == 0) return e->content_kind == SV_CMS_DATA;
    if (sv_der_enter(&c, SV_DER_SET, "attributes", &all, NULL) != SIPVEIL_OK) return false;
    while (!sv_at_end(&all)) {
        if (sv_der_enter(&all, SV_DER_SEQUENCE, "attribute", &attribute, NULL) != SIPVEIL_OK ||
            sv_der_take_oid(&attribute, "attribute", &type, NULL) != SIPVEIL_OK ||
            sv_der_enter(&attribute, SV_DER_SET, "values", &values, NULL) != SIPVEIL_OK ||
            !sv_at_end(&attribute) || sv_at_end(&values)) {
            return false;
        }
        if (!sv_oid_is(type, SV_OID_CONTENT_TYPE)) continue;
        if (++found > 1 || sv_der_take_oid(&values, "content-type", &value, NULL) != SIPVEIL_OK ||
            !sv_at_end(&values) || !sv_equal(value, e->content_type)) {
            return false;
        }
    }
    return found == 1 || e->content_kind == SV_CMS_DATA;
}

static bool content_is_well_formed(const sv_enveloped *e, const sv_cipher_row *cipher)
{
    if (!e->has_ciphertext || !sv_cipher_takes_iv(cipher, e->iv.len)) return false; /* ADV-067, 069 */
    if (!cipher->authenticated) return e->ciphertext.len > 0 && e->ciphertext.len % cipher->block == 0;
    return e->tag_length >= SV_TAG_LEAST && e->tag_length <= SV_TAG_LENGTH &&
           e->tag.len == e->tag_length && attributes_fit(e); /* ADV-061 */
}

static sipveil_code with_status(sipveil_error *err, sipveil_code code)
{
    if (err != NULL) err->sip_status = SIP_UNDECIPHERABLE;
    return code;
}

static sipveil_code cannot_decrypt(sipveil_error *err)
{
    ERR_clear_error();
    return sv_fail(err, room, SIPVEIL_CANNOT_DECRYPT,
                   "a key fits, but the content cannot be decrypted: wrong key, or the message was altered");
}

/* The cipher by its name, before any key is used. */
static sipveil_code check_cipher(opener *o, sipveil_error *err)
{
    const sv_enveloped *e = o->enveloped;
    sv_cursor c = sv_cursor_over(e->cipher_algorithm, "algorithm");
    sv_der_algorithm algorithm = {0};
    if (e->cipher == SIPVEIL_CIPHER_NONE) {
        if (e->cek_hkdf && e->cipher_algorithm.len == 0) return SIPVEIL_OK; /* CMS-14: damaged */
        (void)sv_der_take_algorithm(&c, "algorithm", &algorithm, NULL);
        sv_oid oid = sv_oid_find(algorithm.oid);
        if (oid == SV_OID_CEK_HKDF_SHA256) return SIPVEIL_OK; /* nested: damaged */
        bool broken = oid == SV_OID_RC2_CBC || oid == SV_OID_RC4 || oid == SV_OID_DES_CBC;
        sv_fail_rule(err, room, broken ? SIPVEIL_POLICY : SIPVEIL_UNSUPPORTED, "ADV-063", SIPVEIL_NO_OFFSET,
                     "content encryption %s is not handled", SV_OID_NAME(algorithm.oid));
        return with_status(err, broken ? SIPVEIL_POLICY : SIPVEIL_UNSUPPORTED);
    }
    if (o->cipher->authenticated != e->authenticated) {
        sv_fail_rule(err, room, SIPVEIL_POLICY, "ADV-063", SIPVEIL_NO_OFFSET, "%s under %s is refused",
                     o->cipher->name, e->authenticated ? "auth-enveloped-data" : "enveloped-data");
        return with_status(err, SIPVEIL_POLICY);
    }
    if (o->cipher->weak != 0 && (o->policy->allow_weak & o->cipher->weak) == 0) {
        sv_fail_rule(err, room, SIPVEIL_POLICY, "ADV-063", SIPVEIL_NO_OFFSET,
                     "content encryption %s is refused", o->cipher->name);
        sv_hint(err, SIPVEIL_POLICY, "--allow-weak 3des reads it");
        return with_status(err, SIPVEIL_POLICY);
    }
    return SIPVEIL_OK;
}

/* ---- tries ---- */

/* CEK' of RFC 9709, in bound; without it the key is used as it is. */
static sipveil_code content_key(const opener *o, const uint8_t *cek, uint8_t bound[SV_KEY_MOST], const uint8_t **out,
                                sipveil_error *err)
{
    *out = o->enveloped->cek_hkdf ? bound : cek;
    if (!o->enveloped->cek_hkdf) return SIPVEIL_OK;
    sipveil_span key = sv_span(cek, o->cipher->key_length);
    return sv_content_key_bind(o->crypto, key, o->enveloped->cipher_algorithm, bound, err);
}

static sipveil_code publish(opener *o, size_t recipient, size_t key, const uint8_t *cek, unsigned strength,
                            size_t length, sipveil_error *err)
{
    sipveil_span copy;
    if (!sv_arena_copy(o->arena, sv_span(cek, o->cipher->key_length), &copy)) return sv_no_memory(err, room);
    *o->out = (sv_opening){
        .plaintext = sv_span(o->plaintext, length),
        .recipient = recipient,
        .key = key,
        .strength_bits = strength != 0 && strength < o->cipher->strength ? strength : o->cipher->strength,
        .cek = copy,
    };
    o->opened = true;
    return SIPVEIL_OK;
}

/* By name, before any secret is used. Kept apart from the opener: it is large, and nearly never there. */
static sipveil_code note_refusal(opener *o, sipveil_error *err)
{
    if (!o->refused && err != NULL) {
        o->refusal = sv_arena_alloc_raw(o->arena, sizeof *o->refusal);
        if (o->refusal == NULL) return sv_no_memory(err, room);
        *o->refusal = *err;
    }
    o->refused = true;
    return SIPVEIL_OK;
}

static sipveil_code try_with(opener *o, size_t recipient, size_t key, const sv_stand_in *stand_in,
                             uint8_t cek[SV_KEY_MOST], uint8_t bound[SV_KEY_MOST], sipveil_error *err)
{
    const sv_enveloped *e = o->enveloped;
    size_t key_length = o->cipher->key_length, length;
    const uint8_t *real;
    unsigned strength;
    bool good;
    sv_recipient room_for_one;
    sipveil_code code = sv_recipient_unwrap(o->crypto, sv_cms_recipient(e, recipient, &room_for_one), &o->keys[key], o->policy,
                                            o->arena, key_length, cek, &good, &strength, err);
    if (code == SIPVEIL_POLICY) return note_refusal(o, err);
    SV_TRY(code);
    o->tries++;
    SV_TRY(content_key(o, good ? cek : stand_in->content_key, bound, &real, err));
    bool clear = sv_cipher_decrypt(o->crypto, e->cipher, real, e->iv, e->auth_attributes,
                                   e->ciphertext, e->tag, o->plaintext, &length);
    if (clear && good) return publish(o, recipient, key, cek, strength, length, err);
    sv_wipe(o->plaintext, e->ciphertext.len);
    return SIPVEIL_OK;
}

static sipveil_code try_one(opener *o, size_t recipient, size_t key, sipveil_error *err)
{
    uint8_t cek[SV_KEY_MOST] = {0}, bound[SV_KEY_MOST];
    const sv_stand_in *stand_in;
    SV_TRY(sv_stand_in_keys(o->crypto, &stand_in, err));
    sipveil_code code = try_with(o, recipient, key, stand_in, cek, bound, err);
    sv_wipe(cek, sizeof cek);
    sv_wipe(bound, sizeof bound);
    return code;
}

typedef enum cost { COST_KEK, COST_PRIVATE, COST_PASSWORD, COST_COUNT } cost;

static cost cost_of(sv_recipient_kind kind)
{
    if (kind == SV_RECIPIENT_KEKRI) return COST_KEK;
    return kind == SV_RECIPIENT_PWRI ? COST_PASSWORD : COST_PRIVATE;
}

/* All rounds that passwords may cost are added up before the first is done (ADV-094). */
static sipveil_code check_iterations(opener *o, sipveil_error *err)
{
    uint64_t sum = *o->iterations, most = o->limits->iterations;
    for (size_t i = 0; i < o->enveloped->recipient_count; i++) {
        sv_recipient room_for_one;
        sv_password_scheme scheme;
        if (sv_cms_recipient_kind(o->enveloped, i) != SV_RECIPIENT_PWRI) continue;
        const sv_recipient *r = sv_cms_recipient(o->enveloped, i, &room_for_one);
        bool readable = sv_recipient_password(r, &scheme);
        bool counted = readable && !scheme.countless;
        if (!readable && !scheme.countless) continue; /* costs nothing */
        for (size_t k = 0; k < o->key_count; k++) {
            if (!fits_ours(o, i, k)) continue;
            if (!counted || scheme.iterations < o->limits->iterations_least || scheme.iterations > most - sum) {
                sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-094", SIPVEIL_NO_OFFSET,
                             "a password recipient asks for too few or too many iterations; %llu to %llu are done",
                             (unsigned long long)o->limits->iterations_least, (unsigned long long)most);
                return with_status(err, SIPVEIL_LIMIT);
            }
            sum += scheme.iterations;
        }
    }
    *o->iterations = sum;
    return SIPVEIL_OK;
}

/* Cheap keys first: a password recipient put in front costs nothing when a shared key opens. */
static sipveil_code try_all(opener *o, cost round, sipveil_error *err)
{
    if (round == COST_PASSWORD) SV_TRY(check_iterations(o, err));
    for (size_t i = o->first; i < o->enveloped->recipient_count; i++) {
        if (cost_of(sv_cms_recipient_kind(o->enveloped, i)) != round) continue;
        for (size_t k = 0; k < o->key_count; k++) {
            if (!fits_ours(o, i, k)) continue;
            bool spent = o->tries >= o->limits->keys_tried ||
                         (round == COST_PRIVATE && o->private_operations >= o->limits->private_operations);
            if (spent) {
                o->over_limit = true;
                return SIPVEIL_OK;
            }
            if (round == COST_PRIVATE) o->private_operations++;
            SV_TRY(try_one(o, i, k, err));
            if (o->opened) return SIPVEIL_OK;
        }
    }
    return SIPVEIL_OK;
}

static sipveil_code failure(const opener *o, sipveil_error *err)
{
    if (o->over_limit) {
        sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-083", SIPVEIL_NO_OFFSET,
                     "too many recipients name our keys, and none of the first opens the content");
        return with_status(err, SIPVEIL_LIMIT);
    }
    if (o->tries == 0 && o->refused) {
        if (err != NULL && o->refusal != NULL) *err = *o->refusal;
        return with_status(err, SIPVEIL_POLICY);
    }
    return cannot_decrypt(err);
}

static bool any_fits(opener *o)
{
    for (o->first = 0; o->first < o->enveloped->recipient_count; o->first++) {
        for (size_t k = 0; k < o->key_count; k++) {
            if (fits_ours(o, o->first, k)) return true;
        }
    }
    return false;
}

/* Somebody who asks with identifiers of his choosing should not see by the time which of them we know
 * (ADV-091): for one that we do not, a random key does the work, where we hold shared keys at all. */
static sipveil_code work_for_nothing(const opener *o, sipveil_error *err)
{
    const sv_enveloped *e = o->enveloped;
    const sv_stand_in *stand_in;
    sv_cms_key nobody = {.kind = SV_CMS_KEY_KEK};
    opener dummy = *o;
    size_t i = 0, k = 0;
    sv_recipient room_for_one;
    sv_wrap wrap;
    while (i < e->recipient_count && sv_cms_recipient_kind(e, i) != SV_RECIPIENT_KEKRI) i++;
    while (k < o->key_count && o->keys[k].kind != SV_CMS_KEY_KEK) k++;
    if (i == e->recipient_count || k == o->key_count || !sv_recipient_wrap(sv_cms_recipient(e, i, &room_for_one), &wrap) ||
        check_cipher(&dummy, NULL) != SIPVEIL_OK || e->cipher == SIPVEIL_CIPHER_NONE ||
        !content_is_well_formed(e, o->cipher)) {
        return SIPVEIL_OK;
    }
    dummy.plaintext = sv_arena_alloc_raw(o->arena, e->ciphertext.len);
    if (dummy.plaintext == NULL) return sv_no_memory(err, room);
    SV_TRY(sv_stand_in_keys(o->crypto, &stand_in, err));
    nobody.kek = sv_span(stand_in->kek, sv_wrap_row_of(wrap)->key_length);
    dummy.keys = &nobody;
    dummy.first = 0;
    sipveil_code code = try_one(&dummy, i, 0, err);
    *o->out = (sv_opening){0};
    return code;
}

sipveil_code sv_cms_open_enveloped(sv_crypto *crypto, const sv_enveloped *enveloped,
                                   const sv_cms_key *keys, size_t key_count,
                                   const sv_cms_policy *policy, uint64_t *iterations, sv_arena *arena,
                                   sv_opening *out, sipveil_error *err)
{
    opener o = {
        .crypto = crypto, .enveloped = enveloped, .keys = keys, .key_count = key_count, .policy = policy,
        .limits = &sv_crypto_context(crypto)->hooks.limits, .iterations = iterations, .arena = arena,
        .out = out, .cipher = sv_cipher_row_of(enveloped->cipher),
    };
    *out = (sv_opening){0};
    if (!any_fits(&o)) {
        SV_TRY(work_for_nothing(&o, err));
        /* The words are made in both cases, those that do not count first: they are a tenth of a refusal (ADV-091). */
        (void)cannot_decrypt(err);
        return sv_recipients_fail(enveloped, keys, key_count, arena, err);
    }
    SV_TRY(check_cipher(&o, err));
    if (enveloped->cipher == SIPVEIL_CIPHER_NONE || !content_is_well_formed(enveloped, o.cipher)) {
        return cannot_decrypt(err);
    }
    o.plaintext = sv_arena_alloc_raw(arena, enveloped->ciphertext.len);
    if (o.plaintext == NULL) return sv_no_memory(err, room);
    for (cost round = COST_KEK; round < COST_COUNT && !o.opened; round++) {
        SV_TRY(try_all(&o, round, err));
    }
    if (o.opened) return SIPVEIL_OK;
    /* What is refused later, out of CBC that could be decrypted, names nobody; and that difference matters more (ADV-065). */
    if (o.cipher->authenticated) (void)sv_recipients_fail(enveloped, keys, key_count, arena, err);
    return failure(&o, err);
}
