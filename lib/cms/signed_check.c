/* SPDX-License-Identifier: BSD-2-Clause */
/* Every SignerInfo of a SignedData checked (RFC 5652 5.4 to 5.6). Each check says why it failed in
 * a sipveil_error, which becomes the state of that signature; only what is broken in form, or too
 * much, fails the whole. Unsigned attributes are never looked at (ADV-125). */
#include <openssl/err.h>
#include <stdio.h>

#include "cms/oid.h"
#include "cms/signer_info.h"
#include "crypto/certificate.h"
#include "crypto/sign.h"

static const char room[] = "cms";

enum { CONTEXT_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED };

/* What all signatures of one SignedData share. */
typedef struct check {
    sv_crypto *crypto;
    const sipveil_limits *limits;
    const sv_cms_policy *policy;
    sv_arena *arena;
    const sv_signed *data;
    sipveil_span octets;
    X509 **certificates; /* of the message, then those known from elsewhere */
    size_t certificate_count;
} check;

/* One signature on its way. */
typedef struct one {
    sv_signer_info info;
    sv_signed_attributes attributes;
    const sv_digest *digest;
    const sv_signature_scheme *scheme;
    size_t salt;          /* PSS */
    sipveil_span covered; /* what the signature is over */
    sv_signature *out;
} one;

static sipveil_code bad(sipveil_error *why, const char *rule, const char *text)
{
    return sv_fail_rule(why, room, SIPVEIL_BAD_SIGNATURE, rule, SIPVEIL_NO_OFFSET, "%s", text);
}

/* ---- algorithms ---- */

/* Whether the digest is in the set at the front (RFC 5652 5.1; ADV-116). */
static sipveil_code check_digest_is_announced(const check *k, const one *s, sipveil_error *why)
{
    sv_cursor c = sv_cursor_over(k->data->digest_algorithms, "digest algorithms");
    sv_der_algorithm announced;
    while (!sv_at_end(&c)) {
        SV_TRY(sv_der_take_algorithm(&c, "digest algorithm", &announced, why));
        if (sv_equal(announced.oid, s->info.digest.oid)) return SIPVEIL_OK;
    }
    return bad(why, "ADV-116",
               "the signer's digest algorithm is not among those of the SignedData");
}

static bool absent_or_null(sipveil_span parameters)
{
    return parameters.len == 0 || sv_equal(parameters, SV_SPAN("\x05\x00"));
}

static sipveil_code check_digest_algorithm(const check *k, one *s, sipveil_error *why)
{
    s->digest = sv_digest_by_oid(s->info.digest.oid);
    if (s->digest == NULL) {
        return sv_fail(why, room, SIPVEIL_UNSUPPORTED, "digest algorithm %s is not handled",
                       SV_OID_NAME(s->info.digest.oid));
    }
    s->out->digest = s->digest->name;
    s->out->weak = s->digest->weak;
    if (s->digest->hash == SV_HASH_NONE ||
        (s->digest->weak && (k->policy->allow_weak & SIPVEIL_WEAK_SHA1) == 0)) {
        return sv_fail_rule(why, room, SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                            "the signature uses %s, which is too weak", s->digest->name);
    }
    if (!absent_or_null(s->info.digest.parameters)) {
        return bad(why, "ADV-116", "the digest algorithm has parameters");
    }
    return check_digest_is_announced(k, s, why);
}

/* One [n] EXPLICIT field of RSASSA-PSS-params, if it is there. */
static sipveil_code enter_optional(sv_cursor *c, uint8_t number, bool *present, sv_cursor *inside,
                                   sipveil_error *why)
{
    uint8_t tag = CONTEXT_CONSTRUCTED | number;
    *present = sv_der_next_is(c, tag);
    return *present ? sv_der_enter(c, tag, "RSASSA-PSS parameter", inside, why) : SIPVEIL_OK;
}

typedef struct pss {
    sipveil_span hash; /* OIDs; all defaults are SHA-1 (RFC 4055 3.1) */
    sipveil_span mask_hash;
    uint64_t salt;
    uint64_t trailer;
} pss;

