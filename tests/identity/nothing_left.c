/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of an authentication service, and those that a credential server sends, are with their ring and nowhere once it is
 * gone, whatever was signed, verified or refused (ADV-213). Made in another process, so that no copy is the test's own. */
#include "nothing_left.h"
#include "world.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "sipveil/binding.h"

#define PASSPHRASE "the passphrase of a credential"

enum { ES256, RS256, OF_SERVER, KEYS, TEXT_MOST = 8192, SCALAR_MOST = 256 };
enum { PLAIN, ENCRYPTED, OF_OTHERS, NOTIFIES };

typedef struct material {
    char ca[TEXT_MOST], both[KEYS][TEXT_MOST], certificates[KEYS][TEXT_MOST];
    uint8_t scalars[KEYS][SCALAR_MOST];
    size_t scalar_lengths[KEYS];
    uint8_t notifies[NOTIFIES][TEXT_MOST];
    size_t notify_lengths[NOTIFIES];
    char of_text[64]; /* base64 of PLAIN's key, as PEM has it */
} material;

static const material *m;

/* ---- made in a child ---- */

static EVP_PKEY *key_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    return PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
}

static bool read_scalar(material *made, int which)
{
    EVP_PKEY *key = key_of(made->both[which]);
    BIGNUM *number = NULL;
    const char *name = which == RS256 ? OSSL_PKEY_PARAM_RSA_FACTOR1 : OSSL_PKEY_PARAM_PRIV_KEY;
    if (key == NULL || EVP_PKEY_get_bn_param(key, name, &number) != 1) return false;
    made->scalar_lengths[which] = (size_t)BN_bn2bin(number, made->scalars[which]);
    return made->scalar_lengths[which] >= 16;
}

static size_t put(uint8_t *out, size_t at, const void *octets, size_t length)
{
    memcpy(out + at, octets, length);
    return at + length;
}

static bool write_notify(material *made, int which)
{
    static const char head[] = "NOTIFY sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TLS s.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                               "From: <sip:alice@atlanta.example>;tag=1\r\nTo: <sip:alice@atlanta.example>;tag=2\r\nCall-ID: c\r\n"
                               "CSeq: 1 NOTIFY\r\nContact: <sip:s@192.0.2.9>\r\nEvent: credential\r\nSubscription-State: active\r\n"
                               "Content-Type: multipart/mixed;boundary=part-of-it\r\n\r\n--part-of-it\r\nContent-Type: application/pkix-cert\r\n\r\n",
                      between[] = "\r\n--part-of-it\r\nContent-Type: application/pkcs8\r\n\r\n", end[] = "\r\n--part-of-it--\r\n";
    EVP_PKEY *key = key_of(made->both[which == OF_OTHERS ? ES256 : OF_SERVER]);
    BIO *text = BIO_new_mem_buf(made->certificates[OF_SERVER], -1), *der_out = BIO_new(BIO_s_mem());
    X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    uint8_t *der = NULL, *key_der = NULL;
    int length = certificate != NULL ? i2d_X509(certificate, &der) : 0;
    bool encrypted = which == ENCRYPTED;
    if (length <= 0 || i2d_PKCS8PrivateKey_bio(der_out, key, encrypted ? EVP_aes_256_cbc() : NULL, encrypted ? PASSPHRASE : NULL,
                                               encrypted ? sizeof PASSPHRASE - 1 : 0, NULL, NULL) != 1) {
        return false;
    }
    long key_length = BIO_get_mem_data(der_out, (char **)&key_der);
    uint8_t *out = made->notifies[which];
    size_t at = put(out, 0, head, sizeof head - 1);
    at = put(out, at, der, (size_t)length);
    at = put(out, at, between, sizeof between - 1);
    at = put(out, at, key_der, (size_t)key_length);
    made->notify_lengths[which] = put(out, at, end, sizeof end - 1);
    return made->notify_lengths[which] < TEXT_MOST;
}

static int64_t fixed_clock(void *user)
{
    (void)user;
    return NOW;
}

static bool make_material(void *shared)
{
    static const sipveil_certificate_request requests[KEYS] = {
        {.host = "atlanta.example.com", .algorithm = "p256", .not_before = NOW - 86400, .not_after = NOW + 86400},
        {.host = "atlanta.example.com", .algorithm = "rsa2048", .not_before = NOW - 86400, .not_after = NOW + 86400},
        {.aor = "sip:alice@atlanta.example", .algorithm = "p256", .not_before = NOW - 86400, .not_after = NOW + 86400}};
    material *made = shared;
    sipveil_context *context = NULL;
    sipveil_hooks hooks;
    char *ca = NULL, *ca_key = NULL, *both = NULL, *alone = NULL;
    sipveil_hooks_default(&hooks);
    hooks.now = fixed_clock;
    if (sipveil_context_new(&hooks, &context, NULL) != SIPVEIL_OK ||
        sipveil_keys_make_authority(context, "Other CA", &ca, &ca_key, NULL) != SIPVEIL_OK) {
        return false;
    }
    strcpy(made->ca, ca);
    for (int i = 0; i < KEYS; i++) {
        if (sipveil_keys_make_certificate(context, sv_span_str(ca), sv_span_str(ca_key), &requests[i], &both, &alone, NULL) != SIPVEIL_OK) {
            return false;
        }
        strcpy(made->both[i], both);
        strcpy(made->certificates[i], alone);
        if (!read_scalar(made, i)) return false;
    }
    memcpy(made->of_text, strchr(made->both[OF_SERVER], '\n') + 1 + 65, sizeof made->of_text); /* its second line */
    for (int i = 0; i < NOTIFIES; i++) {
        if (!write_notify(made, i)) return false;
    }
    return true;
}

