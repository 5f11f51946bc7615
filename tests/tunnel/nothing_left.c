/* SPDX-License-Identifier: BSD-2-Clause */
/* After an operation, and after the end of an object, no secret of it is anywhere in the memory of the process (ADV-213); while
 * they live, long-term keys are in the pages that are left out of core files and nowhere else (ADV-212). Keys and texts are
 * made in another process, so that no copy is the test's own. */
#include "emulated.h"
#include "nothing_left.h"
#include "tunnel/fixture.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

enum { ALICE, BOB_P256, BOB_RSA, BOB_X25519, BOB_LOCKED, KEYS, PEM_MOST = 8192, SCALAR = 128 };

#define PASSPHRASE "the passphrase of a key file"

/* In memory for reading only. */
typedef struct material {
    char anchor[64]; /* a file */
    char pem[KEYS][PEM_MOST];
    uint8_t scalars[KEYS][SCALAR];
    size_t scalar_lengths[KEYS];
    uint8_t kek[32], content_key[32];
    char password[32];
    char message[2048];
} material;

static const material *m;

/* ---- made in a child ---- */

static bool read_scalar(material *made, int which)
{
    BIO *bio = BIO_new_mem_buf(made->pem[which], -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t)PASSPHRASE);
    BIGNUM *number = NULL;
    bool good = key != NULL;
    if (good && EVP_PKEY_is_a(key, "X25519")) {
        good = EVP_PKEY_get_raw_private_key(key, made->scalars[which], (size_t[]){SCALAR}) == 1;
        made->scalar_lengths[which] = 32;
    } else if (good) {
        good = EVP_PKEY_get_bn_param(key, EVP_PKEY_is_a(key, "RSA") ? OSSL_PKEY_PARAM_RSA_FACTOR1 : OSSL_PKEY_PARAM_PRIV_KEY,
                                     &number) == 1;
        made->scalar_lengths[which] = good ? (size_t)BN_num_bytes(number) : 0;
        good = good && BN_bn2bin(number, made->scalars[which]) > 0;
        BN_clear_free(number);
    }
    return good;
}

static bool lock_key(material *made)
{
    BIO *in = BIO_new_mem_buf(made->pem[BOB_LOCKED], -1), *out = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    BIO *again = BIO_new_mem_buf(made->pem[BOB_LOCKED], -1);
    X509 *certificate = PEM_read_bio_X509(again, NULL, NULL, NULL);
    char *text = NULL;
    if (PEM_write_bio_X509(out, certificate) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_256_cbc(), PASSPHRASE, sizeof PASSPHRASE - 1, NULL, NULL) != 1) {
        return false;
    }
    long length = BIO_get_mem_data(out, &text);
    memset(made->pem[BOB_LOCKED], 0, PEM_MOST);
    memcpy(made->pem[BOB_LOCKED], text, (size_t)length);
    return true;
}

static int64_t fixed_clock(void *user)
{
    (void)user;
    return NOW;
}

static bool make_material(void *shared)
{
    static const char *const algorithms[KEYS] = {"p256", "p256", "rsa2048", "x25519", "p256"};
    material *made = shared;
    sipveil_context *context = NULL;
    char *ca = NULL, *ca_key = NULL;
    if (sipveil_context_new(NULL, &context, NULL) != SIPVEIL_OK ||
        sipveil_keys_make_authority(context, "Test CA", &ca, &ca_key, NULL) != SIPVEIL_OK) {
        return false;
    }
    for (int i = 0; i < KEYS; i++) {
        sipveil_certificate_request request = {.aor = i == ALICE ? "sip:alice@atlanta.example.com" : "sip:bob@biloxi.example.com",
                                               .algorithm = algorithms[i], .not_before = NOW - 86400, .not_after = NOW + 86400};
        char *both = NULL, *certificate = NULL;
        if (sipveil_keys_make_certificate(context, sv_span_str(ca), sv_span_str(ca_key), &request, &both, &certificate, NULL) !=
            SIPVEIL_OK) {
            return false;
        }
        strcpy(made->pem[i], both);
        if ((i == BOB_LOCKED && !lock_key(made)) || !read_scalar(made, i)) return false;
    }
    for (size_t i = 0; i < 32; i++) {
        made->kek[i] = (uint8_t)(0x35 ^ (i * 37));
        made->content_key[i] = (uint8_t)(0xC3 ^ (i * 29));
    }
    strcpy(made->password, "a password of some length");
    snprintf(made->message, sizeof made->message,
             HEAD "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n" SDP "a=x-secret:nobody reads this\r\n",
             sizeof SDP + sizeof "a=x-secret:nobody reads this\r\n" - 2);
    strcpy(made->anchor, "/tmp/sipveil-test-XXXXXX");
    int fd = mkstemp(made->anchor);
    bool written = fd >= 0 && write(fd, ca, strlen(ca)) == (ssize_t)strlen(ca);
    return written && close(fd) == 0;
}

/* ---- what is looked for ---- */

