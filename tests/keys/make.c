/* SPDX-License-Identifier: BSD-2-Clause */
/* Lab certificates: what is in them, and that they are good for what they are made for. */
#include "lab.h"

#include "keys/certificate.h"

static char *ca_certificate, *ca_key;

static int make_ca(void **state)
{
    sipveil_error err;
    if (lab_open(state) != 0) return -1;
    return sipveil_keys_make_authority(lab_context, "Lab CA", &ca_certificate, &ca_key, &err) == SIPVEIL_OK ? 0 : -1;
}

static int drop_ca(void **state)
{
    sipveil_keys_wipe_text(ca_certificate);
    sipveil_keys_wipe_text(ca_key);
    return lab_close(state);
}

static sipveil_code make(const sipveil_certificate_request *request, char **both, char **certificate, sipveil_error *err)
{
    return sipveil_keys_make_certificate(lab_context, sv_span_str(ca_certificate), sv_span_str(ca_key), request,
                                         both, certificate, err);
}

static X509 *read_pem(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *x509 = X509_new_ex(lab_context->library, NULL);
    assert_non_null(PEM_read_bio_X509(bio, &x509, NULL, NULL));
    BIO_free(bio);
    return x509;
}

static void the_ca_is_a_ca(void **state)
{
    (void)state;
    X509 *ca = read_pem(ca_certificate);
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_get_pathlen(ca), -1); /* may have CAs below it */
    assert_int_equal(X509_self_signed(ca, 1), 1);
    assert_int_equal(X509_get_signature_nid(ca), NID_ecdsa_with_SHA256);
    assert_int_equal(X509_get_version(ca), X509_VERSION_3);
    time_t later = LAB_NOW + 3651L * 86400, old = 978307200; /* 2001 */
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(ca), &later), 1);
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(ca), &old), -1);
    assert_non_null(X509_get0_subject_key_id(ca));
    assert_non_null(strstr(ca_key, "BEGIN PRIVATE KEY"));
    assert_null(strstr(ca_certificate, "PRIVATE"));
    X509_free(ca);
}

typedef struct algorithm_case {
    const char *algorithm;
    uint32_t usage;
    bool signs, receives;
} algorithm_case;

static const algorithm_case algorithms[] = {
    {NULL, KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT, true, true},
    {"p256", KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT, true, true},
    {"p384", KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT, true, true},
    {"p521", KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT, true, true},
    {"rsa2048", KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT, true, true},
    {"rsa3072", KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT, true, true},
    {"x25519", KU_KEY_AGREEMENT, false, true},
    {"ed25519", KU_DIGITAL_SIGNATURE, true, false},
};

static void each_algorithm_is_good_for_its_use(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const sipveil_certificate_request request = {.aor = "sip:alice@a.example", .algorithm = algorithms[i].algorithm,
                                                     .not_before = LAB_NOW - 10, .not_after = LAB_NOW + 10};
        char *both, *certificate;
        sipveil_error err;
        sv_signer signer;
        if (make(&request, &both, &certificate, &err) != SIPVEIL_OK) fail_msg("%s %s", err.text, err.library);
        sipveil_keyring *ring = lab_ring();
        assert_int_equal(sipveil_keyring_add_octets(ring, sv_span_str(both), "both", NULL, NULL, &err), SIPVEIL_OK);
        assert_int_equal(sipveil_keyring_add_anchors(ring, lab_write("ca.pem", ca_certificate, strlen(ca_certificate), 0644), &err), SIPVEIL_OK);
        const sipveil_key *key = sipveil_keyring_at(ring, 0);
        assert_int_equal(sipveil_key_get_kind(key), SIPVEIL_KEY_PRIVATE);
        X509 *x509 = read_pem(certificate);
        assert_int_equal(X509_cmp(x509, key->cms.certificate), 0);
        assert_int_equal(X509_get_key_usage(x509), algorithms[i].usage);
        assert_int_equal(X509_check_ca(x509), 0);
        assert_int_equal(sv_keys_check_own_signer(key, LAB_NOW, &err), algorithms[i].signs ? SIPVEIL_OK : SIPVEIL_USAGE);
        assert_int_equal(sv_keys_check_recipient(ring, key, LAB_NOW, &err), algorithms[i].receives ? SIPVEIL_OK : SIPVEIL_USAGE);
        sv_arena *arena = sv_arena_new(4096, 1 << 20);
        assert_non_null(arena);
        const sv_signer_question question = {.certificate = x509, .aor = SV_SPAN("sip:alice@a.example"), .at = LAB_NOW,
                                             .limits = sipveil_context_limits(lab_context)};
        assert_int_equal(sv_keys_accept_signer(ring, &question, arena, &signer, &err), SIPVEIL_OK);
        assert_int_equal(signer.code, algorithms[i].signs ? SIPVEIL_OK : SIPVEIL_UNTRUSTED_SIGNER);
        sv_arena_free(arena);
        X509_free(x509);
        sipveil_keyring_free(ring);
        sipveil_keys_wipe_text(both);
        sipveil_keys_wipe_text(certificate);
    }
}

