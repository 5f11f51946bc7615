/* SPDX-License-Identifier: BSD-2-Clause */
/* `openssl cms` opens what we seal, and we open what it writes: DER and, with -stream, BER of
 * indefinite lengths; shared keys, RSA with OAEP and v1.5, ECDH, passwords; CBC and GCM. */
#include "cms/envelopes.h"
#include "cms/outside.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char text[] = "Content-Type: text/plain\r\n\r\nhello over there\r\n";

#define OPENSSL "/usr/bin/openssl"

/* Runs `openssl cms` with these words, its files in our folder; true if it says it succeeded. */
static bool cms(const char *const *words)
{
    const char *argv[40] = {OPENSSL, "cms"};
    size_t n = 2;
    for (; *words != NULL && n < 39; words++) argv[n++] = *words;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int log = open(path_of("log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 || chdir(folder) != 0) _exit(126);
        execv(OPENSSL, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void put_certificate(fixture *f, const char *kind)
{
    sv_cms_key key = test_key(f, kind);
    char name[64];
    snprintf(name, sizeof name, "%s.pem", kind);
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, key.certificate), 1);
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, key.private_key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    fixture_setup(state);
    fixture *f = *state;
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/sipveil-interop-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(folder) == NULL) return -1;
    builder = f;
    write_file("text", sv_span(text, sizeof text - 1));
    put_certificate(f, "rsa2048");
    put_certificate(f, "P-256");
    put_certificate(f, "P-384");
    put_certificate(f, "P-521");
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"text", "rsa2048.pem", "P-256.pem", "P-384.pem", "P-521.pem", "sealed", "out", "log"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(path_of(names[i]));
    rmdir(folder);
    return fixture_teardown(state);
}

static void need_openssl(void)
{
    if (access(OPENSSL, X_OK) == 0) return;
    print_message("skipped: openssl is not installed\n");
    skip();
}

static const char kek_hex[] = "102132435465768798a9bacbdcedfe0f010203040506070809";

/* Words that name the key of a kind for -decrypt, or the recipient for -encrypt. */
static size_t key_words(const char *kind, bool decrypt, const char **words, char hex_key[80])
{
    size_t n = 0;
    if (strncmp(kind, "kek", 3) == 0) {
        size_t octets = strtoul(kind + 3, NULL, 10) / 8;
        for (size_t i = 0; i < octets; i++) snprintf(hex_key + 2 * i, 3, "%02x", kek_octets[i]);
        assert_memory_equal(hex_key, kek_hex, 32);
        words[n++] = "-secretkey";
        words[n++] = hex_key;
        words[n++] = "-secretkeyid";
        words[n++] = strcmp(kind, "kek128") == 0 ? "6b656b313238" : strcmp(kind, "kek192") == 0 ? "6b656b313932" : "6b656b323536";
    } else if (strcmp(kind, "password") == 0) {
        words[n++] = "-pwri_password";
        words[n++] = "correct horse";
    } else {
        const char *file = path_of(strcmp(kind, "rsa2048") == 0 ? "rsa2048.pem" : strcmp(kind, "P-256") == 0 ? "P-256.pem"
                                   : strcmp(kind, "P-384") == 0 ? "P-384.pem" : "P-521.pem");
        words[n++] = "-recip";
        words[n++] = file;
        if (decrypt) words[n++] = "-inkey", words[n++] = file;
    }
    return n;
}

static const char *const shared_kinds[] = {"kek128", "kek192", "kek256", "rsa2048", "P-256", "P-384", "P-521", "password"};
enum { SHARED = sizeof shared_kinds / sizeof *shared_kinds };

static void test_openssl_opens_ours(void **state)
{
    fixture *f = *state;
    need_openssl();
    for (size_t k = 0; k < SHARED; k++) {
        sv_cms_key key = test_key(f, shared_kinds[k]);
        for (sipveil_cipher c = SIPVEIL_CIPHER_AES_128_GCM; c <= SIPVEIL_CIPHER_AES_256_CBC; c++) {
            const char *words[20] = {"-decrypt", "-binary", "-inform", "DER", "-in", "sealed", "-out", "out"};
            char hex_key[80];
            sv_arena_reset(f->arena);
            write_file("sealed", seal(f, &key, 1, c, sv_span(text, sizeof text - 1)));
            (void)key_words(shared_kinds[k], true, words + 8, hex_key);
            if (!cms(words)) fail_msg("%s %s", shared_kinds[k], sipveil_cipher_name(c));
            assert_true(sv_equal_str(read_file(f, "out"), text));
        }
    }
}

static void test_openssl_opens_many(void **state)
{
    fixture *f = *state;
    need_openssl();
    sv_cms_key keys[SHARED + 1];
    for (size_t k = 0; k < SHARED; k++) keys[k] = test_key(f, shared_kinds[k]);
    keys[SHARED] = test_key(f, "x25519"); /* unknown to openssl cms; it must step over it */
    write_file("sealed", seal(f, keys, SHARED + 1, SIPVEIL_CIPHER_AES_256_GCM, sv_span(text, sizeof text - 1)));
    for (size_t k = 0; k < SHARED; k++) {
        const char *words[20] = {"-decrypt", "-binary", "-inform", "DER", "-in", "sealed", "-out", "out"};
        char hex_key[80];
        (void)key_words(shared_kinds[k], true, words + 8, hex_key);
        if (!cms(words)) fail_msg("%s", shared_kinds[k]);
        assert_true(sv_equal_str(read_file(f, "out"), text));
    }
}

static void open_theirs(fixture *f, const char *what, const char *kind, sipveil_cipher cipher, sipveil_code code)
{
    sv_cms_key key = test_key(f, kind);
    sv_opening out;
    sv_enveloped e;
    sipveil_error err;
    sipveil_span sealed = read_file(f, "sealed");
    if (read_sealed(f, sealed, &strict, &e, &err) != SIPVEIL_OK) fail_msg("%s: %s", what, err.text);
    assert_int_equal(e.cipher, cipher);
    sipveil_code found = open_read(f, &e, &key, 1, code == SIPVEIL_OK ? &strict : &tolerant, &out, &err);
    if (found != code) fail_msg("%s %s: %s", what, sipveil_cipher_name(cipher), err.text);
    if (code == SIPVEIL_POLICY && open_read(f, &e, &key, 1, &weak, &out, &err) != SIPVEIL_OK) fail_msg("%s: %s", what, err.text);
    assert_true(sv_equal_str(out.plaintext, text));
}

static void test_we_open_theirs(void **state)
{
    fixture *f = *state;
    need_openssl();
    static const struct {
        const char *what, *kind;
        const char *options[8];
        sipveil_code code;
    } rows[] = {
        {"AES-128 wrap", "kek128", {NULL}, SIPVEIL_OK},
        {"AES-192 wrap", "kek192", {NULL}, SIPVEIL_OK},
        {"AES-256 wrap", "kek256", {NULL}, SIPVEIL_OK},
        {"password", "password", {NULL}, SIPVEIL_OK},
        {"OAEP SHA-256", "rsa2048", {"-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"}, SIPVEIL_OK},
        {"OAEP SHA-512", "rsa2048", {"-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha512", "-keyopt", "rsa_mgf1_md:sha384"}, SIPVEIL_OK},
        {"OAEP SHA-1", "rsa2048", {"-keyopt", "rsa_padding_mode:oaep"}, SIPVEIL_OK},
        {"v1.5", "rsa2048", {NULL}, SIPVEIL_POLICY},
        {"ECDH SHA-256", "P-256", {"-keyopt", "ecdh_kdf_md:sha256"}, SIPVEIL_OK},
        {"ECDH SHA-256, cofactor", "P-256", {"-keyopt", "ecdh_kdf_md:sha256", "-keyopt", "ecdh_cofactor_mode:1"}, SIPVEIL_OK},
        {"ECDH SHA-384", "P-384", {"-keyopt", "ecdh_kdf_md:sha384"}, SIPVEIL_OK},
        {"ECDH SHA-512", "P-521", {"-keyopt", "ecdh_kdf_md:sha512"}, SIPVEIL_OK},
        {"ECDH SHA-224", "P-256", {"-keyopt", "ecdh_kdf_md:sha224"}, SIPVEIL_OK},
        {"ECDH SHA-1", "P-256", {NULL}, SIPVEIL_POLICY},
        {"by key identifier", "P-256", {"-keyid", "-keyopt", "ecdh_kdf_md:sha256"}, SIPVEIL_OK},
        {"by key identifier", "rsa2048", {"-keyid", "-keyopt", "rsa_padding_mode:oaep"}, SIPVEIL_OK},
    };
    static const struct {
        sipveil_cipher cipher;
        const char *name;
    } ciphers[] = {
        {SIPVEIL_CIPHER_AES_128_CBC, "-aes-128-cbc"}, {SIPVEIL_CIPHER_AES_192_CBC, "-aes-192-cbc"},
        {SIPVEIL_CIPHER_AES_256_CBC, "-aes-256-cbc"}, {SIPVEIL_CIPHER_AES_128_GCM, "-aes-128-gcm"},
        {SIPVEIL_CIPHER_AES_192_GCM, "-aes-192-gcm"}, {SIPVEIL_CIPHER_AES_256_GCM, "-aes-256-gcm"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t c = 0; c < 6; c++) {
            bool password = strcmp(rows[i].kind, "password") == 0;
            if (password && c >= 3) continue; /* it wants a CBC cipher for the key then, and has no option */
            for (int stream = 0; stream < 2; stream++) {
                const char *words[40] = {"-encrypt", "-binary", "-outform", "DER", "-in", "text", "-out", "sealed", ciphers[c].name};
                char hex_key[80];
                size_t n = 9;
                if (stream) words[n++] = "-stream";
                n += key_words(rows[i].kind, false, words + n, hex_key);
                for (size_t o = 0; o < 8 && rows[i].options[o] != NULL; o++) words[n++] = rows[i].options[o];
                if (!cms(words)) fail_msg("openssl cms -encrypt: %s %s", rows[i].what, ciphers[c].name);
                sv_arena_reset(f->arena);
                sipveil_span sealed = read_file(f, "sealed");
                assert_int_equal(sealed.data[1] == 0x80, stream); /* indefinite when streamed */
                sv_enveloped e;
                sipveil_error err;
                assert_int_equal(read_sealed(f, sealed, &strict, &e, &err), SIPVEIL_OK);
                sv_recipient room;
                const sv_recipient *r = sv_cms_recipient(&e, 0, &room);
                bool certificate = r->kind == SV_RECIPIENT_KTRI || r->kind == SV_RECIPIENT_KARI;
                bool by_key = rows[i].options[0] != NULL && strcmp(rows[i].options[0], "-keyid") == 0;
                assert_int_equal(r->issuer.len > 0, certificate && !by_key);
                open_theirs(f, rows[i].what, rows[i].kind, ciphers[c].cipher, rows[i].code);
            }
        }
    }
}

static void test_their_triple_des(void **state)
{
    fixture *f = *state;
    need_openssl();
    const char *words[20] = {"-encrypt", "-binary", "-outform", "DER", "-in", "text", "-out", "sealed", "-des3"};
    char hex_key[80];
    (void)key_words("kek128", false, words + 9, hex_key);
    assert_true(cms(words));
    open_theirs(f, "3DES", "kek128", SIPVEIL_CIPHER_DES_EDE3_CBC, SIPVEIL_POLICY);
}

/* 60 KiB in the segments that openssl chooses */
static void test_their_segments(void **state)
{
    fixture *f = *state;
    need_openssl();
    uint8_t *large = sv_arena_alloc(f->arena, 60000);
    memset(large, 'y', 60000);
    write_file("text", sv_span(large, 60000));
    const char *words[20] = {"-encrypt", "-binary", "-stream", "-outform", "DER", "-in", "text", "-out", "sealed", "-aes-128-cbc"};
    char hex_key[80];
    (void)key_words("kek128", false, words + 10, hex_key);
    assert_true(cms(words));
    write_file("text", sv_span(text, sizeof text - 1));
    sv_cms_key key = test_key(f, "kek128");
    sv_opening out;
    sipveil_error err;
    assert_int_equal(open_sealed(f, read_file(f, "sealed"), &key, 1, &strict, &out, &err), SIPVEIL_OK);
    assert_true(sv_equal(out.plaintext, sv_span(large, 60000)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openssl_opens_ours), cmocka_unit_test(test_openssl_opens_many),
        cmocka_unit_test(test_we_open_theirs),     cmocka_unit_test(test_their_triple_des),
        cmocka_unit_test(test_their_segments),
    };
    return cmocka_run_group_tests_name("openssl cms and we", tests, setup, teardown);
}