enum { BODY, CONTENT_KEY, OF_MESSAGE, KEK = OF_MESSAGE, PASSWORD, OF_VAULT, PRIVATE = OF_VAULT, PASSPHRASES = PRIVATE + KEYS, SECRETS };
static scan_secret secrets[SECRETS];

static void list_secrets(void)
{
    secrets[BODY] = (scan_secret){"the body", (const uint8_t *)strstr(m->message, "a=x-secret:") + 11, 16};
    secrets[CONTENT_KEY] = (scan_secret){"the content key", m->content_key, 16};
    secrets[KEK] = (scan_secret){"a shared key", m->kek, 32};
    secrets[PASSWORD] = (scan_secret){"a password", (const uint8_t *)m->password, strlen(m->password)};
    for (int i = 0; i < KEYS; i++) {
        static const char *const names[KEYS] = {"Alice's key", "Bob's key on P-256", "a prime of Bob's RSA key", "Bob's key on X25519",
                                                "Bob's key from an encrypted file"};
        secrets[PRIVATE + i] = (scan_secret){names[i], m->scalars[i], m->scalar_lengths[i]};
    }
    secrets[PASSPHRASES] = (scan_secret){"a passphrase", (const uint8_t *)PASSPHRASE, sizeof PASSPHRASE - 1};
}

/* ---- the world ---- */

typedef struct parties {
    sipveil_context *context;
    sipveil_worker *worker;
    sipveil_keyring *ring; /* everybody's */
    const sipveil_key *keys[KEYS], *kek, *password;
} parties;

/* A content key is drawn together with its nonce. */
static bool known_random(void *user, uint8_t *out, size_t len)
{
    (void)user;
    if (len == 44) memcpy(out, m->content_key, 32);
    for (size_t i = len == 44 ? 32 : 0; i < len; i++) out[i] = (uint8_t)(0x55 + i * len);
    return true;
}

static int passphrase(void *user, const char *prompt, char *out, size_t room)
{
    (void)user;
    (void)prompt;
    if (room < sizeof PASSPHRASE - 1) return -1;
    memcpy(out, PASSPHRASE, sizeof PASSPHRASE - 1);
    return sizeof PASSPHRASE - 1;
}

