/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading from files: who may read them, what kind they are, directories. */
#include "lab.h"

#define JWK "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\"}"

static sipveil_code add(const char *path, bool allow_open, sipveil_error *err)
{
    sipveil_keyring *ring = lab_ring();
    sipveil_key_options options = {.allow_open_key_file = allow_open};
    const sipveil_key *first = (const sipveil_key *)ring;
    sipveil_code code = sipveil_keyring_add_file(ring, path, &options, &first, err);
    assert_ptr_equal(first, sipveil_keyring_at(ring, 0)); /* NULL, where nothing was added */
    sipveil_keyring_free(ring);
    return code;
}

/* ADV-210 */
static void a_secret_file_is_ours_alone(void **state)
{
    static const struct {
        mode_t mode;
        bool allow;
        sipveil_code code;
    } cases[] = {
        {0600, false, SIPVEIL_OK}, {0400, false, SIPVEIL_OK},   {0640, false, SIPVEIL_USAGE},
        {0604, false, SIPVEIL_USAGE}, {0620, false, SIPVEIL_USAGE}, {0602, false, SIPVEIL_USAGE},
        {0644, false, SIPVEIL_USAGE}, {0644, true, SIPVEIL_OK},   {0666, true, SIPVEIL_OK},
    };
    sipveil_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = lab_write("key.jwk", JWK, strlen(JWK), cases[i].mode);
        sipveil_code code = add(path, cases[i].allow, &err);
        if (code != cases[i].code) fail_msg("mode %o: %s", (unsigned)cases[i].mode, sipveil_code_name(code));
        if (code == SIPVEIL_OK) continue;
        assert_string_equal(err.rule, "ADV-210");
        assert_non_null(strstr(err.hint, "--allow-open-key-file"));
    }
}

/* ADV-210 */
static void links_are_followed_and_the_descriptor_is_judged(void **state)
{
    sipveil_error err;
    (void)state;
    lab_write("real.jwk", JWK, strlen(JWK), 0600);
    assert_int_equal(symlink("real.jwk", lab_path("link.jwk")), 0);
    assert_int_equal(add(lab_path("link.jwk"), false, &err), SIPVEIL_OK);
    assert_int_equal(chmod(lab_path("real.jwk"), 0644), 0);
    assert_int_equal(add(lab_path("link.jwk"), false, &err), SIPVEIL_USAGE);
    if (geteuid() == 0) { /* only root can give a file away */
        assert_int_equal(chmod(lab_path("real.jwk"), 0600), 0);
        assert_int_equal(chown(lab_path("real.jwk"), 12345, (gid_t)-1), 0);
        assert_int_equal(add(lab_path("real.jwk"), true, &err), SIPVEIL_USAGE);
        lab_assert_text(err, "belongs to another user (12345)");
    }
}

/* ADV-210 */
static void what_is_no_regular_file_is_refused(void **state)
{
    sipveil_error err;
    (void)state;
    assert_int_equal(mkfifo(lab_path("fifo"), 0600), 0);
    assert_int_equal(add(lab_path("fifo"), false, &err), SIPVEIL_USAGE); /* and does not block */
    lab_assert_text(err, "not a regular file");
    assert_int_equal(add(lab_folder, false, &err), SIPVEIL_USAGE);
    assert_int_equal(add("/dev/null", false, &err), SIPVEIL_USAGE);
    assert_int_equal(add(lab_path("nothing-there"), false, &err), SIPVEIL_IO);
    lab_assert_text(err, "cannot be opened");
}

static void sizes_and_kinds_are_checked(void **state)
{
    sipveil_error err;
    (void)state;
    char *large = calloc(1, SV_KEY_FILE_MOST + 1);
    assert_int_equal(add(lab_write("large", large, SV_KEY_FILE_MOST + 1, 0600), false, &err), SIPVEIL_USAGE);
    lab_assert_text(err, "larger than");
    assert_int_equal(add(lab_write("zero", large, SV_KEY_FILE_MOST, 0600), false, &err), SIPVEIL_USAGE);
    free(large);
    assert_int_equal(add(lab_write("empty", "", 0, 0600), false, &err), SIPVEIL_USAGE);
    lab_assert_text(err, "empty");
    assert_int_equal(add(lab_write("text", "hello\n", 6, 0600), false, &err), SIPVEIL_USAGE);
    lab_assert_text(err, "no key: neither a JWK nor a certificate nor PKCS#12");
    assert_int_equal(add(lab_write("der", "\x30\x03\x02\x01\x03", 5, 0600), false, &err), SIPVEIL_USAGE);
}

static void certificates_need_not_be_secret(void **state)
{
    sipveil_error err;
    sipveil_key_options options = {.kid = "a"};
    (void)state;
    lab_certificate alice = lab_make(&(lab_form){.subject = "alice", .san = "URI:sip:alice@a.example"});
    lab_write_certificate("alice.pem", alice.x509);
    assert_int_equal(chmod(lab_path("alice.pem"), 0644), 0);
    assert_int_equal(add(lab_path("alice.pem"), false, &err), SIPVEIL_OK);
    char *both = lab_pem(alice.key, NULL, &alice.x509, 1);
    assert_int_equal(add(lab_write("both", both, strlen(both), 0644), false, &err), SIPVEIL_USAGE);
    assert_int_equal(add(lab_write("both", both, strlen(both), 0600), false, &err), SIPVEIL_OK);
    unsigned char *der = NULL;
    int len = i2d_X509(alice.x509, &der);
    assert_int_equal(add(lab_write("alice.der", der, (size_t)len, 0644), false, &err), SIPVEIL_OK);
    sipveil_keyring *ring = lab_ring();
    assert_int_equal(sipveil_keyring_add_file(ring, lab_path("both"), &options, NULL, &err), SIPVEIL_USAGE);
    lab_assert_text(err, "no kid can be picked");
    sipveil_keyring_free(ring);
    OPENSSL_free(der);
    free(both);
    lab_free(&alice);
}

