/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that a holder keeps: here one that has them in memory after all, and refuses on demand. */
#include "crypto/held_key.h"

#include "cms/envelopes.h"
#include "crypto/agree.h"
#include "crypto/keywrap.h"
#include "crypto/transport.h"

/* What stands in for a token. */
typedef struct holder {
    sv_held_key held;
    const sv_cms_key *key;
    fixture *f;
    unsigned calls;
    bool refuses, wrong_signature;
} holder;

static holder *of(const sv_held_key *held)
{
    holder *h = (holder *)(uintptr_t)held;
    h->calls++;
    return h;
}

static EVP_PKEY_CTX *raw_context(const holder *h)
{
    return EVP_PKEY_CTX_new_from_pkey(h->f->context->library, h->key->private_key, NULL);
}

/* As a token that does plain RSA only. */
static bool decrypt_oaep(const sv_held_key *held, sv_crypto *crypto, sv_hash hash, sv_hash mask_hash,
                         sipveil_span encrypted, size_t cek_length, uint8_t *out)
{
    const holder *h = of(held);
    uint8_t block[SV_MODULUS_MOST];
    size_t length = sizeof block;
    if (h->refuses) return false;
    EVP_PKEY_CTX *ctx = raw_context(h);
    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, 3 /* RSA_NO_PADDING */), 1);
    bool good = EVP_PKEY_decrypt(ctx, block, &length, encrypted.data, encrypted.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return good && sv_transport_unpad_oaep(crypto, hash, mask_hash, sv_span(block, length), cek_length, out);
}

static bool agree(const sv_held_key *held, sipveil_span point, uint8_t *shared, size_t length)
{
    const holder *h = of(held);
    uint8_t out[SV_SHARED_MOST];
    size_t found;
    assert_int_equal(point.data[0], 0x04);
    if (h->refuses || !sv_agree_read(h->f->crypto, h->key->private_key, NULL, point, out, &found)) return false;
    assert_int_equal(found, length);
    memcpy(shared, out, length);
    return true;
}

static sipveil_code wrap(const sv_held_key *held, sipveil_span cek, uint8_t *out, sipveil_error *err)
{
    const holder *h = of(held);
    sv_wrap how;
    if (h->refuses) return sv_fail(err, "test", SIPVEIL_IO, "the token is gone");
    assert_true(sv_wrap_by_key_length(h->key->kek.len, &how));
    return sv_wrap_key(h->f->crypto, how, h->key->kek.data, cek, out, err);
}

static bool unwrap(const sv_held_key *held, sipveil_span wrapped, size_t cek_length, uint8_t *out)
{
    const holder *h = of(held);
    sv_wrap how;
    assert_true(sv_wrap_by_key_length(h->key->kek.len, &how));
    return !h->refuses && sv_unwrap_key(h->f->crypto, how, h->key->kek.data, wrapped, cek_length, out);
}

static sipveil_code sign(const sv_held_key *held, const sv_signature_scheme *scheme, sipveil_span digest,
                         sv_arena *arena, sipveil_span *signature, sipveil_error *err)
{
    const holder *h = of(held);
    uint8_t *out = sv_arena_alloc(arena, SV_MODULUS_MOST);
    size_t length = SV_MODULUS_MOST;
    const EVP_MD *md = sv_digest_md(h->f->crypto, sv_digest_by_name(scheme->digest));
    if (h->refuses) return sv_fail(err, "test", SIPVEIL_IO, "the token is gone");
    EVP_PKEY_CTX *ctx = raw_context(h);
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
    if (scheme->kind == SV_SIGNATURE_RSA_PSS) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, 6 /* RSA_PKCS1_PSS_PADDING */), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)digest.len), 1);
    }
    assert_int_equal(EVP_PKEY_sign(ctx, out, &length, digest.data, digest.len), 1);
    EVP_PKEY_CTX_free(ctx);
    if (h->wrong_signature) out[length - 1] ^= 1;
    *signature = sv_span(out, length);
    return SIPVEIL_OK;
}

static const sv_held_operations all = {sign, decrypt_oaep, agree, wrap, unwrap}, none = {0};

/* The key as lib/keys would show it: its secret is not there. */
static sv_cms_key hold(holder *h, fixture *f, const sv_cms_key *key, const sv_held_operations *operations)
{
    sv_cms_key shown = *key;
    *h = (holder){{operations, key->kek.len}, key, f, 0, false, false};
    shown.held = &h->held;
    shown.private_key = NULL;
    shown.kek = NOTHING;
    return shown;
}

