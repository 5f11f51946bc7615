/* SPDX-License-Identifier: BSD-2-Clause */
/* SignedData written (RFC 5652 5, RFC 8551 2.5). Everything is put from the end backwards. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "cms/der_read.h"
#include "cms/der_write.h"
#include "cms/oid.h"
#include "crypto/certificate.h"
#include "crypto/sign.h"

static const char room[] = "cms";

enum {
    CONTEXT_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED,
    FRAME = 256,      /* octets around content, certificates and signers */
    ATTRIBUTES = 768, /* octets of the signed attributes, but for issuer and serial number */
    ALGORITHMS = 256, /* octets of a SignerInfo beside attributes, sid and signature */
    VERSION_BY_NAME = 1,
    VERSION_BY_IDENTIFIER = 3
};

/* What we can read, most wanted first in each group: signatures, content encryption, authenticated
 * content encryption, keys, the rest (TUN-57; RFC 8551 2.5.2). Compared by their octets. */
/* clang-format off */
static const char capabilities[] =
    "\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02"                 /* ecdsa-with-SHA256 */
    "\x30\x05\x06\x03\x2B\x65\x70"                                     /* Ed25519 */
    "\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B\x05\x00"     /* sha256WithRSAEncryption */
    "\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2A"             /* aes256-CBC */
    "\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02"             /* aes128-CBC */
    "\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2E"             /* aes256-GCM */
    "\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x06"             /* aes128-GCM */
    "\x30\x1A\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x13\x30" /* ECDH, HKDF-SHA256 */
    "\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2D"                 /*   with aes256-wrap */
    "\x30\x15\x06\x06\x2B\x81\x04\x01\x0B\x01\x30"                     /* ECDH, X9.63 SHA-256 */
    "\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x05"                 /*   with aes128-wrap */
    "\x30\x0D\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x08"     /* zlib */
    "\x30\x0D\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x1F";    /* CEK by HKDF-SHA256 */
/* clang-format on */

/* One signer's share. */
typedef struct share {
    const sv_cms_key *key;
    const sv_signature_scheme *scheme;
    const sv_digest *digest;
    sipveil_span info; /* SignerInfo TLV */
} share;

typedef struct job {
    sv_crypto *crypto;
    const sv_sign_request *request;
    sipveil_span content;
    sipveil_span content_type; /* OID content octets */
    bool by_identifier;
    sv_arena *arena;
    share *shares;
} job;

/* ---- signed attributes ---- */

/* Wraps the value written since the mark as an attribute with this one value. */
static void wrap_attribute(sv_der_writer *w, sv_oid type, sv_der_mark since)
{
    sv_der_wrap(w, SV_DER_SET, since);
    sv_der_put_oid(w, sv_oid_content(type));
    sv_der_wrap(w, SV_DER_SEQUENCE, since);
}

/* SigningCertificateV2 {certs {ESSCertIDv2 {certHash}}}: SHA-256 is the default and left out, and
 * so are issuer and serial number, which the hash covers (RFC 5035 4). */
static sipveil_code put_signing_certificate(const job *j, X509 *certificate, sv_der_writer *w,
                                            sipveil_error *err)
{
    uint8_t hash[32];
    sv_der_mark mark = sv_der_mark_here(w);
    SV_TRY(sv_crypto_hash_certificate(j->crypto, certificate, hash, err));
    sv_der_put_value(w, SV_DER_OCTET_STRING, sv_span(hash, sizeof hash));
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
    wrap_attribute(w, SV_OID_SIGNING_CERTIFICATE_V2, mark);
    return SIPVEIL_OK;
}

/* "Encrypt to me with this one" makes sense when the certificate goes along and its key may do it.
 */
static bool can_receive(const job *j, const sv_cms_key *key)
{
    sv_key_facts room_for_facts;
    uint32_t usage = X509_get_key_usage(key->certificate); /* all bits set if it does not say */
    if (usage == 0 || usage == UINT32_MAX) ERR_clear_error(); /* it may have failed: an empty queue takes time as well */
    if (j->request->no_certificates) return false;
    sv_key_type type = sv_key_look(j->crypto, key->public_key, &room_for_facts)->type;
    if (type == SV_KEY_RSA) return (usage & KU_KEY_ENCIPHERMENT) != 0;
    return type == SV_KEY_EC && (usage & KU_KEY_AGREEMENT) != 0;
}

