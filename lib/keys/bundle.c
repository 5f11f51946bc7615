/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/bundle.h"

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/span.h"
#include "keys/certificate.h"

static const char begin_line[] = "-----BEGIN ", end_line[] = "-----END ", dashes[] = "-----";

/* ---- what is it ---- */

sv_content sv_content_kind(sipveil_span octets, bool *secret)
{
    size_t at;
    sipveil_span text = sv_trim(octets);
    *secret = true;
    if (text.len > 0 && text.data[0] == '{') return SV_CONTENT_JWK;
    if (sv_find(octets, SV_SPAN(begin_line), &at)) {
        *secret = sv_find(octets, SV_SPAN("PRIVATE KEY-----"), &at);
        return SV_CONTENT_PEM;
    }
    if (octets.len > 4 && octets.data[0] == 0x30) {
        /* Within the first SEQUENCE, a certificate goes on with a SEQUENCE, PKCS#12 with an INTEGER. */
        size_t inside = octets.data[1] < 0x80 ? 2 : 2 + (size_t)(octets.data[1] & 0x7F);
        if (inside < octets.len && octets.data[inside] == 0x30) {
            *secret = false;
            return SV_CONTENT_CERTIFICATE;
        }
        return SV_CONTENT_PKCS12;
    }
    *secret = false; /* nothing that we know */
    return SV_CONTENT_UNKNOWN;
}

/* ---- PEM ---- */

/* Goes to the next BEGIN that stands at the start of a line. */
static bool find_begin(sv_cursor *c)
{
    for (size_t at; sv_find(sv_rest(c), SV_SPAN(begin_line), &at);) {
        c->at += at;
        if (c->at == c->start || c->at[-1] == '\n' || c->at[-1] == '\r') return true;
        c->at++;
    }
    c->at = c->end;
    return false;
}

sipveil_code sv_pem_take(sv_cursor *c, sv_pem_block *out, bool *found, sipveil_error *err)
{
    size_t at;
    *found = find_begin(c);
    if (!*found) return SIPVEIL_OK;
    const uint8_t *start = c->at;
    c->at += sizeof begin_line - 1;
    if (!sv_find(sv_rest(c), SV_SPAN(dashes), &at) || at > 64) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "a PEM block has no proper BEGIN line");
    }
    (void)sv_take(c, at, &out->label);
    while (sv_find(sv_rest(c), SV_SPAN(end_line), &at)) {
        c->at += at + sizeof end_line - 1;
        sipveil_span label;
        if (sv_take(c, out->label.len, &label) && sv_equal(label, out->label) &&
            sv_take_literal(c, dashes)) {
            out->whole = sv_span(start, (size_t)(c->at - start));
            return SIPVEIL_OK;
        }
    }
    return sv_fail(err, "keys", SIPVEIL_USAGE, "the PEM block \"%s\" has no END line",
                   SV_QUOTE(out->label));
}

static bool is_certificate(const sv_pem_block *block)
{
    return sv_equal_str(block->label, "CERTIFICATE") || sv_equal_str(block->label, "X509 CERTIFICATE");
}

static bool is_private_key(const sv_pem_block *block)
{
    size_t at;
    return sv_find(block->label, SV_SPAN("PRIVATE KEY"), &at);
}

/* Parameters that `openssl ecparam -genkey` writes before a key that holds them itself. */
static bool is_idle(const sv_pem_block *block)
{
    return sv_equal_str(block->label, "EC PARAMETERS");
}

static sipveil_code read_pem_certificate(sv_bundle *bundle, const sv_pem_block *block,
                                         sipveil_error *err)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    BIO *bio = BIO_new_mem_buf(block->whole.data, (int)block->whole.len);
    if (bio == NULL) return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "no memory for a PEM block");
    int read = PEM_read_bio(bio, &name, &header, &data, &len);
    BIO_free(bio);
    sipveil_code code =
        read == 1 ? sv_bundle_add_der(bundle, sv_span(data, (size_t)len), err)
                  : sv_fail_openssl(err, "keys", SIPVEIL_USAGE, "a PEM certificate cannot be read");
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return code;
}