static sipveil_code read_pss(sipveil_span parameters, pss *out, sipveil_error *why)
{
    sv_cursor outer = sv_cursor_over(parameters, "RSASSA-PSS parameters"), c, inside;
    sv_der_algorithm algorithm;
    bool present;
    *out = (pss){sv_digest_by_name("sha1")->oid, sv_digest_by_name("sha1")->oid, 20, 1};
    SV_TRY(sv_der_enter(&outer, SV_DER_SEQUENCE, "RSASSA-PSS parameters", &c, why));
    SV_TRY(enter_optional(&c, 0, &present, &inside, why));
    if (present) {
        SV_TRY(sv_der_take_algorithm(&inside, "hash algorithm", &algorithm, why));
        SV_TRY(sv_der_end(&inside, why));
        out->hash = algorithm.oid;
    }
    SV_TRY(enter_optional(&c, 1, &present, &inside, why));
    if (present) {
        SV_TRY(sv_der_take_algorithm(&inside, "mask generation", &algorithm, why));
        SV_TRY(sv_der_end(&inside, why));
        out->mask_hash = sv_span(NULL, 0);
        if (sv_oid_is(algorithm.oid, SV_OID_MGF1)) {
            inside = sv_cursor_over(algorithm.parameters, "MGF1 parameters");
            SV_TRY(sv_der_take_algorithm(&inside, "MGF1 hash", &algorithm, why));
            SV_TRY(sv_der_end(&inside, why));
            out->mask_hash = algorithm.oid;
        }
    }
    SV_TRY(enter_optional(&c, 2, &present, &inside, why));
    if (present) {
        SV_TRY(sv_der_take_number(&inside, "salt length", &out->salt, why));
        SV_TRY(sv_der_end(&inside, why));
    }
    SV_TRY(enter_optional(&c, 3, &present, &inside, why));
    if (present) {
        SV_TRY(sv_der_take_number(&inside, "trailer field", &out->trailer, why));
        SV_TRY(sv_der_end(&inside, why));
    }
    return sv_der_end(&c, why);
}

static sipveil_code check_pss(one *s, sipveil_error *why)
{
    pss p;
    SV_TRY(read_pss(s->info.algorithm.parameters, &p, why));
    if (!sv_equal(p.hash, s->digest->oid) || !sv_equal(p.mask_hash, s->digest->oid)) {
        return bad(why, "ADV-116", "the hashes of RSASSA-PSS differ from the digest algorithm");
    }
    /* The upper bound is the room in the modulus, which libcrypto checks; this one saves it the
     * work. */
    if (p.salt < SV_PSS_SALT_LEAST || p.salt > 1024 || p.trailer != 1) {
        return sv_fail_rule(why, room, SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                            "RSASSA-PSS with a salt of %llu octets and trailer %llu",
                            (unsigned long long)p.salt, (unsigned long long)p.trailer);
    }
    s->salt = (size_t)p.salt;
    return SIPVEIL_OK;
}

static sipveil_code check_signature_algorithm(one *s, sipveil_error *why)
{
    bool known;
    s->scheme = sv_signature_scheme_find(s->info.algorithm.oid, s->digest, &known);
    if (s->scheme == NULL && !known) {
        return sv_fail(why, room, SIPVEIL_UNSUPPORTED, "signature algorithm %s is not handled",
                       SV_OID_NAME(s->info.algorithm.oid));
    }
    if (s->scheme == NULL) {
        return bad(why, "ADV-116", "signature and digest algorithm contradict each other");
    }
    s->out->algorithm = s->scheme->name;
    if (s->scheme->kind == SV_SIGNATURE_RSA_PSS) return check_pss(s, why);
    sipveil_span parameters = s->info.algorithm.parameters;
    bool fits = s->scheme->kind == SV_SIGNATURE_ED25519 ? parameters.len == 0 /* RFC 8419 2.2 */
                                                        : absent_or_null(parameters);
    return fits ? SIPVEIL_OK : bad(why, "ADV-116", "the signature algorithm has parameters");
}

/* ---- attributes and content ---- */