static void expect_names(const sipveil_certificate_request *request, const char *subject, const char *uri, const char *dns)
{
    char *both, *certificate;
    sipveil_error err;
    if (make(request, &both, &certificate, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    sv_arena *arena = sv_arena_new(1024, 1 << 20);
    assert_non_null(arena);
    X509 *x509 = read_pem(certificate);
    assert_string_equal(sv_certificate_subject(x509, arena), subject);
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    assert_int_equal(sk_GENERAL_NAME_num(names), dns != NULL ? 2 : 1);
    const GENERAL_NAME *first = sk_GENERAL_NAME_value(names, 0);
    assert_int_equal(first->type, GEN_URI);
    assert_true(sv_equal_str(sv_span(first->d.ia5->data, (size_t)first->d.ia5->length), uri));
    if (dns != NULL) {
        const GENERAL_NAME *second = sk_GENERAL_NAME_value(names, 1);
        assert_int_equal(second->type, GEN_DNS);
        assert_true(sv_equal_str(sv_span(second->d.ia5->data, (size_t)second->d.ia5->length), dns));
    }
    GENERAL_NAMES_free(names);
    EXTENDED_KEY_USAGE *purposes = X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL);
    char oid[64];
    OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(purposes, 0), 1);
    assert_string_equal(oid, "1.3.6.1.5.5.7.3.20"); /* RFC 5924 */
    assert_int_equal(X509_check_purpose(x509, X509_PURPOSE_SSL_SERVER, 0), dns != NULL); /* a host's, for TLS */
    assert_int_equal(X509_check_purpose(x509, X509_PURPOSE_SSL_CLIENT, 0), dns != NULL);
    EXTENDED_KEY_USAGE_free(purposes);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    assert_true(ASN1_STRING_length(serial) >= 12 && ASN1_STRING_length(serial) <= 16);
    assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER); /* positive */
    X509_free(x509);
    sv_arena_free(arena);
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(certificate);
}

/* TUN-03 */
static void names_are_of_one_form(void **state)
{
    sipveil_certificate_request request = {.not_before = LAB_NOW, .not_after = LAB_NOW + 10};
    (void)state;
    request.aor = "sip:alice@A.Example";
    expect_names(&request, "CN=alice", "sip:alice@a.example", NULL);
    request.aor = "sip:alice%20smith@a.example";
    expect_names(&request, "CN=alice%20smith", "sip:alice%20smith@a.example", NULL);
    request.aor = NULL;
    request.host = "proxy1.a.example";
    expect_names(&request, "CN=proxy1.a.example", "sip:proxy1.a.example", "proxy1.a.example");
}

