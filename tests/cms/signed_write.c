/* SPDX-License-Identifier: BSD-2-Clause */
/* What we sign verifies, is DER, and holds what RFC 8551 asks for. */
#include "cms/signatures.h"

static const struct {
    const char *kind;
    bool rsa_v15;
    const char *algorithm;
    const char *digest;
    const char *micalg;
} schemes[] = {
    {"P-256", false, "ecdsa-sha256", "sha256", "sha-256"},
    {"P-384", false, "ecdsa-sha384", "sha384", "sha-384"},
    {"P-521", false, "ecdsa-sha512", "sha512", "sha-512"},
    {"rsa2048", false, "rsa-pss-sha256", "sha256", "sha-256"},
    {"rsa2048", true, "rsa-sha256", "sha256", "sha-256"},
    {"ed25519", false, "ed25519", "sha512", "sha-512"}, /* RFC 8419 */
};

static void check_round_trip(fixture *f, size_t i, unsigned form)
{
    bool detached = form & 1, by_identifier = form & 2, no_certificates = form & 4;
    const sv_cms_key *key = identity(f, schemes[i].kind);
    sv_sign_request request = {.signers = key,
                               .signer_count = 1,
                               .rsa_v15 = schemes[i].rsa_v15,
                               .detached = detached,
                               .by_key_identifier = by_identifier,
                               .no_certificates = no_certificates,
                               .time = 1700000000};
    sipveil_span message = sign(f, &request, CONTENT);
    known from = {{key->certificate}, no_certificates ? 1 : 0};
    sv_signature *s;
    sv_signed data;
    sipveil_error err;
    /* TUN-61: DER, id-data */
    assert_int_equal(sv_der_scan(message, sipveil_context_limits(f->context), true, &err),
                     SIPVEIL_OK);
    assert_int_equal(check_with(f, message, detached ? CONTENT : NULL, from, &strict, &data, &s),
                     SIPVEIL_OK);
    assert_int_equal(data.version, by_identifier ? 3 : 1);
    assert_false(data.version_odd);
    assert_int_equal(data.content_kind, SV_CMS_DATA);
    assert_int_equal(data.has_content, !detached);
    assert_true(detached || sv_equal_str(data.content, CONTENT));
    assert_int_equal(data.certificate_count, no_certificates ? 0 : 1); /* TUN-06 */
    assert_int_equal(data.signer_count, 1);
    if (s->state != SV_SIGNATURE_VALID) fail_msg("%s: %s", schemes[i].algorithm, s->why);
    assert_int_equal(s->code, SIPVEIL_OK);
    assert_string_equal(s->algorithm, schemes[i].algorithm);
    assert_string_equal(s->digest, schemes[i].digest);
    assert_string_equal(sv_cms_micalg(&request), schemes[i].micalg); /* TUN-62 */
    assert_int_equal(X509_cmp(s->certificate, key->certificate), 0);
    assert_non_null(s->public_key);
    assert_true(s->has_time);
    assert_int_equal(s->time, 1700000000);
    assert_true(s->capabilities.len > 0); /* TUN-22 */
    assert_false(s->weak);
    assert_int_equal(s->ski.len > 0, by_identifier); /* CMS-03 */
    assert_int_equal(s->serial.len > 0, !by_identifier);
    /* another content, the same signature */
    assert_int_equal(
        check_with(f, message, "Content-Type: text/plain\r\n\r\nhellO", from, &strict, &data, &s),
        SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_INVALID);
    assert_int_equal(s->code, SIPVEIL_BAD_SIGNATURE);
    assert_string_equal(s->rule, "TUN-62");
    assert_false(s->has_time); /* claims of nobody */
    assert_int_equal(s->capabilities.len, 0);
    sv_arena_reset(f->arena);
}

static void every_scheme_round_trips_in_every_form(void **state)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        for (unsigned form = 0; form < 8; form++) check_round_trip(*state, i, form);
    }
}

