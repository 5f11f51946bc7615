/* SPDX-License-Identifier: BSD-2-Clause */
/* Every form that we accept is accepted; nothing that was altered, left out or put twice is. */
#include "cms/signatures.h"

/* ---- certificates ---- */

static void missing_certificate_is_unchecked(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {
        .signers = identity(f, "P-256"), .signer_count = 1, .no_certificates = true};
    sipveil_span message = sign(f, &request, CONTENT);
    known other = {{identity(f, "P-384")->certificate}, 1};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, message, NULL, other, &strict, &data, &s), SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_UNCHECKED);
    assert_int_equal(s->code, SIPVEIL_UNTRUSTED_SIGNER);
    assert_string_equal(s->rule, "TUN-06");
    assert_null(s->certificate);
    assert_non_null(strstr(s->why, "no-certificate"));
    assert_false(s->has_time);
    /* nor is somebody else's taken by its key identifier, be it written or computed */
    certificate_options silent = {.name = "silent", .serial = 5, .ski = ""};
    sv_cms_key other_key = *identity(f, "P-384");
    known strangers = {{other.certificates[0], make_certificate(f, other_key.private_key, silent)}, 2};
    sv_sign_request by_identifier = request;
    by_identifier.by_key_identifier = true;
    assert_int_equal(check_with(f, sign(f, &by_identifier, CONTENT), NULL, strangers, &strict, &data, &s), SIPVEIL_OK);
    assert_int_equal(s->code, SIPVEIL_UNTRUSTED_SIGNER);
    assert_string_equal(s->rule, "TUN-06");
    assert_null(s->certificate);
    /* but a content that has changed is known to be bad without it */
    assert_int_equal(check_with(f, message, "x", other, &strict, &data, &s), SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_INVALID);
    sv_arena_reset(f->arena);
}

/* CMS-03, ADV-124: certificates of one name or identifier, and only one has the key. */
static void each_certificate_of_the_same_name_is_tried(void **state)
{
    fixture *f = *state;
    EVP_PKEY *good = make_key(f, "P-256"), *evil = make_key(f, "P-256");
    certificate_options options = {.name = "twin", .serial = 77, .ski = "01:02:03:04"};
    X509 *right = make_certificate(f, good, options), *wrong = make_certificate(f, evil, options);
    sv_cms_key signer = view_of(f, right, good), forger = view_of(f, wrong, evil);
    sv_signed data;
    sv_signature *s;
    for (int by_identifier = 0; by_identifier < 2; by_identifier++) {
        sv_sign_request request = {.signers = &signer,
                                   .signer_count = 1,
                                   .no_certificates = true,
                                   .by_key_identifier = by_identifier != 0};
        sipveil_span message = sign(f, &request, CONTENT);
        known both = {{wrong, right}, 2}, only = {{wrong}, 1};
        assert_int_equal(check_with(f, message, NULL, both, &strict, &data, &s), SIPVEIL_OK);
        assert_int_equal(s->state, SV_SIGNATURE_VALID);
        assert_ptr_equal(s->certificate, right);
        assert_int_equal(check_with(f, message, NULL, only, &strict, &data, &s), SIPVEIL_OK);
        assert_int_equal(s->state, SV_SIGNATURE_INVALID);
        assert_string_equal(s->rule,
                            "ADV-124"); /* our own attribute names the certificate's hash */
        assert_ptr_equal(s->certificate, wrong);
        /* the forger's signature, and the right certificate known: it is reported as the forger's
         */
        request.signers = &forger;
        request.no_certificates = false;
        message = sign(f, &request, CONTENT);
        known trusted = {{right}, 1};
        assert_int_equal(check_with(f, message, NULL, trusted, &strict, &data, &s), SIPVEIL_OK);
        assert_int_equal(s->state, SV_SIGNATURE_VALID);
        assert_int_equal(X509_cmp(s->certificate, wrong), 0);
    }
    sv_arena_reset(f->arena);
}

static void certificate_without_identifier_is_found_by_its_key_hash(void **state)
{
    fixture *f = *state;
    EVP_PKEY *key = make_key(f, "P-256");
    certificate_options with = {.name = "hash", .serial = 9},
                        without = {.name = "hash", .serial = 9, .ski = ""};
    sv_cms_key signer = view_of(f, make_certificate(f, key, without), key);
    sv_cms_key named = view_of(f, make_certificate(f, key, with), key);
    signer.ski = named.ski;
    sv_sign_request request = {.signers = &signer, .signer_count = 1, .by_key_identifier = true};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(
        check_with(f, sign(f, &request, CONTENT), NULL, (known){0}, &strict, &data, &s),
        SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_VALID);
    sv_arena_reset(f->arena);
}

