/* SPDX-License-Identifier: BSD-2-Clause */
/* Sealing and opening: every kind of recipient with every cipher, alone and mixed; the structure
 * written; what is opened and by which key. Hostile messages are in enveloped_hostile.c. */
#include "cms/envelopes.h"

#include <stdio.h>
#include <unistd.h>

static void test_round_trips(void **state)
{
    fixture *f = *state;
    static const size_t lengths[] = {0, 1, 15, 16, 17, 900};
    uint8_t content[900];
    memset(content, 'x', sizeof content);
    for (size_t k = 0; k < KINDS; k++) {
        sv_cms_key key = test_key(f, kinds[k]);
        for (sipveil_cipher c = SIPVEIL_CIPHER_AES_128_GCM; c <= SIPVEIL_CIPHER_AES_256_CBC; c++) {
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
                sipveil_span cek;
                sv_seal_request request = {.cipher = c, .recipients = &key, .recipient_count = 1,
                                           .pbkdf2_iterations = TEST_ITERATIONS, .cek_out = &cek};
                sv_arena_reset(f->arena);
                sipveil_span sealed = seal_with(f, &request, sv_span(content, lengths[i]));
                sv_enveloped e;
                sv_opening out;
                sipveil_error err;
                assert_int_equal(sv_der_scan(sealed, sipveil_context_limits(f->context), true, &err), SIPVEIL_OK);
                assert_int_equal(read_sealed(f, sealed, &strict, &e, &err), SIPVEIL_OK); /* CMS-01: versions */
                assert_int_equal(e.cipher, c);
                assert_int_equal(e.recipient_count, 1);
                bool is_weak;
                sv_recipient room;
                (void)sv_cms_describe_recipient(sv_cms_recipient(&e, 0, &room), f->arena, &is_weak);
                assert_false(is_weak);
                assert_true(sv_cms_fits_at(&e, 0, &key));
                if (open_read(f, &e, &key, 1, &strict, &out, &err) != SIPVEIL_OK) {
                    fail_msg("%s %s: %s", kinds[k], sipveil_cipher_name(c), err.text);
                }
                assert_true(sv_equal(out.plaintext, sv_span(content, lengths[i])));
                assert_true(sv_equal(out.cek, cek) && cek.len == sv_cipher_row_of(c)->key_length);
            }
        }
    }
}

static const struct {
    const char *kind;
    sipveil_cipher cipher;
    const char *algorithm;
    unsigned strength;
} names[] = {
    {"kek128", SIPVEIL_CIPHER_AES_256_GCM, "aes128-wrap", 128}, /* TUN-56, TUN-84: the weaker counts */
    {"kek192", SIPVEIL_CIPHER_AES_256_GCM, "aes192-wrap", 192},
    {"kek256", SIPVEIL_CIPHER_AES_128_GCM, "aes256-wrap", 128},
    {"rsa2048", SIPVEIL_CIPHER_AES_256_GCM, "rsa-oaep-sha256", 112},
    {"P-256", SIPVEIL_CIPHER_AES_128_GCM, "ecdh-p256-x963-sha256+aes128-wrap", 128}, /* TUN-56: equal sizes */
    {"P-256", SIPVEIL_CIPHER_AES_256_CBC, "ecdh-p256-x963-sha256+aes256-wrap", 128},
    {"P-384", SIPVEIL_CIPHER_AES_192_GCM, "ecdh-p384-x963-sha384+aes192-wrap", 192},
    {"P-521", SIPVEIL_CIPHER_AES_256_GCM, "ecdh-p521-x963-sha512+aes256-wrap", 256},
    {"x25519", SIPVEIL_CIPHER_AES_256_GCM, "ecdh-x25519-hkdf-sha256+aes256-wrap", 128},
    {"password", SIPVEIL_CIPHER_AES_256_GCM, "pbkdf2-sha256+aes256-cbc", 256},
};

