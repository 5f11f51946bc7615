/* SPDX-License-Identifier: BSD-2-Clause */
/* Lab key material: a CA, certificates below it, shared keys. Every text that may hold a key is built
 * in memory that is wiped. */
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/span.h"
#include "keys/bundle.h"
#include "keys/certificate.h"
#include "keys/jwk.h"
#include "keys/make_certificate.h"

enum { SCRATCH_BLOCK = 8192, SCRATCH_MOST = 16 << 20, NAME_MOST = 64 };
/* A lab's CA is older than any message it may have to judge. */
static const int64_t YEAR_2000 = INT64_C(946684800), TEN_YEARS = 3652 * INT64_C(86400);
/* What X.509 can say (RFC 5280 4.1.2.5). */
static const int64_t YEAR_1950 = -INT64_C(631152000), YEAR_10000 = INT64_C(253402300800);

static sipveil_code fail(sipveil_error *err, const char *what)
{
    return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, what);
}

/* ---- texts ---- */

void sipveil_keys_wipe_text(char *text)
{
    if (text != NULL) OPENSSL_clear_free(text, strlen(text));
}

static sipveil_code give_text(sipveil_span from, char **out, sipveil_error *err)
{
    *out = OPENSSL_strndup((const char *)from.data, from.len);
    return *out != NULL ? SIPVEIL_OK : fail(err, "out of memory");
}

/* The private key (if any), then the certificate (if any). */
static sipveil_code give_pem(const sipveil_context *context, EVP_PKEY *key, X509 *certificate,
                             char **out, sipveil_error *err)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *data = NULL;
    bool written = bio != NULL &&
                   (key == NULL || PEM_write_bio_PrivateKey_ex(bio, key, NULL, NULL, 0, NULL, NULL,
                                                               context->library, NULL) == 1) &&
                   (certificate == NULL || PEM_write_bio_X509(bio, certificate) == 1);
    long len = written ? BIO_get_mem_data(bio, &data) : 0;
    sipveil_code code = len > 0 ? give_text(sv_span(data, (size_t)len), out, err)
                                : fail(err, "the key or certificate cannot be written");
    BIO_free(bio); /* wipes */
    return code;
}

/* ---- keys ---- */

typedef struct algorithm {
    const char *name, *type;
    const char *curve; /* NULL: there is none to choose */
    size_t bits;       /* 0: as the type has it */
} algorithm;

static const algorithm algorithms[] = {
    {"p256", "EC", "P-256", 0},   {"p384", "EC", "P-384", 0},   {"p521", "EC", "P-521", 0},      {"rsa2048", "RSA", NULL, 2048},
    {"rsa3072", "RSA", NULL, 3072}, {"x25519", "X25519", NULL, 0}, {"ed25519", "ED25519", NULL, 0},
};

/* NULL: there is none of that name. */
static const algorithm *find_algorithm(const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        if (strcmp(algorithms[i].name, name) == 0) return &algorithms[i];
    }
    return NULL;
}

static sipveil_code generate(const sipveil_context *context, const char *name, EVP_PKEY **key, sipveil_error *err)
{
    OSSL_LIB_CTX *library = context->library;
    const algorithm *kind = find_algorithm(name);
    if (kind == NULL) return fail(err, "there is no such key algorithm");
    if (kind->curve != NULL) *key = EVP_PKEY_Q_keygen(library, NULL, kind->type, kind->curve);
    else if (kind->bits > 0) *key = EVP_PKEY_Q_keygen(library, NULL, kind->type, kind->bits);
    else *key = EVP_PKEY_Q_keygen(library, NULL, kind->type);
    return *key != NULL ? SIPVEIL_OK : fail(err, "no key could be made");
}

/* ---- the CA ---- */