/* With the decoder itself: PEM_read_bio_PrivateKey_ex tries once more with the default library context
 * when it fails, and that is not ours (ADV-221). */
static sipveil_code read_pem_key(sv_bundle *bundle, const sv_pem_block *block,
                                 sv_passphrase *passphrase, sipveil_error *err)
{
    EVP_PKEY *key = NULL;
    ERR_clear_error();
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", NULL, NULL, EVP_PKEY_KEYPAIR,
                                                              bundle->context->library, NULL);
    if (decoder == NULL ||
        OSSL_DECODER_CTX_set_pem_password_cb(decoder, sv_passphrase_ask, passphrase) != 1) {
        OSSL_DECODER_CTX_free(decoder);
        return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "no decoder for private keys");
    }
    const unsigned char *at = block->whole.data;
    size_t left = block->whole.len;
    int decoded = OSSL_DECODER_from_data(decoder, &at, &left);
    OSSL_DECODER_CTX_free(decoder);
    if (decoded != 1 || key == NULL) {
        EVP_PKEY_free(key);
        return sv_passphrase_fail(passphrase, "the private key", err);
    }
    ERR_clear_error();
    return sv_bundle_add_private_key(bundle, key, err);
}

static sipveil_code read_pem(sv_bundle *bundle, sipveil_span octets, sv_passphrase *passphrase,
                             sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(octets, "PEM");
    sv_pem_block block;
    for (bool found;;) {
        SV_TRY(sv_pem_take(&c, &block, &found, err));
        if (!found) return SIPVEIL_OK;
        if (is_certificate(&block)) {
            SV_TRY(read_pem_certificate(bundle, &block, err));
        } else if (passphrase == NULL || is_idle(&block)) {
            continue; /* only certificates are looked for */
        } else if (is_private_key(&block)) {
            SV_TRY(read_pem_key(bundle, &block, passphrase, err));
        } else {
            return sv_fail(err, "keys", SIPVEIL_USAGE,
                           "a PEM block \"%s\" is neither a certificate nor a private key",
                           SV_QUOTE(block.label));
        }
    }
}

/* ---- passphrases ---- */

int sv_passphrase_ask(char *out, int room, int writing, void *passphrase)
{
    sv_passphrase *p = passphrase;
    (void)writing;
    if (p->options == NULL || p->options->passphrase == NULL) {
        p->missing = true;
        return -1;
    }
    int len = p->options->passphrase(p->options->passphrase_user, p->name, out, (size_t)room);
    if (len < 0 || len > room) {
        p->missing = true;
        return -1;
    }
    p->asked = true;
    return len;
}

static bool queue_says_unsupported(void)
{
    bool unsupported = false;
    for (unsigned long e; (e = ERR_get_error()) != 0;) {
        int library = ERR_GET_LIB(e), reason = ERR_GET_REASON(e);
        unsupported |= library == ERR_LIB_EVP &&
                       (reason == ERR_R_UNSUPPORTED || reason == EVP_R_UNSUPPORTED_ALGORITHM ||
                        reason == EVP_R_UNKNOWN_PBE_ALGORITHM || reason == EVP_R_UNKNOWN_CIPHER);
    }
    return unsupported;
}

sipveil_code sv_passphrase_fail(const sv_passphrase *passphrase, const char *what, sipveil_error *err)
{
    bool unsupported = queue_says_unsupported();
    if (passphrase->missing) {
        sv_fail(err, "keys", SIPVEIL_USAGE, "%s is encrypted and there is no passphrase", what);
        return sv_hint(err, SIPVEIL_USAGE, "give one with ,pass=file:F or ,pass=fd:N after the file name");
    }
    if (unsupported) {
        sv_fail(err, "keys", SIPVEIL_USAGE, "%s is encrypted with an old cipher (RC2, DES) or is of "
                "a kind that is not supported", what);
        return sv_hint(err, SIPVEIL_USAGE, "convert it: openssl pkcs12 -legacy -in OLD -out NEW.pem");
    }
    if (passphrase->asked) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "wrong passphrase for %s", what);
    }
    return sv_fail(err, "keys", SIPVEIL_USAGE, "%s cannot be read", what);
}

