/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and random numbers that end while keys are read, made and kept, at the nth time they are asked for (ADV-214,
 * ADV-215): a ring has all of a file's keys or none, what is refused for this reason is not taken for a bad key, nothing is
 * made of less than was asked for, and no secret is given back to the allocator (ADV-213). Every allocation of an arena is
 * one that can fail here. What libcrypto leaves is not ours to wipe, and not looked for: of a private key in its decoder, of a
 * passphrase in UTF-16 in the derivation of PKCS #12. */
#include "failing.h"

#include <openssl/pkcs12.h>

#include "keys/domain.h"
#include "lab.h"
#include "sipveil/keys.h"

#define KEK "\x01\x08\x0F\x16\x1D\x24\x2B\x32\x39\x40\x47\x4E\x55\x5C\x63\x6A"
#define JWK "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AQgPFh0kKzI5QEdOVVxjag\",\"exp\":1999999999},{\"kty\":\"oct\",\"kid_hex\":\"c3bc\",\"k\":\"AggPFh0kKzI5QEdOVVxjag\"}]}"
#define PASSPHRASE "a long secret passphrase"
#define AOR "sip:alice@a.example"

static lab_certificate ca, alice;
static char *other[2]; /* of another CA: its certificate, its key */
static struct {
    unsigned char *der;
    int len;
} p12[2]; /* under the passphrase, and in clear */

typedef struct loading {
    sipveil_keyring *ring;
    const char *octets;
    size_t len, count; /* count: keys in it */
    sipveil_code (*add)(struct loading *l, sipveil_error *err);
    sipveil_domain_certificate *domain;
    char *one, *two, name[SIPVEIL_KEPT_NAME];
} loading;

static void start(void *user)
{
    loading *l = user;
    failing.no_room = true;
    l->ring = lab_ring();
    failing.no_room = false;
    if (l->count == 0) assert_int_equal(sipveil_keyring_add_anchors(l->ring, lab_path("ca.pem"), NULL), SIPVEIL_OK);
}

static void stop(void *user)
{
    loading *l = user;
    sipveil_domain_certificate_free(l->domain);
    sipveil_keys_wipe_text(l->one);
    sipveil_keys_wipe_text(l->two);
    sipveil_keyring_free(l->ring);
    l->domain = NULL;
    l->one = l->two = NULL;
}

static sipveil_code add(void *user, sipveil_error *err)
{
    loading *l = user;
    sipveil_domain_certificate_free(l->domain);
    sipveil_keys_wipe_text(l->one);
    sipveil_keys_wipe_text(l->two);
    l->domain = NULL;
    l->one = l->two = NULL;
    return l->add(l, err);
}

static void all_or_none(void *user, sipveil_code code)
{
    const loading *l = user;
    assert_int_equal(sipveil_keyring_count(l->ring), code == SIPVEIL_OK ? l->count : 0);
}

/* Octet by octet: what a function of the C library leaves on the stack is not ours. */
static int passphrase(void *user, const char *prompt, char *out, size_t room)
{
    static const volatile char text[] = PASSPHRASE;
    (void)user;
    (void)prompt;
    assert_true(room > sizeof text);
    for (size_t i = 0; i < sizeof text; i++) out[i] = text[i];
    return sizeof text - 1;
}

static sipveil_code add_octets(loading *l, sipveil_error *err)
{
    const sipveil_key_options options = {.passphrase = passphrase};
    return sipveil_keyring_add_octets(l->ring, sv_span(l->octets, l->len), "test", &options, NULL, err);
}

static sipveil_code add_file(loading *l, sipveil_error *err)
{
    return sipveil_keyring_add_file(l->ring, lab_path("key.pem"), NULL, NULL, err);
}

static sipveil_code add_kek(loading *l, sipveil_error *err)
{
    return sipveil_keyring_add_kek(l->ring, SV_SPAN("kek"), SV_SPAN(KEK), NULL, err);
}

static sipveil_code add_password(loading *l, sipveil_error *err)
{
    return sipveil_keyring_add_password(l->ring, SV_SPAN(PASSPHRASE), NULL, err);
}

