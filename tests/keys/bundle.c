/* SPDX-License-Identifier: BSD-2-Clause */
/* PEM and PKCS#12: what belongs together, passphrases, what is refused. */
#include "lab.h"

#include "keys/bundle.h"

static int answers;

static int say(void *user, const char *prompt, char *out, size_t room)
{
    assert_non_null(prompt);
    answers++;
    if (user == NULL) return -1;
    assert_true(strlen(user) <= room);
    memcpy(out, user, strlen(user));
    return (int)strlen(user);
}

static sipveil_code add_text(sipveil_keyring *ring, const char *text, const char *passphrase,
                             const sipveil_key **first, sipveil_error *err)
{
    char user[64];
    snprintf(user, sizeof user, "%s", passphrase != NULL ? passphrase : "");
    sipveil_key_options options = {.passphrase = passphrase ? say : NULL, .passphrase_user = user};
    answers = 0;
    return sipveil_keyring_add_octets(ring, sv_span_str(text), "test.pem", &options, first, err);
}

static lab_certificate root, middle, alice, bob;

static int make_all(void **state)
{
    if (lab_open(state) != 0) return -1;
    root = lab_make(&(lab_form){.subject = "root", .constraints = "critical,CA:TRUE", .usage = "keyCertSign"});
    middle = lab_make(&(lab_form){.subject = "middle", .constraints = "critical,CA:TRUE", .issuer = &root});
    alice = lab_make(&(lab_form){.subject = "alice", .san = "URI:sip:alice@a.example", .issuer = &middle, .serial = 7});
    bob = lab_make(&(lab_form){.subject = "bob", .algorithm = "rsa2048", .issuer = &root, .serial = 8});
    return 0;
}

static int drop_all(void **state)
{
    lab_free(&alice);
    lab_free(&bob);
    lab_free(&middle);
    lab_free(&root);
    return lab_close(state);
}

static void the_matching_certificate_is_the_keys_own(void **state)
{
    X509 *all[] = {root.x509, middle.x509, alice.x509};
    sipveil_keyring *ring = lab_ring();
    const sipveil_key *key;
    sipveil_error err;
    (void)state;
    char *text = lab_pem(alice.key, NULL, all, 3);
    assert_int_equal(add_text(ring, text, NULL, &key, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_count(ring), 1);
    assert_ptr_equal(key, sipveil_keyring_at(ring, 0));
    assert_int_equal(sipveil_key_get_kind(key), SIPVEIL_KEY_PRIVATE);
    assert_int_equal(X509_cmp(key->cms.certificate, alice.x509), 0);
    assert_int_equal(EVP_PKEY_eq(key->cms.private_key, alice.key), 1);
    assert_int_equal(sk_X509_num(key->chain), 2);
    assert_string_equal(sipveil_key_describe(key), "cert CN=alice serial 07");
    sipveil_keyring_free(ring);
    free(text);
}

static void certificates_alone(void **state)
{
    X509 *chain[] = {alice.x509, middle.x509, root.x509}, *shuffled[] = {alice.x509, root.x509, middle.x509};
    X509 *apart[] = {alice.x509, bob.x509, root.x509};
    static const struct {
        size_t count, keys;
    } expected[] = {{3, 1}, {3, 1}, {3, 3}};
    X509 **sets[] = {chain, shuffled, apart};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        sipveil_keyring *ring = lab_ring();
        const sipveil_key *first;
        sipveil_error err;
        char *text = lab_pem(NULL, NULL, sets[i], expected[i].count);
        assert_int_equal(add_text(ring, text, NULL, &first, &err), SIPVEIL_OK);
        assert_int_equal(sipveil_keyring_count(ring), expected[i].keys);
        assert_ptr_equal(first, sipveil_keyring_at(ring, 0));
        assert_int_equal(X509_cmp(first->cms.certificate, alice.x509), 0);
        assert_int_equal(first->chain != NULL ? sk_X509_num(first->chain) : 0, expected[i].keys == 1 ? 2 : 0);
        assert_int_equal(sipveil_key_get_kind(first), SIPVEIL_KEY_CERTIFICATE);
        sipveil_keyring_free(ring);
        free(text);
    }
}