static sipveil_code check_content_digest(const check *k, const one *s, sipveil_error *why)
{
    sv_cursor c = sv_cursor_over(s->attributes.message_digest, "message-digest");
    uint8_t digest[SV_DIGEST_MOST];
    sv_der value;
    if (sv_der_take_tag(&c, SV_DER_OCTET_STRING, "message-digest", &value, why) != SIPVEIL_OK) {
        return bad(why, "ADV-111", "the message-digest attribute is missing or no OCTET STRING");
    }
    if (value.content.len != s->digest->size) {
        return sv_fail_rule(why, room, SIPVEIL_BAD_SIGNATURE, "ADV-116", SIPVEIL_NO_OFFSET,
                            "message-digest has %zu octets, but %s has %zu", value.content.len,
                            s->digest->name, s->digest->size);
    }
    SV_TRY(sv_digest_octets(k->crypto, s->digest, k->octets, digest, why));
    if (sv_equal_constant_time(value.content, sv_span(digest, s->digest->size))) return SIPVEIL_OK;
    return bad(why, "TUN-62", "the content has changed: its digest differs from the signed one");
}

static sipveil_code check_content_type(const check *k, const one *s, sipveil_error *why)
{
    sv_cursor c = sv_cursor_over(s->attributes.content_type, "content-type");
    sipveil_span oid;
    if (sv_der_take_oid(&c, "content-type", &oid, why) != SIPVEIL_OK) {
        return bad(why, "ADV-111", "the content-type attribute is missing or no OBJECT IDENTIFIER");
    }
    if (sv_equal(oid, k->data->content_type)) return SIPVEIL_OK;
    return sv_fail_rule(why, room, SIPVEIL_BAD_SIGNATURE, "ADV-111", SIPVEIL_NO_OFFSET,
                        "the signed content type is %s, but the content says %s", SV_OID_NAME(oid),
                        SV_OID_NAME(k->data->content_type));
}

/* Claims are only kept of a signature that turns out valid: see clear_claims(). */
static sipveil_code read_claims(one *s, sipveil_error *why)
{
    sv_cursor c = sv_cursor_over(s->attributes.signing_time, "signing-time");
    sv_der value;
    s->out->capabilities = s->attributes.capabilities;
    if (sv_at_end(&c)) return SIPVEIL_OK;
    if (sv_der_take(&c, &value, why) != SIPVEIL_OK ||
        sv_der_read_time(&value, &s->out->time, why) != SIPVEIL_OK) {
        return bad(why, "TUN-58", "the signing-time attribute is not a time in UTC");
    }
    s->out->has_time = true;
    return SIPVEIL_OK;
}

/* The signature is over the DER of the attributes as a SET OF (RFC 5652 5.4), whose first octet is
 * the only one that differs from what was received; DER is demanded of them even inside BER (5.3).
 */
static sipveil_code check_attributes(const check *k, one *s, sipveil_error *why)
{
    if (sv_der_scan(s->info.attributes, k->limits, true, why) != SIPVEIL_OK) {
        return bad(why, "CMS-02", "the signed attributes are not in DER");
    }
    SV_TRY(check_content_type(k, s, why));
    SV_TRY(check_content_digest(k, s, why));
    SV_TRY(read_claims(s, why));
    uint8_t *set = sv_arena_alloc_raw(k->arena, s->info.attributes.len);
    if (set == NULL) return sv_no_memory(why, room);
    memcpy(set, s->info.attributes.data, s->info.attributes.len);
    set[0] = SV_DER_SET;
    s->covered = sv_span(set, s->info.attributes.len);
    return SIPVEIL_OK;
}

/* Without signed attributes a signature over attributes passes for one over a content that looks
 * like them, and the other way round: so only by name, only for id-data, and never for a content
 * that is one DER value (ADV-110, CMS-02). */