static void folders_are_read_in_order(void **state)
{
    sipveil_error err;
    size_t count;
    (void)state;
    lab_certificate first = lab_make(&(lab_form){.subject = "first"});
    lab_certificate second = lab_make(&(lab_form){.subject = "second"});
    assert_int_equal(mkdir(lab_path("certs"), 0700), 0);
    lab_write_certificate("certs/b.CRT", second.x509);
    char *both = lab_pem(first.key, "passphrase nobody asks for", &first.x509, 1);
    lab_write("certs/a.pem", both, strlen(both), 0600); /* its private key is not touched */
    lab_write("certs/notes.txt", "not looked at", 13, 0600);
    lab_write("certs/.hidden.pem", "nor this", 8, 0600);
    sipveil_keyring *ring = lab_ring();
    assert_int_equal(sipveil_keyring_add_certificates(ring, lab_path("certs"), &err), SIPVEIL_OK);
    X509 *const *known = sv_keyring_known_certificates(ring, &count);
    assert_int_equal(count, 2);
    assert_int_equal(X509_cmp(known[0], first.x509), 0);
    assert_int_equal(X509_cmp(known[1], second.x509), 0);
    assert_int_equal(sipveil_keyring_count(ring), 0); /* known, not ours */
    assert_int_equal(mkdir(lab_path("none"), 0700), 0);
    assert_int_equal(sipveil_keyring_add_certificates(ring, lab_path("none"), &err), SIPVEIL_USAGE);
    lab_assert_text(err, "no certificate in it");
    lab_write("none/broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 59, 0600);
    assert_int_equal(sipveil_keyring_add_certificates(ring, lab_path("none"), &err), SIPVEIL_USAGE);
    lab_assert_text(err, "broken.pem: ");
    assert_int_equal(sipveil_keyring_add_certificates(ring, lab_path("gone"), &err), SIPVEIL_IO);
    sipveil_keyring_free(ring);
    free(both);
    lab_free(&first);
    lab_free(&second);
}

static void anchors_are_authorities(void **state)
{
    sipveil_error err;
    (void)state;
    lab_certificate ca = lab_make(&(lab_form){.subject = "ca", .constraints = "critical,CA:TRUE"});
    lab_certificate leaf = lab_make(&(lab_form){.subject = "leaf", .issuer = &ca});
    sipveil_keyring *ring = lab_ring();
    /* ADV-124: a leaf is no anchor */
    assert_int_equal(sipveil_keyring_add_anchors(ring, lab_write_certificate("leaf.pem", leaf.x509), &err),
                     SIPVEIL_USAGE);
    assert_non_null(strstr(err.hint, "--pin"));
    assert_int_equal(ring->anchor_count, 0);
    X509 *two[] = {leaf.x509, ca.x509};
    char *text = lab_pem(NULL, NULL, two, 2);
    assert_int_equal(sipveil_keyring_add_anchors(ring, lab_write("two.pem", text, strlen(text), 0644), &err),
                     SIPVEIL_OK);
    assert_int_equal(ring->anchor_count, 1);
    sipveil_keyring_free(ring);
    ring = lab_ring(); /* from octets just so */
    assert_int_equal(sipveil_keyring_add_anchor_octets(ring, sv_span_str(text), "two", &err), SIPVEIL_OK);
    assert_int_equal(ring->anchor_count, 1);
    assert_int_equal(sipveil_keyring_add_anchor_octets(ring, SV_SPAN("hello"), "two", &err), SIPVEIL_USAGE);
    lab_assert_text(err, "two: ");
    free(text);
    text = lab_pem(NULL, NULL, two, 1);
    assert_int_equal(sipveil_keyring_add_anchor_octets(ring, sv_span_str(text), "two", &err), SIPVEIL_USAGE);
    lab_assert_text(err, "two: no certificate of a CA in it");
    assert_int_equal(ring->anchor_count, 1);
    sipveil_keyring_free(ring);
    free(text);
    lab_free(&leaf);
    lab_free(&ca);
}

static void crls_are_crls(void **state)
{
    sipveil_error err;
    (void)state;
    lab_certificate ca = lab_make(&(lab_form){.subject = "ca", .constraints = "critical,CA:TRUE"});
    sipveil_keyring *ring = lab_ring();
    assert_int_equal(sipveil_keyring_add_crls(ring, lab_write_certificate("ca.pem", ca.x509), &err), SIPVEIL_USAGE);
    lab_assert_text(err, "no CRL");
    static const char broken[] = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    assert_int_equal(sipveil_keyring_add_crls(ring, lab_write("crl", broken, sizeof broken - 1, 0644), &err),
                     SIPVEIL_USAGE);
    assert_int_equal(sipveil_keyring_add_crls(ring, lab_path("gone"), &err), SIPVEIL_IO);
    sipveil_keyring_free(ring);
    lab_free(&ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_file_is_ours_alone),
        cmocka_unit_test(links_are_followed_and_the_descriptor_is_judged),
        cmocka_unit_test(what_is_no_regular_file_is_refused),
        cmocka_unit_test(sizes_and_kinds_are_checked),
        cmocka_unit_test(certificates_need_not_be_secret),
        cmocka_unit_test(folders_are_read_in_order),
        cmocka_unit_test(anchors_are_authorities),
        cmocka_unit_test(crls_are_crls),
    };
    return cmocka_run_group_tests_name("key files", tests, lab_open, lab_close);
}