static void two_private_keys(void **state)
{
    X509 *two[] = {alice.x509, bob.x509};
    sipveil_keyring *ring = lab_ring();
    const sipveil_key *alices;
    sipveil_error err;
    char both[20000];
    (void)state;
    char *first = lab_pem(alice.key, NULL, NULL, 0), *rest = lab_pem(bob.key, NULL, two, 2);
    snprintf(both, sizeof both, "Bag Attributes\n%s\n%s", first, rest);
    assert_int_equal(add_text(ring, both, NULL, &alices, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_count(ring), 2);
    assert_int_equal(X509_cmp(alices->cms.certificate, alice.x509), 0);
    assert_int_equal(X509_cmp(sipveil_keyring_at(ring, 1)->cms.certificate, bob.x509), 0);
    sipveil_keyring_free(ring);
    free(first);
    free(rest);
}

static void encrypted_private_keys(void **state)
{
    sipveil_error err;
    (void)state;
    char *text = lab_pem(alice.key, "right", &alice.x509, 1);
    sipveil_keyring *ring = lab_ring();
    assert_int_equal(add_text(ring, text, NULL, NULL, &err), SIPVEIL_USAGE);
    lab_assert_text(err, "there is no passphrase");
    assert_non_null(strstr(err.hint, "pass=file:"));
    assert_int_equal(add_text(ring, text, "wrong", NULL, &err), SIPVEIL_USAGE);
    lab_assert_text(err, "wrong passphrase");
    assert_int_equal(sipveil_keyring_count(ring), 0);
    assert_int_equal(add_text(ring, text, "right", NULL, &err), SIPVEIL_OK);
    assert_int_equal(answers, 1);
    assert_int_equal(sipveil_keyring_count(ring), 1);
    sipveil_keyring_free(ring);
    free(text);
}

static void what_does_not_fit_together(void **state)
{
    sipveil_error err;
    char text[20000];
    (void)state;
    char *key = lab_pem(alice.key, NULL, NULL, 0), *other = lab_pem(alice.key, NULL, &bob.x509, 1);
    char *certificate = lab_pem(NULL, NULL, &alice.x509, 1);
    EVP_PKEY *odd = EVP_PKEY_Q_keygen(lab_context->library, NULL, "ED448");
    char *odd_key = lab_pem(odd, NULL, NULL, 0);
    char cut[4096];
    snprintf(cut, sizeof cut, "%.*s", (int)strlen(certificate) - 30, certificate);
    snprintf(text, sizeof text, "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n%s", certificate);
    const struct {
        const char *name, *text, *says;
    } cases[] = {
        {"a key alone", key, "without the certificate"},
        {"a key and another's certificate", other, "without the certificate"},
        {"a key of a kind we lack", odd_key, "ED448"},
        {"cut", cut, "no END line"},
        {"a request", text, "neither a certificate nor a private key"},
        {"no block", "-----BEGIN \n", "no proper BEGIN line"},
        {"not base64", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "cannot be read"},
        {"not a certificate", "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n", "cannot be read"},
        {"not a key", "-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n-----END PRIVATE KEY-----\n", "cannot be read"},
        {"only in mid-line", "x-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n", "no certificate and no private key"},
        {"parameters only", "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n", "no certificate and no private key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_keyring *ring = lab_ring();
        if (add_text(ring, cases[i].text, NULL, NULL, &err) != SIPVEIL_USAGE) fail_msg("%s", cases[i].name);
        lab_assert_text(err, cases[i].says);
        assert_int_equal(sipveil_keyring_count(ring), 0);
        sipveil_keyring_free(ring);
    }
    EVP_PKEY_free(odd);
    free(odd_key);
    free(key);
    free(other);
    free(certificate);
}

/* ADV-123 */
static void a_certificate_has_a_limit(void **state)
{
    size_t room = 20000;
    char *san = malloc(room);
    sipveil_error err;
    (void)state;
    size_t used = (size_t)snprintf(san, room, "DNS:a");
    while (used < room - 100) used += (size_t)snprintf(san + used, room - used, ",DNS:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    lab_certificate large = lab_make(&(lab_form){.subject = "large", .san = san});
    char *text = lab_pem(NULL, NULL, &large.x509, 1);
    sipveil_keyring *ring = lab_ring();
    assert_int_equal(add_text(ring, text, NULL, NULL, &err), SIPVEIL_LIMIT);
    assert_string_equal(err.rule, "ADV-123");
    sipveil_keyring_free(ring);
    free(text);
    free(san);
    lab_free(&large);
}

/* ---- PKCS#12, made by the openssl program ---- */

static bool openssl_is_there(void)
{
    if (system("openssl version >/dev/null 2>&1") == 0) return true;
    print_message("skipped: no openssl program to make PKCS#12 with\n");
    return false;
}

static void make_pkcs12(const char *name, const char *options)
{
    X509 *all[] = {bob.x509, root.x509};
    char command[1024];
    char *text = lab_pem(bob.key, NULL, all, 2);
    lab_write("p12.pem", text, strlen(text), 0600);
    snprintf(command, sizeof command, "openssl pkcs12 -export -in %s -out %s %s && chmod 600 %s",
             lab_path("p12.pem"), lab_path(name), options, lab_path(name));
    assert_int_equal(system(command), 0);
    free(text);
}

static sipveil_code add_pkcs12(const char *name, const char *passphrase, sipveil_error *err)
{
    char user[64];
    sipveil_keyring *ring = lab_ring();
    snprintf(user, sizeof user, "%s", passphrase != NULL ? passphrase : "");
    sipveil_key_options options = {.passphrase = passphrase ? say : NULL, .passphrase_user = user};
    answers = 0;
    sipveil_code code = sipveil_keyring_add_file(ring, lab_path(name), &options, NULL, err);
    if (code == SIPVEIL_OK) {
        const sipveil_key *key = sipveil_keyring_at(ring, 0);
        assert_int_equal(sipveil_keyring_count(ring), 1);
        assert_int_equal(sipveil_key_get_kind(key), SIPVEIL_KEY_PRIVATE);
        assert_int_equal(X509_cmp(key->cms.certificate, bob.x509), 0);
        assert_int_equal(EVP_PKEY_eq(key->cms.private_key, bob.key), 1);
        assert_int_equal(sk_X509_num(key->chain), 1);
    } else {
        assert_int_equal(sipveil_keyring_count(ring), 0);
    }
    sipveil_keyring_free(ring);
    return code;
}

static void pkcs12_is_read(void **state)
{
    sipveil_error err;
    (void)state;
    if (!openssl_is_there()) skip();
    make_pkcs12("right.p12", "-passout pass:right");
    make_pkcs12("3des.p12", "-passout pass:right -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg SHA1");
    make_pkcs12("empty.p12", "-passout pass:");
    make_pkcs12("plain.p12", "-keypbe NONE -certpbe NONE -nomac -passout pass:");
    if (add_pkcs12("right.p12", "right", &err) != SIPVEIL_OK) fail_msg("%s %s", err.text, err.library);
    assert_int_equal(answers, 1);
    assert_int_equal(add_pkcs12("3des.p12", "right", &err), SIPVEIL_OK);
    assert_int_equal(add_pkcs12("empty.p12", NULL, &err), SIPVEIL_OK); /* nobody is asked */
    assert_int_equal(add_pkcs12("plain.p12", NULL, &err), SIPVEIL_OK);
}

static void pkcs12_is_refused(void **state)
{
    sipveil_error err;
    (void)state;
    if (!openssl_is_there()) skip();
    make_pkcs12("right.p12", "-passout pass:right");
    assert_int_equal(add_pkcs12("right.p12", "wrong", &err), SIPVEIL_USAGE);
    lab_assert_text(err, "wrong passphrase");
    assert_int_equal(add_pkcs12("right.p12", NULL, &err), SIPVEIL_USAGE);
    lab_assert_text(err, "there is no passphrase");
    make_pkcs12("old.p12", "-legacy -passout pass:right");
    assert_int_equal(add_pkcs12("old.p12", "right", &err), SIPVEIL_USAGE);
    lab_assert_text(err, "old cipher");
    assert_int_equal(chmod(lab_path("right.p12"), 0644), 0);
    assert_int_equal(add_pkcs12("right.p12", "right", &err), SIPVEIL_USAGE); /* ADV-210 */
    assert_string_equal(err.rule, "ADV-210");
    assert_int_equal(chmod(lab_path("right.p12"), 0600), 0);
    assert_int_equal(truncate(lab_path("right.p12"), 1000), 0);
    assert_int_equal(add_pkcs12("right.p12", "right", &err), SIPVEIL_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_matching_certificate_is_the_keys_own),
        cmocka_unit_test(certificates_alone),
        cmocka_unit_test(two_private_keys),
        cmocka_unit_test(encrypted_private_keys),
        cmocka_unit_test(what_does_not_fit_together),
        cmocka_unit_test(a_certificate_has_a_limit),
        cmocka_unit_test(pkcs12_is_read),
        cmocka_unit_test(pkcs12_is_refused),
    };
    return cmocka_run_group_tests_name("PEM and PKCS#12", tests, make_all, drop_all);
}