/* ---- what is looked for ---- */

static scan_secret secrets[KEYS + 2];
enum { AS_TEXT = KEYS, OF_PASSPHRASE, SECRETS };

static void list_secrets(void)
{
    static const char *const names[KEYS] = {"the key of ES256", "a prime of the key of RS256", "the key from a credential server"};
    for (size_t i = 0; i < KEYS; i++) secrets[i] = (scan_secret){names[i], m->scalars[i], m->scalar_lengths[i]};
    secrets[AS_TEXT] = (scan_secret){"the text of a key", (const uint8_t *)m->of_text, sizeof m->of_text};
    secrets[OF_PASSPHRASE] = (scan_secret){"a passphrase", (const uint8_t *)PASSPHRASE, sizeof PASSPHRASE - 1};
}

static size_t places_of(size_t which)
{
    return scan_for(secrets + which, 1).count;
}

/* ---- tests ---- */

static void new_workers(world *w)
{
    sipveil_worker_free(w->worker);
    sipveil_worker_free(w->verifier);
    assert_code(sipveil_worker_new(w->context, &w->worker, &w->err), SIPVEIL_OK);
    assert_code(sipveil_worker_new(w->context, &w->verifier, &w->err), SIPVEIL_OK);
}

/* One service with its key: signed, verified, asked for what it must not sign; then it ends. */
static void signs(world *w, int which, const char *info)
{
    service s = {NULL};
    assert_none_left(secrets, SECRETS, "nothing at all");
    world_add(w, &s, m->both[which], OPENSSL_strdup(m->certificates[which]), info);
    w->sign.key = s.key;
    w->sign.info = info;
    size_t held = places_of((size_t)which);
    assert_true(held > 0);
    for (int i = 0; i < 3; i++) {
        sipveil_span message = sign(w, INVITE);
        assert_valid(w, message);
        w->sign.compact = which == ES256 && i == 1;
        sipveil_memory_free(w->memory);
        assert_code(sipveil_memory_new(&w->memory, &w->err), SIPVEIL_OK);
    }
    w->sign.compact = false;
    sipveil_code code = sipveil_identity_sign_request(w->worker, &w->sign,
                                                      SV_SPAN(START ROWS(BOB ";tag=1", BOB) DATE BODY(SDP)), &w->made, &w->err);
    assert_true(code != SIPVEIL_OK || !w->made.is_signed); /* not of its domain */
    new_workers(w);
    assert_true(places_of((size_t)which) > 0); /* with the ring, and what stands ready beside its key */
    w->services[--w->service_count] = NULL;
    world_drop(&s);
    assert_none_left(secrets, SECRETS, "the end of a ring");
}

static void services(void **state)
{
    world *w = begin(state);
    world_anchor(w, w->trust, m->ca);
    signs(w, ES256, "https://cert.atlanta.example.com/other.cer");
    w->sign.profile = SIPVEIL_IDENTITY_RFC4474;
    signs(w, RS256, "https://cert.atlanta.example.com/other-rsa.cer");
}

static int passphrase(void *user, const char *prompt, char *out, size_t room)
{
    (void)user;
    (void)prompt;
    if (room < sizeof PASSPHRASE - 1) return -1;
    memcpy(out, PASSPHRASE, sizeof PASSPHRASE - 1);
    return sizeof PASSPHRASE - 1;
}

/* IDN-81 */
static void credentials(void **state)
{
    static const sipveil_code codes[NOTIFIES] = {SIPVEIL_OK, SIPVEIL_OK, SIPVEIL_USAGE};
    const sipveil_key_options options = {.passphrase = passphrase};
    world *w = begin(state);
    for (size_t i = 0; i < NOTIFIES; i++) {
        sipveil_keyring *ring;
        sipveil_span message = sv_span(m->notifies[i], m->notify_lengths[i]);
        assert_code(sipveil_keyring_new(w->context, &ring, &w->err), SIPVEIL_OK);
        assert_code(sipveil_certificate_take_credential(w->worker, message, true, &options, ring, &w->err), codes[i]);
        if (i == PLAIN) assert_true(places_of(AS_TEXT) > 0); /* the worker's until its next call */
        assert_int_equal(places_of(OF_SERVER) > 0, codes[i] == SIPVEIL_OK);
        assert_code(sipveil_certificate_take_credential(w->worker, message, false, &options, ring, &w->err), SIPVEIL_POLICY);
        assert_none_left(secrets + AS_TEXT, 2, "the next call");
        if (i == OF_OTHERS) assert_none_left(secrets, SECRETS, "a credential that was refused");
        sipveil_keyring_free(ring);
        assert_none_left(secrets, SECRETS, "the end of a ring");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(services), cmocka_unit_test(credentials)};
    if (scan_is_senseless()) return 77;
    if (CRYPTO_set_mem_functions(NULL, NULL, scan_wiping_free) != 1) return 2;
    m = scan_share(sizeof *m, make_material);
    if (m == NULL) return 2;
    list_secrets();
    return cmocka_run_group_tests_name("nothing is left of an identity", tests, world_setup, world_teardown);
}