static void put_issuer_and_serial(sv_der_writer *w, uint8_t tag, const sv_cms_key *key)
{
    sv_der_mark mark = sv_der_mark_here(w);
    sv_der_put_value(w, SV_DER_INTEGER, key->serial);
    sv_der_put(w, key->issuer);
    sv_der_wrap(w, tag, mark);
}

/* The SET OF as it is signed (tag 31); *set lies in the arena. */
static sipveil_code make_attributes(const job *j, const share *s, sipveil_span digest,
                                    sipveil_span *set, sipveil_error *err)
{
    sv_der_writer w;
    sv_der_mark mark;
    if (!sv_der_writer_init(&w, j->arena, ATTRIBUTES + s->key->issuer.len + s->key->serial.len)) {
        return sv_no_memory(err, room);
    }
    SV_TRY(put_signing_certificate(j, s->key->certificate, &w, err));
    if (can_receive(j, s->key)) {
        mark = sv_der_mark_here(&w);
        put_issuer_and_serial(&w, CONTEXT_CONSTRUCTED | 0, s->key);
        wrap_attribute(&w, SV_OID_ENCRYPTION_KEY_PREFERENCE, mark);
    }
    mark = sv_der_mark_here(&w);
    sv_der_put_value(&w, SV_DER_SEQUENCE, sv_span(capabilities, sizeof capabilities - 1));
    wrap_attribute(&w, SV_OID_SMIME_CAPABILITIES, mark);
    mark = sv_der_mark_here(&w);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, digest);
    wrap_attribute(&w, SV_OID_MESSAGE_DIGEST, mark);
    mark = sv_der_mark_here(&w);
    sv_der_put_time(&w, j->request->time);
    wrap_attribute(&w, SV_OID_SIGNING_TIME, mark);
    mark = sv_der_mark_here(&w);
    sv_der_put_oid(&w, j->content_type);
    wrap_attribute(&w, SV_OID_CONTENT_TYPE, mark);
    sv_der_sort_set(&w, 0, j->arena);
    sv_der_wrap(&w, SV_DER_SET, 0);
    *set = sv_der_written(&w);
    return sv_der_writer_check(&w, err);
}

/* ---- algorithms ---- */

static void put_digest_algorithm(sv_der_writer *w, const sv_digest *digest)
{
    sv_der_mark mark = sv_der_mark_here(w);
    sv_der_put_oid(w, digest->oid); /* parameters absent: RFC 5754 2 */
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
}

/* RSASSA-PSS-params: one hash throughout, and a salt of its length (RFC 4056 3). */
static void put_pss_parameters(sv_der_writer *w, const sv_digest *digest)
{
    sv_der_mark all = sv_der_mark_here(w), mark = all;
    sv_der_put_number(w, digest->size);
    sv_der_wrap(w, CONTEXT_CONSTRUCTED | 2, mark);
    mark = sv_der_mark_here(w);
    put_digest_algorithm(w, digest);
    sv_der_put_oid(w, sv_oid_content(SV_OID_MGF1));
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
    sv_der_wrap(w, CONTEXT_CONSTRUCTED | 1, mark);
    mark = sv_der_mark_here(w);
    put_digest_algorithm(w, digest);
    sv_der_wrap(w, CONTEXT_CONSTRUCTED | 0, mark);
    sv_der_wrap(w, SV_DER_SEQUENCE, all);
}

static void put_signature_algorithm(sv_der_writer *w, const share *s)
{
    sv_der_mark mark = sv_der_mark_here(w);
    if (s->scheme->kind == SV_SIGNATURE_RSA_PSS) put_pss_parameters(w, s->digest);
    if (s->scheme->kind == SV_SIGNATURE_RSA_V15) sv_der_put_null(w); /* RFC 5754 3.2 */
    sv_der_put_oid(w, s->scheme->oid);
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
}

/* ---- signers ---- */

