/* SPDX-License-Identifier: BSD-2-Clause */
/* What is written is read back: the first octets choose recipients, cipher, names, attributes, signers and
 * order, the rest is the content. Each recipient opens it alone, nobody else does; every signature is valid
 * over the content and over nothing else; both are DER and of the right version. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/fuzz_target.h"
#include "cms/der_read.h"
#include "cms/fuzz_identities.h"
#include "cms/recipient.h"

enum { KEKS = 3, PASSWORD = KEKS, CERTIFICATES, KEYS = CERTIFICATES + 5, SIGNERS = 3, CONTENT_MOST = 2048, HEADER = 6 };
enum { FAST = 1 << (CERTIFICATES + 2) }; /* P-384, P-521 and RSA take their time: each alone */

static sipveil_context *context;
static sv_crypto *crypto;
static sv_arena *arena;
static sv_cms_key keys[KEYS], signers[SIGNERS];
static const sv_cms_policy strict = {.strict = true};

static EVP_PKEY *private_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, context->library, NULL);
    BIO_free(bio);
    must(key != NULL);
    return key;
}

static sv_cms_key recipient(const char *pem, const char *serial)
{
    static const char issuer[] = "\x30\x0F\x31\x0D\x30\x0B\x06\x03\x55\x04\x03\x0C\x04" "FUZZ";
    EVP_PKEY *key = private_key(pem);
    return (sv_cms_key){.kind = SV_CMS_KEY_CERTIFICATE, .public_key = key, .private_key = key,
                        .issuer = sv_span(issuer, sizeof issuer - 1), .serial = sv_span(serial, 1), .ski = sv_span(serial, 1)};
}

static sv_cms_key signer(const char *pem, const char *certificate_pem)
{
    BIO *bio = BIO_new_mem_buf(certificate_pem, -1);
    X509 *certificate = X509_new_ex(context->library, NULL);
    uint8_t *issuer = NULL;
    must(PEM_read_bio_X509(bio, &certificate, NULL, NULL) != NULL);
    BIO_free(bio);
    int length = i2d_X509_NAME(X509_get_issuer_name(certificate), &issuer);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(certificate);
    EVP_PKEY *key = private_key(pem);
    must(length > 0 && ski != NULL);
    return (sv_cms_key){.kind = SV_CMS_KEY_CERTIFICATE, .certificate = certificate, .public_key = key, .private_key = key,
                        .issuer = sv_span(issuer, (size_t)length),
                        .serial = sv_span(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)),
                        .ski = sv_span(ASN1_STRING_get0_data(ski), (size_t)ASN1_STRING_length(ski))};
}

static void set_up(void)
{
    static const uint8_t kek[32] = "test key of the fuzz target";
    static const char *const ids[KEKS] = {"kek-128", "kek-192", "kek-256"};
    static const char *const pems[] = {fuzz_p256_key, fuzz_x25519_key, fuzz_p384_key, fuzz_p521_key, fuzz_rsa_key};
    static const char *const serials[] = {"\x01", "\x02", "\x03", "\x04", "\x05"};
    sipveil_hooks hooks;
    sipveil_hooks_default(&hooks);
    hooks.limits.iterations_least = 1;
    must(sipveil_context_new(&hooks, &context, NULL) == SIPVEIL_OK);
    must(sv_crypto_new(context, &crypto, NULL) == SIPVEIL_OK);
    must((arena = sv_arena_new(1 << 16, 1 << 26)) != NULL);
    for (size_t i = 0; i < KEKS; i++) {
        keys[i] = (sv_cms_key){.kind = SV_CMS_KEY_KEK, .kek_id = sv_span_str(ids[i]), .kek = sv_span(kek, 16 + 8 * i)};
    }
    keys[PASSWORD] = (sv_cms_key){.kind = SV_CMS_KEY_PASSWORD, .password = SV_SPAN("fuzz")};
    for (size_t i = 0; i < 5; i++) keys[CERTIFICATES + i] = recipient(pems[i], serials[i]);
    signers[0] = signer(fuzz_signer_key, fuzz_signer_certificate);
    signers[1] = signer(fuzz_p256_key, fuzz_p256_certificate);
    signers[2] = signer(fuzz_rsa_key, fuzz_rsa_certificate);
    ERR_clear_error();
}

static sipveil_span content_of(sipveil_span octets, sv_cms_type expected)
{
    const sipveil_limits *limits = &context->hooks.limits;
    sipveil_span content;
    sv_cms_type type;
    must(sv_der_scan(octets, limits, true, NULL) == SIPVEIL_OK);
    must(sv_cms_read_content_info(octets, limits, &type, &content, NULL) == SIPVEIL_OK);
    must(type == expected);
    return content;
}

/* ---- encrypted ---- */

/* Only who was chosen opens it, and all of them come to the same content and key. */
static void open_by_each(const sv_enveloped *e, unsigned chosen, sipveil_span content, sipveil_span cek)
{
    for (size_t i = 0; i < KEYS; i++) {
        sv_opening opening;
        uint64_t iterations = 0;
        sipveil_code code = sv_cms_open_enveloped(crypto, e, &keys[i], 1, &strict, &iterations, arena, &opening, NULL);
        must_always(code != SIPVEIL_OK || (chosen >> i & 1) != 0);
        must(code == ((chosen >> i & 1) != 0 ? SIPVEIL_OK : SIPVEIL_NO_KEY));
        if (code == SIPVEIL_OK) must_always(sv_equal(opening.plaintext, content) && sv_equal(opening.cek, cek));
    }
}