/* ---- the bundle ---- */

static void free_private_key(void *key)
{
    EVP_PKEY_free(key);
}

static sipveil_code append(sv_bundle *bundle, X509 *certificate, sipveil_error *err)
{
    if (bundle->certificate_count == bundle->certificate_capacity) {
        size_t capacity = bundle->certificate_capacity * 2 + 8;
        X509 **more = sv_arena_alloc_array(bundle->arena, capacity, sizeof(X509 *));
        if (more == NULL) return sv_no_memory(err, "keys");
        for (size_t i = 0; i < bundle->certificate_count; i++) more[i] = bundle->certificates[i];
        bundle->certificates = more;
        bundle->certificate_capacity = capacity;
    }
    if (bundle->certificate_count == SV_BUNDLE_CERTIFICATES) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "more than %d certificates in one file",
                       SV_BUNDLE_CERTIFICATES);
    }
    bundle->certificates[bundle->certificate_count++] = certificate;
    return SIPVEIL_OK;
}

sipveil_code sv_bundle_add_der(sv_bundle *bundle, sipveil_span der, sipveil_error *err)
{
    X509 *certificate;
    SV_TRY(sv_certificate_load(bundle->context, der, bundle->arena, &certificate, err));
    return append(bundle, certificate, err);
}

sipveil_code sv_bundle_add_private_key(sv_bundle *bundle, EVP_PKEY *key, sipveil_error *err)
{
    if (!sv_arena_defer(bundle->arena, free_private_key, key)) return sv_no_memory(err, "keys");
    if (bundle->private_key_count == SV_BUNDLE_PRIVATE_KEYS) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "more than %d private keys in one file",
                       SV_BUNDLE_PRIVATE_KEYS);
    }
    static const char *const kinds[] = {"RSA", "RSA-PSS", "EC", "X25519", "ED25519"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (EVP_PKEY_is_a(key, kinds[i])) {
            bundle->private_keys[bundle->private_key_count++] = key;
            return SIPVEIL_OK;
        }
    }
    const char *kind = EVP_PKEY_get0_type_name(key);
    return sv_fail(err, "keys", SIPVEIL_USAGE, "a private key of kind %s is not supported",
                   kind != NULL ? kind : "unknown");
}

sipveil_code sv_bundle_read(sv_bundle *bundle, sipveil_span octets, sv_content kind, const char *name,
                            const sipveil_key_options *options, sipveil_error *err)
{
    sv_passphrase passphrase = {.options = options, .name = name};
    switch (kind) {
    case SV_CONTENT_PEM:
        return read_pem(bundle, octets, &passphrase, err);
    case SV_CONTENT_CERTIFICATE:
        return sv_bundle_add_der(bundle, octets, err);
    case SV_CONTENT_PKCS12:
        return sv_bundle_read_pkcs12(bundle, octets, &passphrase, err);
    default:
        sv_fail(err, "keys", SIPVEIL_USAGE, "no key: neither a JWK nor a certificate nor PKCS#12");
        return sv_hint(err, SIPVEIL_USAGE, "'sipveil keygen' makes shared keys, and certificates with their keys");
    }
}

sipveil_code sv_bundle_read_certificates(sv_bundle *bundle, sipveil_span octets, sv_content kind,
                                         sipveil_error *err)
{
    if (kind == SV_CONTENT_PEM) return read_pem(bundle, octets, NULL, err);
    if (kind == SV_CONTENT_CERTIFICATE) return sv_bundle_add_der(bundle, octets, err);
    return sv_fail(err, "keys", SIPVEIL_USAGE, "not a certificate in PEM or DER");
}

