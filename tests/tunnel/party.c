/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything to begin with, or nothing. */
#include "tunnel/fixture.h"

static char *in_file(char *path, const char *content)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    return path;
}

static void sets_up_all_or_nothing(void **state)
{
    lab *l = begin(state);
    char own[] = "/tmp/sipveil-test-XXXXXX", anchors[] = "/tmp/sipveil-test-XXXXXX", *ca, *ca_key, *both, *certificate;
    const sipveil_certificate_request request = {.aor = "sip:carol@chicago.example.com", .not_before = 0, .not_after = (int64_t)1 << 32};
    assert_code(sipveil_keys_make_authority(l->context, "Party CA", &ca, &ca_key, &l->err), SIPVEIL_OK);
    assert_code(sipveil_keys_make_certificate(l->context, text(ca), text(ca_key), &request, &both, &certificate, &l->err), SIPVEIL_OK);
    in_file(own, both);
    in_file(anchors, ca);
    const struct {
        const char *own, *anchors;
        sipveil_code code;
    } cases[] = {{own, anchors, SIPVEIL_OK}, {own, NULL, SIPVEIL_OK}, {NULL, anchors, SIPVEIL_OK}, {NULL, NULL, SIPVEIL_OK},
                 {"/nowhere/own.pem", anchors, SIPVEIL_IO}, {own, "/nowhere/ca.pem", SIPVEIL_IO}, {anchors, own, SIPVEIL_USAGE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_party party;
        memset(&party, 0xAA, sizeof party);
        assert_code(sipveil_party_set_up(&party, cases[i].own, cases[i].anchors, &l->err), cases[i].code);
        if (cases[i].code == SIPVEIL_OK) {
            assert_int_equal(sipveil_keyring_count(party.keyring), cases[i].own != NULL);
            assert_ptr_equal(party.own, sipveil_keyring_at(party.keyring, 0));
            assert_true(party.own == NULL || sipveil_key_get_kind(party.own) == SIPVEIL_KEY_PRIVATE);
            const sipveil_seal_options how = {.size = sizeof how, .signers = &party.own, .signer_count = party.own != NULL,
                                              .recipients = &l->kek, .recipient_count = 1};
            assert_code(sipveil_tunnel_seal_message(party.worker, &how, invite(l), &l->sealed, &l->err), SIPVEIL_OK);
        }
        sipveil_party_take_down(&party);
        assert_true(is_zero(&party, sizeof party));
        sipveil_party_take_down(&party);
    }
    sipveil_party_take_down(NULL);
    assert_code(sipveil_party_set_up(NULL, own, anchors, &l->err), SIPVEIL_USAGE);
    unlink(own);
    unlink(anchors);
    sipveil_keys_wipe_text(ca);
    sipveil_keys_wipe_text(ca_key);
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sets_up_all_or_nothing)};
    return cmocka_run_group_tests_name("what a program begins with", tests, lab_setup, lab_teardown);
}