enum { TRIES = 0, NO_RANDOM = 1 << FAILING_RANDOM };

static void everywhere(const char *name, loading *l, unsigned without)
{
    const failing_operation op = {name, start, add, all_or_none, stop, .without = without, .tries = TRIES, .library_leaks = true};
    failing_table(&op, 1, l);
}

static void secrets(void **state)
{
    loading l = {.octets = JWK, .len = sizeof JWK - 1, .count = 2, .add = add_octets};
    const unsigned ours = NO_RANDOM | 1 << FAILING_LIBCRYPTO;
    (void)state;
    everywhere("a set of JWK", &l, ours);
    l.count = 1;
    l.add = add_kek;
    everywhere("a shared key", &l, ours);
    l.add = add_password;
    everywhere("a password", &l, ours);
}

static void private_keys(void **state)
{
    X509 *const both[] = {alice.x509, ca.x509};
    char *open_key = lab_pem(alice.key, NULL, both, 2), *closed = lab_pem(alice.key, PASSPHRASE, both, 2);
    loading l = {.octets = open_key, .len = strlen(open_key), .count = 1, .add = add_octets};
    (void)state;
    (void)lab_write("key.pem", open_key, strlen(open_key), 0600);
    everywhere("a private key", &l, NO_RANDOM);
    l.add = add_file;
    everywhere("its file", &l, NO_RANDOM);
    l.add = add_octets;
    l.octets = closed;
    l.len = strlen(closed);
    everywhere("one under a passphrase", &l, NO_RANDOM);
    OPENSSL_cleanse(open_key, strlen(open_key));
    free(open_key);
    free(closed);
}

/* The passphrase is asked for after its checksum was wrong for none and for an empty one. */
static void bundles(void **state)
{
    loading l = {.count = 1, .add = add_octets};
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        l.octets = (const char *)p12[plain].der;
        l.len = (size_t)p12[plain].len;
        everywhere(plain ? "a PKCS#12 file in clear" : "a PKCS#12 file", &l, NO_RANDOM);
    }
}

static void make_bundles(void)
{
    for (int plain = 0; plain < 2; plain++) {
        int none = plain ? -1 : 0;
        PKCS12 *made = PKCS12_create_ex(plain ? NULL : PASSPHRASE, "alice", alice.key, alice.x509, NULL, none, none, 1, none, 0,
                                        lab_context->library, NULL);
        p12[plain].len = i2d_PKCS12(made, &p12[plain].der);
        assert_true(p12[plain].len > 0);
        PKCS12_free(made);
    }
}

/* ---- what is believed ---- */

static sipveil_code add_anchors(loading *l, sipveil_error *err)
{
    return sipveil_keyring_add_anchors(l->ring, lab_path("ca.pem"), err);
}

