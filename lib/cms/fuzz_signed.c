/* SPDX-License-Identifier: BSD-2-Clause */
/* SignedData read and checked with a real key known, and what we sign of any content. What verifies
 * by the known certificate must say one of the few things that were ever signed with its key; and
 * libcrypto must not come to another result. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/fuzz_target.h"
#include "cms/cms.h"
#include "cms/der_read.h"
#include "cms/fuzz_identities.h"

/* All that the seeds hold signatures of; the second one detached. */
static const char *const ever_signed[] = {
    "Content-Type: message/sip\r\n\r\nBYE sip:bob@biloxi.example SIP/2.0\r\n\r\n",
    fuzz_detached_text,
};
enum { SIGNED = sizeof ever_signed / sizeof *ever_signed, CONTENT_MOST = 4096 };

static sipveil_context *context;
static sv_crypto *crypto;
static sv_arena *arena;
static sv_cms_key signer;

static void set_up(void)
{
    must(sipveil_context_new(NULL, &context, NULL) == SIPVEIL_OK);
    must(sv_crypto_new(context, &crypto, NULL) == SIPVEIL_OK);
    must((arena = sv_arena_new(1 << 16, 1 << 26)) != NULL);
    X509 *certificate = X509_new_ex(context->library, NULL);
    BIO *bio = BIO_new_mem_buf(fuzz_signer_certificate, -1);
    must(PEM_read_bio_X509(bio, &certificate, NULL, NULL) != NULL);
    BIO_free(bio);
    bio = BIO_new_mem_buf(fuzz_signer_key, -1);
    signer = (sv_cms_key){
        .kind = SV_CMS_KEY_CERTIFICATE,
        .certificate = certificate,
        .public_key = X509_get0_pubkey(certificate),
        .private_key = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, context->library, NULL),
        .serial = SV_SPAN("\x12\x34")};
    BIO_free(bio);
    must(X509_NAME_get0_der(X509_get_issuer_name(certificate), &signer.issuer.data,
                            &signer.issuer.len) == 1);
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(certificate);
    must(ski != NULL && signer.private_key != NULL);
    signer.ski = sv_span(ASN1_STRING_get0_data(ski), (size_t)ASN1_STRING_length(ski));
}

static void check_one(const sv_signature *s, sipveil_span octets)
{
    bool valid = s->state == SV_SIGNATURE_VALID;
    must(valid == (s->code == SIPVEIL_OK) && valid == (s->why[0] == '\0'));
    must((s->state == SV_SIGNATURE_INVALID) == (s->code == SIPVEIL_BAD_SIGNATURE));
    must(valid || (!s->has_time && s->capabilities.len == 0));
    must(!valid || s->certificate != NULL);
    if (!valid || X509_cmp(s->certificate, signer.certificate) != 0) return;
    bool said = false;
    for (size_t i = 0; i < SIGNED; i++) said = said || sv_equal_str(octets, ever_signed[i]);
    must_always(said);
}

static void check_over(sipveil_span message, const sv_signed *data, sipveil_span detached,
                       const sv_cms_policy *policy)
{
    sipveil_span octets = detached.len > 0 ? detached : data->content;
    STACK_OF(X509) * certificates;
    sv_signature *signatures;
    char note[96];
    bool done;
    if (sv_cms_check_signatures(crypto, data, octets, &signer.certificate, 1, policy, arena,
                                &signatures, &certificates, NULL) != SIPVEIL_OK) {
        must(signatures == NULL && certificates == NULL);
        return;
    }
    must((size_t)sk_X509_num(certificates) == data->certificate_count);
    for (size_t i = 0; i < data->signer_count; i++) check_one(&signatures[i], octets);
    bool any_valid = false;
    for (size_t i = 0; i < data->signer_count; i++) {
        any_valid = any_valid || signatures[i].state == SV_SIGNATURE_VALID;
    }
    if (any_valid && (detached.len > 0) != data->has_content) {
        must(sv_cms_second_opinion_verify(crypto, message, detached, signatures, data->signer_count,
                                          &done, note, NULL) == SIPVEIL_OK);
    }
}

static void read_and_check(sipveil_span message)
{
    static const sv_cms_policy policies[] = {{0, true}, {~0u, false}};
    const sipveil_limits *limits = sipveil_context_limits(context);
    sipveil_span content;
    sv_cms_type type;
    sv_signed data;
    if (sv_cms_read_content_info(message, limits, &type, &content, NULL) != SIPVEIL_OK) return;
    for (size_t i = 0; i < 2; i++) {
        if (sv_cms_read_signed(content, limits, &policies[i], arena, &data, NULL) != SIPVEIL_OK) {
            must(data.signer_count == 0 && data.certificates == NULL && !data.has_content);
            continue;
        }
        must(data.signer_count <= limits->signers &&
             data.certificate_count <= limits->certificates);
        check_over(message, &data, sv_span(NULL, 0), &policies[i]);
        check_over(message, &data, sv_span_str(ever_signed[1]), &policies[i]);
    }
}

/* Any content comes back as it was, from DER, and verifies. */
static void sign_and_check(sipveil_span octets, bool by_identifier)
{
    static const sv_cms_policy strict = {.strict = true};
    sv_sign_request request = {.signers = &signer,
                               .signer_count = 1,
                               .by_key_identifier = by_identifier,
                               .time = 1700000000};
    const sipveil_limits *limits = sipveil_context_limits(context);
    sipveil_span content;
    sv_signature *signatures;
    sv_cms_type type;
    sv_signed data;
    sv_buffer out;
    sv_buffer_init(&out, arena, octets.len + 1024, 1 << 20);
    must(sv_cms_sign(crypto, &request, octets, arena, &out, NULL) == SIPVEIL_OK);
    must(sv_der_scan(sv_buffer_span(&out), limits, true, NULL) == SIPVEIL_OK);
    must(sv_cms_read_content_info(sv_buffer_span(&out), limits, &type, &content, NULL) ==
         SIPVEIL_OK);
    must(type == SV_CMS_SIGNED);
    must(sv_cms_read_signed(content, limits, &strict, arena, &data, NULL) == SIPVEIL_OK);
    must(data.has_content && sv_equal(data.content, octets));
    must(sv_cms_check_signatures(crypto, &data, data.content, NULL, 0, &strict, arena, &signatures,
                                 NULL, NULL) == SIPVEIL_OK);
    must(data.signer_count == 1 && signatures[0].state == SV_SIGNATURE_VALID);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    if (context == NULL) set_up();
    sipveil_span input = sv_span(data, size);
    read_and_check(input);
    if (size <= CONTENT_MOST) sign_and_check(input, size % 2 != 0);
    must(ERR_peek_error() == 0);
    sv_arena_reset(arena);
}