static sipveil_code make_authority(const sipveil_context *context, sv_crypto *crypto,
                                   const char *name, char **certificate, char **key,
                                   sipveil_error *err)
{
    const sv_certificate_form form = {.subject = sv_span_str(name),
                                      .authority = true,
                                      .not_before = YEAR_2000,
                                      .not_after = sv_now(context) + TEN_YEARS};
    EVP_PKEY *pair;
    X509 *made = NULL;
    SV_TRY(generate(context, "p256", &pair, err));
    sipveil_code code = sv_certificate_make(crypto, &form, pair, NULL, pair, &made, err);
    if (code == SIPVEIL_OK) code = give_pem(context, NULL, made, certificate, err);
    if (code == SIPVEIL_OK) code = give_pem(context, pair, NULL, key, err);
    X509_free(made);
    EVP_PKEY_free(pair);
    return code;
}

sipveil_code sipveil_keys_make_authority(const sipveil_context *context, const char *name,
                                         char **certificate, char **key, sipveil_error *err)
{
    sv_crypto *crypto;
    *certificate = *key = NULL;
    sv_error_clear(err);
    sipveil_span text = sv_span_str(name);
    if (text.len > NAME_MOST || !sv_is_text(text)) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "the CA's name is not 1 to %d printable characters",
                       NAME_MOST);
    }
    SV_TRY(sv_crypto_new(context, &crypto, err));
    sipveil_code code = make_authority(context, crypto, name, certificate, key, err);
    sv_crypto_free(crypto);
    if (code != SIPVEIL_OK) {
        sipveil_keys_wipe_text(*certificate);
        sipveil_keys_wipe_text(*key);
        *certificate = *key = NULL;
    }
    return code;
}

/* ---- certificates below it ---- */

typedef struct authority {
    sv_arena *arena;
    X509 *certificate;
    EVP_PKEY *key;
} authority;

static sipveil_code read_authority(const sipveil_context *context, sipveil_span certificate,
                                   sipveil_span key, authority *out, sipveil_error *err)
{
    sv_bundle bundle = {.context = context, .arena = out->arena};
    SV_TRY(sv_bundle_read(&bundle, certificate, SV_CONTENT_PEM, "CA certificate", NULL, err));
    SV_TRY(sv_bundle_read(&bundle, key, SV_CONTENT_PEM, "CA key", NULL, err));
    if (bundle.certificate_count != 1 || bundle.private_key_count != 1) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "the CA is not exactly one certificate and its private key");
    }
    out->certificate = bundle.certificates[0];
    out->key = bundle.private_keys[0];
    bool belongs = EVP_PKEY_eq(X509_get0_pubkey(out->certificate), out->key) == 1;
    ERR_clear_error();
    if (!belongs) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "the CA's private key does not belong to its certificate");
    }
    if (X509_check_ca(out->certificate) != 1) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "the CA's certificate is no CA's");
    }
    return SIPVEIL_OK;
}

static sipveil_code make_certificate(const sipveil_context *context, sv_crypto *crypto,
                                     const authority *ca, const sv_certificate_form *form,
                                     const char *algorithm_name, char **both, char **certificate,
                                     sipveil_error *err)
{
    X509 *made = NULL;
    EVP_PKEY *pair;
    SV_TRY(generate(context, algorithm_name, &pair, err));
    EVP_PKEY *signing = ca->key != NULL ? ca->key : pair; /* without a CA its own */
    sipveil_code code = sv_certificate_make(crypto, form, pair, ca->certificate, signing, &made, err);
    if (code == SIPVEIL_OK) code = give_pem(context, pair, made, both, err);
    if (code == SIPVEIL_OK) code = give_pem(context, NULL, made, certificate, err);
    X509_free(made);
    EVP_PKEY_free(pair);
    return code;
}

static sipveil_code check_request(const sipveil_certificate_request *request, const char *name, bool self_signed,
                                  sipveil_error *err)
{
    if ((request->aor == NULL) == (request->host == NULL)) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "a certificate is for an AOR or for a host");
    }
    if (find_algorithm(name) == NULL) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "the key algorithm is \"%s\", not p256, p384, p521, rsa2048, rsa3072, x25519 or ed25519",
                       SV_QUOTE(sv_span_str(name)));
    }
    if (self_signed && strcmp(name, "x25519") == 0) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "an x25519 key signs nothing, so not its own certificate either");
    }
    if (request->not_after <= request->not_before) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "the certificate would end before it begins");
    }
    if (request->not_before < YEAR_1950 || request->not_after >= YEAR_10000) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "the times are not between the years 1950 and 9999");
    }
    return SIPVEIL_OK;
}

