/* SPDX-License-Identifier: BSD-2-Clause */
/* Ours against libcrypto's CMS, on the same octets with the same keys: encrypted messages are opened and
 * signed ones verified by both. Where one says yes and the other no, or both say yes to different octets,
 * that is a finding, unless it is one of the rules named below, where one of the two is meant to be the
 * stricter. Keys are of the kinds that both handle; the certificates are self-signed and not judged. */
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/fuzz_target.h"
#include "cms/der_read.h"
#include "cms/fuzz_identities.h"
#include "cms/oid.h"
#include "cms/recipient.h"

enum { KEK, PASSWORD, AGREED, TRANSPORTED, KEYS, OUTPUT_MOST = 1 << 16 };

static sipveil_context *context;
static sv_crypto *crypto;
static sv_arena *arena;
static sv_cms_key keys[KEYS];
static X509 *known[3]; /* of P256, RSA, and of the signer of the seeds */
enum { KNOWN = 3 };

static X509 *certificate_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = X509_new_ex(context->library, NULL);
    must(PEM_read_bio_X509(bio, &certificate, NULL, NULL) != NULL);
    BIO_free(bio);
    return certificate;
}

static sv_cms_key identity(const char *key_pem, const char *certificate_pem, X509 **certificate)
{
    BIO *bio = BIO_new_mem_buf(key_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, context->library, NULL);
    BIO_free(bio);
    must(key != NULL);
    *certificate = certificate_of(certificate_pem);
    uint8_t *issuer = NULL;
    int length = i2d_X509_NAME(X509_get_issuer_name(*certificate), &issuer);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(*certificate);
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(*certificate);
    must(length > 0 && ski != NULL);
    return (sv_cms_key){.kind = SV_CMS_KEY_CERTIFICATE, .certificate = *certificate, .public_key = key, .private_key = key,
                        .issuer = sv_span(issuer, (size_t)length),
                        .serial = sv_span(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)),
                        .ski = sv_span(ASN1_STRING_get0_data(ski), (size_t)ASN1_STRING_length(ski))};
}

static void set_up(void)
{
    static const uint8_t kek[32] = "test key of the fuzz target";
    sipveil_hooks hooks;
    sipveil_hooks_default(&hooks);
    hooks.limits.iterations = 2100; /* those of `openssl cms`, once */
    hooks.limits.iterations_least = 1;
    must(sipveil_context_new(&hooks, &context, NULL) == SIPVEIL_OK);
    must(sv_crypto_new(context, &crypto, NULL) == SIPVEIL_OK);
    must((arena = sv_arena_new(1 << 16, 1 << 26)) != NULL);
    keys[KEK] = (sv_cms_key){.kind = SV_CMS_KEY_KEK, .kek_id = SV_SPAN("kek-128"), .kek = sv_span(kek, 16)};
    keys[PASSWORD] = (sv_cms_key){.kind = SV_CMS_KEY_PASSWORD, .password = SV_SPAN("fuzz")};
    keys[AGREED] = identity(fuzz_p256_key, fuzz_p256_certificate, &known[0]);
    keys[TRANSPORTED] = identity(fuzz_rsa_key, fuzz_rsa_certificate, &known[1]);
    known[2] = certificate_of(fuzz_signer_certificate);
    ERR_clear_error();
}

/* ---- libcrypto's answer ---- */

typedef struct answer {
    bool decoded;
    bool good;
    sipveil_span octets;
} answer;

static CMS_ContentInfo *decode(sipveil_span octets)
{
    CMS_ContentInfo *cms = CMS_ContentInfo_new_ex(context->library, NULL);
    const uint8_t *at = octets.data;
    if (cms != NULL && d2i_CMS_ContentInfo(&cms, &at, (long)octets.len) != NULL) {
        if (at == octets.data + octets.len) return cms; /* ADV-050: what follows is refused by us alone */
    }
    CMS_ContentInfo_free(cms);
    return NULL;
}