/* ---- forgeries ---- */

/* clang-format off */
static const struct {
    forgery how;
    unsigned allow_weak;
    sipveil_code code; /* MALFORMED: of the whole; OK: valid; else of the signature */
    const char *rule;
} forgeries[] = {
    /* the least that is valid, and more */
    {{.attributes = "cm"}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cmtps"}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cm", .digest = "sha384"}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cm", .kind = "rsa2048"}, 0, SIPVEIL_OK, ""}, /* rsaEncryption, sha256 */
    {{.attributes = "cm", .kind = "rsa2048", .salt = 20}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 222}, 0, SIPVEIL_OK, ""}, /* as `openssl cms` does */
    {{.attributes = "cm", .change_signature = true}, 0, SIPVEIL_BAD_SIGNATURE, "CMS-02"},
    {{.attributes = "cmb"}, 0, SIPVEIL_BAD_SIGNATURE, "CMS-02"},
    {{.attributes = "cx"}, 0, SIPVEIL_BAD_SIGNATURE, "TUN-62"},
    {{.attributes = "cm", .trailing = true}, 0, SIPVEIL_MALFORMED, NULL},
    /* ADV-111, CMS-02 */
    {{.attributes = "c"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
    {{.attributes = "m"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
    {{.attributes = ""}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
    {{.attributes = "t"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
    {{.attributes = "Cm"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
    /* ADV-058 */
    {{.attributes = "cmm"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "cmx"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "ccm"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "cCm"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "0m"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "c2"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "cmtt"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "cmpp"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"}, /* TUN-57 */
    {{.attributes = "cmss"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "cmT"}, 0, SIPVEIL_BAD_SIGNATURE, "TUN-58"},
    {{.attributes = "cmS"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-124"},
    {{.attributes = "cmw"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-124"}, /* the right certificate, but by SHA-1 */
    {{.attributes = "cmw"}, SIPVEIL_WEAK_SHA1, SIPVEIL_BAD_SIGNATURE, "ADV-124"},
    /* ADV-116 */
    {{.attributes = "cM"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .announced = "sha512"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .algorithm = "sha384"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .announced = ""}, 0, SIPVEIL_MALFORMED, NULL}, /* ADV-059 */
    {{.attributes = "cm", .parameters = 'd'}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .parameters = 'D'}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cm", .parameters = 's'}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .parameters = 'S'}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 32, .pss_hash = "sha384"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 32, .pss_mask = "sha384"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 32, .pss_mask = ""}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 32, .pss_trailer = 1}, 0, SIPVEIL_OK, ""},
    /* ADV-115 */
    {{.attributes = "cm", .digest = "sha1"}, 0, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .digest = "sha1"}, SIPVEIL_WEAK_SHA1, SIPVEIL_OK, ""},
    {{.attributes = "cm", .said = "md5", .kind = "rsa2048"}, ~0u, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa1024"}, 0, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa1024"}, SIPVEIL_WEAK_SHA1, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa1024"}, SIPVEIL_WEAK_RSA1024, SIPVEIL_OK, ""},
    {{.attributes = "cm", .kind = "rsa768"}, SIPVEIL_WEAK_RSA1024, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "secp256k1"}, ~0u, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa2048", .salt = -1}, 0, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 10000}, 0, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 32, .pss_trailer = 2}, 0, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 250}, 0, SIPVEIL_BAD_SIGNATURE, "CMS-02"},
    /* ADV-110 */
    {{.attributes = NULL}, 0, SIPVEIL_POLICY, "ADV-110"},
    {{.attributes = NULL}, SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES, SIPVEIL_OK, ""},
    {{.attributes = NULL, .other_type = true}, SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES, SIPVEIL_BAD_SIGNATURE, "CMS-02"},
    /* ADV-125: unsigned attributes change nothing, for better or worse */
    {{.attributes = "cm", .unsigned_attributes = "CxtT"}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cm", .unsigned_attributes = "cmts", .change_signature = true}, 0, SIPVEIL_BAD_SIGNATURE, "CMS-02"},
    {{.attributes = "c", .unsigned_attributes = "m"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
};
/* clang-format on */

static void forgeries_are_told_apart(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        sv_cms_policy policy = {.allow_weak = forgeries[i].allow_weak};
        forgery how = forgeries[i].how;
        sv_signed data;
        sv_signature *s;
        sipveil_span signer = forge_signer(f, &how, CONTENT);
        sipveil_span message = assemble(f, &how, &signer, 1, 1, 0, CONTENT);
        sipveil_code code = check_with(f, message, NULL, (known){0}, &policy, &data, &s);
        if (forgeries[i].code == SIPVEIL_MALFORMED) {
            if (code != SIPVEIL_MALFORMED) fail_msg("case %zu: code %d", i, code);
            assert_null(s);
            continue;
        }
        if (code != SIPVEIL_OK) fail_msg("case %zu: code %d", i, code);
        if (s->code != forgeries[i].code || strcmp(s->rule, forgeries[i].rule) != 0) {
            fail_msg("case %zu: %d %s, not %d %s: %s", i, s->code, s->rule, forgeries[i].code,
                     forgeries[i].rule, s->why);
        }
        sv_signature_state expected = s->code == SIPVEIL_OK              ? SV_SIGNATURE_VALID
                                      : s->code == SIPVEIL_BAD_SIGNATURE ? SV_SIGNATURE_INVALID
                                                                         : SV_SIGNATURE_UNCHECKED;
        assert_int_equal(s->state, expected);
        if (expected == SV_SIGNATURE_VALID) assert_int_equal(s->weak, forgeries[i].allow_weak != 0);
        assert_int_equal(s->no_signed_attributes,
                         expected == SV_SIGNATURE_VALID && how.attributes == NULL);
        sv_arena_reset(f->arena);
    }
}

/* ADV-110: the attributes of a real signature presented as the content of one without attributes.
 */
static void attributes_do_not_pass_as_content(void **state)
{
    fixture *f = *state;
    const sv_cms_policy by_name = {.allow_weak = SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES};
    forgery how = {.attributes = "cm"};
    sipveil_span set = attribute_set(f, &how, how.attributes, CONTENT);
    char *as_content = sv_arena_string(f->arena, set);
    assert_int_equal(strlen(as_content),
                     set.len); /* no NUL in it: good enough for the helpers here */
    how.attributes = NULL;
    sipveil_span signer = forge_signer(f, &how, as_content);
    sipveil_span message = assemble(f, &how, &signer, 1, 1, 0, as_content);
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, message, NULL, (known){0}, &tolerant, &data, &s), SIPVEIL_OK);
    assert_int_equal(s->code, SIPVEIL_POLICY);
    assert_int_equal(check_with(f, message, NULL, (known){0}, &by_name, &data, &s), SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_INVALID);
    assert_string_equal(s->rule, "ADV-110");
    sv_arena_reset(f->arena);
}

/* ADV-113: what is inside says one thing, the detached part another; each is checked as itself. */
static void detached_octets_are_what_is_checked(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    sipveil_span message = sign(f, &request, CONTENT);
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, message, "Content-Type: text/plain\r\n\r\nother", (known){0},
                                &tolerant, &data, &s),
                     SIPVEIL_OK);
    assert_true(data.has_content); /* TUN-20: the caller refuses it in multipart/signed */
    assert_int_equal(s->state, SV_SIGNATURE_INVALID);
    sv_arena_reset(f->arena);
}

/* ADV-114: every signature has its own answer; copies are counted before they are looked at. */
static void each_signer_is_judged_alone(void **state)
{
    fixture *f = *state;
    static sipveil_span copies[1000];
    forgery good = {.attributes = "cm"}, bad = {.attributes = "cm", .change_signature = true};
    sipveil_span signers[] = {forge_signer(f, &good, CONTENT), forge_signer(f, &bad, CONTENT)};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, assemble(f, &good, signers, 2, 1, 0, CONTENT), NULL, (known){0},
                                &tolerant, &data, &s),
                     SIPVEIL_OK);
    assert_int_equal(data.signer_count, 2);
    assert_int_equal(s[0].state, SV_SIGNATURE_VALID);
    assert_int_equal(s[1].state, SV_SIGNATURE_INVALID);
    for (size_t i = 0; i < 1000; i++) copies[i] = signers[0];
    assert_int_equal(check_with(f, assemble(f, &good, copies, 4, 1, 0, CONTENT), NULL, (known){0},
                                &tolerant, &data, &s),
                     SIPVEIL_OK);
    assert_int_equal(check_with(f, assemble(f, &good, copies, 5, 1, 0, CONTENT), NULL, (known){0},
                                &tolerant, &data, &s),
                     SIPVEIL_LIMIT);
    assert_int_equal(check_with(f, assemble(f, &good, copies, 1000, 1, 0, CONTENT), NULL,
                                (known){0}, &tolerant, &data, &s),
                     SIPVEIL_LIMIT);
    assert_null(s);
    assert_int_equal(data.signer_count, 0);
    sv_arena_reset(f->arena);
}

/* ADV-115: r or s of 0 or n, and what is no signature at all. n of P-256 as DER INTEGER content. */
static void impossible_ecdsa_values_do_not_verify(void **state)
{
#define N_P256                                                                                     \
    "\x02\x21\x00\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xBC\xE6\xFA\xAD" \
    "\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51"
    static const struct {
        const char *octets;
        size_t len;
    } values[] = {
        {"", 0},
        {"\x30\x00", 2},
        {"\x30\x06\x02\x01\x00\x02\x01\x00", 8},
        {"\x30\x06\x02\x01\x00\x02\x01\x01", 8},
        {"\x30\x06\x02\x01\x01\x02\x01\x00", 8},
        {"\x30\x06\x02\x01\x01\x02\x01\x01", 8},
        {"\x30\x26" N_P256 "\x02\x01\x01", 40},
        {"\x30\x26\x02\x01\x01" N_P256, 40},
        {"\x30\x46" N_P256 N_P256, 72},
    };
    fixture *f = *state;
    EVP_PKEY *key = identity(f, "P-256")->public_key;
    const sv_signature_scheme *scheme = sv_signature_scheme_for(NULL, key, false);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        bool valid = true;
        sipveil_error err;
        assert_int_equal(sv_signature_verify(f->crypto, scheme, 0, key, SV_SPAN("message"),
                                             sv_span(values[i].octets, values[i].len), &valid,
                                             &err),
                         SIPVEIL_OK);
        assert_false(valid);
    }
}

/* Whatever single octet is changed: what is still valid still says the same. */
static void no_changed_octet_changes_what_is_signed(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    sipveil_span message;
    sv_arena *keep = sv_arena_new(1 << 14, 1 << 20);
    assert_non_null(keep);
    size_t still_valid = 0;
    assert_true(sv_arena_copy(keep, sign(f, &request, CONTENT), &message));
    for (size_t i = 0; i < message.len; i++) {
        sv_arena_reset(f->arena);
        sipveil_span changed = copy_of(f, message);
        ((uint8_t *)(uintptr_t)changed.data)[i] ^= (uint8_t)(1u << (i % 8));
        sv_signed data;
        sv_signature *s = NULL;
        sipveil_error err;
        sipveil_span content;
        sv_cms_type type;
        if (sv_cms_read_content_info(changed, sipveil_context_limits(f->context), &type, &content,
                                     &err) != SIPVEIL_OK ||
            type != SV_CMS_SIGNED) {
            continue;
        }
        if (check_with(f, changed, NULL, (known){0}, &tolerant, &data, &s) != SIPVEIL_OK) continue;
        if (data.signer_count != 1 || s->state != SV_SIGNATURE_VALID) continue;
        assert_true(sv_equal_str(data.content, CONTENT));
        assert_int_equal(data.content_kind, SV_CMS_DATA);
        still_valid++;
    }
    assert_true(still_valid <= 2); /* the two version numbers */
    sv_arena_free(keep);
    sv_arena_reset(f->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_certificate_is_unchecked),
        cmocka_unit_test(each_certificate_of_the_same_name_is_tried),
        cmocka_unit_test(certificate_without_identifier_is_found_by_its_key_hash),
        cmocka_unit_test(forgeries_are_told_apart),
        cmocka_unit_test(attributes_do_not_pass_as_content),
        cmocka_unit_test(detached_octets_are_what_is_checked),
        cmocka_unit_test(each_signer_is_judged_alone),
        cmocka_unit_test(impossible_ecdsa_values_do_not_verify),
        cmocka_unit_test(no_changed_octet_changes_what_is_signed),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