static sipveil_code add_pin(loading *l, sipveil_error *err)
{
    return sipveil_keyring_add_pin(l->ring, AOR, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", err);
}

static sipveil_code add_crls(loading *l, sipveil_error *err)
{
    sipveil_code code = sipveil_keyring_add_crls(l->ring, lab_path("crl.pem"), err);
    assert_true((l->ring->crl_count > 0) == (code == SIPVEIL_OK));
    return code;
}

static sipveil_code add_known(loading *l, sipveil_error *err)
{
    return sipveil_keyring_add_certificates(l->ring, lab_folder, err);
}

/* In the ring as in the file, or in neither. */
static sipveil_code keep(loading *l, sipveil_error *err)
{
    sipveil_code code = sipveil_keyring_keep(l->ring, AOR, sv_span(l->octets, l->len), l->name, &l->one, err);
    assert_true((l->one != NULL) == (code == SIPVEIL_OK) && (l->name[0] != '\0') == (code == SIPVEIL_OK));
    assert_true((l->ring->kept != NULL) == (code == SIPVEIL_OK) && l->ring->keeps == (code == SIPVEIL_OK));
    assert_true(l->ring->kept == NULL || l->ring->kept->next == NULL);
    return code;
}

static sipveil_code add_kept(loading *l, sipveil_error *err)
{
    sipveil_code code = sipveil_keyring_add_kept(l->ring, lab_path("kept"), err);
    assert_true(l->ring->keeps == (code == SIPVEIL_OK));
    return code;
}

/* Frozen once made: what nobody could look at is no finding. */
static sipveil_code judge(loading *l, sipveil_error *err)
{
    sipveil_code code = sipveil_domain_certificate_read(l->ring, sv_span(l->octets, l->len), LAB_NOW, &l->domain, err);
    if (code != SIPVEIL_OK) {
        assert_null(l->domain);
        return code;
    }
    if (failing.whose == FAILING_LIBCRYPTO) return code; /* a signature that cannot be verified is a finding */
    assert_string_equal(sipveil_domain_certificate_why(l->domain), "");
    assert_true(sv_equal_str(sipveil_domain_certificate_name(l->domain, 0), "proxy.a.example"));
    return code;
}

static void write_crl(void)
{
    X509_CRL *crl = X509_CRL_new_ex(lab_context->library, NULL);
    ASN1_TIME *last = ASN1_TIME_set(NULL, LAB_NOW - 60), *next = ASN1_TIME_set(NULL, LAB_NOW + 86400);
    EVP_MD *digest = EVP_MD_fetch(lab_context->library, "SHA256", NULL);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca.x509));
    X509_CRL_set1_lastUpdate(crl, last);
    X509_CRL_set1_nextUpdate(crl, next);
    assert_true(X509_CRL_sign(crl, ca.key, digest) > 0);
    FILE *file = fopen(lab_path("crl.pem"), "wb");
    assert_int_equal(PEM_write_X509_CRL(file, crl), 1);
    assert_int_equal(fclose(file), 0);
    ASN1_TIME_free(last);
    ASN1_TIME_free(next);
    EVP_MD_free(digest);
    X509_CRL_free(crl);
}

static void beliefs(void **state)
{
    static const struct {
        const char *name;
        sipveil_code (*add)(loading *l, sipveil_error *err);
        unsigned without;
    } cases[] = {{"anchors", add_anchors, NO_RANDOM}, {"a pin", add_pin, NO_RANDOM | 1 << FAILING_LIBCRYPTO}, {"CRLs", add_crls, NO_RANDOM},
                 {"a folder of certificates", add_known, NO_RANDOM}, {"a certificate is kept", keep, NO_RANDOM}, {"kept ones", add_kept, NO_RANDOM}};
    const lab_form form = {.subject = "proxy", .san = "URI:sip:proxy.a.example", .issuer = &ca};
    unsigned char *der = NULL;
    char folder[256];
    (void)state;
    write_crl();
    int len = i2d_X509(alice.x509, &der);
    loading l = {.octets = (const char *)der, .len = (size_t)len, .count = 0};
    snprintf(folder, sizeof folder, "%s", lab_path("kept"));
    assert_int_equal(mkdir(folder, 0700), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        l.add = cases[i].add;
        if (l.add == add_kept) {
            char path[512];
            start(&l);
            assert_int_equal(keep(&l, NULL), SIPVEIL_OK);
            snprintf(path, sizeof path, "kept/%s", l.name);
            (void)lab_write(path, l.one, strlen(l.one), 0600);
            stop(&l);
        }
        everywhere(cases[i].name, &l, cases[i].without);
    }
    OPENSSL_free(der);
    lab_certificate proxy = lab_make(&form);
    char *pem = lab_pem(NULL, NULL, &proxy.x509, 1);
    l.octets = pem;
    l.len = strlen(pem);
    l.add = judge;
    everywhere("a domain's certificate", &l, NO_RANDOM);
    free(pem);
    lab_free(&proxy);
}

/* ---- making ---- */

static sipveil_code make_authority(loading *l, sipveil_error *err)
{
    sipveil_code code = sipveil_keys_make_authority(lab_context, "a CA", &l->one, &l->two, err);
    assert_true((l->one != NULL) == (code == SIPVEIL_OK) && (l->two != NULL) == (code == SIPVEIL_OK));
    return code;
}

