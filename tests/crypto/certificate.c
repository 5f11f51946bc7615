/* SPDX-License-Identifier: BSD-2-Clause */
/* A certificate is decoded once as long as it is among the last sixteen; what cannot be read is not
 * kept, and one octet's difference is another certificate. */
#include "crypto/certificate.h"
#include "cms/identities.h"

static X509 *decoded(fixture *f, sipveil_span der)
{
    X509 *certificate = NULL;
    sipveil_error err;
    assert_int_equal(sv_crypto_decode_certificate(f->crypto, der, f->arena, &certificate, &err),
                     SIPVEIL_OK);
    assert_non_null(certificate);
    return certificate;
}

static sipveil_span make(fixture *f, long serial)
{
    certificate_options options = {.name = "cache", .serial = serial};
    return der_of(f, make_certificate(f, identity(f, "P-256")->private_key, options));
}

static void the_same_octets_are_decoded_once(void **state)
{
    fixture *f = *state;
    sipveil_span der = make(f, 1), other = make(f, 2);
    X509 *first = decoded(f, der), *second = decoded(f, other);
    assert_ptr_not_equal(first, second);
    assert_ptr_equal(decoded(f, copy_of(f, der)), first);
    assert_ptr_equal(decoded(f, other), second);
    assert_true(sv_equal(der_of(f, first), der));
    assert_non_null(X509_get0_pubkey(first));
    sipveil_span kept;
    assert_true(sv_arena_copy(f->keys, der, &kept));
    sv_arena_reset(f->arena); /* the cache's own reference stays */
    assert_ptr_equal(decoded(f, kept), first);
    sv_arena_reset(f->arena);
}

static void the_one_not_used_for_longest_goes(void **state)
{
    fixture *f = *state;
    sipveil_span all[SV_CERTIFICATES_KEPT + 1];
    X509 *at[SV_CERTIFICATES_KEPT + 1];
    for (long i = 0; i <= SV_CERTIFICATES_KEPT; i++) all[i] = make(f, 100 + i);
    for (size_t i = 0; i < SV_CERTIFICATES_KEPT; i++)
        at[i] = decoded(f, all[i]);              /* the arena keeps the addresses taken */
    assert_ptr_equal(decoded(f, all[0]), at[0]); /* now the newest */
    at[SV_CERTIFICATES_KEPT] = decoded(f, all[SV_CERTIFICATES_KEPT]);
    assert_ptr_equal(decoded(f, all[0]), at[0]);
    for (size_t i = 2; i <= SV_CERTIFICATES_KEPT; i++) assert_ptr_equal(decoded(f, all[i]), at[i]);
    assert_ptr_not_equal(decoded(f, all[1]), at[1]); /* that one went, and is read anew */
    assert_true(sv_equal(der_of(f, at[1]), all[1])); /* and still lives in the arena */
    sv_arena_reset(f->arena);
}

static void assert_hash(fixture *f, X509 *certificate)
{
    uint8_t ours[32], theirs[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    sipveil_error err;
    assert_int_equal(X509_digest(certificate, EVP_sha256(), theirs, &len), 1);
    for (int round = 0; round < 2; round++) { /* made, and kept */
        assert_int_equal(sv_crypto_hash_certificate(f->crypto, certificate, ours, &err), SIPVEIL_OK);
        assert_memory_equal(ours, theirs, sizeof ours);
    }
}

/* Decoded ones and our own, which are only hashed, have one table: each has its own hash, and each can push another out. */
static void hashes_are_kept_beside(void **state)
{
    fixture *f = *state;
    sipveil_span received = make(f, 200);
    X509 *first = decoded(f, received);
    assert_hash(f, first);
    assert_ptr_equal(decoded(f, received), first);
    for (long i = 0; i < 2 * SV_CERTIFICATES_KEPT; i++) {
        certificate_options options = {.name = "own", .serial = 300 + i};
        assert_hash(f, make_certificate(f, identity(f, "P-256")->private_key, options));
        if (i < SV_CERTIFICATES_KEPT) assert_ptr_equal(decoded(f, received), first); /* it was used meanwhile */
    }
    X509 *again = decoded(f, received);
    assert_ptr_not_equal(again, first); /* that went, and took its hash with it */
    assert_hash(f, again);
    assert_hash(f, first);
    for (size_t i = 0; i < 2 * SV_CERTIFICATES_KEPT; i++) assert_hash(f, decoded(f, make(f, 400 + (long)i)));
    sv_arena_reset(f->arena);
}

static void what_is_no_certificate_is_not_kept(void **state)
{
    fixture *f = *state;
    sipveil_span der = make(f, 7);
    uint8_t *longer = sv_arena_alloc(f->arena, der.len + 1);
    memcpy(longer, der.data, der.len);
    for (int round = 0; round < 2; round++) {
        for (size_t len = 0; len <= der.len + 1; len += len + 20 < der.len ? 20 : 1) {
            X509 *certificate = (X509 *)longer;
            sipveil_error err;
            sipveil_code code = sv_crypto_decode_certificate(f->crypto, sv_span(longer, len),
                                                             f->arena, &certificate, &err);
            assert_int_equal(code, len == der.len ? SIPVEIL_OK : SIPVEIL_MALFORMED);
            assert_int_equal(certificate == NULL, len != der.len);
        }
    }
    sv_arena_reset(f->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_octets_are_decoded_once),
        cmocka_unit_test(the_one_not_used_for_longest_goes),
        cmocka_unit_test(hashes_are_kept_beside),
        cmocka_unit_test(what_is_no_certificate_is_not_kept),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