static sipveil_code choose(const job *j, share *s, sipveil_error *err)
{
    const sv_cms_key *key = s->key;
    bool weak;
    if (key->kind != SV_CMS_KEY_CERTIFICATE || key->certificate == NULL ||
        !sv_cms_key_is_ours(key) || key->public_key == NULL || key->issuer.len == 0 || key->serial.len == 0 ||
        (j->by_identifier && key->ski.len == 0)) {
        return sv_fail(err, room, SIPVEIL_USAGE,
                       "a signer needs a certificate and its private key");
    }
    s->scheme = sv_signature_scheme_for(j->crypto, key->public_key, j->request->rsa_v15);
    if (s->scheme == NULL) {
        return sv_fail_rule(
            err, room, SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
            "the signer's key is not of a kind that signs: RSA, P-256, P-384, P-521 or Ed25519");
    }
    s->digest = sv_digest_by_name(s->scheme->digest);
    return sv_signature_check_key(j->crypto, key->public_key, s->scheme->kind, 0, &weak, err);
}

static sipveil_code make_signature(const job *j, const share *s, sipveil_span set, sipveil_span *signature,
                                   sipveil_error *err)
{
    uint8_t digest[SV_DIGEST_MOST];
    const sv_held_key *held = s->key->held;
    bool valid;
    if (held == NULL) {
        return sv_signature_make(j->crypto, s->scheme, s->key->private_key, s->key->prepared, set, j->arena, signature, err);
    }
    if (held->operations->sign == NULL || s->scheme->kind == SV_SIGNATURE_ED25519) {
        return sv_fail(err, room, SIPVEIL_USAGE, "the signer's key is on a token and does not make %s signatures",
                       s->scheme->name);
    }
    SV_TRY(sv_digest_octets(j->crypto, s->digest, set, digest, err));
    SV_TRY(held->operations->sign(held, s->scheme, sv_span(digest, s->digest->size), j->arena, signature, err));
    /* Nothing else has told that key and certificate belong together, nor that the token is in order. */
    SV_TRY(sv_signature_verify(j->crypto, s->scheme, s->digest->size, s->key->public_key, set, *signature, &valid, err));
    if (valid) return SIPVEIL_OK;
    return sv_fail(err, room, SIPVEIL_USAGE, "the signature that the token made is not one of the certificate's key");
}

static sipveil_code make_signer_info(const job *j, share *s, sipveil_error *err)
{
    uint8_t digest[SV_DIGEST_MOST];
    sipveil_span set, signature;
    sv_der_writer w;
    SV_TRY(sv_digest_octets(j->crypto, s->digest, j->content, digest, err));
    SV_TRY(make_attributes(j, s, sv_span(digest, s->digest->size), &set, err));
    SV_TRY(make_signature(j, s, set, &signature, err));
    size_t size =
        set.len + signature.len + s->key->issuer.len + s->key->serial.len + s->key->ski.len;
    if (!sv_der_writer_init(&w, j->arena, size + ALGORITHMS)) return sv_no_memory(err, room);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, signature);
    put_signature_algorithm(&w, s);
    sv_der_put(&w, sv_span_from(set, 1)); /* the same octets, but under [0] */
    sv_der_put(&w, SV_SPAN("\xA0"));
    put_digest_algorithm(&w, s->digest);
    if (j->by_identifier) {
        sv_der_put_value(&w, SV_DER_CONTEXT | 0, s->key->ski);
    } else {
        put_issuer_and_serial(&w, SV_DER_SEQUENCE, s->key);
    }
    sv_der_put_number(&w, j->by_identifier ? VERSION_BY_IDENTIFIER : VERSION_BY_NAME);
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    s->info = sv_der_written(&w);
    return sv_der_writer_check(&w, err);
}

/* ---- certificates ---- */

static sipveil_code put_certificate(sv_der_writer *w, const X509 *certificate, sipveil_error *err)
{
    int len = i2d_X509(certificate, NULL);
    uint8_t *at = len > 0 ? sv_der_put_room(w, (size_t)len) : NULL;
    if (len > 0 && at == NULL) return SIPVEIL_OK; /* the writer's own failure is seen at the end */
    if (len <= 0 || i2d_X509(certificate, &at) != len) {
        return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "cannot encode a certificate");
    }
    return SIPVEIL_OK;
}