static void begin_parties(parties *p)
{
    sipveil_hooks hooks;
    const sipveil_key_options options = {.passphrase = passphrase};
    sipveil_error err;
    memset(p, 0, sizeof *p);
    sipveil_hooks_default(&hooks);
    hooks.now = fixed_clock;
    hooks.random = known_random;
    assert_int_equal(sipveil_context_new(&hooks, &p->context, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_new(p->context, &p->ring, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_anchors(p->ring, m->anchor, NULL), SIPVEIL_OK);
    for (size_t i = 0; i < KEYS; i++) {
        sipveil_code code = sipveil_keyring_add_octets(p->ring, sv_span_str(m->pem[i]), "test", &options, NULL, &err);
        if (code != SIPVEIL_OK) fail_msg("%s", err.text);
        p->keys[i] = sipveil_keyring_at(p->ring, i);
    }
    assert_int_equal(sipveil_keyring_add_kek(p->ring, SV_SPAN("kek"), sv_span(m->kek, sizeof m->kek), NULL, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_password(p->ring, sv_span_str(m->password), NULL, NULL), SIPVEIL_OK);
    p->kek = sipveil_keyring_at(p->ring, KEYS);
    p->password = sipveil_keyring_at(p->ring, KEYS + 1);
    assert_non_null(p->password);
}

static void begin_worker(parties *p)
{
    assert_int_equal(sipveil_worker_new(p->context, &p->worker, NULL), SIPVEIL_OK);
}

static void end_worker(parties *p)
{
    sipveil_worker_free(p->worker);
    p->worker = NULL;
}

static void end_parties(parties *p)
{
    sipveil_keyring_free(p->ring);
    sipveil_context_free(p->context);
}

/* ---- tests ---- */

/* That we see what is there. */
static void is_found(void **state)
{
    (void)state;
    volatile char *copy = malloc(64);
    assert_non_null(copy);
    for (size_t i = 0; i < 64; i++) copy[i] = i < 7 ? 0 : m->password[i - 7 < sizeof m->password ? i - 7 : 0];
    scan_found found = scan_for(secrets, SECRETS);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.first->name, "a password");
    assert_ptr_equal(found.at, copy + 7);
    assert_false(found.all_not_dumped);
    for (size_t i = 0; i < 64; i++) copy[i] = i < 32 ? (char)m->kek[31 - i] : 0; /* as numbers lie in memory */
    assert_int_equal(scan_for(secrets, SECRETS).count, 1);
    for (size_t i = 0; i < 64; i++) copy[i] = 0;
    free((void *)(uintptr_t)copy);
    assert_none_left(secrets, SECRETS, "nothing at all");
}

static void a_ring(void **state)
{
    parties p;
    (void)state;
    begin_parties(&p);
    for (size_t i = KEK; i < OF_VAULT; i++) {
        scan_found found = scan_for(secrets + i, 1);
        assert_int_equal(found.count, 1);
        assert_true(found.all_not_dumped || is_emulated());
    }
    for (size_t i = PRIVATE; i < PASSPHRASES; i++) assert_true(scan_for(secrets + i, 1).count > 0);
    assert_none_left(secrets + PASSPHRASES, 1, "reading an encrypted key");
    end_parties(&p);
    assert_none_left(secrets, SECRETS, "the end of a ring");
}

typedef struct one_opening {
    parties *p;
    sipveil_span wire;
    sipveil_code code;
} one_opening;

/* By a worker that did nothing else. */
static void open_once(void *given)
{
    one_opening *o = given;
    sipveil_open_options options;
    sipveil_opened opened;
    sipveil_error err;
    sipveil_open_options_default(&options);
    options.keyring = o->p->ring;
    begin_worker(o->p);
    o->code = sipveil_tunnel_open_message(o->p->worker, &options, o->wire, &opened, &err);
    end_worker(o->p);
}

enum { SEALED_MOST = 16384 };

static void seal_and_open(parties *p, const sipveil_key *to, const sipveil_key *signer, const char *what)
{
    static uint8_t sealed_octets[SEALED_MOST];
    sipveil_seal_options seal;
    sipveil_open_options options;
    sipveil_sealed sealed;
    sipveil_opened opened;
    sipveil_error err;
    sipveil_span wire = {sealed_octets, 0};
    sipveil_seal_options_default(&seal);
    seal.recipients = &to;
    seal.recipient_count = 1;
    seal.signers = &signer;
    seal.signer_count = signer != NULL;
    seal.pbkdf2_iterations = 1000;
    seal.compress = signer != NULL;
    begin_worker(p);
    sipveil_code code = sipveil_tunnel_seal_message(p->worker, &seal, sv_span_str(m->message), &sealed, &err);
    if (code != SIPVEIL_OK) fail_msg("%s", err.text);
    assert_true(sealed.message.len <= SEALED_MOST);
    memcpy(sealed_octets, sealed.message.data, sealed.message.len);
    wire.len = sealed.message.len;
    end_worker(p);
    assert_none_left(secrets, OF_MESSAGE, what);
    begin_worker(p);
    sipveil_open_options_default(&options);
    options.keyring = p->ring;
    for (int broken = 0; broken < 2; broken++) {
        if (broken) sealed_octets[wire.len - 30] ^= 1;
        code = sipveil_tunnel_open_message(p->worker, &options, wire, &opened, &err);
        if (!broken && code != SIPVEIL_OK) fail_msg("%s", err.text);
        if (!broken) assert_int_equal(scan_for(secrets + BODY, 1).count > 0, 1);
        if (broken) assert_true(code != SIPVEIL_OK);
        /* The next call wipes what the last one had. */
        assert_int_equal(sipveil_tunnel_open_message(p->worker, &options, SV_SPAN("no message"), &opened, &err), SIPVEIL_MALFORMED);
        assert_none_left(secrets + BODY, 1, what);
    }
    end_worker(p);
    assert_none_left(secrets, OF_MESSAGE, what);
    /* No other call after it: what it left on the stack is still there. */
    sealed_octets[wire.len - 30] ^= 1;
    one_opening once = {p, wire, SIPVEIL_OK};
    scan_below(open_once, &once);
    assert_none_left(secrets, OF_MESSAGE, what);
    assert_int_equal(once.code, SIPVEIL_OK);
    for (size_t i = KEK; i < OF_VAULT; i++) {
        scan_found found = scan_for(secrets + i, 1);
        if (found.count != 1) fail_msg("%s is in %zu places after %s", secrets[i].name, found.count, what);
        if (!found.all_not_dumped && !is_emulated()) fail_msg("%s may come into a core file after %s", secrets[i].name, what);
    }
}

static void messages(void **state)
{
    parties p;
    (void)state;
    begin_parties(&p);
    seal_and_open(&p, p.kek, NULL, "a shared key");
    seal_and_open(&p, p.kek, p.keys[ALICE], "a shared key and a signature");
    seal_and_open(&p, p.password, NULL, "a password");
    seal_and_open(&p, p.keys[BOB_P256], p.keys[ALICE], "P-256");
    seal_and_open(&p, p.keys[BOB_LOCKED], NULL, "P-256, the other");
    seal_and_open(&p, p.keys[BOB_RSA], p.keys[ALICE], "RSA");
    seal_and_open(&p, p.keys[BOB_X25519], p.keys[ALICE], "X25519");
    end_parties(&p);
    assert_none_left(secrets, SECRETS, "the end of a ring");
}

int main(void)
{
    if (scan_is_senseless()) return 77;
    if (CRYPTO_set_mem_functions(NULL, NULL, scan_wiping_free) != 1) return 2;
    m = scan_share(sizeof *m, make_material);
    if (m == NULL) return 2;
    list_secrets();
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_found), cmocka_unit_test(a_ring), cmocka_unit_test(messages)};
    int failed = cmocka_run_group_tests_name("nothing is left", tests, NULL, NULL);
    unlink(m->anchor);
    return failed;
}