sipveil_code sipveil_keys_make_certificate(const sipveil_context *context,
                                           sipveil_span authority_certificate,
                                           sipveil_span authority_key,
                                           const sipveil_certificate_request *request,
                                           char **certificate_and_key, char **certificate,
                                           sipveil_error *err)
{
    const char *name = request->algorithm != NULL ? request->algorithm : "p256";
    authority ca = {0};
    sv_crypto *crypto = NULL;
    sv_certificate_form form;
    *certificate_and_key = *certificate = NULL;
    sv_error_clear(err);
    bool self_signed = authority_certificate.len == 0 && authority_key.len == 0;
    SV_TRY(check_request(request, name, self_signed, err));
    ca.arena = sv_arena_new(SCRATCH_BLOCK, SCRATCH_MOST);
    if (ca.arena == NULL) return sv_no_memory(err, "keys");
    sipveil_code code = sv_certificate_form_of(request, ca.arena, &form, err);
    if (code == SIPVEIL_OK && !self_signed) {
        code = read_authority(context, authority_certificate, authority_key, &ca, err);
    }
    if (code == SIPVEIL_OK) code = sv_crypto_new(context, &crypto, err);
    if (code == SIPVEIL_OK) {
        code = make_certificate(context, crypto, &ca, &form, name, certificate_and_key, certificate, err);
    }
    sv_crypto_free(crypto);
    sv_arena_free(ca.arena);
    if (code != SIPVEIL_OK) {
        sipveil_keys_wipe_text(*certificate_and_key);
        sipveil_keys_wipe_text(*certificate);
        *certificate_and_key = *certificate = NULL;
    }
    return code;
}

/* ---- shared keys ---- */

enum { KID_OCTETS = 16 };

static sipveil_code make_kek(sv_crypto *crypto, const char *kid, unsigned bits, sv_arena *arena,
                             char **jwk, sipveil_error *err)
{
    uint8_t *key = sv_arena_alloc(arena, bits / 8);
    sv_buffer id, text;
    if (key == NULL) return sv_no_memory(err, "keys");
    sv_buffer_init(&id, arena, 64, SV_KEK_ID_MOST + 1);
    sv_buffer_init(&text, arena, 4096, SCRATCH_MOST);
    if (kid != NULL) {
        sv_put_str(&id, kid);
    } else {
        SV_TRY(sv_put_random_hex(crypto, KID_OCTETS, &id, err));
    }
    if (id.past_most) return sv_fail(err, "keys", SIPVEIL_USAGE, "the kid is longer than %d octets", SV_KEK_ID_MOST);
    SV_TRY(sv_buffer_check(&id, "keys", err));
    SV_TRY(sv_random(crypto, key, bits / 8, err));
    SV_TRY(sv_jwk_put(&text, sv_buffer_span(&id), sv_span(key, bits / 8), err));
    return give_text(sv_buffer_span(&text), jwk, err);
}

sipveil_code sipveil_keys_make_kek(const sipveil_context *context, const char *kid, unsigned bits,
                                   char **jwk, sipveil_error *err)
{
    sv_crypto *crypto;
    *jwk = NULL;
    sv_error_clear(err);
    if (bits != 128 && bits != 192 && bits != 256) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "a kek has 128, 192 or 256 bits, not %u", bits);
    }
    SV_TRY(sv_crypto_new(context, &crypto, err));
    sv_arena *arena = sv_arena_new(SCRATCH_BLOCK, SCRATCH_MOST);
    sipveil_code code = arena == NULL ? sv_no_memory(err, "keys")
                                      : make_kek(crypto, kid, bits, arena, jwk, err);
    sv_arena_free(arena);
    sv_crypto_free(crypto);
    return code;
}