/* TUN-58, TUN-57: which attributes there are, once each, in DER order. */
static void signed_attributes_are_complete_and_sorted(void **state)
{
    static const sv_oid expected[] = {SV_OID_CONTENT_TYPE,
                                      SV_OID_SIGNING_TIME,
                                      SV_OID_MESSAGE_DIGEST,
                                      SV_OID_SMIME_CAPABILITIES,
                                      SV_OID_ENCRYPTION_KEY_PREFERENCE,
                                      SV_OID_SIGNING_CERTIFICATE_V2};
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    sv_signed data;
    sv_signer_info info;
    sipveil_error err;
    sv_cursor c, set;
    sv_der value;
    sipveil_span before = {0};
    unsigned seen = 0;
    assert_int_equal(read_message(f, sign(f, &request, CONTENT), &strict, &data), SIPVEIL_OK);
    assert_int_equal(sv_signer_info_read(data.signer_infos[0], sipveil_context_limits(f->context),
                                         f->arena, &info, &err),
                     SIPVEIL_OK);
    c = sv_cursor_over(info.attributes, "attributes");
    assert_int_equal(sv_der_enter(&c, 0xA0, "attributes", &set, &err), SIPVEIL_OK);
    while (!sv_at_end(&set)) {
        sipveil_span type;
        assert_int_equal(sv_der_take(&set, &value, &err), SIPVEIL_OK);
        if (before.len > 0) {
            size_t n = before.len < value.whole.len ? before.len : value.whole.len;
            assert_true(memcmp(before.data, value.whole.data, n) < 0);
        }
        before = value.whole;
        c = sv_cursor_over(value.content, "attribute");
        assert_int_equal(sv_der_take_oid(&c, "type", &type, &err), SIPVEIL_OK);
        for (unsigned i = 0; i < 6; i++) {
            if (sv_oid_is(type, expected[i])) seen |= 1u << i;
        }
    }
    assert_int_equal(seen, 0x3F);
    sv_arena_reset(f->arena);
}

static bool has_preference(fixture *f, const sv_cms_key *key, bool no_certificates)
{
    sv_sign_request request = {
        .signers = key, .signer_count = 1, .no_certificates = no_certificates};
    sipveil_span oid = sv_oid_content(SV_OID_ENCRYPTION_KEY_PREFERENCE);
    size_t at;
    return sv_find(sign(f, &request, CONTENT), oid, &at);
}

/* TUN-58: only where the certificate goes along and may be encrypted to. */
static void encryption_preference_is_there_when_it_makes_sense(void **state)
{
    fixture *f = *state;
    EVP_PKEY *key = make_key(f, "P-256");
    certificate_options signing = {
        .name = "signs", .serial = 5, .usage = "critical,digitalSignature"};
    certificate_options both = {
        .name = "both", .serial = 6, .usage = "digitalSignature,keyAgreement"};
    sv_cms_key signs = view_of(f, make_certificate(f, key, signing), key);
    sv_cms_key agrees = view_of(f, make_certificate(f, key, both), key);
    assert_false(has_preference(f, &signs, false));
    assert_true(has_preference(f, &agrees, false));
    assert_false(has_preference(f, &agrees, true));
    assert_false(has_preference(f, identity(f, "ed25519"), false));
    sv_arena_reset(f->arena);
}

/* TUN-57: the fixed encodings of section 10 stand in the attribute octet by octet. */
static void capabilities_have_their_fixed_octets(void **state)
{
    static const struct {
        const char *octets;
        size_t len;
    } fixed[] = {
        {"\x30\x0D\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x08", 15},
        {"\x30\x0D\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x1F", 15},
        {"\x30\x15\x06\x06\x2B\x81\x04\x01\x0B\x01\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01"
         "\x05",
         23},
        {"\x30\x1A\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x13\x30\x0B\x06\x09\x60\x86\x48"
         "\x01\x65"
         "\x03\x04\x01\x2D",
         28},
    };
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(
        check_with(f, sign(f, &request, CONTENT), NULL, (known){0}, &strict, &data, &s),
        SIPVEIL_OK);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        size_t at;
        assert_true(sv_find(s->capabilities, sv_span(fixed[i].octets, fixed[i].len), &at));
    }
    sv_arena_reset(f->arena);
}

/* TUN-58: UTCTime to 2049, GeneralizedTime from 2050. */
static void signing_time_is_written_as_its_year_demands(void **state)
{
    static const int64_t times[] = {0, 2524607999,
                                    2524608000}; /* 1970, the last of 2049, the first of 2050 */
    fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        sv_sign_request request = {
            .signers = identity(f, "P-256"), .signer_count = 1, .time = times[i]};
        sipveil_span message = sign(f, &request, CONTENT);
        sv_signature *s;
        sv_signed data;
        size_t at;
        assert_int_equal(check_with(f, message, NULL, (known){0}, &strict, &data, &s), SIPVEIL_OK);
        assert_int_equal(s->state, SV_SIGNATURE_VALID);
        assert_int_equal(s->time, times[i]);
        assert_int_equal(sv_find(message,
                                 SV_SPAN("\x18\x0F"
                                         "20500101000000Z"),
                                 &at),
                         i == 2);
        assert_int_equal(sv_find(message,
                                 SV_SPAN("\x17\x0D"
                                         "491231235959Z"),
                                 &at),
                         i == 1);
    }
    sv_arena_reset(f->arena);
}