static const char *const held_kinds[] = {"kek128", "kek192", "kek256", "rsa2048", "P-256", "P-384", "P-521"};
enum { HELD_KINDS = sizeof held_kinds / sizeof *held_kinds };

static void test_opens(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < HELD_KINDS; i++) {
        holder h;
        sv_opening out, other;
        sipveil_error err;
        sv_cms_key key = test_key(f, held_kinds[i]), shown = hold(&h, f, &key, &all);
        sipveil_span sealed = seal(f, &shown, 1, SIPVEIL_CIPHER_AES_256_GCM, SV_SPAN("hello"));
        assert_int_equal(h.calls, i < 3 ? 1 : 0); /* a public key is in memory, a shared one is not */
        assert_int_equal(open_sealed(f, sealed, &shown, 1, &tolerant, &out, &err), SIPVEIL_OK);
        assert_true(sv_equal_str(out.plaintext, "hello"));
        assert_int_equal(open_sealed(f, sealed, &key, 1, &tolerant, &other, &err), SIPVEIL_OK);
        assert_int_equal(out.strength_bits, other.strength_bits);
    }
}

/* ADV-080, ADV-095: whatever the holder answers, or does not do at all: the words of a key in memory */
static void test_refusals_are_alike(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < HELD_KINDS; i++) {
        holder h;
        sv_opening out;
        sipveil_error expected, err;
        sv_cms_key key = test_key(f, held_kinds[i]), shown = hold(&h, f, &key, &all);
        sipveil_span sealed = seal(f, &key, 1, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
        uint8_t *altered = (uint8_t *)(uintptr_t)sealed.data;
        h.refuses = true;
        assert_int_equal(open_sealed(f, sealed, &shown, 1, &tolerant, &out, &err), SIPVEIL_CANNOT_DECRYPT);
        h.held.operations = &none;
        assert_int_equal(open_sealed(f, sealed, &shown, 1, &tolerant, &out, &expected), SIPVEIL_CANNOT_DECRYPT);
        assert_string_equal(err.text, expected.text);
        h = (holder){{&all, key.kek.len}, &key, f, 0, false, false};
        altered[sealed.len - 1] ^= 1; /* the tag */
        assert_int_equal(open_sealed(f, sealed, &shown, 1, &tolerant, &out, &err), SIPVEIL_CANNOT_DECRYPT);
        assert_string_equal(err.text, expected.text);
    }
}

/* ADV-085, ADV-086, ADV-089: a token sees nothing that is not of the right form */
static void test_holder_sees_good_form_only(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < HELD_KINDS; i++) {
        holder h;
        sv_opening out;
        sipveil_error err;
        sv_enveloped enveloped;
        sv_cms_key key = test_key(f, held_kinds[i]), shown = hold(&h, f, &key, &all);
        sipveil_span sealed = seal(f, &key, 1, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
        assert_int_equal(read_sealed(f, sealed, &tolerant, &enveloped, &err), SIPVEIL_OK);
        sv_recipient room, damaged = *sv_cms_recipient(&enveloped, 0, &room), *r = &damaged;
        if (r->kind == SV_RECIPIENT_KARI) {
            sv_derivation *changed = sv_arena_alloc(f->arena, sizeof *changed);
            sipveil_span point = r->derivation->originator_key;
            uint8_t *octets = sv_arena_alloc(f->arena, point.len);
            memcpy(octets, point.data, point.len);
            octets[point.len - 1] ^= 1; /* off the curve */
            *changed = *r->derivation;
            changed->originator_key.data = octets;
            r->derivation = changed;
        } else {
            r->encrypted_key.len--;
        }
        enveloped.recipients = r;
        assert_int_equal(open_read(f, &enveloped, &shown, 1, &tolerant, &out, &err), SIPVEIL_CANNOT_DECRYPT);
        assert_int_equal(h.calls, 0);
    }
}