static bool stands_before(X509 *const *all, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (X509_cmp(all[i], all[at]) == 0) return true;
    }
    return false;
}

/* certificates [0]: each once, in DER order. */
static sipveil_code put_certificate_set(sv_der_writer *w, X509 *const *all, size_t count,
                                        sv_arena *arena, sipveil_error *err)
{
    sv_der_mark mark = sv_der_mark_here(w);
    for (size_t i = 0; i < count; i++) {
        if (!stands_before(all, i)) SV_TRY(put_certificate(w, all[i], err));
    }
    sv_der_sort_set(w, mark, arena);
    sv_der_wrap(w, CONTEXT_CONSTRUCTED | 0, mark);
    return SIPVEIL_OK;
}

static size_t size_of_certificates(X509 *const *all, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        int len = i2d_X509(all[i], NULL);
        if (len > 0) sum += (size_t)len;
    }
    return sum;
}

/* ContentInfo around what was written since the mark. */
static sipveil_code finish(sv_der_writer *w, sv_buffer *out, sipveil_error *err)
{
    sv_der_wrap(w, SV_DER_SEQUENCE, 0);
    sv_der_wrap(w, CONTEXT_CONSTRUCTED | 0, 0);
    sv_der_put_oid(w, sv_oid_content(SV_OID_SIGNED_DATA));
    sv_der_wrap(w, SV_DER_SEQUENCE, 0);
    SV_TRY(sv_der_writer_check(w, err));
    sv_put(out, sv_der_written(w));
    return sv_buffer_check(out, room, err);
}

/* ---- the whole ---- */

static bool digest_stands_before(const job *j, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (j->shares[i].digest == j->shares[at].digest) return true;
    }
    return false;
}

static void put_digest_algorithms(const job *j, sv_der_writer *w)
{
    sv_der_mark mark = sv_der_mark_here(w);
    for (size_t i = 0; i < j->request->signer_count; i++) {
        if (!digest_stands_before(j, i)) put_digest_algorithm(w, j->shares[i].digest);
    }
    sv_der_sort_set(w, mark, j->arena);
    sv_der_wrap(w, SV_DER_SET, mark);
}

static void put_content(const job *j, sv_der_writer *w)
{
    sv_der_mark mark = sv_der_mark_here(w);
    if (!j->request->detached) {
        sv_der_put_value(w, SV_DER_OCTET_STRING, j->content);
        sv_der_wrap(w, CONTEXT_CONSTRUCTED | 0, mark);
    }
    sv_der_put_oid(w, j->content_type);
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
}

static sipveil_code put_signed_data(const job *j, X509 *const *certificates,
                                    size_t certificate_count, sv_buffer *out, sipveil_error *err)
{
    sv_der_writer w;
    size_t size = FRAME + size_of_certificates(certificates, certificate_count);
    bool plain = !j->by_identifier && sv_oid_is(j->content_type, SV_OID_DATA);
    if (!j->request->detached) size += j->content.len;
    for (size_t i = 0; i < j->request->signer_count; i++) size += j->shares[i].info.len;
    if (!sv_der_writer_init(&w, j->arena, size)) return sv_no_memory(err, room);
    for (size_t i = 0; i < j->request->signer_count; i++) sv_der_put(&w, j->shares[i].info);
    sv_der_sort_set(&w, 0, j->arena);
    sv_der_wrap(&w, SV_DER_SET, 0);
    if (certificate_count > 0) {
        SV_TRY(put_certificate_set(&w, certificates, certificate_count, j->arena, err));
    }
    put_content(j, &w);
    put_digest_algorithms(j, &w);
    sv_der_put_number(&w, plain ? VERSION_BY_NAME : VERSION_BY_IDENTIFIER);
    return finish(&w, out, err);
}