/* TUN-23: several signers are possible, and all are reported. */
static void several_signers_stand_side_by_side(void **state)
{
    fixture *f = *state;
    sv_cms_key keys[] = {*identity(f, "P-256"), *identity(f, "ed25519"), *identity(f, "P-384")};
    sv_sign_request request = {.signers = keys, .signer_count = 3};
    sipveil_span message = sign(f, &request, CONTENT);
    sv_signed data;
    sv_signature *s;
    sipveil_error err;
    STACK_OF(X509) * stack;
    assert_string_equal(sv_cms_micalg(&request), "sha-256,sha-384,sha-512");
    assert_int_equal(read_message(f, message, &strict, &data), SIPVEIL_OK);
    assert_int_equal(sv_cms_check_signatures(f->crypto, &data, data.content, NULL, 0, &strict,
                                             f->arena, &s, &stack, &err),
                     SIPVEIL_OK);
    assert_int_equal(data.signer_count, 3);
    assert_int_equal(sk_X509_num(stack), 3);
    for (size_t i = 0; i < 3; i++) assert_int_equal(s[i].state, SV_SIGNATURE_VALID);
    sv_arena_reset(f->arena);
}

static void another_content_type_makes_version_3(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"),
                               .signer_count = 1,
                               .content_type_oid = "1.2.840.113549.1.9.16.1.9"};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(
        check_with(f, sign(f, &request, CONTENT), NULL, (known){0}, &strict, &data, &s),
        SIPVEIL_OK);
    assert_int_equal(data.version, 3);
    assert_int_equal(data.content_kind, SV_CMS_COMPRESSED);
    assert_int_equal(s->state, SV_SIGNATURE_VALID);
    sv_arena_reset(f->arena);
}

static void signing_is_refused_with_what_cannot_sign(void **state)
{
    fixture *f = *state;
    sv_cms_key without = *identity(f, "P-256"), five[5];
    without.private_key = NULL;
    for (size_t i = 0; i < 5; i++) five[i] = *identity(f, "P-256");
    const struct {
        sv_sign_request request;
        sipveil_code code;
    } cases[] = {
        {{.signers = NULL, .signer_count = 0}, SIPVEIL_USAGE},
        {{.signers = &without, .signer_count = 1}, SIPVEIL_USAGE},
        {{.signers = five, .signer_count = 5}, SIPVEIL_LIMIT},
        {{.signers = five, .signer_count = 1, .content_type_oid = "1.2.x"}, SIPVEIL_USAGE},
        {{.signers = identity(f, "x25519"), .signer_count = 1}, SIPVEIL_POLICY},
        {{.signers = identity(f, "secp256k1"), .signer_count = 1}, SIPVEIL_POLICY}, /* ADV-115 */
        {{.signers = identity(f, "rsa1024"), .signer_count = 1},
         SIPVEIL_POLICY}, /* ADV-098, ADV-115 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_error err;
        sv_buffer out;
        sv_buffer_init(&out, f->arena, 64, 1 << 20);
        assert_int_equal(
            sv_cms_sign(f->crypto, &cases[i].request, SV_SPAN(CONTENT), f->arena, &out, &err),
            cases[i].code);
        assert_int_equal(out.len, 0);
    }
    sv_arena_reset(f->arena);
}

/* TUN-11, ADV-112: certificates alone; no signer is not an answer "valid". */
static void certs_only_has_no_signers(void **state)
{
    fixture *f = *state;
    X509 *certificates[] = {identity(f, "P-256")->certificate, identity(f, "P-384")->certificate,
                            identity(f, "P-256")->certificate};
    sv_buffer out;
    sipveil_error err;
    sv_signed data;
    sv_signature *s;
    sv_buffer_init(&out, f->arena, 1024, 1 << 20);
    assert_int_equal(sv_cms_put_certificates(certificates, 3, f->arena, &out, &err), SIPVEIL_OK);
    sipveil_span message = sv_buffer_span(&out);
    assert_int_equal(sv_der_scan(message, sipveil_context_limits(f->context), true, &err),
                     SIPVEIL_OK);
    assert_int_equal(check_with(f, message, NULL, (known){0}, &strict, &data, &s), SIPVEIL_OK);
    assert_int_equal(data.signer_count, 0);
    assert_int_equal(data.certificate_count, 2); /* each once */
    assert_false(data.has_content);
    assert_int_equal(sv_cms_put_certificates(certificates, 0, f->arena, &out, &err), SIPVEIL_USAGE);
    sv_arena_reset(f->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_round_trips_in_every_form),
        cmocka_unit_test(signed_attributes_are_complete_and_sorted),
        cmocka_unit_test(encryption_preference_is_there_when_it_makes_sense),
        cmocka_unit_test(capabilities_have_their_fixed_octets),
        cmocka_unit_test(signing_time_is_written_as_its_year_demands),
        cmocka_unit_test(several_signers_stand_side_by_side),
        cmocka_unit_test(another_content_type_makes_version_3),
        cmocka_unit_test(signing_is_refused_with_what_cannot_sign),
        cmocka_unit_test(certs_only_has_no_signers),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