static void test_v15_is_refused(void **state)
{
    fixture *f = *state;
    holder h;
    sv_opening out;
    sipveil_error err;
    sv_enveloped enveloped;
    static const uint8_t rsa_encryption[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1};
    sv_cms_key key = test_key(f, "rsa2048"), shown = hold(&h, f, &key, &all);
    sipveil_span sealed = seal(f, &key, 1, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
    assert_int_equal(read_sealed(f, sealed, &tolerant, &enveloped, &err), SIPVEIL_OK);
    enveloped.recipients[0].algorithm_oid = sv_span(rsa_encryption, sizeof rsa_encryption);
    enveloped.recipients[0].algorithm_parameters = DER_NULL;
    assert_int_equal(open_read(f, &enveloped, &shown, 1, &weak, &out, &err), SIPVEIL_POLICY); /* ADV-080 */
    assert_int_equal(h.calls, 0);
}

static void test_wrap_fails(void **state)
{
    fixture *f = *state;
    holder h;
    sipveil_error err;
    sv_buffer out;
    sv_cms_key key = test_key(f, "kek256"), shown = hold(&h, f, &key, &all);
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &shown, .recipient_count = 1};
    sv_buffer_init(&out, f->arena, 256, 1 << 16);
    h.refuses = true;
    assert_int_equal(sv_cms_seal_enveloped(f->crypto, &request, SV_SPAN("hello"), f->arena, &out, &err), SIPVEIL_IO);
    h.held.operations = &none;
    assert_int_equal(sv_cms_seal_enveloped(f->crypto, &request, SV_SPAN("hello"), f->arena, &out, &err), SIPVEIL_USAGE);
    h.held = (sv_held_key){&all, 17};
    assert_int_equal(sv_cms_seal_enveloped(f->crypto, &request, SV_SPAN("hello"), f->arena, &out, &err), SIPVEIL_POLICY);
}

static sipveil_code sign_with(fixture *f, const sv_cms_key *key, bool v15, sv_signature **signatures, sipveil_error *err)
{
    sv_buffer out;
    sv_cms_type type;
    sipveil_span content;
    sv_signed data;
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    sv_sign_request request = {.signers = key, .signer_count = 1, .rsa_v15 = v15};
    sv_buffer_init(&out, f->arena, 4096, 1 << 20);
    SV_TRY(sv_cms_sign(f->crypto, &request, SV_SPAN("hello"), f->arena, &out, err));
    SV_TRY(sv_cms_read_content_info(sv_buffer_span(&out), limits, &type, &content, err));
    SV_TRY(sv_cms_read_signed(content, limits, &tolerant, f->arena, &data, err));
    return sv_cms_check_signatures(f->crypto, &data, data.content, NULL, 0, &tolerant, f->arena, signatures, NULL, err);
}

static void test_signs(void **state)
{
    fixture *f = *state;
    for (size_t i = 3; i < HELD_KINDS; i++) {
        for (int v15 = 0; v15 < (i == 3 ? 2 : 1); v15++) {
            holder h;
            sipveil_error err;
            sv_signature *s;
            sv_cms_key key = test_key(f, held_kinds[i]), shown = hold(&h, f, &key, &all);
            assert_int_equal(sign_with(f, &shown, v15 != 0, &s, &err), SIPVEIL_OK);
            assert_int_equal(s->state, SV_SIGNATURE_VALID);
            assert_int_equal(h.calls, 1);
            h.wrong_signature = true; /* or a certificate of another key */
            assert_int_equal(sign_with(f, &shown, v15 != 0, &s, &err), SIPVEIL_USAGE);
            h.refuses = true;
            assert_int_equal(sign_with(f, &shown, v15 != 0, &s, &err), SIPVEIL_IO);
            h.held.operations = &none;
            assert_int_equal(sign_with(f, &shown, v15 != 0, &s, &err), SIPVEIL_USAGE);
        }
    }
    holder h;
    sipveil_error err;
    sv_signature *s;
    sv_cms_key shown = hold(&h, f, identity(f, "ed25519"), &all);
    assert_int_equal(sign_with(f, &shown, false, &s, &err), SIPVEIL_USAGE);
    assert_int_equal(h.calls, 0);
}

static void test_second_opinion_has_none(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < HELD_KINDS; i++) {
        holder h;
        sipveil_error err;
        char note[96];
        bool done = true;
        sv_cms_key key = test_key(f, held_kinds[i]), shown = hold(&h, f, &key, &all);
        sipveil_span sealed = seal(f, &key, 1, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
        assert_int_equal(sv_cms_second_opinion_open(f->crypto, sealed, &shown, SV_SPAN("hello"), &done, note, &err),
                         SIPVEIL_OK);
        assert_false(done);
        assert_non_null(strstr(note, "token"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens),
        cmocka_unit_test(test_refusals_are_alike),
        cmocka_unit_test(test_holder_sees_good_form_only),
        cmocka_unit_test(test_v15_is_refused),
        cmocka_unit_test(test_wrap_fails),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_second_opinion_has_none),
    };
    return cmocka_run_group_tests_name("keys that somebody else holds", tests, fixture_setup, fixture_teardown);
}
