/* SPDX-License-Identifier: BSD-2-Clause */
/* libcrypto's CMS agrees with what we seal and sign, says so when it cannot tell, and its
 * disagreement is noticed. */
#include "cms/envelopes.h"

#define CONTENT "Content-Type: text/plain\r\n\r\nsecond opinion"

/* ---- open ---- */

static sipveil_code ask_open(fixture *f, sipveil_span message, const sv_cms_key *key,
                             const char *plaintext, bool *done, char note[96])
{
    sipveil_error err;
    sipveil_code code = sv_cms_second_opinion_open(f->crypto, message, key, sv_span_str(plaintext),
                                                   done, note, &err);
    assert_int_equal(ERR_peek_error(), 0); /* the queue is drained */
    if (code != SIPVEIL_OK) {
        assert_int_equal(code, SIPVEIL_SECOND_OPINION);
        assert_int_equal(err.code, SIPVEIL_SECOND_OPINION);
        assert_false(*done);
    }
    assert_int_equal(note[0] != '\0', code == SIPVEIL_OK && !*done); /* why not */
    return code;
}

static void libcrypto_agrees_on_every_kind_of_recipient(void **state)
{
    static const sipveil_cipher ciphers[] = {SIPVEIL_CIPHER_AES_256_GCM, SIPVEIL_CIPHER_AES_128_GCM,
                                             SIPVEIL_CIPHER_AES_128_CBC};
    fixture *f = *state;
    for (size_t k = 0; k < KINDS; k++) {
        for (size_t c = 0; c < sizeof ciphers / sizeof *ciphers; c++) {
            sv_cms_key key = test_key(f, kinds[k]);
            sipveil_span message = seal(f, &key, 1, ciphers[c], SV_SPAN(CONTENT));
            bool x25519 = strcmp(kinds[k], "x25519") == 0, done;
            char note[96];
            assert_int_equal(ask_open(f, message, &key, CONTENT, &done, note), SIPVEIL_OK);
            if (done == x25519)
                fail_msg("%s, cipher %d: done %d, %s", kinds[k], ciphers[c], done, note);
            if (x25519) continue;
            /* something else, something longer, something shorter, nothing */
            assert_int_equal(ask_open(f, message, &key,
                                      "Content-Type: text/plain\r\n\r\nsecond opiniom", &done,
                                      note),
                             SIPVEIL_SECOND_OPINION);
            assert_int_equal(ask_open(f, message, &key, CONTENT "!", &done, note),
                             SIPVEIL_SECOND_OPINION);
            assert_int_equal(ask_open(f, message, &key, "Content", &done, note),
                             SIPVEIL_SECOND_OPINION);
            assert_int_equal(ask_open(f, message, &key, "", &done, note), SIPVEIL_SECOND_OPINION);
        }
        sv_arena_reset(f->arena);
    }
}

static void changed_content_is_a_disagreement(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128");
    sipveil_span message =
        copy_of(f, seal(f, &key, 1, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN(CONTENT)));
    bool done;
    char note[96];
    ((uint8_t *)(uintptr_t)message.data)[message.len - 1] ^= 1; /* the tag is the last field */
    assert_int_equal(ask_open(f, message, &key, CONTENT, &done, note), SIPVEIL_SECOND_OPINION);
    sv_arena_reset(f->arena);
}

static void what_libcrypto_does_not_open_is_no_disagreement(void **state)
{
    fixture *f = *state;
    bool done;
    char note[96];
    sv_cms_key key = test_key(f, "kek128"), other = test_key(f, "P-256");
    sipveil_span message = seal(f, &key, 1, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN(CONTENT));
    assert_int_equal(ask_open(f, message, &other, CONTENT, &done, note), SIPVEIL_OK);
    assert_false(done);
    other = test_key(f, "kek256");
    assert_int_equal(ask_open(f, message, &other, CONTENT, &done, note), SIPVEIL_OK);
    assert_false(done);
    assert_int_equal(ask_open(f, SV_SPAN("\x30\x03\x02\x01"), &key, CONTENT, &done, note),
                     SIPVEIL_OK);
    assert_false(done);
    assert_int_equal(ask_open(f, sv_span(NULL, 0), &key, CONTENT, &done, note), SIPVEIL_OK);
    assert_false(done);
    sv_arena_reset(f->arena);
}