static void test_names_and_strength(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sv_cms_key key = test_key(f, names[i].kind);
        sv_enveloped e;
        sv_opening out;
        sipveil_error err;
        sv_arena_reset(f->arena);
        sipveil_span sealed = seal(f, &key, 1, names[i].cipher, SV_SPAN("hello"));
        assert_int_equal(read_sealed(f, sealed, &strict, &e, &err), SIPVEIL_OK);
        bool is_weak;
        sv_recipient room;
        assert_string_equal(sv_cms_describe_recipient(sv_cms_recipient(&e, 0, &room), f->arena, &is_weak), names[i].algorithm);
        assert_int_equal(open_read(f, &e, &key, 1, &strict, &out, &err), SIPVEIL_OK);
        assert_int_equal(out.strength_bits, names[i].strength);
        if (strcmp(names[i].kind, "x25519") == 0) assert_int_equal(e.recipients[0].derivation->ukm.len, 32); /* CMS-11 */
    }
}

/* Sixty-four recipients of every kind; each key opens it alone, and none opens what is not for it. */
static void test_many_recipients(void **state)
{
    fixture *f = *state;
    enum { COUNT = 64 };
    sv_cms_key keys[COUNT + 1];
    char ids[COUNT + 1][8];
    sipveil_error err;
    sv_opening out;
    for (size_t i = 0; i <= COUNT; i++) {
        keys[i] = test_key(f, i < KINDS ? kinds[i] : "kek256");
        if (i < KINDS) continue;
        snprintf(ids[i], sizeof ids[i], "id-%zu", i);
        keys[i].kek_id = sv_span_str(ids[i]);
    }
    for (int cbc = 0; cbc < 2; cbc++) {
        sv_arena_reset(f->arena);
        sipveil_span sealed = seal(f, keys, COUNT, cbc ? SIPVEIL_CIPHER_AES_128_CBC : SIPVEIL_CIPHER_AES_256_GCM,
                                   SV_SPAN("hello"));
        sv_enveloped e;
        assert_int_equal(read_sealed(f, sealed, &strict, &e, &err), SIPVEIL_OK);
        assert_int_equal(e.version, cbc ? 3 : 0);
        assert_int_equal(e.recipient_count, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(open_read(f, &e, &keys[i], 1, &strict, &out, &err), SIPVEIL_OK);
            assert_true(sv_equal_str(out.plaintext, "hello"));
            assert_int_equal(out.key, 0);
            assert_true(sv_cms_fits_at(&e, out.recipient, &keys[i]));
        }
        assert_int_equal(open_read(f, &e, keys, COUNT, &strict, &out, &err), SIPVEIL_OK);
        assert_int_equal(keys[out.key].kind, SV_CMS_KEY_KEK); /* the cheapest that fits */
        assert_int_equal(open_read(f, &e, &keys[COUNT], 1, &strict, &out, &err), SIPVEIL_NO_KEY);
    }
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_256_GCM, .recipients = keys, .recipient_count = COUNT + 1};
    sv_buffer buffer;
    sv_buffer_init(&buffer, f->arena, 64, 1 << 20);
    assert_int_equal(sv_cms_seal_enveloped(f->crypto, &request, SV_SPAN("x"), f->arena, &buffer, &err), SIPVEIL_LIMIT);
    assert_int_equal(buffer.len, 0);
}

/* ADV-099 */
static void test_by_key_identifier(void **state)
{
    fixture *f = *state;
    static const char *const named[] = {"rsa2048", "P-256", "x25519"};
    for (size_t i = 0; i < 3; i++) {
        sv_cms_key key = test_key(f, named[i]);
        sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_CBC, .recipients = &key, .recipient_count = 1,
                                   .by_key_identifier = true};
        sv_enveloped e;
        sv_opening out;
        sipveil_error err;
        size_t at;
        sv_arena_reset(f->arena);
        sipveil_span sealed = seal_with(f, &request, SV_SPAN("hello"));
        assert_int_equal(read_sealed(f, sealed, &strict, &e, &err), SIPVEIL_OK);
        assert_int_equal(e.recipients[0].issuer.len, 0);
        assert_false(sv_find(sealed, key.issuer, &at));
        assert_int_equal(open_read(f, &e, &key, 1, &strict, &out, &err), SIPVEIL_OK);
        assert_int_equal(e.version, 2);
    }
}

