/* SPDX-License-Identifier: BSD-2-Clause */
/* What PKCS#12 files hold, and keys that were made, are nowhere once the ring, or the text that the caller got, is gone
 * (ADV-213). */
#include "nothing_left.h"

#include "lab.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pkcs12.h>

/* Long: what is called afterwards overwrites some of a place on the stack, but not all. */
#define PIECE(n) "piece " n " of the passphrase of a PKCS#12 file, "
#define PASSPHRASE PIECE("01") PIECE("02") PIECE("03") PIECE("04") PIECE("05") PIECE("06") PIECE("07") PIECE("08") PIECE("09") PIECE("10") \
    PIECE("11") PIECE("12") PIECE("13") PIECE("14") PIECE("15") PIECE("16")
enum { PIECES = 16, PIECE_LENGTH = sizeof PIECE("00") - 1 };
enum { P256_KEY, RSA_KEY, PLAIN_KEY, FILES, FILE_MOST = 8192, SCALAR_MOST = 512 };

/* Made in a child, for reading only. */
typedef struct material {
    uint8_t files[FILES][FILE_MOST];
    size_t lengths[FILES];
    uint8_t scalars[FILES][SCALAR_MOST];
    size_t scalar_lengths[FILES];
} material;

static const material *m;

/* The private number; of RSA a prime. */
static size_t read_scalar(EVP_PKEY *key, uint8_t *out)
{
    BIGNUM *number = NULL;
    size_t len = SCALAR_MOST;
    if (key == NULL) return 0;
    if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "X25519")) {
        return EVP_PKEY_get_raw_private_key(key, out, &len) == 1 ? len : 0;
    }
    const char *name = EVP_PKEY_is_a(key, "RSA") ? OSSL_PKEY_PARAM_RSA_FACTOR1 : OSSL_PKEY_PARAM_PRIV_KEY;
    len = EVP_PKEY_get_bn_param(key, name, &number) == 1 ? (size_t)BN_bn2bin(number, out) : 0;
    BN_clear_free(number);
    return len;
}

static bool make_material(void *shared)
{
    static const char *const types[FILES] = {"EC", "RSA", "EC"};
    material *made = shared;
    for (int i = 0; i < FILES; i++) {
        EVP_PKEY *key = i == RSA_KEY ? EVP_PKEY_Q_keygen(NULL, NULL, types[i], (size_t)2048) : EVP_PKEY_Q_keygen(NULL, NULL, types[i], "P-256");
        X509 *certificate = X509_new();
        if (key == NULL || certificate == NULL) return false;
        X509_set_version(certificate, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (const unsigned char *)"alice", -1, -1, 0);
        X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
        ASN1_TIME_set(X509_getm_notBefore(certificate), LAB_NOW - 86400);
        ASN1_TIME_set(X509_getm_notAfter(certificate), LAB_NOW + 86400);
        X509_set_pubkey(certificate, key);
        if (X509_sign(certificate, key, EVP_sha256()) <= 0) return false;
        bool plain = i == PLAIN_KEY; /* a keyBag, and no MAC */
        PKCS12 *p12 = PKCS12_create(plain ? NULL : PASSPHRASE, "alice", key, certificate, NULL, plain ? -1 : 0, plain ? -1 : 0, 2048,
                                    plain ? -1 : 0, 0);
        uint8_t *at = made->files[i];
        int length = p12 != NULL ? i2d_PKCS12(p12, NULL) : 0;
        if (length <= 0 || length > FILE_MOST || i2d_PKCS12(p12, &at) != length) return false;
        made->lengths[i] = (size_t)length;
        made->scalar_lengths[i] = read_scalar(key, made->scalars[i]);
        if (made->scalar_lengths[i] == 0) return false;
    }
    return true;
}

/* ---- PKCS#12 ---- */