/* ---- verify ---- */

typedef struct checked {
    sipveil_span message;
    sv_signature *signatures;
    size_t count;
} checked;

static checked sign_and_check(fixture *f, const sv_sign_request *request, const char *seen)
{
    sipveil_error err;
    sipveil_span content;
    sv_buffer out;
    sv_cms_type type;
    sv_signed data;
    checked result;
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    sv_buffer_init(&out, f->arena, 4096, 1 << 20);
    assert_int_equal(sv_cms_sign(f->crypto, request, SV_SPAN(CONTENT), f->arena, &out, &err),
                     SIPVEIL_OK);
    result.message = sv_buffer_span(&out);
    assert_int_equal(sv_cms_read_content_info(result.message, limits, &type, &content, &err),
                     SIPVEIL_OK);
    assert_int_equal(sv_cms_read_signed(content, limits, &tolerant, f->arena, &data, &err),
                     SIPVEIL_OK);
    assert_int_equal(sv_cms_check_signatures(f->crypto, &data, sv_span_str(seen), NULL, 0,
                                             &tolerant, f->arena, &result.signatures, NULL, &err),
                     SIPVEIL_OK);
    result.count = data.signer_count;
    return result;
}

static sipveil_code ask_verify(fixture *f, checked c, const char *detached, bool *done,
                               char note[96])
{
    sipveil_error err;
    sipveil_span octets = detached != NULL ? sv_span_str(detached) : sv_span(NULL, 0);
    sipveil_code code = sv_cms_second_opinion_verify(f->crypto, c.message, octets, c.signatures,
                                                     c.count, done, note, &err);
    assert_int_equal(ERR_peek_error(), 0);
    if (code != SIPVEIL_OK) assert_int_equal(err.code, SIPVEIL_SECOND_OPINION);
    assert_int_equal(note[0] != '\0', code == SIPVEIL_OK && !*done);
    return code;
}

static const struct {
    const char *kind;
    bool rsa_v15;
    bool handled;
} signers[] = {{"P-256", false, true},   {"P-384", false, true},  {"P-521", false, true},
               {"rsa2048", false, true}, {"rsa2048", true, true}, {"ed25519", false, false}};

static void libcrypto_agrees_on_every_signature(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof signers / sizeof *signers; i++) {
        for (unsigned detached = 0; detached < 2; detached++) {
            sv_sign_request request = {.signers = identity(f, signers[i].kind),
                                       .signer_count = 1,
                                       .rsa_v15 = signers[i].rsa_v15,
                                       .detached = detached};
            bool done;
            char note[96];
            checked c = sign_and_check(f, &request, CONTENT);
            assert_int_equal(c.signatures[0].state, SV_SIGNATURE_VALID);
            assert_int_equal(ask_verify(f, c, detached ? CONTENT : NULL, &done, note), SIPVEIL_OK);
            if (done != signers[i].handled)
                fail_msg("%s: done %d, %s", signers[i].kind, done, note);
            if (!done) continue;
            /* we say valid, it sees other octets */
            if (detached)
                assert_int_equal(ask_verify(f, c, "other", &done, note), SIPVEIL_SECOND_OPINION);
            /* we say invalid, it says valid */
            c.signatures[0].state = SV_SIGNATURE_INVALID;
            c.signatures[0].code = SIPVEIL_BAD_SIGNATURE;
            c.signatures[0].rule = "CMS-02";
            assert_int_equal(ask_verify(f, c, detached ? CONTENT : NULL, &done, note),
                             SIPVEIL_SECOND_OPINION);
            /* a rule of ours that it lacks is no disagreement */
            c.signatures[0].rule = "ADV-124";
            assert_int_equal(ask_verify(f, c, detached ? CONTENT : NULL, &done, note), SIPVEIL_OK);
            assert_false(done);
        }
        sv_arena_reset(f->arena);
    }
}

