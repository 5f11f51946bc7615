/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring: keys from memory, the views lib/cms works with, pins, wiping. */
#include "compilers.h"
#include "crypto/es256.h"
#include "emulated.h"
#include "lab.h"

static const uint8_t key_octets[16] = "0123456789abcde";

static void takes_keks(void **state)
{
    sipveil_keyring *ring = lab_ring();
    sipveil_error err;
    size_t count;
    char id[1025];
    (void)state;
    memset(id, 'x', sizeof id);
    assert_int_equal(sipveil_keyring_add_kek(ring, sv_span("\0/", 2), sv_span(key_octets, 16), NULL, &err), SIPVEIL_OK);
    const sv_cms_key *keys = sv_keyring_cms_keys(ring, &count);
    assert_int_equal(count, 1);
    assert_true(sv_equal(keys[0].kek_id, sv_span("\0/", 2))); /* CMS-15: exact octets */
    assert_true(keys[0].kek.data != key_octets);
    assert_string_equal(sipveil_key_describe(sipveil_keyring_at(ring, 0)), "kek \"\\x00/\"");
    /* ADV-092, ADV-093 */
    assert_int_equal(sipveil_keyring_add_kek(ring, sv_span("", 0), sv_span(key_octets, 16), NULL, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_keyring_add_kek(ring, sv_span(id, 1025), sv_span(key_octets, 16), NULL, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("b"), sv_span(key_octets, 15), NULL, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("b"), sv_span((uint8_t[32]){0}, 32), NULL, &err), SIPVEIL_USAGE);
    assert_string_equal(err.rule, "ADV-093");
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("b"), sv_span(key_octets, 16), NULL, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_keyring_count(ring), 1);
    sipveil_keyring_free(ring);
    sipveil_keyring_free(NULL);
}

static void finds_the_first_of_a_kind(void **state)
{
    sipveil_keyring *ring = lab_ring();
    sipveil_error err;
    (void)state;
    assert_null(sipveil_keyring_first(ring, SIPVEIL_KEY_KEK));
    assert_int_equal(sipveil_keyring_add_password(ring, SV_SPAN("a"), NULL, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("a"), sv_span(key_octets, 16), NULL, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("b"), SV_SPAN("another of 16 o."), NULL, &err), SIPVEIL_OK);
    assert_ptr_equal(sipveil_keyring_first(ring, SIPVEIL_KEY_KEK), sipveil_keyring_at(ring, 1));
    assert_ptr_equal(sipveil_keyring_first(ring, SIPVEIL_KEY_PASSWORD), sipveil_keyring_at(ring, 0));
    assert_null(sipveil_keyring_first(ring, SIPVEIL_KEY_PRIVATE));
    sipveil_keyring_free(ring);
}

/* ADV-096: exact octets, never empty */
static void takes_passwords(void **state)
{
    sipveil_keyring *ring = lab_ring();
    sipveil_error err;
    size_t count;
    (void)state;
    assert_int_equal(sipveil_keyring_add_password(ring, sv_span("a\0b\n", 4), NULL, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_password(ring, sv_span("", 0), NULL, &err), SIPVEIL_USAGE);
    assert_string_equal(err.rule, "ADV-096");
    const sv_cms_key *keys = sv_keyring_cms_keys(ring, &count);
    assert_int_equal(count, 1);
    assert_int_equal(keys[0].kind, SV_CMS_KEY_PASSWORD);
    assert_true(sv_equal(keys[0].password, sv_span("a\0b\n", 4)));
    assert_string_equal(sipveil_key_describe(sipveil_keyring_at(ring, 0)), "password");
    sipveil_keyring_free(ring);
}

/* ADV-212: shared keys and passwords are in memory that is locked where the system allows it, and never dumped. */
static void holds_secrets_apart(void **state)
{
    sipveil_keyring *ring = lab_ring();
    sipveil_protection before, after;
    (void)state;
    sipveil_keyring_protect_secrets(ring, &before);
    assert_int_equal(before.octets, 0);
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("a"), sv_span(key_octets, 16), NULL, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("a"), SV_SPAN("another of 16 oc"), NULL, NULL), SIPVEIL_USAGE);
    assert_int_equal(sipveil_keyring_add_password(ring, SV_SPAN("correct horse"), NULL, NULL), SIPVEIL_OK);
    sipveil_keyring_protect_secrets(ring, &after);
    assert_true(after.octets > 0);
    assert_int_equal(after.not_dumped, is_emulated() ? 0 : after.octets);
    assert_true(after.locked == 0 || after.locked == after.octets);
    size_t count;
    const sv_cms_key *keys = sv_keyring_cms_keys(ring, &count);
    assert_int_equal(count, 2);
    const uint8_t *pages = (const uint8_t *)ring->secrets.newest;
    assert_in_range(keys[0].kek.data - pages, 0, after.octets - 16);
    assert_in_range(keys[1].password.data - pages, 0, after.octets - 13);
    sipveil_keyring_free(ring);
}

