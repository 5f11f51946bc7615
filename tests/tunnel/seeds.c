/* SPDX-License-Identifier: BSD-2-Clause */
/* The seeds of the fuzz target `open` reach what they are meant to reach: those called valid-... open with
 * its keys, all others are refused or hold nothing that is protected. */
#include <dirent.h>

#include "tunnel/fixture.h"
#include "tunnel/fuzz_keys.h"

static sipveil_span content_of(lab *l, const char *folder, const char *name)
{
    char path[4400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *octets = sv_arena_alloc(l->arena, 1 << 16);
    assert_non_null(octets);
    size_t len = fread(octets, 1, 1 << 16, file);
    fclose(file);
    return sv_span(octets, len);
}

static void open_as_named(void **state)
{
    lab *l = begin(state);
    char folder[4000];
    const char *source = getenv("SIPVEIL_SOURCE");
    assert_non_null(source);
    snprintf(folder, sizeof folder, "%s/vectors/fuzz/open", source);
    sipveil_keyring *ring = new_ring(l);
    static const char *const keys[] = {fuzz_bob_p256, fuzz_bob_rsa, fuzz_bob_x25519};
    trust(l, fuzz_authority, ring);
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN(FUZZ_KEK_ID), SV_SPAN(FUZZ_KEK), NULL, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_password(ring, SV_SPAN(FUZZ_PASSWORD), NULL, &l->err), SIPVEIL_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sipveil_keyring_add_octets(ring, text(keys[i]), "fuzz", NULL, NULL, &l->err), SIPVEIL_OK);
    }
    assert_true(strstr(fuzz_alice_p256, "PRIVATE KEY") != NULL);
    assert_int_equal(FUZZ_NOW, NOW);
    l->options.keyring = ring;
    size_t valid = 0;
    DIR *open_folder = opendir(folder);
    assert_non_null(open_folder);
    for (struct dirent *entry; (entry = readdir(open_folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        sipveil_code code = try_open(l, content_of(l, folder, entry->d_name));
        bool good = code == SIPVEIL_OK && l->opened.is_protected;
        if (good != (strncmp(entry->d_name, "valid-", 6) == 0)) {
            fail_msg("%s: %s (%s)", entry->d_name, sipveil_code_name(code), l->err.text);
        }
        valid += good;
    }
    closedir(open_folder);
    assert_true(valid >= 20);
    sipveil_keyring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(open_as_named)};
    return cmocka_run_group_tests_name("seeds of the fuzz target for opening", tests, lab_setup, lab_teardown);
}
