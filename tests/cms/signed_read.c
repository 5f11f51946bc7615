/* SPDX-License-Identifier: BSD-2-Clause */
/* SignedData is counted, bounded and cut before anything in it is looked at. */
#include "cms/signatures.h"

/* ADV-112: an empty signerInfos is reported as none, whatever else is there. */
static void no_signer_gives_no_signature(void **state)
{
    fixture *f = *state;
    forgery how = {0};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, assemble(f, &how, NULL, 0, 1, 0, CONTENT), NULL, (known){0},
                                &tolerant, &data, &s),
                     SIPVEIL_OK);
    assert_int_equal(data.signer_count, 0);
    assert_true(data.has_content);
    sv_arena_reset(f->arena);
}

/* ADV-123, ADV-058: counted before anything is decoded. */
static void counts_and_sizes_are_limited(void **state)
{
    fixture *f = *state;
    forgery how = {.attributes = "cm"};
    sipveil_span signer = forge_signer(f, &how, CONTENT);
    char letters[40];
    sv_signed data;
    sv_signature *s;
    const struct {
        size_t certificates, crls;
        sipveil_code code;
    } cases[] = {{16, 4, SIPVEIL_OK},
                 {17, 0, SIPVEIL_LIMIT},
                 {1, 5, SIPVEIL_LIMIT},
                 {300, 0, SIPVEIL_LIMIT}};
    for (size_t i = 0; i < 4; i++) {
        sipveil_span message =
            assemble(f, &how, &signer, 1, cases[i].certificates, cases[i].crls, CONTENT);
        assert_int_equal(check_with(f, message, NULL, (known){0}, &tolerant, &data, &s),
                         cases[i].code);
    }
    for (size_t n = 32; n <= 33; n++) {
        memset(letters, 'b', n);
        memcpy(letters, "cm", 2);
        letters[n] = '\0';
        how.attributes = letters;
        signer = forge_signer(f, &how, CONTENT);
        assert_int_equal(check_with(f, assemble(f, &how, &signer, 1, 1, 0, CONTENT), NULL,
                                    (known){0}, &tolerant, &data, &s),
                         n == 32 ? SIPVEIL_OK : SIPVEIL_LIMIT);
        how = (forgery){.attributes = "cm", .unsigned_attributes = letters};
        signer = forge_signer(f, &how, CONTENT);
        assert_int_equal(check_with(f, assemble(f, &how, &signer, 1, 1, 0, CONTENT), NULL,
                                    (known){0}, &tolerant, &data, &s),
                         n == 32 ? SIPVEIL_OK : SIPVEIL_LIMIT);
    }
    sv_arena_reset(f->arena);
}

static void sizes_of_values_are_limited(void **state)
{
    fixture *f = *state;
    forgery how = {.attributes = "cm"};
    sipveil_span signer = forge_signer(f, &how, CONTENT);
    sipveil_span message = assemble(f, &how, &signer, 1, 1, 0, CONTENT), content;
    sipveil_limits limits = *sipveil_context_limits(f->context);
    sv_signer_info info;
    sv_signed_attributes attributes;
    sv_cms_type type;
    sv_signed data;
    sipveil_error err;
    assert_int_equal(sv_cms_read_content_info(message, &limits, &type, &content, &err), SIPVEIL_OK);
    limits.certificate = der_of(f, identity(f, "P-256")->certificate).len;
    assert_int_equal(sv_cms_read_signed(content, &limits, &tolerant, f->arena, &data, &err),
                     SIPVEIL_OK);
    limits.certificate--;
    assert_int_equal(sv_cms_read_signed(content, &limits, &tolerant, f->arena, &data, &err),
                     SIPVEIL_LIMIT);
    assert_int_equal(sv_signer_info_read(signer, &limits, f->arena, &info, &err), SIPVEIL_OK);
    limits.attribute = 2 + 32; /* the message-digest is the largest */
    assert_int_equal(sv_signed_attributes_read(info.attributes, &limits, &attributes, &err),
                     SIPVEIL_OK);
    limits.attribute--;
    assert_int_equal(sv_signed_attributes_read(info.attributes, &limits, &attributes, &err),
                     SIPVEIL_LIMIT);
    sv_arena_reset(f->arena);
}

/* CMS-01, ADV-055 */
static void odd_versions_are_flagged_or_refused(void **state)
{
    static const struct {
        uint64_t version, signer_version;
        bool odd;
    } cases[] = {{1, 1, false}, {3, 1, true}, {9, 1, true},
                 {1, 3, true},  {3, 3, true}, {1, 2, true}};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        forgery how = {.attributes = "cm",
                       .version = cases[i].version,
                       .signer_version = cases[i].signer_version};
        sipveil_span signer = forge_signer(f, &how, CONTENT);
        sipveil_span message = assemble(f, &how, &signer, 1, 1, 0, CONTENT);
        sv_signed data;
        sv_signature *s;
        assert_int_equal(check_with(f, message, NULL, (known){0}, &tolerant, &data, &s),
                         SIPVEIL_OK);
        assert_int_equal(data.version_odd, cases[i].odd);
        assert_int_equal(s->state, SV_SIGNATURE_VALID);
        assert_int_equal(check_with(f, message, NULL, (known){0}, &strict, &data, &s),
                         cases[i].odd ? SIPVEIL_MALFORMED : SIPVEIL_OK);
    }
    sv_arena_reset(f->arena);
}

/* A signer is a SEQUENCE: neither another form that certificates have, nor anything else. */
static void a_signer_is_a_sequence(void **state)
{
    static const char *const others[] = {"\xA0\x03\x04\x01x", "\xA3\x03\x04\x01x", "\xA4\x03\x04\x01x", "\x04\x02xx", "\x31\x03\x04\x01x"};
    fixture *f = *state;
    forgery how = {.attributes = "cm"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        sipveil_span signers[] = {forge_signer(f, &how, CONTENT), sv_span_str(others[i])};
        sv_signed data;
        assert_int_equal(read_message(f, assemble(f, &how, signers, 1, 1, 0, CONTENT), &tolerant, &data), SIPVEIL_OK);
        if (read_message(f, assemble(f, &how, signers, 2, 1, 0, CONTENT), &tolerant, &data) != SIPVEIL_MALFORMED) fail_msg("%zu", i);
    }
    sv_arena_reset(f->arena);
}

static void every_shortened_message_is_malformed(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    sipveil_span message = sign(f, &request, CONTENT), content;
    sv_cms_type type;
    sv_signed data;
    sipveil_error err;
    for (size_t len = 0; len < message.len; len++) {
        assert_int_equal(read_message(f, sv_span(message.data, len), &tolerant, &data),
                         SIPVEIL_MALFORMED);
    }
    /* the SignedData itself, cut within */
    assert_int_equal(sv_cms_read_content_info(message, sipveil_context_limits(f->context), &type,
                                              &content, &err),
                     SIPVEIL_OK);
    for (size_t len = 0; len < content.len; len++) {
        assert_int_equal(sv_cms_read_signed(sv_span(content.data, len),
                                            sipveil_context_limits(f->context), &tolerant, f->arena,
                                            &data, &err),
                         SIPVEIL_MALFORMED);
        assert_null(data.signer_infos);
    }
    sv_arena_reset(f->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_signer_gives_no_signature),
        cmocka_unit_test(counts_and_sizes_are_limited),
        cmocka_unit_test(sizes_of_values_are_limited),
        cmocka_unit_test(odd_versions_are_flagged_or_refused),
        cmocka_unit_test(a_signer_is_a_sequence),
        cmocka_unit_test(every_shortened_message_is_malformed),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