static void what_is_refused(void **state)
{
    const int64_t from = LAB_NOW, until = LAB_NOW + 10;
    const sipveil_certificate_request bad[] = {
        {NULL, NULL, NULL, from, until},
        {"sip:alice@a.example", "a.example", NULL, from, until},
        {"alice@a.example", NULL, NULL, from, until},
        {"sip:a.example", NULL, NULL, from, until},
        {"tel:+123", NULL, NULL, from, until},
        {"sip:alice@a.example:5060", NULL, NULL, from, until},
        {"sip:alice@a.example;user=phone", NULL, NULL, from, until},
        {"sip:alice:pw@a.example", NULL, NULL, from, until},
        {"sip:alice%00@a.example", NULL, NULL, from, until},
        {"sip:alice@a.example,DNS:evil.example", NULL, NULL, from, until}, /* no further entry can be smuggled in */
        {NULL, "", NULL, from, until},
        {NULL, "*.a.example", NULL, from, until},
        {NULL, "a..example", NULL, from, until},
        {NULL, "-a.example", NULL, from, until},
        {NULL, "a-.example", NULL, from, until},
        {NULL, "a.example.", NULL, from, until},
        {NULL, "a.example,URI:sip:x@y", NULL, from, until},
        {"sip:alice@a.example", NULL, "dsa", from, until},
        {"sip:alice@a.example", NULL, NULL, until, from},
        {"sip:alice@a.example", NULL, NULL, from, from},
        {"sip:alice@a.example", NULL, NULL, from, INT64_C(253402300800)}, /* the year 10000 */
    };
    char *both, *certificate;
    sipveil_error err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sipveil_code code = make(&bad[i], &both, &certificate, &err);
        if (code != SIPVEIL_USAGE) fail_msg("case %zu: %s", i, sipveil_code_name(code));
        assert_null(both);
        assert_null(certificate);
        assert_true(err.text[0] != '\0');
    }
    assert_int_equal(sipveil_keys_make_authority(lab_context, "", &both, &certificate, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_keys_make_authority(lab_context, "a\nb", &both, &certificate, &err), SIPVEIL_USAGE);
    assert_null(both);
}

static void an_authority_is_one(void **state)
{
    const sipveil_certificate_request request = {.aor = "sip:alice@a.example", .not_before = LAB_NOW, .not_after = LAB_NOW + 10};
    char *both, *certificate, *other_certificate, *other_key, *x, *y;
    sipveil_error err;
    (void)state;
    assert_int_equal(sipveil_keys_make_authority(lab_context, "Other", &other_certificate, &other_key, &err), SIPVEIL_OK);
    assert_int_equal(make(&request, &both, &certificate, &err), SIPVEIL_OK);
    const struct {
        const char *certificate, *key, *says;
    } cases[] = {
        {ca_certificate, other_key, "does not belong"},
        {certificate, both, "not exactly one certificate and its private key"},
        {ca_certificate, ca_certificate, "not exactly one certificate"},
        {"", ca_key, "not exactly one certificate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sipveil_keys_make_certificate(lab_context, sv_span_str(cases[i].certificate), sv_span_str(cases[i].key),
                                                       &request, &x, &y, &err), SIPVEIL_USAGE);
        lab_assert_text(err, cases[i].says);
    }
    char *leaf_key = strstr(both, "-----BEGIN CERT"); /* cut: what stands before is the key alone */
    *leaf_key = '\0';
    assert_int_equal(sipveil_keys_make_certificate(lab_context, sv_span_str(certificate), sv_span_str(both), &request, &x, &y, &err),
                     SIPVEIL_USAGE);
    lab_assert_text(err, "no CA's");
    *leaf_key = '-';
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(certificate);
    sipveil_keys_wipe_text(other_certificate);
    sipveil_keys_wipe_text(other_key);
}

/* IDN-63: without a CA a certificate signs itself, with a key that nobody had before. */
static void self_signed(void **state)
{
    sipveil_certificate_request request = {.aor = "sip:alice@a.example", .not_before = LAB_NOW, .not_after = LAB_NOW + 10};
    const sipveil_span none = {NULL, 0};
    char *both, *texts[2];
    X509 *made[2];
    sipveil_error err;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sipveil_keys_make_certificate(lab_context, none, none, &request, &both, &texts[i], &err), SIPVEIL_OK);
        made[i] = read_pem(texts[i]);
        assert_int_equal(X509_self_signed(made[i], 1), 1);
        assert_int_equal(X509_check_ca(made[i]), 0);
        sipveil_keys_wipe_text(both);
        sipveil_keys_wipe_text(texts[i]);
    }
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(made[0]), X509_get0_pubkey(made[1])), 0);
    X509_free(made[0]);
    X509_free(made[1]);
    request.algorithm = "x25519";
    assert_int_equal(sipveil_keys_make_certificate(lab_context, none, none, &request, &both, &texts[0], &err), SIPVEIL_USAGE);
    lab_assert_text(err, "signs nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ca_is_a_ca),
        cmocka_unit_test(each_algorithm_is_good_for_its_use),
        cmocka_unit_test(names_are_of_one_form),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(an_authority_is_one),
        cmocka_unit_test(self_signed),
    };
    return cmocka_run_group_tests_name("lab certificates", tests, make_ca, drop_ca);
}