static sipveil_code make_certificate(loading *l, sipveil_error *err)
{
    const sipveil_certificate_request request = {.aor = AOR, .not_before = LAB_NOW, .not_after = LAB_NOW + 86400};
    sipveil_code code = sipveil_keys_make_certificate(lab_context, sv_span(NULL, 0), sv_span(NULL, 0), &request, &l->one, &l->two, err);
    assert_true((l->one != NULL) == (code == SIPVEIL_OK) && (l->two != NULL) == (code == SIPVEIL_OK));
    return code;
}

static sipveil_code make_kek(loading *l, sipveil_error *err)
{
    sipveil_code code = sipveil_keys_make_kek(lab_context, NULL, 256, &l->one, err);
    assert_true((l->one != NULL) == (code == SIPVEIL_OK));
    return code;
}

/* Of every kind: without its first random number there is no key. The numbers that primes take are very many. */
static void kinds_of_keys(void **state)
{
    static const char *const kinds[] = {"p256", "p384", "p521", "rsa2048", "rsa3072", "x25519", "ed25519"};
    sipveil_span pem = sv_span_str(other[0]), key = sv_span_str(other[1]);
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const sipveil_certificate_request request = {.aor = AOR, .algorithm = kinds[i], .not_before = LAB_NOW, .not_after = LAB_NOW + 86400};
        char *both = other[0], *certificate = other[0];
        sipveil_error err;
        failing.whose = FAILING_RANDOM;
        failing.left = 1;
        sipveil_code code = sipveil_keys_make_certificate(lab_context, pem, key, &request, &both, &certificate, &err);
        failing.whose = FAILING_NOTHING;
        assert_int_equal(failing.left, 0);
        assert_int_equal(code, SIPVEIL_INTERNAL);
        assert_true(both == NULL && certificate == NULL && err.text[0] != '\0');
    }
}

static void making(void **state)
{
    loading l = {.count = 0, .add = make_authority};
    (void)state;
    everywhere("an authority", &l, NO_RANDOM);
    l.add = make_certificate;
    everywhere("a certificate", &l, NO_RANDOM);
    l.add = make_kek;
    everywhere("a new shared key", &l, 0);
}

static int open_lab(void **state)
{
    const lab_form authority = {.subject = "CA", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign,cRLSign"};
    if (lab_open(state) != 0) return -1;
    ca = lab_make(&authority);
    const lab_form user = {.subject = "alice", .san = "URI:" AOR, .issuer = &ca};
    alice = lab_make(&user);
    make_bundles();
    if (sipveil_keys_make_authority(lab_context, "another", &other[0], &other[1], NULL) != SIPVEIL_OK) return -1;
    (void)lab_write_certificate("ca.pem", ca.x509);
    (void)lab_write_certificate("alice.pem", alice.x509);
    failing.never_below = true; /* PBKDF2 of libcrypto leaves passphrases there */
    failing_watch("a shared key", SV_SPAN(KEK));
    failing_watch("a shared key in base64url", SV_SPAN("AQgPFh0kKzI5QEdOVVxjag"));
    failing_watch("a passphrase", SV_SPAN(PASSPHRASE));
    failing_would_be_seen();
    return 0;
}

static int close_lab(void **state)
{
    for (size_t i = 0; i < sizeof p12 / sizeof *p12; i++) OPENSSL_clear_free(p12[i].der, (size_t)p12[i].len);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) sipveil_keys_wipe_text(other[i]);
    lab_free(&alice);
    lab_free(&ca);
    return lab_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(secrets), cmocka_unit_test(private_keys), cmocka_unit_test(bundles), cmocka_unit_test(beliefs), cmocka_unit_test(making), cmocka_unit_test(kinds_of_keys)};
    if (!failing_install()) return 2;
    return cmocka_run_group_tests_name("memory that ends while keys are read and made", tests, open_lab, close_lab);
}