static void both_say_invalid(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {
        .signers = identity(f, "P-256"), .signer_count = 1, .detached = true};
    checked c = sign_and_check(f, &request, "changed");
    bool done;
    char note[96];
    assert_int_equal(c.signatures[0].state, SV_SIGNATURE_INVALID);
    assert_int_equal(ask_verify(f, c, "changed", &done, note), SIPVEIL_OK);
    assert_true(done);
    sv_arena_reset(f->arena);
}

static void valid_by_the_wrong_certificate_is_a_disagreement(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    checked c = sign_and_check(f, &request, CONTENT);
    bool done;
    char note[96];
    c.signatures[0].certificate = identity(f, "P-384")->certificate;
    assert_int_equal(ask_verify(f, c, NULL, &done, note), SIPVEIL_SECOND_OPINION);
    assert_false(done);
    c.signatures[0].certificate = NULL; /* TUN-06: none found, nothing to ask */
    assert_int_equal(ask_verify(f, c, NULL, &done, note), SIPVEIL_OK);
    assert_false(done);
    c.count = 0; /* it sees one more than we do */
    assert_int_equal(ask_verify(f, c, NULL, &done, note), SIPVEIL_SECOND_OPINION);
    c.message = SV_SPAN("no cms");
    assert_int_equal(ask_verify(f, c, NULL, &done, note), SIPVEIL_OK);
    assert_false(done);
    sv_arena_reset(f->arena);
}

static void several_signers_must_all_agree(void **state)
{
    fixture *f = *state;
    sv_cms_key keys[] = {*identity(f, "P-256"), *identity(f, "P-384"), *identity(f, "rsa2048")};
    sv_sign_request request = {.signers = keys, .signer_count = 3};
    checked c = sign_and_check(f, &request, CONTENT);
    bool done;
    char note[96];
    assert_int_equal(ask_verify(f, c, NULL, &done, note), SIPVEIL_OK);
    assert_true(done);
    c.signatures[1].state = SV_SIGNATURE_INVALID;
    c.signatures[1].rule = "CMS-02";
    assert_int_equal(ask_verify(f, c, NULL, &done, note), SIPVEIL_SECOND_OPINION);
    sv_arena_reset(f->arena);
}

/* ---- inflate ---- */

/* Debian's libcrypto has no zlib; one that has must agree and disagree as it should. */
static void inflating_is_compared_where_libcrypto_can(void **state)
{
    fixture *f = *state;
    sipveil_error err;
    sv_buffer out;
    bool done;
    char note[96];
    sv_buffer_init(&out, f->arena, 256, 1 << 20);
    assert_int_equal(sv_cms_compress(SV_SPAN(CONTENT), f->arena, &out, &err), SIPVEIL_OK);
    assert_int_equal(
        sv_cms_second_opinion_inflate(sv_buffer_span(&out), SV_SPAN(CONTENT), &done, note, &err),
        SIPVEIL_OK);
    assert_int_equal(done, note[0] == '\0');
    if (done) {
        assert_int_equal(sv_cms_second_opinion_inflate(sv_buffer_span(&out), SV_SPAN("other"),
                                                       &done, note, &err),
                         SIPVEIL_SECOND_OPINION);
    }
    assert_int_equal(
        sv_cms_second_opinion_inflate(SV_SPAN("no cms"), SV_SPAN(CONTENT), &done, note, &err),
        SIPVEIL_OK);
    assert_false(done);
    assert_int_equal(ERR_peek_error(), 0);
    sv_arena_reset(f->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libcrypto_agrees_on_every_kind_of_recipient),
        cmocka_unit_test(changed_content_is_a_disagreement),
        cmocka_unit_test(what_libcrypto_does_not_open_is_no_disagreement),
        cmocka_unit_test(libcrypto_agrees_on_every_signature),
        cmocka_unit_test(both_say_invalid),
        cmocka_unit_test(valid_by_the_wrong_certificate_is_a_disagreement),
        cmocka_unit_test(several_signers_must_all_agree),
        cmocka_unit_test(inflating_is_compared_where_libcrypto_can),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