static void encrypt_and_back(const uint8_t header[HEADER], sipveil_span content)
{
    static const char attribute[] = "\x30\x0A\x06\x02\x2A\x03\x31\x04\x04\x02\x01\x02";
    sv_cms_key chosen_keys[KEYS];
    unsigned chosen = (header[1] | (unsigned)header[2] << 8) & ((1u << KEYS) - 1);
    if ((chosen & (chosen - 1)) != 0) chosen &= FAST - 1;
    bool typed = (header[3] & 4) != 0;
    size_t count = 0;
    sipveil_span cek = {NULL, 0};
    sv_enveloped e;
    sv_buffer out;
    for (size_t i = 0; i < KEYS; i++) {
        if ((chosen >> i & 1) != 0) chosen_keys[count++] = keys[i];
    }
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM + header[4] % 6,
                               .recipients = chosen_keys, .recipient_count = count,
                               .by_key_identifier = (header[3] & 1) != 0, .cek_hkdf = (header[3] & 2) != 0,
                               .content_type_oid = typed ? "1.2.840.113549.1.9.16.1.9" : NULL,
                               .attributes = (header[3] & 8) != 0 ? sv_span(attribute, sizeof attribute - 1) : sv_span(NULL, 0),
                               .pbkdf2_iterations = 2, .cek_out = &cek};
    bool authenticated = sv_cipher_row_of(request.cipher)->authenticated;
    sv_buffer_init(&out, arena, 4096, 1 << 20);
    sipveil_code code = sv_cms_seal_enveloped(crypto, &request, content, arena, &out, NULL);
    must(code == (count > 0 ? SIPVEIL_OK : SIPVEIL_USAGE));
    if (code != SIPVEIL_OK) return;
    sipveil_span inside = content_of(sv_buffer_span(&out), authenticated ? SV_CMS_AUTH_ENVELOPED : SV_CMS_ENVELOPED);
    must(sv_cms_read_enveloped(inside, authenticated, &context->hooks.limits, &strict, arena, &e, NULL) == SIPVEIL_OK);
    must(e.recipient_count == count && !e.version_odd && e.cek_hkdf == request.cek_hkdf && e.cipher == request.cipher);
    must(e.content_kind == (typed ? SV_CMS_COMPRESSED : SV_CMS_DATA));
    open_by_each(&e, chosen, content, cek);
}

/* ---- signed ---- */

static void check_each(const sv_signed *s, sipveil_span octets, bool valid)
{
    sv_signature *signatures;
    X509 *known[SIGNERS];
    for (size_t i = 0; i < SIGNERS; i++) known[i] = signers[i].certificate;
    must(sv_cms_check_signatures(crypto, s, octets, known, SIGNERS, &strict, arena, &signatures, NULL, NULL) == SIPVEIL_OK);
    for (size_t i = 0; i < s->signer_count; i++) {
        must_always(valid || signatures[i].state != SV_SIGNATURE_VALID);
        must(signatures[i].state == (valid ? SV_SIGNATURE_VALID : SV_SIGNATURE_INVALID));
        if (valid) must(signatures[i].has_time && signatures[i].capabilities.len > 0 && !signatures[i].weak);
    }
}

static void sign_and_back(const uint8_t header[HEADER], sipveil_span content)
{
    sv_cms_key chosen[SIGNERS];
    size_t count = 0;
    sv_signed s;
    sv_buffer out;
    for (size_t i = 0; i < SIGNERS; i++) {
        bool slow = i == 2 && count > 0 && header[2] != 1;
        if ((header[1] >> i & 1) != 0 && !slow) chosen[count++] = signers[i];
    }
    if (count == 0) chosen[count++] = signers[0];
    sv_sign_request request = {.signers = chosen, .signer_count = count, .no_certificates = (header[3] & 1) != 0,
                               .rsa_v15 = (header[3] & 2) != 0, .detached = (header[3] & 4) != 0,
                               .by_key_identifier = (header[3] & 8) != 0,
                               .time = (int64_t)header[4] << 24 | (int64_t)header[5] << 16};
    sv_buffer_init(&out, arena, 4096, 1 << 20);
    must(sv_cms_sign(crypto, &request, content, arena, &out, NULL) == SIPVEIL_OK);
    sipveil_span inside = content_of(sv_buffer_span(&out), SV_CMS_SIGNED);
    must(sv_cms_read_signed(inside, &context->hooks.limits, &strict, arena, &s, NULL) == SIPVEIL_OK);
    must(s.signer_count == count && s.has_content == !request.detached && !s.version_odd);
    must(s.certificate_count == (request.no_certificates ? 0 : count));
    if (s.has_content) must(sv_equal(s.content, content));
    check_each(&s, content, true);
    if (content.len == 0) return;
    uint8_t *octets = sv_arena_alloc_raw(arena, content.len);
    must(octets != NULL);
    memcpy(octets, content.data, content.len);
    octets[header[5] % content.len] ^= 1;
    check_each(&s, sv_span(octets, content.len), false);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    if (context == NULL) set_up();
    if (size < HEADER || size > HEADER + CONTENT_MOST) return;
    sv_arena_reset(arena);
    sipveil_span content = sv_span(data + HEADER, size - HEADER);
    if (data[0] % 4 == 0) {
        sign_and_back(data, content);
    } else {
        encrypt_and_back(data, content);
    }
    must(ERR_peek_error() == 0);
}