static sipveil_code check_bare_content(const check *k, one *s, sipveil_error *why)
{
    if ((k->policy->allow_weak & SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES) == 0) {
        return sv_fail_rule(why, room, SIPVEIL_POLICY, "ADV-110", SIPVEIL_NO_OFFSET,
                            "the signature has no signed attributes");
    }
    if (k->data->content_kind != SV_CMS_DATA) {
        return bad(why, "CMS-02", "no signed attributes, though the content type is not data");
    }
    if (sv_der_scan(k->octets, k->limits, false, why) != SIPVEIL_MALFORMED) {
        return bad(why, "ADV-110",
                   "no signed attributes, and a content in DER, which may be a forgery");
    }
    s->out->no_signed_attributes = true;
    s->out->weak = true;
    s->covered = k->octets;
    return SIPVEIL_OK;
}

/* ---- certificates ---- */

static sipveil_code try_certificate(const check *k, one *s, X509 *certificate, sipveil_error *why)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    bool weak, valid;
    if (key == NULL) {
        ERR_clear_error(); /* what libcrypto thinks of an unknown kind of key */
        return sv_fail(why, room, SIPVEIL_UNSUPPORTED, "the signer's kind of key is not handled");
    }
    SV_TRY(sv_signer_check_certificate_hash(k->crypto, &s->attributes, certificate, why));
    SV_TRY(sv_signature_check_key(k->crypto, key, s->scheme->kind, k->policy->allow_weak, &weak, why));
    SV_TRY(sv_signature_verify(k->crypto, s->scheme, s->salt, key, s->covered, s->info.signature,
                               &valid, why));
    if (!valid) return bad(why, "CMS-02", "the signature does not verify");
    s->out->weak |= weak;
    s->out->covered = s->covered;
    s->out->value = s->info.signature;
    return SIPVEIL_OK;
}

static void set_certificate(one *s, X509 *certificate)
{
    s->out->certificate = certificate;
    s->out->public_key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
    if (s->out->public_key == NULL) ERR_clear_error();
}

/* The next one from *at on that the SignerInfo names; NULL: no more. */
static X509 *next_named(const check *k, const one *s, size_t *at)
{
    while (*at < k->certificate_count) {
        X509 *certificate = k->certificates[(*at)++];
        if (sv_signer_names(k->crypto, &s->info, certificate)) return certificate;
    }
    return NULL;
}

/* Several certificates may have the name or the key identifier: each is tried (CMS-03). The one
 * that stays, and the reason, is the one that verifies, else the first. */
static sipveil_code check_certificates(const check *k, one *s, sipveil_error *why)
{
    size_t at = 0;
    X509 *first = next_named(k, s, &at);
    if (first == NULL) {
        return sv_fail_rule(why, room, SIPVEIL_UNTRUSTED_SIGNER, "TUN-06", SIPVEIL_NO_OFFSET,
                            "no-certificate: neither the message nor the keyring has the signer's");
    }
    sipveil_code code = try_certificate(k, s, first, why);
    for (X509 *next; code != SIPVEIL_OK && code != SIPVEIL_INTERNAL &&
                     (next = next_named(k, s, &at)) != NULL;) {
        sipveil_error ignored;
        set_certificate(s, next);
        if (try_certificate(k, s, next, &ignored) == SIPVEIL_OK) return SIPVEIL_OK;
    }
    set_certificate(s, first);
    return code;
}

/* ---- one signature ---- */

static sipveil_code judge(const check *k, one *s, sipveil_error *why)
{
    size_t at = 0;
    set_certificate(s, next_named(k, s, &at)); /* who it claims to be, whatever comes of it */
    SV_TRY(check_digest_algorithm(k, s, why));
    SV_TRY(check_signature_algorithm(s, why));
    if (s->info.has_attributes) {
        SV_TRY(sv_signed_attributes_read(s->info.attributes, k->limits, &s->attributes, why));
        SV_TRY(check_attributes(k, s, why));
    } else {
        SV_TRY(check_bare_content(k, s, why));
    }
    return check_certificates(k, s, why);
}