/* ---- which belong together ---- */

static void free_chain(void *chain)
{
    sk_X509_free(chain); /* the certificates are the arena's */
}

/* All certificates but one, in their order; NULL if there are none. */
static sipveil_code chain_without(const sv_bundle *bundle, const X509 *own, STACK_OF(X509) **out,
                                  sipveil_error *err)
{
    *out = NULL;
    if (bundle->certificate_count < 2) return SIPVEIL_OK;
    STACK_OF(X509) *chain = sk_X509_new_reserve(NULL, (int)bundle->certificate_count);
    if (chain == NULL) return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "out of memory");
    if (!sv_arena_defer(bundle->arena, free_chain, chain)) return sv_no_memory(err, "keys");
    for (size_t i = 0; i < bundle->certificate_count; i++) {
        if (bundle->certificates[i] != own && sk_X509_push(chain, bundle->certificates[i]) <= 0) {
            return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "out of memory");
        }
    }
    *out = chain;
    return SIPVEIL_OK;
}

static X509 *certificate_of(const sv_bundle *bundle, EVP_PKEY *key)
{
    X509 *found = NULL;
    for (size_t i = 0; i < bundle->certificate_count && found == NULL; i++) {
        if (EVP_PKEY_eq(X509_get0_pubkey(bundle->certificates[i]), key) == 1) {
            found = bundle->certificates[i];
        }
    }
    ERR_clear_error();
    return found;
}

/* Whether from the first on each was issued by another one, until none is left over. */
static bool is_one_chain(const sv_bundle *bundle)
{
    enum { CHAIN_MOST = 8 };
    const size_t count = bundle->certificate_count;
    bool used[CHAIN_MOST] = {true};
    size_t links = 1;
    if (count > CHAIN_MOST) return false;
    for (size_t current = 0, issuer; links < count; links++) {
        for (issuer = 1; issuer < count; issuer++) {
            if (!used[issuer] && X509_check_issued(bundle->certificates[issuer],
                                                   bundle->certificates[current]) == X509_V_OK) {
                break;
            }
        }
        if (issuer == count) break;
        used[issuer] = true;
        current = issuer;
    }
    ERR_clear_error();
    return links == count;
}

static sipveil_code make_private(const sv_bundle *bundle, sv_key_batch *batch, sipveil_error *err)
{
    for (size_t i = 0; i < bundle->private_key_count; i++) {
        STACK_OF(X509) *chain;
        X509 *own = certificate_of(bundle, bundle->private_keys[i]);
        if (own == NULL) {
            sv_fail(err, "keys", SIPVEIL_USAGE, "a private key without the certificate that belongs to it");
            return sv_hint(err, SIPVEIL_USAGE,
                           "put the certificate into the same file: cat key.pem cert.pem > both.pem");
        }
        SV_TRY(chain_without(bundle, own, &chain, err));
        SV_TRY(sv_key_batch_add_certificate(batch, own, bundle->private_keys[i], chain, err));
    }
    return SIPVEIL_OK;
}

sipveil_code sv_bundle_make_keys(const sv_bundle *bundle, sv_key_batch *batch, sipveil_error *err)
{
    STACK_OF(X509) *chain;
    if (bundle->private_key_count > 0) return make_private(bundle, batch, err);
    if (bundle->certificate_count == 0) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "no certificate and no private key in it");
    }
    if (is_one_chain(bundle)) {
        SV_TRY(chain_without(bundle, bundle->certificates[0], &chain, err));
        return sv_key_batch_add_certificate(batch, bundle->certificates[0], NULL, chain, err);
    }
    for (size_t i = 0; i < bundle->certificate_count; i++) {
        SV_TRY(sv_key_batch_add_certificate(batch, bundle->certificates[i], NULL, NULL, err));
    }
    return SIPVEIL_OK;
}