/* What a CEK of an earlier message needs: attributes that the reader gets back, and the key (RFC 3185). */
static void test_attributes(void **state)
{
    fixture *f = *state;
    static const char attribute[] = "\x30\x1D\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x02\x1E\x31\x0E\x04\x0C" "cek-number-1";
    sv_cms_key key = test_key(f, "kek128");
    for (int cbc = 0; cbc < 2; cbc++) {
        sv_seal_request request = {.cipher = cbc ? SIPVEIL_CIPHER_AES_128_CBC : SIPVEIL_CIPHER_AES_128_GCM,
                                   .recipients = &key, .recipient_count = 1,
                                   .attributes = sv_span(attribute, sizeof attribute - 1)};
        sv_enveloped e;
        sv_opening out;
        sipveil_error err;
        size_t at;
        sv_arena_reset(f->arena);
        assert_int_equal(read_sealed(f, seal_with(f, &request, SV_SPAN("hello")), &strict, &e, &err), SIPVEIL_OK);
        assert_int_equal(e.version, cbc ? 2 : 0);
        sipveil_span found = cbc ? e.unprotected_attributes : e.auth_attributes;
        assert_true(sv_find(found, SV_SPAN("cek-number-1"), &at));
        assert_true(cbc || found.data[0] == SV_DER_SET);
        assert_int_equal((cbc ? e.auth_attributes : e.unprotected_attributes).len, 0);
        assert_int_equal(open_read(f, &e, &key, 1, &strict, &out, &err), SIPVEIL_OK);
    }
}

/* CMS-04: content that is not id-data comes with its type, authenticated */
static void test_other_content(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek256");
    for (int cbc = 0; cbc < 2; cbc++) {
        sv_seal_request request = {.cipher = cbc ? SIPVEIL_CIPHER_AES_256_CBC : SIPVEIL_CIPHER_AES_256_GCM,
                                   .recipients = &key, .recipient_count = 1,
                                   .content_type_oid = "1.2.840.113549.1.9.16.1.9"};
        sv_enveloped e;
        sv_opening out;
        sipveil_error err;
        sv_arena_reset(f->arena);
        assert_int_equal(read_sealed(f, seal_with(f, &request, SV_SPAN("hello")), &strict, &e, &err), SIPVEIL_OK);
        assert_int_equal(e.content_kind, SV_CMS_COMPRESSED);
        assert_int_equal(e.auth_attributes.len > 0, !cbc);
        assert_int_equal(open_read(f, &e, &key, 1, &strict, &out, &err), SIPVEIL_OK);
    }
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_256_GCM, .recipients = &key, .recipient_count = 1,
                               .content_type_oid = "not an oid"};
    sipveil_error err;
    sv_buffer buffer;
    sv_buffer_init(&buffer, f->arena, 64, 1 << 20);
    assert_int_equal(sv_cms_seal_enveloped(f->crypto, &request, SV_SPAN("x"), f->arena, &buffer, &err), SIPVEIL_USAGE);
}