static sipveil_code record(const check *k, sv_signature *out, sipveil_code code,
                           const sipveil_error *why, sipveil_error *err)
{
    if (code == SIPVEIL_OK) {
        out->state = SV_SIGNATURE_VALID;
        out->rule = "";
        return SIPVEIL_OK;
    }
    if (code == SIPVEIL_INTERNAL || code == SIPVEIL_LIMIT || code == SIPVEIL_MALFORMED) {
        if (err != NULL) *err = *why;
        return code;
    }
    out->state = code == SIPVEIL_BAD_SIGNATURE ? SV_SIGNATURE_INVALID : SV_SIGNATURE_UNCHECKED;
    out->code = code;
    out->rule = sv_arena_string(k->arena, sv_span_str(why->rule));
    (void)snprintf(out->why, sizeof out->why, "%.*s", (int)sizeof out->why - 1, why->text);
    out->has_time = false; /* claims of nobody */
    out->time = 0;
    out->capabilities = sv_span(NULL, 0);
    return out->rule != NULL ? SIPVEIL_OK : sv_no_memory(err, room);
}

static sipveil_code check_one(const check *k, sipveil_span tlv, sv_signature *out,
                              sipveil_error *err)
{
    one s = {.out = out};
    sipveil_error why;
    SV_TRY(sv_signer_info_read(tlv, k->limits, k->arena, &s.info, err));
    out->issuer = s.info.issuer;
    out->serial = s.info.serial;
    out->ski = s.info.ski;
    out->digest = out->algorithm = "unknown";
    sipveil_code code = judge(k, &s, &why);
    return record(k, out, code, &why, err);
}

/* ---- all of them ---- */

static void free_stack(void *stack)
{
    sk_X509_free(stack); /* the certificates belong to the arena */
}

static sipveil_code decode_certificates(check *k, X509 *const *known, size_t known_count,
                                        sipveil_error *err)
{
    size_t own = k->data->certificate_count;
    k->certificates = sv_arena_alloc_array(k->arena, own + known_count, sizeof(X509 *));
    if (k->certificates == NULL) return sv_no_memory(err, room);
    for (size_t i = 0; i < own; i++) {
        sipveil_code code = sv_crypto_decode_certificate(k->crypto, k->data->certificates[i],
                                                         k->arena, &k->certificates[i], err);
        if (code != SIPVEIL_OK) return code;
    }
    for (size_t i = 0; i < known_count; i++) k->certificates[own + i] = known[i];
    k->certificate_count = own + known_count;
    return SIPVEIL_OK;
}

static sipveil_code make_stack(const check *k, STACK_OF(X509) * *out, sipveil_error *err)
{
    STACK_OF(X509) *stack = sk_X509_new_reserve(NULL, (int)k->data->certificate_count);
    if (stack == NULL) return sv_no_memory(err, room);
    for (size_t i = 0; i < k->data->certificate_count; i++) {
        if (sk_X509_push(stack, k->certificates[i]) <= 0) {
            sk_X509_free(stack);
            return sv_no_memory(err, room);
        }
    }
    if (!sv_arena_defer(k->arena, free_stack, stack)) return sv_no_memory(err, room);
    *out = stack;
    return SIPVEIL_OK;
}

sipveil_code sv_cms_check_signatures(sv_crypto *crypto, const sv_signed *signed_data,
                                     sipveil_span octets, X509 *const *known, size_t known_count,
                                     const sv_cms_policy *policy, sv_arena *arena,
                                     sv_signature **signatures, STACK_OF(X509) * *certificates,
                                     sipveil_error *err)
{
    check k = {.crypto = crypto,
               .limits = &sv_crypto_context(crypto)->hooks.limits,
               .policy = policy,
               .arena = arena,
               .data = signed_data,
               .octets = octets};
    *signatures = NULL;
    if (certificates != NULL) *certificates = NULL;
    SV_TRY(decode_certificates(&k, known, known_count, err));
    sv_signature *all = sv_arena_alloc_array(arena, signed_data->signer_count, sizeof *all);
    if (all == NULL) return sv_no_memory(err, room);
    for (size_t i = 0; i < signed_data->signer_count; i++) {
        sipveil_code code = check_one(&k, signed_data->signer_infos[i], &all[i], err);
        if (code != SIPVEIL_OK) {
            sv_fail_prefix(err, "signer %zu: ", i + 1);
            return code;
        }
    }
    if (certificates != NULL) SV_TRY(make_stack(&k, certificates, err));
    *signatures = all;
    return SIPVEIL_OK;
}