static sipveil_span take_output(BIO *out)
{
    char *data;
    long length = BIO_get_mem_data(out, &data);
    sipveil_span copy = {0};
    must_always(length >= 0);
    (void)sv_arena_copy(arena, sv_span(data, (size_t)length), &copy);
    return copy;
}

static bool give_key(CMS_ContentInfo *cms, size_t key)
{
    uint8_t octets[32], id[] = "kek-128", password[] = "fuzz";
    if (CMS_decrypt(cms, NULL, NULL, NULL, NULL, CMS_DEBUG_DECRYPT) != 1) return false;
    if (key == PASSWORD) return CMS_decrypt_set1_password(cms, password, 4) == 1;
    if (key != KEK) return CMS_decrypt_set1_pkey(cms, keys[key].private_key, keys[key].certificate) == 1;
    memcpy(octets, keys[KEK].kek.data, 16);
    return CMS_decrypt_set1_key(cms, octets, 16, id, 7) == 1;
}

static answer their_opening(sipveil_span octets, size_t key)
{
    answer a = {0};
    CMS_ContentInfo *cms = decode(octets);
    BIO *out = BIO_new(BIO_s_mem());
    a.decoded = cms != NULL;
    if (cms != NULL && out != NULL && give_key(cms, key)) {
        a.good = CMS_decrypt(cms, NULL, NULL, NULL, out, CMS_BINARY) == 1;
        if (a.good) a.octets = take_output(out);
    }
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    must(!a.good || a.octets.data != NULL); /* here, where nothing is left to give back */
    return a;
}