static void grows_and_keeps_its_order(void **state)
{
    sipveil_keyring *ring = lab_ring();
    size_t count;
    (void)state;
    for (uint8_t i = 0; i < 100; i++) {
        uint8_t key[16] = {1, i};
        assert_int_equal(sipveil_keyring_add_kek(ring, sv_span(&i, 1), sv_span(key, 16), NULL, NULL), SIPVEIL_OK);
    }
    const sv_cms_key *keys = sv_keyring_cms_keys(ring, &count);
    assert_int_equal(count, 100);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(keys[i].kek.data[1], i);
        assert_ptr_equal(keys[i].kek.data, sipveil_keyring_at(ring, i)->cms.kek.data);
    }
    sipveil_keyring_free(ring);
}

static void views_a_certificate(void **state)
{
    sipveil_error err;
    size_t count;
    (void)state;
    lab_certificate with = lab_make(&(lab_form){.subject = "proxy1", .serial = 0x80}); /* needs a zero in front */
    lab_certificate without = lab_make(&(lab_form){.subject = "proxy2", .serial = -2, .no_key_identifiers = true});
    sipveil_keyring *ring = lab_ring();
    assert_int_equal(sipveil_keyring_add_file(ring, lab_write_certificate("1.pem", with.x509), NULL, NULL, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_file(ring, lab_write_certificate("2.pem", without.x509), NULL, NULL, &err), SIPVEIL_OK);
    const sv_cms_key *keys = sv_keyring_cms_keys(ring, &count);
    assert_int_equal(count, 2);
    assert_true(sv_equal(keys[0].serial, sv_span("\x00\x80", 2)));
    assert_true(sv_equal(keys[1].serial, sv_span("\xFE", 1)));
    for (size_t i = 0; i < 2; i++) {
        X509 *x509 = i == 0 ? with.x509 : without.x509;
        unsigned char *issuer = NULL;
        uint8_t digest[64];
        size_t len;
        int issuer_len = i2d_X509_NAME(X509_get_issuer_name(x509), &issuer);
        assert_true(sv_equal(keys[i].issuer, sv_span(issuer, (size_t)issuer_len)));
        OPENSSL_free(issuer);
        const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x509);
        EVP_Q_digest(lab_context->library, "SHA1", NULL, bits->data, (size_t)bits->length, digest, &len);
        assert_true(sv_equal(keys[i].ski, sv_span(digest, len)));
        assert_int_equal(EVP_PKEY_eq(keys[i].public_key, X509_get0_pubkey(x509)), 1);
        assert_null(keys[i].private_key);
        assert_int_equal(sipveil_key_get_kind(sipveil_keyring_at(ring, i)), SIPVEIL_KEY_CERTIFICATE);
    }
    assert_string_equal(sipveil_key_describe(sipveil_keyring_at(ring, 0)), "cert CN=proxy1 serial 80");
    assert_string_equal(sipveil_key_describe(sipveil_keyring_at(ring, 1)), "cert CN=proxy2 serial -02");
    sipveil_keyring_free(ring);
    lab_free(&with);
    lab_free(&without);
}

static void refuses_pins_that_are_none(void **state)
{
    static const char good[] = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
    static const char *const bad[] = {"", "0011", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
                                      "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
                                      "0g112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
                                      ":00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"};
    sipveil_keyring *ring = lab_ring();
    sipveil_error err;
    (void)state;
    assert_int_equal(sipveil_keyring_add_pin(ring, "sip:alice@a.example", good, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_pin(ring, "alice@a.example",
                                             "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"
                                             "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff", &err), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sipveil_keyring_add_pin(ring, "sip:alice@a.example", bad[i], &err), SIPVEIL_USAGE);
    }
    assert_int_equal(sipveil_keyring_add_pin(ring, "sip:a.example", good, &err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_keyring_add_pin(ring, "tel:+123", good, &err), SIPVEIL_USAGE);
    sipveil_keyring_free(ring);
}

/* ---- ADV-213 ---- */

static void on_free(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    if (ptr != NULL) *(bool *)ptr = true;
}

/* What a thread made ready to sign with is the ring's, and goes with it. */
static void a_private_key_goes_with_its_ring(void **state)
{
    sipveil_error err;
    size_t count;
    bool gone = false;
    uint8_t signature[SV_ES256_LENGTH];
    sv_crypto *crypto;
    (void)state;
    lab_certificate own = lab_make(&(lab_form){.subject = "alice"});
    char *pem = lab_pem(own.key, NULL, &own.x509, 1);
    sipveil_keyring *ring = lab_ring();
    assert_int_equal(sv_crypto_new(lab_context, &crypto, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_octets(ring, sv_span_str(pem), "alice", NULL, NULL, &err), SIPVEIL_OK);
    const sv_cms_key *key = sv_keyring_cms_keys(ring, &count);
    int index = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, NULL, NULL, on_free);
    assert_true(index >= 0 && EVP_PKEY_set_ex_data(key->private_key, index, &gone) == 1);
    assert_non_null(key->prepared);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sv_es256_sign(crypto, key->private_key, key->prepared, SV_SPAN("text"), signature, &err), SIPVEIL_OK);
    }
    sipveil_keyring_free(ring);
    assert_true(gone);
    assert_true(CRYPTO_free_ex_index(CRYPTO_EX_INDEX_EVP_PKEY, index) == 1);
    sv_crypto_free(crypto);
    free(pem);
    lab_free(&own);
}

