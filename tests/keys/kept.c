/* SPDX-License-Identifier: BSD-2-Clause */
/* TUN-01, TUN-05, TUN-09: certificates kept by address of record. */
#include "lab.h"

#include "keys/certificate.h"

#define ALICE "sip:alice@a.example"

static sipveil_span der_of(X509 *x509, sv_arena *arena)
{
    sipveil_span der;
    assert_int_equal(sv_certificate_der(x509, arena, &der, NULL), SIPVEIL_OK);
    return der;
}

static sv_kept_state state_of(const sipveil_keyring *ring, const char *aor, X509 *x509, X509 **newest)
{
    sv_kept_state state;
    assert_int_equal(sv_keyring_look_kept(ring, sv_span_str(aor), x509, &state, newest, NULL), SIPVEIL_OK);
    return state;
}

static void keeps_and_finds_again(void **state)
{
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    lab_certificate first = lab_make(&(lab_form){.subject = "first", .serial = 1});
    lab_certificate second = lab_make(&(lab_form){.subject = "second", .serial = 2});
    sipveil_keyring *ring = lab_ring(), *again = lab_ring();
    sipveil_error err;
    X509 *newest;
    char name[SIPVEIL_KEPT_NAME], same[SIPVEIL_KEPT_NAME], *text;
    size_t known;
    (void)state;
    assert_int_equal(state_of(ring, ALICE, first.x509, &newest), SV_KEPT_OFF);
    assert_int_equal(sipveil_keyring_keep(ring, "sips:alice@A.Example:5061;transport=tls", der_of(first.x509, arena), name,
                                          &text, &err), SIPVEIL_OK);
    assert_memory_equal(text, ALICE "\n-----BEGIN CERTIFICATE-----\n", strlen(ALICE) + 29);
    sipveil_keys_wipe_text(text);
    assert_int_equal(state_of(ring, ALICE, first.x509, &newest), SV_KEPT_SAME);
    assert_int_equal(state_of(ring, ALICE, second.x509, &newest), SV_KEPT_OTHER);
    assert_int_equal(state_of(ring, "sip:bob@a.example", second.x509, &newest), SV_KEPT_NONE); /* never another entry */
    assert_null(newest);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(sipveil_keyring_keep(ring, ALICE, der_of(second.x509, arena), same, &text, &err), SIPVEIL_OK);
        assert_string_equal(same, name);
        if (twice == 0) sipveil_keys_wipe_text(text);
    }
    assert_int_equal(state_of(ring, ALICE, first.x509, &newest), SV_KEPT_SAME);
    lab_write(name, text, strlen(text), 0600);
    lab_write("README.pem", "hello", 5, 0666);
    sipveil_keys_wipe_text(text);
    assert_int_equal(sipveil_keyring_add_kept(again, lab_folder, &err), SIPVEIL_OK);
    (void)sv_keyring_known_certificates(again, &known);
    assert_int_equal(known, 2);
    lab_certificate third = lab_make(&(lab_form){.subject = "third", .serial = 3});
    assert_int_equal(state_of(again, ALICE, first.x509, &newest), SV_KEPT_SAME);
    assert_int_equal(state_of(again, ALICE, third.x509, &newest), SV_KEPT_OTHER);
    assert_int_equal(X509_cmp(newest, second.x509), 0); /* newest first */
    unlink(lab_path(name));
    unlink(lab_path("README.pem"));
    sipveil_keyring_free(ring);
    sipveil_keyring_free(again);
    lab_free(&first);
    lab_free(&second);
    lab_free(&third);
    sv_arena_free(arena);
}

static void refuses_what_is_nothing_to_keep(void **state)
{
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    lab_certificate one = lab_make(&(lab_form){.subject = "one"});
    sipveil_keyring *ring = lab_ring();
    sipveil_error err;
    X509 *newest;
    char name[SIPVEIL_KEPT_NAME] = "x", *text = name;
    (void)state;
    assert_int_equal(sipveil_keyring_keep(ring, "sip:a.example", der_of(one.x509, arena), name, &text, &err), SIPVEIL_MALFORMED);
    assert_null(text);
    assert_string_equal(name, "");
    assert_int_equal(sipveil_keyring_keep(ring, "tel:+1", der_of(one.x509, arena), name, &text, &err), SIPVEIL_MALFORMED);
    assert_int_equal(sipveil_keyring_keep(ring, ALICE, SV_SPAN("hello"), name, &text, &err), SIPVEIL_USAGE);
    assert_null(text);
    assert_int_equal(state_of(ring, ALICE, one.x509, &newest), SV_KEPT_OFF);
    assert_int_equal(sipveil_keyring_add_kept(ring, lab_path("nowhere"), &err), SIPVEIL_OK); /* missing is empty */
    assert_int_equal(state_of(ring, ALICE, one.x509, &newest), SV_KEPT_NONE);
    assert_int_equal(sipveil_keyring_add_kept(ring, lab_write("file", "a", 1, 0600), &err), SIPVEIL_IO);
    sipveil_keyring_free(ring);
    lab_free(&one);
    sv_arena_free(arena);
}

/* ADV-093: of a key on a token nobody can tell whether it is the one in the file */
static void shared_keys_on_tokens_have_names_of_their_own(void **state)
{
    static const sv_held_operations none = {0};
    static const sv_held_key held = {&none, 16};
    static const uint8_t octets[16] = {1, 2, 3};
    static const char *const ids[] = {"one", "two", "one", "file"};
    sipveil_keyring *ring = lab_ring();
    sipveil_error err;
    (void)state;
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("file"), sv_span(octets, 16), NULL, &err), SIPVEIL_OK);
    for (size_t i = 0; i < 4; i++) {
        sv_key_batch *batch = sv_key_batch_new(lab_context);
        sipveil_key *key = sv_key_batch_add(batch, SIPVEIL_KEY_KEK);
        key->cms = (sv_cms_key){.kind = SV_CMS_KEY_KEK, .kek_id = sv_span_str(ids[i]), .held = &held};
        key->description = sv_arena_string(batch->arena, SV_SPAN("test"));
        assert_int_equal(sv_keyring_take(ring, batch, SIPVEIL_OK, NULL, &err), i < 2 ? SIPVEIL_OK : SIPVEIL_USAGE);
    }
    assert_string_equal(err.rule, "ADV-093");
    assert_int_equal(sipveil_keyring_count(ring), 3);
    sipveil_keyring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_and_finds_again),
        cmocka_unit_test(refuses_what_is_nothing_to_keep),
        cmocka_unit_test(shared_keys_on_tokens_have_names_of_their_own),
    };
    return cmocka_run_group_tests_name("kept certificates", tests, lab_open, lab_close);
}