static answer their_verification(sipveil_span octets, sipveil_span detached)
{
    answer a = {0};
    BIO *in = detached.len > 0 ? BIO_new_mem_buf(detached.data, (int)detached.len) : NULL;
    CMS_ContentInfo *cms = decode(octets);
    BIO *out = BIO_new(BIO_s_mem());
    STACK_OF(X509) *given = sk_X509_new_null();
    for (size_t i = 0; i < KNOWN; i++) must(sk_X509_push(given, known[i]) > 0);
    a.decoded = cms != NULL;
    if (cms != NULL && out != NULL) {
        a.good = CMS_verify(cms, given, NULL, in, out, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;
        if (a.good) a.octets = take_output(out);
    }
    sk_X509_free(given);
    BIO_free(in);
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    must(!a.good || a.octets.data != NULL); /* here, where nothing is left to give back */
    return a;
}

/* ---- opening ---- */

static const sv_cms_policy policy = {.allow_weak = SIPVEIL_WEAK_SHA1 | SIPVEIL_WEAK_3DES | SIPVEIL_WEAK_RSA1024 |
                                                   SIPVEIL_WEAK_RSA_V15_TRANSPORT | SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES};

typedef struct message {
    sipveil_span octets;
    sv_enveloped enveloped;
    size_t key;
    size_t fits; /* recipients that name the key */
    const sv_recipient *recipient; /* the first of them */
    sv_recipient room;
} message;

static const char *algorithm_of(const sv_recipient *recipient)
{
    bool weak;
    return sv_cms_describe_recipient(recipient, arena, &weak);
}

/* We say no and libcrypto yes: each rule of ours that makes it so. */
static const char *why_we_are_stricter(const message *m)
{
    const sv_enveloped *e = &m->enveloped;
    const sv_cipher_row *cipher = sv_cipher_row_of(e->cipher);
    if (e->cipher == SIPVEIL_CIPHER_NONE) return "ADV-063: a cipher that is not ours";
    if (!e->has_ciphertext) return "ADV-069: no content";
    if (e->authenticated && (e->tag.len != e->tag_length || e->tag.len < SV_TAG_LEAST)) return "ADV-061: a short tag";
    if (e->authenticated && !sv_cipher_takes_iv(cipher, e->iv.len)) return "ADV-067: a nonce that is not of 12 octets";
    if (e->auth_attributes.len > 0) return "ADV-070: content-type among the authenticated attributes";
    if (e->authenticated && e->content_kind != SV_CMS_DATA) return "ADV-070: not data, and no attributes say so";
    if (!e->authenticated && e->ciphertext.len == 0) return "CBC of no octets";
    for (size_t i = 0; i < e->recipient_count; i++) {
        sv_recipient room;
        const sv_recipient *r = sv_cms_recipient(e, i, &room);
        if (!sv_cms_fits_at(e, i, &keys[m->key])) continue;
        if (strcmp(algorithm_of(r), "unknown") == 0) return "ADV-084, 088, 089, 095: an algorithm or its parameters";
        if (r->kind != SV_RECIPIENT_KARI) continue;
        const sv_derivation *from = r->derivation;
        if (from->unsupported || from->originator_parameters.len > 0) return "CMS-08: the originator's key";
        if (from->originator_key.len == 0) return "CMS-08: a key that is no whole number of octets";
        if (from->originator_key.data[0] == 6 || from->originator_key.data[0] == 7) return "CMS-08: a point in hybrid form";
    }
    if (m->fits > sipveil_context_limits(context)->private_operations) return "ADV-083: too many recipients";
    if (m->recipient != NULL && m->recipient->key_date != INT64_MIN) return "CMS-15: the date";
    return NULL;
}

/* libcrypto says no and we yes. */
static const char *why_they_are_stricter(const message *m, const answer *theirs)
{
    const sv_enveloped *e = &m->enveloped;
    if (!theirs->decoded) return "every Name and attribute of everybody is decoded there; here they are octets";
    if (e->cek_hkdf) return "CMS-14: RFC 9709 is not in libcrypto 3.0";
    if (sv_cipher_row_of(e->cipher)->ccm) return "CMS-05: CCM is not in libcrypto's CMS";
    if (e->authenticated && e->tag_length != SV_TAG_LENGTH) return "CMS-05: aes-ICVlen other than 16, or absent";
    if (e->authenticated && e->auth_attributes.len > 0) return "CMS-04: older libcrypto reads no authAttrs";
    if (m->fits > 1) return "ADV-082: libcrypto tries the first recipient that fits";
    if (strcmp(algorithm_of(m->recipient), "rsa-v1.5") == 0) return "ADV-080: a random key, and garbage out of CBC";
    return NULL;
}

static void judge(const char *what, const char *why)
{
    if (why == NULL && !fuzz_has_refused()) fprintf(stderr, "finding: %s\n", what);
    must(why != NULL);
}

static void open_both(message *m)
{
    sv_opening opening;
    uint64_t iterations = 0;
    m->fits = 0;
    m->recipient = NULL;
    for (size_t i = 0; i < m->enveloped.recipient_count; i++) {
        if (!sv_cms_fits_at(&m->enveloped, i, &keys[m->key])) continue;
        if (m->fits++ == 0) m->recipient = sv_cms_recipient(&m->enveloped, i, &m->room);
    }
    sipveil_code code = sv_cms_open_enveloped(crypto, &m->enveloped, &keys[m->key], 1, &policy, &iterations, arena, &opening, NULL);
    if (code == SIPVEIL_NO_KEY || code == SIPVEIL_LIMIT) return; /* the second: rounds that nobody should do */
    answer theirs = their_opening(m->octets, m->key);
    if (code == SIPVEIL_OK && theirs.good) {
        must(sv_equal(opening.plaintext, theirs.octets));
    } else if (code == SIPVEIL_OK) {
        judge("we open it, libcrypto does not", why_they_are_stricter(m, &theirs));
    } else if (code != SIPVEIL_OK && theirs.good) {
        judge("libcrypto opens it, we do not", why_we_are_stricter(m));
    }
}

static void differ_on_enveloped(sipveil_span octets, sipveil_span content, bool authenticated)
{
    message m = {.octets = octets};
    const sipveil_limits *limits = &context->hooks.limits;
    if (sv_cms_read_enveloped(content, authenticated, limits, &policy, arena, &m.enveloped, NULL) != SIPVEIL_OK) return;
    for (m.key = 0; m.key < KEYS; m.key++) open_both(&m);
}

/* ---- verifying ---- */

/* Rules of ours beyond the arithmetic; each signature says which one it broke. */
static const char *why_ours_is_refused(const sv_signed *s, const sv_signature *signatures)
{
    for (size_t i = 0; i < s->signer_count; i++) {
        const sv_signature *one = &signatures[i];
        if (one->state == SV_SIGNATURE_VALID) continue;
        if (one->code == SIPVEIL_POLICY || one->code == SIPVEIL_UNSUPPORTED) return "ADV-115: weak, or not ours";
        if (one->code == SIPVEIL_UNTRUSTED_SIGNER) return "ADV-123: certificates are read one by one, libcrypto takes the known ones first";
        if (strstr(one->why, "no signed attributes") != NULL) return "CMS-02: none, and the content is not data";
        if (strcmp(one->rule, "CMS-02") == 0 || strcmp(one->rule, "TUN-62") == 0) continue; /* arithmetic: look on */
        return "ADV-058, 111, 116, TUN-57, 58: the signed attributes";
    }
    return NULL;
}

static const char *why_theirs_is_refused(const sv_signed *s, const sv_signature *signatures, const answer *theirs)
{
    if (!theirs->decoded) return "every attribute and revocation list is decoded there; here they are octets";
    for (size_t i = 0; i < s->signer_count; i++) {
        if (strcmp(signatures[i].algorithm, "ed25519") == 0) return "CMS-02: Ed25519 is not in libcrypto 3.0's CMS";
        if (signatures[i].no_signed_attributes) return "CMS-02: read by name";
    }
    return NULL;
}

static void differ_on_signed(sipveil_span octets, sipveil_span content)
{
    sv_signed s;
    sv_signature *signatures;
    if (sv_cms_read_signed(content, &context->hooks.limits, &policy, arena, &s, NULL) != SIPVEIL_OK) return;
    if (s.signer_count == 0) return; /* ADV-112: judged above this room */
    sipveil_span detached = s.has_content ? sv_span(NULL, 0) : sv_span_str(fuzz_detached_text);
    sipveil_span covered = s.has_content ? s.content : detached;
    if (sv_cms_check_signatures(crypto, &s, covered, known, KNOWN, &policy, arena, &signatures, NULL, NULL) != SIPVEIL_OK) return;
    bool valid = true;
    for (size_t i = 0; i < s.signer_count; i++) valid = valid && signatures[i].state == SV_SIGNATURE_VALID;
    answer theirs = their_verification(octets, detached);
    if (valid && theirs.good) must(sv_equal(covered, theirs.octets));
    if (valid && !theirs.good) judge("we verify it, libcrypto does not", why_theirs_is_refused(&s, signatures, &theirs));
    if (!valid && theirs.good) judge("libcrypto verifies it, we do not", why_ours_is_refused(&s, signatures));
}

void fuzz_input(const uint8_t *data, size_t size)
{
    sipveil_span content, octets = sv_span(data, size);
    sv_cms_type type;
    if (context == NULL) set_up();
    if (size > OUTPUT_MOST) return;
    sv_arena_reset(arena);
    if (sv_cms_read_content_info(octets, &context->hooks.limits, &type, &content, NULL) != SIPVEIL_OK) return;
    if (type == SV_CMS_ENVELOPED || type == SV_CMS_AUTH_ENVELOPED) {
        differ_on_enveloped(octets, content, type == SV_CMS_AUTH_ENVELOPED);
    } else if (type == SV_CMS_SIGNED) {
        differ_on_signed(octets, content);
    }
    must(ERR_peek_error() == 0);
}