enum { MASK = 0x5A }; /* the test's own copies are masked, so that only others are found */

static size_t count_in(const uint8_t *from, const uint8_t *to, const uint8_t *masked, size_t len)
{
    size_t found = 0;
    for (; from + len <= to; from++) {
        size_t i = 0;
        while (i < len && from[i] == (masked[i] ^ MASK)) i++;
        found += i == len;
    }
    return found;
}

/* In the heap and other memory of our own that can be written. */
static size_t count_in_memory(const uint8_t *masked, size_t len)
{
    char line[512];
    size_t found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char rights[5], path[256] = "";
        if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %255s", &from, &to, rights, path) < 3) continue;
        if (strncmp(rights, "rw", 2) != 0 || (path[0] != '\0' && strcmp(path, "[heap]") != 0)) continue;
        found += count_in((const uint8_t *)from, (const uint8_t *)to, masked, len);
    }
    fclose(maps);
    return found;
}

static void no_key_stays_in_memory(void **state)
{
    static const char before[] = "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"", after[] = "\"}";
    /* base64url and octets of one key, masked */
    uint8_t text[22], key[16];
    static const char plain[] = "Z2Vo"; /* repeated: "geh" */
    sipveil_error err;
    char jwk[128];
    (void)state;
#if defined(ADDRESS_SANITIZED)
    print_message("skipped: freed memory is kept aside by the sanitizer\n");
    skip();
#endif
    if (getenv("SIPVEIL_VALGRIND") != NULL) {
        print_message("skipped: valgrind keeps freed memory aside and forbids the search\n");
        skip();
    }
    for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(plain[i % 4] ^ MASK);
    text[20] = 'Z' ^ MASK;
    text[21] = 'w' ^ MASK;
    for (size_t i = 0; i < sizeof key; i++) key[i] = (uint8_t)("geh"[i % 3] ^ MASK);
    size_t used = sizeof before - 1;
    memcpy(jwk, before, used);
    for (size_t i = 0; i < sizeof text; i++) jwk[used++] = (char)(text[i] ^ MASK);
    memcpy(jwk + used, after, sizeof after - 1);
    used += sizeof after - 1;
    int fd = open(lab_path("secret.jwk"), O_WRONLY | O_CREAT, 0600); /* no buffer of stdio */
    assert_int_equal(write(fd, jwk, used), used);
    close(fd);
    explicit_bzero(jwk, sizeof jwk);
    sipveil_keyring *ring = lab_ring();
    assert_int_equal(sipveil_keyring_add_file(ring, lab_path("secret.jwk"), NULL, NULL, &err), SIPVEIL_OK);
    assert_int_equal(count_in_memory(key, sizeof key), 1); /* the ring's own, and the search works */
    assert_int_equal(count_in_memory(text, sizeof text), 0);
    sipveil_keyring_free(ring);
    assert_int_equal(count_in_memory(key, sizeof key), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_keks), cmocka_unit_test(finds_the_first_of_a_kind),
        cmocka_unit_test(takes_passwords),
        cmocka_unit_test(holds_secrets_apart),
        cmocka_unit_test(grows_and_keeps_its_order),
        cmocka_unit_test(views_a_certificate),
        cmocka_unit_test(refuses_pins_that_are_none),
        cmocka_unit_test(a_private_key_goes_with_its_ring),
        cmocka_unit_test(no_key_stays_in_memory),
    };
    return cmocka_run_group_tests_name("the keyring", tests, lab_open, lab_close);
}