/* The signers' own certificates, then those to send along. */
static sipveil_code list_certificates(const job *j, X509 ***out, size_t *count, sipveil_error *err)
{
    const sv_sign_request *request = j->request;
    size_t total = request->no_certificates ? 0 : request->signer_count + request->extra_count;
    X509 **all = sv_arena_alloc_array(j->arena, total, sizeof(X509 *));
    if (all == NULL) return sv_no_memory(err, room);
    for (size_t i = 0; i < total; i++) {
        all[i] = i < request->signer_count ? request->signers[i].certificate
                                           : request->extra_certificates[i - request->signer_count];
    }
    *out = all;
    *count = total;
    return SIPVEIL_OK;
}

sipveil_code sv_cms_sign(sv_crypto *crypto, const sv_sign_request *request, sipveil_span content,
                         sv_arena *arena, sv_buffer *out, sipveil_error *err)
{
    job j = {crypto, request, content, sv_oid_content(SV_OID_DATA), request->by_key_identifier,
             arena,  NULL};
    const sipveil_limits *limits = &sv_crypto_context(crypto)->hooks.limits;
    uint8_t oid[SV_OID_MOST];
    X509 **certificates = NULL;
    size_t certificate_count = 0, len;
    ERR_clear_error();
    if (request->signer_count == 0) return sv_fail(err, room, SIPVEIL_USAGE, "no signer is given");
    if (request->signer_count > limits->signers) {
        return sv_fail(err, room, SIPVEIL_LIMIT, "%zu signers; the limit is %zu",
                       request->signer_count, limits->signers);
    }
    if (request->content_type_oid != NULL) {
        if (!sv_oid_from_dotted(request->content_type_oid, oid, &len)) {
            return sv_fail(err, room, SIPVEIL_USAGE, "%s is not an object identifier",
                           SV_QUOTE(sv_span_str(request->content_type_oid)));
        }
        j.content_type = sv_span(oid, len);
    }
    j.shares = sv_arena_alloc_array(arena, request->signer_count, sizeof *j.shares);
    if (j.shares == NULL) return sv_no_memory(err, room);
    for (size_t i = 0; i < request->signer_count; i++) {
        j.shares[i].key = &request->signers[i];
        SV_TRY(choose(&j, &j.shares[i], err));
        SV_TRY(make_signer_info(&j, &j.shares[i], err));
    }
    SV_TRY(list_certificates(&j, &certificates, &certificate_count, err));
    return put_signed_data(&j, certificates, certificate_count, out, err);
}

const char *sv_cms_micalg(const sv_sign_request *request)
{
    /* by bits: sha-256, sha-384, sha-512 */
    static const char *const lists[8] = {
        "unknown", "sha-256",         "sha-384",         "sha-256,sha-384",
        "sha-512", "sha-256,sha-512", "sha-384,sha-512", "sha-256,sha-384,sha-512"};
    unsigned bits = 0;
    for (size_t i = 0; i < request->signer_count; i++) {
        EVP_PKEY *key = request->signers[i].public_key;
        const sv_signature_scheme *scheme =
            key != NULL ? sv_signature_scheme_for(NULL, key, request->rsa_v15) : NULL;
        if (scheme == NULL) continue;
        bits |= strcmp(scheme->digest, "sha256") == 0   ? 1
                : strcmp(scheme->digest, "sha384") == 0 ? 2
                                                        : 4;
    }
    return lists[bits];
}

sipveil_code sv_cms_put_certificates(X509 *const *certificates, size_t count, sv_arena *arena,
                                     sv_buffer *out, sipveil_error *err)
{
    sv_der_writer w;
    ERR_clear_error();
    if (count == 0) return sv_fail(err, room, SIPVEIL_USAGE, "no certificate is given");
    if (!sv_der_writer_init(&w, arena, FRAME + size_of_certificates(certificates, count))) {
        return sv_no_memory(err, room);
    }
    sv_der_put_value(&w, SV_DER_SET, sv_span(NULL, 0));
    SV_TRY(put_certificate_set(&w, certificates, count, arena, err));
    sv_der_mark mark = sv_der_mark_here(&w);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, mark);
    sv_der_put_value(&w, SV_DER_SET, sv_span(NULL, 0));
    sv_der_put_number(&w, VERSION_BY_NAME);
    return finish(&w, out, err);
}