static int passphrase(void *user, const char *prompt, char *out, size_t room)
{
    (void)user;
    (void)prompt;
    if (room < sizeof PASSPHRASE - 1) return -1;
    memcpy(out, PASSPHRASE, sizeof PASSPHRASE - 1);
    return sizeof PASSPHRASE - 1;
}

static int wrong_passphrase(void *user, const char *prompt, char *out, size_t room)
{
    int len = passphrase(user, prompt, out, room);
    return len - 1;
}

typedef struct addition {
    sipveil_keyring *ring;
    sipveil_span file;
    sipveil_key_options options;
    sipveil_error err;
    sipveil_code code;
} addition;

static void add(void *given)
{
    addition *a = given;
    a->code = sipveil_keyring_add_octets(a->ring, a->file, "test", &a->options, NULL, &a->err);
}

static void pkcs12(void **state)
{
    static const char *const names[FILES] = {"a key on P-256", "a prime of an RSA key", "a key that was not encrypted"};
    /* As given, and as RFC 7292 B.1 hashes it. */
    static const char wide[] = "p\0i\0e\0c\0e\0 \0" "0\0" "1"; /* no zero at its ends: memory is full of those */
    static const char text[] = PASSPHRASE;
    scan_secret of_passphrase[PIECES + 1] = {[PIECES] = {"a passphrase in UTF-16", (const uint8_t *)wide, sizeof wide - 1}};
    static addition a;
    (void)state;
    for (size_t i = 0; i < PIECES; i++) {
        of_passphrase[i] = (scan_secret){"a passphrase", (const uint8_t *)text + i * PIECE_LENGTH, PIECE_LENGTH};
    }
    for (size_t i = 0; i < FILES; i++) {
        const scan_secret key = {names[i], m->scalars[i], m->scalar_lengths[i]};
        a = (addition){lab_ring(), sv_span(m->files[i], m->lengths[i]), {.passphrase = wrong_passphrase}, {.code = SIPVEIL_OK}, SIPVEIL_OK};
        if (i != PLAIN_KEY) {
            scan_below(add, &a);
            assert_none_left(of_passphrase, PIECES + 1, "a passphrase that was wrong");
            assert_none_left(&key, 1, "a passphrase that was wrong");
            assert_int_equal(a.code, SIPVEIL_USAGE);
        }
        a.options.passphrase = passphrase;
        scan_below(add, &a);
        assert_none_left(of_passphrase, PIECES + 1, "reading a PKCS#12 file");
        if (a.code != SIPVEIL_OK) fail_msg("%s: %s", names[i], a.err.text);
        assert_true(scan_for(&key, 1).count > 0);
        sipveil_keyring_free(a.ring);
        assert_none_left(&key, 1, "the end of a ring");
        assert_none_left(of_passphrase, PIECES + 1, "the end of a ring");
    }
}

/* ---- keys that are made ---- */

/* libcrypto's allocator gives back as any other does: what wipes a text then is the call that is for it. */
static bool free_as_it_is;

static void wipe_text(char *text)
{
    free_as_it_is = true;
    sipveil_keys_wipe_text(text);
    free_as_it_is = false;
}

enum { TEXT_MOST = 4096 };
typedef struct made_key {
    uint8_t scalar[SCALAR_MOST], der[TEXT_MOST];
    size_t scalar_length, der_length;
} made_key;
static const char *text_of_key; /* for reading only, or the caller's for now */

static bool read_made(void *shared)
{
    made_key *out = shared;
    BIO *bio = BIO_new_mem_buf(text_of_key, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, lab_context->library, NULL);
    PKCS8_PRIV_KEY_INFO *info = key != NULL ? EVP_PKEY2PKCS8(key) : NULL;
    uint8_t *at = out->der;
    int length = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : 0;
    if (length <= 0 || length > TEXT_MOST || i2d_PKCS8_PRIV_KEY_INFO(info, &at) != length) return false;
    out->der_length = (size_t)length;
    out->scalar_length = read_scalar(key, out->scalar);
    return out->scalar_length > 0;
}