static void test_seal_refused(void **state)
{
    fixture *f = *state;
    sv_cms_key kek = test_key(f, "kek128"), short_kek = kek, empty = test_key(f, "password");
    sv_cms_key signer = test_key(f, "ed25519"), small = test_key(f, "rsa1024"), nameless = test_key(f, "P-256");
    sv_cms_key other_curve = test_key(f, "secp256k1");
    short_kek.kek.len = 15;
    empty.password.len = 0;
    nameless.issuer.len = 0;
    const struct {
        const char *what;
        const sv_cms_key *key;
        sipveil_cipher cipher;
        sipveil_code code;
    } rows[] = {
        {"ADV-093 short key", &short_kek, SIPVEIL_CIPHER_AES_128_GCM, SIPVEIL_POLICY},
        {"ADV-096 empty password", &empty, SIPVEIL_CIPHER_AES_128_GCM, SIPVEIL_POLICY},
        {"ADV-098 signing key", &signer, SIPVEIL_CIPHER_AES_128_GCM, SIPVEIL_POLICY},
        {"ADV-098 RSA-1024", &small, SIPVEIL_CIPHER_AES_128_GCM, SIPVEIL_POLICY},
        {"another curve", &other_curve, SIPVEIL_CIPHER_AES_128_GCM, SIPVEIL_POLICY},
        {"no issuer", &nameless, SIPVEIL_CIPHER_AES_128_GCM, SIPVEIL_POLICY},
        {"ADV-063 3DES", &kek, SIPVEIL_CIPHER_DES_EDE3_CBC, SIPVEIL_POLICY},
        {"no cipher", &kek, SIPVEIL_CIPHER_NONE, SIPVEIL_USAGE},
        {"nobody", NULL, SIPVEIL_CIPHER_AES_128_GCM, SIPVEIL_USAGE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_span cek = SV_SPAN("x");
        sv_seal_request request = {.cipher = rows[i].cipher, .recipients = rows[i].key,
                                   .recipient_count = rows[i].key != NULL, .cek_out = &cek};
        sipveil_error err;
        sv_buffer out;
        sv_buffer_init(&out, f->arena, 64, 1 << 20);
        sipveil_code code = sv_cms_seal_enveloped(f->crypto, &request, SV_SPAN("x"), f->arena, &out, &err);
        if (code != rows[i].code) fail_msg("%s: %s", rows[i].what, err.text);
        assert_true(out.len == 0 && cek.len == 0);
    }
}

/* ADV-096: exact octets, whatever they are */
static void test_password_octets(void **state)
{
    fixture *f = *state;
    static const char with_nul[] = "a\0b", with_newline[] = "a\n";
    uint8_t *large = sv_arena_alloc(f->keys, 1 << 20);
    const sipveil_span passwords[] = {sv_span(with_nul, 3), sv_span("a", 1), sv_span(with_newline, 2),
                                      SV_SPAN("\xC3\xA9"), SV_SPAN("e\xCC\x81"), sv_span(large, 1 << 20)};
    enum { COUNT = sizeof passwords / sizeof *passwords };
    for (size_t i = 0; i < COUNT; i++) {
        sv_arena_reset(f->arena);
        sv_cms_key key = {.kind = SV_CMS_KEY_PASSWORD, .password = passwords[i]};
        sipveil_span sealed = seal(f, &key, 1, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
        for (size_t k = 0; k < COUNT; k++) {
            sv_cms_key other = {.kind = SV_CMS_KEY_PASSWORD, .password = passwords[k]};
            expect(f, "password", sealed, &other, &strict, i == k ? SIPVEIL_OK : SIPVEIL_CANNOT_DECRYPT);
        }
    }
}

/* A context whose generator fails seals nothing (ADV-214), and one with a fixed generator always the same. */
static uint8_t counter;
static bool broken;
static bool counting(void *user, uint8_t *out, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++) out[i] = counter++;
    return !broken;
}

static void test_random_hook(void **state)
{
    fixture *f = *state;
    fixture own = *f;
    sipveil_hooks hooks;
    sipveil_error err;
    sv_buffer out;
    sipveil_hooks_default(&hooks);
    hooks.random = counting;
    assert_int_equal(sipveil_context_new(&hooks, &own.context, &err), SIPVEIL_OK);
    assert_int_equal(sv_crypto_new(own.context, &own.crypto, &err), SIPVEIL_OK);
    sv_cms_key keys[] = {test_key(f, "kek128"), test_key(f, "password")};
    counter = 0;
    sipveil_span first = seal(&own, keys, 2, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
    counter = 0;
    sipveil_span second = seal(&own, keys, 2, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
    assert_true(sv_equal(first, second));
    broken = true;
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = keys, .recipient_count = 1};
    sv_buffer_init(&out, f->arena, 64, 1 << 20);
    assert_int_equal(sv_cms_seal_enveloped(own.crypto, &request, SV_SPAN("x"), f->arena, &out, &err), SIPVEIL_INTERNAL);
    assert_int_equal(out.len, 0);
    broken = false;
    sv_crypto_free(own.crypto);
    sipveil_context_free(own.context);
}

/* The arena has no room: INTERNAL at every place, and nothing is written. */
static void test_no_memory(void **state)
{
    fixture *f = *state;
    sv_cms_key keys[] = {test_key(f, "kek128"), test_key(f, "P-256"), test_key(f, "password")};
    sipveil_span sealed = copy_of(f, seal(f, keys, 3, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello")));
    size_t sealings = 0, openings = 0;
    for (size_t room = 16; room < 8192; room += 16) {
        sv_arena *arena = sv_arena_new(room, room);
        assert_non_null(arena);
        sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = keys, .recipient_count = 3,
                                   .pbkdf2_iterations = TEST_ITERATIONS};
        sv_buffer out;
        sipveil_error err;
        sv_buffer_init(&out, f->arena, 4096, 1 << 20);
        sipveil_code code = sv_cms_seal_enveloped(f->crypto, &request, SV_SPAN("hello"), arena, &out, &err);
        assert_true(code == SIPVEIL_OK ? out.len > 0 : code == SIPVEIL_INTERNAL && out.len == 0);
        sealings += code == SIPVEIL_OK;
        sv_arena_reset(arena);
        fixture small = *f;
        small.arena = arena;
        sv_opening opening;
        code = open_sealed(&small, sealed, &keys[1], 1, &strict, &opening, &err);
        assert_true(code == SIPVEIL_OK || code == SIPVEIL_INTERNAL);
        openings += code == SIPVEIL_OK;
        sv_arena_free(arena);
    }
    assert_true(sealings > 0 && sealings < 511 && openings > 0 && openings < 511);
}

static bool is_installed(const char *program)
{
    char path[64];
    snprintf(path, sizeof path, "/usr/bin/%s", program);
    return access(path, X_OK) == 0;
}

/* What we write is DER to somebody else as well. */
static void test_dumpasn1(void **state)
{
    fixture *f = *state;
    if (!is_installed("dumpasn1")) {
        print_message("skipped: dumpasn1 is not installed\n");
        skip();
    }
    for (size_t k = 0; k < KINDS; k++) {
        for (int cbc = 0; cbc < 2; cbc++) {
            char path[] = "/tmp/sipveil-test-XXXXXX", command[96], line[128], last[128] = "";
            sv_cms_key key = test_key(f, kinds[k]);
            sv_arena_reset(f->arena);
            sipveil_span sealed = seal(f, &key, 1, cbc ? SIPVEIL_CIPHER_AES_256_CBC : SIPVEIL_CIPHER_AES_256_GCM, SV_SPAN("hello"));
            int fd = mkstemp(path);
            assert_true(fd >= 0 && write(fd, sealed.data, sealed.len) == (ssize_t)sealed.len);
            close(fd);
            snprintf(command, sizeof command, "dumpasn1 -a -e %s 2>&1", path);
            FILE *report = popen(command, "r");
            assert_non_null(report);
            while (fgets(line, sizeof line, report) != NULL) {
                strcpy(last, line);
            }
            pclose(report);
            unlink(path);
            if (strstr(last, "0 warnings, 0 errors") == NULL) fail_msg("%s: %s", kinds[k], last);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),       cmocka_unit_test(test_names_and_strength),
        cmocka_unit_test(test_many_recipients),   cmocka_unit_test(test_by_key_identifier),
        cmocka_unit_test(test_attributes),        cmocka_unit_test(test_other_content),
        cmocka_unit_test(test_seal_refused),      cmocka_unit_test(test_password_octets),
        cmocka_unit_test(test_random_hook),       cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_dumpasn1),
    };
    return cmocka_run_group_tests_name("sealing and opening", tests, envelope_setup, fixture_teardown);
}