/* A line of the text that is of what is secret alone: behind what all keys on a curve begin with, behind an RSA modulus;
 * a key of 48 octets has one line. */
static size_t place_in_text(const made_key *made)
{
    enum { LABEL = sizeof "-----BEGIN PRIVATE KEY-----\n" - 1, LINE = 65, IN_ONE_LINE = 48, RSA_LEAST = 512 };
    return made->der_length <= IN_ONE_LINE ? LABEL + 24 : made->der_length < RSA_LEAST ? LABEL + LINE : LABEL + 8 * LINE;
}

static void goes_with_its_text(char *text, const char *what)
{
    size_t length = strlen(text);
    text_of_key = text;
    const made_key *made = scan_share(sizeof *made, read_made);
    const uint8_t *kept = scan_keep((const uint8_t *)text, length);
    if (made == NULL || kept == NULL) {
        fail_msg("%s: the text is no key's", what);
        return;
    }
    bool curve = memmem(made->der, made->der_length, "\x2A\x86\x48\xCE\x3D\x02\x01", 7) != NULL; /* its DER ends in the public key */
    const scan_secret secrets[] = {{"the text of a key", kept + place_in_text(made), 16},
                                   {"the number of a key", made->scalar, made->scalar_length},
                                   {"the end of a key's DER", made->der + made->der_length - 16, 16}};
    assert_int_equal(scan_for(secrets, 1).count, 1); /* the caller's */
    assert_none_left(secrets + 1, curve ? 1 : 2, what);
    wipe_text(text);
    assert_none_left(secrets, 1, what);
}

static void made(void **state)
{
    static const char *const algorithms[] = {"p256", "p384", "p521", "rsa2048", "x25519", "ed25519"};
    char *ca, *ca_key, *both, *alone;
    (void)state;
    assert_int_equal(sipveil_keys_make_authority(lab_context, "Test CA", &ca, &ca_key, NULL), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const sipveil_certificate_request request = {.aor = "sip:alice@a.example", .algorithm = algorithms[i],
                                                     .not_before = LAB_NOW - 86400, .not_after = LAB_NOW + 86400};
        sipveil_error err;
        if (sipveil_keys_make_certificate(lab_context, sv_span_str(ca), sv_span_str(ca_key), &request, &both, &alone, &err) != SIPVEIL_OK) {
            fail_msg("%s: %s", algorithms[i], err.text);
        }
        goes_with_its_text(both, algorithms[i]);
        sipveil_keys_wipe_text(alone);
    }
    goes_with_its_text(ca_key, "the key of a CA"); /* it has signed, too */
    sipveil_keys_wipe_text(ca);
}

/* Nothing but its text was ever the caller's. */
static void made_kek(void **state)
{
    char *jwk;
    size_t at;
    (void)state;
    assert_int_equal(sipveil_keys_make_kek(lab_context, "kid", 256, &jwk, NULL), SIPVEIL_OK);
    assert_true(sv_find(sv_span_str(jwk), SV_SPAN("\"k\":\""), &at));
    const uint8_t *kept = scan_keep((const uint8_t *)jwk + at + 5, 43);
    assert_non_null(kept);
    const scan_secret text = {"the text of a shared key", kept, 43};
    assert_int_equal(scan_for(&text, 1).count, 1);
    wipe_text(jwk);
    assert_none_left(&text, 1, "making a shared key");
}

static void wiping_free(void *block, const char *file, int line)
{
    if (free_as_it_is) free(block);
    else scan_wiping_free(block, file, line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pkcs12), cmocka_unit_test(made), cmocka_unit_test(made_kek)};
    if (scan_is_senseless()) return 77;
    if (CRYPTO_set_mem_functions(NULL, NULL, wiping_free) != 1) return 2;
    m = scan_share(sizeof *m, make_material);
    if (m == NULL) return 2;
    return cmocka_run_group_tests_name("nothing is left of keys", tests, lab_open, lab_close);
}
